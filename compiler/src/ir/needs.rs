//! What code asks for before it does anything: numbers, and the values of them without which it goes no further, read
//! out of the instructions that work truths out. Refuses to run anything, and to know what an index is.

use super::optimise::{is_pure, never_fails};
use super::ranges::{FIRST, Ranges, intersection, joined, outside, union, within};
use super::{
    Atom, AtomId, AtomTest, Comparison, Function, Inst, MISSING, Program, Rows, Shape, Space, Value,
};
use rustc_hash::FxHashSet;

/// How deep a truth is looked into for one number that all of it asks of.
const DEPTH: u32 = 4;

/// A number, and its values without which a truth is not as it is needed. A truth counts as the number 1 or 0, and a
/// number of 128 bits as the nearest one of 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Which number.
    pub value: Value,
    /// Which values.
    pub ranges: Ranges,
}

/// What is needed for a truth to be `holds`: all of it together is as much as that truth, and not only necessary.
pub fn needs(insts: &[Inst], truth: Value, holds: bool) -> Vec<Need> {
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    let mut open = vec![(truth, holds)];
    while let Some((truth, holds)) = open.pop() {
        if !seen.insert((truth, holds)) {
            continue;
        }
        match (insts.get(truth.index()), holds) {
            (Some(Inst::And(a, b)), true) | (Some(Inst::Or(a, b)), false) => {
                open.extend([(*b, holds), (*a, holds)]);
            }
            (Some(Inst::Not(a)), _) => open.push((*a, !holds)),
            (Some(_) | None, _) => found.push(need(insts, truth, holds, DEPTH)),
        }
    }
    found
}

/// The same as one number.
fn need(insts: &[Inst], truth: Value, holds: bool, depth: u32) -> Need {
    let as_held = |ranges: Ranges| if holds { ranges } else { outside(&ranges, i64::MIN) };
    let itself = || Need { value: truth, ranges: vec![(i64::from(holds), i64::from(holds))] };
    let Some(inst) = insts.get(truth.index()) else { return itself() };
    if let Inst::Truth(value) = inst {
        return Need { value: *value, ranges: as_held(vec![(1, 1)]) };
    }
    if let Inst::Known(value) = inst {
        return Need { value: *value, ranges: as_held(vec![(FIRST, i64::MAX)]) };
    }
    if let Inst::Compare(comparison, a, b) = inst {
        let (value, comparison, constant) = match (constant(insts, *a), constant(insts, *b)) {
            (None, Some(constant)) => (*a, *comparison, constant),
            (Some(constant), None) => (*b, comparison.turned(), constant),
            (None, None) | (Some(_), Some(_)) => return itself(),
        };
        return Need { value, ranges: as_held(compared(comparison, constant)) };
    }
    let (Some(below), Inst::And(a, b) | Inst::Or(a, b)) = (depth.checked_sub(1), inst) else {
        return match (depth.checked_sub(1), inst) {
            (Some(below), Inst::Not(a)) => need(insts, *a, !holds, below),
            (Some(_) | None, _) => itself(),
        };
    };
    let (left, right) = (need(insts, *a, holds, below), need(insts, *b, holds, below));
    if left.value != right.value {
        return itself();
    }
    let both = matches!(inst, Inst::And(..)) == holds;
    let ranges =
        if both { intersection(&left.ranges, &right.ranges) } else { union(&left.ranges, &right.ranges) };
    Need { value: left.value, ranges }
}

/// A constant that a number of 64 bits can be compared with. One of 128 bits is none where the nearest number of 64 bits
/// would compare otherwise.
fn constant(insts: &[Inst], value: Value) -> Option<i64> {
    let inst = insts.get(value.index())?;
    if let Inst::Int(word) = inst {
        return Some(*word);
    }
    let Inst::Wide(wide) = inst else { return None };
    i64::try_from(*wide).ok().filter(|word| *word != i64::MIN && *word != i64::MAX)
}

fn compared(comparison: Comparison, constant: i64) -> Ranges {
    let below = || constant.checked_sub(1).map(|last| (i64::MIN, last)).into_iter().collect::<Ranges>();
    let above = || constant.checked_add(1).map(|first| (first, i64::MAX)).into_iter().collect::<Ranges>();
    match comparison {
        Comparison::Equal => vec![(constant, constant)],
        Comparison::NotEqual => outside(&[(constant, constant)], i64::MIN),
        Comparison::Less => below(),
        Comparison::LessOrEqual => vec![(i64::MIN, constant)],
        Comparison::Greater => above(),
        Comparison::GreaterOrEqual => vec![(constant, i64::MAX)],
    }
}

