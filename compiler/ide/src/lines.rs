//! Places of a text as editors count them: lines from 0, and columns in units of UTF-16. It refuses to know editors.

/// A place between two characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// From 0.
    pub line: u32,
    /// From 0, in units of UTF-16.
    pub column: u32,
}

/// Where the lines of a text begin.
#[derive(Clone, Debug)]
pub struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    /// Of a text. Lines end as the protocol of editors has them: with `\n`, `\r\n` or `\r`.
    pub fn of(text: &str) -> Lines {
        let mut starts = vec![0];
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends {
                starts.push(u32::try_from(at + 1).unwrap_or(u32::MAX));
            }
        }
        Lines { starts }
    }

    /// The place of a byte offset; one inside a character is that of the character.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start as usize <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0) as usize;
        let before = text.get(start..offset).unwrap_or("");
        let column: usize = before.chars().map(char::len_utf16).sum();
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// The byte offset of a place: the line's end where it has no such column, the text's where there is no such line.
    pub fn offset(&self, text: &str, position: Position) -> usize {
        let Some(start) = self.starts.get(position.line as usize).copied() else { return text.len() };
        let start = start as usize;
        let end = self.starts.get(position.line as usize + 1).map_or(text.len(), |next| *next as usize);
        let line = text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']);
        let mut column = 0_usize;
        for (at, character) in line.char_indices() {
            if column >= position.column as usize {
                return start + at;
            }
            column += character.len_utf16();
            if column > position.column as usize {
                // Between the halves of a character.
                return start + at;
            }
        }
        start + line.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_units_of_utf_16() {
        let text = "é🍵ж\r\nx\ry\n";
        let lines = Lines::of(text);
        // é is one unit, the cup two, ж one.
        for (offset, line, column) in [
            (0, 0, 0),
            (2, 0, 1),
            (6, 0, 3),
            (8, 0, 4),
            (10, 1, 0),
            (11, 1, 1),
            (12, 2, 0),
            (13, 2, 1),
            (14, 3, 0),
        ] {
            let position = Position { line, column };
            assert_eq!(lines.position(text, offset), position, "{offset}");
            assert_eq!(lines.offset(text, position), offset, "{position:?}");
        }
        assert_eq!(lines.offset(text, Position { line: 0, column: 2 }), 2, "inside the cup");
        assert_eq!(lines.offset(text, Position { line: 0, column: 99 }), 8, "beyond the line");
        assert_eq!(lines.offset(text, Position { line: 99, column: 0 }), text.len());
        assert_eq!(lines.position(text, 4), Position { line: 0, column: 1 }, "inside the cup");
    }

    #[test]
    fn every_place_comes_back() {
        for text in ["", "\n", "a\n\n🍵🍵\nж", "\r\n\r\n", "ab🍵"] {
            let lines = Lines::of(text);
            for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
                if text.get(..offset).is_some_and(|before| before.ends_with('\r')) {
                    continue;
                }
                assert_eq!(lines.offset(text, lines.position(text, offset)), offset, "{text:?} {offset}");
            }
        }
    }
}
