//! Rules as prose: what a checked programme says, as sentences in English, Russian and Italian.
//!
//! Reads the tree and what the checker made of it, never the text. Refuses to know files, clocks, terminals and engines; how
//! sentences are laid out on a page is for who asks.
#![forbid(unsafe_code)]

mod clauses;
mod contacts;
mod declarations;
mod effects;
mod expressions;
mod numbers;
mod phrase;
mod terms;
mod timetable;
mod words;
mod writer;

pub use phrase::{Language, Phrase, Piece};
pub use terms::{Chapter, Terms};
pub use timetable::{Clock, Row, Stretch, Timetable, day};
pub use writer::{Block, Book, Entry, Kind, Reader, Section};
