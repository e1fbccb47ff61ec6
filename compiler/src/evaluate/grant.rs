//! What is given in the end: a rule's parts after the floor of prices and the limits, the rounding of awards, and the
//! effects that a decision lists. Refuses to know displacement.
//!
//! Awards are kept exact until the place where their account rounds. That place may be the whole event, so what is
//! given is written down as [`Given`] first and becomes effects when the event is through.

use super::debit::Debit;
use super::deed::Deed;
use super::fraction::Fraction;
use super::limit::{Fit, Fitter, Together, allowed};
use super::price::{Line, NONE, Part, Run, SiteFault, line_of};
use super::spread::{Apportioner, Spreader};
use super::tender::Met;
use super::{Claim, Claimed, Cut, CutBy, Decision, Effect, Share};
use crate::interpret::actions::turns;
use crate::ir::{
    Account, AccountId, FaultKind, Group, GroupId, Limit, LimitOf, Program, RoundPer, Rounding, Rule, RuleId,
    SiteId, SiteKind,
};
use rustc_hash::FxHashSet;
use std::ops::Range;

/// Turns that a part costs for each account and each limit of its rule and group, and when the event is through.
const GRANT_TURNS: i64 = 6;

/// A part that stays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub group: GroupId,
    /// Its rule's place in the order of settlement.
    pub position: u32,
    pub rule: RuleId,
    pub site: SiteId,
    pub account: Option<AccountId>,
    /// It is taken from the account rather than given.
    pub debit: bool,
    /// Or [`NONE`].
    pub row: u32,
    pub pieces: i64,
    /// Whole; of an award that waits, nothing yet.
    pub amount: i64,
    /// An award that waits for the sum of the event.
    pub exact: Option<Fraction>,
}

impl Given {
    /// Whether it gives anything.
    pub fn counts(&self) -> bool {
        !self.debit && self.amount != 0 || self.exact.is_some_and(Fraction::is_positive)
    }
}

/// A sum of awards that wait: of a rule, or of a group.
#[derive(Clone, Debug)]
struct Sum {
    account: AccountId,
    group: GroupId,
    exact: Fraction,
    /// A rule's entries in the list of what is given.
    given: Range<usize>,
}

/// What an account receives from the event.
#[derive(Clone, Copy, Debug, Default)]
struct Balance {
    /// Rounded already.
    whole: i128,
    /// Waiting.
    exact: Fraction,
}

/// Reusable memory.
#[derive(Debug, Default)]
pub(super) struct Granter {
    pub given: Vec<Given>,
    pub deeds: Vec<Deed>,
    balances: Vec<Balance>,
    rules: Vec<Sum>,
    groups: Vec<Sum>,
    /// What the limits of the group at hand have let through; and what they will have, if this rule goes through.
    used: Vec<Fraction>,
    using: Vec<Fraction>,
    fitter: Fitter,
    accounts: Vec<AccountId>,
    exact: Vec<Fraction>,
    apportioner: Apportioner,
    wholes: Vec<i128>,
    parted: Vec<i128>,
    last: Vec<i128>,
    spare: Vec<Vec<Share>>,
}

/// Whose parts they are.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub program: &'a Program,
    pub group_id: GroupId,
    pub group: &'a Group,
    pub rule_id: RuleId,
    pub rule: &'a Rule,
    pub params: &'a [i64],
    pub claimed: &'a dyn Claimed,
}

