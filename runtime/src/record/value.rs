//! How a field's text becomes the number in its slot, for records and tables alike.
//!
//! Refuses to know dictionaries: symbols and sets are numbered by whoever holds one.

use super::error::RecordErrorKind;
use crate::catalogue::Dictionary;
use crate::clock::{self, Moment, Zone};
use crate::decimal::{self, DecimalError};
use crate::nearest::nearest;
use perq_compiler::ir::{Program, SlotType};

/// A slot's type with everything resolved that its text needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Bool,
    /// Digits kept, and what they count.
    Decimal(u8, Unit),
    Date,
    Time,
    Instant,
    /// Position in [`Values::enums`].
    Enum(usize),
    /// A kind's position.
    Symbol(usize),
    /// A kind's position.
    Set(usize),
}

/// What a decimal counts, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Money,
    Points,
    Percent,
    Whole,
    Plain,
}

/// A value as it is written.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "columnar"),
    allow(dead_code, reason = "only columns hold values that are no texts")
)]
pub(crate) enum Scalar<'a> {
    Bool(bool),
    /// A JSON number's text.
    Number(&'a str),
    /// A text.
    Text(&'a str),
    /// A table's cell, where types are not marked.
    Cell(&'a str),
    /// A count of 10^-scale; the scale may be below zero.
    Count(i128, i8),
    /// Days since 1970-01-01.
    Date(i64),
    /// Second of the day.
    Time(i64),
    /// Seconds since 1970-01-01T00:00: of the universal clock where `zoned`, and otherwise of the program's.
    Instant {
        seconds: i64,
        zoned: bool,
    },
}

impl Scalar<'_> {
    /// As it was written, where it was.
    pub fn written(&self) -> &str {
        match self {
            Scalar::Bool(true) => "true",
            Scalar::Bool(false) => "false",
            Scalar::Number(text) | Scalar::Text(text) | Scalar::Cell(text) => text,
            Scalar::Count(..) | Scalar::Date(_) | Scalar::Time(_) | Scalar::Instant { .. } => "",
        }
    }
}

/// What is wrong with a value.
pub(crate) struct ValueError {
    pub kind: RecordErrorKind,
    pub message: String,
}

impl ValueError {
    pub fn new(kind: RecordErrorKind, message: impl Into<String>) -> ValueError {
        ValueError { kind, message: message.into() }
    }
}

/// What values of one program need.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    pub zone: Zone,
    account_decimals: Vec<u8>,
    pub enums: Vec<Names>,
}

/// The values of an enumeration.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    name: String,
    numbers: Dictionary,
    values: Vec<String>,
}

impl Values {
    /// Nothing where the zone is not in the database.
    pub fn of(program: &Program) -> Option<Values> {
        Some(Values {
            zone: Zone::named(&program.zone)?,
            account_decimals: program.accounts.iter().map(|account| account.decimals).collect(),
            enums: program
                .enums
                .iter()
                .map(|enumeration| Names {
                    name: enumeration.name.clone(),
                    numbers: Dictionary::new(enumeration.values.iter().map(String::as_str)),
                    values: enumeration.values.clone(),
                })
                .collect(),
        })
    }

    /// What the program's clock shows at an instant.
    pub fn moment(&self, scalar: Scalar<'_>) -> Result<Moment, ValueError> {
        match scalar {
            Scalar::Instant { seconds, zoned } => self.zone.moment_of(seconds, zoned),
            scalar => self.zone.moment(text_of(scalar, "an instant in quotes")?),
        }
        .ok_or_else(|| {
            ValueError::new(
                RecordErrorKind::MalformedInstant,
                "this should be an instant such as `2026-03-01T09:00:30`, or with an offset `2026-03-01T09:00:30+01:00`",
            )
        })
    }

    pub fn form(&self, ty: SlotType) -> Form {
        match ty {
            SlotType::Bool => Form::Bool,
            SlotType::Money { scale } => Form::Decimal(scale, Unit::Money),
            SlotType::Points(account) => {
                Form::Decimal(self.account_decimals.get(account.index()).copied().unwrap_or(0), Unit::Points)
            }
            // One percent is 10 000 millionths.
            SlotType::Percent => Form::Decimal(4, Unit::Percent),
            SlotType::Count => Form::Decimal(0, Unit::Whole),
            SlotType::Number { scale } => Form::Decimal(scale, Unit::Plain),
            SlotType::Date => Form::Date,
            SlotType::Time => Form::Time,
            SlotType::Instant => Form::Instant,
            SlotType::Enum(id) => Form::Enum(id.index()),
            SlotType::Symbol(kind) => Form::Symbol(kind.index()),
            SlotType::Set(kind) => Form::Set(kind.index()),
        }
    }

