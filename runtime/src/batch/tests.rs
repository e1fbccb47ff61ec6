//! Whole batches: order, counts, damage and bounds.

use super::*;
use crate::catalogue::Catalogue;
use crate::engine::EngineKind;
use crate::pack::Pack;
use crate::record::{ReadOptions, RecordLimits, UnknownFields};
use crate::testing;

fn engine_with(options: ReadOptions) -> Engine {
    let catalogue: Catalogue = testing::catalogue();
    Engine::builder(Pack::of(testing::verified()))
        .catalogue(&catalogue)
        .kind(EngineKind::Interpreter)
        .read_options(options)
        .build()
        .unwrap()
}

fn engine() -> Engine {
    engine_with(ReadOptions::default())
}

struct Results {
    decisions: String,
    rejections: Vec<serde_json::Value>,
    summary: Summary,
}

fn batch(engine: &Engine, input: &[u8], options: BatchOptions) -> Results {
    let (mut decisions, mut rejections) = (Vec::new(), Vec::new());
    let mut last = Progress::default();
    let summary = run(engine, input, &mut decisions, &mut rejections, &options, |progress| {
        assert!(progress.records >= last.records && progress.bytes >= last.bytes);
        last = progress;
    })
    .unwrap();
    let rejections: Vec<serde_json::Value> = rejections
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let decisions = String::from_utf8(decisions).unwrap();
    assert_eq!(summary.total.events as usize, decisions.lines().count());
    assert_eq!(summary.rejected as usize, rejections.len());
    assert_eq!(last.records, summary.records());
    Results { decisions, rejections, summary }
}

fn ndjson(threads: usize, chunk: usize) -> BatchOptions {
    BatchOptions { threads, chunk, ..BatchOptions::default() }
}

fn receipt(id: usize, price: &str) -> String {
    format!(
        r#"{{"id":"r{id}","kind":"sale","member":"m{}","at":"2026-0{}-01T10:00","lines":[{{"sku":"T1","qty":3,"price":"{price}"}},{{"sku":"s{id}","qty":1,"price":"1.00"}}]}}"#,
        id % 3,
        1 + id % 5
    )
}

#[test]
fn the_answer_does_not_depend_on_threads_and_chunks() {
    let engine = engine();
    let mut input = String::new();
    let mut bad = 0;
    for id in 0..2_000 {
        let price = if id % 100 == 37 { "1.23456" } else { "2.55" };
        bad += usize::from(id % 100 == 37);
        input.push_str(&receipt(id, price));
        input.push_str(if id % 7 == 0 { "\r\n\n" } else { "\n" });
    }
    let one = batch(&engine, input.as_bytes(), ndjson(1, 1 << 18));
    assert_eq!(one.rejections.len(), bad);
    assert_eq!(one.summary.records(), 2_000);
    for rejection in &one.rejections {
        assert_eq!(rejection["error"], "too-many-decimals");
        assert_eq!(rejection["field"], "lines[0].price");
        assert_eq!(rejection["value"], "1.23456");
        let line = rejection["line"].as_u64().unwrap() as usize;
        let record = rejection["record"].as_str().unwrap();
        assert_eq!(input.split('\n').nth(line - 1).unwrap(), record);
        let offset = rejection["offset"].as_u64().unwrap() as usize;
        assert!(input[offset..].starts_with("\"1.23456\""));
        assert!(record.contains(&format!("\"id\":\"{}\"", rejection["id"].as_str().unwrap())));
    }
    for (threads, chunk) in [(1, 1), (1, 1000), (2, 1), (3, 500), (8, 1 << 12)] {
        let other = batch(&engine, input.as_bytes(), ndjson(threads, chunk));
        assert_eq!(other.decisions, one.decisions, "{threads} {chunk}");
        assert_eq!(other.rejections, one.rejections);
        assert_eq!(other.summary, one.summary);
    }
    // What was rejected, mended, and given again.
    let again: Vec<String> =
        one.rejections.iter().map(|r| r["record"].as_str().unwrap().replace("1.23456", "2.55")).collect();
    assert_eq!(batch(&engine, again.join("\n").as_bytes(), ndjson(1, 100)).summary.total.events, bad as u64);
    let report = one.summary.report(&engine);
    assert_eq!((report.records, report.rejected), (2_000, bad as u64));
    assert_eq!(report.rejections[0].error, "too-many-decimals");
    assert_eq!(report.months.len(), 5);
    assert_eq!(report.months[0].month, "2026-01");
    // 7.65 less 10 % (0.765, a half up) is 6.88, and a pound: 7 points.
    let events = 2_000 - bad as u64;
    assert_eq!(report.total.discount, crate::decimal::print(i128::from(events) * 77, 2));
    assert_eq!(report.total.awards[0].amount, (events * 7).to_string());
    assert_eq!(
        (report.rules[0].events, report.rules[0].discount.clone()),
        (events, report.total.discount.clone())
    );
    assert_eq!(report.groups[1].awards[0].amount, report.total.awards[0].amount);
    assert_eq!(
        serde_json::from_str::<crate::summary::SummaryReport>(&serde_json::to_string(&report).unwrap())
            .unwrap(),
        report
    );
    let measured =
        batch(&engine, input.as_bytes(), BatchOptions { measure: true, ..BatchOptions::default() });
    assert!(measured.summary.times.read > std::time::Duration::ZERO);
    assert_eq!(measured.decisions, one.decisions);
}

