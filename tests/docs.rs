//! The examples of the language reference, of the cookbook and of the tutorial: each is checked and run as it stands in the text.
//!
//! A ```` ```rule ```` fence holds a whole programme: it must have no diagnostics and the standard layout, and its tests
//! must pass on both engines. ```` ```rule fragment ```` is a part of one and must parse in one of the places where such
//! a part can stand. ```` ```rule error=name ```` must give that diagnostic. Also: every link between the pages leads
//! somewhere, and the cookbook has a page for each mechanic of the catalogue that needs the language.

use libtest_mimic::{Arguments, Failed, Trial};
use perq_compiler::ir::Verified;
use perq_compiler::pipeline::{self, Compilation, Input, NoFiles};
use perq_grammar::diagnostic::{Diagnostic, FileId, Severity};
use perq_runtime::engine::Engine;
use perq_runtime::explain::{ExplainError, explain};
use perq_runtime::pack::Pack;
use perq_runtime::trials::{Engines, Trials};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    let linked: Vec<PathBuf> = others().into_iter().filter(|page| !pages().contains(page)).collect();
    for page in linked {
        let name = page.strip_prefix(root()).unwrap_or(&page).display().to_string();
        trials.push(Trial::test(format!("{name} links"), move || {
            let text = std::fs::read_to_string(&page)?;
            check_links(&page, &text)
        }));
    }
    for page in pages() {
        let name = page.strip_prefix(root()).unwrap_or(&page).display().to_string();
        let text = match std::fs::read_to_string(&page) {
            Ok(text) => text,
            Err(error) => {
                trials.push(Trial::test(name, move || Err(Failed::from(error.to_string()))));
                continue;
            }
        };
        for fence in fences(&text) {
            let at = format!("{name}:{}", fence.line);
            trials.push(Trial::test(at.clone(), move || run(&at, &fence)));
        }
        let links = format!("{name} links");
        trials.push(Trial::test(links, move || check_links(&page, &text)));
    }
    trials.push(Trial::test("docs/cookbook has a page for each mechanic", each_mechanic_has_its_page));
    trials.push(Trial::test("docs/cookbook has a test on each page", each_page_of_the_cookbook_has_a_test));
    libtest_mimic::run(&arguments, trials).exit();
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The pages with examples, in the order of their names.
fn pages() -> Vec<PathBuf> {
    let docs = root().join("docs");
    let mut pages: Vec<PathBuf> = ["cookbook", "language"]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(docs.join(folder)).ok())
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages.extend([docs.join("tutorial.md")].into_iter().filter(|page| page.exists()));
    pages
}

/// All pages of the repository, of those in the folders that readers are sent to.
fn others() -> Vec<PathBuf> {
    let mut folders = vec![root().join("docs"), root().join("rules-examples")];
    let mut pages = vec![root().join("README.md")];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).ok().into_iter().flatten();
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// What an example promises.
enum Promise {
    /// To be clean, and its tests to pass.
    Runs,
    /// To parse somewhere.
    Fragment,
    /// To give this diagnostic.
    Gives(String),
    /// The fence says something that is not known here.
    Unclear(String),
}

struct Fence {
    /// Of the fence, from 1.
    line: usize,
    promise: Promise,
    text: String,
}

