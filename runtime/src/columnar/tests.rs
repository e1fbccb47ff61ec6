//! Tables that are written and read again, on paper and at random; files that nobody should write.

use super::*;
use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use std::sync::Arc;

const FORMATS: [TableFormat; 2] = [TableFormat::Parquet, TableFormat::Arrow];

fn columns() -> Vec<Column> {
    vec![
        Column::new("event", ColumnKind::Text),
        Column::new("count", ColumnKind::Whole),
        Column::optional("amount", ColumnKind::Decimal { digits: 18, scale: 2 }),
        Column::new("total", ColumnKind::Decimal { digits: 38, scale: 4 }),
        Column::optional("gift", ColumnKind::Truth),
        Column::new("at", ColumnKind::Instant),
        Column::optional("day", ColumnKind::Date),
        Column::optional("codes", ColumnKind::Texts),
        Column::optional(
            "lots",
            ColumnKind::Rows(vec![
                Column::new("amount", ColumnKind::Decimal { digits: 18, scale: 0 }),
                Column::optional("until", ColumnKind::Instant),
            ]),
        ),
    ]
}

fn written(format: TableFormat, rows: usize) -> Vec<u8> {
    let mut table = TableWriter::new(format, &columns(), Vec::new()).unwrap();
    for row in 0..rows {
        let name = format!("e{row}");
        let lots: [&[Cell]; 2] =
            [&[Cell::Decimal(7), Cell::Absent], &[Cell::Decimal(row as i128), Cell::Instant(60)]];
        let odd = row % 2 == 1;
        let cells = [
            Cell::Text(&name),
            Cell::Whole(i64::MIN + row as i64),
            if odd { Cell::Absent } else { Cell::Decimal(-999_999_999_999_999_999) },
            Cell::Decimal(10i128.pow(38) - 1),
            if odd { Cell::Truth(true) } else { Cell::Absent },
            Cell::Instant(-1),
            if odd { Cell::Date(20_000) } else { Cell::Absent },
            if odd { Cell::Texts(&["A", "é"]) } else { Cell::Absent },
            if odd { Cell::Rows(&lots[..row % 3]) } else { Cell::Absent },
        ];
        table.row(&cells).unwrap();
    }
    assert_eq!(table.rows(), rows as u64);
    table.finish().unwrap()
}

fn all(mut reader: TableReader) -> Result<Vec<Vec<Value>>, TableError> {
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row()? {
        rows.push(row);
    }
    Ok(rows)
}

fn read(format: TableFormat, bytes: &[u8], columns: &[Column]) -> Result<Vec<Vec<Value>>, TableError> {
    TableReader::of_memory(format, bytes.to_vec(), columns).and_then(all)
}

#[test]
fn what_is_written_is_read() {
    for format in FORMATS {
        let bytes = written(format, 2);
        assert_eq!(bytes, written(format, 2));
        let rows = read(format, &bytes, &columns()).unwrap();
        assert_eq!(
            rows,
            [
                vec![
                    Value::Text("e0".to_owned()),
                    Value::Whole(i64::MIN),
                    Value::Decimal(-999_999_999_999_999_999),
                    Value::Decimal(10i128.pow(38) - 1),
                    Value::Absent,
                    Value::Instant(-1),
                    Value::Absent,
                    Value::Absent,
                    Value::Absent,
                ],
                vec![
                    Value::Text("e1".to_owned()),
                    Value::Whole(i64::MIN + 1),
                    Value::Absent,
                    Value::Decimal(10i128.pow(38) - 1),
                    Value::Truth(true),
                    Value::Instant(-1),
                    Value::Date(20_000),
                    Value::Texts(vec!["A".to_owned(), "é".to_owned()]),
                    Value::Rows(vec![vec![Value::Decimal(7), Value::Absent]]),
                ],
            ]
        );
        // Many batches, and none.
        assert_eq!(read(format, &written(format, 40_000), &columns()).unwrap().len(), 40_000);
        assert!(read(format, &written(format, 0), &columns()).unwrap().is_empty());
        // Some columns only, in another order, and one that is not there.
        let some = [
            Column::optional("missing", ColumnKind::Rows(columns())),
            Column::new("total", ColumnKind::Decimal { digits: 38, scale: 4 }),
            Column::new("event", ColumnKind::Text),
        ];
        let rows = read(format, &bytes, &some).unwrap();
        assert_eq!(rows[1][..1], [Value::Absent]);
        assert_eq!(rows[1][2], Value::Text("e1".to_owned()));
    }
}

