//! Plans of few contacts, to proof or near it: at the best prices every choice for a member has a loss, and losses add up to no more
//! than the gap. So few choices are left, and a branch and bound looks for what they make together. Its bounds are those
//! of prices that a linear programme proposes, counted in whole numbers. Refuses to know how the gap came about.

use crate::finish::Plan;
use crate::price::{Dual, Ground};
use crate::rest::{Open, Rest, Shared};
use crate::simplex::{Column, Ended, Programme};
use crate::walk::walk;
use std::collections::BTreeMap;

/// Choices of all members besides their best, at most.
pub const ALL_CHOICES: usize = 2500;
/// Numbers of a linear programme.
const NUMBERS: usize = 3_000_000;
/// Steps of one linear programme.
const PIVOTS: usize = 4000;
/// Picks that are tried before one is parted by, and steps of each trial.
const TRIED: usize = 16;
const LOOKED: usize = 12;
/// Branches from whose nearest plan a walk begins.
const WALKS: u32 = 100;
/// Work of the whole search: numbers that pivots change.
const WORK: u64 = 4_000_000_000;

/// What was found out.
#[derive(Debug)]
pub struct Found {
    /// A better plan.
    pub plan: Option<Plan>,
    /// No plan is worth more, in parts of the score.
    pub bound: i128,
    /// All of what was open was looked through.
    pub done: bool,
    /// What was open is all that there is.
    pub all: bool,
    /// Better prices than those that were asked with, where there are any.
    pub prices: Option<Vec<i64>>,
}

/// Looks for a better plan, and for a proof that there is none much better, among the choices that lose least, `most` of them.
/// `whole` is whether to go on after the first prices.
pub fn prove(ground: &Ground<'_>, dual: &Dual, plan: &Plan, (whole, most): (bool, usize)) -> Found {
    let mut found = Found { plan: None, bound: dual.bound, done: true, all: true, prices: None };
    let gap = dual.bound - (plan.objective(ground) << ground.shift);
    // Scores are whole: what is better is better by one.
    let one = 1i128 << ground.shift;
    if gap < one {
        return found;
    }
    let mut limit = gap - one + 1;
    let Some(rest) = (0..30).find_map(|_| {
        let rest = Rest::of(ground, &dual.prices, (limit, most), Open::All).filter(Rest::is_small);
        if rest.is_none() {
            limit = limit * 4 / 5;
        }
        rest
    }) else {
        return found;
    };
    let mut search = Search {
        programme: rest.programme(),
        unit: rest.unit(),
        rest: &rest,
        limit,
        best: None,
        of_use: gap - one + 1,
        walks: if whole { WALKS } else { 0 },
        work: WORK,
        price: None,
    };
    let open = search.look(whole);
    found.done = open.is_none();
    found.all = limit > gap - one;
    found.prices = search.price.take().map(|own| {
        let mut prices = dual.prices.clone();
        for (shared, price) in rest.rows.iter().zip(own) {
            prices[shared.row] = price;
        }
        prices
    });
    let better = search.best.take().map(|picked| rest.plan(&picked));
    // What is not among the choices loses the limit at least; what is, loses what was found, or what is open.
    let least = better.as_ref().map_or(gap, |plan| dual.bound - (plan.objective(ground) << ground.shift));
    let least = least.min(if limit < gap - one + 1 { limit } else { gap });
    found.bound = dual.bound - open.map_or(least, |open| least.min(open)).max(0);
    found.plan = better;
    found
}

