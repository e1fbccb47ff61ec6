//! What is worked out once an event, before its first phase: where windows begin, and the program's derivations. Refuses
//! to know rules, except to name those that read what could not be worked out.

use super::{Bindings, Claimed, Code, Decision, Proposals, Record, RuleFault, learn};
use crate::calendar::{Instant, from_anniversary, stretch, until};
use crate::ir::{
    Atom, EventId, FaultKind, Inst, MISSING, PlaceId, Program, Rule, RuleId, SlotId, Space, StateRead,
    event_slot,
};
use rustc_hash::FxHashMap;

/// A derivation that failed: its slot, why, and where.
pub(super) type Failed = (SlotId, FaultKind, PlaceId);

/// The derivations that failed.
#[derive(Debug, Default)]
pub(super) struct FailedSlots {
    /// In their order.
    list: Vec<Failed>,
    by_slot: FxHashMap<SlotId, usize>,
}

impl FailedSlots {
    fn push(&mut self, failed: Failed) {
        self.by_slot.entry(failed.0).or_insert(self.list.len());
        self.list.push(failed);
    }

    /// How the derivation of a slot failed.
    pub(super) fn of(&self, slot: SlotId) -> Option<Failed> {
        self.list.get(*self.by_slot.get(&slot)?).copied()
    }

    /// The one among these slots that failed first.
    fn first_of(&self, slots: impl Iterator<Item = SlotId>) -> Option<Failed> {
        let first = slots.filter_map(|slot| self.by_slot.get(&slot)).min()?;
        self.list.get(*first).copied()
    }
}

/// Fills the slots that only the calendar is needed for.
pub(super) fn fill(program: &Program, record: &mut Record) {
    if program.reads.is_empty() {
        return;
    }
    let slot = |slot: SlotId| record.event.get(slot.index()).copied().unwrap_or(MISSING);
    let now =
        Instant { at: slot(event_slot::AT), date: slot(event_slot::DATE), time: slot(event_slot::TIME) };
    for read in &program.reads {
        let value = match read.read {
            StateRead::Balance(_)
            | StateRead::Coupon(_)
            | StateRead::Badge(_)
            | StateRead::Refund
            | StateRead::BoughtOn
            | StateRead::Missing(_) => continue,
            StateRead::After(window) => stretch(window, now, program.week_starts).after,
            StateRead::Last(window) => stretch(window, now, program.week_starts).last,
            StateRead::Until(window) => until(window, now),
            StateRead::Anniversary(of) => {
                match record.event.get(of.index()).copied().filter(|date| *date != MISSING) {
                    Some(date) => from_anniversary(date, now.date),
                    None => {
                        if let Some(place) = record.event.get_mut(read.slot.index()) {
                            *place = MISSING;
                        }
                        continue;
                    }
                }
            }
        };
        if let Some(place) = record.event.get_mut(read.slot.index()) {
            // The least number stands for what is missing; nothing lies before the one after it.
            *place = value.max(MISSING.saturating_add(1));
        }
    }
}

/// Works out the derivations of the event's kind, in order, into their slots; one that fails leaves its slot missing,
/// and so do those that read it.
pub(super) fn derive<C: Code>(
    program: &Program,
    bindings: &Bindings,
    record: &mut Record,
    params: &[i64],
    code: &C,
    claimed: &dyn Claimed,
    (fuel, scratch, out): (&mut i64, &mut C::Scratch, &mut Proposals),
) -> FailedSlots {
    let mut learning = Learning::of(program);
    let mut failed = FailedSlots::default();
    for derivation in &program.derivations {
        if derivation.events.binary_search(&record.kind).is_err() {
            continue;
        }
        out.derived = None;
        let outcome = match reads(program, &failed, derivation.function.index()) {
            Some((_, kind, place)) => Err((kind, place)),
            None => code.run(derivation.function, record.view(params), bindings, fuel, scratch, out).map_err(
                |fault| {
                    let function = program.functions.get(derivation.function.index());
                    let inst = usize::try_from(fault.inst).ok();
                    let place = function.zip(inst).and_then(|(function, inst)| function.places.get(inst));
                    (fault.kind, place.copied().unwrap_or(derivation.place))
                },
            ),
        };
        let value = match outcome {
            Ok(()) => out.derived.take().unwrap_or(MISSING),
            Err((kind, place)) => {
                failed.push((derivation.slot, kind, place));
                MISSING
            }
        };
        if let Some(slot) = record.event.get_mut(derivation.slot.index()) {
            *slot = value;
        }
        learning.estimate(program, record, claimed, (derivation.slot, value));
    }
    failed
}

