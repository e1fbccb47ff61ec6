//! Deep, long and broken texts, in their full size, on a thread of two mebibytes: a named diagnostic or a tree, never the
//! end of the process, and never a gigabyte.

#[path = "support/bounds.rs"]
mod bounds;
mod support;

use bounds::{assert_memory, spent};
use perq_grammar::diagnostic::FileId;
use perq_grammar::source::{MAX_SOURCE_BYTES, decode};
use perq_grammar::{MAX_DEPTH, MAX_TOKENS, Parsed, format, parse};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What an embedder's thread may have.
const STACK: usize = 2 << 20;

/// Reads on a small stack, clones and drops the tree there, and says what was found and how much of the processor
/// reading took.
fn read(text: String) -> (Vec<&'static str>, usize, Duration) {
    read_on(STACK, text)
}

fn read_on(stack: usize, text: String) -> (Vec<&'static str>, usize, Duration) {
    // One long text at a time: what is bounded is what one takes, and the system tells of the process only.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = (text.len() > 500_000).then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
    let what = text.chars().take(40).collect::<String>();
    let reader = std::thread::Builder::new().stack_size(stack).spawn(move || {
        let start = Instant::now();
        let before = spent(start);
        let parsed: Parsed = parse(FileId(0), &text);
        let took = spent(start).saturating_sub(before);
        let copy = parsed.tree.clone();
        assert!(copy == parsed.tree);
        (parsed.diagnostics.iter().map(|found| found.name).collect(), copy.items.len(), took)
    });
    let answer = reader.expect("a thread").join().expect("an answer");
    assert_memory(&what);
    answer
}

fn value(expression: &str) -> String {
    format!("define x() gives number = {expression}\n")
}

#[test]
fn the_deepest_text_allowed_is_read() {
    // The braces of a rule take one level.
    let levels = MAX_DEPTH;
    let nest = |open: &str, inside: &str, close: &str, levels: usize| {
        format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
    };
    let texts = [
        value(&nest("(", "1", ")", levels)),
        value(&nest("[", "1", "]", levels)),
        value(&nest("f(1, ", "1", ")", levels)),
        value(&nest("not (", "a", ")", levels - 1)),
        value(&nest("by x { a => ", "1", " }", levels)),
        value(&nest("x in (", "1", ")", levels - 1)),
        value(&nest("sum(line.paid for lines where ", "a", ")", levels)),
        value(&nest("sum(cheapest 1 of lines where ", "a", ")", levels)),
        value(&nest("count(earlier lines within 1 through (", "a", "))", levels / 2)),
        format!(
            "rule a {{ then {{ {} }} }}\n",
            nest("for each line in lines { ", "award 1 points", " }", levels - 2)
        ),
        format!("test \"a\" {{ given member {} }}\n", nest("{ a ", "{}", " }", levels - 2)),
    ];
    for text in texts {
        // This crate is optimised in tests, too, and then needs half of the stack that it needs otherwise.
        assert_eq!(read_on(STACK / 2, text.clone()).0, [""; 0], "{}", &text[..60]);
    }
}

#[test]
fn deeper_text_is_answered_by_name() {
    for count in [MAX_DEPTH + 1, 1_000, 1_000_000] {
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("by x { a => ", "}")] {
            // As many as a file may have.
            let count = count.min((MAX_SOURCE_BYTES - 100) / (open.len() + close.len()));
            let balanced = value(&format!("{}1{}", open.repeat(count), close.repeat(count)));
            assert_eq!(read(balanced).0, ["nested-too-deeply"], "{count} of {open}");
            assert_eq!(
                read(value(&open.repeat(count))).0,
                ["nested-too-deeply"],
                "{count} of {open}, unclosed"
            );
        }
    }
    // The tree deepens with prefixes, for which the grammar does not recurse.
    for prefix in ["not ", "- ", "1% of "] {
        for count in [2 * MAX_DEPTH + 1, 300_000] {
            let deep = prefix.repeat(count);
            assert_eq!(read(value(&format!("{deep}a"))).0, ["nested-too-deeply"], "{prefix}");
            assert_eq!(read(value(&deep)).0, ["unexpected-text"], "{prefix}, unclosed");
        }
        // A million are more than one declaration may have.
        let longest = prefix.repeat(1_000_000.min((MAX_SOURCE_BYTES - 100) / prefix.len()));
        assert_eq!(read(value(&longest)).0, ["declaration-too-long"], "{prefix}");
    }
    for closing in [")", "]", "}"] {
        let (found, ..) = read(closing.repeat(1_000_000));
        assert_eq!(found, ["stray-delimiter"], "{closing}");
    }
    assert_eq!(
        read(value(&format!("{}{}", "(".repeat(500_000), "]".repeat(500_000)))).0,
        ["nested-too-deeply"]
    );
    assert_eq!(read("rule a {\n".repeat(10_000)).0.len(), 101);
    assert!(!read("group a { rule b {\n".repeat(10_000)).0.is_empty());
}

