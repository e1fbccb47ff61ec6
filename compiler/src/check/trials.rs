//! `test` blocks: records in the shape of the input, and what is expected of the decision. It refuses to run them.

use super::names::{Events, Scope};
use super::program::{is_own, is_zone};
use super::schema::RecordName;
use super::types::{Decimal, constant};
use super::{Alone, At, Checker, Items, Tests, dates, errors};
use crate::ir;
use crate::typed::{
    Builtin, Check, ExpectScope, Expectation, ExprKind, FieldId, LineRef, Ratio, Test, TestBody, TestRecord,
    TestStep, TestValue, Type,
};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;
use rustc_hash::FxHashMap;

/// `given …` as written.
struct Given<'t> {
    what: &'t ast::Name,
    id: Option<String>,
    of: Option<String>,
    when: Option<&'t ast::Expr>,
    fields: &'t [ast::TestField],
    earlier: bool,
}

/// `paid = 40 EUR`
fn is_paid(field: &ast::TestField) -> bool {
    match field {
        ast::TestField::Value(path, _) => path.parts.iter().map(|part| part.text.as_str()).eq(["paid"]),
        ast::TestField::Record(..) => false,
    }
}

fn at_number(place: Place, number: &ast::Lexeme) -> Place {
    Place { span: number.span, ..place }
}

impl<'a> Checker<'a> {
    /// All tests of the program's own files.
    pub(super) fn check_tests(&mut self, items: &Items<'a>, which: Tests) {
        for (at, test, span) in &items.tests {
            let alone = match which {
                Tests::All => false,
                Tests::Of(file) if file == at.file => false,
                Tests::Of(_) => continue,
                Tests::None => return,
                Tests::Only(place) if place == at.place(*span) => true,
                Tests::Only(_) => continue,
            };
            if !is_own(at.origin) {
                continue;
            }
            let place = at.place(test.name.span);
            let snippet: Vec<&ast::Item> = test
                .steps
                .iter()
                .filter_map(|step| match step {
                    ast::TestStep::Item(item) => Some(item),
                    ast::TestStep::Given { .. }
                    | ast::TestStep::Expect(..)
                    | ast::TestStep::After(..)
                    | ast::TestStep::With(..) => None,
                })
                .collect();
            if let Some(expected) = &test.rejects {
                if !errors::is_name(&expected.text) {
                    let near = self.nearest(&expected.text.replace('_', "-"), errors::all_names());
                    let near = near.or_else(|| {
                        let dashed = expected.text.replace('_', "-");
                        errors::is_name(&dashed).then_some(dashed)
                    });
                    self.report(errors::unknown_diagnostic(
                        at.place(expected.span),
                        &expected.text,
                        near.as_deref(),
                    ));
                }
                self.alone.push(Alone {
                    test: self.out.tests.len(),
                    file: at.file,
                    span: *span,
                    items: snippet.into_iter().cloned().collect(),
                    rejects: Some(expected.text.clone()),
                });
                self.out.tests.push(Test {
                    name: test.name.value.clone(),
                    place,
                    body: TestBody::Rejects { expected: expected.text.clone(), found: Vec::new() },
                    own: None,
                });
                continue;
            }
            let adds = !snippet.is_empty() || test.steps.iter().any(is_condition);
            let steps = if adds && !alone {
                self.alone.push(Alone {
                    test: self.out.tests.len(),
                    file: at.file,
                    span: *span,
                    items: snippet.into_iter().cloned().collect(),
                    rejects: None,
                });
                Vec::new()
            } else {
                self.test_steps(*at, test)
            };
            let body = TestBody::Runs(steps);
            self.out.tests.push(Test { name: test.name.value.clone(), place, body, own: None });
        }
    }

    fn test_steps(&mut self, at: At, test: &ast::Test) -> Vec<TestStep> {
        let mut steps = Vec::new();
        let mut clock: Option<(i64, i64)> = None;
        let mut last: Option<ir::EventId> = None;
        for step in &test.steps {
            match step {
                ast::TestStep::Given { earlier, what, id, of, at: when, fields, span } => {
                    let place = at.place(*span);
                    if let Some(of) = of
                        && (*earlier || what.text != ir::RETURN)
                    {
                        self.report(errors::origin_of_no_return(at.place(of.span)));
                        continue;
                    }
                    let of = of.as_ref().map(|of| of.value.clone());
                    let before = self.found.len();
                    let id = id.as_ref().map(|id| id.value.clone());
                    let given = Given { what, id, of, when: when.as_ref(), fields, earlier: *earlier };
                    let typed = self.given(at, given, clock, place);
                    if let Some((step, moment)) = typed {
                        if let Some(moment) = moment {
                            if let TestStep::Event { kind, earlier: None, .. } = &step {
                                last = Some(*kind);
                            }
                            if clock.is_some_and(|clock| moment < clock) && self.found.len() == before {
                                let when = when.as_ref().map_or(place, |when| at.place(when.span));
                                let written = self.quote(when);
                                self.report(errors::time_goes_back(when, &written));
                            }
                            clock = Some(moment);
                        }
                        steps.push(step);
                    }
                }
                ast::TestStep::With(name, value) => steps.extend(self.with(at, name, value)),
                ast::TestStep::Expect(expectation, span) => {
                    let Some(event) = last else {
                        self.report(errors::nothing_happened(at.place(*span)));
                        continue;
                    };
                    if let Some(expectation) = self.expectation(at, expectation, event) {
                        steps.push(TestStep::Expect(expectation, at.place(*span)));
                    }
                }
                ast::TestStep::After(number, unit) => {
                    let place = at.place(number.span.to(unit.span));
                    if let Some((span, moved)) = self.clock_after(clock, number, unit, place) {
                        clock = Some(moved);
                        steps.push(TestStep::After(span));
                    }
                }
                ast::TestStep::Item(_) => {}
            }
        }
        steps
    }

