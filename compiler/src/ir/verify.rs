//! The verifier: what every program must keep before anything runs it. A pack may come from anywhere; what passes here
//! can at worst compute something else.
//!
//! Linear, without recursion, without panic on any [`Program`] value. Refuses to know where a program comes from and
//! to mend it.

use super::contacts::{MARKS, MAX_SORTS};
use super::promise::{MAX_PART, MAX_TERMS};
use super::{
    AccountId, Atom, AtomId, AtomTest, ClockZone, Column, Condition, ContactCount, ContactException,
    ContactRuleKind, ContactWindow, CounterId, CounterKey, DerivationId, EVENT_BUILTINS, EnumId, EventId,
    Figure, Function, FunctionId, Governance, GroupId, History, Inst, KindId, LINE_BUILTINS, Layout,
    LearnedValues, Limit, LimitAmount, LimitOf, MISSING, Measure, Melt, NameFrom, OfferClause,
    PAYMENT_BUILTINS, PERCENT_ONE, ParamId, Phase, PlaceId, Program, PromiseOf, Purpose, RecordKind,
    Reference, ReferenceId, RowSource, Rows, RuleId, SCORE_ONE, Saying, SiteId, SiteKind, Slot, SlotId,
    SlotType, Space, StateRead, TableId, Telling, TenderTerm, Ty, Unit, Value, VarId, Window, event_slot,
};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;

/// Limits of a program. Each is far above what rules need, and keeps memory and time in proportion.
pub mod limits {
    /// Bytes of a name.
    pub const NAME: usize = 1_024;
    /// Bytes of a title or a reason.
    pub const TEXT: usize = 65_536;
    /// Accounts, kinds, enumerations, kinds of events, source files.
    pub const SMALL_LIST: usize = 65_536;
    /// Rules, groups, functions, sites, atoms, references, parameters, and what one of them lists.
    pub const LIST: usize = 1 << 20;
    /// Places, and names of one reference.
    pub const LONG_LIST: usize = 1 << 24;
    /// Slots of the event, of a line, of a payment or of a table's row.
    pub const SLOTS: usize = 4_096;
    /// Tables of rows.
    pub const TABLES: usize = 256;
    /// Parts of a slot's key.
    pub const KEY: usize = 64;
    /// Instructions of a function.
    pub const INSTS: usize = 1_000_000;
    /// Loops inside one another.
    pub const LOOP_DEPTH: usize = 8;
    /// Variables of a function.
    pub const VARIABLES: usize = 65_536;
    /// Instructions of a function that make selections, those that make bags, and those that make bundles.
    pub const BUFFERS: usize = 256;
    /// Decimal digits of a number.
    pub const SCALE: u8 = 18;
    /// Errors that are listed.
    pub const ERRORS: usize = 100;
}

/// A program that keeps every [`VerifyRule`]. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified(Program);

impl Verified {
    /// Gives the program back, to be changed and verified again.
    pub fn into_program(self) -> Program {
        self.0
    }
}

impl Deref for Verified {
    type Target = Program;
    fn deref(&self) -> &Program {
        &self.0
    }
}

macro_rules! verify_rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal)*) => {
        /// What a program must keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum VerifyRule { $($(#[$doc])* $variant,)* }

        impl VerifyRule {
            /// All of them.
            pub const ALL: &[VerifyRule] = &[$(VerifyRule::$variant),*];

            /// The name, in kebab case.
            pub fn name(self) -> &'static str {
                match self { $(VerifyRule::$variant => $name,)* }
            }
        }
    };
}

verify_rules! {
    /// No name is empty.
    EmptyName = "empty-name"
    /// No text is longer than its limit.
    LongText = "long-text"
    /// No name holds a control character: names are printed as they are.
    ControlCharacter = "control-character"
    /// No list is longer than its limit.
    LongList = "long-list"
    /// Accounts, kinds, enumerations and their values, events, parameters and groups have names of their own.
    DuplicateName = "duplicate-name"
    /// Every id stands for an entry of its list.
    UnknownId = "unknown-id"

    /// A currency has at most 4 decimals.
    CurrencyDecimals = "currency-decimals"
    /// Weeks start on one of seven days.
    WeekStart = "week-start"
    /// An account has at most 9 decimals.
    AccountDecimals = "account-decimals"
    /// Both sides of an account's worth are above zero.
    AccountWorth = "account-worth"
    /// An award, and what is melted of it, begins and ends where a calendar has days.
    AwardLife = "award-life"
    /// A kind of collections collects a kind that is not one.
    KindOf = "kind-of"
    /// An enumeration has values.
    EmptyEnumeration = "empty-enumeration"
    /// Names of a reference are ascending, without duplicates, and not none.
    ReferenceNames = "reference-names"
    /// An event's name is among its spellings.
    EventSpellings = "event-spellings"

    /// Each part of the layout begins with the built-in slots, with their types.
    BuiltinSlots = "builtin-slots"
    /// A slot comes from a part of the input that belongs to its list.
    SlotRecord = "slot-record"
    /// A slot that is read has a key.
    SlotKey = "slot-key"
    /// A number has at most 18 decimals.
    SlotScale = "slot-scale"
    /// A default is a value of the slot's type.
    SlotDefault = "slot-default"
    /// Only a line's own field inherits from the product.
    SlotInherits = "slot-inherits"

    /// A parameter's type has values that do not depend on a catalogue.
    ParamType = "param-type"
    /// A parameter has values, ascending by day, of its type, and inside its range.
    ParamValues = "param-values"
    /// A parameter's range is not empty.
    ParamRange = "param-range"

    /// A table's columns are such as its rows have, and its list has a key.
    TableColumn = "table-column"
    /// Kinds of events of a history are ascending, and not none.
    HistoryEvents = "history-events"
    /// A slot that state fills, or that is derived, is one of the event that nothing else fills.
    FilledSlot = "filled-slot"
    /// What a kind of event needs, and what it lacks, are optional slots that records fill, ascending; none is both.
    EventFields = "event-fields"
    /// A clock fills four slots that may be missing, and its store is a symbol of the event.
    ClockSlots = "clock-slots"
    /// The number of a name that is thrown together with others is a count that may be missing, of a name of the event.
    HashedSlots = "hashed-slots"
    /// A derivation hears events, ascending.
    DerivationEvents = "derivation-events"
    /// A window's length is above zero, its first day not after its last.
    WindowLength = "window-length"
    /// A redemption has a rate above zero or none, reads the input, and a rule of a tender group to itself; that group
    /// has no other rules.
    RedemptionTerms = "redemption-terms"
    /// What contact plans read are derived slots and slots of the event; sorts, columns, windows and bounds are what they
    /// can be.
    ContactTerms = "contact-terms"
    /// What an offer and an arbitration read are derived slots and slots of the event; their ids, levels and numbers are
    /// what they can be.
    OfferTerms = "offer-terms"
    /// What a promise asks of the event are atoms of the event, of lines atoms of lines; it speaks of lines only where it
    /// is asked of lines; its numbers are small.
    PromiseTerms = "promise-terms"
    /// A group whose awards are multiplied is settled before in the same phase.
    MultipliedGroup = "multiplied-group"
    /// Options of a gift stand by choice, name products, and count pieces where they have a stock.
    GiftOptions = "gift-options"
    /// A limit and its counter limit the same.
    LimitCounter = "limit-counter"

    /// An atom's test fits its slot.
    AtomType = "atom-type"
    /// The values that an atom lists are ascending, without duplicates.
    AtomOrder = "atom-order"

    /// Groups stand in the order of their phases.
    GroupOrder = "group-order"
    /// A group excludes earlier groups.
    GroupExclusion = "group-exclusion"
    /// Each rule is in the list of its group, once, and in no other.
    GroupRules = "group-rules"
    /// A group's rules are in descending priority, then in order of declaration.
    RuleOrder = "rule-order"
    /// A rule hears events, ascending.
    RuleEvents = "rule-events"
    /// A rule's atoms are the event's, its line atoms a line's.
    RuleAtoms = "rule-atoms"
    /// Each function is that of one rule, or of one derivation.
    FunctionUse = "function-use"
    /// A fixed limit is not below zero.
    LimitAmount = "limit-amount"
    /// Discounts are given in the phases of prices, awards in those after; in between there are terms of redemptions
    /// and nothing else.
    SitePhase = "site-phase"
    /// Lines and columns count from 1, and a place ends behind its beginning.
    PlacePosition = "place-position"
    /// A measure has parts, and a bound that tells them is not zero.
    MeasureParts = "measure-parts"

    /// Each instruction has its place.
    PlacesLength = "places-length"
    /// A variable is of type `I64`, `I128` or `Bool`.
    VariableType = "variable-type"
    /// No function makes more selections, bags or bundles than their limit.
    TooManyBuffers = "too-many-buffers"
    /// A value is made before it is used.
    ValueNotMade = "value-not-made"
    /// A value is used in its region or in those inside.
    ValueNotVisible = "value-not-visible"
    /// What is used as a value is one.
    NoValue = "no-value"
    /// Operands are of the instruction's types.
    TypeMismatch = "type-mismatch"
    /// A break leaves a region that is open.
    BreakDepth = "break-depth"
    /// Each region is closed.
    UnclosedRegion = "unclosed-region"
    /// Each end closes a region.
    UnopenedRegion = "unopened-region"
    /// Loops stand in one another at most to their limit.
    LoopDepth = "loop-depth"
    /// A line's row comes from an enclosing loop over lines or over a selection.
    LineRow = "line-row"
    /// A payment's row comes from an enclosing loop over payments.
    PaymentRow = "payment-row"
    /// A table's row comes from an enclosing loop over that table.
    TableRow = "table-row"
    /// Only a derivation's function derives.
    Derives = "derives"
    /// Only a rule's function chooses sets.
    SetsOwner = "sets-owner"
    /// Only a selection that `NewSelection` made is selected into.
    SelectTarget = "select-target"
    /// An award has a site of awards, a discount one of discounts.
    SiteKindMismatch = "site-kind"
    /// A function proposes only effects of its own rule.
    SiteRule = "site-rule"
    /// A pick counts from 1.
    PickSize = "pick-size"
    /// A pick sorts by numbers that do not depend on a catalogue.
    PickKey = "pick-key"
}

