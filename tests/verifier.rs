//! The verifier: each of its rules refuses a program that breaks it alone, no mutation of a program makes it panic, and
//! whatever it lets pass runs alike on every engine.

use perq_compiler::ir::verify::{VerifyRule, limits};
use perq_compiler::ir::*;
use perq_tests::agree::{Engines, Report};
use perq_tests::generate::{self, Random};
use std::collections::BTreeSet;

/// Adds a clock with slots of its own.
fn clock(program: &mut Program) -> [SlotId; 4] {
    let slots = [0, 1, 2, 3].map(|number| {
        let slot = SlotId(u32::try_from(program.layout.event.len()).unwrap());
        program.layout.event.push(Slot {
            name: format!("clock_{number}"),
            record: RecordKind::Derived,
            key: Vec::new(),
            ty: SlotType::Number { scale: 0 },
            optional: true,
            default: None,
            inherits: false,
        });
        slot
    });
    let [date, time, weekday, month_day] = slots;
    let zone = ClockZone::Named("Europe/Rome".to_owned());
    program.clocks.push(Clock { zone, date, time, weekday, month_day });
    slots
}

/// A discount of at most nothing.
fn promise() -> Promise {
    let left = Sum { terms: vec![(1, Figure::Discount)], constant: 0 };
    let keep = Bound { left, comparison: Comparison::LessOrEqual, right: Sum::default(), den: 1 };
    Promise {
        name: "nothing".to_owned(),
        title: None,
        events: vec![EventId(0)],
        of: PromiseOf::Basket,
        atoms: Vec::new(),
        line_atoms: Vec::new(),
        asks: Vec::new(),
        keep,
        account: None,
        about: Vec::new(),
        place: PlaceId(0),
    }
}

/// An arbitration of nothing.
fn arbitration() -> Arbitration {
    Arbitration {
        name: "calls".to_owned(),
        title: None,
        channels: None,
        slots: 1,
        classes: Vec::new(),
        order: Vec::new(),
        per_goal: None,
        explore: None,
        place: PlaceId(0),
    }
}

/// An offer whose conditions no derivation works out.
fn offer() -> Offer {
    Offer {
        name: "roaming".to_owned(),
        title: None,
        key: ReferenceId(0),
        display: Display::Always,
        purpose: Purpose::Message,
        goals: Vec::new(),
        says: Vec::new(),
        conditions: Vec::new(),
        held: SlotId(0),
        score: None,
        learn: None,
        kinds: Vec::new(),
        governance: Governance::default(),
        place: PlaceId(0),
    }
}

/// A program that verifies and has one of everything: two rules with awards and one with a discount.
fn valid() -> Program {
    let mut program = generate::empty();
    program.atoms = vec![
        Atom { space: Space::Event, slot: SlotId(8), test: AtomTest::Between(1, 5), negated: false },
        Atom { space: Space::Line, slot: SlotId(9), test: AtomTest::In(ReferenceId(0)), negated: false },
        Atom { space: Space::Event, slot: SlotId(8), test: AtomTest::OneOf(vec![1, 2]), negated: false },
        Atom { space: Space::Event, slot: SlotId(12), test: AtomTest::Has(ReferenceId(1)), negated: true },
    ];
    let discount = SiteKind::Discount {
        amount: DiscountAmount::Off,
        fall: Fall::Each(Element::Line),
        rounding: Rounding::HalfUp,
    };
    let award =
        SiteKind::Award { account: AccountId(0), rounding: None, life: perq_compiler::ir::Life::default() };
    for (number, kind) in [(0, discount), (1, award), (2, award)] {
        let insts = if number == 0 { selecting() } else { summing(number) };
        program.sites.push(Site { rule: RuleId(number), kind, to: None, reason: None, place: PlaceId(0) });
        program.functions.push(Function {
            name: format!("function_{number}"),
            variables: vec![Ty::I64, Ty::I128, Ty::Bool],
            places: insts.iter().map(|_| PlaceId(0)).collect(),
            insts,
        });
        let group = GroupId(u32::from(number > 0));
        program.groups[group.index()].rules.push(RuleId(number));
        program.rules.push(Rule {
            name: format!("rule_{number}"),
            title: None,
            group,
            priority: 10 - i64::from(number),
            events: vec![EventId(0)],
            atoms: vec![AtomId(0)],
            line_atoms: vec![AtomId(1)],
            function: FunctionId(number),
            governance: Governance::default(),
            limits: vec![Limit {
                amount: LimitAmount::Fixed(5),
                of: LimitOf::Awards(AccountId(0)),
                counter: None,
                otherwise: Otherwise::Cut,
            }],
            place: PlaceId(0),
        });
    }
    program.groups[1].excludes.push(Exclusion { group: GroupId(0), when_better: true, whole: false });
    for name in ["since", "derived"] {
        program.layout.event.push(Slot {
            name: name.to_owned(),
            record: RecordKind::Derived,
            key: Vec::new(),
            ty: SlotType::Number { scale: 0 },
            optional: true,
            default: None,
            inherits: false,
        });
    }
    program.reads.push(StateSlot { slot: SlotId(13), read: StateRead::After(Window::Days(30)) });
    let insts = vec![
        Inst::Loop(Rows::Table(TableId(0))),
        Inst::LoadTable(TableId(0), SlotId(1), Value(0)),
        Inst::Derive(Value(1)),
        Inst::End,
    ];
    program.derivations.push(Derivation {
        name: "last paid".to_owned(),
        slot: SlotId(14),
        function: FunctionId(3),
        events: vec![EventId(0)],
        place: PlaceId(0),
    });
    program.functions.push(Function {
        name: "last paid".to_owned(),
        variables: Vec::new(),
        places: insts.iter().map(|_| PlaceId(0)).collect(),
        insts,
    });
    program.counters.push(Counter {
        name: "rule_1 limit 1".to_owned(),
        per: CounterKey::Member,
        window: Window::This(Period::Month),
        of: LimitOf::Awards(AccountId(0)),
    });
    program.rules[1].limits[0].counter = Some(CounterId(0));
    program
}

/// A function that discounts.
fn selecting() -> Vec<Inst> {
    vec![
        Inst::NewSelection,
        Inst::Loop(Rows::Lines),
        Inst::Int(2),
        Inst::Select { selection: Value(0), row: Value(1), count: Value(2) },
        Inst::Selected(Value(0), Value(1)),
        Inst::End,
        Inst::Int(3),
        Inst::PickExtreme { selection: Value(0), count: Value(6), cheapest: true, element: Element::Unit },
        Inst::PickInEvery {
            selection: Value(0),
            count: Value(6),
            every: 3,
            cheapest: true,
            element: Element::Unit,
        },
        Inst::PickEveryNth {
            selection: Value(0),
            nth: 3,
            key: SlotId(2),
            descending: true,
            element: Element::Unit,
        },
        Inst::Wide(5),
        Inst::Discount { site: SiteId(0), selection: Value(7), num: Value(10), den: Value(10) },
    ]
}

/// A function that awards.
fn summing(site: u32) -> Vec<Inst> {
    vec![
        Inst::NewBag,
        Inst::Loop(Rows::Lines),
        Inst::LoadLine(SlotId(4), Value(1)),
        Inst::Put(Value(0), Value(2)),
        Inst::End,
        Inst::Loop(Rows::Payments),
        Inst::LoadPayment(SlotId(0), Value(5)),
        Inst::Set(VarId(0), Value(6)),
        Inst::End,
        Inst::Block,
        Inst::Get(VarId(0)),
        Inst::Known(Value(10)),
        Inst::Break { depth: 0, condition: Value(11), when: true },
        Inst::Distinct(Value(0)),
        Inst::Widen(Value(13)),
        Inst::Wide(1),
        Inst::Divide(Value(14), Value(15), Rounding::HalfUp),
        Inst::Award { site: SiteId(site), num: Value(16), den: Value(15), row: None },
        Inst::End,
        Inst::LoadParam(ParamId(0)),
    ]
}

