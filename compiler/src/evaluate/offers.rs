//! Which offers a session shows, in which order, and why not the others: conditions first, then class by class, slot by
//! slot; and whether an offer can be shown that a rule shows. It refuses to know what the offers' functions ask, and what was shown before.

use super::derive::FailedSlots;
use super::limit::allowed;
use super::{Bindings, Claim, Claimed, Decision, Record};
use crate::ir::{
    Arbitration, FaultKind, LimitOf, MISSING, Offer, OfferCondition, OrderBy, PERCENT_ONE, PlaceId, Program,
    RuleId, SlotId, Telling, offers,
};
use std::cmp::Ordering;

/// Why an offer is hidden, where no clause of its own hides it, as tests and decisions write it.
pub const HIDDEN_WORDS: &[&str] = &["failed", "arbitration", "class", "default", "goal", "slots"];

/// What a session shows, or rules at another event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Which arbitration decided, of [`crate::ir::Offers::arbitrations`]; none hears the session's channel, or the event is
    /// no session.
    pub arbitration: Option<u32>,
    /// The order was drawn.
    pub exploring: bool,
    /// What is shown, best first.
    pub shown: Vec<Shown>,
    /// What is not, in order of declaration.
    pub hidden: Vec<Hidden>,
}

/// An offer that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Of [`crate::ir::Offers::list`].
    pub offer: u32,
    /// Its score, in parts of [`offers::SCORE_ONE`].
    pub score: Option<i64>,
    /// How likely it seemed that it is accepted, in the same parts; of offers that learn.
    pub propensity: Option<i64>,
    /// The rule that shows it; none in a session.
    pub rule: Option<RuleId>,
}

/// An offer that is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Of [`crate::ir::Offers::list`].
    pub offer: u32,
    /// Why.
    pub why: HiddenWhy,
    /// How likely it seemed that it is accepted, in parts of [`offers::SCORE_ONE`]; of offers that learn.
    pub propensity: Option<i64>,
    /// The rule that would show it; none in a session.
    pub rule: Option<RuleId>,
}

/// Why an offer is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenWhy {
    /// The first of its conditions that does not hold.
    Condition(OfferCondition),
    /// A condition or its score cannot be worked out.
    Failed(FaultKind, PlaceId),
    /// No arbitration hears the session's channel.
    Arbitration,
    /// It is of no class of the arbitration.
    Class,
    /// Its class is for sessions in which nothing else is shown.
    Default,
    /// So many of one of its goals are shown already.
    Goal,
    /// No slot is left.
    Slots,
}

impl HiddenWhy {
    /// As tests and decisions write it.
    pub fn word(self) -> &'static str {
        match self {
            HiddenWhy::Condition(condition) => condition.clause.word(),
            HiddenWhy::Failed(..) => "failed",
            HiddenWhy::Arbitration => "arbitration",
            HiddenWhy::Class => "class",
            HiddenWhy::Default => "default",
            HiddenWhy::Goal => "goal",
            HiddenWhy::Slots => "slots",
        }
    }
}

/// What is left of what all members share.
pub(super) struct Left<'a> {
    pub params: &'a [i64],
    pub claimed: &'a dyn Claimed,
}

impl Left<'_> {
    /// The first of an offer's budgets that is used up, of those before a condition.
    fn used_up(&self, offer: &Offer, before: usize) -> Option<usize> {
        let asked = offer.budgets.iter().map(|budget| (budget.condition as usize, &budget.limit));
        let mut asked = asked.take_while(|(condition, _)| *condition < before);
        let used = asked.find(|(_, limit)| allowed(limit, self.params, self.claimed) < 1);
        used.map(|(condition, _)| condition)
    }
}

/// Takes what is shown from how often it may be; what reactions award is taken as their rules' limits are.
pub(super) fn claim(program: &Program, decision: &mut Decision) {
    let shown = decision.offered.iter().flat_map(|offered| &offered.shown);
    for offer in shown.filter_map(|shown| program.offers.list.get(shown.offer as usize)) {
        let times = offer.budgets.iter().filter(|budget| budget.limit.of == LimitOf::Times);
        let counters = times.filter_map(|budget| budget.limit.counter);
        decision.claims.extend(counters.map(|counter| Claim { counter, amount: 1 }));
    }
}

