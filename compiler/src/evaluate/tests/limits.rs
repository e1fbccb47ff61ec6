//! Limits over more than one event, and multipliers, on programs and sequences of events that nobody thought of: no claim
//! exceeds what is left, and what is claimed in a window never exceeds its limit.

use super::properties::{TRIES, anything};
use super::*;
use crate::calendar::{DAY, Instant, is_universal, limited};
use crate::ir::{Counter, CounterId, CounterKey, Period, Window, event_slot};

/// Sums of claims, as somebody who keeps state would answer.
#[derive(Default)]
struct Store {
    windows: Vec<Window>,
    /// Counter, when, how much.
    kept: Vec<(CounterId, Instant, i64)>,
    now: Option<Instant>,
}

impl Claimed for Store {
    fn claimed(&self, counter: CounterId) -> i64 {
        let window = self.windows[counter.index()];
        let stretch = limited(window, self.now.unwrap(), 0);
        let when = |at: &Instant| if is_universal(window) { at.at } else { at.local() };
        let inside = self
            .kept
            .iter()
            .filter(|(of, at, _)| *of == counter && when(at) > stretch.after && when(at) <= stretch.last);
        inside.map(|(_, _, amount)| amount).sum()
    }
    fn balance(&self, _: AccountId) -> Option<i64> {
        None
    }
}

/// What was claimed before, at random.
struct Before(Vec<i64>);

impl Claimed for Before {
    fn claimed(&self, counter: CounterId) -> i64 {
        self.0[counter.index()]
    }
    fn balance(&self, _: AccountId) -> Option<i64> {
        None
    }
}

fn window(dice: &mut Dice) -> Window {
    match dice.roll(0, 6) {
        0 => Window::Seconds(dice.roll(1, 5 * DAY)),
        1 => Window::Days(u32::try_from(dice.roll(1, 40)).unwrap()),
        2 => Window::Months(u32::try_from(dice.roll(1, 3)).unwrap()),
        3 => Window::This(dice.pick(&[Period::Day, Period::Week, Period::Month, Period::Quarter])),
        4 => Window::This(dice.pick(&[Period::HalfYear, Period::Year])),
        _ => Window::Ever,
    }
}

/// A program whose limits all count over several events, some of them times, with a multiplier where it earns.
fn counted(seed: u64) -> Kit {
    let mut kit = anything(seed);
    let dice = &mut Dice(seed ^ 0x5EED);
    let earning = (0u32..).zip(&kit.program.groups).filter(|(_, group)| group.phase == Phase::Earn);
    if let Some((of, _)) = earning.last() {
        let group = kit.group(
            Phase::Earn,
            dice.pick(&[Displace::None, Displace::BestForMember]),
            Scope::Basket,
            OnPrice::Running,
        );
        for _ in 0..dice.roll(1, 2) {
            let rule = kit.rule(group);
            let account = AccountId(u32::try_from(dice.roll(0, 2)).unwrap());
            let site = kit.site(rule, SiteKind::Multiply { account, group: GroupId(of) });
            let (num, den) = (i128::from(dice.roll(0, 9)), i128::from(dice.pick(&[1, 2, 3])));
            kit.propose(rule, Proposed { site, num, den, row: None, selection: Vec::new() });
            kit.program.rules[rule.index()].limits =
                vec![limit(dice.roll(0, 900), Some(account), dice.pick(&[Otherwise::Cut, Otherwise::Skip]))];
        }
    }
    let Program { rules, groups, counters, .. } = &mut kit.program;
    let lists =
        rules.iter_mut().map(|rule| &mut rule.limits).chain(groups.iter_mut().map(|group| &mut group.limits));
    for list in lists {
        if dice.once_in(5) {
            let amount = LimitAmount::Fixed(dice.roll(0, 4));
            list.push(Limit { amount, of: LimitOf::Times, counter: None, otherwise: Otherwise::Skip });
        }
        for limit in list {
            limit.counter = Some(CounterId(u32::try_from(counters.len()).unwrap()));
            counters.push(Counter {
                name: format!("counter {}", counters.len()),
                per: CounterKey::Member,
                window: window(dice),
                of: limit.of,
            });
        }
    }
    kit
}

