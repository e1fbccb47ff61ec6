//! What a comparison found, as data: for renderers and, as JSON, for other programs. Its schema is published,
//! `schema/diff.schema.json`.
//!
//! Amounts are whole numbers with their digits, written as exact decimals. Refuses to know terminals and pages.

use crate::decimal;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The JSON Schema of a report's JSON.
pub const DIFF_SCHEMA: &str = include_str!("../../schema/diff.schema.json");

/// An amount on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Of the old program.
    pub before: i128,
    /// Of the new one.
    pub after: i128,
    /// Digits behind the point.
    pub decimals: u8,
}

impl Change {
    /// New less old.
    pub fn difference(&self) -> i128 {
        self.after.saturating_sub(self.before)
    }

    /// Whether the sides are the same.
    pub fn is_same(&self) -> bool {
        self.before == self.after
    }

    /// An amount in its digits.
    pub fn print(&self, amount: i128) -> String {
        decimal::print(amount, self.decimals)
    }

    fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("before", &self.print(self.before))?;
        map.serialize_entry("after", &self.print(self.after))?;
        map.serialize_entry("difference", &self.print(self.difference()))
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        self.fields(&mut map)?;
        map.end()
    }
}

/// A count on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Of the old program.
    pub before: u64,
    /// Of the new one.
    pub after: u64,
}

/// An exact amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact {
    /// The number.
    pub amount: i128,
    /// Digits behind the point.
    pub decimals: u8,
}

impl std::fmt::Display for Exact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&decimal::print(self.amount, self.decimals))
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The program before.
    pub old: SideReport,
    /// The program after.
    pub new: SideReport,
    /// The currency of money.
    pub currency: String,
    /// The first and the last local day of the events.
    pub period: Option<Period>,
    /// Whether any event is decided otherwise.
    pub changed: bool,
    /// Records, and those of them that are decided otherwise.
    pub records: Records,
    /// Records that were refused: by both sides, by the old one only, by the new one only.
    pub refusals: Vec<Refusal>,
    /// As `perq run` sums them up.
    pub totals: Totals,
    /// By sort of effect and what it is of, to whoever gets it; those that are there on a side.
    pub effects: Vec<EffectRow>,
    /// By rule, in order of declaration of the new program.
    pub rules: Vec<Row>,
    /// By group, in the order of settlement of the new program.
    pub groups: Vec<Row>,
    /// By local month.
    pub months: Vec<MonthRow>,
    /// By segment of the new program, and by the fields of members that are levels. Segments may overlap.
    pub segments: Vec<SegmentRow>,
    /// Who gets more and who less, in each measure.
    pub measures: Vec<Measure>,
    /// What changed in the texts.
    pub hunks: Vec<HunkReport>,
    /// What the differences come from; they add up to those of the rules.
    pub causes: Vec<CauseRow>,
    /// What fails on one side only.
    pub warnings: Vec<Warning>,
    /// What is used up of limits and budgets.
    pub budgets: Budgets,
}

/// A side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SideReport {
    /// Where it was.
    pub source: String,
    /// The program's name.
    pub program: String,
    /// Its version.
    pub version: u64,
    /// The first 16 hexadecimal digits of the pack's hash.
    pub pack: String,
    /// How many rules it has.
    pub rules: usize,
}

/// Local days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    /// The first.
    pub from: String,
    /// The last.
    pub to: String,
}

/// Records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Records {
    /// All of them.
    pub all: u64,
    /// Those that were decided.
    pub decided: Count,
    /// Those that were refused.
    pub refused: Count,
    /// Those that are decided otherwise.
    pub changed: u64,
    /// Those whose id an earlier one had.
    pub repeated: u64,
}

/// Records that were refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// `both`, `old` or `new`: by which side.
    pub side: &'static str,
    /// How many.
    pub records: u64,
    /// The first of them; what the new side says where both refuse.
    pub first: FirstRefused,
}

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirstRefused {
    /// Where it was.
    pub file: String,
    /// On which line; of Parquet and Arrow, in which row.
    pub line: u64,
    /// Its id, where that was read.
    pub id: Option<String>,
    /// The field; empty for the record as a whole.
    pub field: String,
    /// The lasting name of the error.
    pub error: &'static str,
    /// What is wrong.
    pub message: String,
}

