//! Types as authors write and read them, exact constants, and the literals that carry units. It refuses to know
//! scopes: what a name means is decided elsewhere.

use super::{Checker, currencies, errors};
use crate::calendar;
use crate::ir;
use crate::typed::{Dimension, Element, Expr, ExprKind, Ratio, RecordType, Type, UnitId};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

/// A decimal as written: `digits / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub digits: i128,
    pub scale: u32,
}

impl Decimal {
    /// At most 30 significant digits; more has no use and would not fit.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole = whole.trim_start_matches('0');
        if whole.len() + fraction.len() > 30 {
            return None;
        }
        let mut digits: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            digits = digits * 10 + i128::from(byte - b'0');
        }
        Some(Decimal { digits, scale: fraction.len() as u32 })
    }

    /// Times a whole number, as a reduced ratio.
    pub(super) fn times(self, factor: i128) -> Option<Ratio> {
        Ratio { num: self.digits.checked_mul(factor)?, den: power_of_ten(self.scale)? }.reduced()
    }
}

/// 10^n.
pub(super) fn power_of_ten(n: u32) -> Option<i128> {
    10i128.checked_pow(n)
}

impl Ratio {
    /// A whole number.
    pub(crate) fn whole(num: i128) -> Ratio {
        Ratio { num, den: 1 }
    }

    /// In lowest terms with a denominator above zero.
    pub(crate) fn reduced(self) -> Option<Ratio> {
        if self.den == 1 {
            return Some(self);
        }
        let (a, b) = (self.num.checked_abs()?, self.den.checked_abs()?);
        if b == 0 {
            return None;
        }
        // Dividing words is many times faster than dividing pairs of them, and numbers are small nearly always.
        let a = match (u64::try_from(a), u64::try_from(b)) {
            (Ok(mut a), Ok(mut b)) => {
                while b != 0 {
                    (a, b) = (b, a % b);
                }
                i128::from(a)
            }
            (_, _) => {
                let (mut a, mut b) = (a, b);
                while b != 0 {
                    (a, b) = (b, a % b);
                }
                a
            }
        };
        let sign = if self.den < 0 { -1 } else { 1 };
        Some(Ratio { num: self.num / a * sign, den: self.den / a * sign })
    }

    pub(crate) fn add(self, other: Ratio) -> Option<Ratio> {
        if self.den == other.den {
            return Ratio { num: self.num.checked_add(other.num)?, den: self.den }.reduced();
        }
        let left = self.num.checked_mul(other.den)?;
        let right = other.num.checked_mul(self.den)?;
        Ratio { num: left.checked_add(right)?, den: self.den.checked_mul(other.den)? }.reduced()
    }

    pub(crate) fn negated(self) -> Option<Ratio> {
        Some(Ratio { num: self.num.checked_neg()?, den: self.den })
    }

    pub(crate) fn multiplied(self, other: Ratio) -> Option<Ratio> {
        Ratio { num: self.num.checked_mul(other.num)?, den: self.den.checked_mul(other.den)? }.reduced()
    }

    pub(crate) fn divided(self, other: Ratio) -> Option<Ratio> {
        Ratio { num: self.num.checked_mul(other.den)?, den: self.den.checked_mul(other.num)? }.reduced()
    }

    /// Which is larger; `None` where the products do not fit.
    pub(crate) fn compare(self, other: Ratio) -> Option<std::cmp::Ordering> {
        Some(self.num.checked_mul(other.den)?.cmp(&other.num.checked_mul(self.den)?))
    }

    /// The smaller of two.
    pub(crate) fn min_of(self, other: Ratio) -> Ratio {
        if self.compare(other).is_some_and(std::cmp::Ordering::is_gt) { other } else { self }
    }

    /// As a whole number of 64 bits, where it is one.
    pub(crate) fn to_i64(self) -> Option<i64> {
        if self.num % self.den != 0 {
            return None;
        }
        i64::try_from(self.num / self.den).ok().filter(|value| *value != ir::MISSING)
    }
}