/// A change that breaks one rule.
type Break = (VerifyRule, &'static str, fn(&mut Program));

/// Adds instructions to the end of the awarding function.
/// Adds a condition, changed.
fn condition(program: &mut Program, change: impl FnOnce(&mut Condition)) {
    let mut added = Condition {
        rule: RuleId(0),
        place: PlaceId(0),
        role: perq_compiler::ir::Role::Rule,
        atom: Some(AtomId(0)),
        measure: None,
    };
    change(&mut added);
    program.conditions.push(added);
}

/// Adds a condition that compares numbers of this unit.
fn measure(program: &mut Program, unit: Unit, parts: i128) {
    let id = MeasureId(program.measures.len() as u32);
    condition(program, |added| added.measure = Some(id));
    program.measures.push(Measure { unit, parts, bound: None });
}

fn code(program: &mut Program, insts: Vec<Inst>) {
    let function = &mut program.functions[1];
    function.insts.extend(insts);
    function.places = function.insts.iter().map(|_| PlaceId(0)).collect();
}

/// The value of the instruction that [`code`] adds at this position.
fn added(position: usize) -> Value {
    Value(u32::try_from(summing(1).len() + position).unwrap())
}

fn slots(program: &mut Program) -> &mut Vec<Slot> {
    &mut program.layout.line
}

fn breaks() -> Vec<Break> {
    use VerifyRule as Is;
    vec![
        (Is::EmptyName, "program", |p| p.name.clear()),
        (Is::EmptyName, "zone", |p| p.zone.clear()),
        (Is::EmptyName, "currency", |p| p.currency.code.clear()),
        (Is::EmptyName, "account", |p| p.accounts[0].name.clear()),
        (Is::EmptyName, "unit", |p| p.accounts[0].unit.clear()),
        (Is::EmptyName, "kind", |p| p.kinds[0].name.clear()),
        (Is::EmptyName, "enumeration", |p| p.enums[0].name.clear()),
        (Is::EmptyName, "enumeration's value", |p| p.enums[0].values[0].clear()),
        (Is::EmptyName, "name of a reference", |p| p.references[0].names[0].clear()),
        (Is::EmptyName, "spelling", |p| p.events[0].spellings.push(String::new())),
        (Is::EmptyName, "slot", |p| slots(p)[8].name.clear()),
        (Is::EmptyName, "slot's key", |p| slots(p)[8].key[0].clear()),
        (Is::EmptyName, "parameter", |p| p.params[0].name.clear()),
        (Is::EmptyName, "group", |p| p.groups[0].name.clear()),
        (Is::EmptyName, "rule", |p| p.rules[0].name.clear()),
        (Is::EmptyName, "function", |p| p.functions[0].name.clear()),
        (Is::EmptyName, "source", |p| p.sources[0].path.clear()),
        (Is::LongText, "name", |p| p.name = "x".repeat(limits::NAME + 1)),
        (Is::LongText, "title of a rule", |p| p.rules[0].title = Some("x".repeat(limits::TEXT + 1))),
        (Is::LongText, "title of a group", |p| p.groups[0].title = Some("x".repeat(limits::TEXT + 1))),
        (Is::LongText, "reason", |p| p.sites[0].reason = Some("x".repeat(limits::TEXT + 1))),
        (Is::LongText, "hash", |p| p.sources[0].hash = "x".repeat(limits::NAME + 1)),
        (Is::ControlCharacter, "name", |p| p.rules[0].name.push('\u{1b}')),
        (Is::LongList, "accounts", |p| p.accounts = vec![p.accounts[0].clone(); limits::SMALL_LIST + 1]),
        (Is::LongList, "slots", |p| {
            let slot = slots(p)[8].clone();
            slots(p).resize(limits::SLOTS + 1, slot);
        }),
        (Is::LongList, "key", |p| slots(p)[8].key = vec!["x".to_owned(); limits::KEY + 1]),
        (Is::LongList, "values of an enumeration", |p| {
            p.enums[0].values = vec!["x".to_owned(); limits::SMALL_LIST + 1];
        }),
        (Is::LongList, "spellings", |p| {
            p.events[0].spellings = vec!["purchase".to_owned(); limits::SMALL_LIST + 1];
        }),
        (Is::LongList, "values of an atom", |p| {
            p.atoms[0].test = AtomTest::OneOf(vec![1; limits::LIST + 1]);
        }),
        (Is::LongList, "values of a parameter", |p| p.params[0].values = vec![(None, 1); limits::LIST + 1]),
        (Is::LongList, "exclusions", |p| {
            p.groups[1].excludes = vec![p.groups[1].excludes[0]; limits::LIST + 1];
        }),
        (Is::LongList, "atoms of a rule", |p| p.rules[0].atoms = vec![AtomId(0); limits::LIST + 1]),
        (Is::LongList, "variables", |p| p.functions[0].variables = vec![Ty::I64; limits::VARIABLES + 1]),
        (Is::LongList, "instructions", |p| {
            p.functions[0].insts = vec![Inst::Int(1); limits::INSTS + 1];
        }),
        (Is::DuplicateName, "account", |p| p.accounts.push(p.accounts[0].clone())),
        (Is::DuplicateName, "kind", |p| p.kinds.push(p.kinds[0].clone())),
        (Is::DuplicateName, "enumeration", |p| p.enums.push(p.enums[0].clone())),
        (Is::DuplicateName, "enumeration's value", |p| p.enums[0].values[0] = "vip".to_owned()),
        (Is::DuplicateName, "event", |p| p.events.push(p.events[0].clone())),
        (Is::DuplicateName, "parameter", |p| p.params.push(p.params[0].clone())),
        (Is::DuplicateName, "group", |p| p.groups.push(Group { rules: Vec::new(), ..p.groups[1].clone() })),
        (Is::UnknownId, "kind of a kind", |p| p.kinds[0].of = Some(KindId(9))),
        (Is::UnknownId, "kind of a reference", |p| p.references[0].kind = KindId(9)),
        (Is::UnknownId, "file of a place", |p| p.places[0].file = 9),
        (Is::UnknownId, "account of a slot", |p| slots(p)[8].ty = SlotType::Points(AccountId(9))),
        (Is::UnknownId, "enumeration of a slot", |p| slots(p)[8].ty = SlotType::Enum(EnumId(9))),
        (Is::UnknownId, "kind of a slot", |p| slots(p)[8].ty = SlotType::Symbol(KindId(9))),
        (Is::UnknownId, "kind of a set", |p| slots(p)[8].ty = SlotType::Set(KindId(9))),
        (Is::UnknownId, "account of a parameter", |p| p.params[0].ty = SlotType::Points(AccountId(9))),
        (Is::UnknownId, "slot of an atom", |p| p.atoms[0].slot = SlotId(99)),
        (Is::UnknownId, "reference of an atom", |p| p.atoms[1].test = AtomTest::In(ReferenceId(9))),
        (Is::UnknownId, "rule of a group", |p| p.groups[0].rules.push(RuleId(9))),
        (Is::TableColumn, "field of history", |p| {
            let slot = p.layout.event[8].clone();
            p.layout.tables[0].columns[0] = Column::Field(slot);
        }),
        (Is::TableColumn, "pieces of an event", |p| p.layout.tables[0].columns[0] = Column::PiecesKept),
        (Is::TableColumn, "list without a key", |p| {
            p.layout.tables[0].source = RowSource::List { record: RecordKind::Member, key: Vec::new() };
        }),
        (Is::HistoryEvents, "no event", |p| {
            p.layout.tables[0].source = RowSource::Earlier(History { events: Vec::new(), days: None });
        }),
        (Is::UnknownId, "event of a history", |p| {
            p.layout.tables[0].source = RowSource::Earlier(History { events: vec![EventId(9)], days: None });
        }),
        (Is::UnknownId, "event slot of a column", |p| {
            p.layout.tables[0].columns[0] = Column::Event(SlotId(99));
        }),
        (Is::UnknownId, "line slot of a column", |p| {
            p.layout.tables[1].columns[0] = Column::Line(SlotId(99));
        }),
        (Is::DuplicateName, "tables", |p| p.layout.tables[1].name = p.layout.tables[0].name.clone()),
        (Is::LongList, "tables", |p| {
            let table = p.layout.tables[0].clone();
            p.layout.tables = vec![table; limits::TABLES + 1];
        }),
        (Is::FilledSlot, "built in", |p| p.reads[0].slot = SlotId(7)),
        (Is::FilledSlot, "of the input", |p| p.reads[0].slot = SlotId(8)),
        (Is::FilledSlot, "filled twice", |p| p.reads[0].slot = SlotId(14)),
        (Is::FilledSlot, "not there", |p| p.derivations[0].slot = SlotId(99)),
        (Is::UnknownId, "account of a balance", |p| p.reads[0].read = StateRead::Balance(AccountId(9))),
        (Is::WindowLength, "no days", |p| p.reads[0].read = StateRead::Last(Window::Days(0))),
        (Is::WindowLength, "turned round", |p| p.counters[0].window = Window::Between(2, 1)),
        (Is::EventFields, "built in", |p| p.events[0].needs = vec![SlotId(0)]),
        (Is::EventFields, "derived", |p| p.events[0].needs = vec![SlotId(13)]),
        (Is::EventFields, "needed and lacked", |p| {
            p.events[0].needs = vec![SlotId(8)];
            p.events[0].lacks = vec![SlotId(8)];
        }),
        (Is::EventFields, "not there", |p| p.events[0].needs = vec![SlotId(99)]),
        (Is::ClockSlots, "slots that are always there", |p| {
            let slots = clock(p);
            p.layout.event[slots[1].index()].optional = false;
        }),
        (Is::ClockSlots, "a store that is no symbol", |p| {
            clock(p);
            p.clocks[0].zone = ClockZone::Store(SlotId(8));
        }),
        (Is::FilledSlot, "by a clock and by state", |p| {
            clock(p);
            p.clocks[0].date = SlotId(13);
        }),
        (Is::DerivationEvents, "no event", |p| p.derivations[0].events = Vec::new()),
        (Is::UnknownId, "function of a derivation", |p| p.derivations[0].function = FunctionId(9)),
        (Is::UnknownId, "place of a derivation", |p| p.derivations[0].place = PlaceId(9_999)),
        (Is::FunctionUse, "function of a rule and a derivation", |p| {
            p.derivations[0].function = FunctionId(0)
        }),
        (Is::DuplicateName, "counters", |p| {
            let counter = p.counters[0].clone();
            p.counters.push(counter);
        }),
        (Is::UnknownId, "account of a counter", |p| p.counters[0].of = LimitOf::Awards(AccountId(9))),
        (Is::UnknownId, "inviter's slot", |p| p.counters[0].per = CounterKey::Inviter(SlotId(99))),
        (Is::TypeMismatch, "inviter that is no name", |p| p.counters[0].per = CounterKey::Inviter(SlotId(8))),
        (Is::UnknownId, "counter of a limit", |p| p.rules[1].limits[0].counter = Some(CounterId(9))),
        (Is::RedemptionTerms, "a rule that pays nothing with points", |p| {
            p.redemptions.push(Redemption {
                rule: RuleId(1),
                account: AccountId(0),
                request: SlotId(8),
                rate: None,
                confirmed: None,
                used: None,
                short: Vec::new(),
            });
        }),
        (Is::RedemptionTerms, "no money for points", |p| {
            p.redemptions.push(Redemption {
                rule: RuleId(1),
                account: AccountId(0),
                request: SlotId(8),
                rate: Some((1, 0)),
                confirmed: None,
                used: None,
                short: Vec::new(),
            });
        }),
        (Is::FilledSlot, "money paid with points", |p| p.tender.points = Some(SlotId(8))),
        (Is::FilledSlot, "money of a line", |p| p.tender.line_cash = Some(SlotId(3))),
        (Is::SitePhase, "terms of a redemption elsewhere", |p| {
            p.sites[1].kind = SiteKind::Tender { term: TenderTerm::Least };
        }),
        (Is::GiftOptions, "a gift of nothing", |p| {
            let (rule, place) = (RuleId(1), PlaceId(0));
            p.gifts.push(Gift { rule, options: Vec::new(), chosen: None, added: true, place });
        }),
        (Is::UnknownId, "an unknown gift", |p| p.sites[1].kind = SiteKind::Gift { gift: 9, option: 0 }),
        (Is::UnknownId, "an unknown telling", |p| p.sites[1].kind = SiteKind::Tell { telling: 9 }),
        (Is::UnknownId, "an offer that is not there", |p| p.tellings.push(Telling::Offer(9))),
        (Is::LimitCounter, "pieces of gifts", |p| p.rules[1].limits[0].of = LimitOf::Gifts),
        (Is::LimitCounter, "of something else", |p| p.rules[1].limits[0].of = LimitOf::Times),
        (Is::UnknownId, "table", |p| code(p, vec![Inst::Loop(Rows::Table(TableId(9))), Inst::End])),
        (Is::UnknownId, "column", |p| {
            let load = Inst::LoadTable(TableId(0), SlotId(9), added(0));
            code(p, vec![Inst::Loop(Rows::Table(TableId(0))), load, Inst::End]);
        }),
        (Is::TableRow, "row of another table", |p| {
            let load = Inst::LoadTable(TableId(1), SlotId(0), added(0));
            code(p, vec![Inst::Loop(Rows::Table(TableId(0))), load, Inst::End]);
        }),
        (Is::TableRow, "row of a line", |p| {
            let load = Inst::LoadTable(TableId(1), SlotId(0), added(0));
            code(p, vec![Inst::Loop(Rows::Lines), load, Inst::End]);
        }),
        (Is::LineRow, "row of a table", |p| {
            let load = Inst::LoadLine(SlotId(0), added(0));
            code(p, vec![Inst::Loop(Rows::Table(TableId(0))), load, Inst::End]);
        }),
        (Is::Derives, "a rule", |p| code(p, vec![Inst::Int(1), Inst::Derive(added(0))])),
        (Is::SetsOwner, "a derivation", |p| {
            p.functions[3].insts = vec![
                Inst::NewSets,
                Inst::Int(1),
                Inst::ChooseSets { sets: Value(0), most: Value(1), member: true, key: SlotId(3) },
                Inst::Derive(Value(1)),
            ];
            p.functions[3].places = vec![PlaceId(0); 4];
        }),
        (Is::TypeMismatch, "sets of a bag", |p| {
            code(p, vec![Inst::NewBag, Inst::Int(1), Inst::SetTimes(added(0), added(1))]);
        }),
        (Is::TypeMismatch, "a part of a bag", |p| {
            let part = Inst::SetPart { sets: added(0), selection: added(0), count: added(0) };
            code(p, vec![Inst::NewSets, part]);
        }),
        (Is::TypeMismatch, "times of a truth", |p| {
            code(p, vec![Inst::Bool(true), Inst::Loop(Rows::Times(added(0))), Inst::End]);
        }),
        (Is::LineRow, "row of times", |p| {
            let load = Inst::LoadLine(SlotId(0), added(1));
            code(p, vec![Inst::Int(1), Inst::Loop(Rows::Times(added(0))), load, Inst::End]);
        }),
        (Is::UnknownId, "floor", |p| p.floor = Some(SlotId(99))),
        (Is::UnknownId, "what sets are chosen by", |p| {
            let choose = Inst::ChooseSets { sets: added(0), most: added(1), member: true, key: SlotId(99) };
            code(p, vec![Inst::NewSets, Inst::Int(1), choose]);
        }),
        (Is::TypeMismatch, "what is derived", |p| {
            p.functions[3].insts[1] = Inst::Wide(1);
        }),
        (Is::UnknownId, "account of a limit", |p| p.rules[0].limits[0].of = LimitOf::Awards(AccountId(9))),
        (Is::UnknownId, "parameter of a limit", |p| {
            p.rules[0].limits[0].amount = LimitAmount::Param(ParamId(9));
        }),
        (Is::UnknownId, "parameter of a group's limit", |p| {
            let limit = Limit {
                amount: LimitAmount::Param(ParamId(9)),
                of: LimitOf::Discounts,
                counter: None,
                otherwise: Otherwise::Cut,
            };
            p.groups[0].limits.push(limit);
        }),
        (Is::UnknownId, "group of a rule", |p| p.rules[0].group = GroupId(9)),
        (Is::UnknownId, "place of a rule", |p| p.rules[0].place = PlaceId(9_999)),
        (Is::UnknownId, "event of a rule", |p| p.rules[0].events = vec![EventId(9)]),
        (Is::UnknownId, "atom of a rule", |p| p.rules[0].atoms = vec![AtomId(9)]),
        (Is::UnknownId, "line atom of a rule", |p| p.rules[0].line_atoms = vec![AtomId(9)]),
        (Is::UnknownId, "function of a rule", |p| p.rules[0].function = FunctionId(9)),
        (Is::UnknownId, "rule of a site", |p| p.sites[0].rule = RuleId(9)),
        (Is::UnknownId, "place of a site", |p| p.sites[0].place = PlaceId(9_999)),
        (Is::UnknownId, "account of a site", |p| {
            p.sites[1].kind = SiteKind::Award {
                account: AccountId(9),
                rounding: None,
                life: perq_compiler::ir::Life::default(),
            };
        }),
        (Is::UnknownId, "place of an instruction", |p| p.functions[0].places[0] = PlaceId(9_999)),
        (Is::UnknownId, "event slot", |p| code(p, vec![Inst::LoadEvent(SlotId(99))])),
        (Is::UnknownId, "line slot", |p| {
            code(p, vec![Inst::Loop(Rows::Lines), Inst::LoadLine(SlotId(99), added(0)), Inst::End]);
        }),
        (Is::UnknownId, "payment slot", |p| {
            code(p, vec![Inst::Loop(Rows::Payments), Inst::LoadPayment(SlotId(99), added(0)), Inst::End]);
        }),
        (Is::UnknownId, "parameter", |p| code(p, vec![Inst::LoadParam(ParamId(9))])),
        (Is::UnknownId, "variable read", |p| code(p, vec![Inst::Get(VarId(9))])),
        (Is::UnknownId, "variable set", |p| code(p, vec![Inst::Int(1), Inst::Set(VarId(9), added(0))])),
        (Is::UnknownId, "reference", |p| {
            code(p, vec![Inst::Int(1), Inst::InReference(added(0), ReferenceId(9))]);
        }),
        (Is::UnknownId, "reference of a set", |p| {
            code(p, vec![Inst::Int(1), Inst::SetHas(added(0), ReferenceId(9))]);
        }),
        (Is::UnknownId, "site", |p| {
            let den = added(0);
            code(p, vec![Inst::Wide(1), Inst::Award { site: SiteId(9), num: den, den, row: None }]);
        }),
        (Is::UnknownId, "key of a pick", |p| {
            if let Inst::PickEveryNth { key, .. } = &mut p.functions[0].insts[9] {
                *key = SlotId(99);
            }
        }),
        (Is::CurrencyDecimals, "five", |p| p.currency.decimals = 5),
        (Is::WeekStart, "eighth day", |p| p.week_starts = 7),
        (Is::AccountDecimals, "ten", |p| p.accounts[0].decimals = 10),
        (Is::AccountWorth, "no units", |p| p.accounts[0].worth = Some((0, 1))),
        (Is::AccountWorth, "money below zero", |p| p.accounts[0].worth = Some((1, -1))),
        (Is::PromiseTerms, "a promise divided by nothing", |p| {
            let mut promise = promise();
            promise.keep.den = 0;
            p.promises.push(promise);
        }),
        (Is::PromiseTerms, "a number that leaves its bits", |p| {
            let mut promise = promise();
            promise.keep.right.constant = i64::MIN;
            p.promises.push(promise);
        }),
        (Is::PromiseTerms, "a basket's promise of a line", |p| {
            let mut promise = promise();
            promise.keep.left.terms.push((1, Figure::Line(SlotId(0))));
            p.promises.push(promise);
        }),
        (Is::UnknownId, "account of a promise", |p| {
            let mut promise = promise();
            promise.keep.left.terms.push((1, Figure::Award(AccountId(9))));
            p.promises.push(promise);
        }),
        (Is::OfferTerms, "an arbitration without a slot", |p| {
            p.offers.arbitrations.push(Arbitration { slots: 0, ..arbitration() });
        }),
        (Is::OfferTerms, "no offer of a goal", |p| {
            p.offers.arbitrations.push(Arbitration { per_goal: Some(0), ..arbitration() });
        }),
        (Is::OfferTerms, "channels where no channel is read", |p| {
            p.offers.arbitrations.push(Arbitration { channels: Some(ReferenceId(0)), ..arbitration() });
        }),
        (Is::OfferTerms, "an offer that nothing is worked out for", |p| p.offers.list.push(offer())),
        (Is::OfferTerms, "a reaction without an answer", |p| {
            let (offer, answer) = (SlotId(0), SlotId(0));
            p.offers.reaction = Some(ReactionSlots { offer, answer, answers: EnumId(0) });
        }),
        (Is::ContactTerms, "a plan without a score", |p| {
            p.contacts.plans.push(ContactPlan { name: "spring".to_owned(), title: None, place: PlaceId(0) });
        }),
        (Is::ContactTerms, "more sorts than marks", |p| p.contacts.sorts = 1),
        (Is::ContactTerms, "a score that nothing works out", |p| p.contacts.score = Some(SlotId(0))),
        (Is::ContactTerms, "an offer that is no name", |p| {
            let [offer, channel, package] = [SlotId(0); 3];
            p.contacts.slots = Some(ContactSlots { offer, channel, package });
        }),
        (Is::ContactTerms, "contacts of no sort that are kept out", |p| {
            p.contacts.drops.push(ContactDrop { sort: 0, text: String::new(), place: PlaceId(0) });
        }),
        (Is::ContactTerms, "a window without a day", |p| {
            let (window, exceptions) = (ContactWindow::Days(0), Vec::new());
            let kind =
                ContactRuleKind::Count { sort: 0, window, at_least: None, at_most: Some(1), exceptions };
            p.contacts.rules.push(ContactRule { kind, text: String::new(), place: PlaceId(0) });
        }),
        (Is::UnknownId, "offer of a class", |p| {
            let classes = vec![Class { offers: vec![0], only_when_none: false }];
            p.offers.arbitrations.push(Arbitration { classes, ..arbitration() });
        }),
        (Is::AwardLife, "account without a day", |p| p.accounts[0].expires = Expires::On(i64::MAX)),
        (Is::AwardLife, "melting backwards", |p| {
            let melt =
                Melt { share: 100_000, of_remaining: false, from: Span::Days(1), every: Span::Days(0) };
            p.accounts[0].melt = Some(melt);
        }),
        (Is::AwardLife, "melting too little", |p| {
            let melt = Melt { share: 9_999, of_remaining: true, from: Span::Days(1), every: Span::Days(1) };
            p.accounts[0].melt = Some(melt);
        }),
        (Is::AwardLife, "an award before it is made", |p| {
            let life = Life { available: Available::After(Span::Days(-1)), ..Life::default() };
            p.sites[1].kind = SiteKind::Award { account: AccountId(0), rounding: None, life };
        }),
        (Is::UnknownId, "account of a debit", |p| {
            p.sites[1].kind = SiteKind::Debit { account: AccountId(9) }
        }),
        (Is::KindOf, "itself", |p| p.kinds[0].of = Some(KindId(0))),
        (Is::EmptyEnumeration, "no value", |p| p.enums[0].values.clear()),
        (Is::ReferenceNames, "none", |p| p.references[0].names.clear()),
        (Is::ReferenceNames, "descending", |p| p.references[1].names.reverse()),
        (Is::ReferenceNames, "twice", |p| p.references[1].names[1] = "a".to_owned()),
        (Is::EventSpellings, "without its name", |p| p.events[0].spellings = vec!["buy".to_owned()]),
        (Is::BuiltinSlots, "too few", |p| slots(p).truncate(5)),
        (Is::BuiltinSlots, "another name", |p| slots(p)[1].name = "line.prices".to_owned()),
        (Is::BuiltinSlots, "another type", |p| slots(p)[1].ty = SlotType::Bool),
        (Is::BuiltinSlots, "optional", |p| slots(p)[1].optional = true),
        (Is::BuiltinSlots, "no payment slots", |p| {
            p.functions[1].insts.truncate(5);
            p.functions[1].places.truncate(5);
            p.functions[2] = Function { name: "f".to_owned(), ..p.functions[1].clone() };
            p.layout.payment.clear();
        }),
        (Is::SlotRecord, "a payment's among the lines'", |p| slots(p)[8].record = RecordKind::Payment),
        (Is::SlotRecord, "a line's among the event's", |p| p.layout.event[9].record = RecordKind::Line),
        (Is::SlotRecord, "a member's among the payments'", |p| {
            p.layout.payment[2].record = RecordKind::Member;
        }),
        (Is::SlotKey, "none", |p| slots(p)[8].key.clear()),
        (Is::SlotScale, "nineteen", |p| slots(p)[8].ty = SlotType::Number { scale: 19 }),
        (Is::SlotDefault, "missing", |p| slots(p)[7].default = Some(MISSING)),
        (Is::SlotDefault, "neither true nor false", |p| slots(p)[8].default = Some(2)),
        (Is::SlotDefault, "a symbol", |p| slots(p)[9].default = Some(0)),
        (Is::SlotDefault, "a set that is not empty", |p| slots(p)[10].default = Some(1)),
        (Is::SlotDefault, "past the enumeration", |p| {
            slots(p)[7].ty = SlotType::Enum(EnumId(0));
            slots(p)[7].default = Some(2);
        }),
        (Is::SlotDefault, "past the day", |p| {
            slots(p)[7].ty = SlotType::Time;
            slots(p)[7].default = Some(86_400);
        }),
        (Is::SlotInherits, "a product's", |p| {
            slots(p)[8].record = RecordKind::Product;
            slots(p)[8].inherits = true;
        }),
        (Is::ParamType, "symbols", |p| {
            p.params[0].ty = SlotType::Symbol(KindId(0));
            p.params[0].values.clear();
        }),
        (Is::ParamValues, "none", |p| p.params[0].values.clear()),
        (Is::ParamValues, "descending", |p| p.params[0].values = vec![(Some(2), 1), (Some(1), 1)]),
        (Is::ParamValues, "second without a day", |p| p.params[0].values = vec![(Some(2), 1), (None, 1)]),
        (Is::ParamValues, "outside", |p| p.params[0].range = Some((5, 9))),
        (Is::ParamValues, "missing", |p| p.params[0].values = vec![(None, MISSING)]),
        (Is::ParamRange, "crossed", |p| p.params[0].range = Some((9, 5))),
        (Is::AtomType, "symbol of a number", |p| p.atoms[0].test = AtomTest::In(ReferenceId(0))),
        (Is::AtomType, "set of a symbol", |p| p.atoms[1].test = AtomTest::Has(ReferenceId(0))),
        (Is::AtomType, "symbol of a set", |p| p.atoms[3].test = AtomTest::In(ReferenceId(0))),
        (Is::AtomType, "between symbols", |p| p.atoms[1].test = AtomTest::Between(0, 1)),
        (Is::AtomType, "one of sets", |p| p.atoms[3].test = AtomTest::OneOf(vec![1])),
        (Is::AtomType, "another kind", |p| {
            p.kinds.push(ReferenceKind { name: "brand".to_owned(), hierarchical: false, of: None });
            p.references[0].kind = KindId(1);
        }),
        (Is::AtomOrder, "descending", |p| p.atoms[2].test = AtomTest::OneOf(vec![2, 1])),
        (Is::AtomOrder, "twice", |p| p.atoms[2].test = AtomTest::OneOf(vec![1, 1])),
        (Is::GroupOrder, "earn before line", |p| {
            let group = Group { name: "late".to_owned(), rules: Vec::new(), ..p.groups[0].clone() };
            p.groups.push(group);
        }),
        (Is::GroupExclusion, "itself", |p| p.groups[1].excludes[0].group = GroupId(1)),
        (Is::GroupExclusion, "a later one", |p| {
            p.groups[0].excludes.push(Exclusion { group: GroupId(1), when_better: false, whole: false });
        }),
        (Is::GroupRules, "in no list", |p| {
            p.groups[1].rules.pop();
        }),
        (Is::GroupRules, "twice", |p| p.groups[1].rules.push(RuleId(2))),
        (Is::GroupRules, "in another's list", |p| {
            let rule = p.groups[1].rules.remove(0);
            p.groups[0].rules.push(rule);
        }),
        (Is::RuleOrder, "ascending", |p| p.rules[2].priority = 99),
        (Is::RuleOrder, "alike, against the order of declaration", |p| {
            p.rules[2].priority = p.rules[1].priority;
            p.groups[1].rules.reverse();
        }),
        (Is::RuleEvents, "none", |p| p.rules[0].events.clear()),
        (Is::RuleEvents, "twice", |p| p.rules[0].events = vec![EventId(0), EventId(0)]),
        (Is::RuleAtoms, "a line's", |p| p.rules[0].atoms = vec![AtomId(1)]),
        (Is::RuleAtoms, "the event's", |p| p.rules[0].line_atoms = vec![AtomId(0)]),
        (Is::FunctionUse, "no rule's", |p| {
            p.functions.push(Function { name: "f".to_owned(), ..Function::default() })
        }),
        (Is::FunctionUse, "two rules'", |p| {
            p.functions[1] = Function { name: "f".to_owned(), ..Function::default() };
            p.functions.pop();
            p.rules[2].function = FunctionId(1);
        }),
        (Is::LimitAmount, "below zero", |p| p.rules[0].limits[0].amount = LimitAmount::Fixed(-1)),
        (Is::SitePhase, "award among prices", |p| {
            p.functions[0].insts.pop();
            p.functions[0].places.pop();
            p.sites[0].kind = p.sites[1].kind;
        }),
        (Is::SitePhase, "discount among awards", |p| {
            let site = Site { rule: RuleId(1), ..p.sites[0].clone() };
            p.sites.push(site);
        }),
        (Is::SitePhase, "award as payment", |p| p.groups[1].phase = Phase::Tender),
        (Is::MultipliedGroup, "its own", |p| {
            let own = p.rules[p.sites[1].rule.index()].group;
            p.sites[1].kind = SiteKind::Multiply { account: AccountId(0), group: own };
        }),
        (Is::MultipliedGroup, "of another phase", |p| {
            p.sites[1].kind = SiteKind::Multiply { account: AccountId(0), group: GroupId(0) };
        }),
        (Is::UnknownId, "multiplied account", |p| {
            let mut group = p.groups[1].clone();
            group.name = "later".to_owned();
            group.rules.clear();
            p.groups.push(group);
            p.groups.swap(1, 2);
            p.rules[1].group = GroupId(2);
            p.rules[2].group = GroupId(2);
            p.sites[1].kind = SiteKind::Multiply { account: AccountId(9), group: GroupId(1) };
        }),
        (Is::TypeMismatch, "beneficiary without a name", |p| p.sites[1].to = Some(SlotId(8))),
        (Is::UnknownId, "beneficiary", |p| p.sites[1].to = Some(SlotId(999))),
        (Is::PlacePosition, "line 0", |p| p.places[0].line = 0),
        (Is::PlacePosition, "column 0", |p| p.places[0].column = 0),
        (Is::PlacePosition, "an end before the beginning", |p| p.places[0].end_line = 0),
        (Is::UnknownId, "rule of a condition", |p| condition(p, |c| c.rule = RuleId(9))),
        (Is::UnknownId, "place of a condition", |p| condition(p, |c| c.place = PlaceId(9_999))),
        (Is::UnknownId, "atom of a condition", |p| condition(p, |c| c.atom = Some(AtomId(9)))),
        (Is::UnknownId, "measure of a condition", |p| condition(p, |c| c.measure = Some(MeasureId(9)))),
        (Is::UnknownId, "account of a measure", |p| measure(p, Unit::Points(AccountId(9)), 1)),
        (Is::UnknownId, "enumeration of a measure", |p| measure(p, Unit::Enum(EnumId(9)), 1)),
        (Is::UnknownId, "kind of a measure", |p| measure(p, Unit::Symbol(KindId(9)), 1)),
        (Is::ControlCharacter, "word of a measure", |p| measure(p, Unit::Count("a\u{1b}".to_owned()), 1)),
        (Is::MeasureParts, "none", |p| measure(p, Unit::Money, 0)),
        (Is::MeasureParts, "a bound of zero", |p| {
            measure(p, Unit::Money, 1);
            p.measures.last_mut().expect("it was added").bound = Some((0, 1));
        }),
        (Is::PlacesLength, "one too few", |p| {
            p.functions[0].places.pop();
        }),
        (Is::VariableType, "selection", |p| p.functions[1].variables.push(Ty::Selection)),
        (Is::VariableType, "bag", |p| p.functions[1].variables.push(Ty::Bag)),
        (Is::TooManyBuffers, "selections", |p| code(p, vec![Inst::NewSelection; limits::BUFFERS + 1])),
        (Is::TooManyBuffers, "sets", |p| code(p, vec![Inst::NewSets; limits::BUFFERS + 1])),
        (Is::TooManyBuffers, "bags", |p| code(p, vec![Inst::NewBag; limits::BUFFERS + 1])),
        (Is::ValueNotMade, "later", |p| code(p, vec![Inst::Known(added(1)), Inst::Int(1)])),
        (Is::ValueNotMade, "itself", |p| code(p, vec![Inst::Known(added(0))])),
        (Is::ValueNotMade, "past the end", |p| code(p, vec![Inst::Known(Value(u32::MAX))])),
        (Is::ValueNotVisible, "from a closed block", |p| {
            code(p, vec![Inst::Block, Inst::Int(1), Inst::End, Inst::Known(added(1))]);
        }),
        (Is::ValueNotVisible, "from a block beside", |p| {
            code(
                p,
                vec![Inst::Block, Inst::Int(1), Inst::End, Inst::Block, Inst::Known(added(1)), Inst::End],
            );
        }),
        (Is::ValueNotVisible, "row of a closed loop", |p| {
            code(p, vec![Inst::Loop(Rows::Lines), Inst::End, Inst::Known(added(0))]);
        }),
        (Is::NoValue, "a block", |p| code(p, vec![Inst::Block, Inst::Known(added(0)), Inst::End])),
        (Is::NoValue, "a set", |p| {
            code(p, vec![Inst::Int(1), Inst::Set(VarId(0), added(0)), Inst::Known(added(1))]);
        }),
        (Is::TypeMismatch, "sum of two widths", |p| {
            code(p, vec![Inst::Int(1), Inst::Wide(1), Inst::Add(added(0), added(1))]);
        }),
        (Is::TypeMismatch, "sum of truths", |p| {
            code(p, vec![Inst::Bool(true), Inst::Add(added(0), added(0))]);
        }),
        (Is::TypeMismatch, "sum of selections", |p| {
            code(p, vec![Inst::NewSelection, Inst::Sub(added(0), added(0))]);
        }),
        (Is::TypeMismatch, "wide factor", |p| {
            code(p, vec![Inst::Wide(1), Inst::MulWide(added(0), added(0))])
        }),
        (Is::TypeMismatch, "narrow dividend", |p| {
            code(p, vec![Inst::Int(1), Inst::Divide(added(0), added(0), Rounding::Up)]);
        }),
        (Is::TypeMismatch, "narrow dividend of floor", |p| {
            code(p, vec![Inst::Int(1), Inst::Floor(added(0), added(0))]);
        }),
        (Is::TypeMismatch, "narrowed word", |p| code(p, vec![Inst::Int(1), Inst::Narrow(added(0))])),
        (Is::TypeMismatch, "widened wide", |p| code(p, vec![Inst::Wide(1), Inst::Widen(added(0))])),
        (Is::TypeMismatch, "negated truth", |p| code(p, vec![Inst::Bool(true), Inst::Negate(added(0))])),
        (Is::TypeMismatch, "modulo of a bag", |p| {
            code(p, vec![Inst::NewBag, Inst::Modulo(added(0), added(0))])
        }),
        (Is::TypeMismatch, "months of a wide day", |p| {
            code(p, vec![Inst::Wide(1), Inst::Int(1), Inst::AddMonths(added(0), added(1))]);
        }),
        (Is::TypeMismatch, "wide months", |p| {
            code(p, vec![Inst::Wide(1), Inst::Int(1), Inst::AddMonths(added(1), added(0))]);
        }),
        (Is::TypeMismatch, "calendar of a truth", |p| {
            code(p, vec![Inst::Bool(true), Inst::Calendar(CalendarPart::Year, added(0))]);
        }),
        (Is::TypeMismatch, "instant of a wide day", |p| {
            code(p, vec![Inst::Wide(1), Inst::Int(1), Inst::InstantOf(added(0), added(1))]);
        }),
        (Is::TypeMismatch, "instant of a wide second", |p| {
            code(p, vec![Inst::Wide(1), Inst::Int(1), Inst::InstantOf(added(1), added(0))]);
        }),
        (Is::TypeMismatch, "clock at a truth", |p| {
            code(p, vec![Inst::Bool(true), Inst::Clock(ClockPart::Day, added(0))]);
        }),
        (Is::TypeMismatch, "compared truths", |p| {
            code(p, vec![Inst::Bool(true), Inst::Compare(Comparison::Equal, added(0), added(0))]);
        }),
        (Is::TypeMismatch, "known truth", |p| code(p, vec![Inst::Bool(true), Inst::Known(added(0))])),
        (Is::TypeMismatch, "truth of a wide", |p| code(p, vec![Inst::Wide(1), Inst::Truth(added(0))])),
        (Is::TypeMismatch, "and of words", |p| code(p, vec![Inst::Int(1), Inst::And(added(0), added(0))])),
        (Is::TypeMismatch, "or of words", |p| code(p, vec![Inst::Int(1), Inst::Or(added(0), added(0))])),
        (Is::TypeMismatch, "not of a word", |p| code(p, vec![Inst::Int(1), Inst::Not(added(0))])),
        (Is::TypeMismatch, "choice by a word", |p| {
            code(p, vec![Inst::Int(1), Inst::Choose(added(0), added(0), added(0))]);
        }),
        (Is::TypeMismatch, "choice of two types", |p| {
            code(p, vec![Inst::Bool(true), Inst::Int(1), Inst::Choose(added(0), added(0), added(1))]);
        }),
        (Is::TypeMismatch, "choice of selections", |p| {
            code(p, vec![Inst::Bool(true), Inst::NewSelection, Inst::Choose(added(0), added(1), added(1))]);
        }),
        (Is::TypeMismatch, "wide symbol", |p| {
            code(p, vec![Inst::Wide(1), Inst::InReference(added(0), ReferenceId(0))]);
        }),
        (Is::TypeMismatch, "wide set", |p| {
            code(p, vec![Inst::Wide(1), Inst::SetHas(added(0), ReferenceId(0))]);
        }),
        (Is::TypeMismatch, "wide symbol of a set", |p| {
            code(p, vec![Inst::Wide(1), Inst::Int(1), Inst::SetContains(added(1), added(0))]);
        }),
        (Is::TypeMismatch, "break by a word", |p| {
            code(
                p,
                vec![
                    Inst::Int(1),
                    Inst::Block,
                    Inst::Break { depth: 0, condition: added(0), when: true },
                    Inst::End,
                ],
            );
        }),
        (Is::TypeMismatch, "variable of another type", |p| {
            code(p, vec![Inst::Wide(1), Inst::Set(VarId(0), added(0))]);
        }),
        (Is::TypeMismatch, "loop over a bag", |p| {
            code(p, vec![Inst::NewBag, Inst::Loop(Rows::Selected(added(0))), Inst::End]);
        }),
        (Is::TypeMismatch, "count of a pick", |p| {
            code(
                p,
                vec![
                    Inst::NewSelection,
                    Inst::Wide(1),
                    Inst::PickExtreme {
                        selection: added(0),
                        count: added(1),
                        cheapest: true,
                        element: Element::Line,
                    },
                ],
            );
        }),
        (Is::TypeMismatch, "pick from a bag", |p| {
            code(
                p,
                vec![
                    Inst::NewBag,
                    Inst::PickEveryNth {
                        selection: added(0),
                        nth: 1,
                        key: SlotId(2),
                        descending: true,
                        element: Element::Line,
                    },
                ],
            );
        }),
        (Is::TypeMismatch, "wide number in a bag", |p| {
            code(p, vec![Inst::NewBag, Inst::Wide(1), Inst::Put(added(0), added(1))]);
        }),
        (Is::TypeMismatch, "distinct of a selection", |p| {
            code(p, vec![Inst::NewSelection, Inst::Distinct(added(0))]);
        }),
        (Is::TypeMismatch, "narrow award", |p| {
            let num = added(0);
            code(p, vec![Inst::Int(1), Inst::Award { site: SiteId(1), num, den: num, row: None }]);
        }),
        (Is::TypeMismatch, "wide count", |p| p.functions[0].insts[2] = Inst::Wide(1)),
        (Is::BreakDepth, "no region", |p| {
            code(p, vec![Inst::Bool(true), Inst::Break { depth: 0, condition: added(0), when: true }]);
        }),
        (Is::BreakDepth, "one region", |p| {
            code(
                p,
                vec![
                    Inst::Bool(true),
                    Inst::Block,
                    Inst::Break { depth: 1, condition: added(0), when: true },
                    Inst::End,
                ],
            );
        }),
        (Is::BreakDepth, "very far", |p| {
            code(
                p,
                vec![
                    Inst::Bool(true),
                    Inst::Block,
                    Inst::Break { depth: u32::MAX, condition: added(0), when: true },
                    Inst::End,
                ],
            );
        }),
        (Is::UnclosedRegion, "block", |p| code(p, vec![Inst::Block])),
        (Is::UnclosedRegion, "loop", |p| code(p, vec![Inst::Loop(Rows::Lines)])),
        (Is::UnopenedRegion, "end", |p| code(p, vec![Inst::End])),
        (Is::LoopDepth, "nine", |p| {
            code(p, vec![Inst::Loop(Rows::Lines); limits::LOOP_DEPTH + 1]);
            code(p, vec![Inst::End; limits::LOOP_DEPTH + 1]);
        }),
        (Is::LineRow, "a number", |p| code(p, vec![Inst::Int(0), Inst::LoadLine(SlotId(0), added(0))])),
        (Is::LineRow, "a payment's row", |p| {
            code(p, vec![Inst::Loop(Rows::Payments), Inst::LoadLine(SlotId(0), added(0)), Inst::End]);
        }),
        (Is::LineRow, "of a select", |p| {
            p.functions[0].insts[3] = Inst::Select { selection: Value(0), row: Value(2), count: Value(2) };
        }),
        (Is::LineRow, "of a question", |p| {
            p.functions[0].insts[4] = Inst::Selected(Value(0), Value(2));
        }),
        (Is::LineRow, "of an award", |p| {
            code(
                p,
                vec![
                    Inst::Int(0),
                    Inst::Wide(1),
                    Inst::Award { site: SiteId(1), num: added(1), den: added(1), row: Some(added(0)) },
                ],
            );
        }),
        (Is::PaymentRow, "a line's row", |p| {
            code(p, vec![Inst::Loop(Rows::Lines), Inst::LoadPayment(SlotId(0), added(0)), Inst::End]);
        }),
        (Is::SelectTarget, "a pick", |p| {
            p.functions[0].insts.extend([
                Inst::Loop(Rows::Lines),
                Inst::Select { selection: Value(7), row: Value(12), count: Value(6) },
                Inst::End,
            ]);
            p.functions[0].places = p.functions[0].insts.iter().map(|_| PlaceId(0)).collect();
        }),
        (Is::SiteKindMismatch, "award by a discount's site", |p| {
            p.functions[1].insts[17] =
                Inst::Award { site: SiteId(0), num: Value(16), den: Value(15), row: None };
        }),
        (Is::SiteKindMismatch, "discount by an award's site", |p| {
            p.functions[0].insts[11] =
                Inst::Discount { site: SiteId(1), selection: Value(7), num: Value(10), den: Value(10) };
        }),
        (Is::SiteRule, "another rule's", |p| {
            p.functions[1].insts[17] =
                Inst::Award { site: SiteId(2), num: Value(16), den: Value(15), row: None };
        }),
        (Is::PickSize, "of each none", |p| {
            if let Inst::PickInEvery { every, .. } = &mut p.functions[0].insts[8] {
                *every = 0;
            }
        }),
        (Is::PickSize, "zeroth", |p| {
            if let Inst::PickEveryNth { nth, .. } = &mut p.functions[0].insts[9] {
                *nth = 0;
            }
        }),
        (Is::PickKey, "symbol", |p| {
            if let Inst::PickEveryNth { key, .. } = &mut p.functions[0].insts[9] {
                *key = SlotId(9);
            }
        }),
        (Is::PickKey, "set", |p| {
            if let Inst::PickEveryNth { key, .. } = &mut p.functions[0].insts[9] {
                *key = SlotId(10);
            }
        }),
    ]
}

#[test]
fn the_valid_program_is_let_pass() {
    assert_eq!(verify(valid()).map(|_| ()), Ok(()));
    assert_eq!(verify(generate::empty()).map(|_| ()), Ok(()));
}

#[test]
fn each_rule_refuses_what_breaks_it() {
    for (rule, what, change) in breaks() {
        let mut program = valid();
        change(&mut program);
        let errors = verify(program).expect_err(&format!("{}: {what}", rule.name()));
        assert!(errors.iter().any(|error| error.rule == rule), "{}: {what}: {errors:?}", rule.name());
        assert!(errors.len() <= limits::ERRORS);
    }
    let tested: BTreeSet<VerifyRule> = breaks().iter().map(|(rule, _, _)| *rule).collect();
    let untested: Vec<&str> =
        VerifyRule::ALL.iter().filter(|rule| !tested.contains(rule)).map(|rule| rule.name()).collect();
    assert_eq!(untested, Vec::<&str>::new());
    let names: BTreeSet<&str> = VerifyRule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), VerifyRule::ALL.len());
}

