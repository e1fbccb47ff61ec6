//! `perq plan`: how rules are found, what is asked of each, and what events make of that.
//!
//! Lays out what [`perq_runtime::plan`] tells, and refuses to know why a rule is filed where it is.

use super::run::format_of;
use crate::args;
use crate::config::Paths;
use crate::excerpt::plain;
use crate::numbers::{counted, grouped};
use crate::output::Output;
use crate::programme::{self, Loaded};
use crate::render::plural;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use perq_compiler::ir::SourcePlace;
use perq_compiler::sources::SourceMap;
use perq_runtime::batch::{Format, Input};
use perq_runtime::explain::Spot;
use perq_runtime::plan::{Key, Measured, Over, Plan, Report, RulePlan};
use perq_runtime::record::ReadOptions;
use std::path::Path;

/// Characters of a condition's text.
const WIDTH: usize = 80;

/// Runs it.
///
/// # Errors
/// Where the rules, a table or the events cannot be read, or a parameter is refused.
pub fn run(options: &args::Plan, output: &mut Output) -> Outcome {
    let Some(loaded) = programme::load("plan", &options.program, options.key.as_deref(), output)? else {
        return Ok(Exit::Findings);
    };
    let Loaded { pack, config, sources, .. } = loaded;
    let catalogue = tables::catalogue(&tables::given(&options.tables, &config.catalogue))?;
    let parameters = config.parameters();
    let engine = Some(args::EngineName::Interpreter);
    let engine = tables::engine(pack, &catalogue, engine, ReadOptions::default(), &parameters)?;
    if let Some(name) = &options.rule
        && !engine.program().rules.iter().any(|rule| rule.name == *name)
    {
        return Err(Failure::new(format!("the programme has no rule `{name}`")));
    }
    for name in engine.unknown_names() {
        output.note(&format!("warning: {}", plain(&name.to_string())));
    }
    // `--over` alone is the events that belong to the programme.
    let events = match &options.over {
        None => Vec::new(),
        Some(paths) => Paths(paths.clone()).or(&config.events.files).0,
    };
    if options.over.is_some() && events.is_empty() {
        return Err(Failure::new("there are no events: name a file with --over, or [events] in perq.toml"));
    }
    let formats = events.iter().map(|path| format_of(path)).collect::<Result<Vec<Format>, Failure>>()?;
    let mut plan = Plan::new(&engine);
    let bar = super::run::progress_bar(output);
    for (path, format) in events.iter().zip(formats) {
        let input = if path == Path::new("-") {
            Input::Stream(output.input_stream())
        } else {
            Input::File(tables::open(path)?)
        };
        let replayed = plan.over(input, format, &mut |records| bar.set_position(records));
        replayed.map_err(|error| Failure::file(path, &error))?;
    }
    bar.finish_and_clear();
    let texts = sources.as_ref().map(SourceMap::by_name).unwrap_or_default();
    let quote = |file: &str, place: &SourcePlace| texts.get(file)?.quote(place).map(str::to_owned);
    let mut report = plan.report(&quote);
    if let Some(name) = &options.rule {
        for group in &mut report.groups {
            group.rules.retain(|rule| rule.rule == *name);
        }
        report.groups.retain(|group| !group.rules.is_empty());
    }
    for line in lines(&report, options.most) {
        output.say(&line)?;
    }
    let value = serde_json::to_value(&report).map_err(|error| Failure::mistake(error.to_string()))?;
    output.object("plan", value);
    Ok(Exit::Clean)
}

/// The report as text.
fn lines(report: &Report, most: usize) -> Vec<String> {
    let rules: usize = report.groups.iter().map(|group| group.rules.len()).sum();
    let mut out = vec![format!(
        "{} (pack {}): {} in {}; the index takes {} bytes",
        plain(&report.program),
        report.pack,
        plural(rules, "rule"),
        plural(report.groups.len(), "group"),
        grouped(report.memory as u64)
    )];
    if let Some(over) = &report.over {
        replayed(over, &mut out);
    }
    out.push(String::new());
    out.push("found by the event".to_owned());
    for attribute in &report.attributes {
        let (rules, intervals) = (plural(attribute.rules, "rule"), plural(attribute.intervals, "interval"));
        out.push(format!("  {:<28} {rules} in {intervals}", plain(&attribute.field)));
    }
    for set in &report.sets {
        out.push(format!("  {:<28} a set, by its members", plain(set)));
    }
    if report.attributes.is_empty() && report.sets.is_empty() {
        out.push("  nothing but its kind".to_owned());
    }
    out.push("found by lines".to_owned());
    for key in &report.keys {
        entries(key, most, &mut out);
    }
    out.push(format!("  {:<28} {}", "no line needed, or no key", plural(report.without_key, "rule")));
    let all = report.over.map(|over| over.all.instructions);
    for group in &report.groups {
        out.push(String::new());
        out.push(format!(
            "group {}  phase {}, displace {} per {}{}",
            plain(&group.group),
            group.phase,
            group.displace,
            group.per,
            cost(group.measured, all)
        ));
        for rule in &group.rules {
            of_rule(rule, all, &mut out);
        }
    }
    out
}

