//! What holds of any settlement, tried on many that nobody thought of. `check` (in the parent) looks at every decision:
//! parts add up, no line falls below zero, lines and effects agree.

use super::*;
use crate::ir::{Exclusion, ParamId};

const ROUNDINGS: [Rounding; 5] =
    [Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown, Rounding::Down, Rounding::Up];
const RESTS: [Rest; 5] =
    [Rest::LargestRemainder, Rest::FirstLines, Rest::LastLine, Rest::FirstWithRoom, Rest::Running];
const WEIGHTS: [Weight; 4] = [Weight::Paid, Weight::Initial, Weight::Pieces, Weight::Equally];
const AMOUNTS: [DiscountAmount; 3] = [DiscountAmount::Share, DiscountAmount::Off, DiscountAmount::Price];
const SCOPES: [Scope; 3] = [Scope::Unit, Scope::Line, Scope::Basket];
const DISPLACES: [Displace; 5] =
    [Displace::None, Displace::First, Displace::BestForMember, Displace::BestForRetailer, Displace::Chain];
const PRICES: [OnPrice; 2] = [OnPrice::Original, OnPrice::Running];
const OTHERWISE: [Otherwise; 2] = [Otherwise::Cut, Otherwise::Skip];

fn fall(dice: &mut Dice) -> Fall {
    match dice.roll(0, 2) {
        0 => EACH_PIECE,
        1 => EACH_LINE,
        _ => Fall::Spread(Spread {
            by: dice.pick(&WEIGHTS),
            rounding: dice.pick(&ROUNDINGS),
            rest: dice.pick(&RESTS),
        }),
    }
}

fn lines(dice: &mut Dice, kit: &mut Kit) {
    for _ in 0..dice.roll(1, 6) {
        let pieces = dice.pick(&[0, 1, 1, 1, 2, 3, 7]);
        let initial = if dice.once_in(8) { dice.roll(-100, 0) } else { dice.roll(1, 3000) };
        kit.taxed(pieces, initial, dice.pick(&[MISSING, 0, 70_000, 190_000]));
    }
}

/// Some pieces of some lines.
fn selection(dice: &mut Dice, kit: &Kit) -> Vec<(u32, i64)> {
    let rows = kit.record.lines.chunks(6).map(|line| line[1]).zip(0u32..);
    let chosen = rows.filter(|(pieces, _)| *pieces > 0 && !dice.once_in(3)).collect::<Vec<_>>();
    chosen.into_iter().map(|(pieces, row)| (row, dice.roll(1, pieces))).collect()
}

fn discount(dice: &mut Dice, kit: &mut Kit, rule: RuleId) {
    let amount = dice.pick(&AMOUNTS);
    let (fall, rounding) = (fall(dice), dice.pick(&ROUNDINGS));
    let site = kit.site(rule, SiteKind::Discount { amount, fall, rounding });
    for _ in 0..dice.pick(&[1, 1, 1, 2]) {
        let (num, den) = match amount {
            DiscountAmount::Share => (dice.roll(-5, 110), 100),
            DiscountAmount::Off | DiscountAmount::Price => (dice.roll(-50, 2000), dice.pick(&[1, 1, 3])),
        };
        let proposed = Proposed {
            site,
            num: i128::from(num),
            den: i128::from(den),
            row: None,
            selection: selection(dice, kit),
        };
        kit.propose(rule, proposed);
    }
}

fn award(dice: &mut Dice, kit: &mut Kit, rule: RuleId) {
    let account = AccountId(u32::try_from(dice.roll(0, 2)).unwrap());
    let rounding = dice.once_in(4).then(|| dice.pick(&ROUNDINGS));
    let site = kit.site(rule, SiteKind::Award { account, rounding, life: crate::ir::Life::default() });
    let rows = i64::try_from(kit.record.lines.len() / 6).unwrap();
    for _ in 0..dice.roll(1, 4) {
        let row = (!dice.once_in(4)).then(|| u32::try_from(dice.roll(0, rows - 1)).unwrap());
        let (num, den) = (i128::from(dice.roll(-3, 500)), i128::from(dice.pick(&[1, 2, 3, 100, 7])));
        kit.propose(rule, Proposed { site, num, den, row, selection: Vec::new() });
    }
}

