//! Points as payment, after all prices: each request is met as it stands or refuses the event. Refuses to know lots and
//! what is earned.

use super::debit::Debits;
use super::fraction::Fraction;
use super::price::{Line, SiteFault, line_of};
use super::spread::{Sharer, Spreader};
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
        let share = |paid: &Paid| Share { row: paid.row, pieces: paid.pieces, amount: paid.money };
        let tender = Tender {
            redemption: self.redemption.rule,
            account: self.redemption.account,
            points,
            money,
            shares: paid.iter().map(share).collect(),
        };
        Ok(Ok(Met { site: terms.site, tender, lines: paid }))
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
        if points != 0 {
            out.push(Paid { row: *row, pieces: *pieces, points, money });
        }
    }
    Ok(out)
}

/// The redemption of a rule.
pub(super) fn redemption_of(program: &Program, rule: RuleId) -> Option<&Redemption> {
    program.redemptions.iter().find(|redemption| redemption.rule == rule)
}
