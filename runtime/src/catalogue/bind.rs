//! What one program sees of a catalogue: numbers for names, the names that each reference matches, and the fields of
//! products and members as slots.
//!
//! Refuses to know records.

use super::{Catalogue, CatalogueError, Dictionary, Table};
use crate::nearest::nearest;
use crate::record::error::{RecordErrorKind, clip};
use crate::record::value::{Form, Scalar, ValueError, Values};
use perq_compiler::evaluate::{Bindings, Bits};
use perq_compiler::ir::{MISSING, Program, RecordKind, Slot};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The names of a kind, in the order of their bytes.
fn sorted(mut names: Vec<&str>) -> Dictionary {
    names.sort_unstable();
    names.dedup();
    Dictionary::new(names.iter().copied())
}

/// Of names that were met in some order, each once; and the number of each, in that order.
fn ranked(met: &Met<'_>) -> (Dictionary, Vec<u32>) {
    let mut order: Vec<(&str, usize)> = met.names.iter().copied().zip(0..).collect();
    order.sort_unstable();
    let mut ranks = vec![0; order.len()];
    for ((_, place), number) in order.iter().zip(0u32..) {
        if let Some(rank) = ranks.get_mut(*place) {
            *rank = number;
        }
    }
    (Dictionary::new(order.iter().map(|(name, _)| *name)), ranks)
}

/// A name in the pack that the catalogue does not know: it matches only where a record spells it the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownName {
    /// The kind's word.
    pub kind: String,
    /// The name.
    pub name: String,
    /// A known name that is near.
    pub near: Option<String>,
}

impl UnknownName {
    /// Its lasting name: `unknown-name`.
    pub fn name(&self) -> &'static str {
        "unknown-name"
    }
}

impl std::fmt::Display for UnknownName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the catalogue has no {} `{}`", self.kind, self.name.escape_debug())?;
        match &self.near {
            Some(near) => write!(f, "; `{}` is near", near.escape_debug()),
            None => Ok(()),
        }
    }
}

/// The tables of a program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    /// By kind.
    pub dictionaries: Arc<[Dictionary]>,
    pub bindings: Bindings,
    /// Sorted.
    pub unknown: Vec<UnknownName>,
    /// The kind `sku`, where the program has it.
    pub sku_kind: Option<usize>,
    /// Products by sku, where the program has no kind `sku`.
    skus: Dictionary,
    /// By the sku's number: the product's row and one, or zero.
    product_rows: Vec<u32>,
    /// Line slots that products fill.
    pub product_slots: Vec<usize>,
    product_values: Vec<i64>,
    members: FxHashMap<Box<str>, u32>,
    /// Event slots that members fill.
    pub member_slots: Vec<usize>,
    member_values: Vec<i64>,
    /// What set slots of products and members point into.
    pub symbols: Vec<u32>,
}

impl Tables {
    /// The number of a sku that the catalogue knows.
    pub fn sku(&self, name: &str) -> Option<u32> {
        self.sku_dictionary().number(name)
    }

    fn sku_dictionary(&self) -> &Dictionary {
        self.sku_kind.and_then(|kind| self.dictionaries.get(kind)).unwrap_or(&self.skus)
    }

    /// The fields of a product, in the order of [`Self::product_slots`].
    pub fn product(&self, sku: u32) -> Option<&[i64]> {
        let row = self.product_rows.get(sku as usize)?.checked_sub(1)? as usize;
        let width = self.product_slots.len();
        self.product_values.get(row * width..(row + 1) * width)
    }

    /// The fields of a member, in the order of [`Self::member_slots`].
    pub fn member(&self, id: &str) -> Option<&[i64]> {
        if self.member_slots.is_empty() {
            return None;
        }
        let row = *self.members.get(id)? as usize;
        let width = self.member_slots.len();
        self.member_values.get(row * width..(row + 1) * width)
    }

