//! Sums over many decisions: by rule, group, account and month; and which rules a decision owes what it gives to.
//!
//! Adds, and refuses to judge. Sums are exact in 128 bits and do not depend on the order of the events.

use crate::clock::year_and_month;
use crate::decimal;
use crate::engine::Engine;
use crate::record::ReadEvent;
use crate::returns::Returned;
use perq_compiler::evaluate::Decision;
use perq_compiler::ir::{AccountId, GroupId, Program, Rule, RuleId, event_slot};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What was given, in minor units and in the accounts' smallest units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Events in which something was given, of whatever sort.
    pub events: u64,
    /// Effects: amounts, what is issued, gifts, fields that are set.
    pub effects: u64,
    /// Discounts.
    pub discount: i128,
    /// Awards by account.
    pub awards: Vec<i128>,
    /// Times that another rule displaced it.
    pub displaced: u64,
    /// Times that a limit cut it.
    pub cut: u64,
    /// Times that it failed.
    pub errors: u64,
}

impl Given {
    fn award(&mut self, account: usize, amount: i128) {
        if self.awards.len() <= account {
            self.awards.resize(account + 1, 0);
        }
        self.awards[account] += amount;
    }

    fn give(&mut self, what: What) {
        match what {
            What::Nothing => {}
            What::Discount(amount) => self.discount += i128::from(amount),
            What::Award(account, amount) => self.award(account.index(), i128::from(amount)),
        }
    }

    /// What is taken back of discounts, and what is given or taken of awards.
    fn correct(&mut self, what: What) {
        match what {
            What::Discount(amount) => self.discount -= i128::from(amount),
            What::Nothing | What::Award(..) => self.give(what),
        }
    }

    /// Adds what was given elsewhere.
    pub(crate) fn add(&mut self, other: &Given) {
        self.events += other.events;
        self.effects += other.effects;
        self.discount += other.discount;
        self.displaced += other.displaced;
        self.cut += other.cut;
        self.errors += other.errors;
        for (account, amount) in other.awards.iter().enumerate() {
            self.award(account, *amount);
        }
    }
}

/// Amounts of events, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Events.
    pub events: u64,
    /// Lines.
    pub lines: u64,
    /// Before discounts.
    pub initial: i128,
    /// Discounts.
    pub discount: i128,
    /// After discounts.
    pub paid: i128,
    /// Tax.
    pub tax: i128,
    /// What customers handed over.
    pub total: i128,
    /// Awards by account.
    pub awards: Vec<i128>,
}

impl Turnover {
    fn add(&mut self, other: &Turnover) {
        self.events += other.events;
        self.lines += other.lines;
        self.initial += other.initial;
        self.discount += other.discount;
        self.paid += other.paid;
        self.tax += other.tax;
        self.total += other.total;
        for (account, amount) in other.awards.iter().enumerate() {
            self.award(account, *amount);
        }
    }

    fn award(&mut self, account: usize, amount: i128) {
        if self.awards.len() <= account {
            self.awards.resize(account + 1, 0);
        }
        self.awards[account] += amount;
    }
}

/// Where the time went, added up over all threads; zero unless it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Reading records.
    pub read: Duration,
    /// Evaluating.
    pub evaluate: Duration,
    /// Writing decisions.
    pub write: Duration,
}

/// Sums over many decisions, by the program's numbers. [`Summary::report`] names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All events.
    pub total: Turnover,
    /// By local year and month.
    pub months: BTreeMap<(i16, i8), Turnover>,
    /// By kind of event: events.
    pub kinds: Vec<u64>,
    /// By rule.
    pub rules: Vec<Given>,
    /// By group.
    pub groups: Vec<Given>,
    /// Records that were refused.
    pub rejected: u64,
    /// Records that were refused, by the name of the error.
    pub rejections: BTreeMap<&'static str, u64>,
    /// Events in which a rule failed.
    pub events_with_errors: u64,
    /// Where the time went.
    pub times: Times,
    /// Which rules and groups have been met.
    met: Met,
}

