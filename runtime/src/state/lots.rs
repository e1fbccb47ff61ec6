//! The lots of one account of one member: what was issued and not yet spent, with its life. Balances follow from the
//! instant at which they are asked; nothing has to be done for a lot to become active or to end. Refuses to know
//! programs, members and where it is stored.
//!
//! At any instant what was issued is what was spent and what is live, pending and expired, less what was spent beyond
//! all lots and is owed.

use super::life::Portion;
use perq_compiler::ir::{AccountId, Shortfall, SiteId};
use serde::{Deserialize, Serialize};

/// Points that live and end as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The instant at which it was issued.
    pub issued: i64,
    /// By which event and which effect of its rules.
    pub by: By,
    /// The instant from which it can be spent.
    pub from: i64,
    /// The instant from which it is gone.
    pub until: Option<i64>,
    /// What was awarded, less what was taken back since.
    pub amount: i64,
    /// What is not spent of it.
    pub left: i64,
    /// The condition under which it can be spent, of the program's.
    pub condition: Option<u32>,
}

/// Who issued a lot: an event, by its place in the order in which events were kept, and an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The event's place.
    pub event: u64,
    /// The effect.
    pub site: SiteId,
}

/// What an event took of a lot, and has not been given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Spending {
    event: u64,
    /// Its place among the lots; `None` where no lot had it and it is owed.
    lot: Option<usize>,
    amount: i64,
}

/// What a member can spend of an account at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which account.
    pub account: AccountId,
    /// All of it; below zero where something is owed.
    pub balance: i64,
    /// In the order in which it is spent, with the condition that it carries.
    pub purse: Vec<(Option<u32>, i64)>,
}

impl Held {
    /// What lots hold.
    pub fn of(account: AccountId, lots: &Lots, at: i64) -> Held {
        Held { account, balance: lots.balance(at), purse: lots.purse(at) }
    }
}

/// What became of points that are to be taken back or given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// What was taken from lots of the award, below zero, or given to them: the lot as it was before, and how much.
    pub lots: Vec<(Lot, i64)>,
    /// What was taken from other lots.
    pub others: i64,
    /// What is owed for it.
    pub owed: i64,
    /// What was not there.
    pub missing: i64,
    /// All of it in its order, for who books it.
    pub steps: Vec<Step>,
}

/// A step in which points are taken back or given back. Lots are named by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new lot, the last one. `paid` of it at once paid what was owed.
    Issued {
        /// As it was before it paid.
        lot: Lot,
        /// What was owed.
        paid: i64,
    },
    /// What was awarded with a lot is less, whether that is still there or not.
    Less {
        /// Which.
        lot: usize,
        /// By how much.
        amount: i64,
    },
    /// Something is taken from a lot.
    Taken {
        /// Which.
        lot: usize,
        /// How much.
        amount: i64,
    },
    /// Something comes back to the lot that it was taken from.
    Back {
        /// Which.
        lot: usize,
        /// How much.
        amount: i64,
    },
    /// So much more is owed; below zero where it is less.
    Owed(i64),
}

impl Lot {
    fn is_live(&self, at: i64) -> bool {
        self.from <= at && !self.is_expired(at)
    }

    fn is_expired(&self, at: i64) -> bool {
        self.until.is_some_and(|until| until <= at)
    }
}

/// From which lots something was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// By position among the lots; amounts are above zero.
    pub taken: Vec<(usize, i64)>,
    /// What no lot had.
    pub owed: i64,
}

/// The lots of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lots {
    /// In the order in which they were issued.
    lots: Vec<Lot>,
    /// What was spent beyond them; the next ones pay it.
    owed: i64,
    /// What events took, in the order in which they did.
    spent: Vec<Spending>,
}

impl Lots {
    /// Of what was kept elsewhere: lots in the order in which they were issued, and what is owed beyond them.
    pub fn of(lots: Vec<Lot>, owed: i64) -> Lots {
        Lots { lots, owed, ..Lots::default() }
    }

