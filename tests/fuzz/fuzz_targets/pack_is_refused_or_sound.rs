//! Any bytes are refused as a pack by name, or are a pack that is written again as it was and runs alike everywhere:
//! also where whoever changed them made length and checksums right again, so that decoder and verifier meet the change.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perq_compiler::evaluate::{Decision, Plan, Record, Unclaimed, Workspace, evaluate};
use perq_compiler::interpret::Interpreter;
use perq_compiler::ir::{EventId, FunctionId, Verified};
use perq_runtime::native::{Native, Options};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_tests::agree::{Engines, Report};
use perq_tests::generate::{self, Input, Random};
use std::sync::Arc;

/// Larger programs are read and not run: a run of the target is to be short.
const FUNCTIONS: usize = 24;
const INSTS: usize = 800;

// The layout of `docs/reference/packs.md`: header, two entries, their checksum; then the sections.
const HEADER: usize = 48;
const ENTRY: usize = 56;
const CONTENT: usize = HEADER + 2 * ENTRY + 32;

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    if let Some(mended) = mended(bytes) {
        read(&mended);
    }
});

/// The bytes with the manifest as long as they say, the program as all that follows, and every checksum right.
fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let body = bytes.get(CONTENT..)?;
    let declared = usize::try_from(u64::from_le_bytes(bytes.get(HEADER + 16..)?.first_chunk().copied()?)).ok()?;
    let (manifest, program) = body.split_at(declared.min(body.len()));
    let mut out = bytes.get(..CONTENT)?.to_vec();
    out[32..40].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    let mut offset = CONTENT;
    for (index, section) in [manifest, program].into_iter().enumerate() {
        let at = HEADER + index * ENTRY;
        out[at + 8..at + 16].copy_from_slice(&(offset as u64).to_le_bytes());
        out[at + 16..at + 24].copy_from_slice(&(section.len() as u64).to_le_bytes());
        out[at + 24..at + 56].copy_from_slice(blake3::hash(section).as_bytes());
        offset += section.len();
    }
    let hash = blake3::hash(&out[..CONTENT - 32]);
    out[CONTENT - 32..].copy_from_slice(hash.as_bytes());
    out.extend_from_slice(body);
    Some(out)
}

fn read(bytes: &[u8]) {
    match Pack::read(bytes, &Policy::unsigned_allowed()) {
        Err(error) => assert!(!error.name().is_empty() && !error.to_string().is_empty()),
        Ok(pack) => {
            let options = WriteOptions { serial: pack.serial(), key: None };
            let written = Pack::write(pack.program(), &options);
            let again = Pack::read(&written, &Policy::unsigned_allowed()).expect("it is written as it was read");
            assert_eq!(again.program(), pack.program());
            run(pack.program());
        }
    }
}

fn run(program: &Arc<Verified>) {
    let insts: usize = program.functions.iter().map(|function| function.insts.len()).sum();
    if program.functions.len() > FUNCTIONS || insts > INSTS {
        return;
    }
    let mut random = Random::new(insts as u64);
    let mut engines = Engines::new((***program).clone()).unwrap_or_else(|words| panic!("{words}"));
    let native = Native::new(Arc::clone(program), Options::default()).expect("this machine has native code");
    let interpreter = Interpreter::new(Arc::clone(program));
    for _ in 0..3 {
        let input = generate::input(&mut random, program);
        let mut report = Report::default();
        for function in (0u32..).take(program.functions.len()).map(FunctionId) {
            engines.run(function, &input, &mut report).unwrap_or_else(|words| panic!("{words}"));
        }
        let plan = Plan::new(program, &input.bindings);
        let every = Plan::without_index(program, &input.bindings);
        let wanted = decide(program, &every, &input, &interpreter);
        assert_eq!(wanted, decide(program, &plan, &input, &interpreter), "with and without index");
        assert_eq!(wanted, decide(program, &plan, &input, &native), "interpreter and native code");
    }
}

fn decide<C: perq_compiler::evaluate::Code>(program: &Verified, plan: &Plan, input: &Input, code: &C) -> Decision {
    let mut record = Record {
        kind: EventId(0),
        event: input.event.clone(),
        lines: input.lines.clone(),
        line_width: input.line_width,
        payments: input.payments.clone(),
        payment_width: input.payment_width,
        tables: input.tables.clone(),
        symbols: input.symbols.clone(),
    };
    // All fifty million turns of an event would take too long here.
    let (mut workspace, mut decision) = (Workspace::with_fuel(200_000), Decision::default());
    let (params, bindings) = (&input.params, &input.bindings);
    let claimed = &Unclaimed;
    evaluate(program, plan, bindings, &mut record, params, claimed, code, &mut workspace, &mut decision);
    decision
}
