//! What holds for every text: tokens tile it, the grammar's leaves are tokens, nothing panics, and a mistake stays
//! where it is.

mod support;

use perq_grammar::ast::{GroupClause, ItemKind};
use perq_grammar::diagnostic::{FileId, Span};
use perq_grammar::lex::{TokenClass, TokenKind, lex};
use perq_grammar::{Parsed, parse};
use proptest::prelude::*;

/// Everything that must hold for any text.
fn check(text: &str) -> Parsed {
    let tokens = lex(text);
    let mut at = 0;
    for token in &tokens {
        assert_eq!(token.span.start, at, "tokens tile {text:?}");
        assert!(token.span.end > token.span.start, "no token is empty in {text:?}");
        at = token.span.end;
    }
    assert_eq!(at as usize, text.len(), "tokens reach the end of {text:?}");

    let parsed = parse(FileId(0), text);
    assert_eq!(parsed.tokens.len(), tokens.len());
    let mut last = Span::default();
    for found in &parsed.diagnostics {
        let span = found.place.span;
        let places = found.labels.iter().map(|label| label.place);
        let edits = found.repairs.iter().filter_map(|repair| repair.edit.as_ref()).map(|edit| edit.place);
        for place in places.chain(edits).chain([found.place]) {
            let range = place.span.start as usize..place.span.end as usize;
            assert!(text.get(range).is_some(), "{found:?} is about a piece of {text:?}");
        }
        assert!(span >= last || found.name == "too-many-errors", "{:?} in order", parsed.diagnostics);
        last = span;
        assert!(perq_grammar::errors::NAMES.contains(&found.name), "{} is declared", found.name);
    }
    for leaf in perq_grammar::parse::leaves(text) {
        let token = tokens[tokens.partition_point(|token| token.span.end <= leaf.start)];
        let is_token = token.span == leaf
            || (token.kind.class() == TokenClass::Mistake
                && token.span.start <= leaf.start
                && leaf.end <= token.span.end);
        assert!(is_token, "the leaf {leaf:?} is a token of {text:?}");
    }
    parsed
}

#[test]
fn samples_parse_and_every_token_in_them_is_a_leaf() {
    for (name, text) in support::samples() {
        let parsed = check(&text);
        assert_eq!(parsed.diagnostics, [], "{name}");
        let leaves = perq_grammar::parse::leaves(&text);
        let tokens: Vec<Span> =
            lex(&text).iter().filter(|token| !token.kind.is_trivia()).map(|token| token.span).collect();
        assert_eq!(leaves, tokens, "{name}");
    }
}

#[test]
fn cases_hold() {
    for (_, text) in support::rule_files() {
        check(&text);
    }
}

#[test]
fn samples_cut_at_any_byte_are_answered() {
    let samples = support::samples();
    let (left, right) = samples.split_at(samples.len() / 2);
    std::thread::scope(|scope| {
        for half in [left, right] {
            scope.spawn(move || {
                for (_, text) in half {
                    for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
                        parse(FileId(0), &text[..end]);
                    }
                }
            });
        }
    });
}

#[test]
fn keywords_are_marked_where_they_are_keywords() {
    let text = "rule price { when unit.rule = price then award 1 points }\n";
    let parsed = parse(FileId(0), text);
    let keywords: Vec<&str> = parsed
        .tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Keyword)
        .map(|token| token.text(text))
        .collect();
    assert_eq!(keywords, ["rule", "when", "then", "award"]);
}

#[test]
fn a_bad_item_hides_no_neighbour() {
    let good = |name: &str| format!("rule {name} {{\n  when a\n  then award 1 points\n}}\n");
    let bad = [
        "rule bad {\n  when\n}\n",
        "rule bad {\n  when a\n",
        "rule bad {\n  when (a\n}\n",
        "rule bad {\n  when a }\n}\n",
        "rule {\n  when a\n}\n",
        "rull bad {\n  when a\n}\n",
        "rule bad {\n  then { award 1 points\n}\n",
        "rule bad {\n  when a = \"x\n}\n",
        "rule bad {\n  when a = \"x }\n",
        "define bad(a: b = c\n",
        "segment bad = a and\n",
        "account bad { unit }\n",
        "} }\n",
        "bad\n",
        "$$$ % ^ &\n",
    ];
    for bad in bad {
        let text = format!("{}{bad}{}{bad}{}", good("first"), good("second"), good("third"));
        let parsed = check(&text);
        let names: Vec<&str> = parsed
            .tree
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Rule(rule) => Some(rule.header.name.text.as_str()),
                _ => None,
            })
            .filter(|name| *name != "bad")
            .collect();
        assert_eq!(names, ["first", "second", "third"], "{bad}: {:#?}", parsed.diagnostics);
        let inside: Vec<_> =
            [&text[..], bad].iter().map(|text| parse(FileId(0), text).diagnostics.len()).collect();
        assert_eq!(
            inside[0],
            2 * inside[1],
            "{bad}: each is reported, and nothing else: {:#?}",
            parsed.diagnostics
        );
    }
}

