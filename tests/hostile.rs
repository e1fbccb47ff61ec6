//! What nobody should write: whatever comes in, the answer is a diagnostic or a refusal, in bounded time and memory and on
//! a small stack, and never the end of the process.

#[path = "../grammar/tests/support/bounds.rs"]
mod bounds;

use bounds::{assert_memory, spent};
use perq_cli::render::{Style, human};
use perq_cli::{Exit, programme};
use perq_compiler::pipeline::Compilation;
use perq_grammar::source::MAX_SOURCE_BYTES;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::{Pack, Policy, SigningKey, WriteOptions};
use perq_tests::generate::Random;
use perq_tests::{read, root, scratch, tracked};
use std::process::Command;
use std::time::{Duration, Instant};

/// What an embedder's thread may have.
const STACK: usize = 2 << 20;
/// Far above what any of these takes in a build that is not optimised.
const PATIENCE: Duration = Duration::from_secs(60);
const STYLE: Style = Style { color: false, width: 100 };

/// Names the one case that a child process is to run.
const CASE: &str = "PERQ_HOSTILE_CASE";

/// Runs one case of a test in a process of its own, since the system tells what memory a whole process has held: this
/// test again, in which only that case is run. The cases of a test have names of their own.
fn alone(test: &str, what: &str, work: impl FnOnce() + Send) {
    match std::env::var(CASE) {
        Ok(case) if case == what => on_a_small_stack(what, work),
        Ok(_) => {}
        Err(_) => {
            let this = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
            let child = Command::new(this).args([test, "--exact", "--nocapture"]).env(CASE, what).output();
            let child = child.unwrap_or_else(|error| panic!("{error}"));
            let said = String::from_utf8_lossy(&child.stdout);
            assert!(child.status.success(), "{what}: {said}{}", String::from_utf8_lossy(&child.stderr));
            assert!(said.contains("1 passed"), "there is no test {test}: {said}");
        }
    }
}

/// Runs it on a small stack; a panic there is a failure here, and an overflow ends the test, as it should.
fn on_a_small_stack(what: &str, work: impl FnOnce() + Send) {
    let started = Instant::now();
    std::thread::scope(|scope| {
        let work = || {
            work();
            spent(started)
        };
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match thread.unwrap_or_else(|error| panic!("{error}")).join() {
            Ok(spent) => assert!(spent < PATIENCE, "{what} took {spent:?}"),
            Err(_) => panic!("{what} panicked"),
        }
    });
    assert_memory(what);
}

/// Parses, checks, lowers, verifies, formats and renders; gives back how many diagnostics there were.
fn through_everything(text: &str) -> usize {
    let compilation: Compilation = programme::text("hostile.rule", text);
    for diagnostic in compilation.diagnostics.iter().take(20) {
        let shown = human(&compilation.sources, diagnostic, STYLE);
        assert!(shown.len() < 20_000, "{} bytes for one diagnostic", shown.len());
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert_ne!(diagnostic.name, "compiler-mistake", "{}", diagnostic.message);
    }
    assert!(compilation.has_errors() || compilation.program.is_some(), "neither errors nor a program");
    let count = compilation.diagnostics.len();
    drop(compilation);
    if let Ok(formatted) = perq_grammar::format(text) {
        let again = perq_grammar::format(&formatted);
        assert_eq!(again.ok().as_deref(), Some(formatted.as_str()), "formatted twice it differs");
    }
    count
}

const FRAME: &str = "language 1\n\
    program p { currency EUR zone \"UTC\" rounding half_up }\n\
    account a { unit points decimals 0 round down per basket worth 1 points = 1 EUR }\n\
    group g { kind earn displace none on purchase ";

/// A programme with this condition.
fn with_condition(condition: &str) -> String {
    format!("{FRAME} rule r {{ when {condition}\n then award 1 points }} }}\n")
}

