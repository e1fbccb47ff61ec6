//! What decisions read of what came before them: which balances, levels, badges, fields and histories the rules of a
//! program look at, and which change of the texts was the first to alter each of them.
//!
//! Reads the compiled code, not the words. Refuses to decide anything and to judge whose difference is whose.

use super::facts::{Named, Names, Which};
use super::hunks::Alike;
use crate::record::ReadEvent;
use perq_compiler::ir::print::rule_text;
use perq_compiler::ir::{
    Account, AccountId, FunctionId, Inst, InstrumentId, MISSING, Program, RowSource, Rows, Rule, RuleId,
    SiteKind, SlotId, SlotType, Space, StateRead, TableId, Tiers, event_slot, line_slot,
};
use std::collections::{BTreeMap, BTreeSet};

/// Something that an event leaves behind and later ones look at, by the names that both programs share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trace {
    /// What there is of an account.
    Balance(String),
    /// The level by these `tiers`.
    Level(String),
    /// A field of the member that rules set.
    Field(String),
    /// A coupon, certificate or badge.
    Instrument(String),
    /// What is used up of a limit or a budget.
    Counter(String),
    /// What was bought, and for how much.
    History,
}

impl Trace {
    /// In a report.
    pub fn words(&self) -> String {
        match self {
            Trace::Balance(account) => format!("balance of {account}"),
            Trace::Level(tiers) => format!("level of {tiers}"),
            Trace::Field(field) => field.clone(),
            Trace::Instrument(name) => format!("what is held of {name}"),
            Trace::Counter(counter) => format!("use of {counter}"),
            Trace::History => "history".to_owned(),
        }
    }
}

/// What some code looks at.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// What came before, with the slots that hold it; without slots it is looked up in ways that leave no number to compare.
    traces: BTreeMap<Trace, Vec<SlotId>>,
    /// Running amounts: what discounts before it change.
    pub prices: bool,
    /// What earlier groups have awarded.
    pub awards: bool,
}

impl Reads {
    /// What may be looked at and cannot be compared.
    pub fn untold(&mut self, trace: Trace) {
        self.traces.entry(trace).or_default();
    }

    fn add(&mut self, other: &Reads) {
        for (trace, slots) in &other.traces {
            self.traces.entry(trace.clone()).or_default().extend(slots);
        }
        self.prices |= other.prices;
        self.awards |= other.awards;
    }

    /// What it looks at.
    pub fn traces(&self) -> impl Iterator<Item = &Trace> {
        self.traces.keys()
    }

    /// The values of something that it looks at, in both programs' terms; nothing where they cannot be compared.
    fn values(&self, trace: &Trace, side: &Looking<'_>) -> Option<Vec<Seen>> {
        let slots = self.traces.get(trace).filter(|slots| !slots.is_empty())?;
        slots.iter().map(|slot| side.seen(*slot)).collect()
    }
}

/// A value in the terms of both programs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Missing,
    Number(i128),
    Name(String),
}

/// An event as one of the programs sees it.
pub(super) struct Looking<'v> {
    pub which: Which,
    pub names: &'v Names,
    pub program: &'v Program,
    pub event: &'v ReadEvent,
}

impl Looking<'_> {
    /// What stands in a slot; nothing where numbers of the two programs cannot be compared.
    fn seen(&self, slot: SlotId) -> Option<Seen> {
        let value = self.event.record.event.get(slot.index()).copied().filter(|value| *value != MISSING);
        let (Some(value), Some(declared)) = (value, self.program.layout.event.get(slot.index())) else {
            return Some(Seen::Missing);
        };
        match declared.ty {
            SlotType::Points(account) => {
                let unit = self.names.award(self.which, account)?;
                Some(Seen::Number(self.names.scaled(self.which, unit, value)))
            }
            SlotType::Enum(id) => {
                let values = self.program.enums.get(id.index())?;
                Some(Seen::Name(values.values.get(usize::try_from(value).ok()?)?.clone()))
            }
            // Numbers of names are each side's own.
            SlotType::Symbol(_) | SlotType::Set(_) => None,
            SlotType::Bool
            | SlotType::Money { .. }
            | SlotType::Percent
            | SlotType::Count
            | SlotType::Number { .. }
            | SlotType::Date
            | SlotType::Time
            | SlotType::Instant => Some(Seen::Number(i128::from(value))),
        }
    }
}

