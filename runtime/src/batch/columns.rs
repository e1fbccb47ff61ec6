//! Events from Parquet and Arrow: a row for each event, its lines and payments as lists of rows.
//!
//! The columns are held against the program's records once, when the file is opened. Rows become JSON, digit by digit, so
//! that the record's reader stays the only one that checks and converts, and a refused row can be given back mended.

use super::chunk::{Chunk, Origin, Source};
use crate::clock::{date_text, instant_text, time_text};
use crate::columnar::cells::{Cells, Item, Shape, shape};
use crate::columnar::source::{Batches, Bulk};
use crate::columnar::{TableError, TableErrorKind, TableFormat};
use crate::decimal;
use crate::decision::write_text;
use crate::record::schema::{Builtin, EVENT, Field, LINE, MEMBER, PAYMENT};
use crate::record::value::{Form, Unit};
use crate::record::{Schema, UnknownFields};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Fields};
use std::io;
use std::sync::Arc;

/// Rows that a thread takes at a time.
const ROWS: usize = 1 << 10;

/// How deep rows may be within each other.
const DEPTH: usize = 16;

/// The columns of an object that the program reads.
#[derive(Debug, Default)]
struct Object {
    /// Position of the column, the key with quotes and colon, and what the column is.
    fields: Vec<(usize, Vec<u8>, Part)>,
}

#[derive(Debug)]
enum Part {
    /// A value, or texts of a set.
    Value,
    Object(Object),
    Rows(Object),
    /// The id of the member, instead of an object.
    MemberId,
}

/// Holds columns against the program's records.
struct Finder<'s> {
    schema: &'s Schema,
}

impl Finder<'_> {
    fn object(&self, node: u32, fields: &Fields, path: &str, depth: usize) -> Result<Object, TableError> {
        let refused = |kind, path: &str, message: &str| Err(TableError::new(kind, path, message));
        let Some(depth) = depth.checked_sub(1) else {
            return refused(TableErrorKind::WrongType, path, "the rows are nested too deep");
        };
        let mut object = Object::default();
        for (at, column) in fields.iter().enumerate() {
            let name = column.name();
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let field = self.schema.lookup(node, name).and_then(|at| self.schema.fields.get(at as usize));
            let Some(field) = field else {
                if self.schema.options().unknown_fields == UnknownFields::Refuse {
                    return refused(TableErrorKind::WrongType, &path, "the program reads no such column");
                }
                continue;
            };
            if fields.iter().take(at).any(|other| other.name() == name) {
                return refused(TableErrorKind::WrongType, &path, "two columns have this name");
            }
            let mut key = Vec::new();
            write_text(&mut key, name);
            key.push(b':');
            if let Some(part) = self.part(node, field, column.data_type(), &path, depth)? {
                object.fields.push((at, key, part));
            }
        }
        Ok(object)
    }

    fn part(
        &self,
        node: u32,
        field: &Field,
        kind: &DataType,
        path: &str,
        depth: usize,
    ) -> Result<Option<Part>, TableError> {
        let found = shape(kind);
        if found == Shape::Nothing {
            return Ok(None);
        }
        let list = || field.list.and_then(|list| self.schema.lists.get(list as usize)).map(|list| list.node);
        let rows = if field.builtin == Builtin::Lines {
            Some(LINE)
        } else if field.builtin == Builtin::Payments {
            Some(PAYMENT)
        } else {
            list()
        };
        if let Some(node) = rows {
            let Shape::List(DataType::Struct(fields)) = found else {
                return Err(refusal(path, "a list of rows (list<struct>)", kind));
            };
            return self.object(node, fields, path, depth).map(|object| Some(Part::Rows(object)));
        }
        if node == EVENT && field.builtin == Builtin::Member {
            if found == Shape::Text {
                return Ok(Some(Part::MemberId));
            }
            let Shape::Row(fields) = found else {
                return Err(refusal(path, "the member's id as text, or a row (struct) with an `id`", kind));
            };
            return self.object(MEMBER, fields, path, depth).map(|object| Some(Part::Object(object)));
        }
        if let (Some(child), Shape::Row(fields)) = (field.child, found) {
            return self.object(child, fields, path, depth).map(|object| Some(Part::Object(object)));
        }
        let Some(wanted) = Wanted::of(field) else {
            return Err(refusal(path, "a row (struct)", kind));
        };
        match wanted.takes(found) {
            true => Ok(Some(Part::Value)),
            false => Err(refusal(path, wanted.words(), kind)),
        }
    }
}

