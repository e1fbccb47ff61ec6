//! Reads one record from JSON into slots, field by field as they come.
//!
//! Refuses to know streams and files. Nothing is allocated for a record once the buffers have grown, except where a
//! record is refused.

use super::error::{RecordError, RecordErrorKind as Error};
use super::json::{Cursor, Kind, Malformed, Span};
use super::schema::{
    Builtin, EVENT, LINE, List, MAX_RECORD_SET, MEMBER, PAYMENT, Rest, Schema, UnknownFields,
};
use super::value::{Form, Scalar, Unit, ValueError, decimal, malformed_instant};
use crate::catalogue::bind::{set_range, set_slot};
use crate::clock::Moment;
use crate::nearest::nearest;
use crate::returns::{NoReturn, Returned};
use crate::state::instruments::Presented;
use perq_compiler::calendar::Instant;
use perq_compiler::evaluate::{Record, TableRows, TierChange};
use perq_compiler::exact::divide_rounded;
use perq_compiler::ir::{
    EventId, MISSING, PRICE_SCALE, Program, RecordKind, Rounding, RowSource, SlotId, event_slot, line_slot,
};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// A record as evaluation needs it, and the texts that the decision repeats. Reused from record to record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadEvent {
    /// Its slots.
    pub record: Record,
    /// The texts.
    text: String,
    /// In the text.
    id: (u32, u32),
    member: Option<(u32, u32)>,
    /// By line.
    skus: Vec<(u32, u32)>,
    /// The event whose goods come back, where it names one.
    of: Option<(u32, u32)>,
    /// By line: the position in that event, where the line names one.
    of_lines: Vec<Option<i64>>,
    /// What comes back with it, or why nothing does; filled by who keeps state.
    pub returned: Option<std::result::Result<Box<Returned>, NoReturn>>,
    /// The codes it presents, and what they stand for; filled by who keeps state.
    pub presented: Vec<Presented>,
    /// Other members whom the program gives to or counts for, by the slot that names them.
    others: Vec<(SlotId, (u32, u32))>,
    /// Events that this one has brought about, as rules hear them.
    pub raised: Vec<ReadEvent>,
    /// Of an event that tells rules of a level: the id of the event that brought it about, and the change.
    pub heard: Option<(Box<str>, TierChange)>,
}

impl ReadEvent {
    fn slice(&self, (start, length): (u32, u32)) -> &str {
        self.text.get(start as usize..).and_then(|tail| tail.get(..length as usize)).unwrap_or_default()
    }

    /// The event's id.
    pub fn id(&self) -> &str {
        self.slice(self.id)
    }

    /// The member's id.
    pub fn member(&self) -> Option<&str> {
        self.member.map(|span| self.slice(span))
    }

    /// The event whose goods come back, where it names one.
    pub fn of(&self) -> Option<&str> {
        self.of.map(|span| self.slice(span))
    }

    /// The position of the line of that event which a line names.
    pub fn of_line(&self, row: usize) -> Option<i64> {
        self.of_lines.get(row).copied().flatten()
    }

    /// The id of another member, by the slot that names them: one that an effect gives to or a limit counts for.
    pub fn other(&self, slot: SlotId) -> Option<&str> {
        self.others.iter().find(|(of, _)| *of == slot).map(|&(_, span)| self.slice(span))
    }

    /// The sku of a line, by its row.
    pub fn sku(&self, row: usize) -> &str {
        self.skus.get(row).map_or("", |&span| self.slice(span))
    }

    /// How many lines.
    pub fn line_count(&self) -> usize {
        self.skus.len()
    }

