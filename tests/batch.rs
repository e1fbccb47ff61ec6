//! Records in bulk: the same events as JSON lines, CSV, Parquet and Arrow give the same bytes; tables of decisions hold
//! what the lines hold; and nothing depends on the number of threads, also where events look back.

use perq_cli::Exit;
use perq_runtime::batch::{self, BatchOptions, Decisions, Format, Input};
use perq_runtime::columnar::{Cell, Column, ColumnKind, TableFormat, TableReader, TableWriter, Value};
use perq_runtime::decimal;
use perq_runtime::decision::{
    Awards, Decision, DecisionColumns, DecisionTable, Effect, EffectKind, Line, Lot, RuleError, Share,
    Totals, Units,
};
use perq_runtime::engine::Engine;
use perq_tests::bulk::{Shared, csv_of, example, first, table_of};
use perq_tests::{root, scratch};
use serde_json::Value as Json;
use std::io;

/// Decisions and rejections.
fn decide(engine: &Engine, bytes: &[u8], format: Format, threads: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut decisions, mut rejections) = (Vec::new(), Vec::new());
    let options = BatchOptions { format, threads, ..BatchOptions::default() };
    let result = batch::run(engine, bytes, &mut decisions, &mut rejections, &options, |_| ());
    result.unwrap_or_else(|error| panic!("{error}"));
    (decisions, rejections)
}

fn decide_into(engine: &Engine, input: Input<'_>, threads: usize, format: TableFormat) -> (Vec<u8>, Vec<u8>) {
    let place = Shared::default();
    let mut table = DecisionTable::new(engine, format, Box::new(place.clone())).unwrap();
    let mut rejections = Vec::new();
    let options = BatchOptions { threads, ..BatchOptions::default() };
    batch::run_into(engine, input, Decisions::Table(&mut table), &mut rejections, &options, &mut |_| ())
        .unwrap_or_else(|error| panic!("{error}"));
    table.finish().unwrap();
    (place.bytes(), rejections)
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn the_same_events_in_every_format_give_the_same_bytes() {
    let (engine, events) = example("online-retail");
    let events = first(&events, 4_000);
    let expected = decide(&engine, &events, Format::Ndjson, 2);
    assert_eq!((lines(&expected.0), lines(&expected.1)), (4_000, 0));
    let same = |found: (Vec<u8>, Vec<u8>), what: &str| assert!(found == expected, "{what} differs");
    same(decide(&engine, &csv_of(&events), Format::Csv, 2), "CSV");
    let parquet = table_of(&events, TableFormat::Parquet, true);
    same(decide(&engine, &parquet, Format::Parquet, 1), "Parquet");
    same(decide(&engine, &parquet, Format::Parquet, 3), "Parquet on three threads");
    same(decide(&engine, &table_of(&events, TableFormat::Arrow, false), Format::Arrow, 2), "Arrow");
}

#[test]
fn nothing_depends_on_the_number_of_threads() {
    for (name, expected) in [("online-retail", 25_900), ("coming-back", 25_900)] {
        let (engine, events) = example(name);
        assert!(engine.is_stateful());
        let folder = scratch("batch-threads");
        std::fs::write(folder.join("events.ndjson"), &events).unwrap();
        let file = || Input::File(std::fs::File::open(folder.join("events.ndjson")).unwrap());
        assert!(batch::is_divided(&engine, file(), Format::Ndjson).unwrap());
        let decide = |threads: usize| {
            let (mut decisions, mut rejections) = (Vec::new(), Vec::new());
            let options = BatchOptions { threads, ..BatchOptions::default() };
            let lines = Decisions::Lines(&mut decisions);
            batch::run_into(&engine, file(), lines, &mut rejections, &options, &mut |_| ())
                .unwrap_or_else(|error| panic!("{error}"));
            (decisions, rejections)
        };
        let one = decide(1);
        assert_eq!(lines(&one.0) + lines(&one.1), expected);
        for threads in [2, 3, 8] {
            assert!(decide(threads) == one, "{name} on {threads} threads");
        }
        std::fs::write(folder.join("events.ndjson"), first(&events, 3_000)).unwrap();
        let one = decide_into(&engine, file(), 1, TableFormat::Arrow);
        for threads in [2, 3, 8] {
            let more = decide_into(&engine, file(), threads, TableFormat::Arrow);
            assert!(more == one, "a table of {name} on {threads} threads");
        }
    }
}

#[test]
fn tables_of_decisions_hold_what_the_lines_hold() {
    for name in ["online-retail", "sales-orders", "coming-back"] {
        let (engine, events) = example(name);
        let events = first(&events, 2_000);
        let (expected, _) = decide(&engine, &events, Format::Ndjson, 1);
        let expected: Vec<&[u8]> =
            expected.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let columns = DecisionColumns::of(engine.program());
        for format in [TableFormat::Parquet, TableFormat::Arrow] {
            let (bytes, _) = decide_into(&engine, Input::Stream(Box::new(&events[..])), 2, format);
            let mut table = TableReader::of_memory(format, bytes, columns.columns()).unwrap();
            let amounts = Amounts { engine: &engine, scale: scale_of(columns.columns()) };
            for line in &expected {
                let row = table.next_row().unwrap().expect("as many rows as lines");
                let decision: Decision = serde_json::from_slice(line).unwrap();
                assert_eq!(amounts.decision(&row), decision);
            }
            assert_eq!(table.next_row().unwrap(), None);
        }
    }
}

fn scale_of(columns: &[Column]) -> u8 {
    let total = columns.iter().find(|column| column.name == "total").unwrap();
    match total.kind {
        ColumnKind::Decimal { scale, .. } => scale,
        _ => panic!("the total is an amount"),
    }
}

/// Rows as decisions again.
struct Amounts<'e> {
    engine: &'e Engine,
    scale: u8,
}

