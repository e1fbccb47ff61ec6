//! Points that live and pay, as hosts see them: the lots of awards, what is short, what points pay, and why an event is
//! refused. Both engines, byte for byte.

use perq_compiler::ir::verify;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::engine::{Engine, EngineKind, Session};
use perq_runtime::pack::Pack;
use serde_json::{Value, json};

const RULES: &str = r#"
language 1
program points { currency EUR zone "Europe/Rome" rounding half_up }
account bonus {
  unit points decimals 0
  redeemable
  round down per basket
  worth 100 points = 1 EUR
  expire 30 days after award
  melt 50% of awarded every 10 days from 10 days after award
}
account chips { unit chips decimals 0 }
event gift { amount: points }
group gifts { kind earn displace none on gift }
rule given in group gifts { when member known then award event.amount }
rule later in group gifts { when member known then award 7 chips available after 14 days }
rule at_once in group gifts { when member known then award 3 chips spent_at_once }
group spend { kind set_discount displace none on_price original on purchase }
rule pan in group spend {
  when member known
  then {
    debit 10 chips
    discount 50% on lines where line in list "Pans"
  }
}
redemption pay {
  from bonus
  for lines where line.kind = product
  when member known
  member chooses amount
  at least 100 points
  step 50 points
  at most 50% of basket.paid
  confirm sms above 500 points
  if_short say cashier "Not enough" member "Sorry"
}
"#;

fn session(kind: EngineKind) -> Session {
    let input = Input { path: "points.rule".to_owned(), text: RULES.to_owned() };
    let compilation = compile(&[input], &NoFiles);
    let said: Vec<String> = compilation.diagnostics.iter().map(|found| found.message.clone()).collect();
    let program = compilation.program.unwrap_or_else(|| panic!("{said:?}"));
    let pack = Pack::of(verify::verify(program.into_program()).expect("it verifies"));
    Engine::builder(pack).kind(kind).build().expect("an engine").session()
}

/// What both engines decide of events that follow one another.
fn decide(events: &[Value]) -> Vec<Value> {
    let (mut first, mut second) = (session(EngineKind::Interpreter), session(EngineKind::Automatic));
    let mut out = Vec::new();
    for event in events {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        first.decide_line(event.to_string().as_bytes(), &mut one).expect("a decision");
        second.decide_line(event.to_string().as_bytes(), &mut other).expect("a decision");
        assert_eq!(String::from_utf8_lossy(&one), String::from_utf8_lossy(&other));
        out.push(serde_json::from_slice(&one).expect("it is JSON"));
    }
    out
}

fn gift(at: &str, amount: i64) -> Value {
    json!({"id": at, "kind": "gift", "member": "m1", "at": at, "amount": amount.to_string()})
}

fn purchase(at: &str, sku: &str, price: &str, redeem: Value) -> Value {
    let lines = json!([{"sku": sku, "qty": 1, "price": price}, {"sku": "X", "qty": 3, "price": "1.00"}]);
    let mut event = json!({"id": at, "kind": "purchase", "member": "m1", "at": at, "lines": lines});
    event["redeem"] = redeem;
    event
}

/// 101 points in Rome on 1 March, at 10:00: 50.5 melt after day 10 (11 March) and as much after day 20 (21 March), so 51
/// and 50. The days end at 23:00 of the universal clock. 14 days later at 10:00 it is 15 March, 09:00 Z.
#[test]
fn awards_say_how_they_live() {
    let decided = decide(&[gift("2026-03-01T10:00:00", 101)]);
    let effects = &decided[0]["effects"];
    assert_eq!(
        effects[0]["lots"],
        json!([
            {"amount": "51", "expires": "2026-03-11T23:00:00Z"},
            {"amount": "50", "expires": "2026-03-21T23:00:00Z"}
        ])
    );
    assert_eq!(effects[1]["lots"], json!([{"amount": "7", "available": "2026-03-15T09:00:00Z"}]));
    assert_eq!((&effects[2]["lots"], &effects[2]["spent_at_once"]), (&Value::Null, &json!(true)));
}

