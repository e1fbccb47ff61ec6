//! Holds JSON against a schema, as far as the schemas of this repository go. A keyword that it does not know is an error
//! of its own, so that nothing passes unseen.

use serde_json::Value;

/// What is wrong with a value; nothing where it fits.
pub fn misfits(schema: &Value, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    check(schema, schema, value, "$", &mut out);
    out
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else {
        out.push(format!("{at}: the schema is no object"));
        return;
    };
    for (keyword, wanted) in keywords {
        match (keyword.as_str(), wanted, value) {
            ("$schema" | "$id" | "$defs" | "title" | "description", _, _) => {}
            ("$ref", Value::String(path), _) => match root.pointer(path.trim_start_matches('#')) {
                Some(inner) => check(root, inner, value, at, out),
                None => out.push(format!("{at}: there is no {path}")),
            },
            ("anyOf", Value::Array(schemas), _) => {
                let fits = |schema: &Value| {
                    let mut misfits = Vec::new();
                    check(root, schema, value, at, &mut misfits);
                    misfits.is_empty()
                };
                if !schemas.iter().any(fits) {
                    out.push(format!("{at}: {value} fits none of {}", schemas.len()));
                }
            }
            ("type", _, _) => {
                let found = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                let among = wanted.as_array().is_some_and(|list| list.contains(&found.into()));
                if wanted != found && !among {
                    out.push(format!("{at}: {found} is not {wanted}"));
                }
            }
            ("enum", Value::Array(list), _) if !list.contains(value) => out.push(format!("{at}: {value}")),
            ("const", wanted, _) if wanted != value => out.push(format!("{at}: {value} is not {wanted}")),
            ("enum" | "const", _, _) => {}
            ("pattern", Value::String(pattern), Value::String(text)) => {
                if !matches(pattern, text) {
                    out.push(format!("{at}: {text} is not {pattern}"));
                }
            }
            ("minimum", least, Value::Number(number)) => {
                if number.as_i64() < least.as_i64() {
                    out.push(format!("{at}: {number} is less than {least}"));
                }
            }
            ("required", Value::Array(names), Value::Object(fields)) => {
                let lacks = names.iter().filter_map(Value::as_str).filter(|name| !fields.contains_key(*name));
                out.extend(lacks.map(|name| format!("{at} lacks {name}")));
            }
            ("properties", Value::Object(properties), Value::Object(fields)) => {
                for (name, field) in fields {
                    if let Some(inner) = properties.get(name) {
                        check(root, inner, field, &format!("{at}.{name}"), out);
                    }
                }
            }
            ("additionalProperties", Value::Bool(false), Value::Object(fields)) => {
                let known = |name: &str| schema["properties"].get(name).is_some();
                out.extend(fields.keys().filter(|name| !known(name)).map(|name| format!("{at} has {name}")));
            }
            ("items", inner, Value::Array(list)) => {
                for (index, item) in list.iter().enumerate() {
                    check(root, inner, item, &format!("{at}[{index}]"), out);
                }
            }
            // The type of what is here is wrong, which is said.
            ("required" | "properties" | "additionalProperties" | "items" | "pattern" | "minimum", _, _) => {}
            (keyword, _, _) => out.push(format!("{at}: unknown keyword {keyword}")),
        }
    }
}

/// The patterns that our schemas have: digits by groups, with what stands between them.
fn matches(pattern: &str, text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str, length: Option<usize>| {
        let right = length.is_none_or(|length| text.len() == length);
        right && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    match pattern {
        "^-?[0-9]+([.][0-9]+)?$" => match rest.split_once('.') {
            Some((whole, part)) => digits(whole, None) && digits(part, None),
            None => digits(rest, None),
        },
        "^-?[0-9]+-[0-9]{2}-[0-9]{2}$" => {
            let parts: Vec<&str> = rest.split('-').collect();
            matches!(parts.as_slice(), [year, month, day]
                if digits(year, None) && digits(month, Some(2)) && digits(day, Some(2)))
        }
        "^[0-9]{4}-[0-9]{2}$" => {
            text.split_once('-').is_some_and(|(year, month)| digits(year, Some(4)) && digits(month, Some(2)))
        }
        _ => false,
    }
}
