//! Trees in, verified IR out; and what that IR means.
//!
//! Knows meaning and refuses to know machines: no I/O, no clock, no environment, no floats, no unsafe code.
#![forbid(unsafe_code)]

pub mod calendar;
pub mod check;
pub mod codes;
#[cfg(feature = "native")]
pub mod emit;
pub mod evaluate;
pub mod exact;
pub mod interpret;
pub mod ir;
pub mod lint;
pub mod lower;
pub mod mutate;
pub mod pipeline;
pub mod prove;
pub mod sources;
pub mod typed;
