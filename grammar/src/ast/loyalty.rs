//! The nodes of the loyalty constructs: lots, tiers, coupons, certificates, badges, redemptions, templates, bundles,
//! and what awards say about the life of what they give.
//!
//! It refuses to know meaning, as all of the tree does: an account is a path, a level is a word.

use super::{Clause, Expr, Header, Name, Path, Source, Text, TypeName};
use crate::diagnostic::Span;

/// Something with the place of all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<K> {
    /// What it says.
    pub kind: K,
    /// All of it.
    pub span: Span,
}

/// When an account's lots end: `expire …` in `account`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expire {
    /// `expire 365 days after award`
    AfterAward(Expr),
    /// `expire on 2026-09-30`
    On(Expr),
    /// `expire at end of year + 3 months`
    AtEndOf {
        /// `day`, `week`, `month`, `quarter`, `half_year`, `year`
        period: Name,
        /// `+ 3 months`
        plus: Option<Expr>,
    },
}

/// `melt 10% of awarded every 30 days from 90 days after award`
#[derive(Clone, Debug, PartialEq)]
pub struct Melt {
    /// A percentage, written as a literal.
    pub percent: Expr,
    /// Of what.
    pub of: MeltOf,
    /// How often; a quantity.
    pub every: Expr,
    /// From when after the award; a quantity.
    pub from: Expr,
    /// All of it.
    pub span: Span,
}

/// What a melting percentage is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeltOf {
    /// `awarded`: the lot as it was given.
    Awarded,
    /// `remaining`: what is left of it.
    Remaining,
}

/// A clause of `badge`.
#[derive(Clone, Debug, PartialEq)]
pub enum BadgeClause {
    /// `title …`
    Title(Vec<(Name, Text)>),
    /// `when …`
    When(Expr),
}

/// A clause of `tiers`.
#[derive(Clone, Debug, PartialEq)]
pub enum TiersClause {
    /// `title …`
    Title(Vec<(Name, Text)>),
    /// `measure sum(purchase.paid for earlier purchases within last 12 months)`
    Measure(Expr),
    /// `level vip "VIP" from 100_000 RUB when member.profile_complete`
    Level(Level),
    /// `upgrade at_once`
    UpgradeAtOnce,
    /// `downgrade one_level`
    Downgrade(Downgrade),
    /// `keep until end_of_year(event.date) + 3 months`
    KeepUntil(Expr),
    /// `review every month at 03:00`
    Review {
        /// `day`, `week`, `month`, `quarter`, `half_year`, `year`
        every: Name,
        /// `at 03:00`
        at: Option<super::Lexeme>,
    },
}

/// A level of `tiers`.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Documentation.
    pub docs: Vec<Text>,
    /// The level's word.
    pub name: Name,
    /// For people.
    pub title: Option<Text>,
    /// `from …`: the measure that it takes.
    pub from: Option<Expr>,
    /// `when …`: what it takes besides.
    pub when: Option<Expr>,
}

/// What happens to a member who no longer measures up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downgrade {
    /// `one_level`
    OneLevel,
    /// `to_measure`
    ToMeasure,
    /// `never`
    Never,
}

/// A clause of `coupon`.
#[derive(Clone, Debug, PartialEq)]
pub enum CouponClause {
    /// `codes unique`: each coupon has a code of its own.
    CodesUnique,
    /// `codes shared "SUMMER26"`
    CodesShared(Text),
    /// `uses 3 times per member`
    Uses {
        /// How many: what stands before `times`.
        times: Expr,
        /// `per member`, …
        per: Vec<Name>,
    },
    /// `expires after 30 days`
    Expires(Expiry),
    /// `in group promo_codes`: where it stands, rather than by itself.
    InGroup(Path),
    /// `not with group sets`; with whether `when better` follows.
    NotWithGroup(Path, bool),
    /// `not with coupon welcome10`
    NotWithCoupon(Path),
    /// `title`, `valid`, `when`, `unless`, `let`, `budget`, `limit`, `priority`, `then`, `effective`, `about`
    Shared(Clause),
}

/// A clause of `certificate`.
#[derive(Clone, Debug, PartialEq)]
pub enum CertificateClause {
    /// `title …`
    Title(Vec<(Name, Text)>),
    /// `expires after 1 years`
    Expires(Expiry),
}

/// A clause of `redemption`.
#[derive(Clone, Debug, PartialEq)]
pub enum RedemptionClause {
    /// `from bonus`: the account that pays.
    From(Path),
    /// `for lines where …`: what may be paid.
    For(Source),
    /// `rate 100 points = 1 EUR`; both are quantities.
    Rate(Expr, Expr),
    /// `at most 99% of …`
    AtMost(Expr),
    /// `at least 500 points`
    AtLeast(Expr),
    /// `step 100 points`
    Step(Expr),
    /// `cash at least 1 RUB`
    CashAtLeast(Expr),
    /// `pay 2_000 points plus 15 EUR each`
    Pay {
        /// The points.
        points: Expr,
        /// The money besides.
        plus: Option<Expr>,
    },
    /// `member chooses amount`
    MemberChoosesAmount,
    /// `confirm sms above 1_000 points`
    Confirm {
        /// How.
        how: Name,
        /// Above what.
        above: Expr,
    },
    /// `if_short say cashier "…" member "…"`: to whom, and what.
    IfShort(Vec<(Name, Text)>),
    /// `title`, `valid`, `schedule`, `when`, `unless`, `let`, `priority`, `then`, `effective`, `about`
    Shared(Clause),
}

