//! How records are read for one program and one catalogue: which field fills which slot, and what absence means.
//!
//! Refuses to know how the text is taken apart.

use super::ReadEvent;
use super::value::{Form, Values};
use crate::catalogue::bind::Tables;
use crate::catalogue::{Catalogue, CatalogueError, Dictionary, UnknownName};
use crate::clock::Zone;
use crate::returns::remembered::Naming;
use perq_compiler::evaluate::{Bindings, Record};
use perq_compiler::ir::{
    self, Arbitration, Column, CounterKey, EVENT_BUILTINS, EventKind, Hashed, KindId, LINE_BUILTINS,
    NameFrom, PAYMENT_BUILTINS, Program, RecordKind, Rounding, RowSource, RowTable, Seed, SiteKind, Slot,
    SlotId, SlotType, line_slot, payment_slot,
};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What happens to a field that the program does not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownFields {
    /// It is passed over.
    #[default]
    Ignore,
    /// The record is refused.
    Refuse,
}

/// Limits of records. What goes beyond one is refused with its own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLimits {
    /// Bytes of a record (at most 1 GiB). 1 MiB unless said otherwise.
    pub record: usize,
    /// Bytes of a text. 64 KiB unless said otherwise.
    pub text: usize,
    /// Entries of a list: lines, payments, a set. 10 000 unless said otherwise.
    pub list: usize,
}

/// Bytes of a record, unless the host says otherwise.
const MAX_RECORD: usize = 1 << 20;
/// Bytes of a record that a host may allow.
pub(crate) const MAX_RECORD_SET: usize = 1 << 30;
/// Bytes of a text in a record, unless the host says otherwise.
const MAX_TEXT: usize = 1 << 16;
/// Entries of a list in a record, unless the host says otherwise.
const MAX_LIST: usize = 10_000;

impl Default for RecordLimits {
    fn default() -> RecordLimits {
        RecordLimits { record: MAX_RECORD, text: MAX_TEXT, list: MAX_LIST }
    }
}

/// How records are read, where a host may choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Fields that the program does not read.
    pub unknown_fields: UnknownFields,
    /// Limits.
    pub limits: RecordLimits,
}

/// A field that the reader itself knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// None: only slots.
    None,
    Id,
    EventKind,
    /// The event whose goods come back.
    Of,
    Member,
    MemberId,
    At,
    Currency,
    Lines,
    Payments,
    Sku,
    Pieces,
    /// The position of a line of the event whose goods come back.
    OfLine,
    Price,
    Amount,
    Weight,
}

/// An object's fields by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    fields: FxHashMap<Box<str>, u32>,
}

/// A field of an object.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub builtin: Builtin,
    /// Which slots its value fills.
    pub slots: Vec<(u32, Form)>,
    /// The object within it.
    pub child: Option<u32>,
    /// It is a list of objects, the rows of this of [`Schema::lists`].
    pub list: Option<u32>,
    /// How an ordinary value goes in.
    pub usual: Usual,
}

/// How the ordinary value of a field goes in at once: a number of few digits, a text without escapes. What is out of the
/// ordinary, and what is refused, goes by the field's other parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Usual {
    /// By the other parts always.
    #[default]
    None,
    Decimal(Count),
    Symbol {
        slot: u32,
        kind: usize,
    },
    /// Neither decimal nor symbol.
    Text {
        slot: u32,
        form: Form,
    },
    Sku {
        /// The slot of the kind `sku`.
        slot: Option<u32>,
    },
    /// A text of the event itself.
    Own(Own),
}

/// A text of the event itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Id,
    Kind,
    At,
    MemberId,
}

/// Where a decimal goes, which counts units of so many decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Slot { slot: u32, scale: u8 },
    Pieces,
    Price,
    Amount { scale: u8 },
}

impl Count {
    pub fn scale(self) -> u8 {
        match self {
            Count::Slot { scale, .. } | Count::Amount { scale } => scale,
            Count::Pieces => 0,
            Count::Price => ir::PRICE_SCALE as u8,
        }
    }
}

