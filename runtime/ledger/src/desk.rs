//! The desk at which events are decided: a memory with what they need to see, loaded from the store, and the rows that
//! come of their decisions. What a decision means for lots, histories, levels and instruments is the runtime's
//! [`Memory`]'s to say; the desk books what that says.
//!
//! Refuses to know where rows are kept.

use crate::batch::{Batch, Lived, Of, Posting};
use crate::contacts::{ALL, Learned, OFFERED, Told, kind_text};
use crate::deeds;
use crate::store::{
    AccountRow, Book, Cause, ClaimRow, ContactRow, CouponRow, EventKey, EventRow, FoundOrigin,
    FoundReservation, HeldClaim, HoldingRow, LearnedOf, LearningRow, LevelRow, Loaded, LotKey, LotRow,
    MemberRow, OriginRow, StoreError, TallyRow, UseRow, Wanted, Writes, held_claims, held_codes,
};
use perq_compiler::calendar::{DAY, Instant, is_universal, limited};
use perq_compiler::codes::fold;
use perq_compiler::evaluate::{Change, Claimed, Decision, Reaction, Record, Tallies, Tally, TierChange};
use perq_compiler::ir::{
    AccountId, CounterId, CounterKey, EventId, InstrumentId, MISSING, Offer, Program, RowSource, RuleId,
    SiteId, SlotId, SlotType, Verified, Window, event_slot, offers,
};
use perq_runtime::engine::Session;
use perq_runtime::record::{ReadEvent, Reader, Schema};
use perq_runtime::returns::beside::{Unset, Withdrawn};
use perq_runtime::returns::{self, Origin, Returned};
use perq_runtime::state::instruments::{
    IssuedCoupon, Outcome, Value, codes, name_of, outcome, owner_of, presented,
};
use perq_runtime::state::life::life_of;
use perq_runtime::state::lots::{By, Lot, Lots, Step};
use perq_runtime::state::tiers::Standing;
use perq_runtime::state::{Memory, Moved, Movement, State};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a program needs to see of the past, worked out once.
#[derive(Clone, Debug)]
pub struct Needs {
    /// Slots of events that name other members.
    others: Vec<SlotId>,
    /// Whether there are histories, and how many days they look back; `None` is without end.
    past: Option<Option<i64>>,
    /// Tiers that are reviewed, by name.
    reviews: Vec<String>,
    /// Offers that learn, by their lasting names, and the kinds of events that ask or tell of them.
    learned: Vec<String>,
    learning: Vec<EventId>,
}

impl Needs {
    /// Of a program.
    pub fn of(program: &Program) -> Needs {
        let sites = program.sites.iter().filter_map(|site| site.to);
        let inviters = program.counters.iter().filter_map(|counter| match counter.per {
            CounterKey::Inviter(slot) => Some(slot),
            CounterKey::Campaign | CounterKey::Member => None,
        });
        let others: BTreeSet<SlotId> = sites.chain(inviters).collect();
        let mut past: Option<Option<i64>> = None;
        for table in &program.layout.tables {
            let history = match &table.source {
                RowSource::List { .. } => continue,
                RowSource::Earlier(history) | RowSource::EarlierLines(history) => history,
            };
            let days = history.days.map(i64::from);
            past = Some(match past {
                None => days,
                Some(before) => before.zip(days).map(|(before, days)| before.max(days)),
            });
        }
        let reviewed = program.instruments.tiers.iter().filter(|tiers| tiers.review.is_some());
        let reviews = reviewed.map(|tiers| tiers.name.clone()).collect();
        let learned = program.offers.list.iter().filter(|offer| offer.learn.is_some());
        let learned = learned.map(|offer| offer.lasting(&program.references).to_owned()).collect();
        let kinds = program.events.iter().zip((0u32..).map(EventId));
        let learning =
            kinds.filter(|(kind, _)| [offers::SESSION, offers::REACTION].contains(&kind.name.as_str()));
        let learning = learning.map(|(_, id)| id).collect();
        Needs { others: others.into_iter().collect(), past, reviews, learned, learning }
    }

    /// Adds what an event needs to see.
    pub fn add(
        &self,
        wanted: &mut Wanted,
        key: &EventKey,
        (program, schema, reader): (&Program, &Schema, &Reader),
        event: &ReadEvent,
    ) {
        wanted.keys.push(key.clone());
        wanted.numbers += 1;
        wanted.members.extend(event.member().map(str::to_owned));
        wanted.members.extend(self.others.iter().filter_map(|slot| event.other(*slot)).map(str::to_owned));
        wanted.codes.extend(presented(program, schema, reader, event).iter().map(|code| fold(code)));
        if let Some(of) = event.of().filter(|_| program.returns && program.is_return(event.record.kind)) {
            let id = of.to_owned();
            wanted.origins.push(EventKey { source: key.source.clone(), id, revision: 0 });
        }
        if wanted.learned.is_empty() && self.learning.contains(&event.record.kind) {
            wanted.learned.extend(self.learned.iter().map(|offer| (offer.clone(), 0)));
        }
        let now = now(event);
        wanted.earliest = Some(wanted.earliest.map_or(now.at, |before| before.min(now.at)));
        self.add_past(wanted, now.date);
    }

    /// Adds what an event needs to see of which goods come back: its own members and past.
    ///
    /// # Errors
    /// Where what is kept of it cannot be read.
    pub fn add_origin(&self, wanted: &mut Wanted, found: &FoundOrigin) -> Result<(), StoreError> {
        let kept = KeptOrigin::read(found)?;
        wanted.members.extend(kept.members());
        wanted.codes.extend(kept.codes());
        self.add_past(wanted, found.date);
        Ok(())
    }

    fn add_past(&self, wanted: &mut Wanted, date: i64) {
        if let Some(days) = self.past {
            let from = days.map_or(i64::MIN, |days| date.saturating_sub(days));
            wanted.past_from = Some(wanted.past_from.map_or(from, |before| before.min(from)));
            wanted.reviews.clone_from(&self.reviews);
            // Dates of reviews are made of seconds: a day more is enough for any rounding.
            wanted.review_days = days.unwrap_or(0).saturating_add(1);
        }
    }
}

/// What is kept of an event for goods that may come back of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptOrigin {
    /// The runtime's.
    pub origin: Origin,
    /// What it took of lots and has not been given back, in its order.
    spent: Vec<SpentOf>,
}

/// What an event took of a lot: which account, which lot (none where it is owed), how much; with which of the events that it
/// raised, 0 for itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SpentOf(String, Option<(i64, i64)>, i64, u64);

impl KeptOrigin {
    /// Reads what was found.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(found: &FoundOrigin) -> Result<KeptOrigin, StoreError> {
        serde_json::from_str(&found.row.text).map_err(|error| {
            StoreError::Damaged(format!("what is kept of {} for returns cannot be read: {error}", found.id))
        })
    }

    /// It, and what rules gave for levels that were reached with it.
    fn all(&self) -> impl Iterator<Item = &Origin> {
        std::iter::once(&self.origin).chain(self.origin.risen.iter().map(|risen| &risen.heard))
    }

    /// Whose points, claims and instruments it has moved.
    pub fn members(&self) -> impl Iterator<Item = String> {
        let whose = |origin: &Origin| {
            let others = origin.others.iter().map(|(_, name)| name.to_string());
            let owners = origin.beside.gave.iter().filter_map(|gave| gave.owner.as_deref());
            let own = origin.member.as_deref().map(str::to_owned);
            own.into_iter().chain(others).chain(owners.map(str::to_owned)).collect::<Vec<_>>()
        };
        self.all().flat_map(whose)
    }

    /// The coupons that it issued and redeemed, as codes are compared.
    pub fn codes(&self) -> impl Iterator<Item = String> {
        self.all().flat_map(|origin| {
            let gave = origin.beside.gave.iter().filter_map(|gave| gave.code.as_deref());
            gave.chain(origin.beside.redeemed.iter().map(|redeemed| &*redeemed.code)).map(fold)
        })
    }
}

/// How many places each event has: its own, and those of the events that it raises.
const PLACES: u32 = 20;

/// The place of an event in the memory's order.
pub fn place(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0) << PLACES
}

/// The number of the event at a place, and which of those that it raised.
pub fn number_at(place: u64) -> (i64, i64) {
    let own = |part: u64| i64::try_from(part).unwrap_or(i64::MAX);
    (own(place >> PLACES), own(place & ((1 << PLACES) - 1)))
}

