//! What could stand at a place of a text that is being written: keywords, and sorts of names and values.
//!
//! It refuses to know which names there are. The unit around the place is read up to it, and what the grammar asks for
//! there is the answer; so it knows each keyword that fits and no other.

use crate::diagnostic::{FileId, Span};
use crate::lex::{Token, TokenKind, lex};
use crate::parse::expected_at_end;
use crate::report::Report;
use crate::split::{ITEM_WORDS, UnitKind, split};
use crate::{MAX_FILE_TOKENS, mistakes, significant};

/// What could stand at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitting {
    /// The word that is being written there; empty between words.
    pub prefix: Span,
    /// Keywords, in the alphabet.
    pub keywords: Vec<String>,
    /// A name, a path, an operand.
    pub expression: bool,
    /// A name that is declared here, or that a clause asks for.
    pub name: bool,
    /// A unit after a number.
    pub unit: bool,
    /// A type.
    pub type_name: bool,
    /// `lines`, a `let` of a collection.
    pub collection: bool,
    /// The last words, numbers and signs before it, nearest first, as indices of `tokens`.
    pub before: Vec<usize>,
    /// All tokens of the text.
    pub tokens: Vec<Token>,
    /// The first token of the declaration around it, and of the rule in a group's braces.
    pub within: Vec<usize>,
}

/// How many tokens before the place are told.
const BEFORE: usize = 8;