impl Usual {
    fn of(field: &Field, tables: &Tables, decimals: u8) -> Usual {
        if field.child.is_some() || field.list.is_some() {
            return Usual::None;
        }
        match (field.builtin, field.slots.as_slice()) {
            (Builtin::None, &[(slot, form)]) => match form {
                Form::Decimal(scale, _) => Usual::Decimal(Count::Slot { slot, scale }),
                Form::Symbol(kind) => Usual::Symbol { slot, kind },
                Form::Date | Form::Time | Form::Instant | Form::Enum(_) => Usual::Text { slot, form },
                Form::Bool | Form::Set(_) => Usual::None,
            },
            (Builtin::Sku, []) => Usual::Sku { slot: None },
            (Builtin::Sku, &[(slot, Form::Symbol(kind))]) if tables.sku_kind == Some(kind) => {
                Usual::Sku { slot: Some(slot) }
            }
            (Builtin::Id, []) => Usual::Own(Own::Id),
            (Builtin::EventKind, []) => Usual::Own(Own::Kind),
            (Builtin::At, []) => Usual::Own(Own::At),
            (Builtin::MemberId, []) => Usual::Own(Own::MemberId),
            (Builtin::Pieces, []) => Usual::Decimal(Count::Pieces),
            (Builtin::Price, []) => Usual::Decimal(Count::Price),
            (Builtin::Amount, []) => Usual::Decimal(Count::Amount { scale: decimals }),
            _ => Usual::None,
        }
    }
}

/// A list of objects whose rows fill a table.
#[derive(Clone, Debug)]
pub(crate) struct List {
    /// Of the program's tables.
    pub table: usize,
    pub width: usize,
    /// The kind of its objects.
    pub node: u32,
    pub rest: Vec<Rest>,
}

/// What becomes of a slot that the record does not fill.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    pub slot: usize,
    /// Column of the product's (or member's) fields that stands in.
    pub column: Option<usize>,
    pub default: Option<i64>,
    pub optional: bool,
    pub record: RecordKind,
    pub is_set: bool,
    /// Absence leaves it as it is.
    is_idle: bool,
    /// For messages.
    pub path: Box<str>,
}

/// How records are read.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Tells this schema (and its clones, which read alike) from others: held by readers, its address is not used
    /// again while one of them remembers something of this schema.
    identity: Arc<()>,
    pub(crate) values: Values,
    pub(crate) tables: Tables,
    pub(crate) naming: Arc<Naming>,
    pub(crate) options: ReadOptions,
    nodes: Vec<Node>,
    pub(crate) fields: Vec<Field>,
    pub(crate) event_kinds: FxHashMap<Box<str>, u32>,
    pub(crate) currency: String,
    /// 10^(PRICE_SCALE - decimals): a price in 10^-4 divided by it is in minor units.
    pub(crate) price_per_minor: i64,
    pub(crate) currency_decimals: u8,
    pub(crate) rounding: Rounding,
    pub(crate) event_width: usize,
    pub(crate) line_width: usize,
    pub(crate) payment_width: usize,
    pub(crate) event_rest: Vec<Rest>,
    /// By kind of event: slots that its records must fill, with their names for messages.
    pub(crate) event_needs: Vec<Vec<(usize, Box<str>)>>,
    /// By kind of event: slots that are fields of other kinds.
    pub(crate) event_lacks: Vec<Vec<usize>>,
    pub(crate) clocks: Vec<Clock>,
    /// Event slots that are drawn: for which arbitration, and from what.
    draws: Vec<(usize, Box<str>, Vec<Seed>)>,
    /// Names that are thrown together, with their kinds.
    pub(super) hashed: Vec<(Hashed, usize)>,
    /// Slots of the event that are fields of some kinds only, with their names for messages.
    pub(crate) event_partial: FxHashMap<u32, Box<str>>,
    pub(crate) line_rest: Vec<Rest>,
    /// Slots of a line, other than sets, that columns of products stand in for.
    pub(crate) line_columns: Vec<(usize, usize)>,
    pub(crate) payment_rest: Vec<Rest>,
    pub(crate) lists: Vec<List>,
    /// By kind of event: whether goods come back with it.
    pub(crate) returns: Vec<bool>,
    /// Event slots that name other members whom the program gives to or counts for, with their kinds.
    pub(crate) others: Vec<(SlotId, KindId)>,
}

/// Positions in [`Schema::nodes`].
pub(crate) const EVENT: u32 = 0;
pub(crate) const MEMBER: u32 = 1;
pub(crate) const LINE: u32 = 2;
pub(crate) const PAYMENT: u32 = 3;