    /// The event as one of another kind and time that it brings about: of its member and fields, without goods, payments
    /// and what is a field of other kinds only. `None` where that kind needs fields of its own.
    pub(crate) fn brings_about(
        &self,
        schema: &Schema,
        program: &Program,
        kind: EventId,
        id: &str,
        now: Instant,
    ) -> Option<ReadEvent> {
        let declared = program.events.get(kind.index()).filter(|event| event.needs.is_empty())?;
        let mut event = self.clone();
        event.raised.clear();
        event.presented.clear();
        event.skus.clear();
        // What comes back does so with the event itself, and once.
        event.returned = None;
        event.of = None;
        event.of_lines.clear();
        event.id = event.keep(id);
        let record = &mut event.record;
        record.kind = kind;
        record.lines.clear();
        record.payments.clear();
        for (table, rows) in program.layout.tables.iter().zip(&mut record.tables) {
            if let RowSource::List { record: RecordKind::Event, .. } = table.source {
                rows.slots.clear();
            }
        }
        let nothing = [(event_slot::BASKET_INITIAL, 0), (event_slot::BASKET_PAID, 0)];
        let clock = [
            (event_slot::AT, now.at),
            (event_slot::DATE, now.date),
            (event_slot::TIME, now.time),
            (event_slot::WEEKDAY, crate::clock::weekday_of(now.date)),
            (event_slot::MONTH_DAY, crate::clock::month_day_of(now.date).unwrap_or(MISSING)),
        ];
        for slot in schema.clocks.iter().flat_map(|clock| clock.slots) {
            if let Some(place) = record.event.get_mut(slot) {
                *place = MISSING;
            }
        }
        let lacking = declared.lacks.iter().copied();
        // Codes and requests to pay are met by the event itself.
        let asked = program.redemptions.iter().map(|redemption| redemption.request);
        let presented = program.instruments.presented;
        let gone = lacking.chain(asked).chain(presented).map(|slot| (slot, MISSING));
        for (slot, value) in nothing.into_iter().chain(clock).chain(gone) {
            if let Some(place) = record.event.get_mut(slot.index()) {
                *place = value;
            }
        }
        schema.tell_time(record, Some(now.at));
        Some(event)
    }

    fn keep(&mut self, text: &str) -> (u32, u32) {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        (start, text.len() as u32)
    }

    fn clear(&mut self) {
        let ReadEvent {
            record,
            text,
            id,
            member,
            skus,
            of,
            of_lines,
            returned,
            presented,
            others,
            raised,
            heard,
        } = self;
        *heard = None;
        *of = None;
        of_lines.clear();
        *returned = None;
        raised.clear();
        presented.clear();
        record.event.clear();
        record.lines.clear();
        record.payments.clear();
        record.tables.clear();
        record.symbols.clear();
        text.clear();
        *id = (0, 0);
        *member = None;
        skus.clear();
        others.clear();
    }
}

