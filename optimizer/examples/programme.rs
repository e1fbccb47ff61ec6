//! Writes a generated contact plan as an integer programme in the MPS format, and solves it: `programme PROPOSALS SEED FILE`.
//! Printed is one line: contacts, the answer's objective, its bound, and seconds of processor time. `highs.py` beside it holds that against HiGHS.

#[path = "../tests/support/campaign.rs"]
mod campaign;
#[path = "../tests/support/programme.rs"]
mod programme;
#[path = "../tests/support/mod.rs"]
mod support;

use perq_optimizer::{Options, solve};
use programme::Sense;
use std::fmt::Write as _;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [proposals, seed, file] = arguments.as_slice() else {
        eprintln!("programme PROPOSALS SEED FILE");
        std::process::exit(2);
    };
    let options = Options::default();
    let problem = campaign::problem(proposals.parse().unwrap(), seed.parse().unwrap(), false, &options);
    let written = programme::write(&problem);
    // Rows that nothing can pass are left out; what is more is HiGHS's own to find.
    let mut text = String::from("NAME plan\nOBJSENSE\n MAX\nROWS\n N worth\n");
    let mut columns: Vec<Vec<(usize, i64)>> = vec![Vec::new(); written.variables.len()];
    let mut bounds = String::new();
    for (at, row) in written.rows.iter().enumerate() {
        let loose = row.sense == Sense::AtMost
            && row.terms.iter().map(|(_, weight)| (*weight).max(0)).sum::<i64>() <= row.bound;
        if loose {
            continue;
        }
        let sense = if row.sense == Sense::AtMost { "L" } else { "G" };
        writeln!(text, " {sense} r{at}").unwrap();
        writeln!(bounds, " b r{at} {}", row.bound).unwrap();
        row.terms.iter().for_each(|(variable, weight)| columns[variable.0].push((at, *weight)));
    }
    text.push_str("COLUMNS\n M1 'MARKER' 'INTORG'\n");
    for whole in [true, false] {
        for (at, (worth, _)) in written.variables.iter().enumerate().filter(|(_, own)| own.1 == whole) {
            writeln!(text, " x{at} worth {worth}").unwrap();
            columns[at].iter().for_each(|(row, weight)| writeln!(text, " x{at} r{row} {weight}").unwrap());
        }
        text.push_str(if whole { " M2 'MARKER' 'INTEND'\n" } else { "RHS\n" });
    }
    text.push_str(&bounds);
    text.push_str("BOUNDS\n");
    for (at, (_, truth)) in written.variables.iter().enumerate() {
        writeln!(text, "{}", if *truth { format!(" BV b x{at}") } else { format!(" PL b x{at}") }).unwrap();
    }
    text.push_str("ENDATA\n");
    std::fs::write(file, text).unwrap();
    let begun = support::worked();
    let solution = solve(&problem, &options, &mut |_| {}).unwrap();
    let chosen = support::flat(&solution.chosen);
    let wrong = (0..problem.member_count())
        .any(|member| support::member_is_met(&problem, member, &chosen).is_err())
        || !support::shared(&problem, &chosen).0.is_empty()
        || support::objective(&problem, &chosen) != solution.objective;
    assert!(!wrong, "the checker does not admit the plan");
    println!(
        "{} {} {} {:.2}",
        problem.score.len(),
        solution.objective,
        solution.bound,
        support::worked() - begun
    );
}
