//! Why a rule gives an event something else than before. Looks at what was written otherwise, at what the decisions say of
//! themselves (limits that cut, rules that displace), at what was settled before, and at what both programs knew of the
//! time before; decides nothing anew.

use super::facts::{Facts, Key, Names, Pair, Sort, Which};
use super::hunks::Hunks;
use super::inputs::{Altered, Inputs, Looking, Past, Reads, Trace, differs};
use super::report::{AwardDifference, CauseRow, Exact};
use crate::decision::cut_name;
use crate::record::ReadEvent;
use perq_compiler::evaluate::{CutBy, Decision};
use perq_compiler::ir::{CounterId, CounterKey, OnPrice, Program};
use std::collections::{BTreeMap, BTreeSet};

/// Sorts of causes, the plainest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// The rule, or something that it names, is written otherwise.
    Rule,
    /// Its group is.
    Group,
    /// A limit cuts it, or no longer does.
    Limit,
    /// Another rule displaces it, or no longer does.
    Displacement,
    /// What was settled before it with the same event has changed what it works on.
    Follows,
    /// What it looks at of the time before is another: balances, histories, levels.
    Earlier,
    /// The frame of the program, or the schema of its records, is written otherwise.
    Settings,
    /// The tables are others.
    Tables,
    /// One side refuses the event as a whole.
    Refusal,
    /// One side cannot read the record.
    Record,
}

impl Why {
    pub fn word(self) -> &'static str {
        match self {
            Why::Rule => "rule",
            Why::Group => "group",
            Why::Limit => "limit",
            Why::Displacement => "displacement",
            Why::Follows => "follows",
            Why::Settings => "settings",
            Why::Earlier => "earlier",
            Why::Tables => "tables",
            Why::Refusal => "refusal",
            Why::Record => "record",
        }
    }
}

/// Why one amount differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub why: Why,
    /// Positions in [`Hunks::list`].
    pub hunks: Vec<usize>,
    /// Rules that displace, limits that cut.
    pub by: Vec<String>,
    /// What of the time before is another, and since when.
    pub since: Vec<Since>,
}

/// What is kept and looked at, and is another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Since {
    /// What is another.
    pub of: String,
    /// The change that altered it, where one is known.
    pub hunk: Option<usize>,
    /// With which event first; nothing where the change alters it by itself.
    pub event: Option<Box<str>>,
}

/// An amount that differs, and why.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub key: Key,
    pub before: i128,
    pub after: i128,
    pub cause: Cause,
}

/// The decision of a side, where it could be made.
pub(super) struct View<'v> {
    pub which: Which,
    pub program: &'v Program,
    pub event: Option<&'v ReadEvent>,
    pub decision: Option<&'v Decision>,
    pub refused: bool,
}

/// A decision and those of what it has brought about.
fn all(decision: &Decision) -> Vec<&Decision> {
    let mut out = vec![decision];
    let mut next = 0;
    while let Some(decision) = out.get(next).copied() {
        next += 1;
        out.extend(&decision.raised);
    }
    out
}

