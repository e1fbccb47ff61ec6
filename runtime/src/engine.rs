//! Engines: a pack bound to a catalogue and to parameters, with code to run it; and sessions, which decide events.
//!
//! No global state: everything an answer depends on is in the engine and in the event. Refuses to know files,
//! protocols and clocks.

use crate::beside::both;
use crate::catalogue::{Catalogue, CatalogueError, UnknownName};
#[cfg(feature = "columnar")]
use crate::columnar::{TableBuilder, TableError};
use crate::decimal;
#[cfg(feature = "columnar")]
use crate::decision::DecisionColumns;
use crate::decision::{Decision, Names, written};
use crate::pack::Pack;
use crate::record::value::{Scalar, Values};
use crate::record::{Event, ReadEvent, ReadOptions, Reader, RecordError, Schema};
use crate::returns;
use crate::state::{self, Memory, State, review};
use arc_swap::ArcSwap;
use perq_compiler::evaluate::{self, Claimed, Plan, Reviewer, Unclaimed, Workspace};
use perq_compiler::interpret::marks::Marks;
use perq_compiler::interpret::{self, Interpreter};
use perq_compiler::ir::{FunctionId, MISSING, ParamId, Program, SlotType, Verified, event_slot};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

#[cfg(feature = "native")]
use crate::native::{self, Native};

/// Rules from which on an engine is made by two threads.
const LARGE: usize = 1_000;

/// What runs the rules. The answers are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// Native code where this machine and this build have it, else the interpreter.
    #[default]
    Automatic,
    /// The interpreter.
    Interpreter,
    /// Native code, or no engine.
    Native,
    /// The interpreter at once, while other threads compile; each rule runs as native code as soon as it is compiled. Where
    /// there are many rules, every one is looked at until these threads have made the index that finds them.
    /// Where this machine or this build has none, the interpreter.
    Tiered,
}

/// How much of a program is native code by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Functions of the program.
    pub functions: usize,
    /// Those that run as native code.
    pub compiled: usize,
    /// Those for which there will be none: they stay with the interpreter.
    pub declined: usize,
}

impl Progress {
    /// Whether nothing is left to be compiled.
    pub fn is_done(self) -> bool {
        self.compiled.saturating_add(self.declined) >= self.functions
    }
}

/// Why there is no engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    /// The catalogue does not fit the program.
    Catalogue(CatalogueError),
    /// The pack refers to names that the catalogue does not know, and the host refuses that.
    UnknownNames(Vec<UnknownName>),
    /// The program has no such parameter.
    UnknownParameter {
        /// Its name.
        name: String,
        /// A parameter whose name is near.
        near: Option<String>,
    },
    /// A parameter's value is not of its type.
    BadParameter {
        /// Its name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A parameter's value is outside what the program lets a deployment set.
    ParameterOutOfRange {
        /// Its name.
        name: String,
        /// The value as given.
        value: String,
        /// The least and the most that may be set, as rules write them; absent where the program names no range, and the
        /// value is none that can be kept.
        range: Option<(String, String)>,
    },
    /// Native code was asked for, and there is none for this machine or in this build.
    NoNativeCode(String),
}

impl EngineError {
    /// Its lasting name.
    pub fn name(&self) -> &'static str {
        match self {
            EngineError::Catalogue(error) => error.name(),
            EngineError::UnknownNames(_) => "unknown-name",
            EngineError::UnknownParameter { .. } => "unknown-parameter",
            EngineError::BadParameter { .. } => "bad-parameter",
            EngineError::ParameterOutOfRange { .. } => "parameter-out-of-range",
            EngineError::NoNativeCode(_) => "no-native-code",
        }
    }
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::Catalogue(error) => write!(f, "{error}"),
            EngineError::UnknownNames(names) => {
                for (at, name) in names.iter().take(20).enumerate() {
                    write!(f, "{}{name}", if at > 0 { "; " } else { "" })?;
                }
                match names.len().checked_sub(20) {
                    Some(more @ 1..) => write!(f, "; and {more} more"),
                    Some(0) | None => Ok(()),
                }
            }
            EngineError::UnknownParameter { name, near } => {
                write!(f, "the program has no parameter `{}`", name.escape_debug())?;
                match near {
                    Some(near) => write!(f, "; `{near}` is near"),
                    None => Ok(()),
                }
            }
            EngineError::BadParameter { name, message } => write!(f, "parameter `{name}`: {message}"),
            EngineError::ParameterOutOfRange { name, value, range } => {
                let value = value.escape_debug();
                match range {
                    Some((low, high)) => write!(
                        f,
                        "parameter `{name}`: `{value}` is outside the range that the program allows, {low} through {high}"
                    ),
                    None => write!(f, "parameter `{name}`: `{value}` is no value that can be kept"),
                }
            }
            EngineError::NoNativeCode(reason) => write!(f, "there is no native code: {reason}"),
        }
    }
}

impl std::error::Error for EngineError {}

impl From<CatalogueError> for EngineError {
    fn from(error: CatalogueError) -> EngineError {
        EngineError::Catalogue(error)
    }
}

enum Code {
    Interpreter,
    #[cfg(feature = "native")]
    Native(Native),
}

/// How the rules of an event are found.
struct Finding {
    program: Arc<Verified>,
    schema: Schema,
    /// Looks at every rule: until there is an index.
    bare: Plan,
    indexed: OnceLock<Plan>,
}

impl Finding {
    /// What there is by now. An event goes by one of them from its beginning to its end; what comes of it is the same.
    fn plan(&self) -> &Plan {
        self.indexed.get().unwrap_or(&self.bare)
    }

    /// With the index, which is made where there is none yet.
    fn index(&self) -> &Plan {
        self.indexed.get_or_init(|| Plan::new(&self.program, self.schema.bindings()))
    }
}

