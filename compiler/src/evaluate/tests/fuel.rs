//! Settlement pays with fuel: at the limit, below it and above it, in turns worked out by hand. The mock for the code of
//! rules costs nothing, so that all turns are those of settlement.

use super::*;
use crate::ir::{Exclusion, FaultKind};
use std::time::{Duration, Instant};

impl Kit {
    /// The decision with so much fuel, and what is left of it.
    fn run_on(&self, fuel: i64) -> (Decision, i64) {
        let plan = Plan::new(&self.program, &self.bindings);
        let mut workspace = Workspace::with_fuel(fuel);
        let decision = self.run_with(&plan, &mut workspace);
        (decision, workspace.fuel_left())
    }
}

/// (rule, why) of each rule that failed.
fn faults(decision: &Decision) -> Vec<(u32, FaultKind)> {
    decision.faults.iter().map(|fault| (fault.rule.0, fault.kind)).collect()
}

const STARVED: FaultKind = FaultKind::OutOfFuel;

/// 10 % off each of two lines of 10.00.
fn two_lines() -> Kit {
    let mut kit = Kit::new();
    let lines = [(kit.line(1, 1000), 1), (kit.line(1, 1000), 1)];
    let group = kit.plain();
    let rule = kit.rule(group);
    kit.percent(rule, 10, &lines);
    kit
}

#[test]
fn a_discount_pays_for_its_group_its_price_and_what_it_gives() {
    let kit = two_lines();
    // The group 16 and 1 for each line: 18. The proposal and its two lines 16 each: 48. Two parts 6 each: 12. In all 78.
    let all = vec![(0, 200, vec![(0, 100), (1, 100)])];
    for fuel in [78, 79, 1_000, FUEL] {
        let (decision, left) = kit.run_on(fuel);
        assert_eq!((effects(&decision), left), (all.clone(), fuel - 78), "{fuel}");
        assert_eq!(faults(&decision), []);
    }
    // It ends at what it is given; at its price; at the group; and nothing is taken for what is not done.
    for (fuel, left) in [(77, 11), (66, 0), (65, 47), (18, 0), (17, 17), (0, 0), (-1, 0)] {
        let (decision, rest) = kit.run_on(fuel);
        assert_eq!((effects(&decision), faults(&decision)), (vec![], vec![(0, STARVED)]), "{fuel}");
        assert_eq!((rest, paid(&decision)), (left, vec![1000, 1000]), "{fuel}");
    }
}

#[test]
fn limits_and_accounts_are_paid_for_part_by_part() {
    let mut kit = two_lines();
    kit.program.rules[0].limits.push(limit(150, None, Otherwise::Cut));
    kit.program.groups[0].limits.push(limit(150, None, Otherwise::Cut));
    // As before, and each of the two parts 6 for each of the two limits: 78 + 24.
    assert_eq!(effects(&kit.run_on(102).0), [(0, 150, vec![(0, 75), (1, 75)])]);
    assert_eq!(faults(&kit.run_on(101).0), [(0, STARVED)]);
    let account = kit.account(RoundPer::Basket, Rounding::Down, None);
    kit.award(RuleId(0), account, (5, 1), None);
    // One more proposal: 16. Three parts, for two limits, one account and the end of the event: 3 x 4 x 6 = 72 in place of
    // 36. In all 18 + 64 + 72.
    assert_eq!(kit.run_on(154).0.totals.awards, [(account, 5)]);
    assert_eq!(kit.run_on(154).1, 0);
    assert_eq!(faults(&kit.run_on(153).0), [(0, STARVED)]);
}

#[test]
fn what_comes_first_is_paid_first() {
    // Two groups, the second of which the fuel does not reach.
    let mut kit = two_lines();
    let group = kit.plain();
    let rule = kit.rule(group);
    kit.off(rule, 100, &[(0, 1)]);
    // The second: 18 for the group, 32 for a proposal of one line, 6 for its part.
    let (decision, left) = kit.run_on(78 + 56);
    assert_eq!((paid(&decision), left), (vec![800, 900], 0));
    let (decision, left) = kit.run_on(78 + 55);
    assert_eq!((paid(&decision), faults(&decision), left), (vec![900, 900], vec![(1, STARVED)], 5));
    // A rule that is too dear does not take from those that come after it.
    let mut kit = Kit::new();
    let lines: Vec<(u32, i64)> = (0..40).map(|_| (kit.line(1, 1000), 1)).collect();
    let group = kit.plain();
    let dear = kit.rule(group);
    kit.percent(dear, 10, &lines);
    let cheap = kit.rule(group);
    kit.percent(cheap, 10, &[(0, 1)]);
    // 56 for the group; the first wants 41 x 16 for its price, the second 32 and 6.
    let (decision, left) = kit.run_on(56 + 41 * 16 - 1);
    assert_eq!((effects(&decision), faults(&decision)), (vec![(1, 100, vec![(0, 100)])], vec![(0, STARVED)]));
    assert_eq!(left, 41 * 16 - 1 - 38);
}

