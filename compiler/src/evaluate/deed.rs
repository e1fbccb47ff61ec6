//! What rules do besides amounts: instruments that they issue and fields of the member that they set. It follows the
//! amounts: where a rule proposes amounts and none of them stays, it does not happen. So it is with what rules tell. Refuses
//! to know state.

use super::grant::{Given, Granter, Owner, note};
use super::limit::allowed;
use super::price::{NONE, Run, SiteFault};
use super::{Change, Claim, CutBy, Decision, Gift, Hidden, HiddenWhy, Issue, Proposal, Record, Said, Shown};
use crate::calendar::add_months;
use crate::ir::{
    FaultKind, GroupId, InstrumentId, Lifetime, LimitOf, MISSING, NameFrom, Program, RuleId, SiteId,
    SiteKind, Telling, event_slot,
};

/// Most of an instrument that one effect issues.
pub const MOST_ISSUED: i64 = 1_000;

/// Something that a rule does besides amounts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed {
    pub group: GroupId,
    /// Its rule's place in the order of settlement.
    pub position: u32,
    pub rule: RuleId,
    pub site: SiteId,
    pub number: i64,
}

/// An offer that a rule shows, and what keeps it back.
pub(super) type KeptBack = (u32, HiddenWhy);

/// Works out what a rule would do, in the order of its text. What keeps back each offer stands in `held`; the offers that
/// the rule would show and may not are listed in `kept`.
pub(super) fn wishes(
    program: &Program,
    proposals: &[Proposal],
    held: &[Option<HiddenWhy>],
    (out, kept): (&mut Vec<(SiteId, i64)>, &mut Vec<KeptBack>),
) -> Result<(), SiteFault> {
    out.clear();
    kept.clear();
    for of_site in proposals.chunk_by(|a, b| a.site == b.site) {
        let site = of_site.first().and_then(|first| program.sites.get(first.site.index()));
        let Some((site, most)) = site.and_then(|site| Some((site, most_of(site.kind)?))) else { continue };
        for proposal in of_site {
            let at = |kind: FaultKind| (kind, proposal.site);
            let exact = super::fraction::Fraction::new(proposal.num, proposal.den).map_err(at)?;
            let number = i64::try_from(exact.round(program.rounding).map_err(at)?);
            let number = number.ok().filter(|number| *number <= most && *number != MISSING);
            let number = number.ok_or((FaultKind::OutOfRange, proposal.site))?;
            let happens = match site.kind {
                SiteKind::Issue { .. } => number > 0,
                // A loop says something once, however often it turns.
                SiteKind::Tell { .. } => !out.iter().any(|(told, _)| *told == proposal.site),
                SiteKind::Award { .. }
                | SiteKind::Multiply { .. }
                | SiteKind::Debit { .. }
                | SiteKind::Tender { .. }
                | SiteKind::Discount { .. }
                | SiteKind::Gift { .. }
                | SiteKind::Set { .. } => true,
            };
            let offer = offer_of(program, site.kind);
            let why = offer.and_then(|offer| held.get(offer as usize).copied().flatten());
            match offer.zip(why) {
                Some(back) if !kept.contains(&back) => kept.push(back),
                Some(_) => {}
                None if happens => out.push((proposal.site, number)),
                None => {}
            }
        }
    }
    Ok(())
}

/// The largest number of an effect that does something besides amounts; `None` of any other.
fn most_of(kind: SiteKind) -> Option<i64> {
    match kind {
        SiteKind::Award { .. }
        | SiteKind::Multiply { .. }
        | SiteKind::Debit { .. }
        | SiteKind::Tender { .. }
        // What is given of it is chosen before.
        | SiteKind::Gift { .. }
        | SiteKind::Discount { .. } => None,
        SiteKind::Issue { instrument: InstrumentId::Coupon(_) | InstrumentId::Badge(_), .. } => {
            Some(MOST_ISSUED)
        }
        SiteKind::Issue { instrument: InstrumentId::Certificate(_), .. }
        | SiteKind::Tell { .. }
        | SiteKind::Set { .. } => Some(i64::MAX),
    }
}

/// The offer that an effect shows.
fn offer_of(program: &Program, kind: SiteKind) -> Option<u32> {
    let SiteKind::Tell { telling } = kind else { return None };
    match program.tellings.get(usize::try_from(telling).ok()?)? {
        Telling::Offer(offer) => Some(*offer),
        Telling::Words(_) => None,
    }
}