fn limits(program: &Program) -> impl Iterator<Item = &Limit> {
    let rules = program.rules.iter().flat_map(|rule| &rule.limits);
    rules.chain(program.groups.iter().flat_map(|group| &group.limits))
}

fn decide(kit: &Kit, claimed: &dyn Claimed) -> Decision {
    let plan = Plan::new(&kit.program, &kit.bindings);
    let (mut decision, mut record) = (Decision::default(), kit.record.clone());
    let mut workspace = Workspace::default();
    let (program, bindings, params) = (&kit.program, &kit.bindings, &kit.params);
    evaluate(
        program,
        &plan,
        bindings,
        &mut record,
        params,
        claimed,
        &kit.code,
        &mut workspace,
        &mut decision,
    );
    check(program, &record, &decision);
    decision
}

#[test]
fn no_claim_exceeds_what_is_left() {
    let mut claims = 0;
    for seed in 0..TRIES {
        let kit = counted(seed);
        let dice = &mut Dice(!seed);
        let before = Before(kit.program.counters.iter().map(|_| dice.roll(0, 600)).collect());
        let decision = decide(&kit, &before);
        claims += decision.claims.len();
        for limit in limits(&kit.program) {
            let counter = limit.counter.unwrap();
            let left = super::super::limit::allowed(limit, &kit.params, &before);
            let claimed = decision.claims.iter().filter(|claim| claim.counter == counter);
            assert!(claimed.map(|claim| claim.amount).sum::<i64>() <= left, "seed {seed}");
        }
    }
    assert!(claims > 1_000, "there is something to look at: {claims}");
}

#[test]
fn no_window_holds_more_than_its_limit() {
    let mut full = 0;
    for seed in 0..TRIES / 20 {
        let mut kit = counted(seed);
        let dice = &mut Dice(seed.rotate_left(7));
        let windows = kit.program.counters.iter().map(|counter| counter.window).collect();
        let mut store = Store { windows, ..Store::default() };
        let proposals = kit.code.clone();
        let (mut date, mut time) = (20_000, 0);
        for _ in 0..25 {
            time += dice.roll(0, 2 * DAY);
            date += time / DAY;
            time %= DAY;
            let now = Instant { at: date * DAY + time, date, time };
            kit.record.event[event_slot::AT.index()] = now.at;
            kit.record.event[event_slot::DATE.index()] = date;
            kit.record.event[event_slot::TIME.index()] = time;
            // Not every rule has something to give every time.
            kit.code = proposals.clone();
            for answer in &mut kit.code.0 {
                if dice.once_in(3) {
                    *answer = Ok(Vec::new());
                }
            }
            store.now = Some(now);
            let decision = decide(&kit, &store);
            store.kept.extend(decision.claims.iter().map(|claim| (claim.counter, now, claim.amount)));
            for limit in limits(&kit.program) {
                let most = super::super::limit::allowed(limit, &kit.params, &Unclaimed);
                let claimed = store.claimed(limit.counter.unwrap());
                full += usize::from(claimed == most && most > 0);
                assert!(claimed <= most, "seed {seed}: {claimed} of {most}");
            }
        }
    }
    assert!(full > 100, "some limits are reached: {full}");
}

/// An account that rounds for the event rounds what was awarded and what was added together, once.
#[test]
fn a_multiplier_adds_to_what_waits_for_its_rounding() {
    let mut kit = Kit::new();
    let points = kit.account(RoundPer::Basket, Rounding::HalfUp, None);
    let base = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Running);
    let more = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Running);
    let rule = kit.rule(base);
    kit.award(rule, points, (7, 3), None);
    let multiplier = kit.rule(more);
    let site = kit.site(multiplier, SiteKind::Multiply { account: points, group: base });
    kit.propose(multiplier, Proposed { site, num: 1, den: 2, row: None, selection: Vec::new() });
    let decision = kit.run();
    // 7/3 and half as much more are 3.5, rounded up to 4. Of 2.33 and 1.17 the first has the larger remainder.
    assert_eq!(effects(&decision), [(0, 3, vec![]), (1, 1, vec![])]);
    assert_eq!(decision.totals.awards, [(points, 4)]);
}
