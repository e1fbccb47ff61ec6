//! The best choice for one member at given gains: branch and bound over the member's contacts, best first. Refuses to know
//! where gains come from.

use crate::local::{Groups, Own};

/// Nodes of one search; what is not searched by then counts with its bound.
const NODES: u32 = 200_000;

/// A choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Bits of the contacts.
    pub chosen: u64,
    /// What they gain.
    pub gain: i64,
    /// No choice gains more; larger than the gain only where the search was ended.
    pub bound: i64,
}

/// Memory of a search.
#[derive(Debug)]
pub struct Subset {
    /// Contacts, by gain.
    order: [u8; 64],
    /// Gains in this order.
    gain: [i64; 64],
    /// By position: what may not stand beside it.
    apart: [u64; 64],
    limits: Vec<(u64, u32)>,
    needs: Vec<(u8, u64)>,
    least: Vec<(u64, u32)>,
    groups: Vec<u64>,
    nodes: u32,
    ended: bool,
    best: i64,
    chosen: u64,
    /// Nodes of all searches.
    pub visited: u64,
    /// Searches that were ended.
    pub cut: u64,
}

impl Default for Subset {
    fn default() -> Subset {
        Subset {
            order: [0; 64],
            gain: [0; 64],
            apart: [0; 64],
            limits: Vec::new(),
            needs: Vec::new(),
            least: Vec::new(),
            groups: Vec::new(),
            nodes: 0,
            ended: false,
            best: 0,
            chosen: 0,
            visited: 0,
            cut: 0,
        }
    }
}

/// A gain so low that nothing outweighs it: the contact is not to be chosen.
pub const FORBIDDEN: i64 = -(1 << 57);

impl Subset {
    /// The best choice; nothing, where nothing gains anything.
    pub fn best(&mut self, own: &Own<'_>, gains: &[i64]) -> Choice {
        let mut used = 0u64;
        for (item, gain) in gains.iter().enumerate() {
            if *gain > 0 {
                used |= 1 << item;
            }
        }
        used &= !own.out;
        if used == 0 {
            return Choice::default();
        }
        // What costs something is chosen only where something else asks for it.
        let asked = own.needs.iter().fold(0u64, |asked, need| asked | need.1);
        let asked = own.least.iter().fold(asked, |asked, least| asked | least.0) & !own.out;
        for (item, gain) in gains.iter().enumerate() {
            if asked >> item & 1 == 1 && *gain > FORBIDDEN {
                used |= 1 << item;
            }
        }
        if own.limits.is_empty()
            && own.apart.is_empty()
            && own.needs.is_empty()
            && own.least.is_empty()
            && own.groups.is_empty()
        {
            let mut choice = Choice::default();
            for (item, gain) in gains.iter().enumerate() {
                if used >> item & 1 == 1 && *gain > 0 {
                    choice.chosen |= 1 << item;
                    choice.gain += gain;
                }
            }
            choice.bound = choice.gain;
            return choice;
        }
        let count = self.arrange(own, gains, used);
        let full = if count >= 64 { !0 } else { (1u64 << count) - 1 };
        // With a least number, the empty choice is compared with none that is worse.
        self.best = 0;
        self.chosen = 0;
        self.nodes = 0;
        self.ended = false;
        self.search(0, full, 0);
        self.visited += u64::from(self.nodes);
        let mut choice = Choice { chosen: 0, gain: self.best, bound: self.best };
        let mut left = self.chosen;
        while left != 0 {
            choice.chosen |= 1 << self.order[left.trailing_zeros() as usize & 63];
            left &= left - 1;
        }
        if self.ended {
            self.cut += 1;
            choice.bound = self.gain[..count].iter().filter(|gain| **gain > 0).sum();
        }
        choice
    }

