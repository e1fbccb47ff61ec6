//! Groups whose rules do nothing but award to the basket, and that nothing limits or excludes: most of what large
//! programmes are made of. All of those that stand together are asked at once and settled here without the machinery that
//! other effects need, to the same result and for the same turns; whatever is out of the ordinary is left to it. Refuses to
//! know lines.

use super::grant::Granter;
use super::propose::{Asking, clear, place_of};
use super::settle::{ENTRY_TURNS, PART_TURNS};
use super::{Call, Code, Decision, Displaced, Proposal, Proposals, RecordView, RuleFault};
use crate::exact::divide_rounded;
use crate::interpret::actions::turns;
use crate::ir::{
    AccountId, Displace, Fault, FaultKind, Function, FunctionId, Group, GroupId, Inst, Phase, Program,
    RoundPer, Rounding, Rule, RuleId, Scope, SiteId, SiteKind,
};
use std::cmp::Ordering;
use std::ops::Range;

/// Turns that giving a part costs that stays, and one that does not: see [`Granter::turns`].
const GRANT_TURNS: (i64, i64) = (12, 6);
/// Amounts of which no sum and no product here leaves its range: numerator and denominator.
const MOST: (i64, i64) = (1 << 62, 1 << 40);

/// A rule of one of these groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainRule {
    rule: RuleId,
    group: GroupId,
    function: FunctionId,
    /// Its one effect.
    site: SiteId,
    account: AccountId,
    rounding: Rounding,
}

/// The rules of these groups, by rule.
pub(super) fn rules(program: &Program) -> Vec<Option<PlainRule>> {
    let mut plain = vec![None; program.rules.len()];
    let takes = program.sites.iter().any(|site| matches!(site.kind, SiteKind::Debit { .. }));
    if takes || !program.gifts.is_empty() {
        return plain;
    }
    let mut sites: Vec<Vec<SiteId>> = vec![Vec::new(); program.rules.len()];
    for (site, id) in program.sites.iter().zip((0u32..).map(SiteId)) {
        if let Some(of_rule) = sites.get_mut(site.rule.index()) {
            of_rule.push(id);
        }
    }
    for (group, id) in program.groups.iter().zip((0u32..).map(GroupId)) {
        let Some(rules) = of_group(program, group, id, &sites) else { continue };
        for rule in rules {
            if let Some(place) = plain.get_mut(rule.rule.index()) {
                *place = Some(rule);
            }
        }
    }
    plain
}

