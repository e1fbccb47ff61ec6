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
    let report = campaign(1, 144, 60, 60);
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

/// What the pieces of a set are taken from, all discounts of it leave alone.
#[test]
fn sets_of_other_goods_leave_goods_alone() {
    let promise =
        "ensure no_tobacco { for each line where line in category \"Tobacco\" keep line.discount <= 0 EUR }";
    let set = |of_b: &str, then: &str| {
        let rules = format!(
            "group sets {{ kind set_discount displace none on_price original on purchase }}
             rule duo in group sets {{
               take bundle duo up to 3 times best for member {{
                 a = 1 of units where unit in category \"Coffee\" and not unit in category \"Tobacco\"
                 b = 2 of units where {of_b}
               }}
               then {then}
             }}
             {promise}"
        );
        with_desk("sets", &format!("{SHOP}{rules}"), |desk| desk.promises().remove(0).known)
    };
    let other = "unit.initial >= 1 EUR and not unit in category \"Tobacco\"";
    for then in [
        "discount 20% on duo",
        "discount 20% on cheapest 1 of duo",
        "price 2 EUR total for duo spread by initial",
    ] {
        assert!(matches!(set(other, then), Known::Proved(_)), "{then}");
        assert!(!matches!(set("unit.initial >= 1 EUR", then), Known::Proved(_)), "{then}");
    }
    assert!(matches!(set("unit.initial >= 1 EUR", "discount 20% on duo"), Known::Broken(_)));
}

/// 1 000 litres at 0.03 EUR are more than 40 % of 10 EUR: what caps the amount then is the 40 %.
#[test]
fn amounts_by_volume_are_searched_as_far_as_their_cap() {
    let rules = "extend line { litres: l? }
        rule fuel in group prices {
          then for each line in lines where line in category \"Fuel\" and line.litres known {
            discount min(0.03 EUR * (line.litres / 1 l), 40% of line.initial) on line
          }
        }
        ensure a_third { for each line where line.initial >= 10 EUR keep line.discount <= 33% of line.initial }
        ensure half { for each line where line.initial >= 10 EUR keep line.discount <= 50% of line.initial }";
    with_desk("volume", &format!("{SHOP}{rules}"), |desk| {
        let known: Vec<Known> = desk.promises().into_iter().map(|promised| promised.known).collect();
        assert!(matches!(known.as_slice(), [Known::Broken(_), Known::Proved(_)]), "{known:?}");
    });
}

/// The bounds of a programme: what cannot be met with how many other declarations, and what each says.
fn contradictions(rules: &str) -> Vec<(String, usize)> {
    let account =
        "account bonus { unit points decimals 0 redeemable round down per basket worth 100 points = 1 EUR }";
    let text = format!(
        "language 1\nprogram demo {{ currency EUR zone \"Europe/Rome\" rounding half_up }}\n{account}\n{rules}\n"
    );
    with_desk("bounds", &text, |desk| {
        let told = desk.bounds().into_iter().flat_map(|bounded| bounded.conflicts);
        told.map(|conflict| (conflict.why, conflict.with.len())).collect()
    })
}

fn plan(clauses: &str) -> Vec<(String, usize)> {
    contradictions(&format!("contacts spring {{ maximise sum(contact.score for contacts) {clauses} }}"))
}

/// Windows are held against each other by how many of one hold all of another: three of 3 days hold 7, two of 30 days
/// hold any month, and a week may touch two months.
#[test]
fn least_numbers_of_contacts_have_room_or_do_not() {
    let least = |least: u32, window: &str, most: u32, other: &str| {
        plan(&format!(
            "capacity at least {least} contacts offer \"A\" within {window} \
             capacity at most {most} contacts within {other}"
        ))
    };
    let room = |found: &[(String, usize)]| match found {
        [] => None,
        [(why, 1)] => why.rsplit(' ').next().and_then(|number| number.parse::<u32>().ok()),
        _ => panic!("{found:?}"),
    };
    assert_eq!(room(&least(31, "any 7 days", 10, "any 3 days")), Some(30));
    assert_eq!(room(&least(30, "any 7 days", 10, "any 3 days")), None);
    assert_eq!(room(&least(21, "this month", 10, "any 30 days")), Some(20));
    assert_eq!(room(&least(20, "this month", 10, "any 30 days")), None);
    assert_eq!(room(&least(21, "any 7 days", 10, "this month")), Some(20));
    assert_eq!(room(&least(20, "any 7 days", 10, "this month")), None);
    assert_eq!(room(&least(8, "any 7 days", 1, "this day")), Some(7));
    // What a session holds has no end, and what was before counts for one of them only.
    assert_eq!(room(&least(1_000, "session", 1, "any 7 days")), None);
    assert_eq!(room(&least(1_000, "any 7 days", 1, "session")), None);
}

/// Each of two least numbers has room for itself: 60 and 60 of 100 do not fit, 60 and 40 do. One that both ask of the
/// same contacts fits.
#[test]
fn least_numbers_are_held_against_each_other() {
    let both = |of_a: &str, of_b: &str| {
        plan(&format!(
            "capacity at most 100 contacts within this week \
             capacity at least {of_a} within this week \
             capacity at least {of_b} within this week"
        ))
    };
    let found = both("60 contacts offer \"A\"", "60 contacts offer \"B\"");
    assert!(matches!(found.as_slice(), [(why, 2)] if why.ends_with("leave room for 40")), "{found:?}");
    assert!(both("60 contacts offer \"A\"", "40 contacts offer \"B\"").is_empty());
    assert!(both("60 contacts offer \"A\"", "60 contacts via email").is_empty());
}

