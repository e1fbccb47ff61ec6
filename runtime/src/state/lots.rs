//! The lots of one account of one member: what was issued and not yet spent, with its life. Balances follow from the
//! instant at which they are asked; nothing has to be done for a lot to become active or to end. Refuses to know
//! programs, members and where it is stored.
//!
//! At any instant what was issued is what was spent and what is live, pending and expired, less what was spent beyond
//! all lots and is owed.

use super::life::Portion;

/// Points that live and end as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// The instant at which it was issued.
    pub issued: i64,
    /// The instant from which it can be spent.
    pub from: i64,
    /// The instant from which it is gone.
    pub until: Option<i64>,
    /// What is not spent of it.
    pub left: i64,
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lots {
    /// In the order in which they were issued.
    lots: Vec<Lot>,
    /// What was spent beyond them; the next ones pay it.
    owed: i64,
}

impl Lots {
    /// Of what was kept elsewhere: lots in the order in which they were issued, and what is owed beyond them.
    pub fn of(lots: Vec<Lot>, owed: i64) -> Lots {
        Lots { lots, owed }
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
    pub fn issue(&mut self, at: i64, portion: Portion) -> i64 {
        let paid = self.owed.min(portion.amount).max(0);
        self.owed = self.owed.saturating_sub(paid);
        let left = portion.amount.saturating_sub(paid);
        self.lots.push(Lot { issued: at, from: portion.from, until: portion.until, left });
        paid
    }

    /// What can be spent at an instant; below zero where something is owed.
    pub fn balance(&self, at: i64) -> i64 {
        self.sum(|lot| lot.is_live(at)).saturating_sub(self.owed)
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
    pub fn spend(&mut self, at: i64, amount: i64) -> Spent {
        let mut order: Vec<usize> = (0..self.lots.len()).collect();
        order.retain(|index| self.lots.get(*index).is_some_and(|lot| lot.left > 0 && lot.is_live(at)));
        let key = |index: &usize| {
            let lot = self.lots.get(*index);
            lot.map(|lot| (lot.until.unwrap_or(i64::MAX), lot.issued))
        };
        // Stable: of those issued at one instant the first.
        order.sort_by_key(key);
        let mut left = amount.max(0);
        let mut spent = Spent::default();
        for index in order {
            let Some(lot) = self.lots.get_mut(index) else { continue };
            let taken = lot.left.min(left);
            lot.left = lot.left.saturating_sub(taken);
            left = left.saturating_sub(taken);
            if taken > 0 {
                spent.taken.push((index, taken));
            }
        }
        self.owed = self.owed.saturating_add(left);
        spent.owed = left;
        spent
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
        lots.issue(0, portion(10, 5, Some(8)));
        let seen = |at| (lots.pending(at), lots.balance(at), lots.expired(at));
        assert_eq!(seen(4), (10, 0, 0));
        assert_eq!(seen(5), (0, 10, 0));
        assert_eq!(seen(7), (0, 10, 0));
        assert_eq!(seen(8), (0, 0, 10));
    }

    #[test]
    fn the_soonest_to_end_is_spent_first() {
        let mut lots = Lots::default();
        lots.issue(1, portion(10, 1, None));
        lots.issue(2, portion(10, 2, Some(50)));
        lots.issue(3, portion(10, 3, Some(40)));
        lots.issue(4, portion(10, 4, Some(50)));
        lots.issue(5, portion(10, 20, Some(30)));
        lots.spend(10, 25);
        let left: Vec<i64> = lots.lots.iter().map(|lot| lot.left).collect();
        // 10 of the third, 10 of the second, which is older than the fourth, and 5 of that; the fifth waits.
        assert_eq!(left, [10, 0, 0, 5, 10]);
        lots.spend(10, 15);
        assert_eq!(lots.balance(10), 0);
        assert_eq!(lots.pending(10), 10);
    }

    #[test]
    fn the_next_lots_pay_what_is_owed() {
        let mut lots = Lots::default();
        lots.issue(0, portion(10, 0, None));
        lots.spend(1, 25);
        assert_eq!(lots.balance(1), -15);
        lots.issue(2, portion(10, 2, None));
        assert_eq!(lots.balance(2), -5);
        lots.issue(3, portion(10, 3, None));
        assert_eq!(lots.balance(3), 5);
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
                        lots.issue(at, portion(*amount, from, life.map(|life| from + life)));
                        issued += amount;
                    }
                    Deed::Spend(amount) => {
                        // As a debit does: never more than there is.
                        let amount = (*amount).min(lots.balance(at).max(0));
                        lots.spend(at, amount);
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
                whole.issue(at.min(5), portion(*amount, 0, *until));
            }
            let mut parts = whole.clone();
            whole.spend(9, first + second);
            parts.spend(9, first);
            parts.spend(9, second);
            prop_assert_eq!(whole, parts);
        }
    }
}
