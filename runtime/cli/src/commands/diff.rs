//! `perq diff`: what a change of a programme does to real events, for the person who answers for it.
//!
//! Finds the two programmes and their tables and lays out what [`perq_runtime::diff`] found. Refuses to compare.

mod page;
mod plot;
mod revision;
mod text;

use crate::args;
use crate::config::{Config, Paths};
use crate::excerpt::plain;
use crate::numbers::counted;
use crate::output::Output;
use crate::programme::{self, Loaded, shown};
use crate::tables;
use crate::{Exit, Failure, Outcome};
use indicatif::ProgressBar;
use perq_runtime::batch::{Format, Input};
use perq_runtime::diff::report::Report;
use perq_runtime::diff::{Asks, Diff, Events, Side, segments};
use perq_runtime::pack::Pack;
use perq_runtime::record::ReadOptions;
use revision::Revision;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use page::page;
pub use text::lines;

/// A side that was found.
struct Found {
    loaded: Loaded,
    source: String,
    folder: String,
    /// Its tables are those of the other side.
    bare: bool,
    /// It is no folder, and so without a `perq.toml`.
    lone: bool,
}

/// Runs it.
///
/// # Errors
/// Where a programme, a table or the events cannot be read, or the page cannot be written.
pub fn run(options: &args::Diff, output: &mut Output) -> Outcome {
    let Some(report) = compare(options, output)? else { return Ok(Exit::Findings) };
    if let Some(path) = &options.html {
        std::fs::write(path, page(&report)).map_err(|error| Failure::file(path, &error))?;
    }
    for line in lines(&report, output.style().width.min(100)) {
        output.say(&line)?;
    }
    let value = serde_json::to_value(&report).map_err(|error| Failure::mistake(error.to_string()))?;
    output.object("diff", value);
    Ok(Exit::findings(options.exit_code && report.changed))
}

/// Compares; nothing where rules have errors, which are said.
///
/// # Errors
/// Where a programme, a table or the events cannot be read.
pub fn compare(options: &args::Diff, output: &mut Output) -> Result<Option<Report>, Failure> {
    let (old, new, taken) = match (options.paths.as_slice(), &options.old_rev) {
        ([new], Some(revision)) => {
            let taken = Revision::of(new, revision)?;
            (taken.folder().to_path_buf(), new.clone(), Some((taken, revision)))
        }
        ([_, _], Some(_)) => {
            return Err(Failure::new("--old-rev is the programme before: name only the one after"));
        }
        ([old, new], None) => (old.clone(), new.clone(), None),
        (_, _) => {
            return Err(Failure::new("name two programmes, before and after; or one, with --old-rev REV"));
        }
    };
    if options.key.is_some() && is_rules(&old) && is_rules(&new) {
        return Err(Failure::new("--key is for packs; rules are not signed"));
    }
    let Some(mut before) = find(&old, options, output)? else { return Ok(None) };
    let Some(after) = find(&new, options, output)? else { return Ok(None) };
    if let Some((_, revision)) = &taken {
        before.source = format!("{} in {revision}", shown(&new));
        before.bare = true;
    }
    let events = over(options, &before.loaded.config, &after.loaded.config)?;
    let tables_of = |own: &Found, other: &Found| match own.bare {
        true => other.loaded.config.catalogue.clone(),
        false => own.loaded.config.catalogue.clone(),
    };
    let tables = [tables_of(&before, &after), tables_of(&after, &before)];
    // A pack and a file by itself have no perq.toml: the deployment is that of the other side.
    let parameters_of = |own: &Found, other: &Found| {
        let config = if own.lone { &other.loaded.config } else { &own.loaded.config };
        let known = |name: &str| own.loaded.pack.program().params.iter().any(|param| param.name == name);
        let all = config.parameters().into_iter();
        all.filter(|(name, _)| !own.lone || known(name)).collect::<Vec<(String, String)>>()
    };
    let parameters = [parameters_of(&before, &after), parameters_of(&after, &before)];
    let [of_before, of_after] = tables;
    let [set_before, set_after] = parameters;
    let old = side(before, &of_before, set_before, options)?;
    let new = side(after, &of_after, set_after, options)?;
    drop(taken);
    for (which, side) in [("old", &old), ("new", &new)] {
        for name in side.engine.unknown_names() {
            output.note(&format!("warning ({which}): {}", plain(&name.to_string())));
        }
    }
    let mut diff = Diff::new(old, new, options.most).map_err(|error| Failure::new(error.to_string()))?;
    let bar = if output.interactive() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_message("replaying");
    bar.enable_steady_tick(Duration::from_millis(200));
    for path in &events {
        let file = || std::fs::File::open(path).map(Input::File);
        let format = super::run::format_of(path)?;
        let input = if path == Path::new("-") {
            Events::Lines(Input::Stream(output.input_stream()))
        } else if format == Format::Ndjson {
            Events::Lines(Input::File(tables::open(path)?))
        } else {
            Events::Table { format, open: &file }
        };
        let name = path.display().to_string();
        let replayed = diff.over(&name, input, &mut |records| bar.set_position(records));
        replayed.map_err(|error| Failure::file(path, &error))?;
    }
    bar.finish_and_clear();
    let report = diff.report();
    match nothing_read(&report) {
        Some(why) => Err(Failure::new(why)),
        None => Ok(Some(report)),
    }
}

