//! Which of a group's proposals stay where several fall on the same pieces, line or basket. Refuses to know how a
//! proposal was worked out, and what limits say.

use super::fraction::Fraction;
use super::price::{Line, NONE, Part, Run, SiteFault};
use super::spread::{Sharer, Spreader};
use crate::exact::divide_rounded;
use crate::ir::{Displace, FaultKind, Group, Program, Rest, Rounding, Scope, SiteId};
use std::cmp::Ordering;
use std::ops::Range;

/// A rule that lost against another on a row, or on the basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loss {
    /// Position of the loser.
    pub loser: u32,
    /// Position of the winner.
    pub by: u32,
    /// Where, or [`NONE`].
    pub row: u32,
}

/// Pieces of a line that the sets of a rule use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    pub row: u32,
    pub run: u32,
    pub pieces: i64,
}

/// A rule on one row, or on the basket.
#[derive(Clone, Debug)]
struct Contender {
    row: u32,
    run: u32,
    /// Pieces it covers.
    pieces: i64,
    /// What it gives there, in money where accounts have a worth; of a piece where pieces compete.
    value: Fraction,
    /// Its parts, in `order`.
    parts: Range<usize>,
}

/// Who competes on a line, or for the basket, where parts are ordinary.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The run at hand, and what it gives here.
    run: u32,
    value: Fraction,
    /// The best of the runs before it, or [`NONE`].
    best: u32,
    best_value: Fraction,
}

impl Place {
    const EMPTY: Place = Place { run: NONE, value: Fraction::ZERO, best: NONE, best_value: Fraction::ZERO };

    /// Compares the run at hand with those before it.
    fn close(&mut self, displace: Displace) {
        if self.best == NONE || is_better(displace, self.value, self.best_value) {
            (self.best, self.best_value) = (self.run, self.value);
        }
    }
}

/// Whether a later rule displaces an earlier one: the first of equals stays.
fn is_better(displace: Displace, next: Fraction, best: Fraction) -> bool {
    match displace {
        Displace::BestForMember => next.compare(best) == Ordering::Greater,
        Displace::BestForRetailer => next.compare(best) == Ordering::Less,
        Displace::First | Displace::None | Displace::Chain => false,
    }
}

/// Reusable memory.
#[derive(Debug, Default)]
pub(super) struct Displacer {
    /// By line, with the basket behind the last.
    fields: Vec<Place>,
    /// Parts that compete: on what, and which, in one number.
    places: Vec<u64>,
    /// The same parts, by what they compete on.
    order: Vec<usize>,
    contenders: Vec<Contender>,
    /// Pieces that sets use, by run. Where rules compete for pieces, sets have been formed of free ones: they stay as
    /// wholes.
    pub used: Vec<Used>,
    /// The same by row, then by run, of those that stay.
    used_by_row: Vec<Used>,
    ranked: Vec<(Fraction, usize)>,
    sharers: Vec<Sharer>,
    amounts: Vec<i64>,
    /// Takes no parts for ordinary.
    #[cfg(test)]
    pub thorough: bool,
}

/// What is known of parts of which adding up what they are worth, and dividing it by pieces, stays within 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ordinary {
    /// All are discounts, or all awards to one account: they compare as they are.
    OfOneKind,
    /// Discounts, and awards to one account.
    OfTwoKinds,
}

/// Whether the amounts of parts and the worth of their account are of the size that receipts have, they are not too many,
/// and their denominators are one or all the same. What each is worth has a numerator of 2^62 at most then, and all have a
/// common denominator of 2^44 at most, so that sums have a numerator of 2^122 at most.
fn ordinary(program: &Program, parts: &[Part]) -> Option<Ordinary> {
    const AMOUNT: i128 = 1 << 48;
    const DENOMINATOR: i128 = 1 << 30;
    const WORTH: i64 = 1 << 14;
    const PIECES: i64 = 1 << 20;
    const PARTS: usize = 1 << 16;
    let (mut denominator, mut account, mut discounts) = (1, None, false);
    if parts.len() > PARTS {
        return None;
    }
    for part in parts.iter().filter(|part| !part.gone) {
        let (num, den) = (part.amount.numerator(), part.amount.denominator());
        if denominator == 1 {
            denominator = den;
        }
        match part.account {
            None => discounts = true,
            of_part if of_part == account => {}
            Some(_) if account.is_some() => return None,
            Some(first) => {
                account = Some(first);
                let worth = program.accounts.get(first.index()).and_then(|account| account.worth);
                if worth.is_some_and(|(units, money)| units.max(money) > WORTH) {
                    return None;
                }
            }
        }
        if num > AMOUNT || den > DENOMINATOR || (den != 1 && den != denominator) || part.pieces > PIECES {
            return None;
        }
    }
    Some(if discounts && account.is_some() { Ordinary::OfTwoKinds } else { Ordinary::OfOneKind })
}

