//! Decisions as hosts see them: names instead of numbers, amounts as exact decimal texts, and one JSON line each.
//!
//! Decides nothing. The JSON has a published schema, `schema/decision.schema.json`, and its fields always stand in
//! the same order, so that equal decisions are equal bytes.

#[cfg(feature = "columnar")]
mod columns;
mod instruments;
mod offers;
mod promises;
mod returned;

#[cfg(feature = "columnar")]
pub use columns::{DecisionColumns, DecisionTable};
pub use instruments::{Code, FieldSet, Gift, GiftOffer, Issued, LevelChange};
pub use offers::{HiddenOffer, OFFERS_SCHEMA, Offers, Said, ShownOffer};
pub use promises::Broken;
pub use returned::{BackLine, ComesBack, Corrected, LotChange};

use crate::clock::{Zone, instant_text};
use crate::decimal;
use crate::pack::{Pack, place};
use crate::record::ReadEvent;
use crate::record::json::find_special;
use crate::state::life::{Portion, life_of, portions};
use instruments::Parts;
pub(crate) use instruments::written;
use perq_compiler::calendar::Instant;
use perq_compiler::evaluate;
use perq_compiler::ir::{
    AccountId, Available, CounterId, Expires, FaultKind, LimitOf, MISSING, Program, Redemption, RuleId,
    SiteId, SlotId, Verified, event_slot,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The JSON Schema of a decision's JSON.
pub const DECISION_SCHEMA: &str = include_str!("../schema/decision.schema.json");

/// What was decided for an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The event's id.
    pub id: String,
    /// The kind of event, as the program names it.
    pub kind: String,
    /// The member's id.
    pub member: Option<String>,
    /// The first 16 hexadecimal digits of the pack's hash.
    pub pack: String,
    /// The version of the time zone database that dates were read with.
    pub tz: String,
    /// What applies, in the order of settlement.
    pub effects: Vec<Effect>,
    /// Rules that lost to another.
    pub displaced: Vec<Displaced>,
    /// What limits took.
    pub cut: Vec<Cut>,
    /// What the effects use up of limits and budgets that count over more than this event.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub claims: Vec<Claim>,
    /// The sets that rules formed of their bundles.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub sets: Vec<Sets>,
    /// Rules that gave nothing because what they debit is not there.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub short: Vec<Short>,
    /// What points pay, in the order of settlement.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tender: Vec<Tender>,
    /// From which lots points are taken, where lots carry conditions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub spent: Vec<Spent>,
    /// What comes back of a purchase.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub returned: Option<ComesBack>,
    /// What became of the codes that were presented.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub coupons: Vec<Code>,
    /// What is issued to the member.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub issued: Vec<Issued>,
    /// Products that are given, in the order of settlement.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gifts: Vec<Gift>,
    /// Gifts of which the member may choose a product.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gift_offers: Vec<GiftOffer>,
    /// Fields of the member that are set.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub set: Vec<FieldSet>,
    /// Levels that the member leaves.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tiers: Vec<LevelChange>,
    /// What a session offers its member, or rules at another event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offers: Option<Offers>,
    /// What rules say, in the order of settlement.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub said: Vec<Said>,
    /// Why the event as a whole is refused; then nothing of it applies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<Refused>,
    /// Promises that the decision does not keep.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub broken: Vec<Broken>,
    /// Rules that failed and gave nothing.
    pub errors: Vec<RuleError>,
    /// The lines before and after.
    pub lines: Vec<Line>,
    /// Sums.
    pub totals: Totals,
    /// What rules make of what the event has brought about: its changes of level.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub raised: Vec<Decision>,
}

/// Whether an effect takes off the price, gives to an account or takes from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectKind {
    /// Off the price.
    Discount,
    /// To an account.
    Award,
    /// From an account.
    Debit,
}

/// An effect that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// What it does.
    pub kind: EffectKind,
    /// The whole amount: of the currency for a discount, of the account for an award or a debit.
    pub amount: String,
    /// The currency, of a discount.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<String>,
    /// The account, of an award or a debit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// The parts of an award that live apart; empty for one that is there at once and for ever.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lots: Vec<Lot>,
    /// The condition under which an award can be spent, as the pack's manifest lists it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spendable: Option<String>,
    /// The award is spent where it is given, and never part of a balance.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub spent_at_once: bool,
    /// Its rule.
    pub rule: String,
    /// The rule's group.
    pub group: String,
    /// Words for the member.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// How it falls on lines; empty for an award to the basket.
    pub lines: Vec<Share>,
    /// The id of the member who gets it, where that is not the event's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
}

/// A part of an award that lives and ends as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lot {
    /// How much of the award.
    pub amount: String,
    /// The instant from which it can be spent, where that is not the event's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub available: Option<String>,
    /// The instant from which it is gone, where it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<String>,
}

/// A payment with points; that they are taken is an effect of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tender {
    /// The redemption.
    pub redemption: String,
    /// The account that pays.
    pub account: String,
    /// What it takes.
    pub points: String,
    /// What it pays, in the currency.
    pub money: String,
    /// What it pays of lines, in the currency; they add up to the whole.
    pub lines: Vec<Share>,
}

/// A request to pay with points that cannot be met, or goods that cannot come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The redemption.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub redemption: Option<String>,
    /// The account that should pay.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// The purchase of which goods should come back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of: Option<String>,
    /// The line of the return that it is about, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// How many pieces too many come back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pieces: Option<i64>,
    /// Of a payment `not-allowed`, `failed`, `short`, `below-least`, `wrong-step`, `above-most` or `unconfirmed`; of a
    /// return `not-kept`, `unknown-purchase`, `other-member`, `before-purchase`, `nothing-returned`, `wrong-pieces`,
    /// `not-bought` or `more-than-bought`.
    pub because: String,
    /// The same as a sentence, of a return.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub words: Option<String>,
    /// By how much, in the account; absent where it is no question of how much.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
    /// What the program says then, and to whom.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub say: Vec<Saying>,
}

/// Points that are taken from lots with one condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// From which account.
    pub account: String,
    /// How much.
    pub amount: String,
    /// The condition that the lots carry; absent for those that carry none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spendable: Option<String>,
}

/// Words for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saying {
    /// Such as `cashier`.
    pub to: String,
    /// The words.
    pub text: String,
}

/// A rule whose debit is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Short {
    /// Which.
    pub rule: String,
    /// From which account.
    pub account: String,
    /// How much is missing.
    pub missing: String,
}

/// A line's part of an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The line's position, from 1.
    pub line: u32,
    /// The line's sku.
    pub sku: String,
    /// Pieces of the line that it is about.
    pub pieces: i64,
    /// The line's part.
    pub amount: String,
    /// The part, divided over the pieces, where there is more than one: the first pieces have a minor unit more.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub units: Vec<Units>,
}

/// Pieces with the same amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// How many.
    pub pieces: i64,
    /// Of each.
    pub amount: String,
}

/// A rule that lost to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Displaced {
    /// The loser.
    pub rule: String,
    /// The winner.
    pub by: String,
    /// Positions of the lines on which it lost; empty where they competed for the basket.
    pub lines: Vec<u32>,
}

/// A part of a counter that is used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The counter's name, as the pack's manifest lists it.
    pub counter: String,
    /// How much: of the currency, of an account, or times.
    pub amount: String,
}

/// The sets that a rule formed of its bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sets {
    /// The rule.
    pub rule: String,
    /// How many sets.
    pub sets: i64,
    /// Whether no other choice of pieces would have been better for the one it was made for.
    pub proven: bool,
    /// Where that is not proven: how much better another choice might have been at most, in the currency.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gap: Option<String>,
    /// The pieces that the sets use.
    pub lines: Vec<SetLine>,
}

/// Pieces of a line in sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetLine {
    /// The line's position, from 1.
    pub line: u32,
    /// Pieces of it.
    pub pieces: i64,
}

