//! Dates and times of day as numbers: days since 1970-01-01, seconds of the day. Proleptic Gregorian; it refuses to
//! know zones.

/// Days from 1970-01-01 of a date that exists, `2026-03-01`.
pub(super) fn date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > month_days(year, month) {
        return None;
    }
    Some(days(year, month, day))
}

/// Seconds of the day, `09:00` or `09:00:30`.
pub(super) fn time(text: &str) -> Option<i64> {
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
pub(super) fn end_time(text: &str) -> Option<i64> {
    if text == "24:00" || text == "24:00:00" { Some(86_400) } else { time(text) }
}

/// The date of a day's number.
pub(super) fn date_text(day: i64) -> String {
    let z = day.saturating_add(719_468).clamp(-10_000_000_000, 10_000_000_000);
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The time of a second of the day.
pub(super) fn time_text(second: i64) -> String {
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") }
}

fn number(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
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
