//! When things are valid: periods, schedules and first days, as stretches of the local clock within a range that is given.
//!
//! Refuses to know zones, today, and how any of it is drawn. Seconds count from 1970-01-01 00:00 of the local clock.

use crate::phrase::Language;
use crate::writer::{Book, Entry, Kind, Node, Writer};
use perq_compiler::calendar::{self, Civil, DAY};
use perq_grammar::ast::{
    Additive, Bound, Clause, ClauseKind, CouponClause, Expr, ExprKind, GroupClause, Item, ItemKind,
    OfferClause, RedemptionClause, SchedulePart,
};

/// From, included, until, excluded.
pub type Stretch = (i64, i64);

/// By which clock the stretches of a row are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The programme's.
    Programme,
    /// That of a named zone.
    Zone(String),
    /// That of wherever it happens.
    Local,
}

/// When one thing is valid.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// The group of a rule, for people.
    pub group: Option<String>,
    /// The place among things of its kind and name: versions of a rule have one name.
    pub version: usize,
    /// By which clock.
    pub clock: Clock,
    /// Ascending, apart from one another, within the range.
    pub stretches: Vec<Stretch>,
}

/// When everything is valid that says something of time.
#[derive(Clone, Debug)]
pub struct Timetable {
    /// First day.
    pub from: i64,
    /// Last day.
    pub to: i64,
    /// In the order of the programme.
    pub rows: Vec<Row>,
    /// How many things say nothing of time, and so are valid always.
    pub always: usize,
}

/// A day of a text such as `2026-03-01`; nothing where it is none.
pub fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        let part = parts
            .next()
            .filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        part.parse::<i64>().ok()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some()
        || !(1..=12).contains(&month)
        || !(1..=calendar::month_length(year, month)).contains(&day)
    {
        return None;
    }
    Some(calendar::days(Civil { year, month, day }))
}

fn second(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    Some(hours * 3600 + minutes * 60 + seconds)
}

/// A written date or instant, and how long what it names is: a day, or a second.
fn moment(expr: &Expr) -> Option<(i64, i64)> {
    match &expr.kind {
        ExprKind::Date(text) => Some((day(&text.text)? * DAY, DAY)),
        ExprKind::Instant(date, time) => Some((day(&date.text)? * DAY + second(&time.text)?, 1)),
        ExprKind::Sum(first, rest) => {
            let (mut at, length) = moment(first)?;
            for (sign, term) in rest {
                let ExprKind::Quantity(number, unit) = &term.kind else { return None };
                let number: i64 = number.text.parse().ok()?;
                let number = match sign {
                    Additive::Add => number,
                    Additive::Subtract => -number,
                };
                let (date, time) = (at.div_euclid(DAY), at.rem_euclid(DAY));
                at = match unit.text.as_str() {
                    "day" | "days" => at + number * DAY,
                    "week" | "weeks" => at + number * 7 * DAY,
                    "month" | "months" => calendar::add_months(date, number) * DAY + time,
                    "quarter" | "quarters" => calendar::add_months(date, number * 3) * DAY + time,
                    "year" | "years" => calendar::add_months(date, number * 12) * DAY + time,
                    _ => return None,
                };
            }
            Some((at, length))
        }
        ExprKind::Error
        | ExprKind::Hole
        | ExprKind::Number(_)
        | ExprKind::Percent(_)
        | ExprKind::Quantity(..)
        | ExprKind::Time(_)
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Reference(..)
        | ExprKind::List(_)
        | ExprKind::Path(_)
        | ExprKind::Call(..)
        | ExprKind::Logic(..)
        | ExprKind::Not(_)
        | ExprKind::Compare(..)
        | ExprKind::In { .. }
        | ExprKind::InRange { .. }
        | ExprKind::Known(..)
        | ExprKind::As(..)
        | ExprKind::Product(..)
        | ExprKind::Of(..)
        | ExprKind::Negate(_)
        | ExprKind::Steps(..)
        | ExprKind::Aggregate { .. }
        | ExprKind::By(..)
        | ExprKind::Collection(_) => None,
    }
}