impl View<'_> {
    fn decisions(&self) -> Vec<&Decision> {
        self.decision.map_or_else(Vec::new, all)
    }

    /// What limits took from a rule: by what, and how much.
    fn cuts(&self, names: &Names, rule: usize) -> BTreeSet<(String, i64)> {
        let decisions = self.decisions();
        let cuts = decisions.iter().flat_map(|decision| &decision.cuts);
        let of_rule = cuts.filter(|cut| names.rule(self.which, cut.rule) == Some(rule));
        let told = of_rule.map(|cut| {
            let by = match cut.by {
                CutBy::Counter(counter) => {
                    let counter = self.program.counters.get(counter.index());
                    counter.map_or_else(String::new, |counter| counter.name.clone())
                }
                CutBy::PriceFloor | CutBy::Rule | CutBy::Group => cut_name(cut.by).to_owned(),
            };
            (by, cut.amount)
        });
        told.collect()
    }

    /// What is used up of limits and budgets: for whom, of which.
    fn claims(&self) -> BTreeMap<(Option<String>, String), i64> {
        let mut out = BTreeMap::new();
        let (Some(event), Some(decision)) = (self.event, self.decision) else { return out };
        let mut waiting = vec![(event, decision)];
        while let Some((event, decision)) = waiting.pop() {
            waiting.extend(event.raised.iter().zip(&decision.raised));
            for claim in &decision.claims {
                let counter: CounterId = claim.counter;
                let Some(counter) = self.program.counters.get(counter.index()) else { continue };
                let holder = match counter.per {
                    CounterKey::Campaign => None,
                    CounterKey::Member => event.member().map(str::to_owned),
                    CounterKey::Inviter(slot) => event.other(slot).map(str::to_owned),
                };
                *out.entry((holder, counter.name.clone())).or_default() += claim.amount;
            }
        }
        out
    }

    /// Who displaces a rule, and where.
    fn displaced(&self, names: &Names, rule: usize) -> BTreeSet<(usize, Vec<u32>)> {
        let decisions = self.decisions();
        let lost = decisions.iter().flat_map(|decision| &decision.displaced);
        let of_rule = lost.filter(|lost| names.rule(self.which, lost.rule) == Some(rule));
        of_rule.filter_map(|lost| Some((names.rule(self.which, lost.by)?, lost.rows.clone()))).collect()
    }
}

/// What came to be known of changes: through what they can act, and what they have altered so far.
pub(super) struct Known<'k> {
    pub names: &'k Names,
    pub hunks: &'k Hunks,
    pub inputs: &'k Pair<Inputs>,
    /// Changes that alter nothing on the event at hand: segments that answer alike.
    pub idle: &'k BTreeSet<usize>,
    /// Whether decisions depend on earlier ones.
    pub stateful: bool,
}

/// What alters something: changes, and what they altered before the event at hand.
#[derive(Clone, Debug, Default)]
struct Origin {
    /// There is something, whether or not a change is known for it.
    any: bool,
    hunks: BTreeSet<usize>,
    since: BTreeSet<Since>,
}

impl Origin {
    fn add(&mut self, other: Origin) {
        self.any |= other.any;
        self.hunks.extend(other.hunks);
        self.since.extend(other.since);
    }

    fn into_cause(self, why: Why, by: Vec<String>) -> Cause {
        Cause { why, hunks: self.hunks.into_iter().collect(), by, since: self.since.into_iter().collect() }
    }
}

/// An event while its differences are traced.
struct Case<'c> {
    known: &'c Known<'c>,
    views: &'c Pair<View<'c>>,
    past: &'c Past,
    /// Whether the event brings back what was bought.
    returns: bool,
    /// By position of a difference: where its rule is settled.
    places: Vec<usize>,
    /// Rules that give something for what the event has brought about.
    raised: BTreeSet<usize>,
}

/// Why each amount that differs does. What the event leaves behind otherwise is noted in `past`.
pub(super) fn differences(
    known: &Known<'_>,
    views: &Pair<View<'_>>,
    facts: &Pair<Facts>,
    past: &mut Past,
) -> Vec<Difference> {
    let keys: BTreeSet<&Key> = facts.old.keys().chain(facts.new.keys()).collect();
    // Where nothing is known yet of why.
    let mut out: Vec<(Difference, bool)> = Vec::new();
    for key in keys {
        let amount = |of: &Facts| of.get(key).copied().unwrap_or(0);
        let (before, after) = (amount(&facts.old), amount(&facts.new));
        if before != after {
            let cause = Cause { why: Why::Follows, hunks: Vec::new(), by: Vec::new(), since: Vec::new() };
            out.push((Difference { key: key.clone(), before, after, cause }, false));
        }
    }
    if !out.is_empty() {
        let sees_return = |view: &View<'_>| view.event.is_some_and(|event| event.returned.is_some());
        let case = Case {
            known,
            views,
            past,
            returns: sees_return(&views.old) || sees_return(&views.new),
            places: out.iter().map(|(of, _)| known.place_of(of.key.rule)).collect(),
            raised: views.raised(known.names),
        };
        case.trace(&mut out);
    }
    let out: Vec<Difference> = out.into_iter().map(|(difference, _)| difference).collect();
    if known.stateful {
        note(known, views, &out, past);
    }
    out
}

