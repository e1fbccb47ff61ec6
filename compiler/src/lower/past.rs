//! Tables of rows, windows, and what is worked out once an event: aggregates over the past that say nothing of the
//! basket, shared among all rules by their shape. It refuses to know what the past holds.

use super::build::Builder;
use super::expression::Operand;
use super::fraction::{Den, Fraction, Num};
use super::{FieldSpace, Lowering, count};
use crate::calendar::DAY;
use crate::ir::{
    Column, Comparison, Derivation, DerivationId, EventId, FunctionId, History, Inst, MISSING, Period,
    RecordKind, RowSource, RowTable, Slot, SlotId, SlotType, StateRead, StateSlot, TableId, Value, Window,
    event_slot,
};
use crate::typed::{
    self, Builtin, Element, Expr, ExprKind, FieldId, LocalId, Pattern, RowField, RowsId, RowsKind, Source,
    SourceKind, Type,
};
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

/// What lowering knows of the past.
#[derive(Default)]
pub struct Past<'p> {
    tables: FxHashMap<RowsId, TableId>,
    /// By their shape; nothing for what no slot can hold.
    shared: FxHashMap<String, Option<Derived>>,
    /// Functions that say nothing of the basket beyond their arguments.
    closed: FxHashMap<u32, bool>,
    /// The `let`s of the rule at hand.
    pub lets: FxHashMap<LocalId, &'p Expr>,
    /// Its `let`s of collections.
    pub sources: FxHashMap<LocalId, &'p Source>,
    /// The kinds of events of the rule at hand.
    pub events: Vec<EventId>,
    /// For each derivation that is being made: those that it reads.
    building: Vec<Vec<DerivationId>>,
    /// The same for those that were made.
    reads: Vec<Vec<DerivationId>>,
}

/// A value that is worked out once an event.
#[derive(Clone, Copy, Debug)]
pub struct Derived {
    /// The slot that holds it.
    pub slot: SlotId,
    id: DerivationId,
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// So many make one.
    Number(i128),
    /// The same, and it may be missing.
    Perhaps(i128),
    Ordinal,
    Truth,
}

impl Past<'_> {
    /// Notes a derivation that no expression asks for by itself.
    pub fn apart(&mut self) {
        self.reads.push(Vec::new());
    }
}

impl Derived {
    /// What one base unit of it is in its slot.
    pub fn den(&self) -> i128 {
        match self.shape {
            Shape::Number(den) | Shape::Perhaps(den) => den,
            Shape::Ordinal | Shape::Truth => 1,
        }
    }
}

/// The shape of an expression: equal texts give equal values.
#[derive(Default)]
struct Key {
    text: String,
    bound: Vec<LocalId>,
}

/// How many days before the event's own a window can reach; nothing for those without an end.
fn reach(window: Window) -> Option<u32> {
    match window {
        // Two days more than the seconds make, for zones whose offset changes meanwhile.
        Window::Seconds(seconds) => u32::try_from(seconds / DAY + 2).ok(),
        Window::Days(days) => Some(days),
        Window::Months(months) => months.checked_mul(31),
        Window::This(period) => Some(longest(period)),
        Window::Previous(period) => longest(period).checked_mul(2),
        Window::Ever | Window::Between(..) => None,
    }
}

fn longest(period: Period) -> u32 {
    match period {
        Period::Day => 1,
        Period::Week => 7,
        Period::Month => 31,
        Period::Quarter => 92,
        Period::HalfYear => 184,
        Period::Year => 366,
    }
}

impl<'p> Lowering<'p> {
    /// The table of some rows, made on first use.
    pub fn table(&mut self, rows: RowsId) -> TableId {
        if let Some(table) = self.past.tables.get(&rows) {
            return *table;
        }
        let id = TableId(count(self.ir.layout.tables.len()));
        if let Some(declared) = self.program.rows.get(rows.0 as usize) {
            let history = |event: &EventId| History { events: vec![*event], days: Some(0) };
            let source = match &declared.kind {
                RowsKind::Past(event) => RowSource::Earlier(history(event)),
                RowsKind::PastLines(event) => RowSource::EarlierLines(history(event)),
                RowsKind::List { record, key } => RowSource::List { record: *record, key: key.clone() },
            };
            // One list of several kinds of events may have several names, and two records one list: names are unique.
            let taken = self.ir.layout.tables.iter().any(|table| table.name == declared.name);
            let name = if taken { format!("{} ({})", declared.name, id.0) } else { declared.name.clone() };
            self.ir.layout.tables.push(RowTable { name, source, columns: Vec::new() });
        }
        self.past.tables.insert(rows, id);
        id
    }

