//! `ensure`: what every decision keeps to. A promise is a comparison of sums, and is asked under conditions on single
//! fields and under further such comparisons, so that it can be proved and looked after by reading numbers. It refuses
//! to know how either is done.

use super::names::{Binding, Events, Scope};
use super::types::constant;
use super::{At, Checker, Items, errors};
use crate::ir::{self, PromiseOf, line_slot, promise};
use crate::typed::{
    self, Bound, Builtin, Element, Expr, ExprKind, Field, FieldId, Figure, LocalId, NoGain, Promise, Ratio,
    Settled, Sum, Type,
};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

/// Conditions of one promise beyond which segments are no longer looked into.
const MAX_CONJUNCTS: usize = 1_000;

/// A sum in base units, before it has whole parts.
#[derive(Clone, Debug, Default)]
struct Exact {
    terms: Vec<(Ratio, Figure)>,
    constant: Option<Ratio>,
}

impl Exact {
    fn of(figure: Figure) -> Exact {
        Exact { terms: vec![(Ratio::whole(1), figure)], constant: None }
    }

    fn fixed(constant: Ratio) -> Exact {
        Exact { terms: Vec::new(), constant: Some(constant) }
    }

    fn rest(&self) -> Ratio {
        self.constant.unwrap_or(Ratio::whole(0))
    }

    fn times(&self, by: Ratio) -> Option<Exact> {
        let terms = self.terms.iter().map(|(times, figure)| Some((times.multiplied(by)?, *figure)));
        Some(Exact { terms: terms.collect::<Option<_>>()?, constant: Some(self.rest().multiplied(by)?) })
    }

    fn plus(mut self, other: &Exact) -> Option<Exact> {
        for (times, figure) in &other.terms {
            match self.terms.iter_mut().find(|(_, known)| known == figure) {
                Some((known, _)) => *known = known.add(*times)?,
                None => self.terms.push((*times, *figure)),
            }
        }
        self.constant = Some(self.rest().add(other.rest())?);
        Some(self)
    }
}

