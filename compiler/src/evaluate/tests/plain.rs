//! Groups that are settled by a short cut come out as without it, turn for turn, whatever they propose.

use super::*;

/// Groups of awards, most of them to the basket and of a size that receipts have.
fn kit(dice: &mut Dice) -> Kit {
    let mut kit = Kit::new();
    for _ in 0..dice.roll(0, 3) {
        kit.line(dice.roll(1, 3), dice.roll(0, 2_000));
    }
    for worth in [Some((100, 100)), Some((3, 7)), None] {
        let per = dice.pick(&[RoundPer::Rule, RoundPer::Rule, RoundPer::Line, RoundPer::Basket]);
        kit.account(per, dice.pick(&[Rounding::HalfUp, Rounding::Down, Rounding::Up]), worth);
    }
    for _ in 0..dice.roll(1, 4) {
        let displace =
            dice.pick(&[Displace::None, Displace::First, Displace::BestForMember, Displace::BestForRetailer]);
        let group = kit.group(
            Phase::Earn,
            displace,
            dice.pick(&[Scope::Basket, Scope::Basket, Scope::Line]),
            OnPrice::Original,
        );
        let account = AccountId(u32::try_from(dice.roll(0, 2)).unwrap());
        for _ in 0..dice.roll(1, 4) {
            let rule = kit.rule(group);
            if dice.once_in(30) {
                kit.award(rule, account, (1, 1), None);
                kit.code.0[rule.index()] = Err(Fault { kind: crate::ir::FaultKind::Overflow, inst: 0 });
                continue;
            }
            for _ in 0..if dice.once_in(8) { 2 } else { 1 } {
                let large = dice.pick(&[i128::from(i64::MAX), 1 << 62, (1 << 62) - 1, i128::MAX / 2]);
                let num = if dice.once_in(12) { large } else { i128::from(dice.roll(-2, 40)) };
                let den = if dice.once_in(20) { 1 << 40 } else { i128::from(dice.roll(1, 9)) };
                let other = AccountId(u32::try_from(dice.roll(0, 2)).unwrap());
                let to = if dice.once_in(10) { other } else { account };
                let row = (dice.once_in(10) && !kit.record.lines.is_empty()).then_some(0);
                let site = kit.award(rule, to, (num, den), row);
                if dice.once_in(6) {
                    kit.program.sites[site.index()].kind = SiteKind::Award {
                        account: to,
                        rounding: Some(Rounding::HalfEven),
                        life: crate::ir::Life::default(),
                    };
                }
            }
        }
    }
    kit
}

#[test]
fn short_cuts_change_nothing() {
    let (mut given, mut displaced, mut failed) = (0, 0, 0);
    for seed in 0..if cfg!(debug_assertions) { 4_000 } else { 400_000 } {
        let dice = &mut Dice(seed);
        let kit = kit(dice);
        let (short, long) =
            (Plan::new(&kit.program, &kit.bindings), Plan::without_index(&kit.program, &kit.bindings));
        let mut fuel = dice.pick(&[FUEL, FUEL, 400, 150, 60]);
        for _ in 0..3 {
            let mut workspaces = [Workspace::with_fuel(fuel), Workspace::with_fuel(fuel)];
            let decision = kit.run_with(&short, &mut workspaces[0]);
            assert_eq!(decision, kit.run_with(&long, &mut workspaces[1]), "seed {seed}, fuel {fuel}");
            let left = workspaces.map(|workspace| workspace.fuel_left());
            assert_eq!(left[0], left[1], "seed {seed}, fuel {fuel}");
            given += decision.effects.len();
            displaced += decision.displaced.len();
            failed += decision.faults.len();
            // All that it takes, and a turn less.
            fuel = (fuel - left[0] - i64::from(fuel < FUEL)).max(0);
        }
    }
    assert!(given > 1000 && displaced > 1000 && failed > 1000, "{given} {displaced} {failed}");
}
