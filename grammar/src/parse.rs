//! Units of text through the pest grammar, with recovery by clause, and what its failures mean in words.
//!
//! It refuses to show the grammar's own messages. The work is bounded by the length of the text: pest's call limit is
//! process-wide and belongs to the host, so it is not touched; instead the grammar decides every choice on its first
//! words, nesting is limited before it runs, and recovery has a budget of bytes.

use crate::ast::{self, GroupClause, Item, ItemKind};
use crate::diagnostic::{Diagnostic, FileId, Place, Span};
use crate::lex::{Token, TokenClass, TokenKind, lex};
use crate::report::Report;
use crate::source::MAX_SOURCE_BYTES;
use crate::split::{ITEM_WORDS, Unit, UnitKind, column, split};
use crate::tree::Builder;
use crate::{MAX_FILE_TOKENS, characters, errors, hints, mistakes};
use pest::Parser as _;
use pest::error::{Error, ErrorVariant, InputLocation};
use pest::iterators::{Pair, Pairs};
use std::sync::OnceLock;

// pest's derive makes an undocumented enum of the rules.
#[allow(missing_docs)]
mod derived {
    #[derive(pest_derive::Parser)]
    #[grammar = "rule.pest"]
    pub(crate) struct Shape;
}
pub(crate) use derived::Rule;
use derived::Shape;

/// How often one unit is read again after a mistake in it.
const MAX_RECOVERIES: usize = 32;

/// How many bytes are read again in one file, beyond its own length, to find further mistakes.
const RECOVERY_BYTES: usize = 4 * 1024 * 1024;

/// Words on each side of a mistake that tell what was meant.
const NEAR: usize = 10;

/// What became of a text.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The items that could be read.
    pub tree: ast::File,
    /// In source order, at most [`crate::MAX_DIAGNOSTICS`] and one that counts the rest.
    pub diagnostics: Vec<Diagnostic>,
    /// All of the text; words that the grammar has read as keywords are marked as such.
    pub tokens: Vec<Token>,
}

/// How many of these are no blanks and comments.
pub fn significant(tokens: &[Token]) -> usize {
    tokens.iter().filter(|token| !token.kind.is_trivia()).count()
}

/// Reads a text. Never fails: what cannot be read is among the diagnostics and not in the tree.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let mut visit = |_: &Reading<'_>| {};
    read(file, text, &mut visit)
}

/// The places of the grammar's leaves, in source order: each is exactly one token. For tests.
#[doc(hidden)]
pub fn leaves(text: &str) -> Vec<Span> {
    let mut leaves = Vec::new();
    let mut visit = |reading: &Reading<'_>| {
        for pair in reading.pairs.clone().flatten() {
            if pair.as_rule() != Rule::EOI && pair.clone().into_inner().next().is_none() {
                let span = pair.as_span();
                if span.start() < span.end() && reading.base + span.start() < reading.end {
                    leaves.push(Span::new(reading.base + span.start(), reading.base + span.end()));
                }
            }
        }
    };
    read(FileId(0), text, &mut visit);
    leaves.sort();
    leaves
}

/// A unit that the grammar has accepted.
pub(crate) struct Reading<'t> {
    pub(crate) pairs: Pairs<'t, Rule>,
    /// Where the unit starts in the file.
    pub(crate) base: usize,
    /// Where it ends; closing signs that are missing there are supplied beyond.
    end: usize,
}

/// As [`parse`], with a look at each accepted unit.
pub(crate) fn read(file: FileId, text: &str, visit: &mut dyn FnMut(&Reading<'_>)) -> Parsed {
    let mut report = Report::default();
    if text.len() > MAX_SOURCE_BYTES {
        report.push(errors::file_too_large(file, text.len()));
        return Parsed { diagnostics: report.finish(file), ..Parsed::default() };
    }
    let mut tokens = lex(text);
    let count = significant(&tokens);
    if count > MAX_FILE_TOKENS {
        report.push(errors::file_of_too_many_tokens(file, count));
        return Parsed { diagnostics: report.finish(file), ..Parsed::default() };
    }
    characters::check(file, text, &tokens, &mut report);
    let mut masked = mistakes::mask(file, text, &tokens, &mut report);
    let (units, mut problems, stray) = split(file, text, &tokens, &mut report);
    for &at in &stray {
        if let Some(token) = tokens.get(at) {
            masked.replace(token.span, "");
        }
    }
    problems.append(&mut masked.problems);
    problems.sort_unstable();
    let mistaken = std::mem::take(&mut masked.mistaken);
    let shape_text = String::from_utf8(masked.text).unwrap_or_else(|_| text.to_owned());
    let mut reader = Reader {
        file,
        text,
        tokens: &tokens,
        shape_text: &shape_text,
        problems: &problems,
        mistaken: &mistaken,
        report,
        keywords: Vec::new(),
        budget: RECOVERY_BYTES,
        visit,
    };
    let mut items = Vec::new();
    for unit in &units {
        items.extend(reader.unit(unit));
    }
    let Reader { report, mut keywords, .. } = reader;
    keywords.sort_unstable();
    let mut at = 0;
    for start in keywords {
        while at < tokens.len() && tokens[at].span.start < start {
            at += 1;
        }
        if let Some(token) = tokens.get_mut(at).filter(|token| token.span.start == start) {
            token.kind = TokenKind::Keyword;
        }
    }
    Parsed { tree: ast::File { items }, diagnostics: report.finish(file), tokens }
}

struct Reader<'t, 'v> {
    file: FileId,
    text: &'t str,
    tokens: &'t [Token],
    /// As long as `text`, without comments and mistakes.
    shape_text: &'t str,
    problems: &'t [Span],
    mistaken: &'t [u32],
    report: Report,
    /// Starts of the words that are keywords.
    keywords: Vec<u32>,
    budget: usize,
    visit: &'v mut dyn FnMut(&Reading<'_>),
}

