//! Small problems, to proof: at the best prices every choice for a member has a loss, and losses add up to no more than the
//! gap. So few choices are left, and all that they can make together is looked through. Refuses to know how the gap came
//! about.

use crate::bits::{Bits, Mask};
use crate::finish::Plan;
use crate::local::Own;
use crate::price::{Dual, Ground, Tables};

/// Choices for one member that are looked at.
const CHOICES: usize = 4000;
/// Steps of the search for them.
const STEPS: u32 = 1_000_000;
/// Choices of all members.
const ALL_CHOICES: usize = 400_000;

/// A choice for a member.
#[derive(Clone, Debug)]
struct Pick {
    chosen: Bits,
    loss: i128,
    rows: Vec<(u32, i128)>,
}

struct Search<'g> {
    ground: &'g Ground<'g>,
    prices: &'g [i64],
    /// Members with more than one choice, and their choices, least loss first.
    open: Vec<(usize, Vec<Pick>)>,
    /// By position in `open`: the least and the most that what follows uses, row by row.
    least: Vec<Vec<i128>>,
    most: Vec<Vec<i128>>,
    /// Rows that open members use.
    rows: Vec<usize>,
    used: Vec<i128>,
    picked: Vec<usize>,
    best: Option<Vec<usize>>,
    /// Losses at or above it are of no use.
    limit: i128,
    nodes: u64,
}

/// Looks for a better plan and for the proof that there is none. The plan, if it is better, and whether that is proven.
pub fn prove(ground: &Ground<'_>, dual: &Dual, plan: &Plan, nodes: u64) -> (Option<Plan>, bool) {
    let gap = dual.bound - (plan.objective(ground) << ground.shift);
    // Scores are whole: what is better is better by one.
    let limit = gap - (1i128 << ground.shift) + 1;
    if limit <= 0 {
        return (None, true);
    }
    let tables = Tables::of(ground, &dual.prices);
    let mut open = Vec::new();
    let mut fixed = plan.chosen.clone();
    let mut used = vec![0i128; ground.rows.list.len()];
    let mut total = 0;
    let mut own = Own::default();
    for member in 0..ground.problem.member_count() {
        let range = ground.problem.contacts_of(member);
        let gains: Vec<i64> = range.clone().map(|contact| tables.gain(ground, contact)).collect();
        ground.locals.read(member, range.len(), &mut own);
        let mut best = i128::MIN;
        let mut found = Vec::new();
        let mut steps = STEPS;
        let whole =
            enumerate(&own, &gains, 0, Bits::default(), 0, limit, (&mut best, &mut found, &mut steps));
        if !whole || found.len() + total > ALL_CHOICES {
            return (None, false);
        }
        found.retain(|(_, gain)| best - gain < limit);
        found.sort_unstable_by_key(|(chosen, gain)| (-gain, *chosen));
        let choices: Vec<Pick> = found
            .into_iter()
            .map(|(chosen, gain)| Pick { chosen, loss: best - gain, rows: uses(ground, range.start, chosen) })
            .collect();
        total += choices.len();
        match choices.as_slice() {
            [only] => {
                fixed.set(range, only.chosen);
                only.rows.iter().for_each(|(row, own)| used[*row as usize] += own);
            }
            [] | [_, ..] => open.push((member, choices)),
        }
    }
    open.sort_by_key(|(member, choices)| (choices.len(), *member));
    let count = ground.rows.list.len();
    let (mut least, mut most) = (vec![vec![0i128; count]], vec![vec![0i128; count]]);
    for (_, choices) in open.iter().rev() {
        let (mut low, mut high) =
            (least.last().cloned().unwrap_or_default(), most.last().cloned().unwrap_or_default());
        let mut touched: Vec<u32> =
            choices.iter().flat_map(|own| own.rows.iter().map(|(row, _)| *row)).collect();
        touched.sort_unstable();
        touched.dedup();
        for row in touched {
            let of = |own: &Pick| own.rows.iter().find(|(id, _)| *id == row).map_or(0, |(_, own)| *own);
            low[row as usize] += choices.iter().map(of).min().unwrap_or(0);
            high[row as usize] += choices.iter().map(of).max().unwrap_or(0);
        }
        least.push(low);
        most.push(high);
    }
    least.reverse();
    most.reverse();
    let mut rows: Vec<usize> = open
        .iter()
        .flat_map(|(_, choices)| choices)
        .flat_map(|own| own.rows.iter().map(|(row, _)| *row as usize))
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let mut search = Search {
        ground,
        prices: &dual.prices,
        picked: Vec::with_capacity(open.len()),
        open,
        least,
        most,
        rows,
        used,
        best: None,
        limit,
        nodes,
    };
    // Rows that nothing open uses lose what they lose.
    let mut settled = 0i128;
    for row in 0..count {
        if search.rows.binary_search(&row).is_err() {
            match search.row_loss(row, 0, 0) {
                Some(loss) => settled += loss,
                None => return (None, true),
            }
        }
    }
    let whole = search.look(0, settled);
    let better = search.best.take().map(|picked| {
        for ((member, choices), pick) in search.open.iter().zip(picked) {
            let chosen = choices.get(pick).map_or(Bits::default(), |own| own.chosen);
            fixed.set(ground.problem.contacts_of(*member), chosen);
        }
        Plan::of(ground, fixed)
    });
    (better, whole)
}

