//! `perq test`: runs `test` blocks and shows what does not hold, with the decision.

use super::check::Tally;
use crate::args::{self, EngineName};
use crate::excerpt::{bounded, plain_lines};
use crate::output::Output;
use crate::programme;
use crate::render::{self, plural};
use crate::{Exit, Failure, Outcome};
use perq_compiler::ir::RuleId;
use perq_compiler::pipeline::{Compilation, compile_own};
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::{Diagnostic, Place};
use perq_runtime::trials::{Engines, Mismatch, Trials};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name of an expectation that does not hold.
pub const FAILED: &str = "failed-test";

/// Runs it.
///
/// # Errors
/// Where a path cannot be read or an engine cannot be had.
pub fn run(options: &args::Test, output: &mut Output) -> Outcome {
    let engines = match options.engine {
        None => Engines::Both,
        Some(EngineName::Native) => Engines::Native,
        Some(EngineName::Interpreter) => Engines::Interpreter,
    };
    let programmes = programme::find(&options.paths)?;
    if programmes.iter().all(|programme| programme.files.is_empty()) {
        return Err(programme::no_rules(&options.paths));
    }
    let mut tally = Tally::default();
    let (mut passed, mut failed, mut left_out) = (0_usize, 0_usize, 0_usize);
    let mut tests: Vec<Value> = Vec::new();
    let (mut rules, mut silent): (usize, Vec<Value>) = (0, Vec::new());
    let (mut rows, mut unreached): (usize, Vec<Value>) = (0, Vec::new());
    for programme in &programmes {
        let mut compilation = programme.compile()?;
        // Warnings are the business of `perq check`.
        let broken = compilation.has_errors();
        if broken {
            tally.add(&compilation, programme.files.len(), output)?;
        }
        let Some(program) = compilation.program.take() else { continue };
        let trials = Trials::new(&compilation.typed, &compilation.sources, Arc::new(program), engines)
            .and_then(|trials| trials.parameters(&programme.config.parameters()))
            .map_err(|error| Failure::new(error.to_string()))?;
        let mut fired: BTreeSet<RuleId> = BTreeSet::new();
        let mut outcomes: Vec<perq_runtime::trials::Outcome> = Vec::new();
        for test in &compilation.typed.tests {
            if options.filter.as_ref().is_some_and(|filter| !test.name.contains(filter.as_str())) {
                left_out += 1;
                continue;
            }
            let outcome = trials.run(test);
            fired.extend(outcome.fired.iter().copied());
            if outcome.passed() {
                passed += 1;
            } else {
                failed += 1;
            }
            let mut shown = None;
            for mismatch in &outcome.mismatches {
                // Several expectations of one event: its decision is said once.
                let decision = mismatch.decision.as_deref();
                let again = shown == decision;
                shown = decision;
                output.say(&human(&compilation.sources, &outcome.name, mismatch, again, output))?;
            }
            if output.is_json() {
                tests.push(machine(&compilation.sources, &outcome.name, &outcome.mismatches, test.place));
            }
            if options.coverage {
                outcomes.push(outcome);
            }
        }
        if options.coverage {
            for (id, rule) in (0_u32..).map(RuleId).zip(&compilation.typed.rules) {
                rules += 1;
                if fired.contains(&id) {
                    continue;
                }
                let message = format!("`{}` gives nothing in any test", rule.name);
                let found = Diagnostic::warning("uncovered-rule", rule.place, message);
                output.say(&render::human(&compilation.sources, &found, output.style()))?;
                silent.push(json!({
                    "rule": rule.name,
                    "place": render::place(&compilation.sources, rule.place),
                }));
            }
            for place in compilation.typed.arms() {
                rows += 1;
                if is_reached(&compilation, place, &outcomes, &programme.config.parameters())? {
                    continue;
                }
                let found = Diagnostic::warning("unreached-row", place, "no test reaches this row");
                output.say(&render::human(&compilation.sources, &found, output.style()))?;
                unreached.push(json!({ "place": render::place(&compilation.sources, place) }));
            }
        }
    }
    if tally.errors > 0 {
        output.say(&format!("{}; tests of a programme with errors are not run", tally.summary()))?;
    }
    let filtered = if left_out > 0 { format!(", {left_out} not asked for") } else { String::new() };
    output.say(&format!("{passed} passed, {failed} failed{filtered}"))?;
    if options.coverage {
        output.say(&format!(
            "{} of {} give something in a test",
            rules - silent.len(),
            plural(rules, "rule")
        ))?;
        output.say(&format!(
            "{} of {} of tables and choices are reached by a test",
            rows - unreached.len(),
            plural(rows, "row")
        ))?;
    }
    let uncovered = !silent.is_empty() || !unreached.is_empty();
    let coverage = options
        .coverage
        .then(|| json!({ "rules": rules, "uncovered": silent, "rows": rows, "unreached": unreached }));
    if passed + failed + left_out + tally.errors == 0 {
        output.note(&format!("There is no test in {}.", plural(programmes.len(), "programme")));
    }
    output.object(
        "test",
        json!({
            "passed": passed,
            "failed": failed,
            "left_out": left_out,
            "errors": tally.errors,
            "diagnostics": tally.machine,
            "tests": tests,
            "coverage": coverage,
        }),
    );
    Ok(Exit::findings(failed > 0 || tally.errors > 0 || uncovered))
}

