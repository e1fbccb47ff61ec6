//! What the ledger does without an event of the programme: points that end, corrections by hand, accruals and write-offs
//! over many members. Each deed is kept as an event of its own, with who did it and why, so that it is done once however
//! often it is asked for, and can be begun again where it was interrupted.
//!
//! Time is given, never the clock's. Refuses to know rules.

use crate::batch::{Batch, Lived, Of};
use crate::same;
use crate::store::{Book, Datum, EventKey, EventRow, Loaded, LotKey, Store, StoreError, Wanted};
use perq_runtime::state::lots::{Lot, Lots};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The kind of the event with which points end.
pub const EXPIRE: &str = "perq:expire";
/// The kind of the event of a correction, an accrual or a write-off.
pub const ADJUST: &str = "perq:adjust";

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
    },
    /// Less, in the order of spending. All of it or nothing.
    Remove {
        /// From which account.
        account: String,
        /// How much; above zero.
        amount: i64,
    },
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
        }
    }

    fn key(&self) -> EventKey {
        EventKey { source: self.kind().to_owned(), id: format!("{} {}", self.id, self.member), revision: 0 }
    }

    fn json(&self) -> String {
        let mut fields = json!({ "id": self.id, "member": self.member, "at": self.at });
        if let Value::Object(fields) = &mut fields {
            let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
            match &self.act {
                Act::Expire => {}
                Act::Add { account, amount, until } => {
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
    wanted.members.sort_unstable();
    wanted.members.dedup();
    for _ in 0..ATTEMPTS {
        let found = store.load(&wanted)?;
        let mut desk = Desk::new(&found);
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
struct Desk {
    batch: Batch,
    lots: BTreeMap<(String, String), Held>,
    numbers: std::vec::IntoIter<i64>,
    done: BTreeMap<EventKey, String>,
}

impl Desk {
    fn new(found: &Loaded) -> Desk {
        let mut batch = Batch::default();
        for row in &found.members {
            batch.meet(row.clone());
        }
        let mut rows: BTreeMap<(String, String), Found> = BTreeMap::new();
        for row in &found.lots {
            let of = rows.entry((row.member.clone(), row.account.clone())).or_default();
            of.0.push(Lot { issued: row.issued, from: row.start, until: row.until, left: row.remaining });
            of.1.push(row.key);
        }
        for row in &found.balances {
            rows.entry((row.member.clone(), row.account.clone())).or_default().2 = row.owed;
        }
        let lots = rows.into_iter().map(|(key, (lots, keys, owed))| (key, (Lots::of(lots, owed), keys)));
        let done = found.stored.iter().map(|stored| (stored.key.clone(), stored.json.clone()));
        Desk { batch, lots: lots.collect(), numbers: found.numbers.clone().into_iter(), done: done.collect() }
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
            && !matches!(deed.act, Act::Add { .. })
        {
            return Done::Refused(format!("nothing is known of member {}", deed.member));
        }
        if let Act::Remove { account, amount } = &deed.act {
            let held = self.lots.get(&(deed.member.clone(), account.clone()));
            let balance = held.map_or(0, |(lots, _)| lots.balance(deed.at));
            if balance < *amount {
                return Done::Refused(format!(
                    "{} has {} too few in {account}",
                    deed.member,
                    amount.saturating_sub(balance)
                ));
            }
        }
        let Some(number) = self.numbers.next() else {
            return Done::Refused("there are too few numbers".to_owned());
        };
        let mut moved: BTreeMap<String, i64> = BTreeMap::new();
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
                        let of = Of { member, account, rule: "expiry" };
                        posting.take(of, Book::Breakage, &ended, 0);
                        moved.insert(account.clone(), sum.saturating_neg());
                        *lots = Lots::of(rest, lots.owed());
                    }
                }
                if moved.is_empty() {
                    return Done::Refused("nothing has ended".to_owned());
                }
            }
            Act::Add { account, amount, until } => {
                let (lots, keys) = self.lots.entry((deed.member.clone(), account.clone())).or_default();
                let portion =
                    perq_runtime::state::life::Portion { amount: *amount, from: deed.at, until: *until };
                let paid = lots.issue(deed.at, portion);
                let of = Of { member: &deed.member, account, rule: "adjustment" };
                let life = Lived { issued: deed.at, start: deed.at, until: *until };
                keys.push(posting.issue(of, Book::Adjusted, *amount, paid, life));
                moved.insert(account.clone(), *amount);
            }
            Act::Remove { account, amount } => {
                let (lots, keys) = self.lots.entry((deed.member.clone(), account.clone())).or_default();
                let spent = lots.spend(deed.at, *amount);
                let taken: Vec<(LotKey, i64)> =
                    spent.taken.iter().filter_map(|(at, part)| Some((*keys.get(*at)?, *part))).collect();
                let of = Of { member: &deed.member, account, rule: "adjustment" };
                posting.take(of, Book::Adjusted, &taken, spent.owed);
                moved.insert(account.clone(), amount.saturating_neg());
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
            },
            std::slice::from_ref(&deed.member),
        );
        self.done.insert(key, json);
        Done::Done(moved)
    }
}
