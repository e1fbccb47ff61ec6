//! The order of the passes; the only file that knows it.
//!
//! `Sources → Parsed → Checked → Program → Verified`: each stage is made by the one before, and nothing but
//! [`crate::ir::verify()`] makes the last.

use crate::check::{
    Checked, Import, MAX_FOUND, Sighting, SourceTree, check, check_file, check_file_watched, check_watched,
};
use crate::interpret::marks::Marks;
use crate::ir::verify::{At, VerifyRule, limits};
use crate::ir::{Program, RuleId, Verified, VerifyError, optimise, verify};
use crate::lint;
use crate::lower::{MAX_INSTS, MAX_PROGRAM_INSTS, TooLarge, lower, lower_marked};
use crate::sources::{Source, SourceMap};
use crate::typed;
use perq_grammar::ast::{GroupClause, ItemKind};
use perq_grammar::diagnostic::{Diagnostic, FileId, Place, Severity, Span};
use perq_grammar::lex::{TokenKind, lex};
use perq_grammar::{MAX_FILE_TOKENS, significant};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// A file to compile.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name, as diagnostics show it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Where `use` finds files; the compiler itself opens nothing.
pub trait Files {
    /// The text of the file that `path` names, written in the file `from`.
    ///
    /// # Errors
    /// A sentence for the author: why it cannot be had.
    fn import(&self, from: &str, path: &str) -> Result<Input, String>;
}

/// No imports.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn import(&self, _from: &str, _path: &str) -> Result<Input, String> {
        Err("nothing can be imported here".to_owned())
    }
}

/// What became of the files.
#[derive(Debug)]
pub struct Compilation {
    /// The files, imports and prelude among them.
    pub sources: SourceMap,
    /// In source order, at most [`MAX_DIAGNOSTICS`] errors a file.
    pub diagnostics: Vec<Diagnostic>,
    /// The typed tree, as far as it goes.
    pub typed: typed::Program,
    /// The program, where there was no error.
    pub program: Option<Verified>,
}

impl Compilation {
    /// Whether anything is wrong.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Bytes that the files of a program may have together.
pub const MAX_PROGRAM_BYTES: usize = 16 << 20;

/// Words, numbers and signs that the files of a program may have together: what the trees take grows with them.
pub const MAX_PROGRAM_TOKENS: usize = MAX_FILE_TOKENS;

/// Declarations, and rules in groups, that the files of a program may have together.
pub const MAX_DECLARATIONS: usize = 100_000;

/// Diagnostics shown of one file; then one says how many more there are.
pub const MAX_DIAGNOSTICS: usize = 100;

/// What an editor asks about files: what became of them, and what was made of each of their places.
#[derive(Debug)]
pub struct Study {
    /// What became of them.
    pub compilation: Compilation,
    /// The trees of the files, in their order, and then of those that they import.
    pub trees: Vec<SourceTree>,
    /// How many of them are the program's own.
    pub own: usize,
    /// What each `use` resolved to.
    pub imports: Vec<Import>,
    /// In the order of checking.
    pub sightings: Vec<Sighting>,
}

/// Parses and checks files that belong to one program; does not lower them.
pub fn analyse(inputs: &[Input], files: &dyn Files) -> Compilation {
    read(inputs, files, &Kept::default(), check).compilation
}

/// As [`analyse`], and says what was made of each place.
pub fn study(inputs: &[Input], files: &dyn Files) -> Study {
    study_again(inputs, files, &Kept::default())
}

/// As [`study`], where files that are as they were are not read again.
pub fn study_again(inputs: &[Input], files: &dyn Files, kept: &Kept) -> Study {
    read(inputs, files, kept, check_watched)
}

/// What is wrong in one file, before anything is said of the others: as [`study_again`] finds it, but for what holds rules
/// against each other. Nothing where the files have no such path.
pub fn look_at(inputs: &[Input], files: &dyn Files, kept: &Kept, path: &str) -> Option<Compilation> {
    let number = inputs.iter().position(|input| input.path == path)?;
    let file = FileId(u32::try_from(number).ok()?);
    let study = read(inputs, files, kept, |trees, imports| Checked {
        diagnostics: check_file(trees, imports, file),
        ..Checked::default()
    });
    let mut compilation = study.compilation;
    compilation.diagnostics.retain(|diagnostic| diagnostic.place.file == file);
    Some(compilation)
}

/// As [`study_again`], of one file with what the others declare: what stands in rules of others is passed over. Nothing where
/// the files have no such path.
pub fn study_file(inputs: &[Input], files: &dyn Files, kept: &Kept, path: &str) -> Option<Study> {
    let number = inputs.iter().position(|input| input.path == path)?;
    let file = FileId(u32::try_from(number).ok()?);
    let mut study = read(inputs, files, kept, |trees, imports| check_file_watched(trees, imports, file));
    study.compilation.diagnostics.retain(|diagnostic| diagnostic.place.file == file);
    Some(study)
}

/// What was read of files, by their numbers: a text that is the same is not read again. Any number of threads may read.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Vec<Option<Arc<KeptFile>>>>);

#[derive(Debug)]
struct KeptFile {
    source: Arc<Source>,
    tree: SourceTree,
    diagnostics: Vec<Diagnostic>,
    /// Words of what did not parse.
    lost: Vec<String>,
    tokens: usize,
    declarations: usize,
}

impl Kept {
    fn get(&self, file: FileId, input: &Input) -> Option<Arc<KeptFile>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get(file.0 as usize)?.as_ref()?;
        let same = kept.source.text == input.text && kept.source.path == input.path;
        same.then(|| Arc::clone(kept))
    }

