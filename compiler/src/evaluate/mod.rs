//! What a program means for one event: which rules are asked, what they propose, what stays.
//!
//! Pure: a record and bindings in, a decision out. No clock, no I/O, no floats, no hash order. The code of the rules
//! comes through [`Code`], so that the interpreter and native code are settled by the same text.

mod again;
mod atom;
mod debit;
mod deed;
mod derive;
mod displace;
pub mod fraction;
mod gift;
mod grant;
pub mod learn;
mod limit;
mod offers;
mod plain;
pub mod plan;
mod price;
mod promise;
mod propose;
mod purse;
mod questions;
mod review;
mod settle;
pub mod spread;
mod tender;
#[cfg(test)]
mod tests;

pub use again::{Kept, KeptDeed, KeptLine, is_cancellable, is_settled};
pub(crate) use atom::fact as atom_fact;
pub use gift::GiftOffer;
pub use learn::{Tallies, Tally};
pub use offers::{HIDDEN_WORDS, Hidden, HiddenWhy, Offered, Reaction, Shown, answered};
pub use plan::{Plan, conditions_hold};
pub use review::Reviewer;
pub use settle::{Workspace, evaluate, evaluate_again};

use crate::calendar::{Universal, WallClock};
use crate::ir::{
    AccountId, CounterId, Fault, FunctionId, GroupId, InstrumentId, LimitOf, PlaceId, RuleId, SiteId, SlotId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The slots of one event, as [`crate::ir::Layout`] lays them out.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    /// The event's slots.
    pub event: &'a [i64],
    /// Line slots, row after row.
    pub lines: &'a [i64],
    /// Slots of a line.
    pub line_width: usize,
    /// Payment slots, row after row.
    pub payments: &'a [i64],
    /// Slots of a payment.
    pub payment_width: usize,
    /// Rows of the tables, by [`crate::ir::TableId`].
    pub tables: &'a [TableRows],
    /// What set slots point into.
    pub symbols: &'a [u32],
    /// Values of the parameters at the event's date.
    pub params: &'a [i64],
    /// Of the rule at hand, where that is known: the rows of lines that may satisfy its conditions on lines.
    /// Each that is left out does not satisfy one of [`crate::ir::Rule::line_atoms`] that is not negated, so that a loop
    /// which asks these first need not look at it. What a function does is the same with and without.
    pub rows: Option<LineRows<'a>>,
    /// Of the rule at hand, where that is known: its conditions on the event ([`crate::ir::Rule::atoms`]) hold, and code
    /// need not ask them again. What a function does is the same with and without.
    pub holds: bool,
}

/// Rows of lines.
#[derive(Clone, Copy, Debug)]
pub enum LineRows<'a> {
    /// Their numbers, ascending.
    List(&'a [u32]),
    /// A bit for each of the first 64 lines.
    Bits(u64),
}

/// One event, packed: owned slots that a reader fills and that evaluation updates (the running amounts at entry to a
/// phase). Cleared and filled again for the next event, so that a run allocates only while it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Which kind of event.
    pub kind: crate::ir::EventId,
    /// The event's slots.
    pub event: Vec<i64>,
    /// Line slots, row after row.
    pub lines: Vec<i64>,
    /// Slots of a line.
    pub line_width: usize,
    /// Payment slots, row after row.
    pub payments: Vec<i64>,
    /// Slots of a payment.
    pub payment_width: usize,
    /// Rows of the tables, by [`crate::ir::TableId`]; a table that is not there has no rows.
    pub tables: Vec<TableRows>,
    /// What set slots point into.
    pub symbols: Vec<u32>,
}

/// The rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRows {
    /// Slots of a row: as many as the table has columns, or one that nothing reads where it has none, so that its rows
    /// are there to be counted.
    pub width: usize,
    /// Row after row.
    pub slots: Vec<i64>,
}

impl TableRows {
    /// How many rows.
    pub fn count(&self) -> usize {
        self.slots.len().checked_div(self.width).unwrap_or(0)
    }
}

