//! Tables out of files, row by row.
//!
//! The columns that are wanted are found by name and checked by type before the first row is read; others do no harm.
//! Refuses to turn floats into decimals: nobody knows what digits they stood for.

use super::cells::{Cells, Item, Shape, shape};
use super::source::{Batches, Bulk};
use super::{Column, ColumnKind, TableError, TableErrorKind, TableFormat};
use arrow_schema::{DataType, Fields};
use std::fs::File;

/// How deep lists and rows of a table may be within each other.
pub(crate) const DEPTH: usize = 16;

/// A value that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Absent,
    /// A text.
    Text(String),
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
    Texts(Vec<String>),
    /// Rows.
    Rows(Vec<Vec<Value>>),
}

/// Reads a table row by row.
pub struct TableReader {
    columns: Vec<Wanted>,
    batches: Batches,
    /// Of the batch at hand.
    rows: std::vec::IntoIter<Result<Vec<Value>, TableError>>,
}

/// A column that is wanted, and where it is; nowhere where it may be absent and is.
struct Wanted {
    /// With those it is within.
    path: String,
    kind: WantedKind,
    optional: bool,
    place: Option<usize>,
}

enum WantedKind {
    Text,
    Whole,
    Decimal { digits: u8, scale: u8 },
    Truth,
    Instant,
    Date,
    Texts,
    Rows(Vec<Wanted>),
}

impl TableReader {
    /// Opens a file of a table and finds these columns in it.
    ///
    /// # Errors
    /// Where it is no such file, or a column is not there or of another type. Columns that are optional may not be there.
    pub fn open(format: TableFormat, file: File, columns: &[Column]) -> Result<TableReader, TableError> {
        TableReader::over(format, Bulk::of_file(file)?, columns)
    }

    /// The same of bytes in memory.
    ///
    /// # Errors
    /// As [`TableReader::open`].
    pub fn of_memory(
        format: TableFormat,
        bytes: Vec<u8>,
        columns: &[Column],
    ) -> Result<TableReader, TableError> {
        TableReader::over(format, Bulk::of_memory(bytes), columns)
    }

    fn over(format: TableFormat, bulk: Bulk, columns: &[Column]) -> Result<TableReader, TableError> {
        let batches = Batches::open(format, bulk, &|name| columns.iter().any(|column| column.name == name))?;
        let columns = find(columns, batches.schema().fields(), "", DEPTH)?;
        Ok(TableReader { columns, batches, rows: Vec::new().into_iter() })
    }

    /// The next row: a value for each of the columns that were asked for.
    ///
    /// # Errors
    /// Where the file is damaged, or a value is absent where one is needed or does not fit.
    pub fn next_row(&mut self) -> Result<Option<Vec<Value>>, TableError> {
        loop {
            if let Some(row) = self.rows.next() {
                return row.map(Some);
            }
            let Some((batch, before)) = self.batches.next()? else { return Ok(None) };
            let cells: Vec<Option<Cells<'_>>> = self
                .columns
                .iter()
                .map(|wanted| Some(Cells::of(batch.columns().get(wanted.place?)?.as_ref(), DEPTH)))
                .collect();
            let value = |wanted: &Wanted, cells: &Option<Cells<'_>>, row: usize| {
                let item = cells.as_ref().and_then(|cells| cells.at(row));
                wanted.value(item).map_err(|error| error.at(before + row as u64 + 1))
            };
            let row = |row| {
                self.columns.iter().zip(&cells).map(|(wanted, cells)| value(wanted, cells, row)).collect()
            };
            self.rows = (0..batch.num_rows()).map(row).collect::<Vec<_>>().into_iter();
        }
    }
}

fn find(columns: &[Column], fields: &Fields, path: &str, depth: usize) -> Result<Vec<Wanted>, TableError> {
    columns.iter().map(|column| Wanted::of(column, fields, path, depth)).collect()
}

impl Wanted {
    fn of(column: &Column, fields: &Fields, path: &str, depth: usize) -> Result<Wanted, TableError> {
        let path = if path.is_empty() { column.name.clone() } else { format!("{path}.{}", column.name) };
        let place = fields.iter().position(|field| *field.name() == column.name);
        let found = place.and_then(|at| fields.get(at)).map(|field| field.data_type());
        if found.is_none() && !column.optional {
            return Err(TableError::new(
                TableErrorKind::MissingColumn,
                &path,
                "the table has no such column",
            ));
        }
        let found = found.unwrap_or(&DataType::Null);
        let wrong = |wanted: &str| Err(refusal(&path, wanted, found));
        let kind = match (&column.kind, shape(found)) {
            (ColumnKind::Text, Shape::Text | Shape::Nothing) => WantedKind::Text,
            (ColumnKind::Whole, Shape::Whole | Shape::Nothing) => WantedKind::Whole,
            (
                ColumnKind::Decimal { digits, scale },
                Shape::Decimal { .. } | Shape::Whole | Shape::Nothing,
            ) => WantedKind::Decimal { digits: *digits, scale: *scale },
            (ColumnKind::Truth, Shape::Truth | Shape::Nothing) => WantedKind::Truth,
            (ColumnKind::Instant, Shape::Instant { zoned: true } | Shape::Nothing) => WantedKind::Instant,
            (ColumnKind::Date, Shape::Date | Shape::Nothing) => WantedKind::Date,
            (ColumnKind::Texts, Shape::Nothing) => WantedKind::Texts,
            (ColumnKind::Texts, Shape::List(entry))
                if matches!(shape(entry), Shape::Text | Shape::Nothing) =>
            {
                WantedKind::Texts
            }
            (ColumnKind::Rows(_), Shape::Nothing) => WantedKind::Rows(Vec::new()),
            (ColumnKind::Rows(columns), Shape::List(DataType::Struct(fields))) => {
                let depth =
                    depth.checked_sub(1).ok_or_else(|| refusal(&path, "fewer rows within rows", found))?;
                WantedKind::Rows(find(columns, fields, &path, depth)?)
            }
            (ColumnKind::Rows(_), _) => return wrong("a list of rows"),
            (ColumnKind::Text, _) => return wrong("texts"),
            (ColumnKind::Whole, _) => return wrong("whole numbers"),
            (ColumnKind::Decimal { .. }, _) => return wrong("exact decimals"),
            (ColumnKind::Truth, _) => return wrong("truth values"),
            (ColumnKind::Instant, _) => return wrong("instants in a time zone"),
            (ColumnKind::Date, _) => return wrong("dates"),
            (ColumnKind::Texts, _) => return wrong("lists of texts"),
        };
        Ok(Wanted { path, kind, optional: column.optional, place })
    }