struct Inner {
    pack: Pack,
    finding: Arc<Finding>,
    interpreter: Interpreter,
    code: Code,
    names: Names,
    /// By parameter: its values by day, the deployment's in place of the program's.
    params: Vec<DatedValues>,
    #[cfg_attr(not(feature = "native"), expect(dead_code, reason = "only native code has a shadow"))]
    shadow: Option<NonZeroU32>,
    shadow_checks: AtomicU64,
    shadow_mismatches: AtomicU64,
}

/// A pack that is ready to decide. Cheap to clone; any number of threads may use it at once, each through a session of
/// its own.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let program = self.program();
        write!(f, "Engine of {} {} ({})", program.name, program.version, self.0.pack.short_hash())
    }
}

/// Chooses what an [`Engine`] is made of.
#[derive(Debug)]
#[must_use]
pub struct EngineBuilder<'a> {
    pack: Pack,
    catalogue: Option<&'a Catalogue>,
    parameters: Vec<(String, String)>,
    kind: EngineKind,
    options: ReadOptions,
    known_names_only: bool,
    threads: usize,
    shadow: Option<NonZeroU32>,
    marks: Option<Arc<Marks>>,
}

impl<'a> EngineBuilder<'a> {
    /// The reference tables; none unless given.
    pub fn catalogue(self, catalogue: &'a Catalogue) -> EngineBuilder<'a> {
        EngineBuilder { catalogue: Some(catalogue), ..self }
    }

    /// Sets a parameter for this deployment, written as its type is written in records or in rules: `5`, `7.5` or `7.5%`,
    /// `400 GBP`, `2026-03-01`. It holds for every day, in place of the program's values.
    pub fn parameter(mut self, name: &str, value: &str) -> EngineBuilder<'a> {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What runs the rules.
    pub fn kind(self, kind: EngineKind) -> EngineBuilder<'a> {
        EngineBuilder { kind, ..self }
    }

    /// How records are read.
    pub fn read_options(self, options: ReadOptions) -> EngineBuilder<'a> {
        EngineBuilder { options, ..self }
    }

    /// Refuses a pack with names that the catalogue does not know.
    pub fn known_names_only(self) -> EngineBuilder<'a> {
        EngineBuilder { known_names_only: true, ..self }
    }

    /// Threads that compile native code; one unless said otherwise. An engine of [`EngineKind::Tiered`] may do without:
    /// then nothing is compiled but by [`Engine::compile_some`] and [`Engine::wait_for_native`].
    pub fn compile_threads(self, threads: usize) -> EngineBuilder<'a> {
        EngineBuilder { threads, ..self }
    }

    /// Lets the interpreter decide one event in `every` beside the native code. Where they differ, the interpreter's
    /// decision stands and [`Engine::shadow_mismatches`] counts up.
    pub fn shadow(self, every: NonZeroU32) -> EngineBuilder<'a> {
        EngineBuilder { shadow: Some(every), ..self }
    }

    /// Lets the interpreter decide, which marks the arms of choices that it comes by.
    pub fn marking(self, marks: Arc<Marks>) -> EngineBuilder<'a> {
        EngineBuilder { kind: EngineKind::Interpreter, marks: Some(marks), ..self }
    }

    /// Binds and compiles.
    ///
    /// # Errors
    /// Where the catalogue, a parameter or the machine does not fit.
    pub fn build(self) -> Result<Engine, EngineError> {
        let program = self.pack.program().clone();
        let empty = Catalogue::default();
        let large = program.rules.len() >= LARGE;
        let catalogue = self.catalogue.unwrap_or(&empty);
        let bind = || Schema::new(&program, catalogue, self.options);
        let (names, schema) = both(large, || Names::of(&self.pack), bind);
        let schema = schema?;
        if self.known_names_only && !schema.unknown_names().is_empty() {
            return Err(EngineError::UnknownNames(schema.unknown_names().to_vec()));
        }
        let params = parameters(&program, &schema.values, &self.parameters)?;
        let bare = Plan::without_index(&program, schema.bindings());
        let indexed = OnceLock::new();
        let finding = Arc::new(Finding { program: Arc::clone(&program), schema, bare, indexed });
        // An index of so many rules takes longer than the first decision without it.
        let later = large && self.kind == EngineKind::Tiered && cfg!(feature = "native");
        if !later {
            finding.index();
        }
        // Only now, so that what is compiled behind takes nothing from what the first decision waits for.
        let interpreter = Interpreter::new(program);
        let interpreter = match self.marks {
            Some(marks) => interpreter.marking(marks),
            None => interpreter,
        };
        let code = code(&interpreter, self.kind, self.threads, &finding)?;
        Ok(Engine(Arc::new(Inner {
            finding,
            interpreter,
            names,
            pack: self.pack,
            code,
            params,
            shadow: self.shadow,
            shadow_checks: AtomicU64::new(0),
            shadow_mismatches: AtomicU64::new(0),
        })))
    }
}

pub(crate) type DatedValues = Vec<(Option<i64>, i64)>;

fn parameters(
    program: &Program,
    values: &Values,
    given: &[(String, String)],
) -> Result<Vec<DatedValues>, EngineError> {
    let mut params: Vec<DatedValues> = program.params.iter().map(|param| param.values.clone()).collect();
    for (name, text) in given {
        let Some(at) = program.params.iter().position(|param| param.name == *name) else {
            let names = program.params.iter().map(|param| param.name.as_str());
            return Err(EngineError::UnknownParameter {
                name: name.clone(),
                near: crate::nearest::nearest(name, names).map(str::to_owned),
            });
        };
        let (Some(param), Some(values_of)) = (program.params.get(at), params.get_mut(at)) else { continue };
        let value = values
            .number(values.form(param.ty), Scalar::Cell(&without_unit(program, param.ty, text)))
            .map_err(|error| EngineError::BadParameter { name: name.clone(), message: error.message })?;
        if param.range.is_some_and(|(low, high)| value < low || value > high) || value == MISSING {
            let end = |value: i64| with_unit(program, param.ty, &written(program, param.ty, value));
            let range = param.range.map(|(low, high)| (end(low), end(high)));
            return Err(EngineError::ParameterOutOfRange { name: name.clone(), value: text.clone(), range });
        }
        *values_of = vec![(None, value)];
    }
    Ok(params)
}