/// The event slots whose names outlive the record, each once: those of other members, and those that fields are set to.
fn others(program: &Program) -> Vec<(SlotId, KindId)> {
    let beneficiaries = program.sites.iter().filter_map(|site| site.to);
    let counted = program.counters.iter().filter_map(|counter| match counter.per {
        CounterKey::Inviter(slot) => Some(slot),
        CounterKey::Campaign | CounterKey::Member => None,
    });
    let set = program.sites.iter().filter_map(|site| match site.kind {
        SiteKind::Set { name: Some(NameFrom::Slot(slot)), .. } => Some(slot),
        SiteKind::Set { name: Some(NameFrom::Reference(_)) | None, .. }
        | SiteKind::Award { .. }
        | SiteKind::Multiply { .. }
        | SiteKind::Discount { .. }
        | SiteKind::Debit { .. }
        | SiteKind::Tender { .. }
        | SiteKind::Gift { .. }
        | SiteKind::Tell { .. }
        | SiteKind::Issue { .. } => None,
    });
    let mut slots: Vec<SlotId> = beneficiaries.chain(counted).chain(set).collect();
    slots.sort_unstable();
    slots.dedup();
    let kind = |slot: SlotId| Some((slot, program.layout.event.get(slot.index())?.ty.symbol()?));
    slots.into_iter().filter_map(kind).collect()
}

impl Schema {
    /// Fills what other clocks than the program's show at an instant.
    pub(crate) fn tell_time(&self, record: &mut Record, instant: Option<i64>) {
        for clock in &self.clocks {
            let zone = match &clock.zone {
                ClockZone::Fixed(zone) => Some(zone),
                ClockZone::Store(slot, zones) => record.event.get(*slot).and_then(|store| zones.get(store)),
            };
            let Some(there) = zone.zip(instant).map(|(zone, instant)| zone.moment_at(instant)) else {
                continue;
            };
            let values = [there.date, there.time, there.weekday, there.month_day];
            for (slot, value) in clock.slots.iter().zip(values) {
                if let Some(place) = record.event.get_mut(*slot) {
                    *place = value;
                }
            }
        }
    }

    /// Draws what arbitrations draw: a number that only the names of the arbitration and its seeds decide.
    pub(crate) fn draw(&self, event: &mut ReadEvent) {
        for (slot, arbitration, seeds) in &self.draws {
            let mut hasher = blake3::Hasher::new();
            let mut put = |text: &str| {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            };
            put(arbitration);
            for seed in seeds {
                put(seed.word());
                put(match seed {
                    Seed::Member => event.member().unwrap_or_default(),
                    Seed::Event => event.id(),
                });
            }
            let mut bytes = [0; 8];
            hasher.finalize_xof().fill(&mut bytes);
            if let Some(place) = event.record.event.get_mut(*slot) {
                *place = (u64::from_le_bytes(bytes) >> 1) as i64;
            }
        }
    }

