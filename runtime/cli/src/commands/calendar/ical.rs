//! The calendar as iCalendar (RFC 5545): an event for each stretch of validity.
//!
//! Whole days are dates; hours are written in universal time, as the zone's clock has them, so that no rules of zones need to be
//! carried along; hours of a store's own clock float. Nothing in it comes from a clock: stamps are the beginning of the range.

use super::label;
use perq_compiler::calendar::{Civil, DAY, civil};
use perq_prose::{Book, Clock, Language, Reader, Row, Timetable};
use perq_runtime::clock::Zone;
use std::fmt::Write as _;

/// Octets of a line, without its end.
const LINE: usize = 75;

/// All of it.
pub fn calendar(book: &Book<'_>, table: &Timetable, program: &str, language: Language) -> String {
    let settings = &book.study().compilation.typed.settings;
    let programme = Zone::named(&settings.zone).unwrap_or_else(Zone::universal);
    let mut out = String::new();
    line("BEGIN:VCALENDAR", &mut out);
    line("VERSION:2.0", &mut out);
    line(&format!("PRODID:-//perq//calendar//{}", language.code().to_uppercase()), &mut out);
    line("CALSCALE:GREGORIAN", &mut out);
    line(&format!("X-WR-CALNAME:{}", escaped(program)), &mut out);
    line(&format!("X-WR-TIMEZONE:{}", escaped(&settings.zone)), &mut out);
    for row in &table.rows {
        let zone = match &row.clock {
            Clock::Programme => Some(programme.clone()),
            Clock::Zone(name) => Some(Zone::named(name).unwrap_or_else(Zone::universal)),
            Clock::Local => None,
        };
        let described = description(book, row, language);
        for (from, until) in &row.stretches {
            let whole = from.rem_euclid(DAY) == 0 && until.rem_euclid(DAY) == 0;
            let stamp = |second: i64| match (&zone, whole) {
                (_, true) => format!(";VALUE=DATE:{}", date(second.div_euclid(DAY))),
                (None, false) => format!(":{}", date_time(second)),
                (Some(zone), false) => {
                    format!(
                        ":{}Z",
                        date_time(zone.instant_of(second.div_euclid(DAY), second.rem_euclid(DAY)))
                    )
                }
            };
            line("BEGIN:VEVENT", &mut out);
            let uid = format!(
                "{}-{}-{}-{}@{}.perq",
                row.kind.word(),
                row.name,
                row.version,
                date_time(*from),
                settings.name
            );
            line(&format!("UID:{}", escaped(&uid)), &mut out);
            line(&format!("DTSTAMP:{}T000000Z", date(table.from)), &mut out);
            line(&format!("DTSTART{}", stamp(*from)), &mut out);
            line(&format!("DTEND{}", stamp(*until)), &mut out);
            line(&format!("SUMMARY:{}", escaped(&label(row))), &mut out);
            line(&format!("DESCRIPTION:{}", escaped(&described)), &mut out);
            if let Some(group) = &row.group {
                line(&format!("CATEGORIES:{}", escaped(group)), &mut out);
            }
            line("TRANSP:TRANSPARENT", &mut out);
            line("END:VEVENT", &mut out);
        }
    }
    line("END:VCALENDAR", &mut out);
    out
}

/// The sentences of a row's declaration.
fn description(book: &Book<'_>, row: &Row, language: Language) -> String {
    let versions = book.entries().iter().filter(|entry| entry.kind == row.kind && entry.name == row.name);
    let Some(entry) = versions.clone().nth(row.version).or_else(|| versions.clone().next()) else {
        return String::new();
    };
    let section = book.section(entry, language, Reader::Member);
    let mut out = String::new();
    for block in &section.blocks {
        let indent = "  ".repeat(usize::from(block.depth));
        let _ = writeln!(out, "{indent}{}", block.text);
    }
    out.trim_end().to_owned()
}

fn date(day: i64) -> String {
    let Civil { year, month, day } = civil(day);
    format!("{year:04}{month:02}{day:02}")
}

fn date_time(second: i64) -> String {
    let time = second.rem_euclid(DAY);
    format!("{}T{:02}{:02}{:02}", date(second.div_euclid(DAY)), time / 3600, time / 60 % 60, time % 60)
}

/// A text value: what separates values is escaped, and what is no text left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            ';' => out.push_str("\\;"),
            ',' => out.push_str("\\,"),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

/// A content line, folded where it is longer than a line may be; no character is cut in two.
fn line(text: &str, out: &mut String) {
    let mut room = LINE;
    for character in text.chars() {
        let length = character.len_utf8();
        if length > room {
            out.push_str("\r\n ");
            room = LINE - 1;
        }
        out.push(character);
        room -= length;
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_between_characters() {
        let mut out = String::new();
        line(&"я".repeat(100), &mut out);
        assert!(out.split("\r\n").all(|line| line.len() <= LINE), "{out}");
        assert_eq!(out.replace("\r\n ", ""), format!("{}\r\n", "я".repeat(100)));
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("a,b;c\\d\ne\u{7}"), "a\\,b\\;c\\\\d\\ne");
    }
}
