//! The texts that are open in the editor, the programmes that they belong to, and what is known of each.
//!
//! Refuses to know the protocol. The programme of a file is the folder above it with the nearest `perq.toml`. Without one
//! it is its own folder, where exactly one file there says `program`, and else the file by itself.

use super::samples::Work;
use super::uri;
use crate::config::{self, Config};
use crate::programme::{self, Imports, shown};
use perq_compiler::lint::{Levels, NoNames, Options};
use perq_compiler::pipeline::{Compilation, Files, Input, Kept, look_at};
use perq_grammar::diagnostic::{Diagnostic, FileId};
use perq_ide::Analysis;
use perq_runtime::clock::ClockChanges;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A text in the editor.
#[derive(Clone, Debug)]
pub struct Document {
    /// As the editor names it.
    pub uri: String,
    /// Of the text.
    pub version: Option<i64>,
    /// What it holds now.
    pub text: String,
}

/// A programme.
#[derive(Debug, Default)]
pub struct Programme {
    /// Its files as they are saved, by path; what is no text is a diagnostic.
    saved: BTreeMap<PathBuf, Result<String, Diagnostic>>,
    /// Names that `perq.toml` sets.
    pub parameters: Vec<String>,
    /// Of its lints.
    levels: Levels,
    /// What was read of its files.
    kept: Arc<Kept>,
    /// The rest of its `perq.toml`.
    config: Config,
    /// Why its `perq.toml` cannot be read.
    pub refused: Option<String>,
    analysis: Option<Analysis>,
    /// What is known of one file of it, by the number of the texts.
    of_file: Option<(PathBuf, u64, Analysis)>,
}

/// Everything that is open.
#[derive(Debug, Default)]
pub struct Workspace {
    documents: BTreeMap<PathBuf, Document>,
    programmes: BTreeMap<PathBuf, Programme>,
    /// The roots of the files that are open, so that nobody asks the disk while somebody types.
    roots: BTreeMap<PathBuf, PathBuf>,
    /// Grows with every change of a text.
    revision: Arc<AtomicU64>,
    /// What was read of the files of programmes; it stays where they are read from the disk again.
    kept: BTreeMap<PathBuf, Arc<Kept>>,
}

/// Bytes of a programme from which on it is looked at as a whole only where nobody types: what takes longer than a keystroke
/// should.
const LARGE: usize = 200_000;

/// A programme to be looked at as a whole, beside the session.
pub struct Whole {
    texts: Texts,
    kept: Arc<Kept>,
    levels: Levels,
    revision: u64,
    newest: Arc<AtomicU64>,
}

impl Whole {
    /// The number of the texts.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is known of it; nothing where its texts are others by now.
    pub fn done(&self) -> Option<Analysis> {
        let is_newest = || self.newest.load(Ordering::Relaxed) == self.revision;
        is_newest().then(|| self.texts.analysis(&self.kept, &self.levels))
    }
}

/// The texts of a programme by themselves, for work beside the session.
pub struct Texts {
    /// Its files.
    pub inputs: Vec<Input>,
    /// What is open, for imports.
    open: BTreeMap<PathBuf, Document>,
}

impl Texts {
    fn analysis(&self, kept: &Kept, levels: &Levels) -> Analysis {
        let mut analysis = Analysis::again(&self.inputs, &self.overlay(), kept);
        // Without a day of today nothing is in the past, as for `perq lint`.
        analysis.lint(&Options { today: None, zones: &ClockChanges, names: &NoNames, levels });
        analysis
    }

    /// Where imports are found: among what was open, then on the disk.
    pub fn overlay(&self) -> impl Files + '_ {
        Overlay { documents: &self.open, imports: Imports::default() }
    }
}

/// Imports that see what is open before what is saved.
struct Overlay<'a> {
    documents: &'a BTreeMap<PathBuf, Document>,
    imports: Imports,
}

impl Files for Overlay<'_> {
    fn import(&self, from: &str, path: &str) -> Result<Input, String> {
        if let Some(target) = Imports::target(from, path).ok()
            && let Some(document) = self.documents.get(&target)
        {
            return Ok(Input { path: shown(&target), text: document.text.clone() });
        }
        self.imports.import(from, path)
    }
}