/// Whether a test reaches a row of a table or an arm of a choice: then something of it changes where the row fails.
fn is_reached(
    compilation: &Compilation,
    place: Place,
    outcomes: &[perq_runtime::trials::Outcome],
    parameters: &[(String, String)],
) -> Result<bool, Failure> {
    let failing = compilation.typed.failing_at(place);
    let program = compile_own(&failing, &compilation.sources).map_err(Failure::mistake)?;
    let trials = Trials::new(&failing, &compilation.sources, Arc::new(program), Engines::Interpreter)
        .and_then(|trials| trials.parameters(parameters))
        .map_err(|error| Failure::new(error.to_string()))?;
    let differs = |(test, was): (&perq_compiler::typed::Test, &perq_runtime::trials::Outcome)| {
        let is = trials.run(test);
        (is.failed, is.fired, is.offered, is.mismatches.len())
            != (was.failed.clone(), was.fired.clone(), was.offered.clone(), was.mismatches.len())
    };
    Ok(failing.tests.iter().zip(outcomes).any(differs))
}

fn human(sources: &SourceMap, name: &str, mismatch: &Mismatch, again: bool, output: &Output) -> String {
    let first = |text: &str| text.lines().next().unwrap_or("").to_owned();
    let diagnostic =
        Diagnostic::error(FAILED, mismatch.place, format!("test \"{name}\": expected {}", mismatch.expected))
            .at(format!("got {}", first(&mismatch.got)));
    let mut out = render::human(sources, &diagnostic, output.style());
    let more: Vec<&str> = mismatch.got.lines().skip(1).collect();
    let decision = mismatch.decision.as_deref().filter(|_| !again);
    let decision = decision.map(|text| format!("the decision:\n{text}"));
    for part in [(!more.is_empty()).then(|| more.join("\n")), decision].into_iter().flatten() {
        for (index, line) in plain_lines(&part).lines().enumerate() {
            out.push_str(if index == 0 { "  " } else { "    " });
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn machine(
    sources: &SourceMap,
    name: &str,
    mismatches: &[Mismatch],
    place: perq_grammar::diagnostic::Place,
) -> Value {
    let mismatch = |mismatch: &Mismatch| {
        json!({
            "place": render::place(sources, mismatch.place),
            "expected": bounded(&mismatch.expected),
            "got": bounded(&mismatch.got),
            "decision": mismatch.decision,
        })
    };
    json!({
        "name": bounded(name),
        "place": render::place(sources, place),
        "passed": mismatches.is_empty(),
        "mismatches": mismatches.iter().map(mismatch).collect::<Vec<_>>(),
    })
}