/// Whether all that give something are of one rule, which has nobody to compete with.
fn is_of_one_run(parts: &[Part]) -> bool {
    let mut runs = parts.iter().filter(|part| !part.gone).map(|part| part.run);
    let first = runs.next();
    // Parts stand by rule.
    runs.next_back().is_none_or(|last| Some(last) == first)
}

/// What a part is worth, so that awards of several accounts and discounts compare.
fn worth(program: &Program, part: &Part) -> Result<Fraction, FaultKind> {
    let worth = part.account.and_then(|account| program.accounts.get(account.index())?.worth);
    match worth {
        Some((units, money)) if units > 0 && money > 0 => {
            part.amount.times(Fraction::new(i128::from(money), i128::from(units))?)
        }
        // Without a worth the checker lets only awards of one account compete, which compare as they are.
        Some(_) | None => Ok(part.amount),
    }
}

impl Displacer {
    /// Marks the parts that lose (and those that give nothing) as gone, shrinks those that keep some of their pieces, and notes who lost to whom.
    /// A run whose value cannot be worked out fails.
    pub fn displace(
        &mut self,
        program: &Program,
        group: &Group,
        lines: &[Line],
        (runs, parts): (&mut [Run], &mut [Part]),
        spreader: &mut Spreader,
        (losses, faults): (&mut Vec<Loss>, &mut Vec<(u32, SiteFault)>),
    ) {
        match group.displace {
            Displace::None | Displace::Chain => return,
            Displace::First | Displace::BestForMember | Displace::BestForRetailer => {}
        }
        for part in parts.iter_mut() {
            part.gone |= !part.amount.is_positive();
        }
        let ordinary = ordinary(program, parts);
        #[cfg(test)]
        let ordinary = ordinary.filter(|_| !self.thorough);
        if let (Some(ordinary), Scope::Line | Scope::Basket) = (ordinary, group.per) {
            let runs = (&*runs, parts);
            return self.by_place(program, (group.displace, group.per), lines.len(), ordinary, runs, losses);
        }
        if ordinary.is_some() && self.used.is_empty() && is_of_one_run(parts) {
            return;
        }
        self.gather(group.per, parts);
        self.value(program, group.per, (runs, parts), faults);
        if group.per == Scope::Unit && !self.used.is_empty() {
            self.weigh_sets(program, group.displace, (runs, parts), (losses, faults));
        }
        self.used_by_row.clear();
        self.used_by_row.extend_from_slice(&self.used);
        self.used_by_row.sort_by_key(|used| (used.row, used.run));
        let mut start = 0;
        while let Some(row) = self.contenders.get(start).map(|contender| contender.row) {
            let same = self.contenders.get(start..).unwrap_or(&[]);
            let end = start.saturating_add(same.iter().take_while(|other| other.row == row).count());
            let shared = group.per == Scope::Unit && !on_row(&self.used_by_row, row).is_empty();
            if end.saturating_sub(start) > 1 || shared {
                let field = Field { row, contenders: start..end };
                match group.per {
                    Scope::Unit => {
                        self.per_unit(
                            group.displace,
                            lines,
                            (runs, parts),
                            &field,
                            spreader,
                            (losses, faults),
                        );
                    }
                    Scope::Line | Scope::Basket => self.whole(group.displace, (runs, parts), &field, losses),
                }
            }
            start = end;
        }
    }

