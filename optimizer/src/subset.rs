//! The best choice for one member at given gains: branch and bound over the member's contacts, best first. Refuses to know
//! where gains come from.

use crate::bits::{Bits, Mask};
use crate::local::{Locals, Own};

/// Nodes of one search; what is not searched by then counts with its bound.
const NODES: u32 = 200_000;

/// A choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Bits of the contacts.
    pub chosen: Bits,
    /// What they gain.
    pub gain: i64,
    /// No choice gains more; larger than the gain only where the search was ended.
    pub bound: i64,
    /// Every other choice gains less by this at least.
    pub ahead: i64,
    /// The same, of choices without contacts that cost something and that nothing asks for.
    pub lead: i64,
}

/// A gain so low that nothing outweighs it: the contact is not to be chosen.
pub const FORBIDDEN: i64 = -(1 << 57);

/// Chooses for members, one after another.
#[derive(Debug, Default)]
pub struct Chooser {
    /// What each contact of the member gains; to be filled before it is asked.
    pub gains: Vec<i64>,
    narrow: Subset<u64>,
    wide: Subset<Bits>,
    /// Searches that were ended.
    pub cut: u64,
}

impl Chooser {
    /// The best choice for a member at the gains; nothing, where nothing gains anything.
    pub fn best(&mut self, locals: &Locals, member: usize) -> Choice {
        let choice = if self.gains.len() <= u64::SIZE {
            self.narrow.best(locals, member, &self.gains)
        } else {
            self.wide.best(locals, member, &self.gains)
        };
        self.cut += u64::from(choice.bound > choice.gain);
        choice
    }
}

/// Asks whether a member can choose anything at all.
#[derive(Debug, Default)]
pub struct Asker<M: Mask> {
    gains: Vec<i64>,
    subset: Subset<M>,
}

impl<M: Mask> Asker<M> {
    /// Whether the rules leave a member with so many contacts anything but nothing. A search that is ended finds nothing.
    pub fn anything(&mut self, own: &Own<M>, contacts: usize) -> bool {
        self.gains.clear();
        self.gains.resize(contacts, 1);
        self.subset.own.clone_from(own);
        let used = M::below(contacts).without(own.out);
        !used.is_none() && self.subset.best_of(&self.gains, used).gain > 0
    }
}

/// Memory of a search.
#[derive(Debug, Default)]
struct Subset<M: Mask> {
    /// What the rules say of the member.
    own: Own<M>,
    /// Contacts that may be chosen with their gains, the largest first.
    order: Vec<(i64, u8)>,
    /// What the rules say of those, as far as it says anything: limits with what they leave.
    limits: Vec<(M, u32)>,
    /// Limits with contacts of theirs that are in no other of these, for a bound.
    parts: Vec<(M, M, u32)>,
    /// By contact: what may not stand beside it.
    apart: Vec<M>,
    /// System by system, for each contact: the sets that it is in.
    hits: Vec<M>,
    /// By system: the sets that something is chosen of, and what they were before.
    hit: Vec<M>,
    before: Vec<M>,
    nodes: u32,
    best: i64,
    chosen: M,
    /// The largest bound of what was not looked at.
    open: i64,
    /// No choice but the best gains more, of those that gains alone do not put behind it.
    other: i64,
}

impl<M: Mask> Subset<M> {
    fn best(&mut self, locals: &Locals, member: usize, gains: &[i64]) -> Choice {
        let (out, _): (M, M) = locals.out_and_asked(member, gains.len());
        let mut used = M::default();
        // What costs something puts every choice that it is in behind by that.
        let mut behind = i64::MAX;
        for (item, gain) in gains.iter().enumerate() {
            if *gain > 0 {
                used = used.with(item);
            } else if !out.has(item) {
                behind = behind.min(-gain);
            }
        }
        used = used.without(out);
        if used.is_none() {
            return Choice { ahead: behind, lead: behind, ..Choice::default() };
        }
        locals.read(member, gains.len(), &mut self.own);
        let best = self.best_of(gains, used);
        Choice { ahead: best.lead.min(behind), ..best }
    }

