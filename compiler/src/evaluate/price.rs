//! What a rule's proposals come to: discounts in whole minor units on the lines of the receipt, awards as exact
//! fractions. Refuses to know other rules: displacement, limits and rounding of awards come after it.

use super::fraction::{Fraction, greatest_common_divisor};
use super::gift::Gifts;
use super::grant::Given;
use super::propose::range_of;
use super::spread::{Sharer, Spreader};
use super::{Proposal, Proposals};
use crate::ir::{
    AccountId, DiscountAmount, Element, Fall, FaultKind, OnPrice, Program, Rounding, SiteId, SiteKind,
    Spread, Weight,
};
use std::ops::Range;

/// Stands for no rule, no row.
pub(super) const NONE: u32 = u32::MAX;

/// A line while it is settled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    /// Before any discount.
    pub initial: i64,
    /// What is left now.
    pub running: i64,
    /// What was left at entry to the group.
    pub entry: i64,
    /// Pieces.
    pub pieces: i64,
    /// What discounts leave at least.
    pub floor: i64,
    /// What points pay of what is left.
    pub tendered: i64,
    /// What the rule at hand has taken of `running` so far, while it is worked out.
    pub own: i64,
    /// The rule whose effects bar the group at hand from this line.
    pub holder: u32,
    /// What a group that gives way to a better one has taken here.
    pub contested: i64,
    /// A rule of that group.
    pub contested_by: u32,
    /// What the group at hand would give here in its place.
    pub offered: i64,
    /// The first rule of the group at hand that gives something here.
    pub winner: u32,
}

impl Line {
    /// Leaves the line to the group that has taken something here.
    pub fn give_back(&mut self) {
        self.running = self.running.saturating_sub(self.contested);
        self.entry = self.running;
        self.holder = self.contested_by;
        self.contested = 0;
    }

    /// What is to be paid in money.
    pub fn cash(&self) -> i64 {
        self.running.saturating_sub(self.tendered).max(0)
    }

    /// What may still be taken.
    pub fn left(&self) -> i64 {
        self.running.saturating_sub(self.own).saturating_sub(self.floor).max(0)
    }
}

/// What shares are taken of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The group's word.
    pub on_price: OnPrice,
    /// Each rule on what those before it left.
    pub chain: bool,
}

impl Terms {
    /// What was left when the rule's turn came.
    fn remaining(self, line: &Line) -> i64 {
        if self.chain { line.running } else { line.entry }
    }
    fn base(self, line: &Line) -> i64 {
        match self.on_price {
            OnPrice::Original => line.initial,
            OnPrice::Running => self.remaining(line),
        }
    }
}

/// A rule that proposed something in the group at hand.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Its place in the order of settlement.
    pub position: u32,
    /// Its proposals.
    pub proposals: Range<usize>,
    /// Its sets, in [`Proposals::takes`].
    pub takes: Range<usize>,
    /// Its parts.
    pub parts: Range<usize>,
    /// It failed and gives nothing.
    pub faulted: bool,
    /// What it takes is not there, so that it gives nothing.
    pub fallen: bool,
}

/// What one effect of a rule gives on one line, or to the basket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Which [`Run`].
    pub run: u32,
    /// Which effect.
    pub site: SiteId,
    /// Which line, or [`NONE`].
    pub row: u32,
    /// How many of its pieces.
    pub pieces: i64,
    /// `None` for a discount.
    pub account: Option<AccountId>,
    /// Whole minor units for a discount; exact for an award until it is rounded.
    pub amount: Fraction,
    /// What a discount would have given more, had earlier effects left it.
    pub short: i64,
    /// An award that is a whole number and stays one.
    pub whole: bool,
    /// It lost.
    pub gone: bool,
}

impl Part {
    /// A discount's minor units; nothing of an award.
    #[inline]
    pub fn money(&self) -> i64 {
        match self.account {
            // A discount never exceeds its line.
            None => i64::try_from(self.amount.floor()).unwrap_or(0),
            Some(_) => 0,
        }
    }
}

/// A failure, and the effect it belongs to.
pub(super) type SiteFault = (FaultKind, SiteId);

/// Reusable memory.
#[derive(Debug, Default)]
pub(super) struct Pricer {
    pub spreader: Spreader,
    sharers: Vec<Sharer>,
    /// (row, pieces, weight before all weights have one denominator)
    chosen: Vec<(u32, i64, Fraction)>,
    amounts: Vec<i64>,
}

/// The selected part of a line.
struct Selected {
    pieces: i64,
    /// Pieces of the whole line.
    of: i64,
    base: i64,
    /// The part of the base, exact.
    part: Fraction,
}

