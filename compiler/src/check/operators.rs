//! Arithmetic, comparison and conversion: which units go together, and what comes of them. It refuses to convert by
//! itself: two units meet only where the author says how.

use super::names::Scope;
use super::types::constant;
use super::{Checker, dates, errors};
use crate::ir;
use crate::typed::{Expr, ExprKind, Ratio, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

impl Checker<'_> {
    /// `a + b - c`
    pub(super) fn sum(
        &mut self,
        scope: &mut Scope,
        first: &ast::Expr,
        rest: &[(ast::Additive, ast::Expr)],
        place: Place,
        want: Option<&Type>,
    ) -> Expr {
        let want = want.filter(|ty| ty.is_numeric());
        let first = self.value(scope, first, want);
        let mut ty = first.ty.clone();
        let mut so_far = first.place;
        let mut terms = vec![(false, first)];
        for (op, term) in rest {
            let subtracted = *op == ast::Additive::Subtract;
            let wanted = if matches!(ty, Type::Date | Type::Instant) { None } else { Some(ty.clone()) };
            let term = self.value(scope, term, wanted.as_ref());
            ty = self.sum_type(&ty, so_far, &term, subtracted, terms.last().map(|(_, last)| last));
            so_far = Place { file: so_far.file, span: so_far.span.to(term.place.span) };
            let moves = (ty == Type::Date && term.ty == Type::Months)
                || (ty == Type::Instant && matches!(term.ty, Type::Days | Type::Months));
            if moves {
                let from = sum_of(std::mem::take(&mut terms), &ty, so_far);
                terms.push((false, moved(from, term, subtracted, so_far)));
            } else {
                terms.push((subtracted, term));
            }
        }
        if terms.iter().any(|(_, term)| matches!(term.kind, ExprKind::Error)) || ty.is_error() {
            return Expr { kind: ExprKind::Error, ty, place };
        }
        sum_of(terms, &ty, place)
    }

    fn sum_type(
        &mut self,
        left: &Type,
        left_place: Place,
        right: &Expr,
        subtracted: bool,
        last: Option<&Expr>,
    ) -> Type {
        let place = Place { file: left_place.file, span: left_place.span.to(right.place.span) };
        match (left, &right.ty) {
            (Type::Error, other) | (other, Type::Error) => {
                if other.is_numeric() {
                    other.clone()
                } else {
                    Type::Error
                }
            }
            (left, right_ty) if left == right_ty && left.is_numeric() => left.clone(),
            (Type::Date, Type::Days) => Type::Date,
            (Type::Date, Type::Date) if subtracted => Type::Days,
            (Type::Instant, Type::Duration | Type::Days | Type::Months) => Type::Instant,
            (Type::Instant, Type::Instant) if subtracted => Type::Duration,
            (Type::Date, Type::Months) => Type::Date,
            (Type::Months, Type::Days | Type::Duration) | (Type::Days | Type::Duration, Type::Months) => {
                self.report_calendar(place, left_place, left, right.place, &right.ty);
                Type::Error
            }
            (Type::Days, Type::Duration) | (Type::Duration, Type::Days) => {
                self.report_calendar(place, left_place, left, right.place, &right.ty);
                Type::Error
            }
            (left, right_ty) => {
                let constant_right = matches!((&right.kind, right_ty), (ExprKind::Constant(_), Type::Number));
                let last_constant = last
                    .filter(|last| matches!((&last.kind, &last.ty), (ExprKind::Constant(_), Type::Number)));
                if let (true, Some(suffix)) = (constant_right, self.suffix(left)) {
                    self.report_missing_unit(right.place, &suffix, left, left_place);
                    return left.clone();
                }
                if let (Some(last), Some(suffix)) = (last_constant, self.suffix(right_ty)) {
                    self.report_missing_unit(last.place, &suffix, right_ty, right.place);
                    return right_ty.clone();
                }
                let verb = if subtracted { "subtracted" } else { "added" };
                self.report_mismatch(place, verb, left_place, left, right.place, right_ty);
                Type::Error
            }
        }
    }

    fn report_missing_unit(&mut self, at: Place, suffix: &str, ty: &Type, beside: Place) {
        let quoted = self.quote(at);
        let described = self.describe(ty);
        let beside_text = format!("{}: `{}`", described, self.quote(beside));
        self.report(errors::missing_unit(at, &quoted, &described, suffix, Some((beside, beside_text))));
    }

    fn report_calendar(
        &mut self,
        place: Place,
        left_place: Place,
        left: &Type,
        right_place: Place,
        right: &Type,
    ) {
        let exact = [left, right].contains(&&Type::Duration);
        let repair = if exact {
            "write a length that is exact in hours, and move a point in time by days or months: `event.at + 3 days`"
        } else {
            "write both in days, or both in months"
        };
        let (left, right) = (self.describe(left), self.describe(right));
        self.report(errors::calendar_duration(place, (left_place, &left), (right_place, &right), repair));
    }

    /// Two units that do not go together.
    fn report_mismatch(
        &mut self,
        place: Place,
        verb: &str,
        left_place: Place,
        left: &Type,
        right_place: Place,
        right: &Type,
    ) {
        let nouns = (self.noun(left), self.noun(right));
        let labels = (self.origin(left_place, left), self.origin(right_place, right));
        let (left_text, right_text) = (self.quote(left_place), self.quote(right_place));
        let mut repairs = Vec::new();
        let mut edits = Vec::new();
        // What is too long for a message is too long to be written from one.
        if let Some(target) = self.conversion(&right_text, right, left) {
            let edit = (self.text(right_place) == right_text).then(|| (right_place, target.clone()));
            edits.push((format!("convert the {}: `{target}`", nouns.1), edit));
        }
        if let Some(target) = self.conversion(&left_text, left, right) {
            let edit = (self.text(left_place) == left_text).then(|| (left_place, target.clone()));
            edits.push((format!("or the {}: `{target}`", nouns.0), edit));
        }
        let share = match (left, right) {
            (Type::Percent, Type::Percent) => None,
            (Type::Percent, _) => Some(&left_text),
            (_, Type::Percent) => Some(&right_text),
            (_, _) => None,
        };
        if let Some(share) = share {
            repairs
                .push(format!("a share is of something: `{share} of …`, such as `{share} of line.initial`"));
        }
        if *left == Type::Date && *right == Type::Duration {
            repairs.push(
                "a date takes days and months; hours go with a point in time, such as `event.at`".into(),
            );
        } else if *left == Type::Instant && matches!(right, Type::Date | Type::Time | Type::Instant) {
            repairs.push(
                "a length is added to a point in time, such as `3 hours` or `1 months`; between two points in time, \
                 or two dates, lies a length"
                    .into(),
            );
        }
        self.report(errors::mismatched_units(
            place,
            (&nouns.0, &nouns.1),
            verb,
            (left_place, &labels.0),
            (right_place, &labels.1),
            edits,
            &repairs,
        ));
    }

    /// One word for a type in a headline.
    fn noun(&self, ty: &Type) -> String {
        match ty {
            Type::Money => "money".into(),
            Type::Points(id) => {
                let several = self.out.accounts.len() > 1;
                if several { format!("`{}`", self.account_unit(*id)) } else { "points".into() }
            }
            Type::Percent => "a percent".into(),
            Type::Number => "a number".into(),
            Type::Count(unit) => format!("`{}`", self.count_word(*unit)),
            Type::Days => "days".into(),
            Type::Months => "months".into(),
            Type::Duration => "hours or minutes".into(),
            Type::Error
            | Type::Bool
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
            | Type::Record(_) => self.describe(ty),
        }
    }

    /// What an operand is, for its label.
    fn origin(&self, place: Place, ty: &Type) -> String {
        format!("`{}` is {}", self.quote(place), self.describe(ty))
    }

    /// How the author writes a day as a point in time, or a point in time as a day.
    pub(super) fn other_time(&self, text: &str, value: &Expr, to: &Type) -> Option<String> {
        let found = value.ty.present();
        if *found == Type::Date && *to == Type::Instant {
            if let ExprKind::Ordinal(_) = value.kind {
                return Some(format!("{text} 00:00"));
            }
            let is_date = matches!(value.kind, ExprKind::Field { field, .. } if field == self.builtins.date);
            return is_date.then(|| "event.at".into());
        }
        if *found == Type::Instant && *to == Type::Date {
            if let ExprKind::Instant(day, _) = value.kind {
                return Some(dates::date_text(day));
            }
            return self.is_at(value).then(|| "event.date".into());
        }
        (*to == Type::Time && self.is_at(value)).then(|| "event.time".into())
    }

    /// How the author converts an expression's text to another type, where a worth exists.
    pub(super) fn conversion(&self, text: &str, from: &Type, to: &Type) -> Option<String> {
        let worth = |ty: &Type| {
            if let Type::Points(id) = ty {
                return self.out.accounts.get(id.index()).is_some_and(|account| account.worth.is_some());
            }
            *ty == Type::Money
        };
        if from == to || !worth(from) || !worth(to) {
            return None;
        }
        let unit = self.suffix(to)?;
        Some(format!("({text} as{unit})"))
    }

    /// `a * b / c`
    pub(super) fn product(
        &mut self,
        scope: &mut Scope,
        first: &ast::Expr,
        rest: &[(ast::Multiplicative, ast::Expr)],
        place: Place,
    ) -> Expr {
        let first = self.value(scope, first, None);
        let mut ty = first.ty.clone();
        let mut result: Vec<(bool, Expr)> = vec![(false, first)];
        let mut so_far = result.first().map_or(place, |(_, first)| first.place);
        for (op, factor) in rest {
            let factor = self.value(scope, factor, None);
            let whole = Place { file: so_far.file, span: so_far.span.to(factor.place.span) };
            let divides = match op {
                ast::Multiplicative::Multiply => false,
                ast::Multiplicative::Divide => true,
                ast::Multiplicative::Modulo => {
                    ty = self.modulo_type(&ty, so_far, &factor, whole);
                    self.refuse_zero(&factor);
                    let left = product_of(result, &ty, so_far);
                    let kind = ExprKind::Modulo(Box::new(left), Box::new(factor));
                    result = vec![(false, Expr { kind, ty: ty.clone(), place: whole })];
                    so_far = whole;
                    continue;
                }
            };
            if divides {
                self.refuse_zero(&factor);
            }
            ty = if divides {
                self.quotient_type(&ty, so_far, &factor, whole)
            } else {
                self.product_type(&ty, so_far, &factor, whole)
            };
            result.push((divides, factor));
            so_far = whole;
        }
        if ty.is_error() {
            return self.broken(place);
        }
        product_of(result, &ty, place)
    }

    fn refuse_zero(&mut self, divisor: &Expr) {
        if constant(divisor).is_some_and(|value| value.num == 0) {
            let quoted = self.quote(divisor.place);
            self.report(errors::division_by_zero(divisor.place, &quoted));
        }
    }

    fn modulo_type(&mut self, left: &Type, left_place: Place, right: &Expr, whole: Place) -> Type {
        if left.is_error() || right.ty.is_error() {
            return Type::Error;
        }
        if *left == right.ty && left.is_numeric() {
            return left.clone();
        }
        if let (ExprKind::Constant(_), Type::Number, Some(suffix)) =
            (&right.kind, &right.ty, self.suffix(left))
        {
            self.report_missing_unit(right.place, &suffix, left, left_place);
            return left.clone();
        }
        self.report_mismatch(whole, "divided with a remainder", left_place, left, right.place, &right.ty);
        Type::Error
    }

    fn product_type(&mut self, left: &Type, left_place: Place, right: &Expr, whole: Place) -> Type {
        match (left, &right.ty) {
            (Type::Error, _) | (_, Type::Error) => Type::Error,
            (Type::Number, other) | (other, Type::Number) if is_scalable(other) => other.clone(),
            (Type::Percent, other) | (other, Type::Percent)
                if matches!(other, Type::Money | Type::Points(_) | Type::Percent) =>
            {
                other.clone()
            }
            (Type::Count(_), other) | (other, Type::Count(_))
                if matches!(other, Type::Money | Type::Points(_) | Type::Percent) =>
            {
                other.clone()
            }
            (left, right_ty) => {
                self.report_mismatch(whole, "multiplied", left_place, left, right.place, right_ty);
                Type::Error
            }
        }
    }

    fn quotient_type(&mut self, left: &Type, left_place: Place, right: &Expr, whole: Place) -> Type {
        match (left, &right.ty) {
            (Type::Error, _) | (_, Type::Error) => Type::Error,
            (left, right_ty) if left == right_ty && left.is_numeric() => Type::Number,
            (left, Type::Number) if is_scalable(left) => left.clone(),
            (Type::Money | Type::Points(_), Type::Count(_)) => left.clone(),
            (left, right_ty) => {
                self.report_mismatch(whole, "divided", left_place, left, right.place, right_ty);
                Type::Error
            }
        }
    }

    /// `5% of line.paid`
    pub(super) fn share(
        &mut self,
        scope: &mut Scope,
        share: &ast::Expr,
        whole: &ast::Expr,
        place: Place,
    ) -> Expr {
        let share = self.value(scope, share, Some(&Type::Percent));
        let whole = self.value(scope, whole, None);
        if share.ty.is_error() || whole.ty.is_error() {
            return Expr { kind: ExprKind::Error, ty: whole.ty, place };
        }
        if share.ty != Type::Percent {
            let (quoted, described) = (self.quote(share.place), self.describe(&share.ty));
            let number = matches!((&share.kind, &share.ty), (ExprKind::Constant(_), Type::Number));
            self.report(errors::percent_expected(share.place, &quoted, &described, number));
            return Expr { kind: ExprKind::Error, ty: whole.ty, place };
        }
        if !is_scalable(&whole.ty) {
            let (quoted, described) = (self.quote(whole.place), self.describe(&whole.ty));
            self.report(errors::number_expected(whole.place, &quoted, &described));
            return self.broken(place);
        }
        let ty = whole.ty.clone();
        Expr { kind: ExprKind::Product(vec![(false, share), (false, whole)]), ty, place }
    }

    /// `-a`
    pub(super) fn negate(&mut self, scope: &mut Scope, inner: &ast::Expr, place: Place) -> Expr {
        let inner = self.value(scope, inner, None);
        if !inner.ty.is_numeric() && !inner.ty.is_error() {
            let (quoted, described) = (self.quote(inner.place), self.describe(&inner.ty));
            self.report(errors::number_expected(inner.place, &quoted, &described));
            return self.broken(place);
        }
        let ty = inner.ty.clone();
        // A literal with its sign is a constant.
        if let ExprKind::Constant(value) = inner.kind
            && let Some(value) = value.negated()
        {
            return Expr { kind: ExprKind::Constant(value), ty, place };
        }
        Expr { kind: ExprKind::Negate(Box::new(inner)), ty, place }
    }

    /// `steps of 100 EUR in basket.paid`
    pub(super) fn steps(
        &mut self,
        scope: &mut Scope,
        step: &ast::Expr,
        whole: &ast::Expr,
        place: Place,
    ) -> Expr {
        let step = self.value(scope, step, None);
        let whole = self.value(scope, whole, Some(&step.ty));
        if let Some(size) = constant(&step)
            && size.num <= 0
        {
            let quoted = self.quote(step.place);
            self.report(errors::division_by_zero(step.place, &quoted));
        }
        if step.ty.is_error() || whole.ty.is_error() {
            return Expr { kind: ExprKind::Error, ty: Type::Number, place };
        }
        if step.ty != whole.ty || !step.ty.is_numeric() {
            if let (ExprKind::Constant(_), Type::Number, Some(suffix)) =
                (&step.kind, &step.ty, self.suffix(&whole.ty))
            {
                self.report_missing_unit(step.place, &suffix, &whole.ty, whole.place);
            } else {
                self.report_mismatch(place, "counted in steps", step.place, &step.ty, whole.place, &whole.ty);
            }
            return Expr { kind: ExprKind::Error, ty: Type::Number, place };
        }
        Expr { kind: ExprKind::Steps(Box::new(step), Box::new(whole)), ty: Type::Number, place }
    }

    /// `a as points rounded down`
    pub(super) fn convert(
        &mut self,
        scope: &mut Scope,
        inner: &ast::Expr,
        unit: &ast::Name,
        rounding: Option<&ast::Name>,
        place: Place,
    ) -> Expr {
        let value = self.value(scope, inner, None);
        let rounding = rounding.and_then(|mode| self.rounding(scope.place(mode.span), &mode.text));
        let unit_place = scope.place(unit.span);
        let target = if unit.text == self.out.settings.currency {
            Type::Money
        } else if let Some(account) = self.units.get(&unit.text) {
            Type::Points(*account)
        } else {
            let near = self.nearest(
                &unit.text,
                self.units
                    .keys()
                    .map(String::as_str)
                    .chain(std::iter::once(self.out.settings.currency.as_str())),
            );
            self.report(errors::unknown_unit(unit_place, &unit.text, near.as_deref()));
            return self.broken(place);
        };
        if value.ty.is_error() {
            return Expr { kind: ExprKind::Error, ty: target, place };
        }
        let ratio = match (&value.ty, &target) {
            (from, to) if from == to => Some(Ratio::whole(1)),
            (Type::Money | Type::Points(_), Type::Money | Type::Points(_)) => {
                let from = self.minor_units_of(&value.ty, unit_place);
                let to = self.minor_units_of(&target, unit_place);
                match (from, to) {
                    (Some(from), Some(to)) => from.divided(to),
                    (Some(_) | None, _) => None,
                }
            }
            (from, _) => {
                let (quoted, described, wanted) =
                    (self.quote(value.place), self.describe(from), self.describe(&target));
                self.report(errors::wrong_conversion(place, &quoted, &described, &wanted));
                None
            }
        };
        let Some(ratio) = ratio else { return Expr { kind: ExprKind::Error, ty: target, place } };
        Expr { kind: ExprKind::Convert { value: Box::new(value), ratio, rounding }, ty: target, place }
    }

    /// What one base unit is worth in minor units of the currency; reports an account without worth.
    fn minor_units_of(&mut self, ty: &Type, place: Place) -> Option<Ratio> {
        let Type::Points(id) = ty else { return Some(Ratio::whole(1)) };
        let account = self.out.accounts.get(id.index())?;
        match account.worth {
            Some((points, money)) => Ratio { num: i128::from(money), den: i128::from(points) }.reduced(),
            None => {
                let (name, unit) = (account.name.clone(), account.unit.clone());
                let declared = self.account_infos.get(id.index()).map(|info| info.place);
                let currency = self.currency_word().to_string();
                self.report(errors::no_worth(place, &name, &unit, &currency, declared));
                None
            }
        }
    }

    /// `a <= b`
    pub(super) fn compare(
        &mut self,
        scope: &mut Scope,
        op: ast::Comparison,
        left: &ast::Expr,
        right: &ast::Expr,
        place: Place,
    ) -> Expr {
        if let ast::ExprKind::Reference(kind, names) = &right.kind {
            return self.compare_reference(scope, op, left, kind, names, place);
        }
        if let Some(test) = self.compare_instant(scope, op, left, right, place) {
            return test;
        }
        let (left, right) = if self.is_bare_value(scope, left) && !self.is_bare_value(scope, right) {
            let right = self.value(scope, right, None);
            let left = self.value(scope, left, Some(&right.ty));
            (left, right)
        } else {
            let left = self.expr(scope, left, None);
            if let (ast::ExprKind::Text(text), Type::Symbol(kind)) = (&right.kind, left.ty.present()) {
                let kind_name = self.kind_name(*kind).to_string();
                let subject = self.subject_for_kind(left.place, &kind_name);
                let not = if op == ast::Comparison::NotEqual { "not " } else { "" };
                let repair = format!("{not}{subject} in {kind_name} \"{}\"", text.value);
                let at = scope.place(right.span);
                let quoted = self.quote(at);
                self.report(errors::text_for_reference(at, &quoted, &kind_name, Some((place, repair))));
                return Expr { kind: ExprKind::Error, ty: Type::Bool, place };
            }
            let left = self.present(left);
            let right = self.value(scope, right, Some(&left.ty));
            (left, right)
        };
        let wrong = Expr { kind: ExprKind::Error, ty: Type::Bool, place };
        if left.ty.is_error() || right.ty.is_error() {
            return wrong;
        }
        if left.ty != right.ty {
            self.report_comparison(place, &left, &right);
            return wrong;
        }
        let orders = !matches!(op, ast::Comparison::Equal | ast::Comparison::NotEqual);
        let comparable = match &left.ty {
            Type::Number
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
            | Type::Instant => true,
            Type::Enum(id) => !orders || self.out.enums.get(id.index()).is_some_and(|e| e.ordered),
            Type::Bool | Type::Symbol(_) => !orders,
            Type::Error
            | Type::Set(_)
            | Type::Text
            | Type::Optional(_)
            | Type::Collection(_)
            | Type::Record(_) => false,
        };
        if !comparable {
            let described = self.describe(&left.ty);
            let enumeration = self.enumeration(&left.ty);
            self.report(errors::not_comparable(place, &described, orders, enumeration.as_deref()));
            return wrong;
        }
        self.warn_of_itself(scope, left.place, right.place, place);
        let kind = ExprKind::Compare(comparison(op), Box::new(left), Box::new(right));
        Expr { kind, ty: Type::Bool, place }
    }

    /// Says so where both sides of a comparison are the same text.
    fn warn_of_itself(&mut self, scope: &Scope, left: Place, right: Place, place: Place) {
        // What a clause stands for is written once: both sides have its place.
        if left == right {
            return;
        }
        if self.text(left).trim().is_empty()
            || !self.text(left).split_whitespace().eq(self.text(right).split_whitespace())
        {
            return;
        }
        let quoted = self.quote(left);
        let head = quoted.split('.').next().unwrap_or("");
        let hidden = (scope.times_bound(head) > 1).then_some(head);
        self.report(errors::compared_with_itself(place, &quoted, hidden));
    }

    fn report_comparison(&mut self, place: Place, left: &Expr, right: &Expr) {
        let is_number = |expr: &Expr| matches!((&expr.kind, &expr.ty), (ExprKind::Constant(_), Type::Number));
        if let (true, Some(suffix)) = (is_number(right), self.suffix(&left.ty)) {
            self.report_missing_unit(right.place, &suffix, &left.ty, left.place);
        } else if let (true, Some(suffix)) = (is_number(left), self.suffix(&right.ty)) {
            self.report_missing_unit(left.place, &suffix, &right.ty, right.place);
        } else if is_calendar(&left.ty) && is_calendar(&right.ty) {
            self.report_calendar(place, left.place, &left.ty, right.place, &right.ty);
        } else if left.ty.is_numeric() && right.ty.is_numeric() {
            self.report_mismatch(place, "compared", left.place, &left.ty, right.place, &right.ty);
        } else {
            let quoted = self.quote(right.place);
            let (wanted, found) = (self.describe(&left.ty), self.describe(&right.ty));
            let conversion = self.other_time(&quoted, right, &left.ty);
            if let (None, Some(conversion)) =
                (&conversion, self.other_time(&self.quote(left.place), left, &right.ty))
            {
                let quoted = self.quote(left.place);
                self.report(errors::mismatched_types(left.place, &quoted, &found, &wanted, Some(conversion)));
                return;
            }
            self.report(errors::mismatched_types(right.place, &quoted, &wanted, &found, conversion));
        }
    }

    /// `purchase.channel` is tested as `purchase in channel "app"`, any other text as it stands.
    fn subject_for_kind(&self, place: Place, kind: &str) -> String {
        let quoted = self.quote(place);
        match quoted.split_once('.') {
            Some((record, field)) if field == kind => record.to_string(),
            Some(_) | None => quoted,
        }
    }

    /// `line.brand = brand "X"`: the same as `in` where names have no parents, otherwise refused.
    fn compare_reference(
        &mut self,
        scope: &mut Scope,
        op: ast::Comparison,
        left: &ast::Expr,
        kind: &ast::Name,
        names: &[ast::Text],
        place: Place,
    ) -> Expr {
        let mut left = self.expr(scope, left, None);
        // What is missing equals nothing; whether it differs is for the author to say.
        if op != ast::Comparison::Equal {
            left = self.present(left);
        }
        let reference = self.reference(scope, kind, names);
        let wrong = Expr { kind: ExprKind::Error, ty: Type::Bool, place };
        let Some(reference) = reference else { return wrong };
        if left.ty.is_error() {
            return wrong;
        }
        let not = if op == ast::Comparison::NotEqual { "not " } else { "" };
        let subject = self.subject_for_kind(left.place, &kind.text);
        let listed: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.value)).collect();
        let listed = match listed.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let repair = format!("{not}{subject} in {} {listed}", kind.text);
        let exact =
            self.out.kinds.get(reference.kind.index()).is_some_and(|k| !k.hierarchical && k.of.is_none());
        let equality = matches!(op, ast::Comparison::Equal | ast::Comparison::NotEqual);
        let found = left.ty.present();
        if *found != Type::Symbol(reference.kind) && *found != Type::Symbol(self.tested_kind(reference.kind))
        {
            let (quoted, described) = (self.quote(left.place), self.describe(found));
            self.report(errors::wrong_reference_kind(left.place, &quoted, &described, &kind.text, None));
            return wrong;
        }
        if !exact || !equality {
            self.report(errors::equality_with_reference(place, &kind.text, &repair));
            return wrong;
        }
        let test = Expr { kind: ExprKind::InReference(Box::new(left), reference), ty: Type::Bool, place };
        if op == ast::Comparison::NotEqual {
            Expr { kind: ExprKind::Not(Box::new(test)), ty: Type::Bool, place }
        } else {
            test
        }
    }

    /// Whether it is the event's own instant, of which the record tells what the clock shows.
    fn is_at(&self, value: &Expr) -> bool {
        matches!(value.kind, ExprKind::Field { field, .. } if field == self.builtins.at)
    }

    /// `member.seen >= 2026-03-01 09:00`; of the event's own instant by local date and time of day.
    fn compare_instant(
        &mut self,
        scope: &mut Scope,
        op: ast::Comparison,
        left: &ast::Expr,
        right: &ast::Expr,
        place: Place,
    ) -> Option<Expr> {
        let (other, op, literal) = if let ast::ExprKind::Instant(date, time) = &right.kind {
            (left, op, (date, time))
        } else if let ast::ExprKind::Instant(date, time) = &left.kind {
            (right, turned(op), (date, time))
        } else {
            return None;
        };
        let value = self.value(scope, other, Some(&Type::Instant));
        let literal_place =
            if std::ptr::eq(other, left) { scope.place(right.span) } else { scope.place(left.span) };
        let wrong = Expr { kind: ExprKind::Error, ty: Type::Bool, place };
        let (Some(day), Some(second)) = (dates::date(&literal.0.text), dates::time(&literal.1.text)) else {
            self.report(errors::impossible_date(
                literal_place,
                &format!("{} {}", literal.0.text, literal.1.text),
            ));
            return Some(wrong);
        };
        if value.ty.is_error() {
            return Some(wrong);
        }
        let instant = Expr { kind: ExprKind::Instant(day, second), ty: Type::Instant, place: literal_place };
        if value.ty != Type::Instant {
            self.report_comparison(place, &value, &instant);
            return Some(wrong);
        }
        Some(self.compare_instants(op, value, instant, place))
    }

    /// Two instants, the second often written out.
    pub(super) fn compare_instants(
        &self,
        op: ast::Comparison,
        left: Expr,
        right: Expr,
        place: Place,
    ) -> Expr {
        if let (true, ExprKind::Instant(day, second)) = (self.is_at(&left), &right.kind) {
            return self.compare_at(op, *day, *second, place);
        }
        let kind = ExprKind::Compare(comparison(op), Box::new(left), Box::new(right));
        Expr { kind, ty: Type::Bool, place }
    }

    /// The event's instant against a local one.
    pub(super) fn compare_at(&self, op: ast::Comparison, day: i64, second: i64, place: Place) -> Expr {
        let truth = |kind| Expr { kind, ty: Type::Bool, place };
        let date =
            || Expr { kind: ExprKind::Field { field: self.builtins.date, of: None }, ty: Type::Date, place };
        let time =
            || Expr { kind: ExprKind::Field { field: self.builtins.time, of: None }, ty: Type::Time, place };
        let ordinal = |value, ty| Expr { kind: ExprKind::Ordinal(value), ty, place };
        let by_date = |op| truth(ExprKind::Compare(op, Box::new(date()), Box::new(ordinal(day, Type::Date))));
        let by_time =
            |op| truth(ExprKind::Compare(op, Box::new(time()), Box::new(ordinal(second, Type::Time))));
        let same_day = |time_op| truth(ExprKind::And(vec![by_date(ir::Comparison::Equal), by_time(time_op)]));
        match op {
            ast::Comparison::Equal => same_day(ir::Comparison::Equal),
            ast::Comparison::NotEqual => truth(ExprKind::Not(Box::new(same_day(ir::Comparison::Equal)))),
            ast::Comparison::Less | ast::Comparison::LessOrEqual => {
                truth(ExprKind::Or(vec![by_date(ir::Comparison::Less), same_day(comparison(op))]))
            }
            ast::Comparison::Greater | ast::Comparison::GreaterOrEqual => {
                truth(ExprKind::Or(vec![by_date(ir::Comparison::Greater), same_day(comparison(op))]))
            }
        }
    }

    /// `x in 20 EUR through 200 EUR`
    pub(super) fn in_range(
        &mut self,
        scope: &mut Scope,
        value: &ast::Expr,
        negated: bool,
        range: &ast::Range,
        place: Place,
    ) -> Expr {
        let value = self.value(scope, value, None);
        let wrong = Expr { kind: ExprKind::Error, ty: Type::Bool, place };
        let ends = [&range.low.kind, &range.high.kind];
        let written =
            ends.iter().all(|end| matches!(end, ast::ExprKind::Instant(..) | ast::ExprKind::Date(_)));
        if written && value.ty == Type::Instant {
            let test = self.between_instants(scope, value, range, place);
            return self.maybe_not(test, negated, place);
        }
        let low = self.value_of(scope, &range.low, &value.ty);
        let high = self.value_of(scope, &range.high, &value.ty);
        if [&value, &low, &high].iter().any(|part| part.ty.is_error() || matches!(part.kind, ExprKind::Error))
        {
            return wrong;
        }
        let ordered = match &value.ty {
            Type::Enum(id) => self.out.enums.get(id.index()).is_some_and(|e| e.ordered),
            Type::Date | Type::Time | Type::Instant => true,
            other => other.is_numeric(),
        };
        if !ordered {
            let described = self.describe(&value.ty);
            let enumeration = self.enumeration(&value.ty);
            self.report(errors::not_comparable(place, &described, true, enumeration.as_deref()));
            return wrong;
        }
        let included = range.bound == ast::Bound::Included;
        self.refuse_empty(&low, &high, included);
        let kind =
            ExprKind::InRange { value: Box::new(value), low: Box::new(low), high: Box::new(high), included };
        let test = Expr { kind, ty: Type::Bool, place };
        self.maybe_not(test, negated, place)
    }

    fn enumeration(&self, ty: &Type) -> Option<String> {
        if let Type::Enum(id) = ty { Some(self.enum_name(*id).to_string()) } else { None }
    }

    fn maybe_not(&self, test: Expr, negated: bool, place: Place) -> Expr {
        if negated { Expr { kind: ExprKind::Not(Box::new(test)), ty: Type::Bool, place } } else { test }
    }

    /// Refuses a range of constants that nothing is in.
    pub(super) fn refuse_empty(&mut self, low: &Expr, high: &Expr, included: bool) {
        let (Some(from), Some(to)) = (constant(low), constant(high)) else { return };
        let place = Place { file: low.place.file, span: low.place.span.to(high.place.span) };
        let Some(order) = from.compare(to) else { return };
        if order.is_gt() && matches!(low.ty, Type::Date) {
            let (from, to) = (self.quote(low.place), self.quote(high.place));
            self.report(errors::date_order(place, &from, &to));
        } else if order.is_gt() || (order.is_eq() && !included) {
            self.report(errors::empty_range(place));
        }
    }

    /// `member.seen in 2026-03-01 09:00 through 2026-03-02`: a day at the end is meant to its last second.
    fn between_instants(&mut self, scope: &mut Scope, value: Expr, range: &ast::Range, place: Place) -> Expr {
        let low = self.moment(scope, &range.low, false);
        let high = self.moment(scope, &range.high, range.bound == ast::Bound::Included);
        let (Some(low), Some(high)) = (low, high) else {
            return Expr { kind: ExprKind::Error, ty: Type::Bool, place };
        };
        if (low.0, low.1) > (high.0, high.1) {
            let (from, to) =
                (self.quote(scope.place(range.low.span)), self.quote(scope.place(range.high.span)));
            self.report(errors::date_order(scope.place(range.low.span.to(range.high.span)), &from, &to));
        }
        if matches!(value.kind, ExprKind::Error) {
            return Expr { kind: ExprKind::Error, ty: Type::Bool, place };
        }
        if !self.is_at(&value) {
            let instant = |(day, second), end: &ast::Expr| {
                let kind = ExprKind::Instant(day, second);
                Box::new(Expr { kind, ty: Type::Instant, place: scope.place(end.span) })
            };
            let (low, high) = (instant(low, &range.low), instant(high, &range.high));
            let included = range.bound == ast::Bound::Included;
            let kind = ExprKind::InRange { value: Box::new(value), low, high, included };
            return Expr { kind, ty: Type::Bool, place };
        }
        let from = self.compare_at(ast::Comparison::GreaterOrEqual, low.0, low.1, place);
        let op = match range.bound {
            ast::Bound::Included => ast::Comparison::LessOrEqual,
            ast::Bound::Excluded => ast::Comparison::Less,
        };
        let to = self.compare_at(op, high.0, high.1, place);
        Expr { kind: ExprKind::And(vec![from, to]), ty: Type::Bool, place }
    }

    /// A literal date or instant as day and second; the end of the day for a date that is included.
    pub(super) fn moment(&mut self, scope: &Scope, expr: &ast::Expr, end: bool) -> Option<(i64, i64)> {
        let place = scope.place(expr.span);
        let (date, time) = if let ast::ExprKind::Instant(date, time) = &expr.kind {
            (date, Some(time))
        } else if let ast::ExprKind::Date(date) = &expr.kind {
            (date, None)
        } else {
            if !matches!(expr.kind, ast::ExprKind::Error) {
                let quoted = self.quote(place);
                let is_worked_out = matches!(
                    expr.kind,
                    ast::ExprKind::Path(_)
                        | ast::ExprKind::Call(..)
                        | ast::ExprKind::Sum(..)
                        | ast::ExprKind::Aggregate { .. }
                        | ast::ExprKind::By(..)
                );
                self.report(if is_worked_out {
                    errors::date_constant_expected(place, &quoted)
                } else {
                    errors::date_expected(place, &quoted)
                });
            }
            return None;
        };
        let day = dates::date(&date.text);
        let second = time.map_or(Some(if end { 86_399 } else { 0 }), |time| dates::time(&time.text));
        match (day, second) {
            (Some(day), Some(second)) => Some((day, second)),
            (Some(_) | None, _) => {
                let quoted = self.quote(place);
                self.report(errors::impossible_date(place, &quoted));
                None
            }
        }
    }
}

