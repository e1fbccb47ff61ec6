//! The tree of one source file as the author wrote it: names unresolved, nothing typed.
//!
//! It refuses to know meaning: a unit is a word, a reference is a kind and a text. Flat chains (`a + b + …`,
//! `a and b and …`) are lists, so that depth follows brackets and braces only, and those are limited by
//! [`crate::MAX_DEPTH`]; dropping, cloning and comparing a tree may therefore recurse.

mod contacts;
mod ensure;
mod loyalty;
mod offers;

use crate::diagnostic::Span;
pub use contacts::*;
pub use ensure::*;
pub use loyalty::*;
pub use offers::*;

/// A file's items in source order; an item that did not parse is absent here and present among the diagnostics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// In source order.
    pub items: Vec<Item>,
}

/// A word of the author's, in NFC.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// NFC text.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A string literal with its escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Without quotes and escapes.
    pub value: String,
    /// With the quotes.
    pub span: Span,
}

/// `a`, `a.b`, `member."Favourite shop"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// At least one part.
    pub parts: Vec<Name>,
    /// From the first part to the last.
    pub span: Span,
}

impl Path {
    /// Its parts with points between them.
    pub fn dotted(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".")
    }
}

/// A literal's characters as written, such as `1_000.50` in `1_000.50 EUR`, with underscores removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// Without underscores; for numbers only digits and at most one point.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A declaration with the `##` lines above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Documentation lines without `##` and the blank after it.
    pub docs: Vec<Text>,
    /// What is declared.
    pub kind: ItemKind,
    /// From the keyword to the end of the item.
    pub span: Span,
}

/// The declarations.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `language 1`
    Language(Lexeme),
    /// `use "common/segments.rule" as seg sha "9f8b5ec0"`
    Use {
        /// The file, relative to this one.
        path: Text,
        /// The qualifier.
        alias: Option<Name>,
        /// The pinned beginning of the file's BLAKE3 hash, in hexadecimal.
        hash: Option<Text>,
    },
    /// `program favourite_customer "Title" { … }`
    Program(Header, Vec<ProgramClause>),
    /// `account bonus "Title" { … }`
    Account(Header, Vec<AccountClause>),
    /// `param happy_rate "Title": percent = 15% in 5% through 20%`
    Param {
        /// Name and title.
        header: Header,
        /// Declared type.
        ty: TypeName,
        /// One entry without a date, or several each with the date from which it holds.
        values: Vec<(Option<Lexeme>, Expr)>,
        /// The values that a deployment may set.
        range: Option<Box<Range>>,
    },
    /// `define net(line: line) gives money = line.paid - line.tax`
    Define {
        /// Name and title.
        header: Header,
        /// The parameters.
        params: Vec<(Name, TypeName)>,
        /// The result.
        gives: TypeName,
        /// The body.
        body: Expr,
    },
    /// `table rate(tier: Tier, channel: Channel) gives percent unique { … }`
    Table {
        /// Name and title.
        header: Header,
        /// The columns.
        params: Vec<(Name, TypeName)>,
        /// The result.
        gives: TypeName,
        /// `unique`, `first_match`.
        policy: Name,
        /// The rows.
        rows: Vec<Arm>,
    },
    /// `segment regulars "Title" = member known and …`
    Segment(Header, Expr),
    /// `enum Tier ordered { base "Base", advanced, vip }`
    Enum {
        /// Name and title.
        header: Header,
        /// Whether `<` compares its values.
        ordered: bool,
        /// The values, lowest first, with titles.
        values: Vec<(Name, Option<Text>)>,
    },
    /// `reference category hierarchical`, `reference list of sku`
    Reference {
        /// The kind.
        name: Name,
        /// Whether `in` follows the parents.
        hierarchical: bool,
        /// Whose values it collects.
        of: Option<Name>,
    },
    /// `record line { … }`: a new record schema; in the prelude.
    Record(Name, Vec<FieldDeclaration>),
    /// `extend member { … }`: typed dynamic attributes.
    Extend(Name, Vec<FieldDeclaration>),
    /// `event purchase from "sale" { … }`: a kind of event, the spellings it has in records, its own fields.
    Event {
        /// The name rules use after `on`.
        name: Name,
        /// Spellings in the data besides the name.
        from: Vec<Text>,
        /// Fields.
        fields: Vec<FieldDeclaration>,
    },
    /// `group base_earn "Title" { … }`
    Group(Header, Vec<GroupClause>),
    /// `rule powders "Title" in group base_earn { … }`
    Rule(Rule),
    /// `test "name" [rejects mismatched-units] { … }`
    Test(Test),
    /// `counter good_visits "Title" per member = count(…)`
    Counter {
        /// Name and title.
        header: Header,
        /// What it counts for: `member`, …
        per: Vec<Name>,
        /// What it counts.
        value: Expr,
    },
    /// `badge gourmet "Title" { … }`; without braces it has no clauses.
    Badge(Header, Vec<Placed<BadgeClause>>),
    /// `tiers club "Title" { … }`
    Tiers(Header, Vec<Placed<TiersClause>>),
    /// `coupon welcome10 "Title" { … }`
    Coupon(Header, Vec<Placed<CouponClause>>),
    /// `certificate gift_card "Title" { … }`
    Certificate(Header, Vec<Placed<CertificateClause>>),
    /// `redemption pay_with_points "Title" { … }`
    Redemption(Header, Vec<Placed<RedemptionClause>>),
    /// `template cashback "Title" { … }`
    Template(Template),
    /// `offer roaming "Travel pack" { … }`
    Offer(Header, Vec<Placed<OfferClause>>),
    /// `arbitration inbound "Calls" { … }`
    Arbitration(Header, Vec<Placed<ArbitrationClause>>),
    /// `ensure at_most_40 "Title" { … }`: what every decision keeps to
    Ensure(Header, Vec<Placed<EnsureClause>>),
    /// `contacts spring "Spring letters" { … }`
    Contacts(Header, Vec<Placed<ContactsClause>>),
}

