//! A plan as an integer programme, written down from the rules, row by row, without any code of the optimiser.

use crate::support::{is_asked, least_spans, within};
use perq_optimizer::{Compare, Counted, Past, Problem, Rule, Scope, Span, Window};

/// What is chosen: by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable(pub usize);

/// How a row's sum is held against its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    AtMost,
    AtLeast,
}

/// A row.
pub struct Row {
    pub terms: Vec<(Variable, i64)>,
    pub sense: Sense,
    pub bound: i64,
}

/// The programme of a plan: the most of its variables' worth.
#[derive(Default)]
pub struct Programme {
    /// The worth of each variable, and whether it is 0 or 1; others are any amount from 0.
    pub variables: Vec<(i64, bool)>,
    pub rows: Vec<Row>,
    contacts: Vec<Variable>,
}

impl Programme {
    /// A variable that is 0 or 1.
    fn truth(&mut self, worth: i64) -> Variable {
        self.variables.push((worth, true));
        Variable(self.variables.len() - 1)
    }

    /// What is missing, at a worth below zero.
    fn short(&mut self, worth: i64) -> Variable {
        self.variables.push((worth, false));
        Variable(self.variables.len() - 1)
    }

    fn row(&mut self, terms: impl IntoIterator<Item = (Variable, i64)>, sense: Sense, bound: i64) {
        // A contact may be asked for twice.
        let mut sum: Vec<(Variable, i64)> = Vec::new();
        for (variable, weight) in terms {
            match sum.iter_mut().find(|(own, _)| *own == variable) {
                Some((_, own)) => *own += weight,
                None => sum.push((variable, weight)),
            }
        }
        self.rows.push(Row { terms: sum, sense, bound });
    }
}

fn scopes(problem: &Problem, contact: usize) -> u128 {
    problem.classes[problem.class[contact] as usize].scopes
}

fn day(problem: &Problem, contact: usize) -> i32 {
    problem.classes[problem.class[contact] as usize].day
}

fn holds(span: &Span, day: i32) -> bool {
    span.first <= day && day <= span.last
}

fn share(window: &Window, a: i32, b: i32) -> bool {
    window.spans.iter().any(|span| holds(span, a) && holds(span, b))
}

/// Writes a plan down.
pub fn write(problem: &Problem) -> Programme {
    let mut written = Programme::default();
    for contact in 0..problem.score.len() {
        let variable = written.truth(problem.score.get(contact));
        written.contacts.push(variable);
    }
    let worth = problem.score.iter().map(|score| score.abs()).max().unwrap_or(0).max(1) * 10;
    for (number, rule) in problem.rules.iter().enumerate() {
        match rule {
            Rule::Count(_) | Rule::Amount { .. } => shared(problem, rule, worth, &mut written),
            Rule::Each(_) | Rule::Never(_) | Rule::Only(_) => {
                for member in 0..problem.members.len() - 1 {
                    own(problem, (rule, is_asked(problem, member, number)), member, &mut written);
                }
            }
        }
    }
    written
}

