//! What follows from a function's instructions alone: operands, types of values, where regions begin and end, which
//! buffer a selection or a bag lives in. Shared by verifier, interpreter, optimiser and code generator.
//!
//! Refuses to judge: of a function that does not verify it says something, without panic, that means nothing.

use super::{Function, Inst, Rows, TURN_INSTS, Ty, Value};

impl Inst {
    /// Shows each operand, in the order in which they are written.
    pub fn operands(&self, mut see: impl FnMut(Value)) {
        self.clone().operands_mut(|value| see(*value));
    }

    /// Lets each operand be changed, in the order in which they are written.
    pub fn operands_mut(&mut self, mut change: impl FnMut(&mut Value)) {
        match self {
            Inst::Int(_)
            | Inst::Wide(_)
            | Inst::Bool(_)
            | Inst::LoadEvent(_)
            | Inst::LoadParam(_)
            | Inst::Block
            | Inst::End
            | Inst::Get(_)
            | Inst::NewSelection
            | Inst::NewBag
            | Inst::NewSets
            | Inst::Loop(Rows::Lines | Rows::Payments | Rows::Table(_)) => {}
            Inst::LoadLine(_, a)
            | Inst::LoadPayment(_, a)
            | Inst::LoadTable(_, _, a)
            | Inst::Known(a)
            | Inst::Truth(a)
            | Inst::Negate(a)
            | Inst::Widen(a)
            | Inst::Narrow(a)
            | Inst::Calendar(_, a)
            | Inst::Clock(_, a)
            | Inst::Not(a)
            | Inst::InReference(a, _)
            | Inst::SetHas(a, _)
            | Inst::Loop(Rows::Selected(a) | Rows::Times(a))
            | Inst::Break { condition: a, .. }
            | Inst::Set(_, a)
            | Inst::PickEveryNth { selection: a, .. }
            | Inst::Distinct(a)
            | Inst::Derive(a) => change(a),
            Inst::Add(a, b)
            | Inst::Sub(a, b)
            | Inst::Mul(a, b)
            | Inst::MulWide(a, b)
            | Inst::Divide(a, b, _)
            | Inst::Floor(a, b)
            | Inst::Modulo(a, b)
            | Inst::AddMonths(a, b)
            | Inst::InstantOf(a, b)
            | Inst::Compare(_, a, b)
            | Inst::And(a, b)
            | Inst::Or(a, b)
            | Inst::SetContains(a, b)
            | Inst::Selected(a, b)
            | Inst::PickExtreme { selection: a, count: b, .. }
            | Inst::PickInEvery { selection: a, count: b, .. }
            | Inst::ChooseSets { sets: a, most: b, .. }
            | Inst::SetTimes(a, b)
            | Inst::SetUnits { sets: a, list: b, .. }
            | Inst::Put(a, b) => {
                change(a);
                change(b);
            }
            Inst::Choose(a, b, c)
            | Inst::Select { selection: a, row: b, count: c }
            | Inst::SetPart { sets: a, selection: b, count: c }
            | Inst::Discount { selection: a, num: b, den: c, .. } => {
                change(a);
                change(b);
                change(c);
            }
            Inst::SetTerm { sets, count, num, den, .. } => {
                change(sets);
                change(count);
                change(num);
                change(den);
            }
            Inst::Award { num, den, row, .. } => {
                change(num);
                change(den);
                if let Some(row) = row {
                    change(row);
                }
            }
        }
    }