/// Where a program breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// In its head, or in its lists as wholes.
    Program,
    /// In an account.
    Account(AccountId),
    /// In a kind of reference.
    Kind(KindId),
    /// In an enumeration.
    Enum(EnumId),
    /// In a reference.
    Reference(ReferenceId),
    /// In a kind of event.
    Event(EventId),
    /// In a slot of the event.
    EventSlot(SlotId),
    /// In a slot of a line.
    LineSlot(SlotId),
    /// In a slot of a payment.
    PaymentSlot(SlotId),
    /// In a table.
    Table(TableId),
    /// In a column of a table.
    Column(TableId, SlotId),
    /// In a derivation.
    Derivation(DerivationId),
    /// In a counter.
    Counter(CounterId),
    /// In a parameter.
    Param(ParamId),
    /// In an atom.
    Atom(AtomId),
    /// In an effect.
    Site(SiteId),
    /// In a group.
    Group(GroupId),
    /// In a rule.
    Rule(RuleId),
    /// In a source file.
    Source(u32),
    /// In a place.
    Place(PlaceId),
    /// In a function as a whole.
    Function(FunctionId),
    /// In an instruction.
    Inst(FunctionId, u32),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Program => write!(f, "the program"),
            At::Account(id) => write!(f, "account {}", id.0),
            At::Kind(id) => write!(f, "kind {}", id.0),
            At::Enum(id) => write!(f, "enumeration {}", id.0),
            At::Reference(id) => write!(f, "reference {}", id.0),
            At::Event(id) => write!(f, "event {}", id.0),
            At::EventSlot(id) => write!(f, "event slot {}", id.0),
            At::LineSlot(id) => write!(f, "line slot {}", id.0),
            At::PaymentSlot(id) => write!(f, "payment slot {}", id.0),
            At::Table(id) => write!(f, "table {}", id.0),
            At::Column(id, column) => write!(f, "table {}, column {}", id.0, column.0),
            At::Derivation(id) => write!(f, "derivation {}", id.0),
            At::Counter(id) => write!(f, "counter {}", id.0),
            At::Param(id) => write!(f, "parameter {}", id.0),
            At::Atom(id) => write!(f, "atom {}", id.0),
            At::Site(id) => write!(f, "site {}", id.0),
            At::Group(id) => write!(f, "group {}", id.0),
            At::Rule(id) => write!(f, "rule {}", id.0),
            At::Source(id) => write!(f, "source {id}"),
            At::Place(id) => write!(f, "place {}", id.0),
            At::Function(id) => write!(f, "function {}", id.0),
            At::Inst(id, inst) => write!(f, "function {}, instruction {inst}", id.0),
        }
    }
}

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// Which.
    pub rule: VerifyRule,
    /// Where.
    pub at: At,
}

impl VerifyError {
    /// The rule's name, in kebab case.
    pub fn name(&self) -> &'static str {
        self.rule.name()
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.name(), self.at)
    }
}

impl std::error::Error for VerifyError {}

/// Verifies a program.
///
/// # Errors
/// What it breaks: at most [`limits::ERRORS`], and one of each function.
pub fn verify(program: Program) -> Result<Verified, Vec<VerifyError>> {
    let mut report = Report { errors: Vec::new() };
    lengths(&program, &mut report);
    // Lists that are too long are not looked into.
    if report.errors.is_empty() {
        head(&program, &mut report);
        layout(&program, &mut report);
        tables(&program, &mut report);
        params(&program, &mut report);
        filled(&program, &mut report);
        redemptions(&program, &mut report);
        counters(&program, &mut report);
        atoms(&program, &mut report);
        groups(&program, &mut report);
        rules(&program, &mut report);
        sites(&program, &mut report);
        gifts(&program, &mut report);
        tellings(&program, &mut report);
        instruments(&program, &mut report);
        offers(&program, &mut report);
        promises(&program, &mut report);
        contacts(&program, &mut report);
        functions(&program, &mut report);
    }
    if report.errors.is_empty() { Ok(Verified(program)) } else { Err(report.errors) }
}

struct Report {
    errors: Vec<VerifyError>,
}

impl Report {
    fn check(&mut self, holds: bool, rule: VerifyRule, at: At) {
        if !holds && self.errors.len() < limits::ERRORS {
            self.errors.push(VerifyError { rule, at });
        }
    }

    fn known<T>(&mut self, list: &[T], index: usize, at: At) {
        self.check(index < list.len(), VerifyRule::UnknownId, at);
    }

    fn name(&mut self, name: &str, at: At) {
        self.foreign(name, at);
        self.check(!name.contains(char::is_control), VerifyRule::ControlCharacter, at);
    }

    /// A name that others than the program's author gave.
    fn foreign(&mut self, name: &str, at: At) {
        self.check(!name.is_empty(), VerifyRule::EmptyName, at);
        self.check(name.len() <= limits::NAME, VerifyRule::LongText, at);
    }

    fn text(&mut self, text: &Option<String>, at: At) {
        let length = text.as_ref().map_or(0, String::len);
        self.check(length <= limits::TEXT, VerifyRule::LongText, at);
    }

    fn length(&mut self, length: usize, limit: usize, at: At) {
        self.check(length <= limit, VerifyRule::LongList, at);
    }
}

/// Names that must differ.
#[derive(Default)]
struct Names<'a>(BTreeSet<&'a str>);

impl<'a> Names<'a> {
    fn add(&mut self, name: &'a str, at: At, report: &mut Report) {
        report.check(self.0.insert(name), VerifyRule::DuplicateName, at);
    }

    /// A declaration with a title.
    fn declare(&mut self, name: &'a str, title: &Option<String>, at: At, report: &mut Report) {
        report.name(name, at);
        report.text(title, at);
        self.add(name, at, report);
    }
}

/// Numbers a list's entries by their ids. Lists are shorter than ids, or are not looked into.
fn numbered<T>(list: &[T]) -> impl Iterator<Item = (u32, &T)> {
    (0u32..).zip(list)
}

fn lengths(program: &Program, report: &mut Report) {
    for length in [
        program.accounts.len(),
        program.kinds.len(),
        program.enums.len(),
        program.events.len(),
        program.sources.len(),
    ] {
        report.length(length, limits::SMALL_LIST, At::Program);
    }
    for length in [
        program.references.len(),
        program.params.len(),
        program.derivations.len(),
        program.counters.len(),
        program.atoms.len(),
        program.functions.len(),
        program.sites.len(),
        program.groups.len(),
        program.rules.len(),
        program.instruments.coupons.len(),
        program.instruments.certificates.len(),
        program.instruments.badges.len(),
        program.instruments.tiers.len(),
        program.gifts.len(),
        program.tellings.len(),
        program.spendables.len(),
        program.promises.len(),
        program.offers.list.len(),
        program.offers.arbitrations.len(),
        program.offers.priorities.len(),
        program.contacts.plans.len(),
        program.contacts.drops.len(),
        program.contacts.rules.len(),
    ] {
        report.length(length, limits::LIST, At::Program);
    }
    report.length(program.places.len(), limits::LONG_LIST, At::Program);
    for list in [&program.layout.event, &program.layout.line, &program.layout.payment] {
        report.length(list.len(), limits::SLOTS, At::Program);
    }
    report.length(program.reads.len(), limits::SLOTS, At::Program);
    report.length(program.clocks.len(), limits::SLOTS, At::Program);
    report.length(program.layout.tables.len(), limits::TABLES, At::Program);
    if !report.errors.is_empty() {
        return;
    }
    for (id, enumeration) in numbered(&program.enums) {
        report.length(enumeration.values.len(), limits::SMALL_LIST, At::Enum(EnumId(id)));
    }
    for (id, reference) in numbered(&program.references) {
        report.length(reference.names.len(), limits::LONG_LIST, At::Reference(ReferenceId(id)));
    }
    for (id, event) in numbered(&program.events) {
        report.length(event.spellings.len(), limits::SMALL_LIST, At::Event(EventId(id)));
        report.length(event.needs.len().max(event.lacks.len()), limits::SLOTS, At::Event(EventId(id)));
    }
    for (id, param) in numbered(&program.params) {
        report.length(param.values.len(), limits::LIST, At::Param(ParamId(id)));
    }
    for (id, table) in numbered(&program.layout.tables) {
        report.length(table.columns.len(), limits::SLOTS, At::Table(TableId(id)));
    }
    for (id, derivation) in numbered(&program.derivations) {
        report.length(derivation.events.len(), limits::SMALL_LIST, At::Derivation(DerivationId(id)));
    }
    for (id, atom) in numbered(&program.atoms) {
        if let AtomTest::OneOf(values) = &atom.test {
            report.length(values.len(), limits::LIST, At::Atom(AtomId(id)));
        }
    }
    for gift in &program.gifts {
        report.length(gift.options.len(), limits::SMALL_LIST, At::Program);
    }
    for (id, group) in numbered(&program.groups) {
        for length in [group.excludes.len(), group.limits.len(), group.rules.len()] {
            report.length(length, limits::LIST, At::Group(GroupId(id)));
        }
    }
    for (id, rule) in numbered(&program.rules) {
        for length in [rule.events.len(), rule.atoms.len(), rule.line_atoms.len(), rule.limits.len()] {
            report.length(length, limits::LIST, At::Rule(RuleId(id)));
        }
    }
    for (id, function) in numbered(&program.functions) {
        report.length(function.insts.len(), limits::INSTS, At::Function(FunctionId(id)));
        report.length(function.variables.len(), limits::VARIABLES, At::Function(FunctionId(id)));
    }
}

