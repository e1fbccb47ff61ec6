//! Fills the slots of a record, value by value, and ends its lines and the record itself.
//!
//! Whatever a record is written in, this is what checks and converts it. Refuses to know how values are found.

use super::error::{RecordError, RecordErrorKind as Error};
use super::json::Kind;
use super::reader::ReadEvent;
use super::schema::{Builtin, Count, List, MAX_RECORD_SET, Own, Rest, Schema, Usual};
use super::value::{self, Form, Scalar, Unit, ValueError};
use crate::catalogue::bind::{set_range, set_slot};
use crate::clock::Moment;
use crate::decimal;
use crate::nearest::nearest;
use perq_compiler::evaluate::TableRows;
use perq_compiler::exact::divide_rounded;
use perq_compiler::ir::{EventId, MISSING, PRICE_SCALE, RecordKind, Rounding, SlotId, event_slot, line_slot};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Names that no dictionary has, numbered as they come: equal names have equal numbers within a record.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    text: String,
    /// (kind, start, length, number).
    list: Vec<(u32, u32, u32, u32)>,
    /// By a hash with a key that no record can know.
    index: HashMap<u64, u32, rustc_hash::FxBuildHasher>,
    key: StrangerKey,
    /// By kind.
    counts: Vec<u32>,
}

/// A secret, so that nobody can write a record whose names all meet in one place of the index.
#[derive(Debug)]
struct StrangerKey(u64, u64);

impl Default for StrangerKey {
    fn default() -> StrangerKey {
        let random = RandomState::new();
        StrangerKey(random.hash_one(1), random.hash_one(2) | 1)
    }
}

impl StrangerKey {
    fn hash(&self, kind: usize, name: &str) -> u64 {
        let mix = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            product as u64 ^ (product >> 64) as u64
        };
        let mut hash = self.0 ^ (kind as u64) << 32 ^ name.len() as u64;
        for chunk in name.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = mix(hash ^ u64::from_le_bytes(word), self.1).wrapping_add(self.0);
        }
        mix(hash, self.1)
    }
}

impl Strangers {
    pub fn clear(&mut self) {
        if self.list.is_empty() {
            return;
        }
        self.text.clear();
        self.list.clear();
        self.counts.clear();
        if self.index.capacity() > 4096 {
            self.index = HashMap::default();
        } else {
            self.index.clear();
        }
    }

    /// The name that this kind's stranger of this number has.
    pub fn name(&self, kind: usize, number: u32) -> Option<&str> {
        let is_it = |of: &&(u32, u32, u32, u32)| (of.0 as usize, of.3) == (kind, number);
        let (_, start, length, _) = self.list.iter().find(is_it)?;
        self.text.get(*start as usize..(start + length) as usize)
    }

    /// All of them: kind, number and name.
    pub fn all(&self) -> impl Iterator<Item = (u32, u32, &str)> {
        self.list.iter().filter_map(|(kind, start, length, number)| {
            let name = self.text.get(*start as usize..(start + length) as usize)?;
            Some((*kind, *number, name))
        })
    }

    fn number(&mut self, kind: usize, name: &str) -> u32 {
        let mut hash = self.key.hash(kind, name);
        while let Some(&at) = self.index.get(&hash) {
            if let Some(&(its_kind, start, length, number)) = self.list.get(at as usize)
                && its_kind as usize == kind
                && self.text.get(start as usize..(start + length) as usize) == Some(name)
            {
                return number;
            }
            hash = hash.wrapping_add(1);
        }
        self.index.insert(hash, self.list.len() as u32);
        if self.counts.len() <= kind {
            self.counts.resize(kind + 1, 0);
        }
        let number = self.counts.get(kind).copied().unwrap_or(0);
        if let Some(count) = self.counts.get_mut(kind) {
            *count += 1;
        }
        self.list.push((kind as u32, self.text.len() as u32, name.len() as u32, number));
        self.text.push_str(name);
        number
    }
}

/// A name's number in the catalogue's dictionary of its kind, or past its end.
pub(super) fn number_of(schema: &Schema, strangers: &mut Strangers, kind: usize, name: &str) -> u32 {
    let dictionary = schema.tables.dictionaries.get(kind);
    match dictionary.and_then(|dictionary| dictionary.number(name)) {
        Some(number) => number,
        None => {
            let known = dictionary.map_or(0, crate::catalogue::Dictionary::len) as u32;
            known.saturating_add(strangers.number(kind, name))
        }
    }
}

/// The name that a number of a kind stands for.
pub(super) fn name_of<'n>(
    schema: &'n Schema,
    strangers: &'n Strangers,
    kind: usize,
    number: u32,
) -> Option<&'n str> {
    let dictionary = schema.tables.dictionaries.get(kind);
    let known = dictionary.map_or(0, crate::catalogue::Dictionary::len) as u32;
    match number.checked_sub(known) {
        Some(stranger) => strangers.name(kind, stranger),
        None => dictionary?.name(number),
    }
}

