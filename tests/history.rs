//! Random pasts: an aggregate that is worked out once an event gives what the same one gives where it is used, on both
//! engines, and equal aggregates are one.

use perq_compiler::ir::{Inst, Program, Rows};
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;
use perq_runtime::record::Event;
use perq_tests::generate::Random;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const PROGRAMMES: u64 = 25;
const EVENTS: usize = 40;
const RULES: usize = 8;

const WINDOWS: &[&str] = &[
    "last 30 days",
    "last 5 hours",
    "last 2 months",
    "this day",
    "this week",
    "this month",
    "previous day",
    "previous week",
    "previous month",
    "previous quarter",
    "this half_year",
    "previous year",
    "2026-02-01 through 2026-03-15",
    "program",
];

const OF_PURCHASES: &[&str] = &[
    "purchase.paid >= 20 EUR",
    "not purchase.returned",
    "purchase.store in store \"Rome\"",
    "purchase.weekday = mon or purchase.time < 12:00",
    "event.date - purchase.date >= 3 days",
    "purchase.initial > share of purchase.paid * 100",
];

const OF_LINES: &[&str] =
    &["line.paid >= 5 EUR", "line in category \"Tea\"", "line.pieces > 1 pcs", "line.initial = line.paid"];

/// A programme in which rule `a` of each pair asks for what can be shared and rule `b` for the same where it cannot.
fn programme(random: &mut Random) -> String {
    let mut text = String::from(
        "language 1\nprogram random { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
         account bonus { unit points decimals 2 round down per rule worth 1 points = 1 EUR }\n\
         param share: percent = 1% in 0% through 10%\n\
         group fifth { kind order_discount displace none on_price running on purchase when member known }\n\
         rule less in group fifth { when basket.paid > 30 EUR then discount 7% on basket spread by paid }\n\
         group earn { kind earn displace none on purchase when member known }\n",
    );
    for rule in 0..RULES {
        let lines = random.chance(40);
        let (rows, conditions) = if lines { ("lines", OF_LINES) } else { ("purchases", OF_PURCHASES) };
        let paid = if lines { "line.paid" } else { "purchase.paid" };
        let window = random.pick(WINDOWS);
        let condition = random.pick(conditions);
        let kind = random.below(7);
        for (name, more) in [("a", ""), ("b", " and basket.paid >= 0 EUR")] {
            let of = format!("earlier {rows} within {window} where ({condition}){more}");
            let body = match kind {
                0 => format!("then award 1 points * count({of})"),
                1 => format!("then award sum({paid} for {of}) as points"),
                2 => format!("let x = max({paid} for {of}) when x known then award x as points"),
                3 => {
                    format!("let x = min({paid} for {of}) when x known and x < 50 EUR then award x as points")
                }
                4 => format!("when any({of}) then award 1 points"),
                5 => format!("when not all({of}) or count({of}) mod 2 = 1 then award 2 points"),
                _ => format!("then award 1 points * distinct({paid} for {of})"),
            };
            let _ = writeln!(text, "rule {name}{rule} in group earn {{ {body} }}");
        }
    }
    text
}

fn event(random: &mut Random, number: usize, minutes: &mut i64) -> Event {
    *minutes += random.between(0, 6_000);
    let (day, minute) = (*minutes / 1_440, *minutes % 1_440);
    // Months of 28 days are enough for a calendar that only has to go forward.
    let (year, month) = (2026 + day / 336, day / 28 % 12 + 1);
    let at = format!("{year}-{month:02}-{:02}T{:02}:{:02}:00", day % 28 + 1, minute / 60, minute % 60);
    let lines: Vec<String> = (0..random.below(4))
        .map(|line| {
            let (category, pieces) = (random.pick(&["Tea", "Milk"]), random.between(1, 3));
            let cents = random.between(0, 3_000);
            format!(
                r#"{{"sku":"S{line}","category":"{category}","qty":{pieces},"price":"{}.{:02}"}}"#,
                cents / 100,
                cents % 100
            )
        })
        .collect();
    let member = random.pick(&["\"m1\"", "\"m1\"", "\"m2\"", "null"]);
    let store = random.pick(&["Rome", "Milan"]);
    Event::from_json(format!(
        r#"{{"id":"e{number}","kind":"purchase","at":"{at}","store":"{store}","member":{member},"lines":[{}]}}"#,
        lines.join(",")
    ))
}

