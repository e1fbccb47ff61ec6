//! The least and the most that an expression can be, whatever the data: from literals, the ranges of parameters, counts
//! and choices. Refuses to guess: what the data alone decide is open.

use crate::check::types::constant;
use crate::typed::{Aggregate, Expr, ExprKind, LocalId, Program, Ratio, Step, Type};
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::cmp::Ordering;

/// From and to, both included; open where nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub low: Option<Ratio>,
    /// The most.
    pub high: Option<Ratio>,
}

/// How deep names are followed.
const DEEPEST: u32 = 24;

impl Bounds {
    fn exactly(value: Ratio) -> Bounds {
        Bounds { low: Some(value), high: Some(value) }
    }

    fn add(self, other: Bounds) -> Bounds {
        let sum = |a: Option<Ratio>, b: Option<Ratio>| a?.add(b?);
        Bounds { low: sum(self.low, other.low), high: sum(self.high, other.high) }
    }

    fn negated(self) -> Bounds {
        Bounds { low: self.high.and_then(Ratio::negated), high: self.low.and_then(Ratio::negated) }
    }

    fn is_not_negative(self) -> bool {
        self.low.is_some_and(|low| low.num >= 0)
    }

    /// Exact where both are closed or neither can be negative.
    fn multiplied(self, other: Bounds) -> Bounds {
        if self.is_not_negative() && other.is_not_negative() {
            let product = |a: Option<Ratio>, b: Option<Ratio>| a?.multiplied(b?);
            return Bounds { low: product(self.low, other.low), high: product(self.high, other.high) };
        }
        let (Some(a), Some(b), Some(c), Some(d)) = (self.low, self.high, other.low, other.high) else {
            return Bounds::default();
        };
        let products = [a.multiplied(c), a.multiplied(d), b.multiplied(c), b.multiplied(d)];
        let all: Option<Vec<Ratio>> = products.into_iter().collect();
        let Some(all) = all else { return Bounds::default() };
        Bounds { low: all.iter().copied().reduce(Ratio::min_of), high: all.into_iter().reduce(max_of) }
    }

    /// Of one or the other.
    fn either(self, other: Bounds) -> Bounds {
        let both = |a: Option<Ratio>, b: Option<Ratio>, of: fn(Ratio, Ratio) -> Ratio| Some(of(a?, b?));
        Bounds { low: both(self.low, other.low, Ratio::min_of), high: both(self.high, other.high, max_of) }
    }
}

/// The larger of two.
pub fn max_of(a: Ratio, b: Ratio) -> Ratio {
    if a.compare(b).is_some_and(Ordering::is_lt) { b } else { a }
}

/// What names stand for, where that has bounds.
#[derive(Clone, Debug)]
pub struct Ranges<'p> {
    program: &'p Program,
    lets: FxHashMap<LocalId, &'p Expr>,
    /// Expressions that the question at hand may still look at: definitions that use definitions unfold without end.
    fuel: Cell<u32>,
}

/// Expressions that one question may look at.
const FUEL: u32 = 10_000;

