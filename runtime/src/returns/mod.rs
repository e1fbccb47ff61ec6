//! Goods that come back: what a return brings back of which purchase, what is refunded, and what becomes of what the
//! purchase gave.
//!
//! Money is what was stored with the purchase. What was awarded is worked out again: the purchase is decided once more
//! without what has come back of it, on the state of then, and the difference is posted. Refuses to know where state is
//! kept and which engine decides.

pub mod beside;
mod correct;
mod excerpt;
pub mod origin;
pub(crate) mod remembered;
#[cfg(test)]
mod tests;

use beside::{Beside, Undone, Withdrawn};
pub use correct::Correction;
pub use excerpt::Excerpt;
pub use origin::{Left, Origin, OriginLine, Risen};
pub use remembered::Remembered;

use crate::catalogue::bind;
use crate::record::{ReadEvent, Reader, Schema};
use crate::state::State;
use crate::state::lots::Held;
use crate::state::review::Lost;
use perq_compiler::evaluate::{
    Claim, Claimed, Decision, Effect, Kept, LineTotal, Record, RuleFault, Share, Tallies, TierChange,
};
use perq_compiler::exact::divide_rounded;
use perq_compiler::ir::{
    AccountId, CounterId, GroupId, InstrumentId, MISSING, Program, Rounding, RuleId, SlotId, StateRead,
    event_slot, line_slot,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Decides an event again of which goods have come back: its record, what had been claimed then, and what is left of it.
pub(crate) type Again<'a> = dyn FnMut(&mut Record, &dyn Claimed, &Kept) -> Decision + 'a;

/// Why nothing comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoReturn {
    /// The program says nothing of returns, so nothing is kept for them.
    NotKept,
    /// No event with this id was kept that something could come back of.
    UnknownPurchase,
    /// It is the purchase of another member.
    OtherMember,
    /// It was bought later.
    BeforePurchase,
    /// No line says what comes back.
    NothingReturned,
    /// A line brings back less than a piece.
    WrongPieces {
        /// Which line, from 0.
        row: u32,
    },
    /// It was not bought there.
    NotBought {
        /// Which line, from 0.
        row: u32,
    },
    /// More comes back than was bought and has not come back before.
    MoreThanBought {
        /// Which line, from 0.
        row: u32,
        /// How many pieces too many.
        pieces: i64,
    },
}

impl NoReturn {
    /// Its lasting name.
    pub fn name(&self) -> &'static str {
        match self {
            NoReturn::NotKept => "not-kept",
            NoReturn::UnknownPurchase => "unknown-purchase",
            NoReturn::OtherMember => "other-member",
            NoReturn::BeforePurchase => "before-purchase",
            NoReturn::NothingReturned => "nothing-returned",
            NoReturn::WrongPieces { .. } => "wrong-pieces",
            NoReturn::NotBought { .. } => "not-bought",
            NoReturn::MoreThanBought { .. } => "more-than-bought",
        }
    }

    /// The line that it is about, from 0.
    pub fn row(&self) -> Option<u32> {
        match self {
            NoReturn::NotKept
            | NoReturn::UnknownPurchase
            | NoReturn::OtherMember
            | NoReturn::BeforePurchase
            | NoReturn::NothingReturned => None,
            NoReturn::WrongPieces { row }
            | NoReturn::NotBought { row }
            | NoReturn::MoreThanBought { row, .. } => Some(*row),
        }
    }

    /// How many pieces too many.
    pub fn pieces(&self) -> Option<i64> {
        match self {
            NoReturn::MoreThanBought { pieces, .. } => Some(*pieces),
            NoReturn::NotKept
            | NoReturn::UnknownPurchase
            | NoReturn::OtherMember
            | NoReturn::BeforePurchase
            | NoReturn::NothingReturned
            | NoReturn::WrongPieces { .. }
            | NoReturn::NotBought { .. } => None,
        }
    }

    /// In words, for a return.
    pub fn words(&self, event: &ReadEvent) -> String {
        let of = event.of().unwrap_or_default();
        let sku = |row: u32| event.sku(row as usize);
        match self {
            NoReturn::NotKept => "the programme says nothing of returns, so no purchase is kept for them; \
                 `shortfall` in an account is enough"
                .to_owned(),
            NoReturn::UnknownPurchase => format!("no purchase \"{of}\" is kept"),
            NoReturn::OtherMember => format!("\"{of}\" is the purchase of another member"),
            NoReturn::BeforePurchase => format!("\"{of}\" was bought later than it comes back"),
            NoReturn::NothingReturned => "no line says what comes back".to_owned(),
            NoReturn::WrongPieces { row } => format!("of \"{}\" less than a piece comes back", sku(*row)),
            NoReturn::NotBought { row } => format!("\"{}\" was not bought with \"{of}\"", sku(*row)),
            NoReturn::MoreThanBought { row, pieces } => {
                format!("of \"{}\" {pieces} more come back than \"{of}\" has left", sku(*row))
            }
        }
    }
}

