//! What least numbers lack in any case, by the limits that all members share alone: a linear programme of how many contacts of each
//! group there are, with only those limits that it would pass. Refuses to know members, their rules and what contacts are worth.

use crate::price::{Ground, HIGHEST};
use crate::rows::{Row, Rows, Weight};
use crate::simplex::{Column, Ended, Programme};
use crate::solve::at_all;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of a linear programme at most.
const NUMBERS: usize = 2_000_000;
/// Its steps.
const PIVOTS: usize = 4000;
/// What is less than this is rounding.
const LITTLE: f64 = 1e-6;

/// Prices that show how many contacts of least numbers are missing in any case: the limits that stand in the way cost as much as what
/// is missing, so that no contact gains anything by them. Nothing where the limits leave room for all.
///
/// Whatever these prices are, a bound at them is proven; so they may come from floating point.
pub fn prices(ground: &Ground<'_>) -> Option<Vec<i64>> {
    let asked = Asked::of(ground);
    let unmet: Vec<usize> =
        asked.groups.keys().copied().filter(|row| asked.worths(&[*row]).is_some()).collect();
    let worths = asked.worths(&unmet)?;
    let mut prices = vec![0; ground.rows.list.len()];
    let whole = whole(ground)? as f64;
    for (row, part) in worths {
        prices[row] = ((part * whole) as i64).clamp(0, HIGHEST);
    }
    Some(prices)
}

/// What a missing contact costs, in parts of the score.
fn whole(ground: &Ground<'_>) -> Option<i64> {
    let worth = ground.rows.list.iter().find_map(|row| row.worth.filter(|_| counts(row)))?;
    Some(worth.saturating_mul(1 << ground.shift).min(HIGHEST))
}

/// Earlier prices, with what is missing in any case by the limits of now in the place of what was by those of then, if that is the
/// better start: other limits may stand in the way, and steps do not lead so far.
pub fn rebased(ground: &Ground<'_>, known: Vec<i64>, now: Option<&[i64]>) -> Vec<i64> {
    let Some(whole) = whole(ground) else { return known };
    let near = whole / 4;
    let rebased = |(row, known): (usize, &i64)| {
        let now = now.map_or(0, |now| now[row]);
        if (known - now).abs() <= near {
            return *known;
        }
        let rest = (known + whole / 2).rem_euclid(whole) - whole / 2;
        if rest.abs() <= near { (now + rest).clamp(0, HIGHEST) } else { now }
    };
    let other: Vec<i64> = known.iter().enumerate().map(rebased).collect();
    if other == known || at_all(ground, &known).bound <= at_all(ground, &other).bound { known } else { other }
}

/// Whether a row counts contacts.
fn counts(row: &Row) -> bool {
    row.weight == Weight::One
}

/// What is asked of all programmes.
struct Asked<'a> {
    rows: &'a Rows,
    /// How many contacts each group has.
    proposed: Vec<i64>,
    /// Of each least number, by row, the groups that it counts.
    groups: BTreeMap<usize, Vec<usize>>,
}

impl<'a> Asked<'a> {
    fn of(ground: &Ground<'a>) -> Asked<'a> {
        let rows = ground.rows;
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for group in 0..rows.group_count() {
            for id in rows.of_group(group).iter().map(|id| *id as usize) {
                let row = &rows.list[id];
                if row.worth.is_some() && counts(row) {
                    groups.entry(id).or_default().push(group);
                }
            }
        }
        let mut proposed = vec![0; rows.group_count()];
        if !groups.is_empty() {
            ground.problem.class.iter().for_each(|class| proposed[rows.group(*class)] += 1);
        }
        Asked { rows, proposed, groups }
    }

    /// What one more of each row is worth where as little as can be is missing of some least numbers; nothing where nothing is.
    fn worths(&self, least: &[usize]) -> Option<Vec<(usize, f64)>> {
        let groups: BTreeSet<usize> =
            least.iter().filter_map(|row| self.groups.get(row)).flatten().copied().collect();
        let mut listed: Vec<usize> = least.to_vec();
        let mut found = None;
        loop {
            // What the listed rows count alike is one variable.
            let mut sorts: BTreeMap<Vec<usize>, (i64, Vec<usize>)> = BTreeMap::new();
            for group in &groups {
                let own = self.rows.of_group(*group);
                let key = (0..listed.len()).filter(|at| own.binary_search(&(listed[*at] as u32)).is_ok());
                let sort = sorts.entry(key.collect()).or_default();
                sort.0 += self.proposed[*group];
                sort.1.push(*group);
            }
            if listed.len() * (sorts.len() + 2 * listed.len()) > NUMBERS {
                return found;
            }
            let row = |at: usize| &self.rows.list[listed[at]];
            let column = |(key, (count, _)): (&Vec<usize>, &(i64, Vec<usize>))| Column {
                cost: 0.0,
                bounds: (0.0, *count as f64),
                entries: key.iter().map(|at| (*at, row(*at).sign as f64)).collect(),
            };
            let mut columns: Vec<Column> = sorts.iter().map(column).collect();
            columns.extend((0..least.len()).map(|at| Column {
                cost: 1.0,
                bounds: (0.0, f64::INFINITY),
                entries: vec![(at, -1.0)],
            }));
            let right: Vec<f64> = (0..listed.len()).map(|at| row(at).bound as f64).collect();
            let mut programme =
                Programme::of(&columns, &vec![(0.0, (0.0, f64::INFINITY)); listed.len()], &right);
            let (ended, steps) = programme.solve(PIVOTS);
            if ended != Ended::Priced || steps == PIVOTS as u64 {
                return found;
            }
            let values = programme.values();
            let (first, short) =
                (programme.first_alone(), values[sorts.len()..columns.len()].iter().sum::<f64>());
            let worths = (0..listed.len()).map(|at| (listed[at], programme.reduced(first + at)));
            found = (short > LITTLE).then(|| worths.collect());
            // All groups of a sort alike: limits that are passed so are listed as well.
            let mut used: BTreeMap<usize, f64> = BTreeMap::new();
            for ((count, groups), value) in sorts.values().zip(&values).filter(|(_, value)| **value > 0.0) {
                for group in groups {
                    let own = value / *count as f64 * self.proposed[*group] as f64;
                    for id in self.rows.of_group(*group) {
                        *used.entry(*id as usize).or_default() += own;
                    }
                }
            }
            let passed = used.into_iter().filter(|(id, used)| {
                let row = &self.rows.list[*id];
                row.worth.is_none() && counts(row) && row.sign > 0 && *used > row.bound as f64 + LITTLE
            });
            let known = listed.len();
            let passed: Vec<usize> = passed.map(|(id, _)| id).filter(|id| !listed.contains(id)).collect();
            listed.extend(passed);
            if listed.len() == known {
                return found;
            }
        }
    }
}
