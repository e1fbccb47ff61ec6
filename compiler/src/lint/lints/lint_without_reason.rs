//! A comment that sets a level and does not say why. Found where comments are read.

use super::{Facts, Group, Level, Lint};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(_facts: &Facts<'_>, _found: &mut Vec<Diagnostic>) {}
