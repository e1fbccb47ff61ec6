//! Collections: what can be filtered, picked from, summed and looped over, and how its elements are called. It
//! refuses to know what is done with the elements.

use super::names::{Binding, Events, Key, Scope, Value};
use super::program::small_number;
use super::types::constant;
use super::{Checker, errors};
use crate::typed::{Aggregate, Element, Expr, ExprKind, LocalId, Source, SourceKind, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

/// How often collections of `define` may be put in place in one program: each may use others several times.
const MAX_INLINED: u32 = 20_000;

/// A collection with what is known of its elements, of which [`Source::element`] stands for each.
pub(super) type Found = (Source, Vec<Key>);

impl Checker<'_> {
    /// A collection, or nothing where it has a diagnostic.
    pub(super) fn source(&mut self, scope: &mut Scope, source: &ast::Source) -> Option<Found> {
        let place = scope.place(source.span);
        match &source.kind {
            ast::SourceKind::Filter { earlier, collection, window, condition } => {
                let base = if *earlier {
                    self.past(scope, collection, window.as_ref(), source.span)
                } else if window.is_some() {
                    let written = self.quote(scope.place(collection.span));
                    self.report(errors::window_of_event(place, &written));
                    return None;
                } else {
                    self.collection(scope, collection)
                };
                let Some(condition) = condition else { return base };
                let (base, known) = base?;
                let of = base.of;
                let (element, known) = self.element_of(&base, known, place);
                let names = scope.names_mark();
                let mark = scope.known_mark();
                scope.learn(known.iter().copied());
                scope.bind(&self.element_word(of), Binding::Element(element, of), place);
                let condition = self.condition(scope, condition);
                scope.unbind(names);
                scope.forget(mark);
                let mut known = known;
                known.extend(self.implied(&condition, true));
                let kind = SourceKind::Filter(Box::new(base), Box::new(condition));
                Some((Source { kind, of, element, place }, known))
            }
            ast::SourceKind::Extreme { cheapest, count, every, of } => {
                let (from, known) = self.source(scope, of)?;
                let count = self.pick_count(scope, count);
                let every = match every {
                    Some(every) => match small_number(&every.text).filter(|every| *every >= 1) {
                        Some(every) => Some(every),
                        None => {
                            self.report(errors::pick_zero(scope.place(every.span), &every.text));
                            return None;
                        }
                    },
                    None => None,
                };
                self.refuse_payments(&from)?;
                let count = count?;
                let (element, known) = self.element_of(&from, known, place);
                let of = from.of;
                let kind = SourceKind::Extreme {
                    from: Box::new(from),
                    count: Box::new(count),
                    every,
                    cheapest: *cheapest,
                };
                Some((Source { kind, of, element, place }, known))
            }
            ast::SourceKind::EveryNth { nth, of, key, descending } => {
                let (from, known) = self.source(scope, of)?;
                let Some(n) = small_number(&nth.text).filter(|n| *n >= 1) else {
                    self.report(errors::pick_zero(scope.place(nth.span), &nth.text));
                    return None;
                };
                self.refuse_payments(&from)?;
                let key = self.order_key(scope, key, from.of)?;
                let (element, known) = self.element_of(&from, known, place);
                let of = from.of;
                let kind =
                    SourceKind::EveryNth { from: Box::new(from), nth: n, key, descending: *descending };
                Some((Source { kind, of, element, place }, known))
            }
        }
    }

    /// A new element for a source made from another, with what was known of the other's.
    fn element_of(&mut self, from: &Source, known: Vec<Key>, place: Place) -> (LocalId, Vec<Key>) {
        let record = Type::Record(super::history::element_record(from.of));
        let element = self.local(&self.element_word(from.of), record, place);
        (element, known.into_iter().map(|key| key.of(from.element, element)).collect())
    }

    fn whole(&mut self, kind: SourceKind, of: Element, place: Place) -> Source {
        let record = Type::Record(super::history::element_record(of));
        let element = self.local(&self.element_word(of), record, place);
        Source { kind, of, element, place }
    }

    /// A collection by name.
    fn collection(&mut self, scope: &mut Scope, path: &ast::Path) -> Option<Found> {
        if !self.saw_bound(scope, path) {
            self.saw_global(scope, path);
        }
        let place = scope.place(path.span);
        let written = self.quote(place);
        if let Some(units) = self.bundle_units(scope, path, place) {
            return units.map(|units| (units, Vec::new()));
        }
        if let [name] = path.parts.as_slice() {
            match scope.bound(&name.text).map(|(binding, _)| binding.clone()) {
                Some(Binding::Collection { local, of, element, known }) => {
                    let source = self.whole(SourceKind::Bound(local), of, place);
                    let known = known.into_iter().map(|key| key.of(element, source.element)).collect();
                    return Some((source, known));
                }
                Some(Binding::Element(local, of)) => {
                    if matches!(of, Element::Payment | Element::Row(_)) {
                        let word = self.describe(&Type::Record(super::history::element_record(of)));
                        self.report(errors::not_a_collection(place, &written, &word));
                        return None;
                    }
                    let source = self.whole(SourceKind::One(local), of, place);
                    return Some((source, Vec::new()));
                }
                Some(Binding::Value(_, ty)) => {
                    let described = self.describe(&ty);
                    self.report(errors::not_a_collection(place, &written, &described));
                    return None;
                }
                Some(Binding::Record(..)) => {
                    self.report(errors::not_a_collection(place, &written, "a record"));
                    return None;
                }
                Some(Binding::Reference(kind, _)) => {
                    self.report(errors::not_a_collection(place, &written, &format!("a {}", kind.text)));
                    return None;
                }
                Some(Binding::Broken | Binding::Bundle { .. }) => return None,
                None => {}
            }
            let all = match name.text.as_str() {
                "lines" => Some(Element::Line),
                "units" => Some(Element::Unit),
                "payments" => Some(Element::Payment),
                _ => None,
            };
            if let Some(of) = all {
                if scope.counter {
                    self.report(errors::counter_of_event(place, &written));
                    return None;
                }
                let having = self.events_with(|info| match of {
                    Element::Line | Element::Unit => info.lines,
                    Element::Payment => info.payments,
                    Element::Row(_) => true,
                });
                self.require_events(scope, &having, place, &written);
                return Some((self.whole(SourceKind::All, of, place), Vec::new()));
            }
        }
        match self.global(scope.space, path) {
            Some(Value::Collection(position)) => return self.inlined(scope, position, place, &written),
            Some(Value::Param(_) | Value::Function(_)) => {
                self.report(errors::not_a_collection(place, &written, "a value"));
                return None;
            }
            None => {}
        }
        if let Some((subject, names @ [_, ..])) = self.subject(scope, path) {
            if let Some(list) = self.list(scope, &subject, names, place) {
                return Some(list);
            }
            self.report(errors::not_a_collection(place, &written, "a field"));
            return None;
        }
        if let [head @ ("line" | "unit" | "payment"), _] =
            path.parts.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().as_slice()
        {
            self.report(errors::value_without_collection(place, &written, head));
            return None;
        }
        let near = path.parts.last().and_then(|name| self.nearest_value(scope, &name.text));
        self.report(errors::unknown_collection(place, &written, near.as_deref()));
        None
    }

    /// The body of a `define` that gives a collection, as if it stood here.
    fn inlined(&mut self, scope: &mut Scope, position: usize, place: Place, written: &str) -> Option<Found> {
        let info = self.collections.get(position)?;
        if info.broken {
            return None;
        }
        if self.inlined >= MAX_INLINED {
            self.report(errors::too_deep(place));
            return None;
        }
        self.inlined += 1;
        let (at, body) = (info.at, info.body);
        let mut own = Scope::new(at.file, at.space, Events::Inferred(None));
        own.depth = scope.depth;
        self.muted += 1;
        let found = self.collection_value(&mut own, body);
        self.muted -= 1;
        if let Events::Inferred(Some(events)) = own.events {
            self.require_events(scope, &events, place, written);
        }
        found
    }

    /// An expression that stands for a collection.
    pub(super) fn collection_value(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Option<Found> {
        if scope.depth >= 200 {
            self.report(errors::too_deep(scope.place(expr.span)));
            return None;
        }
        scope.depth += 1;
        let found = if let ast::ExprKind::Collection(source) = &expr.kind {
            self.source(scope, source)
        } else if let ast::ExprKind::Path(path) = &expr.kind {
            self.collection(scope, path)
        } else {
            let place = scope.place(expr.span);
            let quoted = self.quote(place);
            self.report(errors::not_a_collection(place, &quoted, "a value"));
            None
        };
        scope.depth -= 1;
        found
    }

    /// Whether an expression names a collection rather than a value.
    pub(super) fn is_collection(&self, scope: &Scope, expr: &ast::Expr) -> bool {
        if let ast::ExprKind::Collection(_) = &expr.kind {
            return true;
        }
        let ast::ExprKind::Path(path) = &expr.kind else { return false };
        if let [name] = path.parts.as_slice() {
            match scope.bound(&name.text).map(|(binding, _)| binding) {
                Some(Binding::Collection { .. }) => return true,
                Some(
                    Binding::Value(..)
                    | Binding::Element(..)
                    | Binding::Record(..)
                    | Binding::Reference(..)
                    | Binding::Bundle { .. }
                    | Binding::Broken,
                ) => {
                    return false;
                }
                None => {}
            }
            if matches!(name.text.as_str(), "lines" | "units" | "payments") {
                return true;
            }
        }
        matches!(self.global(scope.space, path), Some(Value::Collection(_)))
    }

    fn refuse_payments(&mut self, source: &Source) -> Option<()> {
        if matches!(source.of, Element::Payment | Element::Row(_)) {
            let found = self.collection_word(source.of);
            self.report(errors::wrong_element(source.place, "a pick", &found, "lines or units"));
            return None;
        }
        Some(())
    }

    fn pick_count(&mut self, scope: &mut Scope, count: &ast::Expr) -> Option<Expr> {
        let count = self.value(scope, count, Some(&Type::Number));
        if count.ty.is_error() || matches!(count.kind, ExprKind::Error) {
            return None;
        }
        let quoted = self.quote(count.place);
        if !matches!(count.ty, Type::Number | Type::Count(_)) {
            let described = self.describe(&count.ty);
            self.report(errors::number_expected(count.place, &quoted, &described));
            return None;
        }
        if let Some(value) = constant(&count)
            && (value.num <= 0 || value.den != 1)
        {
            self.report(errors::pick_zero(count.place, &quoted));
            return None;
        }
        Some(count)
    }

    /// `unit.price`, `line.position`: a field of the line that has an order.
    fn order_key(
        &mut self,
        scope: &mut Scope,
        key: &ast::Path,
        of: Element,
    ) -> Option<crate::typed::FieldId> {
        let place = scope.place(key.span);
        let (head, rest) = key.parts.split_first()?;
        let word = self.element_word(of);
        if head.text != word {
            self.report(errors::no_element(scope.place(head.span), &head.text, Some(&word)));
            return None;
        }
        let name = rest.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".");
        let mut found = self.records.line.get(&name).copied();
        if of == Element::Unit && matches!(name.as_str(), "initial" | "paid" | "pieces") {
            found = None;
        }
        let ordered =
            found.and_then(|field| self.field_of(field)).is_some_and(|field| match field.ty.present() {
                Type::Enum(id) => self.out.enums.get(id.index()).is_some_and(|e| e.ordered),
                Type::Date | Type::Time | Type::Instant => true,
                other => other.is_numeric(),
            });
        if !ordered {
            let quoted = self.quote(place);
            self.report(errors::no_order(place, &quoted, &word));
            return None;
        }
        found
    }

    /// A count of pieces has their unit; lines and payments have none.
    fn count_of(&self, of: Element) -> Type {
        match of {
            Element::Unit => self.counts.get("pcs").map_or(Type::Number, |unit| Type::Count(*unit)),
            Element::Line | Element::Payment | Element::Row(_) => Type::Number,
        }
    }

    /// `sum(line.paid for lines where …)`
    pub(super) fn aggregate(
        &mut self,
        scope: &mut Scope,
        function: ast::Aggregate,
        value: Option<&ast::Expr>,
        source: &ast::Source,
        place: Place,
    ) -> Expr {
        let function_word = function.word();
        let found = self.source(scope, source);
        let result_on_error = match function {
            Aggregate::Count | Aggregate::Distinct => Type::Number,
            Aggregate::Any | Aggregate::All => Type::Bool,
            Aggregate::Sum | Aggregate::Avg | Aggregate::Min | Aggregate::Max => Type::Error,
        };
        let wrong = Expr { kind: ExprKind::Error, ty: result_on_error, place };
        let Some((source, known)) = found else { return wrong };
        if self.refuse_bundle(&source) {
            return wrong;
        }
        let of = source.of;
        let names = scope.names_mark();
        let mark = scope.known_mark();
        scope.bind(&self.element_word(of), Binding::Element(source.element, of), source.place);
        scope.learn(known);
        let value = value.map(|value| match function {
            Aggregate::Count | Aggregate::Any | Aggregate::All => self.condition(scope, value),
            // Missing values do not count.
            Aggregate::Distinct => self.expr(scope, value, None),
            Aggregate::Sum | Aggregate::Avg | Aggregate::Min | Aggregate::Max => {
                self.value(scope, value, None)
            }
        });
        scope.unbind(names);
        scope.forget(mark);
        let (value, source) = match (function, value, source) {
            // `all(payments where x)`: every payment is one where x.
            (
                Aggregate::All,
                None,
                Source { kind: SourceKind::Filter(from, condition), element, of, place },
            ) => {
                let value = *condition;
                let kind = if matches!(from.kind, SourceKind::Filter(..)) {
                    // The inner condition has an element of its own.
                    let all = Expr { kind: ExprKind::Bool(true), ty: Type::Bool, place };
                    SourceKind::Filter(from, Box::new(all))
                } else {
                    from.kind
                };
                (Some(value), Source { element, of, place, kind })
            }
            (_, value, source) => (value, source),
        };
        let word = self.element_word(of);
        match (function, &value) {
            (Aggregate::All, None) => {
                self.report(errors::missing_condition(place, function_word, &self.collection_word(of)));
                return wrong;
            }
            (
                Aggregate::Sum | Aggregate::Avg | Aggregate::Min | Aggregate::Max | Aggregate::Distinct,
                None,
            ) => {
                let quoted = self.quote(source.place);
                self.report(errors::missing_value(place, function_word, &word, &quoted));
                return wrong;
            }
            (Aggregate::Count | Aggregate::Any, None) | (_, Some(_)) => {}
        }
        let ty = match (function, value.as_ref().map(|value| value.ty.clone())) {
            (Aggregate::Count, _) => self.count_of(of),
            (Aggregate::Any | Aggregate::All, _) => Type::Bool,
            (_, None | Some(Type::Error)) => return wrong,
            (Aggregate::Distinct, Some(ty)) => {
                if matches!(ty.present(), Type::Set(_) | Type::Text | Type::Record(_) | Type::Collection(_)) {
                    self.report_not_summed(value.as_ref(), &ty);
                    return wrong;
                }
                Type::Number
            }
            (Aggregate::Sum | Aggregate::Avg, Some(ty)) => {
                let sums = ty.is_numeric() && !matches!(ty, Type::Months | Type::Days | Type::Duration);
                if !sums {
                    self.report_not_summed(value.as_ref(), &ty);
                    return wrong;
                }
                if function == Aggregate::Avg { Type::Optional(Box::new(ty)) } else { ty }
            }
            (Aggregate::Min | Aggregate::Max, Some(ty)) => {
                let ordered = ty.is_numeric() || matches!(ty, Type::Date | Type::Time | Type::Instant);
                if !ordered {
                    self.report_not_summed(value.as_ref(), &ty);
                    return wrong;
                }
                Type::Optional(Box::new(ty))
            }
        };
        let kind = ExprKind::Aggregate { function, value: value.map(Box::new), source: Box::new(source) };
        Expr { kind, ty, place }
    }

    fn report_not_summed(&mut self, value: Option<&Expr>, ty: &Type) {
        let Some(value) = value else { return };
        let (quoted, described) = (self.quote(value.place), self.describe(ty));
        self.report(errors::number_expected(value.place, &quoted, &described));
    }
}