/// The likelihoods that wait for the kind of the member. Kinds are worked out in the order of the offers, so that each is looked for
/// where the one before was found, and only among the slots of kinds.
struct Learning {
    /// The first and the last slot of a kind; none where nothing learns.
    slots: Option<(SlotId, SlotId)>,
    next: usize,
}

impl Learning {
    fn of(program: &Program) -> Learning {
        let mut slots: Option<(SlotId, SlotId)> = None;
        for learn in program.offers.list.iter().filter_map(|offer| offer.learn) {
            let (first, last) = slots.unwrap_or((learn.kind, learn.kind));
            slots = Some((first.min(learn.kind), last.max(learn.kind)));
        }
        Learning { slots, next: 0 }
    }

    /// Fills the likelihoods that wait for this slot.
    fn estimate(
        &mut self,
        program: &Program,
        record: &mut Record,
        claimed: &dyn Claimed,
        (slot, kind): (SlotId, i64),
    ) {
        if self.slots.is_none_or(|(first, last)| slot < first || slot > last) {
            return;
        }
        let list = &program.offers.list;
        let (before, after) = list.split_at_checked(self.next).unwrap_or((&[], list));
        let from_next = (self.next..).zip(after).chain((0..).zip(before));
        let learning = from_next.filter_map(|(at, offer)| Some((at, offer.learn?)));
        let Some((at, learn)) = learning.into_iter().find(|(_, learn)| learn.kind == slot) else { return };
        self.next = at.saturating_add(1);
        let day = record.event.get(event_slot::DATE.index()).copied().unwrap_or(0);
        let kind = Some(kind).filter(|kind| *kind != MISSING);
        let offer = u32::try_from(at).unwrap_or(u32::MAX);
        let estimate = learn::estimate(&learn, day, &claimed.tallies(offer, kind), kind.is_some());
        if let Some(place) = record.event.get_mut(learn.estimate.index()) {
            *place = estimate;
        }
    }
}

/// The first failed derivation that a function reads.
pub(super) fn reads(program: &Program, failed: &FailedSlots, function: usize) -> Option<Failed> {
    if failed.list.is_empty() {
        return None;
    }
    let function = program.functions.get(function)?;
    failed.first_of(function.insts.iter().filter_map(|inst| {
        // Nothing but this loads a slot of the event.
        if let Inst::LoadEvent(slot) = inst { Some(*slot) } else { None }
    }))
}

/// Names the rules that read what failed, in order of declaration; they give nothing.
pub(super) fn fail_rules(
    program: &Program,
    kind: EventId,
    failed: &FailedSlots,
    decision: &mut Decision,
) -> Vec<RuleId> {
    let mut silent = Vec::new();
    if failed.list.is_empty() {
        return silent;
    }
    for (rule, id) in program.rules.iter().zip(0u32..) {
        if rule.events.binary_search(&kind).is_err() {
            continue;
        }
        let of_atoms = failed.first_of(asks(program, rule));
        if let Some((_, kind, place)) = of_atoms.or_else(|| reads(program, failed, rule.function.index())) {
            decision.faults.push(RuleFault { rule: RuleId(id), kind, place });
            silent.push(RuleId(id));
        }
    }
    silent
}

/// The slots of the event that a rule's conditions ask about.
fn asks<'a>(program: &'a Program, rule: &'a Rule) -> impl Iterator<Item = SlotId> + 'a {
    let atoms = rule.atoms.iter().filter_map(|atom| program.atoms.get(atom.index()));
    atoms.filter(|atom: &&Atom| atom.space == Space::Event).map(|atom| atom.slot)
}
