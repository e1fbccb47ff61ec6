//! Runs the `test` blocks of a program: each event through the same reader as real input, each decision against what
//! the block expects.
//!
//! Knows what a test says and refuses to know how it is shown: outcomes are data with places. Where two engines are
//! asked, they must give the same decision.

use crate::catalogue::{Catalogue, CatalogueBuilder, CatalogueError};
use crate::clock::{Moment, Zone};
use crate::contacts::{As, Pool};
use crate::decimal;
use crate::engine::{DatedValues, parameters_of, value_at};
#[cfg(feature = "native")]
use crate::native::{self, Native};
use crate::record::{ReadEvent, ReadOptions, Reader, Schema};
use crate::returns;
use crate::state::instruments::{self, Outcome as CodeOutcome};
use crate::state::life::moved;
use crate::state::{Memory, State, review};
use perq_compiler::evaluate::spread::over_pieces;
use perq_compiler::evaluate::{
    Bindings, Claimed, Code, CutBy, Decision, Effect, FUEL, HiddenWhy, Kept, LineTotal, Plan, Proposals,
    Record, RefusedWhy, Reviewer, Workspace, answered, evaluate, evaluate_again,
};
use perq_compiler::interpret::marks::Marks;
use perq_compiler::interpret::{self, Interpreter};
use perq_compiler::ir::SiteKind;
use perq_compiler::ir::contacts::CONTACT;
use perq_compiler::ir::{
    AccountId, FaultKind, FunctionId, InstrumentId, LimitOf, ParamId, Program, RuleId, Saying, SiteId,
    SlotId, Span, Telling, Verified, event_slot, line_slot,
};
use perq_compiler::pipeline;
use perq_compiler::sources::SourceMap;
use perq_compiler::typed::{
    self, ExpectScope, Expectation, LineRef, TestBody, TestRecord, TestStep, TestValue,
};
use perq_grammar::diagnostic::Place;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// Which engines decide the events of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engines {
    /// The interpreter.
    Interpreter,
    /// Native code.
    Native,
    /// Both, where native code is built in; their decisions must be equal.
    Both,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The test's name.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// What did not hold; a test without any has passed.
    pub mismatches: Vec<Mismatch>,
    /// The rules that gave something in one of its events.
    pub fired: BTreeSet<RuleId>,
    /// The rules that failed in one of its events.
    pub failed: BTreeSet<RuleId>,
    /// The offers that one of its sessions shows, of the program's.
    pub offered: BTreeSet<u32>,
    /// How many exact amounts it asserts.
    pub figures: usize,
    /// The values of the rows of tables and arms of choices that its events come by; nothing unless that was asked for.
    pub reached: BTreeSet<Place>,
}

impl Outcome {
    /// Whether everything held.
    pub fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }
}

/// Something that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The expectation, or the event that could not be decided.
    pub place: Place,
    /// What should be.
    pub expected: String,
    /// What is.
    pub got: String,
    /// The whole decision for people, where there is one.
    pub decision: Option<String>,
}

/// Why tests cannot be run at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTrials(pub String);

impl std::fmt::Display for NoTrials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoTrials {}

/// The tests of a program, ready to run.
pub struct Trials<'p> {
    typed: &'p typed::Program,
    sources: &'p SourceMap,
    engines: Engines,
    /// Parameters of a deployment.
    given: Vec<(String, String)>,
    ready: Ready,
    /// Tests tell which arms they come by.
    marking: bool,
}

/// A program with the engines that decide its events.
struct Ready {
    program: Arc<Verified>,
    params: Vec<DatedValues>,
    /// The arms of the program, where it is asked which of them events come by.
    arms: Option<(Vec<Place>, Arc<Marks>)>,
    interpreter: Option<Interpreter>,
    #[cfg(feature = "native")]
    native: Option<Native>,
}

impl<'p> Trials<'p> {
    /// Prepares the engines.
    ///
    /// # Errors
    /// Where native code is asked for and cannot be had.
    pub fn new(
        typed: &'p typed::Program,
        sources: &'p SourceMap,
        program: Arc<Verified>,
        engines: Engines,
    ) -> Result<Trials<'p>, NoTrials> {
        let ready = Ready::new(program, engines)?;
        Ok(Trials { typed, sources, engines, given: Vec::new(), ready, marking: false })
    }

    /// The tests of a program without errors, on the interpreter, with what they reach of its tables and choices.
    ///
    /// # Errors
    /// Where the program cannot be compiled for it.
    pub fn marking(typed: &'p typed::Program, sources: &'p SourceMap) -> Result<Trials<'p>, NoTrials> {
        let ready = Ready::marking(typed, sources)?;
        let engines = Engines::Interpreter;
        Ok(Trials { typed, sources, engines, given: Vec::new(), ready, marking: true })
    }

    /// Sets parameters of a deployment; what a test itself sets stands in front of them.
    ///
    /// # Errors
    /// Where the program has no such parameter, or the value does not fit it.
    pub fn parameters(mut self, given: &[(String, String)]) -> Result<Trials<'p>, NoTrials> {
        self.ready = self.ready.parameters(given)?;
        self.given = given.to_vec();
        Ok(self)
    }

    /// Runs every test, in the order of the text.
    pub fn run_all(&self) -> Vec<Outcome> {
        self.typed.tests.iter().map(|test| self.run(test)).collect()
    }

    /// Runs one test of this program.
    pub fn run(&self, test: &typed::Test) -> Outcome {
        let run = |ready: &Ready, steps| {
            let mut run = Run::new(ready);
            let mismatches = run.run(steps);
            // A test's own rules come after those of the program, and are no rules of the program.
            run.fired.retain(|rule| rule.index() < self.typed.rules.len());
            run.failed.retain(|rule| rule.index() < self.typed.rules.len());
            run.offered.retain(|offer| (*offer as usize) < self.typed.offers.list.len());
            (mismatches, (run.fired, run.failed, run.offered, ready.reached()))
        };
        let (mismatches, (fired, failed, offered, reached)) = match &test.body {
            TestBody::Rejects { expected, found } => {
                (rejects(test.place, expected, found), Default::default())
            }
            TestBody::Runs(steps) => match self.own(test) {
                Ok(None) => run(&self.ready, steps),
                Ok(Some(own)) => run(&own, steps),
                Err(NoTrials(got)) => {
                    let expected = "a test that can be run".to_owned();
                    let mismatch = Mismatch { place: test.place, expected, got, decision: None };
                    (vec![mismatch], Default::default())
                }
            },
        };
        let figures = match &test.body {
            TestBody::Rejects { .. } => 0,
            TestBody::Runs(steps) => steps.iter().filter(|step| is_figure(step)).count(),
        };
        let (name, place) = (test.name.clone(), test.place);
        Outcome { name, place, mismatches, fired, failed, offered, figures, reached }
    }

    /// The program of a test that adds to the one under test.
    fn own(&self, test: &typed::Test) -> Result<Option<Ready>, NoTrials> {
        let Some(own) = &test.own else { return Ok(None) };
        if self.marking {
            return Ready::marking(own, self.sources)?.parameters(&self.given).map(Some);
        }
        let program = pipeline::compile_own(own, self.sources).map_err(NoTrials)?;
        Ready::new(Arc::new(program), self.engines)?.parameters(&self.given).map(Some)
    }
}

impl Ready {
    fn new(program: Arc<Verified>, engines: Engines) -> Result<Ready, NoTrials> {
        let interpreter = match engines {
            Engines::Interpreter | Engines::Both => Some(Interpreter::new(Arc::clone(&program))),
            Engines::Native => None,
        };
        #[cfg(feature = "native")]
        let native = match engines {
            Engines::Interpreter => None,
            Engines::Native | Engines::Both => Some(
                Native::new(Arc::clone(&program), native::Options::default())
                    .map_err(|error| NoTrials(error.to_string()))?,
            ),
        };
        #[cfg(not(feature = "native"))]
        if engines == Engines::Native {
            return Err(NoTrials("this perq was built without native code".to_owned()));
        }
        Ok(Ready {
            params: program.params.iter().map(|param| param.values.clone()).collect(),
            program,
            arms: None,
            interpreter,
            #[cfg(feature = "native")]
            native,
        })
    }

    /// A program as it is written, whose interpreter marks the arms that it comes by.
    fn marking(typed: &typed::Program, sources: &SourceMap) -> Result<Ready, NoTrials> {
        let (program, marks) = pipeline::compile_marked(typed, sources).map_err(NoTrials)?;
        let marks = Arc::new(marks);
        let ready = Ready::new(Arc::new(program), Engines::Interpreter)?;
        let interpreter = ready.interpreter.map(|interpreter| interpreter.marking(Arc::clone(&marks)));
        Ok(Ready { interpreter, arms: Some((typed.arms(), marks)), ..ready })
    }

    /// The arms that were met since this was asked last.
    fn reached(&self) -> BTreeSet<Place> {
        let Some((arms, marks)) = &self.arms else { return BTreeSet::new() };
        marks.take().into_iter().filter_map(|position| arms.get(position).copied()).collect()
    }

    fn parameters(mut self, given: &[(String, String)]) -> Result<Ready, NoTrials> {
        if !given.is_empty() {
            self.params = parameters_of(&self.program, given).map_err(|error| NoTrials(error.to_string()))?;
        }
        Ok(self)
    }
}

