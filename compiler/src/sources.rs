//! The files of a compilation: texts in, places out. It opens nothing.

use crate::ir::{SourceFile, SourcePlace};
use perq_grammar::diagnostic::{FileId, Place};
use rustc_hash::FxHashMap;

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
}

/// The files of a compilation.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<Source>,
    by_id: FxHashMap<FileId, usize>,
}

impl SourceMap {
    /// Adds a file; a number that is there already is replaced.
    pub fn insert(&mut self, file: FileId, path: &str, text: &str) {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let mut line_starts = vec![0];
        line_starts.extend(starts.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)));
        let source = Source { file, path: path.replace('\\', "/"), text: text.to_owned(), line_starts };
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
        self.by_id.get(&file).and_then(|index| self.files.get(*index))
    }

    /// All files in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The files with the hashes of their texts.
    pub fn manifest(&self) -> Vec<SourceFile> {
        let hash = |source: &Source| SourceFile {
            path: source.path.clone(),
            hash: blake3::hash(source.text.as_bytes()).to_hex().to_string(),
        };
        self.files.iter().map(hash).collect()
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
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0) as usize;
        let before = self.text.get(start..(offset as usize).max(start)).unwrap_or("");
        let column = before.chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}
