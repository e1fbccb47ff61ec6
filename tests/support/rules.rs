//! Random programmes as text, well typed by construction: what they reach is the checker, the lowering and everything
//! behind it. The text is a function of the seed alone.

use crate::generate::{self, Random};
use perq_compiler::evaluate::{Bindings, Bits};
use perq_compiler::ir::{MISSING, Program, Slot, SlotType};

/// What may be named where an expression stands.
#[derive(Clone, Copy, Default)]
struct Scope {
    line: bool,
    unit: bool,
    payment: bool,
}

/// Writes a programme.
pub fn programme(seed: u64) -> String {
    Writer { numbers: Random::new(seed), lets: Vec::new() }.programme()
}

struct Writer {
    numbers: Random,
    /// Names of money lets of the rule at hand.
    lets: Vec<String>,
}

impl Writer {
    fn below(&mut self, n: usize) -> usize {
        self.numbers.below(n)
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        self.numbers.pick(choices)
    }

    fn programme(mut self) -> String {
        let rounding = self.pick(&["half_up", "half_even", "down", "up"]);
        let per = self.pick(&["line", "rule", "basket"]);
        let mut text = format!(
            "language 1\nprogram random {{ currency EUR zone \"Europe/Berlin\" rounding {rounding} }}\n\
             account bonus {{ unit points decimals 1 redeemable round down per {per} worth 1 points = 0.01 EUR }}\n\
             account status {{ unit stars decimals 0 qualifying round half_up per basket worth 3 stars = 1 EUR }}\n\
             enum Tier ordered {{ base, silver, gold }}\n\
             extend member {{ tier: Tier? spend: money = 0 EUR }}\n\
             extend line {{ weight: number? colour: brand? }}\n\
             param rate: percent {{ from 2026-01-01 = 1.5% from 2026-07-01 = 2% }}\n\
             param least: money = 12.50 EUR\n\
             table by_spend(spend: money) gives percent first_match {{\n  from 0 EUR until 10 EUR => 0%\n  \
             from 10 EUR until 99.99 EUR => 2.5%\n  otherwise => 7%\n}}\n\
             define half(m: money) gives money = m / 2\n\
             define share_of(l: line, p: percent) gives money = p of (l.paid - half(l.paid))\n\
             segment regulars = member known and member.spend >= 100 EUR\n"
        );
        for (index, kind) in ["line_discount", "set_discount", "order_discount", "earn"].iter().enumerate() {
            let displace = self.pick(&["none", "first", "best for member", "best for retailer", "chain"]);
            let displace = if *kind == "earn" && displace == "chain" { "none" } else { displace };
            let scope = if displace == "none" || displace == "chain" {
                ""
            } else {
                self.pick(&["per unit", "per line", "per basket"])
            };
            let scope = if *kind == "earn" && scope == "per unit" { "per line" } else { scope };
            let price = if *kind == "earn" {
                String::new()
            } else {
                format!("on_price {}", self.pick(&["original", "running"]))
            };
            let limit = match (self.below(3), *kind) {
                (0, "earn") => "limit 40 points per transaction else cut",
                (0, _) => "limit 30 EUR per transaction else cut",
                (1, "earn") => "",
                _ => "",
            };
            text.push_str(&format!(
                "group g{index} {{ kind {kind} displace {displace} {scope} {price} on purchase valid from 2026-01-01 {limit}\n"
            ));
            for rule in 0..=self.below(3) {
                text.push_str(&self.rule(&format!("r{index}_{rule}"), *kind == "earn", rule));
            }
            text.push_str("}\n");
        }
        text
    }

