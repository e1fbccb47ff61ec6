//! What some events change, put together as rows: the double entry of what was moved, lots, chains. Refuses to decide and
//! to know where rows are kept.
//!
//! Each movement is posted with both its sides at once, so that the entries of every event sum to nothing in each account.

use crate::chain;
use crate::store::{
    Book, Cause, ClaimRow, EntryRow, EventRow, LevelRow, LinkRow, LotChange, LotKey, LotRow, MemberChange,
    MemberRow, OwedRow, TallyRow, Writes,
};
use std::collections::BTreeMap;

/// Rows of some events, and the members as they stand after them.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    members: BTreeMap<String, MemberChange>,
    lots: BTreeMap<LotKey, LotRow>,
    lot_changes: BTreeMap<(String, String, LotKey), LotChange>,
    owed: BTreeMap<(String, String), OwedRow>,
    counters: BTreeMap<String, (i64, i64)>,
    days: BTreeMap<(String, i64), i64>,
    /// By member and tiers, as they stand, and whether they are other than they were found.
    levels: BTreeMap<(String, String), (LevelRow, bool)>,
    /// By offer and kind, as they stand, and how many reactions were known of the offer.
    tallies: BTreeMap<(String, String), (TallyRow, i64)>,
    /// Rows that need no putting together.
    pub rows: Writes,
}

/// The entries of one event while they are written.
#[derive(Debug)]
pub struct Posting<'b> {
    batch: &'b mut Batch,
    event: i64,
    part: i64,
    lot: i64,
    entries: Vec<EntryRow>,
    lots: Vec<LotRow>,
}

/// Whose points, in which account, and what moves them.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    /// Whose.
    pub member: &'a str,
    /// In which account.
    pub account: &'a str,
    /// A rule's name, or the ledger's deed.
    pub rule: &'a str,
}

/// The life of a lot, and for what it was issued.
#[derive(Clone, Debug, Default)]
pub struct Lived {
    /// When it was issued.
    pub issued: i64,
    /// From when it can be spent.
    pub start: i64,
    /// From when it is gone.
    pub until: Option<i64>,
    /// For what it was issued.
    pub by: Cause,
    /// The name of the condition under which it can be spent.
    pub spendable: Option<String>,
}

impl Batch {
    /// A member as found; nothing changes with that.
    pub fn meet(&mut self, row: MemberRow) {
        let found = row.seq;
        self.members.insert(row.name.clone(), MemberChange { found, row });
    }

    /// A member as things stand, to change what is not points.
    pub fn member(&mut self, name: &str) -> &mut MemberRow {
        let change = self.members.entry(name.to_owned()).or_insert_with(|| MemberChange {
            found: 0,
            row: MemberRow { name: name.to_owned(), seq: 0, head: chain::NOTHING.to_owned(), last: 0 },
        });
        &mut change.row
    }

    /// A level as found; nothing changes with that.
    pub fn meet_level(&mut self, row: LevelRow) {
        self.levels.insert((row.member.clone(), row.tiers.clone()), (row, false));
    }

    /// A level as it stands.
    pub fn level(&mut self, row: LevelRow) {
        let key = (row.member.clone(), row.tiers.clone());
        if self.levels.get(&key).is_none_or(|(known, _)| *known != row) {
            self.levels.insert(key, (row, true));
        }
    }

