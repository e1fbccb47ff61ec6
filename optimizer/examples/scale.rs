//! Solves a generated contact plan and prints the gap, elapsed and processor time and the memory: `scale PROPOSALS [hard] [SEED]`. The plan has all
//! sorts of rules, 24 of them, with 60 days of history; `hard` adds limits for every offer and channel. Every answer is held
//! against the independent checker of the tests.

#[path = "../tests/support/campaign.rs"]
mod campaign;
#[path = "../tests/support/mod.rs"]
mod support;

use perq_optimizer::{Options, Problem, Rule, Solution, solve};
use std::time::Instant;

/// Solves it, and prints how; with `VERBOSE` in the environment, step by step.
fn run(problem: &Problem, what: &str, options: &Options) -> Solution {
    let (begun, before) = (Instant::now(), support::worked());
    let spent = || (begun.elapsed().as_secs_f64(), support::worked() - before);
    let verbose = std::env::var_os("VERBOSE").is_some();
    let solution = solve(problem, options, &mut |progress| {
        if verbose {
            let (elapsed, worked) = spent();
            println!("  {elapsed:.2} s {worked:.2} s {progress:?}");
        }
    })
    .unwrap();
    let (elapsed, worked) = spent();
    // Where much is missing, most of the objective is what that costs.
    let gap = |of: i128| (solution.bound - solution.objective) as f64 / of.abs() as f64 * 100.0;
    let (gap, of_scores) = (gap(solution.bound), gap(solution.score));
    println!(
        "{what}: {} contacts of {} members, {} rows, {} passes, {} choices, objective {}, bound {}, gap {gap:.6} %, {of_scores:.6} % of the scores, short {}, cut {}, {elapsed:.2} s elapsed, {worked:.2} s of processors",
        problem.score.len(),
        problem.member_count(),
        solution.uses.len(),
        solution.passes,
        solution.choices,
        solution.objective,
        solution.bound,
        solution.short.iter().map(|short| short.missing).sum::<i128>(),
        solution.cut,
    );
    solution
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let proposals: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let rest: Vec<String> = arguments.collect();
    let hard = rest.iter().any(|word| word == "hard");
    let seed = rest.iter().find_map(|word| word.parse().ok()).unwrap_or(42);
    let begun = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    let options = Options { threads, ..Options::default() };
    let mut problem = campaign::problem(proposals, seed, hard, &options);
    println!("generated in {:.2} s", begun.elapsed().as_secs_f64());
    let solution = run(&problem, "from nothing", &options);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or(""));
    }
    let chosen = support::flat(&solution.chosen);
    let wrong = (0..problem.member_count())
        .filter(|member| support::member_is_met(&problem, *member, &chosen).is_err())
        .count();
    let (passed, _) = support::shared(&problem, &chosen);
    println!(
        "checked: {wrong} members wrong, {} limits passed, score {}",
        passed.len(),
        support::score(&problem, &chosen) == solution.score
    );
    // One bound changes.
    if let Some(Rule::Count(limit)) = problem.rules.get_mut(15) {
        limit.at_most = limit.at_most.map(|most| most * 9 / 10);
    }
    let warm = Options { prices: solution.prices.clone(), ..options.clone() };
    drop(solution);
    for (what, options) in [("from nothing", options), ("from the last prices", warm)] {
        run(&problem, &format!("one bound a tenth lower, {what}"), &options);
    }
}
