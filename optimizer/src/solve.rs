//! From a problem to an answer: prices on growing samples, a choice that fits, the rest of the gap, and what is to be told of
//! it. Refuses to know what contacts are.

use crate::bits::Chosen;
use crate::finish::{Leads, Plan, exchange, fill, repair, settle};
use crate::local::Locals;
use crate::model::{Problem, ProblemError, Span};
use crate::near;
use crate::price::{
    Asked, Before, Dual, Ground, HIGHEST, Pace, RowPrice, Sample, Search, as_all_do, at, descend,
    in_proportion, part_of, shift_of, unit,
};
use crate::proof::{ALL_CHOICES, prove};
use crate::rows::{Row, Rows};
use crate::unmet;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many times the largest score a missing contact of a least number costs.
pub const WORTH: i64 = 10;
/// Contacts up to which a proof is tried.
const PROVEN: usize = 20_000;
/// How many times prices are looked for before that among the choices that are left: from nothing, and from earlier prices.
const NEARER: (usize, usize) = (3, 1);
/// How many times those are looked through at most, from nothing and from earlier prices: with a better plan, fewer are left.
const SEARCHES: (usize, usize) = (12, 2);
/// How many choices at first: of few all can be looked through, which proves that nothing loses less than the rest.
const CORE: usize = 300;
/// So few more are not worth another time.
const NARROW: usize = 60;
/// Contacts up to which promises have their whole price from the first.
const LOWERED: usize = 4000;
/// Contacts up to which choices of members are exchanged pair by pair.
const EXCHANGED: usize = 300_000;
/// How many times all of them are looked through: from nothing, and from earlier prices.
const EXCHANGES: (usize, usize) = (8, 3);
/// Rows of which prices take more and other steps.
const MANY_ROWS: usize = 500;
/// By how many powers of two prices are coarser where only what is missing counts.
const COARSER: u32 = 8;
/// Members of the first sample.
const SAMPLE: usize = 8192;
/// Members that are so many that most is done with some of them.
const MANY: usize = 3 * SAMPLE;

/// How it is solved.
#[derive(Clone, Debug)]
pub struct Options {
    /// From what samples are drawn.
    pub seed: u64,
    /// Threads; the answer does not depend on them.
    pub threads: usize,
    /// Prices of an earlier answer to nearly the same problem.
    pub prices: Vec<RowPrice>,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 0, threads: 1, prices: Vec::new() }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What the rules say of each member is known: members, rows.
    Prepared(usize, usize),
    /// Prices were found on a sample of so many members.
    Sampled(usize),
    /// Passes over all members so far, and the bound.
    Priced(usize, i128),
    /// A choice that fits, and its objective.
    Fitting(i128),
}

/// A least number that is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The rule's position.
    pub rule: usize,
    /// The window.
    pub span: Span,
    /// How many, or how much, are missing.
    pub missing: i128,
}

/// How far a row is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The rule's position.
    pub rule: usize,
    /// The window.
    pub span: Span,
    /// The exception whose limit it is.
    pub exception: Option<usize>,
    /// Whether a least is asked for.
    pub least: bool,
    /// What the chosen contacts use.
    pub used: i128,
    /// The bound for them; what was there before is taken off.
    pub bound: i128,
    /// What was there before.
    pub before: i64,
    /// What one more of the bound would be worth, in parts of the score.
    pub price: i64,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Which contacts.
    pub chosen: Chosen,
    /// The sum of their scores.
    pub score: i128,
    /// The score less what is missing: ten times the largest score for each contact.
    pub objective: i128,
    /// No choice has a larger objective.
    pub bound: i128,
    /// The objective is the largest there is.
    pub proven: bool,
    /// Least numbers that are not reached.
    pub short: Vec<Shortfall>,
    /// Rows that could bind, and how far they are used.
    pub uses: Vec<Use>,
    /// What one more of each of them would be worth; to begin with, the next time.
    pub prices: Vec<RowPrice>,
    /// In how many parts a score is counted in prices, as a power of two.
    pub shift: u32,
    /// Passes over all members.
    pub passes: usize,
    /// How many times a member was chosen for while prices were looked for, in samples too.
    pub choices: usize,
    /// Searches that were ended before all was looked through; their bounds count.
    pub cut: u64,
    /// Rules whose least numbers are not asked of members who cannot come to them, with how many those are.
    pub skipped: Vec<(usize, usize)>,
}

