//! A comment that sets a level where nothing is found. Found where comments are applied.

use super::{Facts, Group, Level, Lint};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(_facts: &Facts<'_>, _found: &mut Vec<Diagnostic>) {}
