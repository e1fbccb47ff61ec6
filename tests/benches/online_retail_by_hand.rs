//! The programme of `rules-examples/online-retail`, written out in Rust as one would write it for speed: the yardstick
//! for perq's own evaluation of the same rules over the same year.
//!
//! A purchase is packed beforehand (attributes as bits, categories resolved, the class of the member looked up), so
//! that [`decide`] measures the decision and nothing else. It is exact: whole pence, points as whole
//! ten-thousandths until the receipt's sum is rounded down. It allocates nothing once its [`Scratch`] has grown.
//!
//! [`load`] packs the year from the example's files, [`run`] decides all of it, and [`check`] compares the sums with
//! the independent computation in `check/expected.json`. This file knows no part of perq and needs `serde_json` only:
//!
//! ```ignore
//! #[path = "online_retail_by_hand.rs"]
//! mod by_hand;
//! let year = by_hand::load(transactions, &products, &categories, &members)?;
//! by_hand::check(&by_hand::run(&year), &expected)?;
//! ```
//!
//! The rules are constants here, so a change of a `.rule` file of the example is a change of this file.

#![allow(dead_code)] // Each benchmark uses a part of it.

use serde_json::Value;
use std::collections::HashMap;
use std::io::BufRead;

/// The rules in the order of settlement; amounts of a [`Decision`] stand in this order.
pub const RULES: [&str; 20] = [
    "by_quantity",
    "full_tens_of_bags",
    "christmas_clearance",
    "christmas_early",
    "easter",
    "spring",
    "mugs_12_for_11",
    "kitchen_dearest",
    "lunch_bags",
    "christmas_quartet",
    "wholesale_rebate",
    "five_per_200",
    "free_carriage",
    "half_carriage",
    "by_class",
    "own_departments",
    "lunch_hours",
    "every_fifty",
    "wide_choice",
    "pay_days",
];
/// How many of [`RULES`] give discounts, in pence; the rest give points.
pub const DISCOUNTS: usize = 14;

const BY_QUANTITY: usize = 0;
const FULL_TENS_OF_BAGS: usize = 1;
const CHRISTMAS_CLEARANCE: usize = 2;
const CHRISTMAS_EARLY: usize = 3;
const EASTER: usize = 4;
const SPRING: usize = 5;
const MUGS_12_FOR_11: usize = 6;
const KITCHEN_DEAREST: usize = 7;
const LUNCH_BAGS: usize = 8;
const CHRISTMAS_QUARTET: usize = 9;
const WHOLESALE_REBATE: usize = 10;
const FIVE_PER_200: usize = 11;
const FREE_CARRIAGE: usize = 12;
const HALF_CARRIAGE: usize = 13;
const BY_CLASS: usize = 14;
const OWN_DEPARTMENTS: usize = 15;
const LUNCH_HOURS: usize = 16;
const EVERY_FIFTY: usize = 17;
const WIDE_CHOICE: usize = 18;
const PAY_DAYS: usize = 19;

/// What the rules ask of a line, as bits of [`Line::is`].
pub mod is {
    /// A product that costs something.
    pub const GOODS: u32 = 1;
    /// Pieces and amount above zero, so that it can be discounted.
    pub const DISCOUNTABLE: u32 = 1 << 1;
    /// Carriage.
    pub const DELIVERY: u32 = 1 << 2;
    /// A position written by hand.
    pub const MANUAL: u32 = 1 << 3;
    /// In "Bags & accessories".
    pub const BAGS: u32 = 1 << 4;
    /// In "Lunch bags".
    pub const LUNCH_BAGS: u32 = 1 << 5;
    /// In "Christmas".
    pub const CHRISTMAS: u32 = 1 << 6;
    /// In "Easter".
    pub const EASTER: u32 = 1 << 7;
    /// In "Garden & pets" or "Seasonal".
    pub const SPRING: u32 = 1 << 8;
    /// In "Kitchen & dining".
    pub const KITCHEN: u32 = 1 << 9;
    /// In "Mugs, cups & glass".
    pub const MUGS: u32 = 1 << 10;
    /// In "Home décor" or "Kitchen & dining".
    pub const OWN: u32 = 1 << 11;
    /// Has a price above zero.
    pub const PRICED: u32 = 1 << 12;
}

