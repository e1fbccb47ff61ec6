//! Native code in this process: shards of emitted functions, the memory that holds them, and the calls into it.
//!
//! The only place of the runtime that may be unsafe. Pointers to code never leave it, emitted code is freed when
//! nobody can run it any more, and what was not emitted, or not yet, is interpreted. Both give the same, so that nothing
//! depends on when a function changes from one to the other.

mod context;
mod helpers;

use crate::engine::Progress;
use context::{Context, Rows, Words};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use perq_compiler::emit::helpers::Helper;
use perq_compiler::emit::{Emitted, Emitter, Parts, Template, abi, rule_of, template};
use perq_compiler::evaluate::{Bindings, Call, Code, LineRows, Proposals, RecordView, conditions_hold};
use perq_compiler::interpret::actions::{Bag, symbols};
use perq_compiler::interpret::picks::Run;
use perq_compiler::interpret::sets::Sets;
use perq_compiler::interpret::{self, Interpreter};
use perq_compiler::ir::{Fault, FunctionId, MISSING, Verified};
use std::collections::{HashMap, HashSet};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;

/// How to compile.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Optimise: code runs faster and takes about a third longer to make.
    pub optimise: bool,
    /// Let Cranelift check what it is given; nearly doubles its time.
    pub verify: bool,
    /// Threads that compile.
    pub threads: usize,
    /// Functions that share a piece of memory.
    pub shard: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { optimise: true, verify: cfg!(debug_assertions), threads: 1, shard: 128 }
    }
}

/// No code can be made for this machine; the words are Cranelift's. The interpreter still runs the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoNativeCode(pub String);

impl std::fmt::Display for NoNativeCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no native code for this machine: {}", self.0)
    }
}

impl std::error::Error for NoNativeCode {}

/// Runs the functions of a program as native code, and interprets those for which there is none.
pub struct Native {
    functions: Arc<Functions>,
    /// Threads that may still be compiling.
    compilers: Mutex<Vec<JoinHandle<()>>>,
}

/// The functions of a program, and their code as far as there is any. Held by whoever compiles, too.
struct Functions {
    interpreter: Interpreter,
    shape: RecordShape,
    options: Options,
    /// By function; what is not there yet is interpreted. Each is set once, by whoever took its part.
    entries: Vec<Once>,
    /// The next part of [`Options::shard`] functions that nobody has taken.
    next: AtomicUsize,
    /// Held for reading by whoever compiles a part.
    busy: RwLock<()>,
    /// Nobody wants the rest.
    stopped: AtomicBool,
    /// What became of the templates so far: functions that differ in constants only share their code.
    templates: Mutex<Templates>,
    /// Holds the code that entries point to: it is dropped after them, and nothing hands out their pointers.
    shards: Mutex<Vec<Shard>>,
}

/// A function of a program.
enum Entry {
    Compiled(Compiled),
    Declined(String),
}

/// Templates with what became of them, as long as functions are compiled.
#[derive(Default)]
struct Templates {
    made: HashMap<Template, Made>,
    /// How many there were.
    pieces: usize,
}

/// What became of a template.
#[derive(Clone)]
enum Made {
    Code(MadeCode),
    Declined(String),
}

/// Where an entry is set once: of the size that a processor's cache fetches at once, since with many functions each is one
/// that no cache holds.
#[derive(Default)]
#[repr(align(64))]
struct Once(OnceLock<Entry>);

const _: () = assert!(size_of::<Once>() == 64);

impl Once {
    #[inline]
    fn get(&self) -> Option<&Entry> {
        self.0.get()
    }
}

/// Code of a function, and what it needs.
struct Compiled {
    made: MadeCode,
    /// The constants of its template, then the references whose bits it reads, then the slots of [`Parts::assumed`]: in one
    /// place, for the same reason.
    words: Box<[i64]>,
    /// Where in there the constants end, and where the references do.
    constants: u32,
    references: u32,
    /// It takes for granted what [`Parts::assumed`] says.
    assumes: bool,
}

impl Compiled {
    /// `None` where it takes more words than are counted here.
    fn new(made: MadeCode, parts: Parts) -> Option<Compiled> {
        let Parts { constants: mut words, references, assumed } = parts;
        let constants = u32::try_from(words.len()).ok()?;
        words.extend(references.iter().map(|reference| i64::from(reference.0)));
        let references = u32::try_from(words.len()).ok()?;
        words.extend(assumed.iter().flatten().map(|slot| i64::from(slot.0)));
        Some(Compiled { made, words: words.into(), constants, references, assumes: assumed.is_some() })
    }

