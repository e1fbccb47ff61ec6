//! Coupons, badges, fields and levels as hosts see them: the lines of decisions over several events, the same on both
//! engines.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;

const PROGRAMME: &str = r#"
language 1
program shop { currency EUR zone "Europe/Rome" rounding half_up }
event signup
extend member { spent: money = 0 EUR }

tiers club {
  measure member.spent
  level base from 0 EUR
  level gold from 100 EUR
  upgrade at_once
  downgrade to_measure
  review every month at 03:00
}
badge fan "Fan" { when basket.paid >= 100 EUR }
certificate gift { expires after 1 years }
coupon ten "10 %" { codes unique expires after 30 days then discount 10% on basket spread by paid }
coupon spring { codes shared "SPRING" uses 1 times per member then discount 5 EUR on basket spread by paid }

group welcome { kind state displace none on signup when member known }
rule hello in group welcome {
  then {
    issue 2 coupon ten reason "Welcome"
    issue certificate gift for 12.50 EUR
  }
}
group notes { kind state displace none on purchase when member known }
rule spends in group notes { then set member.spent to basket.paid until 2026-02-15 }
"#;

fn lines(kind: EngineKind) -> Vec<serde_json::Value> {
    let input = Input { path: "shop.rule".to_owned(), text: PROGRAMME.to_owned() };
    let compilation = compile(&[input], &NoFiles);
    assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
    let engine = Engine::builder(Pack::of(compilation.program.unwrap())).kind(kind).build().unwrap();
    assert!(engine.is_stateful());
    let mut session = engine.session();
    let purchase = |id: &str, at: &str, codes: &str, price: &str| {
        format!(
            r#"{{"id":"{id}","kind":"purchase","at":"{at}","member":"m1","coupons":[{codes}],"lines":[{{"sku":"A","qty":1,"price":"{price}"}}]}}"#
        )
    };
    let events = [
        r#"{"id":"r1","kind":"signup","at":"2026-01-10T09:00","member":"m1"}"#.to_owned(),
        purchase("p1", "2026-01-11T09:00", r#""TEN-R1-1","spring","nobody""#, "200"),
        purchase("p2", "2026-01-12T09:00", r#""ten-r1-1","SPRING","ten-r1-2""#, "10"),
        purchase("p3", "2026-03-02T09:00", r#""x""#, "20"),
    ];
    events
        .iter()
        .map(|event| {
            let mut line = Vec::new();
            session.decide_line(event.as_bytes(), &mut line).unwrap();
            serde_json::from_slice(&line).unwrap()
        })
        .collect()
}

#[test]
fn decisions_say_what_is_issued_redeemed_set_and_risen_to() {
    let decided = lines(EngineKind::Interpreter);
    let part =
        |at: usize, key: &str| decided[at].get(key).cloned().unwrap_or(serde_json::Value::Null).to_string();
    assert_eq!(
        part(0, "issued"),
        r#"[{"codes":["ten-r1-1","ten-r1-2"],"expires":"2026-02-09","kind":"coupon","name":"ten","reason":"Welcome","rule":"hello"},{"codes":["gift-r1-1"],"expires":"2027-01-10","kind":"certificate","name":"gift","rule":"hello","value":"12.50"}]"#
    );
    // 10 % of 200 are 20, and 5 more: 175 are paid. The level rises with the event, the badge is earned by it.
    assert_eq!(decided[1]["totals"]["total"], "175.00");
    assert_eq!(
        part(1, "coupons"),
        r#"[{"code":"TEN-R1-1","coupon":"ten","outcome":"accepted"},{"code":"spring","coupon":"spring","outcome":"accepted"},{"code":"nobody","outcome":"unknown"}]"#
    );
    assert_eq!(part(1, "issued"), r#"[{"kind":"badge","name":"fan"}]"#);
    assert_eq!(
        part(1, "set"),
        r#"[{"field":"member.spent","rule":"spends","until":"2026-02-15","value":"175.00"}]"#
    );
    assert_eq!(
        part(1, "tiers"),
        r#"[{"at":"2026-01-11T09:00","from":"base","tiers":"club","to":"gold","with":"event"}]"#
    );
    // The first code is used up and so is the shared one for this member; the second unique code is whole.
    assert_eq!(
        part(2, "coupons"),
        r#"[{"code":"ten-r1-1","coupon":"ten","outcome":"used-up"},{"code":"SPRING","coupon":"spring","outcome":"used-up"},{"code":"ten-r1-2","coupon":"ten","outcome":"accepted"}]"#
    );
    assert_eq!(decided[2]["totals"]["total"], "9.00");
    assert_eq!(part(2, "tiers"), "null");
    // 9 euro were spent last, which 1 February finds too little for gold.
    assert_eq!(
        part(3, "tiers"),
        r#"[{"at":"2026-02-01T03:00","from":"gold","tiers":"club","to":"base","with":"review"}]"#
    );
    assert_eq!(part(3, "issued"), "null");
}

#[test]
fn native_code_decides_the_same() {
    assert_eq!(lines(EngineKind::Interpreter), lines(EngineKind::Native));
}