/// When an event happens.
pub fn now(event: &ReadEvent) -> Instant {
    let slot = |slot: SlotId| event.record.event.get(slot.index()).copied().unwrap_or(MISSING);
    Instant { at: slot(event_slot::AT), date: slot(event_slot::DATE), time: slot(event_slot::TIME) }
}

/// A counter of all together, as it was last seen.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// Its version.
    pub version: i64,
    /// (instant, the same on the local clock, amount).
    pub claims: Vec<(i64, i64, i64)>,
    /// Seconds of the local clock from which on `claims` are whole.
    pub from: i64,
}

/// Counters of all together that were seen lately, by name.
pub type SharedCounters = BTreeMap<String, Shared>;

/// Whether a window begins and ends at midnights, so that sums by day are enough.
pub fn is_by_day(window: Window) -> bool {
    match window {
        Window::This(_) | Window::Previous(_) | Window::Ever | Window::Between(..) => true,
        Window::Seconds(_) | Window::Days(_) | Window::Months(_) => false,
    }
}

/// Where events of one batch are decided.
pub struct Desk {
    program: Arc<Verified>,
    memory: Memory,
    versions: BTreeMap<CounterId, i64>,
    /// The same by name, also of counters that nobody has asked for.
    found_versions: BTreeMap<String, i64>,
    from: BTreeMap<CounterId, i64>,
    held: BTreeMap<(String, AccountId), Held>,
    coupons: BTreeSet<String>,
    /// Those of them that were issued before this batch.
    issued: BTreeMap<String, IssuedCoupon>,
    /// The last row that is kept of events of which goods come back.
    origins: BTreeMap<i64, i64>,
    /// Those that another pack decided, by id.
    foreign: BTreeMap<String, String>,
    /// Reservations that events pay with, by the id of their event.
    reservations: BTreeMap<String, FoundReservation>,
    /// What counters of all together held as of events before.
    then: SumsThen,
    /// What they answered to those events, by their places.
    answered: BTreeMap<u64, BTreeMap<String, i64>>,
    /// What was learned before this batch, by lasting names.
    learned: Arc<Learned>,
    /// How many reactions are counted by now, of offers to which this batch has some.
    reactions: BTreeMap<u32, i64>,
    batch: Batch,
    seen: Seen,
}

/// What a member has of an account, as it is booked.
#[derive(Debug, Default)]
struct Held {
    /// In the memory's order.
    lots: Vec<HeldLot>,
    owed: i64,
}

#[derive(Clone, Copy, Debug)]
struct HeldLot {
    key: LotKey,
    /// What is left of it.
    left: i64,
    /// What was booked as ended and can still be taken back: its award is worked out anew.
    ended: i64,
}

/// What was claimed of counters of all together before an event, by its place.
pub type SumsThen = BTreeMap<(CounterId, u64), i64>;

/// What decisions have asked for and is not there.
#[derive(Debug, Default)]
pub struct Missing {
    /// Counters of all together, and from which second of the local clock on.
    pub counters: Vec<(CounterId, i64)>,
    /// The same as of an event before, by its place: with its instant.
    pub then: Vec<((CounterId, u64), Instant)>,
}

/// What decisions have asked for.
#[derive(Default)]
struct Seen {
    /// Counters of all together that are not there, and from which local second on they are needed.
    missing: RefCell<BTreeMap<CounterId, i64>>,
    /// The same as of an event before, by its place: its instant.
    missing_then: RefCell<BTreeMap<(CounterId, u64), Instant>>,
    /// What counters answered to the event at hand, and to what it raises.
    answers: RefCell<Snapshot>,
    /// Whether the event at hand has been decided, so that what asks now is what it raises.
    settled: bool,
    /// Whether the event at hand was decided before, and nothing is learned from it once more.
    again: bool,
}

/// On what an event was decided.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Snapshot {
    /// Which link of its member's chain came before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    /// That link's hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// What counters answered, by name.
    #[serde(default)]
    claimed: BTreeMap<String, i64>,
    /// The same, to the first that asked of what it raises.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    raised: BTreeMap<String, i64>,
    /// What was asked of what offers have learned, by lasting name: how many reactions are in it, and which kind was asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    learned: BTreeMap<String, AskedOf>,
    /// What is held of counters, of a reservation for an event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<HeldClaim>,
    /// The codes that are held, of a reservation for an event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    codes: Vec<String>,
}

/// After how many reactions an offer was asked for its likelihood, and for which kind of members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedOf(pub i64, #[serde(default, skip_serializing_if = "Option::is_none")] pub Option<String>);

/// What was asked of what offers have learned for an event, by lasting name.
pub fn asked_of(snapshot: &str) -> BTreeMap<String, AskedOf> {
    if !snapshot.contains("\"learned\":") {
        return BTreeMap::new();
    }
    serde_json::from_str(snapshot).map(|snapshot: Snapshot| snapshot.learned).unwrap_or_default()
}

/// An event that is decided and booked.
#[derive(Debug)]
pub struct Booked {
    /// As it is answered.
    pub decision: String,
    /// Whether something is to be written.
    pub is_kept: bool,
}

/// A decision as it is answered.
fn text_of(session: &Session, event: &ReadEvent, decision: &Decision) -> Result<String, StoreError> {
    let mut text = Vec::new();
    session.write_decision(event, decision, &mut text);
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    String::from_utf8(text).map_err(|_| StoreError::Damaged("a decision is no text".to_owned()))
}

/// What an event is beside its record.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// What identifies it.
    pub key: &'a EventKey,
    /// As it came.
    pub json: &'a str,
    /// Its number.
    pub number: i64,
    /// The hash of the pack that decides it.
    pub pack: &'a str,
    /// The reservation that it pays with, and the number of the event with which that ends.
    pub reservation: Option<(&'a str, i64)>,
    /// Whether it is none of the programme's, and only says whose levels are to be reviewed, and up to which instant.
    pub is_review: bool,
    /// What a reaction says.
    pub told: Option<&'a Told>,
}

/// A reservation whose points are back in their lots, as long as nothing is booked.
#[derive(Debug)]
struct Released {
    found: FoundReservation,
    /// By account and the memory's position.
    lots: Vec<(AccountId, usize, i64)>,
    claims: Vec<HeldClaim>,
    codes: Vec<String>,
}

impl Desk {
    /// With what was loaded, for events that a pack decides, of which none is earlier than an instant. Gives the earlier
    /// events that lack something that this program looks back at: their numbers, and what is kept of them.
    ///
    /// # Errors
    /// Where what was loaded contradicts itself.
    pub fn new(
        (program, pack): (&Arc<Verified>, &str),
        found: &Loaded,
        (shared, then, learned): (&SharedCounters, &SumsThen, &Arc<Learned>),
        earliest: i64,
    ) -> Result<(Desk, Vec<(i64, String)>), StoreError> {
        let mut desk = Desk {
            memory: Memory::new(Arc::clone(program)).with_journal(),
            program: Arc::clone(program),
            versions: BTreeMap::new(),
            found_versions: found.versions.iter().cloned().collect(),
            from: BTreeMap::new(),
            held: BTreeMap::new(),
            coupons: BTreeSet::new(),
            issued: BTreeMap::new(),
            origins: BTreeMap::new(),
            foreign: BTreeMap::new(),
            reservations: found.reservations.iter().map(|found| (found.id.clone(), found.clone())).collect(),
            then: then.clone(),
            answered: BTreeMap::new(),
            learned: Arc::clone(learned),
            reactions: BTreeMap::new(),
            batch: Batch::default(),
            seen: Seen::default(),
        };
        desk.take_members(found);
        let mut origins = BTreeMap::new();
        for origin in &found.origins {
            desk.origins.insert(origin.row.event, origin.row.seq);
            let snapshot: Option<Snapshot> = serde_json::from_str(&origin.snapshot).ok();
            desk.answered.insert(place(origin.row.event), snapshot.unwrap_or_default().claimed);
            if origin.pack == pack {
                origins.insert(origin.row.event, KeptOrigin::read(origin)?);
            } else {
                desk.foreign.insert(origin.id.clone(), origin.pack.clone());
            }
        }
        desk.take_points(found, &origins, earliest)?;
        for KeptOrigin { origin, .. } in origins.into_values() {
            desk.memory.restore_origin(origin);
        }
        desk.take_claims(found, shared);
        desk.take_instruments(found);
        let mut lacking = Vec::new();
        for row in &found.past {
            for past in row.past.as_deref().unwrap_or_default().lines() {
                if !desk.memory.restore_past(place(row.event), &row.member, past) {
                    lacking.push((row.event, past.to_owned()));
                }
            }
        }
        Ok((desk, lacking))
    }

