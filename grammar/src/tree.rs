//! The grammar's pairs to [`crate::ast`].
//!
//! It refuses to report shape: what reaches it has been accepted by `rule.pest`. It adds what the grammar's flat lists
//! leave open (precedence, mixed `and` and `or`, chained comparisons) and the words that the grammar lets an author
//! forget so that they can be asked for by name. An item that it cannot finish is left out and never half built.

mod clauses;
mod contacts;
mod declarations;
mod effects;
mod ensure;
mod expressions;
mod loyalty;
mod offers;
mod trials;

use crate::ast::{self, Lexeme, Name, Path, Text};
use crate::diagnostic::{Diagnostic, FileId, Place, Span};
use crate::lex::{Token, TokenKind};
use crate::parse::Rule;
use pest::iterators::{Pair, Pairs};
use unicode_normalization::UnicodeNormalization;

/// Builds the tree of one unit of parsing.
pub(crate) struct Builder<'t> {
    /// The file, for places.
    pub(crate) file: FileId,
    /// The author's text.
    pub(crate) text: &'t str,
    /// The tokens of the whole file.
    pub(crate) tokens: &'t [Token],
    /// Starts of the numbers that have a diagnostic already, sorted.
    pub(crate) mistaken: &'t [u32],
    /// Where the unit starts in the file.
    pub(crate) base: usize,
    /// How many expressions hold the one being built.
    depth: usize,
    /// The operands of the expression being joined, from left to right.
    ready: std::vec::IntoIter<ast::Expr>,
    /// Set when something is missing that the tree cannot express: the unit is read on, for further mistakes, with
    /// something in its place, and then left out.
    incomplete: bool,
    /// What was found.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A node's children, read from left to right.
pub(crate) struct Children<'t> {
    pairs: std::iter::Peekable<Pairs<'t, Rule>>,
}

impl<'t> Children<'t> {
    fn of(pair: Pair<'t, Rule>) -> Children<'t> {
        Children { pairs: pair.into_inner().peekable() }
    }

    /// The rule of the next child.
    fn rule(&mut self) -> Option<Rule> {
        self.pairs.peek().map(Pair::as_rule)
    }

    /// Skips the next child if it is of this rule.
    fn eat(&mut self, rule: Rule) -> bool {
        self.take(rule).is_some()
    }

    /// The next child if it is of this rule.
    fn take(&mut self, rule: Rule) -> Option<Pair<'t, Rule>> {
        self.pairs.next_if(|pair| pair.as_rule() == rule)
    }

    /// The next child, whatever it is.
    fn next(&mut self) -> Option<Pair<'t, Rule>> {
        self.pairs.next()
    }
}

