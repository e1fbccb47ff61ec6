//! What the suites share: generators of programmes and records, plain renderings, the repository's files.

pub mod agree;
pub mod bulk;
pub mod clock;
pub mod coverage;
pub mod crash;
pub mod generate;
pub mod histories;
pub mod ledgers;
pub mod many;
pub mod pages;
pub mod proofs;
pub mod repository;
pub mod rules;
pub mod say;
pub mod schema;
pub mod workload;

pub use repository::{read, root, scratch, tracked};
