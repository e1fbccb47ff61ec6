//! The typed tree: names bound, units checked, sugar gone. Made by [`crate::check`], read by lints and
//! [`crate::lower`].
//!
//! Every numeric expression is an exact rational in the base unit of its type: money in minor units of the
//! program's currency, points in their account's smallest unit, a percent as the fraction it is of the whole
//! (`7%` is 7/100), a count in ones, a quantity in thousandths of its unit, an exact duration in seconds, a calendar
//! one in days or in months. Nothing here rounds but [`ExprKind::Convert`] with a rounding, and effects.
//!
//! Where a type is `Optional`, the value may be missing; the checker gives a field the type without it wherever
//! `known` has narrowed it, so lowering reads either in the same way.

mod arms;
pub(crate) mod walk;

use crate::ir;
use perq_grammar::diagnostic::Place;

/// A variable: a `let`, a parameter of a `define`, or the element of a collection or loop. Unique in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(pub u32);

/// A field of a record schema, of [`Program::fields`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u32);

/// A `define`, `segment` or `table`, of [`Program::functions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// Rows beside the receipt's own, of [`Program::rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowsId(pub u32);

/// A unit of counted things (`pcs`, `visits`), of [`Program::units`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitId(pub u32);

/// Types, with units.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Something here has a diagnostic of its own: silences what would follow from it.
    Error,
    /// `true`, `false`
    Bool,
    /// A number without a unit.
    Number,
    /// A part of a whole.
    Percent,
    /// Money of the program's currency.
    Money,
    /// Points of an account.
    Points(ir::AccountId),
    /// Counted things.
    Count(UnitId),
    /// A mass, a volume.
    Quantity(Dimension),
    /// Hours, minutes, seconds.
    Duration,
    /// Days and weeks.
    Days,
    /// Months and years.
    Months,
    /// A local day.
    Date,
    /// A local time of day.
    Time,
    /// A point in time.
    Instant,
    /// A value of an enumeration.
    Enum(ir::EnumId),
    /// A name of a kind.
    Symbol(ir::KindId),
    /// Several names of a kind.
    Set(ir::KindId),
    /// Text for people.
    Text,
    /// May be missing.
    Optional(Box<Type>),
    /// A collection; only to filter, pick, aggregate and loop over.
    Collection(Element),
    /// An element of a collection, the member, the event: only to take a field of.
    Record(RecordType),
}

/// Dimensions of quantities; the base unit is a thousandth of the named one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// `kg`, `g`
    Mass,
    /// `l`, `ml`
    Volume,
}

/// What a collection is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// Rows of the receipt.
    Line,
    /// Single pieces, kept as runs: all pieces of a line are alike.
    Unit,
    /// Payments.
    Payment,
    /// Earlier events, their lines, or a list in a record.
    Row(RowsId),
}

/// Records one can take fields of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordType {
    /// `event`, `purchase`, `return`: the event.
    Event,
    /// `basket`
    Basket,
    /// `member`
    Member,
    /// A line.
    Line,
    /// A piece of a line.
    Unit,
    /// A line's product.
    Product,
    /// A payment.
    Payment,
    /// An earlier event, a line of one, or an entry of a list.
    Row(RowsId),
}

/// An exact rational constant; the denominator is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// Numerator.
    pub num: i128,
    /// Denominator.
    pub den: i128,
}

/// A name of a reference where it is written: `"Best"` of `segment "Best"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Of which kind.
    pub kind: ir::KindId,
    /// The name.
    pub name: String,
    /// Where.
    pub place: Place,
}

/// A checked program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// `program` and `language`.
    pub settings: Settings,
    /// Accounts.
    pub accounts: Vec<ir::Account>,
    /// Kinds of references.
    pub kinds: Vec<ir::ReferenceKind>,
    /// Enumerations.
    pub enums: Vec<ir::Enumeration>,
    /// Kinds of events.
    pub events: Vec<ir::EventKind>,
    /// Words of counted units.
    pub units: Vec<String>,
    /// All fields of all records.
    pub fields: Vec<Field>,
    /// Collections of earlier events, of their lines, and lists in records.
    pub rows: Vec<Rows>,
    /// Parameters.
    pub params: Vec<Param>,
    /// Defines, segments and tables.
    pub functions: Vec<Function>,
    /// Groups in the order of settlement.
    pub groups: Vec<Group>,
    /// Rules in order of declaration; [`Group`] orders them by priority only when lowered.
    pub rules: Vec<Rule>,
    /// Ways of paying with points.
    pub redemptions: Vec<Redemption>,
    /// Conditions under which awards may be spent.
    pub spendables: Vec<Spendable>,
    /// Coupons, certificates, badges and levels.
    pub instruments: Instruments,
    /// What members can be offered in sessions.
    pub offers: Offers,
    /// What every decision keeps to, in order of declaration.
    pub promises: Vec<Promise>,
    /// Ways of buying that gain nothing, in order of declaration. Only proofs read them.
    pub no_gains: Vec<NoGain>,
    /// Which contacts are made.
    pub contacts: Contacts,
    /// Names of references, as they are written: what a catalogue can be asked about.
    pub named: Vec<Named>,
    /// Tests in order of declaration.
    pub tests: Vec<Test>,
    /// Clocks in other zones that schedules read.
    pub clocks: Vec<Clock>,
    /// Conditions that tests ask after an event was decided. Only a test's own program has any.
    pub checks: Vec<Check>,
    /// Names of locals, for explanations.
    pub locals: Vec<Local>,
}

