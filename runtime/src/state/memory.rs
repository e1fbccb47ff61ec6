//! State in memory: for tests, replays and simulations. Refuses to know files and crashes.

use super::instruments::Instruments;
use super::life::{Portion, life_of, portions};
use super::lots::{By, Held, Lot, Lots, Spent, Step};
use super::past;
use super::tiers::{Levels, Standing};
use super::{State, has_history, now};
use crate::clock::Zone;
use crate::record::{ReadEvent, Reader, Schema};
use crate::returns::beside::{Gave, Undone};
use crate::returns::{self, Origin, Returned, Risen};
use perq_compiler::calendar::{Instant, is_universal, limited};
use perq_compiler::evaluate::{Claimed, Decision, Reaction, Record, TableRows, Tallies, Tally, TierChange};
use perq_compiler::ir::{
    AccountId, Answered, Column, CounterId, CounterKey, EventId, History, InstrumentId, KindId, MISSING,
    Program, RowSource, RowTable, RuleId, SiteKind, Slot, SlotId, SlotType, StateRead, Verified, line_slot,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// State in memory.
#[derive(Debug)]
pub struct Memory {
    program: Arc<Verified>,
    zone: Zone,
    /// Event slots that histories repeat, ascending.
    event_slots: Vec<SlotId>,
    /// Line slots that histories repeat, ascending.
    line_slots: Vec<SlotId>,
    /// Rules look back at earlier events.
    has_history: bool,
    /// Event slots that name other members to whom something is given or for whom something is counted, ascending.
    others: Vec<SlotId>,
    /// Accounts that rules take from, ascending.
    debited: Vec<AccountId>,
    members: BTreeMap<Box<str>, Member>,
    /// What was claimed, by who for.
    claims: BTreeMap<(CounterId, Option<Box<str>>), Vec<KeptClaim>>,
    instruments: Instruments,
    /// By tiers of the program.
    levels: Vec<Levels>,
    /// Events of which goods may come back, by id, where the program speaks of returns.
    origins: BTreeMap<Box<str>, Arc<Origin>>,
    /// How offers were taken, by offer of the program and by kind of member; none is all of them.
    tallies: BTreeMap<(u32, Option<i64>), Tally>,
    /// What has come back, by the place of the event of which it did.
    back: BTreeMap<u64, Vec<Back>>,
    /// The place of the next event that is kept: how many there were, where nobody says otherwise.
    order: u64,
    /// The place of the event at hand; those that it raises follow it.
    begun: u64,
    /// What the last event moved, where somebody books it.
    journal: Option<Journal>,
}

/// A claim that was kept.
#[derive(Clone, Copy, Debug)]
struct KeptClaim {
    /// The place of the event with which it came.
    order: u64,
    at: i64,
    local: i64,
    amount: i64,
}

/// What one event moved, as far as lots and histories are concerned; what else it changes stands in its decision.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// In order.
    pub movements: Vec<Movement>,
    /// What histories repeat of the event, and of those that it raised, as texts that mean the same to every pack.
    pub past: Vec<String>,
    /// What is kept from now on for the goods that may come back, of the event or of that of which some do.
    pub origin: Option<Arc<Origin>>,
    /// The reaction that says how a showing has ended, of an offer that learns from it.
    pub learned: Option<Reaction>,
}

/// Points that were moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Whose.
    pub member: Box<str>,
    /// In which account.
    pub account: AccountId,
    /// By which rule.
    pub rule: RuleId,
    /// How.
    pub moved: Moved,
}

/// How points were moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Issued as a new lot, the last of the member's; `paid` of it at once paid what was owed.
    Issued {
        /// The lot, before it paid.
        lot: Lot,
        /// What was owed.
        paid: i64,
    },
    /// Taken.
    Spent(Spent),
    /// Taken back or given back with goods.
    Corrected {
        /// What had been taken; else what had been awarded.
        debit: bool,
        /// How.
        steps: Vec<Step>,
    },
}

#[derive(Debug, Default)]
struct Member {
    /// By instant, then in the order in which they were decided; none where nothing looks back at them.
    events: Vec<Kept>,
    lots: BTreeMap<AccountId, Lots>,
}

/// An event that was decided.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) order: u64,
    pub(super) kind: EventId,
    pub(super) now: Instant,
    /// By `Memory::event_slots`.
    pub(super) slots: Vec<KeptValue>,
    pub(super) lines: Vec<KeptLine>,
    pub(super) paid: i64,
}

#[derive(Clone, Debug)]
pub(super) struct KeptLine {
    /// By `Memory::line_slots`.
    pub(super) slots: Vec<KeptValue>,
    pub(super) pieces: i64,
    pub(super) paid: i64,
}

/// Pieces of a line that came back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Back {
    /// The place of the event with which they did, and its instant.
    pub(super) order: u64,
    pub(super) at: i64,
    pub(super) row: usize,
    pub(super) pieces: i64,
    pub(super) paid: i64,
}