impl Record {
    /// Reads a little of each stretch of its memory, so that a processor fetches all of it at once: a record that was read a while
    /// ago lies far away, and where its parts are needed one after another each would be waited for.
    pub(super) fn fetch(&self) {
        /// Numbers that a processor fetches at once.
        const AT_ONCE: usize = 8;
        let touch = |slots: &[i64]| slots.iter().step_by(AT_ONCE).fold(0, |all, slot| all ^ slot);
        let symbol = self.symbols.first().map_or(0, |symbol| i64::from(*symbol));
        std::hint::black_box(touch(&self.event) ^ touch(&self.lines) ^ touch(&self.payments) ^ symbol);
    }

    /// The record with the parameters' values.
    pub fn view<'a>(&'a self, params: &'a [i64]) -> RecordView<'a> {
        RecordView {
            event: &self.event,
            lines: &self.lines,
            line_width: self.line_width,
            payments: &self.payments,
            payment_width: self.payment_width,
            tables: &self.tables,
            symbols: &self.symbols,
            params,
            rows: None,
            holds: false,
        }
    }
}

impl RecordView<'_> {
    /// How many lines.
    pub fn line_count(&self) -> usize {
        self.lines.len().checked_div(self.line_width).unwrap_or(0)
    }
    /// How many payments.
    pub fn payment_count(&self) -> usize {
        self.payments.len().checked_div(self.payment_width).unwrap_or(0)
    }
    /// How many rows a table has.
    pub fn table_count(&self, table: crate::ir::TableId) -> usize {
        self.tables.get(table.index()).map_or(0, TableRows::count)
    }
}

/// Which symbols each reference literal matches, for one catalogue: a bit for each number of the kind's dictionary.
/// Numbers past the end are names the catalogue does not know, and match nothing. With them the clock of the program's
/// zone, whose table the compiler does not know.
#[derive(Clone, Debug)]
pub struct Bindings {
    /// By [`crate::ir::ReferenceId`].
    pub references: Vec<Bits>,
    /// The clock that [`crate::ir::Inst::InstantOf`] and [`crate::ir::Inst::Clock`] ask.
    pub zone: Arc<dyn WallClock>,
}

impl Default for Bindings {
    fn default() -> Bindings {
        Bindings { references: Vec::new(), zone: Arc::new(Universal) }
    }
}

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    /// Bit `n` of word `n / 64`.
    pub words: Vec<u64>,
}

impl Bits {
    /// Whether it holds `n`; negative numbers and numbers past the end are not held.
    pub fn contains(&self, n: i64) -> bool {
        usize::try_from(n).is_ok_and(|n| self.words.get(n / 64).is_some_and(|word| word >> (n % 64) & 1 == 1))
    }
    /// Adds `n`.
    pub fn insert(&mut self, n: usize) {
        if self.words.len() <= n / 64 {
            self.words.resize(n / 64 + 1, 0);
        }
        if let Some(word) = self.words.get_mut(n / 64) {
            *word |= 1 << (n % 64);
        }
    }
}

/// What a function proposed, in the order of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Which effect.
    pub site: SiteId,
    /// Numerator.
    pub num: i128,
    /// Denominator, above zero.
    pub den: i128,
    /// For an award, the line's row.
    pub row: Option<u32>,
    /// For a discount, its part of [`Proposals::selected`].
    pub selected: std::ops::Range<u32>,
}

/// The proposals of the rules run so far in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposals {
    /// In order.
    pub list: Vec<Proposal>,
    /// (row, pieces), ascending rows within a proposal; pieces are above zero.
    pub selected: Vec<(u32, i64)>,
    /// What a derivation's function has given.
    pub derived: Option<i64>,
    /// Sets that were chosen, in order.
    pub takes: Vec<Take>,
    /// (row, pieces) that the sets of `takes` use; pieces are above zero.
    pub used: Vec<(u32, i64)>,
    /// Pieces of each line that are not free for sets: other rules of the group use them. Read, and not written, by
    /// functions; short where nothing is used.
    pub taken: Vec<i64>,
}

/// The sets that a rule has chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// How many.
    pub sets: i64,
    /// What they give, in minor units, as they were chosen: before anything else falls on the same lines.
    pub value: i64,
    /// How much better another choice might be; 0 where this one is proven to be the best.
    pub gap: i64,
    /// Its part of [`Proposals::used`].
    pub used: std::ops::Range<u32>,
}

/// What earlier events have claimed of a program's counters, for the event at hand: its member, its inviter, its
/// instant. Asked only about counters of limits that something comes up against.
pub trait Claimed {
    /// The sum of the claims in the counter's window; 0 where there are none.
    fn claimed(&self, counter: CounterId) -> i64;