/// A line of a receipt: 24 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Amount before discounts, in pence.
    pub initial: i64,
    /// Of a piece, in hundredths of a penny.
    pub price: i32,
    /// Pieces.
    pub pieces: i32,
    /// Number of the stock code.
    pub sku: u32,
    /// Bits of [`is`].
    pub is: u32,
}

/// A member's class; `None` at the till is no class but no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Below 500 pounds a year.
    Bronze,
    /// From 500.
    Silver,
    /// From 2 000.
    Gold,
    /// From 10 000.
    Platinum,
}

/// A receipt without its lines.
#[derive(Clone, Copy, Debug)]
pub struct Purchase {
    /// Days since 1970-01-01.
    pub day: i32,
    /// Minute of the day.
    pub minute: u16,
    /// Monday is 0.
    pub weekday: u8,
    /// From 1.
    pub month_day: u8,
    /// The member's, where there is one.
    pub class: Option<Class>,
    /// Goes to one of the countries with reduced carriage.
    pub near: bool,
    /// Its part of [`Year::lines`].
    pub first: u32,
    /// The end of that part.
    pub end: u32,
}

/// What [`decide`] gives: for each of [`RULES`] its pence or points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// In the order of [`RULES`].
    pub amounts: [i64; RULES.len()],
}

impl Decision {
    /// All discounts, in pence.
    pub fn discount(&self) -> i64 {
        self.amounts[..DISCOUNTS].iter().sum()
    }
    /// All points.
    pub fn points(&self) -> i64 {
        self.amounts[DISCOUNTS..].iter().sum()
    }
}

/// Memory that [`decide`] uses again and again.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// What is left to pay of each line, in pence.
    left: Vec<i64>,
    /// Lines with a quantity or seasonal price.
    touched: Vec<bool>,
    /// Priced lines for the kitchen, as [`place_of`] orders them.
    kitchen: Vec<u64>,
    /// Priced lines for Christmas, as [`place_of`] orders them.
    christmas: Vec<u64>,
    /// Pieces of each line that a pick took.
    picked: Vec<(u32, i32)>,
    /// Fraction, weight and row of shares.
    rest: Vec<(i64, i64, u32)>,
    /// For each stock code the receipt that had it last.
    seen: Vec<u32>,
    /// The number of this receipt.
    turn: u32,
}

/// The amount at `rate` hundredths of a percent, a half away from zero; `amount` is not negative.
#[inline]
fn share(rate: i64, amount: i64) -> i64 {
    (rate * amount + 5_000) / 10_000
}

