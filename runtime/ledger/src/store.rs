//! What is kept, as rows, and what a place that keeps them must do. Refuses to know rules and decisions: a store reads
//! rows together, and writes them together or not at all.

use crate::stages::Stages;
use serde::{Deserialize, Serialize};

/// What identifies an event for good.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventKey {
    /// Who sent it; empty where the record does not say.
    pub source: String,
    /// Its id there.
    pub id: String,
    /// Which version of it; 0 where the record does not say.
    pub revision: i64,
}

impl std::fmt::Display for EventKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.source.is_empty(), self.revision) {
            (true, 0) => write!(f, "{}", self.id),
            (true, revision) => write!(f, "{} (revision {revision})", self.id),
            (false, 0) => write!(f, "{} of {}", self.id, self.source),
            (false, revision) => write!(f, "{} of {} (revision {revision})", self.id, self.source),
        }
    }
}

/// An event and what was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// The ledger's own order.
    pub number: i64,
    /// What identifies it.
    pub key: EventKey,
    /// The kind of event, or of the ledger's own deed.
    pub kind: String,
    /// Whose.
    pub member: Option<String>,
    /// Its instant, and the local day and second of the day.
    pub at: i64,
    /// Local day, counted from 1970-01-01.
    pub date: i64,
    /// Local second of the day.
    pub time: i64,
    /// As it came.
    pub json: String,
    /// As it was answered.
    pub decision: String,
    /// Whether the decision refuses it as a whole.
    pub refused: bool,
    /// What decided it.
    pub pack: String,
    /// With which time zone database.
    pub tz: String,
    /// On what it was decided: the member's place in the chain before it, and what counters answered.
    pub snapshot: String,
    /// What histories repeat of it, and of the events that it raised: one a line.
    pub past: Option<String>,
    /// What is kept from now on for goods that may come back.
    pub origin: Option<OriginRow>,
}

/// What is kept of an event for goods that may come back of it. Each return adds a row, and the last one stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRow {
    /// The event of which they come back.
    pub event: i64,
    /// From 1, without gaps: 1 comes with the event itself.
    pub seq: i64,
    /// The event that adds the row.
    pub by: i64,
    /// What is kept.
    pub text: String,
}

/// What was found of an event for goods that come back of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundOrigin {
    /// The event's id.
    pub id: String,
    /// What decided it.
    pub pack: String,
    /// Its local day.
    pub date: i64,
    /// On what it was decided.
    pub snapshot: String,
    /// What stands of it.
    pub row: OriginRow,
}

/// What was found of a reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundReservation {
    /// The id of its event.
    pub id: String,
    /// As it was asked for.
    pub json: String,
    /// Whether it has ended.
    pub ended: bool,
    /// On what it was decided, where it is for an event; with what that would claim.
    pub snapshot: String,
    /// What it holds of which lots.
    pub parts: Vec<HeldPart>,
}

/// What a reservation holds of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPart {
    /// In which account.
    pub account: String,
    /// Of which lot.
    pub key: LotKey,
    /// How much.
    pub amount: i64,
}

/// What a reservation holds of a counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldClaim {
    /// For whom; empty for all together.
    pub who: String,
    /// The counter's lasting name.
    pub counter: String,
    /// The instant of the event that it is for.
    pub at: i64,
    /// The same on the local clock.
    pub local: i64,
    /// How much.
    pub amount: i64,
}

impl HeldClaim {
    /// As an event gives it back.
    pub fn given_back(&self, event: i64) -> ClaimRow {
        ClaimRow {
            who: self.who.clone(),
            counter: self.counter.clone(),
            at: self.at,
            local: self.local,
            event,
            amount: self.amount.saturating_neg(),
        }
    }
}

/// What a reservation holds of counters, from the snapshot of its event.
pub fn held_claims(snapshot: &str) -> Vec<HeldClaim> {
    #[derive(Deserialize)]
    struct Held {
        #[serde(default)]
        held: Vec<HeldClaim>,
    }
    if !snapshot.contains("\"held\":") {
        return Vec::new();
    }
    serde_json::from_str(snapshot).map(|held: Held| held.held).unwrap_or_default()
}

