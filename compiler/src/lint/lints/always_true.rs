//! A condition that holds whatever the data.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::conditions::Verdict;
use crate::lint::facts::Where;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for judged in facts.verdicts() {
        let joined_by_or = matches!(judged.within, Where::Part { or: true });
        let always = match judged.verdict {
            Verdict::Always => !joined_by_or,
            // The opposites of all parts cannot hold together.
            Verdict::Never(_) => joined_by_or,
            Verdict::Open | Verdict::Implied(_) | Verdict::Repeated(_) => false,
        };
        if !always || facts.is_made(judged.condition.place) {
            continue;
        }
        let condition = facts.quote(judged.condition.place);
        found.push(match judged.other {
            Some(other) => {
                finding(judged.condition.place, format!("one of the two always holds: this, or `{}`", facts.quote(other.place)))
                    .label(other.place, "the other")
                    .help("take the whole condition away, or mend one of them")
            }
            None => finding(judged.condition.place, format!("`{condition}` always holds"))
                .help("take it away, or mend what it compares"),
        });
    }
}
