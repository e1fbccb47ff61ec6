//! Runs generated programs on every engine and compares what comes out.

use crate::generate::{self, Input, Random};
use perq_compiler::evaluate::{Code, Proposals};
use perq_compiler::interpret::Interpreter;
use perq_compiler::ir::{Fault, FaultKind, FunctionId, PlaceId, Program, Shape, optimise, verify};
use perq_runtime::native::{Native, Options};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a campaign saw.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Programs generated.
    pub programs: u64,
    /// Functions in them.
    pub functions: u64,
    /// Functions that native code declined, of both settings.
    pub declined: u64,
    /// Functions run on a record, by each engine.
    pub pairs: u64,
    /// Pairs that ended without fault.
    pub finished: u64,
    /// Proposals compared.
    pub proposals: u64,
    /// Pairs that ended with a fault, by its kind and the instruction that met it.
    pub faults: BTreeMap<(String, String), u64>,
    /// Instructions generated, by label.
    pub labels: BTreeMap<String, u64>,
    /// Instructions before and after simplification.
    pub insts: (u64, u64),
    /// What differed; empty where all agree.
    pub mismatches: Vec<String>,
}

impl Report {
    /// Labels of which there was no instruction.
    pub fn missing(&self) -> Vec<String> {
        generate::labels().into_iter().filter(|label| !self.labels.contains_key(label)).collect()
    }

    /// Adds what another saw.
    pub fn add(&mut self, other: Report) {
        self.programs += other.programs;
        self.functions += other.functions;
        self.declined += other.declined;
        self.pairs += other.pairs;
        self.finished += other.finished;
        self.proposals += other.proposals;
        self.insts.0 += other.insts.0;
        self.insts.1 += other.insts.1;
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (label, count) in other.labels {
            *self.labels.entry(label).or_default() += count;
        }
        self.mismatches.extend(other.mismatches);
    }
}

/// What came out of one run: the fault with its place, turns left, and proposals where it did not fault.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    result: Result<(), Fault>,
    fuel: i64,
    out: Proposals,
}

struct Engine<C: Code> {
    code: C,
    scratch: C::Scratch,
}

impl<C: Code> Engine<C> {
    fn new(code: C) -> Engine<C> {
        Engine { code, scratch: C::Scratch::default() }
    }

    fn run(&mut self, function: FunctionId, input: &Input) -> Outcome {
        let (mut fuel, mut out) = (input.fuel, Proposals::default());
        let bindings = &input.bindings;
        let result = self.code.run(function, input.view(), bindings, &mut fuel, &mut self.scratch, &mut out);
        Outcome { result, fuel, out }
    }
}

/// The engines that must agree.
pub struct Engines {
    program: Arc<perq_compiler::ir::Verified>,
    optimised: Arc<perq_compiler::ir::Verified>,
    interpreter: Engine<Interpreter>,
    /// Whether their code is optimised, and the engines.
    native: Vec<(bool, Engine<Native>)>,
    after: Engine<Interpreter>,
    /// Labels of instructions that met a fault, by function and position.
    labels: BTreeMap<(u32, u32), String>,
}

impl Engines {
    /// Verifies a program and compiles it with and without optimisation of code.
    ///
    /// # Errors
    /// What the verifier says, also of the optimised program.
    pub fn new(program: Program) -> Result<Engines, String> {
        let options = |optimise: bool| Options { optimise, ..Options::default() };
        Engines::with(program, &[options(true), options(false)])
    }