fn fences(page: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<Fence> = None;
    for (index, line) in page.lines().enumerate() {
        match &mut open {
            Some(_) if line == "```" => fences.extend(open.take()),
            Some(fence) => {
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            None => {
                let Some(info) = line.strip_prefix("```rule") else { continue };
                let promise = match info.trim() {
                    "" => Promise::Runs,
                    "fragment" => Promise::Fragment,
                    other => match other.strip_prefix("error=") {
                        Some(name) => Promise::Gives(name.to_owned()),
                        None => Promise::Unclear(other.to_owned()),
                    },
                };
                open = Some(Fence { line: index + 1, promise, text: String::new() });
            }
        }
    }
    if let Some(fence) = open {
        fences.push(Fence { promise: Promise::Unclear("a fence that is not closed".to_owned()), ..fence });
    }
    fences
}

fn run(at: &str, fence: &Fence) -> Result<(), Failed> {
    match &fence.promise {
        Promise::Runs => runs(at, &fence.text),
        Promise::Fragment => parses(&fence.text),
        Promise::Gives(name) => gives(at, &fence.text, name),
        Promise::Unclear(what) => Err(Failed::from(format!("no such kind of example: {what}"))),
    }
}

fn compile(at: &str, text: &str) -> Compilation {
    let input = Input { path: format!("{at}.rule"), text: text.to_owned() };
    pipeline::compile(&[input], &NoFiles)
}

fn runs(at: &str, text: &str) -> Result<(), Failed> {
    let compilation = compile(at, text);
    if !compilation.diagnostics.is_empty() {
        return Err(Failed::from(said(text, &compilation.diagnostics)));
    }
    let Some(program) = compilation.program else {
        return Err(Failed::from("no diagnostics, and no program either"));
    };
    if at.starts_with("docs/language/") || at.starts_with("docs/cookbook/") {
        laid_out(text)?;
    }
    explains(&program)?;
    let trials = Trials::new(&compilation.typed, &compilation.sources, Arc::new(program), Engines::Both)?;
    let mut failures = String::new();
    for outcome in trials.run_all() {
        for mismatch in &outcome.mismatches {
            let line = line_of(text, mismatch.place.span.start);
            let _ = writeln!(failures, "test \"{}\", line {line}", outcome.name);
            let _ = writeln!(failures, "  expected {}\n  got      {}", mismatch.expected, mismatch.got);
            if let Some(decision) = &mismatch.decision {
                let _ = writeln!(failures, "{decision}");
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Failed::from(failures)) }
}

/// What `perq simulate` tells is what is decided, with and without something before it, and no number that means nothing
/// is told.
fn explains(program: &Verified) -> Result<(), Failed> {
    let engine = Engine::builder(Pack::of(program.clone())).build().map_err(|error| error.to_string())?;
    let mut session = engine.session();
    for (id, day) in [(1, 2), (2, 3), (3, 31)] {
        let json = format!(
            "{{\"id\":\"{id}\",\"kind\":\"purchase\",\"at\":\"2026-03-{day:02}T10:15:00\",\"member\":{{\"id\":\"m1\"}},\
             \"lines\":[{{\"sku\":\"A\",\"category\":\"Tea\",\"pieces\":3,\"price\":\"19.99\"}},\
             {{\"sku\":\"B\",\"category\":\"Soap\",\"pieces\":1,\"price\":\"60.00\"}}]}}"
        );
        let told = match explain(&mut session, json.as_bytes(), &|_, _| None) {
            Ok(told) => serde_json::to_string(&told)?,
            // The programme knows no purchases, or asks more of them.
            Err(ExplainError::Record(_)) => return Ok(()),
            Err(ExplainError::Differs | ExplainError::Return { .. }) => {
                return Err(Failed::from("perq contradicts itself about a purchase"));
            }
        };
        let least = i64::MIN.to_string();
        if told.replace('.', "").contains(least.trim_start_matches('-')) {
            return Err(Failed::from(format!("what is missing is told as a number: {told}")));
        }
    }
    Ok(())
}

/// An example is copied, so it looks as the formatter leaves it.
fn laid_out(text: &str) -> Result<(), Failed> {
    let formatted = perq_grammar::format(text).map_err(|diagnostics| said(text, &diagnostics))?;
    let differs = |(a, b): &(&str, &str)| a != b;
    match text.lines().zip(formatted.lines()).find(differs) {
        Some((written, meant)) => {
            Err(Failed::from(format!("not laid out:\n  written  {written}\n  standard {meant}")))
        }
        None if text == formatted => Ok(()),
        None => Err(Failed::from("not laid out at its end")),
    }
}

fn gives(at: &str, text: &str, name: &str) -> Result<(), Failed> {
    let compilation = compile(at, text);
    if compilation.diagnostics.iter().any(|diagnostic| diagnostic.name == name) {
        return Ok(());
    }
    Err(Failed::from(format!("`{name}` was promised; found:\n{}", said(text, &compilation.diagnostics))))
}

/// A fragment is declarations, or clauses of a rule, effects after `then`, a condition after `when`, or clauses of a
/// group.
fn parses(text: &str) -> Result<(), Failed> {
    let places = [
        ("declarations", text.to_owned()),
        ("clauses of a rule", format!("rule example {{\n{text}}}\n")),
        ("effects", format!("rule example {{ then {{\n{text}}} }}\n")),
        ("a condition", format!("rule example {{ when\n{text}}}\n")),
        ("clauses of a group", format!("group example {{\n{text}}}\n")),
    ];
    let mut attempts = String::new();
    for (place, wrapped) in places {
        let parsed = perq_grammar::parse(FileId(0), &wrapped);
        if parsed.diagnostics.is_empty() {
            return Ok(());
        }
        let _ = writeln!(attempts, "as {place}:\n{}", said(&wrapped, &parsed.diagnostics));
    }
    Err(Failed::from(attempts))
}

fn said(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let line = line_of(text, diagnostic.place.span.start);
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let _ = writeln!(out, "  line {line}: {severity} {}: {}", diagnostic.name, diagnostic.message);
        let _ = writeln!(out, "    {}", text.lines().nth(line.saturating_sub(1)).unwrap_or(""));
    }
    out
}

fn line_of(text: &str, offset: u32) -> usize {
    let before = text.get(..offset as usize).unwrap_or(text);
    before.matches('\n').count() + 1
}

/// What `docs/coverage.md` says that needs the language, and that an example carries out, stands in the index of the cookbook, under its id and with a link.
fn each_mechanic_has_its_page() -> Result<(), Failed> {
    let coverage = std::fs::read_to_string(root().join("docs/coverage.md"))?;
    let index = std::fs::read_to_string(root().join("docs/cookbook/index.md"))?;
    let known: BTreeSet<&str> = rows(&coverage).map(|(id, _)| id).collect();
    let wanted: BTreeSet<&str> = rows(&coverage)
        .filter(|(_, cells)| cells.get(1).is_some_and(|needs| needs.contains('L')))
        .filter(|(_, cells)| cells.last().is_some_and(|by| by.trim() != "–"))
        .map(|(id, _)| id)
        .collect();
    let listed: BTreeSet<&str> = rows(&index)
        .filter(|(_, cells)| cells.first().is_some_and(|page| page.contains("](")))
        .map(|(id, _)| id)
        .collect();
    let mut wrong = String::new();
    for id in wanted.difference(&listed) {
        let _ = writeln!(wrong, "{id} has no page");
    }
    for id in listed.difference(&known) {
        let _ = writeln!(wrong, "{id} is no mechanic of docs/coverage.md");
    }
    match wrong.is_empty() {
        true if wanted.is_empty() => Err(Failed::from("docs/coverage.md names no mechanics")),
        true => Ok(()),
        false => Err(Failed::from(wrong)),
    }
}

/// The rows of a page's tables that begin with the id of a mechanic, such as `D05`: it, and the cells after it.
fn rows(page: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
        let id = cells.next()?;
        let mut letters = id.chars();
        let is_id = letters.next().is_some_and(|letter| letter.is_ascii_uppercase())
            && letters.as_str().len() == 2
            && letters.all(|letter| letter.is_ascii_digit());
        is_id.then(|| (id, cells.collect()))
    })
}