/// The rules of a group, where it is one of these.
fn of_group(program: &Program, group: &Group, id: GroupId, sites: &[Vec<SiteId>]) -> Option<Vec<PlainRule>> {
    let competes = match group.displace {
        Displace::None => false,
        Displace::First | Displace::BestForMember | Displace::BestForRetailer
            if group.per == Scope::Basket =>
        {
            true
        }
        Displace::First | Displace::BestForMember | Displace::BestForRetailer | Displace::Chain => {
            return None;
        }
    };
    if group.phase != Phase::Earn || !group.excludes.is_empty() || !group.limits.is_empty() {
        return None;
    }
    let rules = group.rules.iter().map(|rule_id| {
        let rule = program.rules.get(rule_id.index()).filter(|rule| rule.limits.is_empty())?;
        let [site_id] = sites.get(rule_id.index())?.as_slice() else { return None };
        let site = program.sites.get(site_id.index()).filter(|site| site.to.is_none())?;
        let (account, rounding) = award(program, site.kind)?;
        let of_function = PlainRule {
            rule: *rule_id,
            group: id,
            function: rule.function,
            site: *site_id,
            account,
            rounding,
        };
        proposes_once(program, rule).then_some(of_function)
    });
    let rules: Vec<PlainRule> = rules.collect::<Option<_>>()?;
    // Awards of different accounts are not compared here.
    let alike = rules.windows(2).all(|pair| matches!(pair, [a, b] if a.account == b.account));
    (alike || !competes).then_some(rules)
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

/// Whether the code of a rule makes one proposal at most, for the basket, and chooses no sets. What it does is looked at
/// when it has been asked; this is so that rules which often do more are not asked twice.
fn proposes_once(program: &Program, rule: &Rule) -> bool {
    let Some(Function { insts, .. }) = program.functions.get(rule.function.index()) else { return true };
    let mut loops = 0usize;
    let mut open: Vec<bool> = Vec::new();
    insts.iter().all(|inst| {
        if matches!(inst, Inst::Block | Inst::Loop(_)) {
            let is_loop = matches!(inst, Inst::Loop(_));
            open.push(is_loop);
            loops = loops.saturating_add(usize::from(is_loop));
        } else if *inst == Inst::End && open.pop() == Some(true) {
            loops = loops.saturating_sub(1);
        }
        let in_loop = matches!(inst, Inst::Award { .. }) && loops > 0;
        !(in_loop || matches!(inst, Inst::Award { row: Some(_), .. } | Inst::ChooseSets { .. }))
    })
}

/// An award that a rule proposes.
#[derive(Clone, Copy, Debug)]
struct Award {
    position: u32,
    plain: PlainRule,
    num: i64,
    den: i64,
    /// As it is given; 0 where nothing is proposed.
    amount: i64,
}

impl Award {
    /// What a rule proposes, where that can be settled here.
    #[inline]
    fn of(position: u32, rule: &PlainRule, proposal: &Proposal) -> Option<Award> {
        let num = i64::try_from(proposal.num).ok().filter(|num| (-MOST.0..MOST.0).contains(num))?;
        let den = i64::try_from(proposal.den).ok().filter(|den| (1..MOST.1).contains(den))?;
        if proposal.site != rule.site || proposal.row.is_some() {
            return None;
        }
        // Most are whole.
        let amount = match den {
            1 => num,
            _ => i64::try_from(divide_rounded(proposal.num, proposal.den, rule.rounding).ok()?).ok()?,
        };
        Some(Award { position, plain: *rule, num, den, amount: amount.max(0) })
    }

    /// Which of two gives more, exactly.
    fn compare(&self, other: &Award) -> Ordering {
        if self.den == other.den {
            return self.num.cmp(&other.num);
        }
        let product = |num: i64, den: i64| i128::from(num).saturating_mul(i128::from(den));
        product(self.num, other.den).cmp(&product(other.num, self.den))
    }
}

/// Reusable memory: what the rules propose that were asked.
#[derive(Debug, Default)]
pub(super) struct Plains {
    awards: Vec<Award>,
}

/// What settling changes.
pub(super) struct Settled<'a> {
    pub fuel: &'a mut i64,
    pub granter: &'a mut Granter,
    /// What each group gave.
    pub groups: &'a mut Vec<(GroupId, Range<usize>)>,
    pub decision: &'a mut Decision,
}

impl Plains {
    /// Asks and settles the rules at these positions, which are whole groups of [`rules`]. Says whether it did; where not,
    /// nothing has changed, and they are to be asked again.
    pub fn settle<C: Code>(
        &mut self,
        asking: &Asking<'_, C>,
        positions: &[u32],
        (scratch, proposals): (&mut C::Scratch, &mut Proposals),
        lines: usize,
        mut settled: Settled<'_>,
    ) -> bool {
        let (fuel, faults) = (*settled.fuel, settled.decision.faults.len());
        let entry = turns(lines).saturating_add(ENTRY_TURNS);
        let done = asking.silent.is_empty()
            && self.ask(asking, positions, (&mut *settled.fuel, scratch, proposals), &mut *settled.decision)
            && self.fits(*settled.fuel, entry, settled.granter);
        if !done {
            *settled.fuel = fuel;
            settled.decision.faults.truncate(faults);
            return false;
        }
        for awards in self.awards.chunk_by(|a, b| a.plain.group == b.plain.group) {
            settle_group(asking.program, awards, entry, &mut settled);
        }
        true
    }

