//! Cuts streams into chunks of whole records, in bounded memory, whatever the stream holds.
//!
//! Refuses to know what is in a record.

use crate::record::sheet::Origin;
use memchr::{memchr, memchr_iter, memrchr};
use std::io::{self, Read};

/// Whole records one after another, each with a line end after it (the last perhaps without).
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub text: Vec<u8>,
    /// Line of the first record.
    pub line: u64,
    /// Bytes before the first record.
    pub offset: u64,
    /// The text is only the beginning of one line that is longer than a record may be.
    pub too_long: bool,
    /// Where each record comes from, where that is not its line in the text.
    pub origins: Option<Vec<Origin>>,
    /// Bytes of the stream up to the end of this chunk.
    pub consumed: u64,
    /// Records that are no text.
    pub rows: Option<super::Rows>,
}

/// Gives chunks.
pub(crate) trait Source: Send {
    /// The next chunk; nothing at the end.
    fn next(&mut self) -> io::Result<Option<Chunk>>;

    /// Takes back a chunk that is done with, so that its memory may serve again.
    fn give_back(&mut self, _: Chunk) {}

    /// Whether no record can name the purchase of which goods come back: there are columns, and none of them is for it.
    fn names_no_purchase(&self) -> bool {
        false
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn next(&mut self) -> io::Result<Option<Chunk>> {
        (**self).next()
    }

    fn give_back(&mut self, chunk: Chunk) {
        (**self).give_back(chunk);
    }

    fn names_no_purchase(&self) -> bool {
        (**self).names_no_purchase()
    }
}

/// Bytes of an over-long line that a rejection repeats.
const SAMPLE: usize = 1024;
const STEP: usize = 1 << 16;

/// Lines of text.
pub(crate) struct Lines<R> {
    input: R,
    /// Read and not yet given.
    carry: Vec<u8>,
    /// Memory of chunks that came back.
    spare: Vec<Vec<u8>>,
    line: u64,
    offset: u64,
    /// Bytes of a chunk.
    target: usize,
    /// Bytes of a line.
    limit: usize,
    ended: bool,
    failed: Option<io::Error>,
}

impl<R: Read> Lines<R> {
    pub fn new(input: R, target: usize, limit: usize) -> Lines<R> {
        Lines {
            input,
            carry: Vec::new(),
            spare: Vec::new(),
            line: 1,
            offset: 0,
            target,
            limit,
            ended: false,
            failed: None,
        }
    }

    /// Reads some more; false at the end, or where the stream is broken.
    fn more(&mut self, buffer: &mut Vec<u8>) -> bool {
        if self.ended {
            return false;
        }
        let length = buffer.len();
        buffer.resize(length + STEP, 0);
        loop {
            match self.input.read(buffer.get_mut(length..).unwrap_or_default()) {
                Ok(count) => {
                    buffer.truncate(length + count.min(STEP));
                    self.ended = count == 0;
                    return count > 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    buffer.truncate(length);
                    self.failed = Some(error);
                    self.ended = true;
                    return false;
                }
            }
        }
    }

    fn chunk(&mut self, text: Vec<u8>, too_long: bool, lines: u64, bytes: u64) -> Chunk {
        let chunk = Chunk {
            text,
            line: self.line,
            offset: self.offset,
            too_long,
            origins: None,
            consumed: self.offset + bytes,
            ..Chunk::default()
        };
        self.line += lines;
        self.offset += bytes;
        chunk
    }

    /// Leaves what comes from there on for the next chunk.
    fn keep(&mut self, buffer: &mut Vec<u8>, from: usize) {
        self.carry.clear();
        self.carry.extend_from_slice(buffer.get(from..).unwrap_or_default());
        buffer.truncate(from);
    }