impl Reader<'_, '_> {
    fn unit(&mut self, unit: &Unit) -> Option<Item> {
        match unit.kind {
            UnitKind::Stray => {
                self.stray(unit);
                None
            }
            UnitKind::Item => {
                let item = self.read_unit(unit, Rule::item_unit, |builder, pair| builder.item_unit(pair));
                let mut rules = Vec::new();
                for nested in &unit.nested {
                    rules.extend(
                        self.read_unit(nested, Rule::rule_unit, |builder, pair| builder.rule_unit(pair)),
                    );
                }
                let mut item = item?;
                if let ItemKind::Group(_, clauses) = &mut item.kind {
                    clauses.extend(rules.into_iter().map(GroupClause::Rule));
                    clauses.sort_by_key(start_of_clause);
                }
                Some(item)
            }
            UnitKind::Rule => None,
        }
    }

    /// Text between declarations.
    fn stray(&mut self, unit: &Unit) {
        let (start, end) = unit.tokens;
        let first = self.tokens[start..end].iter().find(|token| {
            !token.kind.is_trivia() && !token.kind.is_closing() && token.kind.class() != TokenClass::Mistake
        });
        let Some(first) = first else { return };
        let found = first.text(self.text);
        let meant = nearest(found, ITEM_WORDS.iter().copied().filter(|&word| word != found));
        self.report.push(errors::unknown_declaration(self.place(first.span), found, meant));
    }

    fn place(&self, span: Span) -> Place {
        Place { file: self.file, span }
    }

    /// Reads a unit, and where that fails reads it again without the clause that failed, to find further mistakes.
    /// A unit with a failure is not built.
    fn read_unit<T>(
        &mut self,
        unit: &Unit,
        rule: Rule,
        build: impl for<'x> Fn(&mut Builder<'x>, Pair<'x, Rule>) -> Option<T>,
    ) -> Option<T> {
        if unit.too_large {
            return None;
        }
        let whole = self.span_of(unit.tokens);
        let base = whole.start as usize;
        let mut shape = self.shape_text.get(base..whole.end as usize)?.to_owned().into_bytes();
        for nested in &unit.nested {
            let span = self.span_of(nested.tokens);
            blank(&mut shape, span.start as usize - base, span.end as usize - base);
        }
        shape.extend_from_slice(unit.missing.as_bytes());
        let mut recovery: Option<Recovery> = None;
        for _ in 0..=MAX_RECOVERIES {
            // Whole tokens are blanked, so this cannot fail.
            let text = std::str::from_utf8(&shape).ok()?;
            let error = match Shape::parse(rule, text) {
                Ok(pairs) => {
                    (self.visit)(&Reading { pairs: pairs.clone(), base, end: whole.end as usize });
                    self.note_keywords(pairs.clone(), base);
                    let mut builder = Builder::new(self.file, self.text, self.tokens, self.mistaken, base);
                    let built = pairs.into_iter().next().and_then(|pair| build(&mut builder, pair));
                    let found = std::mem::take(&mut builder.diagnostics);
                    if built.is_none() && found.is_empty() && recovery.is_none() {
                        self.report.push(errors::unexpected_text(
                            self.place(whole),
                            "a declaration that this version can read",
                            self.text.get(base..whole.end as usize),
                        ));
                    }
                    self.report.extend(found);
                    return built.filter(|_| recovery.is_none());
                }
                Err(error) => error,
            };
            let failure = Failure::of(&error);
            let recovery = recovery.get_or_insert_with(|| self.recovery(unit));
            let region = recovery.region(&failure, base);
            let suppressed = region.as_ref().is_some_and(|region| region.is_consequence)
                || self.has_problem(region.as_ref().map_or(whole, |region| region.span));
            if !suppressed {
                let diagnostic = self.explain(&failure, recovery, base);
                self.report.push(diagnostic);
            }
            let region = region?;
            if self.budget < shape.len() {
                return None;
            }
            self.budget -= shape.len();
            blank(&mut shape, region.span.start as usize - base, region.span.end as usize - base);
            recovery.blanked.push(region.span);
        }
        None
    }

