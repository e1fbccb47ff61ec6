//! Every way of settling once, with figures worked out by hand beside it.

use super::*;
use crate::ir::Exclusion;
use DiscountAmount::{Off, Price, Share as Part};

/// One discount in a group on the running price; what each line has off.
fn one(
    amount: DiscountAmount,
    fall: Fall,
    value: (i128, i128),
    lines: &[(i64, i64)],
    selection: &[(u32, i64)],
) -> Vec<i64> {
    let mut kit = Kit::new();
    for (pieces, initial) in lines {
        kit.line(*pieces, *initial);
    }
    let group = kit.plain();
    let rule = kit.rule(group);
    kit.discount(rule, amount, fall, value, selection);
    kit.run().lines.iter().map(|line| line.initial - line.paid).collect()
}

#[test]
fn a_share_of_each_piece_or_line() {
    // 7 % of 3 pieces at 0.99: 0.0693 rounds to 0.07 a piece, 0.21; of the line 0.2079, also 0.21
    assert_eq!(one(Part, EACH_PIECE, (7, 100), &[(3, 297)], &[(0, 3)]), [21]);
    assert_eq!(one(Part, EACH_LINE, (7, 100), &[(3, 297)], &[(0, 3)]), [21]);
    // 15 % of 10 pieces at 0.09: 0.0135 rounds to 0.01 a piece, 0.10; of the line 0.135, 0.14
    assert_eq!(one(Part, EACH_PIECE, (15, 100), &[(10, 90)], &[(0, 10)]), [10]);
    assert_eq!(one(Part, EACH_LINE, (15, 100), &[(10, 90)], &[(0, 10)]), [14]);
    // half of 2 of 3 pieces of 10.00: 3.333.. a piece, 1.67 each, 3.34; of the part 6.666.., 3.33
    assert_eq!(one(Part, EACH_PIECE, (1, 2), &[(3, 1000)], &[(0, 2)]), [334]);
    assert_eq!(one(Part, EACH_LINE, (1, 2), &[(3, 1000)], &[(0, 2)]), [333]);
}

#[test]
fn amounts_off_and_prices() {
    // 4.00 off each of 2 pieces at 5.00, of pieces at 3.00
    assert_eq!(one(Off, EACH_PIECE, (400, 1), &[(2, 1000)], &[(0, 2)]), [800]);
    assert_eq!(one(Off, EACH_PIECE, (400, 1), &[(2, 600)], &[(0, 2)]), [600]);
    // off is rounded first: 0.005 is 0.01
    assert_eq!(one(Off, EACH_PIECE, (1, 2), &[(2, 600)], &[(0, 2)]), [2]);
    // once a line, at most the part: 2 of 4 pieces at 1.00 are 2.00
    assert_eq!(one(Off, EACH_LINE, (300, 1), &[(4, 400)], &[(0, 2)]), [200]);
    assert_eq!(one(Off, EACH_LINE, (150, 1), &[(4, 400)], &[(0, 2)]), [150]);
    // at 0.40 each: 5 pieces at 0.55 are 2.75, less 2.00
    assert_eq!(one(Price, EACH_PIECE, (40, 1), &[(5, 275)], &[(0, 5)]), [75]);
    // dearer than the shelf gives nothing, a negative price is nothing to pay
    assert_eq!(one(Price, EACH_PIECE, (60, 1), &[(5, 275)], &[(0, 5)]), [0]);
    assert_eq!(one(Price, EACH_PIECE, (-60, 1), &[(5, 275)], &[(0, 5)]), [275]);
    // 2.99 for 2 of 3 pieces of 10.00: 6.666.. less 2.99 is 3.676.., 3.68
    assert_eq!(one(Price, EACH_LINE, (299, 1), &[(3, 1000)], &[(0, 2)]), [368]);
    // 2.99 for a set of 2.00 and 3.00: 2.01 by 2:3 is 0.804 and 1.206, the one left over to 0.004.. no: to 0.6
    assert_eq!(one(Price, BY_PAID, (299, 1), &[(1, 200), (1, 300)], &[(0, 1), (1, 1)]), [80, 121]);
    assert_eq!(one(Price, BY_PAID, (599, 1), &[(1, 200), (1, 300)], &[(0, 1), (1, 1)]), [0, 0]);
}

