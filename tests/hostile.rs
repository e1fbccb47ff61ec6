//! What nobody should write: whatever comes in, the answer is a diagnostic or a refusal, in bounded time and on a small
//! stack, and never the end of the process.

use perq_cli::render::{Style, human};
use perq_cli::{Exit, programme};
use perq_compiler::pipeline::Compilation;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_tests::generate::Random;
use perq_tests::{read, scratch, tracked};
use std::time::{Duration, Instant};

/// What an embedder's thread may have.
const STACK: usize = 2 << 20;
/// Far above what any of these takes in a build that is not optimised.
const PATIENCE: Duration = Duration::from_secs(60);
const STYLE: Style = Style { color: false, width: 100 };

/// The time that this thread has spent: of the processor where the system tells, for tests also run on busy machines.
fn spent(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next().and_then(|first| first.parse().ok()));
    nanoseconds.map_or_else(|| since.elapsed(), Duration::from_nanos)
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
    if let Ok(formatted) = perq_grammar::format(text) {
        let again = perq_grammar::format(&formatted);
        assert_eq!(again.ok().as_deref(), Some(formatted.as_str()), "formatted twice it differs");
    }
    compilation.diagnostics.len()
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
        for (start, end) in [(open.repeat(deep), close.repeat(deep)), (open.repeat(deep), String::new())] {
            let what = format!("{open:?} a million times");
            on_a_small_stack(&what, || {
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
        on_a_small_stack(&what, || {
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
        on_a_small_stack(what, || {
            through_everything(&with_condition(&condition));
        });
    }
    on_a_small_stack("lets", || {
        let lets: String = (0..20_000).map(|at| format!("let x{at} = basket.paid\n")).collect();
        through_everything(&format!("{FRAME} rule r {{ {lets} then award 1 points }} }}\n"));
    });
    on_a_small_stack("rules", || {
        let rules: String = (0..5_000).map(|at| format!("rule r{at} {{ then award 1 points }}\n")).collect();
        through_everything(&format!("{FRAME} {rules} }}\n"));
    });
}

#[test]
fn a_flat_sum_of_ten_thousand_terms_is_accepted() {
    let text = with_condition(&format!("{} > 1 EUR", vec!["basket.paid"; 10_000].join(" + ")));
    on_a_small_stack("a sum", || {
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
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_long_line_within_the_limit_is_shown_clipped() {
    let text = with_condition(&format!("basket.paid > 1 EUR {} nonsense", " ".repeat(3_000_000)));
    on_a_small_stack("a long line", || assert!(through_everything(&text) > 0));
    let text = with_condition(&"x".repeat(3_000_000));
    on_a_small_stack("a long word", || assert!(through_everything(&text) > 0));
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
fn every_sample_cut_at_many_bytes() {
    on_a_small_stack("cut samples", || {
        for text in samples() {
            for at in (0..text.len()).step_by(37).filter(|at| text.is_char_boundary(*at)) {
                through_everything(text.get(..at).unwrap_or(""));
                // And with a hole.
                let rest = text.get(at + 11..).unwrap_or("");
                through_everything(&format!("{}{rest}", text.get(..at).unwrap_or("")));
            }
        }
    });
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