/// 7 chips of 1 March are there on 15 March, 3 less than the pan takes.
#[test]
fn what_is_not_there_is_named() {
    let decided = decide(&[
        gift("2026-03-01T10:00:00", 1),
        purchase("2026-03-02T10:00:00", "PAN", "40.00", Value::Null),
        purchase("2026-03-15T10:00:00", "PAN", "40.00", Value::Null),
    ]);
    let short = |missing: &str| json!([{"rule": "pan", "account": "chips", "missing": missing}]);
    assert_eq!(decided[1]["short"], short("10"));
    assert_eq!(decided[2]["short"], short("3"));
    assert_eq!(decided[2]["effects"], json!([]));
}

/// 500 points are 5.00 EUR of 40.00 and 3.00: 4.65 and 0.35 (4.651…, 0.348…), and 465 and 35 points in this proportion.
#[test]
fn what_points_pay_falls_on_lines() {
    let decided = decide(&[
        gift("2026-03-01T10:00:00", 600),
        purchase("2026-03-02T10:00:00", "PAN", "40.00", json!({"pay": "500"})),
    ]);
    let decision = &decided[1];
    let tender = &decision["tender"][0];
    assert_eq!(
        (&tender["redemption"], &tender["points"], &tender["money"]),
        (&json!("pay"), &json!("500"), &json!("5.00"))
    );
    assert_eq!(
        (&tender["lines"][0]["amount"], &tender["lines"][1]["amount"]),
        (&json!("4.65"), &json!("0.35"))
    );
    let debit = &decision["effects"][0];
    assert_eq!(
        (&debit["kind"], &debit["rule"], &debit["amount"]),
        (&json!("debit"), &json!("pay"), &json!("500"))
    );
    assert_eq!((&debit["lines"][0]["amount"], &debit["lines"][1]["amount"]), (&json!("465"), &json!("35")));
    let totals = &decision["totals"];
    assert_eq!(
        (&totals["paid"], &totals["points"], &totals["total"]),
        (&json!("43.00"), &json!("5.00"), &json!("38.00"))
    );
    assert_eq!(totals["debits"], json!({"bonus": "500"}));
}

#[test]
fn refusals_say_why_and_by_how_much() {
    let refused = |points: &str, price: &str| {
        let mut decided = decide(&[
            gift("2026-03-01T10:00:00", 400),
            purchase("2026-03-02T10:00:00", "PAN", price, json!({"pay": points})),
        ]);
        let decision = decided.pop().expect("two decisions");
        assert_eq!(decision["effects"], json!([]));
        assert_eq!(decision.get("short"), None);
        let refused = decision["refused"].clone();
        assert_eq!((&refused["redemption"], &refused["account"]), (&json!("pay"), &json!("bonus")));
        (
            refused["because"].as_str().unwrap_or_default().to_owned(),
            refused["by"].clone(),
            refused["say"].clone(),
        )
    };
    let plain = |because: &str, by: &str| (because.to_owned(), json!(by), Value::Null);
    assert_eq!(refused("50", "97.00"), plain("below-least", "50"));
    assert_eq!(refused("170", "97.00"), plain("wrong-step", "20"));
    // Half of 7.00 EUR is 3.50, which are 350 points.
    assert_eq!(refused("400", "4.00"), plain("above-most", "50"));
    assert_eq!(refused("550", "97.00"), plain("unconfirmed", "50"));
    let words = json!([{"to": "cashier", "text": "Not enough"}, {"to": "member", "text": "Sorry"}]);
    assert_eq!(refused("450", "97.00"), ("short".to_owned(), json!("50"), words));
}

#[test]
fn a_request_that_nobody_meets_is_no_record() {
    let event = purchase("2026-03-02T10:00:00", "PAN", "40.00", json!({"pya": "500"}));
    let error = session(EngineKind::Interpreter).decide_line(event.to_string().as_bytes(), &mut Vec::new());
    let error = error.expect_err("there is no such redemption");
    assert_eq!((error.name(), error.field.as_str()), ("unknown-field", "redeem.pya"));
}