    #[inline]
    fn references(&self) -> &[i64] {
        self.words.get(self.constants as usize..self.references as usize).unwrap_or(&[])
    }

    /// Slots of the sets that it does not ask.
    fn sets(&self) -> &[i64] {
        self.words.get(self.references as usize..).unwrap_or(&[])
    }
}

/// Code of a template, and what it needs.
#[derive(Clone, Copy)]
struct MadeCode {
    code: EntryPoint,
    selections: u32,
    bags: u32,
    sets: u32,
    /// Any of these.
    has_buffers: bool,
    narrowed: bool,
}

type EntryPoint = unsafe extern "C" fn(*mut Context<'_>) -> i64;

/// Code of some functions.
struct Shard {
    module: ManuallyDrop<JITModule>,
}

// SAFETY: a finished module's code is read-only memory that any thread may run. The module itself is reached again
// only by `drop`, which has it alone, and frees it as well on one thread as on another: what it owns (maps, mapped
// memory, functions that look up symbols) is bound to no thread.
unsafe impl Send for Shard {}
// SAFETY: through a shared reference nothing of the module can be reached.
unsafe impl Sync for Shard {}

impl Drop for Shard {
    fn drop(&mut self) {
        // SAFETY: the field is not used again.
        let module = unsafe { ManuallyDrop::take(&mut self.module) };
        // SAFETY: pointers to this code are in `Functions::entries` only, whose calls borrow a `Native`, and with it
        // the `Functions` that it holds, so that none runs while they are dropped; and their entries are dropped before
        // their shards. A shard that no `Functions` took over has never been called.
        unsafe { module.free_memory() };
    }
}

/// Reusable memory of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    interpreter: interpret::Scratch,
    selections: Vec<i64>,
    bags: Vec<Bag>,
    sets: Vec<Sets>,
    runs: Vec<Run>,
    references: Vec<Words>,
    tables: Vec<Rows>,
    /// Rows of lines that loops look at, and behind them how many lines there are.
    rows: Vec<i64>,
    /// The same of all lines.
    all_rows: Vec<i64>,
}

/// Symbols of a set for which asking it takes a turn.
const SYMBOLS_OF_A_TURN: usize = 64;

/// How long the lists of what was proposed are.
struct Lengths {
    list: usize,
    selected: usize,
    takes: usize,
    used: usize,
    derived: Option<i64>,
}

impl Lengths {
    fn of(out: &Proposals) -> Lengths {
        let Proposals { list, selected, derived, takes, used, taken: _ } = out;
        Lengths {
            list: list.len(),
            selected: selected.len(),
            takes: takes.len(),
            used: used.len(),
            derived: *derived,
        }
    }

    /// Takes back what was proposed since.
    fn restore(self, out: &mut Proposals) {
        out.list.truncate(self.list);
        out.selected.truncate(self.selected);
        out.takes.truncate(self.takes);
        out.used.truncate(self.used);
        out.derived = self.derived;
    }
}

/// What the address of an unbound or empty reference is, so that there is always a word to read.
static NO_BITS: [u64; 1] = [0];

impl Native {
    /// Compiles every function of the program, and waits for it. A function that cannot be compiled, or a shard whose
    /// memory cannot be made executable, is interpreted.
    ///
    /// # Errors
    /// Where Cranelift does not know this machine at all.
    pub fn new(program: Arc<Verified>, options: Options) -> Result<Native, NoNativeCode> {
        let threads = options.threads.saturating_sub(1);
        let native = Native::behind(Interpreter::new(program), options, threads, || ())?;
        native.wait();
        Ok(native)
    }

