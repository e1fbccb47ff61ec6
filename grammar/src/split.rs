//! Tokens to units of parsing: items, and the rules that stand in a group's braces.
//!
//! It refuses to know the shape of an item beyond its first word and its braces. One bad item hides none of its
//! neighbours: where a brace is missing, the next declaration that is indented no deeper ends the item.

use crate::diagnostic::{FileId, Place, Span};
use crate::lex::{Token, TokenClass, TokenKind};
use crate::report::Report;
use crate::{MAX_DEPTH, MAX_TOKENS, errors};

/// A stretch of text that the grammar reads at once.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) kind: UnitKind,
    /// The first and one past the last token.
    pub(crate) tokens: (usize, usize),
    /// Rules in a group's braces, which are read on their own.
    pub(crate) nested: Vec<Unit>,
    /// The closing signs that are missing at the end.
    pub(crate) missing: String,
    /// Too deep or too long for the grammar.
    pub(crate) too_large: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitKind {
    Item,
    Rule,
    /// Not the start of any declaration.
    Stray,
}

/// The words that start a declaration.
pub(crate) const ITEM_WORDS: &[&str] = &[
    "language",
    "use",
    "program",
    "account",
    "param",
    "counter",
    "segment",
    "table",
    "define",
    "enum",
    "reference",
    "record",
    "extend",
    "event",
    "tiers",
    "coupon",
    "certificate",
    "badge",
    "group",
    "template",
    "rule",
    "redemption",
    "offer",
    "arbitration",
    "ensure",
    "contacts",
    "test",
];

/// Declarations that end without a brace of their own; a brace in them belongs to an expression.
const UNBRACED: &[&str] = &["language", "use", "param", "counter", "segment", "define", "reference"];

struct Splitter<'t> {
    file: FileId,
    text: &'t str,
    tokens: &'t [Token],
    /// For each token, the index of the closing brace, for opening braces that have one.
    closes: Vec<Option<usize>>,
}

/// Cuts the text; reports delimiters that have no partner and nesting that is too deep. The spans of delimiters
/// without a partner are returned too: what the grammar says about their clauses is no news.
pub(crate) fn split(
    file: FileId,
    text: &str,
    tokens: &[Token],
    report: &mut Report,
) -> (Vec<Unit>, Vec<Span>, Vec<usize>) {
    let splitter = Splitter { file, text, tokens, closes: match_braces(tokens) };
    let mut units = Vec::new();
    let mut at = splitter.significant(0);
    while at < tokens.len() {
        let unit = splitter.unit(at);
        at = splitter.significant(unit.tokens.1.max(at + 1));
        units.push(unit);
    }
    let mut problems = Vec::new();
    let mut stray = Vec::new();
    for unit in &mut units {
        splitter.check_delimiters(unit, report, &mut problems, &mut stray);
    }
    (units, problems, stray)
}

/// Pairs braces and ignores the other brackets.
fn match_braces(tokens: &[Token]) -> Vec<Option<usize>> {
    let mut closes = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.kind == TokenKind::OpenBrace {
            open.push(at);
        } else if token.kind == TokenKind::CloseBrace
            && let Some(start) = open.pop()
        {
            closes[start] = Some(at);
        }
    }
    closes
}

