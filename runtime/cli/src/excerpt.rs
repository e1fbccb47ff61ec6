//! The few lines of source that are shown with a diagnostic: clipped to a window, free of control characters, with
//! their own line numbers and names.
//!
//! A renderer never sees more of a file than this, so neither a line of a hundred megabytes nor a text that steers
//! the terminal can reach it. It refuses to know what a diagnostic says.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::Place;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Characters shown of a long line.
pub const WINDOW: usize = 200;
/// Characters kept before the place in question, in a long line.
const BEFORE: usize = 60;

/// Whether a character would steer a terminal or hide from the reader.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line of text that is safe to print: what would steer a terminal is shown as an escape.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push(' '),
            hidden if is_hidden(hidden) => out.extend(hidden.escape_unicode()),
            shown => out.push(shown),
        }
    }
    out
}

/// Characters shown of a sentence: nobody reads more, and an author's word may be as long as a file.
const SENTENCE: usize = 600;

/// A sentence that is safe to print and short enough to be read.
pub fn sentence(text: &str) -> String {
    plain(&bounded(text))
}

/// A sentence as it is, for machines, and no longer than people get it.
pub fn bounded(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SENTENCE) {
        Some((end, _)) => Cow::Owned(text.get(..end).unwrap_or("").to_owned() + "…"),
        None => Cow::Borrowed(text),
    }
}

/// Several lines that are safe to print.
pub fn plain_lines(text: &str) -> String {
    let lines: Vec<String> =
        text.split('\n').map(|line| plain(line.strip_suffix('\r').unwrap_or(line))).collect();
    lines.join("\n")
}

/// Lines that belong together: neighbours in one file.
#[derive(Debug)]
struct Part {
    name: String,
    /// Of its first line in the file, from 0.
    number: usize,
    /// Its lines in [`Excerpt::starts`].
    lines: std::ops::Range<usize>,
}

/// Clipped lines of one or more files.
#[derive(Debug, Default)]
pub struct Excerpt {
    text: String,
    /// Where each line begins in the text, and where the text ends.
    starts: Vec<usize>,
    parts: Vec<Part>,
    /// Column in the file, from 0, of each mark's beginning in the text.
    columns: Vec<(usize, usize)>,
}

/// Lines wanted of one file, by number: the bytes of each line, and the byte that must be in view.
type Wanted = BTreeMap<usize, (std::ops::Range<usize>, Option<usize>)>;