/// Ascending stretches that lie in both.
fn both(left: &[Stretch], right: &[Stretch]) -> Vec<Stretch> {
    let mut out = Vec::new();
    let mut right = right.iter().peekable();
    for &(from, until) in left {
        while right.peek().is_some_and(|(_, end)| *end <= from) {
            right.next();
        }
        for &(begin, end) in right.clone() {
            if begin >= until {
                break;
            }
            out.push((from.max(begin), until.min(end)));
        }
    }
    out
}

/// In order, and in one piece where they touch.
fn joined(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.retain(|(from, until)| from < until);
    stretches.sort_unstable();
    let mut out: Vec<Stretch> = Vec::new();
    for (from, until) in stretches {
        match out.last_mut() {
            Some((_, end)) if *end >= from => *end = (*end).max(until),
            Some(_) | None => out.push((from, until)),
        }
    }
    out
}

/// What one `valid`, `schedule` or `effective from` leaves of the range; nothing where it says nothing of time.
fn left_by(clause: &Clause, range: Stretch, clock: &mut Clock) -> Option<Vec<Stretch>> {
    match &clause.kind {
        ClauseKind::Valid(periods) => {
            let stretches = periods.iter().filter_map(|period| {
                let (from, _) = moment(&period.from)?;
                let until = match &period.to {
                    None => range.1,
                    Some((to, Bound::Included)) => moment(to).map(|(at, length)| at + length)?,
                    Some((to, Bound::Excluded)) => moment(to)?.0,
                };
                Some((from, until))
            });
            Some(joined(stretches.collect()))
        }
        ClauseKind::EffectiveFrom(from) => moment(from).map(|(from, _)| vec![(from, range.1.max(from))]),
        ClauseKind::Schedule(parts) => Some(scheduled(parts, range, clock)),
        ClauseKind::NotEffective => Some(Vec::new()),
        ClauseKind::Title(_)
        | ClauseKind::Priority(_)
        | ClauseKind::On(_)
        | ClauseKind::When(_)
        | ClauseKind::Unless(_)
        | ClauseKind::Let(_)
        | ClauseKind::Limit { .. }
        | ClauseKind::Budget { .. }
        | ClauseKind::Take(_)
        | ClauseKind::Process { .. }
        | ClauseKind::Spendable(_)
        | ClauseKind::About(_)
        | ClauseKind::With(..)
        | ClauseKind::Then(_) => None,
    }
}

/// Hours that cross midnight belong to the day on which they begin.
fn scheduled(parts: &[SchedulePart], range: Stretch, clock: &mut Clock) -> Vec<Stretch> {
    let (mut weekdays, mut month_days, mut hours) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part {
            SchedulePart::Days(days, _) => {
                let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
                weekdays
                    .extend(days.iter().filter_map(|day| names.iter().position(|name| *name == day.text)));
            }
            SchedulePart::MonthDays(days, _) => {
                month_days.extend(days.iter().filter_map(|day| day.text.parse::<i64>().ok()));
            }
            SchedulePart::Hours(from, until, _) => {
                if let (Some(from), Some(until)) = (second(&from.text), second(&until.text)) {
                    hours.push((from, if until <= from { until + DAY } else { until }));
                }
            }
            SchedulePart::Zone(Ok(zone)) => *clock = Clock::Zone(zone.value.clone()),
            SchedulePart::Zone(Err(_)) => *clock = Clock::Local,
        }
    }
    let mut out = Vec::new();
    // A day earlier, for hours that begin before the range.
    for date in range.0.div_euclid(DAY) - 1..range.1.div_euclid(DAY) {
        // 1970-01-01 was a Thursday, which is 3.
        let weekday = usize::try_from((date + 3).rem_euclid(7)).unwrap_or(0);
        let fits = (weekdays.is_empty() || weekdays.contains(&weekday))
            && (month_days.is_empty() || month_days.contains(&calendar::civil(date).day));
        if !fits {
            continue;
        }
        if hours.is_empty() {
            out.push((date * DAY, (date + 1) * DAY));
        }
        out.extend(hours.iter().map(|(from, until)| (date * DAY + from, date * DAY + until)));
    }
    joined(out)
}

