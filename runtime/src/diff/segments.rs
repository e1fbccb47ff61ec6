//! The segments of a program, asked of every event: a program of the same text with a question for each segment.
//!
//! It runs beside the one that decides, so that no decision can depend on being asked. Refuses to know what for.

use perq_compiler::ir::{EventId, SlotId, Verified};
use perq_compiler::pipeline::compile_own;
use perq_compiler::sources::SourceMap;
use perq_compiler::typed::{self, Check, Expr, ExprKind, FunctionId, Type};
use perq_grammar::ast::ItemKind;
use perq_grammar::parse;
use std::collections::BTreeSet;

/// A segment of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
}

/// A program that asks of each event in which segments it lies.
#[derive(Debug)]
pub struct Questions {
    /// The program.
    pub program: Verified,
    /// The segments, in the order of the text.
    pub segments: Vec<Segment>,
    /// By segment: the event slot that holds 1 where the event lies in it, by kind of event.
    pub slots: Vec<Vec<SlotId>>,
}

/// The questions of a programme; nothing where it has no segments, or they cannot be asked.
pub fn questions(program: &typed::Program, sources: &SourceMap) -> Option<Questions> {
    let mut typed = program.clone();
    let mut segments = Vec::new();
    let mut functions = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources.iter() {
        for item in parse(source.file, &source.text).tree.items {
            let ItemKind::Segment(header, _) = &item.kind else { continue };
            let here = |at: perq_grammar::diagnostic::Place| {
                let span = at.span;
                at.file == source.file && item.span.start <= span.start && span.end <= item.span.end
            };
            let found = typed.functions.iter().position(|function| here(function.place));
            if let Some(found) = found.filter(|found| seen.insert(*found)) {
                let title = header.title.as_ref().map(|title| title.value.clone());
                segments.push(Segment { name: header.name.text.clone(), title });
                functions.push(found);
            }
        }
    }
    if segments.is_empty() {
        return None;
    }
    typed.tests.clear();
    typed.checks.clear();
    let kinds = u32::try_from(typed.events.len()).unwrap_or(0);
    for at in &functions {
        let place = typed.functions.get(*at)?.place;
        let id = FunctionId(u32::try_from(*at).ok()?);
        for kind in 0..kinds {
            let condition = Expr { kind: ExprKind::Call(id, Vec::new()), ty: Type::Bool, place };
            typed.checks.push(Check { condition, event: EventId(kind) });
        }
    }
    let program = compile_own(&typed, sources).ok()?;
    let slot_of = |check: usize| {
        let name = Check::name(check);
        program
            .derivations
            .iter()
            .find(|derivation| derivation.name == name)
            .map(|derivation| derivation.slot)
    };
    let kinds = usize::try_from(kinds).unwrap_or(0);
    let of_segment =
        |segment: usize| (0..kinds).map(|kind| slot_of(segment * kinds + kind)).collect::<Option<Vec<_>>>();
    let slots = (0..segments.len()).map(of_segment).collect::<Option<Vec<_>>>()?;
    Some(Questions { program, segments, slots })
}
