//! `perq optimize`: chooses which proposed contacts are made, and says what the plan is worth, what it could be worth at most,
//! what falls short, what each limit costs and why each other contact was dropped. Refuses to know how a choice is made.

use crate::args;
use crate::excerpt::plain;
use crate::numbers::{Table, counted, grouped};
use crate::output::Output;
use crate::programme::{self, Loaded};
use crate::render::plural;
use crate::tables;
use crate::{Exit, Failure, Outcome};
use indicatif::ProgressBar;
use perq_compiler::calendar::date_text;
use perq_compiler::ir::contacts::CONTACT;
#[cfg(feature = "ledger")]
use perq_ledger::StoreError;
use perq_runtime::clock::Zone;
#[cfg(feature = "columnar")]
use perq_runtime::columnar::{Cell, Column, ColumnKind, TableError, TableFormat, TableWriter};
use perq_runtime::contacts::{
    As, Conflict, Contacts, Options, Planned, Progress, RowPrice, Solution, Span, Told, Use,
};
use perq_runtime::decimal;
use perq_runtime::input;
use perq_runtime::record::ReadOptions;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// Digits of scores.
const DIGITS: u8 = 6;
/// Contacts up to which bounds that cannot be met are looked for before anything is chosen.
const LOOKED_INTO: usize = 50_000;
/// Lines of one list for people.
const SHOWN: usize = 20;

/// Runs it.
///
/// # Errors
/// Where the rules, a table, the contacts or the output cannot be read or written.
pub fn run(options: &args::Optimize, output: &mut Output) -> Outcome {
    let Some(loaded) = programme::load("optimize", &options.program, options.key.as_deref(), output)? else {
        return Ok(Exit::Findings);
    };
    let Loaded { pack, config, .. } = loaded;
    let catalogue = tables::catalogue(&tables::given(&options.tables, &config.catalogue))?;
    let parameters = config.parameters();
    let engine = tables::engine(pack, &catalogue, options.engine, ReadOptions::default(), &parameters)?;
    for name in engine.unknown_names() {
        output.note(&format!("warning: {}", plain(&name.to_string())));
    }
    let Some(mut contacts) = Contacts::new(&engine) else {
        return Err(Failure::new("the programme declares no `contacts`"));
    };
    for path in &options.history {
        read(&mut contacts, path, As::Made)?;
    }
    #[cfg(feature = "ledger")]
    if let Some(place) = &options.ledger {
        read_ledger(&mut contacts, place, output)?;
    }
    if options.one_by_one {
        return one_by_one(options, contacts, output);
    }
    for path in &options.contacts {
        read(&mut contacts, path, As::Proposed)?;
    }
    let (proposed, made) = contacts.counts();
    let refused = tell_refused(&contacts, output);
    let planned = contacts.plan().map_err(|error| Failure::new(error.to_string()))?;
    let threads = options.threads.or_else(|| std::thread::available_parallelism().ok());
    let threads = threads.map_or(1, std::num::NonZeroUsize::get);
    let bar = if output.interactive() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_message("looking for bounds that cannot be met");
    // Of many contacts only what falls short is looked into, once that is known.
    let at_once = planned.problem.score.len() <= LOOKED_INTO;
    let mut conflicts = if at_once { planned.conflicts(threads, None) } else { Vec::new() };
    let prices = options.prices.as_deref().map(known_prices).transpose()?.unwrap_or_default();
    let solving = Options { seed: options.seed, threads, prices };
    let solution = planned
        .solve(&solving, &mut |progress| bar.set_message(words_of(progress)))
        .map_err(|error| Failure::new(error.to_string()))?;
    if !at_once {
        conflicts = planned.conflicts(threads, Some(&solution.short));
    }
    bar.finish_and_clear();
    let told = planned.told(&solution);
    // An engine is of a zone that is known.
    let zone = &Zone::named(&engine.program().zone).unwrap_or_else(Zone::universal);
    if let Some(path) = &options.output {
        write_all(path, told.iter().filter(|contact| contact.dropped.is_none()), (false, zone))?;
    }
    if let Some(path) = &options.dropped {
        write_all(path, told.iter().filter(|contact| contact.dropped.is_some()), (true, zone))?;
    }
    if let Some(path) = &options.prices {
        write_prices(path, &solution)?;
    }
    let report = Report { planned: &planned, solution: &solution, told: &told, conflicts: &conflicts };
    if output.is_json() {
        output.object("optimize", report.object(proposed, made, refused));
    } else {
        output.raw().write_all(report.people(proposed, made).as_bytes())?;
    }
    Ok(Exit::Clean)
}

