//! Expressions to code.

use super::build::{Binding, Builder};
use super::fraction::{Den, Fraction, Num, gcd};
use crate::ir::{
    CalendarPart, ClockPart, Comparison, Inst, Role, Rows, Ty, Value, VarId, event_slot, line_slot,
};
use crate::typed::{
    Aggregate, Builtin, Element, Expr, ExprKind, FieldId, LocalId, Pattern, Row, Source, SourceKind, Type,
};

/// A value of an expression in code.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// A number.
    Number(Fraction),
    /// An ordinal, a symbol or a set: an `I64` that is only compared.
    Ordinal(Value),
    /// A truth.
    Truth(Value),
    /// A number that may be missing.
    Perhaps(Value, Fraction),
}

impl Operand {
    /// As a number; the checker has seen to it that it is one.
    pub fn number(self) -> Fraction {
        match self {
            Operand::Number(fraction) | Operand::Perhaps(_, fraction) => fraction,
            Operand::Ordinal(value) => Fraction::narrow(value, 1),
            Operand::Truth(_) => Fraction::constant(0, 1),
        }
    }
}

impl Builder<'_, '_> {
    /// An expression of any type.
    pub fn operand(&mut self, expr: &Expr) -> Operand {
        if self.is_full() {
            return Operand::Number(Fraction::constant(0, 1));
        }
        let place = self.lowering.place(expr.place);
        let before = self.at(place);
        let operand = self.operand_here(expr);
        self.at(before);
        operand
    }

    /// An expression that is worked out once an event, where it is worked out.
    pub fn underived(&mut self, expr: &Expr) -> Operand {
        if let ExprKind::Aggregate { function, value, source } = &expr.kind {
            let place = self.lowering.place(expr.place);
            let before = self.at(place);
            let operand = self.aggregate(*function, value.as_deref(), source, &expr.ty);
            self.at(before);
            return operand;
        }
        self.operand(expr)
    }

