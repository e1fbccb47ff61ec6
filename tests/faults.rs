//! A ledger whose store fails: conflicts, answers that never come, a server that is away, a file that cannot be written,
//! events in any order of time. Whatever fails, each event is kept once, and decided as where nothing fails.

use perq_ledger::audit::audit;
use perq_ledger::deeds::{Act, Deed, Done, carry_out, expire, lapse};
use perq_ledger::report;
use perq_ledger::store::{
    ClaimRow, CounterRow, Datum, EventKey, FoundOrigin, Loaded, StoreError, Wanted, Writes,
};
use perq_ledger::{Ledger, Refusal, Store, open};
use perq_tests::ledgers::{Backend, EVERYTHING, engine, random_events};
use perq_tests::root;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What fails, in so many of a hundred times.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// A commit that conflicts, as of transactions that cannot be serialised.
    conflict: u64,
    /// A load or a commit that does not reach the store.
    away: u64,
    /// A commit that is made, and whose answer is lost.
    lost: u64,
}

/// How often something has failed.
#[derive(Default)]
struct Failed {
    conflicts: AtomicU64,
    away: AtomicU64,
    lost: AtomicU64,
}

struct Faulty {
    inner: Box<dyn Store>,
    faults: Faults,
    failed: Arc<Failed>,
    dice: u64,
}

impl Faulty {
    fn fails(&mut self, of_hundred: u64) -> bool {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % 100 < of_hundred
    }

    fn away(&mut self) -> Result<(), StoreError> {
        if self.fails(self.faults.away) {
            self.failed.away.fetch_add(1, Ordering::Relaxed);
            self.inner.abandon();
            return Err(StoreError::Unavailable("it is away".to_owned()));
        }
        Ok(())
    }
}

impl Store for Faulty {
    fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        self.away()?;
        self.inner.load(wanted)
    }

    fn counters(&mut self, names: &[String]) -> Result<Vec<CounterRow>, StoreError> {
        self.away()?;
        self.inner.counters(names)
    }

    fn shared_claims(&mut self, counter: &str, from: i64) -> Result<Vec<ClaimRow>, StoreError> {
        self.inner.shared_claims(counter, from)
    }

    fn origins(&mut self, keys: &[EventKey]) -> Result<Vec<FoundOrigin>, StoreError> {
        self.away()?;
        self.inner.origins(keys)
    }

    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        self.away()?;
        if self.fails(self.faults.conflict) {
            self.failed.conflicts.fetch_add(1, Ordering::Relaxed);
            self.inner.abandon();
            return Err(StoreError::Conflict("could not serialize access".to_owned()));
        }
        self.inner.commit(writes)?;
        if self.fails(self.faults.lost) {
            self.failed.lost.fetch_add(1, Ordering::Relaxed);
            return Err(StoreError::Unavailable("the answer was lost".to_owned()));
        }
        Ok(())
    }

    fn reconnects(&self) -> bool {
        true
    }

    fn look(&mut self) -> Result<(), StoreError> {
        self.inner.look()
    }

    fn abandon(&mut self) {
        self.inner.abandon();
    }

    fn query(&mut self, sql: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, StoreError> {
        self.inner.query(sql, values)
    }
}

fn sound(place: &str) -> perq_ledger::audit::Report {
    let report = audit(&mut *open(place, false).expect("a ledger")).expect("an audit");
    assert_eq!(report.findings, [], "{place}");
    report
}

