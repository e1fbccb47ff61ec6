//! Figures that other projects' test suites assert: nobody here chose a result. Each case says where it comes from; the
//! selection of pieces is the rule's business and is given.

use super::*;

fn spread(by: Weight, rounding: Rounding, rest: Rest) -> Fall {
    Fall::Spread(Spread { by, rounding, rest })
}

/// An amount off all of these whole lines; what each line has off.
fn shared(amount: i128, fall: Fall, lines: &[(i64, i64)]) -> Vec<i64> {
    let mut kit = Kit::new();
    let selection: Vec<(u32, i64)> =
        lines.iter().map(|(pieces, initial)| (kit.line(*pieces, *initial), *pieces)).collect();
    let group = kit.group(Phase::Order, Displace::None, Scope::Basket, OnPrice::Running);
    let rule = kit.rule(group);
    kit.discount(rule, DiscountAmount::Off, fall, (amount, 1), &selection);
    let decision = kit.run();
    decision.lines.iter().map(|line| line.initial - line.paid).collect()
}

/// The pieces of a line's share.
fn pieces(amount: i64, pieces: i64) -> Vec<i64> {
    let (each, more) = spread::over_pieces(amount, pieces);
    (0..pieces).map(|piece| each + i64::from(piece < more)).collect()
}

use crate::evaluate::spread;

#[test]
fn dist_01_sylius_half_toward_zero_then_first_lines() {
    let fall = spread(Weight::Paid, Rounding::HalfDown, Rest::FirstLines);
    assert_eq!(shared(300, fall, &[(1, 4300), (1, 1400), (1, 2300)]), [162, 52, 86]);
}

#[test]
fn dist_03_sylius_over_the_pieces_of_a_line() {
    let fall = spread(Weight::Paid, Rounding::HalfDown, Rest::FirstLines);
    assert_eq!(shared(1000, fall, &[(3, 6000)]), [1000]);
    assert_eq!(pieces(1000, 3), [334, 333, 333]);
}

#[test]
fn dist_13_oscar_down_and_the_rest_to_the_last() {
    let fall = spread(Weight::Paid, Rounding::Down, Rest::LastLine);
    assert_eq!(shared(400, fall, &[(1, 200), (1, 200), (1, 200)]), [133, 133, 134]);
}

#[test]
fn dist_14_lunar_the_rest_to_the_first() {
    let fall = spread(Weight::Paid, Rounding::Down, Rest::FirstWithRoom);
    assert_eq!(shared(1000, fall, &[(1, 1000), (1, 1000), (1, 1000)]), [334, 333, 333]);
}

#[test]
fn dist_15_lunar_as_far_as_it_can_bear() {
    let fall = spread(Weight::Paid, Rounding::Down, Rest::FirstWithRoom);
    let lines = [(10, 150), (10, 200), (10, 400), (10, 400), (9, 360)];
    assert_eq!(shared(1500, fall, &lines), [150, 199, 397, 397, 357]);
}

#[test]
fn dist_23_saleor_with_shipping_as_a_line_and_tax_on_top() {
    let mut kit = Kit::new();
    kit.program.tax = tax(false);
    let goods = kit.taxed(2, 4000, 100_000);
    let shipping = kit.taxed(1, 1000, 100_000);
    // the manual discount and the voucher: one of them, the manual one first
    let group = kit.group(Phase::Order, Displace::First, Scope::Basket, OnPrice::Original);
    let manual = kit.rule(group);
    let voucher = kit.rule(group);
    let by_initial = spread(Weight::Initial, Rounding::Down, Rest::LargestRemainder);
    kit.discount(manual, DiscountAmount::Off, by_initial, (2000, 1), &[(goods, 2), (shipping, 1)]);
    kit.discount(voucher, DiscountAmount::Off, by_initial, (1000, 1), &[(goods, 2)]);
    let decision = kit.run();
    assert_eq!(paid(&decision), [2400, 600]);
    assert_eq!(decision.totals.paid, 3000);
    assert_eq!(displaced(&decision), [(voucher.0, manual.0, vec![])]);
}

#[test]
fn dist_27_medusa_the_second_on_what_is_left() {
    let mut kit = Kit::new();
    let (a, b) = (kit.line(1, 5000), kit.line(1, 15000));
    let group = kit.group(Phase::Order, Displace::Chain, Scope::Basket, OnPrice::Running);
    let first = kit.rule(group);
    let second = kit.rule(group);
    kit.discount(first, DiscountAmount::Off, BY_PAID, (3000, 1), &[(a, 1), (b, 1)]);
    kit.discount(second, DiscountAmount::Off, BY_PAID, (5000, 1), &[(a, 1), (b, 1)]);
    let decision = kit.run();
    assert_eq!(
        effects(&decision),
        [(first.0, 3000, vec![(a, 750), (b, 2250)]), (second.0, 5000, vec![(a, 1250), (b, 3750)])]
    );
    assert_eq!(decision.totals.paid, 12000);
}

