//! Bounds that contradict each other, or that these contacts cannot meet: found before solving, with a smallest set of rules
//! that cannot all hold. Refuses to know scores.
//!
//! The question is a problem of its own: nothing is worth anything, and each missing contact costs one. Prices at which no
//! choice comes out at nothing missing prove that the minima cannot be met; then minima and rules are left out one after
//! another, and those stay whose leaving would end the proof. Each least number is asked about by itself first, and then what
//! can be met of them all together.

use crate::amounts::Amounts;
use crate::local::Locals;
use crate::model::{Compare, Problem, Rule, Span};
use crate::price::{Asked, Ground, Search, descend, in_proportion};
use crate::rows::{Row, Rows};
use crate::solve::Shortfall;

/// Rules that cannot all be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The rule whose least number cannot be reached.
    pub rule: usize,
    /// In this window.
    pub span: Span,
    /// How many are missing in any case, at least, where all rules hold.
    pub missing: i128,
    /// Rules because of which some are missing; none of them can be left out. There are none where the proposed contacts are too few by themselves.
    pub with: Vec<usize>,
    /// Other least numbers, each of which can be met without the others; `missing` is of all of them then.
    pub also: Vec<(usize, Span)>,
}

/// A least number in a window, and how much of it is known to be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Minimum {
    rule: usize,
    span: Span,
    known: i128,
}

/// Bits that one missing contact has in prices.
const FINE: u32 = 40;
/// Moves of prices for one question.
const STEPS: u32 = 60;

/// Least numbers that clash together and are named at most.
const SETS: usize = 4;

/// What cannot be met of a problem that is checked: of all least numbers, or of these alone.
pub fn conflicts(problem: &Problem, threads: usize, only: Option<&[Shortfall]>) -> Vec<Conflict> {
    let rows = Rows::of(problem, 1);
    let asked = |rule: usize, span: Span| {
        only.is_none_or(|only| only.iter().any(|short| short.rule == rule && short.span == span))
    };
    let soft = rows.list.iter().filter(|row| row.sign < 0 && row.worth.is_some());
    let mut minima: Vec<Minimum> = soft
        .filter(|row| asked(row.rule, row.span))
        .map(|row| Minimum { rule: row.rule, span: row.span, known: 0 })
        .collect();
    let all: Vec<usize> = (0..problem.rules.len()).collect();
    let mut found = Vec::new();
    for minimum in &mut minima {
        let alone = [*minimum];
        let Some((missing, _)) = missing(problem, &all, &alone, threads) else { continue };
        minimum.known = missing;
        let with = needed(problem, &alone, threads);
        found.push(Conflict { rule: minimum.rule, span: minimum.span, missing, with, also: Vec::new() });
    }
    for _ in 0..SETS {
        let Some((_, priced)) = missing(problem, &all, &minima, threads).filter(|_| minima.len() > 1) else {
            break;
        };
        // What has no price has no part in the proof.
        let mut set: Vec<Minimum> = minima.iter().zip(priced).filter(|own| own.1).map(|own| *own.0).collect();
        if missing(problem, &all, &set, threads).is_none() {
            set.clone_from(&minima);
        }
        for minimum in set.clone() {
            let without: Vec<Minimum> = set.iter().copied().filter(|own| *own != minimum).collect();
            if missing(problem, &all, &without, threads).is_some() {
                set = without;
            }
        }
        let (Some(first), Some((missing, _))) = (set.first().copied(), missing(problem, &all, &set, threads))
        else {
            break;
        };
        let with = needed(problem, &set, threads);
        let also: Vec<(usize, Span)> = set.iter().skip(1).map(|own| (own.rule, own.span)).collect();
        if !also.is_empty() {
            found.push(Conflict { rule: first.rule, span: first.span, missing, with, also });
        }
        minima.retain(|minimum| *minimum != first);
    }
    found
}

