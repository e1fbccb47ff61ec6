//! Parameters, defines, segments and tables: what rules share. It refuses to know rules, groups and effects.

use super::names::{Binding, Events, Key, Scope, Value};
use super::types::constant;
use super::{At, Checker, Items, dates, errors, habits, walk};
use crate::ir;
use crate::typed::{Element, Expr, ExprKind, Function, FunctionId, LocalId, Param, Ratio, RecordType, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// What the typed tree does not say of a function.
#[derive(Debug)]
pub(super) struct FunctionInfo {
    /// The events it may be used for; any where not said.
    pub events: Option<BTreeSet<ir::EventId>>,
    /// What is known where it is true.
    pub implies: Vec<Key>,
    /// The parameters it reads, itself or through others.
    pub params_read: BTreeSet<ir::ParamId>,
    /// Named without parentheses.
    pub segment: bool,
    /// What it says is a member's: it is used only where the member is known.
    pub of_member: bool,
}

/// A `define` that gives a collection: put in place where it is used.
#[derive(Debug)]
pub(super) struct CollectionInfo<'a> {
    pub at: At,
    /// Where its name is declared.
    pub name: perq_grammar::diagnostic::Span,
    pub body: &'a ast::Expr,
    pub of: Element,
    /// It has a diagnostic, or reaches itself.
    pub broken: bool,
}

impl<'a> Checker<'a> {
    /// Names and types of parameters and functions.
    pub(super) fn declare_functions(&mut self, items: &Items<'a>) {
        for (at, item) in &items.params {
            let ast::ItemKind::Param { header, ty, .. } = &item.kind else { continue };
            let place = at.place(header.name.span);
            if !self.declare_value(*at, &header.name, "parameter") {
                continue;
            }
            let resolved = self.type_named(*at, ty).unwrap_or(Type::Error);
            let slot = self.param_slot(&resolved);
            if slot.is_none() && !resolved.is_error() {
                let described = self.describe(&resolved);
                self.report(errors::wrong_param_type(at.place(ty.span), &header.name.text, &described));
            }
            let (slot, den) = slot.unwrap_or((ir::SlotType::Count, 1));
            let id = ir::ParamId(self.out.params.len() as u32);
            self.out.params.push(Param {
                ir: ir::Param { name: header.name.text.clone(), ty: slot, values: Vec::new(), range: None },
                title: header.title.as_ref().map(|title| title.value.clone()),
                ty: resolved,
                den,
                place,
            });
            self.param_starts.push(None);
            self.bind_value(*at, &header.name.text, Value::Param(id));
        }
        for (at, item) in &items.functions {
            let (header, params, gives, what) = match &item.kind {
                ast::ItemKind::Define { header, params, gives, .. } => {
                    (header, params.as_slice(), Some(gives), "define")
                }
                ast::ItemKind::Table { header, params, gives, .. } => {
                    (header, params.as_slice(), Some(gives), "table")
                }
                ast::ItemKind::Segment(header, _) => (header, [].as_slice(), None, "segment"),
                ast::ItemKind::Counter { header, per, .. } => {
                    self.counted_per(*at, header, per);
                    (header, [].as_slice(), None, "counter")
                }
                ast::ItemKind::Language(_)
                | ast::ItemKind::Use { .. }
                | ast::ItemKind::Program(..)
                | ast::ItemKind::Account(..)
                | ast::ItemKind::Param { .. }
                | ast::ItemKind::Enum { .. }
                | ast::ItemKind::Reference { .. }
                | ast::ItemKind::Record(..)
                | ast::ItemKind::Extend(..)
                | ast::ItemKind::Event { .. }
                | ast::ItemKind::Group(..)
                | ast::ItemKind::Rule(_)
                | ast::ItemKind::Test(_)
                | ast::ItemKind::Badge(..)
                | ast::ItemKind::Tiers(..)
                | ast::ItemKind::Coupon(..)
                | ast::ItemKind::Certificate(..)
                | ast::ItemKind::Redemption(..)
                | ast::ItemKind::Template(_)
                | ast::ItemKind::Offer(..)
                | ast::ItemKind::Arbitration(..)
                | ast::ItemKind::Ensure(..)
                | ast::ItemKind::Contacts(..) => continue,
            };
            if !self.declare_value(*at, &header.name, what) {
                continue;
            }
            let counter = what == "counter";
            // A counter's type is that of its body, which is checked before all that uses it.
            let implied = if counter { Type::Error } else { Type::Bool };
            let ty = gives.map_or(Some(implied), |gives| self.type_named(*at, gives)).unwrap_or(Type::Error);
            if let (Type::Collection(of), ast::ItemKind::Define { body, .. }) = (&ty, &item.kind) {
                let index = self.collections.len();
                if let Some((name, _)) = params.first() {
                    self.report(errors::collection_with_parameters(at.place(name.span), &header.name.text));
                }
                self.collections.push(CollectionInfo {
                    at: *at,
                    name: header.name.span,
                    body,
                    of: *of,
                    broken: !params.is_empty(),
                });
                self.bind_value(*at, &header.name.text, Value::Collection(index));
                continue;
            }
            let mut locals = Vec::new();
            for (name, ty) in params {
                let ty = self.type_named(*at, ty).unwrap_or(Type::Error);
                locals.push(self.local(&name.text, ty, at.place(name.span)));
            }
            let place = at.place(header.name.span);
            let id = FunctionId(self.out.functions.len() as u32);
            let body = self.broken(place);
            self.out.functions.push(Function {
                name: header.name.text.clone(),
                params: locals,
                ty,
                body,
                counter,
                place,
            });
            self.function_infos.push(FunctionInfo {
                events: None,
                implies: Vec::new(),
                params_read: BTreeSet::new(),
                segment: gives.is_none(),
                of_member: counter,
            });
            self.bind_value(*at, &header.name.text, Value::Function(id));
        }
    }