#[test]
fn a_million_levels_of_every_bracket() {
    let deep = 1_000_000;
    let pairs = [("(", ")"), ("[", "]"), ("{", "}"), ("(-", ")"), ("not ", ""), ("-", ""), ("!", "")];
    for (open, close) in pairs {
        for (end, closed) in [(close.repeat(deep), "closed"), (String::new(), "unclosed")] {
            let start = open.repeat(deep);
            let what = format!("{open:?} a million times, {closed}");
            alone("a_million_levels_of_every_bracket", &what, || {
                let inside = format!("{start}true{end}");
                assert!(through_everything(&inside) > 0, "{what} at the top");
                assert!(through_everything(&with_condition(&inside)) > 0, "{what} in a condition");
            });
        }
    }
    for (head, open, tail) in [
        ("group g { ", "rule r { then ", ""),
        ("", "by a { b => ", "1"),
        ("", "sum(", "1"),
        ("", "for each l in lines { ", ""),
        ("", "test \"t\" { given purchase { x ", ""),
        ("", "\"", ""),
        ("", "## a\n", ""),
        ("", "if ", ""),
        ("", "a.", "b"),
        ("", "category [", ""),
    ] {
        let what = format!("{open:?} a hundred thousand times");
        alone("a_million_levels_of_every_bracket", &what, || {
            let inside = format!("{head}{}{tail}", open.repeat(100_000));
            through_everything(&inside);
            through_everything(&with_condition(&inside));
        });
    }
}

#[test]
fn chains_of_a_hundred_thousand_terms() {
    let chain = |term: &str, sign: &str, count: usize| vec![term; count].join(sign);
    for (what, condition) in [
        ("constants", format!("{} > 1", chain("1", " + ", 100_000))),
        ("amounts", format!("{} > 1 EUR", chain("basket.paid", " + ", 100_000))),
        ("products", format!("{} > 1", chain("1", " * ", 100_000))),
        ("and", chain("member known", " and ", 100_000)),
        ("or", chain("basket.paid > 1 EUR", " or ", 100_000)),
        ("a list", format!("event.weekday in [{}]", chain("mon", ", ", 100_000))),
        ("names", format!("purchase in store [{}]", chain("\"x\"", ", ", 100_000))),
        ("members", chain("basket", ".", 100_000)),
        ("comparisons", chain("1", " < ", 100_000)),
    ] {
        alone("chains_of_a_hundred_thousand_terms", what, || {
            through_everything(&with_condition(&condition));
        });
    }
    alone("chains_of_a_hundred_thousand_terms", "lets", || {
        let lets: String = (0..20_000).map(|at| format!("let x{at} = basket.paid\n")).collect();
        through_everything(&format!("{FRAME} rule r {{ {lets} then award 1 points }} }}\n"));
    });
    alone("chains_of_a_hundred_thousand_terms", "rules", || {
        let rules: String = (0..5_000).map(|at| format!("rule r{at} {{ then award 1 points }}\n")).collect();
        through_everything(&format!("{FRAME} {rules} }}\n"));
    });
}

#[test]
fn a_flat_sum_of_a_hundred_thousand_terms_is_accepted() {
    let text = with_condition(&format!("{} > 1 EUR", vec!["basket.paid"; 100_000].join(" + ")));
    alone("a_flat_sum_of_a_hundred_thousand_terms_is_accepted", "a sum", || {
        let compilation = programme::text("sum.rule", &text);
        let names: Vec<&str> = compilation.diagnostics.iter().map(|found| found.name).collect();
        assert!(compilation.program.is_some(), "{names:?}");
    });
}

#[test]
fn a_line_of_a_hundred_megabytes_is_refused_unread() {
    let folder = scratch("long-line");
    let path = folder.join("long.rule");
    let file = std::fs::File::create(&path).unwrap_or_else(|error| panic!("{error}"));
    // Zeros that no disk has to hold; the first bytes are text.
    file.set_len(100_000_000).unwrap_or_else(|error| panic!("{error}"));
    drop(file);
    let started = Instant::now();
    let before = spent(started);
    let path = path.display().to_string();
    for command in [["check", &path], ["fmt", &path], ["test", &path], ["build", &path]] {
        let mut arguments = command.to_vec();
        if command[0] == "build" {
            arguments.push("--print");
        }
        let (exit, out, err) = perq_cli::run(arguments, b"").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(exit, Exit::Findings, "{out}{err}");
        assert!((out + &err).contains("file-too-large"));
    }
    assert!(spent(started).saturating_sub(before) < PATIENCE);
    assert_memory("a file of a hundred megabytes");
    let _ = std::fs::remove_dir_all(&folder);
}

