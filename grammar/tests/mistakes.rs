//! The habits of other languages and locales, each answered by name and with the text to write instead.

use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::{Diagnostic, FileId};
use perq_grammar::parse;

fn in_rule(clauses: &str) -> String {
    format!("rule example in group earn_points {{\n  on purchase\n  {clauses}\n  then award 1 points\n}}\n")
}

fn found(text: &str) -> Vec<Diagnostic> {
    parse(FileId(0), text).diagnostics
}

fn names(text: &str) -> Vec<&'static str> {
    found(text).into_iter().map(|found| found.name).collect()
}

/// The texts after each repair.
fn mended(text: &str, found: &Diagnostic) -> Vec<String> {
    let edits = found.repairs.iter().filter_map(|repair| repair.edit.as_ref());
    edits
        .map(|edit| {
            let mut text = text.to_owned();
            text.replace_range(edit.place.span.start as usize..edit.place.span.end as usize, &edit.text);
            text
        })
        .collect()
}

/// Asserts that the clauses give this one diagnostic, and that its repairs give these clauses.
fn answers(clauses: &str, name: &str, repairs: &[&str]) {
    let text = in_rule(clauses);
    let diagnostics = found(&text);
    assert_eq!(names(&text), [name], "{clauses}: {diagnostics:#?}");
    let expected: Vec<String> = repairs.iter().map(|clauses| in_rule(clauses)).collect();
    assert_eq!(mended(&text, &diagnostics[0]), expected, "repairs of {clauses}");
}

/// As [`answers`], and each repair parses.
fn is_mended(clauses: &str, name: &str, repairs: &[&str]) {
    answers(clauses, name, repairs);
    for repair in repairs {
        assert_eq!(found(&in_rule(repair)), [], "{repair}");
    }
}

#[test]
fn numbers_of_other_locales() {
    answers("when a > 9,95 EUR", "decimal-comma", &["when a > 9.95 EUR", "when a > 9, 95 EUR"]);
    answers("when a > 1,000", "decimal-comma", &["when a > 1_000", "when a > 1.000", "when a > 1, 000"]);
    answers("when a > 1.000,50 EUR", "decimal-comma", &["when a > 1_000.50 EUR", "when a > 1.000, 50 EUR"]);
    answers("when a > 1,000.50 EUR", "decimal-comma", &["when a > 1_000.50 EUR", "when a > 1, 000.50 EUR"]);
    answers("when a in [5,20]", "decimal-comma", &["when a in [5.20]", "when a in [5, 20]"]);
    is_mended("when a > 1.000.000 EUR", "malformed-number", &["when a > 1_000_000 EUR"]);
    is_mended("when a > .5", "malformed-number", &["when a > 0.5"]);
    is_mended("when a > 1 000 RUB", "spaced-number", &["when a > 1_000 RUB"]);
    is_mended("when a > 1\u{a0}000\u{202f}000,50 RUB", "spaced-number", &["when a > 1_000_000.50 RUB"]);
    is_mended("when a > 500RUB", "number-without-space", &["when a > 500 RUB"]);
    is_mended("when a > 30days", "number-without-space", &["when a > 30 days"]);
    assert_eq!(found(&in_rule("when a in [5, 20] and b > 7 % and c > 1_000.5 EUR")), []);
    let forty = "1".repeat(40);
    assert_eq!(found(&in_rule(&format!("when a > {forty}"))), []);
    answers(&format!("when a > {forty}1"), "number-too-long", &[]);
}

#[test]
fn currency_signs() {
    answers("when a > $100", "currency-sign", &["when a > 100 USD", "when a > 100 CAD", "when a > 100 AUD"]);
    is_mended("when a > 100 ₽", "currency-sign", &["when a > 100 RUB"]);
    is_mended("when a > € 5", "currency-sign", &["when a > 5 EUR"]);
    is_mended("when a > 5€", "currency-sign", &["when a > 5 EUR"]);
    answers("when a > ¤", "currency-sign", &[]);
}

#[test]
fn dates_and_times_of_other_locales() {
    is_mended("valid from 01.03.2026", "malformed-date", &["valid from 2026-03-01"]);
    is_mended("valid from 31/03/2026", "malformed-date", &["valid from 2026-03-31"]);
    is_mended("valid from 01/03/2026", "malformed-date", &["valid from 2026-03-01", "valid from 2026-01-03"]);
    is_mended("valid from 2026-3-1", "malformed-date", &["valid from 2026-03-01"]);
    is_mended("valid from 2026-03-01T09:00", "malformed-date", &["valid from 2026-03-01 09:00"]);
    is_mended("schedule hours 9:00 until 12:00", "malformed-time", &["schedule hours 09:00 until 12:00"]);
}

