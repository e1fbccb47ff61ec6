//! Records that are kept. Most names in a record are those of a catalogue, whose numbers stay what they are as long as
//! anybody holds its dictionaries: such numbers are kept as they stand, and become texts only where a record is stored.
//! Refuses to know what a record is kept for.

use crate::catalogue::Dictionary;
use crate::catalogue::bind::{set_range, set_slot};
use crate::record::{Reader, Schema};
use perq_compiler::calendar::Instant;
use perq_compiler::evaluate::{Record, TableRows};
use perq_compiler::ir::{
    Column, EventId, KindId, MISSING, Program, RowSource, Slot, SlotId, SlotType, event_slot,
};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::sync::Arc;

/// Where records of a program hold names, and the names that a catalogue gives numbers.
#[derive(Debug)]
pub(crate) struct Naming {
    dictionaries: Arc<[Dictionary]>,
    event: Part,
    line: Part,
    payment: Part,
    /// Lists of the event or its member, with the number of their table.
    lists: Vec<(u32, Part)>,
    /// All tables, without rows.
    tables: Vec<TableRows>,
}

/// Where rows of a part of a record hold names.
#[derive(Debug)]
struct Part {
    width: usize,
    places: Vec<Place>,
}

/// A slot that holds a name or a set of names.
#[derive(Clone, Copy, Debug)]
struct Place {
    slot: usize,
    kind: KindId,
    is_set: bool,
}

impl Part {
    fn of<'s>(slots: impl ExactSizeIterator<Item = Option<&'s Slot>>) -> Part {
        let width = slots.len();
        let place = |(slot, of): (usize, Option<&Slot>)| match of?.ty {
            SlotType::Symbol(kind) => Some(Place { slot, kind, is_set: false }),
            SlotType::Set(kind) => Some(Place { slot, kind, is_set: true }),
            SlotType::Bool
            | SlotType::Money { .. }
            | SlotType::Points(_)
            | SlotType::Percent
            | SlotType::Count
            | SlotType::Number { .. }
            | SlotType::Date
            | SlotType::Time
            | SlotType::Instant
            | SlotType::Enum(_) => None,
        };
        Part { width: width.max(1), places: slots.enumerate().filter_map(place).collect() }
    }
}

impl Naming {
    /// Of records of a program with the dictionaries of a catalogue, by kind.
    pub fn of<'p>(program: &'p Program, dictionaries: Arc<[Dictionary]>) -> Naming {
        let layout = &program.layout;
        let field = |column: &'p Column| match column {
            Column::Field(slot) => Some(slot),
            Column::Event(_)
            | Column::Line(_)
            | Column::LocalAt
            | Column::PaidNet
            | Column::Returned
            | Column::PiecesKept => None,
        };
        let lists = layout.tables.iter().zip(0u32..).filter_map(|(table, at)| match table.source {
            RowSource::Earlier(_) | RowSource::EarlierLines(_) => None,
            RowSource::List { .. } => Some((at, Part::of(table.columns.iter().map(field)))),
        });
        let rows = |width: usize| TableRows { width: width.max(1), ..TableRows::default() };
        Naming {
            dictionaries,
            event: Part::of(layout.event.iter().map(Some)),
            line: Part::of(layout.line.iter().map(Some)),
            payment: Part::of(layout.payment.iter().map(Some)),
            lists: lists.collect(),
            tables: layout.tables.iter().map(|table| rows(table.columns.len())).collect(),
        }
    }

    /// How many names of a kind have numbers that stay: those below it.
    fn known(&self, kind: KindId) -> u32 {
        self.dictionaries.get(kind.index()).map_or(0, Dictionary::len) as u32
    }
}

/// A record that means the same to every catalogue. Earlier events are not in it; they are still where they were.
///
/// It is stored with texts for names, in the order in which they are met, and with their places in that order for numbers.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    slots: Stored,
    /// The numbers of names are those of its dictionaries, and behind these the places of the other names. Without it all are
    /// places.
    naming: Option<Arc<Naming>>,
}

/// As it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    kind: EventId,
    event: Vec<i64>,
    lines: Vec<i64>,
    payments: Vec<i64>,
    /// Lists of the event or its member, by table.
    lists: Vec<(u32, Vec<i64>)>,
    /// What sets name, by the numbers of the names.
    symbols: Vec<u32>,
    names: Vec<(KindId, Box<str>)>,
}

impl PartialEq for Remembered {
    fn eq(&self, other: &Remembered) -> bool {
        self.stored() == other.stored()
    }
}

impl Eq for Remembered {}

impl Serialize for Remembered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.stored().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Remembered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Remembered, D::Error> {
        Ok(Remembered { slots: Stored::deserialize(deserializer)?, naming: None })
    }
}

/// Names in the order in which they are met, each once.
#[derive(Default)]
struct Met {
    names: Vec<(KindId, Box<str>)>,
    /// Only ever asked for a name at hand.
    places: FxHashMap<(KindId, u32), u32>,
}

