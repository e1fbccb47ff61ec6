//! What rules take from a member's balance: all that a rule takes or nothing, and with it all that it gives. Refuses to
//! know lots: a balance is a number that kept state answers.

use super::fraction::Fraction;
use super::price::SiteFault;
use super::purse::Purses;
use super::{Claimed, Proposal};
use crate::interpret::actions::turns;
use crate::ir::{AccountId, FaultKind, Program, SiteId, SiteKind};

/// What one effect of a rule takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Debit {
    /// Which run of the group at hand.
    run: usize,
    pub site: SiteId,
    pub account: AccountId,
    /// Above zero.
    pub amount: i64,
}

/// What the rules of an event take.
#[derive(Debug, Default)]
pub(super) struct Debits {
    /// Of the group at hand, by run.
    wanted: Vec<Debit>,
    /// By account, so far.
    taken: Vec<(AccountId, i64)>,
    pub purses: Purses,
}

impl Debits {
    /// Forgets the event before.
    pub fn begin(&mut self) {
        self.wanted.clear();
        self.taken.clear();
    }

    /// Forgets the group before.
    pub fn enter(&mut self) {
        self.wanted.clear();
    }

    /// Notes what a run takes, rounded as the accounts say; sums of one effect are put together.
    pub fn gather(&mut self, program: &Program, run: usize, proposals: &[Proposal]) -> Result<(), SiteFault> {
        for proposal in proposals {
            let kind = program.sites.get(proposal.site.index()).map(|site| site.kind);
            let Some(SiteKind::Debit { account }) = kind else { continue };
            let fault = |kind: FaultKind| (kind, proposal.site);
            let exact = Fraction::new(proposal.num, proposal.den).map_err(fault)?;
            if !exact.is_positive() {
                continue;
            }
            let rounding = program.accounts.get(account.index()).map_or(program.rounding, |a| a.rounding);
            let whole = exact.round(rounding).map_err(fault)?;
            let amount = i64::try_from(whole).map_err(|_| fault(FaultKind::OutOfRange))?;
            if amount == 0 {
                continue;
            }
            match self.wanted.last_mut().filter(|last| last.run == run && last.site == proposal.site) {
                Some(last) => {
                    let sum = last.amount.checked_add(amount);
                    last.amount = sum.ok_or(fault(FaultKind::OutOfRange))?;
                }
                None => self.wanted.push(Debit { run, site: proposal.site, account, amount }),
            }
        }
        Ok(())
    }

    /// What a run takes, in the order of the text.
    pub fn of(&self, run: usize) -> impl Iterator<Item = Debit> + '_ {
        // They are gathered run by run.
        let start = self.wanted.partition_point(|debit| debit.run < run);
        self.wanted.iter().skip(start).copied().take_while(move |debit| debit.run == run)
    }

    /// Turns that looking at what a run takes costs.
    pub fn turns(&self, run: usize) -> i64 {
        let own = self.of(run).count();
        turns(own).saturating_mul(turns(own.saturating_add(self.taken.len())))
    }

    /// The first account whose balance, less what was taken before, is too small for a run, and by how much.
    pub fn missing(&self, program: &Program, claimed: &dyn Claimed, run: usize) -> Option<(AccountId, i64)> {
        for debit in self.of(run) {
            let before = self.of(run).take_while(|other| other.site != debit.site);
            if before.into_iter().any(|other| other.account == debit.account) {
                continue;
            }
            let same = self.of(run).filter(|other| other.account == debit.account);
            let wanted: i128 = same.map(|other| i128::from(other.amount)).sum();
            let room = self.room_for_anything(program, claimed, debit.account);
            if wanted > room {
                let missing = i64::try_from(wanted.saturating_sub(room)).unwrap_or(i64::MAX);
                return Some((debit.account, missing));
            }
        }
        None
    }

    /// What may still be taken from an account; nothing without a member.
    pub fn room(&self, program: &Program, claimed: &dyn Claimed, account: AccountId) -> i128 {
        let Some(balance) = claimed.balance(account) else { return 0 };
        let floor = program.accounts.get(account.index()).and_then(|account| account.not_below).unwrap_or(0);
        let taken = self.taken.iter().find(|(of, _)| *of == account).map_or(0, |(_, taken)| *taken);
        // Three numbers of 64 bits always fit.
        (i128::from(balance) - i128::from(floor) - i128::from(taken)).max(0)
    }

    /// How far a balance may fall below nothing.
    pub fn debt(program: &Program, account: AccountId) -> i128 {
        let floor = program.accounts.get(account.index()).and_then(|account| account.not_below).unwrap_or(0);
        (-i128::from(floor)).max(0)
    }

    /// What may still be taken for what is no goods: nothing of what pays for goods only, or not now.
    fn room_for_anything(&self, program: &Program, claimed: &dyn Claimed, account: AccountId) -> i128 {
        let room = self.room(program, claimed, account);
        if self.purses.is_plain() {
            return room;
        }
        room.min(self.purses.free(account).saturating_add(Self::debt(program, account)))
    }

    /// Takes what a run wants.
    pub fn take_all(&mut self, run: usize) -> Vec<Debit> {
        let debits: Vec<Debit> = self.of(run).collect();
        for debit in &debits {
            self.take(debit.account, debit.amount);
            if !self.purses.is_plain() {
                self.purses.spend(debit.account, debit.amount);
            }
        }
        debits
    }

    /// Notes that an amount was taken.
    pub fn take(&mut self, account: AccountId, amount: i64) {
        match self.taken.iter_mut().find(|(of, _)| *of == account) {
            Some((_, taken)) => *taken = taken.saturating_add(amount),
            None => self.taken.push((account, amount)),
        }
    }
}
