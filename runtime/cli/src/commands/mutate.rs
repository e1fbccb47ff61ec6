//! `perq mutate`: changes rules a little, one change at a time, runs the tests, and names the changes that none of them
//! notices. Writes nothing.

use crate::args;
use crate::output::Output;
use crate::programme::{self, Programme};
use crate::render::{self, plural};
use crate::{Exit, Failure, Outcome};
use perq_compiler::ir::{RuleId, Verified};
use perq_compiler::mutate::{Mutant, mutants};
use perq_compiler::pipeline::{Compilation, Input};
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::{Diagnostic, FileId, Place};
use perq_runtime::trials::{Engines, Trials};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// A test fails.
    Noticed,
    /// All tests pass.
    Survived,
    /// It does not compile.
    Refused,
}

/// Runs it.
///
/// # Errors
/// Where a path cannot be read, rules have errors, or a test fails before anything is changed.
pub fn run(options: &args::Mutate, output: &mut Output) -> Outcome {
    let programmes = programme::find(&options.paths)?;
    if programmes.iter().all(|programme| programme.files.is_empty()) {
        return Err(programme::no_rules(&options.paths));
    }
    let threads = options.threads.or_else(|| std::thread::available_parallelism().ok());
    let threads = threads.map_or(1, std::num::NonZeroUsize::get);
    let only: BTreeSet<PathBuf> = options.only.iter().map(|path| real(path)).collect();
    let (mut noticed, mut refused, mut survivors) = (0_usize, 0_usize, Vec::new());
    for programme in &programmes {
        let Some(inputs) = programme.inputs()? else {
            return Err(Failure::new(format!("{} has errors; `perq check` shows them", programme.shown())));
        };
        let by_test = sound(programme, &inputs)?;
        let mut sources = SourceMap::default();
        let mut changes: Vec<(usize, Mutant)> = Vec::new();
        for (index, (number, input)) in (0_u32..).zip(&inputs).enumerate() {
            sources.insert(FileId(number), &input.path, &input.text);
            if only.is_empty() || only.contains(&real(Path::new(&input.path))) {
                let of_file = mutants(FileId(number), &input.text);
                changes.extend(of_file.into_iter().map(|mutant| (index, mutant)));
            }
        }
        let fates = fates(programme, &inputs, &changes, &by_test, threads);
        for ((_, mutant), fate) in changes.iter().zip(fates) {
            match fate {
                Fate::Noticed => noticed += 1,
                Fate::Refused => refused += 1,
                Fate::Survived => {
                    let was = sources.get(mutant.place.file).and_then(|source| {
                        source.text.get(mutant.place.span.start as usize..mutant.place.span.end as usize)
                    });
                    let was = was.unwrap_or("");
                    let message = match mutant.text.as_str() {
                        "" => format!("no test notices that `{was}` is gone"),
                        text => format!("no test notices `{text}` in place of `{was}`"),
                    };
                    let found = Diagnostic::warning("unnoticed-change", mutant.place, message);
                    output.say(&render::human(&sources, &found, output.style()))?;
                    survivors.push(json!({
                        "place": render::place(&sources, mutant.place),
                        "was": was,
                        "becomes": mutant.text,
                    }));
                }
            }
        }
    }
    let all = noticed + survivors.len();
    output.say(&format!("{noticed} of {} noticed; {refused} more do not compile", plural(all, "change")))?;
    let exit = Exit::findings(!survivors.is_empty());
    output.object(
        "mutate",
        json!({
            "noticed": noticed,
            "survived": survivors.len(),
            "refused": refused,
            "survivors": Value::Array(survivors),
        }),
    );
    Ok(exit)
}

/// By test, where the rules stand that give something in it.
type ByTest = Vec<BTreeSet<Place>>;

/// That the tests pass where nothing is changed, and what gives something in them.
fn sound(programme: &Programme, inputs: &[Input]) -> Result<ByTest, Failure> {
    let errors = || Failure::new(format!("{} has errors; `perq check` shows them", programme.shown()));
    let mut compilation = programme::of_inputs(inputs);
    let program = compilation.program.take().ok_or_else(errors)?;
    let trials = trials(programme, &compilation, program).ok_or_else(errors)?;
    let outcomes = trials.run_all();
    if outcomes.iter().any(|outcome| !outcome.passed()) {
        let shown = programme.shown();
        return Err(Failure::new(format!("a test of {shown} fails as it is; `perq test` shows which")));
    }
    let place = |rule: &RuleId| compilation.typed.rules.get(rule.index()).map(|rule| rule.place);
    Ok(outcomes.iter().map(|outcome| outcome.fired.iter().filter_map(place).collect()).collect())
}

/// The tests in the order in which they probably notice a change: first those in which something gives that stands in the
/// declaration that is changed.
fn order(by_test: &ByTest, change: &Mutant) -> Vec<usize> {
    let inside = |place: &Place| {
        let span = change.inside;
        place.file == change.place.file && (span.start..span.end).contains(&place.span.start)
    };
    let mut order: Vec<usize> = (0..by_test.len()).collect();
    order.sort_by_key(|test| !by_test.get(*test).is_some_and(|fired| fired.iter().any(inside)));
    order
}

fn fates(
    programme: &Programme,
    inputs: &[Input],
    changes: &[(usize, Mutant)],
    by_test: &ByTest,
    threads: usize,
) -> Vec<Fate> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((index, mutant)) = changes.get(number) else { return found };
            let order = order(by_test, mutant);
            let mut changed = inputs.to_vec();
            if let Some(input) = changed.get_mut(*index) {
                let span = mutant.place.span.start as usize..mutant.place.span.end as usize;
                let (head, tail) = (input.text.get(..span.start), input.text.get(span.end..));
                input.text = [head.unwrap_or(""), &mutant.text, tail.unwrap_or("")].concat();
            }
            found.push((number, fate(programme, &changed, &order)));
        }
    };
    let mut all: Vec<(usize, Fate)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, fate)| fate).collect()
}

/// What the tests say of texts, asked in an order.
fn fate(programme: &Programme, inputs: &[Input], order: &[usize]) -> Fate {
    let mut compilation = programme::of_inputs(inputs);
    let Some(program) = compilation.program.take() else { return Fate::Refused };
    let Some(trials) = trials(programme, &compilation, program) else { return Fate::Refused };
    let mut tests = order.iter().filter_map(|test| compilation.typed.tests.get(*test));
    if tests.all(|test| trials.run(test).passed()) { Fate::Survived } else { Fate::Noticed }
}

/// The tests of a programme; nothing where a parameter of the deployment is not let through. The interpreter alone runs them: it
/// defines what rules mean, and needs no preparation.
fn trials<'c>(programme: &Programme, compilation: &'c Compilation, program: Verified) -> Option<Trials<'c>> {
    let program = Arc::new(program);
    let trials = Trials::new(&compilation.typed, &compilation.sources, program, Engines::Interpreter);
    trials.and_then(|trials| trials.parameters(&programme.config.parameters())).ok()
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