#[derive(Clone, Debug, Default)]
struct Met {
    rules: Places,
    groups: Places,
    event: u64,
}

/// Which places of a list have something, so that the others need not be looked at.
#[derive(Clone, Debug, Default)]
struct Places {
    /// By place: the last event that gave something there, counted from 1, and whether the place is in `all`.
    of: Vec<(u64, bool)>,
    all: Vec<u32>,
}

impl Places {
    /// What is in a place of this list; notes that something is.
    fn at<'l>(&mut self, list: &'l mut Vec<Given>, at: usize) -> &'l mut Given {
        let (_, is_noted) = slot(&mut self.of, at);
        if !std::mem::replace(is_noted, true) {
            self.all.push(at as u32);
        }
        slot(list, at)
    }

    /// The same, with something that the event of this number gives.
    fn gives<'l>(&mut self, list: &'l mut Vec<Given>, at: usize, event: u64) -> &'l mut Given {
        let given = self.at(list, at);
        if let Some((last, _)) = self.of.get_mut(at)
            && std::mem::replace(last, event) != event
        {
            given.events += 1;
        }
        given.effects += 1;
        given
    }

    /// Adds what is in the places of another list.
    fn add(&mut self, list: &mut Vec<Given>, other: &Places, others: &[Given]) {
        for &at in &other.all {
            if let Some(given) = others.get(at as usize) {
                self.at(list, at as usize).add(given);
            }
        }
    }
}

/// What a decision adds to what a rule, or a rule and its group, gave.
#[derive(Clone, Copy, Debug)]
enum Note {
    /// What follows is of another event.
    Event,
    Gives {
        rule: RuleId,
        group: GroupId,
        what: What,
    },
    /// What was given with an earlier event: discounts that are gone, and what becomes of awards.
    Corrects {
        rule: RuleId,
        group: GroupId,
        what: What,
    },
    Displaced(RuleId),
    Cut(RuleId),
    Failed(RuleId),
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// Neither money nor anything of an account.
    Nothing,
    Discount(i64),
    Award(AccountId, i64),
}

fn returned(event: &ReadEvent) -> Option<&Returned> {
    event.returned.as_ref().and_then(|returned| returned.as_deref().ok())
}

/// What a decision adds, without what the event has brought about.
fn each_note(program: &Program, event: &ReadEvent, decision: &Decision, on: &mut impl FnMut(Note)) {
    on(Note::Event);
    if let Some(returned) = returned(event) {
        for (rule, group, amount) in returned.discounts() {
            on(Note::Corrects { rule, group, what: What::Discount(amount) });
        }
        for correction in returned.corrections.iter().filter(|correction| !correction.debit) {
            let what = What::Award(correction.account, correction.amount);
            on(Note::Corrects { rule: correction.rule, group: correction.group, what });
        }
    }
    for effect in &decision.effects {
        let what = match effect.account {
            // What is taken is no award.
            Some(_) if effect.debit => What::Nothing,
            Some(account) => What::Award(account, effect.amount),
            None => What::Discount(effect.amount),
        };
        on(Note::Gives { rule: effect.rule, group: effect.group, what });
    }
    for rule in decision.acting_beside() {
        if let Some(group) = program.rules.get(rule.index()).map(|rule| rule.group) {
            on(Note::Gives { rule, group, what: What::Nothing });
        }
    }
    decision.displaced.iter().for_each(|displaced| on(Note::Displaced(displaced.rule)));
    decision.cuts.iter().for_each(|cut| on(Note::Cut(cut.rule)));
    decision.faults.iter().for_each(|fault| on(Note::Failed(fault.rule)));
}

/// Sums over the decisions of a chunk. What rules and groups gave is noted only, and added where all sums are: what
/// thousands of them gave would otherwise be kept, added up and emptied for every chunk.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    summary: Summary,
    notes: Vec<Note>,
}

