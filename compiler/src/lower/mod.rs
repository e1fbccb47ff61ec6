//! Typed tree to IR: the clauses of the language end here.
//!
//! Only a tree without errors comes in. What is sugar becomes the few instructions of the IR; conditions on one field
//! of the event become atoms; each rule becomes one function.

mod atom;
mod build;
mod bundle;
mod contacts;
mod expression;
mod fraction;
mod instruments;
mod lines;
mod offers;
mod past;
mod promise;
mod rule;

use crate::ir::{self, Atom, AtomId, PlaceId, Reference, ReferenceId, Site, SiteId, SlotId};
use crate::sources::SourceMap;
use crate::typed::{self, Builtin, Expr, ExprKind, FieldId};
use build::Builder;
use perq_grammar::diagnostic::Place;
use rustc_hash::{FxHashMap, FxHashSet};

/// Instructions that one rule may come to.
pub const MAX_INSTS: usize = 500_000;

/// Instructions that the rules of a program may come to together.
pub const MAX_PROGRAM_INSTS: usize = 4_000_000;

/// Why a program is not lowered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TooLarge {
    /// These rules come to more than [`MAX_INSTS`] each.
    Rules(Vec<ir::RuleId>),
    /// The rules up to this one come to more than [`MAX_PROGRAM_INSTS`].
    Program(ir::RuleId),
}

/// Which list of [`ir::Layout`] a field's slot is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSpace {
    /// The event's.
    Event,
    /// A line's.
    Line,
    /// A payment's.
    Payment,
    /// A row's of a table.
    Table(ir::TableId),
}

/// What the functions of a program share while they are made.
pub struct Lowering<'p> {
    program: &'p typed::Program,
    sources: &'p SourceMap,
    ir: ir::Program,
    slots: FxHashMap<FieldId, SlotId>,
    references: FxHashMap<Reference, ReferenceId>,
    atoms: FxHashMap<Atom, AtomId>,
    places: FxHashMap<ir::SourcePlace, PlaceId>,
    /// By name.
    counters: FxHashMap<String, ir::CounterId>,
    conditions: FxHashSet<ir::Condition>,
    measures: FxHashMap<ir::Measure, ir::MeasureId>,
    past: past::Past<'p>,
    /// By offer.
    learns: FxHashMap<String, ir::Learn>,
    /// The rule at hand.
    rule: ir::RuleId,
    /// What leaves an arm of a choice has the place of the arm's value.
    marked: bool,
}

/// Lowers a checked program.
///
/// # Errors
/// Its rules come to too many instructions.
pub fn lower(program: &typed::Program, sources: &SourceMap) -> Result<ir::Program, TooLarge> {
    lower_as(program, sources, false)
}

/// As [`lower`], and the instruction that leaves an arm of a choice has the place of the arm's value; see
/// [`crate::interpret::marks`].
///
/// # Errors
/// Its rules come to too many instructions.
pub fn lower_marked(program: &typed::Program, sources: &SourceMap) -> Result<ir::Program, TooLarge> {
    lower_as(program, sources, true)
}

