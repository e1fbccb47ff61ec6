//! A small program and catalogue for tests, built by hand.

use crate::catalogue::Catalogue;
use perq_compiler::ir::verify::{Verified, verify};
use perq_compiler::ir::*;

fn slot(name: &str, record: RecordKind, key: &[&str], ty: SlotType) -> Slot {
    Slot {
        name: name.into(),
        record,
        key: key.iter().map(|&part| part.into()).collect(),
        ty,
        optional: false,
        default: None,
        inherits: false,
    }
}

fn optional(slot: Slot) -> Slot {
    Slot { optional: true, ..slot }
}

pub(crate) const SKU: KindId = KindId(0);
pub(crate) const CATEGORY: KindId = KindId(1);
pub(crate) const LIST: KindId = KindId(2);
pub(crate) const STORE: KindId = KindId(3);
pub(crate) const SEGMENT: KindId = KindId(4);

/// Slots after the built-in ones, by name.
pub(crate) fn event_slot_of(program: &Program, name: &str) -> usize {
    program.layout.event.iter().position(|slot| slot.name == name).unwrap()
}

pub(crate) fn line_slot_of(program: &Program, name: &str) -> usize {
    program.layout.line.iter().position(|slot| slot.name == name).unwrap()
}

/// Two rules: 10 % off the lines of the category Tea, and a point for each pound paid.
pub(crate) fn program() -> Program {
    let kind = |name: &str, hierarchical, of| ReferenceKind { name: name.into(), hierarchical, of };
    let reference = |kind, name: &str| Reference { kind, names: vec![name.into()] };
    let currency = Currency { code: "GBP".into(), decimals: 2 };
    let mut layout = Layout::builtins(&currency);
    layout.event.extend([
        optional(slot("event.store", RecordKind::Event, &["store"], SlotType::Symbol(STORE))),
        optional(slot("event.delivered", RecordKind::Event, &["delivered"], SlotType::Date)),
        optional(slot("event.slot", RecordKind::Event, &["slot"], SlotType::Time)),
        optional(slot("event.paid_at", RecordKind::Event, &["paid_at"], SlotType::Instant)),
        optional(slot("member.tier", RecordKind::Member, &["tier"], SlotType::Enum(EnumId(1)))),
        slot("member.segments", RecordKind::Member, &["segments"], SlotType::Set(SEGMENT)),
        optional(slot("member.card.active", RecordKind::Member, &["card", "active"], SlotType::Bool)),
        optional(slot("member.balance", RecordKind::Member, &["balance"], SlotType::Points(AccountId(0)))),
    ]);
    layout.line.extend([
        slot("line.sku", RecordKind::Line, &["sku"], SlotType::Symbol(SKU)),
        Slot {
            inherits: true,
            ..optional(slot("line.category", RecordKind::Line, &["category"], SlotType::Symbol(CATEGORY)))
        },
        Slot {
            inherits: true,
            default: Some(0),
            ..slot("line.kind", RecordKind::Line, &["kind"], SlotType::Enum(EnumId(0)))
        },
        Slot {
            default: Some(0),
            ..slot("line.product.own_brand", RecordKind::Product, &["own_brand"], SlotType::Bool)
        },
        slot("line.product.cost", RecordKind::Product, &["cost"], SlotType::Money { scale: 2 }),
        optional(slot("line.points", RecordKind::Line, &["points"], SlotType::Count)),
        optional(slot("line.weight", RecordKind::Line, &["weight"], SlotType::Number { scale: 3 })),
    ]);
    layout.payment.push(optional(slot(
        "payment.bank",
        RecordKind::Payment,
        &["bank"],
        SlotType::Symbol(STORE),
    )));
    let category = SlotId(LINE_BUILTINS.len() as u32 + 1);
    let places = |insts: &Vec<Inst>| vec![PlaceId(0); insts.len()];
    let discount = vec![
        Inst::NewSelection,
        Inst::Loop(Rows::Lines),
        Inst::LoadLine(category, Value(1)),
        Inst::InReference(Value(2), ReferenceId(0)),
        Inst::Block,
        Inst::Break { depth: 0, condition: Value(3), when: false },
        Inst::LoadLine(line_slot::PIECES, Value(1)),
        Inst::Select { selection: Value(0), row: Value(1), count: Value(6) },
        Inst::End,
        Inst::End,
        Inst::Wide(1),
        Inst::Wide(10),
        Inst::Discount { site: SiteId(0), selection: Value(0), num: Value(10), den: Value(11) },
    ];
    let award = vec![
        Inst::Loop(Rows::Lines),
        Inst::LoadLine(line_slot::PAID, Value(0)),
        Inst::Widen(Value(1)),
        Inst::Wide(100),
        Inst::Award { site: SiteId(1), num: Value(2), den: Value(3), row: Some(Value(0)) },
        Inst::End,
    ];
    let function = |name: &str, insts: Vec<Inst>| Function {
        name: name.into(),
        variables: Vec::new(),
        places: places(&insts),
        insts,
    };
    let rule = |name: &str, group, function| Rule {
        name: name.into(),
        title: None,
        group: GroupId(group),
        priority: 0,
        events: vec![EventId(0)],
        atoms: Vec::new(),
        line_atoms: Vec::new(),
        function: FunctionId(function),
        limits: Vec::new(),
        governance: perq_compiler::ir::Governance::default(),
        place: PlaceId(0),
    };
    let group = |name: &str, phase, rule| Group {
        name: name.into(),
        title: None,
        phase,
        displace: Displace::None,
        per: Scope::Line,
        on_price: OnPrice::Running,
        excludes: Vec::new(),
        limits: Vec::new(),
        governance: perq_compiler::ir::Governance::default(),
        rules: vec![RuleId(rule)],
    };
    Program {
        name: "corner_shop".into(),
        version: 7,
        language: 1,
        currency,
        zone: "Europe/London".into(),
        rounding: Rounding::HalfUp,
        week_starts: 0,
        tax: None,
        floor: None,
        accounts: vec![Account {
            name: "bonus".into(),
            unit: "points".into(),
            decimals: 0,
            rounding: Rounding::Down,
            per: RoundPer::Basket,
            worth: None,
            redeemable: true,
            qualifying: false,
            not_below: None,
            expires: perq_compiler::ir::Expires::Never,
            melt: None,
            shortfall: None,
        }],
        kinds: vec![
            kind("sku", false, None),
            kind("category", true, None),
            kind("list", false, Some(SKU)),
            kind("store", false, None),
            kind("segment", false, None),
        ],
        enums: vec![
            Enumeration {
                name: "LineKind".into(),
                ordered: false,
                values: ["product", "delivery", "gift_card", "fee"].map(Into::into).into(),
            },
            Enumeration {
                name: "Tier".into(),
                ordered: true,
                values: ["bronze", "silver", "gold"].map(Into::into).into(),
            },
        ],
        references: vec![
            reference(CATEGORY, "Tea"),
            reference(CATEGORY, "Drinks"),
            reference(LIST, "Bestsellers"),
            reference(STORE, "London"),
            reference(SKU, "T1"),
        ],
        events: vec![
            EventKind {
                name: "purchase".into(),
                spellings: vec!["purchase".into(), "sale".into()],
                needs: Vec::new(),
                lacks: Vec::new(),
            },
            EventKind {
                name: "return".into(),
                spellings: vec!["return".into()],
                needs: Vec::new(),
                lacks: Vec::new(),
            },
        ],
        layout,
        reads: Vec::new(),
        derivations: Vec::new(),
        counters: Vec::new(),
        redemptions: Vec::new(),
        tender: perq_compiler::ir::TenderSlots::default(),
        returns: false,
        instruments: Default::default(),
        gifts: Vec::new(),
        tellings: Vec::new(),
        offers: Default::default(),
        contacts: Default::default(),
        spendables: Vec::new(),
        promises: Vec::new(),
        params: vec![Param {
            name: "rate".into(),
            ty: SlotType::Percent,
            values: vec![(None, 70_000), (Some(20_000), 80_000)],
            range: Some((0, 100_000)),
        }],
        atoms: Vec::new(),
        functions: vec![function("tea", discount), function("points", award)],
        sites: vec![
            Site {
                rule: RuleId(0),
                kind: SiteKind::Discount {
                    amount: DiscountAmount::Share,
                    fall: Fall::Each(Element::Line),
                    rounding: Rounding::HalfUp,
                },
                to: None,
                reason: Some("tea \"week\"".into()),
                place: PlaceId(0),
            },
            Site {
                rule: RuleId(1),
                kind: SiteKind::Award {
                    account: AccountId(0),
                    rounding: None,
                    life: perq_compiler::ir::Life::default(),
                },
                to: None,
                reason: None,
                place: PlaceId(1),
            },
        ],
        groups: vec![group("offers", Phase::Line, 0), group("base", Phase::Earn, 1)],
        rules: vec![rule("tea_week", 0, 0), rule("points", 1, 1)],
        sources: vec![SourceFile { path: "rules/shop.rule".into(), hash: "00".repeat(32) }],
        places: vec![SourcePlace::at(0, 3, 5), SourcePlace::at(0, 9, 1)],
        conditions: Vec::new(),
        measures: Vec::new(),
        clocks: Vec::new(),
    }
}

pub(crate) fn verified() -> Verified {
    verify(program()).unwrap()
}

pub(crate) fn catalogue() -> Catalogue {
    Catalogue::builder()
        .products_csv(
            "sku,category,own_brand,cost,kind,note\n\
             T1,Green tea,true,0.80,,first\n\
             C1,Coffee,false,1.25,product,\n\
             P1,,,2.00,delivery,\n"
                .as_bytes(),
        )
        .and_then(|builder| {
            builder.tree_csv(
                "category",
                "child,parent\nGreen tea,Tea\nTea,Drinks\nCoffee,Drinks\nDrinks,\n".as_bytes(),
            )
        })
        .and_then(|builder| builder.lists_csv("list,sku\nBestsellers,C1\nBestsellers,X9\n".as_bytes()))
        .and_then(|builder| {
            builder.members_csv("member,tier,card.active,balance\nm1,gold,1,250\nm2,,,\n".as_bytes())
        })
        .and_then(|builder| builder.segments_csv("segment,member\nVIP,m1\nNew,m1\nNew,m3\n".as_bytes()))
        .map(crate::catalogue::CatalogueBuilder::build)
        .unwrap()
}