    /// Binds a program to a catalogue.
    ///
    /// # Errors
    /// Where a table has a cell that the program cannot read, a tree has a ring, or the program's zone is not in the
    /// bundled database.
    pub fn new(
        program: &Program,
        catalogue: &Catalogue,
        options: ReadOptions,
    ) -> Result<Schema, CatalogueError> {
        let values =
            Values::of(program).ok_or_else(|| CatalogueError::UnknownZone { zone: program.zone.clone() })?;
        let decimals = program.currency.decimals;
        let price_per_minor = perq_compiler::ir::PRICE_SCALE
            .checked_sub(u32::from(decimals))
            .and_then(crate::decimal::power_of_ten)
            .ok_or_else(|| CatalogueError::UnsupportedCurrency { currency: program.currency.code.clone() })?;
        let tables = Tables::bind(program, &values, catalogue)?;
        let layout = &program.layout;
        let mut schema = Schema {
            identity: Arc::new(()),
            nodes: vec![Node::default(); 4],
            fields: Vec::new(),
            event_kinds: program
                .events
                .iter()
                .zip(0u32..)
                .flat_map(|(event, number)| {
                    event
                        .spellings
                        .iter()
                        .chain([&event.name])
                        .map(move |word| (word.as_str().into(), number))
                })
                .collect(),
            currency: program.currency.code.clone(),
            price_per_minor,
            currency_decimals: decimals,
            rounding: program.rounding,
            event_width: layout.event.len(),
            line_width: layout.line.len(),
            payment_width: layout.payment.len(),
            event_rest: rest(&layout.event, EVENT_BUILTINS.len(), &tables.member_slots),
            event_needs: program.events.iter().map(|event| needs(&layout.event, event)).collect(),
            event_lacks: program
                .events
                .iter()
                .map(|event| event.lacks.iter().map(|slot| slot.index()).collect())
                .collect(),
            clocks: clocks(program, &tables, catalogue)?,
            draws: draws(program),
            hashed: hashed(program),
            event_partial: program
                .events
                .iter()
                .flat_map(|event| &event.lacks)
                .filter_map(|slot| Some((slot.0, layout.event.get(slot.index())?.key.join(".").into())))
                .collect(),
            line_rest: rest(&layout.line, LINE_BUILTINS.len(), &tables.product_slots),
            line_columns: Vec::new(),
            payment_rest: rest(&layout.payment, PAYMENT_BUILTINS.len(), &[]),
            lists: Vec::new(),
            others: others(program),
            returns: (0u32..)
                .map(perq_compiler::ir::EventId)
                .take(program.events.len())
                .map(|kind| program.is_return(kind))
                .collect(),
            naming: Arc::new(Naming::of(program, Arc::clone(&tables.dictionaries))),
            values,
            tables,
            options,
        };
        let of_products = schema.line_rest.iter().filter(|rest| !rest.is_set);
        schema.line_columns = of_products.filter_map(|rest| Some((rest.slot, rest.column?))).collect();
        schema.declare_builtins();
        schema.declare_slots(&layout.event, EVENT_BUILTINS.len(), EVENT);
        schema.declare_slots(&layout.line, LINE_BUILTINS.len(), LINE);
        schema.declare_slots(&layout.payment, PAYMENT_BUILTINS.len(), PAYMENT);
        for (at, table) in layout.tables.iter().enumerate() {
            schema.declare_list(at, table);
        }
        for field in &mut schema.fields {
            field.usual = Usual::of(field, &schema.tables, decimals);
        }
        Ok(schema)
    }

    fn declare_builtins(&mut self) {
        for (key, builtin) in [
            ("id", Builtin::Id),
            ("kind", Builtin::EventKind),
            ("of", Builtin::Of),
            ("at", Builtin::At),
            ("currency", Builtin::Currency),
            ("lines", Builtin::Lines),
            ("payments", Builtin::Payments),
        ] {
            let field = self.field(EVENT, key);
            self.fields[field].builtin = builtin;
        }
        let member = self.field(EVENT, "member");
        self.fields[member].builtin = Builtin::Member;
        self.fields[member].child = Some(MEMBER);
        let id = self.field(MEMBER, "id");
        self.fields[id].builtin = Builtin::MemberId;
        for (key, builtin) in [
            ("sku", Builtin::Sku),
            ("qty", Builtin::Pieces),
            ("of_line", Builtin::OfLine),
            ("price", Builtin::Price),
            ("amount", Builtin::Amount),
            ("weight", Builtin::Weight),
        ] {
            let field = self.field(LINE, key);
            self.fields[field].builtin = builtin;
        }
        // Two spellings of one field: giving both is giving it twice.
        let pieces = self.field(LINE, "qty") as u32;
        self.nodes[LINE as usize].fields.insert("pieces".into(), pieces);
        let tax = self.field(LINE, "tax_rate");
        let form = self.values.form(SlotType::Percent);
        self.fields[tax].slots.push((line_slot::TAX_RATE.0, form));
        let amount = self.field(PAYMENT, "amount");
        let form = self.values.form(SlotType::Money { scale: self.currency_decimals });
        self.fields[amount].slots.push((payment_slot::AMOUNT.0, form));
    }

    fn declare_slots(&mut self, slots: &[Slot], builtins: usize, own: u32) {
        for (at, slot) in slots.iter().enumerate().skip(builtins) {
            let mut node = match slot.record {
                RecordKind::Event | RecordKind::Line | RecordKind::Payment => own,
                RecordKind::Member => MEMBER,
                RecordKind::Product => {
                    let product = self.field(own, "product");
                    self.child(product)
                }
                RecordKind::Derived => continue,
            };
            let Some((last, outer)) = slot.key.split_last() else { continue };
            for key in outer {
                let field = self.field(node, key);
                node = self.child(field);
            }
            let field = self.field(node, last);
            let form = self.values.form(slot.ty);
            self.fields[field].slots.push((at as u32, form));
        }
    }