#[test]
fn dist_28_woocommerce_over_all_pieces() {
    let fall = spread(Weight::Pieces, Rounding::Down, Rest::FirstLines);
    let off = shared(1000, fall, &[(2, 2000), (3, 3000), (2, 2000)]);
    // 1000/7 = 142.86 a piece: 285, 428, 285, and the two left over to the first lines
    assert_eq!(off, [286, 429, 285]);
    assert_eq!(off.iter().sum::<i64>(), 1000);
}

#[test]
fn dist_34_salesforce_order_percentage_on_reduced_prices() {
    let mut kit = Kit::new();
    let (one, two) = (kit.line(1, 6000), kit.line(1, 5000));
    let lines = kit.group(Phase::Line, Displace::None, Scope::Line, OnPrice::Running);
    let order = kit.group(Phase::Order, Displace::None, Scope::Basket, OnPrice::Running);
    let a = kit.rule(lines);
    let o = kit.rule(order);
    kit.off(a, 1000, &[(one, 1)]);
    kit.discount(o, DiscountAmount::Share, BY_PAID, (15, 100), &[(one, 1), (two, 1)]);
    let decision = kit.run();
    assert_eq!(
        effects(&decision),
        [(a.0, 1000, vec![(one, 1000)]), (o.0, 1500, vec![(one, 750), (two, 750)])]
    );
    assert_eq!(decision.totals.total, 8500);
}

/// One rule, one discount; the decision.
fn one(
    amount: DiscountAmount,
    fall: Fall,
    value: (i128, i128),
    lines: &[(i64, i64)],
    selection: &[(u32, i64)],
) -> Decision {
    let mut kit = Kit::new();
    for (pieces, initial) in lines {
        kit.line(*pieces, *initial);
    }
    let group = kit.plain();
    let rule = kit.rule(group);
    kit.discount(rule, amount, fall, value, selection);
    kit.run()
}

#[test]
fn fix_07_oscar_never_more_than_the_piece() {
    let decision = one(DiscountAmount::Off, EACH_PIECE, (300, 1), &[(1, 100), (1, 150)], &[(0, 1), (1, 1)]);
    assert_eq!(decision.totals.discount, 250);
}

#[test]
fn fix_16_woocommerce_two_pieces() {
    let decision = one(DiscountAmount::Off, EACH_PIECE, (1000, 1), &[(5, 900), (3, 4185)], &[(1, 2)]);
    assert_eq!(decision.totals.discount, 2000);
}

#[test]
fn fix_30_vendure_once_a_line() {
    let mut kit = Kit::new();
    kit.program.tax = tax(false);
    let a = kit.taxed(3, 3000, 200_000);
    let group = kit.plain();
    let rule = kit.rule(group);
    kit.off(rule, 1000, &[(a, 3)]);
    let decision = kit.run();
    assert_eq!((decision.totals.paid, decision.totals.total), (2000, 2400));
}

#[test]
fn fix_34_oscar_one_of_six() {
    let decision = one(DiscountAmount::Off, EACH_PIECE, (300, 1), &[(6, 1200)], &[(0, 1)]);
    assert_eq!(decision.totals.discount, 200);
}

#[test]
fn pct_07_saleor_rounded_per_piece() {
    let lines = [(1, 106), (1, 206), (1, 306), (1, 406)];
    let decision =
        one(DiscountAmount::Share, EACH_PIECE, (10, 100), &lines, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    assert_eq!(effects(&decision)[0].2, [(0, 11), (1, 21), (2, 31), (3, 41)]);
}

#[test]
fn pct_09_saleor_not_lost_to_rounding() {
    let decision = one(DiscountAmount::Share, EACH_LINE, (10, 100), &[(10, 10)], &[(0, 10)]);
    assert_eq!(paid(&decision), [9]);
}

#[test]
fn pct_10_oscar_of_the_sum_rounded_down() {
    let mut kit = Kit::new();
    let (a, b) = (kit.line(6, 1422), kit.line(1, 328));
    let group = kit.plain();
    let rule = kit.rule(group);
    let kind = SiteKind::Discount { amount: DiscountAmount::Share, fall: BY_PAID, rounding: Rounding::Down };
    let site = kit.site(rule, kind);
    kit.propose(rule, Proposed { site, num: 3, den: 100, row: None, selection: vec![(a, 6), (b, 1)] });
    assert_eq!(kit.run().totals.discount, 52);
}

#[test]
fn pct_14_solidus_half_up() {
    let decision = one(DiscountAmount::Share, EACH_LINE, (15, 100), &[(10, 9990)], &[(0, 10)]);
    assert_eq!(effects(&decision)[0].2, [(0, 1499)]);
}

#[test]
fn pct_28_saleor_each_piece() {
    let decision = one(DiscountAmount::Share, EACH_PIECE, (10, 100), &[(3, 5997)], &[(0, 3)]);
    assert_eq!(decision.totals.discount, 600);
    assert_eq!(paid(&decision), [3 * 1799]);
}
