//! The index finds what looking at every rule finds, whatever the conditions; and how much memory that takes.

use super::*;
use crate::ir::{
    Atom, AtomId, AtomTest, KindId, Reference, ReferenceId, ReferenceKind, SlotId, Space, event_slot,
    line_slot,
};

/// Event slots after the built-in ones: two numbers, a symbol, a set. Lines have the same.
const EXTRA: [(u32, u32); 4] = [(8, 6), (9, 7), (10, 8), (11, 9)];
const WIDTH: usize = 10;
const SYMBOLS: i64 = 130;

fn kit(dice: &mut Dice) -> Kit {
    let mut kit = Kit::new();
    let kind = KindId(0);
    kit.program.kinds.push(ReferenceKind { name: "category".to_owned(), hierarchical: true, of: None });
    for slots in [&mut kit.program.layout.event, &mut kit.program.layout.line] {
        for ty in [SlotType::Count, SlotType::Count, SlotType::Symbol(kind), SlotType::Set(kind)] {
            slots.push(slot("extra", ty));
        }
    }
    for _ in 0..8 {
        kit.program.references.push(Reference { kind, names: vec!["x".to_owned()] });
        let mut bits = Bits::default();
        for _ in 0..dice.pick(&[0, 1, 3, 20]) {
            bits.insert(usize::try_from(dice.roll(0, SYMBOLS)).unwrap());
        }
        kit.bindings.references.push(bits);
    }
    kit.program.events.push(EventKind {
        name: "return".to_owned(),
        spellings: vec!["return".to_owned()],
        needs: Vec::new(),
        lacks: Vec::new(),
    });
    kit.account(RoundPer::Line, Rounding::HalfUp, None);
    kit
}

fn test(dice: &mut Dice, most: i64) -> AtomTest {
    match dice.roll(0, 5) {
        0 => AtomTest::Known,
        1 => AtomTest::OneOf({
            let mut values: Vec<i64> = (0..dice.roll(0, 4)).map(|_| dice.roll(-2, most)).collect();
            values.sort_unstable();
            values.dedup();
            values
        }),
        2 => AtomTest::Between(dice.roll(-2, most), i64::MAX),
        3 => AtomTest::Between(i64::MIN, dice.roll(-2, most)),
        _ => {
            let low = dice.roll(-2, most);
            AtomTest::Between(low, dice.roll(low - 1, most))
        }
    }
}

fn atom(dice: &mut Dice, space: Space, most: i64) -> Atom {
    let (number, other, symbol, set) = match space {
        Space::Event => (EXTRA[0].0, EXTRA[1].0, EXTRA[2].0, EXTRA[3].0),
        Space::Line => (EXTRA[0].1, EXTRA[1].1, EXTRA[2].1, EXTRA[3].1),
    };
    let reference = ReferenceId(u32::try_from(dice.roll(0, 8)).unwrap());
    let paid = match space {
        Space::Event => event_slot::BASKET_PAID,
        Space::Line => line_slot::PAID,
    };
    let (slot, test) = match dice.roll(0, 5) {
        0 => (SlotId(number), test(dice, most)),
        1 => (SlotId(other), test(dice, most)),
        2 => (SlotId(symbol), AtomTest::In(reference)),
        3 => (SlotId(symbol), test(dice, most)),
        4 => (SlotId(set), AtomTest::Has(reference)),
        _ => (paid, AtomTest::Between(dice.roll(0, 2000), i64::MAX)),
    };
    Atom { space, slot, test, negated: dice.once_in(3) }
}

