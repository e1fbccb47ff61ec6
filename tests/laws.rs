//! Laws that every decision keeps, over random rules and baskets: parts add up to the whole, a line gives up no more
//! than it has, the order of lines decides nothing but ties, and a rule more never harms the member where the best for
//! the member stays. Both engines decide each basket, and alike.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::decision::{Decision, EffectKind};
use perq_runtime::engine::{Engine, EngineKind, Session};
use perq_runtime::pack::Pack;
use perq_tests::generate::Random;
use std::collections::BTreeMap;

const HEAD: &str = "language 1\n\
    program laws { currency EUR zone \"UTC\" rounding half_up }\n\
    account bonus { unit points decimals 0 round down per basket worth 100 points = 1 EUR }\n";

/// Sessions of one programme, one on each engine.
fn sessions(text: &str) -> [Session; 2] {
    [EngineKind::Native, EngineKind::Interpreter].map(|kind| {
        let input = Input { path: "laws.rule".to_owned(), text: text.to_owned() };
        let compilation = compile(&[input], &NoFiles);
        let said: Vec<_> = compilation.diagnostics.iter().map(|d| d.message.clone()).collect();
        let pack = Pack::of(compilation.program.unwrap_or_else(|| panic!("{said:?}\n{text}")));
        Engine::builder(pack).kind(kind).build().expect("it builds").session()
    })
}

fn decide([native, interpreter]: &mut [Session; 2], basket: &[Goods]) -> Decision {
    let event = event(basket);
    let decision = native.decide_json(event.as_bytes()).expect("it reads");
    assert_eq!(decision, interpreter.decide_json(event.as_bytes()).expect("it reads"), "{event}");
    decision
}

/// A row of a receipt.
#[derive(Clone, Debug)]
struct Goods {
    sku: usize,
    category: &'static str,
    pieces: i64,
    cents: i64,
}

/// Rows whose prices and sums all differ.
fn basket(random: &mut Random) -> Vec<Goods> {
    let mut basket: Vec<Goods> = Vec::new();
    for sku in 0..1 + random.below(6) {
        let (pieces, cents) = (random.between(1, 7), random.between(5, 2500));
        let alike = |other: &Goods| other.cents == cents || other.cents * other.pieces == cents * pieces;
        if !basket.iter().any(alike) {
            basket.push(Goods { sku, category: random.pick(&["A", "B", "C"]), pieces, cents });
        }
    }
    basket
}

fn event(basket: &[Goods]) -> String {
    let lines: Vec<String> = basket
        .iter()
        .map(|goods| {
            let (sku, category, pieces) = (goods.sku, goods.category, goods.pieces);
            let (euros, cents) = (goods.cents / 100, goods.cents % 100);
            format!(
                r#"{{"sku":"S{sku}","category":"{category}","qty":{pieces},"price":"{euros}.{cents:02}"}}"#
            )
        })
        .collect();
    format!(
        r#"{{"id":"e","kind":"sale","at":"2026-03-01T10:00","member":{{"id":"m"}},"lines":[{}]}}"#,
        lines.join(",")
    )
}

/// An amount as the decision writes it, in its smallest units.
fn count(amount: &str) -> i64 {
    amount.replace('.', "").parse().expect("an amount is digits")
}

/// What a discount falls on. Where `fair`, nothing is decided by the place of a line unless lines are alike.
fn discount(random: &mut Random, fair: bool) -> String {
    let category = format!("category \"{}\"", random.pick(&["A", "B", "C"]));
    let percent = random.between(1, 100);
    let euros = format!("{}.{:02} EUR", random.below(9), random.between(1, 99));
    let weight = if fair {
        random.pick(&["paid", "initial"])
    } else {
        random.pick(&["paid", "initial", "pieces", "equally"])
    };
    let rest = if fair {
        ""
    } else {
        random.pick(&[
            "",
            "rounded down rest first_lines",
            "rounded half_up rest last_line",
            "rounded down rest first_with_room",
            "rounded half_even rest running",
        ])
    };
    let units = format!("units where unit in {category}");
    match random.below(9) {
        0 => format!("discount {percent}% on lines where line in {category}"),
        1 => format!("discount {percent}% on {units}"),
        2 => format!("discount {euros} on lines where line in {category} spread by {weight} {rest}"),
        3 => format!("discount {percent}% on basket spread by {weight} {rest}"),
        4 => format!("discount {euros} on basket spread by {weight} {rest}"),
        5 => format!("discount {percent}% on cheapest 1 in every {} of {units}", 2 + random.below(3)),
        6 => format!("discount {euros} on dearest {} of units", 1 + random.below(3)),
        7 => format!("price {euros} each for {units}"),
        _ => format!("price {euros} total for lines where line in {category} spread by {weight} {rest}"),
    }
}

