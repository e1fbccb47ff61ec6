//! What has ended before today: asked only where today is given.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::check::dates::date;
use perq_grammar::ast::{Bound, ClauseKind, ExprKind};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Time, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let Some(today) = facts.today else { return };
    for &(file, clause) in facts.clauses() {
        let ClauseKind::Valid(periods) = &clause.kind else { continue };
        let over = periods.iter().all(|period| {
            let Some((to, bound)) = &period.to else { return false };
            let (ExprKind::Date(day) | ExprKind::Instant(day, _)) = &to.kind else { return false };
            let last = date(&day.text).unwrap_or(i64::MAX);
            let by_day = matches!(to.kind, ExprKind::Date(_));
            match bound {
                Bound::Included => last < today,
                Bound::Excluded => last < today || (by_day && last == today),
            }
        });
        if over && !periods.is_empty() {
            found.push(
                finding(at(file, clause.span), "this has ended before today")
                    .help("take the rule away, or give it a new period"),
            );
        }
    }
}
