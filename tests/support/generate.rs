//! Random programs that are well-typed by construction, and random records for them, as functions of a seed.
//!
//! They mean nothing: they hold every instruction, nested and mixed, with numbers from both ends of their ranges.
//! Refuses to know engines: what runs them is elsewhere.

use perq_compiler::calendar::{Universal, WallClock};
use perq_compiler::evaluate::{Bindings, Bits, RecordView, TableRows};
use perq_compiler::ir::{
    Account, AccountId, CalendarPart, ClockPart, Column, Comparison, Currency, Derivation, DiscountAmount,
    Displace, Element, Enumeration, EventId, EventKind, Fall, Function, FunctionId, Group, GroupId, History,
    Inst, KindId, Layout, MISSING, OnPrice, Param, ParamId, Phase, PlaceId, Program, RecordKind, Reference,
    ReferenceId, ReferenceKind, RoundPer, Rounding, RowSource, RowTable, Rows, Rule, RuleId, Scope, SetPick,
    SetValue, Site, SiteId, SiteKind, Slot, SlotId, SlotType, SourceFile, SourcePlace, TableId, Ty, Value,
    VarId,
};
use perq_runtime::clock::Zone;
use std::sync::{Arc, LazyLock};

/// A small generator of numbers: SplitMix64, or choices that somebody else made.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// Choices in the order in which they are made, the next one last.
    choices: Option<Vec<u8>>,
}

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Random {
        Random { state: seed, choices: None }
    }

    /// Of bytes, each of which decides something, so that like bytes make like things. All choices behind the last byte
    /// are the first there is.
    pub fn of_bytes(bytes: &[u8]) -> Random {
        Random { state: 0, choices: Some(bytes.iter().rev().copied().collect()) }
    }

    /// Whether bytes made the choices and are used up.
    pub fn is_exhausted(&self) -> bool {
        self.choices.as_ref().is_some_and(Vec::is_empty)
    }

    /// The next 64 bits; of bytes, one or as many as a choice among `n` takes.
    fn bits_for(&mut self, n: usize) -> u64 {
        let Some(choices) = &mut self.choices else { return self.bits() };
        let (mut bits, mut reached) = (0u64, 1u64);
        while reached < n as u64 && reached < 1 << 56 {
            bits = bits << 8 | u64::from(choices.pop().unwrap_or(0));
            reached <<= 8;
        }
        bits
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        if self.choices.is_some() {
            return self.bits_for(usize::MAX);
        }
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits_for(n) % u64::try_from(n.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// True in so many of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a list.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Between both, included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(usize::try_from(high - low).unwrap_or(0) + 1)).unwrap_or(0)
    }

    /// A number from the ends of the ranges and about zero.
    pub fn edge(&mut self) -> i64 {
        self.pick(&[
            0,
            1,
            -1,
            2,
            i64::MIN,
            i64::MIN + 1,
            i64::MIN / 2,
            i64::MAX,
            i64::MAX - 1,
            i64::MAX / 2 + 1,
            1 << 31,
            -(1 << 31),
            (1 << 32) - 1,
            1_000_000_000_000_000_000,
            -1_000_000_007,
            MISSING,
        ])
    }

    /// A number that is an edge in so many of a hundred.
    pub fn word(&mut self, edges: usize) -> i64 {
        if self.chance(edges) {
            return self.edge();
        }
        match self.below(4) {
            0 => self.between(-3, 12),
            1 => self.between(-1_000, 1_000),
            2 => self.between(0, 100_000),
            _ => self.between(-1_000_000_000, 1_000_000_000),
        }
    }

    fn wide(&mut self, edges: usize) -> i128 {
        if self.chance(edges) {
            let word = i128::from(self.edge());
            return match self.below(7) {
                0 => i128::MIN,
                1 => i128::MIN + 1,
                2 => i128::MAX,
                3 => word << 63,
                4 => word.wrapping_mul(i128::from(self.edge())),
                5 => self.half(),
                _ => word,
            };
        }
        // Some that do not fit 64 bits, and are far from overflowing 128.
        if self.chance(10) {
            return i128::from(self.word(0)) << self.between(40, 80);
        }
        i128::from(self.word(0))
    }

    /// A number at which one of its halves turns over.
    fn half(&mut self) -> i128 {
        let sign = self.pick(&[1, -1]);
        let by = i128::from(self.between(-2, 2));
        (self.pick(&[1i128 << 63, 1 << 64, 3 << 63, 5 << 64]) + by) * sign
    }
}

/// Where everything of a generated program stands.
const SOURCE: SourcePlace = SourcePlace { file: 0, line: 1, column: 1, end_line: u32::MAX, end_column: 1 };
/// Instructions of the longest function.
const LONGEST: usize = 2_000;
/// Symbols in each dictionary, of which some are bound.
const SYMBOLS: usize = 200;

/// A program of a few functions.
pub fn program(random: &mut Random) -> Program {
    let mut program = empty();
    let functions = 1 + random.below(4);
    for number in 0..functions {
        let gives =
            random.pick(&[Gives::Awards, Gives::Awards, Gives::Discounts, Gives::Discounts, Gives::Value]);
        let award = gives == Gives::Awards;
        if gives == Gives::Value {
            let mut function = Generator::new(random, &program, gives, [SiteId(0); 2]).function();
            function.name = format!("derivation_{number}");
            let slot = SlotId(u32::try_from(program.layout.event.len()).unwrap_or(0));
            program.layout.event.push(Slot {
                key: Vec::new(),
                ..self::slot(&format!("derived_{number}"), RecordKind::Derived, SlotType::Number { scale: 0 })
            });
            program.derivations.push(Derivation {
                name: function.name.clone(),
                slot,
                function: FunctionId(u32::try_from(program.functions.len()).unwrap_or(0)),
                events: vec![EventId(0)],
                place: PlaceId(0),
            });
            program.functions.push(function);
            continue;
        }
        let rule = RuleId(u32::try_from(program.rules.len()).unwrap_or(0));
        let sites = [0, 1].map(|_| {
            let site = SiteId(u32::try_from(program.sites.len()).unwrap_or(0));
            program.sites.push(site_of(rule, award));
            site
        });
        let mut function = Generator::new(random, &program, gives, sites).function();
        function.name = format!("function_{number}");
        let group = GroupId(u32::from(award));
        program.groups[group.index()].rules.push(rule);
        let id = FunctionId(u32::try_from(program.functions.len()).unwrap_or(0));
        program.functions.push(function);
        program.rules.push(Rule {
            name: format!("rule_{number}"),
            title: None,
            group,
            priority: 0,
            events: vec![EventId(0)],
            atoms: Vec::new(),
            line_atoms: Vec::new(),
            function: id,
            limits: Vec::new(),
            governance: perq_compiler::ir::Governance::default(),
            place: PlaceId(0),
        });
    }
    program
}

