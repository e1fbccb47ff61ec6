//! The desk at which events are decided: a memory with what they need to see, loaded from the store, and the rows that
//! come of their decisions. What a decision means for lots, histories, levels and instruments is the runtime's
//! [`Memory`]'s to say; the desk books what that says.
//!
//! Refuses to know where rows are kept.

use crate::batch::{Batch, Lived, Of};
use crate::store::{
    AccountRow, Book, ClaimRow, CouponRow, EventKey, EventRow, HoldingRow, Loaded, LotKey, MemberRow,
    StoreError, Wanted, Writes,
};
use perq_compiler::calendar::{DAY, Instant, is_universal, limited};
use perq_compiler::codes::fold;
use perq_compiler::evaluate::{Claimed, Decision, TierChange};
use perq_compiler::ir::{
    AccountId, CounterId, CounterKey, InstrumentId, MISSING, Program, RowSource, RuleId, SlotId, SlotType,
    Verified, Window, event_slot,
};
use perq_runtime::engine::Session;
use perq_runtime::record::{ReadEvent, Reader, Schema};
use perq_runtime::state::instruments::{IssuedCoupon, Outcome, codes, outcome, presented};
use perq_runtime::state::life::life_of;
use perq_runtime::state::lots::{Lot, Lots};
use perq_runtime::state::tiers::Standing;
use perq_runtime::state::{Memory, Moved, State};
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
        Needs { others: others.into_iter().collect(), past }
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
        if let Some(days) = self.past {
            let date = now(event).date;
            let from = days.map_or(i64::MIN, |days| date.saturating_sub(days));
            wanted.past_from = Some(wanted.past_from.map_or(from, |before| before.min(from)));
        }
    }
}

/// When an event happens.
fn now(event: &ReadEvent) -> Instant {
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
    from: BTreeMap<CounterId, i64>,
    lots: BTreeMap<(String, AccountId), Vec<LotKey>>,
    coupons: BTreeSet<String>,
    batch: Batch,
    seen: Seen,
}

/// What decisions have asked for.
#[derive(Default)]
struct Seen {
    /// Counters of all together that are not there, and from which local second on they are needed.
    missing: RefCell<BTreeMap<CounterId, i64>>,
    /// What counters answered to the event at hand.
    answers: RefCell<BTreeMap<String, i64>>,
}

/// An event that is decided and booked.
#[derive(Debug)]
pub struct Booked {
    /// As it is answered.
    pub decision: String,
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
}

impl Desk {
    /// With what was loaded. Gives the numbers of earlier events that lack something that this program looks back at, and
    /// whose they are.
    pub fn new(
        program: &Arc<Verified>,
        found: &Loaded,
        shared: &SharedCounters,
    ) -> (Desk, Vec<(i64, String)>) {
        let mut desk = Desk {
            memory: Memory::new(Arc::clone(program)).with_journal(),
            program: Arc::clone(program),
            versions: BTreeMap::new(),
            from: BTreeMap::new(),
            lots: BTreeMap::new(),
            coupons: BTreeSet::new(),
            batch: Batch::default(),
            seen: Seen::default(),
        };
        desk.take_members(found);
        desk.take_points(found);
        desk.take_claims(found, shared);
        desk.take_instruments(found);
        let mut lacking = Vec::new();
        for row in &found.past {
            let taken = row.past.as_deref().is_some_and(|past| desk.memory.restore_past(&row.member, past));
            if !taken {
                lacking.push((row.event, row.member.clone()));
            }
        }
        (desk, lacking)
    }

    fn take_members(&mut self, found: &Loaded) {
        for row in &found.members {
            if let (Some(tiers), Some(level), Some(reviewed)) =
                (&self.program.instruments.tiers, &row.level, row.reviewed)
            {
                let names = self.program.enums.get(tiers.levels.index()).map(|levels| &levels.values);
                let at = names.and_then(|names| names.iter().position(|name| name == level));
                // A level that the program no longer has: the lowest.
                let level = at.and_then(|at| i64::try_from(at).ok()).unwrap_or(0);
                let standing = Standing { level, until: row.level_until, reviewed };
                self.memory.restore_level(&row.name, standing);
            }
            self.batch.meet(row.clone());
        }
    }