fn head(program: &Program, report: &mut Report) {
    report.name(&program.name, At::Program);
    report.name(&program.zone, At::Program);
    report.name(&program.currency.code, At::Program);
    report.check(program.currency.decimals <= 4, VerifyRule::CurrencyDecimals, At::Program);
    report.check(program.week_starts <= 6, VerifyRule::WeekStart, At::Program);
    if let Some(besides) = program.tax.and_then(|tax| tax.besides) {
        let percent = |slot: &Slot| slot.ty == SlotType::Percent;
        let fits = program.layout.line.get(besides.index()).is_some_and(percent);
        report.check(fits, VerifyRule::TypeMismatch, At::Program);
    }
    if let Some(floor) = program.floor {
        report.known(&program.layout.line, floor.index(), At::Program);
    }

    let mut names = Names::default();
    for (id, account) in numbered(&program.accounts) {
        let at = At::Account(AccountId(id));
        report.name(&account.name, at);
        report.name(&account.unit, at);
        names.add(&account.name, at, report);
        report.check(account.decimals <= 9, VerifyRule::AccountDecimals, at);
        let worth = account.worth.is_none_or(|(units, money)| units > 0 && money > 0);
        report.check(worth, VerifyRule::AccountWorth, at);
        let melts = account.melt.is_none_or(Melt::is_sound);
        report.check(account.expires.is_sound() && melts, VerifyRule::AwardLife, at);
    }

    let mut names = Names::default();
    for (id, kind) in numbered(&program.kinds) {
        let at = At::Kind(KindId(id));
        report.name(&kind.name, at);
        names.add(&kind.name, at, report);
        if let Some(of) = kind.of {
            report.known(&program.kinds, of.index(), at);
            let plain = program.kinds.get(of.index()).is_none_or(|of| of.of.is_none());
            report.check(plain, VerifyRule::KindOf, at);
        }
    }

    let mut names = Names::default();
    for (id, enumeration) in numbered(&program.enums) {
        let at = At::Enum(EnumId(id));
        report.name(&enumeration.name, at);
        names.add(&enumeration.name, at, report);
        report.check(!enumeration.values.is_empty(), VerifyRule::EmptyEnumeration, at);
        let mut values = Names::default();
        for value in &enumeration.values {
            report.name(value, at);
            values.add(value, at, report);
        }
    }

    for (id, reference) in numbered(&program.references) {
        let at = At::Reference(ReferenceId(id));
        report.known(&program.kinds, reference.kind.index(), at);
        let ascending = reference.names.is_sorted_by(|a, b| a < b);
        report.check(ascending && !reference.names.is_empty(), VerifyRule::ReferenceNames, at);
        for name in &reference.names {
            report.foreign(name, at);
        }
    }

    let mut names = Names::default();
    for (id, event) in numbered(&program.events) {
        let at = At::Event(EventId(id));
        report.name(&event.name, at);
        names.add(&event.name, at, report);
        report.check(event.spellings.contains(&event.name), VerifyRule::EventSpellings, at);
        for spelling in &event.spellings {
            report.foreign(spelling, at);
        }
        let fills = |slot: &SlotId| {
            slot.index() >= EVENT_BUILTINS.len()
                && program
                    .layout
                    .event
                    .get(slot.index())
                    .is_some_and(|slot| slot.optional && slot.record == RecordKind::Event)
        };
        let ascending = [&event.needs, &event.lacks].iter().all(|list| list.is_sorted_by(|a, b| a < b));
        let apart = event.needs.iter().all(|slot| event.lacks.binary_search(slot).is_err());
        let filled = event.needs.iter().chain(&event.lacks).all(fills);
        report.check(ascending && apart && filled, VerifyRule::EventFields, at);
    }

    for (id, source) in numbered(&program.sources) {
        report.name(&source.path, At::Source(id));
        report.check(source.hash.len() <= limits::NAME, VerifyRule::LongText, At::Source(id));
    }
    for (id, place) in numbered(&program.places) {
        let at = At::Place(PlaceId(id));
        report.check((place.file as usize) < program.sources.len(), VerifyRule::UnknownId, at);
        let forward = (place.line, place.column) <= (place.end_line, place.end_column);
        report.check(place.line >= 1 && place.column >= 1 && forward, VerifyRule::PlacePosition, at);
    }
    report.length(program.conditions.len(), limits::LONG_LIST, At::Program);
    for condition in &program.conditions {
        condition_ids(program, condition, report);
    }
    report.length(program.measures.len(), limits::LONG_LIST, At::Program);
    for measure in &program.measures {
        measure_ids(program, measure, report);
    }
}

/// The ids of a condition.
fn condition_ids(program: &Program, condition: &Condition, report: &mut Report) {
    let at = At::Rule(condition.rule);
    report.known(&program.rules, condition.rule.index(), at);
    report.known(&program.places, condition.place.index(), at);
    if let Some(atom) = condition.atom {
        report.known(&program.atoms, atom.index(), at);
    }
    if let Some(measure) = condition.measure {
        report.known(&program.measures, measure.index(), at);
    }
}

/// The ids of a measure, and that numbers can be counted by it.
fn measure_ids(program: &Program, measure: &Measure, report: &mut Report) {
    let at = At::Program;
    let bound = measure.bound.is_none_or(|(num, den)| num != 0 && den >= 1);
    report.check(measure.parts >= 1 && bound, VerifyRule::MeasureParts, at);
    match &measure.unit {
        Unit::Points(account) => report.known(&program.accounts, account.index(), at),
        Unit::Count(word) => report.name(word, at),
        Unit::Enum(id) => report.known(&program.enums, id.index(), at),
        Unit::Symbol(kind) => report.known(&program.kinds, kind.index(), at),
        Unit::Number
        | Unit::Percent
        | Unit::Money
        | Unit::Mass
        | Unit::Volume
        | Unit::Duration
        | Unit::Days
        | Unit::Months
        | Unit::Date
        | Unit::Time
        | Unit::Instant
        | Unit::Truth => {}
    }
}

/// Ids and scales inside a type.
fn slot_type(program: &Program, ty: SlotType, at: At, report: &mut Report) {
    match ty {
        SlotType::Bool
        | SlotType::Percent
        | SlotType::Count
        | SlotType::Date
        | SlotType::Time
        | SlotType::Instant => {}
        SlotType::Money { scale } | SlotType::Number { scale } => {
            report.check(scale <= limits::SCALE, VerifyRule::SlotScale, at);
        }
        SlotType::Points(account) => report.known(&program.accounts, account.index(), at),
        SlotType::Enum(id) => report.known(&program.enums, id.index(), at),
        SlotType::Symbol(kind) | SlotType::Set(kind) => report.known(&program.kinds, kind.index(), at),
    }
}

/// Whether a constant can be a value of the type.
fn fits(program: &Program, ty: SlotType, value: i64) -> bool {
    if value == MISSING {
        return false;
    }
    match ty {
        SlotType::Bool => (0..=1).contains(&value),
        SlotType::Enum(id) => {
            let values = program.enums.get(id.index()).map_or(0, |enumeration| enumeration.values.len());
            usize::try_from(value).is_ok_and(|value| value < values)
        }
        SlotType::Time => (0..86_400).contains(&value),
        // The numbers of symbols are the catalogue's.
        SlotType::Symbol(_) => false,
        // The empty set is that of every catalogue.
        SlotType::Set(_) => value == 0,
        SlotType::Money { .. }
        | SlotType::Points(_)
        | SlotType::Percent
        | SlotType::Count
        | SlotType::Number { .. }
        | SlotType::Date
        | SlotType::Instant => true,
    }
}

fn layout(program: &Program, report: &mut Report) {
    let builtins = Layout::builtins(&program.currency);
    debug_assert_eq!(builtins.event.len(), EVENT_BUILTINS.len());
    debug_assert_eq!(builtins.line.len(), LINE_BUILTINS.len());
    debug_assert_eq!(builtins.payment.len(), PAYMENT_BUILTINS.len());
    let layout = &program.layout;
    slots(program, &layout.event, &builtins.event, At::EventSlot, report);
    slots(program, &layout.line, &builtins.line, At::LineSlot, report);
    slots(program, &layout.payment, &builtins.payment, At::PaymentSlot, report);
}

/// One of the layout's lists.
fn slots(program: &Program, slots: &[Slot], builtins: &[Slot], at: fn(SlotId) -> At, report: &mut Report) {
    report.check(slots.len() >= builtins.len(), VerifyRule::BuiltinSlots, At::Program);
    for ((id, slot), builtin) in numbered(slots).zip(builtins) {
        let ty = slot.ty == builtin.ty || weekday(program, SlotId(id), builtin, slot.ty);
        let same = slot.name == builtin.name && ty && slot.optional == builtin.optional;
        report.check(same, VerifyRule::BuiltinSlots, at(SlotId(id)));
    }
    for (id, slot) in numbered(slots) {
        let at = at(SlotId(id));
        report.name(&slot.name, at);
        report.length(slot.key.len(), limits::KEY, at);
        for part in &slot.key {
            report.foreign(part, at);
        }
        slot_type(program, slot.ty, at, report);
        report.check(belongs(slot.record, at), VerifyRule::SlotRecord, at);
        let built_in = (id as usize) < builtins.len();
        let has_key = built_in || slot.record == RecordKind::Derived || !slot.key.is_empty();
        report.check(has_key, VerifyRule::SlotKey, at);
        let default = slot.default.is_none_or(|value| fits(program, slot.ty, value));
        report.check(default, VerifyRule::SlotDefault, at);
        let inherits = !slot.inherits || slot.record == RecordKind::Line;
        report.check(inherits, VerifyRule::SlotInherits, at);
    }
}

/// The tables of rows.
fn tables(program: &Program, report: &mut Report) {
    let layout = &program.layout;
    let mut names = Names::default();
    for (id, table) in numbered(&layout.tables) {
        let at = At::Table(TableId(id));
        report.name(&table.name, at);
        names.add(&table.name, at, report);
        let (is_list, of_lines) = match &table.source {
            RowSource::List { record, key } => {
                let whose = matches!(record, RecordKind::Event | RecordKind::Member);
                report.check(whose && !key.is_empty(), VerifyRule::TableColumn, at);
                report.length(key.len(), limits::KEY, at);
                for part in key {
                    report.foreign(part, at);
                }
                (true, false)
            }
            RowSource::Earlier(history) => {
                history_of(program, history, at, report);
                (false, false)
            }
            RowSource::EarlierLines(history) => {
                history_of(program, history, at, report);
                (false, true)
            }
        };
        for (column, entry) in numbered(&table.columns) {
            let at = At::Column(TableId(id), SlotId(column));
            let fits = match entry {
                Column::Field(slot) => {
                    report.name(&slot.name, at);
                    report.length(slot.key.len(), limits::KEY, at);
                    for part in &slot.key {
                        report.foreign(part, at);
                    }
                    slot_type(program, slot.ty, at, report);
                    report.check(!slot.key.is_empty(), VerifyRule::SlotKey, at);
                    let default = slot.default.is_none_or(|value| fits(program, slot.ty, value));
                    report.check(default && !slot.inherits, VerifyRule::SlotDefault, at);
                    is_list
                }
                Column::Event(slot) => {
                    report.known(&layout.event, slot.index(), at);
                    !is_list
                }
                Column::Line(slot) => {
                    report.known(&layout.line, slot.index(), at);
                    of_lines
                }
                Column::LocalAt | Column::PaidNet | Column::Returned => !is_list,
                Column::PiecesKept => of_lines,
            };
            report.check(fits, VerifyRule::TableColumn, at);
        }
    }
}

fn history_of(program: &Program, history: &History, at: At, report: &mut Report) {
    events_of(program, &history.events, VerifyRule::HistoryEvents, at, report);
}

fn events_of(program: &Program, events: &[EventId], rule: VerifyRule, at: At, report: &mut Report) {
    report.check(events.is_sorted_by(|a, b| a < b) && !events.is_empty(), rule, at);
    for event in events {
        report.known(&program.events, event.index(), at);
    }
}

