//! Quoted names that the catalogue's tables lack, although they hold others of the kind.

use super::{Facts, Group, Level, Lint, finding};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for reference in facts.references() {
        let Some(near) = facts.names.lacks(reference.kind, reference.name) else { continue };
        let name = facts.shorten(reference.name);
        let message = format!("the tables have no {} `{name}`, so that it matches nothing there", reference.kind);
        let told = finding(reference.place, message);
        found.push(match near {
            Some(near) => {
                told.fix(format!("`{near}` is there"), reference.place, format!("\"{near}\""))
            }
            None => told.help(format!("write the {} as the table does, or add it there", reference.kind)),
        });
    }
}