    fn put(&self, file: FileId, kept: Arc<KeptFile>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = file.0 as usize;
        if all.len() <= number {
            all.resize(number.saturating_add(1), None);
        }
        if let Some(slot) = all.get_mut(number) {
            *slot = Some(kept);
        }
    }
}

/// Parses and checks files that belong to one program, and lints them where they have no errors.
pub fn lint(
    inputs: &[Input],
    files: &dyn Files,
    options: &lint::Options<'_>,
) -> (Compilation, Vec<Diagnostic>) {
    let study = read(inputs, files, &Kept::default(), check);
    let findings = study.lint(options);
    (study.compilation, findings)
}

impl Study {
    /// The lints' findings, where there are no errors.
    pub fn lint(&self, options: &lint::Options<'_>) -> Vec<Diagnostic> {
        if self.compilation.has_errors() {
            return Vec::new();
        }
        let own = self.trees.get(..self.own).unwrap_or(&self.trees);
        lint::lint_program(&self.compilation.typed, &self.compilation.sources, own, options)
    }
}

fn read(
    inputs: &[Input],
    files: &dyn Files,
    kept: &Kept,
    check: impl FnOnce(&[SourceTree], &[Import]) -> Checked,
) -> Study {
    let mut sources = SourceMap::default();
    let mut diagnostics = Vec::new();
    let mut trees = Vec::new();
    let mut lost = BTreeSet::new();
    let mut size = Size::default();
    for input in inputs {
        trees.push(parse(input, kept, &mut sources, &mut diagnostics, &mut lost, &mut size));
    }
    sources.own_are_complete();
    let mut imports: Vec<Import> = Vec::new();
    // Breadth first, so that the numbering of files is a function of the texts alone.
    let mut next = 0;
    let mut imported: Vec<SourceTree> = Vec::new();
    while let Some(from) = trees.get(next).or_else(|| imported.get(next - trees.len())) {
        next += 1;
        let (file, path) = (from.file, from.path.clone());
        for written in uses(from).collect::<Vec<_>>() {
            if imports.iter().any(|import| import.from == file && import.written == written) {
                continue;
            }
            // Why a file cannot be had is the face's to say; that it is not there is the checker's.
            let Ok(input) = files.import(&path, &written) else { continue };
            let known = trees.iter().chain(&imported).find(|tree| tree.path == input.path).cloned();
            let source = match known {
                Some(tree) => tree,
                None => {
                    let tree = parse(&input, kept, &mut sources, &mut diagnostics, &mut lost, &mut size);
                    imported.push(tree.clone());
                    tree
                }
            };
            let hash = blake3::hash(source.text.as_bytes()).to_hex().to_string();
            imports.push(Import { from: file, written, hash, source });
        }
    }
    for (position, file) in (0_u32..).zip(perq_stdlib::PRELUDE) {
        sources.insert(FileId(u32::MAX - position), file.path, file.text);
    }
    if let Some(beyond) = size.beyond {
        // What stands in files that were not read would only be missing elsewhere.
        diagnostics.push(beyond);
        diagnostics.sort_by_key(|diagnostic| diagnostic.place);
        let typed = typed::Program::default();
        let compilation = Compilation { sources, diagnostics: limit(diagnostics), typed, program: None };
        trees.extend(imported);
        return Study { compilation, trees, imports, own: inputs.len(), sightings: Vec::new() };
    }
    let Checked { program, diagnostics: found, sightings } = check(&trees, &imports);
    // What the parser has refused already is not refused again for what it would mean.
    let refused: Vec<Place> = diagnostics.iter().map(|diagnostic| diagnostic.place).collect();
    let follows = |place: Place| {
        refused.iter().any(|refused| {
            refused.file == place.file && (refused.span.start..refused.span.end).contains(&place.span.start)
        })
    };
    // Names that stand in what did not parse may be declared there: that they are unknown is not said.
    let is_lost = |diagnostic: &Diagnostic| {
        diagnostic.name.starts_with("unknown-")
            && diagnostic.message.split('`').skip(1).step_by(2).any(|quoted| lost.contains(quoted))
    };
    diagnostics.extend(found.into_iter().filter(|found| !follows(found.place) && !is_lost(found)));
    diagnostics.sort_by(|a, b| {
        (a.place, a.severity, a.name, &a.message).cmp(&(b.place, b.severity, b.name, &b.message))
    });
    diagnostics.dedup();
    let diagnostics = limit(diagnostics);
    trees.extend(imported);
    let compilation = Compilation { sources, diagnostics, typed: program, program: None };
    Study { compilation, trees, imports, own: inputs.len(), sightings }
}

