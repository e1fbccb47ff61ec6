//! What a ledger does at a given instant: reviews of levels, the batch run, ends; and events that come late, with the pack
//! of their instant, on both places where a ledger is kept.

use perq_ledger::audit::audit;
use perq_ledger::jobs::REVIEW;
use perq_ledger::report;
use perq_ledger::store::Datum;
use perq_ledger::{Answered, Ledger, open};
use perq_runtime::clock::Zone;
use perq_runtime::engine::Engine;
use perq_tests::ledgers::{Backend, engine};

/// Levels by what was bought in 30 days, reviewed on the first of each month; who falls is consoled.
const LEVELS: &str = r#"language 1
program levels { currency EUR zone "Europe/Rome" rounding half_up }
account bonus {
  unit points decimals 0 redeemable worth 1 points = 1 EUR expire 40 days after award shortfall debt
}
account chips { unit chips decimals 0 shortfall debt }
tiers club {
  measure sum(purchase.paid for earlier purchases within last 30 days where not purchase.returned)
  level base from 0 EUR
  level silver from 50 EUR
  level gold from 150 EUR
  upgrade at_once
  downgrade one_level
  review every month
}
group earn { kind earn displace none on purchase when member known }
rule base_rate in group earn { then award 1 points * steps of 10 EUR in basket.paid }
rule swap in group earn { when member.balance.chips >= 3 chips then debit 3 chips }
group levels { kind earn displace none on tier_change when member known }
rule fell in group levels { when member.tier = base then award 7 points }
rule rose in group levels { when member.tier != base then award 1 chips }
"#;

fn at(text: &str) -> i64 {
    Zone::universal().moment(text).expect("an instant").instant
}

fn ledger(engine: &Engine, place: &str) -> Ledger {
    Ledger::new(engine, open(place, true).expect("a place"), "").expect("a ledger")
}

fn sound(place: &str) {
    let report = audit(&mut *open(place, false).expect("a ledger")).expect("an audit");
    assert_eq!(report.findings, [], "{place}");
}

fn bought(id: &str, at: &str, member: &str, euros: u64) -> String {
    format!(
        r#"{{"id":"{id}","kind":"purchase","at":"{at}","member":"{member}","lines":[{{"sku":"A","qty":1,"price":"{euros}.00"}}]}}"#
    )
}

fn decided(ledger: &Ledger, text: &str) -> String {
    ledger.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{text}: {refusal}")).decision
}

fn refused(answered: Answered) -> &'static str {
    answered.expect_err("a refusal").name()
}

/// Of an account, what a member can spend at an instant.
fn balance(ledger: &Ledger, place: &str, member: &str, account: &str, instant: &str) -> String {
    drop(ledger.query("SELECT 1 FROM member WHERE name = ''", &[]));
    let mut store = open(place, false).expect("a ledger");
    let rows = report::balances(&mut *store, member, Some(at(instant))).expect("balances");
    rows.into_iter().find(|row| row.account == account).map_or_else(|| "0".to_owned(), |row| row.balance)
}