impl Splitter<'_> {
    /// The first token from `at` that is no trivia.
    fn significant(&self, mut at: usize) -> usize {
        while self.tokens.get(at).is_some_and(|token| token.kind.is_trivia()) {
            at += 1;
        }
        at
    }

    fn word(&self, at: usize) -> &str {
        match self.tokens.get(at) {
            Some(token) if token.kind == TokenKind::Word => token.text(self.text),
            _ => "",
        }
    }

    /// The indentation, if the token is the first of its line.
    fn column(&self, at: usize) -> Option<usize> {
        column(self.tokens, at)
    }

    /// Whether a declaration could start here, judged by this word and the next token.
    fn is_item_word(&self, at: usize) -> bool {
        let word = self.word(at);
        if !ITEM_WORDS.contains(&word) {
            return false;
        }
        let next = self.tokens.get(self.significant(at + 1)).map(|token| token.kind);
        match next {
            Some(TokenKind::Word) => word != "test" && word != "use",
            Some(TokenKind::Number | TokenKind::MalformedNumber) => word == "language",
            Some(TokenKind::String | TokenKind::UnclosedString | TokenKind::ForeignString) => {
                word == "test" || word == "use"
            }
            _ => false,
        }
    }

    /// Whether a declaration starts here between items, where its name may be missing.
    fn starts_item(&self, at: usize) -> bool {
        if self.is_item_word(at) {
            return true;
        }
        if !ITEM_WORDS.contains(&self.word(at)) {
            return false;
        }
        // A name of the author's is followed by a sign; a declaration is not, even where its own name is missing.
        let next = self.tokens.get(self.significant(at + 1)).map(|token| token.kind);
        next.is_none_or(|kind| {
            kind == TokenKind::OpenBrace
                || !matches!(kind.class(), TokenClass::Operator | TokenClass::Punctuation)
        })
    }

    fn unit(&self, at: usize) -> Unit {
        let empty = |kind, end| Unit {
            kind,
            tokens: (at, end),
            nested: vec![],
            missing: String::new(),
            too_large: false,
        };
        if !self.starts_item(at) {
            return empty(UnitKind::Stray, self.end_of_stray(at));
        }
        let word = self.word(at);
        let unbraced = UNBRACED.contains(&word);
        let mut end = at + 1;
        while end < self.tokens.len() {
            match self.tokens[end].kind {
                TokenKind::OpenBrace if unbraced => match self.closes[end] {
                    Some(close) => end = close,
                    None => return self.braced(at, end, UnitKind::Item),
                },
                TokenKind::OpenBrace => return self.braced(at, end, UnitKind::Item),
                TokenKind::CloseBrace => break,
                TokenKind::Word if self.column(end).is_some() && self.starts_item(end) => break,
                _ => {}
            }
            end += 1;
        }
        empty(UnitKind::Item, end)
    }

    /// Text that starts no declaration ends after its braces, or where the next line looks like a declaration.
    fn end_of_stray(&self, at: usize) -> usize {
        let mut end = at;
        while end < self.tokens.len() {
            let token = self.tokens[end];
            if token.kind == TokenKind::OpenBrace
                && let Some(close) = self.closes[end]
            {
                return close + 1;
            }
            if end > at && token.kind == TokenKind::Word && self.column(end).is_some() {
                let next = self.tokens.get(self.significant(end + 1)).map(|token| token.kind);
                let names = matches!(next, Some(TokenKind::Word | TokenKind::String | TokenKind::OpenBrace));
                if self.starts_item(end) || (names && self.column(end) == Some(0)) {
                    break;
                }
            }
            end += 1;
        }
        end
    }

    /// The item at `at` whose body opens at `open`.
    fn braced(&self, at: usize, open: usize, kind: UnitKind) -> Unit {
        let word = self.word(at);
        let own_column = self.column(at).unwrap_or(usize::MAX);
        let is_group = word == "group";
        let is_rule = word == "rule";
        let suspicious = is_rule || self.closes[open].is_none();
        let mut nested = Vec::new();
        let mut depth = 1_usize;
        let mut end = open + 1;
        while end < self.tokens.len() {
            if suspicious
                && self.column(end).is_some_and(|column| column <= own_column)
                && self.is_item_word(end)
                && own_column != usize::MAX
            {
                break;
            }
            match self.tokens[end].kind {
                TokenKind::OpenBrace => depth += 1,
                TokenKind::CloseBrace => {
                    depth -= 1;
                    if depth == 0 {
                        let tokens = (at, end + 1);
                        return Unit { kind, tokens, nested, missing: String::new(), too_large: false };
                    }
                }
                TokenKind::Word
                    if is_group && depth == 1 && self.word(end) == "rule" && self.is_item_word(end) =>
                {
                    let rule = self.nested_rule(end);
                    end = rule.tokens.1;
                    nested.push(rule);
                    continue;
                }
                _ => {}
            }
            end += 1;
        }
        Unit { kind, tokens: (at, end), nested, missing: String::new(), too_large: false }
    }

    /// The rule at `at` in a group's braces.
    fn nested_rule(&self, at: usize) -> Unit {
        let mut end = at + 1;
        while end < self.tokens.len() {
            match self.tokens[end].kind {
                TokenKind::OpenBrace => return self.braced(at, end, UnitKind::Rule),
                TokenKind::CloseBrace => break,
                TokenKind::Word if self.column(end).is_some() && self.is_item_word(end) => break,
                _ => {}
            }
            end += 1;
        }
        Unit {
            kind: UnitKind::Rule,
            tokens: (at, end),
            nested: vec![],
            missing: String::new(),
            too_large: false,
        }
    }

    /// Finds delimiters without a partner inside the unit, and the depth.
    fn check_delimiters(
        &self,
        unit: &mut Unit,
        report: &mut Report,
        problems: &mut Vec<Span>,
        stray: &mut Vec<usize>,
    ) {
        let mut nested = std::mem::take(&mut unit.nested);
        let mut inner = nested.iter().peekable();
        let mut open: Vec<usize> = Vec::new();
        let mut last_stray = None;
        let mut deepest: Option<Span> = None;
        let mut significant = 0_usize;
        let (mut at, end) = unit.tokens;
        while at < end {
            if let Some(rule) = inner.next_if(|rule| rule.tokens.0 == at) {
                at = rule.tokens.1;
                continue;
            }
            let token = self.tokens[at];
            if !token.kind.is_trivia() {
                significant += 1;
                if significant > MAX_TOKENS {
                    report.push(errors::declaration_too_long(self.place(token.span)));
                    unit.too_large = true;
                    break;
                }
            }
            if token.kind.is_opening() {
                open.push(at);
                if open.len() > MAX_DEPTH {
                    deepest = Some(token.span);
                    break;
                }
            } else if token.kind.is_closing() {
                let closed = self.close(&mut open, token.kind);
                for unclosed in closed.unclosed {
                    problems.push(self.tokens[unclosed].span);
                    let (open, close) = (self.tokens[unclosed], token);
                    report.push(errors::unclosed_delimiter(
                        self.place(open.span),
                        open.text(self.text),
                        Some(self.place(close.span)),
                    ));
                }
                if !closed.found {
                    problems.push(token.span);
                    stray.push(at);
                    // A run of stray signs is one mistake.
                    if last_stray.is_none_or(|last| self.significant(last + 1) != at) {
                        report.push(errors::stray_delimiter(self.place(token.span), token.text(self.text)));
                    }
                    last_stray = Some(at);
                }
            }
            at += 1;
        }
        if let Some(span) = deepest {
            report.push(errors::nested_too_deeply(self.place(span)));
            unit.too_large = true;
        } else if let Some(&outermost) = open.first()
            && !unit.too_large
        {
            let token = self.tokens[outermost];
            report.push(errors::unclosed_delimiter(self.place(token.span), token.text(self.text), None));
            for &unclosed in open.iter().rev() {
                unit.missing.push_str(closing(self.tokens[unclosed].kind));
            }
            // The braces are supplied, so the rest can be read; for the other signs the place would be a guess.
            problems.extend(
                open.iter()
                    .filter(|&&at| self.tokens[at].kind != TokenKind::OpenBrace)
                    .map(|&at| self.tokens[at].span),
            );
        }
        for rule in &mut nested {
            self.check_delimiters(rule, report, problems, stray);
        }
        unit.nested = nested;
    }

    /// Takes the partner of a closing sign off the stack.
    fn close(&self, open: &mut Vec<usize>, kind: TokenKind) -> Closed {
        let partner = match kind {
            TokenKind::CloseBrace => TokenKind::OpenBrace,
            TokenKind::CloseParen => TokenKind::OpenParen,
            _ => TokenKind::OpenBracket,
        };
        // A parenthesis never reaches over a brace; a brace closes whatever is open inside it.
        let found = open
            .iter()
            .rposition(|&at| {
                let kind = self.tokens[at].kind;
                kind == partner || kind == TokenKind::OpenBrace
            })
            .filter(|&index| self.tokens[open[index]].kind == partner);
        match found {
            Some(index) => {
                let unclosed = open.split_off(index).into_iter().skip(1).collect();
                Closed { found: true, unclosed }
            }
            None => Closed { found: false, unclosed: Vec::new() },
        }
    }

    fn place(&self, span: Span) -> Place {
        Place { file: self.file, span }
    }
}

struct Closed {
    found: bool,
    unclosed: Vec<usize>,
}

fn closing(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::OpenBrace => "}",
        TokenKind::OpenParen => ")",
        _ => "]",
    }
}

/// The indentation of a token that is the first of its line.
pub(crate) fn column(tokens: &[Token], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).map(|at| tokens[at]);
    match before {
        None => Some(0),
        Some(token) if token.kind == TokenKind::Newline => Some(0),
        Some(token) if token.kind == TokenKind::Space => {
            let indent = (token.span.end - token.span.start) as usize;
            match at.checked_sub(2).map(|at| tokens[at].kind) {
                None | Some(TokenKind::Newline) => Some(indent),
                Some(_) => None,
            }
        }
        Some(_) => None,
    }
}