    fn rule(&mut self, name: &str, earns: bool, priority: usize) -> String {
        self.lets.clear();
        let mut text = format!("  rule {name} {{\n    priority {}\n", priority + 1);
        if self.below(6) == 0 {
            text.push_str("    valid 2026-02-01 through 2026-10-31\n");
        }
        if self.below(6) == 0 {
            text.push_str("    schedule days [mon, tue, fri] hours 21:00 until 03:00\n");
        }
        for _ in 0..self.below(3) {
            let condition = self.truth(3, Scope::default());
            let word = self.pick(&["when", "unless"]);
            text.push_str(&format!("    {word} {condition}\n"));
            if self.below(2) == 0 {
                let value = self.money(3, Scope::default());
                let local = format!("m{}", self.lets.len());
                text.push_str(&format!("    let {local} = {value}\n"));
                self.lets.push(local);
            }
        }
        let filter = self.truth(2, Scope { line: true, ..Scope::default() });
        text.push_str(&format!("    let some = lines where {filter}\n    then {{\n"));
        for _ in 0..=self.below(2) {
            let effect = if earns { self.award() } else { self.discount() };
            text.push_str(&format!("      {effect}\n"));
        }
        // Some rules speak; the others may be settled plainly.
        if text.len() % 3 == 0 {
            text.push_str("      say cashier \"given\"\n");
        }
        text.push_str("    }\n  }\n");
        text
    }

    fn award(&mut self) -> String {
        let line = Scope { line: true, ..Scope::default() };
        match self.below(5) {
            0 => format!("award {} as points", self.money(3, Scope::default())),
            1 => format!(
                "for each line in lines where {} {{ award {} as points rounded half_even }}",
                self.truth(2, line),
                self.money(2, line)
            ),
            2 => {
                let unit = Scope { unit: true, ..Scope::default() };
                format!("for each unit in {} {{ award 2 points * {} }}", self.units(), self.number(1, unit))
            }
            3 => format!("award {} as stars to status", self.money(2, Scope::default())),
            _ => format!(
                "award 3.5 points * (steps of {} in ({}))",
                self.amount(),
                self.money(2, Scope::default())
            ),
        }
    }

    fn discount(&mut self) -> String {
        let spread = format!(
            "spread by {}{}",
            self.pick(&["paid", "initial", "pieces", "equally"]),
            self.pick(&[
                "",
                " rest first_lines",
                " rounded down rest last_line",
                " rest running",
                " rest first_with_room"
            ])
        );
        match self.below(7) {
            0 => format!("discount {} on some", self.share()),
            1 => format!("discount {} on {}", self.share(), self.units()),
            2 => format!("discount max(0.01 EUR, {}) on some {spread}", self.money(2, Scope::default())),
            3 => format!("discount {} on basket {spread}", self.share()),
            4 => format!("price {} each for {}", self.amount(), self.units()),
            5 => format!("price {} total for some {spread}", self.amount()),
            _ => {
                let line = Scope { line: true, ..Scope::default() };
                format!("for each line in some {{ discount max(0.01 EUR, {}) on line }}", self.money(2, line))
            }
        }
    }

    /// A percent that is never out of bounds.
    fn share(&mut self) -> String {
        format!("max(0%, min({}, 90%))", self.percent(2, Scope::default()))
    }

    fn units(&mut self) -> String {
        let unit = Scope { unit: true, ..Scope::default() };
        let from = format!("units where {}", self.truth(1, unit));
        match self.below(5) {
            0 => from,
            1 => format!("cheapest {} of {from}", 1 + self.below(4)),
            2 => format!("dearest {} of {from}", 1 + self.below(4)),
            3 => format!("cheapest 1 in every {} of {from}", 2 + self.below(3)),
            _ => format!("every 3rd of {from} ordered by unit.price descending"),
        }
    }

    fn amount(&mut self) -> String {
        format!("{}.{:02} EUR", self.below(40), self.below(100)).replacen("0.00 EUR", "0.01 EUR", 1)
    }

