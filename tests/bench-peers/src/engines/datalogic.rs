//! datalogic-rs (JSONLogic): a compiled rule each, over a parsed receipt, in an arena that is used again. Long lists are an
//! operator of the host's.

use super::{Found, Peer, object};
use crate::asked::{Asked, Constant, OfLine, Sets, WRITTEN_OUT, conditions, of_lines};
use bumpalo::Bump;
use datalogic_rs::operator::EvalContext;
use datalogic_rs::{CustomOperator, DataValue, Engine, Logic, ParsedData};
use perq_tests::workload::{Data, Receipt, Rule};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

struct InSet(Arc<OnceLock<Sets>>);

impl CustomOperator for InSet {
    fn evaluate<'a>(
        &self,
        args: &[&'a DataValue<'a>],
        _: &mut EvalContext<'_, 'a>,
        arena: &'a Bump,
    ) -> datalogic_rs::Result<&'a DataValue<'a>> {
        let number = |place: usize| args.get(place).and_then(|value| value.as_i64());
        let sets = self.0.get().expect("the sets are there before anything runs");
        let inside = number(0).zip(number(1)).is_some_and(|(set, sku)| sets.has(set, sku));
        Ok(arena.alloc(DataValue::Bool(inside)))
    }
}

fn field(name: &str) -> Value {
    json!({ "var": name })
}

fn condition(asked: &Asked) -> Value {
    match asked {
        Asked::Among(name, of) => {
            let of: Vec<Value> = of
                .iter()
                .map(|constant| match constant {
                    Constant::Word(word) => json!(word),
                    Constant::Number(number) => json!(number),
                })
                .collect();
            match of.as_slice() {
                [only] => json!({ "==": [field(name), only] }),
                several => json!({ "in": [field(name), several] }),
            }
        }
        Asked::Between(name, from, through) => json!({ "<=": [from, field(name), through] }),
        Asked::AtLeast(name, least) => json!({ ">=": [field(name), least] }),
        Asked::Segments { inside, of } => {
            let any: Vec<Value> = of.iter().map(|name| json!({ "in": [name, field("segments")] })).collect();
            if *inside { json!({ "or": any }) } else { json!({ "!": [{ "or": any }] }) }
        }
        Asked::BirthdayMonth => json!({ "==": [field("birth_month"), field("month")] }),
    }
}

fn sum(rule: &Rule, name: &str, sets: &mut Sets) -> Value {
    let of_lines: Vec<Value> = of_lines(rule)
        .into_iter()
        .map(|asked| match asked {
            OfLine::Is(name, code) => json!({ "==": [field(name), code] }),
            OfLine::IsNot(name, code) => json!({ "!=": [field(name), code] }),
            OfLine::Skus(of) if of.len() <= WRITTEN_OUT => json!({ "in": [field("sku"), of] }),
            OfLine::Skus(of) => json!({ "in_set": [sets.keep(of), field("sku")] }),
        })
        .collect();
    let lines = match of_lines.as_slice() {
        [] if name == "net" => return field("total"),
        [] => field("lines"),
        [only] => json!({ "filter": [field("lines"), only] }),
        several => json!({ "filter": [field("lines"), { "and": several }] }),
    };
    json!({ "reduce": [lines, { "+": [field("accumulator"), field(&format!("current.{name}"))] }, 0] })
}

/// Rules of amounts and, where one asks, of pieces.
pub struct Datalogic {
    engine: Engine,
    rules: Vec<(Logic, Option<Logic>)>,
    arena: Bump,
}

impl Peer for Datalogic {
    type Record = ParsedData;

    fn new(rules: &[Rule]) -> Result<Datalogic, String> {
        let all = Arc::new(OnceLock::new());
        let engine = Engine::builder().add_operator("in_set", InSet(all.clone())).build();
        let mut sets = Sets::default();
        let compile = |logic: Value| engine.compile(logic.to_string().as_str()).expect("a rule");
        let rules = rules
            .iter()
            .map(|rule| {
                let amount = sum(rule, "net", &mut sets);
                let conditions: Vec<Value> = conditions(rule).iter().map(condition).collect();
                let amount = match conditions.as_slice() {
                    [] => amount,
                    [only] => json!({ "if": [only, amount, 0] }),
                    several => json!({ "if": [{ "and": several }, amount, 0] }),
                };
                let pieces = rule.least_pieces.map(|_| compile(sum(rule, "pieces", &mut sets)));
                (compile(amount), pieces)
            })
            .collect();
        assert!(all.set(sets).is_ok(), "they are set once");
        Ok(Datalogic { engine, rules, arena: Bump::new() })
    }

    fn record(&self, data: &Data, receipt: &Receipt) -> Self::Record {
        ParsedData::from_json(&object(data, receipt).to_string()).expect("an object")
    }

    fn find(&mut self, record: &Self::Record, found: &mut Vec<Found>) {
        self.arena.reset();
        for (rule, (amount, pieces)) in self.rules.iter().enumerate() {
            let run = |logic: &Logic| {
                let value = self.engine.evaluate(logic, record, &self.arena).expect("a value");
                value.as_i64().expect("a whole number")
            };
            let amount = run(amount);
            if amount > 0 {
                found.push(Found { rule, amount, pieces: pieces.as_ref().map_or(0, run) });
            }
        }
    }
}