    /// One winner takes all of a line, or of the basket: the parts are gone through as they stand, which is by run.
    fn by_place(
        &mut self,
        program: &Program,
        (displace, per): (Displace, Scope),
        lines: usize,
        ordinary: Ordinary,
        (runs, parts): (&[Run], &mut [Part]),
        losses: &mut Vec<Loss>,
    ) {
        if is_of_one_run(parts) {
            return;
        }
        self.fields.clear();
        self.fields.resize(lines.saturating_add(1), Place::EMPTY);
        let at = |part: &Part| match per {
            Scope::Basket => lines,
            Scope::Unit | Scope::Line => usize::try_from(part.row).map_or(lines, |row| row.min(lines)),
        };
        for part in parts.iter().filter(|part| !part.gone) {
            let Some(place) = self.fields.get_mut(at(part)) else { continue };
            // Of ordinary parts, neither what they are worth nor a sum of it fails.
            let value = match ordinary {
                Ordinary::OfOneKind => part.amount,
                Ordinary::OfTwoKinds => worth(program, part).unwrap_or(part.amount),
            };
            if place.run == part.run {
                place.value = place.value.plus(value).unwrap_or(value);
                continue;
            }
            if place.run != NONE {
                place.close(displace);
            }
            (place.run, place.value) = (part.run, value);
        }
        for place in self.fields.iter_mut().filter(|place| place.best != NONE) {
            place.close(displace);
        }
        for part in parts.iter_mut().filter(|part| !part.gone) {
            let winner = self.fields.get(at(part)).map_or(NONE, |place| place.best);
            if winner == NONE || winner == part.run {
                continue;
            }
            part.gone = true;
            let row = if per == Scope::Basket { NONE } else { part.row };
            let loss = Loss { loser: position(runs, part.run), by: position(runs, winner), row };
            if losses.last() != Some(&loss) {
                losses.push(loss);
            }
        }
    }

    /// Orders the parts that give something by what they compete on, then by rule.
    fn gather(&mut self, per: Scope, parts: &[Part]) {
        let has_sets = |run: u32| self.used.binary_search_by_key(&run, |used| used.run).is_ok();
        let of_sets = |part: &Part| per == Scope::Unit && has_sets(part.run);
        let competes = |part: &Part| !part.gone && !of_sets(part);
        self.places.clear();
        for (part, index) in parts.iter().zip(0u32..).filter(|(part, _)| competes(part)) {
            let row = if per == Scope::Basket { NONE } else { part.row };
            self.places.push(u64::from(row) << 32 | u64::from(index));
        }
        // Parts stand by rule.
        self.places.sort_unstable();
        self.order.clear();
        let index = |place: &u64| usize::try_from(place & u64::from(u32::MAX)).unwrap_or(usize::MAX);
        self.order.extend(self.places.iter().map(index));
        self.contenders.clear();
        for (at, index) in self.order.iter().enumerate() {
            let Some(part) = parts.get(*index) else { continue };
            let row = if per == Scope::Basket { NONE } else { part.row };
            match self.contenders.last_mut() {
                Some(last) if last.row == row && last.run == part.run => {
                    last.parts.end = at.saturating_add(1);
                    last.pieces = last.pieces.max(part.pieces);
                }
                Some(_) | None => self.contenders.push(Contender {
                    row,
                    run: part.run,
                    pieces: part.pieces,
                    value: Fraction::ZERO,
                    parts: at..at.saturating_add(1),
                }),
            }
        }
    }

    /// Adds up what each contender gives, and leaves out rules that fail at it.
    fn value(
        &mut self,
        program: &Program,
        per: Scope,
        (runs, parts): (&mut [Run], &mut [Part]),
        faults: &mut Vec<(u32, SiteFault)>,
    ) {
        for contender in &mut self.contenders {
            let mut site = SiteId::default();
            for index in self.order.get(contender.parts.clone()).unwrap_or(&[]) {
                let Some(part) = parts.get(*index) else { continue };
                site = part.site;
                match worth(program, part).and_then(|worth| contender.value.plus(worth)) {
                    Ok(value) => contender.value = value,
                    Err(kind) => fail(runs, contender.run, (kind, part.site), faults),
                }
            }
            if per == Scope::Unit && contender.pieces > 1 {
                let piece = Fraction::new(1, i128::from(contender.pieces));
                match piece.and_then(|piece| contender.value.times(piece)) {
                    Ok(value) => contender.value = value,
                    Err(kind) => fail(runs, contender.run, (kind, site), faults),
                }
            }
        }
        if !runs.iter().any(|run| run.faulted) {
            return;
        }
        let faulted = |run: u32| run_of(runs, run).is_some_and(|run| run.faulted);
        self.contenders.retain(|contender| !faulted(contender.run));
        for part in parts {
            part.gone |= faulted(part.run);
        }
    }

