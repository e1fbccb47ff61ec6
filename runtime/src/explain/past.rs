//! What happened before the event that is explained: earlier records, decided one after another in the same session.
//!
//! What had not happened yet is left out, and so is the event itself, so that a file of everything can be the history of
//! each of its records. Refuses to know what of it matters.

use crate::batch::chunk::{Lines, Source};
use crate::engine::Session;
use crate::input;
use crate::record::{ReadEvent, RecordError, RecordErrorKind};
use crate::state;
use std::io::{self, Read};

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 18;

/// What became of the records of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Decided before the event.
    pub replayed: u64,
    /// Left out because they are later than the event.
    pub later: u64,
    /// Left out because they have the event's id.
    pub same: u64,
    /// Left out because they cannot be read.
    pub refused: u64,
}

/// Decides the records of a stream, one JSON object a line, plain or gzip, as far as they happened before an event.
/// `refused` is told of what cannot be read. An event that cannot be read has nothing before it; whoever explains it is
/// told why.
///
/// # Errors
/// Where the stream is broken.
pub fn replay(
    session: &mut Session,
    event: &[u8],
    history: impl Read + Send,
    mut refused: impl FnMut(&RecordError),
) -> io::Result<Past> {
    let mut past = Past::default();
    let Ok(own) = session.read(event) else { return Ok(past) };
    let (id, at) = (own.id().to_owned(), state::now(&own.record).at);
    let is_own = |event: &ReadEvent| event.id() == id;
    let is_later = |event: &ReadEvent| state::now(&event.record).at > at;
    let limit = session.engine().schema().options().limits.record;
    let mut lines = Lines::new(input::open(history)?, CHUNK, limit);
    while let Some(chunk) = lines.next()? {
        let mut refuse = |mut error: Box<RecordError>, line: u64| {
            error.line = line;
            refused(&error);
        };
        if chunk.too_long {
            let message = format!("the record is longer than the limit of {limit} bytes");
            refuse(RecordError::new(RecordErrorKind::RecordTooLong, 0, message), chunk.line);
            past.refused += 1;
            continue;
        }
        for (line, number) in chunk.text.split(|byte| *byte == b'\n').zip(chunk.line..) {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match session.read(line) {
                Err(error) => {
                    refuse(error, number);
                    past.refused += 1;
                }
                Ok(event) if is_own(event) => past.same += 1,
                Ok(event) if is_later(event) => past.later += 1,
                Ok(_) => {
                    session.evaluate();
                    past.replayed += 1;
                }
            }
        }
    }
    Ok(past)
}