/// How far back an event sees: to its own instant, and to what was kept before it.
#[derive(Clone, Copy, Debug)]
struct Sight {
    now: Instant,
    /// Events from this place on are not there.
    before: u64,
}

/// A slot's value that means the same to every record: names are kept as they are written, since each record and each
/// catalogue numbers them anew.
#[derive(Clone, Debug)]
pub(super) enum KeptValue {
    Number(i64),
    Name(KindId, Box<str>),
    Names(KindId, Vec<Box<str>>),
}

impl Memory {
    /// Learns from a reaction.
    fn learn(&mut self, reaction: Reaction, now: Instant) {
        let offers = &self.program.offers;
        let learn = offers.list.get(reaction.offer as usize).and_then(|offer| offer.learn);
        let Some((learn, said)) = learn.zip(offers.answer(reaction.answer)) else { return };
        for kind in [Some(None), reaction.kind.map(Some)].into_iter().flatten() {
            let tally = self.tallies.entry((reaction.offer, kind)).or_default();
            *tally = tally.with(now.date, said, learn.half_life);
        }
        if let Some(journal) = self.journal.as_mut().filter(|_| said != Answered::Shown) {
            journal.learned = Some(reaction);
        }
    }

    /// What is known of how an offer was taken, by all members or by those of a kind; nothing where nobody has told.
    pub fn tally(&self, offer: u32, kind: Option<i64>) -> Option<Tally> {
        self.tallies.get(&(offer, kind)).copied()
    }

    /// Takes over what is known of how an offer was taken.
    pub fn restore_tally(&mut self, offer: u32, kind: Option<i64>, tally: Tally) {
        self.tallies.insert((offer, kind), tally);
    }

    /// Empty, for a program.
    pub fn new(program: Arc<Verified>) -> Memory {
        let (mut event_slots, mut line_slots) = (BTreeSet::new(), BTreeSet::new());
        for column in program.layout.tables.iter().flat_map(|table| &table.columns) {
            match column {
                Column::Event(slot) => {
                    event_slots.insert(*slot);
                }
                Column::Line(slot) => {
                    line_slots.insert(*slot);
                }
                Column::Field(_)
                | Column::LocalAt
                | Column::PaidNet
                | Column::Returned
                | Column::PiecesKept => {}
            }
        }
        let debited = program.sites.iter().filter_map(|site| match site.kind {
            SiteKind::Debit { account } => Some(account),
            SiteKind::Award { .. }
            | SiteKind::Multiply { .. }
            | SiteKind::Discount { .. }
            | SiteKind::Gift { .. }
            | SiteKind::Issue { .. }
            | SiteKind::Tell { .. }
            | SiteKind::Set { .. }
            | SiteKind::Tender { .. } => None,
        });
        let debited: BTreeSet<AccountId> = debited.collect();
        Memory {
            has_history: has_history(&program),
            others: others(&program),
            debited: debited.into_iter().collect(),
            // Readers refuse programs of zones that are not known.
            zone: Zone::named(&program.zone).unwrap_or_else(Zone::universal),
            instruments: Instruments::new(&program),
            levels: vec![Levels::default(); program.instruments.tiers.len()],
            journal: None,
            program,
            event_slots: event_slots.into_iter().collect(),
            line_slots: line_slots.into_iter().collect(),
            members: BTreeMap::new(),
            claims: BTreeMap::new(),
            origins: BTreeMap::new(),
            tallies: BTreeMap::new(),
            back: BTreeMap::new(),
            order: 0,
            begun: 0,
        }
    }

    /// What a member can spend of an account at an instant.
    pub fn balance(&self, member: &str, account: AccountId, at: i64) -> i64 {
        let lots = self.members.get(member).and_then(|member| member.lots.get(&account));
        lots.map_or(0, |lots| lots.balance(at))
    }

    /// What of an account may be taken, as far as no condition is asked. A program without conditions has lots without
    /// them; those of another program's stay, and nobody can say whether they may be spent.
    fn can_spend(&self, lots: &Lots, at: i64) -> i64 {
        if self.program.spendables.is_empty() { lots.free(at) } else { lots.balance(at) }
    }

    /// Coupons, certificates and badges.
    pub fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// A member's level, where the member has been seen.
    pub fn level(&self, tiers: u32, member: &str) -> Option<Standing> {
        self.levels.get(usize::try_from(tiers).ok()?)?.of(member)
    }

    /// Notes from now on what each event moves, for who books it.
    #[must_use]
    pub fn with_journal(self) -> Memory {
        Memory { journal: Some(Journal::default()), ..self }
    }