    fn operand_here(&mut self, expr: &Expr) -> Operand {
        if let Some(derived) = self.lowering.derived(expr) {
            return self.load_derived(derived);
        }
        match &expr.kind {
            ExprKind::Error => Operand::Number(Fraction::constant(0, 1)),
            ExprKind::Constant(ratio) => Operand::Number(Fraction::constant(ratio.num, ratio.den)),
            ExprKind::Bool(truth) => Operand::Truth(self.emit(Inst::Bool(*truth))),
            ExprKind::Ordinal(ordinal) => Operand::Ordinal(self.int(*ordinal)),
            ExprKind::Field { field, of } => self.field(*field, *of),
            ExprKind::Local(local) => match self.bindings.get(local) {
                Some(Binding::Operand(operand)) => *operand,
                Some(Binding::Row { row, .. }) => Operand::Ordinal(*row),
                // What is worked out once an event has no bindings of the rule that asks for it.
                None => match self.lowering.rule_let(*local) {
                    Some(value) => self.operand(value),
                    None => Operand::Ordinal(self.int(0)),
                },
                Some(Binding::Source(_) | Binding::Selection(_) | Binding::Sets { .. }) => {
                    Operand::Ordinal(self.int(0))
                }
            },
            ExprKind::Param(param) => {
                let value = self.emit(Inst::LoadParam(*param));
                let den = self.lowering.program.params.get(param.index()).map_or(1, |param| param.den);
                self.slot_operand(value, &expr.ty, den)
            }
            ExprKind::Call(function, arguments) => {
                let Some(function) = self.lowering.program.functions.get(function.0 as usize) else {
                    return Operand::Number(Fraction::constant(0, 1));
                };
                // All arguments first: one of them may apply the same function.
                let mut bound = Vec::new();
                for argument in arguments {
                    let mut row = None;
                    if let (Type::Record(_), ExprKind::Local(local)) = (&argument.ty, &argument.kind) {
                        row = self.bindings.get(local).cloned();
                    }
                    bound.push(match row {
                        Some(row) => row,
                        None => Binding::Operand(self.operand(argument)),
                    });
                }
                for (param, binding) in function.params.iter().zip(bound) {
                    self.bindings.insert(*param, binding);
                }
                self.operand(&function.body)
            }
            ExprKind::And(operands) => Operand::Truth(self.all_of(operands, true)),
            ExprKind::Or(operands) => Operand::Truth(self.all_of(operands, false)),
            ExprKind::Not(inner) => {
                let truth = self.truth(inner);
                Operand::Truth(self.emit(Inst::Not(truth)))
            }
            ExprKind::Compare(comparison, left, right) => {
                let ty = &left.ty;
                let (left, right) = (self.operand(left), self.operand(right));
                Operand::Truth(self.written(*comparison, left, right, ty))
            }
            ExprKind::InRange { value, low, high, included } => {
                let ty = &value.ty;
                let places = (self.lowering.place(low.place), self.lowering.place(high.place));
                let value = self.operand(value);
                let low = self.operand(low);
                let high = self.operand(high);
                let before = self.at(places.0);
                let above = self.written(Comparison::GreaterOrEqual, value, low, ty);
                let top = if *included { Comparison::LessOrEqual } else { Comparison::Less };
                self.at(places.1);
                let below = self.written(top, value, high, ty);
                self.at(before);
                Operand::Truth(self.emit(Inst::And(above, below)))
            }
            ExprKind::OneOf(value, choices) => {
                let ty = &value.ty;
                let value = self.operand(value);
                let mut any: Option<Value> = None;
                for choice in choices {
                    let place = self.lowering.place(choice.place);
                    let choice = self.operand(choice);
                    let before = self.at(place);
                    let equal = self.written(Comparison::Equal, value, choice, ty);
                    self.at(before);
                    any = Some(match any {
                        Some(so_far) => self.emit(Inst::Or(so_far, equal)),
                        None => equal,
                    });
                }
                Operand::Truth(match any {
                    Some(any) => any,
                    None => self.emit(Inst::Bool(false)),
                })
            }
            ExprKind::InReference(symbol, reference) => {
                let symbol = self.ordinal(symbol);
                let reference = self.lowering.reference(reference);
                Operand::Truth(self.emit(Inst::InReference(symbol, reference)))
            }
            ExprKind::SetHas(set, reference) => {
                let set = self.ordinal(set);
                let reference = self.lowering.reference(reference);
                Operand::Truth(self.emit(Inst::SetHas(set, reference)))
            }
            ExprKind::SetContains(set, symbol) => {
                let (set, symbol) = (self.ordinal(set), self.ordinal(symbol));
                Operand::Truth(self.emit(Inst::SetContains(set, symbol)))
            }
            ExprKind::Known(inner) => Operand::Truth(self.known(inner)),
            ExprKind::Convert { value, ratio, rounding } => {
                let value = self.number(value);
                let converted = self.multiply(value, Fraction::constant(ratio.num, ratio.den));
                Operand::Number(match rounding {
                    Some(rounding) => self.round(converted, *rounding),
                    None => converted,
                })
            }
            ExprKind::Sum(terms) => {
                let mut total: Option<Fraction> = None;
                for (subtracted, term) in terms {
                    let term = self.number(term);
                    total = Some(match total {
                        Some(so_far) => self.add(so_far, term, *subtracted),
                        None if *subtracted => self.negate(term),
                        None => term,
                    });
                }
                self.same_shape(expr, total.unwrap_or(Fraction::constant(0, 1)))
            }
            ExprKind::Product(factors) => {
                let mut product: Option<Fraction> = None;
                for (divides, factor) in factors {
                    let factor = self.number(factor);
                    product = Some(match (product, divides) {
                        (Some(so_far), true) => self.divide(so_far, factor),
                        (Some(so_far), false) => self.multiply(so_far, factor),
                        (None, true) => self.divide(Fraction::constant(1, 1), factor),
                        (None, false) => factor,
                    });
                }
                Operand::Number(product.unwrap_or(Fraction::constant(1, 1)))
            }
            ExprKind::Modulo(value, modulus) => {
                let (value, modulus) = (self.number(value), self.number(modulus));
                let quotient = self.divide(value, modulus);
                let whole = self.floor(quotient);
                let taken = self.multiply(whole, modulus);
                Operand::Number(self.add(value, taken, true))
            }
            ExprKind::Negate(inner) => {
                let inner = self.number(inner);
                Operand::Number(self.negate(inner))
            }
            ExprKind::AddMonths(day, months) => {
                let (day, months) = (self.ordinal(day), self.number(months));
                let months = self.word(months);
                Operand::Ordinal(self.emit(Inst::AddMonths(day, months)))
            }
            ExprKind::Instant(day, second) => {
                let (day, second) = (self.int(*day), self.int(*second));
                Operand::Ordinal(self.emit(Inst::InstantOf(day, second)))
            }
            ExprKind::Moved(instant, length) => {
                let (instant, by) = (self.ordinal(instant), self.number(length));
                let by = self.word(by);
                let day = self.emit(Inst::Clock(ClockPart::Day, instant));
                let second = self.emit(Inst::Clock(ClockPart::Second, instant));
                let months = length.ty == Type::Months;
                let day = self.emit(if months { Inst::AddMonths(day, by) } else { Inst::Add(day, by) });
                Operand::Ordinal(self.emit(Inst::InstantOf(day, second)))
            }
            ExprKind::Calendar(part, day) => {
                let day = self.ordinal(day);
                let word = self.emit(Inst::Calendar(*part, day));
                match part {
                    CalendarPart::Year | CalendarPart::Month | CalendarPart::MonthDay => {
                        Operand::Number(Fraction::narrow(word, 1))
                    }
                    CalendarPart::Weekday | CalendarPart::First(_) | CalendarPart::Last(_) => {
                        Operand::Ordinal(word)
                    }
                }
            }
            ExprKind::Steps(size, value) => {
                let (size, value) = (self.number(size), self.number(value));
                let quotient = self.divide(value, size);
                Operand::Number(self.floor(quotient))
            }
            ExprKind::Extreme { largest, values } => {
                let comparison = if *largest { Comparison::Greater } else { Comparison::Less };
                let mut best: Option<Operand> = None;
                for value in values {
                    let value = self.operand(value);
                    best = Some(match best {
                        Some(so_far) => self.better(comparison, value, so_far),
                        None => value,
                    });
                }
                best.unwrap_or(Operand::Number(Fraction::constant(0, 1)))
            }
            ExprKind::Aggregate { function, value, source } => {
                self.aggregate(*function, value.as_deref(), source, &expr.ty)
            }
            ExprKind::Match { subjects, rows } => self.matching(subjects, rows, &expr.ty),
        }
    }

    /// Dates stay ordinals through `date + days`; everything else that is summed is a number.
    fn same_shape(&mut self, expr: &Expr, total: Fraction) -> Operand {
        match (&expr.ty, total.num) {
            (Type::Date | Type::Time | Type::Instant, num) => Operand::Ordinal(match num {
                Num::Constant(constant) => self.int(i64::try_from(constant).unwrap_or(0)),
                Num::Narrow(value) => value,
                Num::Wide(value) => self.emit(Inst::Narrow(value)),
            }),
            (_, Num::Constant(_) | Num::Narrow(_) | Num::Wide(_)) => Operand::Number(total),
        }
    }

    /// An expression that is a number.
    pub fn number(&mut self, expr: &Expr) -> Fraction {
        self.operand(expr).number()
    }

    /// An expression that is true or false.
    pub fn truth(&mut self, expr: &Expr) -> Value {
        match self.operand(expr) {
            Operand::Truth(value) => value,
            Operand::Ordinal(value) => self.emit(Inst::Truth(value)),
            Operand::Number(_) | Operand::Perhaps(..) => self.emit(Inst::Bool(false)),
        }
    }

    /// The whole part of a number as an `I64`.
    pub fn word(&mut self, number: Fraction) -> Value {
        match self.floor(number).num {
            Num::Constant(constant) => self.int(i64::try_from(constant).unwrap_or(i64::MAX)),
            Num::Narrow(value) => value,
            Num::Wide(value) => self.emit(Inst::Narrow(value)),
        }
    }