/// Chooses, once the derivations of the event are worked out; nothing where it is no session, or there are no offers.
pub(super) fn arbitrate(
    program: &Program,
    bindings: &Bindings,
    record: &Record,
    failed: &FailedSlots,
    left: &Left<'_>,
) -> Option<Offered> {
    let kind = program.events.get(record.kind.index())?;
    if program.offers.list.is_empty() || kind.name != offers::SESSION {
        return None;
    }
    let slot = |slot: SlotId| record.event.get(slot.index()).copied().unwrap_or(MISSING);
    let channel = program.offers.channel.map_or(MISSING, slot);
    let hears = |arbitration: &&Arbitration| {
        arbitration.channels.is_none_or(|channels| {
            bindings.references.get(channels.index()).is_some_and(|names| names.contains(channel))
        })
    };
    let position = program.offers.arbitrations.iter().position(|arbitration| hears(&arbitration));
    let mut offered = Offered {
        arbitration: position.and_then(|position| u32::try_from(position).ok()),
        exploring: false,
        shown: Vec::new(),
        hidden: Vec::new(),
    };
    // What each is hidden by; nothing where it can be shown.
    let mut why: Vec<Option<HiddenWhy>> =
        program.offers.list.iter().map(|offer| held_back(offer, failed, &slot, left, true)).collect();
    match position.and_then(|position| program.offers.arbitrations.get(position)) {
        None => {
            for why in &mut why {
                why.get_or_insert(HiddenWhy::Arbitration);
            }
        }
        Some(arbitration) => {
            let drawn = arbitration.explore.as_ref().map(|explore| (slot(explore.drawn), explore.part));
            let drawn = drawn.filter(|(drawn, part)| *drawn >= 0 && drawn.rem_euclid(PERCENT_ONE) < *part);
            offered.exploring = drawn.is_some();
            let seed = drawn.map(|(drawn, _)| drawn);
            let place = Placing { program, arbitration, seed, score: &|offer: &Offer| offer.score.map(slot) };
            place.fill(&mut why, &mut offered.shown);
        }
    }
    let propensity = |offer: u32| {
        let learn = program.offers.list.get(offer as usize)?.learn?;
        Some(slot(learn.estimate)).filter(|estimate| *estimate != MISSING)
    };
    for shown in &mut offered.shown {
        shown.propensity = propensity(shown.offer);
    }
    let hidden = why.into_iter().zip(0u32..).filter_map(|(why, offer)| {
        let propensity = propensity(offer);
        why.map(|why| Hidden { offer, why, propensity, rule: None })
    });
    offered.hidden = hidden.collect();
    Some(offered)
}

/// What a reaction tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Of which offer, of [`crate::ir::Offers::list`].
    pub offer: u32,
    /// How it was taken, by position in the enumeration of the answers.
    pub answer: i64,
    /// The number of the member's kind, where the offer tells kinds apart.
    pub kind: Option<i64>,
}

/// How an offer was taken, where the event is a reaction and an offer says something to reactions or learns from them.
pub fn answered(program: &Program, bindings: &Bindings, record: &Record) -> Option<Reaction> {
    let slots = program.offers.reaction?;
    let kind = program.events.get(record.kind.index())?;
    if kind.name != offers::REACTION {
        return None;
    }
    let slot = |slot: SlotId| record.event.get(slot.index()).copied().unwrap_or(MISSING);
    let named = slot(slots.offer);
    let is_of =
        |of: &&Offer| bindings.references.get(of.key.index()).is_some_and(|names| names.contains(named));
    let (offer, id) = program.offers.list.iter().zip(0u32..).find(|(offer, _)| is_of(offer))?;
    let kind = offer.learn.map(|learn| slot(learn.kind)).filter(|kind| *kind != MISSING);
    Some(Reaction { offer: id, answer: slot(slots.answer), kind })
}

/// What keeps back each offer that a rule may show, whatever the rule says; of an event that is no session. Empty where
/// rules show none.
pub(super) fn kept_back(
    program: &Program,
    record: &Record,
    failed: &FailedSlots,
    left: &Left<'_>,
) -> Vec<Option<HiddenWhy>> {
    let shows = program.tellings.iter().any(|telling| match telling {
        Telling::Offer(_) => true,
        Telling::Words(_) => false,
    });
    if !shows {
        return Vec::new();
    }
    let slot = |slot: SlotId| record.event.get(slot.index()).copied().unwrap_or(MISSING);
    program.offers.list.iter().map(|offer| held_back(offer, failed, &slot, left, false)).collect()
}

