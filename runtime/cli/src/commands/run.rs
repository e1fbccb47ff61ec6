//! `perq run`: decides a stream of events, goes on past bad records, and says what it left out.

use crate::args;
use crate::config::Paths;
use crate::excerpt::plain;
use crate::numbers::{Table, counted, grouped};
use crate::output::Output;
use crate::programme::{self, Loaded};
use crate::render::plural;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use indicatif::{ProgressBar, ProgressStyle};
use perq_compiler::ir::Program;
use perq_runtime::batch::{self, BatchErrorCause, BatchOptions, Decisions, Format, Input, Progress};
#[cfg(feature = "columnar")]
use perq_runtime::columnar::TableFormat;
#[cfg(feature = "columnar")]
use perq_runtime::decision::DecisionTable;
use perq_runtime::engine::Engine;
use perq_runtime::record::{ReadOptions, UnknownFields};
use perq_runtime::summary::Summary;
use serde::Deserialize;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Refused records that are told one by one.
const TOLD: usize = 20;

/// Runs it.
///
/// # Errors
/// Where the rules, a table, the events or the output cannot be read or written.
pub fn run(options: &args::Run, output: &mut Output) -> Outcome {
    if output.is_json() && options.output.is_none() {
        return Err(Failure::new("with --format json the decisions need a place of their own: -o FILE"));
    }
    let Some(loaded) = programme::load("run", &options.program, options.key.as_deref(), output)? else {
        return Ok(Exit::Findings);
    };
    let Loaded { pack, config, .. } = loaded;
    let own = |paths: &[PathBuf]| Paths(paths.to_vec());
    let given = tables::given(&options.tables, &config.catalogue);
    let events = own(&options.events).or(&config.events.files);
    if events.0.is_empty() {
        return Err(Failure::new("there are no events: name a file with --events, or [events] in perq.toml"));
    }
    let unknown_fields = if options.strict { UnknownFields::Refuse } else { UnknownFields::Ignore };
    let catalogue = tables::catalogue(&given)?;
    let reading = ReadOptions { unknown_fields, ..ReadOptions::default() };
    let kind = tables::kind(options.engine, tables::kind_for(&pack, &events.0));
    let engine = tables::engine_of(pack, &catalogue, kind, reading, &config.parameters())?;
    for name in engine.unknown_names() {
        output.note(&format!("warning: {}", plain(&name.to_string())));
    }

    let available = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let batch = BatchOptions {
        threads: options.threads.map_or_else(available, |threads| threads.get()),
        ..Default::default()
    };
    let formats = events.0.iter().map(|path| format_of(path)).collect::<Result<Vec<Format>, Failure>>()?;
    #[cfg(feature = "ledger")]
    if let Some(place) = &options.ledger {
        if let Some((path, _)) = events.0.iter().zip(&formats).find(|(_, format)| **format != Format::Ndjson)
        {
            let message =
                "with --ledger events are JSON lines; what is in this file has to be written as such";
            return Err(Failure::file(path, &message));
        }
        return super::keep::run(options, place, &engine, &events, output);
    }
    let mut place = options.output.as_deref().map(|path| Place::of(path, &engine)).transpose()?;
    let rejects = options.rejects.as_deref().map(create).transpose()?;
    let mut rejects = Rejects::new(rejects);
    let bar = progress_bar(output);
    let started = Instant::now();
    let mut summary = Summary::default();
    for (path, format) in events.0.iter().zip(formats) {
        rejects.events = plain(&path.display().to_string());
        let input = if path == Path::new("-") {
            Input::Stream(output.input_stream())
        } else {
            Input::File(tables::open(path)?)
        };
        let before = summary.records();
        let mut progress = |progress: Progress| bar.set_position(before + progress.records);
        let batch = BatchOptions { format, ..batch };
        let decisions = match &mut place {
            Some(Place::Lines(file)) => Decisions::Lines(file),
            #[cfg(feature = "columnar")]
            Some(Place::Table(table)) => Decisions::Table(table),
            None => Decisions::Lines(output.raw()),
        };
        let result = batch::run_into(&engine, input, decisions, &mut rejects, &batch, &mut progress);
        match result {
            Ok(of_file) => summary.merge(&of_file),
            Err(error) => {
                bar.finish_and_clear();
                rejects.tell(output);
                return Err(match &error.cause {
                    BatchErrorCause::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe => {
                        Failure::Gone
                    }
                    BatchErrorCause::Input(_) | BatchErrorCause::Output(_) => Failure::file(path, &error),
                    BatchErrorCause::Internal => Failure::mistake(format!("{}: {error}", path.display())),
                });
            }
        }
    }
    bar.finish_and_clear();
    #[cfg(feature = "columnar")]
    if let (Some(Place::Table(table)), Some(path)) = (place, &options.output) {
        table.finish().map_err(|error| Failure::file(path, &error))?;
    }
    let elapsed = started.elapsed();
    rejects.tell(output);
    if rejects.count > 0
        && let Some(path) = &options.rejects
    {
        output.note(&format!("{} in {}", plural(rejects.count, "refused record"), path.display()));
    }
    if let Some(args::SummaryOf::Rules) = options.summary {
        for line in by_rule(&summary, engine.program(), output.style().width) {
            output.note(&line);
        }
    }
    output.note(&closing(&summary, elapsed));
    output.object(
        "run",
        json!({
            "engine": if engine.is_native() { "native" } else { "interpreter" },
            "seconds": elapsed.as_secs_f64(),
            "summary": summary.report(&engine),
        }),
    );
    Ok(Exit::findings(options.strict && (summary.rejected > 0 || summary.events_with_errors > 0)))
}