    /// An `I64` that is no number: a date, a name, a position.
    pub fn ordinal(&mut self, expr: &Expr) -> Value {
        match self.operand(expr) {
            Operand::Ordinal(value) => value,
            Operand::Number(_) | Operand::Truth(_) | Operand::Perhaps(..) => self.int(crate::ir::MISSING),
        }
    }

    /// A loaded slot as an operand of its type.
    fn slot_operand(&mut self, value: Value, ty: &Type, den: i128) -> Operand {
        match ty {
            Type::Optional(inner) => self.slot_operand(value, inner, den),
            Type::Bool => Operand::Truth(self.emit(Inst::Truth(value))),
            Type::Number
            | Type::Percent
            | Type::Money
            | Type::Points(_)
            | Type::Count(_)
            | Type::Quantity(_)
            | Type::Duration
            | Type::Days
            | Type::Months => Operand::Number(Fraction::narrow(value, den)),
            Type::Error
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Enum(_)
            | Type::Symbol(_)
            | Type::Set(_)
            | Type::Text
            | Type::Collection(_)
            | Type::Record(_) => Operand::Ordinal(value),
        }
    }

    fn row_of(&mut self, of: Option<LocalId>) -> (Value, Option<Value>) {
        match of.and_then(|local| self.bindings.get(&local)) {
            Some(Binding::Row { row, count }) => (*row, *count),
            Some(Binding::Operand(_) | Binding::Source(_) | Binding::Selection(_) | Binding::Sets { .. })
            | None => (self.int(0), None),
        }
    }

    /// The raw slot of a field.
    fn load(&mut self, field: FieldId, of: Option<LocalId>) -> Value {
        let (space, slot) = self.lowering.slot(field);
        match space {
            super::FieldSpace::Event => self.emit(Inst::LoadEvent(slot)),
            super::FieldSpace::Line => {
                let (row, _) = self.row_of(of);
                self.emit(Inst::LoadLine(slot, row))
            }
            super::FieldSpace::Payment => {
                let (row, _) = self.row_of(of);
                self.emit(Inst::LoadPayment(slot, row))
            }
            super::FieldSpace::Table(table) => {
                let (row, _) = self.row_of(of);
                self.emit(Inst::LoadTable(table, slot, row))
            }
        }
    }

    fn field(&mut self, field: FieldId, of: Option<LocalId>) -> Operand {
        let Some(declared) = self.lowering.program.fields.get(field.0 as usize) else {
            return Operand::Ordinal(self.int(0));
        };
        match declared.builtin {
            Some(Builtin::UnitInitial) => self.piece(line_slot::INITIAL, of),
            Some(Builtin::UnitPaid) => self.piece(line_slot::PAID, of),
            Some(
                Builtin::UnitPrice
                | Builtin::Event(_)
                | Builtin::Line(_)
                | Builtin::Payment(_)
                | Builtin::Until(_)
                | Builtin::Row(..)
                | Builtin::Anniversary(_)
                | Builtin::Balance(_)
                | Builtin::Tender(_)
                | Builtin::Settled(_)
                | Builtin::Read(_),
            )
            | None => {
                let value = self.load(field, of);
                self.slot_operand(value, &declared.ty, declared.den)
            }
        }
    }

    /// A line's amount divided by its pieces.
    fn piece(&mut self, slot: crate::ir::SlotId, of: Option<LocalId>) -> Operand {
        let (row, _) = self.row_of(of);
        let amount = self.emit(Inst::LoadLine(slot, row));
        let pieces = self.emit(Inst::LoadLine(line_slot::PIECES, row));
        Operand::Number(self.divide(Fraction::narrow(amount, 1), Fraction::narrow(pieces, 1)))
    }

    fn known(&mut self, inner: &Expr) -> Value {
        match &inner.kind {
            ExprKind::Param(param) => {
                let value = self.emit(Inst::LoadParam(*param));
                self.emit(Inst::Known(value))
            }
            ExprKind::Field { field, of } => {
                let declared = self.lowering.program.fields.get(field.0 as usize);
                if let Some(Builtin::Event(event_slot::MEMBER_KNOWN)) =
                    declared.and_then(|field| field.builtin)
                {
                    let value = self.load(*field, *of);
                    return self.emit(Inst::Truth(value));
                }
                let value = self.load(*field, *of);
                self.emit(Inst::Known(value))
            }
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Local(_)
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
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => match self.operand(inner) {
                Operand::Perhaps(known, _) => known,
                Operand::Ordinal(value)
                | Operand::Number(Fraction { num: Num::Narrow(value), den: Den::Constant(_) }) => {
                    self.emit(Inst::Known(value))
                }
                Operand::Number(_) | Operand::Truth(_) => self.emit(Inst::Bool(true)),
            },
        }
    }

    /// A comparison that the author wrote: explanations say what its numbers count.
    fn written(&mut self, comparison: Comparison, left: Operand, right: Operand, ty: &Type) -> Value {
        self.unit = self.lowering.unit(ty);
        if let (Operand::Ordinal(_), Operand::Ordinal(_)) = (left, right) {
            self.measured(1, None);
        }
        let truth = self.compare_operands(comparison, left, right);
        self.unit = None;
        truth
    }

    fn compare_operands(&mut self, comparison: Comparison, left: Operand, right: Operand) -> Value {
        match (left, right) {
            (Operand::Ordinal(left), Operand::Ordinal(right)) => {
                self.emit(Inst::Compare(comparison, left, right))
            }
            (Operand::Truth(left), Operand::Truth(right)) => {
                let both = self.emit(Inst::And(left, right));
                let either = self.emit(Inst::Or(left, right));
                let neither = self.emit(Inst::Not(either));
                let equal = self.emit(Inst::Or(both, neither));
                match comparison {
                    Comparison::NotEqual => self.emit(Inst::Not(equal)),
                    Comparison::Equal
                    | Comparison::Less
                    | Comparison::LessOrEqual
                    | Comparison::Greater
                    | Comparison::GreaterOrEqual => equal,
                }
            }
            (left, right) => self.compare(comparison, left.number(), right.number()),
        }
    }

