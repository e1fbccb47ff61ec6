//! A choice that gives the same whatever is chosen.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::shape::Shapes;
use crate::typed::walk::Node;
use crate::typed::{Expr, ExprKind};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let shapes = Shapes::default();
    facts.each(&mut |node| {
        let Node::Expr(expr @ Expr { kind: ExprKind::Match { subjects: _, rows }, .. }) = node else { return };
        let [first, rest @ ..] = rows.as_slice() else { return };
        let value = shapes.of(&first.value);
        if !rest.is_empty() && rest.iter().all(|row| shapes.of(&row.value) == value) {
            let message = format!("every row gives `{}`", facts.quote(first.value.place));
            found.push(finding(expr.place, message).help("write the value by itself, or mend a row"));
        }
    });
}