fn lower_as(program: &typed::Program, sources: &SourceMap, marked: bool) -> Result<ir::Program, TooLarge> {
    let settings = &program.settings;
    let currency = ir::Currency { code: settings.currency.clone(), decimals: settings.decimals };
    let ir = ir::Program {
        name: settings.name.clone(),
        version: settings.version,
        language: settings.language,
        zone: settings.zone.clone(),
        rounding: settings.rounding.unwrap_or(ir::Rounding::HalfUp),
        week_starts: settings.week_starts,
        tax: settings.tax,
        floor: None,
        accounts: program.accounts.clone(),
        kinds: program.kinds.clone(),
        enums: program.enums.clone(),
        references: Vec::new(),
        events: program.events.clone(),
        layout: ir::Layout::builtins(&currency),
        currency,
        params: program.params.iter().map(|param| param.ir.clone()).collect(),
        reads: Vec::new(),
        derivations: Vec::new(),
        counters: Vec::new(),
        redemptions: Vec::new(),
        tender: ir::TenderSlots::default(),
        returns: false,
        instruments: ir::Instruments::default(),
        gifts: Vec::new(),
        tellings: Vec::new(),
        offers: ir::Offers::default(),
        contacts: ir::Contacts::default(),
        spendables: Vec::new(),
        promises: Vec::new(),
        atoms: Vec::new(),
        functions: Vec::new(),
        sites: Vec::new(),
        groups: Vec::new(),
        rules: Vec::new(),
        sources: sources.manifest(),
        places: Vec::new(),
        conditions: Vec::new(),
        measures: Vec::new(),
        clocks: Vec::new(),
    };
    let mut lowering = Lowering {
        program,
        sources,
        ir,
        slots: FxHashMap::default(),
        references: FxHashMap::default(),
        atoms: FxHashMap::default(),
        places: FxHashMap::default(),
        counters: FxHashMap::default(),
        conditions: FxHashSet::default(),
        measures: FxHashMap::default(),
        past: past::Past::default(),
        learns: FxHashMap::default(),
        rule: ir::RuleId(0),
        marked,
    };
    if let Some((FieldSpace::Line, slot)) = settings.floor.map(|floor| lowering.slot(floor)) {
        lowering.ir.floor = Some(slot);
    }
    if let Some((FieldSpace::Line, slot)) = settings.besides.map(|besides| lowering.slot(besides))
        && let Some(tax) = &mut lowering.ir.tax
    {
        tax.besides = Some(slot);
    }
    lowering.learning();
    let mut too_large = Vec::new();
    let mut insts = 0_usize;
    for (index, rule) in program.rules.iter().enumerate() {
        let id = ir::RuleId(count(index));
        if !lowering.rule(id, rule) {
            too_large.push(id);
        }
        insts = insts.saturating_add(lowering.ir.functions.last().map_or(0, |function| function.insts.len()));
        if insts > MAX_PROGRAM_INSTS {
            return Err(TooLarge::Program(id));
        }
    }
    for redemption in &program.redemptions {
        let mut slot = |field: FieldId| lowering.slot(field).1;
        let redemption = ir::Redemption {
            rule: redemption.rule,
            account: redemption.account,
            request: slot(redemption.request),
            rate: redemption.rate,
            confirmed: redemption.confirmed.map(&mut slot),
            used: redemption.used.map(&mut slot),
            short: redemption.short.clone(),
        };
        lowering.ir.redemptions.push(redemption);
    }
    if !too_large.is_empty() {
        return Err(TooLarge::Rules(too_large));
    }
    for clock in &program.clocks {
        lowering.clock(clock);
    }
    let conditions = lowering.ir.conditions.len();
    for (index, check) in program.checks.iter().enumerate() {
        lowering.check(index, check);
    }
    // No rule's, so that explanations pass over them.
    lowering.ir.conditions.truncate(conditions);
    for spendable in &program.spendables {
        lowering.spendable(spendable);
    }
    lowering.ir.conditions.truncate(conditions);
    lowering.instruments();
    lowering.offers();
    for promise in &program.promises {
        lowering.promise(promise);
    }
    lowering.contacts();
    for (index, group) in program.groups.iter().enumerate() {
        lowering.group(ir::GroupId(count(index)), group);
    }
    lowering.ir.returns = speaks_of_returns(&lowering.ir);
    Ok(lowering.ir)
}