    /// Binds a catalogue to a program.
    pub fn bind(program: &Program, values: &Values, catalogue: &Catalogue) -> Result<Tables, CatalogueError> {
        let sources = Sources::of(program, values, catalogue);
        let mut met = sources.known();
        let sku_kind = sources.kind("sku");
        let of_references = sources.add_others(&mut met);
        let (dictionaries, ranks): (Vec<Dictionary>, Vec<Vec<u32>>) = met.iter().map(ranked).unzip();
        let trees = sources.trees(&dictionaries)?;
        let contents = sources.contents();
        let mut tables = Tables { dictionaries: dictionaries.into(), sku_kind, ..Tables::default() };
        tables.bindings.zone = Arc::new(values.zone.clone());
        let references = References { met: &met, places: &of_references, ranks: &ranks };
        tables.bind_references(&sources, &references, &trees, &contents);
        tables.fill_products(&sources)?;
        tables.fill_members(&sources)?;
        Ok(tables)
    }

    fn bind_references(
        &mut self,
        sources: &Sources<'_>,
        references: &References<'_>,
        trees: &[Vec<Vec<u32>>],
        contents: &Contents<'_>,
    ) {
        let kinds = &sources.program.kinds;
        let mut unknown: BTreeMap<(usize, &str), UnknownName> = BTreeMap::new();
        let mut todo = Vec::new();
        for (reference, places) in sources.program.references.iter().zip(references.places) {
            let kind = reference.kind.index();
            let of = kinds.get(kind).and_then(|kind| kind.of).map(|of| of.index());
            let met = references.met.get(kind);
            let open = of.is_none() && met.is_none_or(|met| met.known == 0);
            for (name, place) in reference.names.iter().zip(places) {
                let there = met.is_some_and(|met| *place < met.known);
                if there || open || unknown.contains_key(&(kind, name)) {
                    continue;
                }
                // Near names of the first hundred are enough for people and bound the time.
                let near = if unknown.len() < 100 {
                    self.dictionaries.get(kind).and_then(|dictionary| {
                        let others = dictionary.names();
                        nearest(name, others.filter(|other| met.is_some_and(|met| met.knows(other))))
                    })
                } else {
                    None
                };
                unknown.insert(
                    (kind, name),
                    UnknownName {
                        kind: kinds.get(kind).map_or_else(String::new, |kind| kind.name.clone()),
                        name: name.clone(),
                        near: near.map(str::to_owned),
                    },
                );
            }
            match of {
                None => {
                    let ranks = references.ranks.get(kind).map_or(&[][..], Vec::as_slice);
                    todo.extend(places.iter().filter_map(|place| ranks.get(*place as usize)));
                }
                Some(of) => {
                    let names = reference.names.iter();
                    let entries = names.filter_map(|name| contents.get(&(kind, name.as_str()))).flatten();
                    if let Some(dictionary) = self.dictionaries.get(of) {
                        todo.extend(entries.filter_map(|entry| dictionary.number(entry)));
                    }
                }
            }
            let children = trees.get(of.unwrap_or(kind)).map_or(&[][..], Vec::as_slice);
            self.bindings.references.push(with_all_below(&mut todo, children));
        }
        self.unknown = unknown.into_values().collect();
    }

    fn fill_products(&mut self, sources: &Sources<'_>) -> Result<(), CatalogueError> {
        let table = &sources.catalogue.products;
        if self.sku_kind.is_none() {
            self.skus = sorted(table.keys.iter().map(AsRef::as_ref).collect());
        }
        let slots = &sources.program.layout.line;
        self.product_slots =
            slots.iter().enumerate().filter(|(_, slot)| is_of_product(slot)).map(|(at, _)| at).collect();
        let mut product_rows = vec![0; self.sku_dictionary().len()];
        for (row, key) in table.keys.iter().enumerate() {
            if let Some(number) = self.sku(key) {
                product_rows[number as usize] = row as u32 + 1;
            }
        }
        self.product_rows = product_rows;
        let columns = self.product_slots.iter().filter_map(|&at| slots.get(at)).map(|slot| Filled {
            slot,
            form: sources.values.form(slot.ty),
            column: table.column(&slot.key.join(".")),
            is_key: slot.key == ["sku"],
        });
        let columns: Vec<_> = columns.collect();
        self.misspelt("product", table, &columns);
        self.product_values = self.fill("products", table, &columns, sources.values, |_, _| &[])?;
        Ok(())
    }

