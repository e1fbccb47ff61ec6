//! An independent reading of the rules, the plainest there is: every window is looked at from the first day to the last, for
//! every rule, by counting. It shares no code with the optimiser, and is slow.

use perq_optimizer::{Chosen, Compare, Counted, Each, Link, Never, Past, Problem, Rule, Scope, Span, Window};

/// A deterministic source of numbers.
#[allow(dead_code, reason = "not all that are checked are drawn")]
pub struct Dice(pub u64);

#[allow(dead_code, reason = "not all that are checked are drawn")]
impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub fn below(&mut self, most: u64) -> u64 {
        (self.next() >> 20) % most.max(1)
    }
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A contact as the checker sees it, proposed and chosen, or of the past.
struct Seen {
    day: i32,
    scopes: u128,
    offer: u32,
    package: u32,
    proposed: Option<usize>,
}

fn of_member(problem: &Problem, member: usize, chosen: &[bool], history: bool) -> Vec<Seen> {
    let (from, to) = (problem.members[member] as usize, problem.members[member + 1] as usize);
    let mut seen = Vec::new();
    for (contact, chosen) in chosen.iter().enumerate().take(to).skip(from) {
        if *chosen {
            let class = problem.classes[problem.class[contact] as usize];
            let (offer, package) = (problem.offer[contact], problem.package[contact]);
            seen.push(Seen { day: class.day, scopes: class.scopes, offer, package, proposed: Some(contact) });
        }
    }
    if history {
        let (from, to) = (problem.history_of[member] as usize, problem.history_of[member + 1] as usize);
        for Past { class, offer, package } in &problem.history[from..to] {
            let class = problem.classes[*class as usize];
            seen.push(Seen {
                day: class.day,
                scopes: class.scopes,
                offer: *offer,
                package: *package,
                proposed: None,
            });
        }
    }
    seen
}

pub fn within(scopes: u128, scope: Scope) -> bool {
    scopes & (1u128 << scope.0) != 0
}

fn share_a_span(window: &Window, a: i32, b: i32) -> bool {
    window.spans.iter().any(|span| span.first <= a && a <= span.last && span.first <= b && b <= span.last)
}

pub fn least_spans(problem: &Problem, window: &Window) -> Vec<Span> {
    let session = problem.session.unwrap();
    let mut inside = Vec::new();
    for span in &window.spans {
        if span.first >= session.first && span.last <= session.last {
            inside.push(*span);
        }
    }
    if inside.is_empty() {
        for span in &window.spans {
            if span.first <= session.last && session.last <= span.last {
                inside.push(*span);
                break;
            }
        }
    }
    inside
}

fn concerns(problem: &Problem, member: usize, members: Option<Scope>) -> bool {
    let (from, to) = (problem.members[member] as usize, problem.members[member + 1] as usize);
    match members {
        None => true,
        Some(scope) => (from..to).any(|at| within(problem.classes[problem.class[at] as usize].scopes, scope)),
    }
}

/// Whether a member's choice meets all rules of its own.
pub fn member_is_met(problem: &Problem, member: usize, chosen: &[bool]) -> Result<(), String> {
    let any = of_member(problem, member, chosen, false).iter().any(|seen| seen.proposed.is_some());
    if !any {
        return Ok(());
    }
    for (number, rule) in problem.rules.iter().enumerate() {
        if !is_met(problem, member, chosen, rule, is_asked(problem, member, number)) {
            return Err(format!("member {member} breaks rule {number}"));
        }
    }
    Ok(())
}

fn is_met(problem: &Problem, member: usize, chosen: &[bool], rule: &Rule, least: bool) -> bool {
    match rule {
        Rule::Count(_) | Rule::Amount { .. } => true,
        Rule::Each(each) => {
            !concerns(problem, member, each.members) || each_is_met(problem, member, chosen, each, least)
        }
        Rule::Never(never) => {
            !concerns(problem, member, never.members) || never_is_met(problem, member, chosen, never)
        }
        Rule::Only(link) => {
            !concerns(problem, member, link.members) || link_is_met(problem, member, chosen, link)
        }
    }
}

