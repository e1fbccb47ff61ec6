//! What a change of a program does to real events: both programs decide every event, each on a state of its own, and
//! the decisions are held against each other.
//!
//! Totals are those of [`Summary`], so that they are what a batch reports. Knows no terminal and no file; whoever has
//! the texts of the rules gives them. All figures are whole numbers, and none depends on threads or hash order.

mod budgets;
mod cause;
mod facts;
pub mod hunks;
mod inputs;
mod measure;
pub mod report;
pub mod segments;

use crate::batch::{Format, Input, Records as Source, Taken};
use crate::clock::date_text;
use crate::decision::{fault_name, refused_name};
use crate::engine::{Engine, Session};
use crate::record::{ReadEvent, Reader, RecordError};
use crate::summary::{Given, Summary, Turnover};
use budgets::Uses;
use cause::{Causes, Known, View};
use facts::{Facts, Names, Pair, Sort, Which};
use hunks::{Hunks, Texts};
use inputs::{Inputs, Past};
use measure::{Measures, Told};
use perq_compiler::evaluate::Decision;
use perq_compiler::ir::{RecordKind, SlotId, SlotType, event_slot};
use perq_compiler::sources::SourceMap;
use report::{
    AwardChange, Budgets, Change, Count, EffectRow, FirstRefused, Flat, HunkReport, MonthRow, Period,
    Records, Refusal, Report, Row, SegmentRow, SideReport, SpotReport, Totals, Warning,
};
use rustc_hash::FxHashSet;
use segments::Segment;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

/// Events that a warning names.
const EXAMPLES: usize = 5;

/// A program that takes part.
#[derive(Debug)]
pub struct Side {
    /// Where it is from, for the report.
    pub source: String,
    /// What decides.
    pub engine: Engine,
    /// The texts; a pack has none.
    pub sources: Option<SourceMap>,
    /// What stands before each path of the texts and is not said.
    pub folder: String,
    /// The deployment's values of parameters.
    pub parameters: Vec<(String, String)>,
    /// Asks in which segments events lie. Parts of the members are those of the new side; the old side's answers say whether
    /// a segment that is written otherwise is another.
    pub asks: Option<Asks>,
}

/// An engine that asks in which segments events lie.
#[derive(Debug)]
pub struct Asks {
    /// Of [`segments::Questions::program`].
    pub engine: Engine,
    /// The segments.
    pub segments: Vec<Segment>,
    /// As in [`segments::Questions`].
    pub slots: Vec<Vec<SlotId>>,
}

/// Where events come from.
pub enum Events<'i> {
    /// JSON lines, which both sides read.
    Lines(Input<'i>),
    /// A table, which each side reads by the fields of its own program.
    Table {
        /// How it is written.
        format: Format,
        /// Opens it, each time from its beginning.
        open: &'i dyn Fn() -> io::Result<Input<'static>>,
    },
}

/// Two programs that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomparable {
    /// The currency before.
    pub old: String,
    /// The currency after.
    pub new: String,
}

impl std::fmt::Display for Incomparable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Incomparable { old, new } = self;
        write!(
            f,
            "the programmes are in different currencies, {old} and {new}: their amounts have no difference"
        )
    }
}

impl std::error::Error for Incomparable {}

/// One side while it runs.
struct Run {
    session: Session,
    reader: Reader,
    event: ReadEvent,
    summary: Summary,
    uses: Uses,
}

/// What a side makes of a record.
enum Step<'r> {
    /// It is decided.
    Decided(&'r ReadEvent, &'r Decision),
    /// It cannot be read.
    Refused(Box<RecordError>),
}

impl Run {
    fn of(engine: &Engine) -> Run {
        Run {
            session: engine.session(),
            reader: Reader::new(),
            event: ReadEvent::default(),
            summary: Summary::default(),
            uses: Uses::of(engine.program()),
        }
    }