fn loops_over_the_past(program: &Program, rule: &str) -> bool {
    let rule = program.rules.iter().find(|known| known.name == rule).expect("the rule is there");
    let function = &program.functions[rule.function.index()];
    function.insts.iter().any(|inst| matches!(inst, Inst::Loop(Rows::Table(_))))
}

#[test]
fn what_is_shared_gives_what_is_worked_out_in_place() {
    let (mut compared, mut given) = (0, 0);
    for seed in 0..PROGRAMMES {
        let mut random = Random::new(seed);
        let text = programme(&mut random);
        let compilation = compile(&[Input { path: "random.rule".into(), text: text.clone() }], &NoFiles);
        let said: Vec<_> =
            compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
        let program = compilation.program.unwrap_or_else(|| panic!("seed {seed}: {said:#?}\n{text}"));
        for rule in 0..RULES {
            assert!(!loops_over_the_past(&program, &format!("a{rule}")), "seed {seed} rule a{rule}\n{text}");
            assert!(loops_over_the_past(&program, &format!("b{rule}")), "seed {seed} rule b{rule}\n{text}");
        }
        let pack = Pack::of(program);
        let engine = |kind| Engine::builder(pack.clone()).kind(kind).build().expect("an engine");
        let (mut interpreted, mut native) =
            (engine(EngineKind::Interpreter).session(), engine(EngineKind::Native).session());
        let mut minutes = 0;
        for number in 0..EVENTS {
            let event = event(&mut random, number, &mut minutes);
            let decision = interpreted.decide(&event).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(Ok(&decision), native.decide(&event).as_ref(), "seed {seed}\n{text}");
            let mut amounts: BTreeMap<&str, &str> = BTreeMap::new();
            for effect in &decision.effects {
                amounts.insert(&effect.rule, &effect.amount);
            }
            for rule in 0..RULES {
                let (a, b) = (format!("a{rule}"), format!("b{rule}"));
                assert_eq!(
                    amounts.get(a.as_str()),
                    amounts.get(b.as_str()),
                    "seed {seed} event {number} rule {rule}\n{text}"
                );
                compared += 1;
                given += usize::from(amounts.contains_key(a.as_str()));
            }
        }
    }
    assert!(given * 5 > compared, "only {given} of {compared} gave anything");
}

#[test]
fn equal_aggregates_are_one() {
    let text = r#"language 1
program demo { currency EUR zone "Europe/Berlin" rounding half_up }
account bonus { unit points decimals 0 round down per rule worth 1 points = 1 EUR }
counter visits per member = count(earlier purchases within program where purchase.paid > 5 EUR)
segment regulars = member known and visits >= 3
group earn { kind earn displace none when member known }
rule one in group earn { on purchase when visits > 1 then award 1 points }
rule two in group earn {
  on return
  when count(earlier purchases within program where purchase.paid > 5 EUR) > 1
  then award 1 points
}
rule three in group earn {
  on purchase
  let past = earlier purchases within program where purchase.paid > 5 EUR
  when count(past) = 7
  then award 1 points
}
rule four in group earn { on purchase when regulars then award 1 points }
rule five in group earn { on purchase when count(earlier purchases within program) = 2 then award 1 points }
"#;
    let compilation = compile(&[Input { path: "one.rule".into(), text: text.into() }], &NoFiles);
    let program = compilation.program.expect("it compiles");
    let names: Vec<&str> = program.derivations.iter().map(|derivation| derivation.name.as_str()).collect();
    assert_eq!(names, ["visits", "count(earlier purchases within program)"]);
    // Purchases and returns; the other is asked for by a rule on purchases alone.
    let events: Vec<usize> = program.derivations.iter().map(|derivation| derivation.events.len()).collect();
    assert_eq!(events, [2, 1]);
    // Each condition is one that the index answers.
    for rule in &program.rules {
        assert_eq!(rule.atoms.len(), 2, "rule {}", rule.name);
    }
}

fn engine_of(text: &str) -> Engine {
    let compilation = compile(&[Input { path: "one.rule".into(), text: text.into() }], &NoFiles);
    Engine::builder(Pack::of(compilation.program.expect("it compiles"))).build().expect("an engine")
}

