//! A ledger in one file. SQLite is built in, so there is nothing to set up; several processes of one machine may share
//! the file. Every commit reaches the disk before it is answered (`synchronous = FULL`, write-ahead log).
//!
//! Refuses to know what the rows mean.

use crate::log::Log;
use crate::schema::{FIXED, MIGRATIONS};
use crate::stages::Stages;
use crate::store::{
    Cause, ClaimRow, CounterRow, CouponRow, Datum, EventKey, FoundOrigin, FoundReservation, HeldPart,
    HoldingRow, LevelRow, Loaded, LotKey, LotRow, MemberRow, OriginRow, OwedRow, PastRow, Store, StoreError,
    Stored, TallyRow, Wanted, Writes,
};
use perq_compiler::calendar::DAY;
use rusqlite::config::DbConfig;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, params, params_from_iter};
use std::path::Path;
use std::time::{Duration, Instant};

/// Marks a file as a ledger: the letters `perq`.
const APPLICATION: i64 = 0x7065_7271;

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(30);

/// A ledger in a file.
pub struct Sqlite {
    connection: Connection,
    /// After a write that did not reach the disk nothing that is written can be trusted to.
    broken: Option<String>,
    log: Log,
    stages: Stages,
}

impl Sqlite {
    /// Opens a file, and makes it where it is not there and `create` allows it.
    ///
    /// # Errors
    /// Where it cannot be opened, is no ledger, or one of a newer perq.
    pub fn open(path: &Path, create: bool) -> Result<Sqlite, StoreError> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        } else if !path.exists() {
            return Err(StoreError::Unfit("there is no ledger at this place".to_owned()));
        }
        let mut connection = Connection::open_with_flags(path, flags).map_err(failure)?;
        connection.busy_timeout(PATIENCE).map_err(failure)?;
        connection.set_prepared_statement_cache_capacity(128);
        // A plan is made once for each statement. SQLite would else make it anew for most values that are bound, which took a third
        // of the time in which events are read and written.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failure)?;
        let log = Log::of(&mut connection).map_err(failure)?;
        let store = Sqlite { connection, broken: None, log, stages: Stages::default() };
        store.prepare(create)?;
        Ok(store)
    }

    /// Lets the write-ahead log begin anew from so many pages on. A longer log does so less often, and takes longer to read after
    /// a crash.
    #[must_use]
    pub fn with_log(mut self, pages: u32) -> Sqlite {
        self.log.fill(i64::from(pages));
        self
    }

    fn prepare(&self, create: bool) -> Result<(), StoreError> {
        let pragma = |name: &str| -> Result<i64, StoreError> {
            self.connection.pragma_query_value(None, name, |row| row.get(0)).map_err(failure)
        };
        let (application, version) = (pragma("application_id")?, pragma("user_version")?);
        let tables: i64 = self
            .connection
            .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
            .map_err(failure)?;
        if application != APPLICATION && (application != 0 || tables > 0) {
            return Err(StoreError::Unfit("the file is a database, but no ledger of perq".to_owned()));
        }
        if application == 0 && !create {
            return Err(StoreError::Unfit("there is no ledger at this place".to_owned()));
        }
        let made = usize::try_from(version).unwrap_or(usize::MAX);
        if made > MIGRATIONS.len() {
            return Err(StoreError::Unfit(format!(
                "the ledger has version {version}; this perq knows versions up to {}",
                MIGRATIONS.len()
            )));
        }
        let set = |text: &str| self.connection.execute_batch(text).map_err(failure);
        if pragma("query_only")? == 0 && made < MIGRATIONS.len() {
            set("PRAGMA journal_mode = WAL")?;
            self.migrate()?;
        }
        // The cache, in KiB. A commit that has split a page looks through all of it, which is the larger part of what a group costs
        // whatever its size. A large ledger's pages are in none of any sensible size; its tables' ends and upper pages are in this.
        set("PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;")
    }

    fn migrate(&self) -> Result<(), StoreError> {
        let run = |text: &str| self.connection.execute_batch(text).map_err(failure);
        run("BEGIN IMMEDIATE")?;
        let work = || -> Result<(), StoreError> {
            // Somebody else may have made them while this one waited.
            let made: i64 = self
                .connection
                .pragma_query_value(None, "user_version", |row| row.get(0))
                .map_err(failure)?;
            let made = usize::try_from(made).unwrap_or(0);
            for migration in MIGRATIONS.iter().skip(made) {
                run(&dialect(migration))?;
            }
            for table in FIXED {
                for deed in ["UPDATE", "DELETE"] {
                    // A table that a migration has made anew has none.
                    run(&format!(
                        "CREATE TRIGGER IF NOT EXISTS {table}_no_{deed} BEFORE {deed} ON {table} BEGIN \
                         SELECT raise(ABORT, 'rows of {table} are only ever added'); END"
                    ))?;
                }
            }
            run(&format!(
                "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}; COMMIT",
                MIGRATIONS.len()
            ))
        };
        work().inspect_err(|_| drop(run("ROLLBACK")))
    }

    /// Runs a statement; gives how many rows it has changed.
    fn run(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<usize, StoreError> {
        let statement = self.connection.prepare_cached(sql);
        statement.and_then(|mut statement| statement.execute(values)).map_err(failure)
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
        out: &mut Vec<T>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failure)?;
        let rows = statement.query_map(values, read).map_err(failure)?;
        for row in rows {
            out.push(row.map_err(failure)?);
        }
        Ok(())
    }

    fn read(&self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        let mut found = Loaded { origins: self.found_origins(&wanted.origins)?, ..Loaded::default() };
        let mut naming: Vec<i64> = found.origins.iter().map(|origin| origin.row.event).collect();
        for id in &wanted.reservations {
            self.found_reservation(id, &mut naming, &mut found.reservations)?;
        }
        for key in &wanted.keys {
            self.rows(
                "SELECT revision, json, decision FROM event WHERE id = ?1 AND source = ?2",
                params![key.id, key.source],
                |row| {
                    let key = EventKey { revision: row.get(0)?, ..key.clone() };
                    Ok(Stored { key, json: row.get(1)?, decision: row.get(2)? })
                },
                &mut found.stored,
            )?;
        }
        let kept = Kept::of(&self.connection)?;
        for member in &wanted.members {
            self.read_member(member, wanted, (&naming, kept), &mut found)?;
        }
        for code in &wanted.codes {
            self.rows(
                "SELECT folded, code, coupon, member, expires, uses, event, withdrawn FROM coupon \
                 WHERE folded = ?1",
                params![code],
                coupon_row,
                &mut found.coupons,
            )?;
        }
        for (offer, known) in &wanted.learned {
            self.rows(
                "SELECT offer, kind, seq, ended, accepted, day FROM tally \
                 WHERE offer = ?1 AND (seq > ?2 OR kind = '')",
                params![offer, known],
                tally_row,
                &mut found.tallies,
            )?;
        }
        let version = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.rows("SELECT name, version FROM counter", &[], version, &mut found.versions)?;
        let last: i64 = self
            .connection
            .prepare_cached("SELECT coalesce(max(number), 0) FROM event")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(failure)?;
        // Several events may name the same lot.
        found.lots.sort_by_key(|lot| lot.key);
        found.lots.dedup_by_key(|lot| (lot.key, lot.member.clone(), lot.account.clone()));
        found.numbers = (1i64..).take(wanted.numbers).map(|more| last.saturating_add(more)).collect();
        Ok(found)
    }

    /// Reads what events need to see of a member: `naming` are those whose lots are needed though they are used up.
    fn read_member(
        &self,
        member: &String,
        wanted: &Wanted,
        (naming, kept): (&[i64], Kept),
        found: &mut Loaded,
    ) -> Result<(), StoreError> {
        let who = params![member];
        if kept.claims {
            // Nobody has anything else who has no chain, but claims count for inviters, too.
            self.rows(CLAIMS, who, claim_row, &mut found.claims)?;
        }
        let known = found.members.len();
        let sql = "SELECT name, seq, head, last FROM member WHERE name = ?1";
        self.rows(sql, who, member_row, &mut found.members)?;
        if found.members.len() == known {
            return Ok(());
        }
        if kept.levels {
            self.rows(
                "SELECT member, tiers, level, until, reviewed FROM level WHERE member = ?1",
                who,
                level_row,
                &mut found.levels,
            )?;
        }
        self.rows(LOTS, who, lot_row, &mut found.lots)?;
        for event in naming {
            self.rows(SPENT_LOTS, params![member, event], lot_row, &mut found.lots)?;
        }
        if kept.owed {
            self.rows(
                "SELECT member, account, owed FROM owed WHERE member = ?1",
                who,
                owed_row,
                &mut found.owed,
            )?;
        }
        if kept.holdings {
            self.rows(
                "SELECT member, kind, name, of_event, of_raised, event, value, until FROM holding \
                 WHERE member = ?1 ORDER BY event",
                who,
                holding_row,
                &mut found.holdings,
            )?;
        }
        let Some(from) = wanted.past_from else { return Ok(()) };
        let own = found.levels.iter().filter(|row| row.member == *member);
        let missed = own.filter(|row| wanted.reviews.contains(&row.tiers)).map(|row| row.reviewed);
        let day = |local: i64| local.div_euclid(DAY).saturating_sub(wanted.review_days);
        let from = missed.map(day).min().map_or(from, |first| first.min(from));
        self.rows(
            "SELECT number, member, past FROM event \
             WHERE member = ?1 AND date >= ?2 AND past IS NOT NULL ORDER BY number",
            params![member, from],
            |row| Ok(PastRow { event: row.get(0)?, member: row.get(1)?, past: row.get(2)? }),
            &mut found.past,
        )
    }

    /// Reads a reservation, and adds the number of its event.
    fn found_reservation(
        &self,
        id: &str,
        naming: &mut Vec<i64>,
        all: &mut Vec<FoundReservation>,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT e.number, e.json, EXISTS (SELECT 1 FROM event r WHERE r.id = e.id AND r.source = 'perq:release'), \
                 e.snapshot, n.account, n.lot_event, n.lot_part, n.amount FROM event e \
                 LEFT JOIN entry n ON n.event = e.number AND n.book = 'reserved' \
                 WHERE e.id = ?1 AND e.source = 'perq:reserve' ORDER BY n.part",
            )
            .map_err(failure)?;
        let mut rows = statement.query([id]).map_err(failure)?;
        let mut found: Option<FoundReservation> = None;
        while let Some(row) = rows.next().map_err(failure)? {
            let mut read = || -> rusqlite::Result<()> {
                if found.is_none() {
                    naming.push(row.get(0)?);
                }
                let found = match &mut found {
                    Some(found) => found,
                    none => none.insert(FoundReservation {
                        id: id.to_owned(),
                        json: row.get(1)?,
                        ended: row.get(2)?,
                        snapshot: row.get(3)?,
                        parts: Vec::new(),
                    }),
                };
                if let Some(account) = row.get(4)? {
                    let key = LotKey { event: row.get(5)?, part: row.get(6)? };
                    found.parts.push(HeldPart { account, key, amount: row.get(7)? });
                }
                Ok(())
            };
            read().map_err(failure)?;
        }
        all.extend(found);
        Ok(())
    }

    fn found_origins(&self, keys: &[EventKey]) -> Result<Vec<FoundOrigin>, StoreError> {
        let mut all = Vec::new();
        for key in keys {
            self.rows(
                "SELECT e.id, e.pack, e.date, o.event, o.seq, o.kept_by, o.text, e.snapshot \
                 FROM event e JOIN origin o ON o.event = e.number \
                 WHERE e.id = ?1 AND e.source = ?2 ORDER BY o.seq DESC LIMIT 1",
                params![key.id, key.source],
                |row| {
                    let kept = OriginRow {
                        event: row.get(3)?,
                        seq: row.get(4)?,
                        by: row.get(5)?,
                        text: row.get(6)?,
                    };
                    let (id, pack, date, snapshot) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(7)?);
                    Ok(FoundOrigin { id, pack, date, snapshot, row: kept })
                },
                &mut all,
            )?;
        }
        Ok(all)
    }

    fn write(&self, writes: &Writes, stages: &mut Stages) -> Result<(), StoreError> {
        let mut since = Instant::now();
        let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| self.run(sql, values);
        for row in &writes.accounts {
            run(
                "INSERT INTO account (name, unit, decimals) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![row.name, row.unit, row.decimals],
            )?;
        }
        for change in &writes.members {
            let row = &change.row;
            let done = if change.found == 0 {
                run(
                    "INSERT INTO member (name, seq, head, last) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                    params![row.name, row.seq, row.head, row.last],
                )?
            } else {
                run(
                    "UPDATE member SET seq = ?2, head = ?3, last = ?4 WHERE name = ?1 AND seq = ?5",
                    params![row.name, row.seq, row.head, row.last, change.found],
                )?
            };
            if done != 1 {
                return Err(StoreError::Conflict(format!("member {}", row.name)));
            }
        }
        since = stages.add("write members", since);
        for row in &writes.levels {
            run(
                "INSERT INTO level (member, tiers, level, until, reviewed) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT (member, tiers) DO UPDATE SET level = excluded.level, until = excluded.until, \
                 reviewed = excluded.reviewed",
                params![row.member, row.tiers, row.level, row.until, row.reviewed],
            )?;
        }
        for (name, found, more) in &writes.counters {
            let done = if *found == 0 {
                run(
                    "INSERT INTO counter (name, version) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![name, more],
                )?
            } else {
                run(
                    "UPDATE counter SET version = version + ?2 WHERE name = ?1 AND version = ?3",
                    params![name, more, found],
                )?
            };
            if done != 1 {
                return Err(StoreError::Conflict(format!("counter {name}")));
            }
        }
        for (name, day, more) in &writes.days {
            run(
                "INSERT INTO counter_day (counter, day, amount) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (counter, day) DO UPDATE SET amount = amount + excluded.amount",
                params![name, day, more],
            )?;
        }
        since = stages.add("write levels and counters", since);
        for row in &writes.events {
            let done = run(
                "INSERT INTO event (number, source, id, revision, kind, member, at, date, time, json, decision, \
                 refused, pack, tz, snapshot, past) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
                 ON CONFLICT DO NOTHING",
                params![
                    row.number,
                    row.key.source,
                    row.key.id,
                    row.key.revision,
                    row.kind,
                    row.member,
                    row.at,
                    row.date,
                    row.time,
                    row.json,
                    row.decision,
                    i64::from(row.refused),
                    row.pack,
                    row.tz,
                    row.snapshot,
                    row.past
                ],
            )?;
            if done != 1 {
                return Err(StoreError::Conflict(format!("event {}", row.key)));
            }
            if let Some(origin) = &row.origin {
                run(
                    "INSERT INTO origin (event, seq, kept_by, text) VALUES (?1, ?2, ?3, ?4)",
                    params![origin.event, origin.seq, origin.by, origin.text],
                )?;
            }
        }
        since = stages.add("write events", since);
        for row in &writes.links {
            run(
                "INSERT INTO link (event, member, seq, before, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![row.event, row.member, row.seq, row.before, row.hash],
            )?;
        }
        since = stages.add("write links", since);
        for row in &writes.lots {
            run(
                "INSERT INTO lot (member, account, event, part, issued, start, until, granted, spent, expired, \
                 reversed, remaining, by_event, by_raised, site, spendable, worth) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
                params![
                    row.member,
                    row.account,
                    row.key.event,
                    row.key.part,
                    row.issued,
                    row.start,
                    row.until,
                    row.granted,
                    row.spent,
                    row.expired,
                    row.reversed,
                    row.remaining,
                    row.by.event,
                    row.by.raised,
                    row.by.site,
                    row.spendable,
                    row.worth
                ],
            )?;
        }
        for change in &writes.lot_changes {
            let done = run(
                "UPDATE lot SET spent = spent + ?5, expired = expired + ?6, reversed = reversed + ?7, \
                 remaining = remaining - ?5 - ?6 - ?7, worth = worth + ?8 \
                 WHERE member = ?1 AND account = ?2 AND event = ?3 AND part = ?4",
                params![
                    change.member,
                    change.account,
                    change.key.event,
                    change.key.part,
                    change.spent,
                    change.expired,
                    change.reversed,
                    change.worth
                ],
            )?;
            if done != 1 {
                return Err(StoreError::Damaged(format!("a lot of {} is gone", change.member)));
            }
        }
        since = stages.add("write lots", since);
        for row in &writes.entries {
            run(
                "INSERT INTO entry (event, part, member, account, book, amount, lot_event, lot_part, rule) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    row.event,
                    row.part,
                    row.member,
                    row.account,
                    row.book.name(),
                    row.amount,
                    row.lot.map(|lot| lot.event),
                    row.lot.map(|lot| lot.part),
                    row.rule
                ],
            )?;
        }
        since = stages.add("write entries", since);
        for row in &writes.owed {
            run(
                "INSERT INTO owed (member, account, owed) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (member, account) DO UPDATE SET owed = owed + excluded.owed",
                params![row.member, row.account, row.owed],
            )?;
        }
        for row in &writes.claims {
            run(
                "INSERT INTO claim (who, counter, local, event, at, amount) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![row.who, row.counter, row.local, row.event, row.at, row.amount],
            )?;
        }
        since = stages.add("write claims and what is owed", since);
        for row in &writes.holdings {
            run(
                "INSERT INTO holding (member, kind, name, of_event, of_raised, event, value, until) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
                params![row.member, row.kind, row.name, row.of.0, row.of.1, row.event, row.value, row.until],
            )?;
        }
        for row in &writes.coupons {
            let done = run(
                "INSERT INTO coupon (folded, code, coupon, member, expires, uses, event) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                params![row.folded, row.code, row.coupon, row.member, row.expires, row.uses, row.event],
            )?;
            if done != 1 {
                return Err(StoreError::Damaged(format!("the code {} was issued before", row.code)));
            }
        }
        for row in &writes.uses {
            let (folded, amount) = (&row.folded, row.amount);
            run("UPDATE coupon SET uses = uses + ?2 WHERE folded = ?1", params![folded, amount])?;
            run(
                "INSERT INTO coupon_use (folded, event, amount) VALUES (?1, ?2, ?3)",
                params![folded, row.event, amount],
            )?;
        }
        for (folded, event) in &writes.withdrawn {
            run("UPDATE coupon SET withdrawn = ?2 WHERE folded = ?1", params![folded, event])?;
        }
        self.write_contacts(writes)?;
        stages.add("write others", since);
        Ok(())
    }

    fn write_contacts(&self, writes: &Writes) -> Result<(), StoreError> {
        let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| self.run(sql, values);
        for row in &writes.learning {
            run(
                "INSERT INTO learning (pack, offer, name, terms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                params![row.pack, row.offer, row.name, row.terms],
            )?;
        }
        for (row, found) in &writes.tallies {
            // The row of all members says whether somebody else has learned since; those of kinds follow it.
            let done = if row.kind.is_empty() && *found > 0 {
                run(
                    "UPDATE tally SET seq = ?2, ended = ?3, accepted = ?4, day = ?5 \
                     WHERE offer = ?1 AND kind = '' AND seq = ?6",
                    params![row.offer, row.seq, row.ended, row.accepted, row.day, found],
                )?
            } else if row.kind.is_empty() {
                run(
                    "INSERT INTO tally (offer, kind, seq, ended, accepted, day) \
                     VALUES (?1, '', ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                    params![row.offer, row.seq, row.ended, row.accepted, row.day],
                )?
            } else {
                run(
                    "INSERT INTO tally (offer, kind, seq, ended, accepted, day) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                     ON CONFLICT (offer, kind) DO UPDATE SET seq = excluded.seq, ended = excluded.ended, \
                     accepted = excluded.accepted, day = excluded.day",
                    params![row.offer, row.kind, row.seq, row.ended, row.accepted, row.day],
                )?
            };
            if done != 1 {
                return Err(StoreError::Conflict(format!("what is learned of {}", row.offer)));
            }
        }
        for row in &writes.contacts {
            let learned = row.learned.as_ref();
            run(
                "INSERT INTO contact (event, part, offer, answer, session, propensity, learned, kind, seq) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    row.event,
                    row.part,
                    row.offer,
                    row.answer,
                    row.session,
                    row.propensity,
                    learned.map(|learned| &learned.offer),
                    learned.and_then(|learned| learned.kind.as_ref()),
                    learned.map(|learned| learned.seq)
                ],
            )?;
        }
        Ok(())
    }

    fn whole(&self) -> Result<(), StoreError> {
        match self.broken.as_deref().or_else(|| self.log.broken()) {
            Some(text) => Err(StoreError::Unavailable(format!(
                "a write did not reach the disk ({text}); nothing more is written until the ledger is opened anew"
            ))),
            None => Ok(()),
        }
    }
}

