//! The same value twice in a list.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::diagnostic::Diagnostic;
use perq_grammar::lex::{Token, TokenKind};
use rustc_hash::FxHashSet;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for tree in facts.trees {
        let is_read = |token: &&Token| !matches!(token.kind, TokenKind::Space | TokenKind::Newline);
        let tokens: Vec<&Token> = facts.tokens(tree.file).iter().filter(is_read).collect();
        let mut rest = tokens.as_slice();
        while let Some(start) = rest.iter().position(|token| token.kind == TokenKind::OpenBracket) {
            rest = rest.get(start + 1..).unwrap_or(&[]);
            let closed = rest.iter().position(|token| token.kind == TokenKind::CloseBracket);
            let Some(inside) = closed.and_then(|end| rest.get(..end)) else { break };
            let values: Vec<&[&Token]> = inside.split(|token| token.kind == TokenKind::Comma).collect();
            let mut seen: FxHashSet<&str> = FxHashSet::default();
            let mut before: Option<&Token> = None;
            for value in &values {
                // One token each: more than that is no plain list.
                let [one] = value else { break };
                let text = one.text(&tree.text);
                if seen.contains(text)
                    && let Some(before) = before
                {
                    let place = at(tree.file, one.span);
                    let mut cut = one.span;
                    cut.start = before.span.end;
                    found.push(
                        finding(place, format!("`{}` stands twice in this list", facts.quote(place)))
                            .fix("leave it out", at(tree.file, cut), ""),
                    );
                }
                seen.insert(text);
                before = Some(one);
            }
        }
    }
}