/// The path by which an address is known here: one that is no file has its own.
pub fn path_of(address: &str) -> PathBuf {
    uri::path(address).map_or_else(|| PathBuf::from(address), |path| programme::tidy(&path))
}

/// Files of a folder that are looked at to see whether they are one programme.
const MOST_BESIDE: usize = 200;

/// The folder of the nearest `perq.toml` above a file; else its own folder, where one file of it says `program`; else
/// the file by itself.
fn root_of(path: &Path) -> PathBuf {
    let mut folders = path.ancestors().skip(1).filter(|folder| folder.is_absolute());
    if let Some(found) = folders.find(|folder| folder.join(config::FILE).is_file()) {
        return found.to_owned();
    }
    let Some(folder) = path.parent().filter(|folder| folder.is_absolute()) else { return path.to_owned() };
    let programs = beside(folder).iter().filter(|path| says_program(path)).count();
    if programs == 1 { folder.to_owned() } else { path.to_owned() }
}

/// The rule files of a folder itself.
fn beside(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let rules = entries.filter(|path| path.extension().is_some_and(|extension| extension == "rule"));
    let mut files: Vec<PathBuf> = rules.take(MOST_BESIDE).collect();
    files.sort();
    files
}

fn says_program(path: &Path) -> bool {
    let text = programme::read(path, FileId(0)).ok().and_then(Result::ok).unwrap_or_default();
    text.lines().any(|line| line.starts_with("program "))
}

impl Workspace {
    /// The programme that a file belongs to.
    pub fn root(&self, path: &Path) -> PathBuf {
        self.roots.get(path).cloned().unwrap_or_else(|| root_of(path))
    }

    /// Finds the programme of a file and reads it.
    fn settle(&mut self, path: &Path) -> PathBuf {
        let mut root = root_of(path);
        self.load(&root);
        let left_out = |programme: &Programme| {
            let unknown = programme.refused.is_none() && !programme.saved.contains_key(path);
            unknown && root != path && path.exists()
        };
        if self.programmes.get(&root).is_some_and(left_out) {
            // What the programme leaves out, such as what `.gitignore` names, is by itself.
            root = path.to_owned();
            self.load(&root);
        }
        self.roots.insert(path.to_owned(), root.clone());
        root
    }

    /// A text that is open.
    pub fn document(&self, path: &Path) -> Option<&Document> {
        self.documents.get(path)
    }

    /// The address of a path: the editor's own, where it is open.
    pub fn address(&self, path: &Path) -> String {
        match self.documents.get(path) {
            Some(document) => document.uri.clone(),
            None if path.is_absolute() => uri::of(path),
            // It was no file, and its address is what it is known by.
            None => path.display().to_string(),
        }
    }

    /// A text is opened, or is another now. Gives the programmes to look at again.
    pub fn change(&mut self, path: PathBuf, document: Document) -> Vec<PathBuf> {
        let root = match self.documents.insert(path.clone(), document) {
            Some(_) => self.root(&path),
            None => self.settle(&path),
        };
        self.stale(&path, root)
    }

    /// A text is closed. Gives the programmes to look at again.
    pub fn close(&mut self, path: &Path) -> Vec<PathBuf> {
        let root = self.root(path);
        self.documents.remove(path);
        self.roots.remove(path);
        if self.roots.values().any(|open| *open == root) {
            self.load(&root);
        } else {
            self.programmes.remove(&root);
            self.kept.remove(&root);
        }
        self.stale(path, root)
    }

    /// Files may be others than before.
    pub fn reload(&mut self) -> Vec<PathBuf> {
        self.programmes.clear();
        self.roots.clear();
        self.revision.fetch_add(1, Ordering::Relaxed);
        let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
        let mut roots: Vec<PathBuf> = paths.iter().map(|path| self.settle(path)).collect();
        roots.sort();
        roots.dedup();
        roots
    }

