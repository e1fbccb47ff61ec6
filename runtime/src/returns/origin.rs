//! What is kept of an event for the goods that may come back of it: its record as its rules saw it, what it was given, and
//! what is left of that. Everything a store has to keep for returns is here, and nothing that it keeps anyway. Refuses to
//! know how it is stored.

use super::beside::Beside;
use super::excerpt::Excerpt;
use super::remembered::Remembered;
use super::{Refund, Returned};
use crate::record::{ReadEvent, Reader, Schema};
use crate::state::lots::Held;
use perq_compiler::calendar::Instant;
use perq_compiler::evaluate::spread::over_pieces;
use perq_compiler::evaluate::{Claim, Decision, Effect, Kept, KeptDeed, KeptLine, Record, Share, is_settled};
use perq_compiler::ir::{
    AccountId, Cancel, MISSING, Program, RuleId, SiteId, SiteKind, SlotId, event_slot, line_slot,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An event of which goods may come back. Its numbers of slots, sites, counters and accounts are those of the pack that
/// decided it: a return is decided with that pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its id.
    pub id: Box<str>,
    /// Its place in the order in which events were kept: what was kept before it is what it saw.
    pub order: u64,
    /// It was decided, rather than told to have been.
    pub decided: bool,
    /// Whose it was.
    pub member: Option<Box<str>>,
    /// Other members, by the slot that names them.
    pub others: Vec<(SlotId, Box<str>)>,
    /// The member's level before it, by tiers of the program, and the last day on which that was kept.
    pub levels: Vec<(i64, Option<i64>)>,
    /// What the member could spend before it, of the accounts from which rules take.
    pub held: Vec<Held>,
    /// As its rules saw it.
    pub record: Remembered,
    /// Its lines as they were settled.
    pub lines: Vec<OriginLine>,
    /// What applied.
    pub effects: Vec<Effect>,
    /// What rules did besides before anything was earned.
    pub deeds: Vec<KeptDeed>,
    /// What is left of its awards and debits, by effect of the text, ascending.
    pub left: Vec<Left>,
    /// What is left of its claims.
    pub claims: Vec<Claim>,
    /// What is left of what it did besides amounts.
    pub beside: Beside,
    /// What came of levels that it made its member reach, as far as they stand.
    pub risen: Vec<Risen>,
}

/// What rules gave for a level that was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risen {
    /// Of which levels, of [`perq_compiler::ir::Instruments::tiers`].
    pub tiers: u32,
    /// The level before, by position.
    pub from: i64,
    /// The level that was reached.
    pub to: i64,
    /// The event that rules heard.
    pub heard: Origin,
}

/// A line as it was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginLine {
    /// Its sku.
    pub sku: Excerpt,
    /// Its pieces.
    pub pieces: i64,
    /// What was paid after all discounts.
    pub paid: i64,
    /// Of that, what points paid.
    pub tendered: i64,
    /// Its tax.
    pub tax: i64,
    /// Pieces that have come back.
    pub returned: i64,
}

/// What is left of what an effect awarded or took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Which effect.
    pub site: SiteId,
    /// Of which account.
    pub account: AccountId,
    /// It took.
    pub debit: bool,
    /// How much; above zero.
    pub amount: i64,
}

/// The part of an amount that falls on the first few of some pieces: the first ones have a minor unit more.
pub fn part(amount: i64, pieces: i64, first: i64) -> i64 {
    if pieces < 1 {
        return 0;
    }
    let first = first.clamp(0, pieces);
    let (each, larger) = over_pieces(amount, pieces);
    each.saturating_mul(first).saturating_add(larger.min(first))
}

impl OriginLine {
    /// What is refunded for the first few pieces that come back.
    pub fn refund(&self, pieces: i64) -> Refund {
        let of = |amount: i64| part(amount, self.pieces, pieces);
        Refund { paid: of(self.paid), tax: of(self.tax), points: of(self.tendered) }
    }
}