    /// What the last event that was kept moved.
    pub fn take_journal(&mut self) -> Journal {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A member's lots.
    pub fn lots_of(&self, member: &str, account: AccountId) -> Option<&Lots> {
        self.members.get(member)?.lots.get(&account)
    }

    /// Takes over lots that were kept elsewhere.
    pub fn restore_lots(&mut self, member: &str, account: AccountId, lots: Lots) {
        self.members.entry(member.into()).or_default().lots.insert(account, lots);
    }

    /// Says at which place the next event comes, for who keeps events elsewhere: a higher one than those before it. What it
    /// raises comes right behind it.
    pub fn begin(&mut self, order: u64) {
        (self.order, self.begun) = (order, order);
    }

    /// Leaves out the place of the event at hand: it is none of the program's, and what it raises comes right behind it.
    pub fn skip(&mut self) {
        self.order = self.order.saturating_add(1);
    }

    /// Takes over a claim that was kept elsewhere: the place of its event, and its instant on the universal and on the local
    /// clock. Without a place it is not seen as of any event before ([`State::then`]).
    pub fn restore_claim(
        &mut self,
        (id, key): (CounterId, Option<&str>),
        order: Option<u64>,
        (at, local): (i64, i64),
        amount: i64,
    ) {
        let claims = self.claims.entry((id, key.map(Box::from))).or_default();
        claims.push(KeptClaim { order: order.unwrap_or(u64::MAX - 1), at, local, amount });
    }

    /// Gives back to a lot what was held of it elsewhere, or holds it again where the amount is below zero.
    pub fn release(&mut self, member: &str, account: AccountId, lot: usize, amount: i64) {
        if let Some(lots) = self.members.get_mut(member).and_then(|member| member.lots.get_mut(&account)) {
            lots.release(lot, amount);
        }
    }

    /// Takes over an event that was kept elsewhere for the goods that may come back of it.
    pub fn restore_origin(&mut self, origin: Origin) {
        self.origins.insert(origin.id.clone(), Arc::new(origin));
    }

    /// Takes over a level that was kept elsewhere.
    pub fn restore_level(&mut self, tiers: u32, member: &str, standing: Standing) {
        if let Some(levels) = usize::try_from(tiers).ok().and_then(|at| self.levels.get_mut(at)) {
            levels.restore(member, standing);
        }
    }

    /// Coupons, badges and fields, to take over what was kept elsewhere.
    pub fn instruments_mut(&mut self) -> &mut Instruments {
        &mut self.instruments
    }

    /// Takes over an earlier event as [`Journal::past`] wrote it, which was kept at a place. False where it lacks something
    /// that this program looks back at: then the event is to be read again, and [`Self::restore_event`] takes it over.
    pub fn restore_past(&mut self, order: u64, member: &str, text: &str) -> bool {
        let Some(past) = past::Past::read(text) else { return false };
        if let Some((of, back)) = past.back(order) {
            self.back.entry(of).or_default().extend(back);
        }
        let Some(kept) = past.kept(&self.program, &self.event_slots, &self.line_slots, order) else {
            return false;
        };
        self.remember(member, kept);
        true
    }

    /// Takes over an earlier event that was read again, as [`Journal::past`] wrote it, with what was paid for it, and for each
    /// line. One that the event had raised is raised again.
    pub fn restore_event(
        &mut self,
        (schema, reader): (&Schema, &Reader),
        (order, text): (u64, &str),
        event: &ReadEvent,
        paid: i64,
        lines: &[i64],
    ) {
        let (Some(member), Some(past)) = (event.member(), past::Past::read(text)) else { return };
        let kept = if past.raised == 0 {
            Some(self.kept(schema, reader, event, paid, lines))
        } else {
            let raised = past
                .kind(&self.program)
                .and_then(|kind| event.brings_about(schema, &self.program, kind, event.id(), past.now()));
            raised.map(|raised| self.kept(schema, reader, &raised, 0, &[]))
        };
        if let Some(kept) = kept {
            let order = order.saturating_add(past.raised);
            self.remember(member, Kept { order, ..kept });
        }
    }

    fn remember(&mut self, member: &str, kept: Kept) {
        if !self.has_history {
            return;
        }
        let member = self.members.entry(member.into()).or_default();
        let place = member.events.partition_point(|before| before.now.at <= kept.now.at);
        member.events.insert(place, kept);
    }

    /// What histories repeat of an event.
    fn kept(&self, schema: &Schema, reader: &Reader, event: &ReadEvent, paid: i64, lines: &[i64]) -> Kept {
        let (record, layout) = (&event.record, &self.program.layout);
        let width = record.line_width.max(1);
        let keep = |slots: &[SlotId], of: &[Slot], values: &[i64]| -> Vec<KeptValue> {
            let one = |slot: &SlotId| {
                let value = values.get(slot.index()).copied().unwrap_or(MISSING);
                keep_value(schema, reader, record, of.get(slot.index()), value)
            };
            slots.iter().map(one).collect()
        };
        let lines = record.lines.chunks_exact(width).zip(lines).map(|(line, paid)| KeptLine {
            slots: keep(&self.line_slots, &layout.line, line),
            pieces: line.get(line_slot::PIECES.index()).copied().unwrap_or(0),
            paid: *paid,
        });
        Kept {
            order: 0,
            kind: record.kind,
            now: now(record),
            lines: lines.collect(),
            slots: keep(&self.event_slots, &layout.event, &record.event),
            paid,
        }
    }

    /// Fills the tables of a record that speak of the past of a member.
    fn fill(
        &self,
        schema: &Schema,
        reader: &mut Reader,
        sight: Sight,
        member: Option<&str>,
        record: &mut Record,
    ) {
        let member = member.and_then(|member| self.members.get(member));
        let mut encode = |value: &KeptValue, record: &mut Record| match value {
            KeptValue::Number(number) => *number,
            KeptValue::Name(kind, name) => i64::from(reader.symbol_number(schema, kind.index(), name)),
            KeptValue::Names(kind, names) => {
                let start = record.symbols.len();
                let mut numbers: Vec<u32> =
                    names.iter().map(|name| reader.symbol_number(schema, kind.index(), name)).collect();
                numbers.sort_unstable();
                record.symbols.extend(numbers);
                crate::catalogue::bind::set_slot(start, record.symbols.len())
            }
        };
        let program: &Program = &self.program;
        record.tables.resize_with(program.layout.tables.len(), TableRows::default);
        for (at, table) in program.layout.tables.iter().enumerate() {
            if matches!(table.source, RowSource::List { .. }) {
                continue;
            }
            let slots = self.rows(table, sight, member, &mut encode, record);
            if let Some(rows) = record.tables.get_mut(at) {
                *rows = TableRows { width: table.columns.len().max(1), slots };
            }
        }
    }

    /// What has come back of a line of an event, or of all of them, as far as can be seen: pieces and money.
    fn came_back(&self, kept: &Kept, row: Option<usize>, sight: Sight) -> (i64, i64) {
        let back = self.back.get(&kept.order).map_or(&[][..], Vec::as_slice);
        let seen = back.iter().filter(|back| back.order < sight.before && back.at <= sight.now.at);
        let seen = seen.filter(|back| row.is_none_or(|row| row == back.row));
        seen.fold((0, 0), |(pieces, paid): (i64, i64), back| {
            (pieces.saturating_add(back.pieces), paid.saturating_add(back.paid))
        })
    }

    /// Keeps what comes back with an event: moves points, changes claims at the instant of the purchase, and marks its
    /// goods as returned.
    fn goods_back(&mut self, order: u64, now: Instant, returned: &Returned) {
        self.give_back(order, now, returned);
        self.back.entry(returned.origin.order).or_default().extend(backs(order, now, returned));
        self.put_back(returned);
    }

    /// Keeps what is left of the event of which goods come back.
    fn put_back(&mut self, returned: &Returned) {
        let after = Arc::new(returned.origin.after(returned));
        if let Some(journal) = &mut self.journal {
            journal.origin = Some(Arc::clone(&after));
        }
        self.origins.insert(after.id.clone(), after);
    }

    fn give_back(&mut self, order: u64, now: Instant, returned: &Returned) {
        let program = Arc::clone(&self.program);
        let origin = &returned.origin;
        let then = origin.now();
        for correction in &returned.corrections {
            let Some(owner) = &correction.owner else { continue };
            let lots = &mut self.members.entry(owner.clone()).or_default().lots;
            let lots = lots.entry(correction.account).or_default();
            let moved = correction.apply(&program, &self.zone, origin.order, (then, now.at), lots);
            if let Some(journal) = &mut self.journal {
                journal.movements.push(Movement {
                    member: owner.clone(),
                    account: correction.account,
                    rule: correction.rule,
                    moved: Moved::Corrected { debit: correction.debit, steps: moved.steps },
                });
            }
        }
        for claim in &returned.claims {
            let Some(counter) = program.counters.get(claim.counter.index()) else { continue };
            let key = match counter.per {
                CounterKey::Campaign => None,
                CounterKey::Member => origin.member.clone(),
                CounterKey::Inviter(slot) => origin.other(slot).map(Box::from),
            };
            let claims = self.claims.entry((claim.counter, key)).or_default();
            claims.push(KeptClaim { order, at: then.at, local: then.local(), amount: claim.amount });
        }
        self.instruments.take_back(origin.order, origin.member.as_deref(), &returned.undone);
    }

    /// Keeps an event for the goods that may come back of it, with what the member had before.
    fn keep_origin(&mut self, schema: &Schema, reader: &Reader, event: &ReadEvent, decision: &Decision) {
        let program = Arc::clone(&self.program);
        let kind = event.record.kind;
        if !program.returns || program.is_return(kind) || self.origins.contains_key(event.id()) {
            return;
        }
        if event.line_count() == 0 && event.heard.is_none() {
            return;
        }
        let mut origin = Origin::of(&program, (schema, reader), (event, &self.others), decision, self.order);
        if let Some(member) = event.member() {
            let now = now(&event.record);
            let levels = program.instruments.tiers.iter().zip(&self.levels);
            let before = |(tiers, levels): (&perq_compiler::ir::Tiers, &Levels)| {
                let said = event.record.event.get(tiers.slot.index()).copied().unwrap_or(0).max(0);
                let standing = levels.of(member);
                standing.map_or((said, None), |standing| (standing.level, standing.until))
            };
            origin.levels = levels.map(before).collect();
            let held = |account: AccountId| {
                let lots = self.lots(member, account);
                Held { balance: self.can_spend(&lots, now.at), ..Held::of(account, &lots, now.at) }
            };
            origin.held = self.debited.iter().copied().map(held).collect();
        }
        let id = match &event.heard {
            None => {
                self.origins.insert(event.id().into(), Arc::new(origin));
                event.id()
            }
            Some((of, change)) => {
                // What was reached with the event and not at a review is what its goods have brought about.
                let is_risen = change.to > change.from && !change.review && !origin.gave_nothing();
                let Some(whole) = self.origins.get_mut(of).filter(|_| is_risen) else { return };
                let TierChange { tiers, from, to, .. } = *change;
                Arc::make_mut(whole).risen.push(Risen { tiers, from, to, heard: origin });
                of
            }
        };
        self.note_origin(id);
    }

    fn note_origin(&mut self, id: &str) {
        if let Some(journal) = &mut self.journal {
            journal.origin = self.origins.get(id).map(Arc::clone);
        }
    }

    /// Says of an event that was just kept that it was not decided here: nothing is known of what it gave.
    pub fn undecided(&mut self, id: &str) {
        if let Some(origin) = self.origins.get_mut(id) {
            Arc::make_mut(origin).decided = false;
        }
    }

    /// The rows of a table that speak of the past.
    fn rows(
        &self,
        table: &RowTable,
        sight: Sight,
        member: Option<&Member>,
        encode: &mut dyn FnMut(&KeptValue, &mut Record) -> i64,
        record: &mut Record,
    ) -> Vec<i64> {
        let mut slots = Vec::new();
        let (history, of_lines) = match &table.source {
            RowSource::List { .. } => return slots,
            RowSource::Earlier(history) => (history, false),
            RowSource::EarlierLines(history) => (history, true),
        };
        for kept in member.map_or(&[][..], |member| &member.events) {
            if kept.order >= sight.before || !is_in(history, kept, sight.now) {
                continue;
            }
            let lines = if of_lines { kept.lines.as_slice() } else { &[] };
            if !of_lines {
                self.row((table, sight), kept, None, encode, record, &mut slots);
            }
            for (row, line) in lines.iter().enumerate() {
                self.row((table, sight), kept, Some((row, line)), encode, record, &mut slots);
            }
        }
        slots
    }

    fn row(
        &self,
        (table, sight): (&RowTable, Sight),
        kept: &Kept,
        line: Option<(usize, &KeptLine)>,
        encode: &mut dyn FnMut(&KeptValue, &mut Record) -> i64,
        record: &mut Record,
        out: &mut Vec<i64>,
    ) {
        if table.columns.is_empty() {
            out.push(MISSING);
        }
        for column in &table.columns {
            let value = match column {
                Column::Event(slot) => {
                    let at = self.event_slots.binary_search(slot).ok();
                    at.and_then(|at| kept.slots.get(at)).map_or(MISSING, |value| encode(value, record))
                }
                Column::Line(slot) => {
                    let at = self.line_slots.binary_search(slot).ok();
                    let value = at.zip(line).and_then(|(at, (_, line))| line.slots.get(at));
                    value.map_or(MISSING, |value| encode(value, record))
                }
                Column::LocalAt => kept.now.local(),
                Column::PaidNet => {
                    let paid = line.map_or(kept.paid, |(_, line)| line.paid);
                    paid.saturating_sub(self.came_back(kept, line.map(|(row, _)| row), sight).1)
                }
                Column::Returned => {
                    let (pieces, _) = self.came_back(kept, line.map(|(row, _)| row), sight);
                    let sold = |line: &KeptLine| line.pieces.max(0);
                    let bought = match line {
                        Some((_, line)) => sold(line),
                        None => kept.lines.iter().fold(0i64, |sum, line| sum.saturating_add(sold(line))),
                    };
                    i64::from(bought > 0 && pieces >= bought)
                }
                Column::PiecesKept => line.map_or(MISSING, |(row, line)| {
                    line.pieces.saturating_sub(self.came_back(kept, Some(row), sight).0)
                }),
                Column::Field(_) => MISSING,
            };
            out.push(value);
        }
    }
}

/// The event slots that name other members to whom effects give or for whom limits count, ascending.
fn others(program: &Program) -> Vec<SlotId> {
    let given = program.sites.iter().filter_map(|site| site.to);
    let counted = program.counters.iter().filter_map(|counter| match counter.per {
        CounterKey::Inviter(slot) => Some(slot),
        CounterKey::Campaign | CounterKey::Member => None,
    });
    let others: BTreeSet<SlotId> = given.chain(counted).collect();
    others.into_iter().collect()
}

/// What comes back with an event at a place.
fn backs(order: u64, now: Instant, returned: &Returned) -> impl Iterator<Item = Back> {
    returned.lines.iter().map(move |line| Back {
        order,
        at: now.at,
        row: line.of as usize,
        pieces: line.pieces,
        paid: line.refund.paid,
    })
}

/// Whether a history holds an event, seen from an instant.
fn is_in(history: &History, kept: &Kept, now: Instant) -> bool {
    let near = history.days.is_none_or(|days| kept.now.date >= now.date.saturating_sub(i64::from(days)));
    near && kept.now.at <= now.at && history.events.binary_search(&kept.kind).is_ok()
}

/// A slot's value as it is kept.
fn keep_value(
    schema: &Schema,
    reader: &Reader,
    record: &Record,
    slot: Option<&Slot>,
    value: i64,
) -> KeptValue {
    let name =
        |kind: KindId, number: u32| reader.symbol_name(schema, kind.index(), number).map(Box::<str>::from);
    match slot.map(|slot| slot.ty) {
        _ if value == MISSING => KeptValue::Number(MISSING),
        Some(SlotType::Symbol(kind)) => {
            let name = u32::try_from(value).ok().and_then(|number| name(kind, number));
            name.map_or(KeptValue::Number(MISSING), |name| KeptValue::Name(kind, name))
        }
        Some(SlotType::Set(kind)) => {
            let symbols = record.symbols.get(crate::catalogue::bind::set_range(value)).unwrap_or(&[]);
            KeptValue::Names(kind, symbols.iter().filter_map(|number| name(kind, *number)).collect())
        }
        Some(
            SlotType::Bool
            | SlotType::Money { .. }
            | SlotType::Points(_)
            | SlotType::Percent
            | SlotType::Count
            | SlotType::Number { .. }
            | SlotType::Date
            | SlotType::Time
            | SlotType::Instant
            | SlotType::Enum(_),
        )
        | None => KeptValue::Number(value),
    }
}

impl State for Memory {
    fn see<'s>(
        &'s self,
        schema: &Schema,
        reader: &mut Reader,
        event: &mut ReadEvent,
    ) -> Box<dyn Claimed + 's> {
        let now = now(&event.record);
        let sight = Sight { now, before: u64::MAX };
        let member = event.member().map(Box::<str>::from);
        self.fill(schema, reader, sight, member.as_deref(), &mut event.record);
        let program: &Program = &self.program;
        let mut record = std::mem::take(&mut event.record);
        for read in &program.reads {
            let value = match read.read {
                StateRead::Balance(account) => match event.member() {
                    None => MISSING,
                    Some(member) => self.balance(member, account, now.at),
                },
                StateRead::Coupon(_)
                | StateRead::Badge(_)
                | StateRead::Refund
                | StateRead::BoughtOn
                | StateRead::Missing(_)
                | StateRead::After(_)
                | StateRead::Last(_)
                | StateRead::Until(_)
                | StateRead::Anniversary(_) => continue,
            };
            if let Some(slot) = record.event.get_mut(read.slot.index()) {
                *slot = value;
            }
        }
        event.record = record;
        self.instruments.see(program, schema, reader, event);
        for (tiers, levels) in program.instruments.tiers.iter().zip(&self.levels) {
            if let Some(standing) = event.member().and_then(|member| levels.of(member))
                && let Some(slot) = event.record.event.get_mut(tiers.slot.index())
            {
                *slot = standing.level;
            }
        }
        let inviters = program.counters.iter().filter_map(|counter| match counter.per {
            CounterKey::Inviter(slot) => Some((slot, event.other(slot)?.into())),
            CounterKey::Campaign | CounterKey::Member => None,
        });
        let inviters = inviters.collect();
        Box::new(Seen { memory: self, sight, member, inviters, held: None })
    }

    fn origin(&self, id: &str) -> Option<Arc<Origin>> {
        self.origins.get(id).map(Arc::clone)
    }

    fn then<'s>(
        &'s self,
        schema: &Schema,
        reader: &mut Reader,
        origin: &Origin,
        record: &mut Record,
    ) -> Box<dyn Claimed + 's> {
        let sight = Sight { now: origin.now(), before: origin.order };
        self.fill(schema, reader, sight, origin.member.as_deref(), record);
        let (member, inviters) = (origin.member.clone(), origin.others.clone());
        Box::new(Seen { memory: self, sight, member, inviters, held: Some(origin.held.clone()) })
    }

    fn lots(&self, member: &str, account: AccountId) -> Lots {
        let lots = self.members.get(member).and_then(|member| member.lots.get(&account));
        lots.cloned().unwrap_or_default()
    }

    fn undo_level(
        &mut self,
        tiers: u32,
        origin: &Origin,
        now: Instant,
        reached: Option<i64>,
    ) -> Option<TierChange> {
        let at = usize::try_from(tiers).ok()?;
        let before = origin.levels.get(at).copied();
        let change = self.levels.get_mut(at)?.undo(origin.member.as_deref()?, before, now, reached)?;
        Some(TierChange { tiers, ..change })
    }

    fn keep(&mut self, schema: &Schema, reader: &Reader, event: &ReadEvent, decision: &Decision) {
        let is_refused = decision.refused.is_some() || returns::is_refused(event);
        if !is_refused {
            self.keep_origin(schema, reader, event, decision);
        }
        let order = self.order;
        // What an event raises has its own place, also where the event itself is refused.
        self.order = order.saturating_add(1);
        if is_refused {
            return;
        }
        let record = &event.record;
        let now = now(record);
        if let Some(Ok(returned)) = &event.returned {
            self.goods_back(order, now, returned);
        }
        let program = Arc::clone(&self.program);
        for claim in &decision.claims {
            let Some(counter) = program.counters.get(claim.counter.index()) else { continue };
            let key = match counter.per {
                CounterKey::Campaign => None,
                CounterKey::Member => event.member().map(Box::from),
                CounterKey::Inviter(slot) => event.other(slot).map(Box::from),
            };
            let claims = self.claims.entry((claim.counter, key)).or_default();
            claims.push(KeptClaim { order, at: now.at, local: now.local(), amount: claim.amount });
        }
        // What was taken was there before the event gave anything.
        let by_condition = !program.spendables.is_empty();
        for effect in decision.effects.iter().filter(|effect| effect.debit && !by_condition) {
            if let (Some(account), Some(member)) = (effect.account, event.member()) {
                let lots = &mut self.members.entry(member.into()).or_default().lots;
                let spent = lots.entry(account).or_default().spend_of(now.at, order, effect.amount, None);
                if let Some(journal) = &mut self.journal {
                    journal.movements.push(Movement {
                        member: member.into(),
                        account,
                        rule: effect.rule,
                        moved: Moved::Spent(spent),
                    });
                }
            }
        }
        for spent in &decision.spent {
            let Some(member) = event.member() else { continue };
            let lots = &mut self.members.entry(member.into()).or_default().lots;
            let lots = lots.entry(spent.account).or_default();
            let taken = lots.spend_of(now.at, order, spent.amount, spent.condition);
            let debit = decision.effects.iter().find(|one| one.debit && one.account == Some(spent.account));
            if let Some(journal) = &mut self.journal {
                journal.movements.push(Movement {
                    member: member.into(),
                    account: spent.account,
                    rule: debit.map(|debit| debit.rule).unwrap_or_default(),
                    moved: Moved::Spent(taken),
                });
            }
        }
        self.instruments.keep(&program, order, event, decision);
        for effect in &decision.effects {
            let to = program.sites.get(effect.site.index()).and_then(|site| site.to);
            let owner = to.map_or_else(|| event.member(), |slot| event.other(slot));
            let life = life_of(&program, effect.site).filter(|(_, life)| !life.spent_at_once);
            let (Some((id, life)), Some(owner)) = (life, owner) else { continue };
            let Some(account) = program.accounts.get(id.index()) else { continue };
            let lots = &mut self.members.entry(owner.into()).or_default().lots;
            let lots = lots.entry(id).or_default();
            for portion in portions(&self.zone, program.week_starts, account, life, now, effect.amount) {
                let by = By { event: order, site: effect.site };
                let paid = lots.issue(now.at, by, portion, life.spendable);
                if let Some(journal) = &mut self.journal {
                    let Portion { amount, from, until } = portion;
                    let (issued, condition) = (now.at, life.spendable);
                    let lot = Lot { issued, by, from, until, amount, left: amount, condition };
                    journal.movements.push(Movement {
                        member: owner.into(),
                        account: id,
                        rule: effect.rule,
                        moved: Moved::Issued { lot, paid },
                    });
                }
            }
        }
        if let Some(reaction) = decision.answered {
            self.learn(reaction, now);
        }
        let Some(member) = event.member() else { return };
        for (tiers, levels) in program.instruments.tiers.iter().zip(&mut self.levels) {
            let level = record.event.get(tiers.slot.index()).copied().unwrap_or(0).max(0);
            levels.meet(member, level, now);
            for change in decision.changes.iter().filter(|change| change.slot == tiers.slot) {
                levels.place(member, change.value, change.until, now);
            }
        }
        if !self.has_history && self.journal.is_none() {
            return;
        }
        let lines: Vec<i64> = decision.lines.iter().map(|line| line.paid).collect();
        let kept = Kept { order, ..self.kept(schema, reader, event, decision.totals.paid, &lines) };
        if let Some(journal) = &mut self.journal {
            let mut past = past::Past::of(&self.program, &self.event_slots, &self.line_slots, &kept);
            past.raised = order.saturating_sub(self.begun);
            if let Some(Ok(returned)) = &event.returned {
                past.brings_back(returned.origin.order, backs(order, now, returned));
            }
            journal.past.push(past.write());
        }
        self.remember(member, kept);
    }

    fn due(&self, tiers: u32, event: &ReadEvent) -> Vec<i64> {
        let at = usize::try_from(tiers).unwrap_or(usize::MAX);
        let declared = self.program.instruments.tiers.get(at).zip(self.levels.get(at));
        let (Some((tiers, levels)), Some(member)) = (declared, event.member()) else { return Vec::new() };
        levels.due(tiers, member, now(&event.record), self.program.week_starts)
    }

    fn review(
        &mut self,
        tiers: u32,
        member: &str,
        now: Instant,
        review: bool,
        found: (Option<i64>, Option<i64>),
    ) -> Option<TierChange> {
        let at = usize::try_from(tiers).ok()?;
        let (declared, levels) = (self.program.instruments.tiers.get(at)?, self.levels.get_mut(at)?);
        let change = levels.review(declared, member, now, review, found)?;
        Some(TierChange { tiers, ..change })
    }

    fn has_badge(&self, member: &str, badge: u32) -> bool {
        self.instruments.has_badge(member, badge)
    }

    fn give_badge(&mut self, event: &ReadEvent, badge: u32) {
        let Some(member) = event.member() else { return };
        // Of the event that was just kept.
        let order = self.order.saturating_sub(1);
        self.instruments.give_badge(member, badge, order);
        let origin = self.origins.get_mut(event.id()).filter(|origin| origin.order == order);
        if let Some(origin) = origin {
            Arc::make_mut(origin).beside.gave.push(Gave {
                site: None,
                instrument: InstrumentId::Badge(badge),
                code: None,
                value: 1,
                owner: Some(member.into()),
                expires: None,
            });
            self.note_origin(event.id());
        }
    }

    fn coupon_uses(&self, code: &str) -> u32 {
        self.instruments.coupon_uses(code)
    }

    fn take_back(&mut self, event: &ReadEvent) {
        let Some(Ok(returned)) = &event.returned else { return };
        let (order, now) = (self.order.saturating_sub(1), now(&event.record));
        let origin = &returned.origin;
        // The rest was taken back when the event was kept.
        let withdrawn = returned.undone.withdrawn.iter().filter(|one| one.gave.site.is_none());
        let badges = Undone { withdrawn: withdrawn.cloned().collect(), ..Undone::default() };
        self.instruments.take_back(origin.order, origin.member.as_deref(), &badges);
        for fallen in &returned.fallen {
            self.give_back(order, now, &fallen.heard);
        }
        self.put_back(returned);
    }
}

