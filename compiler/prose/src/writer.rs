//! The declarations of a programme, each to be told as a section of sentences.
//!
//! Refuses to know how any of them is told: that is in `declarations.rs`.

use crate::phrase::{Language, Phrase};
use perq_compiler::check::Target;
use perq_compiler::pipeline::Study;
use perq_compiler::typed::Type;
use perq_grammar::ast::{
    Clause, ClauseKind, CouponClause, GroupClause, Header, Item, ItemKind, Name, OfferClause,
    RedemptionClause, Rule, Text,
};
use perq_grammar::diagnostic::{FileId, Place, Span};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// What is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `program`
    Program,
    /// `account`
    Account,
    /// `tiers`
    Tiers,
    /// `group`
    Group,
    /// `rule`
    Rule,
    /// `coupon`
    Coupon,
    /// `certificate`
    Certificate,
    /// `badge`
    Badge,
    /// `ensure`
    Ensure,
    /// `redemption`
    Redemption,
    /// `offer`
    Offer,
    /// `arbitration`
    Arbitration,
    /// `template`
    Template,
    /// `param`
    Param,
    /// `define`
    Define,
    /// `table`
    Table,
    /// `segment`
    Segment,
    /// `counter`
    Counter,
    /// `enum`
    Enum,
    /// `reference`
    Reference,
    /// `record`
    Record,
    /// `extend`
    Extend,
    /// `event`
    Event,
    /// `test`
    Test,
    /// `contacts`
    Contacts,
}

impl Kind {
    /// The word that declares it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Program => "program",
            Kind::Account => "account",
            Kind::Tiers => "tiers",
            Kind::Group => "group",
            Kind::Rule => "rule",
            Kind::Coupon => "coupon",
            Kind::Certificate => "certificate",
            Kind::Badge => "badge",
            Kind::Ensure => "ensure",
            Kind::Redemption => "redemption",
            Kind::Offer => "offer",
            Kind::Arbitration => "arbitration",
            Kind::Template => "template",
            Kind::Param => "param",
            Kind::Define => "define",
            Kind::Table => "table",
            Kind::Segment => "segment",
            Kind::Counter => "counter",
            Kind::Enum => "enum",
            Kind::Reference => "reference",
            Kind::Record => "record",
            Kind::Extend => "extend",
            Kind::Event => "event",
            Kind::Test => "test",
            Kind::Contacts => "contacts",
        }
    }

    /// Whether it says what a name means that sentences use.
    pub fn explains(self) -> bool {
        match self {
            Kind::Define | Kind::Segment | Kind::Table | Kind::Counter | Kind::Param => true,
            Kind::Program
            | Kind::Account
            | Kind::Tiers
            | Kind::Group
            | Kind::Rule
            | Kind::Coupon
            | Kind::Certificate
            | Kind::Badge
            | Kind::Ensure
            | Kind::Redemption
            | Kind::Offer
            | Kind::Arbitration
            | Kind::Template
            | Kind::Enum
            | Kind::Reference
            | Kind::Record
            | Kind::Extend
            | Kind::Event
            | Kind::Test
            | Kind::Contacts => false,
        }
    }

    /// For people.
    pub fn title(self, language: Language) -> &'static str {
        language.pick(&match self {
            Kind::Program => ["Programme", "Программа", "Programma"],
            Kind::Account => ["Account", "Счёт", "Conto"],
            Kind::Tiers => ["Tiers", "Уровни", "Livelli"],
            Kind::Group => ["Group of rules", "Группа правил", "Gruppo di regole"],
            Kind::Rule => ["Rule", "Правило", "Regola"],
            Kind::Coupon => ["Coupon", "Купон", "Coupon"],
            Kind::Certificate => ["Certificate", "Сертификат", "Certificato"],
            Kind::Badge => ["Badge", "Значок", "Distintivo"],
            Kind::Ensure => ["Promise", "Обещание", "Promessa"],
            Kind::Redemption => ["Paying with points", "Оплата баллами", "Pagamento con punti"],
            Kind::Offer => ["Offer", "Предложение", "Offerta"],
            Kind::Arbitration => ["Choice among offers", "Выбор предложений", "Scelta tra le offerte"],
            Kind::Template => ["Template of rules", "Шаблон правил", "Modello di regole"],
            Kind::Param => ["Parameter", "Параметр", "Parametro"],
            Kind::Define => ["Definition", "Определение", "Definizione"],
            Kind::Table => ["Table", "Таблица", "Tabella"],
            Kind::Segment => ["Segment", "Сегмент", "Segmento"],
            Kind::Counter => ["Counter", "Счётчик", "Contatore"],
            Kind::Enum => ["List of values", "Список значений", "Elenco di valori"],
            Kind::Reference => ["Kind of names", "Вид названий", "Tipo di nomi"],
            Kind::Record => ["Record", "Запись", "Record"],
            Kind::Extend => ["Further data", "Дополнительные данные", "Dati aggiuntivi"],
            Kind::Event => ["Event", "Событие", "Evento"],
            Kind::Test => ["Test", "Тест", "Test"],
            Kind::Contacts => ["Contact rules", "Правила контактов", "Regole di contatto"],
        })
    }
}