/// What a limit took from a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// From which rule.
    pub rule: String,
    /// `price-floor`, `rule`, `group` or `counter`.
    pub by: String,
    /// The counter's name, where it was a limit or a budget over more than this event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub counter: Option<String>,
    /// How much.
    pub amount: String,
    /// The currency, of discounts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<String>,
    /// The account, of awards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
}

/// A rule that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleError {
    /// Which.
    pub rule: String,
    /// `overflow`, `division-by-zero`, `out-of-range` or `out-of-fuel`.
    pub error: String,
    /// `file:line:column` in the source.
    pub place: String,
}

/// A line before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its position, from 1.
    pub line: u32,
    /// Its sku.
    pub sku: String,
    /// Before any discount.
    pub initial: String,
    /// All discounts.
    pub discount: String,
    /// What is left.
    pub paid: String,
    /// Its tax, where the program says how tax stands in prices.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tax: Option<String>,
}

/// Sums over the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Before any discount.
    pub initial: String,
    /// All discounts.
    pub discount: String,
    /// What is left.
    pub paid: String,
    /// The tax, where the program says how tax stands in prices.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tax: Option<String>,
    /// Of what is left, what points pay; absent where that is nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub points: Option<String>,
    /// What the customer hands over in money.
    pub total: String,
    /// By account, in order of declaration, only those awarded.
    pub awards: Awards,
    /// By account, in order of declaration, only those debited.
    #[serde(skip_serializing_if = "Awards::is_empty", default)]
    pub debits: Awards,
}

/// Amounts by account; an object in JSON, in order of declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Awards(pub Vec<(String, String)>);

impl Awards {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The amount for an account.
    pub fn get(&self, account: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == account).map(|(_, amount)| amount.as_str())
    }
}

impl Serialize for Awards {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, amount)| (name, amount)))
    }
}

impl<'de> Deserialize<'de> for Awards {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Awards, D::Error> {
        struct Entries;
        impl<'de> serde::de::Visitor<'de> for Entries {
            type Value = Awards;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "amounts by account")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Awards, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Awards(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The name of a fault.
pub fn fault_name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Overflow => "overflow",
        FaultKind::DivisionByZero => "division-by-zero",
        FaultKind::OutOfRange => "out-of-range",
        FaultKind::OutOfFuel => "out-of-fuel",
    }
}

/// The name of what cut.
pub fn cut_name(by: evaluate::CutBy) -> &'static str {
    match by {
        evaluate::CutBy::PriceFloor => "price-floor",
        evaluate::CutBy::Rule => "rule",
        evaluate::CutBy::Group => "group",
        evaluate::CutBy::Counter(_) => "counter",
    }
}

/// The counter that cut.
fn counter_of(by: evaluate::CutBy) -> Option<CounterId> {
    match by {
        evaluate::CutBy::Counter(counter) => Some(counter),
        evaluate::CutBy::PriceFloor | evaluate::CutBy::Rule | evaluate::CutBy::Group => None,
    }
}

/// A program's names, as texts and as JSON, for reports about it.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    program: Arc<Verified>,
    kinds: Vec<Name>,
    rules: Vec<Name>,
    groups: Vec<Name>,
    accounts: Vec<(Name, u8)>,
    counters: Vec<Name>,
    /// What each counter counts.
    counted: Vec<LimitOf>,
    currency: Name,
    decimals: u8,
    reasons: Vec<Option<String>>,
    /// By site: the slot that names another member who gets it.
    beneficiaries: Vec<Option<SlotId>>,
    has_tax: bool,
    pack: String,
    tz: &'static str,
    /// `,"pack":…,"tz":…,"effects":[`
    head: Vec<u8>,
    /// By site.
    tails: Vec<Tail>,
    /// `","discount":"0.00","paid":"`
    undiscounted: Vec<u8>,
    lives: Lives,
    /// What redemptions say where the balance is too small, by rule.
    sayings: Vec<(RuleId, Vec<perq_compiler::ir::Saying>)>,
}

/// What follows the amount of an effect of a site, from the quote that ends it to `"lines":[`.
#[derive(Clone, Debug)]
struct Tail {
    text: Vec<u8>,
    /// Where the account or the currency ends, and what the effect has besides would stand.
    middle: usize,
    /// Effects of the site have nothing besides: no parts that live apart, no condition, no other member.
    is_plain: bool,
}

/// What the lots of awards are worked out with.
#[derive(Clone, Debug)]
struct Lives {
    zone: Zone,
    week_starts: u8,
    /// By site.
    lives: Vec<Option<(AccountId, perq_compiler::ir::Life)>>,
}

impl Lives {
    fn of(program: &Program) -> Lives {
        let life = |site: u32| life_of(program, SiteId(site));
        Lives {
            // Readers refuse programs of zones that are not known.
            zone: Zone::named(&program.zone).unwrap_or_else(Zone::universal),
            week_starts: program.week_starts,
            lives: (0..program.sites.len() as u32).map(life).collect(),
        }
    }

    /// The parts of an award that live apart.
    fn lots(&self, program: &Program, event: &ReadEvent, effect: &evaluate::Effect) -> Vec<Portion> {
        let Some((account, life)) = self.apart(program, effect.site) else { return Vec::new() };
        portions(&self.zone, self.week_starts, account, *life, now(event), effect.amount)
    }

    /// How awards of a site live that live apart.
    fn apart<'l>(
        &'l self,
        program: &'l Program,
        site: SiteId,
    ) -> Option<(&'l perq_compiler::ir::Account, &'l perq_compiler::ir::Life)> {
        let (account, life) = self.lives.get(site.index())?.as_ref()?;
        let account = program.accounts.get(account.index())?;
        let ends = life.expires.unwrap_or(account.expires) != Expires::Never;
        let waits = life.available != Available::AtOnce;
        let apart = !life.spent_at_once && (ends || waits || account.melt.is_some());
        apart.then_some((account, life))
    }

    fn spendable(&self, site: SiteId) -> Option<u32> {
        self.lives.get(site.index()).and_then(Option::as_ref).and_then(|(_, life)| life.spendable)
    }

    fn is_spent_at_once(&self, site: SiteId) -> bool {
        self.lives.get(site.index()).and_then(Option::as_ref).is_some_and(|(_, life)| life.spent_at_once)
    }
}

/// When the event happened.
fn now(event: &ReadEvent) -> Instant {
    let slot = |slot: SlotId| event.record.event.get(slot.index()).copied().unwrap_or(MISSING);
    Instant { at: slot(event_slot::AT), date: slot(event_slot::DATE), time: slot(event_slot::TIME) }
}

/// A text and its JSON, with quotes.
#[derive(Clone, Debug, Default)]
struct Name {
    text: String,
    json: Vec<u8>,
}

impl Name {
    fn of(text: &str) -> Name {
        let mut json = Vec::new();
        write_text(&mut json, text);
        Name { text: text.to_owned(), json }
    }
}

fn text(names: &[Name], index: usize) -> String {
    names.get(index).map_or_else(String::new, |name| name.text.clone())
}

fn json(names: &[Name], index: usize) -> &[u8] {
    names.get(index).map_or(b"\"\"", |name| name.json.as_slice())
}

