//! How long a year of receipts takes in bulk, and where the time goes:
//! `cargo run --release -p perq-tests --bin batch-speed`.
//!
//! Then receipts of the workload with 1 000 rules, beside what serde_json alone needs to parse the same lines into typed structs.
//!
//! Each way is run several times, and the best is told. Decisions go into memory. That every way and every number of threads
//! gives the same decisions is checked on the whole year.

use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::batch::{self, BatchOptions, Decisions, Format, Input};
use perq_runtime::columnar::TableFormat;
use perq_runtime::decision::DecisionTable;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::record::{ReadEvent, Reader};
use perq_tests::bulk::{Shared, csv_of, example, table_of};
use perq_tests::workload::{columns, data, packs, perq, text};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Times that each way is run.
const TURNS: usize = 5;

/// Where a run's time went: all of it, deciding, and writing decisions as lines or columns, by the threads that decide.
struct Time {
    all: Duration,
    evaluate: Duration,
    write: Duration,
    events: u64,
    bytes: Vec<u8>,
}

fn run(engine: &Engine, bytes: &[u8], format: Format, out: Option<TableFormat>, threads: usize) -> Time {
    let options = BatchOptions { format, threads, measure: threads == 1, ..BatchOptions::default() };
    let mut lines = Vec::with_capacity(1 << 26);
    let place = Shared::default();
    let input = Input::Stream(Box::new(bytes));
    let started = Instant::now();
    let mut table = out.map(|out| DecisionTable::new(engine, out, Box::new(place.clone())).expect("a table"));
    let decisions = match &mut table {
        Some(table) => Decisions::Table(table),
        None => Decisions::Lines(&mut lines),
    };
    let summary = batch::run_into(engine, input, decisions, &mut std::io::sink(), &options, &mut |_| ());
    let summary = summary.expect("the year is decided");
    if let Some(table) = table {
        table.finish().expect("the table is written");
        lines = place.bytes();
    }
    let all = started.elapsed();
    let times = summary.times;
    Time { all, evaluate: times.evaluate, write: times.write, events: summary.total.events, bytes: lines }
}

/// A receipt of the workload, as whoever writes a reader by hand declares it.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed, as a program that uses them would have them, and not looked at")]
struct Receipt {
    id: String,
    kind: String,
    at: String,
    store: String,
    channel: String,
    paid_with: String,
    till: String,
    member: Member,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "as above")]
struct Member {
    id: String,
    tier: String,
    birthday: String,
    joined: String,
    spent: String,
    segments: Vec<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "as above")]
struct Line {
    sku: String,
    pieces: i64,
    amount: String,
}

/// Receipts of the workload that are read and decided.
const RECEIPTS: usize = 5_000;

