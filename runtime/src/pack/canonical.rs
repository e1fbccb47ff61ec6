//! Whether bytes are what we would write of a value, without writing it anywhere. Refuses to know packs.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use std::io::{Error, ErrorKind, Write};

/// What is left to be met of the bytes that are there.
struct Expected<'b>(&'b [u8]);

impl Expected<'_> {
    /// Goes past bytes, if they are next.
    #[inline]
    fn meet(&mut self, bytes: &[u8]) -> bool {
        let Some((next, rest)) = self.0.split_at_checked(bytes.len()) else { return false };
        // Most are a few bytes long: to call the library's comparison takes longer than to compare them here.
        let met = match bytes.len() {
            0..=16 => next.iter().zip(bytes).all(|(next, byte)| next == byte),
            _ => next == bytes,
        };
        self.0 = rest;
        met
    }
}

impl Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.meet(bytes) { Ok(bytes.len()) } else { Err(Error::from(ErrorKind::InvalidData)) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Flavor for Expected<'_> {
    /// Whether nothing is left.
    type Output = bool;

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if self.meet(bytes) { Ok(()) } else { Err(postcard::Error::SerializeBufferFull) }
    }

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn finalize(self) -> postcard::Result<bool> {
        Ok(self.0.is_empty())
    }
}

/// Whether these bytes are the JSON that we write.
pub(super) fn is_json(value: &impl Serialize, bytes: &[u8]) -> bool {
    let mut expected = Expected(bytes);
    serde_json::to_writer(&mut expected, value).is_ok() && expected.0.is_empty()
}

/// Whether these bytes are the postcard that we write.
pub(super) fn is_postcard(value: &impl Serialize, bytes: &[u8]) -> bool {
    postcard::serialize_with_flavor(value, Expected(bytes)).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_write_is_canonical() {
        let value = (vec![1u32, 300], "text");
        let (json, bytes) = (serde_json::to_vec(&value).unwrap(), postcard::to_allocvec(&value).unwrap());
        assert!(is_json(&value, &json) && is_postcard(&value, &bytes));
        for at in 0..json.len() {
            assert!(!is_json(&value, &json[..at]), "cut at {at}");
            let mut other = json.clone();
            other[at] ^= 1;
            assert!(!is_json(&value, &other), "changed at {at}");
        }
        for at in 0..bytes.len() {
            assert!(!is_postcard(&value, &bytes[..at]), "cut at {at}");
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(!is_postcard(&value, &other), "changed at {at}");
        }
        assert!(!is_json(&value, &[json, b" ".to_vec()].concat()));
        assert!(!is_postcard(&value, &[bytes, vec![0]].concat()));
    }
}
