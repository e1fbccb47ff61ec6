//! Diagnostics for people (through miette) and for machines (as JSON).
//!
//! Refuses to decide what is said: words, places and repairs come with the diagnostic.

use crate::excerpt::{Excerpt, bounded, sentence};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::{Diagnostic, Label, Place, Repair, Severity};
use serde_json::{Value, json};

/// How text for people looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Columns.
    pub width: usize,
}

/// One diagnostic as text, with its excerpt and repairs.
pub fn human(sources: &SourceMap, diagnostic: &Diagnostic, style: Style) -> String {
    let places: Vec<Place> =
        std::iter::once(diagnostic.place).chain(diagnostic.labels.iter().map(|label| label.place)).collect();
    let texts = std::iter::once(&diagnostic.label).chain(diagnostic.labels.iter().map(|label| &label.text));
    let (excerpt, spans) = Excerpt::new(sources, &places);
    let labels = texts.zip(spans).enumerate().filter_map(|(index, (text, span))| {
        let span = span?;
        let text = (!text.is_empty()).then(|| sentence(text));
        let span = (span.start, span.len());
        Some(match index {
            0 => LabeledSpan::new_primary_with_span(text, span),
            _ => LabeledSpan::new_with_span(text, span),
        })
    });
    let report = Report {
        name: diagnostic.name,
        severity: match diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        },
        message: sentence(&diagnostic.message),
        help: help(&diagnostic.repairs),
        labels: labels.collect(),
        excerpt,
    };
    let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(style.width)
        .without_syntax_highlighting();
    let mut out = String::new();
    if handler.render_report(&mut out, &report).is_err() {
        // The renderer gave up half way: the words are what matters.
        out = format!("{}: {}\n", report.name, report.message);
    }
    out
}

/// The repairs, one a line.
fn help(repairs: &[Repair]) -> Option<String> {
    let lines: Vec<String> = repairs.iter().map(repair).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A repair's words, with the text to put where the words do not quote all of it and it fits a line.
pub fn repair(repair: &Repair) -> String {
    let words = sentence(&repair.text);
    let Some(edit) = &repair.edit else { return words };
    let text = edit.text.trim();
    if text.is_empty() || text.contains('\n') || repair.text.contains(text) {
        return words;
    }
    // Words that quote the beginning of a long text: the whole of it says more.
    match words.strip_suffix("…`").and_then(|head| head.rsplit_once('`')) {
        Some((head, _)) => format!("{head}`{}`", sentence(text)),
        None => format!("{words}: `{}`", sentence(text)),
    }
}

/// A diagnostic in miette's terms.
#[derive(Debug)]
struct Report {
    name: &'static str,
    severity: miette::Severity,
    message: String,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    excerpt: Excerpt,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.name))
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// A place for machines; lines and columns count from 1, columns in characters.
pub fn place(sources: &SourceMap, place: Place) -> Value {
    let source = sources.get(place.file);
    let point = |offset: u32| {
        let (line, column) = source.map_or((1, 1), |source| source.line_column(offset));
        json!({ "line": line, "column": column, "offset": offset })
    };
    json!({
        "file": source.map_or("", |source| source.path.as_str()),
        "start": point(place.span.start),
        "end": point(place.span.end),
    })
}

/// One diagnostic for machines; the shape is a contract, described in `docs/reference/cli.md`.
pub fn machine(sources: &SourceMap, diagnostic: &Diagnostic) -> Value {
    let at = |spot: Place| place(sources, spot);
    let repair = |repair: &Repair| {
        let edit = repair.edit.as_ref().map(|edit| json!({ "place": at(edit.place), "text": edit.text }));
        json!({ "text": bounded(&repair.text), "edit": edit })
    };
    let label = |label: &Label| json!({ "place": at(label.place), "text": bounded(&label.text) });
    json!({
        "name": diagnostic.name,
        "severity": diagnostic.severity,
        "message": bounded(&diagnostic.message),
        "place": at(diagnostic.place),
        "label": bounded(&diagnostic.label),
        "labels": diagnostic.labels.iter().map(label).collect::<Vec<_>>(),
        "repairs": diagnostic.repairs.iter().map(repair).collect::<Vec<_>>(),
    })
}

/// `2 errors, 1 warning`
pub fn count(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    (errors, diagnostics.len() - errors)
}

/// A number and its noun.
pub fn plural(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use perq_grammar::diagnostic::{FileId, Span};

    const STYLE: Style = Style { color: false, width: 100 };

    fn place(file: u32, start: usize, end: usize) -> Place {
        Place { file: FileId(file), span: Span::new(start, end) }
    }

    #[test]
    fn labels_repairs_and_places_in_two_files() {
        let mut sources = SourceMap::default();
        sources.insert(FileId(0), "spend.rule", "rule a {\n  when basket.paid + 10 points > 0 RUB\n}\n");
        sources.insert(FileId(1), "program.rule", "# points\naccount bonus { unit points }\n");
        let diagnostic =
            Diagnostic::error("mismatched-units", place(0, 16, 27), "money and points cannot be added")
                .at("money in RUB")
                .label(place(0, 30, 39), "points of account `bonus`")
                .label(place(1, 17, 22), "declared here")
                .fix("convert the points", place(0, 30, 39), "(10 points as RUB)")
                .help("or the money: `(basket.paid as points)`");
        let text = human(&sources, &diagnostic, STYLE);
        let expected = "mismatched-units

  × money and points cannot be added
   ╭─[spend.rule:2:8]
 1 │ rule a {
 2 │   when basket.paid + 10 points > 0 RUB
   ·        ─────┬─────   ────┬────
   ·             │            ╰── points of account `bonus`
   ·             ╰── money in RUB
 3 │ }
   ╰────
   ╭─[program.rule:2:9]
 1 │ # points
 2 │ account bonus { unit points }
   ·         ──┬──
   ·           ╰── declared here
   ╰────
  help: convert the points: `(10 points as RUB)`
        or the money: `(basket.paid as points)`
";
        assert_eq!(text, expected, "{text}");
    }

    #[test]
    fn places_anywhere_never_end_the_renderer() {
        let long = "x".repeat(70_000);
        let texts = ["", "\n", "é\r\n\t漢字\u{202e}\n", &long, "a\nb\nc\nd\ne\nf\ng\nh"];
        for text in texts {
            let mut sources = SourceMap::default();
            sources.insert(FileId(0), "a.rule", text);
            for start in [0, 1, 2, 5, 69_999, 70_000, 4_000_000] {
                for end in [0, 1, 3, 8, 70_000, usize::MAX] {
                    let diagnostic = Diagnostic::warning("w", place(0, start, end), "m\u{1b}[0m")
                        .label(place(0, end, start), "second")
                        .label(place(0, 3, 4), "third")
                        .label(place(7, 3, 4), "nowhere");
                    let shown = human(&sources, &diagnostic, STYLE);
                    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
                    assert!(shown.len() < 10_000);
                }
            }
        }
    }
}
