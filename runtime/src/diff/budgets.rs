//! What a replay uses up of limits and budgets, window by window. Adds up what decisions claim and what limits took, and
//! refuses to decide either.

use super::facts::{Names, Which};
use super::report::{Budget, Exact, WindowUse};
use crate::clock::date_text;
use crate::engine::{Engine, value_at};
use crate::record::ReadEvent;
use crate::state::now;
use perq_compiler::calendar::{DAY, Instant, Stretch, is_universal, limited};
use perq_compiler::evaluate::{CutBy, Decision};
use perq_compiler::ir::{
    CounterId, CounterKey, Limit, LimitAmount, LimitOf, MISSING, Program, SlotId, Window,
};
use std::collections::{BTreeMap, BTreeSet};

/// For whom something is counted: nobody by name where it is for all.
type Holder = Option<Box<str>>;

/// What one of them has used.
#[derive(Debug, Default)]
struct Used {
    /// In all.
    sum: i128,
    /// The most at once.
    peak: i128,
    /// The day on which nothing was left.
    up: Option<i64>,
    /// Of a window that slides: what was claimed, by the second.
    claims: BTreeMap<i64, i128>,
}

#[derive(Debug, Default)]
struct InWindow {
    limit: Option<i64>,
    holders: BTreeMap<Holder, Used>,
    events_cut: u64,
    cut: i128,
}

/// Of an event by itself: whose limit, and what it limits.
type Single = (&'static str, String, Option<usize>);

/// What is used up.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// By counter: the most, where something has one.
    most: Vec<Option<LimitAmount>>,
    /// By counter, then by the window's seconds.
    counters: BTreeMap<CounterId, BTreeMap<(i64, i64), InWindow>>,
    singles: BTreeMap<Single, (u64, i128)>,
}

/// Whose limit a counter counts for: the owner's sort and key, the most, and of what.
fn limit_of(program: &Program, counter: CounterId) -> Option<(&'static str, &str, LimitAmount, LimitOf)> {
    let of = |limits: &[Limit]| {
        let limit = limits.iter().find(|limit| limit.counter == Some(counter))?;
        Some((limit.amount, limit.of))
    };
    let rules = program.rules.iter().map(|rule| ("rule", rule.name.as_str(), rule.limits.as_slice()));
    let groups = program.groups.iter().map(|group| ("group", group.name.as_str(), group.limits.as_slice()));
    let limited = rules.chain(groups).find_map(|(owner, name, limits)| {
        let (amount, limited) = of(limits)?;
        Some((owner, name, amount, limited))
    });
    // The stock of what is given away.
    limited.or_else(|| {
        program.gifts.iter().find_map(|gift| {
            let mut stocks = gift.options.iter().filter_map(|option| option.stock);
            let (most, _) = stocks.find(|(_, stock)| *stock == counter)?;
            let rule = program.rules.get(gift.rule.index())?;
            Some(("rule", rule.name.as_str(), LimitAmount::Fixed(most), LimitOf::Gifts))
        })
    })
}

/// Whether each event has a stretch of its own.
fn slides(window: Window) -> bool {
    match window {
        Window::Seconds(_) | Window::Days(_) | Window::Months(_) | Window::Previous(_) => true,
        Window::This(_) | Window::Ever | Window::Between(..) => false,
    }
}

impl Uses {
    /// Nothing yet, of a program.
    pub fn of(program: &Program) -> Uses {
        let counters = (0..).map(CounterId).take(program.counters.len());
        let most = counters.map(|id| limit_of(program, id).map(|(_, _, amount, _)| amount)).collect();
        Uses { most, ..Uses::default() }
    }