/// Whether a program says something of goods that come back: it hears of them, cancels awards, says what becomes of
/// points that are spent, or asks what was kept of the past.
fn speaks_of_returns(program: &ir::Program) -> bool {
    let hears = program.rules.iter().any(|rule| rule.events.iter().any(|event| program.is_return(*event)));
    let cancels = program.sites.iter().any(|site| match site.kind {
        ir::SiteKind::Award { life, .. } => life.cancel.is_some(),
        ir::SiteKind::Multiply { .. }
        | ir::SiteKind::Debit { .. }
        | ir::SiteKind::Discount { .. }
        | ir::SiteKind::Gift { .. }
        | ir::SiteKind::Issue { .. }
        | ir::SiteKind::Tell { .. }
        | ir::SiteKind::Set { .. }
        | ir::SiteKind::Tender { .. } => false,
    });
    let net = program.layout.tables.iter().flat_map(|table| &table.columns).any(|column| match column {
        ir::Column::PaidNet | ir::Column::Returned | ir::Column::PiecesKept => true,
        ir::Column::Field(_) | ir::Column::Event(_) | ir::Column::Line(_) | ir::Column::LocalAt => false,
    });
    hears || cancels || net || program.accounts.iter().any(|account| account.shortfall.is_some())
}

/// A length or position as an id's number; programs are far smaller than the limit.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl<'p> Lowering<'p> {
    /// Notes what the steps bind, for what looks at the past.
    fn note_lets(&mut self, steps: &'p [typed::Step]) {
        self.past.lets.clear();
        self.past.sources.clear();
        for step in steps {
            if let typed::Step::Let(local, value) = step {
                self.past.lets.insert(*local, value);
            } else if let typed::Step::LetCollection(local, source) = step {
                self.past.sources.insert(*local, source);
            }
        }
    }

    /// Says whether the rule is of a size that can be compiled.
    fn rule(&mut self, id: ir::RuleId, rule: &'p typed::Rule) -> bool {
        self.rule = id;
        self.past.events.clone_from(&rule.events);
        self.note_lets(&rule.steps);
        let place = self.place(rule.place);
        let atoms = self.rule_atoms(rule);
        let line_atoms = self.line_atoms(rule);
        let mut builder = Builder::new(self, &rule.name, place);
        builder.emit(ir::Inst::Block);
        builder.steps(id, &rule.steps, true);
        builder.emit(ir::Inst::End);
        let fits = !builder.is_full();
        let function = builder.finish();
        let function_id = ir::FunctionId(count(self.ir.functions.len()));
        self.ir.functions.push(function);
        let limits = self.limits(&rule.limits);
        self.ir.rules.push(ir::Rule {
            name: rule.name.clone(),
            title: rule.title.clone(),
            group: rule.group,
            priority: rule.priority,
            events: rule.events.clone(),
            atoms,
            line_atoms,
            function: function_id,
            limits,
            governance: rule.governance.clone(),
            place,
        });
        fits
    }

    fn clock(&mut self, clock: &typed::Clock) {
        let mut slot = |field| self.slot(field).1;
        let zone = match &clock.zone {
            typed::ClockZone::Named(name) => ir::ClockZone::Named(name.clone()),
            typed::ClockZone::Store(field) => ir::ClockZone::Store(slot(*field)),
        };
        let (date, time) = (slot(clock.date), slot(clock.time));
        let (weekday, month_day) = (slot(clock.weekday), slot(clock.month_day));
        self.ir.clocks.push(ir::Clock { zone, date, time, weekday, month_day });
    }

    /// A condition of a test as a derivation: who runs the test has it worked out again after settlement.
    fn check(&mut self, index: usize, check: &typed::Check) {
        self.past.events = vec![check.event];
        self.note_lets(&[]);
        let place = self.place(check.condition.place);
        let name = typed::Check::name(index);
        let mut builder = Builder::new(self, &name, place);
        let truth = builder.truth(&check.condition);
        let (one, zero) = (builder.emit(ir::Inst::Int(1)), builder.emit(ir::Inst::Int(0)));
        let value = builder.emit(ir::Inst::Choose(truth, one, zero));
        builder.emit(ir::Inst::Derive(value));
        let function = builder.finish();
        let slot = SlotId(count(self.ir.layout.event.len()));
        self.ir.layout.event.push(ir::Slot {
            name: name.clone(),
            record: ir::RecordKind::Derived,
            key: Vec::new(),
            ty: ir::SlotType::Bool,
            optional: true,
            default: None,
            inherits: false,
        });
        let function_id = ir::FunctionId(count(self.ir.functions.len()));
        self.ir.functions.push(function);
        let events = vec![check.event];
        self.ir.derivations.push(ir::Derivation { name, slot, function: function_id, events, place });
        self.past.apart();
    }

    /// A condition under which awards may be spent, as a derivation that gives 1 where it holds.
    fn spendable(&mut self, spendable: &'p typed::Spendable) {
        self.past.events.clone_from(&spendable.events);
        self.note_lets(&spendable.steps);
        let place = self.place(spendable.place);
        let mut builder = Builder::new(self, &spendable.name, place);
        builder.emit(ir::Inst::Block);
        for step in &spendable.steps {
            if let typed::Step::When(condition) = step {
                let truth = builder.truth(condition);
                builder.leave_unless(truth, 0);
            } else {
                builder.steps(ir::RuleId(0), std::slice::from_ref(step), false);
            }
        }
        let one = builder.emit(ir::Inst::Int(1));
        builder.emit(ir::Inst::Derive(one));
        builder.emit(ir::Inst::End);
        let function = builder.finish();
        let slot = SlotId(count(self.ir.layout.event.len()));
        let name = format!("{} spendable", spendable.name);
        self.ir.layout.event.push(ir::Slot {
            name: name.clone(),
            record: ir::RecordKind::Derived,
            key: Vec::new(),
            ty: ir::SlotType::Bool,
            optional: true,
            default: None,
            inherits: false,
        });
        let id = ir::FunctionId(count(self.ir.functions.len()));
        self.ir.functions.push(function);
        let events = spendable.events.clone();
        self.ir.derivations.push(ir::Derivation { name, slot, function: id, events, place });
        self.past.apart();
        let (goods, lines) = (spendable.goods, spendable.lines);
        self.ir.spendables.push(ir::Spendable { name: spendable.name.clone(), slot, goods, lines, place });
    }

    /// Limits, with a counter for each that counts over more than one event.
    fn limits(&mut self, limits: &[typed::Limit]) -> Vec<ir::Limit> {
        let lower = |limit: &typed::Limit| {
            let counter = limit.over.as_ref().map(|over| {
                let per = match over.per {
                    typed::CounterKey::Campaign => ir::CounterKey::Campaign,
                    typed::CounterKey::Member => ir::CounterKey::Member,
                    typed::CounterKey::Inviter(field) => ir::CounterKey::Inviter(self.slot(field).1),
                };
                let counter = ir::Counter { name: over.name.clone(), per, window: over.window, of: limit.of };
                self.counter(counter)
            });
            ir::Limit { amount: limit.amount, of: limit.of, counter, otherwise: limit.otherwise }
        };
        limits.iter().map(lower).collect()
    }

    /// The id of a counter. Versions of a rule whose limits are alike count together; where they are not, the later one
    /// counts for itself.
    fn counter(&mut self, mut counter: ir::Counter) -> ir::CounterId {
        let base = counter.name.clone();
        let mut version = 1;
        loop {
            let Some(id) = self.counters.get(&counter.name).copied() else {
                let id = ir::CounterId(count(self.ir.counters.len()));
                self.counters.insert(counter.name.clone(), id);
                self.ir.counters.push(counter);
                return id;
            };
            if self.ir.counters.get(id.index()) == Some(&counter) {
                return id;
            }
            version += 1;
            counter.name = format!("{base}, version {version}");
        }
    }

    fn group(&mut self, id: ir::GroupId, group: &typed::Group) {
        let mut rules: Vec<ir::RuleId> = Vec::new();
        for (index, rule) in self.ir.rules.iter().enumerate() {
            if rule.group == id {
                rules.push(ir::RuleId(count(index)));
            }
        }
        // Stable: equal priorities stay in order of declaration.
        let priority = |rule: &ir::RuleId| self.ir.rules.get(rule.index()).map_or(0, |rule| rule.priority);
        rules.sort_by_key(|rule| std::cmp::Reverse(priority(rule)));
        let limits = self.limits(&group.limits);
        self.ir.groups.push(ir::Group {
            name: group.name.clone(),
            title: group.title.clone(),
            phase: group.phase,
            displace: group.displace,
            per: group.per,
            on_price: group.on_price,
            excludes: group.excludes.clone(),
            limits,
            governance: group.governance.clone(),
            rules,
        });
    }

    /// The id of a place.
    pub fn place(&mut self, place: Place) -> PlaceId {
        let place = self.sources.locate(place);
        if let Some(id) = self.places.get(&place) {
            return *id;
        }
        let id = PlaceId(count(self.ir.places.len()));
        self.ir.places.push(place);
        self.places.insert(place, id);
        id
    }

    /// The place with which an arm is left, where arms are marked.
    pub fn arm(&mut self, value: Place) -> Option<PlaceId> {
        self.marked.then(|| self.place(value))
    }

    /// Notes a condition of the rule at hand, once.
    pub fn condition(
        &mut self,
        place: PlaceId,
        role: ir::Role,
        atom: Option<AtomId>,
        measure: Option<ir::Measure>,
    ) {
        if self.is_deriving() {
            return;
        }
        let measure = measure.map(|measure| {
            let next = ir::MeasureId(self.ir.measures.len() as u32);
            *self.measures.entry(measure).or_insert_with_key(|measure| {
                self.ir.measures.push(measure.clone());
                next
            })
        });
        let condition = ir::Condition { rule: self.rule, place, role, atom, measure };
        if self.conditions.insert(condition) {
            self.ir.conditions.push(condition);
        }
    }

    /// What numbers of this type count; nothing for what is not compared.
    pub fn unit(&self, ty: &typed::Type) -> Option<ir::Unit> {
        Some(match ty {
            typed::Type::Optional(inner) => return self.unit(inner),
            typed::Type::Bool => ir::Unit::Truth,
            typed::Type::Number => ir::Unit::Number,
            typed::Type::Percent => ir::Unit::Percent,
            typed::Type::Money => ir::Unit::Money,
            typed::Type::Points(account) => ir::Unit::Points(*account),
            typed::Type::Count(unit) => {
                ir::Unit::Count(self.program.units.get(unit.0 as usize).cloned().unwrap_or_default())
            }
            typed::Type::Quantity(typed::Dimension::Mass) => ir::Unit::Mass,
            typed::Type::Quantity(typed::Dimension::Volume) => ir::Unit::Volume,
            typed::Type::Duration => ir::Unit::Duration,
            typed::Type::Days => ir::Unit::Days,
            typed::Type::Months => ir::Unit::Months,
            typed::Type::Date => ir::Unit::Date,
            typed::Type::Time => ir::Unit::Time,
            typed::Type::Instant => ir::Unit::Instant,
            typed::Type::Enum(id) => ir::Unit::Enum(*id),
            typed::Type::Symbol(kind) | typed::Type::Set(kind) => ir::Unit::Symbol(*kind),
            typed::Type::Error | typed::Type::Text | typed::Type::Collection(_) | typed::Type::Record(_) => {
                return None;
            }
        })
    }

    /// The id of a reference literal.
    pub fn reference(&mut self, reference: &Reference) -> ReferenceId {
        if let Some(id) = self.references.get(reference) {
            return *id;
        }
        let id = ReferenceId(count(self.ir.references.len()));
        self.ir.references.push(reference.clone());
        self.references.insert(reference.clone(), id);
        id
    }

    /// The id of an atom.
    pub fn atom_id(&mut self, atom: Atom) -> AtomId {
        if let Some(id) = self.atoms.get(&atom) {
            return *id;
        }
        let id = AtomId(count(self.ir.atoms.len()));
        self.ir.atoms.push(atom.clone());
        self.atoms.insert(atom, id);
        id
    }

    /// A new effect.
    pub fn site(&mut self, site: Site) -> SiteId {
        let id = SiteId(count(self.ir.sites.len()));
        self.ir.sites.push(site);
        id
    }

    /// The slot of a field, made on first use.
    pub fn slot(&mut self, field: FieldId) -> (FieldSpace, SlotId) {
        let Some(declared) = self.program.fields.get(field.0 as usize) else {
            return (FieldSpace::Event, SlotId(0));
        };
        match declared.builtin {
            Some(Builtin::Event(slot)) => return (FieldSpace::Event, slot),
            Some(Builtin::Line(slot)) => return (FieldSpace::Line, slot),
            Some(Builtin::Payment(slot)) => return (FieldSpace::Payment, slot),
            Some(Builtin::UnitPrice) => return (FieldSpace::Line, ir::line_slot::PRICE),
            Some(Builtin::UnitInitial) => return (FieldSpace::Line, ir::line_slot::INITIAL),
            Some(Builtin::UnitPaid) => return (FieldSpace::Line, ir::line_slot::PAID),
            Some(Builtin::Balance(account)) => {
                return (FieldSpace::Event, self.state_slot(field, ir::StateRead::Balance(account)));
            }
            Some(Builtin::Read(
                read @ (ir::StateRead::Refund | ir::StateRead::BoughtOn | ir::StateRead::Missing(_)),
            )) => return (FieldSpace::Event, self.state_slot(field, read)),
            Some(Builtin::Tender(of)) => return self.tender_slot(field, of),
            Some(Builtin::Row(rows, of)) => return self.row_slot(declared, rows, of),
            Some(Builtin::Anniversary(of)) => return self.anniversary_slot(declared, of),
            // Promises alone speak of it, and not by a slot.
            Some(Builtin::Settled(_)) => return (FieldSpace::Event, ir::event_slot::BASKET_PAID),
            Some(Builtin::Until(_) | Builtin::Read(_)) | None => {}
        }
        let (space, list) = match declared.record {
            ir::RecordKind::Event | ir::RecordKind::Member | ir::RecordKind::Derived => {
                (FieldSpace::Event, &mut self.ir.layout.event)
            }
            ir::RecordKind::Line | ir::RecordKind::Product => (FieldSpace::Line, &mut self.ir.layout.line),
            ir::RecordKind::Payment => (FieldSpace::Payment, &mut self.ir.layout.payment),
        };
        if let Some(slot) = self.slots.get(&field) {
            return (space, *slot);
        }
        let slot = SlotId(count(list.len()));
        let optional = matches!(declared.ty, typed::Type::Optional(_));
        let is_set = matches!(declared.ty, typed::Type::Set(_));
        list.push(ir::Slot {
            name: declared.name.clone(),
            record: declared.record,
            key: declared.key.clone(),
            ty: declared.slot,
            optional: optional || !declared.events.is_empty(),
            default: declared.default,
            inherits: declared.inherits,
        });
        if let Some(Builtin::Until(window)) = declared.builtin {
            self.ir.reads.push(ir::StateSlot { slot, read: ir::StateRead::Until(window) });
        }
        self.slots.insert(field, slot);
        if let Some(Builtin::Read(read)) = declared.builtin {
            self.ir.reads.push(ir::StateSlot { slot, read });
        }
        for (event, id) in self.ir.events.iter_mut().zip(0..) {
            if declared.events.is_empty() {
                break;
            }
            if !declared.events.contains(&ir::EventId(id)) {
                event.lacks.push(slot);
            } else if !optional && !is_set && declared.default.is_none() {
                event.needs.push(slot);
            }
        }
        (space, slot)
    }

    /// The slot of a field that the tender phase fills.
    fn tender_slot(&mut self, field: FieldId, of: typed::TenderField) -> (FieldSpace, SlotId) {
        let layout = &mut self.ir.layout;
        let (space, list) = match of {
            typed::TenderField::LineCash => (FieldSpace::Line, &mut layout.line),
            typed::TenderField::Points | typed::TenderField::Cash | typed::TenderField::Used(_) => {
                (FieldSpace::Event, &mut layout.event)
            }
        };
        if let Some(slot) = self.slots.get(&field) {
            return (space, *slot);
        }
        let slot = SlotId(count(list.len()));
        if let Some(declared) = self.program.fields.get(field.0 as usize) {
            list.push(ir::Slot {
                name: declared.name.clone(),
                record: ir::RecordKind::Derived,
                key: Vec::new(),
                ty: declared.slot,
                optional: false,
                default: None,
                inherits: false,
            });
        }
        match of {
            typed::TenderField::Points => self.ir.tender.points = Some(slot),
            typed::TenderField::Cash => self.ir.tender.cash = Some(slot),
            typed::TenderField::LineCash => self.ir.tender.line_cash = Some(slot),
            typed::TenderField::Used(_) => {}
        }
        self.slots.insert(field, slot);
        (space, slot)
    }

    /// The slot of a field that kept state fills.
    fn state_slot(&mut self, field: FieldId, read: ir::StateRead) -> SlotId {
        if let Some(slot) = self.slots.get(&field) {
            return *slot;
        }
        let slot = SlotId(count(self.ir.layout.event.len()));
        if let Some(declared) = self.program.fields.get(field.0 as usize) {
            self.ir.layout.event.push(ir::Slot {
                name: declared.name.clone(),
                record: ir::RecordKind::Derived,
                key: Vec::new(),
                ty: declared.slot,
                optional: true,
                default: None,
                inherits: false,
            });
            self.ir.reads.push(ir::StateSlot { slot, read });
        }
        self.slots.insert(field, slot);
        slot
    }

    /// Whether evaluating an operand of `and` or `or` is cheap and cannot fault, so that it needs no jump around it.
    pub fn is_simple(&self, expr: &Expr) -> bool {
        let plain = |expr: &Expr| match &expr.kind {
            ExprKind::Field { field, .. } => !matches!(
                self.program.fields.get(field.0 as usize).and_then(|field| field.builtin),
                Some(Builtin::UnitInitial | Builtin::UnitPaid)
            ),
            ExprKind::Constant(_) | ExprKind::Ordinal(_) | ExprKind::Bool(_) => true,
            ExprKind::Local(_) | ExprKind::Param(_) => true,
            ExprKind::Error
            | ExprKind::Call(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::InRange { .. }
            | ExprKind::OneOf(..)
            | ExprKind::InReference(..)
            | ExprKind::SetHas(..)
            | ExprKind::SetContains(..)
            | ExprKind::Known(_)
            | ExprKind::Convert { .. }
            | ExprKind::Sum(_)
            | ExprKind::Product(_)
            | ExprKind::Modulo(..)
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => false,
        };
        match &expr.kind {
            ExprKind::Not(inner) => self.is_simple(inner),
            ExprKind::Known(inner) => plain(inner),
            // Two fields of unlike scale are brought to one by multiplying, which may overflow.
            ExprKind::Compare(_, left, right) => {
                plain(left)
                    && plain(right)
                    && (matches!(left.kind, ExprKind::Constant(_) | ExprKind::Ordinal(_))
                        || matches!(right.kind, ExprKind::Constant(_) | ExprKind::Ordinal(_)))
            }
            ExprKind::InRange { value, low, high, .. } => {
                plain(value)
                    && matches!(low.kind, ExprKind::Constant(_) | ExprKind::Ordinal(_))
                    && matches!(high.kind, ExprKind::Constant(_) | ExprKind::Ordinal(_))
            }
            ExprKind::OneOf(value, choices) => {
                plain(value)
                    && choices.iter().all(|c| matches!(c.kind, ExprKind::Constant(_) | ExprKind::Ordinal(_)))
            }
            ExprKind::InReference(symbol, _) | ExprKind::SetHas(symbol, _) => plain(symbol),
            ExprKind::SetContains(set, symbol) => plain(set) && plain(symbol),
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Field { .. }
            | ExprKind::Local(_)
            | ExprKind::Param(_)
            | ExprKind::Call(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Convert { .. }
            | ExprKind::Sum(_)
            | ExprKind::Product(_)
            | ExprKind::Modulo(..)
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => plain(expr),
        }
    }
}
