//! A template that no rule is made from.

use super::{Facts, Group, Level, Lint, unused};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    unused(facts, found, "template", |item| {
        if let ItemKind::Template(template) = item { Some(&template.header) } else { None }
    });
}
