//! Packs of rules. A family of rules is drawn again until its rules apply about as often as they should, so that a receipt
//! meets about four rules that apply, however many there are.

use super::data::{
    BRANDS, CATEGORIES, DEPARTMENTS, Data, Numbers, Product, SEGMENTS, SKUS, STORES, SUBCATEGORIES, products,
};
use super::naive;

/// Receipts on which it is tried how often rules apply.
const SAMPLE: usize = 20_000;

/// Which lines a rule is about.
#[derive(Clone, Debug)]
pub enum Filter {
    /// All of them.
    Any,
    /// All but those of a department.
    NotDepartment(u16),
    /// Those of a department.
    Department(u16),
    /// Those of a category.
    Category(u16),
    /// Those of a subcategory.
    Subcategory(u16),
    /// Those of a brand.
    Brand(u16),
    /// Those of a brand in a department.
    BrandInDepartment(u16, u16),
    /// Those of these skus, ascending.
    Skus(Vec<u32>),
}

/// What a rule gives.
#[derive(Clone, Copy, Debug)]
pub enum Award {
    /// Points for so many ten-thousandths of the amount.
    ShareInPoints(i64),
    /// So many points for each full unit of the amount.
    PointsPerUnit {
        /// The unit, in hundredths.
        unit: i64,
        /// Whole points.
        points: i64,
    },
    /// Money off: so many ten-thousandths of the amount, and no more than a cap.
    Discount {
        /// Ten-thousandths.
        share: i64,
        /// In hundredths.
        cap: i64,
    },
}

impl Award {
    /// What it comes to, in hundredths, rounded half up.
    #[inline]
    pub fn value(&self, amount: i64) -> i64 {
        match *self {
            Award::ShareInPoints(share) => (amount * share + 5000) / 10_000,
            Award::PointsPerUnit { unit, points } => amount / unit * points * 100,
            Award::Discount { share, cap } => ((amount * share + 5000) / 10_000).min(cap),
        }
    }

    /// Whether it is money off.
    #[inline]
    pub fn is_discount(&self) -> bool {
        matches!(self, Award::Discount { .. })
    }
}

/// Which rule of a group stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// That of the largest value, the first of equals.
    Best,
    /// That of the lowest priority.
    First,
}

/// A rule. What is not there asks nothing.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its number.
    pub id: u32,
    /// One of these channels.
    pub channels: Option<Vec<u8>>,
    /// One of these tiers.
    pub tiers: Option<Vec<u8>>,
    /// One of these payments.
    pub payments: Option<Vec<u8>>,
    /// This currency.
    pub currency: Option<u8>,
    /// One of these segments at least.
    pub in_segments: Option<Vec<u8>>,
    /// None of these segments.
    pub outside_segments: Option<Vec<u8>>,
    /// One of these weekdays.
    pub weekdays: Option<Vec<u8>>,
    /// From the first hour until the second.
    pub hours: Option<(u8, u8)>,
    /// One of these stores, ascending.
    pub stores: Option<Vec<u16>>,
    /// From the first day through the second.
    pub days: Option<(u16, u16)>,
    /// In the month of the member's birthday.
    pub birthday_month: bool,
    /// The member has spent so much.
    pub least_spent: Option<i64>,
    /// The member has been one for so many days.
    pub least_tenure: Option<i32>,
    /// The receipt comes to so much.
    pub least_total: Option<i64>,
    /// Which lines.
    pub filter: Filter,
    /// They come to so much.
    pub least_amount: Option<i64>,
    /// They are so many pieces.
    pub least_pieces: Option<i64>,
    /// What it gives.
    pub award: Award,
    /// Of a group, one rule stays.
    pub group: Option<u32>,
    /// Which.
    pub mode: Mode,
    /// Within the group; the lowest comes first.
    pub priority: u32,
}

impl Rule {
    fn new(award: Award) -> Rule {
        Rule {
            id: 0,
            channels: None,
            tiers: None,
            payments: None,
            currency: None,
            in_segments: None,
            outside_segments: None,
            weekdays: None,
            hours: None,
            stores: None,
            days: None,
            birthday_month: false,
            least_spent: None,
            least_tenure: None,
            least_total: None,
            filter: Filter::Any,
            least_amount: None,
            least_pieces: None,
            award,
            group: None,
            mode: Mode::Best,
            priority: 0,
        }
    }
}

