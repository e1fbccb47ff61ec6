//! What is looked at beside the rules: reviews that were due before an event, and levels and badges once it has been
//! kept. Refuses to know engines: whoever drives it asks their code.

use super::State;
use crate::record::{ReadEvent, Reader, Schema};
use crate::returns::Returned;
use perq_compiler::calendar::{DAY, Instant};
use perq_compiler::evaluate::{Decision, Issue, Record, TierChange};
use perq_compiler::ir::{EventId, FunctionId, InstrumentId, MISSING, Program, SlotId, event_slot, line_slot};

/// Asks functions that belong to no rule about a record: what each gives, where it gives anything.
pub(crate) type Ask<'a> = dyn FnMut(&mut Record, &[FunctionId]) -> Vec<Option<i64>> + 'a;

/// Makes the reviews that were due before an event.
pub(crate) fn before(
    program: &Program,
    state: &mut dyn State,
    (schema, reader): (&Schema, &mut Reader),
    event: &ReadEvent,
    ask: &mut Ask<'_>,
) -> Vec<TierChange> {
    let mut changes = Vec::new();
    let Some(member) = event.member() else { return changes };
    let mut due: Vec<(i64, u32)> = Vec::new();
    for (tiers, id) in program.instruments.tiers.iter().zip(0u32..) {
        if tiers.events.binary_search(&event.record.kind).is_ok() {
            due.extend(state.due(id, event).into_iter().map(|local| (local, id)));
        }
    }
    due.sort_unstable();
    for (local, id) in due {
        let tiers = usize::try_from(id).ok().and_then(|id| program.instruments.tiers.get(id));
        let (Some(tiers), Some(now)) = (tiers, instant(schema, local)) else { continue };
        let mut then = event.clone();
        set(&mut then.record, now);
        drop(state.see(schema, reader, &mut then));
        let found = ask(&mut then.record, &functions(tiers));
        changes.extend(state.review(id, member, now, true, level(&found)));
    }
    changes
}

/// What goods that come back take from the member that was not given by a rule.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Levels that were reached since, as they are taken back.
    pub levels: Vec<TierChange>,
    /// Badges whose own conditions do not hold for what is left.
    pub badges: Vec<u32>,
}

/// Looks at the member once an event has been kept, and adds to its decision what comes of it.
pub(crate) fn after(
    program: &Program,
    state: &mut dyn State,
    (schema, reader): (&Schema, &mut Reader),
    event: &ReadEvent,
    decision: &mut Decision,
    ask: &mut Ask<'_>,
) -> Lost {
    let mut lost = Lost::default();
    let Some(member) = event.member() else { return lost };
    // An event that is refused has not been.
    let is_refused = decision.refused.is_some() || crate::returns::is_refused(event);
    if is_refused || !program.instruments.has_reviews() {
        return lost;
    }
    let mut then = event.clone();
    settled(&mut then.record, decision);
    drop(state.see(schema, reader, &mut then));
    let now = super::now(&then.record);
    let returned = event.returned.as_ref().and_then(|returned| returned.as_ref().ok());
    let mut asked = Vec::new();
    // Which levels, and where their answers stand.
    let mut rising = Vec::new();
    for (tiers, id) in program.instruments.tiers.iter().zip(0u32..) {
        let is_looked_at = tiers.at_once || returned.is_some();
        if is_looked_at && tiers.events.binary_search(&event.record.kind).is_ok() {
            let start = asked.len();
            asked.extend(functions(tiers));
            rising.push((id, start..asked.len()));
        }
    }
    let of_tiers = asked.len();
    let mut badges = Vec::new();
    for (badge, id) in program.instruments.badges.iter().zip(0u32..) {
        if let Some(review) = &badge.review
            && review.events.binary_search(&event.record.kind).is_ok()
            // What comes back earns nothing.
            && returned.is_none()
            && !state.has_badge(member, id)
        {
            asked.push(review.function);
            badges.push(id);
        }
    }
    let found = if asked.is_empty() { Vec::new() } else { ask(&mut then.record, &asked) };
    for (id, range) in rising {
        let of_level = level(found.get(range).unwrap_or(&[]));
        if let Some(returned) = returned {
            let undone = state.undo_level(id, &returned.origin, now, of_level.0);
            decision.tiers.extend(undone);
            lost.levels.extend(undone);
        }
        decision.tiers.extend(state.review(id, member, now, false, of_level));
    }
    for (badge, found) in badges.into_iter().zip(found.get(of_tiers..).unwrap_or(&[])) {
        if *found == Some(1) {
            state.give_badge(event, badge);
            let instrument = InstrumentId::Badge(badge);
            decision.issues.push(Issue { rule: None, site: None, instrument, number: 1, expires: None });
        }
    }
    if let Some(returned) = returned {
        lost.badges = unearned(program, state, (schema, reader), event, returned, ask);
    }
    lost
}

