//! What the suites share: generators of programmes and records.

pub mod agree;
pub mod generate;
pub mod many;
pub mod rules;
