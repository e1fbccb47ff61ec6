//! What people and accountants ask of a ledger: balances, statements, lots, what is owed to all members, every entry.
//! Reads what was committed. Refuses to know rules, and to print.

use crate::schema::links_of;
use crate::store::{Datum, Store, StoreError};
use perq_runtime::decimal;
use perq_runtime::decision::Decision;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Digits of accounts, for writing amounts.
#[derive(Clone, Debug, Default)]
pub struct Accounts(BTreeMap<String, (String, u8)>);

impl Accounts {
    /// Reads them.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn read(store: &mut dyn Store) -> Result<Accounts, StoreError> {
        let rows = store.query("SELECT name, unit, decimals FROM account ORDER BY name", &[])?;
        let of = |row: &Vec<Datum>| {
            let decimals = u8::try_from(row.get(2)?.number()).ok()?;
            Some((row.first()?.text().to_owned(), (row.get(1)?.text().to_owned(), decimals)))
        };
        Ok(Accounts(rows.iter().filter_map(of).collect()))
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// An amount in digits.
    pub fn amount(&self, account: &str, amount: i64) -> String {
        decimal::print(i128::from(amount), self.0.get(account).map_or(0, |(_, decimals)| *decimals))
    }

    /// The word for what an account holds.
    pub fn unit(&self, account: &str) -> &str {
        self.0.get(account).map_or("", |(unit, _)| unit.as_str())
    }

    /// The decimal digits that an account keeps.
    pub fn decimals(&self, account: &str) -> u8 {
        self.0.get(account).map_or(0, |(_, decimals)| *decimals)
    }

    /// An amount from digits; nothing where the account is not known or the text is no amount of it.
    pub fn parse(&self, account: &str, text: &str) -> Option<i64> {
        decimal::parse(text, self.0.get(account)?.1).ok()
    }
}

/// The instant of the last event that is kept: the one as of which is told what nobody has asked for at another. Nothing in
/// a ledger that keeps none.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn last_instant(store: &mut dyn Store) -> Result<Option<i64>, StoreError> {
    let rows = store.query("SELECT at FROM event ORDER BY number DESC LIMIT 1", &[])?;
    Ok(rows.first().and_then(|row| row.first()).and_then(Datum::maybe_number))
}

/// What a member has in an account at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The account.
    pub account: String,
    /// Its unit's word.
    pub unit: String,
    /// What can be spent; below zero where something is owed.
    pub balance: String,
    /// What cannot be spent yet.
    pub pending: String,
    /// What has ended and is not yet booked so.
    pub ended: String,
    /// What is held for payments.
    pub reserved: String,
}

/// What a member has: at an instant, or of all lots that are not booked as ended.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn balances(store: &mut dyn Store, member: &str, at: Option<i64>) -> Result<Vec<Balance>, StoreError> {
    let accounts = Accounts::read(store)?;
    let mut sums: BTreeMap<String, (i64, i64, i64)> = BTreeMap::new();
    let who = [Datum::Text(member.to_owned())];
    for row in store.query("SELECT account, owed FROM owed WHERE member = $1", &who)? {
        if let [account, owed] = row.as_slice() {
            sums.entry(account.text().to_owned()).or_default().0 -= owed.number();
        }
    }
    // An account of which nothing is left is told, too.
    for row in store.query("SELECT account, start, until, remaining FROM lot WHERE member = $1", &who)? {
        let [account, start, until, remaining] = row.as_slice() else { continue };
        let (live, pending, ended) = sums.entry(account.text().to_owned()).or_default();
        let is_over = |until: i64| at.is_some_and(|at| until <= at);
        let place = if until.maybe_number().is_some_and(is_over) {
            ended
        } else if at.is_some_and(|at| start.number() > at) {
            pending
        } else {
            live
        };
        *place = place.saturating_add(remaining.number());
    }
    let mut reserved: BTreeMap<String, i64> = BTreeMap::new();
    for row in store.query(
        &format!(
            "{} SELECT n.account, CAST(sum(n.amount) AS BIGINT) FROM links l \
             JOIN entry n ON n.event = l.event AND n.member = l.member \
             WHERE n.book = 'reserved' GROUP BY n.account",
            links_of("m.name = $1")
        ),
        &who,
    )? {
        if let [account, sum] = row.as_slice() {
            reserved.insert(account.text().to_owned(), sum.number());
        }
    }
    Ok(sums
        .into_iter()
        .map(|(account, (live, pending, ended))| Balance {
            reserved: accounts.amount(&account, reserved.get(&account).copied().unwrap_or(0)),
            unit: accounts.unit(&account).to_owned(),
            balance: accounts.amount(&account, live),
            pending: accounts.amount(&account, pending),
            ended: accounts.amount(&account, ended),
            account,
        })
        .collect())
}