impl Names {
    pub fn of(pack: &Pack) -> Names {
        let program: &Program = pack.program();
        let list = |names: Vec<&str>| names.into_iter().map(Name::of).collect::<Vec<_>>();
        let mut names = Names {
            program: Arc::clone(pack.program()),
            kinds: list(program.events.iter().map(|event| event.name.as_str()).collect()),
            rules: list(program.rules.iter().map(|rule| rule.name.as_str()).collect()),
            groups: list(program.groups.iter().map(|group| group.name.as_str()).collect()),
            counters: list(program.counters.iter().map(|counter| counter.name.as_str()).collect()),
            counted: program.counters.iter().map(|counter| counter.of).collect(),
            accounts: program.accounts.iter().map(|a| (Name::of(&a.name), a.decimals)).collect(),
            currency: Name::of(&program.currency.code),
            decimals: program.currency.decimals,
            beneficiaries: program.sites.iter().map(|site| site.to).collect(),
            reasons: program.sites.iter().map(|site| site.reason.clone()).collect(),
            has_tax: program.tax.is_some(),
            pack: pack.short_hash(),
            tz: crate::clock::database_version(),
            head: Vec::new(),
            tails: Vec::new(),
            undiscounted: Vec::new(),
            lives: Lives::of(program),
            sayings: program.redemptions.iter().map(|of| (of.rule, of.short.clone())).collect(),
        };
        names.head.extend_from_slice(b",\"pack\":");
        write_text(&mut names.head, &names.pack);
        names.head.extend_from_slice(b",\"tz\":");
        write_text(&mut names.head, names.tz);
        names.head.extend_from_slice(b",\"effects\":[");
        names.undiscounted.extend_from_slice(b"\",\"discount\":\"");
        decimal::write(&mut names.undiscounted, 0, names.decimals);
        names.undiscounted.extend_from_slice(b"\",\"paid\":\"");
        names.tails = program
            .sites
            .iter()
            .zip((0..).map(SiteId))
            .map(|(site, id)| {
                let account = match site.kind {
                    perq_compiler::ir::SiteKind::Award { account, .. }
                    | perq_compiler::ir::SiteKind::Multiply { account, .. }
                    | perq_compiler::ir::SiteKind::Debit { account } => Some(account),
                    perq_compiler::ir::SiteKind::Tender { .. } => {
                        let of = |redemption: &&Redemption| redemption.rule == site.rule;
                        program.redemptions.iter().find(of).map(|redemption| redemption.account)
                    }
                    perq_compiler::ir::SiteKind::Discount { .. }
                    | perq_compiler::ir::SiteKind::Issue { .. }
                    | perq_compiler::ir::SiteKind::Gift { .. }
                    | perq_compiler::ir::SiteKind::Tell { .. }
                    | perq_compiler::ir::SiteKind::Set { .. } => None,
                };
                let group = program.rules.get(site.rule.index()).map_or(0, |rule| rule.group.index());
                let mut tail = b"\"".to_vec();
                names.write_of(&mut tail, account);
                let middle = tail.len();
                tail.extend_from_slice(b",\"rule\":");
                tail.extend_from_slice(json(&names.rules, site.rule.index()));
                tail.extend_from_slice(b",\"group\":");
                tail.extend_from_slice(json(&names.groups, group));
                if let Some(reason) = &site.reason {
                    tail.extend_from_slice(b",\"reason\":");
                    write_text(&mut tail, reason);
                }
                tail.extend_from_slice(b",\"lines\":[");
                let is_plain = site.to.is_none()
                    && names.lives.apart(program, id).is_none()
                    && names.lives.spendable(id).is_none()
                    && !names.lives.is_spent_at_once(id);
                Tail { text: tail, middle, is_plain }
            })
            .collect();
        names
    }

    /// Decimals of the currency or of an account.
    fn decimals(&self, account: Option<AccountId>) -> u8 {
        match account {
            Some(account) => self.accounts.get(account.index()).map_or(0, |(_, decimals)| *decimals),
            None => self.decimals,
        }
    }

    /// Of what a limit took: money, points, or times.
    fn cut_decimals(&self, of: LimitOf) -> u8 {
        match of {
            LimitOf::Discounts => self.decimals(None),
            LimitOf::Awards(account) => self.decimals(Some(account)),
            LimitOf::Times | LimitOf::Gifts => 0,
        }
    }

    fn claim_decimals(&self, counter: CounterId) -> u8 {
        self.counted.get(counter.index()).map_or(0, |of| self.cut_decimals(*of))
    }

    fn money(&self, amount: i64) -> String {
        decimal::print(i128::from(amount), self.decimals)
    }

    fn account(&self, account: AccountId) -> String {
        self.accounts.get(account.index()).map_or_else(String::new, |(name, _)| name.text.clone())
    }

    /// `,"currency":"GBP"` or `,"account":"bonus"`.
    fn write_of(&self, out: &mut Vec<u8>, account: Option<AccountId>) {
        match account {
            Some(account) => {
                out.extend_from_slice(b",\"account\":");
                let name = self.accounts.get(account.index()).map(|(name, _)| name.json.as_slice());
                out.extend_from_slice(name.unwrap_or(b"\"\""));
            }
            None => {
                out.extend_from_slice(b",\"currency\":");
                out.extend_from_slice(&self.currency.json);
            }
        }
    }

    /// The decision with names.
    pub fn decision(&self, event: &ReadEvent, raw: &evaluate::Decision) -> Decision {
        let rule = |rule: RuleId| text(&self.rules, rule.index());
        let of = |account: Option<AccountId>| match account {
            Some(account) => (None, Some(self.account(account))),
            None => (Some(self.currency.text.clone()), None),
        };
        let Parts { coupons, issued, gifts, gift_offers, set, tiers } = Parts::of(&self.program, event, raw);
        Decision {
            id: event.id().to_owned(),
            kind: text(&self.kinds, event.record.kind.index()),
            member: event.member().map(str::to_owned),
            pack: self.pack.clone(),
            tz: self.tz.to_owned(),
            effects: raw
                .effects
                .iter()
                .map(|effect| {
                    let decimals = self.decimals(effect.account);
                    let (currency, account) = of(effect.account);
                    Effect {
                        kind: match (effect.account, effect.debit) {
                            (Some(_), false) => EffectKind::Award,
                            (Some(_), true) => EffectKind::Debit,
                            (None, _) => EffectKind::Discount,
                        },
                        amount: decimal::print(i128::from(effect.amount), decimals),
                        currency,
                        account,
                        lots: self
                            .lives
                            .lots(&self.program, event, effect)
                            .iter()
                            .map(|lot| Lot {
                                amount: decimal::print(i128::from(lot.amount), decimals),
                                available: available(event, lot).map(instant_text),
                                expires: lot.until.map(instant_text),
                            })
                            .collect(),
                        spendable: self.lives.spendable(effect.site).and_then(|id| self.spendable(id)),
                        spent_at_once: self.lives.is_spent_at_once(effect.site),
                        rule: rule(effect.rule),
                        group: text(&self.groups, effect.group.index()),
                        reason: self.reasons.get(effect.site.index()).cloned().flatten(),
                        lines: shares(event, &effect.shares, decimals),
                        to: self.to(event, effect).map(str::to_owned),
                    }
                })
                .collect(),
            displaced: raw
                .displaced
                .iter()
                .map(|displaced| Displaced {
                    rule: rule(displaced.rule),
                    by: rule(displaced.by),
                    lines: displaced.rows.iter().map(|row| row + 1).collect(),
                })
                .collect(),
            cut: raw
                .cuts
                .iter()
                .map(|cut| {
                    let (currency, account) = match cut.of {
                        LimitOf::Discounts => of(None),
                        LimitOf::Awards(account) => of(Some(account)),
                        LimitOf::Times | LimitOf::Gifts => (None, None),
                    };
                    Cut {
                        rule: rule(cut.rule),
                        by: cut_name(cut.by).to_owned(),
                        counter: counter_of(cut.by).map(|counter| text(&self.counters, counter.index())),
                        amount: decimal::print(i128::from(cut.amount), self.cut_decimals(cut.of)),
                        currency,
                        account,
                    }
                })
                .collect(),
            claims: raw
                .claims
                .iter()
                .map(|claim| Claim {
                    counter: text(&self.counters, claim.counter.index()),
                    amount: decimal::print(i128::from(claim.amount), self.claim_decimals(claim.counter)),
                })
                .collect(),
            sets: raw
                .bundles
                .iter()
                .map(|bundle| Sets {
                    rule: rule(bundle.rule),
                    sets: bundle.sets,
                    proven: bundle.gap == 0,
                    gap: (bundle.gap != 0).then(|| self.money(bundle.gap)),
                    lines: bundle
                        .used
                        .iter()
                        .map(|(row, pieces)| SetLine { line: row + 1, pieces: *pieces })
                        .collect(),
                })
                .collect(),
            short: raw
                .short
                .iter()
                .map(|short| Short {
                    rule: rule(short.rule),
                    account: self.account(short.account),
                    missing: decimal::print(i128::from(short.missing), self.decimals(Some(short.account))),
                })
                .collect(),
            tender: raw
                .tenders
                .iter()
                .map(|tender| Tender {
                    redemption: rule(tender.redemption),
                    account: self.account(tender.account),
                    points: decimal::print(i128::from(tender.points), self.decimals(Some(tender.account))),
                    money: self.money(tender.money),
                    lines: shares(event, &tender.shares, self.decimals),
                })
                .collect(),
            spent: raw.spent.iter().map(|spent| self.spent(spent)).collect(),
            returned: ComesBack::of(self, event),
            refused: raw.refused.map(|refused| self.refused(refused)).or_else(|| returned::refused(event)),
            coupons,
            issued,
            gifts,
            gift_offers,
            set,
            tiers,
            offers: Offers::of(&self.program, raw),
            said: Said::of(&self.program, raw),
            broken: self.broken(event, raw),
            errors: raw
                .faults
                .iter()
                .map(|fault| RuleError {
                    rule: rule(fault.rule),
                    error: fault_name(fault.kind).to_owned(),
                    place: place(&self.program, fault.place),
                })
                .collect(),
            lines: raw
                .lines
                .iter()
                .zip(0u32..)
                .map(|(line, row)| Line {
                    line: row + 1,
                    sku: event.sku(row as usize).to_owned(),
                    initial: self.money(line.initial),
                    discount: decimal::print(i128::from(line.initial) - i128::from(line.paid), self.decimals),
                    paid: self.money(line.paid),
                    tax: self.has_tax.then(|| self.money(line.tax)),
                })
                .collect(),
            totals: Totals {
                initial: self.money(raw.totals.initial),
                discount: self.money(raw.totals.discount),
                paid: self.money(raw.totals.paid),
                tax: self.has_tax.then(|| self.money(raw.totals.tax)),
                points: Some(raw.totals.points)
                    .filter(|points| *points != 0)
                    .map(|points| self.money(points)),
                total: self.money(raw.totals.total),
                awards: self.sums(&raw.totals.awards),
                debits: self.sums(&raw.totals.debits),
            },
            raised: event.raised.iter().zip(&raw.raised).map(|(of, raw)| self.decision(of, raw)).collect(),
        }
    }