/// What the clauses of a promise say.
#[derive(Default)]
struct Said<'e> {
    on: Option<Vec<ir::EventId>>,
    about: Vec<(String, String)>,
    /// `for each unit` (true) or `for each line`, and which of them.
    each: Option<(bool, Option<&'e ast::Expr>)>,
    keep: Option<&'e ast::Expr>,
    /// The conditions, and whether each is negated.
    conditions: Vec<(&'e ast::Expr, bool)>,
}

impl<'a> Checker<'a> {
    /// The field for a figure that settlement gives, made on first use.
    pub(super) fn settled_field(&mut self, settled: Settled) -> FieldId {
        let builtin = Some(Builtin::Settled(settled));
        if let Some(position) = self.out.fields.iter().position(|field| field.builtin == builtin) {
            return FieldId(position as u32);
        }
        let money = (Type::Money, ir::SlotType::Money { scale: self.out.settings.decimals });
        let (name, (ty, slot)) = match settled {
            Settled::Discount => ("discount".to_owned(), money),
            Settled::Award(account) => {
                let name = self.out.accounts.get(account.index()).map_or("", |account| account.name.as_str());
                let ty = self.points_type(account);
                let slot = if ty == Type::Money { money.1 } else { ir::SlotType::Points(account) };
                (format!("award.{name}"), (ty, slot))
            }
        };
        self.add_field(Field {
            name,
            record: ir::RecordKind::Derived,
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

    /// `line.discount`, `basket.award.bonus`: what only promises can speak of. `None` where it is no such name.
    pub(super) fn settled_named(
        &mut self,
        scope: &Scope,
        names: &[ast::Name],
        place: Place,
    ) -> Option<Option<FieldId>> {
        if !scope.settled {
            return None;
        }
        match names {
            [name] if name.text == "discount" => Some(Some(self.settled_field(Settled::Discount))),
            [name, account] if name.text == "award" => {
                let Some(account) = self.account_ids.get(&account.text).copied() else {
                    let place = scope.place(account.span);
                    let near = self.nearest(&account.text, self.account_ids.keys().map(String::as_str));
                    let accounts: Vec<String> =
                        self.out.accounts.iter().map(|account| account.name.clone()).collect();
                    self.report(errors::not_an_account(place, &account.text, &accounts, near.as_deref()));
                    return Some(None);
                };
                Some(Some(self.settled_field(Settled::Award(account))))
            }
            [name] if name.text == "award" => {
                let why = "an award is of an account; say which, as in `basket.award.bonus`";
                self.report(errors::wrong_ensure(place, why));
                Some(None)
            }
            _ => None,
        }
    }

    /// All promises.
    pub(super) fn check_promises(&mut self, items: &Items<'a>) {
        for (at, header, clauses) in &items.promises {
            if self.declare("ensure", &header.name.text, at.place(header.name.span)) {
                let is_of_ways =
                    clauses.iter().any(|clause| matches!(clause.kind, ast::EnsureClause::NoGain(_)));
                if is_of_ways {
                    match self.no_gain(*at, header, clauses) {
                        Some(no_gain) => self.out.no_gains.push(no_gain),
                        None => self.lost_promises.push(header.name.text.clone()),
                    }
                    continue;
                }
                match self.promise(*at, header, clauses) {
                    Some(promise) => self.out.promises.push(promise),
                    None => self.lost_promises.push(header.name.text.clone()),
                }
            }
        }
    }

    /// What holds two ways of buying against each other. It is asked of all goods, members and days.
    fn no_gain(
        &mut self,
        at: At,
        header: &ast::Header,
        clauses: &[ast::Placed<ast::EnsureClause>],
    ) -> Option<NoGain> {
        let before = self.found.len();
        let what = format!("`ensure {}`", header.name.text);
        let mut ways: Vec<typed::Way> = Vec::new();
        let mut on: Option<Vec<ir::EventId>> = None;
        for clause in clauses {
            let place = at.place(clause.span);
            match &clause.kind {
                ast::EnsureClause::NoGain(written) => {
                    for way in written {
                        if ways.contains(&way.kind) {
                            let word = format!("no gain from {}", way.kind.word());
                            self.report(errors::repeated_clause(at.place(way.span), &word, &what));
                        } else {
                            ways.push(way.kind);
                        }
                    }
                }
                ast::EnsureClause::ForEach { .. } | ast::EnsureClause::Keep(_) => {
                    let why = "`no gain from …` holds whole receipts against each other; what each decision \
                               keeps stands in an `ensure` of its own";
                    self.report(errors::wrong_ensure(place, why));
                }
                ast::EnsureClause::Shared(shared) => match &shared.kind {
                    ast::ClauseKind::On(heard) => {
                        if on.is_some() {
                            self.report(errors::repeated_clause(place, "on", &what));
                        }
                        on = Some(self.heard(at, heard));
                    }
                    ast::ClauseKind::When(_) | ast::ClauseKind::Unless(_) => {
                        let why = "whether a way of buying gains something is asked of all receipts, and takes no \
                                   conditions";
                        self.report(errors::wrong_ensure(place, why));
                    }
                    ast::ClauseKind::About(_)
                    | ast::ClauseKind::Title(_)
                    | ast::ClauseKind::Valid(_)
                    | ast::ClauseKind::Schedule(_)
                    | ast::ClauseKind::Priority(_)
                    | ast::ClauseKind::Let(_)
                    | ast::ClauseKind::Limit { .. }
                    | ast::ClauseKind::Budget { .. }
                    | ast::ClauseKind::Take(_)
                    | ast::ClauseKind::Process { .. }
                    | ast::ClauseKind::Spendable(_)
                    | ast::ClauseKind::EffectiveFrom(_)
                    | ast::ClauseKind::NotEffective
                    | ast::ClauseKind::With(..)
                    | ast::ClauseKind::Then(_) => {}
                },
            }
        }
        let events = self.promised_events(at, on, clauses);
        let title = header.title.as_ref().map(|title| title.value.clone());
        let place = at.place(header.name.span);
        (self.found.len() == before).then(|| NoGain {
            name: header.name.text.clone(),
            title,
            ways,
            events,
            place,
        })
    }

    /// Reads the clauses of a promise.
    fn promise_clauses<'e>(
        &mut self,
        at: At,
        clauses: &'e [ast::Placed<ast::EnsureClause>],
        what: &str,
    ) -> Said<'e> {
        let mut said = Said::default();
        for clause in clauses {
            let clause_place = at.place(clause.span);
            let twice = |checker: &mut Checker<'_>, word: &str, again: bool| {
                if again {
                    checker.report(errors::repeated_clause(clause_place, word, what));
                }
            };
            match &clause.kind {
                ast::EnsureClause::ForEach { unit, condition } => {
                    twice(self, "for each", said.each.is_some());
                    said.each = Some((*unit, condition.as_ref()));
                }
                // See `no_gain`.
                ast::EnsureClause::NoGain(_) => {}
                ast::EnsureClause::Keep(expr) => {
                    twice(self, "keep", said.keep.is_some());
                    said.keep = Some(expr);
                }
                ast::EnsureClause::Shared(clause) => match &clause.kind {
                    ast::ClauseKind::On(heard) => {
                        twice(self, "on", said.on.is_some());
                        if let Some((path, _)) = heard.iter().find(|(_, name)| name.is_some()) {
                            let why = "it is asked for kinds of events, not for those of a name";
                            self.report(errors::wrong_ensure(at.place(path.span), why));
                        }
                        said.on = Some(self.heard(at, heard));
                    }
                    ast::ClauseKind::When(condition) => said.conditions.push((condition, false)),
                    ast::ClauseKind::Unless(condition) => said.conditions.push((condition, true)),
                    ast::ClauseKind::About(entries) => said
                        .about
                        .extend(entries.iter().map(|(key, text)| (key.text.clone(), text.value.clone()))),
                    ast::ClauseKind::Title(_) => {}
                    ast::ClauseKind::Valid(_)
                    | ast::ClauseKind::Schedule(_)
                    | ast::ClauseKind::Priority(_)
                    | ast::ClauseKind::Let(_)
                    | ast::ClauseKind::Limit { .. }
                    | ast::ClauseKind::Budget { .. }
                    | ast::ClauseKind::Take(_)
                    | ast::ClauseKind::Process { .. }
                    | ast::ClauseKind::Spendable(_)
                    | ast::ClauseKind::EffectiveFrom(_)
                    | ast::ClauseKind::NotEffective
                    | ast::ClauseKind::With(..)
                    | ast::ClauseKind::Then(_) => {}
                },
            }
        }
        said
    }

    fn promise(
        &mut self,
        at: At,
        header: &ast::Header,
        clauses: &[ast::Placed<ast::EnsureClause>],
    ) -> Option<Promise> {
        let place = at.place(header.name.span);
        let what = format!("`ensure {}`", header.name.text);
        let before = self.found.len();
        let Said { on, about, each, keep, conditions } = self.promise_clauses(at, clauses, &what);
        let Some(keep) = keep else {
            let example = "keep line.discount <= 40% of line.initial";
            self.report(errors::missing_clause(place, &what, "what every decision keeps to", example));
            return None;
        };
        let events = self.promised_events(at, on, clauses);
        let mut scope = Scope::new(at.file, at.space, Events::Heard(events.clone()));
        let of = match each {
            None => PromiseOf::Basket,
            Some((false, _)) => PromiseOf::Line,
            Some((true, _)) => PromiseOf::Unit,
        };
        let mut reading =
            Reading { of, element: None, asks: Vec::new(), atoms: Vec::new(), rows: Vec::new() };
        for (condition, negated) in conditions {
            scope.settled = false;
            let typed = self.condition(&mut scope, condition);
            let known = self.implied(&typed, !negated);
            scope.learn(known);
            self.promise_condition(typed, negated, &mut reading);
        }
        if let Some((unit, condition)) = each {
            let element_of = if unit { Element::Unit } else { Element::Line };
            let word = if unit { "unit" } else { "line" };
            let local = self.local(word, Type::Record(record_of(element_of)), place);
            scope.bind(word, Binding::Element(local, element_of), place);
            reading.element = Some(local);
            let quoted = format!("for each {word}");
            self.require_lines(&mut scope, place, &quoted);
            if let Some(condition) = condition {
                let typed = self.condition(&mut scope, condition);
                let known = self.implied(&typed, true);
                scope.learn(known);
                self.promise_condition(typed, false, &mut reading);
            }
        } else {
            self.require_lines(&mut scope, place, "ensure");
        }
        scope.settled = true;
        let typed = self.condition(&mut scope, keep);
        if self.found.len() > before {
            return None;
        }
        let keep = self.promised(&typed, &reading);
        let account = match &typed.kind {
            ExprKind::Compare(_, left, _) => match left.ty.present() {
                Type::Points(account) => Some(*account),
                Type::Money => None,
                other => {
                    if !other.is_error() {
                        let why = "it keeps a bound of money or of points";
                        self.report(errors::wrong_ensure(typed.place, why));
                    }
                    None
                }
            },
            kind => {
                debug_assert!(keep.is_none() || matches!(kind, ExprKind::Error), "only comparisons are kept");
                None
            }
        };
        if self.found.len() > before {
            return None;
        }
        let keep = keep?;
        if !keep.figures().any(|figure| figure.is_settled()) {
            let why = "what it keeps does not depend on what is decided; speak of what is discounted, awarded or \
                       left to pay";
            self.report(errors::wrong_ensure(typed.place, why));
            return None;
        }
        Some(Promise {
            name: header.name.text.clone(),
            title: header.title.as_ref().map(|title| title.value.clone()),
            of,
            element: reading.element,
            events,
            conditions: reading.atoms,
            line_conditions: reading.rows,
            asks: reading.asks,
            keep,
            account,
            about,
            place,
        })
    }

    /// The kinds of events for which a promise is asked: those with lines, but for returns.
    fn promised_events(
        &mut self,
        at: At,
        on: Option<Vec<ir::EventId>>,
        clauses: &[ast::Placed<ast::EnsureClause>],
    ) -> Vec<ir::EventId> {
        let is_return = |event: &ir::EventId| {
            self.out.events.get(event.index()).is_some_and(|event| event.name == ir::RETURN)
        };
        let Some(events) = on else {
            return self
                .events_with(|info| info.lines)
                .into_iter()
                .filter(|event| !is_return(event))
                .collect();
        };
        if events.iter().any(is_return)
            && let Some(clause) = clauses.iter().find(|clause| {
                matches!(&clause.kind, ast::EnsureClause::Shared(clause)
                    if matches!(clause.kind, ast::ClauseKind::On(_)))
            })
        {
            let why =
                "a return posts the difference of two decisions; what is promised is asked of the purchase";
            self.report(errors::wrong_ensure(at.place(clause.span), why));
        }
        events
    }

    /// Splits a condition into what can be asked of single fields and what compares sums.
    fn promise_condition(&mut self, condition: Expr, negated: bool, reading: &mut Reading) {
        if condition.ty.is_error() || matches!(condition.kind, ExprKind::Error) {
            return;
        }
        let mut parts = Vec::new();
        if negated {
            let place = condition.place;
            parts.push(Expr { kind: ExprKind::Not(Box::new(condition)), ty: Type::Bool, place });
        } else {
            self.parts(&condition, &mut parts);
        }
        for part in parts {
            if self.is_atomic(&part, reading.element) {
                let list =
                    if of_element(&part, reading.element) { &mut reading.rows } else { &mut reading.atoms };
                list.push(part);
            } else if matches!(part.kind, ExprKind::Compare(..)) {
                if let Some(bound) = self.promised(&part, reading) {
                    reading.asks.push(bound);
                }
            } else {
                let why =
                    "its conditions are about single fields, joined by `and`, or compare sums of numbers";
                self.report(errors::wrong_ensure(part.place, why));
            }
        }
    }

    fn parts(&self, condition: &Expr, out: &mut Vec<Expr>) {
        if let ExprKind::And(parts) = &condition.kind {
            parts.iter().for_each(|part| self.parts(part, out));
        } else if let ExprKind::Call(function, arguments) = &condition.kind
            && arguments.is_empty()
            && out.len() < MAX_CONJUNCTS
            && let Some(function) = self.out.functions.get(function.0 as usize)
            && !function.counter
        {
            self.parts(&function.body, out);
        } else {
            out.push(condition.clone());
        }
    }

    /// Whether a condition asks one field of the event, or of the element, against constants: what an index can answer.
    fn is_atomic(&self, expr: &Expr, element: Option<LocalId>) -> bool {
        let field = |expr: &Expr| {
            let ExprKind::Field { field, of } = &expr.kind else { return false };
            let plain = match self.field_of(*field).and_then(|field| field.builtin) {
                Some(
                    Builtin::UnitInitial
                    | Builtin::UnitPaid
                    | Builtin::Line(line_slot::PAID)
                    | Builtin::Event(ir::event_slot::BASKET_PAID | ir::event_slot::BASKET_INITIAL)
                    | Builtin::Tender(_)
                    | Builtin::Settled(_)
                    | Builtin::Payment(_)
                    | Builtin::Row(..),
                ) => false,
                Some(
                    Builtin::Event(_)
                    | Builtin::Line(_)
                    | Builtin::UnitPrice
                    | Builtin::Until(_)
                    | Builtin::Anniversary(_)
                    | Builtin::Balance(_)
                    | Builtin::Read(_),
                )
                | None => true,
            };
            plain && (of.is_none() || *of == element)
        };
        let fixed = |expr: &Expr| {
            let inner = if let ExprKind::Negate(inner) = &expr.kind { inner } else { expr };
            matches!(inner.kind, ExprKind::Constant(_) | ExprKind::Ordinal(_))
        };
        if let ExprKind::Not(inner) = &expr.kind {
            let unsure = match &inner.kind {
                ExprKind::InReference(symbol, _) => matches!(symbol.ty, Type::Optional(_)),
                kind => matches!(kind, ExprKind::SetHas(..)),
            };
            return !unsure && self.is_atomic(inner, element);
        }
        if let ExprKind::Compare(_, left, right) = &expr.kind {
            return (field(left) && fixed(right)) || (field(right) && fixed(left));
        }
        if let ExprKind::InRange { value, low, high, .. } = &expr.kind {
            return field(value) && fixed(low) && fixed(high);
        }
        if let ExprKind::OneOf(value, choices) = &expr.kind {
            return field(value) && choices.iter().all(fixed);
        }
        if let ExprKind::InReference(of, _) | ExprKind::SetHas(of, _) | ExprKind::Known(of) = &expr.kind {
            return field(of);
        }
        expr.ty == Type::Bool && field(expr)
    }

    /// A comparison of two sums.
    fn promised(&mut self, expr: &Expr, reading: &Reading) -> Option<Bound> {
        if expr.ty.is_error() || matches!(expr.kind, ExprKind::Error) {
            return None;
        }
        let ExprKind::Compare(comparison, left, right) = &expr.kind else {
            let why = "it keeps one comparison, such as `line.discount <= 40% of line.initial`";
            self.report(errors::wrong_ensure(expr.place, why));
            return None;
        };
        let left = self.exact(left, reading)?;
        let right = self.exact(right, reading)?;
        let Some((left, right, den)) = whole_parts(&left, &right) else {
            let quoted = self.quote(expr.place);
            self.report(errors::number_out_of_range(expr.place, &quoted));
            return None;
        };
        Some(Bound { left, comparison: *comparison, right, den, place: expr.place })
    }

    /// A sum of figures, exactly.
    fn exact(&mut self, expr: &Expr, reading: &Reading) -> Option<Exact> {
        if let Some(constant) = constant(expr) {
            return Some(Exact::fixed(constant));
        }
        let sum = if let ExprKind::Field { field, of } = &expr.kind {
            return self.figure(*field, *of, expr, reading);
        } else if let ExprKind::Negate(inner) = &expr.kind {
            self.exact(inner, reading)?.times(Ratio::whole(-1))
        } else if let ExprKind::Convert { value, ratio, rounding: None } = &expr.kind {
            self.exact(value, reading)?.times(*ratio)
        } else if let ExprKind::Sum(terms) = &expr.kind {
            let mut sum = Some(Exact::default());
            for (minus, term) in terms {
                let term = self.exact(term, reading)?;
                let sign = Ratio::whole(if *minus { -1 } else { 1 });
                sum = sum.and_then(|sum| sum.plus(&term.times(sign)?));
            }
            sum
        } else if let ExprKind::Product(factors) = &expr.kind {
            let mut by = Some(Ratio::whole(1));
            let mut variable = None;
            for (divides, factor) in factors {
                match (constant(factor), divides) {
                    (Some(value), true) => by = by.and_then(|by| by.divided(value)),
                    (Some(value), false) => by = by.and_then(|by| by.multiplied(value)),
                    (None, false) if variable.is_none() => variable = Some(factor),
                    (None, _) => return self.no_sum(expr),
                }
            }
            match (variable, by) {
                (Some(variable), Some(by)) => self.exact(variable, reading)?.times(by),
                (_, _) => None,
            }
        } else if let ExprKind::Call(function, arguments) = &expr.kind
            && arguments.is_empty()
        {
            let body = self.out.functions.get(function.0 as usize).map(|function| function.body.clone());
            return self.exact(&body?, reading);
        } else {
            return self.no_sum(expr);
        };
        if sum.is_none() {
            let quoted = self.quote(expr.place);
            self.report(errors::number_out_of_range(expr.place, &quoted));
        }
        sum
    }

    fn no_sum(&mut self, expr: &Expr) -> Option<Exact> {
        let quoted = self.quote(expr.place);
        let why = format!("`{quoted}` is no sum of figures and shares of figures");
        self.report(errors::wrong_ensure(expr.place, &why));
        None
    }

    fn figure(
        &mut self,
        field: FieldId,
        of: Option<LocalId>,
        expr: &Expr,
        reading: &Reading,
    ) -> Option<Exact> {
        let declared = self.field_of(field)?;
        let (builtin, numeric) = (declared.builtin, declared.ty.present().is_numeric());
        let of_row = of.is_some();
        let whole = reading.of == PromiseOf::Basket;
        let figure = match builtin {
            Some(Builtin::Event(ir::event_slot::BASKET_INITIAL)) if whole => Figure::Initial,
            Some(Builtin::Event(ir::event_slot::BASKET_PAID)) if whole => Figure::Paid,
            Some(Builtin::Event(ir::event_slot::BASKET_INITIAL | ir::event_slot::BASKET_PAID)) => {
                let why = "of each line or unit it speaks of that alone, and not of the basket";
                self.report(errors::wrong_ensure(expr.place, why));
                return None;
            }
            Some(Builtin::Line(line_slot::INITIAL) | Builtin::UnitInitial) => Figure::Initial,
            Some(Builtin::Line(line_slot::PAID) | Builtin::UnitPaid) => Figure::Paid,
            Some(Builtin::Settled(settled)) => {
                if of_row == whole {
                    let why = "of each line or unit it speaks of that alone, and not of the basket";
                    self.report(errors::wrong_ensure(expr.place, why));
                    return None;
                }
                match settled {
                    Settled::Discount => Figure::Discount,
                    Settled::Award(account) => Figure::Award(account),
                }
            }
            Some(Builtin::Tender(_) | Builtin::Payment(_) | Builtin::Row(..)) => return self.no_sum(expr),
            Some(
                Builtin::Event(_)
                | Builtin::Line(_)
                | Builtin::UnitPrice
                | Builtin::Until(_)
                | Builtin::Anniversary(_)
                | Builtin::Balance(_)
                | Builtin::Read(_),
            )
            | None => Figure::Field(field, of_row),
        };
        if !numeric {
            return self.no_sum(expr);
        }
        let den = self.field_of(field).map_or(1, |field| field.den.max(1));
        Some(match figure {
            Figure::Field(..) => Exact { terms: vec![(Ratio { num: 1, den }, figure)], constant: None },
            Figure::Initial | Figure::Paid | Figure::Discount | Figure::Award(_) => Exact::of(figure),
        })
    }

    /// The promise that a test names.
    pub(super) fn promise_named(&mut self, at: At, path: &ast::Path) -> Option<u32> {
        let place = at.place(path.span);
        let written = self.quote(place);
        let found = self.out.promises.iter().position(|promise| promise.name == written);
        if self.out.no_gains.iter().any(|no_gain| no_gain.name == written) {
            let why = "a test decides one receipt after another, and this holds whole ways of buying against each \
                       other; `perq prove` asks it";
            self.report(errors::wrong_ensure(place, why));
        } else if found.is_none() && !self.lost_promises.contains(&written) {
            let names = self.out.promises.iter().map(|promise| promise.name.as_str());
            let near = self.nearest(&written, names);
            self.report(errors::unknown_name(place, "ensure", &written, near.as_deref()));
        }
        found.and_then(|found| u32::try_from(found).ok())
    }
}

/// What a promise is about, while it is read.
struct Reading {
    of: PromiseOf,
    element: Option<LocalId>,
    asks: Vec<Bound>,
    atoms: Vec<Expr>,
    rows: Vec<Expr>,
}

fn record_of(element: Element) -> typed::RecordType {
    match element {
        Element::Line => typed::RecordType::Line,
        Element::Unit => typed::RecordType::Unit,
        Element::Payment => typed::RecordType::Payment,
        Element::Row(rows) => typed::RecordType::Row(rows),
    }
}

/// Whether an atomic condition asks a field of the element.
fn of_element(expr: &Expr, element: Option<LocalId>) -> bool {
    if let ExprKind::Field { of, .. } = &expr.kind {
        return of.is_some() && *of == element;
    }
    if let ExprKind::Not(inner)
    | ExprKind::Known(inner)
    | ExprKind::InReference(inner, _)
    | ExprKind::SetHas(inner, _)
    | ExprKind::OneOf(inner, _)
    | ExprKind::InRange { value: inner, .. } = &expr.kind
    {
        return of_element(inner, element);
    }
    if let ExprKind::Compare(_, left, right) = &expr.kind {
        return of_element(left, element) || of_element(right, element);
    }
    false
}

/// Both sides with whole parts and one denominator; `None` where they are too large.
fn whole_parts(left: &Exact, right: &Exact) -> Option<(Sum, Sum, i64)> {
    let ratios = |side: &Exact| {
        let mut all: Vec<Ratio> = side.terms.iter().map(|(times, _)| *times).collect();
        all.push(side.rest());
        all
    };
    let mut den = 1i128;
    for ratio in ratios(left).into_iter().chain(ratios(right)) {
        let own = ratio.reduced()?.den;
        let common = i128::try_from(crate::evaluate::fraction::greatest_common_divisor(
            den.unsigned_abs(),
            own.unsigned_abs(),
        ))
        .ok()?;
        den = den.checked_mul(own.checked_div(common)?)?;
    }
    let part = |ratio: Ratio| {
        let scaled = ratio.multiplied(Ratio::whole(den))?.to_i64()?;
        (scaled.unsigned_abs() <= promise::MAX_PART.unsigned_abs()).then_some(scaled)
    };
    let sum = |side: &Exact| {
        let terms: Option<Vec<(i64, Figure)>> =
            side.terms.iter().map(|(times, figure)| Some((part(*times)?, *figure))).collect();
        let terms = terms.filter(|terms| terms.len() <= promise::MAX_TERMS)?;
        Some(Sum { terms, constant: part(side.rest())? })
    };
    let den = i64::try_from(den).ok().filter(|den| *den <= promise::MAX_PART)?;
    Some((sum(left)?, sum(right)?, den))
}

impl Bound {
    /// All figures of both sides.
    pub fn figures(&self) -> impl Iterator<Item = Figure> + '_ {
        [&self.left, &self.right].into_iter().flat_map(|side| side.terms.iter().map(|(_, figure)| *figure))
    }
}

impl Figure {
    /// Whether it is known only when the event is settled.
    pub fn is_settled(self) -> bool {
        match self {
            Figure::Paid | Figure::Discount | Figure::Award(_) => true,
            Figure::Initial | Figure::Field(..) => false,
        }
    }
}