    /// What the event's member can spend of an account; `None` without a member. Asked only where something is taken.
    fn balance(&self, account: AccountId) -> Option<i64>;

    /// What the event's member has of an account, in the order in which it is spent, with the condition under which it
    /// may be spent, of [`crate::ir::Program::spendables`]. Asked only where the program has such conditions.
    fn purse(&self, account: AccountId) -> Vec<(Option<u32>, i64)> {
        self.balance(account).map(|balance| (None, balance.max(0))).into_iter().collect()
    }

    /// What is known of how an offer (of [`crate::ir::Offers::list`]) was taken, by all members and by those of a kind.
    /// Asked only of offers that learn.
    fn tallies(&self, _offer: u32, _kind: Option<i64>) -> Tallies {
        Tallies::default()
    }
}

/// Nothing was claimed before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unclaimed;

impl Claimed for Unclaimed {
    fn claimed(&self, _: CounterId) -> i64 {
        0
    }
    fn balance(&self, _: AccountId) -> Option<i64> {
        None
    }
}

/// Turns that one event may take over all of its rules; [`crate::ir`] says what costs how many.
pub const FUEL: i64 = 50_000_000;

/// A function to run.
#[derive(Clone, Copy, Debug)]
pub struct Call<'r> {
    /// Which.
    pub function: FunctionId,
    /// What [`RecordView::rows`] is for it.
    pub rows: Option<LineRows<'r>>,
}

/// Runs a rule's code.
pub trait Code {
    /// Reusable memory of one thread.
    type Scratch: Default;

    /// Is told of each phase that has rules, by its first group, with the record as its rules will see it.
    fn enter(&self, _group: GroupId, _record: RecordView<'_>) {}

    /// Runs `function` on the record and appends what it proposes to `out`; takes the turns of its loops from
    /// `fuel`.
    ///
    /// # Errors
    /// The fault that ended it; `out` may then hold some of its proposals, which the caller drops.
    fn run(
        &self,
        function: FunctionId,
        record: RecordView<'_>,
        bindings: &Bindings,
        fuel: &mut i64,
        scratch: &mut Self::Scratch,
        out: &mut Proposals,
    ) -> Result<(), Fault>;

    /// Runs functions one after another on one record, each as [`Code::run`] does, and tells how each ended before the next
    /// one runs, with what stood beside its call. To prepare for a record takes longer than most functions do.
    fn run_each<'r, T>(
        &self,
        calls: impl Iterator<Item = (T, Call<'r>)> + Clone,
        record: RecordView<'_>,
        bindings: &Bindings,
        (fuel, scratch, out): (&mut i64, &mut Self::Scratch, &mut Proposals),
        mut ended: impl FnMut(T, Result<(), Fault>, &mut Proposals),
    ) {
        for (beside, Call { function, rows }) in calls {
            let record = RecordView { rows, ..record };
            let result = self.run(function, record, bindings, fuel, scratch, out);
            ended(beside, result, out);
        }
    }
}

/// What is decided for one event. Amounts are whole: minor units of the currency, smallest units of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What applies, in the order of settlement.
    pub effects: Vec<Effect>,
    /// What is issued, in the order of settlement; what a review issues comes last.
    pub issues: Vec<Issue>,
    /// Products that are given, in the order of settlement.
    pub gifts: Vec<Gift>,
    /// Gifts of which the member may choose a product.
    pub gift_offers: Vec<GiftOffer>,
    /// Fields of the member that are set, in the order of settlement.
    pub changes: Vec<Change>,
    /// Levels that the member leaves: at reviews that came before the event, then with the event.
    pub tiers: Vec<TierChange>,
    /// What rules make of each change of level, in their order, where rules hear them.
    pub raised: Vec<Decision>,
    /// What did not stay against another rule.
    pub displaced: Vec<Displaced>,
    /// What a limit took.
    pub cuts: Vec<Cut>,
    /// What the effects use up of counters; to be added to them when the decision is kept.
    pub claims: Vec<Claim>,
    /// The sets that rules formed of a bundle and gave something for.
    pub bundles: Vec<BundleChoice>,
    /// Rules that gave nothing because what they take is not there.
    pub short: Vec<Short>,
    /// What points pay, in the order of settlement.
    pub tenders: Vec<Tender>,
    /// What is taken from lots, by the condition that they carry; empty where the program has no such conditions.
    pub spent: Vec<Spent>,
    /// What rules say, in the order of settlement.
    pub said: Vec<Said>,
    /// What the member is offered: of sessions, where the program has offers; of other events, where rules show any.
    pub offered: Option<Offered>,
    /// How an offer was taken; of reactions, where an offer learns from them.
    pub answered: Option<Reaction>,
    /// Why the event as a whole is refused; then there is nothing else but what failed.
    pub refused: Option<Refused>,
    /// Promises that the decision does not keep, in order of declaration, then of lines.
    pub broken: Vec<Broken>,
    /// Rules that failed and gave nothing.
    pub faults: Vec<RuleFault>,
    /// For each line: amount before, and after all discounts.
    pub lines: Vec<LineTotal>,
    /// Sums.
    pub totals: Totals,
}

