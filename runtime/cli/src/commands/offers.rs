//! `perq offers`: plays sessions and reactions through a programme, and answers each session with what it offers and why
//! not the rest. Refuses to know how that is decided.

mod calibrate;
mod plot;
mod regret;

#[cfg(feature = "ledger")]
use super::keep;
use crate::args;
use crate::excerpt::plain;
use crate::output::Output;
use crate::programme::{self, Loaded};
use crate::render::plural;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use perq_compiler::ir::Program;
use perq_compiler::ir::offers::{REACTION, SESSION};
use perq_grammar::ast::{Display, Expr, ExprKind, ItemKind, OfferClause, Placed};
use perq_grammar::diagnostic::FileId;
#[cfg(feature = "ledger")]
use perq_ledger::{Ledger, Refusal};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::decision::{Decision, HiddenOffer, Offers, ShownOffer};
use perq_runtime::engine::{Engine, Session};
use perq_runtime::input;
use perq_runtime::pack::Pack;
use perq_runtime::record::ReadOptions;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// The id of the session that options ask about.
const ASKED: &str = "asked";

/// The answer to a session, as a line of JSON.
#[derive(Serialize)]
struct Answer<'a> {
    session: &'a str,
    member: Option<&'a str>,
    pack: &'a str,
    tz: &'a str,
    offers: &'a Offers,
}

/// Runs it.
///
/// # Errors
/// Where the rules, a table, the sessions or the output cannot be read or written.
pub fn run(options: &args::Offers, output: &mut Output) -> Outcome {
    match &options.action {
        Some(args::OffersAction::SetPriority(options)) => return set_priority(options, output),
        Some(args::OffersAction::Calibrate(options)) => return calibrate::run(options, output),
        Some(args::OffersAction::Regret(options)) => return regret::run(options, output),
        None => {}
    }
    let program = options.program.as_deref().unwrap_or(Path::new("."));
    let Some(prepared) = Prepared::of(program, options.key.as_deref(), &options.tables, output)? else {
        return Ok(Exit::Findings);
    };
    let engine = prepared.engine(options.engine)?;
    for name in engine.unknown_names() {
        output.note(&format!("warning: {}", plain(&name.to_string())));
    }
    let mut play = Play {
        desk: Desk::of(options, &engine, output)?,
        known: Known::of(engine.program()),
        answers: options.output.as_deref().map(create).transpose()?,
        decisions: options.decisions.as_deref().map(create).transpose()?,
        told: Vec::new(),
        sessions: 0,
        reactions: 0,
        refused: 0,
    };
    for path in &options.sessions {
        let stream: Box<dyn Read + Send> =
            if path == Path::new("-") { output.input_stream() } else { Box::new(tables::open(path)?) };
        let stream = input::open(stream).map_err(|error| Failure::file(path, &error))?;
        play.stream(path, stream, output)?;
    }
    if let Some(at) = &options.at {
        let mut session = json!({ "id": ASKED, "kind": SESSION, "at": at });
        for (field, value) in [("member", &options.member), ("channel", &options.channel)] {
            if let (Some(value), Some(session)) = (value, session.as_object_mut()) {
                session.insert(field.to_owned(), json!(value));
            }
        }
        play.desk.only_asks();
        play.stream(Path::new("--at"), session.to_string().as_bytes(), output)?;
    }
    for file in [&mut play.answers, &mut play.decisions].into_iter().flatten() {
        file.flush()?;
    }
    if play.refused > SHOWN {
        output.note(&format!("and {} more", plural(play.refused - SHOWN, "refused record")));
    }
    let refused = if play.refused > 0 {
        format!(", {}", plural(play.refused, "refused record"))
    } else {
        String::new()
    };
    output.note(&format!("{} answered{refused}", plural(play.sessions, "session")));
    output.object(
        "offers",
        json!({
            "engine": if engine.is_native() { "native" } else { "interpreter" },
            "sessions": play.sessions,
            "refused": play.refused,
            "answers": play.told,
        }),
    );
    Ok(Exit::Clean)
}

/// A programme with offers, and what an engine of it needs.
struct Prepared {
    pack: Pack,
    catalogue: Catalogue,
    parameters: Vec<(String, String)>,
}