impl ItemKind {
    /// The clauses of a rule that a declaration has: a rule's own, a template's, a group's with those of the rules in its
    /// braces, and what coupons, offers and redemptions share with rules.
    pub fn clauses(&self) -> Vec<&Clause> {
        match self {
            ItemKind::Rule(rule) => rule.clauses.iter().collect(),
            ItemKind::Template(template) => template.clauses.iter().collect(),
            ItemKind::Group(_, clauses) => clauses
                .iter()
                .flat_map(|clause| match clause {
                    GroupClause::Shared(clause) => std::slice::from_ref(clause),
                    GroupClause::Rule(rule) => rule.clauses.as_slice(),
                    GroupClause::Kind(_)
                    | GroupClause::Displace { .. }
                    | GroupClause::OnPrice(_)
                    | GroupClause::Excludes(..) => &[],
                })
                .collect(),
            ItemKind::Coupon(_, clauses) => {
                clauses
                    .iter()
                    .filter_map(|clause| {
                        if let CouponClause::Shared(clause) = &clause.kind { Some(clause) } else { None }
                    })
                    .collect()
            }
            ItemKind::Offer(_, clauses) => {
                clauses
                    .iter()
                    .filter_map(|clause| {
                        if let OfferClause::Shared(clause) = &clause.kind { Some(clause) } else { None }
                    })
                    .collect()
            }
            ItemKind::Redemption(_, clauses) => clauses
                .iter()
                .filter_map(|clause| {
                    if let RedemptionClause::Shared(clause) = &clause.kind { Some(clause) } else { None }
                })
                .collect(),
            ItemKind::Language(_)
            | ItemKind::Use { .. }
            | ItemKind::Program(..)
            | ItemKind::Account(..)
            | ItemKind::Param { .. }
            | ItemKind::Define { .. }
            | ItemKind::Table { .. }
            | ItemKind::Segment(..)
            | ItemKind::Enum { .. }
            | ItemKind::Reference { .. }
            | ItemKind::Record(..)
            | ItemKind::Extend(..)
            | ItemKind::Event { .. }
            | ItemKind::Test(_)
            | ItemKind::Counter { .. }
            | ItemKind::Badge(..)
            | ItemKind::Tiers(..)
            | ItemKind::Certificate(..)
            | ItemKind::Arbitration(..)
            | ItemKind::Ensure(..)
            | ItemKind::Contacts(..) => Vec::new(),
        }
    }
}