    /// Asks the rules; says whether what they do can be settled here.
    fn ask<C: Code>(
        &mut self,
        asking: &Asking<'_, C>,
        positions: &[u32],
        (fuel, scratch, proposals): (&mut i64, &mut C::Scratch, &mut Proposals),
        decision: &mut Decision,
    ) -> bool {
        clear(proposals);
        self.awards.clear();
        let calls = positions.iter().filter_map(|position| {
            let rule = asking.plan.plain(*position)?;
            let call = Call { function: rule.function, rows: asking.candidates.rows(*position) };
            Some(((*position, rule), call))
        });
        let mut plain = true;
        let ended = |(position, rule): (u32, &PlainRule), result: Result<(), Fault>, out: &mut Proposals| {
            match (result, out.list.as_slice()) {
                (Ok(()), []) => {}
                (Ok(()), [proposal]) => match Award::of(position, rule, proposal) {
                    Some(award) => self.awards.push(award),
                    None => plain = false,
                },
                (Ok(()), [_, ..]) => plain = false,
                (Err(fault), _) => {
                    // What could not be paid for here may be paid for where groups are settled one after another.
                    plain = plain && fault.kind != FaultKind::OutOfFuel;
                    let place = place_of(asking.program, rule.rule, fault);
                    decision.faults.push(RuleFault { rule: rule.rule, kind: fault.kind, place });
                }
            }
            out.list.clear();
        };
        // The plan has found them, so their conditions on the event hold.
        let record = RecordView { holds: true, ..asking.record };
        asking.code.run_each(calls, record, asking.bindings, (fuel, scratch, &mut *proposals), ended);
        plain && proposals.takes.is_empty()
    }

    /// Whether there is fuel for settling all of it, and room in the accounts.
    fn fits(&self, fuel: i64, entry: i64, granter: &Granter) -> bool {
        let most = entry.saturating_add(PART_TURNS).saturating_add(GRANT_TURNS.0);
        let has_fuel = turns(self.awards.len()).saturating_mul(most) <= fuel;
        let sum = self.awards.iter().try_fold(0i64, |sum, award| sum.checked_add(award.amount));
        let Some(sum) = sum.filter(|_| has_fuel) else { return false };
        let mut last = None;
        let mut has_room =
            |account: AccountId| last.replace(account) == Some(account) || granter.has_room(account, sum);
        self.awards.iter().all(|award| has_room(award.plain.account))
    }
}

/// Settles what the rules of one group have proposed, whose beginning costs so many turns.
fn settle_group(program: &Program, awards: &[Award], entry: i64, settled: &mut Settled<'_>) {
    let Some(id) = awards.first().map(|award| award.plain.group) else { return };
    let displace = program.groups.get(id.index()).map_or(Displace::None, |group| group.displace);
    let start = settled.granter.given.len();
    let winner = winner(displace, awards);
    let mut cost = entry.saturating_add(turns(awards.len()).saturating_mul(PART_TURNS));
    for award in awards.iter().filter(|award| award.num > 0) {
        match winner.filter(|winner| winner.position != award.position) {
            None => {
                cost = cost.saturating_add(GRANT_TURNS.0);
                let PlainRule { rule, site, account, .. } = award.plain;
                settled.granter.award(id, award.position, (rule, site), account, award.amount);
            }
            Some(winner) => {
                cost = cost.saturating_add(GRANT_TURNS.1);
                let (rule, by) = (award.plain.rule, winner.plain.rule);
                settled.decision.displaced.push(Displaced { rule, by, rows: Vec::new() });
            }
        }
    }
    *settled.fuel = settled.fuel.saturating_sub(cost);
    if settled.granter.given.len() > start {
        settled.groups.push((id, start..settled.granter.given.len()));
    }
}

/// Which award stays alone; none where all do.
fn winner(displace: Displace, awards: &[Award]) -> Option<&Award> {
    let better = match displace {
        Displace::None | Displace::Chain => return None,
        Displace::First => None,
        Displace::BestForMember => Some(Ordering::Greater),
        Displace::BestForRetailer => Some(Ordering::Less),
    };
    let given = awards.iter().filter(|award| award.num > 0);
    given.reduce(|best, next| {
        // The first of equals stays.
        if better == Some(next.compare(best)) { next } else { best }
    })
}