impl Granter {
    /// Does what a rule wishes, unless what it gives besides was lost, or a limit on its times holds it back. Its parts,
    /// where it has any, have been granted already, from `given` on.
    pub fn act(
        &mut self,
        owner: Owner<'_>,
        run: &Run,
        wishes: &[(SiteId, i64)],
        given: usize,
        decision: &mut Decision,
    ) {
        if run.parts.is_empty() {
            for (limits, by) in [(&owner.rule.limits, CutBy::Rule), (&owner.group.limits, CutBy::Group)] {
                for limit in limits.iter().filter(|limit| limit.of == LimitOf::Times) {
                    if allowed(limit, owner.params, owner.claimed) < 1 {
                        let by = limit.counter.map_or(by, CutBy::Counter);
                        note(&mut decision.cuts, owner.rule_id, limit.of, by, 1);
                        return;
                    }
                }
            }
        } else if self.given.len() <= given {
            return;
        }
        self.deeds.extend(wishes.iter().map(|(site, number)| Deed {
            group: owner.group_id,
            position: run.position,
            rule: owner.rule_id,
            site: *site,
            number: *number,
        }));
    }

    /// The first rule of a group that did anything.
    pub fn actor(&self, group: GroupId) -> u32 {
        self.deeds.iter().find(|deed| deed.group == group).map_or(NONE, |deed| deed.position)
    }
}

/// Lists what was done; `given` is what was taken off for goods.
pub(super) fn list(
    program: &Program,
    record: &Record,
    deeds: &[Deed],
    given: &[Given],
    decision: &mut Decision,
) {
    let date = record.event.get(event_slot::DATE.index()).copied().unwrap_or(0);
    for deed in deeds {
        match program.sites.get(deed.site.index()).map(|site| site.kind) {
            Some(SiteKind::Issue { instrument, expires }) => {
                let lifetime = expires.or_else(|| program.instruments.lifetime(instrument));
                decision.issues.push(Issue {
                    rule: Some(deed.rule),
                    site: Some(deed.site),
                    instrument,
                    number: deed.number,
                    expires: lifetime.map(|lifetime| last_day(lifetime, date)),
                });
            }
            Some(SiteKind::Gift { gift, option }) => {
                let (rule, site, added) = (deed.rule, deed.site, deed.number);
                let held = given.iter().filter(|given| (given.rule, given.site) == (rule, site));
                let pieces = held.fold(added, |sum, given| sum.saturating_add(given.pieces));
                if pieces > 0 {
                    decision.gifts.push(Gift { rule, site, gift, option, pieces, added });
                    claim(program, gift, option, pieces, decision);
                }
            }
            Some(SiteKind::Set { name: Some(NameFrom::Slot(from)), .. })
                if record.event.get(from.index()).is_none_or(|name| *name == MISSING) => {}
            Some(SiteKind::Set { slot, until, name: _ }) => {
                decision.changes.push(Change {
                    rule: deed.rule,
                    site: deed.site,
                    slot,
                    value: deed.number,
                    until,
                });
            }
            Some(kind @ SiteKind::Tell { telling }) => match offer_of(program, kind) {
                Some(offer) => {
                    let offered = decision.offered.get_or_insert_default();
                    if !offered.shown.iter().any(|shown| shown.offer == offer) {
                        let rule = Some(deed.rule);
                        offered.shown.push(Shown { offer, score: None, propensity: None, rule });
                    }
                }
                None => decision.said.push(Said { rule: deed.rule, site: deed.site, telling }),
            },
            Some(
                SiteKind::Award { .. }
                | SiteKind::Multiply { .. }
                | SiteKind::Debit { .. }
                | SiteKind::Tender { .. }
                | SiteKind::Discount { .. },
            )
            | None => {}
        }
    }
}

/// Lists the offers that rules would have shown and that their own conditions keep back.
pub(super) fn list_kept(kept: &[(RuleId, KeptBack)], decision: &mut Decision) {
    for (rule, (offer, why)) in kept {
        let offered = decision.offered.get_or_insert_default();
        if !offered.hidden.iter().any(|hidden| hidden.offer == *offer) {
            offered.hidden.push(Hidden { offer: *offer, why: *why, propensity: None, rule: Some(*rule) });
        }
    }
}

/// Takes given pieces from their stock.
fn claim(program: &Program, gift: u32, option: u32, amount: i64, decision: &mut Decision) {
    let at = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
    let option = program.gifts.get(at(gift)).and_then(|gift| gift.options.get(at(option)));
    let Some((_, counter)) = option.and_then(|option| option.stock) else { return };
    match decision.claims.iter_mut().find(|claim| claim.counter == counter) {
        Some(claim) => claim.amount = claim.amount.saturating_add(amount),
        None => decision.claims.push(Claim { counter, amount }),
    }
}

/// The last day of what begins on a day.
fn last_day(lifetime: Lifetime, date: i64) -> i64 {
    match lifetime {
        Lifetime::Days(days) => date.saturating_add(i64::from(days)),
        Lifetime::Months(months) => add_months(date, i64::from(months)),
        Lifetime::On(day) => day,
    }
}
