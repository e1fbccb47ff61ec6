//! Periods of one `valid` that overlap.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::check::dates::date;
use perq_grammar::ast::{Bound, ClauseKind, Expr, ExprKind, Period};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Time, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for &(file, clause) in facts.clauses() {
        let ClauseKind::Valid(periods) = &clause.kind else { continue };
        let days: Vec<Option<(i64, i64)>> = periods.iter().map(of_days).collect();
        for (index, (period, own)) in periods.iter().zip(&days).enumerate() {
            let Some((from, to)) = own else { continue };
            let earlier = days.iter().zip(periods).take(index).find(|(other, _)| {
                other.is_some_and(|(first, last)| *from <= last && first <= *to)
            });
            let Some((_, other)) = earlier else { continue };
            found.push(
                finding(at(file, period.from.span), "this period overlaps another of the same `valid`")
                    .label(at(file, other.from.span), "the other")
                    .help("make one period of the two, or mend a day"),
            );
        }
    }
}

/// First and last day.
fn of_days(period: &Period) -> Option<(i64, i64)> {
    let from = day(&period.from)?;
    match &period.to {
        None => Some((from, i64::MAX)),
        Some((to, Bound::Included)) => Some((from, day(to)?)),
        Some((to, Bound::Excluded)) => Some((from, day(to)?.saturating_sub(1))),
    }
}

fn day(expr: &Expr) -> Option<i64> {
    let ExprKind::Date(text) = &expr.kind else { return None };
    date(&text.text)
}