fn some_limit(dice: &mut Dice, account: Option<AccountId>) -> Limit {
    let fixed = LimitAmount::Fixed(dice.roll(-1, 900));
    let amount = if dice.once_in(5) { LimitAmount::Param(ParamId(0)) } else { fixed };
    let of = account.map_or(LimitOf::Discounts, LimitOf::Awards);
    Limit { amount, of, counter: None, otherwise: dice.pick(&OTHERWISE) }
}

/// Anything that a verified program may hold.
pub(super) fn anything(seed: u64) -> Kit {
    let dice = &mut Dice(seed);
    let mut kit = Kit::new();
    kit.params = vec![dice.roll(0, 500)];
    kit.program.tax = [None, tax(false), tax(true)][usize::try_from(dice.roll(0, 2)).unwrap()];
    lines(dice, &mut kit);
    for worth in [Some((100, 100)), Some((3, 7)), None] {
        let per = dice.pick(&[RoundPer::Line, RoundPer::Rule, RoundPer::Basket]);
        kit.account(per, dice.pick(&ROUNDINGS), worth);
    }
    let groups = dice.roll(1, 4);
    for number in 0..groups {
        let earn = number * 2 > groups;
        let phase = if earn { Phase::Earn } else { dice.pick(&[Phase::Line, Phase::Line, Phase::Order]) };
        // in order of phases
        let phase = kit.program.groups.last().map_or(phase, |last| last.phase.max(phase));
        let earn = phase == Phase::Earn;
        let (displace, per, on_price) = (dice.pick(&DISPLACES), dice.pick(&SCOPES), dice.pick(&PRICES));
        let group = kit.group(phase, displace, per, on_price);
        for _ in 0..dice.roll(1, 4) {
            let rule = kit.rule(group);
            for _ in 0..dice.pick(&[1, 1, 2]) {
                if earn { award(dice, &mut kit, rule) } else { discount(dice, &mut kit, rule) }
            }
            if dice.once_in(4) {
                let account = earn.then(|| AccountId(u32::try_from(dice.roll(0, 2)).unwrap()));
                kit.program.rules[rule.index()].limits = vec![some_limit(dice, account)];
            }
        }
        for earlier in 0..group.0 {
            if dice.once_in(3) {
                let exclusion =
                    Exclusion { group: GroupId(earlier), when_better: dice.once_in(2), whole: false };
                kit.program.groups[group.index()].excludes.push(exclusion);
            }
        }
        if dice.once_in(3) {
            let account = earn.then(|| AccountId(u32::try_from(dice.roll(0, 2)).unwrap()));
            kit.program.groups[group.index()].limits = vec![some_limit(dice, account)];
        }
    }
    kit
}

pub(super) const TRIES: u64 = if cfg!(debug_assertions) { 4_000 } else { 400_000 };

#[test]
fn every_decision_adds_up() {
    let mut workspace = Workspace::default();
    for seed in 0..TRIES {
        let kit = anything(seed);
        let fresh = kit.run();
        let plan = Plan::new(&kit.program, &kit.bindings);
        assert_eq!(kit.run_with(&plan, &mut workspace), fresh, "memory of other events matters: seed {seed}");
        assert_eq!(fresh.faults, [], "seed {seed}");
    }
}

#[test]
fn limits_hold() {
    let allowed = |limit: &Limit, kit: &Kit| super::super::limit::allowed(limit, &kit.params, &Unclaimed);
    for seed in 0..TRIES {
        let kit = anything(seed);
        let decision = kit.run();
        let sum = |account: Option<AccountId>, counts: &dyn Fn(&Effect) -> bool| -> i64 {
            let effects =
                decision.effects.iter().filter(|effect| effect.account == account && counts(effect));
            effects.map(|effect| effect.amount).sum()
        };
        for (rule, id) in kit.program.rules.iter().zip(0u32..) {
            for limit in &rule.limits {
                assert!(
                    sum(account_of(limit), &|effect| effect.rule.0 == id) <= allowed(limit, &kit),
                    "seed {seed}"
                );
            }
        }
        for (group, id) in kit.program.groups.iter().zip(0u32..) {
            for limit in &group.limits {
                assert!(
                    sum(account_of(limit), &|effect| effect.group.0 == id) <= allowed(limit, &kit),
                    "seed {seed}"
                );
            }
        }
    }
}

