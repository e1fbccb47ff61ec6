//! A table that nothing looks into.

use super::{Facts, Group, Level, Lint, unused};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    unused(facts, found, "table", |item| if let ItemKind::Table { header, .. } = item { Some(header) } else { None });
}
