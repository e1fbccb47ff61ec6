//! `perq run --ledger`: decides a stream of events and keeps what is decided, once for each event. Sent again, an event is
//! answered as it was, so a run that was interrupted is simply begun again.

use super::run::{Rejects, create, progress_bar};
use crate::args;
use crate::config::Paths;
use crate::excerpt::plain;
use crate::numbers::grouped;
use crate::output::Output;
use crate::programme;
use crate::render::plural;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use perq_ledger::{Answered, Ledger, Refusal, StoreError, report};
use perq_runtime::engine::Engine;
use perq_runtime::input;
use perq_runtime::record::ReadOptions;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::Instant;

/// Events that are committed together.
const TOGETHER: usize = 256;

/// How a run went.
#[derive(Default)]
struct Counts {
    kept: u64,
    /// Decided and kept, too, and refused as a whole, by why.
    declined: BTreeMap<String, u64>,
    repeated: u64,
    refused: BTreeMap<&'static str, u64>,
}

/// Lines of a file that wait to be decided, with their numbers.
type Lines = Vec<(u64, Vec<u8>)>;

/// Runs it.
///
/// # Errors
/// Where the ledger, the events or the output cannot be read or written.
pub fn run(
    options: &args::Run,
    place: &str,
    engine: &Engine,
    events: &Paths,
    output: &mut Output,
) -> Outcome {
    let mut ledger = opened(place, !options.quote, engine, &options.source, output)?;
    let at_place = |error| failed(place, &error);
    let packs = Packs { tables: &options.tables, engine: options.engine, key: options.key.as_deref() };
    for given in &options.before {
        let Some((engine, until)) = packs.earlier(given, output)? else { return Ok(Exit::Findings) };
        ledger = ledger.with_earlier(&engine, until).map_err(at_place)?;
    }
    if let Some(oldest) = &options.oldest {
        ledger = ledger.with_oldest(super::ledger::instant(oldest)?);
    }
    let hold = options.hold.as_deref().map(super::ledger::instant).transpose()?;
    let author = if options.source.is_empty() { "perq run" } else { &options.source };
    let mut decisions = options.output.as_deref().map(create).transpose()?;
    let mut rejects = Rejects::new(options.rejects.as_deref().map(create).transpose()?);
    let bar = progress_bar(output);
    let started = Instant::now();
    let mut counts = Counts::default();
    for path in &events.0 {
        rejects.events = plain(&path.display().to_string());
        let stream: Box<dyn Read + Send> =
            if path == Path::new("-") { output.input_stream() } else { Box::new(tables::open(path)?) };
        let stream = input::open(stream).map_err(|error| Failure::file(path, &error))?;
        let limit = engine.schema().options().limits.record as u64;
        let mut stream = BufReader::with_capacity(1 << 18, stream);
        let mut number = 0;
        let mut waiting = Lines::new();
        loop {
            let mut line = Vec::new();
            let length =
                read_line(&mut stream, limit, &mut line).map_err(|error| Failure::file(path, &error))?;
            number += u64::from(length > 0);
            if !line.iter().all(u8::is_ascii_whitespace) {
                waiting.push((number, line));
            }
            if waiting.len() == TOGETHER || (length == 0 && !waiting.is_empty()) {
                let records: Vec<&[u8]> = waiting.iter().map(|(_, line)| line.as_slice()).collect();
                let answers = match (options.quote, hold) {
                    (true, _) => records.iter().map(|record| ledger.quote(record)).collect(),
                    (false, Some(until)) => {
                        records.iter().map(|record| ledger.hold(record, until, author)).collect()
                    }
                    (false, None) => ledger.decide_all(&records),
                };
                let out: &mut dyn Write = match &mut decisions {
                    Some(file) => file,
                    None => output.raw(),
                };
                write(&waiting, answers, out, &mut rejects, &mut counts)?;
                bar.inc(waiting.len() as u64);
                waiting.clear();
            }
            if length == 0 {
                break;
            }
        }
    }
    if let Some(file) = &mut decisions {
        file.flush()?;
    }
    rejects.flush()?;
    bar.finish_and_clear();
    rejects.tell(output);
    let refused: u64 = counts.refused.values().sum();
    let seconds = started.elapsed().as_secs_f64();
    let decided = match (options.quote, hold) {
        (true, _) => "decided and not kept",
        (false, Some(_)) => "decided, with what they take held",
        (false, None) => "decided and kept",
    };
    let declined: u64 = counts.declined.values().sum();
    let all = counts.kept + declined + counts.repeated + refused;
    let whys: Vec<String> =
        counts.declined.iter().map(|(why, many)| format!("{} {}", plain(why), grouped(*many))).collect();
    let of_whole = match whys.as_slice() {
        [] => String::new(),
        whys => format!(" {} refused as a whole ({}),", grouped(declined), whys.join(", ")),
    };
    output.note(&format!(
        "{}: {} {decided},{of_whole} {} answered as before, {} refused; {seconds:.2} s, {} a second",
        plural(usize::try_from(all).unwrap_or(usize::MAX), "record"),
        grouped(counts.kept),
        grouped(counts.repeated),
        grouped(refused),
        grouped(if seconds > 0.0 { (all as f64 / seconds) as u64 } else { 0 })
    ));
    output.object(
        "run",
        json!({
            "engine": if engine.is_native() { "native" } else { "interpreter" },
            "seconds": seconds,
            "quote": options.quote,
            "decided": counts.kept,
            "declined": counts.declined,
            "repeated": counts.repeated,
            "refused": counts.refused,
        }),
    );
    let away = ["ledger-unavailable", "ledger-damaged"].iter().any(|name| counts.refused.contains_key(name));
    if away {
        return Err(Failure::new(format!(
            "{}: not everything could be kept; run it again once the ledger is there",
            shown(place)
        )));
    }
    Ok(Exit::findings(options.strict && refused > 0))
}

