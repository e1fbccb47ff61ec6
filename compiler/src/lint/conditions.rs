//! What conditions that hold together leave open: which of them contradict those before, which add nothing. Looks at
//! one value at a time and refuses to prove more.

use super::bounds::{Bounds, Ranges};
use super::shape::{Shape, Shapes};
use crate::check::types::constant;
use crate::ir::Comparison;
use crate::typed::{Expr, ExprKind, LocalId, Program, Ratio, Type};
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// What one condition asks of one value.
#[derive(Clone, Debug)]
enum Test {
    /// At least; above where it is strict.
    From(Ratio, bool),
    /// At most; below where it is strict.
    To(Ratio, bool),
    /// One of these.
    OneOf(Vec<Ratio>),
    /// Not this.
    Not(Ratio),
    /// A symbol with one of these names.
    Names(BTreeSet<String>),
    /// A symbol with none of these names.
    NotNames(BTreeSet<String>),
    /// Missing.
    Missing,
    /// Not missing.
    Present,
}

/// Longer lists are not looked into: each condition on a value is held against all that is known of it.
const MANY: usize = 256;

/// What is known of one value.
#[derive(Clone, Debug, Default)]
struct Known {
    low: Option<(Ratio, bool)>,
    high: Option<(Ratio, bool)>,
    values: Option<Vec<Ratio>>,
    not: Vec<Ratio>,
    names: Option<BTreeSet<String>>,
    not_names: BTreeSet<String>,
    missing: bool,
    present: bool,
}

fn below(a: Ratio, b: Ratio) -> bool {
    a.compare(b).is_some_and(Ordering::is_lt)
}

impl Known {
    fn of_bounds(bounds: Bounds) -> Known {
        Known {
            low: bounds.low.map(|low| (low, false)),
            high: bounds.high.map(|high| (high, false)),
            ..Known::default()
        }
    }

    fn fits(&self, value: Ratio) -> bool {
        let low = self.low.is_none_or(|(low, strict)| below(low, value) || (!strict && low == value));
        let high = self.high.is_none_or(|(high, strict)| below(value, high) || (!strict && high == value));
        let listed = self.values.as_ref().is_none_or(|values| values.contains(&value));
        low && high && listed && !self.not.contains(&value)
    }

    fn learn(&mut self, test: &Test) {
        // What is missing has none of the names, too.
        self.present |= !matches!(test, Test::Missing | Test::NotNames(_));
        match test {
            Test::From(low, strict) => {
                let narrower = |(known, was): (Ratio, bool)| below(known, *low) || (known == *low && !was);
                if self.low.is_none_or(narrower) {
                    self.low = Some((*low, *strict));
                }
            }
            Test::To(high, strict) => {
                let narrower = |(known, was): (Ratio, bool)| below(*high, known) || (known == *high && !was);
                if self.high.is_none_or(narrower) {
                    self.high = Some((*high, *strict));
                }
            }
            Test::OneOf(values) => match &mut self.values {
                Some(known) => known.retain(|value| values.contains(value)),
                None => self.values = Some(values.clone()),
            },
            Test::Not(value) if self.not.len() < MANY => self.not.push(*value),
            Test::Not(_) => {}
            Test::Names(names) => match &mut self.names {
                Some(known) => known.retain(|name| names.contains(name)),
                None => self.names = Some(names.clone()),
            },
            Test::NotNames(names) if self.not_names.len() < MANY => {
                self.not_names.extend(names.iter().cloned());
            }
            Test::NotNames(_) => {}
            Test::Missing => self.missing = true,
            Test::Present => {}
        }
    }

    fn is_impossible(&self) -> bool {
        if self.missing && self.present {
            return true;
        }
        if let Some(names) = &self.names
            && names.iter().all(|name| self.not_names.contains(name))
        {
            return true;
        }
        if let Some(values) = &self.values {
            return !values.iter().any(|value| self.fits(*value));
        }
        match (self.low, self.high) {
            (Some((low, low_strict)), Some((high, high_strict))) => {
                below(high, low) || (low == high && (low_strict || high_strict || self.not.contains(&low)))
            }
            (None, _) | (_, None) => false,
        }
    }