/// Runs tasks on threads; what they make comes in the order of the tasks.
pub fn in_parallel<S, T: Send>(
    tasks: usize,
    threads: usize,
    start: impl Fn() -> S + Sync,
    run: impl Fn(usize, &mut S) -> T + Sync,
) -> Vec<T> {
    if threads <= 1 || tasks <= 1 {
        let mut state = start();
        return (0..tasks).map(|task| run(task, &mut state)).collect();
    }
    let next = AtomicUsize::new(0);
    let made: Vec<Mutex<Option<T>>> = (0..tasks).map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(tasks) {
            scope.spawn(|| {
                let mut state = start();
                loop {
                    let task = next.fetch_add(1, Ordering::Relaxed);
                    let Some(place) = made.get(task) else { break };
                    let own = run(task, &mut state);
                    if let Ok(mut place) = place.lock() {
                        *place = Some(own);
                    }
                }
            });
        }
    });
    made.into_iter().filter_map(|place| place.into_inner().ok().flatten()).collect()
}

/// What one missing contact costs.
pub fn worth_of(problem: &Problem) -> i64 {
    let largest = problem.score.iter().map(i64::unsigned_abs).max().unwrap_or(0).max(1);
    i64::try_from(largest).unwrap_or(i64::MAX / WORTH).saturating_mul(WORTH)
}

