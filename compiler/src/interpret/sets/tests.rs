//! The choice of sets against trying everything, on baskets small enough for that.

use super::*;
use crate::evaluate::Record;
use proptest::prelude::*;

/// A basket of lines (pieces, price in cents, parts that may take it), and what a set takes and gives.
#[derive(Clone, Debug)]
struct Basket {
    lines: Vec<(i64, i64, u32)>,
    counts: Vec<i64>,
    terms: Vec<(Option<u32>, SetPick, i64, SetValue, i128, i128)>,
    most: i64,
    member: bool,
}

fn record(basket: &Basket) -> Record {
    let mut record = Record { line_width: 6, event: vec![0; 8], ..Record::default() };
    for (position, (pieces, price, _)) in (1..).zip(&basket.lines) {
        let amount = price * pieces;
        record.lines.extend([position, *pieces, *price * 100, amount, amount, MISSING]);
    }
    record
}

fn sets(basket: &Basket) -> Sets {
    let mut sets = Sets::default();
    let fuel = &mut 1_000_000;
    for (part, count) in (0..).zip(&basket.counts) {
        let selection: Vec<i64> = basket
            .lines
            .iter()
            .map(|(pieces, _, parts)| if parts >> part & 1 == 1 { *pieces } else { 0 })
            .collect();
        sets.part(fuel, &selection, *count).unwrap();
    }
    for (part, pick, count, value, num, den) in &basket.terms {
        sets.term(fuel, (*part, *pick, *count), *value, (*num, *den)).unwrap();
    }
    sets
}

fn chosen(basket: &Basket) -> (Outcome, Sets) {
    let record = record(basket);
    let mut sets = sets(basket);
    let choice = (basket.most, basket.member, slots::INITIAL);
    let outcome = sets.choose(&record.view(&[]), &[], &mut 500_000_000, choice).unwrap();
    (outcome, sets)
}

/// What a set gives in 1/10000 cents times 300, by the definition, one piece after another.
fn worth(basket: &Basket, parts: &[Vec<usize>]) -> i128 {
    const UNIT: i128 = 300;
    basket.terms.iter().fold(0, |worth, (part, pick, count, value, num, den)| {
        let mut rows: Vec<usize> = (0..)
            .zip(parts)
            .filter(|(index, _)| part.is_none_or(|part| part == *index))
            .flat_map(|(_, rows)| rows.clone())
            .collect();
        rows.sort_by_key(|row| (basket.lines[*row].1, *row));
        let count = usize::try_from(*count).unwrap();
        match pick {
            SetPick::All => {}
            SetPick::Cheapest => rows.truncate(count),
            SetPick::Dearest => {
                rows.sort_by_key(|row| (std::cmp::Reverse(basket.lines[*row].1), *row));
                rows.truncate(count);
            }
        }
        let prices: Vec<i128> = rows.iter().map(|row| i128::from(basket.lines[*row].1) * UNIT).collect();
        let sum: i128 = prices.iter().sum();
        let amount = num * UNIT / den;
        worth
            + match value {
                SetValue::Share => sum / den * num,
                SetValue::OffEach => prices.iter().map(|price| *price.min(&amount)).sum(),
                SetValue::Off => sum.min(amount),
                SetValue::PriceEach => prices.iter().map(|price| (price - amount).max(0)).sum(),
                SetValue::Price => (sum - amount).max(0),
                SetValue::PerSet => 0,
            }
    })
}

/// Every set that can be formed of the pieces that are left, as rows by part.
fn all_sets(basket: &Basket, left: &[i64]) -> Vec<Vec<Vec<usize>>> {
    fn of_part(
        basket: &Basket,
        part: usize,
        from: usize,
        needs: i64,
        left: &mut Vec<i64>,
        rows: &mut Vec<usize>,
        out: &mut Vec<Vec<usize>>,
    ) {
        if needs == 0 {
            out.push(rows.clone());
            return;
        }
        for row in from..left.len() {
            if left[row] > 0 && basket.lines[row].2 >> part & 1 == 1 {
                left[row] -= 1;
                rows.push(row);
                of_part(basket, part, row, needs - 1, left, rows, out);
                rows.pop();
                left[row] += 1;
            }
        }
    }
    let mut sets: Vec<(Vec<Vec<usize>>, Vec<i64>)> = vec![(Vec::new(), left.to_vec())];
    for (part, count) in basket.counts.iter().enumerate() {
        let mut next = Vec::new();
        for (set, left) in sets {
            let mut out = Vec::new();
            of_part(basket, part, 0, *count, &mut left.clone(), &mut Vec::new(), &mut out);
            for rows in out {
                let mut left = left.clone();
                rows.iter().for_each(|row| left[*row] -= 1);
                let mut set = set.clone();
                set.push(rows);
                next.push((set, left));
            }
        }
        sets = next;
    }
    sets.into_iter().map(|(set, _)| set).collect()
}

