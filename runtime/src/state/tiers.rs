//! The levels of members: which reviews are due, who rises and who falls. Refuses to know what is measured: it is told
//! the level that a member measures up to.

use perq_compiler::calendar::{DAY, Instant, next, start};
use perq_compiler::evaluate::TierChange;
use perq_compiler::ir::{Boundary, Downgrade, Tiers};
use std::collections::BTreeMap;

/// Most reviews of a member that are made up for at once: the latest of those that were missed.
const MOST_REVIEWS: usize = 4_000;

/// A member's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// By position.
    pub level: i64,
    /// The last day on which it cannot be lost.
    pub until: Option<i64>,
    /// Seconds of the local clock up to which reviews were made.
    pub reviewed: i64,
}

/// The levels of all members who have been seen.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    members: BTreeMap<Box<str>, Standing>,
}

impl Levels {
    /// A member's level, where the member has been seen.
    pub fn of(&self, member: &str) -> Option<Standing> {
        self.members.get(member).copied()
    }

    /// Takes over a level that was kept elsewhere.
    pub fn restore(&mut self, member: &str, standing: Standing) {
        self.members.insert(member.into(), standing);
    }

    /// The local seconds at which a member is to be reviewed before an event, oldest first.
    pub fn due(&self, tiers: &Tiers, member: &str, now: Instant, week_starts: u8) -> Vec<i64> {
        let (Some(boundary), Some(standing)) = (tiers.review, self.members.get(member)) else {
            return Vec::new();
        };
        let mut due = std::collections::VecDeque::new();
        let mut at = first_after(boundary, standing.reviewed, week_starts);
        while at <= now.local() {
            if due.len() == MOST_REVIEWS {
                due.pop_front();
            }
            due.push_back(at);
            let after = first_after(boundary, at, week_starts);
            if after <= at {
                break;
            }
            at = after;
        }
        due.into()
    }

    /// Makes a review: at a boundary, or (where `upgrade at_once`) with an event. `reached` is the level that the member
    /// measures up to, `keep` the last day on which a level that begins now is kept.
    pub fn review(
        &mut self,
        tiers: &Tiers,
        member: &str,
        now: Instant,
        review: bool,
        (reached, keep): (Option<i64>, Option<i64>),
    ) -> Option<TierChange> {
        let standing = self.members.get_mut(member)?;
        if review {
            standing.reviewed = standing.reviewed.max(now.local());
        }
        let from = standing.level;
        // What fails to be measured changes nothing; who measures up to no level is at the lowest.
        let reached = reached.unwrap_or(0);
        let kept = standing.until.is_some_and(|until| now.date <= until);
        let to = if reached > from && (review || tiers.at_once) {
            reached
        } else if reached < from && review && !kept {
            match tiers.downgrade {
                Downgrade::OneLevel => from.saturating_sub(1).max(reached),
                Downgrade::ToMeasure => reached,
                Downgrade::Never => from,
            }
        } else {
            from
        };
        // Who still measures up when the time is over keeps the level for as long again.
        if to != from || (review && reached >= from && !kept) {
            standing.level = to;
            standing.until = keep;
        }
        // Which levels these are knows who keeps them.
        let (date, time, until) = (now.date, now.time, standing.until);
        let change = TierChange { tiers: 0, from, to, date, time, review, until };
        (to != from).then_some(change)
    }

    /// Takes back what a member has risen since an event of which goods have come back: to what is reached without them,
    /// but no further than to the level of before it, which is kept for as long as it was then.
    pub fn undo(
        &mut self,
        member: &str,
        before: Option<(i64, Option<i64>)>,
        now: Instant,
        reached: Option<i64>,
    ) -> Option<TierChange> {
        let standing = self.members.get_mut(member)?;
        let (level, until) = before.unwrap_or((0, None));
        let from = standing.level;
        let to = reached.unwrap_or(0).max(level).min(from);
        if to == from {
            return None;
        }
        standing.level = to;
        if to == level {
            standing.until = until;
        }
        let until = standing.until;
        // Which levels these are knows who keeps them.
        Some(TierChange { tiers: 0, from, to, date: now.date, time: now.time, review: false, until })
    }

