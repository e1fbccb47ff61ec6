//! Kills whoever writes a ledger, and the server that keeps it, at random moments, and audits what is left: everything that
//! was acknowledged is there as it was answered, nothing is there twice, every invariant holds.
//!
//! A killed process shows that no half of a transaction stays and nothing is applied twice. It does not show that the disk
//! keeps what it confirmed: the operating system lives on. Killing the server of PostgreSQL with all of its processes
//! makes it recover from its log.

use crate::ledgers::{Backend, Server, engine};
use perq_ledger::audit::audit;
use perq_ledger::sqlite::Sqlite;
use perq_ledger::store::Datum;
use perq_ledger::{Ledger, Refusal, Store, open};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Threads that write at once.
const WRITERS: u64 = 8;

/// Rounds after which a new ledger is begun, so that the audit stays short.
const ROUNDS: usize = 40;

const RULES: &str = r#"language 1
program crash { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 redeemable worth 1 points = 1 EUR expire 60 days after award
  melt 20% of awarded every 10 days from 5 days after award shortfall debt }
event gift { amount: points }
event spend { amount: points }
group gifts { kind earn displace none on gift when member known }
rule given in group gifts {
  budget 5_000 points within this month else cut
  then award event.amount
}
group spends { kind earn displace none on spend when member known }
rule taken in group spends { then debit event.amount from bonus }
group earn { kind earn displace none on purchase when member known }
rule base_rate in group earn {
  limit 400 points per member within this month else cut
  budget 5_000 points within this month else cut
  then award 1 points * steps of 1 EUR in basket.paid
}
rule from_fifty in group earn { when basket.paid >= 50 EUR then award 20 points }
offer films "Films at home" {
  display by priority medium
  purpose product sku "FILMS"
  when member known
  learn from 10% of 20 showings half_life 30 days by member in segment "Old"
  score propensity(films)
  on accepted { award 3 points }
}
arbitration calls { slots 1 }
"#;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// An event, mostly one that gives or takes points; goods come back of what the same thread has sold.
fn event(dice: &mut Dice, id: &str, sold: &mut Vec<String>) -> String {
    let (day, hour) = (1 + dice.below(28), dice.below(24));
    let at = format!("2026-03-{day:02}T{hour:02}:00:00");
    let (member, amount) = (dice.below(20), 1 + dice.below(60));
    let kind = match dice.below(8) {
        0 | 1 => "gift",
        2 | 3 => "spend",
        6 => {
            return format!(
                r#"{{"id":"{id}","kind":"session","at":"{at}","channel":"web","member":"m{member}"}}"#
            );
        }
        7 => {
            let answer = ["accepted", "rejected", "ignored"][dice.below(3) as usize];
            return format!(
                r#"{{"id":"{id}","kind":"reaction","at":"{at}","offer":"films","answer":"{answer}","session":"s","member":{{"id":"m{member}","segments":["Old"]}}}}"#
            );
        }
        4 if sold.len() > 2 => {
            let of = &sold[sold.len() - 1 - dice.below(3) as usize];
            let pieces = 1 + dice.below(2);
            return format!(
                r#"{{"id":"{id}","kind":"return","of":"{of}","at":"2026-04-{day:02}T{hour:02}:00:00","lines":[{{"sku":"A","qty":{pieces}}}]}}"#
            );
        }
        _ => {
            sold.push(id.to_owned());
            return format!(
                r#"{{"id":"{id}","kind":"purchase","at":"{at}","member":"m{member}","lines":[{{"sku":"A","qty":3,"price":"{amount}.00"}}]}}"#
            );
        }
    };
    format!(r#"{{"id":"{id}","kind":"{kind}","at":"{at}","member":"m{member}","amount":"{amount}"}}"#)
}

/// Writes until it is killed, and says on standard output what was answered: an id and the hash of the decision.
///
/// # Panics
/// Where the ledger is damaged.
pub fn write(place: &str, seed: u64) {
    let store: Box<dyn Store> = if place.starts_with("postgresql://") {
        open(place, true).expect("a place")
    } else {
        // A short log, so that many are killed while it is taken in.
        let store = Sqlite::open(Path::new(place), true).expect("a place");
        Box::new(if seed.is_multiple_of(4) { store } else { store.with_log(40) })
    };
    let ledger = Ledger::new(&engine(RULES), store, "").expect("a ledger");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let ledger = &ledger;
            scope.spawn(move || {
                let mut dice = Dice(seed.wrapping_mul(1_000).wrapping_add(writer));
                let mut sold = Vec::new();
                for number in 0u64.. {
                    let id = format!("e{seed}-{writer}-{number}");
                    let text = event(&mut dice, &id, &mut sold);
                    match ledger.decide(text.as_bytes()) {
                        Ok(answer) => {
                            // Some do not hear the answer, and ask again.
                            if number % 5 == 0 {
                                match ledger.decide(text.as_bytes()) {
                                    Ok(again) => {
                                        let same = again.repeated && again.decision == answer.decision;
                                        assert!(same, "{id} was answered otherwise when it was asked again");
                                    }
                                    // The server was away for longer than it is waited for.
                                    Err(Refusal::Unavailable { .. }) => {}
                                    Err(refusal) => panic!("{id} was answered, and then {refusal}"),
                                }
                            }
                            let hash = hash(&answer.decision);
                            let mut out = std::io::stdout().lock();
                            if writeln!(out, "{id} {hash}").and_then(|()| out.flush()).is_err() {
                                return;
                            }
                        }
                        Err(Refusal::Unavailable { .. } | Refusal::Contended { .. }) => {}
                        Err(refusal) => panic!("{id}: {refusal}"),
                    }
                }
            });
        }
    });
}