/// The loops over lines that do nothing at a line which does not satisfy all of these atoms, as far as those are not
/// negated: where they open, ascending. None where there is no such atom.
pub fn narrowed_loops(program: &Program, atoms: &[AtomId], function: &Function, shape: &Shape) -> Vec<u32> {
    let atoms = atoms.iter().filter_map(|id| program.atoms.get(id.index()));
    let atoms: Vec<&Atom> = atoms.filter(|atom| !atom.negated).collect();
    if atoms.is_empty() {
        return Vec::new();
    }
    let insts = (0u32..).zip(&function.insts);
    let loops = insts.filter(|(_, inst)| matches!(inst, Inst::Loop(Rows::Lines))).map(|(at, _)| at);
    let narrowed = |at: &u32| {
        let needs = leading(function, shape, *at);
        atoms.iter().all(|atom| implied(&function.insts, atom, &needs, Value(*at)))
    };
    loops.filter(narrowed).collect()
}

/// What a loop needs of a row before it does anything there that can be noticed: else it goes on to the next.
fn leading(function: &Function, shape: &Shape, opener: u32) -> Vec<Need> {
    let mut found = Vec::new();
    let opener = opener as usize;
    let quiet = |inst: &Inst| is_pure(inst) && never_fails(inst);
    let turn = || function.insts.iter().enumerate().skip(opener).skip(1);
    // The turn is a block, but for what is worked out before it; behind it the loop goes on.
    let Some((block, Inst::Block)) = turn().find(|(_, inst)| !quiet(inst)) else { return found };
    let end = shape.linked(block);
    if end.checked_add(1) != Some(shape.linked(opener)) {
        return found;
    }
    for (at, inst) in function.insts.iter().enumerate().take(end).skip(block).skip(1) {
        if let Inst::Break { condition, when, depth: _ } = inst
            && shape.linked(at) == end
        {
            found.extend(needs(&function.insts, *condition, !when));
        } else if !quiet(inst) {
            break;
        }
    }
    found
}

/// Whether a row of which this is needed satisfies an atom that is not negated.
fn implied(insts: &[Inst], atom: &Atom, needs: &[Need], row: Value) -> bool {
    let loads = |value: Value| {
        let load = Inst::LoadLine(atom.slot, row);
        insts.get(value.index()) == Some(&load)
    };
    if let AtomTest::In(reference) = &atom.test {
        return atom.space == Space::Line
            && needs.iter().any(|need| match insts.get(need.value.index()) {
                Some(Inst::InReference(value, tested)) => {
                    tested == reference && loads(*value) && need.ranges == [(1, 1)]
                }
                Some(_) | None => false,
            });
    }
    // Asking a set takes fuel, so that it matters whether it is asked.
    if let AtomTest::Has(_) = atom.test {
        return false;
    }
    let allowed = matched(&atom.test);
    let of_slot = needs.iter().filter(|need| loads(need.value));
    let needed = of_slot.fold(vec![(i64::MIN, i64::MAX)], |so_far, need| intersection(&so_far, &need.ranges));
    atom.space == Space::Line && within(&needed, &allowed)
}

