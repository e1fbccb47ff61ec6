//! Two rules of one group that ask and give the same.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::GroupId;
use crate::lint::shape::Shape;
use crate::typed::Rule;
use perq_grammar::diagnostic::Diagnostic;
use rustc_hash::FxHashMap;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<(GroupId, Vec<Shape>, Shape), &Rule> = FxHashMap::default();
    for rule in &facts.rules {
        let mut conditions: Vec<Shape> = rule.conditions.iter().map(|condition| rule.shapes.of(condition)).collect();
        conditions.sort_unstable();
        let effects = rule.shapes.of_effects(&rule.rule.steps);
        let first = *seen.entry((rule.rule.group, conditions, effects)).or_insert(rule.rule);
        let is_version = first.name == rule.rule.name;
        if is_version || first.events != rule.rule.events || facts.written_of(rule.rule).is_none() {
            continue;
        }
        let message = format!("`{}` asks and gives what `{}` does", rule.rule.name, first.name);
        found.push(
            finding(rule.rule.place, message)
                .label(first.place, "the other")
                .help("take one of them away, or mend what should differ"),
        );
    }
}