fn read(contacts: &mut Contacts, path: &Path, what: As) -> Result<(), Failure> {
    let file = tables::open(path)?;
    let before = (contacts.counts(), contacts.refused().0);
    contacts.read(file, super::run::format_of(path)?, what).map_err(|error| Failure::file(path, &error))?;
    let (refused, first) = contacts.refused();
    // A file of which nothing is taken is another one than was meant.
    if contacts.counts() == before.0 && refused > before.1 {
        let skipped = usize::try_from(before.1).unwrap_or(usize::MAX);
        let why = first.get(skipped).map_or_else(String::new, |refusal| format!(": {}", plain(&refusal.why)));
        return Err(Failure::file(
            path,
            &format!("none of its {} is a contact{why}", counted(refused - before.1, "record")),
        ));
    }
    Ok(())
}

/// Contacts that a ledger keeps are contacts that were made.
#[cfg(feature = "ledger")]
fn read_ledger(contacts: &mut Contacts, place: &str, output: &mut Output) -> Result<(), Failure> {
    let failed = |error: StoreError| Failure::new(format!("{}: {error}", super::keep::shown(place)));
    let mut store = perq_ledger::open(place, false).map_err(failed)?;
    let mut refused = 0u64;
    let taken = perq_ledger::report::records(&mut *store, CONTACT, |json| {
        if let Err(why) = contacts.take(json.as_bytes(), As::Made) {
            refused += 1;
            if refused <= SHOWN as u64 {
                output.note(&format!("refused, of the ledger: {}", plain(&why)));
            }
        }
        Ok::<(), StoreError>(())
    });
    let taken = taken.map_err(failed)?;
    let more = if refused > 0 { format!(", of which {refused} are refused") } else { String::new() };
    output.note(&format!("{} of the ledger{more}", counted(taken, "contact")));
    Ok(())
}

fn tell_refused(contacts: &Contacts, output: &mut Output) -> u64 {
    let (count, first) = contacts.refused();
    for refusal in first.iter().take(SHOWN) {
        output.note(&format!("refused: line {}: {}", refusal.line, plain(&refusal.why)));
    }
    if count > SHOWN as u64 {
        output.note(&format!("refused: {} in all", counted(count, "record")));
    }
    count
}

fn words_of(progress: Progress) -> String {
    match progress {
        Progress::Prepared(members, rows) => {
            let limits = if rows == 1 { "limit" } else { "limits" };
            format!("{}, {} {limits} in windows", counted(members as u64, "member"), grouped(rows as u64))
        }
        Progress::Sampled(members) => format!("prices on a sample of {}", counted(members as u64, "member")),
        Progress::Priced(passes, bound) => format!("pass {passes}, at most {}", amount(bound, DIGITS)),
        Progress::Fitting(objective) => format!("a plan that fits: {}", amount(objective, DIGITS)),
    }
}

/// A count of parts without the zeros at its end.
fn amount(parts: i128, digits: u8) -> String {
    let text = decimal::print(parts, digits);
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// What one more would be worth.
fn price(price: i128, shift: u32, digits: u8) -> String {
    let parts = price * 10i128.pow(u32::from(digits));
    amount((parts + (1i128 << shift >> 1)) >> shift, DIGITS)
}

fn days(span: Span) -> String {
    let text = |day: i32| date_text(i64::from(day));
    match (span.first, span.last) {
        (i32::MIN, _) | (_, i32::MAX) => "ever".to_owned(),
        (first, last) if first == last => text(first),
        (first, last) => format!("{} through {}", text(first), text(last)),
    }
}

/// A price as it is kept for the next plan.
#[derive(Serialize, Deserialize)]
struct KeptPrice {
    rule: usize,
    first: i32,
    last: i32,
    least: bool,
    price: i64,
    shift: u32,
}

fn known_prices(path: &Path) -> Result<Vec<RowPrice>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::file(path, &error)),
    };
    let kept: Vec<KeptPrice> = serde_json::from_str(&text).map_err(|error| Failure::file(path, &error))?;
    let prices = kept.into_iter().filter(|kept| kept.shift < 64).map(|kept| RowPrice {
        rule: kept.rule,
        span: Span { first: kept.first, last: kept.last },
        least: kept.least,
        price: kept.price,
        shift: kept.shift,
    });
    Ok(prices.collect())
}