impl Amounts<'_> {
    /// The text of an amount, with the decimals of its account or of the currency.
    fn text(&self, value: &Value, account: Option<&str>) -> String {
        let program = self.engine.program();
        let decimals = match account {
            Some(name) => program.accounts.iter().find(|account| account.name == name).unwrap().decimals,
            None => program.currency.decimals,
        };
        let Value::Decimal(count) = value else { panic!("{value:?} is no amount") };
        let factor = 10i128.pow(u32::from(self.scale - decimals));
        assert_eq!(count % factor, 0);
        decimal::print(count / factor, decimals)
    }

    fn decision(&self, row: &[Value]) -> Decision {
        let [id, kind, member, _at, pack, tz, rest @ ..] = row else { panic!() };
        let [initial, discount, paid, tax, points, total, awards, debits, rest @ ..] = rest else { panic!() };
        let [effects, of_lines, errors, more] = rest else { panic!() };
        let money = |value: &Value| self.text(value, None);
        let some = |value: &Value| (*value != Value::Absent).then(|| money(value));
        // The rest as JSON, with what it lacks put in and replaced right away.
        let mut parts: Json = some_text(more)
            .map_or_else(|| Json::Object(Default::default()), |text| serde_json::from_str(&text).unwrap());
        let map = parts.as_object_mut().unwrap();
        for key in ["displaced", "cut", "effects", "errors", "lines"] {
            map.entry(key).or_insert_with(|| Json::Array(Vec::new()));
        }
        for (key, value) in [("id", id), ("kind", kind), ("pack", pack), ("tz", tz)] {
            assert_eq!(map.insert(key.to_owned(), Json::String(text(value))), None);
        }
        map.insert("member".to_owned(), some_text(member).map_or(Json::Null, Json::String));
        let totals =
            serde_json::json!({"initial": "", "discount": "", "paid": "", "total": "", "awards": {}});
        map.insert("totals".to_owned(), totals);
        let decision: Decision = serde_json::from_value(parts).unwrap();
        let sums = |value: &Value| {
            let one = |row: &Vec<Value>| {
                let account = text(&row[0]);
                let amount = self.text(&row[1], Some(&account));
                (account, amount)
            };
            Awards(rows(value).iter().map(one).collect())
        };
        Decision {
            effects: rows(effects).iter().map(|row| self.effect(row)).collect(),
            lines: rows(of_lines)
                .iter()
                .map(|row| Line {
                    line: whole(&row[0]) as u32,
                    sku: text(&row[1]),
                    initial: money(&row[2]),
                    discount: money(&row[3]),
                    paid: money(&row[4]),
                    tax: some(&row[5]),
                })
                .collect(),
            errors: rows(errors)
                .iter()
                .map(|row| RuleError { rule: text(&row[0]), error: text(&row[1]), place: text(&row[2]) })
                .collect(),
            totals: Totals {
                initial: money(initial),
                discount: money(discount),
                paid: money(paid),
                tax: some(tax),
                points: some(points),
                total: money(total),
                awards: sums(awards),
                debits: sums(debits),
            },
            ..decision
        }
    }

    fn effect(&self, row: &[Value]) -> Effect {
        let [kind, amount, currency, account, lots, spendable, spent, rule, group, reason, lines, to] = row
        else {
            panic!()
        };
        let account = some_text(account);
        let amount_of = |value: &Value| self.text(value, account.as_deref());
        let instant = |value: &Value| match value {
            Value::Instant(seconds) => Some(perq_runtime::clock::instant_text(*seconds)),
            _ => None,
        };
        Effect {
            kind: match text(kind).as_str() {
                "discount" => EffectKind::Discount,
                "award" => EffectKind::Award,
                "debit" => EffectKind::Debit,
                other => panic!("{other}"),
            },
            amount: amount_of(amount),
            currency: some_text(currency),
            lots: rows(lots)
                .iter()
                .map(|row| Lot {
                    amount: amount_of(&row[0]),
                    available: instant(&row[1]),
                    expires: instant(&row[2]),
                })
                .collect(),
            spendable: some_text(spendable),
            spent_at_once: *spent == Value::Truth(true),
            rule: text(rule),
            group: text(group),
            reason: some_text(reason),
            lines: rows(lines)
                .iter()
                .map(|row| Share {
                    line: whole(&row[0]) as u32,
                    sku: text(&row[1]),
                    pieces: whole(&row[2]),
                    amount: amount_of(&row[3]),
                    units: rows(&row[4])
                        .iter()
                        .map(|row| Units { pieces: whole(&row[0]), amount: amount_of(&row[1]) })
                        .collect(),
                })
                .collect(),
            to: some_text(to),
            account,
        }
    }
}

