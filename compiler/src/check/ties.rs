//! Rules of one group and one priority where the first wins: whether both can hold for one event. It refuses to
//! prove much: different events, disjoint dates, and fields that cannot have two values at once.

use super::types::constant;
use super::{Checker, errors};
use crate::ir;
use crate::typed::{Expr, ExprKind, FieldId, Source, SourceKind, Step, Type};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// What a field may be for a rule to hold, whole values only.
#[derive(Clone, Debug)]
enum Allowed {
    /// From and to, both included.
    Between(i64, i64),
    /// One of these.
    Values(BTreeSet<i64>),
    /// A symbol that has one of these names, of a kind without parents.
    Names(BTreeSet<String>),
    /// None of these names.
    NotNames(BTreeSet<String>),
    /// Missing.
    Missing,
}

type Allowances = FxHashMap<FieldId, Vec<Allowed>>;

impl Checker<'_> {
    /// Reports pairs of rules whose order is not said.
    pub(super) fn check_ties(&mut self) {
        let groups: Vec<usize> = (0..self.out.groups.len())
            .filter(|index| {
                self.out.groups.get(*index).is_some_and(|group| group.displace == ir::Displace::First)
            })
            .collect();
        for group in groups {
            let mut by_priority: FxHashMap<i64, Vec<usize>> = FxHashMap::default();
            for (position, rule) in self.out.rules.iter().enumerate() {
                let grouped = self.rule_infos.get(position).is_some_and(|info| info.group.is_some());
                if grouped && rule.group.index() == group {
                    by_priority.entry(rule.priority).or_default().push(position);
                }
            }
            let mut classes: Vec<Vec<usize>> =
                by_priority.into_values().filter(|rules| rules.len() > 1).collect();
            classes.sort();
            for class in classes {
                self.check_class(group, &class);
            }
        }
    }

    fn check_class(&mut self, group: usize, rules: &[usize]) {
        let events: Vec<Allowances> = rules.iter().map(|rule| self.of_event(*rule)).collect();
        let targets: Vec<Vec<Allowances>> = rules.iter().map(|rule| self.of_targets(*rule)).collect();
        let basket = self.out.groups.get(group).is_some_and(|group| group.per == ir::Scope::Basket);
        for (second, rule) in rules.iter().enumerate() {
            let clash = (0..second).find(|first| {
                let (Some(a), Some(b)) = (rules.get(*first), rules.get(second)) else { return false };
                let (Some(a), Some(b)) = (self.out.rules.get(*a), self.out.rules.get(*b)) else {
                    return false;
                };
                // Versions of one rule are never valid together.
                a.name != b.name
                    && a.events.iter().any(|event| b.events.contains(event))
                    && !disjoint(&events[*first], &events[second])
                    && (basket
                        || targets[*first]
                            .iter()
                            .any(|one| targets[second].iter().any(|other| !disjoint(one, other))))
            });
            let Some(first) = clash else { continue };
            let witness = self.witness(&events[first], &events[second]);
            let (Some(earlier), Some(later)) =
                (rules.get(first).and_then(|r| self.out.rules.get(*r)), self.out.rules.get(*rule))
            else {
                continue;
            };
            let group_name = self.out.groups.get(group).map(|group| group.name.clone()).unwrap_or_default();
            let event = earlier
                .events
                .iter()
                .find(|event| later.events.contains(event))
                .and_then(|event| self.out.events.get(event.index()))
                .map(|event| event.name.clone())
                .unwrap_or_default();
            let diagnostic = errors::priority_tie(
                later.place,
                &later.name,
                &earlier.name,
                earlier.place,
                &group_name,
                later.priority,
                &event,
                &witness,
            );
            self.report(diagnostic);
        }
    }

    fn of_event(&self, rule: usize) -> Allowances {
        let mut allowances = Allowances::default();
        let Some(rule) = self.out.rules.get(rule) else { return allowances };
        for step in &rule.steps {
            match step {
                Step::When(condition) => self.gather(condition, false, true, &mut allowances),
                Step::Let(..)
                | Step::LetCollection(..)
                | Step::Sets { .. }
                | Step::ForEach { .. }
                | Step::Award { .. }
                | Step::Debit { .. }
                | Step::TenderLines { .. }
                | Step::TenderTerm { .. }
                | Step::Issue { .. }
                | Step::Gift { .. }
                | Step::Tell { .. }
                | Step::Set { .. }
                | Step::Multiply { .. }
                | Step::Discount { .. } => {}
            }
        }
        allowances
    }

    /// What each effect's lines must be; an effect on the basket or on lines not looked into has no condition.
    fn of_targets(&self, rule: usize) -> Vec<Allowances> {
        let mut targets = Vec::new();
        if let Some(rule) = self.out.rules.get(rule) {
            self.targets_of(&rule.steps, &Allowances::default(), &mut targets);
        }
        targets
    }

    fn targets_of(&self, steps: &[Step], outer: &Allowances, targets: &mut Vec<Allowances>) {
        for step in steps {
            match step {
                Step::ForEach { source, body } => {
                    let mut inner = outer.clone();
                    self.of_source(source, &mut inner);
                    self.targets_of(body, &inner, targets);
                }
                Step::Award { element: Some(_), .. } => targets.push(outer.clone()),
                Step::Award { element: None, .. } | Step::Multiply { .. } => {
                    targets.push(Allowances::default());
                }
                Step::Discount { target, .. } => {
                    let mut own = if matches!(target.kind, SourceKind::One(_)) {
                        outer.clone()
                    } else {
                        Allowances::default()
                    };
                    self.of_source(target, &mut own);
                    targets.push(own);
                }
                // Each part takes from goods of its own.
                Step::Sets { bundle, .. } => {
                    for part in &bundle.parts {
                        let mut own = Allowances::default();
                        self.of_source(&part.of, &mut own);
                        targets.push(own);
                    }
                }
                // Issues, gifts and settings do not compete.
                Step::Issue { .. } | Step::Gift { .. } | Step::Tell { .. } | Step::Set { .. } => {}
                Step::When(_) | Step::Let(..) | Step::LetCollection(..) => {}
                // No group of these compares priorities.
                Step::Debit { .. } | Step::TenderLines { .. } | Step::TenderTerm { .. } => {}
            }
        }
    }

    fn of_source(&self, source: &Source, allowances: &mut Allowances) {
        match &source.kind {
            SourceKind::All
            | SourceKind::Past(_)
            | SourceKind::Bound(_)
            | SourceKind::One(_)
            | SourceKind::Set { .. } => {}
            SourceKind::Filter(from, condition) => {
                self.of_source(from, allowances);
                self.gather(condition, false, false, allowances);
            }
            SourceKind::Extreme { from, .. } | SourceKind::EveryNth { from, .. } => {
                self.of_source(from, allowances);
            }
        }
    }

    /// The conditions on single fields that must hold for an expression to be true (or false).
    fn gather(&self, expr: &Expr, negated: bool, event: bool, allowances: &mut Allowances) {
        let mut add = |field: FieldId, allowed: Allowed| allowances.entry(field).or_default().push(allowed);
        let field_of = |expr: &Expr| {
            let ExprKind::Field { field, of } = &expr.kind else { return None };
            // Fractions of a minor unit have no next value.
            let whole = self.field_of(*field).is_some_and(|f| f.den == 1 && !f.name.starts_with("unit."));
            (of.is_none() == event && (whole || expr.ty != Type::Money)).then_some(*field)
        };
        let whole = |expr: &Expr| -> Option<i64> {
            let steps = matches!(
                expr.ty,
                Type::Enum(_) | Type::Date | Type::Time | Type::Bool | Type::Count(_) | Type::Money
            );
            if steps { constant(expr)?.to_i64() } else { None }
        };
        match &expr.kind {
            ExprKind::And(parts) if !negated => {
                parts.iter().for_each(|part| self.gather(part, false, event, allowances));
            }
            ExprKind::Or(parts) if negated => {
                parts.iter().for_each(|part| self.gather(part, true, event, allowances));
            }
            ExprKind::Not(inner) => self.gather(inner, !negated, event, allowances),
            ExprKind::Field { .. } if expr.ty == Type::Bool => {
                if let Some(field) = field_of(expr) {
                    let value = i64::from(!negated);
                    add(field, Allowed::Between(value, value));
                }
            }
            ExprKind::Known(inner) if negated => {
                if let Some(field) = field_of(inner) {
                    add(field, Allowed::Missing);
                }
            }
            ExprKind::Compare(op, left, right) => {
                let (field, value, op) = match (field_of(left), whole(right), field_of(right), whole(left)) {
                    (Some(field), Some(value), _, _) => (field, value, *op),
                    (_, _, Some(field), Some(value)) => (field, value, op.turned()),
                    (_, _, _, _) => return,
                };
                let op = if negated { op.opposite() } else { op };
                let allowed = match op {
                    ir::Comparison::Equal => Allowed::Between(value, value),
                    ir::Comparison::NotEqual => match self.values_of(field) {
                        Some(count) => Allowed::Values((0..count).filter(|other| *other != value).collect()),
                        None => return,
                    },
                    ir::Comparison::Less => Allowed::Between(i64::MIN, value.saturating_sub(1)),
                    ir::Comparison::LessOrEqual => Allowed::Between(i64::MIN, value),
                    ir::Comparison::Greater => Allowed::Between(value.saturating_add(1), i64::MAX),
                    ir::Comparison::GreaterOrEqual => Allowed::Between(value, i64::MAX),
                };
                add(field, allowed);
            }
            ExprKind::InRange { value, low, high, included } if !negated => {
                if let (Some(field), Some(low), Some(high)) = (field_of(value), whole(low), whole(high)) {
                    add(field, Allowed::Between(low, if *included { high } else { high.saturating_sub(1) }));
                }
            }
            ExprKind::OneOf(value, values) => {
                let (Some(field), Some(values)) = (
                    field_of(value),
                    values.iter().map(constant).map(|v| v?.to_i64()).collect::<Option<BTreeSet<i64>>>(),
                ) else {
                    return;
                };
                if !negated {
                    add(field, Allowed::Values(values));
                } else if let Some(count) = self.values_of(field) {
                    add(field, Allowed::Values((0..count).filter(|other| !values.contains(other)).collect()));
                }
            }
            ExprKind::InReference(value, reference) => {
                let plain = self
                    .out
                    .kinds
                    .get(reference.kind.index())
                    .is_some_and(|k| !k.hierarchical && k.of.is_none());
                if let (Some(field), true) = (field_of(value), plain) {
                    let names = reference.names.iter().cloned().collect();
                    add(field, if negated { Allowed::NotNames(names) } else { Allowed::Names(names) });
                }
            }
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Known(_)
            | ExprKind::InRange { .. }
            | ExprKind::Field { .. }
            | ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Local(_)
            | ExprKind::Param(_)
            | ExprKind::Call(..)
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
            | ExprKind::Match { .. } => {}
        }
    }

    /// How many values a field of an enumeration has.
    fn values_of(&self, field: FieldId) -> Option<i64> {
        let ty = self.field_of(field)?.ty.present();
        if let Type::Enum(id) = ty {
            return Some(self.out.enums.get(id.index())?.values.len() as i64);
        }
        (*ty == Type::Bool).then_some(2)
    }

    /// An event for which both hold, in words.
    fn witness(&self, a: &Allowances, b: &Allowances) -> String {
        let mut fields: Vec<FieldId> = a.keys().chain(b.keys()).copied().collect();
        fields.sort();
        fields.dedup();
        let mut parts = Vec::new();
        for field in fields {
            let Some(declared) = self.field_of(field) else { continue };
            if field == self.builtins.member_known {
                continue;
            }
            let all: Vec<&Allowed> = a.get(&field).into_iter().chain(b.get(&field)).flatten().collect();
            let ty = declared.ty.present();
            let word = |value: i64| self.written(crate::typed::Ratio::whole(i128::from(value)), ty);
            let (low, high, values) = meet(&all);
            let names = all.iter().find_map(|allowed| match allowed {
                Allowed::Names(names) => names.first(),
                Allowed::Between(..) | Allowed::Values(_) | Allowed::NotNames(_) | Allowed::Missing => None,
            });
            if let Some(name) = names {
                parts.push(format!("`{}` is \"{name}\"", declared.name));
            } else if let Some(value) =
                values.and_then(|values| values.into_iter().find(|v| *v >= low && *v <= high))
            {
                parts.push(format!("`{}` is `{}`", declared.name, word(value)));
            } else if low > i64::MIN {
                parts.push(format!("`{}` is `{}`", declared.name, word(low)));
            } else if high < i64::MAX {
                parts.push(format!("`{}` is `{}`", declared.name, word(high)));
            }
        }
        parts.truncate(4);
        parts.join(" and ")
    }
}