/// What the rules, levels and badges of a program look at.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// By rule of [`Names::rules`]; of both programs together.
    rules: BTreeMap<usize, Reads>,
    /// By name of `tiers`.
    tiers: BTreeMap<String, Reads>,
    /// By name of a badge that is earned by its own condition.
    badges: BTreeMap<String, Reads>,
}

impl Inputs {
    /// Those of one of the programs.
    pub fn of(which: Which, names: &Names, program: &Program) -> Inputs {
        let mut inputs = Inputs::default();
        for (at, rule) in program.rules.iter().enumerate() {
            let id = RuleId(u32::try_from(at).unwrap_or(u32::MAX));
            let Some(named) = names.rule(which, id) else { continue };
            let mut reads = Code::of_rule(program, rule).reads(program);
            for site in program.sites.iter().filter(|site| site.rule == id) {
                beside(program, id, &site.kind, &mut reads);
            }
            // Versions of a rule stand under one name.
            inputs.rules.entry(named).or_default().add(&reads);
        }
        for tiers in &program.instruments.tiers {
            let functions = std::iter::once(tiers.reached).chain(tiers.keep);
            let reads = Code::of(program, functions.collect()).reads(program);
            inputs.tiers.insert(tiers.name.clone(), reads);
        }
        for badge in &program.instruments.badges {
            if let Some(review) = &badge.review {
                let reads = Code::of(program, vec![review.function]).reads(program);
                inputs.badges.insert(badge.name.clone(), reads);
            }
        }
        inputs
    }

    pub fn of_rule(&self, rule: usize) -> Option<&Reads> {
        self.rules.get(&rule)
    }

    pub fn of_tiers(&self, tiers: &str) -> Option<&Reads> {
        self.tiers.get(tiers)
    }

    pub fn of_badge(&self, badge: &str) -> Option<&Reads> {
        self.badges.get(badge)
    }
}