/// Which tables have rows of members at all: of the others nothing is asked, member by member.
#[derive(Clone, Copy)]
struct Kept {
    levels: bool,
    claims: bool,
    holdings: bool,
    owed: bool,
}

impl Kept {
    fn of(connection: &Connection) -> Result<Kept, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM level), EXISTS (SELECT 1 FROM claim WHERE who > ''), \
                   EXISTS (SELECT 1 FROM holding), EXISTS (SELECT 1 FROM owed)";
        let read = |row: &Row<'_>| {
            let (levels, claims, holdings, owed) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(Kept { levels, claims, holdings, owed })
        };
        let statement = connection.prepare_cached(sql);
        statement.and_then(|mut statement| statement.query_row([], read)).map_err(failure)
    }
}

const LOTS: &str = "SELECT member, account, event, part, issued, start, until, granted, spent, expired, reversed, \
                    remaining, by_event, by_raised, site, spendable, worth \
                    FROM lot WHERE member = ?1 AND remaining > 0 ORDER BY event, part";
/// Lots that are used up, and that an event issued, took from or holds something of.
const SPENT_LOTS: &str = "SELECT member, account, event, part, issued, start, until, granted, spent, expired, reversed, \
                          remaining, by_event, by_raised, site, spendable, worth \
                          FROM lot WHERE member = ?1 AND remaining = 0 AND (by_event = ?2 OR EXISTS (\
                          SELECT 1 FROM entry n WHERE n.event = ?2 AND n.lot_event = lot.event \
                          AND n.lot_part = lot.part))";