/// Which row of which part is being filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Event,
    Line(usize),
    Payment(usize),
    /// Of this list, where the row begins.
    Row(usize, usize),
}

/// What a line says about its article and its amount.
#[derive(Debug, Default)]
pub(super) struct LineParts {
    pub sku: Option<(u32, u32)>,
    /// Its number in the dictionary of the kind `sku`.
    pub sku_number: Option<u32>,
    /// The number is still to be looked up.
    pub is_open: bool,
    /// Where it goes then.
    pub sku_slot: Option<u32>,
    pub of_line: Option<i64>,
    pub pieces: Option<i64>,
    pub price: Option<i64>,
    pub amount: Option<i64>,
    /// As written: where, and its text's place.
    pub weight: Option<Written>,
}

/// A line that is read and not yet worked out.
#[derive(Debug)]
pub(super) struct ReadLine {
    parts: LineParts,
    /// Its place among the slots of lines.
    base: usize,
    row: usize,
    /// Where it stands in the text.
    at: usize,
}

/// Lines that are worked out at once.
const LINES: usize = 64;

/// A decimal before its scale is chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub digits: i64,
    pub scale: u8,
}

/// What of the event was found.
#[derive(Default)]
pub(super) struct Found {
    pub id: bool,
    pub kind: bool,
    pub lines: bool,
    pub payments: bool,
    pub moment: Option<Moment>,
    /// The member is described in the record itself.
    pub inline_member: bool,
    /// What the first line lacks that a line of what is sold has, where it may be one of what comes back.
    pub incomplete: Option<Box<RecordError>>,
    /// Values that cannot be read, of slots that are fields of some kinds only.
    pub doubtful: Vec<(u32, Box<RecordError>)>,
}

/// A value with the place where it begins and its text.
pub(super) struct Value<'a> {
    pub at: usize,
    pub scalar: Scalar<'a>,
    pub kind: Kind,
}

/// A record that is being filled.
pub(super) struct Fill<'r, 's> {
    pub schema: &'s Schema,
    pub strangers: &'r mut Strangers,
    pub out: &'r mut ReadEvent,
    pub line: LineParts,
    lines: &'r mut Vec<ReadLine>,
    pub found: Found,
}

type Result<T> = std::result::Result<T, Box<RecordError>>;

pub(super) fn missing(field: &str, at: usize, message: impl Into<String>) -> Box<RecordError> {
    RecordError::new(Error::MissingField, at, message).within(field)
}

impl<'r, 's> Fill<'r, 's> {
    /// With all slots empty.
    pub fn new(
        schema: &'s Schema,
        strangers: &'r mut Strangers,
        lines: &'r mut Vec<ReadLine>,
        out: &'r mut ReadEvent,
    ) -> Fill<'r, 's> {
        lines.clear();
        let record = &mut out.record;
        record.line_width = schema.line_width;
        record.payment_width = schema.payment_width;
        record.event.resize(schema.event_width, MISSING);
        for list in &schema.lists {
            if record.tables.len() <= list.table {
                record.tables.resize_with(list.table + 1, TableRows::default);
            }
            if let Some(table) = record.tables.get_mut(list.table) {
                table.width = list.width;
            }
        }
        Fill { schema, strangers, out, line: LineParts::default(), lines, found: Found::default() }
    }

    /// A new line; its place among the slots of lines.
    pub fn begin_line(&mut self) -> usize {
        let lines = &mut self.out.record.lines;
        let base = lines.len();
        lines.resize(base + self.schema.line_width, MISSING);
        base
    }

    /// So many new lines, all of them open until they are worked out; the place of the first among the slots of lines.
    #[cfg(feature = "columnar")]
    pub fn begin_lines(&mut self, count: usize) -> usize {
        let (lines, width) = (&mut self.out.record.lines, self.schema.line_width);
        let base = lines.len();
        lines.resize(base + count * width, MISSING);
        let open = |row| ReadLine { parts: LineParts::default(), base: base + row * width, row, at: 0 };
        self.lines.extend((0..count).map(open));
        base
    }

    /// What an open line says, by its number.
    #[cfg(feature = "columnar")]
    pub fn open_line(&mut self, number: usize) -> Option<&mut LineParts> {
        self.lines.get_mut(number).map(|line| &mut line.parts)
    }

    /// The line that single values are of becomes the one of this number, and the other way round.
    #[cfg(feature = "columnar")]
    pub fn exchange(&mut self, number: usize) {
        if let Some(open) = self.lines.get_mut(number) {
            std::mem::swap(&mut open.parts, &mut self.line);
        }
    }

    /// So many new payments; the place of the first among the slots of payments.
    pub fn begin_payments(&mut self, count: usize) -> usize {
        let payments = &mut self.out.record.payments;
        let base = payments.len();
        payments.resize(base + count * self.schema.payment_width, MISSING);
        base
    }

