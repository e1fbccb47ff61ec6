//! One event from record to decision: phase by phase, group by group. Knows the order of things and refuses to know how
//! each is worked out.

use super::again::{Kept, is_settled};
use super::debit::Debits;
use super::deed;
use super::derive;
use super::displace::{Displacer, Loss, Used};
use super::fraction::Fraction;
use super::gift::{Gifts, Surroundings};
use super::grant::{Granter, Owner};
use super::offers;
use super::plain::{Plains, Settled};
use super::plan::{Candidates, Plan};
use super::price::{Line, NONE, Part, Pricer, Run, SiteFault, Terms, line_of};
use super::promise;
use super::propose::{Asking, range_of};
use super::tender::{Asked, redemption_of, request};
use super::{
    Bindings, BundleChoice, Claimed, Code, Decision, Displaced, FUEL, HiddenWhy, LineTotal, Proposals,
    Record, Refused, RefusedWhy, RuleFault, Short, Totals,
};
use crate::interpret::actions::{take, turns};
use crate::ir::{
    Displace, FaultKind, Group, GroupId, MISSING, PERCENT_ONE, Phase, Program, Rule, RuleId, SiteId,
    SiteKind, SlotId, Tax, TaxPer, TenderSlots, event_slot, line_slot,
};
use std::ops::Range;

/// Turns that a group costs in which something is proposed, besides those for each line.
pub(super) const ENTRY_TURNS: i64 = 16;
/// Turns that a proposal, each line that it selects and each award that it multiplies cost whenever they are worked out:
/// for their price, their place in the order and what displaces them.
pub(super) const PART_TURNS: i64 = 16;

/// Reusable memory of one thread: evaluation allocates only while it grows.
#[derive(Debug, Default)]
pub struct Workspace<S> {
    budget: Budget,
    scratch: S,
    proposals: Proposals,
    candidates: Candidates,
    settling: Settling,
}

/// Turns that an event may take.
#[derive(Clone, Copy, Debug)]
struct Budget(i64);

impl Default for Budget {
    fn default() -> Budget {
        Budget(FUEL)
    }
}

impl<S: Default> Workspace<S> {
    /// One whose events may take so many turns instead of [`FUEL`].
    pub fn with_fuel(fuel: i64) -> Workspace<S> {
        Workspace { budget: Budget(fuel), ..Workspace::default() }
    }
}

impl<S> Workspace<S> {
    /// Turns that the last event has left over.
    pub fn fuel_left(&self) -> i64 {
        self.settling.fuel
    }

    /// Lets amounts compete by the way that is there for those of any size.
    #[cfg(test)]
    pub(super) fn thorough() -> Workspace<S>
    where
        S: Default,
    {
        let mut workspace = Workspace::default();
        workspace.settling.displacer.thorough = true;
        workspace
    }

    /// What a function runs with.
    pub(super) fn memory(&mut self) -> (&mut S, &mut Proposals) {
        (&mut self.scratch, &mut self.proposals)
    }
}

#[derive(Debug, Default)]
pub(super) struct Settling {
    /// Turns that the event may still take.
    fuel: i64,
    /// Empty as long as nothing needs them: see [`Settling::begin_lines`].
    pub(super) lines: Vec<Line>,
    has_lines: bool,
    /// How many there are.
    line_count: usize,
    runs: Vec<Run>,
    parts: Vec<Part>,
    pricer: Pricer,
    displacer: Displacer,
    pub(super) granter: Granter,
    pub(super) debits: Debits,
    gifts: Gifts,
    /// What redemptions have taken.
    pub(super) tendered: Vec<(RuleId, i64)>,
    losses: Vec<Loss>,
    wishes: Vec<(SiteId, i64)>,
    /// By offer: what keeps it back, where rules may show offers.
    held: Vec<Option<HiddenWhy>>,
    /// Of the rule at hand.
    kept_back: Vec<deed::KeptBack>,
    /// Of all rules that stay.
    all_kept_back: Vec<(RuleId, deed::KeptBack)>,
    faults: Vec<(u32, SiteFault)>,
    /// What each group gave, in `granter.given`.
    pub(super) settled: Vec<(GroupId, Range<usize>)>,
    /// Discounts were given since the record was last brought up to date.
    stale: bool,
    /// Lines are as groups that exclude nothing find them: nothing is noted there, and nothing was taken since.
    pub(super) clear: bool,
    /// The rule whose effects bar the group at hand from awards to the basket.
    holder: u32,
    rows: Vec<Vec<u32>>,
    plains: Plains,
}

/// Decides one event: fills `decision` with what `program` gives for `record`. Brings the running amounts in the record
/// up to date at entry to each phase.
///
/// Total: whatever the record holds, there is a decision, and a rule that fails is named in it and gives nothing.
#[expect(clippy::too_many_arguments, reason = "each is owned by somebody else and lives for another time")]
pub fn evaluate<C: Code>(
    program: &Program,
    plan: &Plan,
    bindings: &Bindings,
    record: &mut Record,
    params: &[i64],
    claimed: &dyn Claimed,
    code: &C,
    workspace: &mut Workspace<C::Scratch>,
    decision: &mut Decision,
) {
    settle(program, plan, bindings, record, params, claimed, code, workspace, decision, None);
}

/// Decides an event again of which goods have come back: as [`evaluate`], but prices and payments are what is left of
/// what was settled, and no request to pay is met again.
#[expect(clippy::too_many_arguments, reason = "each is owned by somebody else and lives for another time")]
pub fn evaluate_again<C: Code>(
    program: &Program,
    plan: &Plan,
    bindings: &Bindings,
    record: &mut Record,
    params: &[i64],
    claimed: &dyn Claimed,
    code: &C,
    workspace: &mut Workspace<C::Scratch>,
    decision: &mut Decision,
    kept: &Kept,
) {
    settle(program, plan, bindings, record, params, claimed, code, workspace, decision, Some(kept));
}