fn site_of(rule: RuleId, award: bool) -> Site {
    let kind = if award {
        SiteKind::Award { account: AccountId(0), rounding: None, life: perq_compiler::ir::Life::default() }
    } else {
        SiteKind::Discount {
            amount: DiscountAmount::Off,
            fall: Fall::Each(Element::Line),
            rounding: Rounding::HalfUp,
        }
    };
    Site { rule, kind, to: None, reason: None, place: PlaceId(0) }
}

fn slot(name: &str, record: RecordKind, ty: SlotType) -> Slot {
    Slot {
        name: name.to_owned(),
        record,
        key: vec![name.to_owned()],
        ty,
        optional: true,
        default: None,
        inherits: false,
    }
}

/// A program without rules.
pub fn empty() -> Program {
    let currency = Currency { code: "EUR".to_owned(), decimals: 2 };
    let mut layout = Layout::builtins(&currency);
    for (slots, record) in [
        (&mut layout.event, RecordKind::Event),
        (&mut layout.line, RecordKind::Line),
        (&mut layout.payment, RecordKind::Payment),
    ] {
        slots.push(slot("amount", record, SlotType::Money { scale: 2 }));
        slots.push(slot("number", record, SlotType::Number { scale: 0 }));
        slots.push(slot("flag", record, SlotType::Bool));
        slots.push(slot("symbol", record, SlotType::Symbol(KindId(0))));
        slots.push(slot("set", record, SlotType::Set(KindId(0))));
    }
    let history = || History { events: vec![EventId(0)], days: None };
    layout.tables = vec![
        RowTable {
            name: "earlier purchases".to_owned(),
            source: RowSource::Earlier(history()),
            columns: vec![Column::LocalAt, Column::PaidNet, Column::Event(SlotId(11))],
        },
        RowTable {
            name: "earlier lines".to_owned(),
            source: RowSource::EarlierLines(history()),
            columns: vec![Column::PiecesKept, Column::Line(SlotId(9)), Column::Returned, Column::PaidNet],
        },
    ];
    let group = |name: &str, phase: Phase| Group {
        name: name.to_owned(),
        title: None,
        phase,
        displace: Displace::None,
        per: Scope::Basket,
        on_price: OnPrice::Original,
        excludes: Vec::new(),
        limits: Vec::new(),
        governance: perq_compiler::ir::Governance::default(),
        rules: Vec::new(),
    };
    let names = [vec!["a"], vec!["a", "b"], vec!["c"], vec!["d", "e", "f"]];
    Program {
        name: "generated".to_owned(),
        version: 1,
        language: 1,
        currency,
        zone: "UTC".to_owned(),
        rounding: Rounding::HalfUp,
        week_starts: 0,
        tax: None,
        floor: None,
        accounts: vec![Account {
            name: "bonus".to_owned(),
            unit: "points".to_owned(),
            decimals: 0,
            rounding: Rounding::HalfUp,
            per: RoundPer::Line,
            worth: Some((100, 1)),
            redeemable: true,
            qualifying: false,
            not_below: None,
            expires: perq_compiler::ir::Expires::Never,
            melt: None,
            shortfall: None,
        }],
        kinds: vec![ReferenceKind { name: "category".to_owned(), hierarchical: false, of: None }],
        enums: vec![Enumeration {
            name: "tier".to_owned(),
            ordered: true,
            values: vec!["base".to_owned(), "vip".to_owned()],
        }],
        references: names
            .iter()
            .map(|names| Reference {
                kind: KindId(0),
                names: names.iter().map(|name| (*name).to_owned()).collect(),
            })
            .collect(),
        events: vec![EventKind {
            name: "purchase".to_owned(),
            spellings: vec!["purchase".to_owned()],
            needs: Vec::new(),
            lacks: Vec::new(),
        }],
        layout,
        params: (0..3)
            .map(|number| Param {
                name: format!("param_{number}"),
                ty: SlotType::Number { scale: 0 },
                values: vec![(None, number)],
                range: None,
            })
            .collect(),
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
        atoms: Vec::new(),
        functions: Vec::new(),
        sites: Vec::new(),
        groups: vec![group("line", Phase::Line), group("earn", Phase::Earn)],
        rules: Vec::new(),
        sources: vec![SourceFile { path: "generated.rule".to_owned(), hash: String::new() }],
        // One for each instruction, so that a fault's place says which.
        places: (0..).take(LONGEST).map(|number| SourcePlace { line: 1 + number, ..SOURCE }).collect(),
        conditions: Vec::new(),
        measures: Vec::new(),
        clocks: Vec::new(),
    }
}

/// What a generated function gives in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    Awards,
    Discounts,
    /// A derivation's value.
    Value,
}

/// What a loop's rows are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Line,
    Payment,
    Table,
    /// No row of the record.
    Nothing,
}

/// A region that is being filled.
#[derive(Default)]
struct Region {
    /// Values made in it.
    values: Vec<(Value, Ty)>,
    /// A loop's row, and what of.
    row: Option<(Value, Of)>,
}

struct Generator<'r> {
    random: &'r mut Random,
    program: &'r Program,
    gives: Gives,
    sites: [SiteId; 2],
    function: Function,
    open: Vec<Region>,
    /// A variable that depends on what was observed.
    observer: VarId,
    /// How many of a hundred constants are edges.
    edges: usize,
    /// Instructions after which nothing is begun.
    budget: usize,
}