/// What is kept of a member beside points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Known {
    /// How many events have touched the member.
    pub events: i64,
    /// Levels, by tiers.
    pub levels: Vec<KnownLevel>,
    /// Badges that the member has.
    pub badges: Vec<KnownBadge>,
    /// Fields that rules have set.
    pub fields: Vec<KnownField>,
    /// Codes of coupons and certificates that were issued to the member.
    pub codes: Vec<KnownCode>,
}

/// A level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownLevel {
    /// Of which tiers.
    pub tiers: String,
    /// The level.
    pub level: String,
    /// Since when, on the clock of the programme's zone; nothing where no event has changed it.
    pub since: Option<String>,
    /// The last day on which it cannot be lost.
    pub until: Option<String>,
}

/// A badge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownBadge {
    /// Its name.
    pub badge: String,
    /// The instant of the event that gave it first.
    pub since: String,
}

/// A field of the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownField {
    /// Its name.
    pub field: String,
    /// Its value, as the decision says that set it, or with which goods came back since.
    pub value: Value,
    /// The instant of the event that set it.
    pub since: String,
    /// The last day on which it holds.
    pub until: Option<String>,
}

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownCode {
    /// As it was issued.
    pub code: String,
    /// Of which coupon or certificate.
    pub of: String,
    /// What it is: `coupon` or `certificate`.
    pub kind: &'static str,
    /// Its last day.
    pub until: Option<String>,
    /// How often it was redeemed; of a coupon.
    pub uses: Option<i64>,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
}

/// What is kept of a member beside points; nothing of one who is not known.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn known(store: &mut dyn Store, member: &str) -> Result<Option<Known>, StoreError> {
    store.look()?;
    let read = known_of(store, member);
    store.abandon();
    read
}

