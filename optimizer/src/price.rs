//! Prices of what members share: one pass chooses for every member at given prices, and passes move the prices to where the
//! upper bound is least. Refuses to know how a choice is made to fit.
//!
//! Gains and prices count parts of the score, so fine that rounding does not matter; sums are exact, so that neither the
//! number of threads nor their order shows.

use crate::bits::{Bits, Chosen, Mask};
use crate::local::Locals;
use crate::model::Problem;
use crate::rows::{Rows, Weight};
use crate::solve::in_parallel;
use crate::subset::Chooser;

/// Bits that the largest score has when it is counted in parts.
const FINE: u32 = 46;
/// No price is higher.
pub const HIGHEST: i64 = 1 << 50;
/// Gains and prices of a contact are held inside of these, so that those of all of a member's contacts can be summed up.
const CLAMP: i128 = 1 << 53;
/// The bound of a pass at prices so high that gains were held back: none.
const NO_BOUND: i128 = i128::MAX / 4;
/// Members that one task takes.
const TASK: usize = 1024;

/// What one more of a row's bound would be worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowPrice {
    /// The rule's position.
    pub rule: usize,
    /// The window.
    pub span: crate::model::Span,
    /// Whether it is the price of a least number.
    pub least: bool,
    /// What one more of the bound would add to the objective, in parts of a score.
    pub price: i64,
    /// In how many parts a score is counted, as a power of two.
    pub shift: u32,
}

/// All that passes read.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// What is asked.
    pub problem: &'a Problem,
    /// What the rules say of each member.
    pub locals: &'a Locals,
    /// What members share.
    pub rows: &'a Rows,
    /// In how many parts a score is counted, as a power of two.
    pub shift: u32,
    /// Whether contacts are worth their scores, rather than nothing: then only what falls short counts.
    pub scored: bool,
    /// Threads.
    pub threads: usize,
}

/// Prices laid out for the groups of the contacts.
#[derive(Debug)]
pub struct Tables {
    /// Group by group: what one contact pays, then what each unit of each column does.
    prices: Vec<i64>,
    /// Numbers of each group.
    width: usize,
    /// Some contact might gain more than can be summed up, so that nothing is proven at these prices.
    loose: bool,
    /// No contact's gain is so large that it has to be held back, nor what it is made of.
    small: bool,
}

impl Tables {
    /// Of prices, row by row.
    pub fn of(ground: &Ground<'_>, prices: &[i64]) -> Tables {
        let rows = ground.rows;
        let width = 1 + rows.columns.len();
        let mut laid = Vec::with_capacity(rows.group_count() * width);
        let mut own = vec![0i128; width];
        let (mut loose, mut small) = (false, true);
        for group in 0..rows.group_count() {
            own.fill(0);
            for id in rows.of_group(group) {
                let (row, price) = (&rows.list[*id as usize], prices[*id as usize]);
                let price = i128::from(price) * i128::from(row.sign);
                match row.weight {
                    Weight::One => own[0] += price,
                    Weight::Amount { column, times, minus } => {
                        own[0] -= price * i128::from(minus);
                        if let Ok(at) = rows.columns.binary_search(&column) {
                            own[1 + at] += price * i128::from(times);
                        }
                    }
                }
            }
            let most = own.iter().skip(1).zip(&rows.ranges).map(|(price, (least, most))| {
                (-price * i128::from(*least)).max(-price * i128::from(*most)).max(0)
            });
            loose |= most.sum::<i128>() - own[0].min(0) > CLAMP / 2;
            let sizes = own.iter().skip(1).zip(&rows.ranges).map(|(price, (least, most))| {
                price.abs() * i128::from(least.unsigned_abs().max(most.unsigned_abs()))
            });
            small &= sizes.sum::<i128>() + own[0].abs() < CLAMP / 2;
            laid.extend(own.iter().map(|price| (*price).clamp(-CLAMP, CLAMP) as i64));
        }
        Tables { prices: laid, width, loose, small }
    }