const NUMBERS: [Ty; 2] = [Ty::I64, Ty::I128];
const ROUNDINGS: [Rounding; 5] =
    [Rounding::HalfUp, Rounding::HalfEven, Rounding::HalfDown, Rounding::Down, Rounding::Up];
const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

impl<'r> Generator<'r> {
    fn new(random: &'r mut Random, program: &'r Program, gives: Gives, sites: [SiteId; 2]) -> Generator<'r> {
        // Edges end most functions early with a fault, so that most functions hold few.
        let edges = random.pick(&[0, 0, 1, 1, 3, 10, 40]);
        let budget = random.pick(&[8, 20, 40, 80, 160]);
        let count = random.below(5);
        let mut variables: Vec<Ty> =
            (0..count).map(|_| random.pick(&[Ty::I64, Ty::I128, Ty::Bool])).collect();
        // Behind those that the steps know of.
        let observer = VarId(u32::try_from(count).unwrap_or(0));
        variables.push(Ty::I128);
        let function = Function { variables, ..Function::default() };
        Generator {
            random,
            program,
            gives,
            sites,
            function,
            open: vec![Region::default()],
            observer,
            edges,
            budget,
        }
    }

    fn function(mut self) -> Function {
        if self.random.chance(60) {
            self.filled_selection();
        }
        while self.function.insts.len() < self.budget && !self.random.is_exhausted() {
            self.step();
            if self.random.chance(40) {
                self.observe();
            }
        }
        while self.open.len() > 1 {
            self.close();
        }
        self.expose();
        let (num, den) = (self.push(Inst::Get(self.observer)), self.push(Inst::Wide(1)));
        self.propose(num, den);
        self.function.places = (0..).take(self.function.insts.len()).map(PlaceId).collect();
        self.function
    }

    fn push(&mut self, inst: Inst) -> Value {
        let value = Value(u32::try_from(self.function.insts.len()).unwrap_or(u32::MAX));
        let ty = inst.result(&self.function.variables, |value| {
            self.open
                .iter()
                .flat_map(|region| &region.values)
                .find(|(known, _)| *known == value)
                .map(|(_, ty)| *ty)
        });
        if inst == Inst::Block {
            self.open.push(Region::default());
        } else if let Inst::Loop(rows) = inst {
            let of = match rows {
                Rows::Lines | Rows::Selected(_) => Of::Line,
                Rows::Payments => Of::Payment,
                Rows::Table(_) => Of::Table,
                Rows::Times(_) => Of::Nothing,
            };
            self.open.push(Region { values: Vec::new(), row: Some((value, of)) });
        } else if inst == Inst::End {
            self.open.pop();
        }
        if let (Some(ty), Some(region)) = (ty, self.open.last_mut()) {
            region.values.push((value, ty));
        }
        self.function.insts.push(inst);
        value
    }

    fn visible(&mut self, ty: Ty) -> Option<Value> {
        let values: Vec<Value> = self
            .open
            .iter()
            .flat_map(|region| &region.values)
            .filter(|(_, its)| *its == ty)
            .map(|(value, _)| *value)
            .collect();
        if values.is_empty() {
            return None;
        }
        // The latest ones more often: that makes long chains.
        let from = if self.random.chance(60) { values.len().saturating_sub(4) } else { 0 };
        Some(self.random.pick(&values[from..]))
    }

    /// A value of the type, made where there is none.
    fn value(&mut self, ty: Ty) -> Value {
        let fresh = match ty {
            Ty::I64 | Ty::I128 => 25,
            Ty::Bool => 10,
            Ty::Selection | Ty::Bag | Ty::Sets => 10,
        };
        if !self.random.chance(fresh)
            && let Some(value) = self.visible(ty)
        {
            return value;
        }
        match ty {
            Ty::I64 => {
                let inst = match self.random.below(4) {
                    0 => self.event_load(),
                    1 => self.line_load().unwrap_or(Inst::Int(3)),
                    _ => Inst::Int(self.random.word(self.edges)),
                };
                self.push(inst)
            }
            Ty::I128 => {
                let inst = Inst::Wide(self.random.wide(self.edges));
                self.push(inst)
            }
            Ty::Bool => {
                if self.random.chance(20) {
                    let truth = self.random.chance(50);
                    return self.push(Inst::Bool(truth));
                }
                self.comparison()
            }
            Ty::Selection => self.push(Inst::NewSelection),
            Ty::Bag => self.push(Inst::NewBag),
            Ty::Sets => self.push(Inst::NewSets),
        }
    }

    fn event_load(&mut self) -> Inst {
        Inst::LoadEvent(SlotId(
            u32::try_from(self.random.below(self.program.layout.event.len())).unwrap_or(0),
        ))
    }

    fn line_load(&mut self) -> Option<Inst> {
        let row = self.row(Of::Line)?;
        let slot = self.random.below(self.program.layout.line.len());
        Some(Inst::LoadLine(SlotId(u32::try_from(slot).unwrap_or(0)), row))
    }

    fn row(&mut self, of: Of) -> Option<Value> {
        let rows: Vec<Value> = self
            .open
            .iter()
            .filter_map(|region| region.row)
            .filter(|row| row.1 == of)
            .map(|row| row.0)
            .collect();
        if rows.is_empty() { None } else { Some(self.random.pick(&rows)) }
    }

    fn comparison(&mut self) -> Value {
        let ty = self.random.pick(&NUMBERS);
        let (a, b) = (self.compared(ty), self.compared(ty));
        let comparison = self.random.pick(&COMPARISONS);
        self.push(Inst::Compare(comparison, a, b))
    }

    /// A number that is likely near to another.
    fn compared(&mut self, ty: Ty) -> Value {
        match (self.random.below(4), ty) {
            (0, Ty::I128) => {
                let wide = self.random.half();
                self.push(Inst::Wide(wide))
            }
            (0, _) => {
                let word = self.random.between(-1, 2);
                self.push(Inst::Int(word))
            }
            (1, _) => {
                // A flag.
                let word = match self.row(Of::Line) {
                    Some(row) => self.push(Inst::LoadLine(SlotId(8), row)),
                    None => self.push(Inst::LoadEvent(SlotId(10))),
                };
                if ty == Ty::I128 { self.push(Inst::Widen(word)) } else { word }
            }
            (_, ty) => self.value(ty),
        }
    }

    fn loops(&self) -> usize {
        self.open.iter().filter(|region| region.row.is_some()).count()
    }

    fn close(&mut self) {
        if self.random.chance(40) {
            self.expose();
        }
        self.push(Inst::End);
    }

    /// Proposes something that depends on a value at hand, so that a wrong value is seen.
    fn expose(&mut self) {
        let Some(num) = self.observed() else { return };
        let den = match self.random.below(10) {
            0 => self.value(Ty::I128),
            1 => self.push(Inst::Wide(-3)),
            _ => self.push(Inst::Wide(1)),
        };
        self.propose(num, den);
    }

    fn propose(&mut self, num: Value, den: Value) {
        let site = self.random.pick(&self.sites.clone());
        if self.gives == Gives::Value {
            let prime = self.push(Inst::Wide((1 << 61) - 1));
            let num = self.push(Inst::Modulo(num, prime));
            let value = self.push(Inst::Narrow(num));
            self.push(Inst::Derive(value));
        } else if self.gives == Gives::Awards {
            let row = if self.random.chance(70) { self.row(Of::Line) } else { None };
            self.push(Inst::Award { site, num, den, row });
        } else {
            let selection = self.value(Ty::Selection);
            self.push(Inst::Discount { site, selection, num, den });
        }
    }

    /// An `I128` that says which value there is.
    fn observed(&mut self) -> Option<Value> {
        let ty = self.random.pick(&[Ty::I64, Ty::I64, Ty::I128, Ty::I128, Ty::Bool, Ty::Bag, Ty::Selection]);
        let value = self.visible(ty)?;
        self.widened(value, ty)
    }

    /// Mixes the latest value into the observer, by steps that never fault.
    fn observe(&mut self) {
        const PRIME: i128 = (1 << 61) - 1;
        let Some((value, ty)) = self.open.last().and_then(|region| region.values.last()).copied() else {
            return;
        };
        if matches!(ty, Ty::Bag | Ty::Selection | Ty::Sets) {
            return;
        }
        let Some(wide) = self.widened(value, ty) else { return };
        let prime = self.push(Inst::Wide(PRIME));
        let new = self.push(Inst::Modulo(wide, prime));
        let old = self.push(Inst::Get(self.observer));
        let factor = self.push(Inst::Wide(31));
        let old = self.push(Inst::Mul(old, factor));
        let sum = self.push(Inst::Add(old, new));
        let mixed = self.push(Inst::Modulo(sum, prime));
        self.push(Inst::Set(self.observer, mixed));
    }

    fn widened(&mut self, value: Value, ty: Ty) -> Option<Value> {
        let word = match ty {
            Ty::I128 => return Some(value),
            Ty::I64 => value,
            Ty::Bool => {
                let (yes, no) = (self.push(Inst::Wide(1)), self.push(Inst::Wide(0)));
                return Some(self.push(Inst::Choose(value, yes, no)));
            }
            Ty::Bag => self.push(Inst::Distinct(value)),
            Ty::Sets => {
                let list = self.push(Inst::Int(0));
                self.push(Inst::SetTimes(value, list))
            }
            Ty::Selection => {
                let row = self.row(Of::Line)?;
                self.push(Inst::Selected(value, row))
            }
        };
        Some(self.push(Inst::Widen(word)))
    }

    /// A selection with something in it.
    fn filled_selection(&mut self) {
        let selection = self.push(Inst::NewSelection);
        if self.loops() >= 3 {
            return;
        }
        let row = self.push(Inst::Loop(Rows::Lines));
        let count = match self.random.below(3) {
            0 => self.push(Inst::Int(i64::MAX)),
            1 => self.push(Inst::LoadLine(SlotId(1), row)),
            _ => self.value(Ty::I64),
        };
        if self.random.chance(40) {
            let condition = self.comparison();
            let when = self.random.chance(50);
            self.push(Inst::Block);
            self.push(Inst::Break { depth: 0, condition, when });
            self.push(Inst::Select { selection, row, count });
            self.push(Inst::End);
        } else {
            self.push(Inst::Select { selection, row, count });
        }
        self.push(Inst::End);
    }

    /// Sums something into a variable.
    fn sum(&mut self) {
        let Some(variable) = self.variable(&NUMBERS) else { return };
        if self.loops() >= 4 {
            return;
        }
        let ty = self.function.variables[variable.index()];
        let rows = self.rows();
        self.push(Inst::Loop(rows));
        let before = self.push(Inst::Get(variable));
        let add = self.value(ty);
        let after = self.push(Inst::Add(before, add));
        self.push(Inst::Set(variable, after));
        self.push(Inst::End);
    }

    fn variable(&mut self, of: &[Ty]) -> Option<VarId> {
        let variables: Vec<u32> = (0u32..)
            .zip(&self.function.variables)
            .filter(|(number, ty)| *number != self.observer.0 && of.contains(ty))
            .map(|(number, _)| number)
            .collect();
        if variables.is_empty() { None } else { Some(VarId(self.random.pick(&variables))) }
    }

    fn rows(&mut self) -> Rows {
        match self.random.below(7) {
            6 => {
                let times = self.random.between(-1, 5);
                Rows::Times(self.push(Inst::Int(times)))
            }
            0 => Rows::Payments,
            1 => Rows::Table(TableId(u32::try_from(self.random.below(2)).unwrap_or(0))),
            2..=4 => Rows::Lines,
            _ => Rows::Selected(self.value(Ty::Selection)),
        }
    }

    /// Adds an instruction, or a few that belong together.
    fn step(&mut self) {
        let edges = self.edges;
        match self.random.below(51) {
            0 => {
                let word = self.random.word(edges);
                self.push(Inst::Int(word));
            }
            1 => {
                let wide = self.random.wide(edges);
                self.push(Inst::Wide(wide));
            }
            2 => {
                let truth = self.random.chance(50);
                self.push(Inst::Bool(truth));
            }
            3 => {
                let inst = self.event_load();
                self.push(inst);
            }
            4 | 5 => {
                if let Some(inst) = self.line_load() {
                    self.push(inst);
                }
            }
            6 => {
                if let Some(row) = self.row(Of::Payment) {
                    let slot = self.random.below(self.program.layout.payment.len());
                    self.push(Inst::LoadPayment(SlotId(u32::try_from(slot).unwrap_or(0)), row));
                }
            }
            47 | 48 => self.sets(),
            45 => {
                let day = self.day();
                let months = if self.random.chance(80) {
                    let months = self.random.between(-40, 40);
                    self.push(Inst::Int(months))
                } else {
                    self.value(Ty::I64)
                };
                self.push(Inst::AddMonths(day, months));
            }
            49 => {
                let day = self.day();
                let second = match self.random.below(10) {
                    0 => self.value(Ty::I64),
                    1 => {
                        let second = self.random.pick(&[-1, 0, 86_399, 86_400, i64::MIN, i64::MAX]);
                        self.push(Inst::Int(second))
                    }
                    _ => {
                        let second = self.random.between(0, 86_399);
                        self.push(Inst::Int(second))
                    }
                };
                self.push(Inst::InstantOf(day, second));
            }
            50 => {
                let instant = self.instant();
                let part = self.random.pick(&CLOCK_PARTS);
                self.push(Inst::Clock(part, instant));
            }
            46 => {
                let day = self.day();
                let part = self.random.pick(&CalendarPart::ALL);
                self.push(Inst::Calendar(part, day));
            }
            44 => {
                if let Some(row) = self.row(Of::Table) {
                    let Inst::Loop(Rows::Table(table)) = self.function.insts[row.index()] else { return };
                    let columns = self.program.layout.tables[table.index()].columns.len();
                    let column = u32::try_from(self.random.below(columns)).unwrap_or(0);
                    self.push(Inst::LoadTable(table, SlotId(column), row));
                }
            }
            7 => {
                let param = ParamId(u32::try_from(self.random.below(3)).unwrap_or(0));
                self.push(Inst::LoadParam(param));
            }
            8 => {
                let a = self.value(Ty::I64);
                self.push(Inst::Known(a));
            }
            9 => {
                let a = self.value(Ty::I64);
                self.push(Inst::Truth(a));
            }
            10..=12 => {
                let ty = self.random.pick(&NUMBERS);
                let (mut a, b) = (self.value(ty), self.value(ty));
                // One step from the end of the range.
                if edges > 0 && self.random.chance(4) {
                    let high = self.random.chance(50);
                    a = self.push(match ty {
                        Ty::I128 => Inst::Wide(if high { i128::MAX } else { i128::MIN }),
                        Ty::I64 | Ty::Bool | Ty::Selection | Ty::Bag | Ty::Sets => {
                            Inst::Int(if high { i64::MAX } else { i64::MIN })
                        }
                    });
                }
                let inst = match self.random.below(3) {
                    0 => Inst::Add(a, b),
                    1 => Inst::Sub(a, b),
                    _ => Inst::Mul(a, b),
                };
                self.push(inst);
            }
            13 => {
                let (a, b) = (self.value(Ty::I64), self.value(Ty::I64));
                self.push(Inst::MulWide(a, b));
            }
            14 => {
                let ty = self.random.pick(&NUMBERS);
                let a = self.value(ty);
                self.push(Inst::Negate(a));
            }
            15 => {
                let a = self.value(Ty::I64);
                self.push(Inst::Widen(a));
            }
            16 => {
                let a = self.value(Ty::I128);
                self.push(Inst::Narrow(a));
            }
            17 | 18 => {
                let (a, b) = (self.dividend(), self.divisor());
                let rounding = self.random.pick(&ROUNDINGS);
                self.push(Inst::Divide(a, b, rounding));
            }
            19 => {
                let (a, b) = (self.value(Ty::I128), self.divisor());
                self.push(Inst::Floor(a, b));
            }
            20 => {
                if self.random.chance(50) {
                    let (a, b) = (self.value(Ty::I128), self.divisor());
                    self.push(Inst::Modulo(a, b));
                } else {
                    let a = self.value(Ty::I64);
                    let b = if self.random.chance(70) {
                        let word = self.random.pick(&[1, 2, 7, 100, -1, -7, i64::MAX]);
                        self.push(Inst::Int(word))
                    } else {
                        self.value(Ty::I64)
                    };
                    self.push(Inst::Modulo(a, b));
                }
            }
            21 => {
                self.comparison();
            }
            22 => {
                let ty = self.random.pick(&[Ty::I64, Ty::I128, Ty::Bool]);
                let (condition, a, b) = (self.value(Ty::Bool), self.value(ty), self.value(ty));
                self.push(Inst::Choose(condition, a, b));
            }
            23 => {
                let (a, b) = (self.value(Ty::Bool), self.value(Ty::Bool));
                let inst = if self.random.chance(50) { Inst::And(a, b) } else { Inst::Or(a, b) };
                self.push(inst);
            }
            24 => {
                let a = self.value(Ty::Bool);
                self.push(Inst::Not(a));
            }
            25..=27 => self.reference_test(),
            28 => {
                if self.open.len() < 12 {
                    self.push(Inst::Block);
                }
            }
            29 | 30 => {
                if self.loops() < 3 || (self.loops() < 8 && self.random.chance(3)) {
                    let rows = self.rows();
                    self.push(Inst::Loop(rows));
                }
            }
            31 => {
                if self.open.len() > 1 {
                    self.close();
                }
            }
            32 => {
                if self.open.len() > 1 {
                    let condition = self.value(Ty::Bool);
                    let depth = u32::try_from(self.random.below(self.open.len() - 1)).unwrap_or(0);
                    let when = self.random.chance(50);
                    self.push(Inst::Break { depth, condition, when });
                }
            }
            33 => {
                if let Some(variable) = self.variable(&[Ty::I64, Ty::I128, Ty::Bool]) {
                    self.push(Inst::Get(variable));
                }
            }
            34 => {
                if let Some(variable) = self.variable(&[Ty::I64, Ty::I128, Ty::Bool]) {
                    let value = self.value(self.function.variables[variable.index()]);
                    self.push(Inst::Set(variable, value));
                }
            }
            35 => self.filled_selection(),
            36 => self.selection_step(),
            37..=39 => self.picks(),
            40 => {
                if self.random.chance(30) {
                    self.push(Inst::NewBag);
                }
                let (bag, number) = (self.value(Ty::Bag), self.value(Ty::I64));
                self.push(Inst::Put(bag, number));
            }
            41 => {
                let bag = self.value(Ty::Bag);
                self.push(Inst::Distinct(bag));
            }
            42 => self.sum(),
            _ => {
                if self.random.chance(70) {
                    self.expose();
                } else {
                    let (num, den) = (self.value(Ty::I128), self.divisor());
                    self.propose(num, den);
                }
            }
        }
    }

    /// Often a number whose quotients by small numbers lie half-way.
    fn dividend(&mut self) -> Value {
        if self.edges > 0 && self.random.chance(4) {
            return self.push(Inst::Wide(i128::MIN));
        }
        if self.random.chance(40) {
            let wide = i128::from(self.random.between(-40, 40));
            return self.push(Inst::Wide(wide));
        }
        self.value(Ty::I128)
    }

    /// Mostly a day that can be written, now and then one at the ends of the years that can.
    fn day(&mut self) -> Value {
        let day = match self.random.below(10) {
            0 => return self.value(Ty::I64),
            1 => self.random.pick(&[-719_529, -719_528, 2_932_896, 2_932_897, i64::MIN, i64::MAX]),
            _ => self.random.between(-719_528, 2_932_896),
        };
        self.push(Inst::Int(day))
    }

    /// Mostly an instant of the years that can be written, often within a day of the clocks being turned.
    fn instant(&mut self) -> Value {
        let instant = match self.random.below(10) {
            0 => return self.value(Ty::I64),
            1 => self.random.pick(&[
                -62_167_219_200,
                -62_167_219_201,
                253_402_300_799,
                253_402_300_800,
                i64::MIN,
                i64::MAX,
            ]),
            2..=4 => self.random.pick(&TURNED) + self.random.between(-86_400, 86_400),
            _ => self.random.between(-62_167_219_200, 253_402_300_799),
        };
        self.push(Inst::Int(instant))
    }

    /// Mostly not zero.
    fn divisor(&mut self) -> Value {
        if self.random.chance(30) {
            return self.value(Ty::I128);
        }
        let wide = self.random.pick(&[1, 2, 3, 10, 100, 1_000_000, -1, -4, 1 << 62, 1 << 90]);
        self.push(Inst::Wide(wide))
    }

    /// A number that is likely a symbol or a set, as it comes from such a slot.
    fn name_slot(&mut self, set: bool) -> Value {
        let builtins = [8, 6, 1];
        let offset = if set { 4 } else { 3 };
        let inst = if let Some(row) = self.row(Of::Line)
            && self.random.chance(60)
        {
            Inst::LoadLine(SlotId(builtins[1] + offset), row)
        } else if let Some(row) = self.row(Of::Payment) {
            Inst::LoadPayment(SlotId(builtins[2] + offset), row)
        } else {
            Inst::LoadEvent(SlotId(builtins[0] + offset))
        };
        self.push(inst)
    }

    fn reference_test(&mut self) {
        let reference = ReferenceId(u32::try_from(self.random.below(4)).unwrap_or(0));
        match self.random.below(3) {
            0 => {
                let symbol = if self.random.chance(80) { self.name_slot(false) } else { self.value(Ty::I64) };
                self.push(Inst::InReference(symbol, reference));
            }
            1 => {
                let set = if self.random.chance(80) { self.name_slot(true) } else { self.value(Ty::I64) };
                self.push(Inst::SetHas(set, reference));
            }
            _ => {
                let set = if self.random.chance(80) { self.name_slot(true) } else { self.value(Ty::I64) };
                let symbol = if self.random.chance(80) { self.name_slot(false) } else { self.value(Ty::I64) };
                self.push(Inst::SetContains(set, symbol));
            }
        }
    }

    fn selection_step(&mut self) {
        let Some(row) = self.row(Of::Line) else { return };
        let selection = self.value(Ty::Selection);
        if self.random.chance(50) && self.function.insts[selection.index()] == Inst::NewSelection {
            let count = self.value(Ty::I64);
            self.push(Inst::Select { selection, row, count });
        } else {
            self.push(Inst::Selected(selection, row));
        }
    }

    fn picks(&mut self) {
        let selection = self.value(Ty::Selection);
        let element = self.random.pick(&[Element::Unit, Element::Line]);
        let turned = self.random.chance(50);
        let inst = match self.random.below(3) {
            0 => {
                let count = self.pick_count();
                Inst::PickExtreme { selection, count, cheapest: turned, element }
            }
            1 => {
                let count = self.pick_count();
                let every = self.random.pick(&[1, 2, 3, 3, 4, 7, 1_000, u32::MAX]);
                Inst::PickInEvery { selection, count, every, cheapest: turned, element }
            }
            _ => {
                let nth = self.random.pick(&[1, 2, 3, 3, 5, 1_000, u32::MAX]);
                let key = SlotId(self.random.pick(&[0, 1, 2, 3, 5, 6, 7]));
                Inst::PickEveryNth { selection, nth, key, descending: turned, element }
            }
        };
        self.push(inst);
    }

    /// A bundle from its parts to its sets, or one of its instructions by itself. Only rules choose sets.
    fn sets(&mut self) {
        let sets = if self.random.chance(70) { self.push(Inst::NewSets) } else { self.value(Ty::Sets) };
        for _ in 0..self.random.between(1, 3) {
            let selection = self.value(Ty::Selection);
            let count = self.pick_count();
            self.push(Inst::SetPart { sets, selection, count });
        }
        for _ in 0..self.random.between(0, 2) {
            let part = self.random.pick(&[None, None, Some(0), Some(1), Some(9)]);
            let pick = self.random.pick(&[SetPick::All, SetPick::Cheapest, SetPick::Dearest]);
            let value = self.random.pick(&[
                SetValue::Share,
                SetValue::OffEach,
                SetValue::Off,
                SetValue::PriceEach,
                SetValue::Price,
                SetValue::PerSet,
            ]);
            let count = self.pick_count();
            let (num, den) = if self.random.chance(80) {
                let num = i128::from(self.random.between(0, 300));
                let den = i128::from(self.random.pick(&[1i64, 1, 2, 3, 100]));
                (self.push(Inst::Wide(num)), self.push(Inst::Wide(den)))
            } else {
                (self.value(Ty::I128), self.value(Ty::I128))
            };
            self.push(Inst::SetTerm { sets, part, pick, count, value, num, den });
        }
        if self.gives == Gives::Value {
            return;
        }
        let most = self.random.pick(&[1, 2, 3, 50, i64::MAX, 0, -1]);
        let most = self.push(Inst::Int(most));
        let key = SlotId(self.random.pick(&[3, 4]));
        let member = self.random.chance(50);
        let lists = self.push(Inst::ChooseSets { sets, most, member, key });
        if self.loops() >= 3 {
            return;
        }
        let list = self.push(Inst::Loop(Rows::Times(lists)));
        let times = self.push(Inst::SetTimes(sets, list));
        let wide = self.push(Inst::Widen(times));
        let part = self.random.pick(&[None, Some(0), Some(1), Some(7)]);
        self.push(Inst::SetUnits { sets, list, part });
        if let Some(variable) = self.variable(&[Ty::I128]) {
            self.push(Inst::Set(variable, wide));
        }
        if self.random.chance(60) {
            self.expose();
        }
        self.push(Inst::End);
    }

    fn pick_count(&mut self) -> Value {
        if self.random.chance(70) {
            let count = self.random.between(-1, 6);
            self.push(Inst::Int(count))
        } else {
            self.value(Ty::I64)
        }
    }
}

