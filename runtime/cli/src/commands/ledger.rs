//! `perq ledger`: what people ask of a ledger, and what is done to one by hand. Words and tables for people, the same rows
//! as JSON for machines.

use super::keep::shown;
use crate::args::{self, LedgerDeed};
use crate::excerpt::plain;
use crate::numbers::{counted, grouped};
use crate::output::Output;
use crate::render::plural;
use crate::{Exit, Failure, Outcome};
use perq_ledger::deeds::{Act, Deed, Done, carry_out, expire, lapse};
use perq_ledger::report::{self, Accounts};
use perq_ledger::{Store, StoreError, audit};
use perq_runtime::clock::Zone;
use serde::Serialize;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Runs it.
///
/// # Errors
/// Where the ledger cannot be read or written, or an argument makes no sense.
pub fn run(options: &args::Ledger, output: &mut Output) -> Outcome {
    match &options.deed {
        LedgerDeed::Balance(of) => balance(of, output),
        LedgerDeed::Member(of) => member(of, output),
        LedgerDeed::Statement(of) => statement(of, output),
        LedgerDeed::Lots(of) => lots(of, output),
        LedgerDeed::Liability(of) => liability(of, output),
        LedgerDeed::Export(of) => export(of, output),
        LedgerDeed::Verify(of) => verify(of, output),
        LedgerDeed::Expire(of) => end(of, output),
        LedgerDeed::Run(of) => all_due(of, output),
        LedgerDeed::Adjust(of) => {
            adjust(&of.ledger, std::slice::from_ref(&of.member), &of.adjustment, output)
        }
        LedgerDeed::Reserve(of) => reserve(of, output),
        LedgerDeed::Commit(of) => release(of, Act::Commit, output),
        LedgerDeed::Cancel(of) => release(of, Act::Cancel, output),
        LedgerDeed::AdjustAll(of) => {
            let text =
                std::fs::read_to_string(&of.members).map_err(|error| Failure::file(&of.members, &error))?;
            let mut members: Vec<String> =
                text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
            members.sort_unstable();
            members.dedup();
            adjust(&of.ledger, &members, &of.adjustment, output)
        }
    }
}

fn opened(place: &str) -> Result<Box<dyn Store>, Failure> {
    perq_ledger::open(place, false).map_err(|error| failed(place, &error))
}

fn failed(place: &str, error: &StoreError) -> Failure {
    Failure::new(format!("{}: {error}", shown(place)))
}

/// An instant that says by itself which one it is.
pub(super) fn instant(text: &str) -> Result<i64, Failure> {
    let offset = text.get(11..).is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']));
    let found = Zone::universal().moment(text).filter(|_| offset);
    found.map(|moment| moment.instant).ok_or_else(|| {
        Failure::new(format!(
            "`{}` is no instant; write `2026-04-01T00:00:00Z`, or an offset for `Z`",
            plain(text)
        ))
    })
}

fn table(output: &mut Output, header: &[&str], rows: &[Vec<String>], right: &[usize]) -> Result<(), Failure> {
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.max().unwrap_or(0).max(name.chars().count())
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (at, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (left, after) =
                if right.contains(&at) { (padding.as_str(), "") } else { ("", padding.as_str()) };
            text.push_str(left);
            text.push_str(cell);
            text.push_str(after);
            text.push_str("  ");
        }
        text.trim_end().to_owned()
    };
    output.say(&line(header.to_vec()))?;
    for row in rows {
        output.say(&line(row.iter().map(String::as_str).collect()))?;
    }
    Ok(())
}

/// The instant that is asked for, or the last event's.
fn as_of(of: &args::LedgerMember, store: &mut dyn Store) -> Result<Option<i64>, Failure> {
    match of.at.as_deref() {
        Some(text) => instant(text).map(Some),
        None => report::last_instant(store).map_err(|error| failed(&of.ledger, &error)),
    }
}

/// Says as of when something is told, where nobody has said it.
fn tell_when(of: &args::LedgerMember, at: Option<i64>, output: &mut Output) {
    if let (None, Some(at)) = (&of.at, at) {
        let at = perq_runtime::clock::instant_text(at);
        output.note(&format!("as of the last event, {at}; --at INSTANT asks for another"));
    }
}