/// A fraction of numbers that are not negative, a half upward.
#[inline]
fn half_up(num: i64, den: i64) -> i64 {
    (2 * num + den) / (2 * den)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
pub const fn day(year: i32, month: i32, day: i32) -> i32 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const CLEARANCE: (i32, i32) = (day(2010, 12, 20), day(2011, 1, 15));
const EARLY: (i32, i32) = (day(2011, 9, 1), day(2011, 10, 31));
const EARLY_LESS: i32 = day(2011, 10, 1);
const EASTER_DAYS: (i32, i32) = (day(2011, 3, 21), day(2011, 4, 24));
const SPRING_DAYS: (i32, i32) = (day(2011, 3, 1), day(2011, 5, 31));
const HAPPIER: i32 = day(2011, 6, 1);

#[inline]
fn within(day: i32, days: (i32, i32)) -> bool {
    days.0 <= day && day <= days.1
}

/// A line's place by price descending, then by row: the price's complement above the row.
#[inline]
fn place_of(line: &Line, row: usize) -> u64 {
    u64::from(!(line.price as u32)) << 32 | row as u64
}

/// Of each full group of `every` pieces in the sorted `order`, the cheapest or the dearest: `(row, pieces)` into
/// `picked`.
fn pick(
    lines: &[Line],
    order: impl Iterator<Item = u64>,
    full: i32,
    every: i32,
    cheapest: bool,
    picked: &mut Vec<(u32, i32)>,
) {
    picked.clear();
    // One piece of each group: its last place or its first. Groups are counted down without dividing where a line
    // ends inside the group it began in.
    let mut until = if cheapest { every } else { 1 };
    let mut place = 0;
    for key in order {
        let row = key as u32;
        place += lines[row as usize].pieces;
        let reached = place.min(full);
        if reached >= until {
            let pieces = (reached - until) / every + 1;
            picked.push((row, pieces));
            until += pieces * every;
        }
        if place >= full {
            break;
        }
    }
}

/// Decides one receipt.
pub fn decide(purchase: &Purchase, lines: &[Line], scratch: &mut Scratch) -> Decision {
    let mut amounts = [0i64; RULES.len()];
    let Scratch { left, touched, kitchen, christmas, picked, rest, seen, turn } = scratch;
    left.clear();
    touched.clear();
    kitchen.clear();
    christmas.clear();
    let day = purchase.day;
    let mut any = 0u32;

    // Line prices: a quantity price, or a seasonal one where that is better.
    let clearance = within(day, CLEARANCE);
    let early = within(day, EARLY);
    let easter = within(day, EASTER_DAYS);
    let spring = within(day, SPRING_DAYS);
    let season = clearance || early || easter || spring;
    let (mut lunch_bags, mut mugs_pieces, mut kitchen_pieces, mut christmas_pieces) = (0i64, 0, 0, 0);
    for (row, line) in lines.iter().enumerate() {
        any |= line.is;
        let (mut rule, mut off) = (BY_QUANTITY, 0);
        if line.is & is::GOODS != 0 && line.is & is::DISCOUNTABLE != 0 {
            let rate = match line.pieces {
                144.. => 800,
                48.. => 500,
                12.. => 300,
                _ => 0,
            };
            off = share(rate, line.initial);
            if line.is & is::BAGS != 0 {
                let tens = (50 * i64::from(line.pieces / 10)).min(line.initial);
                if tens > off {
                    (rule, off) = (FULL_TENS_OF_BAGS, tens);
                }
            }
        }
        if season && line.is & is::SPRING != 0 && line.is & is::DISCOUNTABLE != 0 {
            // Christmas and Easter belong to the seasonal department, so the bit of spring covers them.
            let (seasonal, rate) = if clearance && line.is & is::CHRISTMAS != 0 {
                (CHRISTMAS_CLEARANCE, 2_000)
            } else if early && line.is & is::CHRISTMAS != 0 {
                (CHRISTMAS_EARLY, if day < EARLY_LESS { 800 } else { 600 })
            } else if easter && line.is & is::EASTER != 0 {
                (EASTER, if line.pieces >= 24 { 1_000 } else { 500 })
            } else if spring {
                (SPRING, 300)
            } else {
                (SPRING, 0)
            };
            let better = share(rate, line.initial);
            if better > off {
                (rule, off) = (seasonal, better);
            }
        }
        if line.is & is::PRICED != 0 && line.pieces > 0 {
            if line.is & is::KITCHEN != 0 {
                kitchen.push(place_of(line, row));
                kitchen_pieces += line.pieces;
                if line.is & is::MUGS != 0 {
                    mugs_pieces += line.pieces;
                }
            } else if line.is & is::CHRISTMAS != 0 {
                christmas.push(place_of(line, row));
                christmas_pieces += line.pieces;
            }
        }
        if line.is & is::LUNCH_BAGS != 0 {
            lunch_bags += i64::from(line.pieces);
        }
        amounts[rule] += off;
        left.push(line.initial - off);
        touched.push(off > 0);
    }

    // Multi-buy, on lines at their normal price. The free mug takes more off than a fifth, so it comes first.
    if kitchen_pieces >= 6 {
        kitchen.sort_unstable();
        rest.clear();
        if mugs_pieces >= 12 {
            let mugs = kitchen.iter().copied().filter(|key| lines[*key as u32 as usize].is & is::MUGS != 0);
            pick(lines, mugs, mugs_pieces / 12 * 12, 12, true, picked);
            for &(row, pieces) in picked.iter() {
                let line = &lines[row as usize];
                if touched[row as usize] || line.is & is::DISCOUNTABLE == 0 {
                    continue;
                }
                let off =
                    (half_up(line.initial, i64::from(line.pieces)) * i64::from(pieces)).min(line.initial);
                amounts[MUGS_12_FOR_11] += off;
                left[row as usize] -= off;
            }
            // What is free cannot be reduced as well: the rows stay in `rest` for the next pick.
            rest.extend(picked.iter().map(|&(row, pieces)| (0, i64::from(pieces), row)));
        }
        pick(lines, kitchen.iter().copied(), kitchen_pieces / 6 * 6, 6, false, picked);
        for &(row, pieces) in picked.iter() {
            let line = &lines[row as usize];
            if touched[row as usize] || line.is & is::DISCOUNTABLE == 0 {
                continue;
            }
            let all = i64::from(line.pieces);
            let free = all - rest.iter().find(|taken| taken.2 == row).map_or(0, |taken| taken.1);
            let each = half_up(2_000 * line.initial, 10_000 * all);
            let off = (each * i64::from(pieces).min(free)).min(left[row as usize]);
            amounts[KITCHEN_DEAREST] += off;
            left[row as usize] -= off;
        }
    }
    if lunch_bags >= 10 {
        for (row, line) in lines.iter().enumerate() {
            if line.is & is::LUNCH_BAGS == 0 || line.is & is::DISCOUNTABLE == 0 || touched[row] {
                continue;
            }
            let pieces = i64::from(line.pieces);
            let over = line.initial - 145 * pieces;
            if over > 0 {
                let off = (half_up(over, pieces) * pieces).min(line.initial);
                amounts[LUNCH_BAGS] += off;
                left[row] -= off;
            }
        }
    }
    if christmas_pieces >= 4 {
        christmas.sort_unstable();
        pick(lines, christmas.iter().copied(), christmas_pieces / 4 * 4, 4, true, picked);
        let half = |row: u32, pieces: i32| {
            let line = &lines[row as usize];
            let each = half_up(5_000 * line.initial, 10_000 * i64::from(line.pieces));
            (each * i64::from(pieces)).min(line.initial)
        };
        picked.retain(|&(row, _)| !touched[row as usize] && lines[row as usize].is & is::DISCOUNTABLE != 0);
        let off: i64 = picked.iter().map(|&(row, pieces)| half(row, pieces)).sum();
        if off <= 1_500 {
            amounts[CHRISTMAS_QUARTET] += off;
            for &(row, pieces) in picked.iter() {
                left[row as usize] -= half(row, pieces);
            }
        }
    }

    let Some(class) = purchase.class else { return Decision { amounts } };
    let goods = |line: &Line| line.is & is::GOODS != 0;
    let mut spent: i64 =
        lines.iter().zip(left.iter()).filter(|(line, _)| goods(line)).map(|(_, left)| *left).sum();

    // Order value: the better rebate, shared among the goods in proportion to what is left of them.
    if any & is::MANUAL == 0 {
        let fives = (500 * (spent / 20_000)).min(2_500);
        let rebate = if class < Class::Gold {
            0
        } else {
            let rate = match spent {
                500_000.. => 400,
                100_000.. => 300,
                50_000.. => 200,
                _ => 0,
            };
            share(rate, spent)
        };
        let (rule, off) = if rebate >= fives { (WHOLESALE_REBATE, rebate) } else { (FIVE_PER_200, fives) };
        let off = off.min(25_000);
        if off > 0 {
            amounts[rule] += off;
            rest.clear();
            let mut missing = off;
            for (row, line) in lines.iter().enumerate() {
                let weight = left[row];
                if goods(line) && weight > 0 {
                    let exact = off * weight;
                    missing -= exact / spent;
                    left[row] -= exact / spent;
                    rest.push((exact % spent, weight, row as u32));
                }
            }
            if missing > 0 {
                // The largest fractions; then the larger weight, then the earlier row.
                let key = |&(fraction, weight, row): &(i64, i64, u32)| (-fraction, -weight, row);
                let missing = missing as usize;
                if missing < rest.len() {
                    rest.select_nth_unstable_by_key(missing, key);
                }
                for &(_, _, row) in &rest[..missing] {
                    left[row as usize] -= 1;
                }
            }
            spent -= off;
        }
    }

    // Carriage.
    if purchase.near && any & is::DELIVERY != 0 && spent >= 15_000 {
        let (rule, rate) = if spent >= 40_000 { (FREE_CARRIAGE, 10_000) } else { (HALF_CARRIAGE, 5_000) };
        let carried = |line: &&Line| line.is & is::DELIVERY != 0 && line.is & is::DISCOUNTABLE != 0;
        let off: i64 = lines.iter().filter(carried).map(|line| share(rate, line.initial)).sum();
        amounts[rule] += match rule {
            FREE_CARRIAGE => off.min(4_000),
            _ if off > 2_000 => 0,
            _ => off,
        };
    }

    // Points on spend, in ten-thousandths: the best rate for each line.
    let class_rate = match class {
        Class::Bronze => 100,
        Class::Silver => 150,
        Class::Gold => 200,
        Class::Platinum => 300,
    };
    let happy = matches!(purchase.weekday, 2 | 3) && (720..840).contains(&purchase.minute);
    let happy_rate = if !happy {
        0
    } else if day < HAPPIER {
        250
    } else {
        350
    };
    let (mut rule, mut rate) = (BY_CLASS, class_rate);
    if happy_rate > rate {
        (rule, rate) = (LUNCH_HOURS, happy_rate);
    }
    let (mut own_rule, mut own_rate) = (BY_CLASS, class_rate);
    if 200 > own_rate {
        (own_rule, own_rate) = (OWN_DEPARTMENTS, 200);
    }
    if happy_rate > own_rate {
        (own_rule, own_rate) = (LUNCH_HOURS, happy_rate);
    }
    let mut exact = [0i64; 3];
    *turn = turn.wrapping_add(1);
    let mut articles = 0;
    for (line, left) in lines.iter().zip(left.iter()) {
        if !goods(line) {
            continue;
        }
        let (rule, rate) = if line.is & is::OWN != 0 { (own_rule, own_rate) } else { (rule, rate) };
        exact[rule - BY_CLASS] += rate * left;
        let sku = line.sku as usize;
        if seen.len() <= sku {
            seen.resize(sku + 1, turn.wrapping_sub(1));
        }
        if seen[sku] != *turn {
            seen[sku] = *turn;
            articles += 1;
        }
    }

    // Bonus points, at most 400 together.
    let mut room = 400i64;
    let mut bonus = |rule: usize, points: i64| {
        let points = points.min(room);
        room -= points;
        amounts[rule] += points;
    };
    bonus(EVERY_FIFTY, (5 * (spent / 5_000)).min(300));
    if articles >= 20 {
        bonus(WIDE_CHOICE, 60);
    }
    if matches!(purchase.month_day, 1 | 15) && spent >= 10_000 {
        bonus(PAY_DAYS, 100);
    }

    // The sum is rounded down once; the points go back to the rules by largest remainder: of equal
    // remainders the larger award comes first, then the earlier rule.
    let mut missing =
        exact.iter().sum::<i64>() / 10_000 - exact.iter().map(|exact| exact / 10_000).sum::<i64>();
    for (rule, exact) in exact.iter().enumerate() {
        amounts[BY_CLASS + rule] += exact / 10_000;
    }
    let mut fractions = exact.map(|exact| exact % 10_000);
    while missing > 0 {
        let mut largest = 0;
        for rule in 1..fractions.len() {
            if (fractions[rule], exact[rule]) > (fractions[largest], exact[largest]) {
                largest = rule;
            }
        }
        amounts[BY_CLASS + largest] += 1;
        fractions[largest] = -1;
        missing -= 1;
    }
    Decision { amounts }
}

/// The packed year.
#[derive(Clone, Debug, Default)]
pub struct Year {
    /// The receipts in order.
    pub purchases: Vec<Purchase>,
    /// Their invoice numbers.
    pub ids: Vec<String>,
    /// All lines, receipt after receipt.
    pub lines: Vec<Line>,
    /// Records of other kinds, which no rule hears.
    pub others: usize,
}

impl Year {
    /// The lines of a receipt.
    pub fn lines_of(&self, purchase: &Purchase) -> &[Line] {
        &self.lines[purchase.first as usize..purchase.end as usize]
    }
}

/// Sums over the year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// For each of [`RULES`]: on how many receipts it had an effect, and its pence or points.
    pub rules: [(u64, i64); RULES.len()],
    /// Receipts with any effect.
    pub with_effects: u64,
}

