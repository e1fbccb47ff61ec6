//! A rule whose conditions contradict each other.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::conditions::Verdict;
use crate::lint::facts::Where;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Deny, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for judged in facts.verdicts() {
        let (Where::Rule(rule), Verdict::Never(_)) = (judged.within, judged.verdict) else { continue };
        let shared = facts.in_template(judged.condition.place);
        let place = if shared { rule.place } else { judged.condition.place };
        let message = format!("the rule `{}` never matches", rule.name);
        let said = finding(place, message);
        let said = if shared { said.label(judged.condition.place, "this never holds") } else { said };
        found.push(match judged.other {
            Some(other) => said
                .at("this cannot hold")
                .label(other.place, "where this holds")
                .help("mend one of the two; `not effective` switches a rule off in so many words"),
            None => said
                .at("this never holds")
                .help("mend it; `not effective` switches a rule off in so many words"),
        });
    }
}
