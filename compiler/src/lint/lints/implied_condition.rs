//! A condition that follows from one before it.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::conditions::Verdict;
use crate::lint::facts::Where;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for judged in facts.verdicts() {
        let (Verdict::Implied(_), Some(other)) = (judged.verdict, judged.other) else { continue };
        if facts.is_made(judged.condition.place) || facts.is_made(other.place) {
            continue;
        }
        let message = if matches!(judged.within, Where::Part { or: true }) {
            "this holds only where the other holds, so that it adds nothing"
        } else {
            "this holds wherever the other holds, so that it adds nothing"
        };
        found.push(
            finding(judged.condition.place, message)
                .label(other.place, "the other")
                .help("take it away, or mend its bound"),
        );
    }
}