    fn money(&mut self, depth: u32, scope: Scope) -> String {
        let choice = if depth == 0 { self.below(3) } else { self.below(15) };
        let d = depth.saturating_sub(1);
        match choice {
            0 => self.amount(),
            1 if scope.line => self.pick(&["line.paid", "line.initial", "line.price"]).to_owned(),
            1 if scope.unit => self.pick(&["unit.price", "unit.initial"]).to_owned(),
            1 | 2 => match self.lets.last() {
                Some(name) if self.numbers.below(2) == 0 => name.clone(),
                _ => self.pick(&["basket.paid", "basket.initial", "least"]).to_owned(),
            },
            3 | 4 => format!("({} + {})", self.money(d, scope), self.money(d, scope)),
            5 => format!("({} - {})", self.money(d, scope), self.money(d, scope)),
            6 => format!("({} of {})", self.percent(d, scope), self.money(d, scope)),
            7 => format!("({} * {})", self.money(d, scope), self.number(d, scope)),
            8 => format!("({} / {})", self.money(d, scope), self.number(d, scope)),
            9 => format!("min({}, {})", self.money(d, scope), self.money(d, scope)),
            10 if scope.line => format!("share_of(line, {})", self.percent(d, scope)),
            11 => format!("half({})", self.money(d, scope)),
            12 => format!(
                "(by event.weekday {{ sat => {}, otherwise => {} }})",
                self.money(d, scope),
                self.money(d, scope)
            ),
            _ if scope.line || scope.unit || scope.payment => self.amount(),
            13 => {
                let unit = Scope { unit: true, ..Scope::default() };
                format!("sum({} for {})", self.money(d.min(1), unit), self.units())
            }
            _ => {
                let line = Scope { line: true, ..Scope::default() };
                format!("sum({} for lines where {})", self.money(d.min(1), line), self.truth(d.min(1), line))
            }
        }
    }

    fn percent(&mut self, depth: u32, scope: Scope) -> String {
        let choice = if depth == 0 { self.below(2) } else { self.below(6) };
        let d = depth.saturating_sub(1);
        match choice {
            0 => format!("{}%", self.below(60)),
            1 => self.pick(&["rate", "12.5%", "0.0001%", "100%"]).to_owned(),
            2 => format!("min({} * {}, 35%)", self.percent(d, scope), self.number(d, scope)),
            3 => format!("by_spend({})", self.money(d, scope)),
            4 => format!("({} + 1%)", self.percent(d, scope)),
            _ => format!("(by {} {{ from 20 EUR => 5%, otherwise => 2% }})", self.money(d, scope)),
        }
    }

    fn number(&mut self, depth: u32, scope: Scope) -> String {
        let choice = if depth == 0 { self.below(2) } else { self.below(8) };
        let d = depth.saturating_sub(1);
        match choice {
            0 => format!("{}", 1 + self.below(9)),
            1 => format!("{}.{}", self.below(4), 1 + self.below(9)),
            2 => format!("({} / {})", self.money(d, scope), self.money(d, scope)),
            3 => format!("(steps of {} in ({}))", self.amount(), self.money(d, scope)),
            4 => format!("({} + {})", self.number(d, scope), self.number(d, scope)),
            5 => format!("({} mod 3)", self.number(d, scope)),
            _ if scope.line || scope.unit || scope.payment => "1.5".to_owned(),
            6 => format!(
                "count(lines where {})",
                self.truth(d.min(1), Scope { line: true, ..Scope::default() })
            ),
            _ => "distinct(line.sku for lines)".to_owned(),
        }
    }

    /// A point in time, from January to October.
    fn instant(&mut self) -> String {
        format!("2026-{:02}-{:02} {:02}:30", 1 + self.below(10), 1 + self.below(28), self.below(24))
    }

    /// The event's instant, moved by the clock or by the calendar.
    fn moved(&mut self) -> String {
        let unit = ["hours", "days", "months"][self.below(3)];
        let sign = ["+", "-"][self.below(2)];
        format!("event.at {sign} {} {unit}", 1 + self.below(40))
    }

