//! Sets of one member's contacts as bits, one word where that is enough and several where it is not, and which contacts of all
//! members are chosen, one bit for each. Refuses to know what is chosen, and why.

use std::fmt::Debug;
use std::ops::{BitAnd, BitOr, Not, Range};

/// Words of the wider sets.
const WORDS: usize = crate::model::MAX_OF_MEMBER / 64;

/// A set of positions.
pub trait Mask:
    Copy + Default + Eq + Debug + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self>
{
    /// Positions that it can hold.
    const SIZE: usize;
    /// One of them.
    fn bit(at: usize) -> Self;
    /// All below a number.
    fn below(count: usize) -> Self;
    /// How many.
    fn count(self) -> u32;
    /// The least.
    fn first(self) -> Option<usize>;
    /// Whether a position is in it.
    fn has(self, at: usize) -> bool;
    /// Of bytes, the lowest first; there may be fewer than it could hold.
    fn of_bytes(bytes: &[u8]) -> Self;
    /// Its lowest bytes.
    fn to_bytes(self, bytes: &mut Vec<u8>, count: usize);
    /// As wide as there is.
    fn wide(self) -> Bits;

    /// Whether there is nothing in it.
    fn is_none(self) -> bool {
        self == Self::default()
    }
    /// Whether both have something.
    fn meets(self, other: Self) -> bool {
        self & other != Self::default()
    }
    /// Whether all of it is in the other.
    fn is_in(self, other: Self) -> bool {
        self & other == self
    }
    /// Without what is in the other.
    fn without(self, other: Self) -> Self {
        self & !other
    }
    /// With one more.
    fn with(self, at: usize) -> Self {
        self | Self::bit(at)
    }
    /// The positions, ascending.
    fn positions(self) -> Positions<Self> {
        Positions(self)
    }
}

/// The positions of a set.
#[derive(Clone, Copy, Debug)]
pub struct Positions<M>(M);

impl<M: Mask> Iterator for Positions<M> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let first = self.0.first()?;
        self.0 = self.0.without(M::bit(first));
        Some(first)
    }
}

impl Mask for u64 {
    const SIZE: usize = 64;

    fn bit(at: usize) -> u64 {
        1 << (at & 63)
    }
    fn below(count: usize) -> u64 {
        if count >= 64 { !0 } else { (1 << count) - 1 }
    }
    fn count(self) -> u32 {
        self.count_ones()
    }
    fn first(self) -> Option<usize> {
        (self != 0).then_some(self.trailing_zeros() as usize)
    }
    fn has(self, at: usize) -> bool {
        self >> (at & 63) & 1 == 1
    }
    fn of_bytes(bytes: &[u8]) -> u64 {
        bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
    }
    fn to_bytes(self, bytes: &mut Vec<u8>, count: usize) {
        bytes.extend(self.to_le_bytes().into_iter().take(count));
    }
    fn wide(self) -> Bits {
        let mut bits = Bits::default();
        bits.0[0] = self;
        bits
    }
}

/// A set of up to 256 positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bits([u64; WORDS]);

impl BitAnd for Bits {
    type Output = Bits;

    fn bitand(self, other: Bits) -> Bits {
        Bits(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }
}

impl BitOr for Bits {
    type Output = Bits;

    fn bitor(self, other: Bits) -> Bits {
        Bits(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }
}

impl Not for Bits {
    type Output = Bits;

    fn not(self) -> Bits {
        Bits(self.0.map(|word| !word))
    }
}

impl Mask for Bits {
    const SIZE: usize = WORDS * 64;

    fn bit(at: usize) -> Bits {
        let mut bits = Bits::default();
        if let Some(word) = bits.0.get_mut(at / 64) {
            *word = 1 << (at % 64);
        }
        bits
    }
    fn below(count: usize) -> Bits {
        Bits(std::array::from_fn(|word| u64::below(count.saturating_sub(word * 64))))
    }
    fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
    fn first(self) -> Option<usize> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }
    fn has(self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
    fn of_bytes(bytes: &[u8]) -> Bits {
        let mut bits = Bits::default();
        for (word, own) in bits.0.iter_mut().zip(bytes.chunks(8)) {
            *word = u64::of_bytes(own);
        }
        bits
    }
    fn to_bytes(self, bytes: &mut Vec<u8>, count: usize) {
        bytes.extend(self.0.into_iter().flat_map(u64::to_le_bytes).take(count));
    }
    fn wide(self) -> Bits {
        self
    }
}

/// Which contacts are chosen: a bit for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    words: Vec<u64>,
    len: usize,
}

impl Chosen {
    /// None of so many.
    pub fn none(len: usize) -> Chosen {
        Chosen { words: vec![0; len.div_ceil(64)], len }
    }