/// The longest and deepest function that the verifier lets pass goes through every pass on a small stack.
#[test]
fn depth_and_length_cost_no_stack() {
    let half = limits::INSTS / 2;
    let mut program = valid();
    program.functions[1].insts = vec![Inst::Block; half];
    program.functions[1].insts.resize(limits::INSTS, Inst::End);
    program.functions[1].places = vec![PlaceId(0); limits::INSTS];
    let worker = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
        assert!(program.print_function(&program.functions[1]).to_string().len() > limits::INSTS);
        let optimised = optimise(program.clone());
        assert_eq!(optimised.functions[1].insts.len(), 0);
        let mut engines = Engines::new(program).expect("it verifies");
        let input = generate::input(&mut Random::new(1), engines.program());
        assert_eq!(engines.run(FunctionId(1), &input, &mut Report::default()), Ok(()));
    });
    worker.expect("a thread").join().expect("no overflow");
}

/// Two broken rules at once are both refused, whichever is found.
#[test]
fn pairs_of_breaks_are_refused() {
    let breaks = breaks();
    // Changes that need memory of their own size are left out, for there are many pairs.
    let heavy = [VerifyRule::LongList, VerifyRule::BuiltinSlots];
    let light: Vec<&Break> = breaks.iter().filter(|(rule, _, _)| !heavy.contains(rule)).collect();
    let mut random = Random::new(7);
    for _ in 0..2_000 {
        let (first, second) = (random.below(light.len()), random.below(light.len()));
        let (a, b) = (light[first], light[second]);
        // Both may change one thing, and then one of them may undo the other, or find nothing to change.
        let mut program = valid();
        a.2(&mut program);
        let second = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| b.2(&mut program)));
        let verified = verify(program);
        // A region that is not closed and an end that closes none make one that is.
        let regions = [VerifyRule::UnclosedRegion, VerifyRule::UnopenedRegion];
        let mended = regions.contains(&a.0) && regions.contains(&b.0);
        if second.is_ok() && a.0 != b.0 && !mended {
            assert!(verified.is_err(), "{}: {} and {}: {}", a.0.name(), a.1, b.0.name(), b.1);
        }
    }
}

