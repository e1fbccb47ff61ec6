//! Solves generalised assignment problems as contact plans: `assignments` those that are drawn by the published recipes,
//! `assignments most|least FILE…` those of files of the OR-Library's format (gap1 to gap12 look for the most, gapa to gapd for the
//! least). Printed is what the answer is worth or costs, the proven bound, the gap and seconds of processor time; every
//! answer is held against the independent checker.

#[path = "../tests/support/assignments.rs"]
mod assignments;
#[path = "../tests/support/mod.rs"]
mod support;

use assignments::Assignment;
use perq_optimizer::{Options, solve};

/// The sizes that are drawn of each sort: agents, jobs.
const SIZES: [(usize, usize); 6] = [(5, 15), (5, 30), (5, 100), (10, 100), (20, 100), (20, 200)];

fn run(name: &str, assignment: &Assignment) {
    let problem = assignment.plan();
    let begun = support::worked();
    let solution = solve(&problem, &Options::default(), &mut |_| {}).unwrap();
    let worked = support::worked() - begun;
    let chosen = support::flat(&solution.chosen);
    let met = (0..problem.member_count())
        .all(|member| support::member_is_met(&problem, member, &chosen).is_ok())
        && support::shared(&problem, &chosen).0.is_empty()
        && support::objective(&problem, &chosen) == solution.objective;
    assert!(met, "the checker does not admit the answer");
    let undone = problem.member_count() - solution.chosen.contacts().count();
    let (answer, bound) = (assignment.told(solution.objective), assignment.told(solution.bound));
    let gap = (solution.bound - solution.objective) as f64 / answer.abs() as f64 * 100.0;
    let proven = if solution.proven { "proven" } else { "" };
    let undone = if undone > 0 { format!("{undone} jobs undone") } else { String::new() };
    println!(
        "| {name} | {} x {} | {answer} | {bound} | {gap:.3} % | {worked:.2} | {proven}{undone} |",
        assignment.worth.len(),
        problem.member_count(),
    );
}

fn main() {
    println!("| problem | agents, jobs | answer | bound | gap | seconds | |\n|---|---|---|---|---|---|---|");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        None => {
            for sort in ['A', 'B', 'C', 'D', 'E'] {
                for (agents, jobs) in SIZES {
                    run(&sort.to_string(), &Assignment::drawn(sort, agents, jobs, 1));
                }
            }
        }
        Some((sense, files)) => {
            for file in files {
                let text = std::fs::read_to_string(file).unwrap();
                let all = Assignment::read(&text, sense == "most").expect("not a file of assignments");
                for (number, own) in all.iter().enumerate() {
                    run(&format!("{file} {}", number + 1), own);
                }
            }
        }
    }
}
