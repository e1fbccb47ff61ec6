//! Any text is checked to an end; what has no errors compiles to a program that verifies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perq_compiler::pipeline::{Input, NoFiles, compile};

fuzz_target!(|text: &str| {
    let input = Input { path: "fuzz.rule".to_owned(), text: text.to_owned() };
    let compilation = compile(&[input], &NoFiles);
    assert!(
        compilation.diagnostics.iter().all(|diagnostic| diagnostic.name != "compiler-mistake"),
        "{:?}",
        compilation.diagnostics
    );
});
