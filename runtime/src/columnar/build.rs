//! Columns in memory that grow value by value, and become a batch of Arrow.
//!
//! Refuses to know files. A value of the wrong kind, an absent one where one is needed and one that does not fit are
//! errors when they are given, so that what is built can always be written.

use super::{Cell, Column, ColumnKind, TableError, TableErrorKind};
use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// The longest text of a table.
pub(super) const LONGEST_TEXT: usize = 1 << 26;

/// The time zone of instants in a file.
const UNIVERSAL: &str = "UTC";

/// The columns of a table and the values that they hold so far.
#[derive(Debug)]
pub struct TableBuilder {
    schema: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
}

impl TableBuilder {
    /// No rows yet.
    ///
    /// # Errors
    /// Where a decimal has no digits or more than 38, or two columns share a name.
    pub fn new(columns: &[Column]) -> Result<TableBuilder, TableError> {
        let schema = Arc::new(Schema::new(fields(columns)?));
        Ok(TableBuilder { schema, columns: builders(columns), rows: 0 })
    }

    /// The columns, to be given one value each before [`TableBuilder::end_row`].
    pub fn columns(&mut self) -> &mut [Builder] {
        &mut self.columns
    }

    /// The row is whole.
    ///
    /// # Errors
    /// Where a column has not been given one value since the last row.
    pub fn end_row(&mut self) -> Result<(), TableError> {
        self.rows += 1;
        check_length(&self.columns, self.rows)
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// About how many bytes its texts and numbers take.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Builder::bytes).sum()
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The rows as a batch; none are left. There is room for as many again.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, TableError> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        let arrays = self.columns.iter_mut().map(Builder::take).collect();
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| TableError::new(TableErrorKind::WrongType, "", error.to_string()))
    }
}

/// One value for each column of a row.
pub(super) fn push_row(columns: &mut [Builder], cells: &[Cell<'_>]) -> Result<(), TableError> {
    if columns.len() != cells.len() {
        let message = format!("a row has {} values for {} columns", cells.len(), columns.len());
        return Err(TableError::new(TableErrorKind::WrongType, "", message));
    }
    columns.iter_mut().zip(cells).try_for_each(|(column, cell)| column.push(*cell))
}

fn check_length(columns: &[Builder], rows: usize) -> Result<(), TableError> {
    match columns.iter().find(|column| column.length != rows) {
        None => Ok(()),
        Some(column) => {
            let message = format!("{} values in {rows} rows", column.length);
            Err(TableError::new(TableErrorKind::MissingValue, &column.name, message))
        }
    }
}

fn fields(columns: &[Column]) -> Result<Fields, TableError> {
    let mut names = std::collections::BTreeSet::new();
    if let Some(twice) = columns.iter().find(|column| !names.insert(column.name.as_str())) {
        return Err(TableError::new(TableErrorKind::WrongType, &twice.name, "two columns have this name"));
    }
    columns
        .iter()
        .map(|column| Ok(Field::new(&column.name, data_type(column)?, column.optional)))
        .collect::<Result<Vec<_>, TableError>>()
        .map(Fields::from)
}

fn data_type(column: &Column) -> Result<DataType, TableError> {
    Ok(match &column.kind {
        ColumnKind::Text => DataType::Utf8,
        ColumnKind::Whole => DataType::Int64,
        ColumnKind::Decimal { digits, scale } => match i8::try_from(*scale) {
            Ok(exponent) if (1..=38).contains(digits) && scale <= digits => {
                DataType::Decimal128(*digits, exponent)
            }
            Ok(_) | Err(_) => {
                let message = "a decimal has 1 to 38 digits, and no more of them after the point";
                return Err(TableError::new(TableErrorKind::OutOfRange, &column.name, message));
            }
        },
        ColumnKind::Truth => DataType::Boolean,
        ColumnKind::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some(UNIVERSAL.into())),
        ColumnKind::Date => DataType::Date32,
        ColumnKind::Texts => DataType::List(entry(DataType::Utf8)),
        ColumnKind::Rows(columns) => DataType::List(entry(DataType::Struct(fields(columns)?))),
    })
}