    fn note_keywords(&mut self, pairs: Pairs<'_, Rule>, base: usize) {
        for pair in pairs.flatten() {
            if is_keyword(pair.as_rule()) {
                self.keywords.push(Span::new(base + pair.as_span().start(), 0).start);
            }
        }
    }

    /// Whether something in the place has a diagnostic already.
    fn has_problem(&self, span: Span) -> bool {
        let from = self.problems.partition_point(|problem| problem.end <= span.start);
        self.problems.get(from).is_some_and(|problem| problem.start < span.end)
    }

    fn recovery(&self, unit: &Unit) -> Recovery {
        let (mut at, end) = unit.tokens;
        let keyword = self.tokens.get(at).map_or("", |token| token.text(self.text));
        let is_list = matches!(keyword, "record" | "extend" | "event" | "enum" | "table" | "param");
        let mut landmarks = Vec::new();
        let mut depth = 0_usize;
        let mut brackets = 0_usize;
        let mut nested = unit.nested.iter().peekable();
        while at < end {
            if let Some(rule) = nested.next_if(|rule| rule.tokens.0 == at) {
                at = rule.tokens.1;
                continue;
            }
            let token = self.tokens[at];
            if token.kind.is_trivia() {
                at += 1;
                continue;
            }
            let word = if token.kind == TokenKind::Word { token.text(self.text) } else { "" };
            let first_on_line = column(self.tokens, at).is_some();
            let is_start = depth > 0
                && brackets == 0
                && ((first_on_line && (CLAUSE_WORDS.contains(&word) || EFFECT_WORDS.contains(&word)))
                    || (first_on_line && is_list && depth == 1 && token.kind != TokenKind::CloseBrace)
                    || (depth == 1 && matches!(word, "when" | "unless" | "then" | "let")));
            let starts_with_name = first_on_line && token.kind == TokenKind::Word && !is_reserved(word);
            let words = CLAUSE_WORDS.iter().chain(EFFECT_WORDS).copied();
            let meant = if starts_with_name && depth > 0 { nearest(word, words) } else { None };
            landmarks.push(Landmark {
                span: token.span,
                kind: token.kind,
                depth,
                first_on_line,
                is_start,
                starts_with_name,
                asks_for_more: asks_for_more(token.kind, word, is_start),
                meant,
            });
            match token.kind {
                TokenKind::OpenBrace => {
                    depth += 1;
                    brackets = 0;
                }
                TokenKind::CloseBrace => {
                    depth = depth.saturating_sub(1);
                    brackets = 0;
                }
                kind if kind.is_opening() => brackets += 1,
                kind if kind.is_closing() => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
        Recovery { landmarks, blanked: Vec::new() }
    }

    /// The failure in words.
    fn explain(&self, failure: &Failure, recovery: &Recovery, base: usize) -> Diagnostic {
        let at = recovery.at(failure, base);
        if let Some(misread) = recovery.misread(at) {
            let word = &recovery.landmarks[misread];
            let span = word.span;
            if let (false, Some(meant)) = (word.is_start, word.meant) {
                let found = self.text.get(span.start as usize..span.end as usize).unwrap_or("");
                return errors::misspelt_keyword(self.place(span), found, meant);
            }
            let before = recovery.landmarks[..misread].iter().rev();
            if let Some(before) =
                before.map(|landmark| landmark.span).find(|&span| !recovery.is_blanked(span))
            {
                let found = self.text.get(before.start as usize..before.end as usize).unwrap_or("");
                return errors::missing_after(self.place(before), "more", found);
            }
        }
        let found = recovery.landmarks.get(at);
        let mut earlier = recovery.landmarks.get(..at).unwrap_or_default().iter().rev();
        let before = earlier.find(|landmark| !recovery.is_blanked(landmark.span));
        let text_of = |landmark: &Landmark| {
            self.text.get(landmark.span.start as usize..landmark.span.end as usize).unwrap_or("")
        };
        if failure.is_limit {
            let span = found.or(before).map(|landmark| landmark.span).unwrap_or_default();
            return errors::nested_too_deeply(self.place(span));
        }
        let hint = self.hint(recovery, at);
        if let Some(Meant::Repairs(diagnostic)) = hint {
            return diagnostic;
        }
        if let Some(found) = found {
            let word = text_of(found);
            if found.kind == TokenKind::Word {
                if found.depth == 0 && found.first_on_line && hints::misplaced(word).is_some() {
                    return errors::unknown_declaration(self.place(found.span), word, None);
                }
                // A word of the language at the wrong place is spelt as it was meant.
                let meant = nearest(word, failure.keywords().filter(|&keyword| keyword != word));
                if let Some(meant) = meant.filter(|_| !all_keywords().contains(&word)) {
                    return errors::misspelt_keyword(self.place(found.span), word, meant);
                }
                if failure.expects(Rule::name)
                    && is_reserved(word)
                    && !failure.expects_clause()
                    && !failure.expects_operand()
                {
                    return errors::reserved_word(self.place(found.span), word);
                }
            }
            if found.kind == TokenKind::Arrow && at >= 2 {
                let (number, unit) = (&recovery.landmarks[at - 2], &recovery.landmarks[at - 1]);
                if number.kind == TokenKind::Number && unit.kind == TokenKind::Word {
                    let place = self.place(number.span.to(unit.span));
                    return errors::missing_comma(place, text_of(number), text_of(unit));
                }
            }
        }
        let expected = failure.expected();
        let diagnostic = match (found, before) {
            (Some(found), Some(before)) if found.first_on_line && !failure.expects_clause() => {
                errors::missing_after(self.place(before.span), &expected, text_of(before))
            }
            (Some(found), _) => {
                errors::unexpected_text(self.place(found.span), &expected, Some(text_of(found)))
            }
            (None, Some(before)) => {
                errors::missing_after(self.place(before.span), &expected, text_of(before))
            }
            (None, None) => errors::unexpected_text(self.place(Span::new(base, base)), &expected, None),
        };
        match hint {
            Some(Meant::Help(help)) => diagnostic.help(help),
            Some(Meant::Repairs(diagnostic)) => diagnostic,
            None => diagnostic,
        }
    }

    /// What the words around a failure tell of what was meant.
    fn hint(&self, recovery: &Recovery, at: usize) -> Option<Meant> {
        let text_of = |landmark: &Landmark| {
            self.text.get(landmark.span.start as usize..landmark.span.end as usize).unwrap_or("")
        };
        let found = recovery.landmarks.get(at)?;
        let kept = |landmark: &&Landmark| !recovery.is_blanked(landmark.span);
        let before = recovery.landmarks.get(..at)?.iter().rev().filter(kept).take(NEAR);
        let before: Vec<&Landmark> = before.collect();
        let words_before: Vec<&str> = before.iter().map(|landmark| text_of(landmark)).collect();
        let from: Vec<&Landmark> = recovery.landmarks.get(at..)?.iter().take(NEAR + 1).collect();
        let words_behind: Vec<&str> = from.iter().skip(1).map(|landmark| text_of(landmark)).collect();
        let hint = hints::hint(hints::Around {
            item: recovery.landmarks.first().map_or("", text_of),
            before: &words_before,
            found: text_of(found),
            behind: &words_behind,
        })?;
        if let Some(help) = hint.help {
            return Some(Meant::Help(help));
        }
        let place_of = |repair: &hints::Repair| {
            let first = match repair.before.checked_sub(1) {
                Some(first) => before.get(first)?,
                None => from.first()?,
            };
            let last = match repair.from.checked_sub(1) {
                Some(last) => from.get(last)?,
                None => before.first()?,
            };
            Some(self.place(first.span.to(last.span)))
        };
        let place = place_of(hint.repairs.first()?)?;
        let text = self.text.get(place.span.start as usize..place.span.end as usize).unwrap_or("");
        let mut diagnostic = errors::written_otherwise(place, text);
        for repair in &hint.repairs {
            diagnostic =
                diagnostic.fix(format!("write `{}`", repair.text), place_of(repair)?, repair.text.clone());
        }
        Some(Meant::Repairs(diagnostic))
    }

    fn span_of(&self, (first, end): (usize, usize)) -> Span {
        let start = self.tokens.get(first).map_or(0, |token| token.span.start);
        let end =
            end.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.span.end);
        Span { start, end }
    }
}

/// Whether a clause cannot end with this token.
fn asks_for_more(kind: TokenKind, word: &str, is_start: bool) -> bool {
    if kind == TokenKind::Word {
        let can_end = ["known", "unknown", "true", "false", "redeemable", "qualifying", "nothing", "refused"];
        return (is_start || is_reserved(word)) && !can_end.contains(&word);
    }
    matches!(kind, TokenKind::Comma | TokenKind::Colon | TokenKind::Dot)
        || (kind.class() == TokenClass::Operator && kind != TokenKind::Question)
}

fn start_of_clause(clause: &GroupClause) -> u32 {
    match clause {
        GroupClause::Kind(name) | GroupClause::OnPrice(name) => name.span.start,
        GroupClause::Displace { span, .. } => span.start,
        GroupClause::Excludes(path, _) => path.span.start,
        GroupClause::Shared(clause) => clause.span.start,
        GroupClause::Rule(rule) => rule.span.start,
    }
}

/// Blanks a range of bytes and keeps the line ends.
fn blank(text: &mut [u8], start: usize, end: usize) {
    for byte in text.get_mut(start..end).into_iter().flatten() {
        if !matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Words that start a clause, a step or a part of a declaration.
const CLAUSE_WORDS: &[&str] = &[
    "title",
    "version",
    "currency",
    "zone",
    "rounding",
    "month_end",
    "week_starts",
    "order",
    "tax",
    "unit",
    "round",
    "redeemable",
    "qualifying",
    "not_below",
    "worth",
    "expire",
    "melt",
    "shortfall",
    "kind",
    "displace",
    "on_price",
    "excludes",
    "valid",
    "schedule",
    "priority",
    "on",
    "when",
    "unless",
    "let",
    "limit",
    "budget",
    "then",
    "take",
    "process",
    "spendable",
    "effective",
    "about",
    "given",
    "expect",
    "after",
    "with",
    "rule",
    "group",
    "balance",
    "tier",
    "refused",
    "total",
    "nothing",
    "codes",
    "uses",
    "measure",
    "level",
    "keep",
    "upgrade",
    "downgrade",
    "review",
    "rate",
    "step",
    "cash",
    "pay",
    "confirm",
    "if_short",
    "display",
    "purpose",
    "channels",
    "goals",
    "also",
    "score",
    "learn",
    "slots",
    "ties",
    "explore",
    "maximise",
    "exclude",
    "include",
    "capacity",
    "each",
];

/// Words that start an effect.
const EFFECT_WORDS: &[&str] =
    &["for", "award", "discount", "price", "debit", "gift", "issue", "set", "multiply", "say", "show"];

/// A token of a unit under recovery.
struct Landmark {
    span: Span,
    kind: TokenKind,
    /// Braces around it; a closing brace counts as inside.
    depth: usize,
    first_on_line: bool,
    /// Whether a clause or an effect can start here.
    is_start: bool,
    /// Whether it is the first of its line and could be a misspelt clause.
    starts_with_name: bool,
    /// Whether a clause cannot end with it.
    asks_for_more: bool,
    /// The word for a clause or an effect that it may be a misspelling of.
    meant: Option<&'static str>,
}

struct Recovery {
    landmarks: Vec<Landmark>,
    /// What has been taken out.
    blanked: Vec<Span>,
}

/// What was meant where the grammar failed.
enum Meant {
    /// In words, beside what was expected.
    Help(String),
    /// The whole diagnostic.
    Repairs(Diagnostic),
}

/// What to take out of a unit before it is read again.
struct Region {
    span: Span,
    /// The failure only follows from what has been taken out before.
    is_consequence: bool,
}

impl Recovery {
    /// The index of the token at which the grammar failed; the number of tokens where it was the end.
    fn at(&self, failure: &Failure, base: usize) -> usize {
        let position = base + failure.position;
        self.landmarks.partition_point(|landmark| (landmark.span.end as usize) <= position)
    }

    /// The word before the failure, if it starts a line and was meant to start a clause there, but was read as a name
    /// because the line before is not complete.
    fn misread(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        let word = self.landmarks.get(before)?;
        let found = self.landmarks.get(at)?;
        let is_meant = word.starts_with_name && (word.is_start || word.meant.is_some());
        let last = self.landmarks[..before].iter().rev().find(|landmark| !self.is_blanked(landmark.span))?;
        if !last.asks_for_more {
            return None;
        }
        (is_meant && word.depth > 0 && !found.first_on_line && !self.is_blanked(word.span)).then_some(before)
    }

    fn is_blanked(&self, span: Span) -> bool {
        self.blanked.iter().any(|blanked| blanked.start <= span.start && span.end <= blanked.end)
    }

    /// The clause or effect to blame, if the rest of the unit can be read without it.
    fn region(&self, failure: &Failure, base: usize) -> Option<Region> {
        let at = self.at(failure, base);
        let misread = self.misread(at);
        let at = misread.unwrap_or(at);
        let found = self.landmarks.get(at)?;
        if found.depth == 0 {
            return None;
        }
        // Braces are empty only because of what has been taken out of them.
        let last = self.landmarks[..at].iter().rev().find(|landmark| !self.is_blanked(landmark.span))?;
        let is_consequence = found.kind == TokenKind::CloseBrace
            && last.kind == TokenKind::OpenBrace
            && at.checked_sub(1).is_some_and(|before| self.is_blanked(self.landmarks[before].span));
        let own_fault = match misread {
            // The word is misspelt, or the clause before it is not complete.
            Some(misread) => !self.landmarks[misread].is_start,
            None => failure.expects_clause() && (found.first_on_line || found.is_start),
        };
        let mut start = if own_fault && found.kind != TokenKind::CloseBrace {
            at
        } else {
            self.start_before(at, found.depth)?
        };
        loop {
            let depth = self.landmarks[start].depth;
            let is_unknown = !self.landmarks[start].is_start;
            let end = self.landmarks[start + 1..]
                .iter()
                .position(|landmark| {
                    (landmark.is_start && landmark.depth <= depth)
                        // What starts with an unknown word ends where a line starts with another.
                        || (is_unknown && landmark.starts_with_name && landmark.depth <= depth)
                        || (landmark.kind == TokenKind::CloseBrace && landmark.depth <= depth)
                })
                .map(|offset| start + 1 + offset);
            let end = end.unwrap_or(self.landmarks.len());
            let span =
                Span { start: self.landmarks[start].span.start, end: self.landmarks[end - 1].span.end };
            if !self.landmarks[start..end].iter().all(|landmark| self.is_blanked(landmark.span)) {
                return Some(Region { span, is_consequence });
            }
            start = self.start_before(start, depth.checked_sub(1)?)?;
        }
    }

    /// The last start before the token at this depth or further out.
    fn start_before(&self, at: usize, depth: usize) -> Option<usize> {
        self.landmarks[..at].iter().rposition(|landmark| landmark.is_start && landmark.depth <= depth)
    }
}

/// Where the grammar failed and what it would have accepted there.
struct Failure {
    position: usize,
    expected: Vec<Rule>,
    /// The native stack was about to end.
    is_limit: bool,
}

impl Failure {
    fn of(error: &Error<Rule>) -> Failure {
        let position = match error.location {
            InputLocation::Pos(position) => position,
            InputLocation::Span((start, _)) => start,
        };
        match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => {
                Failure { position, expected: positives.clone(), is_limit: false }
            }
            ErrorVariant::CustomError { .. } => Failure { position, expected: Vec::new(), is_limit: true },
        }
    }

    fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    /// The keywords that fit.
    fn keywords(&self) -> impl Iterator<Item = &'static str> {
        self.expected.iter().filter_map(|&rule| keyword(rule))
    }

    /// Whether a clause, a step or an effect could have started here.
    fn expects_clause(&self) -> bool {
        self.keywords().filter(|word| CLAUSE_WORDS.contains(word) || EFFECT_WORDS.contains(word)).count() > 3
    }

    /// Whether an operand could have started here: an expression without what may stand before its first operand.
    fn expects_operand(&self) -> bool {
        self.expects(Rule::string)
            && (self.expects(Rule::question) || self.expects(Rule::hole))
            && (self.expects(Rule::boolean) || self.expects(Rule::kw_true))
    }

    /// What was expected, in words.
    fn expected(&self) -> String {
        let words: Vec<&'static str> = self.keywords().filter(|word| !is_continuation(word)).collect();
        if self.expects_clause() {
            const SHOWN: &[(&str, &str)] = &[
                ("an effect such as", "award"),
                ("an effect such as", "discount"),
                ("an effect such as", "price"),
                ("a clause such as", "when"),
                ("a clause such as", "let"),
                ("a clause such as", "then"),
                ("a step such as", "given"),
                ("a step such as", "expect"),
                ("a clause such as", "kind"),
                ("a clause such as", "displace"),
                ("a clause such as", "currency"),
                ("a clause such as", "zone"),
                ("a clause such as", "worth"),
                ("a clause such as", "redeemable"),
            ];
            let mut shown = SHOWN.iter().filter(|(_, word)| words.contains(word));
            if let Some((noun, first)) = shown.next() {
                let mut list = vec![format!("`{first}`")];
                list.extend(
                    shown.filter(|(other, _)| other == noun).take(2).map(|(_, word)| format!("`{word}`")),
                );
                return format!("{noun} {}", list.join(", "));
            }
            let list: Vec<String> = words.iter().take(3).map(|word| format!("`{word}`")).collect();
            return format!("a clause such as {}", list.join(", "));
        }
        // An operand is expected where all the things are that it may start with.
        const OPERANDS: &[Rule] = &[
            Rule::open_paren,
            Rule::parenthesised,
            Rule::open_bracket,
            Rule::list,
            Rule::string,
            Rule::boolean,
            Rule::reference,
            Rule::kind_word,
            Rule::named,
            Rule::path,
            Rule::name,
            Rule::question,
            Rule::hole,
            Rule::kw_by,
            Rule::choice,
            Rule::kw_steps,
            Rule::steps,
            Rule::minus,
            Rule::kw_not,
        ];
        let is_operand = self.expects_operand();
        let others = self.expected.iter().filter(|&found| !(is_operand && OPERANDS.contains(found)));
        let mut parts: Vec<String> = Vec::new();
        if is_operand {
            parts.push("an expression".to_owned());
        }
        let mut add = |part: String| {
            if !parts.contains(&part) {
                parts.push(part);
            }
        };
        for &expected in others {
            match phrase(expected) {
                Some(phrase) => add(phrase.to_owned()),
                None => {
                    if let Some(word) = keyword(expected).filter(|word| !is_continuation(word)) {
                        add(format!("`{word}`"));
                    }
                }
            }
        }
        if parts.is_empty() {
            let mut signs: Vec<String> = self
                .keywords()
                .filter(|word| is_continuation(word))
                .map(|word| format!("`{word}`"))
                .collect();
            signs.truncate(3);
            parts = if signs.is_empty() { vec!["something else".to_owned()] } else { signs };
        }
        parts.truncate(4);
        match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            Some((last, _)) => last.clone(),
            None => String::new(),
        }
    }
}

