//! Settlement by itself: programs put together by hand, and a mock for the code of rules. Knows no language.

mod fuel;
mod index;
mod limits;
mod modes;
mod peers;
mod plain;
mod properties;

use super::*;
use crate::ir::{
    Account, AccountId, Currency, DiscountAmount, Displace, Element, EventId, EventKind, Fall, Function,
    FunctionId, Group, GroupId, Layout, Limit, LimitAmount, MISSING, OnPrice, Otherwise, Phase, Program,
    Rest, RoundPer, Rounding, Rule, RuleId, Scope, Site, SiteId, SiteKind, Slot, SlotType, SourcePlace,
    Spread, Tax, TaxPer, Weight,
};

/// A proposal, and what it selects.
#[derive(Clone, Debug)]
struct Proposed {
    site: SiteId,
    num: i128,
    den: i128,
    row: Option<u32>,
    selection: Vec<(u32, i64)>,
}

/// What each function proposes, or how it fails.
#[derive(Clone, Debug, Default)]
struct Mock(Vec<Result<Vec<Proposed>, Fault>>);

impl Code for Mock {
    type Scratch = ();
    fn run(
        &self,
        function: FunctionId,
        _record: RecordView<'_>,
        _bindings: &Bindings,
        _fuel: &mut i64,
        _scratch: &mut (),
        out: &mut Proposals,
    ) -> Result<(), Fault> {
        let Some(answer) = self.0.get(function.index()) else { return Ok(()) };
        for proposed in answer.as_ref().map_err(|fault| *fault)? {
            let start = u32::try_from(out.selected.len()).unwrap_or(u32::MAX);
            out.selected.extend(&proposed.selection);
            let end = u32::try_from(out.selected.len()).unwrap_or(u32::MAX);
            out.list.push(Proposal {
                site: proposed.site,
                num: proposed.num,
                den: proposed.den,
                row: proposed.row,
                selected: start..end,
            });
        }
        Ok(())
    }
}

/// A program, a record and what the rules propose for it.
#[derive(Clone, Debug)]
struct Kit {
    program: Program,
    bindings: Bindings,
    record: Record,
    params: Vec<i64>,
    code: Mock,
}

fn slot(name: &str, ty: SlotType) -> Slot {
    Slot {
        name: name.to_owned(),
        record: crate::ir::RecordKind::Event,
        key: Vec::new(),
        ty,
        optional: true,
        default: None,
        inherits: false,
    }
}

const EACH_PIECE: Fall = Fall::Each(Element::Unit);
const EACH_LINE: Fall = Fall::Each(Element::Line);
const BY_PAID: Fall =
    Fall::Spread(Spread { by: Weight::Paid, rounding: Rounding::Down, rest: Rest::LargestRemainder });

impl Kit {
    fn new() -> Kit {
        let slots = |names: &[&str]| names.iter().map(|name| slot(name, SlotType::Count)).collect();
        let program = Program {
            name: "test".to_owned(),
            version: 1,
            language: 1,
            currency: Currency { code: "EUR".to_owned(), decimals: 2 },
            zone: "UTC".to_owned(),
            rounding: Rounding::HalfUp,
            week_starts: 0,
            tax: None,
            floor: None,
            accounts: Vec::new(),
            kinds: Vec::new(),
            enums: Vec::new(),
            references: Vec::new(),
            events: vec![EventKind {
                name: "purchase".to_owned(),
                spellings: vec!["purchase".to_owned()],
                needs: Vec::new(),
                lacks: Vec::new(),
            }],
            layout: Layout {
                event: slots(&crate::ir::EVENT_BUILTINS),
                line: slots(&crate::ir::LINE_BUILTINS),
                payment: slots(&crate::ir::PAYMENT_BUILTINS),
                tables: Vec::new(),
            },
            params: Vec::new(),
            reads: Vec::new(),
            derivations: Vec::new(),
            counters: Vec::new(),
            redemptions: Vec::new(),
            tender: crate::ir::TenderSlots::default(),
            returns: false,
            instruments: Default::default(),
            gifts: Vec::new(),
            tellings: Vec::new(),
            offers: crate::ir::Offers::default(),
            contacts: crate::ir::Contacts::default(),
            spendables: Vec::new(),
            promises: Vec::new(),
            atoms: Vec::new(),
            functions: Vec::new(),
            sites: Vec::new(),
            groups: Vec::new(),
            rules: Vec::new(),
            sources: Vec::new(),
            places: vec![SourcePlace::at(0, 1, 1)],
            conditions: Vec::new(),
            measures: Vec::new(),
            clocks: Vec::new(),
        };
        let record = Record { event: vec![0; 8], line_width: 6, payment_width: 1, ..Record::default() };
        Kit { program, bindings: Bindings::default(), record, params: Vec::new(), code: Mock::default() }
    }

