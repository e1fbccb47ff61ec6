//! A thousand small plans with all sorts of rules: the choice is one that an independent checker admits, its objective is the
//! largest there is, by trying all choices, or within the gap that the answer tells, and no choice is above the bound.

mod support;

use perq_optimizer::{
    Amounts, Class, Compare, Counted, Dropped, Each, Exception, Limit, Link, Never, Options, Past, Problem,
    RowPrice, Rule, Scope, Span, Window, conflicts, solve, why_dropped,
};
use support::{Dice, flat, member_is_met, objective, score, shared};

const OFFERS: u64 = 4;
const CHANNELS: u64 = 3;
const DAYS: i32 = 8;

/// Scopes: all, then one for each offer, each channel, and two of members.
const ALL: Scope = Scope(0);
const MEMBERS: u8 = 1 + OFFERS as u8 + CHANNELS as u8;

fn scope(dice: &mut Dice) -> Scope {
    if dice.chance(30) { ALL } else { Scope(1 + dice.below(OFFERS + CHANNELS) as u8) }
}

fn window(dice: &mut Dice) -> Window {
    match dice.below(4) {
        0 => Window { spans: vec![Span { first: 0, last: DAYS - 1 }], history: false },
        1 => {
            let spans = (-2..3).map(|week| Span { first: week * 5, last: week * 5 + 4 }).collect();
            Window { spans, history: true }
        }
        2 => Window { spans: vec![Span { first: -1000, last: 1000 }], history: true },
        _ => {
            let length = 1 + dice.below(6) as i32;
            let spans = (-length + 1..DAYS).map(|first| Span { first, last: first + length - 1 }).collect();
            Window { spans, history: true }
        }
    }
}

fn members(dice: &mut Dice) -> Option<Scope> {
    dice.chance(30).then(|| Scope(MEMBERS + dice.below(2) as u8))
}

fn rule(dice: &mut Dice, contacts: i64) -> Rule {
    match dice.below(10) {
        0..=2 => {
            let (mut at_least, mut at_most) = (None, None);
            let some = (dice.below(contacts as u64 / 2 + 1)) as i64;
            match dice.below(3) {
                0 => at_least = Some(some),
                1 => at_most = Some(some),
                _ => (at_least, at_most) = (Some(some / 2), Some(some)),
            }
            let mut exceptions = Vec::new();
            for first in [1, 5] {
                if dice.chance(25) {
                    let days = Span { first, last: first + dice.below(3) as i32 };
                    let at_least = dice.chance(40).then(|| dice.below(3) as i64);
                    let at_most = dice.chance(60).then(|| dice.below(5) as i64);
                    exceptions.push(Exception { days, at_least, at_most });
                }
            }
            Rule::Count(Limit { scope: scope(dice), window: window(dice), at_least, at_most, exceptions })
        }
        3 => {
            let compare = if dice.chance(50) { Compare::AtMost } else { Compare::AtLeast };
            let soft = compare == Compare::AtLeast;
            Rule::Amount {
                scope: scope(dice),
                column: 0,
                times: 1,
                minus: 0,
                compare,
                bound: dice.below(300) as i64,
                soft,
            }
        }
        4 => {
            // An average against sixths.
            let compare = if dice.chance(50) { Compare::AtMost } else { Compare::AtLeast };
            let minus = 100 + dice.below(300) as i64;
            Rule::Amount { scope: scope(dice), column: 0, times: 6, minus, compare, bound: 0, soft: false }
        }
        5 | 6 => {
            let counted = [Counted::Contacts, Counted::Contacts, Counted::Packages, Counted::OfEachOffer]
                [dice.below(4) as usize];
            let at_least =
                (counted == Counted::Contacts && dice.chance(40)).then(|| 1 + dice.below(2) as i64);
            let at_most = (at_least.is_none() || dice.chance(50)).then(|| 1 + dice.below(3) as i64);
            Rule::Each(Each {
                members: members(dice),
                scope: scope(dice),
                window: window(dice),
                counted,
                at_least,
                at_most,
            })
        }
        7 | 8 => Rule::Never(Never {
            members: members(dice),
            first: scope(dice),
            second: scope(dice),
            window: window(dice),
            in_order: dice.chance(50),
        }),
        _ => Rule::Only(Link {
            members: members(dice),
            scope: scope(dice),
            on: scope(dice),
            after: dice.chance(50),
            window: window(dice),
        }),
    }
}

