//! What records hold: enumerations, kinds of references, counted units, records and their attributes, kinds of
//! events. It refuses to know rules.

use super::history::RowRecord;
use super::names::{Events, Scope};
use super::types::{BUILTIN_UNITS, builtin_unit, constant, power_of_ten};
use super::{At, Checker, Items, Origin, currencies, errors, habits};
use crate::ir;
use crate::typed::{
    Builtin, Clock, ClockZone, Dimension, Element, ExprKind, Field, FieldId, Ratio, RecordType, Type, UnitId,
};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;
use rustc_hash::{FxHashMap, FxHashSet};

/// A kind of event: what it brings along, and its own fields.
#[derive(Debug, Default)]
pub(super) struct EventInfo {
    pub lines: bool,
    pub payments: bool,
    pub fields: FxHashMap<String, FieldId>,
}

/// Fields of records by name; nested names are joined with a point.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub member: FxHashMap<String, FieldId>,
    pub line: FxHashMap<String, FieldId>,
    pub product: FxHashMap<String, FieldId>,
    pub payment: FxHashMap<String, FieldId>,
    /// Fields of all events that have no slot unless they are read.
    pub standard: Vec<(&'static str, FieldId)>,
    /// Fields that are declared and cannot be read: texts.
    pub unreadable: Vec<(RecordName, String)>,
}

/// Records that fields are declared of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordName {
    Event(ir::EventId),
    Member,
    Line,
    Product,
    Payment,
    /// A record that lists are of, by its position.
    Row(u32),
}

/// What a field's type means.
struct FieldType {
    ty: Type,
    slot: ir::SlotType,
    den: i128,
}

/// The words of types that are no names of the program's.
const TYPE_WORDS: &[&str] = &[
    "duration", "money", "percent", "number", "bool", "date", "time", "instant", "text", "points", "count",
    "lines", "units", "line", "unit", "payment",
];

impl<'a> Checker<'a> {
    /// Enumerations, kinds, counted units and the names of events.
    pub(super) fn declare_types(&mut self, items: &Items<'a>) {
        self.count_unit("pcs");
        self.count_unit("times");
        for (at, header, ordered, values) in &items.enums {
            let place = at.place(header.name.span);
            if !self.declare("enum", &header.name.text, place) {
                continue;
            }
            let id = ir::EnumId(self.out.enums.len() as u32);
            let scope = format!("value {}", header.name.text);
            let (mut names, mut titles) = (Vec::new(), Vec::new());
            for (value, title) in *values {
                if self.declare(&scope, &value.text, at.place(value.span)) {
                    names.push(value.text.clone());
                    titles.extend(title.as_ref().map(|title| (value.text.clone(), title.value.clone())));
                }
            }
            self.enum_titles.push(titles);
            if header.name.text == "Weekday" && at.origin == Origin::Prelude {
                self.builtins.weekdays = id;
            }
            self.enum_ids.insert(header.name.text.clone(), id);
            self.out.enums.push(ir::Enumeration {
                name: header.name.text.clone(),
                ordered: *ordered,
                values: names,
            });
        }
        for (at, name, hierarchical, _) in &items.references {
            // Enumerations begin with a capital, kinds do not: `Channel` beside `channel` is no mistake, the same
            // word is.
            if self.enum_ids.contains_key(&name.text) {
                let earlier = items.enums.iter().find(|(_, header, _, _)| header.name.text == name.text);
                let earlier =
                    earlier.map(|(at, header, _, _)| at.place(header.name.span)).unwrap_or_default();
                let (place, earlier) = match super::is_prelude(at.file) {
                    true => (earlier, at.place(name.span)),
                    false => (at.place(name.span), earlier),
                };
                self.report(errors::duplicate_name(place, "type", &name.text, earlier));
                continue;
            }
            if self.declare("type", &name.text, at.place(name.span)) {
                let id = ir::KindId(self.out.kinds.len() as u32);
                self.kind_ids.insert(name.text.clone(), id);
                self.out.kinds.push(ir::ReferenceKind {
                    name: name.text.clone(),
                    hierarchical: *hierarchical,
                    of: None,
                });
            }
        }
        for (at, name, _, of) in &items.references {
            let (Some(id), Some(of)) = (self.kind_ids.get(&name.text).copied(), of) else { continue };
            match self.kind_ids.get(&of.text).copied() {
                Some(target)
                    if self.out.kinds.get(target.index()).is_some_and(|kind| kind.of.is_none())
                        && target != id =>
                {
                    if let Some(kind) = self.out.kinds.get_mut(id.index()) {
                        kind.of = Some(target);
                    }
                }
                Some(_) => self.report(errors::list_of_lists(at.place(of.span), &name.text, &of.text)),
                None => {
                    self.unknown_kind(at.place(of.span), &of.text);
                }
            }
        }
        for (at, name, spellings, _) in &items.events {
            if !self.declare("event", &name.text, at.place(name.span)) {
                continue;
            }
            let id = ir::EventId(self.out.events.len() as u32);
            let mut all = vec![name.text.clone()];
            for spelling in *spellings {
                if self.declare("spelling", &spelling.value, at.place(spelling.span)) {
                    all.push(spelling.value.clone());
                }
            }
            all.dedup();
            self.event_ids.insert(name.text.clone(), id);
            self.out.events.push(ir::EventKind {
                name: name.text.clone(),
                spellings: all,
                needs: Vec::new(),
                lacks: Vec::new(),
            });
            self.event_infos.push(EventInfo::default());
        }
        for (_, _, fields, _) in &items.records {
            fields.iter().for_each(|field| self.count_type(&field.ty));
        }
        for (_, _, _, fields) in &items.events {
            fields.iter().for_each(|field| self.count_type(&field.ty));
        }
        for (_, item) in &items.params {
            if let ast::ItemKind::Param { ty, .. } = &item.kind {
                self.count_type(ty);
            }
        }
    }

