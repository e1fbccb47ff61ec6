//! The texts that are open in the editor, the programmes that they belong to, and what is known of each.
//!
//! Refuses to know the protocol. The programme of a file is the folder above it with the nearest `perq.toml`, as for the
//! other commands; a file without one is a programme by itself.

use super::uri;
use crate::config::{self, Config};
use crate::programme::{self, Imports, shown};
use perq_compiler::pipeline::{Files, Input};
use perq_grammar::diagnostic::{Diagnostic, FileId};
use perq_ide::Analysis;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
#[derive(Debug)]
pub struct Programme {
    /// Its files as they are saved, by path; what is no text is a diagnostic.
    saved: BTreeMap<PathBuf, Result<String, Diagnostic>>,
    /// Names that `perq.toml` sets.
    pub parameters: Vec<String>,
    /// Why its `perq.toml` cannot be read.
    pub refused: Option<String>,
    analysis: Option<Analysis>,
}

/// Everything that is open.
#[derive(Debug, Default)]
pub struct Workspace {
    documents: BTreeMap<PathBuf, Document>,
    programmes: BTreeMap<PathBuf, Programme>,
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

/// The folder of the nearest `perq.toml` above a file, or the file.
fn root_of(path: &Path) -> PathBuf {
    let folders = path.ancestors().skip(1);
    let found = folders.filter(|folder| folder.is_absolute()).find(|folder| folder.join(config::FILE).is_file());
    found.map_or_else(|| path.to_owned(), Path::to_owned)
}

impl Workspace {
    /// The programme that a file belongs to.
    pub fn root(&self, path: &Path) -> PathBuf {
        let root = root_of(path);
        // What the programme leaves out, such as what `.gitignore` names, is by itself.
        match self.programmes.get(&root) {
            Some(programme) if root != path && !programme.saved.contains_key(path) && path.exists() => {
                path.to_owned()
            }
            Some(_) | None => root,
        }
    }

    /// A text that is open.
    pub fn document(&self, path: &Path) -> Option<&Document> {
        self.documents.get(path)
    }

    /// The address of a path: the editor's own, where it is open.
    pub fn address(&self, path: &Path) -> String {
        self.documents.get(path).map_or_else(|| uri::of(path), |document| document.uri.clone())
    }

    /// A text is opened, or is another now. Gives the programmes to look at again.
    pub fn change(&mut self, path: PathBuf, document: Document) -> Vec<PathBuf> {
        let is_new = self.documents.insert(path.clone(), document).is_none();
        let root = root_of(&path);
        if is_new || !self.programmes.contains_key(&root) {
            self.load(&root);
        }
        let root = self.root(&path);
        if !self.programmes.contains_key(&root) {
            self.load(&root);
        }
        self.stale(&path, root)
    }

    /// A text is closed. Gives the programmes to look at again.
    pub fn close(&mut self, path: &Path) -> Vec<PathBuf> {
        self.documents.remove(path);
        let root = self.root(path);
        if self.open_in(&root) {
            self.load(&root);
        } else {
            self.programmes.remove(&root);
        }
        self.stale(path, root)
    }

    /// Files may be others than before.
    pub fn reload(&mut self) -> Vec<PathBuf> {
        let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
        self.programmes.clear();
        let mut roots: Vec<PathBuf> = Vec::new();
        for path in paths {
            let root = root_of(&path);
            if !self.programmes.contains_key(&root) {
                self.load(&root);
            }
            let root = self.root(&path);
            if !self.programmes.contains_key(&root) {
                self.load(&root);
            }
            roots.push(root);
        }
        roots.sort();
        roots.dedup();
        roots
    }

    fn open_in(&self, root: &Path) -> bool {
        self.documents.keys().any(|path| self.root(path) == root)
    }

    /// Forgets what was known of the programmes that hold a file: its own, and those that may import it.
    fn stale(&mut self, path: &Path, root: PathBuf) -> Vec<PathBuf> {
        let name = shown(path);
        let mut stale = vec![root];
        for (root, programme) in &mut self.programmes {
            let imports = programme.analysis.as_ref().is_some_and(|analysis| analysis.file(&name).is_some());
            if *root == stale[0] || imports {
                programme.analysis = None;
                stale.push(root.clone());
            }
        }
        stale.sort();
        stale.dedup();
        stale
    }

    /// Reads the files of a programme.
    fn load(&mut self, root: &Path) {
        let mut programme =
            Programme { saved: BTreeMap::new(), parameters: Vec::new(), refused: None, analysis: None };
        if root.is_dir() {
            match programme::find(&[root.to_owned()]) {
                Ok(found) => {
                    let own = found.into_iter().find(|found| found.path == root);
                    for path in own.iter().flat_map(|own| &own.files) {
                        programme.saved.insert(path.clone(), Ok(String::new()));
                    }
                    let config = own.map(|own| own.config).unwrap_or_default();
                    programme.parameters = config.parameters.into_keys().collect();
                }
                Err(failure) => {
                    programme.refused = Some(failure.text().to_owned());
                    // The rules can be read all the same.
                    let _: Config = Config::default();
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

    fn analyse(&self, root: &Path) -> Analysis {
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
        let inputs: Vec<Input> = texts.into_iter().map(input).collect();
        Analysis::new(&inputs, &self.overlay())
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