#[expect(clippy::too_many_arguments, reason = "each is owned by somebody else and lives for another time")]
fn settle<C: Code>(
    program: &Program,
    plan: &Plan,
    bindings: &Bindings,
    record: &mut Record,
    params: &[i64],
    claimed: &dyn Claimed,
    code: &C,
    workspace: &mut Workspace<C::Scratch>,
    decision: &mut Decision,
    kept: Option<&Kept>,
) {
    let Workspace { budget, scratch, proposals, candidates, settling } = workspace;
    record.fetch();
    settling.begin(program, record, decision);
    // Conditions on lines are looked at before any rule is asked.
    let finding = plan.turns(record.kind, settling.line_count);
    settling.fuel = budget.0.saturating_sub(finding).max(0);
    settling.held.clear();
    let mut silent = Vec::new();
    if plan.is_more_than_rules {
        derive::fill(program, record);
        let memory = (&mut settling.fuel, &mut *scratch, &mut *proposals);
        let failed = derive::derive(program, bindings, record, params, code, claimed, memory);
        silent = derive::fail_rules(program, record.kind, &failed, decision);
        let left = offers::Left { params, claimed };
        decision.offered = offers::arbitrate(program, bindings, record, &failed, &left);
        decision.answered = offers::answered(program, bindings, record);
        settling.held = offers::kept_back(program, record, &failed, &left);
    }
    settling.debits.purses.begin(program, record, claimed);
    plan.begin(bindings, record, params, candidates);
    if let Some(kept) = kept {
        settling.begin_lines(program, record);
        settling.resume(program, plan, kept);
    }
    for phase in plan.phases() {
        let group = u32::try_from(phase.start.saturating_mul(64)).ok().and_then(|first| plan.group(first));
        let of_phase = group.and_then(|group| program.groups.get(group.index())).map(|group| group.phase);
        if kept.is_some() && of_phase.is_some_and(is_settled) {
            continue;
        }
        settling.bring_up_to_date(program, record);
        if let Some(group) = group {
            code.enter(group, record.view(params));
        }
        plan.find(program, bindings, record, params, phase, candidates);
        let (record_now, silent) = (record.view(params), silent.as_slice());
        let asking = Asking { program, plan, candidates, bindings, record: record_now, code, silent };
        let is_plain = |position: &u32| plan.plain(*position).is_some();
        let mut rest = candidates.found();
        while let Some(first) = rest.first() {
            let plain = is_plain(first);
            let count = rest.iter().take_while(|position| is_plain(position) == plain).count();
            let (stretch, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = later;
            let memory = (&mut *scratch, &mut *proposals);
            if plain && settling.settle_plainly(&asking, stretch, memory, decision) {
                continue;
            }
            for here in stretch.chunk_by(|a, b| plan.group(*a) == plan.group(*b)) {
                let Some(group_id) = here.first().and_then(|position| plan.group(*position)) else {
                    continue;
                };
                let Some(group) = program.groups.get(group_id.index()) else { continue };
                let memory = (&mut settling.fuel, &mut *scratch, &mut *proposals);
                asking.group(group, here, memory, &mut settling.runs, decision);
                if settling.runs.is_empty() {
                    continue;
                }
                let around =
                    Around { program, plan, bindings, record, group_id, group, params, claimed, proposals };
                if group.phase == Phase::Tender {
                    settling.tender(&around, record, decision);
                } else {
                    settling.settle(&around, decision);
                }
            }
        }
    }
    match kept {
        None => {
            settling.refuse(program, record, decision);
            settling.granter.finish(program, decision);
        }
        Some(kept) => {
            settling.granter.round_per_basket(program);
            settling.cancel(program, plan, kept);
            settling.granter.list(program, decision);
        }
    }
    if !settling.granter.deeds.is_empty() {
        deed::list(program, record, &settling.granter.deeds, &settling.granter.given, decision);
    }
    if decision.refused.is_none() {
        deed::list_kept(&settling.all_kept_back, decision);
        offers::claim(program, decision);
    }
    decision.spent.clear();
    if decision.refused.is_none() {
        decision.spent.extend_from_slice(&settling.debits.purses.spent);
    }
    settling.total(program, record, decision);
    match kept {
        None => promise::look(program, bindings, record.view(params), record.kind, decision),
        // What comes back is a difference of two decisions; of the purchase it was asked.
        Some(_) => decision.broken.clear(),
    }
}

/// What surrounds the settlement of one group.
struct Around<'a> {
    program: &'a Program,
    plan: &'a Plan,
    bindings: &'a Bindings,
    record: &'a Record,
    group_id: GroupId,
    group: &'a Group,
    params: &'a [i64],
    claimed: &'a dyn Claimed,
    proposals: &'a Proposals,
}

impl<'a> Around<'a> {
    fn owner(&self, rule_id: RuleId, rule: &'a Rule) -> Owner<'a> {
        Owner {
            program: self.program,
            group_id: self.group_id,
            group: self.group,
            rule_id,
            rule,
            params: self.params,
            claimed: self.claimed,
        }
    }

    fn terms(&self) -> Terms {
        Terms { on_price: self.group.on_price, chain: self.group.displace == Displace::Chain }
    }

    /// Whether each rule takes from the lines before the next one is worked out.
    fn one_by_one(&self) -> bool {
        match self.group.displace {
            Displace::None | Displace::Chain => true,
            Displace::First | Displace::BestForMember | Displace::BestForRetailer => false,
        }
    }
}

impl Settling {
    fn begin(&mut self, program: &Program, record: &Record, decision: &mut Decision) {
        self.granter.begin(program, decision);
        self.debits.begin();
        self.gifts.begin();
        self.tendered.clear();
        self.all_kept_back.clear();
        for displaced in decision.displaced.drain(..) {
            let mut rows = displaced.rows;
            rows.clear();
            if rows.capacity() > 0 {
                self.rows.push(rows);
            }
        }
        decision.issues.clear();
        decision.gifts.clear();
        decision.gift_offers.clear();
        decision.changes.clear();
        decision.said.clear();
        decision.tiers.clear();
        decision.raised.clear();
        decision.cuts.clear();
        decision.bundles.clear();
        decision.claims.clear();
        decision.short.clear();
        decision.tenders.clear();
        decision.offered = None;
        decision.answered = None;
        decision.refused = None;
        decision.faults.clear();
        decision.lines.clear();
        let mut awards = std::mem::take(&mut decision.totals.awards);
        awards.clear();
        let mut debits = std::mem::take(&mut decision.totals.debits);
        debits.clear();
        decision.totals = Totals { awards, debits, ..Totals::default() };
        self.settled.clear();
        self.lines.clear();
        self.has_lines = false;
        self.line_count = rows(record).len();
        if program.tax.is_some() || is_tendered(program) {
            self.begin_lines(program, record);
        }
        self.stale = true;
        self.clear = true;
    }

