//! Every expression, collection and step of a typed tree, each before what it holds. Refuses to know what is looked for.

use super::{Expr, ExprKind, Pattern, SetTo, Source, SourceKind, Step};

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

/// Whether any of the steps, or of those in their loops, is so.
pub fn any_step(all: &[Step], is: &dyn Fn(&Step) -> bool) -> bool {
    let mut found = false;
    steps(all, &mut |node| {
        if let Node::Step(step) = node {
            found |= is(step);
        }
    });
    found
}

/// An expression and all that it holds.
pub fn expr<'p>(of: &'p Expr, visit: &mut dyn FnMut(Node<'p>)) {
    visit(Node::Expr(of));
    if let ExprKind::Aggregate { function: _, value, source: of } = &of.kind {
        value.iter().for_each(|value| expr(value, visit));
        source(of, visit);
    } else if let ExprKind::Match { subjects, rows } = &of.kind {
        subjects.iter().for_each(|subject| expr(subject, visit));
        for row in rows {
            row.patterns.iter().for_each(|pattern_of| pattern(pattern_of, visit));
            expr(&row.value, visit);
        }
    } else {
        parts(of).into_iter().for_each(|part| expr(part, visit));
    }
}

/// The expressions that an expression is directly made of. What names and functions stand for, collections and patterns are
/// not looked into.
pub fn parts(of: &Expr) -> Vec<&Expr> {
    match &of.kind {
        ExprKind::Error
        | ExprKind::Constant(_)
        | ExprKind::Bool(_)
        | ExprKind::Ordinal(_)
        | ExprKind::Field { .. }
        | ExprKind::Local(_)
        | ExprKind::Param(_)
        | ExprKind::Instant(..)
        | ExprKind::Aggregate { .. } => Vec::new(),
        ExprKind::Call(_, parts) | ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().collect(),
        ExprKind::Extreme { largest: _, values } => values.iter().collect(),
        ExprKind::Not(inner)
        | ExprKind::InReference(inner, _)
        | ExprKind::SetHas(inner, _)
        | ExprKind::Known(inner)
        | ExprKind::Convert { value: inner, .. }
        | ExprKind::Negate(inner)
        | ExprKind::Calendar(_, inner) => vec![inner],
        ExprKind::Compare(_, left, right)
        | ExprKind::SetContains(left, right)
        | ExprKind::Modulo(left, right)
        | ExprKind::AddMonths(left, right)
        | ExprKind::Moved(left, right)
        | ExprKind::Steps(left, right) => vec![left, right],
        ExprKind::InRange { value, low, high, included: _ } => vec![value, low, high],
        ExprKind::OneOf(value, values) => std::iter::once(value.as_ref()).chain(values).collect(),
        ExprKind::Sum(terms) | ExprKind::Product(terms) => terms.iter().map(|(_, term)| term).collect(),
        ExprKind::Match { subjects, rows } => {
            subjects.iter().chain(rows.iter().map(|row| &row.value)).collect()
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
