//! json-rules-engine, in a process of Node.js of its own: rules and receipts go there once, sums and times come back.
//! `json-rules-engine.mjs` says how it is asked.

use super::{Found, object};
use crate::asked::{Asked, Constant, OfLine, conditions, of_lines};
use perq_tests::workload::{Data, Rule};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the process says.
#[derive(Debug, Deserialize)]
struct Said {
    load_ms: f64,
    ns: f64,
    found: Vec<Vec<(usize, i64)>>,
}

/// What it took: loading, and each receipt; and what was found in the first receipts.
pub struct Answer {
    /// Milliseconds.
    pub load: f64,
    /// Nanoseconds of a receipt.
    pub each: f64,
    /// Of each receipt that was timed.
    pub found: Vec<Vec<Found>>,
}

fn constant(of: Constant) -> Value {
    match of {
        Constant::Word(word) => json!(word),
        Constant::Number(number) => json!(number),
    }
}

fn condition(asked: &Asked) -> Vec<Value> {
    let one = |fact: &str, operator: &str, value: Value| json!({ "fact": fact, "operator": operator, "value": value });
    match asked {
        Asked::Among(fact, of) => match of.as_slice() {
            [only] => vec![one(fact, "equal", constant(*only))],
            several => vec![one(fact, "in", several.iter().copied().map(constant).collect())],
        },
        Asked::Between(fact, from, through) => vec![
            one(fact, "greaterThanInclusive", json!(from)),
            one(fact, "lessThanInclusive", json!(through)),
        ],
        Asked::AtLeast(fact, least) => vec![one(fact, "greaterThanInclusive", json!(least))],
        Asked::Segments { inside: true, of } => {
            vec![
                json!({ "any": of.iter().map(|name| one("segments", "contains", json!(name))).collect::<Vec<_>>() }),
            ]
        }
        Asked::Segments { inside: false, of } => {
            of.iter().map(|name| one("segments", "doesNotContain", json!(name))).collect()
        }
        Asked::BirthdayMonth => vec![one("birth_month", "equal", json!({ "fact": "month" }))],
    }
}

fn of_line(asked: OfLine) -> Value {
    match asked {
        OfLine::Is(field, code) => json!({ "field": field, "code": code }),
        OfLine::IsNot(field, code) => json!({ "field": field, "code": code, "not": true }),
        OfLine::Skus(skus) => json!({ "skus": skus }),
    }
}

/// Where the packages are, once `npm ci` has put them there.
fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Decides the first receipts of these, at least so many; nothing, where the package or Node.js is not there.
pub fn run(rules: &[Rule], data: &Data, receipts: usize, least: usize, turns: usize) -> Option<Answer> {
    if !home().join("node_modules").exists() {
        return None;
    }
    let given = json!({
        "rules": rules.iter().map(|rule| json!({
            "conditions": conditions(rule).iter().flat_map(condition).collect::<Vec<_>>(),
            "lines": of_lines(rule).into_iter().map(of_line).collect::<Vec<_>>(),
            "least_amount": rule.least_amount,
            "least_pieces": rule.least_pieces,
        })).collect::<Vec<_>>(),
        "receipts": data.receipts.iter().take(receipts).map(|receipt| object(data, receipt)).collect::<Vec<_>>(),
        "turns": turns,
        "least": least,
    });
    let mut process = Command::new("node")
        .arg("json-rules-engine.mjs")
        .current_dir(home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    process.stdin.take()?.write_all(given.to_string().as_bytes()).expect("the process reads");
    let output = process.wait_with_output().expect("the process ends");
    assert!(output.status.success(), "node ended with {}", output.status);
    let said: Said = serde_json::from_slice(&output.stdout).expect("an answer");
    // The rules have asked for their pieces themselves.
    let found = |of: &Vec<(usize, i64)>| {
        of.iter().map(|(rule, amount)| Found { rule: *rule, amount: *amount, pieces: i64::MAX }).collect()
    };
    Some(Answer { load: said.load_ms, each: said.ns, found: said.found.iter().map(found).collect() })
}
