//! Forecasts of acceptance held against what became of them, on a part of a log that nothing was learned from.

use super::{ONE, quotient};
use crate::engine::Session;
use crate::record::RecordError;
use perq_compiler::ir::{Answered, Program};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Parts of the range of likelihoods that are told apart.
pub const BINS: usize = 20;

/// How a log is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdout {
    /// Of showings that have ended, in the order of the log, so many millionths at its end are held out.
    pub part: i64,
}

/// What forecasts come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Sessions of the log.
    pub sessions: u64,
    /// Records that were refused.
    pub refused: u64,
    /// Reactions that end a showing which no session of the log offered, or a second time.
    pub unmatched: u64,
    /// Showings that ended before the part that is held out, and how many of them were accepted.
    pub before: Count,
    /// Those of the part that is held out.
    pub held: Score,
    /// Those by offer, in order of declaration.
    pub offers: Vec<(String, Score)>,
    /// Those by likelihood, from low to high: twentieths.
    pub bins: Vec<Score>,
}

/// Showings that have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many.
    pub ended: u64,
    /// How many of them were accepted.
    pub accepted: u64,
}

/// Forecasts beside what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// What became of them.
    pub count: Count,
    /// The sum of the forecasts, in millionths.
    pub expected: i128,
    /// The sum of the squares of forecast less outcome, in millionths of millionths.
    pub squares: i128,
}

impl Score {
    fn add(&mut self, forecast: i64, accepted: bool) {
        let beside = i128::from(forecast) - if accepted { i128::from(ONE) } else { 0 };
        self.count.ended += 1;
        self.count.accepted += u64::from(accepted);
        self.expected += i128::from(forecast);
        self.squares += beside * beside;
    }

    /// The mean of the forecasts, in four decimals.
    pub fn forecast(&self) -> Option<String> {
        quotient(self.expected, i128::from(self.count.ended) * i128::from(ONE), 4)
    }

    /// How many acceptances the forecasts come to, in one decimal.
    pub fn expected(&self) -> String {
        quotient(self.expected, i128::from(ONE), 1).unwrap_or_default()
    }

    /// The part that was accepted, in four decimals.
    pub fn accepted(&self) -> Option<String> {
        quotient(i128::from(self.count.accepted), i128::from(self.count.ended), 4)
    }

    /// The Brier score, the mean square of forecast less outcome, in six decimals.
    pub fn brier(&self) -> Option<String> {
        let one = i128::from(ONE);
        quotient(self.squares, i128::from(self.count.ended) * one * one, 6)
    }
}

impl Report {
    /// The squares that forecasting the base rate would come to, as a numerator and a denominator: the part of showings
    /// that was accepted before the part that is held out, each time.
    fn base(&self) -> Option<(i128, i128)> {
        let (of, yes) = (i128::from(self.before.ended), i128::from(self.before.accepted));
        let (held, taken) = (i128::from(self.held.count.ended), i128::from(self.held.count.accepted));
        let no = of - yes;
        (of > 0).then(|| (taken * no * no + (held - taken) * yes * yes, of * of))
    }

    /// The Brier score of forecasting the base rate each time.
    pub fn base_brier(&self) -> Option<String> {
        let (num, den) = self.base()?;
        quotient(num, den.checked_mul(i128::from(self.held.count.ended))?, 6)
    }

    /// By how much the forecasts are better than the base rate: 1 less the quotient of their Brier scores, in four
    /// decimals; below zero where they are worse.
    pub fn skill(&self) -> Option<String> {
        let (num, den) = self.base()?;
        let one = i128::from(ONE);
        let base = num.checked_mul(one)?.checked_mul(one)?;
        let own = self.held.squares.checked_mul(den)?;
        quotient(base.checked_sub(own)?, base, 4)
    }

    /// How far forecasts and outcomes lie apart in the mean: the sum over the bins of what was expected less what came, over
    /// all; in four decimals.
    pub fn error(&self) -> Option<String> {
        let one = i128::from(ONE);
        let apart = |bin: &Score| (bin.expected - i128::from(bin.count.accepted) * one).abs();
        let sum: i128 = self.bins.iter().map(apart).sum();
        quotient(sum, i128::from(self.held.count.ended) * one, 4)
    }
}

/// What of a record is needed before it is decided.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    kind: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default)]
    session: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default)]
    offer: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default)]
    answer: Option<std::borrow::Cow<'a, str>>,
}

