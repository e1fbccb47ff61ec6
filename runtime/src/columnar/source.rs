//! Files of Parquet and Arrow as batches.
//!
//! A file comes from anywhere, so no length that it states is believed before as many bytes were seen, and what its
//! decoder trips over is an error.

use super::{TableError, TableErrorKind, TableFormat};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a batch of Parquet.
const ROWS: usize = 1 << 12;

/// Bytes that are read at a time.
const PIECE: u64 = 1 << 20;

/// An Arrow file begins and ends with it.
const ARROW: &[u8] = b"ARROW1";

/// What ends a stream of Arrow.
const STREAM_END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Bytes that can be read in any order.
#[derive(Clone)]
pub(crate) enum Bulk {
    File(Arc<Mutex<File>>, u64),
    Memory(Bytes),
}

impl Bulk {
    /// # Errors
    /// Where the length of the file cannot be told.
    pub(crate) fn of_file(file: File) -> io::Result<Bulk> {
        let metadata = file.metadata()?;
        if metadata.is_file() {
            return Ok(Bulk::File(Arc::new(Mutex::new(file)), metadata.len()));
        }
        // A pipe has no length and no way back.
        let mut bytes = Vec::new();
        let mut file = file;
        file.read_to_end(&mut bytes)?;
        Ok(Bulk::of_memory(bytes))
    }

    pub(crate) fn of_memory(bytes: Vec<u8>) -> Bulk {
        Bulk::Memory(Bytes::from(bytes))
    }

    fn length(&self) -> u64 {
        match self {
            Bulk::File(_, length) => *length,
            Bulk::Memory(bytes) => bytes.len() as u64,
        }
    }

    fn bytes(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let beyond = || io::Error::new(io::ErrorKind::UnexpectedEof, "it refers to bytes beyond its end");
        let end = start.checked_add(length as u64).filter(|end| *end <= self.length()).ok_or_else(beyond)?;
        match self {
            Bulk::File(file, _) => {
                let mut bytes = vec![0; length];
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(start))?;
                file.read_exact(&mut bytes)?;
                Ok(bytes.into())
            }
            Bulk::Memory(bytes) => {
                let place = |at: u64| usize::try_from(at).map_err(|_| beyond());
                Ok(bytes.slice(place(start)?..place(end)?))
            }
        }
    }
}

impl Length for Bulk {
    fn len(&self) -> u64 {
        self.length()
    }
}

impl ChunkReader for Bulk {
    type T = From;

    fn get_read(&self, start: u64) -> Result<From, ParquetError> {
        Ok(From { bulk: self.clone(), at: start, piece: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.bytes(start, length).map_err(ParquetError::from)
    }
}

/// Reads on from a place.
pub(crate) struct From {
    bulk: Bulk,
    at: u64,
    piece: Bytes,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            let rest = self.bulk.length().saturating_sub(self.at);
            let length = rest.min(1 << 13) as usize;
            self.piece = self.bulk.bytes(self.at, length)?;
            self.at += length as u64;
        }
        let count = buffer.len().min(self.piece.len());
        let piece = self.piece.split_to(count);
        if let Some(place) = buffer.get_mut(..count) {
            place.copy_from_slice(&piece);
        }
        Ok(count)
    }
}

/// The batches of a file, one after another.
pub(crate) struct Batches {
    schema: SchemaRef,
    batches: Kind,
    /// Rows of the batches that were given.
    rows: u64,
    ended: bool,
}

enum Kind {
    Parquet(Box<ParquetRecordBatchReader>),
    Arrow(Box<Stream>),
}

impl Batches {
    /// `keep` tells the columns that are wanted; of Parquet the others are not even decoded.
    ///
    /// # Errors
    /// Where it is no file of the format.
    pub(crate) fn open(
        format: TableFormat,
        bulk: Bulk,
        keep: &dyn Fn(&str) -> bool,
    ) -> Result<Batches, TableError> {
        guarded(0, || match format {
            TableFormat::Parquet => {
                // Types are those of the columns, not those of a schema that is told beside them.
                let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
                let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bulk, options)
                    .map_err(|error| of_parquet(&error))?;
                let fields = builder.schema().fields().iter().enumerate();
                let wanted: Vec<usize> =
                    fields.filter(|(_, field)| keep(field.name())).map(|(at, _)| at).collect();
                let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
                let builder = builder.with_projection(mask);
                let reader = builder.with_batch_size(ROWS).build().map_err(|error| of_parquet(&error))?;
                let schema = reader.schema();
                Ok(Batches { schema, batches: Kind::Parquet(Box::new(reader)), rows: 0, ended: false })
            }
            TableFormat::Arrow => {
                let (stream, schema) = Stream::open(bulk)?;
                Ok(Batches { schema, batches: Kind::Arrow(Box::new(stream)), rows: 0, ended: false })
            }
        })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch, and how many rows came before it.
    ///
    /// # Errors
    /// Where the file is damaged; there is nothing more then.
    pub(crate) fn next(&mut self) -> Result<Option<(RecordBatch, u64)>, TableError> {
        if self.ended {
            return Ok(None);
        }
        let before = self.rows;
        let batches = &mut self.batches;
        let batch = guarded(before, || match batches {
            Kind::Parquet(reader) => reader.next().transpose().map_err(|error| of_arrow(&error)),
            Kind::Arrow(stream) => stream.next(),
        });
        self.ended = !matches!(batch, Ok(Some(_)));
        Ok(batch?.map(|batch| {
            self.rows += batch.num_rows() as u64;
            (batch, before)
        }))
    }
}