    /// What a contact gains at these prices, held inside of bounds.
    pub fn gain(&self, ground: &Ground<'_>, contact: usize) -> i64 {
        let problem = ground.problem;
        let group = ground.rows.group(problem.class[contact]);
        let Some((base, columns)) =
            self.prices.get(group * self.width..(group + 1) * self.width).and_then(<[i64]>::split_first)
        else {
            return 0;
        };
        let score = if ground.scored { problem.score.get(contact) << ground.shift } else { 0 };
        let gain = score - base;
        if self.small {
            let paid = columns.iter().zip(&ground.rows.columns).map(|(price, column)| {
                if *price == 0 { 0 } else { price * problem.columns[*column].get(contact) }
            });
            return gain - paid.sum::<i64>();
        }
        let mut gain = i128::from(gain);
        for (price, column) in columns.iter().zip(&ground.rows.columns) {
            gain -= i128::from(*price) * i128::from(problem.columns[*column].get(contact));
        }
        gain.clamp(-CLAMP, CLAMP) as i64
    }
}

/// Gains at the prices of a pass, and at those of now.
#[derive(Debug)]
pub struct Moved {
    before: Tables,
    /// Of now.
    pub now: Tables,
    /// Of each group, how far a contact's gain has moved at most.
    furthest: Vec<i64>,
    /// The most of these.
    pub most: i64,
}

impl Moved {
    /// From some prices to others, row by row.
    pub fn of(ground: &Ground<'_>, before: &[i64], now: &[i64]) -> Moved {
        let (before, now) = (Tables::of(ground, before), Tables::of(ground, now));
        let columns = now.width - 1;
        let groups = now.prices.chunks(now.width).zip(before.prices.chunks(now.width)).enumerate();
        let furthest = groups.map(|(group, (own, other))| {
            let mut changes =
                own.iter().zip(other).map(|(own, other)| (i128::from(*own) - i128::from(*other)).abs());
            let base = changes.next().unwrap_or(0);
            let largest = ground.rows.largest.get(group * columns..(group + 1) * columns).unwrap_or_default();
            let more = changes.zip(largest).map(|(change, most)| change * i128::from(*most));
            i64::try_from(base + more.sum::<i128>()).unwrap_or(i64::MAX)
        });
        let furthest: Vec<i64> = furthest.collect();
        Moved { most: furthest.iter().copied().max().unwrap_or(0), before, now, furthest }
    }

    /// By how much the choice that a member had still leads, when it did by `lead`; then it is the best. Nothing where that cannot be
    /// told.
    ///
    /// Another choice of what gained something comes nearer by what of it gains more and by what of the member's own gains less.
    /// What cost something and is not asked for only matters once it gains something, for a choice is better without it.
    pub fn still_leads(
        &self,
        ground: &Ground<'_>,
        member: usize,
        (chosen, lead): (Bits, i64),
    ) -> Option<i64> {
        if lead <= 0 {
            return None;
        }
        let contacts = ground.problem.contacts_of(member);
        let (out, asked): (Bits, Bits) = ground.locals.out_and_asked(member, contacts.len());
        let mut left = lead;
        for (item, contact) in contacts.enumerate() {
            let group = ground.rows.group(ground.problem.class[contact]);
            if out.has(item) || self.furthest.get(group) == Some(&0) {
                continue;
            }
            let (before, now) = (self.before.gain(ground, contact), self.now.gain(ground, contact));
            let nearer = if chosen.has(item) {
                before.saturating_sub(now)
            } else if before > 0 || asked.has(item) {
                now.saturating_sub(before)
            } else if now > 0 {
                return None;
            } else {
                0
            };
            left = left.checked_sub(nearer.max(0)).filter(|left| *left > 0)?;
        }
        debug_assert!(self.is_best(ground, member, chosen));
        Some(left)
    }

    /// Whether a search finds the same choice at the prices of now, or is ended.
    pub fn is_best(&self, ground: &Ground<'_>, member: usize, chosen: Bits) -> bool {
        let mut chooser = Chooser::default();
        chooser
            .gains
            .extend(ground.problem.contacts_of(member).map(|contact| self.now.gain(ground, contact)));
        let best = chooser.best(ground.locals, member);
        best.chosen == chosen || best.bound > best.gain
    }
}

