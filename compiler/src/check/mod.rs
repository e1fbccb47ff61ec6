//! Syntax trees in, a typed tree and everything wrong with it out.
//!
//! Checking never fails and never stops at the first error: what has a diagnostic becomes [`typed::ExprKind::Error`]
//! or a type that silences what would follow. It refuses to know files, clocks, zones' offsets and machines.

mod bundles;
mod choices;
mod collections;
mod contacts;
mod currencies;
pub(crate) mod dates;
mod effects;
pub mod errors;
mod expressions;
mod functions;
mod gifts;
mod governance;
mod groups;
mod habits;
mod history;
mod instruments;
mod life;
mod limits;
mod names;
mod offers;
mod operators;
mod processing;
mod program;
mod promises;
mod redemptions;
mod returns;
mod rules;
mod schema;
mod sightings;
mod spendable;
mod templates;
mod tiers;
mod ties;
mod trials;
pub(crate) mod types;
mod walk;

use crate::ir;
use crate::typed::{self, FieldId, UnitId};
pub use history::plural;
use names::Space;
use perq_grammar::ast;
use perq_grammar::diagnostic::{Diagnostic, FileId, Place, Severity, Span};
use rustc_hash::{FxHashMap, FxHashSet};
pub use sightings::{Sighting, Target};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// A parsed file.
#[derive(Clone, Debug)]
pub struct SourceTree {
    /// The caller's number for it.
    pub file: FileId,
    /// As given to the compiler.
    pub path: String,
    /// Its text, for quoting.
    pub text: Arc<str>,
    /// Its tree.
    pub tree: Arc<ast::File>,
}

/// What a `use` resolved to.
#[derive(Clone, Debug)]
pub struct Import {
    /// The file that has the `use`: one of the program's, or itself imported.
    pub from: FileId,
    /// The path as written after `use`.
    pub written: String,
    /// The file's BLAKE3 hash, hexadecimal.
    pub hash: String,
    /// The file; the same file imported twice has the same id, and a file of the program keeps its own.
    pub source: SourceTree,
}

/// A checked program.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Only to be lowered when no diagnostic is an error.
    pub program: typed::Program,
    /// In the order of the files, and in source order within each.
    pub diagnostics: Vec<Diagnostic>,
    /// What was made of each place, where somebody asks.
    pub sightings: Vec<Sighting>,
}

/// The codes of the currencies that there are.
pub fn currency_codes() -> impl Iterator<Item = &'static str> {
    currencies::codes()
}

/// How many diagnostics are kept to choose those from that are shown; hostile text would otherwise fill the memory.
pub const MAX_FOUND: usize = 10_000;

/// Bytes that are checked for the tests that reject or declare, the whole program for each of them.
const MAX_CHECKED: usize = 256 << 20;

/// Checks a program: its files in a deterministic order, with all that they import.
pub fn check(files: &[SourceTree], imports: &[Import]) -> Checked {
    check_as(files, imports, false, None)
}

/// As [`check`], but that rules of other files are looked into only where what they say may be wrong in this one: where their
/// group or their template stands in it. Gives its diagnostics; but not those that hold rules against each other.
pub fn check_file(files: &[SourceTree], imports: &[Import], file: FileId) -> Vec<Diagnostic> {
    let mut diagnostics = check_as(files, imports, false, Some(file)).diagnostics;
    diagnostics.retain(|diagnostic| diagnostic.place.file == file);
    diagnostics
}

/// As [`check_watched`], of one file: rules of others are passed over, and nothing is said of them.
pub fn check_file_watched(files: &[SourceTree], imports: &[Import], file: FileId) -> Checked {
    let mut checked = check_as(files, imports, true, Some(file));
    checked.diagnostics.retain(|diagnostic| diagnostic.place.file == file);
    checked
}

/// As [`check`], and keeps what was made of each place.
pub fn check_watched(files: &[SourceTree], imports: &[Import]) -> Checked {
    check_as(files, imports, true, None)
}