    /// Whether a test says nothing new of a value that is not missing.
    fn implies(&self, test: &Test) -> bool {
        let all = |holds: &dyn Fn(Ratio) -> bool| {
            self.values.as_ref().is_some_and(|values| {
                let mut open = values.iter().filter(|value| self.fits(**value)).peekable();
                open.peek().is_some() && open.all(|value| holds(*value))
            })
        };
        match test {
            Test::From(from, strict) => {
                let holds = |value: Ratio| below(*from, value) || (!strict && value == *from);
                self.low.is_some_and(|(low, was)| below(*from, low) || (low == *from && (was || !strict)))
                    || all(&holds)
            }
            Test::To(to, strict) => {
                let holds = |value: Ratio| below(value, *to) || (!strict && value == *to);
                self.high.is_some_and(|(high, was)| below(high, *to) || (high == *to && (was || !strict)))
                    || all(&holds)
            }
            Test::OneOf(listed) => match (self.low, self.high) {
                (Some((low, _)), Some((high, _))) if low == high => listed.contains(&low),
                (_, _) => all(&|value| listed.contains(&value)),
            },
            Test::Not(value) => self.not.contains(value) || !self.fits(*value),
            Test::Names(names) => self.names.as_ref().is_some_and(|known| known.is_subset(names)),
            Test::NotNames(names) => {
                names.is_subset(&self.not_names)
                    || self.names.as_ref().is_some_and(|known| known.is_disjoint(names))
            }
            Test::Missing => self.missing,
            Test::Present => self.present,
        }
    }
}

/// What a condition adds to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Something.
    Open,
    /// It holds whatever the data.
    Always,
    /// It holds wherever those before it hold; the one that says so, by position.
    Implied(usize),
    /// It says what one before it says, by position.
    Repeated(usize),
    /// It holds nowhere, or nowhere that the one at this position holds.
    Never(Option<usize>),
}

/// What is asked.
pub struct Conditions<'c, 'p> {
    program: &'p Program,
    shapes: &'c Shapes,
    ranges: &'c Ranges<'p>,
    element: Option<LocalId>,
    known: FxHashMap<Shape, (Known, usize)>,
    said: FxHashMap<Shape, usize>,
    count: usize,
}

impl<'c, 'p> Conditions<'c, 'p> {
    /// Nothing yet.
    pub fn new(program: &'p Program, shapes: &'c Shapes, ranges: &'c Ranges<'p>) -> Self {
        let (known, said) = (FxHashMap::default(), FxHashMap::default());
        Conditions { program, shapes, ranges, element: None, known, said, count: 0 }
    }

    fn shape(&self, expr: &Expr) -> Shape {
        match self.element {
            Some(element) => self.shapes.of_element(expr, element),
            None => self.shapes.of(expr),
        }
    }

    /// Adds a condition that is no conjunction and says what it adds. What it is about may be the element of another
    /// part of the same collection.
    pub fn add(&mut self, condition: &Expr, element: Option<LocalId>) -> Verdict {
        self.put(condition, element, false)
    }

    /// Adds the opposite of a condition: for those of which one must hold.
    pub fn add_opposite(&mut self, condition: &Expr) -> Verdict {
        self.put(condition, self.element, true)
    }

    /// The same, of what may be about an element.
    pub fn add_opposite_of(&mut self, condition: &Expr, element: Option<LocalId>) -> Verdict {
        self.put(condition, element, true)
    }

    fn put(&mut self, condition: &Expr, element: Option<LocalId>, negated: bool) -> Verdict {
        self.element = element;
        let number = self.count;
        self.count = self.count.saturating_add(1);
        let shape = self.shape(condition);
        if let Some(first) = self.said.get(&shape) {
            return Verdict::Repeated(*first);
        }
        self.said.insert(shape, number);
        self.judge(condition, negated, number)
    }