/// The range and the values that all allow.
fn meet(all: &[&Allowed]) -> (i64, i64, Option<BTreeSet<i64>>) {
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    let mut values: Option<BTreeSet<i64>> = None;
    for allowed in all {
        match allowed {
            Allowed::Between(from, to) => {
                low = low.max(*from);
                high = high.min(*to);
            }
            Allowed::Values(own) => {
                values = Some(match values {
                    Some(values) => values.intersection(own).copied().collect(),
                    None => own.clone(),
                });
            }
            Allowed::Names(_) | Allowed::NotNames(_) | Allowed::Missing => {}
        }
    }
    (low, high, values)
}

/// Whether no field's value satisfies both.
fn disjoint(a: &Allowances, b: &Allowances) -> bool {
    a.iter().any(|(field, one)| {
        let Some(other) = b.get(field) else { return false };
        let all: Vec<&Allowed> = one.iter().chain(other).collect();
        let (low, high, values) = meet(&all);
        if low > high || values.is_some_and(|values| !values.iter().any(|v| *v >= low && *v <= high)) {
            return true;
        }
        let missing = all.iter().any(|allowed| matches!(allowed, Allowed::Missing));
        let present = all
            .iter()
            .any(|allowed| matches!(allowed, Allowed::Between(..) | Allowed::Values(_) | Allowed::Names(_)));
        if missing && present {
            return true;
        }
        let mut names: Option<BTreeSet<&String>> = None;
        for allowed in &all {
            if let Allowed::Names(own) = allowed {
                names = Some(match names {
                    Some(names) => names.into_iter().filter(|name| own.contains(*name)).collect(),
                    None => own.iter().collect(),
                });
            }
        }
        let Some(mut names) = names else { return false };
        for allowed in &all {
            if let Allowed::NotNames(not) = allowed {
                names.retain(|name| !not.contains(*name));
            }
        }
        names.is_empty()
    })
}
