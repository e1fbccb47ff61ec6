//! Calendar arithmetic on local days counted from 1970-01-01: months of unlike length, periods, windows. Exact, without
//! clocks and zones: what is local was made local before.

use crate::ir::{CalendarPart, ClockPart, FaultKind, Period, Window};

/// Seconds of a day of the local clock.
pub const DAY: i64 = 86_400;

/// Days beyond which no calendar goes, in both directions: some 2.7 million years. What leads further ends here.
const FURTHEST: i64 = 1_000_000_000;

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Civil {
    /// The year.
    pub year: i64,
    /// From 1 to 12.
    pub month: i64,
    /// From 1.
    pub day: i64,
}

/// 400 years each, in which the calendar comes round: so many that no day is below zero when they are added.
const ROUNDS: i64 = 7_000;
const DAYS_OF_ROUND: i64 = 146_097;

/// The calendar day of a count of days. The year is counted from March, so that the leap day ends it. Quotients of which
/// the rest is needed as well are products and their halves (the method is that of Cassio Neri and Lorenz Schneider,
/// "Euclidean affine functions and their application to calendar algorithms", 2022, with its constants).
pub fn civil(days: i64) -> Civil {
    let days = days.clamp(-FURTHEST, FURTHEST) + 719_468 + ROUNDS * DAYS_OF_ROUND;
    let quarters = days.unsigned_abs() * 4 + 3;
    let (century, of_century) = (quarters / 146_097, (quarters % 146_097) | 3);
    let years = of_century * 2_939_745;
    let (year_of_century, of_year) = (years >> 32, (years & 0xffff_ffff) / 2_939_745 / 4);
    let months = of_year * 2_141 + 197_913;
    let (from_march, day) = (months >> 16, (months & 0xffff) / 2_141 + 1);
    // January and February are those of the year that follows.
    let next = of_year >= 306;
    let month = if next { from_march - 12 } else { from_march };
    let year = century * 100 + year_of_century + u64::from(next);
    Civil { year: year.cast_signed() - ROUNDS * 400, month: month.cast_signed(), day: day.cast_signed() }
}