impl Decision {
    /// The rules that have an effect of any sort, once for each effect. A gift that is only on offer is none yet; what nobody's
    /// rule gives (a level, a badge that is earned by its own condition) is not there, nor is what the event has brought
    /// about: that is decided by itself.
    pub fn acting(&self) -> impl Iterator<Item = RuleId> {
        self.effects.iter().map(|effect| effect.rule).chain(self.acting_beside())
    }

    /// The same, without discounts and points.
    pub fn acting_beside(&self) -> impl Iterator<Item = RuleId> {
        let shown = self.offered.iter().flat_map(|offered| &offered.shown);
        let issues = self.issues.iter().filter_map(|issue| issue.rule);
        issues
            .chain(self.gifts.iter().map(|gift| gift.rule))
            .chain(self.changes.iter().map(|change| change.rule))
            .chain(self.said.iter().map(|said| said.rule))
            .chain(shown.filter_map(|shown| shown.rule))
    }
}

/// An effect that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Which effect of the text.
    pub site: SiteId,
    /// Its rule.
    pub rule: RuleId,
    /// Its group.
    pub group: GroupId,
    /// `None` for a discount, which is in money.
    pub account: Option<AccountId>,
    /// It takes from the account rather than gives.
    pub debit: bool,
    /// The whole; never zero.
    pub amount: i64,
    /// How it falls on lines; they add up to the whole. Empty for an award to the basket and for a debit.
    pub shares: Vec<Share>,
}

/// Something that is issued to the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The rule that issues it; a badge that is earned by its own condition has none.
    pub rule: Option<RuleId>,
    /// Which effect of the text.
    pub site: Option<SiteId>,
    /// Which.
    pub instrument: InstrumentId,
    /// How many; a certificate's value in minor units. Above zero.
    pub number: i64,
    /// The last day on which it can be used, counted from 1970-01-01.
    pub expires: Option<i64>,
}

/// Points that are taken from lots that carry one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// From which account.
    pub account: AccountId,
    /// Of [`crate::ir::Program::spendables`]; none of what may be spent on anything.
    pub condition: Option<u32>,
    /// How much; above zero.
    pub amount: i64,
}

/// A product that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gift {
    /// By which rule.
    pub rule: RuleId,
    /// Which effect of the text.
    pub site: SiteId,
    /// Which, of [`crate::ir::Program::gifts`].
    pub gift: u32,
    /// Which of its options.
    pub option: u32,
    /// How many pieces; above zero.
    pub pieces: i64,
    /// Those of them that the basket does not hold, and that the host adds.
    pub added: i64,
}

/// Words that a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which rule.
    pub rule: RuleId,
    /// Which effect of the text.
    pub site: SiteId,
    /// Which words, of [`crate::ir::Program::tellings`].
    pub telling: u32,
}

/// A field of the member that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// By which rule.
    pub rule: RuleId,
    /// Which effect of the text.
    pub site: SiteId,
    /// The event slot that holds the field.
    pub slot: SlotId,
    /// Its value from the next event on; of a name, [`crate::ir::SiteKind::Set`] says which.
    pub value: i64,
    /// The last day on which it holds.
    pub until: Option<i64>,
}

/// A member's level that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierChange {
    /// Of which levels, of [`crate::ir::Instruments::tiers`].
    pub tiers: u32,
    /// The level before, by position.
    pub from: i64,
    /// The level from then on.
    pub to: i64,
    /// Local day.
    pub date: i64,
    /// Local second of the day.
    pub time: i64,
    /// At a review rather than with the event.
    pub review: bool,
    /// The last day on which it is kept, where `keep until` says.
    pub until: Option<i64>,
}