#[test]
fn one_rule_a_line_and_no_shared_lines() {
    for seed in 0..TRIES {
        let kit = anything(seed);
        let decision = kit.run();
        for effect in &decision.effects {
            let group = &kit.program.groups[effect.group.index()];
            for other in &decision.effects {
                let shared =
                    effect.shares.iter().any(|share| other.shares.iter().any(|by| by.row == share.row));
                let contested = match group.displace {
                    Displace::None | Displace::Chain => false,
                    Displace::First | Displace::BestForMember | Displace::BestForRetailer => {
                        match group.per {
                            Scope::Unit => false,
                            Scope::Line => shared || (effect.shares.is_empty() && other.shares.is_empty()),
                            Scope::Basket => true,
                        }
                    }
                };
                if effect.group == other.group {
                    assert!(
                        !contested || effect.rule == other.rule,
                        "two rules where one stays: seed {seed}"
                    );
                }
                if group.excludes.iter().any(|exclusion| exclusion.group == other.group) {
                    assert!(!shared, "two groups that exclude each other on one line: seed {seed}");
                }
            }
            if group.per == Scope::Unit && effect.account.is_none() {
                for share in &effect.shares {
                    let pieces = kit.record.lines[share.row as usize * 6 + 1];
                    assert!(share.pieces <= pieces, "seed {seed}");
                }
            }
        }
    }
}

/// One group of discounts, the best for the member, after another that has taken something.
fn best(seed: u64) -> (Kit, GroupId) {
    let dice = &mut Dice(seed);
    let mut kit = Kit::new();
    lines(dice, &mut kit);
    let before = kit.plain();
    let rule = kit.rule(before);
    discount(dice, &mut kit, rule);
    let group = kit.group(Phase::Line, Displace::BestForMember, dice.pick(&SCOPES), dice.pick(&PRICES));
    for _ in 0..dice.roll(1, 4) {
        let rule = kit.rule(group);
        // several effects of a rule may cover different pieces, which then count together
        discount(dice, &mut kit, rule);
    }
    (kit, group)
}

fn given_by(kit: &Kit, group: GroupId) -> i64 {
    kit.run().effects.iter().filter(|effect| effect.group == group).map(|effect| effect.amount).sum()
}

/// What each line has off by a group.
fn given_on_lines(kit: &Kit, group: GroupId) -> Vec<i64> {
    let mut lines = vec![0; kit.record.lines.len() / 6];
    for effect in kit.run().effects.iter().filter(|effect| effect.group == group) {
        effect.shares.iter().for_each(|share| lines[share.row as usize] += share.amount);
    }
    lines
}

#[test]
fn the_best_is_never_worse_than_one_rule_alone() {
    for seed in 0..TRIES {
        let (kit, group) = best(seed);
        let all = given_by(&kit, group);
        let by_line = given_on_lines(&kit, group);
        for rule in kit.program.groups[group.index()].rules.clone() {
            let mut alone = kit.clone();
            alone.program.groups[group.index()].rules = vec![rule];
            assert!(all >= given_by(&alone, group), "seed {seed} rule {rule:?}");
            if kit.program.groups[group.index()].per != Scope::Basket {
                let lines = given_on_lines(&alone, group);
                assert!(
                    by_line.iter().zip(lines).all(|(all, alone)| *all >= alone),
                    "seed {seed} rule {rule:?}"
                );
            }
        }
    }
}

#[test]
fn another_rule_never_lowers_the_best() {
    for seed in 0..TRIES {
        let (kit, group) = best(seed);
        let all = given_by(&kit, group);
        for rule in kit.program.groups[group.index()].rules.clone() {
            let mut fewer = kit.clone();
            fewer.program.groups[group.index()].rules.retain(|other| *other != rule);
            assert!(all >= given_by(&fewer, group), "seed {seed} without {rule:?}");
        }
    }
}

#[test]
fn taking_over_never_costs_the_member() {
    // without limits, a group that takes lines over leaves the member with no less than either group alone
    for seed in 0..TRIES {
        let (mut kit, later) = best(seed);
        let earlier = GroupId(0);
        kit.program.groups[later.index()].excludes =
            vec![Exclusion { group: earlier, when_better: true, whole: false }];
        let decision = kit.run();
        let mut without = kit.clone();
        without.program.groups[later.index()].rules.clear();
        assert!(decision.totals.discount >= without.run().totals.discount, "seed {seed}");
    }
}

