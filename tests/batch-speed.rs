//! How long a year of receipts takes in bulk, and where the time goes:
//! `cargo run --release -p perq-tests --bin batch-speed`.
//!
//! Each way is run several times, and the best is told. Decisions go into memory. That every way and every number of threads
//! gives the same decisions is checked on the whole year.

use perq_runtime::batch::{self, BatchOptions, Decisions, Format, Input};
use perq_runtime::columnar::TableFormat;
use perq_runtime::decision::DecisionTable;
use perq_runtime::engine::Engine;
use perq_tests::bulk::{Shared, csv_of, example, table_of};
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

fn main() {
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