    /// Lists the lines as they are at the beginning, unless that is done. Where nothing but awards to the basket are given,
    /// nobody needs them.
    fn begin_lines(&mut self, program: &Program, record: &Record) {
        if self.has_lines {
            return;
        }
        self.has_lines = true;
        self.lines.extend(rows(record).map(|line| {
            let initial = present(line, line_slot::INITIAL);
            let pieces = present(line, line_slot::PIECES);
            // A piece is sold for no less; what is less already stays as it is.
            let floor = program.floor.map_or(0, |slot| present(line, slot).max(0));
            let floor = floor.saturating_mul(pieces.max(0)).min(initial.max(0));
            Line {
                initial,
                running: initial,
                entry: initial,
                pieces,
                floor,
                holder: NONE,
                contested_by: NONE,
                ..Line::default()
            }
        }));
    }

    /// Writes the running amounts into the record, where rules of the coming phase read them.
    fn bring_up_to_date(&mut self, program: &Program, record: &mut Record) {
        if !self.stale {
            return;
        }
        self.stale = false;
        if !self.has_lines {
            if write_initial(record) {
                return;
            }
            self.begin_lines(program, record);
        }
        self.write_tender(program, record);
        let rows = record.lines.chunks_exact_mut(record.line_width.max(1));
        // As many as there were at the beginning.
        for (line, row) in self.lines.iter().zip(rows) {
            if row.get(line_slot::INITIAL.index()).is_some_and(|initial| *initial == MISSING) {
                continue;
            }
            if let Some(paid) = row.get_mut(line_slot::PAID.index()) {
                *paid = line.running;
            }
        }
        if let Some(paid) = record.event.get_mut(event_slot::BASKET_PAID.index()) {
            *paid = sum_of(self.lines.iter().map(|line| line.running));
        }
    }

    fn settle(&mut self, around: &Around<'_>, decision: &mut Decision) {
        let start = self.granter.given.len();
        self.losses.clear();
        self.faults.clear();
        self.parts.clear();
        self.granter.enter(around.group);
        self.begin_lines(around.program, around.record);
        self.settle_generally(around, decision);
        let given = start..self.granter.given.len();
        if !given.is_empty() {
            let taken = self.granter.given.get(given.clone()).unwrap_or(&[]);
            if taken.iter().any(|part| part.account.is_none()) {
                self.stale = true;
                self.clear = false;
            }
            self.settled.push((around.group_id, given));
        }
        self.list_bundles(around, decision);
        self.report(around.program, around.plan, decision);
    }

    fn settle_generally(&mut self, around: &Around<'_>, decision: &mut Decision) {
        let entry = self.turns_of_entry(around);
        if take(&mut self.fuel, entry).is_err() {
            self.starve_all(around);
            return;
        }
        self.choose_gifts(around, decision);
        self.look_at_debits(around, decision);
        self.hold(around);
        let excludes = !around.group.excludes.is_empty();
        let is_contested = excludes && self.lines.iter().any(|line| line.contested > 0);
        if is_contested && !self.contest(around) {
            self.starve_all(around);
        } else {
            self.compete(around, decision);
        }
    }

    /// Asks and settles groups in which rules do nothing but award to the basket, where nothing comes up that takes more: the
    /// same as [`Self::settle_generally`], turn for turn. Says whether it did; where not, nothing has changed.
    fn settle_plainly<C: Code>(
        &mut self,
        asking: &Asking<'_, C>,
        positions: &[u32],
        memory: (&mut C::Scratch, &mut Proposals),
        decision: &mut Decision,
    ) -> bool {
        let Settling { fuel, granter, settled: groups, plains, line_count, .. } = self;
        let settled = Settled { fuel, granter, groups, decision };
        plains.settle(asking, positions, memory, *line_count, settled)
    }

    /// Works out what the runs give, and gives what stays.
    fn compete(&mut self, around: &Around<'_>, decision: &mut Decision) {
        self.parts.clear();
        for run in 0..self.runs.len() {
            let cost = self.turns_of_prices(around, run..run.saturating_add(1));
            if take(&mut self.fuel, cost).is_err() {
                self.starve(around, run);
                continue;
            }
            self.price(around, run);
            if around.one_by_one() {
                self.grant(around, run, decision);
            }
        }
        if around.one_by_one() {
            return;
        }
        self.displace(around);
        for run in 0..self.runs.len() {
            self.grant(around, run, decision);
        }
    }

    /// Turns that beginning with a group costs: each line is looked at, and for each exclusion what was given before.
    fn turns_of_entry(&self, around: &Around<'_>) -> i64 {
        let mut cost = turns(self.lines.len()).saturating_add(ENTRY_TURNS);
        for exclusion in &around.group.excludes {
            let settled = self.settled.iter().filter(|(group, _)| *group == exclusion.group);
            let given = settled.fold(0usize, |sum, (_, given)| sum.saturating_add(given.len()));
            let deeds = if exclusion.whole { self.granter.deeds.len() } else { 0 };
            let looked = self.settled.len().saturating_add(given.saturating_mul(2)).saturating_add(deeds);
            cost = cost.saturating_add(turns(looked));
        }
        cost
    }