fn write_prices(path: &Path, solution: &Solution) -> Result<(), Failure> {
    let kept: Vec<KeptPrice> = solution
        .prices
        .iter()
        .map(|own| KeptPrice {
            rule: own.rule,
            first: own.span.first,
            last: own.span.last,
            least: own.least,
            price: own.price,
            shift: own.shift,
        })
        .collect();
    // Structures of numbers always have a JSON form.
    let text = serde_json::to_vec(&kept).map_err(std::io::Error::from)?;
    std::fs::write(path, text).map_err(|error| Failure::file(path, &error))
}

/// The beginning of a contact's day on the clock of the programme's zone, as records say an instant: what is chosen can be
/// read as what was made.
fn at(contact: &Told<'_>) -> String {
    format!("{}T00:00", date_text(contact.day))
}

/// Writes contacts as a table.
#[cfg(feature = "columnar")]
fn write_table<'a>(
    format: TableFormat,
    file: File,
    contacts: impl Iterator<Item = &'a Told<'a>>,
    (reasons, zone): (bool, &Zone),
) -> Result<(), TableError> {
    let text = |name: &str| Column::new(name, ColumnKind::Text);
    let some_text = |name: &str| Column::optional(name, ColumnKind::Text);
    let mut columns = vec![
        text("id"),
        text("kind"),
        text("member"),
        Column::new("at", ColumnKind::Instant),
        text("offer"),
        text("channel"),
        Column::new("score", ColumnKind::Decimal { digits: 38, scale: DIGITS }),
    ];
    if reasons {
        columns.extend([some_text("why"), some_text("clause"), some_text("place")]);
    }
    let mut table = TableWriter::new(format, &columns, file)?;
    for contact in contacts {
        let why = contact.dropped.filter(|_| reasons);
        let place = why.and_then(|why| why.place).map(|(path, line)| format!("{path}:{line}"));
        let some = |text: Option<&'a str>| text.map_or(Cell::Absent, Cell::Text);
        let mut row = vec![
            Cell::Text(contact.id),
            Cell::Text(CONTACT),
            Cell::Text(contact.member),
            Cell::Instant(zone.moment(&at(contact)).map_or(0, |moment| moment.instant)),
            Cell::Text(contact.offer),
            Cell::Text(contact.channel),
            Cell::Decimal(i128::from(contact.score)),
        ];
        if reasons {
            row.push(some(why.map(|why| why.word)));
            row.push(some(why.and_then(|why| why.clause)));
            row.push(place.as_deref().map_or(Cell::Absent, Cell::Text));
        }
        table.row(&row)?;
    }
    table.finish().map(drop)
}

