//! What the rules of one group propose: runs their functions, so that no piece is in the sets of two rules where rules
//! compete for pieces. Refuses to know what becomes of a proposal.

use super::plan::{Candidates, Plan};
use super::price::Run;
use super::{Bindings, Code, Decision, Proposals, RecordView, RuleFault};
use crate::ir::{Displace, Fault, Group, PlaceId, Program, RuleId, Scope};

/// Whom to ask, and about what.
pub(super) struct Asking<'a, C: Code> {
    pub program: &'a Program,
    pub plan: &'a Plan,
    pub candidates: &'a Candidates,
    pub bindings: &'a Bindings,
    pub record: RecordView<'a>,
    pub code: &'a C,
    /// Rules that are not asked, ascending.
    pub silent: &'a [RuleId],
}

impl<C: Code> Asking<'_, C> {
    /// Asks the rules at these positions, which are those of one group.
    pub fn group(
        &self,
        group: &Group,
        positions: &[u32],
        (fuel, scratch, proposals): (&mut i64, &mut C::Scratch, &mut Proposals),
        runs: &mut Vec<Run>,
        decision: &mut Decision,
    ) {
        clear(proposals);
        runs.clear();
        let in_turn = match (group.displace, group.per) {
            (Displace::First, Scope::Unit) => true,
            (Displace::First, Scope::Line | Scope::Basket)
            | (Displace::None | Displace::Chain | Displace::BestForMember | Displace::BestForRetailer, _) => {
                false
            }
        };
        for position in positions {
            let run = self.rule(*position, (fuel, scratch, proposals), decision);
            if let (true, Some(run)) = (in_turn, &run) {
                self.take(run, proposals);
            }
            runs.extend(run);
        }
        match (group.displace, group.per) {
            (Displace::BestForMember, Scope::Unit) => {
                self.reconcile(true, (fuel, scratch, proposals), runs, decision);
            }
            (Displace::BestForRetailer, Scope::Unit) => {
                self.reconcile(false, (fuel, scratch, proposals), runs, decision);
            }
            (Displace::BestForMember | Displace::BestForRetailer, Scope::Line | Scope::Basket)
            | (Displace::None | Displace::First | Displace::Chain, _) => {}
        }
        proposals.taken.clear();
    }

    /// Where rules want the same pieces for their sets: asks them again one after another, the one that gives most (or
    /// least) for a piece first, each about the pieces that are left.
    fn reconcile(
        &self,
        member: bool,
        (fuel, scratch, proposals): (&mut i64, &mut C::Scratch, &mut Proposals),
        runs: &mut Vec<Run>,
        decision: &mut Decision,
    ) {
        let takes = |run: &Run| !run.takes.is_empty();
        if runs.iter().filter(|run| takes(run)).count() < 2 {
            return;
        }
        proposals.taken.clear();
        for run in runs.iter().filter(|run| takes(run)) {
            self.take(run, proposals);
        }
        let pieces = |row: usize| {
            crate::interpret::actions::line_slot(&self.record, crate::ir::line_slot::PIECES, row).max(0)
        };
        if proposals.taken.iter().enumerate().all(|(row, taken)| *taken <= pieces(row)) {
            return;
        }
        // Of each: what it gives at most (or least) by itself, and for how many pieces.
        let mut order: Vec<(usize, i128, i128)> = Vec::new();
        for (index, run) in runs.iter().enumerate().filter(|(_, run)| takes(run)) {
            let (mut value, mut used) = (0i128, 0i128);
            for take in proposals.takes.get(run.takes.clone()).unwrap_or(&[]) {
                value = value.saturating_add(i128::from(take.value)).saturating_add(i128::from(take.gap));
                used = used.saturating_add(pieces_of(proposals, take));
            }
            order.push((index, value, used));
        }
        // Two quotients of 64-bit numbers compare by their cross products.
        order.sort_by(|a, b| {
            let (left, right) = (a.1.saturating_mul(b.2), b.1.saturating_mul(a.2));
            let by_value = if member { right.cmp(&left) } else { left.cmp(&right) };
            by_value.then(a.0.cmp(&b.0))
        });
        proposals.taken.clear();
        let mut gone: Vec<usize> = Vec::new();
        for (index, alone, _) in order {
            let Some(position) = runs.get(index).map(|run| run.position) else { continue };
            match self.rule(position, (fuel, scratch, proposals), decision) {
                Some(run) => {
                    // What another order might have given this rule more is not known to be out of reach.
                    if let Some(take) =
                        proposals.takes.get_mut(run.takes.clone()).and_then(|takes| takes.first_mut())
                    {
                        let missed = alone.saturating_sub(i128::from(take.value));
                        let missed = if member { missed } else { missed.saturating_neg() };
                        take.gap = take.gap.max(i64::try_from(missed).unwrap_or(i64::MAX));
                    }
                    self.take(&run, proposals);
                    if let Some(place) = runs.get_mut(index) {
                        *place = run;
                    }
                }
                None => gone.push(index),
            }
        }
        gone.sort_unstable();
        let mut index = 0..;
        runs.retain(|_| index.next().is_none_or(|index| gone.binary_search(&index).is_err()));
    }

    /// Notes the pieces that a rule uses: those of its sets, or those that its effects fall on.
    fn take(&self, run: &Run, proposals: &mut Proposals) {
        let lines = self.record.line_count();
        proposals.taken.resize(lines, 0);
        let mut own: Vec<(u32, i64)> = Vec::new();
        for take in proposals.takes.get(run.takes.clone()).unwrap_or(&[]) {
            own.extend_from_slice(range_of(&proposals.used, &take.used));
        }
        if run.takes.is_empty() {
            for proposal in proposals.list.get(run.proposals.clone()).unwrap_or(&[]) {
                own.extend_from_slice(range_of(&proposals.selected, &proposal.selected));
            }
            // Of the effects on a row, the one that covers most of it.
            own.sort_unstable();
            own.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 = kept.1.max(next.1);
                }
                same
            });
        }
        for (row, pieces) in own {
            if let Some(taken) = usize::try_from(row).ok().and_then(|row| proposals.taken.get_mut(row)) {
                *taken = taken.saturating_add(pieces);
            }
        }
    }

    fn rule(
        &self,
        position: u32,
        (fuel, scratch, proposals): (&mut i64, &mut C::Scratch, &mut Proposals),
        decision: &mut Decision,
    ) -> Option<Run> {
        let (list, takes) = (proposals.list.len(), proposals.takes.len());
        if !self.ask(position, (fuel, scratch, &mut *proposals), decision) {
            return None;
        }
        Some(Run {
            position,
            proposals: list..proposals.list.len(),
            takes: takes..proposals.takes.len(),
            parts: 0..0,
            faulted: false,
            fallen: false,
        })
    }

    /// Asks the rule at a position; says whether it has proposed anything.
    #[inline]
    pub fn ask(
        &self,
        position: u32,
        (fuel, scratch, proposals): (&mut i64, &mut C::Scratch, &mut Proposals),
        decision: &mut Decision,
    ) -> bool {
        let Some(rule_id) = self.plan.rule(position) else { return false };
        let Some(rule) = self.program.rules.get(rule_id.index()) else { return false };
        if !self.silent.is_empty() && self.silent.binary_search(&rule_id).is_ok() {
            return false;
        }
        let (list, selected) = (proposals.list.len(), proposals.selected.len());
        let (takes, used) = (proposals.takes.len(), proposals.used.len());
        // The plan has found it, so its conditions on the event hold.
        let record = RecordView { rows: self.candidates.rows(position), holds: true, ..self.record };
        match self.code.run(rule.function, record, self.bindings, fuel, scratch, proposals) {
            Ok(()) if proposals.list.len() > list => true,
            Ok(()) => {
                proposals.takes.truncate(takes);
                proposals.used.truncate(used);
                false
            }
            Err(fault) => {
                proposals.list.truncate(list);
                proposals.selected.truncate(selected);
                proposals.takes.truncate(takes);
                proposals.used.truncate(used);
                let place = place_of(self.program, rule_id, fault);
                decision.faults.push(RuleFault { rule: rule_id, kind: fault.kind, place });
                false
            }
        }
    }
}

/// Forgets what was proposed.
pub(super) fn clear(proposals: &mut Proposals) {
    proposals.list.clear();
    proposals.selected.clear();
    proposals.takes.clear();
    proposals.used.clear();
    proposals.taken.clear();
}

/// How many pieces a choice of sets uses.
fn pieces_of(proposals: &Proposals, take: &super::Take) -> i128 {
    range_of(&proposals.used, &take.used).iter().map(|(_, pieces)| i128::from(*pieces)).sum()
}

/// A part of a list.
pub(super) fn range_of<'a>(list: &'a [(u32, i64)], range: &std::ops::Range<u32>) -> &'a [(u32, i64)] {
    let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    range.and_then(|(start, end)| list.get(start..end)).unwrap_or(&[])
}

/// Where the instruction stands that failed.
pub(super) fn place_of(program: &Program, rule: RuleId, fault: Fault) -> PlaceId {
    let Some(rule) = program.rules.get(rule.index()) else { return PlaceId::default() };
    let function = program.functions.get(rule.function.index());
    let inst = usize::try_from(fault.inst).ok();
    let place = function.zip(inst).and_then(|(function, inst)| function.places.get(inst));
    place.copied().unwrap_or(rule.place)
}
