//! Random programmes with promises, and baskets that try to break them: no `proved` may be broken by any basket, no rule that
//! is said to be dead or shadowed may have an effect, no rules that are said never to meet may meet, and no way of buying
//! that is said to gain nothing may gain; every witness must show the same on both engines. What is a function of the seed
//! alone.

use crate::generate::Random;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_compiler::typed::Way;
use perq_runtime::catalogue::Catalogue;
use perq_runtime::decision::Decision;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;
use perq_runtime::prove::gains::{GainKnown, Gained};
use perq_runtime::prove::{Desk, Fires, Known, Meets};
use serde_json::{Value, json};
use std::collections::BTreeSet;

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
    /// Rules that never have an effect, and those that never stay.
    pub dead: u64,
    /// Rules of which an event shows an effect.
    pub alive: u64,
    /// Pairs that never meet, on one receipt or on one line.
    pub apart: u64,
    /// Pairs that an event shows.
    pub meet: u64,
    /// Ways of buying that never gain, at all or but for rounding.
    pub never: [u64; 2],
    /// Ways that gain, with goods that show it.
    pub gains: u64,
    /// Ways of which neither is known.
    pub open: u64,
    /// Baskets that were decided against what is proved.
    pub baskets: u64,
    /// Pairs of ways of buying that were decided against what is proved.
    pub ways: u64,
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
        self.dead += other.dead;
        self.alive += other.alive;
        self.apart += other.apart;
        self.meet += other.meet;
        self.never[0] += other.never[0];
        self.never[1] += other.never[1];
        self.gains += other.gains;
        self.open += other.open;
        self.baskets += other.baskets;
        self.ways += other.ways;
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
    // What comes back is undone only where a programme speaks of it.
    let shortfall = if random.below(3) == 0 { "shortfall debt" } else { "" };
    let mut text = format!(
        "language 1\nprogram proofs {{ currency EUR zone \"UTC\" rounding {rounding} {floor} }}\n\
         account bonus {{ unit points decimals {} round {round} per {per} worth {worth} {shortfall} }}\n\
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
        let mut before: Option<(String, String)> = None;
        for rule in 0..=random.below(3) {
            let name = format!("r{index}_{rule}");
            // The same goods under the same condition, or under none, for some other share: such rules shadow each other.
            let again = before.take().filter(|_| random.below(3) == 0);
            let (condition, target) = again.unwrap_or_else(|| {
                let unit = random.below(2) == 0;
                let word = if unit { "unit" } else { "line" };
                (condition(random), format!("{word}s {}", of_line(random, word)))
            });
            if before.is_none() && random.below(2) == 0 {
                let priority = if random.below(2) == 0 { rule } else { 9 - rule };
                let when = if random.below(2) == 0 { condition.as_str() } else { "" };
                text.push_str(&plain_rule(random, &name, earns, priority, (when, &target)));
                before = Some((condition, target));
            } else {
                text.push_str(&self::rule(random, &name, earns, rule));
                before = Some((condition, target));
            }
        }
        text.push_str("}\n");
    }
    for at in 0..2 + random.below(3) {
        text.push_str(&promise(random, at));
    }
    text
}

