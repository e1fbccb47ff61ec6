//! A comparison as one page of HTML: nothing is loaded from elsewhere, plots are SVG inside it, and it reads in light and
//! dark. Refuses to compare anything.

use super::plot::{self, escaped};
use super::text;
use crate::numbers::{counted, decimal, grouped, share};
use perq_runtime::diff::report::{Change, Measure, Report, Split};
use std::fmt::Write as _;

/// Rules in a plot.
const BARS: usize = 16;

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:0 auto;\
padding:1.5rem;color:#1b1b1b;background:#fff}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}\
table{border-collapse:collapse;width:100%;font-size:.92rem}th,td{text-align:right;padding:.25rem .6rem;\
border-bottom:1px solid #ddd;vertical-align:top;font-variant-numeric:tabular-nums}th:first-child,td:first-child,.l{text-align:left}\
code,pre{font:.86rem/1.45 ui-monospace,monospace}pre{margin:.2rem 0 0;white-space:pre-wrap}\
.sum{display:flex;flex-wrap:wrap;gap:1rem;padding:0;list-style:none}.sum li{border:1px solid #ddd;border-radius:.5rem;\
padding:.7rem 1rem;min-width:11rem}.sum b{display:block;font-size:1.3rem}.q{color:#555}.scroll{overflow-x:auto}\
svg{width:100%;height:auto;margin:.6rem 0}\
@media(prefers-color-scheme:dark){body{color:#ececec;background:#16181a}th,td,.sum li{border-color:#3a3d40}.q{color:#b5b5b5}}";

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut out = String::new();
    let names = if report.old.program == report.new.program {
        escaped(&report.new.program)
    } else {
        format!("{} and {}", escaped(&report.old.program), escaped(&report.new.program))
    };
    let title = format!("What a change of {names} does");
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    head(report, &mut out);
    if report.changed {
        sums(report, &mut out);
        hunks(report, &mut out);
        causes(report, &mut out);
        rules(report, &mut out);
        months(report, &mut out);
        segments(report, &mut out);
        for measure in text::told(report) {
            winners(measure, &mut out);
        }
        for measure in text::told(report) {
            receipts(measure, &mut out);
        }
    } else {
        let _ = writeln!(out, "<p>No difference: {} is decided alike.</p>", text::every(report));
        hunks(report, &mut out);
    }
    warnings(report, &mut out);
    budgets(report, &mut out);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn head(report: &Report, out: &mut String) {
    let side = |side: &perq_runtime::diff::report::SideReport| {
        format!(
            "{} (version {}, pack <code>{}</code>)",
            escaped(&side.source),
            side.version,
            escaped(&side.pack)
        )
    };
    let period =
        report.period.as_ref().map_or_else(String::new, |p| format!(", {} through {}", p.from, p.to));
    let _ = writeln!(
        out,
        "<p>Before: {}<br>After: {}<br>{}{}; {} are decided otherwise ({}).</p>",
        side(&report.old),
        side(&report.new),
        counted(report.records.all, "record"),
        escaped(&period),
        grouped(report.records.changed),
        share(i128::from(report.records.changed), i128::from(report.records.all)),
    );
    let told = report.refusals.iter().map(text::refusal_words).chain(text::repeated_words(report));
    let told: Vec<String> = told.map(|line| escaped(&line)).collect();
    if !told.is_empty() {
        let _ = writeln!(out, "<p>{}.</p>", told.join(".<br>"));
    }
}

fn sums(report: &Report, out: &mut String) {
    out.push_str("<h2>In all</h2>\n<ul class=\"sum\">\n");
    let mut one = |name: &str, unit: &str, change: &Change| {
        let _ = writeln!(
            out,
            "<li>{}<b>{}</b><span class=\"q\">{} to {} ({})</span></li>",
            escaped(name),
            escaped(&text::amount(&change.print(change.difference()), unit)),
            decimal(&change.print(change.before)),
            decimal(&change.print(change.after)),
            text::part(change),
        );
    };
    one("Discounts", &report.currency, &report.totals.discount);
    for award in &report.totals.awards {
        one(&award.account, &award.unit, &award.amount.0);
    }
    one("Customers pay", &report.currency, &report.totals.total);
    for effect in report.effects.iter().filter(|effect| !effect.amount.0.is_same()) {
        if !["discount", "award"].contains(&effect.kind) {
            one(&format!("{} {}", effect.kind, effect.of), &effect.unit, &effect.amount.0);
        }
    }
    out.push_str("</ul>\n");
    if let Some(together) = text::together(report) {
        let _ =
            writeln!(out, "<p>Together {} for the customers, points at their worth.</p>", escaped(&together));
    }
}

fn table(out: &mut String, caption: &str, head: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<div class=\"scroll\"><table>\n<caption class=\"q l\">{}</caption>\n<thead><tr>",
        escaped(caption)
    );
    for cell in head {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(cell));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            // Cells are escaped by who makes them: some hold elements.
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn hunks(report: &Report, out: &mut String) {
    if report.hunks.is_empty() {
        return;
    }
    out.push_str("<h2>What is written otherwise</h2>\n<ol>\n");
    for hunk in &report.hunks {
        let mut lines = String::new();
        for (sign, spot) in [("-", &hunk.old), ("+", &hunk.new)] {
            if let Some(spot) = spot.as_ref().filter(|spot| !spot.text.is_empty()) {
                let _ = writeln!(lines, "{sign} {}", escaped(&spot.text));
            }
        }
        let _ = writeln!(
            out,
            "<li>{} {} <b>{}</b> <span class=\"q\">{}</span>{}</li>",
            hunk.how,
            hunk.what,
            escaped(&hunk.name),
            escaped(&text::place(hunk)),
            if lines.is_empty() { String::new() } else { format!("<pre>{}</pre>", lines.trim_end()) },
        );
    }
    out.push_str("</ol>\n");
}

fn numbers(hunks: &[usize]) -> String {
    let each: Vec<String> = hunks.iter().map(|hunk| format!("#{}", hunk + 1)).collect();
    each.join(" ")
}

fn causes(report: &Report, out: &mut String) {
    out.push_str("<h2>Where it comes from</h2>\n");
    let row = |cause: &perq_runtime::diff::report::CauseRow| {
        vec![
            format!("{} {}", escaped(text::cause_words(cause.cause)), numbers(&cause.hunks)),
            grouped(cause.events),
            escaped(&text::effect(cause, &report.currency)),
        ]
    };
    let rows: Vec<Vec<String>> = report.causes.iter().map(row).collect();
    table(
        out,
        "Differences by cause; numbers are those of the changes above",
        &["Cause", "Receipts", "Difference"],
        &rows,
    );
}

fn rules(report: &Report, out: &mut String) {
    let rows: Vec<Vec<String>> = report
        .rules
        .iter()
        .filter(|row| !row.is_same())
        .map(|row| {
            let title = row
                .title
                .as_deref()
                .map_or_else(String::new, |title| format!("<br><span class=\"q\">{}</span>", escaped(title)));
            vec![
                format!("{}{title}", escaped(&row.name)),
                grouped(row.events.before),
                grouped(row.events.after),
                escaped(&text::row_words(row, &report.currency)),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    out.push_str("<h2>Rules</h2>\n");
    out.extend(plot::rules(report, BARS));
    table(
        out,
        "Rules of which a figure differs",
        &["Rule", "Receipts before", "Receipts after", "Difference"],
        &rows,
    );
    let groups: Vec<Vec<String>> = report
        .groups
        .iter()
        .filter(|row| !row.is_same())
        .map(|row| {
            let difference = text::row_words(row, &report.currency);
            vec![
                escaped(&row.name),
                grouped(row.events.before),
                grouped(row.events.after),
                escaped(&difference),
            ]
        })
        .collect();
    table(
        out,
        "Groups of which a figure differs",
        &["Group", "Receipts before", "Receipts after", "Difference"],
        &groups,
    );
}

fn months(report: &Report, out: &mut String) {
    let Some(plot) = plot::months(report) else { return };
    out.push_str("<h2>Months</h2>\n");
    out.push_str(&plot);
    let units = plot::units(report);
    let mut head: Vec<String> = vec!["Month".to_owned()];
    for (name, unit) in &units {
        head.extend([format!("{name} before, {unit}"), format!("{name} after"), "Difference".to_owned()]);
    }
    let row = |month: &perq_runtime::diff::report::MonthRow| {
        let mut row = vec![escaped(&month.month)];
        for at in 0..units.len() {
            let change = plot::change_at(&month.discount, &month.awards, at);
            row.extend([
                decimal(&change.print(change.before)),
                decimal(&change.print(change.after)),
                text::signed(&change.print(change.difference())),
            ]);
        }
        row
    };
    let rows: Vec<Vec<String>> = report.months.iter().map(row).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(out, "The same in figures", &head, &rows);
}

fn segments(report: &Report, out: &mut String) {
    let rows: Vec<Vec<String>> = report
        .segments
        .iter()
        .filter(|row| row.events > 0)
        .map(|row| {
            vec![
                escaped(&format!("{}: {}", row.by, row.title.as_deref().unwrap_or(&row.name))),
                grouped(row.events),
                grouped(row.changed),
                escaped(&text::differences(&row.discount, &report.currency, &row.awards)),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    out.push_str("<h2>Segments and levels</h2>\n");
    let caption = "Segments of the new programme, which may overlap, and levels of members";
    table(out, caption, &["Segment", "Receipts", "Changed", "Difference"], &rows);
}

fn winners(measure: &Measure, out: &mut String) {
    let words = text::measure_words(measure);
    let _ = writeln!(out, "<h2>Who gets more, who less: {}</h2>", escaped(&words));
    let id = measure.name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    for (what, split) in [("Members", &measure.members), ("Receipts", &measure.receipts)] {
        out.push_str(&plot::split(&format!("split-{id}-{what}"), what, split, &measure.unit));
    }
    let quantiles = |what: &str, split: &Split| -> Vec<Vec<String>> {
        [("more", &split.more), ("less", &split.less)]
            .into_iter()
            .filter(|(_, part)| part.count > 0)
            .map(|(word, part)| {
                let mut row = vec![format!("{what} that get {word}"), grouped(part.count)];
                row.push(text::signed(&part.sum.to_string()));
                row.extend(part.quantiles.iter().map(|quantile| text::signed(&quantile.amount.to_string())));
                row
            })
            .collect()
    };
    let mut rows = quantiles("members", &measure.members);
    rows.extend(quantiles("receipts", &measure.receipts));
    let head = ["", "Count", "Together", "10 % at most", "half at most", "90 % at most", "the most"];
    table(out, "Differences, each that of one of them", &head, &rows);
}

fn receipts(measure: &Measure, out: &mut String) {
    let _ = writeln!(
        out,
        "<h2>Receipts that changed most: {}</h2>\n<ul>",
        escaped(&text::measure_words(measure))
    );
    for receipt in &measure.most {
        let change = receipt.amount.0;
        let _ = writeln!(
            out,
            "<li><b>{}</b> {}<ul>",
            escaped(&text::amount(&change.print(change.difference()), &measure.unit)),
            escaped(&text::receipt_words(receipt))
        );
        for because in &receipt.rules {
            let _ = writeln!(out, "<li>{}</li>", escaped(&text::because_words(because)));
        }
        out.push_str("</ul></li>\n");
    }
    out.push_str("</ul>\n");
}

fn warnings(report: &Report, out: &mut String) {
    if report.warnings.is_empty() {
        return;
    }
    out.push_str("<h2>Fails on one side only</h2>\n<ul>\n");
    for warning in &report.warnings {
        let _ = writeln!(out, "<li>{}</li>", escaped(&text::warning_words(warning)));
    }
    out.push_str("</ul>\n");
}

fn budgets(report: &Report, out: &mut String) {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for budget in &report.budgets.new {
        for window in &budget.windows {
            rows.push(vec![
                escaped(&text::budget_words(budget)),
                escaped(window.from.as_deref().unwrap_or("")),
                escaped(&text::window_words(budget, window)),
            ]);
        }
    }
    if !rows.is_empty() {
        out.push_str("<h2>Limits and budgets of the new programme</h2>\n");
        table(out, "What these events use up", &["Limit", "From", "Use"], &rows);
    }
}
