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
mod hints;
pub mod lex;
mod mistakes;
pub mod parse;
mod report;
pub mod source;
mod split;
mod tree;

pub use format::{LINE_WIDTH, format};
pub use mistakes::MAX_DIGITS;
pub use parse::{Parsed, parse, significant};
pub use report::MAX_DIAGNOSTICS;

/// How deep brackets and braces may nest.
///
/// Reading this many levels takes up to 1.2 MiB of stack without optimisation (aggregates over picks with conditions;
/// parentheses take half of that) and 0.6 MiB with it, so it is made for threads of 2 MiB.
pub const MAX_DEPTH: usize = 128;

/// How many tokens one declaration may have, without blanks and comments and without the rules in a group's braces.
///
/// Reading one takes up to 500 bytes for each, which are given back before the next declaration is read.
pub const MAX_TOKENS: usize = 500_000;

/// How many tokens one file may have, without blanks and comments: what the tree of a file takes grows with them.
pub const MAX_FILE_TOKENS: usize = 2_500_000;

/// How deep expressions may nest in the tree, which prefixes (`not not …`, `- - …`), `of` and the other operators
/// deepen too: one level of brackets is one to some seven levels of tree. What walks the tree may recurse.
pub const MAX_TREE_DEPTH: usize = 2 * MAX_DEPTH;
