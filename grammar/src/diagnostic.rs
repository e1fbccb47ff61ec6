//! What is said about a text: plain data, no rendering, no terminal, no editor protocol.

use serde::Serialize;

/// A half-open range of byte offsets in one source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets; offsets past `u32::MAX` are clamped (files are limited far below that).
    pub fn new(start: usize, end: usize) -> Span {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Which file of a compilation; the numbering is the caller's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FileId(pub u32);

/// A span in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// Where in it.
    pub span: Span,
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The program has no meaning until this is mended.
    Error,
    /// The program has a meaning, though probably not the intended one.
    Warning,
}

/// A second place that explains the first, with the words to put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What to say there.
    pub text: String,
}

/// A repair the author can read, and an editor can apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// What it does, in the author's words.
    pub text: String,
    /// The replacement, where there is exactly one text to put in one place.
    pub edit: Option<Edit>,
}

/// A replacement of a range of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// What goes.
    pub place: Place,
    /// What comes.
    pub text: String,
}

/// One finding. Its identity is `name`, a kebab-case name that states the problem and has a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The page's name, such as `mismatched-units`.
    pub name: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One sentence for the rule author: lower case, no full stop, their own text in backticks.
    pub message: String,
    /// The place it is about.
    pub place: Place,
    /// What to say at that place; empty when the message says it all.
    pub label: String,
    /// Further places.
    pub labels: Vec<Label>,
    /// The likely repairs, best first.
    pub repairs: Vec<Repair>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(name: &'static str, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            name,
            severity: Severity::Error,
            message: message.into(),
            place,
            label: String::new(),
            labels: Vec::new(),
            repairs: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(name: &'static str, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(name, place, message) }
    }

    /// Says something at the main place.
    pub fn at(mut self, text: impl Into<String>) -> Diagnostic {
        self.label = text.into();
        self
    }

    /// Adds a second place.
    pub fn label(mut self, place: Place, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { place, text: text.into() });
        self
    }

    /// Adds a repair in words.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.repairs.push(Repair { text: text.into(), edit: None });
        self
    }

    /// Adds a repair that replaces the text at `place`.
    pub fn fix(
        mut self,
        text: impl Into<String>,
        place: Place,
        replacement: impl Into<String>,
    ) -> Diagnostic {
        self.repairs.push(Repair { text: text.into(), edit: Some(Edit { place, text: replacement.into() }) });
        self
    }
}