thread_local! {
    /// Whether this thread is in the decoder of a file.
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in the decoder of a file, so that a panic is caught and told as an error of the file: for hosts
/// whose hook would tell it as a mistake of the program.
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// With a fault of the decoder as an error of the file.
fn guarded<T>(before: u64, of: impl FnOnce() -> Result<T, TableError>) -> Result<T, TableError> {
    DECODING.set(true);
    let result = catch_unwind(AssertUnwindSafe(of));
    DECODING.set(false);
    let result = result.unwrap_or_else(|_| Err(broken("its parts contradict each other")));
    result.map_err(|mut error| {
        if before > 0 {
            error.message = format!("after {before} rows: {}", error.message);
        }
        error
    })
}

/// A stream of Arrow, by itself or in a file.
struct Stream {
    bulk: Bulk,
    decoder: StreamDecoder,
    at: u64,
    end: u64,
    piece: Buffer,
}

impl Stream {
    fn open(bulk: Bulk) -> Result<(Stream, SchemaRef), TableError> {
        let length = bulk.length();
        let mut extent = 0..length;
        if length >= 8 && bulk.bytes(0, ARROW.len())?.as_ref() == ARROW {
            let tail = bulk.bytes(length.saturating_sub(10), 10).map_err(|_| cut_short())?;
            let Some((size, ARROW)) = tail.split_first_chunk::<4>() else { return Err(cut_short()) };
            let footer = u64::from(u32::from_le_bytes(*size));
            extent = 8..length.checked_sub(footer + 10).ok_or_else(cut_short)?;
            // The writer pads up to where its buffers are to stand.
            while extent.start < 64 && bulk.bytes(extent.start, 4)?.as_ref() == [0; 4] {
                extent.start += 8;
            }
        }
        let (start, end) = (extent.start, extent.end);
        let body = end.checked_sub(8).filter(|body| *body >= start + 8).ok_or_else(cut_short)?;
        if bulk.bytes(body, 8)?.as_ref() != STREAM_END {
            return Err(cut_short());
        }
        let mut stream = Stream {
            bulk,
            decoder: StreamDecoder::new(),
            at: start,
            end: body,
            piece: Buffer::from_vec(Vec::<u8>::new()),
        };
        // The first message is the schema. Its length comes first, in four or eight bytes.
        let head = stream.bulk.bytes(start, 8)?;
        let size = match head.split_first_chunk::<4>() {
            Some(([0xff, 0xff, 0xff, 0xff], size)) => {
                size.try_into().map(u32::from_le_bytes).map_or(0, u64::from) + 8
            }
            Some((size, _)) => u64::from(u32::from_le_bytes(*size)) + 4,
            None => 0,
        };
        stream.take(size.min(body - start))?;
        stream.refuse_rows()?;
        // That the message has no body is seen with the byte that follows it.
        while stream.decoder.schema().is_none() && stream.at < end {
            let (rest, step) = if stream.at < body { (body, 1) } else { (end, 8) };
            stream.take(step.min(rest - stream.at))?;
            stream.refuse_rows()?;
        }
        let schema = stream.decoder.schema();
        let schema = schema.ok_or_else(|| broken("it does not begin with its columns"))?;
        Ok((stream, schema))
    }

    /// Before the columns are known, there is nothing but them.
    fn refuse_rows(&mut self) -> Result<(), TableError> {
        match self.decoder.decode(&mut self.piece).map_err(|error| of_arrow(&error))? {
            None => Ok(()),
            Some(_) => Err(broken("it has rows before its columns")),
        }
    }

    fn take(&mut self, length: u64) -> Result<(), TableError> {
        let bytes = self.bulk.bytes(self.at, usize::try_from(length).unwrap_or(usize::MAX))?;
        self.at += length;
        self.piece = Buffer::from(bytes);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<RecordBatch>, TableError> {
        loop {
            if self.piece.is_empty() {
                let rest = self.end.saturating_sub(self.at);
                if rest == 0 {
                    return self.decoder.finish().map(|()| None).map_err(|_| cut_short());
                }
                // What is in memory is not copied.
                let most = match self.bulk {
                    Bulk::File(..) => PIECE,
                    Bulk::Memory(_) => rest,
                };
                self.take(rest.min(most))?;
            }
            let batch = self.decoder.decode(&mut self.piece).map_err(|error| of_arrow(&error))?;
            if let Some(batch) = batch {
                return Ok(Some(batch));
            }
        }
    }
}

#[cold]
fn broken(message: &str) -> TableError {
    TableError::new(TableErrorKind::Broken, "", message)
}

#[cold]
fn cut_short() -> TableError {
    broken("it is cut short, or no file of its kind")
}

fn of_parquet(error: &ParquetError) -> TableError {
    match error {
        ParquetError::EOF(_) => cut_short(),
        ParquetError::NYI(what) => broken(&format!("it uses what perq does not read: {what}")),
        other => broken(&other.to_string()),
    }
}

fn of_arrow(error: &ArrowError) -> TableError {
    let text = error.to_string();
    if text.contains("compress") {
        return broken(
            "its batches are compressed, which perq does not read; write it without compression, or as Parquet",
        );
    }
    broken(&text)
}