#[test]
fn odd_values_give_what_they_can() {
    for fall in [EACH_PIECE, EACH_LINE, BY_PAID] {
        assert_eq!(one(Part, fall, (3, 2), &[(2, 1000)], &[(0, 2)]), [1000], "more than all is all");
        assert_eq!(one(Part, fall, (-1, 2), &[(2, 1000)], &[(0, 2)]), [0]);
        assert_eq!(one(Off, fall, (-100, 1), &[(2, 1000)], &[(0, 2)]), [0]);
        assert_eq!(one(Off, fall, (100_000, 1), &[(2, 1000), (1, 10)], &[(0, 2)]), [1000, 0]);
        // no pieces, nothing to pay, a return
        assert_eq!(
            one(Part, fall, (1, 2), &[(0, 100), (1, 0), (1, -500)], &[(0, 1), (1, 1), (2, 1)]),
            [0, 0, 0]
        );
        // more pieces than there are, a line that is not there
        assert_eq!(one(Part, fall, (1, 2), &[(1, 100)], &[(0, 9), (7, 1)]), [50]);
    }
}

#[test]
fn a_spread_is_worked_out_once_and_shared() {
    // 10 % of 9.99 + 0.06 is 1.005, 1.01: by 999:6 it is 1.00397 and 0.00603, one left over to the larger fraction
    assert_eq!(one(Part, BY_PAID, (10, 100), &[(1, 999), (1, 6)], &[(0, 1), (1, 1)]), [100, 1]);
    // 5.00 off one piece of 2.00 and a line of 9.00: 2:9 is 0.909 and 4.0909
    assert_eq!(one(Off, BY_PAID, (500, 1), &[(3, 600), (1, 900)], &[(0, 1), (1, 1)]), [91, 409]);
    // more than the parts hold: the piece gives no more than itself
    assert_eq!(one(Off, BY_PAID, (5000, 1), &[(3, 600), (1, 900)], &[(0, 1), (1, 1)]), [200, 900]);
    // equally, and what the first cannot take is poured on
    let equally =
        Fall::Spread(Spread { by: Weight::Equally, rounding: Rounding::Down, rest: Rest::LargestRemainder });
    let lines = [(1, 10), (1, 500), (1, 500)];
    assert_eq!(one(Off, equally, (301, 1), &lines, &[(0, 1), (1, 1), (2, 1)]), [10, 146, 145]);
}

#[test]
fn original_and_running_prices() {
    // 10 % in a first group, then half of 10.00 or of 9.00
    for (on_price, second) in [(OnPrice::Original, 500), (OnPrice::Running, 450)] {
        let mut kit = Kit::new();
        let line = kit.line(1, 1000);
        let first = kit.plain();
        let rule = kit.rule(first);
        kit.percent(rule, 10, &[(line, 1)]);
        let group = kit.group(Phase::Line, Displace::None, Scope::Line, on_price);
        let rule = kit.rule(group);
        kit.percent(rule, 50, &[(line, 1)]);
        let decision = kit.run();
        assert_eq!(effects(&decision), [(0, 100, vec![(0, 100)]), (1, second, vec![(0, second)])]);
        assert_eq!(decision.cuts, []);
    }
}

#[test]
fn prices_stay_above_zero() {
    // three times 40 % of the original 10.00: the third finds 2.00
    let mut kit = Kit::new();
    let line = kit.line(2, 1000);
    let group = kit.group(Phase::Line, Displace::None, Scope::Line, OnPrice::Original);
    for _ in 0..4 {
        let rule = kit.rule(group);
        kit.percent(rule, 40, &[(line, 2)]);
    }
    let decision = kit.run();
    let given: Vec<i64> = decision.effects.iter().map(|effect| effect.amount).collect();
    assert_eq!(given, [400, 400, 200]);
    assert_eq!(cuts(&decision), [(2, CutBy::PriceFloor, 200), (3, CutBy::PriceFloor, 400)]);
    assert_eq!(decision.totals.paid, 0);
}

#[test]
fn an_amount_falls_on_what_is_left() {
    // in a group of which all stay: the first takes the first line, the second's share there is poured on
    let mut kit = Kit::new();
    let (a, b) = (kit.line(1, 1000), kit.line(1, 1000));
    let group = kit.plain();
    let (free, amount) = (kit.rule(group), kit.rule(group));
    kit.percent(free, 100, &[(a, 1)]);
    kit.discount(amount, Off, BY_PAID, (600, 1), &[(a, 1), (b, 1)]);
    let decision = kit.run();
    assert_eq!(effects(&decision), [(0, 1000, vec![(a, 1000)]), (1, 600, vec![(b, 600)])]);
    assert_eq!(decision.cuts, []);
}

