//! The files of a compilation: texts in, places out. It opens nothing.

use crate::ir::{SourceFile, SourcePlace};
use perq_grammar::diagnostic::{FileId, Place};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its number in places.
    pub file: FileId,
    /// Its name, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    line_starts: Vec<u32>,
    /// Characters before each [`BLOCK`] of bytes, and in all: a column of a long line is not counted from the line's start.
    characters: Vec<u32>,
}

/// Bytes of a text whose characters are counted at once.
const BLOCK: usize = 256;

/// How many characters begin in these bytes.
fn count(bytes: &[u8]) -> u32 {
    // Bytes that go on with a character have these two bits.
    let begins = bytes.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000);
    u32::try_from(begins.count()).unwrap_or(u32::MAX)
}

/// The files of a compilation.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<Arc<Source>>,
    by_id: FxHashMap<FileId, usize>,
    /// Parts of the path of the folder in which all files of the program itself stand.
    root: Vec<String>,
}

impl SourceMap {
    /// Adds a file; a number that is there already is replaced.
    pub fn insert(&mut self, file: FileId, path: &str, text: &str) {
        self.share(Arc::new(Source::new(file, path, text)));
    }

    /// As [`Self::insert`], of a file that is known already.
    pub fn share(&mut self, source: Arc<Source>) {
        let file = source.file;
        match self.by_id.get(&file) {
            Some(index) => {
                if let Some(slot) = self.files.get_mut(*index) {
                    *slot = source;
                }
            }
            None => {
                self.by_id.insert(file, self.files.len());
                self.files.push(source);
            }
        }
    }

    /// A file by its number.
    pub fn get(&self, file: FileId) -> Option<&Source> {
        self.by_id.get(&file).and_then(|index| self.files.get(*index)).map(Arc::as_ref)
    }

    /// All files in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().map(Arc::as_ref)
    }

    /// All that is here is the program itself; what comes later was found through it. The folder in which all of it stands
    /// is the one from which [`Self::name`] counts.
    pub fn own_are_complete(&mut self) {
        let folder = |source: &Source| source.path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let mut folders = self.files.iter().map(|source| {
            let mut parts = folder(source);
            parts.pop();
            parts
        });
        let first = folders.next().unwrap_or_default();
        self.root = folders.fold(first, |shared, parts| {
            shared.into_iter().zip(parts).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
        });
    }

    /// A file's name in the compiled program: its path from the program's own folder, so that a program is the same from
    /// wherever, and however, its folder is named.
    pub fn name(&self, source: &Source) -> String {
        if source.file.0 > u32::MAX / 2 {
            // Of the prelude, which stands in no folder.
            return source.path.clone();
        }
        let parts = || source.path.split('/');
        let shared = parts().zip(&self.root).take_while(|(part, root)| part == root).count();
        let up = self.root.iter().skip(shared).map(|_| "..");
        up.chain(parts().skip(shared)).collect::<Vec<_>>().join("/")
    }

    /// The files by their names in the compiled program.
    pub fn by_name(&self) -> BTreeMap<String, &Source> {
        self.iter().map(|source| (self.name(source), source)).collect()
    }

    /// The files with the hashes of their texts.
    pub fn manifest(&self) -> Vec<SourceFile> {
        let hash = |source: &Source| SourceFile {
            path: self.name(source),
            hash: blake3::hash(source.text.as_bytes()).to_hex().to_string(),
        };
        self.iter().map(hash).collect()
    }

    /// File, line and column of a place and of its end; columns count characters from 1. A place of no file is 1:1 of
    /// the first.
    pub fn locate(&self, place: Place) -> SourcePlace {
        let index = self.by_id.get(&place.file).copied().unwrap_or(0);
        let Some(source) = self.files.get(index) else { return SourcePlace::at(0, 1, 1) };
        let (line, column) = source.line_column(place.span.start);
        let mut located = SourcePlace::at(u32::try_from(index).unwrap_or(0), line, column);
        // From the beginning of the place rather than of its line: lines may be long, and hold many places.
        let span = place.span.start as usize..place.span.end as usize;
        for character in source.text.get(span).unwrap_or("").chars() {
            if character == '\n' {
                located.end_line = located.end_line.saturating_add(1);
                located.end_column = 1;
            } else {
                located.end_column = located.end_column.saturating_add(1);
            }
        }
        located
    }
}