/// Writes contacts as their file's name says.
fn write_all<'a>(
    path: &Path,
    contacts: impl Iterator<Item = &'a Told<'a>>,
    (reasons, zone): (bool, &Zone),
) -> Result<(), Failure> {
    let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
    #[cfg(feature = "columnar")]
    if let Some(format) =
        path.extension().and_then(|ending| TableFormat::of_ending(&ending.to_string_lossy()))
    {
        return write_table(format, file, contacts, (reasons, zone))
            .map_err(|error| Failure::file(path, &error));
    }
    // In text an instant is local; only columns need the zone.
    #[cfg(not(feature = "columnar"))]
    let _ = zone;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if csv {
        let head = if reasons {
            "id,kind,member,at,offer,channel,score,why,clause,place\n"
        } else {
            "id,kind,member,at,offer,channel,score\n"
        };
        out.write_all(head.as_bytes())?;
    }
    for contact in contacts {
        let (at, score) = (at(contact), amount(i128::from(contact.score), DIGITS));
        let why = contact.dropped.filter(|_| reasons);
        let place = why.and_then(|why| why.place).map(|(path, line)| format!("{path}:{line}"));
        if csv {
            let mut cells =
                vec![contact.id, CONTACT, contact.member, &at, contact.offer, contact.channel, &score];
            if let Some(why) = &why {
                cells.extend([why.word, why.clause.unwrap_or(""), place.as_deref().unwrap_or("")]);
            }
            let cells: Vec<String> = cells.into_iter().map(cell).collect();
            writeln!(out, "{}", cells.join(","))?;
        } else {
            let mut object = json!({
                "id": contact.id, "kind": CONTACT, "member": contact.member, "at": at,
                "offer": contact.offer, "channel": contact.channel, "score": score,
            });
            if let (Some(why), Some(fields)) = (&why, object.as_object_mut()) {
                fields.insert("why".to_owned(), json!(why.word));
                fields.insert("clause".to_owned(), json!(why.clause));
                fields.insert("place".to_owned(), json!(place));
            }
            serde_json::to_writer(&mut out, &object).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// A cell of CSV.
fn cell(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// What a clause costs in all of its windows.
struct Priced<'a> {
    dearest: &'a Use,
    price: i128,
    windows: usize,
}

/// All that is told of a plan.
struct Report<'a> {
    planned: &'a Planned,
    solution: &'a Solution,
    told: &'a [Told<'a>],
    conflicts: &'a [Conflict],
}

impl Report<'_> {
    fn chosen(&self) -> usize {
        self.told.iter().filter(|contact| contact.dropped.is_none()).count()
    }

    /// How much of the bound is left, in millionths of it.
    fn gap(&self) -> i128 {
        let left = self.solution.bound - self.solution.objective;
        if left <= 0 {
            0
        } else {
            (left * 1_000_000 + self.solution.bound.abs() - 1) / self.solution.bound.abs().max(1)
        }
    }

    fn clause(&self, rule: usize) -> String {
        let (text, place) = self.planned.clause(rule);
        match place {
            Some((path, line)) => format!("`{}` ({}:{line})", plain(text), plain(path)),
            None => format!("`{}`", plain(text)),
        }
    }

    /// Contacts that were dropped, by why.
    fn reasons(&self) -> Vec<(usize, &'static str, Option<String>)> {
        let mut counts: BTreeMap<(&'static str, Option<String>), usize> = BTreeMap::new();
        for why in self.told.iter().filter_map(|contact| contact.dropped) {
            let clause = why.clause.map(|clause| match why.place {
                Some((path, line)) => format!("`{}` ({}:{line})", plain(clause), plain(path)),
                None => format!("`{}`", plain(clause)),
            });
            *counts.entry((why.word, clause)).or_default() += 1;
        }
        let mut reasons: Vec<_> =
            counts.into_iter().map(|((word, clause), count)| (count, word, clause)).collect();
        reasons.sort_by(|a, b| (b.0, a.1, &a.2).cmp(&(a.0, b.1, &b.2)));
        reasons
    }

    /// How much of what, in the author's terms: used, bound, what one more is worth.
    fn measures(&self, own: &Use) -> (String, String, String) {
        match self.planned.digits(own.rule) {
            Some(digits) => (
                amount(own.used, digits),
                amount(own.bound, digits),
                price(own.price.into(), self.solution.shift, digits),
            ),
            None => {
                let before = i128::from(own.before);
                let price = price(own.price.into(), self.solution.shift, 0);
                ((own.used + before).to_string(), (own.bound + before).to_string(), price)
            }
        }
    }

    fn people(&self, proposed: usize, made: usize) -> String {
        let solution = self.solution;
        let mut out = format!(
            "{} of {} proposed contacts chosen, {} before\n",
            grouped(self.chosen() as u64),
            grouped(proposed as u64),
            grouped(made as u64),
        );
        let (objective, bound) = (amount(solution.objective, DIGITS), amount(solution.bound, DIGITS));
        if solution.proven {
            out.push_str(&format!("objective {objective}, which is the largest there is\n"));
        } else {
            let gap = amount(self.gap(), 4);
            out.push_str(&format!("objective {objective}, at most {bound} is possible: a gap of {gap} %\n"));
        }
        if solution.score != solution.objective {
            let score = amount(solution.score, DIGITS);
            out.push_str(&format!("scores {score}, less what falls short\n"));
        }
        if solution.cut > 0 {
            let cut = plural(usize::try_from(solution.cut).unwrap_or(usize::MAX), "member");
            out.push_str(&format!(
                "the choice for {cut} was not looked through to the end; the bound allows for it\n"
            ));
        }
        for conflict in self.conflicts {
            let with: Vec<String> = conflict.with.iter().map(|rule| self.clause(*rule)).collect();
            let also = conflict
                .also
                .iter()
                .map(|(rule, span)| format!(" and {}, {}", self.clause(*rule), days(*span)));
            let also: String = also.collect();
            let (clause, days) = (self.clause(conflict.rule), days(conflict.span));
            let together = if also.is_empty() { "" } else { " together" };
            out.push_str(&format!("cannot be met{together}: {clause}, {days}{also}"));
            if let Some(missing) = self.missing_of(conflict) {
                out.push_str(&format!(": {missing} missing in any case"));
            }
            match with.as_slice() {
                [] => out.push_str(", since no more are proposed\n"),
                with => out.push_str(&format!(", because of {}\n", with.join(", "))),
            }
        }
        for short in &solution.short {
            out.push_str(&format!(
                "short: {} missing of {}, {}\n",
                self.missing(short.rule, short.missing),
                self.clause(short.rule),
                days(short.span),
            ));
        }
        for (rule, members) in &solution.skipped {
            out.push_str(&format!("not asked of {}: {}\n", plural(*members, "member"), self.clause(*rule)));
        }
        let priced = self.priced();
        if !priced.is_empty() {
            out.push_str("limits that cost something\n");
            let mut table = Table::new(2, &["clause", "window", "used", "of", "one more is worth"]);
            for own in priced.iter().take(SHOWN) {
                let (used, bound, _) = self.measures(own.dearest);
                let (used, bound) = if self.planned.is_average(own.dearest.rule) {
                    (String::new(), String::new())
                } else {
                    (used, bound)
                };
                let mut window = days(own.dearest.span);
                if own.windows > 1 {
                    window.push_str(&format!(" and {} more", own.windows - 1));
                }
                let digits = self.planned.digits(own.dearest.rule).unwrap_or(0);
                let worth = price(own.price, self.solution.shift, digits);
                table.row([self.clause(own.dearest.rule), window, used, bound, worth]);
            }
            for line in table.lines(2, 160) {
                out.push_str(&line);
                out.push('\n');
            }
            if priced.len() > SHOWN {
                out.push_str(&format!("  and {} more\n", priced.len() - SHOWN));
            }
        }
        let reasons = self.reasons();
        if !reasons.is_empty() {
            out.push_str("dropped\n");
            for (count, word, clause) in &reasons {
                let why = match (*word, clause) {
                    ("excluded", Some(clause)) => format!("kept out by {clause}"),
                    ("member", Some(clause)) => {
                        format!("the member's other contacts leave no room: {clause}")
                    }
                    ("least", Some(clause)) => {
                        format!("the member does not come to the least number: {clause}")
                    }
                    ("full", Some(clause)) => format!("used up: {clause}"),
                    ("price", Some(clause)) => format!("others are worth more for what they use: {clause}"),
                    _ => "adds nothing".to_owned(),
                };
                out.push_str(&format!("  {} {why}\n", grouped(*count as u64)));
            }
        }
        out
    }

    /// How much is missing of what cannot be met; contacts and amounts are not added up.
    fn missing_of(&self, conflict: &Conflict) -> Option<String> {
        let counts = |rule: usize| self.planned.digits(rule).is_none();
        let added = conflict.also.is_empty()
            || (counts(conflict.rule) && conflict.also.iter().all(|(rule, _)| counts(*rule)));
        added.then(|| self.missing(conflict.rule, conflict.missing))
    }

    /// Clauses that cost something, the dearest first: one more in each of a clause's windows is worth what they cost together.
    fn priced(&self) -> Vec<Priced<'_>> {
        let mut all: BTreeMap<(usize, bool, Option<usize>), Priced<'_>> = BTreeMap::new();
        for own in self.solution.uses.iter().filter(|own| own.price > 0) {
            let key = (own.rule, own.least, own.exception);
            let priced = all.entry(key).or_insert(Priced { dearest: own, price: 0, windows: 0 });
            priced.price += i128::from(own.price);
            priced.windows += 1;
            if own.price > priced.dearest.price {
                priced.dearest = own;
            }
        }
        let mut all: Vec<Priced<'_>> = all.into_values().collect();
        all.sort_by_key(|own| std::cmp::Reverse(own.price));
        all
    }

    fn missing(&self, rule: usize, missing: i128) -> String {
        amount(missing, self.planned.digits(rule).unwrap_or(0))
    }

    fn object(&self, proposed: usize, made: usize, refused: u64) -> Value {
        let solution = self.solution;
        let limits: Vec<Value> = solution
            .uses
            .iter()
            .map(|own| {
                let (used, bound, price) = self.measures(own);
                json!({
                    "clause": self.clause(own.rule), "window": days(own.span), "least": own.least,
                    "used": used, "bound": bound, "price": price,
                })
            })
            .collect();
        let short = solution.short.iter().map(|short| {
            json!({
                "clause": self.clause(short.rule), "window": days(short.span),
                "missing": self.missing(short.rule, short.missing),
            })
        });
        let conflicts = self.conflicts.iter().map(|conflict| {
            let with: Vec<String> = conflict.with.iter().map(|rule| self.clause(*rule)).collect();
            json!({
                "clause": self.clause(conflict.rule), "window": days(conflict.span),
                "missing": self.missing_of(conflict), "with": with,
                "also": conflict.also.iter().map(|(rule, span)| json!({
                    "clause": self.clause(*rule), "window": days(*span),
                })).collect::<Vec<_>>(),
            })
        });
        let skipped = solution
            .skipped
            .iter()
            .map(|(rule, members)| json!({ "clause": self.clause(*rule), "members": members }));
        let reasons = self.reasons();
        let reasons = reasons
            .iter()
            .map(|(count, word, clause)| json!({ "contacts": count, "why": word, "clause": clause }));
        let priced: Vec<Value> = self
            .priced()
            .iter()
            .map(|own| {
                let digits = self.planned.digits(own.dearest.rule).unwrap_or(0);
                json!({
                    "clause": self.clause(own.dearest.rule), "least": own.dearest.least, "windows": own.windows,
                    "price": price(own.price, self.solution.shift, digits),
                })
            })
            .collect();
        json!({
            "proposed": proposed,
            "made": made,
            "refused": refused,
            "chosen": self.chosen(),
            "score": amount(solution.score, DIGITS),
            "objective": amount(solution.objective, DIGITS),
            "bound": amount(solution.bound, DIGITS),
            "proven": solution.proven,
            "gap_percent": amount(self.gap(), 4),
            "passes": solution.passes,
            "conflicts": conflicts.collect::<Vec<_>>(),
            "short": short.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
            "limits": limits,
            "prices": priced,
            "dropped": reasons.collect::<Vec<_>>(),
        })
    }
}

