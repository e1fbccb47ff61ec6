//! The typed intermediate representation: what a pack holds, what the interpreter defines, what native code must
//! agree with.
//!
//! It has names, ids and numbers and no addresses. Everything an author can write lowers to it, so that printer,
//! verifier, interpreter and code generator know a few dozen instructions and no language.
//!
//! A program is *data* (groups, rules, conditions split into [`Atom`]s that an index can answer) and *code* (one
//! [`Function`] a rule: the residue of its conditions, then its proposals). A function is a flat list of
//! instructions with two kinds of region, `Block` and `Loop`, closed by `End`; a value is the index of the
//! instruction that makes it and is visible in its region and the regions inside. There is no other jump than
//! leaving a region, and a loop runs over rows of the record, so every function ends.
//!
//! Numbers are integers: money in minor units, points in their account's units, percents in millionths of the whole
//! (`7%` is 70 000), each as `I64`; exact fractions are a numerator and a denominator, both `I128`, that only
//! [`Inst::Divide`] or the settlement ever rounds. Every operation that can fail ends the function with a [`Fault`].
//!
//! What both engines do alike, where an instruction's own words leave it open:
//!
//! * [`MISSING`] is a number like any other to arithmetic and comparisons; only `Known`, the reference tests and the
//!   order of `PickEveryNth` single it out.
//! * Fuel. What costs `n` turns faults with `OutOfFuel` where fewer than `n` are left, and takes none then; this is
//!   looked at before anything else the instruction does. A `Loop` costs one turn at each row it looks at, chosen or
//!   not, and one more for each full [`TURN_INSTS`] instructions of its body, done or not ([`Shape::turns`]); its
//!   faults are the `Loop`'s. The body is what follows up to and with its `End`, and of a loop inside it the `Loop`
//!   alone, whose own turns cost what they cost. `NewSelection` and the picks cost one for each line of the record,
//!   `SetHas` one for each full 64 symbols of the set, `Put` [`PUT_TURNS`], `Distinct` one for each number kept,
//!   `Award` [`PROPOSAL_TURNS`], `Discount` that, one for each line and [`SELECTED_TURNS`] more for each line of which
//!   pieces are selected. So no function works long, or makes much,
//!   for little fuel: what it does beyond its own length is less than [`TURN_INSTS`] instructions a turn.
//! * A loop over `Selected` asks at each row's turn whether a piece of it is selected then.
//! * Instructions that divide look for a zero divisor first (`DivisionByZero`); the one quotient that is too large,
//!   that of the least number by -1, is an `Overflow`, of `Modulo` too. `Modulo` has the sign of its divisor.
//! * `Award` and `Discount` turn numerator and denominator round where the denominator is below zero; where one of
//!   them is the least `I128` that is an `Overflow`. They do so before they look at rows.
//! * `SetPart` costs one turn for each line, `SetTerm` one, `SetUnits` one for each line, and `ChooseSets` what
//!   [`crate::interpret::sets`] says. A list of sets that is not there has none.
//! * A loop over `Times` looks at its count once: it is made outside the loop.
//! * A selection holds between none and all of the pieces of each line. A line whose pieces are below zero has none.
//!   `Select` on a row that has pieces selected replaces them.
//! * To a pick on pieces each selected piece is an element, to a pick on lines each line with a selected piece is
//!   one, which stands for all of its *selected* pieces. A pick makes a new selection and leaves the old one.
//! * `PickInEvery` takes at most the whole group; what is left after the last full group is not picked.

pub mod assume;
pub mod contacts;
pub mod gift;
pub mod half_life;
pub mod instruments;
pub mod life;
pub mod needs;
pub mod offers;
pub mod optimise;
pub mod print;
pub mod promise;
pub mod ranges;
#[cfg(test)]
pub(crate) mod sample;
pub mod shape;
pub mod tender;
pub mod verify;

pub use contacts::{
    ContactCount, ContactDrop, ContactException, ContactPlan, ContactRule, ContactRuleKind, ContactSlots,
    ContactWindow, Contacts,
};
pub use gift::{Gift, GiftOption};
pub use half_life::HalfLife;
pub use instruments::{
    Badge, Boundary, Certificate, Codes, Coupon, Downgrade, InstrumentId, Instruments, Lifetime, Review,
    Tiers,
};
pub use life::{Available, Cancel, Expires, Life, Melt, Shortfall, Span};
pub use offers::{
    Answered, Arbitration, Class, Display, Explore, Hashed, Learn, LearnedBy, LearnedValues, Offer,
    OfferBudget, OfferClause, OfferCondition, Offers, OrderBy, OrderKey, Purpose, ReactionSlots, SCORE_ONE,
    Seed,
};
pub use optimise::optimise;
pub use promise::{Bound, Figure, Promise, PromiseOf, Sum};
pub use shape::Shape;
pub use tender::{Redemption, Saying, Spendable, TenderSlots, TenderTerm};
pub use verify::{Verified, VerifyError, verify};

use serde::{Deserialize, Serialize};

/// Declares an id: an index into one of the program's lists.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub u32);
        impl $name {
            /// The position in the list.
            pub const fn index(self) -> usize { self.0 as usize }
        }
    )*};
}

ids! {
    /// A rule of [`Program::rules`].
    RuleId
    /// A group of [`Program::groups`], which stand in the order in which they are settled.
    GroupId
    /// An account of [`Program::accounts`].
    AccountId
    /// A parameter of [`Program::params`].
    ParamId
    /// A function of [`Program::functions`].
    FunctionId
    /// A condition of [`Program::atoms`].
    AtomId
    /// What compared numbers count, of [`Program::measures`].
    MeasureId
    /// An effect in the text, of [`Program::sites`].
    SiteId
    /// A kind of reference of [`Program::kinds`].
    KindId
    /// A reference literal of [`Program::references`].
    ReferenceId
    /// An enumeration of [`Program::enums`].
    EnumId
    /// A kind of event of [`Program::events`].
    EventId
    /// A slot of one of the lists of [`Layout`].
    SlotId
    /// A table of rows of [`Layout::tables`].
    TableId
    /// A value worked out once an event, of [`Program::derivations`].
    DerivationId
    /// What is counted beyond one event, of [`Program::counters`].
    CounterId
    /// A place of [`Program::places`].
    PlaceId
    /// A variable of [`Function::variables`].
    VarId
    /// The value that an instruction makes: that instruction's index in [`Function::insts`].
    Value
}

/// What an absent field holds in a record. No present value may equal it: readers refuse it as out of range.
pub const MISSING: i64 = i64::MIN;

/// A percent's `100%`: percents count millionths of the whole.
pub const PERCENT_ONE: i64 = 1_000_000;

/// Instructions of a loop's body for which a turn of it costs one more.
pub const TURN_INSTS: u32 = 16;

