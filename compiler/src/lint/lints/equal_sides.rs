//! Both sides of a comparison say the same in other words. What says it in the same words is told by the checker.

use super::{Facts, Group, Level, Lint, finding};
use crate::check::types::constant;
use crate::ir::Comparison;
use crate::lint::shape::Shapes;
use crate::typed::walk::{self, Node};
use crate::typed::{Expr, ExprKind};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Deny, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut look = |shapes: &Shapes, node: Node<'_>| {
        let Node::Expr(expr) = node else { return };
        let ExprKind::Compare(op, left, right) = &expr.kind else { return };
        // Literals are told as always or never true.
        if constant(left).is_some() || constant(right).is_some() || shapes.of(left) != shapes.of(right) {
            return;
        }
        let words = |side: &Expr| facts.text(side.place).split_whitespace();
        if words(left).eq(words(right)) {
            return;
        }
        let holds = matches!(op, Comparison::Equal | Comparison::LessOrEqual | Comparison::GreaterOrEqual);
        let verdict = if holds { "always holds" } else { "never holds" };
        found.push(
            finding(expr.place, format!("both sides are the same, so that this {verdict}"))
                .help("compare it with something else"),
        );
    };
    for rule in &facts.rules {
        walk::steps(&rule.rule.steps, &mut |node| look(&rule.shapes, node));
    }
    let shapes = Shapes::default();
    for function in &facts.program.functions {
        walk::expr(&function.body, &mut |node| look(&shapes, node));
    }
}
