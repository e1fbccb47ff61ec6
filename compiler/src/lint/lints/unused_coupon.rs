//! A coupon with a code for each, and nothing issues one.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::{CouponClause, ItemKind};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for (tree, item) in facts.items() {
        let ItemKind::Coupon(header, clauses) = &item.kind else { continue };
        let shared = clauses.iter().any(|clause| matches!(clause.kind, CouponClause::CodesShared(_)));
        if shared || facts.mentions(&header.name.text) > 1 {
            continue;
        }
        let message = format!("nothing issues the coupon `{}`, so that nobody has a code", header.name.text);
        found.push(
            finding(at(tree.file, header.name.span), message)
                .help(format!("issue it: `then issue coupon {}`", header.name.text)),
        );
    }
}
