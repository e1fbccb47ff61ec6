//! Tables into files.
//!
//! Refuses to know rows beyond their order: equal rows are equal bytes, whatever wrote them.

use super::build::push_row;
use super::{Cell, Column, TableBuilder, TableError, TableErrorKind, TableFormat};
use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::io::{BufWriter, Write};

/// Rows that are held before they are handed on.
const ROWS: usize = 1 << 14;

/// About as many bytes are held before they are handed on.
const BYTES: usize = 1 << 25;

/// Rows of a row group of Parquet.
const GROUP_ROWS: usize = 1 << 18;

/// Writes a table row by row. What it holds in memory is bounded, whatever the number of rows.
pub struct TableWriter<W: Write + Send> {
    table: TableBuilder,
    file: TableFile<W>,
    rows: u64,
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// Where columns cannot be had (two of one name, a decimal of no or too many digits), or nothing can be written.
    pub fn new(format: TableFormat, columns: &[Column], place: W) -> Result<TableWriter<W>, TableError> {
        let table = TableBuilder::new(columns)?;
        let file = TableFile::new(format, table.schema(), place)?;
        Ok(TableWriter { table, file, rows: 0 })
    }

    /// Adds a row: a value for each column, in their order.
    ///
    /// # Errors
    /// Where a value is not what its column holds, or nothing can be written. The table cannot be used on then.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), TableError> {
        self.rows += 1;
        push_row(self.table.columns(), cells).map_err(|error| error.at(self.rows))?;
        self.table.end_row()?;
        if self.table.rows() >= ROWS || (self.table.rows().is_multiple_of(64) && self.table.bytes() >= BYTES)
        {
            self.file.write(&self.table.take()?)?;
        }
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the table and gives the place back. A table that is not ended is no table.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub fn finish(mut self) -> Result<W, TableError> {
        if self.table.rows() > 0 {
            self.file.write(&self.table.take()?)?;
        }
        self.file.finish()
    }
}

/// A file that batches of rows are put in.
pub(crate) enum TableFile<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Arrow(Box<FileWriter<BufWriter<W>>>),
}

impl<W: Write + Send> TableFile<W> {
    pub(crate) fn new(format: TableFormat, schema: SchemaRef, place: W) -> Result<TableFile<W>, TableError> {
        Ok(match format {
            TableFormat::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_created_by(format!("perq {}", env!("CARGO_PKG_VERSION")))
                    .build();
                let writer = ArrowWriter::try_new(place, schema, Some(properties)).map_err(of_parquet)?;
                TableFile::Parquet(Box::new(writer))
            }
            TableFormat::Arrow => {
                let writer = FileWriter::try_new_buffered(place, &schema).map_err(of_arrow)?;
                TableFile::Arrow(Box::new(writer))
            }
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        match self {
            TableFile::Parquet(writer) => writer.write(batch).map_err(of_parquet),
            TableFile::Arrow(writer) => writer.write(batch).map_err(of_arrow),
        }
    }

    pub(crate) fn finish(self) -> Result<W, TableError> {
        let mut place = match self {
            TableFile::Parquet(writer) => writer.into_inner().map_err(of_parquet)?,
            TableFile::Arrow(mut writer) => {
                writer.finish().map_err(of_arrow)?;
                let buffered = writer.into_inner().map_err(of_arrow)?;
                buffered.into_inner().map_err(|error| TableError::from(error.into_error()))?
            }
        };
        place.flush()?;
        Ok(place)
    }
}

fn of_parquet(error: parquet::errors::ParquetError) -> TableError {
    match error {
        parquet::errors::ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => TableError::from(*error),
            Err(error) => TableError::from(std::io::Error::other(error)),
        },
        other => TableError::new(
            TableErrorKind::Place(std::io::Error::other(other.to_string())),
            "",
            other.to_string(),
        ),
    }
}

fn of_arrow(error: arrow_schema::ArrowError) -> TableError {
    match error {
        arrow_schema::ArrowError::IoError(_, error) => TableError::from(error),
        other => TableError::new(
            TableErrorKind::Place(std::io::Error::other(other.to_string())),
            "",
            other.to_string(),
        ),
    }
}
