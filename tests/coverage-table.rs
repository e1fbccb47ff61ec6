//! Prints which mechanics the examples carry out, and writes docs/coverage.md anew.

use perq_tests::{coverage, root};
use std::process::ExitCode;

fn main() -> ExitCode {
    match coverage::measure() {
        Ok(coverage) => {
            let page = coverage::page(&coverage);
            print!("{page}");
            for wrong in &coverage.wrong {
                eprintln!("does not hold: {wrong}");
            }
            if let Err(error) = std::fs::write(root().join("docs/coverage.md"), page) {
                eprintln!("docs/coverage.md cannot be written: {error}");
                return ExitCode::FAILURE;
            }
            if coverage.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