/// Whether something that both programs look at is not the same on an event; nothing where that cannot be told.
pub(super) fn differs(
    trace: &Trace,
    old: (&Reads, &Looking<'_>),
    new: (&Reads, &Looking<'_>),
) -> Option<bool> {
    let values = |(reads, side): (&Reads, &Looking<'_>)| {
        let mut values = reads.values(trace, side)?;
        // Slots are numbered by each program in its own order.
        values.sort_unstable();
        Some(values)
    };
    Some(values(old)? != values(new)?)
}

/// What the effects of a rule look at beside its code.
fn beside(program: &Program, rule: RuleId, kind: &SiteKind, reads: &mut Reads) {
    let account = |id: AccountId| program.accounts.get(id.index()).map(|account| account.name.clone());
    match kind {
        SiteKind::Discount { .. } => reads.prices = true,
        SiteKind::Multiply { .. } => reads.awards = true,
        SiteKind::Debit { account: id } => {
            if let Some(name) = account(*id) {
                reads.untold(Trace::Balance(name));
            }
        }
        SiteKind::Tender { .. } => {
            reads.prices = true;
            for redemption in program.redemptions.iter().filter(|redemption| redemption.rule == rule) {
                if let Some(name) = account(redemption.account) {
                    reads.untold(Trace::Balance(name));
                }
            }
        }
        SiteKind::Gift { .. } => reads.prices = true,
        SiteKind::Award { .. } | SiteKind::Issue { .. } | SiteKind::Set { .. } | SiteKind::Tell { .. } => {}
    }
}

/// The slots and tables that some functions load, also through slots that are worked out before.
#[derive(Default)]
struct Code {
    slots: BTreeSet<SlotId>,
    tables: BTreeSet<TableId>,
    prices: bool,
}

impl Code {
    fn of_rule(program: &Program, rule: &Rule) -> Code {
        let mut code = Code::of(program, vec![rule.function]);
        let atoms = rule.atoms.iter().filter_map(|atom| program.atoms.get(atom.index()));
        let slots: Vec<SlotId> =
            atoms.filter(|atom| atom.space == Space::Event).map(|atom| atom.slot).collect();
        for slot in slots {
            code.slot(program, slot);
        }
        let lines = rule.line_atoms.iter().filter_map(|atom| program.atoms.get(atom.index()));
        let paid = lines.filter(|atom| atom.space == Space::Line && atom.slot == line_slot::PAID).count();
        code.prices |= paid > 0;
        code
    }

    fn of(program: &Program, functions: Vec<FunctionId>) -> Code {
        let mut code = Code::default();
        for function in functions {
            let insts = program.functions.get(function.index()).map_or(&[][..], |found| &found.insts);
            for inst in insts {
                if let Inst::LoadEvent(slot) = inst {
                    code.slot(program, *slot);
                }
                if let Inst::LoadTable(table, ..) | Inst::Loop(Rows::Table(table)) = inst {
                    code.tables.insert(*table);
                }
                let of_lines = matches!(inst, Inst::LoadLine(slot, _) if *slot == line_slot::PAID);
                let picks = matches!(
                    inst,
                    Inst::PickExtreme { .. }
                        | Inst::PickInEvery { .. }
                        | Inst::PickEveryNth { .. }
                        | Inst::SetTerm { .. }
                        | Inst::ChooseSets { .. }
                );
                code.prices |= of_lines || picks;
            }
        }
        code
    }

    /// A slot, and what it is worked out from. The rows that went into it do not count beside it: it is what they come to.
    fn slot(&mut self, program: &Program, slot: SlotId) {
        if !self.slots.insert(slot) {
            return;
        }
        // What points have paid is known once they have.
        let used = program.redemptions.iter().any(|redemption| redemption.used == Some(slot));
        self.prices |= slot == event_slot::BASKET_PAID || used;
        if let Some(derivation) = program.derivations.iter().find(|derivation| derivation.slot == slot) {
            let within = Code::of(program, vec![derivation.function]);
            self.slots.extend(within.slots);
            self.prices |= within.prices;
        }
    }

    fn reads(&self, program: &Program) -> Reads {
        let mut reads = Reads { prices: self.prices, ..Reads::default() };
        for slot in &self.slots {
            if let Some(trace) = trace_of(program, *slot) {
                reads.traces.entry(trace).or_default().push(*slot);
            }
        }
        for table in &self.tables {
            match program.layout.tables.get(table.index()).map(|table| &table.source) {
                Some(RowSource::Earlier(_) | RowSource::EarlierLines(_)) => reads.untold(Trace::History),
                Some(RowSource::List { .. }) | None => {}
            }
        }
        reads
    }
}

/// What came before that a slot holds.
fn trace_of(program: &Program, slot: SlotId) -> Option<Trace> {
    let account = |id: AccountId| program.accounts.get(id.index()).map(|account| account.name.clone());
    let instrument =
        |id: InstrumentId| program.instruments.name(id).map(|(_, name)| Trace::Instrument(name.to_owned()));
    if let Some(read) = program.reads.iter().find(|read| read.slot == slot) {
        return match read.read {
            StateRead::Balance(id) | StateRead::Missing(id) => account(id).map(Trace::Balance),
            StateRead::Coupon(coupon) => instrument(InstrumentId::Coupon(coupon)),
            StateRead::Badge(badge) => instrument(InstrumentId::Badge(badge)),
            StateRead::Refund | StateRead::BoughtOn => Some(Trace::History),
            StateRead::After(_) | StateRead::Last(_) | StateRead::Until(_) | StateRead::Anniversary(_) => {
                None
            }
        };
    }
    if let Some(tiers) = program.instruments.tiers.iter().find(|tiers| tiers.slot == slot) {
        return Some(Trace::Level(tiers.name.clone()));
    }
    if program.derivations.iter().any(|derivation| derivation.slot == slot) {
        return Some(Trace::History);
    }
    let sets = |kind: &SiteKind| matches!(kind, SiteKind::Set { slot: set, .. } if *set == slot);
    let name = || program.layout.event.get(slot.index()).map(|slot| slot.name.clone());
    program.sites.iter().any(|site| sets(&site.kind)).then(name).flatten().map(Trace::Field)
}

/// The code of each rule that both programs have, as a text that is the same where it does the same. Texts that differ say
/// nothing: numbers in them are each program's own.
fn code_of(which: Which, names: &Names, program: &Program) -> BTreeMap<usize, Vec<String>> {
    let mut out: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let shared = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        program.accounts.iter().map(|account| &account.name).collect::<Vec<_>>(),
        program.instruments.coupons.iter().map(|coupon| &coupon.name).collect::<Vec<_>>(),
        program.instruments.certificates.iter().map(|certificate| &certificate.name).collect::<Vec<_>>(),
        program.instruments.badges.iter().map(|badge| &badge.name).collect::<Vec<_>>(),
        (&program.enums, &program.gifts),
    );
    for (at, rule) in program.rules.iter().enumerate() {
        let id = RuleId(u32::try_from(at).unwrap_or(u32::MAX));
        let Some(named) = names.rule(which, id) else { continue };
        let name = names.rules.get(named).map_or_else(String::new, |named: &Named| named.name.clone());
        let bare = Rule { name, title: None, ..rule.clone() };
        let mut text = shared.clone();
        let printed = rule_text(program, &bare);
        let mut words = printed.split_whitespace();
        while let Some(word) = words.next() {
            text.push(' ');
            text.push_str(word);
            // Effects and gifts are numbered through the whole program.
            if word == "site" || word == "gift" {
                words.next();
            }
        }
        text.push_str(program.groups.get(rule.group.index()).map_or("", |group| group.name.as_str()));
        for site in program.sites.iter().filter(|site| site.rule == id) {
            text.push_str(&format!(" {:?} {:?}", site.kind, site.to));
            if let SiteKind::Award { account, .. }
            | SiteKind::Debit { account }
            | SiteKind::Multiply { account, .. } = site.kind
                && let Some(account) = program.accounts.get(account.index())
            {
                text.push_str(&format!(" {} {:?} {:?}", account.decimals, account.rounding, account.per));
            }
        }
        let code = Code::of_rule(program, rule);
        for slot in &code.slots {
            let slot = *slot;
            text.push_str(&format!(" {:?}", program.layout.event.get(slot.index())));
            let read = program.reads.iter().find(|read| read.slot == slot).map(|read| read.read);
            let derivation = program.derivations.iter().find(|derivation| derivation.slot == slot);
            let function = derivation.and_then(|found| program.functions.get(found.function.index()));
            text.push_str(&format!(" {read:?} {:?}", function.map(|function| &function.insts)));
        }
        for table in &code.tables {
            text.push_str(&format!(" {:?}", program.layout.tables.get(table.index())));
        }
        out.entry(named).or_default().push(text);
    }
    out.values_mut().for_each(|versions| versions.sort_unstable());
    out
}

/// What both programs mean alike.
pub(super) fn alike(names: &Names, old: &Program, new: &Program) -> Alike {
    let (before, after) = (code_of(Which::Old, names, old), code_of(Which::New, names, new));
    let same = before.iter().filter(|(rule, code)| after.get(*rule) == Some(*code));
    let rules = same.filter_map(|(rule, _)| Some(names.rules.get(*rule)?.name.clone())).collect();
    let kept = |account: &Account| Account {
        unit: String::new(),
        worth: None,
        redeemable: false,
        qualifying: false,
        ..account.clone()
    };
    let accounts =
        old.accounts.iter().filter(|account| new.accounts.iter().any(|other| kept(account) == kept(other)));
    let levels = |program: &Program| {
        let of = |tiers: &Tiers| {
            let insts = |function: FunctionId| program.functions.get(function.index()).map(|f| &f.insts);
            let insts = (insts(tiers.reached), tiers.keep.map(insts));
            let levels = program.enums.get(tiers.levels.index());
            let rest = (tiers.at_once, tiers.downgrade, tiers.review, &tiers.events);
            (tiers.name.clone(), format!("{insts:?} {levels:?} {rest:?} {:?}", program.reads))
        };
        program.instruments.tiers.iter().map(of).collect::<BTreeMap<String, String>>()
    };
    let (before, after) = (levels(old), levels(new));
    let tiers = before.iter().filter(|(name, code)| after.get(*name) == Some(*code));
    Alike {
        rules,
        accounts: accounts.map(|account| account.name.clone()).collect(),
        tiers: tiers.map(|(name, _)| name.clone()).collect(),
    }
}

/// Which changes of the texts altered what is kept, and with which event first.
#[derive(Debug, Default)]
pub(super) struct Past(BTreeMap<(Option<Box<str>>, Trace), Altered>);

/// By change (nothing where none is to blame): the first event.
pub(super) type Altered = BTreeMap<Option<usize>, Box<str>>;

impl Past {
    /// Notes that an event left something otherwise behind.
    pub fn note(&mut self, owner: Option<&str>, trace: Trace, hunks: &[usize], event: &str) {
        let altered = self.0.entry((owner.map(Box::from), trace)).or_default();
        let hunks: Vec<Option<usize>> =
            if hunks.is_empty() { vec![None] } else { hunks.iter().copied().map(Some).collect() };
        for hunk in hunks {
            altered.entry(hunk).or_insert_with(|| event.into());
        }
    }

    /// What altered it for a member, or (nobody's) for all.
    pub fn of(&self, owner: Option<&str>, trace: &Trace) -> Option<&Altered> {
        self.0.get(&(owner.map(Box::from), trace.clone()))
    }
}