    /// So many new rows of a list; the place of the first among the slots of the list.
    pub fn begin_rows(&mut self, list: &List, count: usize) -> usize {
        let Some(table) = self.out.record.tables.get_mut(list.table) else { return 0 };
        let base = table.slots.len();
        table.slots.resize(base + count * list.width, MISSING);
        base
    }

    /// A set of names by their numbers, in any order.
    pub fn set(&mut self, target: Target, slot: u32, numbers: &mut Vec<u32>) {
        numbers.sort_unstable();
        numbers.dedup();
        let symbols = &mut self.out.record.symbols;
        let start = symbols.len();
        symbols.extend_from_slice(numbers);
        let value = set_slot(start, symbols.len());
        self.store(target, slot, value);
    }

    /// A single value of a field.
    pub fn value(&mut self, number: usize, target: Target, value: Value<'_>) -> Result<()> {
        let schema = self.schema;
        let (Some(field), scalar) = (schema.fields.get(number), value.scalar) else { return Ok(()) };
        let refused =
            |error: ValueError| RecordError::new(error.kind, value.at, error.message).about(scalar.written());
        let wrong = |expected: &str| {
            refused(ValueError::new(
                Error::WrongType,
                format!("this should be {expected}, but is {}", value.kind.describe()),
            ))
        };
        match field.builtin {
            Builtin::None | Builtin::Lines | Builtin::Payments | Builtin::Member => {}
            Builtin::Id => {
                let Scalar::Text(text) = scalar else { return Err(wrong("a text in quotes")) };
                if text.is_empty() {
                    return Err(refused(ValueError::new(Error::MissingField, "an event's id is not empty")));
                }
                self.out.id = self.out.keep(text);
                self.found.id = true;
            }
            Builtin::Of => {
                let Scalar::Text(text) = scalar else { return Err(wrong("an event's id in quotes")) };
                self.out.of = Some(self.out.keep(text));
            }
            Builtin::OfLine => {
                self.line.of_line =
                    Some(self.convert(Form::Decimal(0, Unit::Whole), scalar).map_err(refused)?);
            }
            Builtin::EventKind => {
                let Scalar::Text(text) = scalar else { return Err(wrong("a text in quotes")) };
                let Some(&kind) = schema.event_kinds.get(text) else {
                    return Err(refused(self.unknown_event_kind(text)));
                };
                self.out.record.kind = EventId(kind);
                self.found.kind = true;
            }
            Builtin::MemberId => {
                let Scalar::Text(text) = scalar else { return Err(wrong("a text in quotes")) };
                if text.is_empty() {
                    return Err(refused(ValueError::new(Error::MissingField, "a member's id is not empty")));
                }
                self.out.member = Some(self.out.keep(text));
            }
            Builtin::At => {
                if let Scalar::Bool(_) | Scalar::Number(_) = scalar {
                    return Err(wrong("an instant in quotes"));
                }
                self.found.moment = Some(schema.values.moment(scalar).map_err(refused)?);
            }
            Builtin::Currency => {
                let Scalar::Text(text) = scalar else { return Err(wrong("a text in quotes")) };
                if text != schema.currency {
                    let message =
                        format!("the program's money is {}, and nothing converts it", schema.currency);
                    return Err(refused(ValueError::new(Error::OtherCurrency, message)));
                }
            }
            Builtin::Sku => {
                let Scalar::Text(text) = scalar else { return Err(wrong("a text in quotes")) };
                if text.is_empty() {
                    return Err(refused(ValueError::new(Error::MissingField, "a sku is not empty")));
                }
                self.line.sku = Some(self.out.keep(text));
                let number = schema.tables.sku(text);
                self.line.sku_number = number;
                for (slot, form) in &field.slots {
                    let value = match (form, schema.tables.sku_kind, number) {
                        (Form::Symbol(kind), Some(sku), Some(number)) if *kind == sku => i64::from(number),
                        _ => self.convert(*form, scalar).map_err(refused)?,
                    };
                    self.store(target, *slot, value);
                }
                return Ok(());
            }
            Builtin::Pieces => {
                self.line.pieces =
                    Some(self.convert(Form::Decimal(0, Unit::Whole), scalar).map_err(refused)?);
            }
            Builtin::Price => {
                let form = Form::Decimal(PRICE_SCALE as u8, Unit::Money);
                self.line.price = Some(self.convert(form, scalar).map_err(refused)?);
            }
            Builtin::Amount => {
                let form = Form::Decimal(schema.currency_decimals, Unit::Money);
                self.line.amount = Some(self.convert(form, scalar).map_err(refused)?);
            }
            Builtin::Weight => {
                let (digits, scale) = match scalar {
                    Scalar::Number(text) | Scalar::Text(text) => {
                        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                        let scale = u8::try_from(decimals).unwrap_or(u8::MAX).min(9);
                        (value::decimal(text, scale, Unit::Plain).map_err(refused)?, scale)
                    }
                    Scalar::Count(_, of) => {
                        let scale = u8::try_from(of).unwrap_or(0).min(9);
                        let form = Form::Decimal(scale, Unit::Plain);
                        (self.convert(form, scalar).map_err(refused)?, scale)
                    }
                    Scalar::Bool(_)
                    | Scalar::Cell(_)
                    | Scalar::Date(_)
                    | Scalar::Time(_)
                    | Scalar::Instant { .. } => return Err(wrong("a number")),
                };
                self.line.weight = Some(Written { digits, scale });
            }
        }
        for (slot, form) in &field.slots {
            match self.convert(*form, scalar) {
                Ok(value) => self.store(target, *slot, value),
                // The kind, which may come later, says whether this is a field of the event at all.
                Err(error) if target == Target::Event && schema.event_partial.contains_key(slot) => {
                    let error = refused(error);
                    self.found.doubtful.push((*slot, error));
                }
                Err(error) => return Err(refused(error)),
            }
        }
        Ok(())
    }