/// Several terms, or the one there is.
fn sum_of(mut terms: Vec<(bool, Expr)>, ty: &Type, place: Place) -> Expr {
    if terms.len() == 1
        && let Some((false, only)) = terms.pop()
    {
        return only;
    }
    Expr { kind: ExprKind::Sum(terms), ty: ty.clone(), place }
}

/// A date so many months later, or an instant so many days or months, or earlier.
fn moved(from: Expr, length: Expr, subtracted: bool, place: Place) -> Expr {
    let ty = from.ty.clone();
    if [&from, &length].iter().any(|part| matches!(part.kind, ExprKind::Error)) {
        return Expr { kind: ExprKind::Error, ty, place };
    }
    let length = if subtracted {
        let (of, at) = (length.ty.clone(), length.place);
        Expr { kind: ExprKind::Negate(Box::new(length)), ty: of, place: at }
    } else {
        length
    };
    let (from, length) = (Box::new(from), Box::new(length));
    let kind =
        if ty == Type::Date { ExprKind::AddMonths(from, length) } else { ExprKind::Moved(from, length) };
    Expr { kind, ty, place }
}

/// Several factors, or the one there is.
fn product_of(mut factors: Vec<(bool, Expr)>, ty: &Type, place: Place) -> Expr {
    if factors.iter().any(|(_, factor)| matches!(factor.kind, ExprKind::Error)) {
        return Expr { kind: ExprKind::Error, ty: ty.clone(), place };
    }
    if factors.len() == 1
        && let Some((false, only)) = factors.pop()
    {
        return only;
    }
    Expr { kind: ExprKind::Product(factors), ty: ty.clone(), place }
}

