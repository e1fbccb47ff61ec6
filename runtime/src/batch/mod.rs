//! Batches: a stream of records in, decisions and rejections out, in the order of the input.
//!
//! The same bytes come out whatever the number of threads. Memory is bounded by the size of a chunk and the number of
//! threads, whatever the stream holds. A bad record is rejected with its line and field, and the batch goes on; it
//! stops only where the stream itself is broken or nothing can be written.

mod chunk;
#[cfg(feature = "columnar")]
mod columns;
mod shards;
mod table;
#[cfg(test)]
mod tests;

#[cfg(feature = "columnar")]
use crate::columnar::cells::Cells;
#[cfg(feature = "columnar")]
use crate::columnar::source::Bulk;
#[cfg(feature = "columnar")]
use crate::columnar::{TableBuilder, TableError, TableFormat};
#[cfg(feature = "columnar")]
use crate::decision::{DecisionColumns, DecisionTable};
use crate::engine::{Engine, Session};
use crate::input;
#[cfg(feature = "columnar")]
use crate::record::columns::Columns;
#[cfg(feature = "columnar")]
use crate::record::runs;
use crate::record::sheet::{Origin, Sheet};
use crate::record::{ReadEvent, Reader, RecordError, RecordErrorKind, Schema};
use crate::summary::{Summary, Tally};
use chunk::{Chunk, Lines, Source};
use memchr::{memchr, memchr_iter};
use serde::Serialize;
use shards::Apart;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How records are written in the stream. Texts may be compressed with gzip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A JSON object on each line.
    #[default]
    Ndjson,
    /// A table with a header and a row for each line of a receipt.
    Csv,
    /// A row for each event, with its lines and payments as lists of rows.
    #[cfg(feature = "columnar")]
    Parquet,
    /// The same, in an Arrow file or stream.
    #[cfg(feature = "columnar")]
    Arrow,
}

impl Format {
    /// By the ending of a file's name, also before `.gz`: `csv`, `parquet`, `arrow`, `arrows`, `feather` and `ipc`; JSON
    /// lines for all others. Nothing where this build does not read them.
    pub fn of_name(name: &str) -> Option<Format> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "csv" => Some(Format::Csv),
            #[cfg(feature = "columnar")]
            "parquet" => Some(Format::Parquet),
            #[cfg(feature = "columnar")]
            "arrow" | "arrows" | "feather" | "ipc" => Some(Format::Arrow),
            #[cfg(not(feature = "columnar"))]
            "parquet" | "arrow" | "arrows" | "feather" | "ipc" => None,
            _ => Some(Format::Ndjson),
        }
    }
}

/// Where records come from.
pub enum Input<'r> {
    /// Bytes one after another. Parquet and Arrow are held in memory then.
    Stream(Box<dyn Read + Send + 'r>),
    /// A file.
    File(File),
}

/// Where decisions go.
pub enum Decisions<'d> {
    /// A line of JSON for each.
    Lines(&'d mut dyn Write),
    /// A row of a table for each.
    #[cfg(feature = "columnar")]
    Table(&'d mut DecisionTable),
}

/// How a batch runs.
#[derive(Clone, Copy, Debug)]
pub struct BatchOptions {
    /// How records are written.
    pub format: Format,
    /// Threads that decide.
    pub threads: usize,
    /// Bytes that a thread takes at a time.
    pub chunk: usize,
    /// Measures where the time goes; costs some itself.
    pub measure: bool,
}

impl Default for BatchOptions {
    fn default() -> BatchOptions {
        BatchOptions { format: Format::Ndjson, threads: 1, chunk: 1 << 18, measure: false }
    }
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records done.
    pub records: u64,
    /// Of them refused.
    pub rejected: u64,
    /// Bytes of the input done, after decompression.
    pub bytes: u64,
}

/// A batch that stopped before its end.
#[derive(Debug)]
pub struct BatchError {
    /// Why.
    pub cause: BatchErrorCause,
    /// What was done and written before.
    pub done: Box<Summary>,
}

/// Why a batch stopped.
#[derive(Debug)]
pub enum BatchErrorCause {
    /// The input is broken, or its header cannot be used.
    Input(io::Error),
    /// Decisions or rejections cannot be written.
    Output(io::Error),
    /// A fault of perq itself.
    Internal,
}

impl BatchError {
    /// Its lasting name.
    pub fn name(&self) -> &'static str {
        match self.cause {
            BatchErrorCause::Input(_) => "broken-input",
            BatchErrorCause::Output(_) => "broken-output",
            BatchErrorCause::Internal => "internal-error",
        }
    }
}

