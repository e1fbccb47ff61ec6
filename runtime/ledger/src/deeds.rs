//! What the ledger does without an event of the programme: points that end, corrections by hand, accruals and write-offs
//! over many members. Each deed is kept as an event of its own, with who did it and why, so that it is done once however
//! often it is asked for, and can be begun again where it was interrupted.
//!
//! Time is given, never the clock's. Refuses to know rules.

use crate::batch::{Batch, Lived, Of};
use crate::same;
use crate::store::{
    Book, Datum, EventKey, EventRow, HeldClaim, Loaded, LotKey, Store, StoreError, UseRow, Wanted,
    held_claims, held_codes,
};
use perq_runtime::state::lots::{By, Lot, Lots};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The kind of the event with which points end.
pub const EXPIRE: &str = "perq:expire";
/// The kind of the event of a correction, an accrual or a write-off.
pub const ADJUST: &str = "perq:adjust";

/// The kind of the event with which points are held for a payment.
pub const RESERVE: &str = "perq:reserve";
/// The kinds of the events with which a reservation ends: it is paid, given up, or its time is over.
pub const COMMIT: &str = "perq:commit";
/// See [`COMMIT`].
pub const CANCEL: &str = "perq:cancel";
/// See [`COMMIT`].
pub const LAPSE: &str = "perq:lapse";
/// The kind of the event with which a reservation ends because an event of the programme pays with it.
pub const USE: &str = "perq:use";
/// The source of the four: so that each reservation ends once.
pub const RELEASE: &str = "perq:release";

/// How deeds to a member are known: the same one is done once to each.
pub fn id_of(id: &str, member: &str) -> String {
    format!("{id} {member}")
}

/// Deeds that are written together.
const TOGETHER: usize = 200;

/// How often a deed is done again because somebody else was faster.
const ATTEMPTS: u32 = 12;

/// What is to be done to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// What has ended goes to breakage.
    Expire,
    /// A new lot.
    Add {
        /// In which account.
        account: String,
        /// How much; above zero.
        amount: i64,
        /// From when it is gone.
        until: Option<i64>,
        /// Whether the member may be one of whom nothing is known.
        may_be_new: bool,
    },
    /// Less, in the order of spending. All of it or nothing.
    Remove {
        /// From which account.
        account: String,
        /// How much; above zero.
        amount: i64,
    },
    /// Holds points for a payment. All of it or nothing. The deed's id is the reservation's.
    Reserve {
        /// In which account.
        account: String,
        /// How much; above zero.
        amount: i64,
        /// From when it is void.
        until: i64,
    },
    /// The reservation is paid: what it holds is redeemed. Not after its time.
    Commit,
    /// The reservation is given up: what it holds goes back to its lots.
    Cancel,
    /// The reservation's time is over: the same.
    Lapse,
}

/// A deed to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What it is known by: the same one is done once.
    pub id: String,
    /// Whose.
    pub member: String,
    /// The instant at which it counts.
    pub at: i64,
    /// What.
    pub act: Act,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub author: String,
}

/// What came of a deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done: points by account, below zero where they are fewer now.
    Done(BTreeMap<String, i64>),
    /// It was done before.
    Before,
    /// It is not done, and nothing is kept of it.
    Refused(String),
}

