//! Receipts of the workload as a stream of Arrow: a row for each, its member a row within it, its lines a list of rows.

use super::data::{Data, Line};
use super::text::{CHANNELS, CURRENCIES, NEW_YEAR, PAYMENTS, TIERS};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray, TimestampSecondArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Fields, Schema};
use std::sync::Arc;

/// Rows of a batch.
const ROWS: usize = 4_096;

fn row(columns: Vec<(&str, ArrayRef)>) -> StructArray {
    let fields: Fields =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), false)).collect();
    StructArray::new(fields, columns.into_iter().map(|(_, array)| array).collect(), None)
}

fn list(lengths: impl Iterator<Item = usize>, entries: ArrayRef) -> ArrayRef {
    let entry = Arc::new(Field::new("item", entries.data_type().clone(), false));
    Arc::new(ListArray::new(entry, OffsetBuffer::from_lengths(lengths), entries, None))
}

fn texts(of: impl Iterator<Item = String>) -> ArrayRef {
    // As many as there are, of which not every iterator says the number.
    Arc::new(StringArray::from_iter_values(of.collect::<Vec<_>>()))
}

/// Few names that come often.
fn names<'n>(of: impl Iterator<Item = &'n str>) -> ArrayRef {
    let names: DictionaryArray<Int32Type> = of.collect();
    Arc::new(names)
}

fn money(of: impl Iterator<Item = i64>) -> ArrayRef {
    let amounts = Decimal128Array::from_iter_values(of.map(i128::from));
    Arc::new(amounts.with_precision_and_scale(18, 2).expect("18 digits"))
}

fn days(of: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(of.map(|day| i32::try_from(day).expect("a day"))))
}

/// The rows from `start`, as many as a batch has.
fn batch(data: &Data, start: usize) -> RecordBatch {
    let receipts = &data.receipts[start..data.receipts.len().min(start + ROWS)];
    let all = || receipts.iter();
    let lines: Vec<&Line> = all().flat_map(|receipt| data.lines_of(receipt)).collect();
    let segments = |of: u64| (0..64u32).filter(move |segment| of >> segment & 1 == 1);
    let inside =
        texts(all().flat_map(|receipt| segments(receipt.segments)).map(|segment| format!("G{segment:02}")));
    let member = row(vec![
        ("id", texts(all().map(|receipt| format!("m{}", receipt.member)))),
        ("tier", names(all().map(|receipt| TIERS[usize::from(receipt.tier)]))),
        (
            "birthday",
            texts(all().map(|receipt| format!("1980-{:02}-{:02}", receipt.birth_month, receipt.birth_day))),
        ),
        ("joined", days(all().map(|receipt| NEW_YEAR + i64::from(receipt.joined)))),
        ("spent", money(all().map(|receipt| receipt.spent))),
        ("segments", list(all().map(|receipt| receipt.segments.count_ones() as usize), inside)),
    ]);
    let line = row(vec![
        ("sku", texts(lines.iter().map(|line| format!("P{:05}", line.sku)))),
        ("pieces", Arc::new(Int64Array::from_iter_values(lines.iter().map(|line| i64::from(line.pieces))))),
        ("amount", money(lines.iter().map(|line| line.net))),
    ]);
    let at = all().map(|receipt| {
        let (hour, minute) = (i64::from(receipt.hour), i64::from(receipt.minute));
        (NEW_YEAR + i64::from(receipt.day)) * 86_400 + hour * 3_600 + minute * 60 + i64::from(receipt.second)
    });
    RecordBatch::from(row(vec![
        ("id", texts((start..start + receipts.len()).map(|number| number.to_string()))),
        ("kind", names(all().map(|_| "sale"))),
        ("at", Arc::new(TimestampSecondArray::from_iter_values(at))),
        ("store", texts(all().map(|receipt| format!("S{:03}", receipt.store)))),
        ("channel", names(all().map(|receipt| CHANNELS[usize::from(receipt.channel)]))),
        ("paid_with", names(all().map(|receipt| PAYMENTS[usize::from(receipt.payment)]))),
        ("till", names(all().map(|receipt| CURRENCIES[usize::from(receipt.currency)]))),
        ("member", Arc::new(member)),
        ("lines", list(all().map(|receipt| data.lines_of(receipt).len()), Arc::new(line))),
    ]))
}

/// The stream: names of a batch replace those of the one before, which a file could not hold.
///
/// # Panics
///
/// When Arrow refuses it.
pub fn stream(data: &Data) -> Vec<u8> {
    let schema: Arc<Schema> = batch(data, 0).schema();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).expect("a stream");
    for start in (0..data.receipts.len()).step_by(ROWS) {
        writer.write(&batch(data, start)).expect("a batch");
    }
    writer.into_inner().expect("the end of the stream")
}
