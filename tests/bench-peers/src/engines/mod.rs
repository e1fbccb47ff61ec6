//! The engines that perq is measured beside, one file each: how the rules are written for it and how it is asked. What
//! all of them share is here: the receipt as an object, and the sums of lines that are asked of the host.

pub mod cel;
pub mod datalogic;
pub mod grl;
pub mod node;
pub mod regorus;
pub mod rhai;
pub mod roto;
pub mod zen;

use crate::asked::segment;
use perq_tests::workload::text::{CHANNELS, CURRENCIES, PAYMENTS, TIERS};
use perq_tests::workload::{Data, Line, Receipt, Rule};
use serde_json::{Value, json};

/// A rule whose conditions hold, and what its lines come to.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Which.
    pub rule: usize,
    /// Sum of its lines, in hundredths; 0 where a condition does not hold.
    pub amount: i64,
    /// Their pieces, where the rule asks for so many.
    pub pieces: i64,
}

/// An engine with rules in it.
pub trait Peer: Sized {
    /// What the engine takes a receipt as.
    type Record;

    /// Reads the rules.
    ///
    /// # Errors
    /// Where the engine takes no pack of this size.
    fn new(rules: &[Rule]) -> Result<Self, String>;

    /// A receipt as the engine's own value. Not timed: perq is given a packed record too.
    fn record(&self, data: &Data, receipt: &Receipt) -> Self::Record;

    /// The rules whose conditions hold. Thresholds of amounts, awards and groups are the host's, which no peer has all of.
    fn find(&mut self, record: &Self::Record, found: &mut Vec<Found>);
}

/// Fields of a receipt and its member that are words.
pub fn words(receipt: &Receipt) -> [(&'static str, &'static str); 4] {
    [
        ("channel", CHANNELS[usize::from(receipt.channel)]),
        ("tier", TIERS[usize::from(receipt.tier)]),
        ("payment", PAYMENTS[usize::from(receipt.payment)]),
        ("currency", CURRENCIES[usize::from(receipt.currency)]),
    ]
}

/// Fields that are numbers.
pub fn numbers(receipt: &Receipt) -> [(&'static str, i64); 9] {
    [
        ("store", receipt.store.into()),
        ("day", receipt.day.into()),
        ("weekday", receipt.weekday.into()),
        ("hour", receipt.hour.into()),
        ("month", receipt.month.into()),
        ("birth_month", receipt.birth_month.into()),
        ("spent", receipt.spent),
        ("tenure", receipt.tenure().into()),
        ("total", receipt.total),
    ]
}

/// Fields of a line.
pub fn fields(line: &Line) -> [(&'static str, i64); 7] {
    [
        ("sku", line.sku.into()),
        ("department", line.department.into()),
        ("category", line.category.into()),
        ("subcategory", line.subcategory.into()),
        ("brand", line.brand.into()),
        ("pieces", line.pieces.into()),
        ("net", line.net),
    ]
}

/// The member's segments.
pub fn segments(receipt: &Receipt) -> impl Iterator<Item = String> {
    let of = receipt.segments;
    (0..64u8).filter(move |number| of >> number & 1 == 1).map(segment)
}

/// A receipt as one object.
pub fn object(data: &Data, receipt: &Receipt) -> Value {
    let mut object = serde_json::Map::new();
    object.extend(words(receipt).map(|(name, word)| (name.to_owned(), word.into())));
    object.extend(numbers(receipt).map(|(name, number)| (name.to_owned(), number.into())));
    object.insert("segments".to_owned(), segments(receipt).collect::<Vec<_>>().into());
    let lines = data.lines_of(receipt).iter().map(|line| {
        Value::Object(
            fields(line).into_iter().map(|(name, number)| (name.to_owned(), json!(number))).collect(),
        )
    });
    object.insert("lines".to_owned(), lines.collect());
    Value::Object(object)
}