fn award(random: &mut Random) -> String {
    let category = format!("category \"{}\"", random.pick(&["A", "B", "C"]));
    let percent = random.between(1, 9);
    match random.below(3) {
        0 => format!("award {percent}% of basket.paid as points"),
        1 => format!(
            "for each line in lines where line in {category} {{ award {percent}% of line.paid as points }}"
        ),
        _ => format!("award {percent} points * count(units where unit in {category})"),
    }
}

/// A group of `count` rules; those of a shorter one are the first of a longer one.
fn group(kind: &str, displace: &str, seed: u64, count: usize, fair: bool) -> String {
    let mut random = Random::new(seed);
    let price = if kind == "earn" { "" } else { random.pick(&["on_price original", "on_price running"]) };
    let mut text = format!("group {kind} {{ kind {kind} displace {displace} {price} on purchase\n");
    for index in 0..count {
        let effect = if kind == "earn" { award(&mut random) } else { discount(&mut random, fair) };
        text.push_str(&format!("  rule {kind}_{index} {{ priority {} then {effect} }}\n", 90 - index));
    }
    text.push_str("}\n");
    text
}

const PRICES: [&str; 3] = ["line_discount", "set_discount", "order_discount"];
const DISPLACE: [&str; 8] = [
    "none",
    "chain",
    "first per line",
    "first per unit",
    "best for member per line",
    "best for member per unit",
    "best for member per basket",
    "best for retailer per line",
];

/// Three groups of prices and one of points.
fn programme(seed: u64, fair: bool) -> String {
    let mut random = Random::new(seed);
    let mut text = HEAD.to_owned();
    for (index, kind) in PRICES.iter().enumerate() {
        let displace = random.pick(&DISPLACE);
        let rules = 1 + random.below(4);
        text.push_str(&group(kind, displace, seed * 8 + index as u64, rules, fair));
    }
    text.push_str(&group(
        "earn",
        random.pick(&["none", "best for member per basket"]),
        seed * 8 + 7,
        3,
        fair,
    ));
    text
}

#[test]
fn parts_add_up_and_no_line_gives_more_than_it_has() {
    let mut shared = 0;
    for seed in 0..60 {
        let text = programme(seed, false);
        let mut sessions = sessions(&text);
        let mut random = Random::new(seed);
        for _ in 0..15 {
            let basket = basket(&mut random);
            let decision = decide(&mut sessions, &basket);
            let mut off = vec![0; basket.len()];
            let mut points = 0;
            for effect in &decision.effects {
                let parts: i64 = effect.lines.iter().map(|share| count(&share.amount)).sum();
                match effect.kind {
                    EffectKind::Award => points += count(&effect.amount),
                    _ => {
                        assert_eq!(parts, count(&effect.amount), "{effect:?}\n{text}");
                        shared += u32::from(effect.lines.len() > 1);
                        for share in &effect.lines {
                            off[share.line as usize - 1] += count(&share.amount);
                            let pieces: i64 = share.units.iter().map(|units| units.pieces).sum();
                            let amounts: i64 =
                                share.units.iter().map(|units| units.pieces * count(&units.amount)).sum();
                            if !share.units.is_empty() {
                                assert_eq!((pieces, amounts), (share.pieces, count(&share.amount)), "{text}");
                            }
                        }
                    }
                }
            }
            for ((goods, line), off) in basket.iter().zip(&decision.lines).zip(&off) {
                let initial = goods.pieces * goods.cents;
                assert_eq!(count(&line.initial), initial, "{text}");
                assert_eq!(count(&line.discount), *off, "{basket:?}\n{text}");
                assert!((0..=initial).contains(off), "{off} of {initial}: {basket:?}\n{text}");
                assert_eq!(count(&line.paid), initial - off, "{text}");
            }
            let paid: i64 = decision.lines.iter().map(|line| count(&line.paid)).sum();
            assert_eq!(count(&decision.totals.paid), paid, "{text}");
            assert_eq!(count(&decision.totals.discount), off.iter().sum::<i64>(), "{text}");
            assert_eq!(decision.totals.awards.get("bonus").map_or(0, count), points, "{text}");
        }
    }
    assert!(shared > 500, "{shared} effects with several shares");
}