    fn step(&mut self, which: Which, names: &Names, record: &Taken<'_>) -> Step<'_> {
        let Run { session, reader, event, summary, uses } = self;
        let engine = session.engine().clone();
        let read = match &record.json {
            Ok(json) => reader.read(engine.schema(), json, event).map(|_| ()),
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = read {
            summary.reject(error.name());
            return Step::Refused(error);
        }
        let decision = session.decide_read(reader, event);
        summary.add(engine.program(), event, decision);
        uses.add(which, names, &engine, event, decision);
        Step::Decided(event, decision)
    }
}

/// Where the new side's segments are asked.
struct Asking {
    session: Session,
    reader: Reader,
    event: ReadEvent,
    segments: Vec<Segment>,
    slots: Vec<Vec<SlotId>>,
}

/// A part of the members: a field or `segment`, and its value.
type PartKey = (usize, usize);

#[derive(Default)]
struct InPart {
    events: u64,
    changed: u64,
    sums: Pair<BTreeMap<usize, i128>>,
}

/// Records that were refused: by the old side only, by the new one only, by both.
#[derive(Default)]
struct Refusals([(u64, Option<FirstRefused>); 3]);

impl Refusals {
    fn add(&mut self, file: &str, old: Option<(u64, &RecordError)>, new: Option<(u64, &RecordError)>) {
        let [by_old, by_new, by_both] = &mut self.0;
        let ((count, first), (line, error)) = match (old, new) {
            (None, None) => return,
            (Some(old), None) => (by_old, old),
            (None, Some(new)) => (by_new, new),
            (Some(_), Some(new)) => (by_both, new),
        };
        *count += 1;
        first.get_or_insert_with(|| FirstRefused {
            file: file.to_owned(),
            line,
            id: error.id.clone(),
            field: error.field.clone(),
            error: error.name(),
            message: error.message.clone(),
        });
    }

    fn report(&self) -> Vec<Refusal> {
        let [by_old, by_new, by_both] = &self.0;
        let sides = [("both", by_both), ("old", by_old), ("new", by_new)];
        let report = |(side, (records, first)): (&'static str, &(u64, Option<FirstRefused>))| {
            Some(Refusal { side, records: *records, first: first.clone()? })
        };
        sides.into_iter().filter_map(report).collect()
    }
}

/// The records of a table as an engine reads them.
fn table<'e>(
    engine: Option<&'e Engine>,
    format: Format,
    open: &dyn Fn() -> io::Result<Input<'static>>,
) -> io::Result<Option<Source<'e>>> {
    engine.map(|engine| Source::open(engine.schema(), open()?, format)).transpose()
}

/// The next of them; nothing at the end, or where nobody reads.
fn next<'s>(source: &'s mut Option<Source<'_>>) -> io::Result<Option<Taken<'s>>> {
    source.as_mut().map_or(Ok(None), Source::next)
}

/// What both sides make of their input, or why they cannot: whose fault it is, where it is one side's.
fn both<T>(old: io::Result<T>, new: io::Result<T>) -> io::Result<(T, T)> {
    let of =
        |side: &str, error: io::Error| io::Error::new(error.kind(), format!("{side} programme: {error}"));
    match (old, new) {
        (Ok(old), Ok(new)) => Ok((old, new)),
        (Err(_), Err(error)) => Err(error),
        (Err(error), Ok(_)) => Err(of("the old", error)),
        (Ok(_), Err(error)) => Err(of("the new", error)),
    }
}

