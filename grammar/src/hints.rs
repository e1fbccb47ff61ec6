//! What was probably meant where the grammar stops: notations that read well and are written otherwise here.
//!
//! It looks at the words around the place and refuses to know the grammar.

/// What to write instead, where the words tell: those before the place, nearest first, the word found there, if any, and
/// those behind it.
pub(crate) fn hint(before: &[&str], found: Option<&str>, behind: &[&str]) -> Option<String> {
    let back = |by: usize| before.get(by).copied().unwrap_or("");
    let found = found?;
    let is_operator = matches!(found, "+" | "-" | "*" | "/");
    if is_operator && before.iter().take(4).any(|word| *word == "as") {
        return Some(format!("`as` ends a sum; put it in parentheses: `(… as points) {found} …`"));
    }
    if let Some(pick) = before.iter().take(2).find(|word| matches!(**word, "dearest" | "cheapest"))
        && (is_operator || found == "(")
    {
        return Some(format!(
            "a number that is worked out gets a name first: `let most = …`, then `{pick} most of …`"
        ));
    }
    let digits = found.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_ordinal =
        ["st", "nd", "rd", "th"].iter().any(|ending| found.strip_prefix(digits) == Some(*ending));
    if is_ordinal && is_short(found) && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(format!(
            "every so many are picked as in `every {found} of units ordered by unit.price descending`"
        ));
    }
    if matches!(found, "last" | "this" | "previous") && back(1) == "earlier" {
        let more = behind.get(..if found == "last" { 2 } else { 1 }).unwrap_or(&[]);
        let more = match more.iter().all(|word| is_short(word)) && !more.is_empty() {
            true => more.join(" "),
            false => if found == "last" { "30 days" } else { "month" }.to_owned(),
        };
        return Some(format!("the window stands after `within`: `within {found} {more}`"));
    }
    if back(0) == "previous" && found.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(
            "`previous` is the one period before, as in `previous week`; for several write `last 4 weeks`, and leave out \
             this one with `where purchase.date < start_of_week(event.date)`"
                .to_owned(),
        );
    }
    if matches!(found, "}" | ",") && back(1) == "{" && back(3) == "extend" {
        return Some(
            "`extend` adds fields to a record, as in `extend line { deposit: bool = false }`; the values of an enumeration \
             are all where it is declared"
                .to_owned(),
        );
    }
    None
}

/// Whether a word of the author's can stand in a hint as it is.
fn is_short(word: &str) -> bool {
    word.len() <= 20 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Why a word between declarations stands at the wrong place, where it has one.
pub(crate) fn misplaced(word: &str) -> Option<&'static str> {
    match word {
        "let" => {
            Some("`let` stands in a rule or a group; for the whole programme there are `define` and `param`")
        }
        "when" | "unless" | "then" | "limit" | "budget" | "schedule" | "valid" => {
            Some("this is a clause of a rule, between its braces")
        }
        "given" | "expect" => Some("this is a step of a test, between its braces"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_of_others_are_known() {
        let of = |before: &[&str], found: &str, behind: &[&str]| {
            hint(before, Some(found), behind).unwrap_or_default()
        };
        assert!(of(&["points", "as", "paid"], "+", &["2", "EUR"]).contains("(… as points) + …"));
        assert!(of(&["2", "dearest", "on"], "*", &["count"]).contains("dearest most of"));
        assert!(of(&["=", "seconds", "let"], "2nd", &["of"]).contains("every 2nd of units"));
        assert!(of(&["purchases", "earlier", "("], "last", &["7", "days"]).contains("`within last 7 days`"));
        assert!(of(&["previous", "within"], "4", &["weeks"]).contains("last 4 weeks"));
        assert!(of(&["deposit", "{", "LineKind", "extend"], "}", &[]).contains("extend line"));
        let long = "x".repeat(1_000);
        assert_eq!(
            of(&["purchases", "earlier"], "last", &[&long, "days"]),
            "the window stands after `within`: `within last 30 days`"
        );
        assert_eq!(hint(&["="], Some(&format!("{}nd", "1".repeat(1_000))), &[]), None);
        for found in ["+", "last", "4", "nd", "}", "2n", "of"] {
            assert_eq!(hint(&["x", "="], Some(found), &[]), None, "{found}");
        }
        assert_eq!(hint(&[], None, &[]), None);
        assert!(misplaced("let").is_some() && misplaced("gruop").is_none());
    }
}
