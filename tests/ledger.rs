//! The ledger against the memory of the runtime, against retries, races and damage, on both places where it is kept.

use perq_ledger::audit::audit;
use perq_ledger::deeds::{Act, Deed, Done, carry_out, expire, lapse};
use perq_ledger::report;
use perq_ledger::sqlite::Sqlite;
use perq_ledger::store::Datum;
use perq_ledger::{Ledger, Refusal, Store, open};
use perq_runtime::engine::Engine;
use perq_tests::crash;
use perq_tests::histories;
use perq_tests::ledgers::{Backend, EVERYTHING, engine, random_events as events};
use std::collections::BTreeSet;
use std::path::Path;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What the memory of the runtime decides: each event once, in their order.
fn decided_in_memory(engine: &Engine, events: &[String]) -> Vec<String> {
    let mut session = engine.session();
    let mut out: Vec<(String, String)> = Vec::new();
    for event in events {
        if let Some((_, decision)) = out.iter().find(|(before, _)| before == event) {
            let decision = decision.clone();
            out.push((event.clone(), decision));
            continue;
        }
        let mut line = Vec::new();
        session.decide_line(event.as_bytes(), &mut line).unwrap_or_else(|error| panic!("{event}: {error}"));
        out.push((event.clone(), String::from_utf8(line).expect("a text").trim_end().to_owned()));
    }
    out.into_iter().map(|(_, decision)| decision).collect()
}

fn ledger(engine: &Engine, place: &str) -> Ledger {
    Ledger::new(engine, open(place, true).expect("a place"), "").expect("a ledger")
}

fn sound(place: &str) -> perq_ledger::audit::Report {
    let report = audit(&mut *open(place, false).expect("a ledger")).expect("an audit");
    assert_eq!(report.findings, [], "{place}");
    report
}

fn rows(store: &mut dyn Store, sql: &str) -> Vec<Vec<Datum>> {
    store.query(sql, &[]).expect("an answer")
}

fn number(store: &mut dyn Store, sql: &str) -> i64 {
    rows(store, sql)[0][0].number()
}

#[test]
fn a_ledger_decides_what_the_memory_decides() {
    let engine = engine(EVERYTHING);
    // The last one misses a review for so long that what it looks at is no longer near its events.
    for seed in (1..=7).chain([159]) {
        let events = events(seed, 300);
        let expected = decided_in_memory(&engine, &events);
        for (word, least) in [
            ("debit", 20),
            ("refused", 1),
            ("issued", 10),
            ("tiers", 10),
            ("cut", 100),
            ("raised", 3),
            ("gifts", 3),
            ("spent", 10),
            ("returned", 10),
            ("corrections", 5),
            ("unknown-purchase", 1),
            ("more-than-bought", 1),
            ("owed", 1),
        ] {
            let many = expected.iter().filter(|line| line.contains(&format!("\"{word}"))).count();
            assert!(many >= least, "seed {seed}: {many} decisions with {word} show nothing");
        }
        for backend in Backend::ALL {
            let place = backend.place();
            let mut dice = Dice(seed);
            let mut rest = events.as_slice();
            let mut at = 0;
            let mut open_one = ledger(&engine, &place);
            while !rest.is_empty() {
                let many = (1 + dice.below(40) as usize).min(rest.len());
                let (now, later) = rest.split_at(many);
                let records: Vec<&[u8]> = now.iter().map(String::as_bytes).collect();
                for answer in open_one.decide_all(&records) {
                    let answer = answer.unwrap_or_else(|refusal| panic!("{}: {refusal}", events[at]));
                    assert_eq!(
                        answer.decision, expected[at],
                        "{backend:?} seed {seed} event {at}: {}",
                        events[at]
                    );
                    at += 1;
                }
                rest = later;
                if dice.below(3) == 0 {
                    drop(open_one);
                    open_one = ledger(&engine, &place);
                }
            }
            let report = sound(&place);
            let once: BTreeSet<&String> = events.iter().collect();
            assert_eq!(report.events, once.len() as i64);
            assert!(report.entries > 1_000 && report.claims > 200 && report.lots > 300, "{report:?}");
        }
    }
}

const SMALL: &str = r#"language 1
program small { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 redeemable worth 1 points = 1 EUR expire 10 days after award }
event gift { amount: points }
event spend { amount: points }
group gifts { kind earn displace none on gift when member known }
rule given in group gifts { then award event.amount }
group spends { kind earn displace none on spend when member known }
rule taken in group spends { then debit event.amount from bonus }
group promo { kind earn displace none on purchase }
rule few in group promo {
  budget 100 times else skip
  when member known
  then award 1 points
}
"#;

fn gift(id: &str, member: &str, at: &str, amount: i64) -> String {
    deed("gift", id, member, at, amount)
}

