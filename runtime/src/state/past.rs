//! Earlier events as texts that outlive a pack: what histories repeat of them, by the names of their fields. Numbers of
//! slots, enumerations and symbols belong to one program or one record; names last. Refuses to know where they are kept.

use super::memory::{Back, Kept, KeptLine, KeptValue};
use perq_compiler::calendar::Instant;
use perq_compiler::ir::{EventId, MISSING, Program, Slot, SlotId, SlotType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An earlier event.
#[derive(Serialize, Deserialize)]
pub(super) struct Past {
    /// Which of the events that another raised it is; 0 for one that came by itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) raised: u64,
    kind: String,
    at: i64,
    date: i64,
    time: i64,
    paid: i64,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Line>,
    /// What comes back with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    returns: Option<Returns>,
}

/// Goods of an earlier event that come back.
#[derive(Serialize, Deserialize)]
struct Returns {
    /// The place of that event.
    of: u64,
    lines: Vec<ReturnedLine>,
}

#[derive(Serialize, Deserialize)]
struct ReturnedLine {
    row: usize,
    pieces: i64,
    paid: i64,
}

#[derive(Serialize, Deserialize)]
struct Line {
    pieces: i64,
    paid: i64,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Past {
    /// Of an event that was kept.
    pub(super) fn of(program: &Program, event_slots: &[SlotId], line_slots: &[SlotId], kept: &Kept) -> Past {
        let layout = &program.layout;
        Past {
            raised: 0,
            kind: program.events.get(kept.kind.index()).map(|kind| kind.name.clone()).unwrap_or_default(),
            at: kept.now.at,
            date: kept.now.date,
            time: kept.now.time,
            paid: kept.paid,
            fields: fields(program, &layout.event, event_slots, &kept.slots),
            lines: kept
                .lines
                .iter()
                .map(|line| Line {
                    pieces: line.pieces,
                    paid: line.paid,
                    fields: fields(program, &layout.line, line_slots, &line.slots),
                })
                .collect(),
            returns: None,
        }
    }

    /// Adds what comes back with it, of the event at a place.
    pub(super) fn brings_back(&mut self, of: u64, back: impl Iterator<Item = Back>) {
        let lines = back.map(|back| ReturnedLine { row: back.row, pieces: back.pieces, paid: back.paid });
        self.returns = Some(Returns { of, lines: lines.collect() });
    }

    /// As text.
    pub(super) fn write(&self) -> String {
        // Plain data: nothing can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From text.
    pub(super) fn read(text: &str) -> Option<Past> {
        serde_json::from_str(text).ok()
    }

    /// The place of the event of which something comes back with it, and what; `order` is its own place.
    pub(super) fn back(&self, order: u64) -> Option<(u64, impl Iterator<Item = Back>)> {
        let returns = self.returns.as_ref()?;
        let order = order.saturating_add(self.raised);
        let back = move |line: &ReturnedLine| Back {
            order,
            at: self.at,
            row: line.row,
            pieces: line.pieces,
            paid: line.paid,
        };
        Some((returns.of, returns.lines.iter().map(back)))
    }

    /// When it happened.
    pub(super) fn now(&self) -> Instant {
        Instant { at: self.at, date: self.date, time: self.time }
    }

    /// Its kind, where the program knows it.
    pub(super) fn kind(&self, program: &Program) -> Option<EventId> {
        let kind = program.events.iter().position(|kind| kind.name == self.kind)?;
        u32::try_from(kind).ok().map(EventId)
    }

    /// As it is kept for a program, at the place of the event that came; nothing where it lacks a field that the program's
    /// histories repeat, or is of a kind that the program does not know.
    pub(super) fn kept(
        &self,
        program: &Program,
        event_slots: &[SlotId],
        line_slots: &[SlotId],
        order: u64,
    ) -> Option<Kept> {
        let layout = &program.layout;
        let lines = self.lines.iter().map(|line| {
            let slots = values(program, &layout.line, line_slots, &line.fields)?;
            Some(KeptLine { slots, pieces: line.pieces, paid: line.paid })
        });
        Some(Kept {
            order: order.saturating_add(self.raised),
            kind: self.kind(program)?,
            now: self.now(),
            slots: values(program, &layout.event, event_slots, &self.fields)?,
            lines: lines.collect::<Option<_>>()?,
            paid: self.paid,
        })
    }
}

fn fields(program: &Program, of: &[Slot], slots: &[SlotId], values: &[KeptValue]) -> Map<String, Value> {
    let named = slots.iter().zip(values).filter_map(|(slot, value)| Some((of.get(slot.index())?, value)));
    named.map(|(slot, value)| (slot.name.clone(), field(program, slot, value))).collect()
}

fn field(program: &Program, slot: &Slot, value: &KeptValue) -> Value {
    match value {
        KeptValue::Number(MISSING) => Value::Null,
        KeptValue::Number(number) => match enumeration(program, slot) {
            Some(values) => {
                let name = usize::try_from(*number).ok().and_then(|at| values.get(at));
                name.map_or(Value::Null, |name| Value::from(name.as_str()))
            }
            None => Value::from(*number),
        },
        KeptValue::Name(_, name) => Value::from(name.as_ref()),
        KeptValue::Names(_, names) => names.iter().map(|name| Value::from(name.as_ref())).collect(),
    }
}

fn enumeration<'p>(program: &'p Program, slot: &Slot) -> Option<&'p [String]> {
    program.enums.get(slot.ty.enumeration()?.index()).map(|of| of.values.as_slice())
}

fn values(
    program: &Program,
    of: &[Slot],
    slots: &[SlotId],
    fields: &Map<String, Value>,
) -> Option<Vec<KeptValue>> {
    let mut all = Vec::with_capacity(slots.len());
    for slot in slots {
        let slot = of.get(slot.index())?;
        all.push(value(program, slot, fields.get(&slot.name)?));
    }
    Some(all)
}

/// A field whose type has changed since, or whose value is no longer there, is absent.
fn value(program: &Program, slot: &Slot, value: &Value) -> KeptValue {
    let number = |number: Option<i64>| KeptValue::Number(number.unwrap_or(MISSING));
    match slot.ty {
        SlotType::Symbol(kind) => match value.as_str() {
            Some(name) => KeptValue::Name(kind, name.into()),
            None => number(None),
        },
        SlotType::Set(kind) => match value.as_array() {
            Some(names) => {
                KeptValue::Names(kind, names.iter().filter_map(Value::as_str).map(Box::from).collect())
            }
            None => number(None),
        },
        SlotType::Enum(_) => {
            let at = value
                .as_str()
                .and_then(|name| enumeration(program, slot)?.iter().position(|known| known == name));
            number(at.and_then(|at| i64::try_from(at).ok()))
        }
        SlotType::Bool
        | SlotType::Money { .. }
        | SlotType::Points(_)
        | SlotType::Percent
        | SlotType::Count
        | SlotType::Number { .. }
        | SlotType::Date
        | SlotType::Time
        | SlotType::Instant => number(value.as_i64()),
    }
}
