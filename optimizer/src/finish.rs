//! From the choice at the best prices to one that fits: what passes a row is given up where that costs least, what is left is
//! filled, and minima that fall short pull harder. Refuses to know how prices were found.

use crate::price::{Ground, Tables, used_by};
use crate::solve::in_parallel;
use crate::subset::{FORBIDDEN, Subset};

/// A choice, and what it uses.
#[derive(Clone, Debug)]
pub struct Plan {
    /// By member.
    pub chosen: Vec<u64>,
    /// By row.
    pub used: Vec<i128>,
    /// The scores.
    pub score: i128,
}

/// What another choice for one member changes.
#[derive(Debug, Default)]
pub struct Change {
    rows: Vec<(u32, i128)>,
    score: i128,
}

impl Change {
    fn of(&mut self, ground: &Ground<'_>, member: usize, from: u64, to: u64) {
        self.rows.clear();
        self.score = 0;
        let first = ground.problem.contacts_of(member).start;
        let mut left = from ^ to;
        while left != 0 {
            let item = left.trailing_zeros();
            left &= left - 1;
            let contact = first + item as usize;
            let sign = if to >> item & 1 == 1 { 1 } else { -1 };
            self.score += sign * i128::from(ground.problem.score[contact]);
            for id in ground.rows.of_class(ground.problem.class[contact]) {
                let own = sign * i128::from(ground.rows.list[*id as usize].use_of(ground.problem, contact));
                match self.rows.iter_mut().find(|(row, _)| row == id) {
                    Some((_, change)) => *change += own,
                    None => self.rows.push((*id, own)),
                }
            }
        }
    }

    /// Whether it makes a row that is not passed by be passed, or one that is, still more.
    fn passes(&self, ground: &Ground<'_>, plan: &Plan) -> bool {
        self.rows.iter().any(|(id, change)| {
            let row = &ground.rows.list[*id as usize];
            row.worth.is_none() && *change > 0 && plan.used[*id as usize] + change > row.bound
        })
    }

    /// What it adds to the objective.
    fn gain(&self, ground: &Ground<'_>, plan: &Plan) -> i128 {
        let mut gain = self.score;
        for (id, change) in &self.rows {
            let row = &ground.rows.list[*id as usize];
            if let Some(worth) = row.worth {
                let over = |used: i128| (used - row.bound).max(0);
                let used = plan.used[*id as usize];
                gain -= i128::from(worth) * (over(used + change) - over(used));
            }
        }
        gain
    }

    fn make(&self, plan: &mut Plan, member: usize, to: u64) {
        for (id, change) in &self.rows {
            plan.used[*id as usize] += change;
        }
        plan.score += self.score;
        plan.chosen[member] = to;
    }
}

impl Plan {
    /// Of what is chosen.
    pub fn of(ground: &Ground<'_>, chosen: Vec<u64>) -> Plan {
        let used = used_by(ground, &chosen);
        let mut score = 0i128;
        for (member, mask) in chosen.iter().enumerate() {
            let first = ground.problem.contacts_of(member).start;
            let mut left = *mask;
            while left != 0 {
                score += i128::from(ground.problem.score[first + left.trailing_zeros() as usize]);
                left &= left - 1;
            }
        }
        Plan { chosen, used, score }
    }

    /// The scores less what falls short.
    pub fn objective(&self, ground: &Ground<'_>) -> i128 {
        let short =
            ground.rows.list.iter().zip(&self.used).filter_map(|(row, used)| {
                row.worth.map(|worth| i128::from(worth) * (used - row.bound).max(0))
            });
        self.score - short.sum::<i128>()
    }

    fn passed(&self, ground: &Ground<'_>) -> Vec<usize> {
        let rows = ground.rows.list.iter().zip(&self.used).enumerate();
        rows.filter(|(_, (row, used))| row.worth.is_none() && **used > row.bound).map(|(id, _)| id).collect()
    }
}

/// Rounds in which rows that are passed are mended one by one.
const ROUNDS: usize = 40;

