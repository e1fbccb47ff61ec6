//! A rule's limit at or above its group's: the group's comes first.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::{LimitAmount, Otherwise};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.rules {
        let Some(group) = facts.program.groups.get(rule.rule.group.index()) else { continue };
        let Some(place) = facts.limit_place(rule.rule) else { continue };
        for limit in &rule.rule.limits {
            // What is skipped above a limit is not what is cut there.
            if limit.otherwise == Otherwise::Skip || limit.over.is_some() {
                continue;
            }
            let LimitAmount::Fixed(own) = limit.amount else { continue };
            let tighter = group.limits.iter().any(|shared| match shared.amount {
                LimitAmount::Fixed(most) => {
                    shared.of == limit.of && shared.over.is_none() && most <= own
                }
                LimitAmount::Param(_) => false,
            });
            if tighter {
                let message = format!("this limit of `{}` is no tighter than that of its group", rule.rule.name);
                found.push(
                    finding(place, message)
                        .label(group.place, "the group's limit is reached first")
                        .help("lower it, or take it away"),
                );
            }
        }
    }
}