fn text_of(ledger: &Ledger, sql: &str) -> Vec<String> {
    let rows = ledger.query(sql, &[]).expect("an answer");
    rows.iter()
        .map(|row| {
            let cells = row.iter().map(|cell| match cell {
                Datum::Null => "-".to_owned(),
                Datum::Number(number) => number.to_string(),
                Datum::Text(text) => text.clone(),
            });
            cells.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn levels_are_reviewed_without_an_event() {
    let engine = engine(LEVELS);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = ledger(&engine, &place);
        // Silver with the first purchase: a chip. Nobody buys any more.
        decided(&ledger, &bought("p1", "2026-01-10T10:00:00", "anna", 100));
        decided(&ledger, &bought("p2", "2026-01-20T10:00:00", "bert", 20));
        let level = || text_of(&ledger, "SELECT member, level FROM level ORDER BY member");
        assert_eq!(level(), ["anna silver", "bert base"]);
        // On 1 February the purchase is 22 days old: she stays. Both were looked at.
        let ran = ledger.review(at("2026-02-10T00:00:00Z")).unwrap();
        assert_eq!((ran.done, ran.before, ran.refused.len()), (2, 0, 0));
        assert_eq!(level(), ["anna silver", "bert base"]);
        // Again there is nothing to do, nor on the last day of the month.
        assert_eq!(ledger.review(at("2026-02-10T00:00:00Z")).unwrap().done, 0);
        assert_eq!(ledger.review(at("2026-02-28T22:59:59Z")).unwrap().done, 0);
        // At midnight of 1 March in Rome it is: she falls, and is consoled with 7 points as of then.
        assert_eq!(ledger.review(at("2026-02-28T23:00:00Z")).unwrap().done, 2);
        assert_eq!(level(), ["anna base", "bert base"]);
        // 10 points of 10 January ended with the 40th day after it; 7 of 1 March are there until 10 April.
        assert_eq!(balance(&ledger, &place, "anna", "bonus", "2026-03-01T00:00:00Z"), "7");
        assert_eq!(balance(&ledger, &place, "anna", "bonus", "2026-04-10T21:59:59Z"), "7");
        assert_eq!(balance(&ledger, &place, "anna", "bonus", "2026-04-10T22:00:00Z"), "0");
        let kinds =
            text_of(&ledger, &format!("SELECT member, at FROM event WHERE kind = '{REVIEW}' ORDER BY 1, 2"));
        assert_eq!(kinds.len(), 4, "{kinds:?}");
        sound(&place);
    }
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Whether a job made the reviews or the members' next events did: levels, points and their lives are the same.
#[test]
fn a_review_by_a_job_is_that_of_the_next_event() {
    let engine = engine(LEVELS);
    let end = at("2026-09-30T00:00:00Z");
    for (seed, backend) in
        [(1, Backend::Sqlite), (2, Backend::Sqlite), (3, Backend::Sqlite), (4, Backend::Postgres)]
    {
        let places = [backend.place(), backend.place()];
        let [with, without] = [ledger(&engine, &places[0]), ledger(&engine, &places[1])];
        let mut dice = Dice(seed);
        let mut day = 0;
        for number in 0..120 {
            day += dice.below(4);
            let date =
                perq_runtime::clock::date_text(perq_runtime::clock::date("2026-01-01").unwrap() + day as i64);
            if dice.below(5) == 0 {
                let until = at(&format!("{date}T06:00:00Z"));
                assert_eq!(with.review(until).unwrap().refused, [], "{seed}");
            }
            let member = format!("m{}", dice.below(4));
            let text =
                bought(&format!("p{number}"), &format!("{date}T12:00:00"), &member, 1 + dice.below(90));
            decided(&with, &text);
            decided(&without, &text);
        }
        for ledger in [&with, &without] {
            assert_eq!(ledger.review(end).unwrap().refused, []);
        }
        for sql in [
            "SELECT member, tiers, level, until, reviewed FROM level ORDER BY member, tiers",
            "SELECT member, account, owed FROM owed ORDER BY member, account",
            "SELECT member, account, issued, start, until, granted, spent, remaining FROM lot \
             ORDER BY member, account, issued, start, until, granted, spent",
        ] {
            assert_eq!(text_of(&with, sql), text_of(&without, sql), "{backend:?} {seed}: {sql}");
        }
        let reviews = |ledger: &Ledger| {
            text_of(ledger, &format!("SELECT member FROM event WHERE kind = '{REVIEW}'")).len()
        };
        assert!(reviews(&with) > reviews(&without), "the jobs made reviews");
        places.iter().for_each(|place| sound(place));
    }
}

const RUNS: &str = r#"language 1
program runs { currency EUR zone "Europe/Rome" rounding half_up }
account bonus {
  unit points decimals 0 round down per basket worth 1 points = 1 EUR redeemable shortfall debt
}
redemption pay { from bonus for lines where line.kind = product member chooses amount }
group earn { kind earn displace none on purchase when member known }
rule now in group earn { process at_once then award 10 points }
rule later in group earn {
  process in_batch no later than 2 weeks
  then award 1 points * steps of 1 EUR in basket.paid
}
rule asked in group earn { process as_asked then award 5 points }
"#;

#[test]
fn the_batch_run_decides_each_event_once() {
    let with_redemption = engine(RUNS);
    let plain = RUNS.replace(
        "redemption pay { from bonus for lines where line.kind = product member chooses amount }\n",
        "",
    );
    let engine = engine(&plain);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = ledger(&engine, &place);
        decided(&ledger, &bought("old", "2026-02-20T10:00:00", "anna", 30));
        decided(&ledger, &bought("p1", "2026-03-02T10:00:00", "anna", 100));
        let asked = bought("p2", "2026-03-03T10:00:00", "bert", 40)
            .replace(r#""lines""#, r#""process_immediately":true,"lines""#);
        decided(&ledger, &asked);
        let points = |member: &str| balance(&ledger, &place, member, "bonus", "2026-03-20T00:00:00Z");
        // 10 each; bert asked for his 5 at once.
        assert_eq!((points("anna"), points("bert")), ("20".to_owned(), "15".to_owned()));
        // Until 2 March, nine in the morning: only the old one, which is ten days old. It gives 30 and 5.
        let ran = ledger.run_batch(at("2026-03-02T08:00:00Z")).unwrap();
        assert_eq!((ran.done, ran.refused.len()), (1, 0));
        assert_eq!(points("anna"), "55");
        // Until the 16th, nine in the morning: less than two weeks after both. 100 and 5 for anna, 40 for bert.
        let ran = ledger.run_batch(at("2026-03-16T08:00:00Z")).unwrap();
        assert_eq!((ran.done, ran.refused.len()), (2, 0));
        assert_eq!((points("anna"), points("bert")), ("160".to_owned(), "55".to_owned()));
        // Each event has had its batch run.
        assert_eq!(ledger.run_batch(at("2026-03-31T00:00:00Z")).unwrap().done, 0);
        // One that comes too late for the batch run gets only what is given in time: 5, and not 50.
        decided(&ledger, &bought("p3", "2026-03-04T10:00:00", "bert", 50));
        assert_eq!(ledger.run_batch(at("2026-03-31T00:00:00Z")).unwrap().done, 1);
        assert_eq!(points("bert"), "70");
        // What comes back takes back what both runs gave, each with its own.
        let back = r#"{"id":"r1","kind":"return","of":"p1","at":"2026-03-17T10:00:00","lines":[{"sku":"A","qty":1}]}"#;
        decided(&ledger, back);
        assert_eq!(points("anna"), "150");
        assert_eq!(ledger.run_batch(at("2026-03-31T00:00:00Z")).unwrap().done, 1);
        // 30 and 15 of the old one are left.
        assert_eq!(points("anna"), "45");
        sound(&place);
    }
    // A rule that would be asked twice keeps the job from running: here it is that of the redemption.
    let place = Backend::Sqlite.place();
    let error = ledger(&with_redemption, &place).run_batch(0).unwrap_err();
    assert!(error.to_string().contains("hears an event in both runs"), "{error}");
}

const BEFORE: &str = r#"language 1
program packs { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 round down per basket worth 1 points = 1 EUR redeemable shortfall debt }
group earn { kind earn displace none on purchase when member known }
rule rate in group earn { then award 1 points * steps of 1 EUR in basket.paid }
"#;

#[test]
fn what_happened_before_is_decided_by_the_pack_of_then() {
    let old = engine(BEFORE);
    let new = engine(&BEFORE.replace("1 points * steps of 1 EUR in", "3 points * steps of 1 EUR in"));
    let newest = engine(&BEFORE.replace("1 points * steps of 1 EUR in", "5 points * steps of 1 EUR in"));
    for backend in Backend::ALL {
        let place = backend.place();
        {
            let ledger = ledger(&old, &place);
            decided(&ledger, &bought("p1", "2026-03-02T10:00:00", "anna", 100));
        }
        let ledger = ledger(&newest, &place)
            .with_earlier(&new, at("2026-05-01T00:00:00Z"))
            .unwrap()
            .with_earlier(&old, at("2026-04-01T00:00:00Z"))
            .unwrap()
            .with_oldest(at("2026-03-01T00:00:00Z"));
        let points = || balance(&ledger, &place, "anna", "bonus", "2026-06-01T00:00:00Z");
        // In one batch: late ones of March and April, one of May, and what comes back of one of them.
        let batch = [
            bought("p4", "2026-05-01T02:00:00", "anna", 10),
            bought("p2", "2026-03-31T23:00:00", "anna", 10),
            bought("p3", "2026-04-01T02:00:00", "anna", 10),
            r#"{"id":"r1","kind":"return","of":"p1","at":"2026-05-02T10:00:00","lines":[{"sku":"A","qty":1}]}"#.to_owned(),
            r#"{"id":"r3","kind":"return","of":"p3","at":"2026-05-03T10:00:00","lines":[{"sku":"A","qty":1}]}"#.to_owned(),
        ];
        let records: Vec<&[u8]> = batch.iter().map(|text| text.as_bytes()).collect();
        for answer in ledger.decide_all(&records) {
            answer.unwrap();
        }
        // 100 and back, 5 * 10, 1 * 10, 3 * 10 and back.
        assert_eq!(points(), "60");
        let packs = "SELECT count(DISTINCT pack) FROM event WHERE id IN ('p1', 'p2', 'r1')";
        assert_eq!(text_of(&ledger, packs), ["1"]);
        assert_eq!(text_of(&ledger, "SELECT count(DISTINCT pack) FROM event"), ["3"]);
        // Too old where it is new; what was decided is answered, however old.
        let early = bought("p0", "2026-03-01T00:59:59", "anna", 10);
        assert_eq!(refused(ledger.decide(early.as_bytes())), "too-old");
        let first = bought("p5", "2026-03-01T01:00:00", "anna", 10);
        assert!(!ledger.decide(first.as_bytes()).unwrap().repeated);
        let ledger = ledger.with_oldest(at("2026-06-01T00:00:00Z"));
        assert!(ledger.decide(first.as_bytes()).unwrap().repeated);
        assert_eq!(
            refused(ledger.decide(bought("p6", "2026-05-31T23:00:00", "anna", 1).as_bytes())),
            "too-old"
        );
        sound(&place);
    }
}

fn perq(arguments: &[&str], input: &str) -> (i32, String, String) {
    let (exit, out, err) = perq_cli::run(arguments, input.as_bytes()).expect("arguments");
    (exit as i32, out, err)
}

#[test]
fn all_that_is_due_is_done_by_one_command() {
    let folder = perq_tests::scratch("ledger-due");
    let rules = folder.join("rules.rule");
    std::fs::write(&rules, LEVELS).unwrap();
    let (rules, events) = (rules.display().to_string(), bought("p1", "2026-01-10T10:00:00", "anna", 100));
    let place = Backend::Sqlite.place();
    let run = [
        "run",
        rules.as_str(),
        "--events",
        "-",
        "--ledger",
        place.as_str(),
        "--oldest",
        "2026-01-01T00:00:00Z",
    ];
    let (exit, _, said) = perq(&run, &events);
    assert_eq!(exit, 0, "{said}");
    let due = |until: &str| {
        perq(&["ledger", "run", &place, "--until", until, "--author", "night", "--program", &rules], "")
    };
    // 10 points ended on 19 February; the review of March consoles her with 7, which end in April.
    assert_eq!(
        due("2026-03-02T00:00:00Z"),
        (0, "0 events decided in the batch run\nlevels of 1 member reviewed\npoints of 1 member ended: 10 points\n".to_owned(), String::new())
    );
    assert_eq!(
        due("2026-03-02T00:00:00Z"),
        (
            0,
            "0 events decided in the batch run\nlevels of 0 members reviewed\npoints of 0 members ended\n"
                .to_owned(),
            String::new()
        )
    );
    let (exit, out, said) = due("2026-04-11T00:00:00Z");
    assert!(exit == 0 && out.ends_with("points of 1 member ended: 7 points\n"), "{out}{said}");
    let early = bought("p0", "2025-12-31T10:00:00", "anna", 100);
    let (_, _, said) = perq(&run, &early);
    assert!(said.contains("older than what is still taken: from 2026-01-01T00:00:00Z on"), "{said}");
    sound(&place);
}

/// A reaction that a rule of the batch run hears is decided once more there, and is learned from once.
#[test]
fn the_batch_run_learns_nothing_twice() {
    let rules = r#"language 1
program learns { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 round down per basket }
offer films "Films at home" {
  display by priority medium
  purpose product sku "FILMS"
  when member known
  learn from 10% of 20 showings
  score propensity(films)
}
arbitration calls { slots 1 }
group thanks { kind earn displace none on reaction when member known }
rule thank in group thanks { process in_batch then award 5 points }
"#;
    let place = Backend::Sqlite.place();
    let ledger = ledger(&engine(rules), &place);
    let session = |id: &str| {
        format!(
            r#"{{"id":"{id}","kind":"session","at":"2026-03-01T10:00:00","channel":"web","member":"anna"}}"#
        )
    };
    let reaction = r#"{"id":"r1","kind":"reaction","at":"2026-03-01T10:01:00","offer":"films","answer":"accepted","session":"s1","member":"anna"}"#;
    ledger.decide(session("s1").as_bytes()).unwrap();
    ledger.decide(reaction.as_bytes()).unwrap();
    assert_eq!(ledger.run_batch(at("2026-03-02T00:00:00Z")).unwrap().done, 1);
    // (10 % of 20 + 1) / (20 + 1) = 3 / 21.
    let answer = ledger.decide(session("s2").as_bytes()).unwrap().decision;
    assert!(answer.contains(r#""propensity":"0.142857""#), "{answer}");
    assert_eq!(balance(&ledger, &place, "anna", "bonus", "2026-03-02T00:00:00Z"), "5");
    sound(&place);
}
