//! The ledger: events in, decisions out, each kept exactly once.
//!
//! Events that come while others are written wait together, and are decided and written as one: one thread takes all that
//! wait, loads what they need to see in one question, decides them one after another, and commits. Where somebody else
//! (another process, another host) was faster, they are decided again on what is there now, a bounded number of times.
//!
//! Refuses to know rules and files.

use crate::contacts::{Learned, Told, told};
use crate::desk::{Booked, Desk, Incoming, Missing, Needs, Shared, SharedCounters, SumsThen, is_by_day};
use crate::same;
use crate::stages::Stages;
use crate::store::{Datum, EventKey, Loaded, Store, StoreError, Wanted, Writes};
use perq_compiler::calendar::{DAY, is_universal, limited};
use perq_compiler::ir::{CounterId, Verified, offers};
use perq_runtime::decimal;
use perq_runtime::engine::{Engine, Session};
use perq_runtime::record::{ReadEvent, Reader, RecordError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How sources and kinds of the ledger's own deeds begin.
pub const OWN: &str = "perq:";

/// Most events that are written together.
const MOST_TOGETHER: usize = 512;

/// How often an event is decided again because somebody else was faster.
const ATTEMPTS: u32 = 12;

/// How long a server may be away before an event is refused.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is answered to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The decision, one line of JSON without its end.
    pub decision: String,
    /// Whether it was decided before; then this is the answer of then.
    pub repeated: bool,
}

/// Why an event is not kept. Nothing of it is, then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The record is wrong.
    Record(Box<RecordError>),
    /// An event of this id was decided, and said something else.
    OtherContent {
        /// The event.
        key: EventKey,
        /// The first field that differs.
        field: String,
    },
    /// An event of this id was decided in another revision.
    OtherRevision {
        /// The event.
        key: EventKey,
        /// The revision that was decided.
        decided: i64,
    },
    /// Goods come back of an event that another pack decided: only that one can say what it gave.
    OtherPack {
        /// The event.
        key: EventKey,
        /// The event of which they come back.
        of: String,
        /// The hash of the pack that decided it.
        pack: String,
    },
    /// It is new, and older than what is still taken.
    TooOld {
        /// The event.
        key: EventKey,
        /// The first instant that is.
        oldest: i64,
    },
    /// It pays with a reservation that cannot be used.
    Reservation {
        /// The event.
        key: EventKey,
        /// Why.
        message: String,
    },
    /// A name in it cannot be kept.
    Unstorable {
        /// The event.
        key: EventKey,
        /// What is wrong.
        message: String,
    },
    /// Others were faster again and again.
    Contended {
        /// The event.
        key: EventKey,
    },
    /// The ledger cannot be read or written for now: it may be sent again.
    Unavailable {
        /// The event.
        key: EventKey,
        /// Why.
        message: String,
    },
    /// The ledger is damaged, or this event would damage it.
    Damaged {
        /// The event.
        key: EventKey,
        /// What was found.
        message: String,
    },
}

impl Refusal {
    /// Its lasting name.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::Record(error) => error.name(),
            Refusal::OtherContent { .. } => "other-content",
            Refusal::OtherRevision { .. } => "other-revision",
            Refusal::OtherPack { .. } => "other-pack",
            Refusal::TooOld { .. } => "too-old",
            Refusal::Reservation { .. } => "no-reservation",
            Refusal::Unstorable { .. } => "unstorable",
            Refusal::Contended { .. } => "contended",
            Refusal::Unavailable { .. } => "ledger-unavailable",
            Refusal::Damaged { .. } => "ledger-damaged",
        }
    }

    /// The event's id, where it could be read.
    pub fn id(&self) -> Option<&str> {
        match self {
            Refusal::Record(error) => error.id.as_deref(),
            Refusal::OtherContent { key, .. }
            | Refusal::OtherRevision { key, .. }
            | Refusal::OtherPack { key, .. }
            | Refusal::TooOld { key, .. }
            | Refusal::Reservation { key, .. }
            | Refusal::Unstorable { key, .. }
            | Refusal::Contended { key }
            | Refusal::Unavailable { key, .. }
            | Refusal::Damaged { key, .. } => Some(&key.id),
        }
    }

    /// The field that it is about; empty for the whole record.
    pub fn field(&self) -> &str {
        match self {
            Refusal::Record(error) => &error.field,
            Refusal::OtherContent { field, .. } => field,
            Refusal::OtherRevision { .. } => "revision",
            Refusal::OtherPack { .. } => "of",
            Refusal::TooOld { .. } => "at",
            Refusal::Reservation { .. } => "reservation",
            Refusal::Unstorable { .. }
            | Refusal::Contended { .. }
            | Refusal::Unavailable { .. }
            | Refusal::Damaged { .. } => "",
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Record(error) => write!(f, "{error}"),
            Refusal::OtherContent { key, field } if field.is_empty() => {
                write!(f, "event {key} was decided before with another content")
            }
            Refusal::OtherContent { key, field } => {
                write!(f, "event {key} was decided before with another content: `{field}` differs")
            }
            Refusal::OtherRevision { key, decided } => write!(
                f,
                "event {} was decided as revision {decided}; what that gave has to be taken back first",
                key.id
            ),
            Refusal::OtherPack { key, of, pack } => write!(
                f,
                "event {key} brings back goods of {of}, which other rules decided; what that gave is known to them \
                 alone: send the event with the rules {} (`perq inspect` says which pack has them), or name them beside \
                 these with --before INSTANT=PROGRAM",
                pack.get(..16).unwrap_or(pack)
            ),
            Refusal::TooOld { key, oldest } => write!(
                f,
                "event {key} is older than what is still taken: from {} on",
                perq_runtime::clock::instant_text(*oldest)
            ),
            Refusal::Unstorable { message, .. } | Refusal::Reservation { message, .. } => {
                write!(f, "{message}")
            }
            Refusal::Contended { key } => {
                write!(f, "others were faster {ATTEMPTS} times while event {key} was decided; send it again")
            }
            Refusal::Unavailable { message, .. } | Refusal::Damaged { message, .. } => write!(f, "{message}"),
        }
    }
}

