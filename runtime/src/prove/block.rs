//! A witness as a `test` block, so that it stays with the rules once the author has seen it. It refuses to write what a
//! test cannot say, and then writes nothing.

use perq_compiler::ir::{Program, RecordKind, Slot, SlotType};
use serde_json::{Map, Value};
use std::fmt::Write;

/// The test block of an event, with what it expects; nothing where a test cannot say it.
pub fn test_block(program: &Program, name: &str, event: &Value, expects: &str) -> Option<String> {
    let event = event.as_object()?;
    let at = event.get("at")?.as_str()?.replace('T', " ");
    let at = at.strip_suffix(":00").unwrap_or(&at);
    let kind = event.get("kind")?.as_str()?;
    let mut text = format!("test \"{name}\" {{\n");
    if let Some(member) = event.get("member").and_then(Value::as_object) {
        let id = member.get("id")?.as_str()?;
        let fields = fields(program, RecordKind::Member, member, &["id"])?;
        let _ = writeln!(text, "  given member \"{id}\" {{ {} }}", fields.join(", "));
    }
    let _ = writeln!(text, "  given {kind} at {at} {{");
    let own = fields(program, RecordKind::Event, event, &["id", "kind", "at", "member", "lines"])?;
    for field in own {
        let _ = writeln!(text, "    {field}");
    }
    for line in event.get("lines")?.as_array()? {
        let line = line.as_object()?;
        let mut parts = vec![format!("sku = \"{}\"", line.get("sku")?.as_str()?)];
        parts.push(format!("pieces = {} pcs", line.get("pieces")?));
        if let Some(price) = line.get("price") {
            parts.push(format!("price = {} {}", trimmed(price.as_str()?), program.currency.code));
        }
        parts.extend(fields(program, RecordKind::Line, line, &["sku", "pieces", "price", "product"])?);
        if line.contains_key("product") {
            return None;
        }
        let _ = writeln!(text, "    line {{ {} }}", parts.join(", "));
    }
    let _ = writeln!(text, "  }}\n  expect {{ {expects} }}\n}}");
    Some(text)
}

/// `1.2000` as `1.20`.
fn trimmed(decimal: &str) -> &str {
    let shorter = decimal.trim_end_matches('0');
    let digits = shorter.rsplit_once('.').map_or(0, |(_, digits)| digits.len());
    let keep = decimal.len().min(shorter.len().saturating_add(2usize.saturating_sub(digits.min(2))));
    decimal.get(..keep).unwrap_or(decimal).trim_end_matches('.')
}

/// Fields of a record as a test writes them; none at all where one has no form.
fn fields(
    program: &Program,
    record: RecordKind,
    object: &Map<String, Value>,
    but: &[&str],
) -> Option<Vec<String>> {
    let slots = match record {
        RecordKind::Event | RecordKind::Member => &program.layout.event,
        RecordKind::Line | RecordKind::Product | RecordKind::Payment | RecordKind::Derived => {
            &program.layout.line
        }
    };
    let mut found = Vec::new();
    for (key, value) in object.iter().filter(|(key, _)| !but.contains(&key.as_str())) {
        let slot = slots.iter().find(|slot| slot.record == record && slot.key.as_slice() == [key.clone()])?;
        found.push(format!("{} = {}", slot.name.rsplit('.').next()?, written(program, slot, value)?));
    }
    Some(found)
}

fn written(program: &Program, slot: &Slot, value: &Value) -> Option<String> {
    let text = || match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    Some(match slot.ty {
        SlotType::Bool => value.as_bool()?.to_string(),
        SlotType::Money { .. } => format!("{} {}", trimmed(&text()?), program.currency.code),
        SlotType::Points(account) => {
            format!("{} {}", trimmed(&text()?), program.accounts.get(account.index())?.unit)
        }
        SlotType::Percent => format!("{}%", trimmed(&text()?)),
        SlotType::Number { .. } | SlotType::Date | SlotType::Enum(_) => text()?,
        // Which unit is counted is not in a pack.
        SlotType::Count | SlotType::Time | SlotType::Instant => return None,
        SlotType::Symbol(_) => format!("\"{}\"", value.as_str()?),
        SlotType::Set(_) => {
            let names: Option<Vec<String>> =
                value.as_array()?.iter().map(|name| Some(format!("\"{}\"", name.as_str()?))).collect();
            format!("[{}]", names?.join(", "))
        }
    })
}
