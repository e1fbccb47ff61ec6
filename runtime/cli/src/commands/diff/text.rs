//! A comparison as a report for a terminal: first what it comes to, then where it comes from, then whom it meets. Only
//! what differs is said.

use crate::excerpt::plain;
use crate::numbers::{Table, counted, decimal, grouped, share};
use crate::render::plural;
use perq_runtime::diff::report::{
    AwardChange, Because, Budget, CauseRow, Change, EffectRow, Exact, FirstRefused, HunkReport, Measure,
    Part, Receipt, Refusal, Report, Row, SinceReport, SpotReport,
};

/// Rules, receipts and hunks that are told one by one.
const SHOWN: usize = 12;

/// Receipts that are told one by one.
const RECEIPTS: usize = 5;

/// `+1 200.50`
pub(super) fn signed(text: &str) -> String {
    let grouped = decimal(text);
    let zero = text.chars().all(|character| matches!(character, '0' | '.'));
    if zero || grouped.starts_with('-') { grouped } else { format!("+{grouped}") }
}

/// `+1 200.50 GBP`
pub(super) fn amount(text: &str, unit: &str) -> String {
    format!("{} {}", signed(text), plain(unit))
}

/// A difference as a part of what was before.
pub(super) fn part(change: &Change) -> String {
    let (difference, before) = (change.difference(), change.before.saturating_abs());
    let size = match share(difference.saturating_abs(), before).as_str() {
        "0.00 %" => return if difference == 0 { String::new() } else { "< 0.01 %".to_owned() },
        size => size.to_owned(),
    };
    match difference {
        0 => String::new(),
        _ if before == 0 => size,
        ..0 => format!("-{size}"),
        1.. => format!("+{size}"),
    }
}

fn difference(change: &Change) -> String {
    signed(&change.print(change.difference()))
}

/// A difference of discounts and of accounts in one text.
pub(super) fn differences(discount: &Change, currency: &str, awards: &[AwardChange]) -> String {
    let mut parts = Vec::new();
    if !discount.is_same() {
        parts.push(amount(&discount.print(discount.difference()), currency));
    }
    for award in awards.iter().filter(|award| !award.amount.0.is_same()) {
        let change = award.amount.0;
        parts.push(amount(&change.print(change.difference()), &award.unit));
    }
    if parts.is_empty() { SAME.to_owned() } else { parts.join(", ") }
}

/// What a rule gives beside discounts and awards: `+3 coupons of tea`.
fn given(effect: &EffectRow) -> String {
    let change = effect.amount.0;
    let many = amount(&change.print(change.difference()), &effect.unit);
    let of = plain(&effect.of);
    match effect.kind {
        "coupon" | "badge" => format!("{many} of {of}"),
        "certificate" => format!("{many} in certificates of {of}"),
        "gift" => format!("{many} as gifts"),
        "field" => format!("{of} set {many}"),
        "debit" => format!("{many} debited"),
        "tender" => format!("{many} paid with points"),
        kind => format!("{many} {kind} {of}"),
    }
}

/// All that a rule or a group gives otherwise.
pub(super) fn row_words(row: &Row, currency: &str) -> String {
    let mut parts = Vec::new();
    let amounts = differences(&row.discount, currency, &row.awards);
    if amounts != SAME {
        parts.push(amounts);
    }
    parts.extend(row.effects.iter().filter(|effect| !effect.amount.0.is_same()).map(given));
    if parts.is_empty() { SAME.to_owned() } else { parts.join(", ") }
}

/// Where no amount differs.
const SAME: &str = "the same";

/// What a cause comes to.
pub(super) fn effect(cause: &CauseRow, currency: &str) -> String {
    let mut parts = Vec::new();
    if cause.discount.amount != 0 {
        parts.push(amount(&cause.discount.to_string(), currency));
    }
    for award in cause.awards.iter().filter(|award| award.difference.amount != 0) {
        parts.push(amount(&award.difference.to_string(), &award.unit));
    }
    if parts.is_empty() { "nothing in sum".to_owned() } else { parts.join(", ") }
}