#[test]
fn what_does_not_fit_is_refused_when_it_is_given() {
    let cases = [
        (0, Cell::Whole(1), "wrong-type"),
        (0, Cell::Absent, "missing-value"),
        (2, Cell::Decimal(10i128.pow(18)), "out-of-range"),
        (3, Cell::Decimal(i128::MIN), "out-of-range"),
        (5, Cell::Instant(i64::MAX), "out-of-range"),
        (6, Cell::Date(i64::MAX), "out-of-range"),
        (7, Cell::Text("A"), "wrong-type"),
        (8, Cell::Rows(&[&[]]), "wrong-type"),
        (8, Cell::Rows(&[&[Cell::Absent, Cell::Absent]]), "missing-value"),
        (8, Cell::Texts(&[]), "wrong-type"),
    ];
    for (at, cell, name) in cases {
        let mut row = [
            Cell::Text("a"),
            Cell::Whole(1),
            Cell::Absent,
            Cell::Decimal(1),
            Cell::Absent,
            Cell::Instant(0),
            Cell::Absent,
            Cell::Absent,
            Cell::Absent,
        ];
        let mut table = TableWriter::new(TableFormat::Arrow, &columns(), Vec::new()).unwrap();
        table.row(&row).unwrap();
        row[at] = cell;
        let error = table.row(&row).unwrap_err();
        assert_eq!((error.name(), error.row), (name, 2), "{error}");
    }
    let mut table = TableWriter::new(TableFormat::Arrow, &columns(), Vec::new()).unwrap();
    assert_eq!(table.row(&[]).unwrap_err().name(), "wrong-type");
    for (digits, scale) in [(0, 0), (39, 2), (2, 3), (38, 200)] {
        let columns = [Column::new("a", ColumnKind::Decimal { digits, scale })];
        assert_eq!(TableBuilder::new(&columns).unwrap_err().name(), "out-of-range");
    }
    let twice = [Column::new("a", ColumnKind::Text), Column::new("a", ColumnKind::Text)];
    assert!(TableBuilder::new(&twice).is_err());
}

fn foreign(format: TableFormat, kind: DataType, array: ArrayRef) -> Vec<u8> {
    let schema = Arc::new(Schema::new(vec![Field::new("a", kind, true)]));
    let mut file = write::TableFile::new(format, schema.clone(), Vec::new()).unwrap();
    file.write(&RecordBatch::try_new(schema, vec![array]).unwrap()).unwrap();
    file.finish().unwrap()
}

#[test]
fn columns_of_other_types_are_refused_and_exact_ones_are_not() {
    let money = [Column::new("a", ColumnKind::Decimal { digits: 18, scale: 2 })];
    for format in FORMATS {
        let floats = foreign(format, DataType::Float64, Arc::new(Float64Array::from(vec![1.5])));
        let error = read(format, &floats, &money).unwrap_err();
        assert_eq!(error.name(), "wrong-type");
        assert!(error.to_string().contains("write it as a decimal"), "{error}");
        let whole = foreign(format, DataType::Int32, Arc::new(Int32Array::from(vec![3])));
        assert_eq!(read(format, &whole, &money).unwrap(), [[Value::Decimal(300)]]);
        let text = foreign(format, DataType::Utf8, Arc::new(StringArray::from(vec![None, Some("x")])));
        assert_eq!(read(format, &text, &money).unwrap_err().name(), "wrong-type");
        let needed = [Column::new("a", ColumnKind::Text)];
        let error = read(format, &text, &needed).unwrap_err();
        assert_eq!((error.name(), error.row), ("missing-value", 1));
        let other = [Column::new("b", ColumnKind::Text)];
        assert_eq!(read(format, &text, &other).unwrap_err().name(), "missing-column");
    }
    assert_eq!(read::rescaled(150, 2, 4), Some(15_000));
    assert_eq!(read::rescaled(150, 2, 1), Some(15));
    assert_eq!(read::rescaled(151, 2, 1), None);
    assert_eq!(read::rescaled(15, -2, 0), Some(1_500));
    assert_eq!(read::rescaled(0, 127, 0), Some(0));
    assert_eq!(read::rescaled(i128::MAX, 0, 1), None);
}

#[test]
fn a_file_that_is_cut_short_is_refused() {
    for format in FORMATS {
        let bytes = written(format, 40);
        for length in 0..bytes.len() {
            let result = read(format, &bytes[..length], &columns());
            assert!(result.is_err(), "{format:?} {length}");
        }
    }
}

#[test]
fn damaged_files_are_read_or_refused() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for format in FORMATS {
        let whole = written(format, 50);
        for _ in 0..3_000 {
            let mut bytes = whole.clone();
            for _ in 0..=random() % 3 {
                let at = random() % bytes.len();
                match random() % 4 {
                    0 => bytes[at] = random() as u8,
                    1 => bytes[at] = 0xff,
                    2 => bytes[at] ^= 1 << (random() % 8),
                    _ => {
                        bytes.remove(at);
                    }
                }
            }
            let _ = read(format, &bytes, &columns());
        }
    }
}