/// The codes that a reservation holds, as codes are compared, from the snapshot of its event.
pub fn held_codes(snapshot: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Held {
        #[serde(default)]
        codes: Vec<String>,
    }
    if !snapshot.contains("\"codes\":") {
        return Vec::new();
    }
    serde_json::from_str(snapshot).map(|held: Held| held.codes).unwrap_or_default()
}

impl FoundReservation {
    /// From when it is void.
    pub fn until(&self) -> i64 {
        let json: Option<serde_json::Value> = serde_json::from_str(&self.json).ok();
        json.and_then(|json| json.get("until")?.as_i64()).unwrap_or(0)
    }
}

/// Which account of the double entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Book {
    /// What the member has: owed by the programme.
    Member,
    /// What was issued, ever; below zero.
    Issued,
    /// What was redeemed.
    Redeemed,
    /// What ended unspent.
    Breakage,
    /// What was corrected or written off by hand.
    Adjusted,
    /// What is held for a payment that is not made yet.
    Reserved,
}

impl Book {
    /// All.
    pub const ALL: [Book; 6] =
        [Book::Member, Book::Issued, Book::Redeemed, Book::Breakage, Book::Adjusted, Book::Reserved];

    /// Its lasting name.
    pub fn name(self) -> &'static str {
        match self {
            Book::Member => "member",
            Book::Issued => "issued",
            Book::Redeemed => "redeemed",
            Book::Breakage => "breakage",
            Book::Adjusted => "adjusted",
            Book::Reserved => "reserved",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Book> {
        Book::ALL.into_iter().find(|book| book.name() == name)
    }
}

/// A lot's identity: the event that issued it, and the how manieth of that event it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LotKey {
    /// The event's number.
    pub event: i64,
    /// From 1.
    pub part: i64,
}

/// One side of a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// The event that moved it.
    pub event: i64,
    /// Place among the event's entries, from 1.
    pub part: i64,
    /// Whose points.
    pub member: String,
    /// In which account of the programme.
    pub account: String,
    /// In which book.
    pub book: Book,
    /// In smallest units.
    pub amount: i64,
    /// Which lot of the member; none for what is owed beyond lots, and in other books.
    pub lot: Option<LotKey>,
    /// What moved it: a rule's name, or the ledger's deed.
    pub rule: String,
}

/// A lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotRow {
    /// Which.
    pub key: LotKey,
    /// Whose.
    pub member: String,
    /// In which account.
    pub account: String,
    /// When it was issued.
    pub issued: i64,
    /// From when it can be spent.
    pub start: i64,
    /// From when it is gone.
    pub until: Option<i64>,
    /// What it was.
    pub granted: i64,
    /// What of it was spent.
    pub spent: i64,
    /// What of it ended.
    pub expired: i64,
    /// What of it was taken back.
    pub reversed: i64,
    /// What is left.
    pub remaining: i64,
    /// For what it was issued.
    pub by: Cause,
    /// The name of the condition under which it can be spent.
    pub spendable: Option<String>,
    /// What it was, less what of it should not have been awarded since goods came back.
    pub worth: i64,
}

impl LotRow {
    /// Takes over what became of it.
    pub fn change(&mut self, change: &LotChange) {
        self.spent = self.spent.saturating_add(change.spent);
        self.expired = self.expired.saturating_add(change.expired);
        self.reversed = self.reversed.saturating_add(change.reversed);
        let gone = change.spent.saturating_add(change.expired).saturating_add(change.reversed);
        self.remaining = self.remaining.saturating_sub(gone);
        self.worth = self.worth.saturating_add(change.worth);
    }
}

/// For what a lot was issued: the event whose award it is, also where a later one has issued it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The event's number; 0 for a deed of the ledger's own.
    pub event: i64,
    /// Which of the events that it raised; 0 for the event itself.
    pub raised: i64,
    /// Which effect, as the pack that decided it numbers them.
    pub site: Option<i64>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// Who.
    pub name: String,
    /// How many events have changed the member: the length of the chain.
    pub seq: i64,
    /// The chain's last hash.
    pub head: String,
    /// The event of the chain's last link; 0 where there is none.
    pub last: i64,
}

/// A member's level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelRow {
    /// Whose.
    pub member: String,
    /// Of which tiers, by name.
    pub tiers: String,
    /// The level by its name.
    pub level: String,
    /// The last day on which it cannot be lost.
    pub until: Option<i64>,
    /// Seconds of the local clock up to which reviews were made.
    pub reviewed: i64,
}