/// A declaration.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What is declared.
    pub kind: Kind,
    /// Its name; a test's is a text.
    pub name: &'a str,
    /// Where all of it stands.
    pub place: Place,
    pub(crate) node: Node<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Node<'a> {
    Item(&'a Item),
    /// With the group in whose braces it stands.
    Rule(&'a Rule, Option<&'a Item>),
}

/// A sentence, and how deep it stands: 0 is a paragraph, more are lists inside lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// How deep.
    pub depth: u8,
    /// What it says.
    pub text: Phrase,
}

impl<'a> Entry<'a> {
    /// The group that a rule belongs to.
    pub fn group(&self) -> Option<String> {
        match self.node {
            Node::Rule(_, Some(Item { kind: ItemKind::Group(header, _), .. })) => {
                Some(header.name.text.clone())
            }
            Node::Rule(rule, _) => rule.group.as_ref().map(|group| group.dotted()),
            Node::Item(_) => None,
        }
    }

    /// The template that a rule is made from.
    pub fn template(&self) -> Option<String> {
        match self.node {
            Node::Rule(rule, _) => rule.template.as_ref().map(|template| template.dotted()),
            Node::Item(_) => None,
        }
    }

    /// Whether it says of itself that it is not in effect.
    pub fn is_switched_off(&self) -> bool {
        let off = |clause: &Clause| matches!(clause.kind, ClauseKind::NotEffective);
        match self.node {
            Node::Rule(rule, group) => {
                rule.clauses.iter().any(off)
                    || group.is_some_and(|group| Entry { node: Node::Item(group), ..*self }.is_switched_off())
            }
            Node::Item(item) => match &item.kind {
                ItemKind::Group(_, clauses) => clauses
                    .iter()
                    .any(|clause| if let GroupClause::Shared(clause) = clause { off(clause) } else { false }),
                ItemKind::Coupon(_, clauses) => clauses.iter().any(|clause| {
                    if let CouponClause::Shared(clause) = &clause.kind { off(clause) } else { false }
                }),
                ItemKind::Redemption(_, clauses) => clauses.iter().any(|clause| {
                    if let RedemptionClause::Shared(clause) = &clause.kind { off(clause) } else { false }
                }),
                ItemKind::Offer(_, clauses) => clauses.iter().any(|clause| {
                    if let OfferClause::Shared(clause) = &clause.kind { off(clause) } else { false }
                }),
                ItemKind::Language(_)
                | ItemKind::Use { .. }
                | ItemKind::Program(..)
                | ItemKind::Account(..)
                | ItemKind::Param { .. }
                | ItemKind::Define { .. }
                | ItemKind::Table { .. }
                | ItemKind::Segment(..)
                | ItemKind::Enum { .. }
                | ItemKind::Reference { .. }
                | ItemKind::Record(..)
                | ItemKind::Extend(..)
                | ItemKind::Event { .. }
                | ItemKind::Rule(_)
                | ItemKind::Test(_)
                | ItemKind::Counter { .. }
                | ItemKind::Badge(..)
                | ItemKind::Ensure(..)
                | ItemKind::Tiers(..)
                | ItemKind::Certificate(..)
                | ItemKind::Template(_)
                | ItemKind::Arbitration(..)
                | ItemKind::Contacts(..) => false,
            },
        }
    }
}

/// For whom sentences are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Who writes rules: all is told, and words that a section uses are explained below it.
    Author,
    /// Who takes part: what is kept for the retailer's own use is left out.
    Member,
}

/// What a declaration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What is declared.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// For people, in the language where the programme has it.
    pub title: Option<String>,
    /// In order.
    pub blocks: Vec<Block>,
    /// Names of the author's that the sentences use and do not explain.
    pub mentions: BTreeSet<String>,
}

/// A programme to be told.
#[derive(Debug)]
pub struct Book<'a> {
    study: &'a Study,
    types: FxHashMap<Place, &'a Type>,
    targets: FxHashMap<Place, &'a Target>,
    entries: Vec<Entry<'a>>,
}