    /// Drops the sets of a rule where the other rules give more (or less, where the least stays) for their pieces.
    fn weigh_sets(
        &mut self,
        program: &Program,
        displace: Displace,
        (runs, parts): (&mut [Run], &mut [Part]),
        (losses, faults): (&mut Vec<Loss>, &mut Vec<(u32, SiteFault)>),
    ) {
        let member = match displace {
            Displace::BestForMember => true,
            Displace::BestForRetailer => false,
            Displace::First | Displace::None | Displace::Chain => return,
        };
        // The best of each row: contenders stand by row.
        let mut best: Vec<(u32, Fraction, u32, i64)> = Vec::new();
        for next in &self.contenders {
            match best.last_mut().filter(|(row, ..)| *row == next.row) {
                Some(last) if next.value.compare(last.1).is_le() => {}
                Some(last) => *last = (next.row, next.value, next.run, next.pieces),
                None => best.push((next.row, next.value, next.run, next.pieces)),
            }
        }
        let mut losers: Vec<u32> = Vec::new();
        for uses in self.used.chunk_by(|a, b| a.run == b.run) {
            let Some(user) = uses.first().map(|used| used.run) else { continue };
            let (mut own, mut others, mut site) = (Fraction::ZERO, Fraction::ZERO, SiteId::default());
            let mut outcome = Ok(());
            let range = run_of(runs, user).map(|run| run.parts.clone()).unwrap_or_default();
            for part in parts.get(range.clone()).unwrap_or(&[]).iter().filter(|part| !part.gone) {
                site = part.site;
                outcome = outcome.and_then(|()| {
                    own = own.plus(worth(program, part)?)?;
                    Ok(())
                });
            }
            let mut by = None;
            for used in uses {
                let at = best.binary_search_by_key(&used.row, |(row, ..)| *row);
                let Some((_, value, run, pieces)) = at.ok().and_then(|at| best.get(at)) else { continue };
                by.get_or_insert(*run);
                outcome = outcome.and_then(|()| {
                    let pieces = Fraction::count(used.pieces.min((*pieces).max(1)));
                    others = others.plus(value.times(pieces)?)?;
                    Ok(())
                });
            }
            if let Err(kind) = outcome {
                fail(runs, user, (kind, site), faults);
                continue;
            }
            let order = others.compare(own);
            let loses = if member { order.is_gt() } else { order.is_lt() };
            let (Some(by), true) = (by, loses) else { continue };
            let (loser, by) = (position(runs, user), position(runs, by));
            for part in parts.get_mut(range).unwrap_or(&mut []).iter_mut().filter(|part| !part.gone) {
                part.gone = true;
                losses.push(Loss { loser, by, row: part.row });
            }
            losers.push(user);
        }
        self.used.retain(|used| losers.binary_search(&used.run).is_err());
    }

    /// One winner takes all.
    fn whole(
        &mut self,
        displace: Displace,
        (runs, parts): (&mut [Run], &mut [Part]),
        field: &Field,
        losses: &mut Vec<Loss>,
    ) {
        let contenders = self.contenders.get(field.contenders.clone()).unwrap_or(&[]);
        // Runs stand in the order of settlement: the first of equals wins.
        let winner = contenders
            .iter()
            .reduce(|best, next| if is_better(displace, next.value, best.value) { next } else { best });
        let Some(winner) = winner else { return };
        let by = position(runs, winner.run);
        for loser in contenders.iter().filter(|contender| contender.run != winner.run) {
            losses.push(Loss { loser: position(runs, loser.run), by, row: field.row });
            for index in self.order.get(loser.parts.clone()).unwrap_or(&[]) {
                if let Some(part) = parts.get_mut(*index) {
                    part.gone = true;
                }
            }
        }
    }

