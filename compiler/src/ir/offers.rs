//! Offers in real time: what a member may be offered in a session, and how the offers compete for its slots.
//!
//! Conditions and scores are functions like all others, worked out as derivations; here stands what the arbitration
//! needs to know of their slots. It refuses to know how it chooses.

use super::{EnumId, Governance, HalfLife, Limit, PlaceId, ReferenceId, Saying, SlotId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The name of the kind of event in which a member can be offered something.
pub const SESSION: &str = "session";

/// The name of the kind of event that tells how a member took an offer.
pub const REACTION: &str = "reaction";

/// Parts of one that scores count.
pub const SCORE_ONE: i64 = 1_000_000;

/// All offers of a program; the numbers of offers are positions in `list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// Words of the levels of priority, lowest first.
    pub priorities: Vec<String>,
    /// In order of declaration.
    pub list: Vec<Offer>,
    /// In order of declaration: of those that hear a session's channel, the first arbitrates.
    pub arbitrations: Vec<Arbitration>,
    /// The event slot of a session's channel, where an arbitration asks for it.
    pub channel: Option<SlotId>,
    /// The event slots of a reaction, where an offer learns from reactions.
    pub reaction: Option<ReactionSlots>,
    /// What each answer says of a showing, by position in the enumeration of the answers; empty where nothing learns.
    pub answers: Vec<Answered>,
    /// Names that are thrown together, for what is learned.
    pub hashed: Vec<Hashed>,
}

impl Offers {
    /// What an answer says of a showing.
    pub fn answer(&self, answer: i64) -> Option<Answered> {
        self.answers.get(usize::try_from(answer).ok()?).copied()
    }
}

/// What a reaction tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionSlots {
    /// Of which offer.
    pub offer: SlotId,
    /// How it was taken.
    pub answer: SlotId,
    /// The enumeration of the answers.
    pub answers: EnumId,
}

/// An offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// The names by which reactions tell of it.
    pub key: ReferenceId,
    /// How it takes part beside others.
    pub display: Display,
    /// What it is about.
    pub purpose: Purpose,
    /// Names of its business goals.
    pub goals: Vec<String>,
    /// Words, by whom they are for or by language.
    pub says: Vec<Saying>,
    /// What must hold, in order.
    pub conditions: Vec<OfferCondition>,
    /// The derived slot with the number of the first condition that does not hold; as many as there are where all do.
    pub held: SlotId,
    /// Those of the conditions that ask what is left for all members, in order; its function passes over them.
    pub budgets: Vec<OfferBudget>,
    /// The derived slot of its score, in parts of [`SCORE_ONE`].
    pub score: Option<SlotId>,
    /// How its acceptance is learned.
    pub learn: Option<Learn>,
    /// What tells kinds of members apart there.
    pub kinds: Vec<LearnedBy>,
    /// What is published about it.
    pub governance: Governance,
    /// Where.
    pub place: PlaceId,
}

/// How the likelihood that an offer is accepted is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learn {
    /// What is thought before anything is known, in parts of [`SCORE_ONE`].
    pub prior: i64,
    /// Showings that this is worth; above zero.
    pub showings: u32,
    /// Days after which a showing counts half.
    pub half_life: Option<HalfLife>,
    /// The derived slot with the number of the member's kind; missing where none is told.
    pub kind: SlotId,
    /// The derived slot that the likelihood fills, in parts of [`SCORE_ONE`].
    pub estimate: SlotId,
}

/// What tells kinds of members apart: the number of a kind counts the values of each, the last one fastest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedBy {
    /// As it is written, so that what was learned is found again by another version of the program.
    pub text: String,
    /// What it can be.
    pub values: LearnedValues,
}

/// Values that tell kinds of members apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LearnedValues {
    /// With these names, in order.
    Named(Vec<String>),
    /// Names thrown together into so many, of which none has a name.
    Hashed(u32),
}

impl LearnedValues {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            LearnedValues::Named(names) => names.len(),
            LearnedValues::Hashed(count) => *count as usize,
        }
    }

    /// What one is called: by its number, where it has no name.
    pub fn name(&self, number: usize) -> Option<Cow<'_, str>> {
        match self {
            LearnedValues::Named(names) => names.get(number).map(|name| Cow::Borrowed(name.as_str())),
            LearnedValues::Hashed(count) => {
                (number < *count as usize).then(|| Cow::Owned(number.to_string()))
            }
        }
    }
}

/// Names of a field thrown together, for what is learned: whoever reads records fills the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hashed {
    /// The event slot of the name.
    pub of: SlotId,
    /// Into so many; above zero.
    pub count: u32,
    /// The derived event slot with the number, from 0; missing where there is no name.
    pub slot: SlotId,
}

impl Hashed {
    /// The number of a name: the first 8 bytes of its BLAKE3, the lowest first, halved, modulo the count.
    pub fn number(&self, name: &str) -> i64 {
        let mut bytes = [0; 8];
        blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut bytes);
        (u64::from_le_bytes(bytes) >> 1).checked_rem(u64::from(self.count)).unwrap_or(0) as i64
    }
}

impl Offer {
    /// The name under which what is learned of it is kept: the former one, where it has one.
    pub fn lasting<'p>(&'p self, references: &'p [super::Reference]) -> &'p str {
        let names = references.get(self.key.index()).map_or(&[][..], |key| key.names.as_slice());
        names.iter().find(|name| **name != self.name).unwrap_or(&self.name)
    }