impl std::fmt::Display for BatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.cause {
            BatchErrorCause::Input(error) => write!(f, "the input cannot be read on: {error}")?,
            BatchErrorCause::Output(error) => write!(f, "the results cannot be written: {error}")?,
            BatchErrorCause::Internal => write!(f, "this is a fault in perq")?,
        }
        write!(f, " ({} records were done)", self.done.records())
    }
}

impl std::error::Error for BatchError {}

/// A line of the rejections.
#[derive(Serialize)]
struct Rejection<'a> {
    #[serde(flatten)]
    error: &'a RecordError,
    record: std::borrow::Cow<'a, str>,
}

/// Decides every record of a stream.
///
/// `decisions` gets a JSON line for each decided event, `rejections` one for each refused record: the error's fields,
/// and under `record` the record as it was (of a table, as JSON; of a line beyond the limit, its beginning).
/// `progress` is called after every chunk. The number of decisions and rejections is the number of records.
///
/// # Errors
/// Where the stream is broken or nothing can be written; what came before is done and counted.
pub fn run(
    engine: &Engine,
    input: impl Read + Send,
    mut decisions: impl Write,
    mut rejections: impl Write,
    options: &BatchOptions,
    mut progress: impl FnMut(Progress),
) -> Result<Summary, BatchError> {
    let input = Input::Stream(Box::new(input));
    run_into(engine, input, Decisions::Lines(&mut decisions), &mut rejections, options, &mut progress)
}

/// As [`run`], from files too and into tables.
///
/// # Errors
/// As [`run`].
pub fn run_into<'s>(
    engine: &Engine,
    input: Input<'_>,
    decisions: Decisions<'s>,
    rejections: &'s mut dyn Write,
    options: &BatchOptions,
    progress: &'s mut dyn FnMut(Progress),
) -> Result<Summary, BatchError> {
    let sink =
        Sink { decisions, rejections, progress, state: Progress::default(), summary: Summary::default() };
    let opened = match options.threads {
        0 | 1 => open(engine.schema(), input, options.format, options.chunk).map(|source| (source, false)),
        _ => open_divided(engine, input, options.format, options.chunk),
    };
    match opened {
        Ok((source, divided)) => drive(engine, source, sink, divided, options),
        Err(error) => sink.end(Err(BatchErrorCause::Input(error))),
    }
}

/// The chunks of an input.
fn open<'r>(
    schema: &'r Schema,
    input: Input<'r>,
    format: Format,
    chunk: usize,
) -> io::Result<Box<dyn Source + 'r>> {
    let (limit, chunk) = (schema.options().limits.record, chunk.max(1));
    let text = |input: Input<'r>| match input {
        Input::Stream(stream) => input::open(stream),
        Input::File(file) => input::open(file),
    };
    #[cfg(feature = "columnar")]
    let bulk = |input: Input<'r>| match input {
        Input::File(file) => Bulk::of_file(file),
        Input::Stream(mut stream) => {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes)?;
            Ok(Bulk::of_memory(bytes))
        }
    };
    Ok(match format {
        Format::Ndjson => Box::new(Lines::new(text(input)?, chunk, limit)),
        Format::Csv => Box::new(table::Table::open(schema, text(input)?, chunk, limit)?),
        #[cfg(feature = "columnar")]
        Format::Parquet => Box::new(columns::Table::open(schema, TableFormat::Parquet, bulk(input)?)?),
        #[cfg(feature = "columnar")]
        Format::Arrow => Box::new(columns::Table::open(schema, TableFormat::Arrow, bulk(input)?)?),
    })
}