    fn take_members(&mut self, found: &Loaded) {
        for row in &found.members {
            self.batch.meet(row.clone());
        }
        for row in &found.levels {
            self.batch.meet_level(row.clone());
            let mut declared = self.program.instruments.tiers.iter().zip(0u32..);
            let Some((tiers, id)) = declared.find(|(tiers, _)| tiers.name == row.tiers) else { continue };
            let names = self.program.enums.get(tiers.levels.index()).map(|levels| &levels.values);
            let at = names.and_then(|names| names.iter().position(|name| *name == row.level));
            // A level that the program no longer has: the lowest.
            let level = at.and_then(|at| i64::try_from(at).ok()).unwrap_or(0);
            let standing = Standing { level, until: row.until, reviewed: row.reviewed };
            self.memory.restore_level(id, &row.member, standing);
        }
    }

    fn take_points(
        &mut self,
        found: &Loaded,
        origins: &BTreeMap<i64, KeptOrigin>,
        earliest: i64,
    ) -> Result<(), StoreError> {
        let owed: BTreeMap<(&str, &str), i64> =
            found.owed.iter().map(|row| ((row.member.as_str(), row.account.as_str()), row.owed)).collect();
        let accounts: BTreeMap<&str, AccountId> = self
            .program
            .accounts
            .iter()
            .zip(0u32..)
            .map(|(account, at)| (account.name.as_str(), AccountId(at)))
            .collect();
        let mut lots: BTreeMap<(&str, &str), Vec<Lot>> = BTreeMap::new();
        for row in &found.lots {
            let Some(id) = accounts.get(row.account.as_str()) else { continue };
            // What is to be taken back is taken from what has ended, too, whether that is booked or not.
            let is_over = row.until.is_some_and(|until| until <= earliest);
            let ended = if is_over && origins.contains_key(&row.by.event) { row.expired } else { 0 };
            let lot = lot_of(&self.program, row, ended);
            lots.entry((&row.member, &row.account)).or_default().push(lot);
            let held = self.held.entry((row.member.clone(), *id)).or_default();
            held.lots.push(HeldLot { key: row.key, left: row.remaining, ended });
        }
        let mut spent: BTreeMap<(&str, &str), Vec<(u64, &SpentOf)>> = BTreeMap::new();
        for KeptOrigin { origin, spent: all } in origins.values() {
            let Some(member) = origin.member.as_deref() else { continue };
            for of in all {
                let order = origin.order.saturating_add(of.3);
                spent.entry((member, &of.0)).or_default().push((order, of));
            }
        }
        let all: BTreeSet<(&str, &str)> =
            lots.keys().chain(owed.keys()).chain(spent.keys()).copied().collect();
        for (member, account) in all {
            let Some(id) = accounts.get(account) else { continue };
            let held = self.held.entry((member.to_owned(), *id)).or_default();
            held.owed = owed.get(&(member, account)).copied().unwrap_or(0);
            let mut lots = Lots::of(lots.remove(&(member, account)).unwrap_or_default(), held.owed);
            for (order, SpentOf(_, lot, amount, _)) in spent.remove(&(member, account)).unwrap_or_default() {
                let at = match lot {
                    None => None,
                    Some((event, part)) => {
                        let key = LotKey { event: *event, part: *part };
                        let at = held.lots.iter().position(|lot| lot.key == key);
                        let gone = || StoreError::Damaged(format!("a lot of {member} that paid is gone"));
                        Some(at.ok_or_else(gone)?)
                    }
                };
                lots = lots.with_spendings(order, [(at, *amount)]);
            }
            self.memory.restore_lots(member, *id, lots);
        }
        Ok(())
    }

    fn take_claims(&mut self, found: &Loaded, shared: &SharedCounters) {
        let counters: BTreeMap<&str, CounterId> = self
            .program
            .counters
            .iter()
            .zip(0u32..)
            .map(|(counter, at)| (counter.name.as_str(), CounterId(at)))
            .collect();
        for row in &found.claims {
            if let Some(id) = counters.get(row.counter.as_str()) {
                let order = Some(place(row.event));
                self.memory.restore_claim((*id, Some(&row.who)), order, (row.at, row.local), row.amount);
            }
        }
        for (name, counter) in shared {
            let Some(id) = counters.get(name.as_str()) else { continue };
            self.versions.insert(*id, counter.version);
            self.from.insert(*id, counter.from);
            for (at, local, amount) in &counter.claims {
                self.memory.restore_claim((*id, None), None, (*at, *local), *amount);
            }
        }
    }

    fn take_instruments(&mut self, found: &Loaded) {
        let program = Arc::clone(&self.program);
        let instruments = self.memory.instruments_mut();
        for row in &found.coupons {
            let of = program.instruments.coupons.iter().position(|coupon| coupon.name == row.coupon);
            let Some(coupon) = of.and_then(|at| u32::try_from(at).ok()) else { continue };
            let issued = IssuedCoupon {
                coupon,
                code: row.code.as_str().into(),
                owner: row.member.as_deref().map(Box::from),
                expires: row.expires,
                uses: u32::try_from(row.uses).unwrap_or(u32::MAX),
                withdrawn: row.withdrawn.is_some(),
            };
            instruments.restore_coupon(issued.clone());
            self.issued.insert(row.folded.clone(), issued);
            self.coupons.insert(row.folded.clone());
        }
        // The last word on what an event gave stands.
        let mut last = BTreeMap::new();
        for row in &found.holdings {
            last.insert((&row.member, &row.kind, &row.name, row.of), row);
        }
        for row in last.into_values() {
            let Some(value) = &row.value else { continue };
            let order = place(row.of.0).saturating_add(u64::try_from(row.of.1).unwrap_or(0));
            match row.kind.as_str() {
                "badge" => {
                    let of = program.instruments.badges.iter().position(|badge| badge.name == row.name);
                    if let Some(badge) = of.and_then(|at| u32::try_from(at).ok()) {
                        instruments.give_badge(&row.member, badge, order);
                    }
                }
                "field" => {
                    let of = program.layout.event.iter().position(|slot| slot.name == row.name);
                    if let Some(slot) = of.and_then(|at| u32::try_from(at).ok()).map(SlotId)
                        && let Some(value) = field_value(&program, slot, value)
                    {
                        instruments.restore_field(&row.member, (slot, order), value, row.until);
                    }
                }
                // Certificates are kept and not read; of coupons their own rows say what became of them.
                _ => {}
            }
        }
    }

    /// Takes over an earlier event that was read again, of which this was kept.
    pub fn restore(
        &mut self,
        read: (&Schema, &Reader),
        (number, past): (i64, &str),
        event: &ReadEvent,
        paid: i64,
        lines: &[i64],
    ) {
        self.memory.restore_event(read, (place(number), past), event, paid, lines);
    }

    /// The hash of the pack that decided an event of which goods come back, where that is another.
    pub fn foreign(&self, id: &str) -> Option<&str> {
        self.foreign.get(id).map(String::as_str)
    }

    /// Why an event cannot pay with a reservation.
    pub fn cannot_use(&self, reservation: &str, event: &ReadEvent) -> Option<String> {
        let at = now(event).at;
        let Some(member) = event.member() else { return Some("nobody's reservation can be used".to_owned()) };
        let Some(found) = self.reservations.get(&deeds::id_of(reservation, member)) else {
            return Some(format!("{member} has no reservation `{reservation}`"));
        };
        if found.ended {
            return Some(format!("reservation `{reservation}` of {member} has ended"));
        }
        if found.until() <= at {
            return Some(format!("the time of reservation `{reservation}` is over"));
        }
        let known = |name: &String| self.program.accounts.iter().any(|account| account.name == *name);
        if let Some(part) = found.parts.iter().find(|part| !known(&part.account)) {
            return Some(format!("the programme has no account `{}`", part.account));
        }
        let claims = held_claims(&found.snapshot);
        let other = |who: &str| !who.is_empty() && who != member && !self.names(event, who);
        let stranger = claims.iter().find(|claim| other(&claim.who));
        stranger.map(|claim| {
            format!(
                "reservation `{reservation}` is for an event that names {}, and this one does not",
                claim.who
            )
        })
    }

    /// Whether an event names somebody besides its own member.
    fn names(&self, event: &ReadEvent, who: &str) -> bool {
        let inviters = self.program.counters.iter().filter_map(|counter| match counter.per {
            CounterKey::Inviter(slot) => event.other(slot),
            CounterKey::Campaign | CounterKey::Member => None,
        });
        inviters.into_iter().any(|name| name == who)
    }

