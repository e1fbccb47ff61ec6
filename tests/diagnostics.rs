//! Every diagnostic has its page and every page its diagnostic; what a page shows as wrong gives exactly that
//! diagnostic, and what it shows as mended is clean.

use libtest_mimic::{Arguments, Failed, Trial};
use perq_compiler::pipeline::{self, Input, NoFiles};
use perq_grammar::diagnostic::FileId;
use perq_tests::pages::{self, Page, Promise};
use perq_tests::say;
use std::collections::BTreeSet;

/// Gives diagnostics, by name.
type Give = fn() -> Vec<&'static str>;

/// Diagnostics that no text in a page can give, and what gives them here instead.
const WITHOUT_EXAMPLE: &[(&str, Give)] = &[
    ("invalid-utf8", || decoded(b"language 1\n\xff")),
    ("file-too-large", || decoded(&vec![b' '; perq_grammar::source::MAX_SOURCE_BYTES + 1])),
    ("declaration-too-long", || found(&format!("define d() gives number = {}1", "1+".repeat(500_000)))),
    ("program-too-large", || found(&with_rule(&"long".repeat(300)))),
    ("too-many-errors", || found(&"§\n".repeat(1_000))),
    ("failed-test", failing),
    // Nothing gives it, or it would be mended.
    ("compiler-mistake", || vec!["compiler-mistake"]),
];

fn decoded(bytes: &[u8]) -> Vec<&'static str> {
    perq_grammar::source::decode(FileId(0), bytes)
        .err()
        .map(|diagnostic| diagnostic.name)
        .into_iter()
        .collect()
}

fn found(text: &str) -> Vec<&'static str> {
    let input = Input { path: "example.rule".to_owned(), text: text.to_owned() };
    let compilation = pipeline::compile(&[input], &NoFiles);
    compilation.diagnostics.iter().map(|diagnostic| diagnostic.name).collect()
}

/// What `perq test` says of a test that fails.
fn failing() -> Vec<&'static str> {
    let folder = perq_tests::scratch("failed-test");
    let path = folder.join("a.rule");
    let text = with_rule("r") + "test \"two\" { given purchase at 2026-03-02 {} expect award 2 points }\n";
    let written = std::fs::write(&path, text).map_err(|error| error.to_string());
    let told = written.and_then(|()| perq_cli::run(["test", &path.display().to_string()], b""));
    let _ = std::fs::remove_dir_all(folder);
    let name = perq_cli::commands::test::FAILED;
    told.is_ok_and(|(_, out, _)| out.contains(name)).then_some(name).into_iter().collect()
}

/// A programme with a rule of this name.
fn with_rule(name: &str) -> String {
    format!(
        "language 1\nprogram p {{ currency EUR zone \"UTC\" rounding half_up }}\n\
         account a {{ unit points decimals 0 round down per basket worth 1 points = 1 EUR }}\n\
         group g {{ kind earn displace none on purchase rule {name} {{ then award 1 points }} }}\n"
    )
}

/// Every name that a crate declares.
fn declared() -> BTreeSet<&'static str> {
    let lists = [
        perq_grammar::errors::NAMES,
        perq_compiler::check::errors::NAMES,
        pipeline::NAMES,
        &[perq_cli::commands::test::FAILED],
    ];
    lists.into_iter().flatten().copied().collect()
}

fn main() {
    let mut trials =
        vec![Trial::test("every diagnostic has a page and every page a diagnostic", pages_and_names)];
    for name in pages::names() {
        trials.push(Trial::test(format!("page {name}"), move || run(&pages::page(&name))));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn pages_and_names() -> Result<(), Failed> {
    let pages: BTreeSet<String> = pages::names().into_iter().collect();
    let declared: BTreeSet<String> = declared().into_iter().map(str::to_owned).collect();
    let without: Vec<&String> = declared.difference(&pages).collect();
    let strange: Vec<&String> = pages.difference(&declared).collect();
    if without.is_empty() && strange.is_empty() {
        return Ok(());
    }
    Err(Failed::from(format!("without a page: {without:?}\npages of no diagnostic: {strange:?}")))
}

fn run(page: &Page) -> Result<(), Failed> {
    if page.text.lines().next() != Some(format!("# {}", page.name).as_str()) {
        return Err(Failed::from(format!("the page does not open with `# {}`", page.name)));
    }
    if let Some((_, give)) = WITHOUT_EXAMPLE.iter().find(|(name, _)| *name == page.name) {
        let found = give();
        return match found.contains(&page.name.as_str()) {
            true => Ok(()),
            false => Err(Failed::from(format!("found {found:?}"))),
        };
    }
    let gives = |promise: &Promise| *promise == Promise::Gives(page.name.clone());
    if !page.examples.iter().any(|example| gives(&example.promise)) {
        return Err(Failed::from(format!("there is no ```rule error={} (or warning=) example", page.name)));
    }
    if !page.examples.iter().any(|example| example.promise == Promise::Clean) {
        return Err(Failed::from("there is no ```rule example that shows it mended"));
    }
    let mut wrong = Vec::new();
    for example in &page.examples {
        let input = Input { path: format!("{}.rule", page.name), text: example.text.clone() };
        let compilation = pipeline::compile(&[input], &NoFiles);
        let names: BTreeSet<&str> =
            compilation.diagnostics.iter().map(|diagnostic| diagnostic.name).collect();
        let expected: BTreeSet<&str> = match &example.promise {
            Promise::Clean => BTreeSet::new(),
            Promise::Gives(name) => BTreeSet::from([name.as_str()]),
            Promise::Unclear(what) => {
                wrong.push(format!("line {}: no such kind of example: {what}", example.line));
                continue;
            }
        };
        if names != expected {
            let said = say::diagnostics(&compilation);
            wrong.push(format!("line {}: {expected:?} promised, found\n{said}", example.line));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failed::from(wrong.join("\n"))) }
}
