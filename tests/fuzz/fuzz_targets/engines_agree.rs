//! A programme from any seed runs alike on the interpreter, on native code and after simplification.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perq_tests::agree::{Report, one};

fuzz_target!(|seed: u64| {
    let mut report = Report::default();
    one(seed, 4, &mut report);
    assert!(report.mismatches.is_empty(), "{:?}", report.mismatches);
});
