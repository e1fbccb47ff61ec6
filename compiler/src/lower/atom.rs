//! Conditions that an index can answer: one slot against constants.
//!
//! What cannot be said so stays code. A missing value satisfies no atom, so a negated test of a field that may be
//! missing and was not narrowed stays code too.

use super::{FieldSpace, Lowering};
use crate::ir::{Atom, AtomTest, Comparison, Measure, SlotId, Space, event_slot, line_slot};
use crate::typed::{Builtin, Expr, ExprKind, FieldId, Ratio, Type};

/// Conditions of one rule beyond which segments are no longer looked into; the rule is then too large in any case.
const MAX_CONJUNCTS: usize = 200_000;

/// Splits a condition at its `and`s, through segments without parameters.
pub fn conjuncts<'e>(program: &'e crate::typed::Program, expr: &'e Expr, out: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::And(operands) => {
            for operand in operands {
                conjuncts(program, operand, out);
            }
        }
        ExprKind::Call(function, arguments) if arguments.is_empty() && out.len() < MAX_CONJUNCTS => {
            match program.functions.get(function.0 as usize) {
                Some(function) => conjuncts(program, &function.body, out),
                None => out.push(expr),
            }
        }
        ExprKind::Error
        | ExprKind::Constant(_)
        | ExprKind::Bool(_)
        | ExprKind::Ordinal(_)
        | ExprKind::Field { .. }
        | ExprKind::Local(_)
        | ExprKind::Param(_)
        | ExprKind::Call(..)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Compare(..)
        | ExprKind::InRange { .. }
        | ExprKind::OneOf(..)
        | ExprKind::InReference(..)
        | ExprKind::SetHas(..)
        | ExprKind::SetContains(..)
        | ExprKind::Known(_)
        | ExprKind::Convert { .. }
        | ExprKind::Sum(_)
        | ExprKind::Product(_)
        | ExprKind::Modulo(..)
        | ExprKind::Negate(_)
        | ExprKind::AddMonths(..)
        | ExprKind::Instant(..)
        | ExprKind::Moved(..)
        | ExprKind::Calendar(..)
        | ExprKind::Steps(..)
        | ExprKind::Extreme { .. }
        | ExprKind::Aggregate { .. }
        | ExprKind::Match { .. } => out.push(expr),
    }
}

