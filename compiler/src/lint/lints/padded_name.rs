//! A quoted name with blanks about it or doubled within.

use super::{Facts, Group, Level, Lint, finding};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for name in facts.references() {
        let tidy = name.name.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        if tidy == name.name || tidy.is_empty() || name.name.contains('\\') {
            continue;
        }
        let place = name.place;
        found.push(
            finding(place, format!("this {} has blanks that no catalogue is likely to have", name.kind))
                .fix(format!("write `\"{tidy}\"`"), place, format!("\"{tidy}\"")),
        );
    }
}
