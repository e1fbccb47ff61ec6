//! A thousand small plans with all sorts of rules: the choice is one that an independent checker admits, its objective is the
//! largest there is, by trying all choices, or within the gap that the answer tells, and no choice is above the bound.

#[path = "support/plans.rs"]
mod plans;
mod support;

use perq_optimizer::{
    Class, Counted, Dropped, Each, Exception, Limit, Never, Options, Problem, RowPrice, Rule, Scope,
    Solution, Span, Window, conflicts, solve, why_dropped,
};
use plans::{ALL, DAYS, problem};
use support::{flat, member_is_met, objective, score, shared};

/// The largest objective, by trying all choices of all members.
fn best(problem: &Problem) -> i128 {
    let mut best = i128::MIN;
    let mut choices: Vec<Vec<u64>> = Vec::new();
    for member in 0..problem.member_count() {
        let (from, to) = (problem.members[member] as usize, problem.members[member + 1] as usize);
        let mut own = Vec::new();
        for mask in 0..1u64 << (to - from) {
            let mut chosen = vec![false; problem.score.len()];
            for item in 0..to - from {
                chosen[from + item] = mask >> item & 1 == 1;
            }
            if member_is_met(problem, member, &chosen).is_ok() {
                own.push(mask);
            }
        }
        choices.push(own);
    }
    let mut picked = vec![0usize; choices.len()];
    'all: loop {
        let mut chosen = vec![false; problem.score.len()];
        for (member, (own, at)) in choices.iter().zip(&picked).enumerate() {
            for contact in problem.contacts_of(member) {
                chosen[contact] = own[*at] >> (contact - problem.members[member] as usize) & 1 == 1;
            }
        }
        // What cannot be better need not be looked at.
        if score(problem, &chosen) > best && shared(problem, &chosen).0.is_empty() {
            best = best.max(objective(problem, &chosen));
        }
        for (at, own) in picked.iter_mut().zip(&choices) {
            *at += 1;
            if *at < own.len() {
                continue 'all;
            }
            *at = 0;
        }
        return best;
    }
}

/// What a rule is of: one and the same may be several.
fn sorts_of(rule: &Rule) -> Vec<&'static str> {
    let (sort, window, members, more): (_, Option<&Window>, Option<Scope>, Vec<(bool, &str)>) = match rule {
        Rule::Count(limit) => (
            "limit of all",
            Some(&limit.window),
            None,
            vec![
                (limit.at_most.is_some(), "most of all"),
                (limit.at_least.is_some(), "least of all"),
                (!limit.exceptions.is_empty(), "exception"),
            ],
        ),
        Rule::Amount { times, soft, .. } => (
            "amount of all",
            None,
            None,
            vec![(*times == 1, "sum"), (*times > 1, "average"), (*soft, "sum of at least")],
        ),
        Rule::Each(each) => {
            let counted = match each.counted {
                Counted::Contacts => "contacts of each",
                Counted::Packages => "packages of each",
                Counted::OfEachOffer => "each offer of each",
            };
            let least = (each.at_least.is_some(), "least of each");
            (counted, Some(&each.window), each.members, vec![least, (each.skip, "least, or skipped")])
        }
        Rule::Never(never) => {
            let sort = if never.in_order { "never followed by" } else { "never with" };
            (sort, Some(&never.window), never.members, Vec::new())
        }
        Rule::Only(link) => {
            let sort = if link.after { "only after" } else { "only with" };
            (sort, Some(&link.window), link.members, Vec::new())
        }
    };
    let history = window.map(|window| if window.history { "with history" } else { "session" });
    let own = [(members.is_some(), "of some members"), (true, sort)];
    more.into_iter().chain(own).filter(|own| own.0).map(|own| own.1).chain(history).collect()
}

