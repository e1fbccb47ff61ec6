//! A ledger on a PostgreSQL server, shared by any number of hosts. What events need to see is read in one round trip
//! without locks; the commit holds the members in the order of their names, and fails as a conflict where one of them,
//! or a counter, is no longer as it was found. The database's own unique keys and checks stand behind that.
//!
//! Refuses to know what the rows mean.

use crate::schema::{FIXED, MIGRATIONS};
use crate::store::{
    Cause, ClaimRow, CounterRow, CouponRow, Datum, EventKey, FoundOrigin, FoundReservation, HeldPart,
    HoldingRow, LevelRow, Loaded, LotKey, LotRow, MemberRow, OriginRow, OwedRow, PastRow, Store, StoreError,
    Stored, TallyRow, UseRow, Wanted, Writes,
};
use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, Config, NoTls, Statement};
use std::collections::BTreeMap;
use std::time::Duration;

/// The key of the lock that migrations hold.
const MIGRATING: i64 = 0x7065_7271;

/// How statements are planned: once, and by their indexes. A server plans for the tables as they are when a statement is first
/// used, reads an empty one from end to end, and would go on doing so while it grows; so plans are also made anew, see
/// [`GROWN`].
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off; \
                     SET enable_hashjoin = off; SET enable_mergejoin = off";

/// How many times as many events there are when plans are made anew.
const GROWN: i64 = 4;

/// The server's own way again, for questions that read everything.
const OWN_PLANS: &str = "SET LOCAL plan_cache_mode TO DEFAULT; SET LOCAL enable_seqscan TO DEFAULT; \
                         SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT";

/// A ledger on a server.
pub struct Postgres {
    config: Config,
    client: Option<Client>,
    prepared: BTreeMap<String, Statement>,
    /// Whether a transaction is open.
    begun: bool,
    /// The number of the last event for which the connection's plans were made.
    planned: i64,
}

impl Postgres {
    /// Connects, and makes the tables where they are not there and `create` allows it.
    ///
    /// # Errors
    /// Where the server cannot be reached, does not keep what it confirms, or holds a ledger of a newer perq.
    pub fn open(url: &str, create: bool) -> Result<Postgres, StoreError> {
        let mut config: Config =
            url.parse().map_err(|error: postgres::Error| StoreError::Unfit(words(&error)))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        config.application_name("perq");
        let mut store =
            Postgres { config, client: None, prepared: BTreeMap::new(), begun: false, planned: 0 };
        let client = store.client()?;
        for (setting, bad) in [("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off")] {
            let row = client.query_one(&format!("SHOW {setting}"), &[]).map_err(|e| failure(&e))?;
            if row.get::<_, String>(0) == bad {
                return Err(StoreError::Unfit(format!(
                    "the server runs with {setting} = {bad} and may lose what it has confirmed; a ledger refuses that"
                )));
            }
        }
        store.migrate(create)?;
        Ok(store)
    }