    /// With what an event took and has not been given back, in its order: of which lot, by position, and how much.
    #[must_use]
    pub fn with_spendings(mut self, event: u64, all: impl IntoIterator<Item = (Option<usize>, i64)>) -> Lots {
        let spendings = all.into_iter().map(|(lot, amount)| Spending { event, lot, amount });
        self.spent.extend(spendings);
        self
    }

    /// What an event took and has not been given back, as [`Self::with_spendings`] takes it.
    pub fn spendings(&self, event: u64) -> impl Iterator<Item = (Option<usize>, i64)> {
        let own = self.spent.iter().filter(move |spent| spent.event == event);
        own.map(|spent| (spent.lot, spent.amount))
    }

    /// Gives back to a lot what was held of it, or holds it again where the amount is below zero.
    pub(super) fn release(&mut self, lot: usize, amount: i64) {
        if let Some(lot) = self.lots.get_mut(lot) {
            lot.left = lot.left.saturating_add(amount);
        }
    }

    /// In the order in which they were issued.
    pub fn lots(&self) -> &[Lot] {
        &self.lots
    }

    /// What was spent beyond them.
    pub fn owed(&self) -> i64 {
        self.owed
    }

    /// Adds a part of an award. What is owed is paid from it first; gives how much that was.
    pub fn issue(&mut self, at: i64, by: By, portion: Portion, condition: Option<u32>) -> i64 {
        // What can be spent under a condition pays nothing that is owed.
        let owed = if condition.is_none() { self.owed } else { 0 };
        let paid = owed.min(portion.amount).max(0);
        self.owed = self.owed.saturating_sub(paid);
        let left = portion.amount.saturating_sub(paid);
        let Portion { amount, from, until } = portion;
        self.lots.push(Lot { issued: at, by, from, until, amount, left, condition });
        paid
    }

    /// What can be spent at an instant; below zero where something is owed.
    pub fn balance(&self, at: i64) -> i64 {
        self.sum(|lot| lot.is_live(at)).saturating_sub(self.owed)
    }

    /// What of the balance carries no condition.
    pub fn free(&self, at: i64) -> i64 {
        self.sum(|lot| lot.is_live(at) && lot.condition.is_none()).saturating_sub(self.owed)
    }

    /// What cannot be spent yet.
    pub fn pending(&self, at: i64) -> i64 {
        self.sum(|lot| lot.from > at && !lot.is_expired(at))
    }

    /// What ended before it was spent.
    pub fn expired(&self, at: i64) -> i64 {
        self.sum(|lot| lot.is_expired(at))
    }

    fn sum(&self, which: impl Fn(&Lot) -> bool) -> i64 {
        self.lots.iter().filter(|lot| which(lot)).fold(0, |sum, lot| sum.saturating_add(lot.left))
    }

    /// Takes an amount: from the lot that ends first, never-ending ones last, then from the oldest. What no lot has is
    /// owed.
    pub fn spend(&mut self, at: i64, event: u64, amount: i64) -> Spent {
        self.spend_where(at, event, amount, |_| true)
    }

    /// The same from the lots that carry this condition.
    pub fn spend_of(&mut self, at: i64, event: u64, amount: i64, condition: Option<u32>) -> Spent {
        self.spend_where(at, event, amount, |lot| lot.condition == condition)
    }

    fn spend_where(&mut self, at: i64, event: u64, amount: i64, which: impl Fn(&Lot) -> bool) -> Spent {
        let mut left = amount.max(0);
        let mut spent = Spent::default();
        for index in self.in_order(at) {
            let Some(lot) = self.lots.get_mut(index).filter(|lot| which(lot)) else { continue };
            let taken = lot.left.min(left);
            lot.left = lot.left.saturating_sub(taken);
            left = left.saturating_sub(taken);
            if taken > 0 {
                self.spent.push(Spending { event, lot: Some(index), amount: taken });
                spent.taken.push((index, taken));
            }
        }
        if left > 0 {
            self.owed = self.owed.saturating_add(left);
            self.spent.push(Spending { event, lot: None, amount: left });
            spent.owed = left;
        }
        spent
    }

