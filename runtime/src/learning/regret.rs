//! What learning and exploring are worth where it is known how likely each offer is accepted: a population is played through
//! a programme, and what it misses is held against the best fixed ranking. It draws by numbers that a seed alone decides.

use super::ONE;
use crate::clock::instant_text;
use crate::decimal;
use crate::engine::Session;
use crate::pack::Pack;
use crate::record::RecordError;
use perq_compiler::evaluate::HiddenWhy;
use perq_compiler::ir::{Program, verify};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// Points at which what was missed so far is noted.
pub const POINTS: usize = 40;

/// Members of one sort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Of so many sessions, in proportion to the others.
    share: u64,
    channel: String,
    /// Their fields.
    member: Map<String, Value>,
    /// How many they are; each session is of another member where it is not said.
    members: Option<u64>,
    /// By offer of the program: how likely it is accepted, in millionths; never, where it is not said.
    accepts: BTreeMap<usize, i64>,
}

/// Why a population cannot be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PopulationError {
    /// A line is none.
    Line(usize, String),
    /// There is nobody.
    Empty,
}

impl fmt::Display for PopulationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PopulationError::Line(number, why) => write!(f, "line {number}: {why}"),
            PopulationError::Empty => f.write_str("there is nobody in it"),
        }
    }
}

impl std::error::Error for PopulationError {}

/// A line of a population.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    share: u64,
    channel: String,
    #[serde(default)]
    member: Map<String, Value>,
    #[serde(default)]
    members: Option<u64>,
    accepts: BTreeMap<String, String>,
}

/// Reads a population, one JSON object a line.
///
/// # Errors
/// Where a line is no group of members, names an offer that the programme does not have, or a likelihood that is none.
pub fn population(program: &Program, text: &str) -> Result<Vec<Group>, PopulationError> {
    let mut groups = Vec::new();
    for (line, number) in text.lines().zip(1usize..).filter(|(line, _)| !line.trim().is_empty()) {
        let wrong = |why: String| PopulationError::Line(number, why);
        let written: Written = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let mut accepts = BTreeMap::new();
        for (name, likelihood) in &written.accepts {
            let offer = program.offers.list.iter().position(|offer| offer.name == *name);
            let offer = offer.ok_or_else(|| wrong(format!("the programme has no offer `{name}`")))?;
            let parts = decimal::parse(likelihood, 6).ok().filter(|parts| (0..=ONE).contains(parts));
            let why = || wrong(format!("`{likelihood}` is no likelihood, such as \"0.12\""));
            accepts.insert(offer, parts.ok_or_else(why)?);
        }
        if written.share == 0 || written.share > 1_000_000 || written.members == Some(0) {
            return Err(wrong("a share is 1 to 1000000, and there is at least one member".to_owned()));
        }
        let Written { share, channel, member, members, accepts: _ } = written;
        groups.push(Group { share, channel, member, members, accepts });
    }
    if groups.is_empty() { Err(PopulationError::Empty) } else { Ok(groups) }
}

/// The same programme, whose arbitrations draw no order; nothing where none of them does anyway.
pub fn without_exploring(pack: &Pack) -> Option<Pack> {
    let mut program: Program = Program::clone(pack.program());
    if program.offers.arbitrations.iter().all(|arbitration| arbitration.explore.is_none()) {
        return None;
    }
    for arbitration in &mut program.offers.arbitrations {
        arbitration.explore = None;
    }
    verify(program).ok().map(Pack::of)
}

/// What a run came to. Amounts are acceptances in millionths, expected ones: what would be accepted in the mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What the best fixed ranking of each group would have been accepted.
    pub best: i128,
    /// What the offers that were shown were.
    pub got: i128,
    /// What was missed so far, after each of [`POINTS`] equal parts of the sessions.
    pub missed: Vec<i128>,
}

impl Run {
    /// What was missed in a quarter of the run, from 0.
    pub fn quarter(&self, quarter: usize) -> i128 {
        let at = |part: usize| part.checked_sub(1).and_then(|at| self.missed.get(at)).copied().unwrap_or(0);
        let parts = POINTS / 4;
        at((quarter + 1) * parts) - at(quarter * parts)
    }
}

