//! What is kept from event to event, seen by one event: what a member did before, what earlier events have claimed of
//! limits and budgets, balances.
//!
//! Evaluation is pure: before an event is decided a [`State`] fills what its record reads of the past, and answers what
//! was claimed; the decision lists what it changes, and [`State::keep`] applies that once. [`Memory`] keeps everything
//! in memory, for tests, replays and simulations. Refuses to know rules: it knows the program's tables, reads and
//! counters, which say exactly what state a pack needs.

pub mod instruments;
pub mod life;
pub mod lots;
mod memory;
mod past;
pub(crate) mod review;
pub mod tiers;

pub use memory::{Journal, Memory, Moved, Movement};

use crate::record::{ReadEvent, Reader, Schema};
use crate::returns::Origin;
use lots::Lots;
use perq_compiler::calendar::Instant;
use perq_compiler::evaluate::{Claimed, Decision, Record, TierChange};
use perq_compiler::ir::{AccountId, MISSING, Program, RowSource, SiteKind, SlotId, StateRead, event_slot};
use std::sync::Arc;

/// Who keeps state between events. Events come in the order in which they are to be decided; an event sees what was
/// kept before it and happened no later than its own instant.
pub trait State: Send {
    /// Fills the tables and slots of the record that speak of the past, and answers what was claimed before.
    fn see<'s>(
        &'s self,
        schema: &Schema,
        reader: &mut Reader,
        event: &mut ReadEvent,
    ) -> Box<dyn Claimed + 's>;

    /// Keeps the event and what was decided, and with a return what comes back with it ([`ReadEvent::returned`]).
    fn keep(&mut self, schema: &Schema, reader: &Reader, event: &ReadEvent, decision: &Decision);

    /// What was kept of the event with this id, of which goods may come back.
    fn origin(&self, id: &str) -> Option<Arc<Origin>>;

    /// Fills the tables of an origin's record that speak of the past, and answers what was claimed, as it was when the origin
    /// was decided: without what was kept since.
    fn then<'s>(
        &'s self,
        schema: &Schema,
        reader: &mut Reader,
        origin: &Origin,
        record: &mut Record,
    ) -> Box<dyn Claimed + 's>;

    /// All that a member holds of an account.
    fn lots(&self, member: &str, account: AccountId) -> Lots;

    /// Takes back a level that a member has reached since an event of which goods have come back: no further than to the
    /// level of then, nor below what the member measures up to.
    fn undo_level(
        &mut self,
        tiers: u32,
        origin: &Origin,
        now: Instant,
        reached: Option<i64>,
    ) -> Option<TierChange>;

    /// The local seconds at which the event's member is to be reviewed before it for these levels, oldest first.
    fn due(&self, tiers: u32, event: &ReadEvent) -> Vec<i64>;

    /// Keeps what a review of a member's level found, at a boundary or with an event that has been kept: the level that
    /// was reached, and the last day on which a level that begins then is kept.
    fn review(
        &mut self,
        tiers: u32,
        member: &str,
        now: Instant,
        review: bool,
        found: (Option<i64>, Option<i64>),
    ) -> Option<TierChange>;

    /// Whether a member has a badge.
    fn has_badge(&self, member: &str, badge: u32) -> bool;

    /// Gives the member of the event that was just kept a badge.
    fn give_badge(&mut self, event: &ReadEvent, badge: u32);

    /// How often an issued code has been redeemed.
    fn coupon_uses(&self, code: &str) -> u32;

    /// Keeps what else comes back with the event that was just kept: badges that its goods no longer earn
    /// ([`crate::returns::Returned::undone`]), and what came of levels that are taken back
    /// ([`crate::returns::Returned::fallen`]).
    fn take_back(&mut self, event: &ReadEvent);
}

/// Whether decisions of the program depend on what was decided before.
pub fn is_stateful(program: &Program) -> bool {
    program.returns || looks_back(program)
}

/// Whether decisions of events that bring nothing back do.
pub fn looks_back(program: &Program) -> bool {
    let reads = program.reads.iter().any(|read| match read.read {
        StateRead::Balance(_)
        | StateRead::Coupon(_)
        | StateRead::Badge(_)
        | StateRead::Refund
        | StateRead::BoughtOn
        | StateRead::Missing(_) => true,
        StateRead::After(_) | StateRead::Last(_) | StateRead::Until(_) | StateRead::Anniversary(_) => false,
    });
    let acts = program.sites.iter().any(|site| match site.kind {
        SiteKind::Debit { .. } | SiteKind::Set { .. } => true,
        SiteKind::Award { .. }
        | SiteKind::Multiply { .. }
        | SiteKind::Discount { .. }
        | SiteKind::Tell { .. }
        | SiteKind::Issue { .. }
        | SiteKind::Gift { .. }
        | SiteKind::Tender { .. } => false,
    });
    let instruments = &program.instruments;
    let kept = !instruments.coupons.is_empty()
        || !instruments.certificates.is_empty()
        || !instruments.badges.is_empty()
        || !instruments.tiers.is_empty();
    let redemptions = !program.redemptions.is_empty();
    let learns = program.offers.list.iter().any(|offer| offer.learn.is_some());
    learns || has_history(program) || reads || acts || kept || redemptions || !program.counters.is_empty()
}

/// Whether rules look back at earlier events of the member.
fn has_history(program: &Program) -> bool {
    program.layout.tables.iter().any(|table| match table.source {
        RowSource::List { .. } => false,
        RowSource::Earlier(_) | RowSource::EarlierLines(_) => true,
    })
}

/// When an event happens.
pub(crate) fn now(record: &Record) -> Instant {
    let slot = |slot: SlotId| record.event.get(slot.index()).copied().unwrap_or(MISSING);
    Instant { at: slot(event_slot::AT), date: slot(event_slot::DATE), time: slot(event_slot::TIME) }
}