    /// `count[visits]` declares the unit `visits`.
    fn count_type(&mut self, ty: &ast::TypeName) {
        if let Some(word) = ty.argument.as_ref().filter(|_| ty.name.text == "count")
            && builtin_unit(&word.text).is_none()
            && currencies::decimals(&word.text).is_none()
        {
            self.count_unit(&word.text);
        }
    }

    fn count_unit(&mut self, word: &str) -> UnitId {
        if let Some(id) = self.counts.get(word) {
            return *id;
        }
        let id = UnitId(self.out.units.len() as u32);
        self.out.units.push(word.into());
        self.counts.insert(word.into(), id);
        id
    }

    /// The fields of all records.
    pub(super) fn declare_fields(&mut self, items: &Items<'a>) {
        self.declare_builtins();
        let listed: FxHashSet<&str> = items
            .records
            .iter()
            .map(|(_, _, fields, _)| *fields)
            .chain(items.events.iter().map(|(_, _, _, fields)| *fields))
            .flatten()
            .filter(|field| field.ty.list)
            .map(|field| field.ty.name.text.as_str())
            .collect();
        for (at, name, _, extends) in &items.records {
            let word = name.text.as_str();
            let taken =
                ["member", "line", "product", "payment"].contains(&word) || self.event_ids.contains_key(word);
            if *extends
                || taken
                || !listed.contains(word)
                || !self.declare("record", word, at.place(name.span))
            {
                continue;
            }
            let record = RowRecord { name: word.into(), fields: FxHashMap::default() };
            self.histories.records.push(record);
        }
        for (at, name, fields, extends) in &items.records {
            let record = match name.text.as_str() {
                "member" => RecordName::Member,
                "line" => RecordName::Line,
                "product" => RecordName::Product,
                "payment" => RecordName::Payment,
                word => match self.event_ids.get(word) {
                    Some(event) if *extends => RecordName::Event(*event),
                    _ if let Some(position) = self.histories.records.iter().position(|r| r.name == word) => {
                        for field in *fields {
                            self.field(*at, RecordName::Row(position as u32), &name.text, field);
                        }
                        continue;
                    }
                    Some(_) | None => {
                        let records = ["member", "line", "product", "payment"].into_iter();
                        let near =
                            self.nearest(word, records.chain(self.event_ids.keys().map(String::as_str)));
                        let place = at.place(name.span);
                        self.report(errors::unknown_record(place, word, near.as_deref()));
                        continue;
                    }
                },
            };
            if !extends && at.origin != Origin::Prelude {
                self.report(errors::second_record(at.place(name.span), &name.text));
            }
            for field in *fields {
                self.field(*at, record, &name.text, field);
            }
        }
        for (at, name, _, fields) in &items.events {
            let Some(event) = self.event_ids.get(&name.text).copied() else { continue };
            for field in *fields {
                self.field(*at, RecordName::Event(event), &name.text, field);
            }
        }
        self.inherit();
        self.note_events();
    }

