//! The words for what the grammar reads and this version does not evaluate yet, in one place: what begins to be
//! evaluated leaves it. It refuses to know why.

use perq_grammar::ast::{ClauseKind, EffectKind, Expectation, ItemKind};

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

/// The words of a clause without a meaning.
pub(super) fn clause(kind: &ClauseKind) -> Option<&'static str> {
    match kind {
        ClauseKind::Spendable(_) => Some("spendable"),
        ClauseKind::With(..) => Some("with"),
        ClauseKind::Title(_)
        | ClauseKind::Valid(_)
        | ClauseKind::Schedule(_)
        | ClauseKind::Priority(_)
        | ClauseKind::On(_)
        | ClauseKind::When(_)
        | ClauseKind::Unless(_)
        | ClauseKind::Let(_)
        | ClauseKind::Take(_)
        | ClauseKind::Limit { .. }
        | ClauseKind::Budget { .. }
        | ClauseKind::Process { .. }
        | ClauseKind::EffectiveFrom(_)
        | ClauseKind::NotEffective
        | ClauseKind::About(_)
        | ClauseKind::Then(_) => None,
    }
}

/// The keyword of an effect without a meaning.
pub(super) fn effect(kind: &EffectKind) -> Option<&str> {
    match kind {
        EffectKind::Gift { .. } => Some("gift"),
        EffectKind::Later(word) => Some(&word.text),
        EffectKind::Multiply { .. }
        | EffectKind::ForEach { .. }
        | EffectKind::Award { .. }
        | EffectKind::Debit { .. }
        | EffectKind::Discount { .. }
        | EffectKind::Price { .. }
        | EffectKind::Issue(_)
        | EffectKind::Set { .. }
        | EffectKind::Let(_) => None,
    }
}

/// The keyword of an expectation without a meaning.
pub(super) fn expectation(expectation: &Expectation) -> Option<&str> {
    match expectation {
        Expectation::Gift(..) => Some("gift"),
        Expectation::Later(word) => Some(&word.text),
        Expectation::Nothing
        | Expectation::Fires(_)
        | Expectation::Silent(_)
        | Expectation::DisplacedBy(..)
        | Expectation::LimitedTo(..)
        | Expectation::Fails(..)
        | Expectation::Award(..)
        | Expectation::Refused(_)
        | Expectation::Balance(..)
        | Expectation::Debit { .. }
        | Expectation::Discount(..)
        | Expectation::Total(_)
        | Expectation::Tax(_)
        | Expectation::Issue { .. }
        | Expectation::Tier(..)
        | Expectation::Badge(_)
        | Expectation::Coupon(..)
        | Expectation::NetTotal(_)
        | Expectation::Holds(_) => None,
    }
}
