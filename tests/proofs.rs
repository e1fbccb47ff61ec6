//! What is proved holds: on random programmes no basket breaks a proved promise, and each witness breaks its own, on both
//! engines. And the pages of proofs are true: each example has the answer that its fence says, and its repair is clean.
//! A campaign of any length is `cargo run -p perq-tests --bin proofs -- --packs 10000`.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_compiler::prove::{Dead, Gives};
use perq_compiler::typed::Way;
use perq_runtime::catalogue::Catalogue;
use perq_runtime::pack::Pack;
use perq_runtime::prove::gains::GainKnown;
use perq_runtime::prove::{Desk, Fires, Known, Meets};
use perq_tests::proofs::campaign;
use perq_tests::root;

#[test]
fn no_basket_breaks_what_is_proved() {
    let report = campaign(1, 120, 60, 60);
    assert!(report.wrong.is_empty(), "{}", report.wrong.join("\n\n"));
    // The generator keeps its worth: all three answers are there.
    assert!(report.proved >= 15 && report.broken >= 15 && report.undecided >= 1, "{report:?}");
    assert!(
        report.dead >= 5 && report.alive >= 100 && report.apart >= 20 && report.meet >= 100,
        "{report:?}"
    );
    assert!(report.never[0] >= 3 && report.never[1] >= 20 && report.gains >= 30, "{report:?}");
}