/// Solves it.
///
/// # Errors
/// Where the problem does not fit together.
pub fn solve(
    problem: &Problem,
    options: &Options,
    tell: &mut dyn FnMut(Progress),
) -> Result<Solution, ProblemError> {
    problem.check()?;
    let locals = Locals::of(problem, options.threads);
    let rows = Rows::of(problem, worth_of(problem));
    let shift = shift_of(problem);
    let ground =
        Ground { problem, locals: &locals, rows: &rows, shift, scored: true, threads: options.threads };
    tell(Progress::Prepared(problem.member_count(), rows.list.len()));
    let unit = unit(&ground);
    // Many small steps would lead to the price of what is missing; what such a price is for, a lower one does as well.
    // Known prices have climbed already.
    let climbs = problem.score.len() > LOWERED && options.prices.is_empty();
    let sure = unmet::prices(&ground);
    let is_sure = |row: usize| sure.as_ref().is_some_and(|sure| sure[row] > 0);
    let lower = climbs.then(|| lowered(&rows, unit >> shift, is_sure)).flatten();
    let priced = Ground { rows: lower.as_ref().unwrap_or(&rows), ..ground };
    let mut dual = prices(&priced, options, sure.as_deref(), tell);
    let mut plan = Plan::of(&ground, std::mem::take(&mut dual.pass.chosen));
    let mut leads = Leads::of(&ground, &dual.prices, std::mem::take(&mut dual.pass.leads));
    let many = problem.member_count() > MANY;
    let first = if many { near::settle(&ground, &dual.prices, &mut plan, &mut leads) } else { 0 };
    settle(&ground, &dual, (unit, first), &mut plan, &mut leads);
    repair(&ground, &dual.prices, &mut plan, &mut leads);
    let lacking = dual.bound - (plan.objective(&ground) << shift);
    if !many || plan.is_short(&ground) || plan.left(&ground, &dual.prices) * 2 > lacking {
        fill(&ground, &dual.prices, &mut plan, &mut leads);
    }
    drop(leads);
    tell(Progress::Fitting(plan.objective(&ground)));
    if problem.score.len() <= EXCHANGED {
        let times = if options.prices.is_empty() { EXCHANGES.0 } else { EXCHANGES.1 };
        for _ in 0..times {
            let gap = dual.bound - (plan.objective(&priced) << shift);
            // What adds little adds less the next time.
            if gap < 1 << shift || exchange(&ground, &dual.prices, gap, &mut plan) << shift <= gap / 100 {
                break;
            }
            tell(Progress::Fitting(plan.objective(&ground)));
        }
    }
    // Where nothing falls short, what that costs does not matter.
    if problem.score.len() <= PROVEN && plan.objective(&ground) == plan.objective(&priced) {
        let mut least = dual.bound;
        let cold = options.prices.is_empty();
        let (nearer, searches) = if cold { (NEARER.0, SEARCHES.0) } else { (NEARER.1, SEARCHES.1) };
        // How many choices are looked at, of how many it was all, and of how many it was not.
        let (mut size, mut low, mut high) = (CORE, 0, ALL_CHOICES);
        for turn in 0..nearer + searches {
            let whole = turn >= nearer;
            let found = prove(&priced, &dual, &plan, (whole, if whole { size } else { ALL_CHOICES }));
            least = least.min(found.bound);
            let better = found.plan.filter(|own| own.objective(&ground) > plan.objective(&ground));
            let is_better = better.is_some();
            plan = better.unwrap_or(plan);
            tell(Progress::Fitting(plan.objective(&ground)));
            if least < (plan.objective(&ground) + 1) << shift {
                break;
            }
            if whole && !is_better {
                (low, high) = if found.done { (size, high) } else { (low, size) };
                size = (size * 3 / 2).min((low + high) / 2);
                if found.all && found.done || high - low < NARROW {
                    break;
                }
            }
            if let Some(other) = found.prices.filter(|_| !whole).map(|own| at_all(&priced, &own)) {
                let (passes, choices) = (dual.passes + other.passes, dual.choices + other.choices);
                dual = if other.bound < dual.bound { other } else { dual };
                dual = Dual { passes, choices, ..dual };
            }
        }
        dual.bound = least.min(dual.bound);
    }
    let objective = plan.objective(&ground);
    if let Some(lower) =
        lower.filter(|lower| plan.objective(&ground) < plan.objective(&Ground { rows: lower, ..ground }))
    {
        missing(&ground, &lower, options, &mut dual, tell);
    }
    // Scores are whole, and so are objectives.
    let bound = dual.bound >> shift;
    tell(Progress::Fitting(objective));
    Ok(told(&ground, dual, plan, (objective, bound)))
}

/// What one missing contact costs at least while prices are looked for, in what contacts gain in the mean.
const DEAR: i64 = 16;

/// The rows with less to pay for what is missing, where that is much.
fn lowered(rows: &Rows, unit: i64, is_sure: impl Fn(usize) -> bool) -> Option<Rows> {
    let most = DEAR.saturating_mul(unit).max(1);
    let mut lower = rows.clone();
    let mut any = false;
    for (id, row) in lower.list.iter_mut().enumerate() {
        let less = (most / row.largest).max(1);
        if let Some(worth) = row.worth.as_mut().filter(|worth| !is_sure(id) && **worth > less) {
            *worth = less;
            any = true;
        }
    }
    any.then_some(lower)
}

