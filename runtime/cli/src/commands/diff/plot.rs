//! Plots as SVG, from whole numbers: columns by month, bars by rule, a bar of winners and losers. Each stands by itself
//! (style, title and description inside), in light and dark. Refuses to compare anything.

use super::text::{amount, signed};
use crate::numbers::grouped;
use perq_runtime::diff::report::{Change, Report, Row, Split};
use std::fmt::Write as _;

/// Width of every plot.
const WIDTH: i128 = 720;
/// Height of a panel of columns, and what stands above and below the columns in it.
const PANEL: i128 = 210;
const ABOVE: i128 = 34;
const BELOW: i128 = 34;
/// What stands left of the columns.
const LEFT: i128 = 12;
/// Height of a bar with the space around it.
const LINE: i128 = 26;
/// Width of the names before bars, and of the figures behind them.
const NAMES: i128 = 190;
const FIGURES: i128 = 130;

/// Colours with enough contrast on white and on near-black; the direction of a bar says the same as its colour.
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1b1b1b}.s{font-size:12px;fill:#555}.h{font-weight:600}\
.u{fill:#1f6f8b}.d{fill:#b3541e}.e{fill:#b9b9b9}.z{stroke:#777;stroke-width:1}\
@media(prefers-color-scheme:dark){text{fill:#ececec}.s{fill:#b5b5b5}.u{fill:#5fb3cf}.d{fill:#e39158}.e{fill:#5c5c5c}\
.z{stroke:#999}}";

pub(super) use crate::prose::escaped;

fn svg(id: &str, height: i128, title: &str, description: &str, inner: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n\
         <style>{STYLE}</style>\n{inner}</svg>\n",
        escaped(title),
        escaped(description)
    )
}

/// A figure, its name, and how it is said.
struct Bar {
    name: String,
    value: i128,
    said: String,
}

/// So much of a length as a value is of the largest, to the nearest whole; something where it is not zero.
fn scaled(value: i128, largest: u128, length: i128) -> i128 {
    let (mut size, mut largest) = (value.unsigned_abs(), largest);
    // A picture is coarser than what is cut off here.
    while size > u128::MAX >> 16 {
        (size, largest) = (size >> 1, largest >> 1);
    }
    let whole = size.saturating_mul(length.unsigned_abs()) / largest.max(1);
    let whole = i128::try_from(whole).unwrap_or(length);
    if value == 0 { 0 } else { whole.clamp(1, length) }
}

/// What differs in each month: a panel for discounts and for each account, columns up for more and down for less.
pub(super) fn months(report: &Report) -> Option<String> {
    let units = units(report);
    let mut inner = String::new();
    let mut said = Vec::new();
    let mut panels = 0;
    for (at, (name, unit)) in units.iter().enumerate() {
        let of = |month: &perq_runtime::diff::report::MonthRow| change_at(&month.discount, &month.awards, at);
        if report.months.iter().all(|month| of(month).is_same()) {
            continue;
        }
        let bars: Vec<Bar> = report
            .months
            .iter()
            .map(|month| {
                let change = of(month);
                Bar {
                    name: month.month.clone(),
                    value: change.difference(),
                    said: signed(&change.print(change.difference())),
                }
            })
            .collect();
        let heading = format!("{name}: difference by month, {unit}");
        columns(&mut inner, panels * PANEL, &heading, &bars);
        said.push(format!("{name}: {}", list(&bars, unit)));
        panels += 1;
    }
    let title = "What the change gives more or less, month by month";
    (panels > 0).then(|| svg("months", panels * PANEL, title, &said.join(". "), &inner))
}

/// Names and words of what is compared: discounts, then accounts.
pub(super) fn units(report: &Report) -> Vec<(String, String)> {
    let accounts = report.totals.awards.iter().map(|award| (award.account.clone(), award.unit.clone()));
    std::iter::once(("Discounts".to_owned(), report.currency.clone())).chain(accounts).collect()
}

/// The change of discounts, or of an account by its position behind them.
pub(super) fn change_at(
    discount: &Change,
    awards: &[perq_runtime::diff::report::AwardChange],
    at: usize,
) -> Change {
    match at.checked_sub(1) {
        None => *discount,
        Some(account) => awards.get(account).map_or(Change::default(), |award| award.amount.0),
    }
}

fn list(bars: &[Bar], unit: &str) -> String {
    let each: Vec<String> = bars.iter().map(|bar| format!("{} {} {unit}", bar.name, bar.said)).collect();
    each.join(", ")
}

fn columns(out: &mut String, top: i128, heading: &str, bars: &[Bar]) {
    let (up, down) =
        bars.iter().fold((0, 0), |(up, down): (i128, i128), bar| (up.max(bar.value), down.min(bar.value)));
    let span = up.unsigned_abs().saturating_add(down.unsigned_abs()).max(1);
    let room = PANEL - ABOVE - BELOW;
    let zero = top + ABOVE + scaled(up, span, room);
    let count = i128::try_from(bars.len()).unwrap_or(1).max(1);
    let step = (WIDTH - 2 * LEFT) / count;
    let wide = (step * 7 / 10).clamp(1, 60);
    let _ = writeln!(out, "<text class=\"h\" x=\"{LEFT}\" y=\"{}\">{}</text>", top + 18, escaped(heading));
    for (bar, at) in bars.iter().zip(0_i128..) {
        let left = LEFT + at * step + (step - wide) / 2;
        let high = scaled(bar.value, span, room);
        let (class, y) = if bar.value < 0 { ("d", zero) } else { ("u", zero - high) };
        let (name, said) = (escaped(&bar.name), escaped(&bar.said));
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\"><title>{name}: {said}</title></rect>"
        );
        // With many months only every so many has its name.
        if at % (count / 14 + 1) == 0 {
            let middle = left + wide / 2;
            let _ = writeln!(
                out,
                "<text class=\"s\" text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{name}</text>",
                top + PANEL - 8
            );
        }
    }
    let _ = writeln!(
        out,
        "<line class=\"z\" x1=\"{LEFT}\" y1=\"{zero}\" x2=\"{}\" y2=\"{zero}\"/>",
        WIDTH - LEFT
    );
    let largest = bars.iter().max_by_key(|bar| bar.value).filter(|bar| bar.value > 0);
    let smallest = bars.iter().min_by_key(|bar| bar.value).filter(|bar| bar.value < 0);
    let extremes: Vec<String> = [largest, smallest]
        .into_iter()
        .flatten()
        .map(|bar| format!("{} in {}", bar.said, bar.name))
        .collect();
    let _ = writeln!(
        out,
        "<text class=\"s\" text-anchor=\"end\" x=\"{}\" y=\"{}\">most: {}</text>",
        WIDTH - LEFT,
        top + 18,
        escaped(&extremes.join(", "))
    );
}

/// What each rule gives more or less, a plot for discounts and for each account.
pub(super) fn rules(report: &Report, most: usize) -> Vec<String> {
    let mut out = Vec::new();
    for (at, (name, unit)) in units(report).iter().enumerate() {
        let of = |row: &Row| change_at(&row.discount, &row.awards, at);
        let mut rows: Vec<&Row> = report.rules.iter().filter(|row| !of(row).is_same()).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(of(row).difference().unsigned_abs()));
        rows.truncate(most);
        if rows.is_empty() {
            continue;
        }
        let bar = |row: &&Row| {
            let change = of(row);
            let said = signed(&change.print(change.difference()));
            Bar { name: row.name.clone(), value: change.difference(), said }
        };
        let bars: Vec<Bar> = rows.iter().map(bar).collect();
        let title = format!("{name} by rule: difference, {unit}");
        out.push(lines(&format!("rules-{at}"), &title, &bars, unit));
    }
    out
}

fn lines(id: &str, title: &str, bars: &[Bar], unit: &str) -> String {
    let up = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(0);
    let down = bars.iter().map(|bar| bar.value).min().unwrap_or(0).min(0);
    let span = up.unsigned_abs().saturating_add(down.unsigned_abs()).max(1);
    let room = WIDTH - NAMES - FIGURES;
    let zero = NAMES + scaled(down, span, room);
    let mut inner = format!("<text class=\"h\" x=\"{LEFT}\" y=\"18\">{}</text>\n", escaped(title));
    let mut top = 30;
    for bar in bars {
        let long = scaled(bar.value, span, room);
        let (class, left) = if bar.value < 0 { ("d", zero - long) } else { ("u", zero) };
        let name: String = match bar.name.chars().count() > 26 {
            true => bar.name.chars().take(25).chain(['…']).collect(),
            false => bar.name.clone(),
        };
        let middle = top + LINE / 2 + 4;
        let _ = writeln!(inner, "<text x=\"{LEFT}\" y=\"{middle}\">{}</text>", escaped(&name));
        let _ = writeln!(
            inner,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{}\" width=\"{long}\" height=\"{}\"/>",
            top + 4,
            LINE - 8
        );
        let _ = writeln!(
            inner,
            "<text text-anchor=\"end\" x=\"{}\" y=\"{middle}\">{}</text>",
            WIDTH - LEFT,
            escaped(&bar.said)
        );
        top += LINE;
    }
    let _ = writeln!(inner, "<line class=\"z\" x1=\"{zero}\" y1=\"28\" x2=\"{zero}\" y2=\"{top}\"/>");
    svg(id, top + 8, title, &list(bars, unit), &inner)
}

/// How many get less, the same and more, as one bar.
pub(super) fn split(id: &str, title: &str, split: &Split, unit: &str) -> String {
    let parts = [
        ("d", "less", split.less.count, amount(&split.less.sum.to_string(), unit)),
        ("e", "the same", split.same, String::new()),
        ("u", "more", split.more.count, amount(&split.more.sum.to_string(), unit)),
    ];
    let all: u64 = parts.iter().map(|(_, _, count, _)| count).sum();
    let mut inner = format!("<text class=\"h\" x=\"{LEFT}\" y=\"18\">{}</text>\n", escaped(title));
    let room = WIDTH - 2 * LEFT;
    let mut left = LEFT;
    let mut said = Vec::new();
    for ((class, word, count, sum), at) in parts.iter().zip(0_i128..) {
        let wide = scaled(i128::from(*count) * 2, u128::from(all) * 2, room).min(LEFT + room - left);
        let _ =
            writeln!(inner, "<rect class=\"{class}\" x=\"{left}\" y=\"28\" width=\"{wide}\" height=\"22\"/>");
        left += wide;
        let sum = if sum.is_empty() || *count == 0 { String::new() } else { format!(", {sum}") };
        let text = format!("{} get {word}{sum}", grouped(*count));
        let (x, anchor) = match at {
            0 => (LEFT, "start"),
            1 => (WIDTH / 2, "middle"),
            _ => (WIDTH - LEFT, "end"),
        };
        let _ =
            writeln!(inner, "<text text-anchor=\"{anchor}\" x=\"{x}\" y=\"70\">{}</text>", escaped(&text));
        said.push(text);
    }
    svg(id, 82, title, &said.join("; "), &inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_parts_of_the_largest() {
        assert_eq!(scaled(0, 100, 50), 0);
        assert_eq!(scaled(100, 100, 50), 50);
        assert_eq!(scaled(-50, 100, 50), 25);
        assert_eq!(scaled(1, 1_000_000, 50), 1);
        assert_eq!(scaled(i128::MIN, 1 << 127, 50), 50);
        assert_eq!(scaled(i128::MIN, u128::MAX, 50), 25);
        assert_eq!(escaped("a<b & \"c\"\u{1b}"), "a&lt;b &amp; &quot;c&quot;\\u{1b}");
    }
}
