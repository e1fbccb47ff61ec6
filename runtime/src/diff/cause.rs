//! Why a rule gives an event something else than before. Looks at what the decisions say of themselves (limits that cut,
//! rules that displace) and at what was written otherwise; decides nothing anew.

use super::facts::{Facts, Key, Names, Pair, Sort, Which};
use super::hunks::Hunks;
use super::report::{AwardDifference, CauseRow, Exact};
use crate::decision::cut_name;
use perq_compiler::evaluate::{CutBy, Decision};
use perq_compiler::ir::Program;
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
    /// Another rule that is written otherwise has changed what it works on.
    Follows,
    /// The frame of the program, or the schema of its records, is written otherwise.
    Settings,
    /// Something else came before: balances, histories, levels.
    Earlier,
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

    /// Who displaces a rule, and where.
    fn displaced(&self, names: &Names, rule: usize) -> BTreeSet<(usize, Vec<u32>)> {
        let decisions = self.decisions();
        let lost = decisions.iter().flat_map(|decision| &decision.displaced);
        let of_rule = lost.filter(|lost| names.rule(self.which, lost.rule) == Some(rule));
        of_rule.filter_map(|lost| Some((names.rule(self.which, lost.by)?, lost.rows.clone()))).collect()
    }
}

/// Why each amount that differs does.
pub(super) fn differences(
    names: &Names,
    hunks: &Hunks,
    views: &Pair<View<'_>>,
    facts: &Pair<Facts>,
    stateful: bool,
) -> Vec<Difference> {
    let keys: BTreeSet<&Key> = facts.old.keys().chain(facts.new.keys()).collect();
    let mut out: Vec<Difference> = Vec::new();
    for key in keys {
        let amount = |of: &Facts| of.get(key).copied().unwrap_or(0);
        let (before, after) = (amount(&facts.old), amount(&facts.new));
        if before != after {
            let cause = Cause { why: Why::Follows, hunks: Vec::new(), by: Vec::new() };
            out.push(Difference { key: key.clone(), before, after, cause });
        }
    }
    // What was written otherwise and shows on this event, by the place of its group in the settlement: what follows,
    // follows from that.
    let mut roots: BTreeSet<(usize, usize)> = BTreeSet::new();
    for difference in &mut out {
        if let Some(cause) = own(names, hunks, views, difference.key.rule) {
            if [Why::Rule, Why::Group].contains(&cause.why) {
                let place = place_of(names, difference.key.rule);
                roots.extend(cause.hunks.iter().map(|hunk| (place, *hunk)));
            }
            difference.cause = cause;
        }
    }
    // Those settled before a rule, or with it; all of them where there is none.
    let before = |place: usize| {
        let found: BTreeSet<usize> = roots.iter().filter(|root| root.0 < place).map(|root| root.1).collect();
        let all = || roots.iter().map(|root| root.1).collect();
        if found.is_empty() { all() } else { found }
    };
    for difference in &mut out {
        let place = place_of(names, difference.key.rule);
        let cause = &mut difference.cause;
        match cause.why {
            Why::Follows if !roots.is_empty() => cause.hunks = before(place).into_iter().collect(),
            Why::Follows if !hunks.settings.is_empty() => {
                *cause = Cause { why: Why::Settings, hunks: hunks.settings.clone(), by: Vec::new() };
            }
            Why::Follows => cause.why = if stateful { Why::Earlier } else { Why::Tables },
            Why::Displacement | Why::Limit if cause.hunks.is_empty() => {
                cause.hunks = before(place.saturating_add(1)).into_iter().collect();
            }
            Why::Displacement
            | Why::Limit
            | Why::Rule
            | Why::Group
            | Why::Settings
            | Why::Earlier
            | Why::Tables
            | Why::Refusal
            | Why::Record => {}
        }
    }
    out
}

/// Where a rule's group stands in the settlement. A group that is gone may have stood anywhere before.
fn place_of(names: &Names, rule: Option<usize>) -> usize {
    let group = rule.and_then(|rule| names.rules.get(rule)).and_then(|rule| rule.group);
    let Some(group) = group else { return usize::MAX };
    if names.groups.get(group).is_some_and(|group| group.there.new) { group.saturating_add(1) } else { 0 }
}

/// The cause that a rule has of its own; nothing where it only follows from something else.
fn own(names: &Names, hunks: &Hunks, views: &Pair<View<'_>>, rule: Option<usize>) -> Option<Cause> {
    let cause = |why: Why, hunks: Vec<usize>, by: Vec<String>| Some(Cause { why, hunks, by });
    if views.old.decision.is_none() || views.new.decision.is_none() {
        return cause(Why::Record, Vec::new(), Vec::new());
    }
    if views.old.refused != views.new.refused {
        return cause(Why::Refusal, Vec::new(), Vec::new());
    }
    let rule = rule?;
    let named = names.rules.get(rule)?;
    let written = hunks.of_rule(&named.name);
    if !written.is_empty() {
        return cause(Why::Rule, written.to_vec(), Vec::new());
    }
    let group = named.group.and_then(|group| names.groups.get(group));
    let of_group = group.map_or(&[][..], |group| hunks.of_group(&group.name));
    let (before, after) = (views.old.cuts(names, rule), views.new.cuts(names, rule));
    if before != after {
        let by: BTreeSet<String> = before.symmetric_difference(&after).map(|(by, _)| by.clone()).collect();
        return cause(Why::Limit, of_group.to_vec(), by.into_iter().collect());
    }
    let (before, after) = (views.old.displaced(names, rule), views.new.displaced(names, rule));
    if before != after {
        let by: BTreeSet<usize> = before.symmetric_difference(&after).map(|(by, _)| *by).collect();
        let winners: Vec<String> =
            by.iter().filter_map(|by| Some(names.rules.get(*by)?.name.clone())).collect();
        let written: BTreeSet<usize> = winners.iter().flat_map(|name| hunks.of_rule(name)).copied().collect();
        return cause(Why::Displacement, written.into_iter().collect(), winners);
    }
    if !of_group.is_empty() {
        return cause(Why::Group, of_group.to_vec(), Vec::new());
    }
    None
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