impl<'p> Ranges<'p> {
    /// Of a rule's steps.
    pub fn of_steps(program: &'p Program, steps: &'p [Step]) -> Ranges<'p> {
        let mut ranges = Ranges { program, lets: FxHashMap::default(), fuel: Cell::new(FUEL) };
        ranges.learn(steps);
        ranges
    }

    fn learn(&mut self, steps: &'p [Step]) {
        for step in steps {
            match step {
                Step::Let(local, value) => {
                    self.lets.insert(*local, value);
                }
                Step::ForEach { source: _, body } | Step::Sets { bundle: _, body } => self.learn(body),
                Step::LetCollection(..)
                | Step::When(_)
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

    /// What a name stands for in this rule.
    pub fn behind<'e>(&self, expr: &'e Expr) -> &'e Expr
    where
        'p: 'e,
    {
        let mut at = expr;
        for _ in 0..DEEPEST {
            let ExprKind::Local(local) = &at.kind else { return at };
            let Some(value) = self.lets.get(local) else { return at };
            at = value;
        }
        at
    }

    /// Of an expression.
    pub fn of(&self, expr: &Expr) -> Bounds {
        self.fuel.set(FUEL);
        self.bounds(expr, &FxHashMap::default(), DEEPEST)
    }

    fn bounds(&self, expr: &Expr, given: &FxHashMap<LocalId, Bounds>, depth: u32) -> Bounds {
        let Some(depth) = self.deeper(depth) else { return Bounds::default() };
        let of = |expr: &Expr| self.bounds(expr, given, depth);
        if let Some(value) = constant(expr) {
            return Bounds::exactly(value);
        }
        match &expr.kind {
            ExprKind::Local(local) => match (given.get(local), self.lets.get(local)) {
                (Some(bounds), _) => *bounds,
                (None, Some(value)) => of(value),
                (None, None) => Bounds::default(),
            },
            ExprKind::Param(id) => self.param(*id),
            ExprKind::Call(id, arguments) => {
                let Some(function) = self.program.functions.get(id.0 as usize) else {
                    return Bounds::default();
                };
                let given = function.params.iter().copied().zip(arguments.iter().map(of)).collect();
                self.bounds(&function.body, &given, depth)
            }
            ExprKind::Convert { value, ratio, rounding: None } => {
                of(value).multiplied(Bounds::exactly(*ratio))
            }
            ExprKind::Sum(terms) => {
                terms.iter().fold(Bounds::exactly(Ratio::whole(0)), |sum, (minus, term)| {
                    let term = of(term);
                    sum.add(if *minus { term.negated() } else { term })
                })
            }
            ExprKind::Product(factors) => {
                factors.iter().fold(Bounds::exactly(Ratio::whole(1)), |product, (divides, factor)| {
                    match (divides, constant(factor)) {
                        (false, _) => product.multiplied(of(factor)),
                        (true, Some(by)) => match Ratio::whole(1).divided(by) {
                            Some(part) => product.multiplied(Bounds::exactly(part)),
                            None => Bounds::default(),
                        },
                        (true, None) => Bounds::default(),
                    }
                })
            }
            ExprKind::Negate(inner) => of(inner).negated(),
            ExprKind::Extreme { largest, values } => {
                let all: Vec<Bounds> = values.iter().map(of).collect();
                // One known bound is enough on the side where the others can only help.
                let known = |of: fn(&Bounds) -> Option<Ratio>, best: fn(Ratio, Ratio) -> Ratio| {
                    all.iter().filter_map(of).reduce(best)
                };
                let every = |of: fn(&Bounds) -> Option<Ratio>, best: fn(Ratio, Ratio) -> Ratio| {
                    all.iter().map(of).reduce(|a, b| Some(best(a?, b?))).flatten()
                };
                if *largest {
                    Bounds { low: known(|b| b.low, max_of), high: every(|b| b.high, max_of) }
                } else {
                    Bounds { low: every(|b| b.low, Ratio::min_of), high: known(|b| b.high, Ratio::min_of) }
                }
            }
            ExprKind::Aggregate { function: Aggregate::Count | Aggregate::Distinct, .. } => {
                Bounds { low: Some(Ratio::whole(0)), high: None }
            }
            ExprKind::Match { subjects: _, rows } => {
                rows.iter().map(|row| of(&row.value)).reduce(Bounds::either).unwrap_or_default()
            }
            ExprKind::Modulo(_, by) => match constant(by) {
                Some(by) if by.num > 0 => Bounds { low: Some(Ratio::whole(0)), high: Some(by) },
                Some(_) | None => Bounds::default(),
            },
            ExprKind::Field { .. } => {
                let Type::Enum(id) = expr.ty.present() else { return Bounds::default() };
                let count = self.program.enums.get(id.index()).map_or(0, |of| of.values.len());
                match i128::try_from(count) {
                    Ok(count @ 1..) => {
                        Bounds { low: Some(Ratio::whole(0)), high: Some(Ratio::whole(count - 1)) }
                    }
                    Ok(_) | Err(_) => Bounds::default(),
                }
            }
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
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
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Aggregate { .. } => Bounds::default(),
        }
    }

    fn deeper(&self, depth: u32) -> Option<u32> {
        self.fuel.set(self.fuel.get().checked_sub(1)?);
        depth.checked_sub(1)
    }

    /// What a deployment may set; anything where no range is declared.
    fn param(&self, id: crate::ir::ParamId) -> Bounds {
        let Some(param) = self.program.params.get(id.index()) else { return Bounds::default() };
        let base = |slot: i64| Ratio { num: i128::from(slot), den: param.den.max(1) };
        match param.ir.range {
            Some((low, high)) => Bounds { low: Some(base(low)), high: Some(base(high)) },
            None => Bounds::default(),
        }
    }

    /// Whether an expression grows without a most with what is bought: whole steps, counts of pieces or rows.
    pub fn grows(&self, expr: &Expr) -> bool {
        self.fuel.set(FUEL);
        self.grows_within(expr, true, DEEPEST)
    }

    /// The same of pieces and rows alone: steps in a sum of money are a share of it, which bounds itself.
    pub fn grows_by_pieces(&self, expr: &Expr) -> bool {
        self.fuel.set(FUEL);
        self.grows_within(expr, false, DEEPEST)
    }

    fn grows_within(&self, expr: &Expr, by_steps: bool, depth: u32) -> bool {
        let Some(depth) = self.deeper(depth) else { return false };
        let of = |expr: &Expr| self.grows_within(expr, by_steps, depth);
        match &expr.kind {
            ExprKind::Steps(_, within) => by_steps || matches!(within.ty.present(), Type::Count(_)),
            ExprKind::Aggregate { function: Aggregate::Count | Aggregate::Distinct, .. } => true,
            ExprKind::Aggregate { function: Aggregate::Sum, value: Some(value), source: _ } => {
                matches!(value.ty.present(), Type::Count(_))
            }
            ExprKind::Field { .. } => matches!(expr.ty.present(), Type::Count(_)),
            ExprKind::Local(local) => self.lets.get(local).is_some_and(|value| of(value)),
            ExprKind::Call(id, arguments) => {
                let Some(function) = self.program.functions.get(id.0 as usize) else { return false };
                of(&function.body)
                    || (matches!(function.body.kind, ExprKind::Product(_)) && arguments.iter().any(of))
            }
            ExprKind::Convert { value, .. } => of(value),
            ExprKind::Sum(terms) => terms.iter().any(|(minus, term)| !minus && of(term)),
            ExprKind::Product(factors) => factors.iter().any(|(divides, factor)| !divides && of(factor)),
            ExprKind::Extreme { largest, values } => {
                if *largest {
                    values.iter().any(of)
                } else {
                    values.iter().all(of)
                }
            }
            ExprKind::Match { subjects: _, rows } => rows.iter().any(|row| of(&row.value)),
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Param(_)
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
            | ExprKind::Modulo(..)
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Aggregate { .. } => false,
        }
    }
}