/// What a field's values may be in a column. Texts are taken for all but truth values and sets, and read as in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Name,
    Money,
    Number,
    Truth,
    Date,
    Time,
    Instant,
    Set,
}

impl Wanted {
    fn of(field: &Field) -> Option<Wanted> {
        Some(match field.builtin {
            Builtin::Id
            | Builtin::EventKind
            | Builtin::Of
            | Builtin::MemberId
            | Builtin::Currency
            | Builtin::Sku => Wanted::Name,
            Builtin::At => Wanted::Instant,
            Builtin::Pieces | Builtin::OfLine | Builtin::Weight => Wanted::Number,
            Builtin::Price | Builtin::Amount => Wanted::Money,
            Builtin::None | Builtin::Member | Builtin::Lines | Builtin::Payments => {
                match field.slots.first()?.1 {
                    Form::Bool => Wanted::Truth,
                    Form::Decimal(_, Unit::Money) => Wanted::Money,
                    Form::Decimal(..) => Wanted::Number,
                    Form::Date => Wanted::Date,
                    Form::Time => Wanted::Time,
                    Form::Instant => Wanted::Instant,
                    Form::Enum(_) | Form::Symbol(_) => Wanted::Name,
                    Form::Set(_) => Wanted::Set,
                }
            }
        })
    }

    fn takes(self, found: Shape<'_>) -> bool {
        match (self, found) {
            (Wanted::Truth, Shape::Truth) => true,
            (Wanted::Set, Shape::List(entry)) => shape(entry) == Shape::Text,
            (Wanted::Truth | Wanted::Set, _) => false,
            (_, Shape::Text) => true,
            (Wanted::Money | Wanted::Number, Shape::Whole | Shape::Decimal { .. }) => true,
            (Wanted::Date, Shape::Date) | (Wanted::Time, Shape::Time) => true,
            (Wanted::Instant, Shape::Instant { .. }) => true,
            (Wanted::Name | Wanted::Money | Wanted::Number, _) => false,
            (Wanted::Date | Wanted::Time | Wanted::Instant, _) => false,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Wanted::Name => "texts",
            Wanted::Money => "exact amounts of money (decimal, whole numbers or texts)",
            Wanted::Number => "exact numbers (decimal, whole numbers or texts)",
            Wanted::Truth => "truth values",
            Wanted::Date => "dates (or texts)",
            Wanted::Time => "times of day (or texts)",
            Wanted::Instant => "timestamps (or texts)",
            Wanted::Set => "lists of texts",
        }
    }
}

#[cold]
fn refusal(path: &str, wanted: &str, found: &DataType) -> TableError {
    let message = if shape(found) == Shape::Float {
        format!(
            "the column should hold {wanted} and holds floats ({found}), of which nobody knows what digits they stood \
             for; write it as a decimal, such as decimal128(18, 2), or as text"
        )
    } else {
        format!("the column should hold {wanted} and holds {found}")
    };
    TableError::new(TableErrorKind::WrongType, path, message)
}

impl Object {
    /// Appends the fields whose values are there, with braces.
    fn write(&self, out: &mut Vec<u8>, columns: &[Cells<'_>], row: usize) {
        out.push(b'{');
        let start = out.len();
        for (at, key, part) in &self.fields {
            let Some(item) = columns.get(*at).and_then(|cells| cells.at(row)) else { continue };
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(key);
            match (part, item) {
                (Part::Object(object), Item::Row(columns, row)) => object.write(out, columns, row),
                (Part::Rows(object), Item::List(entries, range)) => {
                    list(out, range, |out, row| {
                        if let Some(Item::Row(columns, row)) = entries.at(row) {
                            object.write(out, columns, row);
                        } else {
                            out.extend_from_slice(b"null");
                        }
                    });
                }
                (Part::MemberId, Item::Text(id)) => {
                    out.extend_from_slice(b"{\"id\":");
                    write_text(out, id);
                    out.push(b'}');
                }
                (_, item) => write_value(out, item),
            }
        }
        out.push(b'}');
    }
}

fn list(out: &mut Vec<u8>, range: std::ops::Range<usize>, mut entry: impl FnMut(&mut Vec<u8>, usize)) {
    out.push(b'[');
    for (at, row) in range.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        entry(out, row);
    }
    out.push(b']');
}