    fn fill_members(&mut self, sources: &Sources<'_>) -> Result<(), CatalogueError> {
        let slots = &sources.program.layout.event;
        self.member_slots = slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.record == RecordKind::Member)
            .map(|(at, _)| at)
            .collect();
        if self.member_slots.is_empty() {
            return Ok(());
        }
        let mut memberships: FxHashMap<&str, FxHashMap<&str, Vec<&str>>> = FxHashMap::default();
        for (member, field, name) in &sources.catalogue.memberships {
            memberships.entry(member).or_default().entry(field).or_default().push(name);
        }
        // Members that only a membership names have a row as well.
        let mut only_members;
        let mut table = &sources.catalogue.members;
        if memberships.keys().any(|member| table.row(member).is_none()) {
            only_members = table.clone();
            for (member, _, _) in &sources.catalogue.memberships {
                only_members.add_key(member);
            }
            table = &only_members;
        }
        let columns: Vec<_> = self
            .member_slots
            .iter()
            .filter_map(|&at| slots.get(at))
            .map(|slot| Filled {
                slot,
                form: sources.values.form(slot.ty),
                column: table.column(&slot.key.join(".")),
                is_key: false,
            })
            .collect();
        self.misspelt("member", table, &columns);
        self.member_values = self.fill("members", table, &columns, sources.values, |key, slot| {
            let [field] = slot.key.as_slice() else { return &[] };
            memberships.get(key).and_then(|fields| fields.get(field.as_str())).map_or(&[][..], Vec::as_slice)
        })?;
        self.members = table.keys.iter().zip(0u32..).map(|(key, row)| (key.clone(), row)).collect();
        Ok(())
    }

    /// Columns that the program reads, that are not there, and that one which nobody reads may mean. (A table need not have
    /// what a record may say.)
    fn misspelt(&mut self, record: &str, table: &Table, columns: &[Filled<'_>]) {
        let read: Vec<String> = columns.iter().map(|column| column.slot.key.join(".")).collect();
        for (column, name) in columns.iter().zip(&read) {
            if column.column.is_none()
                && !column.is_key
                && let Some(near) = table.near_column(name, &read)
            {
                let kind = format!("column of {record}s");
                self.unknown.push(UnknownName { kind, name: name.clone(), near: Some(near.to_owned()) });
            }
        }
        self.unknown.sort();
    }

    /// The slots of every row of a table.
    fn fill<'n>(
        &mut self,
        name: &str,
        table: &Table,
        columns: &[Filled<'_>],
        values: &Values,
        more: impl Fn(&str, &Slot) -> &'n [&'n str],
    ) -> Result<Vec<i64>, CatalogueError> {
        let mut slots = Vec::with_capacity(table.rows().saturating_mul(columns.len()));
        for (row, key) in table.keys.iter().enumerate() {
            for column in columns {
                let cell = if column.is_key {
                    Some(key.as_ref())
                } else {
                    column.column.and_then(|column| table.cell(row, column))
                };
                let value = match column.form {
                    Form::Set(kind) => Ok(self.set(kind, cell, more(key, column.slot))),
                    Form::Symbol(kind) => Ok(cell
                        .and_then(|cell| self.dictionaries.get(kind)?.number(cell))
                        .map_or(MISSING, i64::from)),
                    Form::Bool
                    | Form::Decimal(..)
                    | Form::Date
                    | Form::Time
                    | Form::Instant
                    | Form::Enum(_) => match cell {
                        Some(cell) => values.number(column.form, Scalar::Cell(cell)).and_then(not_missing),
                        None => Ok(MISSING),
                    },
                };
                match value {
                    Ok(value) => slots.push(value),
                    Err(error) => {
                        return Err(CatalogueError::BadCell {
                            table: name.into(),
                            key: clip(key, 64),
                            column: column.slot.key.join("."),
                            message: error.message,
                            value: clip(cell.unwrap_or_default(), 64),
                        });
                    }
                }
            }
        }
        Ok(slots)
    }

    /// A set of the names in a cell, divided by `|`, and of more names.
    fn set(&mut self, kind: usize, cell: Option<&str>, more: &[&str]) -> i64 {
        if cell.is_none() && more.is_empty() {
            return MISSING;
        }
        let start = self.symbols.len();
        if let Some(dictionary) = self.dictionaries.get(kind) {
            let names = cell.into_iter().flat_map(|cell| cell.split('|')).filter(|name| !name.is_empty());
            let mut numbers: Vec<u32> =
                names.chain(more.iter().copied()).filter_map(|name| dictionary.number(name)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            self.symbols.extend(numbers);
        }
        set_slot(start, self.symbols.len())
    }
}