fn text(value: &Value) -> String {
    some_text(value).unwrap_or_else(|| panic!("{value:?} is no text"))
}

fn some_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn whole(value: &Value) -> i64 {
    match value {
        Value::Whole(number) => *number,
        _ => panic!("{value:?} is no whole number"),
    }
}

fn rows(value: &Value) -> &[Vec<Value>] {
    match value {
        Value::Rows(rows) => rows,
        _ => panic!("{value:?} is no list"),
    }
}

/// A few receipts in which one thing is wrong, in a table and as JSON lines: the same is said of them.
#[test]
fn what_is_wrong_with_a_row_is_said_of_the_row() {
    let (engine, _) = example("online-retail");
    let lines: &[Column] = &[
        Column::optional("sku", ColumnKind::Text),
        Column::optional("qty", ColumnKind::Whole),
        Column::optional("price", ColumnKind::Decimal { digits: 38, scale: 6 }),
    ];
    let columns = [
        Column::optional("id", ColumnKind::Text),
        Column::optional("kind", ColumnKind::Text),
        Column::optional("at", ColumnKind::Text),
        Column::optional("lines", ColumnKind::Rows(lines.to_vec())),
    ];
    let good = [Cell::Text("A"), Cell::Whole(1), Cell::Decimal(1_500_000)];
    let fine = [Cell::Text("A"), Cell::Whole(1), Cell::Decimal(1_500_001)];
    let nameless = [Cell::Absent, Cell::Whole(1), Cell::Decimal(1_500_000)];
    let at = Cell::Text("2011-03-01T10:00");
    let table = |format| {
        let mut table = TableWriter::new(format, &columns, Vec::new()).unwrap();
        let mut row = |cells: &[Cell]| table.row(cells).unwrap();
        row(&[Cell::Text("a"), Cell::Text("sale"), at, Cell::Rows(&[&good])]);
        row(&[Cell::Text("b"), Cell::Text("sale"), at, Cell::Rows(&[&good, &fine])]);
        row(&[Cell::Text("c"), Cell::Text("sale"), at, Cell::Rows(&[&nameless])]);
        row(&[Cell::Absent, Cell::Text("sale"), at, Cell::Rows(&[&good])]);
        row(&[Cell::Text("e"), Cell::Text("sail"), at, Cell::Rows(&[&good])]);
        row(&[Cell::Text("f"), Cell::Text("sale"), Cell::Text("noon"), Cell::Rows(&[&good])]);
        table.finish().unwrap()
    };
    for (format, of) in [(TableFormat::Parquet, Format::Parquet), (TableFormat::Arrow, Format::Arrow)] {
        let (decisions, rejections) = decide(&engine, &table(format), of, 2);
        assert_eq!(self::lines(&decisions), 1);
        let found: Vec<Json> = rejections
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let found: Vec<_> = found
            .iter()
            .map(|of| {
                (of["line"].as_u64().unwrap(), of["error"].as_str().unwrap(), of["field"].as_str().unwrap())
            })
            .collect();
        assert_eq!(
            found,
            [
                (2, "too-many-decimals", "lines[1].price"),
                (3, "missing-field", "lines[0].sku"),
                (4, "missing-field", "id"),
                (5, "unknown-event-kind", "kind"),
                (6, "malformed-instant", "at"),
            ]
        );
    }
}