    fn spendable(&self, id: u32) -> Option<String> {
        let at = usize::try_from(id).ok()?;
        self.program.spendables.get(at).map(|spendable| spendable.name.clone())
    }

    fn spent(&self, spent: &evaluate::Spent) -> Spent {
        Spent {
            account: self.account(spent.account),
            amount: decimal::print(i128::from(spent.amount), self.decimals(Some(spent.account))),
            spendable: spent.condition.and_then(|id| self.spendable(id)),
        }
    }

    fn refused(&self, refused: evaluate::Refused) -> Refused {
        let by = Some(refused.by).filter(|by| *by != 0);
        let short = refused.why == evaluate::RefusedWhy::Short;
        let says = self.sayings.iter().find(|(rule, _)| short && *rule == refused.redemption);
        let saying =
            |saying: &perq_compiler::ir::Saying| Saying { to: saying.to.clone(), text: saying.text.clone() };
        Refused {
            redemption: Some(text(&self.rules, refused.redemption.index())),
            account: Some(self.account(refused.account)),
            of: None,
            line: None,
            pieces: None,
            words: None,
            because: refused_name(refused.why).to_owned(),
            by: by.map(|by| decimal::print(i128::from(by), self.decimals(Some(refused.account)))),
            say: says.map_or_else(Vec::new, |(_, says)| says.iter().map(saying).collect()),
        }
    }

    fn sums(&self, sums: &[(AccountId, i64)]) -> Awards {
        let sum = |&(account, amount): &(AccountId, i64)| {
            (self.account(account), decimal::print(i128::from(amount), self.decimals(Some(account))))
        };
        Awards(sums.iter().map(sum).collect())
    }

