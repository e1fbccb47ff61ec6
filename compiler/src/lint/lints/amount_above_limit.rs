//! A fixed amount above the limit of its rule or group: it is always cut, or never given.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::{LimitAmount, LimitOf, Otherwise};
use crate::typed::{Limit, Step};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Deny, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.rules {
        let group = facts.program.groups.get(rule.rule.group.index());
        let of_group = group.iter().flat_map(|group| group.limits.iter().map(|limit| (limit, "its group")));
        let limits: Vec<(&Limit, &str)> =
            rule.rule.limits.iter().map(|limit| (limit, "the rule")).chain(of_group).collect();
        for step in &rule.rule.steps {
            let Step::Award { account, amount, place, element: None, to: None, .. } = step else { continue };
            let Some(least) = rule.ranges.of(amount).low else { continue };
            let above = limits.iter().find(|(limit, _)| match (limit.amount, limit.of) {
                (LimitAmount::Fixed(most), LimitOf::Awards(of)) => {
                    of == *account && least.num > i128::from(most).saturating_mul(least.den)
                }
                (LimitAmount::Fixed(_) | LimitAmount::Param(_), _) => false,
            });
            let Some((limit, whose)) = above else { continue };
            let amount = facts.quote(amount.place);
            let message = match limit.otherwise {
                Otherwise::Skip => format!("`{amount}` is more than the limit of {whose} lets through: nothing is ever given"),
                Otherwise::Cut => format!("`{amount}` is more than the limit of {whose} lets through: it is always cut"),
            };
            found.push(finding(*place, message).help("raise the limit, or award less"));
        }
    }
}
