//! `file:` addresses and paths.

use crate::findings::sarif;
use std::path::{Path, PathBuf};

/// The path of an address; nothing for other schemes, such as that of a text that was never saved.
pub fn path(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    // Another host than this one is not reached.
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    if !rest.starts_with('/') {
        return None;
    }
    let mut bytes = Vec::with_capacity(rest.len());
    let mut input = rest.bytes();
    while let Some(byte) = input.next() {
        if byte == b'%' {
            let digits = [input.next()?, input.next()?];
            let text = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(text, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    // `/C:/rules`
    let drive = text.get(1..).filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    Some(PathBuf::from(drive.unwrap_or(&text)))
}

/// The address of a path.
pub fn of(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', "/");
    let root = if text.starts_with('/') { "file://" } else { "file:///" };
    format!("{root}{}", sarif::uri(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_its_path() {
        for text in ["/a/b.rule", "/с пробелом/ж%.rule", "/a#b?c"] {
            assert_eq!(path(&of(Path::new(text))).as_deref(), Some(Path::new(text)), "{text}");
        }
        assert_eq!(path("file:///C%3A/a.rule"), Some(PathBuf::from("C:/a.rule")));
        for other in ["untitled:Untitled-1", "file://server/share", "file:///%zz", "http://x/y", ""] {
            assert_eq!(path(other), None, "{other}");
        }
    }
}
