//! The life of what is awarded: `available`, `expires`, and what accounts say of expiry and melting. It refuses to know
//! instants: what is written here are stretches and days.

use super::names::Scope;
use super::types::constant;
use super::{Checker, errors};
use crate::ir::{self, Available, Expires, Life, Melt, Span};
use crate::typed::{ExprKind, Ratio, Type};
use perq_grammar::ast;

impl Checker<'_> {
    /// What an award says of its life.
    pub(super) fn life(
        &mut self,
        scope: &mut Scope,
        options: &ast::AwardOptions,
        account: ir::AccountId,
    ) -> Life {
        let mut life = Life::default();
        if let Some(available) = &options.available {
            let found = match &available.kind {
                ast::Available::After(stretch) => self.span(scope, stretch).map(Available::After),
                ast::Available::On(day) => self.day(scope, day).map(Available::On),
            };
            life.available = found.unwrap_or_default();
        }
        if let Some(expires) = &options.expires {
            life.expires = match &expires.kind {
                ast::Expiry::After(stretch) => self.span(scope, stretch).map(Expires::After),
                ast::Expiry::On(day) => self.day(scope, day).map(Expires::On),
                ast::Expiry::Never => Some(Expires::Never),
            };
        }
        if let Some(span) = options.spent_at_once {
            life.spent_at_once = true;
            let other = options.available.as_ref().map(|option| ("available", option.span));
            let other = other.or(options.expires.as_ref().map(|option| ("expires", option.span)));
            if let Some((word, other)) = other {
                self.report(errors::spent_before(scope.place(span), word, scope.place(other)));
            }
        }
        if let Some(cancel) = &options.cancel {
            life.cancel = self.cancel(scope, cancel);
        }
        let ends = life.expires.or(self.out.accounts.get(account.index()).map(|account| account.expires));
        if let (Available::On(from), Some(Expires::On(until)), Some(option)) =
            (life.available, ends, &options.available)
            && until < from
        {
            let place = scope.place(option.span);
            self.report(errors::never_available(place, &super::dates::date_text(until)));
        }
        life
    }

    /// `expire …` of an account.
    pub(super) fn expire(&mut self, scope: &mut Scope, expire: &ast::Expire) -> Option<Expires> {
        Some(match expire {
            ast::Expire::AfterAward(stretch) => Expires::After(self.span(scope, stretch)?),
            ast::Expire::On(day) => Expires::On(self.day(scope, day)?),
            ast::Expire::AtEndOf { period, plus } => {
                let period = self.period(scope.place(period.span), &period.text)?;
                let plus = match plus {
                    Some(stretch) => self.calendar_span(scope, stretch)?,
                    None => Span::Days(0),
                };
                Expires::AtEndOf { period, plus }
            }
        })
    }

    /// `melt …` of an account.
    pub(super) fn melt(&mut self, scope: &mut Scope, melt: &ast::Melt) -> Option<Melt> {
        let percent = self.value_of(scope, &melt.percent, &Type::Percent);
        let every = self.calendar_span(scope, &melt.every);
        let from = self.calendar_span(scope, &melt.from);
        let share = constant(&percent)?.multiplied(Ratio::whole(i128::from(ir::PERCENT_ONE)))?.to_i64();
        let place = scope.place(melt.percent.span);
        let Some(share) = share.filter(|share| (Melt::LEAST..=ir::PERCENT_ONE).contains(share)) else {
            let quoted = self.quote(place);
            self.report(errors::melts_out_of_range(place, &quoted));
            return None;
        };
        let every = every?;
        if every.count() == 0 {
            let place = scope.place(melt.every.span);
            let quoted = self.quote(place);
            self.report(errors::number_out_of_range(place, &quoted));
            return None;
        }
        let of_remaining = match melt.of {
            ast::MeltOf::Awarded => false,
            ast::MeltOf::Remaining => true,
        };
        Some(Melt { share, of_remaining, from: from?, every })
    }

    /// A constant stretch of days or months.
    fn calendar_span(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Option<Span> {
        let span = self.span(scope, expr)?;
        match span {
            Span::Days(_) | Span::Months(_) => Some(span),
            Span::Seconds(_) => {
                let place = scope.place(expr.span);
                let quoted = self.quote(place);
                let wanted = "days or months, such as `30 days`";
                self.report(errors::mismatched_types(place, &quoted, wanted, "a stretch of hours", None));
                None
            }
        }
    }

    /// A constant stretch of time that is not below zero.
    pub(super) fn span(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Option<Span> {
        let value = self.value(scope, expr, None);
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        let (place, quoted) = (value.place, self.quote(value.place));
        let kind: fn(i64) -> Span = match &value.ty {
            Type::Duration => Span::Seconds,
            Type::Days => Span::Days,
            Type::Months => Span::Months,
            other => {
                let found = self.describe(other);
                let wanted = "a stretch of time, such as `30 days`";
                if *other == Type::Number && matches!(value.kind, ExprKind::Constant(_)) {
                    self.report(errors::missing_unit(place, &quoted, wanted, " days", None));
                } else {
                    self.report(errors::mismatched_types(place, &quoted, wanted, &found, None));
                }
                return None;
            }
        };
        let Some(ratio) = constant(&value) else {
            self.report(errors::constant_expected(place, &quoted));
            return None;
        };
        let span = ratio.to_i64().map(kind).filter(|span| span.is_sound());
        if span.is_none() {
            self.report(errors::number_out_of_range(place, &quoted));
        }
        span
    }

    /// A constant day.
    fn day(&mut self, scope: &mut Scope, expr: &ast::Expr) -> Option<i64> {
        let value = self.value_of(scope, expr, &Type::Date);
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        let day = constant(&value).and_then(Ratio::to_i64);
        if day.is_none() {
            let quoted = self.quote(value.place);
            self.report(errors::constant_expected(value.place, &quoted));
        }
        day
    }
}