/// Turns that a number put into a bag costs.
pub const PUT_TURNS: i64 = 4;

/// Turns that making a proposal costs; what settling it takes is paid for then.
pub const PROPOSAL_TURNS: i64 = 16;

/// Turns that each line of which a discount selects pieces costs, for the memory that it takes.
pub const SELECTED_TURNS: i64 = 4;

/// Decimal digits of a unit price in records, beyond which a price is refused.
pub const PRICE_SCALE: u32 = 4;

/// [`PRICE_SCALE`] as slots write it.
const PRICE_DIGITS: u8 = 4;

/// How a number that lies between two representable ones becomes one of them. Ties and directions are symmetrical
/// about zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rounding {
    /// To the nearest, a half away from zero.
    HalfUp,
    /// To the nearest, a half to the even neighbour.
    HalfEven,
    /// To the nearest, a half toward zero.
    HalfDown,
    /// Toward zero.
    Down,
    /// Away from zero.
    Up,
}

/// A compiled set of rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// `program NAME`.
    pub name: String,
    /// The text's own number.
    pub version: u64,
    /// The language's number.
    pub language: u32,
    /// The one currency of its money.
    pub currency: Currency,
    /// IANA name of the zone in which local dates and times are read.
    pub zone: String,
    /// The rounding where an effect declares none.
    pub rounding: Rounding,
    /// Monday is 0.
    pub week_starts: u8,
    /// How tax stands in the prices, where declared.
    pub tax: Option<Tax>,
    /// A money slot of lines: discounts leave so much for each piece. A line where it is missing may cost nothing.
    pub floor: Option<SlotId>,
    /// Accounts in order of declaration.
    pub accounts: Vec<Account>,
    /// Kinds of references.
    pub kinds: Vec<ReferenceKind>,
    /// Enumerations.
    pub enums: Vec<Enumeration>,
    /// Reference literals.
    pub references: Vec<Reference>,
    /// Kinds of events.
    pub events: Vec<EventKind>,
    /// What a record holds.
    pub layout: Layout,
    /// Parameters.
    pub params: Vec<Param>,
    /// Event slots that kept state, or the calendar, fills.
    pub reads: Vec<StateSlot>,
    /// Event slots that other clocks than the program's fill.
    pub clocks: Vec<Clock>,
    /// Event slots that are worked out before the first phase, each from the record and from those before it.
    pub derivations: Vec<Derivation>,
    /// What limits and budgets count beyond one event.
    pub counters: Vec<Counter>,
    /// Ways of paying with points, each with a rule of a tender group of its own.
    pub redemptions: Vec<Redemption>,
    /// Conditions under which awards may be spent.
    pub spendables: Vec<Spendable>,
    /// Slots that say how the event is paid.
    pub tender: TenderSlots,
    /// It says something of goods that come back, so what is bought is kept for that.
    pub returns: bool,
    /// Coupons, certificates, badges and levels.
    pub instruments: Instruments,
    /// Products that rules give.
    pub gifts: Vec<Gift>,
    /// What rules tell beside what they give.
    pub tellings: Vec<Telling>,
    /// What members can be offered in sessions.
    pub offers: Offers,
    /// What every decision keeps to.
    pub promises: Vec<Promise>,
    /// Which contacts are made.
    pub contacts: Contacts,
    /// Conditions that an index can answer, shared among rules.
    pub atoms: Vec<Atom>,
    /// Code.
    pub functions: Vec<Function>,
    /// Effects.
    pub sites: Vec<Site>,
    /// Groups in the order in which they are settled: by phase, then as the program orders them.
    pub groups: Vec<Group>,
    /// Rules.
    pub rules: Vec<Rule>,
    /// The source files, for places and for the pack's manifest.
    pub sources: Vec<SourceFile>,
    /// Places that faults and explanations name.
    pub places: Vec<SourcePlace>,
    /// What explanations need to know of conditions, by rule. Evaluation passes over it.
    pub conditions: Vec<Condition>,
    /// What numbers of conditions count, each once.
    pub measures: Vec<Measure>,
}

/// An ISO 4217 currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// Such as `EUR`.
    pub code: String,
    /// Digits of its minor unit.
    pub decimals: u8,
}

/// How tax stands in the prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// Prices hold the tax already; otherwise it comes on top.
    pub included: bool,
    /// How the tax is rounded.
    pub rounding: Rounding,
    /// Where.
    pub per: TaxPer,
    /// A percent slot of lines: the rate of a tax that the prices hold although this one comes on top.
    pub besides: Option<SlotId>,
}

/// Of what tax is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaxPer {
    /// What is paid for a line.
    Line,
    /// What is paid for each piece; of a line that its pieces do not divide the first ones cost a minor unit more.
    Unit,
    /// A line before discounts, and its discounts by themselves: the tax is the difference.
    Posting,
}

/// A points account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its key.
    pub name: String,
    /// Its unit's word.
    pub unit: String,
    /// Decimal digits kept.
    pub decimals: u8,
    /// How awards round.
    pub rounding: Rounding,
    /// Over what they are summed, exactly, before they round.
    pub per: RoundPer,
    /// `worth 100 points = 1 EUR` is (100 in the account's smallest units, 1 EUR in minor units).
    pub worth: Option<(i64, i64)>,
    /// Can be spent.
    pub redeemable: bool,
    /// Counts for tiers.
    pub qualifying: bool,
    /// Floor of the balance.
    pub not_below: Option<i64>,
    /// How long its awards live where they say nothing of it.
    pub expires: Expires,
    /// How its awards melt.
    pub melt: Option<Melt>,
    /// What is taken back of points that the member has spent; only what is left of the award where nothing is said.
    pub shortfall: Option<Shortfall>,
}

/// What an account sums before it rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundPer {
    /// Each award of a rule for a line (or for the basket, where it has no line).
    Line,
    /// All that a rule awards to the account for the event.
    Rule,
    /// All that the event awards to the account.
    Basket,
}

/// A kind of reference, such as `category`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceKind {
    /// Its word.
    pub name: String,
    /// Names have parents, and `in` follows them.
    pub hierarchical: bool,
    /// A name of this kind stands for a collection of names of that kind (`list of sku`).
    pub of: Option<KindId>,
}

/// An enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enumeration {
    /// Its name.
    pub name: String,
    /// Whether its values compare by position.
    pub ordered: bool,
    /// A value is its position here.
    pub values: Vec<String>,
}

/// `category ["Tea", "Coffee"]`: any of the names. For a kind `of` another, the names of *that* kind are tested.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// The kind written.
    pub kind: KindId,
    /// Sorted, without duplicates, not empty.
    pub names: Vec<String>,
}

/// A kind of event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventKind {
    /// The word after `on`.
    pub name: String,
    /// How records spell it; the name is among them.
    pub spellings: Vec<String>,
    /// Slots of the event that its records must fill, although those of other kinds need not; ascending.
    pub needs: Vec<SlotId>,
    /// Slots of the event that are fields of other kinds only: not read, whatever the record has there; ascending.
    pub lacks: Vec<SlotId>,
}

