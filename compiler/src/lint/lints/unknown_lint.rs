//! A comment that names no lint. Found where comments are read.

use super::{Facts, Group, Level, Lint};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Deny, run);

fn run(_facts: &Facts<'_>, _found: &mut Vec<Diagnostic>) {}