/// Gives up contacts until no row is passed.
pub fn repair(ground: &Ground<'_>, prices: &[i64], plan: &mut Plan) {
    let tables = Tables::of(ground, prices);
    let (mut subset, mut gains, mut change) = (Subset::default(), Vec::new(), Change::default());
    for _ in 0..ROUNDS {
        let passed = plan.passed(ground);
        if passed.is_empty() {
            return;
        }
        let mut cheapest = cheapest(ground, &tables, plan, &passed);
        for (row, list) in passed.iter().zip(&mut cheapest) {
            list.sort_unstable();
            mend(ground, (prices, &tables), plan, *row, list, (&mut subset, &mut gains, &mut change));
        }
    }
    // What cannot be mended by choosing otherwise is given up, member by member; that ends, since no one gets anything back.
    while let Some(row) = plan.passed(ground).first().copied() {
        let mut most: Vec<(i128, usize)> = Vec::new();
        for member in 0..plan.chosen.len() {
            change.of(ground, member, plan.chosen[member], 0);
            let own = change.rows.iter().find(|(id, _)| *id as usize == row).map_or(0, |(_, own)| *own);
            if own < 0 {
                most.push((own, member));
            }
        }
        // A row whose bound lies below what nothing uses cannot be met at all.
        if most.is_empty() {
            return;
        }
        most.sort_unstable();
        for (_, member) in most {
            if plan.used[row] <= ground.rows.list[row].bound {
                break;
            }
            change.of(ground, member, plan.chosen[member], 0);
            change.make(plan, member, 0);
        }
    }
}

/// Of each row that is passed, the contacts that gain least for what they use: gain for each unit, member, contact's bit.
fn cheapest(
    ground: &Ground<'_>,
    tables: &Tables,
    plan: &Plan,
    passed: &[usize],
) -> Vec<Vec<(i128, u32, u8)>> {
    let mut place = vec![usize::MAX; ground.rows.list.len()];
    let mut most = Vec::new();
    for (at, row) in passed.iter().enumerate() {
        place[*row] = at;
        let own = &ground.rows.list[*row];
        let over = (plan.used[*row] - own.bound) / i128::from(own.mean);
        most.push(usize::try_from(over * 6 + 30).unwrap_or(usize::MAX));
    }
    let mut lists: Vec<Vec<(i128, u32, u8)>> = vec![Vec::new(); passed.len()];
    for (member, mask) in plan.chosen.iter().enumerate() {
        let first = ground.problem.contacts_of(member).start;
        let mut left = *mask;
        while left != 0 {
            let item = left.trailing_zeros() as u8;
            left &= left - 1;
            let contact = first + item as usize;
            for id in ground.rows.of_class(ground.problem.class[contact]) {
                let Some(list) = lists.get_mut(place[*id as usize]) else { continue };
                let own = ground.rows.list[*id as usize].use_of(ground.problem, contact);
                if own > 0 {
                    list.push((
                        i128::from(tables.gain(ground, contact)) / i128::from(own),
                        member as u32,
                        item,
                    ));
                    let most = most[place[*id as usize]];
                    if list.len() > most.saturating_mul(2) {
                        list.select_nth_unstable(most);
                        list.truncate(most);
                    }
                }
            }
        }
    }
    for (list, most) in lists.iter_mut().zip(most) {
        list.sort_unstable();
        list.truncate(most);
    }
    lists
}

/// Takes contacts out of a row, those that lose least first.
fn mend(
    ground: &Ground<'_>,
    (prices, tables): (&[i64], &Tables),
    plan: &mut Plan,
    row: usize,
    list: &[(i128, u32, u8)],
    (subset, gains, change): (&mut Subset, &mut Vec<i64>, &mut Change),
) {
    let bound = ground.rows.list[row].bound;
    let mut losses: Vec<(i128, u32, u64)> = Vec::with_capacity(list.len());
    for (_, member, item) in list {
        let member = *member as usize;
        let chosen = plan.chosen[member];
        let range = ground.problem.contacts_of(member);
        gains.clear();
        for (position, contact) in range.enumerate() {
            let taken = chosen >> position & 1 == 1;
            let mut gain = tables.gain(ground, contact);
            let full = |id: &u32| {
                let row = &ground.rows.list[*id as usize];
                let own = i128::from(row.use_of(ground.problem, contact));
                row.worth.is_none() && own > 0 && plan.used[*id as usize] + own > row.bound
            };
            let out = if taken {
                position == usize::from(*item)
            } else {
                ground.rows.of_class(ground.problem.class[contact]).iter().any(full)
            };
            if out {
                gain = FORBIDDEN;
            }
            gains.push(gain);
        }
        let choice = subset.best(&ground.locals.own(member), gains);
        if choice.chosen == chosen {
            continue;
        }
        change.of(ground, member, chosen, choice.chosen);
        let loss = loss(ground, prices, change);
        losses.push((loss, member as u32, choice.chosen));
    }
    losses.sort_unstable();
    for (_, member, to) in losses {
        if plan.used[row] <= bound {
            return;
        }
        let member = member as usize;
        change.of(ground, member, plan.chosen[member], to);
        let less = change.rows.iter().any(|(id, own)| *id as usize == row && *own < 0);
        if less && !change.passes(ground, plan) {
            change.make(plan, member, to);
        }
    }
}