impl Owner<'_> {
    fn account(&self, account: AccountId) -> Option<&Account> {
        self.program.accounts.get(account.index())
    }

    /// The rounding that an effect states for itself.
    fn own_rounding(&self, site: SiteId) -> Option<Rounding> {
        let site = self.program.sites.get(site.index())?;
        match site.kind {
            // What another member gets is not summed up with what this one does.
            SiteKind::Award { account, rounding: None, life: _ } if site.to.is_some() => {
                Some(self.account(account)?.rounding)
            }
            SiteKind::Award { account: _, rounding, life: _ } => rounding,
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

    /// How what an effect gives is rounded, where its account waits for the end of what `per` names.
    fn waits_for(&self, effect: &[Part], per: RoundPer) -> Option<Rounding> {
        let part = effect.first()?;
        let account = self.account(part.account?)?;
        (account.per == per && self.own_rounding(part.site).is_none()).then_some(account.rounding)
    }
}

impl Granter {
    /// Forgets the event before, and takes back the lists of its decision.
    pub fn begin(&mut self, program: &Program, decision: &mut Decision) {
        self.given.clear();
        self.deeds.clear();
        self.rules.clear();
        self.groups.clear();
        self.balances.clear();
        self.balances.resize(program.accounts.len(), Balance::default());
        for effect in decision.effects.drain(..) {
            let mut shares = effect.shares;
            shares.clear();
            if shares.capacity() > 0 {
                self.spare.push(shares);
            }
        }
    }

    /// Forgets the limits of the group before.
    pub fn enter(&mut self, group: &Group) {
        self.used.clear();
        self.used.resize(group.limits.len(), Fraction::ZERO);
    }

    /// Gives what a rule proposes, as far as prices, limits and ranges allow.
    pub fn grant(
        &mut self,
        owner: Owner<'_>,
        run: &Run,
        parts: &mut [Part],
        lines: &mut [Line],
        spreader: &mut Spreader,
        decision: &mut Decision,
    ) -> Result<(), SiteFault> {
        let cuts = decision.cuts.len();
        // Limits may leave nothing of what goes to one of them, which changes nothing there.
        self.list_accounts(parts);
        let outcome = self
            .try_grant(owner, parts, lines, spreader, &mut decision.cuts)
            .and_then(|()| self.commit(owner, run, parts, lines));
        if outcome.is_err() {
            decision.cuts.truncate(cuts);
        }
        outcome
    }

    fn try_grant(
        &mut self,
        owner: Owner<'_>,
        parts: &mut [Part],
        lines: &mut [Line],
        spreader: &mut Spreader,
        cuts: &mut Vec<Cut>,
    ) -> Result<(), SiteFault> {
        let short = stay_above_zero(parts, lines);
        note(cuts, owner.rule_id, LimitOf::Discounts, CutBy::PriceFloor, i128::from(short));
        for effect in effects_mut(parts) {
            let Some(first) = effect.first().filter(|part| part.account.is_some()) else { continue };
            let own = owner.own_rounding(first.site);
            let Some(rounding) = own.or_else(|| owner.waits_for(effect, RoundPer::Line)) else { continue };
            for part in effect.iter_mut().filter(|part| own.is_some() || !part.gone) {
                part.amount = Fraction::whole(part.amount.round(rounding).map_err(|kind| (kind, part.site))?);
                part.whole = true;
            }
        }
        for limit in &owner.rule.limits {
            let room = allowed(limit, owner.params, owner.claimed);
            let Some(account) = limited(limit.of) else {
                stay_within_times(cuts, owner.rule_id, limit, CutBy::Rule, room, parts);
                continue;
            };
            let room = Fraction::count(room);
            let fit = self.fitter.fit(parts, account, room, limit.otherwise, Together::Rule, spreader)?;
            note_fit(cuts, owner.rule_id, limit, CutBy::Rule, fit);
        }
        self.round_per_rule(owner, parts)?;
        self.using.clear();
        self.using.extend_from_slice(&self.used);
        for (limit, used) in owner.group.limits.iter().zip(&mut self.using) {
            let site = parts.first().map(|part| part.site).unwrap_or_default();
            let exact = |result: Result<Fraction, FaultKind>| result.map_err(|kind| (kind, site));
            let room = allowed(limit, owner.params, owner.claimed);
            let Some(account) = limited(limit.of) else {
                stay_within_times(cuts, owner.rule_id, limit, CutBy::Group, room, parts);
                continue;
            };
            let room = exact(Fraction::count(room).minus(*used))?;
            let fit = self.fitter.fit(parts, account, room, limit.otherwise, Together::Effect, spreader)?;
            *used = exact(used.plus(fit.given))?;
            note_fit(cuts, owner.rule_id, limit, CutBy::Group, fit);
        }
        Ok(())
    }

    /// Writes down what a redemption takes for the lines.
    pub fn tender(&mut self, owner: Owner<'_>, position: u32, met: &Met) {
        for paid in &met.lines {
            self.given.push(Given {
                group: owner.group_id,
                position,
                rule: owner.rule_id,
                site: met.site,
                account: Some(met.tender.account),
                debit: true,
                row: paid.row,
                pieces: paid.pieces,
                amount: paid.points,
                exact: None,
            });
        }
    }

    /// Whether an account has room for so much more, and no fraction waits there.
    pub fn has_room(&self, account: AccountId, more: i64) -> bool {
        let Some(balance) = self.balances.get(account.index()) else { return false };
        let whole = i64::try_from(balance.whole).ok();
        balance.exact.numerator() == 0 && whole.and_then(|whole| whole.checked_add(more)).is_some()
    }

    /// Writes down a whole award to the basket, for which there is room.
    pub fn award(
        &mut self,
        group: GroupId,
        position: u32,
        (rule, site): (RuleId, SiteId),
        account: AccountId,
        amount: i64,
    ) {
        if amount == 0 {
            return;
        }
        if let Some(balance) = self.balances.get_mut(account.index()) {
            balance.whole = balance.whole.saturating_add(i128::from(amount));
        }
        self.given.push(Given {
            group,
            position,
            rule,
            site,
            account: Some(account),
            debit: false,
            row: NONE,
            pieces: 0,
            amount,
            exact: None,
        });
    }

    /// Whether a rule that only takes may do so once more.
    pub fn has_times_left(&self, owner: Owner<'_>) -> bool {
        let limits = owner.rule.limits.iter().chain(&owner.group.limits);
        limits
            .filter(|limit| limit.of == LimitOf::Times)
            .all(|limit| allowed(limit, owner.params, owner.claimed) >= 1)
    }

    /// Writes down what a rule takes.
    pub fn debit(&mut self, owner: Owner<'_>, position: u32, debit: Debit) {
        self.given.push(Given {
            group: owner.group_id,
            position,
            rule: owner.rule_id,
            site: debit.site,
            account: Some(debit.account),
            debit: true,
            row: NONE,
            pieces: 0,
            amount: debit.amount,
            exact: None,
        });
    }

    /// Turns that giving these parts costs: each is looked at for each limit and each account, and once more when the
    /// event is through.
    pub fn turns(&mut self, owner: Owner<'_>, parts: &[Part]) -> i64 {
        self.list_accounts(parts);
        let limits = owner.rule.limits.len().saturating_add(owner.group.limits.len());
        let times = turns(self.accounts.len().saturating_add(limits).saturating_add(1));
        turns(parts.len()).saturating_mul(times).saturating_mul(GRANT_TURNS)
    }

    /// The accounts that these parts give to, each once, in order.
    fn list_accounts(&mut self, parts: &[Part]) {
        self.accounts.clear();
        for effect in effects(parts) {
            let Some(account) = effect.first().and_then(|part| part.account) else { continue };
            // Most rules give to one account.
            if self.accounts.last() != Some(&account) && effect.iter().any(|part| !part.gone) {
                self.accounts.push(account);
            }
        }
        if self.accounts.len() < 2 {
            return;
        }
        self.accounts.sort_unstable();
        self.accounts.dedup();
    }

    /// Rounds what the rule awards to accounts that round by rule.
    fn round_per_rule(&mut self, owner: Owner<'_>, parts: &mut [Part]) -> Result<(), SiteFault> {
        for account in &self.accounts {
            if owner.account(*account).is_none_or(|account| account.per != RoundPer::Rule) {
                continue;
            }
            let waits = |effect: &[Part]| {
                let of_account = effect.first().is_some_and(|part| part.account == Some(*account));
                if of_account { owner.waits_for(effect, RoundPer::Rule) } else { None }
            };
            let mut sum = Fraction::ZERO;
            let mut last = None;
            self.exact.clear();
            for effect in effects(parts) {
                let Some(rounding) = waits(effect) else { continue };
                for part in effect.iter().filter(|part| !part.gone) {
                    sum = sum.plus(part.amount).map_err(|kind| (kind, part.site))?;
                    self.exact.push(part.amount);
                    last = Some((rounding, part.site));
                }
            }
            let Some((rounding, site)) = last else { continue };
            let whole = sum.round(rounding).map_err(|kind| (kind, site))?;
            self.apportioner.apportion(whole, &self.exact, &mut self.wholes);
            let effects = effects_mut(parts).filter(|effect| waits(effect).is_some());
            let waiting = effects.flatten().filter(|part| !part.gone);
            for (part, whole) in waiting.zip(&self.wholes) {
                part.amount = Fraction::whole(*whole);
                part.whole = true;
            }
        }
        Ok(())
    }

    /// Checks that all of it fits, then writes it down. Nothing has changed where it does not.
    fn commit(
        &mut self,
        owner: Owner<'_>,
        run: &Run,
        parts: &[Part],
        lines: &mut [Line],
    ) -> Result<(), SiteFault> {
        let start = self.given.len();
        self.exact.clear();
        for account in &self.accounts {
            let mut waiting = Fraction::ZERO;
            let mut balance = self.balances.get(account.index()).copied().unwrap_or_default();
            let mut site = SiteId::default();
            let of_account =
                |effect: &&[Part]| effect.first().is_some_and(|part| part.account == Some(*account));
            for effect in effects(parts).filter(of_account) {
                let waits = owner.waits_for(effect, RoundPer::Basket).is_some();
                for part in effect.iter().filter(|part| !part.gone) {
                    site = part.site;
                    if waits {
                        waiting = waiting.plus(part.amount).map_err(|kind| (kind, site))?;
                    } else {
                        let whole = balance.whole.checked_add(part.amount.floor());
                        balance.whole = whole.ok_or((FaultKind::Overflow, site))?;
                    }
                }
            }
            balance.exact = balance.exact.plus(waiting).map_err(|kind| (kind, site))?;
            let most = balance.whole.checked_add(balance.exact.ceiling());
            if most.is_none_or(|most| i64::try_from(most).is_err()) {
                return Err((FaultKind::OutOfRange, site));
            }
            if let Some(group) = sum_of(&mut self.groups, *account, owner.group_id) {
                group.exact.plus(waiting).map_err(|kind| (kind, site))?;
            }
            self.exact.push(waiting);
        }
        for effect in effects(parts).filter(|effect| is_discount(effect)) {
            let mut money = effect.iter().filter(|part| !part.gone).map(Part::money);
            // None of them is below zero.
            if money.try_fold(0, i64::checked_add).is_none() {
                return Err((
                    FaultKind::OutOfRange,
                    effect.first().map(|part| part.site).unwrap_or_default(),
                ));
            }
        }
        for effect in effects(parts) {
            let waits = owner.waits_for(effect, RoundPer::Basket).is_some();
            let is_discount = is_discount(effect);
            for part in effect.iter().filter(|part| !part.gone && part.amount.is_positive()) {
                let amount = if waits { Some(0) } else { i64::try_from(part.amount.floor()).ok() };
                // Their sums have just been checked.
                let amount = amount.unwrap_or(0);
                self.given.push(Given {
                    group: owner.group_id,
                    position: run.position,
                    rule: owner.rule_id,
                    site: part.site,
                    account: part.account,
                    debit: false,
                    row: part.row,
                    pieces: part.pieces,
                    amount,
                    exact: waits.then_some(part.amount),
                });
                if is_discount && let Some(line) = line_of(lines, part.row) {
                    line.running = line.running.saturating_sub(amount);
                }
            }
        }
        for (account, waiting) in self.accounts.iter().zip(&self.exact) {
            let Some(balance) = self.balances.get_mut(account.index()) else { continue };
            for part in self.given.get(start..).unwrap_or(&[]) {
                if part.account == Some(*account) && part.exact.is_none() {
                    balance.whole = balance.whole.saturating_add(i128::from(part.amount));
                }
            }
            if !waiting.is_positive() {
                continue;
            }
            // Each of these sums has just been worked out without leaving its range.
            balance.exact = balance.exact.plus(*waiting).unwrap_or(balance.exact);
            let sum = Sum {
                account: *account,
                group: owner.group_id,
                exact: *waiting,
                given: start..self.given.len(),
            };
            match sum_of(&mut self.groups, *account, owner.group_id) {
                Some(group) => group.exact = group.exact.plus(*waiting).unwrap_or(group.exact),
                None => self.groups.push(sum.clone()),
            }
            self.rules.push(sum);
        }
        std::mem::swap(&mut self.used, &mut self.using);
        Ok(())
    }

    /// Rounds what waited for the sum of the event: to groups, in them to rules, in them to lines.
    pub fn round_per_basket(&mut self, program: &Program) {
        if self.rules.is_empty() {
            return;
        }
        // By account; those of an account stay in the order of settlement.
        self.groups.sort_by_key(|sum| sum.account);
        self.rules.sort_by_key(|sum| sum.account);
        let accounts = program.accounts.iter().zip(&self.balances).zip(0u32..);
        for ((account, balance), id) in accounts {
            if account.per != RoundPer::Basket || !balance.exact.is_positive() {
                continue;
            }
            let id = AccountId(id);
            // Committing each award has left room for the next whole number.
            let whole = balance.exact.round(account.rounding).unwrap_or(balance.exact.floor());
            self.exact.clear();
            let groups = of_account(&self.groups, id);
            self.exact.extend(groups.iter().map(|sum| sum.exact));
            self.apportioner.apportion(whole, &self.exact, &mut self.wholes);
            // Both stand in the order in which groups are settled.
            let rules = of_account(&self.rules, id).chunk_by(|a, b| a.group == b.group);
            for (rules, whole) in rules.zip(&self.wholes) {
                self.exact.clear();
                self.exact.extend(rules.iter().map(|sum| sum.exact));
                self.apportioner.apportion(*whole, &self.exact, &mut self.parted);
                for (rule, whole) in rules.iter().zip(&self.parted) {
                    let given = self.given.get_mut(rule.given.clone()).unwrap_or(&mut []);
                    let waits = |part: &&mut Given| part.account == Some(id) && part.exact.is_some();
                    self.exact.clear();
                    self.exact.extend(given.iter_mut().filter(waits).filter_map(|part| part.exact));
                    self.apportioner.apportion(*whole, &self.exact, &mut self.last);
                    for (part, whole) in given.iter_mut().filter(waits).zip(&self.last) {
                        part.amount = i64::try_from(*whole).unwrap_or(0);
                    }
                }
            }
        }
    }

    /// What the rules and groups that gave something claim of the counters of their limits: what was given in the end,
    /// which is no more than what their limits let through.
    fn claim(&self, program: &Program, decision: &mut Decision) {
        if program.counters.is_empty() {
            return;
        }
        let mut claim = |limits: &[Limit], acted: bool, given: &[Given]| {
            for limit in limits {
                let Some(counter) = limit.counter else { continue };
                let mut given = given.iter().filter(|given| given.amount != 0);
                let amount = match limited(limit.of) {
                    None => i64::from(acted || given.next().is_some()),
                    Some(account) => given
                        .filter(|given| given.account == account && !given.debit)
                        .fold(0i64, |sum, given| sum.saturating_add(given.amount)),
                };
                if amount != 0 {
                    decision.claims.push(Claim { counter, amount });
                }
            }
        };
        let rules = |id: RuleId| program.rules.get(id.index()).map_or(&[][..], |rule| &rule.limits);
        let groups = |id: GroupId| program.groups.get(id.index()).map_or(&[][..], |group| &group.limits);
        // What a rule and what a group gives stands together, and so does what they do; rules that only do something
        // come last.
        // Both stay empty, and take no memory, where nothing is done.
        let deeds = !self.deeds.is_empty();
        let acted: FxHashSet<RuleId> = self.deeds.iter().map(|deed| deed.rule).collect();
        let gave: FxHashSet<RuleId> = self.given.iter().filter(|_| deeds).map(|given| given.rule).collect();
        for given in self.given.chunk_by(|a, b| a.rule == b.rule) {
            let id = given.first().map(|given| given.rule).unwrap_or_default();
            claim(rules(id), acted.contains(&id), given);
        }
        for deeds in self.deeds.chunk_by(|a, b| a.rule == b.rule) {
            if let Some(id) = deeds.first().map(|deed| deed.rule).filter(|id| !gave.contains(id)) {
                claim(rules(id), true, &[]);
            }
        }
        let acted: FxHashSet<GroupId> = self.deeds.iter().map(|deed| deed.group).collect();
        let gave: FxHashSet<GroupId> = self.given.iter().filter(|_| deeds).map(|given| given.group).collect();
        for given in self.given.chunk_by(|a, b| a.group == b.group) {
            let id = given.first().map(|given| given.group).unwrap_or_default();
            claim(groups(id), acted.contains(&id), given);
        }
        for deeds in self.deeds.chunk_by(|a, b| a.group == b.group) {
            if let Some(id) = deeds.first().map(|deed| deed.group).filter(|id| !gave.contains(id)) {
                claim(groups(id), true, &[]);
            }
        }
    }

    /// Rounds what waits, and lists the effects, the awards' sums and the claims.
    pub fn finish(&mut self, program: &Program, decision: &mut Decision) {
        self.round_per_basket(program);
        self.list(program, decision);
    }

    /// Lists the effects, the awards' sums and the claims.
    pub fn list(&mut self, program: &Program, decision: &mut Decision) {
        self.claim(program, decision);
        for part in self.given.iter().filter(|part| part.amount != 0) {
            let share = Share { row: part.row, pieces: part.pieces, amount: part.amount };
            let share = Some(share).filter(|share| share.row != NONE);
            let same = decision.effects.last_mut().filter(|last| {
                last.rule == part.rule && last.site == part.site && last.shares.is_empty() == share.is_none()
            });
            if let Some(effect) = same {
                effect.amount = effect.amount.saturating_add(part.amount);
                effect.shares.extend(share);
            } else {
                let mut shares = Vec::new();
                if let Some(share) = share {
                    shares = self.spare.pop().unwrap_or_default();
                    shares.push(share);
                }
                decision.effects.push(Effect {
                    site: part.site,
                    rule: part.rule,
                    group: part.group,
                    account: part.account,
                    debit: part.debit,
                    amount: part.amount,
                    shares,
                });
            }
            let own = program.sites.get(part.site.index()).is_none_or(|site| site.to.is_none());
            if let Some(account) = part.account.filter(|_| own) {
                let totals = &mut decision.totals;
                let sums = if part.debit { &mut totals.debits } else { &mut totals.awards };
                match sums.binary_search_by_key(&account, |(account, _)| *account) {
                    Ok(at) => {
                        if let Some((_, sum)) = sums.get_mut(at) {
                            *sum = sum.saturating_add(part.amount);
                        }
                    }
                    Err(at) => sums.insert(at, (account, part.amount)),
                }
            }
        }
    }
}

/// How many parts the first effect has. Parts of a rule stand by effect, and those of an effect have one account.
fn first_effect(parts: &[Part]) -> Option<usize> {
    let (first, last) = parts.first().zip(parts.last())?;
    // Most rules have one effect.
    let is_only = first.site == last.site;
    Some(if is_only { parts.len() } else { parts.partition_point(|part| part.site <= first.site) })
}

/// The parts of each effect.
fn effects(parts: &[Part]) -> impl Iterator<Item = &[Part]> {
    let mut rest = parts;
    std::iter::from_fn(move || {
        let (effect, others) = rest.split_at_checked(first_effect(rest)?)?;
        rest = others;
        Some(effect)
    })
}

/// The parts of each effect, to be changed.
fn effects_mut(parts: &mut [Part]) -> impl Iterator<Item = &mut [Part]> {
    let mut rest = parts;
    std::iter::from_fn(move || {
        let count = first_effect(rest)?;
        let (effect, others) = std::mem::take(&mut rest).split_at_mut_checked(count)?;
        rest = others;
        Some(effect)
    })
}

fn is_discount(effect: &[Part]) -> bool {
    effect.first().is_some_and(|part| part.account.is_none())
}

/// The sum of the group at hand, which is the last that was settled.
fn sum_of(sums: &mut [Sum], account: AccountId, group: GroupId) -> Option<&mut Sum> {
    sums.iter_mut().rev().take_while(|sum| sum.group == group).find(|sum| sum.account == account)
}

/// The sums of an account in a list that stands by account.
fn of_account(sums: &[Sum], account: AccountId) -> &[Sum] {
    let start = sums.partition_point(|sum| sum.account < account);
    let end = sums.partition_point(|sum| sum.account <= account);
    sums.get(start..end).unwrap_or(&[])
}

/// Cuts discounts where less is left on the line than they propose; says how much less is given in all.
fn stay_above_zero(parts: &mut [Part], lines: &mut [Line]) -> i64 {
    let mut short: i64 = 0;
    for effect in effects_mut(parts).filter(|effect| is_discount(effect)) {
        for part in effect.iter_mut().filter(|part| !part.gone) {
            let Some(line) = line_of(lines, part.row) else { continue };
            let (wanted, left) = (part.money(), line.left());
            let given = wanted.min(left);
            short = short.saturating_add(part.short).saturating_add(wanted.saturating_sub(given));
            part.amount = Fraction::count(given);
            line.own = line.own.saturating_add(given);
        }
    }
    for effect in effects(parts).filter(|effect| is_discount(effect)) {
        for part in effect {
            if let Some(line) = line_of(lines, part.row) {
                line.own = 0;
            }
        }
    }
    short
}

/// What amounts a limit limits: those of awards to an account, or of discounts (`Some(None)`); `None` for times. What a
/// stock counts is no limit's.
fn limited(of: LimitOf) -> Option<Option<AccountId>> {
    match of {
        LimitOf::Discounts => Some(None),
        LimitOf::Awards(account) => Some(Some(account)),
        LimitOf::Times | LimitOf::Gifts => None,
    }
}

/// Drops all of a rule's parts where it may not give once more.
fn stay_within_times(
    cuts: &mut Vec<Cut>,
    rule: RuleId,
    limit: &Limit,
    by: CutBy,
    room: i64,
    parts: &mut [Part],
) {
    if room >= 1 {
        return;
    }
    let mut any = false;
    for part in parts.iter_mut().filter(|part| !part.gone) {
        any |= part.amount.is_positive();
        part.gone = true;
    }
    note(cuts, rule, limit.of, limit.counter.map_or(by, CutBy::Counter), i128::from(any));
}

fn note_fit(cuts: &mut Vec<Cut>, rule: RuleId, limit: &Limit, by: CutBy, fit: Fit) {
    note(cuts, rule, limit.of, limit.counter.map_or(by, CutBy::Counter), fit.taken.ceiling());
}

/// Notes a cut, with what the same took from the rule before.
pub(super) fn note(cuts: &mut Vec<Cut>, rule: RuleId, of: LimitOf, by: CutBy, amount: i128) {
    // What is cut may be more than any award: then as much as can be said.
    let amount = i64::try_from(amount).unwrap_or(i64::MAX);
    if amount <= 0 {
        return;
    }
    // All that is cut of a rule is noted together.
    let mut of_rule = cuts.iter_mut().rev().take_while(|cut| cut.rule == rule);
    match of_rule.find(|cut| (cut.of, cut.by) == (of, by)) {
        Some(cut) => cut.amount = cut.amount.saturating_add(amount),
        None => cuts.push(Cut { rule, of, by, amount }),
    }
}
