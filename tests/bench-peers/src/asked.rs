//! What a rule of the workload asks, in pieces that any rule engine has words for. Refuses to know any engine.

use perq_tests::workload::text::{CHANNELS, CURRENCIES, PAYMENTS, TIERS};
use perq_tests::workload::{Filter, Rule};
use std::collections::HashSet;

/// A constant that a field is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Constant {
    /// Of an enumeration.
    Word(&'static str),
    /// A code, a count or hundredths of money.
    Number(i64),
}

/// A condition on the receipt or its member.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The field is one of these.
    Among(&'static str, Vec<Constant>),
    /// The field is from the first through the second.
    Between(&'static str, i64, i64),
    /// The field is so much.
    AtLeast(&'static str, i64),
    /// The member is in one of these segments, or in none of them.
    Segments { inside: bool, of: Vec<String> },
    /// The month of the receipt is that of the birthday.
    BirthdayMonth,
}

/// A condition on a line.
#[derive(Clone, Debug)]
pub enum OfLine {
    /// The field has this code.
    Is(&'static str, i64),
    /// It has another.
    IsNot(&'static str, i64),
    /// The sku is one of these.
    Skus(Vec<i64>),
}

/// The name of a segment.
pub fn segment(number: u8) -> String {
    format!("G{number:02}")
}

/// What a rule asks of a receipt, the cheapest first.
pub fn conditions(rule: &Rule) -> Vec<Asked> {
    let words = |field, values: &[u8], names: &[&'static str]| {
        Asked::Among(field, values.iter().map(|value| Constant::Word(names[usize::from(*value)])).collect())
    };
    let numbers =
        |field, values: Vec<i64>| Asked::Among(field, values.into_iter().map(Constant::Number).collect());
    let segments = |inside, of: &[u8]| Asked::Segments {
        inside,
        of: of.iter().map(|number| segment(*number)).collect(),
    };
    [
        rule.currency.map(|currency| words("currency", &[currency], &CURRENCIES)),
        rule.channels.as_ref().map(|of| words("channel", of, &CHANNELS)),
        rule.tiers.as_ref().map(|of| words("tier", of, &TIERS)),
        rule.payments.as_ref().map(|of| words("payment", of, &PAYMENTS)),
        rule.days.map(|(from, through)| Asked::Between("day", from.into(), through.into())),
        rule.weekdays.as_ref().map(|of| numbers("weekday", of.iter().copied().map(i64::from).collect())),
        rule.hours.map(|(from, until)| Asked::Between("hour", from.into(), i64::from(until) - 1)),
        rule.least_spent.map(|least| Asked::AtLeast("spent", least)),
        rule.least_tenure.map(|least| Asked::AtLeast("tenure", least.into())),
        rule.least_total.map(|least| Asked::AtLeast("total", least)),
        rule.birthday_month.then_some(Asked::BirthdayMonth),
        rule.stores.as_ref().map(|of| numbers("store", of.iter().copied().map(i64::from).collect())),
        rule.in_segments.as_ref().map(|of| segments(true, of)),
        rule.outside_segments.as_ref().map(|of| segments(false, of)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a rule asks of its lines; nothing, where it is about all of them.
pub fn of_lines(rule: &Rule) -> Vec<OfLine> {
    match &rule.filter {
        Filter::Any => Vec::new(),
        Filter::NotDepartment(code) => vec![OfLine::IsNot("department", (*code).into())],
        Filter::Department(code) => vec![OfLine::Is("department", (*code).into())],
        Filter::Category(code) => vec![OfLine::Is("category", (*code).into())],
        Filter::Subcategory(code) => vec![OfLine::Is("subcategory", (*code).into())],
        Filter::Brand(code) => vec![OfLine::Is("brand", (*code).into())],
        Filter::BrandInDepartment(brand, department) => {
            vec![OfLine::Is("brand", (*brand).into()), OfLine::Is("department", (*department).into())]
        }
        Filter::Skus(skus) => vec![OfLine::Skus(skus.iter().copied().map(i64::from).collect())],
    }
}

/// Lists of skus that an engine asks the host for, by number.
#[derive(Default)]
pub struct Sets(Vec<HashSet<i64>>);

impl Sets {
    /// Keeps a list, and says its number.
    pub fn keep(&mut self, of: impl IntoIterator<Item = i64>) -> usize {
        self.0.push(of.into_iter().collect());
        self.0.len() - 1
    }

    /// Whether a list holds a sku: the function of the host's that engines know as `in_set`.
    pub fn has(&self, set: i64, sku: i64) -> bool {
        self.0[set as usize].contains(&sku)
    }

    /// What asks whether a line's sku is in a list, where `in` asks a list that is written out.
    pub fn of_line(&mut self, of: &[i64]) -> String {
        if of.len() <= WRITTEN_OUT {
            return format!("line.sku in [{}]", listed(of));
        }
        format!("in_set({}, line.sku)", self.keep(of.iter().copied()))
    }
}

/// Lists of at most so many constants are written out; longer ones are sets of the host, where an engine can ask it.
pub const WRITTEN_OUT: usize = 16;

/// Constants one after another.
pub fn listed<T: ToString>(of: &[T]) -> String {
    of.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// How an infix language writes what differs between them; what all of them write alike is here.
pub trait Infix {
    /// Between two conditions that must both hold.
    const AND: &'static str = " && ";
    /// Between two of which one must hold.
    const OR: &'static str = " || ";

    /// A field of the receipt or its member.
    fn field(&self, name: &str) -> String {
        name.to_owned()
    }

    /// A field of the line at hand.
    fn line(&self, name: &str) -> String;

    /// A word of an enumeration.
    fn word(&self, word: &str) -> String {
        format!("\"{word}\"")
    }

    /// A constant.
    fn constant(&self, constant: Constant) -> String {
        match constant {
            Constant::Word(word) => self.word(word),
            Constant::Number(number) => number.to_string(),
        }
    }

    /// Whether a value is one of several constants.
    fn among(&mut self, value: &str, of: &[String]) -> String {
        format!("{value} in [{}]", of.join(", "))
    }

    /// Whether a sku is one of these.
    fn skus(&mut self, of: &[i64]) -> String {
        let value = self.line("sku");
        self.among(&value, &of.iter().map(i64::to_string).collect::<Vec<_>>())
    }

    /// Whether the member is in one of these segments, or in none.
    fn segments(&mut self, inside: bool, of: &[String]) -> String;

    /// A condition.
    fn condition(&mut self, asked: &Asked) -> String {
        match asked {
            Asked::Among(field, of) => {
                let of: Vec<String> = of.iter().map(|constant| self.constant(*constant)).collect();
                let field = self.field(field);
                match of.as_slice() {
                    [only] => format!("{field} == {only}"),
                    several => self.among(&field, several),
                }
            }
            Asked::Between(field, from, through) => {
                let field = self.field(field);
                format!("{field} >= {from}{}{field} <= {through}", Self::AND)
            }
            Asked::AtLeast(field, least) => format!("{} >= {least}", self.field(field)),
            Asked::Segments { inside, of } => self.segments(*inside, of),
            Asked::BirthdayMonth => format!("{} == {}", self.field("birth_month"), self.field("month")),
        }
    }

    /// All conditions of a rule on its receipt; nothing where it has none.
    fn conditions(&mut self, rule: &Rule) -> Option<String> {
        let all: Vec<String> = conditions(rule).iter().map(|asked| self.condition(asked)).collect();
        (!all.is_empty()).then(|| all.join(Self::AND))
    }

    /// All conditions of a rule on a line.
    fn of_line(&mut self, rule: &Rule) -> Option<String> {
        let all: Vec<String> = of_lines(rule)
            .iter()
            .map(|asked| match asked {
                OfLine::Is(field, code) => format!("{} == {code}", self.line(field)),
                OfLine::IsNot(field, code) => format!("{} != {code}", self.line(field)),
                OfLine::Skus(of) => self.skus(of),
            })
            .collect();
        (!all.is_empty()).then(|| all.join(Self::AND))
    }
}