/// Which contacts are made.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    /// In order of declaration.
    pub plans: Vec<ContactPlan>,
    /// The fields of a contact with the offer, the channel and the package.
    pub fields: Option<(FieldId, FieldId, FieldId)>,
    /// Sorts of contacts, each with what is true of them.
    pub sorts: Vec<Expr>,
    /// What a contact is worth, and how many digits more than it has make millionths of it.
    pub score: Option<(Expr, u8)>,
    /// Amounts of contacts, each with how many more digits of it count.
    pub columns: Vec<(Expr, u8)>,
    /// Contacts that are not made: the sort, and the clause as it is written.
    pub drops: Vec<(u32, String, Place)>,
    /// Constraints, and the clauses as they are written.
    pub rules: Vec<(ir::ContactRuleKind, String, Place)>,
}

/// A `contacts` declaration.
#[derive(Clone, Debug)]
pub struct ContactPlan {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// What it binds.
    pub lets: Vec<Step>,
    /// Where.
    pub place: Place,
}

/// What members can be offered in sessions.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Words of the levels of priority, lowest first.
    pub priorities: Vec<String>,
    /// In order of declaration.
    pub list: Vec<Offer>,
    /// In order of declaration.
    pub arbitrations: Vec<Arbitration>,
    /// The field of a session with its channel.
    pub channel: Option<FieldId>,
    /// The fields of a reaction with the offer and with the answer, and the enumeration of the answers.
    pub reaction: Option<(FieldId, FieldId, ir::EnumId)>,
}

/// An offer.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// The names by which reactions tell of it.
    pub key: ir::Reference,
    /// How it takes part beside others.
    pub display: ir::Display,
    /// What it is about.
    pub purpose: ir::Purpose,
    /// Names of its business goals.
    pub goals: Vec<String>,
    /// Words, by whom they are for or by language.
    pub says: Vec<ir::Saying>,
    /// Another audience than the one that `when` describes.
    pub also: Option<Expr>,
    /// In order.
    pub steps: Vec<OfferStep>,
    /// A number.
    pub score: Option<Expr>,
    /// How its acceptance is learned.
    pub learn: Option<Learn>,
    /// The kinds of events other than sessions whose rules show it, ascending.
    pub shown: Vec<ir::EventId>,
    /// What is published about it.
    pub governance: ir::Governance,
    /// Where.
    pub place: Place,
}

/// How the likelihood that an offer is accepted is learned.
#[derive(Clone, Debug)]
pub struct Learn {
    /// The field that holds it.
    pub field: FieldId,
    /// What is thought before anything is known, in millionths.
    pub prior: i64,
    /// Showings that this is worth.
    pub showings: u32,
    /// Days after which a showing counts half.
    pub half_life: Option<u32>,
    /// What tells kinds of members apart, each with its values. Hashed is a field and nothing else.
    pub by: Vec<(Expr, ir::LearnedBy)>,
    /// Where.
    pub place: Place,
}

/// A step towards an offer.
#[derive(Clone, Debug)]
pub enum OfferStep {
    /// A `let`.
    Let(Step),
    /// Something that must hold.
    Condition {
        /// The clause that says it.
        clause: ir::OfferClause,
        /// What.
        condition: Expr,
        /// Where the clause stands.
        place: Place,
    },
    /// What all members share must not be used up.
    Budget {
        /// Over more than one event.
        limit: Limit,
        /// Where the clause stands.
        place: Place,
    },
}

/// How offers compete.
#[derive(Clone, Debug)]
pub struct Arbitration {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// The channels that it hears.
    pub channels: Option<ir::Reference>,
    /// Offers at most.
    pub slots: u32,
    /// They take slots one after another.
    pub classes: Vec<ir::Class>,
    /// Which offer of a class comes first.
    pub order: Vec<ir::OrderKey>,
    /// Offers of one goal at most.
    pub per_goal: Option<u32>,
    /// Of how many sessions the order is drawn, in millionths, and from what.
    pub explore: Option<(i64, Vec<ir::Seed>)>,
    /// Where.
    pub place: Place,
}

/// Coupons, certificates, badges and levels.
#[derive(Clone, Debug, Default)]
pub struct Instruments {
    /// In order of declaration.
    pub coupons: Vec<Coupon>,
    /// In order of declaration.
    pub certificates: Vec<Certificate>,
    /// In order of declaration.
    pub badges: Vec<Badge>,
    /// The levels of members.
    pub tiers: Vec<Tiers>,
    /// The field of events with the codes that are presented.
    pub presented: Option<FieldId>,
}

/// A coupon.
#[derive(Clone, Debug)]
pub struct Coupon {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// The rule that says what it gives.
    pub rule: ir::RuleId,
    /// How its codes come about.
    pub codes: ir::Codes,
    /// When those that are issued end.
    pub expires: Option<ir::Lifetime>,
    /// Where.
    pub place: Place,
}