/// Compiles files that belong to one program.
pub fn compile(inputs: &[Input], files: &dyn Files) -> Compilation {
    let mut compilation = analyse(inputs, files);
    if compilation.has_errors() {
        return compilation;
    }
    let lowered = match lower(&compilation.typed, &compilation.sources) {
        Ok(lowered) => optimise(lowered),
        Err(TooLarge::Rules(rules)) => {
            for rule in rules.iter().filter_map(|rule| compilation.typed.rules.get(rule.index())) {
                let steps = format!("more than {MAX_INSTS} steps when its defines are written out");
                compilation.diagnostics.push(too_large(rule, &steps));
            }
            return compilation;
        }
        Err(TooLarge::Program(rule)) => {
            let place = compilation.typed.rules.get(rule.index()).map(|rule| rule.place).unwrap_or_default();
            let message = format!(
                "the program cannot be compiled: up to this rule, defines written out, it comes to more than \
                 {MAX_PROGRAM_INSTS} steps"
            );
            compilation.diagnostics.push(Diagnostic::error("program-too-large", place, message));
            return compilation;
        }
    };
    let owners: Vec<RuleId> = lowered.sites.iter().map(|site| site.rule).collect();
    match verify(lowered) {
        Ok(verified) => compilation.program = Some(verified),
        Err(errors) => {
            for error in &errors {
                let found = refused(error, &owners, &compilation.typed);
                compilation.diagnostics.push(found);
            }
            compilation.diagnostics.dedup();
        }
    }
    compilation
}

/// Compiles a test's own program.
///
/// # Errors
/// A sentence that says why it cannot be compiled.
pub fn compile_own(program: &typed::Program, sources: &SourceMap) -> Result<Verified, String> {
    let lowered = lower(program, sources).map_err(|_| "the test's program is too large to compile")?;
    let refused = |errors: Vec<VerifyError>| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        format!("the test's program cannot be compiled ({first})")
    };
    verify(optimise(lowered)).map_err(refused)
}

/// Compiles a program, or a test's own, so that runs can mark which of its arms they come by: as it leaves lowering, with
/// the places of [`typed::Program::arms`] in their order.
///
/// # Errors
/// A sentence that says why it cannot be compiled.
pub fn compile_marked(program: &typed::Program, sources: &SourceMap) -> Result<(Verified, Marks), String> {
    let lowered = lower_marked(program, sources).map_err(|_| "the program is too large to compile")?;
    let arms: Vec<_> = program.arms().into_iter().map(|place| sources.locate(place)).collect();
    let marks = Marks::new(&lowered, &arms);
    let refused = |errors: Vec<VerifyError>| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        format!("the program cannot be compiled ({first})")
    };
    Ok((verify(lowered).map_err(refused)?, marks))
}

/// The program as it leaves lowering, before it is optimised; for tests that compare the two.
pub fn lower_only(compilation: &Compilation) -> Option<Program> {
    if compilation.has_errors() { None } else { lower(&compilation.typed, &compilation.sources).ok() }
}

