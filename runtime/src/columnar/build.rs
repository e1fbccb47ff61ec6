//! Columns in memory that grow value by value, and become a batch of Arrow.
//!
//! Refuses to know files. A value of the wrong kind, an absent one where one is needed and one that does not fit are
//! errors when they are given, so that what is built can always be written.

use super::{Cell, Column, ColumnKind, TableError, TableErrorKind};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, ListArray, RecordBatch,
    RecordBatchOptions, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::{ArrowNativeType, BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
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
    /// Of a column whose values may be absent.
    presence: Option<Presence>,
    values: Values,
    /// How many values it has, absent ones counted.
    length: usize,
}

#[derive(Debug)]
enum Values {
    Text(Strings),
    Whole(Vec<i64>),
    Decimal { most: u128, digits: u8, scale: u8, counts: Vec<i128> },
    Truth(BooleanBufferBuilder),
    Instant(Vec<i64>),
    Date(Vec<i32>),
    Texts { entries: Strings, ends: Ends },
    Rows { columns: Vec<Builder>, fields: Fields, count: usize, ends: Ends },
}

/// Which values are there. As long as all are or none is, nothing more is kept.
#[derive(Debug, Default)]
struct Presence {
    /// Whether all are, where it is not known of each.
    all: bool,
    each: Option<BooleanBufferBuilder>,
}