/// A page without figures shows that something parses and not what it does; one that the index does not name is not found.
fn each_page_of_the_cookbook_has_a_test() -> Result<(), Failed> {
    let index = std::fs::read_to_string(root().join("docs/cookbook/index.md"))?;
    let mut wrong = String::new();
    for page in pages().iter().filter(|page| page.parent().is_some_and(|folder| folder.ends_with("cookbook")))
    {
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        if name == "index.md" {
            continue;
        }
        if !index.contains(&format!("]({name})")) {
            let _ = writeln!(wrong, "{name} is not in the index");
        }
        let text = std::fs::read_to_string(page)?;
        let tested = |fence: &Fence| {
            matches!(fence.promise, Promise::Runs)
                && fence.text.lines().any(|line| line.starts_with("test \""))
        };
        if !fences(&text).iter().any(tested) {
            let _ = writeln!(wrong, "{name} has no test");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failed::from(wrong)) }
}

/// Links to files and to headings; addresses of the web are left alone.
fn check_links(page: &Path, text: &str) -> Result<(), Failed> {
    let mut dead = Vec::new();
    let directory = page.parent().unwrap_or(page);
    for (index, line) in text.lines().enumerate() {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.to_owned() } else { directory.join(file) };
            let found = if heading.is_empty() {
                path.exists()
            } else {
                std::fs::read_to_string(&path).is_ok_and(|text| has_heading(&text, heading))
            };
            if !found {
                dead.push(format!("line {}: {target}", index + 1));
            }
        }
    }
    if dead.is_empty() { Ok(()) } else { Err(Failed::from(dead.join("\n"))) }
}

fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines().filter_map(|line| line.strip_prefix('#')).any(|heading| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let plain: String =
            title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect();
        plain.replace(' ', "-") == anchor
    })
}