    fn declare_value(&mut self, at: At, name: &ast::Name, what: &str) -> bool {
        let place = at.place(name.span);
        let applied = matches!(what, "define" | "table");
        let fixed = is_fixed_name(&name.text) || (applied && calendar_part(&name.text).is_some());
        if fixed || self.event_ids.contains_key(&name.text) {
            self.report(errors::taken_name(place, &name.text));
            return false;
        }
        self.declare(&format!("name {}", at.space), &name.text, place)
    }

    fn bind_value(&mut self, at: At, name: &str, value: Value) {
        if let Some(space) = self.spaces.get_mut(at.space) {
            space.values.insert(name.into(), value);
        }
    }

    /// Values, histories and ranges of parameters.
    pub(super) fn check_params(&mut self, items: &Items<'a>) {
        for (at, item) in &items.params {
            let ast::ItemKind::Param { header, values, range, .. } = &item.kind else { continue };
            let Some(Value::Param(id)) = self.value_named(at.space, &header.name.text) else { continue };
            let Some(param) = self.out.params.get(id.index()) else { continue };
            if param.place != at.place(header.name.span) {
                continue;
            }
            let (ty, den) = (param.ty.clone(), param.den);
            let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
            let mut history: Vec<(Option<i64>, i64)> = Vec::new();
            let mut places: Vec<Place> = Vec::new();
            for (from, value) in values {
                let from_place = from.as_ref().map(|from| at.place(from.span));
                let day = match from {
                    Some(from) => match dates::date(&from.text) {
                        Some(day) => Some(day),
                        None => {
                            self.report(errors::impossible_date(at.place(from.span), &from.text));
                            continue;
                        }
                    },
                    None => None,
                };
                if let Some((last, _)) = history.last()
                    && day <= *last
                {
                    self.report(errors::history_order(
                        from_place.unwrap_or_else(|| at.place(value.span)),
                        &header.name.text,
                    ));
                    continue;
                }
                if let Some(slot) = self.slot_value(&mut scope, value, &ty, den) {
                    history.push((day, slot));
                    places.push(at.place(value.span));
                }
            }
            let mut bounds = None;
            if let Some(range) = range {
                let low = self.slot_value(&mut scope, &range.low, &ty, den);
                let high = self.slot_value(&mut scope, &range.high, &ty, den);
                if let (Some(low), Some(high)) = (low, high) {
                    // A range in slot units is closed; `until` leaves its end out.
                    let high =
                        if range.bound == ast::Bound::Excluded { high.saturating_sub(1) } else { high };
                    let place = at.place(range.low.span.to(range.high.span));
                    if low > high {
                        self.report(errors::empty_range(place));
                    } else {
                        bounds = Some((low, high));
                        for ((_, value), value_place) in history.iter().zip(&places) {
                            if *value < low || *value > high {
                                let quoted = self.quote(*value_place);
                                self.report(errors::value_outside_range(
                                    *value_place,
                                    &header.name.text,
                                    &quoted,
                                    place,
                                ));
                            }
                        }
                    }
                }
            }
            if let Some(start) = self.param_starts.get_mut(id.index()) {
                *start = history.first().and_then(|(day, _)| *day);
            }
            if let Some(param) = self.out.params.get_mut(id.index()) {
                param.ir.values = history;
                param.ir.range = bounds;
            }
        }
    }