impl Excerpt {
    /// The lines around the places, the first of which is the main one, and where the places are in the excerpt.
    /// Places in unknown files have none.
    pub fn new(sources: &SourceMap, places: &[Place]) -> (Excerpt, Vec<Option<std::ops::Range<usize>>>) {
        let mut files: Vec<(perq_grammar::diagnostic::FileId, Wanted)> = Vec::new();
        let mut spans = Vec::new();
        for place in places {
            let Some(source) = sources.get(place.file) else {
                spans.push(None);
                continue;
            };
            let start = floor(&source.text, place.span.start as usize);
            let end = floor(&source.text, (place.span.end as usize).max(start));
            let (line, column) = source.line_column(u32::try_from(start).unwrap_or(u32::MAX));
            let number = (line as usize).saturating_sub(1);
            let own = line_at(&source.text, start);
            let index = match files.iter().position(|(file, _)| *file == place.file) {
                Some(index) => index,
                None => {
                    files.push((place.file, Wanted::new()));
                    files.len() - 1
                }
            };
            if let Some((_, wanted)) = files.get_mut(index) {
                if own.start > 0 {
                    let before = line_at(&source.text, own.start - 1);
                    wanted.entry(number.saturating_sub(1)).or_insert((before, None));
                }
                let next = own.end + source.text.get(own.end..).map_or(0, line_break);
                if next < source.text.len() {
                    wanted.entry(number + 1).or_insert((line_at(&source.text, next), None));
                }
                let entry = wanted.entry(number).or_insert((own.clone(), None));
                entry.1 = entry.1.or(Some(start));
            }
            spans.push(Some((place.file, number, start..end.min(own.end).max(start), column as usize)));
        }

        let main = spans.first().and_then(Option::as_ref).map(|(file, number, ..)| (*file, *number));
        let mut runs = Vec::new();
        for (file, wanted) in &files {
            let mut last = None;
            for (number, line) in wanted {
                if last.is_none_or(|last: usize| last + 1 != *number) {
                    runs.push((*file, Vec::new()));
                }
                last = Some(*number);
                if let Some((_, lines)) = runs.last_mut() {
                    lines.push((*number, line.clone()));
                }
            }
        }
        // The run with the main place comes first, the others in the order of the text.
        let holds = |run: &(_, Vec<(usize, _)>)| {
            main.is_some_and(|(file, number)| run.0 == file && run.1.iter().any(|line| line.0 == number))
        };
        runs.sort_by_key(|run| !holds(run));

        let mut excerpt = Excerpt::default();
        let mut found: Vec<Option<std::ops::Range<usize>>> = vec![None; spans.len()];
        for (file, lines) in runs {
            let Some(source) = sources.get(file) else { continue };
            let first = excerpt.starts.len();
            let from = lines.first().map_or(0, |line| line.0);
            for (number, (range, in_view)) in lines {
                excerpt.starts.push(excerpt.text.len());
                let map = excerpt.line(&source.text, range, in_view);
                for (index, span) in spans.iter().enumerate() {
                    let Some((of, line, bytes, column)) = span else { continue };
                    if *of == file && *line == number {
                        let start = map.of(bytes.start);
                        excerpt.columns.push((start, column.saturating_sub(1)));
                        if let Some(slot) = found.get_mut(index) {
                            *slot = Some(start..map.of(bytes.end).max(start));
                        }
                    }
                }
            }
            excerpt.parts.push(Part {
                name: plain(&source.path),
                number: from,
                lines: first..excerpt.starts.len(),
            });
        }
        excerpt.starts.push(excerpt.text.len());
        (excerpt, found)
    }

    /// Adds a line's window.
    fn line(&mut self, text: &str, range: std::ops::Range<usize>, in_view: Option<usize>) -> OffsetMap {
        let line = text.get(range.clone()).unwrap_or("");
        let in_view = in_view.unwrap_or(range.start).saturating_sub(range.start).min(line.len());
        let long = line.len() > WINDOW && line.chars().nth(WINDOW).is_some();
        let from = match line.get(..in_view) {
            Some(before) if long => {
                before.char_indices().rev().nth(BEFORE.saturating_sub(1)).map_or(0, |(at, _)| at)
            }
            Some(_) | None => 0,
        };
        let mut map = OffsetMap::default();
        if from > 0 {
            self.text.push('…');
        }
        let mut end = line.len();
        for (shown, (at, character)) in line.get(from..).unwrap_or("").char_indices().enumerate() {
            if long && shown >= WINDOW {
                end = from + at;
                break;
            }
            map.entries.push((range.start + from + at, self.text.len()));
            match character {
                '\t' => self.text.push_str("    "),
                hidden if is_hidden(hidden) => self.text.push('\u{fffd}'),
                visible => self.text.push(visible),
            }
        }
        map.entries.push((range.start + end, self.text.len()));
        if end < line.len() {
            self.text.push('…');
        }
        self.text.push('\n');
        map
    }

    fn line_of(&self, offset: usize) -> usize {
        let last = self.starts.len().saturating_sub(2);
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1).min(last)
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let first = self.line_of(span.offset());
        let last = self.line_of(span.offset() + span.len().saturating_sub(1));
        let part = self.parts.iter().find(|part| part.lines.contains(&first));
        // Lines of different parts are never shown as one piece.
        let part = part.filter(|part| part.lines.contains(&last)).ok_or(MietteError::OutOfBounds)?;
        let from = first.saturating_sub(before).max(part.lines.start);
        let to = (last + after + 1).min(part.lines.end);
        let bound = |line: usize| self.starts.get(line).copied().unwrap_or(self.text.len());
        let data = self.text.as_bytes().get(bound(from)..bound(to)).ok_or(MietteError::OutOfBounds)?;
        let column =
            self.columns.iter().find(|(at, _)| *at == span.offset()).map_or(0, |(_, column)| *column);
        Ok(Box::new(MietteSpanContents::new_named(
            part.name.clone(),
            data,
            (bound(from), data.len()).into(),
            part.number + (from - part.lines.start),
            if before == 0 { column } else { 0 },
            to - from,
        )))
    }
}