fn balance(of: &args::LedgerMember, output: &mut Output) -> Outcome {
    let mut store = opened(&of.ledger)?;
    let at = as_of(of, &mut *store)?;
    let rows = report::balances(&mut *store, &of.member, at).map_err(|error| failed(&of.ledger, &error))?;
    if rows.is_empty() {
        output.note(&format!("nothing is known of member {}", plain(&of.member)));
    } else {
        balances(&rows, output)?;
        tell_when(of, at, output);
    }
    let at = at.map(perq_runtime::clock::instant_text);
    output.object("ledger", json!({ "member": of.member, "at": at, "balances": rows }));
    Ok(Exit::findings(rows.is_empty()))
}

fn balances(rows: &[report::Balance], output: &mut Output) -> Result<(), Failure> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                plain(&row.account),
                row.balance.clone(),
                row.pending.clone(),
                row.ended.clone(),
                row.reserved.clone(),
                plain(&row.unit),
            ]
        })
        .collect();
    table(output, &["account", "balance", "pending", "ended", "reserved", "unit"], &cells, &[1, 2, 3, 4])
}

fn member(of: &args::LedgerMember, output: &mut Output) -> Outcome {
    let mut store = opened(&of.ledger)?;
    let at = as_of(of, &mut *store)?;
    let fail = |error: StoreError| failed(&of.ledger, &error);
    let Some(known) = report::known(&mut *store, &of.member).map_err(fail)? else {
        output.note(&format!("nothing is known of member {}", plain(&of.member)));
        output.object("ledger", json!({ "member": of.member }));
        return Ok(Exit::Findings);
    };
    let points = report::balances(&mut *store, &of.member, at).map_err(fail)?;
    output.say(&format!("{}: {}", plain(&of.member), counted(known.events.unsigned_abs(), "event")))?;
    let ends = |until: &Option<String>| until.clone().unwrap_or_else(|| "-".to_owned());
    let mut part = |title: &str, header: &[&str], rows: Vec<Vec<String>>| -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        output.say("")?;
        output.say(title)?;
        table(output, header, &rows, &[])
    };
    let levels = known.levels.iter().map(|row| {
        let since = row.since.clone().unwrap_or_else(|| "the beginning".to_owned());
        vec![plain(&row.tiers), plain(&row.level), since, ends(&row.until)]
    });
    part("Levels", &["tiers", "level", "since", "until"], levels.collect())?;
    let badges = known.badges.iter().map(|row| vec![plain(&row.badge), row.since.clone()]);
    part("Badges", &["badge", "since"], badges.collect())?;
    let fields = known.fields.iter().map(|row| {
        let value = row.value.as_str().map_or_else(|| row.value.to_string(), str::to_owned);
        vec![plain(&row.field), plain(&value), row.since.clone(), ends(&row.until)]
    });
    part("Fields", &["field", "value", "since", "until"], fields.collect())?;
    let codes = known.codes.iter().map(|row| {
        let uses = row.uses.map_or_else(|| "-".to_owned(), |uses| uses.to_string());
        let state = if row.withdrawn { "withdrawn" } else { "" };
        vec![plain(&row.code), plain(&row.of), ends(&row.until), uses, state.to_owned()]
    });
    part("Codes", &["code", "of", "until", "uses", ""], codes.collect())?;
    if !points.is_empty() {
        output.say("")?;
        output.say("Points")?;
        balances(&points, output)?;
    }
    tell_when(of, at, output);
    output.object(
        "ledger",
        json!({
            "member": of.member,
            "at": at.map(perq_runtime::clock::instant_text),
            "events": known.events,
            "balances": points,
            "levels": known.levels,
            "badges": known.badges,
            "fields": known.fields,
            "codes": known.codes,
        }),
    );
    Ok(Exit::Clean)
}

fn statement(of: &args::LedgerMember, output: &mut Output) -> Outcome {
    let until = of.at.as_deref().map(instant).transpose()?;
    let mut store = opened(&of.ledger)?;
    let rows =
        report::statement(&mut *store, &of.member, until).map_err(|error| failed(&of.ledger, &error))?;
    if rows.is_empty() {
        output.note(&format!("no points of member {} were moved", plain(&of.member)));
    } else {
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                vec![
                    row.at.clone(),
                    plain(&row.event),
                    plain(&row.kind),
                    plain(&row.rule),
                    row.amount.clone(),
                    plain(&row.unit),
                    row.balance.clone(),
                ]
            })
            .collect();
        table(output, &["at", "event", "kind", "by", "amount", "unit", "sum"], &cells, &[4, 6])?;
    }
    output.object("ledger", json!({ "member": of.member, "statement": rows }));
    Ok(Exit::findings(rows.is_empty()))
}

