//! The words for what the grammar reads and this version does not evaluate yet, in one place: what begins to be
//! evaluated leaves it. It refuses to know why.

use perq_grammar::ast::{AwardOptions, ItemKind};
use perq_grammar::diagnostic::Span;

/// The keyword of a declaration without a meaning.
pub(super) fn item(kind: &ItemKind) -> Option<&str> {
    match kind {
        ItemKind::Later { keyword, .. } => Some(&keyword.text),
        ItemKind::Badge(..)
        | ItemKind::Tiers(..)
        | ItemKind::Coupon(..)
        | ItemKind::Certificate(..)
        | ItemKind::Language(_)
        | ItemKind::Use { .. }
        | ItemKind::Program(..)
        | ItemKind::Account(..)
        | ItemKind::Param { .. }
        | ItemKind::Define { .. }
        | ItemKind::Table { .. }
        | ItemKind::Segment(..)
        | ItemKind::Counter { .. }
        | ItemKind::Enum { .. }
        | ItemKind::Reference { .. }
        | ItemKind::Record(..)
        | ItemKind::Extend(..)
        | ItemKind::Event { .. }
        | ItemKind::Group(..)
        | ItemKind::Redemption(..)
        | ItemKind::Rule(_)
        | ItemKind::Template(_)
        | ItemKind::Test(_) => None,
    }
}

/// The keywords of an award's options without a meaning, in the order of the text.
pub(super) fn award(options: &AwardOptions) -> Vec<(&'static str, Span)> {
    let mut words: Vec<(&'static str, Span)> = Vec::new();
    words.extend(options.cancel.as_ref().map(|option| ("cancel", option.span)));
    words.sort_by_key(|(_, span)| span.start);
    for (word, span) in &mut words {
        span.end = span.start + word.len() as u32;
    }
    words
}
