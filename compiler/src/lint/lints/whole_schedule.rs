//! A part of a schedule that leaves nothing out.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::check::dates::{end_time, time};
use perq_grammar::ast::{ClauseKind, SchedulePart};
use perq_grammar::diagnostic::Diagnostic;
use std::collections::BTreeSet;

pub const LINT: Lint = Lint::new(Group::Time, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for &(file, clause) in facts.clauses() {
        let ClauseKind::Schedule(parts) = &clause.kind else { continue };
        for part in parts {
            let (span, what) = match part {
                SchedulePart::Days(days, span) => {
                    let days: BTreeSet<&str> = days.iter().map(|day| day.text.as_str()).collect();
                    if days.len() < 7 {
                        continue;
                    }
                    (*span, "every day of the week")
                }
                SchedulePart::Hours(from, until, span) => {
                    if time(&from.text) != Some(0) || end_time(&until.text) != Some(86_400) {
                        continue;
                    }
                    (*span, "the whole day")
                }
                SchedulePart::MonthDays(..) | SchedulePart::Zone(_) => continue,
            };
            found.push(finding(at(file, span), format!("this is {what}, so that it leaves nothing out")).help("leave it out"));
        }
    }
}
