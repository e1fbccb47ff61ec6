//! Numbers of names, and names of numbers.
//!
//! A name is found by one look at a table, which holds its first bytes beside its number, and is compared once. Refuses to know
//! what the names mean.

/// Different names and their numbers: each one's place in the order they were given in.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    /// All of them, one after another.
    text: String,
    /// By number: where the name ends in the text.
    ends: Vec<usize>,
    /// As many as a power of two, at most three quarters of them taken: a name is in the first free place from the one that its
    /// key leads to.
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Of the name's key.
    head: u64,
    rest: u32,
    /// [`FREE`] where nothing is here.
    number: u32,
}

/// No name's number.
const FREE: u32 = u32::MAX;

/// What tells names apart, all of those of up to eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    /// The first bytes.
    head: u64,
    /// How many bytes there are, and of a longer name a number of the other bytes, which is larger than that.
    rest: u32,
}

/// Bytes of a key's head.
const HEAD: usize = 8;
/// An odd number without a pattern: 2^64 divided by the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

impl Key {
    #[inline]
    fn of(name: &[u8]) -> Key {
        if let Some((head, rest)) = name.split_first_chunk::<HEAD>() {
            let head = u64::from_le_bytes(*head);
            return Key { head, rest: if rest.is_empty() { HEAD as u32 } else { Key::rest(rest, name) } };
        }
        let part = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
        let head = match (name.first_chunk(), name.last_chunk()) {
            // The two overlap where there are fewer than eight.
            (Some(first), Some(last)) => part(first) | part(last) << (8 * (name.len() - 4)),
            _ => name.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
        };
        Key { head, rest: name.len() as u32 }
    }

    fn rest(rest: &[u8], name: &[u8]) -> u32 {
        let mix = |hash: u64, bytes: &[u8; HEAD]| {
            (hash.rotate_left(29) ^ u64::from_le_bytes(*bytes)).wrapping_mul(MIX)
        };
        let (whole, _) = rest.as_chunks::<HEAD>();
        let hash = whole.iter().fold(name.len() as u64, mix);
        // What is left over, with some of what came before it.
        let hash = name.last_chunk().map_or(hash, |last| mix(hash, last));
        (hash >> 32) as u32 | 1 << 31
    }

    /// Where it leads to, among as many places as a power of two. Codes mostly differ in their last characters, which are the
    /// highest bytes: the upper half of the product brings them down.
    #[inline]
    fn place(self, places: usize) -> usize {
        let product = u128::from(self.head ^ u64::from(self.rest).rotate_left(32)) * u128::from(MIX);
        ((product >> 64) as u64 ^ product as u64) as usize & (places - 1)
    }
}

impl Dictionary {
    /// Of different names.
    pub(crate) fn new<'n>(names: impl ExactSizeIterator<Item = &'n str> + Clone) -> Dictionary {
        let count = names.len();
        if count == 0 {
            return Dictionary::default();
        }
        let free = Place { head: 0, rest: 0, number: FREE };
        let mut dictionary = Dictionary {
            text: String::with_capacity(names.clone().map(str::len).sum()),
            ends: Vec::with_capacity(count),
            places: vec![free; (count + count / 3 + 1).next_power_of_two()],
        };
        for (name, number) in names.zip(0u32..) {
            dictionary.text.push_str(name);
            dictionary.ends.push(dictionary.text.len());
            let key = Key::of(name.as_bytes());
            let mut at = key.place(dictionary.places.len());
            while dictionary.places.get(at).is_some_and(|place| place.number != FREE) {
                at = (at + 1) & (dictionary.places.len() - 1);
            }
            if let Some(place) = dictionary.places.get_mut(at) {
                *place = Place { head: key.head, rest: key.rest, number };
            }
        }
        dictionary
    }

    /// The name's number.
    #[inline]
    pub fn number(&self, name: &str) -> Option<u32> {
        let last = self.places.len().checked_sub(1)?;
        let key = Key::of(name.as_bytes());
        let mut at = key.place(self.places.len());
        loop {
            let place = self.places.get(at)?;
            if place.number == FREE {
                return None;
            }
            let is_key = place.head == key.head && place.rest == key.rest;
            if is_key && (name.len() <= HEAD || self.name(place.number) == Some(name)) {
                return Some(place.number);
            }
            at = (at + 1) & last;
        }
    }

    /// The number's name.
    pub fn name(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(number)?)
    }

    /// All names, in the order of their numbers.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        (0u32..).map_while(|number| self.name(number))
    }

    /// How many names it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn names_are_found_and_no_others(
            names in prop::collection::btree_set("[ab\u{0}é]{0,20}", 0..60),
            others in prop::collection::vec("[ab\u{0}é]{0,20}", 0..60),
        ) {
            let names: BTreeSet<String> = names;
            let dictionary = Dictionary::new(names.iter().map(String::as_str));
            let numbers: BTreeMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
            prop_assert_eq!(dictionary.len(), names.len());
            prop_assert!(dictionary.names().eq(names.iter()));
            for (name, number) in &numbers {
                prop_assert_eq!(dictionary.number(name), Some(*number));
                prop_assert_eq!(dictionary.name(*number), Some(*name));
            }
            for other in &others {
                prop_assert_eq!(dictionary.number(other), numbers.get(other.as_str()).copied());
            }
            prop_assert_eq!(dictionary.name(names.len() as u32), None);
        }
    }

    /// Codes that are counted up, of any length, lie about as close to where their keys lead as if by lot: at most three quarters of
    /// all places are taken, where a name that is there is found by 2.5 looks in the mean then.
    #[test]
    fn codes_in_a_row_are_found_by_few_looks() {
        for digits in 4..=14 {
            for prefix in ["", "P", "SKU-", "460000"] {
                let names: Vec<String> = (0..5000).map(|code| format!("{prefix}{code:0digits$}")).collect();
                let dictionary = Dictionary::new(names.iter().map(String::as_str));
                let places = dictionary.places.len();
                let looks = |(at, place): (usize, &Place)| {
                    let home = Key { head: place.head, rest: place.rest }.place(places);
                    (at + places - home) % places + 1
                };
                let taken = dictionary.places.iter().enumerate().filter(|(_, place)| place.number != FREE);
                let looks: usize = taken.map(looks).sum();
                assert!(looks < 3 * names.len(), "{looks} looks for {} names as {}", names.len(), names[0]);
            }
        }
    }

    #[test]
    fn every_length_has_a_key_of_its_own() {
        let text = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let names: Vec<&str> = (0..text.len()).map(|length| &text[..length]).collect();
        let dictionary = Dictionary::new(names.iter().copied());
        for (name, number) in names.iter().zip(0..) {
            assert_eq!(dictionary.number(name), Some(number), "{}", name.len());
        }
    }
}