/// Numbers that look random and are the same for a seed.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

/// When sessions take place: the first instant in seconds from 1970, and seconds between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The first.
    pub start: i64,
    /// Between two.
    pub gap: i64,
}

/// Plays so many sessions of a population. Who gets in touch, and what each would accept, depends on the seed and not on
/// the programme, so that two programmes meet the same members in the same moods. Each event is told to `log` as it is
/// written.
///
/// # Errors
/// Where a session is refused.
pub fn play(
    mut session: Session,
    population: &[Group],
    sessions: u64,
    seed: u64,
    times: Times,
    log: &mut dyn FnMut(&str),
) -> Result<Run, Box<RecordError>> {
    let engine = session.engine().clone();
    let offers = &engine.program().offers.list;
    let mut draws = Draws(seed);
    let mut run = Run { seed, missed: Vec::with_capacity(POINTS), ..Run::default() };
    let all: u64 = population.iter().map(|group| group.share).sum();
    for number in 0..sessions {
        let (mut who, member, mood) = (draws.below(all), draws.below(u64::MAX), draws.below(u64::MAX));
        let mut at = 0;
        let group = population.iter().enumerate().find(|(_, group)| {
            let found = who < group.share;
            who = who.saturating_sub(group.share);
            found
        });
        let Some((index, group)) = group else { continue };
        let own = group.members.map_or(number, |members| member % members);
        let mut fields = group.member.clone();
        fields.insert("id".to_owned(), json!(format!("g{index}-{own}")));
        let second = i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(times.gap);
        let time = instant_text(times.start.saturating_add(second));
        let id = format!("{seed}-{number}");
        let asked =
            json!({ "id": id, "kind": "session", "at": time, "channel": group.channel, "member": fields });
        let asked = asked.to_string();
        log(&asked);
        session.read(asked.as_bytes())?;
        let offered = session.evaluate().1.offered.clone().unwrap_or_default();
        let likes = |offer: u32| {
            let offer = usize::try_from(offer).ok();
            offer.and_then(|offer| group.accepts.get(&offer)).copied().unwrap_or(0)
        };
        let shown: Vec<u32> = offered.shown.iter().map(|shown| shown.offer).collect();
        // Those that another ranking would have shown.
        let left = offered.hidden.iter().filter(|hidden| hidden.why == HiddenWhy::Slots);
        let mut could: Vec<i64> =
            shown.iter().copied().chain(left.map(|hidden| hidden.offer)).map(likes).collect();
        could.sort_unstable_by_key(|likes| std::cmp::Reverse(*likes));
        run.best += could.iter().take(shown.len()).map(|likes| i128::from(*likes)).sum::<i128>();
        run.got += shown.iter().map(|offer| i128::from(likes(*offer))).sum::<i128>();
        let mut moods = Draws(mood);
        let of_offers: Vec<i64> =
            offers.iter().map(|_| i64::try_from(moods.below(ONE.unsigned_abs())).unwrap_or(0)).collect();
        for offer in shown {
            let declared = usize::try_from(offer)
                .ok()
                .and_then(|offer| Some((offers.get(offer)?, of_offers.get(offer)?)));
            let Some((declared, mood)) = declared else { continue };
            let answer = if *mood < likes(offer) { "accepted" } else { "rejected" };
            at += 1;
            let told = json!({
                "id": format!("{id}-{at}"),
                "kind": "reaction",
                "at": time,
                "offer": declared.name,
                "answer": answer,
                "session": id,
                "member": fields,
            });
            let told = told.to_string();
            log(&told);
            session.read(told.as_bytes())?;
            session.evaluate();
        }
        let done = u128::from(number + 1) * POINTS as u128 / u128::from(sessions.max(1));
        while (run.missed.len() as u128) < done {
            run.missed.push(run.best - run.got);
        }
    }
    Ok(run)
}