    /// What can be spent at an instant, in the order in which it is, with the condition that it carries.
    pub fn purse(&self, at: i64) -> Vec<(Option<u32>, i64)> {
        let mut out: Vec<(Option<u32>, i64)> = Vec::new();
        for lot in self.in_order(at).into_iter().filter_map(|index| self.lots.get(index)) {
            match out.last_mut().filter(|(condition, _)| *condition == lot.condition) {
                Some((_, amount)) => *amount = amount.saturating_add(lot.left),
                None => out.push((lot.condition, lot.left)),
            }
        }
        out
    }

    /// The lots that can be spent at an instant, in the order in which they are.
    fn in_order(&self, at: i64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lots.len()).collect();
        order.retain(|index| self.lots.get(*index).is_some_and(|lot| lot.left > 0 && lot.is_live(at)));
        let key = |index: &usize| {
            let lot = self.lots.get(*index);
            lot.map(|lot| (lot.until.unwrap_or(i64::MAX), lot.issued))
        };
        // Stable: of those issued at one instant the first.
        order.sort_by_key(key);
        order
    }

    /// Gives back what an event took, to the lots that it came from and with their own ends: what was taken last comes
    /// back first, so that parts that come back one after another come to the same as all of them at once.
    pub fn give_back(&mut self, event: u64, amount: i64) -> Moved {
        let mut moved = Moved::default();
        let mut left = amount.max(0);
        for spent in self.spent.iter_mut().rev().filter(|spent| spent.event == event) {
            let back = spent.amount.min(left);
            if back == 0 {
                continue;
            }
            spent.amount = spent.amount.saturating_sub(back);
            left = left.saturating_sub(back);
            match spent.lot.and_then(|at| Some((at, self.lots.get_mut(at)?))) {
                Some((at, lot)) => {
                    moved.lots.push((*lot, back));
                    moved.steps.push(Step::Back { lot: at, amount: back });
                    lot.left = lot.left.saturating_add(back);
                }
                None => {
                    // Later lots may have paid it; then it is there again.
                    moved.owed = moved.owed.saturating_sub(back);
                    moved.steps.push(Step::Owed(back.saturating_neg()));
                    self.owed = self.owed.saturating_sub(back);
                }
            }
        }
        self.spent.retain(|spent| spent.amount > 0);
        moved
    }

    /// Brings what an effect issued to the parts that it should have been. What is too much is taken from these parts, then
    /// from other parts of the same award, then from whatever the policy says.
    pub fn correct(
        &mut self,
        at: i64,
        (by, issued): (By, i64),
        (parts, condition): (&[Portion], Option<u32>),
        policy: Option<Shortfall>,
    ) -> Moved {
        let mut moved = Moved::default();
        let mut wanted: i64 = 0;
        let mut ends: Vec<(i64, Option<i64>)> = parts.iter().map(|part| (part.from, part.until)).collect();
        let own = |lot: &Lot| lot.by == by;
        ends.extend(self.lots.iter().filter(|lot| own(lot)).map(|lot| (lot.from, lot.until)));
        ends.sort_by_key(|(from, until)| (until.unwrap_or(i64::MAX), *from));
        ends.dedup();
        for (from, until) in ends {
            let is_here = |lot: &Lot| own(lot) && (lot.from, lot.until) == (from, until);
            let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.fold(0i64, i64::saturating_add);
            let here = sum(&mut self.lots.iter().filter(|lot| is_here(lot)).map(|lot| lot.amount));
            let same = parts.iter().filter(|part| (part.from, part.until) == (from, until));
            let target = sum(&mut same.map(|part| part.amount));
            let mut less = here.saturating_sub(target);
            if less < 0 {
                let amount = less.saturating_neg();
                let paid = self.issue(issued, by, Portion { amount, from, until }, condition);
                let lot = Lot { issued, by, from, until, amount, left: amount, condition };
                moved.lots.push((Lot { left: 0, ..lot }, amount));
                moved.steps.push(Step::Issued { lot, paid });
                continue;
            }
            for (index, lot) in self.lots.iter_mut().enumerate().filter(|(_, lot)| is_here(lot)) {
                let part = lot.amount.min(less);
                if part == 0 {
                    continue;
                }
                lot.amount = lot.amount.saturating_sub(part);
                moved.steps.push(Step::Less { lot: index, amount: part });
                less = less.saturating_sub(part);
                let taken = if may_take(lot, at, policy) { lot.left.min(part) } else { 0 };
                take(index, lot, taken, &mut moved);
                wanted = wanted.saturating_add(part.saturating_sub(taken));
            }
        }
        for (index, lot) in self.lots.iter_mut().enumerate().filter(|(_, lot)| own(lot)) {
            let taken = if may_take(lot, at, policy) { lot.left.min(wanted) } else { 0 };
            take(index, lot, taken, &mut moved);
            wanted = wanted.saturating_sub(taken);
        }
        self.take_elsewhere(at, wanted, policy, &mut moved);
        moved
    }

    /// Takes from other lots what is not there any more, as far as the policy says.
    pub fn take_elsewhere(&mut self, at: i64, wanted: i64, policy: Option<Shortfall>, moved: &mut Moved) {
        let there = self.balance(at).clamp(0, wanted.max(0));
        let (others, owed) = match policy {
            None | Some(Shortfall::PendingOnly) => (0, 0),
            Some(Shortfall::Clamp) => (there, 0),
            Some(Shortfall::Debt) => (there, wanted.saturating_sub(there)),
        };
        // Nothing that was bought was paid with it, so nothing gives it back: it is not noted as spent.
        let noted = self.spent.len();
        let spent = self.spend(at, 0, others.saturating_add(owed));
        self.spent.truncate(noted);
        moved.steps.extend(spent.taken.into_iter().map(|(lot, amount)| Step::Taken { lot, amount }));
        if spent.owed != 0 {
            moved.steps.push(Step::Owed(spent.owed));
        }
        moved.others = moved.others.saturating_add(others);
        moved.owed = moved.owed.saturating_add(owed);
        moved.missing =
            moved.missing.saturating_add(wanted.saturating_sub(others).saturating_sub(owed).max(0));
    }

    /// The lots of which something is left, in the order in which they were issued.
    pub fn standing(&self) -> impl Iterator<Item = &Lot> {
        self.lots.iter().filter(|lot| lot.left != 0)
    }
}