/// What a function runs on. Slots are owned here and lent to engines.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Event slots.
    pub event: Vec<i64>,
    /// Line slots.
    pub lines: Vec<i64>,
    /// Slots of a line.
    pub line_width: usize,
    /// Payment slots.
    pub payments: Vec<i64>,
    /// Slots of a payment.
    pub payment_width: usize,
    /// Rows of tables.
    pub tables: Vec<TableRows>,
    /// What sets point into.
    pub symbols: Vec<u32>,
    /// Values of parameters.
    pub params: Vec<i64>,
    /// Bits of references.
    pub bindings: Bindings,
    /// Turns.
    pub fuel: i64,
}

impl Input {
    /// As engines see it.
    pub fn view(&self) -> RecordView<'_> {
        RecordView {
            event: &self.event,
            lines: &self.lines,
            line_width: self.line_width,
            payments: &self.payments,
            payment_width: self.payment_width,
            tables: &self.tables,
            symbols: &self.symbols,
            params: &self.params,
            rows: None,
            holds: false,
        }
    }
}

/// A record for any generated program.
pub fn input(random: &mut Random, program: &Program) -> Input {
    // Three in ten records hold edges, as do a few of their slots.
    let edges = if random.chance(30) { 1 + random.below(30) } else { 0 };
    let mut symbols: Vec<u32> = Vec::new();
    let layout = &program.layout;
    let lines = match random.below(20) {
        0 | 1 => 0,
        2..=15 => 1 + random.below(6),
        16..=18 => random.below(40),
        _ => random.below(200),
    };
    let payments = random.below(4);
    let event = row(random, &layout.event, &mut symbols, edges);
    let mut input = Input {
        event,
        lines: (0..lines).flat_map(|_| row(random, &layout.line, &mut symbols, edges)).collect(),
        line_width: layout.line.len(),
        payments: (0..payments).flat_map(|_| row(random, &layout.payment, &mut symbols, edges)).collect(),
        payment_width: layout.payment.len(),
        tables: layout
            .tables
            .iter()
            .map(|table| {
                let (width, rows) = (table.columns.len(), random.pick(&[0, 1, 3, 20]));
                TableRows { width, slots: (0..width * rows).map(|_| random.word(edges)).collect() }
            })
            .collect(),
        symbols,
        params: program.params.iter().map(|_| random.word(edges)).collect(),
        bindings: bindings(random),
        fuel: if random.chance(85) { 20_000 } else { random.pick(&[2_000, 700, 300, 100, 30, 5, 0, -1]) },
    };
    // A few are not laid out as the program says.
    if random.chance(2) {
        match random.below(8) {
            6 => input.tables.truncate(1),
            7 => {
                if let Some(rows) = input.tables.first_mut() {
                    rows.width = random.below(5);
                }
            }
            0 => input.event.truncate(3),
            1 => input.line_width = random.below(30),
            2 => input.payment_width = random.below(9),
            3 => input.params.clear(),
            4 => input.symbols.clear(),
            _ => {
                input.lines.pop();
            }
        }
    }
    input
}

