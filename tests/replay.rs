//! Replays receipts of the workload with 1 000 rules, records in and decisions out, and says what eighty million come to:
//! `cargo run --release -p perq-tests --bin replay -- [RECEIPTS] [lines|arrow] [THREADS]`.
//!
//! The workload's 100 000 receipts come over and over: as one stream of JSON lines, or as a table of Arrow each round. Before
//! the clock starts, what perq decides on them is held against the index by hand, and both against the checksum that the
//! workload states. Every decision after that has to be, byte for byte, one of those, and the sums as many times theirs.

use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::batch::{self, BatchOptions, Decisions, Format, Input};
use perq_runtime::columnar::TableFormat;
use perq_runtime::decision::{Decision, DecisionTable};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::summary::Summary;
use perq_tests::bulk::Shared;
use perq_tests::workload::index::Index;
use perq_tests::workload::{Outcome, STATED, columns, data, packs, perq, text};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// Receipts of a round: all of the workload.
const ROUND: usize = 100_000;
/// Receipts of the longest history that anybody tells of.
const HISTORY: f64 = 80e6;

/// Bytes that come so many times.
struct Over<'b> {
    bytes: &'b [u8],
    at: usize,
    rounds: usize,
}

impl Read for Over<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() && self.rounds > 1 {
            (self.at, self.rounds) = (0, self.rounds - 1);
        }
        let count = (&self.bytes[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

/// Takes what is `expected` over and over, and nothing else.
struct Expected<'b> {
    bytes: &'b [u8],
    at: usize,
    rounds: usize,
}

impl Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() {
            (self.at, self.rounds) = (0, self.rounds + 1);
        }
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(bytes.len());
        if rest[..count] != bytes[..count] {
            return Err(io::Error::other("a decision is another than before"));
        }
        self.at += count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What perq decided, as the workload notes it, from its JSON lines.
fn outcome(lines: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let decision: Decision = serde_json::from_slice(line).expect("a decision");
        let rules = decision.effects.iter().map(|effect| text::rule_number(&effect.rule).expect("a rule"));
        let start = outcome.fired.len();
        outcome.fired.extend(rules);
        outcome.fired[start..].sort_unstable();
        let sum = |account: &str| {
            let amount = decision.totals.awards.get(account);
            amount.map_or(0, |amount| perq_runtime::decimal::parse(amount, 2).expect("an amount"))
        };
        outcome.close(sum("bonus"), sum("rebate"));
    }
    outcome
}

fn by_hand(rules: &[packs::Rule], data: &data::Data) -> Outcome {
    let (mut index, mut out) = (Index::new(rules), Outcome::default());
    (0..data.receipts.len()).for_each(|receipt| index.decide(data, receipt, &mut out));
    out
}

fn lines_of(data: &data::Data) -> Vec<u8> {
    let mut json = String::new();
    for (number, receipt) in data.receipts.iter().enumerate() {
        text::record(data, number, receipt, &mut json);
        json.push('\n');
    }
    json.into_bytes()
}

/// Decides JSON lines into JSON lines.
fn lines(engine: &Engine, input: impl Read + Send, out: impl Write, threads: usize) -> Summary {
    let options = BatchOptions { threads, ..BatchOptions::default() };
    batch::run(engine, input, out, io::sink(), &options, |_| ()).expect("the receipts are decided")
}

/// Decides a table of Arrow into another, and gives that one.
fn arrow(engine: &Engine, table: &[u8], threads: usize) -> (Summary, Vec<u8>) {
    let options = BatchOptions { format: Format::Arrow, threads, ..BatchOptions::default() };
    let (input, place) = (Input::Stream(Box::new(table)), Shared::default());
    let mut out = DecisionTable::new(engine, TableFormat::Arrow, Box::new(place.clone())).expect("a table");
    let decisions = Decisions::Table(&mut out);
    let summary = batch::run_into(engine, input, decisions, &mut io::sink(), &options, &mut |_| ());
    out.finish().expect("the table is written");
    (summary.expect("the receipts are decided"), place.bytes())
}

/// How long this process has worked, all of its threads together; as exact as the system tells it, in hundredths of a second.
fn worked() -> Duration {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = told.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = |at: usize| fields.split(' ').nth(at).and_then(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(10 * (ticks(11).unwrap_or(0) + ticks(12).unwrap_or(0)))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let receipts: usize =
        arguments.next().map_or(1_000_000, |number| number.parse().expect("a number of receipts"));
    let in_columns = match arguments.next().as_deref() {
        None | Some("lines") => false,
        Some("arrow") => true,
        Some(other) => panic!("`{other}` is neither `lines` nor `arrow`"),
    };
    let threads = arguments.next().map_or(2, |number| number.parse().expect("a number of threads"));
    let data = data::receipts(ROUND.min(receipts));
    let rules = packs::equal_matches(1_000);
    let expected = by_hand(&rules, &data);
    if data.receipts.len() == ROUND {
        let (_, stated) = STATED.iter().find(|(name, _)| *name == "E1000").expect("it is stated");
        assert_eq!(expected.checksum(), *stated, "the index by hand does not say what the workload states");
    }
    let compilation = compile(&text::programme(&rules), &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    let engine = perq::engine(&program, &perq::catalogue(), EngineKind::Native);
    let json = lines_of(&data);
    let mut decided = Vec::new();
    lines(&engine, json.as_slice(), &mut decided, 1);
    assert!(outcome(&decided) == expected, "perq decides something else than the index by hand");
    let rounds = receipts.div_ceil(ROUND).max(1);
    let (wall, work, summary);
    if in_columns {
        let table = columns::stream(&data);
        let (_, decided) = arrow(&engine, &table, 1);
        (wall, work) = (Instant::now(), worked());
        let mut all = Summary::default();
        for _ in 0..rounds {
            let (of_round, again) = arrow(&engine, &table, threads);
            assert!(again == decided, "a decision is another than before");
            all.merge(&of_round);
        }
        summary = all;
    } else {
        let input = Over { bytes: &json, at: 0, rounds };
        let mut out = Expected { bytes: &decided, at: 0, rounds: 1 };
        (wall, work) = (Instant::now(), worked());
        summary = lines(&engine, input, &mut out, threads);
        assert_eq!((out.rounds, out.at), (rounds, decided.len()), "some decisions are not there");
    }
    let (wall, work) = (wall.elapsed(), worked().saturating_sub(work));
    let times = |of: usize| (of * rounds) as u64;
    assert_eq!((summary.total.events, summary.rejected), (times(data.receipts.len()), 0));
    let sum = |of: &[i64]| of.iter().map(|amount| i128::from(*amount)).sum::<i128>() * rounds as i128;
    assert_eq!(summary.total.awards, [sum(&expected.points), sum(&expected.discount)]);
    let effects: u64 = summary.rules.iter().map(|given| given.effects).sum();
    assert_eq!(effects, times(expected.fired.len()));
    let events = summary.total.events as f64;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / events;
    println!(
        "{} receipts in {:.1} s on {threads} threads: {:.2} µs each, {:.2} µs of processor time; every decision as stated",
        summary.total.events,
        wall.as_secs_f64(),
        each(wall),
        each(work)
    );
    println!(
        "80 million: {:.0} s at this speed, {:.0} s of processor time; {:.1} s of it are given where two cores and 3 minutes are",
        each(wall) * HISTORY / 1e6,
        each(work) * HISTORY / 1e6,
        360.0
    );
}
