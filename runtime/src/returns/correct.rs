//! What becomes of awards, debits and claims of a purchase of which goods come back. Refuses to know who keeps lots: it
//! works on what a member holds, and says what moves.

use super::origin::left;
use super::{Again, Left, Returned};
use crate::clock::Zone;
use crate::record::{Reader, Schema};
use crate::state::State;
use crate::state::life::{life_of, portions};
use crate::state::lots::{By, Held, Lots, Moved};
use perq_compiler::evaluate::Claim;
use perq_compiler::ir::{AccountId, CounterId, GroupId, Program, RuleId, SiteId};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of what an effect of the purchase awarded or took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Which effect.
    pub site: SiteId,
    /// Its rule.
    pub rule: RuleId,
    /// The rule's group.
    pub group: GroupId,
    /// Of which account.
    pub account: AccountId,
    /// Whose; nobody's where the purchase had no member.
    pub owner: Option<Box<str>>,
    /// It took.
    pub debit: bool,
    /// By how much the award, or the debit, is larger now; below zero where it is smaller.
    pub amount: i64,
    /// What is left of it.
    pub left: i64,
    /// What moves between lots.
    pub moved: Moved,
}

/// Works out the corrections of a return.
pub(super) fn correct(
    program: &Program,
    zone: &Zone,
    state: &dyn State,
    (schema, reader): (&Schema, &mut Reader),
    now: i64,
    returned: &mut Returned,
    again: &mut Again<'_>,
) {
    let origin = returned.origin.clone();
    if !origin.decided {
        return;
    }
    let mut decided = None;
    if !returned.whole {
        let (mut record, kept) = origin.kept(program, schema, reader, &returned.pieces);
        if let Some((slot, level)) = returned.level {
            super::set(&mut record, slot, level);
        }
        let claimed = state.then(schema, reader, &origin, &mut record);
        let decision = again(&mut record, &*claimed, &kept);
        drop(claimed);
        returned.left = left(&decision.effects);
        returned.claims_left.clone_from(&decision.claims);
        returned.faults.clone_from(&decision.faults);
        decided = Some(decision);
    }
    (returned.beside, returned.undone) = origin.beside.against(program, state, decided.as_ref());
    returned.claims = claims_between(&origin.claims, &returned.claims_left);
    let mut held: BTreeMap<(Box<str>, AccountId), Lots> = BTreeMap::new();
    let sites: BTreeSet<SiteId> = origin.left.iter().chain(&returned.left).map(|left| left.site).collect();
    for site in sites {
        // Ascending by site.
        let find = |lefts: &[Left]| {
            let at = lefts.binary_search_by_key(&site, |left| left.site).ok();
            at.and_then(|at| lefts.get(at)).copied()
        };
        let (before, after) = (find(&origin.left), find(&returned.left));
        let Some(Left { account, debit, .. }) = before.or(after) else { continue };
        let amount = |left: Option<Left>| left.map_or(0, |left| left.amount);
        let left = amount(after);
        let rule = program.sites.get(site.index()).map(|site| site.rule).unwrap_or_default();
        let mut correction = Correction {
            site,
            rule,
            group: program.rules.get(rule.index()).map(|rule| rule.group).unwrap_or_default(),
            account,
            owner: origin.owner(program, site).map(Box::from),
            debit,
            amount: left.saturating_sub(amount(before)),
            left,
            moved: Moved::default(),
        };
        if correction.amount == 0 {
            continue;
        }
        if let Some(owner) = &correction.owner {
            let lots = held.entry((owner.clone(), account)).or_insert_with(|| state.lots(owner, account));
            correction.moved = correction.apply(program, zone, origin.order, (origin.now(), now), lots);
        }
        returned.corrections.push(correction);
    }
    let own = |owner: &str| origin.member.as_deref() == Some(owner);
    let own = held.iter().filter(|((owner, _), _)| own(owner));
    returned.held = own.map(|((_, account), lots)| Held::of(*account, lots, now)).collect();
}

impl Correction {
    /// Moves between a member's lots what the correction says, and tells what moved. `event` is the purchase's place among
    /// the events that were kept, `then` its instant, `at` that of the return.
    pub fn apply(
        &self,
        program: &Program,
        zone: &Zone,
        event: u64,
        (then, at): (perq_compiler::calendar::Instant, i64),
        lots: &mut Lots,
    ) -> Moved {
        let Some(account) = program.accounts.get(self.account.index()) else { return Moved::default() };
        if self.debit {
            if self.amount < 0 {
                return lots.give_back(event, self.amount.saturating_neg());
            }
            let mut moved = Moved::default();
            lots.take_elsewhere(at, self.amount, account.shortfall, &mut moved);
            return moved;
        }
        let Some((_, life)) = life_of(program, self.site).filter(|(_, life)| !life.spent_at_once) else {
            return Moved::default();
        };
        let parts = match self.left {
            0 => Vec::new(),
            left => portions(zone, program.week_starts, account, life, then, left),
        };
        lots.correct(
            at,
            (By { event, site: self.site }, then.at),
            (&parts, life.spendable),
            account.shortfall,
        )
    }
}

/// By how much each claim changes.
fn claims_between(before: &[Claim], after: &[Claim]) -> Vec<Claim> {
    let mut sums: BTreeMap<CounterId, i64> = BTreeMap::new();
    for claim in after {
        let sum = sums.entry(claim.counter).or_default();
        *sum = sum.saturating_add(claim.amount);
    }
    for claim in before {
        let sum = sums.entry(claim.counter).or_default();
        *sum = sum.saturating_sub(claim.amount);
    }
    let changed = sums.into_iter().filter(|(_, amount)| *amount != 0);
    changed.map(|(counter, amount)| Claim { counter, amount }).collect()
}
