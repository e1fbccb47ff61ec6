//! A programme whose choices the bytes make runs alike on the interpreter, on native code and after simplification. Like
//! bytes make like programmes, so that what the fuzzer keeps is worth changing; each is compiled once and run on many records.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perq_tests::agree::of_bytes;

fuzz_target!(|bytes: &[u8]| of_bytes(bytes, 16));
