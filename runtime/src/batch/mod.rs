//! Batches: a stream of records in, decisions and rejections out, in the order of the input.
//!
//! The same bytes come out whatever the number of threads. Memory is bounded by the size of a chunk and the number of
//! threads, whatever the stream holds. A bad record is rejected with its line and field, and the batch goes on; it
//! stops only where the stream itself is broken or nothing can be written.

pub(crate) mod chunk;
mod table;
#[cfg(test)]
mod tests;

use crate::engine::{Engine, Session};
use crate::input;
use crate::record::{RecordError, RecordErrorKind};
use crate::summary::Summary;
use chunk::{Chunk, Lines, Source};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::time::Instant;

/// How records are written in the stream. Both may be compressed with gzip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A JSON object on each line.
    #[default]
    Ndjson,
    /// A table with a header and a row for each line of a receipt.
    Csv,
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
    decisions: impl Write,
    rejections: impl Write,
    options: &BatchOptions,
    progress: impl FnMut(Progress),
) -> Result<Summary, BatchError> {
    let schema = engine.schema();
    let limit = schema.options().limits.record;
    let chunk = options.chunk.max(1);
    let sink =
        Sink { decisions, rejections, progress, state: Progress::default(), summary: Summary::default() };
    let stream = match input::open(input) {
        Ok(stream) => stream,
        Err(error) => return sink.end(Err(BatchErrorCause::Input(error))),
    };
    match options.format {
        Format::Ndjson => drive(engine, Lines::new(stream, chunk, limit), sink, options),
        Format::Csv => drive(engine, table::Table::new(schema, stream, chunk, limit), sink, options),
    }
}

/// A line of a stream of records.
pub(crate) enum Line<'l> {
    /// One that may be a record.
    Record(&'l [u8]),
    /// One that is longer than a record may be.
    TooLong,
}

