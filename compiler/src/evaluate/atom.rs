//! What a condition asks of one slot: answered for a value, and written out as the ranges of values that satisfy it,
//! which is what an index is made of. Refuses to know rules.

use super::{Bindings, Bits, RecordView};
use crate::ir::ranges::{FIRST, Ranges, joined, outside};
use crate::ir::{Atom, AtomTest, MISSING, SlotId};

/// The event's slot, or missing where the record has none.
#[inline]
pub(super) fn event_value(record: RecordView<'_>, slot: SlotId) -> i64 {
    record.event.get(slot.index()).copied().unwrap_or(MISSING)
}

/// The symbols a set slot points to; none where it is missing or points nowhere.
#[inline]
pub(super) fn symbols(record: RecordView<'_>, value: i64) -> &[u32] {
    let Ok(value) = u64::try_from(value) else { return &[] };
    let (Ok(start), Ok(length)) = (usize::try_from(value >> 32), usize::try_from(value & 0xffff_ffff)) else {
        return &[];
    };
    start.checked_add(length).and_then(|end| record.symbols.get(start..end)).unwrap_or(&[])
}

/// Whether a value satisfies an atom.
pub(super) fn holds(atom: &Atom, value: i64, record: RecordView<'_>, bindings: &Bindings) -> bool {
    if value == MISSING {
        return atom.test == AtomTest::Known && atom.negated;
    }
    let answer = match &atom.test {
        AtomTest::Known => true,
        AtomTest::Between(low, high) => (*low..=*high).contains(&value),
        AtomTest::OneOf(values) => values.binary_search(&value).is_ok(),
        AtomTest::In(reference) => {
            bindings.references.get(reference.index()).is_some_and(|bits| bits.contains(value))
        }
        AtomTest::Has(reference) => bindings.references.get(reference.index()).is_some_and(|bits| {
            symbols(record, value).iter().any(|symbol| bits.contains(i64::from(*symbol)))
        }),
    };
    answer != atom.negated
}

/// Whether the event satisfies an atom, with the value that it met and, of a set, the symbols.
pub(crate) fn fact(atom: &Atom, record: RecordView<'_>, bindings: &Bindings) -> (bool, i64, Vec<u32>) {
    let value = event_value(record, atom.slot);
    let symbols = match &atom.test {
        AtomTest::Has(_) => symbols(record, value).to_vec(),
        AtomTest::Known | AtomTest::Between(..) | AtomTest::OneOf(_) | AtomTest::In(_) => Vec::new(),
    };
    (holds(atom, value, record, bindings), value, symbols)
}

/// Whether one line satisfies all of these.
pub(super) fn line_holds<'a>(
    atoms: impl Iterator<Item = &'a Atom>,
    line: &[i64],
    record: RecordView<'_>,
    bindings: &Bindings,
) -> bool {
    let mut atoms = atoms;
    atoms.all(|atom| holds(atom, line.get(atom.slot.index()).copied().unwrap_or(MISSING), record, bindings))
}

/// The values that satisfy an atom; of a set atom, the symbols that its reference matches, whether negated or not.
pub(super) fn ranges(atom: &Atom, bindings: &Bindings) -> Ranges {
    let matched = match &atom.test {
        AtomTest::Known => {
            return if atom.negated { vec![(MISSING, MISSING)] } else { vec![(FIRST, i64::MAX)] };
        }
        AtomTest::Between(low, high) => {
            let low = (*low).max(FIRST);
            if low <= *high { vec![(low, *high)] } else { Vec::new() }
        }
        AtomTest::OneOf(values) => joined(values.iter().copied().filter(|value| *value != MISSING)),
        AtomTest::In(reference) => reference_ranges(bindings.references.get(reference.index())),
        AtomTest::Has(reference) => return reference_ranges(bindings.references.get(reference.index())),
    };
    if atom.negated { outside(&matched, FIRST) } else { matched }
}

/// The symbols of a bit set.
pub(super) fn reference_ranges(bits: Option<&Bits>) -> Ranges {
    let words = bits.map_or(&[][..], |bits| &bits.words);
    joined(words.iter().zip((0i64..).step_by(64)).flat_map(|(word, start)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            (bit < 64).then(|| start.saturating_add(i64::from(bit)))
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{ReferenceId, Space};
    use proptest::prelude::*;

    fn within(ranges: &[(i64, i64)], value: i64) -> bool {
        ranges.iter().any(|(low, high)| (*low..=*high).contains(&value))
    }

    fn record() -> RecordView<'static> {
        RecordView {
            event: &[],
            lines: &[],
            line_width: 0,
            payments: &[],
            payment_width: 0,
            tables: &[],
            symbols: &[1, 5, 9],
            params: &[],
            rows: None,
            holds: false,
        }
    }

    fn test() -> impl Strategy<Value = AtomTest> {
        prop_oneof![
            Just(AtomTest::Known),
            (-20i64..80, -20i64..80).prop_map(|(a, b)| AtomTest::Between(a, b)),
            (0i64..80).prop_map(|b| AtomTest::Between(i64::MIN, b)),
            (0i64..80).prop_map(|a| AtomTest::Between(a, i64::MAX)),
            proptest::collection::btree_set(-10i64..80, 0..9)
                .prop_map(|values| AtomTest::OneOf(values.into_iter().collect())),
            (0u32..3).prop_map(|reference| AtomTest::In(ReferenceId(reference))),
        ]
    }

    proptest! {
        #[test]
        fn ranges_say_what_holds_says(test in test(), negated: bool, words in proptest::collection::vec(any::<u64>(), 0..3), mut values in proptest::collection::vec(-25i64..200, 50)) {
            let bindings = Bindings { references: vec![Bits { words }, Bits::default()], ..Bindings::default() };
            let atom = Atom { space: Space::Event, slot: SlotId(0), test, negated };
            let ranges = ranges(&atom, &bindings);
            values.extend([MISSING, i64::MAX, FIRST]);
            for value in values {
                prop_assert_eq!(within(&ranges, value), holds(&atom, value, record(), &bindings), "{}", value);
            }
            for pair in ranges.windows(2) {
                prop_assert!(pair[0].1 < pair[1].0);
            }
        }
    }

    #[test]
    fn sets() {
        let mut bits = Bits::default();
        bits.insert(5);
        let bindings = Bindings { references: vec![bits], ..Bindings::default() };
        let has = |negated| Atom {
            space: Space::Event,
            slot: SlotId(0),
            test: AtomTest::Has(ReferenceId(0)),
            negated,
        };
        let all = 3i64; // from 0, three of them
        let first = 1i64;
        assert!(holds(&has(false), all, record(), &bindings));
        assert!(!holds(&has(false), first, record(), &bindings));
        assert!(holds(&has(true), first, record(), &bindings));
        assert!(!holds(&has(false), MISSING, record(), &bindings));
        assert!(!holds(&has(true), MISSING, record(), &bindings));
        assert!(!holds(&has(false), i64::MAX, record(), &bindings), "points nowhere");
    }
}