/// A showing that a record of the log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    session: String,
    /// Of the program's offers.
    offer: usize,
    accepted: bool,
}

/// The offer that reactions call so.
fn offer_named(program: &Program, name: &str) -> Option<usize> {
    program.offers.list.iter().position(|offer| {
        let key = program.references.get(offer.key.index());
        offer.learn.is_some() && key.is_some_and(|key| key.names.iter().any(|own| own == name))
    })
}

fn end_of(program: &Program, line: &[u8]) -> Option<End> {
    let head: Head<'_> = serde_json::from_slice(line).ok()?;
    if head.kind.as_deref() != Some(perq_compiler::ir::offers::REACTION) {
        return None;
    }
    let answers = program.enums.get(program.offers.reaction?.answers.index())?;
    let answer = answers.values.iter().position(|value| Some(value.as_str()) == head.answer.as_deref())?;
    let accepted = match program.offers.answer(i64::try_from(answer).ok()?)? {
        Answered::Shown => return None,
        Answered::Accepted => true,
        Answered::Declined => false,
    };
    let offer = offer_named(program, head.offer.as_deref()?)?;
    Some(End { session: head.session?.into_owned(), offer, accepted })
}

/// Plays a log, one JSON object a line, and holds each forecast of the part that is held out against its end. Reactions
/// of that part are outcomes alone: nothing is learned from them, and nothing else hears them.
pub fn calibrate(
    mut session: Session,
    lines: &[Vec<u8>],
    holdout: Holdout,
    mut refused: impl FnMut(usize, &RecordError),
) -> Report {
    let engine = session.engine().clone();
    let program = engine.program();
    let ends: Vec<Option<End>> = lines.iter().map(|line| end_of(program, line)).collect();
    let all = i128::try_from(ends.iter().flatten().count()).unwrap_or(i128::MAX);
    let learned = all - all * i128::from(holdout.part.clamp(0, ONE)) / i128::from(ONE);
    let mut report = Report { bins: vec![Score::default(); BINS], ..Report::default() };
    let names = program.offers.list.iter().map(|offer| (offer.name.clone(), Score::default()));
    let mut by_offer: Vec<(String, Score)> = names.collect();
    // By session and offer: what was forecast, until its end is known.
    let mut forecasts: FxHashMap<(String, usize), i64> = FxHashMap::default();
    let mut seen: i128 = 0;
    for ((line, end), number) in lines.iter().zip(&ends).zip(1usize..) {
        let is_held = seen >= learned;
        if let Some(end) = end {
            seen += 1;
            match forecasts.remove(&(end.session.clone(), end.offer)) {
                None => report.unmatched += 1,
                Some(_) if !is_held => {
                    report.before.ended += 1;
                    report.before.accepted += u64::from(end.accepted);
                }
                Some(forecast) => {
                    report.held.add(forecast, end.accepted);
                    let bin = usize::try_from(forecast.max(0) * BINS as i64 / ONE).unwrap_or(0);
                    if let Some(bin) = report.bins.get_mut(bin.min(BINS - 1)) {
                        bin.add(forecast, end.accepted);
                    }
                    if let Some((_, score)) = by_offer.get_mut(end.offer) {
                        score.add(forecast, end.accepted);
                    }
                }
            }
            if is_held {
                continue;
            }
        }
        if let Err(error) = session.read(line) {
            report.refused += 1;
            refused(number, &error);
            continue;
        }
        let (event, decision) = session.evaluate();
        let kind = program.events.get(event.record.kind.index());
        let is_session = kind.is_some_and(|kind| kind.name == perq_compiler::ir::offers::SESSION);
        let Some(offered) = decision.offered.as_ref().filter(|_| is_session) else { continue };
        let id = event.id().to_owned();
        report.sessions += 1;
        let shown = offered.shown.iter().map(|shown| (shown.offer, shown.propensity));
        let hidden = offered.hidden.iter().map(|hidden| (hidden.offer, hidden.propensity));
        for (offer, propensity) in shown.chain(hidden) {
            if let (Ok(offer), Some(propensity)) = (usize::try_from(offer), propensity) {
                forecasts.insert((id.clone(), offer), propensity);
            }
        }
    }
    report.offers = by_offer.into_iter().filter(|(_, score)| score.count.ended > 0).collect();
    report
}
