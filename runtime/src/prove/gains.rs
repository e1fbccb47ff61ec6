//! The same goods bought in two ways, both decided, and what the member has of each: money paid less what points are
//! worth. It looks for goods with which one way is better, makes them few, and says whether rounding alone makes the
//! difference. It refuses to know why.

use super::events::{Maker, Random, Wish};
use super::{Desk, rule_name};
use crate::decimal;
use crate::decision::{Decision, EffectKind};
use crate::engine::Session;
use perq_compiler::ir::{EventId, Program, RETURN};
use perq_compiler::prove::{Gain, Obstacle};
use perq_compiler::typed::{NoGain, Way};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

/// Digits of a price.
const PRICE_DIGITS: u8 = 4;

/// What is known of one way of buying.
#[derive(Clone, Debug)]
pub struct GainAnswer {
    /// The `ensure` that asks, if one does.
    pub name: Option<String>,
    /// The way.
    pub way: Way,
    /// What is known.
    pub known: GainKnown,
}

/// Whether a way of buying gains something.
#[derive(Clone, Debug)]
pub enum GainKnown {
    /// Never; but for what is rounded of the effects of these rules, with goods that show it.
    Never(Vec<String>, Option<Box<Gained>>),
    /// With these goods.
    With(Box<Gained>),
    /// Neither is known: what stands in the way, goods that gain by rounding alone, and how many were tried.
    Undecided(Vec<(String, String)>, Option<Box<Gained>>, usize),
    /// Nothing is kept of what was bought, so that nothing of it comes back.
    NothingReturns,
}

/// Goods, the two ways of buying them, and what comes of each.
#[derive(Clone, Debug)]
pub struct Gained {
    /// As one would buy them.
    pub usual: Bought,
    /// In the other way.
    pub other: Bought,
    /// By how much the other is better, in minor units as numerator and denominator.
    pub gain: (i128, i128),
    /// It is no more than one smallest unit for each line of each effect that is rounded, and for each piece that comes back.
    pub only_rounding: bool,
}

/// Receipts that were decided one after another.
#[derive(Clone, Debug)]
pub struct Bought {
    /// The records.
    pub events: Vec<Value>,
    /// What was decided.
    pub decisions: Vec<Decision>,
    /// Minor units that are paid, less those that are given back.
    pub paid: i128,
    /// What is awarded, by account, in its smallest units.
    pub awards: Vec<(String, i128)>,
    /// Money paid less what the awards are worth, as numerator and denominator in minor units.
    cost: (i128, i128),
    /// What rounding may make of it: minor units.
    slack: (i128, i128),
}

/// Goods of which each line has pieces on the one and on the other receipt.
#[derive(Clone, Debug)]
struct Goods {
    event: Map<String, Value>,
    lines: Vec<(Map<String, Value>, i64, i64)>,
}

/// Which pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pieces {
    First,
    Second,
    Both,
}

impl Goods {
    fn pieces((_, first, second): &(Map<String, Value>, i64, i64), which: Pieces) -> i64 {
        match which {
            Pieces::First => *first,
            Pieces::Second => *second,
            Pieces::Both => first.saturating_add(*second),
        }
    }

    /// The receipt with these pieces.
    fn receipt(&self, id: &str, which: Pieces) -> Option<Value> {
        let mut event = self.event.clone();
        event.insert("id".to_owned(), json!(id));
        let mut lines = Vec::new();
        for line in &self.lines {
            let pieces = Goods::pieces(line, which);
            if pieces > 0 {
                let mut own = line.0.clone();
                own.insert("pieces".to_owned(), json!(pieces));
                lines.push(Value::Object(own));
            }
        }
        if lines.is_empty() {
            return None;
        }
        event.insert("lines".to_owned(), Value::Array(lines));
        Some(Value::Object(event))
    }

