//! Cuts CSV into whole events: a row for each line of a receipt, rows of one event one after another.
//!
//! Refuses to know what the cells mean: [`crate::record`] reads them.

use super::Rows as ChunkRows;
use super::chunk::{Chunk, Source};
use crate::record::sheet::{Header, Sheet};
use crate::record::{RecordError, RecordErrorKind, Schema};
use csv_core::ReadRecordResult;
use std::io::{self, Read};
use std::sync::Arc;

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

/// Events of a table.
pub(super) struct Table<'s, R> {
    schema: &'s Schema,
    rows: Rows<R>,
    /// What is read and not yet given.
    sheet: Sheet,
    header: Arc<Header>,
    /// A row was lost, which may have been the first of the next event.
    lost: bool,
    target: usize,
    failed: Option<io::Error>,
}

impl<'s, R: Read> Table<'s, R> {
    /// # Errors
    /// Where the header cannot be read, or its columns are not those of events.
    pub fn open(schema: &'s Schema, input: R, target: usize, limit: usize) -> io::Result<Table<'s, R>> {
        let mut rows = Rows::new(input, limit);
        let header = Arc::new(header(schema, &mut rows)?);
        let sheet = Sheet::new(Arc::clone(&header));
        Ok(Table { schema, rows, sheet, header, lost: false, target, failed: None })
    }

    /// Takes in a row; gives the events before, where it begins another and they are enough.
    fn take(&mut self, place: (u64, u64)) -> Option<Sheet> {
        let cell = |column: usize| self.rows.cell(column);
        let mut full = None;
        if !self.sheet.goes_on(&cell) {
            if self.sheet.size() >= self.target && self.sheet.count() > 0 {
                full = Some(std::mem::replace(&mut self.sheet, Sheet::new(Arc::clone(&self.header))));
            }
            self.sheet.begin(&cell, place);
            if std::mem::take(&mut self.lost) {
                self.sheet.blame(lost_row);
            }
        }
        self.sheet.add(self.schema, (self.rows.cells, &cell), place);
        full
    }
}

fn header<R: Read>(schema: &Schema, rows: &mut Rows<R>) -> io::Result<Header> {
    let refused = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    match rows.next()? {
        Row::Read => {}
        Row::TooLong => return Err(refused("the table's header is too long".to_owned())),
        Row::End => return Err(refused("the table has no header".to_owned())),
    }
    let names: Result<Vec<String>, _> =
        (0..rows.cells).map(|at| String::from_utf8(rows.cell(at).to_vec())).collect();
    let mut names = names.map_err(|_| refused("the table's header is not written in UTF-8".to_owned()))?;
    // What some spreadsheets put before a text is no part of the first column's name.
    if let Some(first) = names.first_mut()
        && let Some(name) = first.strip_prefix('\u{feff}')
    {
        *first = name.to_owned();
    }
    Header::of(schema, &names).map_err(refused)
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
        let sheet = loop {
            let place = self.rows.place();
            match self.rows.next() {
                Ok(Row::Read) => {
                    if let Some(full) = self.take(place) {
                        break full;
                    }
                    continue;
                }
                Ok(Row::TooLong) => {
                    self.lost = true;
                    self.sheet.blame(lost_row);
                    continue;
                }
                Ok(Row::End) => {}
                Err(error) => {
                    // The event at hand may lack rows.
                    self.sheet.give_up();
                    self.failed = Some(error);
                }
            }
            break std::mem::replace(&mut self.sheet, Sheet::new(Arc::clone(&self.header)));
        };
        if sheet.count() == 0 {
            return self.failed.take().map_or(Ok(None), Err);
        }
        Ok(Some(Chunk {
            rows: Some(ChunkRows::Sheet(sheet)),
            consumed: self.rows.offset,
            ..Chunk::default()
        }))
    }

    fn names_no_purchase(&self) -> bool {
        !self.header.names_purchases(self.schema)
    }
}