impl Tally {
    /// As [`Summary::add`].
    pub fn add(&mut self, program: &Program, event: &ReadEvent, decision: &Decision) {
        for (event, decision) in event.raised.iter().zip(&decision.raised) {
            self.add(program, event, decision);
        }
        self.summary.turn_over(event, decision);
        each_note(program, event, decision, &mut |note| self.notes.push(note));
    }

    /// As [`Summary::reject`].
    pub fn reject(&mut self, name: &'static str) {
        self.summary.reject(name);
    }

    /// Where the time went.
    pub fn times(&mut self) -> &mut Times {
        &mut self.summary.times
    }

    /// Adds another chunk's.
    pub fn merge(&mut self, other: &Tally) {
        self.summary.merge(&other.summary);
        self.notes.extend_from_slice(&other.notes);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.summary = Summary::default();
        self.notes.clear();
    }
}

impl PartialEq for Met {
    fn eq(&self, _: &Met) -> bool {
        true
    }
}

impl Eq for Met {}

fn slot<T: Default + Clone>(list: &mut Vec<T>, at: usize) -> &mut T {
    if list.len() <= at {
        list.resize(at + 1, T::default());
    }
    &mut list[at]
}

impl Summary {
    /// Records in: decided and refused.
    pub fn records(&self) -> u64 {
        self.total.events + self.rejected
    }

    /// Adds a decision of the program, with what the event has brought about.
    pub fn add(&mut self, program: &Program, event: &ReadEvent, decision: &Decision) {
        for (event, decision) in event.raised.iter().zip(&decision.raised) {
            self.add(program, event, decision);
        }
        self.turn_over(event, decision);
        each_note(program, event, decision, &mut |note| self.note(note));
    }

    /// Adds a decision's amounts, and nothing to what its rules and groups gave.
    fn turn_over(&mut self, event: &ReadEvent, decision: &Decision) {
        let totals = &decision.totals;
        let mut one = Turnover {
            events: 1,
            lines: decision.lines.len() as u64,
            initial: i128::from(totals.initial),
            discount: i128::from(totals.discount),
            paid: i128::from(totals.paid),
            tax: i128::from(totals.tax),
            total: i128::from(totals.total),
            awards: Vec::new(),
        };
        let date = event.record.event.get(event_slot::DATE.index()).copied().unwrap_or(0);
        let of_month = self.months.entry(year_and_month(date).unwrap_or_default()).or_default();
        for &(account, amount) in &totals.awards {
            self.total.award(account.index(), i128::from(amount));
            of_month.award(account.index(), i128::from(amount));
        }
        if let Some(returned) = returned(event) {
            // What comes back was sold before: turnover and awards are net.
            let discounts = returned.discounts();
            one.discount = -discounts.iter().map(|(_, _, amount)| i128::from(*amount)).sum::<i128>();
            one.paid = -i128::from(returned.refund.paid);
            one.initial = one.paid + one.discount;
            one.tax = -i128::from(returned.refund.tax);
            one.total = -i128::from(totals.total);
            let corrections = returned.corrections.iter().filter(|correction| !correction.debit);
            for correction in corrections.filter(|correction| correction.owner == returned.origin.member) {
                let (account, amount) = (correction.account.index(), i128::from(correction.amount));
                self.total.award(account, amount);
                of_month.award(account, amount);
            }
        }
        self.total.add(&one);
        of_month.add(&one);
        *slot(&mut self.kinds, event.record.kind.index()) += 1;
        self.events_with_errors += u64::from(!decision.faults.is_empty());
    }

