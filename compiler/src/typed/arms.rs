//! Rows of tables and arms of `by`: where they are, and what a program would be in which one of them cannot be worked out.
//!
//! A row that fails where it is reached says that it is reached. It refuses to know who runs what.

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
        self.clone().each_row(&mut |row| {
            places.insert(row.value.place);
        });
        places.into_iter().collect()
    }

    /// This program, but that the row whose value stands here fails as one does in which nothing fits.
    #[must_use]
    pub fn failing_at(&self, place: Place) -> Program {
        let mut program = self.clone();
        program.each_row(&mut |row| {
            if row.value.place == place {
                row.value.kind = ExprKind::Match { subjects: Vec::new(), rows: Vec::new() };
            }
        });
        program
    }

    fn each_row(&mut self, visit: &mut dyn FnMut(&mut Row)) {
        for function in &mut self.functions {
            of_expr(&mut function.body, visit);
        }
        for rule in &mut self.rules {
            of_steps(&mut rule.steps, visit);
        }
        for Spendable { steps, name: _, base: _, events: _, goods: _, lines: _, place: _ } in
            &mut self.spendables
        {
            of_steps(steps, visit);
        }
        for Badge { when, .. } in &mut self.instruments.badges {
            if let Some((conditions, _)) = when {
                conditions.iter_mut().for_each(|condition| of_expr(condition, visit));
            }
        }
        for Tiers { measure, conditions, keep, .. } in &mut self.instruments.tiers {
            if let Some((_, measure)) = measure {
                of_expr(measure, visit);
            }
            conditions.iter_mut().flatten().for_each(|condition| of_expr(condition, visit));
            if let Some(keep) = keep {
                of_expr(keep, visit);
            }
        }
        for Offer { also, steps, score, learn, .. } in &mut self.offers.list {
            also.iter_mut().chain(score).for_each(|expr| of_expr(expr, visit));
            for step in steps {
                match step {
                    OfferStep::Let(step) => of_step(step, visit),
                    OfferStep::Condition { clause: _, condition, place: _ } => of_expr(condition, visit),
                }
            }
            if let Some(Learn { by, .. }) = learn {
                by.iter_mut().for_each(|(expr, _)| of_expr(expr, visit));
            }
        }
        for check in &mut self.checks {
            of_expr(&mut check.condition, visit);
        }
        for test in &mut self.tests {
            if let Some(own) = &mut test.own {
                own.each_row(visit);
            }
        }
    }
}

fn of_steps(steps: &mut [Step], visit: &mut dyn FnMut(&mut Row)) {
    steps.iter_mut().for_each(|step| of_step(step, visit));
}

fn of_step(step: &mut Step, visit: &mut dyn FnMut(&mut Row)) {
    match step {
        Step::When(expr) | Step::Let(_, expr) => of_expr(expr, visit),
        Step::LetCollection(_, source) => of_source(source, visit),
        Step::ForEach { source, body } => {
            of_source(source, visit);
            of_steps(body, visit);
        }
        Step::Sets { bundle, body } => {
            if let Some(up_to) = &mut bundle.up_to {
                of_expr(up_to, visit);
            }
            for part in &mut bundle.parts {
                of_expr(&mut part.count, visit);
                of_source(&mut part.of, visit);
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

fn of_source(source: &mut Source, visit: &mut dyn FnMut(&mut Row)) {
    match &mut source.kind {
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

fn of_expr(expr: &mut Expr, visit: &mut dyn FnMut(&mut Row)) {
    match &mut expr.kind {
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
            parts.iter_mut().for_each(|part| of_expr(part, visit));
        }
        ExprKind::Sum(parts) | ExprKind::Product(parts) => {
            parts.iter_mut().for_each(|(_, part)| of_expr(part, visit));
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
            choices.iter_mut().for_each(|choice| of_expr(choice, visit));
        }
        ExprKind::Aggregate { function: _, value, source } => {
            if let Some(value) = value {
                of_expr(value, visit);
            }
            of_source(source, visit);
        }
        ExprKind::Match { subjects, rows } => {
            subjects.iter_mut().for_each(|subject| of_expr(subject, visit));
            for row in rows {
                // Rows inside first: a row that fails has none.
                of_expr(&mut row.value, visit);
                visit(row);
            }
        }
    }
}