    /// Interprets every function, and lets so many threads compile them meanwhile: each runs as native code from then on.
    /// Without threads it stays so until [`Native::compile_part`] or [`Native::wait`] is called. One of the threads does `first`
    /// before it compiles; where threads were asked for and the system has none, that is done before this returns.
    /// Dropping it ends the threads, within the time that one function or `first` takes, and waits for them.
    ///
    /// # Errors
    /// Where Cranelift does not know this machine at all.
    pub fn behind(
        interpreter: Interpreter,
        options: Options,
        threads: usize,
        first: impl Fn() + Send + Sync + 'static,
    ) -> Result<Native, NoNativeCode> {
        // Asked once here, so that a host learns of it; each shard then makes its own.
        machine(options)?;
        let functions = Arc::new(Functions {
            options,
            entries: interpreter.program().functions.iter().map(|_| Once::default()).collect(),
            shape: RecordShape::of(interpreter.program()),
            interpreter,
            next: AtomicUsize::new(0),
            busy: RwLock::new(()),
            stopped: AtomicBool::new(false),
            templates: Mutex::default(),
            shards: Mutex::new(Vec::new()),
        });
        let threads = threads.min(functions.parts());
        let first = Arc::new(first);
        let mut compilers = Vec::new();
        for number in 0..threads {
            let (functions, first) = (Arc::clone(&functions), Arc::clone(&first));
            let work = move || {
                if number == 0 {
                    first();
                }
                while functions.compile_part() {}
            };
            // Where the system has no more threads, whoever waits compiles.
            compilers.extend(std::thread::Builder::new().name("perq-compile".to_owned()).spawn(work));
        }
        if threads > 0 && compilers.is_empty() {
            first();
        }
        Ok(Native { functions, compilers: Mutex::new(compilers) })
    }

    /// Compiles some functions that nobody compiles yet, on this thread; says whether there were any.
    pub fn compile_part(&self) -> bool {
        self.functions.compile_part()
    }

    /// Helps until every function is compiled or declined.
    pub fn wait(&self) {
        while self.compile_part() {}
        self.functions.close();
    }

    /// Waits for the threads that compile.
    fn join(&self) {
        let mut compilers = self.compilers.lock().unwrap_or_else(PoisonError::into_inner);
        for compiler in compilers.drain(..) {
            // A thread that died has left its functions to the interpreter.
            let _ = compiler.join();
        }
    }

    /// How much is compiled by now.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress { functions: self.functions.entries.len(), ..Progress::default() };
        for entry in self.functions.entries.iter().filter_map(Once::get) {
            match entry {
                Entry::Compiled(_) => progress.compiled = progress.compiled.saturating_add(1),
                Entry::Declined(_) => progress.declined = progress.declined.saturating_add(1),
            }
        }
        progress
    }

    /// The program that it runs.
    pub fn program(&self) -> &Arc<Verified> {
        self.functions.interpreter.program()
    }

    /// How many functions run as native code by now.
    pub fn compiled(&self) -> usize {
        self.progress().compiled
    }

    /// How many pieces of code were made for them: functions that differ in constants only share one.
    pub fn pieces(&self) -> usize {
        self.functions.templates.lock().unwrap_or_else(PoisonError::into_inner).pieces
    }

    /// The functions that are interpreted for good, and why.
    pub fn declined(&self) -> impl Iterator<Item = (FunctionId, &str)> {
        (0..).map(FunctionId).zip(&self.functions.entries).filter_map(|(id, entry)| match entry.get()? {
            Entry::Compiled(_) => None,
            Entry::Declined(words) => Some((id, words.as_str())),
        })
    }

    /// Whether the record is laid out as the code takes for granted: it has every slot of the layout, and a value for
    /// every parameter.
    #[inline]
    fn fits(&self, record: &RecordView<'_>) -> bool {
        let shape = &self.functions.shape;
        record.event.len() >= shape.event
            && record.params.len() >= shape.params
            && (record.line_width == shape.line || record.lines.is_empty())
            && (record.payment_width == shape.payment || record.payments.is_empty())
            && (shape.tables == 0 || self.tables_fit(record))
    }

    fn tables_fit(&self, record: &RecordView<'_>) -> bool {
        let tables = record.tables.iter().zip(&self.program().layout.tables);
        tables.into_iter().all(|(rows, table)| rows.slots.is_empty() || rows.width == table.columns.len())
    }
}

/// How records of a program are laid out: its slots, parameters and tables, counted.
struct RecordShape {
    event: usize,
    params: usize,
    line: usize,
    payment: usize,
    tables: usize,
}

impl RecordShape {
    fn of(program: &Verified) -> RecordShape {
        let layout = &program.layout;
        RecordShape {
            event: layout.event.len(),
            params: program.params.len(),
            line: layout.line.len(),
            payment: layout.payment.len(),
            tables: layout.tables.len(),
        }
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        self.functions.stopped.store(true, Ordering::Relaxed);
        self.join();
    }
}