/// The name, title and former name of a declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The declared name.
    pub name: Name,
    /// For people.
    pub title: Option<Text>,
    /// `was old_name`: keeps the identity of a renamed declaration.
    pub was: Option<Name>,
}

/// `sku: sku`, `price: money scale 4`, `segments: set of segment`, `birthday: date?`
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDeclaration {
    /// Documentation.
    pub docs: Vec<Text>,
    /// Name; a quoted name is allowed.
    pub name: Name,
    /// Type.
    pub ty: TypeName,
    /// `scale 4`: decimal digits kept.
    pub scale: Option<Lexeme>,
    /// `= no`, `= product`: what an absent field means.
    pub default: Option<Expr>,
    /// `from "gross_sales_gbp"`: the field's spelling in records.
    pub from: Option<Text>,
}

/// `money[EUR]?`, `Tier`, `set of segment`
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// The word.
    pub name: Name,
    /// What stands in brackets.
    pub argument: Option<Name>,
    /// `set of …`
    pub set: bool,
    /// `list of …`
    pub list: bool,
    /// `?`
    pub optional: bool,
    /// All of it.
    pub span: Span,
}

/// A clause of `program`.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgramClause {
    /// `title en "…" it "…"`
    Title(Vec<(Name, Text)>),
    /// `version 12`
    Version(Lexeme),
    /// `currency RUB`
    Currency(Name),
    /// `zone "Europe/Moscow"`
    Zone(Text),
    /// `rounding half_even`
    Rounding(Name),
    /// `month_end clamp`
    MonthEnd(Name),
    /// `week_starts monday`
    WeekStarts(Name),
    /// `on error skip rule`
    OnErrorSkipRule(Span),
    /// `order happy_hours, base_earn`: groups inside their phases
    Order(Vec<Name>),
    /// `spread rounded down rest first_lines`: the convention where an effect names none
    Spread(SpreadRule, Span),
    /// `tax on_top rounded half_up per line` or `tax included`: how it stands, how it rounds, where it rounds
    Tax {
        /// `included`, `on_top`
        how: Name,
        /// `rounded half_up`
        rounded: Option<Name>,
        /// `per line`, `per unit`, `per posting`
        per: Option<Name>,
        /// `besides line.luxury_tax`: the rate of a tax that the prices hold where this one comes on top
        besides: Option<Path>,
    },
    /// `not_below unit.minimum_price`
    NotBelow(Expr),
}

/// A clause of `account`.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountClause {
    /// `title …`
    Title(Vec<(Name, Text)>),
    /// `unit points decimals 0`
    Unit(Name, Option<Lexeme>),
    /// `round down per basket`
    Round {
        /// The mode.
        mode: Name,
        /// `line`, `rule` or `basket`.
        per: Option<Name>,
    },
    /// `redeemable`
    Redeemable(Span),
    /// `qualifying`
    Qualifying(Span),
    /// `not_below 0 points`
    NotBelow(Expr),
    /// `worth 1 points = 1 RUB`
    Worth(Expr, Expr),
    /// `expire 365 days after award`
    Expire(Expire, Span),
    /// `melt 10% of awarded every 30 days from 90 days after award`
    Melt(Melt),
    /// `use first oldest_expiry`
    UseFirst(Name),
    /// `shortfall debt`, with `clamp`, `pending_only`
    Shortfall(Name),
}

/// A clause of a group; rules stand among them.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupClause {
    /// `kind earn`, with `line_discount`, `set_discount`, `order_discount`, `delivery_discount`, `tender`, `earn`, `state`
    Kind(Name),
    /// `displace best for member per line`
    Displace {
        /// How.
        mode: Displace,
        /// `unit`, `line` or `basket`.
        per: Option<Name>,
        /// All of it.
        span: Span,
    },
    /// `on_price original`
    OnPrice(Name),
    /// `excludes group personal_prices [when better]`
    Excludes(Path, bool),
    /// What rules may have too.
    Shared(Clause),
    /// A rule in the group's braces.
    Rule(Rule),
}