const CLAIMS: &str = "SELECT who, counter, local, event, at, amount FROM claim WHERE who = ?1";

fn member_row(row: &Row<'_>) -> rusqlite::Result<MemberRow> {
    Ok(MemberRow { name: row.get(0)?, seq: row.get(1)?, head: row.get(2)?, last: row.get(3)? })
}

fn level_row(row: &Row<'_>) -> rusqlite::Result<LevelRow> {
    Ok(LevelRow {
        member: row.get(0)?,
        tiers: row.get(1)?,
        level: row.get(2)?,
        until: row.get(3)?,
        reviewed: row.get(4)?,
    })
}

fn owed_row(row: &Row<'_>) -> rusqlite::Result<OwedRow> {
    Ok(OwedRow { member: row.get(0)?, account: row.get(1)?, owed: row.get(2)? })
}

fn holding_row(row: &Row<'_>) -> rusqlite::Result<HoldingRow> {
    Ok(HoldingRow {
        member: row.get(0)?,
        kind: row.get(1)?,
        name: row.get(2)?,
        of: (row.get(3)?, row.get(4)?),
        event: row.get(5)?,
        value: row.get(6)?,
        until: row.get(7)?,
    })
}

fn coupon_row(row: &Row<'_>) -> rusqlite::Result<CouponRow> {
    Ok(CouponRow {
        folded: row.get(0)?,
        code: row.get(1)?,
        coupon: row.get(2)?,
        member: row.get(3)?,
        expires: row.get(4)?,
        uses: row.get(5)?,
        event: row.get(6)?,
        withdrawn: row.get(7)?,
    })
}

