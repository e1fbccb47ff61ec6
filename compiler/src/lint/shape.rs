//! Whether two expressions say the same: a number that is equal for equal meanings, whatever their places, the names of
//! their elements and the order of what may be exchanged. Refuses to know what follows from it.

use crate::ir::{Comparison, Telling};
use crate::typed::{Expr, ExprKind, LocalId, Pattern, Row, SetTo, Source, SourceKind, Step};
use rustc_hash::FxHashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

/// What an expression says, as a number.
pub type Shape = u64;

/// What the names of one rule stand for.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    lets: FxHashMap<LocalId, Shape>,
}

impl Shapes {
    /// Of a rule's steps.
    pub fn of_steps(steps: &[Step]) -> Shapes {
        let mut shapes = Shapes::default();
        shapes.learn(steps);
        shapes
    }

    fn learn(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Let(local, value) => {
                    let shape = self.of(value);
                    self.lets.insert(*local, shape);
                }
                Step::LetCollection(local, source) => {
                    let shape = self.of_source(source);
                    self.lets.insert(*local, shape);
                }
                Step::ForEach { source: _, body } | Step::Sets { bundle: _, body } => self.learn(body),
                Step::When(_)
                | Step::Award { .. }
                | Step::Debit { .. }
                | Step::TenderLines { .. }
                | Step::TenderTerm { .. }
                | Step::Multiply { .. }
                | Step::Discount { .. }
                | Step::Issue { .. }
                | Step::Gift { .. }
                | Step::Tell { .. }
                | Step::Set { .. } => {}
            }
        }
    }

    /// Of an expression.
    pub fn of(&self, expr: &Expr) -> Shape {
        self.expr(expr, &mut Vec::new())
    }

    /// Of a condition on the elements of a collection.
    pub fn of_element(&self, expr: &Expr, element: LocalId) -> Shape {
        self.expr(expr, &mut vec![element])
    }

    /// Of a collection.
    pub fn of_source(&self, source: &Source) -> Shape {
        self.source(source, &mut Vec::new())
    }

    /// Of what steps do beside their conditions and names.
    pub fn of_effects(&self, steps: &[Step]) -> Shape {
        let mut hasher = DefaultHasher::new();
        self.effects(steps, &mut Vec::new(), &mut hasher);
        hasher.finish()
    }

    fn effects(&self, steps: &[Step], elements: &mut Vec<LocalId>, out: &mut DefaultHasher) {
        for step in steps {
            match step {
                Step::When(_) | Step::Let(..) | Step::LetCollection(..) => continue,
                Step::ForEach { source, body } => {
                    discriminant(step).hash(out);
                    self.source(source, elements).hash(out);
                    elements.push(source.element);
                    self.effects(body, elements, out);
                    elements.pop();
                }
                Step::Sets { bundle, body } => {
                    discriminant(step).hash(out);
                    bundle.member.hash(out);
                    bundle.up_to.as_ref().map(|most| self.expr(most, elements)).hash(out);
                    for part in &bundle.parts {
                        self.expr(&part.count, elements).hash(out);
                        self.source(&part.of, elements).hash(out);
                    }
                    elements.push(bundle.local);
                    self.effects(body, elements, out);
                    elements.pop();
                }
                Step::Award { account, amount, rounding, life, to, element, reason: _, place: _ } => {
                    discriminant(step).hash(out);
                    (account, rounding, life, to).hash(out);
                    element.map(|(_, local)| self.local(local, elements)).hash(out);
                    self.expr(amount, elements).hash(out);
                }
                Step::Debit { account, amount, element, reason: _, place: _ } => {
                    discriminant(step).hash(out);
                    account.hash(out);
                    element.map(|(_, local)| self.local(local, elements)).hash(out);
                    self.expr(amount, elements).hash(out);
                }
                Step::TenderLines { target, place: _ } => {
                    discriminant(step).hash(out);
                    self.source(target, elements).hash(out);
                }
                Step::TenderTerm { term, amount, element, place: _ } => {
                    discriminant(step).hash(out);
                    discriminant(term).hash(out);
                    element.map(|local| self.local(local, elements)).hash(out);
                    self.expr(amount, elements).hash(out);
                }
                Step::Multiply { group, by, place: _ } => {
                    discriminant(step).hash(out);
                    group.hash(out);
                    self.expr(by, elements).hash(out);
                }
                Step::Discount { meaning, amount, target, fall, rounding, reason: _, place: _ } => {
                    discriminant(step).hash(out);
                    discriminant(meaning).hash(out);
                    format!("{fall:?}").hash(out);
                    rounding.hash(out);
                    self.expr(amount, elements).hash(out);
                    self.source(target, elements).hash(out);
                }
                Step::Issue { instrument, number, expires: _, to, reason: _, place: _ } => {
                    discriminant(step).hash(out);
                    (format!("{instrument:?}"), to).hash(out);
                    self.expr(number, elements).hash(out);
                }
                Step::Set { field, value, until, place: _ } => {
                    discriminant(step).hash(out);
                    (field, until).hash(out);
                    discriminant(value).hash(out);
                    match value {
                        SetTo::Number(value) => self.expr(value, elements).hash(out),
                        SetTo::Field(field) => field.hash(out),
                        SetTo::Name(name) => name.hash(out),
                    }
                }
                Step::Tell { telling, place: _ } => {
                    discriminant(step).hash(out);
                    match telling {
                        Telling::Words(words) => {
                            words.iter().for_each(|saying| (&saying.to, &saying.text).hash(out));
                        }
                        Telling::Offer(offer) => offer.hash(out),
                    }
                }
                Step::Gift { options, pieces, chosen, added, reason: _, place: _ } => {
                    discriminant(step).hash(out);
                    (chosen, added).hash(out);
                    self.expr(pieces, elements).hash(out);
                    for option in options {
                        (&option.sku, option.choice, &option.stock).hash(out);
                    }
                }
            }
        }
    }

    fn local(&self, local: LocalId, elements: &[LocalId]) -> Shape {
        if let Some(depth) = elements.iter().rev().position(|element| *element == local) {
            return depth as Shape;
        }
        let mut hasher = DefaultHasher::new();
        match self.lets.get(&local) {
            Some(shape) => (1_u8, shape).hash(&mut hasher),
            None => (2_u8, local).hash(&mut hasher),
        }
        hasher.finish()
    }

    fn many<'e>(
        &self,
        exprs: impl Iterator<Item = &'e Expr>,
        elements: &mut Vec<LocalId>,
        any_order: bool,
    ) -> Vec<Shape> {
        let mut shapes: Vec<Shape> = exprs.map(|expr| self.expr(expr, elements)).collect();
        if any_order {
            shapes.sort_unstable();
        }
        shapes
    }

    fn expr(&self, expr: &Expr, elements: &mut Vec<LocalId>) -> Shape {
        let mut out = DefaultHasher::new();
        discriminant(&expr.kind).hash(&mut out);
        match &expr.kind {
            ExprKind::Error => {}
            ExprKind::Constant(ratio) => (ratio, &expr.ty).hash(&mut out),
            ExprKind::Bool(truth) => truth.hash(&mut out),
            ExprKind::Ordinal(value) => value.hash(&mut out),
            ExprKind::Instant(date, second) => (date, second).hash(&mut out),
            ExprKind::Field { field, of } => {
                (field, of.map(|of| self.local(of, elements))).hash(&mut out);
            }
            // A name is what it stands for.
            ExprKind::Local(local) => match self.lets.get(local) {
                Some(shape) if !elements.contains(local) => return *shape,
                Some(_) | None => self.local(*local, elements).hash(&mut out),
            },
            ExprKind::Param(param) => param.hash(&mut out),
            ExprKind::Call(function, arguments) => {
                (function, self.many(arguments.iter(), elements, false)).hash(&mut out);
            }
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                self.many(parts.iter(), elements, true).hash(&mut out);
            }
            ExprKind::Not(inner) | ExprKind::Known(inner) | ExprKind::Negate(inner) => {
                self.expr(inner, elements).hash(&mut out);
            }
            ExprKind::Compare(op, left, right) => {
                let (left, right) = (self.expr(left, elements), self.expr(right, elements));
                let (op, left, right) = match op {
                    Comparison::Equal | Comparison::NotEqual => (*op, left.min(right), left.max(right)),
                    Comparison::Less | Comparison::LessOrEqual => (*op, left, right),
                    Comparison::Greater | Comparison::GreaterOrEqual => (op.turned(), right, left),
                };
                (op, left, right).hash(&mut out);
            }
            ExprKind::InRange { value, low, high, included } => {
                let parts = [self.expr(value, elements), self.expr(low, elements), self.expr(high, elements)];
                (parts, included).hash(&mut out);
            }
            ExprKind::OneOf(value, values) => {
                (self.expr(value, elements), self.many(values.iter(), elements, true)).hash(&mut out);
            }
            ExprKind::InReference(value, reference) | ExprKind::SetHas(value, reference) => {
                (self.expr(value, elements), reference).hash(&mut out);
            }
            ExprKind::SetContains(left, right)
            | ExprKind::Modulo(left, right)
            | ExprKind::AddMonths(left, right)
            | ExprKind::Moved(left, right)
            | ExprKind::Steps(left, right) => {
                (self.expr(left, elements), self.expr(right, elements)).hash(&mut out);
            }
            ExprKind::Convert { value, ratio, rounding } => {
                (self.expr(value, elements), ratio, rounding, &expr.ty).hash(&mut out);
            }
            ExprKind::Sum(terms) | ExprKind::Product(terms) => {
                let mut shapes: Vec<(bool, Shape)> =
                    terms.iter().map(|(turned, term)| (*turned, self.expr(term, elements))).collect();
                shapes.sort_unstable();
                shapes.hash(&mut out);
            }
            ExprKind::Calendar(part, inner) => {
                format!("{part:?}").hash(&mut out);
                self.expr(inner, elements).hash(&mut out);
            }
            ExprKind::Extreme { largest, values } => {
                (largest, self.many(values.iter(), elements, true)).hash(&mut out);
            }
            ExprKind::Aggregate { function, value, source } => {
                (function, self.source(source, elements)).hash(&mut out);
                elements.push(source.element);
                value.as_ref().map(|value| self.expr(value, elements)).hash(&mut out);
                elements.pop();
            }
            ExprKind::Match { subjects, rows } => {
                self.many(subjects.iter(), elements, false).hash(&mut out);
                for row in rows {
                    self.row(row, elements, &mut out);
                }
            }
        }
        out.finish()
    }

    fn row(&self, row: &Row, elements: &mut Vec<LocalId>, out: &mut DefaultHasher) {
        row.patterns.iter().for_each(|pattern| self.pattern(pattern, elements, out));
        self.expr(&row.value, elements).hash(out);
    }

    fn pattern(&self, pattern: &Pattern, elements: &mut Vec<LocalId>, out: &mut DefaultHasher) {
        discriminant(pattern).hash(out);
        match pattern {
            Pattern::Any => {}
            Pattern::Value(value) => self.expr(value, elements).hash(out),
            Pattern::Reference(reference) => reference.hash(out),
            Pattern::AnyOf(patterns) => {
                patterns.iter().for_each(|pattern| self.pattern(pattern, elements, out));
            }
            Pattern::Band { from, until } => {
                self.expr(from, elements).hash(out);
                until.as_ref().map(|until| self.expr(until, elements)).hash(out);
            }
        }
    }

    fn source(&self, source: &Source, elements: &mut Vec<LocalId>) -> Shape {
        let mut out = DefaultHasher::new();
        source.of.hash(&mut out);
        discriminant(&source.kind).hash(&mut out);
        match &source.kind {
            SourceKind::All => {}
            SourceKind::Past(window) => window.hash(&mut out),
            SourceKind::Bound(local) | SourceKind::One(local) => match self.lets.get(local) {
                Some(shape) => return *shape,
                None => self.local(*local, elements).hash(&mut out),
            },
            SourceKind::Set { bundle, part } => (self.local(*bundle, elements), part).hash(&mut out),
            SourceKind::Filter(from, condition) => {
                self.source(from, elements).hash(&mut out);
                elements.push(source.element);
                self.expr(condition, elements).hash(&mut out);
                elements.pop();
            }
            SourceKind::Extreme { from, count, every, cheapest } => {
                self.source(from, elements).hash(&mut out);
                (self.expr(count, elements), every, cheapest).hash(&mut out);
            }
            SourceKind::EveryNth { from, nth, key, descending } => {
                self.source(from, elements).hash(&mut out);
                (nth, key, descending).hash(&mut out);
            }
        }
        out.finish()
    }
}
