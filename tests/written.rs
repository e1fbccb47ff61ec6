//! Random programmes as an author could write them: they check clean, lower to what verifies, and run alike on every
//! engine and before and after simplification.

use perq_compiler::ir::FunctionId;
use perq_compiler::pipeline::{Input, NoFiles, analyse, lower_only};
use perq_tests::agree::{Engines, Report};
use perq_tests::generate::Random;
use perq_tests::rules::{self, ordinary};

/// Programmes of one run.
const PROGRAMMES: u64 = 60;
/// Records for each.
const RECORDS: usize = 20;

#[test]
fn written_programmes_run_alike_on_every_engine() {
    let mut report = Report::default();
    for seed in 0..PROGRAMMES {
        let text = rules::programme(seed);
        let input = Input { path: format!("random-{seed}.rule"), text: text.clone() };
        let compilation = analyse(&[input], &NoFiles);
        let said: Vec<_> =
            compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
        assert!(!compilation.has_errors(), "seed {seed}: {said:#?}\n{text}");
        let Some(program) = lower_only(&compilation) else { continue };
        let count = u32::try_from(program.functions.len()).unwrap_or(0);
        let mut engines =
            Engines::new(program.clone()).unwrap_or_else(|why| panic!("seed {seed}: {why}\n{text}"));
        let mut random = Random::new(seed);
        for _ in 0..RECORDS {
            let record = ordinary(&mut random, &program);
            for function in 0..count {
                if let Err(why) = engines.run(FunctionId(function), &record, &mut report) {
                    panic!("seed {seed}, function {function}: {why}\n{text}");
                }
            }
        }
    }
    assert!(report.proposals > report.pairs / 10, "{} proposals of {} pairs", report.proposals, report.pairs);
    assert!(report.finished * 10 > report.pairs * 8, "{} of {} finish", report.finished, report.pairs);
}