impl std::error::Error for Refusal {}

/// What an event is answered.
pub type Answered = Result<Answer, Refusal>;

/// A ledger that decides with an engine. Any number of threads may use it at once.
pub struct Ledger {
    engine: Engine,
    queue: Mutex<Queue>,
    work: Mutex<Work>,
}

/// Events that wait, and whether somebody works.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    busy: bool,
}

struct Waiting {
    json: Vec<u8>,
    slot: Arc<Slot>,
}

/// Where a thread waits.
#[derive(Default)]
struct Slot {
    turn: Mutex<Turn>,
    changed: Condvar,
}

/// What a waiting thread is told.
#[derive(Default)]
enum Turn {
    /// To wait.
    #[default]
    Wait,
    /// To work for all that wait, itself among them.
    Work,
    /// Its answer.
    Answered(Answered),
}

impl Slot {
    fn tell(&self, turn: Turn) {
        *lock(&self.turn) = turn;
        self.changed.notify_one();
    }

    /// Waits to be told something: an answer, or nothing where it is this thread's turn to work.
    fn wait(&self) -> Option<Answered> {
        let mut turn = lock(&self.turn);
        loop {
            match std::mem::take(&mut *turn) {
                Turn::Wait => turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner),
                Turn::Work => return None,
                Turn::Answered(answer) => return Some(answer),
            }
        }
    }
}

/// A lock that a panic elsewhere does not take away.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// Of an engine, the place where it is kept, and who sends the events: ids of one source are its own. Most hosts have
    /// one source, without a name.
    ///
    /// # Errors
    /// Where the place holds another programme's points: an account with other decimals. Where the source's name is one of
    /// the ledger's own.
    pub fn new(engine: &Engine, mut store: Box<dyn Store>, source: &str) -> Result<Ledger, StoreError> {
        if source.starts_with(OWN) || source.contains('\0') {
            return Err(StoreError::Unfit(format!("a source cannot be named so: {}", source.escape_debug())));
        }
        let clerk = Clerk::new(engine, None, &mut *store)?;
        let books = Books {
            store,
            source: source.to_owned(),
            oldest: None,
            learned: Arc::default(),
            spent: Spent::default(),
        };
        let work = Work { books, clerks: vec![clerk] };
        Ok(Ledger { engine: engine.clone(), queue: Mutex::default(), work: Mutex::new(work) })
    }

    /// Lets an earlier pack decide the events before an instant, and the goods that come back of what it has decided.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_earlier(self, engine: &Engine, until: i64) -> Result<Ledger, StoreError> {
        {
            let mut work = lock(&self.work);
            let Work { books, clerks } = &mut *work;
            let clerk = Clerk::new(engine, Some(until), &mut *books.store)?;
            let place = clerks.iter().position(|known| known.until.is_none_or(|known| known > until));
            clerks.insert(place.unwrap_or(0), clerk);
        }
        Ok(self)
    }

    /// Refuses new events that are older than an instant. What was decided before is answered as it was, whatever its age.
    #[must_use]
    pub fn with_oldest(self, oldest: i64) -> Ledger {
        lock(&self.work).books.oldest = Some(oldest);
        self
    }

    /// Decides an event and keeps it, or gives the answer of then where it was decided before. Returns once it is durable.
    ///
    /// # Errors
    /// Why it is not kept.
    pub fn decide(&self, json: &[u8]) -> Answered {
        let slot = Arc::new(Slot::default());
        {
            let mut queue = lock(&self.queue);
            queue.waiting.push_back(Waiting { json: json.to_vec(), slot: Arc::clone(&slot) });
            if !std::mem::replace(&mut queue.busy, true) {
                slot.tell(Turn::Work);
            }
        }
        loop {
            if let Some(answer) = slot.wait() {
                return answer;
            }
            self.work_for_all();
        }
    }

    /// Decides what waits, and lets the next one work. Who works is among those that wait, and first: it was there before
    /// them.
    fn work_for_all(&self) {
        let mut work = lock(&self.work);
        let all: Vec<Waiting> = {
            let mut queue = lock(&self.queue);
            let many = queue.waiting.len().min(MOST_TOGETHER);
            queue.waiting.drain(..many).collect()
        };
        let records: Vec<&[u8]> = all.iter().map(|one| one.json.as_slice()).collect();
        // Nobody may wait for ever because of a mistake of ours.
        let answers = catch_unwind(AssertUnwindSafe(|| work.decide(&records))).unwrap_or_else(|_| {
            work.books.store.abandon();
            let message = "perq made a mistake of its own".to_owned();
            let refusal = Refusal::Damaged { key: EventKey::default(), message };
            records.iter().map(|_| Err(refusal.clone())).collect()
        });
        drop(work);
        for (one, answer) in all.iter().zip(answers) {
            one.slot.tell(Turn::Answered(answer));
        }
        let mut queue = lock(&self.queue);
        match queue.waiting.front() {
            Some(next) => next.slot.tell(Turn::Work),
            None => queue.busy = false,
        }
    }

    /// Decides events in their order, and writes them together.
    pub fn decide_all(&self, records: &[&[u8]]) -> Vec<Answered> {
        let mut work = lock(&self.work);
        records.chunks(MOST_TOGETHER).flat_map(|records| work.decide(records)).collect()
    }

    /// What would be decided for an event as things stand. Nothing of it is kept; an event that was decided before gets the
    /// answer of then.
    ///
    /// # Errors
    /// Why there is no decision.
    pub fn quote(&self, json: &[u8]) -> Answered {
        lock(&self.work).quote(json)
    }

    /// Decides an event as things stand, and holds what it would take until an instant: points, and what it would claim of
    /// limits and budgets. Nothing else of it is kept; the event itself is decided when it is sent, with the field
    /// `reservation` naming its own id. Asked again, it is answered as before. An event that was decided gets the answer of then,
    /// and holds nothing; nor does one that is refused.
    ///
    /// # Errors
    /// Why nothing is held.
    pub fn hold(&self, json: &[u8], until: i64, author: &str) -> Answered {
        lock(&self.work).hold(json, until, author)
    }

    /// Makes reviews, with the pack of now: of the members whom records name, up to their instants.
    pub(crate) fn review_all(&self, records: &[String]) -> Vec<Answered> {
        let records: Vec<&[u8]> = records.iter().map(String::as_bytes).collect();
        let mut work = lock(&self.work);
        let Work { books, clerks } = &mut *work;
        clerks.last_mut().map_or_else(Vec::new, |clerk| clerk.decide(books, &records, true))
    }

    /// Decides events in their order, as if another source had sent them.
    pub(crate) fn decide_as(&self, source: &str, records: &[String]) -> Vec<Answered> {
        let records: Vec<&[u8]> = records.iter().map(String::as_bytes).collect();
        let mut work = lock(&self.work);
        let own = std::mem::replace(&mut work.books.source, source.to_owned());
        // How old an event may be was asked when it came.
        let oldest = work.books.oldest.take();
        let answers = records.chunks(MOST_TOGETHER).flat_map(|records| work.decide(records)).collect();
        (work.books.source, work.books.oldest) = (own, oldest);
        answers
    }

    /// The engine that decides now.
    pub(crate) fn engine(&self) -> Engine {
        self.engine.clone()
    }

    /// Who sends the events.
    pub(crate) fn source(&self) -> String {
        lock(&self.work).books.source.clone()
    }

    /// Where the time went so far.
    pub fn spent(&self) -> Spent {
        let work = lock(&self.work);
        Spent { writing: work.books.store.stages(), ..work.books.spent.clone() }
    }

    /// Whether an event of this source and id was decided and kept.
    ///
    /// # Errors
    /// Where the store cannot answer.
    pub fn has(&self, source: &str, id: &str) -> Result<bool, StoreError> {
        let key = [Datum::Text(id.to_owned()), Datum::Text(source.to_owned())];
        let rows = self.query("SELECT revision FROM event WHERE id = $1 AND source = $2", &key)?;
        Ok(!rows.is_empty())
    }

    /// Asks the store something.
    ///
    /// # Errors
    /// Where it cannot answer.
    pub fn query(&self, sql: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, StoreError> {
        lock(&self.work).books.store.query(sql, values)
    }
}