    /// Appends the decision as one line of JSON, with its line end: the JSON of [`Self::decision`] without its
    /// allocations.
    pub fn write(&self, out: &mut Vec<u8>, event: &ReadEvent, raw: &evaluate::Decision) {
        out.extend_from_slice(b"{\"id\":");
        write_text(out, event.id());
        out.extend_from_slice(b",\"kind\":");
        out.extend_from_slice(json(&self.kinds, event.record.kind.index()));
        out.extend_from_slice(b",\"member\":");
        match event.member() {
            Some(member) => write_text(out, member),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(&self.head);
        for (at, effect) in raw.effects.iter().enumerate() {
            comma(out, at);
            self.write_effect(out, event, effect);
        }
        out.push(b']');
        self.write_displaced(out, raw);
        self.write_cuts(out, raw);
        self.write_others(out, event, raw);
        out.extend_from_slice(b",\"errors\":[");
        for (at, fault) in raw.faults.iter().enumerate() {
            comma(out, at);
            out.extend_from_slice(b"{\"rule\":");
            out.extend_from_slice(json(&self.rules, fault.rule.index()));
            out.extend_from_slice(b",\"error\":\"");
            out.extend_from_slice(fault_name(fault.kind).as_bytes());
            out.extend_from_slice(b"\",\"place\":");
            write_text(out, &place(&self.program, fault.place));
            out.push(b'}');
        }
        out.extend_from_slice(b"],\"lines\":[");
        for (row, line) in raw.lines.iter().enumerate() {
            comma(out, row);
            out.extend_from_slice(b"{\"line\":");
            decimal::write_count(out, row as i64 + 1);
            out.extend_from_slice(b",\"sku\":");
            write_text(out, event.sku(row));
            self.write_reduced(out, b",\"initial\":\"", line.initial, line.paid);
            if self.has_tax {
                self.write_money(out, b",\"tax\":\"", i128::from(line.tax));
            }
            out.push(b'}');
        }
        let totals = &raw.totals;
        self.write_money(out, b"],\"totals\":{\"initial\":\"", i128::from(totals.initial));
        self.write_money(out, b",\"discount\":\"", i128::from(totals.discount));
        self.write_money(out, b",\"paid\":\"", i128::from(totals.paid));
        if self.has_tax {
            self.write_money(out, b",\"tax\":\"", i128::from(totals.tax));
        }
        if totals.points != 0 {
            self.write_money(out, b",\"points\":\"", i128::from(totals.points));
        }
        self.write_money(out, b",\"total\":\"", i128::from(totals.total));
        out.extend_from_slice(b",\"awards\":{");
        self.write_sums(out, &totals.awards);
        if !totals.debits.is_empty() {
            out.extend_from_slice(b"},\"debits\":{");
            self.write_sums(out, &totals.debits);
        }
        out.extend_from_slice(b"}}");
        self.write_raised(out, event, raw);
        out.extend_from_slice(b"}\n");
    }

    /// `,"displaced":[…]`
    fn write_displaced(&self, out: &mut Vec<u8>, raw: &evaluate::Decision) {
        out.extend_from_slice(b",\"displaced\":[");
        for (at, displaced) in raw.displaced.iter().enumerate() {
            comma(out, at);
            out.extend_from_slice(b"{\"rule\":");
            out.extend_from_slice(json(&self.rules, displaced.rule.index()));
            out.extend_from_slice(b",\"by\":");
            out.extend_from_slice(json(&self.rules, displaced.by.index()));
            out.extend_from_slice(b",\"lines\":[");
            for (at, row) in displaced.rows.iter().enumerate() {
                comma(out, at);
                decimal::write_count(out, i64::from(*row) + 1);
            }
            out.extend_from_slice(b"]}");
        }
        out.push(b']');
    }

    /// `,"cut":[…]`
    fn write_cuts(&self, out: &mut Vec<u8>, raw: &evaluate::Decision) {
        out.extend_from_slice(b",\"cut\":[");
        for (at, cut) in raw.cuts.iter().enumerate() {
            comma(out, at);
            out.extend_from_slice(b"{\"rule\":");
            out.extend_from_slice(json(&self.rules, cut.rule.index()));
            out.extend_from_slice(b",\"by\":\"");
            out.extend_from_slice(cut_name(cut.by).as_bytes());
            out.push(b'"');
            if let Some(counter) = counter_of(cut.by) {
                out.extend_from_slice(b",\"counter\":");
                out.extend_from_slice(json(&self.counters, counter.index()));
            }
            out.extend_from_slice(b",\"amount\":\"");
            decimal::write(out, i128::from(cut.amount), self.cut_decimals(cut.of));
            out.push(b'"');
            match cut.of {
                LimitOf::Discounts => self.write_of(out, None),
                LimitOf::Awards(account) => self.write_of(out, Some(account)),
                LimitOf::Times | LimitOf::Gifts => {}
            }
            out.push(b'}');
        }
        out.push(b']');
    }

    /// What few decisions have, each with a comma before it.
    fn write_others(&self, out: &mut Vec<u8>, event: &ReadEvent, raw: &evaluate::Decision) {
        if !raw.claims.is_empty() {
            out.extend_from_slice(b",\"claims\":[");
            for (at, claim) in raw.claims.iter().enumerate() {
                comma(out, at);
                out.extend_from_slice(b"{\"counter\":");
                out.extend_from_slice(json(&self.counters, claim.counter.index()));
                out.extend_from_slice(b",\"amount\":\"");
                decimal::write(out, i128::from(claim.amount), self.claim_decimals(claim.counter));
                out.extend_from_slice(b"\"}");
            }
            out.push(b']');
        }
        if !raw.bundles.is_empty() {
            out.extend_from_slice(b",\"sets\":[");
            for (at, bundle) in raw.bundles.iter().enumerate() {
                comma(out, at);
                out.extend_from_slice(b"{\"rule\":");
                out.extend_from_slice(json(&self.rules, bundle.rule.index()));
                out.extend_from_slice(b",\"sets\":");
                decimal::write_count(out, bundle.sets);
                let proven: &[u8] = if bundle.gap == 0 { b",\"proven\":true" } else { b",\"proven\":false" };
                out.extend_from_slice(proven);
                if bundle.gap != 0 {
                    self.write_money(out, b",\"gap\":\"", i128::from(bundle.gap));
                }
                out.extend_from_slice(b",\"lines\":[");
                for (at, (row, pieces)) in bundle.used.iter().enumerate() {
                    comma(out, at);
                    out.extend_from_slice(b"{\"line\":");
                    decimal::write_count(out, i64::from(*row) + 1);
                    out.extend_from_slice(b",\"pieces\":");
                    decimal::write_count(out, *pieces);
                    out.push(b'}');
                }
                out.extend_from_slice(b"]}");
            }
            out.push(b']');
        }
        if !raw.short.is_empty() {
            out.extend_from_slice(b",\"short\":[");
            for (at, short) in raw.short.iter().enumerate() {
                comma(out, at);
                out.extend_from_slice(b"{\"rule\":");
                out.extend_from_slice(json(&self.rules, short.rule.index()));
                self.write_of(out, Some(short.account));
                out.extend_from_slice(b",\"missing\":\"");
                decimal::write(out, i128::from(short.missing), self.decimals(Some(short.account)));
                out.extend_from_slice(b"\"}");
            }
            out.push(b']');
        }
        if !raw.tenders.is_empty() {
            out.extend_from_slice(b",\"tender\":[");
            for (at, tender) in raw.tenders.iter().enumerate() {
                comma(out, at);
                out.extend_from_slice(b"{\"redemption\":");
                out.extend_from_slice(json(&self.rules, tender.redemption.index()));
                self.write_of(out, Some(tender.account));
                out.extend_from_slice(b",\"points\":\"");
                decimal::write(out, i128::from(tender.points), self.decimals(Some(tender.account)));
                out.push(b'"');
                self.write_money(out, b",\"money\":\"", i128::from(tender.money));
                out.extend_from_slice(b",\"lines\":[");
                write_shares(out, event, &tender.shares, self.decimals);
                out.extend_from_slice(b"]}");
            }
            out.push(b']');
        }
        if !raw.spent.is_empty() {
            out.extend_from_slice(b",\"spent\":[");
            for (at, spent) in raw.spent.iter().enumerate() {
                comma(out, at);
                // Structures of texts always have a JSON form.
                out.extend_from_slice(&serde_json::to_vec(&self.spent(spent)).unwrap_or_default());
            }
            out.push(b']');
        }
        let quiet = event.presented.is_empty() && raw.issues.is_empty() && raw.changes.is_empty();
        let quiet = quiet && raw.gifts.is_empty() && raw.gift_offers.is_empty();
        if !quiet || !raw.tiers.is_empty() {
            Parts::of(&self.program, event, raw).write(out);
        }
        // Texts and numbers always become JSON.
        let mut part = |key: &[u8], json: Option<serde_json::Result<Vec<u8>>>| {
            if let Some(Ok(json)) = json {
                out.extend_from_slice(key);
                out.extend_from_slice(&json);
            }
        };
        if event.returned.is_some() {
            part(b",\"returned\":", ComesBack::of(self, event).map(|back| serde_json::to_vec(&back)));
        }
        part(b",\"offers\":", Offers::of(&self.program, raw).map(|offers| serde_json::to_vec(&offers)));
        if !raw.said.is_empty() {
            part(b",\"said\":", Some(serde_json::to_vec(&Said::of(&self.program, raw))));
        }
        let refused = raw.refused.map(|refused| self.refused(refused)).or_else(|| returned::refused(event));
        part(b",\"refused\":", refused.map(|refused| serde_json::to_vec(&refused)));
        if !raw.broken.is_empty() {
            part(b",\"broken\":", Some(serde_json::to_vec(&self.broken(event, raw))));
        }
    }

    /// `,"raised":[…]`, where anything is.
    fn write_raised(&self, out: &mut Vec<u8>, event: &ReadEvent, raw: &evaluate::Decision) {
        for (at, (event, raw)) in event.raised.iter().zip(&raw.raised).enumerate() {
            out.extend_from_slice(if at == 0 { b",\"raised\":[".as_slice() } else { b",".as_slice() });
            self.write(out, event, raw);
            // Each ends its line.
            out.pop();
        }
        if !event.raised.is_empty() && !raw.raised.is_empty() {
            out.push(b']');
        }
    }

    /// What a decision has besides what every one has, as an object; nothing where that is nothing.
    #[cfg(feature = "columnar")]
    fn write_more(&self, out: &mut Vec<u8>, event: &ReadEvent, raw: &evaluate::Decision) {
        if !raw.displaced.is_empty() {
            self.write_displaced(out, raw);
        }
        if !raw.cuts.is_empty() {
            self.write_cuts(out, raw);
        }
        self.write_others(out, event, raw);
        self.write_raised(out, event, raw);
        if let Some(first) = out.first_mut() {
            *first = b'{';
            out.push(b'}');
        }
    }

    fn write_sums(&self, out: &mut Vec<u8>, sums: &[(AccountId, i64)]) {
        for (at, &(account, amount)) in sums.iter().enumerate() {
            comma(out, at);
            let name = self.accounts.get(account.index()).map(|(name, _)| name.json.as_slice());
            out.extend_from_slice(name.unwrap_or(b"\"\""));
            out.extend_from_slice(b":\"");
            decimal::write(out, i128::from(amount), self.decimals(Some(account)));
            out.push(b'"');
        }
    }

    fn write_money(&self, out: &mut Vec<u8>, key: &[u8], amount: i128) {
        out.extend_from_slice(key);
        decimal::write(out, amount, self.decimals);
        out.push(b'"');
    }

    /// What was, what was taken off it, and what is left; mostly the first again.
    fn write_reduced(&self, out: &mut Vec<u8>, key: &[u8], initial: i64, paid: i64) {
        out.extend_from_slice(key);
        let start = out.len();
        decimal::write(out, i128::from(initial), self.decimals);
        if initial == paid {
            let end = out.len();
            out.extend_from_slice(&self.undiscounted);
            out.extend_from_within(start..end);
            out.push(b'"');
        } else {
            out.push(b'"');
            self.write_money(out, b",\"discount\":\"", i128::from(initial) - i128::from(paid));
            self.write_money(out, b",\"paid\":\"", i128::from(paid));
        }
    }

    fn write_effect(&self, out: &mut Vec<u8>, event: &ReadEvent, effect: &evaluate::Effect) {
        let decimals = self.decimals(effect.account);
        out.extend_from_slice(match (effect.account, effect.debit) {
            (Some(_), false) => b"{\"kind\":\"award\",\"amount\":\"".as_slice(),
            (Some(_), true) => b"{\"kind\":\"debit\",\"amount\":\"".as_slice(),
            (None, _) => b"{\"kind\":\"discount\",\"amount\":\"".as_slice(),
        });
        decimal::write(out, i128::from(effect.amount), decimals);
        let tail = match self.tails.get(effect.site.index()) {
            Some(Tail { text, is_plain: true, .. }) => {
                out.extend_from_slice(text);
                write_shares(out, event, &effect.shares, decimals);
                return out.extend_from_slice(b"]}");
            }
            Some(Tail { text, middle, .. }) => text.split_at_checked(*middle),
            None => None,
        };
        let (head, tail) = tail.unwrap_or((b"\"".as_slice(), b",\"lines\":[".as_slice()));
        out.extend_from_slice(head);
        let lots = self.lives.lots(&self.program, event, effect);
        if !lots.is_empty() {
            out.extend_from_slice(b",\"lots\":[");
            for (at, lot) in lots.iter().enumerate() {
                comma(out, at);
                out.extend_from_slice(b"{\"amount\":\"");
                decimal::write(out, i128::from(lot.amount), decimals);
                out.push(b'"');
                for (key, instant) in [("available", available(event, lot)), ("expires", lot.until)] {
                    if let Some(instant) = instant {
                        out.extend_from_slice(format!(",\"{key}\":\"{}\"", instant_text(instant)).as_bytes());
                    }
                }
                out.push(b'}');
            }
            out.push(b']');
        }
        if let Some(name) = self.lives.spendable(effect.site).and_then(|id| self.spendable(id)) {
            out.extend_from_slice(b",\"spendable\":");
            write_text(out, &name);
        }
        if self.lives.is_spent_at_once(effect.site) {
            out.extend_from_slice(b",\"spent_at_once\":true");
        }
        out.extend_from_slice(tail);
        write_shares(out, event, &effect.shares, decimals);
        out.push(b']');
        if let Some(to) = self.to(event, effect) {
            out.extend_from_slice(b",\"to\":");
            write_text(out, to);
        }
        out.push(b'}');
    }

    /// Whether an effect has no parts that live apart, no condition and no other member.
    #[cfg(feature = "columnar")]
    fn is_plain(&self, effect: &evaluate::Effect) -> bool {
        self.tails.get(effect.site.index()).is_some_and(|tail| tail.is_plain)
    }

    /// Who gets it, where that is not the event's member.
    fn to<'e>(&self, event: &'e ReadEvent, effect: &evaluate::Effect) -> Option<&'e str> {
        self.beneficiaries.get(effect.site.index()).copied().flatten().and_then(|slot| event.other(slot))
    }
}