/// What a number makes more or less of.
fn is_scalable(ty: &Type) -> bool {
    match ty {
        Type::Number | Type::Percent | Type::Money | Type::Points(_) | Type::Count(_) | Type::Quantity(_) => {
            true
        }
        Type::Error
        | Type::Bool
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
        | Type::Record(_) => false,
    }
}

fn is_calendar(ty: &Type) -> bool {
    matches!(ty, Type::Days | Type::Months | Type::Duration)
}

fn comparison(op: ast::Comparison) -> ir::Comparison {
    match op {
        ast::Comparison::Equal => ir::Comparison::Equal,
        ast::Comparison::NotEqual => ir::Comparison::NotEqual,
        ast::Comparison::Less => ir::Comparison::Less,
        ast::Comparison::LessOrEqual => ir::Comparison::LessOrEqual,
        ast::Comparison::Greater => ir::Comparison::Greater,
        ast::Comparison::GreaterOrEqual => ir::Comparison::GreaterOrEqual,
    }
}

/// The comparison with its sides changed.
fn turned(op: ast::Comparison) -> ast::Comparison {
    match op {
        ast::Comparison::Equal => ast::Comparison::Equal,
        ast::Comparison::NotEqual => ast::Comparison::NotEqual,
        ast::Comparison::Less => ast::Comparison::Greater,
        ast::Comparison::LessOrEqual => ast::Comparison::GreaterOrEqual,
        ast::Comparison::Greater => ast::Comparison::Less,
        ast::Comparison::GreaterOrEqual => ast::Comparison::LessOrEqual,
    }
}