    fn with(&mut self, at: At, name: &ast::Name, value: &ast::Expr) -> Option<TestStep> {
        let Some(super::names::Value::Param(id)) = self.value_named(at.space, &name.text) else {
            let params: Vec<String> = self.out.params.iter().map(|param| param.ir.name.clone()).collect();
            let near = self.nearest(&name.text, params.iter().map(String::as_str));
            self.report(errors::unknown_name(at.place(name.span), "parameter", &name.text, near.as_deref()));
            return None;
        };
        let (ty, den, range) =
            self.out.params.get(id.index()).map(|param| (param.ty.clone(), param.den, param.ir.range))?;
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        let slot = self.slot_value(&mut scope, value, &ty, den)?;
        if range.is_some_and(|(low, high)| slot < low || slot > high) {
            let place = at.place(value.span);
            let quoted = self.quote(place);
            let declared = self.out.params.get(id.index()).map(|param| param.place).unwrap_or_default();
            self.report(errors::value_outside_range(place, &name.text, &quoted, declared));
        }
        Some(TestStep::With(id, slot))
    }

    /// The clock of a test so much later, on the local calendar.
    fn clock_after(
        &mut self,
        clock: Option<(i64, i64)>,
        number: &ast::Lexeme,
        unit: &ast::Name,
        place: Place,
    ) -> Option<(ir::Span, (i64, i64))> {
        let Some((day, second)) = clock else {
            self.report(errors::nothing_happened(place));
            return None;
        };
        let count = super::program::small_number(&number.text).map(i64::from);
        let Some((ty, factor)) = super::types::builtin_unit(&unit.text) else {
            let quoted = self.quote(place);
            self.report(errors::window_unit(place, &quoted));
            return None;
        };
        let count = count.and_then(|count| count.checked_mul(i64::try_from(factor).ok()?));
        let Some(count) = count.filter(|count| *count <= 1_000_000_000) else {
            self.report(errors::number_out_of_range(at_number(place, number), &number.text));
            return None;
        };
        if ty == Type::Duration {
            let seconds = second + count;
            let moved = (day + seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
            return Some((ir::Span::Seconds(count), moved));
        }
        let (span, day) = match ty {
            Type::Days if count <= 1_000_000 => (ir::Span::Days(count), day + count),
            Type::Months if count <= 10_000 => {
                (ir::Span::Months(count), crate::calendar::add_months(day, count))
            }
            Type::Days | Type::Months => {
                self.report(errors::number_out_of_range(at_number(place, number), &number.text));
                return None;
            }
            Type::Error
            | Type::Bool
            | Type::Number
            | Type::Percent
            | Type::Money
            | Type::Points(_)
            | Type::Count(_)
            | Type::Quantity(_)
            | Type::Duration
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
                let quoted = self.quote(place);
                self.report(errors::window_unit(place, &quoted));
                return None;
            }
        };
        Some((span, (day, second)))
    }