/// An entry of a list; it is always there.
fn entry(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(kind, false))
}

fn builders(columns: &[Column]) -> Vec<Builder> {
    columns.iter().map(Builder::new).collect()
}

/// A column that grows.
#[derive(Debug)]
pub struct Builder {
    name: String,
    optional: bool,
    values: Values,
    /// How many values it has, absent ones counted.
    length: usize,
}

#[derive(Debug)]
enum Values {
    Text(StringBuilder),
    Whole(Int64Builder),
    Decimal { most: u128, digits: u8, scale: u8, values: Decimal128Builder },
    Truth(BooleanBuilder),
    Instant(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    Texts { entries: StringBuilder, list: List },
    Rows { columns: Vec<Builder>, fields: Fields, count: usize, list: List },
}

/// Where the entries of each list end.
#[derive(Debug)]
struct List {
    ends: Vec<i32>,
    present: NullBufferBuilder,
}

impl List {
    fn new() -> List {
        List { ends: vec![0], present: NullBufferBuilder::new(0) }
    }

    /// The list's entries end at `length`.
    fn end(&mut self, length: usize, present: bool, name: &str) -> Result<(), TableError> {
        let end = i32::try_from(length).map_err(|_| {
            TableError::new(TableErrorKind::OutOfRange, name, "the lists of a batch have too many entries")
        })?;
        self.ends.push(end);
        self.present.append(present);
        Ok(())
    }