#[test]
fn chain() {
    // 20 % of 10.00, 10 % of 8.00, and half a chain lower than in a group of which all stay
    let mut kit = Kit::new();
    let line = kit.line(1, 1000);
    let group = kit.group(Phase::Line, Displace::Chain, Scope::Line, OnPrice::Running);
    for percent in [20, 10, 50] {
        let rule = kit.rule(group);
        kit.percent(rule, percent, &[(line, 1)]);
    }
    let given: Vec<i64> = kit.run().effects.iter().map(|effect| effect.amount).collect();
    assert_eq!(given, [200, 80, 360]);
    kit.program.groups[0].displace = Displace::None;
    let given: Vec<i64> = kit.run().effects.iter().map(|effect| effect.amount).collect();
    assert_eq!(given, [200, 100, 500]);
}

/// Three rules on two lines of 10.00: 30 % on the first; 20 % on both; 5.00 off the second. In that order.
fn contest(displace: Displace, per: Scope) -> Decision {
    let mut kit = Kit::new();
    let (a, b) = (kit.line(1, 1000), kit.line(1, 1000));
    let group = kit.group(Phase::Line, displace, per, OnPrice::Original);
    let rules = [kit.rule(group), kit.rule(group), kit.rule(group)];
    kit.percent(rules[0], 30, &[(a, 1)]);
    kit.percent(rules[1], 20, &[(a, 1), (b, 1)]);
    kit.off(rules[2], 500, &[(b, 1)]);
    kit.run()
}

#[test]
fn displacement_per_line() {
    let first = contest(Displace::First, Scope::Line);
    assert_eq!(effects(&first), [(0, 300, vec![(0, 300)]), (1, 200, vec![(1, 200)])]);
    assert_eq!(displaced(&first), [(1, 0, vec![0]), (2, 1, vec![1])]);
    let best = contest(Displace::BestForMember, Scope::Line);
    assert_eq!(effects(&best), [(0, 300, vec![(0, 300)]), (2, 500, vec![(1, 500)])]);
    assert_eq!(displaced(&best), [(1, 0, vec![0]), (1, 2, vec![1])]);
    let least = contest(Displace::BestForRetailer, Scope::Line);
    assert_eq!(effects(&least), [(1, 400, vec![(0, 200), (1, 200)])]);
    assert_eq!(displaced(&least), [(0, 1, vec![0]), (2, 1, vec![1])]);
    // a line of one piece each: pieces compete as lines do
    for displace in [Displace::First, Displace::BestForMember, Displace::BestForRetailer] {
        assert_eq!(contest(displace, Scope::Unit), contest(displace, Scope::Line));
    }
}

#[test]
fn displacement_per_basket() {
    let first = contest(Displace::First, Scope::Basket);
    assert_eq!(effects(&first), [(0, 300, vec![(0, 300)])]);
    assert_eq!(displaced(&first), [(1, 0, vec![]), (2, 0, vec![])]);
    let best = contest(Displace::BestForMember, Scope::Basket);
    assert_eq!(effects(&best), [(2, 500, vec![(1, 500)])]);
    let least = contest(Displace::BestForRetailer, Scope::Basket);
    assert_eq!(effects(&least), [(0, 300, vec![(0, 300)])]);
}

#[test]
fn ties_go_to_the_first() {
    for displace in [Displace::First, Displace::BestForMember, Displace::BestForRetailer] {
        for per in [Scope::Unit, Scope::Line, Scope::Basket] {
            let mut kit = Kit::new();
            let line = kit.line(2, 1000);
            let group = kit.group(Phase::Line, displace, per, OnPrice::Original);
            for _ in 0..2 {
                let rule = kit.rule(group);
                kit.percent(rule, 30, &[(line, 2)]);
            }
            assert_eq!(effects(&kit.run()), [(0, 300, vec![(0, 300)])]);
        }
    }
}

#[test]
fn nothing_neither_wins_nor_loses() {
    let mut kit = Kit::new();
    let line = kit.line(1, 1000);
    let group = kit.group(Phase::Line, Displace::First, Scope::Line, OnPrice::Original);
    let (nothing, some) = (kit.rule(group), kit.rule(group));
    kit.percent(nothing, 0, &[(line, 1)]);
    kit.percent(some, 10, &[(line, 1)]);
    let decision = kit.run();
    assert_eq!(effects(&decision), [(1, 100, vec![(0, 100)])]);
    assert_eq!(decision.displaced, []);
}

