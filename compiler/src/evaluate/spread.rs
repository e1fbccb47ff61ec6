//! Sharing an amount among lines so that the parts add up to it. Pure functions over slices; refuses to know rules,
//! records and what the amount is for.
//!
//! Each line comes with a weight and with the most it can take. A line of weight 0 takes nothing. What a line cannot
//! take is poured on to those with room, by the same weights; only then are the shares rounded, once, and what
//! rounding leaves over is handed out as [`Rest`] says.

use super::fraction::Fraction;
use crate::exact::divide_rounded;
use crate::ir::{FaultKind, Rest, Rounding};
use std::cmp::Ordering;

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
    /// Exact shares, as long as nothing is poured on.
    shares: Vec<Exact>,
    /// Lines by how much room they have for their weight.
    tight: Vec<usize>,
    /// The open lines by what remains of them.
    queue: Queue,
}

/// Lines in the order in which they get one more: the largest remainder first, then the larger line, then the earlier one.
/// Remainders and sizes of receipts fit one number with the line, which is many times quicker to put in order.
#[derive(Debug, Default)]
struct Queue {
    packed: Vec<u128>,
    /// All of them, where one does not fit.
    wide: Vec<(i128, i128, usize)>,
}

impl Queue {
    fn clear(&mut self) {
        self.packed.clear();
        self.wide.clear();
    }

    fn push(&mut self, remainder: i128, size: i128, line: usize) {
        if self.wide.is_empty() {
            if let Some(packed) = pack(remainder, size, line) {
                return self.packed.push(packed);
            }
            self.wide.extend(self.packed.drain(..).map(unpack));
        }
        self.wide.push((remainder, size, line));
    }

    /// The first so many lines, in any order; all, where there are no more.
    fn foremost(&mut self, count: i128) -> impl Iterator<Item = usize> {
        let packed = foremost(&mut self.packed, count, |a, b| b.cmp(a));
        let wide = foremost(&mut self.wide, count, |a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.cmp(&b.2)));
        packed.iter().map(|packed| unpack(*packed).2).chain(wide.iter().map(|(_, _, line)| *line))
    }
}

/// A remainder, a size and a line in a number that is larger for lines that come first.
fn pack(remainder: i128, size: i128, line: usize) -> Option<u128> {
    let (remainder, size) = (u32::try_from(remainder).ok()?, u64::try_from(size).ok()?);
    let line = u32::try_from(line).ok()?;
    Some(u128::from(remainder) << 96 | u128::from(size) << 32 | u128::from(!line))
}

