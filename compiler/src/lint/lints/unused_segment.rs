//! A segment that nothing asks for.

use super::{Facts, Group, Level, Lint, unused};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    unused(facts, found, "segment", |item| if let ItemKind::Segment(header, _) = item { Some(header) } else { None });
}