fn lot_row(row: &Row<'_>) -> rusqlite::Result<LotRow> {
    Ok(LotRow {
        member: row.get(0)?,
        account: row.get(1)?,
        key: LotKey { event: row.get(2)?, part: row.get(3)? },
        issued: row.get(4)?,
        start: row.get(5)?,
        until: row.get(6)?,
        granted: row.get(7)?,
        spent: row.get(8)?,
        expired: row.get(9)?,
        reversed: row.get(10)?,
        remaining: row.get(11)?,
        by: Cause { event: row.get(12)?, raised: row.get(13)?, site: row.get(14)? },
        spendable: row.get(15)?,
        worth: row.get(16)?,
    })
}

fn claim_row(row: &Row<'_>) -> rusqlite::Result<ClaimRow> {
    Ok(ClaimRow {
        who: row.get(0)?,
        counter: row.get(1)?,
        local: row.get(2)?,
        event: row.get(3)?,
        at: row.get(4)?,
        amount: row.get(5)?,
    })
}

fn tally_row(row: &Row<'_>) -> rusqlite::Result<TallyRow> {
    Ok(TallyRow {
        offer: row.get(0)?,
        kind: row.get(1)?,
        seq: row.get(2)?,
        ended: row.get(3)?,
        accepted: row.get(4)?,
        day: row.get(5)?,
    })
}