    /// Turns that working out these runs once costs, with what displacing their parts does.
    fn turns_of_prices(&self, around: &Around<'_>, runs: Range<usize>) -> i64 {
        let mut parts = 0i64;
        // Of the site at hand: a proposal, and each award that it multiplies.
        let mut each = (None, 0i64);
        for run in self.runs.get(runs).unwrap_or(&[]) {
            for proposal in around.proposals.list.get(run.proposals.clone()).unwrap_or(&[]) {
                if each.0 != Some(proposal.site) {
                    let kind = around.program.sites.get(proposal.site.index()).map(|site| site.kind);
                    let given = match kind {
                        Some(SiteKind::Multiply { .. }) => self.granter.given.len(),
                        Some(
                            SiteKind::Award { .. }
                            | SiteKind::Discount { .. }
                            | SiteKind::Debit { .. }
                            | SiteKind::Gift { .. }
                            | SiteKind::Issue { .. }
                            | SiteKind::Tell { .. }
                            | SiteKind::Set { .. }
                            | SiteKind::Tender { .. },
                        )
                        | None => 0,
                    };
                    each = (Some(proposal.site), turns(given).saturating_add(1));
                }
                let rows = proposal.selected.end.saturating_sub(proposal.selected.start);
                parts = parts.saturating_add(i64::from(rows)).saturating_add(each.1);
            }
        }
        parts.saturating_mul(PART_TURNS)
    }

    /// Lets a run fail for want of fuel.
    fn starve(&mut self, around: &Around<'_>, index: usize) {
        let Some(run) = self.runs.get_mut(index) else { return };
        run.parts = 0..0;
        if run.faulted || run.fallen {
            return;
        }
        run.faulted = true;
        let first = around.proposals.list.get(run.proposals.start);
        let site = first.map(|proposal| proposal.site).unwrap_or_default();
        self.faults.push((run.position, (FaultKind::OutOfFuel, site)));
    }

    /// Lets a group fail for want of fuel.
    fn starve_all(&mut self, around: &Around<'_>) {
        self.parts.clear();
        for run in 0..self.runs.len() {
            self.starve(around, run);
        }
    }

    /// Tells the displacer which pieces the sets of each rule use.
    fn note_used(&mut self, around: &Around<'_>) {
        self.displacer.used.clear();
        for (index, run) in (0u32..).zip(&self.runs) {
            for take in around.proposals.takes.get(run.takes.clone()).unwrap_or(&[]) {
                let used = range_of(&around.proposals.used, &take.used);
                self.displacer.used.extend(used.iter().map(|(row, pieces)| Used {
                    row: *row,
                    run: index,
                    pieces: *pieces,
                }));
            }
        }
    }

    /// Lists the sets of the rules that gave something for them.
    fn list_bundles(&mut self, around: &Around<'_>, decision: &mut Decision) {
        for run in self.runs.iter().filter(|run| !run.faulted && !run.takes.is_empty()) {
            let parts = self.parts.get(run.parts.clone()).unwrap_or(&[]);
            if !parts.iter().any(|part| !part.gone && part.amount.is_positive()) {
                continue;
            }
            let Some(rule) = around.plan.rule(run.position) else { continue };
            for take in around.proposals.takes.get(run.takes.clone()).unwrap_or(&[]) {
                let used = range_of(&around.proposals.used, &take.used).to_vec();
                decision.bundles.push(BundleChoice { rule, sets: take.sets, gap: take.gap, used });
            }
        }
    }

    /// Turns that meeting a request costs.
    fn turns_of_request(&self, around: &Around<'_>, run: &Run) -> i64 {
        let proposals = around.proposals.list.get(run.proposals.clone()).unwrap_or(&[]);
        let rows = proposals.iter().fold(proposals.len(), |sum, proposal| {
            sum.saturating_add(range_of(&around.proposals.selected, &proposal.selected).len())
        });
        turns(rows.saturating_add(self.lines.len())).saturating_mul(PART_TURNS)
    }

    /// Meets the requests of the group's redemptions, one after another; the first that cannot be met refuses the event.
    fn tender(&mut self, around: &Around<'_>, record: &Record, decision: &mut Decision) {
        self.note_payable(around);
        for run in std::mem::take(&mut self.runs) {
            let Some(rule_id) = around.plan.rule(run.position) else { continue };
            let Some(rule) = around.program.rules.get(rule_id.index()) else { continue };
            let Some(redemption) = redemption_of(around.program, rule_id) else { continue };
            if decision.refused.is_some() || request(record, redemption).is_none() {
                continue;
            }
            let cost = self.turns_of_request(around, &run);
            if take(&mut self.fuel, cost).is_err() {
                let (kind, place) = (FaultKind::OutOfFuel, rule.place);
                decision.faults.push(RuleFault { rule: rule_id, kind, place });
                continue;
            }
            let asked = Asked {
                program: around.program,
                redemption,
                record,
                claimed: around.claimed,
                debits: &self.debits,
                proposals: around.proposals,
                range: run.proposals.clone(),
            };
            match asked.meet(&mut self.lines, &mut self.pricer.spreader) {
                Ok(Ok(met)) => {
                    let owner = around.owner(rule_id, rule);
                    self.debits.take(met.tender.account, met.tender.points);
                    for (condition, amount) in &met.spent {
                        self.debits.purses.spend_of(met.tender.account, *condition, *amount);
                    }
                    self.granter.tender(owner, run.position, &met);
                    for paid in &met.lines {
                        if let Some(line) = line_of(&mut self.lines, paid.row) {
                            line.tendered = line.tendered.saturating_add(paid.money);
                        }
                    }
                    self.tendered.push((rule_id, met.tender.points));
                    decision.tenders.push(met.tender);
                    self.stale = true;
                }
                Ok(Err(refused)) => decision.refused = Some(refused),
                Err((kind, site)) => {
                    let place = around.program.sites.get(site.index()).map_or(rule.place, |site| site.place);
                    decision.faults.push(RuleFault { rule: rule_id, kind, place });
                }
            }
        }
    }

    /// Notes for which lines points of a condition may pay.
    fn note_payable(&mut self, around: &Around<'_>) {
        for run in &self.runs {
            let Some(rule) = around.plan.rule(run.position) else { continue };
            let spendables = around.program.spendables.iter();
            let Some(at) = spendables.into_iter().position(|one| one.lines == Some(rule)) else { continue };
            for proposal in around.proposals.list.get(run.proposals.clone()).unwrap_or(&[]) {
                let rows = range_of(&around.proposals.selected, &proposal.selected);
                self.debits.purses.pay_for(at, rows.iter().map(|(row, _)| *row));
            }
        }
    }