fn row(random: &mut Random, slots: &[Slot], symbols: &mut Vec<u32>, edges: usize) -> Vec<i64> {
    slots
        .iter()
        .map(|slot| {
            if random.chance(edges) {
                return random.edge();
            }
            if random.chance(5) {
                return MISSING;
            }
            match (slot.name.as_str(), slot.ty) {
                ("line.pieces", _) => {
                    random.pick(&[1, 1, 1, 1, 2, 3, 5, 12, 0, -2, 10_000_000, i64::MAX / 4])
                }
                ("line.price", _) => random.pick(&[0, 10_000, 10_000, 15_000, 99_900, 123_456_789]),
                (_, SlotType::Bool) => random.between(0, 1),
                (_, SlotType::Symbol(_)) => random.between(0, i64::try_from(SYMBOLS).unwrap_or(0) + 70),
                (_, SlotType::Set(_)) => {
                    let length = random.pick(&[0, 1, 1, 2, 5, 130]);
                    let start = symbols.len();
                    let mut set: Vec<u32> =
                        (0..length).map(|_| u32::try_from(random.below(SYMBOLS + 70)).unwrap_or(0)).collect();
                    set.sort_unstable();
                    symbols.extend(set);
                    i64::try_from(start).unwrap_or(0) << 32 | length
                }
                (
                    _,
                    SlotType::Money { .. }
                    | SlotType::Points(_)
                    | SlotType::Percent
                    | SlotType::Count
                    | SlotType::Number { .. }
                    | SlotType::Date
                    | SlotType::Time
                    | SlotType::Instant
                    | SlotType::Enum(_),
                ) => random.word(0),
            }
        })
        .collect()
}