/// A certificate.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// When those that are issued end.
    pub expires: Option<ir::Lifetime>,
    /// Where.
    pub place: Place,
}

/// A badge.
#[derive(Clone, Debug)]
pub struct Badge {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// All of these must hold, once an event has been kept; with the events after which they are asked.
    pub when: Option<(Vec<Expr>, Vec<ir::EventId>)>,
    /// Where.
    pub place: Place,
}

/// The levels of members.
#[derive(Clone, Debug)]
pub struct Tiers {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Its levels, lowest first, as an enumeration.
    pub levels: ir::EnumId,
    /// The member's field that they govern.
    pub field: FieldId,
    /// What is measured, bound to the local that the levels' conditions compare; nothing where no level has a `from`.
    pub measure: Option<(LocalId, Expr)>,
    /// What each level takes.
    pub conditions: Vec<Vec<Expr>>,
    /// A date.
    pub keep: Option<Expr>,
    /// `upgrade at_once`
    pub at_once: bool,
    /// `downgrade …`
    pub downgrade: ir::Downgrade,
    /// `review every …`
    pub review: Option<ir::Boundary>,
    /// Kinds of events that have what is measured.
    pub events: Vec<ir::EventId>,
    /// Where.
    pub place: Place,
}

/// What `program` says.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// The text's number.
    pub version: u64,
    /// The language's number.
    pub language: u32,
    /// Currency.
    pub currency: String,
    /// Digits of its minor unit.
    pub decimals: u8,
    /// Zone.
    pub zone: String,
    /// Default rounding.
    pub rounding: Option<ir::Rounding>,
    /// Monday is 0.
    pub week_starts: u8,
    /// Tax.
    pub tax: Option<ir::Tax>,
    /// The rate of a tax that the prices hold, where tax comes on top.
    pub besides: Option<FieldId>,
    /// A field of lines below which no piece is sold.
    pub floor: Option<FieldId>,
}

/// A local.
#[derive(Clone, Debug)]
pub struct Local {
    /// As written.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Where it is declared.
    pub place: Place,
}

/// A field of a record.
#[derive(Clone, Debug)]
pub struct Field {
    /// As rules write it, with its record: `member.tier`, `line.product.own_brand`.
    pub name: String,
    /// Which part of the input holds it.
    pub record: ir::RecordKind,
    /// Where in that part.
    pub key: Vec<String>,
    /// Its type; `Optional` where it may be missing.
    pub ty: Type,
    /// How it is written and counted. The value in base units is the slot's value divided by [`Field::den`].
    pub slot: ir::SlotType,
    /// What one base unit is in slot units: 100 for a money field of scale 4 in a currency of 2 decimals, 1 000 000
    /// for a percent, 10^scale for a number, else 1.
    pub den: i128,
    /// What absence means.
    pub default: Option<i64>,
    /// The product's field of the same name stands in.
    pub inherits: bool,
    /// A slot that every layout has, or a value worked out from such slots.
    pub builtin: Option<Builtin>,
    /// The kinds of events that have it, ascending, where not all have it; none for other fields.
    pub events: Vec<ir::EventId>,
    /// Where it is declared.
    pub place: Place,
}

/// A collection beside the lines and payments of an event.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What rules call an element: `purchase`, `line`, `address`.
    pub word: String,
    /// What rules call all of them: `earlier purchases`, `member.addresses`.
    pub name: String,
    /// Where they come from.
    pub kind: RowsKind,
}

/// Where the elements of [`Rows`] come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowsKind {
    /// Earlier events of the member of a kind.
    Past(ir::EventId),
    /// The lines of such events.
    PastLines(ir::EventId),
    /// A list of objects in the event or in its member.
    List {
        /// Whose.
        record: ir::RecordKind,
        /// Where in it.
        key: Vec<String>,
    },
}

/// What a field of an element of [`Rows`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowField {
    /// Of a list: a field of its objects.
    Own,
    /// What this field of the event held.
    Event(FieldId),
    /// What this field of the line held.
    Line(FieldId),
    /// What was paid, less what came back.
    Paid,
    /// Whether all of it came back.
    Returned,
    /// Pieces that did not come back.
    PiecesKept,
}

/// Fields that need no slot of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// A built-in event slot.
    Event(ir::SlotId),
    /// A built-in line slot.
    Line(ir::SlotId),
    /// A built-in payment slot.
    Payment(ir::SlotId),
    /// `unit.price`: the line's price slot.
    UnitPrice,
    /// `unit.initial`: the line's initial amount divided by its pieces.
    UnitInitial,
    /// `unit.paid`: the line's running amount divided by its pieces.
    UnitPaid,
    /// An event slot of its own that kept state fills.
    Read(ir::StateRead),
    /// So long after the event.
    Until(ir::Window),
    /// A field of an element of [`Rows`].
    Row(RowsId, RowField),
    /// Days from the anniversary of the date in this field that lies nearest to the event.
    Anniversary(FieldId),
    /// How the event is paid, known after the tender phase.
    Tender(TenderField),
    /// `member.balance.bonus`: a slot that kept state fills.
    Balance(ir::AccountId),
    /// What is known when the event is settled, and only promises speak of.
    Settled(Settled),
}

