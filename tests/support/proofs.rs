//! Random programmes with promises, and baskets that try to break them: no `proved` may be broken by any basket, and
//! every witness must break its promise on both engines. What is a function of the seed alone.

use crate::generate::Random;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind, Session};
use perq_runtime::pack::Pack;
use perq_runtime::prove::{Desk, Known};

/// What a campaign found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Programmes.
    pub packs: u64,
    /// Promises that were proved.
    pub proved: u64,
    /// Promises that an event breaks.
    pub broken: u64,
    /// Promises of which neither is known.
    pub undecided: u64,
    /// Baskets that were decided against what is proved.
    pub baskets: u64,
    /// Proved promises that a basket breaks, and witnesses that do not.
    pub wrong: Vec<String>,
}

impl Report {
    /// Both together.
    pub fn add(&mut self, other: Report) {
        self.packs += other.packs;
        self.proved += other.proved;
        self.broken += other.broken;
        self.undecided += other.undecided;
        self.baskets += other.baskets;
        self.wrong.extend(other.wrong);
    }
}

const CATEGORIES: [&str; 3] = ["A", "B", "C"];

/// A programme with groups of prices and of awards, and promises of them.
pub fn programme(random: &mut Random) -> String {
    let rounding = random.pick(&["half_up", "half_even", "down", "up"]);
    let per = random.pick(&["line", "rule", "basket"]);
    let round = random.pick(&["down", "half_up", "up"]);
    let worth = random.pick(&["1 points = 1 EUR", "1 points = 0.01 EUR", "3 points = 0.10 EUR"]);
    let floor = if random.below(4) == 0 { "not_below line.least" } else { "" };
    let mut text = format!(
        "language 1\nprogram proofs {{ currency EUR zone \"UTC\" rounding {rounding} {floor} }}\n\
         account bonus {{ unit points decimals {} round {round} per {per} worth {worth} }}\n\
         enum Tier ordered {{ base, silver, gold }}\nextend member {{ tier: Tier = base }}\n\
         extend line {{ least: money = 0 EUR  promo: bool = false }}\n\
         param rate: percent = 5% in 1% through 12%\n",
        random.below(3)
    );
    let kinds = ["line_discount", "set_discount", "order_discount", "earn"];
    let mut groups: Vec<String> = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        if random.below(3) == 0 {
            continue;
        }
        let earns = *kind == "earn";
        let mut displace = random.pick(&["none", "first", "best for member", "best for retailer", "chain"]);
        if earns && displace == "chain" {
            displace = "none";
        }
        let mut scope = if displace == "none" || displace == "chain" {
            ""
        } else {
            random.pick(&["per unit", "per line", "per basket"])
        };
        if earns && scope == "per unit" {
            scope = "per line";
        }
        let price =
            if earns { String::new() } else { format!("on_price {}", random.pick(&["original", "running"])) };
        let limit = match (random.below(4), earns) {
            (0, true) => format!("limit {} points per transaction else cut", 1 + random.below(60)),
            (0, false) => format!(
                "limit {} EUR per transaction else {}",
                1 + random.below(20),
                random.pick(&["cut", "skip"])
            ),
            (_, _) => String::new(),
        };
        let excludes = match (earns, groups.last()) {
            (false, Some(group)) if random.below(3) == 0 => {
                format!("excludes group {group} {}", random.pick(&["", "when better"]))
            }
            (_, _) => String::new(),
        };
        let name = format!("g{index}");
        text.push_str(&format!(
            "group {name} {{ kind {kind} displace {displace} {scope} {price} on purchase {limit} {excludes}\n"
        ));
        if !earns {
            groups.push(name);
        }
        for rule in 0..=random.below(3) {
            text.push_str(&self::rule(random, &format!("r{index}_{rule}"), earns, rule));
        }
        text.push_str("}\n");
    }
    for at in 0..2 + random.below(3) {
        text.push_str(&promise(random, at));
    }
    text
}

