//! The workload's meaning, written for speed: the best that was found by hand for one receipt at a time.
//!
//! * A rule is a position. Each value of an attribute owns a row of bits: the rules that accept it. Anded, the rows of a
//!   receipt leave the rules whose conditions hold; amounts fall into 64 buckets and are asked again.
//! * Each product owns the words of bits of the rules whose filter it matches, worked out when it is first met. A line
//!   costs one look, and adds to the sums of the rules that are left.
//! * Rules on the whole basket stand last and are what is left of the mask there.

use super::Outcome;
use super::data::{DAYS, Data, Line, Receipt, SKUS, STORES};
use super::packs::{Award, Filter, Mode, Rule};
use std::collections::BTreeMap;

/// Words that are worked on together.
const WIDTH: usize = 8;
type Block = [u64; WIDTH];

/// Rows of bits.
#[derive(Debug)]
struct Rows {
    blocks: usize,
    bits: Vec<Block>,
}

impl Rows {
    fn new(count: usize, blocks: usize) -> Rows {
        Rows { blocks, bits: vec![[0; WIDTH]; count * blocks] }
    }
    fn set(&mut self, row: usize, position: usize) {
        let word = position / 64;
        self.bits[row * self.blocks + word / WIDTH][word % WIDTH] |= 1 << (position % 64);
    }
    #[inline]
    fn row(&self, row: usize) -> &[Block] {
        &self.bits[row * self.blocks..][..self.blocks]
    }
}

/// Thresholds, of which each value has reached so many.
#[derive(Debug)]
struct Buckets(Vec<i64>);

impl Buckets {
    const MOST: usize = 63;
    fn new(thresholds: impl Iterator<Item = i64>) -> Buckets {
        let mut all: Vec<i64> = thresholds.collect();
        all.sort_unstable();
        all.dedup();
        if all.len() <= Buckets::MOST {
            return Buckets(all);
        }
        Buckets((0..Buckets::MOST).map(|at| all[at * all.len() / Buckets::MOST]).collect())
    }
    #[inline]
    fn of(&self, value: i64) -> usize {
        self.0.partition_point(|threshold| *threshold <= value)
    }
}

/// What is left of a rule when its bits have been asked.
#[derive(Clone, Copy, Debug)]
struct Rest {
    id: u32,
    award: Award,
    least_amount: i64,
    least_pieces: i64,
    least_spent: i64,
    least_total: i64,
    least_tenure: i32,
    /// `u32::MAX` where it has none.
    group: u32,
    priority: u32,
    first: bool,
    /// The department that a rule on the basket leaves out.
    without: Option<u16>,
}

/// The words of bits of a product, in `words` and `bits`.
#[derive(Clone, Copy, Debug)]
struct Known {
    start: u32,
    end: u32,
}

/// The index.
#[derive(Debug)]
pub struct Index {
    channels: Rows,
    tiers: Rows,
    payments: Rows,
    currencies: Rows,
    /// By weekday and hour.
    hours: Rows,
    stores: Rows,
    days: Rows,
    birthdays: Rows,
    /// By segment; the last holds the rules that need none.
    segments: Rows,
    outside: Rows,
    spent: Rows,
    tenure: Rows,
    total: Rows,
    spent_buckets: Buckets,
    tenure_buckets: Buckets,
    total_buckets: Buckets,
    /// By position; there are gaps.
    rules: Vec<Option<Rest>>,
    /// Where the rules on the whole basket begin.
    basket: usize,
    /// Positions by filter.
    of_sku: Vec<Vec<u32>>,
    of_filter: BTreeMap<(u8, u16, u16), Vec<u32>>,
    /// By sku, once it was met.
    known: Vec<Option<Known>>,
    words: Vec<u32>,
    bits: Vec<u64>,
    // What one receipt needs.
    mask: Vec<Block>,
    sums: Vec<(i64, i64)>,
    touched: Vec<u32>,
    /// By group: the best value so far, and one more than its position.
    best: Vec<(i64, u32)>,
    groups: Vec<u32>,
}