fn check_as(files: &[SourceTree], imports: &[Import], watched: bool, focus: Option<FileId>) -> Checked {
    let prelude = prelude();
    let tests = focus.map_or(Tests::All, Tests::Of);
    let Ran { mut program, found: mut diagnostics, alone, mut sightings } =
        run(&prelude.0, files, imports, None, tests, watched, focus);
    diagnostics.extend(prelude.1.iter().cloned());
    let length: usize = files.iter().map(|file| file.text.len()).sum();
    let most = MAX_CHECKED / length.max(1);
    diagnostics.extend(
        alone.get(most).map(|test| errors::checked_too_often(Place { file: test.file, span: test.span })),
    );
    for Alone { test, file, span, items, rejects } in alone.into_iter().take(most) {
        let snippet = SourceTree {
            file,
            path: String::new(),
            text: Arc::from(""),
            tree: Arc::new(ast::File { items }),
        };
        let Some(expected) = rejects else {
            let of_test = Tests::Only(Place { file, span });
            let Ran { program: mut own, found, sightings: seen, .. } =
                run(&prelude.0, files, imports, Some((&snippet, Origin::Program)), of_test, watched, focus);
            diagnostics.extend(found);
            // What a field is has another number in the test's own program: names alone are kept.
            sightings.extend(seen.into_iter().filter(|seen| {
                let here = seen.place.file == file && (span.start..span.end).contains(&seen.place.span.start);
                here && matches!(seen.target, Some(Target::Declared(_)))
            }));
            if let (Some(test), Some(checked)) = (program.tests.get_mut(test), own.tests.pop()) {
                *test = typed::Test { own: Some(Box::new(own)), ..checked };
            }
            continue;
        };
        let snippet = Some((&snippet, Origin::Snippet));
        let found = run(&prelude.0, files, imports, snippet, Tests::None, false, focus)
            .found
            .into_iter()
            .filter(|diagnostic| {
                diagnostic.severity == Severity::Error
                    && diagnostic.place.file == file
                    && diagnostic.place.span.start >= span.start
                    && diagnostic.place.span.end <= span.end
            })
            .map(|diagnostic| diagnostic.name.to_string())
            .collect();
        if let Some(test) = program.tests.get_mut(test) {
            test.body = typed::TestBody::Rejects { expected, found };
        }
    }
    let order: FxHashMap<FileId, usize> =
        files.iter().enumerate().map(|(position, file)| (file.file, position)).collect();
    diagnostics.sort_by_key(|diagnostic| {
        let place = diagnostic.place;
        (order.get(&place.file).copied().unwrap_or(usize::MAX), place.file, place.span.start, place.span.end)
    });
    let mut seen = FxHashSet::default();
    diagnostics
        .retain(|diagnostic| seen.insert((diagnostic.name, diagnostic.place, diagnostic.message.clone())));
    Checked { program, diagnostics, sightings }
}

/// The prelude's trees, with what is wrong in them.
fn prelude() -> &'static (Vec<SourceTree>, Vec<Diagnostic>) {
    static PRELUDE: OnceLock<(Vec<SourceTree>, Vec<Diagnostic>)> = OnceLock::new();
    PRELUDE.get_or_init(parse_prelude)
}

/// Their file ids count down from the last.
fn parse_prelude() -> (Vec<SourceTree>, Vec<Diagnostic>) {
    let mut trees = Vec::new();
    let mut diagnostics = Vec::new();
    for (position, source) in perq_stdlib::PRELUDE.iter().enumerate() {
        let file = FileId(u32::MAX - position as u32);
        let parsed = perq_grammar::parse(file, source.text);
        diagnostics.extend(parsed.diagnostics);
        trees.push(SourceTree {
            file,
            path: source.path.into(),
            text: source.text.into(),
            tree: Arc::new(parsed.tree),
        });
    }
    (trees, diagnostics)
}

/// Whether a file is the prelude's.
fn is_prelude(file: FileId) -> bool {
    u32::MAX - file.0 < perq_stdlib::PRELUDE.len() as u32
}