    /// Which events have a field that not all of them have.
    fn note_events(&mut self) {
        for (position, field) in self.out.fields.iter_mut().enumerate() {
            let id = FieldId(position as u32);
            let having =
                self.event_infos.iter().zip(0..).filter(|(info, _)| info.fields.values().any(|f| *f == id));
            let having: Vec<ir::EventId> = having.map(|(_, event)| ir::EventId(event)).collect();
            if having.len() < self.event_infos.len() {
                field.events = having;
            }
        }
    }

    /// A line's fields that its product has too come from there where the line is silent.
    fn inherit(&mut self) {
        let pairs: Vec<(FieldId, FieldId)> = self
            .records
            .line
            .iter()
            .filter(|(name, _)| name.as_str() != "sku")
            .filter_map(|(name, line)| self.records.product.get(name).map(|product| (*line, *product)))
            .collect();
        for (line, product) in pairs {
            let same = match (self.field_of(line), self.field_of(product)) {
                (Some(line), Some(product)) => line.builtin.is_none() && line.slot == product.slot,
                (Some(_) | None, _) => false,
            };
            if same && let Some(field) = self.out.fields.get_mut(line.0 as usize) {
                field.inherits = true;
            }
        }
    }

    /// A field.
    pub(super) fn field_of(&self, id: FieldId) -> Option<&Field> {
        self.out.fields.get(id.0 as usize)
    }

    /// The field `member.balance` of an account, made on first use.
    pub(super) fn balance_field(&mut self, account: ir::AccountId) -> FieldId {
        let builtin = Some(Builtin::Balance(account));
        if let Some(position) = self.out.fields.iter().position(|field| field.builtin == builtin) {
            return FieldId(position as u32);
        }
        let name = self.out.accounts.get(account.index()).map_or("", |account| account.name.as_str());
        let ty = self.points_type(account);
        let money = ir::SlotType::Money { scale: self.out.settings.decimals };
        let slot = if ty == Type::Money { money } else { ir::SlotType::Points(account) };
        self.add_field(Field {
            name: format!("member.balance.{name}"),
            record: ir::RecordKind::Member,
            key: Vec::new(),
            ty,
            slot,
            den: 1,
            default: None,
            inherits: false,
            builtin,
            events: Vec::new(),
            place: Place::default(),
        })
    }

    /// The clock in a zone, with its fields.
    pub(super) fn clock(&mut self, zone: ClockZone, word: &str) -> Clock {
        if let Some(known) = self.out.clocks.iter().find(|clock| clock.zone == zone) {
            return known.clone();
        }
        let weekdays = self.builtins.weekdays;
        let mut add = |name: &str, ty: Type, slot| {
            self.add_field(Field {
                name: format!("event.{name} in {word}"),
                record: ir::RecordKind::Derived,
                key: Vec::new(),
                ty: Type::Optional(Box::new(ty)),
                slot,
                den: 1,
                default: None,
                inherits: false,
                builtin: None,
                events: Vec::new(),
                place: Place::default(),
            })
        };
        let clock = Clock {
            zone,
            date: add("date", Type::Date, ir::SlotType::Date),
            time: add("time", Type::Time, ir::SlotType::Time),
            weekday: add("weekday", Type::Enum(weekdays), ir::SlotType::Enum(weekdays)),
            month_day: add("month_day", Type::Number, ir::SlotType::Number { scale: 0 }),
        };
        self.out.clocks.push(clock.clone());
        clock
    }

    pub(super) fn add_field(&mut self, field: Field) -> FieldId {
        let id = FieldId(self.out.fields.len() as u32);
        self.out.fields.push(field);
        id
    }

    /// How many slot units of a price one minor unit is.
    fn price_den(&self) -> i128 {
        let digits = u32::from(self.out.settings.decimals);
        power_of_ten(ir::PRICE_SCALE.saturating_sub(digits)).unwrap_or(1)
    }

