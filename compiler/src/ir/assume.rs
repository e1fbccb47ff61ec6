//! What is left of a rule's code where its conditions on the event are known to hold: without the exits that these rule out,
//! and without what only those asked. Refuses to know who knows that they hold.
//!
//! Most of the code of a large programme's rules is such conditions, which an index has asked before; what is left of many rules is
//! the same but for its constants.

use super::needs::{matched, needs};
use super::optimise::{is_pure, never_fails, retain};
use super::ranges::{FIRST, Ranges, intersection, outside, within};
use super::{Atom, AtomId, AtomTest, Function, Inst, Program, SlotId, Space, Value, event_slot};

/// Instructions of a function that are looked into.
const MOST_INSTS: usize = 256;

/// The rest of a function.
#[derive(Clone, Debug)]
pub struct Assumed {
    /// Does what the function does wherever the conditions hold, but that it asks no sets of `sets`, which would take a turn
    /// for each 64 of their symbols, and that a fault in it stands elsewhere.
    pub function: Function,
    /// Slots of the event.
    pub sets: Vec<SlotId>,
}

/// The rest of a function where all of these conditions on the event hold; nothing where that spares nothing.
pub fn assume(program: &Program, atoms: &[AtomId], function: &Function) -> Option<Assumed> {
    let atoms = atoms.iter().map(|id| program.atoms.get(id.index()));
    let atoms: Vec<&Atom> = atoms.collect::<Option<_>>()?;
    rest(function, &atoms, &moving(program))
}

fn rest(function: &Function, atoms: &[&Atom], moving: &[SlotId]) -> Option<Assumed> {
    let end = leading(function)?;
    let mut keep = vec![true; function.insts.len()];
    for (inst, keep) in function.insts.iter().zip(&mut keep).take(end) {
        if let Inst::Break { depth: 0, condition, when } = inst {
            let needs = needs(&function.insts, *condition, !when);
            let holds = needs.iter().all(|need| {
                allowed(&function.insts, need.value, atoms, moving)
                    .is_some_and(|allowed| within(&allowed, &need.ranges))
            });
            *keep = !holds;
        }
    }
    if keep.iter().all(|keep| *keep) {
        return None;
    }
    let sets = drop_unused(function, end, &mut keep);
    Some(Assumed { function: retain(function.clone(), &keep), sets })
}

/// Slots of the event whose values change from phase to phase.
pub fn moving(program: &Program) -> Vec<SlotId> {
    let used = program.redemptions.iter().filter_map(|redemption| redemption.used);
    let tender = [program.tender.points, program.tender.cash].into_iter().flatten();
    [event_slot::BASKET_PAID].into_iter().chain(tender).chain(used).collect()
}

/// Where the part of a function ends that works out values and leaves the block around everything, and does nothing else.
fn leading(function: &Function) -> Option<usize> {
    if !is_one_block(function) {
        return None;
    }
    let quiet = |inst: &Inst| {
        is_pure(inst) || matches!(inst, Inst::SetHas(..) | Inst::Break { depth: 0, condition: _, when: _ })
    };
    let most = function.insts.len().min(MOST_INSTS);
    Some((1..most).find(|at| !function.insts.get(*at).is_some_and(quiet)).unwrap_or(most))
}

/// Whether a function is one block, so that who leaves that is through.
pub fn is_one_block(function: &Function) -> bool {
    let mut open = 0u32;
    for (at, inst) in (1..).zip(&function.insts) {
        if matches!(inst, Inst::Block | Inst::Loop(_)) {
            open = open.saturating_add(1);
        } else if *inst == Inst::End {
            open = open.saturating_sub(1);
        }
        if open == 0 {
            return at == function.insts.len() && matches!(function.insts.first(), Some(Inst::Block));
        }
    }
    false
}

/// The values of a number where the conditions hold, as far as they say anything of it. A truth counts as 1 or 0.
fn allowed(insts: &[Inst], value: Value, atoms: &[&Atom], moving: &[SlotId]) -> Option<Ranges> {
    let slot_of = |value: &Value| match insts.get(value.index()) {
        Some(Inst::LoadEvent(slot)) if !moving.contains(slot) => Some(*slot),
        Some(_) | None => None,
    };
    let of_slot = |slot: SlotId| {
        atoms.iter().filter(move |atom| atom.slot == slot && atom.space == Space::Event).copied()
    };
    let inst = insts.get(value.index())?;
    let (slot, test) = if let Inst::InReference(value, reference) = inst {
        (slot_of(value)?, AtomTest::In(*reference))
    } else if let Inst::SetHas(value, reference) = inst {
        (slot_of(value)?, AtomTest::Has(*reference))
    } else {
        let mut of_slot = of_slot(slot_of(&value)?).peekable();
        of_slot.peek()?;
        return Some(of_slot.fold(vec![(i64::MIN, i64::MAX)], |so_far, atom| {
            let matched = matched(&atom.test);
            let ranges = match (&atom.test, atom.negated) {
                (AtomTest::Known, true) => outside(&matched, i64::MIN),
                (AtomTest::Between(..) | AtomTest::OneOf(_), true) => outside(&matched, FIRST),
                // Whatever a reference does not match is known, too.
                (AtomTest::In(_) | AtomTest::Has(_), true) | (_, false) => matched,
            };
            intersection(&so_far, &ranges)
        }));
    };
    let atom = of_slot(slot).find(|atom| atom.test == test)?;
    let truth = i64::from(!atom.negated);
    Some(vec![(truth, truth)])
}