    /// What a kind of members is, by its number: each thing that tells them apart, with its value.
    pub fn kind_names(&self, kind: i64) -> Option<Vec<(&str, Cow<'_, str>)>> {
        let mut rest = usize::try_from(kind).ok()?;
        let mut names = Vec::with_capacity(self.kinds.len());
        for by in self.kinds.iter().rev() {
            let value = by.values.name(rest.checked_rem(by.values.count())?)?;
            rest = rest.checked_div(by.values.count())?;
            names.push((by.text.as_str(), value));
        }
        names.reverse();
        (rest == 0).then_some(names)
    }
}

/// What a reaction says of a showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answered {
    /// It has begun.
    Shown,
    /// It ended with a yes.
    Accepted,
    /// It ended otherwise.
    Declined,
}

/// How an offer takes part beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Display {
    /// Whatever else is offered.
    Always,
    /// By its priority, a position in [`Offers::priorities`].
    ByPriority(u32),
    /// Where there is nothing else.
    ByDefault,
}

impl Display {
    /// As rules write it.
    pub fn word(self) -> &'static str {
        match self {
            Display::Always => "always",
            Display::ByPriority(_) => "by_priority",
            Display::ByDefault => "by_default",
        }
    }

    /// The priority that it has.
    pub fn priority(self) -> Option<u32> {
        match self {
            Display::ByPriority(level) => Some(level),
            Display::Always | Display::ByDefault => None,
        }
    }
}

/// What an offer is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Its words.
    Message,
    /// Products: the word of their kind, and their names.
    Product(String, Vec<String>),
}

/// Something that must hold for an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferCondition {
    /// What kind of clause it is.
    pub clause: OfferClause,
    /// Where it is written.
    pub place: PlaceId,
}

/// What all members share of an offer: how often it is offered, or what its reactions award.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferBudget {
    /// Its position among the offer's conditions.
    pub condition: u32,
    /// With a counter of all together: of times, or of awards.
    pub limit: Limit,
}

/// The clauses that can keep an offer back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferClause {
    /// `effective`, `not effective`
    Effective,
    /// `valid`
    Valid,
    /// `schedule`
    Schedule,
    /// `channels`
    Channels,
    /// `when`
    When,
    /// `unless`
    Unless,
    /// `limit`
    Limit,
    /// `budget`
    Budget,
    /// `rest`
    Rest,
}

impl OfferClause {
    /// All of them.
    pub const ALL: [OfferClause; 9] = [
        OfferClause::Effective,
        OfferClause::Valid,
        OfferClause::Schedule,
        OfferClause::Channels,
        OfferClause::When,
        OfferClause::Unless,
        OfferClause::Limit,
        OfferClause::Budget,
        OfferClause::Rest,
    ];

    /// As rules write it.
    pub fn word(self) -> &'static str {
        match self {
            OfferClause::Effective => "effective",
            OfferClause::Valid => "valid",
            OfferClause::Schedule => "schedule",
            OfferClause::Channels => "channels",
            OfferClause::When => "when",
            OfferClause::Unless => "unless",
            OfferClause::Limit => "limit",
            OfferClause::Budget => "budget",
            OfferClause::Rest => "rest",
        }
    }
}

/// How the offers of a session compete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arbitration {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// The channels that it hears; all where it names none.
    pub channels: Option<ReferenceId>,
    /// How many offers are shown at most.
    pub slots: u32,
    /// They take slots one after another.
    pub classes: Vec<Class>,
    /// Which offer of a class comes first; ties by name.
    pub order: Vec<OrderKey>,
    /// How many offers of one goal are shown at most.
    pub per_goal: Option<u32>,
    /// Sessions in which the order is drawn.
    pub explore: Option<Explore>,
    /// Where; none where no text says it.
    pub place: PlaceId,
}

/// Offers that take slots together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Positions in [`Offers::list`], ascending.
    pub offers: Vec<u32>,
    /// Only where no slot has been taken before.
    pub only_when_none: bool,
}

/// What offers of a class are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey {
    /// By what.
    pub by: OrderBy,
    /// The largest first.
    pub descending: bool,
}

/// What offers can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderBy {
    /// Their priority; what has none lies below the lowest.
    Priority,
    /// Their score; what has none lies below every score.
    Score,
}

impl OrderBy {
    /// As rules write it.
    pub fn word(self) -> &'static str {
        match self {
            OrderBy::Priority => "offer.priority",
            OrderBy::Score => "offer.score",
        }
    }
}

/// `explore 5% seed by member.id`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explore {
    /// Of how many sessions, in millionths.
    pub part: i64,
    /// From what the drawing comes; not none.
    pub seeds: Vec<Seed>,
    /// The derived event slot that holds what was drawn: a number from 0, the same for the same seeds.
    pub drawn: SlotId,
}

/// What a drawing comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seed {
    /// `member.id`
    Member,
    /// `event.id`
    Event,
}

impl Seed {
    /// As rules write it.
    pub fn word(self) -> &'static str {
        match self {
            Seed::Member => "member.id",
            Seed::Event => "event.id",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of an implementation of BLAKE3 from its specification.
    #[test]
    fn names_have_numbers_of_their_own() {
        let of = |count| Hashed { of: SlotId(0), count, slot: SlotId(1) };
        let numbers = ["Roma", "Milano", "Torino", "Bari", "Z\u{fc}rich"].map(|name| of(64).number(name));
        assert_eq!(numbers, [56, 8, 62, 3, 2]);
        assert_eq!(of(1).number("Roma"), 0);
    }

    #[test]
    fn values_of_kinds_are_called_by_name_or_number() {
        let (named, hashed) =
            (LearnedValues::Named(vec!["base".to_owned(), "gold".to_owned()]), LearnedValues::Hashed(64));
        assert_eq!((named.count(), named.name(1).as_deref(), named.name(2)), (2, Some("gold"), None));
        assert_eq!((hashed.count(), hashed.name(63).as_deref(), hashed.name(64)), (64, Some("63"), None));
    }
}
