//! Instructions that deciding a receipt takes, counted by valgrind: a number that does not depend on what else a machine
//! does. It is of the unoptimised build that tests run, so it says nothing of speed; it is there so that work which somebody
//! adds to the hot path is seen. `docs/performance.md` has the times.

use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::pack::{Pack, WriteOptions};
use perq_tests::workload::{packs, text};
use std::process::Command;

/// Rules, and thousands of instructions that a receipt takes with them.
const STORED: [(usize, u64); 2] = [(10, 62), (300, 127)];
/// Parts of a hundred by which a count may differ: compilers and libraries of machines are not all alike.
const TOLERANCE: u64 = 10;
/// Receipts of a turn.
const RECEIPTS: u64 = 50;

/// All instructions of a run of so many turns.
fn counted(pack: &std::path::Path, turns: u64) -> u64 {
    let output = Command::new(perq_tests::root().join(".ci/valgrind"))
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env!("CARGO_BIN_EXE_hot-path"))
        .arg(pack)
        .arg(turns.to_string())
        .output()
        .expect("valgrind runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let line = words.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    line.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count: {words}"))
}

#[test]
fn a_receipt_takes_no_more_instructions_than_it_did() {
    let mut told = Vec::new();
    for (count, stored) in STORED {
        let compilation = compile(&text::programme(&packs::drawn(count)), &NoFiles);
        let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
        let pack = perq_tests::scratch("instructions").join(format!("{count}.pack"));
        std::fs::write(&pack, Pack::write(&program, &WriteOptions::default())).expect("the pack is written");
        let found = (counted(&pack, 3) - counted(&pack, 1)) / (2 * RECEIPTS) / 1000;
        if found.abs_diff(stored) * 100 > stored * TOLERANCE {
            told.push(format!("with {count} rules {found} thousand instead of {stored}"));
        }
    }
    assert!(told.is_empty(), "a receipt takes other counts of instructions: {}", told.join("; "));
}
