//! Random plans and assignments against a general solver of linear and integer programmes: no plan is above the bound of the
//! linear programme, no printed bound is below the optimum in whole contacts, and where a plan is told to be proven, it is
//! that optimum. The programme is written down from the rules, row by row, without any code of the optimiser; it counts in
//! floating point, so that comparisons leave it a millionth.

#[path = "support/plans.rs"]
mod plans;
mod support;

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Variable};
use perq_optimizer::{
    Amounts, Class, Compare, Counted, Each, Options, Past, Problem, Rule, Scope, Span, Window, solve,
};
use std::time::Duration;
use support::{Dice, is_asked, least_spans, objective, within};

/// The programme of a plan.
struct Written {
    lp: microlp::Problem,
    contacts: Vec<Variable>,
    whole: bool,
}

impl Written {
    /// A variable from 0 to 1.
    fn truth(&mut self, worth: f64) -> Variable {
        if self.whole { self.lp.add_integer_var(worth, (0, 1)) } else { self.lp.add_var(worth, (0.0, 1.0)) }
    }

    fn row(&mut self, terms: impl IntoIterator<Item = (Variable, f64)>, compare: ComparisonOp, bound: f64) {
        let mut row = LinearExpr::empty();
        terms.into_iter().for_each(|(variable, weight)| row.add(variable, weight));
        self.lp.add_constraint(row, compare, bound);
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

fn write(problem: &Problem, whole: bool) -> Written {
    let lp = microlp::Problem::new(OptimizationDirection::Maximize);
    let mut written = Written { lp, contacts: Vec::new(), whole };
    for contact in 0..problem.score.len() {
        let variable = written.truth(problem.score.get(contact) as f64);
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

fn shared(problem: &Problem, rule: &Rule, worth: i64, written: &mut Written) {
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
                    let terms: Vec<_> = contacts.iter().map(|at| (written.contacts[*at], 1.0)).collect();
                    written.row(terms, ComparisonOp::Le, (most - before).max(0) as f64);
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
                let short = written.lp.add_var(-worth as f64, (0.0, f64::INFINITY));
                let mut terms: Vec<_> = contacts.iter().map(|at| (written.contacts[*at], 1.0)).collect();
                terms.push((short, 1.0));
                written.row(terms, ComparisonOp::Ge, (least - before) as f64);
            }
        }
        Rule::Amount { scope, column, times, minus, compare, bound, soft } => {
            let own: Vec<usize> =
                (0..problem.score.len()).filter(|at| within(scopes(problem, *at), *scope)).collect();
            let amount = |at: usize| problem.columns[*column].get(at) * times - minus;
            let largest = own.iter().map(|at| amount(*at).abs()).max().unwrap_or(1).max(1);
            let mut terms: Vec<_> =
                own.iter().map(|at| (written.contacts[*at], amount(*at) as f64)).collect();
            if *soft {
                let price = (worth / largest).max(1);
                terms.push((written.lp.add_var(-price as f64, (0.0, f64::INFINITY)), 1.0));
            }
            let compare = if *compare == Compare::AtMost { ComparisonOp::Le } else { ComparisonOp::Ge };
            written.row(terms, compare, *bound as f64);
        }
        Rule::Each(_) | Rule::Never(_) | Rule::Only(_) => {}
    }
}

fn own(problem: &Problem, (rule, asked): (&Rule, bool), member: usize, written: &mut Written) {
    let contacts: Vec<usize> =
        (problem.members[member] as usize..problem.members[member + 1] as usize).collect();
    let all_past =
        &problem.history[problem.history_of[member] as usize..problem.history_of[member + 1] as usize];
    let concerns = |members: Option<Scope>| {
        members.is_none_or(|scope| contacts.iter().any(|at| within(scopes(problem, *at), scope)))
    };
    let past_day = |past: &Past| problem.classes[past.class as usize].day;
    let past_in = |past: &Past, scope: Scope| within(problem.classes[past.class as usize].scopes, scope);
    let of = |written: &Written, at: usize| written.contacts[at];
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
                        let terms: Vec<_> = own.iter().map(|at| (of(written, *at), 1.0)).collect();
                        let room = (most - before.count() as i64).max(0);
                        written.row(terms, ComparisonOp::Le, room as f64);
                    }
                    Counted::OfEachOffer => {
                        let before: Vec<u32> = before.map(|past| past.offer).collect();
                        for offer in own.iter().map(|at| problem.offer[*at]) {
                            let same = own.iter().filter(|at| problem.offer[**at] == offer);
                            let terms: Vec<_> = same.map(|at| (of(written, *at), 1.0)).collect();
                            let sent = before.iter().filter(|own| **own == offer).count() as i64;
                            written.row(terms, ComparisonOp::Le, (most - sent).max(0) as f64);
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
                            let sending = written.truth(0.0);
                            for at in own.iter().filter(|at| problem.package[**at] == package) {
                                let contact = of(written, *at);
                                written.row([(contact, 1.0), (sending, -1.0)], ComparisonOp::Le, 0.0);
                            }
                            terms.push((sending, 1.0));
                        }
                        written.row(terms, ComparisonOp::Le, (most - sent.len() as i64).max(0) as f64);
                    }
                }
            }
            if let Some(least) = each.at_least.filter(|_| asked) {
                let any = written.truth(0.0);
                for at in &contacts {
                    let contact = of(written, *at);
                    written.row([(contact, 1.0), (any, -1.0)], ComparisonOp::Le, 0.0);
                }
                for span in least_spans(problem, &each.window) {
                    let before = past.iter().filter(|past| holds(&span, past_day(past))).count() as i64;
                    let mut terms: Vec<_> =
                        inside(&span).into_iter().map(|at| (of(written, at), 1.0)).collect();
                    terms.push((any, -((least - before).max(0) as f64)));
                    written.row(terms, ComparisonOp::Ge, 0.0);
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
                        let pair = [(of(written, *a), 1.0), (of(written, *b), 1.0)];
                        written.row(pair, ComparisonOp::Le, 1.0);
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
                        written.row([(contact, 1.0)], ComparisonOp::Le, 0.0);
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
                let mut terms: Vec<_> = on.map(|a| (of(written, *a), -1.0)).collect();
                terms.push((of(written, *b), 1.0));
                written.row(terms, ComparisonOp::Le, 0.0);
            }
        }
        Rule::Each(_) | Rule::Never(_) | Rule::Only(_) | Rule::Count(_) | Rule::Amount { .. } => {}
    }
}