    /// Begins the entries of an event.
    pub fn post(&mut self, event: i64) -> Posting<'_> {
        Posting { batch: self, event, part: 0, lot: 0, entries: Vec::new(), lots: Vec::new() }
    }

    /// Adds a claim; one of all together counts for the counter's local day, with the version that the counter had.
    pub fn claim(&mut self, row: ClaimRow, version: i64) {
        if row.who.is_empty() {
            let (_, more) = self.counters.entry(row.counter.clone()).or_insert((version, 0));
            *more = more.saturating_add(1);
            let day = row.local.div_euclid(perq_compiler::calendar::DAY);
            let of_day = self.days.entry((row.counter.clone(), day)).or_default();
            *of_day = of_day.saturating_add(row.amount);
        }
        self.rows.claims.push(row);
    }

    /// What is learned, as it stands; `found` reactions to the offer had been found.
    pub fn learn(&mut self, row: TallyRow, found: i64) {
        self.tallies.insert((row.offer.clone(), row.kind.clone()), (row, found));
    }

    /// All that is to be written: of each row once, as the events leave it.
    pub fn writes(mut self) -> Writes {
        let lots = &mut self.lots;
        self.lot_changes.retain(|(_, _, key), change| match lots.get_mut(key) {
            // It is new, and so is what became of it.
            Some(lot) => {
                lot.change(change);
                false
            }
            None => true,
        });
        Writes {
            members: self.members.into_values().filter(|change| change.row.seq != change.found).collect(),
            counters: self.counters.into_iter().map(|(name, (found, more))| (name, found, more)).collect(),
            days: self.days.into_iter().map(|((name, day), more)| (name, day, more)).collect(),
            levels: self.levels.into_values().filter(|(_, is_new)| *is_new).map(|(row, _)| row).collect(),
            lots: self.lots.into_values().collect(),
            lot_changes: self.lot_changes.into_values().collect(),
            tallies: self.tallies.into_values().collect(),
            owed: self.owed.into_values().filter(|row| row.owed != 0).collect(),
            ..self.rows
        }
    }

    fn lot_change(&mut self, of: Of<'_>, key: LotKey) -> &mut LotChange {
        self.lot_changes.entry((of.member.to_owned(), of.account.to_owned(), key)).or_insert_with(|| {
            LotChange {
                key,
                member: of.member.to_owned(),
                account: of.account.to_owned(),
                spent: 0,
                expired: 0,
                reversed: 0,
                worth: 0,
            }
        })
    }

    fn owe(&mut self, of: Of<'_>, more: i64) {
        if more == 0 {
            return;
        }
        let row = self.owed.entry((of.member.to_owned(), of.account.to_owned())).or_insert_with(|| OwedRow {
            member: of.member.to_owned(),
            account: of.account.to_owned(),
            owed: 0,
        });
        row.owed = row.owed.saturating_add(more);
    }
}