fn refused(engine: &Engine, bytes: &[u8], format: Format) -> String {
    let options = BatchOptions { format, threads: 2, ..BatchOptions::default() };
    let result = batch::run(engine, bytes, io::sink(), io::sink(), &options, |_| ());
    result.map(|_| String::new()).unwrap_or_else(|error| error.to_string())
}

#[test]
fn columns_that_do_not_fit_are_refused_before_anything_is_decided() {
    let (engine, _) = example("online-retail");
    let cases: [(Column, Cell, &str); 5] = [
        (
            Column::new("at", ColumnKind::Whole),
            Cell::Whole(1),
            "column `at`: the column should hold timestamps",
        ),
        (Column::new("id", ColumnKind::Whole), Cell::Whole(1), "column `id`: the column should hold texts"),
        (
            Column::new("kind", ColumnKind::Text),
            Cell::Text("sale"),
            "column `id`: the table has no such column",
        ),
        (
            Column::new("lines", ColumnKind::Texts),
            Cell::Texts(&[]),
            "column `lines`: the column should hold a list of rows",
        ),
        (
            Column::new("lines", ColumnKind::Rows(vec![Column::new("price", ColumnKind::Truth)])),
            Cell::Rows(&[&[Cell::Truth(true)]]),
            "column `lines.price`: the column should hold exact amounts of money",
        ),
    ];
    for (column, cell, expected) in cases {
        for (format, of) in [(TableFormat::Parquet, Format::Parquet), (TableFormat::Arrow, Format::Arrow)] {
            let mut table = TableWriter::new(format, std::slice::from_ref(&column), Vec::new()).unwrap();
            table.row(&[cell]).unwrap();
            let said = refused(&engine, &table.finish().unwrap(), of);
            assert!(said.contains(expected), "{said}");
        }
    }
    for format in [Format::Parquet, Format::Arrow] {
        for bytes in [&b""[..], b"PAR1", b"ARROW1", b"{\"id\":\"a\"}\n", b"PAR1\0\0\0\0PAR1"] {
            assert!(!refused(&engine, bytes, format).is_empty());
        }
    }
}

#[test]
fn cut_and_damaged_tables_end_in_an_error_and_never_in_a_panic() {
    let (engine, events) = example("online-retail");
    let some = first(&events, 60);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for (table, format) in [(TableFormat::Parquet, Format::Parquet), (TableFormat::Arrow, Format::Arrow)] {
        let whole = table_of(&some, table, true);
        for length in (0..whole.len()).step_by(97) {
            assert!(!refused(&engine, &whole[..length], format).is_empty(), "{format:?} cut at {length}");
        }
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..=random() % 3 {
                let at = random() % bytes.len();
                bytes[at] = random() as u8;
            }
            let said = refused(&engine, &bytes, format);
            assert!(!said.contains("fault in perq"), "{said}");
        }
    }
}

