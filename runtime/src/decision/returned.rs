//! What a decision says of goods that come back: what is refunded, and what becomes of what the purchase gave. Refuses to
//! know how that was worked out.

use super::{Claim, Names};
use crate::clock::instant_text;
use crate::decimal;
use crate::record::ReadEvent;
use crate::returns::beside::{Unset, Withdrawn};
use crate::returns::{Correction, NoReturn, Returned};
use crate::state::instruments::Value;
use perq_compiler::ir::{AccountId, SiteId};
use serde::{Deserialize, Serialize};

/// What comes back of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComesBack {
    /// The id of the purchase.
    pub of: String,
    /// Nothing of it is left.
    pub whole: bool,
    /// The pieces, and the share of each line that is refunded.
    pub lines: Vec<BackLine>,
    /// What the customer is given in money.
    pub refund: String,
    /// The tax in it, where the program says how tax stands in prices.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tax: Option<String>,
    /// What points had paid of the pieces, in the currency; they come back as points.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub points: Option<String>,
    /// What becomes of what the purchase awarded and took.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub corrections: Vec<Corrected>,
    /// By how much the purchase's claims change, at its own instant; below zero where they shrink.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub claims: Vec<Claim>,
    /// Coupons, certificates and badges that the purchase gave and that are withdrawn, and certificates that are worth less.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub withdrawn: Vec<Withdrawal>,
    /// Fields of the member that are no longer set as the purchase had set them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unset: Vec<FieldUnset>,
    /// Codes that the purchase redeemed and that can be redeemed once more.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub codes: Vec<String>,
}

/// Something that was issued and is withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// `coupon`, `certificate` or `badge`.
    pub kind: String,
    /// Which, as the program names it.
    pub name: String,
    /// Its code; none of a badge.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// How often it has been redeemed already; what that gave stays.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uses: Option<u32>,
    /// What a certificate is still worth, in the currency; then it is not withdrawn.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// The rule that had issued it; none of a badge that was earned by its own condition.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
    /// The id of the member whose it is, where that is not the purchase's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
}

/// A field that is no longer set as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldUnset {
    /// As rules write it.
    pub field: String,
    /// To what it is set now, as records write it. Absent where what was before the purchase holds again, unless something
    /// later has set the field.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// The rule that had set it.
    pub rule: String,
}

/// Pieces of a line that come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackLine {
    /// The line's position in the purchase, from 1.
    pub line: u32,
    /// Its sku.
    pub sku: String,
    /// How many.
    pub pieces: i64,
    /// Their share of what was paid for the line after discounts.
    pub paid: String,
    /// Of that, what points had paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub points: Option<String>,
}

/// An award or a debit of the purchase that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corrected {
    /// `award` or `debit`.
    pub kind: String,
    /// By how much it changes; below zero where less is awarded, or less taken.
    pub amount: String,
    /// The account.
    pub account: String,
    /// Its rule.
    pub rule: String,
    /// The id of the member whose it is, where that is not the purchase's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
    /// What is taken from lots of the award, below zero, or given back to lots that paid.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lots: Vec<LotChange>,
    /// What is taken from other lots.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub other_lots: Option<String>,
    /// What is owed for it from now on; below zero where less is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owed: Option<String>,
    /// What should be taken back, and is not there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub missing: Option<String>,
}

/// A lot that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotChange {
    /// By how much.
    pub amount: String,
    /// The instant from which it can be spent.
    pub available: String,
    /// The instant from which it is gone, where it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<String>,
}

