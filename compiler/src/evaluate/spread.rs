//! Sharing an amount among lines so that the parts add up to it. Pure functions over slices; refuses to know rules,
//! records and what the amount is for.
//!
//! Each line comes with a weight and with the most it can take. A line of weight 0 takes nothing. What a line cannot
//! take is poured on to those with room, by the same weights; only then are the shares rounded, once, and what
//! rounding leaves over is handed out as [`Rest`] says.

use super::fraction::{Fraction, divide_rounded};
use crate::ir::{FaultKind, Rest, Rounding};

/// One line that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharer {
    /// Weights are compared with each other only. Zero or less takes nothing.
    pub weight: i128,
    /// The most it can take.
    pub room: i64,
}

/// Reusable memory.
#[derive(Debug, Default)]
pub struct Spreader {
    /// Lines whose exact share fits: those that rounding is about.
    open: Vec<bool>,
    /// (remainder, weight, line) of the open lines.
    remainders: Vec<(i128, i128, usize)>,
}

impl Spreader {
    /// Shares `total` among `sharers`; `parts` is cleared and holds one part for each.
    ///
    /// The parts add up to `total`, or to all the room there is, where that is less.
    ///
    /// # Errors
    /// A product of the amount and a weight leaves 128 bits.
    pub fn spread(
        &mut self,
        total: i64,
        sharers: &[Sharer],
        rounding: Rounding,
        rest: Rest,
        parts: &mut Vec<i64>,
    ) -> Result<(), FaultKind> {
        parts.clear();
        parts.resize(sharers.len(), 0);
        let takes_part = |sharer: &Sharer| sharer.weight > 0 && sharer.room > 0;
        let mut weights: i128 = 0;
        let mut room: i128 = 0;
        for sharer in sharers.iter().filter(|sharer| takes_part(sharer)) {
            weights = weights.checked_add(sharer.weight).ok_or(FaultKind::Overflow)?;
            room = room.checked_add(i128::from(sharer.room)).ok_or(FaultKind::Overflow)?;
        }
        let mut amount = i128::from(total).min(room);
        if amount <= 0 {
            return Ok(());
        }
        self.open.clear();
        self.open.extend(sharers.iter().map(takes_part));

        // A line whose share exceeds its room is filled and steps aside, which only raises the others' shares; so
        // the order in which this happens does not matter.
        loop {
            let mut filled = false;
            for ((sharer, part), open) in sharers.iter().zip(parts.iter_mut()).zip(self.open.iter_mut()) {
                if !*open {
                    continue;
                }
                let (share, remainder) = exact_share(amount, sharer.weight, weights)?;
                let room = i128::from(sharer.room);
                if share > room || (share == room && remainder > 0) {
                    *part = sharer.room;
                    *open = false;
                    filled = true;
                    amount = amount.checked_sub(room).ok_or(FaultKind::Overflow)?;
                    weights = weights.checked_sub(sharer.weight).ok_or(FaultKind::Overflow)?;
                }
            }
            if !filled {
                break;
            }
        }

        let mut left = amount;
        match rest {
            Rest::LargestRemainder => {
                self.remainders.clear();
                for (line, ((sharer, part), open)) in
                    sharers.iter().zip(parts.iter_mut()).zip(&self.open).enumerate()
                {
                    if !open {
                        continue;
                    }
                    let (share, remainder) = exact_share(amount, sharer.weight, weights)?;
                    *part = narrow(share)?;
                    left = left.checked_sub(share).ok_or(FaultKind::Overflow)?;
                    self.remainders.push((remainder, sharer.weight, line));
                }
                self.remainders.sort_unstable_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.cmp(&b.2)));
                // Fewer are left over than there are lines with a remainder, and those have room for one more.
                for (_, _, line) in &self.remainders {
                    if let (true, Some(part)) = (left > 0, parts.get_mut(*line)) {
                        *part = part.checked_add(1).ok_or(FaultKind::Overflow)?;
                        left = left.saturating_sub(1);
                    }
                }
            }
            Rest::FirstLines | Rest::LastLine | Rest::FirstWithRoom => {
                for ((sharer, part), open) in sharers.iter().zip(parts.iter_mut()).zip(&self.open) {
                    if !open {
                        continue;
                    }
                    let product = amount.checked_mul(sharer.weight).ok_or(FaultKind::Overflow)?;
                    let share = divide_rounded(product, weights, rounding)?;
                    *part = narrow(share)?;
                    left = left.checked_sub(share).ok_or(FaultKind::Overflow)?;
                }
            }
            Rest::Running => {
                let (mut weight, mut before) = (0i128, 0i128);
                for ((sharer, part), open) in sharers.iter().zip(parts.iter_mut()).zip(&self.open) {
                    if !open {
                        continue;
                    }
                    weight = weight.checked_add(sharer.weight).ok_or(FaultKind::Overflow)?;
                    let product = amount.checked_mul(weight).ok_or(FaultKind::Overflow)?;
                    let until = divide_rounded(product, weights, rounding)?;
                    // Half to even can make a step one larger than the share itself.
                    let share =
                        until.checked_sub(before).ok_or(FaultKind::Overflow)?.min(i128::from(sharer.room));
                    *part = narrow(share)?;
                    left = left.checked_sub(share).ok_or(FaultKind::Overflow)?;
                    before = until;
                }
            }
        }
        hand_out(left, sharers, rest, parts);
        Ok(())
    }
}