    /// Bodies, each after those that it uses.
    pub(super) fn check_functions(&mut self, items: &Items<'a>) {
        let mut nodes: Vec<(At, &'a ast::Item, Value)> = Vec::new();
        let mut index: FxHashMap<(bool, usize), usize> = FxHashMap::default();
        for (at, item) in &items.functions {
            let Some(header) = header_of(item) else { continue };
            let place = at.place(header.name.span);
            let Some(value) = self.spaces.get(at.space).and_then(|space| space.values.get(&header.name.text))
            else {
                continue;
            };
            let (key, same) = match value {
                Value::Function(id) => (
                    (false, id.0 as usize),
                    self.out.functions.get(id.0 as usize).is_some_and(|function| function.place == place),
                ),
                Value::Collection(position) => (
                    (true, *position),
                    self.collections.get(*position).is_some_and(|info| info.at.file == at.file),
                ),
                Value::Param(_) => continue,
            };
            if same && !index.contains_key(&key) {
                index.insert(key, nodes.len());
                nodes.push((*at, item, *value));
            }
        }
        let edges: Vec<Vec<usize>> = nodes
            .iter()
            .map(|(at, item, _)| {
                let mut targets = BTreeSet::new();
                let mut visit = |path: &'a ast::Path| {
                    let key = match self.global(at.space, path) {
                        Some(Value::Function(id)) => (false, id.0 as usize),
                        Some(Value::Collection(position)) => (true, position),
                        Some(Value::Param(_)) | None => return,
                    };
                    targets.extend(index.get(&key).copied());
                };
                match &item.kind {
                    ast::ItemKind::Define { body, .. }
                    | ast::ItemKind::Segment(_, body)
                    | ast::ItemKind::Counter { value: body, .. } => walk::paths(body, &mut visit),
                    ast::ItemKind::Table { rows, .. } => {
                        rows.iter().for_each(|row| walk::arm_paths(row, &mut visit))
                    }
                    ast::ItemKind::Language(_)
                    | ast::ItemKind::Use { .. }
                    | ast::ItemKind::Program(..)
                    | ast::ItemKind::Account(..)
                    | ast::ItemKind::Param { .. }
                    | ast::ItemKind::Enum { .. }
                    | ast::ItemKind::Reference { .. }
                    | ast::ItemKind::Record(..)
                    | ast::ItemKind::Extend(..)
                    | ast::ItemKind::Event { .. }
                    | ast::ItemKind::Group(..)
                    | ast::ItemKind::Rule(_)
                    | ast::ItemKind::Test(_)
                    | ast::ItemKind::Badge(..)
                    | ast::ItemKind::Tiers(..)
                    | ast::ItemKind::Coupon(..)
                    | ast::ItemKind::Certificate(..)
                    | ast::ItemKind::Redemption(..)
                    | ast::ItemKind::Template(_)
                    | ast::ItemKind::Offer(..)
                    | ast::ItemKind::Arbitration(..)
                    | ast::ItemKind::Ensure(..)
                    | ast::ItemKind::Contacts(..) => {}
                }
                targets.into_iter().collect()
            })
            .collect();
        let (order, rings) = order(&edges);
        let mut in_ring = vec![false; nodes.len()];
        for ring in rings {
            let names: Vec<String> = ring
                .iter()
                .filter_map(|node| nodes.get(*node))
                .filter_map(|(_, item, _)| header_of(item).map(|header| header.name.text.clone()))
                .collect();
            ring.iter().for_each(|node| in_ring[*node] = true);
            if let Some((at, item, _)) = ring.first().and_then(|node| nodes.get(*node))
                && let Some(header) = header_of(item)
            {
                self.report(errors::recursive_definition(at.place(header.name.span), &names));
            }
        }
        for node in order {
            let Some((at, item, value)) = nodes.get(node).copied() else { continue };
            if in_ring[node] {
                match value {
                    Value::Collection(position) => {
                        if let Some(info) = self.collections.get_mut(position) {
                            info.broken = true;
                        }
                    }
                    Value::Function(_) | Value::Param(_) => {}
                }
                continue;
            }
            match value {
                Value::Function(id) => self.function(at, item, id),
                Value::Collection(position) => self.collection_define(at, item, position),
                Value::Param(_) => {}
            }
        }
    }