fn rules(dice: &mut Dice, kit: &mut Kit, most: i64, count: i64) {
    for phase in [Phase::Line, Phase::Order, Phase::Earn] {
        for _ in 0..2 {
            let group = kit.group(phase, Displace::None, Scope::Line, OnPrice::Running);
            for _ in 0..dice.roll(0, count) {
                let rule = kit.rule(group);
                for _ in 0..dice.roll(0, 3) {
                    let atom = atom(dice, Space::Event, most);
                    kit.program.rules[rule.index()]
                        .atoms
                        .push(AtomId(u32::try_from(kit.program.atoms.len()).unwrap()));
                    kit.program.atoms.push(atom);
                }
                for _ in 0..dice.roll(0, 3) {
                    let atom = atom(dice, Space::Line, most);
                    let id = AtomId(u32::try_from(kit.program.atoms.len()).unwrap());
                    kit.program.rules[rule.index()].line_atoms.push(id);
                    kit.program.atoms.push(atom);
                }
                if dice.once_in(3) {
                    kit.program.rules[rule.index()].events = vec![EventId(1)];
                }
                if phase == Phase::Earn {
                    kit.award(rule, AccountId(0), (1, 1), None);
                } else {
                    kit.percent(rule, 5, &[(0, 1)]);
                }
            }
        }
    }
}

fn fill(dice: &mut Dice, kit: &mut Kit, most: i64) {
    let record = &mut kit.record;
    record.kind = EventId(u32::from(dice.once_in(4)));
    record.symbols = (0..6).map(|_| u32::try_from(dice.roll(0, SYMBOLS)).unwrap()).collect();
    record.event.truncate(8);
    record.lines.clear();
    record.line_width = WIDTH;
    let extra = |dice: &mut Dice| {
        let number = |dice: &mut Dice| if dice.once_in(5) { MISSING } else { dice.roll(-3, most + 3) };
        let symbol = |dice: &mut Dice| if dice.once_in(5) { MISSING } else { dice.roll(0, SYMBOLS + 70) };
        let set = |dice: &mut Dice| {
            let start = dice.roll(0, 5);
            if dice.once_in(5) { MISSING } else { start << 32 | dice.roll(0, 6 - start) }
        };
        [number(dice), number(dice), symbol(dice), set(dice)]
    };
    record.event.extend(extra(dice));
    for position in 1..=dice.roll(0, 4) {
        record.lines.extend([position, 1, 0, dice.roll(0, 1000), 0, MISSING]);
        record.lines.extend(extra(dice));
        if dice.once_in(3) {
            // The same line but for a number, which ends as this line's does.
            let start = record.lines.len() - WIDTH;
            record.lines.extend_from_within(start..);
            let number = record.lines.len() - WIDTH + EXTRA[0].1 as usize;
            record.lines[number] = record.lines[number].wrapping_add(1 << dice.pick(&[31, 32, 62]));
        }
    }
}

#[test]
fn finds_what_looking_at_every_rule_finds() {
    let mut found = 0;
    for seed in 0..if cfg!(debug_assertions) { 1_000 } else { 50_000 } {
        let dice = &mut Dice(seed);
        let mut kit = kit(dice);
        rules(dice, &mut kit, 40, 30);
        let (index, slow) =
            (Plan::new(&kit.program, &kit.bindings), Plan::without_index(&kit.program, &kit.bindings));
        let mut workspace = Workspace::default();
        for _ in 0..10 {
            fill(dice, &mut kit, 40);
            let decision = kit.run_with(&index, &mut workspace);
            assert_eq!(decision, kit.run_with(&slow, &mut Workspace::default()), "seed {seed}");
            found += decision.effects.len();
        }
    }
    assert!(found > 1000, "rules were found: {found}");
}

#[test]
fn finds_the_same_where_slots_are_cut_coarsely() {
    let dice = &mut Dice(7);
    let mut kit = kit(dice);
    rules(dice, &mut kit, 1_000_000, 4_000);
    let (index, slow) =
        (Plan::new(&kit.program, &kit.bindings), Plan::without_index(&kit.program, &kit.bindings));
    let mut workspace = Workspace::default();
    for _ in 0..200 {
        fill(dice, &mut kit, 1_000_000);
        let decision = kit.run_with(&index, &mut workspace);
        assert_eq!(decision, kit.run_with(&slow, &mut Workspace::default()));
    }
}

