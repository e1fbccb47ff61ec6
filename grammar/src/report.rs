//! The diagnostics of one file, bounded.
//!
//! It refuses to know what they say.

use crate::diagnostic::{Diagnostic, FileId};
use crate::errors;

/// How many diagnostics of one file are shown.
pub const MAX_DIAGNOSTICS: usize = 100;

/// How many are kept to choose the first hundred from; hostile text would otherwise fill the memory.
const MAX_KEPT: usize = 10_000;

/// Collects diagnostics in any order.
#[derive(Default)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
    dropped: usize,
}

impl Report {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MAX_KEPT {
            self.diagnostics.push(diagnostic);
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn extend(&mut self, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// In source order, at most a hundred and one that says how many more there are.
    pub(crate) fn finish(mut self, file: FileId) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.place.span);
        let more = self.diagnostics.len().saturating_sub(MAX_DIAGNOSTICS) + self.dropped;
        if more > 0 {
            self.diagnostics.truncate(MAX_DIAGNOSTICS);
            let last = self.diagnostics.last().map(|diagnostic| diagnostic.place).unwrap_or_default();
            self.diagnostics.push(errors::too_many_errors(crate::diagnostic::Place { file, ..last }, more));
        }
        self.diagnostics
    }
}