#[test]
fn a_thousand_small_plans() {
    let (mut proven, mut sorts) = (0, std::collections::BTreeMap::<&str, usize>::new());
    for seed in 1..=1000 {
        let problem = problem(seed, None);
        for rule in &problem.rules {
            sorts_of(rule).into_iter().for_each(|sort| *sorts.entry(sort).or_default() += 1);
        }
        let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
        let chosen = flat(&solution.chosen);
        for member in 0..problem.member_count() {
            assert_eq!(member_is_met(&problem, member, &chosen), Ok(()), "seed {seed}");
        }
        let (passed, short) = shared(&problem, &chosen);
        assert!(passed.is_empty(), "seed {seed}: {passed:?}");
        let told: i128 = solution.short.iter().map(|short| short.missing).sum();
        assert_eq!(short.iter().map(|(_, _, missing)| missing).sum::<i128>(), told, "seed {seed}");
        assert_eq!(solution.score, score(&problem, &chosen), "seed {seed}");
        assert_eq!(solution.objective, objective(&problem, &chosen), "seed {seed}");
        let best = best(&problem);
        assert!(solution.bound >= best, "seed {seed}: bound {} below {best}", solution.bound);
        assert!(solution.objective <= best, "seed {seed}");
        reasons(&problem, &solution, &chosen, seed);
        if solution.proven {
            assert_eq!(solution.objective, best, "seed {seed}");
            proven += 1;
        }
    }
    assert_eq!(sorts.len(), 20, "{sorts:?}");
    assert!(sorts.values().all(|count| *count > 70), "{sorts:?}");
    assert!(proven > 950, "{proven} of 1000 are proven");
    println!("{proven} of 1000 proven; rules of each sort: {sorts:?}");
}

/// Why a contact is not chosen, held against the checker: with it the rule would be broken, or the limit passed.
fn reasons(problem: &Problem, solution: &perq_optimizer::Solution, chosen: &[bool], seed: u64) {
    let mut told = vec![false; chosen.len()];
    why_dropped(problem, solution, &mut |contact, why| {
        told[contact] = true;
        let mut with = chosen.to_vec();
        with[contact] = true;
        let member = problem.members.partition_point(|start| *start as usize <= contact) - 1;
        match why {
            Dropped::Rule(rule) | Dropped::Least(rule) => {
                let alone = Problem { rules: vec![problem.rules[rule].clone()], ..problem.clone() };
                assert!(member_is_met(&alone, member, &with).is_err(), "seed {seed}: {why:?} of {contact}");
            }
            Dropped::Full(rule, _) => {
                let alone = Problem { rules: vec![problem.rules[rule].clone()], ..problem.clone() };
                assert!(!shared(&alone, &with).0.is_empty(), "seed {seed}: {why:?} of {contact}");
            }
            Dropped::Price(..) | Dropped::Worth => {
                // Nothing forbids it; then it would not make the plan better.
                let better = objective(problem, &with) > objective(problem, chosen);
                let fits =
                    member_is_met(problem, member, &with).is_ok() && shared(problem, &with).0.is_empty();
                assert!(!(fits && better && solution.proven), "seed {seed}: {why:?} of {contact}");
            }
        }
    });
    let all = chosen.iter().zip(&told).all(|(chosen, told)| chosen != told);
    assert!(all, "seed {seed}: a contact is chosen and dropped, or neither");
}

/// All choices that members' own rules allow.
fn choices(problem: &Problem) -> Vec<Vec<bool>> {
    let contacts = problem.score.len();
    let mut all = vec![vec![false; contacts]];
    for member in 0..problem.member_count() {
        let (from, to) = (problem.members[member] as usize, problem.members[member + 1] as usize);
        let mut next = Vec::new();
        for mask in 0..1u64 << (to - from) {
            let mut own = vec![false; contacts];
            (from..to).for_each(|at| own[at] = mask >> (at - from) & 1 == 1);
            if member_is_met(problem, member, &own).is_ok() {
                next.extend(
                    all.iter().map(|before| before.iter().zip(&own).map(|(a, b)| a | b).collect::<Vec<_>>()),
                );
            }
        }
        all = next;
    }
    all
}