    fn migrate(&mut self, create: bool) -> Result<(), StoreError> {
        let client = self.client()?;
        let mut transaction = client.transaction().map_err(|e| failure(&e))?;
        let there: bool = transaction
            .query_one("SELECT to_regclass('perq_ledger') IS NOT NULL", &[])
            .map_err(|e| failure(&e))?
            .get(0);
        if !there && !create {
            return Err(StoreError::Unfit("there is no ledger at this place".to_owned()));
        }
        let version = "SELECT coalesce(max(version), 0) FROM perq_ledger";
        if there {
            let made: i64 = transaction.query_one(version, &[]).map_err(|e| failure(&e))?.get(0);
            // A server that may only be read can be asked all the same.
            if usize::try_from(made) == Ok(MIGRATIONS.len()) {
                return Ok(());
            }
        }
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).map_err(|e| failure(&e))?;
        transaction
            .batch_execute("CREATE TABLE IF NOT EXISTS perq_ledger (version BIGINT NOT NULL)")
            .map_err(|e| failure(&e))?;
        let made: i64 = transaction.query_one(version, &[]).map_err(|e| failure(&e))?.get(0);
        let made = usize::try_from(made).unwrap_or(usize::MAX);
        if made > MIGRATIONS.len() {
            return Err(StoreError::Unfit(format!(
                "the ledger has version {made}; this perq knows versions up to {}",
                MIGRATIONS.len()
            )));
        }
        for migration in MIGRATIONS.iter().skip(made) {
            transaction.batch_execute(migration).map_err(|e| failure(&e))?;
        }
        let mut text = String::new();
        if made == 0 {
            text.push_str(
                "CREATE SEQUENCE event_number;
                 CREATE FUNCTION only_ever_added() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME; END $$;",
            );
        }
        for table in FIXED {
            // A table that a migration has made anew has none.
            text.push_str(&format!(
                "DROP TRIGGER IF EXISTS {table}_fixed ON {table}; \
                 CREATE TRIGGER {table}_fixed BEFORE UPDATE OR DELETE ON {table} \
                 FOR EACH ROW EXECUTE FUNCTION only_ever_added();"
            ));
        }
        transaction.batch_execute(&text).map_err(|e| failure(&e))?;
        if made < MIGRATIONS.len() {
            let now = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
            transaction
                .execute("INSERT INTO perq_ledger (version) VALUES ($1)", &[&now])
                .map_err(|e| failure(&e))?;
        }
        transaction.commit().map_err(|e| failure(&e))
    }

    /// The connection; a new one where there is none.
    fn client(&mut self) -> Result<&mut Client, StoreError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.prepared.clear();
            self.client = None;
            // What was begun is gone with its connection; going on with another would write the rest of it alone.
            if std::mem::take(&mut self.begun) {
                return Err(StoreError::Unavailable("the connection was lost".to_owned()));
            }
            let mut client = self.config.connect(NoTls).map_err(|error| failure(&error))?;
            client.batch_execute(PLANS).map_err(|error| failure(&error))?;
            self.client = Some(client);
            self.planned = 0;
        }
        self.client.as_mut().ok_or_else(|| StoreError::Unavailable("there is no connection".to_owned()))
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, StoreError> {
        self.client()?;
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client()?.prepare(sql).map_err(|error| failure(&error))?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn run(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        self.client()?.execute(&statement, values).map_err(|error| failure(&error))
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.client()?.batch_execute("BEGIN").map_err(|error| failure(&error))?;
        self.begun = true;
        Ok(())
    }

    /// Writes all. What nearly every event changes is one statement, so that it costs one trip to the server; where there is
    /// nothing else it is a transaction of its own.
    fn write(&mut self, writes: &Writes) -> Result<(), StoreError> {
        let is_all = writes.counters.is_empty()
            && writes.days.is_empty()
            && writes.holdings.is_empty()
            && writes.coupons.is_empty()
            && writes.uses.is_empty()
            && writes.withdrawn.is_empty()
            && writes.learning.is_empty()
            && writes.tallies.is_empty()
            && writes.contacts.is_empty();
        if !self.begun && !is_all {
            self.begin()?;
        }
        let together = Together::of(writes);
        if !together.parts.is_empty() {
            let values: Vec<&(dyn ToSql + Sync)> = together.values.iter().map(|value| &**value).collect();
            self.run(&together.text(), &values)?;
        }
        if !is_all {
            self.write_counters(writes)?;
            self.write_learned(writes)?;
            self.write_others(writes)?;
        }
        if self.begun {
            self.client()?.batch_execute("COMMIT").map_err(|error| failure(&error))?;
            self.begun = false;
        }
        Ok(())
    }

    /// Counters: what may have changed since it was found.
    fn write_counters(&mut self, writes: &Writes) -> Result<(), StoreError> {
        for (name, found, more) in &writes.counters {
            let done = if *found == 0 {
                self.run(
                    "INSERT INTO counter (name, version) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    &[name, more],
                )?
            } else {
                self.run(
                    "UPDATE counter SET version = version + $2 WHERE name = $1 AND version = $3",
                    &[name, more, found],
                )?
            };
            if done != 1 {
                return Err(StoreError::Conflict(format!("counter {name}")));
            }
        }
        for (name, day, more) in &writes.days {
            self.run(
                "INSERT INTO counter_day (counter, day, amount) VALUES ($1, $2, $3) \
                 ON CONFLICT (counter, day) DO UPDATE SET amount = counter_day.amount + excluded.amount",
                &[name, day, more],
            )?;
        }
        Ok(())
    }

    fn write_others(&mut self, writes: &Writes) -> Result<(), StoreError> {
        for row in &writes.holdings {
            self.run(
                "INSERT INTO holding (member, kind, name, of_event, of_raised, event, value, until) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                &[
                    &row.member,
                    &row.kind,
                    &row.name,
                    &row.of.0,
                    &row.of.1,
                    &row.event,
                    &row.value,
                    &row.until,
                ],
            )?;
        }
        for row in &writes.coupons {
            let done = self.run(
                "INSERT INTO coupon (folded, code, coupon, member, expires, uses, event) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                &[&row.folded, &row.code, &row.coupon, &row.member, &row.expires, &row.uses, &row.event],
            )?;
            if done != 1 {
                return Err(StoreError::Damaged(format!("the code {} was issued before", row.code)));
            }
        }
        for UseRow { folded, event, amount } in &writes.uses {
            self.run("UPDATE coupon SET uses = uses + $2 WHERE folded = $1", &[folded, amount])?;
            let text = "INSERT INTO coupon_use (folded, event, amount) VALUES ($1, $2, $3)";
            self.run(text, &[folded, event, amount])?;
        }
        for (folded, event) in &writes.withdrawn {
            self.run("UPDATE coupon SET withdrawn = $2 WHERE folded = $1", &[folded, event])?;
        }
        self.write_contacts(writes)
    }

    fn write_contacts(&mut self, writes: &Writes) -> Result<(), StoreError> {
        for row in &writes.learning {
            self.run(
                "INSERT INTO learning (pack, offer, name, terms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                &[&row.pack, &row.offer, &row.name, &row.terms],
            )?;
        }
        let rows = &writes.contacts;
        if !rows.is_empty() {
            let event: Vec<i64> = rows.iter().map(|row| row.event).collect();
            let part: Vec<i64> = rows.iter().map(|row| row.part).collect();
            let offer: Vec<&str> = rows.iter().map(|row| row.offer.as_str()).collect();
            let answer: Vec<&str> = rows.iter().map(|row| row.answer.as_str()).collect();
            let session: Vec<Option<&str>> = rows.iter().map(|row| row.session.as_deref()).collect();
            let propensity: Vec<Option<i64>> = rows.iter().map(|row| row.propensity).collect();
            let of = rows.iter().map(|row| row.learned.as_ref());
            let learned: Vec<Option<&str>> =
                of.clone().map(|of| of.map(|learned| learned.offer.as_str())).collect();
            let kind: Vec<Option<&str>> =
                of.clone().map(|of| of.and_then(|learned| learned.kind.as_deref())).collect();
            let seq: Vec<Option<i64>> = of.map(|of| of.map(|learned| learned.seq)).collect();
            self.run(
                "INSERT INTO contact (event, part, offer, answer, session, propensity, learned, kind, seq) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], \
                 $7::text[], $8::text[], $9::bigint[])",
                &[&event, &part, &offer, &answer, &session, &propensity, &learned, &kind, &seq],
            )?;
        }
        Ok(())
    }

    /// What is learned, in the order of the offers: where somebody else has learned since, a conflict.
    fn write_learned(&mut self, writes: &Writes) -> Result<(), StoreError> {
        for (row, found) in &writes.tallies {
            // The row of all members says whether somebody else has learned since; those of kinds follow it.
            let done = if row.kind.is_empty() && *found > 0 {
                self.run(
                    "UPDATE tally SET seq = $2, ended = $3, accepted = $4, day = $5 \
                     WHERE offer = $1 AND kind = '' AND seq = $6",
                    &[&row.offer, &row.seq, &row.ended, &row.accepted, &row.day, found],
                )?
            } else if row.kind.is_empty() {
                self.run(
                    "INSERT INTO tally (offer, kind, seq, ended, accepted, day) \
                     VALUES ($1, '', $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                    &[&row.offer, &row.seq, &row.ended, &row.accepted, &row.day],
                )?
            } else {
                self.run(
                    "INSERT INTO tally (offer, kind, seq, ended, accepted, day) VALUES ($1, $2, $3, $4, $5, $6) \
                     ON CONFLICT (offer, kind) DO UPDATE SET seq = excluded.seq, ended = excluded.ended, \
                     accepted = excluded.accepted, day = excluded.day",
                    &[&row.offer, &row.kind, &row.seq, &row.ended, &row.accepted, &row.day],
                )?
            };
            if done != 1 {
                return Err(StoreError::Conflict(format!("what is learned of {}", row.offer)));
            }
        }
        Ok(())
    }
}