/// The records of an input one after another, as a batch takes them.
pub(crate) struct Records<'r> {
    schema: &'r Schema,
    source: Box<dyn Source + 'r>,
    chunk: Chunk,
    /// Where the next record of the chunk begins, and its number.
    start: usize,
    number: usize,
    /// Bytes that a record may have.
    limit: usize,
}

/// A record as it stands in its input.
pub(crate) struct Taken<'c> {
    /// The line that it begins on; of a table without lines, its row.
    pub line: u64,
    /// As JSON, or what is wrong with how it is written.
    pub json: Result<&'c [u8], Box<RecordError>>,
    origin: Option<&'c Origin>,
}

impl<'r> Records<'r> {
    /// # Errors
    /// Where the input cannot be read, or its columns do not fit the schema.
    pub fn open(schema: &'r Schema, input: Input<'r>, format: Format) -> io::Result<Records<'r>> {
        let source = open(schema, input, format, BatchOptions::default().chunk)?;
        let limit = schema.options().limits.record;
        Ok(Records { schema, source, chunk: Chunk::default(), start: 0, number: 0, limit })
    }

    /// The next record; nothing at the end.
    ///
    /// # Errors
    /// Where the input is broken.
    pub fn next(&mut self) -> io::Result<Option<Taken<'_>>> {
        loop {
            let blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
            let rest = self.chunk.text.get(self.start..).unwrap_or_default();
            if rest.is_empty() || self.chunk.too_long {
                let Some(chunk) = self.source.next()? else { return Ok(None) };
                (self.chunk, self.start, self.number) = (chunk.written(self.schema), 0, 0);
                if self.chunk.too_long {
                    let message = format!("the record is longer than the limit of {} bytes", self.limit);
                    let error = RecordError::new(RecordErrorKind::RecordTooLong, 0, message);
                    return Ok(Some(Taken { line: self.chunk.line, json: Err(error), origin: None }));
                }
                continue;
            }
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            let (start, number) = (self.start, self.number);
            let is_blank = rest.get(..length).is_none_or(blank);
            (self.start, self.number) = (start + length + 1, number + 1);
            if is_blank {
                continue;
            }
            let text = self.chunk.text.get(start..start + length).unwrap_or_default();
            let origin = self.chunk.origins.as_ref().and_then(|origins| origins.get(number));
            let json = match origin.and_then(|origin| origin.fault.as_ref()) {
                Some(fault) => Err(fault.clone()),
                None => Ok(text),
            };
            let line = origin.map_or(self.chunk.line + number as u64, |origin| origin.line);
            return Ok(Some(Taken { line, json, origin }));
        }
    }
}

impl Taken<'_> {
    /// The line that an error of this record stands on: that of the receipt's line it is about, where it has one.
    pub fn line_of(&self, error: &RecordError) -> u64 {
        match (self.origin, &self.json) {
            (Some(_), Err(fault)) if fault.offset > 0 => fault.line,
            (Some(origin), Ok(_) | Err(_)) => {
                let row = row_of(&error.field).and_then(|row| origin.rows.get(row));
                row.map_or(origin.line, |(line, _)| *line)
            }
            (None, Ok(_) | Err(_)) => self.line,
        }
    }
}

/// Gives every record of an input, as a batch takes them.
///
/// # Errors
/// Where the input is broken.
pub(crate) fn each_record(
    schema: &Schema,
    input: Input<'_>,
    format: Format,
    on: &mut dyn FnMut(Taken<'_>),
) -> io::Result<()> {
    let mut records = Records::open(schema, input, format)?;
    while let Some(record) = records.next()? {
        on(record);
    }
    Ok(())
}

/// Where results go, in order.
struct Sink<'s> {
    decisions: Decisions<'s>,
    rejections: &'s mut dyn Write,
    progress: &'s mut dyn FnMut(Progress),
    state: Progress,
    summary: Summary,
}

