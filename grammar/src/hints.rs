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
    let after = |word: &str| before.iter().take(4).any(|before| *before == word);
    if found == "to" && (after("valid") || after("in") || after("from")) {
        return Some(
            "a range is `A through B` with both ends, or `A until B` without the last one".to_owned(),
        );
    }
    if found == "between" || back(0) == "between" {
        return Some("a range is asked with `in`: `x in A through B` with both ends, `x in A until B` without the last one".to_owned());
    }
    if found == "in" && back(0) == "expires" {
        return Some("`expires after 6 months`, `expires on 2026-12-31` or `expires never`".to_owned());
    }
    if back(0) == "say" && back(1) == "if_short" {
        return Some("say to whom it is said: `say cashier \"…\"`".to_owned());
    }
    // Bounds of contact plans, and the channels that they name.
    let bound = |word: &str| match word {
        "max" | "maximum" => Some("at most"),
        "min" | "minimum" => Some("at least"),
        _ => None,
    };
    if let Some(bound) = bound(back(0)).filter(|_| back(1) == "capacity" && is_short(found) && found != "}") {
        return Some(format!("so many are bounded in words: `capacity {bound} {found} contacts …`"));
    }
    if let Some(bound) = bound(found).filter(|_| back(0) == "member" || back(0) == "capacity") {
        return Some(format!("so many are bounded in words: `{bound} 3 contacts …`"));
    }
    if back(0) == "via" && found.starts_with('"') {
        let name = found.trim_matches('"');
        let short = is_short(name) && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        return Some(if short {
            format!("a channel is a name without quotes: `via {name}`")
        } else {
            "a channel that is no single word stands in brackets: `via [\"Shop in Rome\"]`".to_owned()
        });
    }
    if found == "-" && back(1) == "via" && is_short(back(0)) {
        let rest = behind.first().copied().filter(|word| is_short(word)).unwrap_or("mail");
        return Some(format!(
            "a name has no `-`; a channel that is spelt so stands in brackets and quotes: `via [\"{}-{rest}\"]`",
            back(0)
        ));
    }
    if found == "spent" && behind.first() == Some(&"at") {
        return Some("`spent_at_once` is one word".to_owned());
    }
    if back(0) == "days" && is_short(found) && !found.is_empty() {
        return Some("days stand in brackets: `schedule days [mon, tue]`".to_owned());
    }
    if matches!(found, "code" | "description" | "owner" | "category") && matches!(back(0), "{" | "}") {
        return Some(format!("what is only told about a rule stands in `about {{ {found} \"…\" }}`"));
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
        assert!(of(&["2026-01-01", "from", "valid"], "to", &["2026-02-01"]).contains("A through B"));
        assert!(of(&["paid", "basket"], "between", &["20", "EUR"]).contains("x in A through B"));
        assert!(of(&["expires", "points"], "in", &["6", "months"]).contains("expires after 6 months"));
        assert!(of(&["say", "if_short"], "\"No\"", &[]).contains("say cashier"));
        assert!(of(&["max", "capacity"], "3", &["contacts"]).contains("`capacity at most 3 contacts"));
        assert!(of(&["member", "each"], "min", &["3"]).contains("`at least 3 contacts"));
        assert!(of(&["via"], "\"email\"", &["within"]).contains("`via email`"));
        assert!(of(&["via"], "\"Shop in Rome\"", &[]).contains("`via [\"Shop in Rome\"]`"));
        assert!(of(&["e", "via"], "-", &["mail", "within"]).contains("`via [\"e-mail\"]`"));
        assert!(of(&["points", "2"], "spent", &["at", "once"]).contains("spent_at_once"));
        assert!(of(&["days", "schedule"], "mon", &[","]).contains("days [mon, tue]"));
        assert!(of(&["{", "one", "rule"], "code", &["\"X\""]).contains("about { code"));
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
