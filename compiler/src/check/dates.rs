//! Dates and times of day as numbers: days since 1970-01-01, seconds of the day. Proleptic Gregorian; it refuses to
//! know zones.

pub(super) use crate::calendar::date_text;
use crate::calendar::{Civil, days, month_length};

/// Days from 1970-01-01 of a date that exists, `2026-03-01`.
pub(crate) fn date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > month_length(year, month) {
        return None;
    }
    Some(days(Civil { year, month, day }))
}

/// Seconds of the day, `09:00` or `09:00:30`.
pub(crate) fn time(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = match parts.next() {
        Some(part) => number(part)?,
        None => 0,
    };
    (parts.next().is_none() && hour < 24 && minute < 60 && second < 60)
        .then_some(hour * 3600 + minute * 60 + second)
}

/// As [`time`], and `24:00` for the end of the day.
pub(crate) fn end_time(text: &str) -> Option<i64> {
    if text == "24:00" || text == "24:00:00" { Some(86_400) } else { time(text) }
}

/// The time of a second of the day.
pub(crate) fn time_text(second: i64) -> String {
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") }
}

fn number(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        assert_eq!(date("1970-01-01"), Some(0));
        assert_eq!(date("2026-03-01"), Some(20_513));
        assert_eq!(date("2026-02-29"), None);
        assert_eq!(date("2028-02-29").map(date_text).as_deref(), Some("2028-02-29"));
        for day in (-800_000..2_000_000).step_by(97) {
            assert_eq!(date(&date_text(day)).filter(|_| day >= -719_162), (day >= -719_162).then_some(day));
        }
    }
}
