//! zen (GoRules): one decision table for the pack, a row a rule, all that match, compiled with its own index over columns.

use super::{Found, Peer, object};
use crate::asked::{Asked, Infix, conditions, listed};
use perq_tests::workload::{Data, Receipt, Rule};
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};
use zen_engine::model::DecisionContent;
use zen_engine::{Decision, DecisionEngine};
use zen_expression::variable::Variable;

/// Fields that are columns of the table; what else is asked stands in a last column as an expression.
const COLUMNS: [&str; 11] =
    ["channel", "tier", "payment", "currency", "store", "weekday", "hour", "day", "spent", "tenure", "total"];
const OTHER: &str = "other";

struct Words;

impl Infix for Words {
    const AND: &'static str = " and ";
    const OR: &'static str = " or ";

    fn line(&self, name: &str) -> String {
        format!("#.{name}")
    }

    fn segments(&mut self, inside: bool, of: &[String]) -> String {
        let names: Vec<String> = of.iter().map(|name| format!("\"{name}\"")).collect();
        format!("{}some(segments, # in [{}])", if inside { "" } else { "not " }, names.join(", "))
    }
}

fn sum(rule: &Rule, field: &str) -> String {
    match Words.of_line(rule) {
        None if field == "net" => "total".to_owned(),
        None => format!("sum(map(lines, #.{field}))"),
        Some(asked) => format!("sum(map(filter(lines, {asked}), #.{field}))"),
    }
}

/// A row: cells by column.
fn row(rule: &Rule) -> Value {
    let mut cells: Map<String, Value> = Map::new();
    let mut other = Vec::new();
    for asked in conditions(rule) {
        let (column, cell) = match &asked {
            Asked::Among(column, of) => {
                (*column, listed(&of.iter().map(|constant| Words.constant(*constant)).collect::<Vec<_>>()))
            }
            Asked::Between(column, from, through) => (*column, format!("[{from}..{through}]")),
            Asked::AtLeast(column, least) => (*column, format!(">= {least}")),
            Asked::Segments { .. } | Asked::BirthdayMonth => {
                other.push(Words.condition(&asked));
                continue;
            }
        };
        cells.insert(column.to_owned(), cell.into());
    }
    if !other.is_empty() {
        cells.insert(OTHER.to_owned(), other.join(<Words as Infix>::AND).into());
    }
    let pieces = if rule.least_pieces.is_some() { sum(rule, "pieces") } else { "0".to_owned() };
    for (column, cell) in [
        ("_id", format!("r{}", rule.id)),
        ("found_rule", rule.id.to_string()),
        ("found_amount", sum(rule, "net")),
        ("found_pieces", pieces),
    ] {
        cells.insert(column.to_owned(), cell.into());
    }
    Value::Object(cells)
}

/// A table and what waits for its answers.
pub struct Zen {
    decision: Decision,
    runtime: Runtime,
}

fn whole(value: Option<Variable>) -> i64 {
    match value {
        Some(Variable::Number(number)) => i64::try_from(number).expect("a whole number"),
        Some(Variable::Null) => 0, // the sum of no lines
        other => panic!("a number, not {other:?}"),
    }
}

impl Peer for Zen {
    type Record = Variable;

    fn new(rules: &[Rule]) -> Result<Zen, String> {
        let mut inputs: Vec<Value> =
            COLUMNS.iter().map(|name| json!({ "id": name, "name": name, "field": name })).collect();
        inputs.push(json!({ "id": OTHER, "name": OTHER }));
        let outputs: Vec<Value> = ["rule", "amount", "pieces"]
            .iter()
            .map(|name| json!({ "id": format!("found_{name}"), "name": name, "field": name }))
            .collect();
        let node = |id: &str, kind: &str, content: Value| json!({ "id": id, "name": id, "type": kind, "position": { "x": 0, "y": 0 }, "content": content });
        let rows: Vec<Value> = rules.iter().map(row).collect();
        let table = json!({ "hitPolicy": "collect", "inputs": inputs, "outputs": outputs, "rules": rows });
        let edge = |id: &str, from: &str, to: &str| json!({ "id": id, "sourceId": from, "targetId": to, "type": "edge" });
        let content = json!({
            "nodes": [
                node("in", "inputNode", json!({})),
                node("table", "decisionTableNode", table),
                node("out", "outputNode", json!({})),
            ],
            "edges": [edge("first", "in", "table"), edge("second", "table", "out")],
        });
        let content: DecisionContent = serde_json::from_str(&content.to_string()).expect("a decision");
        let mut decision = DecisionEngine::default().create_decision(content.into()).expect("a decision");
        decision.compile();
        Ok(Zen { decision, runtime: Builder::new_current_thread().build().expect("a runtime") })
    }

    fn record(&self, data: &Data, receipt: &Receipt) -> Self::Record {
        Variable::from(object(data, receipt))
    }

    fn find(&mut self, record: &Self::Record, found: &mut Vec<Found>) {
        let answer = self.runtime.block_on(self.decision.evaluate(record.clone())).expect("an answer");
        let Variable::Array(rows) = &answer.result else { return };
        for row in rows.borrow().iter() {
            let number = |name: &str| whole(row.dot(name));
            found.push(Found {
                rule: number("rule") as usize,
                amount: number("amount"),
                pieces: number("pieces"),
            });
        }
    }
}
