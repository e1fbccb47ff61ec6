//! One value compared with several, one by one.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::Comparison;
use crate::typed::walk::Node;
use crate::lint::shape::Shapes;
use crate::typed::{Expr, ExprKind, Type};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let shapes = Shapes::default();
    facts.each(&mut |node| {
        let Node::Expr(Expr { kind: ExprKind::Or(parts), place, .. }) = node else { return };
        let sides: Option<Vec<(&Expr, &Expr)>> = parts.iter().map(equal).collect();
        let Some(sides) = sides else { return };
        let Some((subject, _)) = sides.first() else { return };
        let shape = shapes.of(subject);
        if sides.iter().any(|(other, _)| shapes.of(other) != shape) {
            return;
        }
        let values: Vec<&str> = sides.iter().map(|(_, value)| facts.text(value.place)).collect();
        let one = format!("{} in [{}]", facts.text(subject.place), values.join(", "));
        if one.contains(['#', '\n']) {
            return;
        }
        found.push(
            finding(*place, format!("`{}` is compared with one value after another", facts.quote(subject.place)))
                .fix("write it as a list", *place, one),
        );
    });
}

/// A value of an enumeration, and what it is compared with.
fn equal(part: &Expr) -> Option<(&Expr, &Expr)> {
    let ExprKind::Compare(Comparison::Equal, left, right) = &part.kind else { return None };
    let is_enum = matches!(left.ty.present(), Type::Enum(_));
    (is_enum && matches!(right.kind, ExprKind::Ordinal(_))).then_some((left.as_ref(), right.as_ref()))
}
