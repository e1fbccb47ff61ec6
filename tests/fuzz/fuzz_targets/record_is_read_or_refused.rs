//! Any bytes are an event of the programme, which is decided, or are refused with a field and a reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::engine::{Engine, EngineKind, Session};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use std::cell::RefCell;

const RULES: &str = r#"language 1
program fuzz { currency EUR zone "Europe/Berlin" rounding half_up }
account bonus { unit points decimals 0 redeemable round down per basket worth 1 points = 0.01 EUR }
group prices { kind line_discount displace best for member per unit on_price original on purchase
  rule third { then discount 100% on cheapest 1 in every 3 of units where unit in category "Tea" }
  rule most { then discount 10% on lines where line.price >= 2 EUR } }
group points { kind earn displace none on purchase when member known
  rule base { then award 1% of basket.paid as points } }
"#;

thread_local! {
    static SESSION: RefCell<Session> = RefCell::new({
        let input = Input { path: "fuzz.rule".to_owned(), text: RULES.to_owned() };
        let program = compile(&[input], &NoFiles).program.expect("the rules compile");
        let bytes = Pack::write(&program, &WriteOptions::default());
        let pack = Pack::read(&bytes, &Policy::unsigned_allowed()).expect("the pack is read");
        Engine::builder(pack).kind(EngineKind::Interpreter).build().expect("an engine").session()
    });
}

fuzz_target!(|bytes: &[u8]| {
    SESSION.with_borrow_mut(|session| {
        let mut out = Vec::new();
        if let Err(error) = session.decide_line(bytes, &mut out) {
            assert!(!error.name().is_empty());
            assert!(out.is_empty());
        }
    });
});
