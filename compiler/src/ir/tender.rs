//! Points as payment: what a redemption is beside its rule. Refuses to know how an amount is worked out.

use super::{AccountId, PlaceId, RuleId, SlotId};
use serde::{Deserialize, Serialize};

/// A way of paying with points. Its rule stands in a group of the phase [`super::Phase::Tender`] and proposes
/// [`TenderTerm`]s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// The rule that says for which lines and on what terms.
    pub rule: RuleId,
    /// The account that pays.
    pub account: AccountId,
    /// The event slot in which the member asks for it: an amount, or 1 where the price is fixed.
    pub request: SlotId,
    /// So many smallest units are so many minor units, where the member chooses the amount.
    pub rate: Option<(i64, i64)>,
    /// The event slot that is 1 where the member has confirmed.
    pub confirmed: Option<SlotId>,
    /// The event slot that says in the phases after how much was paid with it.
    pub used: Option<SlotId>,
    /// What to say where the balance is too small.
    pub short: Vec<Saying>,
}

/// A condition under which awards may be spent. It is asked of the event that spends, before its first phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spendable {
    /// Its lasting name.
    pub name: String,
    /// The event slot that is 1 where it holds, and that a derivation fills.
    pub slot: SlotId,
    /// It pays for some goods only, and never for what is no goods.
    pub goods: bool,
    /// The rule that says for which: it stands among the redemptions and proposes [`TenderTerm::Lines`].
    pub lines: Option<RuleId>,
    /// Where it is written.
    pub place: PlaceId,
}

/// Words, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saying {
    /// Such as `cashier`.
    pub to: String,
    /// The words.
    pub text: String,
}

/// What a redemption's rule says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TenderTerm {
    /// The lines that it pays for; the number means nothing.
    Lines,
    /// The price of a piece of a line, in the account's smallest unit.
    PointsEach,
    /// What is to be paid in money besides for a piece of a line, in minor units.
    MoneyEach,
    /// The most that it pays, in minor units.
    MostMoney,
    /// The most that it takes, in the account's smallest unit.
    MostPoints,
    /// The least that it takes.
    Least,
    /// It takes the least, or nothing, and whole steps of this.
    Step,
    /// What is at least to be paid in money for the event, in minor units.
    Cash,
    /// Beyond this much the member confirms.
    ConfirmAbove,
}

/// Slots that say in the phases after how the event is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderSlots {
    /// Of the event: minor units paid with points.
    pub points: Option<SlotId>,
    /// Of the event: minor units that are left to pay in money.
    pub cash: Option<SlotId>,
    /// Of a line: minor units that are left to pay in money for it.
    pub line_cash: Option<SlotId>,
}
