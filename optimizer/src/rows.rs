//! What members share, as rows: the contacts of a row, weighed, are at most its bound. Refuses to know members' own rules and
//! where prices come from.

use crate::amounts::Amounts;
use crate::model::{Compare, Exception, Limit, Problem, Rule, Scope, Span};
use std::collections::BTreeMap;

/// How much a contact uses of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// One.
    One,
    /// An amount: so many times the column, less so much.
    Amount { column: usize, times: i64, minus: i64 },
}

/// A row. What is asked at least has its signs turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The rule's position.
    pub rule: usize,
    /// The window.
    pub span: Span,
    /// The days that count: all of the window, or what lies inside or outside of an exception.
    pub days: Vec<Span>,
    /// Which of them, for people: whether an exception's limit stands here.
    pub exception: Option<usize>,
    /// 1, or -1 where a least is asked for.
    pub sign: i64,
    /// Weight of a contact.
    pub weight: Weight,
    /// The weights of what is chosen, with the sign, are at most this.
    pub bound: i128,
    /// What was there before, in the author's terms.
    pub before: i64,
    /// What one of it that is missing costs, in parts of the score; rows without it are never passed.
    pub worth: Option<i64>,
    /// The mean weight of a contact, without its sign; above zero.
    pub mean: i64,
    /// The largest.
    pub largest: i64,
}

impl Row {
    /// What a contact uses.
    pub fn use_of(&self, problem: &Problem, contact: usize) -> i64 {
        self.sign
            * match self.weight {
                Weight::One => 1,
                Weight::Amount { column, times, minus } => {
                    let amount = problem.columns.get(column).map_or(0, |column| column.get(contact));
                    amount * times - minus
                }
            }
    }
}

/// All rows, and which of them count contacts of a class.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// In order of the rules.
    pub list: Vec<Row>,
    /// Of each class: the group of all that the same rows count.
    groups: Vec<u32>,
    starts: Vec<u32>,
    by_group: Vec<u32>,
    /// Columns that rows ask for.
    pub columns: Vec<usize>,
    /// The least and the largest amount of each of them.
    pub ranges: Vec<(i64, i64)>,
    /// Group by group, the largest amount of each of them, without its sign.
    pub largest: Vec<i64>,
}

impl Rows {
    /// The rows that count a class, ascending.
    pub fn of_class(&self, class: u32) -> &[u32] {
        self.of_group(self.group(class))
    }

