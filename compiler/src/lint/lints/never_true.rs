//! A part of a condition that never holds.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::conditions::Verdict;
use crate::lint::facts::Where;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Deny, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for judged in facts.verdicts() {
        let Where::Part { or } = judged.within else { continue };
        let never = match judged.verdict {
            Verdict::Never(_) => !or,
            // Its opposite always holds.
            Verdict::Always => or,
            Verdict::Open | Verdict::Implied(_) | Verdict::Repeated(_) => false,
        };
        if !never || facts.is_made(judged.condition.place) {
            continue;
        }
        let said = finding(judged.condition.place, format!("`{}` never holds here", facts.quote(judged.condition.place)));
        found.push(match judged.other {
            Some(other) => said.label(other.place, "where this holds").help("mend one of the two"),
            None => said.help("mend it, or take it away"),
        });
    }
}
