//! The workload's meaning, written as one does first: each rule is looked at for each receipt.

use super::Outcome;
use super::data::{Data, Line, Receipt};
use super::packs::{Filter, Mode, Rule};

fn applies(rule: &Rule, receipt: &Receipt) -> bool {
    let among =
        |values: &Option<Vec<u8>>, value: u8| values.as_ref().is_none_or(|values| values.contains(&value));
    let in_segment = |segment: &u8| receipt.segments >> segment & 1 == 1;
    among(&rule.channels, receipt.channel)
        && among(&rule.tiers, receipt.tier)
        && among(&rule.payments, receipt.payment)
        && rule.currency.is_none_or(|currency| currency == receipt.currency)
        && rule.days.is_none_or(|(from, through)| (from..=through).contains(&receipt.day))
        && among(&rule.weekdays, receipt.weekday)
        && rule.hours.is_none_or(|(from, until)| (from..until).contains(&receipt.hour))
        && rule.stores.as_ref().is_none_or(|stores| stores.binary_search(&receipt.store).is_ok())
        && rule.in_segments.as_ref().is_none_or(|segments| segments.iter().any(in_segment))
        && !rule.outside_segments.as_ref().is_some_and(|segments| segments.iter().any(in_segment))
        && (!rule.birthday_month || receipt.birth_month == receipt.month)
        && rule.least_spent.is_none_or(|least| receipt.spent >= least)
        && rule.least_tenure.is_none_or(|least| receipt.tenure() >= least)
        && rule.least_total.is_none_or(|least| receipt.total >= least)
}

/// Whether a line is one that a rule of this filter is about.
pub fn matches(filter: &Filter, line: &Line) -> bool {
    match filter {
        Filter::Any => true,
        Filter::NotDepartment(department) => line.department != *department,
        Filter::Department(department) => line.department == *department,
        Filter::Category(category) => line.category == *category,
        Filter::Subcategory(subcategory) => line.subcategory == *subcategory,
        Filter::Brand(brand) => line.brand == *brand,
        Filter::BrandInDepartment(brand, department) => {
            line.brand == *brand && line.department == *department
        }
        Filter::Skus(skus) => skus.binary_search(&line.sku).is_ok(),
    }
}

/// What a rule gives for the sums of its lines, in hundredths; 0 where they are too little.
pub fn award(rule: &Rule, amount: i64, pieces: i64) -> i64 {
    let too_little = rule.least_amount.is_some_and(|least| amount < least)
        || rule.least_pieces.is_some_and(|least| pieces < least);
    if amount == 0 || too_little { 0 } else { rule.award.value(amount) }
}

/// What a rule by itself gives, in hundredths; 0 where it does not apply.
pub fn value(rule: &Rule, receipt: &Receipt, lines: &[Line]) -> i64 {
    if !applies(rule, receipt) {
        return 0;
    }
    let (mut amount, mut pieces) = (0i64, 0i64);
    for line in lines {
        if matches(&rule.filter, line) {
            amount += line.net;
            pieces += i64::from(line.pieces);
        }
    }
    award(rule, amount, pieces)
}

/// Closes a receipt with what its rules give by themselves, of which one of each group stays.
pub fn settle(rules: &[Rule], values: &[i64], out: &mut Outcome) {
    let (mut points, mut discount) = (0, 0);
    // The rules of a group stand one after another.
    let alike = |a: &Rule, b: &Rule| a.group.is_some() && a.group == b.group;
    let mut start = 0;
    for family in rules.chunk_by(alike) {
        let values = &values[start..start + family.len()];
        start += family.len();
        let mut winner: Option<(&Rule, i64)> = None;
        for (rule, value) in family.iter().zip(values).filter(|(_, value)| **value > 0) {
            let better = winner.is_none_or(|(best, most)| match rule.mode {
                Mode::Best => *value > most,
                Mode::First => rule.priority < best.priority,
            });
            if better {
                winner = Some((rule, *value));
            }
        }
        if let Some((rule, value)) = winner {
            if rule.award.is_discount() {
                discount += value
            } else {
                points += value
            }
            out.fired.push(rule.id);
        }
    }
    out.close(points, discount);
}

/// The loop.
#[derive(Debug)]
pub struct Naive {
    rules: Vec<Rule>,
    values: Vec<i64>,
}

impl Naive {
    /// Over these rules.
    pub fn new(rules: &[Rule]) -> Naive {
        Naive { rules: rules.to_vec(), values: vec![0; rules.len()] }
    }

    /// Decides one receipt.
    pub fn decide(&mut self, data: &Data, receipt: usize, out: &mut Outcome) {
        let receipt = &data.receipts[receipt];
        let lines = data.lines_of(receipt);
        for (rule, place) in self.rules.iter().zip(&mut self.values) {
            *place = value(rule, receipt, lines);
        }
        settle(&self.rules, &self.values, out);
    }
}
