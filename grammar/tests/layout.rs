//! The formatter: one layout, stable, with all tokens and comments in their order.

mod support;

use perq_grammar::diagnostic::FileId;
use perq_grammar::lex::{TokenKind, lex};
use perq_grammar::{LINE_WIDTH, format, parse};
use proptest::prelude::*;

/// What must stay: everything but blanks, with names in their normal form.
fn content(text: &str) -> Vec<String> {
    lex(text)
        .iter()
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Newline))
        .map(|token| token.text(text).trim_end().to_owned())
        .collect()
}

fn check(text: &str) -> String {
    let laid_out = format(text).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!(content(&laid_out), content(text), "the same tokens and comments");
    assert_eq!(format(&laid_out).as_ref(), Ok(&laid_out), "stable");
    assert_eq!(
        without_spans(&parse(FileId(0), &laid_out)),
        without_spans(&parse(FileId(0), text)),
        "the same meaning"
    );
    assert!(laid_out.lines().all(|line| line == line.trim_end()), "no blanks at line ends: {laid_out}");
    laid_out
}

/// The tree printed without places; a file's documentation stays where it was.
fn without_spans(parsed: &perq_grammar::Parsed) -> String {
    assert_eq!(parsed.diagnostics, []);
    let printed = format!("{:?}", parsed.tree);
    let mut kept = String::new();
    let mut rest = printed.as_str();
    while let Some(at) = rest.find("Span {") {
        kept.push_str(&rest[..at]);
        let end = rest[at..].find('}').map_or(rest.len(), |end| at + end + 1);
        rest = &rest[end..];
    }
    kept + rest
}

#[test]
fn samples_are_laid_out_already() {
    for (name, text) in support::samples() {
        assert_eq!(check(&text), text, "{name}");
    }
}

#[test]
fn a_file_with_errors_is_not_laid_out() {
    let found = format("rule a {\n  when\n}\n").expect_err("an error");
    assert_eq!(found.len(), 1);
}

#[test]
fn line_ends_and_blanks_become_canonical() {
    let text = "\r\n\r\n  rule   a{when b>-1 and f (c) in[d,e]\r\n\r\n\r\n\r\n then{award 7 % of d . e as points}}\r\n\r\n\r\n";
    let expected = "rule a {\n  when b > -1 and f(c) in [d, e]\n\n  then { award 7% of d.e as points }\n}\n";
    assert_eq!(check(text), expected);
}

#[test]
fn braces_written_on_one_line_stay_there_if_they_fit() {
    let short = "rule a { when b then award 1 points }\n";
    assert_eq!(check(short), short);
    let name = "b".repeat(LINE_WIDTH);
    assert_eq!(
        check(&format!("rule a {{ when {name} then award 1 points }}")),
        format!("rule a {{\n  when {name}\n  then award 1 points\n}}\n")
    );
}

#[test]
fn a_condition_that_is_too_long_has_a_line_for_each_operand() {
    let text = "rule a { when member known and basket.paid >= 100 EUR and count(lines where line in category \"Tea\" and line.pieces > 2) >= 3\n then award 1 points }\n";
    let expected = "rule a {
  when member known
    and basket.paid >= 100 EUR
    and count(lines where line in category \"Tea\" and line.pieces > 2) >= 3
  then award 1 points
}
";
    assert_eq!(check(text), expected);
    // What fits stays on one line, up to the last column.
    let name = "b".repeat(LINE_WIDTH - "segment a = x and ".len());
    let fits = format!("segment a = x and {name}\n");
    assert_eq!(check(&fits), fits);
    assert_eq!(check(&format!("segment a = x and b{name}\n")), format!("segment a = x\n  and b{name}\n"));
    // A comment at the end does not count, and nothing can be done about a long name.
    let commented = format!("segment a = x and {name}  # why\n");
    assert_eq!(check(&commented), commented);
    let long = format!("segment a = bb{name}{name}\n");
    assert_eq!(check(&long), long);
}

#[test]
fn a_list_that_is_too_long_has_a_line_for_each_entry() {
    let countries: Vec<String> = (0..12).map(|n| format!("\"Country {n}\"")).collect();
    let text = format!("segment a = member known and member in country [{}]\n", countries.join(", "));
    let expected = format!(
        "segment a = member known\n  and member in country [\n    {}\n  ]\n",
        countries.join(",\n    ")
    );
    // The condition first, and what is too long still after it.
    assert_eq!(check(&text), expected);
    let call = format!("define a() gives money = min({}, f({}, 2))\n", "x".repeat(60), "y".repeat(60));
    let expected =
        format!("define a() gives money = min(\n  {},\n  f({}, 2)\n)\n", "x".repeat(60), "y".repeat(60));
    assert_eq!(check(&call), expected);
    let inner = format!("segment a = x in y or (b and (({} and {}) or c))\n", "d".repeat(50), "e".repeat(50));
    check(&inner);
}

#[test]
fn one_blank_line_separates_declarations() {
    let text = "language 1\nuse \"a.rule\"\n\n\nenum a { b }\nrule a {\n  when b\n}\nrule b {\n  when c\n}\n# last\n";
    let expected = "language 1\nuse \"a.rule\"\n\nenum a { b }\n\nrule a {\n  when b\n}\n\nrule b {\n  when c\n}\n\n# last\n";
    assert_eq!(check(text), expected);
}