fn known_of(store: &mut dyn Store, member: &str) -> Result<Option<Known>, StoreError> {
    let who = [Datum::Text(member.to_owned())];
    let rows = store.query("SELECT seq FROM member WHERE name = $1", &who)?;
    let Some(events) = rows.first().and_then(|row| row.first()).map(Datum::number) else { return Ok(None) };
    let mut known = Known { events, ..Known::default() };
    let day = |day: &Datum| day.maybe_number().map(perq_runtime::clock::date_text);
    let instant = |at: &Datum| perq_runtime::clock::instant_text(at.number());
    let changes = changes_of_level(store, &who)?;
    for row in store.query("SELECT tiers, level, until FROM level WHERE member = $1 ORDER BY tiers", &who)? {
        let [tiers, level, until] = row.as_slice() else { continue };
        known.levels.push(KnownLevel {
            tiers: tiers.text().to_owned(),
            level: level.text().to_owned(),
            since: changes.get(tiers.text()).cloned(),
            until: day(until),
        });
    }
    let rows = store.query(
        "SELECT h.kind, h.name, h.of_event, h.of_raised, h.value, h.until, e.at, h.event, \
         CASE WHEN h.kind = 'field' THEN e.decision END FROM holding h JOIN event e ON e.number = h.event \
         WHERE h.member = $1 ORDER BY h.event",
        &who,
    )?;
    // The last word on what an event gave stands; of a field the last event's.
    let mut last: BTreeMap<(&str, &str, i64, i64), &Vec<Datum>> = BTreeMap::new();
    for row in &rows {
        if let [kind, name, event, raised, ..] = row.as_slice() {
            last.insert((kind.text(), name.text(), event.number(), raised.number()), row);
        }
    }
    let mut fields: BTreeMap<&str, KnownField> = BTreeMap::new();
    for ((kind, name, ..), row) in last {
        let [_, _, of, raised, value, until, at, by, decision] = row.as_slice() else { continue };
        let Some(text) = value.maybe_text() else { continue };
        match kind {
            "badge" if known.badges.iter().all(|badge| badge.badge != name) => {
                known.badges.push(KnownBadge { badge: name.to_owned(), since: instant(at) });
            }
            "field" => {
                let raised = (of == by).then(|| raised.number());
                let value = written(decision.text(), name, raised);
                let value = value.unwrap_or_else(|| serde_json::from_str(text).unwrap_or(Value::Null));
                let field =
                    KnownField { field: name.to_owned(), value, since: instant(at), until: day(until) };
                fields.insert(name, field);
            }
            "certificate" => {
                let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
                let of = value.get("of").and_then(Value::as_str).unwrap_or("").to_owned();
                known.codes.push(KnownCode {
                    code: name.to_owned(),
                    of,
                    kind: "certificate",
                    until: day(until),
                    uses: None,
                    withdrawn: false,
                });
            }
            _ => {}
        }
    }
    known.fields = fields.into_values().collect();
    for row in store.query(
        "SELECT code, coupon, expires, uses, withdrawn FROM coupon WHERE member = $1 ORDER BY event, code",
        &who,
    )? {
        let [code, coupon, expires, uses, withdrawn] = row.as_slice() else { continue };
        known.codes.push(KnownCode {
            code: code.text().to_owned(),
            of: coupon.text().to_owned(),
            kind: "coupon",
            until: day(expires),
            uses: Some(uses.number()),
            withdrawn: withdrawn.maybe_number().is_some(),
        });
    }
    Ok(Some(known))
}

/// To what a decision has set a field, as people write it: its event, or the how manieth of those that it raised. Without
/// either, to what the field is set since goods came back with it; of several, what the last says.
fn written(decision: &str, field: &str, raised: Option<i64>) -> Option<Value> {
    let decision: Decision = serde_json::from_str(decision).ok()?;
    let Some(raised) = raised else {
        let unset = decision.returned?.unset;
        let last = unset.into_iter().rev().filter(|unset| unset.field == field).find_map(|unset| unset.value);
        return last.map(Value::String);
    };
    let one = match usize::try_from(raised).ok()?.checked_sub(1) {
        Some(at) => decision.raised.get(at)?,
        None => &decision,
    };
    let set = one.set.iter().rev().find(|set| set.field == field)?;
    Some(Value::String(set.value.clone()))
}

/// The instants of the events that have changed a member's levels last, by tiers.
fn changes_of_level(store: &mut dyn Store, who: &[Datum]) -> Result<BTreeMap<String, String>, StoreError> {
    let mut changes = BTreeMap::new();
    for row in store.query(
        &format!(
            "{} SELECT e.decision FROM links l JOIN event e ON e.number = l.event \
             WHERE e.member = $1 AND e.decision LIKE '%\"tiers\":%' ORDER BY l.seq",
            links_of("m.name = $1")
        ),
        who,
    )? {
        let Some(decision) = row.first() else { continue };
        let Ok(decision) = serde_json::from_str::<Decision>(decision.text()) else { continue };
        for change in std::iter::once(&decision).chain(&decision.raised).flat_map(|one| &one.tiers) {
            changes.insert(change.tiers.clone(), change.at.clone());
        }
    }
    Ok(changes)
}

/// Points that can be spent under a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conditioned {
    /// The condition's lasting name.
    pub condition: String,
    /// The account.
    pub account: String,
    /// Its unit's word.
    pub unit: String,
    /// How many members have such points.
    pub members: i64,
    /// How many there are.
    pub amount: String,
}

