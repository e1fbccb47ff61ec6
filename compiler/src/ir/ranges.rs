//! Sets of numbers as ranges: what conditions on one number allow. Refuses to know what the number is.

use super::MISSING;

/// The smallest value that is present.
pub const FIRST: i64 = MISSING + 1;

/// Ranges of values, both ends included, ascending, with something between them.
pub type Ranges = Vec<(i64, i64)>;

/// Ascending values with neighbours joined.
pub fn joined(values: impl Iterator<Item = i64>) -> Ranges {
    let mut ranges: Ranges = Vec::new();
    for value in values {
        match ranges.last_mut() {
            Some((_, high)) if value <= *high || value == high.saturating_add(1) => *high = value.max(*high),
            Some(_) | None => ranges.push((value, value)),
        }
    }
    ranges
}

/// The values from `first` on that are in none of them.
pub fn outside(ranges: &[(i64, i64)], first: i64) -> Ranges {
    let mut outside = Vec::new();
    let mut next = Some(first);
    for (low, high) in ranges {
        if let Some(start) = next
            && start < *low
        {
            outside.push((start, low.saturating_sub(1)));
        }
        next = high.checked_add(1);
    }
    if let Some(start) = next {
        outside.push((start, i64::MAX));
    }
    outside
}

/// The values in both.
pub fn intersection(a: &[(i64, i64)], b: &[(i64, i64)]) -> Ranges {
    let mut both = Vec::new();
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    while let (Some((a_low, a_high)), Some((b_low, b_high))) = (left.peek(), right.peek()) {
        let (low, high) = (*a_low.max(b_low), *a_high.min(b_high));
        if low <= high {
            both.push((low, high));
        }
        if a_high <= b_high {
            left.next();
        } else {
            right.next();
        }
    }
    both
}

/// The values in either.
pub fn union(a: &[(i64, i64)], b: &[(i64, i64)]) -> Ranges {
    let mut all: Ranges = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    let mut either: Ranges = Vec::new();
    for (low, high) in all {
        match either.last_mut() {
            Some((_, last)) if low <= last.saturating_add(1) => *last = high.max(*last),
            Some(_) | None => either.push((low, high)),
        }
    }
    either
}

/// Whether every value of the first is in the second.
pub fn within(inner: &[(i64, i64)], outer: &[(i64, i64)]) -> bool {
    inner.iter().all(|(low, high)| outer.iter().any(|(first, last)| first <= low && high <= last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(ranges: &[(i64, i64)], value: i64) -> bool {
        ranges.iter().any(|(low, high)| (*low..=*high).contains(&value))
    }

    proptest! {
        #[test]
        fn intersection_is_both_and_union_either(a in proptest::collection::btree_set(0i64..40, 0..20), b in proptest::collection::btree_set(0i64..40, 0..20)) {
            let both = intersection(&joined(a.iter().copied()), &joined(b.iter().copied()));
            let either = union(&joined(a.iter().copied()), &joined(b.iter().copied()));
            let left = joined(a.iter().copied());
            prop_assert_eq!(within(&left, &joined(b.iter().copied())), a.is_subset(&b));
            for value in 0..40 {
                prop_assert_eq!(holds(&outside(&left, i64::MIN), value), !a.contains(&value));
                prop_assert_eq!(holds(&both, value), a.contains(&value) && b.contains(&value));
                prop_assert_eq!(holds(&either, value), a.contains(&value) || b.contains(&value));
            }
        }
    }

    #[test]
    fn what_is_outside_begins_where_it_is_said_to() {
        assert_eq!(outside(&[], i64::MIN), [(i64::MIN, i64::MAX)]);
        assert_eq!(outside(&[(i64::MIN, 3), (5, i64::MAX)], i64::MIN), [(4, 4)]);
        assert_eq!(outside(&[(2, 3)], FIRST), [(FIRST, 1), (4, i64::MAX)]);
    }
}