    /// The return of the second pieces of a receipt with all.
    fn back(&self, of: &str) -> Option<Value> {
        let mut lines = Vec::new();
        for (at, line) in (1u32..).zip(&self.lines) {
            let pieces = Goods::pieces(line, Pieces::Second);
            if pieces > 0 {
                lines.push(json!({ "sku": line.0.get("sku")?, "pieces": pieces, "of_line": at }));
            }
        }
        Some(json!({ "id": "back", "kind": RETURN, "of": of, "at": self.event.get("at")?, "lines": lines }))
    }

    /// With one part less, each way.
    fn smaller(&self) -> Vec<Goods> {
        const KEPT: [&str; 8] = ["id", "kind", "at", "lines", "sku", "pieces", "price", "amount"];
        let mut found = Vec::new();
        let without = |fields: &Map<String, Value>| {
            let names = fields.keys().filter(|name| !KEPT.contains(&name.as_str()));
            names
                .map(|name| {
                    let mut less = fields.clone();
                    less.remove(name);
                    less
                })
                .collect::<Vec<_>>()
        };
        for at in 0..self.lines.len() {
            let mut fewer = self.clone();
            fewer.lines.remove(at);
            found.push(fewer);
        }
        for event in without(&self.event) {
            found.push(Goods { event, lines: self.lines.clone() });
        }
        for (at, line) in self.lines.iter().enumerate() {
            for own in without(&line.0) {
                let mut other = self.clone();
                if let Some(place) = other.lines.get_mut(at) {
                    place.0 = own;
                }
                found.push(other);
            }
            for (first, second) in [(1, 1), (1, 0), (0, 1)] {
                if first + second < line.1.saturating_add(line.2) {
                    let mut other = self.clone();
                    if let Some(place) = other.lines.get_mut(at) {
                        (place.1, place.2) = (first, second);
                    }
                    found.push(other);
                }
            }
        }
        found
    }
}

fn common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or(0));
    }
    a
}

/// The sum of two fractions with positive denominators, where it fits.
fn sum(a: (i128, i128), b: (i128, i128)) -> Option<(i128, i128)> {
    let num = a.0.checked_mul(b.1)?.checked_add(b.0.checked_mul(a.1)?)?;
    let den = a.1.checked_mul(b.1)?;
    let by = common_divisor(num.checked_abs()?, den).max(1);
    Some((num.checked_div(by)?, den.checked_div(by)?))
}

fn is_more(a: (i128, i128), b: (i128, i128)) -> bool {
    let sides = a.0.checked_mul(b.1).zip(b.0.checked_mul(a.1));
    sides.is_some_and(|(left, right)| left.cmp(&right) == Ordering::Greater)
}