/// Proves how much is missing in any case, where prices were found at which that costs less than it does. Without scores, only what
/// is missing counts; the most that a choice is worth there, at what missing costs more than in `lower`, and the bound at
/// the lower prices are together a bound, and so are both prices together.
fn missing(
    ground: &Ground<'_>,
    lower: &Rows,
    options: &Options,
    dual: &mut Dual,
    tell: &mut dyn FnMut(Progress),
) {
    let mut rest = ground.rows.clone();
    for (row, lower) in rest.list.iter_mut().zip(&lower.list) {
        row.worth = row.worth.zip(lower.worth).map(|(whole, lower)| whole - lower);
    }
    // Prices of many rows are added up, and those of what is missing are large.
    let shift = ground.shift.saturating_sub(COARSER);
    let bare = Ground { rows: &rest, shift, scored: false, ..*ground };
    let worth = rest.list.iter().filter_map(|row| Some(row.worth? * row.largest)).max().unwrap_or(1);
    let unit = Some(worth.max(1) << shift);
    let members = ground.problem.member_count();
    let search = |first: bool| {
        let (steps, reach, halvings) = if first { (300, 1000, 9) } else { (140, 60, 6) };
        Search { steps, reach, unit, pace: Pace::Long(halvings), known: None }
    };
    let mut start = Vec::new();
    let mut sample = SAMPLE;
    while sample * 3 < members {
        let drawn = draw(ground.problem, sample, options.seed);
        let own = search(start.is_empty());
        start = {
            let asked = Asked::Some(&drawn);
            descend(&bare, start, (asked, &in_proportion(&bare, asked)), (own, None), &mut |_, _| {})
        }
        .prices;
        sample *= 8;
    }
    let own = search(start.is_empty());
    let found =
        descend(&bare, start, (Asked::All, &in_proportion(&bare, Asked::All)), (own, None), &mut |_, _| {});
    dual.passes += found.passes;
    dual.choices += found.choices;
    let mut most = found.bound << (ground.shift - shift);
    // Contacts are missing whole.
    let worths: Vec<i64> = rest.list.iter().filter_map(|row| row.worth.filter(|worth| *worth > 0)).collect();
    if let Some(worth) = worths.first().filter(|worth| worths.iter().all(|own| own == *worth)) {
        let whole = i128::from(*worth) << ground.shift;
        most = most.div_euclid(whole) * whole;
    }
    dual.bound += most.min(0);
    for (price, more) in dual.prices.iter_mut().zip(found.prices) {
        *price = price.saturating_add(more << (ground.shift - shift)).min(HIGHEST);
    }
    // At both prices together nothing is counted twice: the bound there is lower, and gets lower still.
    let search = Search { steps: 60, reach: 100, unit: None, pace: Pace::Long(6), known: None };
    let all = in_proportion(ground, Asked::All);
    let joint = descend(ground, dual.prices.clone(), (Asked::All, &all), (search, None), &mut |_, _| {});
    dual.passes += joint.passes;
    dual.choices += joint.choices;
    if joint.bound < dual.bound {
        (dual.bound, dual.prices) = (joint.bound, joint.prices);
    }
    tell(Progress::Priced(dual.passes, dual.bound >> ground.shift));
}

/// The prices: on samples that grow, then on all.
fn prices(
    ground: &Ground<'_>,
    options: &Options,
    sure: Option<&[i64]>,
    tell: &mut dyn FnMut(Progress),
) -> Dual {
    let members = ground.problem.member_count();
    if ground.rows.list.is_empty() {
        // Nothing is shared, so nothing has a price.
        let search = Search { steps: 0, reach: 0, unit: None, pace: Pace::Short, known: None };
        return descend(ground, Vec::new(), (Asked::All, &[]), (search, None), &mut |_, _| {});
    }
    let start = known(ground, &options.prices).map(|known| unmet::rebased(ground, known, sure));
    let warm = start.is_some();
    let many = ground.rows.list.len() > MANY_ROWS;
    let search = |steps, reach, halvings| {
        let pace = if many { Pace::Long(halvings) } else { Pace::Short };
        Search { steps, reach, unit: None, pace, known: None }
    };
    let shift = ground.shift;
    if !many && members > MANY {
        return in_turns(ground, (start, sure), search, options, tell);
    }
    let mut first = start.is_none();
    let mut start = start.or(sure.map(<[i64]>::to_vec)).unwrap_or_default();
    let mut sample = SAMPLE;
    while !warm && sample * 3 < members {
        let drawn = draw(ground.problem, sample, options.seed);
        let own = if first { search(200, 5000, 8) } else { search(140, 200, 6) };
        let asked = Asked::Some(&drawn);
        let bounds = in_proportion(ground, asked);
        let found = descend(ground, start, (asked, &bounds), (own, None), &mut |_, _| {});
        tell(Progress::Sampled(sample));
        (start, first) = (found.prices, false);
        sample *= 8;
    }
    let search = match (first, warm) {
        (true, _) if many => search(300, 5000, 9),
        (true, _) if members <= 2000 => search(400, 200, 0),
        (true, _) => search(60, 800, 0),
        (false, true) if many => search(60, 100, 5),
        (false, true) => Search { known: Some(16), ..search(32, 100, 0) },
        (false, false) => search(140, 100, 7),
    };
    let bounds = in_proportion(ground, Asked::All);
    let asked = (Asked::All, bounds.as_slice());
    descend(ground, start, asked, (search, None), &mut |passes, bound| {
        tell(Progress::Priced(passes, bound >> shift));
    })
}