/// What is asked of a programme.
fn with_desk<T>(at: &str, text: &str, ask: impl FnOnce(&Desk<'_>) -> T) -> T {
    let input = Input { path: "page.rule".to_owned(), text: text.to_owned() };
    let mut compilation = compile(&[input], &NoFiles);
    let said: Vec<_> = compilation.diagnostics.iter().map(|found| found.message.clone()).collect();
    assert!(said.is_empty(), "{at}: {said:?}");
    let pack = Pack::of(compilation.program.take().expect("it has no errors"));
    let desk = Desk::new(&compilation.typed, pack, &Catalogue::default()).expect("the engine takes it");
    ask(&desk)
}

const SHOP: &str = "language 1\nprogram demo { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
    account bonus { unit points decimals 0 round down per basket worth 100 points = 1 EUR shortfall debt }\n\
    group prices { kind line_discount displace none on_price original on purchase }\n\
    group order { kind order_discount displace none on_price running on purchase }\n\
    group earn { kind earn displace none on purchase }\n";

fn way(rules: &str, way: Way) -> GainKnown {
    with_desk(rules, &format!("{SHOP}{rules}"), |desk| {
        let answer = desk.ways().into_iter().find(|answer| answer.way == way);
        answer.expect("all ways are asked").known
    })
}

/// 50 points are worth 0.50 EUR: on two receipts of 20 EUR or more they are given twice, on one once.
#[test]
fn what_a_receipt_is_given_is_given_to_two() {
    let rules = "rule twenty in group earn { when basket.paid >= 20 EUR then award 50 points }";
    let GainKnown::With(gained) = way(rules, Way::Splitting) else { panic!("it gains") };
    assert_eq!((gained.gain, gained.only_rounding), ((50, 1), false));
    assert_eq!(gained.usual.paid, gained.other.paid);
    assert_eq!(gained.usual.awards, [("bonus".to_owned(), 50)]);
    assert_eq!(gained.other.awards, [("bonus".to_owned(), 100)]);
    assert_eq!((gained.usual.events.len(), gained.other.events.len()), (1, 2));
}

/// 10 EUR from 100 EUR on: neither receipt has them alone, both have them together.
#[test]
fn a_threshold_is_reached_together() {
    let rules = "rule large in group order { when basket.initial >= 100 EUR then discount 10 EUR on basket spread by paid }";
    let GainKnown::With(gained) = way(rules, Way::Merging) else { panic!("it gains") };
    assert_eq!((gained.gain, gained.only_rounding), ((1000, 1), false));
    assert_eq!(gained.usual.paid - gained.other.paid, 1000);
    // Two receipts of 100 EUR have it twice, and one of 200 EUR once.
    let GainKnown::With(gained) = way(rules, Way::Splitting) else { panic!("it gains") };
    assert_eq!(gained.gain, (1000, 1));
    // What is kept of 100 EUR or more was settled for less than it costs alone, and nothing is awarded.
    let GainKnown::With(gained) = way(rules, Way::Returning) else { panic!("it gains") };
    assert_eq!(gained.gain, (gained.usual.paid - gained.other.paid, 1));
    assert!((2..1000).contains(&gained.gain.0), "{gained:?}");
    // Ten of each hundred instead: never less together, so that taking apart gains nothing.
    let rules = "rule large in group order { then discount 10 EUR * steps of 100 EUR in basket.initial on basket spread by paid }";
    assert!(matches!(way(rules, Way::Splitting), GainKnown::Never(rounds, _) if rounds == ["large"]));
}

/// 5 % of two receipts, rounded down to whole points, are at most a point less than 5 % of one: 0.01 EUR.
#[test]
fn what_is_rounded_is_said_to_be() {
    let rules = "rule base in group earn { then award 5% of basket.paid as points }";
    let GainKnown::Never(rounds, Some(gained)) = way(rules, Way::Merging) else { panic!("rounding gains") };
    assert_eq!((rounds, gained.gain, gained.only_rounding), (vec!["base".to_owned()], (1, 1), true));
    assert!(matches!(way(rules, Way::Returning), GainKnown::Never(rounds, None) if rounds.is_empty()));
    // Each piece by itself is rounded the same on every receipt.
    let rules = "rule tenth in group prices { then discount 10% on units }";
    for of in Way::ALL {
        assert!(matches!(way(rules, of), GainKnown::Never(rounds, None) if rounds.is_empty()));
    }
}

/// What a line has no room for falls on the others: 40 pieces at 0.77 EUR are free after 1.17 EUR off each, and what 10 % of
/// their price is by pieces is then taken off whatever stands beside them.
#[test]
fn what_a_line_has_no_room_for_falls_on_others() {
    let rules = |weight: &str| {
        format!(
            "group late {{ kind order_discount displace none on_price original on purchase }}\n\
             rule piece in group prices {{ then discount 1.17 EUR on units }}\n\
             rule share in group late {{ then discount 10% on basket spread by {weight} }}"
        )
    };
    for weight in ["pieces", "initial", "paid", "equally"] {
        assert!(!matches!(way(&rules(weight), Way::Merging), GainKnown::Never(..)), "{weight}");
    }
}

#[test]
fn what_stands_in_the_way_of_a_proof_is_named() {
    let rules = "rule monthly in group prices { limit 5 EUR per member within this month else cut when member known then discount 10% on units }";
    let GainKnown::Undecided(because, None, _) = way(rules, Way::Splitting) else {
        panic!("it is not decided")
    };
    let limit = ("monthly".to_owned(), "has a limit over more than one receipt".to_owned());
    assert!(because.contains(&limit), "{because:?}");
}

fn fires(rules: &str, rule: &str) -> Fires {
    with_desk(rules, &format!("{SHOP}{rules}"), |desk| {
        let answer = desk.rules().into_iter().find(|answer| answer.rule == rule);
        answer.expect("all rules are asked").fires
    })
}

#[test]
fn rules_that_can_give_nothing_are_dead() {
    // 100 points are more than 50, and more than 50 lets nothing pass.
    let rules =
        "rule welcome in group earn { limit 50 points per transaction else skip then award 100 points }";
    assert!(matches!(fires(rules, "welcome"), Fires::Never(Dead::Skipped)));
    let rules =
        "rule welcome in group earn { limit 50 points per transaction else cut then award 100 points }";
    assert!(matches!(fires(rules, "welcome"), Fires::In(_)));
    // What is left to pay is never more than what there was.
    let rules = "rule odd in group order { when basket.initial < 20 EUR and basket.paid >= 30 EUR then discount 1 EUR on basket spread by paid }";
    assert!(matches!(fires(rules, "odd"), Fires::Never(Dead::Contradiction)));
}

#[test]
fn rules_that_never_stay_are_told_with_what_displaces_them() {
    let group = |displace: &str, rules: &str| {
        format!(
            "group best {{ kind set_discount displace {displace} on_price original on purchase }}\n{rules}"
        )
    };
    let tea = "then discount 30% on lines where line in category \"Tea\"";
    let both = |first: &str, second: &str| {
        format!(
            "rule a in group best {{ priority 2 {first} }}\nrule b in group best {{ priority 1 {second} }}"
        )
    };
    let all = "then discount 30% on lines";
    let found = fires(&group("best for member per line", &both(all, tea)), "b");
    assert!(matches!(found, Fires::Shadowed(by, Some(_)) if by == [("a".to_owned(), Gives::AsMuch)]));
    // The other way round it is the first of equals.
    assert!(matches!(fires(&group("best for member per line", &both(tea, all)), "b"), Fires::In(_)));
    assert!(matches!(fires(&group("best for member per line", &both(tea, all)), "a"), Fires::In(_)));
    // A condition more, and tea on other days is the second one's.
    let monday = "when event.weekday = mon then discount 30% on lines";
    assert!(matches!(fires(&group("best for member per line", &both(monday, tea)), "b"), Fires::In(_)));
    // Less, and first: the best one stays all the same, but for what rounds to the same.
    let less = "then discount 20% on lines";
    assert!(matches!(fires(&group("best for member per line", &both(less, tea)), "a"), Fires::In(_)));
    assert!(matches!(fires(&group("first per line", &both(less, tea)), "b"), Fires::In(_)));
    let euro = "then discount 1 EUR on lines";
    let found = fires(&group("first per line", &both(euro, tea)), "b");
    assert!(matches!(found, Fires::Shadowed(by, Some(_)) if by == [("a".to_owned(), Gives::Something)]));
}

/// The answers about a programme, each by its word.
fn answers(at: &str, text: &str) -> Vec<&'static str> {
    with_desk(at, text, |desk| answers_of(at, desk))
}

fn answers_of(at: &str, desk: &Desk<'_>) -> Vec<&'static str> {
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
