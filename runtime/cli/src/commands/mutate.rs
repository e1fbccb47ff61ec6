//! `perq mutate`: changes rules a little, one change at a time, runs the tests, and names the changes that none of them
//! notices. Writes nothing.

use crate::args;
use crate::output::Output;
use crate::programme::{self, Programme};
use crate::render::{self, plural};
use crate::{Exit, Failure, Outcome};
use perq_compiler::mutate::{Mutant, mutants};
use perq_compiler::pipeline::Input;
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::{Diagnostic, FileId};
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
        sound(programme, &inputs)?;
        let mut sources = SourceMap::default();
        let mut changes: Vec<(usize, Mutant)> = Vec::new();
        for (index, (number, input)) in (0_u32..).zip(&inputs).enumerate() {
            sources.insert(FileId(number), &input.path, &input.text);
            if only.is_empty() || only.contains(&real(Path::new(&input.path))) {
                let of_file = mutants(FileId(number), &input.text);
                changes.extend(of_file.into_iter().map(|mutant| (index, mutant)));
            }
        }
        let fates = fates(programme, &inputs, &changes, threads);
        for ((_, mutant), fate) in changes.iter().zip(fates) {
            match fate {
                Fate::Noticed => noticed += 1,
                Fate::Refused => refused += 1,
                Fate::Survived => {
                    let was = sources.get(mutant.place.file).and_then(|source| {
                        source.text.get(mutant.place.span.start as usize..mutant.place.span.end as usize)
                    });
                    let was = was.unwrap_or("");
                    let message = format!("no test notices `{}` in place of `{was}`", mutant.text);
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

/// That the tests pass where nothing is changed.
fn sound(programme: &Programme, inputs: &[Input]) -> Result<(), Failure> {
    match fate(programme, inputs) {
        Fate::Survived => Ok(()),
        Fate::Refused => {
            Err(Failure::new(format!("{} has errors; `perq check` shows them", programme.shown())))
        }
        Fate::Noticed => Err(Failure::new(format!(
            "a test of {} fails as it is; `perq test` shows which",
            programme.shown()
        ))),
    }
}

fn fates(programme: &Programme, inputs: &[Input], changes: &[(usize, Mutant)], threads: usize) -> Vec<Fate> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((index, mutant)) = changes.get(number) else { return found };
            let mut changed = inputs.to_vec();
            if let Some(input) = changed.get_mut(*index) {
                let span = mutant.place.span.start as usize..mutant.place.span.end as usize;
                let (head, tail) = (input.text.get(..span.start), input.text.get(span.end..));
                input.text = [head.unwrap_or(""), &mutant.text, tail.unwrap_or("")].concat();
            }
            found.push((number, fate(programme, &changed)));
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

/// What the tests say of texts. The interpreter alone runs them: it defines what rules mean, and needs no preparation.
fn fate(programme: &Programme, inputs: &[Input]) -> Fate {
    let mut compilation = programme::of_inputs(inputs);
    let Some(program) = compilation.program.take() else { return Fate::Refused };
    let trials =
        Trials::new(&compilation.typed, &compilation.sources, Arc::new(program), Engines::Interpreter)
            .and_then(|trials| trials.parameters(&programme.config.parameters()));
    // A parameter of the deployment that a change does not let through.
    let Ok(trials) = trials else { return Fate::Refused };
    let passes = compilation.typed.tests.iter().all(|test| trials.run(test).passed());
    if passes { Fate::Survived } else { Fate::Noticed }
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