fn lots(of: &args::LedgerLots, output: &mut Output) -> Outcome {
    let mut store = opened(&of.ledger)?;
    let rows = report::lots(&mut *store, &of.member, of.all).map_err(|error| failed(&of.ledger, &error))?;
    if rows.is_empty() {
        output.note(&format!("member {} has no lots", plain(&of.member)));
    } else {
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                vec![
                    plain(&row.event),
                    plain(&row.account),
                    row.from.clone(),
                    row.until.clone().unwrap_or_else(|| "never".to_owned()),
                    row.granted.clone(),
                    row.spent.clone(),
                    row.expired.clone(),
                    row.reversed.clone(),
                    row.remaining.clone(),
                ]
            })
            .collect();
        let header = ["event", "account", "from", "until", "granted", "spent", "expired", "reversed", "left"];
        table(output, &header, &cells, &[4, 5, 6, 7, 8])?;
    }
    output.object("ledger", json!({ "member": of.member, "lots": rows }));
    Ok(Exit::findings(rows.is_empty()))
}

fn liability(of: &args::LedgerAt, output: &mut Output) -> Outcome {
    let at = instant(&of.at)?;
    let mut store = opened(&of.ledger)?;
    let rows = report::liability(&mut *store, at).map_err(|error| failed(&of.ledger, &error))?;
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                plain(&row.account),
                row.outstanding.clone(),
                row.ended.clone(),
                row.issued.clone(),
                row.redeemed.clone(),
                row.breakage.clone(),
                row.adjusted.clone(),
                row.reserved.clone(),
                plain(&row.unit),
            ]
        })
        .collect();
    let header =
        ["account", "outstanding", "ended", "issued", "redeemed", "breakage", "adjusted", "reserved", "unit"];
    table(output, &header, &cells, &[1, 2, 3, 4, 5, 6, 7])?;
    output.object("ledger", json!({ "at": of.at, "liability": rows }));
    Ok(Exit::Clean)
}