    /// Forgets what was known of the programmes that hold a file: its own, and those that may import it.
    fn stale(&mut self, path: &Path, root: PathBuf) -> Vec<PathBuf> {
        let name = shown(path);
        self.revision.fetch_add(1, Ordering::Relaxed);
        let mut stale = Vec::new();
        for (other, programme) in &mut self.programmes {
            let imports = programme.analysis.as_ref().is_some_and(|analysis| analysis.file(&name).is_some());
            if imports && *other != root {
                programme.analysis = None;
                stale.push(other.clone());
            }
        }
        if let Some(programme) = self.programmes.get_mut(&root) {
            programme.analysis = None;
        }
        stale.push(root);
        stale
    }

    /// Reads the files of a programme.
    fn load(&mut self, root: &Path) {
        let kept = Arc::clone(self.kept.entry(root.to_owned()).or_default());
        let mut programme = Programme { kept, ..Programme::default() };
        if root.is_dir() && !root.join(config::FILE).is_file() {
            programme.saved.extend(beside(root).into_iter().map(|path| (path, Ok(String::new()))));
        } else if root.is_dir() {
            match programme::find(&[root.to_owned()]) {
                Ok(found) => {
                    let own = found.into_iter().find(|found| found.path == root);
                    for path in own.iter().flat_map(|own| &own.files) {
                        programme.saved.insert(path.clone(), Ok(String::new()));
                    }
                    let config = own.map(|own| own.config).unwrap_or_default();
                    programme.parameters = config.parameters.keys().cloned().collect();
                    for (name, level) in config.lint.clone() {
                        if !programme.levels.set(&name, level.level()) {
                            let name = crate::excerpt::plain(&name);
                            let text = format!("there is no lint and no group of lints `{name}`");
                            programme.refused = Some(text);
                        }
                    }
                    programme.config = config;
                }
                Err(failure) => {
                    programme.refused = Some(failure.text().to_owned());
                    programme.saved.extend(beside(root).into_iter().map(|path| (path, Ok(String::new()))));
                }
            }
        }
        for (path, text) in &mut programme.saved {
            *text = match programme::read(path, FileId(0)) {
                Ok(Ok(text)) => Ok(text),
                Ok(Err((diagnostic, _))) => Err(diagnostic),
                // It went between being listed and being read.
                Err(_) => Ok(String::new()),
            };
        }
        self.programmes.insert(root.to_owned(), programme);
    }

    /// A programme.
    pub fn programme(&self, root: &Path) -> Option<&Programme> {
        self.programmes.get(root)
    }

    /// What is known of a programme; worked out where it is not known yet.
    pub fn analysis(&mut self, root: &Path) -> Option<&Analysis> {
        if self.programmes.get(root)?.analysis.is_none() {
            let analysis = self.analyse(root);
            self.programmes.get_mut(root)?.analysis = Some(analysis);
        }
        self.programmes.get(root)?.analysis.as_ref()
    }

    /// What is known for what is asked at places of one file: of the whole programme, or, where that is large and not known
    /// yet, of this file alone.
    pub fn near(&mut self, root: &Path, path: &Path) -> Option<&Analysis> {
        if self.known(root).is_some() || !self.is_large(root) {
            return self.analysis(root);
        }
        let revision = self.revision();
        let is_of_now = |(of, number, _): &(PathBuf, u64, Analysis)| of == path && *number == revision;
        if !self.programmes.get(root)?.of_file.as_ref().is_some_and(is_of_now) {
            let kept = Arc::clone(&self.programmes.get(root)?.kept);
            let texts = self.texts(root);
            let analysis = Analysis::alone(&texts.inputs, &texts.overlay(), &kept, &shown(path))?;
            self.programmes.get_mut(root)?.of_file = Some((path.to_owned(), revision, analysis));
        }
        self.programmes.get(root)?.of_file.as_ref().map(|(.., analysis)| analysis)
    }

