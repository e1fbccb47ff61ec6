//! Who gets more and who less: differences by member and by event, counted exactly, and the events that changed most.

use super::cause::Difference;
use super::facts::{Facts, Names, Pair, Sort, Which};
use super::report::{Because, Change, Exact, Flat, Measure, Part, Quantile, Receipt, SinceReport, Split};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The percentages of quantiles.
const PERCENTS: [u8; 4] = [10, 50, 90, 100];

/// Digits behind the point beyond which no value in money is told.
const MOST_DIGITS: u32 = 6;

/// Something by which events are compared.
struct Scale {
    name: String,
    unit: String,
    decimals: u8,
    /// By unit: what one of its smallest parts counts.
    factors: Pair<BTreeMap<usize, i128>>,
    receipts: BTreeMap<i128, u64>,
    same: u64,
    /// By size of the difference, largest first, then by position.
    most: BTreeMap<(Reverse<u128>, u64), Receipt>,
}

/// All measures.
pub(super) struct Measures {
    scales: Vec<Scale>,
    /// By member, in each measure.
    members: FxHashMap<Box<str>, Vec<i128>>,
    /// Events that are kept of each measure.
    most: usize,
}

/// An event, as reports name it.
pub(super) struct Told<'e> {
    pub id: &'e str,
    pub kind: &'e str,
    pub date: String,
    pub member: Option<&'e str>,
    pub position: u64,
}

impl Measures {
    pub fn of(names: &Names, most: usize) -> Measures {
        let mut scales = Vec::new();
        for (at, unit) in names.units.iter().enumerate() {
            let name = match unit.sort {
                Sort::Discount => "discount".to_owned(),
                Sort::Award => unit.name.clone(),
                Sort::Debit
                | Sort::Tender
                | Sort::Coupon
                | Sort::Certificate
                | Sort::Badge
                | Sort::Gift
                | Sort::Field
                | Sort::Words
                | Sort::Offer
                | Sort::Level => continue,
            };
            let one = BTreeMap::from([(at, 1)]);
            scales.push(Scale {
                name,
                unit: unit.word.clone(),
                decimals: unit.decimals,
                factors: Pair { old: one.clone(), new: one },
                receipts: BTreeMap::new(),
                same: 0,
                most: BTreeMap::new(),
            });
        }
        scales.extend(value(names));
        Measures { scales, members: FxHashMap::default(), most }
    }

    /// Adds an event.
    pub fn add(&mut self, names: &Names, told: &Told<'_>, facts: &Pair<Facts>, differences: &[Difference]) {
        let count = self.scales.len();
        if let Some(member) = told.member
            && !self.members.contains_key(member)
        {
            self.members.insert(member.into(), vec![0; count]);
        }
        if differences.is_empty() {
            self.scales.iter_mut().for_each(|scale| scale.same += 1);
            return;
        }
        for (at, scale) in self.scales.iter_mut().enumerate() {
            let sum = |which: Which| -> i128 {
                let factors = scale.factors.of(which);
                let of = facts.of(which).iter();
                of.filter_map(|(key, amount)| Some(amount.saturating_mul(*factors.get(&key.unit)?))).sum()
            };
            let change = Change { before: sum(Which::Old), after: sum(Which::New), decimals: scale.decimals };
            for difference in differences {
                let worth = |which: Which, amount: i128| {
                    amount.saturating_mul(
                        scale.factors.of(which).get(&difference.key.unit).copied().unwrap_or(0),
                    )
                };
                let more = worth(Which::New, difference.after) - worth(Which::Old, difference.before);
                let owner = difference.key.to.as_deref().or(told.member);
                if let Some(owner) = owner.filter(|_| more != 0) {
                    let sums = self.members.entry(owner.into()).or_insert_with(|| vec![0; count]);
                    if let Some(sum) = sums.get_mut(at) {
                        *sum += more;
                    }
                }
            }
            let difference = change.difference();
            if difference == 0 {
                scale.same += 1;
                continue;
            }
            *scale.receipts.entry(difference).or_default() += 1;
            let place = (Reverse(difference.unsigned_abs()), told.position);
            let last = scale.most.last_key_value().map(|(place, _)| *place);
            if scale.most.len() < self.most || last.is_some_and(|last| place < last) {
                scale.most.insert(place, receipt(names, told, change, differences));
                if scale.most.len() > self.most {
                    scale.most.pop_last();
                }
            }
        }
    }

    /// What was found.
    pub fn report(&self) -> Vec<Measure> {
        let of = |(at, scale): (usize, &Scale)| {
            let mut members: BTreeMap<i128, u64> = BTreeMap::new();
            let mut same = 0;
            for sums in self.members.values() {
                match sums.get(at).copied().unwrap_or(0) {
                    0 => same += 1,
                    difference => *members.entry(difference).or_default() += 1,
                }
            }
            Measure {
                name: scale.name.clone(),
                unit: scale.unit.clone(),
                members: split(&members, same, scale.decimals),
                receipts: split(&scale.receipts, scale.same, scale.decimals),
                most: scale.most.values().cloned().collect(),
            }
        };
        self.scales.iter().enumerate().map(of).collect()
    }
}