impl<'a> Book<'a> {
    /// Of a programme that was studied; one with errors is told as far as it goes.
    pub fn new(study: &'a Study) -> Book<'a> {
        let (mut types, mut targets) = (FxHashMap::default(), FxHashMap::default());
        for sighting in &study.sightings {
            if let Some(ty) = &sighting.ty {
                types.entry(sighting.place).or_insert(ty);
            }
            if let Some(target) = &sighting.target {
                // A field says more than that its record was bound somewhere.
                match target {
                    Target::Field(_) | Target::Value(..) => {
                        targets.insert(sighting.place, target);
                    }
                    Target::Declared(_) => {
                        targets.entry(sighting.place).or_insert(target);
                    }
                }
            }
        }
        let mut entries = Vec::new();
        for tree in &study.trees {
            for item in &tree.tree.items {
                add(tree.file, item, &mut entries);
            }
        }
        Book { study, types, targets, entries }
    }

    /// The programme.
    pub fn study(&self) -> &'a Study {
        self.study
    }

    /// Its declarations, in the order of the files; a rule stands behind the group in whose braces it is.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// What the programme is called.
    pub fn title(&self, language: Language) -> String {
        let program = self.entries.iter().find(|entry| entry.kind == Kind::Program);
        program
            .map(|entry| self.title_of(entry, language).unwrap_or_else(|| entry.name.to_owned()))
            .unwrap_or_default()
    }

    /// The title of a declaration in the language, where it has one.
    pub fn title_of(&self, entry: &Entry<'a>, language: Language) -> Option<String> {
        Writer::silent(self, entry.place.file, language).title_of_entry(entry)
    }

    /// As [`Self::section`] for an author, where names lead to what explains them.
    pub fn linked(&self, entry: &Entry<'a>, language: Language) -> Section {
        let mut writer = Writer::new(self, entry.place.file, language, Reader::Author);
        writer.entry(entry);
        let (title, mentions) = (writer.title_of_entry(entry), writer.take_mentions());
        Section { kind: entry.kind, name: entry.name.to_owned(), title, blocks: writer.blocks, mentions }
    }

    /// What a declaration says.
    pub fn section(&self, entry: &Entry<'a>, language: Language, reader: Reader) -> Section {
        let mut writer = Writer::new(self, entry.place.file, language, reader);
        writer.entry(entry);
        match reader {
            Reader::Author => writer.glossary(entry.name),
            Reader::Member => {}
        }
        let title = writer.title_of_entry(entry);
        let mentions = writer.take_mentions();
        Section { kind: entry.kind, name: entry.name.to_owned(), title, blocks: writer.blocks, mentions }
    }

    /// The declarations that explain names, and the names that those use, in the order of the files.
    pub fn glossary(&self, mentions: &BTreeSet<String>, language: Language, reader: Reader) -> Vec<Section> {
        let mut known = mentions.clone();
        loop {
            let sections: Vec<Section> = self
                .entries
                .iter()
                .filter(|entry| entry.kind.explains() && known.contains(entry.name))
                .map(|entry| {
                    let mut writer = Writer::new(self, entry.place.file, language, reader);
                    writer.entry(entry);
                    let (title, mentions) = (writer.title_of_entry(entry), writer.take_mentions());
                    Section {
                        kind: entry.kind,
                        name: entry.name.to_owned(),
                        title,
                        blocks: writer.blocks,
                        mentions,
                    }
                })
                .collect();
            let before = known.len();
            known.extend(sections.iter().flat_map(|section| section.mentions.iter().cloned()));
            if known.len() == before {
                return sections;
            }
        }
    }

    pub(crate) fn ty(&self, file: FileId, span: Span) -> Option<&'a Type> {
        self.types.get(&Place { file, span }).copied()
    }

    pub(crate) fn target(&self, file: FileId, span: Span) -> Option<&'a Target> {
        self.targets.get(&Place { file, span }).copied()
    }
}

