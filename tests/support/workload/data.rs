//! Products, members and receipts, as functions of fixed seeds.

/// Products.
pub const SKUS: usize = 10_000;
/// Departments, each with categories, each with subcategories.
pub const DEPARTMENTS: usize = 20;
/// Categories, eight in each department.
pub const CATEGORIES: usize = 160;
/// Subcategories, five in each category.
pub const SUBCATEGORIES: usize = 800;
/// Brands.
pub const BRANDS: usize = 500;
/// Stores.
pub const STORES: usize = 500;
/// Segments of members.
pub const SEGMENTS: usize = 64;
/// Days of the year, which begins on a Wednesday.
pub const DAYS: usize = 365;
/// Receipts of a whole run.
pub const RECEIPTS: usize = 100_000;
const MEMBERS: usize = 20_000;
const MONTHS: [u16; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// SplitMix64, with the draws of the workload.
#[derive(Clone, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to less than `count`, all alike.
    pub fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }

    /// The same as an index.
    pub fn index(&mut self, count: usize) -> usize {
        self.below(count as u64) as usize
    }

    /// From `low` through `high`, all alike.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// Whether something happens that does so often in a hundred times.
    pub fn percent(&mut self, often: u64) -> bool {
        self.below(100) < often
    }

    /// From 1 through `most`, small ones more often: first how many bits, then which.
    pub fn logarithmic(&mut self, most: u64) -> u64 {
        let bits = u64::from(u64::BITS - most.leading_zeros());
        loop {
            let low = 1u64 << self.below(bits);
            let value = low + self.below(low);
            if value <= most {
                return value;
            }
        }
    }

    /// So many different numbers below `count`, ascending.
    pub fn subset(&mut self, count: usize, size: usize) -> Vec<usize> {
        let mut chosen = Vec::with_capacity(size);
        while chosen.len() < size.min(count) {
            let next = self.index(count);
            if !chosen.contains(&next) {
                chosen.push(next);
            }
        }
        chosen.sort_unstable();
        chosen
    }
}

/// Ranks of which the first are picked more often.
struct Ranks(Vec<u64>);

impl Ranks {
    /// Rank r weighs a million by r and `shift`.
    fn new(count: usize, shift: u64) -> Ranks {
        let mut sum = 0;
        let weights = (0..count as u64).map(|rank| {
            sum += 1_000_000 / (rank + shift);
            sum
        });
        Ranks(weights.collect())
    }

    fn pick(&self, numbers: &mut Numbers) -> usize {
        let at = numbers.below(self.0.last().copied().unwrap_or(1));
        self.0.partition_point(|weight| *weight <= at)
    }
}

/// A product.
#[derive(Clone, Debug)]
pub struct Product {
    /// Of [`DEPARTMENTS`].
    pub department: u16,
    /// Of [`CATEGORIES`].
    pub category: u16,
    /// Of [`SUBCATEGORIES`].
    pub subcategory: u16,
    /// Of [`BRANDS`].
    pub brand: u16,
    price: i64,
}

/// A line of a receipt.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// What is paid for it, in hundredths.
    pub net: i64,
    /// Of [`SKUS`].
    pub sku: u32,
    /// Pieces.
    pub pieces: i32,
    /// Of its product.
    pub department: u16,
    /// Of its product.
    pub category: u16,
    /// Of its product.
    pub subcategory: u16,
    /// Of its product.
    pub brand: u16,
}

/// A receipt, with what is known of its member.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    /// One bit for each segment of the member.
    pub segments: u64,
    /// What the member has spent, in hundredths.
    pub spent: i64,
    /// Sum of the lines.
    pub total: i64,
    first_line: usize,
    line_count: usize,
    /// The member's number.
    pub member: u32,
    /// When the member joined, in days from the beginning of the year.
    pub joined: i32,
    /// Of [`STORES`].
    pub store: u16,
    /// Of the year, from 0.
    pub day: u16,
    /// Of [`super::text::CHANNELS`].
    pub channel: u8,
    /// Of [`super::text::PAYMENTS`].
    pub payment: u8,
    /// Of [`super::text::CURRENCIES`].
    pub currency: u8,
    /// Of [`super::text::TIERS`].
    pub tier: u8,
    /// Monday is 0.
    pub weekday: u8,
    /// Of the day.
    pub hour: u8,
    /// Of the hour.
    pub minute: u8,
    /// Of the minute.
    pub second: u8,
    /// From 1.
    pub month: u8,
    /// Of the member's birthday, from 1.
    pub birth_month: u8,
    /// Of the member's birthday, from 1.
    pub birth_day: u8,
}

impl Receipt {
    /// Days for which the member has been one.
    pub fn tenure(&self) -> i32 {
        i32::from(self.day) - self.joined
    }
}

/// Receipts and their lines.
#[derive(Debug, Default)]
pub struct Data {
    /// The receipts.
    pub receipts: Vec<Receipt>,
    lines: Vec<Line>,
}

impl Data {
    /// The lines of a receipt.
    #[inline]
    pub fn lines_of(&self, receipt: &Receipt) -> &[Line] {
        &self.lines[receipt.first_line..receipt.first_line + receipt.line_count]
    }

