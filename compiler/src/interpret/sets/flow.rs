//! What a set gives as a sum over its pieces, each with a weight that depends on the piece and the part that takes it,
//! and something for the set as a whole. For that the best pieces are a flow of most weight from lines to parts: found
//! exactly, by augmenting along the best path. Weights that are not exact never say less than the set gives.
//!
//! Refuses to know how pieces are put together into sets.

use super::{Task, product, sum};
use crate::interpret::actions::{take, turns};
use crate::ir::{FaultKind, SetPick, SetValue};

/// Kinds and pieces that each part was assigned.
pub(super) type Assigned = Vec<Vec<(usize, i64)>>;

/// Weights.
pub(super) struct Linear {
    /// By kind, then part; `None` where the part may not take it.
    weights: Vec<Vec<Option<i128>>>,
    /// For each set.
    constant: i128,
}

/// How a part gets one more piece.
#[derive(Clone, Copy)]
struct Way {
    gain: i128,
    /// The kind that comes in.
    kind: usize,
    /// The part it comes from; none where it is free.
    from: Option<usize>,
}

/// Parts, each with how it gets a piece, from the end to the beginning.
type Path = Vec<(usize, Way)>;

impl Linear {
    /// The weights of a task: what a choice gives in all is never more than they say.
    pub fn of(task: &Task) -> Result<Linear, FaultKind> {
        let mut constant = 0;
        let mut weights = Vec::with_capacity(task.kinds.len());
        for kind in &task.kinds {
            let allowed = (0..task.counts.len()).map(|part| (kind.parts >> part & 1 == 1).then_some(0i128));
            weights.push(allowed.collect::<Vec<_>>());
        }
        let mut linear = Linear { weights, constant };
        if task.counts_sets {
            let signed = |value: i128| if task.member { value } else { -value };
            linear.add(task, None, |value| Ok(signed(value)))?;
            return Ok(linear);
        }
        let alone = task.terms.len() == 1;
        for term in &task.terms {
            // As the weight of each piece, so many of so many pieces count on average at most (at least).
            let taken: i128 = match term.part {
                Some(part) => task.counts.get(part).map_or(0, |count| i128::from(*count)),
                None => task.counts.iter().map(|count| i128::from(*count)).sum(),
            };
            let counted = i128::from(term.count).clamp(0, taken);
            let of = taken.max(1);
            let all = term.pick == SetPick::All;
            let share = |value: i128| -> Result<i128, FaultKind> {
                let piece = task.of_piece(term, value)?;
                Ok(match (term.pick, task.member) {
                    (SetPick::All, true) => piece,
                    (SetPick::All, false) => -piece,
                    // The cheapest are worth no more than the average, the dearest no less: rounded to the safe side.
                    (SetPick::Cheapest, true) => rounded_up(product(piece, counted)?, of),
                    (SetPick::Dearest, false) => -product(piece, counted)?.div_euclid(of),
                    (SetPick::Cheapest, false) => 0,
                    (SetPick::Dearest, true) => piece,
                })
            };
            match (term.value, all) {
                (SetValue::PerSet, _) => {}
                (SetValue::Share | SetValue::OffEach | SetValue::PriceEach, _) => {
                    // An average says nothing of what is cut off at a price.
                    let averaged = !all && term.value != SetValue::Share;
                    match (averaged, task.member) {
                        (false, _) => linear.add(task, term.part, share)?,
                        (true, true) => linear.add(task, term.part, |value| task.of_piece(term, value))?,
                        (true, false) => {}
                    }
                }
                (SetValue::Off, _) => {
                    if task.member {
                        constant = sum(constant, task.amount(term)?)?;
                    }
                }
                (SetValue::Price, true) if alone || !task.member => {
                    let amount = task.amount(term)?;
                    constant = sum(constant, if task.member { -amount } else { amount })?;
                    linear.add(task, term.part, |value| Ok(if task.member { value } else { -value }))?;
                }
                (SetValue::Price, _) => {
                    if task.member {
                        linear.add(task, term.part, Ok)?;
                    }
                }
            }
        }
        linear.constant = constant;
        Ok(linear)
    }

    fn add(
        &mut self,
        task: &Task,
        part: Option<usize>,
        weight: impl Fn(i128) -> Result<i128, FaultKind>,
    ) -> Result<(), FaultKind> {
        for (kind, weights) in task.kinds.iter().zip(&mut self.weights) {
            for (index, place) in weights.iter_mut().enumerate() {
                if let Some(so_far) = place
                    && part.is_none_or(|part| part == index)
                {
                    *so_far = sum(*so_far, weight(kind.value)?)?;
                }
            }
        }
        Ok(())
    }

    /// How many sets, of which pieces, and what they give at most. The gain of one more set only falls, so that the
    /// number is found by halving.
    pub fn solve(&self, task: &Task, fuel: &mut i64) -> Result<(i64, Assigned, i128), FaultKind> {
        let value = |sets: i64, fuel: &mut i64| -> Result<i128, FaultKind> {
            let (weight, _) = self.assign(task, sets, fuel)?;
            sum(weight, product(self.constant, i128::from(sets))?)
        };
        let mut sets = task.most;
        // More sets may leave worse pieces for the part that counts.
        if task.member && !task.counts_sets {
            let (mut low, mut high) = (0, task.most);
            while low < high {
                let middle = low.saturating_add(high.saturating_sub(low).div_euclid(2));
                if value(middle.saturating_add(1), fuel)? > value(middle, fuel)? {
                    low = middle.saturating_add(1);
                } else {
                    high = middle;
                }
            }
            sets = low;
        }
        let (weight, assigned) = self.assign(task, sets, fuel)?;
        Ok((sets, assigned, sum(weight, product(self.constant, i128::from(sets))?)?))
    }