const CLOCK_PARTS: [ClockPart; 2] = [ClockPart::Day, ClockPart::Second];

/// When clocks are turned: in Rome on 29 March and 25 October 2026, in Apia over 30 December 2011, which it left out.
const TURNED: [i64; 3] = [1_774_746_000, 1_792_890_000, 1_325_239_200];

/// Clocks of zones, two of them with turns at hours and days.
pub fn clock(random: &mut Random) -> Arc<dyn WallClock> {
    static CLOCKS: LazyLock<Vec<Arc<dyn WallClock>>> = LazyLock::new(|| {
        let named = |name: &&str| Zone::named(name).map(|zone| Arc::new(zone) as Arc<dyn WallClock>);
        let zones = ["Europe/Rome", "Pacific/Apia", "America/St_Johns"];
        zones.iter().filter_map(named).chain([Arc::new(Universal) as Arc<dyn WallClock>]).collect()
    });
    let at = random.below(CLOCKS.len());
    CLOCKS.get(at).map_or_else(|| Arc::new(Universal) as Arc<dyn WallClock>, Arc::clone)
}

fn bindings(random: &mut Random) -> Bindings {
    // A reference without bits, and one that is not there, match nothing.
    let count = if random.chance(5) { random.below(4) } else { 4 };
    let references = (0..count)
        .map(|_| {
            let mut bits = Bits::default();
            let members = random.pick(&[0, 1, 20, 100]);
            for _ in 0..members {
                bits.insert(random.below(SYMBOLS));
            }
            bits
        })
        .collect();
    Bindings { references, zone: clock(random) }
}