/// What a record holds: a list of 64-bit slots for the event (with its member), and one for each line and payment, and
/// for each row of the tables. Only fields that the program reads are here, after the built-in ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Begins with [`EVENT_BUILTINS`].
    pub event: Vec<Slot>,
    /// Begins with [`LINE_BUILTINS`].
    pub line: Vec<Slot>,
    /// Begins with [`PAYMENT_BUILTINS`].
    pub payment: Vec<Slot>,
    /// Further rows that belong to an event: earlier events of its member, lists in its fields.
    pub tables: Vec<RowTable>,
}

/// Rows of one kind, read by loops over [`Rows::Table`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowTable {
    /// As rules write it: `earlier purchases`, `member.addresses`.
    pub name: String,
    /// Where the rows come from.
    pub source: RowSource,
    /// What a row holds, by [`SlotId`].
    pub columns: Vec<Column>,
}

/// Where the rows of a table come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RowSource {
    /// A list of objects in the event or in its member; its columns are [`Column::Field`]s.
    List {
        /// Whose: [`RecordKind::Event`] or [`RecordKind::Member`].
        record: RecordKind,
        /// Where in it.
        key: Vec<String>,
    },
    /// Earlier events of the member, oldest first. Its columns are those of [`Column`] that speak of an event.
    Earlier(History),
    /// The lines of earlier events of the member, oldest event first, each in the order of its receipt.
    EarlierLines(History),
}

/// Which part of a member's history a table holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Kinds of events, ascending, not none.
    pub events: Vec<EventId>,
    /// Local days before the event's own that are read, that day included; `None` is all of them.
    pub days: Option<u32>,
}

/// What a slot of a table's rows holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Column {
    /// Of a list: a field of its objects.
    Field(Slot),
    /// Of history: what this slot of the event held when it was decided.
    Event(SlotId),
    /// Of earlier lines: what this slot of the line held when it was decided.
    Line(SlotId),
    /// Of history: seconds of the local clock at the event since 1970-01-01 00:00.
    LocalAt,
    /// Of history: minor units paid for the event (or the line) after discounts, less what was refunded since.
    PaidNet,
    /// Of history: 1 where all pieces of the event (or the line) have come back since, else 0.
    Returned,
    /// Of earlier lines: pieces that have not come back.
    PiecesKept,
}

/// An event slot that is filled before the event is decided, from kept state or from the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSlot {
    /// Which slot; its record is [`RecordKind::Derived`].
    pub slot: SlotId,
    /// With what.
    pub read: StateRead,
}

/// What is read of kept state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StateRead {
    /// What the member can spend of an account at the event's instant, in its smallest unit; missing without member.
    Balance(AccountId),
    /// Where a window begins, seen from the event: [`crate::calendar::Stretch::after`]. Needs no state.
    After(Window),
    /// Where a window ends: [`crate::calendar::Stretch::last`]. Needs no state.
    Last(Window),
    /// So long after the event, in seconds since 1970-01-01T00:00Z, a day being 24 hours and months those of the
    /// calendar; only [`Window::Seconds`], [`Window::Days`] and [`Window::Months`]. Needs no state.
    Until(Window),
    /// Days from the nearest anniversary of the date in this slot to the event, below zero before it
    /// ([`crate::calendar::from_anniversary`]). Needs no state.
    Anniversary(SlotId),
    /// 1 where the event presents a code of this coupon (of [`Instruments::coupons`]) that can be redeemed, else 0.
    Coupon(u32),
    /// 1 where the member has this badge (of [`Instruments::badges`]), else 0.
    Badge(u32),
    /// Of a return: minor units that are refunded; missing where it names no purchase.
    Refund,
    /// Of a return: the local day of the purchase, counted from 1970-01-01; missing where it names none.
    BoughtOn,
    /// Of a return: what is to be taken back from the member in an account, and is not there; missing without member.
    Missing(AccountId),
}

/// The name of the kind of event with which goods come back.
pub const RETURN: &str = "return";

impl Program {
    /// Whether goods come back with a kind of event.
    pub fn is_return(&self, kind: EventId) -> bool {
        self.events.get(kind.index()).is_some_and(|event| event.name == RETURN)
    }
}

/// What the clock on another wall says at the event's instant. All four slots are missing where its zone is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Where it hangs.
    pub zone: ClockZone,
    /// The day, as [`event_slot::DATE`].
    pub date: SlotId,
    /// The second of the day, as [`event_slot::TIME`].
    pub time: SlotId,
    /// The weekday, as [`event_slot::WEEKDAY`].
    pub weekday: SlotId,
    /// The day of the month, as [`event_slot::MONTH_DAY`].
    pub month_day: SlotId,
}

/// The zone of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClockZone {
    /// By its IANA name.
    Named(String),
    /// That of the store which this slot of the event names, from the catalogue's table of stores.
    Store(SlotId),
}

/// An event slot that a function works out, before the first phase, in the order of [`Program::derivations`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Derivation {
    /// For people: the counter's name, or the words of the aggregate.
    pub name: String,
    /// Which slot; its record is [`RecordKind::Derived`]. Missing until its function has given it.
    pub slot: SlotId,
    /// What works it out, with [`Inst::Derive`].
    pub function: FunctionId,
    /// Kinds of events for which it is worked out, ascending, not none.
    pub events: Vec<EventId>,
    /// Where it is written.
    pub place: PlaceId,
}

/// What a limit or a budget counts beyond one event: a sum of claims. Each decision lists what it claims; who keeps
/// the state adds the claims up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Lasting identity: the owner's name and which of its limits it is. Unique in a program.
    pub name: String,
    /// For whom it is counted.
    pub per: CounterKey,
    /// Over which claims it is summed.
    pub window: Window,
    /// What is counted.
    pub of: LimitOf,
}

/// For whom a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CounterKey {
    /// For all together: a budget.
    Campaign,
    /// For each member. An event without a member has nothing to claim, and what is limited so is skipped.
    Member,
    /// For each member who invited others: the one that this slot of the event names.
    Inviter(SlotId),
}

/// A stretch of local time that ends with, or holds, the event's own instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Window {
    /// So many seconds back, the earlier end excluded.
    Seconds(i64),
    /// Back to the same local time so many days ago, that instant excluded.
    Days(u32),
    /// Back to the same local time so many months ago (the month's last day where it has no such day), excluded.
    Months(u32),
    /// From the beginning of the local period that the event lies in.
    This(Period),
    /// All of the local period before the one that the event lies in.
    Previous(Period),
    /// All there ever was.
    Ever,
    /// Local days from the first to the second, both included, counted from 1970-01-01.
    Between(i64, i64),
}

