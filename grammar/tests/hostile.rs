//! Deep and long texts on a thread of two mebibytes: a named diagnostic or a tree, never the end of the process.

use perq_grammar::diagnostic::FileId;
use perq_grammar::{MAX_DEPTH, Parsed, parse};
use std::time::{Duration, Instant};

/// Reads on a small stack, clones and drops the tree there, and says what was found and how long reading took.
fn read(text: String) -> (Vec<&'static str>, usize, Duration) {
    let reader = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
        let start = Instant::now();
        let parsed: Parsed = parse(FileId(0), &text);
        let took = start.elapsed();
        let copy = parsed.tree.clone();
        assert!(copy == parsed.tree);
        (parsed.diagnostics.iter().map(|found| found.name).collect(), copy.items.len(), took)
    });
    reader.expect("a thread").join().expect("an answer")
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
        assert_eq!(read(text.clone()).0, [""; 0], "{}", &text[..60]);
    }
}

#[test]
fn deeper_text_is_answered_by_name() {
    let most = 1_000_000;
    for count in [MAX_DEPTH + 1, 1_000, most] {
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("by x { a => ", "}")] {
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
    for count in [2 * MAX_DEPTH + 1, 100_000] {
        for prefix in ["not ", "- ", "1% of "] {
            assert_eq!(
                read(value(&format!("{}a", prefix.repeat(count)))).0,
                ["nested-too-deeply"],
                "{prefix}"
            );
            assert_eq!(read(value(&prefix.repeat(count))).0, ["unexpected-text"], "{prefix}, unclosed");
        }
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
    // Unoptimised, the grammar is some ten times slower. Optimised, each takes 0.1 to 0.5 seconds of a free processor;
    // the limit leaves room for a busy one and still tells a quadratic reader.
    const TERMS: usize = 100_000;
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
        let time = |count: usize| {
            let start = Instant::now();
            read(piece.repeat(count));
            start.elapsed()
        };
        let short = time(2_000).max(Duration::from_millis(5));
        let long = time(20_000);
        assert!(long < short * 60 + Duration::from_secs(2), "{piece:?}: {short:?} and {long:?}");
    }
}
