//! What deciding a receipt costs, beside two programs by hand that say the same: a loop over the rules, and an index.
//!
//! `cargo bench -p perq-tests --bench workload` makes the packs of the workload ([`perq_tests::workload`]) as rule files,
//! checks that all three say the same of every receipt, and that it is what the workload's definition states, and prints
//! how long each takes. The three take turns, and each figure is the best of its turns, so read them as ratios. What is
//! counted is the time that the thread has worked, where the system tells it: by the clock on the wall, whatever takes
//! longer than a busy system lets a thread run at a stretch seems to take many times as long. Then it prints how the cost
//! grows with lines, with pieces, with lists of references, with members and with products.
//!
//! Behind each of these stands its slope: the power of the size with which the cost grows from the first row to the last,
//! 0 where it does not, 1 where twice as much costs twice as much.
//!
//! Names of packs as arguments (`-- E10 E100`) leave the others and the growth out; `-- growth` leaves the packs out.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_runtime::record::{ReadEvent, Reader};
use perq_tests::clock::worked;
use perq_tests::workload::index::Index;
use perq_tests::workload::naive::Naive;
use perq_tests::workload::perq::{self, Decider, catalogue};
use perq_tests::workload::{Data, Outcome, Rule, STATED, data, packs, text};
use std::time::{Duration, Instant};

/// Receipts that are timed.
const TIMED: usize = 5_000;
/// Receipts that are timed at a stretch.
const CHUNK: usize = 500;
/// Stretches that what is slower does.
const FEW: usize = 4;
/// Turns that each takes.
const TURNS: usize = 12;

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
    let mut rules = Slope::default();
    for (name, stated) in STATED {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            let (count, perq) = measure(&all, name, stated);
            rules.note(count, perq);
        }
    }
    rules.tell("rules");
    if asked.is_empty() || asked.iter().any(|asked| asked == "growth") {
        lines(&all);
        pieces();
        references();
        members();
        products();
    }
}

/// Costs by size.
#[derive(Default)]
struct Slope(Vec<(usize, f64)>);

impl Slope {
    fn note(&mut self, size: usize, cost: f64) {
        self.0.push((size, cost));
    }

    /// The power of the size with which the cost grows from the first to the last; nothing where there are not two.
    fn tell(&self, of: &str) {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return };
        if last.0 > first.0 {
            let power = (last.1 / first.1).ln() / (last.0 as f64 / first.0 as f64).ln();
            println!("slope with {of}, {} to {}: {power:.2}", first.0, last.0);
        }
    }
}