/// How the events of a file are written, by the ending of its name.
pub(super) fn format_of(path: &Path) -> Result<Format, Failure> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Format::of_name(&name).ok_or_else(|| {
        Failure::file(
            path,
            &"this perq was built without the feature `columnar`, and reads no Parquet and no Arrow",
        )
    })
}

/// Where decisions go.
enum Place {
    Lines(BufWriter<File>),
    #[cfg(feature = "columnar")]
    Table(Box<DecisionTable>),
}

impl Place {
    /// By the ending of the file's name.
    fn of(path: &Path, engine: &Engine) -> Result<Place, Failure> {
        let ending =
            path.extension().map_or_else(String::new, |ending| ending.to_string_lossy().into_owned());
        if ending.eq_ignore_ascii_case("csv") {
            let message =
                "decisions have lists in them and are no CSV; name a file .ndjson, .parquet or .arrow";
            return Err(Failure::file(path, &message));
        }
        #[cfg(feature = "columnar")]
        if let Some(format) = TableFormat::of_ending(&ending) {
            let table = DecisionTable::new(engine, format, Box::new(create(path)?));
            return Ok(Place::Table(Box::new(table.map_err(|error| Failure::file(path, &error))?)));
        }
        #[cfg(not(feature = "columnar"))]
        if format_of(path).is_err() {
            let message =
                "this perq was built without the feature `columnar`, and writes no Parquet and no Arrow";
            return Err(Failure::file(path, &message));
        }
        let _ = engine;
        Ok(Place::Lines(create(path)?))
    }
}

pub(super) fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
    Ok(BufWriter::with_capacity(1 << 16, file))
}

/// Counts records where somebody watches.
pub(super) fn progress_bar(output: &Output) -> ProgressBar {
    if !output.interactive() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} records, {elapsed}, {per_sec}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// What became of each rule: those that gave something first, by with how many events.
