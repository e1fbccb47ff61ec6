//! Records: from JSON and tables to the slots that evaluation reads.
//!
//! Refuses to know rules. Money, counts and points are read from their text as whole numbers, never through floats.

#[cfg(feature = "columnar")]
pub(crate) mod columns;
pub(crate) mod error;
mod event;
mod fill;
pub(crate) mod json;
mod reader;
#[cfg(feature = "columnar")]
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod sheet;
pub(crate) mod value;

pub use error::{RecordError, RecordErrorKind};
pub use event::{Event, EventBuilder, FieldValue, Line, Member, Payment};
pub use reader::{ReadEvent, Reader};
pub use schema::{ReadOptions, RecordLimits, Schema, UnknownFields};

#[cfg(test)]
mod tests;
