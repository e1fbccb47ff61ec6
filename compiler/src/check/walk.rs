//! Which names an expression mentions. It refuses to know what they mean.

use perq_grammar::ast;

/// Calls `visit` with every path in an expression: values, calls, collections.
pub(super) fn paths<'e>(expr: &'e ast::Expr, visit: &mut dyn FnMut(&'e ast::Path)) {
    match &expr.kind {
        ast::ExprKind::Error
        | ast::ExprKind::Hole
        | ast::ExprKind::Number(_)
        | ast::ExprKind::Percent(_)
        | ast::ExprKind::Quantity(..)
        | ast::ExprKind::Date(_)
        | ast::ExprKind::Time(_)
        | ast::ExprKind::Instant(..)
        | ast::ExprKind::Text(_)
        | ast::ExprKind::Bool(_)
        | ast::ExprKind::Reference(..) => {}
        ast::ExprKind::Path(path) => visit(path),
        ast::ExprKind::Call(path, arguments) => {
            visit(path);
            arguments.iter().for_each(|argument| paths(argument, visit));
        }
        ast::ExprKind::List(parts) | ast::ExprKind::Logic(_, parts) => {
            parts.iter().for_each(|part| paths(part, visit));
        }
        ast::ExprKind::Not(inner)
        | ast::ExprKind::Known(inner, _)
        | ast::ExprKind::As(inner, _, _)
        | ast::ExprKind::Negate(inner) => paths(inner, visit),
        ast::ExprKind::Compare(_, left, right)
        | ast::ExprKind::Of(left, right)
        | ast::ExprKind::Steps(left, right)
        | ast::ExprKind::In { value: left, negated: _, set: right } => {
            paths(left, visit);
            paths(right, visit);
        }
        ast::ExprKind::InRange { value, negated: _, range } => {
            paths(value, visit);
            paths(&range.low, visit);
            paths(&range.high, visit);
        }
        ast::ExprKind::Sum(first, rest) => {
            paths(first, visit);
            rest.iter().for_each(|(_, part)| paths(part, visit));
        }
        ast::ExprKind::Product(first, rest) => {
            paths(first, visit);
            rest.iter().for_each(|(_, part)| paths(part, visit));
        }
        ast::ExprKind::Aggregate { function: _, value, source } => {
            if let Some(value) = value {
                paths(value, visit);
            }
            source_paths(source, visit);
        }
        ast::ExprKind::By(subject, arms) => {
            paths(subject, visit);
            arms.iter().for_each(|arm| arm_paths(arm, visit));
        }
        ast::ExprKind::Collection(source) => source_paths(source, visit),
    }
}

/// The same of a row.
pub(super) fn arm_paths<'e>(arm: &'e ast::Arm, visit: &mut dyn FnMut(&'e ast::Path)) {
    for pattern in &arm.patterns {
        match pattern {
            ast::Pattern::Band { from, until } => {
                paths(from, visit);
                if let Some(until) = until {
                    paths(until, visit);
                }
            }
            ast::Pattern::Any(_) => {}
            ast::Pattern::Value(value) => paths(value, visit),
        }
    }
    paths(&arm.value, visit);
}

fn source_paths<'e>(source: &'e ast::Source, visit: &mut dyn FnMut(&'e ast::Path)) {
    match &source.kind {
        ast::SourceKind::Filter { earlier: _, collection, window: _, condition } => {
            visit(collection);
            if let Some(condition) = condition {
                paths(condition, visit);
            }
        }
        ast::SourceKind::Extreme { cheapest: _, count, every: _, of } => {
            paths(count, visit);
            source_paths(of, visit);
        }
        ast::SourceKind::EveryNth { nth: _, of, key: _, descending: _ } => source_paths(of, visit),
    }
}