/// A line's part of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The line's row, from 0.
    pub row: u32,
    /// Pieces of the line it is about.
    pub pieces: i64,
    /// Its part.
    pub amount: i64,
}

/// A rule that lost to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displaced {
    /// The loser.
    pub rule: RuleId,
    /// The winner.
    pub by: RuleId,
    /// Rows on which it lost; empty where they competed for the basket.
    pub rows: Vec<u32>,
}

/// The sets that a rule formed of its bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleChoice {
    /// The rule.
    pub rule: RuleId,
    /// How many.
    pub sets: i64,
    /// How much better another choice might have been, in minor units; 0 where this one is proven to be the best.
    pub gap: i64,
    /// Lines and pieces that the sets use, ascending.
    pub used: Vec<(u32, i64)>,
}

/// A part of a counter that the event's effects use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which.
    pub counter: CounterId,
    /// How much; never zero.
    pub amount: i64,
}

/// What a limit took from a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// From which rule.
    pub rule: RuleId,
    /// Of what.
    pub of: LimitOf,
    /// Which limit.
    pub by: CutBy,
    /// How much; awards round up to whole units here.
    pub amount: i64,
}

/// What cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CutBy {
    /// A price cannot fall below zero.
    PriceFloor,
    /// The rule's limit.
    Rule,
    /// The group's limit.
    Group,
    /// A limit of the rule or the group over more than this event.
    Counter(CounterId),
}

/// A rule that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// Which.
    pub rule: RuleId,
    /// Why.
    pub kind: crate::ir::FaultKind,
    /// Where in the source.
    pub place: PlaceId,
}

/// A promise that a decision does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Of [`crate::ir::Program::promises`].
    pub promise: u32,
    /// The line's row; none of the basket as a whole.
    pub row: Option<u32>,
    /// What the two sides of the comparison come to, in base units, each as numerator and denominator; none where that is
    /// too large to be worked out.
    pub sides: [Option<(i128, i128)>; 2],
}

/// A rule that wanted to take more than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// Which.
    pub rule: RuleId,
    /// From which account.
    pub account: AccountId,
    /// How much is missing; above zero.
    pub missing: i64,
}

/// A payment with points; the points themselves are an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tender {
    /// The redemption's rule.
    pub redemption: RuleId,
    /// The account that pays.
    pub account: AccountId,
    /// What it takes.
    pub points: i64,
    /// What it pays, in minor units.
    pub money: i64,
    /// What it pays of lines, in minor units; they add up to the whole.
    pub shares: Vec<Share>,
}

/// A request to pay with points that cannot be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The redemption's rule.
    pub redemption: RuleId,
    /// The account that should pay.
    pub account: AccountId,
    /// Why.
    pub why: RefusedWhy,
    /// By how much, in the account's smallest unit; 0 where it is no question of how much.
    pub by: i64,
}

/// Why a request cannot be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedWhy {
    /// Its conditions do not hold, or it pays for nothing here.
    NotAllowed,
    /// Its rule failed.
    Failed,
    /// The balance is too small.
    Short,
    /// Less than the least.
    BelowLeast,
    /// Beyond the last whole step.
    WrongStep,
    /// More than the most.
    AboveMost,
    /// So much has to be confirmed.
    Unconfirmed,
}

/// A line before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineTotal {
    /// Before.
    pub initial: i64,
    /// After all discounts.
    pub paid: i64,
    /// Its tax, where the program says how tax stands.
    pub tax: i64,
}

/// Sums over the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Of the lines before.
    pub initial: i64,
    /// Of all discounts.
    pub discount: i64,
    /// Of the lines after: `initial - discount`.
    pub paid: i64,
    /// Tax, in or on top of `paid`.
    pub tax: i64,
    /// Of `paid`, what points pay.
    pub points: i64,
    /// What the customer hands over in money: `paid`, with tax where it comes on top, less what points pay.
    pub total: i64,
    /// By account, in order of declaration, only those awarded.
    pub awards: Vec<(AccountId, i64)>,
    /// By account, in order of declaration, only those debited.
    pub debits: Vec<(AccountId, i64)>,
}