    /// What [`Self::near`] has found.
    pub fn known_near(&self, root: &Path, path: &Path) -> Option<&Analysis> {
        let programme = self.programmes.get(root)?;
        let of_file =
            programme.of_file.as_ref().filter(|(of, number, _)| of == path && *number == self.revision());
        programme.analysis.as_ref().or(of_file.map(|(.., analysis)| analysis))
    }

    /// What is known of a programme already.
    pub fn known(&self, root: &Path) -> Option<&Analysis> {
        self.programmes.get(root)?.analysis.as_ref()
    }

    /// The number of the texts as they are now; another whenever one of them changes.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// Whether a programme is so large that it is looked at as a whole only where nobody types.
    pub fn is_large(&self, root: &Path) -> bool {
        let saved = self.programmes.get(root).into_iter().flat_map(|programme| programme.saved.values());
        let saved: usize = saved.flatten().map(String::len).sum();
        let open = self.documents.iter().filter(|(path, _)| self.root(path) == root);
        saved.max(open.map(|(_, document)| document.text.len()).sum()) > LARGE
    }

    /// What is wrong in one file of a programme, before anything is said of the others.
    pub fn look_at(&self, root: &Path, path: &Path) -> Option<Compilation> {
        let programme = self.programmes.get(root)?;
        look_at(&self.inputs(root), &self.overlay(), &programme.kept, &shown(path))
    }

    /// A programme as it is now, to be looked at as a whole beside the session.
    pub fn whole(&self, root: &Path) -> Option<Whole> {
        let programme = self.programmes.get(root)?;
        Some(Whole {
            texts: self.texts(root),
            kept: Arc::clone(&programme.kept),
            levels: programme.levels.clone(),
            revision: self.revision(),
            newest: Arc::clone(&self.revision),
        })
    }

    /// Takes what was found of a programme, if its texts are still those; whether they are.
    pub fn take(&mut self, root: &Path, revision: u64, analysis: Analysis) -> bool {
        let newest = self.revision() == revision;
        match self.programmes.get_mut(root) {
            Some(programme) if newest => {
                programme.analysis = Some(analysis);
                true
            }
            Some(_) | None => false,
        }
    }

    fn texts(&self, root: &Path) -> Texts {
        Texts { inputs: self.inputs(root), open: self.documents.clone() }
    }

    /// A programme as it is now, for work beside the session.
    pub fn work(&self, root: &Path) -> Work {
        let texts = self.texts(root);
        let config = self.programmes.get(root).map(|programme| programme.config.clone()).unwrap_or_default();
        Work { texts, revision: self.revision(), newest: Arc::clone(&self.revision), config }
    }

    fn inputs(&self, root: &Path) -> Vec<Input> {
        let mut texts: BTreeMap<&Path, &str> = BTreeMap::new();
        if let Some(programme) = self.programmes.get(root) {
            for (path, text) in &programme.saved {
                if let Ok(text) = text {
                    texts.insert(path, text);
                }
            }
        }
        for (path, document) in &self.documents {
            if self.root(path) == root {
                texts.insert(path, &document.text);
            }
        }
        let input = |(path, text): (&Path, &str)| Input { path: shown(path), text: text.to_owned() };
        texts.into_iter().map(input).collect()
    }

    fn analyse(&self, root: &Path) -> Analysis {
        let (kept, levels) = match self.programmes.get(root) {
            Some(programme) => (Arc::clone(&programme.kept), programme.levels.clone()),
            None => Default::default(),
        };
        self.texts(root).analysis(&kept, &levels)
    }

    /// Where imports are found: in the editor, then on the disk.
    pub fn overlay(&self) -> impl Files + '_ {
        Overlay { documents: &self.documents, imports: Imports::default() }
    }

    /// Files of a programme that are no text, where the editor has none of them either.
    pub fn no_texts(&self, root: &Path) -> Vec<(PathBuf, Diagnostic)> {
        let saved = self.programmes.get(root).map(|programme| &programme.saved);
        let refused = saved.into_iter().flatten().filter_map(|(path, text)| {
            let diagnostic = text.as_ref().err()?;
            (!self.documents.contains_key(path)).then(|| (path.clone(), diagnostic.clone()))
        });
        refused.collect()
    }
}