#[test]
fn members_who_must_get_more_than_they_may_get_nothing() {
    let found = plan(
        "each member at least 3 offers within any 7 days \
         each member at most 1 offers via email within any 7 days \
         exclude contacts via web \
         each member at most 2 offers within any 30 days",
    );
    assert!(matches!(found.as_slice(), [(why, 1)] if why.contains("at least 3")), "{found:?}");
    // What nobody is sent can be no capacity's least either.
    let found = plan(
        "each member at least 3 offers offer \"A\" within any 7 days \
         each member at most 2 offers within any 30 days \
         capacity at least 5 contacts offer \"A\" within this month",
    );
    assert_eq!(found.len(), 2, "{found:?}");
}

/// Steps count from the least; 2.99 EUR are 299 points.
#[test]
fn payments_have_an_amount_or_have_none() {
    let pay = |terms: &str| {
        contradictions(&format!(
            "redemption pay {{ from bonus for lines where line.kind = product member chooses amount {terms} }}"
        ))
    };
    assert!(pay("at least 300 points at most 3 EUR step 200 points").is_empty());
    assert_eq!(pay("at least 300 points at most 2.99 EUR").len(), 1);
    assert_eq!(pay("step 200 points at most 100 points").len(), 1);
    assert!(pay("step 200 points at most 50% of basket.paid").is_empty());
    assert_eq!(pay("at most 0 points").len(), 1);
}

/// Rules whose conditions together leave nothing open displace a third one, in the figures worked out here by hand: small
/// and large receipts, tea and what is not tea.
#[test]
fn rules_that_leave_nothing_open_together_shadow_a_third() {
    let group = |how: &str, rules: &str| {
        format!("group g {{ kind line_discount displace {how} on_price original on purchase }} {rules}")
    };
    let rule = |name: &str, priority: u8, text: &str| {
        format!("rule {name} in group g {{ priority {priority} {text} }} ")
    };
    let by = |text: &str| match fires(text, "c") {
        Fires::ShadowedTogether(by, Some(_)) => by.into_iter().map(|(name, _)| name).collect(),
        other => {
            assert!(!matches!(other, Fires::Shadowed(..) | Fires::ShadowedTogether(..)), "{other:?}");
            Vec::new()
        }
    };
    let small = rule("a", 30, "when basket.initial < 50 EUR then discount 1 EUR on lines");
    let large = rule("b", 20, "when basket.initial >= 50 EUR then discount 2 EUR on lines");
    let larger = rule("b", 20, "when basket.initial > 50 EUR then discount 2 EUR on lines");
    let third = rule("c", 10, "then discount 50% on lines");
    assert_eq!(by(&group("first per line", &format!("{small}{large}{third}"))), ["a", "b"]);
    // At 50.00 itself neither is asked.
    assert!(by(&group("first per line", &format!("{small}{larger}{third}"))).is_empty());
    // A rule between them that is not needed is not named.
    let middle = rule("d", 25, "when basket.initial < 20 EUR then discount 3 EUR on lines");
    assert_eq!(by(&group("first per line", &format!("{small}{middle}{large}{third}"))), ["a", "b"]);
    // The better one stays: half of a line may be more than 2.00.
    assert!(by(&group("best for member per line", &format!("{small}{large}{third}"))).is_empty());
    let poor = rule("c", 10, "then discount 0.50 EUR on lines");
    assert_eq!(by(&group("best for member per line", &format!("{small}{large}{poor}"))), ["a", "b"]);
    let tea = rule("a", 30, "then discount 2 EUR on lines where line in category \"Tea\"");
    let other = rule("b", 20, "then discount 1 EUR on lines where not line in category \"Tea\"");
    assert_eq!(by(&group("best for member per line", &format!("{tea}{other}{poor}"))), ["a", "b"]);
    // Of the whole basket each of them may give less: 2.00 on the tea, and 0.50 on each of ten other lines.
    assert!(by(&group("best for member per basket", &format!("{tea}{other}{poor}"))).is_empty());
    let known = rule("b", 20, "then discount 1 EUR on lines where line in category \"Coffee\"");
    assert!(by(&group("first per line", &format!("{tea}{known}{third}"))).is_empty());
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
        Fires::Shadowed(_, witness) | Fires::ShadowedTogether(_, witness) => {
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
    let bounds =
        desk.bounds().into_iter().map(|bounded| match (bounded.conflicts.is_empty(), bounded.undecided) {
            (false, _) => "contradiction",
            (true, None) => "consistent",
            (true, Some(_)) => "not looked into",
        });
    promises.chain(rules).chain(pairs).chain(gains).chain(bounds).collect()
}

/// Words that stand for a question: the fence's is the answer to all that ask it.
fn question(answer: &str) -> &'static [&'static str] {
    match answer {
        "proved" | "broken" | "undecided" => &["proved", "broken", "undecided"],
        "dead" | "alive" => &["dead", "alive", "shadowed", "unknown"],
        // One that stays shadows the other.
        "shadowed" => &["shadowed"],
        "contradiction" | "consistent" => &["contradiction", "consistent", "not looked into"],
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
    assert!(pages.len() >= 14);
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