    /// Puts the points of a reservation back into their lots, and what it claims back into its counters, for an event to be
    /// decided.
    fn release(&mut self, (id, number): (&str, i64), member: &str) -> Result<Option<Released>, StoreError> {
        let Some(found) = self.reservations.get(&deeds::id_of(id, member)) else { return Ok(None) };
        let mut lots = Vec::new();
        for part in &found.parts {
            let mut accounts = self.program.accounts.iter().zip((0u32..).map(AccountId));
            let Some((_, account)) = accounts.find(|(account, _)| account.name == part.account) else {
                return Ok(None);
            };
            let held = self.held.entry((member.to_owned(), account)).or_default();
            let at = held.lots.iter().position(|lot| lot.key == part.key);
            let gone = || StoreError::Damaged(format!("a lot that reservation `{id}` holds is gone"));
            lots.push((account, at.ok_or_else(gone)?, part.amount));
        }
        for (account, at, amount) in &lots {
            self.memory.release(member, *account, *at, *amount);
        }
        let (claims, codes) = (held_claims(&found.snapshot), held_codes(&found.snapshot));
        let found = found.clone();
        self.hold_claims(&claims, number, true);
        self.hold_codes(&codes, true);
        Ok(Some(Released { found, lots, claims, codes }))
    }

    /// Lets the memory forget that a reservation redeems codes, or remember it again. Of one that nobody presents it knows
    /// nothing.
    fn hold_codes(&mut self, codes: &[String], forget: bool) {
        for folded in codes {
            let Some(issued) = self.issued.get(folded) else { continue };
            let uses = self.memory.coupon_uses(folded);
            let uses = if forget { uses.saturating_sub(1) } else { uses.saturating_add(1) };
            let is_gone = self.batch.rows.withdrawn.iter().any(|(gone, _)| gone == folded);
            let issued = IssuedCoupon { uses, withdrawn: issued.withdrawn || is_gone, ..issued.clone() };
            self.memory.instruments_mut().restore_coupon(issued);
        }
    }

    /// Lets the memory forget what a reservation claims, or remember it again.
    fn hold_claims(&mut self, claims: &[HeldClaim], number: i64, forget: bool) {
        for claim in claims {
            let mut counters = self.program.counters.iter().zip((0u32..).map(CounterId));
            let Some((counter, id)) = counters.find(|(counter, _)| counter.name == claim.counter) else {
                continue;
            };
            let who = Some(claim.who.as_str()).filter(|who| !who.is_empty());
            // As they were loaded: those of all together by day, where days are enough.
            let at = match who {
                None if is_by_day(counter.window) => {
                    let day = claim.local.div_euclid(DAY).saturating_mul(DAY);
                    (day, day)
                }
                None | Some(_) => (claim.at, claim.local),
            };
            let amount = if forget { claim.amount.saturating_neg() } else { claim.amount };
            self.memory.restore_claim((id, who), Some(place(number)), at, amount);
        }
    }

    /// The version of a counter of all together, as it was found.
    fn version(&self, name: &str) -> i64 {
        let mut counters = self.program.counters.iter().zip((0u32..).map(CounterId));
        let asked =
            counters.find(|(counter, _)| counter.name == name).and_then(|(_, id)| self.versions.get(&id));
        asked.or_else(|| self.found_versions.get(name)).copied().unwrap_or(0)
    }

    /// Books that a reservation has ended for an event; where that is refused as a whole, it is held again.
    fn end_reservation(
        &mut self,
        released: Released,
        (member, event, now): (&str, &EventKey, Instant),
        (number, refused): (i64, bool),
    ) {
        let Released { found, lots, claims, codes } = released;
        for (account, at, amount) in &lots {
            let held = self.held.entry((member.to_owned(), *account)).or_default();
            if refused {
                self.memory.release(member, *account, *at, amount.saturating_neg());
            } else if let Some(lot) = held.lots.get_mut(*at) {
                lot.left = lot.left.saturating_add(*amount);
            }
        }
        if refused {
            self.hold_codes(&codes, false);
            return self.hold_claims(&claims, number, false);
        }
        let back = codes.into_iter().map(|folded| UseRow { folded, event: number, amount: -1 });
        self.batch.rows.uses.extend(back);
        let mut moved: BTreeMap<&str, i64> = BTreeMap::new();
        let mut touched = vec![member.to_owned()];
        let versions: Vec<i64> = claims.iter().map(|claim| self.version(&claim.counter)).collect();
        let mut posting = self.batch.post(number);
        for part in &found.parts {
            let of = Of { member, account: &part.account, rule: "reservation" };
            posting.release(of, &[(part.key, part.amount)], false);
            let sum = moved.entry(&part.account).or_default();
            *sum = sum.saturating_add(part.amount);
        }
        for (claim, version) in claims.iter().zip(versions) {
            touched.extend(Some(claim.who.clone()).filter(|who| !who.is_empty()));
            posting.claim(claim.given_back(number), version);
        }
        let row = EventRow {
            number,
            key: EventKey { source: deeds::RELEASE.to_owned(), id: found.id.clone(), revision: 0 },
            kind: deeds::USE.to_owned(),
            member: Some(member.to_owned()),
            at: now.at,
            date: now.date,
            time: now.time,
            json: serde_json::json!({ "end": deeds::USE, "for": event }).to_string(),
            decision: serde_json::json!({ "moved": moved }).to_string(),
            refused: false,
            pack: String::new(),
            tz: perq_runtime::clock::database_version().to_owned(),
            snapshot: "{}".to_owned(),
            past: None,
            origin: None,
        };
        posting.end(row, &touched);
        if let Some(found) = self.reservations.get_mut(&found.id) {
            found.ended = true;
        }
    }

    /// Decides an event as things stand, and books nothing but what it would take: points of lots, and claims. Nothing where
    /// it is refused as a whole. Whoever is decided behind it would see what is not there.
    ///
    /// # Errors
    /// Where that cannot be booked.
    pub fn hold(
        &mut self,
        session: &mut Session,
        reader: &mut Reader,
        event: &mut ReadEvent,
        incoming: Incoming<'_>,
    ) -> Result<Option<Booked>, StoreError> {
        self.seen.answers = RefCell::default();
        self.seen.settled = false;
        self.memory.begin(place(incoming.number));
        let decision = session.decide_on(self, reader, event).clone();
        let Some(member) = event.member().map(str::to_owned) else { return Ok(None) };
        let text = text_of(session, event, &decision)?;
        if decision.refused.is_some() || returns::is_refused(event) {
            return Ok(Some(Booked { decision: text, is_kept: false }));
        }
        let movements = self.memory.take_journal().movements;
        let mut touched = vec![member.clone()];
        let raised = event.raised.iter().zip(&decision.raised);
        let parts: Vec<(&ReadEvent, &Decision)> =
            std::iter::once((&*event, &decision)).chain(raised).collect();
        self.claims(&parts, incoming.number, &mut touched);
        let claims = self.batch.rows.claims.iter().map(|row| HeldClaim {
            who: row.who.clone(),
            counter: row.counter.clone(),
            at: row.at,
            local: row.local,
            amount: row.amount,
        });
        let held = claims.collect();
        let of_part = |(event, decision): &(&ReadEvent, &Decision)| {
            let accepted = event
                .presented
                .iter()
                .filter(|code| outcome(&self.program, code, decision) == Outcome::Accepted);
            accepted.map(|code| fold(&code.code)).collect::<Vec<_>>()
        };
        let codes: Vec<String> =
            parts.iter().flat_map(of_part).filter(|folded| self.issued.contains_key(folded)).collect();
        let uses =
            codes.iter().map(|folded| UseRow { folded: folded.clone(), event: incoming.number, amount: 1 });
        self.batch.rows.uses.extend(uses);
        let snapshot = Snapshot { held, codes, ..Snapshot::default() };
        let snapshot =
            serde_json::to_string(&snapshot).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut posting = self.batch.post(incoming.number);
        for movement in movements.iter().filter(|movement| *movement.member == *member) {
            let Moved::Spent(spent) = &movement.moved else { continue };
            let Some(account) = self.program.accounts.get(movement.account.index()) else { continue };
            let held = self.held.get(&(member.clone(), movement.account));
            let key = |at: usize| held.and_then(|held| held.lots.get(at)).map(|lot| lot.key);
            // What it would take of what it gives itself is not there to be held.
            let taken: Vec<(LotKey, i64)> =
                spent.taken.iter().filter_map(|(at, amount)| Some((key(*at)?, *amount))).collect();
            posting.reserve(Of { member: &member, account: &account.name, rule: "reservation" }, &taken);
        }
        let now = now(event);
        let row = EventRow {
            number: incoming.number,
            key: incoming.key.clone(),
            kind: deeds::RESERVE.to_owned(),
            member: Some(member),
            at: now.at,
            date: now.date,
            time: now.time,
            json: incoming.json.to_owned(),
            decision: text.clone(),
            refused: false,
            pack: incoming.pack.to_owned(),
            tz: perq_runtime::clock::database_version().to_owned(),
            snapshot,
            past: None,
            origin: None,
        };
        posting.end(row, &touched);
        Ok(Some(Booked { decision: text, is_kept: true }))
    }