/// What comes back with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// Of what, as it was kept before.
    pub origin: Arc<Origin>,
    /// What comes back, in the order of the return's lines.
    pub lines: Vec<ReturnedLine>,
    /// By row of the origin: the pieces that have come back, these among them.
    pub pieces: Vec<i64>,
    /// Nothing of it is left.
    pub whole: bool,
    /// What is refunded, of all lines.
    pub refund: Refund,
    /// What becomes of what was awarded and taken.
    pub corrections: Vec<Correction>,
    /// By how much the claims of the origin change, at its own instant.
    pub claims: Vec<Claim>,
    /// What is left of the origin's awards and debits.
    pub left: Vec<Left>,
    /// What is left of its claims.
    pub claims_left: Vec<Claim>,
    /// What the origin's member can spend then, of the accounts that change.
    pub held: Vec<Held>,
    /// Rules that failed where the origin was decided again.
    pub faults: Vec<RuleFault>,
    /// What is left of what the origin did besides amounts.
    pub beside: Beside,
    /// What of that is undone.
    pub undone: Undone,
    /// Levels that are taken back, with what rules gave for them.
    pub fallen: Vec<Fallen>,
    /// The level that the origin is decided again at, and the slot that holds it: of an event that rules heard of a level.
    pub level: Option<(SlotId, i64)>,
}

/// A level that is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallen {
    /// The level from now on, by position.
    pub to: i64,
    /// What comes back of the event that rules heard of it.
    pub heard: Returned,
}

/// Pieces of a line that come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnedLine {
    /// The return's line, from 0.
    pub row: u32,
    /// The origin's line, from 0.
    pub of: u32,
    /// How many.
    pub pieces: i64,
    /// What is refunded.
    pub refund: Refund,
}

/// Money that is given back, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refund {
    /// The share of the price after all discounts.
    pub paid: i64,
    /// Its tax, in it or on top of it.
    pub tax: i64,
    /// What points had paid of it; these come back as points.
    pub points: i64,
}

impl Refund {
    fn plus(self, other: Refund) -> Refund {
        Refund {
            paid: self.paid.saturating_add(other.paid),
            tax: self.tax.saturating_add(other.tax),
            points: self.points.saturating_add(other.points),
        }
    }

    /// What the customer is given in money.
    pub fn money(self, program: &Program) -> i64 {
        let on_top = program.tax.is_some_and(|tax| !tax.included);
        let price = if on_top { self.paid.saturating_add(self.tax) } else { self.paid };
        price.saturating_sub(self.points)
    }
}

