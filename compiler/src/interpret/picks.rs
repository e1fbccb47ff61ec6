//! Picks: the cheapest, the dearest, the cheapest of each three, every n-th. On runs, never on pieces: a line of ten
//! million pieces costs what a line of one piece costs.
//!
//! Refuses to know records, fuel and engines: it is given runs and fills counts.

use crate::ir::Element;
use std::cmp::Reverse;

/// The selected pieces of one line, which are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// By what the pick sorts: the price of a piece, or another slot.
    pub key: i64,
    /// The line's row.
    pub row: usize,
    /// Selected pieces, above zero.
    pub pieces: i64,
}

/// Which part of the elements, in their order, a pick takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first so many.
    First(i64),
    /// Of each full group of `every` the first `count`.
    FirstInEvery {
        /// How many of each.
        count: i64,
        /// Size of a group.
        every: u32,
    },
    /// Of each full group of `every` the last `count`.
    LastInEvery {
        /// How many of each.
        count: i64,
        /// Size of a group.
        every: u32,
    },
    /// The n-th, 2n-th, 3n-th …
    EveryNth(u32),
}

/// Puts the smallest key first, ties by row.
pub fn ascending(runs: &mut [Run]) {
    runs.sort_unstable_by_key(|run| (run.key, run.row));
}

/// Puts the largest key first, ties by row.
pub fn descending(runs: &mut [Run]) {
    runs.sort_unstable_by_key(|run| (Reverse(run.key), run.row));
}

/// Puts runs whose key is `last` behind the others, ties by row.
pub fn ordered(runs: &mut [Run], largest_first: bool, last: i64) {
    if largest_first {
        runs.sort_unstable_by_key(|run| (run.key == last, Reverse(run.key), run.row));
    } else {
        runs.sort_unstable_by_key(|run| (run.key == last, run.key, run.row));
    }
}

/// Takes a part of the sorted runs: `take` is told each row and how many of its pieces.
pub fn pick(runs: &[Run], part: Part, element: Element, mut take: impl FnMut(usize, i64)) {
    let elements = |run: &Run| match element {
        Element::Unit => i128::from(run.pieces),
        Element::Line => 1,
    };
    // Sums of 64-bit numbers: they cannot leave 128 bits.
    let total: i128 = runs.iter().map(elements).sum();
    let (mut end, mut before) = (0, 0);
    for run in runs {
        end += elements(run);
        let until = part.before(end, total);
        let taken = until - before;
        before = until;
        match element {
            // At most the run's own pieces, so that the conversion always succeeds.
            Element::Unit => take(run.row, i64::try_from(taken).unwrap_or(run.pieces)),
            Element::Line if taken > 0 => take(run.row, run.pieces),
            Element::Line => {}
        }
    }
}

impl Part {
    /// How many of the first `position` of `total` elements it takes.
    fn before(self, position: i128, total: i128) -> i128 {
        let groups = |count: i64, every: u32| {
            let every = i128::from(every.max(1));
            let (all, _) = divide(total, every);
            let (full, rest) = divide(position, every);
            // What no longer fills a group counts as the end of the last full one.
            let (full, rest) = if full < all { (full, rest) } else { (all, 0) };
            (i128::from(count).clamp(0, every), every, full, rest)
        };
        match self {
            Part::First(count) => position.min(i128::from(count).max(0)),
            Part::FirstInEvery { count, every } => {
                let (count, _, full, rest) = groups(count, every);
                full * count + rest.min(count)
            }
            Part::LastInEvery { count, every } => {
                let (count, every, full, rest) = groups(count, every);
                full * count + (rest - (every - count)).max(0)
            }
            Part::EveryNth(nth) => divide(position, i128::from(nth.max(1))).0,
        }
    }
}

/// Quotient and rest of numbers that are not negative, by a divisor above zero; by 64-bit division where both fit, which is
/// many times quicker.
fn divide(num: i128, den: i128) -> (i128, i128) {
    match (u64::try_from(num), u64::try_from(den)) {
        (Ok(num), Ok(den)) => (i128::from(num / den), i128::from(num % den)),
        (Ok(_), Err(_)) | (Err(_), Ok(_) | Err(_)) => (num / den, num % den),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: a list of elements, one by one.
    fn expanded(runs: &[Run], part: Part, element: Element) -> Vec<i64> {
        let elements: Vec<(usize, i64)> = runs
            .iter()
            .flat_map(|run| match element {
                Element::Unit => vec![(run.row, 1); usize::try_from(run.pieces).unwrap()],
                Element::Line => vec![(run.row, run.pieces)],
            })
            .collect();
        let mut taken = vec![0; 32];
        for (index, (row, pieces)) in elements.iter().enumerate() {
            let index = i64::try_from(index).unwrap();
            let total = i64::try_from(elements.len()).unwrap();
            let full = |every: u32| index / i64::from(every) < total / i64::from(every);
            let chosen = match part {
                Part::First(count) => index < count,
                Part::FirstInEvery { count, every } => full(every) && index % i64::from(every) < count,
                Part::LastInEvery { count, every } => {
                    full(every) && i64::from(every) - index % i64::from(every) <= count
                }
                Part::EveryNth(nth) => (index + 1) % i64::from(nth) == 0,
            };
            if chosen {
                taken[*row] += pieces;
            }
        }
        taken
    }

    fn picked(runs: &[Run], part: Part, element: Element) -> Vec<i64> {
        let mut taken = vec![0; 32];
        pick(runs, part, element, |row, pieces| taken[row] = pieces);
        taken
    }

    fn parts() -> impl Strategy<Value = Part> {
        prop_oneof![
            (-2i64..40).prop_map(Part::First),
            (-2i64..9, 1u32..8).prop_map(|(count, every)| Part::FirstInEvery { count, every }),
            (-2i64..9, 1u32..8).prop_map(|(count, every)| Part::LastInEvery { count, every }),
            (1u32..9).prop_map(Part::EveryNth),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn runs_pick_what_pieces_would(
            rows in proptest::collection::vec((0i64..5, 1i64..12), 0..12),
            part in parts(),
            units: bool,
            largest_first: bool,
        ) {
            let mut runs: Vec<Run> =
                rows.iter().enumerate().map(|(row, (key, pieces))| Run { key: *key, row, pieces: *pieces }).collect();
            ordered(&mut runs, largest_first, 3);
            // A stable sort of the rows is the other way to put ties in the order of their positions.
            let mut stable: Vec<Run> =
                rows.iter().enumerate().map(|(row, (key, pieces))| Run { key: *key, row, pieces: *pieces }).collect();
            stable.sort_by_key(|run| (run.key == 3, if largest_first { -run.key } else { run.key }));
            prop_assert_eq!(&runs, &stable);
            let element = if units { Element::Unit } else { Element::Line };
            prop_assert_eq!(picked(&runs, part, element), expanded(&runs, part, element));
        }
    }

    #[test]
    fn enormous_runs_are_counted_not_walked() {
        let runs: Vec<Run> = (0..30).map(|row| Run { key: 1, row, pieces: i64::MAX }).collect();
        let every = Part::LastInEvery { count: 1, every: u32::MAX };
        let taken = picked(&runs, every, Element::Unit);
        let total: i128 = taken.iter().map(|pieces| i128::from(*pieces)).sum();
        assert_eq!(total, 30 * i128::from(i64::MAX) / i128::from(u32::MAX));
        assert_eq!(picked(&runs, Part::First(i64::MAX), Element::Unit)[..2], [i64::MAX, 0]);
        assert_eq!(picked(&runs, Part::EveryNth(1), Element::Unit)[29], i64::MAX);
    }
}
