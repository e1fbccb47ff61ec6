//! `all` over a collection that may be empty: it holds then, which authors seldom mean.

use super::{Facts, Group, Level, Lint, finding};
use crate::lint::shape::Shape;
use crate::typed::walk::{self, Node};
use crate::typed::{Aggregate, Element, ExprKind, SourceKind};
use perq_grammar::diagnostic::Diagnostic;
use rustc_hash::FxHashSet;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.rules {
        let mut asked: FxHashSet<Shape> = FxHashSet::default();
        let mut alls = Vec::new();
        for condition in &rule.conditions {
            walk::expr(condition, &mut |node| {
                let Node::Expr(expr) = node else { return };
                let ExprKind::Aggregate { function, value, source } = &expr.kind else { return };
                match function {
                    Aggregate::All => alls.push((expr, source)),
                    Aggregate::Any | Aggregate::Count | Aggregate::Distinct if value.is_none() => {
                        asked.insert(rule.shapes.of_source(source));
                    }
                    Aggregate::Any
                    | Aggregate::Count
                    | Aggregate::Distinct
                    | Aggregate::Sum
                    | Aggregate::Avg
                    | Aggregate::Min
                    | Aggregate::Max => {
                        asked.insert(rule.shapes.of_source(source));
                    }
                }
            });
        }
        for (expr, source) in alls {
            // A receipt has lines, as good as always; it need not have payments, a past, or lines of a sort.
            let whole = matches!(source.kind, SourceKind::All);
            let receipt = whole && matches!(source.of, Element::Line | Element::Unit);
            if receipt || asked.contains(&rule.shapes.of_source(source)) {
                continue;
            }
            let of = facts.quote(source.place);
            let message = "this holds where there is nothing at all".to_owned();
            found.push(
                finding(expr.place, message)
                    .at(format!("`all` of no `{}` is true", first_word(&of)))
                    .help(format!("ask as well whether there is one: `any({of}) and …`")),
            );
        }
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or(text)
}