/// Calendar periods, in the program's zone; weeks begin on [`Program::week_starts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Period {
    /// A day.
    Day,
    /// Seven days.
    Week,
    /// A month.
    Month,
    /// Three months, from January, April, July or October.
    Quarter,
    /// Six months, from January or July.
    HalfYear,
    /// A year.
    Year,
}

impl Period {
    /// All of them, from the shortest.
    pub const ALL: [Period; 6] =
        [Period::Day, Period::Week, Period::Month, Period::Quarter, Period::HalfYear, Period::Year];

    /// As rules write it.
    pub fn word(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
            Period::Quarter => "quarter",
            Period::HalfYear => "half_year",
            Period::Year => "year",
        }
    }
}

/// As rules write it: `last 30 days`, `2026-03-01 through 2026-03-31`.
impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Window::Seconds(count) => write!(f, "last {count} seconds"),
            Window::Days(count) => write!(f, "last {count} days"),
            Window::Months(count) => write!(f, "last {count} months"),
            Window::This(period) => write!(f, "this {}", period.word()),
            Window::Previous(period) => write!(f, "previous {}", period.word()),
            Window::Ever => f.write_str("program"),
            Window::Between(first, last) => {
                write!(
                    f,
                    "{} through {}",
                    crate::calendar::date_text(*first),
                    crate::calendar::date_text(*last)
                )
            }
        }
    }
}

/// Positions of the built-in event slots.
pub mod event_slot {
    use super::SlotId;
    /// Seconds since 1970-01-01T00:00Z.
    pub const AT: SlotId = SlotId(0);
    /// Local day, counted from 1970-01-01.
    pub const DATE: SlotId = SlotId(1);
    /// Local second of the day.
    pub const TIME: SlotId = SlotId(2);
    /// Local weekday, Monday is 0.
    pub const WEEKDAY: SlotId = SlotId(3);
    /// Local day of the month, from 1.
    pub const MONTH_DAY: SlotId = SlotId(4);
    /// 1 where the event names a member, else 0.
    pub const MEMBER_KNOWN: SlotId = SlotId(5);
    /// Sum of the lines' initial amounts.
    pub const BASKET_INITIAL: SlotId = SlotId(6);
    /// Sum of the lines' running amounts at entry to the phase.
    pub const BASKET_PAID: SlotId = SlotId(7);
}

/// Positions of the built-in line slots.
pub mod line_slot {
    use super::SlotId;
    /// From 1, in the order of the receipt.
    pub const POSITION: SlotId = SlotId(0);
    /// Pieces; a weighed line is one piece.
    pub const PIECES: SlotId = SlotId(1);
    /// Price of a piece in 10^-4 of the currency's unit ([`super::PRICE_SCALE`]), whatever its decimals.
    pub const PRICE: SlotId = SlotId(2);
    /// Amount before any discount of the program, in minor units: price times pieces, rounded once.
    pub const INITIAL: SlotId = SlotId(3);
    /// Running amount at entry to the phase, in minor units.
    pub const PAID: SlotId = SlotId(4);
    /// Tax rate as a percent, or missing.
    pub const TAX_RATE: SlotId = SlotId(5);
}

/// Positions of the built-in payment slots.
pub mod payment_slot {
    use super::SlotId;
    /// Amount in minor units, or missing.
    pub const AMOUNT: SlotId = SlotId(0);
}

/// Names of the built-in event slots, in order.
pub const EVENT_BUILTINS: [&str; 8] = [
    "event.at",
    "event.date",
    "event.time",
    "event.weekday",
    "event.month_day",
    "member",
    "basket.initial",
    "basket.paid",
];
/// Names of the built-in line slots, in order.
pub const LINE_BUILTINS: [&str; 6] =
    ["line.position", "line.pieces", "line.price", "line.initial", "line.paid", "line.tax_rate"];
/// Names of the built-in payment slots, in order.
pub const PAYMENT_BUILTINS: [&str; 1] = ["payment.amount"];

impl Layout {
    /// The built-in slots of a program in this currency, which each layout begins with.
    pub fn builtins(currency: &Currency) -> Layout {
        let slot = |name: &&str, ty: SlotType, record: RecordKind, optional: bool| Slot {
            name: (*name).to_owned(),
            record,
            key: match record {
                RecordKind::Derived => Vec::new(),
                RecordKind::Event
                | RecordKind::Member
                | RecordKind::Line
                | RecordKind::Product
                | RecordKind::Payment => name.rsplit('.').take(1).map(str::to_owned).collect(),
            },
            ty,
            optional,
            default: None,
            inherits: false,
        };
        let money = SlotType::Money { scale: currency.decimals };
        let derived = RecordKind::Derived;
        let event_types = [
            (SlotType::Instant, RecordKind::Event),
            (SlotType::Date, derived),
            (SlotType::Time, derived),
            (SlotType::Count, derived),
            (SlotType::Count, derived),
            (SlotType::Bool, derived),
            (money, derived),
            (money, derived),
        ];
        let line_types = [
            (SlotType::Count, derived, false),
            (SlotType::Count, RecordKind::Line, false),
            (SlotType::Money { scale: PRICE_DIGITS }, RecordKind::Line, false),
            (money, derived, false),
            (money, derived, false),
            (SlotType::Percent, RecordKind::Line, true),
        ];
        Layout {
            event: EVENT_BUILTINS
                .iter()
                .zip(event_types)
                .map(|(name, (ty, record))| slot(name, ty, record, false))
                .collect(),
            line: LINE_BUILTINS
                .iter()
                .zip(line_types)
                .map(|(name, (ty, record, optional))| slot(name, ty, record, optional))
                .collect(),
            payment: PAYMENT_BUILTINS
                .iter()
                .map(|name| slot(name, money, RecordKind::Payment, true))
                .collect(),
            tables: Vec::new(),
        }
    }
}

/// A 64-bit place in a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// As rules write it: `member.tier`, `line.product.own_brand`.
    pub name: String,
    /// Which part of the input holds it.
    pub record: RecordKind,
    /// Where in that part: `["card", "active"]`.
    pub key: Vec<String>,
    /// How its text becomes a number.
    pub ty: SlotType,
    /// May be absent; otherwise an absent value is an error of the record (unless it has a default, or its member
    /// or product is not there).
    pub optional: bool,
    /// What absence means.
    pub default: Option<i64>,
    /// A line's field that the product's field of the same name stands in for.
    pub inherits: bool,
}

/// Parts of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RecordKind {
    /// The event itself.
    Event,
    /// Its member: in the event, or from the table of members by id.
    Member,
    /// A line.
    Line,
    /// A line's product, from the table of products by sku.
    Product,
    /// A payment.
    Payment,
    /// Filled by the runtime, not read: the instant's parts, basket sums, a line's position.
    Derived,
}

