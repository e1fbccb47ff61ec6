//! Points as payment, after all prices: each request is met as it stands or refuses the event. Refuses to know lots and
//! what is earned.

use super::debit::Debits;
use super::fraction::Fraction;
use super::price::{Line, SiteFault, line_of};
use super::purse::{May, Points};
use super::spread::{Apportioner, Sharer, Spreader};
use super::{Proposals, Record, Refused, RefusedWhy, Share, Tender};
use crate::exact::divide_rounded;
use crate::ir::{
    Account, FaultKind, MISSING, Program, Redemption, Rest, Rounding, RuleId, SiteId, SiteKind, SlotId,
    TenderTerm,
};
use std::ops::Range;

/// What a redemption's rule has said of it.
#[derive(Debug, Default)]
struct Terms {
    site: SiteId,
    /// (row, pieces)
    lines: Vec<(u32, i64)>,
    /// (row, of a piece)
    points: Vec<(u32, i64)>,
    money: Vec<(u32, i64)>,
    most_money: Option<i64>,
    most_points: Option<i64>,
    least: Option<i64>,
    step: Option<i64>,
    cash: i64,
    confirm_above: Option<i64>,
}

/// What a redemption pays of one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paid {
    pub row: u32,
    pub pieces: i64,
    pub points: i64,
    pub money: i64,
}

/// What a request comes to.
pub(super) struct Met {
    pub site: SiteId,
    pub tender: Tender,
    pub lines: Vec<Paid>,
    /// By the condition that the points carry, where points carry any.
    pub spent: Vec<Points>,
}

/// What the event asks of a redemption: an amount, or 1 where its price is fixed.
pub(super) fn request(record: &Record, redemption: &Redemption) -> Option<i64> {
    let asked = slot(record, redemption.request).filter(|asked| *asked != MISSING)?;
    let is_asked = redemption.rate.is_some() || asked == 1;
    is_asked.then_some(asked)
}

fn slot(record: &Record, slot: SlotId) -> Option<i64> {
    record.event.get(slot.index()).copied()
}

fn whole(num: i128, den: i128, rounding: Rounding) -> Result<i64, FaultKind> {
    let whole = Fraction::new(num, den)?.round(rounding)?;
    i64::try_from(whole).map_err(|_| FaultKind::OutOfRange)
}

/// Gathers what the rule has proposed. Money rounds as the program says, points as their account does.
fn terms(
    program: &Program,
    account: &Account,
    proposals: &Proposals,
    range: Range<usize>,
) -> Result<Terms, SiteFault> {
    let mut terms = Terms::default();
    for proposal in proposals.list.get(range).unwrap_or(&[]) {
        let kind = program.sites.get(proposal.site.index()).map(|site| site.kind);
        let Some(SiteKind::Tender { term }) = kind else { continue };
        let fault = |kind: FaultKind| (kind, proposal.site);
        let amount = |rounding: Rounding| whole(proposal.num, proposal.den, rounding).map_err(fault);
        let of_line = |amount: i64| proposal.row.map(|row| (row, amount));
        match term {
            TenderTerm::Lines => {
                terms.site = proposal.site;
                let start = usize::try_from(proposal.selected.start).unwrap_or(usize::MAX);
                let end = usize::try_from(proposal.selected.end).unwrap_or(0);
                terms.lines.extend_from_slice(proposals.selected.get(start..end).unwrap_or(&[]));
            }
            TenderTerm::PointsEach => terms.points.extend(of_line(amount(account.rounding)?)),
            TenderTerm::MoneyEach => terms.money.extend(of_line(amount(program.rounding)?)),
            TenderTerm::MostMoney => terms.most_money = Some(amount(Rounding::Down)?),
            TenderTerm::MostPoints => terms.most_points = Some(amount(Rounding::Down)?),
            TenderTerm::Least => terms.least = Some(amount(Rounding::Up)?),
            TenderTerm::Step => terms.step = Some(amount(account.rounding)?),
            TenderTerm::Cash => terms.cash = amount(Rounding::Up)?,
            TenderTerm::ConfirmAbove => terms.confirm_above = Some(amount(Rounding::Down)?),
        }
    }
    Ok(terms)
}