impl Prepared {
    /// Nothing where the rules have errors, which are told.
    fn of(
        program: &Path,
        key: Option<&str>,
        tables: &args::Tables,
        output: &mut Output,
    ) -> Result<Option<Prepared>, Failure> {
        let Some(loaded) = programme::load("offers", program, key, output)? else { return Ok(None) };
        let Loaded { pack, config, .. } = loaded;
        if pack.program().offers.list.is_empty() {
            return Err(Failure::new("the programme declares no `offer`"));
        }
        let catalogue = tables::catalogue(&tables::given(tables, &config.catalogue))?;
        Ok(Some(Prepared { pack, catalogue, parameters: config.parameters() }))
    }

    fn engine(&self, engine: Option<args::EngineName>) -> Result<Engine, Failure> {
        self.engine_of(self.pack.clone(), engine)
    }

    /// An engine of another pack, with the same tables and parameters.
    fn engine_of(&self, pack: Pack, engine: Option<args::EngineName>) -> Result<Engine, Failure> {
        tables::engine(pack, &self.catalogue, engine, ReadOptions::default(), &self.parameters)
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
    Ok(BufWriter::with_capacity(1 << 16, file))
}

/// What decides, and what it keeps.
enum Desk {
    /// In memory, from nothing.
    Memory(Box<Session>),
    /// In a ledger, on what is there.
    #[cfg(feature = "ledger")]
    Kept {
        ledger: Box<Ledger>,
        place: String,
        source: String,
        /// Nothing more is kept.
        asks: bool,
    },
}

/// A decision, and its text where it has one already.
struct Taken {
    decision: Decision,
    text: Option<String>,
}

impl Desk {
    #[cfg(feature = "ledger")]
    fn of(options: &args::Offers, engine: &Engine, output: &mut Output) -> Result<Desk, Failure> {
        let Some(place) = &options.ledger else { return Ok(Desk::Memory(Box::new(engine.session()))) };
        // A question alone makes no ledger.
        let create = !options.sessions.is_empty();
        let ledger = Box::new(keep::opened(place, create, engine, &options.source, output)?);
        Ok(Desk::Kept { ledger, place: keep::shown(place), source: options.source.clone(), asks: false })
    }

    #[cfg(not(feature = "ledger"))]
    fn of(_: &args::Offers, engine: &Engine, _: &mut Output) -> Result<Desk, Failure> {
        Ok(Desk::Memory(Box::new(engine.session())))
    }

    /// From now on a ledger is asked, and keeps nothing.
    fn only_asks(&mut self) {
        match self {
            Desk::Memory(_) => {}
            #[cfg(feature = "ledger")]
            Desk::Kept { asks, .. } => *asks = true,
        }
    }

    /// The decision, or why there is none.
    fn decide(&mut self, line: &[u8]) -> Result<Result<Taken, String>, Failure> {
        match self {
            Desk::Memory(session) => Ok(match session.decide_json(line) {
                Ok(decision) => Ok(Taken { decision: decision.clone(), text: None }),
                Err(error) => Err(error.without_line()),
            }),
            #[cfg(feature = "ledger")]
            Desk::Kept { ledger, place, asks, .. } => {
                let answered = if *asks { ledger.quote(line) } else { ledger.decide(line) };
                let text = match answered {
                    Ok(answer) => answer.decision,
                    Err(Refusal::Record(error)) => return Ok(Err(error.without_line())),
                    Err(refusal @ (Refusal::Unavailable { .. } | Refusal::Damaged { .. })) => {
                        return Err(Failure::new(format!("{place}: {refusal}")));
                    }
                    Err(refusal) => return Ok(Err(refusal.to_string())),
                };
                let decision = serde_json::from_str(&text).map_err(|error| {
                    Failure::new(format!("{place}: a decision there cannot be read: {error}"))
                })?;
                Ok(Ok(Taken { decision, text: Some(text) }))
            }
        }
    }