/// Names that no dictionary has, numbered as they come: equal names have equal numbers within a record.
#[derive(Debug, Default)]
struct Strangers {
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
    fn clear(&mut self) {
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
    fn name(&self, kind: usize, number: u32) -> Option<&str> {
        let is_it = |of: &&(u32, u32, u32, u32)| (of.0 as usize, of.3) == (kind, number);
        let (_, start, length, _) = self.list.iter().find(is_it)?;
        self.text.get(*start as usize..(start + length) as usize)
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

/// A key that was met, and the key that came after it the last time: records of one source write their fields in one
/// order, so that the next key is mostly known before it is read.
#[derive(Debug)]
struct Met {
    node: u32,
    /// As written, with quotes and colon.
    written: Box<[u8]>,
    field: Option<u32>,
    next: usize,
}

/// Keys that are remembered.
const MET: usize = 256;
/// Bytes of a key that is remembered.
const MET_LENGTH: usize = 64;

/// Buffers that live from record to record.
#[derive(Debug, Default)]
struct Scratch {
    /// First an entry for each kind of object, whose `next` is the first key.
    met: Vec<Met>,
    /// Unescaped texts.
    decoded: String,
    strangers: Strangers,
    /// By field: the object in which it was last seen.
    seen: Vec<u64>,
    object: u64,
    /// The identity of the schema that `met` and `seen` are about.
    schema: Option<Arc<()>>,
    /// Names of fields of the open objects that no slot reads.
    unread: Vec<Span>,
    set: Vec<u32>,
}

impl Scratch {
    fn of(schema: &Schema) -> Scratch {
        let start = |node| Met { node, written: Box::default(), field: None, next: 0 };
        Scratch {
            schema: Some(schema.identity().clone()),
            seen: vec![0; schema.fields.len()],
            met: (0..schema.node_count()).map(start).collect(),
            ..Scratch::default()
        }
    }

    /// Remembers that a key came after another, and gives its entry.
    fn meet(&mut self, node: u32, name: &str, field: Option<u32>, before: usize) -> usize {
        let is_name = |met: &Met| {
            met.node == node
                && met.written.get(1..).is_some_and(|rest| rest.strip_suffix(b"\":") == Some(name.as_bytes()))
        };
        let at = match self.met.iter().position(is_name) {
            Some(at) => at,
            None if self.met.len() < MET + node as usize && name.len() <= MET_LENGTH => {
                let written = format!("\"{name}\":").into_bytes().into();
                self.met.push(Met { node, written, field, next: 0 });
                self.met.len() - 1
            }
            None => return 0,
        };
        if let Some(before) = self.met.get_mut(before) {
            before.next = at;
        }
        at
    }
}

/// Reads records, one after another, into the same buffers.
#[derive(Debug, Default)]
pub struct Reader {
    scratch: Scratch,
}

type Result<T> = std::result::Result<T, Box<RecordError>>;

impl Reader {
    /// With empty buffers.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// Makes a member that the record that was read last does not name the event's own.
    pub(crate) fn adopt(&self, schema: &Schema, event: &mut ReadEvent, member: &str) {
        event.member = Some(event.keep(member));
        if let Some(known) = event.record.event.get_mut(event_slot::MEMBER_KNOWN.index()) {
            *known = 1;
        }
        let Some(fields) = schema.tables.member(member) else { return };
        for rest in schema.event_rest.iter().filter(|rest| rest.record == RecordKind::Member) {
            if let Some(place) = event.record.event.get_mut(rest.slot) {
                let symbols = &mut event.record.symbols;
                // What the table does not say of a member is missing.
                let _ = fill(place, rest, Some(fields), false, &schema.tables.symbols, symbols, 0);
            }
        }
    }

    /// The number of a name in the record that was read last: the catalogue's, or one of this record's own.
    pub fn symbol_number(&mut self, schema: &Schema, kind: usize, name: &str) -> u32 {
        number_of(schema, &mut self.scratch.strangers, kind, name)
    }

    /// The name that a number of the record that was read last stands for.
    pub fn symbol_name<'a>(&'a self, schema: &'a Schema, kind: usize, number: u32) -> Option<&'a str> {
        let dictionary = schema.tables.dictionaries.get(kind);
        let known = dictionary.map_or(0, crate::catalogue::Dictionary::len) as u32;
        match number.checked_sub(known) {
            Some(stranger) => self.scratch.strangers.name(kind, stranger),
            None => dictionary?.name(number),
        }
    }

    /// The names of the record that was read last that no dictionary has: kind, number behind the dictionary's, name.
    pub(crate) fn strangers(&self) -> Vec<(u32, u32, String)> {
        let strangers = &self.scratch.strangers;
        let name = |start: u32, length: u32| strangers.text.get(start as usize..(start + length) as usize);
        let entries = strangers.list.iter();
        entries
            .filter_map(|(kind, start, length, number)| {
                Some((*kind, *number, name(*start, *length)?.to_owned()))
            })
            .collect()
    }

    /// Reads a record from its JSON text. In the error, line and offset count within this text.
    ///
    /// # Errors
    /// Says what is wrong with the record, and where; `out` then holds nothing of use.
    pub fn read(&mut self, schema: &Schema, text: &[u8], out: &mut ReadEvent) -> Result<()> {
        out.clear();
        let limit = schema.options.limits.record.min(MAX_RECORD_SET);
        if text.len() > limit {
            return Err(RecordError::new(
                Error::RecordTooLong,
                0,
                format!("the record is longer than the limit of {limit} bytes"),
            ));
        }
        let text = std::str::from_utf8(text).map_err(|error| {
            RecordError::new(Error::InvalidUtf8, error.valid_up_to(), "the record is not written in UTF-8")
        })?;
        let scratch = &mut self.scratch;
        if !scratch.schema.as_ref().is_some_and(|known| Arc::ptr_eq(known, schema.identity())) {
            *scratch = Scratch::of(schema);
        }
        scratch.decoded.clear();
        scratch.strangers.clear();
        scratch.unread.clear();
        let mut reading = Reading {
            schema,
            text,
            cursor: Cursor::new(text, schema.options.limits.text),
            scratch,
            out,
            line: LineParts::default(),
            found: Found::default(),
        };
        reading.record().map_err(|mut error| {
            if reading.found.id && error.id.is_none() {
                error.id = Some(super::error::clip(reading.out.id(), 256));
            }
            error
        })?;
        for (slot, kind) in &schema.others {
            let value = out.record.event.get(slot.index()).copied().unwrap_or(MISSING);
            let number = u32::try_from(value).ok().filter(|_| value != MISSING);
            if let Some(name) = number.and_then(|number| self.symbol_name(schema, kind.index(), number)) {
                let span = out.keep(name);
                out.others.push((*slot, span));
            }
        }
        Ok(())
    }
}

/// A name's number in the catalogue's dictionary of its kind, or past its end.
fn number_of(schema: &Schema, strangers: &mut Strangers, kind: usize, name: &str) -> u32 {
    let dictionary = schema.tables.dictionaries.get(kind);
    match dictionary.and_then(|dictionary| dictionary.number(name)) {
        Some(number) => number,
        None => {
            let known = dictionary.map_or(0, crate::catalogue::Dictionary::len) as u32;
            known.saturating_add(strangers.number(kind, name))
        }
    }
}

/// Which row of which part is being filled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Event,
    Line(usize),
    Payment(usize),
    /// Of this list, where the row begins.
    Row(usize, usize),
}

/// What the open line says about its amount.
#[derive(Default)]
struct LineParts {
    sku: Option<(u32, u32)>,
    /// Its number in the dictionary of the kind `sku`.
    sku_number: Option<u32>,
    of_line: Option<i64>,
    pieces: Option<i64>,
    price: Option<i64>,
    amount: Option<i64>,
    /// As written: where, and its text's place.
    weight: Option<Written>,
}

/// A decimal before its scale is chosen.
#[derive(Clone, Copy)]
struct Written {
    digits: i64,
    scale: u8,
}

/// What of the event was found.
#[derive(Default)]
struct Found {
    id: bool,
    kind: bool,
    lines: bool,
    payments: bool,
    moment: Option<Moment>,
    /// The member is described in the record itself.
    inline_member: bool,
    /// What the first line lacks that a line of what is sold has, where it may be one of what comes back.
    incomplete: Option<Box<RecordError>>,
    /// Values that cannot be read, of slots that are fields of some kinds only.
    doubtful: Vec<(u32, Box<RecordError>)>,
}

/// A value with the place where it begins and its text.
struct Value<'a> {
    at: usize,
    scalar: Option<Scalar<'a>>,
    kind: Kind,
}

struct Reading<'r, 's, 'i> {
    schema: &'s Schema,
    text: &'i str,
    cursor: Cursor<'i>,
    scratch: &'r mut Scratch,
    out: &'r mut ReadEvent,
    line: LineParts,
    found: Found,
}

