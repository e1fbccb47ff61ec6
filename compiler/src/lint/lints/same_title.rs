//! Two rules with the same title: members and reports cannot tell them apart.

use super::{Facts, Group, Level, Lint, finding};
use crate::typed::Rule;
use perq_grammar::diagnostic::Diagnostic;
use rustc_hash::FxHashMap;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<&str, &Rule> = FxHashMap::default();
    for rule in &facts.program.rules {
        let Some(title) = rule.title.as_deref() else { continue };
        let first = *seen.entry(title).or_insert(rule);
        if first.name != rule.name {
            found.push(
                finding(rule.place, format!("`{}` and `{}` have the same title", first.name, rule.name))
                    .label(first.place, "the other")
                    .help("say in the titles what sets them apart"),
            );
        }
    }
}
