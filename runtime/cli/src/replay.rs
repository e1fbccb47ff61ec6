//! Replays the events that belong to a programme through its rules, counts what a manager asks for, and holds the
//! figures against those that somebody else has worked out.
//!
//! Refuses to know how a report looks.

use crate::args::EngineName;
use crate::excerpt::plain;
use crate::programme::{Programme, find_one};
use crate::{Failure, tables};
use perq_compiler::ir::{AccountId, event_slot, line_slot};
use perq_runtime::clock::year_and_month;
use perq_runtime::decimal;
use perq_runtime::engine::Engine;
use perq_runtime::input;
use perq_runtime::pack::Pack;
use perq_runtime::record::{ReadEvent, ReadOptions, Reader};
use perq_runtime::summary::{Given, Summary};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a replay found.
pub struct Year {
    /// The engine that decided.
    pub engine: Engine,
    /// Of all events that some rule hears, by month; the key is `2010-12`.
    pub months: BTreeMap<String, Summary>,
    /// The same of all months together.
    pub heard: Summary,
    /// Of all events.
    pub all: Summary,
    /// Records that were refused, as text.
    pub refused: Vec<String>,
    /// What the data are like.
    pub data: Data,
    /// Members that have taken part.
    pub members: BTreeSet<String>,
    /// Receipts with an effect among the events that some rule hears.
    pub with_effects: BTreeMap<String, u64>,
    /// For each of them a line: id, discount, points.
    pub receipts: String,
    /// Where the time went.
    pub times: Times,
}

/// Oddities of the data that decisions had to live with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// Events without a member.
    pub anonymous: u64,
    /// Lines at a price of zero.
    pub zero_prices: u64,
    /// Lines with pieces that come back.
    pub returned_lines: u64,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Reading and checking the rules.
    pub compile: Duration,
    /// Reading the tables and making the engine, machine code included.
    pub bind: Duration,
    /// From the first byte of the events to the last sum.
    pub whole: Duration,
    /// Of it, reading records.
    pub read: Duration,
    /// Of it, deciding.
    pub evaluate: Duration,
}

/// Replays the events of the programme in a folder.
///
/// # Errors
/// Where something cannot be read, or the rules have errors.
pub fn replay(
    folder: &Path,
    engine: Option<EngineName>,
    progress: &mut dyn FnMut(u64),
) -> Result<Year, Failure> {
    let started = Instant::now();
    let programme: Programme = find_one(folder)?;
    let mut compilation = programme.compile()?;
    let Some(program) = compilation.program.take() else {
        return Err(Failure::new(format!(
            "the rules have errors; `perq check {}` shows them",
            programme.shown()
        )));
    };
    let compile = started.elapsed();
    let started = Instant::now();
    let catalogue = tables::catalogue(&programme.config.catalogue)?;
    let engine = tables::engine(
        Pack::of(program),
        &catalogue,
        engine,
        ReadOptions::default(),
        &programme.config.parameters(),
    )?;
    let times = Times { compile, bind: started.elapsed(), ..Times::default() };
    let mut year = Year {
        engine,
        months: BTreeMap::new(),
        heard: Summary::default(),
        all: Summary::default(),
        refused: Vec::new(),
        data: Data::default(),
        members: BTreeSet::new(),
        with_effects: BTreeMap::new(),
        receipts: String::new(),
        times,
    };
    let started = Instant::now();
    for path in &programme.config.events.files.0 {
        let stream = input::open(tables::open(path)?).map_err(|error| Failure::file(path, &error))?;
        let name = plain(&path.display().to_string());
        year.events(&name, stream, progress).map_err(|error| Failure::file(path, &error))?;
    }
    year.times.whole = started.elapsed();
    for summary in year.months.values() {
        year.heard.merge(summary);
    }
    Ok(year)
}