    /// Whether a session was answered before all that is played here.
    fn has_answered(&self, session: &str) -> Result<bool, Failure> {
        #[cfg(not(feature = "ledger"))]
        let _ = session;
        match self {
            Desk::Memory(_) => Ok(false),
            #[cfg(feature = "ledger")]
            Desk::Kept { ledger, place, source, .. } => {
                ledger.has(source, session).map_err(|error| Failure::new(format!("{place}: {error}")))
            }
        }
    }
}

/// Sessions as they are played.
struct Play {
    desk: Desk,
    known: Known,
    answers: Option<BufWriter<File>>,
    decisions: Option<BufWriter<File>>,
    /// Answers for the one object that machines are given.
    told: Vec<serde_json::Value>,
    sessions: usize,
    /// Records that are taken and that no answer comes of.
    reactions: usize,
    refused: usize,
}

/// Refused records that are told one by one.
const SHOWN: usize = 20;

/// Bytes of a line that are kept: one more than any record may have.
const LONGEST: u64 = (1 << 20) + 1;

impl Play {
    fn stream(&mut self, path: &Path, stream: impl Read, output: &mut Output) -> Result<(), Failure> {
        let mut stream = BufReader::with_capacity(1 << 18, stream);
        let failed = |error: std::io::Error| Failure::file(path, &error);
        let shown = plain(&path.display().to_string());
        let before = (self.sessions, self.reactions, self.refused);
        let mut line = Vec::new();
        let mut number = 0_u64;
        loop {
            line.clear();
            let length = (&mut stream).take(LONGEST).read_until(b'\n', &mut line).map_err(failed)?;
            if length == 0 {
                break;
            }
            if line.last() != Some(&b'\n') {
                stream.skip_until(b'\n').map_err(failed)?;
            }
            number += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let taken = match self.known.asks(&line, &self.desk)? {
                None => self.desk.decide(&line)?,
                Some(why) => Err(why),
            };
            match taken {
                Ok(taken) => {
                    if let Some(warning) = self.known.unheard(&line) {
                        output.note(&format!("warning: {shown}:{number}: {}", plain(&warning)));
                    }
                    self.decided(&taken, output)?;
                }
                Err(why) => {
                    self.refused += 1;
                    if self.refused <= SHOWN {
                        output.note(&format!("refused {shown}:{number}: {}", plain(&why)));
                    }
                }
            }
        }
        if (self.sessions, self.reactions, self.refused) == before {
            output.note(&format!("warning: {shown} holds no session and no reaction"));
        }
        Ok(())
    }

    fn decided(&mut self, taken: &Taken, output: &mut Output) -> Result<(), Failure> {
        let Taken { decision, text } = taken;
        match (&mut self.decisions, text) {
            (Some(file), Some(text)) => writeln!(file, "{text}")?,
            (Some(file), None) => write_line(file, decision)?,
            (None, _) => {}
        }
        let Some(offers) = &decision.offers else {
            self.reactions += 1;
            return Ok(());
        };
        self.sessions += 1;
        self.known.sessions.insert(decision.id.clone());
        let Decision { id, member, pack, tz, .. } = decision;
        let answer = Answer { session: id, member: member.as_deref(), pack, tz, offers };
        match &mut self.answers {
            Some(file) => write_line(file, &answer)?,
            // Structures of texts always have a JSON form.
            None if output.is_json() => self.told.extend(serde_json::to_value(&answer)),
            None => output.raw().write_all(people(&answer).as_bytes())?,
        }
        Ok(())
    }
}

/// What reactions can be to: the programme's offers, by all names that they had, and the sessions that were answered.
struct Known {
    /// How records spell a reaction's kind.
    kinds: Vec<String>,
    offers: BTreeSet<String>,
    sessions: HashSet<String>,
    /// Channels that arbitrations hear; nothing where one hears all.
    channels: Option<BTreeSet<String>>,
    /// Channels of sessions that nothing names, each told once.
    told: HashSet<String>,
}

/// What a record says of a reaction.
#[derive(Deserialize)]
struct Reacted {
    #[serde(default)]
    kind: Value,
    #[serde(default)]
    offer: Value,
    #[serde(default)]
    session: Value,
    #[serde(default)]
    channel: Value,
}

impl Known {
    fn of(program: &Program) -> Known {
        let kinds = program.events.iter().find(|event| event.name == REACTION);
        let keys = program.offers.list.iter().filter_map(|offer| program.references.get(offer.key.index()));
        Known {
            kinds: kinds.map(|event| event.spellings.clone()).unwrap_or_default(),
            offers: keys.flat_map(|key| key.names.iter().cloned()).collect(),
            sessions: HashSet::new(),
            channels: channels(program),
            told: HashSet::new(),
        }
    }