impl Search<'_> {
    /// What a row loses at least, when what follows uses between `low` and `high`; nothing where it is passed in any case.
    fn row_loss(&self, row: usize, low: i128, high: i128) -> Option<i128> {
        let own = &self.ground.rows.list[row];
        let (low, high) = (self.used[row] + low, self.used[row] + high);
        let price = i128::from(self.prices[row]);
        if high < own.bound {
            return Some(price * (own.bound - high));
        }
        if low > own.bound {
            let worth = i128::from(own.worth?) << self.ground.shift;
            return Some((worth - price).max(0) * (low - own.bound));
        }
        Some(0)
    }

    /// Whether all was looked through.
    fn look(&mut self, depth: usize, loss: i128) -> bool {
        if self.nodes == 0 {
            return false;
        }
        self.nodes -= 1;
        let mut shared = loss;
        for at in 0..self.rows.len() {
            let row = self.rows[at];
            match self.row_loss(row, self.least[depth][row], self.most[depth][row]) {
                Some(loss) => shared += loss,
                None => return true,
            }
            if shared >= self.limit {
                return true;
            }
        }
        if depth == self.open.len() {
            self.limit = shared;
            self.best = Some(self.picked.clone());
            return true;
        }
        let mut whole = true;
        for pick in 0..self.open[depth].1.len() {
            let own = self.open[depth].1[pick].clone();
            if loss + own.loss >= self.limit {
                break;
            }
            own.rows.iter().for_each(|(row, used)| self.used[*row as usize] += used);
            self.picked.push(pick);
            whole &= self.look(depth + 1, loss + own.loss);
            self.picked.pop();
            own.rows.iter().for_each(|(row, used)| self.used[*row as usize] -= used);
        }
        whole
    }
}

fn uses(ground: &Ground<'_>, first: usize, chosen: Bits) -> Vec<(u32, i128)> {
    let mut rows: Vec<(u32, i128)> = Vec::new();
    for item in chosen.positions() {
        let contact = first + item;
        for id in ground.rows.of_class(ground.problem.class[contact]) {
            let own = i128::from(ground.rows.list[*id as usize].use_of(ground.problem, contact));
            match rows.iter_mut().find(|(row, _)| row == id) {
                Some((_, used)) => *used += own,
                None => rows.push((*id, own)),
            }
        }
    }
    rows
}

/// All choices that lose less than `limit` against the best; false where they are too many.
fn enumerate(
    own: &Own<Bits>,
    gains: &[i64],
    item: usize,
    chosen: Bits,
    gain: i128,
    limit: i128,
    (best, found, steps): (&mut i128, &mut Vec<(Bits, i128)>, &mut u32),
) -> bool {
    if *steps == 0 {
        return false;
    }
    *steps -= 1;
    let rest: i128 = gains
        .get(item..)
        .unwrap_or_default()
        .iter()
        .filter(|gain| **gain > 0)
        .map(|gain| i128::from(*gain))
        .sum();
    if *best > i128::MIN && *best - (gain + rest) >= limit {
        return true;
    }
    let Some(next) = gains.get(item) else {
        if own.admits(chosen) {
            *best = (*best).max(gain);
            found.push((chosen, gain));
            if found.len() > CHOICES {
                let best = *best;
                found.retain(|(_, gain)| best - gain < limit);
            }
            return found.len() <= CHOICES;
        }
        return true;
    };
    let with = chosen.with(item);
    // What only ever grows can be refused at once.
    let fits = !with.meets(own.out)
        && own.limits.iter().all(|(mask, most)| (with & *mask).count() <= *most)
        && own.apart.iter().all(|(item, apart)| !with.has((*item).into()) || !with.meets(*apart));
    let (first, second) = (*next > 0, *next <= 0);
    let mut whole = true;
    if fits && first {
        whole &= enumerate(own, gains, item + 1, with, gain + i128::from(*next), limit, (best, found, steps));
    }
    whole &= enumerate(own, gains, item + 1, chosen, gain, limit, (best, found, steps));
    if fits && second {
        whole &= enumerate(own, gains, item + 1, with, gain + i128::from(*next), limit, (best, found, steps));
    }
    whole
}
