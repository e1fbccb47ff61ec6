//! The choices that lose little at some prices, and what each of them changes of what members share: what a plan is settled
//! with, and proven. Refuses to know what is made of them.

use crate::bits::{Bits, Chosen, Mask};
use crate::finish::Plan;
use crate::local::Own;
use crate::price::{Ground, Tables};
use crate::subset::Chooser;
use std::collections::BTreeMap;

/// Choices for one member that are looked at.
const CHOICES: usize = 4000;
/// Steps of the search for them.
const STEPS: u32 = 1_000_000;

/// A choice for a member besides its best: what it loses, and by how much more it uses rows than the best.
#[derive(Clone, Debug)]
pub struct Pick {
    /// The position of its member among those that have one.
    pub of: usize,
    /// The choice.
    pub chosen: Bits,
    /// What it loses, in parts of the score.
    pub loss: i128,
    /// Of [`Rest::rows`], ascending.
    pub rows: Vec<(usize, i128)>,
}

/// A row that such choices change.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Its position among all rows.
    pub row: usize,
    /// What is left of it where everyone has the best choice; below zero where it is passed.
    pub left: i128,
    /// What one of it costs, in parts of the score.
    pub price: i128,
    /// What passing it by one costs in all; nothing where it is never passed.
    pub worth: Option<i128>,
}

/// What is left to be settled.
#[derive(Debug)]
pub struct Rest<'g> {
    /// What is asked.
    pub ground: &'g Ground<'g>,
    /// By position: the member, and its best choice.
    members: Vec<(usize, Bits)>,
    /// Choices besides the best, member by member.
    pub picks: Vec<Pick>,
    /// By position of the member: its picks.
    pub of: Vec<std::ops::Range<usize>>,
    /// Rows that they change.
    pub rows: Vec<Shared>,
    /// What rows lose that no choice changes.
    pub settled: i128,
    /// All members at their best.
    chosen: Chosen,
}

/// Whose choices may differ.
#[derive(Clone, Copy, Debug)]
pub enum Open<'a> {
    /// Everyone's.
    All,
    /// These members', the others having what they have in this plan, in which everyone has the best choice.
    Some(&'a Plan, &'a [u32]),
}

impl<'g> Rest<'g> {
    /// All choices that lose less than `limit` at the prices; nothing where they are more than `most`, those of one member
    /// too many, or a member's search for them too long.
    pub fn of(
        ground: &'g Ground<'g>,
        prices: &[i64],
        (limit, most): (i128, usize),
        open: Open<'_>,
    ) -> Option<Rest<'g>> {
        let tables = Tables::of(ground, prices);
        let contacts = ground.problem.score.len();
        let (mut chosen, mut used) = match open {
            Open::All => (Chosen::none(contacts), vec![0; ground.rows.list.len()]),
            Open::Some(plan, _) => (plan.chosen.clone(), plan.used.clone()),
        };
        let asked = match open {
            Open::All => 0..ground.problem.member_count(),
            Open::Some(_, members) => 0..members.len(),
        };
        let (mut members, mut picks, mut of) = (Vec::new(), Vec::new(), Vec::new());
        let (mut own, mut chooser) = (Own::default(), Chooser::default());
        for position in asked {
            let member = match open {
                Open::All => position,
                Open::Some(_, members) => members[position] as usize,
            };
            let range = ground.problem.contacts_of(member);
            chooser.gains.clear();
            chooser.gains.extend(range.clone().map(|contact| tables.gain(ground, contact)));
            let first = chooser.best(ground.locals, member);
            let mut found = vec![(first.chosen, i128::from(first.gain))];
            if i128::from(first.ahead) < limit {
                ground.locals.read(member, range.len(), &mut own);
                found = Listing::of(&own, &chooser.gains, i128::from(first.gain) - limit)?;
                // Of those that gain the same, the one that was chosen stays it.
                found.sort_unstable_by_key(|(chosen, gain)| (-gain, *chosen != first.chosen, *chosen));
            }
            let (best, gain) = found.first().copied()?;
            uses(ground, range.start, chosen.of(range.clone()))
                .iter()
                .for_each(|(row, own)| used[*row] -= own);
            chosen.set(range.clone(), best);
            let base = uses(ground, range.start, best);
            base.iter().for_each(|(row, own)| used[*row] += own);
            let begin = picks.len();
            for (chosen, other) in found.into_iter().skip(1) {
                let mut rows = uses(ground, range.start, chosen);
                for (row, own) in &base {
                    *rows.entry(*row).or_default() -= own;
                }
                rows.retain(|_, own| *own != 0);
                let rows = rows.into_iter().collect();
                picks.push(Pick { of: members.len(), chosen, loss: gain - other, rows });
            }
            if picks.len() > most {
                return None;
            }
            if picks.len() > begin {
                of.push(begin..picks.len());
                members.push((member, best));
            }
        }
        let mut rest = Rest { ground, members, picks, of, rows: Vec::new(), settled: 0, chosen };
        rest.share(prices, &used);
        Some(rest)
    }

    /// Tells the rows that matter from those that lose the same in any case.
    fn share(&mut self, prices: &[i64], used: &[i128]) {
        let (mut low, mut high) = (vec![0i128; used.len()], vec![0i128; used.len()]);
        for picks in &self.of {
            let mut own: BTreeMap<usize, (i128, i128)> = BTreeMap::new();
            for pick in &self.picks[picks.clone()] {
                for (row, change) in &pick.rows {
                    let own = own.entry(*row).or_default();
                    *own = (own.0.min(*change), own.1.max(*change));
                }
            }
            for (row, own) in own {
                low[row] += own.0;
                high[row] += own.1;
            }
        }
        for (row, own) in self.ground.rows.list.iter().enumerate() {
            let (left, price) = (own.bound - used[row], i128::from(prices[row]));
            let worth = own.worth.map(|worth| i128::from(worth) << self.ground.shift);
            let changes = low[row] != 0 || high[row] != 0;
            if (changes && (price > 0 || high[row] > left)) || (left < 0 && worth.is_none()) {
                self.rows.push(Shared { row, left, price, worth });
            } else if left >= 0 {
                self.settled += price * left;
            } else {
                self.settled += (worth.unwrap_or(0) - price) * -left;
            }
        }
        let place: BTreeMap<usize, usize> =
            self.rows.iter().enumerate().map(|(at, shared)| (shared.row, at)).collect();
        for pick in &mut self.picks {
            let known = pick.rows.iter().filter_map(|(row, own)| Some((*place.get(row)?, *own)));
            pick.rows = known.collect();
        }
    }

    /// The member at a position.
    pub fn member(&self, position: usize) -> usize {
        self.members[position].0
    }

    /// What a choice of picks makes, member by member by position.
    pub fn plan(&self, picked: &[Option<usize>]) -> Plan {
        let mut chosen = self.chosen.clone();
        for ((member, best), pick) in self.members.iter().zip(picked) {
            let own = pick.map_or(*best, |pick| self.picks[pick].chosen);
            chosen.set(self.ground.problem.contacts_of(*member), own);
        }
        Plan::of(self.ground, chosen)
    }
}