/// Opens a ledger for a programme, and tells what of it the programme cannot use.
///
/// # Errors
/// Where it cannot be opened.
pub fn opened(
    place: &str,
    create: bool,
    engine: &Engine,
    source: &str,
    output: &mut Output,
) -> Result<Ledger, Failure> {
    let mut store = perq_ledger::open(place, create).map_err(|error| failed(place, &error))?;
    for held in report::conditions(&mut *store).map_err(|error| failed(place, &error))? {
        if engine.program().spendables.iter().all(|spendable| spendable.name != held.condition) {
            output.note(&format!(
                "warning: {} {} of {} can be spent under the condition of `{}`, which this programme does not have: they \
                 stay, and nothing is paid with them",
                held.amount,
                plain(&held.unit),
                plural(usize::try_from(held.members).unwrap_or(usize::MAX), "member"),
                plain(&held.condition)
            ));
        }
    }
    Ledger::new(engine, store, source).map_err(|error| failed(place, &error))
}

fn failed(place: &str, error: &StoreError) -> Failure {
    Failure::new(format!("{}: {error}", shown(place)))
}

/// How packs beside the one of now are opened.
pub struct Packs<'o> {
    /// Tables in place of their own.
    pub tables: &'o args::Tables,
    /// Which engine decides.
    pub engine: Option<args::EngineName>,
    /// Who must have signed them.
    pub key: Option<&'o str>,
}

impl Packs<'_> {
    /// The engine of a programme; nothing where it has errors, which were told.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(&self, path: &Path, output: &mut Output) -> Result<Option<Engine>, Failure> {
        let Some(loaded) = programme::load("run", path, self.key, output)? else { return Ok(None) };
        let given = tables::given(self.tables, &loaded.config.catalogue);
        let catalogue = tables::catalogue(&given)?;
        let reading = ReadOptions::default();
        tables::engine(loaded.pack, &catalogue, self.engine, reading, &loaded.config.parameters()).map(Some)
    }

    /// The engine of a pack of earlier events, from `INSTANT=PROGRAM`, and the instant up to which they are its own.
    ///
    /// # Errors
    /// Where the text is none of these, or the programme cannot be read.
    pub fn earlier(&self, text: &str, output: &mut Output) -> Result<Option<(Engine, i64)>, Failure> {
        let Some((instant, path)) = text.split_once('=') else {
            let text = plain(text);
            return Err(Failure::new(format!("`{text}`: write `2026-04-01T00:00:00Z=old.perq`")));
        };
        let until = super::ledger::instant(instant)?;
        Ok(self.open(Path::new(path), output)?.map(|engine| (engine, until)))
    }
}