/// What one event sees of the claims before it.
struct Seen<'s> {
    memory: &'s Memory,
    sight: Sight,
    member: Option<Box<str>>,
    inviters: Vec<(SlotId, Box<str>)>,
    /// What the member held then, where it is seen as it was.
    held: Option<Vec<Held>>,
}

impl Claimed for Seen<'_> {
    fn tallies(&self, offer: u32, kind: Option<i64>) -> Tallies {
        let of = |kind: Option<i64>| self.memory.tallies.get(&(offer, kind)).copied().unwrap_or_default();
        Tallies { all: of(None), kind: kind.map_or_else(Tally::default, |kind| of(Some(kind))) }
    }

    fn balance(&self, account: AccountId) -> Option<i64> {
        let member = self.member.as_deref()?;
        Some(match &self.held {
            None => {
                let lots = self.memory.members.get(member).and_then(|member| member.lots.get(&account));
                lots.map_or(0, |lots| self.memory.can_spend(lots, self.sight.now.at))
            }
            Some(held) => held.iter().find(|held| held.account == account).map_or(0, |held| held.balance),
        })
    }

    fn purse(&self, account: AccountId) -> Vec<(Option<u32>, i64)> {
        if let Some(held) = &self.held {
            let held = held.iter().find(|held| held.account == account);
            return held.map_or_else(Vec::new, |held| held.purse.clone());
        }
        let member = self.member.as_deref().and_then(|member| self.memory.members.get(member));
        let lots = member.and_then(|member| member.lots.get(&account));
        lots.map_or_else(Vec::new, |lots| lots.purse(self.sight.now.at))
    }

    fn claimed(&self, id: CounterId) -> i64 {
        let Some(counter) = self.memory.program.counters.get(id.index()) else { return 0 };
        let key = match counter.per {
            CounterKey::Campaign => Some(None),
            CounterKey::Member => self.member.clone().map(Some),
            CounterKey::Inviter(slot) => {
                self.inviters.iter().find(|(of, _)| *of == slot).map(|(_, name)| Some(name.clone()))
            }
        };
        // Nobody to count for: nothing is left to give.
        let Some(key) = key else { return i64::MAX };
        let Some(claims) = self.memory.claims.get(&(id, key)) else { return 0 };
        let stretch = limited(counter.window, self.sight.now, self.memory.program.week_starts);
        let of = |claim: &KeptClaim| if is_universal(counter.window) { claim.at } else { claim.local };
        claims
            .iter()
            .filter(|claim| claim.order < self.sight.before)
            .filter(|claim| of(claim) > stretch.after && of(claim) <= stretch.last)
            .fold(0i64, |sum, claim| sum.saturating_add(claim.amount))
    }
}
