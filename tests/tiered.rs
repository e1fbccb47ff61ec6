//! Engines that interpret at once and compile behind: whenever a function changes from one to the other, decisions are the
//! same bytes; nobody who drops such an engine leaves a thread behind; and swapped engines decide whole events only.

use perq_compiler::evaluate::{Code, Proposals};
use perq_compiler::interpret::Interpreter;
use perq_compiler::ir::{FunctionId, verify};
use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::batch::{self, BatchOptions};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind, HotEngine};
use perq_runtime::native::{Native, Options};
use perq_runtime::pack::Pack;
use perq_tests::generate::{self, Random};
use perq_tests::workload::{data, packs, text};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A pack of the workload, and its catalogue.
fn pack(rules: usize) -> (Pack, Catalogue) {
    let compilation = compile(&text::programme(&packs::equal_matches(rules)), &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    let catalogue = Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build();
    (Pack::of(program), catalogue)
}

/// Receipts of a batch.
const RECEIPTS: usize = 400;

fn receipts(count: usize) -> String {
    let data = data::receipts(count);
    let mut json = String::new();
    for (number, receipt) in data.receipts.iter().enumerate() {
        text::record(&data, number, receipt, &mut json);
        json.push('\n');
    }
    json
}

/// Gives some receipts at a time, so that a batch has many chunks.
struct Trickle<'t>(&'t [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(4_096);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn a_batch_says_the_same_whenever_functions_change() {
    let (pack, catalogue) = pack(1_200);
    let json = receipts(RECEIPTS);
    let engine = |kind| {
        let builder = Engine::builder(pack.clone()).catalogue(&catalogue).kind(kind);
        // Nobody compiles but who is told to.
        builder.compile_threads(0).build().expect("an engine")
    };
    let run = |engine: &Engine, threads: usize, after_chunk: &mut dyn FnMut(usize)| {
        let options = BatchOptions { threads, chunk: 4_096, ..BatchOptions::default() };
        let (mut lines, mut chunks) = (Vec::new(), 0);
        batch::run(engine, Trickle(json.as_bytes()), &mut lines, std::io::sink(), &options, |_| {
            chunks += 1;
            after_chunk(chunks);
        })
        .expect("the receipts are decided");
        (lines, chunks)
    };
    let (wanted, _) = run(&engine(EngineKind::Interpreter), 1, &mut |_| ());
    assert_eq!(wanted.iter().filter(|byte| **byte == b'\n').count(), RECEIPTS);
    for (threads, every) in [(1, 1), (1, 7), (2, 3)] {
        let tiered = engine(EngineKind::Tiered);
        let functions = tiered.program().functions.len();
        assert!(tiered.is_native());
        assert_eq!(tiered.native_progress().compiled, 0);
        assert!(!tiered.is_indexed(), "the index was made before the first decision");
        let mut seen = vec![0];
        let (lines, chunks) = run(&tiered, threads, &mut |chunk| {
            if chunk % every == 0 {
                tiered.compile_some();
                seen.push(tiered.native_progress().compiled);
            }
        });
        assert!(lines == wanted, "{threads} threads, a step after {every} chunks: other decisions");
        // A step is of 128 functions, so that these were changed one step after another while receipts were decided.
        assert!(chunks > 5 * every, "{chunks} chunks");
        assert_eq!(seen[..5], [0, 128, 256, 384, 512]);
        assert!(tiered.is_indexed());
        tiered.wait_for_native();
        assert_eq!(tiered.native_progress().compiled, functions);
        assert!(tiered.native_progress().is_done() && !tiered.compile_some());
        assert!(run(&tiered, threads, &mut |_| ()).0 == wanted, "all native: other decisions");
    }
}

#[test]
fn random_functions_say_the_same_before_and_after() {
    let mut changed = 0;
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let program = generate::program(&mut random);
        let Ok(program) = verify(program) else { continue };
        let program = Arc::new(program);
        let interpreter = Interpreter::new(Arc::clone(&program));
        let options = Options { shard: 1, ..Options::default() };
        let native =
            Native::behind(interpreter.clone(), options, 0, || ()).expect("this machine has native code");
        let (mut one, mut other) = (Default::default(), Default::default());
        let count = u32::try_from(program.functions.len()).expect("a few functions");
        // One function more is native in each round, until all are.
        for round in 0..=count {
            for function in (0..count).map(FunctionId) {
                let input = generate::input(&mut random, &program);
                let (mut fuel, mut out) = (input.fuel, Proposals::default());
                let result =
                    interpreter.run(function, input.view(), &input.bindings, &mut fuel, &mut one, &mut out);
                let (mut native_fuel, mut native_out) = (input.fuel, Proposals::default());
                let native_result = native.run(
                    function,
                    input.view(),
                    &input.bindings,
                    &mut native_fuel,
                    &mut other,
                    &mut native_out,
                );
                assert_eq!(native_result, result, "seed {seed}, {function:?} in round {round}");
                assert_eq!(native_fuel, fuel, "seed {seed}, {function:?} in round {round}");
                if result.is_ok() {
                    assert_eq!(native_out, out, "seed {seed}, {function:?} in round {round}");
                }
            }
            changed += usize::from(native.compile_part());
        }
        assert!(native.progress().is_done(), "seed {seed}");
    }
    assert!(changed > 100, "only {changed} functions were compiled");
}

/// Threads of this process that compile, where the system says.
fn compilers() -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "perq-compile").count()
}