/// What rules write behind a value of a type, empty where they write a number alone; nothing where the value is no number.
fn unit_of(program: &Program, ty: SlotType) -> Option<&str> {
    match ty {
        SlotType::Percent => Some("%"),
        SlotType::Money { .. } => Some(program.currency.code.as_str()),
        SlotType::Points(account) => {
            Some(program.accounts.get(account.index()).map_or("", |account| account.unit.as_str()))
        }
        SlotType::Count | SlotType::Number { .. } => Some(""),
        SlotType::Bool
        | SlotType::Date
        | SlotType::Time
        | SlotType::Instant
        | SlotType::Enum(_)
        | SlotType::Symbol(_)
        | SlotType::Set(_) => None,
    }
}

/// A number with the unit that rules write behind it.
fn with_unit(program: &Program, ty: SlotType, number: &str) -> String {
    match unit_of(program, ty) {
        None | Some("") => number.to_owned(),
        Some("%") => format!("{}%", decimal::trimmed(number)),
        Some(unit) => format!("{number} {unit}"),
    }
}

/// A value without the unit that rules write behind it, and without the `_` between its digits.
fn without_unit(program: &Program, ty: SlotType, text: &str) -> String {
    let Some(unit) = unit_of(program, ty) else { return text.to_owned() };
    let number = text.strip_suffix(unit).unwrap_or(text).trim_end();
    let digits = number.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| digits.get(at)).is_some_and(u8::is_ascii_digit);
    let kept = number.char_indices().filter(|(at, character)| {
        *character != '_' || !is_digit(at.checked_sub(1)) || !is_digit(at.checked_add(1))
    });
    kept.map(|(_, character)| character).collect()
}

/// The values of a program's parameters by day, with those of a deployment in place of the program's.
///
/// # Errors
/// Where the program has no such parameter, or the value does not fit it.
pub(crate) fn parameters_of(
    program: &Program,
    given: &[(String, String)],
) -> Result<Vec<DatedValues>, EngineError> {
    let values = Values::of(program)
        .ok_or_else(|| EngineError::Catalogue(CatalogueError::UnknownZone { zone: program.zone.clone() }))?;
    parameters(program, &values, given)
}

#[cfg(feature = "native")]
fn code(
    interpreter: &Interpreter,
    kind: EngineKind,
    threads: usize,
    finding: &Arc<Finding>,
) -> Result<Code, EngineError> {
    let options = native::Options { threads, ..native::Options::default() };
    // Who waits compiles, too.
    let (waits, behind) = match kind {
        EngineKind::Interpreter => return Ok(Code::Interpreter),
        EngineKind::Automatic | EngineKind::Native => (true, threads.saturating_sub(1)),
        EngineKind::Tiered => (false, threads),
    };
    let own = Arc::clone(finding);
    let first = move || {
        own.index();
    };
    match Native::behind(interpreter.clone(), options, behind, first) {
        Ok(native) => {
            if waits {
                native.wait();
            }
            Ok(Code::Native(native))
        }
        Err(error) if kind == EngineKind::Native => Err(EngineError::NoNativeCode(error.to_string())),
        Err(_) => {
            finding.index();
            Ok(Code::Interpreter)
        }
    }
}

#[cfg(not(feature = "native"))]
fn code(_: &Interpreter, kind: EngineKind, _: usize, _: &Arc<Finding>) -> Result<Code, EngineError> {
    if kind == EngineKind::Native {
        return Err(EngineError::NoNativeCode("this build has no code generator".to_owned()));
    }
    Ok(Code::Interpreter)
}

impl Engine {
    /// Begins an engine of a pack.
    pub fn builder<'a>(pack: Pack) -> EngineBuilder<'a> {
        EngineBuilder {
            pack,
            catalogue: None,
            parameters: Vec::new(),
            kind: EngineKind::default(),
            options: ReadOptions::default(),
            known_names_only: false,
            threads: 1,
            shadow: None,
            marks: None,
        }
    }

    /// Its pack.
    pub fn pack(&self) -> &Pack {
        &self.0.pack
    }

    /// Its program.
    pub fn program(&self) -> &Program {
        self.0.pack.program()
    }

    /// How it reads records.
    pub fn schema(&self) -> &Schema {
        &self.0.finding.schema
    }

    /// Tells whether anybody still holds this engine: itself, a clone, a session, a decision that is being made.
    pub fn watch(&self) -> EngineWatch {
        EngineWatch(Arc::downgrade(&self.0))
    }

    /// Names in the pack that the catalogue does not know.
    pub fn unknown_names(&self) -> &[UnknownName] {
        self.schema().unknown_names()
    }

    /// Whether native code runs the rules, or will where it is still being made.
    pub fn is_native(&self) -> bool {
        match &self.0.code {
            Code::Interpreter => false,
            #[cfg(feature = "native")]
            Code::Native(_) => true,
        }
    }

    /// Whether an index finds the rules, rather than a look at each of them: an engine of [`EngineKind::Tiered`] that has many
    /// makes it behind.
    pub fn is_indexed(&self) -> bool {
        self.0.finding.indexed.get().is_some()
    }