fn replayed(over: &Over, out: &mut Vec<String>) {
    let each = |count: u64| hundredths(count, over.events);
    let refused =
        if over.refused > 0 { format!(", {} refused", grouped(over.refused)) } else { String::new() };
    out.push(format!(
        "measured over {}{refused}, {} lines each: {} rules asked an event, of which {} proposed something; {} instructions an event",
        counted(over.events, "event"),
        each(over.lines),
        each(over.all.asked),
        percent(over.all.proposed, over.all.asked),
        grouped(over.all.instructions.checked_div(over.events).unwrap_or(0))
    ));
}

fn entries(key: &Key, most: usize, out: &mut Vec<String>) {
    let (rules, count) = (plural(key.rules, "rule"), key.entries.len());
    let entry = if count == 1 { "entry" } else { "entries" };
    out.push(format!("  {:<28} {rules} under {count} {entry}", plain(&key.field)));
    // What was reached most often comes first, then what leads to most rules, then the order of the values.
    let mut entries: Vec<_> = key.entries.iter().collect();
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.lines, entry.rules)));
    for entry in entries.iter().take(most) {
        let reached = match (entry.lines, entry.events) {
            (Some(lines), Some(events)) => {
                format!(", reached by {} of {}", counted(lines, "line"), counted(events, "event"),)
            }
            (Some(_) | None, Some(_) | None) => String::new(),
        };
        let (values, rules) = (plain(&entry.values), plural(entry.rules, "rule"));
        out.push(format!("    {values:<26} {rules}{reached}"));
    }
    if entries.len() > most {
        out.push(format!("    and {} more; --most N shows more", entries.len() - most));
    }
}

fn of_rule(rule: &RulePlan, all: Option<u64>, out: &mut Vec<String>) {
    out.push(format!("  {}  [{}]{}", plain(&rule.rule), place(&rule.place), cost(rule.measured, all)));
    for condition in &rule.conditions {
        let text = condition.place.as_ref().and_then(|place| place.text.as_ref());
        let text = clip(&plain(text.unwrap_or(&condition.condition)));
        let by = match condition.by {
            "asked" if condition.of == "line" => "asked of each line",
            "asked" => "asked of the rule",
            by => by,
        };
        let line = format!("    {:<5} {text}  ({}, {by})", condition.of, plain(&condition.sort));
        // A stretch of time is two conditions, and one for who wrote it.
        if out.last() != Some(&line) {
            out.push(line);
        }
    }
    for spot in &rule.residue {
        let text = spot.text.as_ref().map_or_else(|| place(spot), |text| clip(&plain(text)));
        out.push(format!("    code  {text}"));
    }
    let guess = match rule.estimate.lines_per_million {
        Some(lines) => format!("; its key is guessed to match {} of lines", percent(lines, 1_000_000)),
        None => String::new(),
    };
    let each = match rule.estimate.each_line {
        0 => String::new(),
        each => format!(" and {each} for each line"),
    };
    let instructions = counted(rule.estimate.instructions.into(), "instruction");
    out.push(format!("    costs {instructions}{each}{guess}"));
}

/// What events have made of a rule or a group.
fn cost(measured: Option<Measured>, all: Option<u64>) -> String {
    let (Some(measured), Some(all)) = (measured, all) else { return String::new() };
    if measured.asked == 0 {
        return "  measured: never asked".to_owned();
    }
    format!(
        "  measured: asked {}, proposed {} ({}), {} of all instructions",
        if measured.asked == 1 { "once".to_owned() } else { format!("{} times", grouped(measured.asked)) },
        grouped(measured.proposed),
        percent(measured.proposed, measured.asked),
        percent(measured.instructions, all)
    )
}

/// A quotient with two decimals, half up.
fn hundredths(count: u64, of: u64) -> String {
    let hundredths = (u128::from(count) * 200 + u128::from(of)).checked_div(u128::from(of) * 2).unwrap_or(0);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A share with one decimal, half up.
fn percent(count: u64, of: u64) -> String {
    let tenths = (u128::from(count) * 2_000 + u128::from(of)).checked_div(u128::from(of) * 2).unwrap_or(0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn place(spot: &Spot) -> String {
    plain(&spot.to_string())
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => text.get(..end).unwrap_or("").to_owned() + "…",
        None => text.to_owned(),
    }
}