#[test]
fn signs_of_other_languages() {
    is_mended("when a == 1", "double-equals", &["when a = 1"]);
    is_mended("when a&&b", "foreign-logic", &["when a and b"]);
    is_mended("when a || b", "foreign-logic", &["when a or b"]);
    is_mended("when !a", "foreign-operator", &["when not a"]);
    is_mended("when a <> b", "foreign-operator", &["when a != b"]);
    is_mended("when a ≥ b", "foreign-operator", &["when a >= b"]);
    is_mended("when a × b > c", "foreign-operator", &["when a * b > c"]);
    is_mended("when a − b > c", "foreign-operator", &["when a - b > c"]);
    is_mended("when a;", "semicolon", &["when a"]);
    is_mended("when a // the reason", "foreign-comment", &["when a # the reason"]);
    is_mended("when a -- the reason", "foreign-comment", &["when a # the reason"]);
    answers("when a /* the\n reason */ and b", "foreign-comment", &[]);
    answers("when a /* never closed", "foreign-comment", &[]);
    answers("when a @ b", "unexpected-character", &[]);
}

#[test]
fn quotes_of_other_languages() {
    is_mended("when a in category «Чай»", "foreign-quotes", &["when a in category \"Чай\""]);
    is_mended("when a in category “Tea”", "foreign-quotes", &["when a in category \"Tea\""]);
    is_mended("when a in category „Tee“", "foreign-quotes", &["when a in category \"Tee\""]);
    is_mended("when a in category 'Tea'", "foreign-quotes", &["when a in category \"Tea\""]);
    answers("when a in category \"Tea", "unclosed-string", &[]);
    is_mended("when a in category \"T\\ea\"", "unknown-escape", &["when a in category \"T\\\\ea\""]);
    assert_eq!(found(&in_rule(r#"when a in category "«T» \" \\ \n \t \u{1f600}""#)), []);
}

#[test]
fn conditions_with_two_readings() {
    is_mended("when a and b or c", "mixed-logic", &["when (a and b) or c", "when a and (b or c)"]);
    is_mended(
        "when (x or y) or a > 1 and not b or c",
        "mixed-logic",
        &["when (x or y) or (a > 1 and not b) or c", "when ((x or y) or a > 1) and (not b or c)"],
    );
    is_mended("when 1 < a < 9", "chained-comparison", &["when 1 < a and a < 9"]);
    answers("when a known = b", "chained-comparison", &[]);
    is_mended(
        "when steps of 100 RUB in a + b > 3",
        "unclear-steps",
        &["when steps of 100 RUB in (a + b) > 3", "when (steps of 100 RUB in a) + b > 3"],
    );
}

#[test]
fn words_that_must_not_be_left_out() {
    is_mended(
        "limit 5 points per member",
        "missing-else",
        &["limit 5 points per member else cut", "limit 5 points per member else skip"],
    );
    is_mended("budget 5 points", "missing-else", &["budget 5 points else cut", "budget 5 points else skip"]);
    is_mended(
        "then price 40 RUB for units",
        "missing-each-or-total",
        &["then price 40 RUB each for units", "then price 40 RUB total for units"],
    );
    is_mended(
        "then award 10 points per 100 RUB",
        "ambiguous-per",
        &["then award 10 points * steps of 100 RUB in basket.paid"],
    );
    answers("then discount 5% on every 3rd of units", "missing-order", &[]);
    is_mended(
        "take bundle b up to 3 times { a = 1 of units }",
        "missing-best-for",
        &[
            "take bundle b up to 3 times best for member { a = 1 of units }",
            "take bundle b up to 3 times best for retailer { a = 1 of units }",
        ],
    );
    is_mended(
        "take bundle b # why {\n { a = 1 of units }",
        "missing-best-for",
        &[
            "take bundle b best for member # why {\n { a = 1 of units }",
            "take bundle b best for retailer # why {\n { a = 1 of units }",
        ],
    );
    answers("take bundle b best for member { a = 1 of lines where line.x }", "bundle-of-lines", &[]);
    is_mended(
        "then award 1 points expires 30 days",
        "missing-after-or-on",
        &["then award 1 points expires after 30 days"],
    );
    is_mended(
        "then issue coupon c expires 2026-12-31",
        "missing-after-or-on",
        &["then issue coupon c expires on 2026-12-31"],
    );
    is_mended(
        "then award 1 points available a + b",
        "missing-after-or-on",
        &["then award 1 points available after a + b", "then award 1 points available on a + b"],
    );
    is_mended(
        "then multiply group base by 2",
        "unexpected-text",
        &["then multiply awards of group base by 2"],
    );
    is_mended("let rate = by a { b => 3 c => 5 }", "missing-comma", &["let rate = by a { b => 3, c => 5 }"]);
}

#[test]
fn words_that_lots_and_coupons_need() {
    let account = |clause: &str| format!("account a {{\n  unit points\n  {clause}\n}}\n");
    for (clause, repairs) in [
        ("expire 365 days", vec!["expire 365 days after award"]),
        ("expire 2026-09-30", vec!["expire on 2026-09-30"]),
        ("expire life", vec!["expire life after award", "expire on life"]),
    ] {
        let text = account(clause);
        let diagnostics = found(&text);
        assert_eq!(names(&text), ["missing-after-or-on"], "{clause}");
        let repairs: Vec<String> = repairs.into_iter().map(account).collect();
        assert_eq!(mended(&text, &diagnostics[0]), repairs);
        assert!(repairs.iter().all(|text| found(text).is_empty()));
    }
    let message = |text: &str| found(text).into_iter().map(|found| found.message).collect::<Vec<_>>();
    for (clause, expected) in [
        ("codes shared", "a text in quotes"),
        ("uses 3 pcs", "`times`"),
        ("uses 3 + 1", "`times`"),
        ("not with sets", "`group`"),
        ("expires", "more after `expires`"),
    ] {
        let messages = message(&format!("coupon c {{\n  {clause}\n  priority 1\n}}\n"));
        assert!(messages.len() == 1 && messages[0].contains(expected), "{clause}: {messages:?}");
    }
}

#[test]
fn misspelt_and_reserved_words() {
    is_mended("wehn a", "misspelt-keyword", &["when a"]);
    is_mended("When a", "misspelt-keyword", &["when a"]);
    is_mended("when a\n  then awrd 5 points", "misspelt-keyword", &["when a\n  then award 5 points"]);
    is_mended("schedule hours 09:00 untill 12:00", "misspelt-keyword", &["schedule hours 09:00 until 12:00"]);
    answers("let total = 5", "reserved-word", &[]);
    answers("when f(a for lines)", "not-an-aggregate", &[]);
    answers("let a = (b + c) where d", "not-a-collection", &[]);
    answers("then award 1 points reason \"a\" reason \"b\"", "repeated-option", &[]);
    let diagnostics = found("rull example { }\n");
    assert_eq!(diagnostics[0].name, "unknown-declaration");
    assert_eq!(mended("rull example { }\n", &diagnostics[0]), ["rule example { }\n"]);
}

#[test]
fn letters_that_only_look_right() {
    // `раid` begins with two Cyrillic letters.
    is_mended("when basket.раid > 1", "mixed-scripts", &["when basket.paid > 1"]);
    let diagnostics = found(&in_rule("when basket.раid > 1"));
    let letters = "`р` is Cyrillic (U+0440), `а` is Cyrillic (U+0430)";
    assert!(diagnostics[0].message.contains(letters), "{diagnostics:?}");
    // The last letter is Cyrillic.
    is_mended("when a > 5 RUВ", "mixed-scripts", &["when a > 5 RUB"]);
    // A Latin `o` in a Cyrillic word.
    is_mended("when скоro", "mixed-scripts", &[]);
    is_mended("when скидoк", "mixed-scripts", &["when скидок"]);
    assert_eq!(found(&in_rule("when приветственный_бонус_2 > bonus_età")), []);
}

#[test]
fn characters_that_cannot_be_seen() {
    is_mended("when a # \u{202e}b", "direction-control", &["when a # b"]);
    is_mended(
        "when a in category \"\u{200b}\"",
        "invisible-character",
        &["when a in category \"\\u{200b}\""],
    );
    is_mended("when a\u{ad} > 1", "invisible-character", &["when a > 1"]);
    is_mended("when a in category \"\u{7}\"", "control-character", &["when a in category \"\\u{7}\""]);
    is_mended("when a \r> 1", "control-character", &["when a > 1"]);
    assert_eq!(found(&in_rule("when a > 1\r")), []);
}

#[test]
fn names_are_compared_in_one_normal_form() {
    let name = |text: &str| match parse(FileId(0), text).tree.items.remove(0).kind {
        ItemKind::Segment(header, _) => header.name.text,
        other => panic!("{other:?}"),
    };
    assert_eq!(name("segment му\u{439} = true\n"), "му\u{439}");
    assert_eq!(name("segment му\u{438}\u{306} = true\n"), "му\u{439}");
}

#[test]
fn delimiters_without_a_partner() {
    assert_eq!(names(&in_rule("when (a > 1")), ["unclosed-delimiter"]);
    assert_eq!(names(&in_rule("when a > 1)")), ["stray-delimiter"]);
    assert_eq!(names(&in_rule("when a in [1, 2)")), ["unclosed-delimiter", "stray-delimiter"]);
    assert_eq!(names("rule a { when b }\n}\n"), ["stray-delimiter"]);
    assert_eq!(names("rule a {\n  when b\n\nrule c { when d }\n"), ["unclosed-delimiter"]);
}

#[test]
fn a_file_is_utf_8_and_not_too_large() {
    use perq_grammar::source::{MAX_SOURCE_BYTES, decode};
    assert_eq!(decode(FileId(0), b"\xEF\xBB\xBFlanguage 1"), Ok("language 1".to_owned()));
    let bad = decode(FileId(0), b"language \xFF1").expect_err("no text");
    assert_eq!((bad.name, bad.place.span.start), ("invalid-utf8", 9));
    let large = decode(FileId(0), &vec![b' '; MAX_SOURCE_BYTES + 1]).expect_err("too large");
    assert_eq!(large.name, "file-too-large");
}

#[test]
fn at_most_a_hundred_diagnostics_are_shown() {
    let diagnostics = found(&";\n".repeat(250));
    assert_eq!(diagnostics.len(), 101);
    assert_eq!(diagnostics[100].name, "too-many-errors");
    assert_eq!(diagnostics[100].message, "and 150 more");
}