/// The count of days of a calendar day; its inverse is [`civil`].
pub fn days(Civil { year, month, day }: Civil) -> i64 {
    let year = year.clamp(-3_000_000, 3_000_000) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A day as rules write it, `2026-03-01`.
pub fn date_text(day: i64) -> String {
    let Civil { year, month, day } = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// How many days a month has.
pub fn month_length(year: i64, month: i64) -> i64 {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => 31,
    }
}

/// The same day so many months later (or earlier), the month's last where it has no such day.
pub fn add_months(day: i64, months: i64) -> i64 {
    let Civil { year, month, day } = civil(day);
    let count = (year * 12 + month - 1).saturating_add(months.clamp(-FURTHEST, FURTHEST));
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    days(Civil { year, month, day: day.min(month_length(year, month)) })
}

/// Days from the nearest anniversary of a day, below zero before it; of two that are equally near, from the earlier. A
/// 29 February has its anniversary on the 28th in years without one.
pub fn from_anniversary(of: i64, day: i64) -> i64 {
    let (of, now) = (civil(of), civil(day));
    let in_year = |year: i64| {
        let length = month_length(year, of.month);
        day - days(Civil { year, month: of.month, day: of.day.min(length) })
    };
    let around = [in_year(now.year), in_year(now.year + 1), in_year(now.year - 1)];
    around.into_iter().min_by_key(|away| (away.abs(), *away < 0)).unwrap_or(0)
}

/// The first day of the period that a day lies in. Weeks begin on `week_starts` (Monday is 0).
pub fn start(day: i64, period: Period, week_starts: u8) -> i64 {
    let Civil { year, month, .. } = civil(day);
    let first = |month| days(Civil { year, month, day: 1 });
    match period {
        Period::Day => day,
        // 1970-01-01 was a Thursday, which is 3.
        Period::Week => day - (day + 3 - i64::from(week_starts)).rem_euclid(7),
        Period::Month => first(month),
        Period::Quarter => first((month - 1) / 3 * 3 + 1),
        Period::HalfYear => first((month - 1) / 6 * 6 + 1),
        Period::Year => first(1),
    }
}

/// The first day of the period after the one that a day lies in.
pub fn next(day: i64, period: Period, week_starts: u8) -> i64 {
    let start = start(day, period, week_starts);
    match period {
        Period::Day => start + 1,
        Period::Week => start + 7,
        Period::Month => add_months(start, 1),
        Period::Quarter => add_months(start, 3),
        Period::HalfYear => add_months(start, 6),
        Period::Year => add_months(start, 12),
    }
}

/// The first and the last day of the years 0 through 9999, which is what dates can be written in.
const WRITTEN: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

fn written(day: i64) -> Result<i64, FaultKind> {
    if WRITTEN.contains(&day) { Ok(day) } else { Err(FaultKind::OutOfRange) }
}

/// [`add_months`] among the days that can be written.
///
/// # Errors
/// `OutOfRange` where one of the days cannot.
pub fn months_later(day: i64, months: i64) -> Result<i64, FaultKind> {
    written(add_months(written(day)?, months))
}

/// What the calendar says of a day.
///
/// # Errors
/// `OutOfRange` where the day, or one that is asked for, cannot be written.
pub fn part(part: CalendarPart, day: i64) -> Result<i64, FaultKind> {
    let Civil { year, month, day: month_day } = civil(written(day)?);
    match part {
        CalendarPart::Year => Ok(year),
        CalendarPart::Month => Ok(month),
        CalendarPart::MonthDay => Ok(month_day),
        CalendarPart::Weekday => Ok((day + 3).rem_euclid(7)),
        CalendarPart::First(period) => written(start(day, period, 0)),
        CalendarPart::Last(period) => written(next(day, period, 0) - 1),
    }
}

/// The clock on the wall of a zone. Whoever runs a program has the table of zones.
pub trait WallClock: std::fmt::Debug + Send + Sync {
    /// The instant at which it shows a second of a day: the earlier of two, and for a time that it skips the one as far
    /// behind the gap.
    fn instant_of(&self, day: i64, second: i64) -> i64;
    /// The day and the second of it that it shows at an instant.
    fn shown_at(&self, instant: i64) -> (i64, i64);
}

/// The clock without offset and summer time.
#[derive(Clone, Copy, Debug)]
pub struct Universal;

impl WallClock for Universal {
    fn instant_of(&self, day: i64, second: i64) -> i64 {
        day.saturating_mul(DAY).saturating_add(second)
    }

    fn shown_at(&self, instant: i64) -> (i64, i64) {
        (instant.div_euclid(DAY), instant.rem_euclid(DAY))
    }
}

/// The instant at which a clock shows a second of a day.
///
/// # Errors
/// `OutOfRange` where the day cannot be written or has no such second.
pub fn instant_of(clock: &dyn WallClock, day: i64, second: i64) -> Result<i64, FaultKind> {
    if !(0..DAY).contains(&second) {
        return Err(FaultKind::OutOfRange);
    }
    Ok(clock.instant_of(written(day)?, second))
}

/// What a clock shows at an instant.
///
/// # Errors
/// `OutOfRange` where that is on a day that cannot be written.
pub fn shown(clock: &dyn WallClock, part: ClockPart, instant: i64) -> Result<i64, FaultKind> {
    let (day, second) = clock.shown_at(instant);
    let day = written(day)?;
    Ok(match part {
        ClockPart::Day => day,
        ClockPart::Second => second,
    })
}

/// An instant on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Seconds since 1970-01-01T00:00Z.
    pub at: i64,
    /// Local day.
    pub date: i64,
    /// Local second of the day.
    pub time: i64,
}

impl Instant {
    /// Seconds of the local clock since 1970-01-01 00:00.
    pub fn local(self) -> i64 {
        self.date.saturating_mul(DAY).saturating_add(self.time)
    }
}

/// So long after an instant, in seconds since 1970-01-01T00:00Z. A day is 24 hours, since the clock may be turned in
/// between; months are those of the calendar. Other windows have no length.
pub fn until(window: Window, now: Instant) -> i64 {
    let length = match window {
        Window::Seconds(seconds) => seconds,
        Window::Days(days) => i64::from(days).saturating_mul(DAY),
        Window::Months(months) => {
            add_months(now.date, i64::from(months)).saturating_sub(now.date).saturating_mul(DAY)
        }
        Window::This(_) | Window::Previous(_) | Window::Ever | Window::Between(..) => 0,
    };
    now.at.saturating_add(length)
}

/// The stretch over which a limit counts at an instant: a period, a campaign or all time to their end, since an event that
/// comes late is limited by what later ones were given there; back from the instant where the window slides.
pub fn limited(window: Window, now: Instant, week_starts: u8) -> Stretch {
    let before = |day: i64| day.saturating_mul(DAY).saturating_sub(1);
    let last = match window {
        Window::This(period) => before(next(now.date, period, week_starts)),
        Window::Ever => i64::MAX,
        Window::Between(_, until) => before(until.saturating_add(1)),
        Window::Seconds(_) | Window::Days(_) | Window::Months(_) | Window::Previous(_) => {
            return stretch(window, now, week_starts);
        }
    };
    Stretch { last, ..stretch(window, now, week_starts) }
}