/// The values that a test matches, as far as they are known without a catalogue: of a reference, all that are known.
pub(super) fn matched(test: &AtomTest) -> Ranges {
    match test {
        AtomTest::Known | AtomTest::In(_) | AtomTest::Has(_) => vec![(FIRST, i64::MAX)],
        AtomTest::Between(low, high) => {
            let low = (*low).max(FIRST);
            if low <= *high { vec![(low, *high)] } else { Vec::new() }
        }
        AtomTest::OneOf(values) => joined(values.iter().copied().filter(|value| *value != MISSING)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{ReferenceId, SlotId};

    #[test]
    fn ands_are_taken_apart_and_alternatives_on_one_number_put_together() {
        let v = Value;
        let insts = vec![
            Inst::LoadEvent(SlotId(3)),
            Inst::Int(10),
            Inst::Int(20),
            Inst::Compare(Comparison::GreaterOrEqual, v(0), v(1)), // 3
            Inst::Compare(Comparison::Less, v(2), v(0)),           // 4: above 20
            Inst::And(v(3), v(4)),                                 // 5
            Inst::Or(v(3), v(4)),                                  // 6
            Inst::LoadEvent(SlotId(4)),
            Inst::Truth(v(7)),     // 8
            Inst::Or(v(6), v(8)),  // 9
            Inst::And(v(5), v(8)), // 10
            Inst::Not(v(3)),       // 11
        ];
        let told = |truth, holds| {
            let told = needs(&insts, v(truth), holds);
            told.into_iter().map(|need| (need.value.0, need.ranges)).collect::<Vec<_>>()
        };
        let (least, most) = (i64::MIN, i64::MAX);
        assert_eq!(told(3, true), [(0, vec![(10, most)])]);
        assert_eq!(told(11, true), [(0, vec![(least, 9)])]);
        assert_eq!(told(5, true), [(0, vec![(10, most)]), (0, vec![(21, most)])]);
        assert_eq!(told(5, false), [(0, vec![(least, 20)])]);
        assert_eq!(told(6, true), [(0, vec![(10, most)])]);
        assert_eq!(told(6, false), [(0, vec![(least, 9)]), (0, vec![(least, 20)])]);
        // Of two numbers: only the truth as a whole.
        assert_eq!(told(9, true), [(9, vec![(1, 1)])]);
        assert_eq!(told(10, false), [(10, vec![(0, 0)])]);
        assert_eq!(told(10, true).len(), 3);
    }

    #[test]
    fn wide_constants_at_the_border_are_left_alone() {
        let compare = |constant: i128| {
            let insts = vec![
                Inst::LoadEvent(SlotId(0)),
                Inst::Widen(Value(0)),
                Inst::Wide(constant),
                Inst::Compare(Comparison::Greater, Value(1), Value(2)),
            ];
            needs(&insts, Value(3), true)
        };
        assert_eq!(compare(5), [Need { value: Value(1), ranges: vec![(6, i64::MAX)] }]);
        for border in [i128::from(i64::MAX), i128::from(i64::MIN), 1 << 70] {
            assert_eq!(compare(border), [Need { value: Value(3), ranges: vec![(1, 1)] }]);
        }
    }

    /// A loop whose turn begins with these instructions from the third on, and leaves where the last is false.
    fn looped(conditions: Vec<Inst>) -> Function {
        let mut insts = vec![Inst::Loop(Rows::Lines), Inst::Block];
        insts.extend(conditions);
        let condition = Value(u32::try_from(insts.len()).unwrap() - 1);
        insts.push(Inst::Break { depth: 0, condition, when: false });
        insts.extend([Inst::Int(1), Inst::End, Inst::End]);
        Function { insts, ..Function::default() }
    }

    fn is_narrowed(function: &Function, atom: Atom) -> bool {
        let shape = Shape::of(function);
        let needs = leading(function, &shape, 0);
        implied(&function.insts, &atom, &needs, Value(0))
    }

    #[test]
    fn a_loop_is_narrowed_by_what_its_turns_ask_first() {
        let (slot, other) = (SlotId(6), SlotId(7));
        let atom = |test| Atom { space: Space::Line, slot, test, negated: false };
        let listed = |reference| {
            looped(vec![Inst::LoadLine(slot, Value(0)), Inst::InReference(Value(2), ReferenceId(reference))])
        };
        assert!(is_narrowed(&listed(3), atom(AtomTest::In(ReferenceId(3)))));
        assert!(!is_narrowed(&listed(4), atom(AtomTest::In(ReferenceId(3)))));
        assert!(!is_narrowed(&listed(3), Atom { slot: other, ..atom(AtomTest::In(ReferenceId(3))) }));
        let at_most = |comparison| {
            let insts = vec![
                Inst::LoadLine(slot, Value(0)),
                Inst::Int(5),
                Inst::Compare(comparison, Value(2), Value(3)),
            ];
            looped(insts)
        };
        assert!(is_narrowed(&at_most(Comparison::GreaterOrEqual), atom(AtomTest::Between(5, i64::MAX))));
        assert!(is_narrowed(&at_most(Comparison::GreaterOrEqual), atom(AtomTest::Known)));
        assert!(!is_narrowed(&at_most(Comparison::GreaterOrEqual), atom(AtomTest::Between(6, i64::MAX))));
        // What is missing is the least number to code, and satisfies no atom.
        assert!(!is_narrowed(&at_most(Comparison::LessOrEqual), atom(AtomTest::Between(i64::MIN, 5))));
        // What may fail comes before the condition.
        let fails = looped(vec![
            Inst::LoadLine(slot, Value(0)),
            Inst::Add(Value(2), Value(2)),
            Inst::InReference(Value(2), ReferenceId(3)),
        ]);
        assert!(!is_narrowed(&fails, atom(AtomTest::In(ReferenceId(3)))));
        // Something is done behind the block.
        let mut behind = listed(3);
        behind.insts.insert(6, Inst::Int(2));
        behind.insts.swap(6, 7);
        let last = behind.insts.len() - 1;
        behind.insts.insert(last, Inst::Int(2));
        assert!(!is_narrowed(&behind, atom(AtomTest::In(ReferenceId(3)))));
    }
}