/// Whether a least number is asked of a member: always where it may not be skipped, and else where some choice meets it, by
/// trying all of them, with every least number that may not be skipped and those before it that are asked.
pub fn is_asked(problem: &Problem, member: usize, number: usize) -> bool {
    let skips = |number: usize| matches!(&problem.rules[number], Rule::Each(each) if each.skip);
    if !skips(number) {
        return true;
    }
    let asked: Vec<bool> = (0..problem.rules.len())
        .map(|other| !skips(other) || other == number || (other < number && is_asked(problem, member, other)))
        .collect();
    let (from, to) = (problem.members[member] as usize, problem.members[member + 1] as usize);
    (1u64..1 << (to - from)).any(|mask| {
        let mut chosen = vec![false; problem.score.len()];
        (from..to).for_each(|at| chosen[at] = mask >> (at - from) & 1 == 1);
        problem.rules.iter().zip(&asked).all(|(rule, asked)| is_met(problem, member, &chosen, rule, *asked))
    })
}

fn each_is_met(problem: &Problem, member: usize, chosen: &[bool], each: &Each, least: bool) -> bool {
    let seen = of_member(problem, member, chosen, each.window.history);
    for span in &each.window.spans {
        let own: Vec<&Seen> = seen
            .iter()
            .filter(|seen| within(seen.scopes, each.scope) && span.first <= seen.day && seen.day <= span.last)
            .collect();
        // What the past alone has is nobody's choice: a choice in the window must be there to break the rule.
        if !own.iter().any(|seen| seen.proposed.is_some()) {
            continue;
        }
        let Some(most) = each.at_most else { continue };
        let too_many = match each.counted {
            Counted::Contacts => own.len() as i64 > most,
            Counted::Packages => {
                let mut all: Vec<u32> = own.iter().map(|seen| seen.package).collect();
                let mut before: Vec<u32> =
                    own.iter().filter(|seen| seen.proposed.is_none()).map(|seen| seen.package).collect();
                all.sort_unstable();
                all.dedup();
                before.sort_unstable();
                before.dedup();
                all.len() > before.len() && all.len() as i64 > most
            }
            Counted::OfEachOffer => own.iter().any(|one| {
                let same = own.iter().filter(|other| other.offer == one.offer);
                let chosen = own.iter().any(|other| other.offer == one.offer && other.proposed.is_some());
                chosen && same.count() as i64 > most
            }),
        };
        if too_many {
            return false;
        }
    }
    if let Some(least) = each.at_least.filter(|_| least) {
        for span in least_spans(problem, &each.window) {
            let own = seen.iter().filter(|seen| {
                within(seen.scopes, each.scope) && span.first <= seen.day && seen.day <= span.last
            });
            if (own.count() as i64) < least {
                return false;
            }
        }
    }
    true
}

fn never_is_met(problem: &Problem, member: usize, chosen: &[bool], never: &Never) -> bool {
    let seen = of_member(problem, member, chosen, never.window.history);
    for (i, a) in seen.iter().enumerate() {
        for (j, b) in seen.iter().enumerate() {
            if i == j || (a.proposed.is_none() && b.proposed.is_none()) {
                continue;
            }
            let meets = within(a.scopes, never.first)
                && within(b.scopes, never.second)
                && share_a_span(&never.window, a.day, b.day)
                && (!never.in_order || b.day > a.day);
            if meets {
                return false;
            }
        }
    }
    true
}

fn link_is_met(problem: &Problem, member: usize, chosen: &[bool], link: &Link) -> bool {
    let seen = of_member(problem, member, chosen, link.window.history);
    for (i, own) in seen.iter().enumerate() {
        if own.proposed.is_none() || !within(own.scopes, link.scope) {
            continue;
        }
        let helped = seen.iter().enumerate().any(|(j, other)| {
            i != j
                && within(other.scopes, link.on)
                && share_a_span(&link.window, other.day, own.day)
                && (!link.after || other.day < own.day)
        });
        if !helped {
            return false;
        }
    }
    true
}