#[test]
fn engines_that_are_dropped_leave_no_thread() {
    let (pack, catalogue) = pack(1_000);
    let open = |threads| {
        let builder = Engine::builder(pack.clone()).catalogue(&catalogue).kind(EngineKind::Tiered);
        builder.compile_threads(threads).build().expect("an engine")
    };
    let json = receipts(1);
    for threads in [1, 2, 5] {
        let engine = open(threads);
        let mut session = engine.session();
        drop(engine);
        // The session holds it; it decides while threads compile, and ends them with the last who holds it.
        session.decide_line(json.trim().as_bytes(), &mut Vec::new()).expect("a decision");
        let progress = session.engine().native_progress();
        assert!(progress.compiled < progress.functions, "all was compiled before anybody decided");
        drop(session);
        assert_eq!(compilers(), 0, "{threads} threads were begun");
    }
    // Who waits is not left alone, and what is ready has no threads either.
    let engine = open(2);
    engine.wait_for_native();
    assert!(engine.native_progress().is_done());
    drop(engine);
    assert_eq!(compilers(), 0);
}

#[test]
fn no_event_sees_half_of_two_packs() {
    // Two packs that say the same but for the rate at which both rules give.
    let of = |rate: u64| {
        let text = format!(
            "language 1\nprogram swap {{ currency EUR zone \"Etc/UTC\" rounding half_up }}\n\
             account one {{ unit points decimals 0 round down per basket worth 1 points = 1 EUR }}\n\
             account two {{ unit stars decimals 0 round down per basket worth 1 stars = 1 EUR }}\n\
             group earn {{ kind earn displace none on purchase }}\n\
             rule first in group earn {{ then award {rate}% of basket.paid as points }}\n\
             rule second in group earn {{ then award {rate}% of basket.paid as stars }}\n"
        );
        let file = perq_compiler::pipeline::Input { path: "swap.rule".to_owned(), text };
        let compilation = compile(&[file], &NoFiles);
        let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
        let pack = Pack::of(program);
        Engine::builder(pack).kind(EngineKind::Tiered).build().expect("an engine")
    };
    let json = r#"{"id":"1","kind":"purchase","at":"2026-03-02T10:15:00","lines":[{"sku":"T","qty":1,"price":"100"}]}"#;
    let engines = [of(10), of(20)];
    let wanted = engines.each_ref().map(|engine| {
        let mut line = Vec::new();
        engine.session().decide_line(json.as_bytes(), &mut line).expect("a decision");
        line
    });
    assert_ne!(wanted[0], wanted[1]);
    let hot = HotEngine::new(engines[0].clone());
    let (done, decided) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen: Vec<[usize; 2]> = std::thread::scope(|scope| {
        let deciders: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let (mut session, mut line, mut seen) = (hot.load().session(), Vec::new(), [0; 2]);
                    while !done.load(Ordering::Relaxed) {
                        hot.refresh(&mut session);
                        line.clear();
                        session.decide_line(json.as_bytes(), &mut line).expect("a decision");
                        let which = wanted.iter().position(|wanted| *wanted == line);
                        seen[which.expect("the decision of one of the packs")] += 1;
                        decided.fetch_add(1, Ordering::Relaxed);
                    }
                    seen
                })
            })
            .collect();
        for turn in 0..200 {
            hot.swap(engines[(turn + 1) % 2].clone());
            let before = decided.load(Ordering::Relaxed);
            while decided.load(Ordering::Relaxed) < before + 3 {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
        deciders.into_iter().map(|decider| decider.join().expect("it decides")).collect()
    });
    let sum = |pack: usize| seen.iter().map(|seen| seen[pack]).sum::<usize>();
    assert!(sum(0) > 0 && sum(1) > 0, "{seen:?}");
}

#[test]
fn a_swapped_engine_is_freed_with_its_last_decision() {
    let (pack, catalogue) = pack(10);
    let open = || Engine::builder(pack.clone()).catalogue(&catalogue).build().expect("an engine");
    let first = open();
    let held = first.watch();
    let hot = HotEngine::new(first);
    let mut session = hot.load().session();
    assert!(held.is_held());
    drop(hot.swap(open()));
    assert!(held.is_held(), "the session still decides with it");
    session.decide_line(receipts(1).trim().as_bytes(), &mut Vec::new()).expect("a decision");
    hot.refresh(&mut session);
    assert!(!held.is_held(), "nobody decides with it any more");
}
