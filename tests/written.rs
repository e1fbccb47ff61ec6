//! Random programmes as an author could write them: they check clean, lower to what verifies, and run alike on every
//! engine and before and after simplification.

use perq_compiler::evaluate::{Bindings, Bits};
use perq_compiler::ir::{FunctionId, MISSING, Program, Slot, SlotType};
use perq_compiler::pipeline::{Input, NoFiles, analyse, lower_only};
use perq_tests::agree::{Engines, Report};
use perq_tests::generate::{self, Random};
use perq_tests::rules;

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

/// A receipt as shops write them, in the programme's layout.
fn ordinary(random: &mut Random, program: &Program) -> generate::Input {
    let layout = &program.layout;
    let mut symbols = Vec::new();
    let lines = random.below(9);
    let payments = random.below(3);
    let mut rows = |slots: &[Slot], count: usize| -> Vec<i64> {
        (0..count)
            .flat_map(|_| slots.iter().map(|slot| value(random, slot, &mut symbols)).collect::<Vec<_>>())
            .collect()
    };
    let event = rows(&layout.event, 1);
    let lines = rows(&layout.line, lines);
    let payments = rows(&layout.payment, payments);
    let references = program.references.iter().map(|_| {
        let mut bits = Bits::default();
        bits.insert(random.below(4));
        bits
    });
    let references = references.collect();
    generate::Input {
        event,
        lines,
        line_width: layout.line.len(),
        payments,
        payment_width: layout.payment.len(),
        tables: Vec::new(),
        symbols,
        params: program
            .params
            .iter()
            .map(|param| param.values.last().map_or(0, |(_, value)| *value))
            .collect(),
        bindings: Bindings { references },
        fuel: 1_000_000,
    }
}

fn value(random: &mut Random, slot: &Slot, symbols: &mut Vec<u32>) -> i64 {
    if slot.optional && random.chance(20) {
        return MISSING;
    }
    match slot.ty {
        SlotType::Bool => random.between(0, 1),
        SlotType::Money { scale } => random.between(0, 4_000) * 10_i64.pow(u32::from(scale) - 2),
        SlotType::Points(_) => random.between(0, 500),
        SlotType::Percent => random.between(0, 250_000),
        SlotType::Count => random.pick(&[1, 1, 1, 2, 3, 6, 0]),
        SlotType::Number { .. } => random.between(0, 100_000),
        SlotType::Date => 20_454 + random.between(0, 364),
        SlotType::Time => random.between(0, 86_399),
        SlotType::Instant => 1_767_222_000 + random.between(0, 31_535_999),
        SlotType::Enum(_) => random.between(0, 2),
        SlotType::Symbol(_) => random.between(0, 5),
        SlotType::Set(_) => {
            let start = i64::try_from(symbols.len()).unwrap_or(0);
            symbols.extend([0, 2]);
            start << 32 | 2
        }
    }
}