/// A record that comes late sees what happened before its own instant, and what was decided before stays decided.
#[test]
fn a_late_record_sees_its_own_past() {
    let engine = engine_of(
        "language 1\nprogram demo { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
         account bonus { unit points decimals 0 round down per rule worth 1 points = 1 EUR }\n\
         group earn { kind earn displace none on purchase when member known }\n\
         rule past in group earn { then award 1 points * count(earlier purchases within program) }\n",
    );
    let mut session = engine.session();
    let mut points = |id: &str, day: u32| {
        let json =
            format!(r#"{{"id":"{id}","kind":"purchase","at":"2026-03-{day:02}T10:00","member":"m1"}}"#);
        let decision = session.decide(&Event::from_json(json)).expect("a record that can be read");
        decision.effects.first().map_or("0".to_owned(), |effect| effect.amount.to_string())
    };
    assert_eq!(points("a", 10), "0");
    assert_eq!(points("b", 20), "1");
    // Between the two: only the first is before it.
    assert_eq!(points("late", 15), "1");
    assert_eq!(points("first", 1), "0");
    assert_eq!(points("last", 21), "4");
}

/// Lists in records: what they may not be has a name and a place.
#[test]
fn lists_are_read_strictly() {
    let engine = engine_of(
        "language 1\nprogram demo { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
         account bonus { unit points decimals 0 round down per rule worth 1 points = 1 EUR }\n\
         record address { zip: number floor: number = 3 }\n\
         extend member { addresses: list of address }\n\
         group earn { kind earn displace none on purchase when member known }\n\
         rule r in group earn { then award 1 points * sum(address.zip + address.floor for member.addresses) }\n",
    );
    let mut session = engine.session();
    let mut decide = |addresses: &str| {
        let json = format!(
            r#"{{"id":"e","kind":"purchase","at":"2026-03-01T10:00","member":{{"id":"m1","addresses":{addresses}}}}}"#
        );
        let result = session.decide(&Event::from_json(json));
        result
            .map(|decision| decision.effects.first().map_or("0".to_owned(), |e| e.amount.to_string()))
            .map_err(|error| (error.name().to_owned(), error.field.clone()))
    };
    let refused = |name: &str, field: &str| Err((name.to_owned(), field.to_owned()));
    assert_eq!(decide(r#"[{"zip":10},{"zip":20,"floor":1,"other":{"a":[1]}}]"#), Ok("34".to_owned()));
    assert_eq!(decide("[]"), Ok("0".to_owned()));
    assert_eq!(decide("null"), Ok("0".to_owned()));
    assert_eq!(decide("{}"), refused("wrong-type", "member.addresses"));
    assert_eq!(decide("7"), refused("wrong-type", "member.addresses"));
    assert_eq!(decide("[7]"), refused("wrong-type", "member.addresses[0]"));
    assert_eq!(decide("[[]]"), refused("wrong-type", "member.addresses[0]"));
    assert_eq!(decide(r#"[{"zip":1},{}]"#), refused("missing-field", "member.addresses[1].zip"));
    assert_eq!(decide(r#"[{"zip":1,"zip":2}]"#), refused("duplicate-field", "member.addresses[0].zip"));
    let long = format!("[{}]", vec![r#"{"zip":1}"#; 10_001].join(","));
    assert_eq!(decide(&long), refused("list-too-long", "member.addresses"));
    // What was refused leaves nothing behind.
    assert_eq!(decide(r#"[{"zip":1}]"#), Ok("4".to_owned()));
}

/// Rows of which no field is read are there to be counted.
#[test]
fn entries_without_fields_are_counted() {
    let engine = engine_of(
        "language 1\nprogram demo { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
         account bonus { unit points decimals 0 round down per rule worth 1 points = 1 EUR }\n\
         record passenger { name: text }\n\
         event trip { passengers: list of passenger }\n\
         group earn { kind earn displace none on trip }\n\
         rule r in group earn { then award 1 points * count(trip.passengers) }\n",
    );
    let json = r#"{"id":"e","kind":"trip","at":"2026-03-01T10:00","passengers":[{"name":"a"},{},{"x":1}]}"#;
    let decision = engine.session().decide(&Event::from_json(json)).expect("a record that can be read");
    assert_eq!(decision.effects.first().map(|effect| effect.amount.to_string()), Some("3".to_owned()));
}
