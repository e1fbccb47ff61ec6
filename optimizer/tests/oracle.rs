//! Random plans and assignments against a general solver of linear and integer programmes: no plan is above the bound of the
//! linear programme, no printed bound is below the optimum in whole contacts, and where a plan is told to be proven, it is
//! that optimum. The programme is written down from the rules, row by row, without any code of the optimiser; it counts in
//! floating point, so that comparisons leave it a millionth.

#[path = "support/assignments.rs"]
mod assignments;
#[path = "support/plans.rs"]
mod plans;
#[path = "support/programme.rs"]
mod programme;
mod support;

use assignments::Assignment;
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Variable};
use perq_optimizer::{Options, Problem, solve};
use std::time::Duration;
use support::objective;

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

/// Small assignments of the five sorts: each against the optimum in whole jobs.
#[test]
fn assignments_of_the_published_sorts() {
    let (mut compared, mut best, mut proven) = (0, 0, 0);
    for sort in ['A', 'B', 'C', 'D', 'E'] {
        for seed in 1..=6 {
            let problem = Assignment::drawn(sort, 3, 10, seed).plan();
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
    assert!(compared >= 25 && best == compared, "{best} of {compared} are optimal");
}