/// What keeps an offer back whatever the others do; its score is asked where offers compete.
fn held_back(
    offer: &Offer,
    failed: &FailedSlots,
    slot: &dyn Fn(SlotId) -> i64,
    left: &Left<'_>,
    competes: bool,
) -> Option<HiddenWhy> {
    let of = |at: SlotId| failed.of(at).map(|(_, kind, place)| HiddenWhy::Failed(kind, place));
    let overflow = HiddenWhy::Failed(FaultKind::OutOfRange, offer.place);
    let held = slot(offer.held);
    if held == MISSING {
        return of(offer.held).or(Some(overflow));
    }
    let held = usize::try_from(held).unwrap_or(usize::MAX);
    let held = left.used_up(offer, held).unwrap_or(held);
    if let Some(condition) = offer.conditions.get(held) {
        return Some(HiddenWhy::Condition(*condition));
    }
    let score = offer.score.filter(|_| competes)?;
    if slot(score) == MISSING { of(score).or(Some(overflow)) } else { None }
}

/// Offers take slots.
struct Placing<'p> {
    program: &'p Program,
    arbitration: &'p Arbitration,
    /// The order is drawn from it.
    seed: Option<i64>,
    score: &'p dyn Fn(&Offer) -> Option<i64>,
}

impl Placing<'_> {
    fn fill(&self, why: &mut [Option<HiddenWhy>], shown: &mut Vec<Shown>) {
        let slots = usize::try_from(self.arbitration.slots).unwrap_or(usize::MAX);
        let mut of_class = vec![false; why.len()];
        let mut goals: Vec<&str> = Vec::new();
        for class in &self.arbitration.classes {
            let none_before = shown.is_empty();
            let mut ranked: Vec<(u32, &Offer)> = Vec::new();
            for id in &class.offers {
                if let Some(seen) = of_class.get_mut(*id as usize) {
                    *seen = true;
                }
                let free = why.get(*id as usize).is_some_and(Option::is_none);
                ranked.extend(self.offer(*id).filter(|_| free).map(|offer| (*id, offer)));
            }
            ranked.sort_by(|(_, left), (_, right)| self.compare(left, right));
            for (id, offer) in ranked {
                let hidden = if class.only_when_none && !none_before {
                    Some(HiddenWhy::Default)
                } else if shown.len() >= slots {
                    Some(HiddenWhy::Slots)
                } else if self.is_enough(offer, &goals) {
                    Some(HiddenWhy::Goal)
                } else {
                    None
                };
                match hidden {
                    Some(hidden) => {
                        if let Some(why) = why.get_mut(id as usize) {
                            *why = Some(hidden);
                        }
                    }
                    None => {
                        goals.extend(offer.goals.iter().map(String::as_str));
                        let score = (self.score)(offer);
                        shown.push(Shown { offer: id, score, propensity: None, rule: None });
                    }
                }
            }
        }
        for (why, seen) in why.iter_mut().zip(of_class) {
            if !seen {
                why.get_or_insert(HiddenWhy::Class);
            }
        }
    }

    fn offer(&self, id: u32) -> Option<&Offer> {
        self.program.offers.list.get(id as usize)
    }

    /// Whether as many offers of one of its goals are shown as may be.
    fn is_enough(&self, offer: &Offer, goals: &[&str]) -> bool {
        let most = self.arbitration.per_goal.and_then(|most| usize::try_from(most).ok());
        most.is_some_and(|most| {
            offer.goals.iter().any(|goal| goals.iter().filter(|shown| **shown == goal).count() >= most)
        })
    }

    /// Which comes first; names decide ties.
    fn compare(&self, left: &Offer, right: &Offer) -> Ordering {
        if let Some(seed) = self.seed {
            let (left_draw, right_draw) = (draw(seed, &left.name), draw(seed, &right.name));
            return left_draw.cmp(&right_draw).then_with(|| left.name.cmp(&right.name));
        }
        for key in &self.arbitration.order {
            let order = match key.by {
                OrderBy::Priority => left.display.priority().cmp(&right.display.priority()),
                OrderBy::Score => (self.score)(left).cmp(&(self.score)(right)),
            };
            let order = if key.descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        left.name.cmp(&right.name)
    }
}

/// A number for each name, the same for the same seed: FNV-1a over the seed and the name, then mixed.
fn draw(seed: i64, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.to_le_bytes().into_iter().chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