/// Decides the whole year.
pub fn run(year: &Year) -> Totals {
    let mut scratch = Scratch::default();
    let mut totals = Totals::default();
    for purchase in &year.purchases {
        let decision = decide(purchase, year.lines_of(purchase), &mut scratch);
        let mut effect = false;
        for (sum, amount) in totals.rules.iter_mut().zip(decision.amounts) {
            if amount != 0 {
                sum.0 += 1;
                sum.1 += amount;
                effect = true;
            }
        }
        totals.with_effects += u64::from(effect);
    }
    totals
}

/// Compares the sums with `check/expected.json`.
///
/// # Errors
/// The first figure that differs.
pub fn check(totals: &Totals, expected: &str) -> Result<(), String> {
    let expected: Value = serde_json::from_str(expected).map_err(|error| error.to_string())?;
    let differs = |what: &str, found: String, expected: &Value| {
        let wanted = expected.as_str().map_or_else(|| expected.to_string(), str::to_owned);
        if found == wanted { Ok(()) } else { Err(format!("{what} is {found} and should be {wanted}")) }
    };
    let pounds = |pence: i64| format!("{}.{:02}", pence / 100, pence % 100);
    for (index, rule) in RULES.iter().enumerate() {
        let (fired, amount) = totals.rules[index];
        let wanted = &expected["rules"][rule];
        differs(&format!("fired of {rule}"), fired.to_string(), &wanted["fired"])?;
        let amount = if index < DISCOUNTS { pounds(amount) } else { amount.to_string() };
        differs(&format!("amount of {rule}"), amount, &wanted["amount"])?;
    }
    let sum = |rules: &[(u64, i64)]| rules.iter().map(|(_, amount)| amount).sum::<i64>();
    differs("discount_total", pounds(sum(&totals.rules[..DISCOUNTS])), &expected["discount_total"])?;
    differs("points_total", sum(&totals.rules[DISCOUNTS..]).to_string(), &expected["points_total"])?;
    differs("purchases_with_effects", totals.with_effects.to_string(), &expected["purchases_with_effects"])
}

