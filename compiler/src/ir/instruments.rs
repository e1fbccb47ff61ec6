//! What a program issues and keeps of members: coupons, certificates, badges, levels. Refuses to know state: it says
//! what is kept, not where.

use super::{EnumId, EventId, FunctionId, Period, PlaceId, RuleId, SlotId};
use serde::{Deserialize, Serialize};

/// All of a program's instruments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Instruments {
    /// Coupons in order of declaration.
    pub coupons: Vec<Coupon>,
    /// Certificates in order of declaration.
    pub certificates: Vec<Certificate>,
    /// Badges in order of declaration.
    pub badges: Vec<Badge>,
    /// Levels of members, in order of declaration.
    pub tiers: Vec<Tiers>,
    /// The event slot with the codes that are presented; a set. There where the program has coupons.
    pub presented: Option<SlotId>,
}

impl Instruments {
    /// Whether something is worked out once an event has been kept.
    pub fn has_reviews(&self) -> bool {
        !self.tiers.is_empty() || self.badges.iter().any(|badge| badge.review.is_some())
    }
}

/// A kind of coupon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coupon {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// What it gives, where it is presented.
    pub rule: RuleId,
    /// How its codes come about.
    pub codes: Codes,
    /// When those that are issued end, where the issue does not say.
    pub expires: Option<Lifetime>,
    /// Where it is written.
    pub place: PlaceId,
}

/// How the codes of a coupon come about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Codes {
    /// All present the same one, as it is written.
    Shared(String),
    /// Each that is issued has its own.
    Unique {
        /// How often each can be redeemed; at least 1.
        uses: u32,
    },
}

/// A kind of certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// When those that are issued end, where the issue does not say.
    pub expires: Option<Lifetime>,
    /// Where it is written.
    pub place: PlaceId,
}

/// A badge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Badge {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Gives 1 with [`super::Inst::Derive`] where the member has earned it, once an event has been kept.
    pub review: Option<Review>,
    /// Where it is written.
    pub place: PlaceId,
}

/// What is worked out once an event has been kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// What works it out.
    pub function: FunctionId,
    /// Kinds of events after which it is, ascending, not none.
    pub events: Vec<EventId>,
}

/// Levels of members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tiers {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Its levels, lowest first.
    pub levels: EnumId,
    /// The member's field that they govern.
    pub slot: SlotId,
    /// The highest level that the member measures up to, with [`super::Inst::Derive`]; nothing where not even the lowest.
    pub reached: FunctionId,
    /// The last day on which a level that was just reached is kept, with [`super::Inst::Derive`].
    pub keep: Option<FunctionId>,
    /// Rises with the event; otherwise at the review.
    pub at_once: bool,
    /// What becomes of who no longer measures up.
    pub downgrade: Downgrade,
    /// When who no longer measures up is looked at.
    pub review: Option<Boundary>,
    /// Kinds of events with which members are looked at, ascending, not none: those that have what is measured.
    pub events: Vec<EventId>,
    /// Where it is written.
    pub place: PlaceId,
}

/// What becomes of a member who no longer measures up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Downgrade {
    /// One level lower.
    OneLevel,
    /// To the level that the member measures up to.
    ToMeasure,
    /// Nothing.
    Never,
}

/// An instant that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boundary {
    /// At the first day of each.
    pub every: Period,
    /// Local second of that day.
    pub time: i64,
}

/// When something ends: the last day on which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Lifetime {
    /// So many days after the event's.
    Days(u32),
    /// The same day so many months later, or the last of that month.
    Months(u32),
    /// This day, counted from 1970-01-01.
    On(i64),
}

/// One of the program's instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InstrumentId {
    /// Of [`Instruments::coupons`].
    Coupon(u32),
    /// Of [`Instruments::certificates`].
    Certificate(u32),
    /// Of [`Instruments::badges`].
    Badge(u32),
}

impl Instruments {
    /// An instrument's kind and key.
    pub fn name(&self, id: InstrumentId) -> Option<(&'static str, &str)> {
        let at = |at: u32| usize::try_from(at).ok();
        Some(match id {
            InstrumentId::Coupon(id) => ("coupon", self.coupons.get(at(id)?)?.name.as_str()),
            InstrumentId::Certificate(id) => ("certificate", self.certificates.get(at(id)?)?.name.as_str()),
            InstrumentId::Badge(id) => ("badge", self.badges.get(at(id)?)?.name.as_str()),
        })
    }

    /// When an instrument ends, where its issue does not say.
    pub fn lifetime(&self, id: InstrumentId) -> Option<Lifetime> {
        let at = |at: u32| usize::try_from(at).ok();
        match id {
            InstrumentId::Coupon(id) => self.coupons.get(at(id)?)?.expires,
            InstrumentId::Certificate(id) => self.certificates.get(at(id)?)?.expires,
            InstrumentId::Badge(_) => None,
        }
    }
}
