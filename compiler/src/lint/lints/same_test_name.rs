//! Two tests of one name.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::{Diagnostic, Place};
use rustc_hash::FxHashMap;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<&str, Place> = FxHashMap::default();
    for (tree, item) in facts.items() {
        let ItemKind::Test(test) = &item.kind else { continue };
        let place = at(tree.file, test.name.span);
        let first = *seen.entry(test.name.value.as_str()).or_insert(place);
        if first != place {
            found.push(
                finding(place, "another test has this name")
                    .label(first, "here")
                    .help("say what each of them shows"),
            );
        }
    }
}