impl Met {
    /// The place of a name that has a number, and that `name` tells where it is met first.
    fn place<'n>(
        &mut self,
        (kind, number): (KindId, u32),
        name: impl FnOnce() -> Option<&'n str>,
    ) -> Option<u32> {
        if let Some(place) = self.places.get(&(kind, number)) {
            return Some(*place);
        }
        let place = u32::try_from(self.names.len()).ok()?;
        self.names.push((kind, name()?.into()));
        self.places.insert((kind, number), place);
        Some(place)
    }
}

/// Gives names other numbers: those that `number` has for a kind and a number.
struct Renaming<'r, F> {
    symbols: &'r [u32],
    number: F,
    out: Vec<u32>,
}

impl<F: FnMut(KindId, u32) -> Option<u32>> Renaming<'_, F> {
    fn rows(&mut self, rows: &mut [i64], part: &Part) {
        if part.places.is_empty() {
            return;
        }
        for row in rows.chunks_exact_mut(part.width) {
            for place in &part.places {
                if let Some(slot) = row.get_mut(place.slot).filter(|slot| **slot != MISSING) {
                    *slot = self.slot(*slot, *place);
                }
            }
        }
    }

    fn slot(&mut self, slot: i64, place: Place) -> i64 {
        if !place.is_set {
            let named = u32::try_from(slot).ok().and_then(|number| (self.number)(place.kind, number));
            return named.map_or(MISSING, i64::from);
        }
        let start = self.out.len();
        let names = self.symbols.get(set_range(slot)).unwrap_or(&[]);
        self.out.extend(names.iter().filter_map(|number| (self.number)(place.kind, *number)));
        // Readers and rules look for symbols in order.
        if let Some(set) = self.out.get_mut(start..) {
            set.sort_unstable();
        }
        set_slot(start, self.out.len())
    }
}

impl Stored {
    /// Its slots without names.
    fn slots(&self) -> Stored {
        Stored {
            kind: self.kind,
            event: self.event.clone(),
            lines: self.lines.clone(),
            payments: self.payments.clone(),
            lists: self.lists.clone(),
            symbols: Vec::new(),
            names: Vec::new(),
        }
    }

    /// With other numbers for its names, whose sets are among these symbols.
    fn renamed(
        mut self,
        symbols: &[u32],
        naming: &Naming,
        number: impl FnMut(KindId, u32) -> Option<u32>,
    ) -> Stored {
        let mut renaming = Renaming { symbols, number, out: Vec::new() };
        renaming.rows(&mut self.event, &naming.event);
        renaming.rows(&mut self.lines, &naming.line);
        renaming.rows(&mut self.payments, &naming.payment);
        for (at, rows) in &mut self.lists {
            if let Some((_, part)) = naming.lists.iter().find(|(of, _)| of == at) {
                renaming.rows(rows, part);
            }
        }
        self.symbols = renaming.out;
        self
    }
}

impl Remembered {
    /// The record that `reader` has just read.
    pub(crate) fn of(schema: &Schema, reader: &Reader, record: &Record) -> Remembered {
        let naming = &schema.naming;
        let lists = naming.lists.iter().filter_map(|(at, _)| {
            let rows = record.tables.get(*at as usize)?;
            Some((*at, rows.slots.clone()))
        });
        let slots = Stored {
            kind: record.kind,
            event: record.event.clone(),
            lines: record.lines.clone(),
            payments: record.payments.clone(),
            lists: lists.collect(),
            symbols: Vec::new(),
            names: Vec::new(),
        };
        let mut met = Met::default();
        let number = |kind: KindId, number: u32| {
            let known = naming.known(kind);
            if number < known {
                return Some(number);
            }
            let name = || reader.symbol_name(schema, kind.index(), number);
            known.checked_add(met.place((kind, number), name)?)
        };
        let slots = slots.renamed(&record.symbols, naming, number);
        Remembered { slots: Stored { names: met.names, ..slots }, naming: Some(Arc::clone(naming)) }
    }