/// What a change loses at prices.
fn loss(ground: &Ground<'_>, prices: &[i64], change: &Change) -> i128 {
    let shared: i128 = change.rows.iter().map(|(id, own)| i128::from(prices[*id as usize]) * own).sum();
    shared - (change.score << ground.shift)
}

/// How far prices of what is left over fall, in thousandths, level by level.
const LEVELS: [i64; 9] = [1000, 999, 997, 990, 970, 900, 700, 400, 0];

/// Fills what is left, and pulls up what falls short.
pub fn fill(ground: &Ground<'_>, prices: &[i64], plan: &mut Plan) {
    const TASK: usize = 8192;
    let mut change = Change::default();
    for level in LEVELS {
        let own: Vec<i64> = (0..prices.len())
            .map(|id| {
                let (row, price) = (&ground.rows.list[id], i128::from(prices[id]));
                let level = i128::from(level);
                let price = match row.worth {
                    Some(worth) if plan.used[id] > row.bound => {
                        let most = i128::from(worth) << ground.shift;
                        price + (most - price).max(0) * (1000 - level) / 1000
                    }
                    Some(_) | None if plan.used[id] < row.bound => price * level / 1000,
                    Some(_) | None => price,
                };
                price.min(1 << 50) as i64
            })
            .collect();
        let tables = Tables::of(ground, &own);
        let members = plan.chosen.len();
        let start: &Plan = plan;
        let asked = in_parallel(
            members.div_ceil(TASK),
            ground.threads,
            || (Subset::default(), Vec::with_capacity(64)),
            |task, (subset, gains)| {
                let mut asked: Vec<(u32, u64)> = Vec::new();
                for member in task * TASK..members.min((task + 1) * TASK) {
                    let chosen = start.chosen[member];
                    gains.clear();
                    for (position, contact) in ground.problem.contacts_of(member).enumerate() {
                        let mut gain = tables.gain(ground, contact);
                        if gain > 0 && chosen >> position & 1 == 0 {
                            let full = |id: &u32| {
                                let row = &ground.rows.list[*id as usize];
                                let own = i128::from(row.use_of(ground.problem, contact));
                                // What the member has there may make room.
                                row.worth.is_none()
                                    && own > 0
                                    && chosen == 0
                                    && start.used[*id as usize] + own > row.bound
                            };
                            if ground.rows.of_class(ground.problem.class[contact]).iter().any(full) {
                                gain = FORBIDDEN;
                            }
                        }
                        gains.push(gain);
                    }
                    let choice = subset.best(&ground.locals.own(member), gains);
                    if choice.chosen != chosen {
                        asked.push((member as u32, choice.chosen));
                    }
                }
                asked
            },
        );
        for (member, to) in asked.into_iter().flatten() {
            let member = member as usize;
            change.of(ground, member, plan.chosen[member], to);
            if !change.passes(ground, plan) && change.gain(ground, plan) > 0 {
                change.make(plan, member, to);
            }
        }
    }
}

