//! How long single decisions take while others are made, and while engines are replaced:
//! `cargo run --release -p perq-tests --bin latency [RULES [DECISIONS]]`.
//!
//! Each thread decides read receipts of the workload with a session of its own and takes the time of each decision. Then
//! the same while another thread puts a new engine in place every so many milliseconds: one that was made before, or one
//! that is opened from its bytes each time, as a host does that takes a new pack. Every decision is one of a whole pack: its
//! points are compared with those that the pack gives when nothing else happens.

use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind, HotEngine};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_runtime::record::{ReadEvent, Reader};
use perq_tests::workload::{data, packs, text};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Receipts that are decided in turn.
const RECEIPTS: usize = 500;

/// Who replaces the engine.
#[derive(Clone, Copy)]
enum Swaps {
    Nobody,
    /// With engines that were made before.
    Made(Duration),
    /// With engines that are opened from bytes, interpreted at first.
    Opened(Duration),
}

struct Case<'c> {
    bytes: &'c [u8],
    catalogue: &'c Catalogue,
    engines: [Engine; 2],
    receipts: Vec<String>,
    /// What the packs award for each receipt.
    points: Vec<i64>,
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let rules = numbers.next().unwrap_or(1_000);
    let decisions = numbers.next().unwrap_or(200_000);
    let compilation = compile(&text::programme(&packs::equal_matches(rules)), &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    let bytes = Pack::write(&program, &WriteOptions::default());
    let catalogue = Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build();
    let engines = [(); 2].map(|()| open(&bytes, &catalogue, EngineKind::Native));
    let data = data::receipts(RECEIPTS);
    let receipts: Vec<String> = (0..RECEIPTS)
        .map(|number| {
            let mut json = String::new();
            text::record(&data, number, &data.receipts[number], &mut json);
            json
        })
        .collect();
    let mut case = Case { bytes: &bytes, catalogue: &catalogue, engines, receipts, points: Vec::new() };
    let (mut session, mut events) = (case.engines[0].session(), case.events());
    case.points = events.iter_mut().map(|event| points(session.decide_record(event))).collect();

    println!("{rules} rules, {decisions} decisions of each row; microseconds of one decision");
    println!("| threads | engines | 50 % | 90 % | 99 % | 99.9 % | longest | a second, all threads | swaps |");
    println!("|---:|---|---:|---:|---:|---:|---:|---:|---:|");
    let often = Duration::from_millis(5);
    let ways = [
        ("one", Swaps::Nobody),
        ("a ready one every 5 ms", Swaps::Made(often)),
        ("one opened every 100 ms", Swaps::Opened(often * 20)),
    ];
    for threads in [1, 2, 8] {
        for (name, swaps) in ways {
            row(&case, threads, decisions, name, swaps);
        }
    }
}

fn open(bytes: &[u8], catalogue: &Catalogue, kind: EngineKind) -> Engine {
    let pack = Pack::read(bytes, &Policy::unsigned_allowed()).expect("the pack is read");
    Engine::builder(pack).catalogue(catalogue).kind(kind).build().expect("an engine")
}

fn points(decision: &perq_compiler::evaluate::Decision) -> i64 {
    decision.totals.awards.iter().map(|(_, amount)| *amount).sum()
}

impl Case<'_> {
    fn events(&self) -> Vec<ReadEvent> {
        let mut reader = Reader::new();
        let read = |json: &String| {
            let mut event = ReadEvent::default();
            reader
                .read(self.engines[0].schema(), json.as_bytes(), &mut event)
                .unwrap_or_else(|why| panic!("{why}"));
            event
        };
        self.receipts.iter().map(read).collect()
    }
}

fn row(case: &Case<'_>, threads: usize, decisions: usize, name: &str, swaps: Swaps) {
    let hot = HotEngine::new(case.engines[0].clone());
    let (done, swapped) = (AtomicBool::new(false), AtomicU64::new(0));
    let started = Instant::now();
    let mut times: Vec<u64> = std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            let (every, made) = match swaps {
                Swaps::Nobody => return,
                Swaps::Made(every) => (every, true),
                Swaps::Opened(every) => (every, false),
            };
            for turn in 1.. {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                let engine = match made {
                    true => case.engines[turn % 2].clone(),
                    false => open(case.bytes, case.catalogue, EngineKind::Tiered),
                };
                drop(hot.swap(engine));
                swapped.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(every);
            }
        });
        let deciders: Vec<_> = (0..threads)
            .map(|thread| {
                let hot = &hot;
                scope.spawn(move || {
                    let (mut session, mut events) = (hot.load().session(), case.events());
                    let mut times = Vec::with_capacity(decisions / threads);
                    for turn in 0..decisions / threads {
                        let at = (turn + thread * 97) % events.len();
                        let begun = Instant::now();
                        // Records were read for an engine whose schema is the same, of the same pack and tables.
                        hot.refresh(&mut session);
                        let points = points(session.decide_record(&mut events[at]));
                        times.push(begun.elapsed().as_nanos() as u64);
                        assert_eq!(points, case.points[at], "receipt {at}");
                    }
                    times
                })
            })
            .collect();
        let times = deciders.into_iter().flat_map(|decider| decider.join().expect("it decides")).collect();
        done.store(true, Ordering::Relaxed);
        swapper.join().expect("it swaps");
        times
    });
    let all = started.elapsed();
    times.sort_unstable();
    let at =
        |thousandths: usize| times[(times.len() * thousandths / 1_000).min(times.len() - 1)] as f64 / 1e3;
    println!(
        "| {threads} | {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {:.0} | {} |",
        at(500),
        at(900),
        at(990),
        at(999),
        at(1_000),
        times.len() as f64 / all.as_secs_f64(),
        swapped.load(Ordering::Relaxed)
    );
}