#[test]
fn whatever_fails_each_event_is_kept_once() {
    let engine = engine(EVERYTHING);
    for (backend, seed, faults) in [
        (Backend::Sqlite, 1, Faults { conflict: 30, ..Faults::default() }),
        (Backend::Sqlite, 2, Faults { lost: 30, ..Faults::default() }),
        (Backend::Sqlite, 3, Faults { away: 10, conflict: 10, lost: 10 }),
        (Backend::Postgres, 4, Faults { away: 10, conflict: 10, lost: 10 }),
    ] {
        let all = random_events(seed, 150);
        let sound_place = backend.place();
        let sound_ledger = Ledger::new(&engine, open(&sound_place, true).unwrap(), "").unwrap();
        let place = backend.place();
        let failed = Arc::new(Failed::default());
        let inner = open(&place, true).unwrap();
        let store = Faulty { inner, faults, failed: Arc::clone(&failed), dice: seed };
        let ledger = Ledger::new(&engine, Box::new(store), "").unwrap();
        for events in all.chunks(7) {
            let records: Vec<&[u8]> = events.iter().map(|event| event.as_bytes()).collect();
            let expected = sound_ledger.decide_all(&records);
            for ((event, one), other) in events.iter().zip(ledger.decide_all(&records)).zip(expected) {
                let (one, other) = (one.unwrap(), other.unwrap());
                assert_eq!(one.decision, other.decision, "{backend:?} {seed}: {event}");
            }
        }
        let (one, other) = (sound(&place), sound(&sound_place));
        assert_eq!(
            (one.events, one.entries, one.lots, one.claims),
            (other.events, other.entries, other.lots, other.claims)
        );
        let many = |of: &AtomicU64| of.load(Ordering::Relaxed);
        assert!(
            many(&failed.conflicts) + many(&failed.away) + many(&failed.lost) > 5,
            "{seed}: nothing has failed"
        );
    }
}

/// Writers at once, whose events wait together and are written together, with a store that fails: whoever is told to send
/// again does so, each event is kept once, and what is kept agrees.
#[test]
fn whatever_fails_while_others_write_each_event_is_kept_once() {
    let engine = engine(EVERYTHING);
    let all_faults = Faults { away: 10, conflict: 10, lost: 10 };
    for (backend, seed, faults) in [
        (Backend::Sqlite, 11, Faults::default()),
        (Backend::Sqlite, 12, Faults { conflict: 20, lost: 20, ..Faults::default() }),
        (Backend::Sqlite, 13, all_faults),
        (Backend::Postgres, 14, Faults::default()),
        (Backend::Postgres, 15, all_faults),
    ] {
        let all = random_events(seed, 240);
        let ids: BTreeSet<String> = all
            .iter()
            .map(|event| serde_json::from_str::<serde_json::Value>(event).unwrap()["id"].to_string())
            .collect();
        let place = backend.place();
        let failed = Arc::new(Failed::default());
        let inner = open(&place, true).unwrap();
        let store = Faulty { inner, faults, failed: Arc::clone(&failed), dice: seed };
        let ledger = Ledger::new(&engine, Box::new(store), "").unwrap();
        std::thread::scope(|scope| {
            for writer in 0..12 {
                let (ledger, all) = (&ledger, &all);
                scope.spawn(move || {
                    for event in all.iter().skip(writer).step_by(12) {
                        let answer = loop {
                            match ledger.decide(event.as_bytes()) {
                                Ok(answer) => break answer,
                                Err(refusal) => assert!(
                                    ["contended", "ledger-unavailable"].contains(&refusal.name()),
                                    "{backend:?} {seed}: {refusal}"
                                ),
                            }
                        };
                        if let Ok(again) = ledger.decide(event.as_bytes()) {
                            assert!(again.decision == answer.decision && again.repeated, "{event}");
                        }
                    }
                });
            }
        });
        assert_eq!(sound(&place).events, ids.len() as i64, "{backend:?} {seed}");
    }
}

#[test]
fn who_is_never_fast_enough_is_told_so() {
    let engine = engine(EVERYTHING);
    let place = Backend::Sqlite.place();
    let failed = Arc::new(Failed::default());
    let inner = open(&place, true).unwrap();
    let faults = Faults { conflict: 100, ..Faults::default() };
    let store = Faulty { inner, faults, failed: Arc::clone(&failed), dice: 1 };
    let ledger = Ledger::new(&engine, Box::new(store), "").unwrap();
    let events = random_events(9, 3);
    let records: Vec<&[u8]> = events.iter().map(|event| event.as_bytes()).collect();
    for answer in ledger.decide_all(&records) {
        assert!(matches!(answer, Err(Refusal::Contended { .. })), "{answer:?}");
    }
    // Twelve times together, then each of the three alone.
    assert_eq!(failed.conflicts.load(Ordering::Relaxed), 12 + 3 * 12);
    assert_eq!(sound(&place).events, 0);
}