/// Works out what comes back with an event that names what it comes back of.
pub(crate) fn before(
    program: &Program,
    state: &dyn State,
    (schema, reader): (&Schema, &mut Reader),
    event: &mut ReadEvent,
    again: &mut Again<'_>,
) {
    event.returned = None;
    if !program.is_return(event.record.kind) || event.of().is_none() {
        return;
    }
    let found = if program.returns { find(state, event) } else { Err(NoReturn::NotKept) };
    let returned = found.and_then(|origin| {
        let mut returned = matched(&origin, event)?;
        describe(program, (schema, reader), event, &returned);
        if event.member().is_none()
            && let Some(member) = &origin.member
        {
            reader.adopt(schema, event, member);
        }
        let zone = &schema.values.zone;
        let now = crate::state::now(&event.record).at;
        correct::correct(program, zone, state, (schema, reader), now, &mut returned, again);
        Ok(Box::new(returned))
    });
    event.returned = Some(returned);
}

/// Works out what else comes back, once it is known what the member still measures up to: badges that have conditions of
/// their own, and what rules gave for levels that are taken back.
pub(crate) fn after(
    program: &Program,
    state: &mut dyn State,
    (schema, reader): (&Schema, &mut Reader),
    event: &mut ReadEvent,
    lost: &Lost,
    again: &mut Again<'_>,
) {
    let now = crate::state::now(&event.record).at;
    let Some(Ok(returned)) = &mut event.returned else { return };
    let mut found = false;
    returned.beside.gave.retain(|gave| {
        let is_lost = gave.site.is_none()
            && lost.badges.iter().any(|badge| gave.instrument == InstrumentId::Badge(*badge));
        if is_lost {
            found = true;
            returned.undone.withdrawn.push(Withdrawn { gave: gave.clone(), left: 0, uses: 0 });
        }
        !is_lost
    });
    let origin = Arc::clone(&returned.origin);
    for risen in &origin.risen {
        let fell = |change: &&TierChange| change.tiers == risen.tiers && change.to < risen.to;
        let Some(change) = lost.levels.iter().find(fell) else { continue };
        let slot = program.instruments.tiers.get(risen.tiers as usize).map(|tiers| tiers.slot);
        let mut heard = Returned {
            whole: change.to <= risen.from,
            level: slot.map(|slot| (slot, change.to)),
            ..Returned::of(&Arc::new(risen.heard.clone()))
        };
        let zone = &schema.values.zone;
        correct::correct(program, zone, &*state, (schema, reader), now, &mut heard, again);
        returned.fallen.push(Fallen { to: change.to, heard });
        found = true;
    }
    if found {
        state.take_back(event);
    }
}

/// Refuses an event that names what it comes back of, where nothing is kept.
pub(crate) fn unkept(program: &Program, event: &mut ReadEvent) {
    let is_return = program.is_return(event.record.kind) && event.of().is_some();
    let why = if program.returns { NoReturn::UnknownPurchase } else { NoReturn::NotKept };
    event.returned = is_return.then_some(Err(why));
}

/// What a return comes back of.
fn find(state: &dyn State, event: &ReadEvent) -> Result<Arc<Origin>, NoReturn> {
    let origin = event.of().and_then(|of| state.origin(of)).ok_or(NoReturn::UnknownPurchase)?;
    let now = event.record.event.get(event_slot::AT.index()).copied().unwrap_or(MISSING);
    if event.member().is_some_and(|member| origin.member.as_deref() != Some(member)) {
        return Err(NoReturn::OtherMember);
    }
    if now < origin.now().at {
        return Err(NoReturn::BeforePurchase);
    }
    Ok(origin)
}