impl Posting<'_> {
    fn entry(&mut self, of: Of<'_>, book: Book, amount: i64, lot: Option<LotKey>) {
        if amount == 0 {
            return;
        }
        self.part = self.part.saturating_add(1);
        self.entries.push(EntryRow {
            event: self.event,
            part: self.part,
            member: of.member.to_owned(),
            account: of.account.to_owned(),
            book,
            amount,
            lot,
            rule: of.rule.to_owned(),
        });
    }

    /// Issues a lot out of a book; `paid` of it at once pays what was owed.
    pub fn issue(&mut self, of: Of<'_>, from: Book, amount: i64, paid: i64, life: Lived) -> LotKey {
        self.lot = self.lot.saturating_add(1);
        let key = LotKey { event: self.event, part: self.lot };
        self.entry(of, from, amount.saturating_neg(), None);
        self.entry(of, Book::Member, amount, Some(key));
        self.entry(of, Book::Member, paid.saturating_neg(), Some(key));
        self.entry(of, Book::Member, paid, None);
        self.lots.push(LotRow {
            key,
            member: of.member.to_owned(),
            account: of.account.to_owned(),
            issued: life.issued,
            start: life.start,
            until: life.until,
            granted: amount,
            spent: paid,
            expired: 0,
            reversed: 0,
            remaining: amount.saturating_sub(paid),
            by: life.by,
            spendable: life.spendable,
            worth: amount,
        });
        self.batch.owe(of, paid.saturating_neg());
        key
    }

    /// Takes from lots into a book, and what no lot had as something owed. Into breakage a lot expires, into what was
    /// issued it is taken back, else it is spent.
    pub fn take(&mut self, of: Of<'_>, into: Book, lots: &[(LotKey, i64)], owed: i64) {
        let mut sum = owed;
        for (key, amount) in lots {
            self.entry(of, Book::Member, amount.saturating_neg(), Some(*key));
            if into == Book::Breakage {
                // Lot by lot, so that each can be told what of it has ended.
                self.entry(of, into, *amount, Some(*key));
            }
            sum = sum.saturating_add(*amount);
            let change = self.batch.lot_change(of, *key);
            let place = match into {
                Book::Breakage => &mut change.expired,
                Book::Issued | Book::Adjusted => &mut change.reversed,
                Book::Member | Book::Redeemed | Book::Reserved => &mut change.spent,
            };
            *place = place.saturating_add(*amount);
        }
        self.entry(of, Book::Member, owed.saturating_neg(), None);
        if into != Book::Breakage {
            self.entry(of, into, sum, None);
        }
        self.batch.owe(of, owed);
    }

    /// Gives back to its lot what was redeemed of it; without a lot less is owed.
    pub fn give_back(&mut self, of: Of<'_>, lot: Option<LotKey>, amount: i64) {
        self.entry(of, Book::Redeemed, amount.saturating_neg(), None);
        self.entry(of, Book::Member, amount, lot);
        match lot {
            Some(key) => {
                let change = self.batch.lot_change(of, key);
                change.spent = change.spent.saturating_sub(amount);
            }
            None => self.batch.owe(of, amount.saturating_neg()),
        }
    }

    /// Takes what was booked as ended out of breakage again, into its lot, to be taken back from there.
    pub fn revive(&mut self, of: Of<'_>, key: LotKey, amount: i64) {
        self.entry(of, Book::Breakage, amount.saturating_neg(), Some(key));
        self.entry(of, Book::Member, amount, Some(key));
        let change = self.batch.lot_change(of, key);
        change.expired = change.expired.saturating_sub(amount);
    }

    /// Notes that a lot is worth less than it was, whether that is still there or not.
    pub fn lessen(&mut self, of: Of<'_>, key: LotKey, amount: i64) {
        let change = self.batch.lot_change(of, key);
        change.worth = change.worth.saturating_sub(amount);
    }

    /// Holds parts of lots; each keeps its name, so that it can be given back.
    pub fn reserve(&mut self, of: Of<'_>, lots: &[(LotKey, i64)]) {
        for (key, amount) in lots {
            self.entry(of, Book::Member, amount.saturating_neg(), Some(*key));
            self.entry(of, Book::Reserved, *amount, Some(*key));
            let change = self.batch.lot_change(of, *key);
            change.spent = change.spent.saturating_add(*amount);
        }
    }

    /// Ends a reservation: what was held is redeemed, or goes back to its lots.
    pub fn release(&mut self, of: Of<'_>, lots: &[(LotKey, i64)], redeemed: bool) {
        for (key, amount) in lots {
            self.entry(of, Book::Reserved, amount.saturating_neg(), Some(*key));
            if redeemed {
                self.entry(of, Book::Redeemed, *amount, None);
                continue;
            }
            self.entry(of, Book::Member, *amount, Some(*key));
            let change = self.batch.lot_change(of, *key);
            change.spent = change.spent.saturating_sub(*amount);
        }
    }

    /// Adds a claim, see [`Batch::claim`].
    pub fn claim(&mut self, row: ClaimRow, version: i64) {
        self.batch.claim(row, version);
    }

    /// Notes what was issued and redeemed at once, and never in a balance.
    pub fn pass(&mut self, of: Of<'_>, amount: i64) {
        self.entry(of, Book::Issued, amount.saturating_neg(), None);
        self.entry(of, Book::Redeemed, amount, None);
    }

    /// Ends the event: adds a link to the chain of each member that it touches.
    pub fn end(self, event: EventRow, touched: &[String]) {
        let Posting { batch, entries, lots, .. } = self;
        let mut members: Vec<&str> = touched.iter().map(String::as_str).collect();
        members.extend(entries.iter().map(|entry| entry.member.as_str()));
        members.sort_unstable();
        members.dedup();
        for member in members {
            let row = batch.member(member);
            let seq = row.seq.saturating_add(1);
            let hash = chain::hash(
                &row.head,
                member,
                seq,
                &event,
                lots.iter().filter(|lot| lot.member == member),
                entries.iter().filter(|entry| entry.member == member),
            );
            row.seq = seq;
            row.head.clone_from(&hash);
            let before = std::mem::replace(&mut row.last, event.number);
            let member = member.to_owned();
            batch.rows.links.push(LinkRow { member, seq, event: event.number, before, hash });
        }
        batch.rows.entries.extend(entries);
        batch.lots.extend(lots.into_iter().map(|lot| (lot.key, lot)));
        batch.rows.events.push(event);
    }
}