impl Selected {
    #[inline]
    fn of(line: &Line, terms: Terms, pieces: i64) -> Option<Selected> {
        let base = terms.base(line);
        let pieces = pieces.min(line.pieces);
        if pieces <= 0 || base <= 0 {
            return None;
        }
        Some(Selected { pieces, of: line.pieces, base, part: part_of(base, pieces, line.pieces) })
    }
}

/// `amount * pieces / of`, exactly; `of` is above zero.
#[inline]
fn part_of(amount: i64, pieces: i64, of: i64) -> Fraction {
    if pieces == of {
        return Fraction::count(amount);
    }
    let product = i128::from(amount).saturating_mul(i128::from(pieces)); // two 64-bit numbers always fit
    Fraction::new(product, i128::from(of)).map(Fraction::reduced).unwrap_or_default()
}

impl Pricer {
    /// Works out a rule's proposals and appends its parts, by effect and row, those of one effect on one row put
    /// together. `given` is what earlier groups have given.
    pub fn price(
        &mut self,
        program: &Program,
        terms: Terms,
        lines: &mut [Line],
        (proposals, given, gifts): (&Proposals, &[Given], &Gifts),
        run: (u32, Range<usize>),
        parts: &mut Vec<Part>,
    ) -> Result<(), SiteFault> {
        let start = parts.len();
        let mut outcome = Ok(());
        for of_site in proposals.list.get(run.1).unwrap_or(&[]).chunk_by(|a, b| a.site == b.site) {
            let Some(site) = of_site.first().map(|proposal| proposal.site) else { continue };
            let blank = Part {
                run: run.0,
                site,
                row: NONE,
                pieces: 0,
                account: None,
                amount: Fraction::ZERO,
                short: 0,
                whole: false,
                gone: false,
            };
            let read = (proposals, given, gifts);
            if let Err(kind) = self.proposals(program, terms, lines, read, (blank, of_site), parts) {
                outcome = Err((kind, site));
                break;
            }
        }
        for part in parts.get(start..).unwrap_or(&[]) {
            if let Some(line) = line_of(lines, part.row) {
                line.own = 0;
            }
        }
        outcome = outcome.and_then(|()| merge(parts, start, lines));
        if outcome.is_err() {
            parts.truncate(start);
        }
        outcome
    }

    /// Works out proposals of one effect, each part of which begins as `blank`.
    fn proposals(
        &mut self,
        program: &Program,
        terms: Terms,
        lines: &mut [Line],
        (proposals, given, gifts): (&Proposals, &[Given], &Gifts),
        (blank, of_site): (Part, &[Proposal]),
        parts: &mut Vec<Part>,
    ) -> Result<(), FaultKind> {
        let Some(site) = program.sites.get(blank.site.index()) else { return Ok(()) };
        let values = of_site.iter().map(|proposal| (proposal, Fraction::new(proposal.num, proposal.den)));
        match site.kind {
            SiteKind::Award { account, rounding: _, life: _ } => {
                for (proposal, value) in values {
                    let amount = value?;
                    let line = proposal.row.map(|row| line_of(lines, row).map(|line| (row, line.pieces)));
                    if amount.is_positive() && line != Some(None) {
                        let (row, pieces) = line.flatten().unwrap_or((NONE, 0));
                        parts.push(Part { row, pieces, account: Some(account), amount, ..blank });
                    }
                }
            }
            SiteKind::Discount { amount, fall, rounding } => {
                for (proposal, value) in values {
                    let Some(value) = meant(amount, value?, rounding)? else { continue };
                    let selected = range_of(&proposals.selected, &proposal.selected);
                    match fall {
                        Fall::Each(element) => {
                            for chosen in selected {
                                let discount = (amount, element, value, rounding);
                                on_line(lines, terms, *chosen, discount, blank, parts)?;
                            }
                        }
                        Fall::Spread(spread) => {
                            let discount = (amount, value, rounding, spread);
                            self.spread(terms, lines, discount, selected, blank, parts)?;
                        }
                    }
                }
            }
            SiteKind::Gift { .. } => {
                for (_, value) in values {
                    value?;
                    let first = !parts.iter().any(|part| (part.run, part.site) == (blank.run, blank.site));
                    let run = usize::try_from(blank.run).unwrap_or(usize::MAX);
                    let chosen = gifts.of(run).find(|chosen| first && chosen.site == blank.site);
                    for chosen in chosen.map_or(&[][..], |chosen| &chosen.rows) {
                        let whole = (DiscountAmount::Share, Element::Unit, Fraction::ONE, program.rounding);
                        on_line(lines, terms, *chosen, whole, blank, parts)?;
                    }
                    // What of a gift is not left on its line is no cut.
                    for part in parts.iter_mut().filter(|part| part.site == blank.site) {
                        part.short = 0;
                    }
                }
            }
            SiteKind::Multiply { account, group } => {
                let of_member = |given: &&Given| {
                    let site = program.sites.get(given.site.index());
                    given.group == group
                        && given.account == Some(account)
                        && site.is_none_or(|site| site.to.is_none())
                };
                for (_, value) in values {
                    let value = value?;
                    if !value.is_positive() {
                        continue;
                    }
                    for award in given.iter().filter(of_member).filter(|given| given.counts()) {
                        let amount = award.exact.unwrap_or(Fraction::count(award.amount)).times(value)?;
                        let (row, pieces) = (award.row, award.pieces);
                        parts.push(Part { row, pieces, account: Some(account), amount, ..blank });
                    }
                }
            }
            // No amounts: they follow what the rule gives, or see `debit` and `tender`.
            SiteKind::Issue { .. }
            | SiteKind::Tell { .. }
            | SiteKind::Set { .. }
            | SiteKind::Debit { .. }
            | SiteKind::Tender { .. } => {
                for (_, value) in values {
                    value?;
                }
            }
        }
        Ok(())
    }