/// An amount of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AwardChange {
    /// The account.
    pub account: String,
    /// Its unit's word.
    pub unit: String,
    /// How much.
    #[serde(flatten)]
    pub amount: Flat,
}

/// A [`Change`] whose fields stand among others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flat(pub Change);

impl Serialize for Flat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Sums over all events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Before discounts.
    pub initial: Change,
    /// Discounts.
    pub discount: Change,
    /// After discounts.
    pub paid: Change,
    /// What customers handed over.
    pub total: Change,
    /// By account: to the events' own members.
    pub awards: Vec<AwardChange>,
}

/// A sort of effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectRow {
    /// `discount`, `award`, `debit`, `tender`, `coupon`, `certificate`, `badge`, `gift`, `field` or `level`.
    pub kind: &'static str,
    /// The currency, account, instrument, field or level.
    pub of: String,
    /// The word behind the amount.
    pub unit: String,
    /// How much.
    #[serde(flatten)]
    pub amount: Flat,
}

/// A rule or a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its key; the new one where it was renamed.
    pub name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The group, of a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `both`, `old` or `new`: which program has it.
    pub there: &'static str,
    /// Positions in `hunks` of what can change what it gives.
    pub hunks: Vec<usize>,
    /// Events in which it gave something.
    pub events: Count,
    /// Times that another rule displaced it.
    pub displaced: Count,
    /// Times that a limit cut it.
    pub cut: Count,
    /// Times that it failed.
    pub errors: Count,
    /// Discounts.
    pub discount: Change,
    /// By account.
    pub awards: Vec<AwardChange>,
    /// What else it gives, by sort.
    pub effects: Vec<EffectRow>,
}

impl Row {
    /// Whether any figure differs.
    pub fn is_same(&self) -> bool {
        let counts = [self.events, self.displaced, self.cut, self.errors];
        counts.iter().all(|count| count.before == count.after) && self.gives_same()
    }

    /// Whether it gives the same, to as many events.
    pub fn gives_same(&self) -> bool {
        self.events.before == self.events.after
            && self.discount.is_same()
            && self.awards.iter().all(|award| award.amount.0.is_same())
            && self.effects.iter().all(|effect| effect.amount.0.is_same())
    }
}

/// A month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MonthRow {
    /// `2026-03`.
    pub month: String,
    /// Events.
    pub events: Count,
    /// Discounts.
    pub discount: Change,
    /// By account.
    pub awards: Vec<AwardChange>,
}

/// A part of the members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentRow {
    /// `segment`, or the field of members, such as `member.tier`.
    pub by: String,
    /// The segment's key or the level; `none` for events that lie in no segment, or have no member.
    pub name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Events.
    pub events: u64,
    /// Those of them that are decided otherwise.
    pub changed: u64,
    /// Discounts.
    pub discount: Change,
    /// By account: to the events' own members.
    pub awards: Vec<AwardChange>,
}

/// Who gets more and who less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// `discount`, an account, or `value`: discounts and what points are worth, together.
    pub name: String,
    /// The word behind amounts.
    pub unit: String,
    /// By member.
    pub members: Split,
    /// By event.
    pub receipts: Split,
    /// The events that changed most, largest difference first.
    pub most: Vec<Receipt>,
}

/// More, less and the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Split {
    /// Those who get more.
    pub more: Part,
    /// Those who get less.
    pub less: Part,
    /// How many get the same.
    pub same: u64,
}

/// Those who get more, or less.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// How many.
    pub count: u64,
    /// Together.
    pub sum: Exact,
    /// Differences of which so many percent are no larger (of those who get less: no smaller), each that of one of them.
    pub quantiles: Vec<Quantile>,
}

/// A quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quantile {
    /// 10, 50, 90 or 100.
    pub percent: u8,
    /// The difference.
    pub amount: Exact,
}