/// A link of a member's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// Whose.
    pub member: String,
    /// From 1, without gaps.
    pub seq: i64,
    /// The event.
    pub event: i64,
    /// The event of the link before; 0 for the first.
    pub before: i64,
    /// Over the link before and all that the event did to the member.
    pub hash: String,
}

/// What a member owes of an account, because it was spent beyond all lots: a sum of entries, kept for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedRow {
    /// Whose.
    pub member: String,
    /// In which account.
    pub account: String,
    /// How much; below zero where later lots had paid it and it came back with goods.
    pub owed: i64,
}

/// A claim on a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    /// For whom; empty for all together.
    pub who: String,
    /// The counter's lasting name.
    pub counter: String,
    /// The instant.
    pub at: i64,
    /// The same on the local clock.
    pub local: i64,
    /// By which event. One may claim at several instants.
    pub event: i64,
    /// How much; below zero where goods come back.
    pub amount: i64,
}

/// Something that an event gave a member or set of the member, as the event that writes it leaves it: the giving one itself,
/// or one with which goods come back. The last one stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldingRow {
    /// Whose.
    pub member: String,
    /// `badge`, `certificate`, `field`; `coupon` for one that is withdrawn.
    pub kind: String,
    /// Of the badge or field; the certificate's or coupon's code.
    pub name: String,
    /// The event that gave it, and which of those that this one raised; 0 for itself.
    pub of: (i64, i64),
    /// Of a field, as JSON; of a certificate, its kind and its worth; empty of a badge. Nothing where it is taken back.
    pub value: Option<String>,
    /// The last day.
    pub until: Option<i64>,
    /// The event that writes it.
    pub event: i64,
}

/// An offer that a session answers with, or a reaction to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRow {
    /// The session's or the reaction's event.
    pub event: i64,
    /// Place among what is offered, from 1; 1 for a reaction.
    pub part: i64,
    /// The offer, as the decision or the record names it.
    pub offer: String,
    /// `offered`, or the reaction's answer.
    pub answer: String,
    /// The id of the session.
    pub session: Option<String>,
    /// How likely it seemed that it is accepted, in millionths.
    pub propensity: Option<i64>,
    /// What is learned from it.
    pub learned: Option<LearnedOf>,
}

/// Of which offer something is learned from a reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedOf {
    /// The offer's lasting name.
    pub offer: String,
    /// The kind of the member, where it is told.
    pub kind: Option<String>,
    /// Its place among the reactions to the offer that something was learned from, from 1, without gaps.
    pub seq: i64,
}

/// How an offer was taken: a sum of reactions, kept for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyRow {
    /// The offer's lasting name.
    pub offer: String,
    /// By which kind of members; empty for all.
    pub kind: String,
    /// The place of the last reaction in it.
    pub seq: i64,
    /// Showings that have ended, in parts of one.
    pub ended: i64,
    /// Of them, accepted.
    pub accepted: i64,
    /// The local day as of which they count so much.
    pub day: i64,
}

/// By what a pack learns of an offer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LearningRow {
    /// The pack.
    pub pack: String,
    /// The offer's lasting name.
    pub offer: String,
    /// Its name in the pack.
    pub name: String,
    /// What was thought before and how showings fade, as JSON.
    pub terms: String,
}

/// A code that is redeemed, or that was redeemed with goods that come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseRow {
    /// As codes are compared.
    pub folded: String,
    /// With which event.
    pub event: i64,
    /// 1, or -1 where a use is given back.
    pub amount: i64,
}

/// A coupon's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouponRow {
    /// As codes are compared.
    pub folded: String,
    /// As it was issued.
    pub code: String,
    /// Of which coupon, by name.
    pub coupon: String,
    /// Whose.
    pub member: Option<String>,
    /// Its last day.
    pub expires: Option<i64>,
    /// How often it was redeemed.
    pub uses: i64,
    /// The event that issued it.
    pub event: i64,
    /// The event with which it was withdrawn.
    pub withdrawn: Option<i64>,
}

/// An account of a programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its name.
    pub name: String,
    /// Its unit's word.
    pub unit: String,
    /// Decimal digits kept. They never change.
    pub decimals: i64,
}

/// An event that was decided before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What identifies it.
    pub key: EventKey,
    /// As it came.
    pub json: String,
    /// As it was answered.
    pub decision: String,
}