#[test]
fn what_cannot_be_met_cannot_be_met() {
    let (mut named, mut alone, mut together) = (0, 0, 0);
    for seed in 1..=150 {
        let problem = problem(seed, None);
        if problem.score.len() > 11 {
            continue;
        }
        for conflict in conflicts(&problem, 1, None) {
            if !conflict.also.is_empty() {
                // Together: whatever is chosen, something of one of them is missing.
                let set = [(conflict.rule, conflict.span)].into_iter().chain(conflict.also.iter().copied());
                let set: Vec<(usize, Span)> = set.collect();
                for chosen in choices(&problem) {
                    let (passed, short) = shared(&problem, &chosen);
                    let own = short.iter().any(|(rule, span, _)| set.contains(&(*rule, *span)));
                    assert!(!passed.is_empty() || own, "seed {seed}: {conflict:?} can be met");
                }
                together += 1;
                continue;
            }
            named += 1;
            alone += usize::from(conflict.with.is_empty());
            // The least number and the rules that are named, without all others.
            let keep = |rule: usize| conflict.with.contains(&rule);
            let rules = problem.rules.iter().enumerate();
            let rules = rules.map(|(rule, own)| match own {
                Rule::Count(limit) if rule == conflict.rule && !keep(rule) => {
                    let none = |own: &Exception| Exception { at_most: None, ..*own };
                    let exceptions = limit.exceptions.iter().map(none).collect();
                    Rule::Count(Limit { at_most: None, exceptions, ..limit.clone() })
                }
                own if rule == conflict.rule || keep(rule) => own.clone(),
                _ => Rule::Never(Never {
                    members: None,
                    first: ALL,
                    second: ALL,
                    window: Window { spans: Vec::new(), history: false },
                    in_order: true,
                }),
            });
            let reduced = Problem { rules: rules.collect(), ..problem.clone() };
            let missing = |reduced: &Problem| {
                let all = choices(reduced);
                let fitting =
                    all.iter().map(|chosen| shared(reduced, chosen)).filter(|(passed, _)| passed.is_empty());
                let of = |short: Vec<(usize, Span, i128)>| -> i128 {
                    let own =
                        short.iter().find(|(rule, span, _)| *rule == conflict.rule && *span == conflict.span);
                    own.map_or(0, |(_, _, missing)| *missing)
                };
                fitting.map(|(_, short)| of(short)).min()
            };
            let (found, with_all) = (missing(&reduced), missing(&problem));
            assert!(found > Some(0), "seed {seed}: {conflict:?} can be met");
            assert!(
                with_all >= Some(conflict.missing),
                "seed {seed}: {conflict:?}, {with_all:?} are missing"
            );
        }
    }
    println!("{named} named, {alone} of them alone; {together} sets");
    assert!(named > 20 && alone > 5 && alone < named, "{named} named, {alone} of them alone");
}

/// A limit on contacts in any three days.
fn in_three_days(scope: Scope, at_most: i64) -> Rule {
    let spans = (-2..DAYS).map(|first| Span { first, last: first + 2 }).collect();
    let window = Window { spans, history: true };
    Rule::Count(Limit { scope, window, at_least: None, at_most: Some(at_most), exceptions: Vec::new() })
}