fn category(random: &mut Random) -> &'static str {
    random.pick(&CATEGORIES)
}

fn of_line(random: &mut Random, word: &str) -> String {
    let category = category(random);
    match random.below(7) {
        0 | 1 => format!("where {word} in category \"{category}\""),
        2 => format!("where {word}.category known and not {word} in category \"{category}\""),
        3 => format!("where {word}.promo"),
        4 if word == "line" => {
            format!("where line.initial >= {}.{:02} EUR", random.below(5), random.below(100))
        }
        4 => format!("where unit.price >= {}.{:02} EUR", random.below(5), random.below(100)),
        5 => format!("where {word} in category \"{category}\" and not {word}.promo"),
        _ => String::new(),
    }
}

fn condition(random: &mut Random) -> String {
    match random.below(9) {
        0 => format!("when basket.initial >= {} EUR", 1 + random.below(30)),
        1 => format!("when basket.paid >= {} EUR", 1 + random.below(30)),
        2 => format!("when basket.initial < {} EUR", 5 + random.below(30)),
        3 => "when member known and member.tier = gold".to_owned(),
        4 => "when member known and member.tier < gold".to_owned(),
        5 => "when event.weekday = mon".to_owned(),
        6 => format!("valid 2026-0{}-01 through 2026-0{}-28", 1 + random.below(3), 3 + random.below(3)),
        _ => String::new(),
    }
}

fn rule(random: &mut Random, name: &str, earns: bool, priority: usize) -> String {
    let limit = match (random.below(6), earns) {
        (0, true) => format!("limit {} points per transaction else cut", 1 + random.below(20)),
        (0, false) => format!("limit {} EUR per transaction else cut", 1 + random.below(9)),
        (_, _) => String::new(),
    };
    let condition = condition(random);
    let effect = if earns { award(random) } else { discount(random) };
    format!("  rule {name} {{ priority {priority} {limit} {condition} then {effect} }}\n")
}

fn share(random: &mut Random) -> String {
    match random.below(8) {
        0 => "rate".to_owned(),
        1 => "(by event.weekday { sat => 10%, otherwise => 4% })".to_owned(),
        2 => format!("min({}%, rate)", random.below(30)),
        _ => format!("{}%", 1 + random.below(45)),
    }
}

fn discount(random: &mut Random) -> String {
    let lines = format!("lines {}", of_line(random, "line"));
    let units = format!("units {}", of_line(random, "unit"));
    let euros = format!("{}.{:02} EUR", random.below(4), 1 + random.below(99));
    let weight = random.pick(&["paid", "initial", "pieces", "equally"]);
    match random.below(11) {
        0 | 1 => format!("discount {} on {lines}", share(random)),
        2 | 3 => format!("discount {} on {units}", share(random)),
        4 => format!("discount {} on basket spread by {weight}", share(random)),
        5 => format!("discount {euros} on basket spread by {weight}"),
        6 => format!("discount {euros} on {units}"),
        7 => format!("discount {} on cheapest {} of {units}", share(random), 1 + random.below(3)),
        8 => format!("price {euros} each for {units}"),
        9 => format!("price {euros} total for {lines} spread by {weight}"),
        _ => {
            let percent = 1 + random.below(30);
            format!(
                "for each line in {lines} {{ discount max(0.01 EUR, min({percent}% of line.paid, {euros})) on line }}"
            )
        }
    }
}

fn award(random: &mut Random) -> String {
    let percent = 1 + random.below(9);
    match random.below(7) {
        0 | 1 => format!("award {percent}% of basket.paid as points"),
        2 | 3 => {
            format!(
                "for each line in lines {} {{ award {percent}% of line.paid as points }}",
                of_line(random, "line")
            )
        }
        4 => format!("award {} points", 1 + random.below(20)),
        5 => format!("award 2 points * (steps of {} EUR in (basket.paid))", 1 + random.below(9)),
        _ => format!(
            "for each line in lines {} {{ award {percent}% of line.initial as points rounded half_up }}",
            of_line(random, "line")
        ),
    }
}