#[cold]
fn malformed(error: Malformed) -> Box<RecordError> {
    RecordError::new(error.kind, error.at, error.what)
}

fn missing(field: &str, at: usize, message: impl Into<String>) -> Box<RecordError> {
    RecordError::new(Error::MissingField, at, message).within(field)
}

impl<'i> Reading<'_, '_, 'i> {
    fn record(&mut self) -> Result<()> {
        let record = &mut self.out.record;
        record.line_width = self.schema.line_width;
        record.payment_width = self.schema.payment_width;
        record.event.resize(self.schema.event_width, MISSING);
        for list in &self.schema.lists {
            if record.tables.len() <= list.table {
                record.tables.resize_with(list.table + 1, TableRows::default);
            }
            if let Some(table) = record.tables.get_mut(list.table) {
                table.width = list.width;
            }
        }
        match self.cursor.kind().map_err(malformed)? {
            Kind::Object => self.object(EVENT, Target::Event)?,
            Kind::Array | Kind::String | Kind::Number | Kind::True | Kind::False | Kind::Null => {
                return Err(self.wrong_type("a record should be a JSON object"));
            }
        }
        self.cursor.finish().map_err(malformed)?;
        self.finish_event()
    }

    /// The text of a span that the cursor gave.
    fn span<'b>(text: &'b str, decoded: &'b str, span: Span) -> &'b str {
        let source = if span.decoded { decoded } else { text };
        source
            .get(span.start as usize..)
            .and_then(|tail| tail.get(..span.length as usize))
            .unwrap_or_default()
    }

    #[cold]
    fn wrong_type(&mut self, message: &str) -> Box<RecordError> {
        let at = self.cursor.at();
        let mut message = message.to_owned();
        if let Ok(kind) = self.cursor.kind() {
            message = format!("{message}, but is {}", kind.describe());
        }
        RecordError::new(Error::WrongType, at, message).about(self.text.get(at..).unwrap_or_default())
    }