/// How many groups of events were decided so far, how many events, and where the time went.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    /// Groups.
    pub groups: u64,
    /// Events in them.
    pub events: u64,
    /// What a group goes through, one after another.
    pub stages: Stages,
    /// What writing it goes through, as far as the store knows.
    pub writing: Stages,
}

/// What deciding and writing needs; used by one thread at a time.
struct Work {
    books: Books,
    /// Who decides: one for each pack, in the order of the instants up to which they do; the last one from then on.
    clerks: Vec<Clerk>,
}

/// Where what is decided is kept.
struct Books {
    store: Box<dyn Store>,
    source: String,
    /// New events before this instant are refused.
    oldest: Option<i64>,
    /// What offers have learned, as it was last read.
    learned: Arc<Learned>,
    spent: Spent,
}

/// Who decides events with one pack.
struct Clerk {
    engine: Engine,
    program: Arc<Verified>,
    pack: String,
    /// Events before this instant are this pack's.
    until: Option<i64>,
    needs: Needs,
    session: Session,
    shared: SharedCounters,
    reader: Reader,
    event: ReadEvent,
}

/// A record that could be read.
struct Candidate<'a> {
    /// Its place among the records.
    place: usize,
    key: EventKey,
    json: &'a str,
    /// Its instant.
    at: i64,
    /// The event of which goods come back.
    of: Option<String>,
    /// The reservation that it pays with.
    reservation: Option<String>,
    /// What a reaction says.
    told: Option<Told>,
    /// The record, where `json` is what is kept of a reservation for it, and the event's own key.
    held: Option<(&'a str, EventKey)>,
    /// Whether it is no event, and only says whose levels are to be reviewed, and up to which instant.
    is_review: bool,
}

/// What is kept of a reservation for an event.
#[derive(Serialize)]
struct HeldEvent<'a> {
    id: &'a str,
    member: &'a str,
    at: i64,
    until: i64,
    source: &'a str,
    event: &'a RawValue,
    author: &'a str,
}

/// What a record says to the ledger: which version of its event it is, and which reservation it pays with.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, default)]
    revision: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reservation: Option<&'a RawValue>,
}

/// The revision, and the reservation; what is no text is none that anybody has.
fn said(json: &str) -> (i64, Option<String>) {
    // Most records say neither, and are read once less; in one with a backslash a name may be written otherwise.
    if !["\"revision\"", "\"reservation\"", "\\"].iter().any(|part| json.contains(part)) {
        return (0, None);
    }
    let Ok(said) = serde_json::from_str::<Said<'_>>(json) else { return (0, None) };
    let revision = said.revision.and_then(|revision| serde_json::from_str(revision.get()).ok());
    let reservation = said.reservation.filter(|raw| raw.get() != "null");
    let text = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
    (revision.unwrap_or(0), reservation.map(text))
}