/// What settlement gives, of the basket or of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settled {
    /// `line.discount`, `basket.discount`
    Discount,
    /// `line.award.bonus`, `basket.award.bonus`
    Award(ir::AccountId),
}

/// `ensure …`: what every decision keeps to.
#[derive(Clone, Debug)]
pub struct Promise {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Of what it speaks.
    pub of: ir::PromiseOf,
    /// The name of the line, where it speaks of lines.
    pub element: Option<LocalId>,
    /// Kinds of events for whose decisions it is asked, ascending.
    pub events: Vec<ir::EventId>,
    /// Conditions on single fields of the event that must hold for it to be asked.
    pub conditions: Vec<Expr>,
    /// The same on single fields of the line.
    pub line_conditions: Vec<Expr>,
    /// Comparisons that must hold for it to be asked.
    pub asks: Vec<Bound>,
    /// What is kept.
    pub keep: Bound,
    /// What its sides count: units of this account, else minor units of the currency.
    pub account: Option<ir::AccountId>,
    /// What is published about it.
    pub about: Vec<(String, String)>,
    /// Where.
    pub place: Place,
}

/// `ensure … { no gain from … }`: ways of buying the same that are never better for the member.
#[derive(Clone, Debug)]
pub struct NoGain {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Which, each once, in the order of the text.
    pub ways: Vec<Way>,
    /// Kinds of events of which it is asked, ascending.
    pub events: Vec<ir::EventId>,
    /// Where.
    pub place: Place,
}

/// A comparison of two sums with one denominator.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The left side.
    pub left: Sum,
    /// How they compare.
    pub comparison: ir::Comparison,
    /// The right side.
    pub right: Sum,
    /// What the numbers of both sides are divided by; above zero.
    pub den: i64,
    /// Where.
    pub place: Place,
}

/// A sum of figures, each times a whole number.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// How often, and what.
    pub terms: Vec<(i64, Figure)>,
    /// A number by itself.
    pub constant: i64,
}

/// What a promise speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Figure {
    /// Minor units before any discount.
    Initial,
    /// Minor units that are left to pay.
    Paid,
    /// Minor units of all discounts.
    Discount,
    /// What is awarded to the event's member, in the account's smallest unit.
    Award(ir::AccountId),
    /// A field, of the line where it says so; in slot units.
    Field(FieldId, bool),
}

/// What is known of payment with points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TenderField {
    /// `payment.points`
    Points,
    /// `payment.cash`
    Cash,
    /// `line.cash`
    LineCash,
    /// What a redemption has paid, by its position in [`Program::redemptions`].
    Used(u32),
}

/// A way of paying with points.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// The rule that holds its conditions and its terms.
    pub rule: ir::RuleId,
    /// Which account pays.
    pub account: ir::AccountId,
    /// The field in which the member asks for it.
    pub request: FieldId,
    /// Smallest units and minor units, where the member chooses the amount.
    pub rate: Option<(i64, i64)>,
    /// The field that says that the member has confirmed.
    pub confirmed: Option<FieldId>,
    /// The field that its further effects ask for.
    pub used: Option<FieldId>,
    /// What to say where the balance is too small.
    pub short: Vec<ir::Saying>,
}

/// A condition under which awards may be spent.
#[derive(Clone, Debug)]
pub struct Spendable {
    /// Its lasting name: that of the rule, with a number where versions of the rule differ.
    pub name: String,
    /// The rule's.
    pub base: String,
    /// Conditions on the event that spends, and what they bind.
    pub steps: Vec<Step>,
    /// Kinds of events for which they can be asked.
    pub events: Vec<ir::EventId>,
    /// It pays for some goods only.
    pub goods: bool,
    /// The rule that says for which, where there are redemptions.
    pub lines: Option<ir::RuleId>,
    /// Where.
    pub place: Place,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// For the pack; values are in slot units.
    pub ir: ir::Param,
    /// For people.
    pub title: Option<String>,
    /// Its type.
    pub ty: Type,
    /// What one base unit is in slot units, as for [`Field::den`].
    pub den: i128,
    /// Where.
    pub place: Place,
}

/// A `define`, `segment` or `table`; not recursive.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<LocalId>,
    /// Its result.
    pub ty: Type,
    /// Its body; a table's is a [`ExprKind::Match`] over its parameters.
    pub body: Expr,
    /// It is a `counter`: worked out once an event, where the slot of an event can hold its value.
    pub counter: bool,
    /// Where.
    pub place: Place,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Phase.
    pub phase: ir::Phase,
    /// Displacement.
    pub displace: ir::Displace,
    /// On what they compete.
    pub per: ir::Scope,
    /// Base of shares.
    pub on_price: ir::OnPrice,
    /// Exclusions, each stated at the later of the two groups.
    pub excludes: Vec<ir::Exclusion>,
    /// Limits.
    pub limits: Vec<Limit>,
    /// What is published about it.
    pub governance: ir::Governance,
    /// Where.
    pub place: Place,
}