    /// The first where it compares so with the second, else the second.
    fn better(&mut self, comparison: Comparison, first: Operand, second: Operand) -> Operand {
        let condition = self.compare_operands(comparison, first, second);
        match (first, second) {
            (Operand::Ordinal(first), Operand::Ordinal(second)) => {
                Operand::Ordinal(self.emit(Inst::Choose(condition, first, second)))
            }
            (first, second) => {
                let (first, second) = (first.number(), second.number());
                Operand::Number(self.choose(condition, first, second))
            }
        }
    }

    /// One of two numbers.
    fn choose(&mut self, condition: Value, first: Fraction, second: Fraction) -> Fraction {
        match (first.den, second.den) {
            (Den::Constant(a), Den::Constant(b)) => {
                let divisor = gcd(a, b).max(1);
                let x = self.multiply_nums(first.num, Num::Constant(b / divisor));
                let y = self.multiply_nums(second.num, Num::Constant(a / divisor));
                let num = match (x, y) {
                    (Num::Narrow(x), Num::Narrow(y)) => Num::Narrow(self.emit(Inst::Choose(condition, x, y))),
                    (x, y) => {
                        let (x, y) = (self.wide(x), self.wide(y));
                        Num::Wide(self.emit(Inst::Choose(condition, x, y)))
                    }
                };
                Fraction { num, den: Den::Constant(a.saturating_mul(b / divisor)) }
            }
            (Den::Constant(_) | Den::Dynamic(_), Den::Constant(_) | Den::Dynamic(_)) => {
                let (x, y) = (self.wide(first.num), self.wide(second.num));
                let (p, q) = (self.wide_den(first.den), self.wide_den(second.den));
                let num = Num::Wide(self.emit(Inst::Choose(condition, x, y)));
                let den = Den::Dynamic(self.emit(Inst::Choose(condition, p, q)));
                Fraction { num, den }
            }
        }
    }

    /// `and` (or `or`): from the left, no further than needed. Operands that cannot fault are simply combined.
    fn all_of(&mut self, operands: &[Expr], conjunction: bool) -> Value {
        if operands.iter().skip(1).all(|operand| self.lowering.is_simple(operand)) {
            let mut result: Option<Value> = None;
            for operand in operands {
                let truth = self.truth(operand);
                result = Some(match (result, conjunction) {
                    (Some(so_far), true) => self.emit(Inst::And(so_far, truth)),
                    (Some(so_far), false) => self.emit(Inst::Or(so_far, truth)),
                    (None, true | false) => truth,
                });
            }
            return match result {
                Some(result) => result,
                None => self.emit(Inst::Bool(conjunction)),
            };
        }
        let result = self.variable(Ty::Bool);
        let start = self.emit(Inst::Bool(!conjunction));
        self.emit(Inst::Set(result, start));
        self.emit(Inst::Block);
        for operand in operands {
            let truth = self.truth(operand);
            let place = self.lowering.place(operand.place);
            let before = self.at(place);
            self.emit(Inst::Break { depth: 0, condition: truth, when: !conjunction });
            self.at(before);
        }
        let end = self.emit(Inst::Bool(conjunction));
        self.emit(Inst::Set(result, end));
        self.emit(Inst::End);
        // For `and`: left early means false, the value it began with; for `or` the other way round.
        self.emit(Inst::Get(result))
    }

    /// Runs `body` for each element of a source, with the element bound. The body may leave the turn by a `Break`
    /// out of `depth` 0, and the loop by one out of depth 1.
    pub fn each(&mut self, source: &Source, body: &mut dyn FnMut(&mut Self)) {
        // A collection used inside a loop over itself binds the same elements; they are put back afterwards.
        let outer = self.bindings.clone();
        self.each_row(source, body);
        self.bindings = outer;
    }

    fn each_row(&mut self, source: &Source, body: &mut dyn FnMut(&mut Self)) {
        let mut conditions: Vec<(LocalId, &Expr)> = Vec::new();
        let owned = self.inlined(source);
        let mut root = &owned;
        while let SourceKind::Filter(inner, condition) = &root.kind {
            conditions.push((root.element, condition));
            root = inner;
        }
        if let SourceKind::One(local) = root.kind {
            let Some(binding @ Binding::Row { .. }) = self.bindings.get(&local).cloned() else { return };
            // Regions of the same depth as those of a loop, so that a body need not know.
            self.emit(Inst::Block);
            self.emit(Inst::Block);
            self.turn(&binding, source, &conditions, root, body);
            self.emit(Inst::End);
            self.emit(Inst::End);
            return;
        }
        let selection = match &root.kind {
            SourceKind::All | SourceKind::Past(_) | SourceKind::Filter(..) | SourceKind::One(_) => None,
            SourceKind::Bound(local) => match self.bindings.get(local) {
                Some(Binding::Selection(selection)) => Some(*selection),
                Some(
                    Binding::Source(_) | Binding::Operand(_) | Binding::Row { .. } | Binding::Sets { .. },
                )
                | None => None,
            },
            SourceKind::Extreme { .. } | SourceKind::EveryNth { .. } | SourceKind::Set { .. } => {
                Some(self.selection(root))
            }
        };
        let rows = match (selection, root.of) {
            (Some(selection), _) => Rows::Selected(selection),
            (None, Element::Line | Element::Unit) => Rows::Lines,
            (None, Element::Payment) => Rows::Payments,
            (None, Element::Row(rows)) => Rows::Table(self.lowering.table(rows)),
        };
        let row = self.emit(Inst::Loop(rows));
        self.emit(Inst::Block);
        let count = match (root.of, selection) {
            (Element::Unit, Some(selection)) => Some(self.emit(Inst::Selected(selection, row))),
            (Element::Unit, None) => {
                let pieces = self.emit(Inst::LoadLine(line_slot::PIECES, row));
                let zero = self.int(0);
                let some = self.emit(Inst::Compare(Comparison::Greater, pieces, zero));
                self.leave_unless(some, 0);
                Some(pieces)
            }
            (Element::Line | Element::Payment | Element::Row(_), _) => None,
        };
        if let (SourceKind::Past(window), Rows::Table(table)) = (&root.kind, rows) {
            self.within(*window, table, row);
        }
        self.turn(&Binding::Row { row, count }, source, &conditions, root, body);
        self.emit(Inst::End);
        self.emit(Inst::End);
    }