/// What is decided of each product, of each rule and altogether; nothing of where a line stands.
fn without_places(decision: &Decision) -> (BTreeMap<String, String>, Vec<(String, String)>, String) {
    let goods = decision.lines.iter().map(|line| (line.sku.clone(), line.paid.clone())).collect();
    let mut effects: Vec<_> =
        decision.effects.iter().map(|effect| (effect.rule.clone(), effect.amount.clone())).collect();
    effects.sort();
    (goods, effects, format!("{:?}", decision.totals))
}

/// Whether at some time two lines, or pieces of two lines, cost alike, so that their places had to decide.
fn has_ties(basket: &[Goods], decision: &Decision) -> bool {
    let mut left: Vec<i64> = basket.iter().map(|goods| goods.pieces * goods.cents).collect();
    let alike = |left: &[i64]| {
        (0..left.len()).any(|a| {
            (0..a).any(|b| left[a] == left[b] || left[a] * basket[b].pieces == left[b] * basket[a].pieces)
        })
    };
    decision.effects.iter().any(|effect| {
        if !matches!(effect.kind, EffectKind::Award) {
            for share in &effect.lines {
                left[share.line as usize - 1] -= count(&share.amount);
            }
        }
        alike(&left)
    })
}

#[test]
fn the_order_of_lines_decides_ties_alone() {
    let (mut compared, mut moved) = (0, 0);
    for seed in 0..60 {
        let text = programme(seed, true);
        let mut sessions = sessions(&text);
        let mut random = Random::new(seed);
        for _ in 0..15 {
            let basket = basket(&mut random);
            let decision = decide(&mut sessions, &basket);
            moved += 1;
            if has_ties(&basket, &decision) {
                continue;
            }
            compared += 1;
            let mut turned = basket.clone();
            turned.reverse();
            let by = random.below(turned.len());
            turned.rotate_left(by);
            let other = decide(&mut sessions, &turned);
            assert_eq!(without_places(&decision), without_places(&other), "{basket:?}\n{turned:?}\n{text}");
        }
    }
    assert!(compared * 2 > moved, "{compared} of {moved} compared");
}

#[test]
fn a_rule_more_never_harms_the_member_where_the_best_stays() {
    let mut better = 0;
    for seed in 0..24 {
        for kind in PRICES.into_iter().chain(["earn"]) {
            for scope in ["unit", "line", "basket"] {
                if kind == "earn" && scope == "unit" {
                    continue;
                }
                let displace = format!("best for member per {scope}");
                let rules = 1 + (seed % 4) as usize;
                let text = |rules| format!("{HEAD}{}", group(kind, &displace, seed, rules, false));
                let mut few = sessions(&text(rules));
                let text = text(rules + 1);
                let mut more = sessions(&text);
                let mut random = Random::new(seed);
                for _ in 0..8 {
                    let basket = basket(&mut random);
                    let worth = |decision: &Decision| {
                        let points = decision.totals.awards.get("bonus").map_or(0, count);
                        points - count(&decision.totals.paid)
                    };
                    let (before, after) =
                        (worth(&decide(&mut few, &basket)), worth(&decide(&mut more, &basket)));
                    assert!(after >= before, "{before}, then {after}: {basket:?}\n{text}");
                    better += u32::from(after > before);
                }
            }
        }
    }
    assert!(better > 100, "{better} times the new rule gave more");
}
