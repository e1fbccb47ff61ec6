//! Events from a table: CSV with a row for each line of a receipt, rows of one event one after another.
//!
//! Turns each event into its JSON, so that the record's reader stays the only one that checks and converts.

use super::chunk::{Chunk, Origin, Source};
use crate::decision::write_text_bytes;
use crate::input;
use crate::record::schema::{EVENT, LINE, MEMBER, PAYMENT};
use crate::record::value::Form;
use crate::record::{RecordError, RecordErrorKind, Schema, UnknownFields};
use csv_core::ReadRecordResult;
use std::io::{self, Read};

/// Cells of a row.
const CELLS: usize = 4096;

/// Reads rows in bounded memory.
struct Rows<R> {
    input: R,
    buffer: Vec<u8>,
    filled: std::ops::Range<usize>,
    core: csv_core::Reader,
    /// The row's cells one after another, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    cells: usize,
    /// Bytes read before `filled`.
    offset: u64,
    limit: usize,
    ended: bool,
}

enum Row {
    Read,
    TooLong,
    End,
}

impl<R: Read> Rows<R> {
    fn new(input: R, limit: usize) -> Rows<R> {
        Rows {
            input,
            buffer: vec![0; 1 << 16],
            filled: 0..0,
            core: csv_core::Reader::new(),
            text: vec![0; 4096],
            ends: vec![0; 64],
            cells: 0,
            offset: 0,
            limit,
            ended: false,
        }
    }

    /// Line and offset at which the next row begins.
    fn place(&self) -> (u64, u64) {
        (self.core.line(), self.offset)
    }

    fn next(&mut self) -> io::Result<Row> {
        let (mut text, mut cells, mut too_long) = (0, 0, false);
        loop {
            if self.filled.is_empty() && !self.ended {
                let count = loop {
                    match self.input.read(&mut self.buffer) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        other => break other?,
                    }
                };
                self.ended = count == 0;
                self.filled = 0..count.min(self.buffer.len());
            }
            let (result, read, wrote, ended) = self.core.read_record(
                self.buffer.get(self.filled.clone()).unwrap_or_default(),
                self.text.get_mut(text..).unwrap_or_default(),
                self.ends.get_mut(cells..).unwrap_or_default(),
            );
            self.filled.start += read;
            self.offset += read as u64;
            text += wrote;
            cells += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.text.len() < self.limit => {
                    self.text.resize(self.text.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < CELLS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    // The rest of the row goes over what was read of it.
                    too_long = true;
                    (text, cells) = (0, 0);
                }
                ReadRecordResult::Record => {
                    self.cells = cells;
                    return Ok(if too_long { Row::TooLong } else { Row::Read });
                }
                ReadRecordResult::End => return Ok(Row::End),
            }
        }
    }

    fn cell(&self, at: usize) -> &[u8] {
        if at >= self.cells {
            return &[];
        }
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }
}

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
            let names = names.split(|byte| *byte == b'|').filter(|name| !name.is_empty());
            for (at, name) in names.enumerate() {
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

/// What the header says.
#[derive(Debug, Default)]
struct Header {
    columns: usize,
    id: Option<usize>,
    /// Columns that say the same on every row of an event: (column, name).
    shared: Vec<(usize, String)>,
    event: Object,
    member: Object,
    line: Object,
    payment: Object,
}

impl Header {
    fn of(schema: &Schema, names: &[String]) -> Result<Header, String> {
        let mut header = Header { columns: names.len(), ..Header::default() };
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
            let shape = shape(schema, part, &path);
            match part {
                Part::Event | Part::Member => header.shared.push((column, name.clone())),
                Part::Line | Part::Payment => {}
            }
            if part == Part::Event && path == ["id"] {
                header.id = Some(column);
            }
            let object = match part {
                Part::Event => &mut header.event,
                Part::Member => &mut header.member,
                Part::Line => &mut header.line,
                Part::Payment => &mut header.payment,
            };
            object.insert(&path, column, shape);
        }
        match (header.id, names) {
            (Some(_), _) => Ok(header),
            (None, [only]) if let Some(separator) = input::other_separator(only) => {
                Err(format!("the table has no column `id`: {separator}"))
            }
            (None, _) => Err("the table has no column `id`".to_owned()),
        }
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

/// The field that a path leads to, where it is a single value.
fn field<'s>(schema: &'s Schema, part: Part, path: &[&str]) -> Option<&'s crate::record::schema::Field> {
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
    let field = schema.fields.get(schema.lookup(node, last)? as usize)?;
    let rows = matches!(
        field.builtin,
        crate::record::schema::Builtin::Lines
            | crate::record::schema::Builtin::Payments
            | crate::record::schema::Builtin::Member
    );
    let single = field.builtin != crate::record::schema::Builtin::None || !field.slots.is_empty();
    (single && !rows).then_some(field)
}