impl Functions {
    /// How many parts there are.
    fn parts(&self) -> usize {
        self.entries.len().div_ceil(self.options.shard.max(1))
    }

    /// Compiles the next part that nobody has taken; says whether there was one.
    fn compile_part(&self) -> bool {
        // Only to look: `next` does not run away however often this is called.
        if self.next.load(Ordering::Relaxed) >= self.parts() || self.stopped.load(Ordering::Relaxed) {
            return false;
        }
        let _busy = self.busy.read().unwrap_or_else(PoisonError::into_inner);
        let part = self.next.fetch_add(1, Ordering::Relaxed);
        let size = self.options.shard.max(1);
        let first = part.saturating_mul(size);
        let end = first.saturating_add(size).min(self.entries.len());
        if first >= end {
            return false;
        }
        let functions = (first..end).filter_map(|at| u32::try_from(at).ok()).map(FunctionId);
        let program = self.interpreter.program();
        let wanted: Vec<(FunctionId, Option<(Template, Parts)>)> =
            functions.map(|function| (function, template(program, function))).collect();
        // Another thread may make one of these at the same time: then there are two of it.
        let missing: Vec<&Template> = {
            let known = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
            let mut seen = HashSet::new();
            let templates = wanted.iter().filter_map(|(_, wanted)| wanted.as_ref());
            templates
                .map(|(template, _)| template)
                .filter(|template| !known.made.contains_key(*template) && seen.insert(*template))
                .collect()
        };
        if !missing.is_empty() {
            let (shard, made) = compile(program, &missing, self.options, &self.stopped);
            // First the memory, then who points to it.
            if let Some(shard) = shard {
                self.shards.lock().unwrap_or_else(PoisonError::into_inner).push(shard);
            }
            let mut known = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
            for (template, made) in missing.into_iter().zip(made) {
                if known.made.insert(template.clone(), made).is_none() {
                    known.pieces = known.pieces.saturating_add(1);
                }
            }
        }
        let known = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        for (function, wanted) in wanted {
            let entry = match wanted.as_ref().and_then(|(template, _)| known.made.get(template)).cloned() {
                Some(Made::Code(made)) => {
                    let parts = wanted.map_or(Parts::default(), |(_, parts)| parts);
                    match Compiled::new(made, parts) {
                        Some(compiled) => Entry::Compiled(compiled),
                        None => Entry::Declined("there are too many constants".to_owned()),
                    }
                }
                Some(Made::Declined(words)) => Entry::Declined(words),
                None => Entry::Declined("there is no such function".to_owned()),
            };
            if let Some(place) = self.entries.get(function.index()) {
                // This part was taken once, so it is empty.
                let _ = place.0.set(entry);
            }
        }
        true
    }

    /// Waits until what was taken is done, all of it; what then is not there had a thread that died.
    fn close(&self) {
        let _all = self.busy.write().unwrap_or_else(PoisonError::into_inner);
        for entry in &self.entries {
            entry.0.get_or_init(|| Entry::Declined("a compiling thread failed".to_owned()));
        }
        // Nobody asks for a template any more.
        self.templates.lock().unwrap_or_else(PoisonError::into_inner).made = HashMap::new();
    }
}

impl Code for Native {
    type Scratch = Scratch;

    fn run(
        &self,
        function: FunctionId,
        record: RecordView<'_>,
        bindings: &Bindings,
        fuel: &mut i64,
        scratch: &mut Scratch,
        out: &mut Proposals,
    ) -> Result<(), Fault> {
        let mut runs = self.on(&record, bindings, *fuel, scratch, out);
        let result = runs.run(Call { function, rows: record.rows });
        *fuel = runs.context.fuel;
        result
    }

    fn run_each<'r, T>(
        &self,
        calls: impl Iterator<Item = (T, Call<'r>)> + Clone,
        record: RecordView<'_>,
        bindings: &Bindings,
        (fuel, scratch, out): (&mut i64, &mut Scratch, &mut Proposals),
        mut ended: impl FnMut(T, Result<(), Fault>, &mut Proposals),
    ) {
        let mut runs = self.on(&record, bindings, *fuel, scratch, out);
        self.fetch(calls.clone().map(|(_, call)| call.function));
        for (beside, call) in calls {
            let result = runs.run(call);
            ended(beside, result, runs.context.out);
        }
        *fuel = runs.context.fuel;
    }
}