    fn value(&self, item: Option<Item<'_, '_>>) -> Result<Value, TableError> {
        let error = |kind, message: &str| TableError::new(kind, &self.path, message);
        let Some(item) = item else {
            if self.optional {
                return Ok(Value::Absent);
            }
            return Err(error(TableErrorKind::MissingValue, "a value is needed here"));
        };
        match (&self.kind, item) {
            (WantedKind::Text, Item::Text(text)) => Ok(Value::Text(text.to_owned())),
            (WantedKind::Whole, Item::Whole(number)) => match i64::try_from(number) {
                Ok(number) => Ok(Value::Whole(number)),
                Err(_) => Err(error(TableErrorKind::OutOfRange, "the number does not fit 64 bits")),
            },
            (WantedKind::Decimal { digits, scale }, Item::Decimal(count, from)) => {
                self.decimal(count, from, *digits, *scale)
            }
            (WantedKind::Decimal { digits, scale }, Item::Whole(count)) => {
                self.decimal(count, 0, *digits, *scale)
            }
            (WantedKind::Truth, Item::Truth(truth)) => Ok(Value::Truth(truth)),
            (WantedKind::Instant, Item::Instant { seconds, zoned: true }) => Ok(Value::Instant(seconds)),
            (WantedKind::Date, Item::Date(days)) => Ok(Value::Date(days)),
            (WantedKind::Texts, Item::List(entries, range)) => {
                let text = |row| match entries.at(row) {
                    Some(Item::Text(text)) => Ok(text.to_owned()),
                    Some(_) | None => {
                        Err(error(TableErrorKind::MissingValue, "a text of the list is absent"))
                    }
                };
                range.map(text).collect::<Result<_, _>>().map(Value::Texts)
            }
            (WantedKind::Rows(columns), Item::List(entries, range)) => {
                let row = |row| {
                    let Some(Item::Row(cells, row)) = entries.at(row) else {
                        return Err(error(TableErrorKind::MissingValue, "a row of the list is absent"));
                    };
                    let value = |wanted: &Wanted| {
                        wanted
                            .value(wanted.place.and_then(|at| cells.get(at)).and_then(|cells| cells.at(row)))
                    };
                    columns.iter().map(value).collect::<Result<Vec<_>, _>>()
                };
                range.map(row).collect::<Result<_, _>>().map(Value::Rows)
            }
            (_, _) => Err(error(TableErrorKind::WrongType, "a batch has other types than the table")),
        }
    }

    fn decimal(&self, count: i128, from: i8, digits: u8, to: u8) -> Result<Value, TableError> {
        match rescaled(count, from, to) {
            Some(count) if count.unsigned_abs() < 10u128.saturating_pow(u32::from(digits)) => {
                Ok(Value::Decimal(count))
            }
            Some(_) | None => {
                let message = format!("the number is not one of {digits} digits with {to} decimals");
                Err(TableError::new(TableErrorKind::OutOfRange, &self.path, message))
            }
        }
    }
}

/// A count of 10^-`from` as one of 10^-`to`; nothing where that is not exact or does not fit.
pub(crate) fn rescaled(count: i128, from: i8, to: u8) -> Option<i128> {
    let difference = i32::from(to) - i32::from(from);
    let factor = 10i128.checked_pow(difference.unsigned_abs());
    match (factor, difference >= 0) {
        (_, _) if count == 0 => Some(0),
        (Some(factor), true) => count.checked_mul(factor),
        (Some(factor), false) => (count % factor == 0).then(|| count / factor),
        (None, _) => None,
    }
}

/// Why a column of this type is none of what is wanted, and what to do about it.
pub(crate) fn refusal(column: &str, wanted: &str, found: &DataType) -> TableError {
    let message = match shape(found) {
        Shape::Float => format!(
            "the column should hold {wanted} and holds floats ({found}), of which nobody knows what digits they stood \
             for; write it as a decimal, such as decimal128(18, 2), or as text"
        ),
        Shape::Instant { zoned: false } => format!(
            "the column should hold {wanted} and holds timestamps without a time zone; write them with one, such as UTC"
        ),
        Shape::Nothing
        | Shape::Text
        | Shape::Whole
        | Shape::Decimal { .. }
        | Shape::Truth
        | Shape::Instant { zoned: true }
        | Shape::Date
        | Shape::Time
        | Shape::List(_)
        | Shape::Row(_)
        | Shape::Other => format!("the column should hold {wanted} and holds {found}"),
    };
    TableError::new(TableErrorKind::WrongType, column, message)
}