/// Event slots that are filled rather than read: each by one, none of them built in.
fn filled(program: &Program, report: &mut Report) {
    let mut slots = BTreeSet::new();
    let mut fill = |slot: SlotId, at: At, report: &mut Report| {
        let of_event = program.layout.event.get(slot.index());
        let derived = of_event.is_some_and(|slot| slot.record == RecordKind::Derived);
        let free = derived && slot.index() >= EVENT_BUILTINS.len() && slots.insert(slot);
        report.check(free, VerifyRule::FilledSlot, at);
    };
    for read in &program.reads {
        let at = At::EventSlot(read.slot);
        fill(read.slot, at, report);
        match read.read {
            StateRead::Balance(account) | StateRead::Missing(account) => {
                report.known(&program.accounts, account.index(), at);
            }
            StateRead::Refund | StateRead::BoughtOn => {}
            StateRead::After(window) | StateRead::Last(window) => window_of(window, at, report),
            StateRead::Until(window) => {
                let long = matches!(window, Window::Seconds(_) | Window::Days(_) | Window::Months(_));
                report.check(long, VerifyRule::WindowLength, at);
                window_of(window, at, report);
            }
            StateRead::Anniversary(slot) => {
                report.known(&program.layout.event, slot.index(), at);
                let date =
                    program.layout.event.get(slot.index()).is_none_or(|slot| slot.ty == SlotType::Date);
                report.check(date, VerifyRule::TypeMismatch, at);
            }
            StateRead::Coupon(id) => report.known(&program.instruments.coupons, id as usize, at),
            StateRead::Badge(id) => report.known(&program.instruments.badges, id as usize, at),
        }
    }
    for redemption in &program.redemptions {
        if let Some(used) = redemption.used {
            fill(used, At::EventSlot(used), report);
        }
    }
    for slot in [program.tender.points, program.tender.cash].into_iter().flatten() {
        fill(slot, At::EventSlot(slot), report);
    }
    if let Some(slot) = program.tender.line_cash {
        let of_line = program.layout.line.get(slot.index());
        let free =
            of_line.is_some_and(|of| of.record == RecordKind::Derived) && slot.index() >= LINE_BUILTINS.len();
        report.check(free, VerifyRule::FilledSlot, At::LineSlot(slot));
    }
    for clock in &program.clocks {
        for slot in [clock.date, clock.time, clock.weekday, clock.month_day] {
            fill(slot, At::EventSlot(slot), report);
            let optional = program.layout.event.get(slot.index()).is_none_or(|slot| slot.optional);
            report.check(optional, VerifyRule::ClockSlots, At::EventSlot(slot));
        }
        match &clock.zone {
            ClockZone::Named(name) => report.foreign(name, At::EventSlot(clock.date)),
            ClockZone::Store(store) => {
                let symbol = program.layout.event.get(store.index());
                let symbol = symbol.is_some_and(|slot| matches!(slot.ty, SlotType::Symbol(_)));
                report.check(symbol, VerifyRule::ClockSlots, At::EventSlot(clock.date));
            }
        }
    }
    for learn in program.offers.list.iter().filter_map(|offer| offer.learn) {
        fill(learn.estimate, At::EventSlot(learn.estimate), report);
    }
    for hashed in &program.offers.hashed {
        let at = At::EventSlot(hashed.slot);
        fill(hashed.slot, at, report);
        let name = program.layout.event.get(hashed.of.index());
        let is_name = name.is_some_and(|slot| matches!(slot.ty, SlotType::Symbol(_)));
        let is_number = program.layout.event.get(hashed.slot.index());
        let is_number = is_number.is_some_and(|slot| slot.optional && slot.ty == SlotType::Count);
        report.check(is_name && is_number && hashed.count >= 1, VerifyRule::HashedSlots, at);
    }
    for arbitration in &program.offers.arbitrations {
        if let Some(explore) = &arbitration.explore {
            fill(explore.drawn, At::EventSlot(explore.drawn), report);
        }
    }
    let mut names = Names::default();
    for (id, derivation) in numbered(&program.derivations) {
        let at = At::Derivation(DerivationId(id));
        report.name(&derivation.name, at);
        names.add(&derivation.name, at, report);
        fill(derivation.slot, at, report);
        report.known(&program.functions, derivation.function.index(), at);
        report.known(&program.places, derivation.place.index(), at);
        events_of(program, &derivation.events, VerifyRule::DerivationEvents, at, report);
    }
}

/// Each rule of a tender group is that of one redemption, and asks for slots of the input.
fn redemptions(program: &Program, report: &mut Report) {
    let mut rules = BTreeSet::new();
    for redemption in &program.redemptions {
        let at = At::Rule(redemption.rule);
        report.known(&program.rules, redemption.rule.index(), at);
        report.known(&program.accounts, redemption.account.index(), at);
        report.length(redemption.short.len(), limits::SMALL_LIST, at);
        for saying in &redemption.short {
            report.name(&saying.to, at);
            report.text(&Some(saying.text.clone()), at);
        }
        let asked = |slot: SlotId| {
            program.layout.event.get(slot.index()).is_some_and(|slot| slot.record == RecordKind::Event)
        };
        let reads = asked(redemption.request) && redemption.confirmed.is_none_or(asked);
        let rate = redemption.rate.is_none_or(|(units, money)| units > 0 && money > 0);
        let alone = rules.insert(redemption.rule);
        report.check(reads && rate && alone, VerifyRule::RedemptionTerms, at);
    }
    let mut names = Names::default();
    for spendable in &program.spendables {
        report.name(&spendable.name, At::Program);
        names.add(&spendable.name, At::Program, report);
        report.known(&program.places, spendable.place.index(), At::Program);
        let derived = program.derivations.iter().any(|derivation| derivation.slot == spendable.slot);
        let alone = spendable.lines.is_none_or(|rule| spendable.goods && rules.insert(rule));
        report.check(derived && alone, VerifyRule::RedemptionTerms, At::Program);
        if let Some(rule) = spendable.lines {
            report.known(&program.rules, rule.index(), At::Program);
        }
    }
    for (id, rule) in numbered(&program.rules) {
        let phase = program.groups.get(rule.group.index()).map(|group| group.phase);
        let pays = phase == Some(Phase::Tender);
        let known = rules.contains(&RuleId(id));
        report.check(phase.is_none() || pays == known, VerifyRule::RedemptionTerms, At::Rule(RuleId(id)));
    }
}

fn window_of(window: Window, at: At, report: &mut Report) {
    let holds = match window {
        Window::Seconds(seconds) => seconds > 0,
        Window::Days(count) | Window::Months(count) => count > 0,
        Window::This(_) | Window::Previous(_) | Window::Ever => true,
        Window::Between(first, last) => first <= last,
    };
    report.check(holds, VerifyRule::WindowLength, at);
}

fn counters(program: &Program, report: &mut Report) {
    let mut names = Names::default();
    for (id, counter) in numbered(&program.counters) {
        let at = At::Counter(CounterId(id));
        report.name(&counter.name, at);
        names.add(&counter.name, at, report);
        window_of(counter.window, at, report);
        match counter.of {
            LimitOf::Awards(account) => report.known(&program.accounts, account.index(), at),
            LimitOf::Discounts | LimitOf::Times | LimitOf::Gifts => {}
        }
        match counter.per {
            CounterKey::Campaign | CounterKey::Member => {}
            CounterKey::Inviter(slot) => {
                report.known(&program.layout.event, slot.index(), at);
                let symbol =
                    program.layout.event.get(slot.index()).is_none_or(|slot| slot.ty.symbol().is_some());
                report.check(symbol, VerifyRule::TypeMismatch, at);
            }
        }
    }
}

/// Whether slots of this list may come from this part of the input.
fn belongs(record: RecordKind, at: At) -> bool {
    match record {
        RecordKind::Event | RecordKind::Member => matches!(at, At::EventSlot(_)),
        RecordKind::Line | RecordKind::Product => matches!(at, At::LineSlot(_)),
        RecordKind::Payment => matches!(at, At::PaymentSlot(_)),
        RecordKind::Derived => true,
    }
}

/// A weekday may be an enumeration of seven days, too.
fn weekday(program: &Program, id: SlotId, builtin: &Slot, ty: SlotType) -> bool {
    let seven = match ty {
        SlotType::Enum(id) => program.enums.get(id.index()).is_some_and(|days| days.values.len() == 7),
        SlotType::Bool
        | SlotType::Money { .. }
        | SlotType::Points(_)
        | SlotType::Percent
        | SlotType::Count
        | SlotType::Number { .. }
        | SlotType::Date
        | SlotType::Time
        | SlotType::Instant
        | SlotType::Symbol(_)
        | SlotType::Set(_) => false,
    };
    id == event_slot::WEEKDAY && builtin.name == "event.weekday" && seven
}

fn params(program: &Program, report: &mut Report) {
    let mut names = Names::default();
    for (id, param) in numbered(&program.params) {
        let at = At::Param(ParamId(id));
        report.name(&param.name, at);
        names.add(&param.name, at, report);
        slot_type(program, param.ty, at, report);
        let has_values = match param.ty {
            SlotType::Symbol(_) | SlotType::Set(_) => false,
            SlotType::Bool
            | SlotType::Money { .. }
            | SlotType::Points(_)
            | SlotType::Percent
            | SlotType::Count
            | SlotType::Number { .. }
            | SlotType::Date
            | SlotType::Time
            | SlotType::Instant
            | SlotType::Enum(_) => true,
        };
        report.check(has_values, VerifyRule::ParamType, at);
        // `None` is before every day.
        let ascending = param.values.is_sorted_by(|(a, _), (b, _)| a < b);
        let inside = param.values.iter().all(|(_, value)| {
            fits(program, param.ty, *value)
                && param.range.is_none_or(|(low, high)| (low..=high).contains(value))
        });
        let some = !param.values.is_empty();
        report.check(ascending && inside && some, VerifyRule::ParamValues, at);
        report.check(param.range.is_none_or(|(low, high)| low <= high), VerifyRule::ParamRange, at);
    }
}

fn atoms(program: &Program, report: &mut Report) {
    for (id, atom) in numbered(&program.atoms) {
        let at = At::Atom(AtomId(id));
        let slots = match atom.space {
            Space::Event => &program.layout.event,
            Space::Line => &program.layout.line,
        };
        report.known(slots, atom.slot.index(), at);
        if let AtomTest::In(reference) | AtomTest::Has(reference) = &atom.test {
            report.known(&program.references, reference.index(), at);
        }
        if let AtomTest::OneOf(values) = &atom.test {
            report.check(values.is_sorted_by(|a, b| a < b), VerifyRule::AtomOrder, at);
        }
        if let Some(slot) = slots.get(atom.slot.index()) {
            report.check(atom_fits(program, atom, slot.ty), VerifyRule::AtomType, at);
        }
    }
}