    /// Lets the table hold what a window asks for.
    fn extend(&mut self, table: TableId, window: Window) {
        let Some(table) = self.ir.layout.tables.get_mut(table.index()) else { return };
        match &mut table.source {
            RowSource::Earlier(history) | RowSource::EarlierLines(history) => {
                history.days = history.days.zip(reach(window)).map(|(so_far, days)| so_far.max(days));
            }
            RowSource::List { .. } => {}
        }
    }

    /// A column of a table, made on first use.
    fn column(&mut self, table: TableId, column: Column) -> SlotId {
        let Some(table) = self.ir.layout.tables.get_mut(table.index()) else { return SlotId(0) };
        let position = table.columns.iter().position(|other| *other == column).unwrap_or_else(|| {
            table.columns.push(column);
            table.columns.len() - 1
        });
        SlotId(count(position))
    }

    /// Where a field of an element of such rows is.
    pub fn row_slot(&mut self, field: &typed::Field, rows: RowsId, of: RowField) -> (FieldSpace, SlotId) {
        let table = self.table(rows);
        let column = match of {
            RowField::Own => {
                let record = match self.program.rows.get(rows.0 as usize).map(|rows| &rows.kind) {
                    Some(RowsKind::List { record, .. }) => *record,
                    Some(RowsKind::Past(_) | RowsKind::PastLines(_)) | None => RecordKind::Event,
                };
                Column::Field(Slot {
                    name: field.name.clone(),
                    record,
                    key: field.key.clone(),
                    ty: field.slot,
                    optional: matches!(field.ty, Type::Optional(_)),
                    default: field.default,
                    inherits: false,
                })
            }
            RowField::Event(field) => Column::Event(self.slot(field).1),
            RowField::Line(field) => Column::Line(self.slot(field).1),
            RowField::Paid => Column::PaidNet,
            RowField::Returned => Column::Returned,
            RowField::PiecesKept => Column::PiecesKept,
        };
        let slot = self.column(table, column);
        (FieldSpace::Table(table), slot)
    }

    /// The slot of the days from an anniversary.
    pub fn anniversary_slot(&mut self, field: &typed::Field, of: FieldId) -> (FieldSpace, SlotId) {
        let (_, date) = self.slot(of);
        (FieldSpace::Event, self.read_slot(StateRead::Anniversary(date), &field.name))
    }

    /// The slot that the calendar fills so, made on first use.
    fn read_slot(&mut self, read: StateRead, name: &str) -> SlotId {
        if let Some(slot) = self.ir.reads.iter().find(|slot| slot.read == read) {
            return slot.slot;
        }
        let slot = self.derived_slot(name, SlotType::Count);
        self.ir.reads.push(StateSlot { slot, read });
        slot
    }

    fn derived_slot(&mut self, name: &str, ty: SlotType) -> SlotId {
        let slot = SlotId(count(self.ir.layout.event.len()));
        self.ir.layout.event.push(Slot {
            name: name.into(),
            record: RecordKind::Derived,
            key: Vec::new(),
            ty,
            optional: true,
            default: None,
            inherits: false,
        });
        slot
    }

