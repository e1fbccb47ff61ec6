//! rust-rule-engine (GRL): forward chaining, one cycle a receipt. The language cannot go through lines: their sums are
//! functions of the host's, and so is what happens when a rule fires.

use super::{Found, Peer, numbers, words};
use crate::asked::{Infix, segment};
use perq_tests::workload::naive;
use perq_tests::workload::{Data, Line, Receipt, Rule};
use rust_rule_engine::engine::EngineConfig;
use rust_rule_engine::{Facts, GRLParser, KnowledgeBase, RustRuleEngine, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

struct Words;

impl Infix for Words {
    fn field(&self, name: &str) -> String {
        format!("Receipt.{name}")
    }

    fn line(&self, name: &str) -> String {
        unreachable!("lines are the host's, and so is {name}")
    }

    fn segments(&mut self, inside: bool, of: &[String]) -> String {
        let each: Vec<String> = of.iter().map(|name| format!("Receipt.{name} == {inside}")).collect();
        if inside { format!("({})", each.join(Self::OR)) } else { each.join(Self::AND) }
    }
}

/// A number that the engine hands to a function in one of several ways.
fn number(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Integer(number)) => *number as usize,
        Some(Value::Number(number)) => *number as usize,
        Some(Value::String(text)) => text.parse().expect("the number of a rule"),
        other => panic!("the number of a rule, not {other:?}"),
    }
}

/// Lines of the receipt at hand, which functions go through.
type Lines = Arc<Mutex<Vec<Line>>>;

/// The engine.
pub struct Grl {
    engine: RustRuleEngine,
    lines: Lines,
    found: Arc<Mutex<Vec<Found>>>,
}

impl Peer for Grl {
    type Record = (Facts, Vec<Line>);

    fn new(rules: &[Rule]) -> Result<Grl, String> {
        let mut text = String::new();
        for rule in rules {
            let mut conditions: Vec<String> = Words.conditions(rule).into_iter().collect();
            conditions.push(format!("amount({}) >= {}", rule.id, rule.least_amount.unwrap_or(1)));
            conditions.extend(rule.least_pieces.map(|least| format!("pieces({}) >= {least}", rule.id)));
            text += &format!(
                "rule \"R{0}\" salience 10 no-loop {{\n when\n {1}\n then\n found({0});\n}}\n",
                rule.id,
                conditions.join(Words::AND)
            );
        }
        let base = KnowledgeBase::new("pack");
        for rule in GRLParser::parse_rules(&text).expect("rules") {
            base.add_rule(rule).expect("a rule");
        }
        let once = EngineConfig { max_cycles: 1, timeout: None, enable_stats: false, debug_mode: false };
        let mut engine = RustRuleEngine::with_config(base, once);
        let (rules, lines) = (Arc::new(rules.to_vec()), Lines::default());
        let sum = {
            let (rules, lines) = (rules.clone(), lines.clone());
            move |rule: usize, of: fn(&Line) -> i64| {
                let lines = lines.lock().expect("nobody panicked");
                lines.iter().filter(|line| naive::matches(&rules[rule].filter, line)).map(of).sum::<i64>()
            }
        };
        let (of_amount, of_pieces, of_found) = (sum.clone(), sum.clone(), sum);
        engine.register_function("amount", move |given, _| {
            Ok(Value::Integer(of_amount(number(given.first()), |line| line.net)))
        });
        engine.register_function("pieces", move |given, _| {
            Ok(Value::Integer(of_pieces(number(given.first()), |line| line.pieces.into())))
        });
        let found = Arc::new(Mutex::new(Vec::new()));
        let into = found.clone();
        engine.register_action_handler("found", move |given: &HashMap<String, Value>, _: &Facts| {
            let rule = number(given.values().next());
            let amount = of_found(rule, |line| line.net);
            // The rule has asked for its pieces itself.
            into.lock().expect("nobody panicked").push(Found { rule, amount, pieces: i64::MAX });
            Ok(())
        });
        Ok(Grl { engine, lines, found })
    }

    fn record(&self, data: &Data, receipt: &Receipt) -> Self::Record {
        let mut object: HashMap<String, Value> = HashMap::new();
        object.extend(words(receipt).map(|(name, word)| (name.to_owned(), Value::String(word.to_owned()))));
        object.extend(numbers(receipt).map(|(name, number)| (name.to_owned(), Value::Integer(number))));
        object.extend((0..64).map(|of| (segment(of), Value::Boolean(receipt.segments >> of & 1 == 1))));
        let facts = Facts::new();
        facts.add_value("Receipt", Value::Object(object)).expect("a fact");
        (facts, data.lines_of(receipt).to_vec())
    }

    fn find(&mut self, (facts, lines): &Self::Record, found: &mut Vec<Found>) {
        self.lines.lock().expect("nobody panicked").clone_from(lines);
        self.engine.reset_no_loop_tracking();
        self.engine.execute(facts).expect("the rules run");
        found.append(&mut self.found.lock().expect("nobody panicked"));
    }
}
