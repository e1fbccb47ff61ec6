//! A percentage off that can come to more than the whole.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::DiscountAmount;
use crate::typed::walk::{self, Node};
use crate::typed::Step;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Deny, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.rules {
        walk::steps(&rule.rule.steps, &mut |node| {
            let Node::Step(Step::Discount { meaning: DiscountAmount::Share, amount, .. }) = node else { return };
            let high = rule.ranges.of(amount).high;
            let message = match high {
                Some(high) if high.num > high.den => "this can come to more than 100 %",
                Some(_) => return,
                None if rule.ranges.grows(amount) => "this grows without an end, past 100 %",
                None => return,
            };
            found.push(finding(amount.place, message).help("bound it: `min(…, 50%)`"));
        });
    }
}