    /// How many contacts there are, chosen or not.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no contacts at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a contact is chosen.
    pub fn has(&self, contact: usize) -> bool {
        self.words.get(contact / 64).is_some_and(|word| word >> (contact % 64) & 1 == 1)
    }

    /// Chooses a contact.
    pub fn choose(&mut self, contact: usize) {
        if let Some(word) = self.words.get_mut(contact / 64).filter(|_| contact < self.len) {
            *word |= 1 << (contact % 64);
        }
    }

    /// The contacts that are chosen, ascending.
    pub fn contacts(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| word.positions().map(move |bit| at * 64 + bit))
    }

    /// Sixty-four bits from a position.
    fn word(&self, at: usize) -> u64 {
        let of = |word: usize| self.words.get(word).copied().unwrap_or(0);
        let low = of(at / 64) >> (at % 64);
        if at.is_multiple_of(64) { low } else { low | of(at / 64 + 1) << (64 - at % 64) }
    }

    /// The choice of the member whose contacts these are.
    pub(crate) fn of(&self, contacts: Range<usize>) -> Bits {
        if contacts.len() <= 64 {
            return (self.word(contacts.start) & u64::below(contacts.len())).wide();
        }
        Bits(std::array::from_fn(|word| self.word(contacts.start + word * 64))) & Bits::below(contacts.len())
    }

    /// Makes a choice for the member whose contacts these are.
    pub(crate) fn set(&mut self, contacts: Range<usize>, choice: Bits) {
        for (number, word) in choice.0.into_iter().enumerate() {
            let count = contacts.len().saturating_sub(number * 64).min(64);
            if count == 0 {
                return;
            }
            let (mask, at) = (u64::below(count), contacts.start + number * 64);
            let (first, shift) = (at / 64, at % 64);
            if let Some(own) = self.words.get_mut(first) {
                *own = *own & !(mask << shift) | (word & mask) << shift;
            }
            if shift > 0
                && let Some(own) = self.words.get_mut(first + 1)
            {
                *own = *own & !(mask >> (64 - shift)) | (word & mask) >> (64 - shift);
            }
        }
    }

    /// Puts the contacts of others after its own.
    pub(crate) fn append(&mut self, others: &Chosen) {
        let shift = self.len % 64;
        for word in &others.words {
            if shift == 0 {
                self.words.push(*word);
            } else {
                if let Some(last) = self.words.last_mut() {
                    *last |= word << shift;
                }
                self.words.push(word >> (64 - shift));
            }
        }
        self.len += others.len;
        self.words.truncate(self.len.div_ceil(64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths on both sides of words, each written and read again between neighbours that must not change.
    #[test]
    fn choices_stand_beside_each_other() {
        for len in [1, 7, 63, 64, 65, 127, 128, 129, 200, 256] {
            let mut chosen = Chosen::default();
            for part in [3, len, 5] {
                let mut own = Chosen::none(part);
                own.set(0..part, Bits::below(part));
                chosen.append(&own);
            }
            assert_eq!((chosen.len(), chosen.contacts().count()), (len + 8, len + 8), "{len}");
            let odd = (0..len).filter(|at| at % 2 == 1).fold(Bits::default(), Bits::with);
            chosen.set(3..3 + len, odd);
            assert_eq!(chosen.of(3..3 + len), odd, "{len}");
            let others = chosen.of(0..3).count() + chosen.of(3 + len..8 + len).count();
            assert_eq!(others, 8, "{len}");
            let mut bytes = Vec::new();
            odd.to_bytes(&mut bytes, len.div_ceil(8));
            assert_eq!((bytes.len(), Bits::of_bytes(&bytes)), (len.div_ceil(8), odd), "{len}");
        }
    }
}