/// The badges of an event whose conditions do not hold for what is left of it, with all that is known now.
fn unearned(
    program: &Program,
    state: &mut dyn State,
    (schema, reader): (&Schema, &mut Reader),
    event: &ReadEvent,
    returned: &Returned,
    ask: &mut Ask<'_>,
) -> Vec<u32> {
    let conditions = returned.origin.earned().filter_map(|badge| {
        let declared = program.instruments.badges.get(usize::try_from(badge).ok()?)?;
        Some((badge, declared.review.as_ref()?.function))
    });
    let (badges, functions): (Vec<u32>, Vec<FunctionId>) = conditions.unzip();
    if badges.is_empty() {
        return badges;
    }
    let (mut record, kept) = returned.origin.kept(program, schema, reader, &returned.pieces);
    let rows = record.lines.chunks_exact_mut(record.line_width.max(1));
    pay(rows, kept.lines.iter().map(|line| line.paid));
    let paid = kept.lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.paid));
    put(&mut record, event_slot::BASKET_PAID, paid);
    set(&mut record, super::now(&event.record));
    let mut then = event.clone();
    then.record = record;
    drop(state.see(schema, reader, &mut then));
    let found = ask(&mut then.record, &functions);
    badges.into_iter().zip(found).filter(|(_, found)| *found != Some(1)).map(|(badge, _)| badge).collect()
}

/// The kind of event that rules hear of changes of levels.
pub(crate) const CHANGE: &str = "tier_change";

/// An event for each change of level that a decision lists, where rules hear such events. A level that is taken back is
/// none: what rules gave for it is taken back, too.
pub(crate) fn raised(
    program: &Program,
    schema: &Schema,
    event: &ReadEvent,
    changes: &[TierChange],
    lost: &Lost,
) -> Vec<ReadEvent> {
    let kind = program.events.iter().position(|kind| kind.name == CHANGE);
    let Some(kind) = kind.and_then(|kind| u32::try_from(kind).ok()).map(EventId) else { return Vec::new() };
    if !program.rules.iter().any(|rule| rule.events.contains(&kind)) {
        return Vec::new();
    }
    let one = |(change, number): (&TierChange, u64)| {
        let now = instant(schema, change.date.saturating_mul(DAY).saturating_add(change.time))?;
        let id = format!("{}/{CHANGE}-{number}", event.id());
        let mut raised = event.brings_about(schema, program, kind, &id, now)?;
        raised.heard = Some((event.id().into(), *change));
        Some(raised)
    };
    let stands = |(change, _): &(&TierChange, u64)| !lost.levels.contains(change);
    changes.iter().zip(1u64..).filter(stands).filter_map(one).collect()
}

fn functions(tiers: &perq_compiler::ir::Tiers) -> Vec<FunctionId> {
    std::iter::once(tiers.reached).chain(tiers.keep).collect()
}

/// The level that was reached, and how long it is kept.
fn level(found: &[Option<i64>]) -> (Option<i64>, Option<i64>) {
    (found.first().copied().flatten(), found.get(1).copied().flatten())
}

/// A second of the local clock as an instant.
fn instant(schema: &Schema, local: i64) -> Option<Instant> {
    let (date, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let text = format!("{}T{hour:02}:{minute:02}:{second:02}", crate::clock::date_text(date));
    let moment = schema.values.zone.moment(&text)?;
    Some(Instant { at: moment.instant, date, time })
}

/// Moves a record to another time.
fn set(record: &mut Record, now: Instant) {
    let values = [
        (event_slot::AT, now.at),
        (event_slot::DATE, now.date),
        (event_slot::TIME, now.time),
        (event_slot::WEEKDAY, crate::clock::weekday_of(now.date)),
        (event_slot::MONTH_DAY, crate::clock::month_day_of(now.date).unwrap_or(MISSING)),
    ];
    for (slot, value) in values {
        put(record, slot, value);
    }
}

fn put(record: &mut Record, slot: SlotId, value: i64) {
    if let Some(place) = record.event.get_mut(slot.index()) {
        *place = value;
    }
}

/// Writes what is paid for lines into a record.
fn pay<'l>(rows: impl Iterator<Item = &'l mut [i64]>, paid: impl Iterator<Item = i64>) {
    for (row, paid) in rows.zip(paid) {
        if let Some(place) = row.get_mut(line_slot::PAID.index()) {
            *place = paid;
        }
    }
}

/// Writes what is paid in the end into a record.
fn settled(record: &mut Record, decision: &Decision) {
    let rows = record.lines.chunks_exact_mut(record.line_width.max(1));
    pay(rows, decision.lines.iter().map(|line| line.paid));
    put(record, event_slot::BASKET_PAID, decision.totals.paid);
}
