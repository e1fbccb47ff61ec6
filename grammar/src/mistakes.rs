//! Mistakes that single tokens show, and the text as the grammar reads it.
//!
//! Each notation of another language or habit gets its own answer here and is then replaced in place by what was
//! meant, or blanked, so that the rest of the clause is still read. Lengths never change, so places stay true. It
//! refuses to know clauses and expressions.

use crate::diagnostic::{FileId, Place, Span};
use crate::errors;
use crate::lex::{Token, TokenKind};
use crate::report::Report;
use crate::tree::escape;

/// The most digits that a number may have.
pub const MAX_DIGITS: usize = 40;

/// A text ready for the grammar.
pub(crate) struct Masked {
    /// The text with comments and mistakes replaced.
    pub(crate) text: Vec<u8>,
    /// Places that have a diagnostic, in order: what the grammar says about their clauses is no news.
    pub(crate) problems: Vec<Span>,
    /// Starts of numbers whose value is not known, in order.
    pub(crate) mistaken: Vec<u32>,
}

/// Reports the mistakes and masks them.
pub(crate) fn mask(file: FileId, text: &str, tokens: &[Token], report: &mut Report) -> Masked {
    let mut masked = Masked { text: text.as_bytes().to_vec(), problems: Vec::new(), mistaken: Vec::new() };
    for (at, token) in tokens.iter().enumerate() {
        let place = Place { file, span: token.span };
        let raw = token.text(text);
        use TokenKind as K;
        match token.kind {
            K::Comment | K::Documentation => masked.replace(token.span, ""),
            K::ForeignComment => {
                report.push(errors::foreign_comment(place, raw));
                masked.replace(token.span, "");
                masked.problems.push(token.span);
            }
            K::String => {
                for (offset, length) in bad_escapes(raw) {
                    let start = token.span.start as usize + offset;
                    let span = Span::new(start, start + length);
                    report.push(errors::unknown_escape(Place { file, span }, &raw[offset..offset + length]));
                }
            }
            K::UnclosedString => {
                report.push(errors::unclosed_string(place));
                // The text is lost to the grammar; a lone quote leaves no room for two.
                masked.replace(token.span, if raw.len() >= 2 { "\"\"" } else { "" });
                masked.problems.push(token.span);
            }
            K::ForeignString => {
                let content = foreign_string_content(raw);
                report.push(errors::foreign_quotes(place, &content));
                let kept: String =
                    content.chars().map(|c| if matches!(c, '"' | '\\') { ' ' } else { c }).collect();
                masked.replace(token.span, &format!("\"{kept}\""));
                masked.problems.push(token.span);
            }
            K::Number => {
                if raw.bytes().filter(u8::is_ascii_digit).count() > MAX_DIGITS {
                    report.push(errors::number_too_long(place));
                    masked.mistaken.push(token.span.start);
                }
            }
            K::MalformedNumber => {
                malformed_number(place, raw, report);
                let instead = if date_from_points(raw).is_some() {
                    "2000-01-01"
                } else if time_from_digits(raw).or_else(|| half_day(raw)).is_some() {
                    "00:00"
                } else {
                    "0"
                };
                let instead = if instead.len() <= raw.len() && !raw.starts_with('.') { instead } else { "0" };
                masked.number(token.span, instead);
            }
            K::SpacedNumber => {
                let joined = join_digits(raw);
                report.push(errors::spaced_number(place, raw, &joined));
                masked.number(token.span, "0");
            }
            K::MalformedDate => {
                report.push(errors::malformed_date(place, raw, &date_readings(raw)));
                let instead = if raw.len() >= 10 { "2000-01-01" } else { "0" };
                masked.number(token.span, instead);
            }
            K::CurrencySign => {
                let number = currency_number(tokens, at);
                let number = number.map(|at| tokens[at]);
                let whole = number.map_or(token.span, |number| token.span.to(number.span));
                let digits = number.map(|number| plain_number(number.text(text)));
                report.push(errors::currency_sign(Place { file, span: whole }, raw, digits.as_deref()));
                masked.replace(token.span, "");
                masked.problems.push(token.span);
                if let Some(number) = number {
                    masked.mistaken.push(number.span.start);
                }
            }
            K::DoubleEqual => {
                report.push(errors::double_equals(place));
                masked.problems.push(token.span);
            }
            K::DoubleAmpersand | K::DoubleBar => {
                let is_blank = |at: Option<usize>| {
                    let kind = at.and_then(|at| tokens.get(at)).map(|token| token.kind);
                    matches!(kind, None | Some(K::Space | K::Newline))
                };
                report.push(errors::foreign_logic(
                    place,
                    raw,
                    is_blank(at.checked_sub(1)),
                    is_blank(Some(at + 1)),
                ));
                masked.problems.push(token.span);
            }
            K::ForeignOperator => {
                let meant = foreign_operator(raw);
                report.push(errors::foreign_operator(place, raw, meant));
                // `not` is longer than `!`.
                masked.replace(token.span, meant.filter(|meant| meant.len() <= raw.len()).unwrap_or(""));
                masked.problems.push(token.span);
            }
            K::Semicolon => {
                report.push(errors::semicolon(place));
                masked.replace(token.span, "");
                masked.problems.push(token.span);
            }
            K::Unknown => {
                // Control and invisible characters are reported with their own names.
                if !raw.chars().all(crate::characters::is_refused) {
                    report.push(errors::unexpected_character(place, raw));
                }
                masked.replace(token.span, "");
                masked.problems.push(token.span);
            }
            // The grammar knows one blank and one line end.
            K::Space => masked.replace(token.span, ""),
            K::Newline => masked.replace(token.span, if raw.len() == 2 { " \n" } else { "\n" }),
            K::Word
            | K::Keyword
            | K::Ordinal
            | K::Date
            | K::Time
            | K::OpenBrace
            | K::CloseBrace
            | K::OpenParen
            | K::CloseParen
            | K::OpenBracket
            | K::CloseBracket
            | K::Comma
            | K::Colon
            | K::Dot
            | K::Question
            | K::PercentSign
            | K::Arrow
            | K::Equal
            | K::NotEqual
            | K::Less
            | K::LessOrEqual
            | K::Greater
            | K::GreaterOrEqual
            | K::Plus
            | K::Minus
            | K::Star
            | K::Slash => {}
        }
    }
    masked.mistaken.sort_unstable();
    masked
}