    /// Adds what a rule or a group gave.
    fn note(&mut self, note: Note) {
        let Met { rules, groups, event } = &mut self.met;
        match note {
            Note::Event => *event += 1,
            Note::Gives { rule, group, what } => {
                let of_rule = rules.gives(&mut self.rules, rule.index(), *event);
                let of_group = groups.gives(&mut self.groups, group.index(), *event);
                for given in [of_rule, of_group] {
                    given.give(what);
                }
            }
            Note::Corrects { rule, group, what } => {
                rules.at(&mut self.rules, rule.index()).correct(what);
                groups.at(&mut self.groups, group.index()).correct(what);
            }
            Note::Displaced(rule) => rules.at(&mut self.rules, rule.index()).displaced += 1,
            Note::Cut(rule) => rules.at(&mut self.rules, rule.index()).cut += 1,
            Note::Failed(rule) => rules.at(&mut self.rules, rule.index()).errors += 1,
        }
    }

    /// Adds a record that was refused.
    pub fn reject(&mut self, name: &'static str) {
        self.rejected += 1;
        *self.rejections.entry(name).or_default() += 1;
    }

    /// Adds the sums of a chunk.
    pub(crate) fn take_in(&mut self, tally: &Tally) {
        self.merge(&tally.summary);
        tally.notes.iter().for_each(|note| self.note(*note));
    }

    /// Adds another summary of the same program.
    pub fn merge(&mut self, other: &Summary) {
        self.total.add(&other.total);
        for (month, turnover) in &other.months {
            self.months.entry(*month).or_default().add(turnover);
        }
        for (kind, events) in other.kinds.iter().enumerate() {
            *slot(&mut self.kinds, kind) += events;
        }
        self.met.rules.add(&mut self.rules, &other.met.rules, &other.rules);
        self.met.groups.add(&mut self.groups, &other.met.groups, &other.groups);
        self.rejected += other.rejected;
        for (name, count) in &other.rejections {
            *self.rejections.entry(name).or_default() += count;
        }
        self.events_with_errors += other.events_with_errors;
        self.times.read += other.times.read;
        self.times.evaluate += other.times.evaluate;
        self.times.write += other.times.write;
    }

    /// What each rule gave, in order of declaration. The versions of a rule, which take turns on a date, are one.
    pub fn by_rule<'p>(&self, program: &'p Program) -> Vec<(&'p Rule, Given)> {
        let mut all: Vec<(&Rule, Given)> = Vec::with_capacity(program.rules.len());
        let mut places: FxHashMap<&str, usize> = FxHashMap::default();
        for (at, rule) in program.rules.iter().enumerate() {
            let given = self.rules.get(at).cloned().unwrap_or_default();
            match places.get(rule.name.as_str()).and_then(|place| all.get_mut(*place)) {
                Some((_, so_far)) => so_far.add(&given),
                None => {
                    places.insert(&rule.name, all.len());
                    all.push((rule, given));
                }
            }
        }
        all
    }

    /// The summary with names and decimal texts. Rules and groups that gave nothing are there, too.
    pub fn report(&self, engine: &Engine) -> SummaryReport {
        let program = engine.program();
        let money = |amount: i128| decimal::print(amount, program.currency.decimals);
        let awards = |amounts: &[i128]| -> Vec<AwardReport> {
            program
                .accounts
                .iter()
                .enumerate()
                .map(|(at, account)| AwardReport {
                    account: account.name.clone(),
                    amount: decimal::print(amounts.get(at).copied().unwrap_or(0), account.decimals),
                })
                .collect()
        };
        let given = |name: &str, group: Option<String>, given: Option<&Given>| {
            let given = given.cloned().unwrap_or_default();
            GivenReport {
                name: name.to_owned(),
                group,
                events: given.events,
                effects: given.effects,
                discount: money(given.discount),
                awards: awards(&given.awards),
                displaced: given.displaced,
                cut: given.cut,
                errors: given.errors,
            }
        };
        let turnover = |turnover: &Turnover| TurnoverReport {
            events: turnover.events,
            lines: turnover.lines,
            initial: money(turnover.initial),
            discount: money(turnover.discount),
            paid: money(turnover.paid),
            tax: program.tax.is_some().then(|| money(turnover.tax)),
            total: money(turnover.total),
            awards: awards(&turnover.awards),
        };
        SummaryReport {
            pack: engine.pack().short_hash(),
            currency: program.currency.code.clone(),
            records: self.records(),
            rejected: self.rejected,
            rejections: self
                .rejections
                .iter()
                .map(|(error, count)| RejectionReport { error: (*error).to_owned(), records: *count })
                .collect(),
            events_with_errors: self.events_with_errors,
            total: turnover(&self.total),
            kinds: program
                .events
                .iter()
                .enumerate()
                .map(|(at, kind)| KindReport {
                    kind: kind.name.clone(),
                    events: self.kinds.get(at).copied().unwrap_or(0),
                })
                .collect(),
            months: self
                .months
                .iter()
                .map(|((year, month), of)| MonthReport {
                    month: format!("{year:04}-{month:02}"),
                    turnover: turnover(of),
                })
                .collect(),
            rules: self
                .by_rule(program)
                .iter()
                .map(|(rule, of)| {
                    let group = program.groups.get(rule.group.index()).map(|group| group.name.clone());
                    given(&rule.name, group, Some(of))
                })
                .collect(),
            groups: program
                .groups
                .iter()
                .enumerate()
                .map(|(at, group)| given(&group.name, None, self.groups.get(at)))
                .collect(),
        }
    }
}