impl Rest<'_> {
    /// Whether its linear programme is not too large.
    fn is_small(&self) -> bool {
        let constraints = self.rows.len() + self.of.iter().filter(|picks| picks.len() > 1).count();
        constraints * (self.picks.len() + 2 * constraints) <= NUMBERS
    }

    /// In what a linear programme counts losses.
    fn unit(&self) -> f64 {
        let most = self.picks.iter().map(|pick| pick.loss).max().unwrap_or(1).max(1);
        let price = self.rows.iter().map(|own| own.price * i128::from(self.mean(own))).max().unwrap_or(0);
        most.max(price).max(1) as f64
    }

    pub fn mean(&self, shared: &Shared) -> i64 {
        self.ground.rows.list[shared.row].mean
    }

    /// Losses of picks, of room that has a price, and of what is passed at a cost; one row for each row that is shared, and one for each
    /// member with several picks.
    fn programme(&self) -> Programme {
        let unit = self.unit();
        let mut columns: Vec<Column> = Vec::new();
        let mut several = self.rows.len();
        for picks in &self.of {
            for pick in &self.picks[picks.clone()] {
                let mut entries: Vec<(usize, f64)> = (pick.rows.iter())
                    .map(|(at, own)| (*at, *own as f64 / self.mean(&self.rows[*at]) as f64))
                    .collect();
                if picks.len() > 1 {
                    entries.push((several, 1.0));
                }
                columns.push(Column { cost: pick.loss as f64 / unit, bounds: (0.0, 1.0), entries });
            }
            several += usize::from(picks.len() > 1);
        }
        for (at, shared) in self.rows.iter().enumerate() {
            if let Some(worth) = shared.worth {
                let cost = (worth - shared.price) as f64 * self.mean(shared) as f64 / unit;
                columns.push(Column { cost, bounds: (0.0, f64::INFINITY), entries: vec![(at, -1.0)] });
            }
        }
        let rows = self.rows.iter();
        let priced = |own: &Shared| own.price as f64 * self.mean(own) as f64 / unit;
        let mut alone: Vec<(f64, (f64, f64))> =
            rows.clone().map(|own| (priced(own), (0.0, f64::INFINITY))).collect();
        let mut right: Vec<f64> = rows.map(|own| own.left as f64 / self.mean(own) as f64).collect();
        alone.resize(several, (0.0, (0.0, 1.0)));
        right.resize(several, 1.0);
        Programme::of(&columns, &alone, &right)
    }

    /// What is lost at least at other prices of the rows, with the picks that are still allowed: of each member, by position, whether
    /// the best choice is, and of each pick. Nothing can be lost where a member is left with none.
    fn bound(&self, prices: &[i128], allowed: &[bool], best: &[bool]) -> Option<i128> {
        let more: Vec<i128> = prices.iter().zip(&self.rows).map(|(price, own)| price - own.price).collect();
        let mut lost =
            self.settled - more.iter().zip(&self.rows).map(|(more, own)| more * own.left).sum::<i128>();
        for (position, picks) in self.of.iter().enumerate() {
            let own = picks.clone().filter(|pick| allowed[*pick]).map(|pick| {
                let pick = &self.picks[pick];
                pick.loss + pick.rows.iter().map(|(at, own)| more[*at] * own).sum::<i128>()
            });
            lost += own.chain(best[position].then_some(0)).min()?;
        }
        Some(lost)
    }

    /// What a choice of picks loses; nothing where it passes a row.
    pub fn loss(&self, picked: &[Option<usize>]) -> Option<i128> {
        let mut left: Vec<i128> = self.rows.iter().map(|own| own.left).collect();
        let mut lost = self.settled;
        for pick in picked.iter().flatten() {
            let pick = &self.picks[*pick];
            lost += pick.loss;
            pick.rows.iter().for_each(|(at, own)| left[*at] -= own);
        }
        for (own, left) in self.rows.iter().zip(left) {
            lost += if left >= 0 { own.price * left } else { (own.worth? - own.price) * -left };
        }
        Some(lost)
    }
}

/// What is settled at a place of the search.
#[derive(Clone, Debug, Default)]
struct Branch {
    /// Picks that are taken, and those that are not.
    taken: Vec<usize>,
    refused: Vec<usize>,
}

struct Search<'r, 'g> {
    rest: &'r Rest<'g>,
    programme: Programme,
    unit: f64,
    /// Losses at or above it are of no use.
    limit: i128,
    best: Option<Vec<Option<usize>>>,
    /// A plan that loses as much is of no use; more than the limit where only some of the choices are looked at.
    of_use: i128,
    /// Walks that are left.
    walks: u32,
    work: u64,
    /// The prices of the first programme.
    price: Option<Vec<i64>>,
}

impl Search<'_, '_> {
    /// The least loss of what is still open; nothing where all was looked through.
    fn look(&mut self, whole: bool) -> Option<i128> {
        // By the least loss, then in the order in which they were found.
        let mut open: BTreeMap<(i128, usize), Branch> = BTreeMap::new();
        let mut number = 0;
        let mut next = Some((0, Branch::default()));
        loop {
            let (lost, branch) = match next.take() {
                Some(own) => own,
                None => match open.pop_first() {
                    Some(((lost, _), branch)) => (lost, branch),
                    None => return None,
                },
            };
            if lost >= self.limit {
                continue;
            }
            if self.work == 0 || (!whole && self.price.is_some()) {
                let others = open.first_key_value().map_or(lost, |((other, _), _)| (*other).min(lost));
                return Some(others);
            }
            let Some((lost, pick, first)) = self.settle(&branch, lost) else { continue };
            let (mut with, mut without) = (branch.clone(), branch);
            with.taken.push(pick);
            without.refused.push(pick);
            let (now, later) = if first { (with, without) } else { (without, with) };
            number += 1;
            open.insert((lost, number), later);
            next = Some((lost, now));
        }
    }

