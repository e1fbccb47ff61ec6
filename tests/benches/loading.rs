//! What opening a pack takes: from bytes to the first decision, and until all of its rules run as native code.
//!
//! `cargo bench -p perq-tests --bench loading` makes packs of the workload and prints, for each size and each way to open
//! one, the best of several turns in milliseconds. The interpreter's decision and the last one are compared, so that a
//! quick engine that says something else is no result.

use perq_compiler::evaluate::Plan;
use perq_compiler::interpret::Interpreter;
use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_runtime::record::{ReadOptions, Schema};
use perq_tests::workload::{data, packs, text};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Turns of each way.
const TURNS: usize = 5;

/// The best of several turns, in milliseconds.
fn best<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut least = Duration::MAX;
    for _ in 0..TURNS {
        let start = Instant::now();
        let kept = std::hint::black_box(run());
        least = least.min(start.elapsed());
        drop(kept);
    }
    least.as_secs_f64() * 1e3
}

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![10, 100, 1_000, 10_000] } else { asked };
    println!("milliseconds, the best of {TURNS}");
    println!(
        "{:>7} {:>9} {:>7} {:>7} {:>7} {:>7} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "rules",
        "pack KB",
        "read",
        "bind",
        "index",
        "shapes",
        "engine",
        "1st dec.",
        "tier 1st",
        "tier all",
        "native 1",
        "native 2"
    );
    for size in sizes {
        measure(size);
    }
}

fn measure(size: usize) {
    let compilation = compile(&text::programme(&packs::equal_matches(size)), &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    let bytes = Pack::write(&program, &WriteOptions::default());
    let catalogue = Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build();
    let data = data::receipts(1);
    let mut json = String::new();
    text::record(&data, 0, &data.receipts[0], &mut json);

    let read = || Pack::read(&bytes, &Policy::unsigned_allowed()).expect("the pack is read");
    let pack = read();
    let bind = || Schema::new(pack.program(), &catalogue, ReadOptions::default()).expect("it binds");
    let schema = bind();
    let engine = |pack: Pack, kind, threads| {
        let builder = Engine::builder(pack).catalogue(&catalogue).kind(kind).compile_threads(threads);
        builder.build().expect("an engine")
    };
    let decide = |engine: &Engine| {
        let mut line = Vec::new();
        engine.session().decide_line(json.as_bytes(), &mut line).expect("a decision");
        line
    };
    let wanted = decide(&engine(pack.clone(), EngineKind::Interpreter, 1));
    let check = |engine: Engine| {
        assert_eq!(decide(&engine), wanted, "engines differ");
        engine
    };
    let times = [
        best(read),
        best(bind),
        best(|| Plan::new(pack.program(), schema.bindings())),
        best(|| Interpreter::new(Arc::clone(pack.program()))),
        best(|| engine(pack.clone(), EngineKind::Interpreter, 1)),
        best(|| check(engine(read(), EngineKind::Interpreter, 1))),
        best(|| check(engine(read(), EngineKind::Tiered, 2))),
        best(|| {
            let engine = check(engine(read(), EngineKind::Tiered, 1));
            engine.wait_for_native();
            check(engine)
        }),
        best(|| check(engine(read(), EngineKind::Native, 1))),
        best(|| check(engine(read(), EngineKind::Native, 2))),
    ];
    print!("{size:>7} {:>9}", bytes.len() / 1024);
    for (time, width) in times.into_iter().zip([7, 7, 7, 7, 8, 9, 9, 9, 9, 9]) {
        print!(" {time:>width$.1}");
    }
    println!();
}