/// In how many parts scores are counted.
pub fn shift_of(problem: &Problem) -> u32 {
    let largest = problem.score.iter().map(i64::unsigned_abs).max().unwrap_or(0).max(1);
    FINE.saturating_sub(u64::BITS - largest.leading_zeros())
}

/// What a pass found.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// No choices gain more at these prices.
    pub bound: i128,
    /// What the choices use, row by row.
    pub used: Vec<i128>,
    /// What was chosen, for the members that were asked one after another.
    pub chosen: Chosen,
    /// By how much each of these choices leads, as [`crate::subset::Choice::lead`] says.
    pub leads: Vec<i64>,
    /// How many members were chosen for; all others chose as before.
    pub searched: usize,
    /// Searches that were ended.
    pub cut: u64,
}

/// How many contacts of each group are chosen, and what they come to in each column.
#[derive(Debug)]
struct Totals {
    /// Group by group: the number, then the sum of each column.
    sums: Vec<i128>,
    width: usize,
}

impl Totals {
    fn new(ground: &Ground<'_>) -> Totals {
        let width = 1 + ground.rows.columns.len();
        Totals { sums: vec![0; ground.rows.group_count() * width], width }
    }

    fn add(&mut self, ground: &Ground<'_>, contact: usize) {
        let group = ground.rows.group(ground.problem.class[contact]);
        let own = self.sums.get_mut(group * self.width..(group + 1) * self.width);
        let Some((count, sums)) = own.and_then(<[i128]>::split_first_mut) else { return };
        *count += 1;
        for (sum, column) in sums.iter_mut().zip(&ground.rows.columns) {
            *sum += i128::from(ground.problem.columns[*column].get(contact));
        }
    }

    /// What rows use of that.
    fn used(&self, ground: &Ground<'_>) -> Vec<i128> {
        let mut used = vec![0i128; ground.rows.list.len()];
        for (group, own) in self.sums.chunks(self.width).enumerate() {
            let Some((count, sums)) = own.split_first().filter(|(count, _)| **count > 0) else { continue };
            for id in ground.rows.of_group(group) {
                let row = &ground.rows.list[*id as usize];
                let own = match row.weight {
                    Weight::One => *count,
                    Weight::Amount { column, times, minus } => {
                        let at = ground.rows.columns.binary_search(&column).unwrap_or(0);
                        sums[at] * i128::from(times) - count * i128::from(minus)
                    }
                };
                used[*id as usize] += own * i128::from(row.sign);
            }
        }
        used
    }
}

/// What chosen contacts use, row by row.
pub fn used_by(ground: &Ground<'_>, chosen: &Chosen) -> Vec<i128> {
    let mut totals = Totals::new(ground);
    chosen.contacts().for_each(|contact| totals.add(ground, contact));
    totals.used(ground)
}

/// Some members, and where each one's contacts stand among those of all of them.
#[derive(Clone, Debug)]
pub struct Sample {
    members: Vec<u32>,
    starts: Vec<u32>,
}

impl Sample {
    /// Of these.
    pub fn of(problem: &Problem, members: Vec<u32>) -> Sample {
        let mut starts = Vec::with_capacity(members.len() + 1);
        let mut start = 0;
        starts.push(start);
        for member in &members {
            start += problem.contacts_of(*member as usize).len() as u32;
            starts.push(start);
        }
        Sample { members, starts }
    }
}

/// Which members a pass asks.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// All.
    All,
    /// These.
    Some(&'a Sample),
}

impl Asked<'_> {
    /// How many.
    pub fn count(self, problem: &Problem) -> usize {
        match self {
            Asked::All => problem.member_count(),
            Asked::Some(sample) => sample.members.len(),
        }
    }

    fn at(self, position: usize) -> usize {
        match self {
            Asked::All => position,
            Asked::Some(sample) => sample.members.get(position).map_or(0, |member| *member as usize),
        }
    }

    /// Where the contacts of who stands there begin, among those of all that are asked.
    fn start(self, problem: &Problem, position: usize) -> usize {
        let starts = match self {
            Asked::All => &problem.members,
            Asked::Some(sample) => &sample.starts,
        };
        starts.get(position).map_or(0, |start| *start as usize)
    }
}

