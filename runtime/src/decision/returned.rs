//! What a decision says of goods that come back: what is refunded, and what becomes of what the purchase gave. Refuses to
//! know how that was worked out.

use super::{Claim, Names};
use crate::clock::instant_text;
use crate::decimal;
use crate::record::ReadEvent;
use crate::returns::{Correction, NoReturn, Returned};
use perq_compiler::ir::AccountId;
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
        let claims = returned.claims.iter().map(|claim| Claim {
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
            corrections: returned.corrections.iter().map(|one| corrected(names, returned, one)).collect(),
            claims: claims.collect(),
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