/// The name of an instruction with what makes it a case of its own: operand types, roundings, comparisons, elements.
pub fn label(function: &Function, types: &[Option<Ty>], at: usize) -> String {
    let Some(inst) = function.insts.get(at) else { return "none".to_owned() };
    let debug = format!("{inst:?}");
    let name: String = debug.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    let ty = |value: &Value| types.get(value.index()).copied().flatten();
    match inst {
        Inst::Add(a, _)
        | Inst::Sub(a, _)
        | Inst::Mul(a, _)
        | Inst::Negate(a)
        | Inst::Modulo(a, _)
        | Inst::Choose(_, a, _)
        | Inst::Set(_, a) => format!("{name}.{:?}", ty(a).unwrap_or(Ty::Bag)),
        Inst::Compare(comparison, a, _) => format!("{name}.{comparison:?}.{:?}", ty(a).unwrap_or(Ty::Bag)),
        Inst::Clock(part, _) => format!("{name}.{part:?}"),
        Inst::Divide(_, _, rounding) => format!("{name}.{rounding:?}"),
        Inst::Get(variable) => format!("{name}.{:?}", function.variables.get(variable.index())),
        Inst::Loop(Rows::Lines) => "Loop.Lines".to_owned(),
        Inst::Loop(Rows::Payments) => "Loop.Payments".to_owned(),
        Inst::Loop(Rows::Selected(_)) => "Loop.Selected".to_owned(),
        Inst::Loop(Rows::Table(_)) => "Loop.Table".to_owned(),
        Inst::Loop(Rows::Times(_)) => "Loop.Times".to_owned(),
        Inst::SetTerm { pick, value, .. } => format!("{name}.{pick:?}.{value:?}"),
        Inst::ChooseSets { member, .. } => format!("{name}.{member}"),
        Inst::Break { when, .. } => format!("{name}.{when}"),
        Inst::PickExtreme { cheapest: turned, element, .. }
        | Inst::PickInEvery { cheapest: turned, element, .. }
        | Inst::PickEveryNth { descending: turned, element, .. } => format!("{name}.{element:?}.{turned}"),
        Inst::Award { row, .. } => format!("{name}.{}", if row.is_some() { "line" } else { "basket" }),
        _ => name,
    }
}