    fn take_points(&mut self, found: &Loaded) {
        let owed: BTreeMap<(&str, &str), i64> = found
            .balances
            .iter()
            .map(|row| ((row.member.as_str(), row.account.as_str()), row.owed))
            .collect();
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
            let lot = Lot { issued: row.issued, from: row.start, until: row.until, left: row.remaining };
            lots.entry((&row.member, &row.account)).or_default().push(lot);
            self.lots.entry((row.member.clone(), *id)).or_default().push(row.key);
        }
        let all: BTreeSet<(&str, &str)> = lots.keys().chain(owed.keys()).copied().collect();
        for (member, account) in all {
            let Some(id) = accounts.get(account) else { continue };
            let owed = owed.get(&(member, account)).copied().unwrap_or(0);
            let lots = Lots::of(lots.remove(&(member, account)).unwrap_or_default(), owed);
            self.memory.restore_lots(member, *id, lots);
        }
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
                self.memory.restore_claim(*id, Some(&row.who), (row.at, row.local), row.amount);
            }
        }
        for (name, counter) in shared {
            let Some(id) = counters.get(name.as_str()) else { continue };
            self.versions.insert(*id, counter.version);
            self.from.insert(*id, counter.from);
            for (at, local, amount) in &counter.claims {
                self.memory.restore_claim(*id, None, (*at, *local), *amount);
            }
        }
    }

    fn take_instruments(&mut self, found: &Loaded) {
        let program = Arc::clone(&self.program);
        let instruments = self.memory.instruments_mut();
        for row in &found.coupons {
            let of = program.instruments.coupons.iter().position(|coupon| coupon.name == row.coupon);
            let Some(coupon) = of.and_then(|at| u32::try_from(at).ok()) else { continue };
            instruments.restore_coupon(IssuedCoupon {
                coupon,
                code: row.code.as_str().into(),
                owner: row.member.as_deref().map(Box::from),
                expires: row.expires,
                uses: u32::try_from(row.uses).unwrap_or(u32::MAX),
            });
            self.coupons.insert(row.folded.clone());
        }
        for row in &found.holdings {
            match row.kind.as_str() {
                "badge" => {
                    let of = program.instruments.badges.iter().position(|badge| badge.name == row.name);
                    if let Some(badge) = of.and_then(|at| u32::try_from(at).ok()) {
                        instruments.give_badge(&row.member, badge);
                    }
                }
                "field" => {
                    let of = program.layout.event.iter().position(|slot| slot.name == row.name);
                    if let Some(slot) = of.and_then(|at| u32::try_from(at).ok()).map(SlotId)
                        && let Some(value) = field_value(&program, slot, &row.value)
                    {
                        instruments.restore_field(&row.member, slot, value, row.until);
                    }
                }
                // Certificates are kept and not read.
                _ => {}
            }
        }
    }

    /// Takes over an earlier event that was read again.
    pub fn restore(&mut self, schema: &Schema, reader: &Reader, event: &ReadEvent, paid: i64, lines: &[i64]) {
        self.memory.restore_event(schema, reader, event, paid, lines);
    }

    /// Counters of all together that are needed and not there, and from which second of the local clock on.
    pub fn missing(&self) -> Vec<(CounterId, i64)> {
        self.seen.missing.borrow().iter().map(|(id, from)| (*id, *from)).collect()
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
        let found = event.member().map(|member| {
            let row = self.batch.member(member);
            (row.seq, row.head.clone())
        });
        self.seen.answers.borrow_mut().clear();
        let decision = session.decide_on(self, reader, event).clone();
        let mut text = Vec::new();
        session.write_decision(event, &decision, &mut text);
        if text.last() == Some(&b'\n') {
            text.pop();
        }
        let text =
            String::from_utf8(text).map_err(|_| StoreError::Damaged("a decision is no text".to_owned()))?;
        let snapshot = match found {
            Some((seq, head)) => serde_json::json!({
                "seq": seq, "head": head, "claimed": *self.seen.answers.borrow(),
            }),
            None => serde_json::json!({ "claimed": *self.seen.answers.borrow() }),
        };
        let journal = self.memory.take_journal();
        let now = now(event);
        let kind = self.program.events.get(event.record.kind.index());
        let row = EventRow {
            number: incoming.number,
            key: incoming.key.clone(),
            kind: kind.map(|kind| kind.name.clone()).unwrap_or_default(),
            member: event.member().map(str::to_owned),
            at: now.at,
            date: now.date,
            time: now.time,
            json: incoming.json.to_owned(),
            decision: text.clone(),
            refused: decision.refused.is_some(),
            pack: incoming.pack.to_owned(),
            tz: perq_runtime::clock::database_version().to_owned(),
            snapshot: snapshot.to_string(),
            past: journal.past,
        };
        let mut touched: Vec<String> = event.member().map(str::to_owned).into_iter().collect();
        if !row.refused {
            self.claims(event, &decision, (incoming.number, now), &mut touched);
            self.instruments(event, &decision, incoming.number);
        }
        self.level(event);
        self.post(event, &decision, &journal.movements, (row, now), &touched)?;
        Ok(Booked { decision: text })
    }

    fn claims(
        &mut self,
        event: &ReadEvent,
        decision: &Decision,
        (number, now): (i64, Instant),
        touched: &mut Vec<String>,
    ) {
        let program = Arc::clone(&self.program);
        let mut sums: BTreeMap<(String, CounterId), i64> = BTreeMap::new();
        for claim in &decision.claims {
            let Some(counter) = program.counters.get(claim.counter.index()) else { continue };
            let who = match counter.per {
                CounterKey::Campaign => Some(""),
                CounterKey::Member => event.member(),
                CounterKey::Inviter(slot) => event.other(slot),
            };
            let Some(who) = who else { continue };
            let sum = sums.entry((who.to_owned(), claim.counter)).or_default();
            *sum = sum.saturating_add(claim.amount);
        }
        for ((who, id), amount) in sums {
            let Some(counter) = program.counters.get(id.index()) else { continue };
            if !who.is_empty() {
                touched.push(who.clone());
            }
            let row = ClaimRow {
                who,
                counter: counter.name.clone(),
                at: now.at,
                local: now.local(),
                event: number,
                amount,
            };
            self.batch.claim(row, self.versions.get(&id).copied().unwrap_or(0));
        }
    }

    fn instruments(&mut self, event: &ReadEvent, decision: &Decision, number: i64) {
        let program = Arc::clone(&self.program);
        for code in &event.presented {
            let folded = fold(&code.code);
            if outcome(&program, code, decision) == Outcome::Accepted && self.coupons.contains(&folded) {
                self.batch.rows.uses.push((folded, number));
            }
        }
        for (issue, codes) in codes(&program, event.id(), &decision.issues) {
            let (_, name) = program.instruments.name(issue.instrument).unwrap_or(("", ""));
            match issue.instrument {
                InstrumentId::Coupon(_) => {
                    for code in codes {
                        let folded = fold(&code);
                        self.coupons.insert(folded.clone());
                        self.batch.rows.coupons.push(CouponRow {
                            folded,
                            code,
                            coupon: name.to_owned(),
                            member: event.member().map(str::to_owned),
                            expires: issue.expires,
                            uses: 0,
                            event: number,
                        });
                    }
                }
                InstrumentId::Certificate(_) | InstrumentId::Badge(_) => {
                    let Some(member) = event.member() else { continue };
                    let is_badge = matches!(issue.instrument, InstrumentId::Badge(_));
                    let kind = if is_badge { "badge" } else { "certificate" };
                    let names = if is_badge { vec![name.to_owned()] } else { codes };
                    let value = match is_badge {
                        true => String::new(),
                        false => serde_json::json!({ "of": name, "worth": issue.number }).to_string(),
                    };
                    self.batch.rows.holdings.extend(names.into_iter().map(|name| HoldingRow {
                        member: member.to_owned(),
                        kind: kind.to_owned(),
                        name,
                        value: value.clone(),
                        until: issue.expires,
                        event: number,
                    }));
                }
            }
        }
        let Some(member) = event.member() else { return };
        let governed = program.instruments.tiers.as_ref().map(|tiers| tiers.slot);
        // The last word of an event on a field stands.
        let last: BTreeMap<SlotId, _> = decision
            .changes
            .iter()
            .filter(|change| Some(change.slot) != governed)
            .map(|change| (change.slot, change))
            .collect();
        for (id, change) in last {
            let Some(slot) = program.layout.event.get(id.index()) else { continue };
            self.batch.rows.holdings.push(HoldingRow {
                member: member.to_owned(),
                kind: "field".to_owned(),
                name: slot.name.clone(),
                value: field_text(&program, id, change.value),
                until: change.until,
                event: number,
            });
        }
    }

    fn level(&mut self, event: &ReadEvent) {
        let (Some(tiers), Some(member)) = (&self.program.instruments.tiers, event.member()) else { return };
        let Some(standing) = self.memory.level(member) else { return };
        let names = self.program.enums.get(tiers.levels.index()).map(|levels| &levels.values);
        let at = usize::try_from(standing.level).ok();
        let name = names.zip(at).and_then(|(names, at)| names.get(at)).cloned();
        let row = self.batch.member(member);
        row.level = name;
        row.level_until = standing.until;
        row.reviewed = Some(standing.reviewed);
    }

    fn post(
        &mut self,
        event: &ReadEvent,
        decision: &Decision,
        movements: &[perq_runtime::state::Movement],
        (row, now): (EventRow, Instant),
        touched: &[String],
    ) -> Result<(), StoreError> {
        let Desk { program, memory, lots, batch, .. } = self;
        let rule = |id: RuleId| program.rules.get(id.index()).map_or("", |rule| rule.name.as_str());
        let mut accounts = BTreeSet::new();
        let (number, refused) = (row.number, row.refused);
        let mut posting = batch.post(number);
        for movement in movements {
            let Some(account) = program.accounts.get(movement.account.index()) else { continue };
            accounts.insert(movement.account);
            let of = Of { member: &movement.member, account: &account.name, rule: rule(movement.rule) };
            let keys = lots.entry((movement.member.to_string(), movement.account)).or_default();
            match &movement.moved {
                Moved::Issued { portion, paid } => {
                    if portion.amount <= 0 {
                        return Err(StoreError::Damaged(format!(
                            "rule {} awards {}, which no lot can hold",
                            of.rule, portion.amount
                        )));
                    }
                    let life = Lived { issued: now.at, start: portion.from, until: portion.until };
                    keys.push(posting.issue(of, Book::Issued, portion.amount, *paid, life));
                }
                Moved::Spent(spent) => {
                    let mut taken = Vec::new();
                    for (at, amount) in &spent.taken {
                        let Some(key) = keys.get(*at) else {
                            return Err(StoreError::Damaged("a lot was spent that is not known".to_owned()));
                        };
                        taken.push((*key, *amount));
                    }
                    posting.take(of, Book::Redeemed, &taken, spent.owed);
                }
            }
        }
        for effect in decision.effects.iter().filter(|_| !refused) {
            let Some((id, _)) = life_of(program, effect.site).filter(|(_, life)| life.spent_at_once) else {
                continue;
            };
            let to = program.sites.get(effect.site.index()).and_then(|site| site.to);
            let owner = to.map_or_else(|| event.member(), |slot| event.other(slot));
            let (Some(account), Some(member)) = (program.accounts.get(id.index()), owner) else { continue };
            accounts.insert(id);
            posting.pass(Of { member, account: &account.name, rule: rule(effect.rule) }, effect.amount);
        }
        let moved = movements.iter().map(|movement| movement.member.as_ref());
        let names: BTreeSet<&str> = moved.chain(touched.iter().map(String::as_str)).collect();
        for member in names {
            let first = (member.to_owned(), AccountId(0));
            let mine = lots.range(first..).take_while(|((name, _), _)| name == member);
            for ((_, account), keys) in mine {
                let known = memory.lots(member, *account).map_or(0, |lots| lots.lots().len());
                if known != keys.len() {
                    let text = format!("the memory moved points of {member} and did not say so");
                    return Err(StoreError::Damaged(text));
                }
            }
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

/// A field's value as a text that means the same to every version of the program.
fn field_text(program: &Program, slot: SlotId, value: i64) -> String {
    let names = values_of(program, slot);
    let name = names.zip(usize::try_from(value).ok()).and_then(|(names, at)| names.get(at));
    name.cloned().unwrap_or_else(|| value.to_string())
}

/// Nothing for a value that the program no longer has.
fn field_value(program: &Program, slot: SlotId, text: &str) -> Option<i64> {
    match values_of(program, slot) {
        Some(names) => names.iter().position(|name| name == text).and_then(|at| i64::try_from(at).ok()),
        None => text.parse().ok(),
    }
}

fn values_of(program: &Program, slot: SlotId) -> Option<&Vec<String>> {
    match program.layout.event.get(slot.index())?.ty {
        SlotType::Enum(id) => program.enums.get(id.index()).map(|of| &of.values),
        SlotType::Bool
        | SlotType::Money { .. }
        | SlotType::Points(_)
        | SlotType::Percent
        | SlotType::Count
        | SlotType::Number { .. }
        | SlotType::Date
        | SlotType::Time
        | SlotType::Instant
        | SlotType::Symbol(_)
        | SlotType::Set(_) => None,
    }
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
        self.memory.keep(schema, reader, event, decision);
    }

    fn due(&self, event: &ReadEvent) -> Vec<i64> {
        self.memory.due(event)
    }

    fn review(
        &mut self,
        member: &str,
        now: Instant,
        review: bool,
        found: (Option<i64>, Option<i64>),
    ) -> Option<TierChange> {
        self.memory.review(member, now, review, found)
    }

    fn has_badge(&self, member: &str, badge: u32) -> bool {
        self.memory.has_badge(member, badge)
    }

    fn give_badge(&mut self, member: &str, badge: u32) {
        self.memory.give_badge(member, badge);
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
        self.desk.seen.answers.borrow_mut().insert(counter.name.clone(), answer);
        answer
    }

    fn balance(&self, account: AccountId) -> Option<i64> {
        self.inner.balance(account)
    }
}