/// Where a hunk is: `points.rule:12 -> points.rule:14`.
pub(super) fn place(hunk: &HunkReport) -> String {
    let spot = |spot: &SpotReport| match spot.line {
        0 => plain(&spot.file),
        line => format!("{}:{line}", plain(&spot.file)),
    };
    match (&hunk.old, &hunk.new) {
        (Some(old), Some(new)) => format!("{} -> {}", spot(old), spot(new)),
        (Some(old), None) => format!("{} -> nothing", spot(old)),
        (None, Some(new)) => format!("nothing -> {}", spot(new)),
        (None, None) => String::new(),
    }
}

/// Why, in words.
pub(super) fn because(cause: &str, by: &[String], hunks: &[usize], since: &[SinceReport]) -> String {
    let told = because_of(cause, by, hunks);
    let since: Vec<String> = since.iter().map(since_words).collect();
    if since.is_empty() { told } else { format!("{told}: {}", since.join("; ")) }
}

/// What came before and is another: `#1 changed level of club with event P1`.
fn since_words(since: &SinceReport) -> String {
    let of = plain(&since.of);
    match (since.hunk, since.event.as_deref()) {
        (Some(hunk), Some(event)) => format!("#{} changed {of} with event {}", hunk + 1, plain(event)),
        (Some(hunk), None) => format!("{of} is another by #{}", hunk + 1),
        (None, Some(event)) => format!("{of} is another since event {}", plain(event)),
        (None, None) => format!("{of} is another"),
    }
}

fn because_of(cause: &str, by: &[String], hunks: &[usize]) -> String {
    let of = match hunks {
        [] => String::new(),
        hunks => {
            let numbers: Vec<String> = hunks.iter().map(|hunk| format!("#{}", hunk + 1)).collect();
            format!(" {}", numbers.join(" "))
        }
    };
    let by = if by.is_empty() { String::new() } else { format!(" by {}", plain(&by.join(", "))) };
    match cause {
        "rule" => format!("written otherwise{of}"),
        "group" => format!("its group is written otherwise{of}"),
        "limit" => format!("limited otherwise{by}{of}"),
        "displacement" => format!("displaced otherwise{by}{of}"),
        "follows" if hunks.is_empty() => "what it works on is another".to_owned(),
        "follows" => format!("follows from{of}: what it works on is another"),
        "settings" => format!("the frame of the programme{of}"),
        "earlier" => "what came before is another".to_owned(),
        "tables" => "the tables are others".to_owned(),
        "refusal" => "one side refuses the receipt".to_owned(),
        "record" => "one side cannot read the record".to_owned(),
        other => other.to_owned(),
    }
}

/// What a cause is, before its figures.
pub(super) fn cause_words(cause: &str) -> &'static str {
    match cause {
        "rule" => "rules that are written otherwise, or that name what is",
        "group" => "rules of groups that are written otherwise",
        "limit" => "limits that cut otherwise",
        "displacement" => "rules that displace otherwise",
        "follows" => "rules that work on what others changed before them",
        "settings" => "the frame of the programme",
        "earlier" => "what came before: balances, histories, levels",
        "tables" => "other tables",
        "refusal" => "receipts that one side refuses",
        "record" => "records that one side cannot read",
        _ => "other",
    }
}

/// The lines of the report.
pub fn lines(report: &Report, width: usize) -> Vec<String> {
    let mut out = Vec::new();
    head(report, &mut out);
    if !report.changed {
        let every = every(report);
        match report.hunks.len() {
            0 => out.push(format!("No difference: {every} is decided alike, and the texts say the same.")),
            count => out.push(format!(
                "No difference: {every} is decided alike, although {} in the texts.",
                plural_differs(count)
            )),
        }
        warnings(report, &mut out);
        return out;
    }
    totals(report, width, &mut out);
    hunks(report, &mut out);
    causes(report, width, &mut out);
    rules(report, width, &mut out);
    months(report, width, &mut out);
    segments(report, width, &mut out);
    for measure in told(report) {
        split(measure, &mut out);
    }
    for measure in told(report) {
        receipts(measure, &mut out);
    }
    warnings(report, &mut out);
    budgets(report, width, &mut out);
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out
}