    /// What a `let` of the rule at hand says.
    pub fn rule_let(&self, local: LocalId) -> Option<&'p Expr> {
        self.past.lets.get(&local).copied()
    }

    /// What a `let` of a collection of the rule at hand says.
    pub fn rule_collection(&self, local: LocalId) -> Option<&'p Source> {
        self.past.sources.get(&local).copied()
    }

    /// Whether conditions are those of what is worked out once an event, and so of no single rule.
    pub fn is_deriving(&self) -> bool {
        !self.past.building.is_empty()
    }

    /// The value of an expression from the slot in which it is worked out once an event: of a counter, and of an
    /// aggregate over rows of tables that says nothing of the basket.
    pub fn derived(&mut self, expr: &Expr) -> Option<Derived> {
        let (expr, counter) = self.behind(expr)?;
        let mut key = Key::default();
        if !self.key(expr, &mut key) {
            return None;
        }
        let derived = match self.past.shared.get(&key.text) {
            Some(known) => *known,
            None => {
                let derived = self.derive(expr, counter);
                self.past.shared.insert(key.text, derived);
                derived
            }
        }?;
        let events = self.past.events.clone();
        self.hear(derived.id, &events);
        if let Some(reads) = self.past.building.last_mut()
            && !reads.contains(&derived.id)
        {
            reads.push(derived.id);
        }
        Some(derived)
    }

    /// What is worked out for an expression, and the counter that names it.
    fn behind<'e>(&self, expr: &'e Expr) -> Option<(&'e Expr, Option<&'p str>)>
    where
        'p: 'e,
    {
        if let ExprKind::Aggregate { source, .. } = &expr.kind {
            return self.is_of_rows(source).then_some((expr, None));
        }
        if let ExprKind::Call(id, arguments) = &expr.kind
            && arguments.is_empty()
        {
            let function = self.program.functions.get(id.0 as usize)?;
            return function.counter.then_some((&function.body, Some(function.name.as_str())));
        }
        let ExprKind::Local(local) = &expr.kind else { return None };
        self.behind(self.past.lets.get(local).copied()?)
    }

    fn is_of_rows(&self, source: &Source) -> bool {
        match &source.kind {
            SourceKind::All => matches!(source.of, Element::Row(_)),
            SourceKind::Past(_) => true,
            SourceKind::Filter(inner, _) => self.is_of_rows(inner),
            SourceKind::Bound(local) => {
                self.past.sources.get(local).is_some_and(|source| self.is_of_rows(source))
            }
            SourceKind::One(_)
            | SourceKind::Set { .. }
            | SourceKind::Extreme { .. }
            | SourceKind::EveryNth { .. } => false,
        }
    }

    /// Lets a derivation, and those that it reads, be worked out for these events too.
    fn hear(&mut self, id: DerivationId, events: &[EventId]) {
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            let Some(derivation) = self.ir.derivations.get_mut(id.index()) else { continue };
            let before = derivation.events.len();
            derivation.events.extend(events);
            derivation.events.sort_unstable();
            derivation.events.dedup();
            if derivation.events.len() > before
                && let Some(reads) = self.past.reads.get(id.index())
            {
                waiting.extend(reads);
            }
        }
    }

    /// A new derivation; nothing where no slot can hold its values.
    fn derive(&mut self, expr: &Expr, counter: Option<&str>) -> Option<Derived> {
        let place = self.place(expr.place);
        let name = match counter {
            Some(name) => name.to_owned(),
            None => {
                let position = self.ir.places.get(place.index());
                let source = self.sources.get(expr.place.file);
                let words = source.zip(position).and_then(|(source, position)| source.quote(position));
                let words: String = words.unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
                words.chars().take(100).collect()
            }
        };
        self.past.building.push(Vec::new());
        let mut builder = Builder::new(self, &name, place);
        let operand = builder.underived(expr);
        let given = match operand {
            Operand::Truth(truth) => {
                let (one, zero) = (builder.int(1), builder.int(0));
                Some((builder.emit(Inst::Choose(truth, one, zero)), Shape::Truth))
            }
            Operand::Ordinal(value) => Some((value, Shape::Ordinal)),
            Operand::Number(Fraction { num: Num::Narrow(value), den: Den::Constant(den) }) => {
                Some((value, Shape::Number(den)))
            }
            // A sum of wide terms is exact where it is used; a counter has to fit.
            Operand::Number(Fraction { num: Num::Wide(value), den: Den::Constant(den) })
                if counter.is_some() =>
            {
                Some((builder.emit(Inst::Narrow(value)), Shape::Number(den)))
            }
            Operand::Perhaps(
                known,
                Fraction { num: num @ (Num::Narrow(_) | Num::Wide(_)), den: Den::Constant(den) },
            ) => {
                let value = match num {
                    Num::Wide(value) => builder.emit(Inst::Narrow(value)),
                    Num::Narrow(value) => value,
                    Num::Constant(_) => builder.int(0),
                };
                let missing = builder.int(MISSING);
                Some((builder.emit(Inst::Choose(known, value, missing)), Shape::Perhaps(den)))
            }
            Operand::Number(_) | Operand::Perhaps(..) => None,
        };
        if let Some((value, _)) = given {
            builder.emit(Inst::Derive(value));
        }
        let fits = !builder.is_full();
        let function = builder.finish();
        let reads = self.past.building.pop().unwrap_or_default();
        let (_, shape) = given.filter(|_| fits)?;
        let id = DerivationId(count(self.ir.derivations.len()));
        let taken = self.ir.derivations.iter().any(|other| other.name == name);
        let name = if taken || name.is_empty() { format!("{name} ({})", id.0) } else { name };
        let ty = match shape {
            Shape::Truth => SlotType::Bool,
            Shape::Number(_) | Shape::Perhaps(_) | Shape::Ordinal => SlotType::Count,
        };
        let slot = self.derived_slot(&name, ty);
        let number = FunctionId(count(self.ir.functions.len()));
        self.ir.functions.push(function);
        self.past.reads.push(reads);
        self.ir.derivations.push(Derivation { name, slot, function: number, events: Vec::new(), place });
        Some(Derived { slot, id, shape })
    }

    /// Writes down the shape of an expression; says whether it is the same for the whole event, whatever line or
    /// phase it is asked in.
    fn key(&mut self, expr: &Expr, key: &mut Key) -> bool {
        let program = self.program;
        match &expr.kind {
            ExprKind::Error => return false,
            ExprKind::Constant(ratio) => put(key, format_args!("c{}/{}", ratio.num, ratio.den)),
            ExprKind::Bool(truth) => put(key, format_args!("b{truth}")),
            ExprKind::Ordinal(ordinal) => put(key, format_args!("o{ordinal}")),
            ExprKind::Field { field, of: None } => {
                let running = program.fields.get(field.0 as usize).is_none_or(|field| match field.builtin {
                    Some(Builtin::Event(slot)) => slot == event_slot::BASKET_PAID,
                    Some(
                        Builtin::Line(_)
                        | Builtin::Payment(_)
                        | Builtin::UnitPrice
                        | Builtin::UnitInitial
                        | Builtin::UnitPaid
                        | Builtin::Row(..),
                    ) => true,
                    Some(Builtin::Tender(_) | Builtin::Settled(_)) => true,
                    Some(
                        Builtin::Anniversary(_) | Builtin::Until(_) | Builtin::Balance(_) | Builtin::Read(_),
                    )
                    | None => false,
                });
                put(key, format_args!("f{}", field.0));
                return !running;
            }
            ExprKind::Field { field, of: Some(of) } => {
                let Some(position) = key.bound.iter().position(|bound| bound == of) else { return false };
                put(key, format_args!("f{}@{position}", field.0));
            }
            ExprKind::Local(local) => {
                if let Some(position) = key.bound.iter().position(|bound| bound == local) {
                    put(key, format_args!("@{position}"));
                    return true;
                }
                let Some(value) = self.past.lets.get(local).copied() else { return false };
                return self.key(value, key);
            }
            ExprKind::Param(param) => put(key, format_args!("p{}", param.0)),
            ExprKind::Call(id, arguments) => {
                let Some(function) = program.functions.get(id.0 as usize) else { return false };
                if arguments.is_empty() {
                    return self.key(&function.body, key);
                }
                put(key, format_args!("call{}", id.0));
                return self.is_closed(id.0) && self.keys(arguments, key);
            }
            ExprKind::And(parts) => return self.tagged("and", parts, key),
            ExprKind::Or(parts) => return self.tagged("or", parts, key),
            ExprKind::Not(inner) => return self.tagged("not", std::slice::from_ref(inner.as_ref()), key),
            ExprKind::Known(inner) => return self.tagged("known", std::slice::from_ref(inner.as_ref()), key),
            ExprKind::Negate(inner) => return self.tagged("-", std::slice::from_ref(inner.as_ref()), key),
            ExprKind::Compare(comparison, left, right) => {
                put(key, format_args!("{comparison:?}"));
                return self.pair(left, right, key);
            }
            ExprKind::InRange { value, low, high, included } => {
                put(key, format_args!("range{included}"));
                return self.key(value, key) && self.pair(low, high, key);
            }
            ExprKind::OneOf(value, choices) => {
                put(key, format_args!("oneof"));
                return self.key(value, key) && self.keys(choices, key);
            }
            ExprKind::InReference(value, reference) => {
                put(key, format_args!("in{reference:?}"));
                return self.key(value, key);
            }
            ExprKind::SetHas(value, reference) => {
                put(key, format_args!("has{reference:?}"));
                return self.key(value, key);
            }
            ExprKind::SetContains(set, value) => {
                put(key, format_args!("contains"));
                return self.pair(set, value, key);
            }
            ExprKind::Convert { value, ratio, rounding } => {
                put(key, format_args!("as{}/{}{rounding:?}", ratio.num, ratio.den));
                return self.key(value, key);
            }
            ExprKind::Sum(terms) | ExprKind::Product(terms) => {
                put(
                    key,
                    format_args!("{}", if matches!(expr.kind, ExprKind::Sum(_)) { "sum" } else { "product" }),
                );
                for (turned, term) in terms {
                    put(key, format_args!("{turned}"));
                    if !self.key(term, key) {
                        return false;
                    }
                }
                put(key, format_args!("."));
            }
            ExprKind::Modulo(left, right) => {
                put(key, format_args!("mod"));
                return self.pair(left, right, key);
            }
            ExprKind::Steps(left, right) => {
                put(key, format_args!("steps"));
                return self.pair(left, right, key);
            }
            ExprKind::AddMonths(date, months) => {
                put(key, format_args!("months"));
                return self.pair(date, months, key);
            }
            ExprKind::Instant(day, second) => put(key, format_args!("at{day}:{second}")),
            ExprKind::Moved(instant, length) => {
                put(key, format_args!("moved{:?}", length.ty));
                return self.pair(instant, length, key);
            }
            ExprKind::Calendar(part, date) => {
                put(key, format_args!("{part:?}"));
                return self.key(date, key);
            }
            ExprKind::Extreme { largest, values } => {
                put(key, format_args!("extreme{largest}"));
                return self.keys(values, key);
            }
            ExprKind::Aggregate { function, value, source } => {
                let bound = key.bound.len();
                put(key, format_args!("{}", function.word()));
                let closed = self.source_key(source, key)
                    && value.as_ref().is_none_or(|value| {
                        put(key, format_args!(":"));
                        self.key(value, key)
                    });
                key.bound.truncate(bound);
                put(key, format_args!("."));
                return closed;
            }
            ExprKind::Match { subjects, rows } => {
                put(key, format_args!("match"));
                if !self.keys(subjects, key) {
                    return false;
                }
                for row in rows {
                    let patterns = row.patterns.iter().all(|pattern| self.pattern_key(pattern, key));
                    if !patterns || !self.key(&row.value, key) {
                        return false;
                    }
                }
                put(key, format_args!("."));
            }
        }
        true
    }

    fn tagged(&mut self, tag: &str, parts: &[Expr], key: &mut Key) -> bool {
        put(key, format_args!("{tag}"));
        self.keys(parts, key)
    }

    fn keys(&mut self, parts: &[Expr], key: &mut Key) -> bool {
        let closed = parts.iter().all(|part| self.key(part, key));
        put(key, format_args!("."));
        closed
    }

    fn pair(&mut self, left: &Expr, right: &Expr, key: &mut Key) -> bool {
        self.key(left, key) && self.key(right, key)
    }

    fn pattern_key(&mut self, pattern: &Pattern, key: &mut Key) -> bool {
        match pattern {
            Pattern::Any => put(key, format_args!("_")),
            Pattern::Value(value) => return self.key(value, key),
            Pattern::Reference(reference) => put(key, format_args!("{reference:?}")),
            Pattern::AnyOf(patterns) => {
                put(key, format_args!("any"));
                let closed = patterns.iter().all(|pattern| self.pattern_key(pattern, key));
                put(key, format_args!("."));
                return closed;
            }
            Pattern::Band { from, until } => {
                put(key, format_args!("from{}", until.is_some()));
                return self.key(from, key) && until.as_ref().is_none_or(|until| self.key(until, key));
            }
        }
        true
    }

    fn source_key(&mut self, source: &Source, key: &mut Key) -> bool {
        match &source.kind {
            SourceKind::All => match source.of {
                Element::Row(rows) => put(key, format_args!("rows{}", rows.0)),
                Element::Line | Element::Unit | Element::Payment => return false,
            },
            SourceKind::Past(window) => put(key, format_args!("{:?}{window:?}", source.of)),
            SourceKind::Bound(local) => {
                let Some(bound) = self.past.sources.get(local).copied() else { return false };
                if !self.source_key(bound, key) {
                    return false;
                }
            }
            SourceKind::Filter(inner, condition) => {
                if !self.source_key(inner, key) {
                    return false;
                }
                key.bound.push(source.element);
                put(key, format_args!("where"));
                return self.key(condition, key);
            }
            SourceKind::One(_)
            | SourceKind::Set { .. }
            | SourceKind::Extreme { .. }
            | SourceKind::EveryNth { .. } => return false,
        }
        key.bound.push(source.element);
        true
    }

    /// Whether a function's value depends on its arguments and on what is the same for the whole event alone.
    fn is_closed(&mut self, id: u32) -> bool {
        if let Some(closed) = self.past.closed.get(&id) {
            return *closed;
        }
        let Some(function) = self.program.functions.get(id as usize) else { return false };
        let mut key = Key { text: String::new(), bound: function.params.clone() };
        let closed = self.key(&function.body, &mut key);
        self.past.closed.insert(id, closed);
        closed
    }
}