impl Sink<'_> {
    fn take(&mut self, done: &Done) -> io::Result<()> {
        match &mut self.decisions {
            Decisions::Lines(out) => out.write_all(&done.decisions)?,
            #[cfg(feature = "columnar")]
            Decisions::Table(table) => match &done.rows {
                Some(Ok(rows)) => table.add(rows).map_err(TableError::into_io)?,
                Some(Err(message)) => return Err(io::Error::other(message.as_str())),
                None => {}
            },
        }
        self.rejections.write_all(&done.rejections)?;
        self.summary.take_in(&done.tally);
        self.state.records = self.summary.records();
        self.state.rejected = self.summary.rejected;
        self.state.bytes = done.consumed;
        (self.progress)(self.state);
        Ok(())
    }

    fn end(mut self, result: Result<(), BatchErrorCause>) -> Result<Summary, BatchError> {
        let flushed = match &mut self.decisions {
            Decisions::Lines(out) => out.flush(),
            // It is ended by who began it.
            #[cfg(feature = "columnar")]
            Decisions::Table(_) => Ok(()),
        };
        let flushed = flushed.and_then(|()| self.rejections.flush());
        let result = result.and_then(|()| flushed.map_err(BatchErrorCause::Output));
        match result {
            Ok(()) => Ok(self.summary),
            Err(cause) => Err(BatchError { cause, done: Box::new(self.summary) }),
        }
    }

    /// A worker whose decisions this takes.
    fn worker(&self, engine: &Engine, options: &BatchOptions) -> Worker {
        Worker {
            engine: engine.clone(),
            session: engine.session(),
            measure: options.measure,
            #[cfg(feature = "columnar")]
            columns: match &self.decisions {
                Decisions::Lines(_) => None,
                Decisions::Table(table) => Some(table.columns()),
            },
            #[cfg(feature = "columnar")]
            table: None,
        }
    }
}

/// What came of a chunk.
#[derive(Default)]
struct Done {
    decisions: Vec<u8>,
    /// The decisions as rows, where they go into a table, or why there are none.
    #[cfg(feature = "columnar")]
    rows: Option<Result<arrow_array::RecordBatch, String>>,
    rejections: Vec<u8>,
    tally: Tally,
    consumed: u64,
    /// Where the decision and the rejection of each record end, where that is asked for: one of them has nothing between.
    ends: Option<Vec<(usize, usize)>>,
}

/// Whether several threads decide an input where several are asked for: where decisions do not depend on earlier ones, or
/// only on those of the same member. Otherwise one does, and decisions are the same.
///
/// A program that speaks of returns looks up purchases of anybody, by their ids. If no event names a purchase, members are
/// apart all the same: columns say so by their names, and a file of JSON lines is looked through first.
///
/// # Errors
/// Where the input cannot be read, or its columns do not fit the program.
pub fn is_divided(engine: &Engine, input: Input<'_>, format: Format) -> io::Result<bool> {
    open_divided(engine, input, format, BatchOptions::default().chunk).map(|(_, divided)| divided)
}

/// The chunks of an input, and [`is_divided`] of it.
fn open_divided<'r>(
    engine: &'r Engine,
    mut input: Input<'r>,
    format: Format,
    chunk: usize,
) -> io::Result<(Box<dyn Source + 'r>, bool)> {
    let apart = if engine.is_stateful() { shards::are_apart(engine.program()) } else { Apart::Always };
    let seen = match &mut input {
        Input::File(file) if apart == Apart::UnlessReturned && format == Format::Ndjson => {
            shards::names_no_purchase(file)?
        }
        Input::File(_) | Input::Stream(_) => false,
    };
    let source = open(engine.schema(), input, format, chunk)?;
    let divided = match apart {
        Apart::Always => true,
        Apart::UnlessReturned => seen || source.names_no_purchase(),
        Apart::Never => false,
    };
    Ok((source, divided))
}