/// The products, and those of each subcategory and brand.
struct Assortment {
    products: Vec<Product>,
    of_subcategory: Vec<Vec<u32>>,
    of_brand: Vec<Vec<u32>>,
}

impl Assortment {
    fn new() -> Assortment {
        let products = products();
        let mut of_subcategory = vec![Vec::new(); SUBCATEGORIES];
        let mut of_brand = vec![Vec::new(); BRANDS];
        for (sku, product) in (0u32..).zip(&products) {
            of_subcategory[usize::from(product.subcategory)].push(sku);
            of_brand[usize::from(product.brand)].push(sku);
        }
        Assortment { products, of_subcategory, of_brand }
    }

    fn any(&self, numbers: &mut Numbers) -> &Product {
        &self.products[numbers.index(SKUS)]
    }

    /// Articles on a list: half of the lists have a theme.
    fn list(&self, numbers: &mut Numbers) -> Vec<u32> {
        let size = numbers.logarithmic(500) as usize;
        let mut skus: Vec<u32> = Vec::new();
        if numbers.percent(50) {
            let theme = usize::from(self.any(numbers).subcategory);
            skus.extend(self.of_subcategory[theme].iter().take(size));
        } else if numbers.percent(50) {
            let theme = usize::from(self.any(numbers).brand);
            skus.extend(self.of_brand[theme].iter().take(size));
        }
        while skus.len() < size {
            let sku = numbers.index(SKUS) as u32;
            if !skus.contains(&sku) {
                skus.push(sku);
            }
        }
        skus.sort_unstable();
        skus
    }
}

/// From one to `most` of so many values.
fn some(numbers: &mut Numbers, count: usize, most: i64) -> Vec<u8> {
    let size = numbers.range(1, most) as usize;
    numbers.subset(count, size).into_iter().map(|value| value as u8).collect()
}

/// What the rules of a family have in common.
fn theme(numbers: &mut Numbers, assortment: &Assortment) -> Rule {
    let mut rule = Rule::new(Award::ShareInPoints(100));
    let conditions = 1 + numbers.index(7);
    for condition in numbers.subset(14, conditions) {
        match condition {
            0 => rule.channels = Some(some(numbers, 4, 3)),
            1 => rule.tiers = Some(some(numbers, 4, 3)),
            2 => rule.payments = Some(some(numbers, 6, 3)),
            3 => rule.currency = Some(numbers.below(3) as u8),
            4 | 13 => rule.in_segments = Some(some(numbers, SEGMENTS, 4)),
            5 => rule.outside_segments = Some(some(numbers, SEGMENTS, 2)),
            6 => rule.weekdays = Some(some(numbers, 7, 5)),
            7 => {
                let from = numbers.range(0, 20) as u8;
                rule.hours = Some((from, (from + numbers.range(2, 10) as u8).min(24)));
            }
            8 => {
                let size = numbers.logarithmic(250) as usize;
                let stores = numbers.subset(STORES, size).into_iter().map(|store| store as u16);
                rule.stores = Some(stores.collect());
            }
            9 => {
                let from = numbers.range(0, 358) as u16;
                rule.days = Some((from, (from + numbers.range(6, 120) as u16).min(364)));
            }
            10 => match numbers.below(3) {
                0 => rule.birthday_month = true,
                1 => rule.least_spent = Some(numbers.logarithmic(2_000_000) as i64 / 100 * 100),
                _ => rule.least_tenure = Some(numbers.range(30, 3000) as i32),
            },
            11 => rule.least_total = Some(numbers.range(10, 400) * 50),
            _ => {
                let from = numbers.range(0, 335) as u16;
                rule.days = Some((from, from + 29));
            }
        }
    }
    rule.filter = match numbers.below(100) {
        0..35 => Filter::Skus(assortment.list(numbers)),
        35..45 => Filter::Department(numbers.index(DEPARTMENTS) as u16),
        45..55 => Filter::Category(numbers.index(CATEGORIES) as u16),
        55..62 => Filter::Subcategory(numbers.index(SUBCATEGORIES) as u16),
        62..75 => Filter::Brand(numbers.index(BRANDS) as u16),
        75..80 => {
            let product = assortment.any(numbers);
            Filter::BrandInDepartment(product.brand, product.department)
        }
        80..92 => Filter::Any,
        _ => Filter::NotDepartment(numbers.index(DEPARTMENTS) as u16),
    };
    rule
}