/// Whether a step asserts an exact amount.
fn is_figure(step: &TestStep) -> bool {
    match step {
        TestStep::Expect(expectation, _) => match expectation {
            Expectation::LimitedTo { .. }
            | Expectation::Award { .. }
            | Expectation::Discount { .. }
            | Expectation::Issue { count: Some(_), .. }
            | Expectation::Withdrawn { count: Some(_), .. }
            | Expectation::Gift { .. }
            | Expectation::Debit { .. }
            | Expectation::Balance { .. }
            | Expectation::Total(_)
            | Expectation::Tax(..)
            | Expectation::NetTotal(_)
            | Expectation::Shown(_, Some(_))
            | Expectation::Contacts(_)
            | Expectation::Offers(_) => true,
            Expectation::Nothing
            | Expectation::Fires(_)
            | Expectation::Silent(_)
            | Expectation::DisplacedBy(..)
            | Expectation::Refused(_)
            | Expectation::Issue { count: None, .. }
            | Expectation::Coupon(..)
            | Expectation::Withdrawn { count: None, .. }
            | Expectation::Said { .. }
            | Expectation::Badge(..)
            | Expectation::Tier(..)
            | Expectation::Fails(..)
            | Expectation::Shown(_, None)
            | Expectation::Hidden(..)
            | Expectation::Keeps(..)
            | Expectation::Holds { .. } => false,
        },
        TestStep::Member(_)
        | TestStep::Table { .. }
        | TestStep::Event { .. }
        | TestStep::After(_)
        | TestStep::With(..) => false,
    }
}

fn rejects(place: Place, expected: &str, found: &[String]) -> Vec<Mismatch> {
    if found.iter().any(|name| name == expected) {
        return Vec::new();
    }
    let got = match found {
        [] => "nothing is wrong with it".to_owned(),
        names => names.join(", "),
    };
    vec![Mismatch { place, expected: expected.to_owned(), got, decision: None }]
}

/// A catalogue bound to the program.
struct Bound {
    schema: Schema,
    plan: Plan,
}

/// By check of the test's program: whether it holds, or why it could not be worked out.
type Checks = Vec<Result<bool, FaultKind>>;

/// What an event gave.
#[derive(Clone, PartialEq)]
struct Decided {
    event: ReadEvent,
    decision: Decision,
    /// The member's badges and levels, once it was kept.
    badges: Vec<u32>,
    levels: Vec<Option<i64>>,
    checks: Checks,
}

/// One test while it runs.
struct Run<'t> {
    ready: &'t Ready,
    member: Option<&'t TestRecord>,
    tables: Vec<(&'t str, &'t str, &'t TestRecord)>,
    params: Vec<(ParamId, i64)>,
    bound: Option<Bound>,
    events: usize,
    last: Option<Decided>,
    /// The instant that the test has come to, and what the local clock shows then.
    clock: Option<Moment>,
    zone: Zone,
    offered: BTreeSet<u32>,
    fired: BTreeSet<RuleId>,
    failed: BTreeSet<RuleId>,
    state: Memory,
    /// Contacts that the test proposes, and those that were made.
    pool: Pool,
    workspaces: Workspaces,
}

impl<'t> Run<'t> {
    fn new(ready: &'t Ready) -> Run<'t> {
        Run {
            ready,
            member: None,
            tables: Vec::new(),
            params: Vec::new(),
            bound: None,
            events: 0,
            last: None,
            clock: None,
            // Readers refuse programs of zones that are not known.
            zone: Zone::named(&ready.program.zone).unwrap_or_else(Zone::universal),
            fired: BTreeSet::new(),
            failed: BTreeSet::new(),
            offered: BTreeSet::new(),
            state: Memory::new(Arc::clone(&ready.program)),
            pool: Pool::new(&ready.program),
            workspaces: Workspaces::default(),
        }
    }

    fn run(&mut self, steps: &'t [TestStep]) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        for (at_step, step) in steps.iter().enumerate() {
            match step {
                TestStep::Member(record) => self.member = Some(record),
                TestStep::Table { kind, id, record } => {
                    self.tables.push((kind, id, record));
                    self.bound = None;
                }
                TestStep::With(param, value) => {
                    self.params.retain(|(other, _)| other != param);
                    self.params.push((*param, *value));
                }
                TestStep::Event { kind, id, of, at, record, earlier, place } => {
                    let name = self.ready.program.events.get(kind.index()).map_or("", |event| &event.name);
                    let json = self.json(name, (id.as_deref(), of.as_deref()), at, record);
                    // What was sent is worked out as what is proposed, for the plans to see it.
                    let sent =
                        earlier.is_some() && name == CONTACT && !self.ready.program.contacts.plans.is_empty();
                    if sent {
                        if let Err((expected, got)) = self.decide(&json) {
                            mismatches.push(Mismatch { place: *place, expected, got, decision: None });
                            return mismatches;
                        }
                        self.pool.make();
                        continue;
                    }
                    if let Some(paid) = earlier {
                        if let Err((expected, got)) = self.keep_earlier(&json, *paid) {
                            mismatches.push(Mismatch { place: *place, expected, got, decision: None });
                            return mismatches;
                        }
                        continue;
                    }
                    let result = self.decide(&json);
                    self.last = match result {
                        Ok(decided) => {
                            let at = decided.event.record.event.get(event_slot::AT.index()).copied();
                            self.clock = at.map(|at| self.zone.moment_at(at));
                            let rest = steps.get(at_step.saturating_add(1)..).unwrap_or(&[]);
                            let view = View { program: &self.ready.program, decided: &decided };
                            mismatches.extend(view.broken(rest, *place));
                            Some(decided)
                        }
                        Err((expected, got)) => {
                            // What follows would only say again that there is no decision.
                            mismatches.push(Mismatch { place: *place, expected, got, decision: None });
                            return mismatches;
                        }
                    };
                }
                TestStep::After(span) => {
                    self.clock = self.clock.map(|clock| {
                        let at = match span {
                            Span::Seconds(seconds) => clock.instant.saturating_add(*seconds),
                            Span::Days(_) | Span::Months(_) => {
                                self.zone.instant_of(moved(clock.date, *span), clock.time)
                            }
                        };
                        self.zone.moment_at(at)
                    });
                }
                TestStep::Expect(Expectation::Balance { account, of, amount }, place) => {
                    mismatches.extend(self.balance(*account, of.as_deref(), *amount, *place));
                }
                TestStep::Expect(Expectation::Contacts(ids), place) => {
                    mismatches.extend(self.chosen(ids, *place));
                }
                TestStep::Expect(expectation, place) => match &self.last {
                    Some(decided) => {
                        let view = View { program: &self.ready.program, decided };
                        mismatches.extend(view.check(expectation, *place));
                    }
                    None => mismatches.push(Mismatch {
                        place: *place,
                        expected: "an event before the expectation".to_owned(),
                        got: "there is none".to_owned(),
                        decision: None,
                    }),
                },
            }
        }
        mismatches
    }

    /// Whether these contacts are chosen of all that were proposed.
    fn chosen(&self, ids: &[String], place: Place) -> Option<Mismatch> {
        let said = |ids: &[String]| match ids {
            [] => "contacts nothing".to_owned(),
            ids => format!(
                "contacts {}",
                ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ")
            ),
        };
        let got = match self.pool.choose(&self.ready.program) {
            Ok(chosen) if chosen == ids => return None,
            Ok(chosen) => said(&chosen),
            Err(why) => why,
        };
        Some(Mismatch { place, expected: said(ids), got, decision: None })
    }

    /// Whether a balance is as expected, at the time that the test has come to.
    fn balance(&self, account: AccountId, of: Option<&str>, amount: i64, place: Place) -> Option<Mismatch> {
        let decided = self.last.as_ref()?;
        let view = View { program: &self.ready.program, decided };
        let name = self.ready.program.accounts.get(account.index()).map_or("?", |account| &account.name);
        let whose = of.map_or_else(String::new, |of| format!(" of \"{of}\""));
        let said = |amount: i64| format!("balance {name}{whose} = {}", view.amount(Some(account), amount));
        let got = match (of.or(decided.event.member()), self.clock) {
            (Some(member), Some(clock)) => {
                let balance = self.state.balance(member, account, clock.instant);
                if balance == amount {
                    return None;
                }
                said(balance)
            }
            (None, _) | (_, None) => "the last event has no member with an id".to_owned(),
        };
        Some(Mismatch { place, expected: said(amount), got, decision: Some(view.text()) })
    }

    /// The event as a host would send it.
    fn json(
        &mut self,
        kind: &str,
        (id, of): (Option<&str>, Option<&str>),
        at: &str,
        record: &TestRecord,
    ) -> String {
        self.events += 1;
        let mut event = Map::new();
        let id = id.map_or_else(|| format!("event-{}", self.events), str::to_owned);
        event.insert("id".to_owned(), Value::String(id));
        event.insert("kind".to_owned(), Value::String(kind.to_owned()));
        if let Some(of) = of {
            event.insert("of".to_owned(), Value::String(of.to_owned()));
        }
        event.insert("at".to_owned(), Value::String(at.to_owned()));
        if let Some(member) = self.member {
            let mut fields = fields(member);
            if let Some(id) = &member.id {
                fields.insert("id".to_owned(), Value::String(id.clone()));
            }
            event.insert("member".to_owned(), Value::Object(fields));
        }
        let rows = |records: &[TestRecord]| records.iter().map(|row| Value::Object(fields(row))).collect();
        event.insert("lines".to_owned(), Value::Array(rows(&record.lines)));
        if !record.payments.is_empty() {
            event.insert("payments".to_owned(), Value::Array(rows(&record.payments)));
        }
        event.extend(fields(record));
        // `member = none`: an anonymous receipt among those of a member.
        if event.get("member").and_then(Value::as_str) == Some("none") {
            event.insert("member".to_owned(), Value::Null);
        }
        Value::Object(event).to_string()
    }