/// Rules with one filter stand together: skus first, then by attribute, the whole basket last.
fn place(filter: &Filter) -> (u8, u16, u16) {
    match filter {
        Filter::Skus(_) => (0, 0, 0),
        Filter::Department(department) => (1, *department, 0),
        Filter::Category(category) => (2, *category, 0),
        Filter::Subcategory(subcategory) => (3, *subcategory, 0),
        Filter::Brand(brand) => (4, *brand, 0),
        Filter::BrandInDepartment(brand, department) => (5, *brand, *department),
        Filter::Any | Filter::NotDepartment(_) => (6, 0, 0),
    }
}

impl Index {
    /// Of these rules.
    pub fn new(rules: &[Rule]) -> Index {
        let mut placed: Vec<((u8, u16, u16), &Rule)> =
            rules.iter().map(|rule| (place(&rule.filter), rule)).collect();
        placed.sort_by_key(|(place, rule)| (*place, rule.id));
        let mut positions = Vec::with_capacity(placed.len());
        let mut next = 0usize;
        for alike in placed.chunk_by(|a, b| a.0 == b.0) {
            // The rules of a filter share a word where they fit into one.
            let straddles = next % 64 + alike.len().min(64) > 64;
            if (1..6).contains(&alike[0].0.0) && straddles {
                next = next.next_multiple_of(64);
            }
            positions.extend(next..next + alike.len());
            next += alike.len();
        }
        let basket = placed.iter().position(|(place, _)| place.0 == 6).map_or(next, |first| positions[first]);
        let blocks = next.div_ceil(64 * WIDTH);
        let rows = |count| Rows::new(count, blocks);
        let groups = rules.iter().filter_map(|rule| rule.group).max().map_or(0, |last| last as usize + 1);
        let mut index = Index {
            channels: rows(4),
            tiers: rows(4),
            payments: rows(6),
            currencies: rows(3),
            hours: rows(7 * 24),
            stores: rows(STORES),
            days: rows(DAYS),
            birthdays: rows(2),
            segments: rows(65),
            outside: rows(64),
            spent: rows(64),
            tenure: rows(64),
            total: rows(64),
            spent_buckets: Buckets::new(rules.iter().filter_map(|rule| rule.least_spent)),
            tenure_buckets: Buckets::new(rules.iter().filter_map(|rule| rule.least_tenure.map(i64::from))),
            total_buckets: Buckets::new(rules.iter().filter_map(|rule| rule.least_total)),
            rules: vec![None; next],
            basket,
            of_sku: vec![Vec::new(); SKUS],
            of_filter: BTreeMap::new(),
            known: vec![None; SKUS],
            words: Vec::new(),
            bits: Vec::new(),
            mask: vec![[0; WIDTH]; blocks],
            sums: vec![(0, 0); basket],
            touched: Vec::new(),
            best: vec![(0, 0); groups],
            groups: Vec::new(),
        };
        for ((place, rule), position) in placed.into_iter().zip(positions) {
            index.add(place, rule, position);
        }
        index
    }