impl ComesBack {
    /// Of an event with which something comes back.
    pub(super) fn of(names: &Names, event: &ReadEvent) -> Option<ComesBack> {
        let returned = event.returned.as_ref()?.as_ref().ok()?;
        let lines = returned.lines.iter().map(|line| BackLine {
            line: line.of.saturating_add(1),
            sku: event.sku(line.row as usize).to_owned(),
            pieces: line.pieces,
            paid: names.money(line.refund.paid),
            points: Some(line.refund.points).filter(|points| *points != 0).map(|points| names.money(points)),
        });
        let refund = returned.refund;
        let undone = || returned.all().map(|returned| &returned.undone);
        let claims = returned.all().flat_map(|returned| &returned.claims).map(|claim| Claim {
            counter: super::text(&names.counters, claim.counter.index()),
            amount: decimal::print(i128::from(claim.amount), names.claim_decimals(claim.counter)),
        });
        Some(ComesBack {
            of: returned.origin.id.to_string(),
            whole: returned.whole,
            lines: lines.collect(),
            refund: names.money(refund.money(&names.program)),
            tax: names.has_tax.then(|| names.money(refund.tax)),
            points: Some(refund.points).filter(|points| *points != 0).map(|points| names.money(points)),
            corrections: returned
                .all()
                .flat_map(|returned| &returned.corrections)
                .map(|one| corrected(names, returned, one))
                .collect(),
            claims: claims.collect(),
            withdrawn: undone()
                .flat_map(|one| &one.withdrawn)
                .map(|one| withdrawal(names, returned, one))
                .collect(),
            unset: undone().flat_map(|one| &one.fields).map(|one| unset(names, one)).collect(),
            codes: undone().flat_map(|one| &one.uses).map(|code| code.to_string()).collect(),
        })
    }
}

fn corrected(names: &Names, returned: &Returned, correction: &Correction) -> Corrected {
    let account: AccountId = correction.account;
    let amount = |amount: i64| decimal::print(i128::from(amount), names.decimals(Some(account)));
    let some = |of: i64| Some(of).filter(|of| *of != 0).map(amount);
    let moved = &correction.moved;
    let to = correction.owner.as_deref().filter(|owner| returned.origin.member.as_deref() != Some(*owner));
    Corrected {
        kind: if correction.debit { "debit" } else { "award" }.to_owned(),
        amount: amount(correction.amount),
        account: names.account(account),
        rule: super::text(&names.rules, correction.rule.index()),
        to: to.map(str::to_owned),
        lots: moved
            .lots
            .iter()
            .map(|(lot, change)| LotChange {
                amount: amount(*change),
                available: instant_text(lot.from),
                expires: lot.until.map(instant_text),
            })
            .collect(),
        other_lots: some(moved.others),
        owed: some(moved.owed),
        missing: some(moved.missing),
    }
}

fn withdrawal(names: &Names, returned: &Returned, withdrawn: &Withdrawn) -> Withdrawal {
    let gave = &withdrawn.gave;
    let (kind, name) = names.program.instruments.name(gave.instrument).unwrap_or(("", ""));
    let to = gave.owner.as_deref().filter(|owner| returned.origin.member.as_deref() != Some(*owner));
    Withdrawal {
        kind: kind.to_owned(),
        name: name.to_owned(),
        code: gave.code.as_deref().map(str::to_owned),
        uses: Some(withdrawn.uses).filter(|uses| *uses > 0),
        value: Some(withdrawn.left).filter(|left| *left > 0).map(|left| names.money(left)),
        rule: gave.site.map(|site| rule_of(names, site)),
        to: to.map(str::to_owned),
    }
}

fn unset(names: &Names, unset: &Unset) -> FieldUnset {
    let slot = names.program.layout.event.get(unset.set.slot.index());
    let written = |value: &Value| match value {
        Value::Name(name) => name.to_string(),
        Value::Number(number) => slot
            .map_or_else(String::new, |slot| super::instruments::written(&names.program, slot.ty, *number)),
    };
    FieldUnset {
        field: slot.map_or_else(String::new, |slot| slot.name.clone()),
        value: unset.left.as_ref().map(|(value, _)| written(value)),
        rule: rule_of(names, unset.set.site),
    }
}

fn rule_of(names: &Names, site: SiteId) -> String {
    let rule = names.program.sites.get(site.index()).map(|site| site.rule).unwrap_or_default();
    super::text(&names.rules, rule.index())
}

/// A return of which nothing comes back.
pub(super) fn refused(event: &ReadEvent) -> Option<super::Refused> {
    let Some(Err(why)) = &event.returned else { return None };
    let why: &NoReturn = why;
    Some(super::Refused {
        redemption: None,
        account: None,
        of: event.of().map(str::to_owned),
        line: why.row().map(|row| row.saturating_add(1)),
        pieces: why.pieces(),
        because: why.name().to_owned(),
        words: Some(why.words(event)),
        by: None,
        say: Vec::new(),
    })
}
