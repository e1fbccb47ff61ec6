//! Choosing sets where what they give is no sum over their pieces: every kind of set that can be formed is listed, and
//! how often each is taken is searched, the best first, without those that cannot lead to more. A budget of nodes ends
//! the search; then the best so far stands, and the choice is not proven.
//!
//! Refuses to know why a set gives what it gives.

use super::{Candidate, Chosen, Task, product, sum};
use crate::interpret::actions::take;
use crate::ir::FaultKind;

/// Turns of the search at most.
pub(super) const NODES: u32 = 50_000;
/// Kinds of sets that are listed at most.
const PATTERNS: usize = 1_000;
/// Lines that are searched at most.
const KINDS: usize = 64;
/// Fuel for a node.
const NODE_TURNS: i64 = 4;

/// What was found.
pub(super) struct Found {
    pub sets: Candidate,
    pub value: i128,
    /// Nothing was left out.
    pub complete: bool,
}

/// A kind of set.
struct Pattern {
    parts: Vec<Vec<(usize, i64)>>,
    /// Kinds and pieces in all, each kind once.
    all: Vec<(usize, i64)>,
    /// What one gives, as it is to be made large.
    worth: i128,
}

pub(super) struct Search<'t> {
    task: &'t Task,
    patterns: Vec<Pattern>,
    left: Vec<i64>,
    /// (pattern, times) at hand.
    taken: Vec<(usize, i64)>,
    best: Vec<(usize, i64)>,
    value: i128,
    improved: bool,
    nodes: u32,
    complete: bool,
}

impl<'t> Search<'t> {
    /// The best choice, or the one that is given where none is found that gives more.
    pub fn run(task: &'t Task, begin: (Candidate, i128), fuel: &mut i64) -> Result<Found, FaultKind> {
        let mut search = Search {
            task,
            patterns: Vec::new(),
            left: task.kinds.iter().map(|kind| kind.pieces).collect(),
            taken: Vec::new(),
            best: Vec::new(),
            value: begin.1,
            improved: false,
            nodes: 0,
            complete: true,
        };
        if task.kinds.len() > KINDS {
            let (sets, value) = begin;
            return Ok(Found { sets, value, complete: false });
        }
        search.list(&mut vec![Vec::new(); task.counts.len()], 0, 0, 0, fuel)?;
        // Lists come in order of the lines, which a stable sort keeps among equals.
        search.patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.worth));
        search.descend(0, task.most, 0, fuel)?;
        let (sets, value) = if search.improved {
            let chosen = search.best.iter().filter_map(|(pattern, times)| {
                let pattern = search.patterns.get(*pattern)?;
                Some(Chosen { times: *times, parts: pattern.parts.clone() })
            });
            (chosen.collect(), search.value)
        } else {
            begin
        };
        Ok(Found { sets, value, complete: search.complete })
    }

    fn node(&mut self, fuel: &mut i64) -> Result<bool, FaultKind> {
        take(fuel, NODE_TURNS)?;
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > NODES {
            self.complete = false;
        }
        Ok(self.complete)
    }

    /// Lists the kinds of sets that begin as `parts` do: part by part, kind by kind.
    fn list(
        &mut self,
        parts: &mut Vec<Vec<(usize, i64)>>,
        part: usize,
        kind: usize,
        taken: i64,
        fuel: &mut i64,
    ) -> Result<(), FaultKind> {
        if !self.node(fuel)? {
            return Ok(());
        }
        let Some(count) = self.task.counts.get(part).copied() else {
            if self.patterns.len() >= PATTERNS {
                self.complete = false;
                return Ok(());
            }
            let worth = self.task.signed(self.task.worth(parts)?);
            if worth > 0 || !self.task.member {
                let mut all: Vec<(usize, i64)> = Vec::new();
                for (kind, pieces) in parts.iter().flatten() {
                    match all.iter_mut().find(|(other, _)| other == kind) {
                        Some((_, sum)) => *sum = sum.saturating_add(*pieces),
                        None => all.push((*kind, *pieces)),
                    }
                }
                self.patterns.push(Pattern { parts: parts.clone(), all, worth });
            }
            return Ok(());
        };
        let needs = count.saturating_sub(taken);
        if needs == 0 {
            return self.list(parts, part.saturating_add(1), 0, 0, fuel);
        }
        let Some(of) = self.task.kinds.get(kind).copied() else { return Ok(()) };
        let free = self.left.get(kind).copied().unwrap_or(0);
        let most = if of.parts >> part & 1 == 1 { needs.min(free) } else { 0 };
        let mut pieces = most;
        loop {
            if pieces > 0 {
                if let Some(part) = parts.get_mut(part) {
                    part.push((kind, pieces));
                }
                if let Some(left) = self.left.get_mut(kind) {
                    *left = left.saturating_sub(pieces);
                }
            }
            let listed = self.list(parts, part, kind.saturating_add(1), taken.saturating_add(pieces), fuel);
            if pieces > 0 {
                if let Some(part) = parts.get_mut(part) {
                    part.pop();
                }
                if let Some(left) = self.left.get_mut(kind) {
                    *left = left.saturating_add(pieces);
                }
            }
            listed?;
            if pieces == 0 || !self.complete {
                return Ok(());
            }
            pieces = pieces.saturating_sub(1);
        }
    }

    /// Takes sets of the kinds from `first` on, of which `left` may still be formed.
    fn descend(&mut self, first: usize, left: i64, value: i128, fuel: &mut i64) -> Result<(), FaultKind> {
        if value > self.value && (left == 0 || self.task.member) {
            self.value = value;
            self.best.clone_from(&self.taken);
            self.improved = true;
        }
        if left == 0 {
            return Ok(());
        }
        for index in first..self.patterns.len() {
            let Some(pattern) = self.patterns.get(index) else { return Ok(()) };
            // Those that follow give no more for each set.
            if sum(value, product(pattern.worth, i128::from(left))?)? <= self.value {
                return Ok(());
            }
            let fits = pattern.all.iter().map(|(kind, pieces)| {
                self.left.get(*kind).and_then(|left| left.checked_div(*pieces)).unwrap_or(0)
            });
            let most = fits.min().unwrap_or(0).min(left);
            let worth = pattern.worth;
            for times in (1..=most).rev() {
                if !self.node(fuel)? {
                    return Ok(());
                }
                self.shift(index, times.saturating_neg());
                self.taken.push((index, times));
                let value = sum(value, product(worth, i128::from(times))?)?;
                let descended =
                    self.descend(index.saturating_add(1), left.saturating_sub(times), value, fuel);
                self.taken.pop();
                self.shift(index, times);
                descended?;
            }
        }
        Ok(())
    }

    fn shift(&mut self, pattern: usize, times: i64) {
        let Some(pattern) = self.patterns.get(pattern) else { return };
        for (kind, pieces) in &pattern.all {
            if let Some(left) = self.left.get_mut(*kind) {
                *left = left.saturating_add(pieces.saturating_mul(times));
            }
        }
    }
}