/// Whether a bound was still falling when its search ended: in the last quarter by a part of what it did in all.
fn falls(course: &[i128]) -> bool {
    let late = course.get(course.len() * 3 / 4);
    match (course.first(), late, course.last()) {
        (Some(first), Some(late), Some(last)) => (late - last) * FALLING > first - last,
        _ => false,
    }
}

/// What is bound and chosen at prices.
pub fn at_all(ground: &Ground<'_>, prices: &[i64]) -> Dual {
    at(ground, prices, (Asked::All, &in_proportion(ground, Asked::All)), None)
}

/// What part of its fall in the last quarter of a search says that it falls on.
const FALLING: i128 = 16;
/// Turns of a pass over all members and a search on a sample at most; two that lower the bound by little end them, and
/// from earlier prices one does.
const TURNS: u32 = 8;
/// What part of all members such a sample has, where that is more than the first.
const PART: usize = 32;
/// What part of a contact's gain is little for a bound.
const LITTLE: i128 = 4;
/// How far prices move at first in the first turn, in thousandths; half as far in the next, and half as far from earlier prices.
const REACH: i64 = 200;
/// No less than so far from earlier prices, while the bound falls on.
const LEAST_REACH: i64 = 12;

/// The prices of many members and few rows: in turns, all members say by how much each row is passed, and a sample says how that
/// changes as prices move. So few passes over all members are needed, since each counts like a step of the search.
fn in_turns(
    ground: &Ground<'_>,
    (start, sure): (Option<Vec<i64>>, Option<&[i64]>),
    search: impl Fn(u32, i64, u32) -> Search,
    options: &Options,
    tell: &mut dyn FnMut(Progress),
) -> Dual {
    let members = ground.problem.member_count();
    let warm = start.is_some();
    let mut reach = if warm { REACH / 2 } else { REACH };
    let mut choices = 0;
    let prices = start.unwrap_or_else(|| {
        let drawn = draw(ground.problem, SAMPLE, options.seed);
        let asked = Asked::Some(&drawn);
        let bounds = in_proportion(ground, asked);
        let start = sure.unwrap_or_default().to_vec();
        let found = descend(ground, start, (asked, &bounds), (search(60, 600, 0), None), &mut |_, _| {});
        choices += found.choices;
        tell(Progress::Sampled(SAMPLE));
        found.prices
    });
    let bounds = in_proportion(ground, Asked::All);
    let unit = i128::from(unit(ground));
    let count = (members / PART).max(SAMPLE);
    // What all members chose is large, and the best is mostly the last.
    let mut whole = Rc::new(at(ground, &prices, (Asked::All, &bounds), None));
    let (mut best, mut passes) = (Rc::clone(&whole), whole.passes);
    choices += whole.choices;
    let mut little = 0;
    for turn in 0..TURNS {
        let drawn = draw(ground.problem, count, options.seed.wrapping_add(turn.into()));
        let part = part_of(ground, &whole.pass, &drawn);
        let own = as_all_do(ground, &whole.pass, &part);
        let search = Search { known: Some(64), ..search(20, reach, 0) };
        let before = Before { prices: &whole.prices, pass: &part };
        let asked = (Asked::Some(&drawn), own.as_slice());
        let mut course = Vec::new();
        let found = descend(ground, whole.prices.clone(), asked, (search, Some(before)), &mut |_, bound| {
            course.push(bound)
        });
        // Earlier prices may be far off where much has changed.
        let least = if warm && falls(&course) { reach.min(LEAST_REACH) } else { 0 };
        reach = least.max(reach / 2);
        whole = Rc::new(at(ground, &found.prices, (Asked::All, &bounds), Some(whole.before())));
        choices += found.choices + whole.choices;
        passes += whole.passes;
        let lowered = best.bound - whole.bound;
        if lowered > 0 {
            best = Rc::clone(&whole);
        }
        tell(Progress::Priced(passes, best.bound >> ground.shift));
        // One that is too long may raise it; the next is shorter.
        little = if lowered < unit / LITTLE { little + 1 } else { 0 };
        if little == 2 || (warm && (0..unit / LITTLE).contains(&lowered)) {
            break;
        }
    }
    drop(whole);
    Dual { passes, choices, ..Rc::unwrap_or_clone(best) }
}