    /// The group of a class: what the same rows count is one group.
    pub fn group(&self, class: u32) -> usize {
        self.groups.get(class as usize).map_or(0, |group| *group as usize)
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The rows that count a group, ascending.
    pub fn of_group(&self, group: usize) -> &[u32] {
        let at = |position: usize| self.starts.get(position).map_or(0, |start| *start as usize);
        self.by_group.get(at(group)..at(group + 1)).unwrap_or_default()
    }

    /// Of a problem that is checked; `worth` is what a missing contact costs.
    pub fn of(problem: &Problem, worth: i64) -> Rows {
        let mut proposed = vec![0i64; problem.classes.len()];
        for class in &problem.class {
            proposed[*class as usize] += 1;
        }
        let mut past = vec![0i64; problem.classes.len()];
        for made in &problem.history {
            past[made.class as usize] += 1;
        }
        let mut list = Vec::new();
        for (rule, asked) in problem.rules.iter().enumerate() {
            match asked {
                Rule::Count(limit) => count_rows(problem, rule, limit, (&proposed, &past), worth, &mut list),
                Rule::Amount { scope, column, times, minus, compare, bound, soft } => {
                    let weight = Weight::Amount { column: *column, times: *times, minus: *minus };
                    let sign = match compare {
                        Compare::AtMost => 1,
                        Compare::AtLeast => -1,
                    };
                    let session = problem.session.unwrap_or(Span { first: 0, last: 0 });
                    let mut row = Row {
                        rule,
                        span: session,
                        days: vec![session],
                        exception: None,
                        sign,
                        weight,
                        bound: i128::from(*bound) * i128::from(sign),
                        before: 0,
                        worth: None,
                        mean: 1,
                        largest: 1,
                    };
                    let (mut sum, mut largest, mut count) = (0i128, 1i64, 0i128);
                    for (contact, class) in problem.class.iter().enumerate() {
                        if problem.classes.get(*class as usize).is_some_and(|class| class.is_in(*scope)) {
                            let own = row.use_of(problem, contact).saturating_abs();
                            sum += i128::from(own);
                            largest = largest.max(own);
                            count += 1;
                        }
                    }
                    if count == 0 && row.bound >= 0 {
                        continue;
                    }
                    row.mean = i64::try_from(sum / count.max(1)).unwrap_or(i64::MAX).max(1);
                    row.largest = largest;
                    row.worth = soft.then(|| worth.div_euclid(largest).max(1));
                    list.push(row);
                }
                Rule::Each(_) | Rule::Never(_) | Rule::Only(_) => {}
            }
        }
        let mut rows = Rows { list, ..Rows::default() };
        rows.lay_out(problem);
        rows
    }

    /// Leaves only some rows.
    pub fn retain(&mut self, keep: impl Fn(&Row) -> bool, problem: &Problem) {
        self.list.retain(keep);
        self.lay_out(problem);
    }

    fn lay_out(&mut self, problem: &Problem) {
        let rows = self;
        let mut of_scopes: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
        for (id, row) in rows.list.iter().enumerate() {
            if let Some(scope) = row_scope(problem, row) {
                of_scopes.entry(scope.0).or_default().push(id as u32);
            }
        }
        let mut known: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        let mut own: Vec<u32> = Vec::new();
        rows.groups.clear();
        for class in &problem.classes {
            own.clear();
            for (_, ids) in of_scopes.iter().filter(|(scope, _)| class.is_in(Scope(**scope))) {
                let counts =
                    |id: &&u32| rows.list[**id as usize].days.iter().any(|days| days.holds(class.day));
                own.extend(ids.iter().filter(counts));
            }
            own.sort_unstable();
            let group = match known.get(&own) {
                Some(group) => *group,
                None => {
                    let next = known.len() as u32;
                    known.insert(own.clone(), next);
                    next
                }
            };
            rows.groups.push(group);
        }
        let mut lists: Vec<(u32, Vec<u32>)> = known.into_iter().map(|(list, group)| (group, list)).collect();
        lists.sort_unstable_by_key(|(group, _)| *group);
        rows.starts.clear();
        rows.by_group.clear();
        rows.starts.push(0);
        for (_, list) in lists {
            rows.by_group.extend(list);
            rows.starts.push(rows.by_group.len() as u32);
        }
        let columns = rows.list.iter().filter_map(|row| match row.weight {
            Weight::Amount { column, .. } => Some(column),
            Weight::One => None,
        });
        rows.columns = columns.collect();
        rows.columns.sort_unstable();
        rows.columns.dedup();
        let range = |column: &usize| {
            let amounts = problem.columns.get(*column).map(Amounts::iter);
            amounts
                .into_iter()
                .flatten()
                .fold((0, 0), |(least, most): (i64, i64), own| (least.min(own), most.max(own)))
        };
        rows.ranges = rows.columns.iter().map(range).collect();
        let width = rows.columns.len();
        rows.largest.clear();
        rows.largest.resize(rows.group_count() * width, 0);
        for (at, column) in rows.columns.iter().enumerate() {
            let Some(column) = problem.columns.get(*column) else { continue };
            for (class, amount) in problem.class.iter().zip(column.iter()) {
                let group = rows.groups.get(*class as usize).map_or(0, |group| *group as usize);
                if let Some(most) = rows.largest.get_mut(group * width + at) {
                    *most = (*most).max(amount.saturating_abs());
                }
            }
        }
    }
}

/// Which contacts a row counts, but for their days.
pub fn row_scope(problem: &Problem, row: &Row) -> Option<Scope> {
    match problem.rules.get(row.rule)? {
        Rule::Count(limit) => Some(limit.scope),
        Rule::Amount { scope, .. } => Some(*scope),
        Rule::Each(_) | Rule::Never(_) | Rule::Only(_) => None,
    }
}

/// Rows of a limit: one for each window, and several where an exception covers a part of it.
fn count_rows(
    problem: &Problem,
    rule: usize,
    limit: &Limit,
    (proposed, past): (&[i64], &[i64]),
    worth: i64,
    list: &mut Vec<Row>,
) {
    // Day by day: what is proposed, and what was made.
    let mut of_days: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    for (class, (proposed, past)) in problem.classes.iter().zip(proposed.iter().zip(past)) {
        if class.is_in(limit.scope) && (*proposed > 0 || *past > 0) {
            let own = of_days.entry(class.day).or_default();
            *own = (own.0 + proposed, own.1 + past);
        }
    }
    for (class, count) in problem.others.iter().filter(|(class, _)| class.is_in(limit.scope)) {
        of_days.entry(class.day).or_default().1 += count;
    }
    let sum = |days: &[Span]| -> (i64, i64) {
        let own = of_days.iter().filter(|(day, _)| days.iter().any(|days| days.holds(**day)));
        own.fold((0, 0), |(proposed, past), (_, own)| (proposed + own.0, past + own.1))
    };
    let made = |days: &[Span]| sum(days).1;
    let mut most_row = |span: Span, days: Vec<Span>, most: Option<i64>, exception: Option<usize>| {
        let Some(most) = most else { return };
        let before = if limit.window.history { made(&days) } else { 0 };
        let room = most.saturating_sub(before).max(0);
        if sum(&days).0 > room {
            let (sign, weight, bound) = (1, Weight::One, i128::from(room));
            list.push(Row {
                rule,
                span,
                days,
                exception,
                sign,
                weight,
                bound,
                before,
                worth: None,
                mean: 1,
                largest: 1,
            });
        }
    };
    for span in &limit.window.spans {
        let touching = touching(limit, *span);
        let (outside, mut whole) = (outside(*span, &touching), limit.at_most);
        for (at, own, inside) in &touching {
            let most = own.at_most.or(limit.at_most);
            most_row(*span, vec![*inside], most, Some(*at));
            whole = whole.zip(most).map(|(a, b)| a.max(b));
        }
        // Where a part lies outside, that part has the rule's limit, and all of it the greatest.
        let (whole_of, parts) = (outside.first() == Some(span), !outside.is_empty());
        if parts {
            most_row(*span, outside, limit.at_most, None);
        }
        if !whole_of && (parts || touching.len() > 1) {
            most_row(*span, vec![*span], whole, touching.first().map(|(at, ..)| *at));
        }
    }
    for span in problem.spans_of_least(&limit.window) {
        let touching = touching(limit, span);
        let mut least = Some(limit.at_least).filter(|_| !outside(span, &touching).is_empty());
        for (_, own, _) in &touching {
            // A window that is only in part inside an exception owes the least of all.
            let own = own.at_least.or(limit.at_least);
            least = Some(least.map_or(own, |least| least.zip(own).map(|(a, b)| a.min(b))));
        }
        let Some(least) = least.flatten() else { continue };
        let before = if limit.window.history { made(&[span]) } else { 0 };
        let missing = least.saturating_sub(before);
        if missing > 0 {
            list.push(Row {
                rule,
                span,
                days: vec![span],
                exception: touching.first().map(|(at, ..)| *at),
                sign: -1,
                weight: Weight::One,
                bound: -i128::from(missing),
                before,
                worth: Some(worth),
                mean: 1,
                largest: 1,
            });
        }
    }
}

/// The exceptions that a span touches, by their days, with the part of it that each covers.
fn touching(limit: &Limit, span: Span) -> Vec<(usize, &Exception, Span)> {
    let own = limit.exceptions.iter().enumerate();
    let mut touching: Vec<_> =
        own.filter_map(|(at, own)| overlap(span, own.days).map(|inside| (at, own, inside))).collect();
    touching.sort_by_key(|(at, _, inside)| (*inside, *at));
    touching
}

/// What no exception covers of a span.
fn outside(span: Span, touching: &[(usize, &Exception, Span)]) -> Vec<Span> {
    let mut left = Vec::new();
    let mut from = i64::from(span.first);
    for (_, _, inside) in touching {
        if from < i64::from(inside.first) {
            left.push(Span { first: from as i32, last: inside.first - 1 });
        }
        from = from.max(i64::from(inside.last) + 1);
    }
    if from <= i64::from(span.last) {
        left.push(Span { first: from as i32, last: span.last });
    }
    left
}

fn overlap(a: Span, b: Span) -> Option<Span> {
    let both = Span { first: a.first.max(b.first), last: a.last.min(b.last) };
    (both.first <= both.last).then_some(both)
}