    /// What is needed and not there.
    pub fn missing(&self) -> Missing {
        Missing {
            counters: self.seen.missing.borrow().iter().map(|(id, from)| (*id, *from)).collect(),
            then: self.seen.missing_then.borrow().iter().map(|(of, now)| (*of, *now)).collect(),
        }
    }

    /// Decides an event that `reader` has just read, and books what comes of it.
    ///
    /// # Errors
    /// Where what comes of it cannot be booked: a mistake of perq, or damage.
    pub fn decide(
        &mut self,
        session: &mut Session,
        reader: &mut Reader,
        event: &mut ReadEvent,
        incoming: Incoming<'_>,
    ) -> Result<Booked, StoreError> {
        self.seen.answers = RefCell::default();
        self.seen.settled = incoming.is_review;
        self.seen.again = crate::jobs::is_batch(&incoming.key.source);
        self.memory.begin(place(incoming.number));
        let released = match (incoming.reservation, event.member()) {
            (Some((id, number)), Some(member)) => {
                self.release((id, number), member)?.map(|released| (released, number))
            }
            (Some(_), None) | (None, _) => None,
        };
        let decision = if incoming.is_review {
            // What it raises comes behind it.
            self.memory.skip();
            session.review_on(self, reader, event).clone()
        } else {
            session.decide_on(self, reader, event).clone()
        };
        let is_refused = decision.refused.is_some() || returns::is_refused(event);
        if let (Some((released, number)), Some(member)) = (released, event.member()) {
            self.end_reservation(released, (member, incoming.key, now(event)), (number, is_refused));
        }
        // A return may have learnt only now whose it is.
        let found = event.member().map(|member| {
            let row = self.batch.member(member);
            (row.seq, row.head.clone())
        });
        let text = text_of(session, event, &decision)?;
        let (seq, head) = found.unzip();
        let snapshot = Snapshot { seq, head, ..self.seen.answers.take() };
        let snapshot =
            serde_json::to_string(&snapshot).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let journal = self.memory.take_journal();
        let now = now(event);
        let kind = self.program.events.get(event.record.kind.index());
        let row = EventRow {
            number: incoming.number,
            key: incoming.key.clone(),
            kind: match (incoming.is_review, kind) {
                (true, _) => crate::jobs::REVIEW.to_owned(),
                (false, kind) => kind.map(|kind| kind.name.clone()).unwrap_or_default(),
            },
            member: event.member().map(str::to_owned),
            at: now.at,
            date: now.date,
            time: now.time,
            json: incoming.json.to_owned(),
            decision: text.clone(),
            refused: is_refused,
            pack: incoming.pack.to_owned(),
            tz: perq_runtime::clock::database_version().to_owned(),
            snapshot,
            past: Some(journal.past.join("\n")).filter(|past| !past.is_empty()),
            origin: None,
        };
        let mut touched: Vec<String> = event.member().map(str::to_owned).into_iter().collect();
        // What it raised was decided and kept with it, also where it is refused itself.
        let raised = event.raised.iter().zip(&decision.raised);
        let parts: Vec<(&ReadEvent, &Decision)> =
            std::iter::once((&*event, &decision)).chain(raised).collect();
        self.claims(&parts, incoming.number, &mut touched);
        self.instruments(&parts, incoming.number, &mut touched);
        self.level(event);
        if !is_refused && !incoming.is_review && !self.seen.again {
            self.contacts(event, &decision, incoming, journal.learned);
        }
        self.post(&parts, &journal.movements, (row, journal.origin.as_deref()), &touched)?;
        Ok(Booked { decision: text, is_kept: true })
    }

    fn claims(&mut self, parts: &[(&ReadEvent, &Decision)], number: i64, touched: &mut Vec<String>) {
        let program = Arc::clone(&self.program);
        // By who for, counter and instant: on the local and on the universal clock.
        let mut sums: BTreeMap<(String, CounterId, i64, i64), i64> = BTreeMap::new();
        let mut add = |who: Option<&str>, id: CounterId, now: Instant, amount: i64| {
            if let Some(who) = who {
                let sum = sums.entry((who.to_owned(), id, now.local(), now.at)).or_default();
                *sum = sum.saturating_add(amount);
            }
        };
        for (event, decision) in parts {
            let now = now(event);
            for claim in &decision.claims {
                let Some(counter) = program.counters.get(claim.counter.index()) else { continue };
                let who = match counter.per {
                    CounterKey::Campaign => Some(""),
                    CounterKey::Member => event.member(),
                    CounterKey::Inviter(slot) => event.other(slot),
                };
                add(who, claim.counter, now, claim.amount);
            }
            let Some(Ok(returned)) = &event.returned else { continue };
            for (origin, claim) in
                returned.all().flat_map(|one| one.claims.iter().map(move |claim| (&one.origin, claim)))
            {
                let Some(counter) = program.counters.get(claim.counter.index()) else { continue };
                let who = match counter.per {
                    CounterKey::Campaign => Some(""),
                    CounterKey::Member => origin.member.as_deref(),
                    CounterKey::Inviter(slot) => origin.other(slot),
                };
                add(who, claim.counter, origin.now(), claim.amount);
            }
        }
        for ((who, id, local, at), amount) in sums {
            let Some(counter) = program.counters.get(id.index()) else { continue };
            if who.is_empty() {
                // Goods may come back without that anybody has asked for the counter: its version is needed all the same.
                if !self.versions.contains_key(&id) {
                    self.seen.missing.borrow_mut().entry(id).or_insert(i64::MAX);
                }
            } else {
                touched.push(who.clone());
            }
            let row = ClaimRow { who, counter: counter.name.clone(), at, local, event: number, amount };
            self.batch.claim(row, self.versions.get(&id).copied().unwrap_or(0));
        }
    }

    fn instruments(&mut self, parts: &[(&ReadEvent, &Decision)], number: i64, touched: &mut Vec<String>) {
        let program = Arc::clone(&self.program);
        let governed = |slot: SlotId| program.instruments.tiers.iter().any(|tiers| tiers.slot == slot);
        // The last word of an event on a field stands.
        let mut last: BTreeMap<(String, SlotId, i64), (&ReadEvent, &Change)> = BTreeMap::new();
        for ((event, decision), raised) in parts.iter().zip(0i64..) {
            if let Some(Ok(returned)) = &event.returned {
                for returned in returned.all() {
                    self.take_back(returned, number, touched);
                }
            }
            for code in &event.presented {
                let folded = fold(&code.code);
                if outcome(&program, code, decision) == Outcome::Accepted && self.coupons.contains(&folded) {
                    self.batch.rows.uses.push(UseRow { folded, event: number, amount: 1 });
                }
            }
            for (issue, codes) in codes(&program, event.id(), &decision.issues) {
                let (_, name) = program.instruments.name(issue.instrument).unwrap_or(("", ""));
                let owner = owner_of(&program, event, issue).map(str::to_owned);
                touched.extend(owner.clone());
                let holding = |kind: &str, of: String, value: String| HoldingRow {
                    member: owner.clone().unwrap_or_default(),
                    kind: kind.to_owned(),
                    name: of,
                    of: (number, raised),
                    value: Some(value),
                    until: issue.expires,
                    event: number,
                };
                match issue.instrument {
                    InstrumentId::Coupon(_) => {
                        for code in codes {
                            let folded = fold(&code);
                            self.coupons.insert(folded.clone());
                            self.batch.rows.coupons.push(CouponRow {
                                folded,
                                code,
                                coupon: name.to_owned(),
                                member: owner.clone(),
                                expires: issue.expires,
                                uses: 0,
                                event: number,
                                withdrawn: None,
                            });
                        }
                    }
                    InstrumentId::Certificate(_) => {
                        let value = certificate_text(name, issue.number);
                        let rows = codes.into_iter().map(|code| holding("certificate", code, value.clone()));
                        self.batch.rows.holdings.extend(rows);
                    }
                    InstrumentId::Badge(_) if owner.is_some() => {
                        self.batch.rows.holdings.push(holding("badge", name.to_owned(), String::new()));
                    }
                    InstrumentId::Badge(_) => {}
                }
            }
            let Some(member) = event.member() else { continue };
            for change in decision.changes.iter().filter(|change| !governed(change.slot)) {
                last.insert((member.to_owned(), change.slot, raised), (*event, change));
            }
        }
        for ((member, id, raised), (event, change)) in last {
            let Some(slot) = program.layout.event.get(id.index()) else { continue };
            self.batch.rows.holdings.push(HoldingRow {
                member,
                kind: "field".to_owned(),
                name: slot.name.clone(),
                of: (number, raised),
                value: Some(field_text(
                    &program,
                    change.slot,
                    change.value,
                    name_of(&program, event, change),
                )),
                until: change.until,
                event: number,
            });
        }
    }