impl Origin {
    /// An event that was decided, as it is kept, with the members that these slots of it name; without what its member had
    /// before it.
    pub(crate) fn of(
        program: &Program,
        (schema, reader): (&Schema, &Reader),
        (event, others): (&ReadEvent, &[SlotId]),
        decision: &Decision,
        order: u64,
    ) -> Origin {
        let width = event.record.line_width.max(1);
        let tendered = |row: u32| {
            let shares = decision.tenders.iter().flat_map(|tender| &tender.shares);
            let shares = shares.filter(|share| share.row == row);
            shares.fold(0i64, |sum, share| sum.saturating_add(share.amount))
        };
        let lines = event.record.lines.chunks_exact(width).zip(&decision.lines).zip(event.skus()).zip(0u32..);
        let settled = |rule: RuleId| {
            let group =
                program.rules.get(rule.index()).and_then(|rule| program.groups.get(rule.group.index()));
            group.is_some_and(|group| is_settled(group.phase))
        };
        let issues = decision.issues.iter().filter_map(|issue| {
            Some(KeptDeed { rule: issue.rule?, site: issue.site?, number: issue.number })
        });
        let changes = decision.changes.iter().map(|change| KeptDeed {
            rule: change.rule,
            site: change.site,
            number: change.value,
        });
        Origin {
            id: event.id().into(),
            order,
            decided: true,
            member: event.member().map(Box::from),
            others: others.iter().filter_map(|slot| Some((*slot, Box::from(event.other(*slot)?)))).collect(),
            levels: Vec::new(),
            held: Vec::new(),
            record: Remembered::of(schema, reader, &event.record),
            lines: lines
                .map(|(((line, total), sku), row)| OriginLine {
                    sku,
                    pieces: line.get(line_slot::PIECES.index()).copied().unwrap_or(0),
                    paid: total.paid,
                    tendered: tendered(row),
                    tax: total.tax,
                    returned: 0,
                })
                .collect(),
            effects: decision.effects.clone(),
            deeds: issues.chain(changes).filter(|deed| settled(deed.rule)).collect(),
            left: left(&decision.effects),
            claims: decision.claims.clone(),
            beside: Beside::of(program, event, decision),
            risen: Vec::new(),
        }
    }

    /// It gave nothing, and claimed nothing.
    pub(crate) fn gave_nothing(&self) -> bool {
        self.effects.is_empty() && self.claims.is_empty() && self.beside.is_empty()
    }

    /// When it happened.
    pub fn now(&self) -> Instant {
        self.record.now()
    }

    /// Whose an effect of it is.
    pub fn owner(&self, program: &Program, site: SiteId) -> Option<&str> {
        match program.sites.get(site.index())?.to {
            None => self.member.as_deref(),
            Some(slot) => self.other(slot),
        }
    }

    /// The member that a slot of it names.
    pub fn other(&self, slot: SlotId) -> Option<&str> {
        self.others.iter().find(|(of, _)| *of == slot).map(|(_, name)| &**name)
    }

    /// It, once these goods have come back.
    pub fn after(&self, returned: &Returned) -> Origin {
        let mut origin = self.clone();
        for (line, pieces) in origin.lines.iter_mut().zip(&returned.pieces) {
            line.returned = *pieces;
        }
        origin.left.clone_from(&returned.left);
        origin.claims.clone_from(&returned.claims_left);
        origin.beside.clone_from(&returned.beside);
        for fallen in &returned.fallen {
            let heard = |risen: &Risen| risen.heard.id == fallen.heard.origin.id;
            match (fallen.heard.whole, origin.risen.iter().position(heard)) {
                (_, None) => {}
                (true, Some(at)) => {
                    origin.risen.remove(at);
                }
                (false, Some(at)) => {
                    if let Some(risen) = origin.risen.get_mut(at) {
                        (risen.to, risen.heard) = (fallen.to, risen.heard.after(&fallen.heard));
                    }
                }
            }
        }
        origin
    }

