//! The timeline of a terminal: a line for each thing, a column for so many days.
//!
//! Refuses to work out when something is valid.

use super::{always, covered, label, month_name, months};
use crate::excerpt::plain;
use perq_compiler::calendar::{DAY, date_text};
use perq_prose::{Language, Timetable};

/// Columns of a name.
const NAME: usize = 34;

/// As lines of so many columns.
pub fn text(table: &Timetable, language: Language, width: usize) -> String {
    let days = table.to - table.from + 1;
    let columns = i64::try_from(width.saturating_sub(NAME + 2)).unwrap_or(40).clamp(20, 400).min(days * 4);
    let (start, length) = (table.from * DAY, days * DAY);
    let edge = |column: i64| start + length * column / columns;
    let column_of = |day: i64| (day - table.from) * columns / days;
    let mut out = format!("{} … {}\n\n", date_text(table.from), date_text(table.to));
    let mut head = String::new();
    for first in months(table) {
        let at = usize::try_from(column_of(first)).unwrap_or(0);
        let name = month_name(first, language);
        let written = head.chars().count();
        // A name that would run into the one before it is left out.
        if (at > written || written == 0)
            && at + name.chars().count() <= usize::try_from(columns).unwrap_or(0)
        {
            head.extend(std::iter::repeat_n(' ', at - written));
            head.push_str(&name);
        }
    }
    out.push_str(&format!("{:NAME$}  {}\n", "", head.trim_end()));
    for row in &table.rows {
        let name: String = plain(&label(row));
        let shown: String = if name.chars().count() > NAME {
            name.chars().take(NAME - 1).chain(['…']).collect()
        } else {
            name.clone()
        };
        let bar: String = (0..columns)
            .map(|column| {
                let (from, until) = (edge(column), edge(column + 1));
                match covered(row, from, until) {
                    0 => '·',
                    some if some < until - from => '▒',
                    _ => '█',
                }
            })
            .collect();
        out.push_str(&format!("{shown:NAME$}  {bar}\n"));
    }
    if table.rows.is_empty() {
        out.push_str(language.pick(&[
            "Nothing is limited in time.\n",
            "Ничто не ограничено по времени.\n",
            "Nulla è limitato nel tempo.\n",
        ]));
    } else {
        out.push('\n');
        out.push_str(language.pick(&[
            "█ all the time   ▒ at times   · not\n",
            "█ всё время   ▒ временами   · нет\n",
            "█ sempre   ▒ a tratti   · no\n",
        ]));
    }
    if table.always > 0 {
        out.push_str(&always(table, language));
        out.push('\n');
    }
    out
}