/// How a slot's value is written in a record, and counted in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SlotType {
    /// `true` is 1, `false` is 0.
    Bool,
    /// A decimal of the program's currency, counted in 10^-scale of its unit.
    Money {
        /// Digits.
        scale: u8,
    },
    /// A decimal, counted in the account's smallest unit.
    Points(AccountId),
    /// A decimal number of percent: `7` or `"7.5"`; counted in millionths of the whole.
    Percent,
    /// A whole number of counted things.
    Count,
    /// A decimal, counted in 10^-scale.
    Number {
        /// Digits.
        scale: u8,
    },
    /// `2026-03-01`, counted in days from 1970-01-01.
    Date,
    /// `09:00` or `09:00:30`, counted in seconds.
    Time,
    /// An instant, counted in seconds from 1970-01-01T00:00Z; without offset it is local in the program's zone.
    Instant,
    /// A name of the enumeration, counted by position.
    Enum(EnumId),
    /// A text, counted by its number in the dictionary of the kind.
    Symbol(KindId),
    /// An array of texts: `start << 32 | length` into the record's symbols, which are sorted there.
    Set(KindId),
}

impl SlotType {
    /// The kind of the one name that such a slot holds; nothing for what holds none, or a set of them.
    pub fn symbol(self) -> Option<KindId> {
        match self {
            SlotType::Symbol(kind) => Some(kind),
            SlotType::Bool
            | SlotType::Money { .. }
            | SlotType::Points(_)
            | SlotType::Percent
            | SlotType::Count
            | SlotType::Number { .. }
            | SlotType::Date
            | SlotType::Time
            | SlotType::Instant
            | SlotType::Enum(_)
            | SlotType::Set(_) => None,
        }
    }

    /// The enumeration whose names such a slot counts.
    pub fn enumeration(self) -> Option<EnumId> {
        match self {
            SlotType::Enum(id) => Some(id),
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

    /// The kind of the names in the set that such a slot holds.
    pub fn set(self) -> Option<KindId> {
        match self {
            SlotType::Set(kind) => Some(kind),
            SlotType::Bool
            | SlotType::Money { .. }
            | SlotType::Points(_)
            | SlotType::Percent
            | SlotType::Count
            | SlotType::Number { .. }
            | SlotType::Date
            | SlotType::Time
            | SlotType::Instant
            | SlotType::Enum(_)
            | SlotType::Symbol(_) => None,
        }
    }
}

/// A parameter. Its value for an event is the last whose day is not after the event's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// How a deployment writes its value.
    pub ty: SlotType,
    /// Ascending by day; only the first may be without one, and then holds from ever.
    pub values: Vec<(Option<i64>, i64)>,
    /// What a deployment may set, both ends included.
    pub range: Option<(i64, i64)>,
}

/// A condition on one slot, answered without running code. A missing value satisfies no atom but
/// `Known` negated.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Atom {
    /// Of the event or of a line.
    pub space: Space,
    /// Which slot.
    pub slot: SlotId,
    /// What is asked.
    pub test: AtomTest,
    /// Whether the answer is turned round.
    pub negated: bool,
}

/// Whose slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Space {
    /// The event's.
    Event,
    /// A line's.
    Line,
}

/// The question of an [`Atom`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AtomTest {
    /// Present.
    Known,
    /// Between, both ends included; `i64::MIN` and `i64::MAX` are open ends.
    Between(i64, i64),
    /// One of these, ascending.
    OneOf(Vec<i64>),
    /// A symbol that the reference matches.
    In(ReferenceId),
    /// A set with a symbol that the reference matches.
    Has(ReferenceId),
}

/// Code. `places` runs parallel to `insts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// For printing.
    pub name: String,
    /// Types of its variables; they begin as zero, false or empty.
    pub variables: Vec<Ty>,
    /// The instructions.
    pub insts: Vec<Inst>,
    /// Where each comes from.
    pub places: Vec<PlaceId>,
}

/// Types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ty {
    /// Counts of minor units, points, pieces; symbols, days, seconds; row numbers.
    I64,
    /// Exact intermediates.
    I128,
    /// Truth.
    Bool,
    /// For each line, how many of its pieces are selected.
    Selection,
    /// A collection of numbers, for counting distinct ones.
    Bag,
    /// A bundle: parts, what is given for a set, and the sets that were chosen.
    Sets,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison that holds of `b` and `a` where this one holds of `a` and `b`.
    pub fn turned(self) -> Comparison {
        match self {
            Comparison::Equal => Comparison::Equal,
            Comparison::NotEqual => Comparison::NotEqual,
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        }
    }

    /// The comparison that holds where this one does not.
    pub fn opposite(self) -> Comparison {
        match self {
            Comparison::Equal => Comparison::NotEqual,
            Comparison::NotEqual => Comparison::Equal,
            Comparison::Less => Comparison::GreaterOrEqual,
            Comparison::LessOrEqual => Comparison::Greater,
            Comparison::Greater => Comparison::LessOrEqual,
            Comparison::GreaterOrEqual => Comparison::Less,
        }
    }
}

/// What a loop runs over; its value is the row number, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rows {
    /// All lines.
    Lines,
    /// All payments.
    Payments,
    /// The lines of which a piece is selected.
    Selected(Value),
    /// All rows of a table.
    Table(TableId),
    /// So many times; the row is no row of the record.
    Times(Value),
}

/// Which pieces of a set an effect of a bundle falls on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SetPick {
    /// All.
    All,
    /// The cheapest few, by price of a piece, ties to the lower position.
    Cheapest,
    /// The dearest few.
    Dearest,
}

/// What an effect of a bundle gives for a set; numerator / denominator is a fraction of the whole or minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SetValue {
    /// A part of the price.
    Share,
    /// So much off each piece.
    OffEach,
    /// So much off all of them together.
    Off,
    /// What each costs more than so much.
    PriceEach,
    /// What all of them cost more than so much.
    Price,
    /// Something that does not depend on the pieces.
    PerSet,
}

/// What the calendar says of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CalendarPart {
    /// Its year.
    Year,
    /// Its month, from 1.
    Month,
    /// Its number in the month, from 1.
    MonthDay,
    /// Monday is 0.
    Weekday,
    /// The first day of the period that it lies in. Weeks begin on Monday.
    First(Period),
    /// The last day of the period that it lies in.
    Last(Period),
}

impl CalendarPart {
    /// All of them.
    pub const ALL: [CalendarPart; 16] = [
        CalendarPart::Year,
        CalendarPart::Month,
        CalendarPart::MonthDay,
        CalendarPart::Weekday,
        CalendarPart::First(Period::Day),
        CalendarPart::First(Period::Week),
        CalendarPart::First(Period::Month),
        CalendarPart::First(Period::Quarter),
        CalendarPart::First(Period::HalfYear),
        CalendarPart::First(Period::Year),
        CalendarPart::Last(Period::Day),
        CalendarPart::Last(Period::Week),
        CalendarPart::Last(Period::Month),
        CalendarPart::Last(Period::Quarter),
        CalendarPart::Last(Period::HalfYear),
        CalendarPart::Last(Period::Year),
    ];
}