    /// The type of the value that it makes, from its operands' types; `None` where it makes none.
    pub fn result(&self, variables: &[Ty], type_of: impl Fn(Value) -> Option<Ty>) -> Option<Ty> {
        match self {
            Inst::Int(_)
            | Inst::LoadEvent(_)
            | Inst::LoadLine(..)
            | Inst::LoadPayment(..)
            | Inst::LoadTable(..)
            | Inst::LoadParam(_)
            | Inst::Narrow(_)
            | Inst::AddMonths(..)
            | Inst::InstantOf(..)
            | Inst::Clock(..)
            | Inst::Calendar(..)
            | Inst::Loop(_)
            | Inst::Selected(..)
            | Inst::ChooseSets { .. }
            | Inst::SetTimes(..)
            | Inst::Distinct(_) => Some(Ty::I64),
            Inst::Wide(_) | Inst::MulWide(..) | Inst::Widen(_) | Inst::Divide(..) | Inst::Floor(..) => {
                Some(Ty::I128)
            }
            Inst::Bool(_)
            | Inst::Known(_)
            | Inst::Truth(_)
            | Inst::Compare(..)
            | Inst::And(..)
            | Inst::Or(..)
            | Inst::Not(_)
            | Inst::InReference(..)
            | Inst::SetHas(..)
            | Inst::SetContains(..) => Some(Ty::Bool),
            Inst::Add(a, _) | Inst::Sub(a, _) | Inst::Mul(a, _) | Inst::Negate(a) | Inst::Modulo(a, _) => {
                type_of(*a)
            }
            Inst::Choose(_, a, _) => type_of(*a),
            Inst::Get(variable) => variables.get(variable.index()).copied(),
            Inst::NewSelection
            | Inst::PickExtreme { .. }
            | Inst::PickInEvery { .. }
            | Inst::PickEveryNth { .. }
            | Inst::SetUnits { .. } => Some(Ty::Selection),
            Inst::NewSets => Some(Ty::Sets),
            Inst::NewBag => Some(Ty::Bag),
            Inst::Block
            | Inst::End
            | Inst::Break { .. }
            | Inst::Set(..)
            | Inst::Select { .. }
            | Inst::Put(..)
            | Inst::SetPart { .. }
            | Inst::SetTerm { .. }
            | Inst::Derive(_)
            | Inst::Award { .. }
            | Inst::Discount { .. } => None,
        }
    }
}

/// Tables that run beside [`Function::insts`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The type of each instruction's value.
    pub types: Vec<Option<Ty>>,
    /// For `Block` and `Loop` their `End`; for `End` what it closes; for `Break` the `End` of the region it leaves;
    /// for an instruction that makes a selection or a bag the number of its buffer; else 0.
    pub links: Vec<u32>,
    /// For `Loop` what a turn of it costs; else 0.
    pub turns: Vec<u32>,
    /// Buffers that selections need: one for each instruction that makes one, since each new one that the same
    /// instruction makes takes the place of its last.
    pub selections: u32,
    /// Buffers that bags need, in the same way.
    pub bags: u32,
    /// Buffers that bundles need, in the same way.
    pub sets: u32,
}

