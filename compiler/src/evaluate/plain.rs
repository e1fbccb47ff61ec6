//! Groups whose rules do nothing but award to the basket, and that nothing limits or excludes: most of what large
//! programmes are made of. They are settled here without the machinery that other effects need, to the same result and
//! for the same turns; whatever is out of the ordinary is left to it. Refuses to know lines.

use super::displace::Loss;
use super::fraction::Fraction;
use super::grant::Granter;
use super::price::{NONE, Run};
use super::propose::{Asking, clear};
use super::settle::PART_TURNS;
use super::{Code, Decision, Proposal, Proposals};
use crate::ir::{
    AccountId, Displace, Group, GroupId, Phase, Program, RoundPer, Rounding, RuleId, Scope, SiteId, SiteKind,
};
use std::cmp::Ordering;

/// Turns that giving a part costs that stays, and one that does not: see [`Granter::turns`].
const GRANT_TURNS: (i64, i64) = (12, 6);
/// Amounts of which no sum and no product here leaves its range: numerator and denominator.
const MOST: (i64, i128) = (1 << 62, 1 << 40);

/// An award that a rule proposes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    position: u32,
    rule: RuleId,
    site: SiteId,
    account: AccountId,
    exact: Fraction,
    /// As it is given.
    amount: i64,
}

/// By group, whether it is one of these.
pub(super) fn groups(program: &Program) -> Vec<bool> {
    let takes = program.sites.iter().any(|site| matches!(site.kind, SiteKind::Debit { .. }));
    if takes || !program.gifts.is_empty() {
        return Vec::new();
    }
    let mut plain: Vec<bool> = program.groups.iter().map(|group| is_plain(program, group)).collect();
    for site in &program.sites {
        let simple = award(program, site.kind).is_some() && site.to.is_none();
        let group = program.rules.get(site.rule.index()).map(|rule| rule.group);
        if let (false, Some(plain)) = (simple, group.and_then(|group| plain.get_mut(group.index()))) {
            *plain = false;
        }
    }
    plain
}

fn is_plain(program: &Program, group: &Group) -> bool {
    let competes = match group.displace {
        Displace::None => true,
        Displace::First | Displace::BestForMember | Displace::BestForRetailer => group.per == Scope::Basket,
        Displace::Chain => false,
    };
    let mut rules = group.rules.iter().filter_map(|rule| program.rules.get(rule.index()));
    competes
        && group.phase == Phase::Earn
        && group.excludes.is_empty()
        && group.limits.is_empty()
        && rules.all(|rule| rule.limits.is_empty())
}

/// The account and the rounding of an award that is whole when its rule is settled.
fn award(program: &Program, kind: SiteKind) -> Option<(AccountId, Rounding)> {
    match kind {
        SiteKind::Award { account: id, rounding, life: _ } => {
            let account = program.accounts.get(id.index())?;
            match (rounding, account.per) {
                (Some(rounding), _) => Some((id, rounding)),
                (None, RoundPer::Line | RoundPer::Rule) => Some((id, account.rounding)),
                (None, RoundPer::Basket) => None,
            }
        }
        SiteKind::Multiply { .. }
        | SiteKind::Discount { .. }
        | SiteKind::Debit { .. }
        | SiteKind::Issue { .. }
        | SiteKind::Gift { .. }
        | SiteKind::Tell { .. }
        | SiteKind::Set { .. }
        | SiteKind::Tender { .. } => None,
    }
}

/// A rule that has proposed something.
#[derive(Clone, Copy, Debug)]
struct Asked {
    position: u32,
    /// Where the lists of proposals and of sets end behind it.
    list: usize,
    takes: usize,
}

/// Reusable memory: the rules of a group that have proposed something, and their awards.
#[derive(Debug, Default)]
pub(super) struct Plains {
    asked: Vec<Asked>,
    awards: Vec<Plain>,
}

impl Plains {
    /// Asks the rules at these positions, which are those of one group. Says whether each proposes what can be settled here:
    /// one award to the basket, or nothing.
    pub fn ask<C: Code>(
        &mut self,
        asking: &Asking<'_, C>,
        positions: &[u32],
        (fuel, scratch, proposals): (&mut i64, &mut C::Scratch, &mut Proposals),
        decision: &mut Decision,
    ) -> bool {
        clear(proposals);
        self.asked.clear();
        self.awards.clear();
        let mut plain = true;
        for position in positions {
            let list = proposals.list.len();
            if !asking.ask(*position, (&mut *fuel, &mut *scratch, &mut *proposals), decision) {
                continue;
            }
            let asked =
                Asked { position: *position, list: proposals.list.len(), takes: proposals.takes.len() };
            self.asked.push(asked);
            plain = plain
                && match proposals.list.get(list..) {
                    Some([proposal]) => self.add(asking, *position, proposal),
                    Some(_) | None => false,
                };
        }
        plain && proposals.takes.is_empty()
    }