/// Which pieces come back: of the line that is named, else of lines with the same sku, in the order of the receipt.
fn matched(origin: &Arc<Origin>, event: &ReadEvent) -> Result<Returned, NoReturn> {
    let mut pieces: Vec<i64> = origin.lines.iter().map(|line| line.returned).collect();
    let mut lines = Vec::new();
    if event.line_count() == 0 {
        return Err(NoReturn::NothingReturned);
    }
    // By sku: its lines, of which those before the number have nothing left.
    let mut sold: BTreeMap<&str, (usize, Vec<u32>)> = BTreeMap::new();
    for (line, of) in origin.lines.iter().zip(0u32..).filter(|(line, _)| line.pieces > 0) {
        sold.entry(&*line.sku).or_default().1.push(of);
    }
    let width = event.record.line_width.max(1);
    for (slots, row) in event.record.lines.chunks_exact(width).zip(0u32..) {
        let mut wanted = slots.get(line_slot::PIECES.index()).copied().unwrap_or(0);
        if wanted < 1 {
            return Err(NoReturn::WrongPieces { row });
        }
        let named = event.of_line(row as usize);
        let Some((used_up, rows)) = sold.get_mut(event.sku(row as usize)) else {
            return Err(NoReturn::NotBought { row });
        };
        let these = match named {
            None => rows.get(*used_up..),
            Some(named) => {
                let of = named.checked_sub(1).and_then(|of| u32::try_from(of).ok());
                let at = of.and_then(|of| rows.binary_search(&of).ok()).ok_or(NoReturn::NotBought { row })?;
                rows.get(at..at.saturating_add(1))
            }
        };
        for of in these.unwrap_or(&[]).iter().copied() {
            let Some((line, back)) = origin.lines.get(of as usize).zip(pieces.get_mut(of as usize)) else {
                continue;
            };
            let taken = line.pieces.saturating_sub(*back).clamp(0, wanted);
            if taken == 0 {
                if named.is_some() || wanted == 0 {
                    break;
                }
                // Those before it here have just been used up, too.
                *used_up = used_up.saturating_add(1);
                continue;
            }
            let refund = line.refund(back.saturating_add(taken)).less(line.refund(*back));
            *back = back.saturating_add(taken);
            wanted = wanted.saturating_sub(taken);
            lines.push(ReturnedLine { row, of, pieces: taken, refund });
        }
        if wanted > 0 {
            return Err(NoReturn::MoreThanBought { row, pieces: wanted });
        }
    }
    let whole = origin.lines.iter().zip(&pieces).all(|(line, back)| line.pieces < 1 || *back >= line.pieces);
    let refund = lines.iter().fold(Refund::default(), |sum, line: &ReturnedLine| sum.plus(line.refund));
    Ok(Returned { lines, pieces, whole, refund, ..Returned::of(origin) })
}

impl Refund {
    fn less(self, other: Refund) -> Refund {
        Refund {
            paid: self.paid.saturating_sub(other.paid),
            tax: self.tax.saturating_sub(other.tax),
            points: self.points.saturating_sub(other.points),
        }
    }
}

/// Writes into a return what its lines cost and were: the share that is refunded, and the fields of what was bought.
fn describe(
    program: &Program,
    (schema, reader): (&Schema, &mut Reader),
    event: &mut ReadEvent,
    returned: &Returned,
) {
    let bought = returned.origin.record.restore(schema, reader);
    // Sets of the origin's lines lie behind those of the return.
    let shift = event.record.symbols.len();
    event.record.symbols.extend_from_slice(&bought.symbols);
    let width = event.record.line_width.max(1);
    let per_minor = i128::from(schema.price_per_minor);
    for (slots, row) in event.record.lines.chunks_exact_mut(width).zip(0u32..) {
        let parts = || returned.of_row(row).iter();
        let paid = parts().fold(0i64, |sum, line| sum.saturating_add(line.refund.paid));
        let pieces = parts().fold(0i64, |sum, line| sum.saturating_add(line.pieces));
        let scaled = i128::from(paid).saturating_mul(per_minor);
        let price = divide_rounded(scaled, i128::from(pieces.max(1)), Rounding::HalfUp);
        let price = price.ok().and_then(|price| i64::try_from(price).ok()).unwrap_or(0);
        for (slot, value) in [(line_slot::PRICE, price), (line_slot::INITIAL, paid), (line_slot::PAID, paid)]
        {
            if let Some(place) = slots.get_mut(slot.index()) {
                *place = value;
            }
        }
        let Some(first) = parts().next() else { continue };
        let start = (first.of as usize).saturating_mul(width);
        let own = bought.lines.get(start..start.saturating_add(width)).unwrap_or(&[]);
        for ((place, value), slot) in slots.iter_mut().zip(own).zip(&program.layout.line) {
            if *place == MISSING && *value != MISSING {
                *place = if slot.ty.set().is_some() { bind::shifted(*value, shift) } else { *value };
            }
        }
    }
    let sum = event.record.lines.chunks_exact(width).fold(0i64, |sum, line| {
        sum.saturating_add(line.get(line_slot::INITIAL.index()).copied().unwrap_or(0))
    });
    for slot in [event_slot::BASKET_INITIAL, event_slot::BASKET_PAID] {
        set(&mut event.record, slot, sum);
    }
}