/// Rules as a retailer has them: most name a shop or a part of the assortment, a period, a tier, a sum or a segment.
fn retailer(dice: &mut Dice, count: u32) -> Kit {
    let mut kit = Kit::new();
    let (goods, segments) = (KindId(0), KindId(1));
    for name in ["sku", "segment"] {
        kit.program.kinds.push(ReferenceKind { name: name.to_owned(), hierarchical: false, of: None });
    }
    let event = [SlotType::Count, SlotType::Count, SlotType::Date, SlotType::Count, SlotType::Set(segments)];
    kit.program.layout.event.extend(event.map(|ty| slot("event", ty)));
    kit.program.layout.line.extend([SlotType::Symbol(goods)].map(|ty| slot("line", ty)));
    kit.account(RoundPer::Basket, Rounding::HalfUp, None);
    let mut groups = Vec::new();
    for _ in 0..count / 4 {
        groups.push(kit.group(Phase::Earn, Displace::BestForMember, Scope::Line, OnPrice::Original));
    }
    for number in 0..count {
        let rule = kit.rule(groups[number as usize % groups.len()]);
        let add = |kit: &mut Kit, space, slot, test| {
            let id = AtomId(u32::try_from(kit.program.atoms.len()).unwrap());
            kit.program.atoms.push(Atom { space, slot: SlotId(slot), test, negated: false });
            let rule = &mut kit.program.rules[rule.index()];
            if space == Space::Event { rule.atoms.push(id) } else { rule.line_atoms.push(id) }
        };
        let reference = |kit: &mut Kit, kind, symbols: Vec<i64>| {
            kit.program.references.push(Reference { kind, names: vec!["x".to_owned()] });
            let mut bits = Bits::default();
            symbols.into_iter().for_each(|symbol| bits.insert(usize::try_from(symbol).unwrap()));
            kit.bindings.references.push(bits);
            ReferenceId(u32::try_from(kit.program.references.len()).unwrap() - 1)
        };
        if dice.once_in(2) {
            add(&mut kit, Space::Event, 8, AtomTest::OneOf(vec![dice.roll(0, 3)])); // tier
        }
        if dice.once_in(2) {
            let mut shops: Vec<i64> = (0..dice.roll(1, 60)).map(|_| dice.roll(0, 499)).collect();
            shops.sort_unstable();
            shops.dedup();
            add(&mut kit, Space::Event, 9, AtomTest::OneOf(shops));
        }
        let from = dice.roll(20_000, 20_365);
        add(&mut kit, Space::Event, 10, AtomTest::Between(from, from + dice.pick(&[0, 6, 13, 30])));
        if dice.once_in(3) {
            add(&mut kit, Space::Event, 11, AtomTest::Between(dice.roll(1, 50_000), i64::MAX)); // a sum
        }
        if dice.once_in(3) {
            let symbol = dice.roll(0, 63);
            let segment = reference(&mut kit, segments, vec![symbol]);
            add(&mut kit, Space::Event, 12, AtomTest::Has(segment));
        }
        let symbols = match dice.roll(0, 2) {
            0 => vec![dice.roll(0, 9_999)],
            1 => (0..dice.roll(2, 160)).map(|_| dice.roll(0, 9_999)).collect(),
            _ => {
                let first = dice.roll(0, 9_900);
                (first..first + dice.roll(10, 99)).collect()
            }
        };
        let list = reference(&mut kit, goods, symbols);
        add(&mut kit, Space::Line, 6, AtomTest::In(list));
        kit.award(rule, AccountId(0), (i128::from(dice.roll(1, 500)), 100), Some(0));
    }
    kit
}

#[test]
fn memory_of_a_large_plan() {
    let kit = retailer(&mut Dice(1), 10_000);
    let plan = Plan::new(&kit.program, &kit.bindings);
    let each = plan.memory() / 10_000;
    println!("{each} bytes a rule");
    assert!(each < 1_000, "{each} bytes a rule");
}