fn drive<S: Source>(
    engine: &Engine,
    mut source: S,
    mut sink: Sink<'_>,
    divided: bool,
    options: &BatchOptions,
) -> Result<Summary, BatchError> {
    if options.threads > 1 && divided {
        let result = match engine.is_stateful() {
            true => shards::drive(engine, source, &mut sink, options),
            false => drive_threads(engine, source, &mut sink, options),
        };
        return sink.end(result);
    }
    let mut worker = sink.worker(engine, options);
    let mut done = Done::default();
    let result = loop {
        match source.next() {
            Ok(Some(chunk)) => {
                done.clear();
                worker.process(&chunk, None, &mut done);
                if let Err(error) = sink.take(&done) {
                    break Err(BatchErrorCause::Output(error));
                }
                source.give_back(chunk);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(BatchErrorCause::Input(error)),
        }
    };
    sink.end(result)
}

/// What the threads share.
struct Queue<S> {
    source: S,
    /// Number of the next chunk.
    next: u64,
    ended: bool,
}

/// How many chunks are written, or that nobody wants more.
struct Written {
    chunks: u64,
    stop: bool,
}

type Message = (u64, Result<Done, BatchErrorCause>);

fn drive_threads<S: Source>(
    engine: &Engine,
    source: S,
    sink: &mut Sink<'_>,
    options: &BatchOptions,
) -> Result<(), BatchErrorCause> {
    let threads = options.threads.min(256);
    // Chunks that are begun and not written: bounds what waits for a slow one.
    let window = threads as u64 * 2 + 2;
    let queue = Mutex::new(Queue { source, next: 0, ended: false });
    let written = Mutex::new(Written { chunks: 0, stop: false });
    let changed = Condvar::new();
    // Memory of what is written, to serve again.
    let spare: Mutex<Vec<Done>> = Mutex::new(Vec::new());
    let (sender, receiver) = mpsc::channel::<Message>();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, written, changed, sender) = (&queue, &written, &changed, sender.clone());
            let spare = &spare;
            let mut worker = sink.worker(engine, options);
            scope.spawn(move || {
                let mut last = None;
                while let Some((number, chunk)) = take(queue, written, changed, window, &mut last) {
                    let outcome = chunk.map_err(BatchErrorCause::Input).and_then(|chunk| {
                        let mut done = lock(spare).pop().unwrap_or_default();
                        let processed = catch_unwind(AssertUnwindSafe(|| {
                            done.clear();
                            worker.process(&chunk, None, &mut done);
                        }));
                        last = Some(chunk);
                        processed.map(|()| done).map_err(|_| BatchErrorCause::Internal)
                    });
                    let failed = outcome.is_err();
                    if sender.send((number, outcome)).is_err() || failed {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting: BTreeMap<u64, Result<Done, BatchErrorCause>> = BTreeMap::new();
        let mut next = 0;
        let mut result = Ok(());
        'receive: for (number, outcome) in receiver {
            waiting.insert(number, outcome);
            while let Some(outcome) = waiting.remove(&next) {
                result = outcome.and_then(|done| {
                    sink.take(&done).map_err(BatchErrorCause::Output)?;
                    lock(&spare).push(done);
                    Ok(())
                });
                if result.is_err() {
                    break 'receive;
                }
                next += 1;
                lock(&written).chunks = next;
                changed.notify_all();
            }
        }
        lock(&written).stop = true;
        changed.notify_all();
        result
    })
}

/// A lock that a panic elsewhere does not take away.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next chunk and its number; waits while too many are begun. Nothing at the end. Gives the last one back.
fn take<S: Source>(
    queue: &Mutex<Queue<S>>,
    written: &Mutex<Written>,
    changed: &Condvar,
    window: u64,
    last: &mut Option<Chunk>,
) -> Option<(u64, io::Result<Chunk>)> {
    let mut queue = lock(queue);
    if let Some(chunk) = last.take() {
        queue.source.give_back(chunk);
    }
    if queue.ended {
        return None;
    }
    let mut state = lock(written);
    while !state.stop && queue.next >= state.chunks + window {
        state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    if state.stop {
        return None;
    }
    drop(state);
    let number = queue.next;
    queue.next += 1;
    match queue.source.next() {
        Ok(Some(chunk)) => Some((number, Ok(chunk))),
        Ok(None) => {
            queue.ended = true;
            None
        }
        Err(error) => {
            queue.ended = true;
            Some((number, Err(error)))
        }
    }
}

impl Done {
    /// Ready for another chunk, with its memory.
    fn clear(&mut self) {
        self.decisions.clear();
        #[cfg(feature = "columnar")]
        {
            self.rows = None;
        }
        self.rejections.clear();
        self.tally.clear();
    }

    fn reject(&mut self, error: &RecordError, record: &[u8]) {
        self.tally.reject(error.name());
        let rejection = Rejection { error, record: String::from_utf8_lossy(record) };
        // Plain data into memory: nothing can fail, and the line end keeps the next one apart.
        let _ = serde_json::to_writer(&mut self.rejections, &rejection);
        self.rejections.push(b'\n');
    }
}

/// Decides chunks, on one thread.
struct Worker {
    engine: Engine,
    session: Session,
    measure: bool,
    /// Where decisions go into a table.
    #[cfg(feature = "columnar")]
    columns: Option<std::sync::Arc<DecisionColumns>>,
    /// That of the chunk before, empty, with room for as many decisions.
    #[cfg(feature = "columnar")]
    table: Option<TableBuilder>,
}

/// The table that decisions of a chunk are put in, where they go into one.
#[derive(Default)]
struct Filling {
    #[cfg(feature = "columnar")]
    table: Option<Result<TableBuilder, TableError>>,
}

/// Which records of a chunk are to be decided: those whose place has this number.
#[derive(Clone, Copy)]
struct Share<'p> {
    of: &'p [u8],
    number: u8,
}

impl Worker {
    /// Decides the records of a chunk, or a share of them.
    fn process(&mut self, chunk: &Chunk, share: Option<Share<'_>>, done: &mut Done) {
        done.consumed = chunk.consumed;
        #[cfg(feature = "columnar")]
        let mut rows = Filling {
            table: self.columns.as_ref().map(|columns| match self.table.take() {
                Some(table) => Ok(table),
                None => columns.table(),
            }),
        };
        #[cfg(not(feature = "columnar"))]
        let mut rows = Filling::default();
        if let Some(of) = &chunk.rows {
            self.rows(of, &mut rows, done);
        }
        let mut place = 0;
        each(chunk, &mut |record| {
            let is_mine = share.is_none_or(|share| share.of.get(place) == Some(&share.number));
            place += 1;
            if is_mine {
                self.one(chunk, record, &mut rows, done);
                let decisions = rows.length().unwrap_or(done.decisions.len());
                let rejections = done.rejections.len();
                if let Some(ends) = &mut done.ends {
                    ends.push((decisions, rejections));
                }
            }
        });
        #[cfg(feature = "columnar")]
        {
            let taken = rows.table.map(|table| {
                table.and_then(|mut table| {
                    let rows = table.take()?;
                    self.table = Some(table);
                    Ok(rows)
                })
            });
            done.rows = taken.map(|rows| rows.map_err(|error: TableError| error.to_string()));
        }
    }

    /// Decides records that are no text. Those that do not go into their slots are read as JSON, and refused so.
    fn rows(&mut self, of: &Rows, rows: &mut Filling, done: &mut Done) {
        let opened = of.opened();
        let ready = opened.ready(self.engine.schema());
        let mut text = Vec::new();
        for row in 0..opened.count() {
            let started = self.measure.then(Instant::now);
            if self.session.read_by(|schema, reader, event| ready.read(schema, reader, row, event)) {
                self.decided(started, rows, done);
                continue;
            }
            text.clear();
            let origin = opened.write(self.engine.schema(), row, &mut text);
            self.of_table(&origin, &text, rows, done);
        }
    }

    fn one(&mut self, chunk: &Chunk, record: Record<'_>, rows: &mut Filling, done: &mut Done) {
        let Record::Line { number, start, line } = record else {
            let limit = self.session.engine().schema().options().limits.record;
            let message = format!("the record is longer than the limit of {limit} bytes");
            let mut error = RecordError::new(RecordErrorKind::RecordTooLong, 0, message);
            (error.line, error.offset) = (chunk.line, chunk.offset);
            done.reject(&error, &chunk.text);
            return;
        };
        if let Some(origin) = chunk.origins.as_ref().and_then(|origins| origins.get(number)) {
            return self.of_table(origin, line, rows, done);
        }
        if let Err(mut error) = self.decide(line, rows, done) {
            error.line = chunk.line + number as u64;
            error.offset += chunk.offset + start as u64;
            done.reject(&error, line);
        }
    }

    /// Decides a record of a table as JSON.
    fn of_table(&mut self, origin: &Origin, line: &[u8], rows: &mut Filling, done: &mut Done) {
        if let Some(fault) = &origin.fault {
            let mut error = fault.clone();
            if error.offset == 0 {
                (error.line, error.offset) = (origin.line, origin.offset);
            }
            error.id = error.id.or_else(|| id_of(line));
            done.reject(&error, line);
        } else if let Err(mut error) = self.decide(line, rows, done) {
            let row = row_of(&error.field).and_then(|row| origin.rows.get(row));
            (error.line, error.offset) = row.copied().unwrap_or((origin.line, origin.offset));
            done.reject(&error, line);
        }
    }

    fn decide(&mut self, line: &[u8], rows: &mut Filling, done: &mut Done) -> Result<(), Box<RecordError>> {
        let started = self.measure.then(Instant::now);
        if let Err(error) = self.session.read(line) {
            done.tally.times().read += started.map_or(Duration::ZERO, |started| started.elapsed());
            return Err(error);
        }
        self.decided(started, rows, done);
        Ok(())
    }

    /// Decides the record that was read, since `started` where that is measured.
    fn decided(&mut self, started: Option<Instant>, rows: &mut Filling, done: &mut Done) {
        let mut last = started;
        let mut step = |time: &mut Duration| {
            if let Some(last) = &mut last {
                let now = Instant::now();
                *time += now - *last;
                *last = now;
            }
        };
        step(&mut done.tally.times().read);
        let (event, decision) = self.session.evaluate();
        step(&mut done.tally.times().evaluate);
        done.tally.add(self.engine.program(), event, decision);
        step(&mut Duration::default());
        self.write(rows, done);
        step(&mut done.tally.times().write);
    }

    /// Puts the decision at hand where decisions go.
    fn write(&self, rows: &mut Filling, done: &mut Done) {
        #[cfg(feature = "columnar")]
        if let (Some(filling), Some(columns)) = (&mut rows.table, &self.columns) {
            if let Ok(table) = filling
                && let Err(error) = self.session.add_to(columns, table)
            {
                *filling = Err(error);
            }
            return;
        }
        let _ = rows;
        self.session.write(&mut done.decisions);
    }
}

impl Filling {
    /// How many rows there are, where decisions go into a table.
    fn length(&self) -> Option<usize> {
        #[cfg(feature = "columnar")]
        return self.table.as_ref().map(|table| table.as_ref().map_or(0, TableBuilder::rows));
        #[cfg(not(feature = "columnar"))]
        None
    }
}

impl Chunk {
    /// With its records as text.
    fn written(mut self, schema: &Schema) -> Chunk {
        if let Some(rows) = self.rows.take() {
            let opened = rows.opened();
            let mut origins = Vec::with_capacity(opened.count());
            for row in 0..opened.count() {
                origins.push(opened.write(schema, row, &mut self.text));
                self.text.push(b'\n');
            }
            self.origins = Some(origins);
        }
        self
    }
}

/// Records of a chunk that are no text.
#[derive(Debug)]
enum Rows {
    /// Rows of texts.
    Sheet(Sheet),
    #[cfg(feature = "columnar")]
    Columns(columns::Rows),
}

/// Records that are no text, with what their values are read by.
enum Opened<'r> {
    Sheet(&'r Sheet),
    #[cfg(feature = "columnar")]
    Columns {
        rows: &'r columns::Rows,
        columns: &'r Columns,
        cells: Vec<Cells<'r>>,
    },
}

impl Rows {
    fn opened(&self) -> Opened<'_> {
        match self {
            Rows::Sheet(sheet) => Opened::Sheet(sheet),
            #[cfg(feature = "columnar")]
            Rows::Columns(rows) => {
                let (columns, cells) = rows.cells();
                Opened::Columns { rows, columns, cells }
            }
        }
    }
}