/// The number of an id. Two ids of one number are as likely as the same figures drawn twice from 2^64.
fn hash_of(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// Which side, what sort of failure, of which rule, its name.
type FailureKey = (Which, &'static str, Option<usize>, &'static str);

/// A comparison of two programs, event by event.
pub struct Diff {
    sides: Pair<SideReport>,
    engines: Pair<Engine>,
    hunks: Hunks,
    names: Names,
    old: Run,
    new: Run,
    asking: Pair<Option<Asking>>,
    /// Segments that both sides have and that are written otherwise: the change, and its place in each side's segments.
    segments_written: Vec<(usize, Pair<usize>)>,
    inputs: Pair<Inputs>,
    past: Past,
    refusals: Refusals,
    /// Numbers of the ids so far.
    seen: FxHashSet<u64>,
    /// Fields of members that are levels: slot of the new program, name, values.
    levels: Vec<(SlotId, String, Vec<String>)>,
    /// Whether decisions of one of them depend on earlier ones.
    stateful: bool,
    records: Records,
    period: Option<(i64, i64)>,
    /// By rule and unit.
    effects: Pair<BTreeMap<(Option<usize>, usize), i128>>,
    parts: BTreeMap<PartKey, InPart>,
    measures: Measures,
    causes: Causes,
    failures: BTreeMap<FailureKey, (u64, Vec<String>)>,
}

impl Diff {
    /// Prepares two programs.
    ///
    /// # Errors
    /// Where they are in different currencies.
    pub fn new(old: Side, new: Side, most: usize) -> Result<Diff, Incomparable> {
        let (before, after) = (old.engine.program(), new.engine.program());
        if before.currency != after.currency {
            let code = |program: &perq_compiler::ir::Program| program.currency.code.clone();
            return Err(Incomparable { old: code(before), new: code(after) });
        }
        let mut hunks = Hunks::of(&old.texts(), &new.texts());
        let names = Names::of(before, after, &hunks.renamed);
        hunks.narrow(&inputs::alike(&names, before, after));
        let levels = levels_of(after);
        let measures = Measures::of(&names, most);
        let sides = Pair { old: old.report(), new: new.report() };
        let inputs =
            Pair { old: Inputs::of(Which::Old, &names, before), new: Inputs::of(Which::New, &names, after) };
        let mut asking = Pair { old: old.asks.map(Asking::of), new: new.asks.map(Asking::of) };
        let segments_written = segments_written(&hunks, &asking);
        if segments_written.is_empty() {
            asking.old = None;
        }
        Ok(Diff {
            sides,
            old: Run::of(&old.engine),
            new: Run::of(&new.engine),
            stateful: old.engine.is_stateful() || new.engine.is_stateful(),
            engines: Pair { old: old.engine, new: new.engine },
            hunks,
            names,
            asking,
            segments_written,
            inputs,
            past: Past::default(),
            refusals: Refusals::default(),
            seen: FxHashSet::default(),
            levels,
            records: Records::default(),
            period: None,
            effects: Pair::default(),
            parts: BTreeMap::new(),
            measures,
            causes: Causes::default(),
            failures: BTreeMap::new(),
        })
    }

    /// Replays the records of an input, as a batch reads them; `name` is what reports call it. `progress` is told the
    /// records so far.
    ///
    /// # Errors
    /// Where the input is broken, or is a table whose columns do not fit a program; what came before is counted.
    pub fn over(&mut self, name: &str, events: Events<'_>, progress: &mut dyn FnMut(u64)) -> io::Result<()> {
        let engines = self.engines.clone();
        match events {
            Events::Lines(input) => {
                let mut records = Source::open(engines.new.schema(), input, Format::Ndjson)?;
                while let Some(record) = records.next()? {
                    let asks = Pair { old: Some(&record), new: Some(&record) };
                    self.record(name, Pair { old: &record, new: &record }, asks);
                    self.tell(progress);
                }
            }
            Events::Table { format, open } => {
                // Segments may look at columns that no rule does, so who asks them reads the table by itself.
                let engine = |asking: &Option<Asking>| asking.as_ref().map(|of| of.session.engine().clone());
                let asks = Pair { old: engine(&self.asking.old), new: engine(&self.asking.new) };
                let opened = |engine| table(engine, format, open);
                let (mut old, mut new) = both(opened(Some(&engines.old)), opened(Some(&engines.new)))?;
                let (mut old_asks, mut new_asks) =
                    both(opened(asks.old.as_ref()), opened(asks.new.as_ref()))?;
                loop {
                    let (old, new) = both(next(&mut old), next(&mut new))?;
                    let (old_asks, new_asks) = both(next(&mut old_asks), next(&mut new_asks))?;
                    let (old, new) = match (old, new) {
                        (Some(old), Some(new)) => (old, new),
                        (None, None) => break,
                        // A receipt is the rows of one id, whatever else a program reads.
                        (Some(_), None) | (None, Some(_)) => {
                            return Err(io::Error::other("the two programmes find different receipts"));
                        }
                    };
                    let asks = Pair { old: old_asks.as_ref(), new: new_asks.as_ref() };
                    self.record(name, Pair { old: &old, new: &new }, asks);
                    self.tell(progress);
                }
            }
        }
        Ok(())
    }

    fn tell(&self, progress: &mut dyn FnMut(u64)) {
        if self.records.all.is_multiple_of(500) {
            progress(self.records.all);
        }
    }

    /// Replays one record, as each side takes it from its input.
    fn record(&mut self, file: &str, taken: Pair<&Taken<'_>>, asks: Pair<Option<&Taken<'_>>>) {
        self.records.all += 1;
        let position = self.records.all;
        let Diff {
            engines, hunks, names, inputs, past, old, new, asking, failures, stateful, refusals, ..
        } = self;
        let steps =
            Pair { old: old.step(Which::Old, names, taken.old), new: new.step(Which::New, names, taken.new) };
        refusals.add(file, steps.old.refused(taken.old), steps.new.refused(taken.new));
        let Some(event) = steps.new.event().or(steps.old.event()) else { return };
        self.records.repeated += u64::from(!self.seen.insert(hash_of(event.id())));
        let program = match steps.new {
            Step::Decided(..) => engines.new.program(),
            Step::Refused(_) => engines.old.program(),
        };
        let day = event.record.event.get(event_slot::DATE.index()).copied().unwrap_or(0);
        let period = self.period.get_or_insert((day, day));
        *period = (period.0.min(day), period.1.max(day));
        let failed = Pair {
            old: failures_of(Which::Old, names, &steps.old),
            new: failures_of(Which::New, names, &steps.new),
        };
        for which in Which::BOTH {
            let other = match which {
                Which::Old => &failed.new,
                Which::New => &failed.old,
            };
            for (what, rule, error) in failed.of(which).difference(other) {
                let found = failures.entry((which, what, *rule, error)).or_default();
                found.0 += 1;
                if found.1.len() < EXAMPLES {
                    found.1.push(event.id().to_owned());
                }
            }
        }
        let facts_of = |which: Which| match steps.of(which) {
            Step::Decided(event, decision) => {
                names.facts(which, engines.of(which).program(), event, decision)
            }
            Step::Refused(_) => Facts::new(),
        };
        let facts = Pair { old: facts_of(Which::Old), new: facts_of(Which::New) };
        let view = |which: Which| View {
            which,
            program: engines.of(which).program(),
            decision: match steps.of(which) {
                Step::Decided(_, decision) => Some(*decision),
                Step::Refused(_) => None,
            },
            event: steps.of(which).event(),
            refused: failed.of(which).iter().any(|(what, _, _)| *what == "receipt"),
        };
        let views = Pair { old: view(Which::Old), new: view(Which::New) };
        // Sessions that keep something have to see every event.
        let answers = |asking: &mut Option<Asking>, record: Option<&Taken<'_>>| {
            asking.as_mut().zip(record).map(|(asking, record)| asking.ask(record)).unwrap_or_default()
        };
        let (of_old, of_new) = (answers(&mut asking.old, asks.old), answers(&mut asking.new, asks.new));
        let answers_alike =
            |(_, at): &&(usize, Pair<usize>)| of_old.contains(&at.old) == of_new.contains(&at.new);
        let idle = self.segments_written.iter().filter(answers_alike).map(|(hunk, _)| *hunk).collect();
        let known = Known { names, hunks, inputs, idle: &idle, stateful: *stateful };
        let differences = cause::differences(&known, &views, &facts, past);
        let told = Told {
            id: event.id(),
            kind: program.events.get(event.record.kind.index()).map_or("", |kind| kind.name.as_str()),
            date: date_text(day),
            member: event.member(),
            position,
        };
        self.measures.add(names, &told, &facts, &differences);
        self.causes.add(&differences);
        let changed = !differences.is_empty() || failed.old != failed.new;
        self.records.changed += u64::from(changed);
        for which in Which::BOTH {
            let sums = self.effects.of_mut(which);
            for (key, amount) in facts.of(which) {
                *sums.entry((key.rule, key.unit)).or_default() += amount;
            }
        }
        let mut parts: Vec<PartKey> = of_new.into_iter().map(|segment| (0, segment)).collect();
        if let Step::Decided(event, _) = steps.new {
            for (at, (slot, _, values)) in self.levels.iter().enumerate() {
                let level =
                    event.record.event.get(slot.index()).copied().filter(|_| event.member().is_some());
                let level = level.and_then(|level| usize::try_from(level).ok());
                parts.push((at + 1, level.filter(|level| *level < values.len()).unwrap_or(values.len())));
            }
        }
        for part in parts {
            let found = self.parts.entry(part).or_default();
            found.events += 1;
            found.changed += u64::from(changed);
            for which in Which::BOTH {
                let sums = found.sums.of_mut(which);
                // As the totals: what goes to other members is theirs.
                for (key, amount) in facts.of(which).iter().filter(|(key, _)| key.to.is_none()) {
                    *sums.entry(key.unit).or_default() += amount;
                }
            }
        }
    }

    /// What was found.
    pub fn report(&self) -> Report {
        let program = self.engines.new.program();
        let (old, new) = (&self.old.summary, &self.new.summary);
        let count = |before: u64, after: u64| Count { before, after };
        let money = |before: i128, after: i128| Change { before, after, decimals: program.currency.decimals };
        let turnover = |of: fn(&Turnover) -> i128| money(of(&old.total), of(&new.total));
        let records = Records {
            decided: count(old.total.events, new.total.events),
            refused: count(old.rejected, new.rejected),
            ..self.records
        };
        let months: BTreeSet<(i16, i8)> = old.months.keys().chain(new.months.keys()).copied().collect();
        let month = |month: (i16, i8)| {
            let none = Turnover::default();
            let of = |summary: &Summary| summary.months.get(&month).unwrap_or(&none).clone();
            let (before, after) = (of(old), of(new));
            MonthRow {
                month: format!("{:04}-{:02}", month.0, month.1),
                events: count(before.events, after.events),
                discount: money(before.discount, after.discount),
                awards: self.awards(&before.awards, &after.awards),
            }
        };
        Report {
            old: self.sides.old.clone(),
            new: self.sides.new.clone(),
            currency: program.currency.code.clone(),
            period: self.period.map(|(from, to)| Period { from: date_text(from), to: date_text(to) }),
            changed: self.records.changed > 0,
            records,
            refusals: self.refusals.report(),
            totals: Totals {
                initial: turnover(|of| of.initial),
                discount: turnover(|of| of.discount),
                paid: turnover(|of| of.paid),
                total: turnover(|of| of.total),
                awards: self.awards(&old.total.awards, &new.total.awards),
            },
            effects: self.effects(&|_, _| true),
            rules: self.rows(true),
            groups: self.rows(false),
            months: months.into_iter().map(month).collect(),
            segments: self.segments(),
            measures: self.measures.report(),
            hunks: self.hunk_reports(),
            causes: self.causes.report(&self.names),
            warnings: self.warnings(),
            budgets: Budgets {
                old: self.old.uses.report(Which::Old, &self.names, self.engines.old.program()),
                new: self.new.uses.report(Which::New, &self.names, program),
            },
        }
    }

    /// The accounts of both programs, with the amounts of each, by its own numbers.
    fn awards(&self, before: &[i128], after: &[i128]) -> Vec<AwardChange> {
        let amount = |which: Which, unit: usize, name: &str, of: &[i128]| {
            let accounts = &self.engines.of(which).program().accounts;
            let own = accounts.iter().position(|account| account.name == name).and_then(|at| of.get(at));
            own.copied().unwrap_or(0).saturating_mul(self.names.scaled(which, unit, 1))
        };
        let awards = self.names.units.iter().enumerate().filter(|(_, unit)| unit.sort == Sort::Award);
        awards
            .map(|(at, unit)| AwardChange {
                account: unit.name.clone(),
                unit: unit.word.clone(),
                amount: Flat(Change {
                    before: amount(Which::Old, at, &unit.name, before),
                    after: amount(Which::New, at, &unit.name, after),
                    decimals: unit.decimals,
                }),
            })
            .collect()
    }

    /// What rules give that are `of` something, by sort.
    fn effects(&self, of: &dyn Fn(Which, Option<usize>) -> bool) -> Vec<EffectRow> {
        let mut sums: Pair<BTreeMap<usize, i128>> = Pair::default();
        for which in Which::BOTH {
            for ((_, unit), amount) in self.effects.of(which).iter().filter(|((rule, _), _)| of(which, *rule))
            {
                *sums.of_mut(which).entry(*unit).or_default() += amount;
            }
        }
        let row = |(at, unit): (usize, &facts::Unit)| {
            let amount = |which: Which| sums.of(which).get(&at).copied().unwrap_or(0);
            let change =
                Change { before: amount(Which::Old), after: amount(Which::New), decimals: unit.decimals };
            (change.before != 0 || change.after != 0).then(|| EffectRow {
                kind: unit.sort.word(),
                of: unit.name.clone(),
                unit: unit.word.clone(),
                amount: Flat(change),
            })
        };
        self.names.units.iter().enumerate().filter_map(row).collect()
    }

    /// Rules, or groups, as the summaries have them.
    fn rows(&self, rules: bool) -> Vec<Row> {
        let named = if rules { &self.names.rules } else { &self.names.groups };
        let mut sums: Pair<Vec<Given>> =
            Pair { old: vec![Given::default(); named.len()], new: vec![Given::default(); named.len()] };
        for (which, run) in [(Which::Old, &self.old), (Which::New, &self.new)] {
            let of = if rules { &run.summary.rules } else { &run.summary.groups };
            for (given, number) in of.iter().zip(0_u32..) {
                let at = match rules {
                    true => self.names.rule(which, perq_compiler::ir::RuleId(number)),
                    false => self.names.group(which, perq_compiler::ir::GroupId(number)),
                };
                if let Some(sum) = at.and_then(|at| sums.of_mut(which).get_mut(at)) {
                    sum.add(given);
                }
            }
        }
        let decimals = self.engines.new.program().currency.decimals;
        let row = |(at, name): (usize, &facts::Named)| {
            let none = Given::default();
            let before = sums.old.get(at).unwrap_or(&none);
            let after = sums.new.get(at).unwrap_or(&none);
            let count = |of: fn(&Given) -> u64| Count { before: of(before), after: of(after) };
            Row {
                name: name.name.clone(),
                title: name.title.clone(),
                group: name.group.and_then(|group| Some(self.names.groups.get(group)?.name.clone())),
                there: match (name.there.old, name.there.new) {
                    (true, false) => "old",
                    (false, true) => "new",
                    (true, true) | (false, false) => "both",
                },
                hunks: match rules {
                    true => self.hunks.of_rule(&name.name).to_vec(),
                    false => self.hunks.of_group(&name.name).to_vec(),
                },
                events: count(|of| of.events),
                displaced: count(|of| of.displaced),
                cut: count(|of| of.cut),
                errors: count(|of| of.errors),
                discount: Change { before: before.discount, after: after.discount, decimals },
                awards: self.awards(&before.awards, &after.awards),
                effects: {
                    let is_of = |which: Which, rule: Option<usize>| match rules {
                        true => rule == Some(at),
                        false => rule.is_some_and(|rule| self.names.group_of_rule(which, rule) == Some(at)),
                    };
                    let mut effects = self.effects(&is_of);
                    effects.retain(|effect| !["discount", "award"].contains(&effect.kind));
                    effects
                },
            }
        };
        named.iter().enumerate().map(row).collect()
    }

    fn segments(&self) -> Vec<SegmentRow> {
        let mut keys: Vec<(PartKey, &str, String, Option<String>)> = Vec::new();
        if let Some(asking) = &self.asking.new {
            for (at, segment) in asking.segments.iter().enumerate() {
                keys.push(((0, at), "segment", segment.name.clone(), segment.title.clone()));
            }
            keys.push(((0, asking.segments.len()), "segment", "none".to_owned(), None));
        }
        for (at, (_, name, values)) in self.levels.iter().enumerate() {
            let names = values.iter().cloned().chain(["none".to_owned()]);
            keys.extend(
                names.enumerate().map(|(level, value)| ((at + 1, level), name.as_str(), value, None)),
            );
        }
        let decimals = self.engines.new.program().currency.decimals;
        let none = InPart::default();
        let row = |(key, by, name, title): (PartKey, &str, String, Option<String>)| {
            let found = self.parts.get(&key).unwrap_or(&none);
            let amount = |unit: usize, decimals: u8| {
                let of = |which: Which| found.sums.of(which).get(&unit).copied().unwrap_or(0);
                Change { before: of(Which::Old), after: of(Which::New), decimals }
            };
            let awards = self.names.units.iter().enumerate().filter(|(_, unit)| unit.sort == Sort::Award);
            SegmentRow {
                by: by.to_owned(),
                name,
                title,
                events: found.events,
                changed: found.changed,
                discount: amount(0, decimals),
                awards: awards
                    .map(|(at, unit)| AwardChange {
                        account: unit.name.clone(),
                        unit: unit.word.clone(),
                        amount: Flat(amount(at, unit.decimals)),
                    })
                    .collect(),
            }
        };
        keys.into_iter().map(row).collect()
    }

    fn hunk_reports(&self) -> Vec<HunkReport> {
        let spot = |spot: &hunks::Spot| SpotReport {
            file: spot.file.clone(),
            line: spot.line,
            text: spot.text.clone(),
        };
        let report = |hunk: &hunks::Hunk| HunkReport {
            what: hunk.what,
            name: hunk.name.clone(),
            how: hunk.how.word(),
            old: hunk.old.as_ref().map(spot),
            new: hunk.new.as_ref().map(spot),
        };
        self.hunks.list.iter().map(report).collect()
    }

    fn warnings(&self) -> Vec<Warning> {
        let warning =
            |((which, what, rule, error), (events, examples)): (&FailureKey, &(u64, Vec<String>))| {
                let rule = rule.and_then(|rule| self.names.rules.get(rule));
                Warning {
                    side: which.word(),
                    what,
                    rule: rule.map(|rule| rule.name.clone()),
                    error: (*error).to_owned(),
                    events: *events,
                    examples: examples.clone(),
                }
            };
        self.failures.iter().map(warning).collect()
    }
}