/// Whether what is left of a lot may be taken back: under `pending_only`, what the member cannot spend.
fn may_take(lot: &Lot, at: i64, policy: Option<Shortfall>) -> bool {
    match policy {
        None | Some(Shortfall::Debt | Shortfall::Clamp) => true,
        Some(Shortfall::PendingOnly) => !lot.is_live(at),
    }
}

fn take(index: usize, lot: &mut Lot, taken: i64, moved: &mut Moved) {
    if taken > 0 {
        moved.lots.push((*lot, taken.saturating_neg()));
        moved.steps.push(Step::Taken { lot: index, amount: taken });
        lot.left = lot.left.saturating_sub(taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn portion(amount: i64, from: i64, until: Option<i64>) -> Portion {
        Portion { amount, from, until }
    }

    #[test]
    fn lots_begin_and_end_by_the_clock() {
        let mut lots = Lots::default();
        lots.issue(0, By::default(), portion(10, 5, Some(8)), None);
        let seen = |at| (lots.pending(at), lots.balance(at), lots.expired(at));
        assert_eq!(seen(4), (10, 0, 0));
        assert_eq!(seen(5), (0, 10, 0));
        assert_eq!(seen(7), (0, 10, 0));
        assert_eq!(seen(8), (0, 0, 10));
    }

    #[test]
    fn the_soonest_to_end_is_spent_first() {
        let mut lots = Lots::default();
        lots.issue(1, By::default(), portion(10, 1, None), None);
        lots.issue(2, By::default(), portion(10, 2, Some(50)), None);
        lots.issue(3, By::default(), portion(10, 3, Some(40)), None);
        lots.issue(4, By::default(), portion(10, 4, Some(50)), None);
        lots.issue(5, By::default(), portion(10, 20, Some(30)), None);
        lots.spend(10, 0, 25);
        let left: Vec<i64> = lots.lots.iter().map(|lot| lot.left).collect();
        // 10 of the third, 10 of the second, which is older than the fourth, and 5 of that; the fifth waits.
        assert_eq!(left, [10, 0, 0, 5, 10]);
        lots.spend(10, 0, 15);
        assert_eq!(lots.balance(10), 0);
        assert_eq!(lots.pending(10), 10);
    }

    #[test]
    fn the_next_lots_pay_what_is_owed() {
        let mut lots = Lots::default();
        lots.issue(0, By::default(), portion(10, 0, None), None);
        lots.spend(1, 0, 25);
        assert_eq!(lots.balance(1), -15);
        lots.issue(2, By::default(), portion(10, 2, None), None);
        assert_eq!(lots.balance(2), -5);
        lots.issue(3, By::default(), portion(10, 3, None), None);
        assert_eq!(lots.balance(3), 5);
    }

    #[test]
    fn lots_with_a_condition_are_spent_by_it() {
        let mut lots = Lots::default();
        lots.issue(1, By::default(), portion(10, 1, Some(40)), Some(7));
        lots.issue(2, By::default(), portion(20, 2, Some(50)), None);
        lots.issue(3, By::default(), portion(30, 3, None), Some(7));
        assert_eq!(lots.purse(10), [(Some(7), 10), (None, 20), (Some(7), 30)]);
        lots.spend_of(10, 0, 15, Some(7));
        assert_eq!(lots.purse(10), [(None, 20), (Some(7), 25)]);
        lots.spend_of(10, 0, 5, None);
        assert_eq!((lots.purse(10), lots.balance(10)), (vec![(None, 15), (Some(7), 25)], 40));
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Issue(i64, i64, Option<i64>),
        Spend(i64),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            (1i64..1_000, 0i64..50, proptest::option::of(0i64..100))
                .prop_map(|(a, f, u)| Deed::Issue(a, f, u)),
            (1i64..1_000).prop_map(Deed::Spend),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_lost(deeds in proptest::collection::vec(deed(), 0..60), later in 0i64..200) {
            let mut lots = Lots::default();
            let (mut issued, mut spent) = (0i64, 0i64);
            for (at, deed) in (0i64..).zip(&deeds) {
                match deed {
                    Deed::Issue(amount, wait, life) => {
                        let from = at + wait;
                        lots.issue(at, By::default(), portion(*amount, from, life.map(|life| from + life)), None);
                        issued += amount;
                    }
                    Deed::Spend(amount) => {
                        // As a debit does: never more than there is.
                        let amount = (*amount).min(lots.balance(at).max(0));
                        lots.spend(at, 0, amount);
                        spent += amount;
                        prop_assert!(lots.balance(at) >= 0);
                    }
                }
                for at in [at, at + later] {
                    let now = lots.balance(at) + lots.pending(at) + lots.expired(at);
                    prop_assert_eq!(now, issued - spent);
                }
            }
        }

        #[test]
        fn spending_in_parts_is_spending_at_once(
            lives in proptest::collection::vec((1i64..100, proptest::option::of(10i64..20)), 1..20),
            first in 0i64..500,
            second in 0i64..500,
        ) {
            let mut whole = Lots::default();
            for (at, (amount, until)) in (0i64..).zip(&lives) {
                whole.issue(at.min(5), By::default(), portion(*amount, 0, *until), None);
            }
            let mut parts = whole.clone();
            whole.spend(9, 0, first + second);
            parts.spend(9, 0, first);
            parts.spend(9, 0, second);
            prop_assert_eq!((whole.lots, whole.owed), (parts.lots, parts.owed));
        }
    }
}
