//! An event that is decided again without what has come back of it. Its prices and its payments stand as they were settled:
//! what is left of them is given. Only what comes after them is worked out anew. Refuses to know who remembers an event.

use super::grant::Given;
use super::plan::Plan;
use super::price::{Line, NONE, line_of};
use super::settle::Settling;
use super::{Effect, deed::Deed};
use crate::ir::{Phase, Program, RuleId, SiteId, SiteKind};
use serde::{Deserialize, Serialize};

/// What is left of an event as it was settled. Rows are those of the record that is decided again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// By line.
    pub lines: Vec<KeptLine>,
    /// Discounts, and what was taken from accounts, in the order of settlement.
    pub settled: Vec<Effect>,
    /// What rules did besides, before anything was earned, as far as it stays.
    pub deeds: Vec<KeptDeed>,
    /// Awards that are cancelled by a rule of their own when goods come back: what is left of them.
    pub cancellable: Vec<Effect>,
}

/// What a rule issued or set before anything was earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDeed {
    /// Which rule.
    pub rule: RuleId,
    /// By which effect of the text.
    pub site: SiteId,
    /// How many it issued, or to what it set.
    pub number: i64,
}

/// What is left of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptLine {
    /// After all discounts.
    pub paid: i64,
    /// Of that, what points paid.
    pub tendered: i64,
}

/// Whether prices are settled in a phase, or how they are paid.
pub fn is_settled(phase: Phase) -> bool {
    match phase {
        Phase::Line | Phase::Set | Phase::Order | Phase::Delivery | Phase::Tender => true,
        Phase::Earn | Phase::State => false,
    }
}

/// Whether an award says itself what becomes of it when goods come back.
pub fn is_cancellable(program: &Program, site: SiteId) -> bool {
    match program.sites.get(site.index()).map(|site| site.kind) {
        Some(SiteKind::Award { life, .. }) => life.cancel.is_some(),
        Some(
            SiteKind::Multiply { .. }
            | SiteKind::Debit { .. }
            | SiteKind::Discount { .. }
            | SiteKind::Gift { .. }
            | SiteKind::Issue { .. }
            | SiteKind::Tell { .. }
            | SiteKind::Set { .. }
            | SiteKind::Tender { .. },
        )
        | None => false,
    }
}

/// An effect as what was given.
fn given<'e>(effect: &'e Effect, position: u32) -> impl Iterator<Item = Given> + 'e {
    let part = move |row: u32, pieces: i64, amount: i64| Given {
        group: effect.group,
        position,
        rule: effect.rule,
        site: effect.site,
        account: effect.account,
        debit: effect.debit,
        row,
        pieces,
        amount,
        exact: None,
    };
    let whole = effect.shares.is_empty().then(|| part(NONE, 0, effect.amount));
    let shares = effect.shares.iter().map(move |share| part(share.row, share.pieces, share.amount));
    whole.into_iter().chain(shares)
}

impl Settling {
    /// Goes on from what is left of prices and payments.
    pub(super) fn resume(&mut self, program: &Program, plan: &Plan, kept: &Kept) {
        let positions = plan.positions();
        let position = |rule: RuleId| positions.get(&rule).copied().unwrap_or(NONE);
        self.clear = false;
        for (line, kept) in self.lines.iter_mut().zip(&kept.lines) {
            let KeptLine { paid, tendered } = *kept;
            *line = Line { running: paid, tendered, ..*line };
        }
        for effect in &kept.settled {
            let start = self.granter.given.len();
            self.granter.given.extend(given(effect, position(effect.rule)));
            self.settled.push((effect.group, start..self.granter.given.len()));
            if let Some(account) = effect.account.filter(|_| effect.debit) {
                self.debits.take(account, effect.amount);
                if program.redemptions.iter().any(|redemption| redemption.rule == effect.rule) {
                    self.tendered.push((effect.rule, effect.amount));
                }
            }
        }
        for KeptDeed { rule, site, number } in kept.deeds.iter().copied() {
            let group = program.rules.get(rule.index()).map(|rule| rule.group).unwrap_or_default();
            self.granter.deeds.push(Deed { group, position: position(rule), rule, site, number });
        }
    }

    /// Puts what is left of awards that are cancelled in the place of what was worked out for them.
    pub(super) fn cancel(&mut self, program: &Program, plan: &Plan, kept: &Kept) {
        for given in self.granter.given.iter_mut().filter(|given| is_cancellable(program, given.site)) {
            given.amount = 0;
            given.exact = None;
        }
        let positions = plan.positions();
        for effect in &kept.cancellable {
            let given = given(effect, positions.get(&effect.rule).copied().unwrap_or(NONE));
            let there =
                given.filter(|given| given.row == NONE || line_of(&mut self.lines, given.row).is_some());
            self.granter.given.extend(there.collect::<Vec<_>>());
        }
    }
}