#[test]
fn a_bad_rule_in_a_group_hides_no_neighbour() {
    for bad in ["when", "when a", "when (a", "priority x\n    when b >", "then {\n      award\n    }"] {
        let close = if bad == "when a" { "" } else { "  }\n" };
        let text = format!(
            "group g {{\n  kind earn\n  rule first {{ then award 1 points }}\n  rule bad {{\n    {bad}\n{close}\
             \n  rule last {{ then award 1 points }}\n}}\nrule after {{ when a }}\n"
        );
        let parsed = check(&text);
        assert!(!parsed.diagnostics.is_empty());
        let ItemKind::Group(_, clauses) = &parsed.tree.items[0].kind else { panic!("no group: {bad}") };
        let names: Vec<&str> = clauses
            .iter()
            .filter_map(|clause| match clause {
                GroupClause::Rule(rule) => Some(rule.header.name.text.as_str()),
                _ => None,
            })
            .filter(|name| *name != "bad")
            .collect();
        assert_eq!(names, ["first", "last"], "{bad}: {:#?}", parsed.diagnostics);
        assert_eq!(parsed.tree.items.len(), 2, "{bad}: {:#?}", parsed.diagnostics);
    }
}

#[test]
fn every_bad_clause_of_a_rule_is_reported() {
    let text = "rule bad {\n  when a >\n  wehn b\n  priority high\n  let c = (1 +)\n  limit 5 points\n  then {\n    \
                award\n    discount 5% of\n    awrd 1 points\n  }\n}\n";
    let parsed = check(text);
    let lines: Vec<usize> = parsed
        .diagnostics
        .iter()
        .map(|found| text[..found.place.span.start as usize].matches('\n').count() + 1)
        .collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 8, 9, 10], "{:#?}", parsed.diagnostics);
}

#[test]
fn documentation_belongs_to_what_follows() {
    let text = "## One.\n## Two.\n\n# plain\nrule a {\n  ## Three.\n  when b  ## no\n  then {\n    ## Four.\n    award 1 points\n  }\n}\n";
    let parsed = check(text);
    let ItemKind::Rule(rule) = &parsed.tree.items[0].kind else { panic!("no rule") };
    let values =
        |docs: &[perq_grammar::ast::Text]| docs.iter().map(|doc| doc.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&parsed.tree.items[0].docs), ["One.", "Two."]);
    assert_eq!(values(&rule.clauses[0].docs), ["Three."]);
    assert_eq!(values(&rule.clauses[1].docs), Vec::<String>::new());
    let perq_grammar::ast::ClauseKind::Then(effects) = &rule.clauses[1].kind else { panic!("no effects") };
    assert_eq!(values(&effects[0].docs), ["Four."]);
}

/// Pieces that a hostile or unlucky author may put next to each other.
fn piece() -> impl Strategy<Value = String> {
    let words: Vec<String> = support::rule_files()
        .iter()
        .flat_map(|(_, text)| {
            lex(text).into_iter().map(|token| token.text(text).to_owned()).collect::<Vec<_>>()
        })
        .collect();
    prop_oneof![
        4 => proptest::sample::select(words),
        1 => proptest::sample::select(vec![
            "==", "&&", "||", "9,95", "1 000", "$", "«", "»", "\"", "//", "/*", "--", "01.03.2026", "2026-03-01T09:00",
            "3pcs", ".5", "steps of", "\u{202e}", "\u{feff}", "раid", "й", "\r", "\u{0}", "₽", "'", "\\", "##", "?", "_",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => Just("\n".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_pieces_are_answered(pieces in proptest::collection::vec(piece(), 0..60), blank in "[ \n]?") {
        check(&pieces.join(&blank));
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = perq_grammar::source::decode(FileId(0), &bytes) {
            check(&text);
        }
    }
}

/// A sample in which a token is dropped, doubled, replaced or moved.
#[test]
fn samples_with_one_token_changed_are_answered() {
    for (at, (_, text)) in support::samples().iter().enumerate() {
        let tokens = lex(text);
        let pieces: Vec<&str> = tokens.iter().map(|token| token.text(text)).collect();
        for change in 0..400 {
            // A fixed walk over the tokens is enough to meet each kind of construct.
            let place = (at * 31 + change * 97) % pieces.len();
            let other = (at * 17 + change * 53) % pieces.len();
            let mut changed = pieces.clone();
            match change % 4 {
                0 => drop(changed.remove(place)),
                1 => changed.insert(place, pieces[place]),
                2 => changed[place] = pieces[other],
                _ => changed.swap(place, other),
            }
            check(&changed.concat());
        }
    }
}