/// So much of `piece`, numbered where it has a `@`, that the file is as large as it may be.
fn filled(head: &str, piece: &str, tail: &str) -> String {
    let mut text = head.to_owned();
    for number in 0.. {
        let piece = piece.replace('@', &number.to_string());
        if text.len() + piece.len() + tail.len() > MAX_SOURCE_BYTES {
            break;
        }
        text.push_str(&piece);
    }
    text + tail
}

#[test]
fn files_as_large_as_they_may_be() {
    let sum = format!("rule r@ {{ when {}1 > 1 then award 1 points }}\n", "1+".repeat(240_000));
    for (what, text) in [
        ("long sums", filled(FRAME, &sum, "}")),
        ("many rules", filled(FRAME, "rule r@{then award 1 points}\n", "}")),
        ("unknown names", filled(FRAME, "rule r@{when x@ then award 1 points}\n", "}")),
        ("values of one name", filled("language 1\nenum e { ", "a,", "}")),
    ] {
        alone("files_as_large_as_they_may_be", what, || {
            through_everything(&text);
        });
    }
}

/// The names of what is found in a text.
fn found(text: &str) -> Vec<&'static str> {
    programme::text("hostile.rule", text).diagnostics.iter().map(|diagnostic| diagnostic.name).collect()
}

#[test]
fn what_is_too_large_is_refused_by_name() {
    let rule = "rule r { then award 1 points }";
    let numbered = |piece: &str, count: usize| -> String {
        (0..count).map(|number| piece.replace('@', &number.to_string())).collect()
    };
    let long = "x".repeat(1_025);
    let head = FRAME.split("group g").next().unwrap_or("");
    for (what, text) in [
        ("the name of a rule", format!("{FRAME} rule {long} {{ then award 1 points }} }}")),
        ("the name of a group", format!("{FRAME} {rule} }}").replace("group g", &format!("group {long}"))),
        (
            "the name of a program",
            format!("{FRAME} {rule} }}").replace("program p", &format!("program {long}")),
        ),
        ("a name of the catalogue", with_condition(&format!("purchase in store \"{long}\""))),
        (
            "a reason",
            format!("{FRAME} rule r {{ then award 1 points reason \"{}\" }} }}", "x".repeat(65_537)),
        ),
        ("an enumeration", format!("{FRAME} {rule} }} enum e {{ {} }}", numbered("v@, ", 65_537))),
        // A thousand clauses in each of a thousand rules: 50 kilobytes that would come to a gigabyte.
        (
            "what a group shares",
            format!(
                "{FRAME} {} {} }}",
                "when basket.paid > 1 EUR\n".repeat(1_000),
                numbered("rule r@ { then award 1 points }\n", 1_000)
            ),
        ),
        // Some 40 000 steps in each of two hundred rules.
        (
            "defines written out",
            format!(
                "{head} define big() gives money = {}basket.paid\n{} {} }}",
                "basket.paid + ".repeat(10_000),
                FRAME.replace(head, ""),
                numbered("rule r@ { when big() > @ EUR then award 1 points }\n", 500)
            ),
        ),
        // Each would check all of a file of four megabytes once more.
        (
            "tests that reject",
            filled(
                &format!(
                    "{FRAME} {rule} }} {}",
                    numbered(
                        "test \"t@\" rejects unknown-name { rule x { when y then award 1 points } }\n",
                        100
                    )
                ),
                "# nothing\n",
                "",
            ),
        ),
    ] {
        alone("what_is_too_large_is_refused_by_name", what, || {
            assert_eq!(found(&text), ["program-too-large"], "{what}")
        });
    }
}

#[test]
fn an_error_behind_a_hundred_warnings_is_kept() {
    let rules = |count: usize| -> String {
        let rule = |number| format!("rule r{number} {{ when basket.paid known then award 1 points }}\n");
        (0..count).map(rule).collect()
    };
    let text = format!("{FRAME} {} rule s {{ then award 1 EUR }} }}", rules(150));
    let compilation = programme::text("warnings.rule", &text);
    assert!(compilation.has_errors() && compilation.program.is_none());
    let names: Vec<&str> = compilation.diagnostics.iter().map(|found| found.name).collect();
    assert_eq!(names.len(), 101, "99 warnings, the error, and how many more there are");
    assert_eq!(names.iter().filter(|name| **name == "always-known").count(), 99);
    assert_eq!(names.last(), Some(&"too-many-errors"));
    assert!(programme::text("warnings.rule", &format!("{FRAME} {} }}", rules(150))).program.is_some());
}