/// All points that can be spent under a condition, ended or not, by condition and account.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn conditions(store: &mut dyn Store) -> Result<Vec<Conditioned>, StoreError> {
    let rows = store.query(
        "SELECT spendable, account, count(DISTINCT member), CAST(sum(remaining) AS BIGINT) FROM lot \
         WHERE remaining > 0 AND spendable IS NOT NULL GROUP BY spendable, account ORDER BY spendable, account",
        &[],
    )?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let accounts = Accounts::read(store)?;
    let read = |row: &Vec<Datum>| match row.as_slice() {
        [condition, account, members, amount] => Some(Conditioned {
            condition: condition.text().to_owned(),
            account: account.text().to_owned(),
            unit: accounts.unit(account.text()).to_owned(),
            members: members.number(),
            amount: accounts.amount(account.text(), amount.number()),
        }),
        _ => None,
    };
    Ok(rows.iter().filter_map(read).collect())
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// The instant, in universal time.
    pub at: String,
    /// The kind of event.
    pub kind: String,
    /// Its id.
    pub event: String,
    /// The account.
    pub account: String,
    /// Its unit's word.
    pub unit: String,
    /// What moved it: a rule, `expiry` or `adjustment`.
    pub rule: String,
    /// How much; below zero where it is less.
    pub amount: String,
    /// The sum of all up to here, in the order in which they were booked.
    pub balance: String,
}

/// What moved a member's points, in the order in which it was booked: all of it, or of events up to an instant.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn statement(
    store: &mut dyn Store,
    member: &str,
    until: Option<i64>,
) -> Result<Vec<Movement>, StoreError> {
    let accounts = Accounts::read(store)?;
    let rows = store.query(
        &format!(
            "{} SELECT e.at, e.kind, e.id, n.account, n.rule, CAST(sum(n.amount) AS BIGINT), l.seq, min(n.part) \
             FROM links l JOIN event e ON e.number = l.event \
             JOIN entry n ON n.event = l.event AND n.member = l.member WHERE e.at <= $2 AND n.book = 'member' \
             GROUP BY l.seq, e.at, e.kind, e.id, n.account, n.rule ORDER BY l.seq, min(n.part)",
            links_of("m.name = $1")
        ),
        &[Datum::Text(member.to_owned()), Datum::Number(until.unwrap_or(i64::MAX))],
    )?;
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    let mut out = Vec::new();
    for row in rows {
        let [at, kind, id, account, rule, amount, ..] = row.as_slice() else { continue };
        let sum = sums.entry(account.text().to_owned()).or_default();
        *sum = sum.saturating_add(amount.number());
        out.push(Movement {
            at: perq_runtime::clock::instant_text(at.number()),
            kind: kind.text().to_owned(),
            event: id.text().to_owned(),
            account: account.text().to_owned(),
            unit: accounts.unit(account.text()).to_owned(),
            rule: rule.text().to_owned(),
            amount: accounts.amount(account.text(), amount.number()),
            balance: accounts.amount(account.text(), *sum),
        });
    }
    Ok(out)
}

/// A lot as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The account.
    pub account: String,
    /// Its unit's word.
    pub unit: String,
    /// The event that issued it.
    pub event: String,
    /// Which part of what it issued.
    pub part: i64,
    /// When it was issued, in universal time.
    pub issued: String,
    /// From when it can be spent.
    pub from: String,
    /// From when it is gone.
    pub until: Option<String>,
    /// What it was.
    pub granted: String,
    /// What of it was spent.
    pub spent: String,
    /// What of it ended.
    pub expired: String,
    /// What of it was taken back.
    pub reversed: String,
    /// What is left.
    pub remaining: String,
}