/// Decides the events of standard input, line by line, and says on standard output what came of each: `kept`, `again`, or why
/// not. For who is to see what a process sees that has fewer rights than a test.
pub fn answer(place: &str) {
    let opened = open(place, false).and_then(|store| Ledger::new(&engine(RULES), store, ""));
    let ledger = match opened {
        Ok(ledger) => ledger,
        Err(error) => return println!("not opened: {error}"),
    };
    for line in std::io::stdin().lines().map_while(Result::ok) {
        match ledger.decide(line.as_bytes()) {
            Ok(answer) if answer.repeated => println!("again"),
            Ok(_) => println!("kept"),
            Err(refusal) => println!("{}: {refusal}", refusal.name()),
        }
    }
}

fn hash(text: &str) -> String {
    // FNV-1a: enough to tell one decision from another.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// A writer, and what it has said.
struct Writer {
    child: Child,
    said: Arc<Mutex<BTreeMap<String, String>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Writer {
    fn start(binary: &Path, place: &str, seed: u64) -> Writer {
        let mut child = Command::new(binary)
            .args(["write", place, &seed.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a writer");
        let out = child.stdout.take().expect("its output");
        let said = Arc::new(Mutex::new(BTreeMap::new()));
        let into = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // The last line may be half a one.
                if let Some((id, hash)) = line.split_once(' ').filter(|(_, hash)| hash.len() == 16) {
                    into.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(id.to_owned(), hash.to_owned());
                }
            }
        });
        Writer { child, said, reader }
    }

    fn count(&self) -> usize {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn wait_for(&mut self, many: usize) {
        let started = Instant::now();
        while self.count() < many {
            let ended = self.child.try_wait().expect("its state");
            assert!(ended.is_none(), "the writer ended by itself: {ended:?}");
            assert!(started.elapsed() < Duration::from_secs(60), "nothing was written for a minute");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn kill(mut self) -> BTreeMap<String, String> {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("its end");
        self.reader.join().expect("its output");
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a campaign has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Campaign {
    /// Writers that were killed.
    pub kills: usize,
    /// Times that the server was killed.
    pub crashes: usize,
    /// Events that were acknowledged.
    pub acknowledged: usize,
    /// Events that were there in the end.
    pub events: i64,
}

/// Kills writers so often; with a server, every `crash_every`th time the server first.
///
/// # Panics
/// Where something that was acknowledged is not there as it was answered, or an invariant does not hold.
pub fn campaign(binary: &Path, backend: Backend, kills: usize, crash_every: usize, seed: u64) -> Campaign {
    let mut dice = Dice(seed);
    let mut done = Campaign::default();
    let server = (backend == Backend::Postgres).then(Server::start);
    let mut place = String::new();
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    for round in 0..kills {
        if round % ROUNDS == 0 {
            said.clear();
            place = match &server {
                Some(server) => {
                    let name = format!("crash_{round}");
                    server.database(&name);
                    server.address(&name)
                }
                None => Backend::Sqlite.place(),
            };
        }
        let number = seed.wrapping_add(round as u64);
        let mut writer = Writer::start(binary, &place, number);
        // Some are killed while they open the ledger and recover what the last one left.
        if dice.below(5) > 0 {
            writer.wait_for(1 + dice.below(40) as usize);
        }
        std::thread::sleep(Duration::from_micros(dice.below(30_000)));
        if let Some(server) =
            server.as_ref().filter(|_| crash_every > 0 && round % crash_every == crash_every - 1)
        {
            writer.wait_for(5);
            server.crash();
            server.again();
            let before = writer.count();
            // It goes on by itself.
            writer.wait_for(before + 20);
            done.crashes += 1;
        }
        let new = writer.kill();
        done.acknowledged += new.len();
        said.extend(new);
        done.kills += 1;
        let mut store = match open(&place, false) {
            Ok(store) => store,
            // Killed before there was anything.
            Err(_) if said.is_empty() => continue,
            Err(error) => panic!("round {round}: {error}"),
        };
        let rows = store.query("SELECT id, decision FROM event", &[]).expect("the events");
        let kept: BTreeMap<&str, String> =
            rows.iter().filter_map(|row| Some((row.first()?.text(), hash(row.get(1)?.text())))).collect();
        assert_eq!(kept.len(), rows.len(), "round {round}: an event is there twice");
        for (id, hash) in &said {
            assert_eq!(kept.get(id.as_str()), Some(hash), "round {round}: {id} was acknowledged");
        }
        let report = audit(&mut *store).expect("an audit");
        assert_eq!(report.findings, [], "round {round}");
        let of_round = store
            .query("SELECT count(*) FROM event WHERE id LIKE $1", &[Datum::Text(format!("e{number}-%"))])
            .expect("the events");
        done.events += of_round.first().and_then(|row| row.first()).map_or(0, Datum::number);
    }
    done
}