fn receipt(names: &Names, told: &Told<'_>, change: Change, differences: &[Difference]) -> Receipt {
    let because = |difference: &Difference| {
        let unit = names.units.get(difference.key.unit);
        let decimals = unit.map_or(0, |unit| unit.decimals);
        let amount = Change { before: difference.before, after: difference.after, decimals };
        let rule = difference.key.rule.and_then(|rule| names.rules.get(rule));
        Because {
            rule: rule.map(|rule| rule.name.clone()),
            kind: unit.map_or("", |unit| unit.sort.word()),
            of: unit.map_or_else(String::new, |unit| unit.name.clone()),
            unit: unit.map_or_else(String::new, |unit| unit.word.clone()),
            to: difference.key.to.as_deref().map(str::to_owned),
            amount: Flat(amount),
            cause: difference.cause.why.word(),
            hunks: difference.cause.hunks.clone(),
            by: difference.cause.by.clone(),
            since: difference
                .cause
                .since
                .iter()
                .map(|since| SinceReport {
                    of: since.of.clone(),
                    hunk: since.hunk,
                    event: since.event.as_deref().map(str::to_owned),
                })
                .collect(),
        }
    };
    Receipt {
        id: told.id.to_owned(),
        kind: told.kind.to_owned(),
        date: told.date.clone(),
        member: told.member.map(str::to_owned),
        amount: Flat(change),
        rules: differences.iter().map(because).collect(),
    }
}

/// Discounts and what points are worth, together; nothing where no points are worth anything, or where a point is worth
/// what no decimal can say.
fn value(names: &Names) -> Option<Scale> {
    let discount = names.units.first()?;
    // By side and unit: what one of its smallest parts is worth, in minor units, as numerator and denominator.
    let mut worth: Vec<(Which, usize, i128, i128)> = Vec::new();
    for (at, unit) in names.units.iter().enumerate().filter(|(_, unit)| unit.sort == Sort::Award) {
        for which in Which::BOTH {
            if let Some((units, minor)) = unit.worth.of(which).filter(|(units, _)| *units > 0) {
                let den = names.scaled(which, at, units);
                worth.push((which, at, i128::from(minor), den));
            }
        }
    }
    if worth.is_empty() {
        return None;
    }
    let digits = (0..=MOST_DIGITS)
        .find(|digits| worth.iter().all(|(_, _, num, den)| (num * 10_i128.pow(*digits)) % den == 0))?;
    let one = 10_i128.pow(digits);
    let mut factors = Pair { old: BTreeMap::from([(0, one)]), new: BTreeMap::from([(0, one)]) };
    for (which, at, num, den) in worth {
        factors.of_mut(which).insert(at, num * one / den);
    }
    Some(Scale {
        name: "value".to_owned(),
        unit: discount.word.clone(),
        decimals: discount.decimals.saturating_add(u8::try_from(digits).unwrap_or(0)),
        factors,
        receipts: BTreeMap::new(),
        same: 0,
        most: BTreeMap::new(),
    })
}

/// Splits differences, each with how often it is there.
fn split(found: &BTreeMap<i128, u64>, same: u64, decimals: u8) -> Split {
    let more: Vec<(i128, u64)> = found.range(1..).map(|(amount, count)| (*amount, *count)).collect();
    // Those who get less in the order of how much less.
    let less: Vec<(i128, u64)> = found.range(..0).rev().map(|(amount, count)| (*amount, *count)).collect();
    Split { more: part(&more, decimals), less: part(&less, decimals), same }
}

fn part(found: &[(i128, u64)], decimals: u8) -> Part {
    let exact = |amount: i128| Exact { amount, decimals };
    let count: u64 = found.iter().map(|(_, count)| count).sum();
    let quantile = |percent: u8| {
        // The smallest of which so many percent are no larger: the difference of one of them, nothing in between.
        let rank = u128::from(count).saturating_mul(u128::from(percent)).div_ceil(100).max(1);
        let mut so_far = 0_u128;
        let at = found.iter().find(|(_, count)| {
            so_far += u128::from(*count);
            so_far >= rank
        });
        at.map(|(amount, _)| Quantile { percent, amount: exact(*amount) })
    };
    Part {
        count,
        sum: exact(found.iter().map(|(amount, count)| amount.saturating_mul(i128::from(*count))).sum()),
        quantiles: PERCENTS.into_iter().filter_map(quantile).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_differences_that_somebody_has() {
        // Ten differences: 1, 1, 1, 2, 2, 3, 5, 8, 13, 21. 10 % of them is the first, 50 % the fifth, 90 % the ninth.
        let found =
            BTreeMap::from([(1, 3), (2, 2), (3, 1), (5, 1), (8, 1), (13, 1), (21, 1), (-4, 2), (-9, 1)]);
        let split = split(&found, 7, 2);
        let of = |part: &Part| part.quantiles.iter().map(|q| q.amount.to_string()).collect::<Vec<_>>();
        assert_eq!((split.more.count, split.more.sum.to_string()), (10, "0.57".to_owned()));
        assert_eq!(of(&split.more), ["0.01", "0.02", "0.13", "0.21"]);
        // -4, -4, -9: the first, the second, the third, the third.
        assert_eq!((split.less.count, split.less.sum.to_string(), split.same), (3, "-0.17".to_owned(), 7));
        assert_eq!(of(&split.less), ["-0.04", "-0.04", "-0.09", "-0.09"]);
        assert_eq!(part(&[], 2), Part { sum: Exact { amount: 0, decimals: 2 }, ..Part::default() });
    }
}