    fn declare_builtins(&mut self) {
        let weekdays = self.builtins.weekdays;
        let money = ir::SlotType::Money { scale: self.out.settings.decimals };
        let price = ir::SlotType::Money { scale: ir::PRICE_SCALE as u8 };
        let whole = ir::SlotType::Number { scale: 0 };
        let mut add = |name: &str, record, ty: Type, slot, den, builtin| {
            let key = name.split('.').next_back().map(str::to_string).into_iter().collect();
            self.add_field(Field {
                name: name.into(),
                record,
                key,
                ty,
                slot,
                den,
                default: None,
                inherits: false,
                builtin: Some(builtin),
                events: Vec::new(),
                place: Place::default(),
            })
        };
        use ir::RecordKind::{Derived, Line};
        use ir::event_slot as slot;
        let event = Builtin::Event;
        let at = add("event.at", Derived, Type::Instant, ir::SlotType::Instant, 1, event(slot::AT));
        let date = add("event.date", Derived, Type::Date, ir::SlotType::Date, 1, event(slot::DATE));
        let time = add("event.time", Derived, Type::Time, ir::SlotType::Time, 1, event(slot::TIME));
        let weekday = add(
            "event.weekday",
            Derived,
            Type::Enum(weekdays),
            ir::SlotType::Enum(weekdays),
            1,
            event(slot::WEEKDAY),
        );
        let month_day = add("event.month_day", Derived, Type::Number, whole, 1, event(slot::MONTH_DAY));
        let member_known =
            add("member", Derived, Type::Bool, ir::SlotType::Bool, 1, event(slot::MEMBER_KNOWN));
        let basket_initial =
            add("basket.initial", Derived, Type::Money, money, 1, event(slot::BASKET_INITIAL));
        let basket_paid = add("basket.paid", Derived, Type::Money, money, 1, event(slot::BASKET_PAID));
        let unit_price = add("unit.price", Line, Type::Money, price, 1, Builtin::UnitPrice);
        let unit_initial = add("unit.initial", Line, Type::Money, money, 1, Builtin::UnitInitial);
        let unit_paid = add("unit.paid", Line, Type::Money, money, 1, Builtin::UnitPaid);
        let den = self.price_den();
        if let Some(field) = self.out.fields.get_mut(unit_price.0 as usize) {
            field.den = den;
        }
        self.builtins = super::Builtins {
            at,
            date,
            time,
            weekday,
            month_day,
            member_known,
            basket_initial,
            basket_paid,
            unit_price,
            unit_initial,
            unit_paid,
            weekdays,
        };
        self.declare_standard();
    }

    /// How an event is processed; every kind of event has these.
    fn declare_standard(&mut self) {
        let Some(run) = self.enum_ids.get("Processing").copied() else { return };
        let optional = Type::Optional(Box::new(Type::Instant));
        for (name, ty, slot, default) in [
            ("run", Type::Enum(run), ir::SlotType::Enum(run), Some(0)),
            ("process_immediately", Type::Bool, ir::SlotType::Bool, Some(0)),
            ("processed_at", optional, ir::SlotType::Instant, None),
        ] {
            let id = self.add_field(Field {
                name: format!("event.{name}"),
                record: ir::RecordKind::Event,
                key: vec![name.into()],
                ty,
                slot,
                den: 1,
                default,
                inherits: false,
                builtin: None,
                events: Vec::new(),
                place: Place::default(),
            });
            self.records.standard.push((name, id));
            for info in &mut self.event_infos {
                info.fields.insert(name.into(), id);
            }
        }
    }

    /// A field that every kind of event has.
    pub(super) fn standard(&self, name: &str) -> Option<FieldId> {
        self.records.standard.iter().find(|(standard, _)| *standard == name).map(|(_, id)| *id)
    }

    /// The field that holds so long after the event.
    pub(super) fn until(&mut self, window: ir::Window) -> FieldId {
        let builtin = Some(Builtin::Until(window));
        if let Some(known) = self.out.fields.iter().position(|field| field.builtin == builtin) {
            return FieldId(known as u32);
        }
        self.add_field(Field {
            name: "event.deadline".into(),
            record: ir::RecordKind::Derived,
            key: Vec::new(),
            ty: Type::Instant,
            slot: ir::SlotType::Instant,
            den: 1,
            default: None,
            inherits: false,
            builtin,
            events: Vec::new(),
            place: Place::default(),
        })
    }