fn by_rule(summary: &Summary, program: &Program, width: usize) -> Vec<String> {
    let mut found = summary.by_rule(program);
    // A stable sort: rules that gave equally often stay in the order of the text.
    found.sort_by_key(|(_, given)| std::cmp::Reverse(given.events));
    let mut table =
        Table::new(2, &["Rules, by events", "", "events", "effects", "lost", "cut", "failed", "amounts"]);
    for (rule, given) in &found {
        table.row([
            format!("  {}", plain(&rule.name)),
            rule.title.as_deref().map_or_else(String::new, plain),
            if given.events == 0 { "never".to_owned() } else { grouped(given.events) },
            grouped(given.effects),
            grouped(given.displaced),
            grouped(given.cut),
            grouped(given.errors),
            match given.discount == 0 && given.awards.iter().all(|amount| *amount == 0) {
                true => "-".to_owned(),
                false => super::demo::given(program, given),
            },
        ]);
    }
    let never = found.iter().filter(|(_, given)| given.events == 0).count();
    let mut lines = table.lines(0, width);
    lines.push(format!("{}, of which {never} never gave anything", plural(found.len(), "rule")));
    lines
}

/// `25 900 records: 25 898 decided, 2 refused; a rule failed in 1; 1.20 s, 21 583 a second`
fn closing(summary: &Summary, elapsed: Duration) -> String {
    let records = summary.records();
    let mut out = format!(
        "{}: {} decided, {} refused",
        counted(records, "record"),
        grouped(summary.total.events),
        grouped(summary.rejected)
    );
    for (error, count) in &summary.rejections {
        out.push_str(&format!(" ({} {error})", grouped(*count)));
    }
    if summary.events_with_errors > 0 {
        out.push_str(&format!("; a rule failed in {}", grouped(summary.events_with_errors)));
    }
    let seconds = elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { records as f64 / seconds } else { 0.0 };
    out.push_str(&format!("; {seconds:.2} s, {} a second", grouped(rate as u64)));
    out
}

/// Keeps refused records in their file and the first few for people.
pub(super) struct Rejects {
    file: Option<BufWriter<File>>,
    /// The events' file at hand.
    pub(super) events: String,
    line: Vec<u8>,
    told: Vec<String>,
    pub(super) count: usize,
}

/// The parts of a rejection that people are told.
#[derive(Deserialize)]
struct Rejection {
    error: String,
    line: u64,
    id: Option<String>,
    field: String,
    message: String,
    value: Option<String>,
}

impl Rejects {
    pub(super) fn new(file: Option<BufWriter<File>>) -> Rejects {
        Rejects { file, events: String::new(), line: Vec::new(), told: Vec::new(), count: 0 }
    }

    fn one(&mut self) {
        self.count += 1;
        if self.told.len() < TOLD
            && let Ok(rejection) = serde_json::from_slice::<Rejection>(&self.line)
        {
            let mut text = format!("{}:{}", self.events, rejection.line);
            if let Some(id) = &rejection.id {
                text.push_str(&format!(" event `{}`", plain(id)));
            }
            if !rejection.field.is_empty() {
                text.push_str(&format!(" `{}`", plain(&rejection.field)));
            }
            text.push_str(&format!(": {}", plain(&rejection.message)));
            if let Some(value) = &rejection.value {
                text.push_str(&format!(" (it is {})", plain(value)));
            }
            text.push_str(&format!(" [{}]", plain(&rejection.error)));
            self.told.push(text);
        }
        self.line.clear();
    }

    pub(super) fn tell(&mut self, output: &mut Output) {
        for text in &self.told {
            output.note(&format!("refused {text}"));
        }
        if self.count > self.told.len() {
            let kept = if self.file.is_some() { "" } else { "; --rejects FILE keeps them all" };
            output.note(&format!("and {} more{kept}", grouped((self.count - self.told.len()) as u64)));
        }
    }
}

impl Write for Rejects {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            file.write_all(bytes)?;
        }
        for byte in bytes {
            if *byte == b'\n' {
                self.one();
            } else {
                self.line.push(*byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.flush(),
            None => Ok(()),
        }
    }
}