    /// Reads an event with the tables of the test.
    fn read(&mut self, json: &str) -> Result<(ReadEvent, Reader), (String, String)> {
        let refused = |expected: &str, got: &dyn std::fmt::Display| (expected.to_owned(), got.to_string());
        let program: &Program = &self.ready.program;
        let bound = match self.bound.take() {
            Some(bound) => bound,
            None => {
                let catalogue = catalogue(program, &self.tables)
                    .map_err(|error| refused("tables that can be read", &error))?;
                let schema = Schema::new(program, &catalogue, ReadOptions::default())
                    .map_err(|error| refused("tables that the program can read", &error))?;
                let plan = Plan::new(program, schema.bindings());
                Bound { schema, plan }
            }
        };
        let bound = self.bound.insert(bound);
        let mut event = ReadEvent::default();
        let mut reader = Reader::new();
        reader.read(&bound.schema, json.as_bytes(), &mut event).map_err(|error| {
            let field = if error.field.is_empty() { String::new() } else { format!("`{}`: ", error.field) };
            refused(
                "an event that the program can read",
                &format!("{field}{} [{}]", error.message, error.name()),
            )
        })?;
        Ok((event, reader))
    }

    /// Keeps an event that was not decided here: what was paid is what the test says, else the sum of its lines.
    fn keep_earlier(&mut self, json: &str, paid: Option<i64>) -> Result<(), (String, String)> {
        let (event, reader) = self.read(json)?;
        let slot =
            |line: &[i64], slot: perq_compiler::ir::SlotId| line.get(slot.index()).copied().unwrap_or(0);
        let lines = event.record.lines.chunks_exact(event.record.line_width.max(1)).map(|line| {
            let initial = slot(line, line_slot::INITIAL);
            LineTotal { initial, paid: initial, tax: 0 }
        });
        let mut decision = Decision { lines: lines.collect(), ..Decision::default() };
        let initial = slot(&event.record.event, event_slot::BASKET_INITIAL);
        decision.totals.initial = initial;
        decision.totals.paid = paid.unwrap_or(initial);
        decision.totals.total = decision.totals.paid;
        if let Some(bound) = &self.bound {
            let bindings = bound.schema.bindings();
            decision.answered = answered(&self.ready.program, bindings, &event.record);
            self.state.keep(&bound.schema, &reader, &event, &decision);
            self.state.undecided(event.id());
        }
        Ok(())
    }

    /// Decides an event on every engine.
    fn decide(&mut self, json: &str) -> Result<Decided, (String, String)> {
        let refused = |expected: &str, got: &dyn std::fmt::Display| (expected.to_owned(), got.to_string());
        let (mut event, mut reader) = self.read(json)?;
        let program: &Program = &self.ready.program;
        let Some(bound) = &self.bound else { return Err(refused("tables", &"there are none")) };
        let mut asked = Asked { ready: self.ready, set: &self.params, disagree: None };
        let bindings = bound.schema.bindings();
        let workspaces = &mut self.workspaces;
        // First of all: a return may learn from its purchase whose it is.
        let kept = (&bound.schema, &mut reader);
        returns::before(program, &self.state, kept, &mut event, &mut |record, claimed, kept| {
            asked.again(bound, workspaces, record, claimed, kept)
        });
        let kept = (&bound.schema, &mut reader);
        let tiers = review::before(program, &mut self.state, kept, &event, &mut |record, functions| {
            asked.ask(bindings, workspaces, record, functions)
        });
        let params = params_of(&self.ready.params, &event.record, &self.params);
        let claimed = self.state.see(&bound.schema, &mut reader, &mut event);
        returns::show(program, &mut event);
        let seen = returns::Corrected::new(&*claimed, &event);
        let mut decisions: Vec<(&str, (Decision, Checks))> = Vec::new();
        if let Some(interpreter) = &self.ready.interpreter {
            let memory = &mut self.workspaces.interpreter;
            let decision = settle(program, bound, &mut event, (&params, &seen), interpreter, memory);
            decisions.push(("interpreter", decision));
        }
        #[cfg(feature = "native")]
        if let Some(native) = &self.ready.native {
            let memory = &mut self.workspaces.native;
            let before = asked_of_contact(program, &event);
            let decision = settle(program, bound, &mut event, (&params, &seen), native, memory);
            if !decisions.is_empty() && before != asked_of_contact(program, &event) {
                let expected = "the same contact from both engines".to_owned();
                return Err((
                    expected,
                    "they differ, which is a mistake of perq; please report it".to_owned(),
                ));
            }
            decisions.push(("native", decision));
        }
        drop(claimed);
        let mut decisions = decisions.into_iter();
        let Some((name, (decision, checks))) = decisions.next() else {
            return Err(refused("an engine", &"there is none"));
        };
        let mut decided = Decided { event, decision, badges: Vec::new(), levels: Vec::new(), checks };
        for (other_name, (decision, checks)) in decisions {
            let event = decided.event.clone();
            let other = Decided { event, decision, badges: Vec::new(), levels: Vec::new(), checks };
            if other != decided {
                let text = |decided: &Decided| View { program, decided }.text();
                return Err((
                    "the same decision from both engines".to_owned(),
                    format!(
                        "they differ, which is a mistake of perq; please report it\n{name}:\n{}\n{other_name}:\n{}",
                        text(&decided),
                        text(&other)
                    ),
                ));
            }
        }
        let Decided { event, decision, badges, levels, checks: _ } = &mut decided;
        let kind = program.events.get(event.record.kind.index()).map(|kind| kind.name.as_str());
        if kind == Some(CONTACT) && !program.contacts.plans.is_empty() {
            let added = self.pool.add(program, &bound.schema, &reader, event, As::Proposed);
            added.map_err(|why| refused("a contact that can be planned", &why))?;
        }
        match returns::is_refused(event) {
            true => returns::refuse(event, decision),
            false => returns::settle(program, event, decision),
        }
        decision.tiers = tiers;
        self.state.keep(&bound.schema, &reader, event, decision);
        self.failed.extend(decision.faults.iter().map(|fault| fault.rule));
        self.fired.extend(decision.acting());
        self.offered
            .extend(decision.offered.iter().flat_map(|offered| &offered.shown).map(|shown| shown.offer));
        let kept = (&bound.schema, &mut reader);
        let workspaces = &mut self.workspaces;
        let lost =
            review::after(program, &mut self.state, kept, event, decision, &mut |record, functions| {
                asked.ask(bindings, workspaces, record, functions)
            });
        let kept = (&bound.schema, &mut reader);
        returns::after(program, &mut self.state, kept, event, &lost, &mut |record, claimed, kept| {
            asked.again(bound, workspaces, record, claimed, kept)
        });
        for (at, mut raised) in review::raised(program, &bound.schema, event, &decision.tiers, &lost) {
            let params = params_of(&self.ready.params, &raised.record, &self.params);
            let claimed = self.state.see(&bound.schema, &mut reader, &mut raised);
            review::levels_then(program, &mut raised.record, &decision.tiers, at);
            let mut found: Vec<Decision> = Vec::new();
            if let Some(code) = &self.ready.interpreter {
                let memory = &mut workspaces.interpreter;
                found.push(settle(program, bound, &mut raised, (&params, &*claimed), code, memory).0);
            }
            #[cfg(feature = "native")]
            if let Some(code) = &self.ready.native {
                let memory = &mut workspaces.native;
                found.push(settle(program, bound, &mut raised, (&params, &*claimed), code, memory).0);
            }
            drop(claimed);
            if found.windows(2).any(|pair| pair[0] != pair[1]) {
                asked.disagree = Some(format!("{found:?}"));
            }
            let Some(one) = found.into_iter().next() else { continue };
            self.state.keep(&bound.schema, &reader, &raised, &one);
            self.failed.extend(one.faults.iter().map(|fault| fault.rule));
            self.fired.extend(one.acting());
            decision.raised.push(one);
            event.raised.push(raised);
        }
        if let Some(disagree) = asked.disagree {
            return Err((
                "the same levels, badges and corrections from both engines".to_owned(),
                format!("they differ, which is a mistake of perq; please report it\n{disagree}"),
            ));
        }
        if let Some(member) = event.member() {
            let all = 0..program.instruments.badges.len() as u32;
            badges.extend(all.filter(|badge| self.state.has_badge(member, *badge)));
            let all = 0..program.instruments.tiers.len() as u32;
            let level = |tiers| self.state.level(tiers, member).map(|standing| standing.level);
            levels.extend(all.map(level));
        }
        Ok(decided)
    }
}

/// Reusable memory of the engines.
#[derive(Default)]
struct Workspaces {
    interpreter: Workspace<interpret::Scratch>,
    #[cfg(feature = "native")]
    native: Workspace<native::Scratch>,
}

/// What the engines say of what is looked at beside the rules.
struct Asked<'t> {
    ready: &'t Ready,
    set: &'t [(ParamId, i64)],
    /// Where they do not agree.
    disagree: Option<String>,
}

impl Asked<'_> {
    fn ask(
        &mut self,
        bindings: &Bindings,
        workspaces: &mut Workspaces,
        record: &mut Record,
        functions: &[FunctionId],
    ) -> Vec<Option<i64>> {
        let program: &Program = &self.ready.program;
        let params = params_of(&self.ready.params, record, self.set);
        let mut found: Vec<(&str, Vec<Option<i64>>)> = Vec::new();
        if let Some(code) = &self.ready.interpreter {
            let (mut own, memory) = (record.clone(), &mut workspaces.interpreter);
            let mut reviewer = Reviewer::new(program, bindings, &mut own, &params, code, memory);
            found.push(("interpreter", functions.iter().map(|id| reviewer.ask(*id)).collect()));
        }
        #[cfg(feature = "native")]
        if let Some(code) = &self.ready.native {
            let (mut own, memory) = (record.clone(), &mut workspaces.native);
            let mut reviewer = Reviewer::new(program, bindings, &mut own, &params, code, memory);
            found.push(("native", functions.iter().map(|id| reviewer.ask(*id)).collect()));
        }
        if let [(one, first), (other, second)] = found.as_slice()
            && first != second
        {
            self.disagree = Some(format!("{one}: {first:?}\n{other}: {second:?}"));
        }
        found.into_iter().next().map_or_else(Vec::new, |(_, found)| found)
    }
}