/// What was compared, where nothing differs.
pub(super) fn every(report: &Report) -> &'static str {
    if report.refusals.is_empty() { "every record" } else { "every record that could be read" }
}

/// Where the first refused record is and what is wrong with it.
pub(super) fn first_words(first: &FirstRefused) -> String {
    let mut text = format!("{}:{}", plain(&first.file), first.line);
    if let Some(id) = &first.id {
        text.push_str(&format!(" event `{}`", plain(id)));
    }
    if !first.field.is_empty() {
        text.push_str(&format!(" `{}`", plain(&first.field)));
    }
    format!("{text}: {} [{}]", plain(&first.message), first.error)
}

/// Refused records in words.
pub(super) fn refusal_words(refusal: &Refusal) -> String {
    let by = match refusal.side {
        "old" => "by the old programme only",
        "new" => "by the new programme only",
        _ => "by both",
    };
    format!("{} refused {by}, the first {}", grouped(refusal.records), first_words(&refusal.first))
}

/// Records that repeat the id of an earlier one, in words; nothing where none does.
pub(super) fn repeated_words(report: &Report) -> Option<String> {
    match report.records.repeated {
        0 => None,
        1 => Some("1 record repeats the id of an earlier one, and was decided again".to_owned()),
        count => Some(format!(
            "{} records repeat the id of an earlier one, and were decided again",
            grouped(count)
        )),
    }
}

fn plural_differs(count: usize) -> String {
    if count == 1 { "1 declaration differs".to_owned() } else { format!("{count} declarations differ") }
}

/// Measures worth telling: the one that has all in money, else each that differs.
pub(super) fn told(report: &Report) -> Vec<&Measure> {
    let differs = |measure: &&Measure| measure.receipts.more.count + measure.receipts.less.count > 0;
    let value = report.measures.iter().find(|measure| measure.name == "value").filter(|m| differs(m));
    match value {
        Some(value) => vec![value],
        None => report.measures.iter().filter(differs).collect(),
    }
}

/// What a measure is called.
pub(super) fn measure_words(measure: &Measure) -> String {
    match measure.name.as_str() {
        "value" => format!("discounts and the worth of points, {}", measure.unit),
        "discount" => format!("discounts, {}", measure.unit),
        account => format!("{} of {account}", measure.unit),
    }
}

fn head(report: &Report, out: &mut Vec<String>) {
    let side = |side: &perq_runtime::diff::report::SideReport| {
        let version = if side.version > 0 { format!(" {}", side.version) } else { String::new() };
        format!("{}{version}, {} ({})", plain(&side.program), plural(side.rules, "rule"), plain(&side.source))
    };
    out.push(format!("before  {}", side(&report.old)));
    out.push(format!("after   {}", side(&report.new)));
    let period =
        report.period.as_ref().map_or_else(String::new, |p| format!(", {} through {}", p.from, p.to));
    let records = &report.records;
    let of = share(i128::from(records.changed), i128::from(records.all));
    out.push(format!(
        "{}{period}; {} are decided otherwise ({of})",
        counted(records.all, "record"),
        grouped(records.changed)
    ));
    out.extend(report.refusals.iter().map(refusal_words));
    out.extend(repeated_words(report));
    out.push(String::new());
}

fn totals(report: &Report, width: usize, out: &mut Vec<String>) {
    let currency = &report.currency;
    let mut table = Table::new(1, &["In all", "before", "after", "difference", ""]);
    let mut row = |name: String, change: &Change| {
        table.row([
            format!("  {name}"),
            decimal(&change.print(change.before)),
            decimal(&change.print(change.after)),
            difference(change),
            part(change),
        ]);
    };
    row(format!("discounts, {currency}"), &report.totals.discount);
    row(format!("to pay, {currency}"), &report.totals.total);
    for award in report.totals.awards.iter().filter(|award| {
        let change = award.amount.0;
        change.before != 0 || change.after != 0
    }) {
        row(format!("{} of {}", plain(&award.unit), plain(&award.account)), &award.amount.0);
    }
    for effect in report.effects.iter().filter(|effect| !effect.amount.0.is_same()) {
        if !["discount", "award"].contains(&effect.kind) {
            row(format!("{} {}, {}", effect.kind, plain(&effect.of), plain(&effect.unit)), &effect.amount.0);
        }
    }
    out.extend(table.lines(0, width));
    if let Some(together) = together(report) {
        out.push(format!("  together {together} for the customers, points at their worth"));
    }
    out.push(String::new());
}

