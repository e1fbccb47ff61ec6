//! Parts of one text. Refuses to know what the text is.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A part of a text that others are parts of too: what takes one request for memory, however many parts there are. Stored as
/// the text that it is.
#[derive(Clone)]
pub struct Excerpt {
    whole: Arc<str>,
    start: u32,
    length: u32,
}

impl Excerpt {
    /// So many bytes from a place on; empty where the text does not have them, or they are not whole characters.
    pub(crate) fn of(whole: &Arc<str>, (start, length): (u32, u32)) -> Excerpt {
        Excerpt { whole: Arc::clone(whole), start, length }
    }
}

impl Deref for Excerpt {
    type Target = str;

    fn deref(&self) -> &str {
        let tail = self.whole.get(self.start as usize..);
        tail.and_then(|tail| tail.get(..self.length as usize)).unwrap_or_default()
    }
}

impl PartialEq for Excerpt {
    fn eq(&self, other: &Excerpt) -> bool {
        **self == **other
    }
}

impl Eq for Excerpt {}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Excerpt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Excerpt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Excerpt, D::Error> {
        let whole: Arc<str> = String::deserialize(deserializer)?.into();
        let length = u32::try_from(whole.len()).map_err(serde::de::Error::custom)?;
        Ok(Excerpt { whole, start: 0, length })
    }
}
