//! Chooses contacts under constraints: which of the proposed contacts are made, so that their scores add up to the most.
//!
//! Constraints of one member are met exactly, by branch and bound over the member's contacts. What members share, such as
//! the places of a call centre, has prices: each member is chosen for at those prices, and the prices move until what is
//! shared is used up and no more. At any prices the sum of the members' choices and of the worth of what is shared is a
//! proven upper bound, so that the answer comes with its gap.
//!
//! It knows no language, no files, no calendars and no clock: windows come as lists of days, scopes as bits. Everything is
//! counted in whole numbers, so that the answer is the same on every machine and for any number of threads; only which prices
//! to try for a few contacts comes from a linear programme in floating point.

mod admit;
mod amounts;
mod bits;
mod conflict;
mod explain;
mod finish;
mod local;
mod model;
mod near;
mod price;
mod proof;
mod rest;
mod rows;
mod simplex;
mod solve;
mod subset;
mod unmet;
mod walk;

pub use admit::{Held, admit};
pub use amounts::Amounts;
pub use bits::Chosen;
pub use conflict::{Conflict, conflicts};
pub use explain::{Dropped, why_dropped};
pub use model::{
    Class, Compare, Counted, Each, Exception, Limit, Link, MAX_OF_MEMBER, MAX_SCOPES, Never, Past, Problem,
    ProblemError, Rule, Scope, Span, Window,
};
pub use price::RowPrice;
pub use solve::{Options, Progress, Shortfall, Solution, Use, solve};