/// Asks of each contact whether it may be made now; those that may count as made for those after them.
fn one_by_one(options: &args::Optimize, mut contacts: Contacts, output: &mut Output) -> Outcome {
    let mut answers = Vec::new();
    for path in &options.contacts {
        if super::run::format_of(path)? != perq_runtime::batch::Format::Ndjson {
            return Err(Failure::new("contacts that are asked for one by one are JSON lines"));
        }
        let stream = input::open(tables::open(path)?).map_err(|error| Failure::file(path, &error))?;
        for line in BufReader::new(stream).split(b'\n') {
            let line = line.map_err(|error| Failure::file(path, &error))?;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let held = match contacts.admit(&line, true) {
                Ok(held) => held,
                Err(why) => {
                    output.note(&format!("refused: {}", plain(&why)));
                    continue;
                }
            };
            let id = contacts.last_id().to_owned();
            let reasons: Vec<Value> = held
                .iter()
                .map(|held| {
                    let place = held.place.as_ref().map(|(path, line)| format!("{path}:{line}"));
                    json!({ "why": held.word, "clause": held.clause, "place": place })
                })
                .collect();
            if !output.is_json() {
                let mut text = format!("{}: {}\n", plain(&id), if held.is_empty() { "yes" } else { "no" });
                for held in &held {
                    let place = held.place.as_ref().map(|(path, line)| format!(" ({}:{line})", plain(path)));
                    text.push_str(&format!(
                        "  {}: `{}`{}\n",
                        held.word,
                        plain(&held.clause),
                        place.unwrap_or_default()
                    ));
                }
                output.raw().write_all(text.as_bytes())?;
            }
            answers.push(json!({ "id": id, "may": held.is_empty(), "held": reasons }));
        }
    }
    output.object("optimize", json!({ "answers": answers }));
    Ok(Exit::Clean)
}
