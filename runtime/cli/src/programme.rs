//! Finds the rule files that belong together, reads them and has them compiled.
//!
//! A folder is one programme: all `.rule` files below it, except those of folders with a `perq.toml` of their own,
//! each of which is a programme too. A file is a programme by itself. Refuses to know what the rules say.

use crate::Failure;
use crate::commands::check::Tally;
use crate::commands::inspect;
use crate::config::{self, Config};
use crate::output::Output;
use crate::render;
use perq_compiler::lint;
use perq_compiler::pipeline::{self, Compilation, Files, Input};
use perq_compiler::sources::SourceMap;
use perq_compiler::typed;
use perq_grammar::diagnostic::{Diagnostic, FileId, Repair};
use perq_grammar::source::{MAX_SOURCE_BYTES, decode};
use perq_runtime::pack::Pack;
use std::cell::RefCell;
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
pub fn tidy(path: &Path) -> PathBuf {
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

/// The text of a rule file, or the diagnostic of what is no text and what could be read of it. Reads regular files only,
/// and never much more than a rule file may have.
///
/// # Errors
/// Where it cannot be read.
pub fn read(path: &Path, file: FileId) -> std::io::Result<Result<String, (Diagnostic, Vec<u8>)>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("this is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SOURCE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(decode(file, &bytes).map_err(|mut diagnostic| {
        if bytes.len() > MAX_SOURCE_BYTES {
            // The rest was not read; the file system knows how much it is.
            diagnostic.message =
                diagnostic.message.replace(&bytes.len().to_string(), &metadata.len().to_string());
        }
        (diagnostic, bytes)
    }))
}

/// Opens what `use` names, relative to the file that says it, and remembers why something cannot be had.
#[derive(Debug, Default)]
pub struct Imports {
    /// (the file that says `use`, the path as written, why not).
    refused: RefCell<Vec<(String, String, String)>>,
}

impl Imports {
    /// The file that a path names which is written in another.
    ///
    /// # Errors
    /// A sentence: why no such path can be used.
    pub fn target(from: &str, path: &str) -> Result<PathBuf, String> {
        if Path::new(path).is_absolute() {
            return Err("the path must be relative to the file that names it".to_owned());
        }
        if Path::new(path).extension().is_none_or(|extension| extension != "rule") {
            return Err("only .rule files can be used".to_owned());
        }
        Ok(tidy(&Path::new(from).parent().unwrap_or(Path::new("")).join(path)))
    }

    fn open(from: &str, path: &str) -> Result<Input, String> {
        let target = Imports::target(from, path)?;
        let read = read(&target, FileId(0)).map_err(|error| match error.kind() {
            // The diagnostic says so already.
            std::io::ErrorKind::NotFound => String::new(),
            _ => format!("{}: {error}", shown(&target)),
        })?;
        let text = read.map_err(|(diagnostic, _)| format!("{}: {}", shown(&target), diagnostic.message))?;
        Ok(Input { path: shown(&target), text })
    }

    /// Says with a missing file why it is missing.
    fn explain(&self, compilation: &mut Compilation) {
        let Compilation { sources, diagnostics, .. } = compilation;
        for diagnostic in diagnostics.iter_mut().filter(|diagnostic| diagnostic.name == "unknown-file") {
            let said_in = sources.get(diagnostic.place.file).map_or("", |source| source.path.as_str());
            let refused = self.refused.borrow();
            let reason = refused
                .iter()
                .filter(|(_, _, why)| !why.is_empty())
                .find(|(from, path, _)| from == said_in && diagnostic.message.contains(&format!("`{path}`")));
            if let Some((_, _, why)) = reason {
                diagnostic.repairs.push(Repair { text: why.clone(), edit: None });
            }
        }
    }
}

impl Files for Imports {
    fn import(&self, from: &str, path: &str) -> Result<Input, String> {
        Imports::open(from, path).inspect_err(|why| {
            self.refused.borrow_mut().push((from.to_owned(), path.to_owned(), why.clone()));
        })
    }
}

/// The texts of a programme, or the diagnostics of those that are no text.
struct Texts {
    inputs: Vec<Input>,
    sources: SourceMap,
    refused: Vec<Diagnostic>,
}

/// A pack ready to decide, and what belongs to it.
#[derive(Debug)]
pub struct Loaded {
    /// The pack.
    pub pack: Pack,
    /// Of its folder; a pack and a file by itself have none.
    pub config: Config,
    /// The texts of its rules; a pack has none.
    pub sources: Option<SourceMap>,
    /// What the checker made of them; a pack has none.
    pub typed: Option<typed::Program>,
}

/// The pack at a path, or that of the rules at a path; nothing where the rules have errors, which are said.
///
/// # Errors
/// Where something cannot be read, or the pack is refused.
pub fn load(
    command: &str,
    path: &Path,
    key: Option<&str>,
    output: &mut Output,
) -> Result<Option<Loaded>, Failure> {
    let is_rules = path.is_dir() || path.extension().is_some_and(|extension| extension == "rule");
    if !is_rules {
        let pack = inspect::read(path, key)?;
        return Ok(Some(Loaded { pack, config: Config::default(), sources: None, typed: None }));
    }
    if key.is_some() {
        return Err(Failure::new("--key is for packs; rules are not signed"));
    }
    let programme = find_one(path)?;
    let mut compilation = programme.compile()?;
    let Some(program) = compilation.program.take() else {
        for diagnostic in &compilation.diagnostics {
            output.note(&render::human(&compilation.sources, diagnostic, output.style()));
        }
        let mut tally = Tally::default();
        (tally.errors, tally.warnings) = render::count(&compilation.diagnostics);
        tally.files = programme.files.len();
        output.note(&format!("{}; nothing was decided", tally.summary()));
        let machine = |diagnostic| render::machine(&compilation.sources, diagnostic);
        let machine: Vec<_> = compilation.diagnostics.iter().map(machine).collect();
        output.object(command, serde_json::json!({ "diagnostics": machine }));
        return Ok(None);
    };
    let (sources, typed) = (Some(compilation.sources), Some(compilation.typed));
    Ok(Some(Loaded { pack: Pack::of(program), config: programme.config, sources, typed }))
}