/// What the same members chose at other prices: who was further ahead there than gains have moved since chooses the same again.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// The prices.
    pub prices: &'a [i64],
    /// What was chosen at them.
    pub pass: &'a Pass,
}

/// Chooses for members at prices.
pub fn pass(ground: &Ground<'_>, prices: &[i64], asked: Asked<'_>, before: Option<Before<'_>>) -> Pass {
    let moved = Moved::of(ground, before.map_or(prices, |before| before.prices), prices);
    let problem = ground.problem;
    let members = asked.count(problem);
    let made = in_parallel(members.div_ceil(TASK), ground.threads, Chooser::default, |task, chooser| {
        chooser.cut = 0;
        let mut totals = Totals::new(ground);
        let positions = task * TASK..members.min((task + 1) * TASK);
        let first = asked.start(problem, positions.start);
        let mut own = Pass {
            chosen: Chosen::none(asked.start(problem, positions.end) - first),
            leads: Vec::with_capacity(positions.len()),
            ..Pass::default()
        };
        for position in positions {
            let member = asked.at(position);
            let range = problem.contacts_of(member);
            let start = asked.start(problem, position);
            let place = start..start + range.len();
            let had = before.map_or((Bits::default(), 0), |before| {
                (before.pass.chosen.of(place.clone()), before.pass.leads.get(position).copied().unwrap_or(0))
            });
            let (chosen, lead) = if let Some(lead) = moved.still_leads(ground, member, had) {
                let gains = had.0.positions().map(|item| moved.now.gain(ground, range.start + item));
                own.bound += i128::from(gains.sum::<i64>());
                (had.0, lead)
            } else {
                chooser.gains.clear();
                chooser.gains.extend(range.clone().map(|contact| moved.now.gain(ground, contact)));
                let choice = chooser.best(ground.locals, member);
                own.bound += i128::from(choice.bound);
                own.searched += 1;
                (choice.chosen, choice.lead)
            };
            for item in chosen.positions() {
                totals.add(ground, range.start + item);
            }
            own.chosen.set(place.start - first..place.end - first, chosen);
            own.leads.push(lead);
        }
        Pass { used: totals.used(ground), cut: chooser.cut, ..own }
    });
    let mut whole = Pass { used: vec![0; ground.rows.list.len()], ..Pass::default() };
    whole.leads.reserve_exact(members);
    for own in made {
        whole.bound += own.bound;
        whole.used.iter_mut().zip(own.used).for_each(|(all, own)| *all += own);
        whole.chosen.append(&own.chosen);
        whole.leads.extend(own.leads);
        whole.searched += own.searched;
        whole.cut += own.cut;
    }
    if moved.now.loose {
        whole.bound = NO_BOUND;
    }
    whole
}

/// What some members chose in a pass over all.
pub fn part_of(ground: &Ground<'_>, all: &Pass, sample: &Sample) -> Pass {
    let mut totals = Totals::new(ground);
    let mut part = Pass {
        chosen: Chosen::none(sample.starts.last().map_or(0, |len| *len as usize)),
        leads: Vec::with_capacity(sample.members.len()),
        ..Pass::default()
    };
    for (member, start) in sample.members.iter().zip(&sample.starts) {
        let (member, start) = (*member as usize, *start as usize);
        let range = ground.problem.contacts_of(member);
        let chosen = all.chosen.of(range.clone());
        chosen.positions().for_each(|item| totals.add(ground, range.start + item));
        part.chosen.set(start..start + range.len(), chosen);
        part.leads.push(all.leads.get(member).copied().unwrap_or(0));
    }
    Pass { used: totals.used(ground), ..part }
}