/// Why an export ended.
enum Ended {
    Store(StoreError),
    Output(std::io::Error),
    #[cfg(feature = "columnar")]
    Table(perq_runtime::columnar::TableError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Ended {
        Ended::Store(error)
    }
}

fn export(of: &args::LedgerExport, output: &mut Output) -> Outcome {
    if output.is_json() && of.output.is_none() {
        return Err(Failure::new("with --format json the entries need a place of their own: -o FILE"));
    }
    let mut store = opened(&of.ledger)?;
    let fail = |error: StoreError| failed(&of.ledger, &error);
    let accounts = Accounts::read(&mut *store).map_err(fail)?;
    let ending = of.output.as_deref().and_then(Path::extension).and_then(std::ffi::OsStr::to_str);
    let done = match (ending.unwrap_or(""), of.output.as_deref()) {
        #[cfg(feature = "columnar")]
        (ending, Some(path)) if perq_runtime::columnar::TableFormat::of_ending(ending).is_some() => {
            as_table(&mut *store, &accounts, path)
        }
        #[cfg(not(feature = "columnar"))]
        ("parquet" | "arrow" | "feather" | "ipc", Some(_)) => {
            return Err(Failure::new(
                "this perq was built without the feature `columnar`, which tables need",
            ));
        }
        (_, path) => as_csv(&mut *store, &accounts, path, output),
    };
    let many = done.map_err(|ended| match ended {
        Ended::Store(error) => fail(error),
        Ended::Output(error) => error.into(),
        #[cfg(feature = "columnar")]
        Ended::Table(error) => Failure::new(error.to_string()),
    })?;
    output.note(&counted(many, "entry"));
    output.object("ledger", json!({ "entries": many }));
    Ok(Exit::Clean)
}

fn as_csv(
    store: &mut dyn Store,
    accounts: &Accounts,
    path: Option<&Path>,
    output: &mut Output,
) -> Result<u64, Ended> {
    let mut file = match path {
        Some(path) => Some(std::io::BufWriter::new(std::fs::File::create(path).map_err(Ended::Output)?)),
        None => None,
    };
    let out: &mut dyn Write = match &mut file {
        Some(file) => file,
        None => output.raw(),
    };
    let mut line = |cells: &[&str]| -> std::io::Result<()> {
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        writeln!(out, "{}", cells.join(","))
    };
    line(&report::COLUMNS).map_err(Ended::Output)?;
    let many = report::export(store, |row| {
        let cells = row.texts(accounts);
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        line(&cells).map_err(Ended::Output)
    })?;
    if let Some(file) = &mut file {
        file.flush().map_err(Ended::Output)?;
    }
    Ok(many)
}

/// The same as Parquet or Arrow: numbers as numbers, instants as instants, and amounts exactly, with the decimals of the
/// account that keeps most of them.
#[cfg(feature = "columnar")]
fn as_table(store: &mut dyn Store, accounts: &Accounts, path: &Path) -> Result<u64, Ended> {
    use perq_runtime::columnar::{Cell, Column, ColumnKind, TableFormat, TableWriter};
    let ending = path.extension().and_then(std::ffi::OsStr::to_str).unwrap_or("");
    let format = TableFormat::of_ending(ending).unwrap_or(TableFormat::Parquet);
    let most = accounts.names().map(|name| accounts.decimals(name)).max().unwrap_or(0);
    let kind = |name: &str| match name {
        "event_number" | "part" | "revision" => ColumnKind::Whole,
        "at" => ColumnKind::Instant,
        "amount" => ColumnKind::Decimal { digits: 19u8.saturating_add(most).min(38), scale: most },
        _ => ColumnKind::Text,
    };
    let columns = report::COLUMNS.map(|name| Column::new(name, kind(name)));
    let file = std::io::BufWriter::new(std::fs::File::create(path).map_err(Ended::Output)?);
    let mut table = TableWriter::new(format, &columns, file).map_err(Ended::Table)?;
    let many = report::export(store, |row| {
        let more = u32::from(most.saturating_sub(accounts.decimals(&row.account)));
        let amount = i128::from(row.amount).saturating_mul(10i128.saturating_pow(more));
        table
            .row(&[
                Cell::Whole(row.event_number),
                Cell::Whole(row.part),
                Cell::Text(&row.source),
                Cell::Text(&row.event),
                Cell::Whole(row.revision),
                Cell::Text(&row.kind),
                Cell::Instant(row.at),
                Cell::Text(&row.member),
                Cell::Text(&row.account),
                Cell::Text(&row.book),
                Cell::Decimal(amount),
                Cell::Text(&row.rule),
            ])
            .map_err(Ended::Table)
    })?;
    let mut file = table.finish().map_err(Ended::Table)?;
    file.flush().map_err(Ended::Output)?;
    Ok(many)
}

/// A cell as spreadsheets quote it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[derive(Serialize)]
struct Found<'a> {
    invariant: &'a str,
    text: &'a str,
}

fn verify(of: &args::LedgerPlace, output: &mut Output) -> Outcome {
    let mut store = opened(&of.ledger)?;
    let report = audit::audit(&mut *store).map_err(|error| failed(&of.ledger, &error))?;
    for finding in &report.findings {
        output.say(&format!("{} {}", finding.invariant, plain(&finding.text)))?;
    }
    if report.found > report.findings.len() {
        output.say(&format!("and {} more", grouped((report.found - report.findings.len()) as u64)))?;
    }
    let count = |many: i64, noun: &str| counted(many.unsigned_abs(), noun);
    output.say(&format!(
        "{}, {}, {}, {}, {}: {}",
        count(report.members, "member"),
        count(report.events, "event"),
        count(report.entries, "entry"),
        count(report.lots, "lot"),
        count(report.claims, "claim"),
        if report.found == 0 { "everything agrees".to_owned() } else { plural(report.found, "finding") }
    ))?;
    let findings: Vec<Found<'_>> = report
        .findings
        .iter()
        .map(|finding| Found { invariant: finding.invariant, text: &finding.text })
        .collect();
    output.object(
        "ledger",
        json!({
            "members": report.members,
            "events": report.events,
            "entries": report.entries,
            "lots": report.lots,
            "claims": report.claims,
            "found": report.found,
            "findings": findings,
        }),
    );
    Ok(Exit::findings(report.found > 0))
}

