//! `perq demo`: the main example replayed, as a report for the person who answers for the programme.

use crate::args;
use crate::excerpt::plain;
#[cfg(feature = "ledger")]
use crate::kept_year::{self, KeptYear};
use crate::numbers::{Table, decimal, grouped, share};
use crate::output::Output;
use crate::render::plural;
use crate::replay::{self, Comparison, Year};
use crate::{Exit, Outcome};
use indicatif::ProgressBar;
use perq_compiler::ir::{AccountId, Program};
use perq_runtime::decimal as exact;
use perq_runtime::summary::Given;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the example is in the tree that this perq was built from.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules-examples/online-retail");
/// Rules and refused records that are shown.
const SHOWN: usize = 20;

/// Runs it.
///
/// # Errors
/// Where the example cannot be read.
pub fn run(options: &args::Demo, output: &mut Output) -> Outcome {
    let folder = options.dir.clone().unwrap_or_else(|| PathBuf::from(EXAMPLE));
    let bar = if output.interactive() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_message("replaying");
    bar.enable_steady_tick(Duration::from_millis(200));
    let result = replay::replay(&folder, options.engine, &mut |records| bar.set_position(records));
    bar.finish_and_clear();
    let year = result?;
    let comparison = replay::check(&folder, &year)?;
    #[cfg(feature = "ledger")]
    let kept = kept(options, &folder, &year, output)?;
    for line in report(&year, comparison.as_ref(), &folder, output.style().width.min(100)) {
        output.say(&line)?;
    }
    #[cfg_attr(not(feature = "ledger"), expect(unused_mut, reason = "a ledger adds to it"))]
    let mut different = comparison.as_ref().is_some_and(|comparison| !comparison.different.is_empty());
    #[cfg(feature = "ledger")]
    let kept = match kept {
        None => serde_json::Value::Null,
        Some((kept, comparison)) => {
            output.say("")?;
            for line in kept_lines(&year, &kept, comparison.as_ref(), &folder) {
                output.say(&line)?;
            }
            different |= comparison.as_ref().is_some_and(|comparison| !comparison.different.is_empty());
            different |= kept.audit.found > 0;
            json!({
                "kept": kept.kept,
                "repeated": kept.repeated,
                "refused": kept.refused,
                "figures": kept.figures,
                "findings": kept.audit.found,
                "seconds": { "keep": kept.times.0.as_secs_f64(), "audit": kept.times.1.as_secs_f64() },
                "check": comparison.as_ref().map(|comparison| json!({
                    "equal": comparison.equal,
                    "different": comparison.different,
                })),
            })
        }
    };
    #[cfg(not(feature = "ledger"))]
    let kept = serde_json::Value::Null;
    output.object(
        "demo",
        json!({
            "ledger": kept,
            "engine": engine(&year),
            "figures": year.figures(),
            "members": year.members.len(),
            "anonymous": year.data.anonymous,
            "zero_prices": year.data.zero_prices,
            "returned_lines": year.data.returned_lines,
            "refused": year.refused,
            "rule_errors": year.all.events_with_errors,
            "seconds": {
                "compile": year.times.compile.as_secs_f64(),
                "bind": year.times.bind.as_secs_f64(),
                "whole": year.times.whole.as_secs_f64(),
                "read": year.times.read.as_secs_f64(),
                "evaluate": year.times.evaluate.as_secs_f64(),
            },
            "check": comparison.as_ref().map(|comparison| json!({
                "equal": comparison.equal,
                "different": comparison.different,
            })),
        }),
    );
    Ok(Exit::findings(different))
}

/// Keeps the year in a ledger, where the example has returns for it, and holds it against the figures beside it.
#[cfg(feature = "ledger")]
fn kept(
    options: &args::Demo,
    folder: &Path,
    year: &Year,
    output: &mut Output,
) -> Result<Option<(KeptYear, Option<Comparison>)>, crate::Failure> {
    if options.no_ledger {
        return Ok(None);
    }
    let bar = if output.interactive() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_message("keeping");
    bar.enable_steady_tick(Duration::from_millis(200));
    let place = options.ledger.as_deref();
    let kept = kept_year::keep(folder, &year.engine, place, &mut |records| bar.set_position(records));
    bar.finish_and_clear();
    let Some(kept) = kept? else { return Ok(None) };
    let comparison = kept_year::check(folder, &kept)?;
    Ok(Some((kept, comparison)))
}