    fn function(&mut self, at: At, item: &'a ast::Item, id: FunctionId) {
        let Some((params, ty)) = self
            .out
            .functions
            .get(id.0 as usize)
            .map(|function| (function.params.clone(), function.ty.clone()))
        else {
            return;
        };
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        for local in &params {
            let Some(declared) = self.out.locals.get(local.0 as usize).cloned() else { continue };
            if scope.bound(&declared.name).is_some() {
                let earlier = scope.bound(&declared.name).map(|(_, place)| *place).unwrap_or_default();
                self.report(errors::duplicate_name(declared.place, "parameter", &declared.name, earlier));
                continue;
            }
            scope.bind(&declared.name, parameter(*local, &declared.ty), declared.place);
        }
        self.params_read.clear();
        let body = match &item.kind {
            ast::ItemKind::Define { body, .. } => self.value_as(&mut scope, body, &ty),
            ast::ItemKind::Segment(_, body) => self.condition(&mut scope, body),
            ast::ItemKind::Counter { value, .. } => {
                scope.counter = true;
                scope.learn([Key::Member]);
                self.counted(&mut scope, value)
            }
            ast::ItemKind::Table { policy, rows, header, .. } => {
                self.table(&mut scope, header, &params, policy, rows, &ty)
            }
            ast::ItemKind::Language(_)
            | ast::ItemKind::Use { .. }
            | ast::ItemKind::Program(..)
            | ast::ItemKind::Account(..)
            | ast::ItemKind::Param { .. }
            | ast::ItemKind::Enum { .. }
            | ast::ItemKind::Reference { .. }
            | ast::ItemKind::Record(..)
            | ast::ItemKind::Extend(..)
            | ast::ItemKind::Event { .. }
            | ast::ItemKind::Group(..)
            | ast::ItemKind::Rule(_)
            | ast::ItemKind::Test(_)
            | ast::ItemKind::Badge(..)
            | ast::ItemKind::Tiers(..)
            | ast::ItemKind::Coupon(..)
            | ast::ItemKind::Certificate(..)
            | ast::ItemKind::Redemption(..)
            | ast::ItemKind::Template(_)
            | ast::ItemKind::Offer(..)
            | ast::ItemKind::Arbitration(..)
            | ast::ItemKind::Ensure(..)
            | ast::ItemKind::Contacts(..) => return,
        };
        let implies = if params.is_empty() { self.implied(&body, true) } else { Vec::new() };
        let read = std::mem::take(&mut self.params_read);
        if let Some(info) = self.function_infos.get_mut(id.0 as usize) {
            info.implies = implies;
            info.params_read = read;
            if let Events::Inferred(events) = scope.events {
                info.events = events;
            }
        }
        if let Some(function) = self.out.functions.get_mut(id.0 as usize) {
            if function.counter {
                function.ty = body.ty.clone();
            }
            function.body = body;
        }
    }

    fn collection_define(&mut self, at: At, item: &'a ast::Item, position: usize) {
        let ast::ItemKind::Define { body, header, .. } = &item.kind else { return };
        let before = self.found.len();
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        let of = self.collections.get(position).map(|info| info.of);
        let source = self.collection_value(&mut scope, body);
        match (source, of) {
            (Some((source, _)), Some(of)) if source.of != of => {
                self.report(errors::wrong_element(
                    at.place(body.span),
                    &header.name.text,
                    &self.collection_word(source.of),
                    &self.collection_word(of),
                ));
            }
            (Some(_) | None, _) => {}
        }
        if self.found.len() > before
            && let Some(info) = self.collections.get_mut(position)
        {
            info.broken = true;
        }
    }

