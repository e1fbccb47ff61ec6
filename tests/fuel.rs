//! Every evaluation ends: both engines at the same turn, whatever the fuel, in the code of rules and in settlement alike; and
//! what shops sell in a year does not come near the end.

use flate2::read::GzDecoder;
use perq_cli::args::EngineName;
use perq_cli::{programme, tables};
use perq_compiler::evaluate::FUEL;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;
use perq_runtime::record::ReadOptions;
use perq_tests::root;
use std::io::{BufRead, BufReader};

/// Prices that are competed for, taken over and limited, sets, and points that are multiplied and round with the event.
const PROGRAMME: &str = r#"language 1
program demo { currency EUR zone "UTC" rounding half_up }
account bonus { unit points decimals 0 round down per basket worth 1 points = 0.01 EUR }

group shelf { kind line_discount displace none on_price original on purchase
  limit 3 EUR per transaction else cut }
rule tenth in group shelf { then discount 10% on lines where line.category in category "A" }

group better { kind line_discount displace best for member per line on_price running excludes group shelf when better on purchase }
rule third in group better { then discount 30% on lines where line.category in category "A" }
rule fixed in group better { then discount 2 EUR on lines where line.paid > 5 EUR spread by paid }

group sets { kind set_discount displace best for member per unit on_price running on purchase }
rule pair in group sets {
  take bundle pair up to 2 times best for member { item = 2 of units where unit in category "B" }
  then discount 1 EUR on pair spread by paid
}
rule single in group sets { then discount 5% on units where unit in category "B" }

group base { kind earn displace none on purchase }
rule points in group base {
  then for each line in lines { award 1 points * (steps of 1 EUR in (line.paid)) }
}
rule more in group base {
  limit 3 points per transaction else cut
  then award 7 points
}
"#;

const EVENTS: [&str; 2] = [
    r#"{"id":"1","kind":"purchase","at":"2026-03-02T10:15:00Z","lines":[{"sku":"A","qty":2,"price":"13.50","category":"A"},{"sku":"B","qty":5,"price":"7.00","category":"B"},{"sku":"C","qty":1,"price":"3.00","category":"C"}],"payments":[]}"#,
    r#"{"id":"2","kind":"purchase","at":"2026-03-02T10:16:00Z","lines":[{"sku":"B","qty":1,"price":"4.00","category":"B"},{"sku":"A","qty":1,"price":"0.99","category":"A"},{"sku":"B2","qty":1,"price":"4.50","category":"B"}],"payments":[]}"#,
];

fn engine(kind: EngineKind) -> Engine {
    let input = Input { path: "demo.rule".to_owned(), text: PROGRAMME.to_owned() };
    let compilation = compile(&[input], &NoFiles);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| d.message.clone()).collect();
    let pack = Pack::of(compilation.program.unwrap_or_else(|| panic!("{said:?}")));
    Engine::builder(pack).kind(kind).build().expect("it builds")
}

/// The decision with so much fuel, and what is left of it.
fn decide(engine: &Engine, fuel: i64, event: &str) -> (String, i64) {
    let mut session = engine.session().with_fuel(fuel);
    let mut line = Vec::new();
    session.decide_line(event.as_bytes(), &mut line).expect("the event is right");
    (String::from_utf8(line).expect("it is text"), session.fuel_left())
}

#[test]
fn both_engines_end_at_the_same_turn_whatever_the_fuel() {
    let (interpreter, native) = (engine(EngineKind::Interpreter), engine(EngineKind::Native));
    for event in EVENTS {
        let (whole, left) = decide(&interpreter, FUEL, event);
        let turns = FUEL - left;
        assert!((500..20_000).contains(&turns), "{turns} turns");
        assert!(!whole.contains("out-of-fuel"), "{whole}");
        let mut different = 0;
        let mut last = String::new();
        for fuel in 0..=turns + 1 {
            let (line, left) = decide(&interpreter, fuel, event);
            assert_eq!(
                (&line, left),
                (&decide(&native, fuel, event).0, decide(&native, fuel, event).1),
                "{fuel}"
            );
            assert_eq!(line.contains("out-of-fuel"), fuel < turns, "{fuel} of {turns}: {line}");
            assert_eq!(line == whole, fuel >= turns, "{fuel} of {turns}");
            different += i32::from(line != last);
            last = line;
        }
        // It ends in each rule, before and after it has proposed something.
        assert!(different > 8, "only {different} different decisions");
    }
}

#[test]
fn a_year_of_receipts_does_not_come_near_the_end() {
    let folder = root().join("rules-examples/online-retail");
    let programme = programme::find_one(&folder).unwrap_or_else(|failure| panic!("{failure:?}"));
    let tables =
        tables::catalogue(&programme.config.catalogue).unwrap_or_else(|failure| panic!("{failure:?}"));
    let compilation = programme.compile().unwrap_or_else(|failure| panic!("{failure:?}"));
    let pack = Pack::of(compilation.program.expect("the example compiles"));
    let engine = tables::engine(pack, &tables, Some(EngineName::Native), ReadOptions::default(), &[])
        .unwrap_or_else(|failure| panic!("{failure:?}"));
    let mut session = engine.session();
    let (mut events, mut most) = (0, 0);
    for path in &programme.config.events.files.0 {
        let events_of = tables::open(path).unwrap_or_else(|failure| panic!("{failure:?}"));
        let mut out = Vec::new();
        for line in BufReader::new(GzDecoder::new(events_of)).lines() {
            out.clear();
            let line = line.unwrap_or_else(|error| panic!("{error}"));
            session.decide_line(line.as_bytes(), &mut out).unwrap_or_else(|error| panic!("{error}"));
            events += 1;
            most = most.max(FUEL - session.fuel_left());
        }
    }
    println!("at most {most} turns of {FUEL}");
    assert_eq!(events, 25_900);
    assert!(most < FUEL / 10, "{most} turns");
}