#[test]
fn a_long_line_within_the_limit_is_shown_clipped() {
    let text = with_condition(&format!("basket.paid > 1 EUR {} nonsense", " ".repeat(3_000_000)));
    alone("a_long_line_within_the_limit_is_shown_clipped", "a long line", || {
        assert!(through_everything(&text) > 0)
    });
    let text = with_condition(&"x".repeat(3_000_000));
    alone("a_long_line_within_the_limit_is_shown_clipped", "a long word", || {
        assert!(through_everything(&text) > 0)
    });
}

#[test]
fn bytes_that_are_no_text() {
    let folder = scratch("no-text");
    let path = folder.join("bytes.rule");
    let mut numbers = Random::new(7);
    for round in 0..300 {
        let mut bytes = with_condition("true").into_bytes();
        for _ in 0..=round % 5 {
            let at = numbers.below(bytes.len());
            bytes[at] = numbers.below(256) as u8;
        }
        bytes.truncate(numbers.below(bytes.len() + 1));
        std::fs::write(&path, &bytes).unwrap_or_else(|error| panic!("{error}"));
        let path = path.display().to_string();
        let (exit, out, err) = perq_cli::run(["check", &path], b"").unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(exit, Exit::Clean | Exit::Findings), "{exit:?} {out}{err}");
        assert!(out.chars().all(|c| c == '\n' || !c.is_control()), "{out:?}");
    }
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn random_texts() {
    let mut numbers = Random::new(11);
    let words: Vec<String> =
        samples().iter().flat_map(|text| text.split_inclusive(' ')).map(str::to_owned).collect();
    on_a_small_stack("random texts", || {
        for round in 0..400 {
            let length = numbers.below(300);
            let text: String = if round % 2 == 0 {
                (0..length).map(|_| char::from_u32(numbers.below(0x500) as u32).unwrap_or('§')).collect()
            } else {
                (0..length).map(|_| words[numbers.below(words.len())].as_str()).collect()
            };
            through_everything(&text);
        }
    });
}

fn samples() -> Vec<String> {
    tracked().iter().filter(|path| path.starts_with("tests/samples/")).map(|path| read(path)).collect()
}

#[test]
fn every_sample_cut_at_every_byte() {
    let samples = samples();
    let (left, right) = samples.split_at(samples.len() / 2);
    std::thread::scope(|scope| {
        for half in [left, right] {
            scope.spawn(move || {
                for text in half {
                    on_a_small_stack("a sample", || cut(text));
                }
            });
        }
    });
}

/// A text cut at each of its bytes, and with holes.
fn cut(text: &str) {
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let before = text.get(..at).unwrap_or("");
        through_everything(before);
        if at % 37 == 0 {
            through_everything(&format!("{before}{}", text.get(at + 11..).unwrap_or("")));
        }
    }
}