/// From bytes of a file to bytes of the excerpt, within one line.
#[derive(Default)]
struct OffsetMap {
    entries: Vec<(usize, usize)>,
}

impl OffsetMap {
    fn of(&self, offset: usize) -> usize {
        let next = self.entries.partition_point(|(at, _)| *at < offset);
        self.entries.get(next).or(self.entries.last()).map_or(0, |(_, shown)| *shown)
    }
}

/// The largest border of a character that is not above `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The line that holds the byte, without its line break.
fn line_at(text: &str, offset: usize) -> std::ops::Range<usize> {
    let start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(offset..).and_then(|after| after.find('\n')).map_or(text.len(), |at| offset + at);
    let end = if end > start && text.as_bytes().get(end - 1) == Some(&b'\r') { end - 1 } else { end };
    start..end
}

/// How long the line break at the beginning of this text is.
fn line_break(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { usize::from(text.starts_with('\n')) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perq_grammar::diagnostic::{FileId, Span};

    fn excerpt(text: &str, spans: &[(usize, usize)]) -> (Excerpt, Vec<Option<std::ops::Range<usize>>>) {
        let mut sources = SourceMap::default();
        sources.insert(FileId(0), "a.rule", text);
        let places: Vec<Place> = spans
            .iter()
            .map(|(start, end)| Place { file: FileId(0), span: Span::new(*start, *end) })
            .collect();
        Excerpt::new(&sources, &places)
    }

    #[test]
    fn keeps_the_neighbours_and_drops_the_rest() {
        let (excerpt, found) = excerpt("one\ntwo\nthree\nfour\nfive\n", &[(8, 13)]);
        assert_eq!(excerpt.text, "two\nthree\nfour\n");
        assert_eq!(found, [Some(4..9)]);
        assert_eq!(excerpt.parts.first().map(|part| part.number), Some(1));
    }

    #[test]
    fn long_lines_are_clipped_around_the_place() {
        let text = format!("{}!{}", "é".repeat(1_000_000), "b".repeat(1_000_000));
        let (excerpt, found) = excerpt(&text, &[(2_000_000, 2_000_001)]);
        assert!(excerpt.text.chars().count() <= WINDOW + 3, "{}", excerpt.text.chars().count());
        let range = found.first().cloned().flatten().unwrap_or_default();
        assert_eq!(excerpt.text.get(range), Some("!"));
        assert_eq!(excerpt.columns.first().map(|(_, column)| *column), Some(1_000_000));
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let (excerpt, _) = excerpt("a\u{1b}[31m\u{202e}b\tc\r\nnext", &[(0, 1)]);
        assert_eq!(excerpt.text, "a\u{fffd}[31m\u{fffd}b    c\nnext\n");
        assert_eq!(plain("a\u{1b}b\n\u{202e}"), "a\\u{1b}b\\n\\u{202e}");
    }

    #[test]
    fn places_past_the_end_and_inside_characters() {
        for (start, end) in [(0, 0), (1, 2), (2, 900), (900, 901), (901, 900)] {
            let (excerpt, found) = excerpt("é", &[(start, end)]);
            let range = found.first().cloned().flatten().unwrap_or_default();
            assert!(excerpt.text.get(range).is_some(), "{start}..{end}");
        }
        let (excerpt, found) = excerpt("", &[(0, 0)]);
        assert_eq!((excerpt.text.as_str(), found), ("\n", vec![Some(0..0)]));
    }

    #[test]
    fn distant_places_stay_apart() {
        let text: String = (0..50).map(|line| format!("line {line}\n")).collect();
        let (excerpt, _) = excerpt(&text, &[(7, 8), (300, 301)]);
        assert_eq!(excerpt.parts.len(), 2);
        let last = excerpt.text.len() - 2;
        assert!(excerpt.read_span(&(0, last).into(), 1, 1).is_err());
    }
}