impl Asked<'_> {
    /// Decides an event again of which goods have come back.
    fn again(
        &mut self,
        bound: &Bound,
        workspaces: &mut Workspaces,
        record: &mut Record,
        claimed: &dyn Claimed,
        kept: &Kept,
    ) -> Decision {
        let program: &Program = &self.ready.program;
        let params = params_of(&self.ready.params, record, self.set);
        let (plan, bindings) = (&bound.plan, bound.schema.bindings());
        let mut found: Vec<(&str, Decision)> = Vec::new();
        if let Some(code) = &self.ready.interpreter {
            let (mut own, memory) = (record.clone(), &mut workspaces.interpreter);
            let mut out = Decision::default();
            evaluate_again(program, plan, bindings, &mut own, &params, claimed, code, memory, &mut out, kept);
            found.push(("interpreter", out));
        }
        #[cfg(feature = "native")]
        if let Some(code) = &self.ready.native {
            let (mut own, memory) = (record.clone(), &mut workspaces.native);
            let mut out = Decision::default();
            evaluate_again(program, plan, bindings, &mut own, &params, claimed, code, memory, &mut out, kept);
            found.push(("native", out));
        }
        if let [(one, first), (other, second)] = found.as_slice()
            && first != second
        {
            self.disagree = Some(format!("{one}: {first:?}\n{other}: {second:?}"));
        }
        found.into_iter().next().map_or_else(Decision::default, |(_, decision)| decision)
    }
}

fn settle<C: Code>(
    program: &Program,
    bound: &Bound,
    event: &mut ReadEvent,
    (params, claimed): (&[i64], &dyn Claimed),
    code: &C,
    workspace: &mut Workspace<C::Scratch>,
) -> (Decision, Checks) {
    let mut record = event.record.clone();
    let mut decision = Decision::default();
    evaluate(
        program,
        &bound.plan,
        bound.schema.bindings(),
        &mut record,
        params,
        claimed,
        code,
        workspace,
        &mut decision,
    );
    let checks = checks(program, bound, &mut record, params, code, &decision);
    // What plans ask of a contact is all that is kept of what was worked out.
    for slot in program.contacts.derived() {
        if let (Some(kept), Some(value)) =
            (event.record.event.get_mut(slot.index()), record.event.get(slot.index()))
        {
            *kept = *value;
        }
    }
    (decision, checks)
}

/// What plans ask of a contact, for holding the engines against each other.
#[cfg(feature = "native")]
fn asked_of_contact(program: &Program, event: &ReadEvent) -> Vec<Option<i64>> {
    program.contacts.derived().map(|slot| event.record.event.get(slot.index()).copied()).collect()
}

/// Works out the conditions of a test's own program, over what settlement left.
fn checks<C: Code>(
    program: &Program,
    bound: &Bound,
    record: &mut Record,
    params: &[i64],
    code: &C,
    decision: &Decision,
) -> Checks {
    let width = record.line_width;
    for (row, line) in decision.lines.iter().enumerate() {
        if let Some(paid) = record.lines.get_mut(row * width + line_slot::PAID.index()) {
            *paid = line.paid;
        }
    }
    if let Some(paid) = record.event.get_mut(event_slot::BASKET_PAID.index()) {
        *paid = decision.totals.paid;
    }
    let mut results = Vec::new();
    let named = |index: usize| {
        let name = typed::Check::name(index);
        program.derivations.iter().find(|derivation| derivation.name == name)
    };
    while let Some(check) = named(results.len()) {
        if !check.events.contains(&record.kind) {
            results.push(Ok(false));
            continue;
        }
        let (mut fuel, mut scratch, mut out) = (FUEL, C::Scratch::default(), Proposals::default());
        let view = record.view(params);
        let run = code.run(check.function, view, bound.schema.bindings(), &mut fuel, &mut scratch, &mut out);
        results.push(run.map(|()| out.derived == Some(1)).map_err(|fault| fault.kind));
    }
    results
}

/// The parameters on the event's day, with what the test sets.
fn params_of(params: &[DatedValues], record: &Record, set: &[(ParamId, i64)]) -> Vec<i64> {
    let day = record.event.get(event_slot::DATE.index()).copied().unwrap_or(0);
    let mut values: Vec<i64> = params.iter().map(|values| value_at(values, day)).collect();
    for (param, value) in set {
        if let Some(slot) = values.get_mut(param.index()) {
            *slot = *value;
        }
    }
    values
}

/// A record's own fields as a JSON object; `card.active` is an object within it.
fn fields(record: &TestRecord) -> Map<String, Value> {
    let mut out = Map::new();
    for (path, row) in &record.lists {
        push(&mut out, path, Value::Object(fields(row)));
    }
    for (path, value) in &record.fields {
        let value = match value {
            TestValue::Text(text) => Value::String(text.clone()),
            TestValue::Bool(truth) => Value::Bool(*truth),
            TestValue::List(names) => Value::Array(names.iter().cloned().map(Value::String).collect()),
        };
        put(&mut out, path, value);
    }
    out
}

/// Puts a value behind those of the list to which a path leads.
fn push(object: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    let entry = object.entry(first.clone()).or_insert(Value::Null);
    if rest.is_empty() {
        match entry {
            Value::Array(list) => list.push(value),
            other => *other = Value::Array(vec![value]),
        }
        return;
    }
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    if let Some(inner) = entry.as_object_mut() {
        push(inner, rest, value);
    }
}

/// Puts a value where a path leads; what stands in its way is replaced.
fn put(object: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        object.insert(first.clone(), value);
        return;
    }
    let entry = object.entry(first.clone()).or_insert(Value::Null);
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    if let Some(inner) = entry.as_object_mut() {
        put(inner, rest, value);
    }
}

/// A CSV table in memory.
#[derive(Default)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<(usize, String)>>,
}

impl Table {
    fn new(columns: &[&str]) -> Table {
        Table { columns: columns.iter().map(|&column| column.to_owned()).collect(), rows: Vec::new() }
    }

    fn column(&mut self, name: &str) -> usize {
        match self.columns.iter().position(|column| column == name) {
            Some(at) => at,
            None => {
                self.columns.push(name.to_owned());
                self.columns.len() - 1
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        let mut line = |cells: &[&str]| {
            let quoted: Vec<String> =
                cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            out.push_str(&quoted.join(","));
            out.push('\n');
        };
        line(&self.columns.iter().map(String::as_str).collect::<Vec<_>>());
        for row in &self.rows {
            let mut cells = vec![""; self.columns.len()];
            for (at, cell) in row {
                if let Some(slot) = cells.get_mut(*at) {
                    *slot = cell;
                }
            }
            line(&cells);
        }
        out.into_bytes()
    }
}

/// The tables that a test gives. A later product of the same sku takes the place of the earlier one.
fn catalogue(program: &Program, given: &[(&str, &str, &TestRecord)]) -> Result<Catalogue, CatalogueError> {
    let mut products = Table::new(&["sku"]);
    let mut others: Vec<(&str, Table)> = Vec::new();
    for (at, (kind, id, record)) in given.iter().enumerate() {
        if *kind == "product" {
            if given.iter().skip(at + 1).any(|(kind, other, _)| *kind == "product" && other == id) {
                continue;
            }
            let mut row = vec![(0, (*id).to_owned())];
            for (path, value) in &record.fields {
                row.push((products.column(&path.join(".")), cell(value)));
            }
            products.rows.push(row);
            continue;
        }
        let known = program.kinds.iter().find(|known| known.name == *kind);
        let columns: &[&str] = match known {
            Some(known) if known.of.is_some() => &["name", "entry"],
            Some(known) if known.hierarchical => &["child", "parent"],
            Some(known) if known.name == "store" => &["name", "zone"],
            Some(_) | None => &["name"],
        };
        let at = match others.iter().position(|(other, _)| other == kind) {
            Some(at) => at,
            None => {
                others.push((kind, Table::new(columns)));
                others.len() - 1
            }
        };
        let Some((_, table)) = others.get_mut(at) else { continue };
        let entries = record.fields.iter().flat_map(|(_, value)| match value {
            TestValue::List(names) => names.clone(),
            TestValue::Text(name) => vec![name.clone()],
            TestValue::Bool(_) => Vec::new(),
        });
        let before = table.rows.len();
        if columns.len() > 1 {
            table.rows.extend(entries.map(|entry| vec![(0, (*id).to_owned()), (1, entry)]));
        }
        if table.rows.len() == before {
            table.rows.push(vec![(0, (*id).to_owned())]);
        }
    }
    let mut builder: CatalogueBuilder = Catalogue::builder();
    if !products.rows.is_empty() {
        builder = builder.products_csv(products.bytes().as_slice())?;
    }
    for (kind, table) in others {
        let known = program.kinds.iter().find(|known| known.name == kind);
        let of = known.and_then(|known| known.of).and_then(|of| program.kinds.get(of.index()));
        let bytes = table.bytes();
        builder = match (known, of) {
            (_, Some(of)) => builder.contents_csv(kind, &of.name, bytes.as_slice())?,
            (Some(known), None) if known.hierarchical => builder.tree_csv(kind, bytes.as_slice())?,
            (Some(known), None) if known.name == "store" => builder.stores_csv(bytes.as_slice())?,
            (Some(_) | None, None) => builder.names_csv(kind, bytes.as_slice())?,
        };
    }
    Ok(builder.build())
}

/// A value as a table writes it.
fn cell(value: &TestValue) -> String {
    match value {
        TestValue::Text(text) => text.clone(),
        TestValue::Bool(truth) => truth.to_string(),
        TestValue::List(names) => names.join("|"),
    }
}

/// A decision with what its numbers mean.
struct View<'v> {
    program: &'v Program,
    decided: &'v Decided,
}

impl View<'_> {
    /// The decision, and those of what the event has brought about.
    fn all(&self) -> impl Iterator<Item = &Decision> {
        std::iter::once(&self.decided.decision).chain(&self.decided.decision.raised)
    }