/// The optimum of the programme; nothing where the solver gives none in its time.
fn optimum(problem: &Problem, whole: bool) -> Option<f64> {
    let mut lp = write(problem, whole).lp;
    lp.set_time_limit(Duration::from_secs(20));
    let solution = lp.solve().ok()?.into_solution().ok()?;
    Some(solution.objective())
}

/// A thousand plans of a few members, in whole contacts and as a linear programme.
#[test]
fn a_thousand_plans_against_a_general_solver() {
    let (mut compared, mut below, mut equal) = (0, 0, 0);
    for seed in 2001..=3000 {
        let problem = plans::problem(seed, None);
        let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
        let (Some(linear), Some(whole)) = (optimum(&problem, false), optimum(&problem, true)) else {
            continue;
        };
        compared += 1;
        let room = 1e-6 * (1.0 + linear.abs());
        let (plan, bound) = (solution.objective as f64, solution.bound as f64);
        assert!(plan <= whole + room, "seed {seed}: {plan} is above the optimum {whole}");
        assert!(plan <= linear + room, "seed {seed}: {plan} is above the linear bound {linear}");
        assert!(bound >= whole - room, "seed {seed}: the bound {bound} is below the optimum {whole}");
        assert!(
            bound <= linear.floor() + 1.0 + room,
            "seed {seed}: the bound {bound}, the linear one {linear}"
        );
        below += usize::from(bound < linear - 1.0);
        if solution.proven {
            assert!((plan - whole).abs() <= room, "seed {seed}: {plan} is told to be the optimum {whole}");
            equal += 1;
        }
    }
    println!("{compared} compared; {equal} proven optima, {below} bounds below the linear one");
    assert!(compared > 950 && equal > 900, "{compared} compared, {equal} proven");
}

