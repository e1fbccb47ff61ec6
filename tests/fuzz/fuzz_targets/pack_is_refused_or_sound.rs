//! Any bytes are refused as a pack, or are a pack that writes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perq_runtime::pack::{Pack, Policy};

fuzz_target!(|bytes: &[u8]| {
    match Pack::read(bytes, &Policy::unsigned_allowed()) {
        Ok(pack) => assert_ne!(pack.hash(), [0; 32]),
        Err(error) => assert!(!error.name().is_empty() && !error.to_string().is_empty()),
    }
});