impl Opened<'_> {
    /// How many.
    fn count(&self) -> usize {
        match self {
            Opened::Sheet(sheet) => sheet.count(),
            #[cfg(feature = "columnar")]
            Opened::Columns { rows, .. } => rows.count(),
        }
    }

    /// To be read one after another.
    fn ready(&self, schema: &Schema) -> Ready<'_> {
        #[cfg(not(feature = "columnar"))]
        let _ = schema;
        match self {
            Opened::Sheet(sheet) => Ready::Sheet(sheet),
            #[cfg(feature = "columnar")]
            Opened::Columns { rows, columns, cells } => {
                Ready::Columns(columns.ready(schema, cells, rows.count()))
            }
        }
    }

    /// Appends one as JSON, and says where it comes from.
    fn write(&self, schema: &Schema, at: usize, out: &mut Vec<u8>) -> Origin {
        match self {
            Opened::Sheet(sheet) => sheet.write(schema, at, out),
            #[cfg(feature = "columnar")]
            Opened::Columns { rows, columns, cells } => {
                columns.write((cells, at), out);
                Origin { line: rows.first() + at as u64, ..Origin::default() }
            }
        }
    }
}

/// Records that are no text, as they go into slots.
enum Ready<'c> {
    Sheet(&'c Sheet),
    #[cfg(feature = "columnar")]
    Columns(runs::Ready<'c>),
}

impl Ready<'_> {
    /// Reads one into its slots; false where only its JSON tells whether it can be read.
    fn read(&self, schema: &Schema, reader: &mut Reader, at: usize, out: &mut ReadEvent) -> bool {
        match self {
            Ready::Sheet(sheet) => sheet.read(schema, reader, at, out),
            #[cfg(feature = "columnar")]
            Ready::Columns(rows) => rows.read(schema, reader, at, out),
        }
    }
}

/// A record of a chunk.
enum Record<'c> {
    /// Its number, counted with blank lines, and its place in the chunk.
    Line { number: usize, start: usize, line: &'c [u8] },
    /// The chunk is the beginning of one that is too long.
    TooLong,
}

/// Gives every record of a chunk.
fn each<'c>(chunk: &'c Chunk, on: &mut dyn FnMut(Record<'c>)) {
    if chunk.too_long {
        return on(Record::TooLong);
    }
    let mut start = 0;
    let ends = memchr_iter(b'\n', &chunk.text).chain([chunk.text.len()]);
    for (number, end) in ends.enumerate() {
        let line = chunk.text.get(start..end).unwrap_or_default();
        if !line.iter().all(u8::is_ascii_whitespace) {
            on(Record::Line { number, start, line });
        }
        start = end + 1;
    }
}

/// The row of a path such as `lines[3].price`.
fn row_of(field: &str) -> Option<usize> {
    let (row, _) = field.strip_prefix("lines[")?.split_once(']')?;
    row.parse().ok()
}

/// The id of a record that is not read otherwise.
fn id_of(json: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    serde_json::from_slice::<Id>(json).ok().map(|found| found.id)
}