fn promise(random: &mut Random, at: usize) -> String {
    let percent = random.below(90);
    let more = match random.below(4) {
        0 => String::new(),
        1 => " + 0.01 EUR".to_owned(),
        2 => format!(" + {} EUR", random.below(9)),
        _ => " + 0.05 EUR".to_owned(),
    };
    let line = of_line(random, "line");
    let unit = of_line(random, "unit");
    let when = random.pick(&["", "", "when member known and member.tier = gold", "when event.weekday = mon"]);
    let body = match random.below(11) {
        0 | 1 => format!("for each line {line} keep line.discount <= {percent}% of line.initial{more}"),
        2 => format!("for each line {line} keep line.discount <= 0 EUR"),
        3 => format!("for each unit {unit} keep unit.paid >= {}% of unit.initial", random.below(70)),
        4 => format!(
            "for each unit where unit.initial >= 1 EUR keep unit.paid >= 0.{:02} EUR",
            random.below(90)
        ),
        5 => format!("keep basket.discount <= {percent}% of basket.initial{more}"),
        6 => format!("when basket.initial >= 10 EUR keep basket.paid >= {percent}% of basket.initial"),
        7 => format!(
            "keep basket.award.bonus <= {} points + ({percent}% of basket.paid as points)",
            random.below(30)
        ),
        8 => format!(
            "for each line keep line.award.bonus <= 1 points + ({percent}% of line.initial as points)"
        ),
        9 => "for each unit where unit.initial >= unit.least keep unit.paid >= unit.least".to_owned(),
        _ => format!("keep basket.discount <= {} EUR", random.below(30)),
    };
    format!("ensure p{at} {{ {when} {body} }}\n")
}

/// A basket, from tiny to usual.
fn basket(random: &mut Random, at: u64) -> String {
    let mut lines = Vec::new();
    for sku in 0..1 + random.below(4) {
        let most = *[3, 12, 150, 2_500, 20_000].get(random.below(5)).unwrap_or(&3);
        let cents = 1 + random.below(most);
        let pieces = *[1, 1, 2, 3, 7, 40].get(random.below(6)).unwrap_or(&1);
        let category = category(random);
        let promo = random.below(3) == 0;
        let least = random.below(4) * cents / 4;
        let odd = random.below(30);
        let (pieces, price) = match odd {
            // What comes back on the same receipt, and what costs nothing.
            0 => (-pieces, format!("\"price\":\"{}.{:02}\"", cents / 100, cents % 100)),
            1 => (pieces, "\"price\":\"0\"".to_owned()),
            2 => (pieces, format!("\"amount\":\"{}.{:02}\",\"price\":\"0.0001\"", cents / 100, cents % 100)),
            3 => (0, format!("\"amount\":\"{}.{:02}\"", cents / 100, cents % 100)),
            _ => (pieces, format!("\"price\":\"{}.{:02}\"", cents / 100, cents % 100)),
        };
        lines.push(format!(
            "{{\"sku\":\"S{sku}\",\"category\":\"{category}\",\"promo\":{promo},\"qty\":{pieces},{price},\"least\":\"{}.{:02}\"}}",
            least / 100,
            least % 100
        ));
    }
    let member = match random.below(4) {
        0 => "null".to_owned(),
        _ => format!("{{\"id\":\"m\",\"tier\":\"{}\"}}", random.pick(&["base", "silver", "gold"])),
    };
    let day = 1 + random.below(28);
    format!(
        "{{\"id\":\"e{at}\",\"kind\":\"sale\",\"at\":\"2026-0{}-{day:02}T10:00\",\"member\":{member},\"lines\":[{}]}}",
        1 + random.below(6),
        lines.join(",")
    )
}