#[test]
fn a_spread_competes_line_by_line() {
    // 3.00 over two lines of 10.00 is 1.50 each; a rule of 2.00 on the first wins there, and 1.50 is not granted
    let mut kit = Kit::new();
    let (a, b) = (kit.line(1, 1000), kit.line(1, 1000));
    let group = kit.group(Phase::Order, Displace::BestForMember, Scope::Line, OnPrice::Original);
    let (amount, single) = (kit.rule(group), kit.rule(group));
    kit.discount(amount, Off, BY_PAID, (300, 1), &[(a, 1), (b, 1)]);
    kit.off(single, 200, &[(a, 1)]);
    let decision = kit.run();
    assert_eq!(effects(&decision), [(0, 150, vec![(b, 150)]), (1, 200, vec![(a, 200)])]);
    assert_eq!(displaced(&decision), [(0, 1, vec![a])]);
}

#[test]
fn displacement_per_unit() {
    // five pieces of 10.00: half off two of them (5.00 a piece), 30 % off four (3.00 a piece), 4.00 off one
    let mut kit = Kit::new();
    let line = kit.line(5, 5000);
    let group = kit.group(Phase::Set, Displace::BestForMember, Scope::Unit, OnPrice::Original);
    let rules = [kit.rule(group), kit.rule(group), kit.rule(group)];
    kit.discount(rules[0], Part, EACH_PIECE, (30, 100), &[(line, 4)]);
    kit.discount(rules[1], Part, EACH_PIECE, (50, 100), &[(line, 2)]);
    kit.discount(rules[2], Off, EACH_PIECE, (400, 1), &[(line, 1)]);
    let best = kit.run();
    // two at 5.00, one at 4.00, and the two that are left at 3.00
    assert_eq!(
        effects(&best),
        [(0, 600, vec![(line, 600)]), (1, 1000, vec![(line, 1000)]), (2, 400, vec![(line, 400)])]
    );
    assert_eq!(best.effects[0].shares[0].pieces, 2);
    assert_eq!(displaced(&best), [(0, 1, vec![line])]);
    // in order: four at 3.00, one at 5.00, none at 4.00
    kit.program.groups[0].displace = Displace::First;
    let first = kit.run();
    assert_eq!(effects(&first), [(0, 1200, vec![(line, 1200)]), (1, 500, vec![(line, 500)])]);
    assert_eq!(displaced(&first), [(1, 0, vec![line]), (2, 0, vec![line])]);
    // least first: four at 3.00, one at 4.00
    kit.program.groups[0].displace = Displace::BestForRetailer;
    assert_eq!(effects(&kit.run()), [(0, 1200, vec![(line, 1200)]), (2, 400, vec![(line, 400)])]);
}

#[test]
fn some_pieces_of_an_uneven_amount() {
    // 1.00 off three pieces together; another rule takes one piece, so two thirds stay: 0.67, rounded up
    let mut kit = Kit::new();
    let line = kit.line(3, 3000);
    let group = kit.group(Phase::Set, Displace::BestForMember, Scope::Unit, OnPrice::Original);
    let (shared, single) = (kit.rule(group), kit.rule(group));
    kit.discount(shared, Off, BY_PAID, (100, 1), &[(line, 3)]);
    kit.off(single, 50, &[(line, 1)]);
    assert_eq!(effects(&kit.run()), [(0, 67, vec![(line, 67)]), (1, 50, vec![(line, 50)])]);
}

#[test]
fn several_effects_of_a_rule_compete_together() {
    // 1.00 and 1.50 off the same line are 2.50, which beats 2.00
    let mut kit = Kit::new();
    let line = kit.line(1, 1000);
    let group = kit.group(Phase::Line, Displace::BestForMember, Scope::Line, OnPrice::Original);
    let (both, single) = (kit.rule(group), kit.rule(group));
    kit.off(both, 100, &[(line, 1)]);
    kit.off(both, 150, &[(line, 1)]);
    kit.off(single, 200, &[(line, 1)]);
    let decision = kit.run();
    assert_eq!(effects(&decision), [(0, 100, vec![(line, 100)]), (0, 150, vec![(line, 150)])]);
    assert_eq!(displaced(&decision), [(1, 0, vec![line])]);
}

#[test]
fn one_effect_reached_several_times() {
    let mut kit = Kit::new();
    let (a, b) = (kit.line(3, 3000), kit.line(1, 1000));
    let group = kit.plain();
    let rule = kit.rule(group);
    let site = kit.discount(rule, Off, EACH_PIECE, (10, 1), &[(b, 1)]);
    for row in [a, a, b] {
        kit.propose(rule, Proposed { site, num: 20, den: 1, row: None, selection: vec![(row, 1)] });
    }
    let decision = kit.run();
    assert_eq!(effects(&decision), [(0, 70, vec![(a, 40), (b, 30)])]);
    let pieces: Vec<i64> = decision.effects[0].shares.iter().map(|share| share.pieces).collect();
    assert_eq!(pieces, [2, 1]);
}