    /// How much of the program is native code by now; nothing of an interpreter.
    pub fn native_progress(&self) -> Progress {
        match &self.0.code {
            Code::Interpreter => Progress::default(),
            #[cfg(feature = "native")]
            Code::Native(native) => native.progress(),
        }
    }

    /// Compiles some functions of an engine of [`EngineKind::Tiered`] on this thread; says whether there were any that
    /// nobody compiles yet. For hosts that have threads of their own for such work.
    pub fn compile_some(&self) -> bool {
        match &self.0.code {
            Code::Interpreter => false,
            #[cfg(feature = "native")]
            Code::Native(native) => {
                self.0.finding.index();
                native.compile_part()
            }
        }
    }

    /// Helps to compile until nothing is left to be compiled.
    pub fn wait_for_native(&self) {
        match &self.0.code {
            Code::Interpreter => {}
            #[cfg(feature = "native")]
            Code::Native(native) => {
                self.0.finding.index();
                native.wait();
            }
        }
    }

    /// How many events the interpreter decided beside the native code.
    pub fn shadow_checks(&self) -> u64 {
        self.0.shadow_checks.load(Ordering::Relaxed)
    }

    /// How many of them came out different.
    pub fn shadow_mismatches(&self) -> u64 {
        self.0.shadow_mismatches.load(Ordering::Relaxed)
    }

    /// The interpreter of its rules.
    pub(crate) fn interpreter(&self) -> &Interpreter {
        &self.0.interpreter
    }

    /// How its rules are found, by their index.
    pub(crate) fn plan(&self) -> &Plan {
        self.0.finding.index()
    }

    /// The values of the parameters at a date.
    pub(crate) fn parameters_at(&self, date: Option<i64>) -> Vec<i64> {
        self.0.params.iter().map(|values| value_at(values, date.unwrap_or(MISSING))).collect()
    }

    /// The values of a parameter by day.
    pub(crate) fn parameter_values(&self, param: ParamId) -> Option<&DatedValues> {
        self.0.params.get(param.index())
    }

    /// Decides an event with code of the caller's.
    pub(crate) fn evaluate_with<C: evaluate::Code>(
        &self,
        code: &C,
        record: &mut evaluate::Record,
        params: &[i64],
        claimed: &dyn Claimed,
    ) -> evaluate::Decision {
        let mut decision = evaluate::Decision::default();
        evaluate::evaluate(
            self.program(),
            self.0.finding.plan(),
            self.schema().bindings(),
            record,
            params,
            claimed,
            code,
            &mut Workspace::default(),
            &mut decision,
        );
        decision
    }

    /// Whether decisions depend on earlier ones: on a member's history or balance, on limits or budgets over more than
    /// an event. Such events are decided one after another.
    pub fn is_stateful(&self) -> bool {
        state::is_stateful(self.program())
    }

    /// Whether decisions of events that bring nothing back do.
    pub fn looks_back(&self) -> bool {
        state::looks_back(self.program())
    }

    /// A worker for one thread. Where the program is stateful, the session begins with nothing before, and keeps in
    /// memory what it decides; [`Session::with_state`] gives it another memory.
    pub fn session(&self) -> Session {
        let state: Option<Box<dyn State>> = match self.is_stateful() {
            true => Some(Box::new(Memory::new(Arc::clone(self.0.pack.program())))),
            false => None,
        };
        Session {
            engine: self.clone(),
            state,
            reader: Reader::new(),
            event: ReadEvent::default(),
            evaluation: Evaluation::default(),
        }
    }
}

impl Engine {
    /// A worker that remembers nothing, whatever the program asks of the past.
    pub(crate) fn session_without_state(&self) -> Session {
        Session {
            engine: self.clone(),
            state: None,
            reader: Reader::new(),
            event: ReadEvent::default(),
            evaluation: Evaluation::default(),
        }
    }
}

/// Looks at an event as it was before it was decided, with all that is known of the past, and at its decision.
pub(crate) type Watcher<'a> = dyn FnMut(&Reader, &ReadEvent, &dyn Claimed, &evaluate::Decision) + 'a;

/// The memory of evaluation, of one thread.
#[derive(Default)]
struct Evaluation {
    interpreter: Workspace<interpret::Scratch>,
    #[cfg(feature = "native")]
    native: Workspace<native::Scratch>,
    decision: evaluate::Decision,
    #[cfg(feature = "native")]
    shadow: evaluate::Decision,
    /// The parameters at a date.
    params: Vec<i64>,
    date: Option<i64>,
    #[cfg(feature = "native")]
    count: u32,
}

impl Evaluation {
    fn run(&mut self, engine: &Inner, event: &mut ReadEvent, claimed: &dyn Claimed) {
        let date = event.record.event.get(event_slot::DATE.index()).copied();
        if self.date != date || self.params.len() != engine.params.len() {
            self.date = date;
            self.params.clear();
            self.params.extend(engine.params.iter().map(|values| value_at(values, date.unwrap_or(MISSING))));
        }
        match &engine.code {
            Code::Interpreter => self.interpret(engine, event, claimed),
            #[cfg(feature = "native")]
            Code::Native(native) => {
                self.count = self.count.wrapping_add(1);
                if engine.shadow.is_some_and(|every| self.count.is_multiple_of(every.get())) {
                    self.compare(engine, native, event, claimed);
                } else {
                    self.run_native(engine, native, event, claimed);
                }
            }
        }
    }

    /// Runs, and lets somebody look.
    fn run_watched(
        &mut self,
        engine: &Engine,
        reader: &Reader,
        event: &mut ReadEvent,
        claimed: &dyn Claimed,
        watcher: Option<&mut Watcher<'_>>,
    ) {
        let Some(watcher) = watcher else { return self.run(&engine.0, event, claimed) };
        let before = event.clone();
        self.run(&engine.0, event, claimed);
        watcher(reader, &before, claimed, &self.decision);
    }