    /// Reports a call that authors bring from elsewhere; what its arguments say is of there, too.
    fn foreign_call(
        &mut self,
        scope: &Scope,
        path: &ast::Path,
        arguments: &[ast::Expr],
        path_place: Place,
        written: &str,
    ) -> bool {
        let Some((last, before)) = path.parts.split_last() else { return false };
        if let ([name], "filter" | "map" | "where" | "find" | "some" | "every") = (before, last.text.as_str())
        {
            self.report(errors::unknown_name(path_place, "function", written, None).help(format!(
                "a collection is filtered by `{name} where …`, and asked by `any({name} where …)`",
                name = name.text
            )));
            return true;
        }
        let [name] = path.parts.as_slice() else { return false };
        if let Some(aggregate) = habits::aggregate(&name.text) {
            let argument = arguments.first().map(|argument| scope.place(argument.span));
            let quoted = argument.map_or_else(String::new, |argument| self.quote(argument));
            self.report(errors::aggregate_of_value(argument.unwrap_or(path_place), aggregate, &quoted));
            return true;
        }
        let Some(habit) = habits::of_function(&name.text) else { return false };
        self.report(errors::unknown_name(path_place, "function", written, None).help(habit));
        true
    }

    /// `net(line)`, `channel_rate(member.tier, purchase.channel)`, `min(a, b)`.
    pub(super) fn call(
        &mut self,
        scope: &mut Scope,
        path: &ast::Path,
        arguments: &[ast::Expr],
        place: Place,
    ) -> Expr {
        if let [name] = path.parts.as_slice()
            && matches!(name.text.as_str(), "min" | "max")
        {
            return self.extreme(scope, name.text == "max", arguments, place);
        }
        if let [name] = path.parts.as_slice()
            && name.text == "days_from_anniversary"
        {
            return self.anniversary(scope, arguments, place);
        }
        if let [name] = path.parts.as_slice()
            && name.text == "propensity"
        {
            return self.propensity(scope, arguments, place);
        }
        if let [name] = path.parts.as_slice()
            && let Some(part) = calendar_part(&name.text)
        {
            return self.calendar(scope, &name.text, part, arguments, place);
        }
        self.saw_global(scope, path);
        let path_place = scope.place(path.span);
        let written = self.quote(path_place);
        let id = match self.global(scope.space, path) {
            Some(Value::Function(id)) => id,
            Some(Value::Param(_) | Value::Collection(_)) => {
                self.report(errors::not_a_function(path_place, &written));
                return self.broken(place);
            }
            None => {
                if self.foreign_call(scope, path, arguments, path_place, &written) {
                    return self.broken(place);
                }
                let near = path.parts.last().and_then(|name| {
                    let built_in = || CALENDAR.iter().map(|(word, _)| *word);
                    self.nearest_value(scope, &name.text).or_else(|| self.nearest(&name.text, built_in()))
                });
                self.report(errors::unknown_name(path_place, "function", &written, near.as_deref()));
                for argument in arguments {
                    self.expr(scope, argument, None);
                }
                return self.broken(place);
            }
        };
        let Some(function) = self.out.functions.get(id.0 as usize) else { return self.broken(place) };
        let (ty, params, declared) = (function.ty.clone(), function.params.clone(), function.place);
        let types: Vec<(String, Type)> = params
            .iter()
            .filter_map(|local| self.out.locals.get(local.0 as usize))
            .map(|local| (local.name.clone(), local.ty.clone()))
            .collect();
        if types.len() != arguments.len() {
            self.report(errors::wrong_arguments(place, &written, types.len(), arguments.len(), declared));
            return Expr { kind: crate::typed::ExprKind::Error, ty, place };
        }
        let mut values = Vec::new();
        for (argument, (_, ty)) in arguments.iter().zip(&types) {
            values.push(self.argument(scope, argument, ty));
        }
        self.use_function(scope, id, path_place, &written);
        Expr { kind: crate::typed::ExprKind::Call(id, values), ty, place }
    }

