//! A table or a choice that gives a higher level, or a larger sum, less.

use super::{Facts, Group, Level, Lint, finding};
use crate::check::types::constant;
use crate::typed::walk::Node;
use crate::typed::{Expr, ExprKind, Pattern, Ratio, Row, Type};
use perq_grammar::diagnostic::Diagnostic;
use std::cmp::Ordering;

pub const LINT: Lint = Lint::new(Group::Money, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    facts.each(&mut |node| {
        let Node::Expr(Expr { kind: ExprKind::Match { subjects, rows }, ty, .. }) = node else { return };
        let [subject] = subjects.as_slice() else { return };
        if !matches!(ty.present(), Type::Percent | Type::Points(_)) {
            return;
        }
        let levels = match subject.ty.present() {
            Type::Enum(id) => match facts.program.enums.get(id.index()) {
                // Days of the week have an order and no rank.
                Some(of) if of.ordered && of.name != "Weekday" => true,
                Some(_) | None => return,
            },
            _ => false,
        };
        let mut steps: Vec<(Ratio, Ratio, &Expr)> = rows.iter().filter_map(step).collect();
        steps.sort_by(|(a, ..), (b, ..)| a.compare(*b).unwrap_or(Ordering::Equal));
        let pairs = || steps.iter().zip(steps.iter().skip(1));
        let compared = |a: &Ratio, b: &Ratio| a.compare(*b).unwrap_or(Ordering::Equal);
        let rises = pairs().any(|((_, a, _), (_, b, _))| compared(a, b).is_lt());
        for ((_, a, above), (_, b, row)) in pairs() {
            // Bands may fall from the first to the last on purpose; levels that do are strange all the same.
            if compared(a, b).is_gt() && (rises || levels) {
                let word = if levels { "a higher level" } else { "a larger value" };
                found.push(
                    finding(row.place, format!("{word} gets less here than the one below it"))
                        .label(above.place, "than this")
                        .help("put the rates in order, or say why they fall"),
                );
            }
        }
    });
}

/// Where a row begins and what it gives.
fn step(row: &Row) -> Option<(Ratio, Ratio, &Expr)> {
    let [pattern] = row.patterns.as_slice() else { return None };
    let from = match pattern {
        Pattern::Value(value) => constant(value)?,
        Pattern::Band { from, until: _ } => constant(from)?,
        Pattern::Any | Pattern::Reference(_) | Pattern::AnyOf(_) => return None,
    };
    Some((from, constant(&row.value)?, &row.value))
}
