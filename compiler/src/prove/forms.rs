//! Expressions as sums of variables: exactly, or from above. It refuses to know rules.

use super::model::{Name, Names};
use super::simplex::System;
use crate::check::types::constant;
use crate::ir::{event_slot, line_slot};
use crate::lint::bounds::Ranges;
use crate::typed::{Aggregate, Builtin, Expr, ExprKind, LocalId, Program, Ratio, SourceKind};

/// A sum of variables and a number.
#[derive(Clone, Debug)]
pub struct Form {
    /// How often, and which.
    pub terms: Vec<(usize, Ratio)>,
    /// The number.
    pub constant: Ratio,
}

impl Form {
    /// A number.
    pub fn fixed(constant: Ratio) -> Form {
        Form { terms: Vec::new(), constant }
    }

    /// A variable.
    pub fn variable(variable: usize) -> Form {
        Form { terms: vec![(variable, Ratio::whole(1))], constant: Ratio::whole(0) }
    }

    /// So many times it.
    pub fn times(&self, by: Ratio) -> Option<Form> {
        let terms = self.terms.iter().map(|(variable, times)| Some((*variable, times.multiplied(by)?)));
        Some(Form { terms: terms.collect::<Option<_>>()?, constant: self.constant.multiplied(by)? })
    }

    /// Both together.
    pub fn plus(mut self, other: &Form) -> Option<Form> {
        for (variable, times) in &other.terms {
            match self.terms.iter_mut().find(|(known, _)| known == variable) {
                Some((_, known)) => *known = known.add(*times)?,
                None => self.terms.push((*variable, *times)),
            }
        }
        self.constant = self.constant.add(other.constant)?;
        Some(self)
    }

    /// One less the other.
    pub fn minus(self, other: &Form) -> Option<Form> {
        self.plus(&other.times(Ratio::whole(-1))?)
    }

    /// Says that it is at most zero.
    pub fn at_most_nothing(self, system: &mut System) {
        if let Some(most) = self.constant.negated() {
            system.at_most(self.terms, most);
        }
    }
}

/// Where an expression stands.
pub struct Context<'c, 'p> {
    /// The program.
    pub program: &'p Program,
    /// What names stand for.
    pub ranges: &'c Ranges<'p>,
    /// Names of the line at hand.
    pub elements: &'c [LocalId],
    /// The phase in which it is asked, by the position of its first group.
    pub phase: crate::ir::Phase,
    /// All is counted for the pieces of the line together rather than for one.
    pub by_piece: bool,
    /// Sums over lines, rather than one line.
    pub basket: bool,
}