/// A member's lots, in the order in which they were issued.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn lots(store: &mut dyn Store, member: &str, all: bool) -> Result<Vec<Held>, StoreError> {
    let accounts = Accounts::read(store)?;
    let least = if all { 0 } else { 1 };
    let rows = store.query(
        "SELECT l.account, e.id, l.part, l.issued, l.start, l.until, l.granted, l.spent, l.expired, l.reversed, \
         l.remaining FROM lot l JOIN event e ON e.number = l.event WHERE l.member = $1 AND l.remaining >= $2 \
         ORDER BY l.event, l.part",
        &[Datum::Text(member.to_owned()), Datum::Number(least)],
    )?;
    let instant = perq_runtime::clock::instant_text;
    let read = |row: &Vec<Datum>| {
        let value = |at: usize| row.get(at).cloned().unwrap_or(Datum::Null);
        let account = value(0).text().to_owned();
        let amount = |at: usize| accounts.amount(&account, value(at).number());
        Held {
            unit: accounts.unit(&account).to_owned(),
            event: value(1).text().to_owned(),
            part: value(2).number(),
            issued: instant(value(3).number()),
            from: instant(value(4).number()),
            until: value(5).maybe_number().map(instant),
            granted: amount(6),
            spent: amount(7),
            expired: amount(8),
            reversed: amount(9),
            remaining: amount(10),
            account,
        }
    };
    Ok(rows.iter().map(read).collect())
}

/// What an account holds over all members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Liability {
    /// The account.
    pub account: String,
    /// Its unit's word.
    pub unit: String,
    /// What members have and can spend, or could once it is available; less what they owe.
    pub outstanding: String,
    /// What has ended at the instant and is not booked so yet.
    pub ended: String,
    /// What was issued, ever.
    pub issued: String,
    /// What was redeemed.
    pub redeemed: String,
    /// What ended unspent.
    pub breakage: String,
    /// What was added by hand; below zero where it was taken.
    pub adjusted: String,
    /// What is held for payments.
    pub reserved: String,
}

/// What is owed to members at an instant, by account.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn liability(store: &mut dyn Store, at: i64) -> Result<Vec<Liability>, StoreError> {
    store.look()?;
    let read = liability_of(store, at);
    store.abandon();
    read
}

fn liability_of(store: &mut dyn Store, at: i64) -> Result<Vec<Liability>, StoreError> {
    let accounts = Accounts::read(store)?;
    let mut books: BTreeMap<(String, String), i64> = BTreeMap::new();
    for row in store
        .query("SELECT account, book, CAST(sum(amount) AS BIGINT) FROM entry GROUP BY account, book", &[])?
    {
        if let [account, book, sum] = row.as_slice() {
            books.insert((account.text().to_owned(), book.text().to_owned()), sum.number());
        }
    }
    let mut ended: BTreeMap<String, i64> = BTreeMap::new();
    for row in store.query(
        "SELECT account, CAST(sum(remaining) AS BIGINT) FROM lot WHERE remaining > 0 AND until <= $1 GROUP BY account",
        &[Datum::Number(at)],
    )? {
        if let [account, sum] = row.as_slice() {
            ended.insert(account.text().to_owned(), sum.number());
        }
    }
    let of = |account: &str| {
        let book = |book: &str| books.get(&(account.to_owned(), book.to_owned())).copied().unwrap_or(0);
        let ended = ended.get(account).copied().unwrap_or(0);
        let text = |amount: i64| accounts.amount(account, amount);
        Liability {
            account: account.to_owned(),
            unit: accounts.unit(account).to_owned(),
            outstanding: text(book("member").saturating_sub(ended)),
            ended: text(ended),
            issued: text(book("issued").saturating_neg()),
            redeemed: text(book("redeemed")),
            breakage: text(book("breakage")),
            adjusted: text(book("adjusted").saturating_neg()),
            reserved: text(book("reserved")),
        }
    };
    Ok(accounts.names().map(of).collect())
}

/// The columns of an export.
pub const COLUMNS: [&str; 12] = [
    "event_number",
    "part",
    "source",
    "event",
    "revision",
    "kind",
    "at",
    "member",
    "account",
    "book",
    "amount",
    "rule",
];

