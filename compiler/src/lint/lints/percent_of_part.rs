//! `10% of a + b` is `(10% of a) + b`.

use super::{Facts, Group, Level, Lint, finding};
use crate::check::types::constant;
use crate::typed::walk::Node;
use crate::typed::{Expr, ExprKind};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    facts.each(&mut |node| {
        let Node::Expr(sum @ Expr { kind: ExprKind::Sum(terms), .. }) = node else { return };
        let [(false, first), rest @ ..] = terms.as_slice() else { return };
        let text = facts.text(first.place);
        // The part itself, not what stands in parentheses.
        let Some((percent, _)) = text.split_once("% of ") else { return };
        let literal = percent.chars().all(|character| character.is_ascii_digit() || character == '.');
        let opened = facts.text(sum.place).starts_with('(');
        let whole = rest.iter().any(|(_, term)| constant(term).is_none() && !facts.text(term.place).contains('%'));
        if !literal || opened || !whole {
            return;
        }
        found.push(
            finding(sum.place, format!("`{percent}%` is of the first term only"))
                .label(first.place, "the percentage is of this")
                .help("put what it is of in parentheses: `10% of (a + b)`, or the part: `b + 10% of a`"),
        );
    });
}
