//! Bounds that contradict each other, or that these contacts cannot meet: found before solving, with a smallest set of rules
//! that cannot all hold. Refuses to know scores.
//!
//! The question is a problem of its own: nothing is worth anything, and each missing contact costs one. Prices at which no
//! choice comes out at nothing missing prove that the minima cannot be met; then rules are left out one after another, and
//! those stay whose leaving would end the proof.

use crate::amounts::Amounts;
use crate::local::Locals;
use crate::model::{Compare, Problem, Rule, Span};
use crate::price::{Asked, Ground, Search, descend};
use crate::rows::Rows;
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
}

/// Bits that one missing contact has in prices.
const FINE: u32 = 40;
/// Moves of prices for one question.
const STEPS: u32 = 60;

/// What cannot be met of a problem that is checked: of all least numbers, or of these alone.
pub fn conflicts(problem: &Problem, threads: usize, only: Option<&[Shortfall]>) -> Vec<Conflict> {
    let all = Rows::of(problem, 1);
    let mut found = Vec::new();
    for row in all.list.iter().filter(|row| row.sign < 0 && row.worth.is_some()) {
        let asked = |short: &Shortfall| short.rule == row.rule && short.span == row.span;
        if !only.is_none_or(|only| only.iter().any(asked)) {
            continue;
        }
        // The other minima are another question.
        let keep: Vec<usize> = (0..problem.rules.len()).collect();
        let Some(missing) = missing(problem, &keep, (row.rule, row.span), threads) else { continue };
        let mut needed = keep.clone();
        for rule in keep {
            if rule == row.rule && !has_most(problem, rule) {
                continue;
            }
            let without: Vec<usize> = needed.iter().copied().filter(|other| *other != rule).collect();
            if self::missing(problem, &without, (row.rule, row.span), threads).is_some() {
                needed = without;
            }
        }
        // Of the rule itself the least number stays in any case.
        needed.retain(|rule| has_most(problem, *rule));
        found.push(Conflict { rule: row.rule, span: row.span, missing, with: needed });
    }
    found
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

/// What is missing of one least number in any case, where only some rules' other limits hold; nothing where it may be met.
fn missing(problem: &Problem, keep: &[usize], (rule, span): (usize, Span), threads: usize) -> Option<i128> {
    let mut reduced = Problem { score: Amounts::repeat(0, problem.score.len()), ..problem.clone() };
    for (id, own) in reduced.rules.iter_mut().enumerate() {
        if !keep.contains(&id) {
            strip(own);
        }
    }
    let mut rows = Rows::of(&reduced, 1);
    rows.retain(|row| row.worth.is_none() || (row.rule == rule && row.span == span), &reduced);
    for row in &mut rows.list {
        if row.worth.is_some() {
            row.worth = Some(1);
        }
    }
    let locals = Locals::of(&reduced, threads);
    let ground = Ground { problem: &reduced, locals: &locals, rows: &rows, shift: FINE, threads };
    let start = rows.list.iter().map(|row| if row.worth.is_some() { 1i64 << FINE } else { 0 }).collect();
    let search = Search { steps: STEPS, reach: 300, unit: Some(1 << FINE) };
    let dual = descend(&ground, start, Asked::All, search, &mut |_, _| {});
    // The objective is what is missing, below zero. Rounding up keeps to what is proven.
    let missing = (-dual.bound + (1i128 << FINE) - 1) >> FINE;
    (dual.bound < 0).then_some(missing)
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
            });
        }
    }
}