/// Every label there is.
pub fn labels() -> Vec<String> {
    let mut labels: Vec<String> = [
        "Int",
        "Wide",
        "Bool",
        "LoadEvent",
        "LoadLine",
        "LoadPayment",
        "LoadTable",
        "Derive",
        "LoadParam",
        "Known",
        "Truth",
        "MulWide",
        "Widen",
        "Narrow",
        "Floor",
        "AddMonths",
        "Calendar",
        "InstantOf",
        "Clock.Day",
        "Clock.Second",
        "And",
        "Or",
        "Not",
        "InReference",
        "SetHas",
        "SetContains",
        "Block",
        "Loop.Lines",
        "Loop.Payments",
        "Loop.Selected",
        "Loop.Table",
        "Loop.Times",
        "NewSets",
        "SetPart",
        "ChooseSets.true",
        "ChooseSets.false",
        "SetTimes",
        "SetUnits",
        "End",
        "Break.true",
        "Break.false",
        "NewSelection",
        "Select",
        "Selected",
        "NewBag",
        "Put",
        "Distinct",
        "Award.line",
        "Award.basket",
        "Discount",
    ]
    .map(str::to_owned)
    .to_vec();
    for ty in ["I64", "I128"] {
        labels.extend(["Add", "Sub", "Mul", "Negate", "Modulo"].map(|name| format!("{name}.{ty}")));
        labels.extend(COMPARISONS.map(|comparison| format!("Compare.{comparison:?}.{ty}")));
    }
    for ty in ["I64", "I128", "Bool"] {
        labels.extend([format!("Choose.{ty}"), format!("Set.{ty}"), format!("Get.Some({ty})")]);
    }
    labels.extend(ROUNDINGS.map(|rounding| format!("Divide.{rounding:?}")));
    for pick in ["All", "Cheapest", "Dearest"] {
        labels.extend(
            ["Share", "OffEach", "Off", "PriceEach", "Price", "PerSet"]
                .map(|value| format!("SetTerm.{pick}.{value}")),
        );
    }
    for pick in ["PickExtreme", "PickInEvery", "PickEveryNth"] {
        for element in ["Unit", "Line"] {
            labels.extend(["true", "false"].map(|turned| format!("{pick}.{element}.{turned}")));
        }
    }
    labels
}
