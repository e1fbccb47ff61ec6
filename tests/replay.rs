//! Replays receipts of the workload with 1 000 rules, records in and decisions out, and says what eighty million come to:
//! `cargo run --release -p perq-tests --bin replay -- [RECEIPTS] [lines|arrow] [THREADS]`.
//!
//! The workload's 100 000 receipts come over and over: as one stream of JSON lines, or as a table of Arrow each round. Before
//! the clock starts, what perq decides on them is held against the index by hand, and both against the checksum that the
//! workload states. Every decision after that has to be, byte for byte, one of those, and the sums as many times theirs.

use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::batch::{self, BatchOptions, Decisions, Format, Input};
use perq_runtime::columnar::{Column, ColumnKind, TableFormat, TableReader, Value};
use perq_runtime::decimal;
use perq_runtime::decision::{Decision, DecisionTable};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::summary::Summary;
use perq_tests::bulk::Shared;
use perq_tests::workload::index::Index;
use perq_tests::workload::{Outcome, STATED, columns, data, packs, perq, text};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// Takes the same bytes over and over, and nothing else.
struct Expected {
    bytes: Arc<[u8]>,
    at: usize,
    /// Bytes that were taken, for whoever has given this away.
    taken: Arc<AtomicU64>,
}

impl Expected {
    fn new(bytes: &Arc<[u8]>) -> Expected {
        Expected { bytes: Arc::clone(bytes), at: 0, taken: Arc::default() }
    }
}

impl Write for Expected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() {
            self.at = 0;
        }
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(bytes.len());
        if rest[..count] != bytes[..count] {
            return Err(io::Error::other("a decision is another than before"));
        }
        self.at += count;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Notes a decision as the workload does: by its rules, and by what it gives to accounts.
fn note<'d>(
    outcome: &mut Outcome,
    rules: impl Iterator<Item = &'d str>,
    awards: impl Iterator<Item = (&'d str, i64)>,
) {
    let start = outcome.fired.len();
    outcome.fired.extend(rules.map(|rule| text::rule_number(rule).expect("a rule")));
    outcome.fired[start..].sort_unstable();
    let mut given = [0, 0];
    for (account, amount) in awards {
        given[usize::from(account == "rebate")] += amount;
    }
    outcome.close(given[0], given[1]);
}

/// What JSON lines of decisions say.
fn of_lines(lines: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let decision: Decision = serde_json::from_slice(line).expect("a decision");
        let amount = |text: &str| decimal::parse(text, 2).expect("an amount");
        let awards = decision.totals.awards.0.iter();
        let rules = decision.effects.iter().map(|effect| effect.rule.as_str());
        note(&mut outcome, rules, awards.map(|(account, text)| (account.as_str(), amount(text))));
    }
    outcome
}

/// What a table of decisions says.
fn of_table(table: &[u8]) -> Outcome {
    let amount = ColumnKind::Decimal { digits: 38, scale: 2 };
    let awards = vec![Column::new("account", ColumnKind::Text), Column::new("amount", amount)];
    let columns = [
        Column::new("awards", ColumnKind::Rows(awards)),
        Column::new("effects", ColumnKind::Rows(vec![Column::new("rule", ColumnKind::Text)])),
    ];
    let mut table = TableReader::of_memory(TableFormat::Arrow, table.to_vec(), &columns).expect("a table");
    let mut outcome = Outcome::default();
    while let Some(row) = table.next_row().expect("a row") {
        let [Value::Rows(awards), Value::Rows(effects)] = row.as_slice() else { panic!("{row:?}") };
        let rules = effects.iter().map(|effect| match effect.as_slice() {
            [Value::Text(rule)] => rule.as_str(),
            other => panic!("{other:?}"),
        });
        let awards = awards.iter().map(|award| match award.as_slice() {
            [Value::Text(account), Value::Decimal(amount)] => {
                (account.as_str(), i64::try_from(*amount).expect("an amount"))
            }
            other => panic!("{other:?}"),
        });
        note(&mut outcome, rules, awards);
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

/// Decides a table of Arrow into another.
fn arrow(engine: &Engine, table: &[u8], out: impl Write + Send + 'static, threads: usize) -> Summary {
    let options = BatchOptions { format: Format::Arrow, threads, ..BatchOptions::default() };
    let input = Input::Stream(Box::new(table));
    let mut out = DecisionTable::new(engine, TableFormat::Arrow, Box::new(out)).expect("a table");
    let decisions = Decisions::Table(&mut out);
    let summary = batch::run_into(engine, input, decisions, &mut io::sink(), &options, &mut |_| ());
    out.finish().expect("the table is written");
    summary.expect("the receipts are decided")
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
    let rounds = receipts.div_ceil(ROUND).max(1);
    let (wall, work);
    let mut summary = Summary::default();
    let (taken, length) = if in_columns {
        let (table, place) = (columns::stream(&data), Shared::default());
        arrow(&engine, &table, place.clone(), 1);
        let decided: Arc<[u8]> = place.bytes().into();
        assert!(of_table(&decided) == expected, "perq decides something else than the index by hand");
        let taken = Arc::new(AtomicU64::new(0));
        (wall, work) = (Instant::now(), worked());
        for _ in 0..rounds {
            let out = Expected { taken: Arc::clone(&taken), ..Expected::new(&decided) };
            summary.merge(&arrow(&engine, &table, out, threads));
        }
        (taken, decided.len())
    } else {
        let json = lines_of(&data);
        let mut decided = Vec::new();
        lines(&engine, json.as_slice(), &mut decided, 1);
        assert!(of_lines(&decided) == expected, "perq decides something else than the index by hand");
        let decided: Arc<[u8]> = decided.into();
        let (input, out) = (Over { bytes: &json, at: 0, rounds }, Expected::new(&decided));
        let taken = Arc::clone(&out.taken);
        (wall, work) = (Instant::now(), worked());
        summary.merge(&lines(&engine, input, out, threads));
        (taken, decided.len())
    };
    let (wall, work) = (wall.elapsed(), worked().saturating_sub(work));
    assert_eq!(taken.load(Ordering::Relaxed), (length * rounds) as u64, "some decisions are not there");
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
        "80 million: {:.0} s at this speed, {:.0} s of processor time; two cores have 360 s of it in 3 minutes",
        each(wall) * HISTORY / 1e6,
        each(work) * HISTORY / 1e6
    );
}
