//! Where lines lead, remembered: most lines of most events are of products that were met before, and what a line's values
//! have filed under them does not change. Refuses to know events; it forgets all when it grows too large.

use super::{Hit, Index, lines};
use crate::evaluate::RecordView;
use crate::evaluate::atom::symbols;
use crate::ir::{MISSING, SlotId};
use std::sync::Arc;

/// The fewest and the most pairs of lines that are remembered; so few where it is tested that lines make way for others.
const PAIRS: (usize, usize) = if cfg!(test) { (2, 2) } else { (1 << 13, 1 << 14) };
/// Numbers that make keys, and words of bits, that are remembered at most.
const MOST: (usize, usize) = if cfg!(test) { (64, 64) } else { (1 << 17, 1 << 20) };

/// Lines that are looked for at a stretch.
const PENDING: usize = if cfg!(test) { 2 } else { 16 };

/// The part of what is filed that a line leads to.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    start: u32,
    end: u32,
    line: u32,
}

/// What was found filed under the values of lines.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// Of which index it is.
    of: Option<Arc<()>>,
    /// The hash of its values says in which pair a line is, and the last two of those stay.
    pairs: Vec<Pair>,
    keys: Vec<i64>,
    filed: Vec<(u32, u64)>,
    /// How much of what is filed belongs to lines that are remembered.
    remembered: usize,
}

/// Numbers of a line by which it is known ([`Index::numbers`]), each in 31 bits; two in each word.
type Numbers = [u64; 2];

/// As large as what a processor's cache fetches at once. The line that was met last is the first.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Pair([Place; 2]);

/// A line that is remembered. What another one needs no more room for goes into its place, so that lines which take turns
/// at a place take no more memory than the largest of them.
#[derive(Clone, Copy, Debug)]
struct Place {
    numbers: Numbers,
    /// Where its other values begin: each number, of sets how many symbols and which.
    key: u32,
    /// Its part of what is filed.
    start: u32,
    end: u32,
    /// How many other values and how much of what is filed have room there, at least.
    key_room: u16,
    room: u16,
}

impl Pair {
    const EMPTY: Pair = Pair([Place::EMPTY; 2]);
}

impl Place {
    /// No line has such numbers.
    const EMPTY: Place = Place { numbers: [u64::MAX; 2], key: 0, start: 0, end: 0, key_room: 0, room: 0 };

    #[inline]
    fn is_of(&self, [a, b]: Numbers) -> bool {
        (a ^ self.numbers[0]) | (b ^ self.numbers[1]) == 0
    }
}