/// Plans of some dozens of members: the linear programme is the measure.
#[test]
fn larger_plans_against_the_linear_programme() {
    let (mut compared, mut near) = (0, 0);
    for seed in 1..=30 {
        let problem = plans::problem(seed, Some(60));
        let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
        let chosen = support::flat(&solution.chosen);
        assert_eq!(solution.objective, objective(&problem, &chosen), "seed {seed}");
        for member in 0..problem.member_count() {
            assert_eq!(support::member_is_met(&problem, member, &chosen), Ok(()), "seed {seed}");
        }
        let Some(linear) = optimum(&problem, false) else { continue };
        compared += 1;
        let (plan, bound) = (solution.objective as f64, solution.bound as f64);
        let room = 1e-6 * (1.0 + linear.abs());
        assert!(plan <= linear + room, "seed {seed}: {plan} is above the linear bound {linear}");
        // Prices are found by steps: what they lack of the best ones is little, but for promises that fall far short, whose
        // prices climb to ten times the largest score.
        let lacking = (bound - linear) / (1.0 + linear.abs());
        assert!(lacking <= 0.03, "seed {seed}: the bound {bound} is above the linear one {linear}");
        near += usize::from(lacking <= 0.002);
    }
    println!("{compared} compared, {near} of the bounds within 0.2 % of the linear one or below");
    assert!(compared >= 25 && near * 10 >= compared * 8, "{near} of {compared} are near");
}

/// Jobs for agents of the published sorts: every job is a member, every agent a limit on what its jobs take. Type C draws times from
/// 5 to 25 and costs from 10 to 50; D times from 1 to 100, and costs that fall with them; E times as 1 less ten times the
/// logarithm of a draw, and costs near a thousand by the time. An agent has eight tenths of all its times by the number of agents.
fn assignment(sort: char, agents: usize, jobs: usize, seed: u64) -> Problem {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..8 {
        dice.next();
    }
    let mut between = |low: i64, high: i64| low + dice.below((high - low + 1) as u64) as i64;
    let mut problem = Problem {
        session: Some(Span { first: 0, last: 0 }),
        members: vec![0],
        history_of: vec![0],
        columns: vec![Amounts::default()],
        ..Problem::default()
    };
    problem.classes = (0..agents).map(|agent| Class { day: 0, scopes: 1 | 2 << agent }).collect();
    let mut taken = vec![0i64; agents];
    for _ in 0..jobs {
        for (agent, taken) in taken.iter_mut().enumerate() {
            let (time, cost) = match sort {
                'C' => (between(5, 25), between(10, 50)),
                'D' => {
                    let time = between(1, 100);
                    (time, 111 - time + between(-10, 10))
                }
                _ => {
                    let draw = between(1, 1_000_000) as f64 / 1_000_000.0;
                    let time = (1.0 - 10.0 * draw.ln()) as i64;
                    (
                        time.max(1),
                        (1000.0 / time.max(1) as f64 - 10.0 * between(0, 1000) as f64 / 1000.0) as i64,
                    )
                }
            };
            // What is left undone costs more than anything that is done.
            problem.score.push(5_000 - cost);
            problem.class.push(agent as u32);
            problem.offer.push(agent as u32);
            problem.package.push(0);
            problem.columns[0].push(time);
            *taken += time;
        }
        problem.members.push(problem.score.len() as u32);
        problem.history_of.push(0);
    }
    let window = Window { spans: vec![Span { first: 0, last: 0 }], history: false };
    problem.rules.push(Rule::Each(Each {
        members: None,
        scope: Scope(0),
        window,
        counted: Counted::Contacts,
        at_least: None,
        at_most: Some(1),
        skip: false,
    }));
    for (agent, taken) in taken.into_iter().enumerate() {
        problem.rules.push(Rule::Amount {
            scope: Scope(1 + agent as u8),
            column: 0,
            times: 1,
            minus: 0,
            compare: Compare::AtMost,
            bound: taken * 8 / 10 / agents as i64,
            soft: false,
        });
    }
    problem
}

/// Small assignments of three sorts: each against the optimum in whole jobs.
#[test]
fn assignments_of_the_published_sorts() {
    let (mut compared, mut best, mut proven) = (0, 0, 0);
    for sort in ['C', 'D', 'E'] {
        for seed in 1..=6 {
            let problem = assignment(sort, 3, 10, seed);
            let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
            let (Some(linear), Some(whole)) = (optimum(&problem, false), optimum(&problem, true)) else {
                continue;
            };
            compared += 1;
            let (plan, bound) = (solution.objective as f64, solution.bound as f64);
            println!("{sort} {seed}: {plan} of {whole}, bound {bound}, linear {linear}");
            assert!(plan <= whole + 0.01 && bound >= whole - 0.01, "{sort} {seed}: {plan}, {bound}, {whole}");
            best += usize::from((plan - whole).abs() < 0.01);
            proven += usize::from(solution.proven);
        }
    }
    println!("{compared} compared, {best} at the optimum, {proven} proven");
    assert!(compared >= 15 && best == compared, "{best} of {compared} are optimal");
}