    fn check(&self, expectation: &Expectation, place: Place) -> Option<Mismatch> {
        let decision = &self.decided.decision;
        let (holds, expected, got) = match expectation {
            Expectation::Nothing => {
                let got = match decision.faults.as_slice() {
                    [] if self.is_refused() => self.refused().unwrap_or_default(),
                    [] => self.given(|_| true, |_| true),
                    _ => "a rule failed".to_owned(),
                };
                let nothing = self.all().all(|decision| {
                    decision.effects.is_empty()
                        && decision.issues.is_empty()
                        && decision.gifts.is_empty()
                        && decision.gift_offers.is_empty()
                        && decision.changes.is_empty()
                        && decision.said.is_empty()
                        && decision.offered.as_ref().is_none_or(|offered| offered.shown.is_empty())
                }) && decision.raised.iter().all(|raised| raised.faults.is_empty())
                    && decision.faults.is_empty()
                    && !self.is_refused();
                (nothing, "nothing".to_owned(), got)
            }
            Expectation::Shown(offer, position) => {
                let shown = self.shown();
                let at = shown.iter().position(|shown| shown == offer).map(|at| at + 1);
                let holds =
                    at.is_some_and(|at| position.is_none_or(|position| usize::try_from(position) == Ok(at)));
                let where_ = position.map_or_else(String::new, |position| format!(" at {position}"));
                (holds, format!("offer `{}` shown{where_}", self.offer(*offer)), self.fate(*offer))
            }
            Expectation::Hidden(offer, by) => {
                let why = self.hidden(*offer);
                let holds = why.is_some_and(|why| by.as_ref().is_none_or(|by| by == why.word()));
                let by = by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
                (holds, format!("offer `{}` hidden{by}", self.offer(*offer)), self.fate(*offer))
            }
            Expectation::Offers(offers) => {
                let names = |offers: &[u32]| {
                    let names: Vec<&str> = offers.iter().map(|offer| self.offer(*offer)).collect();
                    if names.is_empty() {
                        "no offers".to_owned()
                    } else {
                        format!("offers {}", names.join(", "))
                    }
                };
                let shown = self.shown();
                (shown == *offers, names(offers), names(&shown))
            }
            // Asked of all contacts of a test together, before this.
            Expectation::Contacts(_) => (true, String::new(), String::new()),
            Expectation::Fires(rule) => {
                let fires = self.fires(*rule);
                (fires, format!("rule `{}` has an effect", self.rule(*rule)), self.why_silent(*rule))
            }
            Expectation::Silent(rule) => {
                let silent = !self.fires(*rule);
                let got = self.given(
                    |effect| self.is(effect.rule, *rule),
                    |by| by.is_some_and(|by| self.is(by, *rule)),
                );
                (silent, format!("rule `{}` has no effect", self.rule(*rule)), got)
            }
            Expectation::DisplacedBy(loser, winner) => {
                let winners: Vec<RuleId> = decision
                    .displaced
                    .iter()
                    .filter(|lost| self.is(lost.rule, *loser))
                    .map(|lost| lost.by)
                    .collect();
                let got = if winners.is_empty() {
                    format!("it lost to no rule: {}", self.why_silent(*loser))
                } else {
                    let names: Vec<String> =
                        winners.iter().map(|by| format!("`{}`", self.rule(*by))).collect();
                    format!("it lost to {}", names.join(", "))
                };
                let expected = format!("rule `{}` displaced by `{}`", self.rule(*loser), self.rule(*winner));
                (winners.iter().any(|by| self.is(*by, *winner)), expected, got)
            }
            Expectation::LimitedTo { rule, account, amount } => {
                let account = &account.or_else(|| self.money_of(*rule));
                let of = account.map_or(LimitOf::Discounts, LimitOf::Awards);
                let cut = decision.cuts.iter().any(|cut| {
                    self.is(cut.rule, *rule)
                        && (cut.of == of || cut.of == LimitOf::Times)
                        && matches!(cut.by, CutBy::Rule | CutBy::Group | CutBy::Counter(_))
                });
                let scope = ExpectScope { rule: Some(*rule), ..ExpectScope::default() };
                let stayed = self.sum(*account, false, &scope);
                let expected =
                    format!("rule `{}` limited to {}", self.rule(*rule), self.amount(*account, *amount));
                let got = if cut { String::new() } else { "no limit cut it; ".to_owned() };
                (cut && stayed == i128::from(*amount), expected, got + &self.wide_amount(*account, stayed))
            }
            Expectation::Fails(rule, kind) => {
                let failed: Vec<FaultKind> = decision
                    .faults
                    .iter()
                    .filter(|fault| self.is(fault.rule, *rule))
                    .map(|fault| fault.kind)
                    .collect();
                let holds = match kind {
                    Some(kind) => failed.contains(kind),
                    None => !failed.is_empty(),
                };
                let with = kind.map_or_else(String::new, |kind| format!(" with {}", fault(kind)));
                let got = match failed.first() {
                    Some(kind) => format!("it fails with {}", fault(*kind)),
                    None => format!("it does not fail: {}", self.why_silent(*rule)),
                };
                (holds, format!("rule `{}` fails{with}", self.rule(*rule)), got)
            }
            Expectation::Award { account, amount, scope } => {
                self.compare("award", Some(*account), *amount, scope)
            }
            Expectation::Debit { account, amount, scope } => {
                self.compare("debit", Some(*account), *amount, scope)
            }
            Expectation::Discount { amount, scope } => self.compare("discount", None, *amount, scope),
            Expectation::Tax(tax, scope) => {
                let found = match &scope.line {
                    None => i128::from(decision.totals.tax),
                    Some(line) => {
                        let lines = decision.lines.iter().zip(0u32..);
                        let lines = lines.filter(|(_, row)| self.is_line(line, *row));
                        lines.map(|(line, _)| i128::from(line.tax)).sum()
                    }
                };
                let scoped = self.scope(scope);
                let expected = format!("tax {}{scoped}", self.amount(None, *tax));
                (
                    found == i128::from(*tax),
                    expected,
                    format!("tax {}{scoped}", self.wide_amount(None, found)),
                )
            }
            Expectation::Refused(words) => {
                let said = |words: &String| format!("refused \"{words}\"");
                let expected = words.as_ref().map_or_else(|| "refused".to_owned(), said);
                let returned = match &self.decided.event.returned {
                    Some(Err(why)) => words.as_ref().is_none_or(|words| *words == why.name()),
                    Some(Ok(_)) | None => false,
                };
                let holds = returned
                    || decision.refused.is_some_and(|refused| {
                        words.as_ref().is_none_or(|words| {
                            self.says(refused.redemption).iter().any(|saying| saying.text == *words)
                                && refused.why == RefusedWhy::Short
                        })
                    });
                (holds, expected, self.refused().unwrap_or_else(|| "it is not refused".to_owned()))
            }
            // Asked of the state, not of the decision.
            Expectation::Balance { .. } => return None,
            Expectation::Issue { count, instrument, rule, to } => {
                self.issued(*count, *instrument, *rule, to.as_deref())
            }
            Expectation::Withdrawn { count, instrument, rule, to } => {
                self.withdrawn(*count, *instrument, *rule, to.as_deref())
            }
            Expectation::Said { to, text, rule } => self.said(to, text.as_deref(), *rule),
            Expectation::Gift { pieces, skus, rule } => self.gift(*pieces, skus, *rule),
            Expectation::Coupon(coupon, accepted) => self.redeemed(*coupon, *accepted),
            Expectation::Badge(badge, wanted) => {
                let name = self.instrument(InstrumentId::Badge(*badge));
                let has = self.decided.badges.contains(badge);
                let verb = |has: bool| if has { "has" } else { "does not have" };
                (
                    has == *wanted,
                    format!("the member {} {name}", verb(*wanted)),
                    format!("the member {} it", verb(has)),
                )
            }
            Expectation::Tier(tiers, level) => {
                let at = usize::try_from(*tiers).unwrap_or(usize::MAX);
                let found = self.decided.levels.get(at).copied().flatten();
                let got = match found {
                    Some(level) => self.level(*tiers, level),
                    None => "the event has no member".to_owned(),
                };
                (found == Some(*level), self.level(*tiers, *level), got)
            }
            Expectation::Total(total) => (
                decision.totals.total == *total,
                format!("total {}", self.amount(None, *total)),
                format!("total {}", self.amount(None, decision.totals.total)),
            ),
            Expectation::NetTotal(total) => {
                let net = i128::from(decision.totals.total) - i128::from(decision.totals.tax);
                (
                    net == i128::from(*total),
                    format!("net total {}", self.amount(None, *total)),
                    format!("net total {}", self.wide_amount(None, net)),
                )
            }
            Expectation::Keeps(promise, kept) => {
                let name = self.promise(*promise);
                let found = !decision.broken.iter().any(|broken| broken.promise == *promise);
                let word = |kept: bool| if kept { "kept" } else { "broken" };
                (found == *kept, format!("ensure {name} {}", word(*kept)), format!("it is {}", word(found)))
            }
            Expectation::Holds { check, text } => match self.decided.checks.get(*check) {
                Some(Ok(holds)) => (*holds, text.clone(), "it does not hold".to_owned()),
                Some(Err(kind)) => {
                    (false, text.clone(), format!("it cannot be worked out: {}", fault(*kind)))
                }
                None => (false, text.clone(), "nothing asked it".to_owned()),
            },
        };
        (!holds).then(|| Mismatch { place, expected, got, decision: Some(self.text()) })
    }