/// What the grammar asks for where a text ends.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) keywords: Vec<String>,
    pub(crate) expression: bool,
    pub(crate) name: bool,
    pub(crate) unit: bool,
    pub(crate) type_name: bool,
    pub(crate) collection: bool,
}

/// What could follow the beginning of a unit: `rule` for a rule in a group's braces.
pub(crate) fn expected_at_end(shape: &str, rule: bool) -> Expected {
    let whole = if rule { Rule::rule_unit } else { Rule::item_unit };
    let mut expected = Expected::default();
    // A word that stands nowhere makes the grammar say what else it would take there.
    let text = format!("{shape} \u{1}");
    let Err(error) = Shape::parse(whole, &text) else { return expected };
    let failure = Failure::of(&error);
    if failure.is_limit || failure.position < shape.trim_end().len() {
        return expected;
    }
    expected.keywords = failure.keywords().map(str::to_owned).collect();
    expected.expression = failure.expects_operand()
        || [
            Rule::expression,
            Rule::arithmetic,
            Rule::subject,
            Rule::pattern,
            Rule::patterns,
            Rule::arm,
            Rule::range,
        ]
        .into_iter()
        .any(|rule| failure.expects(rule));
    // Of a part that begins in several ways the grammar names the part alone.
    const BEGIN: &[(Rule, &[&str])] = &[
        (
            Rule::expectation,
            &[
                "nothing", "rule", "award", "discount", "debit", "issue", "gift", "balance", "tier", "badge",
                "coupon", "refused", "total", "tax", "net", "offer", "offers", "contacts", "ensure", "say",
                "withdraw", "no",
            ],
        ),
        (Rule::type_name, &["set", "list"]),
        (Rule::window, &["last", "any", "this", "previous", "session", "program"]),
        (Rule::period, &["day", "week", "month", "quarter", "half_year", "year"]),
        (Rule::target, &["basket", "cheapest", "dearest", "every"]),
        (Rule::source, &["cheapest", "dearest", "every", "earlier"]),
        (Rule::pick, &["cheapest", "dearest", "every"]),
        (Rule::arm, &["otherwise", "from"]),
        (Rule::patterns, &["otherwise", "from"]),
        (Rule::pattern, &["from"]),
        (Rule::scope, &["to", "by", "on"]),
    ];
    for (_, words) in BEGIN.iter().filter(|(rule, _)| failure.expects(*rule)) {
        expected.keywords.extend(words.iter().map(|word| (*word).to_owned()));
    }
    expected.expression |= failure.expects(Rule::expectation);
    if expected.expression {
        let words = ["not", "true", "false", "by", "steps"];
        expected.keywords.extend(words.map(str::to_owned));
    }
    expected.name = [Rule::name, Rule::path, Rule::header, Rule::word, Rule::occasion, Rule::issued]
        .into_iter()
        .any(|rule| failure.expects(rule));
    expected.unit = failure.expects(Rule::unit) || failure.expects(Rule::duration);
    expected.type_name = failure.expects(Rule::type_name);
    expected.collection = [Rule::source, Rule::filter, Rule::history, Rule::pick, Rule::target]
        .into_iter()
        .any(|rule| failure.expects(rule));
    expected
}