fn atom_fits(program: &Program, atom: &Atom, ty: SlotType) -> bool {
    // A kind `of` another stands for names of that other kind.
    let tests = |reference: &ReferenceId, kind: KindId| {
        let written = program.references.get(reference.index()).map(|reference| reference.kind);
        let of = written.and_then(|written| program.kinds.get(written.index())).and_then(|kind| kind.of);
        written.is_none() || of.or(written) == Some(kind) || written == Some(kind)
    };
    match (&atom.test, ty) {
        (AtomTest::Known, _) => true,
        (AtomTest::In(reference), SlotType::Symbol(kind)) => tests(reference, kind),
        (AtomTest::Has(reference), SlotType::Set(kind)) => tests(reference, kind),
        (AtomTest::In(_) | AtomTest::Has(_), _) => false,
        (AtomTest::Between(..) | AtomTest::OneOf(_), SlotType::Symbol(_) | SlotType::Set(_)) => false,
        (
            AtomTest::Between(..) | AtomTest::OneOf(_),
            SlotType::Bool
            | SlotType::Money { .. }
            | SlotType::Points(_)
            | SlotType::Percent
            | SlotType::Count
            | SlotType::Number { .. }
            | SlotType::Date
            | SlotType::Time
            | SlotType::Instant
            | SlotType::Enum(_),
        ) => true,
    }
}

fn limits_of(program: &Program, list: &[Limit], at: At, report: &mut Report) {
    for limit in list {
        match limit.of {
            LimitOf::Awards(account) => report.known(&program.accounts, account.index(), at),
            LimitOf::Discounts | LimitOf::Times => {}
            LimitOf::Gifts => report.check(false, VerifyRule::LimitCounter, at),
        }
        if let Some(counter) = limit.counter {
            report.known(&program.counters, counter.index(), at);
            let same = program.counters.get(counter.index()).is_none_or(|counter| counter.of == limit.of);
            report.check(same, VerifyRule::LimitCounter, at);
        }
        match limit.amount {
            LimitAmount::Fixed(amount) => report.check(amount >= 0, VerifyRule::LimitAmount, at),
            LimitAmount::Param(param) => report.known(&program.params, param.index(), at),
        }
    }
}

fn governance(governance: &Governance, at: At, report: &mut Report) {
    report.length(governance.about.len(), limits::SMALL_LIST, at);
    for (key, text) in &governance.about {
        report.name(key, at);
        report.check(text.len() <= limits::TEXT, VerifyRule::LongText, at);
    }
}

fn groups(program: &Program, report: &mut Report) {
    let mut names = Names::default();
    let mut listed = vec![0u32; program.rules.len()];
    let mut before: Option<Phase> = None;
    for (id, group) in numbered(&program.groups) {
        let at = At::Group(GroupId(id));
        names.declare(&group.name, &group.title, at, report);
        report.check(before.is_none_or(|before| before <= group.phase), VerifyRule::GroupOrder, at);
        before = Some(group.phase);
        for exclusion in &group.excludes {
            report.check(exclusion.group.0 < id, VerifyRule::GroupExclusion, at);
        }
        limits_of(program, &group.limits, at, report);
        governance(&group.governance, at, report);
        let mut previous: Option<(i64, RuleId)> = None;
        for rule_id in &group.rules {
            report.known(&program.rules, rule_id.index(), at);
            let Some(rule) = program.rules.get(rule_id.index()) else { continue };
            report.check(rule.group == GroupId(id), VerifyRule::GroupRules, at);
            if let Some(times) = listed.get_mut(rule_id.index()) {
                *times = times.saturating_add(1);
            }
            let ordered = previous.is_none_or(|(priority, before)| {
                rule.priority < priority || (rule.priority == priority && before <= *rule_id)
            });
            report.check(ordered, VerifyRule::RuleOrder, at);
            previous = Some((rule.priority, *rule_id));
        }
    }
    for (id, times) in numbered(&listed) {
        report.check(*times == 1, VerifyRule::GroupRules, At::Rule(RuleId(id)));
    }
}

fn rules(program: &Program, report: &mut Report) {
    let mut used = vec![0u32; program.functions.len()];
    for (id, rule) in numbered(&program.rules) {
        let at = At::Rule(RuleId(id));
        report.name(&rule.name, at);
        report.text(&rule.title, at);
        report.known(&program.groups, rule.group.index(), at);
        report.known(&program.places, rule.place.index(), at);
        let ascending = rule.events.is_sorted_by(|a, b| a < b) && !rule.events.is_empty();
        report.check(ascending, VerifyRule::RuleEvents, at);
        for event in &rule.events {
            report.known(&program.events, event.index(), at);
        }
        for (list, space) in [(&rule.atoms, Space::Event), (&rule.line_atoms, Space::Line)] {
            for atom in list {
                report.known(&program.atoms, atom.index(), at);
                let fits = program.atoms.get(atom.index()).is_none_or(|atom| atom.space == space);
                report.check(fits, VerifyRule::RuleAtoms, at);
            }
        }
        limits_of(program, &rule.limits, at, report);
        governance(&rule.governance, at, report);
        report.known(&program.functions, rule.function.index(), at);
        if let Some(times) = used.get_mut(rule.function.index()) {
            *times = times.saturating_add(1);
        }
    }
    let reviewed = program.instruments.badges.iter().filter_map(|badge| badge.review.as_ref());
    let reviewed = reviewed.map(|review| review.function);
    let tiers = program.instruments.tiers.iter();
    let tiers = tiers.flat_map(|tiers| std::iter::once(tiers.reached).chain(tiers.keep));
    for function in reviewed.chain(tiers) {
        if let Some(times) = used.get_mut(function.index()) {
            *times = times.saturating_add(1);
        }
    }
    for derivation in &program.derivations {
        if let Some(times) = used.get_mut(derivation.function.index()) {
            *times = times.saturating_add(1);
        }
    }
    for (id, times) in numbered(&used) {
        report.check(*times == 1, VerifyRule::FunctionUse, At::Function(FunctionId(id)));
    }
}

fn sites(program: &Program, report: &mut Report) {
    for (id, site) in numbered(&program.sites) {
        let at = At::Site(SiteId(id));
        report.known(&program.rules, site.rule.index(), at);
        report.known(&program.places, site.place.index(), at);
        report.text(&site.reason, at);
        match site.kind {
            SiteKind::Award { account, rounding: _, life } => {
                report.known(&program.accounts, account.index(), at);
                report.check(life.is_sound(), VerifyRule::AwardLife, at);
                if let Some(spendable) = life.spendable {
                    report.known(&program.spendables, spendable as usize, at);
                }
            }
            SiteKind::Multiply { account, .. } | SiteKind::Debit { account } => {
                report.known(&program.accounts, account.index(), at)
            }
            SiteKind::Issue { instrument, .. } => {
                report.check(program.instruments.name(instrument).is_some(), VerifyRule::UnknownId, at);
            }
            SiteKind::Set { slot, until: _, name } => {
                member_slot(program, slot, at, report);
                named(program, slot, name, at, report);
            }
            SiteKind::Tell { telling } => report.known(&program.tellings, telling as usize, at),
            SiteKind::Gift { gift, option } => {
                let gift = program.gifts.get(gift as usize);
                let option = gift.and_then(|gift| gift.options.get(option as usize));
                report.check(option.is_some(), VerifyRule::UnknownId, at);
                let own = gift.is_none_or(|gift| gift.rule == site.rule);
                report.check(own, VerifyRule::SiteRule, at);
            }
            SiteKind::Discount { .. } | SiteKind::Tender { .. } => {}
        }
        if let Some(slot) = site.to {
            let named = program.layout.event.get(slot.index());
            report.known(&program.layout.event, slot.index(), at);
            report.check(named.is_none_or(|slot| slot.ty.symbol().is_some()), VerifyRule::TypeMismatch, at);
            let gives = matches!(site.kind, SiteKind::Award { .. } | SiteKind::Issue { .. });
            report.check(gives, VerifyRule::SiteKindMismatch, at);
        }
        let rule = program.rules.get(site.rule.index());
        let Some(group) = rule.and_then(|rule| program.groups.get(rule.group.index())) else { continue };
        let fits = match (site.kind, group.phase) {
            (SiteKind::Award { .. } | SiteKind::Multiply { .. }, Phase::Earn | Phase::State) => true,
            (
                SiteKind::Award { .. } | SiteKind::Multiply { .. },
                Phase::Line | Phase::Set | Phase::Order | Phase::Delivery | Phase::Tender,
            ) => false,
            (SiteKind::Discount { .. }, Phase::Line | Phase::Set | Phase::Order | Phase::Delivery) => true,
            (SiteKind::Discount { .. }, Phase::Tender | Phase::Earn | Phase::State) => false,
            (SiteKind::Tender { .. }, phase) => phase == Phase::Tender,
            (SiteKind::Debit { .. }, Phase::Tender) => false,
            (
                SiteKind::Debit { .. },
                Phase::Line | Phase::Set | Phase::Order | Phase::Delivery | Phase::Earn | Phase::State,
            ) => true,
            (SiteKind::Issue { .. } | SiteKind::Tell { .. } | SiteKind::Set { .. }, _) => true,
            (SiteKind::Gift { .. }, Phase::Line | Phase::Set | Phase::Order | Phase::Delivery) => true,
            (SiteKind::Gift { .. }, Phase::Tender) => false,
            (SiteKind::Gift { gift, .. }, Phase::Earn | Phase::State) => {
                program.gifts.get(gift as usize).is_none_or(|gift| gift.added)
            }
        };
        report.check(fits, VerifyRule::SitePhase, at);
        if let (SiteKind::Multiply { group: of, .. }, Some(rule)) = (site.kind, rule) {
            let earlier = program.groups.get(of.index()).is_some_and(|of| of.phase == group.phase);
            report.check(earlier && of < rule.group, VerifyRule::MultipliedGroup, at);
        }
    }
}

