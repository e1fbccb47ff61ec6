//! Contact plans: which proposed contacts may be made and which of them are wanted, as terms that a host hands to a solver.
//!
//! What contacts a rule speaks of, what one is worth and what it costs are functions like all others, worked out as
//! derivations of the event [`CONTACT`]; here stands what the numbers in their slots mean. It refuses to know how a choice is
//! made, and where contacts come from.

use super::{Period, PlaceId, SlotId};
use serde::{Deserialize, Serialize};

/// The name of the kind of event that a proposed contact is, and one that was made.
pub const CONTACT: &str = "contact";

/// Bits of one slot of [`Contacts::marks`].
pub const MARKS: usize = 62;

/// Sorts of contacts that the plans of a program tell apart at most.
pub const MAX_SORTS: usize = 124;

/// All contact plans of a program; they hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// In order of declaration; without any, there is nothing else.
    pub plans: Vec<ContactPlan>,
    /// The event slots with the offer, the channel and the package of a contact.
    pub slots: Option<ContactSlots>,
    /// Derived slots with a bit for each sort of contact: sort `n` is bit `n % 62` of slot `n / 62`.
    pub marks: Vec<SlotId>,
    /// How many sorts there are.
    pub sorts: u32,
    /// The derived slot with what a contact is worth, in millionths.
    pub score: Option<SlotId>,
    /// Derived slots with amounts of contacts, in parts of the unit.
    pub columns: Vec<SlotId>,
    /// Contacts that are not made, sort by sort: the first that holds a contact back is told.
    pub drops: Vec<ContactDrop>,
    /// All hold.
    pub rules: Vec<ContactRule>,
}

/// A `contacts` declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPlan {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Where.
    pub place: PlaceId,
}

/// What a contact tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactSlots {
    /// Which offer.
    pub offer: SlotId,
    /// By which channel.
    pub channel: SlotId,
    /// With what it is sent.
    pub package: SlotId,
}

/// Contacts that are not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactDrop {
    /// Which sort.
    pub sort: u32,
    /// As it is written.
    pub text: String,
    /// Where.
    pub place: PlaceId,
}

/// A constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRule {
    /// What it says.
    pub kind: ContactRuleKind,
    /// As it is written.
    pub text: String,
    /// Where.
    pub place: PlaceId,
}

/// What constraints say. Sorts are numbers below [`Contacts::sorts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactRuleKind {
    /// So many contacts of all members.
    Count {
        /// Of this sort.
        sort: u32,
        /// When.
        window: ContactWindow,
        /// At least so many, as far as they can be had.
        at_least: Option<i64>,
        /// At most so many.
        at_most: Option<i64>,
        /// Other bounds for some days.
        exceptions: Vec<ContactException>,
    },
    /// Amounts of all contacts that are chosen: `times` the column less `minus`, added up, against a bound.
    Amount {
        /// Of this sort.
        sort: u32,
        /// Of [`Contacts::columns`].
        column: u32,
        /// Above zero.
        times: i64,
        /// From each contact.
        minus: i64,
        /// At least rather than at most.
        at_least: bool,
        /// Against this.
        bound: i64,
        /// What is missing is told, and not refused.
        soft: bool,
        /// How many parts of the column make one, as a power of ten.
        digits: u8,
    },
    /// So much for each member.
    Each {
        /// Of members with a contact of this sort; of all where there is none.
        members: Option<u32>,
        /// Of this sort.
        sort: u32,
        /// When.
        window: ContactWindow,
        /// What is counted.
        counted: ContactCount,
        /// Whoever gets anything gets at least so many.
        at_least: Option<i64>,
        /// At most so many.
        at_most: Option<i64>,
        /// The least number is not asked of who cannot come to it.
        skip: bool,
    },
    /// Two sorts that do not meet.
    Never {
        /// As in `Each`.
        members: Option<u32>,
        /// One sort.
        first: u32,
        /// The other.
        second: u32,
        /// Only the second on a later day than the first is a meeting.
        in_order: bool,
        /// When.
        window: ContactWindow,
    },
    /// One sort only with another.
    Only {
        /// As in `Each`.
        members: Option<u32>,
        /// What takes another.
        sort: u32,
        /// The other.
        on: u32,
        /// The other lies on an earlier day.
        after: bool,
        /// When.
        window: ContactWindow,
    },
}

/// Other bounds for some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactException {
    /// The first day.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// At least so many.
    pub at_least: Option<i64>,
    /// At most so many.
    pub at_most: Option<i64>,
}

/// What is counted of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactCount {
    /// Contacts.
    Contacts,
    /// What is sent together, once.
    Packages,
    /// Contacts of each offer by itself.
    OfEachOffer,
}

/// The days in which a constraint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactWindow {
    /// Every so many days that follow each other.
    Days(u32),
    /// Every so many months, from whatever day.
    Months(u32),
    /// Each calendar period.
    Each(Period),
    /// The days of the proposed contacts, without what was before.
    Session,
    /// All days.
    Ever,
}

impl Contacts {
    /// The derived slots that it reads.
    pub fn derived(&self) -> impl Iterator<Item = SlotId> + '_ {
        self.marks.iter().chain(&self.score).chain(&self.columns).copied()
    }
}

impl ContactRuleKind {
    /// The sorts that it names.
    pub fn sorts(&self) -> Vec<u32> {
        match self {
            ContactRuleKind::Count { sort, .. } | ContactRuleKind::Amount { sort, .. } => vec![*sort],
            ContactRuleKind::Each { members, sort, .. } => members.iter().copied().chain([*sort]).collect(),
            ContactRuleKind::Never { members, first, second, .. } => {
                members.iter().copied().chain([*first, *second]).collect()
            }
            ContactRuleKind::Only { members, sort, on, .. } => {
                members.iter().copied().chain([*sort, *on]).collect()
            }
        }
    }

    /// Its window.
    pub fn window(&self) -> ContactWindow {
        match self {
            ContactRuleKind::Amount { .. } => ContactWindow::Session,
            ContactRuleKind::Count { window, .. }
            | ContactRuleKind::Each { window, .. }
            | ContactRuleKind::Never { window, .. }
            | ContactRuleKind::Only { window, .. } => *window,
        }
    }
}
