//! State in memory: for tests, replays and simulations. Refuses to know files and crashes.

use super::instruments::Instruments;
use super::life::{Portion, life_of, portions};
use super::lots::{Lots, Spent};
use super::past;
use super::tiers::{Levels, Standing};
use super::{State, now};
use crate::clock::Zone;
use crate::record::{ReadEvent, Reader, Schema};
use perq_compiler::calendar::{Instant, is_universal, limited};
use perq_compiler::evaluate::{Claimed, Decision, Record, TableRows, TierChange};
use perq_compiler::ir::{
    AccountId, Column, CounterId, CounterKey, EventId, History, KindId, MISSING, Program, RowSource,
    RowTable, RuleId, Slot, SlotId, SlotType, StateRead, Verified, line_slot,
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
    members: BTreeMap<Box<str>, Member>,
    /// What was claimed, by who for.
    claims: BTreeMap<(CounterId, Option<Box<str>>), Vec<KeptClaim>>,
    instruments: Instruments,
    levels: Levels,
    /// What the last event moved, where somebody books it.
    journal: Option<Journal>,
}

/// A claim that was kept.
#[derive(Clone, Copy, Debug)]
struct KeptClaim {
    at: i64,
    local: i64,
    amount: i64,
}

/// What one event moved, as far as lots and histories are concerned; what else it changes stands in its decision.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// In order.
    pub movements: Vec<Movement>,
    /// What histories repeat of the event, as text that means the same to every pack.
    pub past: Option<String>,
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
        /// The lot.
        portion: Portion,
        /// What was owed.
        paid: i64,
    },
    /// Taken.
    Spent(Spent),
}

#[derive(Debug, Default)]
struct Member {
    /// By instant, then in the order in which they were decided.
    events: Vec<Kept>,
    lots: BTreeMap<AccountId, Lots>,
}

/// An event that was decided.
#[derive(Clone, Debug)]
pub(super) struct Kept {
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

/// A slot's value that means the same to every record: names are kept as they are written, since each record and each
/// catalogue numbers them anew.
#[derive(Clone, Debug)]
pub(super) enum KeptValue {
    Number(i64),
    Name(KindId, Box<str>),
    Names(KindId, Vec<Box<str>>),
}

impl Memory {
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
        Memory {
            // Readers refuse programs of zones that are not known.
            zone: Zone::named(&program.zone).unwrap_or_else(Zone::universal),
            instruments: Instruments::new(&program),
            levels: Levels::default(),
            journal: None,
            program,
            event_slots: event_slots.into_iter().collect(),
            line_slots: line_slots.into_iter().collect(),
            members: BTreeMap::new(),
            claims: BTreeMap::new(),
        }
    }

    /// What a member can spend of an account at an instant.
    pub fn balance(&self, member: &str, account: AccountId, at: i64) -> i64 {
        let lots = self.members.get(member).and_then(|member| member.lots.get(&account));
        lots.map_or(0, |lots| lots.balance(at))
    }

    /// Coupons, certificates and badges.
    pub fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// A member's level, where the member has been seen.
    pub fn level(&self, member: &str) -> Option<Standing> {
        self.levels.of(member)
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
    pub fn lots(&self, member: &str, account: AccountId) -> Option<&Lots> {
        self.members.get(member)?.lots.get(&account)
    }

    /// Takes over lots that were kept elsewhere.
    pub fn restore_lots(&mut self, member: &str, account: AccountId, lots: Lots) {
        self.members.entry(member.into()).or_default().lots.insert(account, lots);
    }

    /// Takes over a claim that was kept elsewhere: its instant on the universal and on the local clock.
    pub fn restore_claim(&mut self, id: CounterId, key: Option<&str>, (at, local): (i64, i64), amount: i64) {
        let claims = self.claims.entry((id, key.map(Box::from))).or_default();
        claims.push(KeptClaim { at, local, amount });
    }

    /// Takes over a level that was kept elsewhere.
    pub fn restore_level(&mut self, member: &str, standing: Standing) {
        self.levels.restore(member, standing);
    }

    /// Coupons, badges and fields, to take over what was kept elsewhere.
    pub fn instruments_mut(&mut self) -> &mut Instruments {
        &mut self.instruments
    }

    /// Takes over an earlier event as [`Journal::past`] wrote it. False where it lacks something that this program looks
    /// back at: then the event is to be read again, and [`Self::restore_event`] takes it over.
    pub fn restore_past(&mut self, member: &str, text: &str) -> bool {
        let Some(kept) = past::read(&self.program, &self.event_slots, &self.line_slots, text) else {
            return false;
        };
        self.remember(member, kept);
        true
    }

    /// Takes over an earlier event that was read again, with what was paid for it, and for each line.
    pub fn restore_event(
        &mut self,
        schema: &Schema,
        reader: &Reader,
        event: &ReadEvent,
        paid: i64,
        lines: &[i64],
    ) {
        if let Some(member) = event.member() {
            let kept = self.kept(schema, reader, event, paid, lines);
            self.remember(member, kept);
        }
    }

    fn remember(&mut self, member: &str, kept: Kept) {
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
            kind: record.kind,
            now: now(record),
            lines: lines.collect(),
            slots: keep(&self.event_slots, &layout.event, &record.event),
            paid,
        }
    }