    #[cold]
    fn unknown_event_kind(&self, text: &str) -> ValueError {
        let mut words: Vec<&str> = self.schema.event_kinds.keys().map(AsRef::as_ref).collect();
        words.sort_unstable();
        let message = match nearest(text, words.iter().copied()) {
            Some(near) => format!("the program declares no such kind of event; `{near}` is near"),
            None => {
                let list: Vec<&str> = words.into_iter().take(12).collect();
                format!("the program declares no such kind of event; it has {}", list.join(", "))
            }
        };
        ValueError::new(Error::UnknownEventKind, message)
    }

    fn convert(&mut self, form: Form, scalar: Scalar<'_>) -> std::result::Result<i64, ValueError> {
        let (Form::Symbol(kind), Scalar::Text(text)) = (form, scalar) else {
            if let Form::Set(_) = form {
                return Err(ValueError::new(Error::WrongType, "this should be a list of names"));
            }
            return self.schema.values.number(form, scalar);
        };
        Ok(i64::from(self.symbol(kind, text)))
    }

    /// Puts an ordinary value where it goes; false where it is none, and nothing has changed.
    #[inline]
    pub fn usual(&mut self, usual: Usual, target: Target, scalar: Scalar<'_>) -> bool {
        let count = |scale: u8| match scalar {
            Scalar::Text(text) | Scalar::Number(text) => decimal::parse(text, scale).ok(),
            Scalar::Count(count, of) => decimal::rescaled(count, of, scale).ok(),
            Scalar::Bool(_)
            | Scalar::Cell(_)
            | Scalar::Date(_)
            | Scalar::Time(_)
            | Scalar::Instant { .. } => None,
        };
        match (usual, scalar) {
            (Usual::Symbol { slot, kind }, Scalar::Text(name)) => {
                let number = self.symbol(kind, name);
                self.store(target, slot, i64::from(number));
            }
            (Usual::Sku { slot }, Scalar::Text(name)) if !name.is_empty() => {
                self.line.sku = Some(self.out.keep(name));
                (self.line.is_open, self.line.sku_slot) = (true, slot);
            }
            (Usual::Text { slot, form }, scalar) => match self.schema.values.number(form, scalar) {
                Ok(value) => self.store(target, slot, value),
                Err(_) => return false,
            },
            (Usual::Decimal(of), _) => match count(of.scale()) {
                Some(count) => self.count(of, target, count),
                None => return false,
            },
            (Usual::Own(of), scalar) => return self.own(of, scalar),
            (Usual::None | Usual::Symbol { .. } | Usual::Sku { .. }, _) => return false,
        }
        true
    }

    /// As [`Fill::usual`], of a text of the event itself.
    fn own(&mut self, of: Own, scalar: Scalar<'_>) -> bool {
        match (of, scalar) {
            (Own::Id, Scalar::Text(text)) if !text.is_empty() => {
                self.out.id = self.out.keep(text);
                self.found.id = true;
            }
            (Own::MemberId, Scalar::Text(text)) if !text.is_empty() => {
                self.out.member = Some(self.out.keep(text));
            }
            (Own::Kind, Scalar::Text(text)) => {
                let Some(&kind) = self.schema.event_kinds.get(text) else { return false };
                self.out.record.kind = EventId(kind);
                self.found.kind = true;
            }
            (Own::At, Scalar::Text(_) | Scalar::Instant { .. }) => {
                let Ok(moment) = self.schema.values.moment(scalar) else { return false };
                self.found.moment = Some(moment);
            }
            (Own::Id | Own::MemberId | Own::Kind | Own::At, _) => return false,
        }
        true
    }

    /// Puts a count where it goes.
    #[inline]
    pub fn count(&mut self, of: Count, target: Target, count: i64) {
        match of {
            Count::Slot { slot, .. } => self.store(target, slot, count),
            Count::Pieces => self.line.pieces = Some(count),
            Count::Price => self.line.price = Some(count),
            Count::Amount { .. } => self.line.amount = Some(count),
        }
    }