fn shape(schema: &Schema, part: Part, path: &[&str]) -> Shape {
    match field(schema, part, path).and_then(|field| field.slots.first()) {
        Some((_, Form::Bool)) => Shape::Bool,
        Some((_, Form::Set(_))) => Shape::Set,
        Some((
            _,
            Form::Decimal(..) | Form::Date | Form::Time | Form::Instant | Form::Enum(_) | Form::Symbol(_),
        ))
        | None => Shape::Text,
    }
}

/// The event whose rows are being read.
#[derive(Default)]
struct Open {
    id: Vec<u8>,
    /// Cells of [`Header::shared`]; empty until a row has one.
    shared: Vec<Vec<u8>>,
    lines: Vec<u8>,
    payments: Vec<u8>,
    origin: Origin,
}

/// Events of a table.
pub(super) struct Table<'s, R> {
    schema: &'s Schema,
    rows: Rows<R>,
    header: Option<Header>,
    open: Option<Open>,
    /// A row was lost, which may have been the first of the next event.
    lost: bool,
    target: usize,
    failed: Option<io::Error>,
}

impl<'s, R: Read> Table<'s, R> {
    pub fn new(schema: &'s Schema, input: R, target: usize, limit: usize) -> Table<'s, R> {
        let rows = Rows::new(input, limit);
        Table { schema, rows, header: None, open: None, lost: false, target, failed: None }
    }

    fn read_header(&mut self) -> io::Result<()> {
        let refused = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
        match self.rows.next()? {
            Row::Read => {}
            Row::TooLong => return Err(refused("the table's header is too long".to_owned())),
            Row::End => return Err(refused("the table has no header".to_owned())),
        }
        let names: Result<Vec<String>, _> =
            (0..self.rows.cells).map(|at| String::from_utf8(self.rows.cell(at).to_vec())).collect();
        let mut names =
            names.map_err(|_| refused("the table's header is not written in UTF-8".to_owned()))?;
        // What some spreadsheets put before a text is no part of the first column's name.
        if let Some(first) = names.first_mut()
            && let Some(name) = first.strip_prefix('\u{feff}')
        {
            *first = name.to_owned();
        }
        self.header = Some(Header::of(self.schema, &names).map_err(refused)?);
        Ok(())
    }

    /// Takes in a row; gives the event before, where the row begins another.
    fn take(&mut self, place: (u64, u64)) -> Option<Open> {
        let header = self.header.as_ref()?;
        let rows = &self.rows;
        let id = header.id.map_or(&[][..], |column| rows.cell(column));
        let mut closed = None;
        if self.open.as_ref().is_none_or(|open| open.id != id) {
            let origin = Origin { line: place.0, offset: place.1, rows: Vec::new(), fault: None };
            let is_id = |column: usize| Some(column) == header.id;
            let shared =
                header.shared.iter().map(|(column, _)| if is_id(*column) { id.to_vec() } else { Vec::new() });
            let shared = shared.collect();
            let open = Open { id: id.to_vec(), shared, origin, ..Open::default() };
            closed = self.open.replace(open);
            if std::mem::take(&mut self.lost)
                && let Some(open) = &mut self.open
            {
                open.origin.fault = Some(lost_row());
            }
        }
        let open = self.open.as_mut()?;
        if open.origin.fault.is_some() {
            return closed;
        }
        let place_fault = |kind, message: String| {
            let mut error = RecordError::new(kind, 0, message);
            (error.line, error.offset) = place;
            error
        };
        if rows.cells != header.columns {
            let message = format!("the row has {} cells, and the header {}", rows.cells, header.columns);
            open.origin.fault = Some(place_fault(RecordErrorKind::MalformedRow, message));
            return closed;
        }
        for ((column, name), shared) in header.shared.iter().zip(&mut open.shared) {
            let cell = rows.cell(*column);
            if cell.is_empty() || cell == shared.as_slice() {
                continue;
            }
            if !shared.is_empty() {
                let message = "the rows of one event say different things here".to_owned();
                let error = place_fault(RecordErrorKind::ConflictingRows, message).within(name);
                open.origin.fault = Some(error.about(&String::from_utf8_lossy(cell)));
                return closed;
            }
            *shared = cell.to_vec();
        }
        let cell = |column: usize| rows.cell(column);
        if append(&mut open.lines, &header.line, &cell) {
            open.origin.rows.push(place);
        }
        append(&mut open.payments, &header.payment, &cell);
        let limit = self.schema.options().limits.record;
        if open.lines.len() + open.payments.len() > limit {
            let message = format!("the event is longer than the limit of {limit} bytes");
            open.origin.fault = Some(place_fault(RecordErrorKind::RecordTooLong, message));
        }
        closed
    }

    /// Appends an event's JSON, with its line end.
    fn write(&self, out: &mut Vec<u8>, open: &Open) {
        let Some(header) = &self.header else { return };
        let cell = |column: usize| -> &[u8] {
            let at = header.shared.iter().position(|(shared, _)| *shared == column);
            at.and_then(|at| open.shared.get(at)).map_or(&[], Vec::as_slice)
        };
        out.push(b'{');
        let mut any = header.event.write(out, &cell);
        let mut field = |out: &mut Vec<u8>, key: &[u8]| {
            if std::mem::replace(&mut any, true) {
                out.push(b',');
            }
            out.extend_from_slice(key);
        };
        let mut member = Vec::new();
        if header.member.write(&mut member, &cell) {
            field(out, b"\"member\":{");
            out.extend_from_slice(&member);
            out.push(b'}');
        }
        field(out, b"\"lines\":[");
        out.extend_from_slice(&open.lines);
        out.push(b']');
        if !open.payments.is_empty() {
            out.extend_from_slice(b",\"payments\":[");
            out.extend_from_slice(&open.payments);
            out.push(b']');
        }
        out.extend_from_slice(b"}\n");
    }
}

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

fn lost_row() -> Box<RecordError> {
    RecordError::new(
        RecordErrorKind::RecordTooLong,
        0,
        "a row beside this event is too long to be read, and may belong to it",
    )
}

impl<R: Read + Send> Source for Table<'_, R> {
    fn next(&mut self) -> io::Result<Option<Chunk>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.header.is_none() {
            self.read_header()?;
        }
        let mut chunk = Chunk { line: self.rows.core.line(), offset: self.rows.offset, ..Chunk::default() };
        let mut origins = Vec::new();
        while chunk.text.len() < self.target {
            let place = self.rows.place();
            let (closed, ended) = match self.rows.next() {
                Ok(Row::Read) => (self.take(place), false),
                Ok(Row::TooLong) => {
                    self.lost = true;
                    if let Some(open) = &mut self.open {
                        open.origin.fault.get_or_insert_with(lost_row);
                    }
                    (None, false)
                }
                Ok(Row::End) => (self.open.take(), true),
                Err(error) => {
                    // The event at hand may lack rows.
                    self.open = None;
                    self.failed = Some(error);
                    (None, true)
                }
            };
            if let Some(open) = closed {
                self.write(&mut chunk.text, &open);
                origins.push(open.origin);
            }
            if ended {
                break;
            }
        }
        chunk.consumed = self.rows.offset;
        if origins.is_empty() {
            return match self.failed.take() {
                Some(error) => Err(error),
                None => Ok(None),
            };
        }
        chunk.origins = Some(origins);
        Ok(Some(chunk))
    }
}