/// Statements that are run as one, with what each of them is given. They see one moment, before any of them: no row is in
/// two of them.
#[derive(Default)]
struct Together<'w> {
    parts: Vec<String>,
    /// What has to be as many rows as a value says, and what is said where it is not, by the names of parts.
    checks: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + 'w>>,
}

/// What a statement says of rows that somebody else has changed.
const FASTER: &str = "perq: somebody else was faster";

/// What a statement says of lots that are not there.
const GONE: &str = "perq: a lot is gone";

impl<'w> Together<'w> {
    fn of(writes: &'w Writes) -> Together<'w> {
        let mut together = Together::default();
        together.accounts(writes);
        together.members(writes);
        together.events(writes);
        together.points(writes);
        together
    }

    /// Adds a part by its name; its values are its own, from `$1` on.
    fn add<const N: usize>(&mut self, name: &str, sql: &str, values: [Box<dyn ToSql + Sync + 'w>; N]) {
        let before = self.values.len();
        let mut text = String::with_capacity(sql.len() + 32);
        let mut pieces = sql.split('$');
        text.push_str(pieces.next().unwrap_or(""));
        for piece in pieces {
            let end = piece.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(piece.len());
            let (number, rest) = piece.split_at(end);
            let number = number.parse::<usize>().unwrap_or(0).saturating_add(before);
            text.push_str(&format!("${number}{rest}"));
        }
        self.parts.push(format!("{name} AS ({text})"));
        self.values.extend(values);
    }

    /// Asks for so many rows of a part. A number of rows is a value, so that the text is the same for any.
    fn check(&mut self, name: &str, rows: usize, or: &str) {
        self.values.push(Box::new(i64::try_from(rows).unwrap_or(i64::MAX)));
        let value = self.values.len();
        self.checks.push(format!(" WHEN (SELECT count(*) FROM {name}) <> ${value} THEN '{or}'"));
    }

    /// The statement. Where a check fails its words are no number, and the server refuses all.
    fn text(&self) -> String {
        let parts = self.parts.join(", ");
        if self.checks.is_empty() {
            return format!("WITH {parts} SELECT 0");
        }
        format!("WITH {parts} SELECT CAST(CASE{} ELSE '0' END AS INTEGER)", self.checks.concat())
    }

    fn accounts(&mut self, writes: &'w Writes) {
        let rows = &writes.accounts;
        if rows.is_empty() {
            return;
        }
        self.add(
            "of_account",
            "INSERT INTO account (name, unit, decimals) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) \
             ON CONFLICT DO NOTHING",
            [
                texts(rows.iter().map(|row| row.name.as_str())),
                texts(rows.iter().map(|row| row.unit.as_str())),
                numbers(rows.iter().map(|row| row.decimals)),
            ],
        );
    }

    /// Members, held in the order of their names, and their levels.
    fn members(&mut self, writes: &'w Writes) {
        let (new, known): (Vec<_>, Vec<_>) = writes.members.iter().partition(|change| change.found == 0);
        if !known.is_empty() {
            self.add(
                "of_member",
                "UPDATE member SET seq = held.seq, head = held.head, last = held.last FROM (SELECT m.name, u.* \
                 FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[]) \
                 AS u (whose, seq, head, found, last) JOIN member m ON m.name = u.whose ORDER BY m.name FOR UPDATE OF m) held \
                 WHERE member.name = held.name AND member.seq = held.found RETURNING 1",
                [
                    texts(known.iter().map(|change| change.row.name.as_str())),
                    numbers(known.iter().map(|change| change.row.seq)),
                    texts(known.iter().map(|change| change.row.head.as_str())),
                    numbers(known.iter().map(|change| change.found)),
                    numbers(known.iter().map(|change| change.row.last)),
                ],
            );
            self.check("of_member", known.len(), FASTER);
        }
        if !new.is_empty() {
            self.add(
                "of_new_member",
                "INSERT INTO member (name, seq, head, last) \
                 SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) ON CONFLICT DO NOTHING RETURNING 1",
                [
                    texts(new.iter().map(|change| change.row.name.as_str())),
                    numbers(new.iter().map(|change| change.row.seq)),
                    texts(new.iter().map(|change| change.row.head.as_str())),
                    numbers(new.iter().map(|change| change.row.last)),
                ],
            );
            self.check("of_new_member", new.len(), FASTER);
        }
        let rows = &writes.levels;
        if !rows.is_empty() {
            self.add(
                "of_level",
                "INSERT INTO level (member, tiers, level, until, reviewed) \
                 SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) \
                 ON CONFLICT (member, tiers) DO UPDATE SET level = excluded.level, until = excluded.until, \
                 reviewed = excluded.reviewed",
                [
                    texts(rows.iter().map(|row| row.member.as_str())),
                    texts(rows.iter().map(|row| row.tiers.as_str())),
                    texts(rows.iter().map(|row| row.level.as_str())),
                    maybe_numbers(rows.iter().map(|row| row.until)),
                    numbers(rows.iter().map(|row| row.reviewed)),
                ],
            );
        }
    }

    /// Events, with what is kept for goods that may come back, and the members' chains.
    fn events(&mut self, writes: &'w Writes) {
        let rows = &writes.events;
        if !rows.is_empty() {
            self.add(
                "of_event",
                "INSERT INTO event (number, source, id, revision, kind, member, at, date, time, json, decision, refused, \
                 pack, tz, snapshot, past) \
                 SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], \
                 $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::text[], \
                 $14::text[], $15::text[], $16::text[]) ON CONFLICT DO NOTHING RETURNING 1",
                [
                    numbers(rows.iter().map(|row| row.number)),
                    texts(rows.iter().map(|row| row.key.source.as_str())),
                    texts(rows.iter().map(|row| row.key.id.as_str())),
                    numbers(rows.iter().map(|row| row.key.revision)),
                    texts(rows.iter().map(|row| row.kind.as_str())),
                    maybe_texts(rows.iter().map(|row| row.member.as_deref())),
                    numbers(rows.iter().map(|row| row.at)),
                    numbers(rows.iter().map(|row| row.date)),
                    numbers(rows.iter().map(|row| row.time)),
                    texts(rows.iter().map(|row| row.json.as_str())),
                    texts(rows.iter().map(|row| row.decision.as_str())),
                    numbers(rows.iter().map(|row| i64::from(row.refused))),
                    texts(rows.iter().map(|row| row.pack.as_str())),
                    texts(rows.iter().map(|row| row.tz.as_str())),
                    texts(rows.iter().map(|row| row.snapshot.as_str())),
                    maybe_texts(rows.iter().map(|row| row.past.as_deref())),
                ],
            );
            self.check("of_event", rows.len(), FASTER);
        }
        let origins: Vec<&OriginRow> = rows.iter().filter_map(|row| row.origin.as_ref()).collect();
        if !origins.is_empty() {
            // Where somebody else has brought back goods of the same event, the row is there: a conflict.
            self.add(
                "of_origin",
                "INSERT INTO origin (event, seq, kept_by, text) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])",
                [
                    numbers(origins.iter().map(|row| row.event)),
                    numbers(origins.iter().map(|row| row.seq)),
                    numbers(origins.iter().map(|row| row.by)),
                    texts(origins.iter().map(|row| row.text.as_str())),
                ],
            );
        }
        let rows = &writes.links;
        if !rows.is_empty() {
            self.add(
                "of_link",
                "INSERT INTO link (event, member, seq, before, hash) \
                 SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])",
                [
                    numbers(rows.iter().map(|row| row.event)),
                    texts(rows.iter().map(|row| row.member.as_str())),
                    numbers(rows.iter().map(|row| row.seq)),
                    numbers(rows.iter().map(|row| row.before)),
                    texts(rows.iter().map(|row| row.hash.as_str())),
                ],
            );
        }
    }

    /// Lots, entries, what is owed and claims.
    fn points(&mut self, writes: &'w Writes) {
        let rows = &writes.lots;
        if !rows.is_empty() {
            self.add(
                "of_lot",
                "INSERT INTO lot (member, account, event, part, issued, start, until, granted, spent, expired, \
                 reversed, remaining, by_event, by_raised, site, spendable, worth) \
                 SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], \
                 $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], \
                 $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::text[], $17::bigint[])",
                [
                    texts(rows.iter().map(|row| row.member.as_str())),
                    texts(rows.iter().map(|row| row.account.as_str())),
                    numbers(rows.iter().map(|row| row.key.event)),
                    numbers(rows.iter().map(|row| row.key.part)),
                    numbers(rows.iter().map(|row| row.issued)),
                    numbers(rows.iter().map(|row| row.start)),
                    maybe_numbers(rows.iter().map(|row| row.until)),
                    numbers(rows.iter().map(|row| row.granted)),
                    numbers(rows.iter().map(|row| row.spent)),
                    numbers(rows.iter().map(|row| row.expired)),
                    numbers(rows.iter().map(|row| row.reversed)),
                    numbers(rows.iter().map(|row| row.remaining)),
                    numbers(rows.iter().map(|row| row.by.event)),
                    numbers(rows.iter().map(|row| row.by.raised)),
                    maybe_numbers(rows.iter().map(|row| row.by.site)),
                    maybe_texts(rows.iter().map(|row| row.spendable.as_deref())),
                    numbers(rows.iter().map(|row| row.worth)),
                ],
            );
        }
        let rows = &writes.lot_changes;
        if !rows.is_empty() {
            self.add(
                "of_lot_change",
                "UPDATE lot SET spent = lot.spent + u.spent, expired = lot.expired + u.expired, \
                 reversed = lot.reversed + u.reversed, \
                 remaining = lot.remaining - u.spent - u.expired - u.reversed, worth = lot.worth + u.worth \
                 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], \
                 $7::bigint[], $8::bigint[]) AS u (member, account, event, part, spent, expired, reversed, worth) \
                 WHERE lot.member = u.member AND lot.account = u.account AND lot.event = u.event \
                 AND lot.part = u.part RETURNING 1",
                [
                    texts(rows.iter().map(|row| row.member.as_str())),
                    texts(rows.iter().map(|row| row.account.as_str())),
                    numbers(rows.iter().map(|row| row.key.event)),
                    numbers(rows.iter().map(|row| row.key.part)),
                    numbers(rows.iter().map(|row| row.spent)),
                    numbers(rows.iter().map(|row| row.expired)),
                    numbers(rows.iter().map(|row| row.reversed)),
                    numbers(rows.iter().map(|row| row.worth)),
                ],
            );
            self.check("of_lot_change", rows.len(), GONE);
        }
        let rows = &writes.entries;
        if !rows.is_empty() {
            self.add(
                "of_entry",
                "INSERT INTO entry (event, part, member, account, book, amount, lot_event, lot_part, rule) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], \
                 $6::bigint[], $7::bigint[], $8::bigint[], $9::text[])",
                [
                    numbers(rows.iter().map(|row| row.event)),
                    numbers(rows.iter().map(|row| row.part)),
                    texts(rows.iter().map(|row| row.member.as_str())),
                    texts(rows.iter().map(|row| row.account.as_str())),
                    texts(rows.iter().map(|row| row.book.name())),
                    numbers(rows.iter().map(|row| row.amount)),
                    maybe_numbers(rows.iter().map(|row| row.lot.map(|lot| lot.event))),
                    maybe_numbers(rows.iter().map(|row| row.lot.map(|lot| lot.part))),
                    texts(rows.iter().map(|row| row.rule.as_str())),
                ],
            );
        }
        let rows = &writes.owed;
        if !rows.is_empty() {
            self.add(
                "of_owed",
                "INSERT INTO owed (member, account, owed) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) \
                 ON CONFLICT (member, account) DO UPDATE SET owed = owed.owed + excluded.owed",
                [
                    texts(rows.iter().map(|row| row.member.as_str())),
                    texts(rows.iter().map(|row| row.account.as_str())),
                    numbers(rows.iter().map(|row| row.owed)),
                ],
            );
        }
        let rows = &writes.claims;
        if !rows.is_empty() {
            self.add(
                "of_claim",
                "INSERT INTO claim (who, counter, local, event, at, amount) \
                 SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], \
                 $6::bigint[])",
                [
                    texts(rows.iter().map(|row| row.who.as_str())),
                    texts(rows.iter().map(|row| row.counter.as_str())),
                    numbers(rows.iter().map(|row| row.local)),
                    numbers(rows.iter().map(|row| row.event)),
                    numbers(rows.iter().map(|row| row.at)),
                    numbers(rows.iter().map(|row| row.amount)),
                ],
            );
        }
    }
}

/// A column of texts.
fn texts<'w>(values: impl Iterator<Item = &'w str>) -> Box<dyn ToSql + Sync + 'w> {
    Box::new(values.collect::<Vec<&str>>())
}