/// Packs the year from the example's files; `transactions` is the unpacked NDJSON.
///
/// # Errors
/// A record that is not what the data's README describes.
pub fn load(
    transactions: impl BufRead,
    products: &str,
    categories: &str,
    members: &str,
) -> Result<Year, String> {
    let parents: HashMap<String, String> =
        rows(categories).map(|mut row| (std::mem::take(&mut row[0]), std::mem::take(&mut row[1]))).collect();
    let mut catalogue: HashMap<String, (u32, u32)> = HashMap::new();
    for (number, row) in rows(products).enumerate() {
        catalogue.insert(row[0].clone(), (number as u32, bits(&row[1], &row[2], &row[3], &parents)));
    }
    let mut classes: HashMap<String, Class> = HashMap::new();
    for row in rows(members) {
        let yearly = decimal(&row[2], 2).ok_or_else(|| format!("members.csv: {}", row[2]))?;
        let class = match yearly {
            1_000_000.. => Class::Platinum,
            200_000.. => Class::Gold,
            50_000.. => Class::Silver,
            _ => Class::Bronze,
        };
        classes.insert(row[0].clone(), class);
    }
    let mut year = Year::default();
    for text in transactions.lines() {
        let text = text.map_err(|error| error.to_string())?;
        let event: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if event["kind"] != "sale" {
            year.others += 1;
            continue;
        }
        let bad = || format!("not a receipt: {text}");
        let first = year.lines.len() as u32;
        for line in event["lines"].as_array().ok_or_else(bad)? {
            let price = line["price"].as_str().and_then(|price| decimal(price, 4)).ok_or_else(bad)?;
            let pieces = line["qty"].as_i64().ok_or_else(bad)?;
            let product = line["sku"].as_str().and_then(|sku| catalogue.get(sku));
            let (sku, mut is) = *product.ok_or_else(bad)?;
            let exact = price * pieces;
            let initial = exact.signum() * half_up(exact.abs(), 100);
            if initial <= 0 {
                is &= !is::GOODS;
            }
            if initial > 0 && pieces > 0 {
                is |= is::DISCOUNTABLE;
            }
            if price > 0 {
                is |= is::PRICED;
            }
            let price = i32::try_from(price).map_err(|_| bad())?;
            let pieces = i32::try_from(pieces).map_err(|_| bad())?;
            year.lines.push(Line { initial, price, pieces, sku, is });
        }
        let at = event["at"].as_str().ok_or_else(bad)?;
        let number = |from: usize, to: usize| at.get(from..to).and_then(|digits| digits.parse::<i32>().ok());
        let [y, m, d, hour, minute] =
            [number(0, 4), number(5, 7), number(8, 10), number(11, 13), number(14, 16)]
                .map(|part| part.ok_or_else(bad));
        let d = d?;
        let day = day(y?, m?, d);
        let near = ["Germany", "France", "EIRE", "Belgium", "Netherlands", "Spain", "Portugal"];
        year.purchases.push(Purchase {
            day,
            minute: (hour? * 60 + minute?) as u16,
            weekday: (day + 3).rem_euclid(7) as u8,
            month_day: d as u8,
            class: event["member"].as_str().map(|id| classes.get(id).copied().unwrap_or(Class::Bronze)),
            near: event["country"].as_str().is_some_and(|country| near.contains(&country)),
            first,
            end: year.lines.len() as u32,
        });
        year.ids.push(event["id"].as_str().ok_or_else(bad)?.to_owned());
    }
    Ok(year)
}