    fn field(&mut self, at: At, record: RecordName, record_name: &str, declaration: &ast::FieldDeclaration) {
        let name = declaration.name.text.as_str();
        let place = at.place(declaration.name.span);
        if !self.declare(&format!("field {record_name}"), name, place) {
            return;
        }
        if declaration.ty.list {
            self.list_field(at, record, declaration);
            return;
        }
        if let RecordName::Event(event) = record {
            let standard = self.records.standard.iter().any(|(standard, _)| *standard == name);
            if standard || ["at", "date", "time", "weekday", "month_day"].contains(&name) {
                self.report(errors::duplicate_builtin(place, name));
                return;
            }
            let collection = match (declaration.ty.set, declaration.ty.name.text.as_str()) {
                (true, "line") => Some(Element::Line),
                (true, "payment") => Some(Element::Payment),
                (true | false, _) => None,
            };
            if let (Some(element), Some(info)) = (collection, self.event_infos.get_mut(event.index())) {
                match element {
                    Element::Line | Element::Unit => info.lines = true,
                    Element::Payment => info.payments = true,
                    Element::Row(_) => {}
                }
                return;
            }
        }
        if record == RecordName::Line && declaration.ty.name.text == "product" {
            return;
        }
        if declaration.ty.name.text == "text" && !declaration.ty.set {
            self.records.unreadable.push((record, name.into()));
            return;
        }
        let Some(field) = self.field_type(at, &declaration.ty, declaration.scale.as_ref()) else { return };
        let key: Vec<String> = declaration
            .from
            .as_ref()
            .map_or(name, |from| from.value.as_str())
            .split('.')
            .map(str::to_string)
            .collect();
        let builtin = (at.origin == Origin::Prelude).then(|| builtin(record, name)).flatten();
        let optional = declaration.ty.optional && declaration.default.is_none();
        let (full, kind) = match record {
            RecordName::Event(_) => (format!("event.{name}"), ir::RecordKind::Event),
            RecordName::Member => (format!("member.{name}"), ir::RecordKind::Member),
            RecordName::Line => (format!("line.{name}"), ir::RecordKind::Line),
            RecordName::Product => (format!("line.product.{name}"), ir::RecordKind::Product),
            RecordName::Payment => (format!("payment.{name}"), ir::RecordKind::Payment),
            RecordName::Row(_) => (format!("{record_name}.{name}"), ir::RecordKind::Derived),
        };
        let field = Field {
            name: full,
            record: kind,
            key,
            ty: if optional { Type::Optional(Box::new(field.ty)) } else { field.ty },
            slot: field.slot,
            den: field.den,
            default: None,
            inherits: false,
            builtin,
            events: Vec::new(),
            place,
        };
        let id = match record {
            RecordName::Event(event) => {
                // Events that have the same field share it, so that a rule on several may read it.
                let shared =
                    self.event_infos.iter().filter_map(|info| info.fields.get(name)).copied().find(|id| {
                        declaration.default.is_none()
                            && self.field_of(*id).is_some_and(|other| {
                                other.key == field.key
                                    && other.ty == field.ty
                                    && other.slot == field.slot
                                    && other.default.is_none()
                            })
                    });
                let taken = self.event_infos.iter().any(|info| info.fields.contains_key(name));
                let id = shared.unwrap_or_else(|| {
                    let full = if taken { format!("{record_name}.{name}") } else { field.name.clone() };
                    self.add_field(Field { name: full, ..field })
                });
                if let Some(info) = self.event_infos.get_mut(event.index()) {
                    info.fields.insert(name.into(), id);
                }
                return;
            }
            RecordName::Member
            | RecordName::Line
            | RecordName::Product
            | RecordName::Payment
            | RecordName::Row(_) => self.add_field(field),
        };
        let fields = match record {
            RecordName::Member => &mut self.records.member,
            RecordName::Line => &mut self.records.line,
            RecordName::Product => &mut self.records.product,
            RecordName::Payment => &mut self.records.payment,
            RecordName::Row(position) => match self.histories.records.get_mut(position as usize) {
                Some(record) => &mut record.fields,
                None => return,
            },
            RecordName::Event(_) => return,
        };
        fields.insert(name.into(), id);
    }