/// What points with conditions pay of the lines, and how much of which is taken; or why they cannot.
type Shared = Result<(Vec<Paid>, Vec<Points>), Refused>;

/// A line while points are shared.
struct Row {
    /// What is still to be paid of it.
    room: i64,
    /// What is to be paid of it beside what is kept for points of its own.
    kept: i64,
    paid: Paid,
}

/// What surrounds a request.
pub(super) struct Asked<'a> {
    pub program: &'a Program,
    pub redemption: &'a Redemption,
    pub record: &'a Record,
    pub claimed: &'a dyn super::Claimed,
    pub debits: &'a Debits,
    pub proposals: &'a Proposals,
    pub range: Range<usize>,
}

impl Asked<'_> {
    fn refused(&self, why: RefusedWhy, by: i64) -> Refused {
        Refused { redemption: self.redemption.rule, account: self.redemption.account, why, by }
    }

    /// Meets the request, or says why it refuses the event.
    ///
    /// # Errors
    /// A fault of a number; `Ok(Err)` is a refusal.
    pub fn meet(
        &self,
        lines: &mut [Line],
        spreader: &mut Spreader,
    ) -> Result<Result<Met, Refused>, SiteFault> {
        let Some(account) = self.program.accounts.get(self.redemption.account.index()) else {
            return Ok(Err(self.refused(RefusedWhy::NotAllowed, 0)));
        };
        let mut terms = terms(self.program, account, self.proposals, self.range.clone())?;
        let site = terms.site;
        let fault = |kind: FaultKind| (kind, site);
        let asked = request(self.record, self.redemption).unwrap_or(0);
        let paid = match self.redemption.rate {
            None => fixed(&mut terms, lines).map_err(fault)?,
            Some(rate) => match self.chosen(&terms, rate, asked, lines, spreader).map_err(fault)? {
                Ok(paid) => paid,
                Err(refused) => return Ok(Err(refused)),
            },
        };
        let sum = |of: fn(&Paid) -> i64| paid.iter().map(|paid| i128::from(of(paid))).sum::<i128>();
        let points = i64::try_from(sum(|paid| paid.points)).map_err(|_| fault(FaultKind::OutOfRange))?;
        let money = i64::try_from(sum(|paid| paid.money)).map_err(|_| fault(FaultKind::OutOfRange))?;
        if points <= 0 {
            return Ok(Err(self.refused(RefusedWhy::NotAllowed, 0)));
        }
        let confirmed =
            self.redemption.confirmed.and_then(|confirmed| slot(self.record, confirmed)) == Some(1);
        if let Some(above) = terms.confirm_above.filter(|above| points > *above && !confirmed) {
            return Ok(Err(self.refused(RefusedWhy::Unconfirmed, points.saturating_sub(above))));
        }
        let room = self.debits.room(self.program, self.claimed, self.redemption.account);
        if i128::from(points) > room {
            let by = i64::try_from(i128::from(points) - room).unwrap_or(i64::MAX);
            return Ok(Err(self.refused(RefusedWhy::Short, by)));
        }
        let (paid, spent) = if self.debits.purses.is_plain() {
            (paid, Vec::new())
        } else {
            let shared = match self.redemption.rate {
                None => self.assigned(paid),
                Some(rate) => self.shared((points, money), rate, &terms, lines, spreader).map_err(fault)?,
            };
            match shared {
                Ok(shared) => shared,
                Err(refused) => return Ok(Err(refused)),
            }
        };
        let share = |paid: &Paid| Share { row: paid.row, pieces: paid.pieces, amount: paid.money };
        let tender = Tender {
            redemption: self.redemption.rule,
            account: self.redemption.account,
            points,
            money,
            shares: paid.iter().map(share).collect(),
        };
        Ok(Ok(Met { site: terms.site, tender, lines: paid, spent }))
    }

    /// Points that are missing, because those that there are may not be spent here.
    fn short<T>(&self, by: i64) -> Result<T, Refused> {
        Err(self.refused(RefusedWhy::Short, by))
    }

    /// Takes points with conditions for fixed prices: in the order in which they are spent, those for some goods from
    /// the first of these lines on, the others for what is left.
    fn assigned(&self, paid: Vec<Paid>) -> Shared {
        let purses = &self.debits.purses;
        let mut wanted: Vec<(u32, i64)> = paid.iter().map(|paid| (paid.row, paid.points)).collect();
        let mut need = wanted.iter().fold(0i64, |sum, (_, points)| sum.saturating_add(*points));
        let mut spent: Vec<Points> = Vec::new();
        for (condition, held) in purses.of(self.redemption.account) {
            let taken = match purses.may(*condition) {
                May::Nothing => 0,
                May::Anything => need.min(*held),
                May::Rows(rows) => {
                    let mut left = need.min(*held);
                    let before = left;
                    for (_, points) in wanted.iter_mut().filter(|(row, _)| rows.contains(row)) {
                        let part = left.min(*points);
                        *points = points.saturating_sub(part);
                        left = left.saturating_sub(part);
                    }
                    before.saturating_sub(left)
                }
            };
            need = need.saturating_sub(taken);
            spent.push((*condition, taken));
        }
        if i128::from(need) > Debits::debt(self.program, self.redemption.account) {
            return self.short(need);
        }
        spent.push((None, need));
        Ok((paid, spent))
    }

    /// Shares a chosen amount among lines where points carry conditions. They are taken in the order in which they are
    /// spent: those for some goods as far as these are to be paid, the others for what is left in the end. What each
    /// kind pays is its exact part of the whole, rounded so that the parts add up.
    fn shared(
        &self,
        (asked, money): (i64, i64),
        (units, minor): (i64, i64),
        terms: &Terms,
        lines: &mut [Line],
        spreader: &mut Spreader,
    ) -> Result<Shared, FaultKind> {
        let purses = &self.debits.purses;
        let mut rows: Vec<Row> = Vec::new();
        for (row, pieces) in &terms.lines {
            if let Some(line) = line_of(lines, *row) {
                let paid = Paid { row: *row, pieces: *pieces, points: 0, money: 0 };
                rows.push(Row { room: line.cash(), kept: line.cash(), paid });
            }
        }
        let (units, minor) = (i128::from(units), i128::from(minor));
        let mut need = asked;
        let mut spent: Vec<Points> = Vec::new();
        // (rows, points); the last one is what may pay for anything.
        let mut kinds: Vec<(Option<&[u32]>, i64)> = Vec::new();
        let mut free: i64 = 0;
        for (condition, held) in purses.of(self.redemption.account) {
            let taken = match purses.may(*condition) {
                May::Nothing => 0,
                May::Anything => {
                    let taken = need.min(*held);
                    free = free.saturating_add(taken);
                    taken
                }
                May::Rows(own) => {
                    let of = |row: &&Row| own.contains(&row.paid.row);
                    let left: i128 = rows.iter().filter(of).map(|row| i128::from(row.kept)).sum();
                    let most = units.checked_mul(left).and_then(|all| all.checked_div(minor));
                    let most = i64::try_from(most.ok_or(FaultKind::Overflow)?).unwrap_or(i64::MAX);
                    let taken = need.min(*held).min(most);
                    // Kept for them: no less than what they will pay.
                    let exact = Fraction::new(i128::from(taken).saturating_mul(minor), units)?;
                    let mut keep = i64::try_from(exact.ceiling()).map_err(|_| FaultKind::OutOfRange)?;
                    for row in rows.iter_mut().filter(|row| own.contains(&row.paid.row)) {
                        let part = keep.min(row.kept);
                        row.kept = row.kept.saturating_sub(part);
                        keep = keep.saturating_sub(part);
                    }
                    kinds.push((Some(own), taken));
                    taken
                }
            };
            need = need.saturating_sub(taken);
            spent.push((*condition, taken));
        }
        if i128::from(need) > Debits::debt(self.program, self.redemption.account) {
            return Ok(self.short(need));
        }
        spent.push((None, need));
        kinds.push((None, free.saturating_add(need)));
        let exact = |(_, points): &(Option<&[u32]>, i64)| {
            Fraction::new(i128::from(*points).saturating_mul(minor), units)
        };
        let exacts: Vec<Fraction> = kinds.iter().map(exact).collect::<Result<_, _>>()?;
        let mut parts = Vec::new();
        Apportioner::default().apportion(i128::from(money), &exacts, &mut parts);
        let mut left = i128::from(money);
        for ((own, points), part) in kinds.iter().zip(&parts) {
            let chosen = |row: &Row| own.is_none_or(|own| own.contains(&row.paid.row));
            // What rounding leaves over without a row of its own is paid by the last.
            let part = if own.is_none() { left } else { *part };
            let part = i64::try_from(part).map_err(|_| FaultKind::OutOfRange)?;
            let sharer = |row: &Row| {
                let room = if chosen(row) { row.room } else { 0 };
                Sharer { weight: i128::from(room), room }
            };
            let sharers: Vec<Sharer> = rows.iter().map(sharer).collect();
            let mut shares = Vec::new();
            spreader.spread(part, &sharers, Rounding::Down, Rest::LargestRemainder, &mut shares)?;
            let weigh = |share: &i64| Sharer { weight: i128::from(*share), room: i64::MAX };
            let sharers: Vec<Sharer> = shares.iter().map(weigh).collect();
            let mut of_points = Vec::new();
            spreader.spread(*points, &sharers, Rounding::Down, Rest::LargestRemainder, &mut of_points)?;
            for ((row, share), points) in rows.iter_mut().zip(&shares).zip(&of_points) {
                row.room = row.room.saturating_sub(*share);
                row.paid.money = row.paid.money.saturating_add(*share);
                row.paid.points = row.paid.points.saturating_add(*points);
                left = left.saturating_sub(i128::from(*share));
            }
            // Points that pay less than a minor unit are taken for the first line that they pay for.
            let taken = of_points.iter().fold(0i64, |sum, points| sum.saturating_add(*points));
            if let Some(row) = rows.iter_mut().find(|row| chosen(row)) {
                row.paid.points = row.paid.points.saturating_add(points.saturating_sub(taken));
            }
        }
        let paid = rows.into_iter().map(|row| row.paid);
        Ok(Ok((paid.filter(|paid| paid.points != 0 || paid.money != 0).collect(), spent)))
    }

    /// An amount that the member chooses, at a rate, shared among the lines by what is left to pay for them.
    fn chosen(
        &self,
        terms: &Terms,
        (units, minor): (i64, i64),
        asked: i64,
        lines: &mut [Line],
        spreader: &mut Spreader,
    ) -> Result<Result<Vec<Paid>, Refused>, FaultKind> {
        let least = terms.least.unwrap_or(1).max(1);
        if asked < least {
            return Ok(Err(self.refused(RefusedWhy::BelowLeast, least.saturating_sub(asked))));
        }
        if let Some(step) = terms.step.filter(|step| *step > 0) {
            let beyond = asked.saturating_sub(terms.least.unwrap_or(0)).checked_rem(step).unwrap_or(0);
            if beyond != 0 {
                return Ok(Err(self.refused(RefusedWhy::WrongStep, beyond)));
            }
        }
        let all: i128 = lines.iter().map(|line| i128::from(line.cash())).sum();
        let mut rows: Vec<(u32, i64, i64)> = Vec::new();
        for (row, pieces) in &terms.lines {
            if let Some(line) = line_of(lines, *row) {
                rows.push((*row, *pieces, line.cash()));
            }
        }
        let eligible: i128 = rows.iter().map(|(_, _, cash)| i128::from(*cash)).sum();
        let most = eligible
            .min(terms.most_money.map_or(i128::MAX, i128::from))
            .min(all.saturating_sub(i128::from(terms.cash)))
            .max(0);
        let money = divide_rounded(
            i128::from(asked).saturating_mul(i128::from(minor)),
            i128::from(units),
            self.program.rounding,
        )?;
        let most_points = i128::from(units)
            .checked_mul(most)
            .and_then(|product| product.checked_div(i128::from(minor)))
            .ok_or(FaultKind::Overflow)?
            .min(terms.most_points.map_or(i128::MAX, i128::from));
        if money > most || terms.most_points.is_some_and(|most| asked > most) {
            let by = i128::from(asked).saturating_sub(most_points).max(1);
            let by = i64::try_from(by).unwrap_or(i64::MAX);
            return Ok(Err(self.refused(RefusedWhy::AboveMost, by)));
        }
        let money = i64::try_from(money).map_err(|_| FaultKind::OutOfRange)?;
        if money <= 0 {
            return Ok(Err(self.refused(RefusedWhy::NotAllowed, 0)));
        }
        let mut shares = Vec::new();
        let sharers: Vec<Sharer> =
            rows.iter().map(|(_, _, cash)| Sharer { weight: i128::from(*cash), room: *cash }).collect();
        spreader.spread(money, &sharers, Rounding::Down, Rest::LargestRemainder, &mut shares)?;
        let sharers: Vec<Sharer> =
            shares.iter().map(|share| Sharer { weight: i128::from(*share), room: i64::MAX }).collect();
        let mut points = Vec::new();
        spreader.spread(asked, &sharers, Rounding::Down, Rest::LargestRemainder, &mut points)?;
        let paid = rows.iter().zip(&shares).zip(&points);
        let paid = paid.map(|(((row, pieces, _), money), points)| Paid {
            row: *row,
            pieces: *pieces,
            points: *points,
            money: *money,
        });
        Ok(Ok(paid.filter(|paid| paid.points != 0 || paid.money != 0).collect()))
    }
}