impl Deed {
    fn kind(&self) -> &'static str {
        match self.act {
            Act::Expire => EXPIRE,
            Act::Add { .. } | Act::Remove { .. } => ADJUST,
            Act::Reserve { .. } => RESERVE,
            Act::Commit => COMMIT,
            Act::Cancel => CANCEL,
            Act::Lapse => LAPSE,
        }
    }

    /// What the entries say that moved them.
    fn rule(&self) -> &'static str {
        match self.act {
            Act::Expire => "expiry",
            Act::Add { .. } | Act::Remove { .. } => "adjustment",
            Act::Reserve { .. } | Act::Commit | Act::Cancel | Act::Lapse => "reservation",
        }
    }

    fn key(&self) -> EventKey {
        let source = match self.act {
            Act::Commit | Act::Cancel | Act::Lapse => RELEASE,
            Act::Expire | Act::Add { .. } | Act::Remove { .. } | Act::Reserve { .. } => self.kind(),
        };
        EventKey { source: source.to_owned(), id: id_of(&self.id, &self.member), revision: 0 }
    }

    fn json(&self) -> String {
        let mut fields = json!({ "id": self.id, "member": self.member, "at": self.at });
        if let Value::Object(fields) = &mut fields {
            let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
            match &self.act {
                Act::Expire => {}
                Act::Commit | Act::Cancel | Act::Lapse => {
                    put("end", json!(self.kind()));
                }
                Act::Reserve { account, amount, until } => {
                    put("account", json!(account));
                    put("amount", json!(amount));
                    put("until", json!(until));
                }
                Act::Add { account, amount, until, may_be_new: _ } => {
                    put("account", json!(account));
                    put("amount", json!(amount));
                    put("until", json!(until));
                }
                Act::Remove { account, amount } => {
                    put("account", json!(account));
                    put("amount", json!(amount.saturating_neg()));
                }
            }
            put("reason", json!(self.reason));
            put("author", json!(self.author));
        }
        fields.to_string()
    }
}

/// Does deeds, and says for each what came of it.
///
/// # Errors
/// Where the ledger cannot be read or written; what was done before stays done.
pub fn carry_out(store: &mut dyn Store, deeds: &[Deed]) -> Result<Vec<Done>, StoreError> {
    let mut all = Vec::new();
    for deeds in deeds.chunks(TOGETHER) {
        all.extend(together(store, deeds)?);
    }
    Ok(all)
}