/// The parts of an amount that fall on lines.
fn shares(event: &ReadEvent, shares: &[evaluate::Share], decimals: u8) -> Vec<Share> {
    let share = |share: &evaluate::Share| Share {
        line: share.row + 1,
        sku: event.sku(share.row as usize).to_owned(),
        pieces: share.pieces,
        amount: decimal::print(i128::from(share.amount), decimals),
        units: units(share.amount, share.pieces)
            .map(|(pieces, amount)| Units { pieces, amount: decimal::print(i128::from(amount), decimals) })
            .collect(),
    };
    shares.iter().map(share).collect()
}

/// The same as JSON, without the list's brackets.
fn write_shares(out: &mut Vec<u8>, event: &ReadEvent, shares: &[evaluate::Share], decimals: u8) {
    for (at, share) in shares.iter().enumerate() {
        comma(out, at);
        out.extend_from_slice(b"{\"line\":");
        decimal::write_count(out, i64::from(share.row) + 1);
        out.extend_from_slice(b",\"sku\":");
        write_text(out, event.sku(share.row as usize));
        out.extend_from_slice(b",\"pieces\":");
        decimal::write_count(out, share.pieces);
        out.extend_from_slice(b",\"amount\":\"");
        decimal::write(out, i128::from(share.amount), decimals);
        out.push(b'"');
        let mut units = units(share.amount, share.pieces).enumerate().peekable();
        if units.peek().is_some() {
            out.extend_from_slice(b",\"units\":[");
            for (at, (pieces, amount)) in units {
                comma(out, at);
                out.extend_from_slice(b"{\"pieces\":");
                decimal::write_count(out, pieces);
                out.extend_from_slice(b",\"amount\":\"");
                decimal::write(out, i128::from(amount), decimals);
                out.extend_from_slice(b"\"}");
            }
            out.push(b']');
        }
        out.push(b'}');
    }
}

/// The name of why an event is refused.
pub(crate) fn refused_name(why: evaluate::RefusedWhy) -> &'static str {
    match why {
        evaluate::RefusedWhy::NotAllowed => "not-allowed",
        evaluate::RefusedWhy::Failed => "failed",
        evaluate::RefusedWhy::Short => "short",
        evaluate::RefusedWhy::BelowLeast => "below-least",
        evaluate::RefusedWhy::WrongStep => "wrong-step",
        evaluate::RefusedWhy::AboveMost => "above-most",
        evaluate::RefusedWhy::Unconfirmed => "unconfirmed",
    }
}

/// When a lot can be spent, where that is not when the event happened.
fn available(event: &ReadEvent, lot: &Portion) -> Option<i64> {
    Some(lot.from).filter(|from| *from != now(event).at)
}

fn comma(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

/// Divides an amount over pieces, as runs of (pieces, amount of each): each has the whole quotient, the first ones a
/// unit more. Nothing for a single piece.
pub fn units(amount: i64, pieces: i64) -> impl Iterator<Item = (i64, i64)> {
    let more_than_one = pieces > 1;
    let divisor = pieces.max(1);
    let (quotient, rest) = (amount / divisor, amount % divisor);
    let larger = (rest.abs(), quotient + rest.signum());
    let others = (divisor - rest.abs(), quotient);
    [larger, others].into_iter().filter(move |(run, _)| more_than_one && *run > 0)
}

/// Appends a text as JSON, with quotes.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_text_bytes(out, text.as_bytes());
}