    /// Refuses the event where a request was not met: then nothing of it is given.
    fn refuse(&mut self, program: &Program, record: &Record, decision: &mut Decision) {
        if program.redemptions.is_empty() {
            return;
        }
        for redemption in &program.redemptions {
            let met = self.tendered.iter().any(|(rule, _)| *rule == redemption.rule);
            if decision.refused.is_some() || met || request(record, redemption).is_none() {
                continue;
            }
            let failed = decision.faults.iter().any(|fault| fault.rule == redemption.rule);
            let why = if failed { RefusedWhy::Failed } else { RefusedWhy::NotAllowed };
            let (rule, account) = (redemption.rule, redemption.account);
            decision.refused = Some(Refused { redemption: rule, account, why, by: 0 });
        }
        let Some(refused) = decision.refused else { return };
        self.granter.begin(program, decision);
        decision.displaced.clear();
        decision.gift_offers.clear();
        decision.cuts.clear();
        decision.short.clear();
        decision.tenders.clear();
        decision.faults.retain(|fault| fault.rule == refused.redemption);
        for line in &mut self.lines {
            line.running = line.initial;
            line.tendered = 0;
        }
    }

    /// Writes into the record how it is paid.
    fn write_tender(&self, program: &Program, record: &mut Record) {
        let slots = program.tender;
        if !is_tendered(program) {
            return;
        }
        let sum = |of: fn(&Line) -> i64| self.lines.iter().map(|line| i128::from(of(line))).sum::<i128>();
        let points = present_count(sum(|line| line.tendered));
        let cash = present_count(sum(|line| line.running.saturating_sub(line.tendered)));
        for (slot, value) in [(slots.points, points), (slots.cash, cash)] {
            if let Some(place) = slot.and_then(|slot| record.event.get_mut(slot.index())) {
                *place = value;
            }
        }
        for redemption in &program.redemptions {
            let used = self.tendered.iter().filter(|(rule, _)| *rule == redemption.rule);
            let used = used.fold(0i64, |sum, (_, points)| sum.saturating_add(*points));
            if let Some(place) = redemption.used.and_then(|slot| record.event.get_mut(slot.index())) {
                *place = used;
            }
        }
        let Some(slot) = slots.line_cash else { return };
        let rows = record.lines.chunks_exact_mut(record.line_width.max(1));
        for (line, row) in self.lines.iter().zip(rows) {
            if let Some(place) = row.get_mut(slot.index()) {
                *place = line.running.saturating_sub(line.tendered);
            }
        }
    }

    /// Chooses the products of gifts; a run of which a number fails falls.
    fn choose_gifts(&mut self, around: &Around<'_>, decision: &mut Decision) {
        self.gifts.enter();
        if around.program.gifts.is_empty() {
            return;
        }
        let surroundings = Surroundings {
            program: around.program,
            bindings: around.bindings,
            record: around.record,
            claimed: around.claimed,
            proposals: around.proposals,
        };
        for (index, run) in self.runs.iter_mut().enumerate() {
            let Some(rule) = around.plan.rule(run.position) else { continue };
            let proposals = around.proposals.list.get(run.proposals.clone()).unwrap_or(&[]);
            let cost = self.gifts.turns(around.program, around.proposals, proposals);
            let first = proposals.first().map(|proposal| proposal.site).unwrap_or_default();
            let chosen = take(&mut self.fuel, cost)
                .map_err(|kind| (kind, first))
                .and_then(|()| self.gifts.gather(&surroundings, &mut self.lines, (index, rule), proposals));
            if let Err((kind, site)) = chosen {
                run.fallen = true;
                let place = around.program.sites.get(site.index()).map(|site| site.place).unwrap_or_default();
                decision.faults.push(RuleFault { rule, kind, place });
            }
        }
    }

    /// Lets those runs fall at once that take more than there is, so that they displace nothing.
    fn look_at_debits(&mut self, around: &Around<'_>, decision: &mut Decision) {
        self.debits.enter();
        if !around.plan.debits {
            return;
        }
        for (index, run) in self.runs.iter_mut().enumerate() {
            let Some(rule) = around.plan.rule(run.position) else { continue };
            let proposals = around.proposals.list.get(run.proposals.clone()).unwrap_or(&[]);
            let site = proposals.first().map(|proposal| proposal.site).unwrap_or_default();
            let gathered = self
                .debits
                .gather(around.program, index, proposals)
                .and_then(|()| take(&mut self.fuel, self.debits.turns(index)).map_err(|kind| (kind, site)));
            if let Err((kind, site)) = gathered {
                run.fallen = true;
                let place = around.program.sites.get(site.index()).map(|site| site.place).unwrap_or_default();
                decision.faults.push(RuleFault { rule, kind, place });
            } else if let Some((account, missing)) =
                self.debits.missing(around.program, around.claimed, index)
            {
                run.fallen = true;
                decision.short.push(Short { rule, account, missing });
            }
        }
    }

    /// Notes what earlier groups hold against this one.
    fn hold(&mut self, around: &Around<'_>) {
        self.holder = NONE;
        let excludes = !around.group.excludes.is_empty();
        if self.clear && !excludes {
            return;
        }
        self.clear = !excludes;
        for line in &mut self.lines {
            line.entry = line.running;
            line.holder = NONE;
            line.contested = 0;
            line.contested_by = NONE;
            line.offered = 0;
        }
        for exclusion in &around.group.excludes {
            let settled = self.settled.iter().filter(|(group, _)| *group == exclusion.group);
            for (_, given) in settled {
                let given = self.granter.given.get(given.clone()).unwrap_or(&[]);
                for part in given.iter().filter(|part| part.counts()) {
                    first(&mut self.holder, part.position);
                    let Some(line) = line_of(&mut self.lines, part.row) else { continue };
                    if exclusion.when_better && part.account.is_none() {
                        line.contested = line.contested.saturating_add(part.amount);
                        first(&mut line.contested_by, part.position);
                    } else {
                        first(&mut line.holder, part.position);
                    }
                }
            }
        }
        for exclusion in around.group.excludes.iter().filter(|exclusion| exclusion.whole) {
            let settled = self.settled.iter().filter(|(group, _)| *group == exclusion.group);
            let given = settled.filter_map(|(_, given)| self.granter.given.get(given.clone())).flatten();
            let by = given.filter(|part| part.counts()).map(|part| part.position).next();
            let by = by.unwrap_or_else(|| self.granter.actor(exclusion.group));
            if by != NONE {
                first(&mut self.holder, by);
                self.lines.iter_mut().for_each(|line| first(&mut line.holder, by));
            }
        }
        for line in self.lines.iter_mut().filter(|line| line.holder != NONE) {
            line.contested = 0;
        }
    }

