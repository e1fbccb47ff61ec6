//! Collections beside the receipt: earlier events of the member and their lines, lists in records, the windows that
//! bound the past, counters, anniversaries. It refuses to know how they are worked out.

use super::collections::Found;
use super::names::{Key, Scope};
use super::program::small_number;
use super::schema::RecordName;
use super::types::{builtin_unit, constant};
use super::{At, Checker, errors};
use crate::ir;
use crate::typed::{
    Builtin, Element, Expr, ExprKind, Field, FieldId, RecordType, RowField, Rows, RowsId, RowsKind, Source,
    SourceKind, Type,
};
use perq_grammar::ast;
use perq_grammar::diagnostic::{Place, Span};
use rustc_hash::FxHashMap;

/// Days (and as many months) beyond which a window is told from `program` by nothing.
const MOST_DAYS: u32 = 1_000_000;

/// What the checker knows of collections beside the receipt.
#[derive(Debug, Default)]
pub(super) struct Histories {
    past: FxHashMap<ir::EventId, RowsId>,
    past_lines: Option<RowsId>,
    /// Fields of elements, made on first use.
    fields: FxHashMap<(RowsId, String), FieldId>,
    /// `record address { … }`
    pub records: Vec<RowRecord>,
    /// `addresses: list of address`
    pub lists: Vec<List>,
    anniversaries: FxHashMap<FieldId, FieldId>,
}

/// A record that lists are of.
#[derive(Debug)]
pub(super) struct RowRecord {
    pub name: String,
    pub fields: FxHashMap<String, FieldId>,
}

/// A field that is a list.
#[derive(Debug)]
pub(super) struct List {
    pub owner: RecordName,
    pub name: String,
    pub key: Vec<String>,
    /// Of [`Histories::records`].
    pub record: usize,
    pub rows: RowsId,
}

/// The record an element is.
pub(super) fn element_record(element: Element) -> RecordType {
    match element {
        Element::Line => RecordType::Line,
        Element::Unit => RecordType::Unit,
        Element::Payment => RecordType::Payment,
        Element::Row(rows) => RecordType::Row(rows),
    }
}

/// What several of a thing are called: `purchases`, `batches`, `replies`.
pub fn plural(word: &str) -> String {
    if ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)) {
        return format!("{word}es");
    }
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) && !stem.is_empty() => format!("{stem}ies"),
        Some(_) | None => format!("{word}s"),
    }
}