/// A set slot for a part of the symbols.
pub(crate) fn set_slot(start: usize, end: usize) -> i64 {
    // Positions are below 2^31: records and tables are far shorter.
    ((start as u64) << 32 | (end - start) as u64) as i64
}

/// A set slot whose symbols lie so much further on.
pub(crate) fn shifted(slot: i64, by: usize) -> i64 {
    let range = set_range(slot);
    set_slot(range.start.saturating_add(by), range.end.saturating_add(by))
}

/// The part of the symbols that a set slot names.
pub(crate) fn set_range(slot: i64) -> std::ops::Range<usize> {
    let start = (slot as u64 >> 32) as usize;
    start..start + (slot as u64 & 0xffff_ffff) as usize
}

fn not_missing(value: i64) -> Result<i64, ValueError> {
    if value == MISSING {
        return Err(ValueError::new(RecordErrorKind::OutOfRange, "this is out of range"));
    }
    Ok(value)
}

/// These numbers and all below them in their tree; leaves the list empty.
fn with_all_below(todo: &mut Vec<u32>, children: &[Vec<u32>]) -> Bits {
    let mut bits = Bits::default();
    // Room at once for all of the first.
    if let Some(most) = todo.iter().max() {
        bits.words.reserve_exact(*most as usize / 64 + 1);
    }
    while let Some(number) = todo.pop() {
        if !bits.contains(i64::from(number)) {
            bits.insert(number as usize);
            todo.extend(children.get(number as usize).into_iter().flatten());
        }
    }
    bits
}

fn is_of_product(slot: &Slot) -> bool {
    match slot.record {
        RecordKind::Product => true,
        RecordKind::Line => slot.inherits,
        RecordKind::Event | RecordKind::Member | RecordKind::Payment | RecordKind::Derived => false,
    }
}

/// A slot and the column that fills it.
struct Filled<'a> {
    slot: &'a Slot,
    form: Form,
    column: Option<usize>,
    is_key: bool,
}

/// The names of a kind, in the order in which they were met.
#[derive(Default)]
struct Met<'a> {
    places: FxHashMap<&'a str, u32>,
    names: Vec<&'a str>,
    /// So many of the first are known by tables; the others only have numbers.
    known: u32,
}

impl<'a> Met<'a> {
    /// The place of a name.
    fn place(&mut self, name: &'a str) -> u32 {
        *self.places.entry(name).or_insert_with(|| {
            self.names.push(name);
            // There are fewer names than bytes in a table.
            u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn knows(&self, name: &str) -> bool {
        self.places.get(name).is_some_and(|place| *place < self.known)
    }
}

/// Names of references.
struct References<'a> {
    /// By kind.
    met: &'a [Met<'a>],
    /// By reference: the places of its names in those of its kind. So each name is looked up once, however many references
    /// have it.
    places: &'a [Vec<u32>],
    /// By kind and place: the number.
    ranks: &'a [Vec<u32>],
}

/// By (kind, name): its entries.
type Contents<'a> = FxHashMap<(usize, &'a str), Vec<&'a str>>;

