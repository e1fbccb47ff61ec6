//! Questions: numbers of the event that the code of several rules compares with constants before it does anything else
//! (`month(member.birthday) = month(event.date)`, `event.date - member.joined >= 90 days`). They are read out of the
//! code, so that an index can answer them once an event for all of these rules.
//!
//! The code stays as it is, and asks again: a question only tells which rules end without having proposed anything, taken
//! fuel or failed. So a rule of which anything fails in between is one that the index leaves to its code.

use crate::interpret::straight::Straight;
use crate::ir::assume::{is_one_block, moving};
use crate::ir::needs::needs;
use crate::ir::optimise::{is_pure, never_fails};
use crate::ir::ranges::Ranges;
use crate::ir::{Atom, AtomTest, Function, Inst, Program, ReferenceId, RuleId, SlotId, Space, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// Instructions of a function that are looked into.
const MOST_INSTS: usize = 256;
/// Symbols of an event, of all its sets together, above which nothing is asked: to ask a set of so many takes turns.
pub(super) const MOST_SYMBOLS: usize = 63;
/// Questions of a program, those that most rules ask.
const MOST_QUESTIONS: usize = 64;

/// The questions of a program.
#[derive(Debug)]
pub(super) struct Questions {
    /// Works all of them out.
    pub code: Straight,
    /// By question: which instruction of the code it is.
    pub list: Vec<usize>,
    /// By rule: the questions that it asks, in its order, with the answers that let it go on. A question may stand there
    /// more than once.
    pub asked: Vec<Vec<(usize, Ranges)>>,
    /// By rule: sets of the event of which it goes on only where they hold none of a reference's symbols, or are missing.
    pub barred: Vec<Vec<Barred>>,
}

/// A set of the event, and what it must not hold.
pub(super) type Barred = (SlotId, ReferenceId);

/// Where a rule's code may end.
#[derive(Debug, Default)]
struct Exit {
    /// What is needed there for it to go on.
    needs: Vec<(u32, Ranges)>,
    barred: Vec<Barred>,
    /// What is worked out since the last such place and may fail.
    fails: Vec<u32>,
}

/// What the functions of all rules work out, each value once: instructions whose operands are positions in this list.
#[derive(Debug, Default)]
struct Pool {
    insts: Vec<Inst>,
    known: FxHashMap<Inst, u32>,
}

impl Pool {
    fn put(&mut self, inst: Inst) -> u32 {
        if let Some(known) = self.known.get(&inst) {
            return *known;
        }
        let number = u32::try_from(self.insts.len()).unwrap_or(u32::MAX);
        self.insts.push(inst.clone());
        self.known.insert(inst, number);
        number
    }

    /// Adds a value and all that it is worked out from to those.
    fn cover(&self, value: u32, covered: &mut FxHashSet<u32>) {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            if covered.insert(value)
                && let Some(inst) = self.insts.get(value as usize)
            {
                inst.operands(|operand| open.push(operand.0));
            }
        }
    }
}

/// The questions that at least two rules ask, and what sets must not hold.
pub(super) fn of(program: &Program) -> Questions {
    let mut pool = Pool::default();
    let moving = moving(program);
    let exits: Vec<Vec<Exit>> = program
        .rules
        .iter()
        .map(|rule| {
            let function = program.functions.get(rule.function.index());
            let atoms: Vec<&Atom> =
                rule.atoms.iter().filter_map(|atom| program.atoms.get(atom.index())).collect();
            function.map_or_else(Vec::new, |function| exits(function, (&atoms, &moving), &mut pool))
        })
        .collect();
    let chosen = chosen(&exits);
    let (code, place) = code(&pool, &chosen);
    let list: Vec<usize> = chosen.iter().filter_map(|value| place.get(value).copied()).collect();
    let number: FxHashMap<u32, usize> = chosen.iter().copied().zip(0..).collect();
    let (asked, barred) = exits.iter().map(|exits| asked(&pool, exits, &number)).unzip();
    Questions { code, list, asked, barred }
}

/// The set of the event that is asked, and for what.
fn barred(pool: &Pool, value: u32) -> Option<Barred> {
    let inst = |value: u32| pool.insts.get(value as usize);
    match (
        inst(value),
        inst(value).and_then(|has| if let Inst::SetHas(set, _) = has { inst(set.0) } else { None }),
    ) {
        (Some(Inst::SetHas(_, reference)), Some(Inst::LoadEvent(slot))) => Some((*slot, *reference)),
        (Some(_) | None, _) => None,
    }
}

/// Whether one of these conditions on the event asks as much already of what a slot holds: the index answers them without code.
fn is_answered(pool: &Pool, value: u32, atoms: &[&Atom]) -> bool {
    let inst = |value: u32| pool.insts.get(value as usize);
    let slot_of = |value: Value| match inst(value.0) {
        Some(Inst::LoadEvent(slot)) => Some(*slot),
        Some(_) | None => None,
    };
    let asks = |slot: SlotId, test: Option<AtomTest>| {
        atoms.iter().any(|atom| {
            let same = match (&test, &atom.test) {
                (Some(test), asked) => test == asked,
                (None, AtomTest::Has(_)) => false,
                (None, AtomTest::Known | AtomTest::Between(..) | AtomTest::OneOf(_) | AtomTest::In(_)) => {
                    true
                }
            };
            same && (atom.space, atom.slot) == (Space::Event, slot)
        })
    };
    match inst(value) {
        Some(Inst::LoadEvent(slot)) => asks(*slot, None),
        Some(Inst::InReference(of, reference)) => {
            slot_of(*of).is_some_and(|slot| asks(slot, Some(AtomTest::In(*reference))))
        }
        Some(Inst::SetHas(of, reference)) => {
            slot_of(*of).is_some_and(|slot| asks(slot, Some(AtomTest::Has(*reference))))
        }
        Some(_) | None => false,
    }
}