    /// Once on the whole, then shared.
    fn spread(
        &mut self,
        terms: Terms,
        lines: &mut [Line],
        (amount, value, rounding, spread): (DiscountAmount, Fraction, Rounding, Spread),
        selected: &[(u32, i64)],
        blank: Part,
        parts: &mut Vec<Part>,
    ) -> Result<(), FaultKind> {
        self.chosen.clear();
        self.sharers.clear();
        let mut whole = Fraction::ZERO;
        let mut denominator: i128 = 1;
        for (row, pieces) in selected {
            let Some(line) = line_of(lines, *row) else { continue };
            let Some(chosen) = Selected::of(line, terms, *pieces) else { continue };
            whole = whole.plus(chosen.part)?;
            let weight = match spread.by {
                Weight::Paid => part_of(terms.remaining(line), chosen.pieces, chosen.of),
                Weight::Initial => part_of(line.initial, chosen.pieces, chosen.of),
                Weight::Pieces => Fraction::count(chosen.pieces),
                Weight::Equally => Fraction::ONE,
            };
            denominator = common_multiple(denominator, weight.denominator())?;
            self.chosen.push((*row, chosen.pieces, weight));
            // No more than the selected part, to the next whole minor unit, nor than what is left of the line.
            let part = i64::try_from(chosen.part.ceiling()).map_err(|_| FaultKind::OutOfRange)?;
            self.sharers.push(Sharer { weight: 0, room: part.min(line.left()) });
        }
        for (sharer, (_, _, weight)) in self.sharers.iter_mut().zip(&self.chosen) {
            // Most weights are whole.
            sharer.weight = if weight.denominator() == denominator {
                weight.numerator()
            } else {
                let times = denominator.checked_div(weight.denominator()).unwrap_or(1);
                weight.numerator().checked_mul(times).ok_or(FaultKind::Overflow)?
            };
        }
        let wanted = match amount {
            DiscountAmount::Share => value.times(whole)?.round(rounding)?,
            DiscountAmount::Off => value.floor().min(whole.floor()),
            DiscountAmount::Price => whole.minus(value)?.round(rounding)?.max(0),
        };
        let wanted = i64::try_from(wanted).map_err(|_| FaultKind::OutOfRange)?;
        self.spreader.spread(wanted, &self.sharers, spread.rounding, spread.rest, &mut self.amounts)?;
        let mut short = wanted;
        for ((row, pieces, _), given) in self.chosen.iter().zip(&self.amounts) {
            if let Some(line) = line_of(lines, *row) {
                line.own = line.own.saturating_add(*given);
            }
            short = short.saturating_sub(*given);
            parts.push(Part { row: *row, pieces: *pieces, amount: Fraction::count(*given), ..blank });
        }
        // What no line could take is no line's in particular; it is noted once, where something was given if anywhere.
        let new = parts.len().saturating_sub(self.chosen.len());
        let new = parts.get_mut(new..).unwrap_or(&mut []);
        let at = new.iter().rposition(|part| part.amount.is_positive()).unwrap_or(0);
        if let Some(part) = new.get_mut(at) {
            part.short = short.max(0);
        }
        Ok(())
    }
}

/// A discount's number as it is meant: a share of at most the whole, whole minor units off, a price of at least
/// nothing. `None` where it gives nothing.
#[inline]
fn meant(amount: DiscountAmount, value: Fraction, rounding: Rounding) -> Result<Option<Fraction>, FaultKind> {
    Ok(match amount {
        DiscountAmount::Share if !value.is_positive() => None,
        DiscountAmount::Share => {
            Some(if value.numerator() > value.denominator() { Fraction::ONE } else { value })
        }
        DiscountAmount::Off => Some(Fraction::whole(value.round(rounding)?)).filter(|off| off.is_positive()),
        DiscountAmount::Price => Some(if value.is_positive() { value } else { Fraction::ZERO }),
    })
}