    pub fn symbol(&mut self, kind: usize, name: &str) -> u32 {
        number_of(self.schema, self.strangers, kind, name)
    }

    pub fn store(&mut self, target: Target, slot: u32, value: i64) {
        let record = &mut self.out.record;
        let (slots, base) = match target {
            Target::Event => (&mut record.event, 0),
            Target::Line(base) => (&mut record.lines, base),
            Target::Payment(base) => (&mut record.payments, base),
            Target::Row(list, base) => {
                let table = self.schema.lists.get(list).and_then(|list| record.tables.get_mut(list.table));
                let Some(table) = table else { return };
                (&mut table.slots, base)
            }
        };
        if let Some(place) = slots.get_mut(base + slot as usize) {
            *place = value;
        }
    }

    pub fn finish_row(&mut self, list: &List, base: usize, at: usize) -> Result<()> {
        let record = &mut self.out.record;
        let Some(table) = record.tables.get_mut(list.table) else { return Ok(()) };
        for rest in &list.rest {
            let Some(place) = table.slots.get_mut(base + rest.slot) else { continue };
            complete(place, rest, None, true, &[], &mut record.symbols, at)?;
        }
        Ok(())
    }

    /// The open line is read. It is worked out with others by [`Fill::finish_lines`].
    pub fn end_line(&mut self, base: usize, row: usize, at: usize) {
        self.lines.push(ReadLine { parts: std::mem::take(&mut self.line), base, row, at });
    }

    /// Whether enough lines wait to be worked out.
    pub fn has_many_lines(&self) -> bool {
        self.lines.len() >= LINES
    }

    /// Works out the lines that were read since the last time, step by step for all of them: what each needs lies at places of
    /// the catalogue of its own, and looks at several of these need not wait for one another.
    ///
    /// # Errors
    /// What the first of them lacks, within its row.
    pub fn finish_lines(&mut self) -> Result<()> {
        let mut lines = std::mem::take(self.lines);
        self.look_up(&mut lines);
        let result = lines.iter().try_for_each(|line| {
            self.finish_line(line).map_err(|error| error.within(&format!("[{}]", line.row)))
        });
        lines.clear();
        *self.lines = lines;
        result
    }

    /// Finds the articles of lines, and fills in what products say.
    fn look_up(&mut self, lines: &mut [ReadLine]) {
        let schema = self.schema;
        for line in lines.iter_mut().filter(|line| line.parts.is_open) {
            let name = line.parts.sku.map_or("", |sku| self.out.slice(sku));
            line.parts.sku_number = schema.tables.sku(name);
        }
        for ReadLine { parts, base, .. } in lines.iter() {
            if let (true, Some(slot), Some(kind)) = (parts.is_open, parts.sku_slot, schema.tables.sku_kind) {
                let name = || parts.sku.map_or("", |sku| self.out.slice(sku));
                let number =
                    parts.sku_number.unwrap_or_else(|| number_of(schema, self.strangers, kind, name()));
                self.store(Target::Line(*base), slot, i64::from(number));
            }
        }
        for ReadLine { parts, base, .. } in lines.iter() {
            let Some(fields) = parts.sku_number.and_then(|number| schema.tables.product(number)) else {
                continue;
            };
            let Some(slots) = self.out.record.lines.get_mut(*base..) else { continue };
            for &(slot, column) in &schema.line_columns {
                if let (Some(place), Some(&value)) = (slots.get_mut(slot), fields.get(column))
                    && *place == MISSING
                {
                    *place = value;
                }
            }
        }
    }

    fn finish_line(&mut self, line: &ReadLine) -> Result<()> {
        let schema = self.schema;
        let &ReadLine { ref parts, base, row, at } = line;
        let Some(sku) = parts.sku else { return Err(missing("sku", at, "a line has a sku")) };
        self.out.skus.push(sku);
        self.out.of_lines.push(parts.of_line);
        let amounts = match amounts(parts, schema, at) {
            Err(error) if error.kind == Error::MissingField => {
                // A weighed line is one piece.
                let pieces = parts.pieces.or(parts.weight.map(|_| 1));
                let Some(pieces) = pieces else { return Err(error) };
                self.set_aside(row, error)?;
                Amounts { pieces, price: 0, initial: 0 }
            }
            other => other?,
        };
        let slots = self.out.record.lines.get_mut(base..).unwrap_or_default();
        let mut set = |slot: SlotId, value: i64| {
            if let Some(place) = slots.get_mut(slot.index()) {
                *place = value;
            }
        };
        set(line_slot::POSITION, row as i64 + 1);
        set(line_slot::PIECES, amounts.pieces);
        set(line_slot::PRICE, amounts.price);
        set(line_slot::INITIAL, amounts.initial);
        set(line_slot::PAID, amounts.initial);
        let product = parts.sku_number.and_then(|number| schema.tables.product(number));
        for rest in &schema.line_rest {
            let Some(place) = self.out.record.lines.get_mut(base + rest.slot) else { continue };
            if *place != MISSING {
                continue;
            }
            let there = match rest.record {
                RecordKind::Product => product.is_some(),
                RecordKind::Event
                | RecordKind::Member
                | RecordKind::Line
                | RecordKind::Payment
                | RecordKind::Derived => true,
            };
            let symbols = &mut self.out.record.symbols;
            match complete(place, rest, product, there, &schema.tables.symbols, symbols, at) {
                Err(error) if error.kind == Error::MissingField => self.set_aside(row, error)?,
                other => other?,
            }
        }
        Ok(())
    }

