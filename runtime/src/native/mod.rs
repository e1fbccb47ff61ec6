//! Native code in this process: shards of emitted functions, the memory that holds them, and the calls into it.
//!
//! The only place of the runtime that may be unsafe. Pointers to code never leave it, emitted code is freed when
//! nobody can run it any more, and what was not emitted is interpreted.

mod context;
mod helpers;

use context::{Context, Rows, Words};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use perq_compiler::emit::helpers::Helper;
use perq_compiler::emit::{Emitted, Emitter, abi};
use perq_compiler::evaluate::{Bindings, Code, Proposals, RecordView};
use perq_compiler::interpret::actions::Bag;
use perq_compiler::interpret::picks::Run;
use perq_compiler::interpret::sets::Sets;
use perq_compiler::interpret::{self, Interpreter};
use perq_compiler::ir::{Fault, FunctionId, ReferenceId, Verified};
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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
    interpreter: Interpreter,
    /// By function.
    entries: Vec<Entry>,
    /// Holds the code that entries point to: it is dropped after them, and nothing hands out their pointers.
    _shards: Vec<Shard>,
}

/// A function of a program.
enum Entry {
    Compiled(Compiled),
    Declined(String),
}

/// Code of a function, and what it needs.
struct Compiled {
    code: EntryPoint,
    references: Vec<ReferenceId>,
    selections: usize,
    bags: usize,
    sets: usize,
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
        // SAFETY: pointers to this code are in `Native::entries` only, whose calls borrow the `Native`, so that none
        // runs while it is dropped; and its entries are dropped before its shards. A shard that no `Native` took over
        // has never been called.
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
    /// Slots of lines, slots of one, and how many lines that makes: of the last record.
    lines: (usize, usize, usize),
    /// Rows of lines that loops look at, and behind them how many lines there are.
    rows: Vec<i64>,
    /// The same of all lines.
    all_rows: Vec<i64>,
}

impl Scratch {
    /// Lists the rows that loops of the next function look at, with the number of lines behind them: those of the record
    /// that it is told to look at, or all.
    fn narrow(&mut self, record: &RecordView<'_>, lines: usize) -> *const i64 {
        let count = interpret::actions::turns(lines);
        let Some(rows) = record.rows else {
            if self.all_rows.last() != Some(&count) {
                self.all_rows.clear();
                self.all_rows.extend(0..=count);
            }
            return self.all_rows.as_ptr();
        };
        self.rows.clear();
        let mut next = 0;
        for row in rows.iter().map(|row| i64::from(*row)) {
            // That they ascend and are there is what emitted code relies on.
            if (next..count).contains(&row) {
                self.rows.push(row);
                next = row.saturating_add(1);
            }
        }
        self.rows.push(count);
        self.rows.as_ptr()
    }
}

/// What the address of an unbound or empty reference is, so that there is always a word to read.
static NO_BITS: [u64; 1] = [0];

