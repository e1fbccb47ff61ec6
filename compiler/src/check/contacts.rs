//! `contacts`: of which contacts a plan speaks, what they are worth, and what holds for them together. Bounds that contradict
//! each other whatever is proposed are found here. It refuses to know what is proposed, and how a choice is made.

use super::names::{Events, Key, Scope};
use super::offers::{path, unwritten};
use super::program::small_number;
use super::types::{builtin_unit, constant};
use super::{At, Checker, Items, errors};
use crate::ir::{
    self, ContactCount, ContactException, ContactRuleKind, ContactWindow,
    contacts::{CONTACT, MAX_SORTS},
};
use crate::typed::{self, Expr, ExprKind, Ratio, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::{Place, Span};

/// Parts of one in which scores are counted, as a power of ten.
const SCORE_DIGITS: u8 = 6;
/// Days of the longest window.
const MOST_DAYS: u32 = 3_660;

/// A plan while it is read.
struct Reading {
    at: At,
    scope: Scope,
    lets: Vec<typed::Step>,
}

/// A bound on how many contacts of all members there are, for comparing it with others.
struct Bound {
    sort: u32,
    written: ast::ContactScope,
    window: ContactWindow,
    at_least: Option<i64>,
    at_most: Option<i64>,
    place: Place,
}

/// What has been read of all plans.
#[derive(Default)]
struct Read {
    /// Keys of the sorts, by number.
    keys: Vec<String>,
    bounds: Vec<Bound>,
    /// Sorts that come only after others.
    after: Vec<(u32, u32, Place)>,
    maximise: Option<Place>,
}

impl<'a> Checker<'a> {
    /// All plans.
    pub(super) fn check_contacts(&mut self, items: &Items<'a>) {
        if items.contacts.is_empty() {
            return;
        }
        let fields = ["offer", "channel", "package"].map(|field| self.field_of_event(CONTACT, field));
        let [Some(offer), Some(channel), Some(package)] = fields else { return };
        self.out.contacts.fields = Some((offer, channel, package));
        let mut read = Read::default();
        for (at, header, clauses) in &items.contacts {
            let place = at.place(header.name.span);
            if self.declare("contacts", &header.name.text, place) {
                self.plan(*at, header, clauses, &mut read);
            }
        }
        if read.maximise.is_none()
            && let Some((at, header, _)) = items.contacts.first()
        {
            self.report(errors::missing_clause(
                at.place(header.name.span),
                &format!("the contact plan `{}`", header.name.text),
                "what is to be made as large as can be",
                "maximise sum(contact.score for contacts)",
            ));
        }
        self.contradictions(&read);
        self.rings(&read);
    }

    fn plan(
        &mut self,
        at: At,
        header: &ast::Header,
        clauses: &[ast::Placed<ast::ContactsClause>],
        read: &mut Read,
    ) {
        let contact = self.event_ids.get(CONTACT).copied();
        let scope = Scope::new(at.file, at.space, Events::Heard(contact.into_iter().collect()));
        let mut reading = Reading { at, scope, lets: Vec::new() };
        // What is sent is sent to somebody.
        reading.scope.learn([Key::Member]);
        for clause in clauses {
            let place = at.place(clause.span);
            let text = self.quote(place);
            match &clause.kind {
                ast::ContactsClause::Title(_) => {}
                ast::ContactsClause::Let(binding) => {
                    let mut lets = std::mem::take(&mut reading.lets);
                    self.let_step(&mut reading.scope, binding, &mut lets);
                    reading.lets = lets;
                }
                ast::ContactsClause::Maximise(value) => {
                    if read.maximise.replace(place).is_some() {
                        self.report(errors::repeated_clause(place, "maximise", "a programme"));
                    } else {
                        self.out.contacts.score = self.objective(&mut reading, value);
                    }
                }
                ast::ContactsClause::Inclusion { include, scope, members } => {
                    let dropped = self.dropped(&mut reading, *include, scope, members.as_ref(), place);
                    let key = format!("drop {}", read.keys.len());
                    if let Some(sort) = dropped.and_then(|dropped| self.add_sort(read, key, dropped, place)) {
                        self.out.contacts.drops.push((sort, text, place));
                    }
                }
                ast::ContactsClause::Capacity { what, scope, window, exceptions } => {
                    let kind = self.capacity(&mut reading, what, (scope, window, exceptions), read, place);
                    self.out.contacts.rules.extend(kind.map(|kind| (kind, text, place)));
                }
                ast::ContactsClause::Each { members, what } => {
                    let kind = self.each_member(&mut reading, members.as_ref(), what, read, place);
                    self.out.contacts.rules.extend(kind.map(|kind| (kind, text, place)));
                }
            }
        }
        self.out.contacts.plans.push(typed::ContactPlan {
            name: header.name.text.clone(),
            title: header.title.as_ref().map(|title| title.value.clone()),
            lets: reading.lets,
            place: at.place(header.name.span),
        });
    }

    /// `sum(contact.score for contacts)`
    fn objective(&mut self, reading: &mut Reading, written: &ast::Expr) -> Option<(Expr, u8)> {
        let place = reading.at.place(written.span);
        let summed = if let ast::ExprKind::Aggregate { function: ast::Aggregate::Sum, value, source } =
            &written.kind
            && let ast::SourceKind::Filter { earlier: false, collection, window: None, condition: None } =
                &source.kind
            && collection.dotted() == "contacts"
        {
            value.as_ref()
        } else {
            None
        };
        let Some(value) = summed else {
            let why =
                "what is maximised is a sum over the contacts, such as `sum(contact.score for contacts)`";
            self.report(errors::wrong_contacts(place, why));
            return None;
        };
        let value = self.value(&mut reading.scope, value, None);
        // Money counts in minor units already.
        let (digits, shown) = self.amount_digits(&value)?;
        Some((value, digits + SCORE_DIGITS - shown.min(SCORE_DIGITS)))
    }

    /// With how many more digits an amount counts than it has, and how many there are then; a number, a percentage or money.
    fn amount_digits(&mut self, value: &Expr) -> Option<(u8, u8)> {
        if matches!(value.kind, ExprKind::Error) {
            return None;
        }
        match &value.ty {
            Type::Number | Type::Percent => Some((SCORE_DIGITS, SCORE_DIGITS)),
            Type::Money => Some((0, self.out.settings.decimals)),
            Type::Error => None,
            other => {
                let (quoted, found) = (self.quote(value.place), self.describe(other));
                let wanted = "a number, a percent or money";
                self.report(errors::mismatched_types(value.place, &quoted, wanted, &found, None));
                None
            }
        }
    }

    /// What is true of contacts that a clause keeps out.
    fn dropped(
        &mut self,
        reading: &mut Reading,
        include: bool,
        scope: &ast::ContactScope,
        members: Option<&ast::Members>,
        place: Place,
    ) -> Option<Expr> {
        if include && members.is_none() && scope.condition.is_none() {
            let why =
                "`include` says whose contacts may be made alone; write `for members in …` or `where …`";
            self.report(errors::wrong_contacts(place, why));
            return None;
        }
        let mut which =
            self.scope_parts(reading, &ast::ContactScope { condition: None, ..scope.clone() }, place)?;
        let mut whose = Vec::new();
        if let Some(members) = members {
            whose.push(self.members_part(reading, members)?);
        }
        if let Some(condition) = &scope.condition {
            whose.push(self.condition(&mut reading.scope, condition));
        }
        if include {
            which.push(Expr { kind: ExprKind::Not(Box::new(all_of(whose, place))), ty: Type::Bool, place });
        } else {
            which.extend(whose);
        }
        Some(all_of(which, place))
    }

    fn scope_parts(
        &mut self,
        reading: &mut Reading,
        scope: &ast::ContactScope,
        place: Place,
    ) -> Option<Vec<Expr>> {
        let mut parts = Vec::new();
        if let Some((kind, names)) = &scope.offers {
            let span = names.iter().fold(kind.span, |span, name| span.to(name.span));
            let set = ast::Expr { kind: ast::ExprKind::Reference(kind.clone(), names.clone()), span };
            let value = Box::new(path("event.offer", unwritten(span)));
            let kind = ast::ExprKind::In { value, negated: false, set: Box::new(set) };
            parts.push(self.condition(&mut reading.scope, &ast::Expr { kind, span }));
        }
        if !scope.via.is_empty() {
            let channels = self.channel_names(reading.at, &scope.via)?;
            let (_, channel, _) = self.out.contacts.fields?;
            let value = Box::new(self.builtin_field(channel, place));
            parts.push(Expr { kind: ExprKind::InReference(value, channels), ty: Type::Bool, place });
        }
        if let Some(condition) = &scope.condition {
            parts.push(self.condition(&mut reading.scope, condition));
        }
        Some(parts)
    }

    /// The sort of contacts that a scope describes; the same scope is the same sort.
    fn sort(
        &mut self,
        reading: &mut Reading,
        scope: &ast::ContactScope,
        read: &mut Read,
        place: Place,
    ) -> Option<u32> {
        let condition =
            scope.condition.as_ref().map(|condition| self.text(reading.at.place(condition.span)).to_owned());
        // A condition may name what its plan binds.
        let plan = condition.is_some().then_some(self.out.contacts.plans.len());
        let mut via: Vec<String> =
            scope.via.iter().map(|via| self.text(reading.at.place(via.span)).to_owned()).collect();
        via.sort_unstable();
        let key = format!("{:?} {via:?} {condition:?} {plan:?}", offers_key(scope));
        if let Some(known) = read.keys.iter().position(|known| *known == key) {
            return u32::try_from(known).ok();
        }
        let parts = self.scope_parts(reading, scope, place)?;
        self.add_sort(read, key, all_of(parts, place), place)
    }

    fn add_sort(&mut self, read: &mut Read, key: String, condition: Expr, place: Place) -> Option<u32> {
        let number = read.keys.len();
        if number >= MAX_SORTS {
            if number == MAX_SORTS {
                let why = format!("the plans tell apart more than {MAX_SORTS} sorts of contacts");
                self.report(errors::wrong_contacts(place, &why));
                read.keys.push(key);
            }
            return None;
        }
        read.keys.push(key);
        self.out.contacts.sorts.push(condition);
        u32::try_from(number).ok()
    }

    /// `members in segment "Y"`, `members in regulars`
    fn members_part(&mut self, reading: &mut Reading, members: &ast::Members) -> Option<Expr> {
        let expr = match members {
            ast::Members::Reference(kind, names) => {
                let span = names.iter().fold(kind.span, |span, name| span.to(name.span));
                let set = ast::Expr { kind: ast::ExprKind::Reference(kind.clone(), names.clone()), span };
                let value = Box::new(path("member", unwritten(span)));
                ast::Expr { kind: ast::ExprKind::In { value, negated: false, set: Box::new(set) }, span }
            }
            ast::Members::Path(written) => {
                ast::Expr { kind: ast::ExprKind::Path(written.clone()), span: written.span }
            }
        };
        let condition = self.condition(&mut reading.scope, &expr);
        (!matches!(condition.kind, ExprKind::Error)).then_some(condition)
    }

    fn members_sort(
        &mut self,
        reading: &mut Reading,
        members: Option<&ast::Members>,
        read: &mut Read,
        place: Place,
    ) -> Option<Option<u32>> {
        let Some(members) = members else { return Some(None) };
        let span = match members {
            ast::Members::Reference(kind, names) => {
                names.iter().fold(kind.span, |span, name| span.to(name.span))
            }
            ast::Members::Path(path) => path.span,
        };
        let key = format!("members {}", self.quote(reading.at.place(span)));
        if let Some(known) = read.keys.iter().position(|known| *known == key) {
            return u32::try_from(known).ok().map(Some);
        }
        let part = self.members_part(reading, members)?;
        self.add_sort(read, key, part, place).map(Some)
    }

    fn capacity(
        &mut self,
        reading: &mut Reading,
        what: &ast::CapacityOf,
        (scope, window, exceptions): (&ast::ContactScope, &ast::Window, &[(ast::Range, ast::Bounds)]),
        read: &mut Read,
        place: Place,
    ) -> Option<ContactRuleKind> {
        let sort = self.sort(reading, scope, read, place);
        let window = self.contact_window(reading, window, false);
        match what {
            ast::CapacityOf::Count(bounds) => {
                let (at_least, at_most) = self.contact_bounds(reading.at, bounds, &["contacts", "offers"])?;
                let mut own = Vec::new();
                for (range, bounds) in exceptions {
                    own.push(self.exception(reading, range, bounds, &own)?);
                }
                let (sort, window) = (sort?, window?);
                let written = scope.clone();
                read.bounds.push(Bound { sort, written, window, at_least, at_most, place });
                Some(ContactRuleKind::Count { sort, window, at_least, at_most, exceptions: own })
            }
            ast::CapacityOf::Amount { function, value, comparison, bound } => {
                if let Some((range, _)) = exceptions.first() {
                    let span = range.low.span.to(range.high.span);
                    let why = "an amount has one bound for the whole session";
                    self.report(errors::wrong_contacts(reading.at.place(span), why));
                }
                if window? != ContactWindow::Session {
                    let why = "an amount is added up over the chosen contacts; write `within session`";
                    self.report(errors::wrong_contacts(place, why));
                    return None;
                }
                self.amount(reading, (function, value, *comparison, bound), sort?)
            }
        }
    }

    /// `sum(contact.cost) <= 20_000 EUR`, `avg(contact.risk) <= 0.4`
    fn amount(
        &mut self,
        reading: &mut Reading,
        (function, value, comparison, bound): (&ast::Name, &ast::Expr, ast::Comparison, &ast::Expr),
        sort: u32,
    ) -> Option<ContactRuleKind> {
        let average = match function.text.as_str() {
            "sum" => false,
            "avg" => true,
            other => {
                let place = reading.at.place(function.span);
                self.report(errors::unknown_word(place, "way to bound an amount", other, &["sum", "avg"]));
                return None;
            }
        };
        let at_least = match comparison {
            ast::Comparison::LessOrEqual => false,
            ast::Comparison::GreaterOrEqual => true,
            ast::Comparison::Equal
            | ast::Comparison::NotEqual
            | ast::Comparison::Less
            | ast::Comparison::Greater => {
                let place = reading.at.place(value.span.to(bound.span));
                self.report(errors::wrong_contacts(place, "an amount is bounded with `<=` or `>=`"));
                return None;
            }
        };
        let value = self.value(&mut reading.scope, value, None);
        let (digits, shown) = self.amount_digits(&value)?;
        let limit = self.value_of(&mut reading.scope, bound, &value.ty);
        if matches!(limit.kind, ExprKind::Error) {
            return None;
        }
        let Some(ratio) = constant(&limit) else {
            let quoted = self.quote(limit.place);
            self.report(errors::constant_expected(limit.place, &quoted));
            return None;
        };
        let parts = 10i128.pow(u32::from(digits));
        let fits = |number: i128| i64::try_from(number).ok().filter(|number| number.unsigned_abs() < 1 << 40);
        let terms = if average {
            // Of each contact the amount less the bound; what is added up is against nothing.
            ratio.num.checked_mul(parts).and_then(|minus| Some((fits(ratio.den)?, fits(minus)?, 0)))
        } else {
            let whole = ratio.multiplied(Ratio::whole(parts));
            let rounded = whole.map(|whole| {
                let floor = whole.num.div_euclid(whole.den);
                if at_least && floor * whole.den != whole.num { floor + 1 } else { floor }
            });
            rounded
                .and_then(|bound| i64::try_from(bound).ok().filter(|bound| bound.unsigned_abs() < 1 << 60))
                .map(|bound| (1, 0, bound))
        };
        let Some((times, minus, bound)) = terms else {
            let quoted = self.quote(limit.place);
            self.report(errors::number_out_of_range(limit.place, &quoted));
            return None;
        };
        if !average && !at_least && bound < 0 {
            let why = "without any contact the sum is 0 already";
            self.report(errors::wrong_contacts(limit.place, why));
            return None;
        }
        let column = u32::try_from(self.out.contacts.columns.len()).ok()?;
        self.out.contacts.columns.push((value, digits));
        let soft = at_least && !average;
        Some(ContactRuleKind::Amount { sort, column, times, minus, at_least, bound, soft, digits: shown })
    }

    fn exception(
        &mut self,
        reading: &mut Reading,
        range: &ast::Range,
        bounds: &ast::Bounds,
        others: &[ContactException],
    ) -> Option<ContactException> {
        let at = reading.at;
        let mut day = |value: &ast::Expr| {
            let value = self.value_of(&mut reading.scope, value, &Type::Date);
            if matches!(value.kind, ExprKind::Error) {
                return None;
            }
            let day = constant(&value).and_then(Ratio::to_i64);
            if day.is_none() {
                let quoted = self.quote(value.place);
                self.report(errors::date_constant_expected(value.place, &quoted));
            }
            day
        };
        let (first, last) = (day(&range.low), day(&range.high));
        let (first, last) = (first?, last?);
        let last = if range.bound == ast::Bound::Excluded { last.saturating_sub(1) } else { last };
        let place = at.place(range.low.span.to(range.high.span));
        if first > last {
            self.report(errors::empty_range(place));
            return None;
        }
        if others.iter().any(|other| other.first <= last && first <= other.last) {
            self.report(errors::wrong_contacts(place, "another exception has some of these days"));
            return None;
        }
        let (at_least, at_most) = self.contact_bounds(at, bounds, &["contacts", "offers"])?;
        Some(ContactException { first, last, at_least, at_most })
    }

    /// Numbers of bounds, in one of the units.
    fn contact_bounds(
        &mut self,
        at: At,
        bounds: &ast::Bounds,
        units: &[&str],
    ) -> Option<(Option<i64>, Option<i64>)> {
        let mut number = |bound: &Option<(ast::Lexeme, ast::Name)>| -> Option<Option<i64>> {
            let Some((number, unit)) = bound else { return Some(None) };
            // One of them is said without an ending.
            let one = number.text == "1" && units.iter().any(|own| own.strip_suffix('s') == Some(&unit.text));
            if !one && !units.contains(&unit.text.as_str()) {
                self.report(errors::unknown_word(
                    at.place(unit.span),
                    "unit of these bounds",
                    &unit.text,
                    units,
                ));
                return None;
            }
            let count = small_number(&number.text);
            if count.is_none() {
                self.report(errors::number_out_of_range(at.place(number.span), &number.text));
            }
            count.map(|count| Some(i64::from(count)))
        };
        let (at_least, at_most) = (number(&bounds.at_least)?, number(&bounds.at_most)?);
        if let (Some(least), Some(most)) = (at_least, at_most)
            && least > most
        {
            let why = format!("there are never at least {least} and at most {most}");
            self.report(errors::wrong_contacts(at.place(bounds.span), &why));
            return None;
        }
        Some((at_least, at_most))
    }

    /// `any 30 days`, `this month`, `session`; `last 90 days` only where one contact asks for another.
    fn contact_window(
        &mut self,
        reading: &Reading,
        window: &ast::Window,
        back: bool,
    ) -> Option<ContactWindow> {
        let at = reading.at;
        let wrong = |checker: &mut Self, span: Span, instead: &str| {
            let place = at.place(span);
            let quoted = checker.quote(place);
            checker.report(errors::window_of_past(place, &quoted, instead));
            None
        };
        match window {
            ast::Window::Any(number, unit) => self.contact_days(at, number, unit),
            ast::Window::Last(number, unit) if back => self.contact_days(at, number, unit),
            ast::Window::Last(number, unit) => {
                let span = number.span.to(unit.span);
                let instead = format!("any {}", self.quote(at.place(span)));
                // The word before the number is replaced with it.
                let text = self.text(at.place(Span { start: span.start.saturating_sub(5), end: span.start }));
                let start = if text.starts_with("last") { span.start - 5 } else { span.start };
                wrong(self, Span { start, end: span.end }, &instead)
            }
            ast::Window::This(period) => {
                self.period(at.place(period.span), &period.text).map(ContactWindow::Each)
            }
            ast::Window::Session(_) => Some(ContactWindow::Session),
            ast::Window::Program(_) => Some(ContactWindow::Ever),
            ast::Window::Previous(period) => wrong(self, period.span, &format!("this {}", period.text)),
            ast::Window::Range(range) => {
                let place = at.place(range.low.span.to(range.high.span));
                let why = "days stand in `except … through …`; a window is `any 30 days`, `this month` or `session`";
                self.report(errors::wrong_contacts(place, why));
                None
            }
        }
    }

    fn contact_days(&mut self, at: At, number: &ast::Lexeme, unit: &ast::Name) -> Option<ContactWindow> {
        let place = at.place(number.span.to(unit.span));
        let count = small_number(&number.text).filter(|count| *count > 0);
        let Some((ty, factor)) = builtin_unit(&unit.text) else {
            let quoted = self.quote(place);
            self.report(errors::window_unit(place, &quoted));
            return None;
        };
        let count = count.and_then(|count| count.checked_mul(u32::try_from(factor).ok()?));
        let window = if ty == Type::Days {
            count.filter(|count| *count <= MOST_DAYS).map(ContactWindow::Days)
        } else if ty == Type::Months {
            count.filter(|count| *count <= MOST_DAYS / 30).map(ContactWindow::Months)
        } else {
            let quoted = self.quote(place);
            self.report(errors::wrong_contacts(
                place,
                &format!("windows are counted in days, and `{quoted}` is none"),
            ));
            return None;
        };
        if window.is_none() {
            self.report(errors::number_out_of_range(at.place(number.span), &number.text));
        }
        window
    }

    fn each_member(
        &mut self,
        reading: &mut Reading,
        members: Option<&ast::Members>,
        what: &ast::EachOf,
        read: &mut Read,
        place: Place,
    ) -> Option<ContactRuleKind> {
        let members = self.members_sort(reading, members, read, place)?;
        match what {
            ast::EachOf::Bounds { bounds, of_same, scope, window, skip } => {
                let packages = |bound: &Option<(ast::Lexeme, ast::Name)>| {
                    bound
                        .as_ref()
                        .is_some_and(|(_, unit)| ["package", "packages"].contains(&unit.text.as_str()))
                };
                let counted = if *of_same {
                    ContactCount::OfEachOffer
                } else if packages(&bounds.at_most) || packages(&bounds.at_least) {
                    ContactCount::Packages
                } else {
                    ContactCount::Contacts
                };
                let units: &[&str] = match counted {
                    ContactCount::Contacts => &["offers", "contacts", "packages"],
                    ContactCount::Packages => &["packages"],
                    ContactCount::OfEachOffer => &["times", "contacts"],
                };
                let (at_least, at_most) = self.contact_bounds(reading.at, bounds, units)?;
                if at_least.is_some() && counted != ContactCount::Contacts {
                    let why = "at least so many are contacts; packages and repeats have a most alone";
                    self.report(errors::wrong_contacts(reading.at.place(bounds.span), why));
                    return None;
                }
                if *skip && at_least.is_none() {
                    let why = "`else skip` is for a least number that a member cannot come to; at most so many can always be had";
                    self.report(errors::wrong_contacts(place, why));
                    return None;
                }
                if counted == ContactCount::Packages && scope.offers.is_some() {
                    let why = "a package has no single offer; leave the offer out, or count contacts";
                    self.report(errors::wrong_contacts(place, why));
                    return None;
                }
                let sort = self.sort(reading, scope, read, place)?;
                let window = self.contact_window(reading, window, false)?;
                Some(ContactRuleKind::Each { members, sort, window, counted, at_least, at_most, skip: *skip })
            }
            ast::EachOf::Never { first, in_order, second, window } => {
                let first = self.sort(reading, first, read, place)?;
                let second = self.sort(reading, second, read, place)?;
                if first == second && !in_order {
                    let why = "a contact does not keep its own sort out; write `at most 1 times of_same …`";
                    self.report(errors::wrong_contacts(place, why));
                    return None;
                }
                let window = self.contact_window(reading, window, false)?;
                Some(ContactRuleKind::Never { members, first, second, in_order: *in_order, window })
            }
            ast::EachOf::Gets { scope, after, on, window } => {
                let sort = self.sort(reading, scope, read, place)?;
                let on = self.sort(reading, on, read, place)?;
                let window = match window {
                    Some(window) => self.contact_window(reading, window, true)?,
                    None if *after => ContactWindow::Ever,
                    None => ContactWindow::Session,
                };
                if *after {
                    read.after.push((sort, on, place));
                } else if sort == on {
                    let why = "a contact that takes one of its own sort is taken by it";
                    self.report(errors::wrong_contacts(place, why));
                    return None;
                }
                Some(ContactRuleKind::Only { members, sort, on, after: *after, window })
            }
        }
    }

    /// Minima that another capacity does not leave room for, whatever is proposed.
    fn contradictions(&mut self, read: &Read) {
        for low in &read.bounds {
            let Some(least) = low.at_least else { continue };
            for high in &read.bounds {
                let Some(most) = high.at_most.filter(|most| *most < least && high.place != low.place) else {
                    continue;
                };
                let holds = high.sort == low.sort || is_wider(&high.written, &low.written);
                if holds && is_longer(high.window, low.window) {
                    let why = format!(
                        "at least {least} are asked for, and another capacity leaves room for {most}"
                    );
                    self.report(errors::bounds_conflict(
                        low.place,
                        &why,
                        high.place,
                        "at most so many, all of them",
                    ));
                    break;
                }
            }
        }
    }

    /// Sorts that come only after each other.
    fn rings(&mut self, read: &Read) {
        for (sort, on, place) in &read.after {
            let mut reached = vec![*on];
            let mut at = 0;
            while let Some(next) = reached.get(at).copied() {
                at += 1;
                for (from, to, _) in &read.after {
                    if *from == next && !reached.contains(to) {
                        reached.push(*to);
                    }
                }
            }
            if reached.contains(sort) {
                let why = "it comes only after what comes only after it, so neither is ever the first";
                return self.report(errors::wrong_contacts(*place, why));
            }
        }
    }
}

fn offers_key(scope: &ast::ContactScope) -> Option<(&str, Vec<&str>)> {
    scope.offers.as_ref().map(|(kind, names)| {
        let mut names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
        names.sort_unstable();
        (kind.text.as_str(), names)
    })
}

/// Whether all contacts of one scope are in the other, as they are written.
fn is_wider(wide: &ast::ContactScope, narrow: &ast::ContactScope) -> bool {
    wide.condition.is_none()
        && wide.via.is_empty()
        && (wide.offers.is_none() || offers_key(wide) == offers_key(narrow))
}

/// Whether every window of one sort lies in one of the other.
fn is_longer(long: ContactWindow, short: ContactWindow) -> bool {
    match (long, short) {
        (ContactWindow::Days(long), ContactWindow::Days(short)) => long >= short,
        (ContactWindow::Months(long), ContactWindow::Months(short)) => long >= short,
        (long, short) => long == short,
    }
}

/// All of the conditions.
fn all_of(mut parts: Vec<Expr>, place: Place) -> Expr {
    let kind = match parts.len() {
        0 => ExprKind::Bool(true),
        1 => return parts.remove(0),
        _ => ExprKind::And(parts),
    };
    Expr { kind, ty: Type::Bool, place }
}

const _: () = assert!(ir::contacts::MARKS * 2 == MAX_SORTS);