/// A constant's value: numbers as they are, ordinals and truths as whole numbers.
pub(crate) fn constant(expr: &Expr) -> Option<Ratio> {
    match &expr.kind {
        ExprKind::Constant(ratio) => Some(*ratio),
        ExprKind::Bool(truth) => Some(Ratio::whole(i128::from(*truth))),
        ExprKind::Ordinal(value) => Some(Ratio::whole(i128::from(*value))),
        ExprKind::Negate(inner) => constant(inner)?.negated(),
        ExprKind::Sum(terms) => terms.iter().try_fold(Ratio::whole(0), |sum, (subtracted, term)| {
            let term = constant(term)?;
            sum.add(if *subtracted { term.negated()? } else { term })
        }),
        ExprKind::Product(factors) => {
            factors.iter().try_fold(Ratio::whole(1), |product, (divides, factor)| {
                let factor = constant(factor)?;
                if *divides { product.divided(factor) } else { product.multiplied(factor) }
            })
        }
        ExprKind::Convert { value, ratio, rounding: None } => constant(value)?.multiplied(*ratio),
        ExprKind::AddMonths(day, months) => {
            let (day, months) = (constant(day)?.to_i64()?, constant(months)?.to_i64()?);
            calendar::months_later(day, months).ok().map(|day| Ratio::whole(i128::from(day)))
        }
        ExprKind::Calendar(part, day) => {
            let word = calendar::part(*part, constant(day)?.to_i64()?).ok()?;
            Some(Ratio::whole(i128::from(word)))
        }
        ExprKind::Error
        | ExprKind::Field { .. }
        | ExprKind::Local(_)
        | ExprKind::Param(_)
        | ExprKind::Call(..)
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
        | ExprKind::Convert { rounding: Some(_), .. }
        | ExprKind::Modulo(..)
        | ExprKind::Instant(..)
        | ExprKind::Moved(..)
        | ExprKind::Steps(..)
        | ExprKind::Extreme { .. }
        | ExprKind::Aggregate { .. }
        | ExprKind::Match { .. } => None,
    }
}

impl Type {
    /// Without `?`.
    pub(crate) fn present(&self) -> &Type {
        match self {
            Type::Optional(inner) => inner.present(),
            Type::Error
            | Type::Bool
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
            | Type::Collection(_)
            | Type::Record(_) => self,
        }
    }

    /// Whether `x known` can be asked.
    pub(super) fn is_optional(&self) -> bool {
        matches!(self, Type::Optional(_))
    }

    pub(super) fn is_error(&self) -> bool {
        matches!(self.present(), Type::Error)
    }