/// A column of texts, not all of which are there.
fn maybe_texts<'w>(values: impl Iterator<Item = Option<&'w str>>) -> Box<dyn ToSql + Sync + 'w> {
    Box::new(values.collect::<Vec<Option<&str>>>())
}

/// A column of numbers.
fn numbers<'w>(values: impl Iterator<Item = i64>) -> Box<dyn ToSql + Sync + 'w> {
    Box::new(values.collect::<Vec<i64>>())
}

/// A column of numbers, not all of which are there.
fn maybe_numbers<'w>(values: impl Iterator<Item = Option<i64>>) -> Box<dyn ToSql + Sync + 'w> {
    Box::new(values.collect::<Vec<Option<i64>>>())
}

/// All that events need to see, in one statement and so from one moment: what a row is of, and its values.
const LOAD: &str = "
WITH o AS (SELECT DISTINCT ON (o.event) e.id, e.pack, e.date, o.event, o.seq, o.kept_by, o.text, e.snapshot
  FROM event e JOIN (SELECT DISTINCT * FROM unnest($7::text[], $8::text[]) AS k (source, id)) k
  ON e.id = k.id AND e.source = k.source JOIN origin o ON o.event = e.number ORDER BY o.event, o.seq DESC),
h AS (SELECT id, number, json, snapshot FROM event WHERE id = ANY($9) AND source = 'perq:reserve'),
named AS (SELECT event FROM o UNION SELECT number FROM h)
SELECT 'stored' AS of, json_build_array(e.source, e.id, e.revision, e.json, e.decision)::text AS row
  FROM event e JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS k (source, id)) k
  ON e.id = k.id AND e.source = k.source