    /// Adds a line; its row.
    fn line(&mut self, pieces: i64, initial: i64) -> u32 {
        self.taxed(pieces, initial, MISSING)
    }

    fn taxed(&mut self, pieces: i64, initial: i64, rate: i64) -> u32 {
        let row = self.record.lines.len() / 6;
        let position = i64::try_from(row).unwrap() + 1;
        self.record.lines.extend([position, pieces, 0, initial, 0, rate]);
        u32::try_from(row).unwrap()
    }

    fn account(&mut self, per: RoundPer, rounding: Rounding, worth: Option<(i64, i64)>) -> AccountId {
        self.program.accounts.push(Account {
            name: format!("account{}", self.program.accounts.len()),
            unit: "points".to_owned(),
            decimals: 0,
            rounding,
            per,
            worth,
            redeemable: true,
            qualifying: false,
            not_below: None,
            expires: crate::ir::Expires::Never,
            melt: None,
            shortfall: None,
        });
        AccountId(u32::try_from(self.program.accounts.len()).unwrap() - 1)
    }

    fn group(&mut self, phase: Phase, displace: Displace, per: Scope, on_price: OnPrice) -> GroupId {
        self.program.groups.push(Group {
            name: format!("group{}", self.program.groups.len()),
            title: None,
            phase,
            displace,
            per,
            on_price,
            excludes: Vec::new(),
            limits: Vec::new(),
            governance: crate::ir::Governance::default(),
            rules: Vec::new(),
        });
        GroupId(u32::try_from(self.program.groups.len()).unwrap() - 1)
    }

    /// A group of line discounts on the running price of which all stay.
    fn plain(&mut self) -> GroupId {
        self.group(Phase::Line, Displace::None, Scope::Line, OnPrice::Running)
    }

    fn rule(&mut self, group: GroupId) -> RuleId {
        let number = u32::try_from(self.program.rules.len()).unwrap();
        self.program.functions.push(Function { name: format!("f{number}"), ..Function::default() });
        self.code.0.push(Ok(Vec::new()));
        self.program.rules.push(Rule {
            name: format!("rule{number}"),
            title: None,
            group,
            priority: 0,
            events: vec![EventId(0)],
            atoms: Vec::new(),
            line_atoms: Vec::new(),
            function: FunctionId(number),
            limits: Vec::new(),
            governance: crate::ir::Governance::default(),
            place: PlaceId(0),
        });
        self.program.groups[group.index()].rules.push(RuleId(number));
        RuleId(number)
    }

    fn site(&mut self, rule: RuleId, kind: SiteKind) -> SiteId {
        self.program.sites.push(Site { rule, kind, to: None, reason: None, place: PlaceId(0) });
        SiteId(u32::try_from(self.program.sites.len()).unwrap() - 1)
    }

    fn propose(&mut self, rule: RuleId, proposed: Proposed) {
        self.code.0[rule.index()].as_mut().unwrap().push(proposed);
    }

    /// An effect of a rule, rounded half up, and its one proposal.
    fn discount(
        &mut self,
        rule: RuleId,
        amount: DiscountAmount,
        fall: Fall,
        (num, den): (i128, i128),
        selection: &[(u32, i64)],
    ) -> SiteId {
        let site = self.site(rule, SiteKind::Discount { amount, fall, rounding: Rounding::HalfUp });
        self.propose(rule, Proposed { site, num, den, row: None, selection: selection.to_vec() });
        site
    }

    /// Per cent off each line, of these lines.
    fn percent(&mut self, rule: RuleId, percent: i128, selection: &[(u32, i64)]) -> SiteId {
        self.discount(rule, DiscountAmount::Share, EACH_LINE, (percent, 100), selection)
    }

    /// Minor units off each line, of these lines.
    fn off(&mut self, rule: RuleId, amount: i128, selection: &[(u32, i64)]) -> SiteId {
        self.discount(rule, DiscountAmount::Off, EACH_LINE, (amount, 1), selection)
    }

    fn award(
        &mut self,
        rule: RuleId,
        account: AccountId,
        (num, den): (i128, i128),
        row: Option<u32>,
    ) -> SiteId {
        let site =
            self.site(rule, SiteKind::Award { account, rounding: None, life: crate::ir::Life::default() });
        self.propose(rule, Proposed { site, num, den, row, selection: Vec::new() });
        site
    }

