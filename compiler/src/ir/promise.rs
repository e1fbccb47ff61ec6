//! What every decision keeps to: `ensure`. A promise compares two sums of settled figures and slots, exactly. It has no
//! code, so that whoever proves it and whoever looks after it read the same few numbers.

use super::{AccountId, AtomId, Comparison, EventId, PlaceId, SlotId};
use serde::{Deserialize, Serialize};

/// What every decision keeps to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Kinds of events for whose decisions it is asked, ascending, not none.
    pub events: Vec<EventId>,
    /// Of what it speaks.
    pub of: PromiseOf,
    /// All must hold of the event (event atoms), or it is not asked.
    pub atoms: Vec<AtomId>,
    /// All must hold of a line (line atoms), or it is not asked of that line.
    pub line_atoms: Vec<AtomId>,
    /// Further comparisons that must hold, or it is not asked.
    pub asks: Vec<Bound>,
    /// What is kept.
    pub keep: Bound,
    /// What its sides count: units of this account, else minor units of the currency.
    pub account: Option<AccountId>,
    /// What is published about it: key and text, in the order of the text.
    pub about: Vec<(String, String)>,
    /// Where it is written.
    pub place: PlaceId,
}

/// Of what a promise speaks. Lines that are not sold are passed over: those with nothing to pay before discounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromiseOf {
    /// Of all lines that are sold together.
    Basket,
    /// Of each line by itself.
    Line,
    /// Of each line that has pieces by itself, its figures divided by them.
    Unit,
}

/// A comparison of two sums with one denominator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The left side.
    pub left: Sum,
    /// How they compare.
    pub comparison: Comparison,
    /// The right side.
    pub right: Sum,
    /// What the numbers of both sides are divided by; above zero.
    pub den: i64,
}

/// A sum of figures, each times a whole number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How often, and what.
    pub terms: Vec<(i64, Figure)>,
    /// A number by itself.
    pub constant: i64,
}

/// What a promise speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Figure {
    /// Minor units before any discount.
    Initial,
    /// Minor units that are left to pay after all discounts.
    Paid,
    /// Minor units of all discounts.
    Discount,
    /// What is awarded to the event's member, in the account's smallest unit; of a line, what is awarded for it.
    Award(AccountId),
    /// A slot of the event.
    Event(SlotId),
    /// A slot of the line.
    Line(SlotId),
}

/// The largest whole number of a [`Bound`]: sums of so many then fit 128 bits.
pub const MAX_PART: i64 = 1 << 40;

/// Terms of a sum.
pub const MAX_TERMS: usize = 16;

impl Bound {
    /// Both sides.
    pub fn sides(&self) -> [&Sum; 2] {
        [&self.left, &self.right]
    }

    /// All figures of both sides.
    pub fn figures(&self) -> impl Iterator<Item = Figure> {
        self.sides().into_iter().flat_map(|side| side.terms.iter().map(|(_, figure)| *figure))
    }

    /// Whether one of its figures is known only when the event is settled.
    pub fn is_settled(&self) -> bool {
        self.figures().any(Figure::is_settled)
    }
}

impl Figure {
    /// Whether it is known only when the event is settled.
    pub fn is_settled(self) -> bool {
        match self {
            Figure::Paid | Figure::Discount | Figure::Award(_) => true,
            Figure::Initial | Figure::Event(_) | Figure::Line(_) => false,
        }
    }
}