impl Checker<'_> {
    /// The word for an element in sentences and conditions.
    pub(super) fn element_word(&self, element: Element) -> String {
        match element {
            Element::Line => "line".into(),
            Element::Unit => "unit".into(),
            Element::Payment => "payment".into(),
            Element::Row(rows) => self.rows_of(rows).map(|rows| rows.word.clone()).unwrap_or_default(),
        }
    }

    /// The collection of all such elements.
    pub(super) fn collection_word(&self, element: Element) -> String {
        match element {
            Element::Line => "lines".into(),
            Element::Unit => "units".into(),
            Element::Payment => "payments".into(),
            Element::Row(rows) => self.rows_of(rows).map(|rows| rows.name.clone()).unwrap_or_default(),
        }
    }

    fn rows_of(&self, rows: RowsId) -> Option<&Rows> {
        self.out.rows.get(rows.0 as usize)
    }

    fn add_rows(&mut self, rows: Rows) -> RowsId {
        let id = RowsId(self.out.rows.len() as u32);
        self.out.rows.push(rows);
        id
    }

    /// `earlier purchases within last 30 days`
    pub(super) fn past(
        &mut self,
        scope: &mut Scope,
        collection: &ast::Path,
        window: Option<&ast::Window>,
        span: Span,
    ) -> Option<Found> {
        let place = scope.place(Span { start: span.start, end: collection.span.end });
        let rows = self.past_rows(scope, collection)?;
        if !scope.knows(Key::Member) {
            let quoted = self.quote(place);
            self.report(errors::no_past(place, &quoted));
            return None;
        }
        let Some(window) = window else {
            let quoted = self.quote(place);
            self.report(errors::unbounded_history(place, &quoted));
            return None;
        };
        let window = self.window(scope, window)?;
        let place = scope.place(span);
        let element =
            self.local(&self.element_word(Element::Row(rows)), Type::Record(RecordType::Row(rows)), place);
        Some((Source { kind: SourceKind::Past(window), of: Element::Row(rows), element, place }, Vec::new()))
    }

    /// Which earlier events a name stands for.
    fn past_rows(&mut self, scope: &Scope, collection: &ast::Path) -> Option<RowsId> {
        let place = scope.place(collection.span);
        let written = collection.dotted();
        if written == "lines" {
            let purchase = self.event_ids.get("purchase").copied()?;
            if let Some(rows) = self.histories.past_lines {
                return Some(rows);
            }
            let kind = RowsKind::PastLines(purchase);
            let rows = self.add_rows(Rows { word: "line".into(), name: "earlier lines".into(), kind });
            self.histories.past_lines = Some(rows);
            return Some(rows);
        }
        let names: Vec<(String, ir::EventId)> = (0..)
            .map(ir::EventId)
            .zip(&self.out.events)
            .map(|(id, event)| (plural(&event.name), id))
            .collect();
        let Some((name, event)) = names.iter().find(|(name, _)| *name == written) else {
            let near = self.nearest(&written, names.iter().map(|(name, _)| name.as_str()).chain(["lines"]));
            let mut known: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
            known.push("lines".into());
            known.sort();
            self.report(errors::unknown_past(place, &written, &known, near.as_deref()));
            return None;
        };
        if let Some(rows) = self.histories.past.get(event) {
            return Some(*rows);
        }
        let word = self.out.events.get(event.index()).map(|event| event.name.clone()).unwrap_or_default();
        let (kind, event) = (RowsKind::Past(*event), *event);
        let rows = self.add_rows(Rows { word, name: format!("earlier {name}"), kind });
        self.histories.past.insert(event, rows);
        Some(rows)
    }

    /// A window of the past.
    pub(super) fn window(&mut self, scope: &mut Scope, window: &ast::Window) -> Option<ir::Window> {
        match window {
            ast::Window::Last(number, unit) => {
                let place = scope.place(number.span.to(unit.span));
                let count = small_number(&number.text).filter(|count| *count > 0);
                let Some((ty, factor)) = builtin_unit(&unit.text) else {
                    let quoted = self.quote(place);
                    self.report(errors::window_unit(place, &quoted));
                    return None;
                };
                let count = count.and_then(|count| count.checked_mul(u32::try_from(factor).ok()?));
                let whole = |most: u32| count.filter(|count| *count <= most);
                let window = match ty {
                    Type::Duration => whole(MOST_DAYS.saturating_mul(3_600))
                        .map(|count| ir::Window::Seconds(i64::from(count))),
                    Type::Days => whole(MOST_DAYS).map(ir::Window::Days),
                    Type::Months => whole(MOST_DAYS).map(ir::Window::Months),
                    Type::Error
                    | Type::Bool
                    | Type::Number
                    | Type::Percent
                    | Type::Money
                    | Type::Points(_)
                    | Type::Count(_)
                    | Type::Quantity(_)
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
                if window.is_none() {
                    self.report(errors::number_out_of_range(scope.place(number.span), &number.text));
                }
                window
            }
            ast::Window::Any(number, unit) => {
                let place = scope.place(number.span.to(unit.span));
                let quoted = self.quote(place);
                self.report(errors::window_of_contacts(
                    place,
                    &format!("any {quoted}"),
                    &format!("last {quoted}"),
                ));
                None
            }
            ast::Window::Session(span) => {
                self.report(errors::window_of_contacts(scope.place(*span), "session", "last 30 minutes"));
                None
            }
            ast::Window::This(period) => {
                self.period(scope.place(period.span), &period.text).map(ir::Window::This)
            }
            ast::Window::Previous(period) => {
                self.period(scope.place(period.span), &period.text).map(ir::Window::Previous)
            }
            ast::Window::Program(_) => Some(ir::Window::Ever),
            ast::Window::Range(range) => {
                let low = self.value_of(scope, &range.low, &Type::Date);
                let high = self.value_of(scope, &range.high, &Type::Date);
                let mut day = |value: &Expr| {
                    if matches!(value.kind, ExprKind::Error) {
                        return None;
                    }
                    let day = constant(value).and_then(crate::typed::Ratio::to_i64);
                    if day.is_none() {
                        let quoted = self.quote(value.place);
                        self.report(errors::constant_expected(value.place, &quoted));
                    }
                    day
                };
                let (low, high) = (day(&low)?, day(&high)?);
                let last = if range.bound == ast::Bound::Excluded { high.saturating_sub(1) } else { high };
                if low > last {
                    self.report(errors::empty_range(scope.place(range.low.span.to(range.high.span))));
                    return None;
                }
                Some(ir::Window::Between(low, last))
            }
        }
    }

    /// A calendar period by its word.
    pub(super) fn period(&mut self, place: Place, word: &str) -> Option<ir::Period> {
        let found = ir::Period::ALL.into_iter().find(|period| period.word() == word);
        if found.is_none() {
            let words = ir::Period::ALL.map(ir::Period::word);
            self.report(errors::unknown_word(place, "period", word, &words));
        }
        found
    }

    /// The fields of an element that a record declares, by name, as they are declared.
    pub(super) fn row_base(&self, rows: RowsId) -> Vec<(String, FieldId)> {
        let own = match self.rows_of(rows).map(|rows| &rows.kind) {
            Some(RowsKind::Past(event)) => self.event_infos.get(event.index()).map(|info| &info.fields),
            Some(RowsKind::PastLines(_)) => Some(&self.records.line),
            Some(RowsKind::List { .. }) => self.list_of_rows(rows).map(|record| &record.fields),
            None => None,
        };
        let mut fields: Vec<(String, FieldId)> =
            own.into_iter().flatten().map(|(name, field)| (name.clone(), *field)).collect();
        if let Some(RowsKind::PastLines(_)) = self.rows_of(rows).map(|rows| &rows.kind) {
            let product = self.records.product.iter();
            fields.extend(product.map(|(name, field)| (format!("product.{name}"), *field)));
        }
        fields
    }

    fn list_of_rows(&self, rows: RowsId) -> Option<&RowRecord> {
        let list = self.histories.lists.iter().find(|list| list.rows == rows)?;
        self.histories.records.get(list.record)
    }

    /// Names of an element's fields, for messages and suggestions.
    pub(super) fn row_names(&self, rows: RowsId) -> Vec<String> {
        let mut names: Vec<String> = self.row_base(rows).into_iter().map(|(name, _)| name).collect();
        match self.rows_of(rows).map(|rows| &rows.kind) {
            Some(RowsKind::Past(event)) => {
                names.extend(["at", "date", "time", "weekday", "month_day"].map(str::to_string));
                if self.event_infos.get(event.index()).is_some_and(|info| info.lines) {
                    names.extend(["initial", "paid", "returned"].map(str::to_string));
                }
            }
            Some(RowsKind::PastLines(_)) => names.extend(["returned", "pieces_kept"].map(str::to_string)),
            Some(RowsKind::List { .. }) | None => {}
        }
        names.retain(|name| !name.starts_with("product."));
        names.sort();
        names.dedup();
        names
    }

    /// A field of an element, by name.
    pub(super) fn row_field(&mut self, rows: RowsId, name: &str) -> Option<FieldId> {
        let key = (rows, name.to_string());
        if let Some(field) = self.histories.fields.get(&key) {
            return Some(*field);
        }
        let kind = self.rows_of(rows)?.kind.clone();
        let word = self.element_word(Element::Row(rows));
        let base = self.row_base(rows).into_iter().find(|(other, _)| other == name).map(|(_, field)| field);
        let money = ir::SlotType::Money { scale: self.out.settings.decimals };
        let paid = (Type::Money, money, 1, RowField::Paid);
        let returned = (Type::Bool, ir::SlotType::Bool, 1, RowField::Returned);
        let declared = |field: FieldId, of: fn(FieldId) -> RowField| {
            let field_of = self.field_of(field)?;
            let missing = field_of.record == ir::RecordKind::Product
                && field_of.default.is_none()
                && !matches!(field_of.ty, Type::Set(_) | Type::Optional(_));
            let ty =
                if missing { Type::Optional(Box::new(field_of.ty.clone())) } else { field_of.ty.clone() };
            Some((ty, field_of.slot, field_of.den, of(field)))
        };
        let (ty, slot, den, of) = match kind {
            RowsKind::Past(event) => {
                let lines = self.event_infos.get(event.index()).is_some_and(|info| info.lines);
                match name {
                    "paid" if lines => paid,
                    "returned" if lines => returned,
                    "initial" if lines => declared(self.builtins.basket_initial, RowField::Event)?,
                    "at" => declared(self.builtins.at, RowField::Event)?,
                    "date" => declared(self.builtins.date, RowField::Event)?,
                    "time" => declared(self.builtins.time, RowField::Event)?,
                    "weekday" => declared(self.builtins.weekday, RowField::Event)?,
                    "month_day" => declared(self.builtins.month_day, RowField::Event)?,
                    _ => declared(base?, RowField::Event)?,
                }
            }
            RowsKind::PastLines(_) => match name {
                "paid" => paid,
                "returned" => returned,
                "pieces_kept" => {
                    let (ty, slot, den, _) = declared(*self.records.line.get("pieces")?, RowField::Line)?;
                    (ty, slot, den, RowField::PiecesKept)
                }
                _ => declared(base?, RowField::Line)?,
            },
            RowsKind::List { .. } => declared(base?, |_| RowField::Own)?,
        };
        let own = base.and_then(|base| self.field_of(base)).filter(|_| of == RowField::Own);
        let field = Field {
            name: format!("{word}.{name}"),
            record: ir::RecordKind::Derived,
            key: own.map(|field| field.key.clone()).unwrap_or_default(),
            ty,
            slot,
            den,
            default: own.and_then(|field| field.default),
            inherits: false,
            builtin: Some(Builtin::Row(rows, of)),
            events: Vec::new(),
            place: base.and_then(|base| self.field_of(base)).map(|field| field.place).unwrap_or_default(),
        };
        let id = FieldId(self.out.fields.len() as u32);
        self.out.fields.push(field);
        self.histories.fields.insert(key, id);
        Some(id)
    }

    /// `addresses: list of address` in an event or the member.
    pub(super) fn list_field(&mut self, at: At, owner: RecordName, declaration: &ast::FieldDeclaration) {
        let place = at.place(declaration.ty.span);
        let word = declaration.ty.name.text.as_str();
        let record = match owner {
            RecordName::Event(_) => ir::RecordKind::Event,
            RecordName::Member => ir::RecordKind::Member,
            RecordName::Line | RecordName::Product | RecordName::Payment | RecordName::Row(_) => {
                self.report(errors::list_elsewhere(place));
                return;
            }
        };
        let names = self.histories.records.iter().map(|record| record.name.as_str());
        let Some(position) = self.histories.records.iter().position(|record| record.name == word) else {
            let near = self.nearest(word, names);
            self.report(errors::unknown_list_record(
                at.place(declaration.ty.name.span),
                word,
                near.as_deref(),
            ));
            return;
        };
        let name = declaration.name.text.clone();
        let written = declaration.from.as_ref().map_or(name.as_str(), |from| from.value.as_str());
        let key: Vec<String> = written.split('.').map(str::to_string).collect();
        let owner_word = match owner {
            RecordName::Event(event) => {
                self.out.events.get(event.index()).map(|event| event.name.clone()).unwrap_or_default()
            }
            RecordName::Member
            | RecordName::Line
            | RecordName::Product
            | RecordName::Payment
            | RecordName::Row(_) => "member".into(),
        };
        let other =
            |rows: &Rows| rows.word != word && rows.kind == RowsKind::List { record, key: key.clone() };
        if self.out.rows.iter().any(other) {
            self.report(errors::list_of_others(place, &name));
            return;
        }
        // Events that have the same list share it, as they share fields.
        let same =
            |rows: &Rows| rows.word == word && rows.kind == RowsKind::List { record, key: key.clone() };
        let rows = match self.out.rows.iter().position(same) {
            Some(position) => RowsId(position as u32),
            None => {
                let kind = RowsKind::List { record, key: key.clone() };
                self.add_rows(Rows { word: word.into(), name: format!("{owner_word}.{name}"), kind })
            }
        };
        self.histories.lists.push(List { owner, name, key, record: position, rows });
    }

    /// `member.addresses`, `purchase.passengers`, `event.passengers`.
    pub(super) fn list(
        &mut self,
        scope: &mut Scope,
        owner: &super::expressions::Subject,
        names: &[ast::Name],
        place: Place,
    ) -> Option<Found> {
        use super::expressions::Subject;
        let name = names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
        let written = self.quote(place);
        let lists = self.histories.lists.iter().filter(|list| list.name == name);
        let (rows, events) = match owner {
            Subject::Member => {
                (lists.filter(|list| list.owner == RecordName::Member).map(|list| list.rows).next()?, None)
            }
            Subject::Event(kind) => {
                let of: Vec<(ir::EventId, RowsId)> = lists
                    .filter_map(|list| match list.owner {
                        RecordName::Event(event) if kind.is_none_or(|kind| kind == event) => {
                            Some((event, list.rows))
                        }
                        RecordName::Event(_)
                        | RecordName::Member
                        | RecordName::Line
                        | RecordName::Product
                        | RecordName::Payment
                        | RecordName::Row(_) => None,
                    })
                    .collect();
                let (_, rows) = *of.first()?;
                let events = of.into_iter().filter(|(_, other)| *other == rows).map(|(event, _)| event);
                (rows, Some(events.collect()))
            }
            Subject::Basket | Subject::Element(..) | Subject::Product(_) => return None,
        };
        match events {
            Some(events) => self.require_events(scope, &events, place, &written),
            None if !scope.knows(Key::Member) => self.report(errors::member_unknown(place, &written)),
            None => {}
        }
        let of = Element::Row(rows);
        let element = self.local(&self.element_word(of), Type::Record(RecordType::Row(rows)), place);
        Some((Source { kind: SourceKind::All, of, element, place }, Vec::new()))
    }

    /// The list that a field of a record is, for the records of tests.
    pub(super) fn list_named(&self, owner: RecordName, word: &str) -> Option<(Vec<String>, usize)> {
        let of = self.histories.lists.iter().filter(|list| list.owner == owner);
        let named = |list: &&List| {
            self.histories.records.get(list.record).is_some_and(|record| record.name == word)
                || list.name == word
        };
        of.filter(named).map(|list| (list.key.clone(), list.record)).next()
    }

    /// A counter counts for members.
    pub(super) fn counted_per(&mut self, at: At, header: &ast::Header, per: &[ast::Name]) {
        for (position, word) in per.iter().enumerate() {
            if word.text != "member" || position > 0 {
                self.report(errors::counter_per(at.place(word.span), &header.name.text, &word.text));
            }
        }
    }

    /// What a counter says: a number, a truth, a date.
    pub(super) fn counted(&mut self, scope: &mut Scope, value: &ast::Expr) -> Expr {
        let value = self.expr(scope, value, None);
        let ty = value.ty.present();
        let fits = ty.is_numeric()
            || matches!(
                ty,
                Type::Error | Type::Bool | Type::Date | Type::Time | Type::Instant | Type::Enum(_)
            );
        if fits {
            return value;
        }
        let (quoted, described) = (self.quote(value.place), self.describe(&value.ty));
        self.report(errors::number_expected(value.place, &quoted, &described));
        self.broken(value.place)
    }

    /// `days_from_anniversary(member.birthday)`
    pub(super) fn anniversary(&mut self, scope: &mut Scope, arguments: &[ast::Expr], place: Place) -> Expr {
        let [argument] = arguments else {
            self.report(errors::wrong_arguments(place, "days_from_anniversary", 1, arguments.len(), place));
            return self.broken(place);
        };
        let date = self.value_of(scope, argument, &Type::Date);
        if matches!(date.kind, ExprKind::Error) {
            return Expr { kind: ExprKind::Error, ty: Type::Days, place };
        }
        let ExprKind::Field { field, of: None } = date.kind else {
            let quoted = self.quote(date.place);
            self.report(errors::anniversary_of_value(date.place, &quoted));
            return Expr { kind: ExprKind::Error, ty: Type::Days, place };
        };
        let known = self.histories.anniversaries.get(&field).copied();
        let id = known.unwrap_or_else(|| {
            let name = self.field_of(field).map(|field| field.name.clone()).unwrap_or_default();
            let id = FieldId(self.out.fields.len() as u32);
            self.out.fields.push(Field {
                name: format!("days_from_anniversary({name})"),
                record: ir::RecordKind::Derived,
                key: Vec::new(),
                ty: Type::Days,
                slot: ir::SlotType::Count,
                den: 1,
                default: None,
                inherits: false,
                builtin: Some(Builtin::Anniversary(field)),
                events: Vec::new(),
                place,
            });
            self.histories.anniversaries.insert(field, id);
            id
        });
        Expr { kind: ExprKind::Field { field: id, of: None }, ty: Type::Days, place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_those_of_english() {
        for (one, several) in [
            ("purchase", "purchases"),
            ("batch", "batches"),
            ("reply", "replies"),
            ("birthday", "birthdays"),
            ("bus", "buses"),
            ("y", "ys"),
        ] {
            assert_eq!(plural(one), several);
        }
    }
}