fn add<'a>(file: FileId, item: &'a Item, entries: &mut Vec<Entry<'a>>) {
    let place = |span| Place { file, span };
    let (kind, name) = match &item.kind {
        ItemKind::Language(_) | ItemKind::Use { .. } => return,
        ItemKind::Program(header, _) => (Kind::Program, &header.name.text),
        ItemKind::Account(header, _) => (Kind::Account, &header.name.text),
        ItemKind::Param { header, .. } => (Kind::Param, &header.name.text),
        ItemKind::Define { header, .. } => (Kind::Define, &header.name.text),
        ItemKind::Table { header, .. } => (Kind::Table, &header.name.text),
        ItemKind::Segment(header, _) => (Kind::Segment, &header.name.text),
        ItemKind::Enum { header, .. } => (Kind::Enum, &header.name.text),
        ItemKind::Reference { name, .. } => (Kind::Reference, &name.text),
        ItemKind::Record(name, _) => (Kind::Record, &name.text),
        ItemKind::Extend(name, _) => (Kind::Extend, &name.text),
        ItemKind::Event { name, .. } => (Kind::Event, &name.text),
        ItemKind::Group(header, clauses) => {
            let name = &header.name.text;
            entries.push(Entry { kind: Kind::Group, name, place: place(item.span), node: Node::Item(item) });
            for clause in clauses {
                match clause {
                    GroupClause::Rule(rule) => {
                        let name = &rule.header.name.text;
                        let node = Node::Rule(rule, Some(item));
                        entries.push(Entry { kind: Kind::Rule, name, place: place(rule.span), node });
                    }
                    GroupClause::Kind(_)
                    | GroupClause::Displace { .. }
                    | GroupClause::OnPrice(_)
                    | GroupClause::Excludes(..)
                    | GroupClause::Shared(_) => {}
                }
            }
            return;
        }
        ItemKind::Rule(rule) => {
            let name = &rule.header.name.text;
            let node = Node::Rule(rule, None);
            entries.push(Entry { kind: Kind::Rule, name, place: place(rule.span), node });
            return;
        }
        ItemKind::Test(test) => (Kind::Test, &test.name.value),
        ItemKind::Counter { header, .. } => (Kind::Counter, &header.name.text),
        ItemKind::Badge(header, _) => (Kind::Badge, &header.name.text),
        ItemKind::Ensure(header, _) => (Kind::Ensure, &header.name.text),
        ItemKind::Tiers(header, _) => (Kind::Tiers, &header.name.text),
        ItemKind::Coupon(header, _) => (Kind::Coupon, &header.name.text),
        ItemKind::Certificate(header, _) => (Kind::Certificate, &header.name.text),
        ItemKind::Redemption(header, _) => (Kind::Redemption, &header.name.text),
        ItemKind::Template(template) => (Kind::Template, &template.header.name.text),
        ItemKind::Offer(header, _) => (Kind::Offer, &header.name.text),
        ItemKind::Arbitration(header, _) => (Kind::Arbitration, &header.name.text),
        ItemKind::Contacts(header, _) => (Kind::Contacts, &header.name.text),
    };
    entries.push(Entry { kind, name, place: place(item.span), node: Node::Item(item) });
}

/// Writes one section.
pub(crate) struct Writer<'a> {
    pub(crate) book: &'a Book<'a>,
    pub(crate) file: FileId,
    pub(crate) language: Language,
    pub(crate) reader: Reader,
    pub(crate) blocks: Vec<Block>,
    /// Names of the author's that the sentences use, to be explained below them.
    mentions: RefCell<BTreeSet<String>>,
}

impl<'a> Writer<'a> {
    fn new(book: &'a Book<'a>, file: FileId, language: Language, reader: Reader) -> Writer<'a> {
        Writer { book, file, language, reader, blocks: Vec::new(), mentions: RefCell::default() }
    }

    /// To ask for titles.
    pub(crate) fn silent(book: &'a Book<'a>, file: FileId, language: Language) -> Writer<'a> {
        Writer::new(book, file, language, Reader::Member)
    }

    pub(crate) fn mention(&self, name: &str) {
        self.mentions.borrow_mut().insert(name.to_owned());
    }

    /// Names that were mentioned since they were last asked for.
    pub(crate) fn take_mentions(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.mentions.borrow_mut())
    }

    pub(crate) fn say(&mut self, depth: u8, text: Phrase) {
        self.blocks.push(Block { depth, text: text.sentence() });
    }

    /// The title for the language, or the one of the header.
    pub(crate) fn title<'t>(&self, header: &'t Header, titles: &'t [(Name, Text)]) -> Option<&'t str> {
        let own = titles.iter().find(|(tongue, _)| tongue.text == self.language.code());
        own.map(|(_, text)| text.value.as_str()).or(header.title.as_ref().map(|title| title.value.as_str()))
    }

    /// A declaration as sentences name it: its title, or its name where it has none.
    pub(crate) fn declared_title(&self, word: &str, name: &str) -> Phrase {
        let found = self.book.entries().iter().find(|entry| entry.kind.word() == word && entry.name == name);
        match found.and_then(|entry| self.title_of_entry(entry)) {
            Some(title) => self.language.quoted(&title),
            None => Phrase::name(name),
        }
    }
}
