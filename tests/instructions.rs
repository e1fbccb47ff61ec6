//! Instructions that deciding a receipt takes, counted by valgrind: a number that does not depend on what else a machine
//! does. It is of the unoptimised build that tests run, so it says nothing of speed; it is there so that work which somebody
//! adds to the hot path is seen. `docs/performance.md` has the times.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::pack::{Pack, WriteOptions};
use perq_tests::workload::{packs, text};
use std::process::Command;

/// Rules, lines of the one receipt (of many receipts of some ten lines where none are stated), and thousands of
/// instructions that a receipt takes with them.
const STORED: [(usize, Option<u64>, u64); 5] =
    [(10, None, 34), (100, None, 68), (300, None, 94), (300, Some(1_000), 3_816), (1_000, None, 178)];
/// Thousands of instructions that a receipt of some ten lines takes with [`PRICES`].
const PRICED: u64 = 462;
/// Rules that take from lines, exclude each other, share an amount and award to lines.
const PRICES: &str = include_str!("instructions/prices.rule");
/// Parts of a hundred by which a count may differ: compilers and libraries of machines are not all alike.
const TOLERANCE: u64 = 10;
/// Receipts of a turn.
const RECEIPTS: u64 = 50;

/// What valgrind counts in a run of so many turns: the first number behind this word.
fn counted(tool: &[&str], word: &str, pack: &std::path::Path, turns: u64, lines: Option<u64>) -> u64 {
    let output = Command::new(perq_tests::root().join(".ci/valgrind"))
        .args(tool)
        .arg(env!("CARGO_BIN_EXE_hot-path"))
        .arg(pack)
        .arg(turns.to_string())
        .args(lines.map(|lines| lines.to_string()))
        .output()
        .expect("valgrind runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let behind = words.lines().find_map(|line| line.split_once(word)).map(|(_, behind)| behind.trim());
    let number = behind.and_then(|behind| behind.split(' ').next()).map(|number| number.replace(',', ""));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no count: {words}"))
}

/// All instructions of a run of so many turns.
fn instructions(pack: &std::path::Path, turns: u64, lines: Option<u64>) -> u64 {
    counted(&["--tool=callgrind", "--callgrind-out-file=/dev/null"], "Collected :", pack, turns, lines)
}

/// Thousands of instructions that a receipt takes.
fn thousands(pack: &std::path::Path, lines: Option<u64>) -> u64 {
    let receipts = if lines.is_some() { 1 } else { RECEIPTS };
    let two_turns = instructions(pack, 3, lines) - instructions(pack, 1, lines);
    two_turns / (2 * receipts) / 1000
}

/// All allocations of a run of so many turns.
fn allocations(pack: &std::path::Path, turns: u64, lines: Option<u64>) -> u64 {
    counted(&["--leak-check=no"], "total heap usage:", pack, turns, lines)
}

/// A pack of these rules, in a file of a folder of this name: each test has its own, for they run at once.
fn pack(folder: &str, name: &str, rules: &[Input]) -> std::path::PathBuf {
    let compilation = compile(rules, &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics));
    let pack = perq_tests::scratch(folder).join(format!("{name}.pack"));
    std::fs::write(&pack, Pack::write(&program, &WriteOptions::default())).expect("the pack is written");
    pack
}

/// A pack of so many rules of the workload.
fn pack_of(folder: &str, count: usize) -> std::path::PathBuf {
    pack(folder, &count.to_string(), &text::programme(&packs::drawn(count)))
}

fn prices(folder: &str) -> std::path::PathBuf {
    pack(folder, "prices", &[Input { path: "prices.rule".to_owned(), text: PRICES.to_owned() }])
}

#[test]
fn a_receipt_takes_no_more_instructions_than_it_did() {
    let mut told = Vec::new();
    for (count, lines, stored) in STORED {
        let found = thousands(&pack_of("instructions", count), lines);
        if found.abs_diff(stored) * 100 > stored * TOLERANCE {
            let of = lines.map_or("".to_owned(), |lines| format!(" and {lines} lines"));
            told.push(format!("with {count} rules{of} {found} thousand instead of {stored}"));
        }
    }
    let found = thousands(&prices("instructions"), None);
    if found.abs_diff(PRICED) * 100 > PRICED * TOLERANCE {
        told.push(format!("with prices {found} thousand instead of {PRICED}"));
    }
    assert!(told.is_empty(), "a receipt takes other counts of instructions: {}", told.join("; "));
}

/// Once the buffers have grown, however many rules there are: 100 receipts more allocate nothing more.
#[test]
fn a_decision_allocates_nothing() {
    for (count, lines, _) in STORED {
        let pack = pack_of("allocations", count);
        let (some, more) = (allocations(&pack, 2, lines), allocations(&pack, 4, lines));
        assert_eq!(some, more, "{count} rules, {lines:?} lines");
    }
    // Some buffers take turns, so that the last of them has grown later.
    let pack = prices("allocations");
    assert_eq!(allocations(&pack, 8, None), allocations(&pack, 12, None), "prices");
}