/// What a clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClockPart {
    /// The day, counted from 1970-01-01.
    Day,
    /// The second of the day.
    Second,
}

/// What a pick counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Element {
    /// Single pieces.
    Unit,
    /// Whole lines.
    Line,
}

/// An instruction. Unless said otherwise operands are `I64` and the result is `I64`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Inst {
    /// A constant.
    Int(i64),
    /// An `I128` constant.
    Wide(i128),
    /// A `Bool` constant.
    Bool(bool),

    /// A slot of the event.
    LoadEvent(SlotId),
    /// A slot of a line; the row must be that of an enclosing loop over lines or over a selection.
    LoadLine(SlotId, Value),
    /// A slot of a payment; the row must be that of an enclosing loop over payments.
    LoadPayment(SlotId, Value),
    /// A column of a table; the row must be that of an enclosing loop over this table.
    LoadTable(TableId, SlotId, Value),
    /// A parameter's value at the event's date.
    LoadParam(ParamId),

    /// `Bool`: is not [`MISSING`].
    Known(Value),
    /// `Bool`: equals 1.
    Truth(Value),

    /// Sum of two `I64` or of two `I128`; faults on overflow.
    Add(Value, Value),
    /// Difference; faults on overflow.
    Sub(Value, Value),
    /// Product of two `I64` or of two `I128`; faults on overflow.
    Mul(Value, Value),
    /// `I128` product of two `I64`; never faults.
    MulWide(Value, Value),
    /// Of `I64` or `I128`; faults on overflow.
    Negate(Value),
    /// `I128` of an `I64`.
    Widen(Value),
    /// `I64` of an `I128`; faults when it does not fit.
    Narrow(Value),
    /// Quotient of two `I128`, rounded to a whole `I128`; faults on a zero divisor and on overflow.
    Divide(Value, Value, Rounding),
    /// The largest whole not above the quotient of two `I128`; faults like `Divide`.
    Floor(Value, Value),
    /// `a - b * floor(a / b)` of two `I64` or two `I128`; faults on a zero divisor and on overflow.
    Modulo(Value, Value),
    /// Of a day counted from 1970-01-01 (first) the same day so many months (second) later, or earlier where they are
    /// below zero, and the month's last where that has no such day; faults with `OutOfRange` where one of the two days
    /// lies outside the years 0 through 9999.
    AddMonths(Value, Value),
    /// What the calendar says of a day counted from 1970-01-01; faults with `OutOfRange` like `AddMonths`.
    Calendar(CalendarPart, Value),
    /// The instant, in seconds since 1970-01-01T00:00Z, at which the program's clock shows a day counted from 1970-01-01
    /// (first) and a second of it (second): the earlier of two, and for a time that the clock skips the one as far behind
    /// the gap. Faults with `OutOfRange` where the day lies outside the years 0 through 9999 or has no such second.
    InstantOf(Value, Value),
    /// What the program's clock shows at an instant; faults with `OutOfRange` where that lies outside these years.
    Clock(ClockPart, Value),

    /// `Bool`, of two `I64` or of two `I128`.
    Compare(Comparison, Value, Value),
    /// The second where the first is true, else the third; both of one type, `I64`, `I128` or `Bool`.
    Choose(Value, Value, Value),
    /// `Bool` of `Bool`s; both sides are evaluated.
    And(Value, Value),
    /// `Bool` of `Bool`s; both sides are evaluated.
    Or(Value, Value),
    /// `Bool` of a `Bool`.
    Not(Value),

    /// `Bool`: the reference matches this symbol; a missing symbol matches nothing.
    InReference(Value, ReferenceId),
    /// `Bool`: the reference matches a symbol of this set; a missing set has none.
    SetHas(Value, ReferenceId),
    /// `Bool`: this set (first) holds this symbol (second).
    SetContains(Value, Value),

    /// Opens a region that `Break` can leave.
    Block,
    /// Opens a region that runs once for each row; each turn takes fuel. Its value is the row.
    Loop(Rows),
    /// Closes the innermost region; for a loop, goes on to the next row.
    End,
    /// Leaves the region `depth` levels out (0 is the innermost: for a loop that ends the loop) when the `Bool`
    /// equals `when`.
    Break {
        /// How many regions out.
        depth: u32,
        /// The condition.
        condition: Value,
        /// The truth on which it leaves.
        when: bool,
    },

    /// A variable's value, of its type (`I64`, `I128` or `Bool`).
    Get(VarId),
    /// Sets a variable; makes no value.
    Set(VarId, Value),

    /// A `Selection` of nothing; made anew each time it is reached.
    NewSelection,
    /// Selects `count` pieces of a line in a selection that `NewSelection` made; negative counts select none and
    /// counts above the line's pieces select all. Makes no value.
    Select {
        /// The selection.
        selection: Value,
        /// The line's row.
        row: Value,
        /// Pieces.
        count: Value,
    },
    /// How many pieces of the row are selected; the row must be that of an enclosing loop over lines or over a
    /// selection.
    Selected(Value, Value),
    /// The `count` cheapest (or dearest) elements of a selection, by price of a piece, ties to the lower position.
    /// An `Element::Line` is taken whole. A `count` below one selects nothing.
    PickExtreme {
        /// From.
        selection: Value,
        /// How many.
        count: Value,
        /// Cheapest or dearest.
        cheapest: bool,
        /// Pieces or lines.
        element: Element,
    },
    /// Sorted by price descending (ties to the lower position) and cut into full groups of `every`: of each group the
    /// `count` cheapest (its last) or dearest (its first).
    PickInEvery {
        /// From.
        selection: Value,
        /// How many of each group.
        count: Value,
        /// Size of the groups, at least 1.
        every: u32,
        /// Cheapest or dearest of each.
        cheapest: bool,
        /// Pieces or lines.
        element: Element,
    },
    /// Sorted by a line slot (ties to the lower position, missing values last): the n-th, 2n-th, 3n-th … element.
    PickEveryNth {
        /// From.
        selection: Value,
        /// n, at least 1.
        nth: u32,
        /// The key.
        key: SlotId,
        /// Largest first.
        descending: bool,
        /// Pieces or lines.
        element: Element,
    },

    /// An empty `Bag`; made anew each time it is reached.
    NewBag,
    /// Puts a number into a bag; makes no value.
    Put(Value, Value),
    /// How many different numbers are in a bag.
    Distinct(Value),

    /// An empty `Sets`; made anew each time it is reached.
    NewSets,
    /// Adds a part: each set takes `count` pieces of the lines of which a piece is selected, as many as are selected at
    /// most. Faults with `OutOfRange` beyond [`crate::interpret::sets::PARTS`]. Makes no value.
    SetPart {
        /// The bundle.
        sets: Value,
        /// From.
        selection: Value,
        /// How many.
        count: Value,
    },
    /// Adds something that is given for each set, by which sets are chosen: numerator / denominator `I128`, faults as
    /// `Award` does, and with `OutOfRange` beyond [`crate::interpret::sets::TERMS`]. Makes no value.
    SetTerm {
        /// The bundle.
        sets: Value,
        /// Of which part; of all where none.
        part: Option<u32>,
        /// On which pieces.
        pick: SetPick,
        /// How many pieces a pick picks.
        count: Value,
        /// What is given.
        value: SetValue,
        /// Numerator.
        num: Value,
        /// Denominator.
        den: Value,
    },
    /// Chooses at most `most` sets, of pieces that no rule before has used in the group, so that what is given is most
    /// (for the member), or as many as can be so that it is least (for the retailer); what is taken of is the line slot
    /// `key`. The result is how many lists of equal sets there are.
    ChooseSets {
        /// The bundle.
        sets: Value,
        /// Sets at most.
        most: Value,
        /// For the member.
        member: bool,
        /// Amounts of the lines.
        key: SlotId,
    },
    /// How many sets a list stands for.
    SetTimes(Value, Value),
    /// A `Selection` of the pieces of all sets of a list, of one part or of all.
    SetUnits {
        /// The bundle.
        sets: Value,
        /// Which list, from 0.
        list: Value,
        /// Of which part; of all where none.
        part: Option<u32>,
    },

    /// Gives the value of the derivation whose function this is; the last that is given counts. Makes no value.
    Derive(Value),

    /// Proposes numerator / denominator (`I128`; a zero denominator faults, a negative one is turned round) of what the
    /// site gives: an award in the account's smallest unit, for a line or for the basket; at a [`SiteKind::Multiply`], so
    /// many times what the group has awarded on each line and to the basket; how many coupons are issued, or the value
    /// of a certificate; a field's new value, in slot units. `row` is for an award only. Makes no value.
    Award {
        /// Which effect.
        site: SiteId,
        /// Numerator.
        num: Value,
        /// Denominator.
        den: Value,
        /// The line's row.
        row: Option<Value>,
    },
    /// Proposes a discount on a selection; the site says what numerator / denominator is a count of (a fraction of
    /// the whole, or minor units) and how it falls. Makes no value.
    Discount {
        /// Which effect.
        site: SiteId,
        /// The lines and pieces it falls on.
        selection: Value,
        /// Numerator.
        num: Value,
        /// Denominator.
        den: Value,
    },
}