/// `template cashback "Title" { with rate: percent = 5% … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Name and title.
    pub header: Header,
    /// In source order.
    pub parameters: Vec<TemplateParameter>,
    /// As in a rule, in source order; they come before those of a rule made from it.
    pub clauses: Vec<Clause>,
}

/// `with rate: percent = 5%`
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateParameter {
    /// Documentation.
    pub docs: Vec<Text>,
    /// The name.
    pub name: Name,
    /// Its type.
    pub ty: TypeName,
    /// A value or a collection, for rules that give none.
    pub default: Option<Expr>,
    /// All of it.
    pub span: Span,
}

/// `take bundle set up to 3 times best for member { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// The name that effects use.
    pub name: Name,
    /// What stands between `up to` and `times`; as many as there are where it is absent.
    pub up_to: Option<Expr>,
    /// Whose advantage decides where more than enough would fit.
    pub best_for: BestFor,
    /// At least one.
    pub parts: Vec<BundlePart>,
}

/// `pastry = 2 of units where unit in list "Pastry"`
#[derive(Clone, Debug, PartialEq)]
pub struct BundlePart {
    /// The part's name.
    pub name: Name,
    /// How many units: a number or a path.
    pub count: Expr,
    /// From.
    pub of: Source,
    /// All of it.
    pub span: Span,
}

/// Whose advantage decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BestFor {
    /// The member's.
    Member,
    /// The retailer's.
    Retailer,
}

/// When a rule is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processing {
    /// `at_once`: with the event.
    AtOnce,
    /// `in_batch`: later, with others.
    InBatch,
    /// `as_asked`: as the event asks.
    AsAsked,
}

/// A clause of `spendable`: the events it speaks of are those in which the award is spent.
#[derive(Clone, Debug, PartialEq)]
pub enum SpendableClause {
    /// `after 3 days`
    After(Expr),
    /// `until 2026-12-31`
    Until(Expr),
    /// `for lines where …`: what it may pay for.
    For(Source),
    /// `schedule`, `when`, `unless`, `let`
    Shared(Clause),
}

/// `expires …`
#[derive(Clone, Debug, PartialEq)]
pub enum Expiry {
    /// `expires after 30 days`
    After(Expr),
    /// `expires on 2026-08-31`
    On(Expr),
    /// `expires never`; for awards only.
    Never,
}

/// `available …`
#[derive(Clone, Debug, PartialEq)]
pub enum Available {
    /// `available after 14 days`
    After(Expr),
    /// `available on 2026-09-01`
    On(Expr),
}

/// What becomes of an award when goods come back: `cancel on return …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOnReturn {
    /// `all`
    All,
    /// `proportional`
    Proportional,
}

/// What `award` says besides the amount and the account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AwardOptions {
    /// `available after 14 days`
    pub available: Option<Placed<Available>>,
    /// `expires after 180 days`
    pub expires: Option<Placed<Expiry>>,
    /// `cancel on return proportional`
    pub cancel: Option<Placed<CancelOnReturn>>,
    /// `spent_at_once`
    pub spent_at_once: Option<Span>,
    /// `reason "…"`
    pub reason: Option<Text>,
}

/// What `issue` gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// How many: a number or what stands in parentheses; one where it is absent.
    pub count: Option<Expr>,
    /// What.
    pub instrument: Instrument,
    /// Its name.
    pub name: Path,
    /// `for 500 RUB`: the value of a certificate.
    pub value: Option<Expr>,
    /// `to member.invited_by`
    pub to: Option<Path>,
    /// `expires after 9 days`
    pub expires: Option<Placed<Expiry>>,
    /// `reason "…"`
    pub reason: Option<Text>,
}

/// What can be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instrument {
    /// `coupon`
    Coupon,
    /// `certificate`
    Certificate,
    /// `badge`
    Badge,
}

/// `gift 1 pcs of sku ["A", "B"] stock 100 pcs else sku "C" stock 50 pcs else nothing`
#[derive(Clone, Debug, PartialEq)]
pub struct Gift {
    /// How many pieces: a quantity, or what stands in parentheses.
    pub quantity: Expr,
    /// At least one; each after the first is for when those before it are out of stock.
    pub choices: Vec<GiftChoice>,
    /// `else nothing` stands behind them.
    pub nothing: bool,
    /// `always added`: pieces that the basket holds stay what they cost.
    pub added: bool,
    /// `reason "…"`
    pub reason: Option<Text>,
}

/// `sku ["A", "B"] stock 100 pcs`: several names are a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct GiftChoice {
    /// `sku`
    pub kind: Name,
    /// At least one.
    pub names: Vec<Text>,
    /// So many pieces of each.
    pub stock: Option<Expr>,
    /// All of it.
    pub span: Span,
}

/// `1 pcs of sku ["A", "B"]`: several names are a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Goods {
    /// A quantity.
    pub quantity: Expr,
    /// `sku`, `category`, …
    pub kind: Name,
    /// At least one.
    pub names: Vec<Text>,
}