/// What the ledger has kept.
#[cfg(feature = "ledger")]
fn kept_lines(year: &Year, kept: &KeptYear, comparison: Option<&Comparison>, folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let code = &year.engine.program().currency.code;
    let figure = |name: &str| kept.figures.get(name).cloned().unwrap_or_default();
    let number = |name: &str| grouped(figure(name).as_u64().unwrap_or(0));
    let mut table = Table::new(1, &["The year in a ledger, with what came back", ""]);
    table.row(["  events decided and kept".to_owned(), grouped(kept.kept)]);
    if kept.repeated > 0 {
        table.row(["  answered as before".to_owned(), grouped(kept.repeated)]);
    }
    if !kept.refused.is_empty() {
        table.row(["  refused".to_owned(), grouped(kept.refused.len() as u64)]);
    }
    table.row(["  returns of purchases".to_owned(), number("returns")]);
    table.row([format!("  refunded, {code}"), decimal(figure("refunded").as_str().unwrap_or(""))]);
    for book in &kept.books {
        let unit = plain(&book.unit);
        table.row([format!("  {unit} taken back"), number("points_taken_back")]);
        table.row([format!("  {unit} issued, less that"), decimal(&book.issued)]);
        table.row([format!("  {unit} that members have"), decimal(&book.outstanding)]);
    }
    table.row([
        "  entries, each event's with a sum of nothing".to_owned(),
        grouped(kept.audit.entries.unsigned_abs()),
    ]);
    lines.extend(table.lines(0, 100));
    lines.extend(kept.refused.iter().take(SHOWN).map(|text| format!("  refused: {}", plain(text))));
    let (keep, audit) = kept.times;
    let all = kept.kept.saturating_add(kept.repeated);
    let rate = if keep.as_secs_f64() > 0.0 { (all as f64 / keep.as_secs_f64()) as u64 } else { 0 };
    lines.push(format!(
        "Kept in {:.1} s, {} durable events a second; audited in {:.1} s: {}.",
        keep.as_secs_f64(),
        grouped(rate),
        audit.as_secs_f64(),
        if kept.audit.found == 0 {
            "everything agrees".to_owned()
        } else {
            plural(kept.audit.found, "finding")
        }
    ));
    verdict(comparison, folder, &mut lines);
    lines
}

fn engine(year: &Year) -> &'static str {
    if year.engine.is_native() { "native" } else { "interpreter" }
}

/// The lines of the report.
pub fn report(year: &Year, comparison: Option<&Comparison>, folder: &Path, width: usize) -> Vec<String> {
    let program = year.engine.program();
    let mut lines = Vec::new();
    let span = year.all.months.keys().next().zip(year.all.months.keys().next_back());
    let span = span.map_or_else(String::new, |((from, month), (to, last))| {
        format!(", {from:04}-{month:02} to {to:04}-{last:02}")
    });
    lines.push(format!("{}{span}", plain(&program.name)));
    lines.push(format!(
        "{} in {}, {} code, {} ms to compile, {} ms to load",
        plural(program.rules.len(), "rule"),
        plural(program.groups.len(), "group"),
        if year.engine.is_native() { "machine" } else { "interpreted" },
        year.times.compile.as_millis(),
        year.times.bind.as_millis(),
    ));
    lines.push(String::new());
    facts(year, &mut lines);
    outcome(year, &mut lines);
    groups(year, width, &mut lines);
    rules(year, width, &mut lines);
    months(year, width, &mut lines);
    refused(year, width, &mut lines);
    speed(year, &mut lines);
    verdict(comparison, folder, &mut lines);
    lines
}

fn money(program: &Program, amount: i128) -> String {
    decimal(&exact::print(amount, program.currency.decimals))
}

fn points(program: &Program, account: usize, amount: i128) -> String {
    let decimals = program.accounts.get(account).map_or(0, |account| account.decimals);
    decimal(&exact::print(amount, decimals))
}