    /// Lets the group compete with earlier ones that give way to a better one: works it out as if they had given
    /// nothing on the lines in question, and takes the lines over on which it gives more. A line on which it does not
    /// goes back to the earlier group, which may change what is worked out for the others, so they are looked at
    /// again; each round gives at least one line back. Where the fuel does not last for all rounds every line goes back.
    ///
    /// Says whether the fuel lasted.
    fn contest(&mut self, around: &Around<'_>) -> bool {
        for line in self.lines.iter_mut().filter(|line| line.contested > 0) {
            line.running = line.running.saturating_add(line.contested);
            line.entry = line.running;
        }
        let round = self.turns_of_prices(around, 0..self.runs.len());
        let round = round.saturating_add(turns(self.lines.len()));
        loop {
            if take(&mut self.fuel, round).is_err() {
                self.lines.iter_mut().filter(|line| line.contested > 0).for_each(Line::give_back);
                return false;
            }
            let losses = self.losses.len();
            self.parts.clear();
            for run in 0..self.runs.len() {
                self.price(around, run);
                if around.one_by_one() {
                    self.take(run, 1);
                }
            }
            if around.one_by_one() {
                for run in 0..self.runs.len() {
                    self.take(run, -1);
                }
            } else {
                self.displace(around);
            }
            for part in self.parts.iter().filter(|part| !part.gone) {
                if let Some(line) = line_of(&mut self.lines, part.row) {
                    line.offered = line.offered.saturating_add(part.money()).min(line.running);
                }
            }
            self.losses.truncate(losses);
            self.faults.clear();
            for run in &mut self.runs {
                run.faulted = false;
            }
            let mut given_back = false;
            for line in &mut self.lines {
                if line.contested > 0 && line.offered <= line.contested {
                    line.give_back();
                    given_back = true;
                }
                line.offered = 0;
            }
            if !given_back {
                break;
            }
        }
        // What is taken over must not be lost because the fuel ends before it is given.
        let mut rest = self.turns_of_prices(around, 0..self.runs.len());
        for (index, run) in self.runs.iter().enumerate() {
            let rule_id = around.plan.rule(run.position);
            let rule = rule_id.and_then(|id| Some((id, around.program.rules.get(id.index())?)));
            let Some((rule_id, rule)) = rule else { continue };
            let parts = self.parts.get(run.parts.clone()).unwrap_or(&[]);
            let cost = self.granter.turns(around.owner(rule_id, rule), parts);
            rest = rest.saturating_add(cost).saturating_add(self.debits.turns(index));
        }
        if self.fuel < rest {
            self.lines.iter_mut().filter(|line| line.contested > 0).for_each(Line::give_back);
            return false;
        }
        for line in &mut self.lines {
            line.winner = NONE;
        }
        for part in self.parts.iter().filter(|part| !part.gone && part.money() > 0) {
            let by = usize::try_from(part.run).ok().and_then(|run| self.runs.get(run));
            if let (Some(line), Some(by)) = (line_of(&mut self.lines, part.row), by) {
                first(&mut line.winner, by.position);
            }
        }
        for exclusion in around.group.excludes.iter().filter(|exclusion| exclusion.when_better) {
            for (_, given) in self.settled.iter().filter(|(group, _)| *group == exclusion.group) {
                let given = self.granter.given.get_mut(given.clone()).unwrap_or(&mut []);
                for part in given.iter_mut().filter(|part| part.account.is_none() && part.amount > 0) {
                    let won = line_of(&mut self.lines, part.row).filter(|line| line.contested > 0);
                    let Some(by) = won.map(|line| line.winner) else { continue };
                    self.losses.push(Loss { loser: part.position, by, row: part.row });
                    part.amount = 0;
                    self.stale = true;
                }
            }
        }
        true
    }

    /// Takes a run's discounts from the lines, or gives them back.
    fn take(&mut self, run: usize, times: i64) {
        let Some(run) = self.runs.get(run) else { return };
        for part in self.parts.get(run.parts.clone()).unwrap_or(&[]).iter().filter(|part| !part.gone) {
            if let Some(line) = line_of(&mut self.lines, part.row) {
                line.running = line.running.saturating_sub(part.money().saturating_mul(times));
            }
        }
    }

    /// Works out a run's parts and drops those that an earlier group holds.
    fn price(&mut self, around: &Around<'_>, index: usize) {
        let Some(run) = self.runs.get_mut(index) else { return };
        let start = self.parts.len();
        let which = (u32::try_from(index).unwrap_or(NONE), run.proposals.clone());
        let lines = &mut self.lines;
        let (terms, read) = (around.terms(), (around.proposals, self.granter.given.as_slice(), &self.gifts));
        let priced = self.pricer.price(around.program, terms, lines, read, which, &mut self.parts);
        if run.fallen {
            self.parts.truncate(start);
        }
        run.parts = start..self.parts.len();
        if let Err(fault) = priced {
            run.faulted = true;
            self.faults.push((run.position, fault));
        }
        for part in self.parts.get_mut(start..).unwrap_or(&mut []) {
            let by = line_of(&mut self.lines, part.row).map_or(self.holder, |line| line.holder);
            if by != NONE {
                if part.amount.is_positive() {
                    self.losses.push(Loss { loser: run.position, by, row: part.row });
                }
                part.gone = true;
            }
        }
    }

    fn displace(&mut self, around: &Around<'_>) {
        self.note_used(around);
        self.displacer.displace(
            around.program,
            around.group,
            &self.lines,
            (&mut self.runs, &mut self.parts),
            &mut self.pricer.spreader,
            (&mut self.losses, &mut self.faults),
        );
    }