/// An engine of rule files.
fn engine(files: &[Input], catalogue: &Catalogue) -> Engine {
    let compilation = compile(files, &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    perq::engine(&program, catalogue, EngineKind::Native)
}

fn event(engine: &Engine, json: &str) -> ReadEvent {
    let mut event = ReadEvent::default();
    Reader::new().read(engine.schema(), json.as_bytes(), &mut event).unwrap_or_else(|why| panic!("{why}"));
    event
}

/// The best of several turns, each of so many repetitions; nanoseconds of one.
fn quickest(repetitions: usize, mut run: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..TURNS {
        let start = worked();
        (0..repetitions).for_each(|_| run());
        best = best.min(worked().saturating_sub(start));
    }
    best.as_nanos() as f64 / repetitions as f64
}

/// Long receipts, on 1 000 rules.
fn lines(all: &Data) {
    let rules = packs::equal_matches(1_000);
    let engine = engine(&text::programme(&rules), &catalogue());
    println!(
        "\n{:<28} {:>12} {:>10} {:>12} {:>12}",
        "lines, on 1 000 rules", "perq ns", "a line", "index ns", "loop ns"
    );
    let mut slope = Slope::default();
    for count in [1, 10, 100, 1_000, 10_000] {
        let data = all.of_length(count);
        let mut json = String::new();
        text::record(&data, 0, &data.receipts[0], &mut json);
        let mut event = event(&engine, &json);
        let mut perq = Decider::new(&engine);
        let (mut index, mut naive) = (Index::new(&rules), Naive::new(&rules));
        let mut outcomes = [Outcome::default(), Outcome::default(), Outcome::default()];
        perq.decide(&mut event, &mut outcomes[0]);
        index.decide(&data, 0, &mut outcomes[1]);
        naive.decide(&data, 0, &mut outcomes[2]);
        assert!(outcomes[0] == outcomes[1] && outcomes[0] == outcomes[2], "{count} lines: {outcomes:?}");
        let mut out = Outcome::default();
        let repetitions = (20_000 / count).max(3);
        let by_perq = quickest(repetitions, || {
            out.clear();
            perq.decide(&mut event, &mut out);
        });
        let by_index = quickest(repetitions, || {
            out.clear();
            index.decide(&data, 0, &mut out);
        });
        let by_loop = quickest(repetitions.div_ceil(100), || {
            out.clear();
            naive.decide(&data, 0, &mut out);
        });
        println!(
            "{count:<28} {by_perq:>12.0} {:>10.1} {by_index:>12.0} {by_loop:>12.0}",
            by_perq / count as f64
        );
        slope.note(count, by_perq);
    }
    slope.tell("lines");
}

const FRAME: &str = "language 1\n\
    program growth { currency EUR zone \"Etc/UTC\" rounding half_up }\n\
    account bonus { unit points decimals 0 round down per rule worth 1 points = 1 EUR }\n";

/// Lines of many pieces: every third is free, and each piece earns a point.
fn pieces() {
    let text = format!(
        "{FRAME}group sets {{ kind set_discount displace best for member per unit on_price running on purchase }}\n\
         group earn {{ kind earn displace none on purchase }}\n\
         rule a_third in group sets {{ then discount 100% on cheapest 1 in every 3 of units }}\n\
         rule a_point in group earn {{ then award 1 points * count(units) }}\n"
    );
    let engine = engine(&[Input { path: "pieces.rule".to_owned(), text }], &Catalogue::builder().build());
    println!("\n{:<28} {:>12} {:>12}", "pieces of one line", "perq ns", "free");
    let mut slope = Slope::default();
    for count in [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        let json = format!(
            "{{\"id\":\"p\",\"kind\":\"sale\",\"at\":\"2025-03-01T10:00:00\",\
             \"lines\":[{{\"sku\":\"A\",\"pieces\":{count},\"price\":\"0.02\"}}]}}"
        );
        let mut event = event(&engine, &json);
        let mut session = engine.session();
        let decision = session.decide_record(&mut event);
        let free = decision.totals.discount / 2;
        assert_eq!(free, count / 3, "every third piece is free");
        assert_eq!(decision.totals.awards.first().map(|(_, points)| *points), Some(count), "a point a piece");
        let time = quickest(2_000, || {
            session.decide_record(&mut event);
        });
        println!("{count:<28} {time:>12.0} {free:>12}");
        slope.note(count as usize, time);
    }
    slope.tell("pieces");
}

/// A rule on a list of articles, of which one line of ten is on it, however long it is.
fn references() {
    let text = format!(
        "{FRAME}group earn {{ kind earn displace none on purchase }}\n\
         rule listed in group earn {{ then award 10% of sum(line.paid for lines where line in list \"L\") as points }}\n"
    );
    let files = [Input { path: "references.rule".to_owned(), text }];
    let lines: Vec<String> = (0..10)
        .map(|line| {
            format!("{{\"sku\":\"A{}\",\"pieces\":1,\"price\":\"100\"}}", if line == 0 { 0 } else { -line })
        })
        .collect();
    let json = format!(
        "{{\"id\":\"p\",\"kind\":\"sale\",\"at\":\"2025-03-01T10:00:00\",\"lines\":[{}]}}",
        lines.join(",")
    );
    println!("\n{:<28} {:>12}", "articles on a list", "perq ns");
    let mut slope = Slope::default();
    for count in [10, 1_000, 100_000, 1_000_000] {
        let listed = (0..count).fold(String::from("list,sku\n"), |csv, sku| csv + &format!("L,A{sku}\n"));
        let catalogue = Catalogue::builder().lists_csv(listed.as_bytes()).expect("the list is read").build();
        let engine = engine(&files, &catalogue);
        let mut event = event(&engine, &json);
        let mut session = engine.session();
        let decision = session.decide_record(&mut event);
        assert_eq!(decision.totals.awards.first().map(|(_, points)| *points), Some(10), "10 % of one line");
        let time = quickest(2_000, || {
            session.decide_record(&mut event);
        });
        println!("{count:<28} {time:>12.0}");
        slope.note(count, time);
    }
    slope.tell("articles on a list");
}

/// Sizes of tables.
const SIZES: [usize; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
/// Events of different members or products, so that they do not stay in the caches nearest by.
const EVENTS: usize = 2_000;

/// What reading and deciding an event costs on an engine, once all decisions have given what they should.
fn read_and_decided(engine: &Engine, events: &[String], points: i64) -> (f64, f64) {
    let (mut reader, mut session) = (Reader::new(), engine.session());
    let mut read: Vec<ReadEvent> = events.iter().map(|json| event(engine, json)).collect();
    for event in &mut read {
        let awards = &session.decide_record(event).totals.awards;
        assert_eq!(awards.first().map(|(_, points)| *points), Some(points));
    }
    let mut scratch = ReadEvent::default();
    let reading = quickest(1, || {
        for json in events {
            reader.read(engine.schema(), json.as_bytes(), &mut scratch).unwrap_or_else(|why| panic!("{why}"));
        }
    });
    let deciding = quickest(1, || {
        for event in &mut read {
            session.decide_record(event);
        }
    });
    (reading / events.len() as f64, deciding / events.len() as f64)
}

/// Which rows of a table of so many the events are of: spread over all of it.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    (0..EVENTS).map(move |number| number.wrapping_mul(7_919) % count)
}

/// A table of members of whom the catalogue knows the tier, and a rule that asks it.
fn members() {
    let text = format!(
        "{FRAME}enum Tier ordered {{ basic, gold }}\nextend member {{ tier: Tier }}\n\
         group earn {{ kind earn displace none on purchase when member known }}\n\
         rule golden in group earn {{ when member.tier = gold then award 10% of basket.initial as points }}\n"
    );
    let files = [Input { path: "members.rule".to_owned(), text }];
    println!("\n{:<28} {:>12} {:>12}", "members of the catalogue", "read ns", "perq ns");
    let (mut reading, mut deciding) = (Slope::default(), Slope::default());
    for count in SIZES {
        let csv =
            (0..count).fold(String::from("member,tier\n"), |csv, member| csv + &format!("m{member},gold\n"));
        let catalogue = Catalogue::builder().members_csv(csv.as_bytes()).expect("members are read").build();
        let engine = engine(&files, &catalogue);
        let json = |member: usize| {
            format!(
                "{{\"id\":\"p\",\"kind\":\"sale\",\"at\":\"2025-03-01T10:00:00\",\"member\":{{\"id\":\"m{member}\"}},\
                 \"lines\":[{{\"sku\":\"A\",\"pieces\":1,\"price\":\"100\"}}]}}"
            )
        };
        let events: Vec<String> = spread(count).map(json).collect();
        let (read, decided) = read_and_decided(&engine, &events, 10);
        println!("{count:<28} {read:>12.0} {decided:>12.0}");
        reading.note(count, read);
        deciding.note(count, decided);
    }
    reading.tell("members, reading");
    deciding.tell("members, deciding");
}

/// A table of products of which the catalogue knows the category, and a rule that asks it of each line.
fn products() {
    let text = format!(
        "{FRAME}group earn {{ kind earn displace none on purchase }}\n\
         rule tea in group earn {{ then award 10% of sum(line.paid for lines where line in category \"Tea\") as points }}\n"
    );
    let files = [Input { path: "products.rule".to_owned(), text }];
    println!("\n{:<28} {:>12} {:>12}", "products of the catalogue", "read ns", "perq ns");
    let (mut reading, mut deciding) = (Slope::default(), Slope::default());
    for count in SIZES {
        let csv = (0..count).fold(String::from("sku,category\n"), |csv, sku| csv + &format!("A{sku},Tea\n"));
        let catalogue = Catalogue::builder().products_csv(csv.as_bytes()).expect("products are read").build();
        let engine = engine(&files, &catalogue);
        let json = |sku: usize| {
            format!(
                "{{\"id\":\"p\",\"kind\":\"sale\",\"at\":\"2025-03-01T10:00:00\",\
                 \"lines\":[{{\"sku\":\"A{sku}\",\"pieces\":1,\"price\":\"100\"}}]}}"
            )
        };
        let events: Vec<String> = spread(count).map(json).collect();
        let (read, decided) = read_and_decided(&engine, &events, 10);
        println!("{count:<28} {read:>12.0} {decided:>12.0}");
        reading.note(count, read);
        deciding.note(count, decided);
    }
    reading.tell("products, reading");
    deciding.tell("products, deciding");
}

/// What deciding some receipts takes.
fn timed(out: &mut Outcome, mut run: impl FnMut(&mut Outcome)) -> Duration {
    out.clear();
    let start = worked();
    run(out);
    worked().saturating_sub(start)
}

/// Measures a pack; how many rules it has, and nanoseconds of a receipt.
fn measure(all: &Data, name: &str, stated: u64) -> (usize, f64) {
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

    // In short stretches, so that some turn of each is not interrupted, however busy the machine is.
    let mut out = Outcome::default();
    let mut sums = [0.0; 4];
    for (stretch, events) in events.chunks_mut(CHUNK).enumerate() {
        let receipts = stretch * CHUNK..(stretch + 1) * CHUNK;
        let mut best = [Duration::MAX; 4];
        for _ in 0..TURNS {
            best[0] = best[0]
                .min(timed(&mut out, |out| events.iter_mut().for_each(|event| perq.decide(event, out))));
            best[1] = best[1].min(timed(&mut out, |out| {
                receipts.clone().for_each(|receipt| index.decide(all, receipt, out));
            }));
            if stretch < FEW {
                best[2] = best[2].min(timed(&mut out, |out| {
                    receipts.clone().for_each(|receipt| naive.decide(all, receipt, out));
                }));
            }
            if stretch < FEW {
                best[3] = best[3].min(timed(&mut out, |out| {
                    events.iter_mut().for_each(|event| interpreter.decide(event, out))
                }));
            }
        }
        for (sum, best) in sums.iter_mut().zip(best).filter(|(_, best)| *best < Duration::MAX) {
            *sum += best.as_nanos() as f64;
        }
    }
    let each = |sum: f64, stretches: usize| sum / (stretches.min(TIMED / CHUNK) * CHUNK) as f64;
    let (perq, index) = (each(sums[0], usize::MAX), each(sums[1], usize::MAX));
    let (naive, interpreter) = (each(sums[2], FEW), each(sums[3], FEW));
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
    (count, perq)
}
