//! `perq offers regret`: what learning and exploring are worth on a population whose likes are known. It lays out figures, and
//! refuses to know how they come about.

use super::{Prepared, plot};
use crate::args;
use crate::excerpt::plain;
use crate::output::Output;
use crate::{Exit, Failure, Outcome};
use perq_runtime::clock;
use perq_runtime::engine::Engine;
use perq_runtime::learning::regret::{Group, POINTS, Run, Times, play, population, without_exploring};
use perq_runtime::learning::{ONE, quotient};
use perq_runtime::record::RecordError;
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The runs of one way of ranking, one for each seed.
pub struct Way {
    /// What it is called.
    pub name: &'static str,
    /// By seed.
    pub runs: Vec<Run>,
}

impl Way {
    /// The sum over the seeds.
    pub fn sum(&self, of: impl Fn(&Run) -> i128) -> i128 {
        self.runs.iter().map(of).sum()
    }

    /// The mean over the seeds of what was missed so far, at each point, in millionths.
    pub fn curve(&self) -> Vec<i128> {
        let runs = i128::try_from(self.runs.len()).unwrap_or(1).max(1);
        (0..POINTS).map(|at| self.sum(|run| run.missed.get(at).copied().unwrap_or(0)) / runs).collect()
    }
}

/// Runs it.
///
/// # Errors
/// Where the rules, a table or the population cannot be read, or the picture cannot be written.
pub fn run(options: &args::Regret, output: &mut Output) -> Outcome {
    let Some(prepared) =
        Prepared::of(&options.played.program, options.played.key.as_deref(), &options.played.tables, output)?
    else {
        return Ok(Exit::Findings);
    };
    let engine = prepared.engine(options.played.engine)?;
    let path = options.population.as_path();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let population = population(engine.program(), &text)
        .map_err(|error| Failure::file(path, &plain(&error.to_string())))?;
    let Some(day) = clock::date(&options.start) else {
        return Err(Failure::new(format!(
            "--start takes a day, such as 2026-06-01, and got `{}`",
            plain(&options.start)
        )));
    };
    let times = Times { start: day * DAY, gap: i64::from(options.gap) };
    let mut log = options.log.as_deref().map(super::create).transpose()?;
    let declared = played(&engine, options, &population, times, log.as_mut())?;
    let mut ways = vec![Way { name: "as declared", runs: declared }];
    if let Some(pack) = without_exploring(engine.pack()) {
        let greedy = prepared.engine_of(pack, options.played.engine)?;
        ways.push(Way {
            name: "without exploring",
            runs: played(&greedy, options, &population, times, None)?,
        });
    }
    output.say(report(&ways, options.sessions).trim_end())?;
    if let Some(path) = &options.output {
        let picture = plot::regret(&ways, options.sessions);
        std::fs::write(path, picture).map_err(|error| Failure::file(path, &error))?;
    }
    let ways: Vec<_> = ways
        .iter()
        .map(|way| {
            let runs = way.runs.iter().map(|run| {
                let quarters: Vec<_> = (0..4).map(|quarter| amount(run.quarter(quarter))).collect();
                let missed: Vec<_> = run.missed.iter().map(|missed| amount(*missed)).collect();
                json!({
                    "seed": run.seed,
                    "best": amount(run.best),
                    "got": amount(run.got),
                    "quarters": quarters,
                    "missed": missed,
                })
            });
            json!({ "name": way.name, "runs": runs.collect::<Vec<_>>() })
        })
        .collect();
    output.object("offers", json!({ "sessions": options.sessions, "seeds": options.seeds, "ways": ways }));
    Ok(Exit::Clean)
}

fn played(
    engine: &Engine,
    options: &args::Regret,
    population: &[Group],
    times: Times,
    log: Option<&mut BufWriter<File>>,
) -> Result<Vec<Run>, Failure> {
    let mut runs = Vec::new();
    let mut log = log;
    for seed in 1..=u64::from(options.seeds) {
        // One run is enough of a log.
        let mut file = log.take();
        let mut failed: Option<std::io::Error> = None;
        let mut write = |line: &str| {
            if let Some(file) = &mut file
                && let Err(error) = writeln!(file, "{line}")
            {
                failed = Some(error);
            }
        };
        let run = play(engine.session(), population, u64::from(options.sessions), seed, times, &mut write);
        let refused = |error: Box<RecordError>| {
            let error = plain(&error.to_string());
            Failure::new(format!("the programme refuses a session of this population: {error}"))
        };
        runs.push(run.map_err(refused)?);
        if let Some(error) = failed {
            return Err(error.into());
        }
        if let Some(file) = &mut file {
            file.flush()?;
        }
    }
    Ok(runs)
}

/// Millionths as acceptances, in two decimals.
fn amount(millionths: i128) -> String {
    quotient(millionths, i128::from(ONE), 2).unwrap_or_default()
}

/// The mean of a sum over so many, in two decimals.
fn mean(sum: i128, of: usize) -> String {
    let of = i128::try_from(of).unwrap_or(1).max(1);
    quotient(sum, i128::from(ONE) * of, 2).unwrap_or_default()
}

/// The report for people.
pub fn report(ways: &[Way], sessions: u32) -> String {
    let seeds = ways.first().map_or(0, |way| way.runs.len());
    let mut out = format!(
        "{sessions} sessions for each of the seeds 1 to {seeds}; acceptances missed against the best fixed ranking\n\n"
    );
    out += &format!(
        "{:<18} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n",
        "", "seed", "best", "missed", "1st fourth", "2nd fourth", "3rd fourth", "4th fourth"
    );
    for way in ways {
        for run in &way.runs {
            let of = |quarter: usize| amount(run.quarter(quarter));
            out += &format!(
                "{:<18} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n",
                way.name,
                run.seed,
                amount(run.best),
                amount(run.best - run.got),
                of(0),
                of(1),
                of(2),
                of(3)
            );
        }
        let of = |quarter: usize| mean(way.sum(|run| run.quarter(quarter)), way.runs.len());
        out += &format!(
            "{:<18} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n\n",
            way.name,
            "mean",
            mean(way.sum(|run| run.best), way.runs.len()),
            mean(way.sum(|run| run.best - run.got), way.runs.len()),
            of(0),
            of(1),
            of(2),
            of(3)
        );
    }
    if let [declared, greedy] = ways {
        let worth = declared.sum(|run| run.got) - greedy.sum(|run| run.got);
        let won = declared.runs.iter().zip(&greedy.runs).filter(|(one, other)| one.got > other.got).count();
        out += &format!(
            "exploring is worth {} acceptances in the mean, and more than its cost with {won} of {seeds} seeds\n",
            mean(worth, seeds)
        );
    }
    out
}
