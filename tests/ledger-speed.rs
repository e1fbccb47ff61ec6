//! How many decisions a second a ledger keeps, and how long one takes, with so many members and writers:
//! `cargo run --release -p perq-tests --bin ledger-speed -- sqlite|postgres MEMBERS SECONDS WRITERS…`.
//!
//! Each number of writers runs twice: first each writer sends its next event once it has its answer, as fast as that goes;
//! then events are due at half of the rate that was reached, whoever waits, and their time counts from when they were due.
//! `WRITERS@RATE` runs the second kind alone, at so many events a second, and ends after twice its time where that is too much.
//!
//! Behind each run stands where the time of its events went, in microseconds each; what is not there waited for its turn.
//!
//! Members are made as rows, each with a lot of 1 000 points; half of the events give points to a random member, half take
//! some. Every answer is durable when it comes. The file lies in the target folder: give it a disk of its own.

use perq_ledger::stages::Stages;
use perq_ledger::{Ledger, Spent, Store, open};
use perq_runtime::engine::{Engine, EngineKind};
use perq_tests::ledgers::{Backend, engine};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const RULES: &str = r#"language 1
program speed { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 redeemable worth 1 points = 1 EUR expire 365 days after award }
event gift { amount: points }
event spend { amount: points }
group gifts { kind earn displace none on gift when member known }
rule given in group gifts {
  limit 5_000 points per member within this month else cut
  then award event.amount
}
group spends { kind earn displace none on spend when member known }
rule taken in group spends { then debit event.amount from bonus }
"#;

/// What writers are to do.
#[derive(Clone, Copy)]
struct Load {
    writers: u64,
    /// Events due a second; as many as there can be where nothing is said.
    rate: Option<f64>,
}

impl Load {
    fn read(text: &str) -> Option<Load> {
        let (writers, rate) = match text.split_once('@') {
            Some((writers, rate)) => (writers, Some(rate.parse().ok().filter(|rate| *rate > 0.0)?)),
            None => (text, None),
        };
        Some(Load { writers: writers.parse().ok().filter(|writers| *writers > 0)?, rate })
    }
}

fn fill(store: &mut dyn Store, backend: Backend, members: u64) {
    let numbers = match backend {
        Backend::Sqlite => format!(
            "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {members}) SELECT i FROM n)"
        ),
        Backend::Postgres => format!("(SELECT i FROM generate_series(1, {members}) AS i)"),
    };
    for sql in [
        format!("INSERT INTO member (name, seq, head) SELECT 'm' || i, 1, 'made' FROM {numbers} AS made"),
        format!(
            "INSERT INTO lot (member, account, event, part, issued, start, until, granted, spent, expired, reversed, \
             remaining, by_event, by_raised, worth) \
             SELECT 'm' || i, 'bonus', -i, 1, 0, 0, NULL, 1000, 0, 0, 0, 1000, 0, 0, 1000 FROM {numbers} AS made"
        ),
    ] {
        store.query(&sql, &[]).expect("rows of members");
    }
    if backend == Backend::Postgres {
        store.query("ANALYZE", &[]).expect("statistics");
    }
}

/// Seconds for which this process was on a processor so far, in hundredths; a server's are its own.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn measure(ledger: &Ledger, members: u64, load: Load, time: Duration, run: u64) -> (f64, Vec<Duration>) {
    let count = AtomicU64::new(0);
    let all: Mutex<Vec<Duration>> = Mutex::new(Vec::new());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..load.writers {
            let (count, all) = (&count, &all);
            scope.spawn(move || {
                let mut state = writer.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(run);
                let mut dice = |most: u64| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 33) % most
                };
                let mut own = Vec::new();
                for number in 0u64.. {
                    // Writers take turns, so that events are due one by one.
                    let due = load.rate.map_or_else(Instant::now, |rate| {
                        started + Duration::from_secs_f64((number * load.writers + writer) as f64 / rate)
                    });
                    if due.duration_since(started) >= time || started.elapsed() >= time * 2 {
                        break;
                    }
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let kind = if dice(2) == 0 { "gift" } else { "spend" };
                    let (member, day, amount) = (1 + dice(members), 1 + dice(28), 1 + dice(20));
                    let text = format!(
                        r#"{{"id":"e{run}-{writer}-{number}","kind":"{kind}","at":"2026-03-{day:02}T10:00:00","member":"m{member}","amount":"{amount}"}}"#
                    );
                    ledger.decide(text.as_bytes()).expect("an answer");
                    own.push(due.elapsed());
                    count.fetch_add(1, Ordering::Relaxed);
                }
                all.lock().expect("no writer has failed").extend(own);
            });
        }
    });
    let rate = count.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    let mut all = all.into_inner().expect("no writer has failed");
    all.sort_unstable();
    (rate, all)
}