    /// The promises that an event breaks although its test says nothing of them.
    fn broken<'m>(&'m self, rest: &'m [TestStep], place: Place) -> impl Iterator<Item = Mismatch> + 'm {
        let until_next = |step: &&TestStep| !matches!(step, TestStep::Event { .. });
        let said = move |promise: u32| {
            rest.iter().take_while(until_next).any(
                |step| matches!(step, TestStep::Expect(Expectation::Keeps(other, _), _) if *other == promise),
            )
        };
        let mut promises: Vec<u32> =
            self.decided.decision.broken.iter().map(|broken| broken.promise).collect();
        promises.dedup();
        promises.into_iter().filter(move |promise| !said(*promise)).map(move |promise| Mismatch {
            place,
            expected: format!("ensure {} kept", self.promise(promise)),
            got: "it is broken".to_owned(),
            decision: Some(self.text()),
        })
    }

    fn promise(&self, id: u32) -> String {
        self.program.promises.get(id as usize).map_or_else(|| "?".to_owned(), |promise| promise.name.clone())
    }

    fn compare(
        &self,
        verb: &str,
        account: Option<AccountId>,
        amount: i64,
        scope: &ExpectScope,
    ) -> (bool, String, String) {
        let sum = self.sum(account, verb == "debit", scope);
        let scoped = self.scope(scope);
        let expected = format!("{verb} {}{scoped}", self.amount(account, amount));
        (sum == i128::from(amount), expected, format!("{verb} {}{scoped}", self.wide_amount(account, sum)))
    }

    fn scope(&self, scope: &ExpectScope) -> String {
        let mut out = String::new();
        if let Some(to) = &scope.to {
            out += &format!(" to \"{to}\"");
        }
        if let Some(rule) = scope.rule {
            out += &format!(" by rule {}", self.rule(rule));
        }
        match &scope.line {
            Some(LineRef::Position(position)) => out += &format!(" on line {position}"),
            Some(LineRef::Sku(sku)) => out += &format!(" on sku \"{sku}\""),
            None => {}
        }
        if let Some(unit) = scope.unit {
            out += &format!(" unit {unit}");
        }
        out
    }

    fn is_line(&self, line: &LineRef, row: u32) -> bool {
        match line {
            LineRef::Position(position) => row.checked_add(1) == Some(*position),
            LineRef::Sku(sku) => self.decided.event.sku(row as usize) == sku,
        }
    }

    /// The sum of what the scope holds.
    fn sum(&self, account: Option<AccountId>, debit: bool, scope: &ExpectScope) -> i128 {
        let of_rule = |effect: &&Effect| scope.rule.is_none_or(|rule| self.is(effect.rule, rule));
        let own = |effect: &&Effect| {
            let site = self.program.sites.get(effect.site.index());
            match (site.and_then(|site| site.to), &scope.to) {
                (None, None) => true,
                (Some(slot), Some(to)) => self.decided.event.other(slot) == Some(to),
                (Some(_), None) | (None, Some(_)) => false,
            }
        };
        let same = |effect: &&Effect| effect.account == account && effect.debit == debit;
        let effects = self.all().flat_map(|decision| &decision.effects).filter(same);
        let effects = effects.filter(of_rule).filter(own);
        let Some(line) = &scope.line else {
            return effects.map(|effect| i128::from(effect.amount)).sum();
        };
        let on_line = |row: u32| self.is_line(line, row);
        effects
            .flat_map(|effect| &effect.shares)
            .filter(|share| on_line(share.row))
            .map(|share| match scope.unit {
                None => i128::from(share.amount),
                Some(unit) => i128::from(of_unit(share.amount, share.pieces, unit)),
            })
            .sum()
    }

    /// What a redemption says where the balance is too small.
    fn says(&self, rule: RuleId) -> &[Saying] {
        let redemption = self.program.redemptions.iter().find(|redemption| redemption.rule == rule);
        redemption.map_or(&[], |redemption| &redemption.short)
    }

    fn is_refused(&self) -> bool {
        self.decided.decision.refused.is_some() || returns::is_refused(&self.decided.event)
    }

    /// What comes back of a purchase, a line for each thing it says.
    fn returned(&self, out: &mut String) {
        let Some(Ok(returned)) = &self.decided.event.returned else { return };
        let refund = self.amount(None, returned.refund.money(self.program));
        let _ = writeln!(out, "{refund} refunded of \"{}\"", returned.origin.id);
        for correction in &returned.corrections {
            let account = Some(correction.account);
            let rule = self.rule(correction.rule);
            let kind = if correction.debit { "debit" } else { "award" };
            let _ = write!(out, "{kind} of rule `{rule}` {}", self.amount(account, correction.amount));
            let moved = &correction.moved;
            let parts = [(moved.others, "of other lots"), (moved.owed, "owed"), (moved.missing, "missing")];
            for (amount, word) in parts.into_iter().filter(|(amount, _)| *amount != 0) {
                let _ = write!(out, ", {} {word}", self.amount(account, amount));
            }
            out.push('\n');
        }
        for one in &returned.undone.withdrawn {
            let name = self.instrument(one.gave.instrument);
            let code = one.gave.code.as_ref().map_or_else(String::new, |code| format!(" {code}"));
            let what = match one.left {
                0 => "is withdrawn".to_owned(),
                left => format!("is worth {}", self.amount(None, left)),
            };
            let _ = writeln!(out, "{name}{code} {what}");
        }
    }

    /// Why the event is refused.
    fn refused(&self) -> Option<String> {
        if let Some(Err(why)) = &self.decided.event.returned {
            return Some(format!("refused: {} [{}]", why.words(&self.decided.event), why.name()));
        }
        let refused = self.decided.decision.refused?;
        let by = self.amount(Some(refused.account), refused.by);
        let why = match refused.why {
            RefusedWhy::NotAllowed => "it pays for nothing here".to_owned(),
            RefusedWhy::Failed => "it failed".to_owned(),
            RefusedWhy::Short => format!("{by} are missing"),
            RefusedWhy::BelowLeast => format!("{by} less than the least"),
            RefusedWhy::WrongStep => format!("{by} beyond a step"),
            RefusedWhy::AboveMost => format!("{by} more than the most"),
            RefusedWhy::Unconfirmed => format!("{by} to be confirmed"),
        };
        let mut out = format!("refused by `{}`: {why}", self.rule(refused.redemption));
        if refused.why == RefusedWhy::Short {
            for saying in self.says(refused.redemption) {
                let _ = write!(out, "; {}: \"{}\"", saying.to, saying.text);
            }
        }
        Some(out)
    }

    /// Whether a rule has an effect; a gift that the member may choose is one.
    fn fires(&self, rule: RuleId) -> bool {
        self.all().any(|decision| {
            let offers = decision.gift_offers.iter().map(|offer| offer.rule);
            decision.acting().chain(offers).any(|acting| self.is(acting, rule))
        })
    }

    fn sku(&self, gift: u32, option: u32) -> &str {
        let at = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        let option = self.program.gifts.get(at(gift)).and_then(|gift| gift.options.get(at(option)));
        option.map_or("?", |option| &option.sku)
    }

    /// `1 pcs of sku "A"`, `2 pcs of sku ["A", "B"]`
    fn goods<S: AsRef<str>>(pieces: i64, skus: &[S]) -> String {
        let quoted: Vec<String> = skus.iter().map(|sku| format!("\"{}\"", sku.as_ref())).collect();
        match quoted.as_slice() {
            [one] => format!("{pieces} pcs of sku {one}"),
            several => format!("{pieces} pcs of sku [{}]", several.join(", ")),
        }
    }

    /// Whether so many pieces of a product are given, or of several are on offer.
    fn gift(&self, pieces: i64, skus: &[String], rule: Option<RuleId>) -> (bool, String, String) {
        let of_rule = |by: RuleId| rule.is_none_or(|rule| self.is(by, rule));
        let gifts = self.all().flat_map(|decision| &decision.gifts);
        let gifts: Vec<_> = gifts.filter(|gift| of_rule(gift.rule)).collect();
        let offers = self.all().flat_map(|decision| &decision.gift_offers);
        let offers = offers.filter(|offer| of_rule(offer.rule));
        let offered: Vec<(i64, Vec<&str>)> = offers
            .map(|offer| {
                let skus = offer.options.iter().map(|option| self.sku(offer.gift, *option));
                let mut skus: Vec<&str> = skus.collect();
                skus.sort_unstable();
                (offer.pieces, skus)
            })
            .collect();
        let holds = match skus {
            [sku] => {
                let same = gifts.iter().filter(|gift| self.sku(gift.gift, gift.option) == sku);
                same.fold(0i64, |sum, gift| sum.saturating_add(gift.pieces)) == pieces
            }
            several => offered.iter().any(|(of, skus)| *of == pieces && skus == several),
        };
        let said = gifts
            .iter()
            .map(|gift| format!("gift {}", Self::goods(gift.pieces, &[self.sku(gift.gift, gift.option)])));
        let mut got: Vec<String> = said.collect();
        got.extend(offered.iter().map(|(pieces, skus)| format!("on offer {}", Self::goods(*pieces, skus))));
        let got = if got.is_empty() { "no gift".to_owned() } else { got.join("; ") };
        let by = rule.map_or_else(String::new, |rule| format!(" by rule `{}`", self.rule(rule)));
        (holds, format!("gift {}{by}", Self::goods(pieces, skus)), got)
    }

    fn instrument(&self, id: InstrumentId) -> String {
        let (kind, name) = self.program.instruments.name(id).unwrap_or(("instrument", "?"));
        format!("{kind} `{name}`")
    }

