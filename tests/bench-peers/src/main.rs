//! perq beside other rule engines, on the same rules and receipts in the same run: what a decision costs, and what loading
//! the rules costs.
//!
//! Every answer that is timed is compared with that of the index by hand, whose answer to all receipts is compared with what
//! the workload states. Conditions and sums of lines are the engines'; thresholds, awards and the choice within a group,
//! which no peer has all of, are the same few lines of the host's for each of them, and are counted. What a receipt takes to
//! become an engine's own value is not counted, for perq's neither.
//!
//! `run` beside this package makes and starts it. Names of packs (`E10 E100`) leave the others out.

mod asked;
mod engines;

use engines::{Found, Peer};
use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::engine::EngineKind;
use perq_runtime::record::{ReadEvent, Reader};
use perq_tests::clock::worked;
use perq_tests::workload::index::Index;
use perq_tests::workload::naive::{self, Naive};
use perq_tests::workload::perq::{Decider, catalogue, engine};
use perq_tests::workload::{Data, Outcome, Rule, STATED, data, packs, text};
use std::time::Duration;

/// Receipts that an engine decides at a stretch: as many as take some time, and no fewer than these.
const LEAST: usize = 20;
/// No more than these.
const MOST: usize = 1_000;
/// How long a stretch should take.
const STRETCH: Duration = Duration::from_millis(200);
/// Turns that each takes; the best counts.
const TURNS: usize = 5;

/// What decides receipts by number.
trait Contestant {
    fn decide(&mut self, data: &Data, receipt: usize, out: &mut Outcome);
}

impl Contestant for Index {
    fn decide(&mut self, data: &Data, receipt: usize, out: &mut Outcome) {
        Index::decide(self, data, receipt, out);
    }
}

impl Contestant for Naive {
    fn decide(&mut self, data: &Data, receipt: usize, out: &mut Outcome) {
        Naive::decide(self, data, receipt, out);
    }
}

/// perq, with its packed records.
struct Perq {
    decider: Decider,
    events: Vec<ReadEvent>,
}

impl Contestant for Perq {
    fn decide(&mut self, _: &Data, receipt: usize, out: &mut Outcome) {
        self.decider.decide(&mut self.events[receipt], out);
    }
}

/// A peer, with its records and what the host adds.
struct Beside<P: Peer> {
    peer: P,
    records: Vec<P::Record>,
    rules: Vec<Rule>,
    values: Vec<i64>,
    found: Vec<Found>,
}

impl<P: Peer> Contestant for Beside<P> {
    fn decide(&mut self, _: &Data, receipt: usize, out: &mut Outcome) {
        self.found.clear();
        self.peer.find(&self.records[receipt], &mut self.found);
        settle(&self.rules, &self.found, &mut self.values, out);
    }
}

/// Thresholds, awards and groups.
fn settle(rules: &[Rule], found: &[Found], values: &mut [i64], out: &mut Outcome) {
    for Found { rule, amount, pieces } in found {
        values[*rule] = naive::award(&rules[*rule], *amount, *pieces);
    }
    naive::settle(rules, values, out);
    found.iter().for_each(|found| values[found.rule] = 0);
}

/// How long each of so many receipts takes, in nanoseconds: the best of several turns.
fn timed(contestant: &mut dyn Contestant, data: &Data, receipts: usize, again: usize) -> f64 {
    let mut out = Outcome::default();
    let mut best = Duration::MAX;
    for _ in 0..TURNS {
        let start = worked();
        for _ in 0..again {
            out.clear();
            (0..receipts).for_each(|receipt| contestant.decide(data, receipt, &mut out));
        }
        best = best.min(worked().saturating_sub(start));
    }
    best.as_nanos() as f64 / (receipts * again) as f64
}

/// What all are measured on.
struct Field<'a> {
    data: &'a Data,
    rules: &'a [Rule],
    /// What the index says of the receipts that are timed.
    expected: Outcome,
    perq: Perq,
}