/// Runs on one record.
struct Runs<'a> {
    functions: &'a Functions,
    context: Context<'a>,
    /// The record is laid out as code takes for granted.
    fits: bool,
    /// To ask a set of the event takes no turn.
    sets_are_free: bool,
    interpreter: &'a mut interpret::Scratch,
    selections: &'a mut Vec<i64>,
    references: &'a mut Vec<Words>,
    rows: &'a mut Vec<i64>,
    all_rows: &'a mut Vec<i64>,
}

impl Native {
    /// Prepares for runs on a record.
    #[inline]
    fn on<'a>(
        &'a self,
        record: &'a RecordView<'a>,
        bindings: &'a Bindings,
        fuel: i64,
        scratch: &'a mut Scratch,
        out: &'a mut Proposals,
    ) -> Runs<'a> {
        let Scratch { interpreter, selections, bags, sets, runs, references, tables, rows, all_rows } =
            scratch;
        let lines = record.line_count();
        tables.clear();
        for at in 0..self.functions.shape.tables {
            let (address, count) = match record.tables.get(at) {
                Some(rows) => (rows.slots.as_ptr().expose_provenance(), rows.count()),
                None => (std::ptr::dangling::<i64>().expose_provenance(), 0),
            };
            tables.push(Rows { address, count: interpret::actions::turns(count) });
        }
        let context = Context {
            event: record.event.as_ptr(),
            lines: record.lines.as_ptr(),
            payments: record.payments.as_ptr(),
            params: record.params.as_ptr(),
            references: std::ptr::dangling(),
            selections: std::ptr::dangling_mut(),
            line_count: interpret::actions::turns(lines),
            payment_count: interpret::actions::turns(record.payment_count()),
            fuel,
            low: 0,
            high: 0,
            tables: tables.as_ptr(),
            narrowed: std::ptr::dangling(),
            constants: std::ptr::dangling(),
            selections_length: 0,
            rows: lines,
            record,
            bindings,
            bags,
            sets,
            runs,
            out,
        };
        Runs {
            functions: &self.functions,
            context,
            fits: self.fits(record),
            sets_are_free: record.symbols.len() < SYMBOLS_OF_A_TURN,
            interpreter,
            selections,
            references,
            rows,
            all_rows,
        }
    }
}

impl Native {
    /// Reads a little of what functions need, so that a processor fetches it for all of them at once: with many functions no cache
    /// that is near holds it, and as they run it would be waited for one after another.
    #[inline]
    fn fetch(&self, functions: impl Iterator<Item = FunctionId>) {
        let entries = functions.filter_map(|function| self.functions.entries.get(function.index())?.get());
        let first = |entry: &Entry| match entry {
            Entry::Compiled(entry) => entry.words.first().copied(),
            Entry::Declined(_) => None,
        };
        std::hint::black_box(entries.filter_map(first).fold(0, |all, word| all ^ word));
    }
}

