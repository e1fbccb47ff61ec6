//! A group without rules.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::{CouponClause, GroupClause, ItemKind};
use perq_grammar::diagnostic::Diagnostic;
use std::collections::BTreeSet;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for written in facts.written() {
        named.extend(written.rule.group.iter().filter_map(|path| path.parts.last()).map(|name| name.text.as_str()));
    }
    for (_, item) in facts.items() {
        let ItemKind::Coupon(_, clauses) = &item.kind else { continue };
        for clause in clauses {
            if let CouponClause::InGroup(path) = &clause.kind {
                named.extend(path.parts.last().map(|name| name.text.as_str()));
            }
        }
    }
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
