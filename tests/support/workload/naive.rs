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

fn matches(filter: &Filter, line: &Line) -> bool {
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
    let too_little = rule.least_amount.is_some_and(|least| amount < least)
        || rule.least_pieces.is_some_and(|least| pieces < least);
    if amount == 0 || too_little { 0 } else { rule.award.value(amount) }
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
        let (mut points, mut discount) = (0, 0);
        let mut give = |rule: &Rule, value: i64| {
            if rule.award.is_discount() {
                discount += value
            } else {
                points += value
            }
            out.fired.push(rule.id);
        };
        let mut start = 0;
        while let Some(rule) = self.rules.get(start) {
            // The rules of a group stand one after another.
            let alike = |next: &&Rule| rule.group.is_some() && next.group == rule.group;
            let end = start + self.rules[start..].iter().take_while(alike).count().max(1);
            let mut winner: Option<usize> = None;
            for next in (start..end).filter(|next| self.values[*next] > 0) {
                let better = winner.is_none_or(|best| match rule.mode {
                    Mode::Best => self.values[next] > self.values[best],
                    Mode::First => self.rules[next].priority < self.rules[best].priority,
                });
                if better {
                    winner = Some(next);
                }
            }
            if let Some(winner) = winner {
                give(&self.rules[winner], self.values[winner]);
            }
            start = end;
        }
        out.close(points, discount);
    }
}
