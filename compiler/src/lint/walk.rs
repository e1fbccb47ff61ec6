//! Every expression, collection and step of a typed tree, each before what it holds. Refuses to know what is looked for.

use crate::typed::{Expr, ExprKind, Pattern, SetTo, Source, SourceKind, Step};

/// What a walk meets.
#[derive(Clone, Copy, Debug)]
pub enum Node<'p> {
    /// A step of a rule.
    Step(&'p Step),
    /// An expression.
    Expr(&'p Expr),
    /// A collection.
    Source(&'p Source),
}

/// Steps and all that they hold.
pub fn steps<'p>(all: &'p [Step], visit: &mut dyn FnMut(Node<'p>)) {
    for step in all {
        visit(Node::Step(step));
        match step {
            Step::When(condition) => expr(condition, visit),
            Step::Let(_, value) => expr(value, visit),
            Step::LetCollection(_, of) => source(of, visit),
            Step::ForEach { source: of, body } => {
                source(of, visit);
                steps(body, visit);
            }
            Step::Sets { bundle, body } => {
                if let Some(most) = &bundle.up_to {
                    expr(most, visit);
                }
                for part in &bundle.parts {
                    expr(&part.count, visit);
                    source(&part.of, visit);
                }
                steps(body, visit);
            }
            Step::Award { amount, .. } | Step::Debit { amount, .. } | Step::TenderTerm { amount, .. } => {
                expr(amount, visit);
            }
            Step::TenderLines { target, .. } => source(target, visit),
            Step::Multiply { by, .. } => expr(by, visit),
            Step::Discount { amount, target, .. } => {
                expr(amount, visit);
                source(target, visit);
            }
            Step::Issue { number, .. } => expr(number, visit),
            Step::Gift { options, pieces, .. } => {
                expr(pieces, visit);
                for units in options.iter().filter_map(|option| option.units.as_ref()) {
                    source(units, visit);
                }
            }
            Step::Set { value, .. } => match value {
                SetTo::Number(value) => expr(value, visit),
                SetTo::Field(_) | SetTo::Name(_) => {}
            },
            Step::Tell { .. } => {}
        }
    }
}

/// An expression and all that it holds.
pub fn expr<'p>(of: &'p Expr, visit: &mut dyn FnMut(Node<'p>)) {
    visit(Node::Expr(of));
    match &of.kind {
        ExprKind::Error
        | ExprKind::Constant(_)
        | ExprKind::Bool(_)
        | ExprKind::Ordinal(_)
        | ExprKind::Instant(..)
        | ExprKind::Field { .. }
        | ExprKind::Local(_)
        | ExprKind::Param(_) => {}
        ExprKind::Call(_, parts) | ExprKind::And(parts) | ExprKind::Or(parts) => {
            parts.iter().for_each(|part| expr(part, visit));
        }
        ExprKind::Extreme { largest: _, values } => values.iter().for_each(|value| expr(value, visit)),
        ExprKind::Not(inner)
        | ExprKind::Negate(inner)
        | ExprKind::Known(inner)
        | ExprKind::InReference(inner, _)
        | ExprKind::SetHas(inner, _)
        | ExprKind::Convert { value: inner, .. }
        | ExprKind::Calendar(_, inner) => expr(inner, visit),
        ExprKind::Compare(_, left, right)
        | ExprKind::SetContains(left, right)
        | ExprKind::Modulo(left, right)
        | ExprKind::AddMonths(left, right)
        | ExprKind::Moved(left, right)
        | ExprKind::Steps(left, right) => {
            expr(left, visit);
            expr(right, visit);
        }
        ExprKind::InRange { value, low, high, included: _ } => {
            expr(value, visit);
            expr(low, visit);
            expr(high, visit);
        }
        ExprKind::OneOf(value, values) => {
            expr(value, visit);
            values.iter().for_each(|value| expr(value, visit));
        }
        ExprKind::Sum(terms) | ExprKind::Product(terms) => {
            terms.iter().for_each(|(_, term)| expr(term, visit));
        }
        ExprKind::Aggregate { function: _, value, source: of } => {
            if let Some(value) = value {
                expr(value, visit);
            }
            source(of, visit);
        }
        ExprKind::Match { subjects, rows } => {
            subjects.iter().for_each(|subject| expr(subject, visit));
            for row in rows {
                row.patterns.iter().for_each(|pattern_of| pattern(pattern_of, visit));
                expr(&row.value, visit);
            }
        }
    }
}

fn pattern<'p>(of: &'p Pattern, visit: &mut dyn FnMut(Node<'p>)) {
    match of {
        Pattern::Any | Pattern::Reference(_) => {}
        Pattern::Value(value) => expr(value, visit),
        Pattern::AnyOf(patterns) => patterns.iter().for_each(|one| pattern(one, visit)),
        Pattern::Band { from, until } => {
            expr(from, visit);
            if let Some(until) = until {
                expr(until, visit);
            }
        }
    }
}

/// A collection and all that it holds.
pub fn source<'p>(of: &'p Source, visit: &mut dyn FnMut(Node<'p>)) {
    visit(Node::Source(of));
    match &of.kind {
        SourceKind::All
        | SourceKind::Past(_)
        | SourceKind::Bound(_)
        | SourceKind::One(_)
        | SourceKind::Set { .. } => {}
        SourceKind::Filter(from, condition) => {
            source(from, visit);
            expr(condition, visit);
        }
        SourceKind::Extreme { from, count, .. } => {
            source(from, visit);
            expr(count, visit);
        }
        SourceKind::EveryNth { from, .. } => source(from, visit),
    }
}