impl Masked {
    /// Puts `instead` in the place and blanks the rest of it.
    pub(crate) fn replace(&mut self, span: Span, instead: &str) {
        let Some(bytes) = self.text.get_mut(span.start as usize..span.end as usize) else { return };
        bytes.fill(b' ');
        if let Some(start) = bytes.get_mut(..instead.len()) {
            start.copy_from_slice(instead.as_bytes());
        }
    }

    fn number(&mut self, span: Span, instead: &str) {
        // `a.5` must not become the word `a0`.
        let starts_with_point = self.text.get(span.start as usize) == Some(&b'.');
        let start = span.start + u32::from(starts_with_point);
        self.replace(Span { start: span.start, end: start }, "");
        self.replace(Span { start, end: span.end }, instead);
        self.problems.push(span);
        self.mistaken.push(start);
    }
}

/// Offsets and lengths of backslashes that start no escape.
fn bad_escapes(raw: &str) -> Vec<(usize, usize)> {
    let mut bad = Vec::new();
    let mut at = 1;
    while let Some(found) = raw.get(at..).and_then(|rest| rest.find('\\')) {
        at += found;
        match raw.get(at..).and_then(escape) {
            Some((length, _)) => at += length,
            None => {
                let length = 1 + raw[at + 1..].chars().next().map_or(0, char::len_utf8);
                bad.push((at, length));
                at += length;
            }
        }
    }
    bad
}

fn foreign_string_content(raw: &str) -> String {
    let quotes = ['«', '»', '“', '”', '„', '‟', '\'', '‘', '’', '‚'];
    let inside = raw.strip_prefix(quotes).unwrap_or(raw);
    inside.strip_suffix(quotes).unwrap_or(inside).to_owned()
}

