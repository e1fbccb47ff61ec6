//! How likely it is that an offer is accepted, learned from reactions: exact counts, or in fixed point where old showings
//! count less. It refuses to know who keeps the counts.

use crate::ir::{Answered, HalfLife, Learn, SCORE_ONE};

/// Parts of one showing that are counted.
pub const WHOLE: i64 = 1_000_000_000;

/// What is known of showings: how many count, and how many of them were accepted, in parts of [`WHOLE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Showings whose end is known.
    pub ended: i64,
    /// Of them, accepted.
    pub accepted: i64,
    /// The local day as of which they count so much.
    pub day: i64,
}

/// What is known of an offer: of all members, and of those of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Of all.
    pub all: Tally,
    /// Of the kind at hand.
    pub kind: Tally,
}

impl Tally {
    /// As of a later day; an earlier one changes nothing.
    #[must_use]
    pub fn as_of(self, day: i64, half_life: Option<HalfLife>) -> Tally {
        if day <= self.day {
            return self;
        }
        let faded = |amount: i64| match half_life {
            Some(half_life) => half_life.fade(amount, day.saturating_sub(self.day)),
            None => amount,
        };
        Tally { ended: faded(self.ended), accepted: faded(self.accepted), day }
    }

    /// With one more reaction of this day; one that comes late counts what it has faded to. What was only shown has no
    /// end yet, and says nothing.
    #[must_use]
    pub fn with(self, day: i64, answered: Answered, half_life: Option<HalfLife>) -> Tally {
        let accepted = match answered {
            Answered::Shown => return self,
            Answered::Accepted => true,
            Answered::Declined => false,
        };
        // Nothing is known yet: the first day is its own.
        let known = if self.ended == 0 { Tally { day, ..self } } else { self.as_of(day, half_life) };
        let late = known.day.saturating_sub(day).max(0);
        let one = half_life.map_or(WHOLE, |half_life| half_life.fade(WHOLE, late));
        Tally {
            ended: known.ended.saturating_add(one),
            accepted: known.accepted.saturating_add(if accepted { one } else { 0 }),
            day: known.day,
        }
    }
}

/// The likelihood that a member of the kind at hand accepts, in parts of [`SCORE_ONE`]: what was thought before, as so many
/// showings, and the showings of all members make the likelihood of all; that, as so many showings again, and the showings
/// of the kind make that of the kind. Rounded half up each time.
pub fn estimate(learn: &Learn, day: i64, tallies: &Tallies, knows_kind: bool) -> i64 {
    let with = |before: i64, tally: Tally| {
        let tally = tally.as_of(day, learn.half_life);
        let weight = i128::from(learn.showings) * i128::from(WHOLE);
        let accepted = i128::from(before) * weight + i128::from(tally.accepted) * i128::from(SCORE_ONE);
        let ended = (weight + i128::from(tally.ended)).max(1);
        i64::try_from((2 * accepted + ended) / (2 * ended)).unwrap_or(0).clamp(0, SCORE_ONE)
    };
    let all = with(learn.prior, tallies.all);
    if knows_kind { with(all, tallies.kind) } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::SlotId;

    fn learn(half_life: Option<u32>) -> Learn {
        let half_life = half_life.map(HalfLife::from);
        Learn { prior: 100_000, showings: 20, half_life, kind: SlotId(0), estimate: SlotId(1) }
    }

    fn told(day: i64, accepted: u32, declined: u32, half_life: Option<u32>) -> Tally {
        let half_life = half_life.map(HalfLife::from);
        let mut tally = Tally::default();
        for _ in 0..accepted {
            tally = tally.with(day, Answered::Accepted, half_life);
        }
        for _ in 0..declined {
            tally = tally.with(day, Answered::Declined, half_life);
        }
        tally
    }

    #[test]
    fn counts_are_exact_where_nothing_fades() {
        // (10 % of 20 + 8) / (20 + 20) = 10 / 40.
        let all = told(100, 8, 12, None);
        let tallies = Tallies { all, kind: Tally::default() };
        assert_eq!(estimate(&learn(None), 9_999, &tallies, false), 250_000);
        // A kind of which nothing is known is like all; (25 % of 20 + 3) / (20 + 4) = 8 / 24.
        assert_eq!(estimate(&learn(None), 100, &tallies, true), 250_000);
        let tallies = Tallies { all, kind: told(100, 3, 1, None) };
        assert_eq!(estimate(&learn(None), 100, &tallies, true), 333_333);
        assert_eq!(estimate(&learn(None), 100, &Tallies::default(), true), 100_000);
        assert_eq!(Tally::default().with(5, Answered::Shown, None), Tally::default());
    }

    fn fade(amount: i64, days: i64, half_life: u32) -> i64 {
        HalfLife::from(half_life).fade(amount, days)
    }

    #[test]
    fn half_is_left_after_a_half_life() {
        for half_life in [1, 2, 7, 30, 90, 365, 3_650] {
            let left = fade(WHOLE, i64::from(half_life), half_life);
            assert_eq!(left, WHOLE / 2, "{half_life}");
            assert_eq!(fade(WHOLE, 3 * i64::from(half_life), half_life), WHOLE / 8);
            assert_eq!(fade(WHOLE, 0, half_life), WHOLE);
            assert_eq!(fade(WHOLE, i64::MAX, half_life), 0);
            for days in 1..i64::from(half_life).min(400) {
                assert!(fade(WHOLE, days, half_life) < fade(WHOLE, days - 1, half_life));
            }
        }
        // 2^(-1/2) is 0.707106781…
        let root = fade(WHOLE, 1, 2);
        assert!((707_106_780..=707_106_781).contains(&root), "{root}");
        // (10 % of 20 + 4) / (20 + 10) after a half-life of 8 and 12: 6 / 30.
        let tallies = Tallies { all: told(100, 8, 12, Some(90)), kind: Tally::default() };
        assert_eq!(estimate(&learn(Some(90)), 190, &tallies, false), 200_000);
    }

    #[test]
    fn a_reaction_that_comes_late_counts_what_it_has_faded_to() {
        let early = told(100, 1, 0, Some(30)).with(130, Answered::Declined, Some(HalfLife::from(30)));
        let late = told(130, 0, 1, Some(30)).with(100, Answered::Accepted, Some(HalfLife::from(30)));
        assert_eq!(early, late);
        assert_eq!(early, Tally { ended: WHOLE + WHOLE / 2, accepted: WHOLE / 2, day: 130 });
    }
}