impl<'t> Builder<'t> {
    pub(crate) fn new(
        file: FileId,
        text: &'t str,
        tokens: &'t [Token],
        mistaken: &'t [u32],
        base: usize,
    ) -> Builder<'t> {
        Builder {
            file,
            text,
            tokens,
            mistaken,
            base,
            depth: 0,
            ready: Vec::new().into_iter(),
            incomplete: false,
            diagnostics: Vec::new(),
        }
    }

    /// The item of an `item_unit`, if it is complete.
    pub(crate) fn item_unit(&mut self, unit: Pair<'t, Rule>) -> Option<ast::Item> {
        let item = Children::of(unit).next()?;
        self.item(item).filter(|_| !self.incomplete)
    }

    /// The rule of a `rule_unit`, if it is complete.
    pub(crate) fn rule_unit(&mut self, unit: Pair<'t, Rule>) -> Option<ast::Rule> {
        let rule = Children::of(unit).take(Rule::rule_item)?;
        self.rule(rule).filter(|_| !self.incomplete)
    }

    /// The pair's place in the file, without the blank that pest leaves at its end.
    fn span(&self, pair: &Pair<'t, Rule>) -> Span {
        let span = pair.as_span();
        let start = self.base + span.start();
        Span::new(start, start + span.as_str().trim_end().len())
    }

    fn place(&self, span: Span) -> Place {
        Place { file: self.file, span }
    }

    fn source(&self, span: Span) -> &'t str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    fn name(&self, pair: &Pair<'t, Rule>) -> Name {
        let text = pair.as_str().trim_end();
        let text = if text.is_ascii() { text.to_owned() } else { text.nfc().collect() };
        Name { text, span: self.span(pair) }
    }

    fn lexeme(&self, pair: &Pair<'t, Rule>) -> Lexeme {
        Lexeme { text: pair.as_str().trim_end().replace('_', ""), span: self.span(pair) }
    }

    fn string(&self, pair: &Pair<'t, Rule>) -> Text {
        let raw = pair.as_str().trim_end();
        let inside = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or("");
        Text { value: unescape(inside), span: self.span(pair) }
    }

    fn path(&self, pair: Pair<'t, Rule>) -> Option<Path> {
        let span = self.span(&pair);
        let mut parts = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name | Rule::word => parts.push(self.name(&part)),
                Rule::string => {
                    let text = self.string(&part);
                    parts.push(Name { text: text.value.nfc().collect(), span: text.span });
                }
                _ => {}
            }
        }
        if parts.is_empty() { None } else { Some(Path { parts, span }) }
    }

    /// The next child as a name.
    fn take_name(&self, children: &mut Children<'t>) -> Option<Name> {
        children.take(Rule::name).map(|pair| self.name(&pair))
    }

    /// The next child as a path.
    fn take_path(&self, children: &mut Children<'t>) -> Option<Path> {
        children.take(Rule::path).and_then(|pair| self.path(pair))
    }

    /// The next child as a string.
    fn take_string(&self, children: &mut Children<'t>) -> Option<Text> {
        children.take(Rule::string).map(|pair| self.string(&pair))
    }

    /// The next child as a number.
    fn take_number(&self, children: &mut Children<'t>) -> Option<Lexeme> {
        children.take(Rule::number).map(|pair| self.lexeme(&pair))
    }

    /// `en "…" it "…"`
    fn titles(&self, pair: Pair<'t, Rule>) -> Vec<(Name, Text)> {
        let mut children = Children::of(pair);
        children.eat(Rule::kw_title);
        let mut titles = Vec::new();
        while let Some(tongue) = children.take(Rule::tongue) {
            if let Some(text) = self.take_string(&mut children) {
                titles.push((self.name(&tongue), text));
            }
        }
        titles
    }

    /// The `##` lines that stand above the token at `offset`, each alone on its line.
    fn docs(&self, offset: u32) -> Vec<Text> {
        let mut at = self.tokens.partition_point(|token| token.span.start < offset);
        let mut docs = Vec::new();
        while at > 0 {
            at -= 1;
            let token = self.tokens[at];
            match token.kind {
                TokenKind::Space | TokenKind::Newline | TokenKind::Comment => {}
                TokenKind::Documentation if self.first_on_line(at) => {
                    let text = token.text(self.text);
                    let text = text.strip_prefix("##").unwrap_or(text);
                    let text = text.strip_prefix(' ').unwrap_or(text);
                    docs.push(Text { value: text.trim_end().to_owned(), span: token.span });
                }
                _ => break,
            }
        }
        docs.reverse();
        docs
    }

    fn first_on_line(&self, mut at: usize) -> bool {
        while at > 0 {
            at -= 1;
            match self.tokens[at].kind {
                TokenKind::Space => {}
                TokenKind::Newline => return true,
                _ => return false,
            }
        }
        true
    }

    /// Whether the number that starts here has a diagnostic already.
    fn is_mistaken(&self, span: Span) -> bool {
        self.mistaken.binary_search(&span.start).is_ok()
    }
}

/// Resolves the escapes; what is no escape has a diagnostic already and stands for itself.
pub(crate) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        match escape(rest) {
            Some((length, character)) => {
                text.push(character);
                rest = &rest[length..];
            }
            None => {
                text.push('\\');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// The escape at the start of `text`, which begins with a backslash: its length and what it stands for.
pub(crate) fn escape(text: &str) -> Option<(usize, char)> {
    let mut characters = text.chars().skip(1);
    match characters.next()? {
        '"' => Some((2, '"')),
        '\\' => Some((2, '\\')),
        'n' => Some((2, '\n')),
        't' => Some((2, '\t')),
        'u' => {
            let digits = text.get(2..)?.strip_prefix('{')?;
            let end = digits.find('}')?;
            let digits = &digits[..end];
            if !(1..=6).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            Some((4 + end, character))
        }
        _ => None,
    }
}