// What is always inlined here is as short as most functions that it enters.
impl Runs<'_> {
    #[inline(always)]
    fn run(&mut self, call: Call<'_>) -> Result<(), Fault> {
        let functions = self.functions;
        let entry = match functions.entries.get(call.function.index()).and_then(Once::get) {
            Some(Entry::Compiled(entry)) if self.fits && self.may_assume(call.function, entry) => entry,
            Some(Entry::Compiled(_) | Entry::Declined(_)) | None => return self.interpret(call),
        };
        if !entry.assumes {
            return self.enter(entry, call.rows);
        }
        let before = (self.context.fuel, Lengths::of(self.context.out));
        let result = self.enter(entry, call.rows);
        if result.is_err() {
            // The code knows that it fails, and the whole function where.
            self.context.fuel = before.0;
            before.1.restore(self.context.out);
            return self.interpret(call);
        }
        result
    }

    #[cold]
    fn interpret(&mut self, call: Call<'_>) -> Result<(), Fault> {
        let Context { record, bindings, fuel, out, .. } = &mut self.context;
        let record = RecordView { rows: call.rows, ..**record };
        self.functions.interpreter.run(call.function, record, bindings, fuel, self.interpreter, out)
    }

    /// Whether what code takes for granted is so.
    #[inline]
    fn may_assume(&self, function: FunctionId, entry: &Compiled) -> bool {
        if !entry.assumes {
            return true;
        }
        let record = self.context.record;
        // Small sets take no turns, and neither do those that lie in a small list.
        let free = self.sets_are_free
            || entry.sets().iter().all(|slot| {
                let slot = usize::try_from(*slot).unwrap_or(usize::MAX);
                let set = record.event.get(slot).copied().unwrap_or(MISSING);
                symbols(record, set).len() < SYMBOLS_OF_A_TURN
            });
        free && (record.holds || self.conditions_hold(function))
    }

    #[cold]
    fn conditions_hold(&self, function: FunctionId) -> bool {
        let program = self.functions.interpreter.program();
        let rule = rule_of(program, function);
        rule.is_some_and(|rule| conditions_hold(program, self.context.bindings, *self.context.record, rule))
    }

    /// Makes room for the buffers of a function.
    #[cold]
    fn make_room(&mut self, made: &MadeCode) {
        let length = (made.selections as usize).saturating_mul(self.context.rows);
        if self.selections.len() < length {
            self.selections.resize(length, 0);
        }
        self.context.selections = self.selections.as_mut_ptr();
        self.context.selections_length = self.selections.len();
        let (bags, sets) = (made.bags as usize, made.sets as usize);
        if self.context.bags.len() < bags {
            self.context.bags.resize_with(bags, Bag::default);
        }
        if self.context.sets.len() < sets {
            self.context.sets.resize_with(sets, Sets::default);
        }
    }

    /// Lists the words of the references that a function tests.
    fn list_references(&mut self, references: &[i64]) {
        self.references.clear();
        for reference in references {
            let reference = usize::try_from(*reference).unwrap_or(usize::MAX);
            let words = match self.context.bindings.references.get(reference) {
                Some(bits) if !bits.words.is_empty() => &bits.words[..],
                Some(_) | None => &NO_BITS,
            };
            // No list of words is longer than its length says.
            let length = words.len() as u64;
            self.references.push(Words { address: words.as_ptr().expose_provenance(), length });
        }
        self.context.references = self.references.as_ptr();
    }

    /// Lists the rows that loops of a function look at, with the number of lines behind them: those that are given, or all.
    #[inline(always)]
    fn narrow(&mut self, rows: Option<LineRows<'_>>) {
        let count = self.context.line_count;
        let Some(rows) = rows else {
            if self.all_rows.last() != Some(&count) {
                self.all_rows.clear();
                self.all_rows.extend(0..=count);
            }
            self.context.narrowed = self.all_rows.as_ptr();
            return;
        };
        self.rows.clear();
        // That they ascend and are there is what emitted code relies on.
        match rows {
            LineRows::Bits(mut rows) => {
                while rows != 0 {
                    let row = i64::from(rows.trailing_zeros());
                    rows &= rows.wrapping_sub(1);
                    if row < count {
                        self.rows.push(row);
                    }
                }
            }
            LineRows::List(rows) => {
                let mut next = 0;
                for row in rows.iter().map(|row| i64::from(*row)) {
                    if (next..count).contains(&row) {
                        self.rows.push(row);
                        next = row.saturating_add(1);
                    }
                }
            }
        }
        self.rows.push(count);
        self.context.narrowed = self.rows.as_ptr();
    }

    #[inline(always)]
    fn enter(&mut self, entry: &Compiled, rows: Option<LineRows<'_>>) -> Result<(), Fault> {
        let made = &entry.made;
        if made.has_buffers {
            self.make_room(made);
        }
        let references = entry.references();
        if !references.is_empty() {
            self.list_references(references);
        }
        if made.narrowed {
            self.narrow(rows);
        }
        self.context.constants = entry.words.as_ptr();
        // SAFETY: the code is that of a verified function of this program, and its shard lives as long as `functions`. It
        // reads and writes memory only through the context, which is live and is used by nothing else until it
        // returns, and there only:
        // - event slots, parameters, and slots of rows below `line_count` and `payment_count`, of which `fits` made
        //   sure that they lie within their slices;
        // - the table of row tables, which has an entry for each of the layout, and slots of rows below an entry's
        //   count, of which `fits` made sure, too, that they lie within their slices;
        // - the table of references, which `list_references` has given an entry for each that it tests, and of each
        //   reference the words below its length or else its first, of which there is one;
        // - the constants of its template, of which the entry has as many as were taken out of it;
        // - where it has loops over them, the rows that `narrow` has listed: each below `line_count`, and `line_count`
        //   behind the last, at which it ends;
        // - counts of its selections, whose numbers are below `made.selections`, for rows below `line_count`; that
        //   many lie where `make_room` has pointed, which is not otherwise used until it returns;
        // - `fuel`, `low` and `high`.
        // It calls the helpers only, which do not unwind, and has no traps.
        let status = unsafe { (made.code)(&raw mut self.context) };
        // Asked first: to find out how a function failed is a jump of which nobody knows where it goes.
        if status == abi::DONE {
            return Ok(());
        }
        match abi::fault(status) {
            None => Ok(()),
            Some(fault) => Err(fault),
        }
    }
}

