//! Events from columns of Arrow: a row for each event, its lines and payments as lists of rows.
//!
//! The columns are held against the program's records once, when the file is opened. A row then goes into its slots, as a
//! rule column by column (`runs.rs`). One that does not go in becomes JSON, digit by digit, and the record's reader says what is
//! wrong with it: so there is one place that words what is refused, and a refused row can be given back mended.

use super::fill::{Pour, Refused, Target};
use super::runs::Ready;
use super::schema::{Builtin, EVENT, Field, LINE, MEMBER, PAYMENT};
use super::value::{Form, Scalar, Unit};
use super::{Schema, UnknownFields};
use crate::clock::{date_text, instant_text, time_text};
use crate::columnar::cells::{Cells, Item, Shape, shape};
use crate::columnar::{TableError, TableErrorKind};
use crate::decimal;
use crate::decision::write_text;
use arrow_schema::{DataType, Fields};

/// How deep rows may be within each other.
const DEPTH: usize = 16;

/// The columns of an object that the program reads.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub columns: Vec<Column>,
}

#[derive(Debug)]
pub(super) struct Column {
    /// Position among the columns of the table or the row.
    pub at: usize,
    /// The key with quotes and colon.
    pub key: Vec<u8>,
    /// Number of the field.
    pub field: usize,
    pub part: Part,
}

#[derive(Debug)]
pub(super) enum Part {
    /// A value, or texts of a set.
    Value,
    /// An object of the event, its member or a line.
    Object(Object),
    /// The member.
    Member(Object),
    /// The id of the member, instead of an object.
    MemberId,
    Lines(Object),
    Payments(Object),
    /// Rows of a list of the schema.
    List(usize, Object),
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
            let number = self.schema.lookup(node, name);
            let found = number.and_then(|number| Some((number, self.schema.fields.get(number as usize)?)));
            let Some((number, field)) = found else {
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
                object.columns.push(Column { at, key, field: number as usize, part });
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
        let list = field.list.map(|number| number as usize);
        let rows = match (field.builtin, list) {
            (Builtin::Lines, _) => Some(LINE),
            (Builtin::Payments, _) => Some(PAYMENT),
            (_, list) => list.and_then(|list| self.schema.lists.get(list)).map(|list| list.node),
        };
        if let Some(node) = rows {
            let Shape::List(DataType::Struct(fields)) = found else {
                return Err(refusal(path, "a list of rows (list<struct>)", kind));
            };
            let object = self.object(node, fields, path, depth)?;
            return Ok(Some(match (field.builtin, list) {
                (Builtin::Payments, _) => Part::Payments(object),
                (Builtin::Lines, _) | (_, None) => Part::Lines(object),
                (_, Some(list)) => Part::List(list, object),
            }));
        }
        if node == EVENT && field.builtin == Builtin::Member {
            if found == Shape::Text {
                return Ok(Some(Part::MemberId));
            }
            let Shape::Row(fields) = found else {
                return Err(refusal(path, "the member's id as text, or a row (struct) with an `id`", kind));
            };
            return self.object(MEMBER, fields, path, depth).map(|object| Some(Part::Member(object)));
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
    fn write(&self, out: &mut Vec<u8>, cells: &[Cells<'_>], row: usize) {
        out.push(b'{');
        let start = out.len();
        for column in &self.columns {
            let Some(item) = cells.get(column.at).and_then(|cells| cells.at(row)) else { continue };
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(&column.key);
            match (&column.part, item) {
                (Part::Object(object) | Part::Member(object), Item::Row(cells, row)) => {
                    object.write(out, cells, row);
                }
                (
                    Part::Lines(object) | Part::Payments(object) | Part::List(_, object),
                    Item::List(entries, range),
                ) => {
                    list(out, range, |out, row| {
                        if let Some(Item::Row(cells, row)) = entries.at(row) {
                            object.write(out, cells, row);
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

impl Pour<'_, '_> {
    /// A value by itself.
    pub(super) fn cell(
        &mut self,
        column: &Column,
        target: Target,
        cells: &Cells<'_>,
        row: usize,
    ) -> Result<(), Refused> {
        let Some(item) = cells.at(row) else { return Ok(()) };
        self.take(column.key.len() + 3)?;
        match (&column.part, item) {
            (Part::Value, item) => self.item(column.field, target, item),
            (Part::MemberId, Item::Text(id)) if !id.is_empty() => {
                self.text(id)?;
                self.fill.found.inline_member = true;
                self.fill.out.member = Some(self.fill.out.keep(id));
                Ok(())
            }
            (
                Part::Object(_)
                | Part::Member(_)
                | Part::MemberId
                | Part::Lines(_)
                | Part::Payments(_)
                | Part::List(..),
                _,
            ) => Err(Refused),
        }
    }

    fn item(&mut self, field: usize, target: Target, item: Item<'_, '_>) -> Result<(), Refused> {
        let scalar = match item {
            Item::Text(text) => Scalar::Text(text),
            Item::Whole(count) => Scalar::Count(count, 0),
            Item::Decimal(count, scale) => Scalar::Count(count, scale),
            Item::Truth(truth) => Scalar::Bool(truth),
            Item::Instant { seconds, zoned } => Scalar::Instant { seconds, zoned },
            Item::Date(days) => Scalar::Date(days),
            Item::Time(second) => Scalar::Time(second),
            Item::List(entries, range) => {
                self.fits(range.len())?;
                let names = range.map(|at| match entries.at(at) {
                    Some(Item::Text(name)) => Ok(name),
                    Some(_) | None => Err(Refused),
                });
                return self.names(field, target, names);
            }
            Item::Row(..) => return Err(Refused),
        };
        self.value(field, target, scalar)
    }
}

/// The columns of a table, held against the program's records.
#[derive(Debug)]
pub(crate) struct Columns {
    object: Object,
    names_purchases: bool,
}

impl Columns {
    /// # Errors
    /// Where a column does not fit the records, or none is the event's id.
    pub(crate) fn of(schema: &Schema, fields: &Fields) -> Result<Columns, TableError> {
        let object = Finder { schema }.object(EVENT, fields, "", DEPTH)?;
        if !object
            .columns
            .iter()
            .any(|column| fields.get(column.at).is_some_and(|field| field.name() == "id"))
        {
            let message = "the table has no such column; it names the event of each row";
            return Err(TableError::new(TableErrorKind::MissingColumn, "id", message));
        }
        let names_purchases = object.columns.iter().any(|column| schema.names_purchase(column.field));
        Ok(Columns { object, names_purchases })
    }

    /// Whether events may name the one whose goods come back.
    pub(crate) fn names_purchases(&self) -> bool {
        self.names_purchases
    }

    /// The values of a batch, as the other functions take them.
    pub(crate) fn cells(batch: &arrow_array::RecordBatch) -> Vec<Cells<'_>> {
        batch.columns().iter().map(|array| Cells::of(array.as_ref(), DEPTH)).collect()
    }

    /// So many rows of a batch, to be read one after another.
    pub(crate) fn ready<'c>(&'c self, schema: &Schema, cells: &'c [Cells<'c>], rows: usize) -> Ready<'c> {
        Ready::of(schema, &self.object, cells, 0..rows)
    }

    /// Appends a row as JSON.
    pub(crate) fn write(&self, (cells, row): (&[Cells<'_>], usize), out: &mut Vec<u8>) {
        self.object.write(out, cells, row);
    }
}