/// What a field is set to: a name where it holds one, and of its kind.
fn named(program: &Program, slot: SlotId, name: Option<NameFrom>, at: At, report: &mut Report) {
    let ty = |slot: SlotId| program.layout.event.get(slot.index()).map(|slot| slot.ty);
    let kind = match ty(slot) {
        Some(SlotType::Symbol(kind)) => Some(kind),
        Some(SlotType::Set(_)) => return report.check(false, VerifyRule::TypeMismatch, at),
        Some(_) | None => None,
    };
    let fits = match (kind, name) {
        (None, None) => true,
        (Some(kind), Some(NameFrom::Slot(from))) => ty(from) == Some(SlotType::Symbol(kind)),
        (Some(kind), Some(NameFrom::Reference(id))) => {
            let one = |of: &Reference| of.kind == kind && of.names.len() == 1;
            program.references.get(id.index()).is_some_and(one)
        }
        (None, Some(_)) | (Some(_), None) => false,
    };
    report.check(fits, VerifyRule::TypeMismatch, at);
}

/// A field of the member that state may overlay.
fn member_slot(program: &Program, slot: SlotId, at: At, report: &mut Report) {
    let of_event = program.layout.event.get(slot.index());
    let fits = of_event.is_some_and(|slot| slot.record == RecordKind::Member);
    report.check(fits, VerifyRule::FilledSlot, at);
}

/// Products that rules give.
/// Words for somebody.
fn words(words: &[Saying], at: At, report: &mut Report) {
    report.length(words.len(), limits::SMALL_LIST, at);
    for saying in words {
        report.name(&saying.to, at);
        report.text(&Some(saying.text.clone()), at);
    }
}

fn tellings(program: &Program, report: &mut Report) {
    for telling in &program.tellings {
        match telling {
            Telling::Words(said) => words(said, At::Program, report),
            Telling::Offer(offer) => report.known(&program.offers.list, *offer as usize, At::Program),
        }
    }
}

fn gifts(program: &Program, report: &mut Report) {
    for gift in &program.gifts {
        let at = At::Rule(gift.rule);
        report.known(&program.rules, gift.rule.index(), at);
        report.known(&program.places, gift.place.index(), at);
        let ascending = gift.options.is_sorted_by_key(|option| option.choice) && !gift.options.is_empty();
        report.check(ascending, VerifyRule::GiftOptions, at);
        if let Some(slot) = gift.chosen {
            let names = |slot: &Slot| slot.record == RecordKind::Event && slot.ty.symbol().is_some();
            let fits = program.layout.event.get(slot.index()).is_some_and(names);
            report.check(fits, VerifyRule::GiftOptions, at);
        }
        for option in &gift.options {
            report.foreign(&option.sku, at);
            report.known(&program.references, option.reference.index(), at);
            let Some((stock, counter)) = option.stock else { continue };
            report.known(&program.counters, counter.index(), at);
            let counts = program.counters.get(counter.index());
            let counts = counts.is_none_or(|counter| counter.of == LimitOf::Gifts);
            report.check(stock >= 0 && counts, VerifyRule::GiftOptions, at);
        }
    }
}

/// Coupons, certificates, badges and levels.
/// Promises: ids, slots of the right record, and numbers that cannot leave their bits.
fn promises(program: &Program, report: &mut Report) {
    let (at, terms) = (At::Program, VerifyRule::PromiseTerms);
    let mut names = Names::default();
    for promise in &program.promises {
        names.declare(&promise.name, &promise.title, at, report);
        report.known(&program.places, promise.place.index(), at);
        events_of(program, &promise.events, VerifyRule::DerivationEvents, at, report);
        for (list, space) in [(&promise.atoms, Space::Event), (&promise.line_atoms, Space::Line)] {
            report.length(list.len(), limits::LIST, at);
            for id in list {
                report.known(&program.atoms, id.index(), at);
                let fits = program.atoms.get(id.index()).is_none_or(|atom| atom.space == space);
                report.check(fits, terms, at);
            }
        }
        if let Some(account) = promise.account {
            report.known(&program.accounts, account.index(), at);
        }
        report.check(promise.of != PromiseOf::Basket || promise.line_atoms.is_empty(), terms, at);
        report.length(promise.asks.len(), limits::SMALL_LIST, at);
        report.length(promise.about.len(), limits::SMALL_LIST, at);
        for bound in promise.asks.iter().chain([&promise.keep]) {
            report.check((1..=MAX_PART).contains(&bound.den), terms, at);
            for side in bound.sides() {
                report.check(side.terms.len() <= MAX_TERMS, terms, at);
                let parts = side.terms.iter().map(|(times, _)| *times).chain([side.constant]);
                let small = |part: i64| part.unsigned_abs() <= MAX_PART.unsigned_abs();
                report.check(parts.into_iter().all(small), terms, at);
            }
            for figure in bound.figures() {
                match figure {
                    Figure::Initial | Figure::Paid | Figure::Discount => {}
                    Figure::Award(account) => report.known(&program.accounts, account.index(), at),
                    Figure::Event(slot) => report.known(&program.layout.event, slot.index(), at),
                    Figure::Line(slot) => {
                        report.check(promise.of != PromiseOf::Basket, terms, at);
                        report.known(&program.layout.line, slot.index(), at);
                    }
                }
            }
        }
    }
}

/// Offers and arbitrations: ids, names, and slots of the right kind.
fn offers(program: &Program, report: &mut Report) {
    let (offers, at) = (&program.offers, At::Program);
    let terms = VerifyRule::OfferTerms;
    let derived = |slot: SlotId| program.derivations.iter().any(|derivation| derivation.slot == slot);
    let ty = |slot: SlotId| program.layout.event.get(slot.index()).map(|slot| slot.ty);
    for level in &offers.priorities {
        report.name(level, at);
    }
    if let Some(channel) = offers.channel {
        report.check(ty(channel).is_some_and(|ty| ty.symbol().is_some()), terms, at);
    }
    if let Some(reaction) = &offers.reaction {
        let named = ty(reaction.offer).is_some_and(|ty| ty.symbol().is_some());
        report.check(named && ty(reaction.answer) == Some(SlotType::Enum(reaction.answers)), terms, at);
    }
    report.length(offers.answers.len(), limits::SMALL_LIST, at);
    let mut kinds = BTreeSet::new();
    let mut names = Names::default();
    for offer in &offers.list {
        names.declare(&offer.name, &offer.title, at, report);
        report.known(&program.places, offer.place.index(), at);
        report.known(&program.references, offer.key.index(), at);
        let level = offer.display.priority().is_none_or(|level| (level as usize) < offers.priorities.len());
        report.check(level && derived(offer.held) && offer.score.is_none_or(derived), terms, at);
        if let Purpose::Product(kind, products) = &offer.purpose {
            report.name(kind, at);
            report.length(products.len(), limits::LONG_LIST, at);
            for product in products {
                report.foreign(product, at);
            }
        }
        report.length(offer.goals.len(), limits::SMALL_LIST, at);
        for goal in &offer.goals {
            report.name(goal, at);
        }
        words(&offer.says, at, report);
        let learned = offer.learn.is_none_or(|learn| {
            let told = learn.showings >= 1 && learn.half_life.is_none_or(|half_life| half_life.days() >= 1);
            told && !offers.answers.is_empty()
                && (0..=SCORE_ONE).contains(&learn.prior)
                && derived(learn.kind)
                && offers.reaction.is_some()
        });
        report.check(learned, terms, at);
        // A kind is of one offer, which is looked for by it.
        report.check(offer.learn.is_none_or(|learn| kinds.insert(learn.kind)), terms, at);
        report.length(offer.kinds.len(), limits::SMALL_LIST, at);
        for by in &offer.kinds {
            report.check(by.text.len() <= limits::TEXT, VerifyRule::LongText, at);
            match &by.values {
                LearnedValues::Named(names) => {
                    report.length(names.len(), limits::SMALL_LIST, at);
                    for name in names {
                        report.name(name, at);
                    }
                }
                LearnedValues::Hashed(count) => report.check(*count >= 1, terms, at),
            }
        }
        report.length(offer.conditions.len(), limits::LIST, at);
        for condition in &offer.conditions {
            report.known(&program.places, condition.place.index(), at);
        }
        let mut asked = (0u32..).zip(&offer.conditions).filter_map(|(number, condition)| {
            Some(number).filter(|_| condition.clause == OfferClause::Budget)
        });
        let budgets = &offer.budgets;
        report.check(budgets.iter().all(|budget| asked.next() == Some(budget.condition)), terms, at);
        report.check(asked.next().is_none(), terms, at);
        for budget in budgets {
            limits_of(program, std::slice::from_ref(&budget.limit), at, report);
            let counter = budget.limit.counter.and_then(|counter| program.counters.get(counter.index()));
            let shared = counter.is_some_and(|counter| counter.per == CounterKey::Campaign);
            let counted = matches!(budget.limit.of, LimitOf::Times | LimitOf::Awards(_));
            report.check(shared && counted, terms, at);
        }
        governance(&offer.governance, at, report);
    }
    let mut names = Names::default();
    for arbitration in &offers.arbitrations {
        names.declare(&arbitration.name, &arbitration.title, at, report);
        report.known(&program.places, arbitration.place.index(), at);
        if let Some(channels) = arbitration.channels {
            report.known(&program.references, channels.index(), at);
            let kind = program.references.get(channels.index()).map(|reference| reference.kind);
            let own = offers.channel.and_then(ty).and_then(SlotType::symbol);
            report.check(own.is_some() && own == kind, terms, at);
        }
        report.length(arbitration.classes.len(), limits::SMALL_LIST, at);
        let mut seen = BTreeSet::new();
        for class in &arbitration.classes {
            report.length(class.offers.len(), limits::LIST, at);
            for offer in &class.offers {
                report.known(&offers.list, *offer as usize, at);
                report.check(seen.insert(*offer), terms, at);
            }
        }
        report.length(arbitration.order.len(), limits::SMALL_LIST, at);
        let numbers = arbitration.slots >= 1 && arbitration.per_goal.is_none_or(|most| most >= 1);
        let explored = arbitration.explore.as_ref().is_none_or(|explore| {
            (1..=PERCENT_ONE).contains(&explore.part) && (1..=2).contains(&explore.seeds.len())
        });
        report.check(numbers && explored, terms, at);
    }
}