/// `amount * weight / weights`, and what remains of the division.
fn exact_share(amount: i128, weight: i128, weights: i128) -> Result<(i128, i128), FaultKind> {
    let product = amount.checked_mul(weight).ok_or(FaultKind::Overflow)?;
    let share = divide_rounded(product, weights, Rounding::Down)?;
    Ok((share, product.checked_sub(share.saturating_mul(weights)).ok_or(FaultKind::Overflow)?))
}

fn narrow(share: i128) -> Result<i64, FaultKind> {
    i64::try_from(share).map_err(|_| FaultKind::OutOfRange)
}

/// Hands out what rounded shares left over, or takes back what they gave too much.
fn hand_out(left: i128, sharers: &[Sharer], rest: Rest, parts: &mut [i64]) {
    let mut left = left;
    // Gives (or takes back) up to `most` at a line.
    let turn = |left: &mut i128, sharer: &Sharer, part: &mut i64, most: i64| {
        if sharer.weight <= 0 || *left == 0 {
            return;
        }
        let step = if *left > 0 {
            i128::from(sharer.room.saturating_sub(*part).clamp(0, most)).min(*left)
        } else {
            i128::from((*part).clamp(0, most).saturating_neg()).max(*left)
        };
        // Both stay between zero and the room.
        *part = part.saturating_add(i64::try_from(step).unwrap_or(0));
        *left = left.saturating_sub(step);
    };
    loop {
        let before = left;
        match rest {
            Rest::FirstLines => {
                for (sharer, part) in sharers.iter().zip(parts.iter_mut()) {
                    turn(&mut left, sharer, part, 1);
                }
            }
            Rest::LastLine => {
                for (sharer, part) in sharers.iter().zip(parts.iter_mut()).rev() {
                    turn(&mut left, sharer, part, i64::MAX);
                }
            }
            Rest::FirstWithRoom | Rest::Running | Rest::LargestRemainder if left > 0 => {
                for (sharer, part) in sharers.iter().zip(parts.iter_mut()) {
                    turn(&mut left, sharer, part, i64::MAX);
                }
            }
            Rest::FirstWithRoom | Rest::Running | Rest::LargestRemainder => {
                for (sharer, part) in sharers.iter().zip(parts.iter_mut()).rev() {
                    turn(&mut left, sharer, part, i64::MAX);
                }
            }
        }
        if left == 0 || left == before {
            return;
        }
    }
}

/// A line's share over its pieces: every piece has the first number, and the first so many one more.
pub fn over_pieces(amount: i64, pieces: i64) -> (i64, i64) {
    let each = amount.checked_div_euclid(pieces).unwrap_or(0);
    let more = amount.checked_rem_euclid(pieces).unwrap_or(0);
    (each, more)
}

/// Shares a whole among exact parts that add up to about it: each gets its floor, and one more goes to the largest
/// fractions; ties to the larger part, then to the earlier. `wholes` is cleared and holds one for each.
pub fn apportion(whole: i128, exact: &[Fraction], order: &mut Vec<usize>, wholes: &mut Vec<i128>) {
    wholes.clear();
    wholes.extend(exact.iter().map(|part| part.floor()));
    let given = wholes.iter().fold(0i128, |sum, part| sum.saturating_add(*part));
    let mut left = whole.saturating_sub(given);
    if left <= 0 {
        return;
    }
    order.clear();
    order.extend(0..exact.len());
    let part = |line: &usize| exact.get(*line).copied().unwrap_or_default();
    order.sort_unstable_by(|a, b| {
        let by_fraction = part(b).beyond_floor().compare(part(a).beyond_floor());
        by_fraction.then_with(|| part(b).compare(part(a))).then(a.cmp(b))
    });
    for line in order.iter() {
        if left == 0 {
            return;
        }
        if let Some(whole) = wholes.get_mut(*line) {
            *whole = whole.saturating_add(1);
            left = left.saturating_sub(1);
        }
    }
}