fn put(key: &mut Key, part: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _ = key.text.write_fmt(part);
    key.text.push(' ');
}

impl Builder<'_, '_> {
    /// The value that was worked out before the rules.
    pub fn load_derived(&mut self, derived: Derived) -> Operand {
        let value = self.emit(Inst::LoadEvent(derived.slot));
        match derived.shape {
            Shape::Number(den) => Operand::Number(Fraction::narrow(value, den)),
            Shape::Perhaps(den) => {
                let known = self.emit(Inst::Known(value));
                Operand::Perhaps(known, Fraction::narrow(value, den))
            }
            Shape::Ordinal => Operand::Ordinal(value),
            Shape::Truth => Operand::Truth(self.emit(Inst::Truth(value))),
        }
    }

    /// Leaves the turn of a row that a window does not hold.
    pub fn within(&mut self, window: Window, table: TableId, row: Value) {
        self.lowering.extend(table, window);
        let past = |builder: &mut Self, value: Value, bound: Value, comparison: Comparison| {
            let holds = builder.emit(Inst::Compare(comparison, value, bound));
            builder.leave_unless(holds, 0);
        };
        let load = |builder: &mut Self, column: Column| {
            let slot = builder.lowering.column(table, column);
            builder.emit(Inst::LoadTable(table, slot, row))
        };
        let bound = |builder: &mut Self, read: StateRead, word: &str| {
            let slot = builder.lowering.read_slot(read, &format!("{word} of {window}"));
            builder.emit(Inst::LoadEvent(slot))
        };
        // What is kept happened no later than the event: only windows that end before it are bounded there.
        match window {
            Window::Ever => {}
            Window::Seconds(_) => {
                let at = load(self, Column::Event(event_slot::AT));
                let after = bound(self, StateRead::After(window), "beginning");
                past(self, at, after, Comparison::Greater);
            }
            Window::Days(_) | Window::Months(_) | Window::This(_) => {
                let at = load(self, Column::LocalAt);
                let after = bound(self, StateRead::After(window), "beginning");
                past(self, at, after, Comparison::Greater);
            }
            Window::Previous(_) => {
                let at = load(self, Column::LocalAt);
                let after = bound(self, StateRead::After(window), "beginning");
                past(self, at, after, Comparison::Greater);
                let last = bound(self, StateRead::Last(window), "end");
                past(self, at, last, Comparison::LessOrEqual);
            }
            Window::Between(first, last) => {
                let at = load(self, Column::LocalAt);
                let first = self.int(first.saturating_mul(DAY));
                past(self, at, first, Comparison::GreaterOrEqual);
                let behind = self.int(last.saturating_add(1).saturating_mul(DAY));
                past(self, at, behind, Comparison::Less);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Instant, stretch};

    /// No window begins before the first day that its table holds, whatever the day of the event.
    #[test]
    fn tables_reach_as_far_as_windows() {
        let periods =
            [Period::Day, Period::Week, Period::Month, Period::Quarter, Period::HalfYear, Period::Year];
        let mut windows: Vec<Window> =
            periods.iter().flat_map(|p| [Window::This(*p), Window::Previous(*p)]).collect();
        for count in [1, 2, 3, 7, 12, 30, 100] {
            windows.extend([Window::Days(count), Window::Months(count)]);
        }
        for window in windows {
            let days = i64::from(reach(window).expect("a window with an end"));
            for date in 10_000..13_000 {
                for week_starts in [0, 6] {
                    let now = Instant { at: 0, date, time: 0 };
                    let after = stretch(window, now, week_starts).after;
                    // The first second that the window holds.
                    let first = (after + 1).div_euclid(DAY);
                    assert!(first >= date - days, "{window:?} on day {date}");
                }
            }
        }
    }
}