impl Memo {
    /// Forgets what was filed in another index.
    pub(super) fn enter(&mut self, index: &Index) {
        if self.of.as_ref().is_none_or(|of| !Arc::ptr_eq(of, &index.identity)) {
            self.of = Some(Arc::clone(&index.identity));
            // The more values have rules filed under them, the more it takes to find those of a line anew.
            let values: usize = index.keys.iter().map(|keys| keys.filed.rows.len()).sum();
            self.pairs.resize(values.clamp(PAIRS.0, PAIRS.1).next_power_of_two(), Pair::EMPTY);
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.pairs.fill(Pair::EMPTY);
        self.keys.clear();
        self.filed.clear();
        self.remembered = 0;
    }

    /// Notes which rules of a mask are filed under the values of lines: those of each line by word, each word once.
    ///
    /// Lines are found before what they lead to is looked at. Where they are found nobody foresees: looking for one after another,
    /// a processor waits for the memory of all of them at once, and would wait for each if it had to guess in between what a line
    /// leads to.
    pub(super) fn lead(&mut self, index: &Index, view: &RecordView<'_>, mask: &[u64], hits: &mut Vec<Hit>) {
        let (mut parts, mut pending) = ([Part::default(); PENDING], 0usize);
        for (line, number) in lines(*view).zip(0u32..) {
            let numbers = numbers_of(index, line);
            // There are as many pairs as a power of two.
            let at = numbers.map(|numbers| {
                (numbers, hash_of(numbers, index, line, view) & self.pairs.len().wrapping_sub(1))
            });
            let known =
                at.and_then(|(numbers, at)| self.known(self.pairs.get(at)?, numbers, index, line, view));
            if known.is_none() {
                // A line that is met may go where another one of these was.
                self.take(parts.get(..pending).unwrap_or(&[]), mask, hits);
                pending = 0;
            }
            let (start, end) = known.unwrap_or_else(|| self.meet(index, line, view, at));
            if let Some(part) = parts.get_mut(pending) {
                *part = Part { start, end, line: number };
                pending = pending.wrapping_add(1);
            }
            if pending == PENDING {
                self.take(&parts, mask, hits);
                pending = 0;
            }
        }
        self.take(parts.get(..pending).unwrap_or(&[]), mask, hits);
    }

    /// What a line leads to that is remembered in a pair.
    #[inline]
    fn known(
        &self,
        Pair(places): &Pair,
        numbers: Numbers,
        index: &Index,
        line: &[i64],
        view: &RecordView<'_>,
    ) -> Option<(u32, u32)> {
        let place = if index.besides.is_empty() {
            // Which of the two it is nobody foresees.
            let second = usize::from(!places[0].is_of(numbers));
            places.get(second).filter(|place| place.is_of(numbers))
        } else {
            places.iter().find(|place| place.is_of(numbers) && self.is_of(place, index, line, view))
        };
        place.map(|place| (place.start, place.end))
    }

    /// Notes what is left of parts. Most rules under a line are not left: all are written down, each where the last one stands that
    /// is.
    fn take(&self, parts: &[Part], mask: &[u64], hits: &mut Vec<Hit>) {
        let mut count = hits.len();
        let most =
            parts.iter().fold(0u32, |most, part| most.saturating_add(part.end.saturating_sub(part.start)));
        hits.resize(count.saturating_add(super::index(most)), Hit::default());
        for Part { start, end, line } in parts {
            let filed = self.filed.get(super::index(*start)..super::index(*end)).unwrap_or(&[]);
            for (word, bits) in filed {
                let bits = bits & mask.get(super::index(*word)).copied().unwrap_or(0);
                if let Some(hit) = hits.get_mut(count) {
                    *hit = Hit { word: *word, line: *line, bits };
                }
                count = count.wrapping_add(usize::from(bits != 0));
            }
        }
        hits.truncate(count);
    }

    /// Whether what is remembered at a place is of these values, besides its numbers.
    fn is_of(&self, place: &Place, index: &Index, line: &[i64], view: &RecordView<'_>) -> bool {
        let mut known = self.keys.get(super::index(place.key)..).unwrap_or(&[]).iter();
        index.besides.iter().all(|keys| {
            let value = number(line, keys.slot);
            if keys.set {
                let symbols = symbols(*view, value);
                let mut same = known.next().is_some_and(|count| usize::try_from(*count) == Ok(symbols.len()));
                for symbol in symbols {
                    same = same && known.next() == Some(&i64::from(*symbol));
                }
                same
            } else {
                known.next() == Some(&value)
            }
        })
    }

    /// Looks up what a line leads to, and remembers it in a pair; without one it stands behind all that is remembered, until
    /// another line is met.
    #[cold]
    fn meet(
        &mut self,
        index: &Index,
        line: &[i64],
        view: &RecordView<'_>,
        at: Option<(Numbers, usize)>,
    ) -> (u32, u32) {
        self.filed.truncate(self.remembered);
        if self.keys.len() > MOST.0 || self.filed.len() > MOST.1 {
            self.forget();
        }
        let (key, start) = (self.keys.len(), self.filed.len());
        for keys in &index.besides {
            let value = number(line, keys.slot);
            if keys.set {
                let symbols = symbols(*view, value);
                self.keys.push(i64::try_from(symbols.len()).unwrap_or(i64::MAX));
                self.keys.extend(symbols.iter().map(|symbol| i64::from(*symbol)));
            } else {
                self.keys.push(value);
            }
        }
        for keys in &index.keys {
            index.each_filed(keys, line, *view, |word, bits| {
                self.filed.push((u32::try_from(word).unwrap_or(u32::MAX), bits));
            });
        }
        self.join_words(start);
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let room_of = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let (key_room, room) = (self.keys.len().saturating_sub(key), self.filed.len().saturating_sub(start));
        let Some((numbers, at)) = at else {
            self.keys.truncate(key);
            return (small(start), small(self.filed.len()));
        };
        let Some(Pair([first, second])) = self.pairs.get_mut(at) else { return (0, 0) };
        // The older one makes way.
        std::mem::swap(first, second);
        if key_room <= usize::from(first.key_room) {
            self.keys.copy_within(key.., super::index(first.key));
            self.keys.truncate(key);
        } else {
            (first.key, first.key_room) = (small(key), room_of(key_room));
        }
        if room <= usize::from(first.room) {
            self.filed.copy_within(start.., super::index(first.start));
            self.filed.truncate(start);
        } else {
            (first.start, first.room) = (small(start), room_of(room));
        }
        first.numbers = numbers;
        first.end = first.start.saturating_add(small(room));
        let met = (first.start, first.end);
        self.remembered = self.filed.len();
        met
    }

    /// Brings the words that begin here into their order, each once, with the bits of all.
    fn join_words(&mut self, start: usize) {
        let filed = self.filed.get_mut(start..).unwrap_or(&mut []);
        filed.sort_unstable_by_key(|(word, _)| *word);
        let mut kept = start;
        for at in start..self.filed.len() {
            let Some((word, bits)) = self.filed.get(at).copied() else { continue };
            let last = kept.checked_sub(1).filter(|last| *last >= start);
            match last.and_then(|last| self.filed.get_mut(last)).filter(|(last, _)| *last == word) {
                Some((_, all)) => *all |= bits,
                None => {
                    if let Some(place) = self.filed.get_mut(kept) {
                        *place = (word, bits);
                    }
                    kept = kept.saturating_add(1);
                }
            }
        }
        self.filed.truncate(kept);
    }
}

/// The numbers of a line by which it is known, where they are as most are: symbols, names, amounts below ten millions, or
/// missing.
#[inline]
fn numbers_of(index: &Index, line: &[i64]) -> Option<Numbers> {
    // What is missing has its highest bit alone.
    let [a, b, c, d] = index.numbers.map(|slot| number(line, slot).cast_unsigned().rotate_left(1));
    ((a | b | c | d) >> 31 == 0).then_some([a | (b << 32), c | (d << 32)])
}

/// Where a line of such values is remembered, of as many places as there may be.
#[inline]
fn hash_of(numbers: Numbers, index: &Index, line: &[i64], view: &RecordView<'_>) -> usize {
    let mut hash = mixed(numbers);
    for keys in &index.besides {
        let value = number(line, keys.slot);
        // The last symbol of a set is as good as all of them, as long as others tell lines apart as well.
        let word = if keys.set {
            symbols(*view, value).last().map_or(u64::MAX, |symbol| u64::from(*symbol))
        } else {
            value.cast_unsigned()
        };
        hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    place_of(hash)
}

/// One number of four, as if by chance. Most are symbols, of which four fit into a word. Bits of a product depend on lower bits of
/// its factor alone, and what is counted up does not spread evenly over the higher ones: so halves are mixed before and between two
/// products (in the way, and with a constant, of Sebastiano Vigna's SplitMix64, <https://prng.di.unimi.it/splitmix64.c>).
#[inline]
fn mixed([a, b]: Numbers) -> u64 {
    let packed = a ^ b.rotate_left(16);
    let product = (packed ^ (packed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (product ^ (product >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The highest bits of a product, since they alone depend on all bits of what was multiplied: so many as tell the most pairs
/// apart.
#[inline]
fn place_of(hash: u64) -> usize {
    usize::try_from(hash >> 50).unwrap_or(0)
}

/// What a line has in a slot.
#[inline]
fn number(line: &[i64], slot: SlotId) -> i64 {
    line.get(slot.index()).copied().unwrap_or(MISSING)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By chance 4 000 lines would have 3 549 of 16 384 places. Whichever of the numbers tells lines apart, as a product's does
    /// where many are of one category and brand, and where it is the only one.
    #[test]
    fn lines_are_remembered_at_places_as_if_by_chance() {
        const LINES: usize = 4_000;
        const MASK: usize = (1 << 14) - 1;
        // As `numbers_of`, of slots in their order.
        let numbers_of = |numbers: [i64; 4]| {
            let [a, b, c, d] = numbers.map(|number| number.cast_unsigned().rotate_left(1));
            [a | (b << 32), c | (d << 32)]
        };
        let places_of = |numbers: &dyn Fn(i64) -> [i64; 4], first: i64| {
            let lines = (first..).step_by(3).take(LINES);
            let places = lines.map(|number| place_of(mixed(numbers_of(numbers(number)))) & MASK);
            places.collect::<std::collections::HashSet<_>>().len()
        };
        for first in [0, 60_000, 1 << 20] {
            let count = places_of(&|number| [number; 4], first);
            assert!(count > 3_400, "{count} places by one number from {first}");
            for (which, fixed) in (0..4).flat_map(|which| [0, 7, MISSING].map(|fixed| (which, fixed))) {
                let one = |number| std::array::from_fn(|place| if place == which { number } else { fixed });
                let count = places_of(&one, first);
                assert!(count > 3_400, "{count} places by number {which} from {first} beside {fixed}");
            }
        }
    }
}