    /// The record and what stays of what was settled, where so many pieces of each line have come back.
    pub(crate) fn kept(
        &self,
        program: &Program,
        schema: &Schema,
        reader: &mut Reader,
        back: &[i64],
    ) -> (Record, Kept) {
        let mut record = self.record.restore(schema, reader);
        // By row: the row among what is left.
        let mut rows: Vec<Option<u32>> = Vec::new();
        let mut count = 0u32;
        for (line, back) in self.lines.iter().zip(back) {
            let stays = line.pieces < 1 || *back < line.pieces;
            rows.push(stays.then_some(count));
            count = count.saturating_add(u32::from(stays));
        }
        let mut kept = Kept::default();
        let (mut slots, mut sum) = (Vec::new(), 0i64);
        let width = record.line_width.max(1);
        let lines = record.lines.chunks_exact(width).zip(&self.lines).zip(back).zip(&rows);
        for (((slots_of, line), back), row) in lines {
            let Some(row) = row else { continue };
            let start = slots.len();
            slots.extend_from_slice(slots_of);
            let left = |amount: i64| amount.saturating_sub(part(amount, line.pieces, *back));
            let own = slots.get_mut(start..).unwrap_or(&mut []);
            let initial = own.get(line_slot::INITIAL.index()).copied().filter(|value| *value != MISSING);
            let initial = left(initial.unwrap_or(0));
            sum = sum.saturating_add(initial);
            for (slot, value) in [
                (line_slot::POSITION, i64::from(*row).saturating_add(1)),
                (line_slot::PIECES, line.pieces.saturating_sub(*back)),
                (line_slot::INITIAL, initial),
                (line_slot::PAID, initial),
            ] {
                if let Some(place) = own.get_mut(slot.index()) {
                    *place = value;
                }
            }
            kept.lines.push(KeptLine { paid: left(line.paid), tendered: left(line.tendered) });
        }
        record.lines = slots;
        for slot in [event_slot::BASKET_INITIAL, event_slot::BASKET_PAID] {
            if let Some(place) = record.event.get_mut(slot.index()) {
                *place = sum;
            }
        }
        let shares = |effect: &Effect| -> Vec<Share> {
            let share = |share: &Share| {
                let at = usize::try_from(share.row).ok()?;
                let (line, back, row) = (self.lines.get(at)?, *back.get(at)?, (*rows.get(at)?)?);
                let amount = share.amount.saturating_sub(part(share.amount, line.pieces, back));
                let pieces = share.pieces.min(line.pieces.saturating_sub(back));
                (amount != 0).then_some(Share { row, pieces, amount })
            };
            effect.shares.iter().filter_map(share).collect()
        };
        for effect in &self.effects {
            let phase = program.groups.get(effect.group.index()).map(|group| group.phase);
            let cancel = cancel_of(program, effect.site);
            let is_settled = phase.is_some_and(is_settled);
            if !is_settled && cancel.is_none() {
                continue;
            }
            let touched = match effect.shares.as_slice() {
                [] => back.iter().any(|back| *back > 0),
                shares => {
                    shares.iter().any(|share| back.get(share.row as usize).is_some_and(|back| *back > 0))
                }
            };
            if cancel == Some(Cancel::All) && touched {
                continue;
            }
            let mut left = effect.clone();
            if effect.shares.is_empty() {
                let (whole, gone) = match is_settled {
                    true => self.discounts(effect.rule, back),
                    false => self.pieces(back),
                };
                left.amount = effect.amount.saturating_sub(share_of(effect.amount, whole, gone));
            } else {
                left.shares = shares(effect);
                left.amount = left.shares.iter().fold(0i64, |sum, share| sum.saturating_add(share.amount));
            }
            if left.amount == 0 {
                continue;
            }
            match is_settled {
                true => kept.settled.push(left),
                false => kept.cancellable.push(left),
            }
        }
        // What stands beside a discount stays with it.
        let discounts = |effects: &[Effect], rule: RuleId| effects.iter().any(|effect| effect.rule == rule);
        let stays =
            |deed: &&KeptDeed| discounts(&kept.settled, deed.rule) || !discounts(&self.effects, deed.rule);
        kept.deeds = self.deeds.iter().filter(stays).copied().collect();
        (record, kept)
    }

    /// What a rule took off the price, and how much of that has come back; where it took nothing off, its debit stays as
    /// long as anything does.
    fn discounts(&self, rule: RuleId, back: &[i64]) -> (i64, i64) {
        let (mut whole, mut gone) = (0i64, 0i64);
        let discounts = self.effects.iter().filter(|effect| effect.rule == rule && effect.account.is_none());
        for share in discounts.flat_map(|effect| &effect.shares) {
            let Some((line, back)) = self.lines.get(share.row as usize).zip(back.get(share.row as usize))
            else {
                continue;
            };
            whole = whole.saturating_add(share.amount);
            gone = gone.saturating_add(part(share.amount, line.pieces, *back));
        }
        (whole, gone)
    }

    /// All pieces, and those that have come back.
    fn pieces(&self, back: &[i64]) -> (i64, i64) {
        let whole = self.lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.pieces.max(0)));
        (whole, back.iter().fold(0i64, |sum, back| sum.saturating_add((*back).max(0))))
    }
}

/// The part of an amount that falls on some of the whole, rounded down.
fn share_of(amount: i64, whole: i64, part: i64) -> i64 {
    let product = i128::from(amount).saturating_mul(i128::from(part));
    let share = product.checked_div(i128::from(whole)).unwrap_or(0);
    i64::try_from(share).unwrap_or(0)
}

fn cancel_of(program: &Program, site: SiteId) -> Option<Cancel> {
    match program.sites.get(site.index())?.kind {
        SiteKind::Award { life, .. } => life.cancel,
        SiteKind::Multiply { .. }
        | SiteKind::Debit { .. }
        | SiteKind::Discount { .. }
        | SiteKind::Gift { .. }
        | SiteKind::Issue { .. }
        | SiteKind::Tell { .. }
        | SiteKind::Set { .. }
        | SiteKind::Tender { .. } => None,
    }
}

/// The awards and debits among effects, put together by effect of the text.
pub(crate) fn left(effects: &[Effect]) -> Vec<Left> {
    let mut sums: BTreeMap<SiteId, Left> = BTreeMap::new();
    for effect in effects {
        let Some(account) = effect.account else { continue };
        let (site, debit) = (effect.site, effect.debit);
        let sum = sums.entry(site).or_insert(Left { site, account, debit, amount: 0 });
        sum.amount = sum.amount.saturating_add(effect.amount);
    }
    sums.into_values().filter(|left| left.amount != 0).collect()
}
