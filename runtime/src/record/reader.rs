//! Reads one record from JSON into slots, field by field as they come.
//!
//! Refuses to know streams and files. Nothing is allocated for a record once the buffers have grown, except where a
//! record is refused.

use super::error::{RecordError, RecordErrorKind as Error};
use super::fill::{
    Fill, Pour, ReadLine, Refused, Strangers, Target, Value, complete, missing, name_of, number_of,
};
use super::json::{Cursor, Expected, Kind, Malformed, Span, Word};
use super::schema::{Builtin, EVENT, LINE, MAX_RECORD_SET, MEMBER, PAYMENT, Schema, UnknownFields, Usual};
use super::value::{Form, Scalar};
use crate::nearest::nearest;
use crate::returns::{Excerpt, NoReturn, Returned};
use crate::state::instruments::Presented;
use perq_compiler::calendar::Instant;
use perq_compiler::evaluate::{Record, TierChange};
use perq_compiler::ir::{EventId, MISSING, Program, RecordKind, RowSource, SlotId, event_slot};
use std::sync::Arc;

/// A record as evaluation needs it, and the texts that the decision repeats. Reused from record to record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadEvent {
    /// Its slots.
    pub record: Record,
    /// The texts.
    pub(super) text: String,
    /// In the text.
    pub(super) id: (u32, u32),
    pub(super) member: Option<(u32, u32)>,
    /// By line.
    pub(super) skus: Vec<(u32, u32)>,
    /// The event whose goods come back, where it names one.
    pub(super) of: Option<(u32, u32)>,
    /// By line: the position in that event, where the line names one.
    pub(super) of_lines: Vec<Option<i64>>,
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
    pub(super) fn slice(&self, (start, length): (u32, u32)) -> &str {
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

    /// The skus of its lines, of one copy of its texts.
    pub(crate) fn skus(&self) -> impl Iterator<Item = Excerpt> {
        let whole: Arc<str> = self.text.as_str().into();
        self.skus.iter().map(move |&sku| Excerpt::of(&whole, sku))
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

    pub(super) fn keep(&mut self, text: &str) -> (u32, u32) {
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

/// A key that was met, and the key that came after it the last time: records of one source write their fields in one
/// order, so that the next key is mostly known before it is read.
#[derive(Debug)]
struct Met {
    node: u32,
    /// As written, with quotes and colon; nothing of the first one of an object.
    written: Expected,
    field: Option<u32>,
    /// Of the field.
    usual: Usual,
    next: usize,
}

/// A field that objects of one kind begin with, after those before it.
#[derive(Debug)]
struct Step {
    /// Its key as written, after the brace or comma before it.
    written: Word,
    usual: Usual,
    /// Which of the keys that were met.
    met: usize,
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
    /// By kind of object: the first fields of the last one, as far as their values may be ordinary and their keys are short.
    habits: Vec<Vec<Step>>,
    /// Unescaped texts.
    decoded: String,
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
        let start =
            |node| Met { node, written: Expected::new(b""), field: None, usual: Usual::None, next: 0 };
        Scratch {
            schema: Some(schema.identity().clone()),
            seen: vec![0; schema.fields.len()],
            met: (0..schema.node_count()).map(start).collect(),
            habits: (0..schema.node_count()).map(|_| Vec::new()).collect(),
            ..Scratch::default()
        }
    }

    /// Remembers that objects of a kind begin with the fields that this one begins with, so many of them.
    fn remember(&mut self, node: u32, count: usize) {
        let Some(habit) = self.habits.get_mut(node as usize) else { return };
        habit.clear();
        let mut at = node as usize;
        for place in 0..count {
            let next = self.met.get(at).map(|met| met.next);
            let Some((met, key)) = next.and_then(|next| Some((next, self.met.get(next)?))) else { return };
            let before = if place == 0 { b'{' } else { b',' };
            let Some(written) = key.written.word().and_then(|word| word.after(before)) else { return };
            habit.push(Step { written, usual: key.usual, met });
            at = met;
        }
    }

    /// Notes that an object has the first fields of its kind, so many of them; the entry of the last one.
    fn note(&mut self, node: u32, count: usize, object: u64) -> usize {
        let mut last = node as usize;
        for step in self.habits.get(node as usize).into_iter().flatten().take(count) {
            last = step.met;
            let field = self.met.get(last).and_then(|met| met.field);
            if let Some(seen) = field.and_then(|field| self.seen.get_mut(field as usize)) {
                *seen = object;
            }
        }
        last
    }

    /// Whether a key that was met may be of a [`Step`].
    fn may_be_first(&self, met: usize) -> bool {
        let is_short = |met: &Met| met.written.word().and_then(|word| word.after(b',')).is_some();
        self.met.get(met).is_some_and(|met| met.usual != Usual::None && is_short(met))
    }

    /// Remembers that a key came after another, and gives its entry.
    fn meet(&mut self, schema: &Schema, node: u32, name: &str, before: usize) -> usize {
        let is_name = |met: &Met| {
            met.node == node
                && met.written.text().strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\":"))
                    == Some(name.as_bytes())
        };
        let at = match self.met.iter().position(is_name) {
            Some(at) => at,
            None if self.met.len() < MET + node as usize && name.len() <= MET_LENGTH => {
                let written = Expected::new(format!("\"{name}\":").as_bytes());
                let field = schema.lookup(node, name);
                let of = field.and_then(|field| schema.fields.get(field as usize));
                let usual = of.map_or(Usual::None, |field| field.usual);
                self.met.push(Met { node, written, field, usual, next: 0 });
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
    strangers: Strangers,
    lines: Vec<ReadLine>,
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
                let _ = complete(place, rest, Some(fields), false, &schema.tables.symbols, symbols, 0);
            }
        }
    }

    /// The number of a name in the record that was read last: the catalogue's, or one of this record's own.
    pub fn symbol_number(&mut self, schema: &Schema, kind: usize, name: &str) -> u32 {
        number_of(schema, &mut self.strangers, kind, name)
    }

    /// The name that a number of the record that was read last stands for.
    pub fn symbol_name<'a>(&'a self, schema: &'a Schema, kind: usize, number: u32) -> Option<&'a str> {
        name_of(schema, &self.strangers, kind, number)
    }

    /// The names of the record that was read last that no dictionary has: kind, number behind the dictionary's, name.
    pub(crate) fn strangers(&self) -> Vec<(u32, u32, String)> {
        self.strangers.all().map(|(kind, number, name)| (kind, number, name.to_owned())).collect()
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
        self.strangers.clear();
        scratch.unread.clear();
        let mut reading = Reading {
            text,
            cursor: Cursor::new(text, schema.options.limits.text),
            scratch,
            fill: Fill::new(schema, &mut self.strangers, &mut self.lines, out),
        };
        reading.record().map_err(|mut error| {
            if reading.fill.found.id && error.id.is_none() {
                error.id = Some(super::error::clip(reading.fill.out.id(), 256));
            }
            error
        })?;
        self.name_others(schema, out);
        Ok(())
    }

    /// Reads a record that is filled value by value. True where that is so, and the record is whole.
    pub(super) fn read_filled(
        &mut self,
        schema: &Schema,
        out: &mut ReadEvent,
        fill: impl FnOnce(&mut Pour<'_, '_>) -> std::result::Result<(), Refused>,
    ) -> bool {
        out.clear();
        self.strangers.clear();
        let empty = Fill::new(schema, &mut self.strangers, &mut self.lines, out);
        let mut pour = Pour::new(empty, &mut self.scratch.set);
        let whole = fill(&mut pour).is_ok() && pour.fill.finish_event().is_ok();
        if whole {
            self.name_others(schema, out);
        }
        whole
    }

    /// Notes the ids of other members whom the program gives to or counts for.
    fn name_others(&self, schema: &Schema, out: &mut ReadEvent) {
        for (slot, kind) in &schema.others {
            let value = out.record.event.get(slot.index()).copied().unwrap_or(MISSING);
            let number = u32::try_from(value).ok().filter(|_| value != MISSING);
            if let Some(name) = number.and_then(|number| self.symbol_name(schema, kind.index(), number)) {
                let span = out.keep(name);
                out.others.push((*slot, span));
            }
        }
    }
}