fn foreign_operator(raw: &str) -> Option<&'static str> {
    Some(match raw {
        "<>" | "≠" => "!=",
        "=<" | "≤" => "<=",
        "≥" => ">=",
        "×" => "*",
        "÷" => "/",
        "−" | "–" | "—" => "-",
        "!" => "not",
        "->" | "→" => "=>",
        _ => return None,
    })
}

/// The index of the number that a currency sign belongs to: the one after it, or else the one before it.
fn currency_number(tokens: &[Token], at: usize) -> Option<usize> {
    let is_number = |at: usize| {
        matches!(
            tokens.get(at).map(|token| token.kind),
            Some(TokenKind::Number | TokenKind::MalformedNumber | TokenKind::SpacedNumber)
        )
    };
    let is_space = |at: usize| tokens.get(at).map(|token| token.kind) == Some(TokenKind::Space);
    let after = if is_space(at + 1) { at + 2 } else { at + 1 };
    let before =
        at.checked_sub(1).and_then(|before| if is_space(before) { at.checked_sub(2) } else { Some(before) });
    // `100 ₽` belongs together even where another number follows.
    before.filter(|&at| is_number(at)).or(Some(after).filter(|&at| is_number(at)))
}

/// The most likely number in the language's own notation.
fn plain_number(raw: &str) -> String {
    match number_readings(raw).into_iter().next() {
        Some(reading) => reading,
        None => join_digits(raw),
    }
}

/// `1 000,50` as `1_000.50`
fn join_digits(raw: &str) -> String {
    let mut joined = String::new();
    let mut blank = false;
    for character in raw.chars() {
        if matches!(character, ' ' | '\u{A0}' | '\u{202F}') {
            blank = true;
            continue;
        }
        if blank {
            joined.push('_');
            blank = false;
        }
        joined.push(if character == ',' { '.' } else { character });
    }
    joined
}

