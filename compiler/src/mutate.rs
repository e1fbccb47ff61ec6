//! Small changes of a programme's text, for asking whether its tests notice them: a number by one in its last digit, a date
//! by a day, a bound that no longer belongs to a range, `or` in place of `and`, a limit that is gone. Refuses to know what
//! tests say, and to change tests.

use crate::calendar::date_text;
use crate::check::dates::date;
use perq_grammar::ast::{ClauseKind, ItemKind};
use perq_grammar::diagnostic::{FileId, Place, Span};
use perq_grammar::lex::{Token, TokenKind, lex};
use perq_grammar::parse;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// What goes.
    pub place: Place,
    /// What comes.
    pub text: String,
    /// The declaration that it stands in.
    pub inside: Span,
}

/// The changes of a file, in the order of its text. Some do not compile; what remains of a programme decides.
pub fn mutants(file: FileId, text: &str) -> Vec<Mutant> {
    let tokens = lex(text);
    let mut found = Vec::new();
    for item in &parse(file, text).tree.items {
        if !says_what_happens(&item.kind) {
            continue;
        }
        let first = tokens.partition_point(|token| token.span.start < item.span.start);
        let rest = tokens.get(first..).unwrap_or(&[]).iter();
        let inside: Vec<&Token> = rest
            .take_while(|token| token.span.end <= item.span.end)
            .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Newline))
            .collect();
        // Each limit may be forgotten.
        let clauses = item.kind.clauses().into_iter();
        let limits = clauses
            .filter(|clause| matches!(clause.kind, ClauseKind::Limit { .. } | ClauseKind::Budget { .. }));
        found.extend(limits.map(|limit| Mutant {
            place: Place { file, span: limit.span },
            text: String::new(),
            inside: item.span,
        }));
        let mut before = "";
        for token in inside {
            let word = token.text(text);
            if !KEPT_AFTER.contains(&before)
                && let Some(text) = changed(token.kind, word)
            {
                found.push(Mutant { place: Place { file, span: token.span }, text, inside: item.span });
            }
            before = word;
        }
    }
    found.sort_by_key(|mutant| (mutant.place, mutant.text.clone()));
    found
}

/// Words, and what a rule would say with another in their place.
const WORDS: [(&str, &str); 8] = [
    ("and", "or"),
    ("or", "and"),
    ("when", "unless"),
    ("unless", "when"),
    ("cheapest", "dearest"),
    ("dearest", "cheapest"),
    ("min", "max"),
    ("max", "min"),
];

/// Words after which a number orders or lays out and gives nothing.
const KEPT_AFTER: [&str; 3] = ["priority", "decimals", "scale"];

fn says_what_happens(kind: &ItemKind) -> bool {
    match kind {
        ItemKind::Param { .. }
        | ItemKind::Define { .. }
        | ItemKind::Table { .. }
        | ItemKind::Segment(..)
        | ItemKind::Group(..)
        | ItemKind::Rule(_)
        | ItemKind::Counter { .. }
        | ItemKind::Badge(..)
        | ItemKind::Tiers(..)
        | ItemKind::Coupon(..)
        | ItemKind::Certificate(..)
        | ItemKind::Redemption(..)
        | ItemKind::Offer(..)
        | ItemKind::Arbitration(..)
        | ItemKind::Ensure(..)
        | ItemKind::Contacts(..)
        | ItemKind::Template(_) => true,
        ItemKind::Language(_)
        | ItemKind::Use { .. }
        | ItemKind::Program(..)
        | ItemKind::Account(..)
        | ItemKind::Enum { .. }
        | ItemKind::Reference { .. }
        | ItemKind::Record(..)
        | ItemKind::Extend(..)
        | ItemKind::Event { .. }
        | ItemKind::Test(_) => false,
    }
}