    /// The fields of an object at whose brace the cursor stands.
    fn object(&mut self, node: u32, target: Target) -> Result<()> {
        self.scratch.object += 1;
        let object = self.scratch.object;
        let unread = self.scratch.unread.len();
        let mut before = node as usize;
        let mut more = self.cursor.enter().map_err(malformed)?;
        while more {
            let (key, field) = self.key(node, &mut before)?;
            match field {
                Some(number) => {
                    if let Some(seen) = self.scratch.seen.get_mut(number as usize)
                        && std::mem::replace(seen, object) == object
                    {
                        return Err(self.duplicate(key));
                    }
                    if let Err(error) = self.field(number as usize, target) {
                        return Err(error.within(Self::span(self.text, &self.scratch.decoded, key)));
                    }
                }
                None => {
                    let refuse = self.schema.options.unknown_fields == UnknownFields::Refuse;
                    if refuse || self.schema.is_closed(node) {
                        return Err(self.unknown_field(node, key));
                    }
                    self.scratch.unread.push(key);
                    if let Err(error) = self.cursor.skip(&mut self.scratch.decoded) {
                        return Err(malformed(error).within(Self::span(
                            self.text,
                            &self.scratch.decoded,
                            key,
                        )));
                    }
                }
            }
            more = self.cursor.next(b'}').map_err(malformed)?;
        }
        if self.scratch.unread.len() > unread + 1 {
            self.refuse_repeated_unread(unread)?;
        }
        self.scratch.unread.truncate(unread);
        Ok(())
    }

    /// The next key and its field. `before` is the entry of the key before it.
    #[inline]
    fn key(&mut self, node: u32, before: &mut usize) -> Result<(Span, Option<u32>)> {
        let guess = self.scratch.met.get(*before).map_or(0, |met| met.next);
        let at = self.cursor.at();
        if let Some(met) = self.scratch.met.get(guess)
            && met.node == node
            && !met.written.is_empty()
            && self.cursor.take(&met.written)
        {
            *before = guess;
            let span = Span { start: at as u32 + 1, length: met.written.len() as u32 - 3, decoded: false };
            return Ok((span, met.field));
        }
        let key = self.cursor.key(&mut self.scratch.decoded).map_err(malformed)?;
        let name = Self::span(self.text, &self.scratch.decoded, key);
        let field = self.schema.lookup(node, name);
        if !key.decoded {
            *before = self.scratch.meet(node, Self::span(self.text, "", key), field, *before);
        }
        Ok((key, field))
    }

    #[cold]
    fn duplicate(&self, key: Span) -> Box<RecordError> {
        let name = Self::span(self.text, &self.scratch.decoded, key);
        RecordError::new(Error::DuplicateField, self.cursor.at(), "this field is given twice").within(name)
    }

    #[cold]
    fn unknown_field(&self, node: u32, key: Span) -> Box<RecordError> {
        let name = Self::span(self.text, &self.scratch.decoded, key);
        let message = match nearest(name, self.schema.keys(node)) {
            Some(near) => format!("the program reads no such field; `{near}` is near"),
            None => "the program reads no such field".to_owned(),
        };
        RecordError::new(Error::UnknownField, self.cursor.at(), message).within(name)
    }

    /// Fields that nothing reads may not be repeated either.
    fn refuse_repeated_unread(&mut self, from: usize) -> Result<()> {
        let (text, decoded) = (self.text, &self.scratch.decoded);
        let Some(spans) = self.scratch.unread.get_mut(from..) else { return Ok(()) };
        let name = |span: &Span| Self::span(text, decoded, *span);
        let repeated = if spans.len() <= 16 {
            let mut rest: &[Span] = spans;
            loop {
                let Some((first, others)) = rest.split_first() else { break None };
                if others.iter().any(|other| other.length == first.length && name(other) == name(first)) {
                    break Some(*first);
                }
                rest = others;
            }
        } else {
            spans.sort_unstable_by(|a, b| name(a).cmp(name(b)));
            spans
                .windows(2)
                .find(|pair| pair.first().map(name) == pair.get(1).map(name))
                .and_then(|p| p.first())
                .copied()
        };
        match repeated {
            Some(span) => Err(self.duplicate(span)),
            None => Ok(()),
        }
    }