    fn turn(
        &mut self,
        binding: &Binding,
        source: &Source,
        conditions: &[(LocalId, &Expr)],
        root: &Source,
        body: &mut dyn FnMut(&mut Self),
    ) {
        self.bindings.insert(root.element, binding.clone());
        for (element, condition) in conditions.iter().rev() {
            self.bindings.insert(*element, binding.clone());
            self.require(condition, Role::Filter);
        }
        self.bindings.insert(source.element, binding.clone());
        body(self);
    }

    /// A source with the collections that are worked out where they are used put in their place.
    fn inlined(&self, source: &Source) -> Source {
        match &source.kind {
            SourceKind::Bound(local) => match self.bindings.get(local) {
                Some(Binding::Source(bound)) => self.inlined(bound),
                Some(
                    Binding::Operand(_) | Binding::Row { .. } | Binding::Selection(_) | Binding::Sets { .. },
                ) => source.clone(),
                None => match self.lowering.rule_collection(*local) {
                    Some(bound) => self.inlined(bound),
                    None => source.clone(),
                },
            },
            SourceKind::Filter(inner, condition) => Source {
                kind: SourceKind::Filter(Box::new(self.inlined(inner)), condition.clone()),
                ..source.clone()
            },
            SourceKind::All
            | SourceKind::Past(_)
            | SourceKind::One(_)
            | SourceKind::Set { .. }
            | SourceKind::Extreme { .. }
            | SourceKind::EveryNth { .. } => source.clone(),
        }
    }

    /// A source of lines or units as a selection: how many pieces of each line.
    pub fn selection(&mut self, source: &Source) -> Value {
        let element = match source.of {
            Element::Unit => crate::ir::Element::Unit,
            Element::Line | Element::Payment | Element::Row(_) => crate::ir::Element::Line,
        };
        match &source.kind {
            SourceKind::Extreme { from, count, every, cheapest } => {
                let selection = self.selection(from);
                let count = self.number(count);
                let mut count = self.word(count);
                if let (Some(times), SourceKind::Set { .. }) = (self.times, &from.kind) {
                    count = self.emit(Inst::Mul(count, times));
                }
                let pick = match every {
                    Some(every) => {
                        Inst::PickInEvery { selection, count, every: *every, cheapest: *cheapest, element }
                    }
                    None => Inst::PickExtreme { selection, count, cheapest: *cheapest, element },
                };
                self.pick(pick, source)
            }
            SourceKind::Set { bundle, part } => match self.bindings.get(bundle) {
                Some(Binding::Sets { sets, list }) => {
                    let (sets, list) = (*sets, *list);
                    self.emit(Inst::SetUnits { sets, list, part: *part })
                }
                Some(
                    Binding::Operand(_) | Binding::Row { .. } | Binding::Source(_) | Binding::Selection(_),
                )
                | None => self.emit(Inst::NewSelection),
            },
            SourceKind::EveryNth { from, nth, key, descending } => {
                let selection = self.selection(from);
                let (_, key) = self.lowering.slot(*key);
                let pick = Inst::PickEveryNth { selection, nth: *nth, key, descending: *descending, element };
                self.pick(pick, source)
            }
            SourceKind::Bound(local) if matches!(self.bindings.get(local), Some(Binding::Selection(_))) => {
                match self.bindings.get(local) {
                    Some(Binding::Selection(selection)) => *selection,
                    Some(
                        Binding::Operand(_) | Binding::Row { .. } | Binding::Source(_) | Binding::Sets { .. },
                    )
                    | None => self.emit(Inst::NewSelection),
                }
            }
            SourceKind::All
            | SourceKind::Past(_)
            | SourceKind::Bound(_)
            | SourceKind::One(_)
            | SourceKind::Filter(..) => {
                let selection = self.emit(Inst::NewSelection);
                self.each(source, &mut |builder| {
                    if let Some(Binding::Row { row, count }) = builder.bindings.get(&source.element).cloned()
                    {
                        let count = match count {
                            Some(count) => count,
                            None => builder.emit(Inst::LoadLine(line_slot::PIECES, row)),
                        };
                        builder.emit(Inst::Select { selection, row, count });
                    }
                });
                selection
            }
        }
    }

    /// A pick stands where its source is written.
    fn pick(&mut self, pick: Inst, source: &Source) -> Value {
        let place = self.lowering.place(source.place);
        let before = self.at(place);
        let picked = self.emit(pick);
        self.at(before);
        picked
    }

    fn aggregate(
        &mut self,
        function: Aggregate,
        value: Option<&Expr>,
        source: &Source,
        ty: &Type,
    ) -> Operand {
        match function {
            Aggregate::Any | Aggregate::All => {
                let any = function == Aggregate::Any;
                let result = self.variable(Ty::Bool);
                let start = self.emit(Inst::Bool(!any));
                self.emit(Inst::Set(result, start));
                self.each(source, &mut |builder| {
                    if let Some(value) = value {
                        let truth = builder.truth(value);
                        let place = builder.lowering.place(value.place);
                        if any {
                            builder.lowering.condition(place, Role::Filter, None, None);
                        }
                        let before = builder.at(place);
                        builder.emit(Inst::Break { depth: 0, condition: truth, when: !any });
                        builder.at(before);
                    } else if !any {
                        return;
                    }
                    let found = builder.emit(Inst::Bool(any));
                    builder.emit(Inst::Set(result, found));
                    builder.leave(1);
                });
                Operand::Truth(self.emit(Inst::Get(result)))
            }
            Aggregate::Count => {
                let total = self.variable(Ty::I64);
                let zero = self.int(0);
                self.emit(Inst::Set(total, zero));
                self.each(source, &mut |builder| {
                    if let Some(value) = value {
                        builder.require(value, Role::Filter);
                    }
                    builder.count_turn(source, total);
                });
                Operand::Number(Fraction::narrow(self.emit(Inst::Get(total)), 1))
            }
            Aggregate::Distinct => {
                let bag = self.emit(Inst::NewBag);
                self.each(source, &mut |builder| {
                    let Some(value) = value else { return };
                    let operand = builder.operand(value);
                    let number = match operand {
                        Operand::Ordinal(value) => value,
                        Operand::Number(Fraction { num: Num::Narrow(value), .. }) => value,
                        Operand::Truth(value) => {
                            let (one, zero) = (builder.int(1), builder.int(0));
                            builder.emit(Inst::Choose(value, one, zero))
                        }
                        Operand::Number(fraction) | Operand::Perhaps(_, fraction) => {
                            let wide = builder.wide(fraction.num);
                            builder.emit(Inst::Narrow(wide))
                        }
                    };
                    let known = builder.emit(Inst::Known(number));
                    builder.leave_unless(known, 0);
                    builder.emit(Inst::Put(bag, number));
                });
                Operand::Number(Fraction::narrow(self.emit(Inst::Distinct(bag)), 1))
            }
            Aggregate::Sum => Operand::Number(self.sum(value, source, None)),
            Aggregate::Avg => {
                let count = self.variable(Ty::I64);
                let zero = self.int(0);
                self.emit(Inst::Set(count, zero));
                let sum = self.sum(value, source, Some(count));
                let count = self.emit(Inst::Get(count));
                let zero = self.int(0);
                let known = self.emit(Inst::Compare(Comparison::Greater, count, zero));
                let one = self.int(1);
                let divisor = self.emit(Inst::Choose(known, count, one));
                let average = self.divide(sum, Fraction::narrow(divisor, 1));
                Operand::Perhaps(known, average)
            }
            Aggregate::Min | Aggregate::Max => self.extreme(function == Aggregate::Max, value, source, ty),
        }
    }