UNION ALL SELECT 'member', json_build_array(name, seq, head, last)::text
  FROM member WHERE name = ANY($3)
UNION ALL SELECT 'level', json_build_array(member, tiers, level, until, reviewed)::text
  FROM level WHERE member = ANY($3)
UNION ALL SELECT 'origin', json_build_array(id, pack, date, event, seq, kept_by, text, snapshot)::text FROM o
UNION ALL SELECT 'lot', json_build_array(member, account, event, part, issued, start, until, granted, spent, expired,
  reversed, remaining, by_event, by_raised, site, spendable, worth)::text
  FROM lot WHERE member = ANY($3) AND remaining > 0
UNION ALL SELECT 'lot', json_build_array(member, account, event, part, issued, start, until, granted, spent, expired,
  reversed, remaining, by_event, by_raised, site, spendable, worth)::text
  FROM lot WHERE EXISTS (SELECT 1 FROM named) AND member = ANY($3) AND remaining = 0
  AND (by_event IN (SELECT o.event FROM o) OR (lot.event, lot.part) IN (
  SELECT n.lot_event, n.lot_part FROM entry n JOIN named ON n.event = named.event WHERE n.lot_event IS NOT NULL))
UNION ALL SELECT 'held', json_build_array(h.id, h.json, EXISTS (
  SELECT 1 FROM event r WHERE r.id = h.id AND r.source = 'perq:release'),
  h.snapshot, n.account, n.lot_event, n.lot_part, n.amount)::text
  FROM h LEFT JOIN entry n ON n.event = h.number AND n.book = 'reserved'