/// Cranelift for this machine.
fn machine(options: Options) -> Result<OwnedTargetIsa, NoNativeCode> {
    let mut flags = settings::builder();
    let truth = |truth: bool| if truth { "true" } else { "false" };
    for (name, value) in [
        ("opt_level", if options.optimise { "speed" } else { "none" }),
        ("enable_verifier", truth(options.verify)),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        // A large frame touches each page of the stack in turn, so that it meets the guard page.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ] {
        flags.set(name, value).map_err(|error| NoNativeCode(error.to_string()))?;
    }
    let builder = cranelift_native::builder().map_err(|words| NoNativeCode(words.to_owned()))?;
    builder.finish(settings::Flags::new(flags)).map_err(|error| NoNativeCode(error.to_string()))
}

/// Compiles some templates, what became of each. Cranelift reports its limits as errors; should it panic instead, what
/// it was making is dropped and the functions are interpreted.
fn compile(
    program: &Verified,
    templates: &[&Template],
    options: Options,
    stopped: &AtomicBool,
) -> (Option<Shard>, Vec<Made>) {
    match catch_unwind(AssertUnwindSafe(|| shard(program, templates, options, stopped))) {
        Ok(Ok((shard, made))) => (Some(shard), made),
        Ok(Err(words)) => (None, declined(templates, &words)),
        Err(_) => (None, declined(templates, "the code generator failed")),
    }
}

fn declined(templates: &[&Template], words: &str) -> Vec<Made> {
    templates.iter().map(|_| Made::Declined(words.to_owned())).collect()
}

fn shard(
    program: &Verified,
    templates: &[&Template],
    options: Options,
    stopped: &AtomicBool,
) -> Result<(Shard, Vec<Made>), String> {
    let isa = machine(options).map_err(|error| error.to_string())?;
    let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
    let symbols: HashMap<&str, *const u8> =
        Helper::ALL.iter().map(|helper| (helper.symbol(), helpers::address(*helper))).collect();
    builder.symbols(symbols);
    // From here on the shard frees its memory whichever way this function is left.
    let mut shard = Shard { module: ManuallyDrop::new(JITModule::new(builder)) };
    let emitted: Vec<Emitted> = {
        let mut emitter = Emitter::new(&mut *shard.module)?;
        let mut emitted = Vec::with_capacity(templates.len());
        for template in templates {
            if stopped.load(Ordering::Relaxed) {
                return Err("nobody waits for it any more".to_owned());
            }
            emitted.push(emitter.template(program, template));
        }
        emitted
    };
    shard.module.finalize_definitions().map_err(|error| error.to_string())?;
    let made = emitted
        .into_iter()
        .map(|emitted| match emitted {
            Emitted::Declined(words) => Made::Declined(words),
            Emitted::Code(code) => {
                let address = shard.module.get_finalized_function(code.id);
                // SAFETY: the module has just finished this function, which was declared with the entry's one
                // signature: a pointer in, a word out, by the machine's C convention.
                let entry = unsafe { std::mem::transmute::<*const u8, EntryPoint>(address) };
                Made::Code(MadeCode {
                    code: entry,
                    selections: code.selections,
                    bags: code.bags,
                    sets: code.sets,
                    has_buffers: code.selections > 0 || code.bags > 0 || code.sets > 0,
                    narrowed: code.narrowed,
                })
            }
        })
        .collect();
    Ok((shard, made))
}