/// A test that is checked with the program by itself: it must be refused, or adds to what it tests.
struct Alone {
    test: usize,
    file: FileId,
    span: Span,
    /// What it declares.
    items: Vec<ast::Item>,
    /// The diagnostic that it must give.
    rejects: Option<String>,
}

/// Which tests a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tests {
    All,
    None,
    Only(Place),
    /// Those of a file.
    Of(FileId),
}

/// Where an item comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Prelude,
    Program,
    Import,
    /// The declarations of a `test … rejects`.
    Snippet,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug)]
struct At {
    file: FileId,
    space: usize,
    origin: Origin,
}

impl At {
    fn place(self, span: Span) -> Place {
        Place { file: self.file, span }
    }
}

/// What one check of one program gives.
struct Ran {
    program: typed::Program,
    found: Vec<Diagnostic>,
    alone: Vec<Alone>,
    sightings: Vec<Sighting>,
}

/// One check of one program.
fn run(
    prelude: &[SourceTree],
    files: &[SourceTree],
    imports: &[Import],
    snippet: Option<(&SourceTree, Origin)>,
    tests: Tests,
    watched: bool,
    focus: Option<FileId>,
) -> Ran {
    let mut checker = Checker::new();
    checker.focus = focus;
    checker.sightings = watched.then(Vec::new);
    let mut items = Items::default();
    for source in prelude {
        checker.texts.insert(source.file, &source.text);
        items.collect(At { file: source.file, space: 0, origin: Origin::Prelude }, &source.tree);
    }
    let mut spaces: FxHashMap<FileId, usize> = FxHashMap::default();
    for source in files {
        checker.texts.insert(source.file, &source.text);
        spaces.insert(source.file, 1);
        items.collect(At { file: source.file, space: 1, origin: Origin::Program }, &source.tree);
    }
    for import in imports {
        if spaces.contains_key(&import.source.file) {
            continue;
        }
        let space = checker.spaces.len();
        checker.spaces.push(Space::default());
        checker.texts.insert(import.source.file, &import.source.text);
        spaces.insert(import.source.file, space);
        items.collect(At { file: import.source.file, space, origin: Origin::Import }, &import.source.tree);
    }
    if let Some((source, origin)) = snippet {
        let space = spaces.get(&source.file).copied().unwrap_or(1);
        items.collect(At { file: source.file, space, origin }, &source.tree);
    }

    let mut made = instruments::as_rules(&items);
    made.extend(offers::as_rules(&items));
    for coupon in &made {
        match &coupon.group {
            Some((header, clauses)) => {
                items.groups.push((coupon.at, header, clauses, coupon.rule.span));
                items.rules.push((coupon.at, &coupon.rule, items.groups.len()));
            }
            None => items.rules.push((coupon.at, &coupon.rule, items.groups.len())),
        }
    }

    checker.uses(&items, imports, &spaces);
    checker.settings(&items, files);
    checker.declare_types(&items);
    checker.declare_levels(&items);
    checker.declare_accounts(&items);
    checker.declare_fields(&items);
    checker.declare_tier_field(&items);
    checker.declare_instruments(&items);
    checker.declare_returns();
    checker.declare_offers(&items);
    checker.declare_functions(&items);
    checker.declare_groups(&items);
    checker.declare_templates(&items);
    checker.declare_rules(&items);
    checker.declare_redemptions(&items);
    checker.bind_coupons();

    checker.check_defaults(&items);
    checker.check_params(&items);
    checker.check_functions(&items);
    checker.check_floor();
    checker.check_besides();
    checker.check_groups();
    checker.check_tiers(&items);
    checker.check_instruments(&items);
    checker.check_rules();
    checker.check_payable_lines();
    checker.check_redemptions();
    checker.check_offers(&items);
    checker.check_promises(&items);
    checker.check_contacts(&items);
    checker.check_ties();
    checker.check_tests(&items, tests);
    let Checker { out: program, found, alone, sightings, .. } = checker;
    Ran { program, found, alone, sightings: sightings.unwrap_or_default() }
}

/// Values of an enumeration with their titles.
type Values<'a> = &'a [(ast::Name, Option<ast::Text>)];