    fn stored(&self) -> Cow<'_, Stored> {
        let Some(naming) = &self.naming else { return Cow::Borrowed(&self.slots) };
        let mut met = Met::default();
        let number =
            |kind: KindId, number: u32| met.place((kind, number), || self.name(naming, kind, number));
        let stored = self.slots.slots().renamed(&self.slots.symbols, naming, number);
        Cow::Owned(Stored { names: met.names, ..stored })
    }

    fn name<'n>(&'n self, naming: &'n Naming, kind: KindId, number: u32) -> Option<&'n str> {
        match number.checked_sub(naming.known(kind)) {
            None => naming.dictionaries.get(kind.index())?.name(number),
            Some(place) => self.slots.names.get(place as usize).map(|(_, name)| &**name),
        }
    }

    /// When it happened.
    pub(super) fn now(&self) -> Instant {
        let slot = |slot: SlotId| self.slots.event.get(slot.index()).copied().unwrap_or(MISSING);
        Instant { at: slot(event_slot::AT), date: slot(event_slot::DATE), time: slot(event_slot::TIME) }
    }

    /// The record, with the numbers that names have now.
    pub(crate) fn restore(&self, schema: &Schema, reader: &mut Reader) -> Record {
        let naming = &schema.naming;
        let here = self.naming.as_ref().filter(|own| Arc::ptr_eq(own, naming));
        let slots = if here.is_some() { Cow::Borrowed(&self.slots) } else { self.stored() };
        let names = slots.names.iter();
        let numbers: Vec<u32> =
            names.map(|(kind, name)| reader.symbol_number(schema, kind.index(), name)).collect();
        let number = |kind: KindId, number: u32| match number
            .checked_sub(here.map_or(0, |naming| naming.known(kind)))
        {
            None => Some(number),
            Some(place) => numbers.get(place as usize).copied(),
        };
        let slots = slots.slots().renamed(&slots.symbols, naming, number);
        let mut tables = naming.tables.clone();
        for (at, rows) in slots.lists {
            if let Some(table) = tables.get_mut(at as usize) {
                table.slots = rows;
            }
        }
        Record {
            kind: slots.kind,
            event: slots.event,
            lines: slots.lines,
            line_width: naming.line.width,
            payments: slots.payments,
            payment_width: naming.payment.width,
            tables,
            symbols: slots.symbols,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::record::{ReadEvent, ReadOptions};
    use crate::testing::{self, event_slot_of};

    const SALE: &str = r#"{"id":"1","kind":"sale","at":"2026-01-01T00:00","store":"Leeds",
        "member":{"id":"m1","segments":["b","New","a"]},
        "lines":[{"sku":"T1","qty":1,"price":"2.00"},{"sku":"Z7","qty":1,"price":"1.00"},{"sku":"T1","qty":2,"price":"2.00"}],
        "payments":[{"amount":"7.00","bank":"London"},{"bank":"Leeds"}]}"#;

    fn schema(catalogue: &Catalogue) -> Schema {
        Schema::new(&testing::verified(), catalogue, ReadOptions::default()).unwrap()
    }

    fn remember(schema: &Schema, record: &Record, reader: &Reader) -> String {
        serde_json::to_string(&Remembered::of(schema, reader, record)).unwrap()
    }

    /// Names of the catalogue, of the pack and of neither, and sets of them: what is stored holds texts in the order in which
    /// they are met, of a set in the order of their numbers.
    #[test]
    fn what_is_stored_says_nothing_of_a_catalogue() {
        let here = schema(&testing::catalogue());
        let (mut reader, mut event) = (Reader::new(), ReadEvent::default());
        reader.read(&here, SALE.as_bytes(), &mut event).unwrap();
        let kept = Remembered::of(&here, &reader, &event.record);
        // Only what the catalogue and the pack do not know takes a text.
        let own: Vec<&str> = kept.slots.names.iter().map(|(_, name)| &**name).collect();
        assert_eq!(own, ["Leeds", "b", "a", "Z7"]);
        let text = serde_json::to_string(&kept).unwrap();
        let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
        let (store, segment) = (testing::STORE.0, testing::SEGMENT.0);
        let (sku, category) = (testing::SKU.0, testing::CATEGORY.0);
        assert_eq!(
            stored["names"],
            serde_json::json!([
                [store, "Leeds"],
                [segment, "New"],
                [segment, "b"],
                [segment, "a"],
                [sku, "T1"],
                [category, "Green tea"],
                [sku, "Z7"],
                [store, "London"]
            ])
        );
        assert_eq!(stored["symbols"], serde_json::json!([1, 2, 3]));
        let program = testing::verified();
        assert_eq!(stored["event"][event_slot_of(&program, "event.store")], 0);
        // Three symbols from the first on.
        assert_eq!(stored["event"][event_slot_of(&program, "member.segments")], 3);
        assert_eq!((&stored["payments"][1], &stored["payments"][3]), (&7.into(), &0.into()));

        // The same comes of it wherever it is taken up, also where another record was read before.
        let again: Remembered = serde_json::from_str(&text).unwrap();
        assert_eq!(again, kept);
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
        let elsewhere = schema(&Catalogue::default());
        let other = r#"{"id":"2","kind":"sale","at":"2026-01-01T00:00","store":"York","member":{"id":"m9","segments":["c"]},"lines":[]}"#;
        for schema in [&here, &elsewhere] {
            for kept in [&kept, &again] {
                reader.read(schema, other.as_bytes(), &mut ReadEvent::default()).unwrap();
                let record = kept.restore(schema, &mut reader);
                assert_eq!(remember(schema, &record, &reader), text);
            }
        }
    }
}