#[test]
fn mutations_are_refused_or_run_alike() {
    let (accepted, refused) = mutate(1, 1_500);
    assert!(accepted > 100, "{accepted} accepted");
    assert!(refused > 500, "{refused} refused");
}

/// Mutates generated programs and gives how many were let pass and how many were refused.
fn mutate(seed: u64, count: usize) -> (usize, usize) {
    let (mut accepted, mut refused) = (0, 0);
    let mut random = Random::new(seed);
    for number in 0..count {
        let mut program = generate::program(&mut random);
        for _ in 0..=random.below(3) {
            mutation(&mut random, &mut program);
        }
        // Never panics, refused or not.
        let _ = optimise(program.clone()).to_string();
        if verify(program.clone()).is_err() {
            refused += 1;
            continue;
        }
        accepted += 1;
        let mut report = Report::default();
        let functions = u32::try_from(program.functions.len()).unwrap();
        let mut engines = Engines::new(program).unwrap_or_else(|words| panic!("mutation {number}: {words}"));
        for _ in 0..4 {
            let input = generate::input(&mut random, engines.program());
            for function in (0..functions).map(FunctionId) {
                let result = engines.run(function, &input, &mut report);
                assert_eq!(result, Ok(()), "mutation {number} of seed {seed}");
            }
        }
    }
    (accepted, refused)
}