/// A [`Summary`] for people and tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryReport {
    /// The first 16 hexadecimal digits of the pack's hash.
    pub pack: String,
    /// The currency of money.
    pub currency: String,
    /// Records in: decided and refused.
    pub records: u64,
    /// Records that were refused.
    pub rejected: u64,
    /// By error, sorted.
    pub rejections: Vec<RejectionReport>,
    /// Events in which a rule failed.
    pub events_with_errors: u64,
    /// All events.
    pub total: TurnoverReport,
    /// By kind of event.
    pub kinds: Vec<KindReport>,
    /// By local month, ascending.
    pub months: Vec<MonthReport>,
    /// By rule, in order of declaration.
    pub rules: Vec<GivenReport>,
    /// By group, in the order of settlement.
    pub groups: Vec<GivenReport>,
}

/// Refused records of one error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionReport {
    /// The error's name.
    pub error: String,
    /// How many records.
    pub records: u64,
}

/// Events of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindReport {
    /// The kind.
    pub kind: String,
    /// How many.
    pub events: u64,
}

/// Amounts of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnoverReport {
    /// Events.
    pub events: u64,
    /// Lines.
    pub lines: u64,
    /// Before discounts.
    pub initial: String,
    /// Discounts.
    pub discount: String,
    /// After discounts.
    pub paid: String,
    /// Tax, where the program says how it stands in prices.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tax: Option<String>,
    /// What customers handed over.
    pub total: String,
    /// By account.
    pub awards: Vec<AwardReport>,
}

/// Amounts of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthReport {
    /// `2026-03`.
    pub month: String,
    /// Its amounts.
    #[serde(flatten)]
    pub turnover: TurnoverReport,
}

/// An amount of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardReport {
    /// The account.
    pub account: String,
    /// How much.
    pub amount: String,
}

/// What a rule or a group gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenReport {
    /// Its key.
    pub name: String,
    /// The group, of a rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<String>,
    /// Events in which it gave something, of whatever sort.
    pub events: u64,
    /// Effects: amounts, what is issued, gifts, fields that are set.
    pub effects: u64,
    /// Discounts.
    pub discount: String,
    /// By account.
    pub awards: Vec<AwardReport>,
    /// Times that another rule displaced it.
    pub displaced: u64,
    /// Times that a limit cut it.
    pub cut: u64,
    /// Times that it failed.
    pub errors: u64,
}
