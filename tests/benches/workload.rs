//! What deciding a receipt costs, beside two programs by hand that say the same: a loop over the rules, and an index.
//!
//! `cargo bench -p perq-tests --bench workload` makes the packs of the workload ([`perq_tests::workload`]) as rule files,
//! checks that all three say the same of every receipt, and that it is what the workload's definition states, and prints
//! how long each takes. The three take turns, and each figure is the best of its turns, so read them as ratios.
//! Names of packs as arguments (`-- E10 E100`) leave the others out.

use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind, Session};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_runtime::record::{ReadEvent, Reader};
use perq_tests::workload::index::Index;
use perq_tests::workload::naive::Naive;
use perq_tests::workload::{Data, Outcome, Rule, STATED, data, packs, text};
use std::time::{Duration, Instant};

/// Receipts that are timed.
const TIMED: usize = 5_000;
/// Turns that each takes.
const TURNS: usize = 15;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let all = data::receipts(data::RECEIPTS);
    println!(
        "{:<8} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>10} {:>10} {:>9}",
        "pack",
        "perq ns",
        "index ns",
        "loop ns",
        "x index",
        "x loop",
        "x interp",
        "compile ms",
        "native ms",
        "open ms"
    );
    for (name, stated) in STATED {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            measure(&all, name, stated);
        }
    }
}

fn catalogue() -> Catalogue {
    Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build()
}

/// Decides by rules, and notes it as the workload does.
struct Decider {
    session: Session,
    /// By rule.
    numbers: Vec<u32>,
}

impl Decider {
    fn new(engine: &Engine) -> Decider {
        let number = |name: &str| text::rule_number(name).expect("the name of a rule");
        let numbers = engine.program().rules.iter().map(|rule| number(&rule.name)).collect();
        Decider { session: engine.session(), numbers }
    }

    fn decide(&mut self, event: &mut ReadEvent, out: &mut Outcome) {
        let decision = self.session.decide_record(event);
        assert!(decision.faults.is_empty(), "{:?}", decision.faults);
        let start = out.fired.len();
        out.fired.extend(decision.effects.iter().map(|effect| self.numbers[effect.rule.index()]));
        out.fired[start..].sort_unstable();
        let sum = |account: usize| {
            let awards = decision.totals.awards.iter().find(|(of, _)| of.index() == account);
            awards.map_or(0, |(_, amount)| *amount)
        };
        out.close(sum(0), sum(1));
    }
}

/// What deciding some receipts takes.
fn timed(out: &mut Outcome, mut run: impl FnMut(&mut Outcome)) -> Duration {
    out.clear();
    let start = Instant::now();
    run(out);
    start.elapsed()
}

fn measure(all: &Data, name: &str, stated: u64) {
    let count: usize = name.trim_start_matches('E').parse().expect("the size of a pack");
    let rules: Vec<Rule> = packs::equal_matches(count);
    let start = Instant::now();
    let compilation = compile(&text::programme(&rules), &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    let compiled = start.elapsed();
    let bytes = Pack::write(&program, &WriteOptions::default());
    let catalogue = catalogue();
    let open = |kind| {
        let start = Instant::now();
        let pack = Pack::read(&bytes, &Policy::unsigned_allowed()).expect("the pack is read");
        let engine = Engine::builder(pack).catalogue(&catalogue).kind(kind).build().expect("an engine");
        (engine, start.elapsed())
    };
    let (native, native_time) = open(EngineKind::Native);
    let (interpreted, open_time) = open(EngineKind::Interpreter);
    let (mut perq, mut interpreter) = (Decider::new(&native), Decider::new(&interpreted));
    let (mut index, mut naive) = (Index::new(&rules), Naive::new(&rules));

    // Everything is decided by perq and by the index; by the loop and the interpreter, as much as time allows.
    let (mut by_perq, mut by_index, mut by_naive) =
        (Outcome::default(), Outcome::default(), Outcome::default());
    let mut by_interpreter = Outcome::default();
    let few = (30_000_000 / count.max(300)).min(all.receipts.len());
    let mut reader = Reader::new();
    let mut events: Vec<ReadEvent> = Vec::new();
    let (mut json, mut event) = (String::new(), ReadEvent::default());
    for (number, receipt) in all.receipts.iter().enumerate() {
        json.clear();
        text::record(all, number, receipt, &mut json);
        reader
            .read(native.schema(), json.as_bytes(), &mut event)
            .unwrap_or_else(|why| panic!("{why}: {json}"));
        perq.decide(&mut event, &mut by_perq);
        index.decide(all, number, &mut by_index);
        if number < few {
            naive.decide(all, number, &mut by_naive);
            interpreter.decide(&mut event, &mut by_interpreter);
        }
        if number < TIMED {
            events.push(event.clone());
        }
        let same = by_perq.fired_of(number) == by_index.fired_of(number)
            && (by_perq.points[number], by_perq.discount[number])
                == (by_index.points[number], by_index.discount[number]);
        assert!(
            same,
            "{name}, receipt {number}: perq {:?} {} {}, the index {:?} {} {}\n{json}",
            by_perq.fired_of(number),
            by_perq.points[number],
            by_perq.discount[number],
            by_index.fired_of(number),
            by_index.points[number],
            by_index.discount[number],
        );
    }
    assert_eq!(by_perq.checksum(), stated, "{name}: not what the workload states");
    assert_eq!(by_index.checksum(), stated, "{name}: the index does not say what the workload states");
    assert_eq!(by_naive, by_interpreter, "{name}: the loop and the interpreter differ");
    assert_eq!(by_naive.fired, by_perq.fired[..by_naive.fired.len()], "{name}: the loop and perq differ");

    let short = (3_000_000 / count.max(30)).clamp(30, TIMED);
    let mut best = [Duration::MAX; 4];
    let mut out = Outcome::default();
    for _ in 0..TURNS {
        let turn = [
            timed(&mut out, |out| events.iter_mut().for_each(|event| perq.decide(event, out))),
            timed(&mut out, |out| (0..TIMED).for_each(|receipt| index.decide(all, receipt, out))),
            timed(&mut out, |out| (0..short).for_each(|receipt| naive.decide(all, receipt, out))),
            timed(&mut out, |out| events.iter_mut().for_each(|event| interpreter.decide(event, out))),
        ];
        for (best, time) in best.iter_mut().zip(turn) {
            *best = (*best).min(time);
        }
    }
    let [perq, index, naive, interpreter] = best.map(|time| time.as_nanos() as f64);
    let (timed, short) = (TIMED as f64, short as f64);
    let (perq, index, naive, interpreter) = (perq / timed, index / timed, naive / short, interpreter / timed);
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{name:<8} {perq:>9.0} {index:>9.0} {naive:>9.0} {:>8.2} {:>8.3} {:>8.3} {:>10.1} {:>10.1} {:>9.1}",
        perq / index,
        perq / naive,
        perq / interpreter,
        milliseconds(compiled),
        milliseconds(native_time),
        milliseconds(open_time),
    );
}
