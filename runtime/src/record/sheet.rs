//! Events from rows of texts, such as those of CSV: a row for each line of a receipt, rows of one event one after another.
//!
//! An event goes into its slots cell by cell. One that does not go in becomes JSON, and the record's reader says what is
//! wrong with it: so there is one place that words what is refused, and a refused event can be given back mended.

use super::error::{RecordError, RecordErrorKind};
use super::fill::{Pour, Refused, Target};
use super::reader::{ReadEvent, Reader};
use super::schema::{Builtin, EVENT, Field, LINE, MEMBER, PAYMENT, Schema, UnknownFields};
use super::value::{Form, Scalar};
use crate::decision::write_text_bytes;
use crate::input;
use std::ops::Range;
use std::str::from_utf8;
use std::sync::Arc;

/// Part of an event that a column belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Event,
    Member,
    Line,
    Payment,
}

/// How a cell becomes JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    Bool,
    Set,
}

/// What a column's cells are.
#[derive(Debug)]
struct Bound {
    part: Part,
    /// Number of the field.
    field: usize,
    shape: Shape,
    /// The most bytes of JSON that stand around a cell.
    around: usize,
}

/// Columns of one part as the object that they make.
#[derive(Debug, Default)]
struct Object {
    entries: Vec<(String, Entry)>,
}

#[derive(Debug)]
enum Entry {
    /// Position of a column.
    Column(usize, Shape),
    Object(Object),
}

impl Object {
    fn insert(&mut self, path: &[&str], column: usize, shape: Shape) {
        let Some((first, rest)) = path.split_first() else { return };
        if rest.is_empty() {
            self.entries.push(((*first).to_owned(), Entry::Column(column, shape)));
            return;
        }
        let at = self.entries.iter().position(|(key, entry)| match entry {
            Entry::Object(_) => key == first,
            Entry::Column(..) => false,
        });
        let at = at.unwrap_or_else(|| {
            self.entries.push(((*first).to_owned(), Entry::Object(Object::default())));
            self.entries.len() - 1
        });
        if let Some((_, Entry::Object(inner))) = self.entries.get_mut(at) {
            inner.insert(rest, column, shape);
        }
    }

    /// Appends the fields whose cells are not empty; says whether there were any.
    fn write<'c>(&self, out: &mut Vec<u8>, cell: &impl Fn(usize) -> &'c [u8]) -> bool {
        let start = out.len();
        for (key, entry) in &self.entries {
            let before = out.len();
            if before > start {
                out.push(b',');
            }
            write_text_bytes(out, key.as_bytes());
            out.push(b':');
            let written = match entry {
                Entry::Column(column, shape) => write_cell(out, cell(*column), *shape),
                Entry::Object(inner) => {
                    out.push(b'{');
                    let written = inner.write(out, cell);
                    out.push(b'}');
                    written
                }
            };
            if !written {
                out.truncate(before);
            }
        }
        out.len() > start
    }
}

fn write_cell(out: &mut Vec<u8>, cell: &[u8], shape: Shape) -> bool {
    match (shape, cell) {
        (_, b"") => return false,
        (Shape::Bool, b"true" | b"1") => out.extend_from_slice(b"true"),
        (Shape::Bool, b"false" | b"0") => out.extend_from_slice(b"false"),
        (Shape::Set, names) => {
            out.push(b'[');
            for (at, name) in names_of(names).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_text_bytes(out, name);
            }
            out.push(b']');
        }
        (Shape::Text | Shape::Bool, text) => write_text_bytes(out, text),
    }
    true
}

/// The names of a set, as a cell holds them.
fn names_of(cell: &[u8]) -> impl Iterator<Item = &[u8]> {
    cell.split(|byte| *byte == b'|').filter(|name| !name.is_empty())
}

/// What the header says.
#[derive(Debug, Default)]
pub(crate) struct Header {
    columns: usize,
    id: usize,
    /// Columns that say the same on every row of an event: (column, name).
    shared: Vec<(usize, String)>,
    /// The other columns that the program reads.
    of_rows: Vec<usize>,
    /// By column, where the program reads it.
    bound: Vec<Option<Bound>>,
    event: Object,
    member: Object,
    line: Object,
    payment: Object,
}