    fn declare_list(&mut self, at: usize, table: &RowTable) {
        let RowSource::List { record, key } = &table.source else { return };
        let Some((last, outer)) = key.split_last() else { return };
        let mut node = if *record == RecordKind::Member { MEMBER } else { EVENT };
        for key in outer {
            let field = self.field(node, key);
            node = self.child(field);
        }
        let field = self.field(node, last);
        let own = self.nodes.len() as u32;
        self.nodes.push(Node::default());
        self.fields[field].list = Some(self.lists.len() as u32);
        let columns: Vec<Slot> = table.columns.iter().filter_map(of_list).cloned().collect();
        for (slot, column) in columns.iter().enumerate() {
            let Some((last, outer)) = column.key.split_last() else { continue };
            let mut node = own;
            for key in outer {
                let field = self.field(node, key);
                node = self.child(field);
            }
            let field = self.field(node, last);
            let form = self.values.form(column.ty);
            self.fields[field].slots.push((slot as u32, form));
        }
        let mut rest = rest(&columns, 0, &[]);
        for rest in &mut rest {
            if let Some(column) = columns.get(rest.slot) {
                rest.path = column.key.join(".").into();
            }
        }
        self.lists.push(List { table: at, width: table.columns.len().max(1), node: own, rest });
    }

    fn field(&mut self, node: u32, key: &str) -> usize {
        let fields = &mut self.nodes[node as usize].fields;
        if let Some(&field) = fields.get(key) {
            return field as usize;
        }
        fields.insert(key.into(), self.fields.len() as u32);
        self.fields.push(Field {
            builtin: Builtin::None,
            slots: Vec::new(),
            child: None,
            list: None,
            usual: Usual::None,
        });
        self.fields.len() - 1
    }

    fn child(&mut self, field: usize) -> u32 {
        if let Some(child) = self.fields[field].child {
            return child;
        }
        let child = self.nodes.len() as u32;
        self.nodes.push(Node::default());
        self.fields[field].child = Some(child);
        child
    }

    /// The same for clones of one schema only.
    pub(crate) fn identity(&self) -> &Arc<()> {
        &self.identity
    }

    /// Whether an object may hold nothing but what the program reads, however other unknown fields are treated: a request
    /// to pay that nobody meets must not be passed over.
    pub(crate) fn is_closed(&self, node: u32) -> bool {
        let redeem = self.lookup(EVENT, "redeem").and_then(|field| self.fields.get(field as usize));
        redeem.is_some_and(|field| field.child == Some(node))
    }

    /// How many kinds of objects there are.
    pub(crate) fn node_count(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// A field of an object by its key.
    pub(crate) fn lookup(&self, node: u32, key: &str) -> Option<u32> {
        self.nodes.get(node as usize)?.fields.get(key).copied()
    }

    /// Whether a field names the event whose goods come back, which may be anybody's.
    pub(crate) fn names_purchase(&self, field: usize) -> bool {
        self.fields.get(field).is_some_and(|field| field.builtin == Builtin::Of)
    }

    /// The keys of an object, sorted.
    pub(crate) fn keys(&self, node: u32) -> Vec<&str> {
        let mut keys: Vec<&str> = self
            .nodes
            .get(node as usize)
            .map_or_else(Vec::new, |n| n.fields.keys().map(AsRef::as_ref).collect());
        keys.sort_unstable();
        keys
    }

    /// The numbers of a kind's names.
    pub(crate) fn dictionary(&self, kind: KindId) -> Option<&Dictionary> {
        self.tables.dictionaries.get(kind.index())
    }

    /// The symbols that each reference of the program matches in this catalogue.
    pub fn bindings(&self) -> &Bindings {
        &self.tables.bindings
    }

    /// Names in the pack that the catalogue does not know, although it knows others of their kind.
    pub fn unknown_names(&self) -> &[UnknownName] {
        &self.tables.unknown
    }

    /// How records are read.
    pub fn options(&self) -> &ReadOptions {
        &self.options
    }
}

/// The field that a column of a list is.
fn of_list(column: &Column) -> Option<&Slot> {
    match column {
        Column::Field(slot) => Some(slot),
        Column::Event(_)
        | Column::Line(_)
        | Column::LocalAt
        | Column::PaidNet
        | Column::Returned
        | Column::PiecesKept => None,
    }
}

/// A clock in another zone than the program's.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub zone: ClockZone,
    /// For the day, the second of it, the weekday and the day of the month.
    pub slots: [usize; 4],
}

