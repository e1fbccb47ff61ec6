//! What happened before the event that is explained: earlier records, decided one after another in the same session.
//!
//! What had not happened yet is left out, and so is the event itself, so that a file of everything can be the history of
//! each of its records. Refuses to know what of it matters.

use crate::batch::{Format, Input, each_record};
use crate::engine::Session;
use crate::record::{ReadEvent, RecordError};
use crate::state;
use std::io;

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

/// Decides the records of an input, as a batch reads them, as far as they happened before an event.
/// `refused` is told of what cannot be read. An event that cannot be read has nothing before it; whoever explains it is
/// told why.
///
/// # Errors
/// Where the input is broken, or is a table whose columns do not fit the program.
pub fn replay(
    session: &mut Session,
    event: &[u8],
    (history, format): (Input<'_>, Format),
    mut refused: impl FnMut(&RecordError),
) -> io::Result<Past> {
    let mut past = Past::default();
    let Ok(own) = session.read(event) else { return Ok(past) };
    let (id, at) = (own.id().to_owned(), state::now(&own.record).at);
    let is_own = |event: &ReadEvent| event.id() == id;
    let is_later = |event: &ReadEvent| state::now(&event.record).at > at;
    let engine = session.engine().clone();
    each_record(engine.schema(), history, format, &mut |record| {
        let read = match &record.json {
            Ok(json) => session.read(json),
            Err(error) => Err(error.clone()),
        };
        match read {
            Err(mut error) => {
                error.line = record.line_of(&error);
                refused(&error);
                past.refused += 1;
            }
            Ok(event) if is_own(event) => past.same += 1,
            Ok(event) if is_later(event) => past.later += 1,
            Ok(_) => {
                session.evaluate();
                past.replayed += 1;
            }
        }
    })?;
    Ok(past)
}
