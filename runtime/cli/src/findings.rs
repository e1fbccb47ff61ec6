//! Findings of `check` and `lint`: which of them are said, in which form, and what the exit code is.
//!
//! Refuses to know what they are about. One form is one file below this one.

mod github;
mod gitlab;
mod junit;
pub(crate) mod sarif;

use crate::args::{FailLevel, Format, Reporting};
use crate::excerpt::plain;
use crate::output::Output;
use crate::render::{self, plural};
use crate::{Exit, Failure, Outcome};
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::{Diagnostic, Severity};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// One finding, with what all forms need.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is found.
    pub diagnostic: Diagnostic,
    /// By a lint, rather than by the language.
    pub lint: bool,
    /// The file, as it is shown.
    pub path: String,
    /// Line and column of the beginning, from 1.
    pub start: (u32, u32),
    /// Line and column behind the end.
    pub end: (u32, u32),
    /// The same for the same finding after lines have moved; told apart where several would be the same.
    pub fingerprint: String,
    sources: Arc<SourceMap>,
}

impl Finding {
    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.diagnostic.severity == Severity::Error
    }

    /// The repairs, one a line, for forms without places for them.
    fn repairs(&self) -> String {
        self.diagnostic.repairs.iter().map(render::repair).collect::<Vec<_>>().join("\n")
    }

    /// An error of the language: it is said whatever a baseline or a list of files says.
    fn is_certain(&self) -> bool {
        !self.lint && self.is_error()
    }
}

/// All findings of a run.
#[derive(Debug, Default)]
pub struct Findings {
    all: Vec<Finding>,
    /// Programmes.
    pub programmes: usize,
    /// Files.
    pub files: usize,
    seen: BTreeMap<String, usize>,
    /// Findings that a baseline holds.
    known: usize,
}

impl Findings {
    /// Adds those of a programme.
    pub fn add(
        &mut self,
        sources: SourceMap,
        diagnostics: Vec<Diagnostic>,
        lints: Vec<Diagnostic>,
        files: usize,
    ) {
        self.programmes += 1;
        self.files += files;
        let sources = Arc::new(sources);
        let diagnostics = diagnostics.into_iter().map(|diagnostic| (diagnostic, false));
        let lints = lints.into_iter().map(|diagnostic| (diagnostic, true));
        let mut both: Vec<(Diagnostic, bool)> = diagnostics.chain(lints).collect();
        both.sort_by_key(|(diagnostic, _)| diagnostic.place);
        for (diagnostic, lint) in both {
            let place = diagnostic.place;
            let source = sources.get(place.file);
            let path = source.map_or_else(String::new, |source| source.path.clone());
            let point = |offset: u32| source.map_or((1, 1), |source| source.line_column(offset));
            let text = source.map_or("", |source| line(&source.text, place.span.start as usize));
            let key = format!("{}\u{0}{}\u{0}{}", diagnostic.name, path, text.trim());
            let count = self.seen.entry(key.clone()).or_insert(0);
            *count += 1;
            let fingerprint = format!("{:016x}", fingerprint(&format!("{key}\u{0}{count}")));
            let (start, end) = (point(place.span.start), point(place.span.end));
            let sources = Arc::clone(&sources);
            self.all.push(Finding { diagnostic, lint, path, start, end, fingerprint, sources });
        }
    }

