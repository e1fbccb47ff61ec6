//! Test support.

pub mod agree;
pub mod generate;
