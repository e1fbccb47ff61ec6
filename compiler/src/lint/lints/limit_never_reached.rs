//! A limit above all that its rule can give.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::{LimitAmount, LimitOf};
use crate::typed::{Ratio, Rule, Step};
use crate::lint::facts::RuleFacts;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.rules {
        let Some(place) = facts.limit_place(rule.rule) else { continue };
        for limit in &rule.rule.limits {
            let (LimitAmount::Fixed(most), LimitOf::Awards(account), None) = (limit.amount, limit.of, &limit.over)
            else {
                continue;
            };
            let Some(given) = most_awarded(rule, account) else { continue };
            if given.num <= i128::from(most).saturating_mul(given.den) {
                let message = format!("`{}` never gives as much as its limit", rule.rule.name);
                found.push(finding(place, message).help("take the limit away, or lower it"));
            }
        }
    }
}

/// The most that a rule awards an account in one event, where that is known.
fn most_awarded(rule: &RuleFacts<'_>, account: crate::ir::AccountId) -> Option<Ratio> {
    let Rule { steps, .. } = rule.rule;
    let mut sum = Ratio::whole(0);
    for step in steps {
        match step {
            Step::When(_) | Step::Let(..) | Step::LetCollection(..) => {}
            Step::Award { account: to, amount, .. } if *to == account => {
                sum = sum.add(rule.ranges.of(amount).high?)?;
            }
            Step::Award { .. }
            | Step::Debit { .. }
            | Step::Discount { .. }
            | Step::Issue { .. }
            | Step::Gift { .. }
            | Step::Tell { .. }
 | Step::Set { .. } => {}
            // As often as there are rows, sets or awards of others.
            Step::ForEach { .. }
            | Step::Sets { .. }
            | Step::Multiply { .. }
            | Step::TenderLines { .. }
            | Step::TenderTerm { .. } => return None,
        }
    }
    Some(sum)
}