/// The clauses of a declaration that may speak of time.
fn clauses<'a>(entry: &Entry<'a>) -> Vec<&'a Clause> {
    match entry.node {
        Node::Rule(rule, _) => rule.clauses.iter().collect(),
        Node::Item(Item { kind: ItemKind::Group(_, clauses), .. }) => clauses
            .iter()
            .filter_map(|clause| if let GroupClause::Shared(clause) = clause { Some(clause) } else { None })
            .collect(),
        Node::Item(Item { kind: ItemKind::Coupon(_, clauses), .. }) => clauses
            .iter()
            .filter_map(
                |clause| if let CouponClause::Shared(clause) = &clause.kind { Some(clause) } else { None },
            )
            .collect(),
        Node::Item(Item { kind: ItemKind::Redemption(_, clauses), .. }) => {
            clauses
                .iter()
                .filter_map(|clause| {
                    if let RedemptionClause::Shared(clause) = &clause.kind { Some(clause) } else { None }
                })
                .collect()
        }
        Node::Item(Item { kind: ItemKind::Offer(_, clauses), .. }) => clauses
            .iter()
            .filter_map(
                |clause| if let OfferClause::Shared(clause) = &clause.kind { Some(clause) } else { None },
            )
            .collect(),
        Node::Item(Item { kind: ItemKind::Template(template), .. }) => template.clauses.iter().collect(),
        Node::Item(_) => Vec::new(),
    }
}

impl Timetable {
    /// From a first through a last day.
    pub fn of(book: &Book<'_>, from: i64, to: i64, language: Language) -> Timetable {
        let range = (from * DAY, (to + 1) * DAY);
        let mut table = Timetable { from, to, rows: Vec::new(), always: 0 };
        for entry in book.entries() {
            match entry.kind {
                Kind::Rule | Kind::Coupon | Kind::Redemption | Kind::Offer => {}
                Kind::Program
                | Kind::Account
                | Kind::Tiers
                | Kind::Group
                | Kind::Certificate
                | Kind::Badge
                | Kind::Ensure
                | Kind::Arbitration
                | Kind::Template
                | Kind::Param
                | Kind::Define
                | Kind::Table
                | Kind::Segment
                | Kind::Counter
                | Kind::Enum
                | Kind::Reference
                | Kind::Record
                | Kind::Extend
                | Kind::Event
                | Kind::Test
                | Kind::Contacts => continue,
            }
            let name_of_group = entry.group();
            let group = book
                .entries()
                .iter()
                .find(|other| other.kind == Kind::Group && Some(other.name) == name_of_group.as_deref());
            let name_of_template = entry.template();
            let template = book.entries().iter().find(|other| {
                other.kind == Kind::Template && Some(other.name) == name_of_template.as_deref()
            });
            let mut clock = Clock::Programme;
            let mut stretches = vec![range];
            let mut is_timed = false;
            let shared = group.into_iter().chain(template).chain([entry]).flat_map(clauses);
            for clause in shared {
                if let Some(left) = left_by(clause, range, &mut clock) {
                    stretches = both(&stretches, &left);
                    is_timed = true;
                }
            }
            if !is_timed {
                table.always += 1;
                continue;
            }
            let writer = Writer::silent(book, entry.place.file, language);
            let version =
                table.rows.iter().filter(|row| row.kind == entry.kind && row.name == entry.name).count();
            table.rows.push(Row {
                kind: entry.kind,
                name: entry.name.to_owned(),
                title: writer.title_of_entry(entry),
                group: group
                    .map(|group| writer.title_of_entry(group).unwrap_or_else(|| group.name.to_owned())),
                version,
                clock,
                stretches,
            });
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_exactly() {
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("2024-02-29"), Some(19_782));
        for wrong in ["2026-02-29", "2026-13-01", "2026-1-01", "26-01-01", "2026-01-01-01", ""] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn stretches_meet() {
        assert_eq!(both(&[(0, 10), (20, 30)], &[(5, 25)]), [(5, 10), (20, 25)]);
        assert_eq!(both(&[(0, 10)], &[(0, 2), (4, 6), (9, 12)]), [(0, 2), (4, 6), (9, 10)]);
        assert_eq!(both(&[(0, 2), (4, 6)], &[(2, 4)]), []);
        assert_eq!(joined(vec![(4, 6), (0, 2), (2, 4), (9, 9)]), [(0, 6)]);
    }
}