    /// Remembers what a line lacks: what comes back of a purchase has the prices and the fields of what was bought.
    #[cold]
    fn set_aside(&mut self, row: usize, error: Box<RecordError>) -> Result<()> {
        let kind = self.out.record.kind.index();
        let is_return = self.schema.returns.get(kind).copied().unwrap_or(false);
        if self.found.kind && !is_return {
            return Err(error);
        }
        if self.found.incomplete.is_none() {
            self.found.incomplete = Some(error.within(&format!("[{row}]")).within("lines"));
        }
        Ok(())
    }

    pub fn finish_payment(&mut self, base: usize, at: usize) -> Result<()> {
        for rest in &self.schema.payment_rest {
            let Some(place) = self.out.record.payments.get_mut(base + rest.slot) else { continue };
            complete(place, rest, None, true, &[], &mut self.out.record.symbols, at)?;
        }
        Ok(())
    }

    pub fn finish_event(&mut self) -> Result<()> {
        let schema = self.schema;
        for (found, field, message) in [
            (self.found.id, "id", "an event has an id"),
            (self.found.kind, "kind", "an event has a kind"),
            (self.found.moment.is_some(), "at", "an event has an instant"),
        ] {
            if !found {
                return Err(missing(field, 0, message));
            }
        }
        let kind = self.out.record.kind.index();
        let comes_back = self.out.of.is_some() && schema.returns.get(kind).copied().unwrap_or(false);
        if let Some(error) = self.found.incomplete.take().filter(|_| !comes_back) {
            return Err(error);
        }
        let record = &mut self.out.record;
        let mut initial = 0i64;
        if schema.line_width > 0 {
            for line in record.lines.chunks_exact(schema.line_width) {
                let amount = line.get(line_slot::INITIAL.index()).copied().unwrap_or(0);
                initial = initial.checked_add(amount).filter(|sum| *sum != MISSING).ok_or_else(|| {
                    RecordError::new(Error::OutOfRange, 0, "the sum of the lines' amounts is too large")
                        .within("lines")
                })?;
            }
        }
        let member = self.out.member;
        let mut set = |slot: SlotId, value: i64| {
            if let Some(place) = record.event.get_mut(slot.index()) {
                *place = value;
            }
        };
        if let Some(moment) = self.found.moment {
            set(event_slot::AT, moment.instant);
            set(event_slot::DATE, moment.date);
            set(event_slot::TIME, moment.time);
            set(event_slot::WEEKDAY, moment.weekday);
            set(event_slot::MONTH_DAY, moment.month_day);
        }
        set(event_slot::MEMBER_KNOWN, i64::from(member.is_some()));
        set(event_slot::BASKET_INITIAL, initial);
        set(event_slot::BASKET_PAID, initial);
        let known = self.out.member().and_then(|member| schema.tables.member(member));
        let there = known.is_some() || self.found.inline_member;
        for rest in &schema.event_rest {
            let Some(place) = self.out.record.event.get_mut(rest.slot) else { continue };
            let there = match rest.record {
                RecordKind::Member => there,
                RecordKind::Event
                | RecordKind::Line
                | RecordKind::Product
                | RecordKind::Payment
                | RecordKind::Derived => true,
            };
            complete(place, rest, known, there, &schema.tables.symbols, &mut self.out.record.symbols, 0)?;
        }
        let kind = self.out.record.kind.index();
        let lacks = schema.event_lacks.get(kind).map_or(&[][..], Vec::as_slice);
        let mut doubtful = std::mem::take(&mut self.found.doubtful).into_iter();
        if let Some((slot, error)) = doubtful.find(|(slot, _)| !lacks.contains(&(*slot as usize))) {
            let path = schema.event_partial.get(&slot).map_or("", AsRef::as_ref);
            return Err(error.within(path));
        }
        for slot in lacks {
            if let Some(place) = self.out.record.event.get_mut(*slot) {
                *place = MISSING;
            }
        }
        schema.tell_time(&mut self.out.record, self.found.moment.map(|moment| moment.instant));
        schema.draw(self.out);
        for (hashed, kind) in &schema.hashed {
            let record = &mut self.out.record;
            let number = record.event.get(hashed.of.index()).and_then(|number| u32::try_from(*number).ok());
            let name = number.and_then(|number| name_of(schema, self.strangers, *kind, number));
            if let (Some(place), Some(name)) = (record.event.get_mut(hashed.slot.index()), name) {
                *place = hashed.number(name);
            }
        }
        let record = &self.out.record;
        for (slot, path) in schema.event_needs.get(record.kind.index()).into_iter().flatten() {
            if record.event.get(*slot).is_none_or(|value| *value == MISSING) {
                return Err(missing(path, 0, "the program needs this field"));
            }
        }
        Ok(())
    }
}