fn engine() -> Engine {
    let text = with_condition("member known and basket.paid >= 1 EUR");
    let program = programme::text("records.rule", &text).program.expect("it compiles");
    Engine::builder(Pack::of(program))
        .kind(EngineKind::Interpreter)
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

const RECORD: &str = r#"{"id":"1","kind":"purchase","at":"2026-03-02T10:15:00","member":{"id":"m1"},"lines":[{"sku":"A","qty":2,"price":"3.50"}],"payments":[{"type":"cash","amount":"7.00"}]}"#;

#[test]
fn records_of_every_illness() {
    let engine = engine();
    let mut session = engine.session();
    assert!(session.decide_json(RECORD.as_bytes()).is_ok());
    on_a_small_stack("ill records", || {
        let mut numbers = Random::new(13);
        for at in 0..RECORD.len() {
            let cut = session.decide_json(RECORD.get(..at).unwrap_or("").as_bytes());
            assert!(cut.is_err(), "cut at {at}");
            for byte in [0, b'"', b'{', b'[', b'9', b'-', 0xff, b'\\'] {
                let mut bytes = RECORD.as_bytes().to_vec();
                bytes[at] = byte;
                // Any answer is fine, as long as there is one.
                let _ = session.decide_json(&bytes);
            }
        }
        for _ in 0..3_000 {
            let bytes: Vec<u8> = (0..numbers.below(80)).map(|_| numbers.below(256) as u8).collect();
            let _ = session.decide_json(&bytes);
        }
        for open in ["[", "{\"a\":", "[[{\"lines\":["] {
            assert!(session.decide_json(open.repeat(300_000).as_bytes()).is_err(), "{open}");
        }
        let digits = "9".repeat(100_000);
        for value in [digits.as_str(), "1e400", "-0", "0.00000000001", "NaN", "99999999999999999999.99"] {
            let ill = RECORD.replace("\"3.50\"", value);
            let _ = session.decide_json(ill.as_bytes());
        }
        let long = RECORD.replace("\"A\"", &format!("\"{}\"", "x".repeat(2 << 20)));
        assert!(session.decide_json(long.as_bytes()).is_err());
        assert!(session.decide_json(RECORD.as_bytes()).is_ok(), "an ill record spoils the next one");
    });
}

/// The pack of an example.
fn pack_of(example: &str) -> Vec<u8> {
    let folder = scratch("pack");
    let (from, to) = (root().join("rules-examples").join(example), folder.join("example.perq"));
    let (from, to) = (from.display().to_string(), to.display().to_string());
    let (exit, out, err) =
        perq_cli::run(["build", &from, "-o", &to], b"").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(exit, Exit::Clean, "{out}{err}");
    let bytes = std::fs::read(&to).unwrap_or_else(|error| panic!("{error}"));
    let _ = std::fs::remove_dir_all(&folder);
    bytes
}

/// Asserts that no bytes changed by `change` are accepted, on two threads. What is refused was never verified, and what
/// is not verified has no type that code could be generated from.
fn all_refused(bytes: &[u8], changes: usize, policy: &Policy, change: impl Fn(&mut Vec<u8>, usize) + Sync) {
    std::thread::scope(|scope| {
        for first in 0..2 {
            let change = &change;
            scope.spawn(move || {
                let mut changed = Vec::with_capacity(bytes.len());
                for number in (first..changes).step_by(2) {
                    changed.clear();
                    changed.extend_from_slice(bytes);
                    change(&mut changed, number);
                    assert!(Pack::read(&changed, policy).is_err(), "change {number}");
                }
            });
        }
    });
}

#[test]
fn a_pack_of_an_example_with_any_bit_or_length_changed() {
    let bytes = pack_of("online-retail");
    println!("{} bytes", bytes.len());
    assert!(bytes.len() > 10_000, "as large as packs are");
    let flip = |bytes: &mut Vec<u8>, number: usize| bytes[number / 8] ^= 1 << (number % 8);
    let policy = Policy::unsigned_allowed();
    assert!(Pack::read(&bytes, &policy).is_ok());
    all_refused(&bytes, bytes.len() * 8, &policy, flip);
    all_refused(&bytes, bytes.len(), &policy, |bytes, length| bytes.truncate(length));

    // A signature is looked at before checksums, over all of it: of each byte one bit, and each length.
    let key = SigningKey::from_bytes(&[7; 32]);
    let pack = Pack::read(&bytes, &policy).unwrap_or_else(|error| panic!("{error}"));
    let signed = Pack::write(pack.program(), &WriteOptions { serial: 0, key: Some(&key) });
    let policy = Policy::signed_by(vec![key.public()]);
    assert!(Pack::read(&signed, &policy).is_ok());
    all_refused(&signed, signed.len(), &policy, |bytes, at| bytes[at] ^= 1 << (at % 8));
    all_refused(&signed, signed.len(), &policy, |bytes, length| bytes.truncate(length));
}

#[test]
fn packs_that_are_cut_or_changed() {
    let program = programme::text("pack.rule", &with_condition("true")).program.expect("it compiles");
    let bytes = Pack::write(&program, &WriteOptions::default());
    let policy = Policy::unsigned_allowed();
    assert!(Pack::read(&bytes, &policy).is_ok());
    on_a_small_stack("ill packs", || {
        for at in 0..bytes.len() {
            assert!(Pack::read(&bytes[..at], &policy).is_err(), "cut at {at}");
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(Pack::read(&changed, &policy).is_err(), "changed at {at}");
        }
        let mut numbers = Random::new(17);
        for _ in 0..1_000 {
            let bytes: Vec<u8> = (0..numbers.below(400)).map(|_| numbers.below(256) as u8).collect();
            assert!(Pack::read(&bytes, &policy).is_err());
        }
    });
}