    fn add(&mut self, place: (u8, u16, u16), rule: &Rule, position: usize) {
        fn accept(rows: &mut Rows, values: Option<&Vec<u8>>, count: u8, position: usize) {
            let all: Vec<u8> = (0..count).collect();
            values.unwrap_or(&all).iter().for_each(|value| rows.set(usize::from(*value), position));
        }
        accept(&mut self.channels, rule.channels.as_ref(), 4, position);
        accept(&mut self.tiers, rule.tiers.as_ref(), 4, position);
        accept(&mut self.payments, rule.payments.as_ref(), 6, position);
        accept(&mut self.currencies, rule.currency.map(|currency| vec![currency]).as_ref(), 3, position);
        let (from, until) = rule.hours.unwrap_or((0, 24));
        let week: Vec<u8> = (0..7).collect();
        for weekday in rule.weekdays.as_ref().unwrap_or(&week) {
            (from..until)
                .for_each(|hour| self.hours.set(usize::from(*weekday) * 24 + usize::from(hour), position));
        }
        match &rule.stores {
            None => (0..STORES).for_each(|store| self.stores.set(store, position)),
            Some(stores) => stores.iter().for_each(|store| self.stores.set(usize::from(*store), position)),
        }
        let (first, last) = rule.days.unwrap_or((0, DAYS as u16 - 1));
        (first..=last).for_each(|day| self.days.set(usize::from(day), position));
        self.birthdays.set(1, position);
        if !rule.birthday_month {
            self.birthdays.set(0, position);
        }
        let none = vec![64];
        accept(&mut self.segments, Some(rule.in_segments.as_ref().unwrap_or(&none)), 0, position);
        accept(&mut self.outside, Some(rule.outside_segments.as_ref().unwrap_or(&Vec::new())), 0, position);
        for (rows, buckets, least) in [
            (&mut self.spent, &self.spent_buckets, rule.least_spent),
            (&mut self.tenure, &self.tenure_buckets, rule.least_tenure.map(i64::from)),
            (&mut self.total, &self.total_buckets, rule.least_total),
        ] {
            let first = least.map_or(0, |least| buckets.of(least));
            (first..64).for_each(|bucket| rows.set(bucket, position));
        }
        match &rule.filter {
            Filter::Skus(skus) => {
                skus.iter().for_each(|sku| self.of_sku[*sku as usize].push(position as u32));
            }
            Filter::Any | Filter::NotDepartment(_) => {}
            Filter::Department(_)
            | Filter::Category(_)
            | Filter::Subcategory(_)
            | Filter::Brand(_)
            | Filter::BrandInDepartment(..) => {
                self.of_filter.entry(place).or_default().push(position as u32);
            }
        }
        self.rules[position] = Some(Rest {
            id: rule.id,
            award: rule.award,
            least_amount: rule.least_amount.unwrap_or(1),
            least_pieces: rule.least_pieces.unwrap_or(0),
            least_spent: rule.least_spent.unwrap_or(i64::MIN),
            least_total: rule.least_total.unwrap_or(i64::MIN),
            least_tenure: rule.least_tenure.unwrap_or(i32::MIN),
            group: rule.group.unwrap_or(u32::MAX),
            priority: rule.priority,
            first: rule.mode == Mode::First,
            without: match rule.filter {
                Filter::NotDepartment(department) => Some(department),
                Filter::Any
                | Filter::Department(_)
                | Filter::Category(_)
                | Filter::Subcategory(_)
                | Filter::Brand(_)
                | Filter::BrandInDepartment(..)
                | Filter::Skus(_) => None,
            },
        });
    }

    /// Works out which rules a product is for.
    #[cold]
    fn meet(&mut self, line: &Line) -> Known {
        let mut words: BTreeMap<u32, u64> = BTreeMap::new();
        let mut add = |positions: &[u32]| {
            for position in positions {
                *words.entry(position / 64).or_default() |= 1 << (position % 64);
            }
        };
        add(&self.of_sku[line.sku as usize]);
        for place in [
            (1, line.department, 0),
            (2, line.category, 0),
            (3, line.subcategory, 0),
            (4, line.brand, 0),
            (5, line.brand, line.department),
        ] {
            add(self.of_filter.get(&place).map_or(&[][..], |positions| positions));
        }
        let start = self.words.len() as u32;
        self.words.extend(words.keys());
        self.bits.extend(words.values());
        let known = Known { start, end: self.words.len() as u32 };
        self.known[line.sku as usize] = Some(known);
        known
    }

    fn fill_mask(&mut self, receipt: &Receipt) {
        let hour = usize::from(receipt.weekday) * 24 + usize::from(receipt.hour);
        let rows = [
            self.stores.row(usize::from(receipt.store)),
            self.days.row(usize::from(receipt.day)),
            self.hours.row(hour),
            self.channels.row(usize::from(receipt.channel)),
            self.tiers.row(usize::from(receipt.tier)),
            self.payments.row(usize::from(receipt.payment)),
            self.currencies.row(usize::from(receipt.currency)),
            self.birthdays.row(usize::from(receipt.birth_month == receipt.month)),
            self.spent.row(self.spent_buckets.of(receipt.spent)),
            self.tenure.row(self.tenure_buckets.of(i64::from(receipt.tenure()))),
            self.total.row(self.total_buckets.of(receipt.total)),
        ];
        let free = self.segments.row(64);
        let blocks = self.mask.len();
        for (block, place) in self.mask.iter_mut().enumerate() {
            let mut left = rows[0][block];
            for row in &rows[1..] {
                left.iter_mut().zip(&row[block]).for_each(|(left, row)| *left &= row);
            }
            if left.iter().fold(0, |all, word| all | word) != 0 {
                let (mut inside, mut outside) = (free[block], [0u64; WIDTH]);
                let mut segments = receipt.segments;
                while segments != 0 {
                    let at = segments.trailing_zeros() as usize * blocks + block;
                    segments &= segments - 1;
                    let (lets_in, bars) = (&self.segments.bits[at], &self.outside.bits[at]);
                    for word in 0..WIDTH {
                        inside[word] |= lets_in[word];
                        outside[word] |= bars[word];
                    }
                }
                for word in 0..WIDTH {
                    left[word] &= inside[word] & !outside[word];
                }
            }
            *place = left;
        }
    }