/// A place without a password that its address may hold.
pub fn shown(place: &str) -> String {
    match (place.split_once("://"), place.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{}", plain(host)),
        (Some(_) | None, None) | (None, Some(_)) => plain(place),
    }
}

/// Reads a line, of one that is too long only so much that the reader refuses it. Gives its whole length; 0 at the end.
fn read_line(stream: &mut impl BufRead, limit: u64, line: &mut Vec<u8>) -> io::Result<u64> {
    let mut length = stream.by_ref().take(limit.saturating_add(2)).read_until(b'\n', line)? as u64;
    while length > 0 && line.last() != Some(&b'\n') {
        let rest = stream.fill_buf()?;
        if rest.is_empty() {
            break;
        }
        let end = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let many = end.unwrap_or(rest.len());
        stream.consume(many);
        length += many as u64;
        if end.is_some() {
            break;
        }
    }
    Ok(length)
}

fn write(
    lines: &Lines,
    answers: Vec<Answered>,
    out: &mut dyn Write,
    rejects: &mut Rejects,
    counts: &mut Counts,
) -> Result<(), Failure> {
    for ((number, line), answer) in lines.iter().zip(answers) {
        match answer {
            Ok(answer) => {
                match why_refused(&answer.decision) {
                    _ if answer.repeated => counts.repeated += 1,
                    Some(why) => *counts.declined.entry(why).or_default() += 1,
                    None => counts.kept += 1,
                }
                out.write_all(answer.decision.as_bytes())?;
                out.write_all(b"\n")?;
            }
            Err(refusal) => {
                *counts.refused.entry(refusal.name()).or_default() += 1;
                let text = rejection(&refusal, *number, line).to_string();
                rejects.write_all(text.as_bytes())?;
                rejects.write_all(b"\n")?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// Why a decision refuses its event as a whole: `short`, `not-kept`.
fn why_refused(decision: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Whole {
        refused: Option<Why>,
    }
    #[derive(Deserialize)]
    struct Why {
        because: String,
    }
    // Most have no such field anywhere, and are not read.
    if !decision.contains("\"refused\":") {
        return None;
    }
    let whole: Whole = serde_json::from_str(decision).ok()?;
    whole.refused.map(|refused| refused.because)
}

/// A refused record in the form that batches write.
fn rejection(refusal: &Refusal, number: u64, line: &[u8]) -> serde_json::Value {
    let record = String::from_utf8_lossy(line);
    let record = record.trim_end_matches('\n');
    match refusal {
        Refusal::Record(error) => {
            let mut error = error.clone();
            error.line = number;
            let mut fields = serde_json::to_value(&error).unwrap_or_default();
            if let Some(fields) = fields.as_object_mut() {
                fields.insert("record".to_owned(), json!(record));
            }
            fields
        }
        Refusal::OtherContent { .. }
        | Refusal::OtherRevision { .. }
        | Refusal::OtherPack { .. }
        | Refusal::TooOld { .. }
        | Refusal::Reservation { .. }
        | Refusal::Unstorable { .. }
        | Refusal::Contended { .. }
        | Refusal::Unavailable { .. }
        | Refusal::Damaged { .. } => json!({
            "error": refusal.name(),
            "line": number,
            "offset": 0,
            "id": refusal.id(),
            "field": refusal.field(),
            "message": refusal.to_string(),
            "record": record,
        }),
    }
}