/// A programme of few rules, most of which give each piece the same wherever it stands: what splitting, merging and returning
/// make of it can often be proved.
pub fn even_programme(random: &mut Random) -> String {
    let rounding = random.pick(&["half_up", "half_even", "down", "up"]);
    let per = random.pick(&["line", "rule", "basket"]);
    let round = random.pick(&["down", "half_up", "up"]);
    let worth = random.pick(&["1 points = 1 EUR", "1 points = 0.01 EUR", "3 points = 0.10 EUR"]);
    let mut text = format!(
        "language 1\nprogram proofs {{ currency EUR zone \"UTC\" rounding {rounding} {} }}\n\
         account bonus {{ unit points decimals {} round {round} per {per} worth {worth} shortfall debt }}\n\
         enum Tier ordered {{ base, silver, gold }}\nextend member {{ tier: Tier = base }}\n\
         extend line {{ least: money = 0 EUR  promo: bool = false }}\n\
         param rate: percent = 5% in 1% through 12%\n",
        if random.below(6) == 0 { "not_below line.least" } else { "" },
        random.below(3)
    );
    let price = |random: &mut Random| random.pick(&["original", "running"]);
    if random.below(4) > 0 {
        let displace = random.pick(&[
            "none",
            "chain",
            "first per line",
            "best for member per unit",
            "best for member per line",
            "best for retailer per line",
        ]);
        text.push_str(&format!(
            "group prices {{ kind line_discount displace {displace} on_price {} on purchase\n",
            price(random)
        ));
        for at in 0..=random.below(2) {
            let (line, unit) = (of_even(random, "line"), of_even(random, "unit"));
            let cents = 1 + random.below(300);
            let effect = match random.below(7) {
                0 | 1 => format!("discount {} on units {unit}", share(random)),
                2 => format!("discount {}.{:02} EUR on units {unit}", cents / 100, cents % 100),
                3 => format!("price {}.{:02} EUR each for units {unit}", cents / 100, cents % 100),
                4 => format!("discount {}.{:02} EUR on lines {line}", cents / 100, cents % 100),
                _ => format!("discount {} on lines {line}", share(random)),
            };
            let when = even_condition(random);
            text.push_str(&format!("  rule p{at} {{ priority {at} {when} then {effect} }}\n"));
        }
        text.push_str("}\n");
    }
    if random.below(3) == 0 {
        let (euros, most) = (1 + random.below(5), 5 + random.below(40));
        let weight = random.pick(&["paid", "paid", "initial", "pieces", "equally"]);
        let effect = match random.below(5) {
            0 => format!("discount {euros} EUR on basket spread by {weight}"),
            1 => format!(
                "discount {euros} EUR * steps of {most} EUR in basket.initial on basket spread by {weight}"
            ),
            _ => format!("discount {} on basket spread by {weight}", share(random)),
        };
        let limit = if random.below(4) == 0 {
            format!("limit {euros} EUR per transaction else cut")
        } else {
            String::new()
        };
        let when = if random.below(2) == 0 { condition(random) } else { String::new() };
        text.push_str(&format!(
            "group order {{ kind order_discount displace none on_price {} on purchase\n  rule o {{ {limit} {when} then {effect} }}\n}}\n",
            price(random)
        ));
    }
    text.push_str("group earn { kind earn displace none on purchase\n");
    for at in 0..random.below(3) {
        let (percent, step) = (1 + random.below(9), 1 + random.below(20));
        let line = of_even(random, "line");
        let paid = random.pick(&["paid", "initial"]);
        let effect = match random.below(8) {
            0 => format!("award {step} points"),
            1 => format!("award 2 points * steps of {step} EUR in basket.{paid}"),
            2 => format!("award min({step} points, {percent}% of basket.{paid} as points)"),
            3 => format!("for each line in lines {line} {{ award {percent}% of line.{paid} as points }}"),
            4 => format!(
                "for each line in lines {line} {{ award {percent}% of line.{paid} as points rounded half_up }}"
            ),
            _ => format!("award {percent}% of basket.{paid} as points"),
        };
        let limit = match random.below(8) {
            0 => format!("limit {step} points per transaction else cut"),
            1 => format!("limit {step} points per transaction else skip"),
            _ => String::new(),
        };
        let when = if random.below(2) == 0 { condition(random) } else { even_condition(random) };
        text.push_str(&format!("  rule e{at} {{ {limit} {when} then {effect} }}\n"));
    }
    text.push_str("}\n");
    text
}

