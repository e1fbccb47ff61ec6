//! What it costs to compile rules and to decide a year of receipts, beside the same programme written by hand in Rust.
//!
//! `cargo bench -p perq-tests --bench core` prints both tables. All figures of a table come from one run, each the best
//! of several turns, so read them as ratios.

#[path = "online_retail_by_hand.rs"]
mod by_hand;

use flate2::read::GzDecoder;
use perq_compiler::pipeline::{Files, Input, NoFiles, analyse, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_runtime::record::{ReadEvent, Reader};
use perq_tests::many;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() {
    compile_times();
    year();
}

/// These packs come from this very run.
fn policy() -> Policy {
    Policy::unsigned_allowed()
}

/// The best of several turns.
fn best<T>(turns: u32, mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut least = Duration::MAX;
    let mut last = None;
    for _ in 0..turns {
        let start = Instant::now();
        let result = std::hint::black_box(run());
        least = least.min(start.elapsed());
        last = Some(result);
    }
    match last {
        Some(last) => (least, last),
        None => (least, run()),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn compile_times() {
    println!("compiling (milliseconds)\n");
    println!(
        "{:>8} {:>14} {:>14} {:>12} {:>12} {:>14}",
        "rules", "parse + check", "to pack", "read pack", "native", "pack bytes"
    );
    for rules in [10, 1_000, 10_000] {
        let turns = if rules > 1_000 { 3 } else { 5 };
        let inputs = many::programme(rules);
        let (checked, _) = best(turns, || analyse(&inputs, &NoFiles));
        let (packed, bytes) = best(turns, || {
            let compilation = compile(&inputs, &NoFiles);
            let program =
                compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
            Pack::write(&program, &WriteOptions::default())
        });
        let (read, pack) = best(turns, || Pack::read(&bytes, &policy()));
        let pack = pack.expect("the pack is read");
        let (native, _) = best(turns, || {
            Engine::builder(pack.clone())
                .kind(EngineKind::Native)
                .compile_threads(2)
                .build()
                .expect("an engine")
        });
        println!(
            "{rules:>8} {:>14.2} {:>14.2} {:>12.2} {:>12.2} {:>14}",
            milliseconds(checked),
            milliseconds(packed),
            milliseconds(read),
            milliseconds(native),
            bytes.len()
        );
    }
    println!();
}

struct OnDisk;

impl Files for OnDisk {
    fn import(&self, _from: &str, path: &str) -> Result<Input, String> {
        Err(format!("`{path}` is not needed"))
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules-examples/online-retail")
}

fn year() {
    let folder = example();
    let text =
        |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
    let mut inputs: Vec<Input> = Vec::new();
    for name in ["discounts.rule", "points.rule", "programme.rule", "records.rule"] {
        inputs.push(Input { path: name.to_owned(), text: text(name) });
    }
    let compilation = compile(&inputs, &OnDisk);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics));
    let bytes = Pack::write(&program, &WriteOptions::default());
    let pack = Pack::read(&bytes, &policy()).expect("the pack is read");
    let catalogue = Catalogue::builder()
        .products_csv(text("data/products.csv").as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text("data/categories.csv").as_bytes()))
        .and_then(|catalogue| catalogue.members_csv(text("data/members.csv").as_bytes()))
        .expect("the catalogue is read")
        .build();
    let mut ndjson = String::new();
    let file = fs::File::open(folder.join("data/transactions.ndjson.gz")).expect("the year");
    GzDecoder::new(file).read_to_string(&mut ndjson).expect("the year unpacks");
    let events: Vec<&str> = ndjson.lines().collect();

    let hand = by_hand::load(
        ndjson.as_bytes(),
        &text("data/products.csv"),
        &text("data/categories.csv"),
        &text("data/members.csv"),
    )
    .expect("the year by hand");
    let (by_hand_time, totals) = best(5, || by_hand::run(&hand));
    by_hand::check(&totals, &text("check/expected.json")).expect("the totals by hand");

    let engine =
        |kind| Engine::builder(pack.clone()).catalogue(&catalogue).kind(kind).build().expect("an engine");
    let (native, interpreter) = (engine(EngineKind::Native), engine(EngineKind::Interpreter));
    let mut reader = Reader::new();
    let mut records: Vec<ReadEvent> = Vec::new();
    let mut refused = 0_usize;
    for event in &events {
        let mut record = ReadEvent::default();
        match reader.read(native.schema(), event.as_bytes(), &mut record) {
            Ok(()) => records.push(record),
            Err(_) => refused += 1,
        }
    }
    let mut decide = |engine: &Engine| {
        let mut session = engine.session();
        best(5, || {
            let mut discount: i128 = 0;
            for record in &mut records {
                discount += i128::from(session.decide_record(record).totals.discount);
            }
            discount
        })
    };
    let (native_time, discount) = decide(&native);
    let (interpreter_time, other) = decide(&interpreter);
    assert_eq!(discount, other, "the engines differ");
    assert_eq!(
        discount,
        i128::from(totals.rules.iter().take(by_hand::DISCOUNTS).map(|(_, amount)| *amount).sum::<i64>())
    );
    let end_to_end = |engine: &Engine| {
        let mut session = engine.session();
        let mut out = Vec::new();
        best(3, || {
            out.clear();
            events.iter().filter(|event| session.decide_line(event.as_bytes(), &mut out).is_err()).count()
        })
        .0
    };
    let (native_whole, interpreter_whole) = (end_to_end(&native), end_to_end(&interpreter));

    println!("the year of online retail: {} events, {refused} refused\n", events.len());
    println!("{:<44} {:>12} {:>12} {:>10}", "", "events/s", "ns/event", "x by hand");
    let count = events.len() as f64;
    for (what, time) in [
        ("by hand in Rust, from packed records", by_hand_time),
        ("perq native, from read records", native_time),
        ("perq interpreter, from read records", interpreter_time),
        ("perq native, NDJSON in and out", native_whole),
        ("perq interpreter, NDJSON in and out", interpreter_whole),
    ] {
        println!(
            "{what:<44} {:>12.0} {:>12.0} {:>10.2}",
            count / time.as_secs_f64(),
            time.as_nanos() as f64 / count,
            time.as_secs_f64() / by_hand_time.as_secs_f64()
        );
    }
}