    /// Values of absent fields; after everything that they may name is declared.
    pub(super) fn check_defaults(&mut self, items: &Items<'a>) {
        for (at, name, fields, _) in &items.records {
            for field in *fields {
                self.default(*at, &name.text, field);
            }
        }
        for (at, name, _, fields) in &items.events {
            for field in *fields {
                self.default(*at, &name.text, field);
            }
        }
    }

    fn default(&mut self, at: At, record: &str, declaration: &ast::FieldDeclaration) {
        let Some(default) = &declaration.default else { return };
        let name = &declaration.name.text;
        let id = match record {
            "member" => self.records.member.get(name),
            "line" => self.records.line.get(name),
            "product" => self.records.product.get(name),
            "payment" => self.records.payment.get(name),
            row if let Some(record) = self.histories.records.iter().find(|record| record.name == row) => {
                record.fields.get(name)
            }
            event => self
                .event_ids
                .get(event)
                .and_then(|event| self.event_infos.get(event.index()))
                .and_then(|info| info.fields.get(name)),
        };
        let Some(id) = id.copied() else { return };
        let Some((ty, den)) = self.field_of(id).map(|field| (field.ty.present().clone(), field.den)) else {
            return;
        };
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        // Nothing is nothing in every currency; the prelude knows none.
        let nothing =
            ty == Type::Money && matches!(&default.kind, ast::ExprKind::Number(number) if number.text == "0");
        let value = if nothing { Some(0) } else { self.slot_value(&mut scope, default, &ty, den) };
        if let Some(field) = self.out.fields.get_mut(id.0 as usize) {
            field.default = value;
            field.ty = ty;
        }
    }

    /// A constant in slot units.
    pub(super) fn slot_value(
        &mut self,
        scope: &mut Scope,
        expr: &ast::Expr,
        ty: &Type,
        den: i128,
    ) -> Option<i64> {
        let value = self.value_of(scope, expr, ty);
        if matches!(value.kind, ExprKind::Error) || value.ty.is_error() {
            return None;
        }
        let place = scope.place(expr.span);
        let Some(ratio) = constant(&value) else {
            let quoted = self.quote(place);
            let mut error = errors::constant_expected(place, &quoted);
            if value.ty == Type::Instant {
                error = error.help("a point in time is no fixed value before the zone's clocks are known; a field may be missing instead, with `?`");
            }
            self.report(error);
            return None;
        };
        let slot = ratio.multiplied(Ratio::whole(den)).and_then(Ratio::to_i64);
        if slot.is_none() {
            let quoted = self.quote(place);
            self.report(errors::number_out_of_range(place, &quoted));
        }
        slot
    }