fn deed(kind: &str, id: &str, member: &str, at: &str, amount: i64) -> String {
    format!(r#"{{"id":"{id}","kind":"{kind}","at":"{at}","member":"{member}","amount":"{amount}"}}"#)
}

#[test]
fn an_event_is_answered_once() {
    let engine = engine(SMALL);
    for backend in Backend::ALL {
        let place = backend.place();
        let first = gift("g1", "anna", "2026-03-01T10:00:00", 50);
        let answer = ledger(&engine, &place).decide(first.as_bytes()).expect("an answer");
        assert!(!answer.repeated);
        let ledger = ledger(&engine, &place);
        // Other blanks and another order of fields say the same.
        let same = r#" {"kind":"gift","id":"g1","at":"2026-03-01T10:00:00","amount":"50", "member":"anna"}"#;
        for text in [first.as_str(), same] {
            let again = ledger.decide(text.as_bytes()).expect("an answer");
            assert!(again.repeated);
            assert_eq!(again.decision, answer.decision);
        }
        let other = ledger.decide(gift("g1", "anna", "2026-03-01T10:00:00", 51).as_bytes()).unwrap_err();
        assert_eq!((other.name(), other.field(), other.id()), ("other-content", "amount", Some("g1")));
        // Within one batch, too.
        let (second, changed) =
            (gift("g2", "anna", "2026-03-01T10:00:00", 1), gift("g2", "bo", "2026-03-01T10:00:00", 1));
        let all = ledger.decide_all(&[second.as_bytes(), second.as_bytes(), changed.as_bytes()]);
        assert!(!all[0].as_ref().unwrap().repeated && all[1].as_ref().unwrap().repeated);
        assert_eq!(all[0].as_ref().unwrap().decision, all[1].as_ref().unwrap().decision);
        assert_eq!(all[2].as_ref().unwrap_err().field(), "member");
        // Another source has ids of its own; another revision has not.
        let shop = Ledger::new(&engine, open(&place, true).unwrap(), "shop").unwrap();
        assert!(!shop.decide(second.as_bytes()).unwrap().repeated);
        assert!(Ledger::new(&engine, open(&place, true).unwrap(), "perq:expire").is_err());
        let revised = second.replace(r#""id""#, r#""revision":1,"id""#);
        assert!(matches!(ledger.decide(revised.as_bytes()), Err(Refusal::OtherRevision { decided: 0, .. })));
        assert_eq!(ledger.decide(b"{").unwrap_err().name(), "malformed-json");
        let mut store = open(&place, false).unwrap();
        let balances = report::balances(&mut *store, "anna", Some(1_772_400_000)).unwrap();
        // 50, 1, and 1 of the other source, on 1 March 21:20 UTC.
        assert_eq!(balances[0].balance, "52");
        assert_eq!(sound(&place).events, 3);
    }
}

#[test]
fn a_refused_payment_stays_refused() {
    let engine = engine(EVERYTHING);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = ledger(&engine, &place);
        let buys = r#"{"id":"p1","kind":"purchase","at":"2026-03-01T10:00:00","member":"anna","redeem":{"pay_with_points":"150"},"lines":[{"sku":"A","qty":1,"price":"9.00"}]}"#;
        let refused = ledger.decide(buys.as_bytes()).unwrap();
        assert!(refused.decision.contains(r#""because":"short""#), "{}", refused.decision);
        let gift = r#"{"id":"g1","kind":"gift","at":"2026-02-01T10:00:00","member":"anna","amount":"500"}"#;
        ledger.decide(gift.as_bytes()).unwrap();
        let again = ledger.decide(buys.as_bytes()).unwrap();
        assert_eq!((again.repeated, again.decision), (true, refused.decision));
        sound(&place);
    }
}

/// 64 threads want 3 points each of balances of 100, from two hosts: 33 get them.
#[test]
fn nobody_spends_what_is_not_there() {
    let engine = engine(SMALL);
    for backend in Backend::ALL {
        let place = backend.place();
        let hosts = [ledger(&engine, &place), ledger(&engine, &place)];
        for member in ["anna", "bruno", "carla"] {
            let gift = gift(&format!("g-{member}"), member, "2026-03-01T10:00:00", 100);
            hosts[0].decide(gift.as_bytes()).unwrap();
        }
        std::thread::scope(|scope| {
            for thread in 0..64 {
                let host = &hosts[thread % 2];
                scope.spawn(move || {
                    for member in ["anna", "bruno", "carla"] {
                        let id = format!("s-{member}-{thread}");
                        let text = deed("spend", &id, member, "2026-03-02T10:00:00", 3);
                        let answer = host.decide(text.as_bytes()).expect("an answer");
                        // Who hears no answer asks again.
                        if thread % 3 == 0 {
                            assert_eq!(
                                host.decide(text.as_bytes()).expect("an answer").decision,
                                answer.decision
                            );
                        }
                    }
                });
            }
        });
        let mut store = open(&place, false).unwrap();
        for member in ["anna", "bruno", "carla"] {
            let left = number(&mut *store, &points_of(member));
            assert_eq!(left, 1, "{backend:?} {member}");
        }
        let short = number(&mut *store, r#"SELECT count(*) FROM event WHERE decision LIKE '%"short"%'"#);
        assert_eq!(short, 3 * (64 - 33));
        assert_eq!(sound(&place).events, 3 + 3 * 64);
    }
}

/// A budget of 100 times, 64 members three times each, from two hosts: 100 get a point.
#[test]
fn a_budget_of_all_is_never_overshot() {
    let engine = engine(SMALL);
    for backend in Backend::ALL {
        let place = backend.place();
        let hosts = [ledger(&engine, &place), ledger(&engine, &place)];
        std::thread::scope(|scope| {
            for thread in 0..64 {
                let host = &hosts[thread % 2];
                scope.spawn(move || {
                    for time in 0..3 {
                        let text = format!(
                            r#"{{"id":"p{thread}-{time}","kind":"purchase","at":"2026-03-02T10:00:00","member":"m{thread}","lines":[]}}"#
                        );
                        host.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"));
                    }
                });
            }
        });
        let mut store = open(&place, false).unwrap();
        assert_eq!(number(&mut *store, "SELECT CAST(sum(amount) AS BIGINT) FROM claim"), 100, "{backend:?}");
        assert_eq!(
            number(&mut *store, "SELECT CAST(sum(amount) AS BIGINT) FROM entry WHERE book = 'member'"),
            100
        );
        sound(&place);
    }
}

#[test]
fn what_ends_is_booked_once_and_by_hand_is_said_by_whom() {
    let engine = engine(SMALL);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = ledger(&engine, &place);
        for (id, member, at, amount) in [
            ("g1", "anna", "2026-03-01T10:00:00", 50),
            ("g2", "anna", "2026-03-05T10:00:00", 7),
            ("g3", "bo", "2026-03-01T10:00:00", 9),
        ] {
            ledger.decide(gift(id, member, at, amount).as_bytes()).unwrap();
        }
        ledger.decide(deed("spend", "s1", "anna", "2026-03-06T10:00:00", 20).as_bytes()).unwrap();
        let mut store = open(&place, false).unwrap();
        // Ten days after 1 March is the 11th, to its end: 2026-03-12 00:00 in Rome is 2026-03-11T23:00Z.
        let end = perq_runtime::clock::date("2026-03-12").unwrap() * 86_400 - 3_600;
        assert_eq!(expire(&mut *store, "run-1", end - 1, "test").unwrap().0, 0);
        let (members, sums) = expire(&mut *store, "run-1", end, "test").unwrap();
        // 50 less the 20 that were spent, and 9.
        assert_eq!((members, sums.get("bonus")), (2, Some(&39)));
        assert_eq!(expire(&mut *store, "run-1", end, "test").unwrap().0, 0);
        let wish = |id: &str, act: Act, reason: &str| Deed {
            id: id.to_owned(),
            member: "anna".to_owned(),
            at: end,
            act,
            reason: reason.to_owned(),
            author: "support".to_owned(),
        };
        let account = || "bonus".to_owned();
        let add = wish(
            "c1",
            Act::Add { account: account(), amount: 5, until: None, may_be_new: true },
            "lost receipt",
        );
        let less = wish("c2", Act::Remove { account: account(), amount: 13 }, "mistake");
        let done = carry_out(&mut *store, &[less.clone(), add.clone(), add.clone()]).unwrap();
        // 7 of 5 March are there, 13 are asked for.
        assert_eq!(done[0], Done::Refused("anna has 6 too few in bonus".to_owned()));
        assert!(matches!(done[1], Done::Done(_)));
        assert_eq!(done[2], Done::Before);
        let less = Deed { act: Act::Remove { account: account(), amount: 12 }, ..less };
        assert!(matches!(carry_out(&mut *store, std::slice::from_ref(&less)).unwrap()[0], Done::Done(_)));
        let other = Deed { reason: "another".to_owned(), ..less };
        assert_eq!(
            carry_out(&mut *store, &[other]).unwrap(),
            [Done::Refused("`c2` was done to anna before, and `reason` was another".to_owned())]
        );
        let statement = report::statement(&mut *store, "anna", None).unwrap();
        let lines: Vec<(&str, &str, &str)> = statement
            .iter()
            .map(|row| (row.rule.as_str(), row.amount.as_str(), row.balance.as_str()))
            .collect();
        assert_eq!(
            lines,
            [
                ("given", "50", "50"),
                ("given", "7", "57"),
                ("taken", "-20", "37"),
                ("expiry", "-30", "7"),
                ("adjustment", "5", "12"),
                ("adjustment", "-12", "0")
            ]
        );
        let liability = report::liability(&mut *store, end).unwrap();
        let row = &liability[0];
        assert_eq!(
            [&row.outstanding, &row.ended, &row.issued, &row.redeemed, &row.breakage, &row.adjusted],
            // 5 were added by hand and 12 taken.
            ["0", "0", "66", "20", "39", "-7"]
        );
        // What ended can no longer be spent by an event that comes late.
        let late = ledger.decide(deed("spend", "s2", "bo", "2026-03-02T10:00:00", 1).as_bytes()).unwrap();
        assert!(late.decision.contains(r#""short""#), "{}", late.decision);
        sound(&place);
    }
}

/// Asks for the points that a member has, by the entries.
fn points_of(member: &str) -> String {
    format!("SELECT CAST(sum(amount) AS BIGINT) FROM entry WHERE book = 'member' AND member = '{member}'")
}

/// What was done to a ledger behind its back, and which invariant says so.
const DAMAGES: [(&str, &str); 18] = [
    ("UPDATE entry SET amount = amount + 1 WHERE event = 1 AND part = 1", "I1"),
    ("INSERT INTO owed (member, account, owed) VALUES ('anna', 'bonus', 1)", "I2"),
    ("INSERT INTO owed (member, account, owed) VALUES ('zoe', 'bonus', 1)", "I2"),
    (
        "UPDATE lot SET remaining = remaining - 1, expired = expired + 1 WHERE member = 'anna' AND remaining > 0",
        "I2",
    ),
    ("UPDATE lot SET remaining = remaining - 1, spent = spent + 1 WHERE member = 'bo'", "I4"),
    ("DELETE FROM lot WHERE member = 'bo'", "I4"),
    ("UPDATE event SET decision = replace(decision, '\"50\"', '\"60\"') WHERE id = 'g1'", "I5"),
    ("UPDATE event SET json = replace(json, 'gift', 'gilt') WHERE id = 'g1'", "I6"),
    ("DELETE FROM link WHERE member = 'anna' AND seq = 2", "I6"),
    ("UPDATE link SET before = 0 WHERE member = 'anna' AND seq = 2", "I6"),
    ("UPDATE link SET before = event WHERE member = 'anna' AND seq = 2", "I6"),
    ("UPDATE member SET last = 0 WHERE name = 'bo'", "I6"),
    ("UPDATE member SET seq = seq + 1 WHERE name = 'bo'", "I6"),
    ("DELETE FROM entry WHERE event = (SELECT number FROM event WHERE id = 'g3')", "I5"),
    ("UPDATE counter_day SET amount = amount + 1", "I8"),
    ("DELETE FROM claim", "I8"),
    ("UPDATE event SET pack = ''", "I10"),
    ("UPDATE entry SET amount = amount - 1 WHERE book = 'reserved'", "I7"),
];

/// Does a damage by going around on purpose what keeps these tables, and expects the audit to find it.
fn is_found(
    (backend, place): (Backend, &str),
    mut store: Box<dyn Store>,
    tables: &[&str],
    (damage, invariant): (&str, &str),
) {
    for table in tables {
        match backend {
            Backend::Sqlite => {
                for deed in ["UPDATE", "DELETE"] {
                    store.query(&format!("DROP TRIGGER {table}_no_{deed}"), &[]).unwrap();
                }
            }
            Backend::Postgres => {
                store.query(&format!("DROP TRIGGER {table}_fixed ON {table}"), &[]).unwrap();
            }
        }
    }
    store.query(damage, &[]).unwrap_or_else(|error| panic!("{damage}: {error}"));
    drop(store);
    let report = audit(&mut *open(place, false).unwrap()).unwrap();
    let found: BTreeSet<&str> = report.findings.iter().map(|finding| finding.invariant).collect();
    assert!(found.contains(invariant), "{backend:?} {damage}: {:?}", report.findings);
}

/// What the first version had otherwise.
const FIRST: [&str; 4] = [
    "DROP INDEX event_of_member",
    "CREATE INDEX event_of_member ON event (member, date)",
    "DROP INDEX lot_that_ends",
    "CREATE INDEX lot_that_ends ON lot (until) WHERE remaining > 0 AND until IS NOT NULL",
];

/// What the second version had otherwise.
fn second(backend: Backend) -> Vec<String> {
    let (table, triggers) = match backend {
        Backend::Sqlite => (
            " STRICT, WITHOUT ROWID",
            ["UPDATE", "DELETE"]
                .map(|deed| {
                    format!(
                        "CREATE TRIGGER link_no_{deed} BEFORE {deed} ON link BEGIN \
                         SELECT raise(ABORT, 'rows of link are only ever added'); END"
                    )
                })
                .to_vec(),
        ),
        Backend::Postgres => (
            "",
            vec![
                "CREATE TRIGGER link_fixed BEFORE UPDATE OR DELETE ON link \
                 FOR EACH ROW EXECUTE FUNCTION only_ever_added()"
                    .to_owned(),
            ],
        ),
    };
    let number = if backend == Backend::Sqlite { "INTEGER" } else { "BIGINT" };
    let mut all = vec![
        format!(
            "CREATE TABLE before (member TEXT NOT NULL, seq {number} NOT NULL, event {number} NOT NULL, hash TEXT NOT NULL, \
             PRIMARY KEY (member, seq)){table}"
        ),
        "INSERT INTO before (member, seq, event, hash) SELECT member, seq, event, hash FROM link".to_owned(),
        "DROP TABLE link".to_owned(),
        "ALTER TABLE before RENAME TO link".to_owned(),
        format!(
            "CREATE TABLE balance (member TEXT NOT NULL, account TEXT NOT NULL, balance {number} NOT NULL, \
             owed {number} NOT NULL, PRIMARY KEY (member, account), CHECK (balance + owed >= 0)){table}"
        ),
        "INSERT INTO balance (member, account, balance, owed) SELECT n.member, n.account, CAST(sum(n.amount) AS BIGINT), \
         coalesce((SELECT o.owed FROM owed o WHERE o.member = n.member AND o.account = n.account), 0) \
         FROM entry n WHERE n.book = 'member' GROUP BY n.member, n.account"
            .to_owned(),
        "DROP TABLE owed".to_owned(),
        "ALTER TABLE member DROP COLUMN last".to_owned(),
    ];
    all.extend(triggers);
    all
}

/// A ledger as an earlier version left it answers as it did, goes on, and is what a new one is.
#[test]
fn a_ledger_of_an_earlier_version_goes_on() {
    let engine = engine(EVERYTHING);
    for (backend, version) in Backend::ALL.into_iter().flat_map(|backend| [(backend, 1), (backend, 2)]) {
        let (place, fresh) = (backend.place(), backend.place());
        let all = events(20 + version, 80);
        let (first, then) = all.split_at(50);
        let before: Vec<String> = {
            let here = ledger(&engine, &place);
            first.iter().map(|event| here.decide(event.as_bytes()).unwrap().decision).collect()
        };
        let kept = books(&place);
        let mut store = open(&place, false).unwrap();
        let mut back = second(backend);
        if version == 1 {
            back.extend(FIRST.map(str::to_owned));
        }
        match backend {
            Backend::Sqlite => back.push(format!("PRAGMA user_version = {version}")),
            Backend::Postgres => {
                back.push("DELETE FROM perq_ledger".to_owned());
                back.push(format!("INSERT INTO perq_ledger (version) VALUES ({version})"));
            }
        }
        for sql in back {
            store.query(&sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        drop(store);
        let here = ledger(&engine, &place);
        sound(&place);
        for (event, decision) in first.iter().zip(&before) {
            let answer = here.decide(event.as_bytes()).unwrap();
            assert!(answer.repeated && answer.decision == *decision, "{backend:?}: {event}");
        }
        assert_eq!(books(&place), kept, "{backend:?}: what is kept of members");
        let memory = decided_in_memory(&engine, &all);
        for (event, decision) in then.iter().zip(memory.iter().skip(first.len())) {
            assert_eq!(here.decide(event.as_bytes()).unwrap().decision, *decision, "{backend:?}: {event}");
        }
        sound(&place);
        drop(ledger(&engine, &fresh));
        let shapes: &[&str] = match backend {
            Backend::Sqlite => &[
                "SELECT type, name, tbl_name FROM sqlite_master ORDER BY type, name",
                "SELECT name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL ORDER BY name",
                "SELECT m.name, c.name, c.type, c.\"notnull\", c.pk FROM sqlite_master m \
                 JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid",
            ],
            Backend::Postgres => &[
                "SELECT CAST(indexname AS TEXT), indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
                "SELECT CAST(tgname AS TEXT), CAST(CAST(tgrelid AS regclass) AS TEXT) FROM pg_trigger ORDER BY 2, 1",
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT), \
                 CAST(is_nullable AS TEXT) FROM information_schema.columns WHERE table_schema = 'public' \
                 ORDER BY table_name, ordinal_position",
            ],
        };
        for sql in shapes {
            let shape = |place: &str| rows(&mut *open(place, false).unwrap(), sql);
            assert_eq!(shape(&place), shape(&fresh), "{backend:?} {version}: {sql}");
        }
    }
}

#[test]
fn the_auditor_finds_what_was_done_behind_its_back() {
    let engine = engine(SMALL);
    for backend in Backend::ALL {
        for (damage, invariant) in DAMAGES {
            let place = backend.place();
            let ledger = ledger(&engine, &place);
            for text in [
                gift("g1", "anna", "2026-03-01T10:00:00", 50),
                gift("g2", "anna", "2026-03-05T10:00:00", 7),
                gift("g3", "bo", "2026-03-01T10:00:00", 9),
                deed("spend", "s1", "anna", "2026-03-06T10:00:00", 20),
                r#"{"id":"p1","kind":"purchase","at":"2026-03-02T10:00:00","member":"bo","lines":[]}"#
                    .to_owned(),
            ] {
                ledger.decide(text.as_bytes()).unwrap();
            }
            let mut store = open(&place, false).unwrap();
            let hold = |id: &str, act: Act| Deed {
                id: id.to_owned(),
                member: "anna".to_owned(),
                at: 1_772_700_000,
                act,
                reason: String::new(),
                author: "till".to_owned(),
            };
            let held = Act::Reserve { account: "bonus".to_owned(), amount: 2, until: 1_772_800_000 };
            let done = carry_out(&mut *store, &[hold("r1", held)]).unwrap();
            assert!(matches!(done[0], Done::Done(_)), "{done:?}");
            let done = carry_out(&mut *store, &[hold("r1", Act::Commit)]).unwrap();
            assert!(matches!(done[0], Done::Done(_)), "{done:?}");
            sound(&place);
            // Without going around it on purpose it is refused.
            if damage.contains("entry") || damage.contains("link") || damage.contains(" claim") {
                assert!(store.query(damage, &[]).is_err(), "{damage}");
            }
            is_found((backend, &place), store, &perq_ledger::schema::FIXED, (damage, invariant));
        }
    }
}

#[test]
fn a_later_version_looks_back_at_more() {
    let first = "language 1
program demo { currency EUR zone \"Europe/Rome\" rounding half_up }
account bonus { unit points decimals 0 round down per basket worth 1 points = 1 EUR }
group earn { kind earn displace none on purchase when member known }
rule one in group earn { then award 1 points }
";
    let second = format!(
        "{first}rule tea in group earn {{
  let before = sum(line.paid for earlier lines within last 30 days where line.price >= 5 EUR)
  when before >= 20 EUR
  then award 100 points
}}
"
    );
    let buy = |id: &str, at: &str| {
        format!(
            r#"{{"id":"{id}","kind":"purchase","at":"{at}","member":"anna","lines":[{{"sku":"A","qty":2,"price":"10.00"}}]}}"#
        )
    };
    for backend in Backend::ALL {
        let place = backend.place();
        ledger(&engine(first), &place).decide(buy("p1", "2026-03-01T10:00:00").as_bytes()).unwrap();
        let later = ledger(&engine(&second), &place);
        let answer = later.decide(buy("p2", "2026-03-02T10:00:00").as_bytes()).unwrap();
        assert!(answer.decision.contains(r#""bonus":"101""#), "{}", answer.decision);
        sound(&place);
    }
}

#[test]
fn other_files_are_no_ledgers() {
    let place = Backend::Sqlite.place();
    assert_eq!(open(&place, false).err().map(|error| error.name()), Some("unfit"));
    std::fs::write(&place, "no database at all, but long enough for one to be looked at").unwrap();
    assert_eq!(open(&place, true).err().map(|error| error.name()), Some("unfit"));
    let place = Backend::Postgres.place();
    assert_eq!(open(&place, false).err().map(|error| error.name()), Some("unfit"));
    let engine_with = |decimals: u8| engine(&SMALL.replace("decimals 0", &format!("decimals {decimals}")));
    for backend in Backend::ALL {
        let place = backend.place();
        ledger(&engine_with(0), &place)
            .decide(gift("g1", "anna", "2026-03-01T10:00:00", 5).as_bytes())
            .unwrap();
        let other = Ledger::new(&engine_with(2), open(&place, false).unwrap(), "");
        let error = other.err().expect("points with other digits").to_string();
        assert_eq!(error, "the ledger keeps account `bonus` with 0 decimals; the program declares 2");
    }
}

/// The short form of the campaign that `tests/crash-campaign.rs` runs.
#[test]
fn writers_and_servers_may_be_killed_at_any_moment() {
    let binary = Path::new(env!("CARGO_BIN_EXE_crash"));
    let sqlite = crash::campaign(binary, Backend::Sqlite, 40, 0, 11);
    assert!(sqlite.kills == 40 && sqlite.acknowledged > 200, "{sqlite:?}");
    let postgres = crash::campaign(binary, Backend::Postgres, 9, 3, 12);
    assert!(postgres.crashes == 3 && postgres.acknowledged > 100, "{postgres:?}");
    // A kill between the commit and the answer leaves events that nobody was told of.
    assert!(sqlite.events >= sqlite.acknowledged as i64 && postgres.events >= postgres.acknowledged as i64);
}

#[test]
fn a_quote_keeps_nothing() {
    let engine = engine(SMALL);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = ledger(&engine, &place);
        ledger.decide(gift("g1", "anna", "2026-03-01T10:00:00", 5).as_bytes()).unwrap();
        let spend = deed("spend", "s1", "anna", "2026-03-02T10:00:00", 4);
        let quoted = ledger.quote(spend.as_bytes()).unwrap();
        assert_eq!(ledger.quote(spend.as_bytes()).unwrap(), quoted);
        assert_eq!(sound(&place).events, 1);
        let kept = ledger.decide(spend.as_bytes()).unwrap();
        assert_eq!((kept.decision, kept.repeated), (quoted.decision, false));
        // Two points would be too many now; the same event is still answered as it was.
        let more = ledger.quote(deed("spend", "s2", "anna", "2026-03-02T10:00:00", 2).as_bytes()).unwrap();
        assert!(more.decision.contains(r#""short""#), "{}", more.decision);
        assert!(ledger.quote(spend.as_bytes()).unwrap().repeated);
        assert_eq!(sound(&place).events, 2);
    }
}

/// A ledger of one account as one would do it on paper: nothing of the runtime's lots is used.
#[derive(Default)]
struct Paper {
    /// Member, day of the award, what is left; until the end of the tenth day after, or for ever.
    lots: Vec<(u64, u64, Option<u64>, i64)>,
    breakage: i64,
    done: BTreeSet<String>,
}

impl Paper {
    /// What can be spent at ten in the morning of a day.
    fn balance(&self, member: u64, day: u64) -> i64 {
        let live = self.lots.iter().filter(|lot| lot.0 == member && lot.1 <= day);
        live.filter(|lot| lot.2.is_none_or(|last| day <= last)).map(|lot| lot.3).sum()
    }

    fn spend(&mut self, member: u64, day: u64, amount: i64) -> bool {
        if self.balance(member, day) < amount {
            return false;
        }
        let mut left = amount;
        while left > 0 {
            let live = self.lots.iter_mut().filter(|lot| {
                lot.0 == member && lot.1 <= day && lot.2.is_none_or(|last| day <= last) && lot.3 > 0
            });
            // The one that ends first; of those that end together the older one.
            let lot = live.min_by_key(|lot| (lot.2.unwrap_or(u64::MAX), lot.1)).expect("there is enough");
            let part = lot.3.min(left);
            lot.3 -= part;
            left -= part;
        }
        true
    }

    /// At the end of a day.
    fn expire(&mut self, day: u64) {
        for lot in self.lots.iter_mut().filter(|lot| lot.2.is_some_and(|last| last <= day)) {
            self.breakage += std::mem::take(&mut lot.3);
        }
    }
}

fn paper_day(day: u64) -> String {
    perq_runtime::clock::date_text(perq_runtime::clock::date("2026-04-01").unwrap() + day as i64)
}

/// Random awards, debits, late events, retries, expiries and corrections, against paper.
fn against_paper(backend: Backend, seed: u64, many: u64) {
    let engine = engine(SMALL);
    let place = backend.place();
    let ledger = ledger(&engine, &place);
    let mut store = open(&place, false).unwrap();
    let (mut paper, mut dice, mut day) = (Paper::default(), Dice(seed), 20);
    let mut sent: Vec<String> = Vec::new();
    let number_of = |day: u64| perq_runtime::clock::date(&paper_day(day)).unwrap();
    // In summer Rome's midnight is at 22:00 of the day before.
    let end_of = |day: u64| (number_of(day) + 1) * 86_400 - 7_200;
    for number in 0..many {
        day += dice.below(2);
        let member = dice.below(3);
        let amount = 1 + dice.below(40) as i64;
        let late = if dice.below(6) == 0 { dice.below(15) } else { 0 };
        let on = day.saturating_sub(late);
        let (id, who, at) =
            (format!("e{number}"), format!("m{member}"), format!("{}T10:00:00", paper_day(on)));
        match dice.below(10) {
            0..=3 => {
                let text = gift(&id, &who, &at, amount);
                ledger.decide(text.as_bytes()).unwrap();
                paper.lots.push((member, on, Some(on + 10), amount));
                sent.push(text);
            }
            4..=7 => {
                let text = deed("spend", &id, &who, &at, amount);
                let answer = ledger.decide(text.as_bytes()).unwrap();
                let enough = paper.spend(member, on, amount);
                assert_eq!(!answer.decision.contains(r#""short""#), enough, "{backend:?} {seed}: {text}");
                sent.push(text);
            }
            8 => {
                let run = format!("run-{day}");
                if paper.done.insert(run.clone()) {
                    paper.expire(day);
                    expire(&mut *store, &run, end_of(day), "test").unwrap();
                }
                // Again it does nothing, whatever came late.
            }
            _ => {
                let at = number_of(day) * 86_400 + 8 * 3_600;
                let act = if dice.below(2) == 0 {
                    Act::Add { account: "bonus".to_owned(), amount, until: None, may_be_new: true }
                } else {
                    Act::Remove { account: "bonus".to_owned(), amount }
                };
                let known = paper.lots.iter().any(|lot| lot.0 == member);
                let is_done = match act {
                    Act::Remove { .. } => known && paper.spend(member, day, amount),
                    Act::Add { .. } if known => {
                        paper.lots.push((member, day, None, amount));
                        true
                    }
                    Act::Add { .. }
                    | Act::Expire
                    | Act::Reserve { .. }
                    | Act::Commit
                    | Act::Cancel
                    | Act::Lapse => continue,
                };
                let (reason, author) = ("why".to_owned(), "who".to_owned());
                let wish = Deed { id, member: who, at, act, reason, author };
                let done = carry_out(&mut *store, std::slice::from_ref(&wish)).unwrap();
                assert_eq!(matches!(done[0], Done::Done(_)), is_done, "{wish:?}: {done:?}");
            }
        }
        if dice.below(8) == 0 && !sent.is_empty() {
            let again = &sent[dice.below(sent.len() as u64) as usize];
            assert!(ledger.decide(again.as_bytes()).unwrap().repeated);
        }
        for member in 0..3 {
            let at = number_of(day) * 86_400 + 8 * 3_600;
            let rows = report::balances(&mut *store, &format!("m{member}"), Some(at)).unwrap();
            let there = rows.first().map_or("0", |row| row.balance.as_str());
            assert_eq!(
                there,
                paper.balance(member, day).to_string(),
                "{backend:?} {seed} {number} m{member}"
            );
        }
    }
    let liability = report::liability(&mut *store, 0).unwrap();
    assert_eq!(liability[0].breakage, paper.breakage.to_string());
    let left: i64 = paper.lots.iter().map(|lot| lot.3).sum();
    assert_eq!(liability[0].outstanding, left.to_string());
    sound(&place);
}

#[test]
fn a_ledger_is_what_paper_would_be() {
    for seed in 1..=12 {
        against_paper(Backend::Sqlite, seed, 120);
    }
    for seed in 21..=23 {
        against_paper(Backend::Postgres, seed, 120);
    }
}

/// The long form is `--bin histories`.
#[test]
fn random_histories_are_those_on_paper() {
    assert!(histories::some(Backend::Sqlite, 150, 1) > 2_000);
    assert!(histories::some(Backend::Postgres, 30, 1_001) > 400);
}

#[test]
fn a_reservation_ends_once() {
    let engine = engine(SMALL);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = ledger(&engine, &place);
        for (id, at) in [("g1", "2026-03-01T10:00:00"), ("g2", "2026-03-05T10:00:00")] {
            ledger.decide(gift(id, "anna", at, 10).as_bytes()).unwrap();
        }
        let mut store = open(&place, false).unwrap();
        let day = |text: &str| perq_runtime::clock::date(text).unwrap() * 86_400;
        let wish = |id: &str, at: i64, act: Act| Deed {
            id: id.to_owned(),
            member: "anna".to_owned(),
            at,
            act,
            reason: String::new(),
            author: "till".to_owned(),
        };
        let hold = |id: &str, amount: i64| {
            let act = Act::Reserve { account: "bonus".to_owned(), amount, until: day("2026-03-08") };
            wish(id, day("2026-03-07"), act)
        };
        let mut does = |deed: Deed| carry_out(&mut *store, &[deed]).unwrap().remove(0);
        let refused = |done: Done| match done {
            Done::Refused(why) => why,
            Done::Done(_) | Done::Before => panic!("it was done"),
        };
        // 15 of 20: all of the first lot, and 5 of the second.
        assert!(matches!(does(hold("r1", 15)), Done::Done(_)));
        assert_eq!(does(hold("r1", 15)), Done::Before);
        assert_eq!(refused(does(hold("r2", 6))), "anna has 1 too few in bonus");
        let spend = |id: &str, amount| {
            let text = deed("spend", id, "anna", "2026-03-07T12:00:00", amount);
            !ledger.decide(text.as_bytes()).unwrap().decision.contains(r#""short""#)
        };
        assert!(!spend("s1", 6), "what is held cannot be spent");
        let at = day("2026-03-07") + 3_600;
        assert!(matches!(does(wish("r1", at, Act::Cancel)), Done::Done(_)));
        assert_eq!(does(wish("r1", at, Act::Cancel)), Done::Before);
        assert_eq!(
            refused(does(wish("r1", at, Act::Commit))),
            "`r1` was done to anna before, and `end` was another"
        );
        assert!(spend("s2", 6), "what is given up can be spent");
        assert!(matches!(does(hold("r3", 14)), Done::Done(_)));
        assert!(matches!(does(wish("r3", at, Act::Commit)), Done::Done(_)));
        assert_eq!(refused(does(wish("r4", at, Act::Commit))), "anna has no reservation `r4`");
        ledger.decide(gift("g3", "anna", "2026-03-07T10:00:00", 3).as_bytes()).unwrap();
        assert!(matches!(does(hold("r5", 3)), Done::Refused(_)), "it is not there at midnight");
        ledger.decide(gift("g4", "anna", "2026-03-06T10:00:00", 3).as_bytes()).unwrap();
        assert!(matches!(does(hold("r5", 3)), Done::Done(_)));
        let late = day("2026-03-08");
        assert_eq!(refused(does(wish("r5", late, Act::Commit))), "the time of reservation `r5` is over");
        let balance = |store: &mut dyn Store| {
            let row = report::balances(store, "anna", None).unwrap().remove(0);
            (row.balance, row.reserved)
        };
        assert_eq!(balance(&mut *store), ("3".to_owned(), "3".to_owned()));
        assert_eq!(lapse(&mut *store, late - 1, "test").unwrap(), 0);
        assert_eq!(lapse(&mut *store, late, "test").unwrap(), 1);
        assert_eq!(lapse(&mut *store, late, "test").unwrap(), 0);
        assert_eq!(balance(&mut *store), ("6".to_owned(), "0".to_owned()));
        let row = report::liability(&mut *store, late).unwrap().remove(0);
        // 6 were spent and 14 paid.
        assert_eq!([row.issued, row.redeemed, row.outstanding, row.reserved], ["26", "20", "6", "0"]);
        sound(&place);
    }
}

/// The log begins anew again and again while events are decided, and nothing is lost with that.
#[test]
fn the_log_is_taken_in_beside_the_commits() {
    let engine = engine(SMALL);
    let place = Backend::Sqlite.place();
    let store = Sqlite::open(Path::new(&place), true).unwrap().with_log(30);
    let ledger = Ledger::new(&engine, Box::new(store), "").unwrap();
    // A header says how often the log has begun anew: bytes 12 to 15, the first ones first.
    let begun = || {
        let log = std::fs::read(format!("{place}-wal")).unwrap();
        u32::from_be_bytes(log[12..16].try_into().unwrap())
    };
    let (first, mut kept) = (begun(), 0);
    let started = std::time::Instant::now();
    while begun() < first + 3 {
        assert!(started.elapsed().as_secs() < 120, "{kept} events, and the log only grows");
        let text = gift(&format!("g{kept}"), &format!("m{}", kept % 50), "2026-03-01T10:00:00", 5);
        ledger.decide(text.as_bytes()).unwrap();
        kept += 1;
    }
    assert_eq!(sound(&place).events, kept);
    drop(ledger);
    assert_eq!(sound(&place).events, kept);
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let engine = engine(SMALL);
    let place = Backend::Sqlite.place();
    let ledger = ledger(&engine, &place);
    ledger.decide(gift("g0", "anna", "2026-03-01T10:00:00", 5).as_bytes()).unwrap();
    let pages = ledger.query("PRAGMA page_count", &[]).unwrap()[0][0].number();
    ledger.query(&format!("PRAGMA max_page_count = {}", pages + 4), &[]).unwrap();
    let mut refused = Vec::new();
    for number in 1..200 {
        let text = gift(&format!("g{number}"), "anna", "2026-03-01T10:00:00", 5);
        match ledger.decide(text.as_bytes()) {
            Ok(_) => {}
            Err(refusal) => {
                assert_eq!(refusal.name(), "ledger-unavailable");
                assert!(refusal.to_string().contains("no room"), "{refusal}");
                refused.push(text);
            }
        }
    }
    assert!(refused.len() > 50, "{} were refused", refused.len());
    // What was decided can still be asked for.
    assert!(ledger.decide(gift("g0", "anna", "2026-03-01T10:00:00", 5).as_bytes()).unwrap().repeated);
    assert_eq!(sound(&place).events, 200 - refused.len() as i64);
    ledger.query("PRAGMA max_page_count = 1000000", &[]).unwrap();
    for text in &refused {
        assert!(!ledger.decide(text.as_bytes()).unwrap().repeated);
    }
    assert_eq!(sound(&place).events, 200);
}

/// `perq` as a user meets it: its exit code and what it prints.
fn perq(arguments: &[&str], input: &str) -> (i32, String, String) {
    let (exit, out, err) = perq_cli::run(arguments, input.as_bytes()).expect("arguments");
    (exit as i32, out, err)
}

#[test]
fn the_command_line_keeps_and_asks() {
    let folder = perq_tests::scratch("ledger-commands");
    let rules = folder.join("rules.rule");
    std::fs::write(&rules, SMALL).unwrap();
    let rules = rules.display().to_string();
    let events: String = [
        gift("g1", "anna", "2026-03-01T10:00:00", 50),
        "{".to_owned(),
        gift("g1", "anna", "2026-03-01T10:00:00", 51),
        deed("spend", "s1", "anna", "2026-03-06T10:00:00", 20),
    ]
    .join("\n");
    for backend in Backend::ALL {
        let place = backend.place();
        let run = |more: &[&str]| {
            let mut arguments = vec!["run", &rules, "--events", "-", "--ledger", &place];
            arguments.extend(more);
            perq(&arguments, &events)
        };
        let rejects = folder.join("rejects.ndjson").display().to_string();
        let (exit, first, said) = run(&["--rejects", &rejects]);
        assert_eq!((exit, first.lines().count()), (0, 2), "{said}");
        assert!(said.contains("4 records: 2 decided and kept, 0 answered as before, 2 refused"), "{said}");
        let kept = std::fs::read_to_string(&rejects).unwrap();
        let kept: Vec<serde_json::Value> =
            kept.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        assert_eq!((&kept[0]["error"], &kept[0]["line"]), (&"malformed-json".into(), &2.into()));
        assert_eq!(
            (&kept[1]["error"], &kept[1]["line"], &kept[1]["field"], &kept[1]["id"]),
            (&"other-content".into(), &3.into(), &"amount".into(), &"g1".into())
        );
        let (exit, again, said) = run(&["--strict"]);
        assert_eq!((exit, again), (1, first), "{said}");
        assert!(said.contains("0 decided and kept, 2 answered as before"), "{said}");
        let ask = |deed: &[&str], rest: &[&str]| {
            let mut arguments = vec!["ledger"];
            arguments.extend(deed.iter().take(1));
            arguments.push(&place);
            arguments.extend(deed.iter().skip(1));
            arguments.extend(rest);
            perq(&arguments, "")
        };
        let (exit, out, _) = ask(&["balance", "anna"], &["--at", "2026-03-07T00:00:00Z"]);
        assert_eq!(exit, 0);
        assert_eq!(
            out,
            "account  balance  pending  ended  reserved  unit\nbonus         30        0      0         0  points\n"
        );
        let (exit, _, said) = ask(&["balance", "nobody"], &[]);
        assert_eq!((exit, said.as_str()), (1, "nothing is known of member nobody\n"));
        let (exit, out, _) = ask(&["statement", "anna"], &["--format", "json"]);
        let object: serde_json::Value = serde_json::from_str(&out).expect("an object");
        assert_eq!((exit, &object["statement"][1]["amount"]), (0, &"-20".into()));
        let (exit, out, _) = ask(&["lots", "anna"], &[]);
        assert!(exit == 0 && out.contains("2026-03-11T23:00:00Z"), "{out}");
        let (exit, out, _) = ask(&["export"], &[]);
        assert_eq!((exit, out.lines().count()), (0, 5), "{out}");
        assert!(out.starts_with("event_number,part,source,event,"), "{out}");
        let adjust = |amount: &str, id: &str| {
            let rest = ["--reason", "lost", "--author", "me", "--at", "2026-03-07T00:00:00Z"];
            ask(&["adjust", "anna", "--account", "bonus", "--amount", amount, "--id", id], &rest)
        };
        assert_eq!(adjust("5", "c1").1, "1 done, 0 done before, 0 refused\n");
        assert_eq!(adjust("5", "c1").1, "0 done, 1 done before, 0 refused\n");
        let (exit, _, said) = adjust("-36", "c2");
        assert_eq!((exit, said.as_str()), (1, "refused: anna has 1 too few in bonus\n"));
        let wrong = perq_cli::run(["ledger", "balance", &place, "anna", "--at", "2026-03-07T00:00:00"], b"");
        let (exit, _, said) = wrong.expect("arguments");
        assert!(exit as i32 == 2 && said.contains("is no instant"), "{said}");
        let author = ["--author", "me"];
        let (exit, out, _) = ask(&["expire", "--at", "2026-03-12T00:00:00+01:00"], &author);
        assert_eq!((exit, out.as_str()), (0, "points of 1 member ended: 30 points\n"));
        let (exit, out, _) = ask(&["liability"], &["--at", "2026-03-12T00:00:00Z"]);
        assert!(
            exit == 0 && out.contains("bonus              5      0      50        20        30         5"),
            "{out}"
        );
        let (exit, out, _) = ask(&["verify"], &[]);
        assert_eq!(exit, 0);
        assert_eq!(out, "1 member, 4 events, 8 entries, 2 lots, 0 claims: everything agrees\n");
    }
    let (exit, _, said) = perq(&["ledger", "verify", "no-such-place"], "");
    assert_eq!((exit, said.as_str()), (2, "error: no-such-place: there is no ledger at this place\n"));
}

#[test]
fn the_command_line_tells_all_of_a_member() {
    let folder = perq_tests::scratch("ledger-member");
    let rules = folder.join("rules.rule");
    std::fs::write(&rules, EVERYTHING).unwrap();
    let rules = rules.display().to_string();
    let place = Backend::Sqlite.place();
    let empty = folder.join("empty.ledger").display().to_string();
    std::fs::write(&empty, "").unwrap();
    let (exit, _, said) = perq(&["ledger", "balance", &empty, "anna"], "");
    assert_eq!((exit, said), (2, format!("error: {empty}: there is no ledger at this place\n")));
    assert_eq!(std::fs::metadata(&empty).unwrap().len(), 0, "nothing is made by asking");
    // The second wants to bring back what nobody has bought: it is kept, and refused as a whole.
    let events =
        [buys("b1", "anna", 200, ""), comes_back("r1", "b0", "2026-03-03T10:00:00", &[("A", 1)])].join("\n");
    let (exit, _, said) = perq(&["run", &rules, "--events", "-", "--ledger", &place], &events);
    let counts = "2 records: 1 decided and kept, 1 refused as a whole (unknown-purchase 1), 0 answered as before, 0 refused";
    assert!(exit == 0 && said.contains(counts), "{said}");
    let (exit, out, said) = perq(&["ledger", "member", &place, "anna"], "");
    assert_eq!(exit, 0, "{out}{said}");
    for part in [
        "anna: 1 event\n",
        "Levels\n",
        "club      gold   2026-03-02T10:00  -\n",
        "Badges\nbadge        since\nbig_spender  2026-03-02T09:00:00Z\n",
        "Fields\n",
        "next5-b1-1",
        "Points\n",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(said.contains("as of the last event, 2026-03-03T09:00:00Z"), "{said}");
    let (_, json, _) = perq(&["ledger", "member", &place, "anna", "--format", "json"], "");
    let json: serde_json::Value = serde_json::from_str(&json).expect("an object");
    assert_eq!(json["badges"][0]["badge"], "big_spender", "{json}");
    assert_eq!(
        (&json["codes"][0]["code"], &json["codes"][0]["uses"]),
        (&"next5-b1-1".into(), &0.into()),
        "{json}"
    );
    assert_eq!(json["at"], "2026-03-03T09:00:00Z");
    // As people write them: the purchase is of 10 o'clock in Rome.
    let field = |name: &str| {
        let fields = json["fields"].as_array().expect("fields");
        fields.iter().find(|field| field["field"] == name).map(|field| field["value"].clone())
    };
    assert_eq!(field("member.seen"), Some("2026-03-02T09:00:00Z".into()), "{json}");
    assert_eq!(field("member.spent"), Some("200.00".into()), "{json}");
    // Of two pieces at 40 euro one comes back: what is set since is written in the same way.
    let pieces = bought("b2", "2026-03-04T10:00:00", r#""bea""#, 0, &[("A", 2, 4_000)]);
    let events = [pieces, comes_back("r2", "b2", "2026-03-05T10:00:00", &[("A", 1)])].join("\n");
    let (exit, decided, said) = perq(&["run", &rules, "--events", "-", "--ledger", &place], &events);
    assert!(exit == 0 && said.contains("2 decided and kept"), "{said}");
    let fields = || {
        let (_, json, _) = perq(&["ledger", "member", &place, "bea", "--format", "json"], "");
        let json: serde_json::Value = serde_json::from_str(&json).expect("an object");
        json["fields"].clone()
    };
    let spent = |value: &str| serde_json::json!({ "field": "member.spent", "value": value, "since": "2026-03-05T09:00:00Z", "until": null });
    assert!(fields().as_array().expect("fields").contains(&spent("40.00")), "{} {decided}", fields());
    let (exit, _, said) = perq(&["ledger", "member", &place, "nobody"], "");
    assert_eq!((exit, said.as_str()), (1, "nothing is known of member nobody\n"));
    // Whom nobody knows is a slip, unless it is said to be none.
    let list = folder.join("list").display().to_string();
    std::fs::write(&list, "anna\nana\n").unwrap();
    let all = |id: &str, more: &[&str]| {
        let mut arguments =
            vec!["ledger", "adjust-all", &place, &list, "--account", "bonus", "--amount", "5", "--id", id];
        arguments.extend(["--reason", "a gift", "--author", "me", "--at", "2026-03-07T00:00:00Z"]);
        arguments.extend(more);
        perq(&arguments, "")
    };
    let (exit, out, said) = all("a1", &[]);
    assert_eq!((exit, out.as_str()), (1, "1 done, 0 done before, 1 refused\n"));
    assert_eq!(said, "refused: nothing is known of member ana\n");
    let (exit, out, _) = all("a1", &["--new-members"]);
    assert_eq!((exit, out.as_str()), (0, "1 done, 1 done before, 0 refused\n"));
    sound(&place);
}

/// What can be taken back in more than one way: points that wait, are doubled, belong to others or are spent at once, a debit,
/// payment with points, a limit, a budget of all, levels that are heard.
const RETURNS: &str = r#"language 1
program returns { currency EUR zone "Europe/Rome" rounding half_up }
account bonus {
  unit points decimals 0
  redeemable
  round down per basket
  worth 10 points = 1 EUR
  expire 30 days after award
  shortfall debt
}
account chips { unit chips decimals 0 shortfall debt }
account cents { unit cents decimals 0 round down per basket worth 100 cents = 1 EUR shortfall debt }
event gift { amount: points }
group gifts { kind earn displace none on gift when member known }
rule given in group gifts { then { award event.amount award 9 chips } }
group offers { kind order_discount displace none on_price running on purchase }
rule off in group offers {
  budget 30 EUR within program else cut
  budget 20 EUR within last 10 days else cut
  when basket.paid >= 20 EUR
  then discount 7% on basket spread by paid
}
rule swap in group offers {
  when member known and basket.paid >= 30 EUR
  then { debit 2 chips discount 1 EUR on basket spread by paid }
}
redemption pay { from bonus for lines where line.kind = product member chooses amount }
group earn { kind earn displace none on purchase when member known }
rule base in group earn {
  limit 90 points per member within last 30 days else cut
  then award 1 points * steps of 1 EUR in basket.paid
}
rule friend in group earn { when member.invited_by known then award 5 points to member.invited_by.bonus }
rule passes in group earn { then award 2% of basket.paid as cents spent_at_once }
rule waits in group earn { then award 3 chips available after 5 days }
tiers club {
  measure sum(purchase.paid for earlier purchases within program where not purchase.returned)
  level base from 0 EUR
  level silver from 30 EUR
  level gold from 60 EUR
  upgrade at_once
  downgrade one_level
  review every month
}
group levels { kind earn displace none on tier_change when member known }
rule up in group levels { when member.tier = gold then { award 3 points debit 2 points issue coupon next } }
coupon next { codes unique expires after 60 days then discount 1 EUR on basket spread by paid }
certificate voucher { expires after 1 years }
badge regular
badge rich { when basket.paid >= 20 EUR }
extend member { bought: bool = false }
group gives { kind state displace none on purchase when member known }
rule gives in group gives {
  when basket.paid >= 8 EUR
  then {
    issue coupon next
    issue certificate voucher for 10% of basket.paid
    issue badge regular
    set member.bought to true
  }
}
rule friends in group gives {
  when basket.paid >= 8 EUR and member.invited_by known
  then issue coupon next to member.invited_by
}
"#;

fn bought(id: &str, at: &str, member: &str, pay: u64, lines: &[(&str, u64, u64)]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|(sku, pieces, cents)| {
            format!(r#"{{"sku":"{sku}","qty":{pieces},"price":"{}.{:02}"}}"#, cents / 100, cents % 100)
        })
        .collect();
    let redeem = if pay > 0 { format!(r#","redeem":{{"pay":"{pay}"}}"#) } else { String::new() };
    let lines = lines.join(",");
    format!(r#"{{"id":"{id}","kind":"purchase","at":"{at}","member":{member}{redeem},"lines":[{lines}]}}"#)
}

fn comes_back(id: &str, of: &str, at: &str, lines: &[(&str, u64)]) -> String {
    let lines: Vec<String> =
        lines.iter().map(|(sku, pieces)| format!(r#"{{"sku":"{sku}","qty":{pieces}}}"#)).collect();
    let lines = lines.join(",");
    format!(r#"{{"id":"{id}","kind":"return","of":"{of}","at":"{at}","lines":[{lines}]}}"#)
}

/// Sums of the books, of claims and of what is left of lots, and levels: what is there once nothing is left of a purchase.
fn books(place: &str) -> Vec<Vec<Vec<Datum>>> {
    let mut store = open(place, false).unwrap();
    [
        "SELECT member, account, book, CAST(sum(amount) AS BIGINT) FROM entry GROUP BY member, account, book \
         HAVING sum(amount) <> 0 ORDER BY member, account, book",
        "SELECT who, counter, CAST(sum(amount) AS BIGINT) FROM claim GROUP BY who, counter \
         HAVING sum(amount) <> 0 ORDER BY who, counter",
        "SELECT counter, day, amount FROM counter_day WHERE amount <> 0 ORDER BY counter, day",
        "SELECT member, account, start, coalesce(until, 0), CAST(sum(remaining) AS BIGINT) FROM lot \
         WHERE remaining > 0 GROUP BY member, account, start, coalesce(until, 0) ORDER BY 1, 2, 3, 4",
        "SELECT member, account, owed FROM owed WHERE owed <> 0 ORDER BY member, account",
        "SELECT h.member, h.kind, h.name, h.of_event, h.value FROM holding h WHERE h.value IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM holding l WHERE l.member = h.member AND l.kind = h.kind \
         AND l.name = h.name AND l.of_event = h.of_event AND l.of_raised = h.of_raised AND l.event > h.event) \
         ORDER BY 1, 2, 3, 4",
        "SELECT code, uses FROM coupon WHERE withdrawn IS NULL ORDER BY code",
        "SELECT member, tiers, level FROM level ORDER BY member, tiers",
    ]
    .iter()
    .map(|sql| rows(&mut *store, sql))
    .collect()
}

#[test]
fn what_is_bought_and_brought_back_leaves_nothing_in_the_books() {
    let engine = engine(RETURNS);
    let anna = r#"{"id":"anna","invited_by":"bo"}"#;
    for backend in Backend::ALL {
        let (mut paid, mut gold, mut redeemed) = (0, 0, 0);
        for seed in 1..=12 {
            let mut dice = Dice(seed);
            let place = backend.place();
            let here = ledger(&engine, &place);
            let decide = |text: String| {
                let answer =
                    here.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
                assert_eq!(here.decide(text.as_bytes()).unwrap().decision, answer.decision);
                answer.decision
            };
            decide(gift("g", "anna", "2026-03-01T08:00:00", 40 + dice.below(60) as i64));
            let before = bought("b", "2026-03-02T10:00:00", anna, 0, &[("X", 1, 500 + dice.below(4_000))]);
            decide(before);
            let held = books(&place);
            let lines = [
                ("A", 1 + dice.below(3), 150 + dice.below(900)),
                ("B", 1 + dice.below(3), 150 + dice.below(3_000)),
            ];
            let pay = if dice.below(2) == 0 { 1 + dice.below(10) } else { 0 };
            let buys = bought("p", "2026-03-03T10:00:00", anna, pay, &lines);
            // A code that the purchase before may have given.
            let decision = decide(buys.replace(r#""lines""#, r#""coupons":["next-b-1"],"lines""#));
            assert!(!decision.contains(r#""refused":{"#), "{decision}");
            paid += u32::from(pay > 0);
            redeemed += u32::from(decision.contains(r#""outcome":"accepted""#));
            assert_ne!(books(&place), held);
            let mut left = [lines[0].1, lines[1].1];
            let mut part = 0;
            while left != [0, 0] {
                let at = if left[1] == 0 || (left[0] > 0 && dice.below(2) == 0) { 0 } else { 1 };
                let pieces = 1 + dice.below(left[at]);
                left[at] -= pieces;
                part += 1;
                let (id, at_time) = (format!("r{part}"), format!("2026-03-{:02}T10:00:00", 3 + part));
                let back = comes_back(&id, "p", &at_time, &[(lines[at].0, pieces)]);
                let decision = decide(back);
                assert!(decision.contains(r#""returned""#), "{decision}");
                sound(&place);
            }
            gold += u32::from(decision.contains(r#""rule":"up""#));
            assert_eq!(books(&place), held, "{backend:?} {seed}: {decision}");
        }
        assert!(
            paid > 3 && gold > 0 && redeemed > 2,
            "{paid} paid with points, {gold} gold, {redeemed} codes"
        );
    }
}

/// 16 threads on two hosts bring back a piece each of five that somebody, or nobody known, bought: five do.
#[test]
fn returns_of_one_purchase_follow_one_another() {
    let engine = engine(RETURNS);
    for backend in Backend::ALL {
        for member in [r#""anna""#, "null"] {
            let place = backend.place();
            let hosts = [ledger(&engine, &place), ledger(&engine, &place)];
            let buys = bought("p", "2026-03-02T10:00:00", member, 0, &[("A", 5, 1_000)]);
            hosts[0].decide(buys.as_bytes()).unwrap();
            let done = std::sync::atomic::AtomicU32::new(0);
            std::thread::scope(|scope| {
                for thread in 0..16 {
                    let (host, done) = (&hosts[thread % 2], &done);
                    scope.spawn(move || {
                        let text = comes_back(&format!("r{thread}"), "p", "2026-03-03T10:00:00", &[("A", 1)]);
                        let answer =
                            host.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"));
                        let is_back = answer.decision.contains(r#""returned""#);
                        assert_ne!(
                            is_back,
                            answer.decision.contains("more-than-bought"),
                            "{}",
                            answer.decision
                        );
                        done.fetch_add(u32::from(is_back), std::sync::atomic::Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(done.into_inner(), 5, "{backend:?} {member}");
            let mut store = open(&place, false).unwrap();
            assert_eq!(number(&mut *store, "SELECT count(*) FROM origin"), 6);
            assert_eq!(number(&mut *store, "SELECT coalesce(CAST(sum(amount) AS BIGINT), 0) FROM claim"), 0);
            assert_eq!(
                number(
                    &mut *store,
                    "SELECT coalesce(CAST(sum(amount) AS BIGINT), 0) FROM entry WHERE book = 'member'"
                ),
                0
            );
            sound(&place);
        }
    }
}

/// What has ended is taken back from what has ended, and not from other points, also where the end is booked.
#[test]
fn what_has_ended_is_taken_back_from_there() {
    let engine = engine(RETURNS);
    for backend in Backend::ALL {
        let mut answers = Vec::new();
        for booked in [false, true] {
            let place = backend.place();
            let here = ledger(&engine, &place);
            here.decide(bought("p", "2026-03-02T10:00:00", r#""anna""#, 0, &[("A", 2, 1_000)]).as_bytes())
                .unwrap();
            here.decide(gift("g", "anna", "2026-03-30T10:00:00", 50).as_bytes()).unwrap();
            // 30 days after 2 March is 1 April, to its end.
            let mut store = open(&place, false).unwrap();
            let at = perq_runtime::clock::date("2026-04-03").unwrap() * 86_400;
            if booked {
                // 20.00 less 7 %: 18 points.
                assert_eq!(expire(&mut *store, "run", at, "test").unwrap().1.get("bonus"), Some(&18));
                sound(&place);
            }
            let back = comes_back("r", "p", "2026-04-05T10:00:00", &[("A", 2)]);
            answers.push(here.decide(back.as_bytes()).unwrap().decision);
            let balance = report::balances(&mut *store, "anna", Some(at + 3 * 86_400)).unwrap();
            let bonus = balance.iter().find(|row| row.account == "bonus").unwrap();
            assert_eq!((bonus.balance.as_str(), bonus.ended.as_str()), ("50", "0"), "{backend:?} {booked}");
            let all = report::liability(&mut *store, at).unwrap();
            let bonus = all.iter().find(|row| row.account == "bonus").unwrap();
            assert_eq!((bonus.issued.as_str(), bonus.breakage.as_str()), ("50", "0"), "{backend:?} {booked}");
            sound(&place);
        }
        assert_eq!(answers[0], answers[1]);
    }
}

#[test]
fn goods_come_back_to_the_pack_that_sold_them() {
    let first = engine(RETURNS);
    let second = engine(&RETURNS.replace("award 3 chips", "award 4 chips"));
    for backend in Backend::ALL {
        let place = backend.place();
        ledger(&first, &place)
            .decide(bought("p", "2026-03-02T10:00:00", r#""anna""#, 0, &[("A", 2, 1_000)]).as_bytes())
            .unwrap();
        let back = comes_back("r", "p", "2026-03-05T10:00:00", &[("A", 1)]);
        let refusal = ledger(&second, &place).decide(back.as_bytes()).unwrap_err();
        assert_eq!((refusal.name(), refusal.field(), refusal.id()), ("other-pack", "of", Some("r")));
        let rules = first.pack().short_rules_hash();
        assert_eq!(
            refusal.to_string(),
            format!(
                "event r brings back goods of p, which other rules decided; what that gave is known to them alone: send \
                 the event with the rules {rules} (`perq inspect` says which pack has them), or name them beside these \
                 with --before INSTANT=PROGRAM"
            )
        );
        assert_eq!(sound(&place).events, 1);
        // The same rules with a remark.
        let answer =
            ledger(&engine(&format!("# sold\n\n{RETURNS}")), &place).decide(back.as_bytes()).unwrap();
        assert!(answer.decision.contains(r#""returned""#));
        // Answered by any pack.
        assert!(ledger(&second, &place).decide(back.as_bytes()).unwrap().repeated);
        sound(&place);
    }
}

/// What is done behind its back to what is kept for returns.
const MORE_DAMAGES: [(&str, &str); 6] = [
    ("UPDATE coupon SET uses = uses + 1", "I12"),
    ("UPDATE coupon SET withdrawn = event", "I12"),
    ("DELETE FROM origin WHERE seq = 2", "I6"),
    ("DELETE FROM origin WHERE seq = 1", "I11"),
    ("UPDATE origin SET text = replace(text, '\"returned\":1', '\"returned\":0')", "I6"),
    ("UPDATE lot SET worth = worth + 1 WHERE worth < granted", "I11"),
];

#[test]
fn the_auditor_finds_what_was_done_to_returns() {
    let engine = engine(RETURNS);
    for backend in Backend::ALL {
        for (damage, invariant) in MORE_DAMAGES {
            let place = backend.place();
            let here = ledger(&engine, &place);
            let buys = bought("p", "2026-03-02T10:00:00", r#""anna""#, 0, &[("A", 2, 1_000)]);
            here.decide(buys.as_bytes()).unwrap();
            here.decide(comes_back("r", "p", "2026-03-05T10:00:00", &[("A", 1)]).as_bytes()).unwrap();
            sound(&place);
            let store = open(&place, false).unwrap();
            is_found((backend, &place), store, &["origin"], (damage, invariant));
        }
    }
}

/// What is held can be paid with by the purchase that names the reservation, once, and by nobody else.
#[test]
fn a_purchase_pays_with_what_was_held_for_it() {
    let engine = engine(RETURNS);
    for backend in Backend::ALL {
        let place = backend.place();
        let here = ledger(&engine, &place);
        here.decide(gift("g", "anna", "2026-03-01T10:00:00", 100).as_bytes()).unwrap();
        here.decide(gift("g2", "bo", "2026-03-01T10:00:00", 100).as_bytes()).unwrap();
        let mut store = open(&place, false).unwrap();
        let day = |text: &str| perq_runtime::clock::date(text).unwrap() * 86_400;
        let account = || "bonus".to_owned();
        let mut does = |id: &str, at: i64, act: Act| {
            let (id, member) = (id.to_owned(), "anna".to_owned());
            let deed = Deed { id, member, at, act, reason: String::new(), author: "till".to_owned() };
            carry_out(&mut *store, &[deed]).unwrap().remove(0)
        };
        let (held, until) = (day("2026-03-02"), day("2026-03-09"));
        for (id, amount) in [("r1", 90), ("r2", 10)] {
            let done = does(id, held, Act::Reserve { account: account(), amount, until });
            assert!(matches!(done, Done::Done(_)), "{done:?}");
        }
        let buys = |id: &str, member: &str, at: &str, reservation: &str, pay: u64| {
            let text = bought(id, at, &format!("\"{member}\""), pay, &[("A", 1, 1_500)]);
            text.replacen('{', &format!(r#"{{"reservation":{reservation},"#), 1)
        };
        let decide = |text: &str| here.decide(text.as_bytes()).map(|answer| answer.decision);
        let refused = |text: &str| {
            let refusal = here.decide(text.as_bytes()).unwrap_err();
            assert_eq!((refusal.name(), refusal.field()), ("no-reservation", "reservation"));
            refusal.to_string()
        };
        let at = "2026-03-03T10:00:00";
        assert_eq!(refused(&buys("p0", "bo", at, r#""r1""#, 50)), "bo has no reservation `r1`");
        assert_eq!(refused(&buys("p0", "anna", at, "7", 50)), "anna has no reservation `7`");
        let late = buys("p0", "anna", "2026-03-09T10:00:00", r#""r1""#, 50);
        assert_eq!(refused(&late), "the time of reservation `r1` is over");
        // All is held, so nothing can be paid without it; with it no more than it holds, and it stays held.
        let short = |text: &str| {
            let decision = decide(text).unwrap();
            assert!(decision.contains(r#""because":"short""#), "{decision}");
            assert_eq!(decide(text).unwrap(), decision);
        };
        short(&bought("p1", at, "\"anna\"", 1, &[("A", 1, 1_500)]));
        short(&buys("p2", "anna", at, r#""r1""#, 91));
        let balance = || {
            let mut store = open(&place, false).unwrap();
            let all = report::balances(&mut *store, "anna", Some(day("2026-03-04"))).unwrap();
            let row = all.into_iter().find(|row| row.account == "bonus").unwrap();
            (row.balance, row.reserved)
        };
        assert_eq!(balance(), ("0".to_owned(), "100".to_owned()));
        // 60 of the 90 pay; the rest is there again, with 15 for the purchase. Within one batch nobody else gets them.
        let pays = buys("p3", "anna", at, r#""r1""#, 60);
        let other = buys("p4", "anna", at, r#""r1""#, 5);
        let quoted = here.quote(pays.as_bytes()).unwrap().decision;
        let all = here.decide_all(&[pays.as_bytes(), other.as_bytes(), pays.as_bytes()]);
        assert_eq!(all[0].as_ref().unwrap().decision, quoted);
        assert!(quoted.contains(r#""points":"60""#), "{quoted}");
        assert_eq!(all[1].as_ref().unwrap_err().to_string(), "reservation `r1` of anna has ended");
        assert!(all[2].as_ref().unwrap().repeated);
        assert_eq!(balance(), ("45".to_owned(), "10".to_owned()));
        assert!(matches!(does("r1", held, Act::Cancel), Done::Refused(_)));
        assert!(matches!(does("r2", held, Act::Commit), Done::Done(_)));
        assert_eq!(refused(&buys("p5", "anna", at, r#""r2""#, 5)), "reservation `r2` of anna has ended");
        // What was held pays, and comes back as any payment does.
        here.decide(comes_back("b", "p3", "2026-03-04T10:00:00", &[("A", 1)]).as_bytes()).unwrap();
        // The 60 are there again, and the 15 are not.
        assert_eq!(balance(), ("90".to_owned(), "0".to_owned()));
        sound(&place);
    }
}

#[test]
fn an_export_as_a_table_says_what_the_csv_says() {
    use perq_runtime::columnar::{Column, ColumnKind, TableFormat, TableReader, Value};
    let engine = engine(EVERYTHING);
    let place = Backend::Sqlite.place();
    let all = events(3, 120);
    let records: Vec<&[u8]> = all.iter().map(|event| event.as_bytes()).collect();
    for answer in ledger(&engine, &place).decide_all(&records) {
        answer.unwrap();
    }
    let (exit, csv, said) = perq(&["ledger", "export", &place], "");
    assert_eq!(exit, 0, "{said}");
    let mut csv = csv.lines();
    let names: Vec<&str> = csv.next().expect("a header").split(',').collect();
    let kinds = |name: &str| match name {
        "event_number" | "part" | "revision" => ColumnKind::Whole,
        "at" => ColumnKind::Instant,
        // Marks have two decimals, points none.
        "amount" => ColumnKind::Decimal { digits: 21, scale: 2 },
        _ => ColumnKind::Text,
    };
    let columns: Vec<Column> = names.iter().map(|name| Column::new(*name, kinds(name))).collect();
    for (format, ending) in [(TableFormat::Parquet, "parquet"), (TableFormat::Arrow, "arrow")] {
        let file = perq_tests::scratch("ledger-export").join(format!("entries.{ending}"));
        let (exit, out, said) = perq(&["ledger", "export", &place, "-o", &file.display().to_string()], "");
        assert_eq!((exit, out.as_str()), (0, ""), "{said}");
        let mut table = TableReader::open(format, std::fs::File::open(&file).unwrap(), &columns).unwrap();
        let mut many = 0;
        for line in csv.clone() {
            let row = table.next_row().unwrap().expect("as many rows as lines");
            let cells: Vec<String> = row
                .iter()
                .map(|cell| match cell {
                    Value::Whole(number) => number.to_string(),
                    Value::Text(text) => text.clone(),
                    Value::Instant(at) => perq_runtime::clock::instant_text(*at),
                    Value::Decimal(count) => perq_runtime::decimal::print(*count, 2),
                    other => panic!("{other:?}"),
                })
                .collect();
            let mut expected: Vec<String> = line.split(',').map(str::to_owned).collect();
            // The table has one scale for all accounts.
            if !expected[10].contains('.') {
                expected[10].push_str(".00");
            }
            assert_eq!(cells, expected);
            many += 1;
        }
        assert!(table.next_row().unwrap().is_none());
        assert!(many > 300, "{many}");
    }
}

/// Offers of which two are learned, by kinds, one with a half-life and one with names that share numbers; limits and rests look back at reactions.
const LEARNS: &str = r#"language 1
program learns { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 round down per basket }
enum Age { young, old }
reference city
extend member { age: Age = young city: city? }
offer films "Films at home" {
  display by priority medium
  purpose product sku "FILMS"
  when member known
  limit 6 times per member within any 30 days else skip
  rest 6 days after rejected
  learn from 10% of 20 showings half_life 30 days by member in segment "Household", member.age
  score propensity(films)
  on accepted { award 10 points }
}
offer music "Music on the way" {
  display by priority medium
  purpose product sku "MUSIC"
  when member known
  learn from 12.5% of 8 showings by member.city hashed to 4 kinds, member in segment "Household"
  score propensity(music)
}
offer app "Use the app" { display by_default purpose message }
arbitration calls { slots 1 explore 10% seed by event.id }
group told { kind earn displace none on reaction when member known }
rule fond in group told {
  when count(earlier reactions within last 30 days where reaction.answer = accepted) >= 3
  then award 1 points
}
"#;

/// A summer of sessions and reactions of a few members: late ones, some sent again, some to what was not shown and to what
/// nobody offers.
fn contacts(seed: u64, many: usize) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut out: Vec<String> = Vec::new();
    let mut sessions = 0;
    for number in 0..many {
        if number > 3 && dice.below(12) == 0 {
            out.push(out[dice.below(number as u64) as usize].clone());
            continue;
        }
        let mut hour = number as u64 * 5 + dice.below(5);
        if dice.below(8) == 0 {
            hour = hour.saturating_sub(dice.below(400));
        }
        let (day, hour) = (hour / 24, hour % 24);
        let at = format!("2026-{:02}-{:02}T{hour:02}:{:02}:00", day / 28 + 3, day % 28 + 1, dice.below(60));
        let segments = if dice.below(2) == 0 { r#","segments":["Household"]"# } else { "" };
        let age = ["", r#","age":"young""#, r#","age":"old""#][dice.below(3) as usize];
        let member = match dice.below(12) {
            0 => "null".to_owned(),
            _ => {
                let own = dice.below(5);
                let city = ["Roma", "Milano", "Torino", "Bari"].get(own as usize);
                let city = city.map(|name| format!(r#","city":"{name}""#)).unwrap_or_default();
                format!(r#"{{"id":"m{own}"{city}{segments}{age}}}"#)
            }
        };
        if dice.below(2) == 0 || sessions == 0 {
            sessions = number;
            out.push(format!(
                r#"{{"id":"e{number}","kind":"session","at":"{at}","channel":"web","member":{member}}}"#
            ));
            continue;
        }
        let offer = ["films", "films", "music", "music", "app", "nothing"][dice.below(6) as usize];
        let answer = ["shown", "accepted", "rejected", "ignored"][dice.below(4) as usize];
        let session = if dice.below(8) == 0 { number as u64 } else { dice.below(number as u64) };
        out.push(format!(
            r#"{{"id":"e{number}","kind":"reaction","at":"{at}","offer":"{offer}","answer":"{answer}","session":"e{session}","member":{member}}}"#
        ));
    }
    out
}

#[test]
fn what_is_learned_is_kept() {
    let engine = engine(LEARNS);
    for seed in 1..=4 {
        let events = contacts(seed, 250);
        let expected = decided_in_memory(&engine, &events);
        for (word, least) in
            [("propensity", 60), ("limit", 1), ("rest", 1), ("award", 5), ("exploring", 3), ("shown", 60)]
        {
            let many = expected.iter().filter(|line| line.contains(&format!("\"{word}"))).count();
            assert!(many >= least, "seed {seed}: {many} decisions with {word} show nothing");
        }
        for backend in Backend::ALL {
            let place = backend.place();
            let mut dice = Dice(seed);
            let mut open_one = ledger(&engine, &place);
            let mut at = 0;
            while at < events.len() {
                let many = (1 + dice.below(20) as usize).min(events.len() - at);
                let records: Vec<&[u8]> = events[at..at + many].iter().map(String::as_bytes).collect();
                for answer in open_one.decide_all(&records) {
                    let answer = answer.unwrap_or_else(|refusal| panic!("{}: {refusal}", events[at]));
                    assert_eq!(
                        answer.decision, expected[at],
                        "{backend:?} seed {seed} event {at}: {}",
                        events[at]
                    );
                    at += 1;
                }
                if dice.below(3) == 0 {
                    drop(open_one);
                    open_one = ledger(&engine, &place);
                }
            }
            sound(&place);
            let mut store = open(&place, false).unwrap();
            // One row for each session that was answered with something and for each reaction.
            let once: BTreeSet<&String> = events.iter().collect();
            let reactions = once.iter().filter(|event| event.contains(r#""kind":"reaction""#)).count() as i64;
            let told = number(&mut *store, "SELECT count(*) FROM contact WHERE answer <> 'offered'");
            assert_eq!(told, reactions);
            let ended = once.iter().filter(|event| {
                (event.contains("films") || event.contains("music")) && !event.contains(r#""answer":"shown""#)
            });
            let learned = number(&mut *store, "SELECT count(*) FROM contact WHERE seq IS NOT NULL");
            assert_eq!(learned, ended.count() as i64);
            assert!(number(&mut *store, "SELECT count(*) FROM tally WHERE kind <> ''") >= 4);
        }
    }
}

/// 32 threads of two hosts tell of one offer: each reaction counts once, and the likelihood at the end is that of all.
#[test]
fn reactions_at_once_are_all_learned() {
    let engine = engine(&LEARNS.replace("half_life 30 days ", ""));
    for backend in Backend::ALL {
        let place = backend.place();
        let hosts = [ledger(&engine, &place), ledger(&engine, &place)];
        std::thread::scope(|scope| {
            for thread in 0..32 {
                let host = &hosts[thread % 2];
                scope.spawn(move || {
                    for time in 0..3 {
                        let answer = if (thread + time) % 4 == 0 { "accepted" } else { "ignored" };
                        let text = format!(
                            r#"{{"id":"r{thread}-{time}","kind":"reaction","at":"2026-03-02T10:00:00","offer":"films","answer":"{answer}","session":"s","member":"m{thread}"}}"#
                        );
                        let told = host.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"));
                        if thread % 3 == 0 {
                            assert_eq!(host.decide(text.as_bytes()).unwrap().decision, told.decision);
                        }
                    }
                });
            }
        });
        // 96 reactions, of which 24 accept. All: (2 + 24) / (20 + 96) = 0.224138. All of one kind, whose estimate is
        // (20 × 0.224138 + 24) / (20 + 96) = 0.245541.
        for host in &hosts {
            let asks = r#"{"id":"q","kind":"session","at":"2026-03-03T10:00:00","channel":"web","member":{"id":"new","age":"young"}}"#;
            let answer = host.quote(asks.as_bytes()).unwrap().decision;
            assert!(
                answer.contains(r#""offer":"films","#) && answer.contains("0.245541"),
                "{backend:?}: {answer}"
            );
        }
        let mut store = open(&place, false).unwrap();
        assert_eq!(number(&mut *store, "SELECT seq FROM tally WHERE offer = 'films' AND kind = ''"), 96);
        assert_eq!(sound(&place).events, 96);
    }
}

/// An offer that all members share: 70 times a day, 100 times in all, 455 points.
const SHARED: &str = r#"language 1
program shares { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 round down per basket }
offer card {
  display always
  purpose message
  budget 70 times within this day else skip
  budget 100 times within program else skip
  budget 455 points else cut
  on accepted { award 10 points }
}
arbitration calls { slots 1 }
"#;

/// 64 threads of two hosts ask three sessions each, two on one day and one on the next, and send some of them twice: 100 are offered
/// it, of which a day has 70 at most. Then 64 accept: 45 get 10 points, one gets 5, and it is offered to nobody.
#[test]
fn an_offer_that_all_share_is_never_overshot() {
    let engine = engine(SHARED);
    for backend in Backend::ALL {
        let place = backend.place();
        let hosts = [ledger(&engine, &place), ledger(&engine, &place)];
        let offered = |decision: &str| {
            let decision: serde_json::Value = serde_json::from_str(decision).expect("a decision");
            let (shown, hidden) = (&decision["offers"]["shown"][0], &decision["offers"]["hidden"][0]);
            assert!(shown["offer"] == "card" || hidden["why"] == "budget", "{decision}");
            shown["offer"] == "card"
        };
        let of_days = std::sync::Mutex::new([0; 2]);
        std::thread::scope(|scope| {
            for thread in 0..64 {
                let host = &hosts[thread % 2];
                let of_days = &of_days;
                scope.spawn(move || {
                    for time in 0..3 {
                        let day = usize::from((thread + time) % 3 == 0);
                        let text = format!(
                            r#"{{"id":"s{thread}-{time}","kind":"session","at":"2026-03-0{}T10:00:00","channel":"web","member":"m{thread}"}}"#,
                            day + 2
                        );
                        let told = host.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"));
                        if thread % 3 == 0 {
                            assert_eq!(host.decide(text.as_bytes()).unwrap().decision, told.decision);
                        }
                        of_days.lock().unwrap()[day] += i64::from(offered(&told.decision));
                    }
                });
            }
        });
        let of_days = of_days.into_inner().unwrap();
        assert_eq!(of_days.iter().sum::<i64>(), 100, "{backend:?}: {of_days:?}");
        assert!(of_days.iter().all(|of_day| *of_day <= 70), "{backend:?}: {of_days:?}");
        std::thread::scope(|scope| {
            for thread in 0..64 {
                let host = &hosts[thread % 2];
                scope.spawn(move || {
                    let text = format!(
                        r#"{{"id":"r{thread}","kind":"reaction","at":"2026-03-04T10:00:00","offer":"card","answer":"accepted","session":"s","member":"m{thread}"}}"#
                    );
                    host.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"));
                });
            }
        });
        let mut store = open(&place, false).unwrap();
        assert_eq!(
            number(&mut *store, "SELECT CAST(sum(amount) AS BIGINT) FROM entry WHERE book = 'member'"),
            455,
            "{backend:?}"
        );
        let claimed = rows(
            &mut *store,
            "SELECT counter, CAST(sum(amount) AS BIGINT) FROM claim GROUP BY counter ORDER BY counter",
        );
        let claimed: Vec<(&str, i64)> = claimed.iter().map(|row| (row[0].text(), row[1].number())).collect();
        let expected = [
            ("offer.card.award.bonus.budget", 455),
            ("offer.card.times.budget", 100),
            ("offer.card.times.budget.2", 100),
        ];
        assert_eq!(claimed, expected, "{backend:?}");
        sound(&place);
    }
}

/// An offer that is renamed, and one whose kinds are told apart by more, keep what is known of all members; kinds of the same
/// name keep theirs.
#[test]
fn another_version_keeps_what_was_learned() {
    let first = LEARNS.replace("half_life 30 days ", "");
    let react = |id: &str, offer: &str, answer: &str| {
        format!(
            r#"{{"id":"{id}","kind":"reaction","at":"2026-03-02T10:00:00","offer":"{offer}","answer":"{answer}","session":"s","member":{{"id":"a","age":"young"}}}}"#
        )
    };
    let asks = r#"{"id":"q","kind":"session","at":"2026-03-03T10:00:00","channel":"web","member":{"id":"new","age":"young"}}"#;
    for backend in Backend::ALL {
        let place = backend.place();
        let before = ledger(&engine(&first), &place);
        for (id, answer) in [("r1", "accepted"), ("r2", "accepted"), ("r3", "rejected")] {
            before.decide(react(id, "films", answer).as_bytes()).unwrap();
        }
        // All: (2 + 2) / (20 + 3) = 0.173913; of the kind: (3.478260 + 2) / 23 = 0.238185.
        let told = before.quote(asks.as_bytes()).unwrap().decision;
        assert!(told.contains("0.238185"), "{told}");
        let renamed = first.replace("offer films", "offer cinema was films").replace("(films)", "(cinema)");
        let after = ledger(&engine(&renamed), &place);
        let told = after.quote(asks.as_bytes()).unwrap().decision;
        assert!(told.contains(r#""offer":"cinema""#) && told.contains("0.238185"), "{backend:?}: {told}");
        // Under either name it is told of the same.
        after.decide(react("r4", "cinema", "accepted").as_bytes()).unwrap();
        after.decide(react("r5", "films", "ignored").as_bytes()).unwrap();
        // All: (2 + 3) / (20 + 5) = 0.2; of the kind: (4 + 3) / 25 = 0.28.
        let told = after.quote(asks.as_bytes()).unwrap().decision;
        assert!(told.contains("0.280000"), "{told}");
        // By other words a kind is another one, of which nothing is known: it is like all.
        let other = ledger(&engine(&renamed.replace(", member.age\n", "\n")), &place);
        let told = other.quote(asks.as_bytes()).unwrap().decision;
        assert!(told.contains("0.200000"), "{told}");
        other.decide(asks.as_bytes()).unwrap();
        sound(&place);
    }
}

#[test]
fn damage_to_what_is_learned_is_found() {
    let engine = engine(LEARNS);
    for damage in [
        "UPDATE tally SET accepted = accepted - 1 WHERE offer = 'films' AND kind = ''",
        "UPDATE tally SET seq = seq + 1 WHERE offer = 'music' AND kind = ''",
        "DELETE FROM tally WHERE kind <> ''",
        "DELETE FROM contact WHERE seq = 2",
        "UPDATE contact SET answer = 'accepted' WHERE answer = 'ignored'",
        "UPDATE contact SET propensity = propensity + 1 WHERE propensity IS NOT NULL",
        "UPDATE contact SET kind = '[]' WHERE kind IS NOT NULL",
        "DELETE FROM contact WHERE answer = 'offered'",
        "INSERT INTO contact (event, part, offer, answer) VALUES (999999, 1, 'films', 'shown')",
        "UPDATE learning SET terms = replace(terms, '100000', '100001')",
        "DELETE FROM learning",
        r#"UPDATE event SET snapshot = replace(snapshot, '"films":[', '"films":[1') WHERE kind = 'session'"#,
    ] {
        for backend in Backend::ALL {
            let place = backend.place();
            let events = contacts(5, 60);
            let records: Vec<&[u8]> = events.iter().map(String::as_bytes).collect();
            for answer in ledger(&engine, &place).decide_all(&records) {
                answer.unwrap();
            }
            sound(&place);
            let mut store = open(&place, false).unwrap();
            if damage.contains(" contact") || damage.contains(" learning") {
                let is_insert = damage.starts_with("INSERT");
                assert!(is_insert || store.query(damage, &[]).is_err(), "{damage}");
            }
            is_found((backend, &place), store, &["contact", "learning", "event"], (damage, "I13"));
        }
    }
}

/// A budget of all together, a limit of each member, points that are spent and a limit of whoever invited.
const HELD: &str = r#"language 1
program held { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 redeemable worth 1 points = 1 EUR }
event gift { amount: points }
group gifts { kind earn displace none on gift when member known }
rule given in group gifts { then award event.amount }
group earn { kind earn displace none on purchase when member known }
rule few in group earn {
  budget 30 points within this month else skip
  limit 6 points per member within last 20 days else cut
  then award 3 points
}
rule friend in group earn {
  limit 4 points per inviter within this month else cut
  when member.invited_by known
  then award 2 points to member.invited_by.bonus
}
rule fee in group earn { when basket.paid >= 100 EUR then debit 5 points from bonus }
"#;

fn buys(id: &str, member: &str, euros: u64, more: &str) -> String {
    format!(
        r#"{{"id":"{id}","kind":"purchase","at":"2026-03-02T10:00:00","member":{{"id":"{member}","invited_by":"zoe"}}{more},"lines":[{{"sku":"A","qty":1,"price":"{euros}.00"}}]}}"#
    )
}

/// Noon of 3 March in Rome.
const HELD_UNTIL: i64 = 1_772_535_600;

fn ends(id: &str, member: &str, at: i64, act: Act) -> Deed {
    let (id, member) = (id.to_owned(), member.to_owned());
    Deed { id, member, at, act, reason: String::new(), author: "till".to_owned() }
}

/// Whether a rule gives something.
fn awards(decision: &str, rule: &str) -> bool {
    let decision: serde_json::Value = serde_json::from_str(decision).expect("a decision");
    let effects = decision["effects"].as_array().expect("effects");
    effects.iter().any(|effect| effect["rule"] == rule && effect["kind"] == "award")
}

#[test]
fn what_an_event_would_claim_is_held() {
    let engine = engine(HELD);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = ledger(&engine, &place);
        let mut store = open(&place, false).unwrap();
        ledger.decide(gift("g1", "anna", "2026-03-01T10:00:00", 7).as_bytes()).unwrap();
        let left = |decision: &str| ["few", "friend"].map(|rule| awards(decision, rule));
        // 3 of the budget of 30, 3 of anna's 6, 2 of zoe's 4, and 5 of anna's 7 points.
        let text = buys("p1", "anna", 100, "");
        let held = ledger.hold(text.as_bytes(), HELD_UNTIL, "till").unwrap();
        assert!(!held.repeated && left(&held.decision) == [true, true], "{}", held.decision);
        let again = ledger.hold(text.as_bytes(), HELD_UNTIL, "till").unwrap();
        assert!(again.repeated && again.decision == held.decision);
        let other = ledger.hold(text.as_bytes(), HELD_UNTIL + 1, "till").unwrap_err();
        assert_eq!((other.name(), other.field()), ("other-content", "until"));
        let of = |store: &mut dyn Store, who: &str| {
            number(
                store,
                &format!("SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM claim WHERE who = '{who}'"),
            )
        };
        assert_eq!([of(&mut *store, ""), of(&mut *store, "anna"), of(&mut *store, "zoe")], [3, 3, 2]);
        let points = |store: &mut dyn Store| number(store, &points_of("anna"));
        assert_eq!(points(&mut *store), 2);
        // Nobody was awarded anything by it.
        assert_eq!(number(&mut *store, "SELECT count(*) FROM lot WHERE member = 'zoe'"), 0);
        sound(&place);
        // Another event of hers finds 2 points, too few for the fee, and 3 of her 6 left.
        let second = ledger.quote(buys("p2", "anna", 100, "").as_bytes()).unwrap().decision;
        assert!(second.contains(r#""short""#) && left(&second) == [true, true], "{second}");
        // The event itself pays with what is held: what it is answered is what was said when it was held.
        let pays = buys("p1", "anna", 100, r#","reservation":"p1""#);
        let paid = ledger.decide(pays.as_bytes()).unwrap();
        assert_eq!(paid.decision, held.decision, "{backend:?}");
        assert_eq!(ledger.decide(pays.as_bytes()).unwrap().decision, held.decision);
        assert_eq!([of(&mut *store, ""), of(&mut *store, "anna"), of(&mut *store, "zoe")], [3, 3, 2]);
        // 7, less 5, and 3 that it gave.
        assert_eq!(points(&mut *store), 5);
        sound(&place);
        // A reservation that is given up, one whose time is over, and one that is paid without its event.
        for (id, act, expected) in [
            ("p3", Some(Act::Cancel), [3, 3, 2]),
            ("p4", None, [3, 3, 2]),
            ("p5", Some(Act::Commit), [6, 6, 4]),
        ] {
            ledger.hold(buys(id, "anna", 100, "").as_bytes(), HELD_UNTIL, "till").unwrap();
            assert_eq!(
                [of(&mut *store, ""), of(&mut *store, "anna"), of(&mut *store, "zoe")],
                [6, 6, 4],
                "{id}"
            );
            // Of her 6 and zoe's 4 nothing is left for anybody else's event.
            let last = ledger.quote(buys("p9", "anna", 10, "").as_bytes()).unwrap().decision;
            assert_eq!(left(&last), [false, false], "{id}: {last}");
            match act {
                Some(act) => {
                    let done = carry_out(&mut *store, &[ends(id, "anna", HELD_UNTIL - 60, act)]).unwrap();
                    assert!(matches!(done[0], Done::Done(_)), "{done:?}");
                }
                None => assert_eq!(lapse(&mut *store, HELD_UNTIL, "night").unwrap(), 1),
            }
            assert_eq!(
                [of(&mut *store, ""), of(&mut *store, "anna"), of(&mut *store, "zoe")],
                expected,
                "{id}"
            );
            sound(&place);
        }
        // What was paid is redeemed: 5 were held of 5.
        assert_eq!(points(&mut *store), 0);
        let refused =
            |text: String| ledger.hold(text.as_bytes(), HELD_UNTIL, "till").unwrap_err().to_string();
        assert_eq!(
            refused(r#"{"id":"p6","kind":"purchase","at":"2026-03-02T10:00:00","lines":[]}"#.to_owned()),
            "event p6 has no member for whom anything could be held"
        );
        assert_eq!(
            refused(buys("p6", "anna", 1, r#","reservation":"p5""#)),
            "event p6 pays with a reservation, and holds nothing of its own"
        );
        // For an event that was decided nothing is held.
        let before = number(&mut *store, "SELECT count(*) FROM event");
        assert!(ledger.hold(pays.as_bytes(), HELD_UNTIL, "till").is_err());
        assert_eq!(number(&mut *store, "SELECT count(*) FROM event"), before);
    }
}

/// Every purchase of 100 EUR brings a code for the next one, which is redeemed once.
const CODES: &str = r#"language 1
program codes { currency EUR zone "Europe/Rome" rounding half_up }
group gifts { kind state displace none on purchase when member known }
rule next_time in group gifts { when basket.paid >= 100 EUR then issue coupon next5 }
coupon next5 { codes unique then discount 5 EUR on basket spread by paid }
"#;

#[test]
fn a_code_is_held_as_points_are() {
    let engine = engine(CODES);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = ledger(&engine, &place);
        let mut store = open(&place, false).unwrap();
        let takes = |decision: &str| {
            let decision: serde_json::Value = serde_json::from_str(decision).expect("a decision");
            decision["totals"]["discount"] == "5.00"
        };
        let with = |code: &str, more: &str| format!(r#","coupons":["{code}"]{more}"#);
        let uses = |store: &mut dyn Store, code: &str| {
            number(store, &format!("SELECT uses FROM coupon WHERE code = '{code}'"))
        };
        for id in ["p1", "p2"] {
            ledger.decide(buys(id, "anna", 100, "").as_bytes()).unwrap();
        }
        let (first, second) = ("next5-p1-1", "next5-p2-1");
        let held =
            ledger.hold(buys("h1", "anna", 50, &with(first, "")).as_bytes(), HELD_UNTIL, "till").unwrap();
        assert!(takes(&held.decision), "{}", held.decision);
        assert_eq!(uses(&mut *store, first), 1);
        let other = ledger.quote(buys("b1", "anna", 50, &with(first, "")).as_bytes()).unwrap();
        assert!(!takes(&other.decision), "a code that is held is redeemed by nobody else");
        sound(&place);
        // The event itself redeems what is held.
        let pays = buys("h1", "anna", 50, &with(first, r#","reservation":"h1""#));
        let paid = ledger.decide(pays.as_bytes()).unwrap();
        assert_eq!(paid.decision, held.decision);
        assert_eq!(uses(&mut *store, first), 1);
        sound(&place);
        // Given up, over, used for an event that presents no code: the code is there again. Paid without its event: it is not.
        let ended = [
            ("h2", Some(Act::Cancel), 0),
            ("h3", Some(Act::Lapse), 0),
            ("h4", None, 0),
            ("h5", Some(Act::Commit), 1),
        ];
        for (id, act, expected) in ended {
            let text = buys(id, "anna", 50, &with(second, ""));
            let held = ledger.hold(text.as_bytes(), HELD_UNTIL, "till").unwrap();
            assert!(takes(&held.decision) && uses(&mut *store, second) == 1, "{id}: {}", held.decision);
            match act {
                Some(Act::Lapse) => assert_eq!(lapse(&mut *store, HELD_UNTIL, "night").unwrap(), 1),
                Some(act) => {
                    let done = carry_out(&mut *store, &[ends(id, "anna", HELD_UNTIL - 60, act)]).unwrap();
                    assert!(matches!(done[0], Done::Done(_)), "{done:?}");
                }
                None => {
                    let more = format!(r#","reservation":"{id}""#);
                    let paid = ledger.decide(buys(id, "anna", 50, &more).as_bytes()).unwrap();
                    assert!(!takes(&paid.decision), "{}", paid.decision);
                }
            }
            assert_eq!(uses(&mut *store, second), expected, "{id}");
            sound(&place);
        }
        let damage = "INSERT INTO coupon_use (folded, event, amount) \
                      SELECT u.folded, e.number, -1 FROM coupon_use u JOIN event e ON e.kind = 'perq:commit' \
                      WHERE u.amount = 1 AND u.event < e.number AND u.event = \
                      (SELECT max(number) FROM event WHERE source = 'perq:reserve')";
        is_found((backend, &place), store, &[], (damage, "I7"));
    }
}

/// 64 members at once, from two hosts, want 3 points each of a budget of 30: ten get them, whether they hold or buy; what is
/// given up is there for others.
#[test]
fn a_budget_is_not_overshot_with_reservations() {
    let engine = engine(HELD);
    for backend in Backend::ALL {
        let place = backend.place();
        let hosts = [ledger(&engine, &place), ledger(&engine, &place)];
        std::thread::scope(|scope| {
            for thread in 0..64 {
                let host = &hosts[thread % 2];
                scope.spawn(move || {
                    let (id, member) = (format!("p{thread}"), format!("m{thread}"));
                    let text = buys(&id, &member, 10, "");
                    if thread % 3 == 0 {
                        host.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"));
                        return;
                    }
                    let held = host.hold(text.as_bytes(), HELD_UNTIL, "till");
                    held.unwrap_or_else(|refusal| panic!("{refusal}"));
                    if thread % 3 == 1 {
                        let text = buys(&id, &member, 10, &format!(r#","reservation":"{id}""#));
                        host.decide(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"));
                    }
                });
            }
        });
        let mut store = open(&place, false).unwrap();
        let all = "SELECT CAST(sum(amount) AS BIGINT) FROM claim WHERE who = ''";
        assert_eq!(number(&mut *store, all), 30, "{backend:?}");
        sound(&place);
        let given_up = lapse(&mut *store, HELD_UNTIL, "night").unwrap();
        assert_eq!(given_up, 21);
        let left = 30 - number(&mut *store, all);
        sound(&place);
        let mut more = 0;
        for number in 0..11 {
            let text = buys(&format!("q{number}"), &format!("n{number}"), 10, "");
            more += i64::from(awards(&hosts[0].decide(text.as_bytes()).unwrap().decision, "few"));
        }
        assert_eq!(more * 3, left.min(33), "{backend:?}");
        sound(&place);
    }
}

/// Points for tea only, and a programme in which nobody says any more what they are for.
const TEA: &str = r#"language 1
program tea { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 redeemable worth 1 points = 1 EUR }
event gift { amount: points }
event present { amount: points }
event spend { amount: points }
group gifts { kind earn displace none on gift when member known }
rule given in group gifts { then award event.amount }
group spends { kind earn displace none on spend when member known }
rule taken in group spends { then debit event.amount from bonus }
group seen { kind earn displace none on session when member known }
rule rich in group seen { when member.balance.bonus >= 100 points then award 1 points }
CONDITION
redemption pay { from bonus for lines where line.kind = product member chooses amount }
"#;

const FOR_TEA: &str = r#"group presents { kind earn displace none on present when member known }
rule for_tea in group presents {
  then award event.amount
  spendable { for lines where line in category "Tea" }
}"#;

const ON_MONDAYS: &str = r#"group presents { kind earn displace none on present when member known }
rule on_mondays in group presents {
  then award event.amount
  spendable { schedule days [mon] }
}"#;

#[test]
fn points_whose_condition_is_gone_stay_and_pay_nothing() {
    let with = |condition: &str| engine(&TEA.replace("CONDITION", condition));
    let buys = |id: &str, amount: u64| {
        format!(
            r#"{{"id":"{id}","kind":"purchase","at":"2026-03-02T10:00:00","member":"anna","redeem":{{"pay":"{amount}"}},"lines":[{{"sku":"T","category":"Tea","qty":1,"price":"500.00"}}]}}"#
        )
    };
    let session = |id: &str| {
        format!(
            r#"{{"id":"{id}","kind":"session","at":"2026-03-02T10:00:00","channel":"web","member":"anna"}}"#
        )
    };
    let spend = |id: &str, amount| deed("spend", id, "anna", "2026-03-02T10:00:00", amount);
    for backend in Backend::ALL {
        // Without any conditions, and with another one.
        for (number, condition) in [(1, ""), (2, ON_MONDAYS)] {
            let place = backend.place();
            let first = ledger(&with(FOR_TEA), &place);
            first.decide(deed("present", "p", "anna", "2026-03-01T10:00:00", 200).as_bytes()).unwrap();
            first.decide(gift("g", "anna", "2026-03-01T11:00:00", 30).as_bytes()).unwrap();
            let after = ledger(&with(condition), &place);
            let quoted = |text: String| after.quote(text.as_bytes()).unwrap().decision;
            // Rules see 230, and 30 of them pay.
            assert!(quoted(session("s1")).contains(r#""rule":"rich""#), "{backend:?} {number}");
            assert!(quoted(spend("x", 31)).contains(r#""short""#), "{backend:?} {number}");
            assert!(quoted(buys("x", 31)).contains(r#""refused""#), "{backend:?} {number}");
            let paid = after.decide(buys("b1", 20).as_bytes()).unwrap().decision;
            assert!(!paid.contains(r#""refused""#), "{backend:?} {number}: {paid}");
            after.decide(spend("s2", 10).as_bytes()).unwrap();
            assert!(quoted(spend("x", 1)).contains(r#""short""#));
            sound(&place);
            let mut store = open(&place, false).unwrap();
            let told = report::conditions(&mut *store).unwrap();
            assert_eq!(told.len(), 1);
            assert_eq!(
                (told[0].condition.as_str(), told[0].members, told[0].amount.as_str()),
                ("for_tea", 1, "200")
            );
            // Where somebody says again what they are for, they pay for it.
            let again = ledger(&with(&FOR_TEA.replace("rule for_tea", "rule tea_time was for_tea")), &place);
            let paid = again.decide(buys("b2", 150).as_bytes()).unwrap().decision;
            assert!(!paid.contains(r#""refused""#), "{backend:?} {number}: {paid}");
            let balances = report::balances(&mut *store, "anna", None).unwrap();
            assert_eq!(balances[0].balance, "50");
            sound(&place);
        }
    }
}

#[test]
fn who_runs_a_programme_without_a_condition_is_told() {
    let folder = perq_tests::scratch("ledger-conditions");
    let place = Backend::Sqlite.place();
    let run = |rules: &str, event: &str| {
        let path = folder.join("rules.rule");
        std::fs::write(&path, TEA.replace("CONDITION", rules)).unwrap();
        let path = path.display().to_string();
        perq(&["run", &path, "--events", "-", "--ledger", &place], event)
    };
    let (exit, _, said) = run(FOR_TEA, &deed("present", "p", "anna", "2026-03-01T10:00:00", 200));
    assert!(exit == 0 && !said.contains("warning"), "{said}");
    let (exit, _, said) = run("", &gift("g", "anna", "2026-03-01T11:00:00", 30));
    assert_eq!(exit, 0);
    assert!(
        said.contains(
            "warning: 200 points of 1 member can be spent under the condition of `for_tea`, which this programme does not \
             have: they stay, and nothing is paid with them"
        ),
        "{said}"
    );
}

#[test]
fn the_command_line_holds() {
    let folder = perq_tests::scratch("ledger-hold");
    let rules = folder.join("rules.rule");
    std::fs::write(&rules, HELD).unwrap();
    let (rules, place) = (rules.display().to_string(), Backend::Sqlite.place());
    let run = ["run", &rules, "--events", "-", "--ledger", &place];
    let hold = [&run[..], &["--hold", "2026-03-03T11:00:00Z"]].concat();
    let (exit, held, said) = perq(&hold, &buys("p1", "anna", 10, ""));
    assert!(exit == 0 && said.contains("1 decided, with what they take held"), "{said}");
    let (exit, paid, said) = perq(&run, &buys("p1", "anna", 10, r#","reservation":"p1""#));
    assert!(exit == 0 && held == paid && said.contains("1 decided and kept"), "{said}: {held}{paid}");
    let (_, _, said) = perq(&run, &buys("p2", "anna", 10, r#","reservation":"p1""#));
    assert!(said.contains("[no-reservation]"), "{said}");
    sound(&place);
}