fn write_value(out: &mut Vec<u8>, item: Item<'_, '_>) {
    match item {
        Item::Text(text) => write_text(out, text),
        Item::Whole(number) => decimal::write(out, number, 0),
        Item::Decimal(count, scale) => match u8::try_from(scale) {
            Ok(scale) => decimal::write(out, count, scale),
            Err(_) => {
                decimal::write(out, count, 0);
                if count != 0 {
                    out.resize(out.len() + usize::from(scale.unsigned_abs()), b'0');
                }
            }
        },
        Item::Truth(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
        Item::Instant { seconds, zoned } => {
            let text = instant_text(seconds);
            write_text(out, if zoned { &text } else { text.trim_end_matches('Z') });
        }
        Item::Date(days) => write_text(out, &date_text(days)),
        Item::Time(second) => write_text(out, &time_text(second)),
        Item::List(entries, range) => list(out, range, |out, row| {
            if let Some(Item::Text(text)) = entries.at(row) {
                write_text(out, text);
            } else {
                out.extend_from_slice(b"null");
            }
        }),
        Item::Row(..) => out.extend_from_slice(b"null"),
    }
}

/// Rows that are not yet text.
#[derive(Debug)]
pub(crate) struct Rows {
    batch: RecordBatch,
    /// Rows of the file before them.
    before: u64,
    object: Arc<Object>,
}

impl Rows {
    /// The chunk with its rows as lines of JSON. A row's number stands for its line.
    pub(super) fn written(&self, mut chunk: Chunk) -> Chunk {
        let arrays = self.batch.columns();
        let columns: Vec<Cells<'_>> = arrays.iter().map(|array| Cells::of(array.as_ref(), DEPTH)).collect();
        let mut origins = Vec::with_capacity(self.batch.num_rows());
        for row in 0..self.batch.num_rows() {
            self.object.write(&mut chunk.text, &columns, row);
            chunk.text.push(b'\n');
            origins.push(Origin { line: self.before + row as u64 + 1, ..Origin::default() });
        }
        chunk.origins = Some(origins);
        chunk
    }
}

/// Events of a file.
pub(super) struct Table {
    batches: Batches,
    object: Arc<Object>,
    /// What is left of a batch, and how many rows came before it.
    rest: Option<(RecordBatch, u64)>,
}

impl Table {
    /// # Errors
    /// Where it is no file of the format, or its columns do not fit the program.
    pub(super) fn open(schema: &Schema, format: TableFormat, bulk: Bulk) -> io::Result<Table> {
        let refuse = schema.options().unknown_fields == UnknownFields::Refuse;
        let keep = |name: &str| refuse || schema.lookup(EVENT, name).is_some();
        let batches = Batches::open(format, bulk, &keep).map_err(TableError::into_io)?;
        let fields = batches.schema().fields();
        let object = Finder { schema }.object(EVENT, fields, "", DEPTH).map_err(TableError::into_io)?;
        if !object.fields.iter().any(|(at, ..)| fields.get(*at).is_some_and(|field| field.name() == "id")) {
            let message = "the table has no such column; it names the event of each row";
            return Err(TableError::new(TableErrorKind::MissingColumn, "id", message).into_io());
        }
        Ok(Table { batches, object: Arc::new(object), rest: None })
    }
}

impl Source for Table {
    fn next(&mut self) -> io::Result<Option<Chunk>> {
        let (batch, before) = match self.rest.take() {
            Some(rest) => rest,
            None => match self.batches.next().map_err(TableError::into_io)? {
                Some(next) => next,
                None => return Ok(None),
            },
        };
        let length = batch.num_rows().min(ROWS);
        if batch.num_rows() > length {
            let rest = batch.slice(length, batch.num_rows() - length);
            self.rest = Some((rest, before + length as u64));
        }
        let rows = Rows { batch: batch.slice(0, length), before, object: Arc::clone(&self.object) };
        Ok(Some(Chunk { rows: Some(rows), line: before + 1, ..Chunk::default() }))
    }
}