impl Header {
    /// # Errors
    /// Where the columns cannot be those of events, in words.
    pub fn of(schema: &Schema, names: &[String]) -> Result<Header, String> {
        let mut header = Header { columns: names.len(), ..Header::default() };
        header.bound.resize_with(names.len(), || None);
        let mut id = None;
        for (column, name) in names.iter().enumerate() {
            if names.iter().take(column).any(|other| other == name) {
                return Err(format!("the table has two columns `{}`", name.escape_debug()));
            }
            let Some((part, path)) = resolve(schema, name) else {
                if schema.options().unknown_fields == UnknownFields::Refuse {
                    return Err(format!("the program reads no column `{}`", name.escape_debug()));
                }
                continue;
            };
            let Some(number) = field(schema, part, &path) else { continue };
            let shape = schema.fields.get(number).map_or(Shape::Text, shape);
            match part {
                Part::Event | Part::Member => header.shared.push((column, name.clone())),
                Part::Line | Part::Payment => header.of_rows.push(column),
            }
            if part == Part::Event && path == ["id"] {
                id = Some(column);
            }
            // With what stands around names and values, and each byte of a name as an escape.
            let around = path.iter().map(|key| 6 * key.len() + 8).sum();
            // A second column of a field has no place but in the JSON, whose reader refuses an event that has both.
            let is_second = header.bound.iter().flatten().any(|bound| bound.field == number);
            if let Some(bound) = header.bound.get_mut(column).filter(|_| !is_second) {
                *bound = Some(Bound { part, field: number, shape, around });
            }
            let object = match part {
                Part::Event => &mut header.event,
                Part::Member => &mut header.member,
                Part::Line => &mut header.line,
                Part::Payment => &mut header.payment,
            };
            object.insert(&path, column, shape);
        }
        match (id, names) {
            (Some(id), _) => Ok(Header { id, ..header }),
            (None, [only]) if let Some(separator) = input::other_separator(only) => {
                Err(format!("the table has no column `id`: {separator}"))
            }
            (None, _) => Err("the table has no column `id`".to_owned()),
        }
    }

    /// Whether events may name the one whose goods come back.
    pub fn names_purchases(&self, schema: &Schema) -> bool {
        self.bound.iter().flatten().any(|bound| schema.names_purchase(bound.field))
    }
}

/// `store`, `member`, `member.tier`, `sku`, `line.kind`, `product.own_brand`, `payment.amount`.
fn resolve<'n>(schema: &Schema, name: &'n str) -> Option<(Part, Vec<&'n str>)> {
    if name == "member" {
        return Some((Part::Member, vec!["id"]));
    }
    let path: Vec<&str> = name.split('.').collect();
    let (first, rest) = path.split_first()?;
    let prefixed = match *first {
        "event" => Some(Part::Event),
        "member" => Some(Part::Member),
        "line" => Some(Part::Line),
        "payment" => Some(Part::Payment),
        _ => None,
    };
    if let Some(part) = prefixed
        && !rest.is_empty()
    {
        return field(schema, part, rest).map(|_| (part, rest.to_vec()));
    }
    let parts = [Part::Event, Part::Line];
    parts.into_iter().find(|part| field(schema, *part, &path).is_some()).map(|part| (part, path))
}

/// The number of the field that a path leads to, where it is a single value.
fn field(schema: &Schema, part: Part, path: &[&str]) -> Option<usize> {
    let mut node = match part {
        Part::Event => EVENT,
        Part::Member => MEMBER,
        Part::Line => LINE,
        Part::Payment => PAYMENT,
    };
    let (last, outer) = path.split_last()?;
    for key in outer {
        node = schema.fields.get(schema.lookup(node, key)? as usize)?.child?;
    }
    let number = schema.lookup(node, last)? as usize;
    let field = schema.fields.get(number)?;
    let rows = matches!(field.builtin, Builtin::Lines | Builtin::Payments | Builtin::Member);
    let single = field.builtin != Builtin::None || !field.slots.is_empty();
    (single && !rows).then_some(number)
}

fn shape(field: &Field) -> Shape {
    match field.slots.first() {
        Some((_, Form::Bool)) => Shape::Bool,
        Some((_, Form::Set(_))) => Shape::Set,
        Some((
            _,
            Form::Decimal(..) | Form::Date | Form::Time | Form::Instant | Form::Enum(_) | Form::Symbol(_),
        ))
        | None => Shape::Text,
    }
}