    fn level(&self, tiers: u32, level: i64) -> String {
        let tiers = usize::try_from(tiers).ok().and_then(|at| self.program.instruments.tiers.get(at));
        let levels = tiers.and_then(|tiers| self.program.enums.get(tiers.levels.index()));
        let name = usize::try_from(level).ok().and_then(|at| levels?.values.get(at));
        format!("level `{}`", name.map_or("?", String::as_str))
    }

    fn issued(
        &self,
        count: Option<i64>,
        instrument: InstrumentId,
        rule: Option<RuleId>,
        to: Option<&str>,
    ) -> (bool, String, String) {
        let issues = self.all().flat_map(|decision| &decision.issues);
        let issues = issues.filter(|issue| issue.instrument == instrument);
        let issues = issues.filter(|issue| rule.is_none() || issue.rule == rule);
        let event = &self.decided.event;
        let issues = issues.filter(|issue| {
            to.is_none_or(|to| instruments::owner_of(self.program, event, issue) == Some(to))
        });
        let found: i64 = issues
            .map(|issue| match instrument {
                InstrumentId::Coupon(_) | InstrumentId::Badge(_) => issue.number,
                InstrumentId::Certificate(_) => 1,
            })
            .fold(0, i64::saturating_add);
        let by = rule.map_or_else(String::new, |rule| format!(" by rule `{}`", self.rule(rule)));
        let by = to.map_or_else(String::new, |to| format!(" to \"{to}\"")) + &by;
        let name = self.instrument(instrument);
        let wanted = count.map_or_else(String::new, |count| format!("{count} "));
        let holds = count.map_or(found > 0, |count| count == found);
        (holds, format!("issue {wanted}{name}{by}"), format!("issue {found} {name}{by}"))
    }

    /// Whether so many of what was issued are withdrawn.
    fn withdrawn(
        &self,
        count: Option<i64>,
        instrument: InstrumentId,
        rule: Option<RuleId>,
        to: Option<&str>,
    ) -> (bool, String, String) {
        let returned = self.decided.event.returned.as_ref().and_then(|returned| returned.as_ref().ok());
        let withdrawn = returned.into_iter().flat_map(|returned| {
            returned.undone.withdrawn.iter().filter(|one| to.is_none() || to == one.gave.owner.as_deref())
        });
        let withdrawn = withdrawn.filter(|one| one.gave.instrument == instrument && one.left == 0);
        let of_rule = |by: RuleId| rule.is_none_or(|rule| self.is(by, rule));
        let site = |site: SiteId| self.program.sites.get(site.index()).map(|site| site.rule);
        let withdrawn =
            withdrawn.filter(|one| rule.is_none() || one.gave.site.and_then(site).is_some_and(of_rule));
        let found = i64::try_from(withdrawn.count()).unwrap_or(i64::MAX);
        let by = rule.map_or_else(String::new, |rule| format!(" by rule `{}`", self.rule(rule)));
        let by = to.map_or_else(String::new, |to| format!(" to \"{to}\"")) + &by;
        let name = self.instrument(instrument);
        let wanted = count.map_or_else(String::new, |count| format!("{count} "));
        let holds = count.map_or(found > 0, |count| count == found);
        (holds, format!("withdraw {wanted}{name}{by}"), format!("withdraw {found} {name}{by}"))
    }

    /// The words that rules say.
    fn words(&self) -> impl Iterator<Item = (RuleId, &Saying)> {
        self.all().flat_map(|decision| &decision.said).flat_map(|said| {
            let telling = usize::try_from(said.telling).ok().and_then(|at| self.program.tellings.get(at));
            let words = match telling {
                Some(Telling::Words(words)) => words.as_slice(),
                Some(Telling::Offer(_)) | None => &[],
            };
            words.iter().map(|saying| (said.rule, saying))
        })
    }

    /// Whether these words are said; where there are none, whether nothing is.
    fn said(&self, to: &str, text: Option<&str>, rule: Option<RuleId>) -> (bool, String, String) {
        let of_rule = |by: RuleId| rule.is_none_or(|rule| self.is(by, rule));
        let words = self.words().filter(|(by, saying)| of_rule(*by) && saying.to == to);
        let found: Vec<&str> = words.map(|(_, saying)| saying.text.as_str()).collect();
        let by = rule.map_or_else(String::new, |rule| format!(" by rule `{}`", self.rule(rule)));
        let holds = text.map_or(found.is_empty(), |text| found.contains(&text));
        let say = |text: Option<&str>| match text {
            Some(text) => format!("say {to} \"{text}\"{by}"),
            None => format!("say {to} nothing{by}"),
        };
        let got: Vec<String> = match found.as_slice() {
            [] => vec![say(None)],
            found => found.iter().map(|text| say(Some(text))).collect(),
        };
        (holds, say(text), got.join("; "))
    }

    fn redeemed(&self, coupon: u32, accepted: bool) -> (bool, String, String) {
        let decision = &self.decided.decision;
        let codes = self.decided.event.presented.iter().filter(|code| code.coupon == Some(coupon));
        let outcomes: Vec<CodeOutcome> =
            codes.map(|code| instruments::outcome(self.program, code, decision)).collect();
        let is_accepted = outcomes.contains(&CodeOutcome::Accepted);
        let name = self.instrument(InstrumentId::Coupon(coupon));
        let got = match outcomes.iter().find(|outcome| is_accepted == (**outcome == CodeOutcome::Accepted)) {
            Some(outcome) => outcome.name().to_owned(),
            None => "no code of it is presented".to_owned(),
        };
        let word = if accepted { "accepted" } else { "refused" };
        (!outcomes.is_empty() && is_accepted == accepted, format!("{name} {word}"), got)
    }

    /// Whether a rule is the named one, or another version of it.
    /// The money account to which a rule awards that takes nothing off prices.
    fn money_of(&self, named: RuleId) -> Option<AccountId> {
        let sites = self.program.sites.iter().filter(|site| self.is(site.rule, named));
        let mut found = None;
        for site in sites {
            match site.kind {
                SiteKind::Discount { .. } => return None,
                SiteKind::Award { account, .. } => {
                    let unit =
                        self.program.accounts.get(account.index()).map(|account| account.unit.as_str());
                    found = found.or((unit == Some(&self.program.currency.code)).then_some(account));
                }
                SiteKind::Multiply { .. }
                | SiteKind::Debit { .. }
                | SiteKind::Tender { .. }
                | SiteKind::Gift { .. }
                | SiteKind::Issue { .. }
                | SiteKind::Tell { .. }
                | SiteKind::Set { .. } => {}
            }
        }
        found
    }

    fn is(&self, rule: RuleId, named: RuleId) -> bool {
        rule == named || self.rule(rule) == self.rule(named)
    }

    fn rule(&self, rule: RuleId) -> &str {
        self.program.rules.get(rule.index()).map_or("?", |rule| &rule.name)
    }

    /// The offers that are shown, in their order.
    fn shown(&self) -> Vec<u32> {
        let offered = self.decided.decision.offered.as_ref();
        offered.map_or_else(Vec::new, |offered| offered.shown.iter().map(|shown| shown.offer).collect())
    }

    fn hidden(&self, offer: u32) -> Option<HiddenWhy> {
        let hidden = &self.decided.decision.offered.as_ref()?.hidden;
        hidden.iter().find(|hidden| hidden.offer == offer).map(|hidden| hidden.why)
    }

    fn offer(&self, offer: u32) -> &str {
        self.program.offers.list.get(offer as usize).map_or("?", |offer| &offer.name)
    }

    /// What became of an offer.
    fn fate(&self, offer: u32) -> String {
        if let Some(position) = self.shown().iter().position(|shown| *shown == offer) {
            return format!("it is shown at {}", position + 1);
        }
        match self.hidden(offer) {
            Some(why) => format!("it is hidden by {}", why.word()),
            None => "the event is no session, and no rule shows it".to_owned(),
        }
    }

    /// Why a rule has no effect, as far as the decision tells.
    fn why_silent(&self, rule: RuleId) -> String {
        let decision = &self.decided.decision;
        if self.fires(rule) {
            return self.effects(|effect| self.is(effect.rule, rule));
        }
        if let Some(failed) = decision.faults.iter().find(|fault| self.is(fault.rule, rule)) {
            return format!("it failed: {}", fault(failed.kind));
        }
        if let Some(short) = decision.short.iter().find(|short| self.is(short.rule, rule)) {
            return format!("{} are missing", self.amount(Some(short.account), short.missing));
        }
        if let Some(lost) = decision.displaced.iter().find(|lost| self.is(lost.rule, rule)) {
            return format!("it was displaced by `{}`", self.rule(lost.by));
        }
        if let Some(cut) = decision.cuts.iter().find(|cut| self.is(cut.rule, rule)) {
            return format!("{} took all of it", cut_by(cut.by));
        }
        "it proposed nothing: its conditions do not hold, or it selects no line".to_owned()
    }

    fn effects(&self, which: impl Fn(&Effect) -> bool) -> String {
        self.given(which, |_| false)
    }