    fn field(&mut self, number: usize, target: Target) -> Result<()> {
        let schema = self.schema;
        let Some(field) = schema.fields.get(number) else { return Ok(()) };
        match field.builtin {
            Builtin::None => {}
            Builtin::Lines => return self.rows(LINE, Target::Line(0)),
            Builtin::Payments => return self.rows(PAYMENT, Target::Payment(0)),
            Builtin::Member => return self.member(),
            Builtin::Pieces if field.slots.is_empty() => {
                if let Some(pieces) = self.cursor.plain_decimal(0) {
                    self.line.pieces = Some(pieces);
                    return Ok(());
                }
            }
            Builtin::Price if field.slots.is_empty() => {
                if let Some(price) = self.cursor.plain_decimal(PRICE_SCALE as u8) {
                    self.line.price = Some(price);
                    return Ok(());
                }
            }
            Builtin::Id
            | Builtin::EventKind
            | Builtin::Of
            | Builtin::OfLine
            | Builtin::MemberId
            | Builtin::At
            | Builtin::Currency
            | Builtin::Sku
            | Builtin::Pieces
            | Builtin::Price
            | Builtin::Amount
            | Builtin::Weight => {}
        }
        let kind = self.cursor.kind().map_err(malformed)?;
        let at = self.cursor.at();
        match kind {
            Kind::Object => match field.child {
                Some(child) => return self.object(child, target),
                None => return Err(self.wrong_type("this should be a single value")),
            },
            Kind::Array => {
                if let Some(list) = field.list {
                    return self.list(list as usize);
                }
                let [(slot, Form::Set(set))] = field.slots.as_slice() else {
                    return Err(self.wrong_type("this should be a single value"));
                };
                let value = self.set(*set)?;
                self.store(target, *slot, value);
                return Ok(());
            }
            Kind::String | Kind::Number | Kind::True | Kind::False | Kind::Null => {}
        }
        if kind == Kind::Null {
            return self.cursor.word(kind).map_err(malformed);
        }
        if field.list.is_some() {
            return Err(self.wrong_type("this should be a list"));
        }
        if field.slots.is_empty() && field.builtin == Builtin::None {
            return Err(self.wrong_type("this should be an object"));
        }
        if kind == Kind::String {
            let span = self.cursor.string(&mut self.scratch.decoded).map_err(malformed)?;
            // A decoded text moves out of the way of the buffers that the value goes through.
            if span.decoded {
                let text = Self::span(self.text, &self.scratch.decoded, span).to_owned();
                return self.value(number, target, Value { at, scalar: Some(Scalar::Text(&text)), kind });
            }
            let text = Self::span(self.text, "", span);
            return self.value(number, target, Value { at, scalar: Some(Scalar::Text(text)), kind });
        }
        let scalar = match kind {
            Kind::Number => Some(Scalar::Number(self.cursor.number().map_err(malformed)?)),
            Kind::True | Kind::False => {
                self.cursor.word(kind).map_err(malformed)?;
                Some(Scalar::Bool(kind == Kind::True))
            }
            Kind::Object | Kind::Array | Kind::String | Kind::Null => None,
        };
        self.value(number, target, Value { at, scalar, kind })
    }