/// Drops what is worked out before `end` and not used any more; says which sets are not asked for it.
fn drop_unused(function: &Function, end: usize, keep: &mut [bool]) -> Vec<SlotId> {
    let mut sets = Vec::new();
    let mut used = vec![false; function.insts.len()];
    for (at, inst) in function.insts.iter().enumerate().rev() {
        let Some(keep) = keep.get_mut(at) else { continue };
        if *keep && at > 0 && at < end && !used.get(at).copied().unwrap_or(true) {
            let set = if let Inst::SetHas(set, _) = inst { function.insts.get(set.index()) } else { None };
            let asked = if let Some(Inst::LoadEvent(slot)) = set { Some(*slot) } else { None };
            *keep = !never_fails(inst) && asked.is_none();
            sets.extend(asked);
        }
        if *keep {
            inst.operands(|value| {
                if let Some(used) = used.get_mut(value.index()) {
                    *used = true;
                }
            });
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Comparison, ReferenceId, VarId};

    fn atom(slot: u32, test: AtomTest, negated: bool) -> Atom {
        Atom { space: Space::Event, slot: SlotId(slot), test, negated }
    }

    /// A block that goes on where slot 9 is at least 10, slot 10 is in reference 3, and slot 11 holds nothing of reference 4.
    fn function() -> Function {
        let v = Value;
        let leave = |condition, when| Inst::Break { depth: 0, condition, when };
        let insts = vec![
            Inst::Block,
            Inst::LoadEvent(SlotId(9)),
            Inst::Int(10),
            Inst::Compare(Comparison::GreaterOrEqual, v(1), v(2)),
            leave(v(3), false),
            Inst::LoadEvent(SlotId(10)),
            Inst::InReference(v(5), ReferenceId(3)),
            leave(v(6), false),
            Inst::LoadEvent(SlotId(11)),
            Inst::SetHas(v(8), ReferenceId(4)),
            leave(v(9), true),
            Inst::Add(v(1), v(2)),
            Inst::Set(VarId(0), v(1)),
            Inst::End,
        ];
        Function { places: vec![Default::default(); insts.len()], insts, ..Function::default() }
    }

    fn assumed(atoms: Vec<Atom>) -> Option<(Vec<Inst>, Vec<SlotId>)> {
        let atoms: Vec<&Atom> = atoms.iter().collect();
        let Assumed { function, sets } = rest(&function(), &atoms, &[])?;
        assert_eq!(function.insts.len(), function.places.len());
        Some((function.insts, sets))
    }

    #[test]
    fn exits_that_conditions_rule_out_are_gone_and_with_them_what_only_they_asked() {
        let v = Value;
        let at_least = |number| atom(9, AtomTest::Between(number, i64::MAX), false);
        let listed = |reference, negated| atom(10, AtomTest::In(ReferenceId(reference)), negated);
        let held = |negated| atom(11, AtomTest::Has(ReferenceId(4)), negated);
        // What may fail stays, and so does what it is worked out from.
        let rest = [
            Inst::Block,
            Inst::LoadEvent(SlotId(9)),
            Inst::Int(10),
            Inst::Add(v(1), v(2)),
            Inst::Set(VarId(0), v(1)),
            Inst::End,
        ];
        let all = assumed(vec![at_least(10), listed(3, false), held(true)]).unwrap();
        assert_eq!(all, (rest.to_vec(), vec![SlotId(11)]));
        // What is asked is less than what holds.
        assert_eq!(assumed(vec![at_least(11), listed(3, false), held(true)]).unwrap().0, rest);
        // Each by itself takes its exit and nothing else.
        let exits = |atoms| {
            let insts = assumed(atoms)?.0;
            Some(insts.iter().filter(|inst| matches!(inst, Inst::Break { .. })).count())
        };
        assert_eq!(exits(vec![at_least(10)]), Some(2));
        assert_eq!(exits(vec![listed(3, false)]), Some(2));
        assert_eq!(exits(vec![held(true)]), Some(2));
        // Less than what is asked, something else, or the opposite.
        assert_eq!(exits(vec![at_least(9)]), None);
        assert_eq!(exits(vec![listed(2, false)]), None);
        assert_eq!(exits(vec![listed(3, true)]), None);
        assert_eq!(exits(vec![held(false)]), None);
        assert_eq!(exits(vec![Atom { space: Space::Line, ..at_least(10) }]), None);
    }

    #[test]
    fn what_changes_from_phase_to_phase_is_asked_again() {
        let paid = atom(9, AtomTest::Between(10, i64::MAX), false);
        assert!(rest(&function(), &[&paid], &[SlotId(8)]).is_some());
        assert!(rest(&function(), &[&paid], &[SlotId(9)]).is_none());
    }
}