/// Why there is nothing to compare, where there is nothing.
fn nothing_read(report: &Report) -> Option<String> {
    if report.records.decided.before + report.records.decided.after > 0 {
        return None;
    }
    let first = report.refusals.first().map(|refusal| text::first_words(&refusal.first));
    Some(match first {
        Some(first) => format!(
            "nothing could be read, so there is nothing to compare: {} refused by both, the first {first}",
            counted(report.records.all, "record")
        ),
        None => "there are no events in what was given, so there is nothing to compare".to_owned(),
    })
}

/// The events of the arguments, else of the new programme, else of the old one.
fn over(options: &args::Diff, old: &Config, new: &Config) -> Result<Vec<PathBuf>, Failure> {
    let events = Paths(options.over.clone()).or(&new.events.files).or(&old.events.files).0;
    if events.is_empty() {
        return Err(Failure::new("there are no events: name a file with --over, or [events] in perq.toml"));
    }
    Ok(events)
}

/// Whether a path has rules in texts, rather than a pack.
fn is_rules(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension == "rule")
}

/// Loads a side; nothing where its rules have errors, which are said.
fn find(path: &Path, options: &args::Diff, output: &mut Output) -> Result<Option<Found>, Failure> {
    let key = options.key.as_deref().filter(|_| !is_rules(path));
    let Some(loaded) = programme::load("diff", path, key, output)? else { return Ok(None) };
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let folder = folder.map_or_else(String::new, |folder| shown(&programme::tidy(folder)));
    let folder = if folder.is_empty() || folder == "." { String::new() } else { format!("{folder}/") };
    let bare = loaded.config.catalogue == Config::default().catalogue;
    Ok(Some(Found { loaded, source: shown(path), folder, bare, lone: !path.is_dir() }))
}

fn side(
    found: Found,
    tables: &crate::config::Tables,
    parameters: Vec<(String, String)>,
    options: &args::Diff,
) -> Result<Side, Failure> {
    let Found { loaded, source, folder, .. } = found;
    let Loaded { pack, config: _, sources, typed } = loaded;
    let catalogue = tables::catalogue(&tables::given(&options.tables, tables))?;
    let engine =
        |pack: Pack| tables::engine(pack, &catalogue, options.engine, ReadOptions::default(), &parameters);
    let questions = match (&typed, &sources) {
        (Some(typed), Some(sources)) => segments::questions(typed, sources),
        (Some(_) | None, Some(_) | None) => None,
    };
    let asks = match questions {
        Some(questions) => Some(Asks {
            engine: engine(Pack::of(questions.program))?,
            segments: questions.segments,
            slots: questions.slots,
        }),
        None => None,
    };
    Ok(Side { source, engine: engine(pack)?, sources, folder, parameters, asks })
}