#[test]
fn the_same_plan_for_any_number_of_threads_and_less_work_from_the_last_prices() {
    let mut problem = problem(7, Some(9_000));
    problem.rules = vec![
        in_three_days(ALL, 6_000),
        in_three_days(Scope(1), 1_200),
        Rule::Each(Each {
            members: None,
            scope: ALL,
            window: Window { spans: vec![Span { first: -1000, last: 1000 }], history: true },
            counted: Counted::Contacts,
            at_least: None,
            at_most: Some(3),
            skip: false,
        }),
    ];
    let one = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
    for threads in [2, 5] {
        let other = solve(&problem, &Options { threads, ..Options::default() }, &mut |_| {}).unwrap();
        assert_eq!(
            (&one.chosen, one.bound, &one.prices),
            (&other.chosen, other.bound, &other.prices),
            "{threads} threads"
        );
    }
    let chosen = flat(&one.chosen);
    assert!(shared(&problem, &chosen).0.is_empty());
    let gap = (one.bound - one.objective) * 10_000 / one.bound;
    assert!(gap <= 5, "a gap of {gap} hundredths of a percent");
    // One bound changes.
    problem.rules[1] = in_three_days(Scope(1), 1_100);
    let prices: Vec<RowPrice> = one.prices.clone();
    let warm = solve(&problem, &Options { prices, ..Options::default() }, &mut |_| {}).unwrap();
    let cold = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
    assert!(warm.passes * 3 < cold.passes * 2, "{} and {} passes", warm.passes, cold.passes);
    assert!(warm.choices * 3 < cold.choices * 2, "{} and {} choices", warm.choices, cold.choices);
    assert!(warm.bound >= cold.objective && cold.bound >= warm.objective);
    let gap = (warm.bound - warm.objective) * 10_000 / warm.bound;
    assert!(gap <= 5, "a gap of {gap} hundredths of a percent from the last prices");
}

/// Whether bounds of plans change by a tenth, up or down, one or several: fewer members are chosen for from the last prices than from
/// nothing, and the plan is near its bound. 9 000 members are all asked at each step, 26 000 in turns with a sample.
#[test]
fn less_work_from_the_last_prices_whichever_bounds_change() {
    for (members, most) in [(9_000, 150), (26_000, 15)] {
        let mut problem = problem(11, Some(members));
        let rules = |tenths: [i64; 3]| -> Vec<Rule> {
            let bounds = [(ALL, 65), (Scope(1), 14), (Scope(6), 19)].into_iter().zip(tenths);
            bounds
                .map(|((scope, part), tenths)| in_three_days(scope, members as i64 * part * tenths / 1000))
                .collect()
        };
        problem.rules = rules([10, 10, 10]);
        let one = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
        let two = solve(&problem, &Options { threads: 3, ..Options::default() }, &mut |_| {}).unwrap();
        assert_eq!((&one.chosen, one.bound, &one.prices), (&two.chosen, two.bound, &two.prices));
        for tenths in [[9, 10, 10], [11, 10, 10], [10, 9, 10], [10, 11, 10], [10, 10, 9], [9, 9, 11]] {
            problem.rules = rules(tenths);
            let warm = Options { prices: one.prices.clone(), ..Options::default() };
            let warm = solve(&problem, &warm, &mut |_| {}).unwrap();
            let cold = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
            let gap = |of: &Solution| (of.bound - of.objective) * 100_000 / of.bound;
            let gaps = (gap(&warm), gap(&cold));
            println!("{members} {tenths:?}: {} and {} choices, gaps {gaps:?}", warm.choices, cold.choices);
            assert!(warm.choices * 3 < cold.choices * 2, "{} and {} choices", warm.choices, cold.choices);
            for solution in [&warm, &cold] {
                assert!(shared(&problem, &flat(&solution.chosen)).0.is_empty());
            }
            assert!(
                gaps.0.max(gaps.1) <= most,
                "{members} {tenths:?}: gaps of {gaps:?} thousandths of a percent"
            );
            assert!(warm.bound >= cold.objective && cold.bound >= warm.objective);
        }
    }
}

/// A plan of one window of one day for members each of whom has some contacts, all of them in scope 0 and each in one of its own.
fn of_one_day(members: &[&[(u8, i64)]], rules: Vec<Rule>) -> Problem {
    let mut problem = Problem {
        session: Some(Span { first: 0, last: 0 }),
        members: vec![0],
        history_of: vec![0],
        classes: (0..4).map(|sort| Class { day: 0, scopes: 1 | 2 << sort }).collect(),
        rules,
        ..Problem::default()
    };
    for contacts in members {
        for (sort, score) in *contacts {
            problem.score.push(*score);
            problem.class.push(u32::from(*sort));
            problem.offer.push(u32::from(*sort));
            problem.package.push(0);
        }
        problem.members.push(problem.score.len() as u32);
        problem.history_of.push(0);
    }
    problem
}

