//! An event as a person writes it, in YAML or JSON, as the JSON text that every record is read from.
//!
//! No figure becomes a number here: what stands in the file goes to the reader letter by letter. Refuses to know which
//! fields a record has.

use crate::Failure;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// Objects and lists inside one another.
const DEPTH: usize = 32;

/// The JSON text of an event in YAML or JSON.
///
/// # Errors
/// Where it is neither, in a sentence.
pub fn json(text: &str) -> Result<String, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        // As it stands: whether it is JSON is the reader's to say, with its place.
        return Ok(text.to_owned());
    }
    yaml(text)
}

/// Sets fields of the event itself in its JSON text: in place of what it says where `instead`, else only where it says
/// nothing.
///
/// # Errors
/// Where the text is no JSON object.
pub fn set(json: &str, fields: &[(&str, &str, bool)]) -> Result<String, Failure> {
    let parsed: Result<Fields, _> = serde_json::from_str(json);
    let mut object = match parsed {
        Ok(object) => object,
        // The reader says what is wrong with it, and where.
        Err(_) if fields.iter().all(|(_, _, instead)| !instead) => return Ok(json.to_owned()),
        Err(error) => return Err(Failure::new(format!("the event is no JSON object: {error}"))),
    };
    for (name, value, instead) in fields {
        let there = object.0.iter().any(|(known, _)| known == name);
        if there && !instead {
            continue;
        }
        object.0.retain(|(known, _)| known != name);
        let value =
            serde_json::value::to_raw_value(value).map_err(|error| Failure::new(error.to_string()))?;
        object.0.push(((*name).to_owned(), value));
    }
    let mut out = String::from("{");
    for (at, (name, value)) in object.0.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(&mut out, name);
        let _ = write!(out, ":{}", value.get());
    }
    out.push('}');
    Ok(out)
}

/// The fields of an object in their order, twice where they stand twice.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// What is open, and what comes next in it.
enum Open {
    List { empty: bool },
    Key { empty: bool },
    Value,
}

/// YAML as JSON. Words without quotes stay texts, so that `sku: 00123` keeps its zeros and `price: 2.50` its digits;
/// only `true`, `false` and `null` (or nothing) are what they say.
///
/// # Errors
/// With the place where the text is no YAML, or more than this reads of it.
pub fn yaml(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut open: Vec<Open> = Vec::new();
    let mut documents = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let (line, column) = (error.marker().line(), error.marker().col() + 1);
            format!("line {line}, column {column}: this is not YAML: {}", error.info())
        })?;
        let refuse =
            |what: &str| Err(format!("line {}, column {}: {what}", span.start.line(), span.start.col() + 1));
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return refuse("one file holds one event, and here a second document begins");
                }
            }
            Event::Alias(_) => return refuse("aliases (`*name`) are not read; write the value out"),
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return refuse("tags (`!name`) are not read; leave the tag out");
            }
            Event::Scalar(value, style, _, None) => {
                let plain = style == ScalarStyle::Plain;
                let is_key = matches!(open.last(), Some(Open::Key { .. }));
                separate(&mut out, &mut open);
                match value.as_ref() {
                    "" | "~" | "null" if plain && !is_key => out.push_str("null"),
                    word @ ("true" | "false") if plain && !is_key => out.push_str(word),
                    word => quote(&mut out, word),
                }
                after(&mut out, &mut open, is_key);
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if matches!(open.last(), Some(Open::Key { .. })) {
                    return refuse("a field's name is a word");
                }
                if open.len() >= DEPTH {
                    return refuse("this is nested too deeply");
                }
                separate(&mut out, &mut open);
                let is_list = matches!(event, Event::SequenceStart(..));
                out.push(if is_list { '[' } else { '{' });
                open.push(if is_list { Open::List { empty: true } } else { Open::Key { empty: true } });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                out.push(if matches!(event, Event::SequenceEnd) { ']' } else { '}' });
                open.pop();
                after(&mut out, &mut open, false);
            }
        }
    }
    if documents == 0 || out.is_empty() {
        return Err("there is no event in it".to_owned());
    }
    Ok(out)
}

/// Puts what stands between two things.
fn separate(out: &mut String, open: &mut [Open]) {
    if let Some(Open::List { empty } | Open::Key { empty }) = open.last_mut() {
        if !*empty {
            out.push(',');
        }
        *empty = false;
    }
}

/// After a thing: a value follows its key, and a key a value.
fn after(out: &mut String, open: &mut Vec<Open>, was_key: bool) {
    if was_key {
        out.push(':');
        open.push(Open::Value);
    } else if matches!(open.last(), Some(Open::Value)) {
        open.pop();
    }
}

fn quote(out: &mut String, text: &str) {
    // A text is always JSON.
    out.push_str(&serde_json::Value::String(text.to_owned()).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stay_letter_by_letter() {
        let text = "# a basket\nkind: purchase\nat: 2026-03-02 10:15\nmember: ~\nlines:\n  - { sku: 00123, qty: 2, price: 2.50 }\n  - sku: 'x: y'\n    qty: 1\n    price: 1e3\n    gift: true\n    note:\n";
        let expected = r#"{"kind":"purchase","at":"2026-03-02 10:15","member":null,"lines":[{"sku":"00123","qty":"2","price":"2.50"},{"sku":"x: y","qty":"1","price":"1e3","gift":true,"note":null}]}"#;
        assert_eq!(json(text).as_deref(), Ok(expected));
        assert_eq!(json("\"true\"").as_deref(), Ok("\"true\""));
        assert_eq!(json("{}\n").as_deref(), Ok("{}\n"));
    }

    #[test]
    fn what_is_no_event_is_refused_in_words() {
        for (text, part) in [
            ("", "there is no event"),
            ("a: &x 1\nb: *x\n", "line 2, column 4: aliases"),
            ("a: !b 1\n", "tags"),
            ("a: 1\n---\nb: 2\n", "second document"),
            ("? [a]\n: 1\n", "a field's name is a word"),
            ("a: [1\n", "not YAML"),
            ("a: 'x\n", "not YAML"),
        ] {
            let error = json(text).err().unwrap_or_default();
            assert!(error.contains(part), "{text:?}: {error}");
        }
        let deep = format!("a: {}", "[".repeat(100_000));
        assert!(json(&deep).is_err());
    }

    #[test]
    fn fields_are_set_where_they_are_missing_or_in_their_place() {
        let with = |json: &str| {
            set(json, &[("id", "1", false), ("at", "2026-01-01T00:00", true)]).unwrap_or_default()
        };
        assert_eq!(with("{\"at\": \"x\", \"n\": 1.50}"), r#"{"n":1.50,"id":"1","at":"2026-01-01T00:00"}"#);
        assert_eq!(
            with(r#"{"id":"7","a":[1,{"b":2}]}"#),
            r#"{"id":"7","a":[1,{"b":2}],"at":"2026-01-01T00:00"}"#
        );
        assert_eq!(set("{ broken", &[("id", "1", false)]).unwrap_or_default(), "{ broken");
        assert!(set("{ broken", &[("at", "1", true)]).is_err());
    }
}