fn mutation(random: &mut Random, program: &mut Program) {
    let at = random.below(program.functions.len());
    let others: Vec<Inst> = program.functions.iter().flat_map(|function| function.insts.clone()).collect();
    let function = &mut program.functions[at];
    let count = function.insts.len();
    if count == 0 {
        return;
    }
    let inst = random.below(count);
    match random.below(12) {
        // Another operand.
        0..=3 => {
            let by = random.pick(&[-2i64, -1, 1, 2, 7]);
            let which = random.below(3);
            let mut number = 0;
            function.insts[inst].operands_mut(|value| {
                if number == which {
                    *value = Value(u32::try_from((i64::from(value.0) + by).max(0)).unwrap());
                }
                number += 1;
            });
        }
        // Another instruction in its place.
        4 | 5 => function.insts[inst] = others[random.below(others.len())].clone(),
        // Two of them changed about.
        6 => function.insts.swap(inst, random.below(count)),
        // One gone.
        7 => {
            function.insts.remove(inst);
            function.places.remove(inst);
        }
        // One more.
        8 => {
            let more = others[random.below(others.len())].clone();
            let place = function.places[inst];
            function.insts.insert(inst, more);
            function.places.insert(inst, place);
        }
        // A break's depth.
        9 => {
            for inst in &mut function.insts {
                if let Inst::Break { depth, .. } = inst {
                    *depth = u32::try_from(random.below(4)).unwrap();
                }
            }
        }
        // A type.
        10 => {
            if let Some(ty) = function.variables.first_mut() {
                *ty = random.pick(&[Ty::I64, Ty::I128, Ty::Bool, Ty::Bag]);
            }
        }
        // Something outside the code.
        _ => match random.below(6) {
            0 => program.layout.line.truncate(6 + random.below(6)),
            1 => program.layout.payment.truncate(1 + random.below(6)),
            2 => program.references.truncate(random.below(5)),
            3 => program.params.truncate(random.below(4)),
            4 => program.sites.reverse(),
            _ => {
                if let Some(rule) = program.rules.first_mut() {
                    rule.group = GroupId(u32::try_from(random.below(3)).unwrap());
                }
            }
        },
    }
}
