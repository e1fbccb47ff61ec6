//! What the suites share: generators of programmes and records.

pub mod many;
pub mod rules;