/// A rule with what its group shares put before its own clauses.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Documentation lines.
    pub docs: Vec<String>,
    /// Its group, by position in [`Program::groups`].
    pub group: ir::GroupId,
    /// Priority; 0 where none is written.
    pub priority: i64,
    /// Events it hears, ascending.
    pub events: Vec<ir::EventId>,
    /// Conditions, lets and effects in the order of the text (`valid` and `schedule` as conditions; the group's
    /// first). A step is reached only if every condition before it holds.
    pub steps: Vec<Step>,
    /// Limits.
    pub limits: Vec<Limit>,
    /// What is published about it.
    pub governance: ir::Governance,
    /// Where.
    pub place: Place,
}

/// The most that a rule or a group gives. Listed in the order in which limits are applied.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Minor units, account units or times.
    pub amount: ir::LimitAmount,
    /// Of what.
    pub of: ir::LimitOf,
    /// What becomes of more.
    pub otherwise: ir::Otherwise,
    /// Over more than one event.
    pub over: Option<Over>,
}

/// What a limit or a budget counts over.
#[derive(Clone, Debug)]
pub struct Over {
    /// Lasting name of what is counted.
    pub name: String,
    /// For whom.
    pub per: CounterKey,
    /// Over what time.
    pub window: ir::Window,
}

/// For whom a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterKey {
    /// For all together.
    Campaign,
    /// For each member.
    Member,
    /// For each member whom this field of the event's member names.
    Inviter(FieldId),
}

/// A step of a rule.
#[derive(Clone, Debug)]
pub enum Step {
    /// Goes on only where it holds.
    When(Expr),
    /// Binds a value.
    Let(LocalId, Expr),
    /// Binds a collection.
    LetCollection(LocalId, Source),
    /// For each element, in line order.
    ForEach {
        /// The elements; [`Source::element`] is the loop's variable.
        source: Source,
        /// At least one.
        body: Vec<Step>,
    },
    /// Forms sets of a bundle; the effects are for each of them.
    Sets {
        /// The bundle.
        bundle: Box<Bundle>,
        /// Effects, and loops around them.
        body: Vec<Step>,
    },
    /// Awards. In a loop over lines or units it is for that line (for a unit: once for each selected piece); outside
    /// it is for the basket.
    Award {
        /// To.
        account: ir::AccountId,
        /// How much, in the account's smallest unit.
        amount: Expr,
        /// `rounded …` after `as`.
        rounding: Option<ir::Rounding>,
        /// When it can be spent.
        life: ir::Life,
        /// For another than the event's member: the one that this field names.
        to: Option<FieldId>,
        /// The loop's element, where in a loop over lines or units.
        element: Option<(Element, LocalId)>,
        /// For the member.
        reason: Option<String>,
        /// Where.
        place: Place,
    },
    /// Takes from the member's balance. In a loop over units it does so once for each selected piece.
    Debit {
        /// From.
        account: ir::AccountId,
        /// How much, in the account's smallest unit.
        amount: Expr,
        /// The loop's element, where in a loop over lines or units.
        element: Option<(Element, LocalId)>,
        /// For the member.
        reason: Option<String>,
        /// Where.
        place: Place,
    },
    /// The lines that a redemption pays for.
    TenderLines {
        /// The lines.
        target: Source,
        /// Where.
        place: Place,
    },
    /// A number that a redemption says.
    TenderTerm {
        /// Which.
        term: ir::TenderTerm,
        /// The number.
        amount: Expr,
        /// The loop's line, for prices of pieces.
        element: Option<LocalId>,
        /// Where.
        place: Place,
    },
    /// Multiplies what an earlier group has awarded.
    Multiply {
        /// The group, by position in [`Program::groups`].
        group: ir::GroupId,
        /// By how much: 10 adds nine times as much.
        by: Expr,
        /// Where.
        place: Place,
    },
    /// Discounts.
    Discount {
        /// What the number means.
        meaning: ir::DiscountAmount,
        /// A percent or money.
        amount: Expr,
        /// The lines or units.
        target: Source,
        /// How it falls.
        fall: ir::Fall,
        /// How it rounds.
        rounding: ir::Rounding,
        /// For the member.
        reason: Option<String>,
        /// Where.
        place: Place,
    },
    /// Issues an instrument to the member.
    Issue {
        /// Which.
        instrument: ir::InstrumentId,
        /// How many; a certificate's value.
        number: Expr,
        /// When it ends, where this says so.
        expires: Option<ir::Lifetime>,
        /// For another than the event's member: the one that this field names.
        to: Option<FieldId>,
        /// For the member.
        reason: Option<String>,
        /// Where.
        place: Place,
    },
    /// Gives a product.
    Gift {
        /// At least one, as [`ir::Gift`] has them.
        options: Vec<GiftOption>,
        /// How many pieces.
        pieces: Expr,
        /// The field in which the member chooses, where there is a choice.
        chosen: Option<FieldId>,
        /// Pieces of the basket are left what they cost.
        added: bool,
        /// For the member.
        reason: Option<String>,
        /// Where.
        place: Place,
    },
    /// Says words, or shows an offer.
    Tell {
        /// Which; offers by position in [`Offers::list`].
        telling: ir::Telling,
        /// Where.
        place: Place,
    },
    /// Sets a field of the member.
    Set {
        /// Which.
        field: FieldId,
        /// Its new value, of the field's type.
        value: SetTo,
        /// The last day on which it holds.
        until: Option<i64>,
        /// Where.
        place: Place,
    },
}

