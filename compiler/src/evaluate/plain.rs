//! Groups whose rules do nothing but award to the basket, and that nothing limits or excludes: most of what large
//! programmes are made of. They are settled here without the machinery that other effects need, to the same result and
//! for the same turns; whatever is out of the ordinary is left to it. Refuses to know lines.

use super::Proposals;
use super::displace::Loss;
use super::fraction::Fraction;
use super::grant::Granter;
use super::plan::Plan;
use super::price::{NONE, Run};
use super::settle::PART_TURNS;
use crate::ir::{
    AccountId, Displace, Group, GroupId, Phase, Program, RoundPer, Rounding, RuleId, Scope, SiteId, SiteKind,
};
use std::cmp::Ordering;

/// Turns that giving a part costs that stays, and one that does not: see [`Granter::turns`].
const GRANT_TURNS: (i64, i64) = (12, 6);
/// Amounts of which no sum and no product here leaves its range: numerator and denominator.
const MOST: (i128, i128) = (1 << 62, 1 << 40);

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

/// Settles a group of [`groups`] whose beginning costs so many turns. Says whether it did; where not, nothing has changed.
pub(super) fn settle(
    program: &Program,
    plan: &Plan,
    (id, group): (GroupId, &Group),
    (runs, proposals): (&[Run], &Proposals),
    entry: i64,
    (fuel, granter, losses, awards): (&mut i64, &mut Granter, &mut Vec<Loss>, &mut Vec<Plain>),
) -> bool {
    awards.clear();
    for run in runs {
        let [proposal] = proposals.list.get(run.proposals.clone()).unwrap_or(&[]) else { return false };
        let site = program.sites.get(proposal.site.index());
        let award = site.and_then(|site| Some((site.rule, award(program, site.kind)?)));
        let (Some((rule, (account, rounding))), true) = (award, run.takes.is_empty()) else { return false };
        let small = (-MOST.0..MOST.0).contains(&proposal.num) && (1..MOST.1).contains(&proposal.den);
        let Some(exact) = Fraction::new(proposal.num, proposal.den).ok().filter(|_| small) else {
            return false;
        };
        if plan.rule(run.position) != Some(rule) || proposal.row.is_some() {
            return false;
        }
        if exact.is_positive() {
            let Ok(Ok(amount)) = exact.round(rounding).map(i64::try_from) else { return false };
            awards.push(Plain { position: run.position, rule, site: proposal.site, account, exact, amount });
        }
    }
    let Some(winner) = winner(group.displace, awards) else { return false };
    let stay = if winner.is_some() { awards.len().min(1) } else { awards.len() };
    let given = || awards.iter().enumerate().filter(|(at, _)| winner.is_none_or(|winner| winner == *at));
    let sum = given().fold(0i128, |sum, (_, award)| sum.saturating_add(i128::from(award.amount)));
    if given().any(|(_, award)| !granter.has_room(award.account, sum)) {
        return false;
    }
    let times = |turns: i64, count: usize| turns.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX));
    let cost = times(PART_TURNS, runs.len())
        .saturating_add(times(GRANT_TURNS.0, stay))
        .saturating_add(times(GRANT_TURNS.1, awards.len().saturating_sub(stay)))
        .saturating_add(entry);
    if *fuel < cost {
        return false;
    }
    *fuel = fuel.saturating_sub(cost);
    if let Some(by) = winner.and_then(|winner| awards.get(winner)).map(|winner| winner.position) {
        let losers = awards.iter().filter(|award| award.position != by);
        losses.extend(losers.map(|award| Loss { loser: award.position, by, row: NONE }));
    }
    for (_, award) in given() {
        granter.award(id, award.position, (award.rule, award.site), award.account, award.amount);
    }
    true
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
