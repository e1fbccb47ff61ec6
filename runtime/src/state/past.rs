//! Earlier events as texts that outlive a pack: what histories repeat of them, by the names of their fields. Numbers of
//! slots, enumerations and symbols belong to one program or one record; names last. Refuses to know where they are kept.

use super::memory::{Kept, KeptLine, KeptValue};
use perq_compiler::calendar::Instant;
use perq_compiler::ir::{EventId, MISSING, Program, Slot, SlotId, SlotType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Serialize, Deserialize)]
struct Past {
    kind: String,
    at: i64,
    date: i64,
    time: i64,
    paid: i64,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    pieces: i64,
    paid: i64,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

/// Writes an event.
pub(super) fn write(program: &Program, event_slots: &[SlotId], line_slots: &[SlotId], kept: &Kept) -> String {
    let layout = &program.layout;
    let past = Past {
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
    };
    // Plain data: nothing can fail.
    serde_json::to_string(&past).unwrap_or_default()
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
    match slot.ty {
        SlotType::Enum(id) => program.enums.get(id.index()).map(|of| of.values.as_slice()),
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
        | SlotType::Set(_) => None,
    }
}

/// Reads an event for a program; nothing where it lacks a field that the program's histories repeat, or is of a kind that
/// the program does not know.
pub(super) fn read(
    program: &Program,
    event_slots: &[SlotId],
    line_slots: &[SlotId],
    text: &str,
) -> Option<Kept> {
    let past: Past = serde_json::from_str(text).ok()?;
    let kind = program.events.iter().position(|kind| kind.name == past.kind)?;
    let layout = &program.layout;
    let lines = past.lines.iter().map(|line| {
        let slots = values(program, &layout.line, line_slots, &line.fields)?;
        Some(KeptLine { slots, pieces: line.pieces, paid: line.paid })
    });
    Some(Kept {
        kind: EventId(u32::try_from(kind).ok()?),
        now: Instant { at: past.at, date: past.date, time: past.time },
        slots: values(program, &layout.event, event_slots, &past.fields)?,
        lines: lines.collect::<Option<_>>()?,
        paid: past.paid,
    })
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
