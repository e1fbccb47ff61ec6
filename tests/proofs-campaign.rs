//! Any number of random programmes, proved and attacked:
//! `cargo run --release -p perq-tests --bin proofs -- --packs 10000 [--baskets 200] [--tries 200] [--seed 1] [--threads 2]`.

use perq_tests::proofs::{Report, campaign};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut packs, mut baskets, mut tries, mut seed, mut threads) = (10_000u64, 200u64, 200u64, 1u64, 1u64);
    while let Some(name) = arguments.next() {
        let place = match name.as_str() {
            "--packs" => &mut packs,
            "--baskets" => &mut baskets,
            "--tries" => &mut tries,
            "--seed" => &mut seed,
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
    let tries = usize::try_from(tries).unwrap_or(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let seed = seed.wrapping_mul(7_919).wrapping_add(thread);
                scope.spawn(move || campaign(seed, packs.div_ceil(threads), baskets, tries))
            })
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => report.add(part),
                Err(_) => report.wrong.push("a thread panicked".to_owned()),
            }
        }
    });
    println!("packs      {}", report.packs);
    println!("proved     {}", report.proved);
    println!("broken     {}, each witness decided again", report.broken);
    println!("undecided  {}", report.undecided);
    println!(
        "rules      {} that never have an effect or never stay, {} shown to have one",
        report.dead, report.alive
    );
    println!("pairs      {} that never meet, {} shown to meet", report.apart, report.meet);
    println!(
        "ways       {} that never gain, {} but by rounding, {} shown to gain, {} not decided",
        report.never[0], report.never[1], report.gains, report.open
    );
    println!("baskets    {} against what is proved, {} bought in two ways", report.baskets, report.ways);
    println!("time       {:.1} s", start.elapsed().as_secs_f64());
    println!("wrong      {}", report.wrong.len());
    for wrong in report.wrong.iter().take(5) {
        println!("\n{wrong}");
    }
    if report.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