/// What differs between the rules of a family.
fn tail(numbers: &mut Numbers, rule: &mut Rule, kind: u64) {
    match numbers.below(100) {
        0..35 => rule.least_amount = Some(numbers.range(10, 200) * 50),
        35..50 => rule.least_pieces = Some(numbers.range(2, 6)),
        _ => {}
    }
    rule.award = match kind {
        0..35 => Award::ShareInPoints(numbers.range(4, 80) * 25),
        35..65 => Award::PointsPerUnit { unit: numbers.range(1, 20) * 100, points: numbers.range(1, 20) },
        _ => Award::Discount { share: numbers.range(4, 100) * 50, cap: numbers.range(4, 100) * 50 },
    };
}

/// So many rules; rule 0 is a point for each whole unit of money, for everybody.
pub fn equal_matches(count: usize) -> Vec<Rule> {
    let sample = super::data::receipts(SAMPLE);
    let assortment = Assortment::new();
    let mut numbers = Numbers(0x5eed_0000 + count as u64);
    let mut rules = vec![Rule::new(Award::PointsPerUnit { unit: 100, points: 1 })];
    let mut group = 0;
    while rules.len() < count {
        // Applications in a million receipts, spread widely about the mean.
        let mean = 4_000_000 / count as u64;
        let target = (mean * [10, 20, 40, 70, 110, 180, 270][numbers.index(7)] / 100).min(800_000);
        let kind = numbers.below(100);
        let size = if numbers.percent(40) { 1 } else { numbers.range(2, 5) as usize };
        let size = size.min(count - rules.len());
        let family = loop {
            let family = family(&mut numbers, &assortment, kind, size, group);
            if applies_as_often(&family, &sample, target) {
                break family;
            }
        };
        group += u32::from(size > 1);
        for rule in family {
            rules.push(Rule { id: rules.len() as u32, ..rule });
        }
    }
    rules
}

/// So many rules as they are drawn, however often they apply.
pub fn drawn(count: usize) -> Vec<Rule> {
    let assortment = Assortment::new();
    let mut numbers = Numbers(count as u64);
    let mut rules = vec![Rule::new(Award::PointsPerUnit { unit: 100, points: 1 })];
    for group in 0.. {
        let size = numbers.range(1, 5) as usize;
        let kind = numbers.below(100);
        for rule in family(&mut numbers, &assortment, kind, size, group) {
            if rules.len() == count {
                return rules;
            }
            rules.push(Rule { id: rules.len() as u32, ..rule });
        }
    }
    rules
}

fn family(numbers: &mut Numbers, assortment: &Assortment, kind: u64, size: usize, group: u32) -> Vec<Rule> {
    let theme = theme(numbers, assortment);
    let mode = if numbers.percent(60) { Mode::Best } else { Mode::First };
    let member = |at: usize| {
        let mut rule = theme.clone();
        tail(numbers, &mut rule, kind);
        if size > 1 {
            if at > 0 && numbers.percent(30) {
                rule.tiers = Some(some(numbers, 4, 3));
            }
            rule.group = Some(group);
            rule.mode = mode;
            rule.priority = [3, 0, 2, 4, 1][at];
        }
        rule
    };
    (0..size).map(member).collect()
}

/// Whether rules apply about so often in a million receipts, each: within a factor of 1.6 over the sample, and after
/// parts of it not so far from it that the rest need not be looked at.
fn applies_as_often(family: &[Rule], sample: &Data, target: u64) -> bool {
    let (mut hits, mut seen) = (0u64, 0usize);
    for stage in [200, 1000, 4000, SAMPLE] {
        for receipt in &sample.receipts[seen..stage] {
            let lines = sample.lines_of(receipt);
            hits += family.iter().filter(|rule| naive::value(rule, receipt, lines) > 0).count() as u64;
        }
        seen = stage;
        let expected = target * seen as u64 * family.len() as u64;
        let found = hits * 1_000_000;
        let slack = if seen == SAMPLE { 0 } else { 6_000_000 };
        if found > expected * 16 / 10 + slack || found + slack < expected * 10 / 16 {
            return false;
        }
    }
    true
}
