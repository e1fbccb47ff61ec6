//! What is kept from event to event, seen by one event: what a member did before, what earlier events have claimed of
//! limits and budgets, balances.
//!
//! Evaluation is pure: before an event is decided a [`State`] fills what its record reads of the past, and answers what
//! was claimed; the decision lists what it changes, and [`State::keep`] applies that once. [`Memory`] keeps everything
//! in memory, for tests, replays and simulations. Refuses to know rules: it knows the program's tables, reads and
//! counters, which say exactly what state a pack needs.

pub mod life;
pub mod lots;
mod memory;

pub use memory::Memory;

use crate::record::{ReadEvent, Reader, Schema};
use perq_compiler::evaluate::{Claimed, Decision};
use perq_compiler::ir::{Program, RowSource, SiteKind, StateRead};

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

    /// Keeps the event and what was decided.
    fn keep(&mut self, schema: &Schema, reader: &Reader, event: &ReadEvent, decision: &Decision);
}

/// Whether decisions of the program depend on what was decided before.
pub fn is_stateful(program: &Program) -> bool {
    let history = program.layout.tables.iter().any(|table| match table.source {
        RowSource::List { .. } => false,
        RowSource::Earlier(_) | RowSource::EarlierLines(_) => true,
    });
    let reads = program.reads.iter().any(|read| match read.read {
        StateRead::Balance(_) => true,
        StateRead::After(_) | StateRead::Last(_) | StateRead::Until(_) | StateRead::Anniversary(_) => false,
    });
    let debits = program.sites.iter().any(|site| match site.kind {
        SiteKind::Debit { .. } => true,
        SiteKind::Award { .. }
        | SiteKind::Multiply { .. }
        | SiteKind::Discount { .. }
        | SiteKind::Tender { .. } => false,
    });
    let redemptions = !program.redemptions.is_empty();
    history || reads || debits || redemptions || !program.counters.is_empty()
}