impl Pair<View<'_>> {
    /// The event's member, as whichever side reads it.
    fn member(&self) -> Option<&str> {
        self.new.event.or(self.old.event).and_then(ReadEvent::member)
    }

    /// Rules that give something for what the event has brought about, on either side.
    fn raised(&self, names: &Names) -> BTreeSet<usize> {
        let of = |view: &View<'_>| -> Vec<usize> {
            let raised = view.decision.map_or(&[][..], |decision| &decision.raised);
            let rules = raised.iter().flat_map(all).flat_map(Decision::acting);
            rules.filter_map(|rule| names.rule(view.which, rule)).collect()
        };
        of(&self.old).into_iter().chain(of(&self.new)).collect()
    }

    /// The id of the event.
    fn id(&self) -> &str {
        self.new.event.or(self.old.event).map_or("", ReadEvent::id)
    }
}

impl Known<'_> {
    /// Where a rule's group stands in the settlement. A group that is gone may have stood anywhere before.
    fn place_of(&self, rule: Option<usize>) -> usize {
        let group = rule.and_then(|rule| self.names.rules.get(rule)).and_then(|rule| rule.group);
        let Some(group) = group else { return usize::MAX };
        let is_there = self.names.groups.get(group).is_some_and(|group| group.there.new);
        if is_there { group.saturating_add(1) } else { 0 }
    }

    fn active(&self, hunks: &[usize]) -> BTreeSet<usize> {
        hunks.iter().copied().filter(|hunk| !self.idle.contains(hunk)).collect()
    }

    /// Changes of a rule itself, and of what it names.
    fn of_rule(&self, rule: usize) -> BTreeSet<usize> {
        self.names
            .rules
            .get(rule)
            .map_or_else(BTreeSet::new, |rule| self.active(self.hunks.of_rule(&rule.name)))
    }

    fn of_group(&self, rule: usize) -> BTreeSet<usize> {
        let group = self.names.rules.get(rule).and_then(|rule| self.names.groups.get(rule.group?));
        group.map_or_else(BTreeSet::new, |group| self.active(self.hunks.of_group(&group.name)))
    }

    /// Changes that alter what is kept by themselves: of the account, of the levels, of the badge.
    fn feeding(&self, trace: &Trace) -> BTreeSet<usize> {
        match trace {
            Trace::Balance(name) => self.active(self.hunks.of_kept("account", name)),
            Trace::Level(name) => self.active(self.hunks.of_kept("tiers", name)),
            Trace::Instrument(name) => {
                let of = |what: &'static str| self.active(self.hunks.of_kept(what, name));
                ["badge", "coupon", "certificate"].into_iter().flat_map(of).collect()
            }
            Trace::Field(_) | Trace::Counter(_) | Trace::History => BTreeSet::new(),
        }
    }

    /// What a unit's amounts are kept as; nothing where nothing looks back at them.
    fn kept_as(&self, key: &Key) -> Vec<Trace> {
        let Some(unit) = self.names.units.get(key.unit) else { return Vec::new() };
        let name = || unit.name.clone();
        match unit.sort {
            Sort::Award | Sort::Debit => vec![Trace::Balance(name())],
            Sort::Discount | Sort::Gift | Sort::Tender => vec![Trace::History],
            Sort::Coupon | Sort::Certificate | Sort::Badge => vec![Trace::Instrument(name())],
            Sort::Field => vec![Trace::Field(name())],
            Sort::Level => vec![Trace::Level(tiers_of(&unit.name).to_owned())],
            // Nothing that rules ask of receipts looks back at what was said or shown.
            Sort::Words | Sort::Offer => Vec::new(),
        }
    }
}

/// The `tiers` of a unit of levels.
fn tiers_of(unit: &str) -> &str {
    unit.split_once(": ").map_or(unit, |(tiers, _)| tiers)
}