impl Side {
    fn texts(&self) -> Texts<'_> {
        Texts {
            program: self.engine.program(),
            sources: self.sources.as_ref(),
            folder: &self.folder,
            parameters: &self.parameters,
        }
    }

    fn report(&self) -> SideReport {
        let program = self.engine.program();
        SideReport {
            source: self.source.clone(),
            program: program.name.clone(),
            version: program.version,
            pack: self.engine.pack().short_hash(),
            rules: program.rules.len(),
        }
    }
}

impl<'r> Step<'r> {
    /// Why it is refused, and on which line that stands.
    fn refused(&self, record: &Taken<'_>) -> Option<(u64, &RecordError)> {
        match self {
            Step::Decided(..) => None,
            Step::Refused(error) => Some((record.line_of(error), error)),
        }
    }

    fn event(&self) -> Option<&'r ReadEvent> {
        match self {
            Step::Decided(event, _) => Some(event),
            Step::Refused(_) => None,
        }
    }
}

/// Changes of segments that both sides can be asked.
fn segments_written(hunks: &Hunks, asking: &Pair<Option<Asking>>) -> Vec<(usize, Pair<usize>)> {
    let position = |asking: &Option<Asking>, name: &str| {
        asking.as_ref()?.segments.iter().position(|segment| segment.name == name)
    };
    let of = |(at, hunk): (usize, &hunks::Hunk)| {
        let place = Pair { old: position(&asking.old, &hunk.name)?, new: position(&asking.new, &hunk.name)? };
        (hunk.what == "segment").then_some((at, place))
    };
    hunks.list.iter().enumerate().filter_map(of).collect()
}