    /// Verifies a program and compiles it so.
    ///
    /// # Errors
    /// What the verifier says, also of the optimised program.
    pub fn with(program: Program, options: &[Options]) -> Result<Engines, String> {
        let said = |errors: Vec<perq_compiler::ir::VerifyError>| {
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let optimised = optimise(program.clone());
        let program = Arc::new(verify(program).map_err(|errors| format!("refused: {}", said(errors)))?);
        let optimised =
            verify(optimised).map_err(|errors| format!("refused when optimised: {}", said(errors)))?;
        let optimised = Arc::new(optimised);
        let mut native = Vec::with_capacity(options.len());
        for options in options {
            let code = Native::new(Arc::clone(&program), *options).map_err(|error| error.to_string())?;
            native.push((options.optimise, Engine::new(code)));
        }
        Ok(Engines {
            interpreter: Engine::new(Interpreter::new(Arc::clone(&program))),
            native,
            after: Engine::new(Interpreter::new(Arc::clone(&optimised))),
            program,
            optimised,
            labels: BTreeMap::new(),
        })
    }

    /// The program that they run.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Runs one function on all of them.
    ///
    /// # Errors
    /// How they differ.
    pub fn run(&mut self, function: FunctionId, input: &Input, report: &mut Report) -> Result<(), String> {
        let outcome = self.interpreter.run(function, input);
        for (optimised, engine) in &mut self.native {
            let other = engine.run(function, input);
            if other != outcome {
                let name = if *optimised { "speed" } else { "none" };
                return Err(format!("interpreter {outcome:?}\nnative, {name}: {other:?}"));
            }
        }
        let after = self.after.run(function, input);
        let place = |program: &Program, fault: &Fault| -> (FaultKind, Option<PlaceId>) {
            let places = program.functions.get(function.index()).map(|function| &function.places);
            (fault.kind, places.and_then(|places| places.get(fault.inst as usize)).copied())
        };
        // Turns of a loop that became shorter cost less: with the fuel that the other lacked it goes on.
        let starved = matches!(outcome.result, Err(Fault { kind: FaultKind::OutOfFuel, .. }));
        let same = match (&outcome.result, &after.result) {
            (Ok(()), Ok(())) => outcome.out == after.out,
            (Err(fault), Err(other)) => {
                place(&self.program, fault) == place(&self.optimised, other) && outcome.out == after.out
            }
            (Ok(()), Err(_)) | (Err(_), Ok(())) => false,
        };
        if !starved && (!same || after.fuel < outcome.fuel) {
            return Err(format!("interpreter {outcome:?}\nwhen optimised {after:?}"));
        }
        report.pairs += 1;
        report.proposals += outcome.out.list.len() as u64;
        match outcome.result {
            Ok(()) => report.finished += 1,
            Err(fault) => {
                let label = self.labels.entry((function.0, fault.inst)).or_insert_with(|| {
                    self.program.functions.get(function.index()).map_or_else(String::new, |code| {
                        generate::label(code, &Shape::of(code).types, fault.inst as usize)
                    })
                });
                *report.faults.entry((format!("{:?}", fault.kind), label.clone())).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Functions that native engines interpret.
    fn declined(&self) -> u64 {
        self.native.iter().map(|(_, engine)| engine.code.declined().count() as u64).sum()
    }
}

/// Runs at least so many pairs: programs from the seed, each function on so many records.
pub fn campaign(seed: u64, pairs: u64, records: usize) -> Report {
    let mut report = Report::default();
    let mut number = 0;
    while report.pairs < pairs && report.mismatches.len() < 5 {
        let program_seed = Random::new(seed).bits().wrapping_add(number);
        number += 1;
        one(program_seed, records, &mut report);
    }
    report
}

/// One program of a campaign.
pub fn one(seed: u64, records: usize, report: &mut Report) {
    let mut random = Random::new(seed);
    let program = generate::program(&mut random);
    for function in &program.functions {
        let shape = Shape::of(function);
        for at in 0..function.insts.len() {
            *report.labels.entry(generate::label(function, &shape.types, at)).or_default() += 1;
        }
        report.functions += 1;
    }
    report.programs += 1;
    let count = u32::try_from(program.functions.len()).unwrap_or(0);
    let mut engines = match Engines::new(program) {
        Ok(engines) => engines,
        Err(words) => {
            report.mismatches.push(format!("seed {seed}: {words}"));
            return;
        }
    };
    let insts = |program: &Program| program.functions.iter().map(|f| f.insts.len() as u64).sum::<u64>();
    report.insts.0 += insts(&engines.program);
    report.insts.1 += insts(&engines.optimised);
    report.declined += engines.declined();
    for _ in 0..records {
        let input = generate::input(&mut random, &engines.program);
        for function in (0..count).map(FunctionId) {
            if let Err(words) = engines.run(function, &input, report) {
                report.mismatches.push(format!("seed {seed}, function {}: {words}", function.0));
                return;
            }
        }
    }
}

/// A program that bytes decide, with one kind of native code, on so many records that follow from the bytes, too.
///
/// # Panics
/// Where engines differ, or a program is refused.
pub fn of_bytes(bytes: &[u8], records: usize) {
    let mut choices = Random::of_bytes(bytes);
    let optimise = choices.chance(50);
    let program = generate::program(&mut choices);
    let count = u32::try_from(program.functions.len()).unwrap_or(0);
    // What Cranelift makes of its input is compared; checking the input again would be half of the time.
    let options = Options { optimise, verify: false, ..Options::default() };
    let mut engines = Engines::with(program, &[options]).unwrap_or_else(|words| panic!("{words}"));
    // FNV-1a.
    let seed = bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let mut random = Random::new(seed);
    let mut report = Report::default();
    for _ in 0..records {
        let input = generate::input(&mut random, &engines.program);
        for function in (0..count).map(FunctionId) {
            engines
                .run(function, &input, &mut report)
                .unwrap_or_else(|words| panic!("function {}: {words}", function.0));
        }
    }
}
