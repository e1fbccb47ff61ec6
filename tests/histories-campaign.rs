//! Random histories against a ledger on paper:
//! `cargo run --release -p perq-tests --bin histories -- sqlite 100000 [SEED] [FOLDER]` or `… postgres 10000`. The folder is
//! where files lie; one in memory is faster, and shows the same.

use perq_tests::histories::campaign;
use perq_tests::ledgers::Backend;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let backend = match arguments.first().map(String::as_str) {
        Some("sqlite") => Backend::Sqlite,
        Some("postgres") => Backend::Postgres,
        Some(_) | None => {
            eprintln!("histories sqlite|postgres MANY [SEED] [FOLDER]");
            return ExitCode::FAILURE;
        }
    };
    let number = |at: usize, otherwise: u64| {
        arguments.get(at).and_then(|number| number.parse().ok()).unwrap_or(otherwise)
    };
    let (many, seed) = (number(1, 1_000), number(2, 1));
    let started = Instant::now();
    let mut count = 0;
    let place = || {
        count += 1;
        match (backend, arguments.get(3)) {
            (Backend::Sqlite, Some(folder)) => {
                format!("{folder}/histories-{}-{count}.ledger", std::process::id())
            }
            (Backend::Sqlite, None) | (Backend::Postgres, _) => backend.place(),
        }
    };
    let told = |done: u64| {
        if done.is_multiple_of(5_000) {
            println!("{done} after {:.0} s", started.elapsed().as_secs_f64());
        }
    };
    let events = campaign(place, many, seed, told);
    println!(
        "{backend:?}: {many} histories from seed {seed}, {events} events, no difference, every audit clean; {:.0} s",
        started.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
