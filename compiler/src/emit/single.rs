//! Discounts on one line: a selection that is made for one line, and is used for nothing but a discount, need not be
//! written down line by line. Refuses to know machines.

use crate::ir::{Inst, Value};
use std::collections::BTreeMap;

/// The selections of a function that hold one line at most, and are used by one discount only: by where they are made.
#[derive(Debug, Default)]
pub(super) struct Singles(BTreeMap<Value, Value>);

impl Singles {
    /// Of these instructions.
    pub(super) fn of(insts: &[Inst]) -> Singles {
        let made = insts.iter().zip((0u32..).map(Value)).filter(|(inst, _)| **inst == Inst::NewSelection);
        Singles(made.filter_map(|(_, made)| Some((made, filled(insts, made)?))).collect())
    }

    /// Where the one line is selected.
    pub(super) fn selected(&self, selection: Value) -> Option<Value> {
        self.0.get(&selection).copied()
    }
}

/// Where the one line of a selection is selected: whoever comes by where it is made comes by there once, then by the
/// discount, which is its last use.
fn filled(insts: &[Inst], made: Value) -> Option<Value> {
    let (mut filled, mut used) = (None, false);
    for (inst, at) in insts.iter().zip((0u32..).map(Value)).skip(made.index()).skip(1) {
        let mut uses = 0usize;
        inst.operands(|operand| uses = uses.saturating_add(usize::from(operand == made)));
        if uses == 1 && filled.is_none() && matches!(inst, Inst::Select { .. }) {
            filled = Some(at);
        } else if uses == 1 && filled.is_some() && !used && matches!(inst, Inst::Discount { .. }) {
            used = true;
        } else if uses > 0 || (!used && matches!(inst, Inst::Loop(_) | Inst::Break { .. })) {
            return None;
        }
    }
    filled.filter(|_| used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Rows, SiteId};

    /// A loop over lines that discounts each, with something behind each of its instructions.
    fn looped(between: &[Inst]) -> Vec<Inst> {
        let number = |at: usize| Value(u32::try_from(at).unwrap());
        let mut insts = vec![Inst::Loop(Rows::Lines), Inst::Wide(1), Inst::Int(1), Inst::Bool(true)];
        let selection = number(insts.len());
        for inst in [
            Inst::NewSelection,
            Inst::Select { selection, row: Value(0), count: Value(2) },
            Inst::Discount { site: SiteId(0), selection, num: Value(1), den: Value(1) },
        ] {
            insts.push(inst);
            insts.extend_from_slice(between);
        }
        insts.push(Inst::End);
        insts
    }

    #[test]
    fn a_line_that_is_always_selected_once_is_known() {
        let singles = Singles::of(&looped(&[]));
        assert_eq!(singles.selected(Value(4)), Some(Value(5)));
        assert_eq!(singles.selected(Value(3)), None);
        let inside = looped(&[Inst::Block, Inst::Int(7), Inst::End]);
        assert_eq!(Singles::of(&inside).selected(Value(4)), Some(Value(8)));
    }

    #[test]
    fn what_may_be_passed_by_or_is_used_again_is_a_selection() {
        let leaves = Inst::Break { depth: 0, condition: Value(3), when: true };
        let selects = Inst::Select { selection: Value(4), row: Value(0), count: Value(2) };
        for between in [
            vec![Inst::Block, leaves, Inst::End],
            vec![Inst::Loop(Rows::Lines), Inst::End],
            vec![selects],
            vec![Inst::Selected(Value(4), Value(0))],
        ] {
            assert_eq!(Singles::of(&looped(&between)).selected(Value(4)), None, "{between:?}");
        }
        // Never used.
        let mut unused = looped(&[]);
        unused.truncate(6);
        assert_eq!(Singles::of(&unused).selected(Value(4)), None);
    }
}