#[test]
fn hostile_streams_are_rejected_line_by_line() {
    let engine = engine();
    let good = receipt(1, "1.00");
    let mut input = Vec::new();
    let deep = "[".repeat(500_000);
    let bad: [&[u8]; 9] = [
        b"\x00\x00",
        b"\xff\xfe{}",
        br#"{"id":"\ud800"}"#,
        deep.as_bytes(),
        b"{\"id\":\"a\0\"}",
        b"[]",
        b"null",
        &[b'x'; 3 << 20],
        br#"{"id":"r9","kind":"sale""#,
    ];
    for line in bad {
        input.extend_from_slice(good.as_bytes());
        input.push(b'\n');
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    input.extend_from_slice(good.as_bytes());
    for threads in [1, 3] {
        let results = batch(&engine, &input, ndjson(threads, 1 << 14));
        let names: Vec<&str> = results.rejections.iter().map(|r| r["error"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "malformed-json",
                "invalid-utf8",
                "lone-surrogate",
                "wrong-type",
                "malformed-json",
                "wrong-type",
                "wrong-type",
                "record-too-long",
                "malformed-json"
            ]
        );
        let lines: Vec<u64> = results.rejections.iter().map(|r| r["line"].as_u64().unwrap()).collect();
        assert_eq!(lines, [2, 4, 6, 8, 10, 12, 14, 16, 18]);
        assert_eq!(results.summary.total.events, 10);
        assert!(results.rejections[7]["record"].as_str().unwrap().len() <= 1024);
    }
}

/// Gives a gigabyte without having it.
struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (buffer.len() as u64).min(self.0);
        buffer[..count as usize].fill(b'x');
        self.0 -= count;
        Ok(count as usize)
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_not_held() {
    let engine = engine();
    for format in [Format::Ndjson, Format::Csv] {
        let header: &[u8] = if format == Format::Csv { b"id,kind,at,sku\n" } else { b"" };
        let input = header.chain(Endless(100 << 20)).chain(&b"\n"[..]);
        let mut rejections = Vec::new();
        let options = BatchOptions { format, ..BatchOptions::default() };
        let summary = run(&engine, input, io::sink(), &mut rejections, &options, |_| {}).unwrap();
        assert_eq!(summary.total.events, 0);
        assert!(rejections.len() < 1 << 17, "{}", rejections.len());
    }
}

#[test]
fn broken_streams_and_sinks_stop_with_what_was_done() {
    let engine = engine();
    let text: String = (0..5_000).map(|id| receipt(id, "1.00") + "\n").collect();
    let mut compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    compressed.write_all(text.as_bytes()).unwrap();
    let compressed = compressed.finish().unwrap();
    let whole = batch(&engine, &compressed, ndjson(2, 1 << 12));
    assert_eq!(whole.summary.total.events, 5_000);
    for threads in [1, 4] {
        let options = ndjson(threads, 1 << 12);
        let mut decisions = Vec::new();
        let cut = &compressed[..compressed.len() / 2];
        let error = run(&engine, cut, &mut decisions, io::sink(), &options, |_| {}).unwrap_err();
        assert_eq!(error.name(), "broken-input");
        assert!(error.done.total.events > 100);
        assert_eq!(error.done.total.events as usize, decisions.iter().filter(|b| **b == b'\n').count());
        assert!(whole.decisions.as_bytes().starts_with(&decisions));
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("no space"))?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = run(&engine, text.as_bytes(), Full(1_000_000), io::sink(), &options, |_| {}).unwrap_err();
        assert_eq!(error.name(), "broken-output");
        assert!(error.done.records() > 0);
    }
}

const TABLE: &str = "id,kind,member,at,sku,qty,price,line.kind,own_note,member.card.active,member.segments,payment.amount\n\
    a,sale,m1,2026-01-01T10:00,T1,3,3.35,,x,,,5.00\n\
    a,,,,C1,1,2.00,product,\"y \"\"z\"\"\n\",,,6.04\n\
    b,sale,m9,2026-01-02T10:00,T1,1,1.00,,,true,New|VIP,\n\
    c,return,,2026-01-03T10:00,,,,,,,,\n";

fn csv() -> BatchOptions {
    BatchOptions { format: Format::Csv, ..BatchOptions::default() }
}

