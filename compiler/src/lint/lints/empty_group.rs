//! A group without rules.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::{GroupClause, ItemKind};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let named = facts.named_groups();
    for (tree, item) in facts.items() {
        let ItemKind::Group(header, clauses) = &item.kind else { continue };
        let own = clauses.iter().any(|clause| matches!(clause, GroupClause::Rule(_)));
        if own || named.contains(header.name.text.as_str()) {
            continue;
        }
        let message = format!("the group `{}` has no rules", header.name.text);
        found.push(finding(at(tree.file, header.name.span), message).help("give it a rule, or take it away"));
    }
}
