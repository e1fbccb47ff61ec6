//! Diagnostics and outcomes as plain text for snapshots and messages: no excerpts, no boxes, nothing that moves when
//! a renderer changes.

use perq_compiler::pipeline::Compilation;
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::{Diagnostic, Place, Severity};
use perq_runtime::trials::Outcome;
use std::fmt::Write as _;

/// Line and column of a place; the file's name before them where it is not the first.
pub fn at(sources: &SourceMap, place: Place) -> String {
    let Some(source) = sources.get(place.file) else { return "?".to_owned() };
    let (line, column) = source.line_column(place.span.start);
    match sources.iter().next() {
        Some(first) if first.file == place.file => format!("{line}:{column}"),
        Some(_) | None => format!("{}:{line}:{column}", source.path.rsplit('/').next().unwrap_or("")),
    }
}

/// A diagnostic with its labels and repairs.
pub fn diagnostic(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = String::new();
    let place = at(sources, diagnostic.place);
    let _ = writeln!(out, "{severity} {} {place} {}", diagnostic.name, diagnostic.message);
    if !diagnostic.label.is_empty() {
        let _ = writeln!(out, "  {place} {}", diagnostic.label);
    }
    for label in &diagnostic.labels {
        let _ = writeln!(out, "  {} {}", at(sources, label.place), label.text);
    }
    for repair in &diagnostic.repairs {
        let _ = writeln!(out, "  = {}", repair.text);
        if let Some(edit) = &repair.edit {
            let _ = writeln!(out, "    {} -> {:?}", at(sources, edit.place), edit.text);
        }
    }
    out
}

/// All diagnostics of a compilation.
pub fn diagnostics(compilation: &Compilation) -> String {
    compilation.diagnostics.iter().map(|found| diagnostic(&compilation.sources, found)).collect()
}

/// The outcomes of tests: a line for each that passed, all that did not hold of the others.
pub fn outcomes(sources: &SourceMap, outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let verdict = if outcome.passed() { "passed" } else { "failed" };
        let _ = writeln!(out, "test {:?} {verdict}", outcome.name);
        let mut shown = None;
        for mismatch in &outcome.mismatches {
            let _ = writeln!(out, "  {} expected {}", at(sources, mismatch.place), mismatch.expected);
            let _ = writeln!(out, "      got {}", mismatch.got.replace('\n', "\n          "));
            // Several expectations of one event: its decision is said once.
            if let Some(decision) = mismatch.decision.as_ref().filter(|decision| shown != Some(*decision)) {
                shown = Some(decision);
                let _ = writeln!(out, "      {}", decision.replace('\n', "\n      "));
            }
        }
    }
    out
}