    /// Notes an award; says whether it is one of those that can be settled here.
    #[inline]
    fn add<C: Code>(&mut self, asking: &Asking<'_, C>, position: u32, proposal: &Proposal) -> bool {
        let Some(site) = asking.program.sites.get(proposal.site.index()) else { return false };
        let Some((account, rounding)) = award(asking.program, site.kind) else { return false };
        if asking.plan.rule(position) != Some(site.rule) || proposal.row.is_some() {
            return false;
        }
        let Some(num) = i64::try_from(proposal.num).ok().filter(|num| (-MOST.0..MOST.0).contains(num)) else {
            return false;
        };
        if !(1..MOST.1).contains(&proposal.den) {
            return false;
        }
        let Ok(exact) = Fraction::new(proposal.num, proposal.den) else { return false };
        if num > 0 {
            // Most are whole.
            let amount =
                if proposal.den == 1 { Ok(Ok(num)) } else { exact.round(rounding).map(i64::try_from) };
            let Ok(Ok(amount)) = amount else { return false };
            let (rule, site) = (site.rule, proposal.site);
            self.awards.push(Plain { position, rule, site, account, exact, amount });
        }
        true
    }

    /// Whether no rule has proposed anything.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// The rules that have proposed something, for the machinery that settles everything.
    pub fn list(&self, runs: &mut Vec<Run>) {
        runs.clear();
        let (mut list, mut takes) = (0, 0);
        for asked in &self.asked {
            runs.push(Run {
                position: asked.position,
                proposals: list..asked.list,
                takes: takes..asked.takes,
                parts: 0..0,
                faulted: false,
                fallen: false,
            });
            (list, takes) = (asked.list, asked.takes);
        }
    }

    /// Settles a group of [`groups`] whose beginning costs so many turns, and of which [`Self::ask`] said that it can. Says
    /// whether it did; where not, nothing has changed.
    pub fn settle(
        &self,
        (id, group): (GroupId, &Group),
        entry: i64,
        (fuel, granter, losses): (&mut i64, &mut Granter, &mut Vec<Loss>),
    ) -> bool {
        let awards = self.awards.as_slice();
        let Some(winner) = winner(group.displace, awards) else { return false };
        let given = match winner {
            Some(winner) => awards.get(winner..).and_then(|awards| awards.get(..1)).unwrap_or(&[]),
            None => awards,
        };
        let sum = given.iter().fold(0i128, |sum, award| sum.saturating_add(i128::from(award.amount)));
        if given.iter().any(|award| !granter.has_room(award.account, sum)) {
            return false;
        }
        let times = |turns: i64, count: usize| turns.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX));
        let cost = times(PART_TURNS, self.asked.len())
            .saturating_add(times(GRANT_TURNS.0, given.len()))
            .saturating_add(times(GRANT_TURNS.1, awards.len().saturating_sub(given.len())))
            .saturating_add(entry);
        if *fuel < cost {
            return false;
        }
        *fuel = fuel.saturating_sub(cost);
        if let (Some(_), [by]) = (winner, given) {
            let by = by.position;
            let losers = awards.iter().filter(|award| award.position != by);
            losses.extend(losers.map(|award| Loss { loser: award.position, by, row: NONE }));
        }
        for award in given {
            granter.award(id, award.position, (award.rule, award.site), award.account, award.amount);
        }
        true
    }
}

/// Which award stays; `Some(None)` where all do. Awards of different accounts are not compared here.
fn winner(displace: Displace, awards: &[Plain]) -> Option<Option<usize>> {
    let better = match displace {
        Displace::None | Displace::Chain => return Some(None),
        Displace::First => None,
        Displace::BestForMember => Some(Ordering::Greater),
        Displace::BestForRetailer => Some(Ordering::Less),
    };
    let mut best: Option<(usize, &Plain)> = None;
    for (at, next) in awards.iter().enumerate() {
        match best {
            None => best = Some((at, next)),
            Some((_, so_far)) if so_far.account != next.account => return None,
            // The first of equals stays.
            Some((_, so_far)) if better == Some(next.exact.compare(so_far.exact)) => best = Some((at, next)),
            Some(_) => {}
        }
    }
    Some(best.map(|(at, _)| at))
}
