//! A schedule that begins or ends in an hour that the clock skips or shows twice.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::calendar::date_text;
use crate::check::dates::{end_time, time, time_text};
use perq_grammar::ast::{ClauseKind, SchedulePart};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Time, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for &(file, clause) in facts.clauses() {
        let ClauseKind::Schedule(parts) = &clause.kind else { continue };
        let mut zone = Some(facts.program.settings.zone.as_str());
        let mut hours = None;
        for part in parts {
            match part {
                SchedulePart::Hours(from, until, span) => hours = Some((from, until, *span)),
                SchedulePart::Zone(Ok(named)) => zone = Some(named.value.as_str()),
                // Each store has its own.
                SchedulePart::Zone(Err(_)) => zone = None,
                SchedulePart::Days(..) | SchedulePart::MonthDays(..) => {}
            }
        }
        let (Some(zone), Some((from, until, span))) = (zone, hours) else { continue };
        let (Some(from), Some(until)) = (time(&from.text), end_time(&until.text)) else { continue };
        let changes = facts.zones.changes(zone);
        let hit = changes.iter().find(|change| {
            let inside = |second: i64| change.from < second && second < change.until;
            let within = from < until && change.from <= from && until <= change.until;
            inside(from) || inside(until) || within
        });
        let Some(change) = hit else { continue };
        let stretch = format!("{} until {}", time_text(change.from), time_text(change.until));
        let day = date_text(change.day);
        let message = if change.skipped {
            format!("in {zone} the clock skips {stretch} on {day}: these hours are short or do not come that day")
        } else {
            format!("in {zone} the clock shows {stretch} twice on {day}: these hours come twice in part")
        };
        found.push(
            finding(at(file, span), message)
                .help("begin and end outside of the hour in which clocks change, or say why it does not matter"),
        );
    }
}