/// A first group takes 3.00 off the first of two lines of 10.00; a second one that excludes it proposes per cent on both.
fn excluding(when_better: bool, on_price: OnPrice, percent: i128) -> Decision {
    let mut kit = Kit::new();
    let (a, b) = (kit.line(1, 1000), kit.line(1, 1000));
    let first = kit.plain();
    let rule = kit.rule(first);
    kit.off(rule, 300, &[(a, 1)]);
    let second = kit.group(Phase::Line, Displace::BestForMember, Scope::Line, on_price);
    kit.program.groups[second.index()].excludes = vec![Exclusion { group: first, when_better, whole: false }];
    let rule = kit.rule(second);
    kit.percent(rule, percent, &[(a, 1), (b, 1)]);
    kit.run()
}

#[test]
fn groups_exclude_each_other_line_by_line() {
    let decision = excluding(false, OnPrice::Original, 50);
    assert_eq!(effects(&decision), [(0, 300, vec![(0, 300)]), (1, 500, vec![(1, 500)])]);
    assert_eq!(displaced(&decision), [(1, 0, vec![0])]);
}

#[test]
fn a_better_group_takes_over() {
    // 20 % is 2.00 and does not beat 3.00; 30 % is 3.00 and does not either; 50 % of 10.00, not of 7.00, does
    for percent in [20, 30] {
        let decision = excluding(true, OnPrice::Running, percent);
        let amount = i64::try_from(percent).unwrap() * 10;
        assert_eq!(effects(&decision), [(0, 300, vec![(0, 300)]), (1, amount, vec![(1, amount)])]);
        assert_eq!(displaced(&decision), [(1, 0, vec![0])]);
    }
    for on_price in [OnPrice::Running, OnPrice::Original] {
        let decision = excluding(true, on_price, 50);
        assert_eq!(effects(&decision), [(1, 1000, vec![(0, 500), (1, 500)])]);
        assert_eq!(displaced(&decision), [(0, 1, vec![0])]);
    }
}

#[test]
fn awards_stay_away_from_excluded_lines() {
    let mut kit = Kit::new();
    let (a, b) = (kit.line(1, 1000), kit.line(1, 1000));
    let points = kit.account(RoundPer::Basket, Rounding::Down, None);
    let first = kit.plain();
    let rule = kit.rule(first);
    kit.off(rule, 300, &[(a, 1)]);
    let earn = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    kit.program.groups[earn.index()].excludes =
        vec![Exclusion { group: first, when_better: false, whole: false }];
    let rule = kit.rule(earn);
    kit.award(rule, points, (5, 1), Some(a));
    kit.award(rule, points, (6, 1), Some(b));
    kit.award(rule, points, (7, 1), None);
    let decision = kit.run();
    assert_eq!(effects(&decision)[1..], [(1, 6, vec![(b, 6)])]);
    assert_eq!(displaced(&decision), [(1, 0, vec![a]), (1, 0, vec![])]);
}

#[test]
fn limits_cut_or_skip() {
    // a rule of 10 % on 10.00, 20.00 and 30.00 with at most 4.00: 0.667, 1.333, 2.00
    let mut kit = Kit::new();
    let selection: Vec<(u32, i64)> =
        [1000, 2000, 3000].into_iter().map(|initial| (kit.line(1, initial), 1)).collect();
    let group = kit.plain();
    let rule = kit.rule(group);
    kit.percent(rule, 10, &selection);
    kit.program.rules[0].limits = vec![limit(400, None, Otherwise::Cut)];
    let decision = kit.run();
    assert_eq!(effects(&decision), [(0, 400, vec![(0, 67), (1, 133), (2, 200)])]);
    assert_eq!(cuts(&decision), [(0, CutBy::Rule, 200)]);
    kit.program.rules[0].limits = vec![limit(400, None, Otherwise::Skip)];
    let decision = kit.run();
    assert_eq!(effects(&decision), []);
    assert_eq!(cuts(&decision), [(0, CutBy::Rule, 600)]);
    kit.program.rules[0].limits = vec![limit(600, None, Otherwise::Skip)];
    assert_eq!(kit.run().totals.discount, 600);
}