    /// Gives what is left of a run's parts.
    fn grant(&mut self, around: &Around<'_>, index: usize, decision: &mut Decision) {
        let Some(run) = self.runs.get_mut(index) else { return };
        let Some(rule_id) = around.plan.rule(run.position) else { return };
        let Some(rule) = around.program.rules.get(rule_id.index()) else { return };
        if run.faulted || run.fallen {
            return;
        }
        let owner = around.owner(rule_id, rule);
        let parts = self.parts.get(run.parts.clone()).unwrap_or(&[]);
        let cost = self.granter.turns(owner, parts).saturating_add(self.debits.turns(index));
        if take(&mut self.fuel, cost).is_err() {
            self.starve(around, index);
            return;
        }
        let proposals = around.proposals.list.get(run.proposals.clone()).unwrap_or(&[]);
        let wishes = (&mut self.wishes, &mut self.kept_back);
        if let Err(fault) = deed::wishes(around.program, proposals, &self.held, wishes) {
            run.faulted = true;
            self.faults.push((run.position, fault));
            return;
        }
        self.wishes.extend(self.gifts.of(index).map(|chosen| (chosen.site, chosen.added)));
        let offers = self.gifts.offers(index).next().is_some();
        if offers && self.holder == NONE && self.granter.has_times_left(around.owner(rule_id, rule)) {
            decision.gift_offers.extend(self.gifts.offers(index).cloned());
        }
        if !self.wishes.is_empty() && run.parts.is_empty() && self.holder != NONE {
            self.losses.push(Loss { loser: run.position, by: self.holder, row: NONE });
            return;
        }
        let given = self.granter.given.len();
        let parts = self.parts.get_mut(run.parts.clone()).unwrap_or(&mut []);
        let takes = self.debits.of(index).next().is_some();
        let only_takes = takes && parts.is_empty();
        // Nobody pays for a product that is not there.
        if only_takes && self.wishes.is_empty() && self.gifts.is_missing(around.program, index, proposals) {
            return;
        }
        if takes {
            let stays = only_takes || parts.iter().any(|part| !part.gone && part.amount.is_positive());
            if !stays || (only_takes && !self.granter.has_times_left(owner)) {
                return;
            }
            // Less may be there than when the group began.
            if let Some((account, missing)) = self.debits.missing(around.program, around.claimed, index) {
                decision.short.push(Short { rule: rule_id, account, missing });
                return;
            }
        }
        let before = self.granter.given.len();
        let spreader = &mut self.pricer.spreader;
        let granted = self.granter.grant(owner, run, parts, &mut self.lines, spreader, decision);
        match granted {
            Ok(()) => {
                if takes && (only_takes || self.granter.given.len() > before) {
                    for debit in self.debits.take_all(index) {
                        self.granter.debit(owner, run.position, debit);
                    }
                }
                if !self.wishes.is_empty() {
                    self.granter.act(owner, run, &self.wishes, given, decision);
                }
                if run.parts.is_empty() || self.granter.given.len() > given {
                    self.all_kept_back.extend(self.kept_back.drain(..).map(|kept| (rule_id, kept)));
                }
            }
            Err(fault) => {
                run.faulted = true;
                self.faults.push((run.position, fault));
            }
        }
    }

    /// Lists what was displaced, and which rules failed.
    fn report(&mut self, program: &Program, plan: &Plan, decision: &mut Decision) {
        self.losses.sort_unstable();
        self.losses.dedup();
        for loss in &self.losses {
            let (Some(rule), Some(by)) = (plan.rule(loss.loser), plan.rule(loss.by)) else {
                continue;
            };
            let row = Some(loss.row).filter(|row| *row != NONE);
            match decision.displaced.last_mut() {
                Some(last)
                    if (last.rule, last.by) == (rule, by) && !last.rows.is_empty() && row.is_some() =>
                {
                    last.rows.extend(row);
                }
                Some(_) | None => {
                    let mut rows =
                        if row.is_some() { self.rows.pop().unwrap_or_default() } else { Vec::new() };
                    rows.extend(row);
                    decision.displaced.push(Displaced { rule, by, rows });
                }
            }
        }
        for (position, (kind, site)) in &self.faults {
            let Some(rule) = plan.rule(*position) else { continue };
            let place = program.sites.get(site.index()).map(|site| site.place).unwrap_or_default();
            decision.faults.push(RuleFault { rule, kind: *kind, place });
        }
    }