/// The best value of each number of sets, by trying all.
fn tried(basket: &Basket, left: &mut Vec<i64>, value: i128, sets: usize, best: &mut Vec<Option<i128>>) {
    if best.len() <= sets {
        best.resize(sets + 1, None);
    }
    let better = |so_far: i128| if basket.member { value > so_far } else { value < so_far };
    if best[sets].is_none_or(better) {
        best[sets] = Some(value);
    }
    if i64::try_from(sets).unwrap() >= basket.most {
        return;
    }
    for set in all_sets(basket, left) {
        set.iter().flatten().for_each(|row| left[*row] -= 1);
        tried(basket, left, value + worth(basket, &set), sets + 1, best);
        set.iter().flatten().for_each(|row| left[*row] += 1);
    }
}

/// What a choice gives, in the same unit, with every piece used at most once.
fn given(basket: &Basket, sets: &Sets) -> (i128, i64) {
    let mut used = vec![0; basket.lines.len()];
    let (mut value, mut count) = (0, 0);
    for chosen in &sets.chosen {
        let rows = |part: &Vec<(usize, i64)>| {
            part.iter()
                .flat_map(|(row, pieces)| vec![*row; usize::try_from(*pieces).unwrap()])
                .collect::<Vec<_>>()
        };
        let parts: Vec<Vec<usize>> = chosen.parts.iter().map(rows).collect();
        for (part, (rows, needs)) in parts.iter().zip(&basket.counts).enumerate() {
            assert_eq!(i64::try_from(rows.len()).unwrap(), *needs, "{chosen:?}");
            assert!(rows.iter().all(|row| basket.lines[*row].2 >> part & 1 == 1));
            rows.iter().for_each(|row| used[*row] += chosen.times);
        }
        value += worth(basket, &parts) * i128::from(chosen.times);
        count += chosen.times;
    }
    for (used, (pieces, _, _)) in used.iter().zip(&basket.lines) {
        assert!(used <= pieces, "no piece twice: {sets:?}");
    }
    assert!(count <= basket.most);
    (value, count)
}

fn picks() -> impl Strategy<Value = SetPick> {
    prop_oneof![Just(SetPick::All), Just(SetPick::Cheapest), Just(SetPick::Dearest)]
}

fn values() -> impl Strategy<Value = SetValue> {
    prop_oneof![
        Just(SetValue::Share),
        Just(SetValue::OffEach),
        Just(SetValue::Off),
        Just(SetValue::PriceEach),
        Just(SetValue::Price),
    ]
}

