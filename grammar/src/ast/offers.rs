//! The nodes of offers in real time and of the arbitration among them.
//!
//! It refuses to know meaning: a priority is a word, a channel is whatever stands in the list.

use super::{Clause, Effect, Expr, Lexeme, Name, Path, Text};
use crate::diagnostic::Span;

/// A clause of `offer`.
#[derive(Clone, Debug, PartialEq)]
pub enum OfferClause {
    /// `display by priority high`
    Display(Display),
    /// `purpose product sku "ROAM-14"`
    Purpose(Purpose),
    /// `channels [call_center, web]`
    Channels(Vec<Expr>),
    /// `goals [upsell, retention]`
    Goals(Vec<Expr>),
    /// `also campaign "Spring"`: the kind and the names.
    Also(Name, Vec<Text>),
    /// `score propensity * 10`
    Score(Expr),
    /// `say agent "…" it "…"`: to whom or in which language, and what.
    Say(Vec<(Name, Text)>),
    /// `on accepted { award 200 points }`
    On(Name, Vec<Effect>),
    /// `learn from 10% of 20 showings half_life 90 days by member.tier`
    Learn(Learn),
    /// `rest 7 days after rejected`
    Rest(Expr, Name),
    /// `title`, `valid`, `schedule`, `when`, `unless`, `let`, `limit`, `budget`, `effective`, `about`
    Shared(Clause),
}

/// From what the likelihood that an offer is accepted is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Learn {
    /// The part that is thought to accept before anything is known.
    pub prior: Expr,
    /// What that is worth: so many showings.
    pub showings: (Lexeme, Name),
    /// After so long a showing counts half.
    pub half_life: Option<(Lexeme, Name)>,
    /// What tells kinds of members apart.
    pub by: Vec<LearnedBy>,
}

/// What tells kinds of members apart: `member.tier`, `member.city hashed to 64 kinds`.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedBy {
    /// What is looked at.
    pub value: Expr,
    /// Its names are thrown together into so many.
    pub hashed: Option<(Lexeme, Name)>,
}

/// How an offer takes part beside others: `display …`.
#[derive(Clone, Debug, PartialEq)]
pub enum Display {
    /// `always`
    Always,
    /// `by_default`: only where there is nothing else.
    ByDefault,
    /// `by priority high`
    ByPriority(Name),
}

/// What an offer is about: `purpose …`.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// `message`: its words.
    Message,
    /// `product sku "ROAM-14"`: the kind and the names.
    Product(Name, Vec<Text>),
}

/// A clause of `arbitration`.
#[derive(Clone, Debug, PartialEq)]
pub enum ArbitrationClause {
    /// `title …`
    Title(Vec<(Name, Text)>),
    /// `channels [call_center, web]`
    Channels(Vec<Expr>),
    /// `slots 3`
    Slots(Lexeme),
    /// `first offers where …`, `then offers where … only when none`
    Offers(OfferClass),
    /// `order by offer.priority descending, offer.score descending`; true is descending.
    OrderBy(Vec<(Expr, bool)>),
    /// `at most 1 offers per goal`
    AtMost(Lexeme, Name, Name),
    /// `ties by offer.id`
    Ties(Path),
    /// `explore 5% seed by member.id, event.id`
    Explore(Expr, Vec<Path>),
}

/// Offers that take slots one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferClass {
    /// `first` rather than `then`.
    pub first: bool,
    /// Which.
    pub condition: Expr,
    /// `only when none`: where no slot has been taken before.
    pub only_when_none: bool,
    /// The condition with its `where`.
    pub span: Span,
}

/// What becomes of an offer in a session, as a test expects it.
#[derive(Clone, Debug, PartialEq)]
pub enum OfferOutcome {
    /// `shown`, `shown at 2`
    Shown(Option<Lexeme>),
    /// `hidden`, `hidden by limit`
    Hidden(Option<Name>),
}