    /// What goods that come back undo besides amounts.
    fn take_back(&mut self, returned: &Returned, number: i64, touched: &mut Vec<String>) {
        let program = Arc::clone(&self.program);
        let (of, rows) = (number_at(returned.origin.order), &mut self.batch.rows);
        let row = |member: Option<&str>, kind: &str, name: &str| HoldingRow {
            member: member.unwrap_or_default().to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            of,
            value: None,
            until: None,
            event: number,
        };
        for Withdrawn { gave, left, uses: _ } in &returned.undone.withdrawn {
            let (kind, name) = program.instruments.name(gave.instrument).unwrap_or(("", ""));
            let (owner, code) = (gave.owner.as_deref(), gave.code.as_deref().unwrap_or_default());
            touched.extend(owner.map(str::to_owned));
            match gave.instrument {
                InstrumentId::Coupon(_) => {
                    rows.withdrawn.push((fold(code), number));
                    rows.holdings.push(row(owner, kind, code));
                }
                InstrumentId::Certificate(_) => {
                    let value = (*left > 0).then(|| certificate_text(name, *left));
                    rows.holdings.push(HoldingRow { value, until: gave.expires, ..row(owner, kind, code) });
                }
                InstrumentId::Badge(_) => rows.holdings.push(row(owner, kind, name)),
            }
        }
        let member = returned.origin.member.as_deref();
        // Of a field that was set more than once, what stood last.
        let mut fields: BTreeMap<SlotId, HoldingRow> = BTreeMap::new();
        for Unset { set, left } in &returned.undone.fields {
            let Some(slot) = program.layout.event.get(set.slot.index()) else { continue };
            let value = left.as_ref().map(|(value, _)| match value {
                Value::Number(number) => field_text(&program, set.slot, *number, None),
                Value::Name(name) => field_text(&program, set.slot, MISSING, Some(name)),
            });
            let until = left.as_ref().and_then(|(_, until)| *until);
            fields.insert(set.slot, HoldingRow { value, until, ..row(member, "field", &slot.name) });
        }
        rows.holdings.extend(fields.into_values());
        let uses = returned.undone.uses.iter();
        rows.uses.extend(uses.map(|code| UseRow { folded: fold(code), event: number, amount: -1 }));
    }

    /// What a session is answered with, and how an offer was taken.
    fn contacts(
        &mut self,
        event: &ReadEvent,
        decision: &Decision,
        incoming: Incoming<'_>,
        learned: Option<Reaction>,
    ) {
        let program = Arc::clone(&self.program);
        let number = incoming.number;
        let kind = program.events.get(event.record.kind.index());
        let is_session = kind.is_some_and(|kind| kind.name == offers::SESSION);
        let mut parts = 1i64..;
        let shown = decision.offered.iter().flat_map(|offered| &offered.shown);
        for (shown, part) in shown.zip(&mut parts) {
            let Some(offer) = program.offers.list.get(shown.offer as usize) else { continue };
            self.batch.rows.contacts.push(ContactRow {
                event: number,
                part,
                offer: offer.name.clone(),
                answer: OFFERED.to_owned(),
                session: Some(event.id().to_owned()).filter(|_| is_session),
                propensity: shown.propensity,
                learned: None,
            });
        }
        if let Some((told, part)) = incoming.told.zip(parts.next()) {
            let learned = learned.and_then(|reaction| self.learn(reaction));
            self.batch.rows.contacts.push(ContactRow {
                event: number,
                part,
                offer: told.offer.clone(),
                answer: told.answer.clone(),
                session: told.session.clone(),
                propensity: None,
                learned,
            });
        }
        let asks = decision.offered.is_some() || incoming.told.is_some();
        if asks && self.batch.rows.learning.is_empty() {
            let rows = program.offers.list.iter().filter_map(|offer| {
                let terms = serde_json::to_string(&offer.learn?).ok()?;
                let (name, lasting) = (offer.name.clone(), offer.lasting(&program.references).to_owned());
                Some(LearningRow { pack: incoming.pack.to_owned(), offer: lasting, name, terms })
            });
            self.batch.rows.learning.extend(rows);
        }
    }

    /// Books what the memory has learned from a reaction.
    fn learn(&mut self, reaction: Reaction) -> Option<LearnedOf> {
        let offer = self.program.offers.list.get(reaction.offer as usize)?;
        let lasting = offer.lasting(&self.program.references);
        let found = self.learned.seq(lasting);
        let seq = self.reactions.entry(reaction.offer).or_insert(found);
        *seq = seq.saturating_add(1);
        let named = reaction.kind.and_then(|kind| kind_text(offer, kind));
        let of = [(None, Some(ALL)), (reaction.kind, named.as_deref())];
        for (kind, text) in of.into_iter().filter_map(|(kind, text)| Some((kind, text?))) {
            let tally = self.memory.tally(reaction.offer, kind).unwrap_or_default();
            let row = TallyRow {
                offer: lasting.to_owned(),
                kind: text.to_owned(),
                seq: *seq,
                ended: tally.ended,
                accepted: tally.accepted,
                day: tally.day,
            };
            self.batch.learn(row, found);
        }
        Some(LearnedOf { offer: lasting.to_owned(), kind: named, seq: *seq })
    }

    /// What is known of how an offer was taken, as of now.
    fn tally(&self, id: u32, offer: &Offer, kind: Option<i64>) -> Option<Tally> {
        self.memory.tally(id, kind).or_else(|| {
            let named = match kind {
                None => ALL.to_owned(),
                Some(kind) => kind_text(offer, kind)?,
            };
            self.learned.tally(offer.lasting(&self.program.references), &named)
        })
    }

    fn level(&mut self, event: &ReadEvent) {
        let Some(member) = event.member() else { return };
        for (tiers, id) in self.program.instruments.tiers.iter().zip(0u32..) {
            let Some(standing) = self.memory.level(id, member) else { continue };
            let names = self.program.enums.get(tiers.levels.index()).map(|levels| &levels.values);
            let at = usize::try_from(standing.level).ok();
            let Some(level) = names.zip(at).and_then(|(names, at)| names.get(at)) else { continue };
            self.batch.level(LevelRow {
                member: member.to_owned(),
                tiers: tiers.name.clone(),
                level: level.clone(),
                until: standing.until,
                reviewed: standing.reviewed,
            });
        }
    }