/// An earlier event of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRow {
    /// Its number.
    pub event: i64,
    /// Whose.
    pub member: String,
    /// What histories repeat of it.
    pub past: Option<String>,
}

/// What events need to see.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Events that may have been decided before; all their revisions are found.
    pub keys: Vec<EventKey>,
    /// Members whom the events touch, sorted.
    pub members: Vec<String>,
    /// Folded codes that are presented.
    pub codes: Vec<String>,
    /// Events of which goods come back, and all lots that they issued or took from.
    pub origins: Vec<EventKey>,
    /// The ids of reservations that events pay with, and all lots of which they hold something.
    pub reservations: Vec<String>,
    /// The instant of the earliest of the events.
    pub earliest: Option<i64>,
    /// Whether earlier events are needed, and from which local day on.
    pub past_from: Option<i64>,
    /// Reviews that were missed look back from their own days: by which tiers, and how many days.
    pub reviews: Vec<String>,
    /// See `reviews`.
    pub review_days: i64,
    /// How many event numbers are needed.
    pub numbers: usize,
    /// Counters of all together that are held, where `lock` says so, by name.
    pub counters: Vec<String>,
    /// Offers of which what was learned is needed, by lasting name, and how many reactions are known of each.
    pub learned: Vec<(String, i64)>,
    /// Holds the members, counters and what is learned until the end of the transaction, where somebody else was faster before.
    pub lock: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Events that were decided before.
    pub stored: Vec<Stored>,
    /// Members who have been seen.
    pub members: Vec<MemberRow>,
    /// Their levels.
    pub levels: Vec<LevelRow>,
    /// Events of which goods come back.
    pub origins: Vec<FoundOrigin>,
    /// Reservations that events pay with.
    pub reservations: Vec<FoundReservation>,
    /// Lots that are not used up, and those of `origins` and `reservations`, in the order in which they were issued.
    pub lots: Vec<LotRow>,
    /// What they owe.
    pub owed: Vec<OwedRow>,
    /// Claims of members, not of all together.
    pub claims: Vec<ClaimRow>,
    /// Badges and fields.
    pub holdings: Vec<HoldingRow>,
    /// Coupons.
    pub coupons: Vec<CouponRow>,
    /// Earlier events, by number.
    pub past: Vec<PastRow>,
    /// Versions of the counters of all together.
    pub versions: Vec<(String, i64)>,
    /// What was learned since, and in any case that of all members.
    pub tallies: Vec<TallyRow>,
    /// Numbers for new events, ascending.
    pub numbers: Vec<i64>,
}

/// A counter of all together: what was claimed of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CounterRow {
    /// Its name.
    pub name: String,
    /// Grows with each event that claims of it.
    pub version: i64,
    /// By local day.
    pub days: Vec<(i64, i64)>,
}

/// What became of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotChange {
    /// Which.
    pub key: LotKey,
    /// Whose.
    pub member: String,
    /// In which account.
    pub account: String,
    /// More spent.
    pub spent: i64,
    /// More expired.
    pub expired: i64,
    /// More taken back.
    pub reversed: i64,
    /// More worth.
    pub worth: i64,
}

/// A member as found and as left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// The length of the chain as found; 0 for a member who is new.
    pub found: i64,
    /// As left.
    pub row: MemberRow,
}

/// All that some events change, written together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    /// Accounts that may be new.
    pub accounts: Vec<AccountRow>,
    /// Members.
    pub members: Vec<MemberChange>,
    /// Levels.
    pub levels: Vec<LevelRow>,
    /// Counters of all together: name, version as found, how many events claimed.
    pub counters: Vec<(String, i64, i64)>,
    /// More by counter and local day.
    pub days: Vec<(String, i64, i64)>,
    /// Events.
    pub events: Vec<EventRow>,
    /// Links.
    pub links: Vec<LinkRow>,
    /// Lots that are new.
    pub lots: Vec<LotRow>,
    /// Lots that change.
    pub lot_changes: Vec<LotChange>,
    /// Entries.
    pub entries: Vec<EntryRow>,
    /// How what is owed changes: `owed` is what is added.
    pub owed: Vec<OwedRow>,
    /// Claims.
    pub claims: Vec<ClaimRow>,
    /// Badges, certificates and fields.
    pub holdings: Vec<HoldingRow>,
    /// Coupons that are issued.
    pub coupons: Vec<CouponRow>,
    /// Codes that are redeemed.
    pub uses: Vec<UseRow>,
    /// Codes that are withdrawn, and with which event.
    pub withdrawn: Vec<(String, i64)>,
    /// Offers and reactions.
    pub contacts: Vec<ContactRow>,
    /// What is learned, as it is left; of all members with how many reactions were known.
    pub tallies: Vec<(TallyRow, i64)>,
    /// By what packs learn.
    pub learning: Vec<LearningRow>,
}