/// What a field of the member is set to.
#[derive(Clone, Debug)]
pub enum SetTo {
    /// A number, a day, a truth …
    Number(Box<Expr>),
    /// The name that this field of the event or its member holds.
    Field(FieldId),
    /// This name.
    Name(ir::Reference),
}

/// One of the products of a gift.
#[derive(Clone, Debug)]
pub struct GiftOption {
    /// The product.
    pub sku: String,
    /// It alone.
    pub reference: ir::Reference,
    /// The pieces of the basket that it is; none where the gift is always added.
    pub units: Option<Source>,
    /// As [`ir::GiftOption::choice`].
    pub choice: u32,
    /// How many pieces there are, and the lasting name of who counts those that were given.
    pub stock: Option<(i64, String)>,
}

/// `take bundle …`
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Its name.
    pub name: String,
    /// What [`SourceKind::Set`] names.
    pub local: LocalId,
    /// At least one.
    pub parts: Vec<BundlePart>,
    /// Sets at most; as many as there are without.
    pub up_to: Option<Expr>,
    /// Chosen for the member, else for the retailer.
    pub member: bool,
    /// Where.
    pub place: Place,
}

/// `pastry = 2 of units where …`
#[derive(Clone, Debug)]
pub struct BundlePart {
    /// Its name.
    pub name: String,
    /// Pieces of a set.
    pub count: Expr,
    /// From: units that a condition chooses.
    pub of: Source,
    /// Where.
    pub place: Place,
}

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Type,
    /// Where.
    pub place: Place,
}

/// Typed expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Has a diagnostic already; a program that holds one is never lowered.
    Error,
    /// A numeric constant, in base units of its type.
    Constant(Ratio),
    /// `true`, `false`
    Bool(bool),
    /// A date in days, a time in seconds of the day, an instant in seconds, an enumeration's value by position.
    Ordinal(i64),
    /// A field. `of` is the element it belongs to, for lines, units, products and payments.
    Field {
        /// Which.
        field: FieldId,
        /// Whose.
        of: Option<LocalId>,
    },
    /// A `let` or a function's parameter.
    Local(LocalId),
    /// A parameter.
    Param(ir::ParamId),
    /// A `define`, `segment` or `table` applied.
    Call(FunctionId, Vec<Expr>),
    /// All hold; evaluated from the left, no further than needed.
    And(Vec<Expr>),
    /// One holds; evaluated from the left, no further than needed.
    Or(Vec<Expr>),
    /// Does not hold.
    Not(Box<Expr>),
    /// Two numbers of one type, or two ordinals, symbols or truths (only `=` and `!=` for those without order).
    Compare(ir::Comparison, Box<Expr>, Box<Expr>),
    /// Low to high.
    InRange {
        /// What.
        value: Box<Expr>,
        /// From, included.
        low: Box<Expr>,
        /// To.
        high: Box<Expr>,
        /// Whether the end belongs to it.
        included: bool,
    },
    /// Equals one of these, all constants or ordinals.
    OneOf(Box<Expr>, Vec<Expr>),
    /// A symbol that the reference matches; a missing symbol does not.
    InReference(Box<Expr>, ir::Reference),
    /// A set with a symbol that the reference matches.
    SetHas(Box<Expr>, ir::Reference),
    /// The set (first) holds the symbol (second).
    SetContains(Box<Expr>, Box<Expr>),
    /// Is not missing: of an expression of type `Optional`. `member known` is the truth of the built-in field.
    Known(Box<Expr>),
    /// Times a ratio, then rounded to whole base units where a rounding is written.
    Convert {
        /// What.
        value: Box<Expr>,
        /// Base units of the result for one of the operand's.
        ratio: Ratio,
        /// `rounded …`
        rounding: Option<ir::Rounding>,
    },
    /// Terms, with whether each is subtracted.
    Sum(Vec<(bool, Expr)>),
    /// Factors, with whether each divides.
    Product(Vec<(bool, Expr)>),
    /// `a mod b`
    Modulo(Box<Expr>, Box<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// A date so many whole months later; the month's last day where it has no such day.
    AddMonths(Box<Expr>, Box<Expr>),
    /// The instant at which the program's clock shows a day (first) and a second of it.
    Instant(i64, i64),
    /// The instant at which the program's clock shows the same time so many days or months (second, by its type) after an
    /// instant (first), on the month's last day where it has no such day.
    Moved(Box<Expr>, Box<Expr>),
    /// What the calendar says of a date.
    Calendar(ir::CalendarPart, Box<Expr>),
    /// Whole steps of the first in the second, rounded down (toward minus infinity).
    Steps(Box<Expr>, Box<Expr>),
    /// The smallest (or largest) of several values of one type.
    Extreme {
        /// Largest rather than smallest.
        largest: bool,
        /// At least one.
        values: Vec<Expr>,
    },
    /// Over a collection. `sum`, `avg`, `min`, `max` and `distinct` have a value; `count`, `any` and `all` a condition
    /// or none. `avg`, `min` and `max` are `Optional`: missing over nothing.
    Aggregate {
        /// Which.
        function: Aggregate,
        /// Of each element; names it by the source's element.
        value: Option<Box<Expr>>,
        /// The elements; a unit counts once for each selected piece.
        source: Box<Source>,
    },
    /// The first row whose patterns all fit gives the value; the checker has shown that one does.
    Match {
        /// One for each column, evaluated once.
        subjects: Vec<Expr>,
        /// In order.
        rows: Vec<Row>,
    },
}

