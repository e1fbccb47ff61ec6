//! A condition that says what one before it says, in the rule or in its group.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::conditions::Verdict;
use perq_grammar::ast::{Clause, ClauseKind};
use perq_grammar::diagnostic::{Diagnostic, Place, Span};
use rustc_hash::FxHashMap;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let whole: FxHashMap<Place, &Clause> = facts
        .clauses()
        .iter()
        .filter_map(|(file, clause)| match &clause.kind {
            ClauseKind::When(condition) => Some((Place { file: *file, span: condition.span }, *clause)),
            _ => None,
        })
        .collect();
    for judged in facts.verdicts() {
        let (Verdict::Repeated(_), Some(other)) = (judged.verdict, judged.other) else { continue };
        let place = judged.condition.place;
        if facts.is_made(place) || facts.in_template(place) || place == other.place {
            continue;
        }
        let said = finding(place, format!("`{}` is asked already", facts.quote(place))).label(other.place, "here");
        let clause = whole.get(&place);
        let (before, after) = judged.beside;
        let with_before = before.filter(|before| joins(facts, before.place, place)).map(|before| before.place.span.end);
        let joined = match (with_before, after) {
            (Some(start), _) => Some(Span { start, end: place.span.end }),
            (None, Some(after)) if joins(facts, place, after.place) => {
                Some(Span { start: place.span.start, end: after.place.span.start })
            }
            (None, _) => None,
        };
        found.push(match (clause, joined) {
            (Some(clause), _) if clause.docs.is_empty() => {
                let whole = Place { file: place.file, span: clause.span };
                said.fix("leave it out", facts.whole_lines(whole), "")
            }
            (_, Some(span)) => said.fix("leave it out", Place { file: place.file, span }, ""),
            (_, None) => said.help("leave it out"),
        });
    }
}

/// Whether nothing but `and` or `or` stands between two conditions.
fn joins(facts: &Facts<'_>, first: Place, second: Place) -> bool {
    let between = Span { start: first.span.end, end: second.span.start };
    first.file == second.file
        && between.start < between.end
        && matches!(facts.text(Place { file: first.file, span: between }).trim(), "and" | "or")
}
