//! rhai: one script for the whole pack, which says of each rule that holds what its lines come to. Fields are constants of
//! the scope, lines a type of the host's with getters, long lists a function of the host's.

use super::{Found, Peer, fields, numbers, segments, words};
use crate::asked::{Infix, Sets};
use perq_tests::workload::{Data, Receipt, Rule};
use rhai::{AST, Dynamic, Engine, ImmutableString, Scope};
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

#[derive(Clone)]
struct Line([i64; 7]);

#[derive(Clone)]
struct Segments(Rc<HashSet<String>>);

/// The language, and the sets that its conditions ask.
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
        let any: Vec<String> = of.iter().map(|name| format!("\"{name}\" in segments")).collect();
        format!("{}({})", if inside { "" } else { "!" }, any.join(Self::OR))
    }
}

/// A script and what runs it.
pub struct Rhai {
    engine: Engine,
    script: AST,
    scope: Scope<'static>,
    found: Rc<RefCell<Vec<Found>>>,
}

impl Peer for Rhai {
    type Record = Vec<(&'static str, Dynamic)>;

    fn new(rules: &[Rule]) -> Result<Rhai, String> {
        let mut words = Words::default();
        let mut text = String::new();
        for rule in rules {
            let conditions = words.conditions(rule).unwrap_or_else(|| "true".to_owned());
            text += &format!("if {conditions} {{ ");
            match (words.of_line(rule), rule.least_pieces) {
                (None, None) => text += &format!("found({}, total, 0);", rule.id),
                (of_line, least) => {
                    let of_line = of_line.map_or_else(String::new, |asked| format!("if {asked} "));
                    let (first, more) =
                        least.map_or(("", ""), |_| ("let pieces = 0; ", " pieces += line.pieces;"));
                    let pieces = if least.is_some() { "pieces" } else { "0" };
                    text += &format!(
                        "let amount = 0; {first}for line in lines {{ {of_line}{{ amount += line.net;{more} }} }} \
                         if amount > 0 {{ found({}, amount, {pieces}); }}",
                        rule.id
                    );
                }
            }
            text += " }\n";
        }
        let mut engine = Engine::new();
        engine.set_max_expr_depths(0, 0);
        let found = Rc::new(RefCell::new(Vec::new()));
        let into = found.clone();
        engine.register_fn("found", move |rule: i64, amount: i64, pieces: i64| {
            into.borrow_mut().push(Found { rule: rule as usize, amount, pieces });
        });
        let sets = words.sets;
        engine.register_fn("in_set", move |set: i64, sku: i64| sets.has(set, sku));
        engine.register_fn("contains", |segments: &mut Segments, name: ImmutableString| {
            segments.0.contains(name.as_str())
        });
        for (place, name) in
            ["sku", "department", "category", "subcategory", "brand", "pieces", "net"].into_iter().enumerate()
        {
            engine.register_get(name, move |line: &mut Line| line.0[place]);
        }
        let script = engine.compile(&text).expect("a script");
        Ok(Rhai { engine, script, scope: Scope::new(), found })
    }

    fn record(&self, data: &Data, receipt: &Receipt) -> Self::Record {
        let lines: Vec<Dynamic> = data
            .lines_of(receipt)
            .iter()
            .map(|line| Dynamic::from(Line(fields(line).map(|(_, value)| value))))
            .collect();
        let mut record: Self::Record = Vec::new();
        record.extend(words(receipt).map(|(name, word)| (name, Dynamic::from(ImmutableString::from(word)))));
        record.extend(numbers(receipt).map(|(name, number)| (name, Dynamic::from(number))));
        record.push(("segments", Dynamic::from(Segments(Rc::new(segments(receipt).collect())))));
        record.push(("lines", Dynamic::from_array(lines).into_shared()));
        record
    }

    fn find(&mut self, record: &Self::Record, found: &mut Vec<Found>) {
        self.scope.clear();
        for (name, value) in record {
            self.scope.push_constant_dynamic(*name, value.clone());
        }
        self.engine.run_ast_with_scope(&mut self.scope, &self.script).expect("the script runs");
        found.append(&mut self.found.borrow_mut());
    }
}