impl Native {
    /// Compiles every function of the program. A function that cannot be compiled, or a shard whose memory cannot be
    /// made executable, is interpreted.
    ///
    /// # Errors
    /// Where Cranelift does not know this machine at all.
    pub fn new(program: Arc<Verified>, options: Options) -> Result<Native, NoNativeCode> {
        // Asked once here, so that a host learns of it; each shard then makes its own.
        machine(options)?;
        let count = u32::try_from(program.functions.len()).unwrap_or(u32::MAX);
        let functions: Vec<FunctionId> = (0..count).map(FunctionId).collect();
        let parts: Vec<&[FunctionId]> = functions.chunks(options.shard.max(1)).collect();
        let threads = options.threads.clamp(1, parts.len().max(1));
        // Every thread takes every so-manieth part; the results are put into order again.
        let mut compiled: Vec<Option<(Option<Shard>, Vec<Entry>)>> = parts.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|first| {
                    let (parts, program) = (&parts, &program);
                    scope.spawn(move || {
                        let mine = parts.iter().enumerate().skip(first).step_by(threads);
                        mine.map(|(at, part)| (at, compile(program, part, options))).collect::<Vec<_>>()
                    })
                })
                .collect();
            for worker in workers {
                // A thread that died has compiled nothing: its functions are interpreted.
                for (at, result) in worker.join().unwrap_or_default() {
                    if let Some(place) = compiled.get_mut(at) {
                        *place = Some(result);
                    }
                }
            }
        });
        let mut native =
            Native { interpreter: Interpreter::new(program), entries: Vec::new(), _shards: Vec::new() };
        for (part, result) in parts.iter().zip(compiled) {
            let (shard, entries) =
                result.unwrap_or_else(|| (None, declined(part, "a compiling thread failed")));
            native._shards.extend(shard);
            native.entries.extend(entries);
        }
        Ok(native)
    }

    /// The program that it runs.
    pub fn program(&self) -> &Arc<Verified> {
        self.interpreter.program()
    }

    /// How many functions run as native code.
    pub fn compiled(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry, Entry::Compiled(_))).count()
    }

    /// The functions that are interpreted, and why.
    pub fn declined(&self) -> impl Iterator<Item = (FunctionId, &str)> {
        (0..).map(FunctionId).zip(&self.entries).filter_map(|(id, entry)| match entry {
            Entry::Compiled(_) => None,
            Entry::Declined(words) => Some((id, words.as_str())),
        })
    }

    /// Whether the record is laid out as the code takes for granted: it has every slot of the layout, and a value for
    /// every parameter.
    fn fits(&self, record: &RecordView<'_>) -> bool {
        let layout = &self.program().layout;
        record.event.len() >= layout.event.len()
            && record.params.len() >= self.program().params.len()
            && (record.lines.is_empty() || record.line_width == layout.line.len())
            && (record.payments.is_empty() || record.payment_width == layout.payment.len())
            && record
                .tables
                .iter()
                .zip(&layout.tables)
                .all(|(rows, table)| rows.slots.is_empty() || rows.width == table.columns.len())
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
        let entry = match self.entries.get(function.index()) {
            Some(Entry::Compiled(entry)) if self.fits(&record) => entry,
            Some(Entry::Compiled(_) | Entry::Declined(_)) | None => {
                return self.interpreter.run(function, record, bindings, fuel, &mut scratch.interpreter, out);
            }
        };
        // Many functions are run on one record, and to divide takes as long as a short function.
        if (record.lines.len(), record.line_width) != (scratch.lines.0, scratch.lines.1) {
            scratch.lines = (record.lines.len(), record.line_width, record.line_count());
        }
        let lines = scratch.lines.2;
        // A division less where there are none, for short functions are run often.
        let payments = if record.payments.is_empty() { 0 } else { record.payment_count() };
        let length = entry.selections.saturating_mul(lines);
        if scratch.selections.len() < length {
            scratch.selections.resize(length, 0);
        }
        if scratch.bags.len() < entry.bags {
            scratch.bags.resize_with(entry.bags, Bag::default);
        }
        if scratch.sets.len() < entry.sets {
            scratch.sets.resize_with(entry.sets, Sets::default);
        }
        scratch.references.clear();
        scratch.references.extend(entry.references.iter().map(|reference| {
            let words = match bindings.references.get(reference.index()) {
                Some(bits) if !bits.words.is_empty() => &bits.words[..],
                Some(_) | None => &NO_BITS,
            };
            Words {
                address: words.as_ptr().expose_provenance(),
                length: u64::try_from(words.len()).unwrap_or(0),
            }
        }));
        scratch.tables.clear();
        for at in 0..self.program().layout.tables.len() {
            let (address, count) = match record.tables.get(at) {
                Some(rows) => (rows.slots.as_ptr().expose_provenance(), rows.count()),
                None => (std::ptr::dangling::<i64>().expose_provenance(), 0),
            };
            scratch.tables.push(Rows { address, count: interpret::actions::turns(count) });
        }
        let narrowed = if entry.narrowed { scratch.narrow(&record, lines) } else { std::ptr::dangling() };
        let mut context = Context {
            event: record.event.as_ptr(),
            lines: record.lines.as_ptr(),
            payments: record.payments.as_ptr(),
            params: record.params.as_ptr(),
            references: scratch.references.as_ptr(),
            selections: scratch.selections.as_mut_ptr(),
            line_count: interpret::actions::turns(lines),
            payment_count: interpret::actions::turns(payments),
            fuel: *fuel,
            low: 0,
            high: 0,
            tables: scratch.tables.as_ptr(),
            narrowed,
            selections_length: scratch.selections.len(),
            rows: lines,
            record,
            bindings,
            bags: &mut scratch.bags,
            sets: &mut scratch.sets,
            runs: &mut scratch.runs,
            out,
        };
        // SAFETY: the code is that of a verified function of this program, and its shard lives as long as `self`. It
        // reads and writes memory only through the context, which is live and is used by nothing else until it
        // returns, and there only:
        // - event slots, parameters, and slots of rows below `line_count` and `payment_count`, of which `fits` made
        //   sure that they lie within their slices;
        // - the table of row tables, which has an entry for each of the layout, and slots of rows below an entry's
        //   count, of which `fits` made sure, too, that they lie within their slices;
        // - the table of references, which has an entry for each that it tests, and of each reference the words below
        //   its length or else its first, of which there is one;
        // - where it has loops over them, the rows that `narrow` has listed: each below `line_count`, and `line_count`
        //   behind the last, at which it ends;
        // - counts of its selections, whose numbers are below `entry.selections`, for rows below `line_count`; that
        //   many lie in `scratch.selections`, which is not otherwise used until it returns;
        // - `fuel`, `low` and `high`.
        // It calls the helpers only, which do not unwind, and has no traps.
        let status = unsafe { (entry.code)(&raw mut context) };
        *fuel = context.fuel;
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

/// Compiles some functions, one entry for each. Cranelift reports its limits as errors; should it panic instead, what
/// it was making is dropped and the functions are interpreted.
fn compile(program: &Verified, functions: &[FunctionId], options: Options) -> (Option<Shard>, Vec<Entry>) {
    match catch_unwind(AssertUnwindSafe(|| shard(program, functions, options))) {
        Ok(Ok((shard, entries))) => (Some(shard), entries),
        Ok(Err(words)) => (None, declined(functions, &words)),
        Err(_) => (None, declined(functions, "the code generator failed")),
    }
}

fn declined(functions: &[FunctionId], words: &str) -> Vec<Entry> {
    functions.iter().map(|_| Entry::Declined(words.to_owned())).collect()
}

fn shard(
    program: &Verified,
    functions: &[FunctionId],
    options: Options,
) -> Result<(Shard, Vec<Entry>), String> {
    let isa = machine(options).map_err(|error| error.to_string())?;
    let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
    let symbols: HashMap<&str, *const u8> =
        Helper::ALL.iter().map(|helper| (helper.symbol(), helpers::address(*helper))).collect();
    builder.symbols(symbols);
    // From here on the shard frees its memory whichever way this function is left.
    let mut shard = Shard { module: ManuallyDrop::new(JITModule::new(builder)) };
    let emitted: Vec<Emitted> = {
        let mut emitter = Emitter::new(&mut *shard.module)?;
        functions.iter().map(|function| emitter.function(program, *function)).collect()
    };
    shard.module.finalize_definitions().map_err(|error| error.to_string())?;
    let entries = emitted
        .into_iter()
        .map(|emitted| match emitted {
            Emitted::Declined(words) => Entry::Declined(words),
            Emitted::Code(code) => {
                let address = shard.module.get_finalized_function(code.id);
                // SAFETY: the module has just finished this function, which was declared with the entry's one
                // signature: a pointer in, a word out, by the machine's C convention.
                let entry = unsafe { std::mem::transmute::<*const u8, EntryPoint>(address) };
                Entry::Compiled(Compiled {
                    code: entry,
                    references: code.references,
                    selections: code.selections as usize,
                    bags: code.bags as usize,
                    sets: code.sets as usize,
                    narrowed: code.narrowed,
                })
            }
        })
        .collect();
    Ok((shard, entries))
}