/// A fixed price in points for each piece, which pays for all of the line but what is to be paid in money besides.
fn fixed(terms: &mut Terms, lines: &mut [Line]) -> Result<Vec<Paid>, FaultKind> {
    let mut out = Vec::new();
    // The first that is said of a line holds.
    terms.points.sort_by_key(|(row, _)| *row);
    terms.money.sort_by_key(|(row, _)| *row);
    for (row, pieces) in &terms.lines {
        let Some(line) = line_of(lines, *row) else { continue };
        let each = |list: &[(u32, i64)]| {
            let first = list.get(list.partition_point(|(of, _)| of < row));
            first.filter(|(of, _)| of == row).map_or(0, |(_, each)| *each)
        };
        let times = |each: i64| each.max(0).checked_mul(*pieces).ok_or(FaultKind::OutOfRange);
        let points = times(each(&terms.points))?;
        let besides = times(each(&terms.money))?;
        let money = line.cash().saturating_sub(besides).max(0);
        // What has a price of which nothing is left for them takes no points; what has none is had for them alone.
        let is_paid_already = money == 0 && line.initial > 0;
        if points != 0 && !is_paid_already {
            out.push(Paid { row: *row, pieces: *pieces, points, money });
        }
    }
    Ok(out)
}

/// The redemption of a rule.
pub(super) fn redemption_of(program: &Program, rule: RuleId) -> Option<&Redemption> {
    program.redemptions.iter().find(|redemption| redemption.rule == rule)
}