    /// What functions that belong to no rule give for a record.
    fn ask(
        &mut self,
        engine: &Inner,
        record: &mut evaluate::Record,
        functions: &[FunctionId],
    ) -> Vec<Option<i64>> {
        let date = record.event.get(event_slot::DATE.index()).copied().unwrap_or(MISSING);
        let params: Vec<i64> = engine.params.iter().map(|values| value_at(values, date)).collect();
        let (program, bindings) = (engine.pack.program(), engine.finding.schema.bindings());
        match &engine.code {
            Code::Interpreter => {
                let (code, memory) = (&engine.interpreter, &mut self.interpreter);
                let mut reviewer = Reviewer::new(program, bindings, record, &params, code, memory);
                functions.iter().map(|function| reviewer.ask(*function)).collect()
            }
            #[cfg(feature = "native")]
            Code::Native(code) => {
                let mut reviewer = Reviewer::new(program, bindings, record, &params, code, &mut self.native);
                functions.iter().map(|function| reviewer.ask(*function)).collect()
            }
        }
    }

    /// Decides an event again of which goods have come back.
    fn again(
        &mut self,
        engine: &Inner,
        record: &mut evaluate::Record,
        claimed: &dyn Claimed,
        kept: &evaluate::Kept,
    ) -> evaluate::Decision {
        let date = record.event.get(event_slot::DATE.index()).copied().unwrap_or(MISSING);
        let params: Vec<i64> = engine.params.iter().map(|values| value_at(values, date)).collect();
        let (program, plan, bindings) =
            (engine.pack.program(), engine.finding.plan(), engine.finding.schema.bindings());
        let mut decision = evaluate::Decision::default();
        let out = &mut decision;
        match &engine.code {
            Code::Interpreter => {
                let (code, memory) = (&engine.interpreter, &mut self.interpreter);
                evaluate::evaluate_again(
                    program, plan, bindings, record, &params, claimed, code, memory, out, kept,
                );
            }
            #[cfg(feature = "native")]
            Code::Native(code) => {
                let memory = &mut self.native;
                evaluate::evaluate_again(
                    program, plan, bindings, record, &params, claimed, code, memory, out, kept,
                );
            }
        }
        decision
    }

    fn interpret(&mut self, engine: &Inner, event: &mut ReadEvent, claimed: &dyn Claimed) {
        evaluate::evaluate(
            engine.pack.program(),
            engine.finding.plan(),
            engine.finding.schema.bindings(),
            &mut event.record,
            &self.params,
            claimed,
            &engine.interpreter,
            &mut self.interpreter,
            &mut self.decision,
        );
    }

    #[cfg(feature = "native")]
    fn run_native(&mut self, engine: &Inner, native: &Native, event: &mut ReadEvent, claimed: &dyn Claimed) {
        evaluate::evaluate(
            engine.pack.program(),
            engine.finding.plan(),
            engine.finding.schema.bindings(),
            &mut event.record,
            &self.params,
            claimed,
            native,
            &mut self.native,
            &mut self.decision,
        );
    }