    fn count_turn(&mut self, source: &Source, total: VarId) {
        let count = match self.bindings.get(&source.element) {
            Some(Binding::Row { count: Some(count), .. }) => *count,
            Some(_) | None => self.int(1),
        };
        let before = self.emit(Inst::Get(total));
        let after = self.emit(Inst::Add(before, count));
        self.emit(Inst::Set(total, after));
    }

    /// The exact sum. Wholes and, where the terms have denominators of their own, one fraction are kept apart, so
    /// that the denominators of whole terms never multiply.
    fn sum(&mut self, value: Option<&Expr>, source: &Source, count: Option<VarId>) -> Fraction {
        let Some(value) = value else { return Fraction::constant(0, 1) };
        let whole = self.variable(Ty::I128);
        let narrow = self.variable(Ty::I64);
        let rest_num = self.variable(Ty::I128);
        let rest_den = self.variable(Ty::I128);
        let zero = self.emit(Inst::Wide(0));
        let one = self.emit(Inst::Wide(1));
        let none = self.int(0);
        self.emit(Inst::Set(whole, zero));
        self.emit(Inst::Set(narrow, none));
        self.emit(Inst::Set(rest_num, zero));
        self.emit(Inst::Set(rest_den, one));
        let mut shape: (bool, bool, i128) = (true, false, 1);
        self.each(source, &mut |builder| {
            if let Some(count) = count {
                builder.count_turn(source, count);
            }
            let mut term = match builder.operand(value) {
                Operand::Perhaps(known, term) => {
                    builder.leave_unless(known, 0);
                    term
                }
                operand => operand.number(),
            };
            if let Some(Binding::Row { count: Some(pieces), .. }) =
                builder.bindings.get(&source.element).cloned()
            {
                term = builder.multiply(term, Fraction::narrow(pieces, 1));
            }
            match term.den {
                Den::Constant(den) => {
                    shape.2 = den;
                    match term.num {
                        Num::Narrow(num) => {
                            let before = builder.emit(Inst::Get(narrow));
                            let after = builder.emit(Inst::Add(before, num));
                            builder.emit(Inst::Set(narrow, after));
                        }
                        num @ (Num::Constant(_) | Num::Wide(_)) => {
                            shape.0 = false;
                            let num = builder.wide(num);
                            let before = builder.emit(Inst::Get(whole));
                            let after = builder.emit(Inst::Add(before, num));
                            builder.emit(Inst::Set(whole, after));
                        }
                    }
                }
                Den::Dynamic(den) => {
                    shape = (false, true, 1);
                    let num = builder.wide(term.num);
                    let floor = builder.emit(Inst::Floor(num, den));
                    let taken = builder.emit(Inst::Mul(floor, den));
                    let left = builder.emit(Inst::Sub(num, taken));
                    let before = builder.emit(Inst::Get(whole));
                    let after = builder.emit(Inst::Add(before, floor));
                    builder.emit(Inst::Set(whole, after));
                    let zero = builder.emit(Inst::Wide(0));
                    let exact = builder.emit(Inst::Compare(Comparison::Equal, left, zero));
                    builder.emit(Inst::Break { depth: 0, condition: exact, when: true });
                    let (a, b) = (builder.emit(Inst::Get(rest_num)), builder.emit(Inst::Get(rest_den)));
                    let so_far = Fraction { num: Num::Wide(a), den: Den::Dynamic(b) };
                    let more = Fraction { num: Num::Wide(left), den: Den::Dynamic(den) };
                    let sum = builder.add(so_far, more, false);
                    let (num, den) = (builder.wide(sum.num), builder.wide_den(sum.den));
                    builder.emit(Inst::Set(rest_num, num));
                    builder.emit(Inst::Set(rest_den, den));
                }
            }
        });
        let (is_narrow, is_dynamic, den) = shape;
        if is_narrow {
            return Fraction::narrow(self.emit(Inst::Get(narrow)), den);
        }
        let total = Fraction { num: Num::Wide(self.emit(Inst::Get(whole))), den: Den::Constant(den) };
        if !is_dynamic {
            return total;
        }
        let (a, b) = (self.emit(Inst::Get(rest_num)), self.emit(Inst::Get(rest_den)));
        self.add(total, Fraction { num: Num::Wide(a), den: Den::Dynamic(b) }, false)
    }