/// An effect of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Whose.
    pub rule: RuleId,
    /// What it does.
    pub kind: SiteKind,
    /// For another than the event's member: the one that this slot of the event names. Of awards and issues.
    pub to: Option<SlotId>,
    /// Words for the member.
    pub reason: Option<String>,
    /// Where it is written.
    pub place: PlaceId,
}

/// What an effect does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SiteKind {
    /// Points, or money of a money account.
    Award {
        /// To which account.
        account: AccountId,
        /// Rounds here rather than where the account says.
        rounding: Option<Rounding>,
        /// When it can be spent.
        life: Life,
    },
    /// Points taken from the member's balance: all of them, or the rule gives nothing at all. [`Inst::Award`] proposes
    /// it; it rounds as the account says, each by itself.
    Debit {
        /// From which account.
        account: AccountId,
    },
    /// What a redemption's rule says of it: [`Inst::Discount`] proposes [`TenderTerm::Lines`], [`Inst::Award`] the others.
    Tender {
        /// Which.
        term: TenderTerm,
    },
    /// A multiple of what an earlier group of the phase has awarded to the event's member.
    Multiply {
        /// Which of its awards: those to this account.
        account: AccountId,
        /// Which group.
        group: GroupId,
    },
    /// A reduction.
    Discount {
        /// What the amount means.
        amount: DiscountAmount,
        /// How it falls.
        fall: Fall,
        /// How an amount of money comes from a fraction.
        rounding: Rounding,
    },
    /// An instrument for the member; the number is how many, or a certificate's value in minor units.
    Issue {
        /// Which.
        instrument: InstrumentId,
        /// When it ends; the instrument's own where it does not say.
        expires: Option<Lifetime>,
    },
    /// A product, where settlement takes this option of the gift. [`Inst::Award`] proposes how many pieces,
    /// [`Inst::Discount`] the pieces of the basket that it is; its number means nothing.
    Gift {
        /// Of [`Program::gifts`].
        gift: u32,
        /// Of its options.
        option: u32,
    },
    /// Words, or an offer; the number is one.
    Tell {
        /// Of [`Program::tellings`].
        telling: u32,
    },
    /// A field of the member; the number is its new value.
    Set {
        /// The event slot that holds the field.
        slot: SlotId,
        /// The last day on which it holds.
        until: Option<i64>,
        /// From where a name comes; of what is no name the number is the value.
        name: Option<NameFrom>,
    },
}

/// What a rule tells beside what it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Telling {
    /// Words, by whom they are for or by language.
    Words(Vec<Saying>),
    /// An offer, of [`Offers::list`], as far as its own conditions hold.
    Offer(u32),
}

/// From where the name comes to which a field is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameFrom {
    /// A slot of the event; where it is missing, nothing is set.
    Slot(SlotId),
    /// The one name of a reference.
    Reference(ReferenceId),
}

/// What a discount's number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiscountAmount {
    /// A part of the price: the fraction itself (7% is 7/100).
    Share,
    /// Minor units off.
    Off,
    /// Minor units that remain; never raises a price.
    Price,
}

/// How a discount falls on its selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fall {
    /// On each piece or each line by itself, rounded there.
    Each(Element),
    /// Once on the whole, then shared among the lines.
    Spread(Spread),
}

/// How an amount is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Weights.
    pub by: Weight,
    /// How a share rounds before the rest is handed out.
    pub rounding: Rounding,
    /// Who takes the rest.
    pub rest: Rest,
}

/// Weights of a spread. A line of weight 0 gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weight {
    /// What is left of the selected part of the line.
    Paid,
    /// Its amount before any discount.
    Initial,
    /// Its pieces.
    Pieces,
    /// Every line alike.
    Equally,
}

/// Who takes the minor units that rounded shares leave over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rest {
    /// One each to the largest fractions; ties by larger weight, then lower position.
    LargestRemainder,
    /// One a line from the first, again and again.
    FirstLines,
    /// All to the last line.
    LastLine,
    /// To the first line as far as it has room, then to the second, and so on.
    FirstWithRoom,
    /// None: share k is the rounded sum of the first k exact shares less that of the first k - 1.
    Running,
}

