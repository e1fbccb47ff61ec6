//! Least numbers that other limits leave out of reach: how much is missing is proven to the contact, and the rest of the bound is as
//! near as that of a plan that keeps all it promises.

#[path = "support/plans.rs"]
mod plans;
mod support;

use perq_optimizer::{Limit, Options, Problem, Rule, Scope, Solution, Span, Window, solve};
use plans::{DAYS, problem};
use support::{flat, member_is_met, objective, shared};

const PROMISED: Scope = Scope(1);
const LENGTH: i32 = 3;

/// Limits of three days each on one offer, a promise of more of it than they leave, and a limit on everything.
fn rules(most: &[i64]) -> Vec<Rule> {
    let count = |scope, span: Span, history, at_least, at_most| {
        let window = Window { spans: vec![span], history };
        Rule::Count(Limit { scope, window, at_least, at_most, exceptions: Vec::new() })
    };
    let days = |first: i32, length: i32| Span { first, last: first + length - 1 };
    let mut rules: Vec<Rule> = (1 - LENGTH..DAYS)
        .zip(most)
        .map(|(first, most)| count(PROMISED, days(first, LENGTH), false, None, Some(*most)))
        .collect();
    rules.extend((0..DAYS).map(|day| count(plans::ALL, days(day, 1), false, None, Some(2_000))));
    rules.push(count(PROMISED, days(0, DAYS), false, Some(6_000), None));
    rules
}

/// How many contacts of the offer there can be: the cheapest limits that cover all days, by the first day that is not covered.
fn room(most: &[i64]) -> i64 {
    let mut least = vec![i64::MAX; DAYS as usize + 1];
    least[0] = 0;
    for covered in 0..DAYS {
        for (first, most) in (1 - LENGTH..DAYS).zip(most).filter(|(first, _)| *first <= covered) {
            let next = (first + LENGTH).clamp(covered, DAYS) as usize;
            least[next] = least[next].min(least[covered as usize].saturating_add(*most));
        }
    }
    least[DAYS as usize]
}

fn check(problem: &Problem, solution: &Solution, most: &[i64]) {
    let chosen = flat(&solution.chosen);
    assert!((0..problem.member_count()).all(|member| member_is_met(problem, member, &chosen).is_ok()));
    assert_eq!(shared(problem, &chosen).0, Vec::<String>::new());
    assert_eq!(solution.objective, objective(problem, &chosen));
    let missing: i128 = solution.short.iter().map(|short| short.missing).sum();
    assert_eq!(missing, i128::from(6_000 - room(most)));
    // Of the scores, not of the objective, most of which is what is missing.
    let gap = (solution.bound - solution.objective) * 100_000 / solution.score;
    println!("{missing} missing, {} choices, a gap of {gap} thousandths of a percent", solution.choices);
    assert!((0..=10).contains(&gap), "a gap of {gap} thousandths of a percent of the scores");
}

#[test]
fn what_limits_leave_no_room_for_is_proven_to_be_missing() {
    let mut problem = problem(7, Some(9_000));
    // Those from the first day on stand in the way, one after the other.
    let mut most = [1_500; 10];
    (most[2], most[5], most[8]) = (900, 950, 900);
    problem.rules = rules(&most);
    let one = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
    check(&problem, &one, &most);
    let two = solve(&problem, &Options { threads: 2, ..Options::default() }, &mut |_| {}).unwrap();
    assert_eq!((&one.chosen, one.bound, &one.prices), (&two.chosen, two.bound, &two.prices));
    // Now other limits stand in the way.
    assert_eq!(room(&most), 2_750);
    (most[1], most[4], most[7]) = (500, 600, 700);
    assert_eq!(room(&most), 1_800);
    problem.rules = rules(&most);
    let warm = Options { prices: one.prices.clone(), ..Options::default() };
    let warm = solve(&problem, &warm, &mut |_| {}).unwrap();
    check(&problem, &warm, &most);
    let cold = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
    check(&problem, &cold, &most);
    assert!(warm.choices * 3 < cold.choices * 2, "{} and {} choices", warm.choices, cold.choices);
}
