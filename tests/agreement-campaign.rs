//! Any number of pairs of program and record, on every engine:
//! `cargo run --release -p perq-tests --bin agreement -- --pairs 1000000 --seed 1 [--records 40] [--threads 2]`.

use perq_tests::agree::{self, Report};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut pairs, mut seed, mut records, mut threads) = (1_000_000u64, 1u64, 40u64, 1u64);
    while let Some(name) = arguments.next() {
        let place = match name.as_str() {
            "--pairs" => &mut pairs,
            "--seed" => &mut seed,
            "--records" => &mut records,
            "--threads" => &mut threads,
            _ => {
                eprintln!("unknown argument {name}");
                return ExitCode::FAILURE;
            }
        };
        match arguments.next().and_then(|value| value.parse().ok()) {
            Some(value) => *place = value,
            None => {
                eprintln!("{name} takes a number");
                return ExitCode::FAILURE;
            }
        }
    }
    let start = Instant::now();
    let mut report = Report::default();
    let threads = threads.max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let seed = seed.wrapping_mul(1_000_003).wrapping_add(thread);
                scope.spawn(move || {
                    agree::campaign(seed, pairs.div_ceil(threads), usize::try_from(records).unwrap_or(1))
                })
            })
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => report.add(part),
                Err(_) => report.mismatches.push("a thread panicked".to_owned()),
            }
        }
    });
    println!("programs    {}", report.programs);
    println!("functions   {} ({} declined by native code)", report.functions, report.declined);
    println!("instructions {} ({} when optimised)", report.insts.0, report.insts.1);
    println!("pairs       {} on four engines", report.pairs);
    println!("finished    {}", report.finished);
    println!("proposals   {}", report.proposals);
    println!("time        {:.1} s", start.elapsed().as_secs_f64());
    println!("generated instructions, by label");
    for (label, count) in &report.labels {
        println!("  {count:>9} {label}");
    }
    println!("faults, by kind and instruction");
    for ((kind, label), count) in &report.faults {
        println!("  {count:>9} {kind} in {label}");
    }
    let missing = report.missing();
    println!("missing     {missing:?}");
    println!("mismatches  {}", report.mismatches.len());
    for words in &report.mismatches {
        println!("{words}");
    }
    if report.mismatches.is_empty() && missing.is_empty() && report.pairs >= pairs {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
