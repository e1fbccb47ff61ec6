//! What can be wrong with a record, and where.
//!
//! Refuses to know how a batch goes on after it.

use serde::Serialize;

/// Declares the kinds with their names, once.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// Why a record is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RecordErrorKind {
            $($(#[$doc])* $kind,)*
        }
        impl RecordErrorKind {
            /// Every kind.
            pub const ALL: &'static [RecordErrorKind] = &[$(RecordErrorKind::$kind,)*];
            /// Its lasting name, such as `too-many-decimals`.
            pub fn name(self) -> &'static str {
                match self { $(RecordErrorKind::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// The bytes are not UTF-8.
    InvalidUtf8 = "invalid-utf8",
    /// Not JSON.
    MalformedJson = "malformed-json",
    /// Half of a surrogate pair in a text.
    LoneSurrogate = "lone-surrogate",
    /// A text holds the NUL character.
    ControlCharacter = "control-character",
    /// Objects and lists are nested more than 64 deep.
    TooDeep = "too-deep",
    /// The record is longer than the limit.
    RecordTooLong = "record-too-long",
    /// A text is longer than the limit.
    TextTooLong = "text-too-long",
    /// A list has more entries than the limit.
    ListTooLong = "list-too-long",
    /// A field is given twice, or once under each of two spellings.
    DuplicateField = "duplicate-field",
    /// A field that the program does not read, where that is refused.
    UnknownField = "unknown-field",
    /// A required field is absent or null.
    MissingField = "missing-field",
    /// A value is of another type than its field.
    WrongType = "wrong-type",
    /// Not a decimal number.
    MalformedNumber = "malformed-number",
    /// A number is written with an exponent.
    Exponent = "exponent",
    /// A number has more decimals than its field keeps.
    TooManyDecimals = "too-many-decimals",
    /// A number does not fit its field, or a sum does not fit.
    OutOfRange = "out-of-range",
    /// Not a date.
    MalformedDate = "malformed-date",
    /// Not a time of day.
    MalformedTime = "malformed-time",
    /// Not an instant.
    MalformedInstant = "malformed-instant",
    /// A name that the enumeration does not have.
    UnknownValue = "unknown-value",
    /// A kind of event that the program does not declare.
    UnknownEventKind = "unknown-event-kind",
    /// Money of another currency than the program's.
    OtherCurrency = "other-currency",
    /// A line has a weight and a number of pieces other than one.
    PiecesOfWeighedLine = "pieces-of-weighed-line",
    /// Rows of one event differ in a field of the event.
    ConflictingRows = "conflicting-rows",
    /// A row of a table has another number of cells than its header.
    MalformedRow = "malformed-row",
}

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordError {
    /// Why.
    #[serde(serialize_with = "by_name", rename = "error")]
    pub kind: RecordErrorKind,
    /// The line of the input on which the record stands (for a table, the row's), from 1.
    pub line: u64,
    /// Bytes from the start of the input (after decompression) to what is wrong.
    pub offset: u64,
    /// The event's id, where it was read before the error was met.
    pub id: Option<String>,
    /// The field, such as `lines[3].price`; entries of lists are counted from 0. Empty for the record as a whole.
    pub field: String,
    /// What is wrong and how to repair it.
    pub message: String,
    /// The beginning of the value, as it is written.
    pub value: Option<String>,
}

fn by_name<S: serde::Serializer>(kind: &RecordErrorKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

impl RecordError {
    /// At `offset` of its record.
    pub(crate) fn new(kind: RecordErrorKind, offset: usize, message: impl Into<String>) -> Box<RecordError> {
        Box::new(RecordError {
            kind,
            line: 1,
            offset: offset as u64,
            id: None,
            field: String::new(),
            message: message.into(),
            value: None,
        })
    }

    /// The kind's lasting name.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// With the value as written, clipped.
    pub(crate) fn about(mut self: Box<Self>, value: &str) -> Box<Self> {
        self.value = Some(clip(value, 64));
        self
    }

    /// Puts a field's name, or an entry's `[3]`, before the path.
    pub(crate) fn within(mut self: Box<Self>, outer: &str) -> Box<Self> {
        let outer = clip(outer, 64);
        self.field = match self.field.as_bytes().first() {
            None => outer,
            Some(b'[') => outer + &self.field,
            Some(_) => outer + "." + &self.field,
        };
        self
    }
}

impl RecordError {
    /// What is wrong, for who says by other means where the record stands.
    pub fn without_line(&self) -> String {
        let text = self.to_string();
        let line = format!("line {}", self.line);
        let rest = text.strip_prefix(&line).unwrap_or(&text);
        rest.strip_prefix([',', ':']).map_or(rest, str::trim_start).to_owned()
    }
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(id) = &self.id {
            write!(f, ", event `{}`", id.escape_debug())?;
        }
        if !self.field.is_empty() {
            write!(f, ", `{}`", self.field.escape_debug())?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(value) = &self.value {
            write!(f, " (it is `{}`)", value.escape_debug())?;
        }
        write!(f, " [{}]", self.name())
    }
}

impl std::error::Error for RecordError {}

/// The first `limit` characters, with a mark where some were left off.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_grow_outward() {
        let error = RecordError::new(RecordErrorKind::WrongType, 3, "no")
            .within("price")
            .within("[3]")
            .within("lines");
        assert_eq!(error.field, "lines[3].price");
        assert_eq!(
            error.about("1\n").to_string(),
            "line 1, `lines[3].price`: no (it is `1\\n`) [wrong-type]"
        );
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::BTreeSet<_> =
            RecordErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), RecordErrorKind::ALL.len());
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
        );
    }

    #[test]
    fn clips_by_characters() {
        assert_eq!(clip("héé", 2), "hé…");
        assert_eq!(clip("hé", 2), "hé");
    }
}