fn together(store: &mut dyn Store, deeds: &[Deed]) -> Result<Vec<Done>, StoreError> {
    let mut wanted = Wanted {
        keys: deeds.iter().map(Deed::key).collect(),
        members: deeds.iter().map(|deed| deed.member.clone()).collect(),
        numbers: deeds.len(),
        ..Wanted::default()
    };
    let held = held(store, deeds)?;
    let others = held.values().flat_map(|reservation| &reservation.claims).map(|claim| claim.who.clone());
    wanted.members.extend(others.filter(|who| !who.is_empty()));
    wanted.members.sort_unstable();
    wanted.members.dedup();
    for _ in 0..ATTEMPTS {
        let found = store.load(&wanted)?;
        let mut desk = Desk::new(&found, &held);
        let done: Vec<Done> = deeds.iter().map(|deed| desk.one(deed, &found)).collect();
        if !done.iter().any(|done| matches!(done, Done::Done(_))) {
            store.abandon();
            return Ok(done);
        }
        match store.commit(&desk.batch.writes()) {
            Ok(()) => return Ok(done),
            Err(StoreError::Conflict(_)) => wanted.lock = true,
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict(format!("others were faster {ATTEMPTS} times")))
}

/// What a reservation holds.
#[derive(Clone, Debug, Default)]
struct Reservation {
    /// By account.
    parts: BTreeMap<String, Vec<(LotKey, i64)>>,
    claims: Vec<HeldClaim>,
    /// As codes are compared.
    codes: Vec<String>,
    until: i64,
}

/// The reservations that deeds end, by the id of their event. What is written of them never changes.
fn held(store: &mut dyn Store, deeds: &[Deed]) -> Result<BTreeMap<String, Reservation>, StoreError> {
    let mut all = BTreeMap::new();
    for deed in deeds.iter().filter(|deed| matches!(deed.act, Act::Commit | Act::Cancel | Act::Lapse)) {
        let id = deed.key().id;
        let rows = store.query(
            "SELECT n.account, n.lot_event, n.lot_part, n.amount, v.json, v.snapshot FROM event v \
             LEFT JOIN entry n ON n.event = v.number AND n.book = 'reserved' \
             WHERE v.id = $1 AND v.source = 'perq:reserve' ORDER BY n.part",
            &[Datum::Text(id.clone())],
        )?;
        let mut reservation = Reservation::default();
        for row in &rows {
            let [account, event, part, amount, json, snapshot] = row.as_slice() else { continue };
            if let Some(account) = account.maybe_text() {
                let key = LotKey { event: event.number(), part: part.number() };
                reservation.parts.entry(account.to_owned()).or_default().push((key, amount.number()));
            }
            reservation.claims = held_claims(snapshot.text());
            reservation.codes = held_codes(snapshot.text());
            let json: Option<Value> = serde_json::from_str(json.text()).ok();
            reservation.until = json.and_then(|json| json.get("until")?.as_i64()).unwrap_or(0);
        }
        if !rows.is_empty() {
            all.insert(id, reservation);
        }
    }
    Ok(all)
}

/// Gives back what reservations hold whose time is over at an instant, and says how many there were.
///
/// # Errors
/// Where the ledger cannot be read or written.
pub fn lapse(store: &mut dyn Store, at: i64, author: &str) -> Result<usize, StoreError> {
    let rows = store.query(
        "SELECT v.member, v.json FROM event v WHERE substr(v.kind, 1, 5) = 'perq:' AND v.kind = 'perq:reserve' \
         AND NOT EXISTS (SELECT 1 FROM event r WHERE r.id = v.id AND r.source = 'perq:release') ORDER BY v.number",
        &[],
    )?;
    let over = |row: &Vec<Datum>| {
        let json: Value = serde_json::from_str(row.get(1)?.text()).ok()?;
        let is_over = json.get("until")?.as_i64()? <= at;
        let id = json.get("id")?.as_str()?.to_owned();
        is_over.then(|| Deed {
            id,
            member: row.first().map(|member| member.text().to_owned()).unwrap_or_default(),
            at,
            act: Act::Lapse,
            reason: "its time is over".to_owned(),
            author: author.to_owned(),
        })
    };
    let deeds: Vec<Deed> = rows.iter().filter_map(over).collect();
    let done = carry_out(store, &deeds)?;
    Ok(done.iter().filter(|done| matches!(done, Done::Done(_))).count())
}

/// Books what has ended for every member, up to an instant. Members without anything that ended are left alone. Gives how
/// many members it touched, and the points by account. Interrupted, it goes on where it stopped.
///
/// # Errors
/// Where the ledger cannot be read or written.
pub fn expire(
    store: &mut dyn Store,
    id: &str,
    at: i64,
    author: &str,
) -> Result<(usize, BTreeMap<String, i64>), StoreError> {
    let (mut members, mut sums) = (0, BTreeMap::<String, i64>::new());
    let mut last = String::new();
    loop {
        let names = store.query(
            "SELECT DISTINCT member FROM lot WHERE until <= $1 AND remaining > 0 AND member > $2 \
             ORDER BY member LIMIT 200",
            &[Datum::Number(at), Datum::Text(last)],
        )?;
        let names: Vec<String> =
            names.iter().filter_map(|row| row.first()).map(|name| name.text().to_owned()).collect();
        let Some(next) = names.last() else { return Ok((members, sums)) };
        last = next.clone();
        let deeds: Vec<Deed> = names
            .into_iter()
            .map(|member| Deed {
                id: id.to_owned(),
                member,
                at,
                act: Act::Expire,
                reason: "it ended".to_owned(),
                author: author.to_owned(),
            })
            .collect();
        for done in carry_out(store, &deeds)? {
            if let Done::Done(amounts) = done {
                members += 1;
                for (account, amount) in amounts {
                    let sum = sums.entry(account).or_default();
                    *sum = sum.saturating_sub(amount);
                }
            }
        }
    }
}

/// Lots of one member's account, in the memory's form, with their keys.
type Held = (Lots, Vec<LotKey>);

/// The same as found: lots, their keys, and what is owed.
type Found = (Vec<Lot>, Vec<LotKey>, i64);

/// Deeds of one transaction.
struct Desk<'d> {
    held: &'d BTreeMap<String, Reservation>,
    batch: Batch,
    lots: BTreeMap<(String, String), Held>,
    /// Of counters of all together.
    versions: BTreeMap<&'d str, i64>,
    numbers: std::vec::IntoIter<i64>,
    done: BTreeMap<EventKey, String>,
}