    /// Gives up a line that is too long: keeps its beginning and passes over the rest.
    fn pass_over(&mut self, mut buffer: Vec<u8>) -> Chunk {
        let sample = buffer.get(..SAMPLE.min(buffer.len())).unwrap_or_default().to_vec();
        let mut bytes = buffer.len() as u64;
        loop {
            buffer.clear();
            if !self.more(&mut buffer) {
                return self.chunk(sample, true, 1, bytes);
            }
            if let Some(end) = memchr(b'\n', &buffer) {
                bytes += end as u64 + 1;
                self.keep(&mut buffer, end + 1);
                return self.chunk(sample, true, 1, bytes);
            }
            bytes += buffer.len() as u64;
        }
    }
}

impl<R: Read + Send> Source for Lines<R> {
    fn next(&mut self) -> io::Result<Option<Chunk>> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.append(&mut self.carry);
        let mut searched = 0;
        let mut end = None;
        loop {
            if self.offset == 0 && buffer.starts_with("\u{feff}".as_bytes()) {
                buffer.drain(..3);
                self.offset = 3;
            }
            let new = buffer.get(searched..).unwrap_or_default();
            if let Some(last) = memrchr(b'\n', new) {
                end = Some(searched + last + 1);
            }
            searched = buffer.len();
            if end.is_some() && buffer.len() >= self.target {
                break;
            }
            if end.is_none() && buffer.len() > self.limit {
                return Ok(Some(self.pass_over(buffer)));
            }
            if !self.more(&mut buffer) {
                // The stream's last line may lack its end. Where the stream is broken, it is no record.
                if self.failed.is_none() {
                    end = Some(buffer.len());
                }
                break;
            }
        }
        match end {
            Some(end) if end > 0 => {
                self.keep(&mut buffer, end);
                let lines = memchr_iter(b'\n', &buffer).count() as u64;
                let bytes = buffer.len() as u64;
                Ok(Some(self.chunk(buffer, false, lines, bytes)))
            }
            Some(_) | None => match self.failed.take() {
                Some(error) => Err(error),
                None => Ok(None),
            },
        }
    }

    fn give_back(&mut self, chunk: Chunk) {
        // One that a long record has made larger than others goes.
        if chunk.text.capacity() <= 4 * self.target.max(STEP) {
            self.spare.push(chunk.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, and then an end or an error.
    struct Drip<'a>(&'a [u8], usize, bool);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            if count == 0 && self.2 {
                return Err(io::Error::other("broken"));
            }
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn chunks(text: &[u8], step: usize, target: usize, limit: usize) -> Vec<(String, u64, u64, bool)> {
        let mut lines = Lines::new(Drip(text, step, false), target, limit);
        let mut found = Vec::new();
        while let Some(chunk) = lines.next().unwrap() {
            let text = String::from_utf8(chunk.text).unwrap();
            found.push((text, chunk.line, chunk.offset, chunk.too_long));
        }
        found
    }

    #[test]
    fn chunks_are_whole_lines_that_tile_the_stream() {
        let text = b"one\ntwo\n\nthree\nfour";
        for step in 1..20 {
            for target in 1..25 {
                let found = chunks(text, step, target, 100);
                let whole: String = found.iter().map(|chunk| chunk.0.as_str()).collect();
                assert_eq!(whole.as_bytes(), text);
                for (part, line, offset, _) in &found {
                    let before = &text[..*offset as usize];
                    assert_eq!(*line, 1 + before.iter().filter(|b| **b == b'\n').count() as u64);
                    assert!(text[*offset as usize..].starts_with(part.as_bytes()));
                    assert!(part.ends_with('\n') || part.ends_with("four"));
                }
            }
        }
    }

    #[test]
    fn long_lines_are_passed_over() {
        let text = [b"a\n".as_slice(), &[b'x'; 500_000], b"\nb\n", &[b'y'; 300_000]].concat();
        let found = chunks(&text, 7_000, 1, 100_000);
        let short: Vec<_> =
            found.iter().map(|(text, line, offset, long)| (text.len(), *line, *offset, *long)).collect();
        assert_eq!(
            short,
            [(2, 1, 0, false), (SAMPLE, 2, 2, true), (2, 3, 500_003, false), (SAMPLE, 4, 500_005, true)]
        );
    }

    #[test]
    fn a_broken_stream_gives_its_whole_lines_first() {
        let mut lines = Lines::new(Drip(b"one\ntwo\nthr", 5, true), 100, 100);
        assert_eq!(lines.next().unwrap().unwrap().text, b"one\ntwo\n");
        assert!(lines.next().is_err());
    }

    #[test]
    fn a_byte_order_mark_is_no_record() {
        assert_eq!(chunks("\u{feff}a\n".as_bytes(), 1, 1, 10), [("a\n".to_owned(), 1, 3, false)]);
        assert_eq!(chunks(b"", 1, 1, 10), []);
    }
}