#[test]
fn what_cannot_be_written_is_refused_and_can_be_read() {
    let engine = engine(EVERYTHING);
    let place = Backend::Sqlite.place();
    let ledger = Ledger::new(&engine, open(&place, true).unwrap(), "").unwrap();
    let events = random_events(5, 6);
    let first = ledger.decide(events[0].as_bytes()).unwrap();
    // As of a file that may not be written, which no rights of a file are for who tests as root.
    ledger.query("PRAGMA query_only = ON", &[]).unwrap();
    let before = ledger.decide(events[0].as_bytes()).unwrap();
    assert!(before.repeated && before.decision == first.decision);
    let refused = ledger.decide(events[1].as_bytes()).unwrap_err();
    assert_eq!(refused.name(), "ledger-unavailable");
    assert!(refused.to_string().contains("readonly"), "{refused}");
    assert_eq!(sound(&place).events, 1);
    ledger.query("PRAGMA query_only = OFF", &[]).unwrap();
    assert!(!ledger.decide(events[1].as_bytes()).unwrap().repeated);
    assert_eq!(sound(&place).events, 2);
}

/// Nothing in a ledger asks what time it is, so no clock can run backwards in it: what is waited for is measured by a clock
/// that cannot be set.
#[test]
fn no_clock_is_read() {
    let folder = root().join("runtime/ledger/src");
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        files += 1;
        for word in [
            "SystemTime",
            "UNIX_EPOCH",
            "CURRENT_TIME",
            "CURRENT_DATE",
            "SELECT now",
            "clock_timestamp",
            "strftime",
            "datetime(",
        ] {
            assert!(!text.contains(word), "{} reads the clock: {word}", path.display());
        }
    }
    assert!(files > 10);
}

/// Events whose instants run backwards all the way, as from a host whose clock does: each is decided as the memory decides
/// it, and what it leaves is sound.
#[test]
fn events_may_run_backwards() {
    let engine = engine(EVERYTHING);
    let mut all = random_events(6, 120);
    all.sort_by_key(|event| {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        std::cmp::Reverse(event["at"].as_str().unwrap_or("").to_owned())
    });
    all.dedup();
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = Ledger::new(&engine, open(&place, true).unwrap(), "").unwrap();
        let mut session = engine.session();
        for event in &all {
            let mut line = Vec::new();
            session.decide_line(event.as_bytes(), &mut line).unwrap();
            let expected = String::from_utf8(line).unwrap();
            assert_eq!(
                ledger.decide(event.as_bytes()).unwrap().decision,
                expected.trim_end(),
                "{backend:?}: {event}"
            );
        }
        assert_eq!(sound(&place).events, all.len() as i64);
    }
}