/// What discounts and points come to in money; nothing where points have no worth.
pub(super) fn together(report: &Report) -> Option<String> {
    let measure = report.measures.iter().find(|measure| measure.name == "value")?;
    let (more, less) = (measure.receipts.more.sum, measure.receipts.less.sum);
    let sum = Exact { amount: more.amount.saturating_add(less.amount), ..more };
    Some(amount(&sum.to_string(), &measure.unit))
}

fn hunks(report: &Report, out: &mut Vec<String>) {
    if report.hunks.is_empty() {
        return;
    }
    out.push("What is written otherwise".to_owned());
    for (at, hunk) in report.hunks.iter().enumerate().take(SHOWN) {
        let name = plain(&hunk.name);
        out.push(format!("  #{} {} {} {name}  [{}]", at + 1, hunk.how, hunk.what, place(hunk)));
        let texts = [("-", &hunk.old), ("+", &hunk.new)];
        for (sign, spot) in texts {
            if let Some(spot) = spot.as_ref().filter(|spot| !spot.text.is_empty()) {
                out.push(format!("       {sign} {}", plain(&spot.text)));
            }
        }
    }
    more(report.hunks.len(), SHOWN, "changes", out);
    out.push(String::new());
}

fn more(all: usize, shown: usize, of: &str, out: &mut Vec<String>) {
    if let Some(more @ 1..) = all.checked_sub(shown) {
        out.push(format!("  and {more} more {of}"));
    }
}

fn causes(report: &Report, width: usize, out: &mut Vec<String>) {
    let mut table = Table::new(2, &["Where it comes from", "", "receipts", "difference"]);
    for cause in &report.causes {
        let hunks: Vec<String> = cause.hunks.iter().map(|hunk| format!("#{}", hunk + 1)).collect();
        table.row([
            format!("  {}", cause_words(cause.cause)),
            hunks.join(" "),
            grouped(cause.events),
            effect(cause, &report.currency),
        ]);
    }
    out.extend(table.lines(0, width));
    out.push(String::new());
}

fn rules(report: &Report, width: usize, out: &mut Vec<String>) {
    let mut rows: Vec<&Row> = report.rules.iter().filter(|row| !row.gives_same()).collect();
    if rows.is_empty() {
        return;
    }
    let size = |row: &&Row| {
        let awards = row.awards.iter().map(|award| award.amount.0.difference().unsigned_abs());
        let effects = row.effects.iter().map(|effect| effect.amount.0.difference().unsigned_abs());
        let most = awards.chain(effects).fold(row.discount.difference().unsigned_abs(), u128::max);
        std::cmp::Reverse(most)
    };
    rows.sort_by_key(size);
    let mut table = Table::new(2, &["Rules, on receipts", "", "before", "after", "difference"]);
    for row in rows.iter().take(SHOWN) {
        let there = match row.there {
            "old" => "removed",
            "new" => "added",
            _ => row.title.as_deref().unwrap_or(""),
        };
        table.row([
            format!("  {}", plain(&row.name)),
            plain(there),
            grouped(row.events.before),
            grouped(row.events.after),
            row_words(row, &report.currency),
        ]);
    }
    out.extend(table.lines(0, width));
    more(rows.len(), SHOWN, "rules", out);
    out.push(String::new());
}

fn months(report: &Report, width: usize, out: &mut Vec<String>) {
    let mut table = Table::new(1, &["Months", "difference"]);
    for month in &report.months {
        table.row([
            format!("  {}", month.month),
            differences(&month.discount, &report.currency, &month.awards),
        ]);
    }
    if report.months.len() > 1 {
        out.extend(table.lines(0, width));
        out.push(String::new());
    }
}