    /// A single value of a field.
    fn value(&mut self, number: usize, target: Target, value: Value<'_>) -> Result<()> {
        let schema = self.schema;
        let (Some(field), Some(scalar)) = (schema.fields.get(number), value.scalar) else { return Ok(()) };
        let refused = |error: ValueError| {
            let text = match scalar {
                Scalar::Bool(true) => "true",
                Scalar::Bool(false) => "false",
                Scalar::Number(text) | Scalar::Text(text) | Scalar::Cell(text) => text,
            };
            RecordError::new(error.kind, value.at, error.message).about(text)
        };
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
                let Scalar::Text(text) = scalar else { return Err(wrong("an instant in quotes")) };
                self.found.moment =
                    Some(schema.values.zone.moment(text).ok_or_else(|| refused(malformed_instant()))?);
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
                let (Scalar::Number(text) | Scalar::Text(text)) = scalar else {
                    return Err(wrong("a number"));
                };
                let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                let scale = u8::try_from(decimals).unwrap_or(u8::MAX).min(9);
                let digits = decimal(text, scale, Unit::Plain).map_err(refused)?;
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

    fn symbol(&mut self, kind: usize, name: &str) -> u32 {
        number_of(self.schema, &mut self.scratch.strangers, kind, name)
    }

    /// A list of names at whose bracket the cursor stands.
    fn set(&mut self, kind: usize) -> Result<i64> {
        self.scratch.set.clear();
        let mut more = self.cursor.enter().map_err(malformed)?;
        let mut count = 0;
        while more {
            if count >= self.schema.options.limits.list {
                return Err(self.list_too_long());
            }
            if self.cursor.kind().map_err(malformed)? != Kind::String {
                return Err(self.wrong_type("this should be a name in quotes").within(&format!("[{count}]")));
            }
            let from = self.scratch.decoded.len();
            let span = self
                .cursor
                .string(&mut self.scratch.decoded)
                .map_err(|error| malformed(error).within(&format!("[{count}]")))?;
            let number = if span.decoded {
                let name = Self::span(self.text, &self.scratch.decoded, span).to_owned();
                self.symbol(kind, &name)
            } else {
                self.symbol(kind, Self::span(self.text, "", span))
            };
            self.scratch.decoded.truncate(from);
            self.scratch.set.push(number);
            count += 1;
            more = self.cursor.next(b']').map_err(malformed)?;
        }
        self.scratch.set.sort_unstable();
        self.scratch.set.dedup();
        let symbols = &mut self.out.record.symbols;
        let start = symbols.len();
        symbols.extend_from_slice(&self.scratch.set);
        Ok(set_slot(start, symbols.len()))
    }

    #[cold]
    fn list_too_long(&self) -> Box<RecordError> {
        let limit = self.schema.options.limits.list;
        let message = format!("the list has more than {limit} entries");
        RecordError::new(Error::ListTooLong, self.cursor.at(), message)
    }

    fn store(&mut self, target: Target, slot: u32, value: i64) {
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

    /// `"member": "id"`, `null`, or an object with an id and fields.
    fn member(&mut self) -> Result<()> {
        let at = self.cursor.at();
        match self.cursor.kind().map_err(malformed)? {
            Kind::Null => self.cursor.word(Kind::Null).map_err(malformed),
            Kind::String => {
                let span = self.cursor.string(&mut self.scratch.decoded).map_err(malformed)?;
                let text = Self::span(self.text, &self.scratch.decoded, span);
                if text.is_empty() {
                    return Err(RecordError::new(
                        Error::MissingField,
                        at,
                        "a member's id is not empty; leave the field out, or write null, where there is no member",
                    ));
                }
                self.out.member = Some(self.out.keep(text));
                Ok(())
            }
            Kind::Object => {
                self.found.inline_member = true;
                self.object(MEMBER, Target::Event)?;
                match self.out.member {
                    Some(_) => Ok(()),
                    None => Err(missing("id", at, "a member has an id")),
                }
            }
            Kind::Array | Kind::Number | Kind::True | Kind::False => {
                Err(self.wrong_type("this should be a member's id in quotes, an object or null"))
            }
        }
    }

    /// A list of lines or payments.
    fn rows(&mut self, node: u32, target: Target) -> Result<()> {
        match self.cursor.kind().map_err(malformed)? {
            Kind::Null => return self.cursor.word(Kind::Null).map_err(malformed),
            Kind::Array => {}
            Kind::Object | Kind::String | Kind::Number | Kind::True | Kind::False => {
                return Err(self.wrong_type("this should be a list"));
            }
        }
        let is_line = target == Target::Line(0);
        if is_line {
            self.found.lines = true;
        } else {
            self.found.payments = true;
        }
        let mut more = self.cursor.enter().map_err(malformed)?;
        let mut count = 0;
        while more {
            if count >= self.schema.options.limits.list {
                return Err(self.list_too_long());
            }
            let at = self.cursor.at();
            let decoded = self.scratch.decoded.len();
            if self.cursor.kind().map_err(malformed)? != Kind::Object {
                return Err(self.wrong_type("this should be an object").within(&format!("[{count}]")));
            }
            let record = &mut self.out.record;
            let row = if is_line {
                let base = record.lines.len();
                record.lines.resize(base + self.schema.line_width, MISSING);
                self.line = LineParts::default();
                self.object(node, Target::Line(base)).and_then(|()| self.finish_line(base, count, at))
            } else {
                let base = record.payments.len();
                record.payments.resize(base + self.schema.payment_width, MISSING);
                self.object(node, Target::Payment(base)).and_then(|()| self.finish_payment(base, at))
            };
            row.map_err(|error| error.within(&format!("[{count}]")))?;
            self.scratch.decoded.truncate(decoded);
            count += 1;
            more = self.cursor.next(b']').map_err(malformed)?;
        }
        Ok(())
    }

    /// A list of objects at whose bracket the cursor stands.
    fn list(&mut self, number: usize) -> Result<()> {
        let Some(list) = self.schema.lists.get(number) else { return Ok(()) };
        let mut more = self.cursor.enter().map_err(malformed)?;
        let mut count = 0;
        while more {
            if count >= self.schema.options.limits.list {
                return Err(self.list_too_long());
            }
            let at = self.cursor.at();
            if self.cursor.kind().map_err(malformed)? != Kind::Object {
                return Err(self.wrong_type("this should be an object").within(&format!("[{count}]")));
            }
            let decoded = self.scratch.decoded.len();
            let mut base = 0;
            if let Some(table) = self.out.record.tables.get_mut(list.table) {
                base = table.slots.len();
                table.slots.resize(base + list.width, MISSING);
            }
            let row = self.object(list.node, Target::Row(number, base));
            row.and_then(|()| self.finish_row(list, base, at))
                .map_err(|error| error.within(&format!("[{count}]")))?;
            self.scratch.decoded.truncate(decoded);
            count += 1;
            more = self.cursor.next(b']').map_err(malformed)?;
        }
        Ok(())
    }

    fn finish_row(&mut self, list: &List, base: usize, at: usize) -> Result<()> {
        let record = &mut self.out.record;
        let Some(table) = record.tables.get_mut(list.table) else { return Ok(()) };
        for rest in &list.rest {
            let Some(place) = table.slots.get_mut(base + rest.slot) else { continue };
            fill(place, rest, None, true, &[], &mut record.symbols, at)?;
        }
        Ok(())
    }

    fn finish_line(&mut self, base: usize, row: usize, at: usize) -> Result<()> {
        let schema = self.schema;
        let Some(sku) = self.line.sku else { return Err(missing("sku", at, "a line has a sku")) };
        self.out.skus.push(sku);
        self.out.of_lines.push(self.line.of_line);
        let amounts = match amounts(&self.line, schema, at) {
            Err(error) if error.kind == Error::MissingField => {
                // A weighed line is one piece.
                let pieces = self.line.pieces.or(self.line.weight.map(|_| 1));
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
        let product = self.line.sku_number.and_then(|number| schema.tables.product(number));
        for rest in &schema.line_rest {
            let Some(place) = self.out.record.lines.get_mut(base + rest.slot) else { continue };
            let there = match rest.record {
                RecordKind::Product => product.is_some(),
                RecordKind::Event
                | RecordKind::Member
                | RecordKind::Line
                | RecordKind::Payment
                | RecordKind::Derived => true,
            };
            let symbols = &mut self.out.record.symbols;
            match fill(place, rest, product, there, &schema.tables.symbols, symbols, at) {
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

    fn finish_payment(&mut self, base: usize, at: usize) -> Result<()> {
        for rest in &self.schema.payment_rest {
            let Some(place) = self.out.record.payments.get_mut(base + rest.slot) else { continue };
            fill(place, rest, None, true, &[], &mut self.out.record.symbols, at)?;
        }
        Ok(())
    }

    fn finish_event(&mut self) -> Result<()> {
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
            fill(place, rest, known, there, &schema.tables.symbols, &mut self.out.record.symbols, 0)?;
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
        let record = &self.out.record;
        for (slot, path) in schema.event_needs.get(record.kind.index()).into_iter().flatten() {
            if record.event.get(*slot).is_none_or(|value| *value == MISSING) {
                return Err(missing(path, 0, "the program needs this field"));
            }
        }
        Ok(())
    }
}

/// A slot that the record left empty: from the table, else its default, else what absence means.
#[inline]
fn fill(
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
                        small_quotient(product as i64, schema.rounding)
                    } else {
                        whole(divide_rounded(product, per_minor, schema.rounding).ok())?
                    }
                }
            };
            Ok(Amounts { pieces, price, initial })
        }
        (None, Some(amount)) => {
            // Only rankings by price ask for it.
            let price = match pieces {
                0 => 0,
                pieces => {
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

/// [`divide_rounded`] by 100 for the common currencies, in 64 bits.
fn small_quotient(product: i64, rounding: Rounding) -> i64 {
    let (quotient, rest) = (product / 100, (product % 100).unsigned_abs());
    let away = match rounding {
        Rounding::HalfUp => rest >= 50,
        Rounding::HalfEven => rest > 50 || (rest == 50 && quotient % 2 != 0),
        Rounding::HalfDown => rest > 50,
        Rounding::Down => false,
        Rounding::Up => rest > 0,
    };
    quotient + if away { product.signum() } else { 0 }
}