/// What fits at a byte offset.
pub fn fitting(text: &str, offset: usize) -> Fitting {
    let tokens = lex(text);
    let mut fitting = Fitting { tokens, ..Fitting::default() };
    let tokens = &fitting.tokens;
    let here = tokens.partition_point(|token| (token.span.end as usize) < offset);
    let mut end = offset;
    let mut last = here;
    fitting.prefix = Span::new(offset, offset);
    if let Some(token) = tokens.get(here).filter(|token| (token.span.start as usize) < offset) {
        match token.kind {
            TokenKind::Word | TokenKind::Keyword => {
                end = token.span.start as usize;
                fitting.prefix = Span::new(end, offset);
            }
            TokenKind::Comment
            | TokenKind::Documentation
            | TokenKind::String
            | TokenKind::UnclosedString
            | TokenKind::ForeignString
            | TokenKind::ForeignComment => {
                // In a text nothing of the language fits.
                return fitting;
            }
            _ => last = here + 1,
        }
    }
    let mut before = tokens.get(..last).unwrap_or(&[]).iter().enumerate().rev();
    fitting.before =
        before.by_ref().filter(|(_, token)| !token.kind.is_trivia()).take(BEFORE).map(|(at, _)| at).collect();
    if text.len() > crate::source::MAX_SOURCE_BYTES || significant(tokens) > MAX_FILE_TOKENS {
        return fitting;
    }
    let Some(head) = text.get(..end) else { return fitting };
    let head_tokens: Vec<Token> = lex(head);
    let mut report = Report::default();
    let masked = mistakes::mask(FileId(0), head, &head_tokens, &mut report);
    let (units, _, _) = split(FileId(0), head, &head_tokens, &mut report);
    let shape = String::from_utf8(masked.text).unwrap_or_else(|_| head.to_owned());
    let depth = |from: usize, to: usize| {
        let mut depth = 0_i32;
        for token in head_tokens.get(from..to).unwrap_or(&[]) {
            if token.kind == TokenKind::OpenBrace {
                depth += 1;
            } else if token.kind == TokenKind::CloseBrace {
                depth -= 1;
            }
        }
        depth
    };
    let Some(unit) = units.last() else {
        fitting.keywords = ITEM_WORDS.iter().map(|word| (*word).to_owned()).collect();
        return fitting;
    };
    let start_of = |at: usize| head_tokens.get(at).map_or(end, |token| token.span.start as usize);
    let is_open = depth(unit.tokens.0, unit.tokens.1) > 0;
    let first_on_line = fitting.before.first().and_then(|at| tokens.get(*at)).is_none_or(|token| {
        text.get(token.span.end as usize..end).is_some_and(|between| between.contains('\n'))
    });
    if unit.kind == UnitKind::Stray && !is_open {
        fitting.keywords = ITEM_WORDS.iter().map(|word| (*word).to_owned()).collect();
        return fitting;
    }
    fitting.within.push(unit.tokens.0);
    // The rule in the group's braces, where the place is in one that is not closed yet.
    let nested = unit.nested.last().filter(|rule| {
        rule.tokens.1 >= unit.tokens.1
            && (depth(rule.tokens.0, rule.tokens.1) > 0 || !has_brace(&head_tokens, rule.tokens))
    });
    let (rule, from) = match nested {
        Some(nested) => {
            fitting.within.push(nested.tokens.0);
            (UnitKind::Rule, nested.tokens.0)
        }
        None => (UnitKind::Item, unit.tokens.0),
    };
    let base = start_of(from);
    let mut bytes = shape.get(base..).unwrap_or("").as_bytes().to_vec();
    if nested.is_none() {
        for rule in &unit.nested {
            let (start, stop) = (start_of(rule.tokens.0), rule.tokens.1);
            let stop =
                stop.checked_sub(1).and_then(|at| head_tokens.get(at)).map_or(end, |t| t.span.end as usize);
            for byte in bytes.get_mut(start - base..stop - base).into_iter().flatten() {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
    }
    let shape = String::from_utf8(bytes).unwrap_or_default();
    let expected = expected_at_end(&shape, rule == UnitKind::Rule);
    fitting.keywords = expected.keywords;
    fitting.expression = expected.expression;
    fitting.name = expected.name;
    fitting.unit = expected.unit;
    fitting.type_name = expected.type_name;
    fitting.collection = expected.collection;
    if !is_open && first_on_line {
        fitting.keywords.extend(ITEM_WORDS.iter().map(|word| (*word).to_owned()));
    }
    fitting.keywords.sort();
    fitting.keywords.dedup();
    fitting
}

fn has_brace(tokens: &[Token], (from, to): (usize, usize)) -> bool {
    tokens.get(from..to).unwrap_or(&[]).iter().any(|token| token.kind == TokenKind::OpenBrace)
}

/// Every word that is a keyword somewhere, in the alphabet; for tests and for the grammars of editors.
pub fn keywords() -> Vec<&'static str> {
    crate::parse::all_keywords()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(marked: &str) -> Fitting {
        let offset = marked.find('|').unwrap();
        fitting(&marked.replace('|', ""), offset)
    }

    #[test]
    fn keywords_are_those_of_the_place() {
        for (text, some, none) in [
            ("|", "rule", "when"),
            ("language 1\n|", "account", "when"),
            ("gr|", "group", "when"),
            ("account a { | }", "worth", "when"),
            ("group g { kind earn | }", "displace", "then"),
            ("group g { kind earn rule a { | } }", "then", "kind"),
            ("group g { kind earn rule a { when line.paid > 5 | } }", "and", "kind"),
            ("rule a { then | }", "award", "when"),
            ("rule a { then discount 5% on | }", "cheapest", "when"),
            ("test \"a\" { | }", "given", "when"),
            ("test \"a\" { expect | }", "nothing", "given"),
            // What is broken in other declarations does not matter; nor does what is broken behind the place.
            ("rule b { when ( }\nrule a { | ] { )", "then", "kind"),
        ] {
            let found = at(text).keywords;
            assert!(found.iter().any(|word| word == some), "{text}: no {some} in {found:?}");
            assert!(!found.iter().any(|word| word == none), "{text}: {none} in {found:?}");
        }
    }

    #[test]
    fn sorts_of_names_are_those_of_the_place() {
        let sorts = |text: &str| {
            let found = at(text);
            (found.expression, found.name, found.unit, found.type_name, found.collection)
        };
        assert_eq!(sorts("rule a { when | }"), (true, false, false, false, false));
        assert_eq!(sorts("rule a in group | {}"), (false, true, false, false, false));
        assert_eq!(sorts("rule a { then award 5 | }"), (false, false, true, false, false));
        assert_eq!(sorts("param a: |"), (false, false, false, true, false));
        assert_eq!(sorts("rule a { then discount 5% on | }"), (false, false, false, false, true));
        assert_eq!(sorts("rule a \"in a te|xt\" {}"), (false, false, false, false, false));
    }

    #[test]
    fn every_place_of_a_broken_text_has_an_answer() {
        let text =
            "account a { unit ж🍵 \"x\n group g { rule r { when ( } } then } test \"\" { given { line { é = ";
        for offset in 0..=text.len() {
            fitting(text, offset);
        }
    }

    #[test]
    fn all_keywords_are_known() {
        let words = keywords();
        assert!(words.len() > 200 && words.contains(&"when") && words.contains(&"zone"), "{words:?}");
    }
}
