//! What an event may spend of a member's points where some of them carry conditions: which conditions hold, and what is
//! left of each. Refuses to know what it is spent on.

use super::{Claimed, Record, Spent};
use crate::ir::{AccountId, Program};

/// Points in the order in which they are spent, with the condition that they carry.
pub(super) type Points = (Option<u32>, i64);

/// Whether points of a condition may be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    No,
    Yes,
    /// For the goods of these rows.
    Goods(Vec<u32>),
}

/// For what points may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May<'p> {
    Nothing,
    Anything,
    Rows(&'p [u32]),
}

/// The points of an event's member, where the program has conditions of points.
#[derive(Debug, Default)]
pub(super) struct Purses {
    standings: Vec<Standing>,
    /// By account.
    points: Vec<Vec<Points>>,
    /// In the order in which it was spent.
    pub spent: Vec<Spent>,
}

impl Purses {
    /// Looks at what there is at the beginning of an event, once its derivations are filled.
    pub fn begin(&mut self, program: &Program, record: &Record, claimed: &dyn Claimed) {
        self.standings.clear();
        self.points.clear();
        self.spent.clear();
        if program.spendables.is_empty() {
            return;
        }
        self.standings.extend(program.spendables.iter().map(|spendable| {
            match record.event.get(spendable.slot.index()) {
                Some(1) if spendable.goods => Standing::Goods(Vec::new()),
                Some(1) => Standing::Yes,
                Some(_) | None => Standing::No,
            }
        }));
        let accounts = (0u32..).map(AccountId).take(program.accounts.len());
        self.points.extend(accounts.map(|account| claimed.purse(account)));
    }

    /// Whether points have no conditions here.
    pub fn is_plain(&self) -> bool {
        self.standings.is_empty()
    }

    /// Says for which rows points of a condition may pay.
    pub fn pay_for(&mut self, spendable: usize, rows: impl Iterator<Item = u32>) {
        if let Some(Standing::Goods(known)) = self.standings.get_mut(spendable) {
            known.extend(rows);
        }
    }

    /// For what points that carry this may be spent.
    pub fn may(&self, condition: Option<u32>) -> May<'_> {
        let Some(condition) = condition else { return May::Anything };
        let standing = usize::try_from(condition).ok().and_then(|at| self.standings.get(at));
        match standing {
            Some(Standing::Yes) => May::Anything,
            Some(Standing::Goods(rows)) => May::Rows(rows),
            Some(Standing::No) | None => May::Nothing,
        }
    }

    /// What is there, in the order in which it is spent.
    pub fn of(&self, account: AccountId) -> &[Points] {
        self.points.get(account.index()).map_or(&[], Vec::as_slice)
    }

    /// What may be spent on anything.
    pub fn free(&self, account: AccountId) -> i128 {
        let free = self.of(account).iter().filter(|(condition, _)| self.may(*condition) == May::Anything);
        free.map(|(_, amount)| i128::from(*amount)).sum()
    }

    /// Spends on what is no goods.
    pub fn spend(&mut self, account: AccountId, amount: i64) {
        let mut left = amount;
        let mut taken: Vec<Points> = Vec::new();
        for (condition, held) in self.of(account) {
            if self.may(*condition) != May::Anything {
                continue;
            }
            let part = left.min(*held);
            left = left.saturating_sub(part);
            taken.push((*condition, part));
        }
        // What nobody has is owed.
        taken.push((None, left));
        for (condition, amount) in taken {
            self.spend_of(account, condition, amount);
        }
    }

    /// Spends points of one condition.
    pub fn spend_of(&mut self, account: AccountId, condition: Option<u32>, amount: i64) {
        if amount <= 0 {
            return;
        }
        let mut left = amount;
        let points = self.points.get_mut(account.index()).map_or(&mut [][..], Vec::as_mut_slice);
        for (_, held) in points.iter_mut().filter(|(of, _)| *of == condition) {
            let part = left.min(*held);
            *held = held.saturating_sub(part);
            left = left.saturating_sub(part);
        }
        match self.spent.iter_mut().find(|spent| (spent.account, spent.condition) == (account, condition)) {
            Some(spent) => spent.amount = spent.amount.saturating_add(amount),
            None => self.spent.push(Spent { account, condition, amount }),
        }
    }
}