/// A `use`.
struct Use<'a> {
    path: &'a ast::Text,
    alias: Option<&'a ast::Name>,
    hash: Option<&'a ast::Text>,
}

/// The items of all files by kind, each list in the order of the files and their text.
#[derive(Default)]
struct Items<'a> {
    languages: Vec<(At, &'a ast::Lexeme)>,
    uses: Vec<(At, Use<'a>)>,
    programs: Vec<(At, &'a ast::Header, &'a [ast::ProgramClause], Span)>,
    accounts: Vec<(At, &'a ast::Header, &'a [ast::AccountClause])>,
    enums: Vec<(At, &'a ast::Header, bool, Values<'a>)>,
    references: Vec<(At, &'a ast::Name, bool, Option<&'a ast::Name>)>,
    /// `record` and `extend` (true).
    records: Vec<(At, &'a ast::Name, &'a [ast::FieldDeclaration], bool)>,
    events: Vec<(At, &'a ast::Name, &'a [ast::Text], &'a [ast::FieldDeclaration])>,
    params: Vec<(At, &'a ast::Item)>,
    functions: Vec<(At, &'a ast::Item)>,
    groups: Vec<(At, &'a ast::Header, &'a [ast::GroupClause], Span)>,
    /// Rules outside of groups, with how many groups stand before them.
    rules: Vec<(At, &'a ast::Rule, usize)>,
    templates: Vec<(At, &'a ast::Template)>,
    tests: Vec<(At, &'a ast::Test, Span)>,
    redemptions: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::RedemptionClause>], Span)>,
    coupons: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::CouponClause>], Span)>,
    certificates: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::CertificateClause>])>,
    badges: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::BadgeClause>])>,
    tiers: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::TiersClause>])>,
    offers: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::OfferClause>])>,
    arbitrations: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::ArbitrationClause>])>,
    promises: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::EnsureClause>])>,
    contacts: Vec<(At, &'a ast::Header, &'a [ast::Placed<ast::ContactsClause>])>,
}

impl<'a> Items<'a> {
    fn collect(&mut self, at: At, file: &'a ast::File) {
        for item in &file.items {
            match &item.kind {
                ast::ItemKind::Language(number) => self.languages.push((at, number)),
                ast::ItemKind::Use { path, alias, hash } => {
                    self.uses.push((at, Use { path, alias: alias.as_ref(), hash: hash.as_ref() }));
                }
                ast::ItemKind::Program(header, clauses) => {
                    self.programs.push((at, header, clauses, item.span));
                }
                ast::ItemKind::Account(header, clauses) => self.accounts.push((at, header, clauses)),
                ast::ItemKind::Enum { header, ordered, values } => {
                    self.enums.push((at, header, *ordered, values));
                }
                ast::ItemKind::Reference { name, hierarchical, of } => {
                    self.references.push((at, name, *hierarchical, of.as_ref()));
                }
                ast::ItemKind::Record(name, fields) => self.records.push((at, name, fields, false)),
                ast::ItemKind::Extend(name, fields) => self.records.push((at, name, fields, true)),
                ast::ItemKind::Event { name, from, fields } => self.events.push((at, name, from, fields)),
                ast::ItemKind::Param { .. } => self.params.push((at, item)),
                ast::ItemKind::Define { .. }
                | ast::ItemKind::Table { .. }
                | ast::ItemKind::Segment(..)
                | ast::ItemKind::Counter { .. } => {
                    self.functions.push((at, item));
                }
                ast::ItemKind::Group(header, clauses) => self.groups.push((at, header, clauses, item.span)),
                ast::ItemKind::Template(template) => self.templates.push((at, template)),
                ast::ItemKind::Rule(rule) => self.rules.push((at, rule, self.groups.len())),
                ast::ItemKind::Test(test) => self.tests.push((at, test, item.span)),
                ast::ItemKind::Redemption(header, clauses) => {
                    self.redemptions.push((at, header, clauses, item.span));
                }
                ast::ItemKind::Coupon(header, clauses) => {
                    self.coupons.push((at, header, clauses, item.span));
                }
                ast::ItemKind::Certificate(header, clauses) => {
                    self.certificates.push((at, header, clauses));
                }
                ast::ItemKind::Badge(header, clauses) => self.badges.push((at, header, clauses)),
                ast::ItemKind::Tiers(header, clauses) => self.tiers.push((at, header, clauses)),
                ast::ItemKind::Offer(header, clauses) => self.offers.push((at, header, clauses)),
                ast::ItemKind::Arbitration(header, clauses) => {
                    self.arbitrations.push((at, header, clauses));
                }
                ast::ItemKind::Ensure(header, clauses) => self.promises.push((at, header, clauses)),
                ast::ItemKind::Contacts(header, clauses) => self.contacts.push((at, header, clauses)),
            }
        }
    }
}