    fn truth(&mut self, depth: u32, scope: Scope) -> String {
        let choice = if depth == 0 { self.below(4) } else { self.below(17) };
        let d = depth.saturating_sub(1);
        match choice {
            0 if scope.line => format!("line in category \"C{}\"", self.below(4)),
            0 if scope.unit => format!("unit in brand \"B{}\"", self.below(3)),
            0 => "member known".to_owned(),
            1 if scope.line => format!("line.pieces >= {} pcs", self.below(5)),
            1 if scope.unit => format!("unit.price > {}", self.amount()),
            1 => format!("purchase in store \"S{}\"", self.below(3)),
            2 => format!("(event.date in 2026-03-01 through 2026-{:02}-15)", 4 + self.below(8)),
            3 => format!("(basket.paid >= {})", self.amount()),
            4 => format!("({} and {})", self.truth(d, scope), self.truth(d, scope)),
            5 => format!("({} or {})", self.truth(d, scope), self.truth(d, scope)),
            6 => format!("not {}", self.truth(d, scope)),
            7 => format!("({} < {})", self.money(d, scope), self.money(d, scope)),
            8 => format!("({} != {})", self.number(d, scope), self.number(d, scope)),
            9 => format!("({} in {} through 50.00 EUR)", self.money(d, scope), self.amount()),
            10 => "(member known and member.tier known and member.tier >= silver)".to_owned(),
            11 => "regulars".to_owned(),
            12 => format!("({} >= {})", self.moved(), self.instant()),
            13 => {
                format!("({} in {} through 2026-11-{:02})", self.moved(), self.instant(), 1 + self.below(30))
            }
            _ if scope.line || scope.unit || scope.payment => "(event.time >= 12:00)".to_owned(),
            14 => {
                let payment = Scope { payment: true, ..Scope::default() };
                format!("any(payments where payment.type = cash or {})", self.truth(d.min(1), payment))
            }
            15 => {
                let line = Scope { line: true, ..Scope::default() };
                format!("all(lines where {})", self.truth(d, line))
            }
            _ => "(max(line.price for lines) known)".to_owned(),
        }
    }
}

/// A receipt as shops write them, in the programme's layout.
pub fn ordinary(random: &mut Random, program: &Program) -> generate::Input {
    let layout = &program.layout;
    let mut symbols = Vec::new();
    let lines = random.below(9);
    let payments = random.below(3);
    let mut rows = |slots: &[Slot], count: usize| -> Vec<i64> {
        (0..count)
            .flat_map(|_| slots.iter().map(|slot| value(random, slot, &mut symbols)).collect::<Vec<_>>())
            .collect()
    };
    let event = rows(&layout.event, 1);
    let lines = rows(&layout.line, lines);
    let payments = rows(&layout.payment, payments);
    let references = program.references.iter().map(|_| {
        let mut bits = Bits::default();
        bits.insert(random.below(4));
        bits
    });
    let references = references.collect();
    generate::Input {
        event,
        lines,
        line_width: layout.line.len(),
        payments,
        payment_width: layout.payment.len(),
        tables: Vec::new(),
        symbols,
        params: program
            .params
            .iter()
            .map(|param| param.values.last().map_or(0, |(_, value)| *value))
            .collect(),
        bindings: Bindings { references, zone: generate::clock(random) },
        fuel: 1_000_000,
    }
}

fn value(random: &mut Random, slot: &Slot, symbols: &mut Vec<u32>) -> i64 {
    if slot.optional && random.chance(20) {
        return MISSING;
    }
    match slot.ty {
        SlotType::Bool => random.between(0, 1),
        SlotType::Money { scale } => random.between(0, 4_000) * 10_i64.pow(u32::from(scale) - 2),
        SlotType::Points(_) => random.between(0, 500),
        SlotType::Percent => random.between(0, 250_000),
        SlotType::Count => random.pick(&[1, 1, 1, 2, 3, 6, 0]),
        SlotType::Number { .. } => random.between(0, 100_000),
        SlotType::Date => 20_454 + random.between(0, 364),
        SlotType::Time => random.between(0, 86_399),
        SlotType::Instant => 1_767_222_000 + random.between(0, 31_535_999),
        SlotType::Enum(_) => random.between(0, 2),
        SlotType::Symbol(_) => random.between(0, 5),
        SlotType::Set(_) => {
            let start = i64::try_from(symbols.len()).unwrap_or(0);
            symbols.extend([0, 2]);
            start << 32 | 2
        }
    }
}
