//! What is done at an instant that is given, without that anybody has sent an event: levels are reviewed whose review is
//! due, and events that were decided while members waited are decided once more in the batch run. Each job can be begun
//! again where it was interrupted, and does nothing twice.
//!
//! Time is given, never the clock's. Refuses to know what levels and rules mean.

use crate::desk::now;
use crate::ledger::{Answered, Ledger, OWN, Refusal};
use crate::store::{Datum, StoreError};
use perq_compiler::calendar::Instant;
use perq_compiler::ir::{EventId, Inst, Program, SlotId, Space, Tiers};
use perq_runtime::clock::instant_text;
use perq_runtime::record::{ReadEvent, Reader};
use perq_runtime::state::tiers::{Levels, Standing};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// The kind, and the source, of the event with which a member's levels are reviewed.
pub const REVIEW: &str = "perq:review";

/// How the source of events in their batch run begins; behind it comes the source that sent them.
pub const BATCH: &str = "perq:batch";

/// Whether a source is that of events in their batch run.
pub fn is_batch(source: &str) -> bool {
    source.strip_prefix(BATCH).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Members or events that are looked at together.
const TOGETHER: usize = 256;

/// What a job has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Members, or events.
    pub done: u64,
    /// Those for which it was done before.
    pub before: u64,
    /// Those for which it could not be done.
    pub refused: Vec<Refusal>,
}

impl Ran {
    fn add(&mut self, answers: Vec<Answered>) {
        for answer in answers {
            match answer {
                Ok(answer) if answer.repeated => self.before = self.before.saturating_add(1),
                Ok(_) => self.done = self.done.saturating_add(1),
                Err(refusal) => self.refused.push(refusal),
            }
        }
    }
}

impl Ledger {
    /// Makes the reviews of levels that are due by an instant, for every member: what the member's next event would find, and
    /// as of the same days. Gives how many members it has looked at.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or levels look at events only that nobody can make up.
    pub fn review(&self, until: i64) -> Result<Ran, StoreError> {
        let engine = self.engine();
        let program = engine.program();
        let mut left: Vec<&Tiers> =
            program.instruments.tiers.iter().filter(|tiers| tiers.review.is_some()).collect();
        let mut ran = Ran::default();
        while let Some(first) = left.first() {
            // The kind at which most of them look, so that a member is looked at once.
            let many = |kind: &EventId| left.iter().filter(|tiers| tiers.events.contains(kind)).count();
            let plain =
                |kind: &&EventId| program.events.get(kind.index()).is_some_and(|kind| kind.needs.is_empty());
            let kinds = first.events.iter().filter(plain);
            let Some(kind) = kinds.max_by_key(|kind| (many(kind), std::cmp::Reverse(**kind))).copied() else {
                return Err(StoreError::Unfit(format!(
                    "the levels `{}` look at events only that need more than a member and an instant",
                    first.name
                )));
            };
            let (now_on, later) =
                left.iter().partition::<Vec<&Tiers>, _>(|tiers| tiers.events.contains(&kind));
            self.review_by(program, kind, &now_on, until, &mut ran)?;
            left = later;
        }
        Ok(ran)
    }

    fn review_by(
        &self,
        program: &Program,
        kind: EventId,
        tiers: &[&Tiers],
        until: i64,
        ran: &mut Ran,
    ) -> Result<(), StoreError> {
        let engine = self.engine();
        let kind = program.events.get(kind.index()).map_or("", |kind| kind.name.as_str());
        let at = instant_text(until);
        let record = |member: &str| {
            let id = format!("{at} {kind} {member}");
            serde_json::json!({ "id": id, "kind": kind, "at": at, "member": member }).to_string()
        };
        let (mut reader, mut event) = (Reader::new(), ReadEvent::default());
        reader
            .read(engine.schema(), record("somebody").as_bytes(), &mut event)
            .map_err(|error| StoreError::Unfit(format!("a review cannot be asked for: {error}")))?;
        let until = now(&event);
        let mut last = String::new();
        loop {
            let rows = self.query(
                &format!(
                    "SELECT member, tiers, reviewed FROM level WHERE member > $1 AND member <= \
                     (SELECT max(member) FROM (SELECT DISTINCT member FROM level WHERE member > $1 \
                     ORDER BY member LIMIT {TOGETHER}) next) ORDER BY member"
                ),
                &[Datum::Text(last)],
            )?;
            let Some(next) = rows.last().and_then(|row| row.first()) else { return Ok(()) };
            last = next.text().to_owned();
            let mut due = BTreeSet::new();
            for row in &rows {
                let [member, name, reviewed] = row.as_slice() else { continue };
                let of = tiers.iter().find(|tiers| tiers.name == name.text());
                if of.is_some_and(|tiers| is_due(program, tiers, until, reviewed.number())) {
                    due.insert(member.text());
                }
            }
            let records: Vec<String> = due.into_iter().map(record).collect();
            ran.add(self.review_all(&records));
        }
    }