fn one_day() -> Window {
    Window { spans: vec![Span { first: 0, last: 0 }], history: false }
}

fn at_least(sort: u8, least: i64) -> Rule {
    let (scope, window, at_least) = (Scope(1 + sort), one_day(), Some(least));
    Rule::Count(Limit { scope, window, at_least, at_most: None, exceptions: Vec::new() })
}

/// Two members get one contact each. Two of sort 0 can be had, and so can one of sort 1; both together are three. One of sort 2
/// belongs to a third member, and is in nobody's way.
#[test]
fn minima_that_clash_only_together_are_named_together() {
    let one_each = Rule::Each(Each {
        members: None,
        scope: ALL,
        window: one_day(),
        counted: Counted::Contacts,
        at_least: None,
        at_most: Some(1),
        skip: false,
    });
    let both: &[(u8, i64)] = &[(0, 5), (1, 4)];
    let members = [both, both, &[(2, 3)]];
    let rules = vec![at_least(2, 1), at_least(0, 2), one_each.clone(), at_least(1, 1)];
    let found = conflicts(&of_one_day(&members, rules), 1, None);
    let told: Vec<_> = found.iter().map(|own| (own.rule, own.missing, &own.with, &own.also)).collect();
    let span = Span { first: 0, last: 0 };
    assert_eq!(told, [(1, 1, &vec![2], &vec![(3, span)])]);
    // With one of sort 0 there is room for all.
    let rules = vec![at_least(2, 1), at_least(0, 1), one_each, at_least(1, 1)];
    assert_eq!(conflicts(&of_one_day(&members, rules), 1, None), []);
}

/// A hundred contacts of one member over twenty days, one in any five days: the best days at least five apart, day by day.
#[test]
fn more_contacts_of_a_member_than_a_word_has_bits() {
    for seed in 1..=5 {
        let mut dice = support::Dice(seed * 0x9E37_79B9 + 1);
        let mut problem = of_one_day(&[], Vec::new());
        problem.session = Some(Span { first: 0, last: 19 });
        problem.classes = (0..20).map(|day| Class { day, scopes: 1 }).collect();
        let mut of_day = [0i64; 20];
        for _ in 0..100 {
            let (day, score) = (dice.below(20) as usize, 1 + dice.below(1000) as i64);
            of_day[day] = of_day[day].max(score);
            problem.score.push(score);
            problem.class.push(day as u32);
            problem.offer.push(0);
            problem.package.push(0);
        }
        problem.members.push(100);
        problem.history_of.push(0);
        let spans = (-4..20).map(|first| Span { first, last: first + 4 }).collect();
        problem.rules.push(Rule::Each(Each {
            members: None,
            scope: ALL,
            window: Window { spans, history: true },
            counted: Counted::Contacts,
            at_least: None,
            at_most: Some(1),
            skip: false,
        }));
        let mut best = [0i64; 20];
        for day in 0..20 {
            let with = of_day[day] + if day >= 5 { best[day - 5] } else { 0 };
            best[day] = with.max(if day > 0 { best[day - 1] } else { 0 });
        }
        let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
        assert_eq!((solution.objective, solution.bound), (best[19].into(), best[19].into()), "seed {seed}");
        assert_eq!(member_is_met(&problem, 0, &flat(&solution.chosen)), Ok(()));
        // Of 257 there is no answer.
        for _ in 100..257 {
            problem.score.push(1);
            problem.class.push(0);
            problem.offer.push(0);
            problem.package.push(0);
        }
        problem.members[1] = 257;
        let refused = solve(&problem, &Options::default(), &mut |_| {}).unwrap_err();
        assert_eq!(refused, perq_optimizer::ProblemError::TooManyOfMember { member: 0, contacts: 257 });
    }
}
