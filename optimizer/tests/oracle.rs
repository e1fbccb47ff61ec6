//! Random plans and assignments against a general solver of linear and integer programmes: no plan is above the bound of the
//! linear programme, no printed bound is below the optimum in whole contacts, and where a plan is told to be proven, it is
//! that optimum. The programme is written down from the rules, row by row, without any code of the optimiser; it counts in
//! floating point, so that comparisons leave it a millionth.

#[path = "support/plans.rs"]
mod plans;
#[path = "support/programme.rs"]
mod programme;
mod support;

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Variable};
use perq_optimizer::{
    Amounts, Class, Compare, Counted, Each, Options, Problem, Rule, Scope, Span, Window, solve,
};
use std::time::Duration;
use support::{Dice, objective};

/// The optimum of the programme; nothing where the solver gives none in its time.
fn optimum(problem: &Problem, whole: bool) -> Option<f64> {
    let written = programme::write(problem);
    let mut lp = microlp::Problem::new(OptimizationDirection::Maximize);
    let variables: Vec<Variable> = (written.variables.iter())
        .map(|(worth, truth)| match (truth, whole) {
            (true, true) => lp.add_integer_var(*worth as f64, (0, 1)),
            (true, false) => lp.add_var(*worth as f64, (0.0, 1.0)),
            (false, _) => lp.add_var(*worth as f64, (0.0, f64::INFINITY)),
        })
        .collect();
    for row in &written.rows {
        let mut sum = LinearExpr::empty();
        row.terms.iter().for_each(|(variable, weight)| sum.add(variables[variable.0], *weight as f64));
        let sense = match row.sense {
            programme::Sense::AtMost => ComparisonOp::Le,
            programme::Sense::AtLeast => ComparisonOp::Ge,
        };
        lp.add_constraint(sum, sense, row.bound as f64);
    }
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
