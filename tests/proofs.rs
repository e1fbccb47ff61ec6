//! What is proved holds: on random programmes no basket breaks a proved promise, and each witness breaks its own, on both
//! engines. And the pages of proofs are true: each example has the answer that its fence says, and its repair is clean.
//! A campaign of any length is `cargo run -p perq-tests --bin proofs -- --packs 10000`.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::pack::Pack;
use perq_runtime::prove::gains::GainKnown;
use perq_runtime::prove::{Desk, Fires, Known, Meets};
use perq_tests::proofs::campaign;
use perq_tests::root;

#[test]
fn no_basket_breaks_what_is_proved() {
    let report = campaign(1, 60, 60, 60);
    assert!(report.wrong.is_empty(), "{}", report.wrong.join("\n\n"));
    // The generator keeps its worth: all three answers are there.
    assert!(report.proved >= 15 && report.broken >= 15 && report.undecided >= 1, "{report:?}");
}

/// The answers about a programme, each by its word.
fn answers(at: &str, text: &str) -> Vec<&'static str> {
    let input = Input { path: "page.rule".to_owned(), text: text.to_owned() };
    let mut compilation = compile(&[input], &NoFiles);
    let said: Vec<_> = compilation.diagnostics.iter().map(|found| found.message.clone()).collect();
    assert!(said.is_empty(), "{at}: {said:?}");
    let pack = Pack::of(compilation.program.take().expect("it has no errors"));
    let desk = Desk::new(&compilation.typed, pack, &Catalogue::default()).expect("the engine takes it");
    let promises = desk.promises().into_iter().map(|promised| match promised.known {
        Known::Proved(_) => "proved",
        Known::Broken(witness) => {
            let again = desk.decide(&witness.event).expect("a witness is an event");
            assert!(again.broken.iter().any(|broken| broken.ensure == promised.name), "{at}");
            "broken"
        }
        Known::Undecided { .. } => "undecided",
    });
    let rules = desk.rules().into_iter().map(|answer| match answer.fires {
        Fires::Never(_) => "dead",
        Fires::Off => "off",
        Fires::In(_) => "alive",
        Fires::Shadowed(_, witness) => {
            let witness = witness.expect("an event shows what displaces it");
            let again = desk.decide(&witness.event).expect("a witness is an event");
            assert!(again.displaced.iter().any(|displaced| displaced.rule == answer.rule), "{at}");
            "shadowed"
        }
        Fires::GaveWay(..) | Fires::Unknown(_) => "unknown",
    });
    let pairs = desk.overlaps(false).into_iter().map(|answer| match answer.meets {
        Meets::Never => "apart",
        Meets::In(_) => "meet",
        Meets::Unknown(_) => "unknown",
    });
    let gains = desk.no_gains().into_iter().map(|answer| match answer.known {
        GainKnown::Never(..) | GainKnown::NothingReturns => "never",
        GainKnown::With(_) => "gains",
        GainKnown::Undecided(..) => "not known",
    });
    promises.chain(rules).chain(pairs).chain(gains).collect()
}

/// Words that stand for a question: the fence's is the answer to all that ask it.
fn question(answer: &str) -> &'static [&'static str] {
    match answer {
        "proved" | "broken" | "undecided" => &["proved", "broken", "undecided"],
        "dead" | "alive" => &["dead", "alive", "shadowed", "unknown"],
        // One that stays shadows the other.
        "shadowed" => &["shadowed"],
        "gains" | "never" => &["gains", "never", "not known"],
        _ => &["apart", "meet"],
    }
}

#[test]
fn the_pages_of_proofs_are_true() {
    let folder = root().join("docs/proofs");
    let mut pages: Vec<_> = std::fs::read_dir(&folder)
        .expect("the pages are there")
        .map(|entry| entry.expect("a page").path())
        .collect();
    pages.sort();
    assert!(pages.len() >= 11);
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page can be read");
        let mut promised: Vec<String> = Vec::new();
        for (number, part) in text.split("```rule prove=").skip(1).enumerate() {
            let (word, rest) = part.split_once('\n').expect("a fence has a line");
            let (rules, _) = rest.split_once("\n```").expect("a fence is closed");
            let at = format!("{} example {}", page.display(), number + 1);
            let found: Vec<&str> =
                answers(&at, rules).into_iter().filter(|answer| question(word).contains(answer)).collect();
            assert!(!found.is_empty() && found.iter().all(|answer| *answer == word), "{at}: {found:?}");
            promised.push(word.to_owned());
        }
        // Each has an example and its repair, whose answers differ.
        assert_eq!(promised.len(), 2, "{}", page.display());
        assert_ne!(promised.first(), promised.last(), "{}", page.display());
    }
}