fn segments(report: &Report, width: usize, out: &mut Vec<String>) {
    if report.segments.is_empty() {
        return;
    }
    let mut table = Table::new(2, &["Segments and levels", "", "receipts", "changed", "difference"]);
    for row in report.segments.iter().filter(|row| row.events > 0) {
        let name = if row.by == "segment" && row.name != "none" {
            plain(&row.name)
        } else {
            plain(&format!("{}: {}", row.by, row.name))
        };
        table.row([
            format!("  {name}"),
            row.title.as_deref().map_or_else(String::new, plain),
            grouped(row.events),
            grouped(row.changed),
            differences(&row.discount, &report.currency, &row.awards),
        ]);
    }
    out.extend(table.lines(0, width));
    out.push(String::new());
}

fn split(measure: &Measure, out: &mut Vec<String>) {
    out.push(format!("Who gets more, who less: {}", plain(&measure_words(measure))));
    for (what, split) in [("members", &measure.members), ("receipts", &measure.receipts)] {
        let side = |word: &str, part: &Part| match part.count {
            0 => format!("0 get {word}"),
            count => {
                let sum = signed(&part.sum.to_string());
                let of = |percent: u8| {
                    let found = part.quantiles.iter().find(|quantile| quantile.percent == percent);
                    found.map_or_else(String::new, |quantile| signed(&quantile.amount.to_string()))
                };
                let rest = format!("half at most {}, the most {}", of(50), of(100));
                format!("{} get {word} ({sum}; {rest})", grouped(count))
            }
        };
        out.push(format!("  {what}: {}", side("more", &split.more)));
        let blank = " ".repeat(what.len() + 4);
        out.push(format!("{blank}{}", side("less", &split.less)));
        out.push(format!("{blank}{} get the same", grouped(split.same)));
    }
    out.push(String::new());
}

/// A receipt's heading.
pub(super) fn receipt_words(receipt: &Receipt) -> String {
    let member = receipt.member.as_deref().map_or("no member".to_owned(), |m| format!("member {}", plain(m)));
    format!("{} {}, {}, {member}", plain(&receipt.kind), plain(&receipt.id), receipt.date)
}

/// A line of a receipt: which rule, how much, why.
pub(super) fn because_words(because_of: &Because) -> String {
    let change = because_of.amount.0;
    let rule = because_of.rule.as_deref().unwrap_or("no rule");
    let kind = match because_of.kind {
        "discount" | "award" => String::new(),
        kind => format!(" {kind} {}", plain(&because_of.of)),
    };
    let to = because_of.to.as_deref().map_or_else(String::new, |to| format!(" to {}", plain(to)));
    format!(
        "{}{kind} {} -> {} {}{to}: {}",
        plain(rule),
        decimal(&change.print(change.before)),
        decimal(&change.print(change.after)),
        plain(&because_of.unit),
        because(because_of.cause, &because_of.by, &because_of.hunks, &because_of.since)
    )
}

fn receipts(measure: &Measure, out: &mut Vec<String>) {
    out.push(format!("Receipts that changed most: {}", plain(&measure_words(measure))));
    for receipt in measure.most.iter().take(RECEIPTS) {
        out.push(format!("  {}  {}", difference(&receipt.amount.0), receipt_words(receipt)));
        out.extend(
            receipt.rules.iter().take(SHOWN).map(|because| format!("      {}", because_words(because))),
        );
        if receipt.rules.len() > SHOWN {
            out.push(format!("      and {} more", receipt.rules.len() - SHOWN));
        }
    }
    more(measure.most.len(), RECEIPTS, "with --format json or --html", out);
    out.push(String::new());
}

fn warnings(report: &Report, out: &mut Vec<String>) {
    if report.warnings.is_empty() {
        return;
    }
    out.push("Fails on one side only".to_owned());
    for warning in &report.warnings {
        out.push(format!("  {}", warning_words(warning)));
    }
    out.push(String::new());
}