    /// Notes a member who is seen for the first time, at the level that the record says.
    pub fn meet(&mut self, member: &str, level: i64, now: Instant) {
        if !self.members.contains_key(member) {
            self.members.insert(member.into(), Standing { level, until: None, reviewed: now.local() });
        }
    }

    /// Places a member at a level.
    pub fn place(&mut self, member: &str, level: i64, until: Option<i64>, now: Instant) {
        self.meet(member, level, now);
        if let Some(standing) = self.members.get_mut(member) {
            (standing.level, standing.until) = (level, until);
        }
    }
}

/// The first boundary after a local second.
fn first_after(boundary: Boundary, local: i64, week_starts: u8) -> i64 {
    let day = local.div_euclid(DAY);
    let at = |day: i64| day.saturating_mul(DAY).saturating_add(boundary.time);
    let here = at(start(day, boundary.every, week_starts));
    if here > local { here } else { at(next(day, boundary.every, week_starts)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perq_compiler::calendar::{Civil, days};
    use perq_compiler::ir::{EnumId, FunctionId, Period, PlaceId, SlotId};

    fn tiers(downgrade: Downgrade) -> Tiers {
        Tiers {
            name: "club".to_owned(),
            title: None,
            levels: EnumId(0),
            slot: SlotId(0),
            reached: FunctionId(0),
            keep: None,
            at_once: true,
            downgrade,
            review: Some(Boundary { every: Period::Month, time: 3 * 3600 }),
            events: Vec::new(),
            place: PlaceId(0),
        }
    }

    fn at(year: i64, month: i64, day: i64) -> Instant {
        let date = days(Civil { year, month, day });
        Instant { at: date * DAY, date, time: 0 }
    }

    #[test]
    fn reviews_are_due_at_boundaries_that_have_passed() {
        let tiers = tiers(Downgrade::OneLevel);
        let mut levels = Levels::default();
        assert!(levels.due(&tiers, "m", at(2026, 1, 1), 0).is_empty());
        levels.meet("m", 0, at(2026, 1, 15));
        let due = levels.due(&tiers, "m", at(2026, 3, 2), 0);
        // 1 February and 1 March, at three in the morning.
        assert_eq!(due, [at(2026, 2, 1).local() + 10_800, at(2026, 3, 1).local() + 10_800]);
        // At midnight of the first it is not three yet.
        assert_eq!(levels.due(&tiers, "m", at(2026, 3, 1), 0).len(), 1);
    }

    #[test]
    fn a_level_falls_at_a_review_and_not_before_its_time() {
        for (downgrade, expected) in
            [(Downgrade::OneLevel, 1), (Downgrade::ToMeasure, 0), (Downgrade::Never, 2)]
        {
            let tiers = tiers(downgrade);
            let mut levels = Levels::default();
            levels.meet("m", 0, at(2026, 1, 15));
            let keep = Some(at(2026, 2, 10).date);
            let risen = levels.review(&tiers, "m", at(2026, 1, 15), false, (Some(2), keep)).unwrap();
            assert_eq!((risen.from, risen.to, risen.until), (0, 2, keep));
            // With an event nobody falls, nor at a review while the level is kept.
            assert_eq!(levels.review(&tiers, "m", at(2026, 1, 20), false, (Some(0), None)), None);
            assert_eq!(levels.review(&tiers, "m", at(2026, 2, 1), true, (Some(0), None)), None);
            let fallen = levels.review(&tiers, "m", at(2026, 3, 1), true, (Some(0), None));
            assert_eq!(fallen.map_or(2, |change| change.to), expected);
            assert_eq!(levels.of("m").unwrap().level, expected);
        }
    }

    #[test]
    fn who_measures_up_at_the_end_keeps_the_level_for_as_long_again() {
        let tiers = tiers(Downgrade::ToMeasure);
        let mut levels = Levels::default();
        levels.place("m", 1, Some(at(2026, 1, 31).date), at(2026, 1, 15));
        let keep = Some(at(2026, 4, 30).date);
        assert_eq!(levels.review(&tiers, "m", at(2026, 2, 1), true, (Some(1), keep)), None);
        assert_eq!(levels.of("m").unwrap().until, keep);
        assert_eq!(levels.review(&tiers, "m", at(2026, 3, 1), true, (Some(0), keep)), None);
    }
}