/// Gives every line of a stream that is not blank, as a batch takes them.
///
/// # Errors
/// Where the stream is broken.
pub(crate) fn each_line(
    stream: impl Read + Send,
    limit: usize,
    on: &mut dyn FnMut(Line<'_>),
) -> io::Result<()> {
    let mut lines = Lines::new(input::open(stream)?, BatchOptions::default().chunk, limit);
    while let Some(chunk) = lines.next()? {
        if chunk.too_long {
            on(Line::TooLong);
            continue;
        }
        for line in chunk.text.split(|byte| *byte == b'\n') {
            if !line.iter().all(u8::is_ascii_whitespace) {
                on(Line::Record(line));
            }
        }
    }
    Ok(())
}

/// Takes a record's line and its JSON, or what is wrong with how it is written.
pub(crate) type OnRecord<'o> = dyn FnMut(u64, Result<&[u8], &RecordError>) + 'o;

/// Gives every record of a stream, as a batch takes them: its line and its JSON, or what is wrong with how it is written.
///
/// # Errors
/// Where the stream is broken.
pub(crate) fn each_record(
    schema: &crate::record::Schema,
    stream: impl Read + Send,
    format: Format,
    on: &mut OnRecord<'_>,
) -> io::Result<()> {
    let (limit, target) = (schema.options().limits.record, BatchOptions::default().chunk);
    let stream = input::open(stream)?;
    match format {
        Format::Ndjson => each_of(Lines::new(stream, target, limit), limit, on),
        Format::Csv => each_of(table::Table::new(schema, stream, target, limit), limit, on),
    }
}

fn each_of(mut source: impl Source, limit: usize, on: &mut OnRecord<'_>) -> io::Result<()> {
    while let Some(chunk) = source.next()? {
        if chunk.too_long {
            let message = format!("the record is longer than the limit of {limit} bytes");
            on(chunk.line, Err(&RecordError::new(RecordErrorKind::RecordTooLong, 0, message)));
            continue;
        }
        for (position, text) in chunk.text.split(|byte| *byte == b'\n').enumerate() {
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match chunk.origins.as_ref().and_then(|origins| origins.get(position)) {
                Some(origin) => match &origin.fault {
                    Some(fault) => on(origin.line, Err(fault)),
                    None => on(origin.line, Ok(text)),
                },
                None => on(chunk.line + position as u64, Ok(text)),
            }
        }
    }
    Ok(())
}

/// Where results go, in order.
struct Sink<D, R, P> {
    decisions: D,
    rejections: R,
    progress: P,
    state: Progress,
    summary: Summary,
}

impl<D: Write, R: Write, P: FnMut(Progress)> Sink<D, R, P> {
    fn take(&mut self, done: &Done) -> io::Result<()> {
        self.decisions.write_all(&done.decisions)?;
        self.rejections.write_all(&done.rejections)?;
        self.summary.merge(&done.summary);
        self.state.records = self.summary.records();
        self.state.rejected = self.summary.rejected;
        self.state.bytes = done.consumed;
        (self.progress)(self.state);
        Ok(())
    }

    fn end(mut self, result: Result<(), BatchErrorCause>) -> Result<Summary, BatchError> {
        let flushed = self.decisions.flush().and_then(|()| self.rejections.flush());
        let result = result.and_then(|()| flushed.map_err(BatchErrorCause::Output));
        match result {
            Ok(()) => Ok(self.summary),
            Err(cause) => Err(BatchError { cause, done: Box::new(self.summary) }),
        }
    }
}

/// What came of a chunk.
#[derive(Default)]
struct Done {
    decisions: Vec<u8>,
    rejections: Vec<u8>,
    summary: Summary,
    consumed: u64,
}

fn drive<S: Source, D: Write, R: Write, P: FnMut(Progress)>(
    engine: &Engine,
    mut source: S,
    mut sink: Sink<D, R, P>,
    options: &BatchOptions,
) -> Result<Summary, BatchError> {
    // What was decided before may change what is decided next.
    if options.threads > 1 && !engine.is_stateful() {
        let result = drive_threads(engine, source, &mut sink, options);
        return sink.end(result);
    }
    let mut session = engine.session();
    let mut done = Done::default();
    let result = loop {
        match source.next() {
            Ok(Some(chunk)) => {
                done.clear();
                process(&mut session, &chunk, options.measure, &mut done);
                if let Err(error) = sink.take(&done) {
                    break Err(BatchErrorCause::Output(error));
                }
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

fn drive_threads<S: Source, D: Write, R: Write, P: FnMut(Progress)>(
    engine: &Engine,
    source: S,
    sink: &mut Sink<D, R, P>,
    options: &BatchOptions,
) -> Result<(), BatchErrorCause> {
    let threads = options.threads.min(256);
    // Chunks that are begun and not written: bounds what waits for a slow one.
    let window = threads as u64 * 2 + 2;
    let queue = Mutex::new(Queue { source, next: 0, ended: false });
    let written = Mutex::new(Written { chunks: 0, stop: false });
    let changed = Condvar::new();
    let (sender, receiver) = mpsc::channel::<Message>();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, written, changed, sender) = (&queue, &written, &changed, sender.clone());
            let mut session = engine.session();
            scope.spawn(move || {
                while let Some((number, chunk)) = take(queue, written, changed, window) {
                    let outcome = chunk.map_err(BatchErrorCause::Input).and_then(|chunk| {
                        catch_unwind(AssertUnwindSafe(|| {
                            let mut done = Done::default();
                            process(&mut session, &chunk, options.measure, &mut done);
                            done
                        }))
                        .map_err(|_| BatchErrorCause::Internal)
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
                result = outcome.and_then(|done| sink.take(&done).map_err(BatchErrorCause::Output));
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

/// The next chunk and its number; waits while too many are begun. Nothing at the end.
fn take<S: Source>(
    queue: &Mutex<Queue<S>>,
    written: &Mutex<Written>,
    changed: &Condvar,
    window: u64,
) -> Option<(u64, io::Result<Chunk>)> {
    let mut queue = lock(queue);
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
    fn clear(&mut self) {
        self.decisions.clear();
        self.rejections.clear();
        self.summary = Summary::default();
    }

    fn reject(&mut self, error: &RecordError, record: &[u8]) {
        self.summary.reject(error.name());
        let rejection = Rejection { error, record: String::from_utf8_lossy(record) };
        // Plain data into memory: nothing can fail, and the line end keeps the next one apart.
        let _ = serde_json::to_writer(&mut self.rejections, &rejection);
        self.rejections.push(b'\n');
    }
}

/// Decides the records of a chunk.
fn process(session: &mut Session, chunk: &Chunk, measure: bool, done: &mut Done) {
    done.consumed = chunk.consumed;
    if chunk.too_long {
        let limit = session.engine().schema().options().limits.record;
        let message = format!("the record is longer than the limit of {limit} bytes");
        let mut error = RecordError::new(RecordErrorKind::RecordTooLong, 0, message);
        (error.line, error.offset) = (chunk.line, chunk.offset);
        done.reject(&error, &chunk.text);
        return;
    }
    let mut start = 0;
    for (number, line) in chunk.text.split(|byte| *byte == b'\n').enumerate() {
        let place = (chunk.line + number as u64, chunk.offset + start as u64);
        let origin = chunk.origins.as_ref().and_then(|origins| origins.get(number));
        start += line.len() + 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if let Some(fault) = origin.and_then(|origin| origin.fault.as_ref()) {
            let mut error = fault.clone();
            if let (Some(origin), 0) = (origin, error.offset) {
                (error.line, error.offset) = (origin.line, origin.offset);
            }
            error.id = error.id.or_else(|| id_of(line));
            done.reject(&error, line);
            continue;
        }
        if let Err(mut error) = decide(session, line, measure, done) {
            match origin {
                Some(origin) => {
                    let row = row_of(&error.field).and_then(|row| origin.rows.get(row));
                    (error.line, error.offset) = row.copied().unwrap_or((origin.line, origin.offset));
                }
                None => {
                    error.line = place.0;
                    error.offset += place.1;
                }
            }
            done.reject(&error, line);
        }
    }
}

fn decide(
    session: &mut Session,
    line: &[u8],
    measure: bool,
    done: &mut Done,
) -> Result<(), Box<RecordError>> {
    if !measure {
        session.read(line)?;
        let (event, decision) = session.evaluate();
        done.summary.add(event, decision);
        session.write(&mut done.decisions);
        return Ok(());
    }
    let started = Instant::now();
    let read = session.read(line).map(|_| ());
    let was_read = Instant::now();
    done.summary.times.read += was_read - started;
    read?;
    let (event, decision) = session.evaluate();
    let evaluated = Instant::now();
    done.summary.times.evaluate += evaluated - was_read;
    done.summary.add(event, decision);
    let summed = Instant::now();
    session.write(&mut done.decisions);
    done.summary.times.write += summed.elapsed();
    Ok(())
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