/// Every word that is a keyword somewhere.
pub(crate) fn all_keywords() -> Vec<&'static str> {
    let mut words: Vec<&'static str> = Rule::all_rules().iter().filter_map(|&rule| keyword(rule)).collect();
    words.sort_unstable();
    words
}

/// Words that continue an expression; they are possible after every operand and therefore no help.
fn is_continuation(word: &str) -> bool {
    matches!(word, "and" | "or" | "mod" | "of" | "as" | "known" | "unknown" | "in" | "not")
}

/// The words for a rule of the grammar; nothing for keywords and for signs that can continue any expression.
fn phrase(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::expression
        | Rule::arithmetic
        | Rule::named
        | Rule::parenthesised
        | Rule::steps
        | Rule::choice
        | Rule::reference
        | Rule::kind_word
        | Rule::hole
        | Rule::list
        | Rule::boolean
        | Rule::subject => "an expression",
        Rule::name | Rule::path | Rule::header | Rule::word | Rule::parameter => "a name",
        Rule::string => "a text in quotes",
        Rule::number => "a number",
        Rule::percent => "a percentage",
        Rule::quantity => "an amount with its unit",
        Rule::unit => "a unit",
        Rule::duration => "a length of time such as `30 days`",
        Rule::period => "a period such as `month`",
        Rule::ordinal => "a position such as `3rd`",
        Rule::date => "a date such as `2026-03-01`",
        Rule::time => "a time such as `09:00`",
        Rule::instant => "a date and time such as `2026-03-01 09:00`",
        Rule::window => "a window such as `last 30 days`",
        Rule::source | Rule::filter | Rule::history | Rule::pick => "a collection such as `lines`",
        Rule::target => "`basket` or a collection such as `lines`",
        Rule::type_name => "a type such as `money` or `percent`",
        Rule::tongue => "a language such as `en`",
        Rule::finding => "the name of a diagnostic",
        Rule::field => "a field such as `sku: sku`",
        Rule::valid_period => "days such as `2026-01-01 through 2026-03-31` or `from 2026-01-01`",
        Rule::arm | Rule::patterns | Rule::pattern => "a row such as `vip => 3%`",
        Rule::part => "a part such as `coffee = 1 of units`",
        Rule::about_entry => "an entry such as `owner \"Marketing\"`",
        Rule::bounds => "a bound such as `at most 3 offers`",
        Rule::open_brace => "`{`",
        Rule::close_brace => "`}`",
        Rule::close_paren => "`)`",
        Rule::open_bracket => "`[`",
        Rule::close_bracket => "`]`",
        Rule::colon => "`:`",
        Rule::equals => "`=`",
        Rule::arrow => "`=>`",
        Rule::comma => "`,`",
        Rule::EOI => "the end of the declaration",
        _ => return None,
    })
}