impl Desk<'_> {
    /// What is known of the ways of which `ensure`s say that they gain nothing, in the order of their declaration.
    pub fn no_gains(&self) -> Vec<GainAnswer> {
        self.typed.no_gains.iter().flat_map(|no_gain| self.no_gain(no_gain)).collect()
    }

    /// What is known of the ways of one `ensure`.
    pub fn no_gain(&self, no_gain: &NoGain) -> Vec<GainAnswer> {
        let answer = |way: &Way| GainAnswer {
            name: Some(no_gain.name.clone()),
            way: *way,
            known: self.way(*way, &no_gain.events),
        };
        no_gain.ways.iter().map(answer).collect()
    }

    /// What is known of all ways, of kinds of events that have lines and rules.
    pub fn ways(&self) -> Vec<GainAnswer> {
        let program = self.engine.program();
        let mut events: Vec<EventId> = Vec::new();
        for rule in &program.rules {
            for kind in &rule.events {
                let name = program.events.get(kind.index()).map(|kind| kind.name.as_str());
                if name != Some(RETURN) && !events.contains(kind) && self.prover.has_effects(*kind) {
                    events.push(*kind);
                }
            }
        }
        events.sort_unstable();
        let answer = |way: Way| GainAnswer { name: None, way, known: self.way(way, &events) };
        Way::ALL.into_iter().map(answer).collect()
    }

    fn way(&self, way: Way, events: &[EventId]) -> GainKnown {
        let program = self.engine.program();
        if way == Way::Returning && !self.returns() {
            return GainKnown::NothingReturns;
        }
        let mut rounds: Vec<String> = Vec::new();
        let mut obstacles: Vec<Obstacle> = Vec::new();
        let (mut open, mut rounded) = (Vec::new(), Vec::new());
        for kind in events {
            match self.prover.gain(way, *kind) {
                Gain::Never(rules) => {
                    if !rules.is_empty() {
                        rounded.push(*kind);
                    }
                    for rule in rules {
                        let rule = rule_name(program, rule);
                        if !rounds.contains(&rule) {
                            rounds.push(rule);
                        }
                    }
                }
                Gain::Open(found) => {
                    obstacles.extend(found);
                    open.push(*kind);
                }
            }
        }
        if open.is_empty() {
            let shown = if rounded.is_empty() { None } else { self.gained(way, &rounded, self.tries / 5).1 };
            return GainKnown::Never(rounds, shown.map(Box::new));
        }
        let (found, rounding, tried) = match self.gained(way, &open, self.tries) {
            (tried, Some(found)) if found.only_rounding => (None, Some(found), tried),
            (tried, found) => (found, None, tried),
        };
        match found {
            Some(found) => GainKnown::With(Box::new(found)),
            None => {
                let mut named: Vec<(String, String)> = Vec::new();
                for obstacle in obstacles {
                    let one = (rule_name(program, obstacle.rule), obstacle.why);
                    if !named.contains(&one) {
                        named.push(one);
                    }
                }
                GainKnown::Undecided(named, rounding.map(Box::new), tried)
            }
        }
    }

    /// Whether what is bought is kept for returns.
    fn returns(&self) -> bool {
        self.engine.program().returns
    }

    /// Goods with which a way gains, by more than rounding where any are found; and how many were tried.
    fn gained(&self, way: Way, kinds: &[EventId], tries: usize) -> (usize, Option<Gained>) {
        let program: &Program = self.engine.program();
        let maker = Maker::new(program);
        let mut random = Random::new(3);
        let mut wishes: Vec<Wish> = Vec::new();
        let mut rounding: Vec<Vec<String>> = Vec::new();
        for kind in kinds {
            let rules: Vec<String> =
                self.prover.rounding(*kind).into_iter().map(|rule| rule_name(program, rule)).collect();
            let empty = std::iter::once(Vec::new());
            let single = (0u32..).zip(&program.rules).filter(|(_, rule)| rule.events.contains(kind));
            for rules_wanted in empty.chain(single.map(|(id, _)| vec![perq_compiler::ir::RuleId(id)])) {
                wishes.push(Wish { kind: *kind, rules: rules_wanted, ..Wish::default() });
                rounding.push(rules.clone());
            }
        }
        let mut best: Option<(Goods, Gained, usize)> = None;
        let mut tried = 0usize;
        for at in 0..tries {
            let Some(index) = at.checked_rem(wishes.len()) else { break };
            let round = at.checked_div(wishes.len()).unwrap_or(0);
            let (Some(wish), Some(rounding)) = (wishes.get(index), rounding.get(index)) else { break };
            let event = maker.make(wish, round % 3 == 2, &mut random);
            let Some(goods) = goods(program, &event, round, &mut random) else { continue };
            tried = tried.saturating_add(1);
            let Some(gained) = self.gain_of(way, &goods, rounding) else { continue };
            let is_better =
                best.as_ref().is_none_or(|(_, known, _)| known.only_rounding && !gained.only_rounding);
            if is_better {
                let done = !gained.only_rounding;
                best = Some((goods, gained, index));
                if done {
                    break;
                }
            }
        }
        let Some((mut goods, mut gained, index)) = best else { return (tried, None) };
        let rounding = rounding.get(index).cloned().unwrap_or_default();
        // Leaves out whatever they do not need.
        loop {
            let smaller = goods.smaller().into_iter().find_map(|goods| {
                let own = self.gain_of(way, &goods, &rounding)?;
                (own.only_rounding == gained.only_rounding).then_some((goods, own))
            });
            match smaller {
                Some(smaller) => (goods, gained) = smaller,
                None => return (tried, Some(gained)),
            }
        }
    }

    /// Both ways decided; nothing where the other one gains nothing.
    fn gain_of(&self, way: Way, goods: &Goods, rounding: &[String]) -> Option<Gained> {
        let both = || self.bought(vec![goods.receipt("whole", Pieces::Both)?], rounding);
        let apart = || {
            let receipts =
                vec![goods.receipt("first", Pieces::First)?, goods.receipt("second", Pieces::Second)?];
            self.bought(receipts, rounding)
        };
        let (usual, other) = match way {
            Way::Splitting => (both()?, apart()?),
            Way::Merging => (apart()?, both()?),
            Way::Returning => {
                let back = goods.back("whole")?;
                (
                    self.bought(vec![goods.receipt("first", Pieces::First)?], rounding)?,
                    self.bought(vec![goods.receipt("whole", Pieces::Both)?, back], rounding)?,
                )
            }
        };
        // What the goods cost before discounts is the shop's, and no gain of rules.
        let initial = |bought: &Bought| {
            let sold = bought.decisions.iter().filter(|decision| decision.returned.is_none());
            sold.map(|decision| money(&decision.totals.initial, self.engine.program())).sum::<Option<i128>>()
        };
        if way != Way::Returning && initial(&usual)? != initial(&other)? {
            return None;
        }
        let gain = sum(usual.cost, (other.cost.0.checked_neg()?, other.cost.1))?;
        if gain.0 <= 0 {
            return None;
        }
        let slack = sum(usual.slack, other.slack)?;
        Some(Gained { only_rounding: !is_more(gain, slack), usual, other, gain })
    }

    /// Receipts decided one after another, by somebody of whom nothing was known.
    fn bought(&self, events: Vec<Value>, rounding: &[String]) -> Option<Bought> {
        let program: &Program = self.engine.program();
        let mut session: Session = self.engine.session();
        let mut bought = Bought {
            events,
            decisions: Vec::new(),
            paid: 0,
            awards: Vec::new(),
            cost: (0, 1),
            slack: (0, 1),
        };
        for event in &bought.events {
            let decision = session.decide_json(event.to_string().as_bytes()).ok()?;
            if decision.refused.is_some() || !decision.errors.is_empty() {
                return None;
            }
            bought.decisions.push(decision);
        }
        for decision in &bought.decisions {
            let mut posted: Vec<(&str, &str)> = Vec::new();
            if let Some(returned) = &decision.returned {
                bought.paid = bought.paid.checked_sub(money(&returned.refund, program)?)?;
                // The pieces of a line share what was paid for it, and those that come back first have the larger shares.
                let pieces: i64 = returned.lines.iter().map(|line| line.pieces.max(1)).sum();
                bought.slack = sum(bought.slack, (i128::from(pieces), 1))?;
                for correction in returned.corrections.iter().filter(|correction| correction.to.is_none()) {
                    posted.push((&correction.account, &correction.amount));
                }
            } else {
                bought.paid = bought.paid.checked_add(money(&decision.totals.paid, program)?)?;
            }
            let all = std::iter::once(decision).chain(&decision.raised);
            for effect in all.flat_map(|decision| &decision.effects) {
                let rounds = rounding.contains(&effect.rule);
                let places = i128::try_from(effect.lines.len().max(1)).ok()?;
                match (effect.kind, &effect.account) {
                    (EffectKind::Discount, _) => {
                        if rounds {
                            bought.slack = sum(bought.slack, (places, 1))?;
                        }
                    }
                    (EffectKind::Award | EffectKind::Debit, Some(account)) if effect.to.is_none() => {
                        posted.push((account, &effect.amount));
                        if rounds && let Some((units, money)) = worth(program, account) {
                            let slack = places.checked_mul(money)?;
                            bought.slack = sum(bought.slack, (slack, units))?;
                        }
                        if effect.kind == EffectKind::Debit {
                            // Nothing is known of what a debit is good for.
                            return None;
                        }
                    }
                    (EffectKind::Award | EffectKind::Debit, _) => {}
                }
            }
            for (account, amount) in posted {
                let own = program.accounts.iter().find(|own| own.name == account)?;
                let amount = i128::from(decimal::parse(amount, own.decimals).ok()?);
                match bought.awards.iter_mut().find(|(name, _)| name == account) {
                    Some((_, sum)) => *sum = sum.checked_add(amount)?,
                    None => bought.awards.push((account.to_owned(), amount)),
                }
            }
        }
        bought.cost = (bought.paid, 1);
        for (account, amount) in &bought.awards {
            if let Some((units, money)) = worth(program, account) {
                bought.cost = sum(bought.cost, (amount.checked_mul(money)?.checked_neg()?, units))?;
            }
        }
        Some(bought)
    }
}

