//! `perq lint`: what rules may mean and their author probably does not; with repairs that change nothing but the text.

use super::fmt::{difference, replace};
use crate::args;
use crate::config::Tables;
use crate::excerpt::plain;
use crate::findings::{Finding, Findings};
use crate::output::Output;
use crate::programme::{self, Programme};
use crate::render::plural;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use perq_compiler::lint::{self, Group, LINTS, Level, Levels, Options};
use perq_grammar::diagnostic::{Edit, FileId};
use perq_runtime::catalogue::LackingNames;
use perq_runtime::clock::ClockChanges;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Passes of repairs: one may show what another can mend.
const PASSES: usize = 8;

/// Runs it.
///
/// # Errors
/// Where a path cannot be read or written, or a level is of nothing.
pub fn run(options: &args::Lint, output: &mut Output) -> Outcome {
    if options.list {
        return list(output);
    }
    let today = match &options.today {
        None => None,
        Some(text) => match lint::day(text) {
            Some(day) => Some(day),
            None => {
                return Err(Failure::new(format!(
                    "--today takes a day such as 2026-12-01, not `{}`",
                    plain(text)
                )));
            }
        },
    };
    let programmes = programme::find(&options.paths)?;
    let mut fixed = 0;
    let mut differs = false;
    if options.fix || options.diff {
        for _ in 0..PASSES {
            let mut findings = look(&programmes, options, today)?;
            findings.select(&options.reporting, &options.paths)?;
            let changes = repaired(&findings)?;
            if options.diff {
                for (path, (before, after, _)) in &changes {
                    output.say(&difference(path, before, after))?;
                }
                differs = !changes.is_empty();
                break;
            }
            if changes.is_empty() {
                break;
            }
            for (path, (_, after, count)) in &changes {
                replace(Path::new(path), after)?;
                fixed += count;
            }
        }
    }
    let mut findings = look(&programmes, options, today)?;
    if findings.files == 0 {
        return Err(programme::no_rules(&options.paths));
    }
    findings.select(&options.reporting, &options.paths)?;
    if options.fix {
        output.say(&format!("{} mended", plural(fixed, "finding")))?;
    }
    let exit = findings.conclude("lint", &options.reporting, json!({ "fixed": fixed }), output)?;
    Ok(exit.max(Exit::findings(differs)))
}

fn look(programmes: &[Programme], options: &args::Lint, today: Option<i64>) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    for programme in programmes {
        let levels = levels(programme, options)?;
        let names = names(programme)?;
        let options = Options { today, zones: &ClockChanges, names: &names, levels: &levels };
        let (compilation, lints) = programme.lint(&options)?;
        findings.add(compilation.sources, compilation.diagnostics, lints, programme.files.len());
    }
    Ok(findings)
}

/// What the tables that `perq.toml` names lack of the names in the rules. Tables that are not there, or cannot be read, are
/// `perq run`'s to tell of: rules are looked at without them.
fn names(programme: &Programme) -> Result<LackingNames, Failure> {
    let tables = &programme.config.catalogue;
    if *tables == Tables::default() {
        return Ok(LackingNames::default());
    }
    let Ok(catalogue) = tables::catalogue(tables) else { return Ok(LackingNames::default()) };
    let program = programme.compile()?.program;
    Ok(program.map_or_else(LackingNames::default, |program| LackingNames::of(&program, &catalogue)))
}

/// Those of `perq.toml`, and those of the command line before them.
fn levels(programme: &Programme, options: &args::Lint) -> Result<Levels, Failure> {
    let mut levels = Levels::default();
    let of_file = programme.config.lint.iter().map(|(name, level)| (name, level.level()));
    let of_line =
        [(&options.allow, Level::Allow), (&options.warn, Level::Warn), (&options.deny, Level::Deny)];
    let of_line = of_line.into_iter().flat_map(|(names, level)| names.iter().map(move |name| (name, level)));
    for (name, level) in of_file.chain(of_line) {
        if !levels.set(name, level) {
            return Err(Failure::new(format!(
                "there is no lint and no group of lints `{}`; `perq lint --list` has all",
                plain(name)
            )));
        }
    }
    Ok(levels)
}

/// A file's text before and after, and how many repairs made the one of the other.
type Change = (String, String, usize);

/// The files that safe repairs change.
fn repaired(findings: &Findings) -> Result<BTreeMap<String, Change>, Failure> {
    let mut edits: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for finding in findings.iter() {
        if let Some(edit) = safe(finding) {
            edits.entry(finding.path.as_str()).or_default().push(edit);
        }
    }
    let mut changes = BTreeMap::new();
    for (path, mut edits) in edits {
        let read =
            programme::read(Path::new(path), FileId(0)).map_err(|error| Failure::file(path, &error))?;
        let Ok(before) = read else { continue };
        edits.sort_by_key(|edit| (edit.place.span.start, edit.place.span.end));
        let (mut after, mut at, mut count) = (String::new(), 0, 0);
        for edit in edits {
            let (start, end) = (edit.place.span.start as usize, edit.place.span.end as usize);
            // What touches what was just changed waits for the next pass.
            let Some(kept) = before.get(at..start).filter(|_| start <= end) else { continue };
            after.push_str(kept);
            after.push_str(&edit.text);
            (at, count) = (end, count + 1);
        }
        after.push_str(before.get(at..).unwrap_or(""));
        // A repair that does not parse is a mistake of the lint; the file stays as it is.
        if count > 0 && perq_grammar::parse(FileId(0), &after).diagnostics.is_empty() {
            changes.insert(path.to_owned(), (before, after, count));
        }
    }
    Ok(changes)
}

/// The repair of a finding that can be applied without looking.
fn safe(finding: &Finding) -> Option<&Edit> {
    let lint = lint::lint(finding.diagnostic.name).filter(|lint| lint.fixes && finding.lint)?;
    let edit = finding.diagnostic.repairs.first()?.edit.as_ref()?;
    (edit.place.file == finding.diagnostic.place.file && lint.fixes).then_some(edit)
}

fn list(output: &mut Output) -> Outcome {
    let mut lints = Vec::new();
    for group in Group::ALL {
        output.say(&format!("{}:", group.name()))?;
        for lint in LINTS.iter().filter(|lint| lint.group == group) {
            let fixes = if lint.fixes { ", --fix" } else { "" };
            output.say(&format!("  {:<26} {}{fixes}", lint.name, lint.level.name()))?;
            lints.push(json!({
                "name": lint.name,
                "group": group.name(),
                "level": lint.level.name(),
                "fixes": lint.fixes,
            }));
        }
    }
    output.object("lint", json!({ "lints": Value::Array(lints) }));
    Ok(Exit::Clean)
}
