//! Whether two records say the same, and where they do not. Numbers are compared as they are written, since a float would
//! make different amounts equal. Refuses to know fields.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The first field in which two records differ, such as `lines[0].price`; nothing where they say the same in another
/// order or with other blanks. The record itself is the empty path.
pub fn difference(first: &str, second: &str) -> Option<String> {
    if first == second {
        return None;
    }
    let read = |text: &str| serde_json::from_str::<Box<RawValue>>(text).ok();
    match (read(first), read(second)) {
        (Some(first), Some(second)) => at("", &first, &second),
        (Some(_), None) | (None, Some(_)) | (None, None) => Some(String::new()),
    }
}

fn at(path: &str, first: &RawValue, second: &RawValue) -> Option<String> {
    let (left, right) = (first.get().trim(), second.get().trim());
    if left == right {
        return None;
    }
    let here = || Some(path.to_owned());
    match (left.as_bytes().first(), right.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => {
            let fields = |text| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).ok();
            let (Some(left), Some(right)) = (fields(left), fields(right)) else { return here() };
            let within = |key: &str| match path {
                "" => key.to_owned(),
                path => format!("{path}.{key}"),
            };
            for (key, value) in &left {
                match right.get(key) {
                    Some(other) => {
                        if let Some(found) = at(&within(key), value, other) {
                            return Some(found);
                        }
                    }
                    None => return Some(within(key)),
                }
            }
            right.keys().find(|key| !left.contains_key(*key)).map(|key| within(key))
        }
        (Some(b'['), Some(b'[')) => {
            let items = |text| serde_json::from_str::<Vec<Box<RawValue>>>(text).ok();
            let (Some(left), Some(right)) = (items(left), items(right)) else { return here() };
            for (number, (value, other)) in left.iter().zip(&right).enumerate() {
                if let Some(found) = at(&format!("{path}[{number}]"), value, other) {
                    return Some(found);
                }
            }
            let shorter = left.len().min(right.len());
            (left.len() != right.len()).then(|| format!("{path}[{shorter}]"))
        }
        (Some(b'"'), Some(b'"')) => {
            let text = |text| serde_json::from_str::<String>(text).ok();
            let same = matches!((text(left), text(right)), (Some(left), Some(right)) if left == right);
            if same { None } else { here() }
        }
        _ => here(),
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_first_field_that_differs_is_named() {
        let record = r#"{"id":"1","lines":[{"sku":"A","price":"1.00"},{"sku":"B"}],"n":1.0}"#;
        let of = |other: &str| difference(record, other);
        assert_eq!(of(record), None);
        assert_eq!(
            of(r#"{ "lines":[{"price":"1.00","sku":"\u0041"},{"sku":"B"}], "n":1.0, "id":"1"}"#),
            None
        );
        let changed = |from: &str, to: &str| of(&record.replace(from, to));
        assert_eq!(changed("1.00", "1.01").as_deref(), Some("lines[0].price"));
        assert_eq!(changed(r#",{"sku":"B"}"#, "").as_deref(), Some("lines[1]"));
        assert_eq!(changed(r#","n":1.0"#, "").as_deref(), Some("n"));
        assert_eq!(changed(r#""n""#, r#""m""#).as_deref(), Some("n"));
        assert_eq!(changed(r#""n":1.0"#, r#""n":1.0,"z":null"#).as_deref(), Some("z"));
        // These are the same as floats.
        let far = "0.1234567890123456789";
        assert_eq!(difference(&format!("[{far}]"), &format!("[{far}1]")).as_deref(), Some("[0]"));
        assert_eq!(of("{").as_deref(), Some(""));
    }
}