/// Members at equal distances, from a place that the seed says: as sorted as the members are, as even is the sample.
fn draw(problem: &Problem, count: usize, seed: u64) -> Sample {
    let members = problem.member_count();
    let offset =
        usize::try_from(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33).unwrap_or(0) % members.max(1);
    let drawn = (0..count).map(|at| ((at * members / count + offset) % members.max(1)) as u32);
    Sample::of(problem, drawn.collect())
}

fn same(row: &Row, price: &RowPrice) -> bool {
    row.rule == price.rule && row.span == price.span && (row.sign < 0) == price.least
}

/// Earlier prices, put to the rows of now.
fn known(ground: &Ground<'_>, prices: &[RowPrice]) -> Option<Vec<i64>> {
    if prices.is_empty() {
        return None;
    }
    let own = |row: &Row| {
        let found = prices.iter().find(|price| same(row, price))?;
        let price = i128::from(found.price) << ground.shift >> found.shift;
        i64::try_from(price).ok()
    };
    Some(ground.rows.list.iter().map(|row| own(row).unwrap_or(0)).collect())
}

fn told(ground: &Ground<'_>, dual: Dual, plan: Plan, (objective, bound): (i128, i128)) -> Solution {
    let uses: Vec<Use> = ground
        .rows
        .list
        .iter()
        .zip(plan.used.iter().zip(&dual.prices))
        .map(|(row, (used, price))| Use {
            rule: row.rule,
            span: row.span,
            exception: row.exception,
            least: row.sign < 0,
            used: used * i128::from(row.sign),
            bound: row.bound * i128::from(row.sign),
            before: row.before,
            price: *price,
        })
        .collect();
    let short = ground
        .rows
        .list
        .iter()
        .zip(&plan.used)
        .filter(|(row, used)| row.worth.is_some() && **used > row.bound);
    let short = short
        .map(|(row, used)| Shortfall { rule: row.rule, span: row.span, missing: used - row.bound })
        .collect();
    let prices = uses.iter().map(|own| RowPrice {
        rule: own.rule,
        span: own.span,
        least: own.least,
        price: own.price,
        shift: ground.shift,
    });
    Solution {
        prices: prices.collect(),
        score: plan.score,
        objective,
        bound,
        proven: bound == objective,
        short,
        uses,
        shift: ground.shift,
        passes: dual.passes,
        choices: dual.choices,
        cut: dual.pass.cut,
        skipped: ground.locals.skipped(),
        chosen: plan.chosen,
    }
}