    fn argument(&mut self, scope: &mut Scope, argument: &ast::Expr, ty: &Type) -> Expr {
        let Type::Record(record) = ty else { return self.value_as(scope, argument, ty) };
        let place = scope.place(argument.span);
        if let ast::ExprKind::Path(path) = &argument.kind
            && let [name] = path.parts.as_slice()
        {
            let found = match scope.bound(&name.text) {
                Some((Binding::Element(local, element), _)) => {
                    Some((*local, super::history::element_record(*element)))
                }
                Some((Binding::Record(local, record), _)) => Some((*local, *record)),
                Some((
                    Binding::Value(..)
                    | Binding::Collection { .. }
                    | Binding::Reference(..)
                    | Binding::Bundle { .. }
                    | Binding::Broken,
                    _,
                ))
                | None => None,
            };
            if let Some((local, found)) = found
                && (found == *record || (found, *record) == (RecordType::Unit, RecordType::Line))
            {
                return Expr { kind: crate::typed::ExprKind::Local(local), ty: ty.clone(), place };
            }
            if let Some((_, found)) = found {
                let (quoted, wanted) = (self.quote(place), self.describe(&Type::Record(*record)));
                let mut found = self.describe(&Type::Record(found));
                if found == wanted {
                    found = format!("{found} of another collection, such as history");
                }
                self.report(errors::other_element(place, &quoted, &found, &wanted));
                return self.broken(place);
            }
        }
        let wanted = self.describe(&Type::Record(*record));
        let quoted = self.quote(place);
        self.report(errors::element_expected(place, &quoted, &wanted));
        self.broken(place)
    }

    /// Notes that a function is used here: which events it may hear and which parameters it reads.
    pub(super) fn use_function(&mut self, scope: &mut Scope, id: FunctionId, place: Place, written: &str) {
        let Some(info) = self.function_infos.get(id.0 as usize) else { return };
        let (events, read) = (info.events.clone(), info.params_read.clone());
        self.params_read.extend(read);
        if let Some(events) = events {
            self.require_events(scope, &events, place, written);
        }
    }

    /// `end_of_month(event.date)`, `month(member.birthday)`.
    fn calendar(
        &mut self,
        scope: &mut Scope,
        name: &str,
        part: ir::CalendarPart,
        arguments: &[ast::Expr],
        place: Place,
    ) -> Expr {
        let ty = match part {
            ir::CalendarPart::Year | ir::CalendarPart::Month | ir::CalendarPart::MonthDay => Type::Number,
            ir::CalendarPart::Weekday => Type::Enum(self.builtins.weekdays),
            ir::CalendarPart::First(_) | ir::CalendarPart::Last(_) => Type::Date,
        };
        let [argument] = arguments else {
            self.report(errors::wrong_arguments(place, name, 1, arguments.len(), place));
            return Expr { kind: ExprKind::Error, ty, place };
        };
        let day = self.value_of(scope, argument, &Type::Date);
        if matches!(day.kind, ExprKind::Error) || day.ty.is_error() {
            return Expr { kind: ExprKind::Error, ty, place };
        }
        // The calendar's own weeks begin on Monday: those of another day are weeks of days moved by as many.
        let moved = match part {
            ir::CalendarPart::First(ir::Period::Week) | ir::CalendarPart::Last(ir::Period::Week) => {
                self.out.settings.week_starts
            }
            ir::CalendarPart::Year
            | ir::CalendarPart::Month
            | ir::CalendarPart::MonthDay
            | ir::CalendarPart::Weekday
            | ir::CalendarPart::First(_)
            | ir::CalendarPart::Last(_) => 0,
        };
        let by_days = |day: Expr, back: bool| {
            if moved == 0 {
                return day;
            }
            let days =
                Expr { kind: ExprKind::Constant(Ratio::whole(i128::from(moved))), ty: Type::Days, place };
            Expr { kind: ExprKind::Sum(vec![(false, day), (back, days)]), ty: Type::Date, place }
        };
        let day = by_days(day, true);
        by_days(Expr { kind: ExprKind::Calendar(part, Box::new(day)), ty, place }, false)
    }