/// A program, a catalogue, and which kind is which.
struct Sources<'a> {
    program: &'a Program,
    values: &'a Values,
    catalogue: &'a Catalogue,
    kinds: FxHashMap<&'a str, usize>,
}

impl<'a> Sources<'a> {
    fn of(program: &'a Program, values: &'a Values, catalogue: &'a Catalogue) -> Sources<'a> {
        let kinds = program.kinds.iter().enumerate().map(|(at, kind)| (kind.name.as_str(), at)).collect();
        Sources { program, values, catalogue, kinds }
    }

    fn kind(&self, name: &str) -> Option<usize> {
        self.kinds.get(name).copied()
    }

    /// Columns of a table that hold names: (column, kind, divided by `|`).
    fn name_columns(
        &self,
        table: &Table,
        slots: &'a [Slot],
        wanted: impl Fn(&Slot) -> bool,
    ) -> Vec<(usize, usize, bool)> {
        let mut columns: Vec<_> = slots
            .iter()
            .filter(|slot| wanted(slot))
            .filter_map(|slot| {
                let column = table.column(&slot.key.join("."))?;
                match self.values.form(slot.ty) {
                    Form::Symbol(kind) => Some((column, kind, false)),
                    Form::Set(kind) => Some((column, kind, true)),
                    Form::Bool
                    | Form::Decimal(..)
                    | Form::Date
                    | Form::Time
                    | Form::Instant
                    | Form::Enum(_) => None,
                }
            })
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// By kind: names that tables know. None where no table has names of the kind.
    fn known(&self) -> Vec<Met<'a>> {
        let catalogue = self.catalogue;
        let mut known: Vec<Met<'a>> = self.program.kinds.iter().map(|_| Met::default()).collect();
        let mut add = |kind: Option<usize>, name: &'a str| {
            if let Some(known) = kind.and_then(|kind| known.get_mut(kind)) {
                known.place(name);
            }
        };
        for (kind, name) in &catalogue.names {
            add(self.kind(kind), name);
        }
        for (kind, child, parent) in &catalogue.parents {
            add(self.kind(kind), child);
            add(self.kind(kind), parent);
        }
        let products = &catalogue.products;
        for key in &products.keys {
            add(self.kind("sku"), key);
        }
        for (kind, columns) in &catalogue.product_trees {
            for column in columns.iter().filter_map(|column| products.column(column)) {
                for name in (0..products.rows()).filter_map(|row| products.cell(row, column)) {
                    add(self.kind(kind), name);
                }
            }
        }
        for (column, kind, divided) in self.name_columns(products, &self.program.layout.line, is_of_product) {
            for cell in (0..products.rows()).filter_map(|row| products.cell(row, column)) {
                if divided {
                    cell.split('|').filter(|name| !name.is_empty()).for_each(|name| add(Some(kind), name));
                } else {
                    add(Some(kind), cell);
                }
            }
        }
        for known in &mut known {
            known.known = u32::try_from(known.names.len()).unwrap_or(u32::MAX);
        }
        known
    }

    /// Adds names that have numbers without being known: of references, entries of lists, of members. Gives the places of
    /// the names of each reference.
    fn add_others(&self, met: &mut [Met<'a>]) -> Vec<Vec<u32>> {
        let catalogue = self.catalogue;
        let mut of_references = Vec::with_capacity(self.program.references.len());
        for reference in &self.program.references {
            let met = met.get_mut(reference.kind.index());
            let places = met.map(|met| reference.names.iter().map(|name| met.place(name)).collect());
            of_references.push(places.unwrap_or_default());
        }
        let mut add = |kind: usize, name: &'a str| {
            if let Some(met) = met.get_mut(kind) {
                met.place(name);
            }
        };
        for (kind, _, entry) in &catalogue.contents {
            let of = self.kind(kind).and_then(|kind| self.program.kinds.get(kind)?.of);
            if let Some(of) = of {
                add(of.index(), entry);
            }
        }
        let is_of_member = |slot: &Slot| slot.record == RecordKind::Member;
        let members = &catalogue.members;
        for (column, kind, divided) in self.name_columns(members, &self.program.layout.event, is_of_member) {
            for cell in (0..members.rows()).filter_map(|row| members.cell(row, column)) {
                if divided {
                    cell.split('|').filter(|name| !name.is_empty()).for_each(|name| add(kind, name));
                } else {
                    add(kind, cell);
                }
            }
        }
        of_references
    }

