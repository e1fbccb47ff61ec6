//! A generated plan with budgets, whose gap is searched among the choices that lose little: few of them first, all of which can be looked
//! through, which proves that nothing else loses less than the rest.

#[path = "support/campaign.rs"]
mod campaign;
mod support;

use perq_optimizer::{Options, solve};
use support::{flat, member_is_met, objective, shared};

#[test]
fn of_a_thousand_contacts_with_budgets_little_is_left_open() {
    let problem = campaign::problem(1_000, 1, false, &Options::default());
    let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
    let chosen = flat(&solution.chosen);
    assert!((0..problem.member_count()).all(|member| member_is_met(&problem, member, &chosen).is_ok()));
    assert_eq!(shared(&problem, &chosen).0, Vec::<String>::new());
    assert_eq!(solution.objective, objective(&problem, &chosen));
    let gap = (solution.bound - solution.objective) * 100_000 / solution.bound;
    assert!((0..=40).contains(&gap), "a gap of {gap} thousandths of a percent");
    let two = solve(&problem, &Options { threads: 2, ..Options::default() }, &mut |_| {}).unwrap();
    assert_eq!((&solution.chosen, solution.bound, &solution.prices), (&two.chosen, two.bound, &two.prices));
}