fn shared(problem: &Problem, rule: &Rule, worth: i64, written: &mut Programme) {
    match rule {
        Rule::Count(limit) => {
            let exception = |day: i32| limit.exceptions.iter().position(|own| holds(&own.days, day));
            let row = |days: &dyn Fn(i32) -> bool| -> (Vec<usize>, i64) {
                let own = (0..problem.score.len())
                    .filter(|at| within(scopes(problem, *at), limit.scope) && days(day(problem, *at)));
                let before = problem.history.iter().filter(|past| {
                    let class = problem.classes[past.class as usize];
                    limit.window.history && within(class.scopes, limit.scope) && days(class.day)
                });
                (own.collect(), before.count() as i64)
            };
            for span in &limit.window.spans {
                let mut kinds: Vec<Option<usize>> = (span.first..=span.last).map(exception).collect();
                kinds.sort_unstable();
                kinds.dedup();
                let most = |kind: &Option<usize>| match kind {
                    Some(at) => limit.exceptions[*at].at_most.or(limit.at_most),
                    None => limit.at_most,
                };
                let mut at_most = |(contacts, before): (Vec<usize>, i64), most: i64| {
                    let terms: Vec<_> = contacts.iter().map(|at| (written.contacts[*at], 1)).collect();
                    written.row(terms, Sense::AtMost, (most - before).max(0));
                };
                for kind in &kinds {
                    if let Some(most) = most(kind) {
                        at_most(row(&|day| holds(span, day) && exception(day) == *kind), most);
                    }
                }
                let all: Option<Vec<i64>> = kinds.iter().map(most).collect();
                if let Some(most) = all.and_then(|all| all.into_iter().max()) {
                    at_most(row(&|day| holds(span, day)), most);
                }
            }
            for span in least_spans(problem, &limit.window) {
                let least: Option<Vec<i64>> = (span.first..=span.last)
                    .map(|day| match exception(day) {
                        Some(at) => limit.exceptions[at].at_least.or(limit.at_least),
                        None => limit.at_least,
                    })
                    .collect();
                let Some(least) = least.and_then(|all| all.into_iter().min()) else { continue };
                let (contacts, before) = row(&|day| holds(&span, day));
                let short = written.short(-worth);
                let mut terms: Vec<_> = contacts.iter().map(|at| (written.contacts[*at], 1)).collect();
                terms.push((short, 1));
                written.row(terms, Sense::AtLeast, least - before);
            }
        }
        Rule::Amount { scope, column, times, minus, compare, bound, soft } => {
            let own: Vec<usize> =
                (0..problem.score.len()).filter(|at| within(scopes(problem, *at), *scope)).collect();
            let amount = |at: usize| problem.columns[*column].get(at) * times - minus;
            let largest = own.iter().map(|at| amount(*at).abs()).max().unwrap_or(1).max(1);
            let mut terms: Vec<_> = own.iter().map(|at| (written.contacts[*at], amount(*at))).collect();
            if *soft {
                let price = (worth / largest).max(1);
                terms.push((written.short(-price), 1));
            }
            let compare = if *compare == Compare::AtMost { Sense::AtMost } else { Sense::AtLeast };
            written.row(terms, compare, *bound);
        }
        Rule::Each(_) | Rule::Never(_) | Rule::Only(_) => {}
    }
}