/// Displacement modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Displace {
    /// All stay.
    None,
    /// By priority.
    First,
    /// The member's best.
    BestForMember,
    /// The retailer's best.
    BestForRetailer,
    /// Each on what the previous left.
    Chain,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Documentation.
    pub docs: Vec<Text>,
    /// Name and title.
    pub header: Header,
    /// `in group g`
    pub group: Option<Path>,
    /// `from template t`
    pub template: Option<Path>,
    /// In source order: a `let` is known to the clauses after it.
    pub clauses: Vec<Clause>,
    /// All of it.
    pub span: Span,
}

/// Clauses of rules, and of groups where they are shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Documentation.
    pub docs: Vec<Text>,
    /// What it says.
    pub kind: ClauseKind,
    /// All of it.
    pub span: Span,
}

/// The clauses.
#[derive(Clone, Debug, PartialEq)]
pub enum ClauseKind {
    /// `title …`
    Title(Vec<(Name, Text)>),
    /// `valid 2026-06-01 through 2026-08-31, from 2026-12-01`: at least one
    Valid(Vec<Period>),
    /// `schedule days [tue] hours 09:00 until 12:00 zone store`
    Schedule(Vec<SchedulePart>),
    /// `priority 30`
    Priority(Lexeme),
    /// `on purchase`, `on survey "NPS-2026"`
    On(Vec<(Path, Option<Text>)>),
    /// `when …`
    When(Expr),
    /// `unless …`
    Unless(Expr),
    /// `let spent = sum(line.paid for earning)`
    Let(Let),
    /// `limit 100 EUR per transaction else cut`
    Limit {
        /// The most.
        amount: Expr,
        /// `per transaction`, `per member`, …
        per: Vec<Name>,
        /// `within …`
        window: Option<Window>,
        /// `cut` or `skip`
        otherwise: Name,
    },
    /// `budget 500_000 RUB within program else skip`
    Budget {
        /// The most.
        amount: Expr,
        /// `within …`
        window: Option<Window>,
        /// `cut` or `skip`
        otherwise: Name,
    },
    /// `take bundle …`
    Take(Bundle),
    /// `process in_batch no later than 2 weeks`
    Process {
        /// When.
        when: Processing,
        /// `no later than …`
        no_later_than: Option<Expr>,
    },
    /// `spendable { … }`: at least one clause
    Spendable(Vec<Placed<SpendableClause>>),
    /// `effective from 2026-07-01`
    EffectiveFrom(Expr),
    /// `not effective`
    NotEffective,
    /// `about { owner "Marketing" code "MK-17" }`: governance data with free keys
    About(Vec<(Name, Text)>),
    /// `with rate = 7%`: a value for the template's parameter; a value or a collection
    With(Name, Expr),
    /// `then …`
    Then(Vec<Effect>),
}

/// `2026-06-01 through 2026-08-31`, `from 2026-06-01`
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// First day or instant.
    pub from: Expr,
    /// Last; with whether it is included (`through`) or excluded (`until`).
    pub to: Option<(Expr, Bound)>,
}

/// Whether a range's end belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `through`
    Included,
    /// `until`
    Excluded,
}

/// A part of `schedule`.
#[derive(Clone, Debug, PartialEq)]
pub enum SchedulePart {
    /// `days [mon, tue]`
    Days(Vec<Name>, Span),
    /// `month_days [5, 20]`
    MonthDays(Vec<Lexeme>, Span),
    /// `hours 22:00 until 02:00`
    Hours(Lexeme, Lexeme, Span),
    /// `zone store`, `zone "Europe/Moscow"`
    Zone(Result<Text, Path>),
}

/// `let name[: type] = value`
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// The name.
    pub name: Name,
    /// Declared type.
    pub ty: Option<TypeName>,
    /// A value or a collection.
    pub value: Expr,
}

/// An effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Documentation.
    pub docs: Vec<Text>,
    /// What it does.
    pub kind: EffectKind,
    /// All of it.
    pub span: Span,
}