impl Case<'_> {
    /// Says of each difference why.
    fn trace(&self, out: &mut [(Difference, bool)]) {
        let mut order: Vec<usize> = (0..out.len()).collect();
        let is_late = |at: &usize, out: &[(Difference, bool)]| {
            let rule = out.get(*at).and_then(|(difference, _)| difference.key.rule);
            rule.is_none_or(|rule| self.raised.contains(&rule))
        };
        // In the order of settlement; then levels and badges, and then what rules give for those.
        order.sort_by_key(|at| {
            let rule = out.get(*at).and_then(|(difference, _)| difference.key.rule);
            (is_late(at, out), rule.is_some() && is_late(at, out), self.places.get(*at).copied())
        });
        // What is written otherwise shows first: it may displace what is settled with it.
        for (difference, is_known) in out.iter_mut() {
            if let Some(cause) = self.own(&difference.key) {
                (difference.cause, *is_known) = (cause, true);
            }
        }
        for at in order {
            let Some((difference, false)) = out.get(at) else { continue };
            let cause = match difference.key.rule {
                Some(rule) => self.of_rule(rule, at, out),
                None => self.of_none(&difference.key, out),
            };
            if let Some((difference, is_known)) = out.get_mut(at) {
                (difference.cause, *is_known) = (cause, true);
            }
        }
    }

    /// The cause that lies in the texts, or in what one side makes of the event as a whole.
    fn own(&self, key: &Key) -> Option<Cause> {
        let cause = |why: Why, hunks: BTreeSet<usize>| {
            Some(Origin { hunks, ..Origin::default() }.into_cause(why, Vec::new()))
        };
        if self.views.old.decision.is_none() || self.views.new.decision.is_none() {
            return cause(Why::Record, BTreeSet::new());
        }
        if self.views.old.refused != self.views.new.refused {
            return cause(Why::Refusal, BTreeSet::new());
        }
        let written = match key.rule {
            Some(rule) => self.known.of_rule(rule),
            None => self.kept_by_none(key).map_or_else(BTreeSet::new, |trace| self.known.feeding(&trace)),
        };
        if written.is_empty() { None } else { cause(Why::Rule, written) }
    }

    /// What no rule gives: a level, or a badge that is earned by its own condition.
    fn kept_by_none(&self, key: &Key) -> Option<Trace> {
        self.known.kept_as(key).into_iter().next()
    }

    /// Of what no rule gives: what it is measured by, with the event and before it.
    fn of_none(&self, key: &Key, out: &[(Difference, bool)]) -> Cause {
        let mut reads = Pair::<Reads>::default();
        for which in Which::BOTH {
            let inputs = self.known.inputs.of(which);
            let found = match self.kept_by_none(key) {
                Some(Trace::Level(tiers)) => inputs.of_tiers(&tiers),
                Some(Trace::Instrument(badge)) => inputs.of_badge(&badge),
                Some(Trace::Balance(_) | Trace::Field(_) | Trace::Counter(_) | Trace::History) | None => None,
            };
            *reads.of_mut(which) = found.cloned().unwrap_or_default();
        }
        let earlier = self.earlier(&reads);
        let mut with = Origin::default();
        // It is looked at once the event has been kept: what the event gives counts, of what is measured.
        for (difference, is_known) in out {
            let measured = self.known.kept_as(&difference.key);
            let is_measured =
                reads.old.traces().chain(reads.new.traces()).any(|trace| measured.contains(trace));
            if *is_known && difference.key.rule.is_some() && (is_measured || reads.new.prices) {
                with.any = true;
                with.hunks.extend(&difference.cause.hunks);
            }
        }
        self.together(with, earlier, None, out)
    }

    /// Of a rule that is not written otherwise.
    fn of_rule(&self, rule: usize, at: usize, out: &[(Difference, bool)]) -> Cause {
        let names = self.known.names;
        let (old, new) = (&self.views.old, &self.views.new);
        let place = self.places.get(at).copied().unwrap_or(usize::MAX);
        let (before, after) = (old.cuts(names, rule), new.cuts(names, rule));
        if before != after {
            let by: BTreeSet<String> =
                before.symmetric_difference(&after).map(|(by, _)| by.clone()).collect();
            let mut origin = Origin { hunks: self.known.of_group(rule), ..Origin::default() };
            if origin.hunks.is_empty() {
                for counter in &by {
                    let member = self.views.member();
                    let trace = Trace::Counter(counter.clone());
                    origin.add(self.altered(member, &trace));
                    origin.add(self.altered(None, &trace));
                }
                origin.add(self.behind(rule, at, place, true, out));
            }
            return origin.into_cause(Why::Limit, by.into_iter().collect());
        }
        let (before, after) = (old.displaced(names, rule), new.displaced(names, rule));
        if before != after {
            let by: BTreeSet<usize> = before.symmetric_difference(&after).map(|(by, _)| *by).collect();
            let mut origin = Origin::default();
            for winner in &by {
                origin.hunks.extend(self.known.of_rule(*winner));
            }
            if origin.hunks.is_empty() {
                for one in by.iter().copied().chain([rule]) {
                    let place = self.known.place_of(Some(one)).min(place);
                    origin.add(self.behind(one, at, place, true, out));
                }
            }
            let winners = by.iter().filter_map(|by| Some(names.rules.get(*by)?.name.clone()));
            return origin.into_cause(Why::Displacement, winners.collect());
        }
        let of_group = self.known.of_group(rule);
        if !of_group.is_empty() {
            return Origin { hunks: of_group, ..Origin::default() }.into_cause(Why::Group, Vec::new());
        }
        let with = self.before(rule, at, place, false, out);
        let earlier = self.earlier(&self.reads(rule));
        self.together(with, earlier, Some(at), out)
    }

    /// All that can lie behind what a rule proposes.
    fn behind(&self, rule: usize, at: usize, place: usize, same: bool, out: &[(Difference, bool)]) -> Origin {
        let mut origin = self.before(rule, at, place, same, out);
        origin.add(self.earlier(&self.reads(rule)));
        origin
    }

    /// What was settled with the event before a rule, and changes what it works on. `same`: also what is settled with it.
    fn before(&self, rule: usize, at: usize, place: usize, same: bool, out: &[(Difference, bool)]) -> Origin {
        let reads = self.reads(rule);
        let (prices, awards) = (reads.old.prices || reads.new.prices, reads.old.awards || reads.new.awards);
        let runs = self.works_on_rest(rule);
        let takes = |key: &Key| {
            let from = self.known.kept_as(key);
            reads.old.traces().chain(reads.new.traces()).any(|trace| from.contains(trace))
        };
        let late = self.raised.contains(&rule);
        let mut origin = Origin::default();
        for (other, (difference, is_known)) in out.iter().enumerate() {
            let there = self.places.get(other).copied().unwrap_or(usize::MAX);
            let sort = self.known.names.units.get(difference.key.unit).map(|unit| unit.sort);
            let touches = match sort {
                Some(Sort::Discount | Sort::Gift | Sort::Tender) => prices,
                // What is taken from an account is not there for others to take.
                Some(Sort::Debit) => takes(&difference.key),
                // Rules of one group share its limits.
                Some(Sort::Award) => (awards && there < place) || (same && there == place),
                Some(Sort::Level) => late,
                Some(
                    Sort::Coupon | Sort::Certificate | Sort::Badge | Sort::Field | Sort::Words | Sort::Offer,
                )
                | None => false,
            };
            let is_before = match difference.key.rule {
                Some(_) => there < place || (there == place && (same || runs)),
                // Rules hear of levels once the rest is settled.
                None => late,
            };
            if *is_known && other != at && touches && is_before {
                origin.any = true;
                origin.hunks.extend(&difference.cause.hunks);
            }
        }
        origin
    }

    /// Whether rules of one group work on what the others of it have left.
    fn works_on_rest(&self, rule: usize) -> bool {
        let of = |view: &View<'_>| {
            let rules = view.program.rules.iter().zip(0_u32..);
            let mut own = rules.filter(|(_, number)| {
                self.known.names.rule(view.which, perq_compiler::ir::RuleId(*number)) == Some(rule)
            });
            let takes = view.decisions().iter().any(|decision| !decision.bundles.is_empty());
            own.any(|(own, _)| {
                let group = view.program.groups.get(own.group.index());
                takes || group.is_some_and(|group| group.on_price == OnPrice::Running)
            })
        };
        of(&self.views.old) || of(&self.views.new)
    }

    fn reads(&self, rule: usize) -> Pair<Reads> {
        let of = |which: Which| {
            let mut reads = self.known.inputs.of(which).of_rule(rule).cloned().unwrap_or_default();
            if self.returns {
                // What a rule takes back is what it gave then.
                reads.untold(Trace::History);
            }
            reads
        };
        Pair { old: of(Which::Old), new: of(Which::New) }
    }

    /// What is looked at of the time before and is another, with what altered it.
    fn earlier(&self, reads: &Pair<Reads>) -> Origin {
        let mut origin = Origin::default();
        let (Some(old), Some(new)) = (self.views.old.event, self.views.new.event) else { return origin };
        let side = |which: Which| {
            let (view, event) = match which {
                Which::Old => (&self.views.old, old),
                Which::New => (&self.views.new, new),
            };
            Looking { which, names: self.known.names, program: view.program, event }
        };
        let (before, after) = (side(Which::Old), side(Which::New));
        let traces: BTreeSet<&Trace> = reads.old.traces().chain(reads.new.traces()).collect();
        for trace in traces {
            let differs = differs(trace, (&reads.old, &before), (&reads.new, &after));
            if differs == Some(false) {
                continue;
            }
            let mut found = self.altered(self.views.member(), trace);
            if let Trace::Instrument(_) = trace
                && found.hunks.is_empty()
            {
                // A code may have been issued to somebody else.
                found.add(self.altered(None, trace));
            }
            if differs == Some(true) {
                found.any = true;
                for hunk in self.known.feeding(trace) {
                    let is_told = found.since.iter().any(|since| since.hunk == Some(hunk));
                    found.hunks.insert(hunk);
                    if !is_told {
                        found.since.insert(Since { of: trace.words(), hunk: Some(hunk), event: None });
                    }
                }
            }
            origin.add(found);
        }
        origin
    }

    /// What has altered something before the event at hand.
    fn altered(&self, owner: Option<&str>, trace: &Trace) -> Origin {
        let none = Altered::new();
        let altered = self.past.of(owner, trace).unwrap_or(&none);
        let mut since = BTreeSet::new();
        for (hunk, event) in altered {
            since.insert(Since { of: trace.words(), hunk: *hunk, event: Some(event.clone()) });
        }
        Origin { any: !altered.is_empty(), hunks: altered.keys().flatten().copied().collect(), since }
    }

    /// The cause of what follows from what was settled with the event, and from what came before it.
    fn together(
        &self,
        with: Origin,
        earlier: Origin,
        at: Option<usize>,
        out: &[(Difference, bool)],
    ) -> Cause {
        let why = match (with.hunks.is_empty(), earlier.any) {
            (false, _) => Why::Follows,
            (true, true) => Why::Earlier,
            (true, false) if with.any => self.inherited(at, out),
            (true, false) => match self.rounding(at, out) {
                Some(cause) => return cause,
                None => self.otherwise(),
            },
        };
        let mut origin = with;
        origin.add(earlier);
        if why == Why::Settings {
            origin.hunks.extend(&self.known.hunks.settings);
        }
        origin.into_cause(why, Vec::new())
    }

    /// Why what it follows from is another, where no change is to blame for that.
    fn inherited(&self, at: Option<usize>, out: &[(Difference, bool)]) -> Why {
        let place = at.and_then(|at| self.places.get(at).copied()).unwrap_or(usize::MAX);
        let before = out.iter().zip(&self.places).find(|((_, is_known), there)| *is_known && **there < place);
        before.map_or(Why::Follows, |((difference, _), _)| difference.cause.why)
    }

    /// What rounds together is another where any part of it is.
    fn rounding(&self, at: Option<usize>, out: &[(Difference, bool)]) -> Option<Cause> {
        let own = &out.get(at?)?.0.key;
        let unit = self.known.names.units.get(own.unit).filter(|unit| unit.sort == Sort::Award)?;
        let per_basket = |view: &View<'_>| {
            let account = view.program.accounts.iter().find(|account| account.name == unit.name);
            account.is_some_and(|account| account.per == perq_compiler::ir::RoundPer::Basket)
        };
        if !per_basket(&self.views.old) && !per_basket(&self.views.new) {
            return None;
        }
        let others = out.iter().filter(|(other, is_known)| {
            *is_known && other.key.unit == own.unit && other.key.rule != own.rule
        });
        let hunks: BTreeSet<usize> = others.flat_map(|(other, _)| &other.cause.hunks).copied().collect();
        if hunks.is_empty() {
            return None;
        }
        Some(Origin { hunks, ..Origin::default() }.into_cause(Why::Follows, Vec::new()))
    }

    /// Where nothing of the event says why.
    fn otherwise(&self) -> Why {
        if !self.known.hunks.settings.is_empty() {
            Why::Settings
        } else if self.known.stateful {
            Why::Earlier
        } else {
            Why::Tables
        }
    }
}