#[test]
fn the_earlier_effect_keeps() {
    // 3.00 and 4.00 of a group with at most 5.00; then a third of 1.00
    let mut kit = Kit::new();
    let line = kit.line(1, 1000);
    let group = kit.plain();
    for amount in [300, 400, 100] {
        let rule = kit.rule(group);
        kit.off(rule, amount, &[(line, 1)]);
    }
    let given = |kit: &Kit| -> Vec<(u32, i64)> {
        kit.run().effects.iter().map(|effect| (effect.rule.0, effect.amount)).collect()
    };
    kit.program.groups[0].limits = vec![limit(500, None, Otherwise::Cut)];
    assert_eq!(given(&kit), [(0, 300), (1, 200)]);
    assert_eq!(cuts(&kit.run()), [(1, CutBy::Group, 200), (2, CutBy::Group, 100)]);
    // skipping leaves room for a smaller one
    kit.program.groups[0].limits = vec![limit(500, None, Otherwise::Skip)];
    assert_eq!(given(&kit), [(0, 300), (2, 100)]);
    // by a parameter; the rule's own limit comes first
    kit.program.groups[0].limits = vec![Limit {
        amount: LimitAmount::Param(crate::ir::ParamId(0)),
        of: LimitOf::Discounts,
        counter: None,
        otherwise: Otherwise::Cut,
    }];
    kit.program.rules[0].limits = vec![limit(100, None, Otherwise::Cut)];
    kit.params = vec![450];
    assert_eq!(given(&kit), [(0, 100), (1, 350)]);
}

#[test]
fn what_a_limit_cuts_is_left_for_the_next() {
    let mut kit = Kit::new();
    let line = kit.line(1, 1000);
    let group = kit.group(Phase::Line, Displace::Chain, Scope::Line, OnPrice::Running);
    let (half, other) = (kit.rule(group), kit.rule(group));
    kit.percent(half, 50, &[(line, 1)]);
    kit.percent(other, 50, &[(line, 1)]);
    kit.program.rules[0].limits = vec![limit(200, None, Otherwise::Cut)];
    let given: Vec<i64> = kit.run().effects.iter().map(|effect| effect.amount).collect();
    assert_eq!(given, [200, 400]);
}

/// Two rules that award 1.6 and 1.7, 0.6 of points for three lines, 0.5 of them without one.
fn awards(per: RoundPer, rounding: Rounding) -> (Decision, Vec<(u32, i64)>) {
    let mut kit = Kit::new();
    let rows = [kit.line(1, 100), kit.line(1, 100), kit.line(1, 100)];
    let points = kit.account(per, rounding, None);
    let group = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    let (first, second) = (kit.rule(group), kit.rule(group));
    kit.award(first, points, (16, 10), Some(rows[0]));
    kit.award(first, points, (17, 10), Some(rows[1]));
    kit.award(second, points, (6, 10), Some(rows[2]));
    kit.award(second, points, (1, 2), None);
    let decision = kit.run();
    let given = decision.effects.iter().map(|effect| (effect.site.0, effect.amount)).collect();
    (decision, given)
}

#[test]
fn awards_round_where_the_account_says() {
    // each by itself: 1, 1, 0, 0 down; 2, 2, 1, 1 half up
    assert_eq!(awards(RoundPer::Line, Rounding::Down).1, [(0, 1), (1, 1)]);
    assert_eq!(awards(RoundPer::Line, Rounding::HalfUp).1, [(0, 2), (1, 2), (2, 1), (3, 1)]);
    // by rule: 3.3 and 1.1, so 3 as 1 and 2, and 1 as 1 and 0
    assert_eq!(awards(RoundPer::Rule, Rounding::Down).1, [(0, 1), (1, 2), (2, 1)]);
    // of the event: 4.4 down is 4: the rules have 3.3 and 1.1, so 3 and 1
    let (decision, given) = awards(RoundPer::Basket, Rounding::Down);
    assert_eq!(given, [(0, 1), (1, 2), (2, 1)]);
    assert_eq!(decision.totals.awards, [(AccountId(0), 4)]);
    // up is 5: one left over to the rule of 3.3 rather than 1.1
    assert_eq!(awards(RoundPer::Basket, Rounding::Up).1, [(0, 2), (1, 2), (2, 1)]);
}

#[test]
fn an_effect_may_round_for_itself() {
    // 0.5 that rounds up here; 0.5 and 0.4 that round with the event, 0.9 to 0
    let mut kit = Kit::new();
    let points = kit.account(RoundPer::Basket, Rounding::Down, None);
    let group = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    let rule = kit.rule(group);
    let own = kit.site(
        rule,
        SiteKind::Award { account: points, rounding: Some(Rounding::Up), life: crate::ir::Life::default() },
    );
    kit.propose(rule, Proposed { site: own, num: 1, den: 2, row: None, selection: vec![] });
    kit.award(rule, points, (1, 2), None);
    kit.award(rule, points, (4, 10), None);
    let decision = kit.run();
    assert_eq!(effects(&decision), [(0, 1, vec![])]);
    assert_eq!(decision.totals.awards, [(points, 1)]);
}