/// Contact plans: sorts and columns that there are, derived slots, bounds that can be added up.
fn contacts(program: &Program, report: &mut Report) {
    const LARGEST: u64 = 1 << 60;
    let (contacts, at) = (&program.contacts, At::Program);
    let terms = VerifyRule::ContactTerms;
    let derived = |slot: &SlotId| program.derivations.iter().any(|derivation| derivation.slot == *slot);
    let named =
        |slot: SlotId| program.layout.event.get(slot.index()).is_some_and(|slot| slot.ty.symbol().is_some());
    let mut names = Names::default();
    for plan in &contacts.plans {
        names.declare(&plan.name, &plan.title, at, report);
        report.known(&program.places, plan.place.index(), at);
    }
    report.check(
        contacts.plans.is_empty() || contacts.slots.is_some() && contacts.score.is_some(),
        terms,
        at,
    );
    if let Some(slots) = contacts.slots {
        report.check([slots.offer, slots.channel, slots.package].into_iter().all(named), terms, at);
    }
    let slots = contacts.marks.iter().chain(&contacts.score).chain(&contacts.columns);
    report.check(slots.into_iter().all(derived), terms, at);
    let sorts = contacts.sorts as usize;
    let room = sorts <= MAX_SORTS && sorts.div_ceil(MARKS) == contacts.marks.len();
    report.check(room, terms, at);
    let known = |sort: &u32| *sort < contacts.sorts;
    for drop in &contacts.drops {
        report.check(known(&drop.sort), terms, at);
        report.text(&Some(drop.text.clone()), at);
        report.known(&program.places, drop.place.index(), at);
    }
    let small = |bound: &Option<i64>| bound.is_none_or(|bound| (0..1 << 40).contains(&bound));
    for rule in &contacts.rules {
        report.text(&Some(rule.text.clone()), at);
        report.known(&program.places, rule.place.index(), at);
        let window = match rule.kind.window() {
            ContactWindow::Days(days) => (1..=36_600).contains(&days),
            ContactWindow::Months(months) => (1..=1_200).contains(&months),
            ContactWindow::Each(_) | ContactWindow::Session | ContactWindow::Ever => true,
        };
        let fits = match &rule.kind {
            ContactRuleKind::Count { at_least, at_most, exceptions, .. } => {
                report.length(exceptions.len(), limits::SMALL_LIST, at);
                let day = |day: i64| (-1_000_000_000..=1_000_000_000).contains(&day);
                let own = |own: &ContactException| {
                    own.first <= own.last
                        && day(own.first)
                        && day(own.last)
                        && small(&own.at_least)
                        && small(&own.at_most)
                };
                small(at_least) && small(at_most) && exceptions.iter().all(own)
            }
            ContactRuleKind::Amount { column, times, minus, bound, digits, .. } => {
                (*column as usize) < contacts.columns.len()
                    && (1..1 << 40).contains(times)
                    && minus.unsigned_abs() < 1 << 40
                    && bound.unsigned_abs() <= LARGEST
                    && *digits <= 9
            }
            ContactRuleKind::Each { at_least, at_most, counted, skip, .. } => {
                small(at_least)
                    && small(at_most)
                    && (at_least.is_some() || !skip)
                    && (at_least.is_none() || *counted == ContactCount::Contacts)
            }
            ContactRuleKind::Never { .. } | ContactRuleKind::Only { .. } => true,
        };
        report.check(window && fits && rule.kind.sorts().iter().all(known), terms, at);
    }
}

fn instruments(program: &Program, report: &mut Report) {
    let instruments = &program.instruments;
    let mut names = Names::default();
    for (_, coupon) in numbered(&instruments.coupons) {
        names.declare(&coupon.name, &coupon.title, At::Program, report);
        report.known(&program.rules, coupon.rule.index(), At::Program);
        report.known(&program.places, coupon.place.index(), At::Program);
    }
    let mut names = Names::default();
    for (_, certificate) in numbered(&instruments.certificates) {
        names.declare(&certificate.name, &certificate.title, At::Program, report);
        report.known(&program.places, certificate.place.index(), At::Program);
    }
    let mut names = Names::default();
    for (_, badge) in numbered(&instruments.badges) {
        names.declare(&badge.name, &badge.title, At::Program, report);
        report.known(&program.places, badge.place.index(), At::Program);
        if let Some(review) = &badge.review {
            report.known(&program.functions, review.function.index(), At::Program);
            events_of(program, &review.events, VerifyRule::DerivationEvents, At::Program, report);
        }
    }
    if let Some(slot) = instruments.presented {
        let of_event = program.layout.event.get(slot.index());
        let fits = of_event.is_some_and(|slot| matches!(slot.ty, SlotType::Set(_)));
        report.check(fits, VerifyRule::FilledSlot, At::Program);
    }
    let mut names = Names::default();
    for tiers in &instruments.tiers {
        names.add(&tiers.name, At::Program, report);
        events_of(program, &tiers.events, VerifyRule::DerivationEvents, At::Program, report);
        report.name(&tiers.name, At::Program);
        report.text(&tiers.title, At::Program);
        report.known(&program.enums, tiers.levels.index(), At::Program);
        report.known(&program.places, tiers.place.index(), At::Program);
        report.known(&program.functions, tiers.reached.index(), At::Program);
        if let Some(keep) = tiers.keep {
            report.known(&program.functions, keep.index(), At::Program);
        }
        member_slot(program, tiers.slot, At::Program, report);
    }
}

fn functions(program: &Program, report: &mut Report) {
    let mut owners: Vec<Option<RuleId>> = vec![None; program.functions.len()];
    for (id, rule) in numbered(&program.rules) {
        if let Some(owner) = owners.get_mut(rule.function.index()) {
            *owner = Some(RuleId(id));
        }
    }
    for ((id, function), owner) in numbered(&program.functions).zip(owners) {
        let at = At::Function(FunctionId(id));
        report.name(&function.name, at);
        let same = function.places.len() == function.insts.len();
        report.check(same, VerifyRule::PlacesLength, at);
        for (inst, place) in numbered(&function.places) {
            report.known(&program.places, place.index(), At::Inst(FunctionId(id), inst));
        }
        let mut checker = Checker::new(program, function, owner);
        if let Err((rule, inst)) = checker.all() {
            report.check(false, rule, inst.map_or(at, |inst| At::Inst(FunctionId(id), inst)));
        }
    }
}

/// One function.
struct Checker<'p> {
    program: &'p Program,
    function: &'p Function,
    owner: Option<RuleId>,
    /// Types of the values made so far.
    types: Vec<Option<Ty>>,
    /// The region of each, as a position in `regions`.
    homes: Vec<usize>,
    /// Whether each region that was ever opened is still open; the first is the function.
    regions: Vec<bool>,
    /// The open regions, outermost first, without the function.
    open: Vec<Region>,
    loops: usize,
    selections: usize,
    bags: usize,
    sets: usize,
}

struct Region {
    number: usize,
    opener: u32,
    is_loop: bool,
}