    fn extreme(&mut self, largest: bool, value: Option<&Expr>, source: &Source, ty: &Type) -> Operand {
        let Some(value) = value else { return Operand::Number(Fraction::constant(0, 1)) };
        let comparison = if largest { Comparison::Greater } else { Comparison::Less };
        let known = self.variable(Ty::Bool);
        let best = self.variable(Ty::I128);
        let best_den = self.variable(Ty::I128);
        let no = self.emit(Inst::Bool(false));
        let one = self.emit(Inst::Wide(1));
        self.emit(Inst::Set(known, no));
        self.emit(Inst::Set(best_den, one));
        let mut shape: Option<i128> = None;
        self.each(source, &mut |builder| {
            let term = match builder.operand(value) {
                Operand::Perhaps(present, term) => {
                    builder.leave_unless(present, 0);
                    term
                }
                operand => operand.number(),
            };
            let num = builder.wide(term.num);
            let (a, b) = (builder.emit(Inst::Get(best)), builder.emit(Inst::Get(best_den)));
            let (so_far, candidate) = match term.den {
                Den::Constant(den) => {
                    shape = Some(den);
                    let of_one = |value| Fraction { num: Num::Wide(value), den: Den::Constant(1) };
                    (of_one(a), of_one(num))
                }
                Den::Dynamic(_) => (
                    Fraction { num: Num::Wide(a), den: Den::Dynamic(b) },
                    Fraction { num: Num::Wide(num), ..term },
                ),
            };
            let better = builder.compare(comparison, candidate, so_far);
            let first = builder.emit(Inst::Get(known));
            let first = builder.emit(Inst::Not(first));
            let takes = builder.emit(Inst::Or(better, first));
            builder.leave_unless(takes, 0);
            let yes = builder.emit(Inst::Bool(true));
            builder.emit(Inst::Set(known, yes));
            builder.emit(Inst::Set(best, num));
            if let Den::Dynamic(den) = term.den {
                builder.emit(Inst::Set(best_den, den));
            }
        });
        let known = self.emit(Inst::Get(known));
        let num = self.emit(Inst::Get(best));
        let den = match shape {
            Some(den) => Den::Constant(den),
            None => Den::Dynamic(self.emit(Inst::Get(best_den))),
        };
        let fraction = Fraction { num: Num::Wide(num), den };
        let plain = match ty {
            Type::Optional(inner) => inner,
            other => other,
        };
        match plain {
            Type::Date | Type::Time | Type::Instant | Type::Enum(_) => {
                // Ordinals stay comparable with ordinals; `known` is read through the missing value.
                let value = self.emit(Inst::Narrow(num));
                let missing = self.int(crate::ir::MISSING);
                Operand::Ordinal(self.emit(Inst::Choose(known, value, missing)))
            }
            Type::Error
            | Type::Bool
            | Type::Number
            | Type::Percent
            | Type::Money
            | Type::Points(_)
            | Type::Count(_)
            | Type::Quantity(_)
            | Type::Duration
            | Type::Days
            | Type::Months
            | Type::Symbol(_)
            | Type::Set(_)
            | Type::Text
            | Type::Optional(_)
            | Type::Collection(_)
            | Type::Record(_) => Operand::Perhaps(known, fraction),
        }
    }

    /// The first row that fits.
    fn matching(&mut self, subjects: &[Expr], rows: &[Row], ty: &Type) -> Operand {
        let subjects: Vec<Operand> = subjects.iter().map(|subject| self.operand(subject)).collect();
        let result = MatchResult::new(self, ty);
        let mut arms: Vec<Arm> = Vec::new();
        self.emit(Inst::Block);
        for row in rows {
            self.emit(Inst::Block);
            for (pattern, subject) in row.patterns.iter().zip(&subjects) {
                if let Some(fits) = self.fits(pattern, *subject) {
                    self.leave_unless(fits, 0);
                }
            }
            let value = self.operand(&row.value);
            arms.push(result.arm(self, value));
            let arm = self.lowering.arm(row.value.place);
            let before = arm.map(|arm| self.at(arm));
            self.leave(1);
            if let Some(before) = before {
                self.at(before);
            }
            self.emit(Inst::End);
        }
        if rows.last().is_none_or(|row| row.patterns.iter().any(|pattern| !matches!(pattern, Pattern::Any))) {
            // The checker has shown that some row fits what the types allow; what they do not rule out, such as a
            // negative amount where bands begin at zero, is a fault and never a wrong number.
            let beyond = self.emit(Inst::Wide(i128::MAX));
            self.emit(Inst::Narrow(beyond));
        }
        self.emit(Inst::End);
        result.finish(self, &arms)
    }

    fn fits(&mut self, pattern: &Pattern, subject: Operand) -> Option<Value> {
        match pattern {
            Pattern::Any => None,
            Pattern::Value(value) => {
                let value = self.operand(value);
                Some(self.compare_operands(Comparison::Equal, subject, value))
            }
            Pattern::Reference(reference) => {
                let reference = self.lowering.reference(reference);
                let symbol = match subject {
                    Operand::Ordinal(symbol) => symbol,
                    Operand::Number(_) | Operand::Truth(_) | Operand::Perhaps(..) => {
                        self.int(crate::ir::MISSING)
                    }
                };
                Some(self.emit(Inst::InReference(symbol, reference)))
            }
            Pattern::AnyOf(patterns) => {
                let mut any = None;
                for pattern in patterns {
                    let fits = self.fits(pattern, subject)?;
                    any = Some(match any {
                        Some(any) => self.emit(Inst::Or(any, fits)),
                        None => fits,
                    });
                }
                any
            }
            Pattern::Band { from, until } => {
                let from = self.operand(from);
                let above = self.compare_operands(Comparison::GreaterOrEqual, subject, from);
                match until {
                    Some(until) => {
                        let until = self.operand(until);
                        let below = self.compare_operands(Comparison::Less, subject, until);
                        Some(self.emit(Inst::And(above, below)))
                    }
                    None => Some(above),
                }
            }
        }
    }
}

/// Where the rows of a match leave their value.
enum MatchResult {
    Ordinal(VarId),
    Truth(VarId),
    Number { num: VarId, small: VarId, den: VarId, known: VarId, optional: bool },
}

/// What a row left: its fraction, and the instructions reserved for bringing it to the shape of all rows.
struct Arm {
    fraction: Option<Fraction>,
    constant: Option<(i128, i128)>,
    reserved: Value,
}

/// Instructions reserved in an arm: constant, wide numerator, product, set; denominator, set.
const RESERVED: u32 = 6;

