//! What a decision says of coupons, certificates, badges, fields of the member and levels. Refuses to know the rest of
//! it.

use crate::clock::{date_text, instant_text, time_text};
use crate::decimal;
use crate::record::ReadEvent;
use crate::state::instruments::{Outcome, codes, name_of, outcome, owner_of};
use perq_compiler::evaluate;
use perq_compiler::ir::{InstrumentId, Program, RuleId, SlotType};
use serde::{Deserialize, Serialize};

/// A code that was presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// As it was presented.
    pub code: String,
    /// The coupon it is of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub coupon: Option<String>,
    /// `accepted`, `unknown`, `expired`, `used-up`, `other-member`, `spare`, `conditions`, `displaced`, `limit` or
    /// `failed`.
    pub outcome: String,
    /// The rule that displaced it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
}

/// Something that is issued to the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// `coupon`, `certificate` or `badge`.
    pub kind: String,
    /// Which, as the program names it.
    pub name: String,
    /// Its codes; none of a badge.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub codes: Vec<String>,
    /// What a certificate is worth, in the currency.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// The last day on which it can be used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<String>,
    /// The rule that issues it; none of a badge that is earned by its own condition.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
    /// Words for the member.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The id of the member who gets it, where that is not the event's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
}

/// A product that a rule gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gift {
    /// The product.
    pub sku: String,
    /// How many pieces.
    pub pieces: i64,
    /// Those of them that the basket does not hold, and that the host adds for nothing; the others are discounted.
    pub added: i64,
    /// By which rule.
    pub rule: String,
    /// Words for the member.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// A gift of which the member may choose a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiftOffer {
    /// By which rule; the event says in `chosen` under its name which product it is to be.
    pub rule: String,
    /// How many pieces.
    pub pieces: i64,
    /// The products that are in stock.
    pub skus: Vec<String>,
}

/// A field of the member that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSet {
    /// As rules write it, such as `member.tier`.
    pub field: String,
    /// Its value from the next event on, as records write it.
    pub value: String,
    /// The last day on which it holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
    /// By which rule.
    pub rule: String,
}

/// A level that the member leaves for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelChange {
    /// The `tiers` of the program.
    pub tiers: String,
    /// The level before.
    pub from: String,
    /// The level from then on.
    pub to: String,
    /// When, on the clock of the program's zone.
    pub at: String,
    /// `event`, or `review` where it came at a review before the event.
    pub with: String,
    /// The last day on which it cannot be lost.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub coupons: Vec<Code>,
    pub issued: Vec<Issued>,
    pub gifts: Vec<Gift>,
    pub gift_offers: Vec<GiftOffer>,
    pub set: Vec<FieldSet>,
    pub tiers: Vec<LevelChange>,
}