fn uses(ground: &Ground<'_>, first: usize, chosen: Bits) -> BTreeMap<usize, i128> {
    let mut rows: BTreeMap<usize, i128> = BTreeMap::new();
    for item in chosen.positions() {
        let contact = first + item;
        for id in ground.rows.of_class(ground.problem.class[contact]) {
            let own = i128::from(ground.rows.list[*id as usize].use_of(ground.problem, contact));
            *rows.entry(*id as usize).or_default() += own;
        }
    }
    rows
}

/// All choices of a member that gain more than so much.
struct Listing<'o> {
    own: &'o Own<Bits>,
    /// Contacts that may be chosen, the largest gains first.
    order: Vec<(i64, usize)>,
    /// The limit that leaves most out, for a bound.
    widest: Option<(Bits, u32)>,
    least: i128,
    found: Vec<(Bits, i128)>,
    steps: u32,
}

impl Listing<'_> {
    /// Nothing where they are too many.
    fn of(own: &Own<Bits>, gains: &[i64], least: i128) -> Option<Vec<(Bits, i128)>> {
        let mut order: Vec<(i64, usize)> = (gains.iter().enumerate())
            .filter(|(item, _)| !own.out.has(*item))
            .map(|(item, gain)| (*gain, item))
            .collect();
        order.sort_unstable_by_key(|(gain, item)| (std::cmp::Reverse(*gain), *item));
        let all = order
            .iter()
            .filter(|(gain, _)| *gain > 0)
            .fold(Bits::default(), |all, (_, item)| all.with(*item));
        let beyond = |(mask, most): &&(Bits, u32)| (*mask & all).count().saturating_sub(*most);
        let widest = own.limits.iter().max_by_key(beyond).copied();
        let mut listing = Listing { own, order, widest, least, found: Vec::new(), steps: STEPS };
        let whole = listing.list(0, Bits::default(), 0);
        whole.then_some(listing.found)
    }

    fn list(&mut self, at: usize, chosen: Bits, gain: i128) -> bool {
        if self.steps == 0 || self.found.len() > CHOICES {
            return false;
        }
        self.steps -= 1;
        let mut rest = 0i128;
        let mut room = self.widest.map_or(0, |(mask, most)| most.saturating_sub((mask & chosen).count()));
        for (gain, item) in self.order.get(at..).unwrap_or_default().iter().take_while(|(gain, _)| *gain > 0)
        {
            if self.widest.is_some_and(|(mask, _)| mask.has(*item)) {
                if room == 0 {
                    continue;
                }
                room -= 1;
            }
            rest += i128::from(*gain);
        }
        if gain + rest <= self.least {
            return true;
        }
        let Some((own, item)) = self.order.get(at).copied() else {
            if self.own.admits(chosen) {
                self.found.push((chosen, gain));
            }
            return true;
        };
        let with = chosen.with(item);
        // What only ever grows can be refused at once.
        let fits = self.own.limits.iter().all(|(mask, most)| (with & *mask).count() <= *most)
            && self.own.apart.iter().all(|(item, apart)| !with.has((*item).into()) || !with.meets(*apart));
        (!fits || self.list(at + 1, with, gain + i128::from(own))) && self.list(at + 1, chosen, gain)
    }
}