    fn post(
        &mut self,
        parts: &[(&ReadEvent, &Decision)],
        movements: &[Movement],
        (mut row, origin): (EventRow, Option<&Origin>),
        touched: &[String],
    ) -> Result<(), StoreError> {
        let Desk { program, memory, held, batch, origins, .. } = self;
        let rule = |id: RuleId| program.rules.get(id.index()).map_or("", |rule| rule.name.as_str());
        let mut accounts = BTreeSet::new();
        let number = row.number;
        let mut posting = batch.post(number);
        for movement in movements {
            let Some(account) = program.accounts.get(movement.account.index()) else { continue };
            accounts.insert(movement.account);
            let of = Of { member: &movement.member, account: &account.name, rule: rule(movement.rule) };
            let held = held.entry((movement.member.to_string(), movement.account)).or_default();
            let mut booking = Booking { posting: &mut posting, of, held };
            match &movement.moved {
                Moved::Issued { lot, paid } => booking.issue(program, lot, *paid)?,
                Moved::Spent(spent) => {
                    booking.take(Book::Redeemed, &spent.taken)?;
                    booking.owe(Book::Redeemed, spent.owed);
                }
                Moved::Corrected { debit, steps } => {
                    for step in steps {
                        booking.correct(program, *debit, *step)?;
                    }
                }
            }
        }
        for (event, decision) in parts {
            let is_refused = decision.refused.is_some();
            let at_once = |site: SiteId| {
                let life = life_of(program, site).filter(|(_, life)| life.spent_at_once);
                life.and_then(|(id, _)| Some((id, program.accounts.get(id.index())?)))
            };
            for effect in decision.effects.iter().filter(|_| !is_refused) {
                let to = program.sites.get(effect.site.index()).and_then(|site| site.to);
                let owner = to.map_or_else(|| event.member(), |slot| event.other(slot));
                let (Some((id, account)), Some(member)) = (at_once(effect.site), owner) else { continue };
                accounts.insert(id);
                let of = Of { member, account: &account.name, rule: rule(effect.rule) };
                posting.pass(of, effect.amount);
            }
            let Some(Ok(returned)) = &event.returned else { continue };
            let corrections = returned.all().flat_map(|returned| &returned.corrections);
            for correction in corrections.filter(|correction| !correction.debit) {
                let owner = correction.owner.as_deref();
                let (Some((id, account)), Some(member)) = (at_once(correction.site), owner) else { continue };
                accounts.insert(id);
                let of = Of { member, account: &account.name, rule: rule(correction.rule) };
                posting.pass(of, correction.amount);
            }
        }
        let moved = movements.iter().map(|movement| movement.member.as_ref());
        let names: BTreeSet<&str> = moved.chain(touched.iter().map(String::as_str)).collect();
        for member in names {
            for id in (0u32..).map(AccountId).take(program.accounts.len()) {
                let booked = held.entry((member.to_owned(), id)).or_default();
                if !booked.is(memory.lots_of(member, id)) {
                    let text = format!("the memory moved points of {member} and did not say so");
                    return Err(StoreError::Damaged(text));
                }
            }
        }
        if let Some(origin) = origin {
            let (event, _) = number_at(origin.order);
            let seq = origins.get(&event).copied().unwrap_or(0).saturating_add(1);
            origins.insert(event, seq);
            let spent = spent_of(program, memory, held, origin);
            let text = serde_json::to_string(&KeptOrigin { origin: origin.clone(), spent })
                .map_err(|error| StoreError::Damaged(error.to_string()))?;
            row.origin = Some(OriginRow { event, seq, by: number, text });
        }
        posting.end(row, touched);
        for id in accounts {
            if let Some(account) = program.accounts.get(id.index())
                && !batch.rows.accounts.iter().any(|known| known.name == account.name)
            {
                batch.rows.accounts.push(AccountRow {
                    name: account.name.clone(),
                    unit: account.unit.clone(),
                    decimals: i64::from(account.decimals),
                });
            }
        }
        Ok(())
    }

    /// A member as things stand.
    pub fn member(&mut self, name: &str) -> &MemberRow {
        self.batch.member(name)
    }

    /// All that is to be written.
    pub fn writes(self) -> Writes {
        self.batch.writes()
    }
}

impl Held {
    /// Whether the memory holds the same.
    fn is(&self, lots: Option<&Lots>) -> bool {
        let Some(lots) = lots else { return self.lots.is_empty() && self.owed == 0 };
        let same = |(booked, lot): (&HeldLot, &Lot)| booked.left.saturating_add(booked.ended) == lot.left;
        self.owed == lots.owed()
            && self.lots.len() == lots.lots().len()
            && self.lots.iter().zip(lots.lots()).all(same)
    }
}

/// The booking of what moves a member's points of an account.
struct Booking<'b, 'p> {
    posting: &'b mut Posting<'p>,
    of: Of<'b>,
    held: &'b mut Held,
}

impl Booking<'_, '_> {
    fn lot(&mut self, at: usize) -> Result<&mut HeldLot, StoreError> {
        let unknown = || StoreError::Damaged("points of a lot moved that is not known".to_owned());
        self.held.lots.get_mut(at).ok_or_else(unknown)
    }

    fn issue(&mut self, program: &Program, lot: &Lot, paid: i64) -> Result<(), StoreError> {
        if lot.amount <= 0 {
            return Err(StoreError::Damaged(format!(
                "rule {} awards {}, which no lot can hold",
                self.of.rule, lot.amount
            )));
        }
        let (event, raised) = number_at(lot.by.event);
        let condition = lot.condition.and_then(|at| program.spendables.get(usize::try_from(at).ok()?));
        let life = Lived {
            issued: lot.issued,
            start: lot.from,
            until: lot.until,
            by: Cause { event, raised, site: Some(i64::from(lot.by.site.0)) },
            spendable: condition.map(|condition| condition.name.clone()),
        };
        let key = self.posting.issue(self.of, Book::Issued, lot.amount, paid, life);
        self.held.lots.push(HeldLot { key, left: lot.amount.saturating_sub(paid), ended: 0 });
        self.held.owed = self.held.owed.saturating_sub(paid);
        Ok(())
    }

    /// Takes from lots, by the memory's position, into a book: what is left of each before what has ended.
    fn take(&mut self, into: Book, taken: &[(usize, i64)]) -> Result<(), StoreError> {
        let mut parts = Vec::new();
        for (at, amount) in taken {
            let of = self.of;
            let lot = self.lot(*at)?;
            let ended = amount.saturating_sub(lot.left).clamp(0, lot.ended);
            lot.left = lot.left.saturating_sub(amount.saturating_sub(ended));
            lot.ended = lot.ended.saturating_sub(ended);
            let key = lot.key;
            if ended > 0 {
                self.posting.revive(of, key, ended);
            }
            parts.push((key, *amount));
        }
        self.posting.take(self.of, into, &parts, 0);
        Ok(())
    }

    fn owe(&mut self, into: Book, amount: i64) {
        self.posting.take(self.of, into, &[], amount);
        self.held.owed = self.held.owed.saturating_add(amount);
    }

    fn correct(&mut self, program: &Program, debit: bool, step: Step) -> Result<(), StoreError> {
        let into = if debit { Book::Redeemed } else { Book::Issued };
        match step {
            Step::Issued { lot, paid } => self.issue(program, &lot, paid)?,
            Step::Less { lot, amount } => {
                let key = self.lot(lot)?.key;
                self.posting.lessen(self.of, key, amount);
            }
            Step::Taken { lot, amount } => self.take(into, &[(lot, amount)])?,
            Step::Back { lot, amount } => {
                let lot = self.lot(lot)?;
                lot.left = lot.left.saturating_add(amount);
                let key = lot.key;
                self.posting.give_back(self.of, Some(key), amount);
            }
            Step::Owed(amount) if amount < 0 => {
                self.posting.give_back(self.of, None, amount.saturating_neg());
                self.held.owed = self.held.owed.saturating_add(amount);
            }
            Step::Owed(amount) => self.owe(into, amount),
        }
        Ok(())
    }
}

/// What an event took of lots and has not been given back.
fn spent_of(
    program: &Program,
    memory: &Memory,
    held: &BTreeMap<(String, AccountId), Held>,
    origin: &Origin,
) -> Vec<SpentOf> {
    let mut all = Vec::new();
    let Some(member) = origin.member.as_deref() else { return all };
    for (account, id) in program.accounts.iter().zip((0u32..).map(AccountId)) {
        let (Some(lots), Some(held)) = (memory.lots_of(member, id), held.get(&(member.to_owned(), id)))
        else {
            continue;
        };
        let risen = origin.risen.iter().map(|risen| risen.heard.order);
        for order in std::iter::once(origin.order).chain(risen) {
            let raised = order.saturating_sub(origin.order);
            all.extend(lots.spendings(order).map(|(lot, amount)| {
                let key = lot.and_then(|at| held.lots.get(at)).map(|lot| (lot.key.event, lot.key.part));
                SpentOf(account.name.clone(), key, amount, raised)
            }));
        }
    }
    all
}

/// What stands for a condition that the program does not have: none of its own has this number, and none such ever holds.
const UNKNOWN_CONDITION: u32 = u32::MAX;

/// A lot as the memory has it, with what of it has ended. Where it carries a condition that the program does not have, it is
/// there and cannot be spent, since nobody can say whether it may be.
pub fn lot_of(program: &Program, row: &LotRow, ended: i64) -> Lot {
    let condition = row.spendable.as_ref().map(|name| {
        let at = program.spendables.iter().position(|spendable| spendable.name == *name);
        at.and_then(|at| u32::try_from(at).ok()).unwrap_or(UNKNOWN_CONDITION)
    });
    let site = row.by.site.and_then(|site| u32::try_from(site).ok()).map(SiteId).unwrap_or_default();
    let event = place(row.by.event).saturating_add(u64::try_from(row.by.raised).unwrap_or(0));
    Lot {
        issued: row.issued,
        by: By { event, site },
        from: row.start,
        until: row.until,
        amount: row.worth,
        left: row.remaining.saturating_add(ended),
        condition,
    }
}