/// As a user meets it: files by the endings of their names, and a damaged one told as such.
#[test]
fn the_command_reads_and_writes_by_the_endings_of_names() {
    let (_, events) = example("online-retail");
    let events = first(&events, 100);
    let folder = scratch("batch-formats");
    let place = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let programme = root().join("rules-examples/online-retail").to_string_lossy().into_owned();
    let run = |events: &str, out: &str| {
        let (events, out) = (place(events), place(out));
        perq_cli::run(["run", &programme, "--events", &events, "-o", &out], b"")
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let parquet = table_of(&events, TableFormat::Parquet, true);
    for (name, bytes) in [
        ("events.ndjson", &events),
        ("events.csv", &csv_of(&events)),
        ("events.parquet", &parquet),
        ("events.ARROW", &table_of(&events, TableFormat::Arrow, true)),
        ("cut.parquet", &parquet[..parquet.len() / 2].to_vec()),
    ] {
        std::fs::write(place(name), bytes).unwrap();
    }
    let mut found = Vec::new();
    for name in ["events.ndjson", "events.csv", "events.parquet", "events.ARROW"] {
        let (exit, _, said) = run(name, "decisions.ndjson");
        assert_eq!(exit, Exit::Clean, "{said}");
        assert!(said.contains("100 records: 100 decided, 0 refused"), "{said}");
        found.push(std::fs::read(place("decisions.ndjson")).unwrap());
    }
    assert_eq!(lines(&found[0]), 100);
    assert!(found.iter().all(|decisions| *decisions == found[0]));
    for (name, format) in [("d.parquet", TableFormat::Parquet), ("d.arrow", TableFormat::Arrow)] {
        assert_eq!(run("events.parquet", name).0, Exit::Clean);
        let file = std::fs::File::open(place(name)).unwrap();
        let column = [Column::new("id", ColumnKind::Text)];
        let mut table = TableReader::open(format, file, &column).unwrap();
        assert_eq!(table.next_row().unwrap(), Some(vec![Value::Text("536365".to_owned())]));
    }
    let (exit, _, said) = run("cut.parquet", "decisions.ndjson");
    assert!(exit != Exit::Clean && said.contains("cut.parquet: the input cannot be read on"), "{said}");
    let (exit, _, said) = run("events.csv", "decisions.csv");
    assert!(exit != Exit::Clean && said.contains("are no CSV"), "{said}");
}

/// A purchase that an event names may be anybody's, so that one thread decides then; and so it does where nobody can look
/// ahead.
#[test]
fn events_that_name_purchases_are_decided_on_one_thread() {
    let (engine, events) = example("coming-back");
    let folder = scratch("batch-named");
    let divided = |text: &[u8]| {
        std::fs::write(folder.join("events"), text).unwrap();
        let input = Input::File(std::fs::File::open(folder.join("events")).unwrap());
        batch::is_divided(&engine, input, Format::Ndjson).unwrap()
    };
    let some = first(&events, 3_000);
    assert!(some.len() > 1 << 19 && divided(&some));
    let naming = |line: &str| divided(&[&some, line.as_bytes(), b"\n", &some].concat());
    assert!(!naming(r#"{"id":"x","kind":"return","of":"536365"}"#));
    assert!(!naming(r#"{"id":"x","kind":"return","o\u0066":"536365"}"#));
    assert!(naming(r#"{"id":"x","kind":"return","note":"one of them"}"#));
    let input = Input::Stream(Box::new(&some[..]));
    assert!(!batch::is_divided(&engine, input, Format::Ndjson).unwrap());
}

fn is_divided(engine: &Engine, bytes: &[u8], format: Format) -> bool {
    batch::is_divided(engine, Input::Stream(Box::new(bytes)), format).unwrap()
}

/// The names of columns say that no event names a purchase, so that several threads decide without looking ahead.
#[test]
fn tables_without_a_column_for_purchases_are_decided_on_several_threads() {
    for name in ["online-retail", "coming-back"] {
        let (engine, events) = example(name);
        assert!(engine.program().returns);
        let events = first(&events, 1_500);
        let one = decide(&engine, &events, Format::Ndjson, 1);
        for (bytes, format) in [
            (csv_of(&events), Format::Csv),
            (table_of(&events, TableFormat::Parquet, true), Format::Parquet),
            (table_of(&events, TableFormat::Arrow, true), Format::Arrow),
        ] {
            assert!(is_divided(&engine, &bytes, format), "{name} in {format:?}");
            for threads in [1, 2, 8] {
                let found = decide(&engine, &bytes, format, threads);
                assert!(found == one, "{name} in {format:?} on {threads} threads");
            }
        }
    }
}

/// Purchases of many members, and returns by nobody in particular: each finds a purchase that another thread might have.
#[test]
fn tables_with_a_column_for_purchases_are_decided_on_one_thread() {
    let (engine, _) = example("online-retail");
    let buyers: Vec<(String, String)> = (0..40).map(|at| (format!("b{at}"), format!("m{at}"))).collect();
    let table = |format| {
        let columns = [
            Column::new("id", ColumnKind::Text),
            Column::new("kind", ColumnKind::Text),
            Column::new("at", ColumnKind::Text),
            Column::optional("member", ColumnKind::Text),
            Column::optional("of", ColumnKind::Text),
            Column::new(
                "lines",
                ColumnKind::Rows(vec![
                    Column::new("sku", ColumnKind::Text),
                    Column::new("qty", ColumnKind::Whole),
                    Column::optional("price", ColumnKind::Decimal { digits: 18, scale: 4 }),
                ]),
            ),
        ];
        let mut table = TableWriter::new(format, &columns, Vec::new()).unwrap();
        for (id, member) in &buyers {
            let line = [Cell::Text("A"), Cell::Whole(1), Cell::Decimal(500_000)];
            let at = Cell::Text("2011-03-01T10:00");
            let row = [Cell::Text(id), Cell::Text("sale"), at, Cell::Text(member)];
            table.row(&[&row[..], &[Cell::Absent, Cell::Rows(&[&line])]].concat()).unwrap();
        }
        for (of, _) in &buyers {
            let id = format!("of {of}");
            let line = [Cell::Text("A"), Cell::Whole(1), Cell::Absent];
            let at = Cell::Text("2011-03-02T10:00");
            let row = [Cell::Text(&id), Cell::Text("return"), at, Cell::Absent];
            table.row(&[&row[..], &[Cell::Text(of), Cell::Rows(&[&line])]].concat()).unwrap();
        }
        table.finish().unwrap()
    };
    let sheet = |of: &str| {
        let mut text = format!("id,kind,at,member,{of},sku,qty,price\n");
        for (id, member) in &buyers {
            text.push_str(&format!("{id},sale,2011-03-01T10:00,{member},,A,1,50.0000\n"));
        }
        for (of, _) in &buyers {
            text.push_str(&format!("of {of},return,2011-03-02T10:00,,{of},A,1,\n"));
        }
        text.into_bytes()
    };
    let expected = decide(&engine, &sheet("of"), Format::Csv, 1);
    let found: Vec<Json> = expected
        .0
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!((found.len(), lines(&expected.1)), (80, 0));
    for (event, (of, member)) in found[40..].iter().zip(&buyers) {
        assert_eq!(
            (&event["returned"]["of"], &event["member"]),
            (&Json::from(&**of), &Json::from(&**member))
        );
    }
    for (bytes, format) in [
        (sheet("of"), Format::Csv),
        (sheet("event.of"), Format::Csv),
        (table(TableFormat::Parquet), Format::Parquet),
        (table(TableFormat::Arrow), Format::Arrow),
    ] {
        assert!(!is_divided(&engine, &bytes, format), "{format:?}");
        for threads in [1, 2, 8] {
            assert!(decide(&engine, &bytes, format, threads) == expected, "{format:?} on {threads} threads");
        }
    }
}