/// Of the rules because of which minima cannot be met, those without which that would not be proven.
fn needed(problem: &Problem, minima: &[Minimum], threads: usize) -> Vec<usize> {
    let mut needed: Vec<usize> = (0..problem.rules.len()).filter(|rule| has_most(problem, *rule)).collect();
    for rule in needed.clone() {
        let without: Vec<usize> = needed.iter().copied().filter(|other| *other != rule).collect();
        if missing(problem, &without, minima, threads).is_some() {
            needed = without;
        }
    }
    needed
}

/// Whether a rule can keep contacts out.
fn has_most(problem: &Problem, rule: usize) -> bool {
    match problem.rules.get(rule) {
        Some(Rule::Count(limit)) => {
            limit.at_most.is_some() || limit.exceptions.iter().any(|own| own.at_most.is_some())
        }
        Some(Rule::Amount { compare, soft, .. }) => *compare == Compare::AtMost || !soft,
        Some(Rule::Each(_) | Rule::Never(_) | Rule::Only(_)) => true,
        None => false,
    }
}

/// What is missing of least numbers in any case, beyond what is known to be, where only some rules' other limits hold, and which
/// of them have a price in the proof; nothing where they may be met.
fn missing(
    problem: &Problem,
    keep: &[usize],
    minima: &[Minimum],
    threads: usize,
) -> Option<(i128, Vec<bool>)> {
    let mut reduced = Problem { score: Amounts::repeat(0, problem.score.len()), ..problem.clone() };
    for (id, own) in reduced.rules.iter_mut().enumerate() {
        if !keep.contains(&id) {
            strip(own);
        }
    }
    let mut rows = Rows::of(&reduced, 1);
    let asked = |row: &Row| minima.iter().position(|own| row.rule == own.rule && row.span == own.span);
    rows.retain(|row| row.worth.is_none() || asked(row).is_some(), &reduced);
    for row in &mut rows.list {
        if row.worth.is_some() {
            row.worth = Some(1);
            row.bound += asked(row).and_then(|at| minima.get(at)).map_or(0, |own| own.known);
        }
    }
    let locals = Locals::of(&reduced, threads);
    let ground =
        Ground { problem: &reduced, locals: &locals, rows: &rows, shift: FINE, scored: true, threads };
    let start = rows.list.iter().map(|row| if row.worth.is_some() { 1i64 << FINE } else { 0 }).collect();
    let search = Search {
        steps: STEPS,
        reach: 300,
        unit: Some(1 << FINE),
        pace: crate::price::Pace::Short,
        known: None,
    };
    let dual = descend(
        &ground,
        start,
        (Asked::All, &in_proportion(&ground, Asked::All)),
        (search, None),
        &mut |_, _| {},
    );
    // The objective is what is missing, below zero. Rounding up keeps to what is proven.
    let missing = (-dual.bound + (1i128 << FINE) - 1) >> FINE;
    let mut priced = vec![false; minima.len()];
    for (row, price) in rows.list.iter().zip(&dual.prices) {
        if let Some(own) = asked(row).filter(|_| row.worth.is_some() && *price > 0)
            && let Some(priced) = priced.get_mut(own)
        {
            *priced = true;
        }
    }
    (dual.bound < 0).then_some((missing, priced))
}

/// Leaves nothing of a rule but its least number.
fn strip(rule: &mut Rule) {
    match rule {
        Rule::Count(limit) => {
            limit.at_most = None;
            limit.exceptions.iter_mut().for_each(|own| own.at_most = None);
        }
        Rule::Amount { bound, compare, times: _, minus: _, scope: _, column: _, soft } => {
            if *compare == Compare::AtMost {
                *bound = crate::model::MAX_BOUND;
            } else if !*soft {
                *bound = -crate::model::MAX_BOUND;
            }
        }
        Rule::Each(each) => {
            each.at_most = None;
            each.at_least = None;
        }
        Rule::Never(never) => never.window.spans.clear(),
        Rule::Only(link) => {
            // Every contact goes with itself: nothing is asked.
            *rule = Rule::Each(crate::model::Each {
                members: None,
                scope: link.scope,
                window: crate::model::Window { spans: Vec::new(), history: false },
                counted: crate::model::Counted::Contacts,
                at_least: None,
                at_most: None,
                skip: false,
            });
        }
    }
}