    /// The best choice for whom `own` speaks of; what gains something and is not out is in `used`.
    fn best_of(&mut self, gains: &[i64], mut used: M) -> Choice {
        // What costs something is chosen only where something else asks for it.
        let positive = used;
        for item in self.own.asked().positions() {
            if gains.get(item).is_some_and(|gain| *gain > FORBIDDEN) {
                used = used.with(item);
            }
        }
        if self.arrange(gains, used) {
            let own = |item: usize| gains.get(item).copied().unwrap_or(0);
            let (gain, least) = positive
                .positions()
                .fold((0, i64::MAX), |(sum, least), item| (sum + own(item), least.min(own(item))));
            let costs = used.without(positive).positions().map(|item| -own(item)).min();
            let lead = least.min(costs.unwrap_or(i64::MAX));
            return Choice { chosen: positive.wide(), gain, bound: gain, ahead: lead, lead };
        }
        self.best = 0;
        self.chosen = M::default();
        self.nodes = 0;
        self.open = 0;
        self.other = i64::MIN;
        self.search(M::default(), used, 0, 0);
        let lead = self.best.saturating_sub(self.other.max(self.open)).max(0);
        let bound = self.best.max(self.open);
        Choice { chosen: self.chosen.wide(), gain: self.best, bound, ahead: lead, lead }
    }

    /// Puts the contacts in order, and leaves of the rules what concerns them. Whether nothing of them does.
    fn arrange(&mut self, gains: &[i64], used: M) -> bool {
        let own = &mut self.own;
        self.limits.clear();
        for (mask, most) in &own.limits {
            let mask = *mask & used;
            if mask.count() > *most {
                self.limits.push((mask, *most));
            }
        }
        self.parts.clear();
        let mut left = used;
        loop {
            let beyond = |(mask, most): &(M, u32)| (*mask & left).count().saturating_sub(*most);
            let widest =
                self.limits.iter().enumerate().max_by_key(|(at, own)| (beyond(own), std::cmp::Reverse(*at)));
            let Some((_, (mask, most))) = widest.filter(|(_, own)| beyond(own) > 0) else { break };
            self.parts.push((*mask & left, *mask, *most));
            left = left.without(*mask);
        }
        own.apart.retain(|(item, mask)| used.has((*item).into()) && mask.meets(used));
        own.needs.retain(|(item, _)| used.has((*item).into()));
        own.systems.retain_mut(|system| {
            let hit = system.hit(used);
            system.windows.retain(|(sets, most)| (hit & *sets).count() > *most);
            !system.windows.is_empty()
        });
        if self.limits.is_empty()
            && own.apart.is_empty()
            && own.needs.is_empty()
            && own.least.is_empty()
            && own.systems.is_empty()
        {
            return true;
        }
        self.order.clear();
        self.order
            .extend(used.positions().map(|item| (gains.get(item).copied().unwrap_or(FORBIDDEN), item as u8)));
        self.order.sort_unstable_by_key(|(gain, item)| (std::cmp::Reverse(*gain), *item));
        self.apart.clear();
        self.apart.resize(gains.len(), M::default());
        for (item, mask) in &own.apart {
            if let Some(own) = self.apart.get_mut(usize::from(*item)) {
                *own = *mask;
            }
        }
        self.hits.clear();
        self.hits.resize(own.systems.len() * gains.len(), M::default());
        for (system, hits) in own.systems.iter().zip(self.hits.chunks_mut(gains.len())) {
            for (number, set) in system.sets.iter().enumerate() {
                for item in (*set & used).positions() {
                    if let Some(own) = hits.get_mut(item) {
                        *own = own.with(number);
                    }
                }
            }
        }
        self.hit.clear();
        self.hit.resize(own.systems.len(), M::default());
        self.before.clear();
        false
    }

