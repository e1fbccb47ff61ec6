//! A rule without a title: receipts and letters show its key.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::ClauseKind;
use perq_grammar::diagnostic::Diagnostic;

// Not every programme shows titles.
pub const LINT: Lint = Lint::new(Group::Style, Level::Allow, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for written in facts.written() {
        let titled = written.rule.clauses.iter().any(|clause| matches!(clause.kind, ClauseKind::Title(_)));
        if titled || written.rule.header.title.is_some() {
            continue;
        }
        let name = &written.rule.header.name;
        found.push(
            finding(at(written.file, name.span), format!("the rule `{}` has no title", name.text))
                .help(format!("say in a few words what the member gets: `rule {} \"…\"`", name.text)),
        );
    }
}