/// Where a record of a table comes from.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub line: u64,
    pub offset: u64,
    /// Line and offset of the row of each of its lines.
    pub rows: Vec<(u64, u64)>,
    /// What is wrong with its rows.
    pub fault: Option<Box<RecordError>>,
}

/// A cell that is not empty.
#[derive(Debug)]
struct Cell {
    column: usize,
    /// In the text; it begins where the one before ends.
    end: usize,
}

#[derive(Debug)]
struct Row {
    /// Of its cells, which begin where those of the row before end.
    end: usize,
    /// Line and offset.
    place: (u64, u64),
}

#[derive(Debug)]
struct Event {
    /// Of its rows, which begin where those of the event before end.
    end: usize,
    /// Line and offset of its first row.
    place: (u64, u64),
    fault: Option<Box<RecordError>>,
    /// Rows are left out that would make it longer than a record may be.
    cut: bool,
}

/// Rows of whole events, without the cells that are empty, not read, or said before.
#[derive(Debug)]
pub(crate) struct Sheet {
    header: Arc<Header>,
    cells: Cells,
    rows: Vec<Row>,
    events: Vec<Event>,
}

/// The cells of all rows, one after another.
#[derive(Debug, Default)]
struct Cells {
    text: Vec<u8>,
    list: Vec<Cell>,
    /// Of the last event: where each of [`Header::shared`] stands in the text, empty until a row has it.
    shared: Vec<Range<usize>>,
    /// Bytes of the last event's cells of lines and payments.
    bytes: usize,
}

impl Cells {
    /// Forgets what the last event said; the next one has so many shared columns.
    fn begin(&mut self, shared: usize) {
        self.shared.clear();
        self.shared.resize(shared, 0..0);
        self.bytes = 0;
    }

    /// What the last event says in this shared column.
    fn said(&self, shared: usize) -> &[u8] {
        self.shared.get(shared).and_then(|said| self.text.get(said.clone())).unwrap_or_default()
    }

    /// Keeps what the last event says in this shared column.
    fn say(&mut self, shared: usize, column: usize, cell: &[u8]) {
        let start = self.text.len();
        self.keep(column, cell);
        if let Some(said) = self.shared.get_mut(shared) {
            *said = start..self.text.len();
        }
    }

    fn keep(&mut self, column: usize, cell: &[u8]) {
        self.text.extend_from_slice(cell);
        self.list.push(Cell { column, end: self.text.len() });
    }

    /// Adds the cells of a row, of which there are so many.
    fn add<'c>(
        &mut self,
        header: &Header,
        count: usize,
        cell: &impl Fn(usize) -> &'c [u8],
    ) -> Result<(), Box<RecordError>> {
        if count != header.columns {
            let message = format!("the row has {count} cells, and the header {}", header.columns);
            return Err(RecordError::new(RecordErrorKind::MalformedRow, 0, message));
        }
        for (at, (column, name)) in header.shared.iter().enumerate() {
            let (cell, said) = (cell(*column), self.said(at));
            if cell.is_empty() || cell == said {
                continue;
            }
            if !said.is_empty() {
                let message = "the rows of one event say different things here";
                let error = RecordError::new(RecordErrorKind::ConflictingRows, 0, message).within(name);
                return Err(error.about(&String::from_utf8_lossy(cell)));
            }
            self.say(at, *column, cell);
        }
        for column in &header.of_rows {
            let cell = cell(*column);
            if !cell.is_empty() {
                self.keep(*column, cell);
                self.bytes += cell.len();
            }
        }
        Ok(())
    }
}

impl Sheet {
    /// Without rows.
    pub fn new(header: Arc<Header>) -> Sheet {
        Sheet { header, cells: Cells::default(), rows: Vec::new(), events: Vec::new() }
    }

    /// Bytes that it takes, about.
    pub fn size(&self) -> usize {
        self.cells.text.len() + 8 * self.cells.list.len()
    }

    /// How many events.
    pub fn count(&self) -> usize {
        self.events.len()
    }