/// Notes what an event leaves behind otherwise.
fn note(known: &Known<'_>, views: &Pair<View<'_>>, out: &[Difference], past: &mut Past) {
    let (member, id) = (views.member(), views.id());
    let one_side = views.old.decision.is_none() != views.new.decision.is_none();
    if one_side || views.old.refused != views.new.refused {
        past.note(member, Trace::History, &[], id);
    }
    for difference in out {
        let owner = difference.key.to.as_deref().or(member);
        for trace in known.kept_as(&difference.key) {
            if let Trace::Instrument(_) = trace {
                past.note(None, trace.clone(), &difference.cause.hunks, id);
            }
            past.note(owner, trace, &difference.cause.hunks, id);
        }
    }
    let (before, after) = (views.old.claims(), views.new.claims());
    for counter in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        if before.get(counter) != after.get(counter) {
            let hunks: BTreeSet<usize> = out.iter().flat_map(|of| &of.cause.hunks).copied().collect();
            let hunks: Vec<usize> = hunks.into_iter().collect();
            past.note(counter.0.as_deref(), Trace::Counter(counter.1.clone()), &hunks, id);
        }
    }
}

/// Differences of one cause: on how many events, and by unit.
#[derive(Debug, Default)]
struct Sums {
    events: u64,
    units: BTreeMap<usize, i128>,
}