/// A certificate's kind and its worth in minor units, as JSON.
fn certificate_text(name: &str, worth: i64) -> String {
    serde_json::json!({ "of": name, "worth": worth }).to_string()
}

/// What a field is set to, a name or a value, as JSON that means the same to every version of the program.
fn field_text(program: &Program, slot: SlotId, value: i64, name: Option<&str>) -> String {
    let value = match name {
        Some(name) => serde_json::Value::from(name),
        None if value == MISSING => serde_json::Value::Null,
        None => {
            let names = values_of(program, slot);
            let at = usize::try_from(value).ok();
            let name = names.zip(at).and_then(|(names, at)| names.get(at));
            name.map_or_else(|| value.into(), |name| name.as_str().into())
        }
    };
    value.to_string()
}

/// Nothing for a value that the program no longer has.
fn field_value(program: &Program, slot: SlotId, text: &str) -> Option<Value> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    if value.is_null() {
        return Some(Value::Number(MISSING));
    }
    let ty = program.layout.event.get(slot.index())?.ty;
    match (value.as_str(), values_of(program, slot)) {
        (Some(name), Some(names)) => {
            let at = names.iter().position(|known| known == name)?;
            Some(Value::Number(i64::try_from(at).ok()?))
        }
        (Some(name), None) => matches!(ty, SlotType::Symbol(_)).then(|| Value::Name(name.into())),
        (None, Some(_)) => None,
        (None, None) => Some(Value::Number(value.as_i64().filter(|_| !matches!(ty, SlotType::Symbol(_)))?)),
    }
}

fn values_of(program: &Program, slot: SlotId) -> Option<&Vec<String>> {
    let ty = program.layout.event.get(slot.index())?.ty;
    program.enums.get(ty.enumeration()?.index()).map(|of| &of.values)
}

impl State for Desk {
    fn see<'s>(
        &'s self,
        schema: &Schema,
        reader: &mut Reader,
        event: &mut ReadEvent,
    ) -> Box<dyn Claimed + 's> {
        let now = now(event);
        Box::new(Watched { desk: self, now, inner: self.memory.see(schema, reader, event) })
    }

    fn keep(&mut self, schema: &Schema, reader: &Reader, event: &ReadEvent, decision: &Decision) {
        match decision.answered {
            Some(_) if self.seen.again => {
                let decision = Decision { answered: None, ..decision.clone() };
                self.memory.keep(schema, reader, event, &decision);
            }
            Some(reaction) => {
                // What was learned before is needed only now that the offer and the kind are known.
                let program = Arc::clone(&self.program);
                if let Some(offer) = program.offers.list.get(reaction.offer as usize) {
                    for kind in [Some(None), reaction.kind.map(Some)].into_iter().flatten() {
                        if let Some(tally) = self.tally(reaction.offer, offer, kind) {
                            self.memory.restore_tally(reaction.offer, kind, tally);
                        }
                    }
                }
                self.memory.keep(schema, reader, event, decision);
            }
            None => self.memory.keep(schema, reader, event, decision),
        }
        self.seen.settled = true;
    }

    fn origin(&self, id: &str) -> Option<Arc<Origin>> {
        self.memory.origin(id)
    }

    fn then<'s>(
        &'s self,
        schema: &Schema,
        reader: &mut Reader,
        origin: &Origin,
        record: &mut Record,
    ) -> Box<dyn Claimed + 's> {
        let (order, now) = (origin.order, origin.now());
        Box::new(Then { desk: self, order, now, inner: self.memory.then(schema, reader, origin, record) })
    }

    fn lots(&self, member: &str, account: AccountId) -> Lots {
        self.memory.lots(member, account)
    }

    fn undo_level(
        &mut self,
        tiers: u32,
        origin: &Origin,
        now: Instant,
        reached: Option<i64>,
    ) -> Option<TierChange> {
        self.memory.undo_level(tiers, origin, now, reached)
    }

    fn due(&self, tiers: u32, event: &ReadEvent) -> Vec<i64> {
        self.memory.due(tiers, event)
    }

    fn review(
        &mut self,
        tiers: u32,
        member: &str,
        now: Instant,
        review: bool,
        found: (Option<i64>, Option<i64>),
    ) -> Option<TierChange> {
        self.memory.review(tiers, member, now, review, found)
    }

    fn has_badge(&self, member: &str, badge: u32) -> bool {
        self.memory.has_badge(member, badge)
    }

    fn give_badge(&mut self, event: &ReadEvent, badge: u32) {
        self.memory.give_badge(event, badge);
    }

    fn coupon_uses(&self, code: &str) -> u32 {
        self.memory.coupon_uses(code)
    }

    fn take_back(&mut self, event: &ReadEvent) {
        self.memory.take_back(event);
    }
}

/// Notes what counters are asked and what they answer.
struct Watched<'s> {
    desk: &'s Desk,
    now: Instant,
    inner: Box<dyn Claimed + 's>,
}

impl Claimed for Watched<'_> {
    fn claimed(&self, id: CounterId) -> i64 {
        let Some(counter) = self.desk.program.counters.get(id.index()) else { return i64::MAX };
        if counter.per == CounterKey::Campaign {
            let after = limited(counter.window, self.now, self.desk.program.week_starts).after;
            // Clocks of a zone are less than a day apart from the universal one, with what summer time adds.
            let after = if is_universal(counter.window) { after.saturating_sub(2 * DAY) } else { after };
            let from = if is_by_day(counter.window) { i64::MIN } else { after };
            if self.desk.from.get(&id).is_none_or(|there| *there > from) {
                let mut missing = self.desk.seen.missing.borrow_mut();
                let needed = missing.entry(id).or_insert(from);
                *needed = (*needed).min(from);
                // The event is decided again once it is there.
                return i64::MAX;
            }
        }
        let answer = self.inner.claimed(id);
        // What the event raises may ask again, at another instant.
        let mut answers = self.desk.seen.answers.borrow_mut();
        let answers = if self.desk.seen.settled { &mut answers.raised } else { &mut answers.claimed };
        answers.entry(counter.name.clone()).or_insert(answer);
        answer
    }

    fn balance(&self, account: AccountId) -> Option<i64> {
        self.inner.balance(account)
    }

    fn purse(&self, account: AccountId) -> Vec<(Option<u32>, i64)> {
        self.inner.purse(account)
    }

    fn tallies(&self, id: u32, kind: Option<i64>) -> Tallies {
        let program = &self.desk.program;
        let Some(offer) = program.offers.list.get(id as usize) else { return Tallies::default() };
        let lasting = offer.lasting(&program.references);
        let seq = self.desk.reactions.get(&id).copied().unwrap_or_else(|| self.desk.learned.seq(lasting));
        let named = kind.and_then(|kind| kind_text(offer, kind));
        self.desk.seen.answers.borrow_mut().learned.insert(lasting.to_owned(), AskedOf(seq, named));
        let of = |kind| self.desk.tally(id, offer, kind).unwrap_or_default();
        Tallies { all: of(None), kind: kind.map_or_else(Tally::default, |kind| of(Some(kind))) }
    }
}

/// The same as of an event before.
struct Then<'s> {
    desk: &'s Desk,
    order: u64,
    now: Instant,
    inner: Box<dyn Claimed + 's>,
}

impl Claimed for Then<'_> {
    fn claimed(&self, id: CounterId) -> i64 {
        // Of counters of all together the memory knows the claims of this batch, and the ledger those before it.
        let counter = self.desk.program.counters.get(id.index());
        if counter.is_none_or(|counter| counter.per != CounterKey::Campaign) {
            return self.inner.claimed(id);
        }
        // What it was told then stands. Who is asked only now is told the sum of the claims before it, by number; on a server
        // another host's may have a lower number and have come later.
        let told = self.desk.answered.get(&self.order);
        let told = told.zip(counter).and_then(|(told, counter)| told.get(&counter.name));
        if let Some(told) = told {
            return *told;
        }
        let of = (id, self.order);
        let Some(before) = self.desk.then.get(&of) else {
            self.desk.seen.missing_then.borrow_mut().insert(of, self.now);
            return i64::MAX;
        };
        before.saturating_add(self.inner.claimed(id))
    }

    fn balance(&self, account: AccountId) -> Option<i64> {
        self.inner.balance(account)
    }

    fn purse(&self, account: AccountId) -> Vec<(Option<u32>, i64)> {
        self.inner.purse(account)
    }
}