impl Field<'_> {
    fn compare(&self, name: &str, out: &Outcome) {
        for receipt in 0..out.ends.len() {
            let of = |outcome: &Outcome| {
                (outcome.points[receipt], outcome.discount[receipt], outcome.fired_of(receipt).to_vec())
            };
            assert_eq!(of(out), of(&self.expected), "{name}, receipt {receipt}: not what the index says");
        }
    }

    /// A line of the table: the engine, and perq on the same receipts.
    fn row(&mut self, name: &str, receipts: usize, each: f64, load: f64) {
        let perq = timed(&mut self.perq, self.data, receipts, (20_000 / receipts).max(1));
        println!(
            "{name:<20} {:>8} {receipts:>9} {each:>14.0} {perq:>9.0} {:>10.2} {load:>10.1}",
            self.rules.len(),
            each / perq
        );
    }

    /// Times what has been made in so many milliseconds.
    fn measure(&mut self, name: &str, contestant: &mut dyn Contestant, load: f64) {
        let mut out = Outcome::default();
        let start = worked();
        let mut receipts = 0;
        while receipts < LEAST || (receipts < MOST && worked().saturating_sub(start) < STRETCH) {
            contestant.decide(self.data, receipts, &mut out);
            receipts += 1;
        }
        self.compare(name, &out);
        let again =
            (200 * 1_000_000 / worked().saturating_sub(start).as_nanos().max(1)).clamp(1, 20) as usize;
        let each = timed(contestant, self.data, receipts, again);
        self.row(name, receipts, each, load);
    }

    fn beside<P: Peer>(&mut self, name: &str) {
        let start = worked();
        let peer = match P::new(self.rules) {
            Ok(peer) => peer,
            Err(why) => return println!("{name:<20} {:>8} does not take them: {why}", self.rules.len()),
        };
        let load = milliseconds(worked().saturating_sub(start));
        let records =
            self.data.receipts.iter().take(MOST).map(|receipt| peer.record(self.data, receipt)).collect();
        let values = vec![0; self.rules.len()];
        let mut beside = Beside { peer, records, rules: self.rules.to_vec(), values, found: Vec::new() };
        self.measure(name, &mut beside, load);
    }

    fn node(&mut self) {
        let name = "json-rules-engine";
        let Some(answer) = engines::node::run(self.rules, self.data, MOST, LEAST, TURNS) else {
            println!("{name:<20} is not installed: `npm ci` beside this package's Cargo.toml installs it");
            return;
        };
        let (mut out, mut values) = (Outcome::default(), vec![0; self.rules.len()]);
        answer.found.iter().for_each(|found| settle(self.rules, found, &mut values, &mut out));
        self.compare(name, &out);
        self.row(name, answer.found.len(), answer.each, answer.load);
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let all = data::receipts(data::RECEIPTS);
    println!(
        "{:<20} {:>8} {:>9} {:>14} {:>9} {:>10} {:>10}",
        "engine", "rules", "receipts", "ns a receipt", "perq ns", "x perq", "load ms"
    );
    for (name, stated) in STATED {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            pack(&all, name, stated);
        }
    }
}

fn pack(all: &Data, name: &str, stated: u64) {
    let rules = packs::equal_matches(name.trim_start_matches('E').parse().expect("the size of a pack"));
    let start = worked();
    let mut index = Index::new(&rules);
    let index_load = milliseconds(worked().saturating_sub(start));
    let start = worked();
    let mut naive = Naive::new(&rules);
    let naive_load = milliseconds(worked().saturating_sub(start));

    let start = worked();
    let compilation = compile(&text::programme(&rules), &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    let engine = engine(&program, &catalogue(), EngineKind::Native);
    let perq_load = milliseconds(worked().saturating_sub(start));
    let mut perq = Perq { decider: Decider::new(&engine), events: Vec::new() };

    // All receipts, by perq and by the index.
    let (mut reader, mut json, mut event) = (Reader::new(), String::new(), ReadEvent::default());
    let (mut by_perq, mut by_index) = (Outcome::default(), Outcome::default());
    for (number, receipt) in all.receipts.iter().enumerate() {
        json.clear();
        text::record(all, number, receipt, &mut json);
        reader.read(engine.schema(), json.as_bytes(), &mut event).unwrap_or_else(|why| panic!("{why}"));
        perq.decider.decide(&mut event, &mut by_perq);
        index.decide(all, number, &mut by_index);
        if number < MOST {
            perq.events.push(event.clone());
        }
    }
    assert_eq!(by_index.checksum(), stated, "{name}: the index does not say what the workload states");
    assert_eq!(by_perq.checksum(), stated, "{name}: perq does not say what the workload states");

    let mut field = Field { data: all, rules: &rules, expected: by_index, perq };
    let each = timed(&mut field.perq, all, MOST, 20);
    field.row("perq", MOST, each, perq_load);
    field.measure("index by hand", &mut index, index_load);
    field.measure("loop by hand", &mut naive, naive_load);
    field.beside::<engines::roto::Roto>("roto");
    field.beside::<engines::datalogic::Datalogic>("datalogic-rs");
    field.beside::<engines::rhai::Rhai>("rhai");
    field.beside::<engines::cel::Cel>("cel");
    field.beside::<engines::regorus::Regorus>("regorus");
    field.beside::<engines::zen::Zen>("zen, table");
    field.beside::<engines::grl::Grl>("rust-rule-engine");
    field.node();
}
