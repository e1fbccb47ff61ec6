//! The year of receipts in every format that records come in, for the suite and for whoever measures.

use perq_cli::{programme, tables};
use perq_runtime::clock::Zone;
use perq_runtime::columnar::{Cell, Column, ColumnKind, TableFormat, TableWriter};
use perq_runtime::decimal;
use perq_runtime::engine::Engine;
use perq_runtime::input;
use perq_runtime::pack::Pack;
use perq_runtime::record::ReadOptions;
use serde_json::Value as Json;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The engine of an example, and its events as JSON lines.
pub fn example(name: &str) -> (Engine, Vec<u8>) {
    let folder = crate::root().join("rules-examples").join(name);
    let programme = programme::find_one(&folder).unwrap_or_else(|failure| panic!("{failure:?}"));
    let catalogue =
        tables::catalogue(&programme.config.catalogue).unwrap_or_else(|failure| panic!("{failure:?}"));
    let compilation = programme.compile().unwrap_or_else(|failure| panic!("{failure:?}"));
    let pack = Pack::of(compilation.program.expect("the example compiles"));
    let engine = tables::engine(pack, &catalogue, None, ReadOptions::default(), &[])
        .unwrap_or_else(|failure| panic!("{failure:?}"));
    (engine, events(&programme.config.events.files.0))
}

fn events(paths: &[impl AsRef<Path>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        let file = tables::open(path.as_ref()).unwrap_or_else(|failure| panic!("{failure:?}"));
        input::open(file).and_then(|mut text| text.read_to_end(&mut bytes)).unwrap();
    }
    bytes
}

/// A file in memory that outlives its writer.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    /// What was written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The year's receipts as a table; their instants as texts of the shops' clocks, or as instants.
pub fn table_of(lines: &[u8], format: TableFormat, as_instants: bool) -> Vec<u8> {
    let zone = Zone::named("Europe/London").unwrap();
    let columns = [
        Column::new("id", ColumnKind::Text),
        Column::new("kind", ColumnKind::Text),
        Column::optional("member", ColumnKind::Text),
        Column::new("at", if as_instants { ColumnKind::Instant } else { ColumnKind::Text }),
        Column::optional("currency", ColumnKind::Text),
        Column::optional("country", ColumnKind::Text),
        Column::optional("nobody_reads", ColumnKind::Truth),
        Column::new(
            "lines",
            ColumnKind::Rows(vec![
                Column::new("sku", ColumnKind::Text),
                Column::new("qty", ColumnKind::Whole),
                Column::new("price", ColumnKind::Decimal { digits: 18, scale: 4 }),
                Column::optional("desc", ColumnKind::Text),
            ]),
        ),
    ];
    let mut table = TableWriter::new(format, &columns, Vec::new()).unwrap();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Json = serde_json::from_slice(line).unwrap();
        let text = |key: &str| event.get(key).and_then(Json::as_str);
        let cells: Vec<[Cell; 4]> = event["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| {
                let price = decimal::parse(line["price"].as_str().unwrap(), 4).unwrap();
                [
                    Cell::Text(line["sku"].as_str().unwrap()),
                    Cell::Whole(line["qty"].as_i64().unwrap()),
                    Cell::Decimal(i128::from(price)),
                    Cell::from(line.get("desc").and_then(Json::as_str)),
                ]
            })
            .collect();
        let rows: Vec<&[Cell]> = cells.iter().map(<[Cell; 4]>::as_slice).collect();
        let at = text("at").unwrap();
        let row = [
            Cell::from(text("id")),
            Cell::from(text("kind")),
            Cell::from(text("member")),
            if as_instants { Cell::Instant(zone.moment(at).unwrap().instant) } else { Cell::Text(at) },
            Cell::from(text("currency")),
            Cell::from(text("country")),
            Cell::Absent,
            Cell::Rows(&rows),
        ];
        table.row(&row).unwrap();
    }
    table.finish().unwrap()
}

/// The year's receipts as CSV, a row for each line.
pub fn csv_of(lines: &[u8]) -> Vec<u8> {
    let mut out = String::from("id,kind,member,at,currency,country,sku,qty,price\n");
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Json = serde_json::from_slice(line).unwrap();
        let text = |of: &Json, key: &str| of.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let head: Vec<String> = ["id", "kind", "member", "at", "currency", "country"]
            .iter()
            .map(|key| text(&event, key))
            .collect();
        for line in event["lines"].as_array().unwrap() {
            let cells = [text(line, "sku"), line["qty"].to_string(), text(line, "price")];
            let cells: Vec<String> = head.iter().chain(&cells).map(|cell| quoted(cell)).collect();
            out.push_str(&cells.join(","));
            out.push('\n');
        }
    }
    out.into_bytes()
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// The first events of a stream.
pub fn first(lines: &[u8], count: usize) -> Vec<u8> {
    lines.split_inclusive(|byte| *byte == b'\n').take(count).collect::<Vec<_>>().concat()
}