pub use perq_grammar::ast::{Aggregate, Way};

/// A row of a match.
#[derive(Clone, Debug)]
pub struct Row {
    /// One for each subject.
    pub patterns: Vec<Pattern>,
    /// The result.
    pub value: Expr,
}

/// A pattern.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// Fits everything (`_`, `otherwise`).
    Any,
    /// Fits this constant or ordinal; for symbols, this reference.
    Value(Expr),
    /// Fits a symbol that this matches.
    Reference(ir::Reference),
    /// Fits what one of these fits; at least two, none of them `Any`.
    AnyOf(Vec<Pattern>),
    /// From, included, until, excluded.
    Band {
        /// From.
        from: Expr,
        /// Until; open above without.
        until: Option<Expr>,
    },
}

/// A collection.
#[derive(Clone, Debug)]
pub struct Source {
    /// Which.
    pub kind: SourceKind,
    /// Of what.
    pub of: Element,
    /// The element's variable, for conditions, values and loop bodies.
    pub element: LocalId,
    /// Where.
    pub place: Place,
}

/// Collections.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// All of them.
    All,
    /// Those of the past that a window holds.
    Past(ir::Window),
    /// A `let`.
    Bound(LocalId),
    /// The loop's element by itself: a line with all its pieces, a unit with the pieces that the loop has selected.
    One(LocalId),
    /// The pieces of a set of a bundle, of one part or of all; only in the effects of its rule.
    Set {
        /// The bundle.
        bundle: LocalId,
        /// Which part, by position.
        part: Option<u32>,
    },
    /// Those that satisfy a condition on [`Source::element`].
    Filter(Box<Source>, Box<Expr>),
    /// The cheapest or dearest few, overall or of each full group.
    Extreme {
        /// From.
        from: Box<Source>,
        /// How many: a number or count.
        count: Box<Expr>,
        /// Of each this many.
        every: Option<u32>,
        /// Cheapest rather than dearest.
        cheapest: bool,
    },
    /// Every n-th by order.
    EveryNth {
        /// From.
        from: Box<Source>,
        /// n, at least 1.
        nth: u32,
        /// A field of the line.
        key: FieldId,
        /// Largest first.
        descending: bool,
    },
}

/// A clock in another zone: its fields are missing where the zone is not known.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Where it hangs.
    pub zone: ClockZone,
    /// The day.
    pub date: FieldId,
    /// The time of day.
    pub time: FieldId,
    /// The weekday.
    pub weekday: FieldId,
    /// The day of the month.
    pub month_day: FieldId,
}

/// The zone of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockZone {
    /// By its IANA name.
    Named(String),
    /// Of the store that this field names.
    Store(FieldId),
}

/// A condition on an event that was decided, which a test expects to hold.
#[derive(Clone, Debug)]
pub struct Check {
    /// Over the event as settlement left it.
    pub condition: Expr,
    /// The event's kind.
    pub event: ir::EventId,
}

impl Check {
    /// The name of its derivation, which is no name that an author can write.
    pub fn name(index: usize) -> String {
        format!("expect {}", index.saturating_add(1))
    }
}

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Where.
    pub place: Place,
    /// What it does.
    pub body: TestBody,
    /// The program with what the test itself declares and asks, where it does; its steps speak of this one.
    pub own: Option<Box<Program>>,
}

/// What a test does.
#[derive(Clone, Debug)]
pub enum TestBody {
    /// Its snippet, checked with the program, must give the named diagnostic.
    Rejects {
        /// Expected.
        expected: String,
        /// The names of the errors it gave, in order.
        found: Vec<String>,
    },
    /// Its steps are run.
    Runs(Vec<TestStep>),
}

/// A step of a test.
#[derive(Clone, Debug)]
pub enum TestStep {
    /// A member for the events that follow.
    Member(TestRecord),
    /// A product of the catalogue, or a name of a list: for the events that follow.
    Table {
        /// `product`, or a kind's name such as `list` or `category`.
        kind: String,
        /// Its id or name.
        id: String,
        /// Fields; for `list`, `members = […]`; for a hierarchical kind, `parent = …`.
        record: TestRecord,
    },
    /// An event, evaluated here.
    Event {
        /// Kind.
        kind: ir::EventId,
        /// Id; numbered where none is written.
        id: Option<String>,
        /// The event whose goods come back with it.
        of: Option<String>,
        /// Local date and time, as `2026-03-02T10:15:00`.
        at: String,
        /// Fields, lines and payments.
        record: TestRecord,
        /// `given earlier`: it happened, and is kept without being decided; with what was paid, where the test says it.
        earlier: Option<Option<i64>>,
        /// Where.
        place: Place,
    },
    /// The clock goes forward by so much: by seconds as they pass, by days and months on the local clock.
    After(ir::Span),
    /// A parameter's value for the events that follow, in slot units.
    With(ir::ParamId, i64),
    /// What the last event must have given.
    Expect(Expectation, Place),
}