    /// Those that are left, for repairs.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.all.iter()
    }

    /// Leaves out what was not asked for; git is asked where the first of the paths is.
    ///
    /// # Errors
    /// Where a baseline cannot be read or git does not answer.
    pub fn select(&mut self, reporting: &Reporting, paths: &[PathBuf]) -> Result<(), Failure> {
        if let Some(files) = chosen(reporting, paths)? {
            self.all
                .retain(|finding| finding.is_certain() || files.contains(&real(Path::new(&finding.path))));
        }
        if let Some(path) = reporting.baseline.as_ref().filter(|_| !reporting.write_baseline) {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
            let known: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
            let before = self.all.len();
            self.all.retain(|finding| finding.is_certain() || !known.contains(finding.fingerprint.as_str()));
            self.known = before - self.all.len();
        }
        Ok(())
    }

    /// Says them, and what follows from them.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn conclude(
        self,
        command: &'static str,
        reporting: &Reporting,
        more: Value,
        output: &mut Output,
    ) -> Outcome {
        if let Some(path) = reporting.baseline.as_ref().filter(|_| reporting.write_baseline) {
            self.write_baseline(path)?;
        }
        match output.format() {
            Format::Human => self.say(output)?,
            Format::Json => self.object(command, more, output),
            Format::Github => output.raw().write_all(github::text(&self.all).as_bytes())?,
            Format::Gitlab => output.raw().write_all(gitlab::text(&self.all).as_bytes())?,
            Format::Sarif => output.raw().write_all(sarif::text(&self.all).as_bytes())?,
            Format::Junit => output.raw().write_all(junit::text(&self.all, command).as_bytes())?,
        }
        let fails = |finding: &Finding| match reporting.fail_level {
            FailLevel::Error => finding.is_error(),
            FailLevel::Warning => true,
            FailLevel::Never => false,
        };
        // What was just written down is known.
        let counted = |finding: &&Finding| !reporting.write_baseline || finding.is_certain();
        Ok(Exit::findings(self.all.iter().filter(counted).any(fails)))
    }

    fn counts(&self) -> (usize, usize) {
        let errors = self.all.iter().filter(|finding| finding.is_error()).count();
        (errors, self.all.len() - errors)
    }

    fn say(&self, output: &mut Output) -> Result<(), Failure> {
        for finding in &self.all {
            output.say(&render::human(&finding.sources, &finding.diagnostic, output.style()))?;
        }
        let counts = match self.counts() {
            (0, 0) => "no errors, no warnings".to_owned(),
            (errors, warnings) => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
        };
        let known = match self.known {
            0 => String::new(),
            known => format!(" beside {known} of the baseline"),
        };
        let files = plural(self.files, "file");
        let more = match self.all.first() {
            Some(first) => format!("; `perq explain {}` tells more", first.diagnostic.name),
            None => String::new(),
        };
        output.say(&format!("{counts}{known} in {files}{more}"))?;
        Ok(())
    }

    fn object(&self, command: &str, more: Value, output: &mut Output) {
        let machine = |finding: &Finding| {
            let mut value = render::machine(&finding.sources, &finding.diagnostic);
            if let Value::Object(fields) = &mut value {
                fields.insert("fingerprint".to_owned(), json!(finding.fingerprint));
            }
            value
        };
        let (errors, warnings) = self.counts();
        let mut fields = Map::new();
        fields.insert("files".to_owned(), json!(self.files));
        fields.insert("programmes".to_owned(), json!(self.programmes));
        fields.insert("errors".to_owned(), json!(errors));
        fields.insert("warnings".to_owned(), json!(warnings));
        fields.insert("diagnostics".to_owned(), self.all.iter().map(machine).collect());
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        output.object(command, Value::Object(fields));
    }

    fn write_baseline(&self, path: &Path) -> Result<(), Failure> {
        let certain = self.all.iter().filter(|finding| !finding.is_certain());
        let mut lines: Vec<String> = certain
            .map(|finding| {
                format!("{} {} {}\n", finding.fingerprint, finding.diagnostic.name, plain(&finding.path))
            })
            .collect();
        lines.sort_by(|a, b| {
            a.split_once(' ').map(|(_, rest)| rest).cmp(&b.split_once(' ').map(|(_, rest)| rest))
        });
        std::fs::write(path, lines.concat()).map_err(|error| Failure::file(path, &error))
    }
}

/// The line of a text that an offset is on.
fn line(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |end| end + 1);
    text.get(start..).and_then(|tail| tail.lines().next()).unwrap_or("")
}

/// FNV-1a: short, and the same everywhere and always. It names findings and protects nothing.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The files of which findings are wanted; nothing where all are.
fn chosen(reporting: &Reporting, paths: &[PathBuf]) -> Result<Option<BTreeSet<PathBuf>>, Failure> {
    if reporting.only.is_empty() && reporting.changed_since.is_none() {
        return Ok(None);
    }
    let mut files: BTreeSet<PathBuf> = reporting.only.iter().map(|path| real(path)).collect();
    if let Some(revision) = &reporting.changed_since {
        if revision.starts_with('-') {
            return Err(Failure::new(format!("`{}` is no revision", plain(revision))));
        }
        let first = real(paths.first().map_or(Path::new("."), PathBuf::as_path));
        let folder = if first.is_dir() { first.as_path() } else { first.parent().unwrap_or(Path::new(".")) };
        let root = git(&["-C", &folder.to_string_lossy(), "rev-parse", "--show-toplevel"])?;
        let root = PathBuf::from(root.trim_end_matches(['\n', '\r']));
        let root_text = root.to_string_lossy().into_owned();
        let changed = git(&["-C", &root_text, "diff", "--name-only", "-z", revision, "--"])?;
        let new = git(&["-C", &root_text, "ls-files", "-z", "--others", "--exclude-standard"])?;
        let names = changed.split('\0').chain(new.split('\0')).filter(|name| !name.is_empty());
        files.extend(names.map(|name| real(&root.join(name))));
    }
    Ok(Some(files))
}

fn git(arguments: &[&str]) -> Result<String, Failure> {
    let answer = Command::new("git").args(arguments).output();
    let answer =
        answer.map_err(|error| Failure::new(format!("git cannot be asked what has changed: {error}")))?;
    if !answer.status.success() {
        let said = String::from_utf8_lossy(&answer.stderr);
        return Err(Failure::new(format!("git does not say what has changed: {}", said.trim())));
    }
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}

/// A path that can be compared; a file that is gone keeps the path that it is named by.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