impl<'p> Context<'_, 'p> {
    /// The expression as a sum, exactly.
    pub fn exact(&self, expr: &Expr, names: &mut dyn Names, system: &mut System) -> Option<Form> {
        self.exact_within(expr, names, system, 24)
    }

    fn exact_within(
        &self,
        expr: &Expr,
        names: &mut dyn Names,
        system: &mut System,
        depth: u32,
    ) -> Option<Form> {
        let depth = depth.checked_sub(1)?;
        let mut again = |expr: &Expr| self.exact_within(expr, names, system, depth);
        if let Some(value) = constant(expr) {
            return self.of_constant(value, names, system);
        }
        if let ExprKind::Local(_) = &expr.kind {
            let behind = self.ranges.behind(expr);
            return if std::ptr::eq(behind, expr) { None } else { again(behind) };
        }
        if let ExprKind::Negate(inner) = &expr.kind {
            return again(inner)?.times(Ratio::whole(-1));
        }
        if let ExprKind::Convert { value, ratio, rounding: None } = &expr.kind {
            return again(value)?.times(*ratio);
        }
        if let ExprKind::Sum(terms) = &expr.kind {
            let mut sum = Form::fixed(Ratio::whole(0));
            for (minus, term) in terms {
                let term = again(term)?.times(Ratio::whole(if *minus { -1 } else { 1 }))?;
                sum = sum.plus(&term)?;
            }
            return Some(sum);
        }
        if let ExprKind::Product(factors) = &expr.kind {
            let mut by = Ratio::whole(1);
            let mut variable = None;
            for (divides, factor) in factors {
                match (constant(factor), divides) {
                    (Some(value), true) => by = by.divided(value)?,
                    (Some(value), false) => by = by.multiplied(value)?,
                    (None, false) if variable.is_none() => variable = Some(factor),
                    (None, _) => return None,
                }
            }
            return again(variable?)?.times(by);
        }
        if let ExprKind::Field { field, of } = &expr.kind {
            return self.field(*field, *of, names, system);
        }
        None
    }

    fn of_constant(&self, value: Ratio, names: &mut dyn Names, system: &mut System) -> Option<Form> {
        if self.by_piece {
            Form::variable(names.variable(Name::Pieces, system)?).times(value)
        } else {
            Some(Form::fixed(value))
        }
    }

    fn field(
        &self,
        field: crate::typed::FieldId,
        of: Option<LocalId>,
        names: &mut dyn Names,
        system: &mut System,
    ) -> Option<Form> {
        let declared = self.program.fields.get(field.0 as usize)?;
        if !matches!(
            declared.slot,
            crate::ir::SlotType::Money { .. }
                | crate::ir::SlotType::Points(_)
                | crate::ir::SlotType::Count
                | crate::ir::SlotType::Number { .. }
        ) {
            return None;
        }
        let own = of.is_some_and(|of| self.elements.contains(&of)) && !self.basket;
        let form = match declared.builtin {
            Some(Builtin::Event(event_slot::BASKET_INITIAL)) if !self.by_piece => {
                names.form(Name::BasketInitial, system)?
            }
            Some(Builtin::Event(event_slot::BASKET_PAID)) if !self.by_piece => {
                names.form(Name::BasketPaid(self.phase), system)?
            }
            Some(Builtin::Line(line_slot::INITIAL)) if own && !self.by_piece => {
                names.form(Name::Initial, system)?
            }
            Some(Builtin::UnitInitial) if own && self.by_piece => names.form(Name::Initial, system)?,
            Some(Builtin::Line(line_slot::PAID)) if own && !self.by_piece => {
                names.form(Name::Paid(self.phase), system)?
            }
            Some(Builtin::UnitPaid) if own && self.by_piece => names.form(Name::Paid(self.phase), system)?,
            Some(Builtin::Line(line_slot::PIECES)) if own && !self.by_piece => {
                names.form(Name::Pieces, system)?
            }
            Some(Builtin::Line(line_slot::PRICE) | Builtin::UnitPrice) | None if own => {
                let name = match (declared.builtin, self.by_piece) {
                    // A price by either of its names.
                    (Some(_), by_piece) => Name::Price(by_piece),
                    (None, by_piece) => Name::Field(field, by_piece),
                };
                names.form(name, system)?.times(Ratio { num: 1, den: declared.den.max(1) })?
            }
            None if of.is_none() && !self.by_piece => {
                let name = Name::Field(field, false);
                names.form(name, system)?.times(Ratio { num: 1, den: declared.den.max(1) })?
            }
            Some(_) | None => return None,
        };
        Some(form)
    }

    /// Sums none of which the expression exceeds; none where nothing is known. Only for what is given where it is
    /// positive: sums are never below nothing.
    pub fn most(&self, expr: &Expr, names: &mut dyn Names, system: &mut System) -> Vec<Form> {
        self.most_within(expr, names, system, 24)
    }

    fn most_within(&self, expr: &Expr, names: &mut dyn Names, system: &mut System, depth: u32) -> Vec<Form> {
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        let mut found = Vec::new();
        if let Some(high) = self.ranges.of(expr).high {
            let high = if high.num < 0 { Ratio::whole(0) } else { high };
            found.extend(self.of_constant(high, names, system));
        }
        if let Some(exact) = self.exact(expr, names, system) {
            found.extend(names.positive(exact));
        }
        if let ExprKind::Local(_) = &expr.kind {
            let behind = self.ranges.behind(expr);
            if !std::ptr::eq(behind, expr) {
                found.extend(self.most_within(behind, names, system, depth));
            }
        } else if let ExprKind::Convert { value, ratio, rounding } = &expr.kind
            && ratio.num > 0
        {
            let more = self.of_constant(Ratio::whole(i128::from(rounding.is_some())), names, system);
            for form in self.most_within(value, names, system, depth) {
                let more = more.as_ref();
                found.extend(form.times(*ratio).zip(more).and_then(|(form, more)| form.plus(more)));
            }
        } else if let ExprKind::Extreme { largest: false, values } = &expr.kind {
            for value in values {
                found.extend(self.most_within(value, names, system, depth));
            }
        } else if let ExprKind::Product(factors) = &expr.kind {
            found.extend(self.product(factors, names, system, depth));
        } else if let ExprKind::Steps(step, within) = &expr.kind
            && !self.by_piece
            && let Some(step) = constant(step).filter(|step| step.num > 0)
        {
            for form in self.most_within(within, names, system, depth) {
                found.extend(Ratio::whole(1).divided(step).and_then(|part| form.times(part)));
            }
        } else if let ExprKind::Sum(terms) = &expr.kind
            && terms.iter().all(|(minus, _)| !minus)
        {
            // Each term at most its first sum; a term below nothing only lowers the whole.
            let mut sum = Some(Form::fixed(Ratio::whole(0)));
            for (_, term) in terms {
                let term = self.most_within(term, names, system, depth).into_iter().next();
                sum = sum.zip(term).and_then(|(sum, term)| sum.plus(&term));
            }
            found.extend(sum);
        } else if let ExprKind::Aggregate { function: Aggregate::Sum, value: Some(value), source } =
            &expr.kind
            && self.basket
            && matches!(source.of, crate::typed::Element::Line)
            && over_the_basket(source)
            && let ExprKind::Field { field, of: Some(of) } = &value.kind
            && *of == source.element
        {
            // Lines that are not sold only lower the sum.
            let builtin = self.program.fields.get(field.0 as usize).and_then(|field| field.builtin);
            let name = match builtin {
                Some(Builtin::Line(line_slot::INITIAL)) => Some(Name::Initial),
                Some(Builtin::Line(line_slot::PAID)) => Some(Name::Paid(self.phase)),
                Some(_) | None => None,
            };
            found.extend(name.and_then(|name| names.form(name, system)));
        }
        found
    }

    /// One factor as a sum, the others as their largest values.
    fn product(
        &self,
        factors: &[(bool, Expr)],
        names: &mut dyn Names,
        system: &mut System,
        depth: u32,
    ) -> Vec<Form> {
        for (at, (divides, main)) in factors.iter().enumerate() {
            if *divides {
                continue;
            }
            let mut by = Some(Ratio::whole(1));
            for (_, (divides, factor)) in factors.iter().enumerate().filter(|(other, _)| *other != at) {
                let bounds = self.ranges.of(factor);
                let low = bounds.low.filter(|low| low.num >= 0);
                by = match (divides, low, bounds.high) {
                    (false, Some(_), Some(high)) => by.and_then(|by| by.multiplied(high)),
                    (true, Some(low), _) if low.num > 0 => by.and_then(|by| by.divided(low)),
                    (_, _, _) => None,
                };
            }
            let Some(by) = by else { continue };
            let forms = self.most_within(main, names, system, depth);
            let forms: Vec<Form> = forms.iter().filter_map(|form| form.times(by)).collect();
            if !forms.is_empty() {
                return forms;
            }
        }
        Vec::new()
    }
}

/// Whether a collection is of the event's own lines, each at most once.
fn over_the_basket(source: &crate::typed::Source) -> bool {
    match &source.kind {
        SourceKind::All => true,
        SourceKind::Filter(from, _) => over_the_basket(from),
        SourceKind::Past(_)
        | SourceKind::Bound(_)
        | SourceKind::One(_)
        | SourceKind::Set { .. }
        | SourceKind::Extreme { .. }
        | SourceKind::EveryNth { .. } => false,
    }
}