    /// Effects, and what is issued and set by rules of the second sort.
    fn given(&self, which: impl Fn(&Effect) -> bool, by: impl Fn(Option<RuleId>) -> bool) -> String {
        let effects = self.all().flat_map(|decision| &decision.effects);
        let effects = effects.filter(|effect| which(effect)).map(|effect| self.effect(effect));
        let issues = self.all().flat_map(|decision| &decision.issues).filter(|issue| by(issue.rule));
        let issues = issues.map(|issue| {
            let number = match issue.instrument {
                InstrumentId::Coupon(_) | InstrumentId::Badge(_) => issue.number,
                InstrumentId::Certificate(_) => 1,
            };
            let rule = issue.rule.map_or_else(String::new, |rule| format!(" by rule `{}`", self.rule(rule)));
            format!("issue {number} {}{rule}", self.instrument(issue.instrument))
        });
        let set = self.all().flat_map(|decision| &decision.changes);
        let set = set.filter(|change| by(Some(change.rule)));
        let set = set
            .map(|change| format!("set `{}` by rule `{}`", self.field(change.slot), self.rule(change.rule)));
        let said = self.words().filter(|(rule, _)| by(Some(*rule)));
        let said = said.map(|(rule, saying)| {
            format!("say {} {:?} by rule `{}`", saying.to, saying.text, self.rule(rule))
        });
        let shown = self.all().flat_map(|decision| &decision.offered).flat_map(|offered| &offered.shown);
        let shown = shown.filter_map(|shown| Some((shown.offer, shown.rule.filter(|rule| by(Some(*rule)))?)));
        let shown = shown
            .map(|(offer, rule)| format!("show offer `{}` by rule `{}`", self.offer(offer), self.rule(rule)));
        let given: Vec<String> = effects.chain(issues).chain(set).chain(said).chain(shown).collect();
        if given.is_empty() { "nothing".to_owned() } else { given.join("; ") }
    }

    /// A field of the event as rules write it.
    fn field(&self, slot: SlotId) -> &str {
        self.program.layout.event.get(slot.index()).map_or("?", |slot| &slot.name)
    }

    fn effect(&self, effect: &Effect) -> String {
        let verb = match (effect.account, effect.debit) {
            (Some(_), false) => "award",
            (Some(_), true) => "debit",
            (None, _) => "discount",
        };
        let mut out = format!(
            "{verb} {} by rule `{}`",
            self.amount(effect.account, effect.amount),
            self.rule(effect.rule)
        );
        match effect.shares.as_slice() {
            [] => {}
            [share] => out += &format!(" on line {}", u64::from(share.row) + 1),
            shares => {
                let parts: Vec<String> = shares
                    .iter()
                    .take(12)
                    .map(|share| {
                        format!(
                            "line {}: {}",
                            u64::from(share.row) + 1,
                            self.bare(effect.account, share.amount)
                        )
                    })
                    .collect();
                let more = if shares.len() > parts.len() { ", …" } else { "" };
                out += &format!(" ({}{more})", parts.join(", "));
            }
        }
        out
    }

    fn decimals(&self, account: Option<AccountId>) -> u8 {
        match account {
            None => self.program.currency.decimals,
            Some(account) => self.program.accounts.get(account.index()).map_or(0, |account| account.decimals),
        }
    }

    fn bare(&self, account: Option<AccountId>, amount: i64) -> String {
        decimal::print(i128::from(amount), self.decimals(account))
    }

    fn amount(&self, account: Option<AccountId>, amount: i64) -> String {
        self.wide_amount(account, i128::from(amount))
    }

    fn wide_amount(&self, account: Option<AccountId>, amount: i128) -> String {
        let unit = match account {
            None => self.program.currency.code.as_str(),
            Some(account) => self.program.accounts.get(account.index()).map_or("?", |account| &account.unit),
        };
        format!("{} {unit}", decimal::print(amount, self.decimals(account)))
    }

    /// The decision for people, a line for each thing it says.
    fn text(&self) -> String {
        let Decided { event, decision, badges: _, levels: _, checks: _ } = self.decided;
        let mut out = String::new();
        let width = event.record.line_width;
        for (row, line) in decision.lines.iter().enumerate().take(20) {
            let pieces =
                event.record.lines.get(row * width + line_slot::PIECES.index()).copied().unwrap_or(0);
            let _ = writeln!(
                out,
                "line {}: sku \"{}\", {pieces} pcs, {} before and {} after discounts",
                row + 1,
                event.sku(row),
                self.bare(None, line.initial),
                self.bare(None, line.paid),
            );
        }
        if decision.lines.len() > 20 {
            let _ = writeln!(out, "and {} more lines", decision.lines.len() - 20);
        }
        if let Some(offered) = &decision.offered {
            let all = offered.shown.iter().map(|shown| shown.offer);
            for offer in all.chain(offered.hidden.iter().map(|hidden| hidden.offer)) {
                let _ = writeln!(out, "offer `{}`: {}", self.offer(offer), self.fate(offer));
            }
        }
        for effect in self.all().flat_map(|decision| &decision.effects) {
            let _ = writeln!(out, "{}", self.effect(effect));
        }
        for (issue, codes) in instruments::codes(self.program, event.id(), &decision.issues) {
            let name = self.instrument(issue.instrument);
            let by = issue.rule.map_or_else(String::new, |rule| format!(" by rule `{}`", self.rule(rule)));
            let codes = if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) };
            let _ = writeln!(out, "issue {name}{by}{codes}");
        }
        for gift in &decision.gifts {
            let (goods, rule) =
                (Self::goods(gift.pieces, &[self.sku(gift.gift, gift.option)]), self.rule(gift.rule));
            let _ = writeln!(out, "gift {goods} by rule `{rule}`, {} pcs added", gift.added);
        }
        for offer in &decision.gift_offers {
            let skus: Vec<&str> = offer.options.iter().map(|option| self.sku(offer.gift, *option)).collect();
            let (goods, rule) = (Self::goods(offer.pieces, &skus), self.rule(offer.rule));
            let _ = writeln!(out, "on offer {goods} by rule `{rule}`");
        }
        for change in &decision.changes {
            let _ = writeln!(out, "set `{}` by rule `{}`", self.field(change.slot), self.rule(change.rule));
        }
        for (rule, saying) in self.words() {
            let _ = writeln!(out, "say {} {:?} by rule `{}`", saying.to, saying.text, self.rule(rule));
        }
        for change in &decision.tiers {
            let when = if change.review { " at a review" } else { "" };
            let _ = writeln!(
                out,
                "{} after {}{when}",
                self.level(change.tiers, change.to),
                self.level(change.tiers, change.from)
            );
        }
        for code in &event.presented {
            let outcome = instruments::outcome(self.program, code, decision);
            let _ = writeln!(out, "code \"{}\": {}", code.code, outcome.name());
        }
        for lost in &decision.displaced {
            let rows: Vec<String> = lost.rows.iter().map(|row| (u64::from(*row) + 1).to_string()).collect();
            let rows = if rows.is_empty() { String::new() } else { format!(" on line {}", rows.join(", ")) };
            let _ =
                writeln!(out, "rule `{}` displaced by `{}`{rows}", self.rule(lost.rule), self.rule(lost.by));
        }
        for cut in &decision.cuts {
            let amount = match cut.of {
                LimitOf::Discounts => self.amount(None, cut.amount),
                LimitOf::Awards(account) => self.amount(Some(account), cut.amount),
                LimitOf::Times | LimitOf::Gifts => "all".to_owned(),
            };
            let _ = writeln!(out, "{} took {amount} from rule `{}`", cut_by(cut.by), self.rule(cut.rule));
        }
        for tender in &decision.tenders {
            let (rule, money) = (self.rule(tender.redemption), self.amount(None, tender.money));
            let _ = writeln!(out, "`{rule}` pays {money}");
        }
        self.returned(&mut out);
        if let Some(refused) = self.refused() {
            let _ = writeln!(out, "{refused}");
        }
        for short in &decision.short {
            let (rule, missing) = (self.rule(short.rule), self.amount(Some(short.account), short.missing));
            let _ = writeln!(out, "rule `{rule}` gives nothing: {missing} are missing");
        }
        for failed in &decision.faults {
            let _ = writeln!(out, "rule `{}` failed: {}", self.rule(failed.rule), fault(failed.kind));
        }
        let _ = write!(out, "total {}", self.amount(None, decision.totals.total));
        out
    }
}

/// The part of the n-th of some pieces, from 1: the first pieces have a minor unit more.
fn of_unit(amount: i64, pieces: i64, unit: u32) -> i64 {
    let unit = i64::from(unit);
    if unit < 1 || unit > pieces {
        return 0;
    }
    let (each, larger) = over_pieces(amount, pieces);
    if unit <= larger { each.saturating_add(1) } else { each }
}

fn cut_by(by: CutBy) -> &'static str {
    match by {
        CutBy::PriceFloor => "the price, which cannot fall below zero,",
        CutBy::Rule => "the rule's limit",
        CutBy::Group => "the group's limit",
        CutBy::Counter(_) => "a limit over several events",
    }
}

fn fault(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Overflow => "a number too large",
        FaultKind::DivisionByZero => "a division by zero",
        FaultKind::OutOfRange => "a result out of range",
        FaultKind::OutOfFuel => "too many turns of its loops",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up_to_the_share() {
        for (amount, pieces) in [(7, 3), (-7, 3), (0, 4), (5, 1), (1, 10_000)] {
            let sum: i64 = (1..=pieces as u32).map(|unit| of_unit(amount, pieces, unit)).sum();
            assert_eq!(sum, amount, "{amount} over {pieces}");
        }
        assert_eq!((of_unit(7, 3, 1), of_unit(7, 3, 2), of_unit(7, 3, 4), of_unit(7, 3, 0)), (3, 2, 0, 0));
    }

    #[test]
    fn fields_nest_by_their_paths() {
        let text = |text: &str| TestValue::Text(text.to_owned());
        let path = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        let record = TestRecord {
            fields: vec![
                (path("card.active"), TestValue::Bool(true)),
                (path("card.number"), text("7")),
                (path("segments"), TestValue::List(vec!["A".to_owned()])),
            ],
            ..TestRecord::default()
        };
        let expected = r#"{"card":{"active":true,"number":"7"},"segments":["A"]}"#;
        assert_eq!(Value::Object(fields(&record)).to_string(), expected);
    }
}
