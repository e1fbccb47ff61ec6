//! `perq calendar`: when rules, coupons, offers and ways of paying are valid, within a range of days that is given: as a
//! timeline in the terminal, as a picture, and for programs of calendars.

mod ical;
pub mod picture;
mod timeline;

use crate::args;
use crate::output::Output;
use crate::programme::find_one;
use crate::{Exit, Failure, Outcome};
use perq_compiler::calendar::{Civil, DAY, civil, date_text};
use perq_prose::{Book, Clock, Language, Row, Timetable, day};
use serde_json::{Value, json};

/// Days of the longest range.
pub const MAX_DAYS: i64 = 3_660;

/// Runs it.
///
/// # Errors
/// Where the range is none, the programme cannot be read, or a file not be written.
pub fn run(options: &args::Calendar, output: &mut Output) -> Outcome {
    let read = |text: &str, option: &str| {
        day(text).ok_or_else(|| {
            Failure::new(format!("{option} is a day such as 2026-12-01, and `{text}` is none"))
        })
    };
    let (from, to) = (read(&options.from, "--from")?, read(&options.to, "--to")?);
    if to < from {
        return Err(Failure::new("the range ends before it begins"));
    }
    if to - from >= MAX_DAYS {
        return Err(Failure::new(format!("a range has at most {MAX_DAYS} days")));
    }
    let programme = find_one(&options.path)?;
    let Some(study) = programme.study("calendar", output)? else { return Ok(Exit::Findings) };
    let book = Book::new(&study);
    let language = options.lang.language();
    let table = Timetable::of(&book, from, to, language);
    let zone = &study.compilation.typed.settings.zone;
    let program = book.title(language);
    let write = |path: &std::path::Path, text: &str| {
        std::fs::write(path, text).map_err(|error| Failure::file(path, &error))
    };
    if let Some(path) = &options.svg {
        write(path, &picture::svg(&table, &program, language))?;
        output.note(&format!("{} is written", path.display()));
    }
    if let Some(path) = &options.ical {
        write(path, &ical::calendar(&book, &table, &program, language))?;
        output.note(&format!("{} is written", path.display()));
    }
    if options.svg.is_none() && options.ical.is_none() {
        let width = output.style().width;
        output.say(timeline::text(&table, language, width).trim_end())?;
    }
    let rows: Vec<Value> = table.rows.iter().map(machine).collect();
    output.object(
        "calendar",
        json!({
            "from": date_text(from), "to": date_text(to), "zone": zone, "always": table.always, "rows": rows,
        }),
    );
    Ok(Exit::Clean)
}

fn machine(row: &Row) -> Value {
    let local = |second: i64| {
        let time = second.rem_euclid(DAY);
        let (hours, minutes, seconds) = (time / 3600, time / 60 % 60, time % 60);
        format!("{}T{hours:02}:{minutes:02}:{seconds:02}", date_text(second.div_euclid(DAY)))
    };
    let stretches: Vec<Value> = row
        .stretches
        .iter()
        .map(|(from, until)| json!({ "from": local(*from), "until": local(*until) }))
        .collect();
    let clock = match &row.clock {
        Clock::Programme => json!("programme"),
        Clock::Zone(zone) => json!(zone),
        Clock::Local => json!("store"),
    };
    json!({
        "kind": row.kind.word(), "name": row.name, "title": row.title, "group": row.group, "clock": clock,
        "stretches": stretches,
    })
}

/// The first days of months of a range, the first day of the range before them.
fn months(table: &Timetable) -> Vec<i64> {
    let mut out = vec![table.from];
    let mut first = perq_compiler::calendar::next(table.from, perq_compiler::ir::Period::Month, 0);
    while first <= table.to {
        out.push(first);
        first = perq_compiler::calendar::add_months(first, 1);
    }
    out
}

/// A month in three letters, and the year where it begins.
fn month_name(day: i64, language: Language) -> String {
    let Civil { year, month, .. } = civil(day);
    let names: [&str; 12] = match language {
        Language::English => {
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        }
        Language::Russian => {
            ["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]
        }
        Language::Italian => {
            ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"]
        }
    };
    let name = usize::try_from(month - 1).ok().and_then(|month| names.get(month)).copied().unwrap_or("");
    if month == 1 { format!("{name} {year}") } else { name.to_owned() }
}

/// What a row is called.
fn label(row: &Row) -> String {
    row.title.clone().unwrap_or_else(|| row.name.clone())
}

/// What is said of things that are valid always.
fn always(table: &Timetable, language: Language) -> String {
    format!(
        "{}: {}",
        language.pick(&[
            "Not shown, since nothing limits when they are valid",
            "Не показано, так как действует без ограничений по времени",
            "Non mostrati, perché validi senza limiti di tempo",
        ]),
        table.always
    )
}

/// How much of a stretch of time a row is valid, in seconds.
fn covered(row: &Row, from: i64, until: i64) -> i64 {
    row.stretches.iter().map(|(begin, end)| (until.min(*end) - from.max(*begin)).max(0)).sum()
}
