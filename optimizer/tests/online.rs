//! One contact after another, with the same rules as in a plan: what a plan chooses may be sent in order of time, contact by
//! contact, as far as most numbers and what never meets go; and what the independent checker refuses beside what was
//! sent, is refused.

#[path = "support/plans.rs"]
mod plans;
mod support;

use perq_optimizer::{Amounts, Held, Options, Past, Problem, Rule, Scope, Span, admit, solve};
use plans::problem;
use support::{flat, member_is_met, shared, within};

/// The question whether a contact may be made after others: it is the only one that is proposed, and its day the session.
fn question(problem: &Problem, member: usize, contact: usize, sent: &[usize]) -> Problem {
    let member_of = |contact: usize| problem.members.partition_point(|start| *start as usize <= contact) - 1;
    let past = |at: &usize| Past {
        class: problem.class[*at],
        offer: problem.offer[*at],
        package: problem.package[*at],
    };
    let before = problem.history_of[member] as usize..problem.history_of[member + 1] as usize;
    let mut history: Vec<Past> = problem.history[before.clone()].to_vec();
    history.extend(sent.iter().filter(|at| member_of(**at) == member).map(past));
    let mine = history.len() as u32;
    let strangers = problem.history.iter().enumerate().filter(|(at, _)| !before.contains(at));
    history.extend(strangers.map(|(_, past)| *past));
    history.extend(sent.iter().filter(|at| member_of(**at) != member).map(past));
    let one = |list: &Amounts| {
        let mut own = Amounts::with_capacity(1);
        own.push(list.get(contact));
        own
    };
    let day = problem.classes[problem.class[contact] as usize].day;
    Problem {
        members: vec![0, 1],
        score: one(&problem.score),
        class: vec![problem.class[contact]],
        offer: vec![problem.offer[contact]],
        package: vec![problem.package[contact]],
        columns: problem.columns.iter().map(one).collect(),
        classes: problem.classes.clone(),
        history,
        history_of: vec![0, mine],
        others: Vec::new(),
        session: Some(Span { first: day, last: day }),
        rules: problem.rules.clone(),
    }
}

/// Rules that hold for each contact by itself, given what was sent: most numbers, and what never meets. Amounts and what asks for
/// another contact depend on what comes later.
fn holds_one_by_one(rule: &Rule) -> bool {
    match rule {
        Rule::Count(_) | Rule::Never(_) => true,
        Rule::Each(each) => each.at_least.is_none(),
        Rule::Amount { .. } | Rule::Only(_) => false,
    }
}

/// The contacts of a choice in order of their days.
fn by_day(problem: &Problem, chosen: &[bool]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..chosen.len()).filter(|at| chosen[*at]).collect();
    order.sort_by_key(|at| (problem.classes[problem.class[*at] as usize].day, *at));
    order
}

fn member_of(problem: &Problem, contact: usize) -> usize {
    problem.members.partition_point(|start| *start as usize <= contact) - 1
}

#[test]
fn what_a_plan_chooses_may_be_sent_one_by_one() {
    let mut asked = 0;
    for seed in 1..=1000 {
        let mut problem = problem(seed, None);
        problem.rules.retain(holds_one_by_one);
        let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
        let chosen = flat(&solution.chosen);
        let mut sent = Vec::new();
        for contact in by_day(&problem, &chosen) {
            let question = question(&problem, member_of(&problem, contact), contact, &sent);
            assert_eq!(admit(&question), [], "seed {seed}: contact {contact} after {sent:?}");
            sent.push(contact);
            asked += 1;
        }
    }
    assert!(asked > 2000, "{asked} contacts");
}

/// What the checker refuses of a member, or of what members share, beside all that was sent before on no later day: with the rules in
/// whose windows what was before counts.
#[test]
fn what_the_checker_refuses_is_refused() {
    let (mut refused, mut admitted) = (0, 0);
    for seed in 1..=1000 {
        let mut problem = problem(seed, None);
        problem.rules.retain(|rule| {
            holds_one_by_one(rule)
                && match rule {
                    Rule::Count(limit) => limit.window.history,
                    Rule::Each(each) => each.window.history && each.members.is_none(),
                    Rule::Never(never) => never.window.history && never.members.is_none(),
                    Rule::Amount { .. } | Rule::Only(_) => false,
                }
        });
        let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
        let chosen = flat(&solution.chosen);
        let day = |at: usize| problem.classes[problem.class[at] as usize].day;
        for contact in (0..chosen.len()).filter(|at| !chosen[*at]) {
            // What was sent no later, and the contact.
            let mut with: Vec<bool> =
                (0..chosen.len()).map(|at| chosen[at] && day(at) <= day(contact)).collect();
            let sent: Vec<usize> = by_day(&problem, &with);
            with[contact] = true;
            let member = member_of(&problem, contact);
            let wrong =
                member_is_met(&problem, member, &with).is_err() || !shared(&problem, &with).0.is_empty();
            let held = admit(&question(&problem, member, contact, &sent));
            assert_eq!(wrong, !held.is_empty(), "seed {seed}: contact {contact} after {sent:?}: {held:?}");
            if wrong {
                refused += 1;
            } else {
                admitted += 1;
            }
            for why in held {
                let (Held::Rule(rule) | Held::Full(rule, _)) = why;
                let concerned = match &problem.rules[rule] {
                    Rule::Count(limit) => vec![limit.scope],
                    Rule::Each(each) => vec![each.scope],
                    Rule::Never(never) => vec![never.first, never.second],
                    Rule::Amount { .. } | Rule::Only(_) => Vec::<Scope>::new(),
                };
                let scopes = problem.classes[problem.class[contact] as usize].scopes;
                assert!(concerned.iter().any(|own| within(scopes, *own)), "seed {seed}: {why:?}");
            }
        }
    }
    assert!(refused > 1000 && admitted > 100, "{refused} refused, {admitted} admitted");
}