fn set(record: &mut Record, slot: SlotId, value: i64) {
    if let Some(place) = record.event.get_mut(slot.index()) {
        *place = value;
    }
}

/// Fills what rules are told of a return, and the balances that it leaves, once the state of now has been seen.
pub(crate) fn show(program: &Program, event: &mut ReadEvent) {
    if !program.is_return(event.record.kind) {
        return;
    }
    let returned = event.returned.as_ref().and_then(|returned| returned.as_ref().ok());
    let member = event.member();
    let mut values = Vec::new();
    for read in &program.reads {
        let value = match read.read {
            StateRead::Refund => returned.map_or(MISSING, |returned| returned.refund.money(program)),
            StateRead::BoughtOn => returned.map_or(MISSING, |returned| returned.origin.now().date),
            StateRead::Missing(account) => match (member, returned) {
                (None, _) => MISSING,
                (Some(_), None) => 0,
                (Some(member), Some(returned)) => returned.missing(member, account),
            },
            StateRead::Balance(account) => match returned.and_then(|returned| returned.balance(account)) {
                Some(balance) => balance,
                None => continue,
            },
            StateRead::After(_)
            | StateRead::Last(_)
            | StateRead::Until(_)
            | StateRead::Anniversary(_)
            | StateRead::Coupon(_)
            | StateRead::Badge(_) => continue,
        };
        values.push((read.slot, value));
    }
    for (slot, value) in values {
        set(&mut event.record, slot, value);
    }
}

impl Returned {
    /// Nothing of it yet.
    fn of(origin: &Arc<Origin>) -> Returned {
        Returned {
            origin: Arc::clone(origin),
            lines: Vec::new(),
            pieces: Vec::new(),
            whole: false,
            refund: Refund::default(),
            corrections: Vec::new(),
            claims: Vec::new(),
            left: Vec::new(),
            claims_left: Vec::new(),
            held: Vec::new(),
            faults: Vec::new(),
            beside: Beside::default(),
            undone: Undone::default(),
            fallen: Vec::new(),
            level: None,
        }
    }

    /// What comes back of it and of what rules heard of levels.
    pub fn all(&self) -> impl Iterator<Item = &Returned> {
        std::iter::once(self).chain(self.fallen.iter().map(|fallen| &fallen.heard))
    }

    /// What comes back with a line of the return.
    pub fn of_row(&self, row: u32) -> &[ReturnedLine] {
        // In the order of the return's lines.
        let start = self.lines.partition_point(|line| line.row < row);
        let end = self.lines.partition_point(|line| line.row <= row);
        self.lines.get(start..end).unwrap_or(&[])
    }

    /// What is to be taken back from a member, and is not there.
    pub fn missing(&self, member: &str, account: AccountId) -> i64 {
        let own = self.corrections.iter().filter(|correction| {
            correction.account == account && correction.owner.as_deref() == Some(member)
        });
        own.fold(0i64, |sum, correction| sum.saturating_add(correction.moved.missing))
    }