    /// The decision, with and without the index.
    fn run(&self) -> Decision {
        let plan = Plan::new(&self.program, &self.bindings);
        let decision = self.run_with(&plan, &mut Workspace::default());
        let slow = Plan::without_index(&self.program, &self.bindings);
        assert_eq!(decision, self.run_with(&slow, &mut Workspace::default()), "the index changes nothing");
        decision
    }

    fn run_with(&self, plan: &Plan, workspace: &mut Workspace<()>) -> Decision {
        let mut decision = Decision::default();
        let mut record = self.record.clone();
        let (program, bindings) = (&self.program, &self.bindings);
        evaluate(
            program,
            plan,
            bindings,
            &mut record,
            &self.params,
            &Unclaimed,
            &self.code,
            workspace,
            &mut decision,
        );
        check(&self.program, &record, &decision);
        decision
    }
}

/// Numbers that look random and are the same in every run: SplitMix64.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
    /// From `low` to `high`, both included.
    fn roll(&mut self, low: i64, high: i64) -> i64 {
        let sides = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.next() % sides)
    }
    /// About once in so many.
    fn once_in(&mut self, many: i64) -> bool {
        self.roll(1, many) == 1
    }
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.roll(0, i64::try_from(of.len()).unwrap() - 1)).unwrap()]
    }
}

/// What holds of every decision.
fn check(program: &Program, record: &Record, decision: &Decision) {
    let rows = record.view(&[]).line_count();
    let mut taken = vec![0i128; rows];
    let mut awards: Vec<(AccountId, i64)> = Vec::new();
    for effect in &decision.effects {
        assert_ne!(effect.amount, 0);
        if !effect.shares.is_empty() {
            let sum: i128 = effect.shares.iter().map(|share| i128::from(share.amount)).sum();
            assert_eq!(sum, i128::from(effect.amount), "parts add up");
        }
        for pair in effect.shares.windows(2) {
            assert!(pair[0].row < pair[1].row, "ascending rows");
        }
        assert_eq!(program.rules[effect.rule.index()].group, effect.group);
        match effect.account {
            None => {
                for share in &effect.shares {
                    assert!(share.amount > 0);
                    taken[share.row as usize] += i128::from(share.amount);
                }
                assert!(!effect.shares.is_empty());
            }
            Some(account) => match awards.iter_mut().find(|(known, _)| *known == account) {
                Some((_, sum)) => *sum += effect.amount,
                None => awards.push((account, effect.amount)),
            },
        }
    }
    awards.sort();
    assert_eq!(awards, decision.totals.awards);
    assert_eq!(decision.lines.len(), rows);
    for (line, taken) in decision.lines.iter().zip(&taken) {
        assert!(line.paid >= 0 || line.initial < 0, "no price below zero");
        assert_eq!(i128::from(line.initial) - i128::from(line.paid), *taken);
    }
}

/// Rule, amount, shares as (row, amount).
type Told = (u32, i64, Vec<(u32, i64)>);

/// Each effect.
fn effects(decision: &Decision) -> Vec<Told> {
    let shares = |effect: &Effect| effect.shares.iter().map(|share| (share.row, share.amount)).collect();
    decision.effects.iter().map(|effect| (effect.rule.0, effect.amount, shares(effect))).collect()
}

/// What is left of each line.
fn paid(decision: &Decision) -> Vec<i64> {
    decision.lines.iter().map(|line| line.paid).collect()
}

/// (loser, winner, rows) of each displaced rule.
fn displaced(decision: &Decision) -> Vec<(u32, u32, Vec<u32>)> {
    decision.displaced.iter().map(|lost| (lost.rule.0, lost.by.0, lost.rows.clone())).collect()
}

/// (rule, by, amount) of each cut.
fn cuts(decision: &Decision) -> Vec<(u32, CutBy, i64)> {
    decision.cuts.iter().map(|cut| (cut.rule.0, cut.by, cut.amount)).collect()
}

fn limit(amount: i64, account: Option<AccountId>, otherwise: Otherwise) -> Limit {
    let of = account.map_or(LimitOf::Discounts, LimitOf::Awards);
    Limit { amount: LimitAmount::Fixed(amount), of, counter: None, otherwise }
}

/// The account whose awards a limit limits.
fn account_of(limit: &Limit) -> Option<AccountId> {
    match limit.of {
        LimitOf::Awards(account) => Some(account),
        LimitOf::Discounts | LimitOf::Times | LimitOf::Gifts => None,
    }
}

fn tax(included: bool) -> Option<Tax> {
    Some(Tax { included, rounding: Rounding::HalfUp, per: TaxPer::Line, besides: None })
}