#[test]
fn long_flat_texts_are_read() {
    const TERMS: usize = 100_000;
    // Each takes 0.1 to 0.5 seconds; the limit still tells a quadratic reader.
    let limit = Duration::from_secs(10);
    let texts = [
        value(&vec!["1"; TERMS].join(" + ")),
        value(&vec!["1"; TERMS].join(" - ")),
        value(&vec!["1"; TERMS].join(" * ")),
        value(&vec!["a"; TERMS].join(" and ")),
        value(&vec!["not a"; TERMS].join(" or ")),
        value(&format!("[{}]", vec!["a"; TERMS].join(", "))),
        value(&format!("f({})", vec!["a"; TERMS].join(", "))),
        value(&format!("by x {{ {} }}", vec!["a => 1"; TERMS].join(", "))),
        value(&vec!["a"; TERMS].join(".")),
    ];
    for text in texts {
        let (found, items, took) = read(text.clone());
        assert_eq!((found, items), (vec![], 1), "{}", &text[..60]);
        assert!(took < limit, "{took:?} for {}", &text[..60]);
    }
}

#[test]
fn the_longest_declaration_allowed_is_read_and_a_longer_one_is_not() {
    // `define x() gives number =` are seven tokens, and a sum of n numbers 2n - 1: a quarter of a million less three in all.
    let sum = |numbers: usize| value(&vec!["1"; numbers].join("+"));
    let most = (MAX_TOKENS - 7).div_ceil(2);
    assert_eq!(7 + 2 * most - 1, MAX_TOKENS);
    assert_eq!(read(sum(most)).0, [""; 0]);
    assert_eq!(read(sum(most + 1)).0, ["declaration-too-long"]);
    // What is beside it is read all the same, and what blanks and comments take does not count.
    let (found, items, _) = read(format!("{}{}", sum(most + 1), "# x\n".repeat(10_000) + &sum(2)));
    assert_eq!((found, items), (vec!["declaration-too-long"], 1));
    let rule = "rule a { when b = 1 then award 1 points }\n";
    let group = format!("group g {{\n{}}}\n", rule.repeat(MAX_TOKENS / 12 + 1));
    assert_eq!(read(group).0, [""; 0], "rules in braces count by themselves");
}

#[test]
fn lines_as_long_as_a_file_may_be_are_answered() {
    for piece in [
        "x", " ", "\"", "1 ", "ж", "🍵", "(", "{}", "$", "«", "#", "a.", "1+", "1<", "a,", ";", "\u{202e}",
        "\u{0}",
    ] {
        let text = piece.repeat(MAX_SOURCE_BYTES / piece.len());
        let (_, _, took) = read(text);
        assert!(took < Duration::from_secs(20), "{took:?} for {piece:?}");
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_refused() {
    let text = "1 + ".repeat(25_000_000);
    let start = Instant::now();
    let before = spent(start);
    assert_eq!(decode(FileId(0), text.as_bytes()).expect_err("too large").name, "file-too-large");
    assert_eq!(parse(FileId(0), &text).diagnostics[0].name, "file-too-large");
    assert_eq!(format(&text).expect_err("too large")[0].name, "file-too-large");
    assert!(spent(start).saturating_sub(before) < Duration::from_millis(100), "it is not looked at");
    let least = " ".repeat(MAX_SOURCE_BYTES + 1);
    assert_eq!(read(least.clone()).0, ["file-too-large"]);
    assert_eq!(read(least[1..].to_owned()).0, [""; 0]);
    assert_memory("a hundred megabytes");
}

#[test]
fn every_byte_that_is_no_text_is_found() {
    let (_, text) = support::samples().into_iter().next().expect("a sample");
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        // Never in UTF-8; one that goes on with nothing; the first of two, of which the second is missing.
        for byte in [0xFF, 0x80, 0xC3] {
            let mut bytes = text.as_bytes()[..at].to_vec();
            bytes.push(byte);
            bytes.extend_from_slice(b"\n");
            bytes.extend_from_slice(&text.as_bytes()[at..]);
            let found = decode(FileId(0), &bytes).expect_err("no text");
            assert_eq!((found.name, found.place.span.start as usize), ("invalid-utf8", at));
        }
    }
}

#[test]
fn no_choice_of_the_grammar_is_exponential() {
    let levels = 18;
    let openings = [
        "x in (",
        "x not in (",
        "sum(not steps of (a) in (",
        "(a) in (a) through (",
        "sum(cheapest 1 of a where (",
        "sum(every 3rd of a where (",
        "f(by (a) { b => c, d => ",
        "steps of (",
        "by (",
        "by a { b => c, - d => e - (",
        "count(earlier a within (",
        "[(a), (",
        "a.b((",
    ];
    for opening in openings {
        // Mistaken at the deepest place, so that every way to read it is tried.
        let text = value(&format!("{}a +", opening.repeat(levels)));
        let (found, _, took) = read(text);
        assert!(!found.is_empty());
        assert!(took < Duration::from_secs(5), "{took:?} for {opening}");
    }
}

#[test]
fn time_grows_with_the_length() {
    for piece in
        ["rule a { when b }\n", "rule a { when }\n", "wehn\n", "\"\n", "; ", "« ", "# \n", "$ 1 ", "## a\n"]
    {
        let time = |count: usize| read(piece.repeat(count)).2;
        let short = time(2_000).max(Duration::from_millis(5));
        let long = time(20_000);
        assert!(long < short * 60 + Duration::from_secs(2), "{piece:?}: {short:?} and {long:?}");
    }
}
