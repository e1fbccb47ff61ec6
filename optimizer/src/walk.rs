//! Looks for a better plan near what a linear programme says, among the choices that lose little: always the step that costs least, also
//! where it costs something, but for members who have just taken one. Rows that are passed get dearer until they are not, and
//! cheaper then, so that it goes to and fro over what is allowed. Refuses to know how the choices were found, and to prove anything.

use crate::near::Search;
use crate::price::HIGHEST;
use crate::rest::Rest;

/// How many times all choices are looked at.
const STEPS: usize = 60;
/// How many times at most where there are fewer contacts than so many: until so many choices were looked at.
const OF_FEW: (usize, usize, usize) = (600, 1000, 40_000);
/// How many steps a member waits before the next, at least, and by how many more at most.
const WAITS: (u64, u64) = (4, 12);
/// What part dearer a row gets with each step that it is passed, and what part cheaper with each that it is not.
const CHANGES: (i128, i128) = (8, 64);
/// What part of the usual price a row costs at least.
const LEAST: i128 = 8;

/// From one choice of picks to the best that it finds that loses less than `limit`, with what that loses.
pub fn walk(rest: &Rest<'_>, from: &[Option<usize>], limit: i128) -> Option<(Vec<Option<usize>>, i128)> {
    let mut search = Search::of(rest);
    search.make_dear(1);
    for (position, to) in from.iter().enumerate().filter(|(_, to)| to.is_some()) {
        search.make(position, *to);
    }
    let mean = |row: usize| i128::from(rest.mean(&rest.rows[row]));
    let prices = rest.rows.iter().enumerate().map(|(row, own)| own.price * mean(row));
    let usual = prices.sum::<i128>() / (rest.rows.len() as i128).max(1);
    let least: Vec<i128> = (rest.rows.iter().enumerate())
        .map(|(row, own)| ((usual / mean(row)).max(own.price) / LEAST).max(1))
        .collect();
    let picks = rest.picks.len();
    let few = rest.ground.problem.score.len() < OF_FEW.1;
    let work = if few { OF_FEW.2.clamp(STEPS * picks, OF_FEW.0 * picks) } else { STEPS * picks };
    let (mut limit, mut found) = (limit, None);
    let mut waits = vec![0u64; rest.of.len()];
    let (mut step, mut dice) = (0, 1u64);
    // Where it begins counts as well: a branch may end there.
    loop {
        let mut passed = false;
        for (row, own) in rest.rows.iter().enumerate().filter(|(_, own)| own.worth.is_none()) {
            let (over, is_passed) = (&mut search.over[row], search.left[row] < 0);
            passed |= is_passed;
            let change = if is_passed { *over / CHANGES.0 + 1 } else { -(*over / CHANGES.1) };
            *over = (*over + change).clamp(least[row], i128::from(HIGHEST).max(own.price));
        }
        if let Some(loss) = rest.loss(&search.picked).filter(|loss| !passed && *loss < limit) {
            limit = loss;
            found = Some(search.picked.clone());
        }
        if search.work >= work {
            return found.map(|picked| (picked, limit));
        }
        step += 1;
        let open = search.steps().into_iter();
        let Some((_, position, to)) = open.filter(|own| waits[own.1] < step).min() else { continue };
        search.make(position, to);
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        waits[position] = step + WAITS.0 + (dice >> 33) % WAITS.1;
    }
}