#[test]
fn tables_are_events() {
    let engine = engine();
    let json = concat!(
        r#"{"id":"a","kind":"sale","member":"m1","at":"2026-01-01T10:00","lines":[{"sku":"T1","qty":3,"price":"3.35"},{"sku":"C1","qty":1,"price":2,"kind":"product"}],"payments":[{"amount":"5.00"},{"amount":"6.04"}]}"#,
        "\n",
        r#"{"id":"b","kind":"sale","member":{"id":"m9","card":{"active":true},"segments":["VIP","New"]},"at":"2026-01-02T10:00","lines":[{"sku":"T1","qty":1,"price":"1.00"}]}"#,
        "\n",
        r#"{"id":"c","kind":"return","at":"2026-01-03T10:00"}"#,
    );
    let expected = batch(&engine, json.as_bytes(), ndjson(1, 100));
    for (threads, chunk) in [(1, 1 << 18), (1, 1), (3, 1), (2, 200)] {
        let results = batch(&engine, TABLE.as_bytes(), BatchOptions { threads, chunk, ..csv() });
        assert!(results.rejections.is_empty(), "{:?}", results.rejections);
        assert_eq!(results.decisions, expected.decisions);
    }
}

#[test]
fn bad_rows_are_named_by_their_line() {
    let engine = engine();
    let table = "id,kind,at,sku,qty,price\n\
        a,sale,2026-01-01T10:00,T1,1,1.00\n\
        a,sale,2026-01-01T10:00,T1,1,1.23456\n\
        b,sale,2026-01-01T10:00,T1,1,1.00\n\
        b,return,,T1,1,1.00\n\
        c,sale,2026-01-01T10:00,T1,1\n\
        c,sale,2026-01-01T10:00,T1,1,1.00\n\
        d,sale,2026-01-01T10:00,\u{0},1,1.00\n\
        ,sale,2026-01-01T10:00,T1,1,1.00\n\
        e,sale,2026-01-01T10:00,T1,1,1.00\n";
    let results = batch(&engine, table.as_bytes(), csv());
    let found: Vec<_> = results
        .rejections
        .iter()
        .map(|r| {
            (
                r["error"].as_str().unwrap(),
                r["line"].as_u64().unwrap(),
                r["field"].as_str().unwrap(),
                r["id"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("too-many-decimals", 3, "lines[1].price", Some("a")),
            ("conflicting-rows", 5, "kind", Some("b")),
            ("malformed-row", 6, "", Some("c")),
            ("control-character", 8, "lines[0].sku", Some("d")),
            ("missing-field", 9, "id", None),
        ]
    );
    assert_eq!(results.summary.total.events, 1);
    assert_eq!(results.decisions.lines().count(), 1);
}

fn of_texts(rows: Rows) -> Sheet {
    match rows {
        Rows::Sheet(sheet) => sheet,
        #[cfg(feature = "columnar")]
        Rows::Columns(_) => panic!("no rows of texts"),
    }
}

/// Whether each event of a table goes into its slots cell by cell, and whether its JSON does: into the same, where both do.
fn read_both(engine: &Engine, table: &str) -> Vec<(bool, bool)> {
    let schema = engine.schema();
    let mut source = table::Table::open(schema, table.as_bytes(), 1 << 18, 1 << 20).unwrap();
    let sheet = of_texts(source.next().unwrap().unwrap().rows.unwrap());
    assert!(source.next().unwrap().is_none());
    let mut found = Vec::new();
    for event in 0..sheet.count() {
        let (mut read, mut expected) = (ReadEvent::default(), ReadEvent::default());
        let direct = sheet.read(schema, &mut Reader::new(), event, &mut read);
        let mut json = Vec::new();
        let origin = sheet.write(schema, event, &mut json);
        let by_json = origin.fault.is_none() && Reader::new().read(schema, &json, &mut expected).is_ok();
        if direct && by_json {
            assert_eq!(read, expected, "{}", String::from_utf8_lossy(&json));
        }
        found.push((direct, by_json));
    }
    found
}

#[test]
fn cells_go_into_the_slots_that_their_json_goes_into() {
    let engine = engine();
    // What each column says of an event that can be read; two rows, of which the second repeats or leaves out.
    let plain = [
        ("id", "a"),
        ("kind", "sale"),
        ("member", "m9"),
        ("at", "2026-01-01T10:00"),
        ("sku", "T1"),
        ("qty", "3"),
        ("price", "3.35"),
        ("line.kind", "product"),
        ("own_note", "x"),
        ("member.card.active", "true"),
        ("member.segments", "New|VIP"),
        ("payment.amount", "5.00"),
    ];
    let cells = [
        "",
        " ",
        "a",
        "T1",
        "C1",
        "sale",
        "return",
        "m1",
        "true",
        "false",
        "1",
        "0",
        "-1",
        "3.5",
        "3.35",
        "1e3",
        "1.23456",
        "999999999999999999999",
        "2026-01-01T10:00",
        "2026-03-29T01:30",
        "2026-13-01",
        "New|VIP",
        "New||New",
        "|",
        "VIP",
        "product",
        "\"quoted \"\"\u{1f375}\n\"",
        "nul\u{0}",
        "x\u{7f}\u{1b}",
    ];
    let header: Vec<&str> = plain.iter().map(|(name, _)| *name).collect();
    let (mut table, mut events) = (header.join(","), 0);
    for (column, (name, _)) in plain.iter().enumerate() {
        for cell in cells {
            // Ids part the events; a row of another event between two that have none.
            for second in [false, true] {
                events += 1;
                let mut row: Vec<String> = plain.iter().map(|(_, cell)| (*cell).to_owned()).collect();
                if *name != "id" {
                    row[0] = format!("e{events}");
                }
                let first = row.join(",");
                row[column] = cell.to_owned();
                if second {
                    table += &format!("\n{first}");
                }
                table += &format!("\n{}", row.join(","));
            }
        }
    }
    let found = read_both(&engine, &table);
    let both = found.iter().filter(|found| **found == (true, true)).count();
    let neither = found.iter().filter(|found| **found == (false, false)).count();
    assert_eq!(both + neither, found.len());
    assert!(both > 200 && neither > 200, "{both} and {neither}");
}

#[test]
fn two_columns_of_one_field_do_not_both_say_it() {
    let table = "id,kind,at,sku,qty,price,line.pieces,store,event.store\n\
                 a,sale,2026-01-01T10:00,T1,3,1.00,,S1,\n\
                 b,sale,2026-01-01T10:00,T1,3,1.00,,S1,S1\n\
                 c,sale,2026-01-01T10:00,T1,3,1.00,4,S1,\n\
                 d,sale,2026-01-01T10:00,T1,,1.00,4,,S2";
    assert_eq!(read_both(&engine(), table), [(true, true), (false, false), (false, false), (false, true)]);
}

#[test]
fn long_rows_are_left_to_the_reader_of_json() {
    let limits = RecordLimits { record: 4_096, text: 120, list: 3 };
    let engine = engine_with(ReadOptions { limits, ..ReadOptions::default() });
    let of = |id: &str, lines: usize| {
        let row = format!("{id},sale,2026-01-01T10:00,T1,1,1.00\n");
        read_both(&engine, &format!("id,kind,at,sku,qty,price\n{}", row.repeat(lines)))
    };
    // Twenty bytes may be 120 of JSON; 21 may be more, and are not here.
    assert_eq!(of(&"1".repeat(20), 1), [(true, true)]);
    assert_eq!(of(&"1".repeat(21), 1), [(false, true)]);
    assert_eq!(of(&"1".repeat(121), 1), [(false, false)]);
    assert_eq!(of("a", 3), [(true, true)]);
    assert_eq!(of("a", 4), [(false, false)]);
    assert_eq!(of("a", 200), [(false, false)]);
}

#[test]
fn headers_that_cannot_be_used_stop_the_batch() {
    let refuse = ReadOptions { unknown_fields: UnknownFields::Refuse, ..ReadOptions::default() };
    for (engine, header) in [
        (engine(), "kind,at\n"),
        (engine(), ""),
        (engine(), "id,id\n"),
        (engine(), "id,\u{feff}\u{0}\u{fffd},id\n"),
        (engine_with(refuse), "id,surprise\n"),
    ] {
        let error = run(&engine, header.as_bytes(), io::sink(), io::sink(), &csv(), |_| {}).unwrap_err();
        assert_eq!(error.name(), "broken-input");
    }
    let semicolons = run(&engine(), "id;kind;at\n".as_bytes(), io::sink(), io::sink(), &csv(), |_| {});
    assert_eq!(
        semicolons.unwrap_err().to_string(),
        "the input cannot be read on: the table has no column `id`: its cells are parted by semicolons; save it with \
         commas (0 records were done)"
    );
}

#[test]
fn a_mark_before_the_header_is_no_part_of_it() {
    let table = "id,kind,at,sku,qty,price\na,sale,2026-01-01T10:00,T1,1,1.00\n";
    let plain = batch(&engine(), table.as_bytes(), csv());
    assert_eq!(plain.summary.total.events, 1);
    let marked = format!("\u{feff}{table}");
    assert_eq!(batch(&engine(), marked.as_bytes(), csv()).decisions, plain.decisions);
}

#[test]
fn long_rows_take_their_neighbours_with_them() {
    let limits = RecordLimits { record: 4_096, text: 100, list: 10 };
    let engine = engine_with(ReadOptions { limits, ..ReadOptions::default() });
    let row = |id: &str| format!("{id},sale,2026-01-01T10:00,T1,1,1.00\n");
    let long = format!("b,sale,2026-01-01T10:00,{},1,1.00\n", "x".repeat(10_000));
    let table = format!("id,kind,at,sku,qty,price\n{}{}{long}{}{}", row("a"), row("b"), row("c"), row("d"));
    let results = batch(&engine, table.as_bytes(), csv());
    let found: Vec<_> = results
        .rejections
        .iter()
        .map(|r| (r["error"].as_str().unwrap(), r["id"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("record-too-long", "b"), ("record-too-long", "c")]);
    assert_eq!(results.summary.total.events, 2);
    let many: String = std::iter::repeat_n(row("a"), 200).collect();
    let table = format!("id,kind,at,sku,qty,price\n{many}{}", row("b"));
    let results = batch(&engine, table.as_bytes(), csv());
    assert_eq!(results.rejections[0]["error"], "record-too-long");
    assert_eq!(results.summary.total.events, 1);
}

#[test]
fn random_streams_never_panic() {
    let engine = engine();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let seeds = [receipt(1, "1.00") + "\n" + &receipt(2, "2.00"), TABLE.to_owned()];
    for round in 0..600 {
        let mut bytes = seeds[round % 2].clone().into_bytes();
        for _ in 0..random() % 6 {
            let at = random() % bytes.len();
            match random() % 3 {
                0 => bytes[at] = random() as u8,
                1 => bytes.truncate(at + 1),
                2 => bytes.insert(at, random() as u8),
                _ => {}
            }
        }
        let format = if round % 2 == 0 { Format::Ndjson } else { Format::Csv };
        let options =
            BatchOptions { format, threads: 1 + round % 2, chunk: 1 + random() % 100, measure: false };
        let _ = run(&engine, &bytes[..], io::sink(), io::sink(), &options, |_| {});
    }
}

/// Columns as others write them, of one event.
#[cfg(feature = "columnar")]
mod foreign {
    use super::*;
    use crate::columnar::write::TableFile;
    use crate::record::columns::Columns;
    use crate::record::{ReadEvent, Reader};
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int32Type;
    use arrow_array::{
        ArrayRef, Decimal128Array, DictionaryArray, Float64Array, Int16Array, LargeStringArray, ListArray,
        RecordBatch, StringArray, StringViewArray, StructArray, TimestampMillisecondArray,
        TimestampNanosecondArray,
    };
    use arrow_buffer::OffsetBuffer;
    use arrow_schema::{DataType, Field, Fields, Schema};
    use std::sync::Arc;

    fn row(columns: Vec<(&str, ArrayRef)>) -> StructArray {
        let fields: Fields =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        StructArray::new(fields, columns.into_iter().map(|(_, array)| array).collect(), None)
    }

    fn list(entries: ArrayRef) -> ArrayRef {
        let entry = Arc::new(Field::new("element", entries.data_type().clone(), true));
        Arc::new(ListArray::new(entry, OffsetBuffer::from_lengths([entries.len()]), entries, None))
    }

    fn file(format: TableFormat, columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let row = row(columns);
        let schema = Arc::new(Schema::new(row.fields().clone()));
        let mut file = TableFile::new(format, schema, Vec::new()).unwrap();
        file.write(&RecordBatch::from(row)).unwrap();
        file.finish().unwrap()
    }

    fn text(text: &str) -> ArrayRef {
        Arc::new(StringArray::from(vec![text]))
    }

    fn event(price: ArrayRef, at: ArrayRef) -> Vec<(&'static str, ArrayRef)> {
        let skus: DictionaryArray<Int32Type> = ["T1"].into_iter().collect();
        let lines = row(vec![
            ("sku", Arc::new(skus)),
            ("qty", Arc::new(Int16Array::from(vec![3]))),
            ("price", price),
        ]);
        let segments = list(Arc::new(StringArray::from(vec!["New", "VIP"])));
        let member = row(vec![
            ("id", Arc::new(LargeStringArray::from(vec!["m9"])) as ArrayRef),
            ("segments", segments),
        ]);
        vec![
            ("id", text("a")),
            ("kind", Arc::new(StringViewArray::from(vec!["sale"]))),
            ("at", at),
            ("member", Arc::new(member)),
            ("lines", list(Arc::new(lines))),
            ("payments", Arc::new(arrow_array::NullArray::new(1))),
        ]
    }

    fn decided(format: TableFormat, columns: Vec<(&str, ArrayRef)>) -> Results {
        let of = if format == TableFormat::Parquet { Format::Parquet } else { Format::Arrow };
        batch(&engine(), &file(format, columns), BatchOptions { format: of, ..BatchOptions::default() })
    }

    #[test]
    fn the_types_of_other_writers_are_read() {
        // 2026-01-01 10:00 of the clock of London, which is universal time in winter, with a fraction that is dropped.
        let seconds = 20_454 * 86_400 + 36_000;
        let json = r#"{"id":"a","kind":"sale","at":"2026-01-01T10:00","member":{"id":"m9","segments":["VIP","New"]},"lines":[{"sku":"T1","qty":3,"price":"2.55"}]}"#;
        let expected = batch(&engine(), json.as_bytes(), ndjson(1, 100));
        assert_eq!(expected.decisions.lines().count(), 1);
        let zoned =
            TimestampNanosecondArray::from(vec![seconds * 1_000_000_000 + 999]).with_timezone("+05:00");
        let local = TimestampMillisecondArray::from(vec![seconds * 1_000 + 999]);
        let decimal = Decimal128Array::from(vec![255_000]).with_precision_and_scale(38, 5).unwrap();
        for format in [TableFormat::Parquet, TableFormat::Arrow] {
            for at in [Arc::new(zoned.clone()) as ArrayRef, Arc::new(local.clone()), text("2026-01-01T10:00")]
            {
                for price in [Arc::new(decimal.clone()) as ArrayRef, text("2.55")] {
                    // Parquet has no dictionaries, no lists of null and no other clocks: its writer puts plain ones in place.
                    let found = decided(format, event(price, at.clone()));
                    assert_eq!(found.rejections, Vec::<serde_json::Value>::new());
                    assert_eq!(found.decisions, expected.decisions);
                }
            }
        }
    }

    /// Whether the only row of these columns goes into its slots, and whether its JSON does: to the same ones then.
    fn read_both(engine: &Engine, columns: Vec<(&str, ArrayRef)>) -> (bool, bool) {
        let batch = RecordBatch::from(row(columns));
        let schema = engine.schema();
        let columns = Columns::of(schema, batch.schema().fields()).unwrap_or_else(|why| panic!("{why}"));
        let cells = Columns::cells(&batch);
        let (mut json, mut read, mut expected) = (Vec::new(), ReadEvent::default(), ReadEvent::default());
        columns.write((&cells, 0), &mut json);
        let direct = columns.ready(schema, &cells, 1).read(schema, &mut Reader::new(), 0, &mut read);
        let by_json = Reader::new().read(schema, &json, &mut expected).is_ok();
        if direct && by_json {
            assert_eq!(read, expected, "{}", String::from_utf8_lossy(&json));
        }
        (direct, by_json)
    }

    #[test]
    fn a_row_goes_into_the_slots_that_its_json_goes_into() {
        let engine = engine();
        let counts = |of: &[(i128, i8)]| -> Vec<ArrayRef> {
            of.iter()
                .map(|(count, scale)| {
                    let array = Decimal128Array::from(vec![*count]).with_precision_and_scale(38, *scale);
                    Arc::new(array.unwrap()) as ArrayRef
                })
                .collect()
        };
        // The clock of London skips an hour on 28 March 2021 and goes through one twice on 31 October; and where calendars end.
        let instants = [0, -1, 1_616_893_200, 1_616_895_000, 1_635_642_000, 1_635_645_600, 253_402_300_799];
        let beyond = [253_402_300_800, -62_167_219_201, 9_000_000_000_000];
        let mut ats = vec![text("2021-03-28T01:30"), text("2021-10-31T01:30:00+02:00"), text("soon")];
        for seconds in instants.into_iter().chain(beyond) {
            let array = TimestampMillisecondArray::from(vec![seconds * 1_000]);
            ats.push(Arc::new(array.clone().with_timezone("+00:00")));
            ats.push(Arc::new(array));
        }
        let prices =
            counts(&[(255, 2), (-255, 2), (2_550_000, 6), (2_550_001, 6), (25, -1), (0, -30), (1, -30)]);
        let more = counts(&[(i128::from(i64::MAX), 4), (i128::from(i64::MIN), 4), (10i128.pow(37), 37)]);
        let (mut both, mut neither) = (0, 0);
        let mut compare = |columns: Vec<(&str, ArrayRef)>| match read_both(&engine, columns) {
            (true, true) => both += 1,
            (false, false) => neither += 1,
            (direct, json) => panic!("into slots: {direct}, by JSON: {json}"),
        };
        for at in &ats {
            for price in prices.iter().chain(&more).chain([&text("2.55"), &text("2,55"), &text("1e3")]) {
                compare(event(Arc::clone(price), Arc::clone(at)));
            }
        }
        // Pieces and weights, of which lines of a weight have no pieces.
        let numbers = [(3, 0), (300, 2), (305, 2), (0, 0), (-3, 0), (5, -1), (1_234_567, 6), (1, -20)];
        for number in counts(&numbers) {
            for name in ["qty", "weight"] {
                let line =
                    row(vec![("sku", text("T1")), (name, Arc::clone(&number)), ("price", text("2.55"))]);
                let mut columns = event(text("1"), text("2021-03-28T01:30"));
                columns.retain(|(name, _)| *name != "lines");
                columns.push(("lines", list(Arc::new(line))));
                compare(columns);
            }
        }
        // What is missing, empty or null where it may not be.
        for missing in ["id", "kind", "at", "member", "lines", "payments"] {
            let mut columns = event(text("1"), text("2021-03-28T01:30"));
            for (name, array) in &mut columns {
                if *name == missing {
                    *array = arrow_array::new_null_array(array.data_type(), 1);
                }
            }
            compare(columns);
        }
        for (name, array) in [
            ("id", text("")),
            ("kind", text("nonsense")),
            ("member", text("")),
            ("member", text("m1")),
            ("member", text("stranger\u{1f375}\n\"")),
            ("member", text("nul\u{0}")),
            (
                "lines",
                list(arrow_array::new_null_array(
                    &event(text("1"), text("x"))[4].1.as_list::<i32>().value_type(),
                    1,
                )),
            ),
        ] {
            let mut columns = event(text("1"), text("2021-03-28T01:30"));
            columns.retain(|(other, _)| *other != name);
            columns.push((name, array));
            compare(columns);
        }
        // 14 of the 23 instants with 8 of the 13 prices; 5 of 8 numbers of pieces, 6 of 8 weights (at most three decimals are
        // read), 3 of 6 that lack something, 2 of 7 others.
        assert_eq!((both, neither), (14 * 8 + 5 + 6 + 3 + 2, 328 - 128));
    }

    /// Columns of many rows, at random: their types, their values, and which of these are absent.
    struct Maker(u64);

    impl Maker {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as usize % end
        }

        /// So many of these, in one column of five with absent ones among them.
        fn some<T: Copy>(&mut self, count: usize, of: &[T]) -> Vec<Option<T>> {
            let gaps = self.below(5) == 0;
            (0..count).map(|_| (!gaps || self.below(6) > 0).then(|| of[self.below(of.len())])).collect()
        }

        fn texts(&mut self, count: usize, of: &[&str]) -> ArrayRef {
            let texts = self.some(count, of);
            match self.below(5) {
                0 => Arc::new(LargeStringArray::from(texts)),
                1 => Arc::new(StringViewArray::from(texts)),
                2 => Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>()),
                _ => Arc::new(StringArray::from(texts)),
            }
        }

        fn numbers(&mut self, count: usize, of: &[i16]) -> ArrayRef {
            let numbers = self.some(count, of);
            let shifted = |factor: i128| {
                numbers.iter().map(move |number| number.map(|number| i128::from(number) * factor))
            };
            match self.below(4) {
                0 => Arc::new(Int16Array::from(numbers)),
                1 => {
                    Arc::new(shifted(1).collect::<Decimal128Array>().with_precision_and_scale(38, 2).unwrap())
                }
                2 => Arc::new(
                    shifted(100).collect::<Decimal128Array>().with_precision_and_scale(38, 2).unwrap(),
                ),
                _ => {
                    let texts = numbers.iter().map(|number| number.map(|number| number.to_string()));
                    Arc::new(texts.collect::<StringArray>())
                }
            }
        }

        fn lists(
            &mut self,
            count: usize,
            most: usize,
            of: impl FnOnce(&mut Self, usize) -> ArrayRef,
        ) -> ArrayRef {
            let lengths: Vec<usize> = (0..count).map(|_| self.below(most + 1)).collect();
            let entries = of(self, lengths.iter().sum());
            let entry = Arc::new(Field::new("element", entries.data_type().clone(), true));
            let present = self.some(count, &[()]).iter().map(Option::is_some).collect::<Vec<_>>().into();
            Arc::new(ListArray::new(entry, OffsetBuffer::from_lengths(lengths), entries, Some(present)))
        }

        /// Rows of some of these columns.
        fn rows(&mut self, count: usize, mut columns: Vec<(&'static str, ArrayRef)>) -> ArrayRef {
            columns.retain(|(name, _)| {
                ["id", "active", "sku", "qty", "price", "cost", "amount"].contains(name) || self.below(2) == 0
            });
            let (fields, arrays, _) = row(columns).into_parts();
            let present = self.some(count, &[()]).iter().map(Option::is_some).collect::<Vec<_>>().into();
            Arc::new(StructArray::new(fields, arrays, (self.below(4) == 0).then_some(present)))
        }

        fn batch(&mut self, count: usize) -> RecordBatch {
            let cells = |random: &mut Self, of: &[&str]| random.texts(count, of);
            let segments = self.lists(count, 3, |random, count| random.texts(count, &["New", "VIP", "Old"]));
            let truths = arrow_array::BooleanArray::from(self.some(count, &[true, false]));
            let card = self.rows(count, vec![("active", Arc::new(truths))]);
            let columns = vec![
                ("id", cells(self, &["m1", "m2", "m3", "stranger"])),
                ("tier", cells(self, &["gold", "silver", "gold", "wood"])),
                ("segments", segments),
                ("card", card),
                ("balance", self.numbers(count, &[5, 0, 250])),
            ];
            let member = self.rows(count, columns);
            let lines = self.lists(count, 4, |random, count| {
                let cost = random.numbers(count, &[1, 2]);
                let product = random.rows(count, vec![("cost", cost)]);
                let columns = vec![
                    ("sku", random.texts(count, &["T1", "C1", "P1", "X9", "Y", "Y\u{1f375}"])),
                    ("qty", random.numbers(count, &[1, 2, 3, 300])),
                    ("price", random.numbers(count, &[5, 250, 0])),
                    ("product", product),
                    ("category", random.texts(count, &["Tea", "Coffee", "Sand"])),
                    ("kind", random.texts(count, &["product", "delivery", "product", "product"])),
                    ("points", random.numbers(count, &[7])),
                ];
                let mut columns = columns;
                if random.below(8) == 0 {
                    columns.push(("pieces", random.numbers(count, &[1, 2])));
                }
                if random.below(8) == 0 {
                    columns.push(("amount", random.numbers(count, &[10, 20])));
                }
                random.rows(count, columns)
            });
            let payments = self.lists(count, 2, |random, count| {
                let columns = vec![
                    ("amount", random.numbers(count, &[5])),
                    ("bank", random.texts(count, &["S1", "S2"])),
                ];
                random.rows(count, columns)
            });
            let days = arrow_array::Date32Array::from(self.some(count, &[20_000, -20_000]));
            let columns = vec![
                ("id", cells(self, &["a", "b", "long enough to be kept elsewhere"])),
                ("kind", cells(self, &["sale", "sale", "sale", "return", "sail"])),
                ("at", cells(self, &["2026-01-01T10:00", "2026-03-01T10:00Z", "2026-05-01T10:00"])),
                ("store", cells(self, &["S1", "nul\u{0}", "S3", "S4", "S5", "S6"])),
                ("delivered", Arc::new(days) as ArrayRef),
                ("slot", cells(self, &["10:00", "11:30:05"])),
                ("member", member),
                ("lines", lines),
                ("payments", payments),
            ];
            RecordBatch::from(row(columns))
        }
    }

    #[test]
    fn many_rows_go_into_the_slots_that_their_json_goes_into() {
        let engine = engine();
        let schema = engine.schema();
        let mut random = Maker(0x9e37_79b9_7f4a_7c15);
        let mut found = [[0, 0], [0, 0]];
        for _ in 0..400 {
            let count = 1 + random.below(30);
            let batch = random.batch(count);
            // A part of a batch is one, too.
            let start = random.below(count);
            let batch = batch.slice(start, count - start);
            let columns = Columns::of(schema, batch.schema().fields()).unwrap_or_else(|why| panic!("{why}"));
            let cells = Columns::cells(&batch);
            let ready = columns.ready(schema, &cells, batch.num_rows());
            let mut reader = Reader::new();
            for row in 0..batch.num_rows() {
                let (mut json, mut read, mut expected) =
                    (Vec::new(), ReadEvent::default(), ReadEvent::default());
                columns.write((&cells, row), &mut json);
                let direct = ready.read(schema, &mut reader, row, &mut read);
                let by_json = Reader::new().read(schema, &json, &mut expected).is_ok();
                assert_eq!(direct, by_json, "{}", String::from_utf8_lossy(&json));
                if direct {
                    assert_eq!(read, expected, "{}", String::from_utf8_lossy(&json));
                }
                found[usize::from(direct)][usize::from(by_json)] += 1;
            }
        }
        assert!(found[1][1] > 300 && found[0][0] > 300, "{found:?}");
    }

    #[test]
    fn long_texts_and_records_are_left_to_the_reader_of_json() {
        let options = ReadOptions {
            limits: RecordLimits { text: 120, ..RecordLimits::default() },
            ..ReadOptions::default()
        };
        let engine = engine_with(options);
        let of = |name: &str| {
            let mut columns = event(text("1"), text("2021-03-28T01:30"));
            columns.retain(|(name, _)| *name != "id");
            columns.push(("id", text(name)));
            columns
        };
        // Twenty bytes may be 120 of JSON; 21 may be more, and are not here.
        assert_eq!(read_both(&engine, of(&"1".repeat(20))), (true, true));
        assert_eq!(read_both(&engine, of(&"1".repeat(21))), (false, true));
        assert_eq!(read_both(&engine, of(&"1".repeat(121))), (false, false));
        let decided = batch(
            &engine,
            &file(TableFormat::Arrow, of(&"1".repeat(21))),
            BatchOptions { format: Format::Arrow, ..BatchOptions::default() },
        );
        assert_eq!(decided.decisions.lines().count(), 1);
    }

    #[test]
    fn floats_are_refused_with_what_to_write_instead() {
        for format in [TableFormat::Parquet, TableFormat::Arrow] {
            let floats: ArrayRef = Arc::new(Float64Array::from(vec![2.55]));
            assert_eq!(*floats.data_type(), DataType::Float64);
            let bytes = file(format, event(floats, text("2026-01-01T10:00")));
            let of = if format == TableFormat::Parquet { Format::Parquet } else { Format::Arrow };
            let options = BatchOptions { format: of, ..BatchOptions::default() };
            let error = run(&engine(), &bytes[..], io::sink(), io::sink(), &options, |_| {}).unwrap_err();
            assert_eq!(error.name(), "broken-input");
            let said = error.to_string();
            assert!(
                said.contains("column `lines.price`") && said.contains("write it as a decimal"),
                "{said}"
            );
        }
    }
}