impl<'p> Checker<'p> {
    fn new(program: &'p Program, function: &'p Function, owner: Option<RuleId>) -> Checker<'p> {
        let count = function.insts.len();
        Checker {
            program,
            function,
            owner,
            types: Vec::with_capacity(count),
            homes: Vec::with_capacity(count),
            regions: vec![true],
            open: Vec::new(),
            loops: 0,
            selections: 0,
            bags: 0,
            sets: 0,
        }
    }

    fn all(&mut self) -> Result<(), (VerifyRule, Option<u32>)> {
        for ty in &self.function.variables {
            match ty {
                Ty::I64 | Ty::I128 | Ty::Bool => {}
                Ty::Selection | Ty::Bag | Ty::Sets => return Err((VerifyRule::VariableType, None)),
            }
        }
        let function = self.function;
        for (at, inst) in numbered(&function.insts) {
            self.inst(at, inst).map_err(|rule| (rule, Some(at)))?;
        }
        match self.open.last() {
            Some(region) => Err((VerifyRule::UnclosedRegion, Some(region.opener))),
            None => Ok(()),
        }
    }

    /// Checks one instruction and takes note of its value.
    fn inst(&mut self, at: u32, inst: &Inst) -> Result<(), VerifyRule> {
        // Operands first, so that what follows can look at their types.
        let mut operands = Ok(());
        inst.operands(|value| {
            if operands.is_ok() {
                operands = self.value(value).map(|_| ());
            }
        });
        operands?;
        self.types_of(inst)?;
        let ty =
            inst.result(&self.function.variables, |value| self.types.get(value.index()).copied().flatten());
        match inst {
            Inst::Block => self.enter(at, false)?,
            Inst::Loop(_) => self.enter(at, true)?,
            Inst::End => self.leave()?,
            Inst::Break { depth, .. } => {
                check((*depth as usize) < self.open.len(), VerifyRule::BreakDepth)?;
            }
            Inst::NewSelection
            | Inst::PickExtreme { .. }
            | Inst::PickInEvery { .. }
            | Inst::PickEveryNth { .. }
            | Inst::SetUnits { .. } => self.selections = self.selections.saturating_add(1),
            Inst::NewBag => self.bags = self.bags.saturating_add(1),
            Inst::NewSets => self.sets = self.sets.saturating_add(1),
            Inst::Int(_)
            | Inst::Wide(_)
            | Inst::Bool(_)
            | Inst::LoadEvent(_)
            | Inst::LoadLine(..)
            | Inst::LoadPayment(..)
            | Inst::LoadTable(..)
            | Inst::LoadParam(_)
            | Inst::Known(_)
            | Inst::Truth(_)
            | Inst::Add(..)
            | Inst::Sub(..)
            | Inst::Mul(..)
            | Inst::MulWide(..)
            | Inst::Negate(_)
            | Inst::Widen(_)
            | Inst::Narrow(_)
            | Inst::Divide(..)
            | Inst::Floor(..)
            | Inst::Modulo(..)
            | Inst::AddMonths(..)
            | Inst::InstantOf(..)
            | Inst::Clock(..)
            | Inst::Calendar(..)
            | Inst::Compare(..)
            | Inst::Choose(..)
            | Inst::And(..)
            | Inst::Or(..)
            | Inst::Not(_)
            | Inst::InReference(..)
            | Inst::SetHas(..)
            | Inst::SetContains(..)
            | Inst::Get(_)
            | Inst::Set(..)
            | Inst::Select { .. }
            | Inst::Selected(..)
            | Inst::Put(..)
            | Inst::Distinct(_)
            | Inst::SetPart { .. }
            | Inst::SetTerm { .. }
            | Inst::ChooseSets { .. }
            | Inst::SetTimes(..)
            | Inst::Derive(_)
            | Inst::Award { .. }
            | Inst::Discount { .. } => {}
        }
        check(self.selections.max(self.bags).max(self.sets) <= limits::BUFFERS, VerifyRule::TooManyBuffers)?;
        self.types.push(ty);
        // A loop's row belongs to the region that the loop opens.
        self.homes.push(self.open.last().map_or(0, |region| region.number));
        Ok(())
    }

    fn enter(&mut self, at: u32, is_loop: bool) -> Result<(), VerifyRule> {
        if is_loop {
            self.loops = self.loops.saturating_add(1);
            check(self.loops <= limits::LOOP_DEPTH, VerifyRule::LoopDepth)?;
        }
        self.open.push(Region { number: self.regions.len(), opener: at, is_loop });
        self.regions.push(true);
        Ok(())
    }

    fn leave(&mut self) -> Result<(), VerifyRule> {
        let region = self.open.pop().ok_or(VerifyRule::UnopenedRegion)?;
        if let Some(open) = self.regions.get_mut(region.number) {
            *open = false;
        }
        if region.is_loop {
            self.loops = self.loops.saturating_sub(1);
        }
        Ok(())
    }

    /// The type of a value that may be used here.
    fn value(&self, value: Value) -> Result<Ty, VerifyRule> {
        let home = self.homes.get(value.index()).ok_or(VerifyRule::ValueNotMade)?;
        check(self.regions.get(*home).copied().unwrap_or(false), VerifyRule::ValueNotVisible)?;
        self.types.get(value.index()).copied().flatten().ok_or(VerifyRule::NoValue)
    }

    fn expect(&self, value: Value, ty: Ty) -> Result<(), VerifyRule> {
        check(self.value(value)? == ty, VerifyRule::TypeMismatch)
    }

    /// One of the numbers, both the same.
    fn numbers(&self, a: Value, b: Value) -> Result<(), VerifyRule> {
        match self.value(a)? {
            ty @ (Ty::I64 | Ty::I128) => self.expect(b, ty),
            Ty::Bool | Ty::Selection | Ty::Bag | Ty::Sets => Err(VerifyRule::TypeMismatch),
        }
    }

    fn opener(&self, value: Value) -> Option<&Inst> {
        self.function.insts.get(value.index())
    }

    fn line_row(&self, row: Value) -> Result<(), VerifyRule> {
        // A loop's value is visible only inside the loop, so that a row that is one is an enclosing loop's.
        match self.opener(row) {
            Some(Inst::Loop(Rows::Lines | Rows::Selected(_))) => Ok(()),
            Some(_) | None => Err(VerifyRule::LineRow),
        }
    }

    fn payment_row(&self, row: Value) -> Result<(), VerifyRule> {
        match self.opener(row) {
            Some(Inst::Loop(Rows::Payments)) => Ok(()),
            Some(_) | None => Err(VerifyRule::PaymentRow),
        }
    }

    fn table_row(&self, table: TableId, row: Value) -> Result<(), VerifyRule> {
        match self.opener(row) {
            Some(Inst::Loop(Rows::Table(looped))) if *looped == table => Ok(()),
            Some(_) | None => Err(VerifyRule::TableRow),
        }
    }

    fn site(&self, site: SiteId, award: bool) -> Result<(), VerifyRule> {
        let site = self.program.sites.get(site.index()).ok_or(VerifyRule::UnknownId)?;
        let fits = match site.kind {
            SiteKind::Award { .. }
            | SiteKind::Debit { .. }
            | SiteKind::Multiply { .. }
            | SiteKind::Issue { .. }
            | SiteKind::Tell { .. }
            | SiteKind::Set { .. } => award,
            SiteKind::Discount { .. } => !award,
            SiteKind::Gift { gift, .. } => {
                award || self.program.gifts.get(gift as usize).is_some_and(|gift| !gift.added)
            }
            SiteKind::Tender { term } => award == (term != TenderTerm::Lines),
        };
        check(fits, VerifyRule::SiteKindMismatch)?;
        check(self.owner == Some(site.rule), VerifyRule::SiteRule)
    }

    fn variable(&self, variable: VarId) -> Result<Ty, VerifyRule> {
        self.function.variables.get(variable.index()).copied().ok_or(VerifyRule::UnknownId)
    }

    /// Types of operands, ids and constants of one instruction.
    fn types_of(&self, inst: &Inst) -> Result<(), VerifyRule> {
        let layout = &self.program.layout;
        match inst {
            Inst::Int(_)
            | Inst::Wide(_)
            | Inst::Bool(_)
            | Inst::NewSelection
            | Inst::NewBag
            | Inst::NewSets => Ok(()),
            Inst::Block | Inst::End | Inst::Loop(Rows::Lines | Rows::Payments) => Ok(()),
            Inst::Loop(Rows::Table(table)) => known(&layout.tables, table.index()),
            Inst::Loop(Rows::Selected(selection)) => self.expect(*selection, Ty::Selection),
            Inst::Loop(Rows::Times(count)) => self.expect(*count, Ty::I64),
            Inst::Break { condition, .. } => self.expect(*condition, Ty::Bool),

            Inst::LoadEvent(slot) => known(&layout.event, slot.index()),
            Inst::LoadLine(slot, row) => {
                known(&layout.line, slot.index())?;
                self.line_row(*row)
            }
            Inst::LoadPayment(slot, row) => {
                known(&layout.payment, slot.index())?;
                self.payment_row(*row)
            }
            Inst::LoadTable(table, column, row) => {
                let table_of = layout.tables.get(table.index()).ok_or(VerifyRule::UnknownId)?;
                known(&table_of.columns, column.index())?;
                self.table_row(*table, *row)
            }
            Inst::LoadParam(param) => known(&self.program.params, param.index()),

            Inst::Known(a) | Inst::Truth(a) | Inst::Widen(a) | Inst::Calendar(_, a) | Inst::Clock(_, a) => {
                self.expect(*a, Ty::I64)
            }
            Inst::Narrow(a) => self.expect(*a, Ty::I128),
            Inst::Not(a) => self.expect(*a, Ty::Bool),
            Inst::Negate(a) => self.numbers(*a, *a),
            Inst::Add(a, b)
            | Inst::Sub(a, b)
            | Inst::Mul(a, b)
            | Inst::Modulo(a, b)
            | Inst::Compare(_, a, b) => self.numbers(*a, *b),
            Inst::MulWide(a, b) | Inst::AddMonths(a, b) | Inst::InstantOf(a, b) | Inst::SetContains(a, b) => {
                self.expect(*a, Ty::I64)?;
                self.expect(*b, Ty::I64)
            }
            Inst::Divide(a, b, _) | Inst::Floor(a, b) => {
                self.expect(*a, Ty::I128)?;
                self.expect(*b, Ty::I128)
            }
            Inst::And(a, b) | Inst::Or(a, b) => {
                self.expect(*a, Ty::Bool)?;
                self.expect(*b, Ty::Bool)
            }
            Inst::Choose(condition, a, b) => {
                self.expect(*condition, Ty::Bool)?;
                match self.value(*a)? {
                    ty @ (Ty::I64 | Ty::I128 | Ty::Bool) => self.expect(*b, ty),
                    Ty::Selection | Ty::Bag | Ty::Sets => Err(VerifyRule::TypeMismatch),
                }
            }

            Inst::InReference(a, reference) | Inst::SetHas(a, reference) => {
                self.expect(*a, Ty::I64)?;
                known(&self.program.references, reference.index())
            }

            Inst::Get(variable) => self.variable(*variable).map(|_| ()),
            Inst::Set(variable, a) => self.expect(*a, self.variable(*variable)?),

            Inst::Select { selection, row, count } => {
                self.expect(*selection, Ty::Selection)?;
                match self.opener(*selection) {
                    Some(Inst::NewSelection) => {}
                    Some(_) | None => return Err(VerifyRule::SelectTarget),
                }
                self.line_row(*row)?;
                self.expect(*count, Ty::I64)
            }
            Inst::Selected(selection, row) => {
                self.expect(*selection, Ty::Selection)?;
                self.line_row(*row)
            }
            Inst::PickExtreme { selection, count, .. } => {
                self.expect(*selection, Ty::Selection)?;
                self.expect(*count, Ty::I64)
            }
            Inst::PickInEvery { selection, count, every, .. } => {
                self.expect(*selection, Ty::Selection)?;
                self.expect(*count, Ty::I64)?;
                check(*every >= 1, VerifyRule::PickSize)
            }
            Inst::PickEveryNth { selection, nth, key, .. } => {
                self.expect(*selection, Ty::Selection)?;
                check(*nth >= 1, VerifyRule::PickSize)?;
                match layout.line.get(key.index()).ok_or(VerifyRule::UnknownId)?.ty {
                    SlotType::Symbol(_) | SlotType::Set(_) => Err(VerifyRule::PickKey),
                    SlotType::Bool
                    | SlotType::Money { .. }
                    | SlotType::Points(_)
                    | SlotType::Percent
                    | SlotType::Count
                    | SlotType::Number { .. }
                    | SlotType::Date
                    | SlotType::Time
                    | SlotType::Instant
                    | SlotType::Enum(_) => Ok(()),
                }
            }

            Inst::Put(bag, number) => {
                self.expect(*bag, Ty::Bag)?;
                self.expect(*number, Ty::I64)
            }
            Inst::Distinct(bag) => self.expect(*bag, Ty::Bag),

            Inst::SetPart { sets, selection, count } => {
                self.expect(*sets, Ty::Sets)?;
                self.expect(*selection, Ty::Selection)?;
                self.expect(*count, Ty::I64)
            }
            Inst::SetTerm { sets, count, num, den, .. } => {
                self.expect(*sets, Ty::Sets)?;
                self.expect(*count, Ty::I64)?;
                self.expect(*num, Ty::I128)?;
                self.expect(*den, Ty::I128)
            }
            Inst::ChooseSets { sets, most, key, .. } => {
                self.expect(*sets, Ty::Sets)?;
                self.expect(*most, Ty::I64)?;
                known(&layout.line, key.index())?;
                check(self.owner.is_some(), VerifyRule::SetsOwner)
            }
            Inst::SetTimes(sets, list) | Inst::SetUnits { sets, list, .. } => {
                self.expect(*sets, Ty::Sets)?;
                self.expect(*list, Ty::I64)
            }

            Inst::Derive(a) => {
                self.expect(*a, Ty::I64)?;
                check(self.owner.is_none(), VerifyRule::Derives)
            }
            Inst::Award { site, num, den, row } => {
                self.expect(*num, Ty::I128)?;
                self.expect(*den, Ty::I128)?;
                if let Some(row) = row {
                    self.line_row(*row)?;
                }
                self.site(*site, true)
            }
            Inst::Discount { site, selection, num, den } => {
                self.expect(*selection, Ty::Selection)?;
                self.expect(*num, Ty::I128)?;
                self.expect(*den, Ty::I128)?;
                self.site(*site, false)
            }
        }
    }
}

fn check(holds: bool, rule: VerifyRule) -> Result<(), VerifyRule> {
    if holds { Ok(()) } else { Err(rule) }
}

fn known<T>(list: &[T], index: usize) -> Result<(), VerifyRule> {
    check(index < list.len(), VerifyRule::UnknownId)
}
