//! `not not` and `unless not`: the same without them.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::{ClauseKind, ExprKind};
use perq_grammar::diagnostic::{Diagnostic, Span};
use perq_grammar::lex::{Token, TokenKind};

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for tree in facts.trees {
        let words: Vec<&Token> =
            facts.tokens(tree.file).iter().filter(|token| token.kind != TokenKind::Space).collect();
        for pair in words.windows(2) {
            let [first, second] = pair else { continue };
            let is_not = |token: &Token| token.kind == TokenKind::Word && token.text(&tree.text) == "not";
            if is_not(first) && is_not(second) {
                let both = at(tree.file, first.span.to(second.span));
                found.push(
                    finding(both, "`not not` says nothing")
                        .fix("leave both out", followed_by_blank(facts, both.file, both.span), ""),
                );
            }
        }
    }
    for &(file, clause) in facts.clauses() {
        let ClauseKind::Unless(condition) = &clause.kind else { continue };
        if !matches!(condition.kind, ExprKind::Not(_)) || condition.span.start <= clause.span.start {
            continue;
        }
        let head = facts.text(at(file, Span { start: clause.span.start, end: condition.span.start + 3 }));
        let words: Vec<&str> = head.split_whitespace().collect();
        if words == ["unless", "not"] {
            let both = Span { start: clause.span.start, end: condition.span.start + 3 };
            found.push(
                finding(at(file, both), "`unless not` is `when`")
                    .fix("write `when`", at(file, both), "when"),
            );
        }
    }
}

fn followed_by_blank(facts: &Facts<'_>, file: perq_grammar::diagnostic::FileId, span: Span) -> perq_grammar::diagnostic::Place {
    let next = facts.tokens(file).iter().find(|token| token.span.start == span.end);
    let blank = next.filter(|token| token.kind == TokenKind::Space);
    at(file, blank.map_or(span, |blank| span.to(blank.span)))
}