fn end(of: &args::LedgerExpire, output: &mut Output) -> Outcome {
    let at = instant(&of.at)?;
    let mut store = opened(&of.ledger)?;
    let run = of.run.as_deref().unwrap_or(&of.at);
    let ended = book_ends(&of.ledger, &mut *store, (run, at, &of.author), output)?;
    let (members, lapsed) = (ended.members, ended.lapsed);
    output
        .object("ledger", json!({ "run": run, "members": members, "expired": ended.sums, "lapsed": lapsed }));
    Ok(Exit::Clean)
}

/// What a run has booked as ended.
struct Ends {
    members: usize,
    sums: serde_json::Map<String, serde_json::Value>,
    lapsed: usize,
}

/// Books what has ended, and says so.
fn book_ends(
    place: &str,
    store: &mut dyn Store,
    (run, at, author): (&str, i64, &str),
    output: &mut Output,
) -> Result<Ends, Failure> {
    let fail = |error: StoreError| failed(place, &error);
    let lapsed = lapse(store, at, author).map_err(fail)?;
    let (members, sums) = expire(store, run, at, author).map_err(fail)?;
    let accounts = Accounts::read(store).map_err(fail)?;
    let ended: Vec<String> = sums
        .iter()
        .map(|(account, sum)| format!("{} {}", accounts.amount(account, *sum), plain(accounts.unit(account))))
        .collect();
    let of_what = if ended.is_empty() { String::new() } else { format!(": {}", ended.join(", ")) };
    output.say(&format!("points of {} ended{of_what}", plural(members, "member")))?;
    if lapsed > 0 {
        output.say(&format!("{} over and given back", plural(lapsed, "reservation")))?;
    }
    let sums =
        sums.iter().map(|(account, sum)| (account.clone(), json!(accounts.amount(account, *sum)))).collect();
    Ok(Ends { members, sums, lapsed })
}

/// All that is due: in the order in which one follows from the other, since a review and a batch run may give what ends.
fn all_due(of: &args::LedgerRun, output: &mut Output) -> Outcome {
    let until = instant(&of.until)?;
    let fail = |error: StoreError| failed(&of.ledger, &error);
    let mut refused = 0;
    let mut jobs = serde_json::Map::new();
    if let Some(path) = &of.program {
        let packs = super::keep::Packs { tables: &of.tables, engine: of.engine, key: of.key.as_deref() };
        let Some(engine) = packs.open(path, output)? else { return Ok(Exit::Findings) };
        let store = opened(&of.ledger)?;
        let mut ledger = perq_ledger::Ledger::new(&engine, store, &of.source).map_err(fail)?;
        for given in &of.before {
            let Some((engine, until)) = packs.earlier(given, output)? else { return Ok(Exit::Findings) };
            ledger = ledger.with_earlier(&engine, until).map_err(fail)?;
        }
        let batch = ledger.run_batch(until).map_err(fail)?;
        output.say(&format!("{} decided in the batch run", counted(batch.done, "event")))?;
        let reviewed = ledger.review(until).map_err(fail)?;
        output.say(&format!("levels of {} reviewed", counted(reviewed.done, "member")))?;
        for (job, ran) in [("batch", batch), ("review", reviewed)] {
            for refusal in ran.refused.iter().take(20) {
                output.note(&format!("refused: {} [{}]", plain(&refusal.to_string()), refusal.name()));
            }
            refused += ran.refused.len();
            jobs.insert(job.to_owned(), json!({ "done": ran.done, "refused": ran.refused.len() }));
        }
    }
    let mut store = opened(&of.ledger)?;
    let ended = book_ends(&of.ledger, &mut *store, (&of.until, until, &of.author), output)?;
    jobs.insert("expired".to_owned(), json!(ended.sums));
    jobs.insert("members".to_owned(), json!(ended.members));
    jobs.insert("lapsed".to_owned(), json!(ended.lapsed));
    jobs.insert("until".to_owned(), json!(of.until));
    output.object("ledger", serde_json::Value::Object(jobs));
    Ok(Exit::findings(refused > 0))
}