/// Takes a discount on each piece, or each line by itself, from what is left of one line, and appends what it comes to.
#[inline]
fn on_line(
    lines: &mut [Line],
    terms: Terms,
    (row, pieces): (u32, i64),
    (amount, element, value, rounding): (DiscountAmount, Element, Fraction, Rounding),
    blank: Part,
    parts: &mut Vec<Part>,
) -> Result<(), FaultKind> {
    let Some(line) = line_of(lines, row) else { return Ok(()) };
    let Some(chosen) = Selected::of(line, terms, pieces) else { return Ok(()) };
    let wanted = each(&chosen, amount, element, value, rounding)?;
    let given = wanted.min(line.left());
    line.own = line.own.saturating_add(given);
    let short = wanted.saturating_sub(given);
    parts.push(Part { row, pieces: chosen.pieces, amount: Fraction::count(given), short, ..blank });
    Ok(())
}

/// What a discount on each piece, or each line by itself, comes to on one line.
#[inline]
fn each(
    chosen: &Selected,
    amount: DiscountAmount,
    element: Element,
    value: Fraction,
    rounding: Rounding,
) -> Result<i64, FaultKind> {
    let pieces = i128::from(chosen.pieces);
    let wanted = match (amount, element) {
        (DiscountAmount::Share, Element::Unit) => {
            let piece = Fraction::new(i128::from(chosen.base), i128::from(chosen.of))?;
            let off = value.times(piece)?.round(rounding)?;
            off.checked_mul(pieces).ok_or(FaultKind::Overflow)?
        }
        (DiscountAmount::Share, Element::Line) => value.times(chosen.part)?.round(rounding)?,
        // Whole pieces at most, so the smaller of the two whatever the product.
        (DiscountAmount::Off, Element::Unit) => value.floor().saturating_mul(pieces).min(chosen.part.floor()),
        (DiscountAmount::Off, Element::Line) => value.floor().min(chosen.part.floor()),
        (DiscountAmount::Price, Element::Unit) => {
            let price = value.times(Fraction::whole(pieces))?;
            chosen.part.minus(price)?.round(rounding)?
        }
        (DiscountAmount::Price, Element::Line) => chosen.part.minus(value)?.round(rounding)?,
    };
    let wanted = wanted.clamp(0, chosen.part.ceiling());
    i64::try_from(wanted).map_err(|_| FaultKind::OutOfRange)
}

#[inline]
fn common_multiple(a: i128, b: i128) -> Result<i128, FaultKind> {
    if b == 1 || a == b { Ok(a) } else { common_multiple_of_others(a, b) }
}

fn common_multiple_of_others(a: i128, b: i128) -> Result<i128, FaultKind> {
    let common = greatest_common_divisor(a.unsigned_abs(), b.unsigned_abs());
    let common = i128::try_from(common).map_err(|_| FaultKind::Overflow)?;
    b.checked_div(common).and_then(|times| a.checked_mul(times)).ok_or(FaultKind::Overflow)
}

/// The line of a row.
#[inline]
pub(super) fn line_of(lines: &mut [Line], row: u32) -> Option<&mut Line> {
    lines.get_mut(usize::try_from(row).ok()?)
}

/// Sorts the parts from `start` on by effect and row, and puts those of one effect on one row together.
fn merge(parts: &mut Vec<Part>, start: usize, lines: &mut [Line]) -> Result<(), SiteFault> {
    let new = parts.get_mut(start..).unwrap_or(&mut []);
    if new.is_sorted_by(|a, b| (a.site, a.row) < (b.site, b.row)) {
        return Ok(());
    }
    new.sort_unstable_by_key(|part| (part.site, part.row));
    let mut outcome = Ok(());
    let mut kept = start;
    for next in start..parts.len() {
        let Some(part) = parts.get(next).copied() else { break };
        let last = if kept > start { parts.get_mut(kept.saturating_sub(1)) } else { None };
        match last {
            Some(last) if last.site == part.site && last.row == part.row => {
                match last.amount.plus(part.amount) {
                    Ok(sum) => last.amount = sum,
                    Err(kind) => outcome = Err((kind, part.site)),
                }
                let of = line_of(lines, part.row).map_or(0, |line| line.pieces);
                last.pieces = last.pieces.saturating_add(part.pieces).min(of);
                last.short = last.short.saturating_add(part.short);
            }
            Some(_) | None => {
                if let Some(place) = parts.get_mut(kept) {
                    *place = part;
                }
                kept = kept.saturating_add(1);
            }
        }
    }
    parts.truncate(kept);
    outcome
}
