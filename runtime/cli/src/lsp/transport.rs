//! Messages of the language server protocol on a stream: a header, a blank line, JSON.
//!
//! It refuses to know what messages say. A message that cannot be read is an answer, never the end: after it the next
//! header is looked for.

use super::samples::Said;
use perq_ide::Analysis;
use serde_json::Value;
use std::io::{BufRead, Read, Write};
use std::path::PathBuf;

/// The largest message that is read; larger ones are passed over.
const MAX_MESSAGE: u64 = 64 << 20;

/// The longest line of a header.
const MAX_HEADER: u64 = 8 << 10;

/// What came.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Value),
    /// Something that is none, and why.
    Malformed(String),
    /// Work beside the session is done: of which programme, of the texts of which number, and what came of it.
    Worked(PathBuf, u64, Vec<Said>),
    /// A programme was looked at as a whole: which, of the texts of which number, and what is known of it.
    Looked(PathBuf, u64, Option<Box<Analysis>>),
    /// The stream has ended.
    End,
}

/// The next message.
pub fn read(input: &mut impl BufRead) -> Incoming {
    let mut length: Option<u64> = None;
    let mut lines = 0_usize;
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return Incoming::End,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            if lines == 0 {
                // Blank lines between messages.
                continue;
            }
            break;
        }
        lines += 1;
        if let Some((name, value)) = text.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let Some(length) = length else {
        return Incoming::Malformed("a header without a Content-Length".to_owned());
    };
    if length > MAX_MESSAGE {
        let passed = std::io::copy(&mut input.by_ref().take(length), &mut std::io::sink());
        return match passed {
            Ok(passed) if passed == length => Incoming::Malformed(format!("a message of {length} bytes")),
            Ok(_) | Err(_) => Incoming::End,
        };
    }
    let mut body = Vec::new();
    match input.by_ref().take(length).read_to_end(&mut body) {
        Ok(read) if read as u64 == length => {}
        Ok(_) | Err(_) => return Incoming::End,
    }
    match serde_json::from_slice(&body) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Malformed(format!("this is no JSON: {error}")),
    }
}

/// Writes a message.
///
/// # Errors
/// Where nobody reads.
pub fn write(output: &mut dyn Write, message: &Value) -> std::io::Result<()> {
    let body = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut input: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        loop {
            match read(&mut input) {
                Incoming::Message(message) => out.push(message.to_string()),
                Incoming::Malformed(why) => out.push(format!("! {why}")),
                Incoming::Worked(..) | Incoming::Looked(..) => out.push("nobody works here".to_owned()),
                Incoming::End => return out,
            }
        }
    }

    #[test]
    fn what_is_no_message_does_not_end_the_stream() {
        let text = "Content-Length: 2\r\n\r\n{}Content-Length: 3\r\n\r\n{{{X: y\r\n\r\ncontent-length:1\r\nContent-Type: z\r\n\r\n7";
        let out = all(text.as_bytes());
        assert_eq!(out.len(), 4, "{out:?}");
        assert_eq!((out[0].as_str(), out[3].as_str()), ("{}", "7"));
        assert!(out[1].starts_with("! this is no JSON") && out[2].starts_with("! a header"), "{out:?}");
        assert_eq!(all(b"Content-Length: 9\r\n\r\n{}"), Vec::<String>::new(), "cut off");
        assert_eq!(all(b"\xff\xfe\x00"), Vec::<String>::new());
    }
}