fn amount_of(accounts: &Accounts, account: &str, text: &str) -> Result<i64, Failure> {
    accounts.parse(account, text).filter(|amount| *amount != 0).ok_or_else(|| {
        let known: Vec<String> = accounts.names().map(plain).collect();
        Failure::new(format!(
            "`{}` is no amount of account `{}`; the ledger has {}",
            plain(text),
            plain(account),
            if known.is_empty() { "no accounts yet".to_owned() } else { known.join(", ") }
        ))
    })
}

fn reserve(of: &args::LedgerReserve, output: &mut Output) -> Outcome {
    let mut store = opened(&of.ledger)?;
    let accounts = Accounts::read(&mut *store).map_err(|error| failed(&of.ledger, &error))?;
    let amount = amount_of(&accounts, &of.account, &of.amount)?;
    if amount < 0 {
        return Err(Failure::new("a reservation is of points that are there: above zero"));
    }
    let (at, until) = (instant(&of.at)?, instant(&of.until)?);
    let deed = Deed {
        id: of.id.clone(),
        member: of.member.clone(),
        at,
        act: Act::Reserve { account: of.account.clone(), amount, until },
        reason: "held for a payment".to_owned(),
        author: of.author.clone(),
    };
    one(&of.ledger, &mut *store, &deed, output)
}

fn release(of: &args::LedgerRelease, act: Act, output: &mut Output) -> Outcome {
    let mut store = opened(&of.ledger)?;
    let deed = Deed {
        id: of.id.clone(),
        member: of.member.clone(),
        at: instant(&of.at)?,
        act,
        reason: "the payment was made or given up".to_owned(),
        author: of.author.clone(),
    };
    one(&of.ledger, &mut *store, &deed, output)
}

fn one(place: &str, store: &mut dyn Store, deed: &Deed, output: &mut Output) -> Outcome {
    let done = carry_out(store, std::slice::from_ref(deed)).map_err(|error| failed(place, &error))?;
    let (said, why) = match done.into_iter().next() {
        Some(Done::Done(_)) => ("done", None),
        Some(Done::Before) => ("done before", None),
        Some(Done::Refused(why)) => ("refused", Some(why)),
        None => return Err(Failure::mistake("a deed without an answer")),
    };
    match &why {
        Some(why) => output.note(&format!("refused: {}", plain(why))),
        None => output.say(said)?,
    }
    output.object("ledger", json!({ "id": deed.id, "result": said, "why": why }));
    Ok(Exit::findings(why.is_some()))
}

fn adjust(place: &str, members: &[String], of: &args::Adjustment, output: &mut Output) -> Outcome {
    let mut store = opened(place)?;
    let fail = |error: StoreError| failed(place, &error);
    let accounts = Accounts::read(&mut *store).map_err(fail)?;
    let amount = amount_of(&accounts, &of.account, &of.amount)?;
    let (at, until) = (instant(&of.at)?, of.until.as_deref().map(instant).transpose()?);
    let account = of.account.clone();
    let act = match amount {
        1.. => Act::Add { account, amount, until, may_be_new: of.new_members },
        _ => Act::Remove { account, amount: amount.saturating_neg() },
    };
    let deeds: Vec<Deed> = members
        .iter()
        .map(|member| Deed {
            id: of.id.clone(),
            member: member.clone(),
            at,
            act: act.clone(),
            reason: of.reason.clone(),
            author: of.author.clone(),
        })
        .collect();
    let (mut done, mut before, mut refused) = (0, 0, Vec::new());
    for (member, answer) in members.iter().zip(carry_out(&mut *store, &deeds).map_err(fail)?) {
        match answer {
            Done::Done(_) => done += 1,
            Done::Before => before += 1,
            Done::Refused(why) => refused.push((member, why)),
        }
    }
    for (_, why) in refused.iter().take(20) {
        output.note(&format!("refused: {}", plain(why)));
    }
    output.say(&format!(
        "{} done, {} done before, {} refused",
        grouped(done),
        grouped(before),
        grouped(refused.len() as u64)
    ))?;
    let refusals: Vec<_> =
        refused.iter().map(|(member, why)| json!({ "member": member, "why": why })).collect();
    output.object("ledger", json!({ "id": of.id, "done": done, "before": before, "refused": refusals }));
    Ok(Exit::findings(!refused.is_empty()))
}