/// SQLite's form of a migration: strict types, and tables that are their own index except for the wide ones.
fn dialect(migration: &str) -> String {
    let mut out = String::with_capacity(migration.len());
    let whole = migration.replace("BIGINT", "INTEGER");
    for statement in whole.split_inclusive(';') {
        let text = statement.trim();
        if text.starts_with("CREATE TABLE event ") || text.starts_with("CREATE TABLE origin ") {
            out.push_str(&text.replace("\n);", "\n) STRICT;"));
        } else if text.starts_with("CREATE TABLE") {
            out.push_str(&text.replace("\n);", "\n) STRICT, WITHOUT ROWID;"));
        } else {
            out.push_str(text);
        }
        out.push('\n');
    }
    out
}

fn failure(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Unfit("the file is no ledger".to_owned()),
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged(text),
        Some(ErrorCode::ConstraintViolation) => StoreError::Damaged(text),
        Some(ErrorCode::ReadOnly) => {
            StoreError::Unfit(format!("the ledger's file may not be written: {text}"))
        }
        Some(ErrorCode::DiskFull) => StoreError::Unavailable("there is no room left".to_owned()),
        Some(_) | None => StoreError::Unavailable(text),
    }
}

fn datum(value: ValueRef<'_>) -> Datum {
    match value {
        ValueRef::Null => Datum::Null,
        ValueRef::Integer(number) => Datum::Number(number),
        // The tables are strict and hold neither.
        ValueRef::Real(_) | ValueRef::Blob(_) => Datum::Null,
        ValueRef::Text(text) => Datum::Text(String::from_utf8_lossy(text).into_owned()),
    }
}