fn changed(kind: TokenKind, word: &str) -> Option<String> {
    if kind == TokenKind::Number {
        return one_more(word);
    }
    if kind == TokenKind::Date {
        return date(word).map(|day| date_text(day.saturating_add(1)));
    }
    if let Some((_, other)) = WORDS.iter().find(|(from, _)| *from == word) {
        return Some((*other).to_owned());
    }
    let other = if kind == TokenKind::Greater {
        ">="
    } else if kind == TokenKind::GreaterOrEqual {
        ">"
    } else if kind == TokenKind::Less {
        "<="
    } else if kind == TokenKind::LessOrEqual {
        "<"
    } else {
        return None;
    };
    Some(other.to_owned())
}

/// One more in the last digit, as wide as before where it can be.
fn one_more(number: &str) -> Option<String> {
    let mut digits: Vec<u8> = number.bytes().collect();
    for digit in digits.iter_mut().rev().filter(|digit| digit.is_ascii_digit()) {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit = digit.saturating_add(1);
            return String::from_utf8(digits).ok();
        }
    }
    digits.insert(0, b'1');
    String::from_utf8(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_by_one_in_their_last_digit() {
        for (from, to) in
            [("0", "1"), ("7", "8"), ("9", "10"), ("0.50", "0.51"), ("1_099.99", "1_100.00"), ("99", "100")]
        {
            assert_eq!(one_more(from).as_deref(), Some(to));
        }
    }

    #[test]
    fn words_turn_round_and_limits_go() {
        let text = "rule a in group g {\n  when member known and basket.paid = 2 EUR\n  \
                    limit 5 points per transaction else cut\n  then award 1 points\n}\n";
        let changes: Vec<(String, String)> = mutants(FileId(0), text)
            .into_iter()
            .map(|mutant| {
                let span = mutant.place.span;
                let was = text.get(span.start as usize..span.end as usize).unwrap_or("");
                (was.to_owned(), mutant.text)
            })
            .collect();
        let expected = [
            ("when", "unless"),
            ("and", "or"),
            ("2", "3"),
            ("limit 5 points per transaction else cut", ""),
            ("5", "6"),
            ("1", "2"),
        ];
        assert_eq!(changes, expected.map(|(was, becomes)| (was.to_owned(), becomes.to_owned())));
    }

    #[test]
    fn the_limits_of_coupons_and_of_rules_in_groups_go_too() {
        let text = "group g {\n  budget 9 EUR else cut\n  rule a { limit 5 EUR per transaction else cut }\n}\n\
                    coupon c {\n  codes unique\n  limit 2 EUR per member else skip\n}\n";
        let gone: Vec<&str> = mutants(FileId(0), text)
            .into_iter()
            .filter(|mutant| mutant.text.is_empty())
            .map(|mutant| {
                text.get(mutant.place.span.start as usize..mutant.place.span.end as usize).unwrap_or("")
            })
            .collect();
        let expected = [
            "budget 9 EUR else cut",
            "limit 5 EUR per transaction else cut",
            "limit 2 EUR per member else skip",
        ];
        assert_eq!(gone, expected);
    }

    #[test]
    fn what_orders_and_what_tests_is_left_alone() {
        let text = "rule a in group g {\n  valid 2026-12-31 through 2027-01-05\n  priority 10\n  \
                    when basket.paid >= 5 EUR # 7\n  then award 3% of basket.paid as points\n}\n\
                    test \"t\" { expect award 5 points }\n";
        let mutants = mutants(FileId(0), text);
        let changes: Vec<(&str, &str)> = mutants
            .iter()
            .map(|mutant| {
                let span = mutant.place.span;
                (text.get(span.start as usize..span.end as usize).unwrap_or(""), mutant.text.as_str())
            })
            .collect();
        let expected = [
            ("2026-12-31", "2027-01-01"),
            ("2027-01-05", "2027-01-06"),
            ("when", "unless"),
            (">=", ">"),
            ("5", "6"),
            ("3", "4"),
        ];
        assert_eq!(changes, expected);
    }
}