UNION ALL SELECT 'owed', json_build_array(member, account, owed)::text
  FROM owed WHERE member = ANY($3)
UNION ALL SELECT 'claim', json_build_array(who, counter, local, event, at, amount)::text
  FROM claim WHERE who = ANY($3)
UNION ALL SELECT 'holding', json_build_array(member, kind, name, of_event, of_raised, event, value, until)::text
  FROM holding WHERE member = ANY($3)
UNION ALL SELECT 'coupon', json_build_array(folded, code, coupon, member, expires, uses, event, withdrawn)::text
  FROM coupon WHERE folded = ANY($4)
UNION ALL SELECT 'past', json_build_array(e.number, e.member, e.past)::text
  FROM (SELECT name, least($5, (SELECT min(l.reviewed) / 86400 - $11 FROM level l
  WHERE l.member = name AND l.tiers = ANY($10))) AS since FROM unnest($3::text[]) AS n (name)) n
  JOIN event e ON e.member = n.name AND e.date >= n.since WHERE $12 AND e.past IS NOT NULL
UNION ALL SELECT 'tally', json_build_array(t.offer, t.kind, t.seq, t.ended, t.accepted, t.day)::text
  FROM unnest($13::text[], $14::bigint[]) AS l (offer, known) JOIN tally t ON t.offer = l.offer
  AND (t.seq > l.known OR t.kind = '')
UNION ALL SELECT 'version', json_build_array(name, version)::text FROM counter
UNION ALL SELECT 'number', json_build_array(nextval('event_number'))::text FROM generate_series(1, $6)";

/// A row of [`LOAD`].
struct Values(Vec<serde_json::Value>);

impl Values {
    fn text(&self, at: usize) -> String {
        self.maybe_text(at).unwrap_or_default()
    }
    fn maybe_text(&self, at: usize) -> Option<String> {
        self.0.get(at)?.as_str().map(str::to_owned)
    }
    fn number(&self, at: usize) -> i64 {
        self.maybe_number(at).unwrap_or(0)
    }
    fn maybe_number(&self, at: usize) -> Option<i64> {
        self.0.get(at)?.as_i64()
    }
    fn truth(&self, at: usize) -> bool {
        self.0.get(at).and_then(serde_json::Value::as_bool).unwrap_or(false)
    }
    fn origin(&self) -> FoundOrigin {
        FoundOrigin {
            id: self.text(0),
            pack: self.text(1),
            date: self.number(2),
            row: OriginRow {
                event: self.number(3),
                seq: self.number(4),
                by: self.number(5),
                text: self.text(6),
            },
            snapshot: self.text(7),
        }
    }
}