impl Year {
    fn events(
        &mut self,
        name: &str,
        stream: impl Read,
        progress: &mut dyn FnMut(u64),
    ) -> std::io::Result<()> {
        let engine = self.engine.clone();
        let program = engine.program();
        let heard: BTreeSet<usize> =
            program.rules.iter().flat_map(|rule| &rule.events).map(|event| event.index()).collect();
        let mut session = engine.session();
        let mut reader = Reader::new();
        let mut event = ReadEvent::default();
        let mut stream = BufReader::with_capacity(1 << 18, stream);
        let mut line = Vec::new();
        let mut number = 0_u64;
        loop {
            line.clear();
            let begun = Instant::now();
            if stream.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            number += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if number.is_multiple_of(500) {
                progress(number);
            }
            let result = reader.read(engine.schema(), &line, &mut event);
            let read = Instant::now();
            self.times.read += read - begun;
            if let Err(mut error) = result {
                error.line = number;
                self.refused.push(format!("{name}: {error}"));
                self.all.reject(error.name());
                continue;
            }
            // A year without returns needs nothing of what was bought to be kept.
            let decision = match engine.looks_back() {
                true => session.decide_read(&mut reader, &mut event),
                false => session.decide_record(&mut event),
            };
            self.times.evaluate += read.elapsed();
            self.all.add(program, &event, decision);
            let day = event.record.event.get(event_slot::DATE.index()).copied().unwrap_or(0);
            self.data.note(&event);
            if let Some(member) = event.member()
                && !self.members.contains(member)
            {
                self.members.insert(member.to_owned());
            }
            if !heard.contains(&event.record.kind.index()) {
                continue;
            }
            let (calendar_year, month) = year_and_month(day).unwrap_or_default();
            let month = format!("{calendar_year:04}-{month:02}");
            self.months.entry(month.clone()).or_default().add(program, &event, decision);
            if decision.acting().next().is_some() {
                *self.with_effects.entry(month).or_default() += 1;
                let discount =
                    decimal::print(i128::from(decision.totals.discount), program.currency.decimals);
                let points: i128 = decision.totals.awards.iter().map(|(_, amount)| i128::from(*amount)).sum();
                let _ = writeln!(self.receipts, "{}\t{discount}\t{points}", event.id());
            }
        }
    }

    /// The figures in the shape of `check/expected.json`.
    pub fn figures(&self) -> Value {
        let program = self.engine.program();
        let money = |amount: i128| Value::String(decimal::print(amount, program.currency.decimals));
        let points = |awards: &[i128]| json!(i64::try_from(awards.iter().sum::<i128>()).unwrap_or(i64::MAX));
        let given = |given: Option<&Given>, events: u64, awards: bool| {
            let empty = Given::default();
            let given = given.unwrap_or(&empty);
            let amount = if awards { points(&given.awards) } else { money(given.discount) };
            json!({ "fired": events, "amount": amount })
        };
        let awards = |group: usize| {
            let sites = program.sites.iter().filter(|site| {
                program.rules.get(site.rule.index()).is_some_and(|rule| rule.group.index() == group)
            });
            sites.into_iter().any(|site| match site.kind {
                perq_compiler::ir::SiteKind::Award { .. } | perq_compiler::ir::SiteKind::Multiply { .. } => {
                    true
                }
                perq_compiler::ir::SiteKind::Discount { .. }
                | perq_compiler::ir::SiteKind::Debit { .. }
                | perq_compiler::ir::SiteKind::Tender { .. }
                | perq_compiler::ir::SiteKind::Issue { .. }
                | perq_compiler::ir::SiteKind::Gift { .. }
                | perq_compiler::ir::SiteKind::Tell { .. }
                | perq_compiler::ir::SiteKind::Set { .. } => false,
            })
        };
        let rules = |summary: &Summary, all: bool| {
            let mut out = Map::new();
            for (rule, found) in summary.by_rule(program) {
                if all || found.events > 0 {
                    let awards = awards(rule.group.index());
                    out.insert(rule.name.clone(), given(Some(&found), found.events, awards));
                }
            }
            Value::Object(out)
        };
        let groups: Map<String, Value> = program
            .groups
            .iter()
            .enumerate()
            .map(|(at, group)| {
                let fired = |rule: &perq_compiler::ir::RuleId| {
                    self.heard.rules.get(rule.index()).map_or(0, |r| r.events)
                };
                let events = group.rules.iter().map(fired).sum();
                (group.name.clone(), given(self.heard.groups.get(at), events, awards(at)))
            })
            .collect();
        let months: Map<String, Value> = self
            .months
            .iter()
            .map(|(month, summary)| {
                let figures = json!({
                    "receipts": summary.total.events,
                    "with_effects": self.with_effects.get(month).copied().unwrap_or(0),
                    "discount": money(summary.total.discount),
                    "points": points(&summary.total.awards),
                    "rules": rules(summary, false),
                });
                (month.clone(), figures)
            })
            .collect();
        let events: Map<String, Value> = program
            .events
            .iter()
            .zip(self.all.kinds.iter())
            .filter(|(_, count)| **count > 0)
            .map(|(kind, count)| (kind.name.clone(), json!(count)))
            .collect();
        json!({
            "events": events,
            "lines": self.all.total.lines,
            "purchases_initial": money(self.heard.total.initial),
            "purchases_with_effects": self.with_effects.values().sum::<u64>(),
            "discount_total": money(self.heard.total.discount),
            "points_total": points(&self.heard.total.awards),
            "groups": groups,
            "rules": rules(&self.heard, true),
            "months": months,
        })
    }