/// Puts contacts in the place of others: a contact that a full row keeps out takes the place of one that is worth less there,
/// where its member can do with less. What loses more at the prices than `gap`, in parts of the score, is of no use.
pub fn exchange(ground: &Ground<'_>, prices: &[i64], gap: i128, plan: &mut Plan) -> bool {
    let tables = Tables::of(ground, prices);
    let (mut subset, mut gains) = (Subset::default(), Vec::new());
    let (mut own, mut other) = (Change::default(), Change::default());
    let mut changed = false;
    // What each row would give up most easily.
    let all: Vec<usize> = (0..ground.rows.list.len())
        .filter(|id| {
            let row = &ground.rows.list[*id];
            row.worth.is_none() && plan.used[*id] + i128::from(row.mean) > row.bound
        })
        .collect();
    let cheap = cheapest(ground, &tables, plan, &all);
    let mut place = vec![usize::MAX; ground.rows.list.len()];
    for (at, row) in all.iter().enumerate() {
        place[*row] = at;
    }
    for member in 0..plan.chosen.len() {
        let range = ground.problem.contacts_of(member);
        let mut most: Option<i128> = None;
        for (position, contact) in range.clone().enumerate() {
            let chosen = plan.chosen[member];
            let lost = -i128::from(tables.gain(ground, contact));
            if chosen >> position & 1 == 1 || lost > gap {
                continue;
            }
            gains.clear();
            gains.extend(range.clone().map(|contact| tables.gain(ground, contact)));
            let most =
                *most.get_or_insert_with(|| subset.best(&ground.locals.own(member), &gains).gain.into());
            // The best choice of the member with this contact.
            let pull = gains[position].max(0) + (1 << 51) - gains[position];
            gains[position] += pull;
            let best = subset.best(&ground.locals.own(member), &gains);
            let to = best.chosen;
            if to >> position & 1 == 0 || most - i128::from(best.gain - pull) > gap {
                continue;
            }
            own.of(ground, member, chosen, to);
            let over: Vec<u32> = own
                .rows
                .iter()
                .filter(|(id, change)| {
                    let row = &ground.rows.list[*id as usize];
                    row.worth.is_none() && *change > 0 && plan.used[*id as usize] + change > row.bound
                })
                .map(|(id, _)| *id)
                .collect();
            if over.is_empty() {
                if own.gain(ground, plan) > 0 {
                    own.make(plan, member, to);
                    changed = true;
                }
                continue;
            }
            let Some(list) = over.first().and_then(|id| cheap.get(place[*id as usize])) else { continue };
            let mut best: Option<(i128, usize, u64)> = None;
            own.make(plan, member, to);
            for (_, victim, item) in list.iter().take(24) {
                let victim = *victim as usize;
                let theirs = plan.chosen[victim];
                if victim == member || theirs >> item & 1 == 0 {
                    continue;
                }
                gains.clear();
                for (position, contact) in ground.problem.contacts_of(victim).enumerate() {
                    let taken = theirs >> position & 1 == 1;
                    let full = |id: &u32| {
                        let row = &ground.rows.list[*id as usize];
                        let own = i128::from(row.use_of(ground.problem, contact));
                        row.worth.is_none() && own > 0 && plan.used[*id as usize] + own > row.bound
                    };
                    let out = if taken {
                        position == usize::from(*item)
                    } else {
                        ground.rows.of_class(ground.problem.class[contact]).iter().any(full)
                    };
                    gains.push(if out { FORBIDDEN } else { tables.gain(ground, contact) });
                }
                let less = subset.best(&ground.locals.own(victim), &gains).chosen;
                other.of(ground, victim, theirs, less);
                let mended = over.iter().all(|id| {
                    let change =
                        other.rows.iter().find(|(row, _)| row == id).map_or(0, |(_, change)| *change);
                    plan.used[*id as usize] + change <= ground.rows.list[*id as usize].bound
                });
                if !mended || other.passes(ground, plan) {
                    continue;
                }
                let gain = other.gain(ground, plan);
                if best.is_none_or(|(best, ..)| gain > best) {
                    best = Some((gain, victim, less));
                }
            }
            // What falls short is counted for the first change too.
            own.of(ground, member, to, chosen);
            let kept = match best {
                Some((gain, ..)) => {
                    // `own` undoes the first change: what it would add, the change has lost.
                    gain - own.gain(ground, plan) > 0
                }
                None => false,
            };
            match best.filter(|_| kept) {
                Some((_, victim, less)) => {
                    other.of(ground, victim, plan.chosen[victim], less);
                    other.make(plan, victim, less);
                    changed = true;
                }
                None => own.make(plan, member, chosen),
            }
        }
    }
    changed
}