/// Where a clock hangs.
#[derive(Clone, Debug)]
pub(crate) enum ClockZone {
    Fixed(Zone),
    /// Of the store in this slot, by its number.
    Store(usize, FxHashMap<i64, Zone>),
}

fn hashed(program: &Program) -> Vec<(Hashed, usize)> {
    let with_kind = |hashed: &Hashed| {
        let kind = program.layout.event.get(hashed.of.index())?.ty.symbol()?;
        Some((*hashed, kind.index()))
    };
    program.offers.hashed.iter().filter_map(with_kind).collect()
}

fn draws(program: &Program) -> Vec<(usize, Box<str>, Vec<Seed>)> {
    let drawn = |arbitration: &Arbitration| {
        let explore = arbitration.explore.as_ref()?;
        Some((explore.drawn.index(), arbitration.name.as_str().into(), explore.seeds.clone()))
    };
    program.offers.arbitrations.iter().filter_map(drawn).collect()
}

fn clocks(program: &Program, tables: &Tables, catalogue: &Catalogue) -> Result<Vec<Clock>, CatalogueError> {
    let mut clocks = Vec::with_capacity(program.clocks.len());
    for clock in &program.clocks {
        let zone = match &clock.zone {
            ir::ClockZone::Named(name) => {
                let zone = Zone::named(name);
                ClockZone::Fixed(zone.ok_or_else(|| CatalogueError::UnknownZone { zone: name.clone() })?)
            }
            ir::ClockZone::Store(slot) => {
                let kind = program.layout.event.get(slot.index()).and_then(|slot| slot.ty.symbol());
                let stores = kind.and_then(|kind| tables.dictionaries.get(kind.index()));
                let mut zones = FxHashMap::default();
                for (store, name) in &catalogue.zones {
                    let zone = Zone::named(name).ok_or_else(|| CatalogueError::BadCell {
                        table: "store".to_owned(),
                        key: store.to_string(),
                        column: "zone".to_owned(),
                        message: "this is no time zone of the bundled database".to_owned(),
                        value: name.to_string(),
                    })?;
                    if let Some(number) = stores.and_then(|stores| stores.number(store)) {
                        zones.insert(i64::from(number), zone);
                    }
                }
                ClockZone::Store(slot.index(), zones)
            }
        };
        let slots = [clock.date, clock.time, clock.weekday, clock.month_day].map(SlotId::index);
        clocks.push(Clock { zone, slots });
    }
    Ok(clocks)
}

/// What the records of a kind of event must fill.
fn needs(slots: &[Slot], event: &EventKind) -> Vec<(usize, Box<str>)> {
    let slot = |at: usize| Some((at, slots.get(at)?.key.join(".").into()));
    event.needs.iter().filter_map(|id| slot(id.index())).collect()
}

/// The slots that no builtin fills.
fn rest(slots: &[Slot], builtins: usize, columns: &[usize]) -> Vec<Rest> {
    slots
        .iter()
        .enumerate()
        .skip(builtins)
        .filter(|(_, slot)| slot.record != RecordKind::Derived)
        .map(|(at, slot)| {
            let inner = slot.key.join(".");
            Rest {
                slot: at,
                column: columns.iter().position(|&column| column == at),
                default: slot.default,
                optional: slot.optional,
                record: slot.record,
                is_set: slot.ty.set().is_some(),
                is_idle: slot.optional && slot.default.is_none() && !columns.contains(&at),
                path: match slot.record {
                    RecordKind::Member => format!("member.{inner}"),
                    RecordKind::Product => format!("product.{inner}"),
                    RecordKind::Event | RecordKind::Line | RecordKind::Payment | RecordKind::Derived => inner,
                }
                .into(),
            }
        })
        .filter(|rest| !rest.is_idle)
        .collect()
}