/// Differences by cause.
#[derive(Debug, Default)]
pub(super) struct Causes(BTreeMap<(Why, Vec<usize>), Sums>);

impl Causes {
    /// Adds those of an event.
    pub fn add(&mut self, differences: &[Difference]) {
        let mut met: BTreeSet<(Why, &[usize])> = BTreeSet::new();
        for Difference { key, before, after, cause } in differences {
            let found = self.0.entry((cause.why, cause.hunks.clone())).or_default();
            found.events += u64::from(met.insert((cause.why, &cause.hunks)));
            *found.units.entry(key.unit).or_default() += after - before;
        }
    }

    /// All of them, the plainest first.
    pub fn report(&self, names: &Names) -> Vec<CauseRow> {
        let row = |((why, hunks), sums): (&(Why, Vec<usize>), &Sums)| {
            let of = |unit: usize| {
                let decimals = names.units.get(unit).map_or(0, |unit| unit.decimals);
                Exact { amount: sums.units.get(&unit).copied().unwrap_or(0), decimals }
            };
            let accounts = names.units.iter().enumerate().filter(|(_, unit)| unit.sort == Sort::Award);
            CauseRow {
                cause: why.word(),
                hunks: hunks.clone(),
                events: sums.events,
                discount: of(0),
                awards: accounts
                    .map(|(at, unit)| AwardDifference {
                        account: unit.name.clone(),
                        unit: unit.word.clone(),
                        difference: of(at),
                    })
                    .collect(),
            }
        };
        self.0.iter().map(row).collect()
    }
}