impl<'d> Desk<'d> {
    fn new(found: &'d Loaded, held: &'d BTreeMap<String, Reservation>) -> Desk<'d> {
        let mut batch = Batch::default();
        for row in &found.members {
            batch.meet(row.clone());
        }
        let mut rows: BTreeMap<(String, String), Found> = BTreeMap::new();
        for row in &found.lots {
            let of = rows.entry((row.member.clone(), row.account.clone())).or_default();
            of.0.push(Lot {
                issued: row.issued,
                by: By::default(),
                from: row.start,
                until: row.until,
                amount: row.worth,
                left: row.remaining,
                // Which one does not matter: no deed can say whether it holds.
                condition: row.spendable.as_ref().map(|_| 0),
            });
            of.1.push(row.key);
        }
        for row in &found.owed {
            rows.entry((row.member.clone(), row.account.clone())).or_default().2 = row.owed;
        }
        let lots = rows.into_iter().map(|(key, (lots, keys, owed))| (key, (Lots::of(lots, owed), keys)));
        let done = found.stored.iter().map(|stored| (stored.key.clone(), stored.json.clone()));
        Desk {
            held,
            batch,
            lots: lots.collect(),
            versions: found.versions.iter().map(|(name, version)| (name.as_str(), *version)).collect(),
            numbers: found.numbers.clone().into_iter(),
            done: done.collect(),
        }
    }

    fn one(&mut self, deed: &Deed, found: &Loaded) -> Done {
        let (key, json) = (deed.key(), deed.json());
        if let Some(before) = self.done.get(&key) {
            return match same::difference(before, &json) {
                None => Done::Before,
                Some(field) => Done::Refused(format!(
                    "`{}` was done to {} before, and `{field}` was another",
                    deed.id, deed.member
                )),
            };
        }
        if !found.members.iter().any(|member| member.name == deed.member)
            && !matches!(deed.act, Act::Add { may_be_new: true, .. })
        {
            return Done::Refused(format!("nothing is known of member {}", deed.member));
        }
        if let Act::Remove { account, amount } | Act::Reserve { account, amount, .. } = &deed.act {
            let held = self.lots.get(&(deed.member.clone(), account.clone()));
            let free = |lots: &Lots| {
                let free = lots.purse(deed.at).into_iter().filter(|(condition, _)| condition.is_none());
                free.fold(0i64, |sum, (_, part)| sum.saturating_add(part))
            };
            let balance = held.map_or(0, |(lots, _)| match deed.act {
                // What is held is for a payment, and what may be spent on some only is not for any.
                Act::Reserve { .. } => lots.balance(deed.at).min(free(lots)),
                Act::Expire
                | Act::Add { .. }
                | Act::Remove { .. }
                | Act::Commit
                | Act::Cancel
                | Act::Lapse => lots.balance(deed.at),
            });
            if balance < *amount {
                return Done::Refused(format!(
                    "{} has {} too few in {account}",
                    deed.member,
                    amount.saturating_sub(balance)
                ));
            }
        }
        let ends = matches!(deed.act, Act::Commit | Act::Cancel | Act::Lapse);
        let reservation = self.held.get(&key.id);
        if ends && reservation.is_none() {
            return Done::Refused(format!("{} has no reservation `{}`", deed.member, deed.id));
        }
        if deed.act == Act::Commit && reservation.is_some_and(|reservation| reservation.until <= deed.at) {
            return Done::Refused(format!("the time of reservation `{}` is over", deed.id));
        }
        let Some(number) = self.numbers.next() else {
            return Done::Refused("there are too few numbers".to_owned());
        };
        let mut moved: BTreeMap<String, i64> = BTreeMap::new();
        let mut touched = vec![deed.member.clone()];
        let mut posting = self.batch.post(number);
        match &deed.act {
            Act::Expire => {
                let mine = self.lots.iter_mut().filter(|((member, _), _)| *member == deed.member);
                for ((member, account), (lots, keys)) in mine {
                    let mut ended = Vec::new();
                    let mut rest = Vec::new();
                    for (lot, key) in lots.lots().iter().zip(keys.iter()) {
                        let is_over = lot.until.is_some_and(|until| until <= deed.at);
                        if is_over && lot.left > 0 {
                            ended.push((*key, lot.left));
                        }
                        rest.push(Lot { left: if is_over { 0 } else { lot.left }, ..*lot });
                    }
                    let sum = ended.iter().fold(0i64, |sum, (_, amount)| sum.saturating_add(*amount));
                    if sum > 0 {
                        let of = Of { member, account, rule: deed.rule() };
                        posting.take(of, Book::Breakage, &ended, 0);
                        moved.insert(account.clone(), sum.saturating_neg());
                        *lots = Lots::of(rest, lots.owed());
                    }
                }
                if moved.is_empty() {
                    return Done::Refused("nothing has ended".to_owned());
                }
            }
            Act::Add { account, amount, until, may_be_new: _ } => {
                let (lots, keys) = self.lots.entry((deed.member.clone(), account.clone())).or_default();
                let portion =
                    perq_runtime::state::life::Portion { amount: *amount, from: deed.at, until: *until };
                let paid = lots.issue(deed.at, By::default(), portion, None);
                let of = Of { member: &deed.member, account, rule: deed.rule() };
                let life = Lived { issued: deed.at, start: deed.at, until: *until, ..Lived::default() };
                keys.push(posting.issue(of, Book::Adjusted, *amount, paid, life));
                moved.insert(account.clone(), *amount);
            }
            Act::Remove { account, amount } => {
                let (lots, keys) = self.lots.entry((deed.member.clone(), account.clone())).or_default();
                let spent = lots.spend(deed.at, 0, *amount);
                let taken: Vec<(LotKey, i64)> =
                    spent.taken.iter().filter_map(|(at, part)| Some((*keys.get(*at)?, *part))).collect();
                let of = Of { member: &deed.member, account, rule: deed.rule() };
                posting.take(of, Book::Adjusted, &taken, spent.owed);
                moved.insert(account.clone(), amount.saturating_neg());
            }
            Act::Reserve { account, amount, .. } => {
                let (lots, keys) = self.lots.entry((deed.member.clone(), account.clone())).or_default();
                let spent = lots.spend_of(deed.at, 0, *amount, None);
                let taken: Vec<(LotKey, i64)> =
                    spent.taken.iter().filter_map(|(at, part)| Some((*keys.get(*at)?, *part))).collect();
                posting.reserve(Of { member: &deed.member, account, rule: deed.rule() }, &taken);
                moved.insert(account.clone(), amount.saturating_neg());
            }
            Act::Commit | Act::Cancel | Act::Lapse => {
                let redeemed = deed.act == Act::Commit;
                for (account, parts) in reservation.iter().flat_map(|reservation| &reservation.parts) {
                    let of = Of { member: &deed.member, account, rule: deed.rule() };
                    posting.release(of, parts, redeemed);
                    let sum = parts.iter().fold(0i64, |sum, (_, part)| sum.saturating_add(*part));
                    moved.insert(account.clone(), if redeemed { 0 } else { sum });
                }
                // What was paid for uses up what was held of counters.
                for claim in reservation.filter(|_| !redeemed).iter().flat_map(|held| &held.claims) {
                    touched.extend(Some(claim.who.clone()).filter(|who| !who.is_empty()));
                    let version = self.versions.get(claim.counter.as_str()).copied().unwrap_or(0);
                    posting.claim(claim.given_back(number), version);
                }
            }
        }
        let day = perq_compiler::calendar::DAY;
        posting.end(
            EventRow {
                number,
                key: key.clone(),
                kind: deed.kind().to_owned(),
                member: Some(deed.member.clone()),
                at: deed.at,
                date: deed.at.div_euclid(day),
                time: deed.at.rem_euclid(day),
                json: json.clone(),
                decision: json!({ "moved": moved }).to_string(),
                refused: false,
                pack: String::new(),
                tz: perq_runtime::clock::database_version().to_owned(),
                snapshot: "{}".to_owned(),
                past: None,
                origin: None,
            },
            &touched,
        );
        if ends && deed.act != Act::Commit {
            let codes = reservation.iter().flat_map(|held| &held.codes);
            let back = codes.map(|folded| UseRow { folded: folded.clone(), event: number, amount: -1 });
            self.batch.rows.uses.extend(back);
        }
        self.done.insert(key, json);
        Done::Done(moved)
    }
}