/// Where the time of the events between two moments went.
fn tell_stages(before: &Spent, after: &Spent) {
    let events = (after.events - before.events).max(1) as f64;
    let text = |before: &Stages, after: &Stages| {
        let earlier =
            |stage: &str| before.all().iter().find(|(known, _)| *known == stage).map(|(_, time)| *time);
        let each = after.all().iter().map(|(stage, time)| {
            let time = time.saturating_sub(earlier(stage).unwrap_or_default());
            format!("{stage} {:.1}", time.as_secs_f64() * 1e6 / events)
        });
        each.collect::<Vec<_>>().join(", ")
    };
    let groups = (after.groups - before.groups).max(1) as f64;
    println!("      {:.1} in a group; {}", events / groups, text(&before.stages, &after.stages));
    println!("      of writing: {}", text(&before.writing, &after.writing));
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (backend, numbers) = match arguments.split_first() {
        Some((name, rest)) if name == "sqlite" => (Backend::Sqlite, rest),
        Some((name, rest)) if name == "postgres" => (Backend::Postgres, rest),
        Some(_) | None => {
            eprintln!("ledger-speed sqlite|postgres MEMBERS SECONDS WRITERS[@RATE]…");
            return ExitCode::FAILURE;
        }
    };
    let [members, seconds, loads @ ..] = numbers else { return ExitCode::FAILURE };
    let (Ok(members), Ok(seconds)) = (members.parse::<u64>(), seconds.parse::<u64>()) else {
        return ExitCode::FAILURE;
    };
    let (members, time) = (members.max(1), Duration::from_secs(seconds));
    let place = backend.place();
    // With native code, as hosts run it.
    let pack = engine(RULES).pack().clone();
    let engine: Engine = Engine::builder(pack).kind(EngineKind::Native).build().expect("native code");
    let mut store = open(&place, true).expect("a place");
    let begun = Instant::now();
    fill(&mut *store, backend, members);
    println!("{backend:?}, {members} members (made in {:.0} s)", begun.elapsed().as_secs_f64());
    let ledger = Ledger::new(&engine, store, "").expect("a ledger");
    let mut runs = 0u64..;
    let mut tell = |load: Load| {
        let before = (processor(), ledger.spent());
        let (rate, all) = measure(&ledger, members, load, time, runs.next().unwrap_or_default());
        let at = |thousandths: usize| {
            all.get(all.len() * thousandths / 1000).copied().unwrap_or_default().as_secs_f64() * 1e3
        };
        let due = load.rate.map_or_else(String::new, |rate| format!(", {rate:.0} due a second"));
        println!(
            "  {:>3} writers{due}: {rate:>7.0} decisions a second; {:.2} ms half of them, {:.2} ms 99 of 100, {:.2} ms 999 \
             of 1000; {:.0} us of a processor each",
            load.writers,
            at(500),
            at(990),
            at(999),
            (processor() - before.0) * 1e6 / (all.len().max(1) as f64)
        );
        tell_stages(&before.1, &ledger.spent());
        rate
    };
    for text in loads {
        let Some(load) = Load::read(text) else { return ExitCode::FAILURE };
        let rate = tell(load);
        if load.rate.is_none() {
            tell(Load { rate: Some(rate / 2.0), ..load });
        }
    }
    ExitCode::SUCCESS
}