/// Reads an ordinary value; false where it is none, and the cursor stays.
#[inline]
fn usual(cursor: &mut Cursor<'_>, fill: &mut Fill<'_, '_>, usual: Usual, target: Target) -> bool {
    match usual {
        Usual::None => false,
        Usual::Decimal(of) => match cursor.plain_decimal(of.scale()) {
            Some(count) => {
                fill.count(of, target, count);
                true
            }
            None => false,
        },
        Usual::Symbol { .. } | Usual::Text { .. } | Usual::Sku { .. } | Usual::Own(_) => {
            let at = cursor.at();
            let text = cursor.plain_text();
            let is_read = text.is_some_and(|text| fill.usual(usual, target, Scalar::Text(text)));
            if !is_read {
                cursor.go_back(at);
            }
            is_read
        }
    }
}

struct Reading<'r, 's, 'i> {
    text: &'i str,
    cursor: Cursor<'i>,
    scratch: &'r mut Scratch,
    fill: Fill<'r, 's>,
}

#[cold]
fn malformed(error: Malformed) -> Box<RecordError> {
    RecordError::new(error.kind, error.at, error.what)
}

impl<'i> Reading<'_, '_, 'i> {
    fn record(&mut self) -> Result<()> {
        match self.cursor.kind().map_err(malformed)? {
            Kind::Object => self.object(EVENT, Target::Event)?,
            Kind::Array | Kind::String | Kind::Number | Kind::True | Kind::False | Kind::Null => {
                return Err(self.wrong_type("a record should be a JSON object"));
            }
        }
        self.cursor.finish().map_err(malformed)?;
        self.fill.finish_event()
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
        // What begins like a word need not be one.
        if let Ok(kind) = self.cursor.kind()
            && self.cursor.skip(&mut String::new()).is_ok()
        {
            message = format!("{message}, but is {}", kind.describe());
        }
        RecordError::new(Error::WrongType, at, message).about(self.text.get(at..).unwrap_or_default())
    }