/// What a choice makes of what members share: what is passed, and what falls short, in missing contacts (or amounts).
pub fn shared(problem: &Problem, chosen: &[bool]) -> (Vec<String>, Vec<(usize, Span, i128)>) {
    let (mut passed, mut short) = (Vec::new(), Vec::new());
    for (number, rule) in problem.rules.iter().enumerate() {
        match rule {
            Rule::Count(limit) => {
                let count = |days: &dyn Fn(i32) -> bool| -> (i64, i64) {
                    let own = |class: u32| {
                        let class = problem.classes[class as usize];
                        within(class.scopes, limit.scope) && days(class.day)
                    };
                    let chosen =
                        (0..chosen.len()).filter(|at| chosen[*at] && own(problem.class[*at])).count();
                    let before = problem.history.iter().filter(|past| own(past.class)).count();
                    (chosen as i64, if limit.window.history { before as i64 } else { 0 })
                };
                let own_exception = |day: i32| {
                    limit.exceptions.iter().position(|own| own.days.first <= day && day <= own.days.last)
                };
                for span in &limit.window.spans {
                    // The limits of the days of the window, each once.
                    let mut kinds: Vec<Option<usize>> = (span.first..=span.last).map(own_exception).collect();
                    kinds.sort_unstable();
                    kinds.dedup();
                    let most_of = |kind: Option<usize>| match kind {
                        Some(at) => limit.exceptions[at].at_most.or(limit.at_most),
                        None => limit.at_most,
                    };
                    for kind in &kinds {
                        let Some(most) = most_of(*kind) else { continue };
                        let (own, before) = count(&|day| {
                            span.first <= day && day <= span.last && own_exception(day) == *kind
                        });
                        if own > 0 && own + before > most {
                            passed.push(format!("rule {number}, {span:?}, {kind:?}"));
                        }
                    }
                    let greatest: Option<Vec<i64>> = kinds.iter().map(|kind| most_of(*kind)).collect();
                    if let Some(most) = greatest.and_then(|all| all.into_iter().max()) {
                        let (own, before) = count(&|day| span.first <= day && day <= span.last);
                        if own > 0 && own + before > most {
                            passed.push(format!("rule {number}, {span:?}, all of it"));
                        }
                    }
                }
                for span in least_spans(problem, &limit.window) {
                    let mut kinds: Vec<Option<usize>> = (span.first..=span.last).map(own_exception).collect();
                    kinds.dedup();
                    let least: Option<Vec<i64>> = kinds
                        .iter()
                        .map(|kind| match kind {
                            Some(at) => limit.exceptions[*at].at_least.or(limit.at_least),
                            None => limit.at_least,
                        })
                        .collect();
                    let Some(least) = least.and_then(|all| all.into_iter().min()) else { continue };
                    let (own, before) = count(&|day| span.first <= day && day <= span.last);
                    if own + before < least {
                        short.push((number, span, i128::from(least - own - before)));
                    }
                }
            }
            Rule::Amount { scope, column, times, minus, compare, bound, soft } => {
                let own = (0..chosen.len()).filter(|at| {
                    chosen[*at] && within(problem.classes[problem.class[*at] as usize].scopes, *scope)
                });
                let sum: i128 = own
                    .map(|at| {
                        i128::from(problem.columns[*column].get(at)) * i128::from(*times) - i128::from(*minus)
                    })
                    .sum();
                let missing = match compare {
                    Compare::AtMost => sum - i128::from(*bound),
                    Compare::AtLeast => i128::from(*bound) - sum,
                };
                if missing > 0 && *soft {
                    short.push((number, problem.session.unwrap(), missing));
                } else if missing > 0 {
                    passed.push(format!("rule {number}"));
                }
            }
            Rule::Each(_) | Rule::Never(_) | Rule::Only(_) => {}
        }
    }
    (passed, short)
}

/// The score of a choice.
pub fn score(problem: &Problem, chosen: &[bool]) -> i128 {
    chosen
        .iter()
        .zip(problem.score.iter())
        .filter(|(chosen, _)| **chosen)
        .map(|(_, score)| i128::from(score))
        .sum()
}

/// What is missing costs: ten times the largest score for a contact, and for an amount as much for the largest amount.
#[allow(dead_code, reason = "the scale of plans does not ask for it")]
pub fn objective(problem: &Problem, chosen: &[bool]) -> i128 {
    let worth = problem.score.iter().map(|score| i128::from(score).abs()).max().unwrap_or(0).max(1) * 10;
    let (_, short) = shared(problem, chosen);
    let cost: i128 = short
        .iter()
        .map(|(rule, _, missing)| match &problem.rules[*rule] {
            Rule::Amount { scope, column, times, minus, .. } => {
                let largest = (0..problem.score.len())
                    .filter(|at| within(problem.classes[problem.class[*at] as usize].scopes, *scope))
                    .map(|at| {
                        (i128::from(problem.columns[*column].get(at)) * i128::from(*times)
                            - i128::from(*minus))
                        .abs()
                    })
                    .max()
                    .unwrap_or(1)
                    .max(1);
                missing * (worth / largest).max(1)
            }
            _ => missing * worth,
        })
        .sum();
    score(problem, chosen) - cost
}

/// A choice as a list of truths.
pub fn flat(chosen: &Chosen) -> Vec<bool> {
    (0..chosen.len()).map(|contact| chosen.has(contact)).collect()
}

/// Processor time of all threads so far, in seconds.
#[allow(dead_code, reason = "not all measure")]
pub fn worked() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
