//! The one layout of a rule file.
//!
//! It refuses to change what a file says: the tokens and comments stay the same and in the same order. It decides
//! blanks, line ends and indentation, and writes names in NFC. What stands in braces on one line stays there if it
//! fits; otherwise each clause, effect, row or field gets its own line. Line ends that the author put inside a clause
//! are kept, and a line that is too long without them is broken: before each `and` and `or` of its outermost condition,
//! else after each comma of its outermost list. One blank line separates declarations, except that declarations of one
//! line may stand together. In lines that follow one another, the arrows of rows stand below each other, and so do comments
//! at their ends.

use crate::diagnostic::{Diagnostic, FileId};
use crate::errors;
use crate::lex::{Token, TokenKind};
use crate::parse::{Reading, Rule, read};
use crate::source::MAX_SOURCE_BYTES;
use pest::iterators::Pair;
use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization;

/// The longest line on which braces written on one line stay, and beyond which others are broken.
pub const LINE_WIDTH: usize = 100;

/// Times that a file is laid out until no line that can be broken is too long. Each time goes one level of brackets
/// deeper, and there are never so many.
const ROUNDS: usize = 1_000;

/// Characters of a list that is worth a line for each entry.
const LIST_WIDTH: usize = 48;

/// Blanks for each level.
const INDENT: usize = 2;

/// Blanks before a comment at the end of a line.
const COMMENT_GAP: usize = 2;

/// Lays out a file. A file with errors is not laid out; its diagnostics are returned instead. Neither is one that would
/// then be larger than a file may be.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let mut marks = Marks::default();
    let parsed = read(FileId(0), text, &mut |reading| marks.collect(reading));
    if parsed.diagnostics.iter().any(|found| found.severity == crate::diagnostic::Severity::Error) {
        return Err(parsed.diagnostics);
    }
    let mut layout = Layout::new(text, &parsed.tokens, &marks);
    layout.print();
    for _ in 0..ROUNDS {
        if !layout.break_long_lines() {
            break;
        }
        layout.print();
    }
    let text = layout.aligned();
    if text.len() > MAX_SOURCE_BYTES {
        return Err(vec![errors::file_too_large(FileId(0), text.len())]);
    }
    Ok(text)
}

/// What the grammar knows about the layout, by the start of the token.
#[derive(Default)]
struct Marks {
    /// The first token of each declaration.
    items: HashSet<usize>,
    /// The first token of each thing that gets its own line in braces.
    elements: HashSet<usize>,
    /// Tokens without a blank before them.
    glued: HashSet<usize>,
}

impl Marks {
    fn collect(&mut self, reading: &Reading<'_>) {
        let base = reading.base;
        if let Some(unit) = reading.pairs.clone().next() {
            let starts = match unit.as_rule() {
                Rule::item_unit => &mut self.items,
                _ => &mut self.elements,
            };
            starts.extend(unit.into_inner().next().map(|first| base + first.as_span().start()));
        }
        for pair in reading.pairs.clone().flatten() {
            self.node(pair, base);
        }
    }

    fn node(&mut self, pair: Pair<'_, Rule>, base: usize) {
        let start = base + pair.as_span().start();
        match pair.as_rule() {
            Rule::arguments | Rule::parameters | Rule::amount_of => {
                self.glued.insert(start);
            }
            Rule::finding => {
                for part in pair.into_inner().skip(1) {
                    self.glued.insert(base + part.as_span().start());
                }
            }
            Rule::type_name => {
                for part in pair.into_inner() {
                    if matches!(part.as_rule(), Rule::open_bracket | Rule::question) {
                        self.glued.insert(base + part.as_span().start());
                    }
                }
            }
            Rule::arithmetic | Rule::subject | Rule::steps => self.signs(pair, base),
            Rule::open_brace
            | Rule::close_brace
            | Rule::open_paren
            | Rule::close_paren
            | Rule::open_bracket
            | Rule::close_bracket
            | Rule::comma => {}
            _ => self.block(pair, base),
        }
    }

