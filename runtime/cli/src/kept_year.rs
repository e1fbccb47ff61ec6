//! The main example's year through a ledger, with the goods that came back: what it keeps, held against what somebody else
//! has worked out, and audited.
//!
//! Refuses to know how a report looks.

use crate::commands::keep::shown;
use crate::config::Config;
use crate::programme::find_one;
use crate::replay::{self, Comparison};
use crate::{Failure, tables};
use perq_ledger::store::Datum;
use perq_ledger::{Ledger, StoreError, audit, open, report};
use perq_runtime::decision::Decision;
use perq_runtime::engine::Engine;
use perq_runtime::input;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Events that are written together.
const TOGETHER: usize = 256;

/// What a ledger has kept of a year.
#[derive(Clone, Debug, Default)]
pub struct KeptYear {
    /// Events that were decided and kept.
    pub kept: u64,
    /// Those that were kept before.
    pub repeated: u64,
    /// Records that were refused, as text.
    pub refused: Vec<String>,
    /// The accounts' books.
    pub books: Vec<report::Liability>,
    /// What an audit found.
    pub audit: audit::Report,
    /// Figures in the shape of `check/returns.json`.
    pub figures: Value,
    /// For each return that brought something back a line: id, refund, points that were taken back.
    pub returns: String,
    /// From the first event to the last that was durable, and of the audit.
    pub times: (Duration, Duration),
}

/// A file that is taken away again.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Temporary {
        Temporary(std::env::temp_dir().join(format!("perq-demo-{}.ledger", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(format!("{}{ending}", self.0.display())));
        }
    }
}

/// Keeps the events of the programme in a folder, and what came back of them, in a ledger: one of its own that is taken away
/// again, or at a place. Nothing where the folder's `perq.toml` names no returns.
///
/// # Errors
/// Where something cannot be read or written.
pub fn keep(
    folder: &Path,
    engine: &Engine,
    place: Option<&str>,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<KeptYear>, Failure> {
    let config: Config = find_one(folder)?.config;
    if config.events.returns.0.is_empty() {
        return Ok(None);
    }
    let temporary = place.is_none().then(Temporary::new);
    let place = match (&temporary, place) {
        (Some(temporary), _) => temporary.0.display().to_string(),
        (None, place) => place.unwrap_or_default().to_owned(),
    };
    let fail = |error: StoreError| Failure::new(format!("{}: {error}", shown(&place)));
    let ledger = open(&place, true).and_then(|store| Ledger::new(engine, store, "")).map_err(fail)?;
    let mut year = KeptYear::default();
    let mut counts = Counts::default();
    let started = Instant::now();
    for path in config.events.files.0.iter().chain(&config.events.returns.0) {
        let stream = input::open(tables::open(path)?).map_err(|error| Failure::file(path, &error))?;
        let is_returns = config.events.returns.0.contains(path);
        let mut stream = BufReader::with_capacity(1 << 18, stream);
        loop {
            let mut lines = Vec::new();
            while lines.len() < TOGETHER {
                let mut line = Vec::new();
                if stream.read_until(b'\n', &mut line).map_err(|error| Failure::file(path, &error))? == 0 {
                    break;
                }
                lines.push(line);
            }
            if lines.is_empty() {
                break;
            }
            let records: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            for answer in ledger.decide_all(&records) {
                match answer {
                    Ok(answer) => {
                        *(if answer.repeated { &mut year.repeated } else { &mut year.kept }) += 1;
                        if is_returns {
                            counts.add(&answer.decision, &mut year.returns);
                        }
                    }
                    Err(refusal) => year.refused.push(format!("{refusal} [{}]", refusal.name())),
                }
            }
            progress(year.kept);
        }
    }
    let kept_in = started.elapsed();
    drop(ledger);
    let mut store = open(&place, false).map_err(fail)?;
    year.books = report::liability(&mut *store, i64::MAX).map_err(fail)?;
    let mut members = Map::new();
    let mut left: i64 = 0;
    for row in store
        .query(
            "SELECT member, CAST(sum(amount) AS BIGINT) FROM entry WHERE book = 'member' \
             GROUP BY member ORDER BY member",
            &[],
        )
        .map_err(fail)?
    {
        if let [member, balance] = row.as_slice() {
            members.insert(member.text().to_owned(), json!(balance.number()));
            left = left.saturating_add(balance.number());
        }
    }
    // Who bought and was given nothing has no row of points.
    for row in store.query("SELECT name FROM member", &[]).map_err(fail)? {
        let name = row.first().map(Datum::text).unwrap_or_default().to_owned();
        members.entry(name).or_insert_with(|| json!(0));
    }
    year.figures = counts.figures(left, members);
    let started = Instant::now();
    year.audit = audit::audit(&mut *store).map_err(fail)?;
    year.times = (kept_in, started.elapsed());
    Ok(Some(year))
}

/// Sums over what came back. Amounts of one currency and one account, in smallest units.
#[derive(Default)]
struct Counts {
    returns: u64,
    lines: u64,
    pieces: i64,
    refunded: i64,
    taken: i64,
}

impl Counts {
    fn add(&mut self, decision: &str, rows: &mut String) {
        let Ok(decision) = serde_json::from_str::<Decision>(decision) else { return };
        let Some(returned) = decision.returned else { return };
        let smallest = |text: &str| text.replace('.', "").parse::<i64>().unwrap_or(0);
        let changed: i64 = returned.corrections.iter().map(|correction| smallest(&correction.amount)).sum();
        self.returns += 1;
        self.lines += returned.lines.len() as u64;
        self.pieces += returned.lines.iter().map(|line| line.pieces).sum::<i64>();
        self.refunded += smallest(&returned.refund);
        self.taken -= changed;
        let _ = writeln!(rows, "{}\t{}\t{}", decision.id, returned.refund, -changed);
    }

    fn figures(&self, left: i64, members: Map<String, Value>) -> Value {
        json!({
            "returns": self.returns,
            "lines": self.lines,
            "pieces": self.pieces,
            "refunded": format!("{}.{:02}", self.refunded / 100, self.refunded % 100),
            "points_taken_back": self.taken,
            "points_left": left,
            "members": members,
        })
    }
}

/// Holds what was kept against the folder's `check` files; nothing where it has none.
///
/// # Errors
/// Where they are there and cannot be read.
pub fn check(folder: &Path, year: &KeptYear) -> Result<Option<Comparison>, Failure> {
    let path = folder.join("check").join("returns.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file(&path, &error)),
    };
    let expected: Value = serde_json::from_str(&text).map_err(|error| Failure::file(&path, &error))?;
    let mut comparison = replay::compare(&expected, &year.figures);
    let path = folder.join("check").join("per_return.tsv.gz");
    let mut text = String::new();
    input::open(tables::open(&path)?)
        .and_then(|mut stream| stream.read_to_string(&mut text))
        .map_err(|error| Failure::file(&path, &error))?;
    let (got, expected): (BTreeSet<&str>, BTreeSet<&str>) =
        (year.returns.lines().collect(), text.lines().collect());
    comparison.equal += got.intersection(&expected).count() as u64;
    let told = |row: &&str, what: &str| format!("return {what}: {}", row.replace('\t', " "));
    comparison.different.extend(expected.difference(&got).map(|row| told(row, "expected")));
    comparison.different.extend(got.difference(&expected).map(|row| told(row, "got")));
    Ok(Some(comparison))
}