/// The effects.
#[derive(Clone, Debug, PartialEq)]
pub enum EffectKind {
    /// `for each line in … { … }`
    ForEach {
        /// The loop's name.
        name: Name,
        /// Over what.
        source: Source,
        /// At least one.
        body: Vec<Effect>,
    },
    /// `award 5% of line.paid as points to bonus expires after 30 days reason "…"`
    Award {
        /// How much.
        amount: Expr,
        /// Which account.
        to: Option<Path>,
        /// What else it says.
        options: AwardOptions,
    },
    /// `debit 10 chips from chips reason "…"`
    Debit {
        /// How much.
        amount: Expr,
        /// Which account.
        from: Option<Path>,
        /// `reason "…"`
        reason: Option<Text>,
    },
    /// `gift 1 pcs of sku "MUG-77" reason "…"`
    Gift(Gift),
    /// `issue coupon welcome10`
    Issue(Issue),
    /// `set member.tier to base until 2026-12-31`
    Set {
        /// What.
        path: Path,
        /// To what.
        value: Expr,
        /// `until …`
        until: Option<Expr>,
    },
    /// `multiply awards of group base_earn by 10`
    Multiply {
        /// The group whose awards it multiplies.
        group: Path,
        /// By how much.
        by: Expr,
    },
    /// `discount 10% on basket spread by paid rounded down`
    Discount {
        /// A percent or an amount.
        amount: Expr,
        /// What it falls on.
        target: Target,
        /// `spread by …`
        spread: Option<Spread>,
        /// `rounded …`: the mode for the effect's own amount
        rounded: Option<Name>,
        /// `reason "…"`
        reason: Option<Text>,
    },
    /// `price 40 RUB each for units …`, `price 299 RUB total for … spread by initial`
    Price {
        /// The price.
        amount: Expr,
        /// `each` or `total`.
        each: bool,
        /// What for.
        target: Target,
        /// `spread by …`
        spread: Option<Spread>,
    },
    /// `let …` inside the effects
    Let(Let),
    /// `say agent "Thank you"`: to whom or in which language, and what.
    Say(Vec<(Name, Text)>),
    /// `show offer roaming`
    Show(Path),
}

/// Where a discount falls.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The whole basket.
    Basket(Span),
    /// A collection.
    Source(Source),
}

/// `spread by paid rounded down rest first_lines`
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// `paid`, `initial`, `price`, `pieces`, `equally`
    pub by: Name,
    /// How shares round and where the rest goes.
    pub rule: SpreadRule,
    /// All of it.
    pub span: Span,
}

/// How the shares of a spread round, and who takes the minor units left over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpreadRule {
    /// `rounded down`
    pub rounded: Option<Name>,
    /// `rest largest_remainder | first_lines | last_line | first_with_room | …`
    pub rest: Option<Name>,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where, without enclosing parentheses.
    pub span: Span,
}

