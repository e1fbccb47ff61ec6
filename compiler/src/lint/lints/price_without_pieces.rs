//! A sum of prices of single pieces over lines: it forgets how many pieces a line has.

use super::{Facts, Group, Level, Lint, finding};
use crate::typed::walk::Node;
use crate::typed::{Aggregate, Element, Expr, ExprKind};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    facts.each(&mut |node| {
        let Node::Expr(Expr {
            kind: ExprKind::Aggregate { function: Aggregate::Sum, value: Some(value), source },
            ..
        }) = node
        else {
            return;
        };
        let ExprKind::Field { field, .. } = value.kind else { return };
        let is_price = facts.program.fields.get(field.0 as usize).is_some_and(|field| field.name == "line.price");
        if is_price && source.of == Element::Line {
            found.push(
                finding(value.place, "this adds the price of one piece of each line")
                    .help("`line.initial` and `line.paid` are of all pieces of a line"),
            );
        }
    });
}
