//! From the choice at the best prices to one that fits. What an answer lacks of the bound is the sum of what its members lose at
//! the prices, of priced room that is left, and of what falls short; so rows are settled by the changes that lose least.
//! Refuses to know how prices were found.

use crate::bits::{Bits, Chosen, Mask};
use crate::price::{Dual, Ground, Moved, Tables, used_by};
use crate::solve::in_parallel;
use crate::subset::{Chooser, FORBIDDEN};

/// A choice, and what it uses.
#[derive(Clone, Debug)]
pub struct Plan {
    /// By member.
    pub chosen: Chosen,
    /// By row.
    pub used: Vec<i128>,
    /// The scores.
    pub score: i128,
}

/// What another choice for one member changes.
#[derive(Debug, Default)]
pub struct Change {
    rows: Vec<(u32, i64)>,
    score: i128,
}

impl Change {
    fn of(&mut self, ground: &Ground<'_>, member: usize, from: Bits, to: Bits) {
        self.rows.clear();
        self.score = 0;
        let first = ground.problem.contacts_of(member).start;
        for item in (from.without(to) | to.without(from)).positions() {
            let contact = first + item;
            let sign = if to.has(item) { 1i64 } else { -1 };
            self.score += i128::from(sign) * i128::from(ground.problem.score.get(contact));
            for id in ground.rows.of_class(ground.problem.class[contact]) {
                let own = sign * ground.rows.list[*id as usize].use_of(ground.problem, contact);
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
            row.worth.is_none() && *change > 0 && plan.after(*id, *change) > row.bound
        })
    }

    /// What it adds to the objective.
    fn gain(&self, ground: &Ground<'_>, plan: &Plan) -> i128 {
        let mut gain = self.score;
        for (id, change) in &self.rows {
            let row = &ground.rows.list[*id as usize];
            if let Some(worth) = row.worth {
                let over = |used: i128| (used - row.bound).max(0);
                let (before, after) = (plan.used[*id as usize], plan.after(*id, *change));
                gain -= i128::from(worth) * (over(after) - over(before));
            }
        }
        gain
    }

    /// Whether a row that is passed is passed less.
    fn relieves(&self, ground: &Ground<'_>, plan: &Plan) -> bool {
        self.rows.iter().any(|(id, change)| {
            let row = &ground.rows.list[*id as usize];
            row.worth.is_none() && *change < 0 && plan.used[*id as usize] > row.bound
        })
    }

    fn make(&self, ground: &Ground<'_>, plan: &mut Plan, member: usize, to: Bits) {
        for (id, change) in &self.rows {
            plan.used[*id as usize] = plan.after(*id, *change);
        }
        plan.score += self.score;
        plan.chosen.set(ground.problem.contacts_of(member), to);
    }
}

impl Plan {
    /// Of what is chosen.
    pub fn of(ground: &Ground<'_>, chosen: Chosen) -> Plan {
        let used = used_by(ground, &chosen);
        let score = chosen.contacts().map(|contact| i128::from(ground.problem.score.get(contact))).sum();
        Plan { chosen, used, score }
    }

    /// What is used of a row after a change.
    fn after(&self, id: u32, change: i64) -> i128 {
        self.used[id as usize] + i128::from(change)
    }

    /// What a member gets.
    fn choice(&self, ground: &Ground<'_>, member: usize) -> Bits {
        self.chosen.of(ground.problem.contacts_of(member))
    }

    /// The scores less what falls short.
    pub fn objective(&self, ground: &Ground<'_>) -> i128 {
        let short =
            ground.rows.list.iter().zip(&self.used).filter_map(|(row, used)| {
                row.worth.map(|worth| i128::from(worth) * (used - row.bound).max(0))
            });
        self.score - short.sum::<i128>()
    }

    /// Whether a least number is not reached.
    pub fn is_short(&self, ground: &Ground<'_>) -> bool {
        let rows = ground.rows.list.iter().zip(&self.used);
        rows.into_iter().any(|(row, used)| row.worth.is_some() && *used > row.bound)
    }

    /// What room is left of rows that have a price, in parts of the score.
    pub fn left(&self, ground: &Ground<'_>, prices: &[i64]) -> i128 {
        let rows = ground.rows.list.iter().zip(&self.used).zip(prices);
        rows.map(|((row, used), price)| i128::from(*price) * (row.bound - used).max(0)).sum()
    }

    fn passed(&self, ground: &Ground<'_>) -> Vec<usize> {
        let rows = ground.rows.list.iter().zip(&self.used).enumerate();
        rows.filter(|(_, (row, used))| row.worth.is_none() && **used > row.bound).map(|(id, _)| id).collect()
    }
}

