//! A file that is imported under a name that nothing uses.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for (tree, item) in facts.items() {
        let ItemKind::Use { alias: Some(alias), .. } = &item.kind else { continue };
        if facts.mentions(&alias.text) > 1 {
            continue;
        }
        let place = at(tree.file, item.span);
        let said = finding(place, format!("nothing uses `{}`", alias.text));
        found.push(said.fix("take the line away", facts.whole_lines(place), ""));
    }
}