#[test]
fn limits_of_awards_hold_after_rounding() {
    // ten awards of 0.5 that each round up to 1, at most 5 in all
    let mut kit = Kit::new();
    let points = kit.account(RoundPer::Line, Rounding::HalfUp, None);
    let group = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    let rule = kit.rule(group);
    let site =
        kit.site(rule, SiteKind::Award { account: points, rounding: None, life: crate::ir::Life::default() });
    for _ in 0..10 {
        let row = kit.line(1, 100);
        kit.propose(rule, Proposed { site, num: 1, den: 2, row: Some(row), selection: vec![] });
    }
    kit.program.rules[0].limits = vec![limit(5, Some(points), Otherwise::Cut)];
    let decision = kit.run();
    assert_eq!(decision.totals.awards, [(points, 5)]);
    assert_eq!(decision.effects[0].shares.len(), 5, "the first lines keep");
    assert_eq!(cuts(&decision), [(0, CutBy::Rule, 5)]);

    // groups of 2.5 + 2.5 (at most 5) and 0.5, summed to 5.5 and rounded to 6: the first group stays at 5
    let mut kit = Kit::new();
    let points = kit.account(RoundPer::Basket, Rounding::HalfUp, None);
    let first = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    let second = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    kit.program.groups[first.index()].limits = vec![limit(5, Some(points), Otherwise::Cut)];
    for (group, award) in [(first, (5, 2)), (first, (7, 2)), (second, (1, 2))] {
        let rule = kit.rule(group);
        kit.award(rule, points, award, None);
    }
    let decision = kit.run();
    assert_eq!(effects(&decision), [(0, 3, vec![]), (1, 2, vec![]), (2, 1, vec![])]);
    assert_eq!(cuts(&decision), [(1, CutBy::Group, 1)]);
}

#[test]
fn awards_compete_by_worth() {
    // 100 points are 1.00; 5 chips are 1.00: 30 points against 2 chips is 0.30 against 0.40
    let mut kit = Kit::new();
    let line = kit.line(1, 1000);
    let points = kit.account(RoundPer::Basket, Rounding::Down, Some((100, 100)));
    let chips = kit.account(RoundPer::Basket, Rounding::Down, Some((5, 100)));
    let group = kit.group(Phase::Earn, Displace::BestForMember, Scope::Line, OnPrice::Original);
    let rules = [kit.rule(group), kit.rule(group), kit.rule(group)];
    kit.award(rules[0], points, (30, 1), Some(line));
    kit.award(rules[1], chips, (2, 1), Some(line));
    // an award to the basket competes with those to the basket only
    kit.award(rules[2], points, (1, 1), None);
    kit.award(rules[1], chips, (1, 1), None);
    let decision = kit.run();
    assert_eq!(effects(&decision), [(1, 2, vec![(line, 2)]), (1, 1, vec![])]);
    assert_eq!(displaced(&decision), [(0, 1, vec![line]), (2, 1, vec![])]);
    // all of a rule together: 0.30, 0.60, 0.01
    kit.program.groups[0].per = Scope::Basket;
    kit.program.groups[0].displace = Displace::BestForRetailer;
    assert_eq!(effects(&kit.run()), [(2, 1, vec![])]);
}

#[test]
fn phases_see_what_earlier_ones_left() {
    let mut kit = Kit::new();
    let (a, b) = (kit.line(1, 1000), kit.line(1, 500));
    let line = kit.plain();
    let order = kit.group(Phase::Order, Displace::None, Scope::Basket, OnPrice::Running);
    for group in [line, order] {
        let rule = kit.rule(group);
        kit.percent(rule, 10, &[(a, 1), (b, 1)]);
    }
    let earn = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    let rule = kit.rule(earn);
    let points = kit.account(RoundPer::Basket, Rounding::Down, None);
    kit.award(rule, points, (1, 1), None);
    let plan = Plan::new(&kit.program, &kit.bindings);
    let mut record = kit.record.clone();
    let (program, bindings) = (&kit.program, &kit.bindings);
    let mut decision = Decision::default();
    let mut workspace = Workspace::default();
    evaluate(
        program,
        &plan,
        bindings,
        &mut record,
        &[],
        &Unclaimed,
        &kit.code,
        &mut workspace,
        &mut decision,
    );
    // 10.00 + 5.00, then 9.00 + 4.50, then 8.10 + 4.05
    assert_eq!(record.event[crate::ir::event_slot::BASKET_PAID.index()], 1215);
    assert_eq!([record.lines[4], record.lines[10]], [810, 405]);
}