impl Shape {
    /// Of a verified function.
    pub fn of(function: &Function) -> Shape {
        let count = function.insts.len();
        let mut shape = Shape {
            types: Vec::with_capacity(count),
            links: vec![0; count],
            turns: vec![0; count],
            selections: 0,
            bags: 0,
            sets: 0,
        };
        let mut open: Vec<u32> = Vec::new();
        // The open loops, with how many instructions of the body of each were seen.
        let mut loops: Vec<(u32, u32)> = Vec::new();
        let mut breaks: Vec<(u32, u32)> = Vec::new();
        for (at, inst) in (0u32..).zip(&function.insts) {
            let ty = inst.result(&function.variables, |value| shape.ty(value));
            shape.types.push(ty);
            if let Some((_, insts)) = loops.last_mut() {
                *insts += 1;
            }
            if let Inst::Loop(_) = inst {
                loops.push((at, 0));
            }
            let link = match inst {
                Inst::Block | Inst::Loop(_) => {
                    open.push(at);
                    0
                }
                Inst::End => {
                    let opener = open.pop().unwrap_or(0);
                    shape.link(opener, at);
                    if let Some((_, insts)) = loops.pop_if(|(begin, _)| *begin == opener)
                        && let Some(turns) = shape.turns.get_mut(opener as usize)
                    {
                        *turns = 1 + insts / TURN_INSTS;
                    }
                    opener
                }
                Inst::Break { depth, .. } => {
                    let region = usize::try_from(*depth).ok().and_then(|depth| open.iter().rev().nth(depth));
                    breaks.push((at, region.copied().unwrap_or(0)));
                    0
                }
                Inst::NewSelection
                | Inst::PickExtreme { .. }
                | Inst::PickInEvery { .. }
                | Inst::PickEveryNth { .. }
                | Inst::SetUnits { .. } => {
                    shape.selections += 1;
                    shape.selections - 1
                }
                Inst::NewBag => {
                    shape.bags += 1;
                    shape.bags - 1
                }
                Inst::NewSets => {
                    shape.sets += 1;
                    shape.sets - 1
                }
                Inst::Int(_)
                | Inst::Wide(_)
                | Inst::Bool(_)
                | Inst::LoadEvent(_)
                | Inst::LoadLine(..)
                | Inst::LoadPayment(..)
                | Inst::LoadTable(..)
                | Inst::LoadParam(_)
                | Inst::Known(_)
                | Inst::Truth(_)
                | Inst::Add(..)
                | Inst::Sub(..)
                | Inst::Mul(..)
                | Inst::MulWide(..)
                | Inst::Negate(_)
                | Inst::Widen(_)
                | Inst::Narrow(_)
                | Inst::Divide(..)
                | Inst::Floor(..)
                | Inst::Modulo(..)
                | Inst::AddMonths(..)
                | Inst::InstantOf(..)
                | Inst::Clock(..)
                | Inst::Calendar(..)
                | Inst::Compare(..)
                | Inst::Choose(..)
                | Inst::And(..)
                | Inst::Or(..)
                | Inst::Not(_)
                | Inst::InReference(..)
                | Inst::SetHas(..)
                | Inst::SetContains(..)
                | Inst::Get(_)
                | Inst::Set(..)
                | Inst::Select { .. }
                | Inst::Selected(..)
                | Inst::Put(..)
                | Inst::Distinct(_)
                | Inst::SetPart { .. }
                | Inst::SetTerm { .. }
                | Inst::ChooseSets { .. }
                | Inst::SetTimes(..)
                | Inst::Derive(_)
                | Inst::Award { .. }
                | Inst::Discount { .. } => 0,
            };
            shape.link(at, link);
        }
        for (at, opener) in breaks {
            let end = shape.links.get(opener as usize).copied().unwrap_or(0);
            shape.link(at, end);
        }
        shape
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Option<Ty> {
        self.types.get(value.index()).copied().flatten()
    }

    /// The link of an instruction.
    pub fn linked(&self, at: usize) -> usize {
        self.links.get(at).map_or(0, |link| *link as usize)
    }

    /// What a turn of the loop that opens there costs.
    pub fn turn(&self, opener: usize) -> i64 {
        self.turns.get(opener).map_or(1, |turns| i64::from(*turns))
    }

    fn link(&mut self, at: u32, to: u32) {
        if let Some(link) = self.links.get_mut(at as usize) {
            *link = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loop, so many constants, and its end.
    fn body(constants: usize) -> Vec<Inst> {
        let mut insts = vec![Inst::Loop(Rows::Lines)];
        insts.extend(vec![Inst::Int(1); constants]);
        insts.push(Inst::End);
        insts
    }

    fn turn(insts: Vec<Inst>, opener: usize) -> i64 {
        Shape::of(&Function { insts, ..Function::default() }).turn(opener)
    }

    #[test]
    fn a_turn_costs_by_the_length_of_its_body() {
        // The end is the body's, too: 14 constants and it are 15 instructions.
        for (constants, turns) in [(0, 1), (14, 1), (15, 2), (30, 2), (31, 3), (16_383, 1_025)] {
            assert_eq!(turn(body(constants), 0), turns, "{constants} constants");
        }
    }

    #[test]
    fn loops_inside_cost_their_own_turns() {
        // 14 constants, the end and each loop inside are 15 instructions and one for each loop.
        for (inside, turns) in [(0, 1), (1, 2), (16, 2), (17, 3)] {
            let mut insts = body(14);
            let end = insts.pop();
            insts.extend((0..inside).flat_map(|_| body(40)));
            insts.extend(end);
            assert_eq!(turn(insts.clone(), 0), turns, "{inside} loops");
            // 41 instructions.
            if inside > 0 {
                assert_eq!(turn(insts, 15), 3);
            }
        }
        // A block is no loop: it costs what it holds.
        let mut insts = body(13);
        insts.splice(1..1, [Inst::Block, Inst::End]);
        assert_eq!(turn(insts, 0), 2);
    }
}
