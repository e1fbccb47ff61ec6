//! Tables as Parquet and Arrow: named, typed columns; rows in, rows out.
//!
//! Every amount is exact: decimals are whole counts with a scale, and there is no column of floats, neither written nor
//! read. Refuses to know what a table is about.

mod build;
pub(crate) mod cells;
mod read;
pub(crate) mod source;
#[cfg(test)]
mod tests;
pub(crate) mod write;

pub use build::{Builder, TableBuilder};
pub use read::{TableReader, Value};
pub use source::is_decoding;
pub use write::TableWriter;

use std::io;

/// What holds a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Parquet, compressed with Snappy.
    Parquet,
    /// An Arrow IPC file (also called Feather), not compressed.
    Arrow,
}

impl TableFormat {
    /// By the ending of a file's name: `parquet`, `arrow`, `feather` or `ipc`.
    pub fn of_ending(ending: &str) -> Option<TableFormat> {
        let is = |name: &str| ending.eq_ignore_ascii_case(name);
        if is("parquet") {
            Some(TableFormat::Parquet)
        } else if is("arrow") || is("feather") || is("ipc") {
            Some(TableFormat::Arrow)
        } else {
            None
        }
    }
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Texts.
    Text,
    /// Whole numbers of 64 bits.
    Whole,
    /// Exact decimals: whole counts of 10^-`scale`, of at most `digits` digits in all (up to 38; up to 18 take least
    /// place). Money is one of these, with its currency in a column of text.
    Decimal {
        /// Digits in all.
        digits: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// True or false.
    Truth,
    /// Instants, in seconds since 1970-01-01T00:00Z; in the file a timestamp in UTC.
    Instant,
    /// Days since 1970-01-01.
    Date,
    /// A list of texts.
    Texts,
    /// A list of rows with columns of their own.
    Rows(Vec<Column>),
}

/// A column: its name, what it holds, and whether a row may do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether a value may be absent.
    pub optional: bool,
}

impl Column {
    /// A column whose value is there in every row.
    pub fn new(name: impl Into<String>, kind: ColumnKind) -> Column {
        Column { name: name.into(), kind, optional: false }
    }

    /// A column whose value may be absent.
    pub fn optional(name: impl Into<String>, kind: ColumnKind) -> Column {
        Column { name: name.into(), kind, optional: true }
    }
}

/// A value to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'c> {
    /// No value.
    Absent,
    /// A text.
    Text(&'c str),
    /// A whole number.
    Whole(i64),
    /// A decimal, as a count at its column's scale.
    Decimal(i128),
    /// True or false.
    Truth(bool),
    /// Seconds since 1970-01-01T00:00Z.
    Instant(i64),
    /// Days since 1970-01-01.
    Date(i64),
    /// Texts.
    Texts(&'c [&'c str]),
    /// Rows.
    Rows(&'c [&'c [Cell<'c>]]),
}

impl<'c> From<Option<&'c str>> for Cell<'c> {
    fn from(text: Option<&'c str>) -> Cell<'c> {
        text.map_or(Cell::Absent, Cell::Text)
    }
}

/// A table that cannot be written or read.
#[derive(Debug)]
pub struct TableError {
    /// Why.
    pub kind: TableErrorKind,
    /// The column, such as `lines.price`; empty for the table as a whole.
    pub column: String,
    /// The row, from 1; 0 for the table as a whole.
    pub row: u64,
    /// What is wrong and how to repair it.
    pub message: String,
}

/// Why a table cannot be written or read.
#[derive(Debug)]
pub enum TableErrorKind {
    /// The place it is read from or written to fails.
    Place(io::Error),
    /// It is no file of its format, or cut short, or damaged.
    Broken,
    /// A column is not there.
    MissingColumn,
    /// A column or a value is of another type.
    WrongType,
    /// A value is absent where one is needed.
    MissingValue,
    /// A value does not fit its column.
    OutOfRange,
}

impl TableError {
    pub(crate) fn new(kind: TableErrorKind, column: &str, message: impl Into<String>) -> TableError {
        TableError { kind, column: column.to_owned(), row: 0, message: message.into() }
    }

    pub(crate) fn at(mut self, row: u64) -> TableError {
        self.row = row;
        self
    }

    /// As an error of reading or writing.
    pub(crate) fn into_io(self) -> io::Error {
        match self.kind {
            TableErrorKind::Place(error) => error,
            TableErrorKind::Broken
            | TableErrorKind::MissingColumn
            | TableErrorKind::WrongType
            | TableErrorKind::MissingValue
            | TableErrorKind::OutOfRange => io::Error::new(io::ErrorKind::InvalidData, self),
        }
    }

    /// Its lasting name.
    pub fn name(&self) -> &'static str {
        match self.kind {
            TableErrorKind::Place(_) => "broken-place",
            TableErrorKind::Broken => "broken-table",
            TableErrorKind::MissingColumn => "missing-column",
            TableErrorKind::WrongType => "wrong-type",
            TableErrorKind::MissingValue => "missing-value",
            TableErrorKind::OutOfRange => "out-of-range",
        }
    }
}

impl std::fmt::Display for TableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.row > 0 {
            write!(f, "row {}, ", self.row)?;
        }
        if !self.column.is_empty() {
            write!(f, "column `{}`: ", self.column.escape_debug())?;
        }
        write!(f, "{} [{}]", self.message, self.name())
    }
}

impl std::error::Error for TableError {}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> TableError {
        let message = error.to_string();
        TableError::new(TableErrorKind::Place(error), "", message)
    }
}