impl Lowering<'_> {
    /// The condition as an atom over the event, or over the line that the element variable stands for.
    pub fn atom(&mut self, expr: &Expr, space: Space) -> Option<Atom> {
        self.test(expr, space, false)
    }

    fn test(&mut self, expr: &Expr, space: Space, negated: bool) -> Option<Atom> {
        match &expr.kind {
            ExprKind::Not(inner) => self.test(inner, space, !negated),
            ExprKind::Field { .. } | ExprKind::Aggregate { .. } | ExprKind::Call(..) | ExprKind::Local(_)
                if expr.ty == Type::Bool =>
            {
                let (slot, _) = self.atom_slot(expr, space)?;
                Some(Atom { space, slot, test: AtomTest::Between(1, 1), negated })
            }
            ExprKind::Known(inner) => {
                if let ExprKind::Field { field, .. } = &inner.kind
                    && let Some(Builtin::Event(slot @ event_slot::MEMBER_KNOWN)) = self.builtin(*field)
                {
                    return (space == Space::Event).then_some(Atom {
                        space,
                        slot,
                        test: AtomTest::Between(1, 1),
                        negated,
                    });
                }
                let (slot, _) = self.atom_slot(inner, space)?;
                Some(Atom { space, slot, test: AtomTest::Known, negated })
            }
            ExprKind::Compare(comparison, left, right) => {
                let (comparison, field, constant) = match (has_slot(left), has_slot(right)) {
                    (true, _) => (*comparison, left, right),
                    (false, true) => (comparison.turned(), right, left),
                    (false, false) => return None,
                };
                let (slot, den) = self.atom_slot(field, space)?;
                let (below, above) = self.neighbours(constant, den)?;
                let exact = below == above;
                let (test, turn) = match comparison {
                    Comparison::Equal | Comparison::NotEqual => {
                        let between =
                            if exact { AtomTest::Between(below, below) } else { AtomTest::Between(1, 0) };
                        (between, comparison == Comparison::NotEqual)
                    }
                    Comparison::LessOrEqual => (AtomTest::Between(i64::MIN, below), false),
                    Comparison::Less => (AtomTest::Between(i64::MIN, above.checked_sub(1)?), false),
                    Comparison::GreaterOrEqual => (AtomTest::Between(above, i64::MAX), false),
                    Comparison::Greater => (AtomTest::Between(below.checked_add(1)?, i64::MAX), false),
                };
                Some(Atom { space, slot, test, negated: negated != turn })
            }
            ExprKind::InRange { value, low, high, included } => {
                let (slot, den) = self.atom_slot(value, space)?;
                let (_, low) = self.neighbours(low, den)?;
                let (below, above) = self.neighbours(high, den)?;
                let high = if *included { below } else { above.checked_sub(1)? };
                Some(Atom { space, slot, test: AtomTest::Between(low, high), negated })
            }
            ExprKind::OneOf(value, choices) => {
                let (slot, den) = self.atom_slot(value, space)?;
                let mut values = Vec::new();
                for choice in choices {
                    let (below, above) = self.neighbours(choice, den)?;
                    if below == above {
                        values.push(below);
                    }
                }
                values.sort_unstable();
                values.dedup();
                Some(Atom { space, slot, test: AtomTest::OneOf(values), negated })
            }
            ExprKind::InReference(symbol, reference) => {
                if negated && matches!(symbol.ty, Type::Optional(_)) {
                    return None;
                }
                let (slot, _) = self.atom_slot(symbol, space)?;
                let reference = self.reference(reference);
                Some(Atom { space, slot, test: AtomTest::In(reference), negated })
            }
            ExprKind::SetHas(set, reference) if !negated => {
                let (slot, _) = self.atom_slot(set, space)?;
                let reference = self.reference(reference);
                Some(Atom { space, slot, test: AtomTest::Has(reference), negated })
            }
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Field { .. }
            | ExprKind::Local(_)
            | ExprKind::Param(_)
            | ExprKind::Call(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::SetHas(..)
            | ExprKind::SetContains(..)
            | ExprKind::Convert { .. }
            | ExprKind::Sum(_)
            | ExprKind::Product(_)
            | ExprKind::Modulo(..)
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => None,
        }
    }

    /// What the numbers of a condition count that is an atom.
    pub fn atom_measure(&mut self, expr: &Expr) -> Option<Measure> {
        match &expr.kind {
            ExprKind::Aggregate { .. } | ExprKind::Call(..) | ExprKind::Local(_) => {
                let parts = self.derived(expr)?.den().max(1);
                Some(Measure { unit: self.unit(&expr.ty)?, parts, bound: None })
            }
            ExprKind::Field { field, .. } => {
                let parts = self.program.fields.get(field.0 as usize)?.den.max(1);
                Some(Measure { unit: self.unit(&expr.ty)?, parts, bound: None })
            }
            ExprKind::Not(inner)
            | ExprKind::Known(inner)
            | ExprKind::InReference(inner, _)
            | ExprKind::SetHas(inner, _)
            | ExprKind::OneOf(inner, _) => self.atom_measure(inner),
            ExprKind::InRange { value, .. } => self.atom_measure(value),
            ExprKind::Compare(_, left, right) => self.atom_measure(left).or_else(|| self.atom_measure(right)),
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Param(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::SetContains(..)
            | ExprKind::Convert { .. }
            | ExprKind::Sum(_)
            | ExprKind::Product(_)
            | ExprKind::Modulo(..)
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Match { .. } => None,
        }
    }

    fn builtin(&self, field: FieldId) -> Option<Builtin> {
        self.program.fields.get(field.0 as usize)?.builtin
    }

    /// The slot of a field in that space, with what a base unit is in slot units. What is left to pay of a line moves
    /// from phase to phase and has no atoms; of the basket it does too, and the index asks it at entry to each.
    fn atom_slot(&mut self, expr: &Expr, space: Space) -> Option<(SlotId, i128)> {
        let ExprKind::Field { field, .. } = &expr.kind else {
            if space != Space::Event || !has_slot(expr) {
                return None;
            }
            let derived = self.derived(expr)?;
            return Some((derived.slot, derived.den()));
        };
        match self.builtin(*field) {
            Some(
                Builtin::UnitInitial
                | Builtin::UnitPaid
                | Builtin::Line(line_slot::PAID)
                | Builtin::Tender(_)
                | Builtin::Settled(_)
                | Builtin::Row(..),
            ) => return None,
            Some(
                Builtin::Event(_)
                | Builtin::Line(_)
                | Builtin::Payment(_)
                | Builtin::UnitPrice
                | Builtin::Until(_)
                | Builtin::Anniversary(_)
                | Builtin::Balance(_)
                | Builtin::Read(_),
            )
            | None => {}
        }
        let den = self.program.fields.get(field.0 as usize)?.den;
        let (own, slot) = self.slot(*field);
        match (own, space) {
            (FieldSpace::Event, Space::Event) | (FieldSpace::Line, Space::Line) => Some((slot, den)),
            (
                FieldSpace::Event | FieldSpace::Line | FieldSpace::Payment | FieldSpace::Table(_),
                Space::Event | Space::Line,
            ) => None,
        }
    }

    /// The slot values next to a constant: the largest not above it and the smallest not below it.
    fn neighbours(&self, constant: &Expr, den: i128) -> Option<(i64, i64)> {
        match &constant.kind {
            ExprKind::Ordinal(ordinal) => Some((*ordinal, *ordinal)),
            ExprKind::Constant(Ratio { num, den: own }) => {
                let scaled = num.checked_mul(den)?;
                let below = scaled.div_euclid(*own);
                let above = if scaled.rem_euclid(*own) == 0 { below } else { below.checked_add(1)? };
                Some((i64::try_from(below).ok()?, i64::try_from(above).ok()?))
            }
            ExprKind::Negate(inner) => {
                let (below, above) = self.neighbours(inner, den)?;
                Some((above.checked_neg()?, below.checked_neg()?))
            }
            ExprKind::Error
            | ExprKind::Bool(_)
            | ExprKind::Field { .. }
            | ExprKind::Local(_)
            | ExprKind::Param(_)
            | ExprKind::Call(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::InRange { .. }
            | ExprKind::OneOf(..)
            | ExprKind::InReference(..)
            | ExprKind::SetHas(..)
            | ExprKind::SetContains(..)
            | ExprKind::Known(_)
            | ExprKind::Convert { .. }
            | ExprKind::Sum(_)
            | ExprKind::Product(_)
            | ExprKind::Modulo(..)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => None,
        }
    }
}

/// Whether an expression may be what a slot holds: a field, or what is worked out once an event.
fn has_slot(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Field { .. } | ExprKind::Aggregate { .. } | ExprKind::Call(..) | ExprKind::Local(_)
    )
}