    /// Numbers, with or without unit, that add up.
    pub(super) fn is_numeric(&self) -> bool {
        match self {
            Type::Number
            | Type::Percent
            | Type::Money
            | Type::Points(_)
            | Type::Count(_)
            | Type::Quantity(_)
            | Type::Duration
            | Type::Days
            | Type::Months => true,
            Type::Error
            | Type::Bool
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
}

/// Words of the builtin units of quantity and time: type, base units for one.
pub(super) fn builtin_unit(word: &str) -> Option<(Type, i128)> {
    Some(match word {
        "kg" => (Type::Quantity(Dimension::Mass), 1000),
        "g" => (Type::Quantity(Dimension::Mass), 1),
        "l" => (Type::Quantity(Dimension::Volume), 1000),
        "ml" => (Type::Quantity(Dimension::Volume), 1),
        "second" | "seconds" => (Type::Duration, 1),
        "minute" | "minutes" => (Type::Duration, 60),
        "hour" | "hours" => (Type::Duration, 3600),
        "day" | "days" => (Type::Days, 1),
        "week" | "weeks" => (Type::Days, 7),
        "month" | "months" => (Type::Months, 1),
        "quarter" | "quarters" => (Type::Months, 3),
        "year" | "years" => (Type::Months, 12),
        _ => return None,
    })
}

/// All words of [`builtin_unit`] that suggestions may name.
pub(super) const BUILTIN_UNITS: &[&str] =
    &["kg", "g", "l", "ml", "seconds", "minutes", "hours", "days", "weeks", "months", "quarters", "years"];

impl Checker<'_> {
    /// The type in a sentence: `money in EUR`, `points of account \`bonus\``.
    pub(super) fn describe(&self, ty: &Type) -> String {
        match ty {
            Type::Error => "something unclear".into(),
            Type::Bool => "true or false".into(),
            Type::Number => "a number without a unit".into(),
            Type::Percent => "a percent".into(),
            Type::Money => format!("money in {}", self.currency_word()),
            Type::Points(account) => format!(
                "{} of account `{}`",
                self.account_unit(*account),
                self.out.accounts.get(account.index()).map_or("", |account| account.name.as_str())
            ),
            Type::Count(unit) => format!("a count of {}", self.count_word(*unit)),
            Type::Quantity(Dimension::Mass) => "a mass".into(),
            Type::Quantity(Dimension::Volume) => "a volume".into(),
            Type::Duration => "a duration in hours, minutes or seconds".into(),
            Type::Days => "a number of calendar days".into(),
            Type::Months => "a number of calendar months".into(),
            Type::Date => "a date".into(),
            Type::Time => "a time of day".into(),
            Type::Instant => "a point in time".into(),
            Type::Enum(id) => format!("a `{}`", self.enum_name(*id)),
            Type::Symbol(kind) => format!("a {}", self.kind_name(*kind)),
            Type::Set(kind) => format!("a set of {}", self.kind_name(*kind)),
            Type::Text => "text".into(),
            Type::Optional(inner) => format!("{}, which may be missing", self.describe(inner)),
            Type::Collection(element) => format!("a collection of {}", self.collection_word(*element)),
            Type::Record(record) => match record {
                RecordType::Event => "the event".into(),
                RecordType::Basket => "the basket".into(),
                RecordType::Member => "the member".into(),
                RecordType::Line => "a line".into(),
                RecordType::Unit => "a unit".into(),
                RecordType::Product => "a product".into(),
                RecordType::Payment => "a payment".into(),
                RecordType::Row(rows) => errors::with_article(&self.element_word(Element::Row(*rows))),
            },
        }
    }

    /// The program's currency, or the word for it.
    pub(super) fn currency_word(&self) -> &str {
        if self.out.settings.currency.is_empty() { "the currency" } else { &self.out.settings.currency }
    }

    pub(super) fn account_unit(&self, account: ir::AccountId) -> &str {
        self.out.accounts.get(account.index()).map_or("points", |account| account.unit.as_str())
    }

    pub(super) fn count_word(&self, unit: UnitId) -> &str {
        self.out.units.get(unit.0 as usize).map_or("pcs", String::as_str)
    }

    pub(super) fn enum_name(&self, id: ir::EnumId) -> &str {
        self.out.enums.get(id.index()).map_or("", |e| e.name.as_str())
    }

    pub(super) fn kind_name(&self, id: ir::KindId) -> &str {
        self.out.kinds.get(id.index()).map_or("", |k| k.name.as_str())
    }

    /// The suffix that a literal of the type has: ` EUR`, `%`, ` points`.
    pub(super) fn suffix(&self, ty: &Type) -> Option<String> {
        match ty {
            Type::Money => Some(format!(" {}", self.currency_word())),
            Type::Points(account) => Some(format!(" {}", self.account_unit(*account))),
            Type::Count(unit) => Some(format!(" {}", self.count_word(*unit))),
            Type::Percent => Some("%".into()),
            Type::Quantity(Dimension::Mass) => Some(" kg".into()),
            Type::Quantity(Dimension::Volume) => Some(" l".into()),
            Type::Duration => Some(" hours".into()),
            Type::Days => Some(" days".into()),
            Type::Months => Some(" months".into()),
            Type::Error
            | Type::Bool
            | Type::Number
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Enum(_)
            | Type::Symbol(_)
            | Type::Set(_)
            | Type::Text
            | Type::Optional(_)
            | Type::Collection(_)
            | Type::Record(_) => None,
        }
    }

    /// A constant of a type as an author writes it.
    pub(super) fn written(&self, value: Ratio, ty: &Type) -> String {
        match ty {
            Type::Money => {
                let digits = u32::from(self.out.settings.decimals);
                format!("{} {}", decimal_text(value, digits), self.currency_word())
            }
            Type::Points(account) => {
                let digits = self.out.accounts.get(account.index()).map_or(0, |a| u32::from(a.decimals));
                format!("{} {}", decimal_text(value, digits), self.account_unit(*account))
            }
            Type::Percent => {
                let hundred = value.multiplied(Ratio::whole(100)).unwrap_or(value);
                format!("{}%", decimal_text(hundred, 0))
            }
            Type::Count(unit) => format!("{} {}", decimal_text(value, 0), self.count_word(*unit)),
            Type::Number => decimal_text(value, 0),
            Type::Quantity(Dimension::Mass) => format!("{} kg", decimal_text(value, 3)),
            Type::Quantity(Dimension::Volume) => format!("{} l", decimal_text(value, 3)),
            Type::Duration => format!("{} seconds", decimal_text(value, 0)),
            Type::Days => format!("{} days", decimal_text(value, 0)),
            Type::Months => format!("{} months", decimal_text(value, 0)),
            Type::Date => super::dates::date_text(value.to_i64().unwrap_or(0)),
            Type::Time => super::dates::time_text(value.to_i64().unwrap_or(0)),
            Type::Bool => if value.num == 0 { "false" } else { "true" }.into(),
            Type::Enum(id) => value
                .to_i64()
                .and_then(|position| usize::try_from(position).ok())
                .and_then(|position| self.out.enums.get(id.index())?.values.get(position).cloned())
                .unwrap_or_default(),
            Type::Error
            | Type::Instant
            | Type::Symbol(_)
            | Type::Set(_)
            | Type::Text
            | Type::Optional(_)
            | Type::Collection(_)
            | Type::Record(_) => decimal_text(value, 0),
        }
    }

    /// `500 EUR`, `3 pcs`, `30 days`.
    pub(super) fn quantity(&mut self, number: &ast::Lexeme, unit: &ast::Name, place: Place) -> Expr {
        let Some(decimal) = Decimal::parse(&number.text) else {
            self.report(errors::number_out_of_range(place, &number.text));
            return self.broken(place);
        };
        let word = unit.text.as_str();
        let (ty, factor, digits) = if word == self.out.settings.currency {
            let digits = u32::from(self.out.settings.decimals);
            (Type::Money, power_of_ten(digits), Some(digits))
        } else if let Some(account) = self.units.get(word).copied() {
            let digits = self.out.accounts.get(account.index()).map_or(0, |a| u32::from(a.decimals));
            (Type::Points(account), power_of_ten(digits), Some(digits))
        } else if let Some(count) = self.counts.get(word).copied() {
            (Type::Count(count), Some(1), Some(0))
        } else if let Some((ty, factor)) = builtin_unit(word) {
            let whole = matches!(ty, Type::Days | Type::Months);
            (ty, Some(factor), whole.then_some(0))
        } else if let Some(digits) = currencies::decimals(word) {
            if self.out.settings.currency.is_empty() {
                // The program has no currency and has been told so.
                (Type::Money, power_of_ten(u32::from(digits)), None)
            } else {
                let own = self.out.settings.currency.clone();
                let unit_place = Place { file: place.file, span: unit.span };
                self.report(errors::other_currency(place, unit_place, word, &own));
                return Expr { kind: ExprKind::Error, ty: Type::Money, place };
            }
        } else {
            let near = self.nearest_unit(word);
            let unit_place = Place { file: place.file, span: unit.span };
            self.report(errors::unknown_unit(unit_place, word, near.as_deref()));
            return self.broken(place);
        };
        if let Some(digits) = digits
            && decimal.scale > digits
        {
            self.report(errors::too_many_decimals(place, &number.text, decimal, word, digits));
            return Expr { kind: ExprKind::Error, ty, place };
        }
        match factor.and_then(|factor| decimal.times(factor)) {
            Some(value) if value.num / value.den <= i128::from(i64::MAX) => {
                Expr { kind: ExprKind::Constant(value), ty, place }
            }
            Some(_) | None => {
                self.report(errors::number_out_of_range(place, &number.text));
                Expr { kind: ExprKind::Error, ty, place }
            }
        }
    }

    /// `7%`.
    pub(super) fn percent(&mut self, number: &ast::Lexeme, place: Place) -> Expr {
        let value = Decimal::parse(&number.text);
        if let Some(decimal) = value
            && decimal.scale > 4
        {
            self.report(errors::too_many_decimals(place, &number.text, decimal, "%", 4));
            return Expr { kind: ExprKind::Error, ty: Type::Percent, place };
        }
        let ratio = value
            .and_then(|decimal| decimal.times(1))
            .and_then(|ratio| ratio.divided(Ratio::whole(100)))
            .filter(|ratio| ratio.num / ratio.den <= i128::from(i64::MAX / ir::PERCENT_ONE));
        let Some(ratio) = ratio else {
            self.report(errors::number_out_of_range(place, &number.text));
            return Expr { kind: ExprKind::Error, ty: Type::Percent, place };
        };
        Expr { kind: ExprKind::Constant(ratio), ty: Type::Percent, place }
    }

    /// `5`, `0.5`.
    pub(super) fn number(&mut self, number: &ast::Lexeme, place: Place) -> Expr {
        let ratio = Decimal::parse(&number.text)
            .and_then(|decimal| decimal.times(1))
            .filter(|ratio| ratio.num / ratio.den <= i128::from(i64::MAX));
        if number.text.split_once('.').is_some_and(|(_, fraction)| fraction == "000") {
            self.report(errors::decimal_or_thousands(place, &number.text));
        }
        let Some(ratio) = ratio else {
            self.report(errors::number_out_of_range(place, &number.text));
            return Expr { kind: ExprKind::Error, ty: Type::Number, place };
        };
        Expr { kind: ExprKind::Constant(ratio), ty: Type::Number, place }
    }

    /// An expression that has a diagnostic.
    pub(super) fn broken(&self, place: Place) -> Expr {
        Expr { kind: ExprKind::Error, ty: Type::Error, place }
    }

    /// The nearest word that can follow a number.
    fn nearest_unit(&self, word: &str) -> Option<String> {
        let upper = word.to_uppercase();
        if currencies::decimals(&upper).is_some() {
            return Some(upper);
        }
        let own = self.out.settings.currency.clone();
        self.nearest(
            word,
            self.units
                .keys()
                .chain(self.counts.keys())
                .map(String::as_str)
                .chain(BUILTIN_UNITS.iter().copied())
                .chain(std::iter::once(own.as_str())),
        )
    }
}

/// A ratio that is a count of 10^-digits, as a decimal without needless zeros; at most six digits more.
pub(super) fn decimal_text(value: Ratio, digits: u32) -> String {
    let negative = value.num < 0;
    let places = digits + 6;
    let scaled = value
        .num
        .checked_abs()
        .and_then(|num| num.checked_mul(1_000_000))
        .map_or(0, |num| num / value.den.max(1));
    let Some(unit) = power_of_ten(places) else { return String::new() };
    let (whole, fraction) = (scaled / unit, scaled % unit);
    let fraction = format!("{fraction:0width$}", width = places as usize);
    let fraction = fraction.trim_end_matches('0');
    let sign = if negative { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