    /// The pieces of a line are alike: the best by value of a piece takes as many as it covers, then the next, while
    /// there are pieces.
    fn per_unit(
        &mut self,
        displace: Displace,
        lines: &[Line],
        (runs, parts): (&mut [Run], &mut [Part]),
        field: &Field,
        spreader: &mut Spreader,
        (losses, faults): (&mut Vec<Loss>, &mut Vec<(u32, SiteFault)>),
    ) {
        self.ranked.clear();
        for index in field.contenders.clone() {
            let Some(contender) = self.contenders.get(index) else { continue };
            self.ranked.push((contender.value, index));
        }
        self.ranked.sort_unstable_by(|a, b| {
            let by_value = match displace {
                Displace::BestForMember => b.0.compare(a.0),
                Displace::BestForRetailer => a.0.compare(b.0),
                Displace::First | Displace::None | Displace::Chain => Ordering::Equal,
            };
            by_value.then(a.1.cmp(&b.1))
        });
        let line = usize::try_from(field.row).ok().and_then(|row| lines.get(row));
        let mut left = line.map_or(1, |line| line.pieces.max(1));
        let mut first = None;
        if displace != Displace::First {
            for used in on_row(&self.used_by_row, field.row) {
                left = left.saturating_sub(used.pieces).max(0);
                first.get_or_insert(used.run);
            }
        }
        let mut waiting = on_row(&self.used_by_row, field.row).iter().peekable();
        for (_, index) in &self.ranked {
            let Some(contender) = self.contenders.get(*index) else { continue };
            if displace == Displace::First {
                // Sets of rules before this one.
                while let Some(used) = waiting.next_if(|used| used.run < contender.run) {
                    left = left.saturating_sub(used.pieces).max(0);
                    first.get_or_insert(used.run);
                }
            }
            let covers = contender.pieces.max(1);
            let wins = covers.min(left);
            left = left.saturating_sub(wins);
            let by = *first.get_or_insert(contender.run);
            if wins == covers {
                continue;
            }
            let (loser, by) = (position(runs, contender.run), position(runs, by));
            losses.push(Loss { loser, by, row: field.row });
            let indices = self.order.get(contender.parts.clone()).unwrap_or(&[]);
            let memory = (&mut self.sharers, &mut self.amounts);
            if let Err(fault) = shrink(parts, indices, (wins, covers), spreader, memory) {
                fail(runs, contender.run, fault, faults);
            }
        }
    }
}

/// What sets use of a row.
fn on_row(used: &[Used], row: u32) -> &[Used] {
    let start = used.partition_point(|used| used.row < row);
    let end = used.partition_point(|used| used.row <= row);
    used.get(start..end).unwrap_or(&[])
}

/// What is competed for, and who competes, in `contenders`.
struct Field {
    row: u32,
    contenders: Range<usize>,
}

/// Leaves a contender `wins` of the `covers` pieces that it covers on a line, and so much of its amount: money rounded up
/// to the next minor unit. One contender of a line at most keeps some of its pieces, so that whatever it is rounded to,
/// the rules there together never give less than any one of them alone, nor less when another joins. Several effects
/// share what is kept by largest remainder.
fn shrink(
    parts: &mut [Part],
    indices: &[usize],
    (wins, covers): (i64, i64),
    spreader: &mut Spreader,
    (sharers, amounts): (&mut Vec<Sharer>, &mut Vec<i64>),
) -> Result<(), SiteFault> {
    sharers.clear();
    let mut money: i64 = 0;
    for part in indices.iter().filter_map(|index| parts.get(*index)) {
        money = money.saturating_add(part.money());
        sharers.push(Sharer { weight: i128::from(part.money()), room: part.money() });
    }
    let site = indices.first().and_then(|index| parts.get(*index)).map(|part| part.site).unwrap_or_default();
    // Two 64-bit numbers always fit, and what is kept is no more than what there was.
    let product = i128::from(money).saturating_mul(i128::from(wins));
    divide_rounded(product, i128::from(covers), Rounding::Up)
        .and_then(|kept| i64::try_from(kept).map_err(|_| FaultKind::OutOfRange))
        .and_then(|kept| spreader.spread(kept, sharers, Rounding::Down, Rest::LargestRemainder, amounts))
        .map_err(|kind| (kind, site))?;
    for (index, kept) in indices.iter().zip(amounts.iter()) {
        let Some(part) = parts.get_mut(*index) else { continue };
        part.gone = wins == 0;
        part.pieces = part.pieces.min(wins);
        part.short = 0;
        part.amount = match part.account {
            None => Fraction::count(*kept),
            Some(_) => Fraction::new(i128::from(wins), i128::from(covers))
                .and_then(|share| part.amount.times(share))
                .map_err(|kind| (kind, part.site))?,
        };
    }
    Ok(())
}

fn run_of(runs: &[Run], run: u32) -> Option<&Run> {
    runs.get(usize::try_from(run).ok()?)
}

/// A run's place in the order of settlement.
fn position(runs: &[Run], run: u32) -> u32 {
    run_of(runs, run).map_or(NONE, |run| run.position)
}

/// Marks a run as failed, once.
fn fail(runs: &mut [Run], run: u32, fault: SiteFault, faults: &mut Vec<(u32, SiteFault)>) {
    let Some(run) = usize::try_from(run).ok().and_then(|run| runs.get_mut(run)) else { return };
    if !run.faulted {
        run.faulted = true;
        faults.push((run.position, fault));
    }
}