/// What a rule or group gave, in one text.
pub(super) fn given(program: &Program, given: &Given) -> String {
    let mut parts = Vec::new();
    if given.discount != 0 {
        parts.push(format!("{} {}", money(program, given.discount), program.currency.code));
    }
    for (at, amount) in given.awards.iter().enumerate().filter(|(_, amount)| **amount != 0) {
        let unit = program.accounts.get(at).map_or("", |account| account.unit.as_str());
        parts.push(format!("{} {unit}", points(program, at, *amount)));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" + ") }
}

fn facts(year: &Year, lines: &mut Vec<String>) {
    let program = year.engine.program();
    let mut table = Table::new(1, &["Records", ""]);
    table.row(["  decided".to_owned(), grouped(year.all.total.events)]);
    for (kind, count) in program.events.iter().zip(&year.all.kinds).filter(|(_, count)| **count > 0) {
        table.row([format!("    {}", kind.name), grouped(*count)]);
    }
    table.row(["  refused".to_owned(), grouped(year.all.rejected)]);
    table.row(["  with a rule that failed".to_owned(), grouped(year.all.events_with_errors)]);
    table.row(["  without a member".to_owned(), grouped(year.data.anonymous)]);
    table.row(["Members".to_owned(), grouped(year.members.len() as u64)]);
    table.row(["Lines".to_owned(), grouped(year.all.total.lines)]);
    table.row(["  at a price of zero".to_owned(), grouped(year.data.zero_prices)]);
    table.row(["  of goods that come back".to_owned(), grouped(year.data.returned_lines)]);
    lines.extend(table.lines(0, 100));
    lines.push(String::new());
}

fn outcome(year: &Year, lines: &mut Vec<String>) {
    let program = year.engine.program();
    let total = &year.heard.total;
    let code = &program.currency.code;
    let mut table = Table::new(1, &["Receipts that rules decide", "", ""]);
    let events = i128::from(total.events);
    let with: u64 = year.with_effects.values().sum();
    table.row(["  receipts".to_owned(), grouped(total.events), String::new()]);
    table.row(["  with an effect".to_owned(), grouped(with), share(i128::from(with), events)]);
    table.row([format!("  before discounts, {code}"), money(program, total.initial), String::new()]);
    table.row([
        format!("  discounts, {code}"),
        money(program, total.discount),
        share(total.discount, total.initial),
    ]);
    table.row([format!("  to pay, {code}"), money(program, total.paid), String::new()]);
    for (at, account) in program.accounts.iter().enumerate() {
        let amount = year.awarded(AccountId(at as u32));
        let worth = account
            .worth
            .filter(|(units, _)| *units > 0)
            .map(|(units, minor)| amount * i128::from(minor) / i128::from(units));
        let of = worth.map_or_else(String::new, |worth| share(worth, total.initial));
        table.row([format!("  {} issued ({})", account.unit, account.name), points(program, at, amount), of]);
        if let Some(worth) = worth {
            table.row([format!("    worth, {code}"), money(program, worth), String::new()]);
        }
    }
    lines.extend(table.lines(0, 100));
    lines.push(String::new());
}

fn groups(year: &Year, width: usize, lines: &mut Vec<String>) {
    let program = year.engine.program();
    let mut table = Table::new(2, &["Groups, in order", "", "receipts", "given"]);
    let nothing = Given::default();
    for (at, group) in program.groups.iter().enumerate() {
        let found = year.heard.groups.get(at).unwrap_or(&nothing);
        let title = group.title.as_deref().map_or_else(String::new, plain);
        table.row([format!("  {}", group.name), title, grouped(found.events), given(program, found)]);
    }
    lines.extend(table.lines(0, width));
    lines.push(String::new());
}