    /// The pieces of most weight for so many sets, which can be formed.
    pub fn assign(&self, task: &Task, sets: i64, fuel: &mut i64) -> Result<(i128, Assigned), FaultKind> {
        let parts = task.counts.len();
        let mut needs: Vec<i64> = task.counts.iter().map(|count| count.saturating_mul(sets)).collect();
        let mut left: Vec<i64> = task.kinds.iter().map(|kind| kind.pieces).collect();
        let mut given: Vec<Vec<i64>> = vec![vec![0; task.kinds.len()]; parts];
        let mut total = 0;
        while needs.iter().any(|needs| *needs > 0) {
            take(
                fuel,
                turns(task.kinds.len().saturating_mul(parts).saturating_mul(parts))
                    .div_euclid(8)
                    .saturating_add(1),
            )?;
            let Some((end, gain, path)) = self.best_path(&needs, &left, &given) else { break };
            let mut amount = needs.get(end).copied().unwrap_or(0);
            for way in &path {
                let there = match way.1.from {
                    None => left.get(way.1.kind),
                    Some(from) => given.get(from).and_then(|given| given.get(way.1.kind)),
                };
                amount = amount.min(there.copied().unwrap_or(0));
            }
            if amount < 1 {
                break;
            }
            for (to, way) in &path {
                let source = match way.from {
                    None => left.get_mut(way.kind),
                    Some(from) => given.get_mut(from).and_then(|given| given.get_mut(way.kind)),
                };
                if let Some(source) = source {
                    *source = source.saturating_sub(amount);
                }
                if let Some(place) = given.get_mut(*to).and_then(|given| given.get_mut(way.kind)) {
                    *place = place.saturating_add(amount);
                }
            }
            if let Some(needs) = needs.get_mut(end) {
                *needs = needs.saturating_sub(amount);
            }
            total = sum(total, product(gain, i128::from(amount))?)?;
        }
        let assigned = given
            .into_iter()
            .map(|given| given.into_iter().enumerate().filter(|(_, pieces)| *pieces > 0).collect::<Vec<_>>());
        Ok((total, assigned.collect()))
    }

    /// The best way for a part in need to get one more piece: a free one, or one of another part, which then gets one
    /// more itself, and so on. From the end to the beginning.
    fn best_path(&self, needs: &[i64], left: &[i64], given: &[Vec<i64>]) -> Option<(usize, i128, Path)> {
        let parts = needs.len();
        let weight = |kind: usize, part: usize| self.weights.get(kind)?.get(part).copied().flatten();
        let mut best: Vec<Option<Way>> = vec![None; parts];
        let mut swaps: Vec<(usize, Way)> = Vec::new();
        for (kind, free) in left.iter().enumerate() {
            for (to, place) in best.iter_mut().enumerate() {
                let Some(gain) = weight(kind, to) else { continue };
                if *free > 0 && place.is_none_or(|way| gain > way.gain) {
                    *place = Some(Way { gain, kind, from: None });
                }
            }
        }
        for (from, given) in given.iter().enumerate() {
            for to in (0..parts).filter(|to| *to != from) {
                let mut way: Option<Way> = None;
                for (kind, _) in given.iter().enumerate().filter(|(_, pieces)| **pieces > 0) {
                    let (Some(there), Some(here)) = (weight(kind, to), weight(kind, from)) else { continue };
                    let gain = there.saturating_sub(here);
                    if way.is_none_or(|way| gain > way.gain) {
                        way = Some(Way { gain, kind, from: Some(from) });
                    }
                }
                swaps.extend(way.map(|way| (to, way)));
            }
        }
        for _ in 1..parts {
            for (to, swap) in &swaps {
                let Some(before) = swap.from.and_then(|from| best.get(from).copied().flatten()) else {
                    continue;
                };
                let gain = before.gain.saturating_add(swap.gain);
                if let Some(place) = best.get_mut(*to)
                    && place.is_none_or(|way| gain > way.gain)
                {
                    *place = Some(Way { gain, ..*swap });
                }
            }
        }
        let mut end: Option<(usize, i128)> = None;
        for (part, way) in best.iter().enumerate() {
            if let Some(way) = way
                && needs.get(part).is_some_and(|needs| *needs > 0)
                && end.is_none_or(|(_, gain)| way.gain > gain)
            {
                end = Some((part, way.gain));
            }
        }
        let (end, gain) = end?;
        let mut path = Vec::new();
        let mut at = end;
        for _ in 0..parts {
            let way = best.get(at).copied().flatten()?;
            path.push((at, way));
            match way.from {
                Some(from) => at = from,
                None => return Some((end, gain, path)),
            }
        }
        None
    }
}

fn rounded_up(num: i128, den: i128) -> i128 {
    let down = num.div_euclid(den);
    if down.saturating_mul(den) == num { down } else { down.saturating_add(1) }
}
