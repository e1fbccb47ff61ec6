//! A condition that says what one before it says, in the rule or in its group.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::conditions::Verdict;
use perq_grammar::ast::ClauseKind;
use perq_grammar::diagnostic::{Diagnostic, Place, Span};

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for judged in facts.verdicts() {
        let (Verdict::Repeated(_), Some(other)) = (judged.verdict, judged.other) else { continue };
        let place = judged.condition.place;
        if facts.is_made(place) || facts.in_template(place) || place == other.place {
            continue;
        }
        let said = finding(place, format!("`{}` is asked already", facts.quote(place))).label(other.place, "here");
        let mut clauses = facts.clauses().iter().filter(|(file, _)| *file == place.file);
        let clause = clauses.find_map(|(_, clause)| match &clause.kind {
            ClauseKind::When(condition) if condition.span == place.span => Some(*clause),
            _ => None,
        });
        let joined = judged.before.filter(|before| before.place.file == place.file).and_then(|before| {
            let between = Place {
                file: place.file,
                span: Span { start: before.place.span.end, end: place.span.start.max(before.place.span.end) },
            };
            let word = facts.text(between);
            let joins = matches!(word.trim(), "and" | "or") && !word.contains('#');
            joins.then(|| Place { file: place.file, span: Span { start: between.span.start, end: place.span.end } })
        });
        found.push(match (clause, joined) {
            (Some(clause), _) if clause.docs.is_empty() => {
                let whole = Place { file: place.file, span: clause.span };
                said.fix("leave it out", facts.whole_lines(whole), "")
            }
            (_, Some(joined)) => said.fix("leave it out", joined, ""),
            (_, None) => said.help("leave it out"),
        });
    }
}