/// What so many smallest units are worth, in minor units.
fn worth(program: &Program, account: &str) -> Option<(i128, i128)> {
    let account = program.accounts.iter().find(|own| own.name == account)?;
    account
        .worth
        .filter(|(units, money)| *units > 0 && *money > 0)
        .map(|(units, money)| (units.into(), money.into()))
}

fn money(text: &str, program: &Program) -> Option<i128> {
    decimal::parse(text, program.currency.decimals).ok().map(i128::from)
}

/// Goods made of an event: pieces at whole minor units, on one or the other receipt.
fn goods(program: &Program, event: &Value, round: usize, random: &mut Random) -> Option<Goods> {
    let mut event = event.as_object()?.clone();
    let Some(Value::Array(lines)) = event.remove("lines") else { return None };
    let unit = 10i64.checked_pow(u32::from(PRICE_DIGITS.saturating_sub(program.currency.decimals)))?;
    let mut found = Vec::new();
    for line in &lines {
        let mut line = line.as_object()?.clone();
        let pieces = line.get("pieces")?.as_i64()?.clamp(1, 12);
        let price = decimal::parse(line.get("price")?.as_str()?, PRICE_DIGITS).ok()?;
        let price = price.checked_div(unit)?.max(1).checked_mul(unit)?;
        line.insert("price".to_owned(), json!(decimal::print(price.into(), PRICE_DIGITS)));
        found.push((line, pieces));
    }
    let lines = match round % 4 {
        // All of it twice.
        0 => found.into_iter().map(|(line, pieces)| (line, pieces, pieces)).collect(),
        // Half of it each.
        1 => {
            let half = |pieces: i64| (pieces.saturating_add(1) / 2, pieces / 2);
            found
                .into_iter()
                .map(|(line, pieces)| {
                    let (first, second) = half(pieces.max(2));
                    (line, first, second)
                })
                .collect()
        }
        // Lines on one or the other, each twice.
        2 => {
            let mut lines: Vec<(Map<String, Value>, i64, i64)> = Vec::new();
            for (line, pieces) in found {
                lines.push((line.clone(), pieces, 0));
                lines.push((line, 0, pieces));
            }
            lines
        }
        _ => found
            .into_iter()
            .map(|(line, pieces)| {
                let most = usize::try_from(pieces).unwrap_or(1);
                let first = i64::try_from(random.below(most.saturating_add(1))).unwrap_or(0);
                (line, first, pieces.saturating_sub(first).max(i64::from(random.once_in(2))))
            })
            .collect(),
    };
    Some(Goods { event, lines })
}