    /// By how much each discount of the purchase was for what comes back now.
    pub fn discounts(&self) -> Vec<(RuleId, GroupId, i64)> {
        let discounts = self.origin.effects.iter().filter(|effect| effect.account.is_none());
        let of = |share: &Share| {
            let row = usize::try_from(share.row).ok()?;
            let (line, back) = (self.origin.lines.get(row)?, *self.pieces.get(row)?);
            let first = |pieces: i64| origin::part(share.amount, line.pieces, pieces);
            Some(first(back).saturating_sub(first(line.returned)))
        };
        let sum = |effect: &Effect| {
            let amount = effect.shares.iter().filter_map(of).fold(0i64, i64::saturating_add);
            (effect.rule, effect.group, amount)
        };
        discounts.map(sum).filter(|(_, _, amount)| *amount != 0).collect()
    }

    /// What the member can spend of an account once all is corrected, where it changes.
    fn balance(&self, account: AccountId) -> Option<i64> {
        self.held.iter().find(|held| held.account == account).map(|held| held.balance)
    }
}

/// What an event sees of limits and balances, with what comes back with it.
pub(crate) struct Corrected<'c> {
    claimed: &'c dyn Claimed,
    held: Vec<Held>,
}

impl<'c> Corrected<'c> {
    /// Of an event whose return has been worked out.
    pub fn new(claimed: &'c dyn Claimed, event: &ReadEvent) -> Corrected<'c> {
        let held = match &event.returned {
            Some(Ok(returned)) => returned.held.clone(),
            Some(Err(_)) | None => Vec::new(),
        };
        Corrected { claimed, held }
    }
}

impl Claimed for Corrected<'_> {
    fn claimed(&self, counter: CounterId) -> i64 {
        self.claimed.claimed(counter)
    }

    fn balance(&self, account: AccountId) -> Option<i64> {
        let corrected = self.held.iter().find(|held| held.account == account);
        corrected.map(|held| held.balance).or_else(|| self.claimed.balance(account))
    }

    fn purse(&self, account: AccountId) -> Vec<(Option<u32>, i64)> {
        let corrected = self.held.iter().find(|held| held.account == account);
        corrected.map_or_else(|| self.claimed.purse(account), |held| held.purse.clone())
    }

    fn tallies(&self, offer: u32, kind: Option<i64>) -> Tallies {
        self.claimed.tallies(offer, kind)
    }
}

/// Whether a return is refused; then no rule hears of it.
pub fn is_refused(event: &ReadEvent) -> bool {
    matches!(event.returned, Some(Err(_)))
}

/// The decision of a return that is refused.
pub(crate) fn refuse(event: &ReadEvent, decision: &mut Decision) {
    let width = event.record.line_width.max(1);
    let total = |line: &[i64]| {
        let initial = line.get(line_slot::INITIAL.index()).copied().unwrap_or(0);
        LineTotal { initial, paid: initial, tax: 0 }
    };
    *decision = Decision {
        lines: event.record.lines.chunks_exact(width).map(total).collect(),
        ..Decision::default()
    };
    let sum = decision.lines.iter().fold(0i64, |sum, line| sum.saturating_add(line.paid));
    (decision.totals.initial, decision.totals.paid, decision.totals.total) = (sum, sum, sum);
}

/// Completes the decision of a return: the tax and the payment of what is refunded are what was stored.
pub(crate) fn settle(program: &Program, event: &ReadEvent, decision: &mut Decision) {
    let Some(Ok(returned)) = &event.returned else { return };
    decision.faults.extend(returned.all().flat_map(|returned| &returned.faults).cloned());
    let of =
        |row: u32| returned.of_row(row).iter().fold(Refund::default(), |sum, line| sum.plus(line.refund));
    if decision.lines.iter().zip(0u32..).any(|(line, row)| line.paid != of(row).paid) {
        // A rule of the return has changed it.
        return;
    }
    if program.tax.is_some() {
        for (line, row) in decision.lines.iter_mut().zip(0u32..) {
            line.tax = of(row).tax;
        }
        decision.totals.tax = returned.refund.tax;
    }
    decision.totals.points = returned.refund.points;
    decision.totals.total = returned.refund.money(program);
}