/// An entry with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The event's number.
    pub event_number: i64,
    /// Place among the event's entries, from 1.
    pub part: i64,
    /// Who sent the event.
    pub source: String,
    /// Its id there.
    pub event: String,
    /// Which version of it.
    pub revision: i64,
    /// Its kind.
    pub kind: String,
    /// Its instant.
    pub at: i64,
    /// Whose points.
    pub member: String,
    /// In which account.
    pub account: String,
    /// In which book.
    pub book: String,
    /// In the account's smallest units.
    pub amount: i64,
    /// What moved it.
    pub rule: String,
}

impl Exported {
    /// As texts, in the order of [`COLUMNS`].
    pub fn texts(&self, accounts: &Accounts) -> [String; 12] {
        [
            self.event_number.to_string(),
            self.part.to_string(),
            self.source.clone(),
            self.event.clone(),
            self.revision.to_string(),
            self.kind.clone(),
            perq_runtime::clock::instant_text(self.at),
            self.member.clone(),
            self.account.clone(),
            self.book.clone(),
            accounts.amount(&self.account, self.amount),
            self.rule.clone(),
        ]
    }
}

/// The records of all events of a kind as they came, in the ledger's order: of an event with revisions the last, without
/// those that were refused and without what batch runs decided once more. How many.
///
/// # Errors
/// Where the store cannot be read, or what `row` says.
pub fn records<E: From<StoreError>>(
    store: &mut dyn Store,
    kind: &str,
    mut row: impl FnMut(&str) -> Result<(), E>,
) -> Result<u64, E> {
    store.look()?;
    let (mut last, mut many) = (0, 0);
    loop {
        let rows = store.query(
            "SELECT e.number, e.json FROM event e WHERE e.number > $1 AND e.kind = $2 AND e.refused = 0 \
             AND substr(e.source, 1, 5) <> 'perq:' AND NOT EXISTS (SELECT 1 FROM event later WHERE later.id = e.id \
             AND later.source = e.source AND later.revision > e.revision) ORDER BY e.number LIMIT 2000",
            &[Datum::Number(last), Datum::Text(kind.to_owned())],
        )?;
        let Some(end) = rows.last().and_then(|of| of.first()).map(Datum::number) else { break };
        for of in &rows {
            row(of.get(1).map_or("", Datum::text))?;
            many += 1;
        }
        last = end;
    }
    store.abandon();
    Ok(many)
}

/// Every entry in the order in which it was booked, row by row.
///
/// # Errors
/// Where the ledger cannot be read, or the receiver refuses a row.
pub fn export<E: From<StoreError>>(
    store: &mut dyn Store,
    mut row: impl FnMut(&Exported) -> Result<(), E>,
) -> Result<u64, E> {
    store.look()?;
    let mut last = 0;
    let mut many = 0;
    loop {
        let rows = store.query(
            "SELECT n.event, n.part, e.source, e.id, e.revision, e.kind, e.at, n.member, n.account, n.book, n.amount, \
             n.rule FROM entry n JOIN event e ON e.number = n.event WHERE n.event > $1 AND n.event <= \
             (SELECT coalesce(max(number), 0) FROM (SELECT number FROM event WHERE number > $1 \
             ORDER BY number LIMIT 2000) next) ORDER BY n.event, n.part",
            &[Datum::Number(last)],
        )?;
        for of in &rows {
            let value = |at: usize| of.get(at).cloned().unwrap_or(Datum::Null);
            let text = |at: usize| value(at).text().to_owned();
            row(&Exported {
                event_number: value(0).number(),
                part: value(1).number(),
                source: text(2),
                event: text(3),
                revision: value(4).number(),
                kind: text(5),
                at: value(6).number(),
                member: text(7),
                account: text(8),
                book: text(9),
                amount: value(10).number(),
                rule: text(11),
            })?;
            many += 1;
        }
        let next = store.query(
            "SELECT coalesce(max(number), 0) FROM (SELECT number FROM event WHERE number > $1 \
             ORDER BY number LIMIT 2000) next",
            &[Datum::Number(last)],
        )?;
        match next.first().and_then(|row| row.first()).map_or(0, Datum::number) {
            0 => break,
            next => last = next,
        }
    }
    store.abandon();
    Ok(many)
}