    fn take(&mut self, kind: DataType, entries: ArrayRef) -> ArrayRef {
        let mut room = Vec::with_capacity(self.ends.len());
        room.push(0);
        let ends = std::mem::replace(&mut self.ends, room);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        Arc::new(ListArray::new(entry(kind), offsets, entries, self.present.finish()))
    }
}

impl Builder {
    fn new(column: &Column) -> Builder {
        let values = match &column.kind {
            ColumnKind::Text => Values::Text(StringBuilder::new()),
            ColumnKind::Whole => Values::Whole(Int64Builder::new()),
            ColumnKind::Decimal { digits, scale } => Values::Decimal {
                most: 10u128.checked_pow(u32::from(*digits)).map_or(0, |count| count - 1),
                digits: *digits,
                scale: *scale,
                values: decimals(*digits, *scale, 0),
            },
            ColumnKind::Truth => Values::Truth(BooleanBuilder::new()),
            ColumnKind::Instant => Values::Instant(instants(0)),
            ColumnKind::Date => Values::Date(Date32Builder::new()),
            ColumnKind::Texts => Values::Texts { entries: StringBuilder::new(), list: List::new() },
            ColumnKind::Rows(columns) => Values::Rows {
                columns: builders(columns),
                // The table was refused if they cannot be had.
                fields: fields(columns).unwrap_or_default(),
                count: 0,
                list: List::new(),
            },
        };
        Builder { name: column.name.clone(), optional: column.optional, values, length: 0 }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// Where it is of another kind than the column, absent and needed, or does not fit.
    pub fn push(&mut self, cell: Cell<'_>) -> Result<(), TableError> {
        match cell {
            Cell::Absent => self.absent(),
            Cell::Text(text) => self.text(text),
            Cell::Whole(number) => self.whole(number),
            Cell::Decimal(count) => self.decimal(count),
            Cell::Truth(truth) => self.truth(truth),
            Cell::Instant(seconds) => self.instant(seconds),
            Cell::Date(days) => self.date(days),
            Cell::Texts(texts) => self.texts(texts.iter().copied()),
            Cell::Rows(rows) => {
                for row in rows {
                    push_row(self.entries()?, row)?;
                    self.end_entry()?;
                }
                self.end_rows()
            }
        }
    }

    /// Adds no value.
    ///
    /// # Errors
    /// Where one is needed.
    pub fn absent(&mut self) -> Result<(), TableError> {
        if !self.optional {
            return Err(self.error(TableErrorKind::MissingValue, "a value is needed here"));
        }
        match &mut self.values {
            Values::Text(values) => values.append_null(),
            Values::Whole(values) => values.append_null(),
            Values::Decimal { values, .. } => values.append_null(),
            Values::Truth(values) => values.append_null(),
            Values::Instant(values) => values.append_null(),
            Values::Date(values) => values.append_null(),
            Values::Texts { entries, list } => list.end(length_of(entries), false, &self.name)?,
            Values::Rows { count, list, .. } => list.end(*count, false, &self.name)?,
        }
        self.length += 1;
        Ok(())
    }

    /// Adds a text.
    ///
    /// # Errors
    /// Where the column holds something else.
    pub fn text(&mut self, text: &str) -> Result<(), TableError> {
        let Values::Text(values) = &mut self.values else { return Err(self.other("a text")) };
        if text.len() > LONGEST_TEXT {
            return Err(self.error(TableErrorKind::OutOfRange, "a text is longer than 64 MiB"));
        }
        values.append_value(text);
        self.length += 1;
        Ok(())
    }

    /// Adds a whole number.
    ///
    /// # Errors
    /// Where the column holds something else.
    pub fn whole(&mut self, number: i64) -> Result<(), TableError> {
        let Values::Whole(values) = &mut self.values else { return Err(self.other("a whole number")) };
        values.append_value(number);
        self.length += 1;
        Ok(())
    }

    /// Adds a decimal, as a count at the column's scale.
    ///
    /// # Errors
    /// Where the column holds something else or has too few digits.
    pub fn decimal(&mut self, count: i128) -> Result<(), TableError> {
        let Values::Decimal { most, digits, values, .. } = &mut self.values else {
            return Err(self.other("a decimal"));
        };
        if count.unsigned_abs() > *most {
            let message = format!("a decimal has more than the column's {digits} digits");
            return Err(self.error(TableErrorKind::OutOfRange, &message));
        }
        values.append_value(count);
        self.length += 1;
        Ok(())
    }

    /// Adds true or false.
    ///
    /// # Errors
    /// Where the column holds something else.
    pub fn truth(&mut self, truth: bool) -> Result<(), TableError> {
        let Values::Truth(values) = &mut self.values else { return Err(self.other("true or false")) };
        values.append_value(truth);
        self.length += 1;
        Ok(())
    }

    /// Adds an instant, in seconds since 1970-01-01T00:00Z.
    ///
    /// # Errors
    /// Where the column holds something else, or the instant is some 292 000 years away.
    pub fn instant(&mut self, seconds: i64) -> Result<(), TableError> {
        let Values::Instant(values) = &mut self.values else { return Err(self.other("an instant")) };
        let Some(microseconds) = seconds.checked_mul(1_000_000) else {
            return Err(self.error(TableErrorKind::OutOfRange, "an instant is beyond what the column holds"));
        };
        values.append_value(microseconds);
        self.length += 1;
        Ok(())
    }

    /// Adds a day, counted from 1970-01-01.
    ///
    /// # Errors
    /// Where the column holds something else, or the day does not fit 32 bits.
    pub fn date(&mut self, days: i64) -> Result<(), TableError> {
        let Values::Date(values) = &mut self.values else { return Err(self.other("a day")) };
        let Ok(days) = i32::try_from(days) else {
            return Err(self.error(TableErrorKind::OutOfRange, "a day is beyond what the column holds"));
        };
        values.append_value(days);
        self.length += 1;
        Ok(())
    }

    /// Adds a list of texts.
    ///
    /// # Errors
    /// Where the column holds something else.
    pub fn texts<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> Result<(), TableError> {
        let Values::Texts { entries, list } = &mut self.values else {
            return Err(self.other("a list of texts"));
        };
        for text in texts {
            entries.append_value(text);
        }
        list.end(length_of(entries), true, &self.name)?;
        self.length += 1;
        Ok(())
    }

    /// The columns of the list's rows, to be given one value each before [`Builder::end_entry`].
    ///
    /// # Errors
    /// Where the column holds no rows.
    pub fn entries(&mut self) -> Result<&mut [Builder], TableError> {
        match &mut self.values {
            Values::Rows { columns, .. } => Ok(columns),
            Values::Text(_)
            | Values::Whole(_)
            | Values::Decimal { .. }
            | Values::Truth(_)
            | Values::Instant(_)
            | Values::Date(_)
            | Values::Texts { .. } => Err(other(&self.name, "a list of rows")),
        }
    }

    /// A row of the list is whole.
    ///
    /// # Errors
    /// Where one of its columns has not been given one value.
    pub fn end_entry(&mut self) -> Result<(), TableError> {
        let Values::Rows { columns, count, .. } = &mut self.values else {
            return Err(self.other("a list of rows"));
        };
        *count += 1;
        check_length(columns, *count)
    }

    /// Adds the list of the rows that were given since the last one.
    ///
    /// # Errors
    /// Where the column holds no rows, or a batch has more than fit 31 bits.
    pub fn end_rows(&mut self) -> Result<(), TableError> {
        let Values::Rows { count, list, .. } = &mut self.values else {
            return Err(self.other("a list of rows"));
        };
        list.end(*count, true, &self.name)?;
        self.length += 1;
        Ok(())
    }

    fn bytes(&self) -> usize {
        match &self.values {
            Values::Text(values) => values.values_slice().len() + 4 * self.length,
            Values::Whole(_) | Values::Instant(_) => 8 * self.length,
            Values::Decimal { .. } => 16 * self.length,
            Values::Truth(_) => self.length / 8,
            Values::Date(_) => 4 * self.length,
            Values::Texts { entries, .. } => entries.values_slice().len() + 4 * self.length,
            Values::Rows { columns, .. } => {
                columns.iter().map(Builder::bytes).sum::<usize>() + 4 * self.length
            }
        }
    }

    fn take(&mut self) -> ArrayRef {
        let length = std::mem::take(&mut self.length);
        match &mut self.values {
            Values::Text(values) => {
                let room = StringBuilder::with_capacity(length, values.values_slice().len());
                Arc::new(std::mem::replace(values, room).finish())
            }
            Values::Whole(values) => {
                Arc::new(std::mem::replace(values, Int64Builder::with_capacity(length)).finish())
            }
            Values::Decimal { values, digits, scale, .. } => {
                Arc::new(std::mem::replace(values, decimals(*digits, *scale, length)).finish())
            }
            Values::Truth(values) => Arc::new(values.finish()),
            Values::Instant(values) => Arc::new(std::mem::replace(values, instants(length)).finish()),
            Values::Date(values) => Arc::new(values.finish()),
            Values::Texts { entries, list } => list.take(DataType::Utf8, Arc::new(entries.finish())),
            Values::Rows { columns, fields, count, list } => {
                let length = std::mem::take(count);
                let arrays: Vec<ArrayRef> = columns.iter_mut().map(Builder::take).collect();
                let entries: ArrayRef = if arrays.is_empty() {
                    Arc::new(StructArray::new_empty_fields(length, None))
                } else {
                    Arc::new(StructArray::new(fields.clone(), arrays, None))
                };
                list.take(DataType::Struct(fields.clone()), entries)
            }
        }
    }

    #[cold]
    fn other(&self, given: &str) -> TableError {
        other(&self.name, given)
    }

    #[cold]
    fn error(&self, kind: TableErrorKind, message: &str) -> TableError {
        TableError::new(kind, &self.name, message)
    }
}

#[cold]
fn other(name: &str, given: &str) -> TableError {
    let message = format!("{given} is given, and the column holds something else");
    TableError::new(TableErrorKind::WrongType, name, message)
}

fn decimals(digits: u8, scale: u8, room: usize) -> Decimal128Builder {
    let kind = DataType::Decimal128(digits, i8::try_from(scale).unwrap_or(0));
    Decimal128Builder::with_capacity(room).with_data_type(kind)
}

fn instants(room: usize) -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::with_capacity(room).with_timezone(UNIVERSAL)
}

fn length_of(entries: &StringBuilder) -> usize {
    arrow_array::builder::ArrayBuilder::len(entries)
}