    /// The type of a field, its slot, and slot units for one base unit.
    fn field_type(&mut self, at: At, name: &ast::TypeName, scale: Option<&ast::Lexeme>) -> Option<FieldType> {
        let place = at.place(name.span);
        let ty = self.type_named(at, name)?;
        let digits = u32::from(self.out.settings.decimals);
        let given = match scale {
            Some(lexeme) => match lexeme.text.parse::<u32>() {
                Ok(given) if given <= 9 => Some(given),
                Ok(_) | Err(_) => {
                    self.report(errors::number_out_of_range(at.place(lexeme.span), &lexeme.text));
                    None
                }
            },
            None => None,
        };
        let least = match ty.present() {
            Type::Money => digits,
            Type::Quantity(_) if matches!(name.name.text.as_str(), "kg" | "l") => 3,
            Type::Quantity(_) | Type::Number => 0,
            Type::Error
            | Type::Bool
            | Type::Percent
            | Type::Points(_)
            | Type::Count(_)
            | Type::Duration
            | Type::Days
            | Type::Months
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Enum(_)
            | Type::Symbol(_)
            | Type::Set(_)
            | Type::Text
            | Type::Optional(_)
            | Type::Collection(_)
            | Type::Record(_) => {
                if let Some(lexeme) = scale {
                    let described = self.describe(ty.present());
                    self.report(errors::needless_scale(at.place(lexeme.span), &described));
                }
                0
            }
        };
        if let (Some(given), Some(lexeme)) = (given, scale)
            && given < least
        {
            self.report(errors::scale_too_small(at.place(lexeme.span), given, least));
        }
        let scale = given.unwrap_or(least).max(least);
        let den = power_of_ten(scale - least).unwrap_or(1);
        let base = ty.present().clone();
        let (slot, den) = match &base {
            Type::Money => (ir::SlotType::Money { scale: scale as u8 }, den),
            Type::Quantity(_) => (ir::SlotType::Number { scale: scale as u8 }, den),
            Type::Number => (ir::SlotType::Number { scale: scale as u8 }, den),
            Type::Percent => (ir::SlotType::Percent, i128::from(ir::PERCENT_ONE)),
            Type::Points(account) => (ir::SlotType::Points(*account), 1),
            Type::Count(_) | Type::Duration | Type::Days | Type::Months => {
                let word = name.name.text.as_str();
                if builtin_unit(word).is_some_and(|(_, factor)| factor != 1) {
                    let base = if matches!(base, Type::Duration) {
                        "seconds"
                    } else if matches!(base, Type::Days) {
                        "days"
                    } else {
                        "months"
                    };
                    self.report(errors::unknown_type(place, word, Some(base)));
                    return None;
                }
                (ir::SlotType::Count, 1)
            }
            Type::Bool => (ir::SlotType::Bool, 1),
            Type::Date => (ir::SlotType::Date, 1),
            Type::Time => (ir::SlotType::Time, 1),
            Type::Instant => (ir::SlotType::Instant, 1),
            Type::Enum(id) => (ir::SlotType::Enum(*id), 1),
            Type::Symbol(kind) => (ir::SlotType::Symbol(*kind), 1),
            Type::Set(kind) => (ir::SlotType::Set(*kind), 1),
            Type::Error => return None,
            Type::Text | Type::Optional(_) | Type::Collection(_) | Type::Record(_) => {
                let described = self.describe(&base);
                self.report(errors::wrong_field_type(place, &name.name.text, &described));
                return None;
            }
        };
        Some(FieldType { ty: base, slot, den })
    }

    /// How a parameter's value is written and counted.
    pub(super) fn param_slot(&self, ty: &Type) -> Option<(ir::SlotType, i128)> {
        Some(match ty {
            Type::Bool => (ir::SlotType::Bool, 1),
            Type::Number => (ir::SlotType::Number { scale: 6 }, 1_000_000),
            Type::Percent => (ir::SlotType::Percent, i128::from(ir::PERCENT_ONE)),
            Type::Money => (ir::SlotType::Money { scale: self.out.settings.decimals }, 1),
            Type::Points(account) => (ir::SlotType::Points(*account), 1),
            Type::Count(_) | Type::Duration | Type::Days | Type::Months => (ir::SlotType::Count, 1),
            Type::Quantity(_) => (ir::SlotType::Number { scale: 3 }, 1),
            Type::Date => (ir::SlotType::Date, 1),
            Type::Time => (ir::SlotType::Time, 1),
            Type::Enum(id) => (ir::SlotType::Enum(*id), 1),
            Type::Error
            | Type::Instant
            | Type::Symbol(_)
            | Type::Set(_)
            | Type::Text
            | Type::Optional(_)
            | Type::Collection(_)
            | Type::Record(_) => return None,
        })
    }