    /// By kind and number: its children.
    fn trees(&self, dictionaries: &[Dictionary]) -> Result<Vec<Vec<Vec<u32>>>, CatalogueError> {
        let mut trees: Vec<Vec<Vec<u32>>> = vec![Vec::new(); self.program.kinds.len()];
        let mut add = |kind: usize, child: &str, parent: &str| {
            let (Some(dictionary), Some(tree)) = (dictionaries.get(kind), trees.get_mut(kind)) else {
                return;
            };
            if !self.program.kinds.get(kind).is_some_and(|kind| kind.hierarchical) {
                return;
            }
            if let (Some(child), Some(parent)) = (dictionary.number(child), dictionary.number(parent)) {
                tree.resize(dictionary.len(), Vec::new());
                tree[parent as usize].push(child);
            }
        };
        for (kind, child, parent) in &self.catalogue.parents {
            if let Some(kind) = self.kind(kind) {
                add(kind, child, parent);
            }
        }
        let products = &self.catalogue.products;
        for (kind, columns) in &self.catalogue.product_trees {
            let Some(kind) = self.kind(kind) else { continue };
            let columns: Vec<usize> = columns.iter().filter_map(|column| products.column(column)).collect();
            for row in 0..products.rows() {
                let path: Vec<&str> =
                    columns.iter().filter_map(|&column| products.cell(row, column)).collect();
                for pair in path.windows(2) {
                    // A name that stands twice on a path, such as a category named like its department, is one.
                    if let [parent, child] = pair
                        && parent != child
                    {
                        add(kind, child, parent);
                    }
                }
            }
        }
        for (kind, tree) in trees.iter_mut().enumerate() {
            for children in tree.iter_mut() {
                children.sort_unstable();
                children.dedup();
            }
            if let Some(ring) = ring(tree) {
                let name = |&number: &u32| {
                    dictionaries.get(kind).and_then(|names| names.name(number)).unwrap_or_default().to_owned()
                };
                return Err(CatalogueError::Cycle {
                    kind: self.program.kinds.get(kind).map_or_else(String::new, |kind| kind.name.clone()),
                    ring: ring.iter().map(name).collect(),
                });
            }
        }
        Ok(trees)
    }

    fn contents(&self) -> Contents<'a> {
        let mut contents: Contents<'a> = FxHashMap::default();
        for (kind, name, entry) in &self.catalogue.contents {
            if let Some(kind) = self.kind(kind) {
                contents.entry((kind, name)).or_default().push(entry);
            }
        }
        contents
    }
}

/// A ring in a graph of children, its first name repeated at the end. Does not call itself.
fn ring(children: &[Vec<u32>]) -> Option<Vec<u32>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; children.len()];
    for root in 0..children.len() {
        if states[root] != State::New {
            continue;
        }
        states[root] = State::Open;
        let mut path: Vec<(u32, usize)> = vec![(root as u32, 0)];
        while let Some((node, next)) = path.last_mut() {
            match children[*node as usize].get(*next).copied() {
                Some(child) => {
                    *next += 1;
                    match states[child as usize] {
                        State::New => {
                            states[child as usize] = State::Open;
                            path.push((child, 0));
                        }
                        State::Open => {
                            let nodes = path.iter().map(|(node, _)| *node);
                            return Some(nodes.skip_while(|node| *node != child).chain([child]).collect());
                        }
                        State::Done => {}
                    }
                }
                None => {
                    states[*node as usize] = State::Done;
                    path.pop();
                }
            }
        }
    }
    None
}