impl Source {
    /// A file, with where its lines begin.
    pub fn new(file: FileId, path: &str, text: &str) -> Source {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let mut line_starts = vec![0];
        line_starts.extend(starts.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)));
        let mut characters = Vec::with_capacity(text.len() / BLOCK + 1);
        let mut before = 0_u32;
        for block in text.as_bytes().chunks(BLOCK) {
            characters.push(before);
            before = before.saturating_add(count(block));
        }
        characters.push(before);
        let path = path.replace('\\', "/");
        Source { file, path, text: text.to_owned(), line_starts, characters }
    }

    /// The text of a place, for quoting; nothing where the file has no such place.
    pub fn quote(&self, place: &SourcePlace) -> Option<&str> {
        let offset = |line: u32, column: u32| {
            let start = *self.line_starts.get((line as usize).checked_sub(1)?)? as usize;
            let mut characters = self.text.get(start..)?.char_indices().map(|(at, _)| at);
            let within = match characters.nth((column as usize).checked_sub(1)?) {
                Some(at) => at,
                None => self.text.len() - start,
            };
            Some(start + within)
        };
        self.text.get(offset(place.line, place.column)?..offset(place.end_line, place.end_column)?)
    }

    /// Line and column, from 1, of a byte offset; columns count characters.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.before(offset).saturating_sub(self.before(start)).saturating_add(1);
        (u32::try_from(line).unwrap_or(u32::MAX), column)
    }

    /// How many characters begin before a byte offset.
    fn before(&self, offset: u32) -> u32 {
        let offset = (offset as usize).min(self.text.len());
        let block = offset / BLOCK;
        let counted = self.characters.get(block).copied().unwrap_or(0);
        let rest = self.text.as_bytes().get(block * BLOCK..offset).unwrap_or(&[]);
        counted.saturating_add(count(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line and column by walking the text.
    fn walked(text: &str, offset: usize) -> (u32, u32) {
        let before = text.get(..offset).unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (u32::try_from(line).unwrap(), u32::try_from(column).unwrap())
    }

    #[test]
    fn columns_are_those_that_walking_finds() {
        let texts = [
            String::new(),
            "a\nbc\n\nd".to_owned(),
            "é".repeat(BLOCK),
            format!("{}\n🍵{}ж\n\n", "x".repeat(BLOCK - 2), "я🍵y".repeat(BLOCK)),
            "a".repeat(2 * BLOCK),
        ];
        for text in &texts {
            let mut sources = SourceMap::default();
            sources.insert(FileId(0), "a.rule", text);
            let source = sources.get(FileId(0)).unwrap();
            for offset in (0..=text.len()).filter(|offset| text.is_char_boundary(*offset)) {
                let found = source.line_column(u32::try_from(offset).unwrap());
                assert_eq!(found, walked(text, offset), "{offset} of {} bytes", text.len());
            }
            let end = walked(text, text.len());
            assert_eq!(source.line_column(u32::MAX), end, "beyond the end");
        }
    }

    #[test]
    fn a_long_line_is_not_counted_from_its_start() {
        let mut sources = SourceMap::default();
        let text = "1+".repeat(1 << 20);
        sources.insert(FileId(0), "a.rule", &text);
        let source = sources.get(FileId(0)).unwrap();
        // A million columns of a line of two megabytes: from the start each, that is 10^12 bytes.
        for offset in (0..1 << 21).step_by(2) {
            assert_eq!(source.line_column(offset), (1, offset + 1));
        }
    }
}