impl Store for Sqlite {
    fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        self.whole()?;
        let begin =
            |sql: &str| self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        begin("BEGIN IMMEDIATE")
            .or_else(|error| match error.sqlite_error_code() {
                // What was decided can be answered all the same; whoever writes is told.
                Some(ErrorCode::ReadOnly) => begin("BEGIN"),
                Some(_) | None => Err(error),
            })
            .map_err(failure)?;
        let found = self.read(wanted);
        if found.is_err() {
            self.abandon();
        }
        found
    }

    fn counters(&mut self, names: &[String]) -> Result<Vec<CounterRow>, StoreError> {
        let mut all = Vec::new();
        for name in names {
            let mut versions = Vec::new();
            self.rows(
                "SELECT version FROM counter WHERE name = ?1",
                params![name],
                |row| row.get(0),
                &mut versions,
            )?;
            let mut days = Vec::new();
            self.rows(
                "SELECT day, amount FROM counter_day WHERE counter = ?1 ORDER BY day",
                params![name],
                |row| Ok((row.get(0)?, row.get(1)?)),
                &mut days,
            )?;
            let version = versions.first().copied().unwrap_or(0);
            all.push(CounterRow { name: name.clone(), version, days });
        }
        Ok(all)
    }

    fn shared_claims(&mut self, counter: &str, from: i64) -> Result<Vec<ClaimRow>, StoreError> {
        let mut claims = Vec::new();
        self.rows(
            "SELECT who, counter, local, event, at, amount FROM claim \
             WHERE who = '' AND counter = ?1 AND local >= ?2",
            params![counter, from],
            claim_row,
            &mut claims,
        )?;
        Ok(claims)
    }

    fn origins(&mut self, keys: &[EventKey]) -> Result<Vec<FoundOrigin>, StoreError> {
        self.found_origins(keys)
    }

    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError> {
        let mut stages = std::mem::take(&mut self.stages);
        let written = self.whole().and_then(|()| self.write(writes, &mut stages));
        let since = Instant::now();
        self.stages = stages;
        if let Err(error) = written {
            self.abandon();
            return Err(error);
        }
        let done = self.connection.prepare_cached("COMMIT").and_then(|mut statement| statement.execute([]));
        match done {
            Ok(_) => {
                let since = self.stages.add("commit", since);
                self.log.committed(&self.connection);
                self.stages.add("take in the log", since);
                Ok(())
            }
            Err(error) => {
                if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                    self.broken = Some(error.to_string());
                }
                self.abandon();
                Err(failure(error))
            }
        }
    }

    fn stages(&self) -> Stages {
        self.stages.clone()
    }

    fn look(&mut self) -> Result<(), StoreError> {
        self.abandon();
        self.connection.execute_batch("BEGIN").map_err(failure)
    }

    fn reconnects(&self) -> bool {
        false
    }

    fn abandon(&mut self) {
        if !self.connection.is_autocommit() {
            // Where even this fails the connection is of no use, and the next statement says so.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
    }

    fn query(&mut self, sql: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failure)?;
        let width = statement.column_count();
        let values = values.iter().map(|value| match value {
            Datum::Null => Value::Null,
            Datum::Number(number) => Value::Integer(*number),
            Datum::Text(text) => Value::Text(text.clone()),
        });
        let mut rows = statement.query(params_from_iter(values)).map_err(failure)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(failure)? {
            let read: rusqlite::Result<Vec<Datum>> =
                (0..width).map(|at| row.get_ref(at).map(datum)).collect();
            out.push(read.map_err(failure)?);
        }
        Ok(out)
    }
}