    /// The fields of an object at whose brace the cursor stands.
    fn object(&mut self, node: u32, target: Target) -> Result<()> {
        let habit = self.scratch.habits.get(node as usize).map_or(0, Vec::len);
        let as_before = self.as_before(node, target);
        if as_before > 0 && self.cursor.take_end() {
            return Ok(());
        }
        self.scratch.object += 1;
        let object = self.scratch.object;
        let unread = self.scratch.unread.len();
        let mut before = self.scratch.note(node, as_before, object);
        let mut more = match as_before {
            0 => self.cursor.enter().map_err(malformed)?,
            _ => {
                self.cursor.is_within();
                self.cursor.next(b'}').map_err(malformed)?
            }
        };
        // The first fields of which all may be ordinary, and whether there was no other yet.
        let (mut first, mut is_first) = (as_before, true);
        while more {
            if let Some(next) = self.ordinary(node, target, object, &mut before) {
                is_first &= self.scratch.may_be_first(before);
                first += usize::from(is_first);
                more = next.map_err(malformed)?;
                continue;
            }
            let (key, field) = self.key(node, &mut before)?;
            is_first &= !key.decoded && self.scratch.may_be_first(before);
            first += usize::from(is_first);
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
                    let refuse = self.fill.schema.options.unknown_fields == UnknownFields::Refuse;
                    if refuse || self.fill.schema.is_closed(node) {
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
        if first > as_before || as_before < habit {
            self.scratch.remember(node, first);
        }
        Ok(())
    }

    /// Takes the first fields of an object as far as they are those of the last one of its kind, in its order and written without
    /// space, and their values are ordinary. How many; the cursor is behind them, and in an object of none where it was.
    fn as_before(&mut self, node: u32, target: Target) -> usize {
        let Reading { cursor, fill, scratch, .. } = self;
        let habit = scratch.habits.get(node as usize).filter(|_| cursor.is_shallow());
        let mut count = 0;
        for step in habit.into_iter().flatten() {
            let at = cursor.at();
            if !cursor.take_word(&step.written) {
                break;
            }
            if !usual(cursor, fill, step.usual, target) {
                cursor.go_back(at);
                break;
            }
            count += 1;
        }
        count
    }

    /// The next field, where its key is the one that came next the last time and its value is ordinary; says whether another
    /// follows. Otherwise nothing, and the cursor stays. `before` is the entry of the key before it.
    fn ordinary(
        &mut self,
        node: u32,
        target: Target,
        object: u64,
        before: &mut usize,
    ) -> Option<std::result::Result<bool, Malformed>> {
        let guess = self.scratch.met.get(*before)?.next;
        let met = self.scratch.met.get(guess)?;
        let (usual, number) = (met.usual, met.field? as usize);
        let is_new = self.scratch.seen.get(number).is_some_and(|seen| *seen != object);
        let start = self.cursor.at();
        if met.node != node || usual == Usual::None || !is_new || !self.cursor.take(&met.written) {
            return None;
        }
        if !self::usual(&mut self.cursor, &mut self.fill, usual, target) {
            self.cursor.go_back(start);
            return None;
        }
        *self.scratch.seen.get_mut(number)? = object;
        *before = guess;
        Some(self.cursor.next(b'}'))
    }

    /// The next key and its field. `before` is the entry of the key before it.
    #[inline]
    fn key(&mut self, node: u32, before: &mut usize) -> Result<(Span, Option<u32>)> {
        let guess = self.scratch.met.get(*before).map_or(0, |met| met.next);
        let at = self.cursor.at();
        if let Some(met) = self.scratch.met.get(guess)
            && met.node == node
            && !met.written.text().is_empty()
            && self.cursor.take(&met.written)
        {
            *before = guess;
            let length = met.written.text().len() as u32 - 3;
            let span = Span { start: at as u32 + 1, length, decoded: false };
            return Ok((span, met.field));
        }
        let key = self.cursor.key(&mut self.scratch.decoded).map_err(malformed)?;
        let name = Self::span(self.text, &self.scratch.decoded, key);
        let field = self.fill.schema.lookup(node, name);
        if !key.decoded {
            let name = Self::span(self.text, "", key);
            *before = self.scratch.meet(self.fill.schema, node, name, *before);
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
        let message = match nearest(name, self.fill.schema.keys(node)) {
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
        let schema = self.fill.schema;
        let Some(field) = schema.fields.get(number) else { return Ok(()) };
        if usual(&mut self.cursor, &mut self.fill, field.usual, target) {
            return Ok(());
        }
        match field.builtin {
            Builtin::None => {}
            Builtin::Lines => return self.rows(LINE, Target::Line(0)),
            Builtin::Payments => return self.rows(PAYMENT, Target::Payment(0)),
            Builtin::Member => return self.member(),
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
                return self.set(*set, target, *slot);
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
                return self.fill.value(number, target, Value { at, scalar: Scalar::Text(&text), kind });
            }
            let text = Self::span(self.text, "", span);
            return self.fill.value(number, target, Value { at, scalar: Scalar::Text(text), kind });
        }
        let scalar = match kind {
            Kind::Number => Scalar::Number(self.cursor.number().map_err(malformed)?),
            Kind::True | Kind::False => {
                self.cursor.word(kind).map_err(malformed)?;
                Scalar::Bool(kind == Kind::True)
            }
            // Done above.
            Kind::Object | Kind::Array | Kind::String | Kind::Null => return Ok(()),
        };
        self.fill.value(number, target, Value { at, scalar, kind })
    }

    /// A list of names at whose bracket the cursor stands.
    fn set(&mut self, kind: usize, target: Target, slot: u32) -> Result<()> {
        self.scratch.set.clear();
        let mut more = self.cursor.enter().map_err(malformed)?;
        let mut count = 0;
        while more {
            if count >= self.fill.schema.options.limits.list {
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
                self.fill.symbol(kind, &name)
            } else {
                self.fill.symbol(kind, Self::span(self.text, "", span))
            };
            self.scratch.decoded.truncate(from);
            self.scratch.set.push(number);
            count += 1;
            more = self.cursor.next(b']').map_err(malformed)?;
        }
        self.fill.set(target, slot, &mut self.scratch.set);
        Ok(())
    }

    #[cold]
    fn list_too_long(&self) -> Box<RecordError> {
        let limit = self.fill.schema.options.limits.list;
        let message = format!("the list has more than {limit} entries");
        RecordError::new(Error::ListTooLong, self.cursor.at(), message)
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
                self.fill.out.member = Some(self.fill.out.keep(text));
                Ok(())
            }
            Kind::Object => {
                self.fill.found.inline_member = true;
                self.object(MEMBER, Target::Event)?;
                match self.fill.out.member {
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
        if target == Target::Line(0) {
            self.fill.found.lines = true;
            let rows = self.each_row(node, true);
            // What is wrong with a line before comes first.
            self.fill.finish_lines()?;
            return rows;
        }
        self.fill.found.payments = true;
        self.each_row(node, false)
    }

    /// The lines or payments of a list at whose bracket the cursor stands.
    fn each_row(&mut self, node: u32, is_line: bool) -> Result<()> {
        let mut more = self.cursor.enter().map_err(malformed)?;
        let mut count = 0;
        while more {
            if count >= self.fill.schema.options.limits.list {
                return Err(self.list_too_long());
            }
            let at = self.cursor.at();
            let decoded = self.scratch.decoded.len();
            if self.cursor.kind().map_err(malformed)? != Kind::Object {
                return Err(self.wrong_type("this should be an object").within(&format!("[{count}]")));
            }
            let within = |error: Box<RecordError>| error.within(&format!("[{count}]"));
            if is_line {
                if self.fill.has_many_lines() {
                    self.fill.finish_lines()?;
                }
                let base = self.fill.begin_line();
                self.object(node, Target::Line(base)).map_err(within)?;
                self.fill.end_line(base, count, at);
            } else {
                let base = self.fill.begin_payments(1);
                let row = self.object(node, Target::Payment(base));
                row.and_then(|()| self.fill.finish_payment(base, at)).map_err(within)?;
            }
            self.scratch.decoded.truncate(decoded);
            count += 1;
            more = self.cursor.next(b']').map_err(malformed)?;
        }
        Ok(())
    }

    /// A list of objects at whose bracket the cursor stands.
    fn list(&mut self, number: usize) -> Result<()> {
        let Some(list) = self.fill.schema.lists.get(number) else { return Ok(()) };
        let mut more = self.cursor.enter().map_err(malformed)?;
        let mut count = 0;
        while more {
            if count >= self.fill.schema.options.limits.list {
                return Err(self.list_too_long());
            }
            let at = self.cursor.at();
            if self.cursor.kind().map_err(malformed)? != Kind::Object {
                return Err(self.wrong_type("this should be an object").within(&format!("[{count}]")));
            }
            let decoded = self.scratch.decoded.len();
            let base = self.fill.begin_rows(list, 1);
            let row = self.object(list.node, Target::Row(number, base));
            row.and_then(|()| self.fill.finish_row(list, base, at))
                .map_err(|error| error.within(&format!("[{count}]")))?;
            self.scratch.decoded.truncate(decoded);
            count += 1;
            more = self.cursor.next(b']').map_err(malformed)?;
        }
        Ok(())
    }
}