/// A stretch of time, on the clock that its [`Window`] is told by: what is past `after` and not past `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Excluded.
    pub after: i64,
    /// Included.
    pub last: i64,
}

/// Whether a window is told by seconds of the universal clock; the others are told by the local one.
pub fn is_universal(window: Window) -> bool {
    match window {
        Window::Seconds(_) => true,
        Window::Days(_)
        | Window::Months(_)
        | Window::This(_)
        | Window::Previous(_)
        | Window::Ever
        | Window::Between(..) => false,
    }
}

/// The stretch that a window is, seen from an instant. It ends with that instant, or before it.
pub fn stretch(window: Window, now: Instant, week_starts: u8) -> Stretch {
    let midnight = |day: i64| day.saturating_mul(DAY);
    let back_to = |day: i64| midnight(day).saturating_add(now.time);
    // What begins at a midnight is past the second before it.
    let from = |day: i64| midnight(day).saturating_sub(1);
    let last = now.local();
    match window {
        Window::Seconds(seconds) => Stretch { after: now.at.saturating_sub(seconds), last: now.at },
        Window::Days(days) => Stretch { after: back_to(now.date.saturating_sub(i64::from(days))), last },
        Window::Months(months) => Stretch { after: back_to(add_months(now.date, -i64::from(months))), last },
        Window::This(period) => Stretch { after: from(start(now.date, period, week_starts)), last },
        Window::Previous(period) => {
            let end = start(now.date, period, week_starts);
            Stretch { after: from(start(end - 1, period, week_starts)), last: from(end).min(last) }
        }
        Window::Ever => Stretch { after: i64::MIN, last },
        Window::Between(first, until) => {
            Stretch { after: from(first), last: from(until.saturating_add(1)).min(last) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i64, month: i64, day: i64) -> i64 {
        days(Civil { year, month, day })
    }

    #[test]
    fn days_and_calendar_days_are_inverse() {
        assert_eq!(day(1970, 1, 1), 0);
        assert_eq!(day(2000, 3, 1), 11_017);
        assert_eq!(day(2026, 11, 22), 20_779);
        for count in (-800_000..800_000).step_by(37) {
            assert_eq!(days(civil(count)), count);
        }
        let mut before = civil(-150_000);
        for count in -149_999..150_000 {
            let now = civil(count);
            let next = if before.day < month_length(before.year, before.month) {
                Civil { day: before.day + 1, ..before }
            } else if before.month < 12 {
                Civil { month: before.month + 1, day: 1, ..before }
            } else {
                Civil { year: before.year + 1, month: 1, day: 1 }
            };
            assert_eq!(now, next);
            before = now;
        }
    }

    #[test]
    fn months_are_clamped() {
        assert_eq!(add_months(day(2026, 1, 31), 1), day(2026, 2, 28));
        assert_eq!(add_months(day(2024, 1, 31), 1), day(2024, 2, 29));
        assert_eq!(add_months(day(2026, 12, 31), 3), day(2027, 3, 31));
        assert_eq!(add_months(day(2026, 3, 31), -1), day(2026, 2, 28));
        assert_eq!(add_months(day(2026, 1, 15), -13), day(2024, 12, 15));
    }

    #[test]
    fn parts_of_days_and_their_ends() {
        let leap = day(2028, 2, 29);
        assert_eq!(part(CalendarPart::Year, leap), Ok(2028));
        assert_eq!(part(CalendarPart::Month, leap), Ok(2));
        assert_eq!(part(CalendarPart::MonthDay, leap), Ok(29));
        // 2028-02-29 is a Tuesday.
        assert_eq!(part(CalendarPart::Weekday, leap), Ok(1));
        assert_eq!(part(CalendarPart::Last(Period::Month), leap), Ok(leap));
        assert_eq!(part(CalendarPart::Last(Period::Quarter), leap), Ok(day(2028, 3, 31)));
        assert_eq!(part(CalendarPart::First(Period::Week), leap), Ok(day(2028, 2, 28)));
        let (first, last) = (day(0, 1, 1), day(9999, 12, 31));
        assert_eq!((first, last), (*WRITTEN.start(), *WRITTEN.end()));
        assert_eq!(part(CalendarPart::Last(Period::Year), last), Ok(last));
        assert_eq!(part(CalendarPart::Last(Period::Week), last), Err(FaultKind::OutOfRange));
        assert_eq!(part(CalendarPart::Year, last + 1), Err(FaultKind::OutOfRange));
        assert_eq!(months_later(last, -1), Ok(day(9999, 11, 30)));
        assert_eq!(months_later(last, 1), Err(FaultKind::OutOfRange));
        assert_eq!(months_later(i64::MIN, i64::MAX), Err(FaultKind::OutOfRange));
        assert_eq!(months_later(0, i64::MIN), Err(FaultKind::OutOfRange));
    }

    #[test]
    fn clocks_show_days_that_can_be_written() {
        let (first, last) = (*WRITTEN.start(), *WRITTEN.end());
        for (day, second) in [(first, 0), (last, DAY - 1), (0, 0)] {
            let instant = instant_of(&Universal, day, second).expect("the day can be written");
            assert_eq!(shown(&Universal, ClockPart::Day, instant), Ok(day));
            assert_eq!(shown(&Universal, ClockPart::Second, instant), Ok(second));
        }
        for (day, second) in [(first - 1, 0), (last + 1, 0), (0, -1), (0, DAY), (i64::MIN, 0), (0, i64::MAX)]
        {
            assert_eq!(instant_of(&Universal, day, second), Err(FaultKind::OutOfRange));
        }
        for instant in [first * DAY - 1, (last + 1) * DAY, i64::MIN, i64::MAX] {
            assert_eq!(shown(&Universal, ClockPart::Second, instant), Err(FaultKind::OutOfRange));
        }
    }

    #[test]
    fn periods_begin_where_the_calendar_says() {
        // 2026-11-22 is a Sunday.
        let sunday = day(2026, 11, 22);
        assert_eq!(start(sunday, Period::Week, 0), day(2026, 11, 16));
        assert_eq!(start(sunday, Period::Week, 6), sunday);
        assert_eq!(next(sunday, Period::Week, 0), day(2026, 11, 23));
        assert_eq!(start(sunday, Period::Quarter, 0), day(2026, 10, 1));
        assert_eq!(start(sunday, Period::HalfYear, 0), day(2026, 7, 1));
        assert_eq!(next(sunday, Period::HalfYear, 0), day(2027, 1, 1));
        assert_eq!(next(sunday, Period::Year, 0), day(2027, 1, 1));
    }

    #[test]
    fn anniversaries_are_near() {
        let born = day(2000, 3, 10);
        for (on, away) in [
            (day(2026, 3, 10), 0),
            (day(2026, 3, 17), 7),
            (day(2026, 3, 3), -7),
            (day(2026, 12, 31), -69),
            (day(2026, 9, 8), 182),
            (day(2026, 9, 9), -182),
        ] {
            assert_eq!(from_anniversary(born, on), away);
        }
        // Around the turn of the year, and on a leap day.
        assert_eq!(from_anniversary(day(1990, 12, 30), day(2026, 1, 2)), 3);
        assert_eq!(from_anniversary(day(1990, 1, 2), day(2026, 12, 30)), -3);
        let leap = day(2004, 2, 29);
        assert_eq!(from_anniversary(leap, day(2026, 2, 28)), 0);
        assert_eq!(from_anniversary(leap, day(2026, 3, 1)), 1);
        assert_eq!(from_anniversary(leap, day(2028, 2, 28)), -1);
        assert_eq!(from_anniversary(leap, day(2028, 2, 29)), 0);
        // 366 days from one to the next, the middle 183 from both.
        assert_eq!(from_anniversary(day(2000, 1, 1), day(2028, 7, 2)), 183);
    }

    #[test]
    fn windows_end_with_the_event() {
        let now = Instant { at: 0, date: day(2026, 3, 31), time: 3_600 };
        let local = |day: i64, time: i64| day * DAY + time;
        let of = |window| stretch(window, now, 0);
        let last = local(day(2026, 3, 31), 3_600);
        assert_eq!(of(Window::Days(30)), Stretch { after: local(day(2026, 3, 1), 3_600), last });
        assert_eq!(of(Window::Months(1)), Stretch { after: local(day(2026, 2, 28), 3_600), last });
        assert_eq!(of(Window::This(Period::Month)), Stretch { after: local(day(2026, 3, 1), -1), last });
        assert_eq!(
            of(Window::Previous(Period::Month)),
            Stretch { after: local(day(2026, 2, 1), -1), last: local(day(2026, 3, 1), -1) }
        );
        assert_eq!(of(Window::Seconds(60)), Stretch { after: -60, last: 0 });
        assert_eq!(
            of(Window::Between(day(2026, 1, 1), day(2026, 1, 31))),
            Stretch { after: local(day(2026, 1, 1), -1), last: local(day(2026, 2, 1), -1) }
        );
    }
}