/// A record of a test, in the shape of the input.
#[derive(Clone, Debug, Default)]
pub struct TestRecord {
    /// The id after the keyword.
    pub id: Option<String>,
    /// By path.
    pub fields: Vec<(Vec<String>, TestValue)>,
    /// `line { … }` in order.
    pub lines: Vec<TestRecord>,
    /// `payment { … }` in order.
    pub payments: Vec<TestRecord>,
    /// Entries of lists, in order, with where the list stands.
    pub lists: Vec<(Vec<String>, TestRecord)>,
}

/// A value as a record writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum TestValue {
    /// Text, decimals, dates, names.
    Text(String),
    /// Truth.
    Bool(bool),
    /// A set.
    List(Vec<String>),
}

/// What the last event must have given. Amounts are in minor units or the account's smallest units.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// No effect at all.
    Nothing,
    /// The offer is shown, at this position from one where it is written.
    Shown(u32, Option<u32>),
    /// The offer is not shown, for this reason where it is written.
    Hidden(u32, Option<String>),
    /// These offers are shown, in this order, and no other.
    Offers(Vec<u32>),
    /// Of the contacts that were proposed, those with these ids are chosen, and no other; in order.
    Contacts(Vec<String>),
    /// The rule has an effect.
    Fires(ir::RuleId),
    /// The rule has none.
    Silent(ir::RuleId),
    /// The first lost to the second.
    DisplacedBy(ir::RuleId, ir::RuleId),
    /// A limit cut the rule, and this much stayed.
    LimitedTo {
        /// Which.
        rule: ir::RuleId,
        /// `None` for discounts.
        account: Option<ir::AccountId>,
        /// What stayed.
        amount: i64,
    },
    /// The rule failed.
    Fails(ir::RuleId, Option<ir::FaultKind>),
    /// Sum of awards.
    Award {
        /// To.
        account: ir::AccountId,
        /// How much.
        amount: i64,
        /// Of these only.
        scope: ExpectScope,
    },
    /// Sum of discounts.
    Discount {
        /// How much.
        amount: i64,
        /// Of these only.
        scope: ExpectScope,
    },
    /// Sum of debits.
    Debit {
        /// From.
        account: ir::AccountId,
        /// How much.
        amount: i64,
        /// Of these only.
        scope: ExpectScope,
    },
    /// What the member can spend of an account at the test's time.
    Balance {
        /// Which.
        account: ir::AccountId,
        /// Of the member with this id; of the last event's where there is none.
        of: Option<String>,
        /// How much.
        amount: i64,
    },
    /// The event as a whole is refused, with these words where they are written.
    Refused(Option<String>),
    /// What is to be paid, tax included.
    Total(i64),
    /// The tax in it, or of a line.
    Tax(i64, ExpectScope),
    /// So many are issued; of a certificate the value is not compared. At least one where no number is written.
    Issue {
        /// How many.
        count: Option<i64>,
        /// Which.
        instrument: ir::InstrumentId,
        /// By this rule only.
        rule: Option<ir::RuleId>,
        /// To the member with this id only.
        to: Option<String>,
    },
    /// So many pieces of one product are given; of several, they are on offer.
    Gift {
        /// How many.
        pieces: i64,
        /// Which, ascending.
        skus: Vec<String>,
        /// By this rule only.
        rule: Option<ir::RuleId>,
    },
    /// A code of this coupon is presented and accepted; or is not accepted (false).
    Coupon(u32, bool),
    /// So many of what was issued are withdrawn with the goods that come back; at least one where no number is written.
    Withdrawn {
        /// How many.
        count: Option<i64>,
        /// Which.
        instrument: ir::InstrumentId,
        /// That this rule had issued only.
        rule: Option<ir::RuleId>,
        /// Of the member with this id only.
        to: Option<String>,
    },
    /// These words are said; nothing is, where there are none.
    Said {
        /// For whom, or in which language.
        to: String,
        /// The words.
        text: Option<String>,
        /// By this rule only.
        rule: Option<ir::RuleId>,
    },
    /// The member has this badge, once the event has been kept; or has it not (false).
    Badge(u32, bool),
    /// The member is at this level of these tiers, by position, once the event has been kept.
    Tier(u32, i64),
    /// What is to be paid without its tax.
    NetTotal(i64),
    /// The promise, of [`Program::promises`], is kept; or is broken (false).
    Keeps(u32, bool),
    /// The condition, of [`Program::checks`], holds.
    Holds {
        /// Which.
        check: usize,
        /// As its author wrote it.
        text: String,
    },
}

/// What an expected sum is over.
#[derive(Clone, Debug, Default)]
pub struct ExpectScope {
    /// To the member with this id rather than to the event's own.
    pub to: Option<String>,
    /// Of this rule.
    pub rule: Option<ir::RuleId>,
    /// On this line.
    pub line: Option<LineRef>,
    /// On its n-th piece, from 1.
    pub unit: Option<u32>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineRef {
    /// From 1.
    Position(u32),
    /// The lines of this sku together.
    Sku(String),
}