/// The best prices found.
#[derive(Clone, Debug)]
pub struct Dual {
    /// Row by row.
    pub prices: Vec<i64>,
    /// No choice is worth more, in parts of the score.
    pub bound: i128,
    /// What was chosen at them.
    pub pass: Pass,
    /// How many passes there were.
    pub passes: usize,
    /// How many times a member was chosen for in them.
    pub choices: usize,
}

impl Dual {
    /// What was chosen at the prices, for what comes after.
    pub fn before(&self) -> Before<'_> {
        Before { prices: &self.prices, pass: &self.pass }
    }
}

/// How prices are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// How many times prices move.
    pub steps: u32,
    /// How far they move at first, in thousandths of what a contact gains.
    pub reach: i64,
    /// What a contact gains, in parts of the score; its mean where it is not told.
    pub unit: Option<i64>,
    /// How steps change from the first to the last.
    pub pace: Pace,
    /// Prices are about right, and rows are passed by such a part of their bounds at most.
    pub known: Option<i128>,
}

/// How steps change from the first to the last.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// They become shorter to a seventh, and far shorter in the last fifth: for few rows.
    Short,
    /// They become half as long so many times, and go on as they went: for many rows, in whose windows the same days lie.
    Long(u32),
}

/// What the members that are asked may use of each row, when all may use its bound.
pub fn in_proportion(ground: &Ground<'_>, asked: Asked<'_>) -> Vec<i128> {
    let (part, whole) = (asked.count(ground.problem) as i128, ground.problem.member_count().max(1) as i128);
    ground.rows.list.iter().map(|row| (row.bound * part).div_euclid(whole)).collect()
}

/// What the members of a sample may use of each row, so that at the prices of a pass they pass it by as much, for as many as they
/// are, as all members do: then it is not the luck of the draw that moves prices, but what all members use.
pub fn as_all_do(ground: &Ground<'_>, all: &Pass, own: &Pass) -> Vec<i128> {
    let (part, whole) = (own.leads.len() as i128, ground.problem.member_count().max(1) as i128);
    let rows = ground.rows.list.iter().zip(own.used.iter().zip(&all.used));
    rows.map(|(row, (own, all))| own + ((row.bound - all) * part).div_euclid(whole)).collect()
}