    /// Decides one receipt.
    pub fn decide(&mut self, data: &Data, receipt: usize, out: &mut Outcome) {
        let receipt = &data.receipts[receipt];
        let lines = data.lines_of(receipt);
        let start = out.fired.len();
        let mut given = (0i64, 0i64);
        self.fill_mask(receipt);
        let mut pieces = 0i64;
        for line in lines {
            pieces += i64::from(line.pieces);
            let known = match self.known[line.sku as usize] {
                Some(known) => known,
                None => self.meet(line),
            };
            let mask = self.mask.as_flattened();
            let known = known.start as usize..known.end as usize;
            for (word, bits) in self.words[known.clone()].iter().zip(&self.bits[known]) {
                let mut left = mask[*word as usize] & bits;
                while left != 0 {
                    let position = *word * 64 + left.trailing_zeros();
                    left &= left - 1;
                    let sum = &mut self.sums[position as usize];
                    if sum.1 == 0 {
                        self.touched.push(position);
                    }
                    sum.0 += line.net;
                    sum.1 += i64::from(line.pieces);
                }
            }
        }
        let mut touched = std::mem::take(&mut self.touched);
        for position in touched.drain(..) {
            let sum = std::mem::take(&mut self.sums[position as usize]);
            self.give(position as usize, receipt, sum, &mut given, &mut out.fired);
        }
        self.touched = touched;
        let mut keep = !0u64 << (self.basket % 64);
        for word in self.basket / 64..self.mask.len() * WIDTH {
            let mut left = self.mask.as_flattened()[word] & keep;
            keep = !0;
            while left != 0 {
                let position = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let mut sum = (receipt.total, pieces);
                if let Some(without) = self.rules[position].as_ref().and_then(|rule| rule.without) {
                    for line in lines.iter().filter(|line| line.department == without) {
                        sum.0 -= line.net;
                        sum.1 -= i64::from(line.pieces);
                    }
                }
                self.give(position, receipt, sum, &mut given, &mut out.fired);
            }
        }
        for group in self.groups.drain(..) {
            let (value, position) = std::mem::take(&mut self.best[group as usize]);
            if let Some(rule) = &self.rules[position as usize - 1] {
                if rule.award.is_discount() {
                    given.1 += value
                } else {
                    given.0 += value
                }
                out.fired.push(rule.id);
            }
        }
        out.fired[start..].sort_unstable();
        out.close(given.0, given.1);
    }

    #[inline]
    fn give(
        &mut self,
        position: usize,
        receipt: &Receipt,
        (amount, pieces): (i64, i64),
        given: &mut (i64, i64),
        fired: &mut Vec<u32>,
    ) {
        let Some(rule) = &self.rules[position] else { return };
        if amount < rule.least_amount
            || pieces < rule.least_pieces
            || receipt.spent < rule.least_spent
            || receipt.total < rule.least_total
            || receipt.tenure() < rule.least_tenure
        {
            return;
        }
        let value = rule.award.value(amount);
        if value <= 0 {
            return;
        }
        if rule.group == u32::MAX {
            if rule.award.is_discount() {
                given.1 += value
            } else {
                given.0 += value
            }
            fired.push(rule.id);
            return;
        }
        let best = self.best[rule.group as usize];
        let better = match best.1.checked_sub(1).and_then(|best| self.rules[best as usize].as_ref()) {
            None => {
                self.groups.push(rule.group);
                true
            }
            Some(other) if rule.first => rule.priority < other.priority,
            Some(other) => value > best.0 || (value == best.0 && rule.id < other.id),
        };
        if better {
            self.best[rule.group as usize] = (value, position as u32 + 1);
        }
    }
}