/// Ids of the fields that need no declaration.
#[derive(Clone, Copy, Debug, Default)]
struct Builtins {
    at: FieldId,
    date: FieldId,
    time: FieldId,
    weekday: FieldId,
    month_day: FieldId,
    member_known: FieldId,
    basket_initial: FieldId,
    basket_paid: FieldId,
    unit_price: FieldId,
    unit_initial: FieldId,
    unit_paid: FieldId,
    weekdays: ir::EnumId,
}

/// All that is known so far.
struct Checker<'a> {
    texts: FxHashMap<FileId, &'a str>,
    out: typed::Program,
    found: Vec<Diagnostic>,
    alone: Vec<Alone>,
    /// What was made of each place, where somebody asks.
    sightings: Option<Vec<Sighting>>,
    /// The file that alone is asked for; then the rules of others stand for their names alone.
    focus: Option<FileId>,
    /// One of them is an error.
    refused: bool,
    /// Above zero, diagnostics are dropped: the same text has been checked before.
    muted: u32,
    /// The prelude's, the program's, then one for each imported file.
    spaces: Vec<Space>,
    /// By scope and skeleton: the name and where it stands.
    declared: FxHashMap<(String, String), (String, Place)>,

    enum_ids: FxHashMap<String, ir::EnumId>,
    /// By enumeration: values that have a title, and that.
    enum_titles: Vec<Vec<(String, String)>>,
    kind_ids: FxHashMap<String, ir::KindId>,
    counts: FxHashMap<String, UnitId>,
    /// Unit words of accounts.
    units: FxHashMap<String, ir::AccountId>,
    account_ids: FxHashMap<String, ir::AccountId>,
    account_infos: Vec<program::AccountInfo>,
    event_ids: FxHashMap<String, ir::EventId>,
    event_infos: Vec<schema::EventInfo>,
    records: schema::Records,
    builtins: Builtins,
    histories: history::Histories,

    function_infos: Vec<functions::FunctionInfo>,
    collections: Vec<functions::CollectionInfo<'a>>,
    param_starts: Vec<Option<i64>>,
    /// Parameters read by the rule or function being checked.
    params_read: BTreeSet<ir::ParamId>,
    /// Promises that have a diagnostic of their own.
    lost_promises: Vec<String>,
    /// Collections of `define` put in place so far.
    inlined: u32,
    /// The least and the most that lets can be, where constants and ranges tell.
    local_bounds: FxHashMap<typed::LocalId, (typed::Ratio, typed::Ratio)>,
    /// Lets that are whole in their unit whatever the data.
    whole_locals: FxHashSet<typed::LocalId>,

    spread: Option<(ir::Rounding, ir::Rest)>,
    /// What the program says after `not_below`.
    floor: Option<(At, &'a perq_grammar::ast::Expr)>,
    besides: Option<(At, &'a perq_grammar::ast::Path)>,
    /// The words of `program order`.
    group_order: Vec<(At, &'a ast::Name)>,
    group_infos: Vec<groups::GroupInfo<'a>>,
    group_ids: FxHashMap<String, usize>,
    template_infos: Vec<templates::TemplateInfo<'a>>,
    template_ids: FxHashMap<String, usize>,
    coupon_ids: FxHashMap<String, u32>,
    coupon_infos: Vec<instruments::CouponInfo<'a>>,
    /// Shared codes, folded, and where they are written.
    shared_codes: FxHashMap<String, Place>,
    certificate_ids: FxHashMap<String, u32>,
    offer_ids: FxHashMap<String, u32>,
    /// The offers whose reactions rules hear, by where the answer is written.
    reactions: FxHashMap<Place, offers::Reacted<'a>>,
    /// Which offers rules show, for which kinds of events, and where they say so.
    shown: Vec<(u32, Vec<ir::EventId>, Place)>,
    badge_ids: FxHashMap<String, u32>,
    /// The fields that say whether the member has each badge.
    badge_fields: Vec<FieldId>,
    rule_infos: Vec<rules::RuleInfo<'a>>,
    /// Redemptions as written, until they are checked.
    redemption_infos: Vec<redemptions::RedemptionInfo<'a>>,
    payable_lines: Vec<spendable::PayableLines>,
    rule_ids: FxHashMap<String, ir::RuleId>,
    /// Lasting names of rules and groups, with what they are.
    lasting: FxHashMap<(&'static str, String), (String, Place)>,
}

impl Checker<'_> {
    fn new() -> Self {
        Checker {
            texts: FxHashMap::default(),
            out: typed::Program::default(),
            found: Vec::new(),
            alone: Vec::new(),
            sightings: None,
            focus: None,
            refused: false,
            muted: 0,
            spaces: vec![Space::default(), Space::default()],
            declared: FxHashMap::default(),
            enum_ids: FxHashMap::default(),
            enum_titles: Vec::new(),
            kind_ids: FxHashMap::default(),
            counts: FxHashMap::default(),
            units: FxHashMap::default(),
            account_ids: FxHashMap::default(),
            account_infos: Vec::new(),
            event_ids: FxHashMap::default(),
            event_infos: Vec::new(),
            records: schema::Records::default(),
            builtins: Builtins::default(),
            histories: history::Histories::default(),
            function_infos: Vec::new(),
            collections: Vec::new(),
            param_starts: Vec::new(),
            params_read: BTreeSet::new(),
            lost_promises: Vec::new(),
            inlined: 0,
            local_bounds: FxHashMap::default(),
            whole_locals: FxHashSet::default(),
            spread: None,
            floor: None,
            besides: None,
            group_order: Vec::new(),
            group_infos: Vec::new(),
            group_ids: FxHashMap::default(),
            template_infos: Vec::new(),
            template_ids: FxHashMap::default(),
            coupon_ids: FxHashMap::default(),
            coupon_infos: Vec::new(),
            shared_codes: FxHashMap::default(),
            certificate_ids: FxHashMap::default(),
            badge_ids: FxHashMap::default(),
            offer_ids: FxHashMap::default(),
            reactions: FxHashMap::default(),
            shown: Vec::new(),
            badge_fields: Vec::new(),
            rule_infos: Vec::new(),
            redemption_infos: Vec::new(),
            payable_lines: Vec::new(),
            rule_ids: FxHashMap::default(),
            lasting: FxHashMap::default(),
        }
    }

    /// Keeps a diagnostic. Beyond [`MAX_FOUND`] only the first error is kept, which there must be where there are any.
    fn report(&mut self, diagnostic: Diagnostic) {
        let is_error = diagnostic.severity == Severity::Error;
        if self.muted == 0 && (self.found.len() < MAX_FOUND || (is_error && !self.refused)) {
            self.refused |= is_error;
            self.found.push(diagnostic);
        }
    }

    /// The author's text at a place.
    fn text(&self, place: Place) -> &str {
        let (start, end) = (place.span.start as usize, place.span.end as usize);
        self.texts.get(&place.file).and_then(|text| text.get(start..end)).unwrap_or("")
    }

    /// The same on one line and not too long.
    fn quote(&self, place: Place) -> String {
        let mut quoted: String = self.text(place).split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = quoted.char_indices().nth(80) {
            quoted.truncate(cut);
            quoted.push('…');
        }
        quoted
    }
}