/// What does not go into its slots, or would only within limits that its JSON is held against.
pub(super) struct Refused;

/// Pours what is no JSON into a record, within the limits that it would have as JSON: what is taken here is taken there, and
/// what is refused here is read as JSON, whose reader has the last word.
pub(super) struct Pour<'r, 's> {
    pub fill: Fill<'r, 's>,
    /// Numbers of the names of a set.
    set: &'r mut Vec<u32>,
    /// Bytes that the record may still have, as JSON.
    room: usize,
}

impl<'r, 's> Pour<'r, 's> {
    pub fn new(fill: Fill<'r, 's>, set: &'r mut Vec<u32>) -> Pour<'r, 's> {
        let room = fill.schema.options().limits.record.min(MAX_RECORD_SET);
        Pour { fill, set, room }
    }

    /// A single value of a field.
    pub fn value(
        &mut self,
        field: usize,
        target: Target,
        scalar: Scalar<'_>,
    ) -> std::result::Result<(), Refused> {
        match scalar {
            Scalar::Text(text) | Scalar::Number(text) | Scalar::Cell(text) => self.text(text)?,
            // The longest as JSON is a decimal of 38 digits and as many zeros as a scale below zero can ask for.
            Scalar::Bool(_)
            | Scalar::Count(..)
            | Scalar::Date(_)
            | Scalar::Time(_)
            | Scalar::Instant { .. } => self.take(192)?,
        }
        let usual = self.fill.schema.fields.get(field).map_or(Usual::None, |field| field.usual);
        if self.fill.usual(usual, target, scalar) {
            return Ok(());
        }
        // Texts and numbers of JSON are told apart by their kind; here only the message would say it.
        let value = Value { at: 0, scalar, kind: Kind::String };
        self.fill.value(field, target, value).map_err(|_| Refused)
    }

    /// A set of names.
    pub fn names<'n>(
        &mut self,
        field: usize,
        target: Target,
        names: impl Iterator<Item = std::result::Result<&'n str, Refused>>,
    ) -> std::result::Result<(), Refused> {
        let schema = self.fill.schema;
        let Some([(slot, Form::Set(kind))]) = schema.fields.get(field).map(|field| field.slots.as_slice())
        else {
            return Err(Refused);
        };
        self.set.clear();
        for name in names {
            let name = name?;
            self.text(name)?;
            let number = self.fill.symbol(*kind, name);
            self.set.push(number);
        }
        self.fits(self.set.len())?;
        self.fill.set(target, *slot, self.set);
        Ok(())
    }

    /// As [`Pour::names`], of names for which there is room.
    #[cfg(feature = "columnar")]
    pub fn set<'n>(
        &mut self,
        (slot, kind): (u32, usize),
        target: Target,
        names: impl Iterator<Item = Option<&'n str>>,
    ) -> std::result::Result<(), Refused> {
        self.set.clear();
        for name in names {
            self.set.push(self.fill.symbol(kind, name.ok_or(Refused)?));
        }
        self.fill.set(target, slot, self.set);
        Ok(())
    }

    /// Room for a text, which takes at most six bytes of JSON for each of its own.
    pub fn text(&mut self, text: &str) -> std::result::Result<(), Refused> {
        let longest = text.len().saturating_mul(6);
        // No text may hold NUL, in whatever a record is written.
        if text.as_bytes().contains(&0) || longest > self.fill.schema.options().limits.text {
            return Err(Refused);
        }
        self.take(longest + 3)
    }

    /// Whether a list may have so many entries.
    pub fn fits(&self, entries: usize) -> std::result::Result<(), Refused> {
        if entries > self.fill.schema.options().limits.list { Err(Refused) } else { Ok(()) }
    }

    /// Takes so much of the room that is left.
    pub fn take(&mut self, bytes: usize) -> std::result::Result<(), Refused> {
        self.room = self.room.checked_sub(bytes).ok_or(Refused)?;
        Ok(())
    }
}

/// A slot that the record left empty: from the table, else its default, else what absence means.
#[inline]
pub(super) fn complete(
    place: &mut i64,
    rest: &Rest,
    table: Option<&[i64]>,
    there: bool,
    symbols: &[u32],
    out: &mut Vec<u32>,
    at: usize,
) -> Result<()> {
    if *place != MISSING {
        return Ok(());
    }
    if let Some(&value) = rest.column.and_then(|column| table?.get(column))
        && value != MISSING
    {
        *place = if rest.is_set {
            let start = out.len();
            out.extend_from_slice(symbols.get(set_range(value)).unwrap_or_default());
            set_slot(start, out.len())
        } else {
            value
        };
        return Ok(());
    }
    if let Some(default) = rest.default {
        *place = default;
        return Ok(());
    }
    if rest.optional || !there {
        return Ok(());
    }
    if rest.is_set {
        *place = 0;
        return Ok(());
    }
    Err(missing(&rest.path, at, "the program needs this field"))
}