    /// Decides events once more in the batch run, up to an instant: those that were kept, of kinds that rules with `process`
    /// hear. What they pay with and present is left out, since that is over.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or a rule that hears such an event would be asked in both runs.
    pub fn run_batch(&self, until: i64) -> Result<Ran, StoreError> {
        let engine = self.engine();
        let program = engine.program();
        let mut ran = Ran::default();
        let kinds = batch_kinds(program)?;
        if kinds.is_empty() {
            return Ok(ran);
        }
        let source = self.source();
        let batch = if source.is_empty() { BATCH.to_owned() } else { format!("{BATCH}:{source}") };
        let at = instant_text(until);
        let mut last = 0;
        loop {
            let rows = self.query(
                &format!(
                    "SELECT e.number, e.kind, e.json FROM event e WHERE e.number > $1 AND e.source = $2 AND e.at <= $3 \
                     AND e.refused = 0 AND NOT EXISTS (SELECT 1 FROM event b WHERE b.id = e.id AND b.source = $4) \
                     ORDER BY e.number LIMIT {TOGETHER}"
                ),
                &[
                    Datum::Number(last),
                    Datum::Text(source.clone()),
                    Datum::Number(until),
                    Datum::Text(batch.clone()),
                ],
            )?;
            let Some(next) = rows.last().and_then(|row| row.first()) else { return Ok(ran) };
            last = next.number();
            let mut records = Vec::new();
            for row in &rows {
                let [_, kind, json] = row.as_slice() else { continue };
                if kinds.contains(kind.text()) && !kind.text().starts_with(OWN) {
                    records.push(in_batch(json.text(), &at)?);
                }
            }
            ran.add(self.decide_as(&batch, &records));
        }
    }
}

/// Whether a member whose levels were reviewed up to a second of the local clock is to be reviewed.
fn is_due(program: &Program, tiers: &Tiers, until: Instant, reviewed: i64) -> bool {
    let mut levels = Levels::default();
    levels.restore("", Standing { level: 0, until: None, reviewed });
    !levels.due(tiers, "", until, program.week_starts).is_empty()
}

/// The kinds of events whose batch run can do something, by name.
fn batch_kinds(program: &Program) -> Result<BTreeSet<String>, StoreError> {
    let mut slots = program.layout.event.iter().zip((0u32..).map(SlotId));
    let Some((_, run)) = slots.find(|(slot, _)| slot.name == "event.run") else { return Ok(BTreeSet::new()) };
    let says = |rule: &perq_compiler::ir::Rule| {
        let atoms = rule.atoms.iter().filter_map(|atom| program.atoms.get(atom.index()));
        let mut atoms = atoms.filter(|atom| atom.space == Space::Event);
        let function = program.functions.get(rule.function.index());
        atoms.any(|atom| atom.slot == run)
            || function.is_some_and(|function| function.insts.contains(&Inst::LoadEvent(run)))
    };
    let kinds: BTreeSet<EventId> =
        program.rules.iter().filter(|rule| says(rule)).flat_map(|rule| rule.events.iter().copied()).collect();
    let twice = |rule: &&perq_compiler::ir::Rule| {
        !says(rule) && rule.events.iter().any(|event| kinds.contains(event))
    };
    if let Some(rule) = program.rules.iter().find(twice) {
        return Err(StoreError::Unfit(format!(
            "rule `{}` hears an event in both runs: write `process at_once` or `process in_batch` in it",
            rule.name
        )));
    }
    let names = kinds.iter().filter_map(|kind| program.events.get(kind.index()));
    let mut names: BTreeSet<String> = names.map(|kind| kind.name.clone()).collect();
    // Goods that come back take back what the batch run gave for them, too.
    let back = program.events.iter().zip((0u32..).map(EventId)).filter(|(_, id)| program.is_return(*id));
    names.extend(back.map(|(kind, _)| kind.name.clone()));
    Ok(names)
}

/// A record in its batch run. Its numbers stay as they are written.
fn in_batch(json: &str, at: &str) -> Result<String, StoreError> {
    let damaged = |error: serde_json::Error| {
        StoreError::Damaged(format!("an event that was kept cannot be read: {error}"))
    };
    let raw = |value: &str| serde_json::value::to_raw_value(value).map_err(damaged);
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).map_err(damaged)?;
    for over in ["redeem", "coupons", "reservation"] {
        fields.remove(over);
    }
    fields.insert("run".to_owned(), raw("batch")?);
    fields.insert("processed_at".to_owned(), raw(at)?);
    serde_json::to_string(&fields).map_err(damaged)
}
