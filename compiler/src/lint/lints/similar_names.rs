//! Quoted names of one kind that differ only in case, blanks or punctuation.

use super::{Facts, Group, Level, Lint, finding};
use perq_grammar::diagnostic::{Diagnostic, Place};
use rustc_hash::FxHashMap;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<(&str, String), (&str, Place)> = FxHashMap::default();
    for reference in facts.references() {
        let letters: String = reference.name.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect();
        if letters.is_empty() {
            continue;
        }
        let (first, place) =
            *seen.entry((reference.kind, letters)).or_insert((reference.name, reference.place));
        if first != reference.name {
            found.push(
                finding(reference.place, format!("`\"{}\"` is almost `\"{first}\"`", facts.shorten(reference.name)))
                    .label(place, "written so here")
                    .help(format!("write the {} in one way, as the catalogue does", reference.kind)),
            );
        }
    }
}