/// Why a store could not do what it was asked for.
#[derive(Debug)]
pub enum StoreError {
    /// What was read has changed since, or the event is there by now: decide again.
    Conflict(String),
    /// It cannot be reached or not be written for now.
    Unavailable(String),
    /// It is no ledger, or of another version.
    Unfit(String),
    /// What is kept is damaged, or would be by what was to be written.
    Damaged(String),
}

impl StoreError {
    /// Its lasting name.
    pub fn name(&self) -> &'static str {
        match self {
            StoreError::Conflict(_) => "conflict",
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Unfit(_) => "unfit",
            StoreError::Damaged(_) => "damaged",
        }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreError::Conflict(text) => write!(f, "somebody else was faster: {text}"),
            StoreError::Unavailable(text) => {
                write!(f, "the ledger cannot be read or written for now: {text}")
            }
            StoreError::Unfit(text) => write!(f, "{text}"),
            StoreError::Damaged(text) => write!(f, "the ledger is damaged: {text}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// A place that keeps a ledger.
///
/// [`Store::load`] begins what [`Store::commit`] or [`Store::abandon`] ends. A commit fails with [`StoreError::Conflict`] where a member's chain or a counter's version is no longer as it was found, or an event is
/// there by now; nothing of it is written then.
pub trait Store: Send {
    /// Reads what events need to see, all from one moment.
    ///
    /// # Errors
    /// Where it cannot.
    fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError>;

    /// Reads counters of all together; one that nobody has claimed of has version 0.
    ///
    /// # Errors
    /// Where it cannot.
    fn counters(&mut self, names: &[String]) -> Result<Vec<CounterRow>, StoreError>;

    /// Reads claims of all together on a counter from a second of the local clock on.
    ///
    /// # Errors
    /// Where it cannot.
    fn shared_claims(&mut self, counter: &str, from: i64) -> Result<Vec<ClaimRow>, StoreError>;

    /// Reads what stands of events of which goods come back.
    ///
    /// # Errors
    /// Where it cannot.
    fn origins(&mut self, keys: &[EventKey]) -> Result<Vec<FoundOrigin>, StoreError>;

    /// Writes all, durably, or nothing.
    ///
    /// # Errors
    /// Where it cannot, or what was read has changed.
    fn commit(&mut self, writes: &Writes) -> Result<(), StoreError>;

    /// Whether what is unavailable may come back by itself.
    fn reconnects(&self) -> bool;

    /// Lets the questions that follow see one moment, until [`Store::abandon`].
    ///
    /// # Errors
    /// Where it cannot.
    fn look(&mut self) -> Result<(), StoreError>;

    /// Forgets what was begun.
    fn abandon(&mut self);

    /// Where the time of [`Store::commit`] went so far, as far as the store knows.
    fn stages(&self) -> Stages {
        Stages::default()
    }

    /// Reads the rows of a question, in the order that it asks for. Reads committed state.
    ///
    /// # Errors
    /// Where it cannot.
    fn query(&mut self, sql: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, StoreError>;
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// None.
    Null,
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

impl Datum {
    /// As a number; 0 where it is none.
    pub fn number(&self) -> i64 {
        self.maybe_number().unwrap_or(0)
    }

    /// As a number, where it is one.
    pub fn maybe_number(&self) -> Option<i64> {
        match self {
            Datum::Number(number) => Some(*number),
            Datum::Null | Datum::Text(_) => None,
        }
    }

    /// As a text; empty where it is none.
    pub fn text(&self) -> &str {
        self.maybe_text().unwrap_or("")
    }

    /// As a text, where it is one.
    pub fn maybe_text(&self) -> Option<&str> {
        match self {
            Datum::Text(text) => Some(text),
            Datum::Null | Datum::Number(_) => None,
        }
    }
}