/// A first group takes 3.00 off the first of two lines of 10.00; a second one, which takes over what it betters,
/// proposes 50 % on both.
fn contested() -> Kit {
    let mut kit = Kit::new();
    let lines = [(kit.line(1, 1000), 1), (kit.line(1, 1000), 1)];
    let first = kit.plain();
    let second = kit.plain();
    kit.program.groups[second.index()].excludes =
        vec![Exclusion { group: first, when_better: true, whole: false }];
    let rule = kit.rule(first);
    kit.off(rule, 300, &lines[..1]);
    let rule = kit.rule(second);
    kit.percent(rule, 50, &lines);
    kit
}

#[test]
fn what_cannot_be_taken_over_stays() {
    let kit = contested();
    // The first group: 18, 32 and 6. The second: 18, and 3 to look at what the first gave (one group, one part twice);
    // 50 for the round in which it is compared (a proposal of two lines, two lines); 48 for its price and 12 for its
    // parts. In all 56 + 21 + 50 + 60.
    let (decision, left) = kit.run_on(187);
    assert_eq!((effects(&decision), left), (vec![(1, 1000, vec![(0, 500), (1, 500)])], 0));
    assert_eq!(displaced(&decision), [(0, 1, vec![0])]);
    // One turn less, and the second could not be given: the first keeps what it has, and so it does where the
    // comparing cannot be paid for.
    for fuel in [186, 127, 126, 77, 76, 56] {
        let (decision, _) = kit.run_on(fuel);
        assert_eq!(effects(&decision), [(0, 300, vec![(0, 300)])], "{fuel}");
        assert_eq!((faults(&decision), displaced(&decision)), (vec![(1, STARVED)], vec![]), "{fuel}");
    }
    assert_eq!(faults(&kit.run_on(55).0), [(0, STARVED), (1, STARVED)]);
}

/// Two groups over so many lines, where each round of the comparison gives back one line: the second asks a price for all
/// together, so that what it gives falls with each line that goes back, and below what the first gave on the next one.
fn long_contest(lines: i64) -> Kit {
    let mut kit = Kit::new();
    let rows: Vec<(u32, i64)> = (0..lines).map(|_| (kit.line(1, 3_000_000), 1)).collect();
    let first = kit.plain();
    let second = kit.plain();
    kit.program.groups[second.index()].excludes =
        vec![Exclusion { group: first, when_better: true, whole: false }];
    let rule = kit.rule(first);
    let whole = lines * lines * 100;
    let mut left = whole;
    for row in &rows {
        let share = left / lines + 1;
        kit.off(rule, i128::from(share), &[*row]);
        left -= share;
    }
    let rule = kit.rule(second);
    let (by, rounding) = (Weight::Equally, Rounding::Down);
    let fall = Fall::Spread(Spread { by, rounding, rest: Rest::LargestRemainder });
    let price = i128::from(lines * 3_000_000 - whole);
    kit.discount(rule, DiscountAmount::Price, fall, (price, 1), &rows);
    kit
}

#[test]
fn a_contest_of_many_rounds_ends() {
    // Each round: 31 x 16 for the price, 30 for the lines. The first group costs 46, 60 x 16 and 30 x 6; the second 46, 61 to
    // look at the first, 31 rounds (the last gives no line back) and, as no line is left to it, its price and 30 parts that it does not give.
    let (decision, left) = long_contest(30).run_on(FUEL);
    assert_eq!(faults(&decision), []);
    assert_eq!(FUEL - left, 46 + 60 * 16 + 30 * 6 + 46 + 61 + 31 * (31 * 16 + 30) + 31 * 16 + 30 * 6);
    // As many lines as a record may have: the fuel ends, the first group keeps what it gave, and that is soon.
    let kit = long_contest(10_000);
    let plan = Plan::new(&kit.program, &kit.bindings);
    let started = Instant::now();
    let decision = kit.run_with(&plan, &mut Workspace::default());
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    println!("{:?} until the fuel ends", started.elapsed());
    assert_eq!(faults(&decision), [(1, STARVED)]);
    assert!(decision.lines.iter().all(|line| line.paid < line.initial));
}
