//! A limit of nothing: the rule or group gives nothing.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::LimitAmount;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Deny, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let help = "`not effective` switches it off in so many words";
    for rule in &facts.program.rules {
        if let Some(place) = facts.limit_place(rule)
            && rule.limits.iter().any(|limit| limit.amount == LimitAmount::Fixed(0))
        {
            let message = format!("the limit lets `{}` give nothing", rule.name);
            found.push(finding(place, message).help(help));
        }
    }
    for group in &facts.program.groups {
        if group.limits.iter().any(|limit| limit.amount == LimitAmount::Fixed(0)) {
            let message = format!("the limit lets the group `{}` give nothing", group.name);
            found.push(finding(group.place, message).help(help));
        }
    }
}
