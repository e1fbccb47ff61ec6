//! What stands around compiled rules while they run: packs, reference tables, records, engines and decisions.
//!
//! Knows state and machines, and refuses to know protocols: no command line, no network, no foreign types here.

#![deny(unsafe_code)]

pub mod batch;
mod beside;
pub mod catalogue;
pub mod clock;
#[cfg(feature = "columnar")]
pub mod columnar;
pub mod contacts;
pub mod cover;
pub mod decimal;
pub mod decision;
pub mod diff;
pub mod engine;
pub mod explain;
pub mod input;
pub mod learning;
#[cfg(feature = "native")]
#[allow(unsafe_code)]
pub mod native;
pub mod nearest;
pub mod pack;
pub mod plan;
pub mod prove;
pub mod record;
pub mod returns;
pub mod state;
pub mod summary;
#[cfg(test)]
mod testing;
pub mod trials;
