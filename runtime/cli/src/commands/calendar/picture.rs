//! The calendar as a picture: SVG that loads nothing and reads in light and dark.
//!
//! Refuses to work out when something is valid. Coordinates are whole tenths of a point: no floats.

use super::{always, label, month_name, months};
use crate::prose::escaped;
use perq_compiler::calendar::{DAY, date_text};
use perq_prose::{Language, Stretch, Timetable};
use std::fmt::Write as _;

/// In tenths of a point.
const LABEL: i64 = 3_300;
const PLOT: i64 = 7_200;
const ROW: i64 = 240;
const HEAD: i64 = 620;
const FOOT: i64 = 420;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1b1b1b}.h{font-weight:600;font-size:16px}.m{fill:#555;font-size:12px}\
.g{stroke:#d5d5d5;stroke-width:1}.b{fill:#2a6fb0}.p{fill:#d9822b}.z{fill:#f4f6f8}.bg{fill:#fff}\
@media(prefers-color-scheme:dark){text{fill:#ececec}.m{fill:#b5b5b5}.g{stroke:#3a3d40}.b{fill:#6cabe0}.p{fill:#e9a356}.z{fill:#1e2124}.bg{fill:#16181a}}";

/// Tenths as a decimal.
fn points(tenths: i64) -> String {
    if tenths % 10 == 0 {
        format!("{}", tenths / 10)
    } else {
        format!("{}.{}", tenths / 10, (tenths % 10).abs())
    }
}

/// A name in the space there is for it.
fn short(text: &str) -> String {
    const MOST: usize = 44;
    if text.chars().count() > MOST {
        text.chars().take(MOST - 1).chain(['…']).collect()
    } else {
        text.to_owned()
    }
}

/// The picture.
pub fn svg(table: &Timetable, program: &str, language: Language) -> String {
    let days = table.to - table.from + 1;
    let rows = i64::try_from(table.rows.len()).unwrap_or(0);
    let (width, height) = (LABEL + PLOT + 200, HEAD + rows * ROW + FOOT);
    let x = |second: i64| LABEL + (second - table.from * DAY).clamp(0, days * DAY) * PLOT / (days * DAY);
    let title = language.pick(&["When what is valid", "Что когда действует", "Che cosa vale e quando"]);
    let range = format!("{} – {}", date_text(table.from), date_text(table.to));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
         aria-label=\"{}\">\n<style>{STYLE}</style>\n<rect class=\"bg\" width=\"{w}\" height=\"{h}\"/>\n\
         <text class=\"h\" x=\"10\" y=\"22\">{}</text>\n<text class=\"m\" x=\"10\" y=\"42\">{}</text>\n",
        escaped(title),
        escaped(&format!("{program}: {title}")),
        escaped(&range),
        w = points(width),
        h = points(height),
    );
    for (position, _) in table.rows.iter().enumerate().filter(|(position, _)| position % 2 == 0) {
        let y = HEAD + i64::try_from(position).unwrap_or(0) * ROW;
        let _ = writeln!(
            out,
            "<rect class=\"z\" x=\"0\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            points(y),
            points(width),
            points(ROW)
        );
    }
    let starts = months(table);
    // Names of months need room: every so many of them.
    let step = starts.len().div_ceil(13).max(1);
    for (position, first) in starts.iter().enumerate() {
        let at = points(x(first * DAY));
        let _ = writeln!(
            out,
            "<line class=\"g\" x1=\"{at}\" x2=\"{at}\" y1=\"{}\" y2=\"{}\"/>",
            points(HEAD - 60),
            points(HEAD + rows * ROW)
        );
        // The first stretch may be the end of a month, too short for its name.
        let is_wide = starts.get(position + 1).is_none_or(|next| x(next * DAY) - x(first * DAY) > 280);
        if position % step == 0 && is_wide {
            let _ = writeln!(
                out,
                "<text class=\"m\" x=\"{}\" y=\"{}\">{}</text>",
                points(x(first * DAY) + 30),
                points(HEAD - 60),
                escaped(&month_name(*first, language))
            );
        }
    }
    for (position, row) in table.rows.iter().enumerate() {
        let y = HEAD + i64::try_from(position).unwrap_or(0) * ROW;
        let name = label(row);
        let _ = writeln!(
            out,
            "<g><title>{}</title>\n<text x=\"10\" y=\"{}\">{}</text>",
            escaped(&format!("{} `{}`: {name}", row.kind.title(language), row.name)),
            points(y + 165),
            escaped(&short(&name))
        );
        for (from, until, whole) in bars(&row.stretches, &x) {
            let _ = writeln!(
                out,
                "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"1\"/>",
                if whole { "b" } else { "p" },
                points(from),
                points(y + 55),
                points((until - from).max(15)),
                points(ROW - 110)
            );
        }
        out.push_str("</g>\n");
    }
    let below = HEAD + rows * ROW + 200;
    let legend = [
        ("b", ["all day", "весь день", "tutto il giorno"]),
        ("p", ["at some hours", "в некоторые часы", "in alcune ore"]),
    ];
    for (position, (class, texts)) in legend.into_iter().enumerate() {
        let at = LABEL + i64::try_from(position).unwrap_or(0) * 1_700;
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"12\" height=\"10\" rx=\"1\"/><text class=\"m\" x=\"{}\" y=\"{}\">{}</text>",
            points(at),
            points(below - 90),
            points(at + 180),
            points(below),
            escaped(language.pick(&texts))
        );
    }
    if table.always > 0 {
        let _ = writeln!(
            out,
            "<text class=\"m\" x=\"10\" y=\"{}\">{}</text>",
            points(below + 180),
            escaped(&always(table, language))
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Stretches as bars, with whether they are whole days; what would lie on one another at this size is one bar.
fn bars(stretches: &[Stretch], x: &dyn Fn(i64) -> i64) -> Vec<(i64, i64, bool)> {
    let mut out: Vec<(i64, i64, bool)> = Vec::new();
    for (from, until) in stretches {
        let whole = from.rem_euclid(DAY) == 0 && until.rem_euclid(DAY) == 0;
        let (begin, end) = (x(*from), x(*until));
        match out.last_mut() {
            Some((_, last, same)) if *same == whole && begin - *last < 12 => *last = end.max(*last),
            Some(_) | None => out.push((begin, end, whole)),
        }
    }
    out
}