    /// The first receipt, with so many lines in place of its own.
    pub fn of_length(&self, lines: usize) -> Data {
        let lines: Vec<Line> = self.lines.iter().cycle().take(lines).copied().collect();
        let total = lines.iter().map(|line| line.net).sum();
        let first = self.receipts.first().map(|first| Receipt {
            total,
            first_line: 0,
            line_count: lines.len(),
            ..*first
        });
        Data { receipts: first.into_iter().collect(), lines }
    }
}

/// All products, by sku.
pub fn products() -> Vec<Product> {
    let mut numbers = Numbers(0xa11ce);
    let ranks = Ranks::new(SUBCATEGORIES, 40);
    let product = |_| {
        // Which subcategories are large has nothing to do with their numbers.
        let subcategory = ranks.pick(&mut numbers) * 397 % SUBCATEGORIES;
        let category = subcategory / 5;
        let department = category / 8;
        let brand = (department * 25 + numbers.index(40)) % BRANDS;
        // Prices end with a nine.
        let price = (numbers.logarithmic(6000) as i64 + 39) / 10 * 10 + 9;
        Product {
            department: department as u16,
            category: category as u16,
            subcategory: subcategory as u16,
            brand: brand as u16,
            price,
        }
    };
    (0..SKUS).map(product).collect()
}

struct Member {
    tier: u8,
    segments: u64,
    joined: i32,
    birth_month: u8,
    birth_day: u8,
    spent: i64,
}

/// The first of the numbers under whose bound a draw of a hundred lies.
fn share(draw: u64, bounds: &[u64]) -> u8 {
    bounds.iter().take_while(|bound| draw >= **bound).count() as u8
}

fn members(numbers: &mut Numbers) -> Vec<Member> {
    let ranks = Ranks::new(SEGMENTS, 6);
    let member = |_| {
        let tier = share(numbers.below(100), &[60, 85, 96]);
        let mut segments = 0u64;
        for _ in 0..numbers.below(9) {
            segments |= 1 << ranks.pick(numbers);
        }
        let birth_month = numbers.range(1, 12) as u8;
        let birth_day = numbers.range(1, i64::from(MONTHS[usize::from(birth_month) - 1])) as u8;
        let visits = numbers.logarithmic(2000) as i64;
        let joined = -(numbers.range(0, 3650) as i32);
        let spent = visits * numbers.range(500, 9000);
        Member { tier, segments, joined, birth_month, birth_day, spent }
    };
    (0..MEMBERS).map(member).collect()
}

fn line(numbers: &mut Numbers, ranks: &Ranks, products: &[Product]) -> Line {
    // Which products sell has nothing to do with their numbers.
    let sku = ranks.pick(numbers) * 7919 % SKUS;
    let product = &products[sku];
    let draw = numbers.below(100);
    let pieces = match draw {
        0..75 => 1,
        75..90 => 2,
        _ => 3 + numbers.below(6) as i32,
    };
    let gross = product.price * i64::from(pieces);
    // A tenth of the lines was marked down before.
    let net = if numbers.percent(10) { gross - gross * numbers.range(5, 40) / 100 } else { gross };
    Line {
        net,
        sku: sku as u32,
        pieces,
        department: product.department,
        category: product.category,
        subcategory: product.subcategory,
        brand: product.brand,
    }
}

/// The first so many receipts.
pub fn receipts(count: usize) -> Data {
    let products = products();
    let mut numbers = Numbers(0xbeef);
    let members = members(&mut numbers);
    let (sku_ranks, store_ranks) = (Ranks::new(SKUS, 50), Ranks::new(STORES, 60));
    let mut data = Data { receipts: Vec::with_capacity(count), lines: Vec::new() };
    for _ in 0..count {
        let member = numbers.index(MEMBERS);
        let day = numbers.below(DAYS as u64) as u16;
        let hour = match numbers.below(100) {
            0..4 => numbers.below(7),
            4..50 => 7 + numbers.below(8),
            50..92 => 15 + numbers.below(6),
            _ => 21 + numbers.below(3),
        } as u8;
        let (minute, second) = (numbers.below(60) as u8, numbers.below(60) as u8);
        let channel = share(numbers.below(100), &[62, 80, 95]);
        let payment = share(numbers.below(100), &[20, 50, 80, 93, 98]);
        let currency = share(numbers.below(100), &[85, 95]);
        let first_line = data.lines.len();
        let line_count = 1 + ((numbers.below(1 << 16) * numbers.below(1 << 16) * 40) >> 32) as usize;
        data.lines.extend((0..line_count).map(|_| line(&mut numbers, &sku_ranks, &products)));
        let total = data.lines[first_line..].iter().map(|line| line.net).sum();
        let (mut month, mut rest) = (1, day);
        for days in MONTHS {
            if rest < days {
                break;
            }
            rest -= days;
            month += 1;
        }
        let of = &members[member];
        data.receipts.push(Receipt {
            segments: of.segments,
            spent: of.spent,
            total,
            first_line,
            line_count,
            member: member as u32,
            joined: of.joined,
            store: store_ranks.pick(&mut numbers) as u16,
            day,
            channel,
            payment,
            currency,
            tier: of.tier,
            weekday: ((day + 2) % 7) as u8,
            hour,
            minute,
            second,
            month,
            birth_month: of.birth_month,
            birth_day: of.birth_day,
        });
    }
    data
}