    /// A sign that stands before an operand has no blank after it, except before another sign.
    fn signs(&mut self, pair: Pair<'_, Rule>, base: usize) {
        let mut after_operand = false;
        let mut after_sign = false;
        for part in pair.into_inner() {
            if after_sign && part.as_rule() != Rule::minus {
                self.glued.insert(base + part.as_span().start());
            }
            after_sign = part.as_rule() == Rule::minus && !after_operand;
            after_operand = !matches!(
                part.as_rule(),
                Rule::plus
                    | Rule::minus
                    | Rule::star
                    | Rule::slash
                    | Rule::kw_mod
                    | Rule::kw_of
                    | Rule::kw_in
                    | Rule::kw_steps
            );
        }
    }

    /// The things between this node's braces.
    fn block(&mut self, pair: Pair<'_, Rule>, base: usize) {
        let mut inside = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::open_brace => inside = true,
                Rule::close_brace => inside = false,
                Rule::comma => {}
                _ if inside => {
                    self.elements.insert(base + part.as_span().start());
                }
                _ => {}
            }
        }
    }
}

/// A token or comment to print.
struct Piece<'t> {
    text: String,
    token: &'t Token,
    /// Line ends between it and the piece before.
    lines_before: usize,
    /// Its offset if everything stood on one line.
    flat: usize,
    width: usize,
    /// Whether a blank precedes it on its line.
    blank_before: bool,
}

struct Layout<'m, 't> {
    marks: &'m Marks,
    pieces: Vec<Piece<'t>>,
    /// For opening braces, the index of the partner.
    closes: Vec<usize>,
    /// For each piece, the first from there that is no comment.
    next: Vec<Option<usize>>,
    output: String,
    /// Characters on the current line.
    column: usize,
    /// The indentation of the current line.
    indent: usize,
    /// The lines that were printed.
    lines: Vec<Line>,
    /// The next piece begins a line.
    begins_line: bool,
}

/// A printed line.
struct Line {
    /// Its first piece.
    start: usize,
    /// Behind its last piece.
    end: usize,
    /// Its characters, without a comment at its end.
    width: usize,
    /// Its indentation.
    indent: usize,
    /// An empty line stands before it.
    after_blank: bool,
    /// Where its only `=>` of its own level stands, in the output and on the line.
    arrow: Option<(usize, usize)>,
    /// Where the gap before a comment at its end begins, in the output.
    comment: Option<usize>,
}

/// What was found at the outermost level of brackets that has any.
struct Outermost<T> {
    level: Option<isize>,
    found: Vec<T>,
}

impl<T> Default for Outermost<T> {
    fn default() -> Outermost<T> {
        Outermost { level: None, found: Vec::new() }
    }
}

impl<T> Outermost<T> {
    fn add(&mut self, level: isize, thing: T) {
        if self.level.is_some_and(|outermost| level > outermost) {
            return;
        }
        if self.level != Some(level) {
            self.found.clear();
            self.level = Some(level);
        }
        self.found.push(thing);
    }
}

/// Braces that are open.
struct Open {
    /// Whether each thing inside gets its own line.
    is_broken: bool,
    /// The indentation of the line with the opening brace.
    indent: usize,
    /// For each parenthesis and bracket that is open inside, the indentation of its line.
    brackets: Vec<usize>,
}