    /// `min(1% * steps of 1_000 EUR in basket.paid, 10%)`.
    fn extreme(&mut self, scope: &mut Scope, largest: bool, arguments: &[ast::Expr], place: Place) -> Expr {
        let Some((first, rest)) = arguments.split_first() else {
            self.report(errors::wrong_arguments(place, if largest { "max" } else { "min" }, 2, 0, place));
            return self.broken(place);
        };
        let first = self.value(scope, first, None);
        let ty = first.ty.clone();
        if !ty.is_numeric() && !ty.is_error() && !matches!(ty, Type::Date | Type::Time | Type::Instant) {
            let (quoted, described) = (self.quote(first.place), self.describe(&ty));
            self.report(errors::number_expected(first.place, &quoted, &described));
            return self.broken(place);
        }
        let mut values = vec![first];
        for argument in rest {
            values.push(self.value_of(scope, argument, &ty));
        }
        Expr { kind: crate::typed::ExprKind::Extreme { largest, values }, ty, place }
    }

    /// The least and the most that a number can be, where constants and ranges tell.
    pub(super) fn bounds(&self, expr: &Expr) -> Option<(crate::typed::Ratio, crate::typed::Ratio)> {
        use crate::typed::{ExprKind, Ratio};
        match &expr.kind {
            ExprKind::Constant(value) => Some((*value, *value)),
            ExprKind::Local(local) => self.local_bounds.get(local).copied(),
            ExprKind::Param(id) => {
                let param = self.out.params.get(id.index())?;
                let ratio = |value: i64| Ratio { num: i128::from(value), den: param.den }.reduced();
                if let Some((low, high)) = param.ir.range {
                    return Some((ratio(low)?, ratio(high)?));
                }
                let low = param.ir.values.iter().map(|(_, value)| *value).min()?;
                let high = param.ir.values.iter().map(|(_, value)| *value).max()?;
                Some((ratio(low)?, ratio(high)?))
            }
            ExprKind::Call(id, _) => {
                let function = self.out.functions.get(id.0 as usize)?;
                // A table's rows; a chain of functions is not followed.
                let ExprKind::Match { rows, .. } = &function.body.kind else { return None };
                constant_bounds(rows.iter().map(|row| &row.value))
            }
            ExprKind::Match { rows, .. } => constant_bounds(rows.iter().map(|row| &row.value)),
            ExprKind::Extreme { largest: false, values } => {
                let high = values
                    .iter()
                    .filter_map(constant)
                    .min_by(|a, b| a.compare(*b).unwrap_or(std::cmp::Ordering::Equal))?;
                Some((Ratio::whole(0).min_of(high), high))
            }
            ExprKind::Error
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Field { .. }
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
            | ExprKind::Extreme { largest: true, .. }
            | ExprKind::Aggregate { .. } => None,
        }
    }
}

fn constant_bounds<'e>(
    values: impl Iterator<Item = &'e Expr>,
) -> Option<(crate::typed::Ratio, crate::typed::Ratio)> {
    let mut bounds: Option<(crate::typed::Ratio, crate::typed::Ratio)> = None;
    for value in values {
        let value = constant(value)?;
        bounds = Some(match bounds {
            Some((low, high)) => (low.min_of(value), if value.compare(high)?.is_gt() { value } else { high }),
            None => (value, value),
        });
    }
    bounds
}

fn parameter(local: LocalId, ty: &Type) -> Binding {
    match ty {
        Type::Record(RecordType::Line) => Binding::Element(local, Element::Line),
        Type::Record(RecordType::Unit) => Binding::Element(local, Element::Unit),
        Type::Record(RecordType::Payment) => Binding::Element(local, Element::Payment),
        Type::Record(RecordType::Row(rows)) => Binding::Element(local, Element::Row(*rows)),
        Type::Record(record) => Binding::Record(local, *record),
        Type::Error => Binding::Broken,
        Type::Bool
        | Type::Number
        | Type::Percent
        | Type::Money
        | Type::Points(_)
        | Type::Count(_)
        | Type::Quantity(_)
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
        | Type::Collection(_) => Binding::Value(local, ty.clone()),
    }
}

