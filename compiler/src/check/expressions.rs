//! Expressions: what each name in them is, which fields may be missing, what is true or false. It refuses to know
//! arithmetic (see `operators`), collections and effects.

use super::functions::is_fixed_name;
use super::names::{Binding, Events, Key, Scope, Value};
use super::schema::RecordName;
use super::types::constant;
use super::{Checker, dates, errors, habits, names};
use crate::ir;
use crate::typed::{self, Element, Expr, ExprKind, FieldId, LocalId, RecordType, TenderField, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;
use std::collections::BTreeSet;

/// Above what the grammar lets through: a second line of defence for the stack.
const MAX_DEPTH: u32 = 300;

/// How a field is going to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// As a value.
    Value,
    /// On either side of `in`: what is missing is in nothing.
    Test,
    /// In `known` and `unknown`.
    Known,
}

/// A word that stands for a record: only fields are taken of it.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Event(Option<ir::EventId>),
    Basket,
    Member,
    Element(LocalId, Element),
    Product(LocalId),
}

impl Checker<'_> {
    /// An expression of any type; one that may be missing has an `Optional` type.
    pub(super) fn expr(&mut self, scope: &mut Scope, expr: &ast::Expr, want: Option<&Type>) -> Expr {
        let place = scope.place(expr.span);
        if scope.depth >= MAX_DEPTH {
            self.report(errors::too_deep(place));
            return self.broken(place);
        }
        scope.depth += 1;
        let result = match &expr.kind {
            ast::ExprKind::Error => self.broken(place),
            ast::ExprKind::Hole => self.hole(scope, place, want),
            ast::ExprKind::Number(number) => self.number(number, place),
            ast::ExprKind::Percent(number) => self.percent(number, place),
            ast::ExprKind::Quantity(number, unit) => self.quantity(number, unit, place),
            ast::ExprKind::Date(text) => self.date_literal(&text.text, place),
            ast::ExprKind::Time(text) => self.time_literal(&text.text, place),
            ast::ExprKind::Instant(date, time) => self.instant_literal(&date.text, &time.text, place),
            ast::ExprKind::Text(text) => self.text_literal(&text.value, place, want),
            ast::ExprKind::Bool(truth) => Expr { kind: ExprKind::Bool(*truth), ty: Type::Bool, place },
            ast::ExprKind::Reference(kind, _) => self.reference_value(kind, place),
            ast::ExprKind::List(_) => {
                self.report(errors::list_as_value(place));
                self.broken(place)
            }
            ast::ExprKind::Path(path) => self.path(scope, path, want, Access::Value),
            ast::ExprKind::Call(path, arguments) => self.call(scope, path, arguments, place),
            ast::ExprKind::Logic(logic, parts) => self.logic(scope, *logic, parts, place),
            ast::ExprKind::Not(inner) => self.not(scope, inner, place),
            ast::ExprKind::Compare(op, left, right) => self.compare(scope, *op, left, right, place),
            ast::ExprKind::In { value, negated, set } => self.member_of(scope, value, *negated, set, place),
            ast::ExprKind::InRange { value, negated, range } => {
                self.in_range(scope, value, *negated, range, place)
            }
            ast::ExprKind::Known(inner, known) => self.known(scope, inner, *known, place),
            ast::ExprKind::As(inner, unit, rounding) => {
                self.convert(scope, inner, unit, rounding.as_ref(), place)
            }
            ast::ExprKind::Sum(first, rest) => self.sum(scope, first, rest, place, want),
            ast::ExprKind::Product(first, rest) => self.product(scope, first, rest, place),
            ast::ExprKind::Of(share, whole) => self.share(scope, share, whole, place),
            ast::ExprKind::Negate(inner) => self.negate(scope, inner, place),
            ast::ExprKind::Steps(step, whole) => self.steps(scope, step, whole, place),
            ast::ExprKind::Aggregate { function, value, source } => {
                self.aggregate(scope, *function, value.as_deref(), source, place)
            }
            ast::ExprKind::By(subject, arms) => self.by(scope, subject, arms, place, want),
            ast::ExprKind::Collection(_) => {
                self.report(errors::collection_as_value(place));
                self.broken(place)
            }
        };
        scope.depth -= 1;
        self.saw(place, &result.ty);
        result
    }

    /// An expression that must be there.
    pub(super) fn value(&mut self, scope: &mut Scope, expr: &ast::Expr, want: Option<&Type>) -> Expr {
        let value = self.expr(scope, expr, want);
        self.present(value)
    }

    /// Refuses what may be missing.
    pub(super) fn present(&mut self, mut value: Expr) -> Expr {
        if value.ty.is_optional() {
            let quoted = self.quote(value.place);
            self.report(errors::maybe_unknown(value.place, &quoted));
            value = Expr { kind: ExprKind::Error, ty: value.ty.present().clone(), place: value.place };
        }
        value
    }

    /// An expression of a given type; a value that is there stands for one that may be missing.
    pub(super) fn value_as(&mut self, scope: &mut Scope, expr: &ast::Expr, ty: &Type) -> Expr {
        if ty.is_optional() {
            let value = self.expr(scope, expr, Some(ty.present()));
            return self.typed(value, ty.present());
        }
        self.value_of(scope, expr, ty)
    }

    /// An expression of a given type that is there.
    pub(super) fn value_of(&mut self, scope: &mut Scope, expr: &ast::Expr, ty: &Type) -> Expr {
        let value = self.value(scope, expr, Some(ty));
        self.typed(value, ty)
    }

    /// Refuses another type than the given.
    pub(super) fn typed(&mut self, value: Expr, ty: &Type) -> Expr {
        if value.ty.present() == ty || value.ty.is_error() || ty.is_error() {
            return value;
        }
        let quoted = self.quote(value.place);
        let (wanted, found) = (self.describe(ty), self.describe(value.ty.present()));
        if let (ExprKind::Constant(_), Type::Number, Some(suffix)) = (&value.kind, &value.ty, self.suffix(ty))
        {
            self.report(errors::missing_unit(value.place, &quoted, &wanted, &suffix, None));
        } else {
            if *ty == Type::Bool && *value.ty.present() == Type::Text {
                self.report(errors::text_for_truth(value.place, &quoted));
                return Expr { kind: ExprKind::Error, ty: ty.clone(), place: value.place };
            }
            let conversion = self
                .conversion(&quoted, value.ty.present(), ty)
                .or_else(|| self.other_time(&quoted, &value, ty));
            self.report(errors::mismatched_types(value.place, &quoted, &wanted, &found, conversion));
        }
        Expr { kind: ExprKind::Error, ty: ty.clone(), place: value.place }
    }

    /// A truth.
    pub(super) fn condition(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Expr {
        self.value_of(scope, expr, &Type::Bool)
    }

    fn date_literal(&mut self, text: &str, place: Place) -> Expr {
        match dates::date(text) {
            Some(day) => Expr { kind: ExprKind::Ordinal(day), ty: Type::Date, place },
            None => {
                self.report(errors::impossible_date(place, text));
                Expr { kind: ExprKind::Error, ty: Type::Date, place }
            }
        }
    }

    fn time_literal(&mut self, text: &str, place: Place) -> Expr {
        match dates::time(text) {
            Some(second) => Expr { kind: ExprKind::Ordinal(second), ty: Type::Time, place },
            None => {
                self.report(errors::impossible_date(place, text));
                Expr { kind: ExprKind::Error, ty: Type::Time, place }
            }
        }
    }

    /// Local time becomes an instant only with the zone's table, which is not known here.
    fn instant_literal(&mut self, date: &str, time: &str, place: Place) -> Expr {
        let kind = match (dates::date(date), dates::time(time)) {
            (Some(day), Some(second)) => ExprKind::Instant(day, second),
            (Some(_) | None, _) => {
                self.report(errors::impossible_date(place, &format!("{date} {time}")));
                ExprKind::Error
            }
        };
        Expr { kind, ty: Type::Instant, place }
    }

    fn text_literal(&mut self, text: &str, place: Place, want: Option<&Type>) -> Expr {
        match want.map(Type::present) {
            Some(Type::Enum(id)) => {
                let name = self.enum_name(*id).to_string();
                let values = self.out.enums.get(id.index()).map_or(&[][..], |e| &e.values);
                let titles = self.enum_titles.get(id.index()).map_or(&[][..], Vec::as_slice);
                let titled = titles.iter().find(|(_, title)| title == text).map(|(value, _)| value.clone());
                let values_named = || values.iter().map(String::as_str);
                let meant = values.iter().find(|value| *value == text).cloned().or(titled);
                let meant = meant.or_else(|| names::begun(text, values_named()).map(str::to_owned));
                let meant = meant.or_else(|| self.nearest(text, values_named()));
                self.report(errors::text_for_value(place, text, &name, meant));
                Expr { kind: ExprKind::Error, ty: Type::Enum(*id), place }
            }
            Some(Type::Symbol(kind) | Type::Set(kind)) => {
                let kind_name = self.kind_name(*kind).to_string();
                self.report(errors::text_for_reference(place, &format!("\"{text}\""), &kind_name, None));
                self.broken(place)
            }
            Some(_) | None => Expr { kind: ExprKind::Error, ty: Type::Text, place },
        }
    }

    fn reference_value(&mut self, kind: &ast::Name, place: Place) -> Expr {
        let quoted = self.quote(place);
        self.report(errors::reference_as_value(place, &kind.text, &quoted));
        self.broken(place)
    }

    /// `?`
    fn hole(&mut self, scope: &Scope, place: Place, want: Option<&Type>) -> Expr {
        let expected = want.map(|ty| self.describe(ty));
        let mut fits: Vec<String> = Vec::new();
        if let Some(want) = want {
            for field in &self.out.fields {
                let reachable = match field.record {
                    ir::RecordKind::Member => true,
                    ir::RecordKind::Event | ir::RecordKind::Derived => {
                        !field.name.starts_with("basket.") || self.heard_have_lines(scope)
                    }
                    ir::RecordKind::Line | ir::RecordKind::Product => {
                        let word = if field.name.starts_with("unit.") { "unit" } else { "line" };
                        scope.bound(word).is_some()
                    }
                    ir::RecordKind::Payment => scope.bound("payment").is_some(),
                };
                if reachable && field.ty.present() == want.present() && field.name != "member" {
                    fits.push(field.name.clone());
                }
            }
            for param in &self.out.params {
                if param.ty == *want {
                    fits.push(param.ir.name.clone());
                }
            }
            if let Type::Enum(id) = want.present()
                && let Some(values) = self.out.enums.get(id.index())
            {
                fits.extend(values.values.iter().cloned());
            }
        }
        fits.truncate(12);
        self.report(errors::expected_here(place, expected.as_deref(), &fits));
        Expr { kind: ExprKind::Error, ty: want.cloned().unwrap_or(Type::Error), place }
    }

    fn heard_have_lines(&self, scope: &Scope) -> bool {
        match &scope.events {
            Events::Heard(events) => {
                events.iter().all(|event| self.event_infos.get(event.index()).is_some_and(|info| info.lines))
            }
            Events::Inferred(_) => true,
        }
    }

    /// A name by itself that only an expected type can give a meaning.
    pub(super) fn is_bare_value(&self, scope: &Scope, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ast::ExprKind::Path(path) => match path.parts.as_slice() {
                [name] => {
                    scope.bound(&name.text).is_none()
                        && !is_fixed_name(&name.text)
                        && self.value_named(scope.space, &name.text).is_none()
                }
                _ => false,
            },
            ast::ExprKind::Hole | ast::ExprKind::Text(_) => true,
            ast::ExprKind::Error
            | ast::ExprKind::Number(_)
            | ast::ExprKind::Percent(_)
            | ast::ExprKind::Quantity(..)
            | ast::ExprKind::Date(_)
            | ast::ExprKind::Time(_)
            | ast::ExprKind::Instant(..)
            | ast::ExprKind::Bool(_)
            | ast::ExprKind::Reference(..)
            | ast::ExprKind::List(_)
            | ast::ExprKind::Call(..)
            | ast::ExprKind::Logic(..)
            | ast::ExprKind::Not(_)
            | ast::ExprKind::Compare(..)
            | ast::ExprKind::In { .. }
            | ast::ExprKind::InRange { .. }
            | ast::ExprKind::Known(..)
            | ast::ExprKind::As(..)
            | ast::ExprKind::Sum(..)
            | ast::ExprKind::Product(..)
            | ast::ExprKind::Of(..)
            | ast::ExprKind::Negate(_)
            | ast::ExprKind::Steps(..)
            | ast::ExprKind::Aggregate { .. }
            | ast::ExprKind::By(..)
            | ast::ExprKind::Collection(_) => false,
        }
    }

    /// A name.
    pub(super) fn path(
        &mut self,
        scope: &mut Scope,
        path: &ast::Path,
        want: Option<&Type>,
        access: Access,
    ) -> Expr {
        let found = self.path_unseen(scope, path, want, access);
        self.saw_path(scope, path, &found);
        found
    }

    fn path_unseen(
        &mut self,
        scope: &mut Scope,
        path: &ast::Path,
        want: Option<&Type>,
        access: Access,
    ) -> Expr {
        let place = scope.place(path.span);
        let Some((head, rest)) = path.parts.split_first() else { return self.broken(place) };
        if head.text == "payment" && scope.bound("payment").is_none() {
            let field = match rest {
                [name] if name.text == "points" => Some(TenderField::Points),
                [name] if name.text == "cash" => Some(TenderField::Cash),
                _ => None,
            };
            if let Some(field) = field {
                let quoted = self.quote(place);
                self.require_lines(scope, place, &quoted);
                let field = self.tender_field(field);
                return self.field_access(scope, field, None, place, access);
            }
        }
        // Before the records: `batch` is an event and also a run of events.
        if rest.is_empty()
            && scope.bound(&head.text).is_none()
            && let Some(Type::Enum(id)) = want.map(Type::present)
            && let Some(values) = self.out.enums.get(id.index())
            && let Some(position) = values.values.iter().position(|value| *value == head.text)
        {
            return Expr { kind: ExprKind::Ordinal(position as i64), ty: Type::Enum(*id), place };
        }
        if let Some((subject, fields)) = self.subject(scope, path) {
            return self.subject_field(scope, &subject, fields, place, access);
        }
        match scope.bound(&head.text).map(|(binding, _)| binding.clone()) {
            Some(Binding::Value(local, ty)) => {
                if !rest.is_empty() {
                    let described = self.describe(&ty);
                    self.report(errors::no_fields(place, &head.text, &described));
                    return self.broken(place);
                }
                let ty = match ty {
                    Type::Optional(inner) if access == Access::Value && scope.knows(Key::Local(local)) => {
                        *inner
                    }
                    other => other,
                };
                return Expr { kind: ExprKind::Local(local), ty, place };
            }
            Some(Binding::Collection { .. } | Binding::Bundle { .. }) => {
                self.report(errors::collection_as_value(place));
                return self.broken(place);
            }
            Some(Binding::Reference(kind, _)) => return self.reference_value(&kind, place),
            Some(Binding::Broken) => return self.broken(place),
            Some(Binding::Element(..) | Binding::Record(..)) | None => {}
        }
        match self.global(scope.space, path) {
            Some(Value::Param(id)) => {
                self.params_read.insert(id);
                let ty = self.out.params.get(id.index()).map_or(Type::Error, |param| param.ty.clone());
                return Expr { kind: ExprKind::Param(id), ty, place };
            }
            Some(Value::Function(id)) => {
                let segment = self.function_infos.get(id.0 as usize).is_some_and(|info| info.segment);
                let written = self.quote(place);
                let ty =
                    self.out.functions.get(id.0 as usize).map_or(Type::Error, |function| function.ty.clone());
                if !segment {
                    self.report(errors::call_expected(place, &written));
                    return Expr { kind: ExprKind::Error, ty, place };
                }
                self.use_function(scope, id, place, &written);
                let of_member = self.function_infos.get(id.0 as usize).is_some_and(|info| info.of_member);
                if of_member && !scope.knows(Key::Member) {
                    self.report(errors::no_past(place, &written));
                    return Expr { kind: ExprKind::Error, ty: ty.present().clone(), place };
                }
                let ty = match ty {
                    Type::Optional(inner) if access == Access::Value && scope.knows(Key::Counter(id)) => {
                        *inner
                    }
                    other => other,
                };
                return Expr { kind: ExprKind::Call(id, Vec::new()), ty, place };
            }
            Some(Value::Collection(_)) => {
                self.report(errors::collection_as_value(place));
                return self.broken(place);
            }
            None => {}
        }
        if rest.is_empty() && matches!(head.text.as_str(), "lines" | "units" | "payments") {
            self.report(errors::collection_as_value(place));
        } else {
            self.unknown_path(scope, path, want);
        }
        self.broken(place)
    }

    /// Says which name was not found, and which may have been meant.
    fn unknown_path(&mut self, scope: &Scope, path: &ast::Path, want: Option<&Type>) {
        let Some((head, rest)) = path.parts.split_first() else { return };
        let head_place = scope.place(head.span);
        let name = head.text.as_str();
        if let Some(target) = self.spaces.get(scope.space).and_then(|space| space.aliases.get(name)).copied()
        {
            let Some(target) = target else { return };
            if let Some(last) = rest.first() {
                let names: Vec<String> = self
                    .spaces
                    .get(target)
                    .map(|space| space.values.keys().cloned().collect())
                    .unwrap_or_default();
                let near = self.nearest(&last.text, names.iter().map(String::as_str));
                self.report(errors::unknown_in_file(
                    scope.place(last.span),
                    name,
                    &last.text,
                    near.as_deref(),
                ));
            } else {
                self.report(errors::unknown_name(head_place, "value", name, None));
            }
            return;
        }
        if matches!(name, "line" | "unit" | "payment") {
            let bound = ["line", "unit", "payment"].into_iter().find(|word| scope.bound(word).is_some());
            let bound = bound.map(str::to_string).or_else(|| {
                let (element, local) = scope.loops.last()?;
                let local = self.out.locals.get(local.0 as usize)?;
                Some(if local.name.is_empty() { self.element_word(*element) } else { local.name.clone() })
            });
            self.report(errors::no_element(head_place, name, bound.as_deref()));
            return;
        }
        if rest.is_empty()
            && let Some(Type::Enum(id)) = want.map(Type::present)
        {
            let values = self.out.enums.get(id.index()).map(|e| e.values.clone()).unwrap_or_default();
            let near = self.nearest(name, values.iter().map(String::as_str));
            let near = near.or_else(|| self.nearest_value(scope, name));
            let enumeration = self.enum_name(*id).to_string();
            self.report(errors::unknown_value(head_place, name, &enumeration, &values, near.as_deref()));
            return;
        }
        if self.spaces.get(scope.space).is_some_and(|space| space.aliases.contains_key(name)) {
            return;
        }
        let owner = rest
            .is_empty()
            .then(|| self.out.enums.iter().find(|e| e.values.iter().any(|v| v == name)))
            .flatten();
        if let Some(owner) = owner {
            let owner = owner.name.clone();
            self.report(errors::value_out_of_place(head_place, name, &owner));
            return;
        }
        if let ("lines" | "units" | "payments", [last]) = (name, rest) {
            self.report(errors::field_of_collection(scope.place(path.span), name, &last.text));
            return;
        }
        if let Some(habit) = habits::of_value(name).filter(|_| rest.is_empty()) {
            self.report(errors::unknown_name(head_place, "name", name, None).help(habit));
            return;
        }
        let near = self.nearest_value(scope, name);
        let fields =
            if near.is_none() && rest.is_empty() { self.fields_named(scope, name) } else { Vec::new() };
        self.report(errors::unknown_value_name(head_place, name, near.as_deref(), &fields));
    }

    /// The fields of a name, as they are written where an expression stands.
    fn fields_named(&self, scope: &Scope, name: &str) -> Vec<String> {
        let event = match &scope.events {
            Events::Heard(events) => {
                let has = |event: &ir::EventId| {
                    self.event_infos.get(event.index()).is_some_and(|info| info.fields.contains_key(name))
                };
                !events.is_empty() && events.iter().all(has)
            }
            Events::Inferred(_) => false,
        };
        let line = self.records.line.contains_key(name) && scope.bound("line").is_some();
        [
            (event, "event"),
            (self.records.member.contains_key(name), "member"),
            (line, "line"),
            (matches!(name, "initial" | "paid"), "basket"),
        ]
        .into_iter()
        .filter(|(has, _)| *has)
        .map(|(_, record)| format!("{record}.{name}"))
        .collect()
    }

    /// The record that a path begins with, and the names after it.
    pub(super) fn subject<'p>(
        &self,
        scope: &Scope,
        path: &'p ast::Path,
    ) -> Option<(Subject, &'p [ast::Name])> {
        let (head, rest) = path.parts.split_first()?;
        let subject = match scope.bound(&head.text).map(|(binding, _)| binding) {
            Some(Binding::Element(local, element)) => Subject::Element(*local, *element),
            Some(Binding::Record(local, RecordType::Product)) => Subject::Product(*local),
            Some(
                Binding::Record(..)
                | Binding::Value(..)
                | Binding::Collection { .. }
                | Binding::Reference(..)
                | Binding::Bundle { .. }
                | Binding::Broken,
            ) => {
                return None;
            }
            None => match head.text.as_str() {
                "basket" => Subject::Basket,
                "member" => Subject::Member,
                "event" => Subject::Event(None),
                name => Subject::Event(Some(*self.event_ids.get(name)?)),
            },
        };
        if let Subject::Element(local, Element::Line | Element::Unit) = subject
            && rest.first().is_some_and(|name| name.text == "product")
        {
            return Some((Subject::Product(local), rest.get(1..).unwrap_or(&[])));
        }
        Some((subject, rest))
    }

    /// The word for a record in sentences.
    pub(super) fn subject_word(&self, subject: &Subject) -> String {
        match subject {
            Subject::Event(None) => "event".into(),
            Subject::Event(Some(id)) => {
                self.out.events.get(id.index()).map(|e| e.name.clone()).unwrap_or_default()
            }
            Subject::Basket => "basket".into(),
            Subject::Member => "member".into(),
            Subject::Element(_, element) => self.element_word(*element),
            Subject::Product(_) => "product".into(),
        }
    }

    fn subject_field(
        &mut self,
        scope: &mut Scope,
        subject: &Subject,
        names: &[ast::Name],
        place: Place,
        access: Access,
    ) -> Expr {
        let (Some(first), Some(last)) = (names.first(), names.last()) else {
            return self.bare_subject(scope, subject, place, access);
        };
        let name = names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
        let name_place = scope.place(first.span.to(last.span));
        let settled = match subject {
            Subject::Basket => Some(None),
            Subject::Element(local, Element::Line | Element::Unit) => Some(Some(*local)),
            Subject::Event(_)
            | Subject::Member
            | Subject::Element(_, Element::Payment | Element::Row(_))
            | Subject::Product(_) => None,
        };
        if let Some(of) = settled
            && let Some(field) = self.settled_named(scope, names, place)
        {
            let Some(field) = field else { return self.broken(place) };
            return self.field_access(scope, field, of, place, access);
        }
        let (field, of) = match subject {
            Subject::Basket => {
                let field = match name.as_str() {
                    "initial" => self.builtins.basket_initial,
                    "paid" => self.builtins.basket_paid,
                    _ => {
                        let fields = vec!["initial".to_string(), "paid".to_string()];
                        let near = self.nearest(&name, fields.iter().map(String::as_str));
                        self.report(errors::unknown_field(
                            name_place,
                            "basket",
                            &name,
                            &fields,
                            near.as_deref(),
                        ));
                        return self.broken(place);
                    }
                };
                let quoted = self.quote(place);
                if scope.counter {
                    self.report(errors::counter_of_event(place, &quoted));
                    return self.broken(place);
                }
                self.require_lines(scope, place, &quoted);
                (field, None)
            }
            Subject::Event(kind) => match self.event_field(scope, *kind, &name, name_place, place) {
                Some(field) => (field, None),
                None => return self.broken(place),
            },
            Subject::Member => {
                if first.text == "balance" {
                    let Some(field) = self.balance(scope, names, place) else { return self.broken(place) };
                    return self.field_access(scope, field, None, place, access);
                }
                match self.records.member.get(&name).copied() {
                    Some(field) => (field, None),
                    None => return self.unknown_field(subject, RecordName::Member, &name, name_place, place),
                }
            }
            Subject::Element(local, Element::Row(rows)) => match self.row_field(*rows, &name) {
                Some(field) => (field, Some(*local)),
                None => {
                    return self.unknown_field(subject, RecordName::Row(rows.0), &name, name_place, place);
                }
            },
            Subject::Element(local, element) => {
                let (fields, record) = match element {
                    Element::Row(_) => return self.broken(place),
                    Element::Line | Element::Unit => (&self.records.line, RecordName::Line),
                    Element::Payment => (&self.records.payment, RecordName::Payment),
                };
                let field = match (element, name.as_str()) {
                    (Element::Unit, "price") => Some(self.builtins.unit_price),
                    (Element::Unit, "initial") => Some(self.builtins.unit_initial),
                    (Element::Unit, "paid") => Some(self.builtins.unit_paid),
                    (Element::Unit, "pieces") => {
                        self.report(errors::pieces_of_unit(name_place));
                        return self.broken(place);
                    }
                    (Element::Line, "cash") if !fields.contains_key("cash") => {
                        Some(self.tender_field(TenderField::LineCash))
                    }
                    (Element::Line | Element::Unit | Element::Payment | Element::Row(_), _) => {
                        fields.get(&name).copied()
                    }
                };
                match field {
                    Some(field) => (field, Some(*local)),
                    None => return self.unknown_field(subject, record, &name, name_place, place),
                }
            }
            Subject::Product(local) => match self.records.product.get(&name).copied() {
                Some(field) => (field, Some(*local)),
                None => return self.unknown_field(subject, RecordName::Product, &name, name_place, place),
            },
        };
        self.field_access(scope, field, of, place, access)
    }

    /// `member.balance.bonus`
    fn balance(&mut self, scope: &Scope, names: &[ast::Name], place: Place) -> Option<FieldId> {
        let account = match names {
            [_, name] => self.account_ids.get(&name.text).copied(),
            _ => None,
        };
        let Some(account) = account else {
            let place = names.get(1).map_or(place, |name| scope.place(name.span));
            let written = self.quote(place);
            let near = self.nearest(&written, self.account_ids.keys().map(String::as_str));
            let accounts: Vec<String> =
                self.out.accounts.iter().map(|account| account.name.clone()).collect();
            self.report(errors::not_an_account(place, &written, &accounts, near.as_deref()));
            return None;
        };
        Some(self.balance_field(account))
    }

    /// `member`, `purchase`, `line` without a field.
    fn bare_subject(&mut self, scope: &Scope, subject: &Subject, place: Place, access: Access) -> Expr {
        match (subject, access) {
            (Subject::Member, Access::Known) => Expr {
                kind: ExprKind::Field { field: self.builtins.member_known, of: None },
                ty: Type::Bool,
                place,
            },
            (Subject::Product(local), Access::Known) => match self.records.product.get("sku").copied() {
                Some(field) => {
                    let ty = self.field_of(field).map_or(Type::Error, |field| field.ty.clone());
                    let ty = Type::Optional(Box::new(ty.present().clone()));
                    Expr { kind: ExprKind::Field { field, of: Some(*local) }, ty, place }
                }
                None => self.broken(place),
            },
            (
                Subject::Event(_)
                | Subject::Basket
                | Subject::Member
                | Subject::Element(..)
                | Subject::Product(_),
                Access::Known | Access::Test | Access::Value,
            ) => {
                let word = self.quote(place);
                let fields = self.fields_of(scope, subject);
                self.report(errors::record_as_value(place, &word, &fields));
                self.broken(place)
            }
        }
    }

    /// Names of a record's fields, for messages; the first few in the alphabet.
    pub(super) fn fields_of(&self, scope: &Scope, subject: &Subject) -> Vec<String> {
        let mut names: Vec<String> = match subject {
            Subject::Basket => vec!["initial".into(), "paid".into()],
            Subject::Member => self.records.member.keys().cloned().collect(),
            Subject::Product(_) => self.records.product.keys().cloned().collect(),
            Subject::Element(_, Element::Payment) => self.records.payment.keys().cloned().collect(),
            Subject::Element(_, Element::Line | Element::Unit) => self.records.line.keys().cloned().collect(),
            Subject::Element(_, Element::Row(rows)) => self.row_names(*rows),
            Subject::Event(kind) => {
                let events = match (&scope.events, kind) {
                    (_, Some(kind)) => vec![*kind],
                    (Events::Heard(events), None) => events.clone(),
                    (Events::Inferred(_), None) => Vec::new(),
                };
                let infos = events.iter().filter_map(|event| self.event_infos.get(event.index()));
                let names: BTreeSet<String> = infos.flat_map(|info| info.fields.keys().cloned()).collect();
                names
                    .into_iter()
                    .chain(["at", "date", "time", "weekday", "month_day"].map(str::to_string))
                    .collect()
            }
        };
        names.sort();
        names
    }

    /// `store ["Rome", "Milan"]` of `store ("Rome", "Milan")`.
    fn listed_like_a_call(&self, set: &ast::Expr) -> Option<String> {
        let ast::ExprKind::Call(path, arguments) = &set.kind else { return None };
        let [kind] = path.parts.as_slice() else { return None };
        let names = arguments.iter().map(|argument| {
            if let ast::ExprKind::Text(text) = &argument.kind {
                Some(format!("{:?}", text.value))
            } else {
                None
            }
        });
        let names: Option<Vec<String>> = names.collect();
        self.kind_ids.contains_key(&kind.text).then_some(())?;
        Some(format!("{} [{}]", kind.text, names?.join(", ")))
    }

    fn unknown_field(
        &mut self,
        subject: &Subject,
        record: RecordName,
        name: &str,
        at: Place,
        place: Place,
    ) -> Expr {
        let word = self.subject_word(subject);
        let unreadable =
            self.records.unreadable.iter().any(|(owner, field)| *owner == record && field == name);
        if unreadable {
            self.report(errors::text_field(at, name));
            return self.broken(place);
        }
        let scope = Scope::new(at.file, 0, Events::Inferred(None));
        let fields = self.fields_of(&scope, subject);
        let is_pieces = matches!(name, "qty" | "quantity" | "count" | "amount");
        if is_pieces && record == RecordName::Line && fields.iter().any(|field| field == "pieces") {
            self.report(errors::other_field(at, &word, name, "pieces"));
            return self.broken(place);
        }
        if let Some(habit) = habits::of_member(name).filter(|_| record == RecordName::Member) {
            self.report(errors::unknown_field(at, &word, name, &[], None).help(habit));
            return self.broken(place);
        }
        let near = self.nearest(name, fields.iter().map(String::as_str));
        self.report(errors::unknown_field(at, &word, name, &fields, near.as_deref()));
        self.broken(place)
    }

    /// A field of the event, for all kinds of events the place is evaluated for.
    pub(super) fn event_field(
        &mut self,
        scope: &mut Scope,
        kind: Option<ir::EventId>,
        name: &str,
        at: Place,
        place: Place,
    ) -> Option<FieldId> {
        let builtin = match name {
            "at" => Some(self.builtins.at),
            "date" => Some(self.builtins.date),
            "time" => Some(self.builtins.time),
            "weekday" => Some(self.builtins.weekday),
            "month_day" => Some(self.builtins.month_day),
            _ => None,
        };
        let quoted = self.quote(place);
        if let Some(kind) = kind {
            self.require_events(scope, &BTreeSet::from([kind]), place, &quoted);
        }
        if builtin.is_some() {
            return builtin;
        }
        let having: BTreeSet<ir::EventId> = self
            .event_infos
            .iter()
            .enumerate()
            .filter(|(_, info)| info.fields.contains_key(name))
            .map(|(position, _)| ir::EventId(position as u32))
            .collect();
        let asked: BTreeSet<ir::EventId> = match (kind, &scope.events) {
            (Some(kind), _) => BTreeSet::from([kind]),
            (None, Events::Heard(events)) => events.iter().copied().collect(),
            (None, Events::Inferred(Some(events))) => events.intersection(&having).copied().collect(),
            (None, Events::Inferred(None)) => having.clone(),
        };
        if having.is_empty() || kind.is_some_and(|kind| !having.contains(&kind)) {
            let subject = Subject::Event(kind);
            let word = self.subject_word(&subject);
            if self.records.unreadable.iter().any(|(owner, field)| {
                field == name && asked.iter().any(|event| *owner == RecordName::Event(*event))
            }) {
                self.report(errors::text_field(at, name));
                return None;
            }
            let has_basket =
                |event: &ir::EventId| self.event_infos.get(event.index()).is_some_and(|info| info.lines);
            if matches!(name, "paid" | "initial") && asked.iter().all(has_basket) {
                self.report(errors::amount_of_event(at, place, &word, name));
                return None;
            }
            let fields = self.fields_of(scope, &subject);
            let near = self.nearest(name, fields.iter().map(String::as_str));
            self.report(errors::unknown_field(at, &word, name, &fields, near.as_deref()));
            return None;
        }
        if kind.is_none() {
            self.require_events(scope, &having, place, &quoted);
        }
        let fields: BTreeSet<FieldId> = asked
            .iter()
            .filter_map(|event| self.event_infos.get(event.index()))
            .filter_map(|info| info.fields.get(name).copied())
            .map(|field| FieldId(field.0))
            .collect();
        if fields.len() > 1 {
            self.report(errors::ambiguous_event_field(place, name));
        }
        fields.into_iter().next()
    }

    /// Refuses a place that is evaluated for other events than these.
    pub(super) fn require_events(
        &mut self,
        scope: &mut Scope,
        having: &BTreeSet<ir::EventId>,
        place: Place,
        written: &str,
    ) {
        match &mut scope.events {
            Events::Heard(events) => {
                if let Some(event) = events.iter().find(|event| !having.contains(event)).copied() {
                    let name = self.out.events.get(event.index()).map(|e| e.name.clone()).unwrap_or_default();
                    let fields = self.fields_of(scope, &Subject::Event(Some(event)));
                    let having: Vec<String> = having
                        .iter()
                        .filter_map(|event| self.out.events.get(event.index()).map(|e| e.name.clone()))
                        .collect();
                    self.report(errors::wrong_event(place, &name, written, &fields, &having));
                }
            }
            Events::Inferred(events) => {
                let left: BTreeSet<ir::EventId> = match events {
                    Some(events) => events.intersection(having).copied().collect(),
                    None => having.clone(),
                };
                let empty = left.is_empty() && events.as_ref().is_none_or(|events| !events.is_empty());
                *events = Some(left);
                if empty {
                    self.report(errors::no_event_left(place, written));
                }
            }
        }
    }

    /// Refuses events without lines.
    pub(super) fn require_lines(&mut self, scope: &mut Scope, place: Place, written: &str) {
        let having = self.events_with(|info| info.lines);
        self.require_events(scope, &having, place, written);
    }

    pub(super) fn events_with(
        &self,
        has: impl Fn(&super::schema::EventInfo) -> bool,
    ) -> BTreeSet<ir::EventId> {
        self.event_infos
            .iter()
            .enumerate()
            .filter(|(_, info)| has(info))
            .map(|(position, _)| ir::EventId(position as u32))
            .collect()
    }

    /// A field as an expression; its type is `Optional` unless it is known to be there.
    pub(super) fn field_access(
        &mut self,
        scope: &Scope,
        field: FieldId,
        of: Option<LocalId>,
        place: Place,
        access: Access,
    ) -> Expr {
        let Some(declared) = self.field_of(field) else { return self.broken(place) };
        let (record, ty, defaults) = (declared.record, declared.ty.clone(), declared.default.is_some());
        let kind = ExprKind::Field { field, of };
        let maybe = |ty: &Type| Type::Optional(Box::new(ty.present().clone()));
        let ty = match (record, access) {
            (ir::RecordKind::Member, Access::Known) => maybe(&ty),
            (ir::RecordKind::Member, Access::Test) if !scope.knows(Key::Member) => maybe(&ty),
            (ir::RecordKind::Member, Access::Test) => ty,
            (ir::RecordKind::Member, Access::Value) => {
                if !scope.knows(Key::Member) && !scope.knows(Key::Field(field, of)) {
                    let quoted = self.quote(place);
                    self.report(errors::member_unknown(place, &quoted));
                    return Expr { kind: ExprKind::Error, ty: ty.present().clone(), place };
                }
                ty
            }
            (ir::RecordKind::Product, Access::Known) => maybe(&ty),
            (ir::RecordKind::Product, Access::Value | Access::Test) => {
                let there = defaults || of.is_some_and(|of| scope.knows(Key::Product(of)));
                if there || matches!(ty.present(), Type::Set(_)) { ty } else { maybe(&ty) }
            }
            (
                ir::RecordKind::Event
                | ir::RecordKind::Line
                | ir::RecordKind::Payment
                | ir::RecordKind::Derived,
                Access::Known | Access::Test | Access::Value,
            ) => ty,
        };
        let ty = match ty {
            Type::Optional(inner) if access != Access::Known && scope.knows(Key::Field(field, of)) => *inner,
            other => other,
        };
        Expr { kind, ty, place }
    }

    fn logic(&mut self, scope: &mut Scope, logic: ast::Logic, parts: &[ast::Expr], place: Place) -> Expr {
        let mark = scope.known_mark();
        let mut typed = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.condition(scope, part);
            let learnt = self.implied(&part, logic == ast::Logic::And);
            scope.learn(learnt);
            typed.push(part);
        }
        scope.forget(mark);
        let kind = match logic {
            ast::Logic::And => ExprKind::And(typed),
            ast::Logic::Or => ExprKind::Or(typed),
        };
        Expr { kind, ty: Type::Bool, place }
    }

    fn not(&mut self, scope: &mut Scope, inner: &ast::Expr, place: Place) -> Expr {
        let inner = self.condition(scope, inner);
        Expr { kind: ExprKind::Not(Box::new(inner)), ty: Type::Bool, place }
    }

    /// `x known`, `x unknown`
    fn known(&mut self, scope: &mut Scope, inner: &ast::Expr, known: bool, place: Place) -> Expr {
        let value = match &inner.kind {
            ast::ExprKind::Path(path) => self.path(scope, path, None, Access::Known),
            ast::ExprKind::Error
            | ast::ExprKind::Hole
            | ast::ExprKind::Number(_)
            | ast::ExprKind::Percent(_)
            | ast::ExprKind::Quantity(..)
            | ast::ExprKind::Date(_)
            | ast::ExprKind::Time(_)
            | ast::ExprKind::Instant(..)
            | ast::ExprKind::Text(_)
            | ast::ExprKind::Bool(_)
            | ast::ExprKind::Reference(..)
            | ast::ExprKind::List(_)
            | ast::ExprKind::Call(..)
            | ast::ExprKind::Logic(..)
            | ast::ExprKind::Not(_)
            | ast::ExprKind::Compare(..)
            | ast::ExprKind::In { .. }
            | ast::ExprKind::InRange { .. }
            | ast::ExprKind::Known(..)
            | ast::ExprKind::As(..)
            | ast::ExprKind::Sum(..)
            | ast::ExprKind::Product(..)
            | ast::ExprKind::Of(..)
            | ast::ExprKind::Negate(_)
            | ast::ExprKind::Steps(..)
            | ast::ExprKind::Aggregate { .. }
            | ast::ExprKind::By(..)
            | ast::ExprKind::Collection(_) => self.expr(scope, inner, None),
        };
        let is_member =
            matches!(value.kind, ExprKind::Field { field, .. } if field == self.builtins.member_known);
        let truth = if is_member || value.ty.is_error() {
            Expr { ty: Type::Bool, place, ..value }
        } else if value.ty.is_optional() {
            Expr { kind: ExprKind::Known(Box::new(value)), ty: Type::Bool, place }
        } else {
            let quoted = self.quote(value.place);
            self.report(errors::always_known(place, &quoted));
            Expr { kind: ExprKind::Bool(true), ty: Type::Bool, place }
        };
        if known { truth } else { Expr { kind: ExprKind::Not(Box::new(truth)), ty: Type::Bool, place } }
    }

    /// `a in …`, `a not in …`
    fn member_of(
        &mut self,
        scope: &mut Scope,
        value: &ast::Expr,
        negated: bool,
        set: &ast::Expr,
        place: Place,
    ) -> Expr {
        if let ast::ExprKind::Path(path) = &set.kind
            && let [name] = path.parts.as_slice()
            && let Some((Binding::Reference(kind, names), _)) = scope.bound(&name.text)
        {
            let (kind, names) = (kind.clone(), names.clone());
            let test = self.in_reference(scope, value, &kind, &names, place);
            if negated && !test.ty.is_error() {
                return Expr { kind: ExprKind::Not(Box::new(test)), ty: Type::Bool, place };
            }
            return test;
        }
        let test = match &set.kind {
            ast::ExprKind::Reference(kind, names) => self.in_reference(scope, value, kind, names, place),
            ast::ExprKind::List(parts) => self.in_list(scope, value, parts, place),
            ast::ExprKind::Path(path) => self.in_set(scope, value, path, place),
            ast::ExprKind::Error => self.broken(place),
            ast::ExprKind::Hole => self.hole(scope, scope.place(set.span), None),
            ast::ExprKind::Text(_)
            | ast::ExprKind::Number(_)
            | ast::ExprKind::Percent(_)
            | ast::ExprKind::Quantity(..)
            | ast::ExprKind::Date(_)
            | ast::ExprKind::Time(_)
            | ast::ExprKind::Instant(..)
            | ast::ExprKind::Bool(_)
            | ast::ExprKind::Call(..)
            | ast::ExprKind::Logic(..)
            | ast::ExprKind::Not(_)
            | ast::ExprKind::Compare(..)
            | ast::ExprKind::In { .. }
            | ast::ExprKind::InRange { .. }
            | ast::ExprKind::Known(..)
            | ast::ExprKind::As(..)
            | ast::ExprKind::Sum(..)
            | ast::ExprKind::Product(..)
            | ast::ExprKind::Of(..)
            | ast::ExprKind::Negate(_)
            | ast::ExprKind::Steps(..)
            | ast::ExprKind::Aggregate { .. }
            | ast::ExprKind::By(..)
            | ast::ExprKind::Collection(_) => {
                let set_place = scope.place(set.span);
                let quoted = self.quote(set_place);
                self.report(match self.listed_like_a_call(set) {
                    Some(list) => errors::names_in_parentheses(set_place, &quoted, &list),
                    None => errors::not_a_set(set_place, &quoted),
                });
                self.broken(place)
            }
        };
        if negated && !test.ty.is_error() {
            return Expr { kind: ExprKind::Not(Box::new(test)), ty: Type::Bool, place };
        }
        test
    }

    /// Says that there is no such kind of reference, and which there are.
    pub(super) fn unknown_kind(&mut self, place: Place, name: &str) {
        let near = self.nearest(name, self.kind_ids.keys().map(String::as_str));
        let mut kinds: Vec<String> = self.kind_ids.keys().cloned().collect();
        kinds.sort();
        self.report(errors::unknown_kind(place, name, &kinds, near.as_deref()));
    }

    /// A literal of a kind.
    pub(super) fn reference(
        &mut self,
        scope: &Scope,
        kind: &ast::Name,
        names: &[ast::Text],
    ) -> Option<ir::Reference> {
        let Some(id) = self.kind_ids.get(&kind.text).copied() else {
            self.unknown_kind(scope.place(kind.span), &kind.text);
            return None;
        };
        for name in names {
            let place = scope.place(name.span);
            self.out.named.push(typed::Named { kind: id, name: name.value.clone(), place });
        }
        let names: BTreeSet<String> = names.iter().map(|name| name.value.clone()).collect();
        Some(ir::Reference { kind: id, names: names.into_iter().collect() })
    }

    /// The kind whose names a reference tests.
    pub(super) fn tested_kind(&self, kind: ir::KindId) -> ir::KindId {
        self.out.kinds.get(kind.index()).and_then(|kind| kind.of).unwrap_or(kind)
    }

    fn in_reference(
        &mut self,
        scope: &mut Scope,
        value: &ast::Expr,
        kind: &ast::Name,
        names: &[ast::Text],
        place: Place,
    ) -> Expr {
        let reference = self.reference(scope, kind, names);
        let Some(reference) = reference else { return self.broken(place) };
        let tested = self.tested_kind(reference.kind);
        let Some(value) = self.value_for_kind(scope, value, tested, &kind.text) else {
            return self.broken(place);
        };
        let kind = match value.ty.present() {
            Type::Symbol(found) if *found == tested => ExprKind::InReference(Box::new(value), reference),
            Type::Set(found) if *found == tested => ExprKind::SetHas(Box::new(value), reference),
            Type::Error => return self.broken(place),
            other => {
                let described = self.describe(other);
                let quoted = self.quote(value.place);
                let suggestion = if let Type::Symbol(found) | Type::Set(found) = other {
                    Some(format!("{quoted} in {} \"…\"", self.kind_name(*found)))
                } else {
                    None
                };
                self.report(errors::wrong_reference_kind(
                    value.place,
                    &quoted,
                    &described,
                    &kind.text,
                    suggestion,
                ));
                return self.broken(place);
            }
        };
        Expr { kind, ty: Type::Bool, place }
    }

    /// What is tested for a kind: an expression, or a record's field of that kind.
    fn value_for_kind(
        &mut self,
        scope: &mut Scope,
        value: &ast::Expr,
        kind: ir::KindId,
        word: &str,
    ) -> Option<Expr> {
        let ast::ExprKind::Path(path) = &value.kind else {
            let value = self.expr(scope, value, Some(&Type::Symbol(kind)));
            return Some(value);
        };
        let Some((subject, [])) = self.subject(scope, path) else {
            return Some(self.path(scope, path, Some(&Type::Symbol(kind)), Access::Test));
        };
        let place = scope.place(value.span);
        let fields = self.fields_of_kind(scope, &subject, kind);
        let exact = self.kind_name(kind).to_string();
        let mut chosen: Vec<&(String, FieldId)> = fields.iter().filter(|(name, _)| *name == exact).collect();
        if chosen.is_empty() {
            chosen = fields.iter().collect();
        }
        let subject_word = self.quote(place);
        match chosen.as_slice() {
            [(name, field)] => {
                if matches!(subject, Subject::Event(_)) {
                    let kind = match subject {
                        Subject::Event(kind) => kind,
                        Subject::Basket | Subject::Member | Subject::Element(..) | Subject::Product(_) => {
                            None
                        }
                    };
                    let name = name.clone();
                    let field = self.event_field(scope, kind, &name, place, place)?;
                    return Some(self.field_access(scope, field, None, place, Access::Test));
                }
                if let Subject::Element(local, Element::Row(rows)) = subject {
                    let name = name.clone();
                    let field = self.row_field(rows, &name)?;
                    return Some(self.field_access(scope, field, Some(local), place, Access::Test));
                }
                let of = match subject {
                    Subject::Element(local, _) | Subject::Product(local) => Some(local),
                    Subject::Event(_) | Subject::Basket | Subject::Member => None,
                };
                Some(self.field_access(scope, *field, of, place, Access::Test))
            }
            [] => {
                let kinds = self.kinds_of(scope, &subject);
                self.report(errors::no_field_of_kind(place, &subject_word, word, &kinds));
                None
            }
            several => {
                let names: Vec<String> =
                    several.iter().map(|(name, _)| format!("{subject_word}.{name}")).collect();
                self.report(errors::ambiguous_reference(place, &subject_word, word, &names));
                None
            }
        }
    }

    fn fields_of_kind(&self, scope: &Scope, subject: &Subject, kind: ir::KindId) -> Vec<(String, FieldId)> {
        let mut fields: Vec<(String, FieldId)> = match subject {
            Subject::Basket => Vec::new(),
            Subject::Member => self.records.member.iter().map(|(n, f)| (n.clone(), *f)).collect(),
            Subject::Product(_) => self.records.product.iter().map(|(n, f)| (n.clone(), *f)).collect(),
            Subject::Element(_, Element::Row(rows)) => {
                self.row_base(*rows).into_iter().filter(|(name, _)| !name.starts_with("product.")).collect()
            }
            Subject::Element(_, Element::Payment) => {
                self.records.payment.iter().map(|(n, f)| (n.clone(), *f)).collect()
            }
            Subject::Element(_, Element::Line | Element::Unit) => {
                self.records.line.iter().map(|(n, f)| (n.clone(), *f)).collect()
            }
            Subject::Event(asked) => {
                let heard: Vec<ir::EventId> = match (asked, &scope.events) {
                    (Some(event), _) => vec![*event],
                    (None, Events::Heard(events)) => events.clone(),
                    (None, Events::Inferred(_)) => {
                        (0..self.out.events.len() as u32).map(ir::EventId).collect()
                    }
                };
                let infos = heard.iter().filter_map(|event| self.event_infos.get(event.index()));
                infos.flat_map(|info| info.fields.iter().map(|(n, f)| (n.clone(), *f))).collect()
            }
        };
        fields.retain(|(_, field)| {
            self.field_of(*field).is_some_and(
                |field| matches!(field.ty.present(), Type::Symbol(found) | Type::Set(found) if *found == kind),
            )
        });
        fields.sort();
        fields.dedup();
        // The same name in several events is one field in the text.
        fields.dedup_by(|a, b| a.0 == b.0);
        fields
    }

    /// The kinds that a record can be tested for.
    fn kinds_of(&self, scope: &Scope, subject: &Subject) -> Vec<String> {
        let mut kinds: BTreeSet<String> = BTreeSet::new();
        for position in 0..self.out.kinds.len() as u32 {
            let kind = ir::KindId(position);
            if !self.fields_of_kind(scope, subject, self.tested_kind(kind)).is_empty() {
                kinds.insert(self.kind_name(kind).to_string());
            }
        }
        kinds.into_iter().collect()
    }

    fn in_list(&mut self, scope: &mut Scope, value: &ast::Expr, parts: &[ast::Expr], place: Place) -> Expr {
        let value = self.value(scope, value, None);
        if value.ty.is_error() {
            return self.broken(place);
        }
        if let Type::Symbol(kind) | Type::Set(kind) = value.ty {
            let kind_name = self.kind_name(kind).to_string();
            let texts: Vec<String> = parts
                .iter()
                .filter_map(|part| {
                    let names = if let ast::ExprKind::Text(text) = &part.kind {
                        std::slice::from_ref(text)
                    } else if let ast::ExprKind::Reference(_, names) = &part.kind {
                        names.as_slice()
                    } else {
                        return None;
                    };
                    Some(
                        names.iter().map(|name| format!("\"{}\"", name.value)).collect::<Vec<_>>().join(", "),
                    )
                })
                .collect();
            let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return self.broken(place) };
            let list = scope.place(first.span.to(last.span));
            let repair = format!("{} in {kind_name} [{}]", self.quote(value.place), texts.join(", "));
            let quoted = self.quote(list);
            self.report(errors::text_for_reference(list, &quoted, &kind_name, Some((place, repair))));
            return self.broken(place);
        }
        let ty = value.ty.clone();
        if ty == Type::Instant {
            let mut tests = Vec::with_capacity(parts.len());
            for part in parts {
                let part = self.value_of(scope, part, &ty);
                tests.push(self.compare_instants(ast::Comparison::Equal, value.clone(), part, place));
            }
            return Expr { kind: ExprKind::Or(tests), ty: Type::Bool, place };
        }
        let mut constants = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.value_of(scope, part, &ty);
            if constant(&part).is_none() && !matches!(part.kind, ExprKind::Error) {
                let quoted = self.quote(part.place);
                self.report(errors::constant_expected(part.place, &quoted));
            }
            constants.push(part);
        }
        if constants.is_empty() {
            self.report(errors::empty_range(place));
        }
        Expr { kind: ExprKind::OneOf(Box::new(value), constants), ty: Type::Bool, place }
    }

    /// `line.sku in member.favourites`
    fn in_set(&mut self, scope: &mut Scope, value: &ast::Expr, path: &ast::Path, place: Place) -> Expr {
        let set = self.path(scope, path, None, Access::Test);
        match set.ty.present() {
            Type::Error => self.broken(place),
            Type::Set(kind) => {
                let kind = *kind;
                let word = self.kind_name(kind).to_string();
                let Some(value) = self.value_for_kind(scope, value, kind, &word) else {
                    return self.broken(place);
                };
                match value.ty.present() {
                    Type::Symbol(found) if *found == kind => Expr {
                        kind: ExprKind::SetContains(Box::new(set), Box::new(value)),
                        ty: Type::Bool,
                        place,
                    },
                    Type::Error => self.broken(place),
                    other => {
                        let described = self.describe(other);
                        let quoted = self.quote(value.place);
                        self.report(errors::wrong_reference_kind(
                            value.place,
                            &quoted,
                            &described,
                            &word,
                            None,
                        ));
                        self.broken(place)
                    }
                }
            }
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
            | Type::Text
            | Type::Optional(_)
            | Type::Collection(_)
            | Type::Record(_) => {
                let quoted = self.quote(set.place);
                self.report(errors::not_a_set(set.place, &quoted));
                self.broken(place)
            }
        }
    }
}