/// The bound at prices, when the members that are asked may use so much of each row.
pub fn at(
    ground: &Ground<'_>,
    prices: &[i64],
    (asked, bounds): (Asked<'_>, &[i128]),
    before: Option<Before<'_>>,
) -> Dual {
    let pass = pass(ground, prices, asked, before);
    let shared: i128 = prices.iter().zip(bounds).map(|(price, bound)| i128::from(*price) * bound).sum();
    let (bound, choices) = (pass.bound + shared, pass.searched);
    Dual { prices: prices.to_vec(), bound, pass, passes: 1, choices }
}

/// Moves prices to where the bound is least, when the members that are asked may use so much of each row.
pub fn descend(
    ground: &Ground<'_>,
    start: Vec<i64>,
    (asked, bounds): (Asked<'_>, &[i128]),
    (search, before): (Search, Option<Before<'_>>),
    tell: &mut dyn FnMut(usize, i128),
) -> Dual {
    let rows = &ground.rows.list;
    let highest: Vec<i64> = rows
        .iter()
        .map(|row| match row.worth {
            Some(worth) => i64::try_from(i128::from(worth) << ground.shift).unwrap_or(HIGHEST).min(HIGHEST),
            None => HIGHEST,
        })
        .collect();
    let unit = search.unit.unwrap_or_else(|| unit(ground));
    let mut prices: Vec<i64> = start;
    prices.resize(rows.len(), 0);
    for (price, most) in prices.iter_mut().zip(&highest) {
        *price = (*price).clamp(0, *most);
    }
    let mut found = Found { best: None, last: None, before, passes: 0, choices: 0 };
    let evaluate = |prices: &[i64], found: &mut Found<'_>| -> Vec<i128> {
        let before = found.last.as_ref().map(Dual::before).or(found.before);
        let own = at(ground, prices, (asked, bounds), before);
        found.passes += own.passes;
        found.choices += own.choices;
        let over = own.pass.used.iter().zip(bounds).map(|(used, bound)| used - bound).collect();
        if found.best.as_ref().is_none_or(|best| own.bound < best.bound) {
            found.best = Some(own.clone());
        }
        found.last = Some(own);
        over
    };
    // Of each row: the mean square of what it was passed by, and what it is passed by of late.
    // Where prices are about right, a row is taken to have been passed by a part of its bound: what is passed by far less hardly moves.
    let first = |bound: &i128| match search.known {
        Some(part) => ((bound.abs() << 8) / part).clamp(1 << 8, 1 << 44).unsigned_abs().pow(2),
        None => 0,
    };
    let mut squares: Vec<u128> = bounds.iter().map(first).collect();
    let mut recent = vec![0i128; rows.len()];
    let mut sums = vec![0i128; rows.len()];
    let mut summed = 0i128;
    const ONE: u128 = 1 << 30;
    let mut fresh = if search.known.is_some() { 0 } else { ONE };
    for step in 0..search.steps {
        let over = evaluate(&prices, &mut found);
        fresh = fresh * 97 / 100;
        let late = if step * 10 > search.steps * 8 { 3 } else { 10 };
        let whole = i128::from(unit) * i128::from(search.reach);
        let (reach, kept) = match search.pace {
            // Shorter from step to step: to a seventh at the end.
            Pace::Short => {
                (whole * late / 10_000 * i128::from(search.steps) / i128::from(search.steps + 6 * step), 60)
            }
            Pace::Long(halvings) => {
                let (times, part) = (halvings * step / search.steps, halvings * step % search.steps);
                let long = (whole / 1000) >> times.min(100);
                (long - long / 2 * i128::from(part) / i128::from(search.steps), 92)
            }
        };
        for row in 0..rows.len() {
            let own = (over[row] << 8).clamp(-(1 << 44), 1 << 44);
            squares[row] = (squares[row] * 97 + own.unsigned_abs() * own.unsigned_abs() * 3) / 100;
            recent[row] = (recent[row] * kept + own * (100 - kept)) / 100;
            let usual = (squares[row] * ONE / (ONE - fresh).max(1)).isqrt() as i128 + 1;
            let ratio = (recent[row] << 20) / usual;
            let moved = ((reach * ratio) >> 20) / i128::from(rows[row].mean);
            let price = (i128::from(prices[row]) + moved).clamp(0, i128::from(highest[row]));
            prices[row] = price as i64;
        }
        if step * 2 >= search.steps {
            sums.iter_mut().zip(&prices).for_each(|(sum, price)| *sum += i128::from(*price));
            summed += 1;
            if step % 20 == 19 || step + 1 == search.steps {
                let mean: Vec<i64> = sums.iter().map(|sum| (sum / summed) as i64).collect();
                evaluate(&mean, &mut found);
            }
        }
        if let Some(best) = &found.best {
            tell(found.passes, best.bound);
        }
    }
    if found.best.as_ref().is_none_or(|best| best.bound >= NO_BOUND) {
        // At no prices at all there always is a bound.
        evaluate(&vec![0; rows.len()], &mut found);
    }
    let Found { best, passes, choices, .. } = found;
    let best = best.unwrap_or_else(|| at(ground, &vec![0; rows.len()], (asked, bounds), None));
    Dual { passes, choices, ..best }
}

/// What a search has found so far.
struct Found<'b> {
    best: Option<Dual>,
    /// At the prices that were tried last.
    last: Option<Dual>,
    before: Option<Before<'b>>,
    passes: usize,
    choices: usize,
}

/// What a contact gains in the mean, in parts of the score; above zero.
pub fn unit(ground: &Ground<'_>) -> i64 {
    let scores = &ground.problem.score;
    let stride = (scores.len() / 100_000).max(1);
    let own = (0..scores.len()).step_by(stride).map(|at| scores.get(at)).filter(|score| *score > 0);
    let (sum, count) = own.fold((0i128, 0i128), |(sum, count), score| (sum + i128::from(score), count + 1));
    let mean = (sum << ground.shift) / count.max(1);
    i64::try_from(mean).unwrap_or(HIGHEST).max(1)
}