/// Members, contacts, history and rules; a few members where `members` does not say how many.
fn problem(seed: u64, members: Option<u64>) -> Problem {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..8 {
        dice.next();
    }
    let mut problem = Problem { columns: vec![Amounts::default()], ..Problem::default() };
    problem.session = Some(Span { first: 0, last: DAYS - 1 });
    let mut package = 0;
    let class = |dice: &mut Dice, day: i32, own: u128, classes: &mut Vec<Class>| {
        let (offer, channel) = (dice.below(OFFERS), dice.below(CHANNELS));
        let scopes = own | 1 | 1 << (1 + offer) | 1 << (1 + OFFERS + channel);
        let class = Class { day, scopes };
        let at = classes.iter().position(|own| *own == class).unwrap_or_else(|| {
            classes.push(class);
            classes.len() - 1
        });
        (at as u32, offer as u32)
    };
    problem.members.push(0);
    problem.history_of.push(0);
    let count = members.unwrap_or(1 + dice.below(4));
    for _ in 0..count {
        let own = (dice.below(4) as u128) << MEMBERS;
        for _ in 0..1 + dice.below(5) {
            let day = dice.below(DAYS as u64) as i32;
            let (class, offer) = class(&mut dice, day, own, &mut problem.classes);
            problem.class.push(class);
            problem.offer.push(offer);
            problem.package.push(package + dice.below(3) as u32);
            problem.score.push(dice.below(60) as i64 - 5);
            problem.columns[0].push(dice.below(90) as i64);
        }
        for _ in 0..dice.below(4) {
            let day = -1 - dice.below(8) as i32;
            let (class, offer) = class(&mut dice, day, own, &mut problem.classes);
            problem.history.push(Past { class, offer, package: package + dice.below(4) as u32 });
        }
        package += 10;
        problem.members.push(problem.score.len() as u32);
        problem.history_of.push(problem.history.len() as u32);
    }
    for _ in 0..dice.below(3) {
        let day = -1 - dice.below(8) as i32;
        let (class, offer) = class(&mut dice, day, 0, &mut problem.classes);
        problem.history.push(Past { class, offer, package });
        package += 1;
    }
    let contacts = problem.score.len() as i64;
    for _ in 0..2 + dice.below(6) {
        let rule = rule(&mut dice, contacts);
        problem.rules.push(rule);
    }
    problem
}

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

#[test]
fn a_thousand_small_plans() {
    let (mut proven, mut sorts) = (0, [0usize; 5]);
    for seed in 1..=1000 {
        let problem = problem(seed, None);
        for rule in &problem.rules {
            let sort = match rule {
                Rule::Count(_) => 0,
                Rule::Amount { .. } => 1,
                Rule::Each(_) => 2,
                Rule::Never(_) => 3,
                Rule::Only(_) => 4,
            };
            sorts[sort] += 1;
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
    assert!(sorts.iter().all(|count| *count > 300), "{sorts:?}");
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
    let (mut named, mut alone) = (0, 0);
    for seed in 1..=150 {
        let problem = problem(seed, None);
        if problem.score.len() > 11 {
            continue;
        }
        for conflict in conflicts(&problem, 1, None) {
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
    assert!(named > 20 && alone > 5 && alone < named, "{named} named, {alone} of them alone");
}

#[test]
fn the_same_plan_for_any_number_of_threads_and_less_work_from_the_last_prices() {
    let mut problem = problem(7, Some(9_000));
    let count = |scope: Scope, at_most: i64| {
        let spans = (-2..DAYS).map(|first| Span { first, last: first + 2 }).collect();
        let window = Window { spans, history: true };
        Rule::Count(Limit { scope, window, at_least: None, at_most: Some(at_most), exceptions: Vec::new() })
    };
    problem.rules = vec![
        count(ALL, 6_000),
        count(Scope(1), 1_200),
        Rule::Each(Each {
            members: None,
            scope: ALL,
            window: Window { spans: vec![Span { first: -1000, last: 1000 }], history: true },
            counted: Counted::Contacts,
            at_least: None,
            at_most: Some(3),
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
    problem.rules[1] = count(Scope(1), 1_100);
    let prices: Vec<RowPrice> = one.prices.clone();
    let warm = solve(&problem, &Options { prices, ..Options::default() }, &mut |_| {}).unwrap();
    let cold = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
    assert!(warm.passes * 2 < cold.passes, "{} and {} passes", warm.passes, cold.passes);
    assert!(warm.bound >= cold.objective && cold.bound >= warm.objective);
    let gap = (warm.bound - warm.objective) * 10_000 / warm.bound;
    assert!(gap <= 5, "a gap of {gap} hundredths of a percent from the last prices");
}