    /// `free` are the contacts that may still be chosen, all of them at `from` in the order or behind.
    fn search(&mut self, chosen: M, mut free: M, mut from: usize, gain: i64) {
        let mut first = true;
        loop {
            self.nodes += 1;
            if self.own.least.iter().any(|(mask, least)| ((chosen | free) & *mask).count() < *least) {
                return;
            }
            if first && gain > self.best && self.is_whole(chosen) {
                self.other = self.other.max(self.best);
                self.best = gain;
                self.chosen = chosen;
            } else if first && gain <= self.best && chosen != self.chosen {
                self.other = self.other.max(gain);
            }
            first = false;
            let rest = self.bound(free, from);
            let mut bound = gain + rest;
            if bound <= self.best {
                // What is left out here has one contact more at least.
                let more = if rest > 0 {
                    Some(bound)
                } else {
                    self.next(free, &mut from).map(|(own, _)| gain + own)
                };
                self.other = more.map_or(self.other, |more| self.other.max(more));
                return;
            }
            // A narrower bound, where it costs little: of the contacts of a limit only the best so many.
            for (part, mask, most) in &self.parts {
                let (room, own) = (most.saturating_sub((*mask & chosen).count()), *part & free);
                if own.count() > room {
                    bound -= self.beyond(own, from, room);
                }
            }
            if bound <= self.best {
                self.other = self.other.max(bound);
                return;
            }
            if self.nodes > NODES {
                self.open = self.open.max(bound);
                return;
            }
            let Some((own, item)) = self.next(free, &mut from) else { return };
            free = free.without(M::bit(item));
            let next = chosen.with(item);
            let mut still = free.without(self.apart.get(item).copied().unwrap_or_default());
            let mut fits = true;
            for (mask, most) in &self.limits {
                if mask.has(item) {
                    let count = (*mask & next).count();
                    if count >= *most {
                        fits &= count == *most;
                        still = still.without(*mask);
                    }
                }
            }
            if fits && self.enter(item, &mut still) {
                self.search(next, still, from, gain + own);
                self.leave();
            }
        }
    }

    /// The contact that comes next.
    fn next(&self, free: M, from: &mut usize) -> Option<(i64, usize)> {
        while let Some((gain, item)) = self.order.get(*from) {
            *from += 1;
            if free.has((*item).into()) {
                return Some((*gain, (*item).into()));
            }
        }
        None
    }

    /// What is free gains no more than this.
    fn bound(&self, free: M, from: usize) -> i64 {
        let own = self.order.get(from..).unwrap_or_default().iter().take_while(|(gain, _)| *gain > 0);
        own.filter(|(_, item)| free.has((*item).into())).map(|(gain, _)| gain).sum()
    }

    /// What some contacts gain beyond the best `room` of them.
    fn beyond(&self, own: M, from: usize, room: u32) -> i64 {
        let order = self.order.get(from..).unwrap_or_default().iter().take_while(|(gain, _)| *gain > 0);
        let own = order.filter(|(_, item)| own.has((*item).into()));
        own.skip(room as usize).map(|(gain, _)| gain).sum()
    }

    /// Counts what a contact goes together with; false, and nothing counted, where that is too much.
    fn enter(&mut self, item: usize, still: &mut M) -> bool {
        if self.own.systems.is_empty() {
            return true;
        }
        let hits_of = |hits: &[M]| hits.get(item).copied().unwrap_or_default();
        let contacts = self.apart.len();
        for ((system, hits), hit) in
            self.own.systems.iter().zip(self.hits.chunks(contacts).map(hits_of)).zip(&self.hit)
        {
            let hit = *hit | hits;
            for (sets, most) in &system.windows {
                if !sets.meets(hits) {
                    continue;
                }
                let count = (hit & *sets).count();
                if count > *most {
                    return false;
                }
                if count == *most {
                    // What would begin another set is no longer free.
                    for set in sets.without(hit).positions() {
                        *still = still.without(system.sets.get(set).copied().unwrap_or_default());
                    }
                }
            }
        }
        for (hit, hits) in self.hit.iter_mut().zip(self.hits.chunks(contacts).map(hits_of)) {
            self.before.push(*hit);
            *hit = *hit | hits;
        }
        true
    }

    fn leave(&mut self) {
        for hit in self.hit.iter_mut().rev() {
            *hit = self.before.pop().unwrap_or_default();
        }
    }

    /// Whether a choice has what it asks for.
    fn is_whole(&self, chosen: M) -> bool {
        let own = &self.own;
        own.needs.iter().all(|(item, on)| !chosen.has((*item).into()) || chosen.meets(*on))
            && own.least.iter().all(|(mask, least)| (chosen & *mask).count() >= *least)
    }
}
