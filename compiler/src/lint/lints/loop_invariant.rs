//! A sum or count worked out again for each row, though it is the same for all.

use super::{Facts, Group, Level, Lint, finding};
use crate::typed::walk::{self, Node};
use crate::typed::{Expr, ExprKind, LocalId, Source, SourceKind, Step};
use perq_grammar::diagnostic::Diagnostic;
use rustc_hash::FxHashSet;

pub const LINT: Lint = Lint::new(Group::Cost, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.program.rules {
        walk::steps(&rule.steps, &mut |node| match node {
            Node::Step(Step::ForEach { source, body }) => {
                let mut inside: FxHashSet<LocalId> = FxHashSet::from_iter([source.element]);
                bound_in(body, &mut inside);
                walk::steps(body, &mut |node| look(facts, node, &inside, found));
            }
            Node::Source(Source { kind: SourceKind::Filter(_, condition), element, .. }) => {
                let inside = FxHashSet::from_iter([*element]);
                walk::expr(condition, &mut |node| look(facts, node, &inside, found));
            }
            Node::Step(_) | Node::Source(_) | Node::Expr(_) => {}
        });
    }
}

/// All that belongs to one turn of a loop.
fn bound_in(steps: &[Step], inside: &mut FxHashSet<LocalId>) {
    walk::steps(steps, &mut |node| match node {
        Node::Step(Step::Let(local, _) | Step::LetCollection(local, _)) => {
            inside.insert(*local);
        }
        Node::Step(Step::Sets { bundle, .. }) => {
            inside.insert(bundle.local);
        }
        Node::Step(Step::ForEach { source, .. }) => {
            inside.insert(source.element);
        }
        Node::Step(_) | Node::Source(_) | Node::Expr(_) => {}
    });
}

fn look(facts: &Facts<'_>, node: Node<'_>, inside: &FxHashSet<LocalId>, found: &mut Vec<Diagnostic>) {
    let Node::Expr(expr) = node else { return };
    if !matches!(expr.kind, ExprKind::Aggregate { .. }) || mentions(expr, inside) {
        return;
    }
    let message = format!("`{}` is the same for every row and is worked out for each", facts.quote(expr.place));
    found.push(finding(expr.place, message).help("give it a name before the loop: `let … = …`"));
}

fn mentions(expr: &Expr, inside: &FxHashSet<LocalId>) -> bool {
    let mut any = false;
    walk::expr(expr, &mut |node| match node {
        Node::Expr(Expr { kind: ExprKind::Local(local) | ExprKind::Field { of: Some(local), .. }, .. }) => {
            any |= inside.contains(local);
        }
        Node::Source(Source {
            kind: SourceKind::Bound(local) | SourceKind::One(local) | SourceKind::Set { bundle: local, .. },
            ..
        }) => any |= inside.contains(local),
        Node::Expr(_) | Node::Source(_) | Node::Step(_) => {}
    });
    any
}