fn rules(year: &Year, width: usize, lines: &mut Vec<String>) {
    let program = year.engine.program();
    let nothing = Given::default();
    let mut found: Vec<_> = program
        .rules
        .iter()
        .enumerate()
        .map(|(at, rule)| (rule, year.heard.rules.get(at).unwrap_or(&nothing)))
        .collect();
    // A stable sort: rules that fired equally often stay in the order of the text.
    found.sort_by_key(|(_, given)| std::cmp::Reverse(given.events));
    let mut table = Table::new(2, &["Rules, by receipts", "", "receipts", "lost", "cut", "given"]);
    for (rule, given_by) in found.iter().take(SHOWN) {
        table.row([
            format!("  {}", rule.name),
            rule.title.as_deref().map_or_else(String::new, plain),
            grouped(given_by.events),
            grouped(given_by.displaced),
            grouped(given_by.cut),
            given(program, given_by),
        ]);
    }
    lines.extend(table.lines(0, width));
    if found.len() > SHOWN {
        lines.push(format!("  and {} more rules", found.len() - SHOWN));
    }
    lines.push(String::new());
}

fn months(year: &Year, width: usize, lines: &mut Vec<String>) {
    let program = year.engine.program();
    let units: Vec<&str> = program.accounts.iter().map(|account| account.unit.as_str()).collect();
    let discount = format!("discounts, {}", program.currency.code);
    let head = ["Months", "receipts", "with an effect", discount.as_str(), &units.join(" + ")];
    let mut table = Table::new(1, &head);
    for (month, summary) in &year.months {
        let awards: Vec<String> = (0..program.accounts.len())
            .map(|at| points(program, at, summary.total.awards.get(at).copied().unwrap_or(0)))
            .collect();
        table.row([
            format!("  {month}"),
            grouped(summary.total.events),
            grouped(year.with_effects.get(month).copied().unwrap_or(0)),
            money(program, summary.total.discount),
            awards.join(" + "),
        ]);
    }
    lines.extend(table.lines(0, width));
    lines.push(String::new());
}

fn refused(year: &Year, width: usize, lines: &mut Vec<String>) {
    if year.refused.is_empty() {
        return;
    }
    lines.push("Refused records".to_owned());
    let mut table = Table::new(1, &["  reason", "records"]);
    for (reason, count) in &year.all.rejections {
        table.row([format!("  {reason}"), grouped(*count)]);
    }
    lines.extend(table.lines(0, width));
    lines.extend(year.refused.iter().take(SHOWN).map(|text| format!("  {}", plain(text))));
    if year.refused.len() > SHOWN {
        lines.push(format!("  and {} more", year.refused.len() - SHOWN));
    }
    lines.push(String::new());
}

fn speed(year: &Year, lines: &mut Vec<String>) {
    let records = year.all.records();
    let rate = |time: Duration| {
        let seconds = time.as_secs_f64();
        if seconds > 0.0 { grouped((records as f64 / seconds) as u64) } else { "-".to_owned() }
    };
    let each = |time: Duration| {
        let each = time.as_secs_f64() * 1e6 / (records.max(1) as f64);
        format!("{each:.2}")
    };
    let mut table = Table::new(1, &["Speed, one thread", "seconds", "records a second", "microseconds each"]);
    for (what, time) in [
        ("  deciding only", year.times.evaluate),
        ("  reading JSON (and unpacking it)", year.times.read),
        ("  end to end, with the sums above", year.times.whole),
    ] {
        table.row([what.to_owned(), format!("{:.3}", time.as_secs_f64()), rate(time), each(time)]);
    }
    lines.extend(table.lines(0, 100));
    lines.push(String::new());
}

fn verdict(comparison: Option<&Comparison>, folder: &Path, lines: &mut Vec<String>) {
    let place = if folder == Path::new(EXAMPLE) { Path::new("rules-examples/online-retail") } else { folder };
    let place = plain(&place.display().to_string());
    match comparison {
        None => lines.push(format!("There is nothing in {place}/check to hold this against.")),
        Some(comparison) if comparison.different.is_empty() => lines.push(format!(
            "All {} figures equal those of {place}/check, which were worked out independently of perq.",
            grouped(comparison.equal)
        )),
        Some(comparison) => {
            lines.push(format!(
                "{} of {} figures differ from those of {place}/check:",
                grouped(comparison.different.len() as u64),
                grouped(comparison.equal + comparison.different.len() as u64)
            ));
            lines.extend(comparison.different.iter().take(SHOWN).map(|text| format!("  {}", plain(text))));
            if comparison.different.len() > SHOWN {
                lines.push(format!("  and {} more", comparison.different.len() - SHOWN));
            }
        }
    }
}