/// Lines in, decisions out, beside a parser alone: they take turns, and the best of each is told.
fn beside_a_parser() {
    let compilation = compile(&text::programme(&packs::equal_matches(1_000)), &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    let engine = perq::engine(&program, &perq::catalogue(), EngineKind::Native);
    let data = data::receipts(RECEIPTS);
    let lines: Vec<String> = (0..RECEIPTS)
        .map(|number| {
            let mut json = String::new();
            text::record(&data, number, &data.receipts[number], &mut json);
            json
        })
        .collect();
    let (mut session, mut reader) = (engine.session(), Reader::new());
    let (mut event, mut out) = (ReadEvent::default(), Vec::new());
    let mut best = [Duration::MAX; 3];
    for _ in 0..TURNS * 4 {
        let begun = Instant::now();
        let pieces: i64 = lines
            .iter()
            .map(|line| serde_json::from_str::<Receipt>(line).expect("a receipt"))
            .map(|receipt| receipt.lines.iter().map(|line| line.pieces).sum::<i64>())
            .sum();
        best[0] = best[0].min(begun.elapsed());
        assert!(pieces > 0);
        let begun = Instant::now();
        for line in &lines {
            reader.read(engine.schema(), line.as_bytes(), &mut event).expect("a record");
        }
        best[1] = best[1].min(begun.elapsed());
        out.clear();
        let begun = Instant::now();
        for line in &lines {
            session.decide_line(line.as_bytes(), &mut out).expect("a decision");
            out.push(b'\n');
        }
        best[2] = best[2].min(begun.elapsed());
    }
    let each = |time: Duration| time.as_nanos() / RECEIPTS as u128;
    let bytes: usize = lines.iter().map(String::len).sum();
    println!(
        "workload, 1 000 rules, receipts of {} bytes, nanoseconds each: serde_json into structs {}, perq into slots {}, \
         perq lines in and decisions out {}: {:.2} times serde_json",
        bytes / RECEIPTS,
        each(best[0]),
        each(best[1]),
        each(best[2]),
        best[2].as_secs_f64() / best[0].as_secs_f64()
    );
    let (json, arrow) = (lines.join("\n").into_bytes(), columns::stream(&data));
    let by_lines = run(&engine, &json, Format::Ndjson, None, 1).bytes;
    assert!(run(&engine, &arrow, Format::Arrow, None, 1).bytes == by_lines, "Arrow gives something else");
    for (name, bytes, format) in [("JSON lines", &json, Format::Ndjson), ("Arrow", &arrow, Format::Arrow)] {
        for (out_name, out) in [("JSON lines", None), ("Arrow", Some(TableFormat::Arrow))] {
            let runs = (0..TURNS).map(|_| run(&engine, bytes, format, out, 1));
            let best = runs.min_by_key(|time| time.all).expect("some turns");
            let each = |time: Duration| time.as_nanos() / u128::from(best.events.max(1));
            println!(
                "the same, {name} in and {out_name} out: {} ns each; {} deciding, {} decisions out, {} the rest",
                each(best.all),
                each(best.evaluate),
                each(best.write),
                each(best.all.saturating_sub(best.evaluate + best.write))
            );
        }
    }
}

fn main() {
    beside_a_parser();
    let (engine, json) = example("online-retail");
    let csv = csv_of(&json);
    let parquet = table_of(&json, TableFormat::Parquet, true);
    let arrow = table_of(&json, TableFormat::Arrow, true);
    println!(
        "{} events; bytes: JSON lines {}, CSV {}, Parquet {}, Arrow {}",
        json.iter().filter(|b| **b == b'\n').count(),
        json.len(),
        csv.len(),
        parquet.len(),
        arrow.len()
    );
    println!(
        "| in | out | threads | events a second | ns an event | of it deciding | rows or lines of decisions | reading and the rest |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    let (lines, tables) = (None, Some(TableFormat::Parquet));
    let ways = [
        ("JSON lines", &json, Format::Ndjson, "JSON lines", lines, 1),
        ("JSON lines", &json, Format::Ndjson, "JSON lines", lines, 2),
        ("CSV", &csv, Format::Csv, "JSON lines", lines, 1),
        ("Arrow", &arrow, Format::Arrow, "JSON lines", lines, 1),
        ("Parquet", &parquet, Format::Parquet, "JSON lines", lines, 1),
        ("Arrow", &arrow, Format::Arrow, "Arrow", Some(TableFormat::Arrow), 1),
        ("Parquet", &parquet, Format::Parquet, "Parquet", tables, 1),
        ("Parquet", &parquet, Format::Parquet, "Parquet", tables, 2),
    ];
    let expected = run(&engine, &json, Format::Ndjson, None, 1).bytes;
    for (name, bytes, format, out_name, out, threads) in ways {
        let runs = (0..TURNS).map(|_| run(&engine, bytes, format, out, threads));
        let best = runs.min_by_key(|time| time.all).expect("some turns");
        assert!(out.is_some() || best.bytes == expected, "{name} on {threads} threads gives something else");
        let each = |time: Duration| time.as_nanos() / u128::from(best.events.max(1));
        let split = |time: Duration| if threads == 1 { each(time).to_string() } else { String::new() };
        println!(
            "| {name} | {out_name} | {threads} | {:.0} | {} | {} | {} | {} |",
            best.events as f64 / best.all.as_secs_f64(),
            each(best.all),
            split(best.evaluate),
            split(best.write),
            split(best.all.saturating_sub(best.evaluate + best.write))
        );
    }
    let (engine, json) = example("coming-back");
    let one = run(&engine, &json, Format::Ndjson, None, 1);
    println!(
        "coming-back, which looks back: {:.0} events a second on one thread",
        one.events as f64 / one.all.as_secs_f64()
    );
    for threads in [2, 3, 8] {
        let more = run(&engine, &json, Format::Ndjson, None, threads);
        assert!(more.bytes == one.bytes, "{threads} threads give something else");
        println!("on {threads} threads: {:.0}, the same bytes", more.events as f64 / more.all.as_secs_f64());
    }
}