/// The bits of a product; those that depend on the line's amount are cleared or set there.
fn bits(kind: &str, nature: &str, category: &str, parents: &HashMap<String, String>) -> u32 {
    let mut bits = match kind {
        "product" => is::GOODS,
        "delivery" => is::DELIVERY,
        _ => 0,
    };
    if nature == "manual" {
        bits |= is::MANUAL;
    }
    let mut name = Some(category).filter(|name| !name.is_empty());
    while let Some(category) = name {
        bits |= match category {
            "Bags & accessories" => is::BAGS,
            "Lunch bags" => is::LUNCH_BAGS,
            "Christmas" => is::CHRISTMAS,
            "Easter" => is::EASTER,
            "Garden & pets" | "Seasonal" => is::SPRING,
            "Mugs, cups & glass" => is::MUGS,
            "Kitchen & dining" => is::KITCHEN | is::OWN,
            "Home décor" => is::OWN,
            _ => 0,
        };
        name = parents.get(category).map(String::as_str);
    }
    bits
}

/// A decimal as a whole number of 10^-scale.
fn decimal(text: &str, scale: usize) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > scale || whole.is_empty() {
        return None;
    }
    let all = format!("{whole}{fraction:0<scale$}");
    let value =
        if all.bytes().all(|byte| byte.is_ascii_digit()) { all.parse::<i64>().ok()? } else { return None };
    Some(if negative { -value } else { value })
}

/// The rows of a CSV file after its header; quoted fields may hold commas and doubled quotes.
fn rows(text: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    text.lines().skip(1).map(|line| {
        let mut fields = vec![String::new()];
        let mut quoted = false;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let last = fields.len() - 1;
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    fields[last].push('"');
                    chars.next();
                }
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                c => fields[last].push(c),
            }
        }
        fields
    })
}