impl Parts {
    /// Of a decision.
    pub fn of(program: &Program, event: &ReadEvent, raw: &evaluate::Decision) -> Parts {
        let rule =
            |rule: RuleId| program.rules.get(rule.index()).map_or_else(String::new, |rule| rule.name.clone());
        let coupons = event.presented.iter().map(|presented| {
            let outcome = outcome(program, presented, raw);
            let name = presented.coupon.and_then(|id| program.instruments.name(InstrumentId::Coupon(id)));
            Code {
                code: presented.code.to_string(),
                coupon: name.map(|(_, name)| name.to_owned()),
                outcome: outcome.name().to_owned(),
                by: match outcome {
                    Outcome::Displaced(by) => Some(rule(by)),
                    Outcome::Accepted
                    | Outcome::Refused(_)
                    | Outcome::Conditions
                    | Outcome::Limit
                    | Outcome::Failed => None,
                },
            }
        });
        let issued = codes(program, event.id(), &raw.issues).map(|(issue, codes)| {
            let (kind, name) = program.instruments.name(issue.instrument).unwrap_or(("", ""));
            let site = issue.site.and_then(|site| program.sites.get(site.index()));
            Issued {
                kind: kind.to_owned(),
                name: name.to_owned(),
                codes,
                value: match issue.instrument {
                    InstrumentId::Certificate(_) => {
                        Some(decimal::print(i128::from(issue.number), program.currency.decimals))
                    }
                    InstrumentId::Coupon(_) | InstrumentId::Badge(_) => None,
                },
                expires: issue.expires.map(date_text),
                rule: issue.rule.map(rule),
                reason: site.and_then(|site| site.reason.clone()),
                to: site
                    .filter(|site| site.to.is_some())
                    .and_then(|_| owner_of(program, event, issue))
                    .map(str::to_owned),
            }
        });
        let sku = |gift: u32, option: u32| {
            let at = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
            let option = program.gifts.get(at(gift)).and_then(|gift| gift.options.get(at(option)));
            option.map_or_else(String::new, |option| option.sku.clone())
        };
        let gifts = raw.gifts.iter().map(|gift| Gift {
            sku: sku(gift.gift, gift.option),
            pieces: gift.pieces,
            added: gift.added,
            rule: rule(gift.rule),
            reason: program.sites.get(gift.site.index()).and_then(|site| site.reason.clone()),
        });
        let gift_offers = raw.gift_offers.iter().map(|offer| GiftOffer {
            rule: rule(offer.rule),
            pieces: offer.pieces,
            skus: offer.options.iter().map(|option| sku(offer.gift, *option)).collect(),
        });
        let set = raw.changes.iter().map(|change| {
            let slot = program.layout.event.get(change.slot.index());
            FieldSet {
                field: slot.map_or_else(String::new, |slot| slot.name.clone()),
                value: match name_of(program, event, change) {
                    Some(name) => name.to_owned(),
                    None => slot.map_or_else(String::new, |slot| written(program, slot.ty, change.value)),
                },
                until: change.until.map(date_text),
                rule: rule(change.rule),
            }
        });
        let tiers = raw.tiers.iter().filter_map(|change| {
            let tiers = program.instruments.tiers.get(usize::try_from(change.tiers).ok()?)?;
            let level = |level: i64| written(program, SlotType::Enum(tiers.levels), level);
            Some(LevelChange {
                tiers: tiers.name.clone(),
                from: level(change.from),
                to: level(change.to),
                at: format!("{}T{}", date_text(change.date), time_text(change.time)),
                with: if change.review { "review" } else { "event" }.to_owned(),
                until: change.until.map(date_text),
            })
        });
        Parts {
            coupons: coupons.collect(),
            issued: issued.collect(),
            gifts: gifts.collect(),
            gift_offers: gift_offers.collect(),
            set: set.collect(),
            tiers: tiers.collect(),
        }
    }

    /// Appends the lists that are not empty, each behind the end of the one before it.
    pub fn write(&self, out: &mut Vec<u8>) {
        list(out, "coupons", &self.coupons);
        list(out, "issued", &self.issued);
        list(out, "gifts", &self.gifts);
        list(out, "gift_offers", &self.gift_offers);
        list(out, "set", &self.set);
        list(out, "tiers", &self.tiers);
    }
}

fn list<T: Serialize>(out: &mut Vec<u8>, key: &str, entries: &[T]) {
    if entries.is_empty() {
        return;
    }
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":[");
    for (at, entry) in entries.iter().enumerate() {
        super::comma(out, at);
        // Structures of texts always have a JSON form.
        out.extend_from_slice(&serde_json::to_vec(entry).unwrap_or_default());
    }
    out.push(b']');
}

/// A slot's value as records write it.
pub(crate) fn written(program: &Program, ty: SlotType, value: i64) -> String {
    let wide = i128::from(value);
    match ty {
        SlotType::Bool => (value != 0).to_string(),
        SlotType::Money { scale } | SlotType::Number { scale } => decimal::print(wide, scale),
        SlotType::Points(account) => {
            let decimals = program.accounts.get(account.index()).map_or(0, |account| account.decimals);
            decimal::print(wide, decimals)
        }
        // Millionths of the whole as a number of percent.
        SlotType::Percent => decimal::print(wide, 4),
        SlotType::Date => date_text(value),
        SlotType::Time => time_text(value),
        SlotType::Enum(id) => {
            let values = program.enums.get(id.index()).map_or(&[][..], |values| &values.values);
            let name = usize::try_from(value).ok().and_then(|at| values.get(at));
            name.map_or_else(|| value.to_string(), Clone::clone)
        }
        SlotType::Instant => instant_text(value),
        SlotType::Count | SlotType::Symbol(_) | SlotType::Set(_) => value.to_string(),
    }
}
