//! A collection whose conditions no row can satisfy.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::conditions::Verdict;
use crate::lint::facts::Where;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Deny, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for judged in facts.verdicts() {
        let (Where::Rows, Verdict::Never(_)) = (judged.within, judged.verdict) else { continue };
        let said = finding(judged.condition.place, "no row can satisfy this");
        found.push(match judged.other {
            Some(other) => said.label(other.place, "where this holds").help("mend one of the two"),
            None => said.help("mend it"),
        });
    }
}