/// The numbers of a line.
struct Amounts {
    pieces: i64,
    price: i64,
    initial: i64,
}

/// Works out a line's amount: as the source states it, else price times pieces (or weight), rounded once.
fn amounts(line: &LineParts, schema: &Schema, at: usize) -> Result<Amounts> {
    let too_large =
        || RecordError::new(Error::OutOfRange, at, "price times pieces is too large for an amount of money");
    let whole = |value: Option<i128>| {
        value
            .and_then(|value| i64::try_from(value).ok())
            .filter(|value| *value != MISSING)
            .ok_or_else(too_large)
    };
    let per_minor = i128::from(schema.price_per_minor);
    if let Some(weight) = line.weight {
        if line.pieces.is_some_and(|pieces| pieces != 1) {
            return Err(RecordError::new(
                Error::PiecesOfWeighedLine,
                at,
                "a line with a weight is one piece; leave `qty` out, or give the weight alone",
            )
            .within("qty"));
        }
        let initial = match (line.amount, line.price) {
            (Some(amount), _) => amount,
            (None, Some(price)) => {
                let product = i128::from(price).checked_mul(i128::from(weight.digits));
                let unit = 10i128.pow(u32::from(weight.scale)).checked_mul(per_minor);
                whole(
                    product
                        .zip(unit)
                        .and_then(|(product, unit)| divide_rounded(product, unit, schema.rounding).ok()),
                )?
            }
            (None, None) => {
                return Err(missing(
                    "price",
                    at,
                    "a weighed line has a price for a unit of weight, or an amount",
                ));
            }
        };
        // Its one piece costs what the line costs.
        let price = whole(i128::from(initial).checked_mul(per_minor))?;
        return Ok(Amounts { pieces: 1, price, initial });
    }
    let Some(pieces) = line.pieces else {
        return Err(missing("qty", at, "a line has a number of pieces, or a weight"));
    };
    match (line.price, line.amount) {
        (Some(price), amount) => {
            let initial = match amount {
                Some(amount) => amount,
                None => {
                    let product = i128::from(price) * i128::from(pieces);
                    if per_minor == 100 && product.unsigned_abs() < 1 << 62 {
                        small_quotient(product as i64, 100, schema.rounding)
                    } else {
                        whole(divide_rounded(product, per_minor, schema.rounding).ok())?
                    }
                }
            };
            Ok(Amounts { pieces, price, initial })
        }
        (None, Some(amount)) => {
            // Only rankings by price ask for it.
            let small = amount.checked_mul(schema.price_per_minor).filter(|scaled| *scaled != MISSING);
            let price = match (pieces, small) {
                (0, _) => 0,
                (1, Some(price)) => price,
                (2.., Some(scaled)) => small_quotient(scaled, pieces, Rounding::HalfUp),
                _ => {
                    let scaled = i128::from(amount).checked_mul(per_minor);
                    whole(scaled.and_then(|scaled| {
                        divide_rounded(scaled, i128::from(pieces), Rounding::HalfUp).ok()
                    }))?
                }
            };
            Ok(Amounts { pieces, price, initial: amount })
        }
        (None, None) if pieces == 0 => Ok(Amounts { pieces, price: 0, initial: 0 }),
        (None, None) => Err(missing("price", at, "a line has a price, or an amount")),
    }
}

/// [`divide_rounded`] in 64 bits, by a divisor above zero.
#[inline]
fn small_quotient(product: i64, divisor: i64, rounding: Rounding) -> i64 {
    let (quotient, rest) = (product / divisor, (product % divisor).unsigned_abs());
    let others = divisor.unsigned_abs() - rest;
    let away = match rounding {
        Rounding::HalfUp => rest >= others,
        Rounding::HalfEven => rest > others || (rest == others && quotient % 2 != 0),
        Rounding::HalfDown => rest > others,
        Rounding::Down => false,
        Rounding::Up => rest > 0,
    };
    quotient + if away { product.signum() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn small_quotients_are_those_of_all(product in any::<i64>(), shift in 0u32..64, divisor in 1i64..=i64::MAX, by in 0u32..63) {
            let (product, divisor) = (product >> shift, (divisor >> by).max(1));
            for rounding in
                [Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown, Rounding::Down, Rounding::Up]
            {
                let exact = divide_rounded(i128::from(product), i128::from(divisor), rounding).unwrap();
                prop_assert_eq!(i128::from(small_quotient(product, divisor, rounding)), exact);
            }
        }
    }
}
