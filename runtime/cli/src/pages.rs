//! The pages of the diagnostics, as they stand in `docs/diagnostics`, for `perq explain`; those of lints come with the
//! lints.
//!
//! A list, sorted; a test of the repository holds it against the folder.

use perq_compiler::lint::LINTS;

/// Embeds the pages of these names.
macro_rules! pages {
    ($($name:literal)*) => {
        /// (name, page), sorted by name.
        pub const PAGES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../docs/diagnostics/", $name, ".md")))),*
        ];
    };
}

pages! {
    "always-known"
    "ambiguous-per"
    "ambiguous-reference"
    "batch-only"
    "budget-unit"
    "bundle-limit"
    "bundle-of-lines"
    "calendar-duration"
    "cannot-exclude"
    "cannot-set"
    "chained-comparison"
    "collection-as-value"
    "compared-with-itself"
    "compiler-mistake"
    "constant-expected"
    "control-character"
    "currency-sign"
    "date-order"
    "decimal-comma"
    "decimal-or-thousands"
    "declaration-too-long"
    "direction-control"
    "division-by-zero"
    "double-equals"
    "duplicate-name"
    "effective-with-valid"
    "empty-range"
    "equality-with-reference"
    "event-outside-group"
    "expected-here"
    "failed-test"
    "file-too-large"
    "foreign-comment"
    "foreign-logic"
    "foreign-operator"
    "foreign-quotes"
    "gap-between-bands"
    "history-gap"
    "history-order"
    "impossible-date"
    "invalid-utf8"
    "invisible-character"
    "level-order"
    "limit-times"
    "limit-unit"
    "limit-window"
    "look-alike-names"
    "malformed-date"
    "malformed-number"
    "malformed-time"
    "maybe-unknown"
    "mismatched-types"
    "mismatched-units"
    "missing-after-or-on"
    "missing-argument"
    "missing-best-for"
    "missing-clause"
    "missing-comma"
    "missing-each-or-total"
    "missing-else"
    "missing-event"
    "missing-from"
    "missing-on-price"
    "missing-order"
    "missing-program"
    "missing-rounding"
    "missing-scope"
    "missing-spread"
    "missing-unit"
    "missing-value"
    "misspelt-keyword"
    "mixed-logic"
    "mixed-scripts"
    "month-day-missing"
    "multiplier-below-one"
    "needless-spread"
    "nested-too-deeply"
    "never-available"
    "no-origin"
    "no-worth"
    "not-a-collection"
    "not-an-account"
    "not-an-aggregate"
    "not-comparable"
    "not-exhaustive"
    "not-of-the-bundle"
    "not-redeemable"
    "nothing-happened"
    "number-out-of-range"
    "number-too-long"
    "number-without-space"
    "other-currency"
    "overlapping-bands"
    "overlapping-rows"
    "overlapping-versions"
    "percent-out-of-range"
    "pick-zero"
    "price-each-line"
    "priority-tie"
    "program-too-large"
    "record-as-value"
    "recursive-definition"
    "redemption-choice"
    "reference-as-value"
    "repeated-clause"
    "repeated-option"
    "reserved-word"
    "rule-too-large"
    "rule-without-group"
    "second-program"
    "semicolon"
    "spaced-number"
    "stage-order"
    "stray-delimiter"
    "text-for-reference"
    "text-for-value"
    "time-goes-back"
    "too-many-decimals"
    "too-many-errors"
    "too-many-rows"
    "two-governors"
    "unbounded-history"
    "unclear-steps"
    "unclosed-delimiter"
    "unclosed-string"
    "unexpected-character"
    "unexpected-text"
    "unit-taken"
    "unknown-currency"
    "unknown-declaration"
    "unknown-escape"
    "unknown-event"
    "unknown-field"
    "unknown-file"
    "unknown-language"
    "unknown-name"
    "unknown-type"
    "unknown-unit"
    "unknown-value"
    "unknown-word"
    "unknown-zone"
    "unreachable-row"
    "valid-after-effect"
    "value-outside-range"
    "wrong-account"
    "wrong-arbitration"
    "wrong-arguments"
    "wrong-contacts"
    "wrong-conversion"
    "wrong-counter"
    "wrong-displacement"
    "wrong-effect"
    "wrong-element"
    "wrong-ensure"
    "wrong-event"
    "wrong-gift"
    "wrong-hash"
    "wrong-instrument"
    "wrong-list"
    "wrong-offer"
    "wrong-reference-kind"
    "wrong-scale"
    "wrong-show"
    "wrong-spendable"
    "wrong-window"
}

/// The page of a name.
pub fn page(name: &str) -> Option<&'static str> {
    all().find(|(known, _)| *known == name).map(|(_, page)| page)
}

/// All pages: of diagnostics, then of lints.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().copied().chain(LINTS.iter().map(|lint| (lint.name, lint.page)))
}

/// The names nearest to one that is none, best first.
pub fn near(name: &str) -> Vec<&'static str> {
    let wanted = name.to_lowercase().replace([' ', '_'], "-");
    let mut found: Vec<(usize, bool, &str)> = all()
        .map(|(page, _)| {
            let parts = wanted.split('-').filter(|part| part.len() > 2 && page.contains(part)).count();
            // A name itself comes before those that share its words.
            (distance(&wanted, page).saturating_sub(2 * parts), wanted != page, page)
        })
        .filter(|(far, _, page)| *far <= page.len() / 2)
        .collect();
    found.sort();
    found.into_iter().map(|(_, _, name)| name).take(3).collect()
}

/// Insertions, removals and replacements between two words.
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (above, other) in to.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (slot, own) in row.iter_mut().skip(1).zip(&from) {
            let cost = (diagonal + usize::from(*own != other)).min(left + 1).min(*slot + 1);
            diagonal = std::mem::replace(slot, cost);
            left = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, far) in
            [("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(from, to), far, "{from} {to}");
        }
    }

    #[test]
    fn sorted_and_findable() {
        assert!(PAGES.windows(2).all(|pair| pair.first() < pair.get(1)));
        assert!(
            PAGES.iter().all(|(name, text)| page(name) == Some(text) && near(name).first() == Some(name))
        );
        assert!(near("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz").is_empty());
    }
}