/// What an event is answered that was forgotten: a mistake of ours.
fn unanswered() -> Answered {
    let message = "an event was not answered".to_owned();
    Err(Refusal::Damaged { key: EventKey::default(), message })
}

/// Names each member and code once, in order.
fn once(wanted: &mut Wanted) {
    wanted.members.sort_unstable();
    wanted.members.dedup();
    wanted.codes.sort_unstable();
    wanted.codes.dedup();
    wanted.origins.sort_unstable();
    wanted.origins.dedup();
    wanted.reservations.sort_unstable();
    wanted.reservations.dedup();
}

/// How much is wanted, to want no more again.
struct Mark {
    keys: usize,
    numbers: usize,
    members: usize,
    codes: usize,
    origins: usize,
    reservations: usize,
}

impl Mark {
    fn of(wanted: &Wanted) -> Mark {
        Mark {
            keys: wanted.keys.len(),
            numbers: wanted.numbers,
            members: wanted.members.len(),
            codes: wanted.codes.len(),
            origins: wanted.origins.len(),
            reservations: wanted.reservations.len(),
        }
    }

    /// Wants what came since no more.
    fn back(&self, wanted: &mut Wanted) {
        wanted.keys.truncate(self.keys);
        wanted.numbers = self.numbers;
        wanted.members.truncate(self.members);
        wanted.codes.truncate(self.codes);
        wanted.origins.truncate(self.origins);
        wanted.reservations.truncate(self.reservations);
    }
}

/// How a batch went.
enum Tried {
    Written,
    Again(StoreError),
}

impl Work {
    /// Decides events in their order. Those that one pack decides and that follow one another are written together.
    fn decide(&mut self, records: &[&[u8]]) -> Vec<Answered> {
        let Work { books, clerks } = self;
        if let [clerk] = clerks.as_mut_slice() {
            return clerk.decide(books, records, false);
        }
        let mut answers = Vec::with_capacity(records.len());
        let mut whose: BTreeMap<String, usize> = BTreeMap::new();
        let mut start = 0;
        let mut chosen = Vec::with_capacity(records.len());
        for record in records {
            match choose(books, clerks, record, &mut whose) {
                Ok(at) => chosen.push(at),
                // Whoever decides it finds out the same.
                Err(_) => chosen.push(clerks.len().saturating_sub(1)),
            }
        }
        while let Some(at) = chosen.get(start) {
            let many = chosen.iter().skip(start).take_while(|other| *other == at).count();
            let together = records.get(start..start.saturating_add(many)).unwrap_or(&[]);
            let Some(clerk) = clerks.get_mut(*at) else { break };
            answers.extend(clerk.decide(books, together, false));
            start = start.saturating_add(many.max(1));
        }
        answers
    }

    fn hold(&mut self, record: &[u8], until: i64, author: &str) -> Answered {
        let Work { books, clerks } = self;
        let last = clerks.len().saturating_sub(1);
        let at = choose(books, clerks, record, &mut BTreeMap::new()).unwrap_or(last);
        match clerks.get_mut(at) {
            Some(clerk) => clerk.hold(books, record, until, author),
            None => Err(Refusal::Damaged { key: EventKey::default(), message: "nobody decides".to_owned() }),
        }
    }

    fn quote(&mut self, record: &[u8]) -> Answered {
        let Work { books, clerks } = self;
        let last = clerks.len().saturating_sub(1);
        let at = choose(books, clerks, record, &mut BTreeMap::new()).unwrap_or(last);
        match clerks.get_mut(at) {
            Some(clerk) => clerk.quote(books, record),
            None => Err(Refusal::Damaged { key: EventKey::default(), message: "nobody decides".to_owned() }),
        }
    }
}

/// Which pack decides an event: of goods that come back the one that decided what they come back of, else the one of its
/// instant. `whose` holds the choices of this batch so far, by id.
fn choose(
    books: &mut Books,
    clerks: &mut [Clerk],
    record: &[u8],
    whose: &mut BTreeMap<String, usize>,
) -> Result<usize, StoreError> {
    // From the newest on, since it knows its zone and its kinds best; an old kind is read by who still knows it.
    for (at, clerk) in clerks.iter_mut().enumerate().rev() {
        let Clerk { engine, reader, event, program, .. } = clerk;
        if reader.read(engine.schema(), record, event).is_err() {
            continue;
        }
        let now = crate::desk::now(event).at;
        let id = event.id().to_owned();
        let of = event.of().filter(|_| program.returns && program.is_return(event.record.kind));
        let of = of.map(str::to_owned);
        let mut of_instant = at;
        for (earlier, other) in clerks.iter().enumerate().take(at).rev() {
            if other.until.is_none_or(|until| now >= until) {
                break;
            }
            of_instant = earlier;
        }
        if let Some(of) = of {
            if let Some(at) = whose.get(&of).copied() {
                of_instant = at;
            } else {
                let values = [Datum::Text(of), Datum::Text(books.source.clone())];
                let rows = books.store.query(
                    "SELECT pack FROM event WHERE id = $1 AND source = $2 ORDER BY revision",
                    &values,
                )?;
                let pack = rows.first().and_then(|row| row.first()).map(Datum::text);
                let known = clerks.iter().position(|clerk| Some(clerk.pack.as_str()) == pack);
                of_instant = known.unwrap_or(of_instant);
            }
        }
        whose.entry(id).or_insert(of_instant);
        return Ok(of_instant);
    }
    Ok(clerks.len().saturating_sub(1))
}