    /// Decides with both; the interpreter's decision stands.
    #[cfg(feature = "native")]
    fn compare(&mut self, engine: &Inner, native: &Native, event: &mut ReadEvent, claimed: &dyn Claimed) {
        let before = event.record.clone();
        self.run_native(engine, native, event, claimed);
        std::mem::swap(&mut self.decision, &mut self.shadow);
        event.record = before;
        self.interpret(engine, event, claimed);
        engine.shadow_checks.fetch_add(1, Ordering::Relaxed);
        if self.shadow != self.decision {
            engine.shadow_mismatches.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Decides an event by itself: nothing was before it, so nothing comes back of it.
fn alone(
    engine: &Engine,
    reader: &Reader,
    event: &mut ReadEvent,
    evaluation: &mut Evaluation,
    watcher: Option<&mut Watcher<'_>>,
) {
    returns::unkept(engine.program(), event);
    match returns::is_refused(event) {
        true => returns::refuse(event, &mut evaluation.decision),
        false => evaluation.run_watched(engine, reader, event, &Unclaimed, watcher),
    }
}

/// Decides an event that was just read, on what was kept before it, and keeps it.
fn decide(
    engine: &Engine,
    state: Option<&mut (dyn State + 'static)>,
    reader: &mut Reader,
    event: &mut ReadEvent,
    evaluation: &mut Evaluation,
    watcher: Option<&mut Watcher<'_>>,
) {
    let (program, schema): (&Program, &Schema) = (engine.program(), engine.schema());
    let Some(state) = state else { return alone(engine, reader, event, evaluation, watcher) };
    // First of all: a return may learn from its purchase whose it is.
    returns::before(program, &*state, (schema, reader), event, &mut |record, claimed, kept| {
        evaluation.again(&engine.0, record, claimed, kept)
    });
    let tiers = review::before(program, state, (schema, reader), event, &mut |record, functions| {
        evaluation.ask(&engine.0, record, functions)
    });
    let claimed = state.see(schema, reader, event);
    returns::show(program, event);
    match returns::is_refused(event) {
        true => returns::refuse(event, &mut evaluation.decision),
        false => {
            let claimed = returns::Corrected::new(&*claimed, event);
            evaluation.run_watched(engine, reader, event, &claimed, watcher);
        }
    }
    drop(claimed);
    returns::settle(program, event, &mut evaluation.decision);
    evaluation.decision.tiers = tiers;
    state.keep(schema, reader, event, &evaluation.decision);
    let mut decision = std::mem::take(&mut evaluation.decision);
    let lost =
        review::after(program, state, (schema, reader), event, &mut decision, &mut |record, functions| {
            evaluation.ask(&engine.0, record, functions)
        });
    returns::after(program, state, (schema, reader), event, &lost, &mut |record, claimed, kept| {
        evaluation.again(&engine.0, record, claimed, kept)
    });
    raise(engine, state, reader, event, &lost, (evaluation, decision));
}

/// Lets rules hear of the changes of levels that a decision lists, and leaves it as the last one.
fn raise(
    engine: &Engine,
    state: &mut (dyn State + 'static),
    reader: &mut Reader,
    event: &mut ReadEvent,
    lost: &review::Lost,
    (evaluation, mut decision): (&mut Evaluation, evaluate::Decision),
) {
    let (program, schema): (&Program, &Schema) = (engine.program(), engine.schema());
    for (at, mut raised) in review::raised(program, schema, event, &decision.tiers, lost) {
        let claimed = state.see(schema, reader, &mut raised);
        review::levels_then(program, &mut raised.record, &decision.tiers, at);
        evaluation.run(&engine.0, &mut raised, &*claimed);
        drop(claimed);
        state.keep(schema, reader, &raised, &evaluation.decision);
        decision.raised.push(std::mem::take(&mut evaluation.decision));
        event.raised.push(raised);
    }
    evaluation.decision = decision;
}

/// Makes the reviews that are due by the instant of a record that was just read; nothing else comes of the record.
fn review_only(
    engine: &Engine,
    state: &mut (dyn State + 'static),
    reader: &mut Reader,
    event: &mut ReadEvent,
    evaluation: &mut Evaluation,
) {
    let (program, schema): (&Program, &Schema) = (engine.program(), engine.schema());
    let tiers = review::before(program, state, (schema, reader), event, &mut |record, functions| {
        evaluation.ask(&engine.0, record, functions)
    });
    let decision = evaluate::Decision { tiers, ..evaluate::Decision::default() };
    raise(engine, state, reader, event, &review::Lost::default(), (evaluation, decision));
}

/// The last value whose day is not after the date.
pub(crate) fn value_at(values: &[(Option<i64>, i64)], date: i64) -> i64 {
    values
        .iter()
        .rev()
        .find(|(from, _)| from.is_none_or(|from| from <= date))
        .map_or(MISSING, |(_, value)| *value)
}

/// A worker of one thread: decides one event after another with one engine, and allocates only while its buffers grow.
pub struct Session {
    engine: Engine,
    /// What was decided before, where the program asks for it.
    state: Option<Box<dyn State>>,
    reader: Reader,
    event: ReadEvent,
    evaluation: Evaluation,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session of {:?}", self.engine)
    }
}

impl Session {
    /// Its engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Decides an event.
    ///
    /// # Errors
    /// What is wrong with the event.
    pub fn decide(&mut self, event: &Event) -> Result<Decision, Box<RecordError>> {
        self.decide_json(event.json().as_bytes())
    }

    /// Reads and keeps the state of stateful programs elsewhere.
    #[must_use]
    pub fn with_state(mut self, state: Box<dyn State>) -> Session {
        self.state = Some(state);
        self
    }

    /// Lets each event take so many turns instead of [`evaluate::FUEL`]: for hosts that can wait for less. A decision
    /// depends on it only where it does not suffice; rules that it does not suffice for are named in the decision.
    #[must_use]
    pub fn with_fuel(mut self, fuel: i64) -> Session {
        self.evaluation.interpreter = Workspace::with_fuel(fuel);
        #[cfg(feature = "native")]
        {
            self.evaluation.native = Workspace::with_fuel(fuel);
        }
        self
    }

    /// Turns that the last event has left over.
    pub fn fuel_left(&self) -> i64 {
        match &self.engine.0.code {
            Code::Interpreter => self.evaluation.interpreter.fuel_left(),
            #[cfg(feature = "native")]
            Code::Native(_) => self.evaluation.native.fuel_left(),
        }
    }

    /// What was kept so far, of stateful programs.
    pub fn state(&self) -> Option<&dyn State> {
        self.state.as_deref()
    }

    /// Decides the event that was read last, on what was kept before it, and keeps it.
    fn run(&mut self) {
        let Session { engine, state, reader, event, evaluation } = self;
        decide(engine, state.as_deref_mut(), reader, event, evaluation, None);
    }

    /// Decides an event from its JSON text.
    ///
    /// # Errors
    /// What is wrong with the event.
    pub fn decide_json(&mut self, json: &[u8]) -> Result<Decision, Box<RecordError>> {
        self.reader.read(self.engine.schema(), json, &mut self.event)?;
        self.run();
        Ok(self.engine.0.names.decision(&self.event, &self.evaluation.decision))
    }

    /// Decides an event from its JSON text and appends the decision as one line of JSON.
    ///
    /// # Errors
    /// What is wrong with the event; nothing was appended then.
    pub fn decide_line(&mut self, json: &[u8], out: &mut Vec<u8>) -> Result<(), Box<RecordError>> {
        self.reader.read(self.engine.schema(), json, &mut self.event)?;
        self.run();
        self.engine.0.names.write(out, &self.event, &self.evaluation.decision);
        Ok(())
    }

    /// Decides an event that was read for this engine's schema: numbers and ids, nothing named. The running amounts in
    /// its record change. Knows nothing of what was decided before, and keeps nothing.
    pub fn decide_record(&mut self, event: &mut ReadEvent) -> &evaluate::Decision {
        let Session { engine, reader, evaluation, .. } = self;
        alone(engine, reader, event, evaluation, None);
        &self.evaluation.decision
    }

    /// Decides an event that `reader` has just read for this engine's schema, on what was decided before it, and keeps
    /// it: as [`Self::decide_record`], for programs with and without state.
    pub fn decide_read(&mut self, reader: &mut Reader, event: &mut ReadEvent) -> &evaluate::Decision {
        let Session { engine, state, evaluation, .. } = self;
        decide(engine, state.as_deref_mut(), reader, event, evaluation, None);
        &self.evaluation.decision
    }

    /// Decides the event that was read last as [`Self::decide_json`] does, and lets somebody look.
    pub(crate) fn decide_watched(&mut self, watcher: &mut Watcher<'_>) -> Decision {
        let Session { engine, state, reader, event, evaluation } = self;
        decide(engine, state.as_deref_mut(), reader, event, evaluation, Some(watcher));
        self.engine.0.names.decision(&self.event, &self.evaluation.decision)
    }

    /// Why the event that was decided last brings nothing back, where it is a return that is refused.
    pub(crate) fn no_return(&self) -> Option<(&'static str, String)> {
        let returned = self.event.returned.as_ref()?;
        returned.as_ref().err().map(|refused| (refused.name(), refused.words(&self.event)))
    }

    /// As [`Self::decide_read`], with state that somebody else keeps.
    pub fn decide_on(
        &mut self,
        state: &mut (dyn State + 'static),
        reader: &mut Reader,
        event: &mut ReadEvent,
    ) -> &evaluate::Decision {
        decide(&self.engine, Some(state), reader, event, &mut self.evaluation, None);
        &self.evaluation.decision
    }

    /// Makes the reviews of levels that are due by the instant of a record that `reader` has just read, on state that
    /// somebody else keeps, and lets rules hear of the changes. No rule hears of the record itself, and it is not kept: it
    /// says who and when, and its kind is one that the levels look at.
    pub fn review_on(
        &mut self,
        state: &mut (dyn State + 'static),
        reader: &mut Reader,
        event: &mut ReadEvent,
    ) -> &evaluate::Decision {
        review_only(&self.engine, state, reader, event, &mut self.evaluation);
        &self.evaluation.decision
    }

    /// Appends a decision as one line of JSON.
    pub fn write_decision(&self, event: &ReadEvent, decision: &evaluate::Decision, out: &mut Vec<u8>) {
        self.engine.0.names.write(out, event, decision);
    }

    /// Names what [`Self::decide_record`] decided.
    pub fn describe(&self, event: &ReadEvent, decision: &evaluate::Decision) -> Decision {
        self.engine.0.names.decision(event, decision)
    }

    /// Takes the parts apart, for whoever measures the steps.
    pub(crate) fn read(&mut self, json: &[u8]) -> Result<&ReadEvent, Box<RecordError>> {
        self.reader.read(self.engine.schema(), json, &mut self.event)?;
        Ok(&self.event)
    }

    /// Reads an event by something else than JSON; gives what that gives.
    pub(crate) fn read_by<T>(&mut self, read: impl FnOnce(&Schema, &mut Reader, &mut ReadEvent) -> T) -> T {
        read(self.engine.schema(), &mut self.reader, &mut self.event)
    }

    /// Decides the event that was read last.
    pub(crate) fn evaluate(&mut self) -> (&ReadEvent, &evaluate::Decision) {
        self.run();
        (&self.event, &self.evaluation.decision)
    }

    /// Adds the decision of the event that was read last to a table.
    #[cfg(feature = "columnar")]
    pub(crate) fn add_to(
        &self,
        columns: &DecisionColumns,
        table: &mut TableBuilder,
    ) -> Result<(), TableError> {
        columns.add(table, &self.engine.0.names, &self.event, &self.evaluation.decision)
    }

    /// Appends the decision of the event that was read last.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.engine.0.names.write(out, &self.event, &self.evaluation.decision);
    }
}

/// Knows whether an engine is still there, and does not keep it.
#[derive(Clone)]
pub struct EngineWatch(Weak<Inner>);

impl EngineWatch {
    /// Whether anybody holds it.
    pub fn is_held(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl std::fmt::Debug for EngineWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EngineWatch of one that is {}", if self.is_held() { "held" } else { "gone" })
    }
}

/// An engine that can be replaced while it is used. Whoever began with an engine ends with it; the old one is freed
/// after its last user.
#[derive(Debug)]
pub struct HotEngine {
    current: ArcSwap<Engine>,
}

impl HotEngine {
    /// Begins with an engine.
    pub fn new(engine: Engine) -> HotEngine {
        HotEngine { current: ArcSwap::from_pointee(engine) }
    }

    /// The engine of now.
    pub fn load(&self) -> Engine {
        Engine::clone(&self.current.load())
    }

    /// Puts an engine in place, and gives back the one before, to return to. Only whole engines can stand here: a pack
    /// that is refused never becomes one.
    pub fn swap(&self, engine: Engine) -> Engine {
        Engine::clone(&self.current.swap(Arc::new(engine)))
    }

    /// Gives a session of the engine of now: the one given, unless it has become old.
    pub fn refresh(&self, session: &mut Session) {
        let current = self.current.load();
        if !Arc::ptr_eq(&current.0, &session.engine.0) {
            *session = current.session();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Line, Member};
    use crate::testing;

    fn builder<'a>() -> EngineBuilder<'a> {
        Engine::builder(Pack::of(testing::verified()))
    }

    pub(crate) fn purchase() -> Event {
        Event::builder("purchase")
            .id("r1")
            .at("2026-03-01T09:00")
            .member(Member::new("m1"))
            .line(Line::new("T1").pieces(3).price("3.35"))
            .line(Line::new("C1").pieces(1).price("2.00"))
            .build()
    }

    fn is_shareable<T: Send + Sync>() {}

    #[test]
    fn decides_an_event() {
        is_shareable::<Engine>();
        is_shareable::<HotEngine>();
        let catalogue = testing::catalogue();
        let engine = builder().catalogue(&catalogue).kind(EngineKind::Interpreter).build().unwrap();
        assert!(!engine.is_native());
        let mut session = engine.session();
        let decision = session.decide(&purchase()).unwrap();
        // 10.05 - 10 % (1.005, a half up) = 9.04; 9.04 + 2.00 = 11.04 gives 11 points.
        assert_eq!(decision.totals.discount, "1.01");
        assert_eq!(decision.totals.total, "11.04");
        assert_eq!(decision.totals.awards.get("bonus"), Some("11"));
        assert_eq!(decision.effects[0].rule, "tea_week");
        assert_eq!(decision.effects[0].lines[0].units.len(), 2);
        let mut line = Vec::new();
        session.decide_line(purchase().json().as_bytes(), &mut line).unwrap();
        assert_eq!(serde_json::from_slice::<Decision>(&line).unwrap(), decision);
        assert_eq!(session.decide(&Event::from_json("{")).unwrap_err().name(), "malformed-json");
        let mut read = ReadEvent::default();
        Reader::new().read(engine.schema(), purchase().json().as_bytes(), &mut read).unwrap();
        let raw = session.decide_record(&mut read).clone();
        assert_eq!(session.describe(&read, &raw), decision);
    }

    #[cfg(feature = "native")]
    #[test]
    fn native_code_decides_the_same() {
        let catalogue = testing::catalogue();
        let interpreted = builder().catalogue(&catalogue).kind(EngineKind::Interpreter).build().unwrap();
        let native = builder()
            .catalogue(&catalogue)
            .kind(EngineKind::Native)
            .shadow(NonZeroU32::new(2).unwrap())
            .build()
            .unwrap();
        assert!(native.is_native());
        let (mut first, mut second) = (interpreted.session(), native.session());
        for _ in 0..10 {
            assert_eq!(first.decide(&purchase()), second.decide(&purchase()));
        }
        assert_eq!((native.shadow_checks(), native.shadow_mismatches()), (5, 0));
    }

    #[cfg(not(feature = "native"))]
    #[test]
    fn native_code_can_be_absent() {
        assert_eq!(builder().kind(EngineKind::Native).build().unwrap_err().name(), "no-native-code");
        assert!(!builder().build().unwrap().is_native());
    }

    #[test]
    fn parameters_are_checked() {
        let refused = |name: &str, value: &str| {
            let error = builder().parameter(name, value).kind(EngineKind::Interpreter).build().unwrap_err();
            assert!(!error.to_string().is_empty());
            error.name()
        };
        assert_eq!(refused("rat", "5"), "unknown-parameter");
        for value in ["five", "5 GBP", "5%%", "_5", "5_", "1__0"] {
            assert_eq!(refused("rate", value), "bad-parameter");
        }
        assert_eq!(refused("rate", "10.0001"), "parameter-out-of-range");
        assert_eq!(refused("rate", "-0.0001"), "parameter-out-of-range");
        let error = builder().parameter("rate", "12%").kind(EngineKind::Interpreter).build().unwrap_err();
        assert_eq!(
            error.to_string(),
            "parameter `rate`: `12%` is outside the range that the program allows, 0% through 10%"
        );
        for value in ["0", "10", "7.5", "7.5%", "7.5 %", "1_0"] {
            assert!(builder().parameter("rate", value).kind(EngineKind::Interpreter).build().is_ok());
        }
        assert_eq!(value_at(&[(None, 1), (Some(10), 2)], 9), 1);
        assert_eq!(value_at(&[(None, 1), (Some(10), 2)], 10), 2);
        assert_eq!(value_at(&[(Some(10), 2)], 9), MISSING);
    }

    #[test]
    fn unknown_names_are_warnings_or_refused() {
        let catalogue =
            Catalogue::builder().names_csv("category", "name\nTee\nDrinks\n".as_bytes()).unwrap().build();
        let engine = builder().catalogue(&catalogue).kind(EngineKind::Interpreter).build().unwrap();
        let names: Vec<String> = engine.unknown_names().iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["the catalogue has no category `Tea`; `Tee` is near", "the catalogue has no list `Bestsellers`"]
        );
        let error = builder().catalogue(&catalogue).known_names_only().build().unwrap_err();
        assert_eq!(error.name(), "unknown-name");
    }

    #[test]
    fn a_column_that_may_be_misspelt_is_told() {
        let told = |header: &str| -> Vec<String> {
            let members = format!("{header}\nm1,gold,100\n");
            let catalogue = Catalogue::builder().members_csv(members.as_bytes()).unwrap().build();
            let engine = builder().catalogue(&catalogue).kind(EngineKind::Interpreter).build().unwrap();
            let names = engine.unknown_names().iter().map(ToString::to_string);
            names.filter(|name| name.contains("column")).collect()
        };
        assert_eq!(told("member,tier,balance"), [""; 0]);
        // Not there at all, and another column that means nothing here.
        assert_eq!(told("member,tier,birthday"), [""; 0]);
        assert_eq!(
            told("member,tier,balanec"),
            ["the catalogue has no column of members `balance`; `balanec` is near"]
        );
    }

    #[test]
    fn a_hot_engine_changes_between_events() {
        let first = builder().kind(EngineKind::Interpreter).build().unwrap();
        let mut program = testing::program();
        program.version = 8;
        let pack = Pack::of(perq_compiler::ir::verify::verify(program).unwrap());
        let second = Engine::builder(pack).kind(EngineKind::Interpreter).build().unwrap();
        let hot = HotEngine::new(first.clone());
        let mut session = hot.load().session();
        let before = session.decide(&purchase()).unwrap();
        let old = hot.swap(second);
        assert_eq!(session.decide(&purchase()).unwrap(), before);
        hot.refresh(&mut session);
        assert_ne!(session.decide(&purchase()).unwrap().pack, before.pack);
        hot.swap(old);
        hot.refresh(&mut session);
        assert_eq!(session.decide(&purchase()).unwrap(), before);
    }
}