/// What the verifier refuses: what is too large for its limits, or else our own mistake, never the author's, which is
/// said as such rather than hidden. `owners` are the rules of the effects.
fn refused(error: &VerifyError, owners: &[RuleId], program: &typed::Program) -> Diagnostic {
    // Each rule has one function, in the same order.
    let rule = match error.at {
        At::Function(id) | At::Inst(id, _) => program.rules.get(id.index()),
        At::Rule(id) => program.rules.get(id.index()),
        At::Site(id) => owners.get(id.index()).and_then(|rule| program.rules.get(rule.index())),
        At::Program
        | At::Account(_)
        | At::Kind(_)
        | At::Enum(_)
        | At::Reference(_)
        | At::Event(_)
        | At::EventSlot(_)
        | At::LineSlot(_)
        | At::PaymentSlot(_)
        | At::Table(_)
        | At::Column(..)
        | At::Derivation(_)
        | At::Counter(_)
        | At::Param(_)
        | At::Atom(_)
        | At::Group(_)
        | At::Source(_)
        | At::Place(_) => None,
    };
    let long = if error.rule == VerifyRule::LongText {
        Some(format!(
            "a name of more than {} bytes, or a title or reason of more than {}",
            limits::NAME,
            limits::TEXT
        ))
    } else if error.rule == VerifyRule::LongList {
        Some("more entries in one list than perq compiles".to_owned())
    } else {
        None
    };
    if let Some(long) = long {
        let mut group = None;
        if let At::Group(id) = error.at {
            group = program.groups.get(id.index()).map(|group| group.place);
        }
        let place = rule.map(|rule| rule.place).or(group).unwrap_or_default();
        return Diagnostic::error(
            "program-too-large",
            place,
            format!("the program cannot be compiled: it has {long}"),
        );
    }
    let beyond = if error.rule == VerifyRule::TooManyBuffers {
        Some(format!("more than {} collections that it picks or counts", limits::BUFFERS))
    } else if error.rule == VerifyRule::LoopDepth {
        Some(format!("more than {} collections inside one another", limits::LOOP_DEPTH))
    } else {
        None
    };
    match (rule, beyond) {
        (Some(rule), Some(beyond)) => too_large(rule, &beyond),
        (Some(_), None) | (None, _) => {
            let message = format!("perq made a program that it refuses itself ({error})");
            Diagnostic::error("compiler-mistake", Place::default(), message)
                .help("this is a defect of perq: please report it with the rules that caused it")
        }
    }
}

fn too_large(rule: &typed::Rule, beyond: &str) -> Diagnostic {
    let message = format!("`{}` is too large to compile: it comes to {beyond}", rule.name);
    Diagnostic::error("rule-too-large", rule.place, message)
        .help("give what several places use a name with `let`, or share the work among several rules")
}

/// Diagnostics that are made here.
pub const NAMES: &[&str] = &["compiler-mistake", "program-too-large", "rule-too-large"];

/// What the files of a program come to.
#[derive(Default)]
struct Size {
    bytes: usize,
    tokens: usize,
    declarations: usize,
    /// They are too large together: no more of them are read.
    beyond: Option<Diagnostic>,
}

impl Size {
    /// Adds a file, and says whether it is to be read.
    fn admit(&mut self, file: FileId, text: &str) -> bool {
        if self.beyond.is_some() {
            return false;
        }
        self.bytes = self.bytes.saturating_add(text.len());
        // No text has more of them than bytes.
        let tokens = if self.tokens.saturating_add(text.len()) > MAX_PROGRAM_TOKENS {
            significant(&lex(text))
        } else {
            0
        };
        if self.bytes > MAX_PROGRAM_BYTES {
            self.refuse(file, &format!("{} bytes", self.bytes), MAX_PROGRAM_BYTES);
        } else if self.tokens > 0 && self.tokens.saturating_add(tokens) > MAX_PROGRAM_TOKENS {
            let words = format!("{} words, numbers and signs", self.tokens.saturating_add(tokens));
            self.refuse(file, &words, MAX_PROGRAM_TOKENS);
        }
        self.beyond.is_none()
    }