/// What the calendar is asked for, by the names of functions.
const CALENDAR: &[(&str, ir::CalendarPart)] = &[
    ("day", ir::CalendarPart::MonthDay),
    ("month", ir::CalendarPart::Month),
    ("year", ir::CalendarPart::Year),
    ("weekday", ir::CalendarPart::Weekday),
    ("start_of_week", ir::CalendarPart::First(ir::Period::Week)),
    ("start_of_month", ir::CalendarPart::First(ir::Period::Month)),
    ("start_of_quarter", ir::CalendarPart::First(ir::Period::Quarter)),
    ("start_of_half_year", ir::CalendarPart::First(ir::Period::HalfYear)),
    ("start_of_year", ir::CalendarPart::First(ir::Period::Year)),
    ("end_of_week", ir::CalendarPart::Last(ir::Period::Week)),
    ("end_of_month", ir::CalendarPart::Last(ir::Period::Month)),
    ("end_of_quarter", ir::CalendarPart::Last(ir::Period::Quarter)),
    ("end_of_half_year", ir::CalendarPart::Last(ir::Period::HalfYear)),
    ("end_of_year", ir::CalendarPart::Last(ir::Period::Year)),
];

fn calendar_part(name: &str) -> Option<ir::CalendarPart> {
    CALENDAR.iter().find(|(word, _)| *word == name).map(|(_, part)| *part)
}

/// Names that mean the same in every program.
pub(super) fn is_fixed_name(name: &str) -> bool {
    matches!(
        name,
        "basket"
            | "event"
            | "member"
            | "lines"
            | "units"
            | "payments"
            | "line"
            | "unit"
            | "payment"
            | "min"
            | "max"
            | "days_from_anniversary"
            | "propensity"
    )
}

fn header_of(item: &ast::Item) -> Option<&ast::Header> {
    match &item.kind {
        ast::ItemKind::Define { header, .. }
        | ast::ItemKind::Table { header, .. }
        | ast::ItemKind::Segment(header, _)
        | ast::ItemKind::Counter { header, .. }
        | ast::ItemKind::Param { header, .. } => Some(header),
        ast::ItemKind::Language(_)
        | ast::ItemKind::Use { .. }
        | ast::ItemKind::Program(..)
        | ast::ItemKind::Account(..)
        | ast::ItemKind::Enum { .. }
        | ast::ItemKind::Reference { .. }
        | ast::ItemKind::Record(..)
        | ast::ItemKind::Extend(..)
        | ast::ItemKind::Event { .. }
        | ast::ItemKind::Group(..)
        | ast::ItemKind::Rule(_)
        | ast::ItemKind::Test(_)
        | ast::ItemKind::Badge(..)
        | ast::ItemKind::Tiers(..)
        | ast::ItemKind::Coupon(..)
        | ast::ItemKind::Certificate(..)
        | ast::ItemKind::Redemption(..)
        | ast::ItemKind::Template(_)
        | ast::ItemKind::Offer(..)
        | ast::ItemKind::Arbitration(..)
        | ast::ItemKind::Ensure(..)
        | ast::ItemKind::Contacts(..) => None,
    }
}

/// Nodes so that each stands after those it points at, and the rings among them; without recursion.
fn order(edges: &[Vec<usize>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; edges.len()];
    let mut done = Vec::new();
    let mut rings = Vec::new();
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        let mut stack = vec![(start, 0usize)];
        marks[start] = Mark::Open;
        while let Some((node, next)) = stack.last_mut() {
            let Some(target) = edges[*node].get(*next).copied() else {
                marks[*node] = Mark::Done;
                done.push(*node);
                stack.pop();
                continue;
            };
            *next += 1;
            match marks[target] {
                Mark::New => {
                    marks[target] = Mark::Open;
                    stack.push((target, 0));
                }
                Mark::Open => {
                    let ring: Vec<usize> =
                        stack.iter().map(|(node, _)| *node).skip_while(|node| *node != target).collect();
                    rings.push(ring);
                }
                Mark::Done => {}
            }
        }
    }
    (done, rings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_puts_what_is_used_first_and_finds_rings() {
        let (done, rings) = order(&[vec![1], vec![2], vec![], vec![4], vec![3]]);
        assert_eq!(rings, vec![vec![3, 4]]);
        let position = |node| done.iter().position(|other| *other == node);
        assert!(position(2) < position(1) && position(1) < position(0));
    }
}
