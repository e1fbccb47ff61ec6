//! cel (the Common Expression Language): a program for each rule, compiled once, over one context a receipt. Sums, and
//! long lists, are functions of the host's, for the language has neither.

use super::{Found, Peer, fields, numbers, segments, words};
use crate::asked::{Infix, Sets};
use ::cel::objects::Key;
use ::cel::{Context, Env, Program, Value};
use perq_tests::workload::{Data, Receipt, Rule};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Default)]
struct Words {
    sets: Sets,
}

impl Infix for Words {
    fn line(&self, name: &str) -> String {
        format!("line.{name}")
    }

    fn skus(&mut self, of: &[i64]) -> String {
        self.sets.of_line(of)
    }

    fn segments(&mut self, inside: bool, of: &[String]) -> String {
        let names: Vec<String> = of.iter().map(|name| format!("\"{name}\"")).collect();
        let not = if inside { "" } else { "!" };
        format!("{not}segments.exists(segment, segment in [{}])", names.join(", "))
    }
}

/// Programs, of amounts and, where a rule asks, of pieces.
pub struct Cel {
    root: &'static Context<'static, 'static>,
    programs: Vec<(Program, Option<Program>)>,
}

fn whole(value: Value) -> i64 {
    match value {
        Value::Int(whole) => whole,
        other => panic!("a whole number, not {other:?}"),
    }
}

impl Peer for Cel {
    type Record = Context<'static, 'static>;

    fn new(rules: &[Rule]) -> Result<Cel, String> {
        let env = Arc::new(Env::stdlib());
        let mut words = Words::default();
        let programs = rules
            .iter()
            .map(|rule| {
                let of_line = words.of_line(rule);
                let sum = |field: &str| match &of_line {
                    None if field == "net" => "total".to_owned(),
                    None => format!("sum(lines.map(line, line.{field}))"),
                    Some(asked) => format!("sum(lines.map(line, {asked}, line.{field}))"),
                };
                let amount = match words.conditions(rule) {
                    Some(conditions) => format!("{conditions} ? {} : 0", sum("net")),
                    None => sum("net"),
                };
                let compile = |text: &str| env.compile(text).expect("an expression");
                (compile(&amount), rule.least_pieces.map(|_| compile(&sum("pieces"))))
            })
            .collect();
        let sets = words.sets;
        let mut root = Context::with_env(env);
        root.add_function("sum", |of: Arc<Vec<Value>>| of.iter().cloned().map(whole).sum::<i64>())
            .expect("a function");
        root.add_function("in_set", move |set: i64, sku: i64| sets.has(set, sku)).expect("a function");
        // A context borrows its parent; one a pack is left over at the end of the run.
        Ok(Cel { root: Box::leak(Box::new(root)), programs })
    }

    fn record(&self, data: &Data, receipt: &Receipt) -> Self::Record {
        let mut record = self.root.new_inner_scope();
        let word = |text: &str| Value::String(Arc::new(text.to_owned()));
        for (name, value) in words(receipt) {
            record.add_variable_from_value(name, word(value));
        }
        for (name, value) in numbers(receipt) {
            record.add_variable_from_value(name, Value::Int(value));
        }
        record.add_variable_from_value(
            "segments",
            Value::List(Arc::new(segments(receipt).map(|name| word(&name)).collect())),
        );
        let line = |of: &perq_tests::workload::Line| {
            let fields =
                fields(of).map(|(name, value)| (Key::String(Arc::new(name.to_owned())), Value::Int(value)));
            Value::Map(HashMap::from(fields).into())
        };
        record.add_variable_from_value(
            "lines",
            Value::List(Arc::new(data.lines_of(receipt).iter().map(line).collect())),
        );
        record
    }

    fn find(&mut self, record: &Self::Record, found: &mut Vec<Found>) {
        for (rule, (amount, pieces)) in self.programs.iter().enumerate() {
            let run = |program: &Program| whole(program.execute(record).expect("a value"));
            let amount = run(amount);
            if amount > 0 {
                found.push(Found { rule, amount, pieces: pieces.as_ref().map_or(0, run) });
            }
        }
    }
}