fn gift(id: &str, at: &str) -> String {
    format!(r#"{{"id":"{id}","kind":"gift","at":"{at}","member":"anna","amount":"10"}}"#)
}

/// What a process without rights of its own is told: nobody, where the test is root.
fn answers_of(place: &Path, events: &[String]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crash"));
    if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        command.uid(65_534).gid(65_534);
    }
    let mut child = command
        .arg("answer")
        .arg(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut input = child.stdin.take().expect("its input");
    for event in events {
        // One that could not open the ledger does not listen.
        drop(writeln!(input, "{event}"));
    }
    drop(input);
    let output = child.wait_with_output().expect("its end");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// A file that may not be written: what was decided is answered, what is new is refused, and told why.
#[test]
fn a_file_without_rights_is_asked_and_not_written() {
    let folder = std::env::temp_dir().join(format!("perq-rights-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let place = folder.join("points.ledger");
    let name = place.display().to_string();
    let (first, second) = (gift("g1", "2026-03-01T10:00:00"), gift("g2", "2026-03-01T11:00:00"));
    drop(open(&name, true).unwrap());
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(answers_of(&place, std::slice::from_ref(&first)), ["kept"]);
    let both = [first, second];
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o444)).unwrap();
    let said = answers_of(&place, &both);
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], "again");
    assert!(said[1].starts_with("ledger-unavailable: the ledger's file may not be written: "), "{said:?}");
    // Nor may anything be put beside it, which the log of a write would be.
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    let said = answers_of(&place, &both);
    assert!(said.iter().all(|line| line != "kept"), "{said:?}");
    assert!(said.last().is_some_and(|line| line.contains("may not be written")), "{said:?}");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(sound(&name).events, 1);
    assert_eq!(answers_of(&place, &both), ["again", "kept"]);
    assert_eq!(sound(&name).events, 2);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Writers whose files may not grow any more, as on a full disk: what they have acknowledged is there, and others go on.
#[test]
fn a_file_that_cannot_grow_loses_nothing() {
    let place = Backend::Sqlite.place();
    let binary = env!("CARGO_BIN_EXE_crash");
    // In blocks of 512 bytes; without the signal that would end the writer, its writes fail.
    let script = format!("trap '' XFSZ; ulimit -f 16384; exec '{binary}' write '{place}' 77");
    let mut child = Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (sender, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut acknowledged: BTreeMap<String, String> = BTreeMap::new();
    // Until nothing is acknowledged any more.
    while let Ok(line) = said.recv_timeout(std::time::Duration::from_secs(20)) {
        if let Some((id, hash)) = line.split_once(' ') {
            acknowledged.insert(id.to_owned(), hash.to_owned());
        }
    }
    assert!(child.try_wait().unwrap().is_none(), "the writer has ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    let size = std::fs::metadata(&place)
        .unwrap()
        .len()
        .max(std::fs::metadata(format!("{place}-wal")).map_or(0, |log| log.len()));
    assert!(size > 8_000_000 && size <= 8_388_608, "{size} bytes");
    let events = sound(&place).events;
    assert!(events >= acknowledged.len() as i64, "{events} of {}", acknowledged.len());
    let mut store = open(&place, false).unwrap();
    let kept = store.query("SELECT id FROM event", &[]).unwrap();
    let kept: std::collections::BTreeSet<&str> =
        kept.iter().filter_map(|row| Some(row.first()?.text())).collect();
    for id in acknowledged.keys() {
        assert!(kept.contains(id.as_str()), "{id} was acknowledged");
    }
    // Whoever may write goes on.
    let said = answers_of_this(&place, &[gift("after", "2026-03-01T10:00:00")]);
    assert_eq!(said, ["kept"]);
    assert_eq!(sound(&place).events, events + 1);
}

fn answers_of_this(place: &str, events: &[String]) -> Vec<String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_crash"))
        .args(["answer", place])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut input = child.stdin.take().expect("its input");
    for event in events {
        writeln!(input, "{event}").expect("it listens");
    }
    drop(input);
    let output = child.wait_with_output().expect("its end");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// A server that takes no writes, as a standby or one that is being moved: what was decided is answered, what is new is refused at
/// once, and reports and audits go on.
#[test]
fn a_server_that_is_only_read_is_asked() {
    let engine = engine(EVERYTHING);
    let place = Backend::Postgres.place();
    let events = random_events(5, 8);
    let first = Ledger::new(&engine, open(&place, true).unwrap(), "").unwrap();
    let before = first.decide(events[0].as_bytes()).unwrap();
    let database = place.split("///").nth(1).and_then(|rest| rest.split('?').next()).unwrap().to_owned();
    let set = |value: &str| {
        let sql = format!("ALTER DATABASE {database} SET default_transaction_read_only = {value}");
        first.query(&sql, &[]).unwrap();
    };
    set("on");
    let started = std::time::Instant::now();
    let ledger = Ledger::new(&engine, open(&place, false).unwrap(), "").unwrap();
    let records: Vec<&[u8]> = events.iter().take(3).map(String::as_bytes).collect();
    let answers = ledger.decide_all(&records);
    let again = answers[0].as_ref().unwrap();
    assert!(again.repeated && again.decision == before.decision);
    for answer in &answers[1..] {
        let refusal = answer.as_ref().unwrap_err();
        assert_eq!(refusal.name(), "ledger-unavailable");
        assert!(refusal.to_string().starts_with("the server may not be written to: "), "{refusal}");
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "nobody waits for it");
    assert!(ledger.quote(events[1].as_bytes()).is_err());
    let mut store = open(&place, false).unwrap();
    assert!(report::liability(&mut *store, 0).is_ok());
    assert_eq!(sound(&place).events, 1);
    set("off");
    let ledger = Ledger::new(&engine, open(&place, false).unwrap(), "").unwrap();
    assert!(!ledger.decide(events[1].as_bytes()).unwrap().repeated);
    assert_eq!(sound(&place).events, 2);
}

/// Whoever gives the instants has a clock that went back: what is kept is newer. Nothing is done that is not due, nothing is
/// undone, and the next run at the right instant does the rest.
#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let engine = engine(EVERYTHING);
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = Ledger::new(&engine, open(&place, true).unwrap(), "").unwrap();
        for (id, at) in [("g1", "2026-03-20T10:00:00"), ("g2", "2026-03-21T10:00:00")] {
            let text =
                format!(r#"{{"id":"{id}","kind":"present","at":"{at}","member":"anna","amount":"300"}}"#);
            ledger.decide(text.as_bytes()).unwrap();
        }
        let day = |text: &str| perq_runtime::clock::date(text).unwrap() * 86_400;
        let mut store = open(&place, false).unwrap();
        let early = day("2026-03-01");
        assert_eq!(expire(&mut *store, "run", early, "night").unwrap().0, 0);
        assert_eq!(lapse(&mut *store, early, "night").unwrap(), 0);
        assert_eq!(ledger.review(early).unwrap().done, 0);
        assert_eq!(ledger.run_batch(early).unwrap().done, 0);
        // What is not there yet cannot be taken, whatever is there later.
        let deed = |id: &str, at: i64, act: Act| Deed {
            id: id.to_owned(),
            member: "anna".to_owned(),
            at,
            act,
            reason: String::new(),
            author: "till".to_owned(),
        };
        let take = |at: i64| deed("take", at, Act::Remove { account: "bonus".to_owned(), amount: 10 });
        let done = carry_out(&mut *store, &[take(early)]).unwrap();
        assert_eq!(done, [Done::Refused("anna has 10 too few in bonus".to_owned())]);
        sound(&place);
        // An event of then is decided as of then, and what was decided since stays.
        let text = gift("g0", "2026-03-02T10:00:00").replace("\"10\"", "\"100\"");
        ledger.decide(text.as_bytes()).unwrap();
        let done = carry_out(&mut *store, &[take(day("2026-03-25"))]).unwrap();
        assert!(matches!(done[0], Done::Done(_)), "{done:?}");
        // 60 days after 2 March and after 20 and 21 March all of it has ended.
        let (members, _) = expire(&mut *store, "run", day("2026-06-30"), "night").unwrap();
        assert_eq!(members, 1, "the run of before was of another day");
        assert_eq!(expire(&mut *store, "run-2", early, "night").unwrap().0, 0);
        let rows = report::balances(&mut *store, "anna", Some(day("2026-06-30"))).unwrap();
        assert_eq!(rows.iter().find(|row| row.account == "bonus").map(|row| row.balance.as_str()), Some("0"));
        sound(&place);
    }
}