fn sort_in(found: &mut Loaded, of: &str, row: &Values) {
    match of {
        "stored" => found.stored.push(Stored {
            key: EventKey { source: row.text(0), id: row.text(1), revision: row.number(2) },
            json: row.text(3),
            decision: row.text(4),
        }),
        "member" => {
            let (name, seq, head, last) = (row.text(0), row.number(1), row.text(2), row.number(3));
            found.members.push(MemberRow { name, seq, head, last });
        }
        "level" => found.levels.push(LevelRow {
            member: row.text(0),
            tiers: row.text(1),
            level: row.text(2),
            until: row.maybe_number(3),
            reviewed: row.number(4),
        }),
        "origin" => found.origins.push(row.origin()),
        "held" => {
            let key = LotKey { event: row.number(5), part: row.number(6) };
            let amount = row.number(7);
            let part = row.maybe_text(4).map(|account| HeldPart { account, key, amount });
            let id = row.text(0);
            match found.reservations.iter_mut().find(|known| known.id == id) {
                Some(known) => known.parts.extend(part),
                None => found.reservations.push(FoundReservation {
                    id,
                    json: row.text(1),
                    ended: row.truth(2),
                    snapshot: row.text(3),
                    parts: part.into_iter().collect(),
                }),
            }
        }
        "lot" => found.lots.push(LotRow {
            member: row.text(0),
            account: row.text(1),
            key: LotKey { event: row.number(2), part: row.number(3) },
            issued: row.number(4),
            start: row.number(5),
            until: row.maybe_number(6),
            granted: row.number(7),
            spent: row.number(8),
            expired: row.number(9),
            reversed: row.number(10),
            remaining: row.number(11),
            by: Cause { event: row.number(12), raised: row.number(13), site: row.maybe_number(14) },
            spendable: row.maybe_text(15),
            worth: row.number(16),
        }),
        "owed" => {
            let (member, account, owed) = (row.text(0), row.text(1), row.number(2));
            found.owed.push(OwedRow { member, account, owed });
        }
        "claim" => found.claims.push(ClaimRow {
            who: row.text(0),
            counter: row.text(1),
            local: row.number(2),
            event: row.number(3),
            at: row.number(4),
            amount: row.number(5),
        }),
        "holding" => found.holdings.push(HoldingRow {
            member: row.text(0),
            kind: row.text(1),
            name: row.text(2),
            of: (row.number(3), row.number(4)),
            event: row.number(5),
            value: row.maybe_text(6),
            until: row.maybe_number(7),
        }),
        "coupon" => found.coupons.push(CouponRow {
            folded: row.text(0),
            code: row.text(1),
            coupon: row.text(2),
            member: row.maybe_text(3),
            expires: row.maybe_number(4),
            uses: row.number(5),
            event: row.number(6),
            withdrawn: row.maybe_number(7),
        }),
        "past" => {
            found.past.push(PastRow { event: row.number(0), member: row.text(1), past: row.maybe_text(2) })
        }
        "tally" => found.tallies.push(TallyRow {
            offer: row.text(0),
            kind: row.text(1),
            seq: row.number(2),
            ended: row.number(3),
            accepted: row.number(4),
            day: row.number(5),
        }),
        "version" => found.versions.push((row.text(0), row.number(1))),
        "number" => found.numbers.push(row.number(0)),
        // The statement above gives no other.
        _ => {}
    }
}

/// An error with what the server says about it.
fn words(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

fn failure(error: &postgres::Error) -> StoreError {
    let text = words(error);
    let Some(state) = error.code() else { return StoreError::Unavailable(text) };
    let conflicts =
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::UNIQUE_VIOLATION];
    let damages = [SqlState::CHECK_VIOLATION, SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED];
    if *state == SqlState::INVALID_TEXT_REPRESENTATION && text.contains(FASTER) {
        StoreError::Conflict("a member or an event".to_owned())
    } else if *state == SqlState::INVALID_TEXT_REPRESENTATION && text.contains(GONE) {
        StoreError::Damaged("a lot is gone".to_owned())
    } else if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
        StoreError::Unfit(format!("the server may not be written to: {text}"))
    } else if conflicts.contains(state) {
        StoreError::Conflict(text)
    } else if damages.contains(state) {
        StoreError::Damaged(text)
    } else {
        StoreError::Unavailable(text)
    }
}