#[test]
fn tax_of_each_line() {
    // 19 % on top of 9.99 is 1.8981; in it 9.99 * 19 / 119 = 1.595
    for (included, tax_amount, total) in [(false, 190, 1189), (true, 160, 999)] {
        let mut kit = Kit::new();
        kit.program.tax = tax(included);
        kit.taxed(1, 999, 190_000);
        let decision = kit.run();
        assert_eq!(decision.lines[0].tax, tax_amount);
        assert_eq!((decision.totals.tax, decision.totals.total), (tax_amount, total));
    }
}

#[test]
fn a_rule_that_fails_gives_nothing() {
    let mut kit = Kit::new();
    let line = kit.line(1, 1000);
    let group = kit.plain();
    let rules = [kit.rule(group), kit.rule(group), kit.rule(group), kit.rule(group)];
    kit.percent(rules[0], 10, &[(line, 1)]);
    kit.code.0[1] = Err(Fault { kind: crate::ir::FaultKind::DivisionByZero, inst: 0 });
    kit.percent(rules[2], 10, &[(line, 1)]);
    kit.discount(rules[2], Off, EACH_LINE, (1, 0), &[(line, 1)]);
    kit.discount(rules[3], Part, EACH_LINE, (i128::MAX / 3, i128::MAX), &[(line, 1)]);
    let decision = kit.run();
    let faults: Vec<(u32, crate::ir::FaultKind)> =
        decision.faults.iter().map(|fault| (fault.rule.0, fault.kind)).collect();
    use crate::ir::FaultKind::{DivisionByZero, Overflow};
    assert_eq!(faults, [(1, DivisionByZero), (2, DivisionByZero), (3, Overflow)]);
    assert_eq!(effects(&decision), [(0, 100, vec![(line, 100)])]);
}

#[test]
fn awards_beyond_their_range_fail() {
    let mut kit = Kit::new();
    let points = kit.account(RoundPer::Basket, Rounding::Up, None);
    let group = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    for award in [(i128::from(i64::MAX), 1), (1, 2), (i128::MAX, 1), (i128::MAX, i128::MAX - 1)] {
        let rule = kit.rule(group);
        kit.award(rule, points, award, None);
    }
    let decision = kit.run();
    assert_eq!(effects(&decision), [(0, i64::MAX, vec![])]);
    assert_eq!(decision.faults.len(), 3);
}

#[test]
fn memory_is_used_again() {
    let mut kit = Kit::new();
    let line = kit.line(2, 1000);
    let group = kit.group(Phase::Line, Displace::BestForMember, Scope::Line, OnPrice::Original);
    for percent in [10, 20] {
        let rule = kit.rule(group);
        kit.percent(rule, percent, &[(line, 2)]);
    }
    let plan = Plan::new(&kit.program, &kit.bindings);
    let mut workspace = Workspace::default();
    let fresh = kit.run();
    for _ in 0..3 {
        assert_eq!(kit.run_with(&plan, &mut workspace), fresh);
    }
    // a decision that is handed back gives its lists to the next
    let mut decision = fresh.clone();
    let mut record = kit.record.clone();
    let shares = decision.effects[0].shares.as_ptr();
    evaluate(
        &kit.program,
        &plan,
        &kit.bindings,
        &mut record,
        &[],
        &Unclaimed,
        &kit.code,
        &mut workspace,
        &mut decision,
    );
    assert_eq!(decision, fresh);
    assert_eq!(decision.effects[0].shares.as_ptr(), shares);
}

#[test]
fn what_is_whole_is_cut_to_a_whole() {
    // 2.5 that wait, 4 that rounded for themselves, 0.5 that wait; at most 5: 2.5 is left, of which 2 are whole, and the
    // last fits into what remains
    let mut kit = Kit::new();
    let points = kit.account(RoundPer::Basket, Rounding::Down, None);
    let group = kit.group(Phase::Earn, Displace::None, Scope::Line, OnPrice::Original);
    let rule = kit.rule(group);
    kit.award(rule, points, (5, 2), None);
    let own = kit.site(
        rule,
        SiteKind::Award { account: points, rounding: Some(Rounding::Up), life: crate::ir::Life::default() },
    );
    kit.propose(rule, Proposed { site: own, num: 7, den: 2, row: None, selection: vec![] });
    kit.award(rule, points, (1, 2), None);
    kit.program.rules[0].limits = vec![limit(5, Some(points), Otherwise::Cut)];
    let decision = kit.run();
    assert_eq!(decision.totals.awards, [(points, 5)]);
    assert_eq!(cuts(&decision), [(0, CutBy::Rule, 2)]);
}
