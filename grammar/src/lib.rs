//! Text in, tree out: tokens, items, the pest grammar, the tree, the formatter.
//!
//! Knows text and refuses to know meaning: no types, no units, no schemas. Parsing never fails: it returns a tree
//! and a list of diagnostics.
#![forbid(unsafe_code)]

pub mod ast;
pub mod diagnostic;

/// How deep brackets, braces and prefix operators may nest.
pub const MAX_DEPTH: usize = 128;