    /// A session's channel in which nothing can be offered, where it was not told before.
    fn unheard(&mut self, line: &[u8]) -> Option<String> {
        let told = serde_json::from_slice::<Reacted>(line).ok()?;
        let channel = told.channel.as_str()?;
        let known = self.channels.as_ref()?;
        if known.contains(channel) || !self.told.insert(channel.to_owned()) {
            return None;
        }
        let near = perq_runtime::nearest::nearest(channel, known.iter().map(String::as_str));
        let near = near.map(|near| format!("; `{near}` is near")).unwrap_or_default();
        Some(format!("no arbitration hears the channel `{channel}`{near}"))
    }

    /// Why a reaction is refused that is to what was never offered. What cannot be read is for the reader to refuse.
    fn asks(&self, line: &[u8], desk: &Desk) -> Result<Option<String>, Failure> {
        let Ok(told) = serde_json::from_slice::<Reacted>(line) else { return Ok(None) };
        if !told.kind.as_str().is_some_and(|kind| self.kinds.iter().any(|own| own == kind)) {
            return Ok(None);
        }
        if let Some(offer) = told.offer.as_str().filter(|offer| !self.offers.contains(*offer)) {
            let near = perq_runtime::nearest::nearest(offer, self.offers.iter().map(String::as_str));
            let near = near.map(|near| format!("; `{near}` is near")).unwrap_or_default();
            return Ok(Some(format!("the programme has no offer `{offer}`{near}")));
        }
        match told.session.as_str() {
            Some(session) if !self.sessions.contains(session) && !desk.has_answered(session)? => {
                Ok(Some(format!(
                    "no session `{session}` was answered before this reaction; sessions stand before the reactions to them"
                )))
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// The channels that arbitrations hear; nothing where one hears all.
fn channels(program: &Program) -> Option<BTreeSet<String>> {
    let heard = program.offers.arbitrations.iter().map(|arbitration| arbitration.channels);
    let names = |channels: perq_compiler::ir::ReferenceId| {
        program.references.get(channels.index()).map(|reference| reference.names.clone())
    };
    let lists = heard.map(|channels| channels.and_then(names)).collect::<Option<Vec<_>>>()?;
    Some(lists.into_iter().flatten().collect())
}

fn write_line(out: &mut (impl Write + ?Sized), value: &impl Serialize) -> Result<(), Failure> {
    // Structures of texts always have a JSON form.
    let mut line = serde_json::to_vec(value).map_err(std::io::Error::from)?;
    line.push(b'\n');
    Ok(out.write_all(&line)?)
}

/// Writes another level into the text of all offers of a goal that are shown by priority; nothing else of it changes.
fn set_priority(options: &args::SetPriority, output: &mut Output) -> Outcome {
    let programme = programme::find_one(&options.path)?;
    let typed = programme.compile()?;
    if typed.program.is_none() {
        let shown = programme.shown();
        return Err(Failure::new(format!("the rules have errors; `perq check {shown}` shows them")));
    }
    let offers = &typed.typed.offers;
    if !offers.priorities.contains(&options.to) {
        let levels = offers.priorities.join(", ");
        return Err(Failure::new(format!(
            "there is no priority `{}`; the levels are {levels}",
            plain(&options.to)
        )));
    }
    if !offers.list.iter().any(|offer| offer.goals.contains(&options.goal)) {
        return Err(Failure::new(format!("no offer is for `{}`", plain(&options.goal))));
    }
    let mut changed: Vec<String> = Vec::new();
    let mut left: Vec<String> = Vec::new();
    for path in &programme.files {
        let read = programme::read(path, FileId(0)).map_err(|error| Failure::file(path, &error))?;
        // What compiled can be read.
        let Ok(text) = read else { continue };
        let mut edits = Vec::new();
        for item in &perq_grammar::parse(FileId(0), &text).tree.items {
            let ItemKind::Offer(header, clauses) = &item.kind else { continue };
            if !is_for(clauses, &options.goal) {
                continue;
            }
            let level = clauses.iter().find_map(|clause| {
                let OfferClause::Display(Display::ByPriority(level)) = &clause.kind else { return None };
                Some(level)
            });
            match level {
                None => left.push(header.name.text.clone()),
                Some(level) if level.text == options.to => {}
                Some(level) => {
                    edits.push(level.span);
                    changed.push(header.name.text.clone());
                }
            }
        }
        if edits.is_empty() || options.check {
            continue;
        }
        let mut text = text;
        // From the end, so that places before it stay.
        for span in edits.into_iter().rev() {
            text.replace_range(span.start as usize..span.end as usize, &options.to);
        }
        super::fmt::replace(path, &text)?;
    }
    let verb = if options.check { "would be given" } else { "given" };
    for name in &changed {
        output.say(&format!("{} {verb} priority {}", plain(name), plain(&options.to)))?;
    }
    for name in &left {
        output.say(&format!("{} is not shown by priority, and left as it is", plain(name)))?;
    }
    if changed.is_empty() {
        output.say(&format!(
            "every offer for {} has priority {} already",
            plain(&options.goal),
            plain(&options.to)
        ))?;
    }
    output.object("offers", json!({ "changed": changed, "left": left, "written": !options.check }));
    Ok(Exit::findings(options.check && !changed.is_empty()))
}

/// Whether an offer is for a goal.
fn is_for(clauses: &[Placed<OfferClause>], goal: &str) -> bool {
    clauses.iter().any(|clause| {
        let OfferClause::Goals(goals) = &clause.kind else { return false };
        let is_it = |own: &Expr| matches!(&own.kind, ExprKind::Path(path) if path.dotted() == goal);
        goals.iter().any(is_it)
    })
}

/// The answer in words.
fn people(answer: &Answer<'_>) -> String {
    let mut out = format!("session {}", plain(answer.session));
    if let Some(member) = answer.member {
        out.push_str(&format!(", member {}", plain(member)));
    }
    if answer.offers.exploring {
        out.push_str(", exploring");
    }
    out.push('\n');
    for (position, shown) in answer.offers.shown.iter().enumerate() {
        out.push_str(&format!("  {}. {}\n", position + 1, line_of(shown)));
        for (whom, words) in &shown.say {
            out.push_str(&format!("     {}: {}\n", plain(whom), plain(words)));
        }
    }
    if answer.offers.shown.is_empty() {
        out.push_str("  nothing\n");
    }
    for hidden in &answer.offers.hidden {
        out.push_str(&format!("  not {}\n", reason_of(hidden)));
    }
    out
}

fn line_of(shown: &ShownOffer) -> String {
    let mut out = plain(&shown.offer);
    if let Some(title) = &shown.title {
        out.push_str(&format!(" \"{}\"", plain(title)));
    }
    match &shown.priority {
        Some(priority) => out.push_str(&format!(", priority {}", plain(priority))),
        None => out.push_str(&format!(", {}", shown.display.replace('_', " "))),
    }
    if let Some(score) = &shown.score {
        out.push_str(&format!(", score {score}"));
    }
    out
}

fn reason_of(hidden: &HiddenOffer) -> String {
    let why = match hidden.why.as_str() {
        "failed" => "a condition or the score failed",
        "arbitration" => "no arbitration hears the channel",
        "class" => "it is of no class of the arbitration",
        "default" => "something else is shown",
        "goal" => "enough of its goal are shown",
        "slots" => "no slot is left",
        clause => clause,
    };
    let mut out = format!("{}: {why}", plain(&hidden.offer));
    if let Some(error) = &hidden.error {
        out.push_str(&format!(", {error}"));
    }
    if let Some(place) = &hidden.place {
        out.push_str(&format!(", {}", plain(place)));
    }
    out
}