    /// The number of a value that is no symbol and no set.
    pub fn number(&self, form: Form, scalar: Scalar<'_>) -> Result<i64, ValueError> {
        match form {
            Form::Decimal(scale, unit) => match scalar {
                Scalar::Number(text) | Scalar::Text(text) | Scalar::Cell(text) => decimal(text, scale, unit),
                Scalar::Count(count, of) => {
                    decimal::rescaled(count, of, scale).map_err(|error| decimal_error(error, scale, unit))
                }
                Scalar::Bool(_) | Scalar::Date(_) | Scalar::Time(_) | Scalar::Instant { .. } => {
                    Err(wrong("a number", scalar))
                }
            },
            Form::Bool => match scalar {
                Scalar::Bool(truth) => Ok(i64::from(truth)),
                Scalar::Cell("true" | "1") => Ok(1),
                Scalar::Cell("false" | "0") => Ok(0),
                Scalar::Cell(_)
                | Scalar::Number(_)
                | Scalar::Text(_)
                | Scalar::Count(..)
                | Scalar::Date(_)
                | Scalar::Time(_)
                | Scalar::Instant { .. } => Err(wrong("`true` or `false`, without quotes", scalar)),
            },
            Form::Date => match scalar {
                Scalar::Date(days) => clock::is_written(days).then_some(days),
                scalar => clock::date(text_of(scalar, "a date in quotes")?),
            }
            .ok_or_else(|| {
                ValueError::new(RecordErrorKind::MalformedDate, "this should be a date such as `2026-03-01`")
            }),
            Form::Time => match scalar {
                Scalar::Time(second) => (0..86_400).contains(&second).then_some(second),
                scalar => clock::time(text_of(scalar, "a time of day in quotes")?),
            }
            .ok_or_else(|| {
                ValueError::new(
                    RecordErrorKind::MalformedTime,
                    "this should be a time of day such as `09:00` or `09:00:30`",
                )
            }),
            Form::Instant => Ok(self.moment(scalar)?.instant),
            Form::Enum(id) => {
                let text = text_of(scalar, "a name in quotes")?;
                let names = self.enums.get(id);
                names
                    .and_then(|names| names.numbers.number(text).map(i64::from))
                    .ok_or_else(|| unknown_value(text, names))
            }
            Form::Symbol(_) | Form::Set(_) => Err(wrong("a name in quotes", scalar)),
        }
    }
}

fn unknown_value(text: &str, names: Option<&Names>) -> ValueError {
    let message = match names {
        Some(names) => {
            let values = || names.values.iter().map(String::as_str);
            match nearest(text, values()) {
                Some(near) => format!("`{}` has no such value; `{near}` is near", names.name),
                None => {
                    let list: Vec<_> = values().take(12).collect();
                    format!("`{}` has no such value; it has {}", names.name, list.join(", "))
                }
            }
        }
        None => "the enumeration has no such value".to_owned(),
    };
    ValueError::new(RecordErrorKind::UnknownValue, message)
}

fn wrong(expected: &str, scalar: Scalar<'_>) -> ValueError {
    let found = match scalar {
        Scalar::Bool(_) => "true or false",
        Scalar::Number(_) | Scalar::Count(..) => "a number",
        Scalar::Text(_) => "a text",
        Scalar::Date(_) => "a date",
        Scalar::Time(_) => "a time of day",
        Scalar::Instant { .. } => "an instant",
        Scalar::Cell(_) => "something else",
    };
    ValueError::new(RecordErrorKind::WrongType, format!("this should be {expected}, but is {found}"))
}

/// The text of a text.
pub(crate) fn text_of<'a>(scalar: Scalar<'a>, expected: &str) -> Result<&'a str, ValueError> {
    match scalar {
        Scalar::Text(text) | Scalar::Cell(text) => Ok(text),
        Scalar::Bool(_)
        | Scalar::Number(_)
        | Scalar::Count(..)
        | Scalar::Date(_)
        | Scalar::Time(_)
        | Scalar::Instant { .. } => Err(wrong(expected, scalar)),
    }
}

/// A decimal's count, with the refusal in words.
pub(crate) fn decimal(text: &str, scale: u8, unit: Unit) -> Result<i64, ValueError> {
    decimal::parse(text, scale).map_err(|error| decimal_error(error, scale, unit))
}

#[cold]
fn decimal_error(error: DecimalError, scale: u8, unit: Unit) -> ValueError {
    let what = match unit {
        Unit::Money => "an amount of money",
        Unit::Points => "an amount of points",
        Unit::Percent => "a number of percent",
        Unit::Whole => "a whole number",
        Unit::Plain => "a number",
    };
    match error {
        DecimalError::Malformed if unit == Unit::Whole => ValueError::new(
            RecordErrorKind::MalformedNumber,
            format!("this should be {what}, written with digits alone, such as `12`"),
        ),
        DecimalError::Malformed => ValueError::new(
            RecordErrorKind::MalformedNumber,
            format!(
                "this should be {what}, written with digits, at most one point and no spaces, such as `12.5`"
            ),
        ),
        DecimalError::Exponent => ValueError::new(
            RecordErrorKind::Exponent,
            format!("this should be {what} without an exponent; write all of its digits"),
        ),
        DecimalError::TooManyDecimals => ValueError::new(
            RecordErrorKind::TooManyDecimals,
            match (unit, scale) {
                (Unit::Whole, _) => "this should be a whole number".to_owned(),
                (_, 0) => format!("this is {what} without decimals; round it where the record is made"),
                (_, scale) => {
                    format!("this is {what} with at most {scale} decimals; round it where the record is made")
                }
            },
        ),
        DecimalError::OutOfRange => {
            ValueError::new(RecordErrorKind::OutOfRange, format!("this is too large for {what}"))
        }
    }
}