    fn member(&self, event: &ReadEvent) -> Option<&Member> {
        self.members.get(event.member()?)
    }

    /// The rows of a table that speak of the past.
    fn rows(
        &self,
        table: &RowTable,
        now: Instant,
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
            if !is_in(history, kept, now) {
                continue;
            }
            let lines = if of_lines { kept.lines.as_slice() } else { &[] };
            if !of_lines {
                self.row(table, kept, None, encode, record, &mut slots);
            }
            for line in lines {
                self.row(table, kept, Some(line), encode, record, &mut slots);
            }
        }
        slots
    }

    fn row(
        &self,
        table: &RowTable,
        kept: &Kept,
        line: Option<&KeptLine>,
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
                    let value = at.zip(line).and_then(|(at, line)| line.slots.get(at));
                    value.map_or(MISSING, |value| encode(value, record))
                }
                Column::LocalAt => kept.now.local(),
                Column::PaidNet => line.map_or(kept.paid, |line| line.paid),
                Column::Returned => 0,
                Column::PiecesKept => line.map_or(MISSING, |line| line.pieces),
                Column::Field(_) => MISSING,
            };
            out.push(value);
        }
    }
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
        let member = self.member(event);
        let mut record = std::mem::take(&mut event.record);
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
            let slots = self.rows(table, now, member, &mut encode, &mut record);
            if let Some(rows) = record.tables.get_mut(at) {
                *rows = TableRows { width: table.columns.len().max(1), slots };
            }
        }
        for read in &program.reads {
            let value = match read.read {
                StateRead::Balance(account) => match event.member() {
                    None => MISSING,
                    Some(member) => self.balance(member, account, now.at),
                },
                StateRead::Coupon(_)
                | StateRead::Badge(_)
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
        if let Some(tiers) = &program.instruments.tiers
            && let Some(standing) = event.member().and_then(|member| self.levels.of(member))
            && let Some(slot) = event.record.event.get_mut(tiers.slot.index())
        {
            *slot = standing.level;
        }
        let inviters = program.counters.iter().filter_map(|counter| match counter.per {
            CounterKey::Inviter(slot) => Some((slot, event.other(slot)?.into())),
            CounterKey::Campaign | CounterKey::Member => None,
        });
        let inviters = inviters.collect();
        Box::new(Seen { memory: self, now, member: event.member().map(Box::from), inviters })
    }

    fn keep(&mut self, schema: &Schema, reader: &Reader, event: &ReadEvent, decision: &Decision) {
        let mut journal = self.journal.is_some().then(Journal::default);
        if decision.refused.is_some() {
            self.journal = journal;
            return;
        }
        let record = &event.record;
        let now = now(record);
        let program = Arc::clone(&self.program);
        for claim in &decision.claims {
            let Some(counter) = program.counters.get(claim.counter.index()) else { continue };
            let key = match counter.per {
                CounterKey::Campaign => None,
                CounterKey::Member => event.member().map(Box::from),
                CounterKey::Inviter(slot) => event.other(slot).map(Box::from),
            };
            let claims = self.claims.entry((claim.counter, key)).or_default();
            claims.push(KeptClaim { at: now.at, local: now.local(), amount: claim.amount });
        }
        // What was taken was there before the event gave anything.
        for effect in decision.effects.iter().filter(|effect| effect.debit) {
            if let (Some(account), Some(member)) = (effect.account, event.member()) {
                let lots = &mut self.members.entry(member.into()).or_default().lots;
                let spent = lots.entry(account).or_default().spend(now.at, effect.amount);
                if let Some(journal) = &mut journal {
                    journal.movements.push(Movement {
                        member: member.into(),
                        account,
                        rule: effect.rule,
                        moved: Moved::Spent(spent),
                    });
                }
            }
        }
        self.instruments.keep(&program, event, decision);
        for effect in &decision.effects {
            let to = program.sites.get(effect.site.index()).and_then(|site| site.to);
            let owner = to.map_or_else(|| event.member(), |slot| event.other(slot));
            let life = life_of(&program, effect.site).filter(|(_, life)| !life.spent_at_once);
            let (Some((id, life)), Some(owner)) = (life, owner) else { continue };
            let Some(account) = program.accounts.get(id.index()) else { continue };
            let lots = &mut self.members.entry(owner.into()).or_default().lots;
            let lots = lots.entry(id).or_default();
            for portion in portions(&self.zone, program.week_starts, account, life, now, effect.amount) {
                let paid = lots.issue(now.at, portion);
                if let Some(journal) = &mut journal {
                    journal.movements.push(Movement {
                        member: owner.into(),
                        account: id,
                        rule: effect.rule,
                        moved: Moved::Issued { portion, paid },
                    });
                }
            }
        }
        let Some(member) = event.member() else {
            self.journal = journal;
            return;
        };
        if let Some(tiers) = &program.instruments.tiers {
            let level = record.event.get(tiers.slot.index()).copied().unwrap_or(0).max(0);
            self.levels.meet(member, level, now);
            for change in decision.changes.iter().filter(|change| change.slot == tiers.slot) {
                self.levels.place(member, change.value, change.until, now);
            }
        }
        let lines: Vec<i64> = decision.lines.iter().map(|line| line.paid).collect();
        let kept = self.kept(schema, reader, event, decision.totals.paid, &lines);
        if let Some(journal) = &mut journal {
            journal.past = Some(past::write(&self.program, &self.event_slots, &self.line_slots, &kept));
        }
        self.journal = journal;
        self.remember(member, kept);
    }

    fn due(&self, event: &ReadEvent) -> Vec<i64> {
        let (Some(tiers), Some(member)) = (&self.program.instruments.tiers, event.member()) else {
            return Vec::new();
        };
        self.levels.due(tiers, member, now(&event.record), self.program.week_starts)
    }

    fn review(
        &mut self,
        member: &str,
        now: Instant,
        review: bool,
        found: (Option<i64>, Option<i64>),
    ) -> Option<TierChange> {
        let tiers = self.program.instruments.tiers.as_ref()?;
        self.levels.review(tiers, member, now, review, found)
    }

    fn has_badge(&self, member: &str, badge: u32) -> bool {
        self.instruments.has_badge(member, badge)
    }

    fn give_badge(&mut self, member: &str, badge: u32) {
        self.instruments.give_badge(member, badge);
    }
}

/// What one event sees of the claims before it.
struct Seen<'s> {
    memory: &'s Memory,
    now: Instant,
    member: Option<Box<str>>,
    inviters: Vec<(SlotId, Box<str>)>,
}

impl Claimed for Seen<'_> {
    fn balance(&self, account: AccountId) -> Option<i64> {
        Some(self.memory.balance(self.member.as_deref()?, account, self.now.at))
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
        let stretch = limited(counter.window, self.now, self.memory.program.week_starts);
        let of = |claim: &KeptClaim| if is_universal(counter.window) { claim.at } else { claim.local };
        claims
            .iter()
            .filter(|claim| of(claim) > stretch.after && of(claim) <= stretch.last)
            .fold(0i64, |sum, claim| sum.saturating_add(claim.amount))
    }
}
