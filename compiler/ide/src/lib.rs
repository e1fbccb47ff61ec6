//! What editors ask about rules: what is wrong, what a name means, where it is used, what could stand here, what a name
//! may be changed to. Texts in, answers in the terms of texts out.
//!
//! Refuses to know protocols, editors, files and clocks; it uses the compiler and never the engine.
#![forbid(unsafe_code)]

mod actions;
mod colours;
mod completion;
mod declarations;
mod hover;
mod lines;
mod notation;
mod outline;
mod rename;

pub use actions::{Action, whole};
pub use colours::{Colour, Colours, LEGEND};
pub use completion::{Completion, CompletionKind};
pub use declarations::{Declaration, Kind};
pub use hover::Hover;
pub use lines::{Lines, Position};
pub use outline::{Fold, Outline};
pub use rename::Edits;

use declarations::{Mention, names};
use perq_compiler::check::{Sighting, Target, plural};
use perq_compiler::lint;
use perq_compiler::pipeline::{Files, Input, Kept, Study, study_again, study_file};
use perq_compiler::typed::{Builtin, FieldId, RowField, Type};
use perq_grammar::ast::File;
use perq_grammar::diagnostic::{Diagnostic, FileId, Place, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::OnceLock;

/// What is known about the files of a programme.
#[derive(Debug)]
pub struct Analysis {
    study: Study,
    /// What is wrong, and what lints have found.
    diagnostics: Vec<Diagnostic>,
    declarations: Vec<Declaration>,
    symbols: Vec<Symbol>,
    /// Where symbols stand, by place; the declared names among them.
    uses: Vec<(Place, SymbolId)>,
    /// What the checker saw, by place; the smallest place of two that begin together comes first.
    sightings: Vec<Sighting>,
    lines: FxHashMap<FileId, Lines>,
    /// The files of the programme itself.
    own: usize,
    /// What stands in other files than this one is not looked into, but for what they declare.
    alone: Option<FileId>,
}

/// A symbol of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SymbolId(usize);

/// What one name stands for: all versions of a rule are one.
#[derive(Clone, Debug)]
struct Symbol {
    kind: Kind,
    name: String,
    /// Indices of the declarations.
    declared: Vec<usize>,
}

/// By sort, owner and name.
type Key = (Kind, String, String);

/// What has been declared.
#[derive(Debug, Default)]
struct Known {
    symbols: FxHashMap<Key, SymbolId>,
    /// By sort and name alone: the symbol, where one owner has it; none where several have.
    alone: FxHashMap<(Kind, String), Option<SymbolId>>,
}

impl Known {
    fn get(&self, kind: Kind, owner: &str, name: &str) -> Option<SymbolId> {
        self.symbols.get(&(kind, owner.to_owned(), name.to_owned())).copied()
    }

    /// The symbol of a key; the given one where there is none yet.
    fn or_insert(&mut self, key: Key, next: SymbolId) -> SymbolId {
        if let Some(known) = self.symbols.get(&key) {
            return *known;
        }
        let (kind, _, name) = &key;
        let alone = self.alone.entry((*kind, name.clone()));
        alone.and_modify(|alone| *alone = None).or_insert(Some(next));
        self.symbols.insert(key, next);
        next
    }
}

struct Prelude {
    files: Vec<(FileId, &'static str, File)>,
}

/// The standard declarations: their file ids count down from the last, as the checker has them.
fn prelude() -> &'static Prelude {
    static PRELUDE: OnceLock<Prelude> = OnceLock::new();
    PRELUDE.get_or_init(|| {
        let files = (0_u32..).zip(perq_stdlib::PRELUDE).map(|(position, source)| {
            let file = FileId(u32::MAX - position);
            (file, source.text, perq_grammar::parse(file, source.text).tree)
        });
        Prelude { files: files.collect() }
    })
}

impl Analysis {
    /// Of files that belong to one programme.
    pub fn new(inputs: &[Input], files: &dyn Files) -> Analysis {
        Analysis::again(inputs, files, &Kept::default())
    }

    /// The same; files whose texts are as they were are not read again.
    pub fn again(inputs: &[Input], files: &dyn Files, kept: &Kept) -> Analysis {
        Analysis::of_study(study_again(inputs, files, kept), inputs.len(), None)
    }

    /// What is known of one file and of all that is declared, without looking into the rules of other files: as much as it
    /// takes to answer what is asked at its places. Nothing where the files have no such path.
    pub fn alone(inputs: &[Input], files: &dyn Files, kept: &Kept, path: &str) -> Option<Analysis> {
        let study = study_file(inputs, files, kept, path)?;
        let number = inputs.iter().position(|input| input.path == path)?;
        let file = FileId(u32::try_from(number).ok()?);
        Some(Analysis::of_study(study, inputs.len(), Some(file)))
    }

    fn of_study(study: Study, own: usize, alone: Option<FileId>) -> Analysis {
        let mut lines = FxHashMap::default();
        for source in study.compilation.sources.iter() {
            lines.insert(source.file, Lines::of(&source.text));
        }
        let diagnostics = study.compilation.diagnostics.clone();
        let mut analysis = Analysis {
            study,
            diagnostics,
            declarations: Vec::new(),
            symbols: Vec::new(),
            uses: Vec::new(),
            sightings: Vec::new(),
            lines,
            own,
            alone,
        };
        analysis.bind();
        analysis
    }

    /// What is wrong, in the order of files and texts; with what lints have found, where they were asked.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Asks the lints as well, where nothing is wrong.
    pub fn lint(&mut self, options: &lint::Options<'_>) {
        let found = self.study.lint(options);
        self.diagnostics.extend(found);
        self.diagnostics.sort_by_key(|found| found.place);
    }

    /// The file of a path, where it belongs to the programme or is imported.
    pub fn file(&self, path: &str) -> Option<FileId> {
        self.study.compilation.sources.iter().find(|source| source.path == path).map(|source| source.file)
    }

    /// A file's path; the standard declarations have none that could be opened.
    pub fn path(&self, file: FileId) -> Option<&str> {
        if is_prelude(file) {
            return None;
        }
        self.study.compilation.sources.get(file).map(|source| source.path.as_str())
    }

    /// A file's text.
    pub fn text(&self, file: FileId) -> &str {
        self.study.compilation.sources.get(file).map_or("", |source| source.text.as_str())
    }

    /// The files of the programme itself and those that it imports.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &str)> {
        let own = self.study.compilation.sources.iter().filter(|source| !is_prelude(source.file));
        own.map(|source| (source.file, source.path.as_str()))
    }

    /// Whether a file belongs to the programme rather than being imported by it.
    pub fn is_own(&self, file: FileId) -> bool {
        (file.0 as usize) < self.own
    }

    /// A byte offset as editors count.
    pub fn position(&self, file: FileId, offset: u32) -> Position {
        let lines = self.lines.get(&file);
        lines.map(|lines| lines.position(self.text(file), offset as usize)).unwrap_or_default()
    }

    /// A span as editors count.
    pub fn range(&self, place: Place) -> (Position, Position) {
        (self.position(place.file, place.span.start), self.position(place.file, place.span.end))
    }

    /// The byte offset of an editor's place.
    pub fn offset(&self, file: FileId, position: Position) -> usize {
        self.lines.get(&file).map_or(0, |lines| lines.offset(self.text(file), position))
    }

    /// Where what stands here is declared; standard declarations are nowhere.
    pub fn definitions(&self, file: FileId, offset: usize) -> Vec<Place> {
        let Some((_, id)) = self.symbol_at(file, offset) else { return Vec::new() };
        self.declared(id)
            .map(|declaration| declaration.place)
            .filter(|place| !is_prelude(place.file))
            .collect()
    }

    /// Where what stands here is used, with where it is declared if that is asked for.
    pub fn references(&self, file: FileId, offset: usize, declarations: bool) -> Vec<Place> {
        let Some((_, id)) = self.symbol_at(file, offset) else { return Vec::new() };
        let declared: FxHashSet<Place> = self.declared(id).map(|declaration| declaration.place).collect();
        let all = self.uses.iter().filter(|(place, used)| *used == id && !is_prelude(place.file));
        all.map(|(place, _)| *place).filter(|place| declarations || !declared.contains(place)).collect()
    }

    fn declared(&self, id: SymbolId) -> impl Iterator<Item = &Declaration> {
        let symbol = self.symbols.get(id.0);
        symbol.into_iter().flat_map(|symbol| &symbol.declared).filter_map(|at| self.declarations.get(*at))
    }

    /// The symbol at a place, and where its name stands there.
    fn symbol_at(&self, file: FileId, offset: usize) -> Option<(Place, SymbolId)> {
        let offset = u32::try_from(offset).ok()?;
        let after = self.uses.partition_point(|(place, _)| (place.file, place.span.start) <= (file, offset));
        let candidates = self.uses.get(..after)?.iter().rev().take(4);
        candidates
            .take_while(|(place, _)| place.file == file)
            .find(|(place, _)| place.span.start <= offset && offset <= place.span.end)
            .copied()
    }

    fn symbol_of(&mut self, key: Key, by_key: &mut Known) -> SymbolId {
        let next = SymbolId(self.symbols.len());
        let id = by_key.or_insert(key.clone(), next);
        if id == next {
            let (kind, _, name) = key;
            self.symbols.push(Symbol { kind, name, declared: Vec::new() });
        }
        id
    }

    /// Binds names to what is declared.
    fn bind(&mut self) {
        let mut mentions: Vec<Mention> = Vec::new();
        let mut by_key = Known::default();
        let mut by_place: FxHashMap<Place, SymbolId> = FxHashMap::default();
        let trees: Vec<(FileId, &File)> =
            prelude().files.iter().map(|(file, _, tree)| (*file, tree)).collect();
        let mut found = Vec::new();
        for (file, tree) in trees {
            found.push((file, names(file, tree)));
        }
        let mut seen = FxHashSet::default();
        for tree in &self.study.trees {
            if seen.insert(tree.file) {
                found.push((tree.file, names(tree.file, &tree.tree)));
            }
        }
        for (file, names) in found {
            let base = self.declarations.len();
            for mut declaration in names.declarations {
                declaration.within = declaration.within.map(|within| within + base);
                let key = key(&declaration, self.space(file));
                let id = self.symbol_of(key, &mut by_key);
                by_place.insert(declaration.place, id);
                let at = self.declarations.len();
                if let Some(symbol) = self.symbols.get_mut(id.0) {
                    symbol.declared.push(at);
                }
                self.uses.push((declaration.place, id));
                self.declarations.push(declaration);
            }
            if self.alone.is_none_or(|alone| alone == file) {
                mentions.extend(names.mentions);
            }
        }
        // `earlier purchases`
        let events = self.symbols.iter().enumerate().filter(|(_, symbol)| symbol.kind == Kind::Event);
        for (at, symbol) in events {
            by_key.or_insert((Kind::Event, String::new(), plural(&symbol.name)), SymbolId(at));
        }
        let mut bound: FxHashMap<Place, SymbolId> = FxHashMap::default();
        for sighting in std::mem::take(&mut self.study.sightings) {
            if let Some(target) = sighting.target
                && let Some(id) = self.target(target, &by_place, &by_key)
            {
                bound.insert(sighting.place, id);
            }
            self.sightings.push(sighting);
        }
        self.sightings.sort_by_key(|sighting| {
            (sighting.place.file, sighting.place.span.start, sighting.place.span.end)
        });
        // A name after `was` is known by it as well.
        for mention in mentions {
            let found = bound.get(&mention.place).copied();
            let id = found.or_else(|| {
                let space = self.space(mention.place.file);
                mention.kinds.iter().find_map(|kind| self.lookup(*kind, &mention, &space, &by_key))
            });
            if let Some(id) = id {
                bound.insert(mention.place, id);
            }
        }
        let declared: FxHashSet<Place> = by_place.keys().copied().collect();
        self.uses.extend(bound.into_iter().filter(|(place, _)| !declared.contains(place)));
        self.uses.sort();
        self.uses.dedup();
    }

    /// The files whose values are known to each other have one name together; an imported file has its own.
    fn space(&self, file: FileId) -> String {
        if is_prelude(file) || self.is_own(file) { String::new() } else { format!("{}", file.0) }
    }

    fn lookup(&self, kind: Kind, mention: &Mention, space: &str, by_key: &Known) -> Option<SymbolId> {
        let get = |kind: Kind, owner: &str, name: &str| by_key.get(kind, owner, name);
        if kind == Kind::Alias {
            return get(kind, &mention.place.file.0.to_string(), &mention.name);
        }
        if matches!(kind, Kind::Field | Kind::Value | Kind::Level | Kind::Blank | Kind::Unit) {
            if kind == Kind::Field
                && let Some(owner) = mention.owner.as_deref()
            {
                // A line's fields stand in its product, too.
                let owners = match owner {
                    "line" | "unit" => ["line", "product"],
                    "earlier" => ["purchase", "purchase"],
                    other => [other, other],
                };
                return owners.into_iter().find_map(|owner| get(kind, owner, &mention.name));
            }
            if let Some(owner) = mention.owner.as_deref() {
                return get(kind, owner, &mention.name);
            }
            // Without an owner only a name that has one meaning is bound.
            return by_key.alone.get(&(kind, mention.name.clone())).copied().flatten();
        }
        let owner = if kind.is_of_file() { space } else { "" };
        get(kind, owner, &mention.name)
    }

    fn target(
        &self,
        target: Target,
        by_place: &FxHashMap<Place, SymbolId>,
        by_key: &Known,
    ) -> Option<SymbolId> {
        let typed = &self.study.compilation.typed;
        let get = |kind: Kind, owner: &str, name: &str| by_key.get(kind, owner, name);
        match target {
            Target::Declared(place) => by_place.get(&place).copied(),
            Target::Field(field) => {
                let field = self.underlying(field)?;
                if let Some(Builtin::Balance(account)) = field.builtin {
                    let account = typed.accounts.get(account.index())?;
                    return get(Kind::Account, "", &account.name);
                }
                by_place.get(&field.place).copied()
            }
            Target::Value(id, position) => {
                let enumeration = typed.enums.get(id.index())?;
                let value = enumeration.values.get(position)?;
                get(Kind::Value, &enumeration.name, value)
                    .or_else(|| get(Kind::Level, &enumeration.name, value))
            }
        }
    }

    /// A field; of an earlier event or line that of the event or line.
    fn underlying(&self, field: FieldId) -> Option<&perq_compiler::typed::Field> {
        let fields = &self.study.compilation.typed.fields;
        let found = fields.get(field.0 as usize)?;
        match found.builtin {
            Some(Builtin::Row(_, RowField::Event(of) | RowField::Line(of))) => fields.get(of.0 as usize),
            Some(
                Builtin::Row(_, RowField::Own | RowField::Paid | RowField::Returned | RowField::PiecesKept)
                | Builtin::Event(_)
                | Builtin::Line(_)
                | Builtin::Payment(_)
                | Builtin::UnitPrice
                | Builtin::UnitInitial
                | Builtin::UnitPaid
                | Builtin::Read(_)
                | Builtin::Until(_)
                | Builtin::Anniversary(_)
                | Builtin::Tender(_)
                | Builtin::Settled(_)
                | Builtin::Balance(_),
            )
            | None => Some(found),
        }
    }

    /// The type of the smallest expression at a place, with its place.
    fn type_at(&self, file: FileId, offset: u32) -> Option<(Place, &Type)> {
        let typed = self.sightings.iter().filter_map(|seen| seen.ty.as_ref().map(|ty| (seen.place, ty)));
        typed
            .filter(|(place, _)| place.file == file && place.span.start <= offset && offset <= place.span.end)
            .min_by_key(|(place, _)| place.span.end - place.span.start)
    }
}

fn key(declaration: &Declaration, space: String) -> Key {
    let Declaration { kind, name, owner, place, .. } = declaration;
    let owner = if kind.is_local() || *kind == Kind::Test {
        // Its place is what it is: the same name elsewhere is another.
        format!("{}:{}", place.file.0, place.span.start)
    } else if *kind == Kind::Alias {
        place.file.0.to_string()
    } else if kind.is_of_file() {
        space
    } else {
        owner.clone().unwrap_or_default()
    };
    (*kind, owner, name.clone())
}

/// Whether a file holds standard declarations.
fn is_prelude(file: FileId) -> bool {
    (u32::MAX - file.0) < u32::try_from(perq_stdlib::PRELUDE.len()).unwrap_or(0)
}

/// Whether two spans touch.
fn touches(span: Span, from: usize, to: usize) -> bool {
    (span.start as usize) <= to && from <= (span.end as usize)
}