    /// What a type's name means; reports and returns nothing where it means none.
    pub(super) fn type_named(&mut self, at: At, name: &ast::TypeName) -> Option<Type> {
        let place = at.place(name.span);
        let word = name.name.text.as_str();
        if name.list {
            self.report(errors::list_elsewhere(place));
            return None;
        }
        if name.set {
            let Some(kind) = self.kind_ids.get(word).copied() else {
                self.unknown_kind(at.place(name.name.span), word);
                return None;
            };
            return Some(Type::Set(kind));
        }
        let argument = name.argument.as_ref();
        let base = match (word, argument) {
            ("money", None) => Type::Money,
            ("money", Some(currency)) => {
                if !self.out.settings.currency.is_empty() && currency.text != self.out.settings.currency {
                    let own = self.out.settings.currency.clone();
                    let unit = at.place(currency.span);
                    self.report(errors::other_currency(place, unit, &currency.text, &own));
                }
                Type::Money
            }
            ("points", Some(account)) => match self.account_ids.get(&account.text) {
                Some(id) => self.points_type(*id),
                None => {
                    let near = self.nearest(&account.text, self.account_ids.keys().map(String::as_str));
                    let place = at.place(account.span);
                    self.report(errors::unknown_name(place, "account", &account.text, near.as_deref()));
                    return None;
                }
            },
            ("count", Some(unit)) => match self.counts.get(&unit.text) {
                Some(id) => Type::Count(*id),
                None => {
                    let id = self.count_unit(&unit.text);
                    Type::Count(id)
                }
            },
            (_, Some(argument)) => {
                self.report(errors::needless_argument(at.place(argument.span), word, &argument.text));
                return None;
            }
            ("percent", None) => Type::Percent,
            ("number", None) => Type::Number,
            ("bool", None) => Type::Bool,
            ("text", None) => Type::Text,
            ("date", None) => Type::Date,
            ("time", None) => Type::Time,
            ("instant", None) => Type::Instant,
            ("duration", None) => Type::Duration,
            ("lines", None) => Type::Collection(Element::Line),
            ("units", None) => Type::Collection(Element::Unit),
            ("payments", None) => Type::Collection(Element::Payment),
            ("line", None) => Type::Record(RecordType::Line),
            ("unit", None) => Type::Record(RecordType::Unit),
            ("payment", None) => Type::Record(RecordType::Payment),
            ("Line" | "Unit" | "Payment", None) => {
                self.report(errors::capital_type(at.place(name.name.span), word, &word.to_lowercase()));
                return None;
            }
            ("kg" | "g", None) => Type::Quantity(Dimension::Mass),
            ("l" | "ml", None) => Type::Quantity(Dimension::Volume),
            (word, None) => {
                if let Some(id) = self.enum_ids.get(word) {
                    Type::Enum(*id)
                } else if let Some(id) = self.kind_ids.get(word) {
                    Type::Symbol(*id)
                } else if let Some(id) = self.units.get(word) {
                    self.points_type(*id)
                } else if let Some(id) = self.counts.get(word) {
                    Type::Count(*id)
                } else if let Some((ty, _)) = builtin_unit(word) {
                    ty
                } else {
                    if let Some(ours) = habits::of_type(word) {
                        self.report(errors::other_type(at.place(name.name.span), word, ours));
                        return None;
                    }
                    let near = self.nearest(
                        word,
                        TYPE_WORDS
                            .iter()
                            .chain(BUILTIN_UNITS)
                            .copied()
                            .chain(self.enum_ids.keys().map(String::as_str))
                            .chain(self.kind_ids.keys().map(String::as_str))
                            .chain(self.units.keys().map(String::as_str))
                            .chain(self.counts.keys().map(String::as_str)),
                    );
                    self.report(errors::unknown_type(at.place(name.name.span), word, near.as_deref()));
                    return None;
                }
            }
        };
        Some(if name.optional { Type::Optional(Box::new(base)) } else { base })
    }

    /// The type of an account's points: money where its unit is the currency.
    pub(super) fn points_type(&self, id: ir::AccountId) -> Type {
        if self.account_infos.get(id.index()).is_some_and(|info| info.money) {
            Type::Money
        } else {
            Type::Points(id)
        }
    }
}

/// The slot that the prelude's field has in every layout.
fn builtin(record: RecordName, name: &str) -> Option<Builtin> {
    use ir::{line_slot, payment_slot};
    match (record, name) {
        (RecordName::Line, "position") => Some(Builtin::Line(line_slot::POSITION)),
        (RecordName::Line, "pieces") => Some(Builtin::Line(line_slot::PIECES)),
        (RecordName::Line, "price") => Some(Builtin::Line(line_slot::PRICE)),
        (RecordName::Line, "initial") => Some(Builtin::Line(line_slot::INITIAL)),
        (RecordName::Line, "paid") => Some(Builtin::Line(line_slot::PAID)),
        (RecordName::Line, "tax_rate") => Some(Builtin::Line(line_slot::TAX_RATE)),
        (RecordName::Payment, "amount") => Some(Builtin::Payment(payment_slot::AMOUNT)),
        (
            RecordName::Event(_)
            | RecordName::Member
            | RecordName::Line
            | RecordName::Product
            | RecordName::Payment
            | RecordName::Row(_),
            _,
        ) => None,
    }
}
