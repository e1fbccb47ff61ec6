//! `perq offers calibrate`: whether what was learned of offers comes true. It lays out figures, and refuses to know how they
//! come about.

use super::{Prepared, plot};
use crate::args;
use crate::excerpt::plain;
use crate::output::Output;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use perq_runtime::decimal;
use perq_runtime::input;
use perq_runtime::learning::calibration::{BINS, Holdout, Report, Score, calibrate};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Columns of a bar.
const BAR: usize = 40;

/// Refused records that are told one by one.
const TOLD: usize = 20;

/// Runs it.
///
/// # Errors
/// Where the rules, a table or the log cannot be read, or the picture cannot be written.
pub fn run(options: &args::Calibrate, output: &mut Output) -> Outcome {
    let Some(prepared) =
        Prepared::of(&options.played.program, options.played.key.as_deref(), &options.played.tables, output)?
    else {
        return Ok(Exit::Findings);
    };
    let engine = prepared.engine(options.played.engine)?;
    if engine.program().offers.list.iter().all(|offer| offer.learn.is_none()) {
        return Err(Failure::new("nothing is learned: no offer of the programme says `learn`"));
    }
    let written = options.holdout.strip_suffix('%').unwrap_or(&options.holdout);
    let part = decimal::parse(written, 4).ok().filter(|part| (1..1_000_000).contains(part));
    let Some(part) = part else {
        return Err(Failure::new(format!(
            "--holdout takes a part of the log, such as 20%, and got `{}`",
            plain(&options.holdout)
        )));
    };
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let path = options.log.as_path();
    let stream: Box<dyn std::io::Read + Send> =
        if path == Path::new("-") { output.input_stream() } else { Box::new(tables::open(path)?) };
    let stream = input::open(stream).map_err(|error| Failure::file(path, &error))?;
    for line in BufReader::with_capacity(1 << 18, stream).split(b'\n') {
        let line = line.map_err(|error| Failure::file(path, &error))?;
        if !line.iter().all(u8::is_ascii_whitespace) {
            lines.push(line);
        }
    }
    let mut told = Vec::new();
    let report = calibrate(engine.session(), &lines, Holdout { part }, |number, error| {
        if told.len() < TOLD {
            let path = plain(&path.display().to_string());
            told.push(format!("refused {path}, record {number}: {}", plain(&error.to_string())));
        }
    });
    for text in &told {
        output.note(text);
    }
    if report.held.count.ended == 0 {
        return Err(Failure::new(
            "no showing of the part that is held out has ended: there is nothing to compare",
        ));
    }
    output.say(text(&report, &decimal::print(i128::from(part), 4)).trim_end())?;
    if let Some(path) = &options.output {
        let picture = plot::reliability(&report);
        std::fs::write(path, picture).map_err(|error| Failure::file(path, &error))?;
    }
    output.object("offers", object(&report));
    Ok(Exit::Clean)
}

fn object(report: &Report) -> serde_json::Value {
    let score = |score: &Score| {
        json!({
            "ended": score.count.ended,
            "accepted": score.count.accepted,
            "expected": score.expected(),
            "forecast": score.forecast(),
            "rate": score.accepted(),
            "brier": score.brier(),
        })
    };
    let bins: Vec<_> = report.bins.iter().enumerate().filter(|(_, bin)| bin.count.ended > 0).collect();
    json!({
        "sessions": report.sessions,
        "refused": report.refused,
        "unmatched": report.unmatched,
        "before": { "ended": report.before.ended, "accepted": report.before.accepted },
        "held": score(&report.held),
        "base_brier": report.base_brier(),
        "skill": report.skill(),
        "calibration_error": report.error(),
        "offers": report.offers.iter().map(|(name, own)| json!({ "offer": name, "score": score(own) })).collect::<Vec<_>>(),
        "bins": bins.iter().map(|(at, bin)| json!({ "from": edge(*at), "to": edge(at + 1), "score": score(bin) })).collect::<Vec<_>>(),
    })
}

/// Where a bin begins.
pub(super) fn edge(at: usize) -> String {
    decimal::print(i128::try_from(at * 100 / BINS).unwrap_or(0), 2)
}

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| "none".to_owned())
}

/// The report for people.
pub fn text(report: &Report, part: &str) -> String {
    let held = &report.held;
    let part = part.trim_end_matches('0').trim_end_matches('.');
    let mut out = format!(
        "{} sessions, {} showings that ended; learned from {} of them ({} accepted), held out the last {part} %: {} ({} accepted)\n",
        report.sessions,
        report.before.ended + held.count.ended,
        report.before.ended,
        report.before.accepted,
        held.count.ended,
        held.count.accepted,
    );
    if report.unmatched > 0 {
        out += &format!(
            "{} answers to what no session of the log was asked about are left out\n",
            report.unmatched
        );
    }
    out += &format!("\nBrier score        {}\n", or_none(held.brier()));
    out += &format!("of the base rate   {}\n", or_none(report.base_brier()));
    out += &format!("better by          {}\n", or_none(report.skill()));
    out += &format!("calibration error  {}\n", or_none(report.error()));
    out += "\nlikelihood   showings  forecast  accepted\n";
    for (at, bin) in report.bins.iter().enumerate().filter(|(_, bin)| bin.count.ended > 0) {
        let (forecast, accepted) = (or_none(bin.forecast()), or_none(bin.accepted()));
        let line = format!(
            "{} to {}  {:>7}    {forecast}    {accepted}  {}",
            edge(at),
            edge(at + 1),
            bin.count.ended,
            bar(bin)
        );
        out += line.trim_end();
        out.push('\n');
    }
    out += "\noffer                     showings  expected  accepted  Brier score\n";
    for (name, score) in &report.offers {
        out += &format!(
            "{:<24}  {:>8}  {:>8}  {:>8}  {:>11}\n",
            plain(name),
            score.count.ended,
            score.expected(),
            score.count.accepted,
            or_none(score.brier())
        );
    }
    out
}

/// What was accepted as a bar, with a stroke where the forecast is.
fn bar(bin: &Score) -> String {
    let width = i128::try_from(BAR).unwrap_or(0);
    let ended = i128::from(bin.count.ended).max(1);
    let long = usize::try_from(i128::from(bin.count.accepted) * width / ended).unwrap_or(0);
    let forecast = bin.expected * width / (ended * i128::from(perq_runtime::learning::ONE));
    let forecast = usize::try_from(forecast).unwrap_or(0).min(BAR.saturating_sub(1));
    (0..BAR)
        .map(|at| {
            if at == forecast {
                '|'
            } else if at < long {
                '#'
            } else {
                ' '
            }
        })
        .collect()
}