    /// A step, and the moment of an event.
    fn given(
        &mut self,
        at: At,
        given: Given<'_>,
        clock: Option<(i64, i64)>,
        place: Place,
    ) -> Option<(TestStep, Option<(i64, i64)>)> {
        let Given { what, id, of, when, fields, earlier } = given;
        if earlier && !self.event_ids.contains_key(&what.text) {
            let known: Vec<String> = self.out.events.iter().map(|event| event.name.clone()).collect();
            let near = self.nearest(&what.text, known.iter().map(String::as_str));
            self.report(errors::unknown_event(at.place(what.span), &what.text, &known, near.as_deref()));
            return None;
        }
        let mut record = TestRecord { id: id.clone(), ..TestRecord::default() };
        if what.text == "member" {
            self.test_fields(at, RecordName::Member, "member", &[], fields, &mut record);
            return Some((TestStep::Member(record), None));
        }
        if let Some(kind) = self.event_ids.get(&what.text).copied() {
            let paid = if earlier { self.paid_before(at, kind, fields) } else { None };
            let rest: Vec<ast::TestField>;
            let fields = match paid {
                Some(_) => {
                    rest = fields.iter().filter(|field| !is_paid(field)).cloned().collect();
                    rest.as_slice()
                }
                None => fields,
            };
            self.test_fields(at, RecordName::Event(kind), &what.text, &[], fields, &mut record);
            let moment = match (when, clock) {
                (Some(when), _) => {
                    let scope = Scope::new(at.file, at.space, Events::Inferred(None));
                    self.moment(&scope, when, false)?
                }
                (None, Some(clock)) => clock,
                (None, None) => {
                    let name = format!("given {}{}", if earlier { "earlier " } else { "" }, what.text);
                    self.report(errors::missing_clause(
                        at.place(what.span),
                        &format!("`{name}`"),
                        "when it happens",
                        &format!("{name} at 2026-03-02 10:15"),
                    ));
                    return None;
                }
            };
            let (day, second) = moment;
            let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
            let written = format!("{}T{hour:02}:{minute:02}:{second:02}", dates::date_text(day));
            let earlier = earlier.then_some(paid);
            let step = TestStep::Event { kind, id, of, at: written, record, earlier, place };
            return Some((step, Some(moment)));
        }
        if what.text == "product" {
            if id.is_none() {
                self.report(errors::missing_clause(
                    place,
                    "`given product`",
                    "its sku",
                    "given product \"P-1\" { … }",
                ));
            }
            self.test_fields(at, RecordName::Product, "product", &[], fields, &mut record);
            let step = TestStep::Table { kind: "product".into(), id: id.unwrap_or_default(), record };
            return Some((step, None));
        }
        if let Some(kind) = self.kind_ids.get(&what.text).copied() {
            if id.is_none() {
                let example = format!("given {} \"A\" {{ … }}", what.text);
                self.report(errors::missing_clause(
                    place,
                    &format!("`given {}`", what.text),
                    "its name",
                    &example,
                ));
            }
            self.name_fields(at, kind, fields, &mut record);
            let step = TestStep::Table { kind: what.text.clone(), id: id.unwrap_or_default(), record };
            return Some((step, None));
        }
        let known: Vec<String> = ["member", "product"]
            .iter()
            .map(|word| word.to_string())
            .chain(self.event_ids.keys().cloned())
            .chain(self.kind_ids.keys().cloned())
            .collect();
        let near = self.nearest(&what.text, known.iter().map(String::as_str));
        self.report(errors::unknown_name(at.place(what.span), "record", &what.text, near.as_deref()));
        None
    }

    /// What a test says was paid for an earlier event.
    fn paid_before(&mut self, at: At, kind: ir::EventId, fields: &[ast::TestField]) -> Option<i64> {
        let info = self.event_infos.get(kind.index())?;
        if !info.lines || info.fields.contains_key("paid") {
            return None;
        }
        fields.iter().find_map(|field| match field {
            ast::TestField::Value(_, value) if is_paid(field) => self.expected_money(at, value),
            ast::TestField::Value(..) | ast::TestField::Record(..) => None,
        })
    }

    /// `members = ["A", "B"]` of a list, `parent = "Tea"` of a kind with parents.
    fn name_fields(&mut self, at: At, kind: ir::KindId, fields: &[ast::TestField], record: &mut TestRecord) {
        let Some((name, hierarchical, of)) =
            self.out.kinds.get(kind.index()).map(|kind| (kind.name.clone(), kind.hierarchical, kind.of))
        else {
            return;
        };
        for field in fields {
            let (field_name, field_place, value) = match field {
                ast::TestField::Record(name, _, span) => (name.text.clone(), at.place(*span), None),
                ast::TestField::Value(path, value) => {
                    let place = at.place(path.span);
                    (self.quote(place), place, Some(value))
                }
            };
            if (name.as_str(), field_name.as_str()) == ("store", "zone")
                && let Some(ast::Expr { kind: ast::ExprKind::Text(zone), .. }) = value
            {
                if is_zone(&zone.value) {
                    record.fields.push((vec![field_name], TestValue::Text(zone.value.clone())));
                } else {
                    self.report(errors::unknown_zone(at.place(zone.span), &zone.value));
                }
                continue;
            }
            let (ty, wanted) = match (field_name.as_str(), hierarchical, of) {
                ("parent", true, _) => (Type::Symbol(kind), true),
                ("members", _, Some(of)) => (Type::Set(of), true),
                (_, true | false, _) => (Type::Error, false),
            };
            let (true, Some(value)) = (wanted, value) else {
                let mut known = Vec::new();
                if hierarchical {
                    known.push("parent".to_string());
                }
                if of.is_some() {
                    known.push("members".to_string());
                }
                if name == "store" {
                    known.push("zone".to_string());
                }
                self.report(errors::unknown_field(field_place, &name, &field_name, &known, None));
                continue;
            };
            if let Some(value) = self.test_value(at, value, &ty, 0) {
                record.fields.push((vec![field_name], value));
            }
        }
    }