/// A programme of sets whose parts say which goods they leave alone, and of rules that leave a third one nothing together, or
/// almost.
pub fn set_programme(random: &mut Random) -> String {
    let mut text = "language 1\nprogram proofs { currency EUR zone \"UTC\" rounding half_up }\n\
         account bonus { unit points decimals 0 round down per basket worth 100 points = 1 EUR shortfall debt }\n\
         enum Tier ordered { base, silver, gold }\nextend member { tier: Tier = base }\n\
         extend line { least: money = 0 EUR  promo: bool = false }\n\
         group sets { kind set_discount displace none on_price original on purchase\n"
        .to_owned();
    let left_alone = category(random);
    let part = |random: &mut Random| match random.below(5) {
        0 => format!("where unit in category \"{}\"", category(random)),
        1 => format!("where unit.promo and not unit in category \"{left_alone}\""),
        2 => format!(
            "where unit in category \"{}\" and not unit in category \"{left_alone}\"",
            category(random)
        ),
        _ => format!("where not unit in category \"{left_alone}\""),
    };
    for at in 0..=random.below(2) {
        let (a, b) = (part(random), part(random));
        let of = random.pick(&["duo", "cheapest 1 of duo", "dearest 1 of duo"]);
        let effect = match random.below(3) {
            0 => "price 1.50 EUR total for duo spread by initial".to_owned(),
            1 => format!("discount 0.{:02} EUR on {of}", 1 + random.below(90)),
            _ => format!("discount {}% on {of}", 1 + random.below(60)),
        };
        text.push_str(&format!(
            "  rule s{at} {{ take bundle duo up to {} times best for member {{ a = 1 of units {a}  b = {} of units {b} }} then {effect} }}\n",
            1 + random.below(3),
            1 + random.below(2),
        ));
    }
    let displace = random.pick(&[
        "first per line",
        "first per basket",
        "best for member per line",
        "best for member per basket",
    ]);
    text.push_str(&format!(
        "}}\ngroup lines_of_it {{ kind line_discount displace {displace} on_price original on purchase\n"
    ));
    let tea = category(random);
    let (low, high) = (5 + random.below(10), 5 + random.below(10));
    let each = |random: &mut Random| format!("discount 0.{:02} EUR on lines", 1 + random.below(40));
    let halves = if random.below(2) == 0 {
        let (one, other) = (each(random), each(random));
        [
            format!("when basket.initial < {high} EUR then {one}"),
            format!("when basket.initial >= {low} EUR then {other}"),
        ]
    } else {
        let (one, other) = (each(random), each(random));
        [
            format!("then {one} where line in category \"{tea}\""),
            format!("then {other} where not line in category \"{tea}\""),
        ]
    };
    for (at, half) in halves.iter().enumerate() {
        text.push_str(&format!("  rule h{at} {{ priority {} {half} }}\n", 5 + at));
    }
    let third = each(random);
    text.push_str(&format!("  rule third {{ priority {} then {third} }}\n}}\n", random.pick(&["1", "9"])));
    text.push_str(&format!(
        "ensure alone {{ for each line where line in category \"{left_alone}\" and line.initial >= 1 EUR keep line.discount <= 0.40 EUR }}\n"
    ));
    let percent = 5 + random.below(60);
    text.push_str(&format!("ensure basket {{ keep basket.discount <= {percent}% of basket.initial }}\n"));
    text
}

/// Which goods, by what each piece says of itself; now and then by what the line does.
fn of_even(random: &mut Random, word: &str) -> String {
    let category = category(random);
    match random.below(10) {
        0..=2 => format!("where {word} in category \"{category}\""),
        3 => format!("where {word}.promo"),
        4 => format!("where {word}.price >= {}.{:02} EUR", random.below(5), random.below(100)),
        5 if word == "line" => {
            format!("where line.initial >= {}.{:02} EUR", random.below(5), random.below(100))
        }
        _ => String::new(),
    }
}