impl Store for Postgres {
    fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        self.abandon();
        if wanted.lock {
            self.begin()?;
            self.run(
                "SELECT 1 FROM member WHERE name = ANY($1) ORDER BY name FOR UPDATE",
                &[&wanted.members],
            )?;
            self.run(
                "SELECT 1 FROM counter WHERE name = ANY($1) ORDER BY name FOR UPDATE",
                &[&wanted.counters],
            )?;
        }
        let learned: Vec<&str> = wanted.learned.iter().map(|(offer, _)| offer.as_str()).collect();
        let known: Vec<i64> = wanted.learned.iter().map(|(_, known)| *known).collect();
        if wanted.lock && !learned.is_empty() {
            self.run(
                "SELECT 1 FROM tally WHERE offer = ANY($1) AND kind = '' ORDER BY offer FOR UPDATE",
                &[&learned],
            )?;
        }
        let sources: Vec<&str> = wanted.keys.iter().map(|key| key.source.as_str()).collect();
        let ids: Vec<&str> = wanted.keys.iter().map(|key| key.id.as_str()).collect();
        let from = wanted.past_from.unwrap_or(i64::MAX);
        let numbers = i32::try_from(wanted.numbers).unwrap_or(i32::MAX);
        let statement = self.prepared(LOAD)?;
        let back: Vec<&str> = wanted.origins.iter().map(|key| key.source.as_str()).collect();
        let back_ids: Vec<&str> = wanted.origins.iter().map(|key| key.id.as_str()).collect();
        let mut values: [&(dyn ToSql + Sync); 14] = [
            &sources,
            &ids,
            &wanted.members,
            &wanted.codes,
            &from,
            &numbers,
            &back,
            &back_ids,
            &wanted.reservations,
            &wanted.reviews,
            &wanted.review_days,
            &wanted.past_from.is_some(),
            &learned,
            &known,
        ];
        let rows = match self.client()?.query(&statement, &values) {
            // What was decided can be answered without numbers for new events; a server that may only be read has none.
            Err(error) if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
                values[5] = &0i32;
                let rows = self.client()?.query(&statement, &values).map_err(|error| failure(&error))?;
                let stored = rows.iter().filter(|row| row.get::<_, &str>(0) == "stored").count();
                if stored < wanted.keys.len() {
                    return Err(failure(&error));
                }
                rows
            }
            rows => rows.map_err(|error| failure(&error))?,
        };
        let mut found = Loaded::default();
        for row in rows {
            let values =
                serde_json::from_str(row.get(1)).map_err(|error| StoreError::Damaged(error.to_string()))?;
            sort_in(&mut found, row.get(0), &Values(values));
        }
        found.lots.sort_by_key(|lot| lot.key);
        found.holdings.sort_by_key(|holding| holding.event);
        found.past.sort_by_key(|past| past.event);
        found.numbers.sort_unstable();
        if let Some(last) = found.numbers.last().copied()
            && last > self.planned.saturating_mul(GROWN)
        {
            self.client()?.batch_execute("DISCARD PLANS").map_err(|error| failure(&error))?;
            self.planned = last;
        }
        Ok(found)
    }

    fn counters(&mut self, names: &[String]) -> Result<Vec<CounterRow>, StoreError> {
        let statement = self.prepared(
            "SELECT c.name, c.version, d.day, d.amount FROM counter c \
             LEFT JOIN counter_day d ON d.counter = c.name WHERE c.name = ANY($1) ORDER BY c.name, d.day",
        )?;
        let rows = self.client()?.query(&statement, &[&names]).map_err(|error| failure(&error))?;
        let mut all: BTreeMap<String, CounterRow> = names
            .iter()
            .map(|name| (name.clone(), CounterRow { name: name.clone(), ..CounterRow::default() }))
            .collect();
        for row in rows {
            if let Some(counter) = all.get_mut(row.get::<_, &str>(0)) {
                counter.version = row.get(1);
                if let (Some(day), Some(amount)) = (row.get(2), row.get(3)) {
                    counter.days.push((day, amount));
                }
            }
        }
        Ok(all.into_values().collect())
    }

    fn shared_claims(&mut self, counter: &str, from: i64) -> Result<Vec<ClaimRow>, StoreError> {
        let statement = self.prepared(
            "SELECT who, counter, local, event, at, amount FROM claim \
             WHERE who = '' AND counter = $1 AND local >= $2",
        )?;
        let rows = self.client()?.query(&statement, &[&counter, &from]).map_err(|error| failure(&error))?;
        let read = |row: &postgres::Row| ClaimRow {
            who: row.get(0),
            counter: row.get(1),
            local: row.get(2),
            event: row.get(3),
            at: row.get(4),
            amount: row.get(5),
        };
        Ok(rows.iter().map(read).collect())
    }

    fn origins(&mut self, keys: &[EventKey]) -> Result<Vec<FoundOrigin>, StoreError> {
        let sources: Vec<&str> = keys.iter().map(|key| key.source.as_str()).collect();
        let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        let statement = self.prepared(
            "SELECT DISTINCT ON (o.event) \
             json_build_array(e.id, e.pack, e.date, o.event, o.seq, o.kept_by, o.text, e.snapshot)::text \
             FROM event e JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS k (source, id)) k \
             ON e.id = k.id AND e.source = k.source JOIN origin o ON o.event = e.number \
             ORDER BY o.event, o.seq DESC",
        )?;
        let rows = self.client()?.query(&statement, &[&sources, &ids]).map_err(|error| failure(&error))?;
        let read = |row: &postgres::Row| {
            let values: Result<Vec<serde_json::Value>, _> = serde_json::from_str(row.get(0));
            values
                .map(|values| Values(values).origin())
                .map_err(|error| StoreError::Damaged(error.to_string()))
        };
        rows.iter().map(read).collect()
    }

    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        let done = self.write(writes);
        if done.is_err() {
            self.abandon();
        }
        done
    }

    fn look(&mut self) -> Result<(), StoreError> {
        self.abandon();
        self.client()?
            .batch_execute(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {OWN_PLANS}"))
            .map_err(|error| failure(&error))?;
        self.begun = true;
        Ok(())
    }

    fn reconnects(&self) -> bool {
        true
    }

    fn abandon(&mut self) {
        if std::mem::take(&mut self.begun)
            && let Some(client) = &mut self.client
            && client.batch_execute("ROLLBACK").is_err()
        {
            self.client = None;
        }
    }

    fn query(&mut self, sql: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, StoreError> {
        let statement = self.prepared(sql)?;
        let none: Option<String> = None;
        let values: Vec<&(dyn ToSql + Sync)> = values
            .iter()
            .map(|value| -> &(dyn ToSql + Sync) {
                match value {
                    Datum::Null => &none,
                    Datum::Number(number) => number,
                    Datum::Text(text) => text,
                }
            })
            .collect();
        let rows = self.client()?.query(&statement, &values).map_err(|error| failure(&error))?;
        let read = |row: &postgres::Row, at: usize| -> Result<Datum, StoreError> {
            let of = row.columns().get(at).map(|column| column.type_().clone());
            let wrong = |error: postgres::Error| StoreError::Damaged(words(&error));
            Ok(match of {
                Some(Type::INT8) => row.try_get::<_, Option<i64>>(at).map_err(wrong)?.map(Datum::Number),
                Some(Type::INT4) => {
                    let number: Option<i32> = row.try_get(at).map_err(wrong)?;
                    number.map(|number| Datum::Number(i64::from(number)))
                }
                Some(_) | None => row.try_get::<_, Option<String>>(at).map_err(wrong)?.map(Datum::Text),
            }
            .unwrap_or(Datum::Null))
        };
        rows.iter().map(|row| (0..row.len()).map(|at| read(row, at)).collect()).collect()
    }
}
