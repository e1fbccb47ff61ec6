//! Makes the choice of many members at the best prices fit, as far as the choices that lose least can: some thousands of members,
//! whose choice is nearest to being otherwise, use up nearly all that has a price, and give back what is passed. Refuses to know
//! how prices were found, and what to do about the rest.

use crate::finish::{Leads, Plan};
use crate::price::{Ground, HIGHEST};
use crate::rest::{Open, Pick, Rest};
use std::cmp::Ordering;

/// Members that are looked at.
const NEAREST: usize = 8000;
/// Choices of theirs.
const PICKS: usize = 40_000;
/// How many times they are looked for, with half of the limit each time.
const HALVINGS: usize = 12;
/// Choices that are tried together with a second one.
const FIRST: usize = 128;
/// Choices that are looked at in all.
const WORK: usize = 8_000_000;
/// How many times its price passing a row costs: no more than what is left of it at first, so that much is tried.
const DEAR: [i128; 2] = [1, 4];

/// Changes a plan in which everyone has the best choice at the prices. Of these choices it is told by how much they lead; nothing is left
/// of that where it changes one. It returns what all choices lose at least that it did not look at.
pub fn settle(ground: &Ground<'_>, prices: &[i64], plan: &mut Plan, leads: &mut Leads) -> i64 {
    let (near, mut limit) = nearest(leads);
    let rest = (0..HALVINGS).find_map(|_| {
        let rest = Rest::of(ground, prices, (limit.into(), PICKS), Open::Some(plan, &near));
        limit = if rest.is_none() { limit / 2 } else { limit };
        rest
    });
    let Some(rest) = rest else { return 0 };
    let mut search = Search::of(&rest);
    for dear in DEAR {
        search.make_dear(dear);
        search.run();
    }
    for (position, _) in search.picked.iter().enumerate().filter(|(_, picked)| picked.is_some()) {
        leads.leave(rest.member(position));
    }
    *plan = rest.plan(&search.picked);
    limit
}

/// The members with a choice that loses least, ascending, and what all choices of others lose at least.
fn nearest(leads: &Leads) -> (Vec<u32>, i64) {
    let members = || leads.ahead.iter().zip(0u32..);
    if leads.ahead.len() <= NEAREST {
        return (members().map(|(_, member)| member).collect(), HIGHEST);
    }
    let mut all = leads.ahead.clone();
    let (less, limit, _) = all.select_nth_unstable(NEAREST);
    // Of those that lose as much as the first that is left out, the first ones are taken.
    let mut room = less.iter().filter(|ahead| *ahead == limit).count();
    let near = members().filter(|(ahead, _)| match (*ahead).cmp(limit) {
        Ordering::Less => true,
        Ordering::Equal => {
            let is_first = room > 0;
            room -= usize::from(is_first);
            is_first
        }
        Ordering::Greater => false,
    });
    (near.map(|(_, member)| member).collect(), (*limit).min(HIGHEST))
}

/// Which picks are taken, and what that leaves.
pub struct Search<'r, 'g> {
    rest: &'r Rest<'g>,
    /// By position of the member.
    pub picked: Vec<Option<usize>>,
    /// By row.
    pub left: Vec<i128>,
    /// What a row costs for each one that it is passed by.
    pub over: Vec<i128>,
    /// Choices that were looked at.
    pub work: usize,
}

/// What is lost more when the member at a position has another pick, or none.
pub type Step = (i128, usize, Option<usize>);

impl<'r, 'g> Search<'r, 'g> {
    /// Everyone at the best.
    pub fn of(rest: &'r Rest<'g>) -> Search<'r, 'g> {
        let left = rest.rows.iter().map(|own| own.left).collect();
        Search { rest, picked: vec![None; rest.of.len()], left, over: vec![0; rest.rows.len()], work: 0 }
    }

    /// Says how many times its price passing a row costs.
    pub fn make_dear(&mut self, dear: i128) {
        for (over, own) in self.over.iter_mut().zip(&self.rest.rows) {
            *over = own.worth.map_or(own.price.max(1) * dear, |worth| worth - own.price);
        }
    }

    /// Takes the step that loses least, as long as there is one that gains, or two that do together.
    fn run(&mut self) {
        while self.work < WORK {
            let mut steps = self.steps();
            let Some(best) = steps.iter().min().copied() else { return };
            if best.0 < 0 {
                self.make(best.1, best.2);
                continue;
            }
            let count = FIRST.min(steps.len() - 1);
            steps.select_nth_unstable(count);
            steps.truncate(count);
            steps.sort_unstable();
            let two = steps.into_iter().any(|(lost, position, to)| {
                let from = self.picked[position];
                self.make(position, to);
                let others = self.steps().into_iter().filter(|second| second.1 != position);
                let second = others.min().filter(|second| lost + second.0 < 0);
                match second {
                    Some(second) => self.make(second.1, second.2),
                    None => self.make(position, from),
                }
                second.is_some()
            });
            if !two {
                return;
            }
        }
    }

    /// All that could be taken next.
    pub fn steps(&mut self) -> Vec<Step> {
        let mut all = Vec::with_capacity(self.rest.picks.len());
        for (position, picks) in self.rest.of.iter().enumerate() {
            let now = self.picked[position];
            let none = now.is_some().then_some(None);
            for to in picks.clone().map(Some).chain(none).filter(|to| *to != now) {
                all.push((self.change(position, to), position, to));
            }
        }
        self.work += all.len();
        all
    }

    fn pick(&self, pick: Option<usize>) -> Option<&'r Pick> {
        pick.map(|pick| &self.rest.picks[pick])
    }

    fn change(&self, position: usize, to: Option<usize>) -> i128 {
        let (from, to) = (self.pick(self.picked[position]), self.pick(to));
        let loss = |pick: Option<&Pick>| pick.map_or(0, |pick| pick.loss);
        let rows = |pick: Option<&'r Pick>| pick.map_or(&[][..], |pick| pick.rows.as_slice());
        let of = |rows: &[(usize, i128)], row: usize| {
            rows.binary_search_by_key(&row, |own| own.0).map_or(0, |at| rows[at].1)
        };
        let (from_rows, to_rows) = (rows(from), rows(to));
        let mut change = loss(to) - loss(from);
        for (row, own) in to_rows {
            change += self.costs_more(*row, own - of(from_rows, *row));
        }
        for (row, own) in from_rows.iter().filter(|(row, _)| of(to_rows, *row) == 0) {
            change += self.costs_more(*row, -own);
        }
        change
    }

    /// What a row costs more when so much more of it is used.
    fn costs_more(&self, row: usize, more: i128) -> i128 {
        let cost =
            |left: i128| if left >= 0 { self.rest.rows[row].price * left } else { self.over[row] * -left };
        cost(self.left[row] - more) - cost(self.left[row])
    }

    /// Gives the member at a position another pick, or none.
    pub fn make(&mut self, position: usize, to: Option<usize>) {
        let from = std::mem::replace(&mut self.picked[position], to);
        for (pick, sign) in [(from, 1), (to, -1)] {
            for (row, own) in self.pick(pick).into_iter().flat_map(|pick| &pick.rows) {
                self.left[*row] += sign * own;
            }
        }
    }
}