/// The exits of a rule's code, as long as it does nothing but work out values of the event.
fn exits(function: &Function, (atoms, moving): (&[&Atom], &[SlotId]), pool: &mut Pool) -> Vec<Exit> {
    let mut exits = Vec::new();
    // One block around everything, out of which its conditions lead.
    if !is_one_block(function) {
        return exits;
    }
    let mut values: Vec<Option<u32>> = vec![None];
    let mut exit = Exit::default();
    for inst in function.insts.iter().skip(1).take(MOST_INSTS) {
        let mut inst = inst.clone();
        let mut known = true;
        inst.operands_mut(|value| match values.get(value.index()).copied().flatten() {
            Some(number) => *value = Value(number),
            None => known = false,
        });
        if !known {
            break;
        }
        // No other region was opened: it is the block that this leaves.
        if let Inst::Break { depth: 0, condition, when } = inst {
            let needs = needs(&pool.insts, condition, !when);
            for need in needs {
                if is_answered(pool, need.value.0, atoms) {
                    continue;
                }
                match barred(pool, need.value.0).filter(|_| need.ranges == [(0, 0)]) {
                    Some(barred) => exit.barred.push(barred),
                    None => exit.needs.push((need.value.0, need.ranges)),
                }
            }
            exits.push(std::mem::take(&mut exit));
            values.push(None);
            continue;
        }
        let moves = matches!(&inst, Inst::LoadEvent(slot) if moving.contains(slot));
        // To ask a set takes turns where it is large; see `MOST_SYMBOLS`.
        let asks_set = matches!(&inst, Inst::SetHas(..));
        if !(is_pure(&inst) || asks_set) || moves {
            break;
        }
        let fails = !never_fails(&inst) && !asks_set;
        let number = pool.put(inst);
        if fails {
            exit.fails.push(number);
        }
        values.push(Some(number));
    }
    exits
}

/// The values that become questions: those that at least two rules need, the most needed ones first.
fn chosen(exits: &[Vec<Exit>]) -> Vec<u32> {
    let mut rules: FxHashMap<u32, (usize, RuleId)> = FxHashMap::default();
    for (exits, rule) in exits.iter().zip((0u32..).map(RuleId)) {
        for (value, _) in exits.iter().flat_map(|exit| &exit.needs) {
            let (count, last) = rules.entry(*value).or_insert((0, RuleId(u32::MAX)));
            if *last != rule {
                (*count, *last) = (count.saturating_add(1), rule);
            }
        }
    }
    let mut shared: Vec<(std::cmp::Reverse<usize>, u32)> = rules
        .into_iter()
        .filter(|(_, (count, _))| *count >= 2)
        .map(|(value, (count, _))| (std::cmp::Reverse(count), value))
        .collect();
    shared.sort_unstable();
    shared.truncate(MOST_QUESTIONS);
    shared.into_iter().map(|(_, value)| value).collect()
}

/// Code that works these values out, and where each value stands in it.
fn code(pool: &Pool, chosen: &[u32]) -> (Straight, FxHashMap<u32, usize>) {
    let mut covered = FxHashSet::default();
    chosen.iter().for_each(|value| pool.cover(*value, &mut covered));
    // Operands stand before what uses them.
    let mut order: Vec<u32> = covered.into_iter().collect();
    order.sort_unstable();
    let place: FxHashMap<u32, usize> = order.iter().copied().zip(0..).collect();
    let insts = order.iter().filter_map(|value| pool.insts.get(*value as usize)).map(|inst| {
        let mut inst = inst.clone();
        inst.operands_mut(|operand| {
            let to = place.get(&operand.0).and_then(|place| u32::try_from(*place).ok());
            *operand = Value(to.unwrap_or(u32::MAX));
        });
        inst
    });
    (Straight::new(insts.collect()), place)
}

/// What a rule asks, as far as nothing can fail on the way there but questions that it asks; and what its sets must not hold.
fn asked(pool: &Pool, exits: &[Exit], number: &FxHashMap<u32, usize>) -> (Vec<(usize, Ranges)>, Vec<Barred>) {
    let (mut asked, mut barred) = (Vec::new(), Vec::new());
    let mut covered = FxHashSet::default();
    for exit in exits {
        let shared = |(value, ranges): &(u32, Ranges)| Some((*value, *number.get(value)?, ranges.clone()));
        let shared: Vec<(u32, usize, Ranges)> = exit.needs.iter().filter_map(shared).collect();
        shared.iter().for_each(|(value, _, _)| pool.cover(*value, &mut covered));
        if !exit.fails.iter().all(|value| covered.contains(value)) {
            break;
        }
        asked.extend(shared.into_iter().map(|(_, question, ranges)| (question, ranges)));
        // A rule of which something may have failed by then is left to its code altogether.
        if exits_fail_nothing(exits, exit) {
            barred.extend_from_slice(&exit.barred);
        }
    }
    (asked, barred)
}

/// Whether nothing that is worked out up to an exit may fail.
fn exits_fail_nothing(exits: &[Exit], exit: &Exit) -> bool {
    let before = exits.iter().take_while(|before| !std::ptr::eq(*before, exit));
    before.chain([exit]).all(|exit| exit.fails.is_empty())
}