impl Programme {
    /// The programme's name for people.
    pub fn shown(&self) -> String {
        shown(&self.path)
    }

    fn texts(&self) -> Result<Texts, Failure> {
        let mut texts = Texts { inputs: Vec::new(), sources: SourceMap::default(), refused: Vec::new() };
        let mut bytes = 0usize;
        for (number, path) in self.files.iter().enumerate() {
            let file = FileId(u32::try_from(number).unwrap_or(u32::MAX));
            match read(path, file).map_err(|error| Failure::file(path, &error))? {
                Ok(text) => {
                    bytes = bytes.saturating_add(text.len());
                    texts.inputs.push(Input { path: shown(path), text });
                    if bytes > pipeline::MAX_PROGRAM_BYTES {
                        // The compiler refuses what is here already; more need not be held.
                        break;
                    }
                }
                Err((diagnostic, bytes)) => {
                    // Enough of the text to show the place; the rest may be no text at all.
                    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
                    let end = (diagnostic.place.span.end as usize + 4096).min(bytes.len());
                    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes));
                    texts.sources.insert(file, &shown(path), &head);
                    texts.refused.push(diagnostic);
                }
            }
        }
        Ok(texts)
    }

    /// The texts of its files; nothing where one is no text.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn inputs(&self) -> Result<Option<Vec<Input>>, Failure> {
        let texts = self.texts()?;
        Ok(texts.refused.is_empty().then_some(texts.inputs))
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

    /// Reads and checks its files; nothing where they have errors, which are said.
    ///
    /// # Errors
    /// Like [`Self::analyse`].
    pub fn checked(&self, command: &str, output: &mut Output) -> Result<Option<Compilation>, Failure> {
        let compilation = self.analyse()?;
        if !compilation.has_errors() {
            return Ok(Some(compilation));
        }
        let mut tally = Tally::default();
        tally.add(&compilation, self.files.len(), output)?;
        output.say(&tally.summary())?;
        output.object(command, serde_json::json!({ "diagnostics": tally.machine }));
        Ok(None)
    }

    /// Reads, checks and lints its files; makes no program.
    ///
    /// # Errors
    /// Like [`Self::analyse`].
    pub fn lint(&self, options: &lint::Options<'_>) -> Result<(Compilation, Vec<Diagnostic>), Failure> {
        let mut findings = Vec::new();
        let compilation = self.with(|inputs, files| {
            let (compilation, found) = pipeline::lint(inputs, files, options);
            findings = found;
            compilation
        })?;
        Ok((compilation, findings))
    }

    /// Reads and checks its files for who tells of them; nothing where one is no text or has errors, which are said.
    ///
    /// # Errors
    /// Like [`Self::analyse`].
    pub fn study(&self, command: &str, output: &mut Output) -> Result<Option<pipeline::Study>, Failure> {
        let texts = self.texts()?;
        let study = texts.refused.is_empty().then(|| {
            let imports = Imports::default();
            let mut study = pipeline::study(&texts.inputs, &imports);
            imports.explain(&mut study.compilation);
            study
        });
        let (sources, diagnostics) = match &study {
            Some(study) => (&study.compilation.sources, &study.compilation.diagnostics),
            None => (&texts.sources, &texts.refused),
        };
        let (errors, warnings) = render::count(diagnostics);
        if errors == 0 {
            return Ok(study);
        }
        for diagnostic in diagnostics {
            output.note(&render::human(sources, diagnostic, output.style()));
        }
        let mut tally = Tally::default();
        (tally.errors, tally.warnings) = (errors, warnings);
        tally.files = self.files.len();
        output.note(&format!("{}; nothing is told of them", tally.summary()));
        let machine: Vec<_> =
            diagnostics.iter().map(|diagnostic| render::machine(sources, diagnostic)).collect();
        output.object(command, serde_json::json!({ "diagnostics": machine }));
        Ok(None)
    }

    fn with(&self, pass: impl FnOnce(&[Input], &dyn Files) -> Compilation) -> Result<Compilation, Failure> {
        let texts = self.texts()?;
        if texts.refused.is_empty() {
            let compilation = compile(&texts.inputs, pass);
            let mut diagnostics = compilation.diagnostics.iter();
            return match diagnostics.find(|diagnostic| diagnostic.name == "compiler-mistake") {
                Some(mistake) => Err(Failure::mistake(mistake.message.clone())),
                None => Ok(compilation),
            };
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

fn compile(inputs: &[Input], pass: impl FnOnce(&[Input], &dyn Files) -> Compilation) -> Compilation {
    let imports = Imports::default();
    let mut compilation = pass(inputs, &imports);
    imports.explain(&mut compilation);
    compilation
}

/// Texts that are not those of the files, as a programme.
pub fn of_inputs(inputs: &[Input]) -> Compilation {
    compile(inputs, pipeline::compile)
}

/// A text as a programme of its own.
pub fn text(path: &str, text: &str) -> Compilation {
    compile(&[Input { path: path.to_owned(), text: text.to_owned() }], pipeline::compile)
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