    /// Adds a decision.
    pub fn add(
        &mut self,
        which: Which,
        names: &Names,
        engine: &Engine,
        event: &ReadEvent,
        decision: &Decision,
    ) {
        for (event, decision) in event.raised.iter().zip(&decision.raised) {
            self.add(which, names, engine, event, decision);
        }
        let program = engine.program();
        let at = now(&event.record);
        let holder = |counter: CounterId| -> Holder {
            match program.counters.get(counter.index()).map(|counter| counter.per) {
                Some(CounterKey::Member) => event.member().map(Box::from),
                Some(CounterKey::Inviter(slot)) => event.other(slot).map(Box::from),
                Some(CounterKey::Campaign) | None => None,
            }
        };
        for claim in &decision.claims {
            self.claim(engine, claim.counter, holder(claim.counter), at, i128::from(claim.amount));
        }
        if let Some(returned) = event.returned.as_ref().and_then(|returned| returned.as_ref().ok()) {
            // Claims of what comes back are given back where they were made.
            let origin = &returned.origin;
            let then = |slot: SlotId| origin.other(slot).map(Box::from);
            for claim in &returned.claims {
                let holder = match program.counters.get(claim.counter.index()).map(|counter| counter.per) {
                    Some(CounterKey::Member) => origin.member.clone(),
                    Some(CounterKey::Inviter(slot)) => then(slot),
                    Some(CounterKey::Campaign) | None => None,
                };
                self.claim(engine, claim.counter, holder, origin.now(), i128::from(claim.amount));
            }
        }
        // A limit of a group may cut several of its rules.
        let (mut windows, mut singles) = (BTreeSet::new(), BTreeSet::new());
        for cut in &decision.cuts {
            let rule = program.rules.get(cut.rule.index());
            match cut.by {
                CutBy::PriceFloor => {}
                CutBy::Counter(counter) => {
                    if let Some(window) = self.window(engine, counter, at) {
                        window.events_cut += u64::from(windows.insert(counter));
                        window.cut += i128::from(cut.amount);
                    }
                }
                CutBy::Rule | CutBy::Group => {
                    let owner = match cut.by {
                        CutBy::Rule => rule.map(|rule| ("rule", rule.name.clone())),
                        CutBy::Group | CutBy::PriceFloor | CutBy::Counter(_) => {
                            let group = rule.and_then(|rule| program.groups.get(rule.group.index()));
                            group.map(|group| ("group", group.name.clone()))
                        }
                    };
                    let Some((owner, name)) = owner else { continue };
                    let unit = unit_of(names, which, cut.of);
                    let amount = unit.map_or(i128::from(cut.amount), |u| names.scaled(which, u, cut.amount));
                    let limit: Single = (owner, name, unit);
                    let first = singles.insert(limit.clone());
                    let single = self.singles.entry(limit).or_default();
                    single.0 += u64::from(first);
                    single.1 += amount;
                }
            }
        }
    }

    /// The window of a counter that an instant lies in.
    fn window(&mut self, engine: &Engine, counter: CounterId, at: Instant) -> Option<&mut InWindow> {
        let program = engine.program();
        let window = program.counters.get(counter.index())?.window;
        let stretch = match slides(window) {
            true => Stretch { after: i64::MIN, last: i64::MAX },
            false => limited(window, at, program.week_starts),
        };
        let limit = self.most.get(counter.index()).copied().flatten().and_then(|amount| match amount {
            LimitAmount::Fixed(amount) => Some(amount),
            LimitAmount::Param(param) => {
                let values = engine.parameter_values(param)?;
                Some(value_at(values, at.date)).filter(|value| *value != MISSING)
            }
        });
        let windows = self.counters.entry(counter).or_default();
        let found = windows.entry((stretch.after, stretch.last)).or_default();
        found.limit = limit;
        Some(found)
    }

    fn claim(&mut self, engine: &Engine, counter: CounterId, holder: Holder, at: Instant, amount: i128) {
        let program = engine.program();
        let Some(of) = program.counters.get(counter.index()).map(|counter| counter.window) else { return };
        let week_starts = program.week_starts;
        let Some(window) = self.window(engine, counter, at) else { return };
        let limit = window.limit;
        let used = window.holders.entry(holder).or_default();
        used.sum += amount;
        let at_once = if slides(of) {
            let second = if is_universal(of) { at.at } else { at.local() };
            *used.claims.entry(second).or_default() += amount;
            let stretch = limited(of, at, week_starts);
            let from = std::ops::Bound::Excluded(stretch.after);
            let to = std::ops::Bound::Included(stretch.last);
            let there = stretch.after < stretch.last;
            if there { used.claims.range((from, to)).map(|(_, amount)| amount).sum() } else { 0 }
        } else {
            used.sum
        };
        used.peak = used.peak.max(at_once);
        if used.up.is_none() && limit.is_some_and(|limit| at_once >= i128::from(limit)) {
            used.up = Some(at.date);
        }
    }

