//! What limits let through of a rule's parts. Refuses to know where a limit stands and what was given before: it is told
//! how much room there is.

use super::Claimed;
use super::fraction::Fraction;
use super::price::{Part, SiteFault};
use super::spread::{Sharer, Spreader};
use crate::ir::{AccountId, Limit, LimitAmount, Otherwise, Rest, Rounding};

/// What a limit leaves for the event; a parameter that is not there allows nothing, and neither does a negative one.
pub(super) fn allowed(limit: &Limit, params: &[i64], claimed: &dyn Claimed) -> i64 {
    let amount = match limit.amount {
        LimitAmount::Fixed(amount) => amount,
        LimitAmount::Param(param) => params.get(param.index()).copied().unwrap_or(0),
    };
    let before = limit.counter.map_or(0, |counter| claimed.claimed(counter));
    amount.saturating_sub(before).max(0)
}

/// Whose effects are weighed together where more is proposed than fits and `Skip` drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Together {
    /// All of the rule.
    Rule,
    /// Each effect by itself, in order.
    Effect,
}

/// What was given, and what was taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fit {
    pub given: Fraction,
    pub taken: Fraction,
}

/// Reusable memory.
#[derive(Debug, Default)]
pub(super) struct Fitter {
    sharers: Vec<Sharer>,
    amounts: Vec<i64>,
}

impl Fitter {
    /// Fits the parts that give to `account` (`None`: discounts) into `room`. The parts stand by effect.
    ///
    /// Earlier effects keep what they have. The effect that is cut keeps its lines in proportion where it is a
    /// discount; an award keeps its first lines.
    pub fn fit(
        &mut self,
        parts: &mut [Part],
        account: Option<AccountId>,
        room: Fraction,
        otherwise: Otherwise,
        together: Together,
        spreader: &mut Spreader,
    ) -> Result<Fit, SiteFault> {
        let mut fit = Fit::default();
        let mut room = room;
        let sum = |parts: &[Part]| {
            let mut counted = parts.iter().filter(|part| !part.gone && part.account == account);
            counted
                .try_fold(Fraction::ZERO, |sum, part| sum.plus(part.amount).map_err(|kind| (kind, part.site)))
        };
        let all = sum(parts)?;
        let site = parts.first().map(|part| part.site).unwrap_or_default();
        let exact = |result: Result<Fraction, crate::ir::FaultKind>| result.map_err(|kind| (kind, site));
        if all.compare(room).is_le() {
            return Ok(Fit { given: all, taken: Fraction::ZERO });
        }
        if (otherwise, together) == (Otherwise::Skip, Together::Rule) {
            drop_all(parts, account);
            return Ok(Fit { given: Fraction::ZERO, taken: all });
        }
        for effect in parts.chunk_by_mut(|a, b| a.site == b.site) {
            let proposed = sum(effect)?;
            let given = if proposed.compare(room).is_le() {
                proposed
            } else {
                match otherwise {
                    Otherwise::Skip => drop_all(effect, account),
                    Otherwise::Cut => self.cut(effect, account, room, spreader)?,
                }
                sum(effect)?
            };
            room = exact(room.minus(given))?;
            fit.given = exact(fit.given.plus(given))?;
            fit.taken = exact(proposed.minus(given).and_then(|taken| fit.taken.plus(taken)))?;
        }
        Ok(fit)
    }

    /// Cuts one effect to `room`, of which it proposes more.
    fn cut(
        &mut self,
        effect: &mut [Part],
        account: Option<AccountId>,
        room: Fraction,
        spreader: &mut Spreader,
    ) -> Result<(), SiteFault> {
        let Some(site) = effect.first().map(|part| part.site) else { return Ok(()) };
        if account.is_some() {
            let mut room = room;
            for part in effect.iter_mut().filter(|part| !part.gone && part.account == account) {
                if part.amount.compare(room).is_gt() {
                    part.amount = if part.whole { Fraction::whole(room.floor()) } else { room };
                }
                room = room.minus(part.amount).map_err(|kind| (kind, site))?;
            }
            return Ok(());
        }
        let money = |part: &Part| if part.gone { 0 } else { part.money() };
        self.sharers.clear();
        let sharers = effect.iter().map(|part| Sharer { weight: i128::from(money(part)), room: money(part) });
        self.sharers.extend(sharers);
        // More is proposed than fits, so what fits is no more than 64 bits.
        let room = i64::try_from(room.floor()).unwrap_or(0).max(0);
        let rest = Rest::LargestRemainder;
        spreader
            .spread(room, &self.sharers, Rounding::Down, rest, &mut self.amounts)
            .map_err(|kind| (kind, site))?;
        for (part, kept) in effect.iter_mut().zip(&self.amounts) {
            if !part.gone && part.account.is_none() {
                part.amount = Fraction::count(*kept);
            }
        }
        Ok(())
    }
}

fn drop_all(parts: &mut [Part], account: Option<AccountId>) {
    for part in parts.iter_mut().filter(|part| part.account == account) {
        part.gone = true;
    }
}
