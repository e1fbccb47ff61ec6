//! Rows of tables and arms of `by`: where they are. It refuses to know who runs what.

use super::{
    Badge, Expr, ExprKind, GiftOption, Learn, Offer, OfferStep, Program, Row, SetTo, Source, SourceKind,
    Spendable, Step, Tiers,
};
use perq_grammar::diagnostic::Place;
use std::collections::BTreeSet;

impl Program {
    /// The places of the values of all rows, in the order of files and texts; a row of a template is one, whatever rules are
    /// made from it.
    pub fn arms(&self) -> Vec<Place> {
        let mut places = BTreeSet::new();
        self.each_row(&mut |row| {
            places.insert(row.value.place);
        });
        places.into_iter().collect()
    }

    fn each_row(&self, visit: &mut dyn FnMut(&Row)) {
        for function in &self.functions {
            of_expr(&function.body, visit);
        }
        for rule in &self.rules {
            of_steps(&rule.steps, visit);
        }
        for Spendable { steps, name: _, base: _, events: _, goods: _, lines: _, place: _ } in &self.spendables
        {
            of_steps(steps, visit);
        }
        for Badge { when, .. } in &self.instruments.badges {
            if let Some((conditions, _)) = when {
                conditions.iter().for_each(|condition| of_expr(condition, visit));
            }
        }
        for Tiers { measure, conditions, keep, .. } in &self.instruments.tiers {
            if let Some((_, measure)) = measure {
                of_expr(measure, visit);
            }
            conditions.iter().flatten().for_each(|condition| of_expr(condition, visit));
            if let Some(keep) = keep {
                of_expr(keep, visit);
            }
        }
        for Offer { also, steps, score, learn, .. } in &self.offers.list {
            also.iter().chain(score).for_each(|expr| of_expr(expr, visit));
            for step in steps {
                match step {
                    OfferStep::Let(step) => of_step(step, visit),
                    OfferStep::Condition { clause: _, condition, place: _ } => of_expr(condition, visit),
                }
            }
            if let Some(Learn { by, .. }) = learn {
                by.iter().for_each(|(expr, _)| of_expr(expr, visit));
            }
        }
        for check in &self.checks {
            of_expr(&check.condition, visit);
        }
        for test in &self.tests {
            if let Some(own) = &test.own {
                own.each_row(visit);
            }
        }
    }
}

fn of_steps(steps: &[Step], visit: &mut dyn FnMut(&Row)) {
    steps.iter().for_each(|step| of_step(step, visit));
}

fn of_step(step: &Step, visit: &mut dyn FnMut(&Row)) {
    match step {
        Step::When(expr) | Step::Let(_, expr) => of_expr(expr, visit),
        Step::LetCollection(_, source) => of_source(source, visit),
        Step::ForEach { source, body } => {
            of_source(source, visit);
            of_steps(body, visit);
        }
        Step::Sets { bundle, body } => {
            if let Some(up_to) = &bundle.up_to {
                of_expr(up_to, visit);
            }
            for part in &bundle.parts {
                of_expr(&part.count, visit);
                of_source(&part.of, visit);
            }
            of_steps(body, visit);
        }
        Step::Award { amount, .. }
        | Step::Debit { amount, .. }
        | Step::TenderTerm { amount, .. }
        | Step::Multiply { by: amount, .. }
        | Step::Issue { number: amount, .. } => of_expr(amount, visit),
        Step::TenderLines { target, .. } => of_source(target, visit),
        Step::Discount { amount, target, .. } => {
            of_expr(amount, visit);
            of_source(target, visit);
        }
        Step::Gift { options, pieces, .. } => {
            of_expr(pieces, visit);
            for GiftOption { units, .. } in options {
                if let Some(units) = units {
                    of_source(units, visit);
                }
            }
        }
        Step::Set { value, .. } => match value {
            SetTo::Number(expr) => of_expr(expr, visit),
            SetTo::Field(_) | SetTo::Name(_) => {}
        },
        Step::Tell { .. } => {}
    }
}

fn of_source(source: &Source, visit: &mut dyn FnMut(&Row)) {
    match &source.kind {
        SourceKind::All
        | SourceKind::Past(_)
        | SourceKind::Bound(_)
        | SourceKind::One(_)
        | SourceKind::Set { .. } => {}
        SourceKind::Filter(from, condition) => {
            of_source(from, visit);
            of_expr(condition, visit);
        }
        SourceKind::Extreme { from, count, .. } => {
            of_source(from, visit);
            of_expr(count, visit);
        }
        SourceKind::EveryNth { from, .. } => of_source(from, visit),
    }
}

fn of_expr(expr: &Expr, visit: &mut dyn FnMut(&Row)) {
    match &expr.kind {
        ExprKind::Error
        | ExprKind::Constant(_)
        | ExprKind::Bool(_)
        | ExprKind::Ordinal(_)
        | ExprKind::Field { .. }
        | ExprKind::Local(_)
        | ExprKind::Param(_)
        | ExprKind::Instant(..) => {}
        ExprKind::Call(_, parts)
        | ExprKind::And(parts)
        | ExprKind::Or(parts)
        | ExprKind::Extreme { values: parts, .. } => {
            parts.iter().for_each(|part| of_expr(part, visit));
        }
        ExprKind::Sum(parts) | ExprKind::Product(parts) => {
            parts.iter().for_each(|(_, part)| of_expr(part, visit));
        }
        ExprKind::Not(inner)
        | ExprKind::InReference(inner, _)
        | ExprKind::SetHas(inner, _)
        | ExprKind::Known(inner)
        | ExprKind::Convert { value: inner, .. }
        | ExprKind::Negate(inner)
        | ExprKind::Calendar(_, inner) => of_expr(inner, visit),
        ExprKind::Compare(_, left, right)
        | ExprKind::SetContains(left, right)
        | ExprKind::Modulo(left, right)
        | ExprKind::AddMonths(left, right)
        | ExprKind::Moved(left, right)
        | ExprKind::Steps(left, right) => {
            of_expr(left, visit);
            of_expr(right, visit);
        }
        ExprKind::InRange { value, low, high, included: _ } => {
            of_expr(value, visit);
            of_expr(low, visit);
            of_expr(high, visit);
        }
        ExprKind::OneOf(value, choices) => {
            of_expr(value, visit);
            choices.iter().for_each(|choice| of_expr(choice, visit));
        }
        ExprKind::Aggregate { function: _, value, source } => {
            if let Some(value) = value {
                of_expr(value, visit);
            }
            of_source(source, visit);
        }
        ExprKind::Match { subjects, rows } => {
            subjects.iter().for_each(|subject| of_expr(subject, visit));
            for row in rows {
                of_expr(&row.value, visit);
                visit(row);
            }
        }
    }
}
