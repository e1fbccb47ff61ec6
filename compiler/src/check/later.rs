//! The words for what the grammar reads and this version does not evaluate yet, in one place: what begins to be
//! evaluated leaves it. It refuses to know why.

use perq_grammar::ast::ItemKind;

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
        | ItemKind::Offer(..)
        | ItemKind::Arbitration(..)
        | ItemKind::Ensure(..)
        | ItemKind::Test(_) => None,
    }
}