    fn judge(&mut self, condition: &Expr, negated: bool, number: usize) -> Verdict {
        if let ExprKind::Not(inner) = &condition.kind {
            return self.judge(inner, !negated, number);
        }
        if let ExprKind::Bool(truth) = condition.kind {
            return if truth == negated { Verdict::Never(None) } else { Verdict::Always };
        }
        let joined = match (&condition.kind, negated) {
            (ExprKind::And(parts), false) | (ExprKind::Or(parts), true) => Some(parts),
            (_, _) => None,
        };
        if let Some(parts) = joined {
            return self.all(parts, negated, number);
        }
        if let Some(verdict) = self.compared(condition, negated) {
            return verdict;
        }
        let Some((subject, tests)) = self.tests(condition, negated) else { return Verdict::Open };
        let shape = self.shape(subject);
        let bounds = self.ranges.of(subject);
        let fresh = Known::of_bounds(bounds);
        let optional = matches!(subject.ty, Type::Optional(_));
        if !optional && tests.iter().all(|test| !matches!(test, Test::Present) && fresh.implies(test)) {
            return Verdict::Always;
        }
        let (mut known, by) = self.known.remove(&shape).unwrap_or((fresh.clone(), number));
        let implied = by != number && tests.iter().all(|test| known.implies(test));
        let was_impossible = known.is_impossible();
        tests.iter().for_each(|test| known.learn(test));
        let impossible = known.is_impossible() && !was_impossible;
        let mut alone = fresh;
        tests.iter().for_each(|test| alone.learn(test));
        let alone = alone.is_impossible();
        self.known.insert(shape, (known, number));
        if impossible {
            Verdict::Never((!alone && by != number).then_some(by))
        } else if implied {
            Verdict::Implied(by)
        } else {
            Verdict::Open
        }
    }

    /// Of several that must all hold: nowhere if one holds nowhere.
    fn all(&mut self, parts: &[Expr], negated: bool, number: usize) -> Verdict {
        let verdicts: Vec<Verdict> = parts.iter().map(|part| self.judge(part, negated, number)).collect();
        let never = verdicts.iter().find(|verdict| matches!(verdict, Verdict::Never(_)));
        never.copied().unwrap_or(Verdict::Open)
    }

    /// Of two values neither of which is a constant: by what they can be at all.
    fn compared(&self, condition: &Expr, negated: bool) -> Option<Verdict> {
        let ExprKind::Compare(op, left, right) = &condition.kind else { return None };
        if constant(left).is_some() == constant(right).is_some() {
            let op = if negated { op.opposite() } else { *op };
            let (left, right) = (self.ranges.of(left), self.ranges.of(right));
            let above = |a: Option<Ratio>, b: Option<Ratio>, strict: bool| match (a, b) {
                (Some(a), Some(b)) => below(b, a) || (!strict && a == b),
                (None, _) | (_, None) => false,
            };
            let single = |bounds: Bounds| bounds.low.filter(|low| Some(*low) == bounds.high);
            let (always, never) = match op {
                Comparison::Greater => {
                    (above(left.low, right.high, true), above(right.low, left.high, false))
                }
                Comparison::GreaterOrEqual => {
                    (above(left.low, right.high, false), above(right.low, left.high, true))
                }
                Comparison::Less => (above(right.low, left.high, true), above(left.low, right.high, false)),
                Comparison::LessOrEqual => {
                    (above(right.low, left.high, false), above(left.low, right.high, true))
                }
                Comparison::Equal | Comparison::NotEqual => {
                    let same = single(left).is_some() && single(left) == single(right);
                    let apart = above(left.low, right.high, true) || above(right.low, left.high, true);
                    if op == Comparison::Equal { (same, apart) } else { (apart, same) }
                }
            };
            return if always {
                Some(Verdict::Always)
            } else if never {
                Some(Verdict::Never(None))
            } else {
                Some(Verdict::Open)
            };
        }
        None
    }

