//! Bytes in, text out: encoding, byte-order mark and size.
//!
//! It refuses to know the language; it does not read files.

use crate::diagnostic::{Diagnostic, FileId};
use crate::errors;

/// The largest file that is read.
pub const MAX_SOURCE_BYTES: usize = 4 * 1024 * 1024;

/// Decodes a file's bytes. A byte-order mark at the start belongs to the encoding and is left out of the text.
#[expect(clippy::result_large_err, reason = "once for each file")]
pub fn decode(file: FileId, bytes: &[u8]) -> Result<String, Diagnostic> {
    if bytes.len() > MAX_SOURCE_BYTES {
        return Err(errors::file_too_large(file, bytes.len()));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(errors::invalid_utf8(file, error.valid_up_to(), bytes[error.valid_up_to()])),
    }
}
