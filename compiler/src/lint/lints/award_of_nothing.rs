//! An award, a debit or a discount of a constant nothing.

use super::{Facts, Group, Level, Lint, finding};
use crate::check::types::constant;
use crate::ir::DiscountAmount;
use crate::typed::walk::Node;
use crate::typed::Step;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    facts.each(&mut |node| {
        let (amount, word) = match node {
            Node::Step(Step::Award { amount, .. }) => (amount, "award"),
            Node::Step(Step::Debit { amount, .. }) => (amount, "debit"),
            Node::Step(Step::Discount {
                amount, meaning: DiscountAmount::Share | DiscountAmount::Off, ..
            }) => (amount, "discount"),
            Node::Step(_) | Node::Expr(_) | Node::Source(_) => return,
        };
        if constant(amount).is_some_and(|amount| amount.num == 0) {
            let message = format!("this {word} is of nothing");
            found.push(finding(amount.place, message).help("write an amount, or take the effect away"));
        }
    });
}