/// Phases, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// Prices of lines and pieces.
    Line,
    /// Sets of goods.
    Set,
    /// The whole order.
    Order,
    /// Delivery.
    Delivery,
    /// Points as payment.
    Tender,
    /// Awards.
    Earn,
    /// Tiers, coupons, badges, counters.
    State,
}

/// A group of rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Its phase.
    pub phase: Phase,
    /// Which proposals stay.
    pub displace: Displace,
    /// On what they compete.
    pub per: Scope,
    /// What a share is taken of.
    pub on_price: OnPrice,
    /// Groups that may not touch what this one touches, and the reverse.
    pub excludes: Vec<Exclusion>,
    /// Most that its rules give together.
    pub limits: Vec<Limit>,
    /// What is published about it.
    pub governance: Governance,
    /// By descending priority, then in order of declaration.
    pub rules: Vec<RuleId>,
}

/// Displacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Displace {
    /// All stay.
    None,
    /// The highest priority stays.
    First,
    /// The largest for the member stays; ties by priority, then order of declaration.
    BestForMember,
    /// The smallest for the member stays; ties the same.
    BestForRetailer,
    /// All stay, each worked out on what those of higher priority left.
    Chain,
}

/// On what proposals compete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Each piece by itself.
    Unit,
    /// Each line by itself.
    Line,
    /// The basket as a whole: a rule's proposals stay or go together.
    Basket,
}

/// What a share of the price is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnPrice {
    /// The amount before any discount.
    Original,
    /// What is left at entry to the group.
    Running,
}

/// Between groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The other group; the relation is symmetrical and stated at the later one.
    pub group: GroupId,
    /// The later group takes a line over where it gives the member more; otherwise the earlier one keeps it.
    pub when_better: bool,
    /// Where the earlier group gives anything, the later one gives nothing at all, on other lines neither.
    pub whole: bool,
}

/// The most that may be given, in one event or over those that a counter sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Minor units, account units or times.
    pub amount: LimitAmount,
    /// Of what.
    pub of: LimitOf,
    /// What earlier events have claimed of it; `None` limits each event by itself.
    pub counter: Option<CounterId>,
    /// What becomes of more.
    pub otherwise: Otherwise,
}

/// What a limit limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LimitOf {
    /// Minor units of discounts.
    Discounts,
    /// Units of an account, in awards.
    Awards(AccountId),
    /// Events in which the rule gives anything.
    Times,
    /// Pieces of a product that is given: what a stock counts, and nothing else.
    Gifts,
}

/// A limit's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitAmount {
    /// Fixed.
    Fixed(i64),
    /// A parameter's value.
    Param(ParamId),
}

/// Beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Otherwise {
    /// What fits is given.
    Cut,
    /// Nothing is given.
    Skip,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Its group.
    pub group: GroupId,
    /// Higher is earlier.
    pub priority: i64,
    /// Kinds of events it hears, ascending, not empty.
    pub events: Vec<EventId>,
    /// All must hold (event atoms), or the function is not run.
    pub atoms: Vec<AtomId>,
    /// Where not empty: the rule can propose something only if one line satisfies all of these (line atoms).
    pub line_atoms: Vec<AtomId>,
    /// The rest of its conditions, and its proposals.
    pub function: FunctionId,
    /// Most it gives.
    pub limits: Vec<Limit>,
    /// What is published about it.
    pub governance: Governance,
    /// Where it is written.
    pub place: PlaceId,
}

/// What is published about a rule or a group. Evaluation passes over it: when a rule holds is among its conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Governance {
    /// Whether it takes part.
    pub effective: Effective,
    /// `about`: key and text, in the order of the text.
    pub about: Vec<(String, String)>,
}

/// Whether a rule or a group takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effective {
    /// As far as its conditions say.
    #[default]
    Stated,
    /// From this local day on, counted from 1970-01-01.
    From(i64),
    /// Not at all.
    Never,
}

/// A source file that went into the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// From the folder of the program, with `/`.
    pub path: String,
    /// BLAKE3, hexadecimal.
    pub hash: String,
}

/// A place in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourcePlace {
    /// Position in [`Program::sources`].
    pub file: u32,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The line in which the text ends.
    pub end_line: u32,
    /// The column behind its last character.
    pub end_column: u32,
}

impl SourcePlace {
    /// A place of no length.
    pub fn at(file: u32, line: u32, column: u32) -> SourcePlace {
        SourcePlace { file, line, column, end_line: line, end_column: column }
    }
}

/// A condition as its author wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    /// The rule in whose code it stands.
    pub rule: RuleId,
    /// Its text. Instructions that leave a region because of it, or compare for it, have the same place.
    pub place: PlaceId,
    /// What hangs on it.
    pub role: Role,
    /// The atom that it became: asked before the rule's function is run, and not in it.
    pub atom: Option<AtomId>,
    /// What its numbers count.
    pub measure: Option<MeasureId>,
}

/// What hangs on a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// The rule as a whole.
    Rule,
    /// Whether a row of a collection takes part.
    Filter,
    /// A larger condition, of which it is a part.
    Part,
}

/// What compared numbers count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Measure {
    /// The unit.
    pub unit: Unit,
    /// So many make one: minor unit of money, smallest unit of an account, whole of a percent, thousandth of a
    /// quantity's unit. At least 1.
    pub parts: i128,
    /// Where the numbers are brought to one denominator that only the run knows: what the right side is, in base units,
    /// as numerator and denominator. It is not zero, so that it tells the denominator; `parts` is then 1.
    pub bound: Option<(i128, i128)>,
}

/// Units of compared numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// None.
    Number,
    /// Parts of a whole.
    Percent,
    /// Minor units of the currency.
    Money,
    /// An account's smallest units.
    Points(AccountId),
    /// Counted things, with their word.
    Count(String),
    /// Thousandths of a kilogram.
    Mass,
    /// Thousandths of a litre.
    Volume,
    /// Seconds.
    Duration,
    /// Days.
    Days,
    /// Months.
    Months,
    /// Days from 1970-01-01.
    Date,
    /// Seconds of the day.
    Time,
    /// Seconds from 1970-01-01T00:00Z.
    Instant,
    /// Positions in an enumeration.
    Enum(EnumId),
    /// Names of a kind.
    Symbol(KindId),
    /// 1 for true, 0 for false.
    Truth,
}

/// Why a function ended early. The rule it belongs to proposes nothing for that event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FaultKind {
    /// A sum or product left its 64 or 128 bits.
    Overflow,
    /// A divisor was zero.
    DivisionByZero,
    /// An exact result does not fit the number it must become.
    OutOfRange,
    /// The loops of the rule took more turns than an event may.
    OutOfFuel,
}

/// A fault, and the instruction that met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fault {
    /// Why.
    pub kind: FaultKind,
    /// Index into [`Function::insts`].
    pub inst: u32,
}