fn baskets() -> impl Strategy<Value = Basket> {
    let term = (proptest::option::of(0u32..2), picks(), 1i64..3, values(), 1i128..12, 0usize..3);
    (
        proptest::collection::vec((1i64..4, 1i64..13, 1u32..4), 1..5),
        proptest::collection::vec(1i64..3, 1..3),
        proptest::collection::vec(term, 1..3),
        1i64..4,
        any::<bool>(),
    )
        .prop_map(|(mut lines, counts, terms, most, member)| {
            let parts = (1u32 << counts.len()) - 1;
            lines.iter_mut().for_each(|line| line.2 &= parts);
            let terms = terms.into_iter().map(|(part, pick, count, value, num, den)| {
                let part = part.filter(|part| usize::try_from(*part).unwrap() < counts.len());
                // Shares of a half, two thirds, the whole; amounts in whole cents.
                let (num, den) = match (value, den) {
                    (SetValue::Share, 0) => (1, 2),
                    (SetValue::Share, 1) => (2, 3),
                    (SetValue::Share, _) => (1, 1),
                    (_, _) => (num, 1),
                };
                (part, pick, count, value, num, den)
            });
            Basket { lines, terms: terms.collect(), counts, most, member }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn as_good_as_trying_everything(basket in baskets()) {
        prop_assume!(basket.lines.iter().map(|line| line.0).sum::<i64>() <= 8);
        let (outcome, sets) = chosen(&basket);
        let (value, count) = given(&basket, &sets);
        let mut best = Vec::new();
        let mut left = basket.lines.iter().map(|line| line.0).collect();
        tried(&basket, &mut left, 0, 0, &mut best);
        prop_assert_eq!(outcome.sets, count);
        prop_assert_eq!(outcome.gap, 0, "so few are always proven");
        if basket.member {
            let best = best.iter().flatten().max().copied().unwrap_or(0);
            prop_assert_eq!(value, best);
        } else {
            // As many as there can be, and of those the least.
            prop_assert_eq!(usize::try_from(count).unwrap(), best.len() - 1);
            prop_assert_eq!(Some(value), best.last().copied().flatten());
        }
    }

    #[test]
    fn the_order_of_lines_changes_no_value(basket in baskets(), turn in 0usize..5) {
        let (outcome, _) = chosen(&basket);
        let mut turned = basket.clone();
        let turn = turn % turned.lines.len();
        turned.lines.rotate_left(turn);
        let (other, _) = chosen(&turned);
        prop_assert_eq!((outcome.value, outcome.gap), (other.value, other.gap));
    }
}

fn trio(lines: &[(i64, i64)], most: i64, member: bool) -> Basket {
    Basket {
        lines: lines.iter().map(|(pieces, price)| (*pieces, *price, 1)).collect(),
        counts: vec![3],
        terms: vec![(None, SetPick::Cheapest, 1, SetValue::Share, 1, 1)],
        most,
        member,
    }
}

#[test]
fn pieces_are_counted_not_walked() {
    // Three millions of sets of one line, and one of the ends of two.
    let basket = trio(&[(9_000_002, 500), (1_000_000, 100)], i64::MAX, true);
    let record = record(&basket);
    let mut sets = sets(&basket);
    let fuel = &mut 10_000;
    let outcome = sets.choose(&record.view(&[]), &[], fuel, (i64::MAX, true, slots::INITIAL)).unwrap();
    assert_eq!((outcome.sets, outcome.gap), (3_333_334, 0));
    // 3 000 000 sets of 500, one of 500 500 100, 333 333 of 100 and one piece left over.
    assert_eq!(outcome.value, 3_000_000 * 500 + 100 + 333_333 * 100);
    assert!(outcome.lists <= 4, "{outcome:?}");
}

#[test]
fn the_retailer_frees_the_cheapest() {
    let basket = trio(&[(1, 900), (1, 800), (1, 700), (3, 100)], i64::MAX, false);
    // Two of the three pieces at 100 are free, each with two dearer ones.
    assert_eq!(chosen(&basket).0.value, 200);
    assert_eq!(chosen(&Basket { member: true, ..basket }).0.value, 800);
}

#[test]
fn too_large_a_search_says_what_may_be_missing() {
    // The cheapest of a set of two parts, for which nothing but trying is known, over many lines.
    let basket = Basket {
        lines: (0..60).map(|at| (2, 101 + at * 37 % 59, 1 + u32::try_from(at % 3).unwrap())).collect(),
        counts: vec![2, 2],
        terms: vec![(None, SetPick::Cheapest, 1, SetValue::Share, 1, 1)],
        most: i64::MAX,
        member: true,
    };
    let (outcome, sets) = chosen(&basket);
    let (value, _) = given(&basket, &sets);
    assert_eq!(i128::from(outcome.value) * 300, value);
    assert!(outcome.gap > 0 && outcome.value > 0, "{outcome:?}");
}

#[test]
fn without_fuel_there_is_no_choice() {
    let basket = trio(&[(9, 500)], i64::MAX, true);
    let record = record(&basket);
    let mut sets = sets(&basket);
    let choice = (i64::MAX, true, slots::INITIAL);
    assert_eq!(sets.choose(&record.view(&[]), &[], &mut 0, choice), Err(FaultKind::OutOfFuel));
}