    /// What is left of the lines, their tax, and the sums.
    fn total(&mut self, program: &Program, record: &Record, decision: &mut Decision) {
        if !self.has_lines {
            if list_initial(record, decision) {
                return;
            }
            self.begin_lines(program, record);
        }
        if program.tax.is_none() {
            let line = |line: &Line| LineTotal { initial: line.initial, paid: line.running, tax: 0 };
            decision.lines.extend(self.lines.iter().map(line));
            if let Some(totals) = self.small_totals() {
                let Totals { awards, debits, .. } = std::mem::take(&mut decision.totals);
                decision.totals = Totals { awards, debits, ..totals };
                return;
            }
            decision.lines.clear();
        }
        let (mut initial, mut paid, mut tax, mut points): (i128, i128, i128, i128) = (0, 0, 0, 0);
        let mut on_top: i128 = 0;
        let mut rows = rows(record);
        for line in &self.lines {
            let row = rows.next().unwrap_or(&[]);
            let of_line = program.tax.map_or(0, |tax| {
                let rate = |slot: SlotId| row.get(slot.index()).copied().unwrap_or(MISSING).max(0);
                let rates = (rate(line_slot::TAX_RATE), tax.besides.map_or(0, rate));
                let of_line = tax_of_line(line, rates, tax);
                on_top = on_top.saturating_add(i128::from(of_line.added));
                of_line.held.saturating_add(of_line.added)
            });
            initial = initial.saturating_add(i128::from(line.initial));
            paid = paid.saturating_add(i128::from(line.running));
            tax = tax.saturating_add(i128::from(of_line));
            points = points.saturating_add(i128::from(line.tendered));
            decision.lines.push(LineTotal { initial: line.initial, paid: line.running, tax: of_line });
        }
        let total = paid.saturating_add(on_top);
        let totals = &mut decision.totals;
        totals.initial = present_count(initial);
        totals.discount = present_count(initial.saturating_sub(paid));
        totals.paid = present_count(paid);
        totals.tax = present_count(tax);
        totals.points = present_count(points);
        totals.total = present_count(total.saturating_sub(points));
    }
}

impl Settling {
    /// The sums without tax, where none of them leaves 64 bits on the way.
    fn small_totals(&self) -> Option<Totals> {
        let (mut initial, mut paid, mut points) = (0i64, 0i64, 0i64);
        for line in &self.lines {
            initial = initial.checked_add(line.initial)?;
            paid = paid.checked_add(line.running)?;
            points = points.checked_add(line.tendered)?;
        }
        let (discount, total) = (initial.checked_sub(paid)?, paid.checked_sub(points)?);
        let present = [initial, paid, points, discount, total].iter().all(|sum| *sum != MISSING);
        present.then(|| Totals { initial, discount, paid, points, total, ..Totals::default() })
    }
}

/// Whether what is paid in points or by redemptions is noted of lines.
fn is_tendered(program: &Program) -> bool {
    program.tender != TenderSlots::default() || !program.redemptions.is_empty()
}

/// What a line has in a slot; 0 where it is missing.
fn present(line: &[i64], slot: SlotId) -> i64 {
    line.get(slot.index()).copied().filter(|value| *value != MISSING).unwrap_or(0)
}

/// Writes into the record that nothing was taken off yet; says whether no sum on the way leaves its range, as it is wherever a
/// reader has made the record. Where not, what was written is not all.
fn write_initial(record: &mut Record) -> bool {
    const INITIAL: usize = line_slot::INITIAL.index();
    const PAID: usize = line_slot::PAID.index();
    let (mut sum, mut leaves) = (0i64, false);
    if !record.lines.is_empty() {
        if record.line_width <= PAID {
            return false;
        }
        for row in record.lines.chunks_exact_mut(record.line_width) {
            let Some(row) = row.first_chunk_mut::<{ PAID + 1 }>() else { continue };
            if row[INITIAL] == MISSING {
                continue;
            }
            let (next, over) = sum.overflowing_add(row[INITIAL]);
            (sum, leaves) = (next, leaves | over);
            row[PAID] = row[INITIAL];
        }
    }
    if leaves || sum == MISSING {
        return false;
    }
    if let Some(paid) = record.event.get_mut(event_slot::BASKET_PAID.index()) {
        *paid = sum;
    }
    true
}

/// Lists lines of which nothing was taken, and their sums; says whether these are in range.
fn list_initial(record: &Record, decision: &mut Decision) -> bool {
    let (mut sum, mut leaves) = (0i64, false);
    decision.lines.extend(rows(record).map(|row| {
        let initial = present(row, line_slot::INITIAL);
        let (next, over) = sum.overflowing_add(initial);
        (sum, leaves) = (next, leaves | over);
        LineTotal { initial, paid: initial, tax: 0 }
    }));
    if leaves || sum == MISSING {
        decision.lines.clear();
        return false;
    }
    let totals = &mut decision.totals;
    (totals.initial, totals.paid, totals.total) = (sum, sum, sum);
    true
}

/// The slots of each line; none where lines have no slots.
fn rows(record: &Record) -> impl ExactSizeIterator<Item = &[i64]> {
    let slots = if record.line_width == 0 { &[][..] } else { &record.lines };
    slots.chunks_exact(record.line_width.max(1))
}

fn first(holder: &mut u32, position: u32) {
    if *holder == NONE {
        *holder = position;
    }
}

/// A sum in 64 bits, as [`present_count`].
fn sum_of(numbers: impl Iterator<Item = i64> + Clone) -> i64 {
    let small = numbers.clone().try_fold(0i64, i64::checked_add).filter(|sum| *sum != MISSING);
    small.unwrap_or_else(|| present_count(numbers.map(i128::from).fold(0, i128::saturating_add)))
}

/// A sum in 64 bits. Readers refuse records whose sums do not fit; one that came another way stops at the end of the
/// range.
fn present_count(sum: i128) -> i64 {
    let last = if sum < 0 { MISSING.saturating_add(1) } else { i64::MAX };
    i64::try_from(sum).ok().filter(|sum| *sum != MISSING).unwrap_or(last)
}

/// The tax of a line.
#[derive(Clone, Copy, Debug, Default)]
struct LineTax {
    /// In its price.
    held: i64,
    /// On top of it.
    added: i64,
}

/// The tax of a line, rounded where the programme says; the rates are the line's own and the one besides.
fn tax_of_line(line: &Line, rates: (i64, i64), tax: Tax) -> LineTax {
    match tax.per {
        TaxPer::Line => tax_of(line.running, rates, tax),
        TaxPer::Posting => {
            let discount = tax_of(line.initial.saturating_sub(line.running), rates, tax);
            let whole = tax_of(line.initial, rates, tax);
            LineTax {
                held: whole.held.saturating_sub(discount.held),
                added: whole.added.saturating_sub(discount.added),
            }
        }
        TaxPer::Unit => {
            let pieces = line.pieces.max(1);
            // The first pieces cost a minor unit more, as they are listed.
            let (each, dearer) = (line.running.div_euclid(pieces), line.running.rem_euclid(pieces));
            let of = |price: i64, pieces: i64| {
                let one = tax_of(price, rates, tax);
                (one.held.saturating_mul(pieces), one.added.saturating_mul(pieces))
            };
            let (first, others) =
                (of(each.saturating_add(1), dearer), of(each, pieces.saturating_sub(dearer)));
            LineTax { held: first.0.saturating_add(others.0), added: first.1.saturating_add(others.1) }
        }
    }
}

/// The tax of an amount: in it, or on top of what it is without the tax that it holds besides.
fn tax_of(paid: i64, (rate, besides): (i64, i64), tax: Tax) -> LineTax {
    let one = i128::from(PERCENT_ONE);
    let (held, added) = if tax.included { (rate, 0) } else { (besides, rate) };
    let of = one.saturating_add(i128::from(held));
    let part = |rate: i64| {
        // Two 64-bit numbers always fit, and the divisor is a million at least.
        let product = i128::from(paid).saturating_mul(i128::from(rate));
        let exact = Fraction::new(product, of).unwrap_or_default();
        present_count(exact.round(tax.rounding).unwrap_or(exact.floor()))
    };
    LineTax { held: part(held), added: part(added) }
}