/// An event that is decided otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its local day.
    pub date: String,
    /// Its member.
    pub member: Option<String>,
    /// In the measure.
    #[serde(flatten)]
    pub amount: Flat,
    /// What each rule gives otherwise, and why.
    pub rules: Vec<Because>,
}

/// What a rule gives otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Because {
    /// The rule; nothing for what no rule gives.
    pub rule: Option<String>,
    /// As in `effects`.
    pub kind: &'static str,
    /// As in `effects`.
    pub of: String,
    /// The word behind amounts.
    pub unit: String,
    /// Who gets it, where that is not the event's member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How much.
    #[serde(flatten)]
    pub amount: Flat,
    /// Why, as in `causes`.
    pub cause: &'static str,
    /// Positions in `hunks`.
    pub hunks: Vec<usize>,
    /// Rules that displace it, or no longer do; limits that cut, or no longer do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// What it looks at of the time before and is another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub since: Vec<SinceReport>,
}

/// What came before and is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SinceReport {
    /// What: `balance of club`, `level of tiers`, `history`.
    pub of: String,
    /// Position in `hunks` of the change that altered it, where one is known.
    pub hunk: Option<usize>,
    /// The id of the event with which it first did; nothing where the change does so by itself.
    pub event: Option<String>,
}

/// A declaration that is not the same in both texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HunkReport {
    /// Its keyword.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// `added`, `removed` or `changed`.
    pub how: &'static str,
    /// The first place that differs, before.
    pub old: Option<SpotReport>,
    /// The same, after.
    pub new: Option<SpotReport>,
}

/// A line of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SpotReport {
    /// The file, from the programme's folder.
    pub file: String,
    /// From 1; 0 where there is none.
    pub line: u32,
    /// The line's text; empty of a pack.
    pub text: String,
}

/// Differences with one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CauseRow {
    /// `rule` (it, or what it names, is written otherwise), `group`, `limit`, `displacement`, `follows` (what was settled
    /// before changed what it works on), `earlier` (what it looks at of the time before is another), `settings`, `tables`,
    /// `refusal` or `record`.
    pub cause: &'static str,
    /// Positions in `hunks`.
    pub hunks: Vec<usize>,
    /// Events.
    pub events: u64,
    /// Discounts: new less old.
    pub discount: Exact,
    /// By account: new less old, to whoever gets it.
    pub awards: Vec<AwardDifference>,
}

/// A difference of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AwardDifference {
    /// The account.
    pub account: String,
    /// Its unit's word.
    pub unit: String,
    /// New less old.
    pub difference: Exact,
}

/// Something that fails on one side only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// `old` or `new`: on which.
    pub side: &'static str,
    /// `record` (it cannot be read), `receipt` (it is refused as a whole) or `rule`.
    pub what: &'static str,
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Its lasting name.
    pub error: String,
    /// How many events.
    pub events: u64,
    /// The first of them.
    pub examples: Vec<String>,
}

/// What is used up of limits and budgets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Budgets {
    /// By the old program.
    pub old: Vec<Budget>,
    /// By the new one.
    pub new: Vec<Budget>,
}

/// A limit or a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// `rule` or `group`.
    pub owner: &'static str,
    /// Its key.
    pub name: String,
    /// The counter; nothing for a limit of each event by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<String>,
    /// `transaction`, `campaign`, `member`, or the field that names another member.
    pub per: String,
    /// Over which time, as rules write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The word behind amounts.
    pub unit: String,
    /// Each time by itself, oldest first; one for what slides with the event or never begins again.
    pub windows: Vec<WindowUse>,
}

/// What is used up in a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowUse {
    /// The window's first local day, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The most, as it was last; nothing where the limit was never met.
    pub limit: Option<Exact>,
    /// What was claimed of it, in all.
    pub used: Exact,
    /// The most that was used at once by one of those that it counts for.
    pub peak: Exact,
    /// For how many it counts something.
    pub holders: u64,
    /// How many of them have used up all of it.
    pub used_up: u64,
    /// The first local day on which somebody had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_up_on: Option<String>,
    /// Events from which it took something.
    pub events_cut: u64,
    /// What it took.
    pub cut: Exact,
}