impl MatchResult {
    fn new(builder: &mut Builder<'_, '_>, ty: &Type) -> MatchResult {
        let plain = match ty {
            Type::Optional(inner) => inner,
            other => other,
        };
        match plain {
            Type::Bool => MatchResult::Truth(builder.variable(Ty::Bool)),
            Type::Number
            | Type::Percent
            | Type::Money
            | Type::Points(_)
            | Type::Count(_)
            | Type::Quantity(_)
            | Type::Duration
            | Type::Days
            | Type::Months => {
                let result = MatchResult::Number {
                    num: builder.variable(Ty::I128),
                    small: builder.variable(Ty::I64),
                    den: builder.variable(Ty::I128),
                    known: builder.variable(Ty::Bool),
                    optional: matches!(ty, Type::Optional(_)),
                };
                if let MatchResult::Number { den, known, .. } = &result {
                    // Where no row fits, which the checker excludes, the value is nought rather than a fault.
                    let one = builder.emit(Inst::Wide(1));
                    builder.emit(Inst::Set(*den, one));
                    let yes = builder.emit(Inst::Bool(true));
                    builder.emit(Inst::Set(*known, yes));
                }
                result
            }
            Type::Error
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Enum(_)
            | Type::Symbol(_)
            | Type::Set(_)
            | Type::Text
            | Type::Optional(_)
            | Type::Collection(_)
            | Type::Record(_) => MatchResult::Ordinal(builder.variable(Ty::I64)),
        }
    }

    fn arm(&self, builder: &mut Builder<'_, '_>, operand: Operand) -> Arm {
        match (self, operand) {
            (MatchResult::Ordinal(variable), Operand::Ordinal(value))
            | (MatchResult::Truth(variable), Operand::Truth(value)) => {
                let set = builder.emit(Inst::Set(*variable, value));
                Arm { fraction: None, constant: None, reserved: set }
            }
            (MatchResult::Truth(variable), Operand::Ordinal(value)) => {
                let truth = builder.emit(Inst::Truth(value));
                let set = builder.emit(Inst::Set(*variable, truth));
                Arm { fraction: None, constant: None, reserved: set }
            }
            (MatchResult::Number { known, .. }, operand) => {
                if let Operand::Perhaps(present, _) = operand {
                    builder.emit(Inst::Set(*known, present));
                }
                let fraction = operand.number();
                let constant = fraction.as_constant();
                // The numerator is made wide here, where it is visible; what scales it is filled in later.
                let num = builder.wide(fraction.num);
                let reserved = builder.emit(Inst::Bool(false));
                for _ in 1..RESERVED {
                    builder.emit(Inst::Bool(false));
                }
                Arm {
                    fraction: Some(Fraction { num: Num::Wide(num), den: fraction.den }),
                    constant,
                    reserved,
                }
            }
            (MatchResult::Ordinal(_), Operand::Truth(_))
            | (MatchResult::Ordinal(_) | MatchResult::Truth(_), Operand::Number(_) | Operand::Perhaps(..)) => {
                let nothing = builder.emit(Inst::Bool(false));
                Arm { fraction: None, constant: None, reserved: nothing }
            }
        }
    }

    fn finish(self, builder: &mut Builder<'_, '_>, arms: &[Arm]) -> Operand {
        match self {
            MatchResult::Ordinal(variable) => Operand::Ordinal(builder.emit(Inst::Get(variable))),
            MatchResult::Truth(variable) => Operand::Truth(builder.emit(Inst::Get(variable))),
            MatchResult::Number { num, small, den, known, optional } => {
                let mut common: Option<i128> = Some(1);
                for arm in arms {
                    common = match (common, arm.fraction.map(|fraction| fraction.den)) {
                        (Some(so_far), Some(Den::Constant(den))) => {
                            so_far.checked_mul(den / gcd(so_far, den).max(1))
                        }
                        (Some(so_far), None) => Some(so_far),
                        (Some(_), Some(Den::Dynamic(_))) | (None, _) => None,
                    };
                }
                let scaled = |arm: &Arm| {
                    let (num, den) = arm.constant?;
                    i64::try_from(num.checked_mul(common? / den)?).ok()
                };
                let all_small = arms.iter().all(|arm| scaled(arm).is_some());
                for arm in arms {
                    let Some(Fraction { num: Num::Wide(value), den: own }) = arm.fraction else { continue };
                    if let (true, Some(constant)) = (all_small, scaled(arm)) {
                        builder.patch(arm.reserved, Inst::Int(constant));
                        builder
                            .patch(Value(arm.reserved.0.saturating_add(1)), Inst::Set(small, arm.reserved));
                        continue;
                    }
                    let slot = |offset: u32| Value(arm.reserved.0.saturating_add(offset));
                    match (common, own) {
                        (Some(common), Den::Constant(own)) if common != own => {
                            builder.patch(slot(0), Inst::Wide(common / own));
                            builder.patch(slot(1), Inst::Mul(value, slot(0)));
                            builder.patch(slot(2), Inst::Set(num, slot(1)));
                        }
                        (Some(_), Den::Constant(_) | Den::Dynamic(_)) => {
                            builder.patch(slot(0), Inst::Set(num, value));
                        }
                        (None, own) => {
                            builder.patch(slot(0), Inst::Set(num, value));
                            match own {
                                Den::Constant(own) => {
                                    builder.patch(slot(1), Inst::Wide(own));
                                    builder.patch(slot(2), Inst::Set(den, slot(1)));
                                }
                                Den::Dynamic(own) => builder.patch(slot(1), Inst::Set(den, own)),
                            }
                        }
                    }
                }
                let num = if all_small {
                    Num::Narrow(builder.emit(Inst::Get(small)))
                } else {
                    Num::Wide(builder.emit(Inst::Get(num)))
                };
                let fraction = match common {
                    Some(common) => Fraction { num, den: Den::Constant(common) },
                    None => {
                        let den = builder.emit(Inst::Get(den));
                        Fraction { num, den: Den::Dynamic(den) }
                    }
                };
                if !optional {
                    return Operand::Number(fraction);
                }
                let known = builder.emit(Inst::Get(known));
                Operand::Perhaps(known, fraction)
            }
        }
    }
}
