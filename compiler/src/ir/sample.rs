//! A small program for the tests of this crate: a twentieth of each line of tea as points, and of each three units of
//! toys the cheapest free.

use super::*;

/// The program; it verifies.
pub(crate) fn program() -> Program {
    let currency = Currency { code: "EUR".to_owned(), decimals: 2 };
    let mut layout = Layout::builtins(&currency);
    layout.line.push(Slot {
        name: "line.category".to_owned(),
        record: RecordKind::Line,
        key: vec!["category".to_owned()],
        ty: SlotType::Symbol(KindId(0)),
        optional: true,
        default: None,
        inherits: true,
    });
    let reference = |name: &str| Reference { kind: KindId(0), names: vec![name.to_owned()] };
    let group = |name: &str, phase: Phase, rule: u32| Group {
        name: name.to_owned(),
        title: None,
        phase,
        displace: Displace::BestForMember,
        per: Scope::Line,
        on_price: OnPrice::Running,
        excludes: Vec::new(),
        governance: crate::ir::Governance::default(),
        limits: vec![Limit {
            amount: LimitAmount::Fixed(500),
            of: LimitOf::Discounts,
            counter: None,
            otherwise: Otherwise::Cut,
        }],
        rules: vec![RuleId(rule)],
    };
    let rule = |name: &str, number: u32, atoms: Vec<AtomId>, line_atoms: Vec<AtomId>| Rule {
        name: name.to_owned(),
        title: None,
        group: GroupId(number),
        priority: 10,
        events: vec![EventId(0)],
        atoms,
        line_atoms,
        function: FunctionId(number),
        limits: Vec::new(),
        governance: crate::ir::Governance::default(),
        place: PlaceId(number),
    };
    let free = vec![
        Inst::NewSelection,
        Inst::Loop(Rows::Lines),
        Inst::LoadLine(SlotId(6), Value(1)),
        Inst::InReference(Value(2), ReferenceId(1)),
        Inst::Block,
        Inst::Break { depth: 0, condition: Value(3), when: false },
        Inst::LoadLine(line_slot::PIECES, Value(1)),
        Inst::Select { selection: Value(0), row: Value(1), count: Value(6) },
        Inst::End,
        Inst::End,
        Inst::Int(1),
        Inst::PickInEvery {
            selection: Value(0),
            count: Value(10),
            every: 3,
            cheapest: true,
            element: Element::Unit,
        },
        Inst::Wide(1),
        Inst::Discount { site: SiteId(0), selection: Value(11), num: Value(12), den: Value(12) },
    ];
    let tea = vec![
        Inst::Loop(Rows::Lines),
        Inst::LoadLine(SlotId(6), Value(0)),
        Inst::InReference(Value(1), ReferenceId(0)),
        Inst::Block,
        Inst::Break { depth: 0, condition: Value(2), when: false },
        Inst::LoadLine(line_slot::PAID, Value(0)),
        Inst::Int(50_000),
        Inst::MulWide(Value(5), Value(6)),
        Inst::Wide(1_000_000),
        Inst::Award { site: SiteId(1), num: Value(7), den: Value(8), row: Some(Value(0)) },
        Inst::End,
        Inst::End,
    ];
    let function = |name: &str, insts: Vec<Inst>, place: u32| Function {
        name: name.to_owned(),
        variables: Vec::new(),
        places: insts.iter().map(|_| PlaceId(place)).collect(),
        insts,
    };
    Program {
        name: "shop".to_owned(),
        version: 3,
        language: 1,
        currency,
        zone: "Europe/Zurich".to_owned(),
        rounding: Rounding::HalfUp,
        week_starts: 0,
        tax: Some(Tax { included: true, rounding: Rounding::HalfEven, per: TaxPer::Line, besides: None }),
        floor: None,
        accounts: vec![Account {
            name: "bonus".to_owned(),
            unit: "points".to_owned(),
            decimals: 0,
            rounding: Rounding::Down,
            per: RoundPer::Rule,
            worth: Some((100, 100)),
            redeemable: true,
            qualifying: false,
            not_below: Some(0),
            expires: crate::ir::Expires::Never,
            melt: None,
            shortfall: None,
        }],
        kinds: vec![ReferenceKind { name: "category".to_owned(), hierarchical: true, of: None }],
        enums: Vec::new(),
        references: vec![reference("Tea"), reference("Toys")],
        events: vec![EventKind {
            name: "purchase".to_owned(),
            spellings: vec!["purchase".to_owned()],
            needs: Vec::new(),
            lacks: Vec::new(),
        }],
        layout,
        reads: Vec::new(),
        derivations: Vec::new(),
        counters: Vec::new(),
        redemptions: Vec::new(),
        tender: crate::ir::TenderSlots::default(),
        returns: false,
        instruments: Default::default(),
        gifts: Vec::new(),
        tellings: Vec::new(),
        offers: Default::default(),
        contacts: Default::default(),
        spendables: Vec::new(),
        promises: Vec::new(),
        params: Vec::new(),
        atoms: vec![
            Atom {
                space: Space::Event,
                slot: event_slot::MEMBER_KNOWN,
                test: AtomTest::OneOf(vec![1]),
                negated: false,
            },
            Atom { space: Space::Line, slot: SlotId(6), test: AtomTest::In(ReferenceId(0)), negated: false },
        ],
        functions: vec![function("third_free", free, 0), function("tea", tea, 1)],
        sites: vec![
            Site {
                rule: RuleId(0),
                kind: SiteKind::Discount {
                    amount: DiscountAmount::Share,
                    fall: Fall::Each(Element::Unit),
                    rounding: Rounding::HalfUp,
                },
                to: None,
                reason: Some("every third toy".to_owned()),
                place: PlaceId(0),
            },
            Site {
                rule: RuleId(1),
                kind: SiteKind::Award {
                    account: AccountId(0),
                    rounding: None,
                    life: crate::ir::Life::default(),
                },
                to: None,
                reason: None,
                place: PlaceId(1),
            },
        ],
        groups: vec![group("sets", Phase::Set, 0), group("base", Phase::Earn, 1)],
        rules: vec![
            rule("third_free", 0, Vec::new(), Vec::new()),
            rule("tea", 1, vec![AtomId(0)], vec![AtomId(1)]),
        ],
        sources: vec![SourceFile { path: "shop.rule".to_owned(), hash: String::new() }],
        places: vec![SourcePlace::at(0, 4, 3), SourcePlace::at(0, 9, 3)],
        conditions: Vec::new(),
        measures: Vec::new(),
        clocks: Vec::new(),
    }
}