/// All small baskets of one line: what rounding does shows there.
fn small() -> impl Iterator<Item = String> {
    CATEGORIES.iter().flat_map(|category| {
        (1..=12).flat_map(move |cents| {
            (1..=3).flat_map(move |pieces| {
                ["base", "gold"].into_iter().flat_map(move |tier| {
                    // A Monday on which all periods hold, and a Saturday.
                    ["2026-03-02", "2026-03-07"].into_iter().map(move |day| {
                        format!(
                            "{{\"id\":\"s\",\"kind\":\"sale\",\"at\":\"{day}T10:00\",\"member\":{{\"id\":\"m\",\"tier\":\"{tier}\"}},\
                             \"lines\":[{{\"sku\":\"S\",\"category\":\"{category}\",\"promo\":{},\"qty\":{pieces},\
                             \"price\":\"0.{cents:02}\"}}]}}",
                            cents % 2 == 0
                        )
                    })
                })
            })
        })
    })
}

fn session(text: &str, kind: EngineKind) -> Option<Session> {
    let input = Input { path: "proofs.rule".to_owned(), text: text.to_owned() };
    let pack = Pack::of(compile(&[input], &NoFiles).program?);
    Some(Engine::builder(pack).kind(kind).build().ok()?.session())
}

/// Proves so many programmes and tries to break each with so many baskets, beside all small ones.
pub fn campaign(seed: u64, packs: u64, baskets: u64, tries: usize) -> Report {
    let mut report = Report::default();
    for pack in 0..packs {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(pack));
        let text = programme(&mut random);
        let input = Input { path: "proofs.rule".to_owned(), text: text.clone() };
        let mut compilation = compile(&[input], &NoFiles);
        let Some(program) = compilation.program.take() else {
            let said: Vec<_> = compilation.diagnostics.iter().map(|found| found.message.clone()).collect();
            // Rules that no priority tells apart are refused, rightly.
            if !compilation.diagnostics.iter().any(|found| found.name == "priority-tie") {
                report.wrong.push(format!("it does not compile: {said:?}\n{text}"));
            }
            continue;
        };
        report.packs += 1;
        let desk = Desk::new(&compilation.typed, Pack::of(program), &Catalogue::default())
            .expect("the engine takes it")
            .with_tries(tries);
        let answers = desk.promises();
        let mut proved: Vec<&str> = Vec::new();
        let mut native: Option<Session> = None;
        for answer in &answers {
            match &answer.known {
                Known::Proved(_) => {
                    report.proved += 1;
                    proved.push(&answer.name);
                }
                Known::Broken(witness) => {
                    report.broken += 1;
                    let session = native.get_or_insert_with(|| {
                        session(&text, EngineKind::Automatic).expect("it compiled before")
                    });
                    let event = witness.event.to_string();
                    let again = session.decide_json(event.as_bytes());
                    let breaks = again.is_ok_and(|decision| {
                        decision.broken.iter().any(|broken| broken.ensure == answer.name)
                    });
                    if !breaks {
                        report
                            .wrong
                            .push(format!("{} is not broken by its witness {event}\n{text}", answer.name));
                    }
                }
                Known::Undecided { .. } => report.undecided += 1,
            }
        }
        if proved.is_empty() {
            continue;
        }
        let Some(mut session) = session(&text, EngineKind::Interpreter) else { continue };
        let random_baskets: Vec<String> = (0..baskets).map(|at| basket(&mut random, at)).collect();
        for event in random_baskets.into_iter().chain(small()) {
            let Ok(decision) = session.decide_json(event.as_bytes()) else { continue };
            report.baskets += 1;
            for broken in decision.broken.iter().filter(|broken| proved.contains(&broken.ensure.as_str())) {
                report
                    .wrong
                    .push(format!("{} is proved, and {event} breaks it: {broken:?}\n{text}", broken.ensure));
            }
        }
    }
    report
}