impl Asking {
    fn of(asks: Asks) -> Asking {
        Asking {
            session: asks.engine.session(),
            reader: Reader::new(),
            event: ReadEvent::default(),
            segments: asks.segments,
            slots: asks.slots,
        }
    }

    /// The segments that an event lies in; the number after the last for one that lies in none.
    fn ask(&mut self, record: &Taken<'_>) -> Vec<usize> {
        let Asking { session, reader, event, segments, slots } = self;
        let engine = session.engine().clone();
        let Ok(json) = &record.json else { return Vec::new() };
        if reader.read(engine.schema(), json, event).is_err() {
            return Vec::new();
        }
        session.decide_read(reader, event);
        let kind = event.record.kind.index();
        let lies = |slots: &Vec<SlotId>| {
            let slot = slots.get(kind).and_then(|slot| event.record.event.get(slot.index()));
            slot.copied() == Some(1)
        };
        let found: Vec<usize> = slots.iter().enumerate().filter(|(_, s)| lies(s)).map(|(at, _)| at).collect();
        if found.is_empty() { vec![segments.len()] } else { found }
    }
}

/// Fields of members that are ordered enumerations, or that tiers govern.
fn levels_of(program: &perq_compiler::ir::Program) -> Vec<(SlotId, String, Vec<String>)> {
    let mut out = Vec::new();
    for (slot, at) in program.layout.event.iter().zip(0_u32..) {
        let (SlotType::Enum(id), RecordKind::Member) = (slot.ty, slot.record) else { continue };
        let governed = program.instruments.tiers.iter().any(|tiers| tiers.slot == SlotId(at));
        if let Some(levels) = program.enums.get(id.index()).filter(|levels| levels.ordered || governed) {
            out.push((SlotId(at), slot.name.clone(), levels.values.clone()));
        }
    }
    out
}

/// What fails with an event on one side: the sort of failure, the rule, and its name.
fn failures_of(
    which: Which,
    names: &Names,
    step: &Step<'_>,
) -> BTreeSet<(&'static str, Option<usize>, &'static str)> {
    let mut out = BTreeSet::new();
    match step {
        Step::Refused(error) => {
            out.insert(("record", None, error.name()));
        }
        Step::Decided(event, decision) => {
            let mut waiting = vec![*decision];
            while let Some(decision) = waiting.pop() {
                waiting.extend(&decision.raised);
                out.extend(
                    decision
                        .faults
                        .iter()
                        .map(|fault| ("rule", names.rule(which, fault.rule), fault_name(fault.kind))),
                );
                if let Some(refused) = &decision.refused {
                    let rule = names.rule(which, refused.redemption);
                    out.insert(("receipt", rule, refused_name(refused.why)));
                }
            }
            if let Some(Err(refused)) = &event.returned {
                out.insert(("receipt", None, refused.name()));
            }
        }
    }
    out
}
