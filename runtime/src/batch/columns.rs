//! Rows of Parquet and Arrow in chunks.
//!
//! Refuses to know what the columns mean: [`crate::record`] reads them.

use super::chunk::{Chunk, Source};
use crate::columnar::cells::Cells;
use crate::columnar::source::{Batches, Bulk};
use crate::columnar::{TableError, TableFormat};
use crate::record::columns::Columns;
use crate::record::schema::EVENT;
use crate::record::{Schema, UnknownFields};
use arrow_array::RecordBatch;
use std::io;
use std::sync::Arc;

/// Rows that a thread takes at a time.
const ROWS: usize = 1 << 10;

/// Rows of a chunk.
#[derive(Debug)]
pub(crate) struct Rows {
    batch: RecordBatch,
    first: u64,
    columns: Arc<Columns>,
}

impl Rows {
    /// How they are read, and their values.
    pub(super) fn cells(&self) -> (&Columns, Vec<Cells<'_>>) {
        (&self.columns, Columns::cells(&self.batch))
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.batch.num_rows()
    }

    /// The first one's number in the file, which stands for its line.
    pub(super) fn first(&self) -> u64 {
        self.first
    }
}

/// Events of a file.
pub(super) struct Table {
    batches: Batches,
    columns: Arc<Columns>,
    /// What is left of a batch, and how many rows came before it.
    rest: Option<(RecordBatch, u64)>,
}

impl Table {
    /// # Errors
    /// Where it is no file of the format, or its columns do not fit the program.
    pub(super) fn open(schema: &Schema, format: TableFormat, bulk: Bulk) -> io::Result<Table> {
        let refuse = schema.options().unknown_fields == UnknownFields::Refuse;
        let keep = |name: &str| refuse || schema.lookup(EVENT, name).is_some();
        let batches = Batches::open(format, bulk, &keep).map_err(TableError::into_io)?;
        let columns = Columns::of(schema, batches.schema().fields()).map_err(TableError::into_io)?;
        Ok(Table { batches, columns: Arc::new(columns), rest: None })
    }
}

impl Source for Table {
    fn next(&mut self) -> io::Result<Option<Chunk>> {
        let (batch, before) = match self.rest.take() {
            Some(rest) => rest,
            None => match self.batches.next().map_err(TableError::into_io)? {
                Some(next) => next,
                None => return Ok(None),
            },
        };
        let length = batch.num_rows().min(ROWS);
        if batch.num_rows() > length {
            let rest = batch.slice(length, batch.num_rows() - length);
            self.rest = Some((rest, before + length as u64));
        }
        let columns = Arc::clone(&self.columns);
        let rows = Rows { batch: batch.slice(0, length), first: before + 1, columns };
        Ok(Some(Chunk { rows: Some(super::Rows::Columns(rows)), ..Chunk::default() }))
    }

    fn names_no_purchase(&self) -> bool {
        !self.columns.names_purchases()
    }
}