/// Rounds in which rows that are passed are mended one by one.
const ROUNDS: usize = 40;

/// Gives up contacts until no row is passed.
pub fn repair(ground: &Ground<'_>, prices: &[i64], plan: &mut Plan, leads: &mut Leads) {
    let tables = Tables::of(ground, prices);
    let (mut chooser, mut change) = (Chooser::default(), Change::default());
    for _ in 0..ROUNDS {
        let passed = plan.passed(ground);
        if passed.is_empty() {
            return;
        }
        let cheapest = cheapest(ground, &tables, plan, &passed);
        for (row, list) in passed.iter().zip(&cheapest) {
            mend(ground, (prices, &tables), (plan, leads), *row, list, (&mut chooser, &mut change));
        }
    }
    // What cannot be mended by choosing otherwise is given up, member by member; that ends, since no one gets anything back.
    while let Some(row) = plan.passed(ground).first().copied() {
        let mut most: Vec<(i64, usize)> = Vec::new();
        for member in 0..ground.problem.member_count() {
            change.of(ground, member, plan.choice(ground, member), Bits::default());
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
            change.of(ground, member, plan.choice(ground, member), Bits::default());
            change.make(ground, plan, member, Bits::default());
            leads.leave(member);
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
    for member in 0..ground.problem.member_count() {
        let first = ground.problem.contacts_of(member).start;
        for item in plan.choice(ground, member).positions() {
            let contact = first + item;
            for id in ground.rows.of_class(ground.problem.class[contact]) {
                let Some(list) = lists.get_mut(place[*id as usize]) else { continue };
                let own = ground.rows.list[*id as usize].use_of(ground.problem, contact);
                if own > 0 {
                    list.push((
                        i128::from(tables.gain(ground, contact)) / i128::from(own),
                        member as u32,
                        item as u8,
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
    (plan, leads): (&mut Plan, &mut Leads),
    row: usize,
    list: &[(i128, u32, u8)],
    (chooser, change): (&mut Chooser, &mut Change),
) {
    let bound = ground.rows.list[row].bound;
    let mut losses: Vec<(i128, u32, Bits)> = Vec::with_capacity(list.len());
    for (_, member, item) in list {
        let member = *member as usize;
        let chosen = plan.choice(ground, member);
        let range = ground.problem.contacts_of(member);
        chooser.gains.clear();
        for (position, contact) in range.enumerate() {
            let taken = chosen.has(position);
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
            chooser.gains.push(gain);
        }
        let choice = chooser.best(ground.locals, member);
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
        change.of(ground, member, plan.choice(ground, member), to);
        let less = change.rows.iter().any(|(id, own)| *id as usize == row && *own < 0);
        if less && !change.passes(ground, plan) {
            change.make(ground, plan, member, to);
            leads.leave(member);
        }
    }
}

/// What a change loses at prices.
fn loss(ground: &Ground<'_>, prices: &[i64], change: &Change) -> i128 {
    let shared: i128 =
        change.rows.iter().map(|(id, own)| i128::from(prices[*id as usize]) * i128::from(*own)).sum();
    shared - (change.score << ground.shift)
}

/// Members that one task of a scan takes.
const TASK: usize = 2048;

/// A choice for a member other than the one it has, with what it loses at the prices.
type Offer = (i128, u32, Bits);

/// How far the choices of members are ahead of their others at the prices of a plan.
#[derive(Debug)]
pub struct Leads {
    /// By how much each leads, as [`crate::subset::Choice::lead`] says; nothing, where the plan has another choice than the best.
    lead: Vec<i64>,
    /// The same, of all other choices.
    pub ahead: Vec<i64>,
}

impl Leads {
    /// Of the best choices, by how much they lead.
    pub fn of(ground: &Ground<'_>, prices: &[i64], lead: Vec<i64>) -> Leads {
        let tables = Tables::of(ground, prices);
        let members = ground.problem.member_count();
        let ahead = in_parallel(
            members.div_ceil(TASK),
            ground.threads,
            || (),
            |task, ()| {
                let ahead = |member: usize| {
                    let range = ground.problem.contacts_of(member);
                    let (out, _): (Bits, Bits) = ground.locals.out_and_asked(member, range.len());
                    let open = range.enumerate().filter(|(item, _)| !out.has(*item));
                    let costs = open.map(|(_, contact)| -tables.gain(ground, contact));
                    let costs = costs.filter(|cost| *cost >= 0);
                    costs.fold(lead.get(member).copied().unwrap_or(0), i64::min)
                };
                (task * TASK..members.min((task + 1) * TASK)).map(ahead).collect::<Vec<_>>()
            },
        );
        Leads { ahead: ahead.concat(), lead }
    }

    /// A member no longer has the best choice.
    pub fn leave(&mut self, member: usize) {
        for list in [&mut self.lead, &mut self.ahead] {
            if let Some(own) = list.get_mut(member) {
                *own = 0;
            }
        }
    }

    /// Whether a member has the best choice even where gains have moved.
    fn holds(&self, ground: &Ground<'_>, moved: &Moved, (member, chosen): (usize, Bits)) -> bool {
        let of = |list: &[i64]| list.get(member).copied().unwrap_or(0);
        let most = moved.most.saturating_mul(ground.problem.contacts_of(member).len() as i64);
        if of(&self.ahead) > most {
            debug_assert!(moved.is_best(ground, member, chosen));
            return true;
        }
        moved.still_leads(ground, member, (chosen, of(&self.lead))).is_some()
    }
}

/// What members would choose at other prices than those of the plan, least loss first. A contact that a full row keeps out in any
/// case is not asked for, nor is a member whose choice is so far ahead that other prices do not matter.
fn offers(ground: &Ground<'_>, (prices, leads): (&[i64], &Leads), other: &[i64], plan: &Plan) -> Vec<Offer> {
    let moved = Moved::of(ground, prices, other);
    // Rows that one contact more may pass, and the classes that they count.
    let tight: Vec<bool> = (ground.rows.list.iter().zip(&plan.used))
        .map(|(row, used)| row.worth.is_none() && used + i128::from(row.largest) > row.bound)
        .collect();
    let groups: Vec<bool> = (0..ground.rows.group_count())
        .map(|group| ground.rows.of_group(group).iter().any(|id| tight[*id as usize]))
        .collect();
    let members = ground.problem.member_count();
    let found = in_parallel(
        members.div_ceil(TASK),
        ground.threads,
        || (Chooser::default(), Change::default()),
        |task, (chooser, change)| {
            let mut found: Vec<Offer> = Vec::new();
            for member in task * TASK..members.min((task + 1) * TASK) {
                let range = ground.problem.contacts_of(member);
                let chosen = plan.chosen.of(range.clone());
                if leads.holds(ground, &moved, (member, chosen)) {
                    continue;
                }
                chooser.gains.clear();
                chooser.gains.extend(range.clone().map(|contact| moved.now.gain(ground, contact)));
                for (position, contact) in range.clone().enumerate() {
                    let group = ground.rows.group(ground.problem.class[contact]);
                    if chooser.gains[position] > 0 && !chosen.has(position) && groups[group] {
                        let rows = ground.rows.of_group(group).iter();
                        let out = rows.filter(|id| tight[**id as usize]).any(|id| {
                            let row = &ground.rows.list[*id as usize];
                            let own = i128::from(row.use_of(ground.problem, contact));
                            // What the member has there may make room.
                            own > 0
                                && plan.used[*id as usize] + own > row.bound
                                && !chosen.positions().any(|taken| {
                                    let class = ground.problem.class[range.start + taken];
                                    ground.rows.of_class(class).binary_search(id).is_ok()
                                })
                        });
                        if out {
                            chooser.gains[position] = FORBIDDEN;
                        }
                    }
                }
                let to = chooser.best(ground.locals, member).chosen;
                if to != chosen {
                    change.of(ground, member, chosen, to);
                    found.push((loss(ground, prices, change), member as u32, to));
                }
            }
            found
        },
    );
    let mut found = found.concat();
    found.sort_unstable();
    found
}

/// Makes the changes that mend a row that is passed, or add to the objective, and pass no row. How many it made.
fn take(ground: &Ground<'_>, offers: Vec<Offer>, plan: &mut Plan, leads: &mut Leads) -> usize {
    let (mut change, mut made) = (Change::default(), 0);
    for (_, member, to) in offers {
        let member = member as usize;
        change.of(ground, member, plan.choice(ground, member), to);
        if !change.passes(ground, plan) && (change.relieves(ground, plan) || change.gain(ground, plan) > 0) {
            change.make(ground, plan, member, to);
            leads.leave(member);
            made += 1;
        }
    }
    made
}

/// How a row stands whose price says that it should be used to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// As it should, or of no price.
    Settled,
    /// More is used, or, of a least number, less is there than is asked for.
    Over,
    /// Less is used.
    Under,
}

fn standing(row: &crate::rows::Row, used: i128, price: i64) -> Standing {
    if used > row.bound {
        Standing::Over
    } else if price > 0 && used + i128::from(row.mean) <= row.bound {
        Standing::Under
    } else {
        Standing::Settled
    }
}

/// How far prices move away from those of the plan, step by step, in 4096ths of what a contact gains.
const REACHES: [i64; 9] = [1, 3, 9, 27, 81, 243, 729, 2187, 6561];
/// How many times in each.
const TURNS: u32 = 2;
/// Of what the plan lacks, what part may be room that is left.
const LEFT: i128 = 4;

/// Settles the rows that have prices: what is passed or falls short gets dearer, what is left over cheaper, by little at first,
/// and whoever chooses otherwise then changes, those that lose least first. Most choices that lose less than `first` were looked at before.
pub fn settle(
    ground: &Ground<'_>,
    dual: &Dual,
    (unit, first): (i64, i64),
    plan: &mut Plan,
    leads: &mut Leads,
) {
    let prices = &dual.prices;
    let mut other = prices.clone();
    let reaches = REACHES.map(|reach| (unit / 4096).saturating_mul(reach).max(1));
    for reach in reaches.into_iter().filter(|reach| *reach >= first / 9) {
        for _ in 0..TURNS {
            let (mut over, mut left) = (false, 0);
            for (id, other) in other.iter_mut().enumerate() {
                let (row, price) = (&ground.rows.list[id], prices[id]);
                let reach = (reach / row.mean).max(1);
                *other = match standing(row, plan.used[id], price) {
                    Standing::Settled => price,
                    Standing::Over => {
                        over = true;
                        price.saturating_add(reach).min(crate::price::HIGHEST)
                    }
                    Standing::Under => {
                        left += i128::from(price) * (row.bound - plan.used[id]);
                        price.saturating_sub(reach).max(0)
                    }
                };
            }
            let lacking = dual.bound - (plan.objective(ground) << ground.shift);
            if !over && left * LEFT <= lacking {
                return;
            }
            let offers = offers(ground, (prices, leads), &other, plan);
            if take(ground, offers, plan, leads) == 0 {
                break;
            }
        }
    }
}

/// How far prices of what is left over fall, in thousandths, level by level.
const LEVELS: [i64; 3] = [970, 700, 0];

/// Fills what is left, and pulls up what falls short.
pub fn fill(ground: &Ground<'_>, prices: &[i64], plan: &mut Plan, leads: &mut Leads) {
    for level in LEVELS {
        let other: Vec<i64> = (0..prices.len())
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
                price.min(crate::price::HIGHEST.into()) as i64
            })
            .collect();
        let offers = offers(ground, (prices, leads), &other, plan);
        take(ground, offers, plan, leads);
    }
}

/// Choices beside those of a plan that are kept at most.
const BESIDE: usize = 400_000;
/// What part of the gap a single choice takes at most.
const SHARE: i128 = 8;
/// Choices of others that are tried for making room for one.
const TRIED: usize = 256;

/// For every member the best choices without one of its contacts, and with one more, that lose no more than `most` at the
/// prices, the least losses first, and only so many; and what each member loses as it is.
fn beside(ground: &Ground<'_>, prices: &[i64], most: i128, plan: &Plan) -> (Vec<Offer>, Vec<i64>) {
    let tables = Tables::of(ground, prices);
    let members = ground.problem.member_count();
    let found = in_parallel(members.div_ceil(TASK), ground.threads, Chooser::default, |task, chooser| {
        let (mut found, mut losses): (Vec<Offer>, Vec<i64>) = (Vec::new(), Vec::new());
        for member in task * TASK..members.min((task + 1) * TASK) {
            let range = ground.problem.contacts_of(member);
            let chosen = plan.chosen.of(range.clone());
            chooser.gains.clear();
            chooser.gains.extend(range.clone().map(|contact| tables.gain(ground, contact)));
            let best = chooser.best(ground.locals, member);
            losses.push(best.gain - chosen.positions().map(|item| chooser.gains[item]).sum::<i64>());
            let begin = found.len();
            if best.chosen != chosen {
                found.push((0, member as u32, best.chosen));
            }
            for position in 0..range.len() {
                let own = chooser.gains[position];
                // What it costs at least to have it otherwise.
                let forced = !best.chosen.has(position);
                if forced && i128::from(-own) > most {
                    continue;
                }
                let pull = if forced { own.max(0) + PULL - own } else { FORBIDDEN - own };
                chooser.gains[position] = own + pull;
                let choice = chooser.best(ground.locals, member);
                chooser.gains[position] = own;
                let gain = if forced { choice.gain - pull } else { choice.gain };
                let loss = i128::from(best.gain) - i128::from(gain);
                let new = choice.chosen != chosen && choice.chosen.has(position) == forced;
                if new && loss <= most && !found[begin..].iter().any(|(.., other)| *other == choice.chosen) {
                    found.push((loss, member as u32, choice.chosen));
                }
            }
        }
        (found, losses)
    });
    let (found, losses): (Vec<Vec<Offer>>, Vec<Vec<i64>>) = found.into_iter().unzip();
    let mut found = found.concat();
    if found.len() > BESIDE {
        found.select_nth_unstable(BESIDE);
        found.truncate(BESIDE);
    }
    found.sort_unstable();
    (found, losses.concat())
}

/// So much more does a contact gain that is to be chosen.
const PULL: i64 = 1 << 55;

/// Changes two members at once, where one makes the room that the other takes. `gap` is what the plan lacks of the bound, in parts
/// of the score: nobody loses more than that in a better plan. What it added to the objective.
pub fn exchange(ground: &Ground<'_>, prices: &[i64], gap: i128, plan: &mut Plan) -> i128 {
    // Several changes together lose the gap at most; that a single one takes much of it is not worth the search.
    let (beside, mut losses) = beside(ground, prices, gap / SHARE, plan);
    // Of each row, the choices that use less of it than their members do now.
    let mut less: Vec<Vec<u32>> = vec![Vec::new(); ground.rows.list.len()];
    let (mut own, mut other) = (Change::default(), Change::default());
    for (at, (_, member, to)) in beside.iter().enumerate() {
        own.of(ground, *member as usize, plan.choice(ground, *member as usize), *to);
        for (id, change) in &own.rows {
            if *change < 0 {
                less[*id as usize].push(at as u32);
            }
        }
    }
    // What the plan lacks besides its members' losses: a change that loses more adds nothing.
    let mut room = gap - losses.iter().map(|loss| i128::from(*loss)).sum::<i128>();
    let mut added = 0;
    for (loss, member, to) in &beside {
        let (member, to) = (*member as usize, *to);
        let from = plan.choice(ground, member);
        let lost = *loss - i128::from(losses[member]);
        if from == to {
            continue;
        }
        own.of(ground, member, from, to);
        let own_gain = own.gain(ground, plan);
        let over = own.rows.iter().find(|(id, change)| {
            let row = &ground.rows.list[*id as usize];
            row.worth.is_none() && *change > 0 && plan.after(*id, *change) > row.bound
        });
        let mut best: Option<(i128, i128, usize, Bits)> = None;
        if let Some((over, _)) = over.copied() {
            own.make(ground, plan, member, to);
            for at in less[over as usize].iter().take(TRIED) {
                let (loss, victim, less) = beside[*at as usize];
                let victim = victim as usize;
                let theirs = plan.choice(ground, victim);
                if victim == member || theirs == less || lost + loss - i128::from(losses[victim]) >= room {
                    continue;
                }
                other.of(ground, victim, theirs, less);
                let of = |id: u32| other.rows.iter().find(|(row, _)| *row == id).map_or(0, |(_, own)| *own);
                let mended = own.rows.iter().all(|(id, _)| {
                    let row = &ground.rows.list[*id as usize];
                    row.worth.is_some() || plan.after(*id, of(*id)) <= row.bound
                });
                if !mended || other.passes(ground, plan) {
                    continue;
                }
                let gain = own_gain + other.gain(ground, plan);
                if gain > best.map_or(0, |(best, ..)| best) {
                    best = Some((gain, loss, victim, less));
                }
            }
            if best.is_none() {
                own.of(ground, member, to, from);
                own.make(ground, plan, member, from);
                continue;
            }
        } else if own_gain > 0 {
            own.make(ground, plan, member, to);
        } else {
            continue;
        }
        let mut gained = own_gain;
        room -= lost;
        losses[member] = i64::try_from(*loss).unwrap_or(i64::MAX);
        if let Some((gain, loss, victim, less)) = best {
            other.of(ground, victim, plan.choice(ground, victim), less);
            other.make(ground, plan, victim, less);
            room -= loss - i128::from(losses[victim]);
            losses[victim] = i64::try_from(loss).unwrap_or(i64::MAX);
            gained = gain;
        }
        room -= gained << ground.shift;
        added += gained;
    }
    added
}