    fn test_fields(
        &mut self,
        at: At,
        owner: RecordName,
        word: &str,
        prefix: &[String],
        fields: &[ast::TestField],
        record: &mut TestRecord,
    ) {
        for field in fields {
            match field {
                ast::TestField::Record(name, inner, span) => {
                    // Data may have lines that no rule reads.
                    let event = matches!(owner, RecordName::Event(_)) && prefix.is_empty();
                    let mut inner_record = TestRecord::default();
                    if name.text == "line" && event {
                        self.test_fields(at, RecordName::Line, "line", &[], inner, &mut inner_record);
                        record.lines.push(inner_record);
                    } else if name.text == "payment" && event {
                        self.test_fields(at, RecordName::Payment, "payment", &[], inner, &mut inner_record);
                        record.payments.push(inner_record);
                    } else if let Some((key, of)) =
                        prefix.is_empty().then(|| self.list_named(owner, &name.text)).flatten()
                    {
                        let row = RecordName::Row(of as u32);
                        self.test_fields(at, row, &name.text, &[], inner, &mut inner_record);
                        record.lists.push((key, inner_record));
                    } else if matches!(name.text.as_str(), "line" | "payment") {
                        let collection = format!("{}s", name.text);
                        self.report(errors::unknown_field(at.place(*span), word, &collection, &[], None));
                    } else if prefix.len() < 16 {
                        let mut longer = prefix.to_vec();
                        longer.push(name.text.clone());
                        self.test_fields(at, owner, word, &longer, inner, record);
                    }
                }
                ast::TestField::Value(path, value) => {
                    self.test_field(at, owner, word, prefix, path, value, record);
                }
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn test_field(
        &mut self,
        at: At,
        owner: RecordName,
        word: &str,
        prefix: &[String],
        path: &ast::Path,
        value: &ast::Expr,
        record: &mut TestRecord,
    ) {
        let names: Vec<&str> = prefix
            .iter()
            .map(String::as_str)
            .chain(path.parts.iter().map(|part| part.text.as_str()))
            .collect();
        let mut name = names.join(".");
        let place = at.place(path.span);
        if owner == RecordName::Line && name == "qty" {
            name = "pieces".into();
        }
        if let (RecordName::Event(_), "member") = (owner, name.as_str()) {
            let is_none = matches!(&value.kind, ast::ExprKind::Path(path) if path.parts.iter().map(|p| p.text.as_str()).eq(["none"]));
            if is_none {
                record.fields.push((vec!["member".into()], TestValue::Text("none".into())));
            } else {
                let value_place = at.place(value.span);
                let quoted = self.quote(value_place);
                self.report(errors::mismatched_types(
                    value_place,
                    &quoted,
                    "`none`, for an anonymous receipt",
                    "something else",
                    None,
                ));
            }
            return;
        }
        let fields: &FxHashMap<String, FieldId> = match owner {
            RecordName::Event(event) => match self.event_infos.get(event.index()) {
                Some(info) => &info.fields,
                None => return,
            },
            RecordName::Member => &self.records.member,
            RecordName::Line => &self.records.line,
            RecordName::Product => &self.records.product,
            RecordName::Payment => &self.records.payment,
            RecordName::Row(of) => match self.histories.records.get(of as usize) {
                Some(record) => &record.fields,
                None => return,
            },
        };
        let Some(id) = fields.get(&name).copied() else {
            let mut known: Vec<String> = fields.keys().cloned().collect();
            known.sort();
            let near = self.nearest(&name, known.iter().map(String::as_str));
            let unknown = errors::unknown_field(place, word, &name, &known, near.as_deref());
            let is_held =
                owner == RecordName::Member && matches!(name.as_str(), "balance" | "points" | "tier");
            self.report(match is_held {
                true => unknown.help(
                    "a member begins with nothing; what one has comes of events before: give one that awards it",
                ),
                false => unknown,
            });
            return;
        };
        let Some(field) = self.field_of(id) else { return };
        if let Some(Builtin::Read(_)) = field.builtin {
            self.report(errors::kept_by_state(place, word, &name));
            return;
        }
        let (ty, key, slot) = (field.ty.present().clone(), field.key.clone(), field.slot);
        if record.fields.iter().any(|(existing, _)| *existing == key) {
            self.report(errors::repeated_clause(place, &name, "a record"));
            return;
        }
        let scale = match slot {
            ir::SlotType::Money { scale } | ir::SlotType::Number { scale } => scale,
            ir::SlotType::Bool
            | ir::SlotType::Points(_)
            | ir::SlotType::Percent
            | ir::SlotType::Count
            | ir::SlotType::Date
            | ir::SlotType::Time
            | ir::SlotType::Instant
            | ir::SlotType::Enum(_)
            | ir::SlotType::Symbol(_)
            | ir::SlotType::Set(_) => 0,
        };
        if let Some(value) = self.test_value(at, value, &ty, u32::from(scale)) {
            record.fields.push((key, value));
        }
    }

    /// A value as a record writes it.
    fn test_value(&mut self, at: At, expr: &ast::Expr, ty: &Type, scale: u32) -> Option<TestValue> {
        let place = at.place(expr.span);
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        match ty {
            Type::Symbol(kind) => {
                let names = self.names_in(at, expr, *kind)?;
                match names.as_slice() {
                    [name] => Some(TestValue::Text(name.clone())),
                    _ => {
                        let (quoted, wanted) = (self.quote(place), self.describe(ty));
                        self.report(errors::mismatched_types(place, &quoted, &wanted, "several names", None));
                        None
                    }
                }
            }
            Type::Set(kind) => {
                if let ast::ExprKind::List(parts) = &expr.kind {
                    let mut names = Vec::new();
                    for part in parts {
                        names.extend(self.names_in(at, part, *kind)?);
                    }
                    return Some(TestValue::List(names));
                }
                Some(TestValue::List(self.names_in(at, expr, *kind)?))
            }
            Type::Instant => {
                let (day, second) = self.moment(&scope, expr, false)?;
                Some(TestValue::Text(format!(
                    "{}T{:02}:{:02}:{:02}",
                    dates::date_text(day),
                    second / 3600,
                    second / 60 % 60,
                    second % 60
                )))
            }
            Type::Money => {
                // A price may have more digits in a record than an amount has in a rule.
                if let ast::ExprKind::Quantity(number, unit) = &expr.kind
                    && unit.text == self.out.settings.currency
                    && Decimal::parse(&number.text).is_some_and(|decimal| decimal.scale <= scale)
                {
                    return Some(TestValue::Text(number.text.clone()));
                }
                self.test_number(&mut scope, expr, ty, u32::from(self.out.settings.decimals))
            }
            Type::Points(account) => {
                let digits =
                    self.out.accounts.get(account.index()).map_or(0, |account| u32::from(account.decimals));
                self.test_number(&mut scope, expr, ty, digits)
            }
            Type::Quantity(_) => self.test_number(&mut scope, expr, ty, scale.min(3)),
            Type::Number | Type::Count(_) | Type::Duration | Type::Days | Type::Months => {
                self.test_number(&mut scope, expr, ty, 0)
            }
            Type::Percent => {
                let value = self.value_of(&mut scope, expr, ty);
                let hundred = self.test_constant(&value)?.multiplied(Ratio::whole(100))?;
                Some(TestValue::Text(super::types::decimal_text(hundred, 0)))
            }
            Type::Bool => {
                let value = self.value_of(&mut scope, expr, ty);
                Some(TestValue::Bool(self.test_constant(&value)?.num != 0))
            }
            Type::Date | Type::Time | Type::Enum(_) => {
                let value = self.value_of(&mut scope, expr, ty);
                let ratio = self.test_constant(&value)?;
                Some(TestValue::Text(self.written(ratio, ty)))
            }
            Type::Error | Type::Text | Type::Optional(_) | Type::Collection(_) | Type::Record(_) => None,
        }
    }

    fn test_number(
        &mut self,
        scope: &mut Scope,
        expr: &ast::Expr,
        ty: &Type,
        digits: u32,
    ) -> Option<TestValue> {
        let value = self.value_of(scope, expr, ty);
        let ratio = self.test_constant(&value)?;
        Some(TestValue::Text(super::types::decimal_text(ratio, digits)))
    }

    fn test_constant(&mut self, value: &crate::typed::Expr) -> Option<Ratio> {
        if matches!(value.kind, ExprKind::Error) || value.ty.is_error() {
            return None;
        }
        let ratio = constant(value);
        if ratio.is_none() {
            let quoted = self.quote(value.place);
            self.report(errors::constant_expected(value.place, &quoted));
        }
        ratio
    }

    /// `"A"`, `store "A"`, `["A", "B"]` in the place of names of a kind.
    fn names_in(&mut self, at: At, expr: &ast::Expr, kind: ir::KindId) -> Option<Vec<String>> {
        if let ast::ExprKind::Text(text) = &expr.kind {
            return Some(vec![text.value.clone()]);
        }
        let place = at.place(expr.span);
        if let ast::ExprKind::Reference(word, names) = &expr.kind {
            if self.kind_ids.get(&word.text) == Some(&kind) {
                return Some(names.iter().map(|name| name.value.clone()).collect());
            }
            let quoted = self.quote(place);
            let wanted = self.describe(&Type::Symbol(kind));
            self.report(errors::mismatched_types(place, &quoted, &wanted, &format!("a {}", word.text), None));
            return None;
        }
        if !matches!(expr.kind, ast::ExprKind::Error) {
            let quoted = self.quote(place);
            let wanted = format!("the name of {}, in quotes", self.describe(&Type::Symbol(kind)));
            self.report(errors::mismatched_types(place, &quoted, &wanted, "something else", None));
        }
        None
    }

    fn rule_named(&mut self, at: At, path: &ast::Path) -> Option<ir::RuleId> {
        let place = at.place(path.span);
        let written = self.quote(place);
        let found = path.parts.last().and_then(|name| self.rule_ids.get(&name.text)).copied();
        if found.is_none() {
            let near = self.nearest(&written, self.rule_ids.keys().map(String::as_str));
            self.report(errors::unknown_name(place, "rule", &written, near.as_deref()));
        }
        found
    }

    fn expectation(
        &mut self,
        at: At,
        expectation: &ast::Expectation,
        event: ir::EventId,
    ) -> Option<Expectation> {
        Some(match expectation {
            ast::Expectation::Nothing => Expectation::Nothing,
            ast::Expectation::Fires(path) => Expectation::Fires(self.rule_named(at, path)?),
            ast::Expectation::Silent(path) => Expectation::Silent(self.rule_named(at, path)?),
            ast::Expectation::DisplacedBy(loser, winner) => {
                let (loser, winner) = (self.rule_named(at, loser), self.rule_named(at, winner));
                Expectation::DisplacedBy(loser?, winner?)
            }
            ast::Expectation::LimitedTo(path, amount) => {
                let rule = self.rule_named(at, path);
                let (amount, account) = self.expected_amount(at, amount)?;
                Expectation::LimitedTo { rule: rule?, account, amount }
            }
            ast::Expectation::Fails(path, fault) => {
                let rule = self.rule_named(at, path);
                let fault = match fault {
                    Some(name) => Some(self.fault(at, name)?),
                    None => None,
                };
                Expectation::Fails(rule?, fault)
            }
            ast::Expectation::Award(amount, scope) => {
                let scope = self.expect_scope(at, scope);
                let amount_place = at.place(amount.span);
                let (amount, account) = self.expected_amount(at, amount)?;
                let Some(account) = account.or_else(|| self.money_account()) else {
                    let quoted = self.quote(amount_place);
                    let found = self.describe(&Type::Money);
                    self.report(errors::mismatched_types(
                        amount_place,
                        &quoted,
                        "points of an account",
                        &found,
                        None,
                    ));
                    return None;
                };
                Expectation::Award { account, amount, scope: scope? }
            }
            ast::Expectation::Discount(amount, scope) => {
                let scope = self.expect_scope(at, scope);
                Expectation::Discount { amount: self.expected_money(at, amount)?, scope: scope? }
            }
            ast::Expectation::Tax(amount, scope) => {
                let scope = self.expect_scope(at, scope);
                Expectation::Tax(self.expected_money(at, amount)?, scope?)
            }
            ast::Expectation::Total(amount) => Expectation::Total(self.expected_money(at, amount)?),
            ast::Expectation::Refused(words) => {
                Expectation::Refused(words.as_ref().map(|words| words.value.clone()))
            }
            ast::Expectation::Balance(path, of, amount) => {
                let scope = Scope::new(at.file, at.space, Events::Inferred(None));
                let account = self.account_named(&scope, path)?;
                let amount = self.amount_of(at, amount, account)?;
                Expectation::Balance { account, of: of.as_ref().map(|of| of.value.clone()), amount }
            }
            ast::Expectation::Debit { amount, from, scope } => {
                let scope = self.expect_scope(at, scope);
                let account = match from {
                    Some(path) => {
                        let own = Scope::new(at.file, at.space, Events::Inferred(None));
                        Some(self.account_named(&own, path)?)
                    }
                    None => None,
                };
                let (account, amount) = match account {
                    Some(account) => (account, self.amount_of(at, amount, account)?),
                    None => {
                        let amount_place = at.place(amount.span);
                        let (amount, account) = self.expected_amount(at, amount)?;
                        let Some(account) = account.or_else(|| self.money_account()) else {
                            let (quoted, found) = (self.quote(amount_place), self.describe(&Type::Money));
                            let wanted = "points of an account";
                            self.report(errors::mismatched_types(
                                amount_place,
                                &quoted,
                                wanted,
                                &found,
                                None,
                            ));
                            return None;
                        };
                        (account, amount)
                    }
                };
                Expectation::Debit { account, amount, scope: scope? }
            }
            ast::Expectation::Issue { count, instrument, name, scope } => {
                let (count, instrument, scope) =
                    self.expected_instrument(at, (count.as_ref(), *instrument, name), scope)?;
                Expectation::Issue { count, instrument, rule: scope.rule, to: scope.to }
            }
            ast::Expectation::Withdraw { count, instrument, name, scope } => {
                let (count, instrument, scope) =
                    self.expected_instrument(at, (count.as_ref(), *instrument, name), scope)?;
                Expectation::Withdrawn { count, instrument, rule: scope.rule, to: scope.to }
            }
            ast::Expectation::Say { to, text, scope } => Expectation::Said {
                to: to.text.clone(),
                text: text.as_ref().map(|text| text.value.clone()),
                rule: self.expect_scope(at, scope)?.rule,
            },
            ast::Expectation::Coupon(path, accepted) => {
                Expectation::Coupon(self.coupon_named(at, path)?, *accepted)
            }
            ast::Expectation::Ensure(path, kept) => Expectation::Keeps(self.promise_named(at, path)?, *kept),
            ast::Expectation::Badge(path, has) => match self.instrument(at, path, ast::Instrument::Badge)? {
                ir::InstrumentId::Badge(badge) => Expectation::Badge(badge, *has),
                ir::InstrumentId::Coupon(_) | ir::InstrumentId::Certificate(_) => return None,
            },
            ast::Expectation::Tier(path, level) => {
                let written = self.quote(at.place(path.span));
                let mut known = self.out.instruments.tiers.iter().zip(0u32..);
                let tiers = known.find(|(tiers, _)| tiers.name == written);
                let found = tiers.map(|(tiers, id)| (tiers.levels, tiers.name.clone(), id));
                let Some((levels, name, id)) = found else {
                    let names = self.out.instruments.tiers.iter().map(|tiers| tiers.name.as_str());
                    let near = self.nearest(&written, names);
                    self.report(errors::unknown_name(
                        at.place(path.span),
                        "tiers",
                        &written,
                        near.as_deref(),
                    ));
                    return None;
                };
                let values = self.out.enums.get(levels.index()).map(|e| e.values.clone()).unwrap_or_default();
                let Some(position) = values.iter().position(|value| *value == level.text) else {
                    let near = self.nearest(&level.text, values.iter().map(String::as_str));
                    let place = at.place(level.span);
                    self.report(errors::unknown_value(place, &level.text, &name, &values, near.as_deref()));
                    return None;
                };
                Expectation::Tier(id, position as i64)
            }
            ast::Expectation::Gift(goods, scope) => {
                let rule = self.expect_scope(at, scope)?.rule;
                let unit = self.counts.get("pcs").copied();
                let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
                let value =
                    self.value_of(&mut scope, &goods.quantity, &unit.map_or(Type::Number, Type::Count));
                let pieces = self.test_constant(&value)?.to_i64()?;
                if goods.kind.text != "sku" {
                    let (place, quoted) = (at.place(goods.kind.span), goods.kind.text.clone());
                    let why = format!("`{quoted}` names no product; name each by its `sku`");
                    self.report(errors::wrong_gift(place, &why));
                    return None;
                }
                let mut skus: Vec<String> = goods.names.iter().map(|name| name.value.clone()).collect();
                skus.sort_unstable();
                Expectation::Gift { pieces, skus, rule }
            }
            ast::Expectation::Offer(path, ast::OfferOutcome::Shown(position)) => {
                let offer = self.offer_named(at, path);
                let position = match position {
                    Some(number) => {
                        let value = super::program::small_number(&number.text).filter(|value| *value >= 1);
                        if value.is_none() {
                            self.report(errors::number_out_of_range(at.place(number.span), &number.text));
                        }
                        Some(value?)
                    }
                    None => None,
                };
                Expectation::Shown(offer?, position)
            }
            ast::Expectation::Offer(path, ast::OfferOutcome::Hidden(by)) => {
                let offer = self.offer_named(at, path);
                let by = match by {
                    Some(word) => Some(self.hidden_by(at, word)?),
                    None => None,
                };
                Expectation::Hidden(offer?, by)
            }
            ast::Expectation::Offers(paths) => {
                let offers: Vec<Option<u32>> = paths.iter().map(|path| self.offer_named(at, path)).collect();
                Expectation::Offers(offers.into_iter().collect::<Option<Vec<u32>>>()?)
            }
            ast::Expectation::Contacts(ids) => {
                let mut ids: Vec<String> = ids.iter().map(|id| id.value.clone()).collect();
                ids.sort_unstable();
                Expectation::Contacts(ids)
            }
            ast::Expectation::NetTotal(amount) => Expectation::NetTotal(self.expected_money(at, amount)?),
            ast::Expectation::Holds(condition) => {
                let mut scope = Scope::new(at.file, at.space, Events::Heard(vec![event]));
                let text = self.quote(at.place(condition.span));
                let condition = self.condition(&mut scope, condition);
                let check = self.out.checks.len();
                self.out.checks.push(Check { condition, event });
                Expectation::Holds { check, text }
            }
        })
    }

    fn fault(&mut self, at: At, name: &ast::Name) -> Option<ir::FaultKind> {
        Some(match name.text.replace('_', "-").as_str() {
            "overflow" => ir::FaultKind::Overflow,
            "division-by-zero" => ir::FaultKind::DivisionByZero,
            "out-of-range" => ir::FaultKind::OutOfRange,
            "out-of-fuel" => ir::FaultKind::OutOfFuel,
            _ => {
                let words = &["overflow", "division-by-zero", "out-of-range", "out-of-fuel"];
                self.report(errors::unknown_word(at.place(name.span), "failure", &name.text, words));
                return None;
            }
        })
    }

    /// `2 coupon welcome10 by rule welcome`
    fn expected_instrument(
        &mut self,
        at: At,
        (count, instrument, name): (Option<&ast::Expr>, ast::Instrument, &ast::Path),
        scope: &ast::Scope,
    ) -> Option<(Option<i64>, ir::InstrumentId, crate::typed::ExpectScope)> {
        let instrument = self.instrument(at, name, instrument);
        let scope = self.expect_scope(at, scope);
        let count = match count {
            Some(count) => {
                let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
                let value = self.value_of(&mut scope, count, &Type::Number);
                Some(self.test_constant(&value)?.to_i64()?)
            }
            None => None,
        };
        Some((count, instrument?, scope?))
    }

    fn expect_scope(&mut self, at: At, scope: &ast::Scope) -> Option<ExpectScope> {
        let rule = match &scope.rule {
            Some(path) => Some(self.rule_named(at, path)?),
            None => None,
        };
        let mut number = |lexeme: &ast::Lexeme| {
            let value = super::program::small_number(&lexeme.text).filter(|value| *value >= 1);
            if value.is_none() {
                self.report(errors::number_out_of_range(at.place(lexeme.span), &lexeme.text));
            }
            value
        };
        let line = match &scope.line {
            Some(ast::LineRef::Position(position)) => Some(LineRef::Position(number(position)?)),
            Some(ast::LineRef::Sku(sku)) => Some(LineRef::Sku(sku.value.clone())),
            None => None,
        };
        let unit = match &scope.unit {
            Some(unit) => Some(number(unit)?),
            None => None,
        };
        let to = scope.to.as_ref().map(|to| to.value.clone());
        Some(ExpectScope { to, rule, line, unit })
    }

    /// Points of an account or money (no account), in smallest units.
    fn expected_amount(&mut self, at: At, amount: &ast::Expr) -> Option<(i64, Option<ir::AccountId>)> {
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        let value = self.value(&mut scope, amount, None);
        let account = match &value.ty {
            Type::Error => return None,
            Type::Points(account) => Some(*account),
            Type::Money => None,
            Type::Number => {
                let quoted = self.quote(value.place);
                let suffix =
                    self.suffix(&Type::Points(ir::AccountId(0))).filter(|_| !self.out.accounts.is_empty());
                let suffix = suffix.unwrap_or_else(|| format!(" {}", self.currency_word()));
                self.report(errors::missing_unit(value.place, &quoted, "points or money", &suffix, None));
                return None;
            }
            other => {
                let (quoted, found) = (self.quote(value.place), self.describe(other));
                self.report(errors::mismatched_types(value.place, &quoted, "points or money", &found, None));
                return None;
            }
        };
        let ratio = self.test_constant(&value)?;
        match ratio.to_i64() {
            Some(amount) => Some((amount, account)),
            None => {
                let quoted = self.quote(value.place);
                self.report(errors::number_out_of_range(value.place, &quoted));
                None
            }
        }
    }

    /// A constant amount of an account, in its smallest units.
    fn amount_of(&mut self, at: At, amount: &ast::Expr, account: ir::AccountId) -> Option<i64> {
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        let ty = self.points_type(account);
        let value = self.value_of(&mut scope, amount, &ty);
        let whole = self.test_constant(&value)?.to_i64();
        if whole.is_none() {
            let quoted = self.quote(value.place);
            self.report(errors::number_out_of_range(value.place, &quoted));
        }
        whole
    }

    fn expected_money(&mut self, at: At, amount: &ast::Expr) -> Option<i64> {
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        let value = self.value_of(&mut scope, amount, &Type::Money);
        let ratio = self.test_constant(&value)?;
        let whole = ratio.to_i64();
        if whole.is_none() {
            let quoted = self.quote(value.place);
            self.report(errors::number_out_of_range(value.place, &quoted));
        }
        whole
    }
}

fn is_condition(step: &ast::TestStep) -> bool {
    matches!(step, ast::TestStep::Expect(ast::Expectation::Holds(_), _))
}