/// The text of a keyword's rule.
fn keyword(rule: Rule) -> Option<&'static str> {
    static WORDS: OnceLock<Vec<Option<String>>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let mut words = vec![None; Rule::all_rules().len() + 1];
        for &rule in Rule::all_rules() {
            let name = format!("{rule:?}");
            if let (Some(word), Some(slot)) = (name.strip_prefix("kw_"), words.get_mut(rule as usize)) {
                *slot = Some(word.to_owned());
            }
        }
        words
    });
    words.get(rule as usize)?.as_deref()
}

fn is_keyword(rule: Rule) -> bool {
    keyword(rule).is_some()
}

/// Whether a word can never be a name.
fn is_reserved(word: &str) -> bool {
    Shape::parse(Rule::reserved, word)
        .is_ok_and(|mut pairs| pairs.next().is_some_and(|pair| pair.as_str() == word))
}

/// The candidate that a misspelt word most likely means.
fn nearest<'w>(word: &str, candidates: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    const LONGEST: usize = 24;
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .map(|candidate| (distance(&lower, candidate), candidate))
        .filter(|&(distance, candidate)| {
            distance
                <= if candidate.len() < 4 {
                    0
                } else if candidate.len() < 6 {
                    1
                } else {
                    2
                }
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let width = right.len() + 1;
    let mut table = vec![0_usize; (left.len() + 1) * width];
    for row in 0..=left.len() {
        for column in 0..=right.len() {
            table[row * width + column] = if row == 0 || column == 0 {
                row + column
            } else {
                let replace = usize::from(left[row - 1] != right[column - 1]);
                let mut best = (table[(row - 1) * width + column] + 1)
                    .min(table[row * width + column - 1] + 1)
                    .min(table[(row - 1) * width + column - 1] + replace);
                let swapped = row > 1
                    && column > 1
                    && left[row - 1] == right[column - 2]
                    && left[row - 2] == right[column - 1];
                if swapped {
                    best = best.min(table[(row - 2) * width + column - 2] + 1);
                }
                best
            };
        }
    }
    table[left.len() * width + right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that begin a clause, and lines inside of others too, so that a mistake cannot be cut off at them.
    const ELSEWHERE_TOO: &[&str] =
        &["at", "expires", "first", "from", "member", "no", "not", "rest", "spread", "use"];

    #[test]
    fn a_mistake_is_cut_off_at_the_words_that_begin_clauses() {
        let heads = [
            "program p {",
            "account a {",
            "group g {",
            "rule r in group g {",
            "template t {",
            "tiers t {",
            "coupon c {",
            "certificate c {",
            "badge b {",
            "redemption r {",
            "offer o {",
            "arbitration a {",
            "ensure e {",
            "contacts c {",
            "test \"t\" {",
        ];
        let known = [CLAUSE_WORDS, EFFECT_WORDS, ITEM_WORDS, ELSEWHERE_TOO].concat();
        let words = heads.iter().flat_map(|head| {
            let words = expected_at_end(head, false).keywords;
            words.into_iter().map(move |word| format!("{head} {word}"))
        });
        let is_missing = |begun: &String| !begun.rsplit(' ').next().is_some_and(|word| known.contains(&word));
        assert_eq!(words.filter(is_missing).collect::<Vec<_>>(), [""; 0]);
    }
}