    /// The value that a condition is about, and what it asks of it.
    fn tests<'e>(&self, condition: &'e Expr, negated: bool) -> Option<(&'e Expr, Vec<Test>)> {
        let whole = |expr: &Expr| {
            let counted = matches!(
                expr.ty.present(),
                Type::Enum(_) | Type::Date | Type::Time | Type::Bool | Type::Instant
            );
            counted && matches!(expr.kind, ExprKind::Field { .. })
        };
        let compared = |subject: &'e Expr, op: Comparison, value: Ratio| {
            let step = |by: i128| if whole(subject) { value.add(Ratio::whole(by)) } else { None };
            let tests = match op {
                Comparison::Equal => vec![Test::OneOf(vec![value])],
                Comparison::NotEqual => vec![Test::Not(value)],
                Comparison::Less => {
                    vec![step(-1).map_or(Test::To(value, true), |value| Test::To(value, false))]
                }
                Comparison::LessOrEqual => vec![Test::To(value, false)],
                Comparison::Greater => {
                    vec![step(1).map_or(Test::From(value, true), |value| Test::From(value, false))]
                }
                Comparison::GreaterOrEqual => vec![Test::From(value, false)],
            };
            Some((subject, tests))
        };
        match &condition.kind {
            ExprKind::Compare(op, left, right) => {
                let op = if negated { op.opposite() } else { *op };
                match (constant(left), constant(right)) {
                    (None, Some(value)) => compared(left, op, value),
                    (Some(value), None) => compared(right, op.turned(), value),
                    (_, _) => None,
                }
            }
            ExprKind::InRange { value, low, high, included } if !negated => {
                let (low, high) = (constant(low)?, constant(high)?);
                Some((value, vec![Test::From(low, false), Test::To(high, !included)]))
            }
            ExprKind::OneOf(_, values) if values.len() > MANY => None,
            ExprKind::OneOf(value, values) => {
                let values: Option<Vec<Ratio>> = values.iter().map(constant).collect();
                let values = values?;
                let tests = if negated {
                    values.into_iter().map(Test::Not).collect()
                } else {
                    vec![Test::OneOf(values)]
                };
                Some((value, tests))
            }
            ExprKind::InReference(value, reference) => {
                let kind = self.program.kinds.get(reference.kind.index())?;
                if kind.hierarchical || kind.of.is_some() || reference.names.len() > MANY {
                    return self.truth(condition, negated);
                }
                let names: BTreeSet<String> = reference.names.iter().cloned().collect();
                Some((value, vec![if negated { Test::NotNames(names) } else { Test::Names(names) }]))
            }
            ExprKind::Known(value) => {
                Some((value, vec![if negated { Test::Missing } else { Test::Present }]))
            }
            ExprKind::Field { .. }
            | ExprKind::Local(_)
            | ExprKind::Param(_)
            | ExprKind::Call(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::SetHas(..)
            | ExprKind::SetContains(..)
            | ExprKind::InRange { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => self.truth(condition, negated),
            ExprKind::Error
            | ExprKind::Not(_)
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
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
            | ExprKind::Extreme { .. } => None,
        }
    }

    /// The condition as a truth by itself.
    fn truth<'e>(&self, condition: &'e Expr, negated: bool) -> Option<(&'e Expr, Vec<Test>)> {
        Some((condition, vec![Test::OneOf(vec![Ratio::whole(i128::from(!negated))])]))
    }
}

/// The conjuncts of a condition, in the order of the text.
pub fn conjuncts<'e>(condition: &'e Expr, out: &mut Vec<&'e Expr>) {
    if let ExprKind::And(parts) = &condition.kind {
        parts.iter().for_each(|part| conjuncts(part, out));
    } else {
        out.push(condition);
    }
}
