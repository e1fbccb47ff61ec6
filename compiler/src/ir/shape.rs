//! What follows from a function's instructions alone: operands, types of values, where regions begin and end, which
//! buffer a selection or a bag lives in. Shared by verifier, interpreter, optimiser and code generator.
//!
//! Refuses to judge: of a function that does not verify it says something, without panic, that means nothing.

use super::{Function, Inst, Rows, Ty, Value};

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
            | Inst::Loop(Rows::Lines | Rows::Payments | Rows::Table(_)) => {}
            Inst::LoadLine(_, a)
            | Inst::LoadPayment(_, a)
            | Inst::LoadTable(_, _, a)
            | Inst::Known(a)
            | Inst::Truth(a)
            | Inst::Negate(a)
            | Inst::Widen(a)
            | Inst::Narrow(a)
            | Inst::Not(a)
            | Inst::InReference(a, _)
            | Inst::SetHas(a, _)
            | Inst::Loop(Rows::Selected(a))
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
            | Inst::Compare(_, a, b)
            | Inst::And(a, b)
            | Inst::Or(a, b)
            | Inst::SetContains(a, b)
            | Inst::Selected(a, b)
            | Inst::PickExtreme { selection: a, count: b, .. }
            | Inst::PickInEvery { selection: a, count: b, .. }
            | Inst::Put(a, b) => {
                change(a);
                change(b);
            }
            Inst::Choose(a, b, c)
            | Inst::Select { selection: a, row: b, count: c }
            | Inst::Discount { selection: a, num: b, den: c, .. } => {
                change(a);
                change(b);
                change(c);
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
            | Inst::Loop(_)
            | Inst::Selected(..)
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
            | Inst::PickEveryNth { .. } => Some(Ty::Selection),
            Inst::NewBag => Some(Ty::Bag),
            Inst::Block
            | Inst::End
            | Inst::Break { .. }
            | Inst::Set(..)
            | Inst::Select { .. }
            | Inst::Put(..)
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
    /// Buffers that selections need: one for each instruction that makes one, since each new one that the same
    /// instruction makes takes the place of its last.
    pub selections: u32,
    /// Buffers that bags need, in the same way.
    pub bags: u32,
}

impl Shape {
    /// Of a verified function.
    pub fn of(function: &Function) -> Shape {
        let count = function.insts.len();
        let mut shape =
            Shape { types: Vec::with_capacity(count), links: vec![0; count], selections: 0, bags: 0 };
        let mut open: Vec<u32> = Vec::new();
        let mut breaks: Vec<(u32, u32)> = Vec::new();
        for (at, inst) in (0u32..).zip(&function.insts) {
            let ty = inst.result(&function.variables, |value| shape.ty(value));
            shape.types.push(ty);
            let link = match inst {
                Inst::Block | Inst::Loop(_) => {
                    open.push(at);
                    0
                }
                Inst::End => {
                    let opener = open.pop().unwrap_or(0);
                    shape.link(opener, at);
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
                | Inst::PickEveryNth { .. } => {
                    shape.selections += 1;
                    shape.selections - 1
                }
                Inst::NewBag => {
                    shape.bags += 1;
                    shape.bags - 1
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

    fn link(&mut self, at: u32, to: u32) {
        if let Some(link) = self.links.get_mut(at as usize) {
            *link = to;
        }
    }
}
