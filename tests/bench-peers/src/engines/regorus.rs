//! regorus (Rego): one policy for the pack, compiled for its virtual machine, which is used again. Long lists are data.

use super::{Found, Peer, object};
use crate::asked::{Infix, WRITTEN_OUT};
use ::regorus::languages::rego::compiler::Compiler;
use ::regorus::rvm::vm::RegoVM;
use ::regorus::{Engine, Rc, Value};
use perq_tests::workload::{Data, Receipt, Rule};
use serde_json::json;

/// A file of more than a mebibyte, or of more than 20 000 lines, is refused.
const RULES_PER_FILE: usize = 100;

#[derive(Default)]
struct Words {
    sets: serde_json::Map<String, serde_json::Value>,
}

impl Infix for Words {
    const AND: &'static str = "\n  ";

    fn field(&self, name: &str) -> String {
        format!("input.{name}")
    }

    fn line(&self, name: &str) -> String {
        format!("line.{name}")
    }

    fn among(&mut self, value: &str, of: &[String]) -> String {
        let of = of.join(",\n"); // a line of more than 1 024 characters is refused
        format!("{value} in {{{of}}}")
    }

    fn skus(&mut self, of: &[i64]) -> String {
        let of: Vec<String> = of.iter().map(i64::to_string).collect();
        if of.len() <= WRITTEN_OUT {
            return self.among("line.sku", &of);
        }
        let name = format!("s{}", self.sets.len());
        self.sets.insert(name.clone(), of.into_iter().map(|sku| (sku, json!(true))).collect());
        format!("data.sets.{name}[line.key]")
    }

    fn segments(&mut self, inside: bool, of: &[String]) -> String {
        let names: Vec<String> = of.iter().map(|name| format!("\"{name}\"")).collect();
        let how = if inside { "> 0" } else { "== 0" };
        format!("count({{s | some s in input.segments; s in {{{}}}}}) {how}", names.join(", "))
    }
}

/// A virtual machine with a policy in it.
pub struct Regorus {
    machine: RegoVM,
}

impl Peer for Regorus {
    type Record = Value;

    fn new(rules: &[Rule]) -> Result<Regorus, String> {
        let mut words = Words::default();
        let clauses: Vec<String> = rules
            .iter()
            .map(|rule| {
                let conditions = words.conditions(rule).map(|all| format!("  {all}\n")).unwrap_or_default();
                let of_line = words.of_line(rule).map(|all| format!("; {}", all.replace("\n  ", "; ")));
                let sum = |field: &str| match &of_line {
                    None if field == "net" => "input.total".to_owned(),
                    None => format!("sum([line.{field} | some line in input.lines])"),
                    Some(asked) => format!("sum([line.{field} | some line in input.lines{asked}])"),
                };
                let pieces = if rule.least_pieces.is_some() { sum("pieces") } else { "0".to_owned() };
                format!(
                    "found contains [{}, amount, pieces] if {{\n{conditions}  amount := {}\n  pieces := {pieces}\n}}\n",
                    rule.id,
                    sum("net")
                )
            })
            .collect();
        let mut engine = Engine::new();
        for (number, part) in clauses.chunks(RULES_PER_FILE).enumerate() {
            let text = format!("package pack\nimport rego.v1\n{}", part.concat());
            engine.add_policy(format!("pack{number}.rego"), text).expect("a policy");
        }
        let data = Value::from_json_str(&json!({ "sets": words.sets }).to_string()).expect("data");
        engine.add_data(data.clone()).expect("data");
        let asked: Rc<str> = "data.pack.found".into();
        let policy = engine.compile_with_entrypoint(&asked).expect("a policy");
        let program = Compiler::compile_from_policy(&policy, &[&asked]).map_err(|why| why.to_string())?;
        let mut machine = RegoVM::new();
        machine.set_max_instructions(usize::MAX);
        machine.load_program(program);
        machine.set_data(data).expect("data");
        Ok(Regorus { machine })
    }

    fn record(&self, data: &Data, receipt: &Receipt) -> Self::Record {
        let mut object = object(data, receipt);
        // Keys of objects are texts.
        for line in object.get_mut("lines").and_then(|lines| lines.as_array_mut()).into_iter().flatten() {
            let key = line.get("sku").map(ToString::to_string);
            if let (Some(fields), Some(key)) = (line.as_object_mut(), key) {
                fields.insert("key".to_owned(), key.into());
            }
        }
        Value::from_json_str(&object.to_string()).expect("an object")
    }

    fn find(&mut self, record: &Self::Record, found: &mut Vec<Found>) {
        self.machine.set_input(record.clone());
        let all = self.machine.execute().expect("a value");
        let Ok(all) = all.as_set() else { return };
        for one in all.iter() {
            let one = one.as_array().expect("three numbers");
            let number = |place: usize| one[place].as_i64().expect("a whole number");
            found.push(Found { rule: number(0) as usize, amount: number(1), pieces: number(2) });
        }
    }
}