fn unpack(packed: u128) -> (i128, i128, usize) {
    let [a, b, c, d, size @ .., e, f, g, h] = packed.to_be_bytes();
    let line = !u32::from_be_bytes([e, f, g, h]);
    (
        i128::from(u32::from_be_bytes([a, b, c, d])),
        i128::from(u64::from_be_bytes(size)),
        // From a number of at most so many bits.
        usize::try_from(line).unwrap_or(usize::MAX),
    )
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

        self.shares.clear();
        let mut exceeds = false;
        for (sharer, open) in sharers.iter().zip(&self.open) {
            let share = if *open { Exact::share(amount, sharer.weight, weights)? } else { Exact::default() };
            exceeds |= *open && share.exceeds(sharer.room);
            self.shares.push(share);
        }
        if exceeds {
            // A line whose share exceeds its room is filled and steps aside, which only raises the others' shares. Those
            // with the least room for their weight are filled first; where one is not, none after it is.
            self.tight.clear();
            self.tight.extend(self.open.iter().enumerate().filter(|(_, open)| **open).map(|(line, _)| line));
            let ratio = |line: &usize| {
                let sharer = sharers.get(*line);
                let of = sharer.map(|sharer| Fraction::new(i128::from(sharer.room), sharer.weight));
                of.and_then(Result::ok).unwrap_or_default()
            };
            self.tight.sort_unstable_by(|a, b| ratio(a).compare(ratio(b)).then(a.cmp(b)));
            for line in &self.tight {
                let Some((sharer, part)) = sharers.get(*line).zip(parts.get_mut(*line)) else { continue };
                if !Exact::share(amount, sharer.weight, weights)?.exceeds(sharer.room) {
                    break;
                }
                *part = sharer.room;
                if let Some(open) = self.open.get_mut(*line) {
                    *open = false;
                }
                amount = amount.checked_sub(i128::from(sharer.room)).ok_or(FaultKind::Overflow)?;
                weights = weights.checked_sub(sharer.weight).ok_or(FaultKind::Overflow)?;
            }
        }

        let mut left = amount;
        match rest {
            Rest::LargestRemainder => {
                self.queue.clear();
                let lines = sharers.iter().zip(parts.iter_mut()).zip(&self.open).zip(&self.shares);
                for (line, (((sharer, part), open), share)) in lines.enumerate() {
                    if !open {
                        continue;
                    }
                    let share = if exceeds { Exact::share(amount, sharer.weight, weights)? } else { *share };
                    *part = narrow(share.whole)?;
                    left = left.checked_sub(share.whole).ok_or(FaultKind::Overflow)?;
                    self.queue.push(share.rest, sharer.weight, line);
                }
                // Fewer are left over than there are lines with a remainder, and those have room for one more.
                for line in self.queue.foremost(left) {
                    if let Some(part) = parts.get_mut(line) {
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

/// `amount * weight / weights`: the whole part, and what remains of the division.
#[derive(Clone, Copy, Debug, Default)]
struct Exact {
    whole: i128,
    rest: i128,
}

impl Exact {
    fn share(amount: i128, weight: i128, weights: i128) -> Result<Exact, FaultKind> {
        // Amounts of receipts are small, and two numbers of 32 bits always fit.
        if let (Ok(amount), Ok(weight), Ok(weights)) =
            (u32::try_from(amount), u32::try_from(weight), u64::try_from(weights))
            && let product = u64::from(amount).wrapping_mul(u64::from(weight))
            && let (Some(whole), Some(rest)) = (product.checked_div(weights), product.checked_rem(weights))
        {
            return Ok(Exact { whole: i128::from(whole), rest: i128::from(rest) });
        }
        let product = amount.checked_mul(weight).ok_or(FaultKind::Overflow)?;
        let whole = divide_rounded(product, weights, Rounding::Down)?;
        let rest = product.checked_sub(whole.saturating_mul(weights)).ok_or(FaultKind::Overflow)?;
        Ok(Exact { whole, rest })
    }

    fn exceeds(self, room: i64) -> bool {
        let room = i128::from(room);
        self.whole > room || (self.whole == room && self.rest > 0)
    }
}

/// The first so many in an order in which no two are equal; all, where there are no more. They stand in any order.
fn foremost<T>(list: &mut [T], count: i128, order: impl FnMut(&T, &T) -> Ordering) -> &[T] {
    let count = usize::try_from(count).unwrap_or(if count < 0 { 0 } else { usize::MAX });
    if let Some(last) = count.checked_sub(1).filter(|last| *last < list.len()) {
        list.select_nth_unstable_by(last, order);
    }
    list.get(..count).unwrap_or(list)
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

/// Shares a whole among exact parts that add up to about it. Reusable memory.
#[derive(Debug, Default)]
pub struct Apportioner {
    queue: Queue,
    rests: Vec<(Fraction, usize)>,
}

impl Apportioner {
    /// Each part gets its floor, and one more goes to the largest fractions; ties to the larger part, then to the earlier.
    /// `wholes` is cleared and holds one for each.
    pub fn apportion(&mut self, whole: i128, exact: &[Fraction], wholes: &mut Vec<i128>) {
        wholes.clear();
        wholes.extend(exact.iter().map(|part| part.floor()));
        let given = wholes.iter().fold(0i128, |sum, part| sum.saturating_add(*part));
        let left = whole.saturating_sub(given);
        if left <= 0 {
            return;
        }
        let rests = exact.iter().zip(wholes.iter()).map(|(part, floor)| part.beyond(*floor));
        let denominator = exact.first().map(|part| part.denominator());
        let are_alike = exact.iter().all(|part| Some(part.denominator()) == denominator);
        self.queue.clear();
        self.rests.clear();
        if are_alike {
            for (line, (rest, part)) in rests.zip(exact).enumerate() {
                self.queue.push(rest.numerator(), part.numerator(), line);
            }
        } else {
            self.rests.extend(rests.zip(0..));
        }
        let part = |line: usize| exact.get(line).copied().unwrap_or_default();
        let ahead = |(a, of_a): &(Fraction, usize), (b, of_b): &(Fraction, usize)| {
            b.compare(*a).then_with(|| part(*of_b).compare(part(*of_a))).then(of_a.cmp(of_b))
        };
        let rests = foremost(&mut self.rests, left, ahead).iter().map(|(_, line)| *line);
        for line in self.queue.foremost(left).chain(rests) {
            if let Some(whole) = wholes.get_mut(line) {
                *whole = whole.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RESTS: [Rest; 5] =
        [Rest::LargestRemainder, Rest::FirstLines, Rest::LastLine, Rest::FirstWithRoom, Rest::Running];
    const MODES: [Rounding; 5] =
        [Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown, Rounding::Down, Rounding::Up];

    fn spread(total: i64, sharers: &[Sharer], rounding: Rounding, rest: Rest) -> Vec<i64> {
        let mut parts = vec![7; 3];
        Spreader::default().spread(total, sharers, rounding, rest, &mut parts).unwrap();
        parts
    }

    fn of(lines: &[(i128, i64)]) -> Vec<Sharer> {
        lines.iter().map(|(weight, room)| Sharer { weight: *weight, room: *room }).collect()
    }

    /// The same by fractions and by trying: fill every line whose exact share exceeds its room, all at once, until none
    /// does; then give one unit after another to the line that is furthest below its exact share.
    fn slow(total: i64, sharers: &[Sharer]) -> Vec<i64> {
        let mut full: Vec<Option<i64>> =
            sharers.iter().map(|s| (s.weight <= 0 || s.room <= 0).then_some(0)).collect();
        let room: i128 =
            sharers.iter().zip(&full).filter(|(_, f)| f.is_none()).map(|(s, _)| i128::from(s.room)).sum();
        let total = i128::from(total).min(room).max(0);
        let exact = loop {
            let left = total - full.iter().flatten().map(|part| i128::from(*part)).sum::<i128>();
            let weights: i128 =
                sharers.iter().zip(&full).filter(|(_, f)| f.is_none()).map(|(s, _)| s.weight).sum();
            let exact: Vec<Fraction> = sharers
                .iter()
                .zip(&full)
                .map(|(s, f)| match f {
                    Some(part) => Fraction::count(*part),
                    None => Fraction::new(left * s.weight, weights).unwrap(),
                })
                .collect();
            let over: Vec<usize> = (0..sharers.len())
                .filter(|i| {
                    full[*i].is_none()
                        && exact[*i].compare(Fraction::count(sharers[*i].room)) == Ordering::Greater
                })
                .collect();
            if over.is_empty() {
                break exact;
            }
            over.iter().for_each(|i| full[*i] = Some(sharers[*i].room));
        };
        let mut parts: Vec<i64> = exact.iter().map(|part| i64::try_from(part.floor()).unwrap()).collect();
        while parts.iter().map(|part| i128::from(*part)).sum::<i128>() < total {
            let behind = |i: usize| exact[i].minus(Fraction::count(parts[i])).unwrap();
            let most = (0..parts.len())
                .reduce(|best, next| {
                    let order = behind(next)
                        .compare(behind(best))
                        .then(sharers[next].weight.cmp(&sharers[best].weight));
                    if order == Ordering::Greater { next } else { best }
                })
                .unwrap();
            parts[most] += 1;
        }
        parts
    }

    #[test]
    fn by_hand() {
        // 1.00 over 1:1:1 rounds to 0.33 each
        let thirds = of(&[(1, 900), (1, 900), (1, 900)]);
        assert_eq!(spread(100, &thirds, Rounding::Down, Rest::LargestRemainder), [34, 33, 33]);
        assert_eq!(spread(101, &thirds, Rounding::Down, Rest::FirstLines), [34, 34, 33]);
        assert_eq!(spread(101, &thirds, Rounding::Down, Rest::FirstWithRoom), [35, 33, 33]);
        assert_eq!(spread(101, &thirds, Rounding::Down, Rest::LastLine), [33, 33, 35]);
        // rounded up to 0.34 each, 0.02 too much
        assert_eq!(spread(100, &thirds, Rounding::Up, Rest::FirstLines), [33, 33, 34]);
        assert_eq!(spread(100, &thirds, Rounding::Up, Rest::LastLine), [34, 34, 32]);
        assert_eq!(spread(100, &thirds, Rounding::Up, Rest::FirstWithRoom), [34, 34, 32]);
        // 0.333, 0.667, 1.00
        assert_eq!(spread(100, &thirds, Rounding::HalfUp, Rest::Running), [33, 34, 33]);
        // 0.5, 1.5: half to even makes that 0 and 2, more than the second has room for
        let halves = of(&[(1, 9), (2, 1), (1, 9)]);
        assert_eq!(spread(2, &halves, Rounding::HalfEven, Rest::Running), [1, 1, 0]);
        // equal fractions: the larger weight, then the first
        assert_eq!(
            spread(3, &of(&[(1, 9), (3, 9), (1, 9), (1, 9)]), Rounding::Down, Rest::LargestRemainder),
            [1, 2, 0, 0]
        );
        // poured on twice: 10 each, then 15, then 25
        let steps = of(&[(1, 5), (1, 14), (1, 99), (0, 99), (1, 0)]);
        assert_eq!(spread(44, &steps, Rounding::Down, Rest::LargestRemainder), [5, 14, 25, 0, 0]);
        // more than there is room for, and nothing to share
        assert_eq!(spread(1000, &steps, Rounding::HalfUp, Rest::FirstLines), [5, 14, 99, 0, 0]);
        assert_eq!(spread(-5, &steps, Rounding::HalfUp, Rest::FirstLines), [0; 5]);
        assert_eq!(spread(5, &[], Rounding::HalfUp, Rest::LastLine), [0; 0]);
    }

    #[test]
    fn too_large_is_a_fault() {
        let mut parts = Vec::new();
        let huge = of(&[(i128::MAX, 5), (1, 5)]);
        let outcome = Spreader::default().spread(3, &huge, Rounding::Down, Rest::LastLine, &mut parts);
        assert_eq!(outcome, Err(FaultKind::Overflow));
        let large = of(&[(i128::from(i64::MAX), i64::MAX), (i128::from(i64::MAX), i64::MAX)]);
        assert_eq!(
            spread(i64::MAX, &large, Rounding::Down, Rest::LargestRemainder),
            [i64::MAX / 2 + 1, i64::MAX / 2]
        );
    }

    fn lines() -> impl Strategy<Value = Vec<Sharer>> {
        let weight = prop_oneof![Just(0i128), 0i128..5, 0i128..100_000, 0i128..1 << 62];
        let room = prop_oneof![Just(0i64), 0i64..5, 0i64..100_000, 0..i64::MAX];
        proptest::collection::vec((weight, room).prop_map(|(weight, room)| Sharer { weight, room }), 0..12)
    }

    proptest! {
        #[test]
        fn parts_add_up_and_keep_to_their_room(lines in lines(), total in prop_oneof![0i64..50, 0i64..1_000_000, 0..i64::MAX]) {
            let takes = |s: &&Sharer| s.weight > 0;
            let room: i128 = lines.iter().filter(takes).map(|s| i128::from(s.room)).sum();
            for rest in RESTS {
                for rounding in MODES {
                    let parts = spread(total, &lines, rounding, rest);
                    prop_assert_eq!(parts.len(), lines.len());
                    let sum: i128 = parts.iter().map(|part| i128::from(*part)).sum();
                    prop_assert_eq!(sum, i128::from(total).min(room), "{:?} {:?}", rest, rounding);
                    for (part, line) in parts.iter().zip(&lines) {
                        prop_assert!((0..=line.room).contains(part), "{:?} {:?} {} {:?}", rest, rounding, part, line);
                        prop_assert!(line.weight > 0 || *part == 0);
                    }
                }
            }
        }

        #[test]
        fn the_largest_remainder_is_what_trying_finds(lines in lines(), total in prop_oneof![0i64..50, 0i64..1_000_000]) {
            prop_assert_eq!(spread(total, &lines, Rounding::Up, Rest::LargestRemainder), slow(total, &lines));
        }

        #[test]
        fn the_largest_remainder_does_not_depend_on_order(lines in lines(), total in 0i64..1_000_000, turn in 0usize..12) {
            // lines that are alike may swap what they get; every kind of line gets the same in all
            let mut turned = lines.clone();
            turned.rotate_left(turn.min(lines.len()));
            let told = |lines: &[Sharer]| {
                let parts = spread(total, lines, Rounding::Down, Rest::LargestRemainder);
                let mut told: Vec<_> = lines.iter().zip(parts).map(|(s, part)| (s.weight, s.room, part)).collect();
                told.sort_unstable();
                // of equal fractions and weights the lower position has one more, whatever its room
                let mut told: Vec<_> = told.into_iter().map(|(weight, _, part)| (weight, part)).collect();
                told.sort_unstable();
                told
            };
            prop_assert_eq!(told(&lines), told(&turned));
        }

        #[test]
        fn every_rest_is_near_the_exact_share(weights in proptest::collection::vec(1i128..1000, 1..9), total in 0i64..100_000) {
            // without want of room no part is a whole unit off, but for the lines that the rest is heaped upon
            let lines: Vec<Sharer> = weights.iter().map(|w| Sharer { weight: *w, room: i64::MAX }).collect();
            let sum: i128 = weights.iter().sum();
            for rounding in MODES {
                let parts = spread(total, &lines, rounding, Rest::LargestRemainder);
                for (part, weight) in parts.iter().zip(&weights) {
                    prop_assert!((i128::from(*part) * sum - i128::from(total) * weight).abs() < sum);
                }
                for rest in [Rest::FirstLines, Rest::Running] {
                    for (part, weight) in spread(total, &lines, rounding, rest).iter().zip(&weights) {
                        prop_assert!((i128::from(*part) * sum - i128::from(total) * weight).abs() < 2 * sum);
                    }
                }
            }
        }

        #[test]
        fn pieces_add_up(amount in 0i64..1_000_000, pieces in 1i64..1000) {
            let (each, more) = over_pieces(amount, pieces);
            prop_assert_eq!(each * pieces + more, amount);
            prop_assert!((0..pieces).contains(&more));
        }

        #[test]
        fn wholes_add_up(parts in proptest::collection::vec((0i128..10_000, 1i128..100), 1..9)) {
            let exact: Vec<Fraction> = parts.iter().map(|(num, den)| Fraction::new(*num, *den).unwrap()).collect();
            let sum = exact.iter().fold(Fraction::ZERO, |sum, part| sum.plus(*part).unwrap());
            for rounding in MODES {
                let whole = sum.round(rounding).unwrap();
                let mut wholes = Vec::new();
                Apportioner::default().apportion(whole, &exact, &mut wholes);
                prop_assert_eq!(wholes.iter().sum::<i128>(), whole);
                for (part, whole) in exact.iter().zip(&wholes) {
                    prop_assert!((part.floor()..=part.ceiling()).contains(whole));
                }
            }
        }

        /// Of one denominator, small or large, and of several.
        #[test]
        fn the_largest_fractions_get_one_more(
            numbers in proptest::collection::vec(prop_oneof![-9i128..50, 0i128..1 << 70], 1..40),
            dens in prop_oneof![
                Just(vec![1_000_000i128]), Just(vec![7]), Just(vec![1 << 40]), Just(vec![3, 1, 7])
            ],
            left in -1i128..45,
        ) {
            let exact: Vec<Fraction> = numbers
                .iter()
                .zip(dens.iter().cycle())
                .map(|(num, den)| Fraction::new(*num, *den).unwrap())
                .collect();
            let floors: Vec<i128> = exact.iter().map(|part| part.floor()).collect();
            let mut order: Vec<usize> = (0..exact.len()).collect();
            let fraction = |line: usize| exact[line].minus(Fraction::whole(floors[line])).unwrap();
            order.sort_by(|a, b| {
                fraction(*b).compare(fraction(*a)).then(exact[*b].compare(exact[*a])).then(a.cmp(b))
            });
            let mut expected = floors.clone();
            for line in order.iter().zip(0..left).map(|(line, _)| *line) {
                expected[line] += 1;
            }
            let mut wholes = vec![3];
            Apportioner::default().apportion(floors.iter().sum::<i128>() + left, &exact, &mut wholes);
            prop_assert_eq!(wholes, expected);
        }
    }
}
