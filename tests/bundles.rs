//! Rules that compete for the pieces of random baskets: no piece is in the sets of two rules, a piece in a set is not
//! discounted beside it, the amounts follow from the pieces, and both engines decide alike.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::decision::Decision;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;
use perq_tests::generate::Random;

const GROUPS: [&str; 3] = ["first per unit", "best for member per unit", "best for retailer per unit"];

/// Three rules that take bundles of overlapping goods, and one that does not. `single` is a tenth off each piece.
fn programme(displace: &str) -> String {
    format!(
        r#"language 1
program demo {{ currency EUR zone "UTC" rounding half_up }}
group sets {{ kind set_discount displace {displace} on_price original on purchase }}
rule two in group sets {{
  priority 40
  take bundle pair up to 2 times best for member {{ item = 2 of units where unit in category "A" }}
  then discount 1 EUR on pair spread by paid
}}
rule mixed in group sets {{
  priority 30
  take bundle both best for retailer {{
    a = 1 of units where unit in category "A"
    b = 1 of units where unit in category ["A", "B"]
  }}
  then discount 50% on both.b
}}
rule three in group sets {{
  priority 20
  take bundle trio best for member {{ item = 3 of units where unit in category "B" }}
  then discount 100% on cheapest 1 of trio
}}
rule single in group sets {{
  priority 10
  then discount 10% on units where unit in category ["A", "B"]
}}
"#
    )
}

fn engine(displace: &str, kind: EngineKind) -> Engine {
    let input = Input { path: "demo.rule".to_owned(), text: programme(displace) };
    let compilation = compile(&[input], &NoFiles);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| d.message.clone()).collect();
    let pack = Pack::of(compilation.program.unwrap_or_else(|| panic!("{said:?}")));
    Engine::builder(pack).kind(kind).build().expect("it builds")
}

/// Pieces of each line that the sets of a rule use.
fn used(decision: &Decision, rule: &str, lines: usize) -> Vec<i64> {
    let mut used = vec![0; lines];
    for sets in decision.sets.iter().filter(|sets| sets.rule == rule) {
        for line in &sets.lines {
            used[line.line as usize - 1] += line.pieces;
        }
    }
    used
}

#[test]
fn no_piece_is_used_twice() {
    let mut formed = [0u32; 3];
    for displace in GROUPS {
        let mut native = engine(displace, EngineKind::Native).session();
        let mut interpreter = engine(displace, EngineKind::Interpreter).session();
        let mut random = Random::new(11);
        for id in 0..400 {
            let count = 1 + random.below(5);
            let lines: Vec<(i64, i64)> =
                (0..count).map(|_| (random.between(1, 6), random.between(50, 900))).collect();
            let json: Vec<String> = lines
                .iter()
                .enumerate()
                .map(|(at, (pieces, cents))| {
                    let category = ["A", "B"][(at + id) % 2];
                    let (euros, cents) = (cents / 100, cents % 100);
                    format!(
                        r#"{{"sku":"S{at}","category":"{category}","qty":{pieces},"price":"{euros}.{cents:02}"}}"#
                    )
                })
                .collect();
            let event = format!(
                r#"{{"id":"{id}","kind":"sale","at":"2026-03-01T10:00","lines":[{}]}}"#,
                json.join(",")
            );
            let decision = native.decide_json(event.as_bytes()).expect("it reads");
            assert_eq!(decision, interpreter.decide_json(event.as_bytes()).expect("it reads"), "{event}");
            let rules = ["two", "mixed", "three"];
            let mut free: Vec<i64> = lines.iter().map(|(pieces, _)| *pieces).collect();
            for (rule, formed) in rules.iter().zip(&mut formed) {
                let used = used(&decision, rule, count);
                *formed += u32::from(used.iter().any(|pieces| *pieces > 0));
                for (free, used) in free.iter_mut().zip(used) {
                    *free -= used;
                }
            }
            assert!(free.iter().all(|free| *free >= 0), "{displace}: {event}\n{decision:?}");
            // What a rule without a bundle gives, it gives for pieces that no set has.
            for effect in decision.effects.iter().filter(|effect| effect.rule == "single") {
                for share in &effect.lines {
                    assert!(
                        share.pieces <= free[share.line as usize - 1],
                        "{displace}: {event}\n{decision:?}"
                    );
                }
            }
            // Whole sets: each pair takes exactly one euro off, unless it costs less.
            let pairs: i64 =
                decision.sets.iter().filter(|sets| sets.rule == "two").map(|sets| sets.sets).sum();
            let given: Vec<&str> =
                decision.effects.iter().filter(|e| e.rule == "two").map(|e| e.amount.as_str()).collect();
            match (pairs, given.as_slice()) {
                (0, []) => {}
                (pairs, [one, rest @ ..]) => {
                    let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("cents");
                    let all = cents(one) + rest.iter().map(|text| cents(text)).sum::<i64>();
                    assert!(pairs <= 2 && all == pairs * 100, "{displace}: {event}\n{decision:?}");
                }
                (_, []) => panic!("{displace}: sets without an effect: {event}\n{decision:?}"),
            }
        }
    }
    assert!(formed.iter().all(|formed| *formed > 50), "{formed:?}");
}