#[test]
fn the_order_of_lines_does_not_matter() {
    for seed in 0..TRIES {
        let dice = &mut Dice(seed);
        let mut kit = Kit::new();
        for _ in 0..4 {
            kit.line(dice.roll(1, 4), dice.roll(1, 900));
        }
        let displace = dice.pick(&DISPLACES);
        let group = kit.group(Phase::Line, displace, dice.pick(&SCOPES), dice.pick(&PRICES));
        for _ in 0..3 {
            let rule = kit.rule(group);
            let fall = dice.pick(&[EACH_PIECE, EACH_LINE]);
            let value = (i128::from(dice.roll(1, 60)), 100);
            let selection = selection(dice, &kit);
            kit.discount(rule, DiscountAmount::Share, fall, value, &selection);
        }
        let straight = kit.run();
        let mut turned = kit.clone();
        turned.record.lines = kit.record.lines.chunks(6).rev().flatten().copied().collect();
        for answer in turned.code.0.iter_mut().flatten().flatten() {
            answer.selection =
                answer.selection.iter().rev().map(|(row, pieces)| (3 - row, *pieces)).collect();
        }
        let mut paid = paid(&turned.run());
        paid.reverse();
        assert_eq!(super::paid(&straight), paid, "seed {seed}");
    }
}

/// A number that is likely to be awkward.
fn awkward(dice: &mut Dice) -> i64 {
    match dice.roll(0, 5) {
        0 => dice.pick(&[i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, 0, -1, 1]),
        1 => dice.roll(i64::MIN, i64::MAX),
        2 => dice.roll(-3, 3),
        3 => 1i64.wrapping_shl(u32::try_from(dice.roll(0, 63)).unwrap()),
        _ => dice.roll(1, 10_000),
    }
}

fn awkward_wide(dice: &mut Dice) -> i128 {
    let (high, low) = (i128::from(awkward(dice)), i128::from(awkward(dice)));
    match dice.roll(0, 3) {
        0 => dice.pick(&[i128::MIN, i128::MAX, 0, 1]),
        1 => high.wrapping_mul(low),
        _ => low,
    }
}

/// Anything, with numbers that no receipt holds.
fn anything_awkward(seed: u64) -> Kit {
    let mut kit = anything(seed);
    let dice = &mut Dice(seed ^ 0xA5A5);
    for number in &mut kit.record.lines {
        if dice.once_in(3) {
            *number = awkward(dice);
        }
    }
    for proposed in kit.code.0.iter_mut().flatten().flatten() {
        if dice.once_in(2) {
            proposed.num = awkward_wide(dice);
        }
        if dice.once_in(3) {
            proposed.den = awkward_wide(dice);
        }
        for (row, pieces) in &mut proposed.selection {
            if dice.once_in(6) {
                *row = u32::try_from(dice.roll(0, 9)).unwrap();
                *pieces = awkward(dice);
            }
        }
    }
    for account in &mut kit.program.accounts {
        account.worth = account.worth.map(|_| (awkward(dice), awkward(dice)));
    }
    if dice.once_in(10) {
        kit.record.line_width = usize::try_from(dice.roll(0, 9)).unwrap();
    }
    kit
}

#[test]
fn nothing_panics() {
    let faults: usize = (0..TRIES).map(|seed| anything_awkward(seed).run().faults.len()).sum();
    assert!(faults > 0, "numbers were awkward enough");
}

/// Amounts of the size that receipts have compete by a shorter way than others, and as these do.
#[test]
fn ordinary_amounts_compete_as_all_do() {
    let (mut workspace, mut thorough) = (Workspace::default(), Workspace::thorough());
    let (mut displaced, mut faults) = (0, 0);
    for seed in 0..TRIES {
        for kit in [anything(seed), anything_awkward(seed)] {
            let plan = Plan::new(&kit.program, &kit.bindings);
            let decision = kit.run_with(&plan, &mut workspace);
            assert_eq!(decision, kit.run_with(&plan, &mut thorough), "seed {seed}");
            assert_eq!(workspace.fuel_left(), thorough.fuel_left(), "seed {seed}");
            displaced += decision.displaced.len();
            faults += decision.faults.len();
        }
    }
    assert!(displaced > 1_000 && faults > 100, "{displaced} {faults}");
}