/// What `9,95`, `1,000.50`, `1.000,50`, `1.000.000` can mean; empty where it is no number at all.
fn number_readings(raw: &str) -> Vec<String> {
    if raw.is_empty() || !raw.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')) {
        return Vec::new();
    }
    if let Some(fraction) = raw.strip_prefix('.') {
        return if fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            vec![format!("0.{fraction}")]
        } else {
            vec![]
        };
    }
    let points = raw.matches('.').count();
    let commas = raw.matches(',').count();
    let groups_of_three = |text: &str, mark: char| {
        let mut groups = text.split(mark);
        groups.next().is_some_and(|first| (1..=3).contains(&first.len()))
            && groups.all(|group| group.len() == 3)
    };
    match (points, commas) {
        (0, 1) => {
            let decimal = raw.replace(',', ".");
            if groups_of_three(raw, ',') { vec![raw.replace(',', "_"), decimal] } else { vec![decimal] }
        }
        (0, _) if groups_of_three(raw, ',') => vec![raw.replace(',', "_")],
        (_, 0) if points > 1 && groups_of_three(raw, '.') => vec![raw.replace('.', "_")],
        (1, _) if commas > 0 => {
            let (whole, fraction) = raw.split_once('.').unwrap_or((raw, ""));
            if fraction.contains(',') {
                // `1.000,50`
                let (thousands, fraction) = raw.split_once(',').unwrap_or((raw, ""));
                if groups_of_three(thousands, '.') && !fraction.contains(',') {
                    return vec![format!("{}.{fraction}", thousands.replace('.', "_"))];
                }
                return Vec::new();
            }
            if groups_of_three(whole, ',') {
                vec![format!("{}.{fraction}", whole.replace(',', "_"))]
            } else {
                vec![]
            }
        }
        (_, 1) => {
            let (whole, fraction) = raw.split_once(',').unwrap_or((raw, ""));
            if !fraction.contains('.') && groups_of_three(whole, '.') {
                vec![format!("{}.{fraction}", whole.replace('.', "_"))]
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

/// `01.03.2026`
fn date_from_points(raw: &str) -> Option<String> {
    let mut parts = raw.split('.');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = parts.next().is_none() && digits(day) && digits(month) && digits(year);
    if !fits || year.len() != 4 || !(1..=2).contains(&day.len()) || !(1..=2).contains(&month.len()) {
        return None;
    }
    iso_date(year, month, day)
}

fn iso_date(year: &str, month: &str, day: &str) -> Option<String> {
    let (month, day) = (month.parse::<u32>().ok()?, day.parse::<u32>().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| format!("{year}-{month:02}-{day:02}"))
}

/// What `01/03/2026`, `2026-3-1` and `2026-03-01T09:00` can mean.
fn date_readings(raw: &str) -> Vec<String> {
    if raw.contains('/') {
        let parts: Vec<&str> = raw.split('/').collect();
        let [first, second, year] = parts.as_slice() else { return Vec::new() };
        let mut readings = Vec::new();
        readings.extend(iso_date(year, second, first));
        readings.extend(iso_date(year, first, second));
        readings.dedup();
        return readings;
    }
    let mut parts = raw.splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    if let Some((day, time)) = day.split_once(['T', 't']) {
        let time = time.trim_end_matches(['Z', 'z']);
        let is_time = |time: &str| {
            matches!(time.len(), 5 | 8)
                && time
                    .split(':')
                    .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        return iso_date(year, month, day)
            .filter(|_| is_time(time))
            .map(|date| format!("{date} {time}"))
            .into_iter()
            .collect();
    }
    if !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    iso_date(year, month, day).into_iter().collect()
}

/// `9:00`, `9:00:30`
fn time_from_digits(raw: &str) -> Option<String> {
    let parts: Vec<&str> = raw.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    let fits = parts
        .iter()
        .all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !fits {
        return None;
    }
    let hour = parts[0].parse::<u32>().ok()?;
    let rest = parts[1..].iter().map(|part| part.parse::<u32>().ok()).collect::<Option<Vec<u32>>>()?;
    if hour > 23 || rest.iter().any(|&part| part > 59) {
        return None;
    }
    let mut time = format!("{hour:02}");
    for part in rest {
        time.push_str(&format!(":{part:02}"));
    }
    Some(time)
}

/// `9am`, `12pm`
fn half_day(raw: &str) -> Option<String> {
    let lower = raw.to_ascii_lowercase();
    let (hour, later) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(hour), _) => (hour, 0),
        (None, Some(hour)) => (hour, 12),
        (None, None) => return None,
    };
    let hour = hour.parse::<u32>().ok().filter(|hour| (1..=12).contains(hour))?;
    Some(format!("{:02}:00", hour % 12 + later))
}

fn malformed_number(place: Place, raw: &str, report: &mut Report) {
    if let Some(date) = date_from_points(raw) {
        report.push(errors::malformed_date(place, raw, &[date]));
        return;
    }
    if raw.contains(':') {
        report.push(errors::malformed_time(place, raw, time_from_digits(raw)));
        return;
    }
    if raw.contains(',') {
        let readings = number_readings(raw);
        let separate = raw.split(',').collect::<Vec<_>>().join(", ");
        report.push(errors::decimal_comma(place, raw, &readings, &separate));
        return;
    }
    let readings = number_readings(raw);
    if raw.starts_with('.') || !readings.is_empty() {
        report.push(errors::malformed_number(place, raw, readings.first().map(String::as_str)));
        return;
    }
    if let Some(hour) = half_day(raw) {
        report.push(errors::malformed_time(place, raw, Some(hour)));
        return;
    }
    // `500RUB`: digits, then letters.
    let digits = raw.find(|c: char| !(c.is_ascii_digit() || matches!(c, '_' | '.'))).unwrap_or(raw.len());
    let (number, letters) = raw.split_at(digits);
    if number.ends_with(|c: char| c.is_ascii_digit())
        && letters.chars().next().is_some_and(char::is_alphabetic)
    {
        report.push(errors::number_without_space(place, number, letters));
    } else {
        report.push(errors::malformed_number(place, raw, None));
    }
}