impl<'m, 't> Layout<'m, 't> {
    fn new(text: &str, tokens: &'t [Token], marks: &'m Marks) -> Layout<'m, 't> {
        let mut pieces: Vec<Piece<'t>> = Vec::new();
        let mut lines_before = 0;
        let mut flat = 0;
        for token in tokens {
            match token.kind {
                TokenKind::Newline => lines_before += 1,
                TokenKind::Space => {}
                _ => {
                    let raw = token.text(text);
                    let text = match token.kind {
                        TokenKind::Word if !raw.is_ascii() => raw.nfc().collect(),
                        kind if kind.is_comment() => raw.trim_end().to_owned(),
                        _ => raw.to_owned(),
                    };
                    let blank_before = pieces.last().is_some_and(|before| needs_blank(before, token, marks));
                    let width = text.chars().count();
                    flat += usize::from(blank_before);
                    pieces.push(Piece { text, token, lines_before, flat, width, blank_before });
                    flat += width;
                    lines_before = 0;
                }
            }
        }
        let closes = match_braces(&pieces);
        let mut next = vec![None; pieces.len()];
        for at in (0..pieces.len()).rev() {
            next[at] = if pieces[at].token.kind.is_comment() {
                next.get(at + 1).copied().flatten()
            } else {
                Some(at)
            };
        }
        Layout {
            marks,
            pieces,
            closes,
            next,
            output: String::with_capacity(text.len()),
            column: 0,
            indent: 0,
            lines: Vec::new(),
            begins_line: true,
        }
    }

    /// Breaks each line that is too long; says whether there was one that could be broken. A break is a line end as an
    /// author could have put it there, so that what comes out is laid out already.
    fn break_long_lines(&mut self) -> bool {
        let mut breaks = Vec::new();
        for line in self.lines.iter().filter(|line| line.width > LINE_WIDTH) {
            breaks.extend(self.breaks_of(line.start, line.end));
        }
        for at in &breaks {
            self.pieces[*at].lines_before = 1;
        }
        !breaks.is_empty()
    }