impl Clerk {
    fn new(engine: &Engine, until: Option<i64>, store: &mut dyn Store) -> Result<Clerk, StoreError> {
        let accounts: BTreeMap<String, i64> = store
            .query("SELECT name, decimals FROM account", &[])?
            .iter()
            .filter_map(|row| Some((row.first()?.text().to_owned(), row.get(1)?.number())))
            .collect();
        for account in &engine.program().accounts {
            let decimals = i64::from(account.decimals);
            if let Some(kept) = accounts.get(&account.name)
                && *kept != decimals
            {
                return Err(StoreError::Unfit(format!(
                    "the ledger keeps account `{}` with {kept} decimals; the program declares {decimals}",
                    account.name
                )));
            }
        }
        // By its rules: a comment more is no other pack to what comes back of what it gave.
        let pack: String = engine.pack().rules_hash().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Clerk {
            needs: Needs::of(engine.program()),
            session: engine.session(),
            program: Arc::clone(engine.pack().program()),
            engine: engine.clone(),
            pack,
            until,
            shared: SharedCounters::new(),
            reader: Reader::new(),
            event: ReadEvent::default(),
        })
    }

    fn decide(&mut self, books: &mut Books, records: &[&[u8]], is_review: bool) -> Vec<Answered> {
        let mut answers: Vec<Option<Answered>> = records.iter().map(|_| None).collect();
        let since = Instant::now();
        let mut wanted = Wanted::default();
        let mut candidates = Vec::new();
        for (place, record) in records.iter().enumerate() {
            match self.candidate(books, (place, is_review), record, &mut wanted) {
                Ok(candidate) => candidates.push(candidate),
                Err(refusal) => {
                    if let Some(answer) = answers.get_mut(place) {
                        *answer = Some(Err(refusal));
                    }
                }
            }
        }
        once(&mut wanted);
        books.spent.groups += 1;
        books.spent.events += records.len() as u64;
        books.spent.stages.add("read records", since);
        self.candidates(books, &candidates, &mut wanted, &mut answers);
        answers.into_iter().map(|answer| answer.unwrap_or_else(unanswered)).collect()
    }

    /// Takes over what was just written.
    fn written(&mut self, books: &mut Books, writes: &Writes) {
        Arc::make_mut(&mut books.learned).take(writes.tallies.iter().map(|(row, _)| row));
        self.advance(writes);
    }

    fn hold(&mut self, books: &mut Books, record: &[u8], until: i64, author: &str) -> Answered {
        let mut wanted = Wanted::default();
        let candidate = self.candidate(books, (0, false), record, &mut wanted)?;
        let event = candidate.key.clone();
        let refuse = |message: &str| {
            Err(Refusal::Reservation { key: event.clone(), message: format!("event {event} {message}") })
        };
        let Some(member) = self.event.member().map(str::to_owned) else {
            return refuse("has no member for whom anything could be held");
        };
        if candidate.of.is_some() {
            return refuse("brings goods back, and holds nothing");
        }
        if candidate.reservation.is_some() {
            return refuse("pays with a reservation, and holds nothing of its own");
        }
        if until <= candidate.at {
            return refuse("happens when the time of its reservation is over");
        }
        let id = crate::deeds::id_of(&event.id, &member);
        let key = EventKey { source: crate::deeds::RESERVE.to_owned(), id, revision: 0 };
        wanted.keys.push(key.clone());
        once(&mut wanted);
        let raw: &RawValue = match serde_json::from_str(candidate.json) {
            Ok(raw) => raw,
            Err(error) => return Err(Refusal::Damaged { key, message: error.to_string() }),
        };
        let kept = HeldEvent {
            id: &event.id,
            member: &member,
            at: candidate.at,
            until,
            source: &event.source,
            event: raw,
            author,
        };
        let json = serde_json::to_string(&kept)
            .map_err(|error| Refusal::Damaged { key: key.clone(), message: error.to_string() })?;
        let held = Some((candidate.json, event));
        let candidate = Candidate { key, json: &json, held, ..candidate };
        let mut answers = [None];
        self.candidates(books, &[candidate], &mut wanted, &mut answers);
        let [answer] = answers;
        answer.unwrap_or_else(unanswered)
    }

    fn quote(&mut self, books: &mut Books, record: &[u8]) -> Answered {
        let mut wanted = Wanted::default();
        let candidate = self.candidate(books, (0, false), record, &mut wanted)?;
        let key = candidate.key.clone();
        once(&mut wanted);
        let mut answers = [None];
        let tried = self.look(books, &[candidate], &mut wanted, &mut answers).map(drop);
        books.store.abandon();
        match (tried, answers) {
            (Ok(()), [Some(answer)]) => answer,
            (Ok(()), [None]) => {
                Err(Refusal::Damaged { key, message: "an event was not answered".to_owned() })
            }
            (Err(error), _) => Err(Refusal::Unavailable { key, message: error.to_string() }),
        }
    }

    /// Loads what events need to see, and decides them.
    fn look(
        &mut self,
        books: &mut Books,
        candidates: &[Candidate<'_>],
        wanted: &mut Wanted,
        answers: &mut [Option<Answered>],
    ) -> Result<(Writes, Vec<usize>), StoreError> {
        let since = Instant::now();
        if !wanted.origins.is_empty() {
            // Whose they were and when never changes.
            for found in books.store.origins(&wanted.origins)? {
                self.needs.add_origin(wanted, &found)?;
            }
            once(wanted);
        }
        for (offer, known) in &mut wanted.learned {
            *known = books.learned.seq(offer);
        }
        let found = books.store.load(wanted)?;
        let since = books.spent.stages.add("load", since);
        if !found.tallies.is_empty() && !Arc::make_mut(&mut books.learned).take(&found.tallies) {
            books.learned = Arc::default();
            return Err(StoreError::Conflict("what was learned is no longer there".to_owned()));
        }
        for origin in &found.origins {
            let mut all = Wanted { past_from: wanted.past_from, ..Wanted::default() };
            self.needs.add_origin(&mut all, origin)?;
            let is_there = |member: &String| wanted.members.binary_search(member).is_ok();
            let is_known = |code: &String| wanted.codes.binary_search(code).is_ok();
            let all_there = all.members.iter().all(is_there) && all.codes.iter().all(is_known);
            if all.past_from != wanted.past_from || !all_there {
                return Err(StoreError::Conflict(format!("{} was kept meanwhile", origin.id)));
            }
        }
        let versions: BTreeMap<&str, i64> =
            found.versions.iter().map(|(name, version)| (name.as_str(), *version)).collect();
        self.shared
            .retain(|name, shared| versions.get(name.as_str()).copied().unwrap_or(0) == shared.version);
        let done = self.evaluate(books, candidates, (&found, wanted.earliest.unwrap_or(i64::MIN)), answers);
        books.spent.stages.add("decide", since);
        done
    }

    fn candidate<'a>(
        &mut self,
        books: &Books,
        (place, is_review): (usize, bool),
        record: &'a [u8],
        wanted: &mut Wanted,
    ) -> Result<Candidate<'a>, Refusal> {
        let schema = self.engine.schema();
        self.reader.read(schema, record, &mut self.event).map_err(Refusal::Record)?;
        // The reader takes no other bytes.
        let json = std::str::from_utf8(record).unwrap_or("").trim();
        let (revision, reservation) = said(json);
        let source = if is_review { crate::jobs::REVIEW } else { &books.source };
        let key = EventKey { source: source.to_owned(), id: self.event.id().to_owned(), revision };
        let before = Mark::of(wanted);
        self.needs.add(wanted, &key, (&self.program, schema, &self.reader), &self.event);
        let members = wanted.members.get(before.members..).unwrap_or(&[]);
        let codes = wanted.codes.get(before.codes..).unwrap_or(&[]);
        let origins = wanted.origins.get(before.origins..).unwrap_or(&[]).iter().map(|origin| &origin.id);
        let of = origins.clone().next().cloned();
        let kind = self.program.events.get(self.event.record.kind.index());
        let told = kind.filter(|kind| kind.name == offers::REACTION && !is_review).map(|_| told(json));
        let said = told.iter().flat_map(|told| [&told.offer, &told.answer].into_iter().chain(&told.session));
        let names = [&key.id].into_iter().chain(members).chain(codes).chain(origins).chain(&reservation);
        let names = names.chain(said);
        let unstorable = names.into_iter().any(|name| name.contains('\0'));
        if unstorable {
            before.back(wanted);
            let message = "a name with the character U+0000 cannot be kept".to_owned();
            return Err(Refusal::Unstorable { key, message });
        }
        if let (Some(reservation), Some(member)) = (&reservation, self.event.member()) {
            wanted.reservations.push(crate::deeds::id_of(reservation, member));
            wanted.numbers += 1;
        }
        let at = crate::desk::now(&self.event).at;
        Ok(Candidate { place, key, json, at, of, reservation, told, held: None, is_review })
    }

    /// Decides and writes; answers each.
    fn candidates(
        &mut self,
        books: &mut Books,
        candidates: &[Candidate<'_>],
        wanted: &mut Wanted,
        answers: &mut [Option<Answered>],
    ) {
        if candidates.is_empty() {
            return;
        }
        let started = Instant::now();
        let mut pause = Duration::from_millis(20);
        let mut attempts = 0;
        loop {
            let error = match self.try_once(books, candidates, wanted, answers) {
                Ok(Tried::Written) => return,
                Ok(Tried::Again(error)) | Err(error) => error,
            };
            match &error {
                StoreError::Conflict(_) => {
                    attempts += 1;
                    // From now on nobody can be faster for these members and counters.
                    wanted.lock = true;
                    wanted.counters = self.shared.keys().cloned().collect();
                    self.shared.clear();
                    if attempts < ATTEMPTS {
                        continue;
                    }
                }
                StoreError::Unavailable(_) => {
                    self.shared.clear();
                    if books.store.reconnects() && started.elapsed() < PATIENCE {
                        std::thread::sleep(pause);
                        pause = (pause * 2).min(Duration::from_secs(1));
                        continue;
                    }
                }
                StoreError::Unfit(_) | StoreError::Damaged(_) => self.shared.clear(),
            }
            return self.give_up(books, candidates, &error, answers);
        }
    }

    /// A batch that cannot be written: each event for itself, so that none is refused for another's sake.
    fn give_up(
        &mut self,
        books: &mut Books,
        candidates: &[Candidate<'_>],
        error: &StoreError,
        answers: &mut [Option<Answered>],
    ) {
        let alone = match error {
            // What was decided before is answered where nothing can be written, too.
            StoreError::Conflict(_) | StoreError::Damaged(_) | StoreError::Unfit(_) => candidates.len() > 1,
            StoreError::Unavailable(_) => false,
        };
        for candidate in candidates {
            if alone {
                let mut wanted = Wanted::default();
                let place = (candidate.place, candidate.is_review);
                let again = self.candidate(books, place, candidate.json.as_bytes(), &mut wanted);
                once(&mut wanted);
                if let Ok(again) = again {
                    self.candidates(books, &[again], &mut wanted, answers);
                }
                continue;
            }
            let key = candidate.key.clone();
            let refusal = match error {
                StoreError::Conflict(_) => Refusal::Contended { key },
                StoreError::Unavailable(_) | StoreError::Unfit(_) => {
                    Refusal::Unavailable { key, message: error.to_string() }
                }
                StoreError::Damaged(_) => Refusal::Damaged { key, message: error.to_string() },
            };
            if let Some(answer) = answers.get_mut(candidate.place) {
                *answer = Some(Err(refusal));
            }
        }
    }

    fn try_once(
        &mut self,
        books: &mut Books,
        candidates: &[Candidate<'_>],
        wanted: &mut Wanted,
        answers: &mut [Option<Answered>],
    ) -> Result<Tried, StoreError> {
        let result = self.look(books, candidates, wanted, answers);
        let since = Instant::now();
        let (writes, fresh) = match result {
            Ok(done) => done,
            Err(error) => {
                books.store.abandon();
                return Err(error);
            }
        };
        if fresh.is_empty() {
            books.store.abandon();
            return Ok(Tried::Written);
        }
        if let Err(error) = books.store.commit(&writes) {
            for place in fresh {
                if let Some(answer) = answers.get_mut(place) {
                    *answer = None;
                }
            }
            return Ok(Tried::Again(error));
        }
        books.spent.stages.add("write", since);
        self.written(books, &writes);
        Ok(Tried::Written)
    }

    /// Decides the events of a batch. Gives what is to be written, and the places of those that were decided now.
    fn evaluate(
        &mut self,
        books: &mut Books,
        candidates: &[Candidate<'_>],
        (found, earliest): (&Loaded, i64),
        answers: &mut [Option<Answered>],
    ) -> Result<(Writes, Vec<usize>), StoreError> {
        let mut then = SumsThen::new();
        loop {
            let program = (&self.program, self.pack.as_str());
            let (mut desk, lacking) =
                Desk::new(program, found, (&self.shared, &then, &books.learned), earliest)?;
            self.read_again(books, &mut desk, &lacking)?;
            let mut fresh = Vec::new();
            // By source and id: revision, content and answer.
            let mut decided: BTreeMap<(&str, &str), (i64, &str, String)> = found
                .stored
                .iter()
                .map(|stored| {
                    let key = (stored.key.source.as_str(), stored.key.id.as_str());
                    (key, (stored.key.revision, stored.json.as_str(), stored.decision.clone()))
                })
                .collect();
            let mut numbers = found.numbers.iter();
            for candidate in candidates {
                let key = &candidate.key;
                let place = (key.source.as_str(), key.id.as_str());
                let done = candidate
                    .held
                    .as_ref()
                    .and_then(|(_, event)| decided.get(&(event.source.as_str(), event.id.as_str())));
                if let Some((_, _, decision)) = done {
                    // It was decided, so nothing is to be held for it.
                    if let Some(place) = answers.get_mut(candidate.place) {
                        *place = Some(Ok(Answer { decision: decision.clone(), repeated: true }));
                    }
                    continue;
                }
                let foreign = candidate.of.as_deref().and_then(|of| Some((of, desk.foreign(of)?)));
                let answer = match (decided.get(&place), foreign) {
                    (Some(before), _) => Self::repeated(candidate, before),
                    (None, Some((of, pack))) => {
                        let (of, pack) = (of.to_owned(), pack.to_owned());
                        Err(Refusal::OtherPack { key: key.clone(), of, pack })
                    }
                    (None, None)
                        if !candidate.is_review && books.oldest.is_some_and(|at| candidate.at < at) =>
                    {
                        let oldest = books.oldest.unwrap_or_default();
                        Err(Refusal::TooOld { key: key.clone(), oldest })
                    }
                    (None, None) => match self.one(&mut desk, candidate, &mut numbers)? {
                        Ok(Booked { decision, is_kept: false }) => Ok(Answer { decision, repeated: false }),
                        Ok(Booked { decision, is_kept: true }) => {
                            fresh.push(candidate.place);
                            decided.insert(place, (key.revision, candidate.json, decision.clone()));
                            Ok(Answer { decision, repeated: false })
                        }
                        Err(refusal) => Err(refusal),
                    },
                };
                if let Some(place) = answers.get_mut(candidate.place) {
                    *place = Some(answer);
                }
            }
            let missing = desk.missing();
            if missing.counters.is_empty() && missing.then.is_empty() {
                return Ok((desk.writes(), fresh));
            }
            self.fetch(books, &missing.counters)?;
            self.fetch_then(books, &missing, &mut then)?;
        }
    }

    /// Reads what was claimed of counters of all together before events of which goods come back.
    fn fetch_then(
        &mut self,
        books: &mut Books,
        missing: &Missing,
        then: &mut SumsThen,
    ) -> Result<(), StoreError> {
        for ((id, order), now) in &missing.then {
            let Some(counter) = self.program.counters.get(id.index()) else { continue };
            let stretch = limited(counter.window, *now, self.program.week_starts);
            let clock = if is_universal(counter.window) { "at" } else { "local" };
            let sql = format!(
                "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM claim \
                 WHERE who = '' AND counter = $1 AND event < $2 AND {clock} > $3 AND {clock} <= $4"
            );
            let values = [
                Datum::Text(counter.name.clone()),
                Datum::Number(crate::desk::number_at(*order).0),
                Datum::Number(stretch.after),
                Datum::Number(stretch.last),
            ];
            let rows = books.store.query(&sql, &values)?;
            let sum = rows.first().and_then(|row| row.first()).map_or(0, Datum::number);
            then.insert((*id, *order), sum);
        }
        Ok(())
    }

    fn repeated(candidate: &Candidate<'_>, (revision, json, decision): &(i64, &str, String)) -> Answered {
        let key = candidate.key.clone();
        if key.revision != *revision {
            return Err(Refusal::OtherRevision { key, decided: *revision });
        }
        match same::difference(json, candidate.json) {
            None => Ok(Answer { decision: decision.clone(), repeated: true }),
            Some(field) => Err(Refusal::OtherContent { key, field }),
        }
    }

    fn one(
        &mut self,
        desk: &mut Desk,
        candidate: &Candidate<'_>,
        numbers: &mut std::slice::Iter<'_, i64>,
    ) -> Result<Result<Booked, Refusal>, StoreError> {
        let Clerk { engine, session, reader, event, pack, .. } = self;
        let record = candidate.held.as_ref().map_or(candidate.json, |(record, _)| record);
        reader
            .read(engine.schema(), record.as_bytes(), event)
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut next = || {
            let too_few = || StoreError::Damaged("there are too few numbers".to_owned());
            numbers.next().copied().ok_or_else(too_few)
        };
        let mut reservation = None;
        if let Some(id) = &candidate.reservation {
            if let Some(message) = desk.cannot_use(id, event) {
                return Ok(Err(Refusal::Reservation { key: candidate.key.clone(), message }));
            }
            // It ends before the event is decided.
            reservation = Some((id.as_str(), next()?));
        }
        let number = next()?;
        let is_review = candidate.is_review;
        let incoming = Incoming {
            key: &candidate.key,
            json: candidate.json,
            number,
            pack,
            reservation,
            is_review,
            told: candidate.told.as_ref(),
        };
        if candidate.held.is_none() {
            return desk.decide(session, reader, event, incoming).map(Ok);
        }
        let held = desk.hold(session, reader, event, incoming)?;
        held.map(Ok).ok_or_else(|| StoreError::Damaged("nobody's reservation".to_owned()))
    }

    /// Events that were kept for a program that looked back at less are read again.
    fn read_again(
        &mut self,
        books: &mut Books,
        desk: &mut Desk,
        lacking: &[(i64, String)],
    ) -> Result<(), StoreError> {
        let decimals = self.program.currency.decimals;
        for (number, past) in lacking {
            let rows = books
                .store
                .query("SELECT json, decision FROM event WHERE number = $1", &[Datum::Number(*number)])?;
            let Some([json, decision]) = rows.first().map(Vec::as_slice) else { continue };
            let decision: Option<perq_runtime::decision::Decision> =
                serde_json::from_str(decision.text()).ok();
            let read = self.reader.read(self.engine.schema(), json.text().as_bytes(), &mut self.event);
            // What this program cannot read it cannot look back at either; deeds of the ledger's own are no events.
            let (Some(decision), Ok(())) = (decision, read.map(|_| ())) else { continue };
            let amount = |text: &str| decimal::parse(text, decimals).unwrap_or(0);
            let lines: Vec<i64> = decision.lines.iter().map(|line| amount(&line.paid)).collect();
            let paid = amount(&decision.totals.paid);
            let read = (self.engine.schema(), &self.reader);
            desk.restore(read, (*number, past), &self.event, paid, &lines);
        }
        Ok(())
    }

    /// Reads counters of all together.
    fn fetch(&mut self, books: &mut Books, missing: &[(CounterId, i64)]) -> Result<(), StoreError> {
        let program = Arc::clone(&self.program);
        let counters: BTreeMap<&str, (&perq_compiler::ir::Counter, i64)> = missing
            .iter()
            .filter_map(|(id, from)| {
                let counter = program.counters.get(id.index())?;
                Some((counter.name.as_str(), (counter, *from)))
            })
            .collect();
        let names: Vec<String> = counters.keys().map(|name| (*name).to_owned()).collect();
        for row in books.store.counters(&names)? {
            let Some((counter, from)) = counters.get(row.name.as_str()) else { continue };
            let claims = if is_by_day(counter.window) {
                let at = |day: i64| day.saturating_mul(DAY);
                row.days.iter().map(|(day, amount)| (at(*day), at(*day), *amount)).collect()
            } else {
                let claims = books.store.shared_claims(&row.name, *from)?;
                claims.iter().map(|claim| (claim.at, claim.local, claim.amount)).collect()
            };
            self.shared.insert(row.name, Shared { version: row.version, claims, from: *from });
        }
        Ok(())
    }

    /// Brings the counters that are known up to what was just written.
    fn advance(&mut self, writes: &Writes) {
        for (name, found, more) in &writes.counters {
            if let Some(shared) = self.shared.get_mut(name) {
                shared.version = found.saturating_add(*more);
            }
        }
        let by_day: BTreeSet<&str> = self
            .program
            .counters
            .iter()
            .filter(|counter| is_by_day(counter.window))
            .map(|counter| counter.name.as_str())
            .collect();
        for claim in writes.claims.iter().filter(|claim| claim.who.is_empty()) {
            let Some(shared) = self.shared.get_mut(&claim.counter) else { continue };
            if by_day.contains(claim.counter.as_str()) {
                let day = claim.local.div_euclid(DAY).saturating_mul(DAY);
                match shared.claims.iter_mut().find(|(_, local, _)| *local == day) {
                    Some((_, _, amount)) => *amount = amount.saturating_add(claim.amount),
                    None => shared.claims.push((day, day, claim.amount)),
                }
            } else {
                shared.claims.push((claim.at, claim.local, claim.amount));
            }
        }
    }
}