/// A warning in words.
pub(super) fn warning_words(warning: &perq_runtime::diff::report::Warning) -> String {
    let side = if warning.side == "old" { "before" } else { "after" };
    let what = match (warning.what, &warning.rule) {
        ("record", _) => "the record cannot be read".to_owned(),
        ("receipt", _) => "the receipt is refused".to_owned(),
        (_, Some(rule)) => format!("{} fails", plain(rule)),
        (_, None) => "a rule fails".to_owned(),
    };
    let examples: Vec<String> = warning.examples.iter().map(|id| plain(id)).collect();
    let events = grouped(warning.events);
    format!("{side}: {what} [{}] on {events}: {}", warning.error, examples.join(", "))
}

/// A budget's name, for whom and over what.
pub(super) fn budget_words(budget: &Budget) -> String {
    let per = match budget.per.as_str() {
        "campaign" => "for all".to_owned(),
        per => format!("per {}", plain(per)),
    };
    let within = budget.within.as_deref().map_or_else(String::new, |within| format!(", {}", plain(within)));
    format!("{} {} {per}{within}", budget.owner, plain(&budget.name))
}

/// What became of a window, in words.
pub(super) fn window_words(budget: &Budget, window: &perq_runtime::diff::report::WindowUse) -> String {
    let unit = plain(&budget.unit);
    let mut parts = Vec::new();
    let shown = |exact: &Exact| decimal(&exact.to_string());
    if budget.counter.is_some() {
        let limit = window.limit.as_ref();
        if budget.per == "campaign" {
            let of = limit.map_or_else(String::new, |limit| {
                format!(" of {} ({})", shown(limit), share(window.peak.amount, limit.amount))
            });
            parts.push(format!("{}{of} {unit} used", shown(&window.peak)));
            if let Some(day) = &window.used_up_on {
                parts.push(format!("used up on {day}"));
            }
        } else {
            parts.push(format!("{} {unit} used by {}", shown(&window.used), grouped(window.holders)));
            let most = limit.map_or_else(String::new, |limit| format!(" of {}", shown(limit)));
            parts.push(format!("at most {}{most} by one", shown(&window.peak)));
            let first =
                window.used_up_on.as_deref().map_or_else(String::new, |day| format!(", first on {day}"));
            parts.push(format!("{} used up all{first}", grouped(window.used_up)));
        }
    }
    if window.events_cut > 0 {
        parts.push({
            let receipts = if window.events_cut == 1 { "receipt" } else { "receipts" };
            format!("took {} {unit} from {} {receipts}", shown(&window.cut), grouped(window.events_cut))
        });
    }
    parts.join("; ")
}

fn budgets(report: &Report, width: usize, out: &mut Vec<String>) {
    if report.budgets.new.is_empty() {
        return;
    }
    out.push("Limits and budgets of the new programme, over these events".to_owned());
    for budget in &report.budgets.new {
        let heading = budget_words(budget);
        match budget.windows.as_slice() {
            [] => out.push(format!("  {heading}: nothing used")),
            [window] => wrapped(&format!("  {heading}: {}", window_words(budget, window)), width, out),
            windows => {
                out.push(format!("  {heading}"));
                for window in windows.iter().take(SHOWN * 2) {
                    let from = window.from.as_deref().unwrap_or("");
                    wrapped(&format!("    from {from}: {}", window_words(budget, window)), width, out);
                }
                more(windows.len(), SHOWN * 2, "windows", out);
            }
        }
    }
    out.push(String::new());
}

/// A line, broken between words where it is too long.
fn wrapped(text: &str, width: usize, out: &mut Vec<String>) {
    let indent = text.chars().take_while(|character| *character == ' ').count();
    let mut line = " ".repeat(indent);
    for word in text.split_whitespace() {
        let begun = line.chars().count() > indent;
        if begun && line.chars().count() + 1 + word.chars().count() > width {
            out.push(std::mem::replace(&mut line, " ".repeat(indent + 4)));
            line.push_str(word);
            continue;
        }
        if begun {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push(line);
}