    /// Puts the contacts in order, and the masks with them.
    fn arrange(&mut self, own: &Own<'_>, gains: &[i64], used: u64) -> usize {
        let mut count = 0;
        let mut left = used;
        while left != 0 {
            let item = left.trailing_zeros() as u8;
            left &= left - 1;
            let gain = gains[item as usize];
            let mut at = count;
            while at > 0 && self.gain[at - 1] < gain {
                self.gain[at] = self.gain[at - 1];
                self.order[at] = self.order[at - 1];
                at -= 1;
            }
            self.gain[at] = gain;
            self.order[at] = item;
            count += 1;
        }
        let mut position = [u8::MAX; 64];
        for (at, item) in self.order[..count].iter().enumerate() {
            position[*item as usize & 63] = at as u8;
            self.apart[at] = 0;
        }
        let moved = |mask: u64| {
            let (mut out, mut left) = (0u64, mask & used);
            while left != 0 {
                out |= 1 << (position[left.trailing_zeros() as usize & 63] & 63);
                left &= left - 1;
            }
            out
        };
        self.limits.clear();
        for (mask, most) in own.limits {
            let mask = moved(*mask);
            if mask.count_ones() > *most {
                self.limits.push((mask, *most));
            }
        }
        for (item, mask) in own.apart {
            if used >> item & 1 == 1 {
                let (at, mask) = (position[*item as usize & 63] & 63, moved(*mask));
                self.apart[at as usize] |= mask;
                let mut left = mask;
                while left != 0 {
                    self.apart[left.trailing_zeros() as usize & 63] |= 1 << at;
                    left &= left - 1;
                }
            }
        }
        self.needs.clear();
        for (item, mask) in own.needs {
            if used >> item & 1 == 1 {
                self.needs.push((position[*item as usize & 63], moved(*mask)));
            }
        }
        self.least.clear();
        self.least.extend(own.least.iter().map(|(mask, least)| (moved(*mask), *least)));
        self.groups.clear();
        for (sets, most) in Groups(own.groups) {
            let at = self.groups.len();
            self.groups.extend([0, most as u64]);
            self.groups.extend(sets.iter().map(|set| moved(*set)).filter(|set| *set != 0));
            let sets = self.groups.len() - at - 2;
            if sets <= most {
                self.groups.truncate(at);
            } else {
                self.groups[at] = sets as u64;
            }
        }
        count
    }

    /// `free` are the positions that may still be chosen.
    fn search(&mut self, chosen: u64, free: u64, gain: i64) {
        self.nodes += 1;
        if self.nodes > NODES {
            self.ended = true;
            return;
        }
        if self.least.iter().any(|(mask, least)| ((chosen | free) & mask).count_ones() < *least) {
            return;
        }
        if gain > self.best && self.is_whole(chosen) {
            self.best = gain;
            self.chosen = chosen;
        }
        // What is left is in order of gain: what comes after the first loss gains nothing.
        let mut bound = gain;
        let mut left = free;
        while left != 0 {
            let at = left.trailing_zeros() as usize & 63;
            left &= left - 1;
            if self.gain[at] <= 0 {
                break;
            }
            bound += self.gain[at];
        }
        if bound <= self.best || free == 0 {
            return;
        }
        // A narrower bound, where it costs little: of the contacts of one limit only the best so many.
        for (mask, most) in &self.limits {
            let room = most.saturating_sub((mask & chosen).count_ones());
            let own = mask & free;
            if own.count_ones() > room {
                let (mut skipped, mut seen, mut left) = (0i64, 0, own);
                while left != 0 {
                    let at = left.trailing_zeros() as usize & 63;
                    left &= left - 1;
                    if self.gain[at] <= 0 {
                        break;
                    }
                    seen += 1;
                    if seen > room {
                        skipped += self.gain[at];
                    }
                }
                if bound - skipped <= self.best {
                    return;
                }
            }
        }
        let at = free.trailing_zeros();
        let bit = 1u64 << at;
        let rest = free & !bit;
        let next = chosen | bit;
        let mut fits = true;
        let mut still = rest & !self.apart[at as usize & 63];
        for (mask, most) in &self.limits {
            if mask & bit != 0 {
                let count = (mask & next).count_ones();
                if count > *most {
                    fits = false;
                    break;
                }
                if count == *most {
                    still &= !mask;
                }
            }
        }
        let mut groups = Groups(&self.groups);
        fits &= groups.all(|(sets, most)| sets.iter().filter(|set| next & *set != 0).count() <= most);
        if fits {
            self.search(next, still, gain + self.gain[at as usize & 63]);
        }
        self.search(chosen, rest, gain);
    }

    /// Whether a choice has what it asks for.
    fn is_whole(&self, chosen: u64) -> bool {
        self.needs.iter().all(|(item, on)| chosen >> (item & 63) & 1 == 0 || chosen & on != 0)
            && self.least.iter().all(|(mask, least)| (chosen & mask).count_ones() >= *least)
    }
}
