//! Parentheses around one word or number, and two pairs around the same.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::diagnostic::{Diagnostic, Span};
use perq_grammar::lex::{Token, TokenKind};

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for tree in facts.trees {
        let is_read = |token: &&Token| !matches!(token.kind, TokenKind::Space | TokenKind::Newline);
        let tokens: Vec<&Token> = facts.tokens(tree.file).iter().filter(is_read).collect();
        let mut open: Vec<usize> = Vec::new();
        let mut closing: Vec<Option<usize>> = vec![None; tokens.len()];
        for (index, token) in tokens.iter().enumerate() {
            if token.kind == TokenKind::OpenParen {
                open.push(index);
            } else if token.kind == TokenKind::CloseParen
                && let Some(slot) = open.pop().and_then(|start| closing.get_mut(start))
            {
                *slot = Some(index);
            }
        }
        for (start, end) in closing.iter().enumerate().filter_map(|(start, end)| Some((start, (*end)?))) {
            let before: Option<&&Token> = start.checked_sub(1).and_then(|before| tokens.get(before));
            // What calls, aggregates and declares has its parentheses.
            let joins = |token: &&&Token| {
                let text = token.text(&tree.text);
                token.kind == TokenKind::Word && !JOINING.contains(&text)
            };
            if before.filter(joins).is_some() {
                continue;
            }
            let inner = tokens.get(start + 1..end).unwrap_or(&[]);
            let twice = closing.get(start + 1).copied().flatten() == end.checked_sub(1);
            let single = match inner {
                [one] => matches!(one.kind, TokenKind::Word | TokenKind::Number),
                parts => {
                    let odd = parts.len() % 2 == 1;
                    let path = parts.iter().enumerate().all(|(index, token)| {
                        token.kind == if index % 2 == 0 { TokenKind::Word } else { TokenKind::Dot }
                    });
                    odd && path && !parts.is_empty()
                }
            };
            let (Some(first), Some(last)) = (tokens.get(start), tokens.get(end)) else { continue };
            if !(twice || single) {
                continue;
            }
            let place = at(tree.file, first.span.to(last.span));
            let kept = at(tree.file, Span { start: first.span.end, end: last.span.start });
            // Words that only the parentheses keep apart.
            let touches = |token: Option<&&Token>, end: bool| {
                token.is_some_and(|token| {
                    let edge = if end { token.span.end == place.span.start } else { token.span.start == place.span.end };
                    edge && matches!(token.kind, TokenKind::Word | TokenKind::Number)
                })
            };
            let (left, right) = (touches(before, true), touches(tokens.get(end + 1), false));
            let blank = |needed: bool| if needed { " " } else { "" };
            let text = format!("{}{}{}", blank(left), facts.text(kept).trim(), blank(right));
            found.push(finding(place, "these parentheses change nothing").fix("leave them out", place, text));
        }
    }
}

/// Words after which parentheses only join.
const JOINING: [&str; 12] =
    ["and", "or", "not", "when", "unless", "in", "of", "where", "for", "from", "until", "through"];