impl Presence {
    /// Notes the value after so many.
    #[inline]
    fn note(&mut self, present: bool, length: usize) {
        match &mut self.each {
            Some(each) => each.append(present),
            None if length == 0 => self.all = present,
            None if self.all == present => {}
            None => {
                let mut each = BooleanBufferBuilder::new(2 * length);
                each.append_n(length, self.all);
                each.append(present);
                self.each = Some(each);
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<NullBuffer> {
        match self.each.take() {
            Some(mut each) => Some(NullBuffer::new(each.finish())),
            None => (length > 0 && !self.all).then(|| NullBuffer::new_null(length)),
        }
    }
}

/// Where texts or lists end; each begins where the one before ends.
#[derive(Debug)]
struct Ends(Vec<i32>);

impl Ends {
    fn new(room: usize) -> Ends {
        let mut ends = Vec::with_capacity(room + 1);
        ends.push(0);
        Ends(ends)
    }

    #[inline]
    fn end(&mut self, length: usize, name: &str) -> Result<(), TableError> {
        match i32::try_from(length) {
            Ok(end) => self.0.push(end),
            Err(_) => return Err(too_many(name)),
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    fn take(&mut self) -> OffsetBuffer<i32> {
        let room = Ends::new(self.count());
        OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(self, room).0))
    }
}

/// Texts, one after another.
#[derive(Debug)]
struct Strings {
    text: String,
    ends: Ends,
}

impl Strings {
    fn new() -> Strings {
        Strings { text: String::new(), ends: Ends::new(0) }
    }

    #[inline]
    fn push(&mut self, text: &str, name: &str) -> Result<(), TableError> {
        self.text.push_str(text);
        self.ends.end(self.text.len(), name)
    }

    fn take(&mut self, absent: Option<NullBuffer>) -> ArrayRef {
        let room = String::with_capacity(self.text.len());
        let text = Buffer::from_vec(std::mem::replace(&mut self.text, room).into_bytes());
        Arc::new(StringArray::new(self.ends.take(), text, absent))
    }
}

impl Builder {
    fn new(column: &Column) -> Builder {
        let values = match &column.kind {
            ColumnKind::Text => Values::Text(Strings::new()),
            ColumnKind::Whole => Values::Whole(Vec::new()),
            ColumnKind::Decimal { digits, scale } => Values::Decimal {
                most: 10u128.checked_pow(u32::from(*digits)).map_or(0, |count| count - 1),
                digits: *digits,
                scale: *scale,
                counts: Vec::new(),
            },
            ColumnKind::Truth => Values::Truth(BooleanBufferBuilder::new(0)),
            ColumnKind::Instant => Values::Instant(Vec::new()),
            ColumnKind::Date => Values::Date(Vec::new()),
            ColumnKind::Texts => Values::Texts { entries: Strings::new(), ends: Ends::new(0) },
            ColumnKind::Rows(columns) => Values::Rows {
                columns: builders(columns),
                // The table was refused if they cannot be had.
                fields: fields(columns).unwrap_or_default(),
                count: 0,
                ends: Ends::new(0),
            },
        };
        let presence = column.optional.then(Presence::default);
        Builder { name: column.name.clone(), presence, values, length: 0 }
    }

    /// The value, or its absence, is given.
    #[inline]
    fn end(&mut self, present: bool) {
        if let Some(presence) = &mut self.presence {
            presence.note(present, self.length);
        }
        self.length += 1;
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
        if self.presence.is_none() {
            return Err(self.error(TableErrorKind::MissingValue, "a value is needed here"));
        }
        match &mut self.values {
            Values::Text(texts) => texts.push("", &self.name)?,
            Values::Whole(numbers) => numbers.push(0),
            Values::Decimal { counts, .. } => counts.push(0),
            Values::Truth(truths) => truths.append(false),
            Values::Instant(instants) => instants.push(0),
            Values::Date(days) => days.push(0),
            Values::Texts { entries, ends } => ends.end(entries.ends.count(), &self.name)?,
            Values::Rows { count, ends, .. } => ends.end(*count, &self.name)?,
        }
        self.end(false);
        Ok(())
    }

    /// Adds a text.
    ///
    /// # Errors
    /// Where the column holds something else.
    pub fn text(&mut self, text: &str) -> Result<(), TableError> {
        let Values::Text(texts) = &mut self.values else { return Err(self.other("a text")) };
        if text.len() > LONGEST_TEXT {
            return Err(self.error(TableErrorKind::OutOfRange, "a text is longer than 64 MiB"));
        }
        texts.push(text, &self.name)?;
        self.end(true);
        Ok(())
    }

    /// Adds a whole number.
    ///
    /// # Errors
    /// Where the column holds something else.
    pub fn whole(&mut self, number: i64) -> Result<(), TableError> {
        let Values::Whole(numbers) = &mut self.values else { return Err(self.other("a whole number")) };
        numbers.push(number);
        self.end(true);
        Ok(())
    }

    /// Adds a decimal, as a count at the column's scale.
    ///
    /// # Errors
    /// Where the column holds something else or has too few digits.
    pub fn decimal(&mut self, count: i128) -> Result<(), TableError> {
        let Values::Decimal { most, digits, counts, .. } = &mut self.values else {
            return Err(self.other("a decimal"));
        };
        if count.unsigned_abs() > *most {
            let message = format!("a decimal has more than the column's {digits} digits");
            return Err(self.error(TableErrorKind::OutOfRange, &message));
        }
        counts.push(count);
        self.end(true);
        Ok(())
    }

    /// Adds true or false.
    ///
    /// # Errors
    /// Where the column holds something else.
    pub fn truth(&mut self, truth: bool) -> Result<(), TableError> {
        let Values::Truth(truths) = &mut self.values else { return Err(self.other("true or false")) };
        truths.append(truth);
        self.end(true);
        Ok(())
    }

    /// Adds an instant, in seconds since 1970-01-01T00:00Z.
    ///
    /// # Errors
    /// Where the column holds something else, or the instant is some 292 000 years away.
    pub fn instant(&mut self, seconds: i64) -> Result<(), TableError> {
        let Values::Instant(instants) = &mut self.values else { return Err(self.other("an instant")) };
        let Some(microseconds) = seconds.checked_mul(1_000_000) else {
            return Err(self.error(TableErrorKind::OutOfRange, "an instant is beyond what the column holds"));
        };
        instants.push(microseconds);
        self.end(true);
        Ok(())
    }

    /// Adds a day, counted from 1970-01-01.
    ///
    /// # Errors
    /// Where the column holds something else, or the day does not fit 32 bits.
    pub fn date(&mut self, days: i64) -> Result<(), TableError> {
        let Values::Date(dates) = &mut self.values else { return Err(self.other("a day")) };
        let Ok(days) = i32::try_from(days) else {
            return Err(self.error(TableErrorKind::OutOfRange, "a day is beyond what the column holds"));
        };
        dates.push(days);
        self.end(true);
        Ok(())
    }

    /// Adds a list of texts.
    ///
    /// # Errors
    /// Where the column holds something else.
    pub fn texts<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> Result<(), TableError> {
        let Values::Texts { entries, ends } = &mut self.values else {
            return Err(self.other("a list of texts"));
        };
        for text in texts {
            entries.push(text, &self.name)?;
        }
        ends.end(entries.ends.count(), &self.name)?;
        self.end(true);
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
        let Values::Rows { count, ends, .. } = &mut self.values else {
            return Err(self.other("a list of rows"));
        };
        ends.end(*count, &self.name)?;
        self.end(true);
        Ok(())
    }

    fn bytes(&self) -> usize {
        match &self.values {
            Values::Text(texts) => texts.text.len() + 4 * self.length,
            Values::Whole(_) | Values::Instant(_) => 8 * self.length,
            Values::Decimal { .. } => 16 * self.length,
            Values::Truth(_) => self.length / 8,
            Values::Date(_) => 4 * self.length,
            Values::Texts { entries, .. } => entries.text.len() + 4 * self.length,
            Values::Rows { columns, .. } => {
                columns.iter().map(Builder::bytes).sum::<usize>() + 4 * self.length
            }
        }
    }

    fn take(&mut self) -> ArrayRef {
        let length = std::mem::take(&mut self.length);
        let absent = self.presence.as_mut().and_then(|presence| presence.take(length));
        match &mut self.values {
            Values::Text(texts) => texts.take(absent),
            Values::Whole(numbers) => Arc::new(Int64Array::new(taken(numbers), absent)),
            Values::Decimal { counts, digits, scale, .. } => {
                let array = Decimal128Array::new(taken(counts), absent);
                Arc::new(array.with_data_type(decimals(*digits, *scale)))
            }
            Values::Truth(truths) => Arc::new(BooleanArray::new(truths.finish(), absent)),
            Values::Instant(instants) => {
                let array = TimestampMicrosecondArray::new(taken(instants), absent);
                Arc::new(array.with_timezone(UNIVERSAL))
            }
            Values::Date(dates) => Arc::new(Date32Array::new(taken(dates), absent)),
            Values::Texts { entries, ends } => {
                let texts = entries.take(None);
                Arc::new(ListArray::new(entry(DataType::Utf8), ends.take(), texts, absent))
            }
            Values::Rows { columns, fields, count, ends } => {
                let length = std::mem::take(count);
                let arrays: Vec<ArrayRef> = columns.iter_mut().map(Builder::take).collect();
                let entries: ArrayRef = if arrays.is_empty() {
                    Arc::new(StructArray::new_empty_fields(length, None))
                } else {
                    Arc::new(StructArray::new(fields.clone(), arrays, None))
                };
                let kind = DataType::Struct(fields.clone());
                Arc::new(ListArray::new(entry(kind), ends.take(), entries, absent))
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

#[cold]
fn too_many(name: &str) -> TableError {
    TableError::new(TableErrorKind::OutOfRange, name, "the texts or lists of a batch are too long together")
}

fn decimals(digits: u8, scale: u8) -> DataType {
    DataType::Decimal128(digits, i8::try_from(scale).unwrap_or(0))
}

/// Values as a column holds them. There is room for as many again.
fn taken<T: ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    let room = Vec::with_capacity(values.len());
    ScalarBuffer::from(std::mem::replace(values, room))
}
