//! `perq test`: runs `test` blocks and shows what does not hold, with the decision.

use super::check::Tally;
use crate::args::{self, EngineName};
use crate::covered::Covered;
use crate::excerpt::{bounded, plain_lines};
use crate::output::Output;
use crate::programme;
use crate::render::{self, plural};
use crate::{Exit, Failure, Outcome};
use perq_compiler::ir::RuleId;
use perq_compiler::pipeline::Compilation;
use perq_compiler::sources::SourceMap;
use perq_compiler::typed;
use perq_grammar::diagnostic::Diagnostic;
use perq_runtime::trials::{Engines, Mismatch, Trials};
use serde_json::{Value, json};
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
    let mut lcov = String::new();
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
        let mut outcomes: Vec<perq_runtime::trials::Outcome> = Vec::new();
        for test in &compilation.typed.tests {
            if options.filter.as_ref().is_some_and(|filter| !test.name.contains(filter.as_str())) {
                left_out += 1;
                continue;
            }
            let outcome = trials.run(test);
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
            let Compilation { typed, sources, .. } = &compilation;
            let found = covered(typed, sources, &outcomes, &programme.config.parameters())?;
            rules += found.rules.len();
            for rule in found.silent() {
                let message = format!("`{}` gives nothing in any test", rule.name);
                let warning = Diagnostic::warning("uncovered-rule", rule.place, message);
                output.say(&render::human(sources, &warning, output.style()))?;
                silent.push(json!({ "rule": rule.name, "place": render::place(sources, rule.place) }));
            }
            rows += found.rows.len();
            for row in found.unreached() {
                let warning = Diagnostic::warning("unreached-row", row.place, "no test reaches this row");
                output.say(&render::human(sources, &warning, output.style()))?;
                unreached.push(json!({ "place": render::place(sources, row.place) }));
            }
            lcov.push_str(&found.lcov(sources));
        }
    }
    if let Some(path) = &options.lcov {
        std::fs::write(path, lcov).map_err(|error| Failure::file(path, &error))?;
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

/// What the tests reach, and in how many of them: rules as the tests have shown, rows as they are told by running the tests once
/// more on the interpreter.
fn covered(
    typed: &typed::Program,
    sources: &SourceMap,
    outcomes: &[perq_runtime::trials::Outcome],
    parameters: &[(String, String)],
) -> Result<Covered, Failure> {
    let trials = Trials::marking(typed, sources)
        .and_then(|trials| trials.parameters(parameters))
        .map_err(|error| Failure::new(error.to_string()))?;
    let marked = trials.run_all();
    let times = |reaches: &dyn Fn(&perq_runtime::trials::Outcome) -> bool, all: &[_]| {
        all.iter().filter(|outcome| reaches(outcome)).count() as u64
    };
    let rules = (0_u32..).map(RuleId).zip(&typed.rules);
    let rules: Vec<u64> =
        rules.map(|(id, _)| times(&|outcome| outcome.fired.contains(&id), outcomes)).collect();
    let rows: Vec<u64> =
        typed.arms().iter().map(|place| times(&|outcome| outcome.reached.contains(place), &marked)).collect();
    Ok(Covered::new(typed, rules, rows))
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
