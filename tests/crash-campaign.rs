//! Kills writers of a ledger at random moments and audits what is left:
//! `cargo run --release -p perq-tests --bin crash -- sqlite 10000` or `… postgres 1000`.

use perq_tests::crash;
use perq_tests::ledgers::Backend;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let backend = |name: &str| match name {
        "sqlite" => Some(Backend::Sqlite),
        "postgres" => Some(Backend::Postgres),
        _ => None,
    };
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", place, seed] => {
            crash::write(place, seed.parse().unwrap_or(0));
            ExitCode::SUCCESS
        }
        ["answer", place] => {
            crash::answer(place);
            ExitCode::SUCCESS
        }
        [name, kills, rest @ ..] if backend(name).is_some() && kills.parse::<usize>().is_ok() => {
            let seed = rest.first().and_then(|seed| seed.parse().ok()).unwrap_or(1);
            let (Some(backend), Ok(kills)) = (backend(name), kills.parse::<usize>()) else {
                return ExitCode::FAILURE;
            };
            let own = std::env::current_exe().expect("this program");
            let started = Instant::now();
            let done = crash::campaign(&own, backend, kills, 10, seed);
            println!(
                "{} kills, {} crashes of the server: {} events kept, {} of them acknowledged; none lost, none twice, \
                 every audit clean; {:.0} s",
                done.kills,
                done.crashes,
                done.events,
                done.acknowledged,
                started.elapsed().as_secs_f64()
            );
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("crash sqlite|postgres KILLS [SEED]");
            ExitCode::FAILURE
        }
    }
}