fn own(problem: &Problem, (rule, asked): (&Rule, bool), member: usize, written: &mut Programme) {
    let contacts: Vec<usize> =
        (problem.members[member] as usize..problem.members[member + 1] as usize).collect();
    let all_past =
        &problem.history[problem.history_of[member] as usize..problem.history_of[member + 1] as usize];
    let concerns = |members: Option<Scope>| {
        members.is_none_or(|scope| contacts.iter().any(|at| within(scopes(problem, *at), scope)))
    };
    let past_day = |past: &Past| problem.classes[past.class as usize].day;
    let past_in = |past: &Past, scope: Scope| within(problem.classes[past.class as usize].scopes, scope);
    let of = |written: &Programme, at: usize| written.contacts[at];
    match rule {
        Rule::Each(each) if concerns(each.members) => {
            let past: Vec<&Past> =
                all_past.iter().filter(|past| each.window.history && past_in(past, each.scope)).collect();
            let inside = |span: &Span| -> Vec<usize> {
                let own = contacts.iter().copied();
                own.filter(|at| within(scopes(problem, *at), each.scope) && holds(span, day(problem, *at)))
                    .collect()
            };
            for span in each.window.spans.iter().filter(|_| each.at_most.is_some()) {
                let most = each.at_most.unwrap();
                let (own, before) = (inside(span), past.iter().filter(|past| holds(span, past_day(past))));
                match each.counted {
                    Counted::Contacts => {
                        let terms: Vec<_> = own.iter().map(|at| (of(written, *at), 1)).collect();
                        let room = (most - before.count() as i64).max(0);
                        written.row(terms, Sense::AtMost, room);
                    }
                    Counted::OfEachOffer => {
                        let before: Vec<u32> = before.map(|past| past.offer).collect();
                        for offer in own.iter().map(|at| problem.offer[*at]) {
                            let same = own.iter().filter(|at| problem.offer[**at] == offer);
                            let terms: Vec<_> = same.map(|at| (of(written, *at), 1)).collect();
                            let sent = before.iter().filter(|own| **own == offer).count() as i64;
                            written.row(terms, Sense::AtMost, (most - sent).max(0));
                        }
                    }
                    Counted::Packages => {
                        let mut sent: Vec<u32> = before.map(|past| past.package).collect();
                        sent.sort_unstable();
                        sent.dedup();
                        let mut new: Vec<u32> = own.iter().map(|at| problem.package[*at]).collect();
                        new.sort_unstable();
                        new.dedup();
                        new.retain(|package| !sent.contains(package));
                        let mut terms = Vec::new();
                        for package in new {
                            let sending = written.truth(0);
                            for at in own.iter().filter(|at| problem.package[**at] == package) {
                                let contact = of(written, *at);
                                written.row([(contact, 1), (sending, -1)], Sense::AtMost, 0);
                            }
                            terms.push((sending, 1));
                        }
                        written.row(terms, Sense::AtMost, (most - sent.len() as i64).max(0));
                    }
                }
            }
            if let Some(least) = each.at_least.filter(|_| asked) {
                let any = written.truth(0);
                for at in &contacts {
                    let contact = of(written, *at);
                    written.row([(contact, 1), (any, -1)], Sense::AtMost, 0);
                }
                for span in least_spans(problem, &each.window) {
                    let before = past.iter().filter(|past| holds(&span, past_day(past))).count() as i64;
                    let mut terms: Vec<_> =
                        inside(&span).into_iter().map(|at| (of(written, at), 1)).collect();
                    terms.push((any, -((least - before).max(0))));
                    written.row(terms, Sense::AtLeast, 0);
                }
            }
        }
        Rule::Never(never) if concerns(never.members) => {
            let meet = |a: i32, b: i32| share(&never.window, a, b) && (!never.in_order || b > a);
            for a in &contacts {
                for b in contacts.iter().filter(|b| *b != a) {
                    if within(scopes(problem, *a), never.first)
                        && within(scopes(problem, *b), never.second)
                        && meet(day(problem, *a), day(problem, *b))
                    {
                        let pair = [(of(written, *a), 1), (of(written, *b), 1)];
                        written.row(pair, Sense::AtMost, 1);
                    }
                }
                for past in all_past.iter().filter(|_| never.window.history) {
                    let second = past_in(past, never.first)
                        && within(scopes(problem, *a), never.second)
                        && meet(past_day(past), day(problem, *a));
                    let first = past_in(past, never.second)
                        && within(scopes(problem, *a), never.first)
                        && meet(day(problem, *a), past_day(past));
                    if first || second {
                        let contact = of(written, *a);
                        written.row([(contact, 1)], Sense::AtMost, 0);
                    }
                }
            }
        }
        Rule::Only(link) if concerns(link.members) => {
            let helps =
                |other: i32, own: i32| share(&link.window, other, own) && (!link.after || other < own);
            for b in contacts.iter().filter(|b| within(scopes(problem, **b), link.scope)) {
                let made = all_past.iter().any(|past| {
                    link.window.history && past_in(past, link.on) && helps(past_day(past), day(problem, *b))
                });
                if made {
                    continue;
                }
                let on = contacts.iter().filter(|a| {
                    *a != b
                        && within(scopes(problem, **a), link.on)
                        && helps(day(problem, **a), day(problem, *b))
                });
                let mut terms: Vec<_> = on.map(|a| (of(written, *a), -1)).collect();
                terms.push((of(written, *b), 1));
                written.row(terms, Sense::AtMost, 0);
            }
        }
        Rule::Each(_) | Rule::Never(_) | Rule::Only(_) | Rule::Count(_) | Rule::Amount { .. } => {}
    }
}
