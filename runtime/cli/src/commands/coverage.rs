//! `perq coverage`: which rules, rows of tables and arms of choices a year of events reaches, how often, and which never.
//!
//! Lays out what [`perq_runtime::cover`] counts. Refuses to say that what is not reached is wrong.

use crate::args;
use crate::config::Paths;
use crate::covered::{self, Covered};
use crate::excerpt::plain;
use crate::numbers::{Table, counted, grouped};
use crate::output::Output;
use crate::programme;
use crate::render::{self, plural};
use crate::{Exit, Failure, Outcome, tables};
use indicatif::ProgressBar;
use perq_compiler::calendar::date_text;
use perq_compiler::pipeline::{Compilation, compile_marked};
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::Place;
use perq_runtime::batch::{Format, Input};
use perq_runtime::cover::{Cover, Reach};
use perq_runtime::engine::Engine;
use perq_runtime::pack::Pack;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Runs it.
///
/// # Errors
/// Where the rules, a table or the events cannot be read, or a file cannot be written.
pub fn run(options: &args::Coverage, output: &mut Output) -> Outcome {
    let programme = programme::find_one(&options.program)?;
    let Some(compilation) = programme.checked("coverage", output)? else { return Ok(Exit::Findings) };
    let Compilation { sources, typed, .. } = &compilation;
    let events = Paths(options.over.clone()).or(&programme.config.events.files).0;
    if events.is_empty() {
        return Err(Failure::new("there are no events: name a file with --over, or [events] in perq.toml"));
    }
    let (program, marks) = compile_marked(typed, sources).map_err(Failure::new)?;
    let marks = Arc::new(marks);
    let catalogue = tables::catalogue(&tables::given(&options.tables, &programme.config.catalogue))?;
    let builder = Engine::builder(Pack::of(program)).catalogue(&catalogue).marking(Arc::clone(&marks));
    let parameters = programme.config.parameters();
    let builder = parameters.iter().fold(builder, |builder, (name, value)| builder.parameter(name, value));
    let engine = builder.build().map_err(|error| Failure::new(error.to_string()))?;
    for name in engine.unknown_names() {
        output.note(&format!("warning: {}", plain(&name.to_string())));
    }
    let mut cover = Cover::new(&engine, marks, typed.arms().len());
    let bar = if output.interactive() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_message("deciding");
    bar.enable_steady_tick(Duration::from_millis(200));
    for path in &events {
        let name = path.to_string_lossy();
        let format = Format::of_name(&name)
            .ok_or_else(|| Failure::file(path, &"this perq was built without tables of columns"))?;
        let input = if path == Path::new("-") {
            Input::Stream(output.input_stream())
        } else {
            Input::File(tables::open(path)?)
        };
        let decided = cover.over(input, format, &mut |events| bar.set_position(events));
        decided.map_err(|error| Failure::file(path, &error))?;
    }
    bar.finish_and_clear();
    let covered = Covered::new(typed, cover.rules.iter().map(|reach| reach.gave), cover.arms.iter().copied());
    if let Some(path) = &options.lcov {
        std::fs::write(path, covered.lcov(sources)).map_err(|error| Failure::file(path, &error))?;
    }
    let width = output.style().width.min(100);
    for line in lines(&programme.shown(), sources, &covered, &cover, width) {
        output.say(&line)?;
    }
    output.object("coverage", machine(&compilation, &covered, &cover));
    let missed = covered.silent().next().is_some() || covered.unreached().next().is_some();
    Ok(Exit::findings(options.exit_code && missed))
}

fn lines(from: &str, sources: &SourceMap, covered: &Covered, cover: &Cover, width: usize) -> Vec<String> {
    let folder = format!("{from}/");
    let place = |place: Place| {
        let Some(source) = sources.get(place.file) else { return String::new() };
        let path = source.path.strip_prefix(&folder).unwrap_or(&source.path);
        format!("{}:{}", plain(path), source.line_column(place.span.start).0)
    };
    let refused: u64 = cover.refused.values().sum();
    let period = cover.period.map_or_else(String::new, |(first, last)| {
        format!(", {} through {}", date_text(first), date_text(last))
    });
    let refused =
        if refused > 0 { format!("; {} more are refused", grouped(refused)) } else { String::new() };
    let mut out = vec![format!("{}{period}{refused}", counted(cover.events, "event")), String::new()];
    let mut table = Table::new(2, &["rule", "where", "gives on", "displaced on", "cut on", "fails on"]);
    for (rule, reach) in covered.rules.iter().zip(&cover.rules) {
        let Reach { gave, displaced, cut, failed } = *reach;
        let [gave, displaced, cut, failed] = [gave, displaced, cut, failed].map(grouped);
        table.row([plain(&rule.name), place(rule.place), gave, displaced, cut, failed]);
    }
    out.extend(table.lines(0, width));
    if !covered.rows.is_empty() {
        out.push(String::new());
        let mut table = Table::new(2, &["where", "row or arm", "reached on"]);
        for row in &covered.rows {
            let text = plain(&covered::text(sources, row.place));
            table.row([place(row.place), text, grouped(row.times)]);
        }
        out.extend(table.lines(0, width));
    }
    out.push(String::new());
    for rule in covered.silent() {
        out.push(format!("never: rule `{}` gives nothing  [{}]", plain(&rule.name), place(rule.place)));
    }
    for row in covered.unreached() {
        let text = plain(&covered::text(sources, row.place));
        out.push(format!("never: `{text}` is not reached  [{}]", place(row.place)));
    }
    let rules = covered.rules.len();
    out.push(format!("{} of {} give something", rules - covered.silent().count(), plural(rules, "rule")));
    let rows = covered.rows.len();
    if rows > 0 {
        let reached = rows - covered.unreached().count();
        out.push(format!("{reached} of {} of tables and choices are reached", plural(rows, "row")));
    }
    out
}

fn machine(compilation: &Compilation, covered: &Covered, cover: &Cover) -> Value {
    let Compilation { sources, typed, .. } = compilation;
    let rules = covered.rules.iter().zip(&typed.rules).zip(&cover.rules);
    let rule = |((covered, rule), reach): ((&covered::Rule, &perq_compiler::typed::Rule), &Reach)| {
        json!({
            "rule": covered.name,
            "title": rule.title,
            "group": typed.groups.get(rule.group.index()).map(|group| group.name.as_str()),
            "place": render::place(sources, covered.place),
            "gave": reach.gave,
            "displaced": reach.displaced,
            "cut": reach.cut,
            "failed": reach.failed,
        })
    };
    json!({
        "events": cover.events,
        "refused": cover.refused,
        "from": cover.period.map(|(first, _)| date_text(first)),
        "through": cover.period.map(|(_, last)| date_text(last)),
        "rules": rules.map(rule).collect::<Vec<_>>(),
        "rows": covered.machine_rows(sources),
    })
}
