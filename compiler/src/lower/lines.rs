//! Which line a rule cannot do without: conditions of which some line must satisfy all, or the rule gives nothing. An
//! index then asks such rules only where there is such a line. Refuses to know indexes.

use super::atom::conjuncts;
use crate::check::types::constant;
use crate::ir::{AtomId, Comparison, Space};
use crate::typed::{Aggregate, Element, Expr, ExprKind, LocalId, Rule, Source, SourceKind, Step};

/// What a rule's names stand for, as far as they are bound.
#[derive(Default)]
struct Bound<'t> {
    collections: Vec<(LocalId, &'t Source)>,
    values: Vec<(LocalId, &'t Expr)>,
}

impl<'t> Bound<'t> {
    fn value(&self, local: LocalId) -> Option<&'t Expr> {
        self.values.iter().rev().find(|(name, _)| *name == local).map(|(_, value)| *value)
    }

    /// The elements without which a condition does not hold.
    fn needed(&self, condition: &'t Expr) -> Option<&'t Source> {
        match &condition.kind {
            ExprKind::Aggregate { function: Aggregate::Any, source, .. } => Some(source),
            ExprKind::Compare(comparison, left, right) => self
                .exceeded(*comparison, left, right)
                .or_else(|| self.exceeded(comparison.turned(), right, left)),
            ExprKind::Local(local) => self.needed(self.value(*local)?),
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Field { .. }
            | ExprKind::Param(_)
            | ExprKind::Call(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
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
            | ExprKind::Match { .. } => None,
        }
    }

    /// The elements without which the left side is nothing, where the right side asks for more than nothing.
    fn exceeded(&self, comparison: Comparison, left: &'t Expr, right: &'t Expr) -> Option<&'t Source> {
        let least = constant(right)?;
        let more = match comparison {
            Comparison::GreaterOrEqual | Comparison::Equal => least.num > 0,
            Comparison::Greater => least.num >= 0,
            Comparison::Less | Comparison::LessOrEqual | Comparison::NotEqual => false,
        };
        if more { self.vanishes(left) } else { None }
    }

    /// The elements without which a number is nothing, and cannot fail to be worked out.
    fn vanishes(&self, value: &'t Expr) -> Option<&'t Source> {
        match &value.kind {
            ExprKind::Aggregate {
                function: Aggregate::Sum | Aggregate::Count | Aggregate::Distinct,
                source,
                ..
            } => Some(source),
            ExprKind::Local(local) => self.vanishes(self.value(*local)?),
            ExprKind::Convert { value, .. } => self.vanishes(value),
            ExprKind::Product(factors) => {
                // A quotient may have no value, and a factor that is worked out may fail.
                let plain = |factor: &Expr| matches!(factor.kind, ExprKind::Constant(_) | ExprKind::Param(_));
                let (mut found, mut others) = (None, true);
                for (divides, factor) in factors {
                    let vanishing = if *divides { None } else { self.vanishes(factor) };
                    others &= vanishing.is_some() || !divides && plain(factor);
                    found = found.or(vanishing);
                }
                found.filter(|_| others)
            }
            ExprKind::Steps(step, of) => {
                constant(step).filter(|step| step.num > 0).and_then(|_| self.vanishes(of))
            }
            ExprKind::Extreme { largest: false, values } => {
                // The smallest of nothing and what is not below it.
                let (mut found, mut others) = (None, true);
                for value in values {
                    let vanishing = self.vanishes(value);
                    others &= vanishing.is_some() || constant(value).is_some_and(|value| value.num >= 0);
                    found = found.or(vanishing);
                }
                found.filter(|_| others)
            }
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Field { .. }
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
            | ExprKind::Sum(_)
            | ExprKind::Modulo(..)
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => None,
        }
    }
}

impl super::Lowering<'_> {
    /// Line atoms of which some line must satisfy all, or the rule proposes nothing.
    pub fn line_atoms(&mut self, rule: &Rule) -> Vec<AtomId> {
        let mut bound = Bound::default();
        let mut sources: Vec<&Source> = Vec::new();
        let mut unguarded = false;
        for step in &rule.steps {
            match step {
                Step::When(condition) => {
                    let mut parts = Vec::new();
                    conjuncts(self.program, condition, &mut parts);
                    for part in parts {
                        if let Some(source) = bound.needed(part) {
                            let found = self.source_atoms(source, &bound);
                            if !found.is_empty() {
                                return found;
                            }
                        }
                    }
                }
                Step::LetCollection(local, source) => bound.collections.push((*local, source)),
                Step::Let(local, value) => bound.values.push((*local, value)),
                Step::ForEach { source, .. } => sources.push(source),
                Step::Discount { target, .. } | Step::TenderLines { target, .. } => sources.push(target),
                Step::TenderTerm { .. } => {}
                // Its first part must be there.
                Step::Sets { bundle, .. } => sources.extend(bundle.parts.first().map(|part| &part.of)),
                Step::Award { amount, .. } => match bound.vanishes(amount) {
                    Some(source) => sources.push(source),
                    None => unguarded = true,
                },
                Step::Debit { .. }
                | Step::Multiply { .. }
                | Step::Issue { .. }
                | Step::Gift { .. }
                | Step::Tell { .. }
                | Step::Set { .. } => unguarded = true,
            }
        }
        if unguarded {
            return Vec::new();
        }
        let mut common: Option<Vec<AtomId>> = None;
        for source in sources {
            let atoms = self.source_atoms(source, &bound);
            match &common {
                None => common = Some(atoms),
                Some(so_far) if *so_far == atoms => {}
                Some(_) => return Vec::new(),
            }
        }
        common.unwrap_or_default()
    }

    fn source_atoms(&mut self, source: &Source, bound: &Bound<'_>) -> Vec<AtomId> {
        let mut atoms = Vec::new();
        let mut source = source;
        loop {
            match &source.kind {
                SourceKind::All | SourceKind::Past(_) | SourceKind::One(_) | SourceKind::Set { .. } => break,
                SourceKind::Bound(local) => match bound.collections.iter().find(|(name, _)| name == local) {
                    Some((_, bound)) => source = bound,
                    None => break,
                },
                SourceKind::Filter(inner, condition) => {
                    let condition: &Expr = condition;
                    let mut parts = Vec::new();
                    conjuncts(self.program, condition, &mut parts);
                    for part in parts {
                        if matches!(source.of, Element::Line | Element::Unit)
                            && let Some(atom) = self.atom(part, Space::Line)
                        {
                            atoms.push(self.atom_id(atom));
                        }
                    }
                    source = inner;
                }
                SourceKind::Extreme { from, .. } | SourceKind::EveryNth { from, .. } => source = from,
            }
        }
        atoms.sort_unstable();
        atoms.dedup();
        atoms
    }
}