/// The same for bytes that may not be UTF-8 and stay what they are.
pub(crate) fn write_text_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    if find_special(bytes, 0) == bytes.len() {
        out.extend_from_slice(bytes);
    } else {
        for &byte in bytes {
            match byte {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0x8 => out.extend_from_slice(b"\\b"),
                0xc => out.extend_from_slice(b"\\f"),
                0..0x20 => {
                    out.extend_from_slice(b"\\u00");
                    out.push(b'0' + (byte >> 4));
                    out.push(HEX[usize::from(byte & 0xf)]);
                }
                0x20..=0xff => out.push(byte),
            }
        }
    }
    out.push(b'"');
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::record::{ReadOptions, Reader, Schema};
    use crate::testing;
    use evaluate::CutBy;
    use perq_compiler::ir::{GroupId, PlaceId, Tax};
    use proptest::prelude::*;

    /// Enough of JSON Schema for our schema: fails on a keyword that it does not know.
    fn validate(root: &serde_json::Value, schema: &serde_json::Value, value: &serde_json::Value, at: &str) {
        use serde_json::Value;
        for (keyword, wanted) in schema.as_object().unwrap() {
            match (keyword.as_str(), wanted, value) {
                ("$schema" | "$id" | "$defs" | "title" | "description", _, _) => {}
                ("$ref", Value::String(path), _) => {
                    validate(root, root.pointer(path.strip_prefix('#').unwrap()).unwrap(), value, at);
                }
                ("type", Value::String(_) | Value::Array(_), _) => {
                    let found = match value {
                        Value::Null => "null",
                        Value::Bool(_) => "boolean",
                        Value::Number(number) if number.is_i64() => "integer",
                        Value::Number(_) => "number",
                        Value::String(_) => "string",
                        Value::Array(_) => "array",
                        Value::Object(_) => "object",
                    };
                    let fits =
                        wanted == found || wanted.as_array().is_some_and(|list| list.contains(&found.into()));
                    assert!(fits, "{at}: {found} is not {wanted}");
                }
                ("enum", Value::Array(list), _) => assert!(list.contains(value), "{at}: {value}"),
                ("const", wanted, _) => assert_eq!(wanted, value, "{at}"),
                ("pattern", Value::String(pattern), Value::String(text)) => match pattern.as_str() {
                    "^-?[0-9]+(\\.[0-9]+)?$" => assert!(decimal::parse(text, 9).is_ok(), "{at}: {text}"),
                    "^[0-9a-f]{16}$" => {
                        assert!(text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()), "{at}");
                    }
                    "^-?[0-9]+-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$" => {
                        let moment = Zone::universal().moment(text).map(|moment| moment.instant);
                        assert_eq!(moment.map(instant_text).as_ref(), Some(text), "{at}");
                    }
                    _ => panic!("unknown pattern {pattern}"),
                },
                ("minimum", Value::Number(least), Value::Number(number)) => {
                    assert!(number.as_i64() >= least.as_i64(), "{at}");
                }
                ("minItems", Value::Number(least), Value::Array(list)) => {
                    assert!(list.len() as u64 >= least.as_u64().unwrap(), "{at}");
                }
                ("required", Value::Array(names), Value::Object(fields)) => {
                    for name in names {
                        assert!(fields.contains_key(name.as_str().unwrap()), "{at} lacks {name}");
                    }
                }
                ("properties", Value::Object(properties), Value::Object(fields)) => {
                    for (name, field) in fields {
                        if let Some(schema) = properties.get(name) {
                            validate(root, schema, field, &format!("{at}.{name}"));
                        }
                    }
                }
                ("additionalProperties", Value::Bool(false), Value::Object(fields)) => {
                    let known = schema["properties"].as_object().unwrap();
                    for name in fields.keys() {
                        assert!(known.contains_key(name), "{at} has {name}");
                    }
                }
                ("additionalProperties", Value::Object(_), Value::Object(fields)) => {
                    for (name, field) in fields {
                        validate(root, wanted, field, &format!("{at}.{name}"));
                    }
                }
                ("items", Value::Object(_), Value::Array(list)) => {
                    for (index, item) in list.iter().enumerate() {
                        validate(root, wanted, item, &format!("{at}[{index}]"));
                    }
                }
                (keyword, _, _) => panic!("{at}: unknown keyword {keyword}"),
            }
        }
    }

    pub(crate) fn check_schema(line: &[u8]) {
        let schema: serde_json::Value = serde_json::from_str(DECISION_SCHEMA).unwrap();
        validate(&schema, &schema, &serde_json::from_slice(line).unwrap(), "$");
    }

    fn raw() -> evaluate::Decision {
        evaluate::Decision {
            broken: Vec::new(),
            said: Vec::new(),
            offered: None,
            answered: None,
            effects: vec![
                evaluate::Effect {
                    site: SiteId(0),
                    rule: RuleId(0),
                    group: GroupId(0),
                    account: None,
                    debit: false,
                    amount: 1_005,
                    shares: vec![
                        evaluate::Share { row: 0, pieces: 3, amount: 1_000 },
                        evaluate::Share { row: 1, pieces: 1, amount: 5 },
                    ],
                },
                evaluate::Effect {
                    site: SiteId(1),
                    rule: RuleId(1),
                    group: GroupId(1),
                    account: Some(AccountId(0)),
                    debit: false,
                    amount: 59,
                    shares: Vec::new(),
                },
                evaluate::Effect {
                    site: SiteId(1),
                    rule: RuleId(1),
                    group: GroupId(1),
                    account: Some(AccountId(0)),
                    debit: true,
                    amount: 8,
                    shares: Vec::new(),
                },
            ],
            displaced: vec![evaluate::Displaced { rule: RuleId(0), by: RuleId(1), rows: vec![0, 1] }],
            cuts: vec![
                evaluate::Cut { rule: RuleId(0), of: LimitOf::Discounts, by: CutBy::PriceFloor, amount: 7 },
                evaluate::Cut {
                    rule: RuleId(1),
                    of: LimitOf::Awards(AccountId(0)),
                    by: CutBy::Rule,
                    amount: 7,
                },
                evaluate::Cut { rule: RuleId(1), of: LimitOf::Discounts, by: CutBy::Group, amount: 7 },
            ],
            claims: Vec::new(),
            bundles: vec![
                evaluate::BundleChoice { rule: RuleId(0), sets: 2, gap: 0, used: vec![(0, 2), (1, 4)] },
                evaluate::BundleChoice { rule: RuleId(1), sets: 1, gap: 150, used: vec![(1, 1)] },
            ],
            tenders: vec![evaluate::Tender {
                redemption: RuleId(0),
                account: AccountId(0),
                points: 8,
                money: 17,
                shares: vec![
                    evaluate::Share { row: 0, pieces: 3, amount: 10 },
                    evaluate::Share { row: 1, pieces: 1, amount: 7 },
                ],
            }],
            refused: Some(evaluate::Refused {
                redemption: RuleId(1),
                account: AccountId(0),
                why: evaluate::RefusedWhy::AboveMost,
                by: 5,
            }),
            spent: vec![evaluate::Spent { account: AccountId(0), condition: None, amount: 8 }],
            short: vec![evaluate::Short { rule: RuleId(0), account: AccountId(0), missing: 3 }],
            issues: Vec::new(),
            gifts: vec![evaluate::Gift {
                rule: RuleId(0),
                site: SiteId(0),
                gift: 0,
                option: 0,
                pieces: 2,
                added: 1,
            }],
            gift_offers: vec![evaluate::GiftOffer { rule: RuleId(1), gift: 0, pieces: 3, options: vec![0] }],
            changes: Vec::new(),
            tiers: Vec::new(),
            raised: Vec::new(),
            faults: [
                FaultKind::Overflow,
                FaultKind::DivisionByZero,
                FaultKind::OutOfRange,
                FaultKind::OutOfFuel,
            ]
            .into_iter()
            .map(|kind| evaluate::RuleFault { rule: RuleId(1), kind, place: PlaceId(1) })
            .collect(),
            lines: vec![
                evaluate::LineTotal { initial: 1530, paid: 530, tax: 88 },
                evaluate::LineTotal { initial: -100, paid: -105, tax: -17 },
            ],
            totals: evaluate::Totals {
                initial: 1430,
                discount: 1005,
                paid: 425,
                tax: 71,
                points: 17,
                total: 479,
                awards: vec![(AccountId(0), 59)],
                debits: vec![(AccountId(0), 8)],
            },
        }
    }

    fn check(pack: &Pack, json: &str) -> String {
        let schema = Schema::new(pack.program(), &testing::catalogue(), ReadOptions::default()).unwrap();
        let mut event = ReadEvent::default();
        Reader::new().read(&schema, json.as_bytes(), &mut event).unwrap();
        let names = Names::of(pack);
        let mut out = Vec::new();
        names.write(&mut out, &event, &raw());
        let decision = names.decision(&event, &raw());
        assert_eq!(out.pop(), Some(b'\n'));
        let line = String::from_utf8(out).unwrap();
        assert_eq!(line, serde_json::to_string(&decision).unwrap());
        assert_eq!(serde_json::from_str::<Decision>(&line).unwrap(), decision);
        check_schema(line.as_bytes());
        line
    }

    #[test]
    fn answers_to_sessions_fit_their_schemas() {
        let shown = ShownOffer {
            offer: "roaming".to_owned(),
            title: Some("Travel pack".to_owned()),
            display: "by_priority".to_owned(),
            priority: Some("high".to_owned()),
            score: Some("-2.500000".to_owned()),
            propensity: Some("0.183673".to_owned()),
            products: vec!["ROAM-14".to_owned()],
            goals: vec!["upsell".to_owned()],
            say: [("agent".to_owned(), "Are you travelling?".to_owned())].into(),
            rule: None,
        };
        let hidden = |why: &str, place: Option<&str>, error: Option<&str>| HiddenOffer {
            offer: "app".to_owned(),
            why: why.to_owned(),
            place: place.map(str::to_owned),
            error: error.map(str::to_owned),
            propensity: Some("1.000000".to_owned()),
            rule: None,
        };
        let clauses = perq_compiler::ir::OfferClause::ALL.iter().map(|clause| clause.word());
        let words: Vec<&str> = clauses.chain(evaluate::HIDDEN_WORDS.iter().copied()).collect();
        let mut all: Vec<HiddenOffer> =
            words.iter().map(|why| hidden(why, Some("a.rule:1:1"), None)).collect();
        for kind in
            [FaultKind::Overflow, FaultKind::DivisionByZero, FaultKind::OutOfRange, FaultKind::OutOfFuel]
        {
            all.push(hidden("failed", None, Some(fault_name(kind))));
        }
        let offers = Offers {
            arbitration: Some("calls".to_owned()),
            exploring: true,
            shown: vec![shown],
            hidden: all,
        };
        let schema: serde_json::Value = serde_json::from_str(OFFERS_SCHEMA).unwrap();
        let answer = serde_json::json!({
            "session": "s1", "member": null, "pack": "0123456789abcdef", "tz": "2026a", "offers": &offers,
        });
        validate(&schema, &schema, &answer, "$");
        // Every word of a reason is one of the schema's, and no other.
        let known = &schema["$defs"]["hidden"]["properties"]["why"]["enum"];
        assert_eq!(known, &serde_json::json!(words));
        let mut decision = Names::of(&Pack::of(testing::verified())).decision(&ReadEvent::default(), &raw());
        decision.offers = Some(offers);
        decision.said =
            vec![Said { rule: "points".to_owned(), say: [("agent".to_owned(), "Thanks".to_owned())].into() }];
        check_schema(&serde_json::to_vec(&decision).unwrap());
        // A rule that shows an offer, and one that would.
        if let Some(offers) = &mut decision.offers {
            offers.shown.iter_mut().for_each(|shown| shown.rule = Some("points".to_owned()));
            offers.hidden.iter_mut().for_each(|hidden| hidden.rule = Some("points".to_owned()));
        }
        check_schema(&serde_json::to_vec(&decision).unwrap());
    }

    #[test]
    fn the_line_is_the_structure_and_fits_the_schema() {
        let json = "{\"id\":\"a\\\"\\n\u{1f375}\\u0001\",\"kind\":\"sale\",\"member\":\"m1\",\"at\":\"2026-01-01T00:00\",\
            \"lines\":[{\"sku\":\"T1\",\"qty\":6,\"price\":\"2.55\"},{\"sku\":\"b\\\\\",\"qty\":1,\"price\":\"-1\"}]}";
        let line = check(&Pack::of(testing::verified()), json);
        let pack = Pack::of(testing::verified()).short_hash();
        let tz = crate::clock::database_version();
        assert_eq!(
            line,
            format!(
                r#"{{"id":"a\"\n🍵\u0001","kind":"purchase","member":"m1","pack":"{pack}","tz":"{tz}","effects":[{{"kind":"discount","amount":"10.05","currency":"GBP","rule":"tea_week","group":"offers","reason":"tea \"week\"","lines":[{{"line":1,"sku":"T1","pieces":3,"amount":"10.00","units":[{{"pieces":1,"amount":"3.34"}},{{"pieces":2,"amount":"3.33"}}]}},{{"line":2,"sku":"b\\","pieces":1,"amount":"0.05"}}]}},{{"kind":"award","amount":"59","account":"bonus","rule":"points","group":"base","lines":[]}},{{"kind":"debit","amount":"8","account":"bonus","rule":"points","group":"base","lines":[]}}],"displaced":[{{"rule":"tea_week","by":"points","lines":[1,2]}}],"cut":[{{"rule":"tea_week","by":"price-floor","amount":"0.07","currency":"GBP"}},{{"rule":"points","by":"rule","amount":"7","account":"bonus"}},{{"rule":"points","by":"group","amount":"0.07","currency":"GBP"}}],"sets":[{{"rule":"tea_week","sets":2,"proven":true,"lines":[{{"line":1,"pieces":2}},{{"line":2,"pieces":4}}]}},{{"rule":"points","sets":1,"proven":false,"gap":"1.50","lines":[{{"line":2,"pieces":1}}]}}],"short":[{{"rule":"tea_week","account":"bonus","missing":"3"}}],"tender":[{{"redemption":"tea_week","account":"bonus","points":"8","money":"0.17","lines":[{{"line":1,"sku":"T1","pieces":3,"amount":"0.10","units":[{{"pieces":1,"amount":"0.04"}},{{"pieces":2,"amount":"0.03"}}]}},{{"line":2,"sku":"b\\","pieces":1,"amount":"0.07"}}]}}],"spent":[{{"account":"bonus","amount":"8"}}],"gifts":[{{"sku":"","pieces":2,"added":1,"rule":"tea_week","reason":"tea \"week\""}}],"gift_offers":[{{"rule":"points","pieces":3,"skus":[""]}}],"refused":{{"redemption":"points","account":"bonus","because":"above-most","by":"5"}},"errors":[{{"rule":"points","error":"overflow","place":"rules/shop.rule:9:1"}},{{"rule":"points","error":"division-by-zero","place":"rules/shop.rule:9:1"}},{{"rule":"points","error":"out-of-range","place":"rules/shop.rule:9:1"}},{{"rule":"points","error":"out-of-fuel","place":"rules/shop.rule:9:1"}}],"lines":[{{"line":1,"sku":"T1","initial":"15.30","discount":"10.00","paid":"5.30"}},{{"line":2,"sku":"b\\","initial":"-1.00","discount":"0.05","paid":"-1.05"}}],"totals":{{"initial":"14.30","discount":"10.05","paid":"4.25","points":"0.17","total":"4.79","awards":{{"bonus":"59"}},"debits":{{"bonus":"8"}}}}}}"#
            )
        );
        let mut program = testing::program();
        program.tax = Some(Tax {
            included: false,
            rounding: perq_compiler::ir::Rounding::HalfUp,
            per: perq_compiler::ir::TaxPer::Line,
            besides: None,
        });
        let taxed = Pack::of(perq_compiler::ir::verify::verify(program).unwrap());
        let line = check(&taxed, r#"{"id":"1","kind":"sale","at":"2026-01-01T00:00"}"#);
        assert!(line.contains(r#""paid":"4.25","tax":"0.71","points":"0.17","total":"4.79""#), "{line}");
        assert!(line.contains(r#""member":null"#));
    }

    proptest! {
        #[test]
        fn units_add_up(amount in any::<i64>(), pieces in -5i64..1_000_000) {
            let runs: Vec<(i64, i64)> = units(amount, pieces).collect();
            if pieces > 1 {
                prop_assert_eq!(runs.iter().map(|(run, _)| run).sum::<i64>(), pieces);
                let sum: i128 = runs.iter().map(|&(run, each)| i128::from(run) * i128::from(each)).sum();
                prop_assert_eq!(sum, i128::from(amount));
                prop_assert!(runs.len() <= 2);
                prop_assert!(runs.windows(2).all(|pair| (pair[0].1 - pair[1].1).abs() == 1));
            } else {
                prop_assert!(runs.is_empty());
            }
        }

        #[test]
        fn texts_are_written_as_serde_json_writes_them(text in any::<String>()) {
            let mut out = Vec::new();
            write_text(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}