    /// An account's sum.
    pub fn awarded(&self, account: AccountId) -> i128 {
        self.heard.total.awards.get(account.index()).copied().unwrap_or(0)
    }
}

impl Data {
    fn note(&mut self, event: &ReadEvent) {
        self.anonymous += u64::from(event.member().is_none());
        let record = &event.record;
        for line in record.lines.chunks(record.line_width.max(1)) {
            let slot = |slot: perq_compiler::ir::SlotId| line.get(slot.index()).copied().unwrap_or(0);
            self.zero_prices += u64::from(slot(line_slot::PRICE) == 0);
            self.returned_lines += u64::from(slot(line_slot::PIECES) < 0);
        }
    }
}

/// Figures held against others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many agree.
    pub equal: u64,
    /// Those that do not: where, what was expected, what is.
    pub different: Vec<String>,
}

/// Every figure of `expected` against the one at the same place; what has no counterpart here is passed over only
/// where it is a hash.
pub fn compare(expected: &Value, got: &Value) -> Comparison {
    let mut comparison = Comparison::default();
    compare_at("", expected, Some(got), &mut comparison);
    comparison
}

fn compare_at(path: &str, expected: &Value, got: Option<&Value>, out: &mut Comparison) {
    match (expected, got) {
        (Value::Object(expected), Some(Value::Object(got))) => {
            for (key, value) in expected {
                if key.ends_with("_sha256") {
                    continue;
                }
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare_at(&inner, value, got.get(key), out);
            }
            for key in got.keys().filter(|key| !expected.contains_key(*key)) {
                out.different.push(format!("{path}.{key} was not expected"));
            }
        }
        (expected, got) if Some(expected) == got => out.equal += 1,
        (expected, got) => {
            let got = got.map_or_else(|| "nothing".to_owned(), Value::to_string);
            out.different.push(format!("{path}: expected {expected}, got {got}"));
        }
    }
}

/// Holds a replay against the folder's `check` files; nothing where it has none.
///
/// # Errors
/// Where they are there and cannot be read.
pub fn check(folder: &Path, year: &Year) -> Result<Option<Comparison>, Failure> {
    let path = folder.join("check").join("expected.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file(&path, &error)),
    };
    let expected: Value = serde_json::from_str(&text).map_err(|error| Failure::file(&path, &error))?;
    let mut comparison = compare(&expected, &year.figures());
    let path = folder.join("check").join("per_event.tsv.gz");
    if path.exists() {
        let mut text = String::new();
        input::open(tables::open(&path)?)
            .and_then(|mut stream| stream.read_to_string(&mut text))
            .map_err(|error| Failure::file(&path, &error))?;
        let got: BTreeSet<&str> = year.receipts.lines().collect();
        let expected: BTreeSet<&str> = text.lines().collect();
        comparison.equal += got.intersection(&expected).count() as u64;
        let missing =
            expected.difference(&got).map(|row| format!("receipt expected: {}", row.replace('\t', " ")));
        let strange = got.difference(&expected).map(|row| format!("receipt got: {}", row.replace('\t', " ")));
        comparison.different.extend(missing.chain(strange));
    }
    Ok(Some(comparison))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_compared() {
        let expected = json!({ "a": 1, "b": { "c": "2.00", "d": 3 }, "x_sha256": "no" });
        let same = compare(&expected, &json!({ "a": 1, "b": { "c": "2.00", "d": 3 } }));
        assert_eq!((same.equal, same.different.len()), (3, 0));
        let other = compare(&expected, &json!({ "a": 2, "b": { "c": "2.00", "e": 1 } }));
        assert_eq!(other.equal, 1);
        assert_eq!(
            other.different,
            ["a: expected 1, got 2", "b.d: expected 3, got nothing", "b.e was not expected"]
        );
    }
}