    /// Whether a row with this cell for the id belongs to the last event.
    pub fn goes_on<'c>(&self, cell: &impl Fn(usize) -> &'c [u8]) -> bool {
        let shared = self.header.shared.iter().position(|(column, _)| *column == self.header.id);
        let id = shared.map_or(&[][..], |at| self.cells.said(at));
        !self.events.is_empty() && id == cell(self.header.id)
    }

    /// Begins an event with the row that is added next.
    pub fn begin<'c>(&mut self, cell: &impl Fn(usize) -> &'c [u8], place: (u64, u64)) {
        self.cells.begin(self.header.shared.len());
        self.events.push(Event { end: self.rows.len(), place, fault: None, cut: false });
        let id = self.header.id;
        let shared = self.header.shared.iter().position(|(column, _)| *column == id);
        if let Some(at) = shared.filter(|_| !cell(id).is_empty()) {
            self.cells.say(at, id, cell(id));
            self.end_row(place);
        }
    }

    fn end_row(&mut self, place: (u64, u64)) {
        if self.rows.last().map_or(0, |row| row.end) < self.cells.list.len() {
            self.rows.push(Row { end: self.cells.list.len(), place });
        }
        if let Some(event) = self.events.last_mut() {
            event.end = self.rows.len();
        }
    }

    /// Says what is wrong with the last event, unless something is already.
    pub fn blame(&mut self, fault: impl FnOnce() -> Box<RecordError>) {
        if let Some(event) = self.events.last_mut() {
            event.fault.get_or_insert_with(fault);
        }
    }

    /// Gives up the last event.
    pub fn give_up(&mut self) {
        self.events.pop();
    }

    /// Adds a row, with so many cells, to the last event. Nothing more is taken in of an event that cannot be read.
    pub fn add<'c>(
        &mut self,
        schema: &Schema,
        (count, cell): (usize, &impl Fn(usize) -> &'c [u8]),
        place: (u64, u64),
    ) {
        if self.events.last().is_none_or(|event| event.fault.is_some() || event.cut) {
            return;
        }
        if let Err(mut fault) = self.cells.add(&self.header, count, cell) {
            (fault.line, fault.offset) = place;
            self.blame(|| fault);
        }
        self.end_row(place);
        if let Some(event) = self.events.last_mut() {
            // As JSON it is longer still, and refused for it.
            event.cut = self.cells.bytes > schema.options().limits.record;
        }
    }

    /// An event's rows.
    fn rows_of(&self, event: usize) -> Range<usize> {
        let end = |event: usize| self.events.get(event).map_or(0, |event| event.end);
        event.checked_sub(1).map_or(0, end)..end(event)
    }

    /// A row's cells: column and text.
    fn cells_of(&self, row: usize) -> impl Iterator<Item = (usize, &[u8])> {
        let end = |row: usize| self.rows.get(row).map_or(0, |row| row.end);
        let cells = row.checked_sub(1).map_or(0, end)..end(row);
        let mut start =
            cells.start.checked_sub(1).and_then(|at| self.cells.list.get(at)).map_or(0, |cell| cell.end);
        self.cells.list.get(cells).unwrap_or_default().iter().map(move |cell| {
            let from = std::mem::replace(&mut start, cell.end);
            (cell.column, self.cells.text.get(from..cell.end).unwrap_or_default())
        })
    }

    /// Reads an event into its slots. False where it does not go in, or only its JSON tells whether it does: what is then
    /// in `out` is of no use, and [`Sheet::write`] gives what the record's reader takes.
    pub fn read(&self, schema: &Schema, reader: &mut Reader, event: usize, out: &mut ReadEvent) -> bool {
        if self.events.get(event).is_none_or(|event| event.fault.is_some() || event.cut) {
            return false;
        }
        reader.read_filled(schema, out, |pour| self.pour(event, pour))
    }

    fn pour(&self, event: usize, pour: &mut Pour<'_, '_>) -> Result<(), Refused> {
        let rows = self.rows_of(event);
        pour.fill.found.lines = true;
        for row in rows.clone() {
            for (column, cell) in self.cells_of(row) {
                let bound = self.bound(column)?;
                match bound.part {
                    Part::Event => {}
                    Part::Member => pour.fill.found.inline_member = true,
                    Part::Line | Part::Payment => continue,
                }
                cell_into(pour, bound, Target::Event, cell)?;
            }
        }
        if pour.fill.found.inline_member && pour.fill.out.member().is_none() {
            return Err(Refused);
        }
        let (mut lines, mut payments) = (0, 0);
        for row in rows {
            let (mut line, mut payment) = (None, None);
            for (column, cell) in self.cells_of(row) {
                let bound = self.bound(column)?;
                let target = match bound.part {
                    Part::Event | Part::Member => continue,
                    Part::Line => Target::Line(*line.get_or_insert_with(|| pour.fill.begin_line())),
                    Part::Payment => {
                        Target::Payment(*payment.get_or_insert_with(|| pour.fill.begin_payments(1)))
                    }
                };
                cell_into(pour, bound, target, cell)?;
            }
            pour.take(6)?;
            if let Some(base) = line {
                pour.fill.end_line(base, lines, 0);
                lines += 1;
            }
            if let Some(base) = payment {
                pour.fill.finish_payment(base, 0).map_err(|_| Refused)?;
                payments += 1;
            }
        }
        pour.fill.finish_lines().map_err(|_| Refused)?;
        pour.fits(lines)?;
        pour.fits(payments)
    }

    fn bound(&self, column: usize) -> Result<&Bound, Refused> {
        self.header.bound.get(column).and_then(Option::as_ref).ok_or(Refused)
    }

    /// Appends an event as JSON; says where it comes from, and what is wrong with its rows.
    pub fn write(&self, schema: &Schema, event: usize, out: &mut Vec<u8>) -> Origin {
        let mut origin = Origin::default();
        let Some(of) = self.events.get(event) else { return origin };
        (origin.line, origin.offset) = of.place;
        let mut cells: Vec<&[u8]> = vec![&[]; self.header.columns];
        let (mut lines, mut payments) = (Vec::new(), Vec::new());
        let limit = schema.options().limits.record;
        for row in self.rows_of(event) {
            for (column, cell) in self.cells_of(row) {
                if let Some(place) = cells.get_mut(column) {
                    *place = cell;
                }
            }
            let place = self.rows.get(row).map_or((0, 0), |row| row.place);
            let cell = |column: usize| cells.get(column).copied().unwrap_or_default();
            if append(&mut lines, &self.header.line, &cell) {
                origin.rows.push(place);
            }
            append(&mut payments, &self.header.payment, &cell);
            // What a row says of its line and payment is not said by the next.
            for column in &self.header.of_rows {
                if let Some(place) = cells.get_mut(*column) {
                    *place = &[];
                }
            }
            if lines.len() + payments.len() > limit {
                let message = format!("the event is longer than the limit of {limit} bytes");
                let mut fault = RecordError::new(RecordErrorKind::RecordTooLong, 0, message);
                (fault.line, fault.offset) = place;
                origin.fault = Some(fault);
                break;
            }
        }
        origin.fault = origin.fault.take().or_else(|| of.fault.clone());
        let cell = |column: usize| cells.get(column).copied().unwrap_or_default();
        out.push(b'{');
        let mut any = self.header.event.write(out, &cell);
        let mut field = |out: &mut Vec<u8>, key: &[u8]| {
            if std::mem::replace(&mut any, true) {
                out.push(b',');
            }
            out.extend_from_slice(key);
        };
        let mut member = Vec::new();
        if self.header.member.write(&mut member, &cell) {
            field(out, b"\"member\":{");
            out.extend_from_slice(&member);
            out.push(b'}');
        }
        field(out, b"\"lines\":[");
        out.extend_from_slice(&lines);
        out.push(b']');
        if !payments.is_empty() {
            out.extend_from_slice(b",\"payments\":[");
            out.extend_from_slice(&payments);
            out.push(b']');
        }
        out.push(b'}');
        origin
    }
}

/// A cell into its slots.
fn cell_into(pour: &mut Pour<'_, '_>, bound: &Bound, target: Target, cell: &[u8]) -> Result<(), Refused> {
    pour.take(bound.around)?;
    let text = |cell| from_utf8(cell).map_err(|_| Refused);
    match (bound.shape, cell) {
        (Shape::Bool, b"true" | b"1") => pour.value(bound.field, target, Scalar::Bool(true)),
        (Shape::Bool, b"false" | b"0") => pour.value(bound.field, target, Scalar::Bool(false)),
        (Shape::Set, names) => pour.names(bound.field, target, names_of(names).map(text)),
        (Shape::Text | Shape::Bool, cell) => pour.value(bound.field, target, Scalar::Text(text(cell)?)),
    }
}

/// Appends an object to those of a list, unless it would be empty; says whether it did.
fn append<'c>(out: &mut Vec<u8>, object: &Object, cell: &impl Fn(usize) -> &'c [u8]) -> bool {
    let before = out.len();
    if before > 0 {
        out.push(b',');
    }
    out.push(b'{');
    if object.write(out, cell) {
        out.push(b'}');
        return true;
    }
    out.truncate(before);
    false
}