    /// Looks at a branch: what it loses at least, the pick to part it by, and whether to take that first; nothing where it is done.
    fn settle(&mut self, branch: &Branch, known: i128) -> Option<(i128, usize, bool)> {
        let rest = self.rest;
        let mut allowed = vec![true; rest.picks.len()];
        let mut best = vec![true; rest.of.len()];
        for pick in &branch.taken {
            let position = rest.picks[*pick].of;
            allowed[rest.of[position].clone()].fill(false);
            best[position] = false;
        }
        branch.refused.iter().for_each(|pick| allowed[*pick] = false);
        branch.taken.iter().for_each(|pick| allowed[*pick] = true);
        for (pick, allowed) in allowed.iter().enumerate() {
            self.programme.bounds[pick] = bounds_of(*allowed, !best[rest.picks[pick].of] && *allowed);
        }
        let lost = self.least(&allowed, &best, PIVOTS)?.max(known);
        if lost >= self.limit {
            return None;
        }
        let values = self.programme.values();
        // Whole as it is, or to the nearest.
        let nearest: Vec<Option<usize>> = (rest.of.iter().zip(&best))
            .map(|(picks, best)| {
                let own = picks.clone().filter(|pick| allowed[*pick]);
                let most = own.max_by(|a, b| values[*a].total_cmp(&values[*b]).then(b.cmp(a)));
                most.filter(|pick| !best || values[*pick] > 0.5)
            })
            .collect();
        let walked = if self.walks > 0 {
            self.walks -= 1;
            walk(rest, &nearest, self.of_use)
        } else {
            rest.loss(&nearest).filter(|loss| *loss < self.of_use).map(|loss| (nearest, loss))
        };
        if let Some((picked, loss)) = walked {
            let one = 1i128 << rest.ground.shift;
            self.best = Some(picked);
            self.of_use = loss - one + 1;
            self.limit = self.limit.min(self.of_use);
        }
        if lost >= self.limit {
            return None;
        }
        let parted = |pick: &usize| values[*pick].min(1.0 - values[*pick]);
        let mut open: Vec<usize> =
            (0..rest.picks.len()).filter(|pick| allowed[*pick] && best[rest.picks[*pick].of]).collect();
        open.sort_by(|a, b| parted(b).total_cmp(&parted(a)).then(a.cmp(b)));
        // Of those that are parted most evenly, the one whose both ways lose most.
        let mut chosen: Option<(i128, usize, bool)> = None;
        let (before, mut waits) = (self.programme.clone(), 0);
        for pick in open.iter().take(TRIED).copied() {
            if chosen.is_some() && (parted(&pick) < 0.02 || waits > 4) {
                break;
            }
            let range = rest.of[rest.picks[pick].of].clone();
            let mut ways = [0i128; 2];
            for (way, lost_there) in ways.iter_mut().enumerate() {
                let (mut allowed, mut best) = (allowed.clone(), best.clone());
                if way == 1 {
                    allowed[range.clone()].fill(false);
                    best[rest.picks[pick].of] = false;
                }
                allowed[pick] = way == 1;
                for other in range.clone() {
                    self.programme.bounds[other] = bounds_of(allowed[other], way == 1 && other == pick);
                }
                let there = self.least(&allowed, &best, LOOKED);
                *lost_there = (there.unwrap_or(self.limit).min(self.limit) - lost).max(0) >> 8;
                self.programme.clone_from(&before);
            }
            let [refused, taken] = ways;
            let both = (refused + 1) * (taken + 1);
            if chosen.is_none_or(|(most, ..)| both > most) {
                chosen = Some((both, pick, taken < refused));
                waits = 0;
            } else {
                waits += 1;
            }
        }
        chosen.map(|(_, pick, first)| (lost, pick, first))
    }

    /// What is lost at least with what is allowed, whose bounds the programme has; nothing where that is nothing.
    fn least(&mut self, allowed: &[bool], best: &[bool], pivots: usize) -> Option<i128> {
        let rest = self.rest;
        let (ended, pivots) = self.programme.solve(pivots);
        self.work = self.work.saturating_sub((pivots + 3) * self.programme.numbers());
        let first = self.programme.first_alone();
        let highest = |own: &Shared| own.worth.unwrap_or(crate::price::HIGHEST.into());
        let prices: Vec<i128> = (rest.rows.iter().enumerate())
            .map(|(at, own)| {
                let price = self.programme.reduced(first + at) * self.unit / rest.mean(own) as f64;
                (price as i128).clamp(0, highest(own))
            })
            .collect();
        if self.price.is_none() {
            self.price = Some(prices.iter().map(|price| i64::try_from(*price).unwrap_or(i64::MAX)).collect());
        }
        let mut lost = rest.bound(&prices, allowed, best)?;
        if let Ended::Impossible(multiples) = &ended {
            let far = (self.limit.max(1) as f64) * 16.0;
            let further = |(at, price): (usize, &i128)| {
                let own = &rest.rows[at];
                let more = (multiples[at] * far / rest.mean(own) as f64) as i128;
                (price + more).clamp(0, highest(own))
            };
            let prices: Vec<i128> = prices.iter().enumerate().map(further).collect();
            lost = rest.bound(&prices, allowed, best)?.max(lost);
        }
        Some(lost)
    }
}

/// The bounds of a pick.
fn bounds_of(allowed: bool, taken: bool) -> (f64, f64) {
    (f64::from(u8::from(taken)), f64::from(u8::from(allowed)))
}
