//! Finds the rule files that belong together, reads them and has them compiled.
//!
//! A folder is one programme: all `.rule` files below it, except those of folders with a `perq.toml` of their own,
//! each of which is a programme too. A file is a programme by itself. Refuses to know what the rules say.

use crate::Failure;
use crate::config::{self, Config};
use perq_compiler::pipeline::{self, Compilation, Files, Input};
use perq_compiler::sources::SourceMap;
use perq_compiler::typed;
use perq_grammar::diagnostic::{Diagnostic, FileId};
use perq_grammar::source::{MAX_SOURCE_BYTES, decode};
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Rule files that are compiled together.
#[derive(Clone, Debug)]
pub struct Programme {
    /// The folder, or the file where it is one by itself.
    pub path: PathBuf,
    /// Sorted.
    pub files: Vec<PathBuf>,
    /// Of its folder; a file by itself has none.
    pub config: Config,
}

/// The programmes below the paths, in the order of the paths, each once.
///
/// # Errors
/// Where a path is not there or a `perq.toml` is wrong.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Programme>, Failure> {
    let mut found: Vec<Programme> = Vec::new();
    for path in paths {
        let path = tidy(path);
        let metadata = std::fs::metadata(&path).map_err(|error| Failure::file(&path, &error))?;
        if metadata.is_dir() {
            folders(path, &mut found)?;
        } else {
            found.push(Programme { files: vec![path.clone()], path, config: Config::default() });
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|programme| seen.insert(programme.path.clone()));
    Ok(found)
}

/// The one programme that a path names.
///
/// # Errors
/// Like [`find`]; and where it holds none, or several.
pub fn find_one(path: &Path) -> Result<Programme, Failure> {
    let mut found = find(&[path.to_path_buf()])?;
    match (found.pop(), found.first()) {
        (Some(programme), None) => Ok(programme),
        (None, _) => Err(no_rules(&[path.to_path_buf()])),
        (Some(last), Some(_)) => Err(Failure::new(format!(
            "{} holds {} programmes; name one of them, such as {}",
            path.display(),
            found.len() + 1,
            last.path.display()
        ))),
    }
}

/// Nothing was found.
pub fn no_rules(paths: &[PathBuf]) -> Failure {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Failure::new(format!("there is no .rule file in {}", paths.join(", ")))
}

fn folders(root: PathBuf, found: &mut Vec<Programme>) -> Result<(), Failure> {
    let mut waiting = std::collections::VecDeque::from([root]);
    while let Some(folder) = waiting.pop_front() {
        let nested = Arc::new(Mutex::new(Vec::new()));
        let inner = Arc::clone(&nested);
        let walk = ignore::WalkBuilder::new(&folder)
            .require_git(false)
            .sort_by_file_path(Path::cmp)
            .filter_entry(move |entry| {
                let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                let own = folder && entry.depth() > 0 && entry.path().join(config::FILE).is_file();
                if own {
                    inner.lock().unwrap_or_else(PoisonError::into_inner).push(entry.path().to_path_buf());
                }
                !own
            })
            .build();
        let mut files = Vec::new();
        for entry in walk {
            let entry = entry.map_err(|error| Failure::new(error.to_string()))?;
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            if is_file && entry.path().extension().is_some_and(|extension| extension == "rule") {
                files.push(tidy(entry.path()));
            }
        }
        let config = Config::of_folder(&folder)?;
        if !files.is_empty() || config.is_some() {
            found.push(Programme { path: folder, files, config: config.unwrap_or_default() });
        }
        waiting.extend(std::mem::take(&mut *nested.lock().unwrap_or_else(PoisonError::into_inner)));
    }
    Ok(())
}

/// Without `./` at the beginning and `a/../` inside; the text of a path, not the file system, decides.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => {
                out.push(part);
            }
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// A path as diagnostics show it.
pub fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// Reads a regular file, and never much more of it than a rule file may have.
///
/// # Errors
/// Where it cannot be read.
pub fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("this is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SOURCE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens what `use` names, relative to the file that says it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Imports;

impl Files for Imports {
    fn import(&self, from: &str, path: &str) -> Result<Input, String> {
        if Path::new(path).is_absolute() {
            return Err(format!("`{path}` is not relative to this file"));
        }
        if Path::new(path).extension().is_none_or(|extension| extension != "rule") {
            return Err(format!("`{path}` is not a .rule file"));
        }
        let target = tidy(&Path::new(from).parent().unwrap_or(Path::new("")).join(path));
        let bytes = read(&target).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no file {}", shown(&target)),
            _ => format!("{} cannot be read: {error}", shown(&target)),
        })?;
        let text = decode(FileId(0), &bytes)
            .map_err(|diagnostic| format!("{} cannot be read: {}", shown(&target), diagnostic.message))?;
        Ok(Input { path: shown(&target), text })
    }
}

/// The texts of a programme, or the diagnostics of those that are no text.
struct Texts {
    inputs: Vec<Input>,
    sources: SourceMap,
    refused: Vec<Diagnostic>,
}

impl Programme {
    /// The programme's name for people.
    pub fn shown(&self) -> String {
        shown(&self.path)
    }

    fn texts(&self) -> Result<Texts, Failure> {
        let mut texts = Texts { inputs: Vec::new(), sources: SourceMap::default(), refused: Vec::new() };
        for (number, path) in self.files.iter().enumerate() {
            let bytes = read(path).map_err(|error| Failure::file(path, &error))?;
            let file = FileId(u32::try_from(number).unwrap_or(u32::MAX));
            match decode(file, &bytes) {
                Ok(text) => texts.inputs.push(Input { path: shown(path), text }),
                Err(diagnostic) => {
                    // Enough of the text to show the place; the rest may be no text at all.
                    let end = (diagnostic.place.span.end as usize + 4096).min(bytes.len());
                    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
                    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes));
                    texts.sources.insert(file, &shown(path), &head);
                    texts.refused.push(diagnostic);
                }
            }
        }
        Ok(texts)
    }

    /// Reads and checks its files; makes no program.
    ///
    /// # Errors
    /// Where a file cannot be read. What is wrong *in* a file is a diagnostic.
    pub fn analyse(&self) -> Result<Compilation, Failure> {
        self.with(pipeline::analyse)
    }

    /// Reads and compiles its files.
    ///
    /// # Errors
    /// Like [`Self::analyse`].
    pub fn compile(&self) -> Result<Compilation, Failure> {
        self.with(pipeline::compile)
    }

    fn with(&self, pass: fn(&[Input], &dyn Files) -> Compilation) -> Result<Compilation, Failure> {
        let texts = self.texts()?;
        if texts.refused.is_empty() {
            return Ok(pass(&texts.inputs, &Imports));
        }
        // Without one of its files everything that names its declarations would be wrong: only this is said.
        Ok(Compilation {
            sources: texts.sources,
            diagnostics: texts.refused,
            typed: typed::Program::default(),
            program: None,
        })
    }
}

/// A text as a programme of its own.
pub fn text(path: &str, text: &str) -> Compilation {
    pipeline::compile(&[Input { path: path.to_owned(), text: text.to_owned() }], &Imports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_tidied_by_text() {
        for (path, expected) in [
            ("./a", "a"),
            (".", "."),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("a/./b//c/..", "a/b"),
            ("/a/..", "/"),
        ] {
            assert_eq!(tidy(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
