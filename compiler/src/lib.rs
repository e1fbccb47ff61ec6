//! Trees in, verified IR out; and what that IR means.
//!
//! Knows meaning and refuses to know machines: no I/O, no clock, no environment, no floats, no unsafe code.
#![forbid(unsafe_code)]

pub mod check;
pub mod evaluate;
pub mod ir;
pub mod typed;
