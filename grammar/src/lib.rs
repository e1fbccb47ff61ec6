//! Text in, tree out: tokens, items, the pest grammar, the tree, the formatter.
//!
//! Knows text and refuses to know meaning: no types, no units, no schemas. Parsing never fails: it returns a tree
//! and a list of diagnostics.
#![forbid(unsafe_code)]

pub mod ast;
mod characters;
pub mod diagnostic;
pub mod errors;
mod format;
pub mod lex;
mod mistakes;
pub mod parse;
mod report;
pub mod source;
mod split;
mod tree;

pub use format::{LINE_WIDTH, format};
pub use mistakes::MAX_DIGITS;
pub use parse::{Parsed, parse};
pub use report::MAX_DIAGNOSTICS;

/// How deep brackets, braces and prefix operators may nest.
pub const MAX_DEPTH: usize = 128;

/// How deep expressions may nest in the tree, which prefixes and operators deepen too. What walks the tree may recurse.
pub const MAX_TREE_DEPTH: usize = 2 * MAX_DEPTH;
