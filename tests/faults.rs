//! A ledger whose store fails: conflicts, answers that never come, a server that is away, a file that cannot be written,
//! events in any order of time. Whatever fails, each event is kept once, and decided as where nothing fails.

use perq_ledger::audit::audit;
use perq_ledger::store::{
    ClaimRow, CounterRow, Datum, EventKey, FoundOrigin, Loaded, StoreError, Wanted, Writes,
};
use perq_ledger::{Ledger, Refusal, Store, open};
use perq_tests::ledgers::{Backend, EVERYTHING, engine, random_events};
use perq_tests::root;
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
