//! Rule files as tests: each is a trial with its own name.
//!
//! * `tests/cases/**/*.rule`: diagnostics and the outcomes of test blocks are the snapshot beside the file. A new file
//!   has no snapshot: `INSTA_UPDATE=always cargo test -p perq-tests --test cases` writes it, to be read and committed.
//! * `tests/samples/*.rule`: parse, and stand in the standard layout.
//! * `tests/peers/*.rule` and the programmes below `rules-examples`: clean, and their tests pass on both engines.

use libtest_mimic::{Arguments, Failed, Trial};
use perq_cli::programme;
use perq_compiler::pipeline::Compilation;
use perq_grammar::diagnostic::FileId;
use perq_runtime::trials::{Engines, Outcome, Trials};
use perq_tests::{root, say, tracked};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn main() {
    let mut trials = Vec::new();
    let mut examples: Vec<String> = Vec::new();
    for path in tracked() {
        let Some(stem) = path.strip_suffix(".rule") else { continue };
        let file = root().join(&path);
        if let Some(name) = stem.strip_prefix("tests/cases/") {
            trials.push(Trial::test(format!("case {name}"), move || case(&file)));
        } else if let Some(name) = stem.strip_prefix("tests/samples/") {
            trials.push(Trial::test(format!("sample {name}"), move || sample(&file)));
        } else if let Some(name) = stem.strip_prefix("tests/peers/") {
            trials.push(Trial::test(format!("peer {name}"), move || clean_and_passing(&file)));
        } else if let Some(rest) = stem.strip_prefix("rules-examples/") {
            let name = rest.split('/').next().unwrap_or(rest).to_owned();
            if !examples.contains(&name) {
                let folder = root().join("rules-examples").join(&name);
                trials.push(Trial::test(format!("example {name}"), move || clean_and_passing(&folder)));
                examples.push(name);
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn compile(path: &Path) -> Result<Compilation, Failed> {
    let programme = programme::find_one(path).map_err(|failure| Failed::from(format!("{failure:?}")))?;
    programme.compile().map_err(|failure| Failed::from(format!("{failure:?}")))
}

/// Runs the tests of what compiled without errors.
fn run(compilation: &mut Compilation) -> Result<Vec<Outcome>, Failed> {
    let Some(program) = compilation.program.take() else { return Ok(Vec::new()) };
    Ok(Trials::new(&compilation.typed, &compilation.sources, Arc::new(program), Engines::Both)?.run_all())
}

fn case(path: &Path) -> Result<(), Failed> {
    let mut compilation = compile(path)?;
    let outcomes = run(&mut compilation)?;
    let mut text = say::diagnostics(&compilation);
    text.push_str(&say::outcomes(&compilation.sources, &outcomes));
    if text.is_empty() {
        "clean\n".clone_into(&mut text);
    }
    if let Ok(source) = std::fs::read_to_string(path) {
        stable(&source)?;
    }
    let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(path.parent().map_or_else(PathBuf::new, Path::to_path_buf));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
    Ok(())
}

/// Formatting what was formatted changes nothing.
fn stable(source: &str) -> Result<(), Failed> {
    let Ok(once) = perq_grammar::format(source) else { return Ok(()) };
    match perq_grammar::format(&once) {
        Ok(twice) if twice == once => Ok(()),
        Ok(twice) => Err(Failed::from(format!("formatted twice it differs:\n{once}\n---\n{twice}"))),
        Err(_) => Err(Failed::from(format!("formatted it does not parse:\n{once}"))),
    }
}

fn sample(path: &Path) -> Result<(), Failed> {
    let source = std::fs::read_to_string(path)?;
    let parsed = perq_grammar::parse(FileId(0), &source);
    if let Some(first) = parsed.diagnostics.first() {
        return Err(Failed::from(format!("{}: {}", first.name, first.message)));
    }
    stable(&source)?;
    match perq_grammar::format(&source) {
        Ok(formatted) if formatted == source => Ok(()),
        Ok(_) => Err(Failed::from("it does not stand in the standard layout; `perq fmt` mends that")),
        Err(_) => Err(Failed::from("it parses and cannot be formatted")),
    }
}

fn clean_and_passing(path: &Path) -> Result<(), Failed> {
    let mut compilation = compile(path)?;
    if !compilation.diagnostics.is_empty() {
        return Err(Failed::from(say::diagnostics(&compilation)));
    }
    let outcomes = run(&mut compilation)?;
    if outcomes.is_empty() {
        return Err(Failed::from("there is no test in it"));
    }
    let failed: Vec<Outcome> = outcomes.into_iter().filter(|outcome| !outcome.passed()).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failed::from(say::outcomes(&compilation.sources, &failed))) }
}
