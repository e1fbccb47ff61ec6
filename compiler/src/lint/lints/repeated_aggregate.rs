//! The same sum or count worked out twice in one rule.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::shape::Shape;
use crate::typed::walk::{self, Node};
use crate::typed::{Expr, ExprKind, SourceKind};
use perq_grammar::diagnostic::{Diagnostic, Place};
use rustc_hash::FxHashMap;

pub const LINT: Lint = Lint::new(Group::Cost, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.rules {
        let mut seen: FxHashMap<Shape, Place> = FxHashMap::default();
        walk::steps(&rule.rule.steps, &mut |node| {
            let Node::Expr(expr @ Expr { kind: ExprKind::Aggregate { source, .. }, .. }) = node else { return };
            // A whole collection is short to write and quick to count.
            if matches!(source.kind, SourceKind::All | SourceKind::Bound(_)) {
                return;
            }
            let first = *seen.entry(rule.shapes.of(expr)).or_insert(expr.place);
            if first == expr.place || facts.in_template(expr.place) {
                return;
            }
            found.push(
                finding(expr.place, format!("`{}` is worked out twice", facts.quote(expr.place)))
                    .label(first, "here as well")
                    .help("give it a name once: `let … = …`"),
            );
        });
    }
}