/// What is the same for two receipts; now and then what is not.
fn even_condition(random: &mut Random) -> String {
    match random.below(12) {
        0 | 1 => "when member known and member.tier = gold".to_owned(),
        2 => "when event.weekday = mon".to_owned(),
        3 => "valid 2026-01-01 through 2026-03-28".to_owned(),
        4 => format!("when basket.initial >= {} EUR", 1 + random.below(30)),
        _ => String::new(),
    }
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

/// A rule that takes one share off its goods, or awards one of them, and nothing else.
fn plain_rule(
    random: &mut Random,
    name: &str,
    earns: bool,
    priority: usize,
    (condition, target): (&str, &str),
) -> String {
    let percent = 1 + random.below(40);
    let effect = match (earns, random.below(4)) {
        (true, 0) => format!("award {percent} points"),
        (true, _) => format!("award {percent}% of basket.initial as points"),
        (false, 0) => format!("discount 0.{percent:02} EUR on {target}"),
        (false, _) => format!("discount {percent}% on {target}"),
    };
    format!("  rule {name} {{ priority {priority} {condition} then {effect} }}\n")
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

fn engine(text: &str, kind: EngineKind) -> Option<Engine> {
    let input = Input { path: "proofs.rule".to_owned(), text: text.to_owned() };
    let pack = Pack::of(compile(&[input], &NoFiles).program?);
    Engine::builder(pack).kind(kind).build().ok()
}

/// What rules did in a decision: those that gave something, those that gave something or gave way, and the lines on which.
struct Seen {
    gave: BTreeSet<String>,
    fired: BTreeSet<String>,
    lines: BTreeSet<(String, u32)>,
}

fn seen(decision: &Decision) -> Seen {
    let mut seen = Seen { gave: BTreeSet::new(), fired: BTreeSet::new(), lines: BTreeSet::new() };
    for effect in &decision.effects {
        seen.gave.insert(effect.rule.clone());
        seen.fired.insert(effect.rule.clone());
        seen.lines.extend(effect.lines.iter().map(|share| (effect.rule.clone(), share.line)));
    }
    for displaced in &decision.displaced {
        seen.fired.insert(displaced.rule.clone());
        seen.lines.extend(displaced.lines.iter().map(|line| (displaced.rule.clone(), *line)));
    }
    seen
}

/// The same goods in two ways: what one would do, and the other.
fn ways(random: &mut Random, event: &str, way: Way) -> Option<[Vec<Value>; 2]> {
    let mut event: Value = serde_json::from_str(event).ok()?;
    let lines = event.get_mut("lines")?.as_array_mut()?;
    // What is sold by the piece for whole cents.
    let by_piece = |line: &Value| {
        line.get("amount").is_none()
            && line["qty"].as_i64().is_some_and(|pieces| pieces > 0)
            && line["price"].as_str().is_some_and(|price| price != "0")
    };
    lines.retain(by_piece);
    let pieces: Vec<i64> = lines.iter().filter_map(|line| line["qty"].as_i64()).collect();
    let first: Vec<i64> = pieces
        .iter()
        .map(|pieces| match random.below(4) {
            0 => 0,
            1 => *pieces,
            _ => random.below(usize::try_from(*pieces).unwrap_or(0) + 1) as i64,
        })
        .collect();
    let receipt = |id: &str, of: &dyn Fn(usize) -> i64| {
        let mut own = event.clone();
        own["id"] = json!(id);
        let lines = own["lines"].as_array_mut()?;
        for (at, line) in lines.iter_mut().enumerate() {
            line["qty"] = json!(of(at));
        }
        lines.retain(|line| line["qty"] != json!(0));
        (!lines.is_empty()).then_some(own)
    };
    let whole = receipt("whole", &|at| pieces[at])?;
    let one = receipt("one", &|at| first[at])?;
    let two = receipt("two", &|at| pieces[at] - first[at])?;
    Some(match way {
        Way::Splitting => [vec![whole], vec![one, two]],
        Way::Merging => [vec![one, two], vec![whole]],
        Way::Returning => {
            let back: Vec<Value> = (0..pieces.len())
                .filter(|at| pieces[*at] > first[*at])
                .map(|at| {
                    let sku = &event["lines"][at]["sku"];
                    json!({ "sku": sku, "qty": pieces[at] - first[at], "of_line": at + 1 })
                })
                .collect();
            let back =
                json!({ "id": "back", "kind": "return", "of": "whole", "at": event["at"], "lines": back });
            [vec![one], vec![whole, back]]
        }
    })
}

/// A decimal in units of 10^-digits; all that decisions say here has at most so many.
fn units(text: &str, digits: u32) -> i128 {
    let (whole, broken) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let whole: i128 = whole.trim_start_matches('-').parse().expect("a number");
    let digits = usize::try_from(digits).expect("few digits");
    let broken: i128 = format!("{broken:0<digits$}").parse().unwrap_or(0);
    let value = whole * 10i128.pow(u32::try_from(digits).expect("few digits")) + broken;
    if negative { -value } else { value }
}

/// What a way of buying costs the member, and what rounding may make of it: both times the smallest units of points
/// that are worth `money` minor units. Worked out from what decisions say, without the prover's code.
fn cost(engine: &Engine, events: &[Value]) -> Option<(i128, i128)> {
    let account = &engine.program().accounts[0];
    let (worth_units, money) = account.worth?;
    let (worth_units, money) = (i128::from(worth_units), i128::from(money));
    let digits = u32::from(account.decimals);
    let mut session = engine.session();
    let (mut cost, mut slack) = (0i128, 0i128);
    for event in events {
        let decision = session.decide_json(event.to_string().as_bytes()).ok()?;
        if decision.refused.is_some() || !decision.errors.is_empty() {
            return None;
        }
        match &decision.returned {
            Some(returned) => {
                cost -= units(&returned.refund, 2) * worth_units;
                // Pieces that come back first have the larger shares of what was paid for their line.
                let pieces: i64 = returned.lines.iter().map(|line| line.pieces).sum();
                slack += i128::from(pieces) * worth_units;
                for correction in &returned.corrections {
                    cost -= units(&correction.amount, digits) * money;
                }
            }
            None => {
                cost += units(&decision.totals.paid, 2) * worth_units;
                for effect in &decision.effects {
                    let places = effect.lines.len().max(1) as i128;
                    if effect.account.is_some() {
                        cost -= units(&effect.amount, digits) * money;
                        slack += places * money;
                    } else {
                        slack += places * worth_units;
                    }
                }
            }
        }
    }
    Some((cost, slack))
}

/// Whether a witness gains what it is said to, on both engines.
fn says_the_same(engines: [&Engine; 2], way: Way, gained: &Gained) -> Result<(), String> {
    for engine in engines {
        let usual = cost(engine, &gained.usual.events);
        let other = cost(engine, &gained.other.events);
        let (Some((usual, usual_slack)), Some((other, other_slack))) = (usual, other) else {
            return Err(format!("a witness of {} is refused", way.word()));
        };
        let scale = i128::from(engine.program().accounts[0].worth.map_or(1, |(units, _)| units));
        let gain = usual - other;
        // gain / scale = gained.gain
        if gain * gained.gain.1 != gained.gain.0 * scale {
            return Err(format!("{} gains {gain} and is said to gain {:?}", way.word(), gained.gain));
        }
        if gained.only_rounding && gain > usual_slack + other_slack {
            return Err(format!("{} gains {gain}, which is no rounding", way.word()));
        }
    }
    Ok(())
}

/// What is proved of a programme beside its promises.
#[derive(Default)]
struct Proved {
    never: BTreeSet<String>,
    apart: BTreeSet<(String, String)>,
    apart_on_lines: BTreeSet<(String, String)>,
    /// Each with whether even rounding gains nothing.
    ways: Vec<(Way, bool)>,
}

/// Asks all that is asked beside promises; each witness is decided again on the other engine.
fn asked(desk: &Desk<'_>, native: &Engine, text: &str, report: &mut Report) -> Proved {
    let mut proved = Proved::default();
    let mut wrong: Vec<String> = Vec::new();
    let again = |event: &Value| {
        seen(&native.session().decide_json(event.to_string().as_bytes()).expect("a witness is an event"))
    };
    for answer in desk.rules() {
        match answer.fires {
            Fires::Never(_) => {
                report.dead += 1;
                proved.never.insert(answer.rule);
            }
            Fires::Shadowed(_, witness) | Fires::ShadowedTogether(_, witness) => {
                report.dead += 1;
                if let Some(witness) = witness
                    && !again(&witness.event).fired.contains(&answer.rule)
                {
                    wrong.push(format!("{} does not give way in {}", answer.rule, witness.event));
                }
                proved.never.insert(answer.rule);
            }
            Fires::In(witness) => {
                report.alive += 1;
                if !again(&witness.event).gave.contains(&answer.rule) {
                    wrong.push(format!("{} has no effect in {}", answer.rule, witness.event));
                }
            }
            Fires::Off | Fires::GaveWay(..) | Fires::Unknown(_) => {}
        }
    }
    for answer in desk.overlaps(true) {
        let pair = (answer.first.clone(), answer.second.clone());
        let mut look = |meets: &Meets, on_line: bool| match meets {
            Meets::Never => {
                report.apart += 1;
                let list = if on_line { &mut proved.apart_on_lines } else { &mut proved.apart };
                list.insert(pair.clone());
            }
            Meets::In(witness) => {
                report.meet += 1;
                let seen = again(&witness.event);
                let both = match on_line {
                    true => meet_on_a_line(&seen, &pair),
                    false => seen.fired.contains(&pair.0) && seen.fired.contains(&pair.1),
                };
                if !both {
                    wrong.push(format!("{pair:?} do not meet in {}", witness.event));
                }
            }
            Meets::Unknown(_) => {}
        };
        look(&answer.meets, false);
        if let Some(on_lines) = &answer.on_lines {
            look(on_lines, true);
        }
    }
    for answer in desk.ways() {
        let shown = match &answer.known {
            GainKnown::Never(rounds, shown) => {
                report.never[usize::from(!rounds.is_empty())] += 1;
                proved.ways.push((answer.way, rounds.is_empty()));
                if shown.as_ref().is_some_and(|gained| !gained.only_rounding) {
                    wrong.push(format!("{} gains more than rounding: {shown:?}", answer.way.word()));
                }
                shown.as_ref()
            }
            GainKnown::With(gained) => {
                report.gains += 1;
                Some(gained)
            }
            GainKnown::Undecided(_, gained, _) => {
                report.open += 1;
                gained.as_ref()
            }
            GainKnown::NothingReturns => None,
        };
        if let Some(gained) = shown
            && let Err(why) = says_the_same([desk.engine(), native], answer.way, gained)
        {
            wrong.push(format!("{why}: {gained:?}"));
        }
    }
    report.wrong.extend(wrong.into_iter().map(|wrong| format!("{wrong}\n{text}")));
    proved
}

fn meet_on_a_line(seen: &Seen, (first, second): &(String, String)) -> bool {
    let lines = seen.lines.iter().filter(|(rule, _)| rule == first);
    lines.into_iter().any(|(_, line)| seen.lines.contains(&(second.clone(), *line)))
}

/// Proves so many programmes and tries to break each with so many baskets, beside all small ones.
pub fn campaign(seed: u64, packs: u64, baskets: u64, tries: usize) -> Report {
    let mut report = Report::default();
    for pack in 0..packs {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(pack));
        let text = match pack % 6 {
            5 => set_programme(&mut random),
            even if even % 2 == 1 => even_programme(&mut random),
            _ => programme(&mut random),
        };
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
        let native = engine(&text, EngineKind::Automatic).expect("it compiled before");
        for answer in &answers {
            match &answer.known {
                Known::Proved(_) => {
                    report.proved += 1;
                    proved.push(&answer.name);
                }
                Known::Broken(witness) => {
                    report.broken += 1;
                    let event = witness.event.to_string();
                    let again = native.session().decide_json(event.as_bytes());
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
        let beside = asked(&desk, &native, &text, &mut report);
        let random_baskets: Vec<String> = (0..baskets).map(|at| basket(&mut random, at)).collect();
        for (way, exactly) in &beside.ways {
            for event in &random_baskets {
                let Some([usual, other]) = ways(&mut random, event, *way) else { continue };
                let both = (cost(desk.engine(), &usual), cost(desk.engine(), &other));
                let (Some((usual_cost, slack)), Some((other_cost, other_slack))) = both else {
                    continue;
                };
                report.ways += 1;
                let allowed = if *exactly { 0 } else { slack + other_slack };
                if usual_cost - other_cost > allowed {
                    report.wrong.push(format!(
                        "{} gains {} of at most {allowed} in {other:?} rather than {usual:?}\n{text}",
                        way.word(),
                        usual_cost - other_cost
                    ));
                }
            }
        }
        let mut session = desk.engine().session();
        for event in random_baskets.into_iter().chain(small()) {
            let Ok(decision) = session.decide_json(event.as_bytes()) else { continue };
            report.baskets += 1;
            for broken in decision.broken.iter().filter(|broken| proved.contains(&broken.ensure.as_str())) {
                report
                    .wrong
                    .push(format!("{} is proved, and {event} breaks it: {broken:?}\n{text}", broken.ensure));
            }
            let seen = seen(&decision);
            for rule in seen.gave.intersection(&beside.never) {
                report.wrong.push(format!("{rule} never has an effect, and has one in {event}\n{text}"));
            }
            for (first, second) in &beside.apart {
                if seen.fired.contains(first) && seen.fired.contains(second) {
                    report.wrong.push(format!("{first} and {second} meet in {event}\n{text}"));
                }
            }
            for pair in &beside.apart_on_lines {
                if meet_on_a_line(&seen, pair) {
                    report.wrong.push(format!("{pair:?} meet on a line in {event}\n{text}"));
                }
            }
        }
    }
    report
}