/// The expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A part that has a diagnostic of its own already.
    Error,
    /// `?`: what could stand here?
    Hole,
    /// `5`, `0.5`
    Number(Lexeme),
    /// `7%`; the lexeme is without the sign
    Percent(Lexeme),
    /// `500 RUB`, `3 pcs`, `30 days`
    Quantity(Lexeme, Name),
    /// `2026-03-01`
    Date(Lexeme),
    /// `09:00`, `09:00:30`
    Time(Lexeme),
    /// `2026-03-01 09:00`: date and time
    Instant(Lexeme, Lexeme),
    /// `"…"`
    Text(Text),
    /// `true`, `false`
    Bool(bool),
    /// `category "Tea"`, `store ["A", "B"]`
    Reference(Name, Vec<Text>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `basket.paid`, `vip`, `_` is the path `_`
    Path(Path),
    /// `net(line)`
    Call(Path, Vec<Expr>),
    /// `a and b and c`: at least two operands, all joined by the same word
    Logic(Logic, Vec<Expr>),
    /// `not a`
    Not(Box<Expr>),
    /// `a <= b`
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a in …`, `a not in …`
    In {
        /// What.
        value: Box<Expr>,
        /// `not in`
        negated: bool,
        /// In what: a list, a reference, a set's path.
        set: Box<Expr>,
    },
    /// `a in 20 EUR through 200 EUR`
    InRange {
        /// What.
        value: Box<Expr>,
        /// `not in`
        negated: bool,
        /// Between.
        range: Box<Range>,
    },
    /// `a known`, `a unknown`
    Known(Box<Expr>, bool),
    /// `a as points rounded down`
    As(Box<Expr>, Name, Option<Name>),
    /// `a + b - c`
    Sum(Box<Expr>, Vec<(Additive, Expr)>),
    /// `a * b / c`
    Product(Box<Expr>, Vec<(Multiplicative, Expr)>),
    /// `5% of line.paid`
    Of(Box<Expr>, Box<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// `steps of 100 RUB in basket.paid`
    Steps(Box<Expr>, Box<Expr>),
    /// `sum(line.paid for lines where …)`, `count(lines)`
    Aggregate {
        /// `sum avg min max count any all distinct`
        function: Aggregate,
        /// What of each element.
        value: Option<Box<Expr>>,
        /// The elements.
        source: Box<Source>,
    },
    /// `by member.tier { base => 1%, vip => 3% }`
    By(Box<Expr>, Vec<Arm>),
    /// A collection as a value of `let`: `lines where …`, `cheapest 1 of units`
    Collection(Box<Source>),
}

/// `low through high`, `low until high`
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// From.
    pub low: Expr,
    /// To.
    pub high: Expr,
    /// Whether the end belongs to it.
    pub bound: Bound,
}

/// `and`, `or`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// `and`
    And,
    /// `or`
    Or,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// `+`, `-`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Additive {
    /// `+`
    Add,
    /// `-`
    Subtract,
}

/// `*`, `/`, `mod`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplicative {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `mod`
    Modulo,
}

/// Aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `count`
    Count,
    /// `any`
    Any,
    /// `all`
    All,
    /// `distinct`
    Distinct,
}

impl Aggregate {
    /// As rules write it.
    pub fn word(self) -> &'static str {
        match self {
            Aggregate::Sum => "sum",
            Aggregate::Avg => "avg",
            Aggregate::Min => "min",
            Aggregate::Max => "max",
            Aggregate::Count => "count",
            Aggregate::Any => "any",
            Aggregate::All => "all",
            Aggregate::Distinct => "distinct",
        }
    }
}

/// A row of a table or an arm of `by`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// One for each column; empty for `otherwise`.
    pub patterns: Vec<Pattern>,
    /// The result.
    pub value: Expr,
    /// All of it.
    pub span: Span,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// `from a until b`, `from a`
    Band {
        /// The lower end, included.
        from: Expr,
        /// The upper end, excluded.
        until: Option<Expr>,
    },
    /// `_`
    Any(Span),
    /// A value.
    Value(Expr),
}

/// `[earlier] lines [within …] [where …]`, or a pick from one.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What.
    pub kind: SourceKind,
    /// All of it.
    pub span: Span,
}

/// Sources.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// `lines where …`, also a `let` name or `member.addresses`
    Filter {
        /// `earlier purchases`
        earlier: bool,
        /// The collection.
        collection: Path,
        /// `within …`
        window: Option<Window>,
        /// `where …`
        condition: Option<Box<Expr>>,
    },
    /// `cheapest 1 of units where …`, `dearest 2 in every 3 of …`
    Extreme {
        /// Cheapest rather than dearest.
        cheapest: bool,
        /// How many.
        count: Box<Expr>,
        /// `in every n`
        every: Option<Lexeme>,
        /// From.
        of: Box<Source>,
    },
    /// `every 3rd of units ordered by unit.price descending`
    EveryNth {
        /// n.
        nth: Lexeme,
        /// From.
        of: Box<Source>,
        /// The key.
        key: Path,
        /// Descending.
        descending: bool,
    },
}

/// Windows of history.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// `last 30 days`
    Last(Lexeme, Name),
    /// `any 30 days`
    Any(Lexeme, Name),
    /// `this month`
    This(Name),
    /// `previous month`
    Previous(Name),
    /// `session`
    Session(Span),
    /// `program`
    Program(Span),
    /// `a through b`
    Range(Box<Range>),
}

/// `test "name" { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: Text,
    /// The diagnostic that the snippet must give.
    pub rejects: Option<Name>,
    /// In source order.
    pub steps: Vec<TestStep>,
}

/// A step of a test.
#[derive(Clone, Debug, PartialEq)]
pub enum TestStep {
    /// `given purchase "p1" at 2026-03-02 10:15 { … }`
    Given {
        /// `given earlier …`
        earlier: bool,
        /// `member`, an event kind, `product`, `list`, …
        what: Name,
        /// The id.
        id: Option<Text>,
        /// `of "p1"`
        of: Option<Text>,
        /// `at …`
        at: Option<Expr>,
        /// The fields.
        fields: Vec<TestField>,
        /// All of it.
        span: Span,
    },
    /// `expect …`
    Expect(Expectation, Span),
    /// `after 14 days`
    After(Lexeme, Name),
    /// `with happy_rate = 10%`
    With(Name, Expr),
    /// A declaration under test.
    Item(Item),
}

/// A field of a record in a test.
#[derive(Clone, Debug, PartialEq)]
pub enum TestField {
    /// `line { … }`
    Record(Name, Vec<TestField>, Span),
    /// `card.active = true`
    Value(Path, Expr),
}

/// What a test expects of the last event.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// `nothing`
    Nothing,
    /// `rule a fires`
    Fires(Path),
    /// `rule a silent`
    Silent(Path),
    /// `rule a displaced by b`
    DisplacedBy(Path, Path),
    /// `rule a limited to 10 EUR`
    LimitedTo(Path, Expr),
    /// `rule a fails [division-by-zero]`
    Fails(Path, Option<Name>),
    /// `award 59 points [by rule powders] [on line 1]`
    Award(Expr, Scope),
    /// `discount 3.00 EUR [by rule powders] [on line 1]`
    Discount(Expr, Scope),
    /// `total 85.00 EUR`: what is to be paid
    Total(Expr),
    /// `tax 3.50 EUR`
    Tax(Expr, Scope),
    /// `net total 85.00 EUR`: what is to be paid without its tax
    NetTotal(Expr),
    /// `balance bonus = 500 points`
    Balance(Path, Option<Text>, Expr),
    /// `debit 10 chips [from chips] [by rule pans]`
    Debit {
        /// How much.
        amount: Expr,
        /// Which account.
        from: Option<Path>,
        /// Of which rule.
        scope: Scope,
    },
    /// `issue [2] coupon welcome10 [by rule welcome]`
    Issue {
        /// How many.
        count: Option<Expr>,
        /// What.
        instrument: Instrument,
        /// Its name.
        name: Path,
        /// Of which rule.
        scope: Scope,
    },
    /// `gift 1 pcs of sku "MUG-77" [by rule mug]`
    Gift(Goods, Scope),
    /// `tier club = vip`
    Tier(Path, Name),
    /// `withdraw [2] coupon welcome10 [by rule welcome]`
    Withdraw {
        /// How many.
        count: Option<Expr>,
        /// What.
        instrument: Instrument,
        /// Its name.
        name: Path,
        /// Which rule had issued it.
        scope: Scope,
    },
    /// `say cashier "Welcome back" [by rule visit]`, `say cashier nothing`
    Say {
        /// For whom, or in which language.
        to: Name,
        /// The words; none where nothing is said.
        text: Option<Text>,
        /// Which rule says it.
        scope: Scope,
    },
    /// `badge gourmet`; `no badge gourmet` (false)
    Badge(Path, bool),
    /// `coupon welcome10 accepted`, `coupon welcome10 refused` (false)
    Coupon(Path, bool),
    /// `refused ["Not enough points"]`: the event as a whole
    Refused(Option<Text>),
    /// `ensure at_most_40 kept`, `ensure at_most_40 broken` (false)
    Ensure(Path, bool),
    /// `offer roaming shown at 1`, `offer roaming hidden by limit`
    Offer(Path, OfferOutcome),
    /// `offers roaming, bill_help`: these, in this order, and no other.
    Offers(Vec<Path>),
    /// `contacts "c1", "c3"`: these are chosen of all that were proposed, and no other; `contacts nothing`.
    Contacts(Vec<Text>),
    /// A condition over the event after settlement, such as `basket.paid = 20 EUR`.
    Holds(Expr),
}

/// What an expected amount is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// `to "m2"`: another member than the event's
    pub to: Option<Text>,
    /// `by rule a`
    pub rule: Option<Path>,
    /// `on line 1`, by position from one, or `on sku "A"`
    pub line: Option<LineRef>,
    /// `on unit 2`: the n-th piece of that line
    pub unit: Option<Lexeme>,
}

/// A line of the receipt in an expectation.
#[derive(Clone, Debug, PartialEq)]
pub enum LineRef {
    /// `line 1`
    Position(Lexeme),
    /// `sku "A"`
    Sku(Text),
}
