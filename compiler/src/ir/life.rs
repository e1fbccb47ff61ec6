//! The life of what is awarded: from when it can be spent, until when, and how it melts. Refuses to know instants: a
//! zone and the event's own instant make these of it.

use super::{PERCENT_ONE, Period};
use serde::{Deserialize, Serialize};

/// A stretch of time, counted on the clock or on the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Span {
    /// Seconds on the clock.
    Seconds(i64),
    /// Local days.
    Days(i64),
    /// Calendar months, clamped to the end of a shorter one.
    Months(i64),
}

impl Span {
    /// How many of its unit.
    pub fn count(self) -> i64 {
        match self {
            Span::Seconds(count) | Span::Days(count) | Span::Months(count) => count,
        }
    }
}

/// From when an award can be spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Available {
    /// At once.
    #[default]
    AtOnce,
    /// So long after the event: at the same local time of a later day.
    After(Span),
    /// From the beginning of a local day, counted from 1970-01-01.
    On(i64),
}

/// Until when an award can be spent. Stretches count from when it can be spent first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Expires {
    /// For ever.
    #[default]
    Never,
    /// So long: of days and months, to the end of the last day.
    After(Span),
    /// To the end of a local day, counted from 1970-01-01.
    On(i64),
    /// To the end of the period, moved by a stretch of days or months.
    AtEndOf {
        /// The period in which it can be spent first.
        period: Period,
        /// Of nothing, days or months.
        plus: Span,
    },
}

/// What an effect says of the life of its award.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Life {
    /// From when it can be spent.
    pub available: Available,
    /// Until when; as the account says where it is absent.
    pub expires: Option<Expires>,
    /// It is spent where it is awarded, and never part of a balance.
    pub spent_at_once: bool,
    /// The condition under which it can be spent, of [`super::Program::spendables`].
    pub spendable: Option<u32>,
    /// What becomes of it when goods come back; it is worked out again where nothing is said.
    pub cancel: Option<Cancel>,
}

/// What becomes of an award when goods that earned it come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cancel {
    /// All of it is taken back with the first piece.
    All,
    /// As much of it as pieces come back.
    Proportional,
}

/// What is taken back of points that the member has spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shortfall {
    /// All: from other lots, and what these do not hold is owed.
    Debt,
    /// What other lots hold.
    Clamp,
    /// Nothing, nor what the member can spend: only what is still pending.
    PendingOnly,
}

impl Shortfall {
    /// All of them.
    pub const ALL: [Shortfall; 3] = [Shortfall::Debt, Shortfall::Clamp, Shortfall::PendingOnly];

    /// As programs write it.
    pub fn word(self) -> &'static str {
        match self {
            Shortfall::Debt => "debt",
            Shortfall::Clamp => "clamp",
            Shortfall::PendingOnly => "pending_only",
        }
    }
}

/// How an account's awards melt: a part is lost in even steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Melt {
    /// The part of a step, in millionths: from [`Melt::LEAST`] to the whole.
    pub share: i64,
    /// Of what is left by the steps before, rather than of the award.
    pub of_remaining: bool,
    /// The first part can be spent to the end of the day that lies so far behind the first.
    pub from: Span,
    /// Each further part so much longer.
    pub every: Span,
}

impl Melt {
    /// The least part of a step, so that an award is split into a bounded number of parts.
    pub const LEAST: i64 = PERCENT_ONE / 100;
}

/// The furthest that a stretch of time may reach: a thousand years, each way.
const FURTHEST: i64 = 1_000 * 366;

impl Span {
    /// Whether it is a stretch that something can take.
    pub(crate) fn is_sound(self) -> bool {
        let most = match self {
            Span::Seconds(_) => FURTHEST * 86_400,
            Span::Days(_) => FURTHEST,
            Span::Months(_) => FURTHEST / 30,
        };
        (0..=most).contains(&self.count())
    }

    fn is_of_the_calendar(self) -> bool {
        match self {
            Span::Seconds(_) => false,
            Span::Days(_) | Span::Months(_) => true,
        }
    }
}

fn is_day(day: i64) -> bool {
    (-10 * FURTHEST..=10 * FURTHEST).contains(&day)
}

impl Expires {
    /// Whether a calendar has such an end.
    pub(super) fn is_sound(self) -> bool {
        match self {
            Expires::Never => true,
            Expires::After(span) => span.is_sound(),
            Expires::On(day) => is_day(day),
            Expires::AtEndOf { period: _, plus } => plus.is_sound() && plus.is_of_the_calendar(),
        }
    }
}

impl Life {
    /// Whether a calendar has such a life.
    pub(super) fn is_sound(self) -> bool {
        let available = match self.available {
            Available::AtOnce => true,
            Available::After(span) => span.is_sound(),
            Available::On(day) => is_day(day),
        };
        available && self.expires.is_none_or(Expires::is_sound)
    }
}

impl Melt {
    /// Whether it goes forward, by parts that are not too small.
    pub(super) fn is_sound(self) -> bool {
        let spans = self.from.is_sound() && self.every.is_sound() && self.every.count() > 0;
        let calendar = self.from.is_of_the_calendar() && self.every.is_of_the_calendar();
        spans && calendar && (Melt::LEAST..=PERCENT_ONE).contains(&self.share)
    }
}
