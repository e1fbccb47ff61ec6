//! Opens plain and gzip-compressed byte streams alike.

use std::io::{self, Read};

/// The stream's bytes, decompressed where it begins like a gzip file.
///
/// # Errors
/// Where its first bytes cannot be read. Damage further on shows while reading.
pub fn open<'a>(mut reader: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut head = [0u8; 2];
    let mut filled = 0;
    while filled < head.len() {
        match reader.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let whole = io::Cursor::new(head).take(filled as u64).chain(reader);
    if head == [0x1f, 0x8b] {
        return Ok(Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, whole))));
    }
    Ok(Box::new(whole))
}

/// Of a table's header that is one cell: what to do, where its cells are parted by something else than commas.
pub(crate) fn other_separator(header: &str) -> Option<&'static str> {
    let sign = [";", "\t", "|"].into_iter().find(|sign| header.contains(sign))?;
    Some(match sign {
        ";" => "its cells are parted by semicolons; save it with commas",
        "\t" => "its cells are parted by tabs; save it with commas",
        _ => "its cells are parted by `|`; save it with commas",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_gzip_empty_and_tiny() {
        let mut compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut compressed, b"hello").unwrap();
        let compressed = compressed.finish().unwrap();
        for (bytes, text) in [(&b"hello"[..], "hello"), (b"", ""), (b"h", "h"), (&compressed, "hello")] {
            let mut read = String::new();
            open(bytes).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
        }
        assert!(open(&compressed[..15]).unwrap().read_to_end(&mut Vec::new()).is_err());
    }
}