#[test]
fn comments_keep_their_place() {
    let text =
        "# first\n\n## doc\nrule a { # open\n# own\nwhen b # end\nand c\n# before the brace\n}\n# after\n";
    let expected = "# first\n\n## doc\nrule a {  # open\n  # own\n  when b  # end\n    and c\n  # before the brace\n}\n\n# after\n";
    assert_eq!(check(text), expected);
}

#[test]
fn line_ends_inside_a_clause_stay() {
    let text =
        "rule a {\n  when b in [\n  1,\n 2,\n ] and\n c\n  then award 1 points\n available after 3 days\n}\n";
    let expected = "rule a {\n  when b in [\n    1,\n    2,\n  ] and\n    c\n  then award 1 points\n    available after 3 days\n}\n";
    assert_eq!(check(text), expected);
}

#[test]
fn signs_are_never_joined_to_a_comment() {
    assert_eq!(check("segment a = - - 1 - - 2 > 0\n"), "segment a = - -1 - -2 > 0\n");
}

/// The samples with every line end taken out that has no meaning: lines of any length are laid out, and the layout is
/// stable.
#[test]
fn joined_lines_are_broken_again() {
    let mut longest = 0;
    for (name, text) in support::samples() {
        let meant = without_spans(&parse(FileId(0), &text));
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut at = 1;
        while at < lines.len() {
            let mut joined = lines.clone();
            let line = joined.remove(at);
            let before = &mut joined[at - 1];
            if before.contains('#') || line.trim().is_empty() || before.trim().is_empty() {
                at += 1;
                continue;
            }
            *before = format!("{before} {}", line.trim());
            let parsed = parse(FileId(0), &(joined.join("\n") + "\n"));
            if parsed.diagnostics.is_empty() && without_spans(&parsed) == meant {
                lines = joined;
            } else {
                at += 1;
            }
        }
        let joined = lines.join("\n") + "\n";
        longest = joined.lines().map(|line| line.chars().count()).max().unwrap_or(0).max(longest);
        let laid_out = check(&joined);
        // Texts, names and short lists cannot be broken.
        for line in laid_out.lines() {
            let is_code = !line.contains('"') && !line.contains('#');
            if !is_code || line.chars().count() <= LINE_WIDTH {
                continue;
            }
            assert!(!line.contains(" and ") && !line.contains(" or "), "{name}: {line}");
        }
    }
    assert!(longest > 500, "the longest line had only {longest} characters");
}

/// What may stand between two tokens without changing what is said.
fn gap(needs_line: bool) -> impl Strategy<Value = String> {
    let gap = proptest::sample::select(vec![" ", "  ", "\t", "\u{a0}"]);
    let line =
        proptest::sample::select(vec!["\n", "\n\n\n", " # why\n", "\n  # why\n", "\n## doc\n", "\r\n"]);
    (gap, line, 0..5_u8).prop_map(
        move |(gap, line, choice)| {
            if needs_line || choice == 0 { line.to_owned() } else { gap.to_owned() }
        },
    )
}

#[test]
fn arrows_and_comments_of_neighbours_stand_below_each_other() {
    let text = "\
table rate \"By the pieces\"(pieces: pcs) gives percent first_match {
  from 12 pcs until 48 pcs => 3% # some
  from 144 pcs => 8%   # many

  otherwise   => 0% # few
}
test \"t\" {
  expect {
    discount 1 EUR # one
    award 100 points
    total 12.50 EUR   # all
  }
}
";
    let want = "\
table rate \"By the pieces\" (pieces: pcs) gives percent first_match {
  from 12 pcs until 48 pcs => 3%  # some
  from 144 pcs             => 8%  # many

  otherwise => 0%  # few
}

test \"t\" {
  expect {
    discount 1 EUR   # one
    award 100 points
    total 12.50 EUR  # all
  }
}
";
    assert_eq!(check(text), want);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The samples with other blanks, line ends and comments between the tokens.
    #[test]
    fn any_spacing_is_laid_out(
        sample in 0..24_usize,
        gaps in proptest::collection::vec((gap(false), gap(true)), 64),
    ) {
        let (_, text) = &support::samples()[sample];
        let mut spaced = String::new();
        let mut at = 0;
        let mut line_before = false;
        for token in lex(text) {
            match token.kind {
                TokenKind::Newline => line_before = true,
                TokenKind::Space => {}
                _ => {
                    let (same_line, new_line) = &gaps[at % gaps.len()];
                    at += 1;
                    // Line ends stay where they were, for some of them have a meaning; new ones come at blanks.
                    let is_comment = matches!(token.kind, TokenKind::Comment | TokenKind::Documentation);
                    if line_before {
                        spaced.push_str(new_line);
                    } else if is_comment || !same_line.contains('\n') {
                        spaced.push_str(if is_comment { " " } else { same_line });
                    } else {
                        spaced.push(' ');
                    }
                    line_before = false;
                    spaced.push_str(token.text(text));
                }
            }
        }
        prop_assume!(parse(FileId(0), &spaced).diagnostics.is_empty());
        let laid_out = format(&spaced).expect("no errors");
        prop_assert_eq!(content(&laid_out), content(&spaced));
        let again = format(&laid_out);
        prop_assert_eq!(again.as_ref(), Ok(&laid_out));
    }
}