    /// All of them, in the order of the program's counters; limits of single events come last.
    pub fn report(&self, which: Which, names: &Names, program: &Program) -> Vec<Budget> {
        let mut out = Vec::new();
        for (id, counter) in (0..).map(CounterId).zip(&program.counters) {
            let Some((owner, name, _, of)) = limit_of(program, id) else { continue };
            let unit = unit_of(names, which, of);
            let decimals = unit.and_then(|unit| names.units.get(unit)).map_or(0, |unit| unit.decimals);
            let exact = |amount: i128| {
                let scale = unit.map_or(1, |unit| names.scaled(which, unit, 1));
                Exact { amount: amount.saturating_mul(scale), decimals }
            };
            let none = BTreeMap::new();
            let found = self.counters.get(&id).unwrap_or(&none);
            let windows = found.iter().map(|((after, last), window)| {
                let day = |second: i64| date_text(second.div_euclid(DAY));
                let ends = [i64::MIN, i64::MAX];
                let up: Vec<i64> = window.holders.values().filter_map(|used| used.up).collect();
                WindowUse {
                    from: (!ends.contains(after)).then(|| day(after.saturating_add(1))),
                    to: (!ends.contains(last)).then(|| day(*last)),
                    limit: window.limit.map(|limit| exact(i128::from(limit))),
                    used: exact(window.holders.values().map(|used| used.sum).sum()),
                    peak: exact(window.holders.values().map(|used| used.peak).max().unwrap_or(0)),
                    holders: window.holders.len() as u64,
                    used_up: up.len() as u64,
                    used_up_on: up.iter().min().map(|day| date_text(*day)),
                    events_cut: window.events_cut,
                    cut: exact(window.cut),
                }
            });
            out.push(Budget {
                owner,
                name: name.to_owned(),
                counter: Some(counter.name.clone()),
                per: match counter.per {
                    CounterKey::Campaign => "campaign".to_owned(),
                    CounterKey::Member => "member".to_owned(),
                    CounterKey::Inviter(slot) => {
                        let slot = program.layout.event.get(slot.index());
                        slot.map_or_else(String::new, |slot| slot.name.clone())
                    }
                },
                within: Some(counter.window.to_string()),
                unit: word_of(names, unit, of),
                windows: windows.collect(),
            });
        }
        for ((owner, name, unit), (events_cut, cut)) in &self.singles {
            let decimals = unit.and_then(|unit| names.units.get(unit)).map_or(0, |unit| unit.decimals);
            let exact = |amount: i128| Exact { amount, decimals };
            out.push(Budget {
                owner,
                name: name.clone(),
                counter: None,
                per: "transaction".to_owned(),
                within: None,
                unit: word_of(names, *unit, LimitOf::Times),
                windows: vec![WindowUse {
                    from: None,
                    to: None,
                    limit: None,
                    used: exact(0),
                    peak: exact(0),
                    holders: 0,
                    used_up: 0,
                    used_up_on: None,
                    events_cut: *events_cut,
                    cut: exact(*cut),
                }],
            });
        }
        out
    }
}

/// The unit of what a limit limits; nothing for times and pieces.
fn unit_of(names: &Names, which: Which, of: LimitOf) -> Option<usize> {
    match of {
        LimitOf::Discounts => Some(0),
        LimitOf::Awards(account) => names.award(which, account),
        LimitOf::Times | LimitOf::Gifts => None,
    }
}

fn word_of(names: &Names, unit: Option<usize>, of: LimitOf) -> String {
    match (unit.and_then(|unit| names.units.get(unit)), of) {
        (Some(unit), _) => unit.word.clone(),
        (None, LimitOf::Gifts) => "pcs".to_owned(),
        (None, LimitOf::Times | LimitOf::Discounts | LimitOf::Awards(_)) => "times".to_owned(),
    }
}
