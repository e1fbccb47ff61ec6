//! The values of a batch of Arrow, whatever types its writer chose for them.
//!
//! Refuses to know what a value is wanted for. A type that holds no exact values (a float) or that nobody asked for is
//! named, and never read.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, BooleanArray, Decimal128Array, LargeStringArray, PrimitiveArray, StringArray, StringViewArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Fields, TimeUnit};
use std::ops::Range;

/// The values of a column, by row.
pub(crate) struct Cells<'b> {
    absent: Option<&'b NullBuffer>,
    values: Values<'b>,
}

/// The values of a column, by their type.
pub(crate) enum Values<'b> {
    /// Of a type that is not read.
    Unread,
    Text(Texts<'b>),
    Whole(Wholes<'b>),
    Decimal(&'b Decimal128Array, i8),
    Truth(&'b BooleanArray),
    Instant {
        ticks: &'b [i64],
        second: i64,
        zoned: bool,
    },
    Date(&'b [i32]),
    Time {
        ticks: Wholes<'b>,
        second: i64,
    },
    List {
        ends: Ends<'b>,
        entries: Box<Cells<'b>>,
    },
    Row(Vec<Cells<'b>>),
}

/// Texts of a column.
pub(crate) enum Texts<'b> {
    Plain(&'b StringArray),
    Large(&'b LargeStringArray),
    View(&'b StringViewArray),
    Numbered(Box<Numbered<'b>>),
}

/// Numbers of texts.
pub(crate) struct Numbered<'b> {
    /// By row; those of absent rows may be anything.
    pub(crate) numbers: Wholes<'b>,
    texts: Texts<'b>,
    absent: Option<&'b NullBuffer>,
    /// How many texts.
    pub(crate) count: usize,
}

/// Whole numbers of a column.
pub(crate) enum Wholes<'b> {
    I8(&'b PrimitiveArray<Int8Type>),
    I16(&'b PrimitiveArray<Int16Type>),
    I32(&'b [i32]),
    I64(&'b [i64]),
    U8(&'b PrimitiveArray<UInt8Type>),
    U16(&'b PrimitiveArray<UInt16Type>),
    U32(&'b PrimitiveArray<UInt32Type>),
    U64(&'b PrimitiveArray<UInt64Type>),
}

/// Where each list or text of a column ends; it begins where the one before ends.
#[derive(Clone, Copy)]
pub(crate) enum Ends<'b> {
    Short(&'b [i32]),
    Long(&'b [i64]),
}

/// A value.
#[derive(Clone)]
pub(crate) enum Item<'c, 'b> {
    Text(&'b str),
    Whole(i128),
    /// A count of 10^-scale; the scale may be below zero.
    Decimal(i128, i8),
    Truth(bool),
    /// Seconds since 1970-01-01T00:00, with a fraction dropped; of the universal clock where `zoned`, and otherwise of a
    /// clock that the file does not name.
    Instant {
        seconds: i64,
        zoned: bool,
    },
    /// Since 1970-01-01.
    Date(i64),
    /// Second of the day.
    Time(i64),
    List(&'c Cells<'b>, Range<usize>),
    Row(&'c [Cells<'b>], usize),
}

/// Which types hold what can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape<'t> {
    Nothing,
    Text,
    Whole,
    Decimal { scale: i8 },
    Float,
    Truth,
    Instant { zoned: bool },
    Date,
    Time,
    List(&'t DataType),
    Row(&'t Fields),
    Other,
}

/// What a type holds.
pub(crate) fn shape(kind: &DataType) -> Shape<'_> {
    use DataType::{
        Boolean, Date32, Decimal128, Dictionary, Float16, Float32, Float64, Int8, Int16, Int32, Int64,
        LargeList, LargeUtf8, List, Null, Struct, Time32, Time64, Timestamp, UInt8, UInt16, UInt32, UInt64,
        Utf8, Utf8View,
    };
    match kind {
        Null => Shape::Nothing,
        Utf8 | LargeUtf8 | Utf8View => Shape::Text,
        Dictionary(_, values) if matches!(**values, Utf8 | LargeUtf8 | Utf8View) => Shape::Text,
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => Shape::Whole,
        Decimal128(_, scale) => Shape::Decimal { scale: *scale },
        Float16 | Float32 | Float64 => Shape::Float,
        Boolean => Shape::Truth,
        Timestamp(_, zone) => Shape::Instant { zoned: zone.is_some() },
        Date32 => Shape::Date,
        Time32(_) | Time64(_) => Shape::Time,
        List(entry) | LargeList(entry) => Shape::List(entry.data_type()),
        Struct(fields) => Shape::Row(fields),
        _ => Shape::Other,
    }
}

impl<'b> Cells<'b> {
    /// The values of an array. `depth` bounds how deep lists and rows are followed.
    pub(crate) fn of(array: &'b dyn Array, depth: usize) -> Cells<'b> {
        Cells { absent: array.nulls(), values: Values::of(array, depth).unwrap_or(Values::Unread) }
    }

    /// The values of all rows; of absent ones they may be anything.
    pub(crate) fn values(&self) -> &Values<'b> {
        &self.values
    }

    /// Whether a row has no value.
    #[inline]
    pub(crate) fn is_absent(&self, row: usize) -> bool {
        self.absent.is_some_and(|absent| row >= absent.len() || absent.is_null(row))
    }

    /// Whether one of these rows has no value.
    #[inline]
    pub(crate) fn is_one_absent(&self, rows: Range<usize>) -> bool {
        self.absent.is_some() && rows.into_iter().any(|row| self.is_absent(row))
    }

    /// The value of a row; nothing where it is absent or not read.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> Option<Item<'_, 'b>> {
        if self.is_absent(row) {
            return None;
        }
        Some(match &self.values {
            Values::Unread => return None,
            Values::Text(texts) => Item::Text(texts.at(row)?),
            Values::Whole(wholes) => Item::Whole(wholes.at(row)?),
            Values::Decimal(array, scale) => Item::Decimal(*array.values().get(row)?, *scale),
            Values::Truth(array) if row < array.len() => Item::Truth(array.value(row)),
            Values::Truth(_) => return None,
            Values::Instant { ticks, second, zoned } => {
                Item::Instant { seconds: ticks.get(row)?.div_euclid(*second), zoned: *zoned }
            }
            Values::Date(days) => Item::Date(i64::from(*days.get(row)?)),
            Values::Time { ticks, second } => {
                Item::Time(i64::try_from(ticks.at(row)?).ok()?.div_euclid(*second))
            }
            Values::List { ends, entries } => Item::List(entries, ends.at(row)?),
            Values::Row(columns) => Item::Row(columns, row),
        })
    }
}

impl<'b> Values<'b> {
    fn of(array: &'b dyn Array, depth: usize) -> Option<Values<'b>> {
        let depth = depth.checked_sub(1)?;
        Some(match array.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
                Values::Text(Texts::of(array)?)
            }
            DataType::Decimal128(_, scale) => {
                Values::Decimal(array.as_primitive_opt::<Decimal128Type>()?, *scale)
            }
            DataType::Boolean => Values::Truth(array.as_boolean_opt()?),
            DataType::Timestamp(unit, zone) => {
                let (ticks, second): (&[i64], i64) = match unit {
                    TimeUnit::Second => (array.as_primitive_opt::<TimestampSecondType>()?.values(), 1),
                    TimeUnit::Millisecond => {
                        (array.as_primitive_opt::<TimestampMillisecondType>()?.values(), 1_000)
                    }
                    TimeUnit::Microsecond => {
                        (array.as_primitive_opt::<TimestampMicrosecondType>()?.values(), 1_000_000)
                    }
                    TimeUnit::Nanosecond => {
                        (array.as_primitive_opt::<TimestampNanosecondType>()?.values(), 1_000_000_000)
                    }
                };
                Values::Instant { ticks, second, zoned: zone.is_some() }
            }
            DataType::Date32 => Values::Date(array.as_primitive_opt::<Date32Type>()?.values()),
            DataType::Time32(TimeUnit::Second) => Values::Time {
                ticks: Wholes::I32(array.as_primitive_opt::<Time32SecondType>()?.values()),
                second: 1,
            },
            DataType::Time32(_) => Values::Time {
                ticks: Wholes::I32(array.as_primitive_opt::<Time32MillisecondType>()?.values()),
                second: 1_000,
            },
            DataType::Time64(TimeUnit::Microsecond) => Values::Time {
                ticks: Wholes::I64(array.as_primitive_opt::<Time64MicrosecondType>()?.values()),
                second: 1_000_000,
            },
            DataType::Time64(_) => Values::Time {
                ticks: Wholes::I64(array.as_primitive_opt::<Time64NanosecondType>()?.values()),
                second: 1_000_000_000,
            },
            DataType::List(_) => {
                let list = array.as_list_opt::<i32>()?;
                let entries = Box::new(Cells::of(list.values().as_ref(), depth));
                Values::List { ends: Ends::Short(list.value_offsets()), entries }
            }
            DataType::LargeList(_) => {
                let list = array.as_list_opt::<i64>()?;
                let entries = Box::new(Cells::of(list.values().as_ref(), depth));
                Values::List { ends: Ends::Long(list.value_offsets()), entries }
            }
            DataType::Struct(_) => {
                let row = array.as_struct_opt()?;
                Values::Row(row.columns().iter().map(|column| Cells::of(column.as_ref(), depth)).collect())
            }
            _ => Values::Whole(Wholes::of(array)?),
        })
    }
}

impl<'b> Texts<'b> {
    fn of(array: &'b dyn Array) -> Option<Texts<'b>> {
        Some(match array.data_type() {
            DataType::Utf8 => Texts::Plain(array.as_string_opt::<i32>()?),
            DataType::LargeUtf8 => Texts::Large(array.as_string_opt::<i64>()?),
            DataType::Utf8View => Texts::View(array.as_string_view_opt()?),
            DataType::Dictionary(..) => {
                let numbered = array.as_any_dictionary_opt()?;
                let texts = numbered.values().as_ref();
                if matches!(texts.data_type(), DataType::Dictionary(..)) {
                    return None;
                }
                Texts::Numbered(Box::new(Numbered {
                    numbers: Wholes::of(numbered.keys())?,
                    texts: Texts::of(texts)?,
                    absent: texts.nulls(),
                    count: texts.len(),
                }))
            }
            _ => return None,
        })
    }

    /// The texts of these rows where they stand one after another; nothing of those that stand otherwise.
    pub(crate) fn block(&self, rows: Range<usize>) -> Option<Block<'b>> {
        let (bytes, ends) = match self {
            Texts::Plain(array) => (array.value_data(), Ends::Short(array.value_offsets())),
            Texts::Large(array) => (array.value_data(), Ends::Long(array.value_offsets())),
            Texts::View(_) | Texts::Numbered(_) => return None,
        };
        let range = ends.span(rows)?;
        let start = range.start;
        Some(Block { text: std::str::from_utf8(bytes.get(range)?).ok()?, start, ends })
    }

    /// The text of a row.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> Option<&'b str> {
        match self {
            Texts::Plain(array) => (row < array.len()).then(|| array.value(row)),
            Texts::Large(array) => (row < array.len()).then(|| array.value(row)),
            Texts::View(array) => (row < array.len()).then(|| array.value(row)),
            Texts::Numbered(of) => of.text(usize::try_from(of.numbers.at(row)?).ok()?),
        }
    }
}

impl<'b> Numbered<'b> {
    /// The text of a number.
    #[inline]
    pub(crate) fn text(&self, number: usize) -> Option<&'b str> {
        if self.absent.is_some_and(|absent| number >= absent.len() || absent.is_null(number)) {
            return None;
        }
        self.texts.at(number)
    }
}

/// Texts of some rows, one after another.
pub(crate) struct Block<'b> {
    text: &'b str,
    /// Where the text begins among all of the column's.
    start: usize,
    ends: Ends<'b>,
}

impl<'b> Block<'b> {
    /// The text of a row.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> Option<&'b str> {
        self.together(row..row + 1)
    }

    /// The texts of rows as one.
    #[inline]
    pub(crate) fn together(&self, rows: Range<usize>) -> Option<&'b str> {
        let range = self.ends.span(rows)?;
        self.text.get(range.start.checked_sub(self.start)?..range.end.checked_sub(self.start)?)
    }

    /// Bytes of the text of a row.
    #[inline]
    pub(crate) fn length(&self, row: usize) -> usize {
        self.ends.at(row).map_or(0, |range| range.len())
    }
}

impl<'b> Wholes<'b> {
    fn of(array: &'b dyn Array) -> Option<Wholes<'b>> {
        Some(match array.data_type() {
            DataType::Int8 => Wholes::I8(array.as_primitive_opt()?),
            DataType::Int16 => Wholes::I16(array.as_primitive_opt()?),
            DataType::Int32 => Wholes::I32(array.as_primitive_opt::<Int32Type>()?.values()),
            DataType::Int64 => Wholes::I64(array.as_primitive_opt::<Int64Type>()?.values()),
            DataType::UInt8 => Wholes::U8(array.as_primitive_opt()?),
            DataType::UInt16 => Wholes::U16(array.as_primitive_opt()?),
            DataType::UInt32 => Wholes::U32(array.as_primitive_opt()?),
            DataType::UInt64 => Wholes::U64(array.as_primitive_opt()?),
            _ => return None,
        })
    }

    #[inline]
    pub(crate) fn at(&self, row: usize) -> Option<i128> {
        Some(match self {
            Wholes::I8(array) => i128::from(*array.values().get(row)?),
            Wholes::I16(array) => i128::from(*array.values().get(row)?),
            Wholes::I32(values) => i128::from(*values.get(row)?),
            Wholes::I64(values) => i128::from(*values.get(row)?),
            Wholes::U8(array) => i128::from(*array.values().get(row)?),
            Wholes::U16(array) => i128::from(*array.values().get(row)?),
            Wholes::U32(array) => i128::from(*array.values().get(row)?),
            Wholes::U64(array) => i128::from(*array.values().get(row)?),
        })
    }
}

impl Ends<'_> {
    /// What belongs to a row.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> Option<Range<usize>> {
        self.span(row..row + 1)
    }

    /// What belongs to these rows.
    #[inline]
    pub(crate) fn span(&self, rows: Range<usize>) -> Option<Range<usize>> {
        let (start, end) = match self {
            Ends::Short(ends) => (i64::from(*ends.get(rows.start)?), i64::from(*ends.get(rows.end)?)),
            Ends::Long(ends) => (*ends.get(rows.start)?, *ends.get(rows.end)?),
        };
        Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}