    /// Adds what was read of a file.
    fn add(&mut self, file: FileId, kept: &KeptFile) {
        self.tokens = self.tokens.saturating_add(kept.tokens);
        self.declarations = self.declarations.saturating_add(kept.declarations);
        if self.declarations > MAX_DECLARATIONS {
            self.refuse(file, &format!("{} declarations and rules", self.declarations), MAX_DECLARATIONS);
        }
    }

    fn refuse(&mut self, file: FileId, what: &str, most: usize) {
        let place = Place { file, span: Span::default() };
        let message = format!("up to this file the program has {what}; it may have at most {most} in all");
        self.beyond = Some(Diagnostic::error("program-too-large", place, message));
    }
}

fn parse(
    input: &Input,
    kept: &Kept,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
    lost: &mut BTreeSet<String>,
    size: &mut Size,
) -> SourceTree {
    let number = u32::try_from(sources.iter().count()).unwrap_or(u32::MAX);
    let file = FileId(number);
    if !size.admit(file, &input.text) {
        sources.insert(file, &input.path, "");
        return SourceTree { file, path: input.path.clone(), text: Arc::from(""), tree: Arc::default() };
    }
    let known = kept.get(file, input).unwrap_or_else(|| {
        let known = Arc::new(parse_file(file, input));
        kept.put(file, Arc::clone(&known));
        known
    });
    sources.share(Arc::clone(&known.source));
    size.add(file, &known);
    lost.extend(known.lost.iter().cloned());
    diagnostics.extend(known.diagnostics.iter().cloned());
    known.tree.clone()
}

fn parse_file(file: FileId, input: &Input) -> KeptFile {
    let parsed = perq_grammar::parse(file, &input.text);
    let mut lost = Vec::new();
    if !parsed.diagnostics.is_empty() {
        let spans: Vec<Span> = parsed.tree.items.iter().map(|item| item.span).collect();
        for token in parsed.tokens.iter().filter(|token| token.kind == TokenKind::Word) {
            let kept = spans.partition_point(|span| span.end <= token.span.start);
            if spans.get(kept).is_none_or(|span| token.span.start < span.start) {
                lost.push(token.text(&input.text).to_owned());
            }
        }
    }
    let in_groups = parsed.tree.items.iter().map(|item| {
        let ItemKind::Group(_, clauses) = &item.kind else { return 0 };
        clauses.iter().filter(|clause| matches!(clause, GroupClause::Rule(_))).count()
    });
    KeptFile {
        source: Arc::new(Source::new(file, &input.path, &input.text)),
        lost,
        tokens: significant(&parsed.tokens),
        declarations: parsed.tree.items.len().saturating_add(in_groups.sum()),
        diagnostics: parsed.diagnostics,
        tree: SourceTree {
            file,
            path: input.path.clone(),
            text: Arc::from(input.text.as_str()),
            tree: Arc::new(parsed.tree),
        },
    }
}

fn uses(tree: &SourceTree) -> impl Iterator<Item = String> + '_ {
    tree.tree.items.iter().filter_map(|item| {
        let ItemKind::Use { path, .. } = &item.kind else { return None };
        Some(path.value.clone())
    })
}

/// At most [`MAX_DIAGNOSTICS`] of each file, errors before warnings, and one that says how many more there are; it is
/// an error where one was left off.
fn limit(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    // Of what the checker has not kept there may be more in any file.
    let at_least = if diagnostics.len() < MAX_FOUND { "" } else { "at least " };
    let mut out: Vec<Diagnostic> = Vec::new();
    for in_file in diagnostics.chunk_by(|a, b| a.place.file == b.place.file) {
        let mut errors = MAX_DIAGNOSTICS;
        let mut warnings =
            MAX_DIAGNOSTICS.saturating_sub(in_file.iter().filter(|found| is_error(found)).count());
        let mut left_off: Option<Diagnostic> = None;
        let mut count = 0_usize;
        for diagnostic in in_file {
            let room = if is_error(diagnostic) { &mut errors } else { &mut warnings };
            if *room > 0 {
                *room = room.saturating_sub(1);
                out.push(diagnostic.clone());
                continue;
            }
            count = count.saturating_add(1);
            if left_off.as_ref().is_none_or(|first| is_error(diagnostic) && !is_error(first)) {
                left_off = Some(diagnostic.clone());
            }
        }
        out.extend(left_off.map(|first| {
            let message =
                format!("and {at_least}{count} more in this file; mend the first ones and check again");
            Diagnostic { name: "too-many-errors", message, ..first }
        }));
    }
    out
}