    /// The pieces of a line that should begin lines of their own: at the outermost level of brackets that has an `and` or
    /// `or`, or a list that is worth it.
    fn breaks_of(&self, start: usize, end: usize) -> Vec<usize> {
        let mut joints = Outermost::default();
        let mut lists = Outermost::default();
        // Brackets that are open, with the pieces after each of their commas; braces stand for themselves.
        let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut level: isize = 0;
        for at in start..end {
            let piece = &self.pieces[at];
            let can_break = |at: usize| at > start && at < end && self.keeps_line_end(at);
            match piece.token.kind {
                TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                    open.push((at, Vec::new()));
                    level += 1;
                }
                TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => {
                    level -= 1;
                    let Some((opened, after_commas)) = open.pop() else { continue };
                    let width = piece.flat - self.pieces[opened].flat;
                    if after_commas.is_empty()
                        || width < LIST_WIDTH
                        || piece.token.kind == TokenKind::CloseBrace
                    {
                        continue;
                    }
                    let entries = [opened + 1].into_iter().chain(after_commas).chain([at]);
                    let entries: Vec<usize> = entries.filter(|at| can_break(*at)).collect();
                    if !entries.is_empty() {
                        lists.add(level, (width, entries));
                    }
                }
                TokenKind::Comma => {
                    if let Some((_, after_commas)) = open.last_mut() {
                        after_commas.push(at + 1);
                    }
                }
                TokenKind::Keyword if matches!(piece.text.as_str(), "and" | "or") && can_break(at) => {
                    joints.add(level, at);
                }
                _ => {}
            }
        }
        match (joints.level, lists.level) {
            (Some(joint), list) if list.is_none_or(|list| joint <= list) => joints.found,
            // The widest of them.
            (_, Some(_)) => {
                lists.found.into_iter().max_by_key(|(width, _)| *width).map(|(_, at)| at).unwrap_or_default()
            }
            (_, None) => Vec::new(),
        }
    }

    fn print(&mut self) {
        self.output.clear();
        self.lines.clear();
        (self.column, self.indent, self.begins_line) = (0, 0, true);
        let mut open: Vec<Open> = Vec::new();
        // The same for parentheses and brackets outside of braces.
        let mut brackets: Vec<usize> = Vec::new();
        // Whether an item has ended, and whether it took one line.
        let mut previous_item: Option<bool> = None;
        let mut item_line = 0_usize;
        let mut line = 0_usize;
        // Braces that were open where the line began.
        let mut line_level = 0;
        for at in 0..self.pieces.len() {
            let piece = &self.pieces[at];
            let kind = piece.token.kind;
            let lines_before = piece.lines_before;
            let is_comment = kind.is_comment();
            let starts_item = open.is_empty() && self.is_item(at);
            let is_top = starts_item || (open.is_empty() && self.introduces_item(at));

            if at == 0 {
                item_line = line;
            } else if is_comment && lines_before == 0 {
                // A comment at the end of a line.
                if let Some(line) = self.lines.last_mut() {
                    line.comment = Some(self.output.len());
                }
                self.output.push_str(&" ".repeat(COMMENT_GAP));
            } else if is_top {
                let blank = match previous_item {
                    Some(one_line) if !self.within_comments(at) => {
                        !(one_line && self.is_one_line_item(at)) || lines_before > 1
                    }
                    _ => lines_before > 1,
                };
                line += self.new_line(0, blank);
                if starts_item {
                    item_line = line;
                }
            } else if kind == TokenKind::CloseBrace {
                if let Some(block) = open.last() {
                    if block.is_broken {
                        let indent = block.indent;
                        line += self.new_line(indent, false);
                    } else if piece.blank_before {
                        self.blank();
                    }
                }
            } else if self.starts_line(at) && open.last().is_some_and(|block| block.is_broken) {
                let indent = open.last().map_or(0, |block| block.indent + INDENT);
                let after_opening = self.pieces[at - 1].token.kind == TokenKind::OpenBrace
                    || (self.pieces[at - 1].token.kind.is_comment()
                        && self.pieces[at - 1].lines_before == 0
                        && at >= 2
                        && self.pieces[at - 2].token.kind == TokenKind::OpenBrace);
                line += self.new_line(indent, lines_before > 1 && !after_opening);
            } else if (lines_before > 0 && self.keeps_line_end(at))
                || self.pieces[at - 1].token.kind.is_comment()
            {
                let base = open.last().map_or(0, |block| block.indent + INDENT);
                let within = open.last().map_or(&brackets, |block| &block.brackets).last();
                let indent = match within {
                    Some(line) if kind.is_closing() => *line,
                    Some(line) => line + INDENT,
                    None => base + INDENT,
                };
                line += self.new_line(indent, false);
            } else if piece.blank_before {
                self.blank();
            }

            let piece = &self.pieces[at];
            self.output.push_str(&piece.text);
            self.column += piece.width;
            match self.lines.last_mut() {
                Some(line) if !self.begins_line => line.end = at + 1,
                Some(_) | None => {
                    let after_blank = self.output.len() > piece.text.len() + self.indent
                        && self.output[..self.output.len() - piece.text.len() - self.indent]
                            .ends_with("\n\n");
                    self.lines.push(Line {
                        start: at,
                        end: at + 1,
                        width: 0,
                        indent: self.indent,
                        after_blank,
                        arrow: None,
                        comment: None,
                    });
                    line_level = open.len();
                }
            }
            if kind == TokenKind::Arrow
                && open.len() == line_level
                && let Some(line) = self.lines.last_mut()
            {
                line.arrow = Some((self.output.len() - piece.text.len(), self.column - piece.width));
            }
            self.begins_line = false;
            if let Some(line) = self.lines.last_mut()
                && !is_comment
            {
                line.width = self.column;
            }

            match kind {
                TokenKind::OpenBrace => {
                    let is_broken = self.is_broken(at);
                    open.push(Open { is_broken, indent: self.indent, brackets: Vec::new() });
                }
                TokenKind::CloseBrace => {
                    open.pop();
                }
                TokenKind::OpenParen | TokenKind::OpenBracket => {
                    let indent = self.indent;
                    open.last_mut().map_or(&mut brackets, |block| &mut block.brackets).push(indent);
                }
                TokenKind::CloseParen | TokenKind::CloseBracket => {
                    open.last_mut().map_or(&mut brackets, |block| &mut block.brackets).pop();
                }
                _ => {}
            }
            if open.is_empty() && self.next_starts_item(at) {
                previous_item = Some(line == item_line);
                brackets.clear();
            }
        }
        if !self.output.is_empty() {
            self.output.push('\n');
        }
    }

    /// The output, with blanks before arrows and before comments at the ends of lines, so that those of lines that
    /// follow one another stand below each other.
    fn aligned(&self) -> String {
        let mut blanks: Vec<(usize, usize)> = Vec::new();
        let mut widths: Vec<usize> = self.lines.iter().map(|line| line.width).collect();
        for run in self.runs(|line| line.arrow.is_some()) {
            let column = |at: usize| self.lines[at].arrow.map_or(0, |(_, column)| column);
            let widest = run.clone().map(column).max().unwrap_or(0);
            for at in run {
                if let Some((place, column)) = self.lines[at].arrow {
                    blanks.push((place, widest - column));
                    widths[at] += widest - column;
                }
            }
        }
        for run in self.runs(|_| true) {
            let commented = || run.clone().filter(|at| self.lines[*at].comment.is_some());
            let widest = commented().map(|at| widths[at]).max().unwrap_or(0);
            for at in commented() {
                if let Some(place) = self.lines[at].comment {
                    blanks.push((place, widest - widths[at]));
                }
            }
        }
        blanks.sort_unstable();
        let mut out = String::with_capacity(self.output.len());
        let mut from = 0;
        for (place, count) in blanks {
            out.push_str(&self.output[from..place]);
            out.push_str(&" ".repeat(count));
            from = place;
        }
        out.push_str(&self.output[from..]);
        out
    }

    /// Lines of one indentation that follow one another and are of a kind.
    fn runs(&self, is_one: impl Fn(&Line) -> bool) -> Vec<std::ops::Range<usize>> {
        let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
        for (at, line) in self.lines.iter().enumerate().filter(|(_, line)| is_one(line)) {
            match runs.last_mut() {
                Some(run)
                    if run.end == at && !line.after_blank && self.lines[run.start].indent == line.indent =>
                {
                    run.end = at + 1;
                }
                Some(_) | None => runs.push(at..at + 1),
            }
        }
        runs
    }

    fn blank(&mut self) {
        self.output.push(' ');
        self.column += 1;
    }

    /// Ends the line; says how many line ends that took.
    fn new_line(&mut self, indent: usize, blank: bool) -> usize {
        self.output.push('\n');
        if blank {
            self.output.push('\n');
        }
        self.output.push_str(&" ".repeat(indent));
        self.indent = indent;
        self.column = indent;
        self.begins_line = true;
        1 + usize::from(blank)
    }

    /// Whether only comments stand between here and the start of a declaration or the end of the file.
    fn introduces_item(&self, at: usize) -> bool {
        if !self.pieces[at].token.kind.is_comment() {
            return false;
        }
        self.next[at].is_none_or(|next| self.is_item(next))
    }

    /// Whether the piece before is a comment on a line of its own.
    fn within_comments(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| {
            let before = &self.pieces[before];
            before.token.kind.is_comment() && (before.lines_before > 0 || at == 1)
        })
    }

    /// Whether the declaration that starts here, without comments before it, takes one line.
    fn is_one_line_item(&self, at: usize) -> bool {
        if !self.is_item(at) {
            return false;
        }
        let mut end = at + 1;
        while end < self.pieces.len() && !self.is_item(end) {
            end += 1;
        }
        // Comments on lines of their own at the end belong to what follows.
        while self.pieces[end - 1].token.kind.is_comment() && self.pieces[end - 1].lines_before > 0 {
            end -= 1;
        }
        let pieces = &self.pieces[at..end];
        let width = pieces.last().map_or(0, |last| last.flat + last.width) - pieces[0].flat;
        // Braces that would not fit are broken.
        let has_braces = pieces.iter().any(|piece| piece.token.kind == TokenKind::OpenBrace);
        pieces[1..].iter().all(|piece| piece.lines_before == 0) && !(has_braces && width > LINE_WIDTH)
    }

    fn is_item(&self, at: usize) -> bool {
        self.marks.items.contains(&(self.pieces[at].token.span.start as usize))
    }

    fn next_starts_item(&self, at: usize) -> bool {
        match self.pieces.get(at + 1) {
            Some(next) if next.token.kind.is_comment() => {
                next.lines_before > 0 && self.introduces_item(at + 1)
            }
            Some(_) => self.is_item(at + 1),
            None => false,
        }
    }

    /// Whether the piece gets its own line where its braces are broken: elements, and comments before them.
    fn starts_line(&self, at: usize) -> bool {
        let piece = &self.pieces[at];
        if !piece.token.kind.is_comment() {
            return self.marks.elements.contains(&(piece.token.span.start as usize));
        }
        self.next[at].is_none_or(|next| {
            let token = self.pieces[next].token;
            token.kind == TokenKind::CloseBrace || self.marks.elements.contains(&(token.span.start as usize))
        })
    }

    /// Whether a line end that the author put before the piece stays.
    fn keeps_line_end(&self, at: usize) -> bool {
        let piece = &self.pieces[at];
        let before = &self.pieces[at - 1];
        if piece.token.kind.is_comment() || before.token.kind.is_comment() {
            return true;
        }
        if matches!(
            piece.token.kind,
            TokenKind::OpenBrace
                | TokenKind::Comma
                | TokenKind::Colon
                | TokenKind::Arrow
                | TokenKind::PercentSign
        ) {
            return false;
        }
        let opens = matches!(before.token.kind, TokenKind::OpenParen | TokenKind::OpenBracket);
        piece.blank_before
            || opens
            || matches!(piece.token.kind, TokenKind::CloseParen | TokenKind::CloseBracket)
    }

    /// Whether the braces that open here are broken over lines.
    fn is_broken(&self, at: usize) -> bool {
        let close = self.closes[at];
        if close <= at {
            return false;
        }
        if self.pieces[at + 1..=close].iter().any(|piece| piece.lines_before > 0) {
            return true;
        }
        let comma =
            usize::from(self.pieces.get(close + 1).is_some_and(|next| next.token.kind == TokenKind::Comma));
        let width = self.pieces[close].flat + self.pieces[close].width - self.pieces[at].flat + comma;
        self.column - self.pieces[at].width + width > LINE_WIDTH
    }
}

fn match_braces(pieces: &[Piece<'_>]) -> Vec<usize> {
    let mut closes = vec![0; pieces.len()];
    let mut open = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        match piece.token.kind {
            TokenKind::OpenBrace => open.push(at),
            TokenKind::CloseBrace => {
                if let Some(start) = open.pop() {
                    closes[start] = at;
                }
            }
            _ => {}
        }
    }
    closes
}

/// Whether a blank stands between two neighbours on a line.
fn needs_blank(before: &Piece<'_>, token: &Token, marks: &Marks) -> bool {
    use TokenKind as K;
    // A title stands between the name and its columns.
    let after_title = before.token.kind == K::String && token.kind == K::OpenParen;
    if marks.glued.contains(&(token.span.start as usize)) && !after_title {
        return false;
    }
    let closes =
        matches!(token.kind, K::Comma | K::Colon | K::CloseParen | K::CloseBracket | K::Dot | K::PercentSign);
    let opens = matches!(before.token.kind, K::OpenParen | K::OpenBracket | K::Dot);
    let is_empty = before.token.kind == K::OpenBrace && token.kind == K::CloseBrace;
    !closes && !opens && !is_empty
}
