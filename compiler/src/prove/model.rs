//! What a promise can come to at worst, under one choice of effects: a system of bounds that every real event satisfies.
//! It is looser than what happens, and never tighter, so that what it rules out cannot happen.

use super::acts::{Act, Deed};
use super::forms::{Context, Form};
use super::simplex::System;
use crate::ir::{
    self, Comparison, DiscountAmount, Displace, Fall, GroupId, LimitAmount, LimitOf, OnPrice, Phase,
    PromiseOf, RoundPer, Rounding, RuleId, Scope,
};
use crate::lint::bounds::Ranges;
use crate::typed::{
    Bound, Builtin, Element, Expr, ExprKind, FieldId, Figure, Group, Limit, LocalId, Program, Promise, Ratio,
    Sum,
};
use rustc_hash::FxHashMap;

/// What has a value in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// Before discounts: of the line, or of all lines that are sold.
    Initial,
    /// Left of it at entry to a phase.
    Paid(Phase),
    /// Pieces: of the line, or of all lines.
    Pieces,
    /// Lines.
    Lines,
    /// `basket.initial` as rules read it.
    BasketInitial,
    /// `basket.paid` as rules of a phase read it.
    BasketPaid(Phase),
    /// The price of a piece; times its pieces where it says so.
    Price(bool),
    /// A field in slot units; times the pieces of the line where it says so.
    Field(FieldId, bool),
}

/// Gives names their variables.
pub trait Names {
    /// The variable of a name that is never below zero.
    fn variable(&mut self, name: Name, system: &mut System) -> Option<usize>;
    /// The name as a sum.
    fn form(&mut self, name: Name, system: &mut System) -> Option<Form>;
    /// A sum that is at least this one and at least zero.
    fn positive(&self, form: Form) -> Option<Form>;
}

/// The system of one choice of effects.
pub struct Model<'c, 'p> {
    program: &'p Program,
    ranges: &'c Ranges<'p>,
    acts: &'c [Act<'p>],
    basket: bool,
    /// The bounds.
    pub system: System,
    known: FxHashMap<Name, Form>,
    /// Variables that can be below zero come in pairs; these cannot.
    at_least_zero: Vec<usize>,
    /// By chosen effect: what it takes off, or gives.
    given: Vec<(usize, usize)>,
    mode: Mode,
}

/// What the chosen effects stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All that is given: these, and no others.
    Exact,
    /// Any of these may be given, and no others.
    Loose,
    /// These are given, and whatever else may be.
    Alone,
}

const HALF: Ratio = Ratio { num: 1, den: 2 };

/// How much more than the exact number a rounded one can be.
fn excess(rounding: Rounding) -> Ratio {
    match rounding {
        Rounding::HalfUp | Rounding::HalfEven | Rounding::HalfDown => HALF,
        Rounding::Down => Ratio::whole(0),
        Rounding::Up => Ratio::whole(1),
    }
}

fn ceiling(ratio: Ratio) -> Option<Ratio> {
    let whole = ratio.num.div_euclid(ratio.den);
    let whole = if ratio.num.rem_euclid(ratio.den) == 0 { whole } else { whole.checked_add(1)? };
    Some(Ratio::whole(whole))
}

impl Names for Model<'_, '_> {
    fn variable(&mut self, name: Name, system: &mut System) -> Option<usize> {
        match self.form(name, system)?.terms.as_slice() {
            [(variable, times)] if *times == Ratio::whole(1) => Some(*variable),
            _ => None,
        }
    }

    fn form(&mut self, name: Name, system: &mut System) -> Option<Form> {
        if let Some(form) = self.known.get(&name) {
            return Some(form.clone());
        }
        let form = match name {
            Name::Initial | Name::Pieces | Name::Lines => {
                let variable = system.variable();
                self.at_least_zero.push(variable);
                Form::variable(variable)
            }
            Name::Paid(phase) => {
                let initial = self.form(Name::Initial, system)?;
                self.left_of(initial, phase, system)?
            }
            Name::BasketPaid(phase) if self.basket => {
                let initial = self.form(Name::BasketInitial, system)?;
                self.left_of(initial, phase, system)?
            }
            Name::BasketInitial if self.basket => {
                // Lines that are not sold only lower it.
                let (above, below) = (system.variable(), system.variable());
                let free = Form {
                    terms: vec![(above, Ratio::whole(1)), (below, Ratio::whole(-1))],
                    constant: Ratio::whole(0),
                };
                let sold = self.form(Name::Initial, system)?;
                free.clone().minus(&sold)?.at_most_nothing(system);
                free
            }
            Name::BasketInitial | Name::BasketPaid(_) | Name::Price(_) | Name::Field(..) => Form {
                terms: vec![(system.variable(), Ratio::whole(1)), (system.variable(), Ratio::whole(-1))],
                constant: Ratio::whole(0),
            },
        };
        self.known.insert(name, form.clone());
        Some(form)
    }

    fn positive(&self, form: Form) -> Option<Form> {
        let zero = Ratio::whole(0);
        let mut form = form;
        // What rules read of the basket is at most what is sold of it.
        if self.basket
            && let Some(own) = self.known.get(&Name::BasketInitial)
            && let [(above, _), (below, _)] = own.terms.as_slice()
        {
            let times = |variable: usize| {
                form.terms.iter().find(|(own, _)| *own == variable).map_or(zero, |(_, times)| *times)
            };
            let of_basket = times(*above);
            if of_basket.num < 0 || times(*below) != of_basket.negated()? {
                return None;
            }
            form.terms.retain(|(variable, _)| variable != above && variable != below);
            if of_basket.num > 0 {
                form = form.plus(&self.known.get(&Name::Initial)?.times(of_basket)?)?;
            }
        }
        // What is taken off is at most what there is, so this is never below nothing.
        let initial = self.known.get(&Name::Initial)?.terms.first()?.0;
        let of_initial =
            form.terms.iter().find(|(variable, _)| *variable == initial).map_or(zero, |(_, t)| *t);
        for (variable, times) in &form.terms {
            let covered = self.is_given(*variable) && of_initial.add(*times)?.num >= 0;
            if !self.at_least_zero.contains(variable) || (times.num < 0 && !covered) {
                return None;
            }
        }
        let constant = if form.constant.num < 0 { Ratio::whole(0) } else { form.constant };
        Some(Form { constant, ..form })
    }
}

impl<'c, 'p> Model<'c, 'p> {
    /// The bounds of all that these effects can do together; `None` where numbers get too large. What they stand
    /// for is the mode's to say.
    pub fn new(
        program: &'p Program,
        ranges: &'c Ranges<'p>,
        acts: &'c [Act<'p>],
        chosen: &[usize],
        promise: &Promise,
        mode: Mode,
    ) -> Option<Model<'c, 'p>> {
        let mut model = Model {
            program,
            ranges,
            acts,
            basket: promise.of == PromiseOf::Basket,
            system: System::default(),
            known: FxHashMap::default(),
            at_least_zero: Vec::new(),
            given: Vec::new(),
            mode,
        };
        let mut system = std::mem::take(&mut model.system);
        let initial = model.variable(Name::Initial, &mut system)?;
        let pieces = model.variable(Name::Pieces, &mut system)?;
        let lines = model.variable(Name::Lines, &mut system)?;
        let one = Ratio::whole(1);
        let less = Ratio::whole(-1);
        if model.basket {
            // Each line that is sold costs something.
            system.at_most(vec![(lines, one), (initial, less)], Ratio::whole(0));
        } else {
            system.at_most(vec![(initial, less)], less);
            system.at_most(vec![(lines, one)], one);
            // A line without pieces is discounted by nothing; these effects are chosen only where they give something.
            let gives = |at: &usize| acts.get(*at).is_some_and(Act::needs_more_than_conditions);
            if promise.of == PromiseOf::Unit || (mode != Mode::Loose && chosen.iter().any(gives)) {
                system.at_most(vec![(pieces, less)], less);
            }
        }
        for at in chosen {
            let variable = system.variable();
            model.at_least_zero.push(variable);
            model.given.push((*at, variable));
        }
        // All discounts together take no more than there is.
        let left = model.form(Name::Paid(Phase::State), &mut system)?;
        left.times(less)?.at_most_nothing(&mut system);
        model.bound_groups(&mut system)?;
        for (at, _) in model.given.clone() {
            let act = acts.get(at)?;
            let of_line = act.of_line.iter().map(|(part, _)| *part);
            for condition in act.conditions.iter().copied().chain(of_line).filter(|_| mode != Mode::Loose) {
                model.hold(condition, (&act.elements, act.phase), false, &mut system);
            }
        }
        // It is asked where these hold.
        let own: Vec<LocalId> = promise.element.into_iter().collect();
        for condition in promise.conditions.iter().chain(&promise.line_conditions) {
            model.hold(condition, (&own, Phase::State), false, &mut system);
        }
        for ask in &promise.asks {
            let form = model.difference(ask, promise.of, &mut system)?;
            match ask.comparison {
                Comparison::Less | Comparison::LessOrEqual => form.at_most_nothing(&mut system),
                Comparison::Greater | Comparison::GreaterOrEqual => {
                    form.times(less)?.at_most_nothing(&mut system);
                }
                Comparison::Equal => {
                    form.clone().at_most_nothing(&mut system);
                    form.times(less)?.at_most_nothing(&mut system);
                }
                Comparison::NotEqual => {}
            }
        }
        model.keep_floor(promise, &mut system);
        model.system = system;
        Some(model)
    }

    fn is_given(&self, variable: usize) -> bool {
        self.given.iter().any(|(_, given)| *given == variable)
    }

    /// What discounts leave of an amount at entry to a phase.
    fn left_of(&mut self, amount: Form, phase: Phase, system: &mut System) -> Option<Form> {
        let left = amount.minus(&self.taken_before(phase)?)?;
        match self.mode {
            Mode::Exact | Mode::Loose => Some(left),
            Mode::Alone => {
                let others = system.variable();
                self.at_least_zero.push(others);
                left.minus(&Form::variable(others))
            }
        }
    }

    /// What a chosen effect gives.
    pub fn variable_of(&self, act: usize) -> Option<usize> {
        self.given.iter().find(|(at, _)| *at == act).map(|(_, variable)| *variable)
    }

    /// What discounts have taken at entry to a phase.
    fn taken_before(&self, phase: Phase) -> Option<Form> {
        self.taken(|act| act.phase < phase)
    }

    fn taken(&self, which: impl Fn(&Act<'_>) -> bool) -> Option<Form> {
        let mut sum = Form::fixed(Ratio::whole(0));
        for (at, variable) in &self.given {
            if self.acts.get(*at).is_some_and(|act| act.is_discount() && which(act)) {
                sum = sum.plus(&Form::variable(*variable))?;
            }
        }
        Some(sum)
    }

    /// The variable of a name, for who looks at a solution.
    pub fn of(&self, name: Name) -> Option<&Form> {
        self.known.get(&name)
    }

    /// Left side less right side, times what both are divided by.
    pub fn difference(&mut self, bound: &Bound, of: PromiseOf, system: &mut System) -> Option<Form> {
        let left = self.side(&bound.left, of, system)?;
        let right = self.side(&bound.right, of, system)?;
        left.minus(&right)
    }

    fn side(&mut self, sum: &Sum, of: PromiseOf, system: &mut System) -> Option<Form> {
        let by_piece = of == PromiseOf::Unit;
        let constant = Ratio::whole(sum.constant.into());
        let mut form =
            if by_piece { self.form(Name::Pieces, system)?.times(constant)? } else { Form::fixed(constant) };
        for (times, figure) in &sum.terms {
            let of_figure = match figure {
                Figure::Initial => self.form(Name::Initial, system)?,
                Figure::Paid => self.form(Name::Paid(Phase::State), system)?,
                Figure::Discount => self.taken(|_| true)?,
                Figure::Award(account) => {
                    let mut sum = Form::fixed(Ratio::whole(0));
                    let mut effects = 0i128;
                    for (at, variable) in &self.given {
                        let gives = self.acts.get(*at).is_some_and(|act| match act.deed {
                            Deed::Award { account: own, .. } => own == *account,
                            Deed::Multiply { .. } => true,
                            Deed::Discount { .. } | Deed::Gift => false,
                        });
                        if gives {
                            sum = sum.plus(&Form::variable(*variable))?;
                            effects = effects.checked_add(1)?;
                        }
                    }
                    let of = self.program.accounts.get(account.index())?;
                    if of.per == RoundPer::Basket && effects > 0 {
                        // The event rounds once; of a line, each effect may have a unit that is left over.
                        let most = if self.basket { excess(of.rounding) } else { Ratio::whole(effects) };
                        let (more, less) = (system.variable(), system.variable());
                        system.at_most(vec![(more, Ratio::whole(1))], most);
                        system.at_most(vec![(less, Ratio::whole(1))], Ratio::whole(effects));
                        sum = sum.plus(&Form::variable(more))?.minus(&Form::variable(less))?;
                    }
                    sum
                }
                Figure::Field(field, of_row) => {
                    let builtin = self.program.fields.get(field.0 as usize)?.builtin;
                    let name = match builtin {
                        // There may be fewer than none, which bounds of discounts do not know.
                        Some(Builtin::Line(crate::ir::line_slot::PRICE) | Builtin::UnitPrice) => {
                            Name::Price(by_piece)
                        }
                        Some(_) | None => Name::Field(*field, by_piece && *of_row),
                    };
                    if by_piece && !*of_row {
                        return None;
                    }
                    self.form(name, system)?
                }
            };
            form = form.plus(&of_figure.times(Ratio::whole((*times).into()))?)?;
        }
        Some(form)
    }

    /// A condition that holds, where it is a comparison of sums.
    fn hold(
        &mut self,
        condition: &Expr,
        (elements, phase): (&[LocalId], Phase),
        negated: bool,
        system: &mut System,
    ) {
        if let ExprKind::Not(inner) = &condition.kind {
            return self.hold(inner, (elements, phase), !negated, system);
        }
        let compare = |model: &mut Self, op: Comparison, left: &Expr, right: &Expr, system: &mut System| {
            for by_piece in [false, true] {
                if by_piece && model.basket {
                    continue;
                }
                let context = Context {
                    program: model.program,
                    ranges: model.ranges,
                    elements,
                    phase,
                    by_piece,
                    basket: model.basket,
                };
                // In a form of pieces nothing of the event has a place, and the other way round.
                let mut trial = system.clone();
                let left = context.exact(left, model, &mut trial);
                let right = context.exact(right, model, &mut trial);
                let Some((left, right)) = left.zip(right) else {
                    model.known.retain(|_, form| {
                        form.terms.iter().all(|(variable, _)| *variable < system.variables())
                    });
                    model.at_least_zero.retain(|variable| *variable < system.variables());
                    continue;
                };
                *system = trial;
                let less = Ratio::whole(-1);
                let form = left.minus(&right);
                match op {
                    Comparison::Less | Comparison::LessOrEqual => {
                        form.into_iter().for_each(|form| form.at_most_nothing(system));
                    }
                    Comparison::Greater | Comparison::GreaterOrEqual => {
                        let form = form.and_then(|form| form.times(less));
                        form.into_iter().for_each(|form| form.at_most_nothing(system));
                    }
                    Comparison::Equal => {
                        let turned = form.as_ref().and_then(|form| form.times(less));
                        form.into_iter().chain(turned).for_each(|form| form.at_most_nothing(system));
                    }
                    Comparison::NotEqual => {}
                }
                return;
            }
        };
        if let ExprKind::Compare(op, left, right) = &condition.kind {
            let op = if negated { op.opposite() } else { *op };
            compare(self, op, left, right, system);
        } else if let ExprKind::InRange { value, low, high, .. } = &condition.kind
            && !negated
        {
            compare(self, Comparison::GreaterOrEqual, value, low, system);
            compare(self, Comparison::LessOrEqual, value, high, system);
        }
    }

    /// No line is paid less for than its floor, as far as it costs as much.
    fn keep_floor(&mut self, promise: &Promise, system: &mut System) {
        let Some(floor) = self.program.settings.floor else { return };
        if promise.of != PromiseOf::Unit {
            return;
        }
        let speaks = promise.keep.figures().any(|figure| figure == Figure::Field(floor, true));
        // Only where what it costs is known to reach the floor.
        let asked = promise.asks.iter().any(|ask| says_initial_reaches(ask, floor));
        if speaks && asked && self.program.fields.get(floor.0 as usize).is_some_and(|field| field.den == 1) {
            let paid = self.form(Name::Paid(Phase::State), system);
            let least = self.form(Name::Field(floor, true), system);
            let form = least.zip(paid).and_then(|(least, paid)| least.minus(&paid));
            form.into_iter().for_each(|form| form.at_most_nothing(system));
        }
    }

    /// What groups and rules can give, with what they share and what limits them.
    fn bound_groups(&mut self, system: &mut System) -> Option<()> {
        let given = self.given.clone();
        let mut at = 0;
        while let Some((first, _)) = given.get(at) {
            let group_id = self.acts.get(*first)?.group;
            let of_group: Vec<(usize, usize)> = given
                .iter()
                .copied()
                .filter(|(act, _)| self.acts.get(*act).is_some_and(|act| act.group == group_id))
                .collect();
            at = at.checked_add(of_group.len())?;
            let group = self.program.groups.get(group_id.index())?;
            self.bound_group(group_id, group, &of_group, system)?;
        }
        Some(())
    }

    fn bound_group(
        &mut self,
        id: GroupId,
        group: &'p Group,
        of_group: &[(usize, usize)],
        system: &mut System,
    ) -> Option<()> {
        let one = Ratio::whole(1);
        let contested = match group.displace {
            Displace::None | Displace::Chain => false,
            Displace::First | Displace::BestForMember | Displace::BestForRetailer => true,
        };
        // Rules share what they compete for; one that wins a line alone has all of it.
        let shares = contested && (group.per == Scope::Unit || (self.basket && group.per == Scope::Line));
        let shrinks = contested && group.per == Scope::Unit;
        let wholes = [
            self.base(group, id, None, system)?,
            self.form(Name::Pieces, system)?,
            self.form(Name::Lines, system)?,
        ];
        let mut used = [(); 3].map(|()| Form::fixed(Ratio::whole(0)));
        let mut slack = Form::fixed(Ratio::whole(-1));
        let mut rules: Vec<RuleId> = Vec::new();
        for (act, _) in of_group {
            let rule = self.acts.get(*act)?.rule;
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        for rule in rules {
            let own: Vec<(usize, usize)> = of_group
                .iter()
                .copied()
                .filter(|(act, _)| self.acts.get(*act).is_some_and(|act| act.rule == rule))
                .collect();
            let mut parts = wholes.clone();
            if group.displace == Displace::Chain {
                parts[0] = self.base(group, id, Some(rule), system)?;
            }
            if shares {
                for (part, (whole, used)) in parts.iter_mut().zip(wholes.iter().zip(&mut used)) {
                    let variable = system.variable();
                    self.at_least_zero.push(variable);
                    *part = Form::variable(variable);
                    part.clone().minus(whole)?.at_most_nothing(system);
                    *used = used.clone().plus(part)?;
                }
            }
            let more = if shrinks {
                let variable = system.variable();
                self.at_least_zero.push(variable);
                system.at_most(vec![(variable, one)], one);
                let own = Form::variable(variable);
                // One rule at most keeps some of its pieces on a line.
                slack = slack.plus(&own)?;
                Some(own)
            } else {
                None
            };
            for (at, variable) in &own {
                self.bound_act(*at, *variable, &parts, more.as_ref(), shares, system)?;
            }
            let rule = self.program.rules.get(rule.index())?;
            self.bound_limits(&rule.limits, &own, system)?;
        }
        if shares {
            for (used, whole) in used.into_iter().zip(&wholes) {
                used.minus(whole)?.at_most_nothing(system);
            }
        }
        if shrinks && !self.basket {
            slack.at_most_nothing(system);
        }
        self.bound_limits(&group.limits, of_group, system)
    }

    /// What shares of a group are taken of, and what its awards are for.
    fn base(
        &mut self,
        group: &Group,
        id: GroupId,
        rule: Option<RuleId>,
        system: &mut System,
    ) -> Option<Form> {
        let initial = self.form(Name::Initial, system)?;
        match (group.phase, group.on_price) {
            (Phase::Earn | Phase::State | Phase::Tender, _) | (_, OnPrice::Original) => Some(initial),
            (Phase::Line | Phase::Set | Phase::Order | Phase::Delivery, OnPrice::Running) => {
                // Effects stand in the order of settlement.
                let before = |act: &Act<'_>| {
                    act.group < id
                        || rule.is_some_and(|rule| {
                            act.group == id && self.position(act.rule) < self.position(rule)
                        })
                };
                initial.minus(&self.taken(before)?)
            }
        }
    }

    fn position(&self, rule: RuleId) -> Option<usize> {
        self.acts.iter().position(|act| act.rule == rule)
    }

    /// Limits of an event; those over more than one may leave more, where something came back.
    fn bound_limits(&self, limits: &[Limit], acts: &[(usize, usize)], system: &mut System) -> Option<()> {
        for limit in limits.iter().filter(|limit| limit.over.is_none()) {
            let most = match limit.amount {
                LimitAmount::Fixed(amount) => Some(amount),
                LimitAmount::Param(param) => self
                    .program
                    .params
                    .get(param.index())
                    .and_then(|param| param.ir.range)
                    .map(|(_, high)| high),
            };
            let Some(most) = most else { continue };
            let limited = |act: &Act<'_>| match (limit.of, act.deed) {
                (LimitOf::Discounts, Deed::Discount { .. } | Deed::Gift) => true,
                (LimitOf::Awards(account), Deed::Award { account: own, .. }) => account == own,
                (LimitOf::Awards(_), Deed::Discount { .. } | Deed::Gift | Deed::Multiply { .. })
                | (LimitOf::Discounts, Deed::Award { .. } | Deed::Multiply { .. })
                | (LimitOf::Times | LimitOf::Gifts, _) => false,
            };
            let terms: Vec<(usize, Ratio)> = acts
                .iter()
                .filter(|(at, _)| self.acts.get(*at).is_some_and(limited))
                .map(|(_, variable)| (*variable, Ratio::whole(1)))
                .collect();
            if !terms.is_empty() {
                system.at_most(terms, Ratio::whole(most.max(0).into()));
            }
        }
        Some(())
    }

    /// What one effect can give, of parts of what there is: money, pieces, lines.
    fn bound_act(
        &mut self,
        at: usize,
        variable: usize,
        parts: &[Form; 3],
        more: Option<&Form>,
        shares: bool,
        system: &mut System,
    ) -> Option<()> {
        let act = self.acts.get(at)?.clone();
        let given = Form::variable(variable);
        let less = Ratio::whole(-1);
        let bounds = match act.deed {
            Deed::Discount { meaning, amount, fall, rounding, whole, once } => self.discount(
                &act,
                (meaning, amount, fall, rounding),
                (whole && !shares, once),
                parts,
                system,
            )?,
            Deed::Gift => Vec::new(),
            Deed::Award { .. } => self.award(&act, parts, system)?,
            Deed::Multiply { group, by } => {
                let high = self.ranges.of(by).high;
                let mut sum = Form::fixed(Ratio::whole(1));
                for (other, variable) in self.given.clone() {
                    if self.acts.get(other).is_some_and(|act| act.group == group) {
                        sum = sum.plus(&Form::variable(variable))?;
                    }
                }
                let further = high.and_then(|high| high.add(less)).filter(|by| by.num >= 0);
                let one = Form::fixed(Ratio::whole(1));
                further.and_then(|by| sum.times(by)).and_then(|form| form.plus(&one)).into_iter().collect()
            }
        };
        for mut bound in bounds {
            if let Some(more) = more {
                bound = bound.plus(more)?;
            }
            given.clone().minus(&bound)?.at_most_nothing(system);
        }
        Some(())
    }

    /// Sums that a discount does not exceed.
    fn discount(
        &mut self,
        act: &Act<'p>,
        (meaning, amount, fall, rounding): (DiscountAmount, &'p Expr, Fall, Rounding),
        (whole, once): (bool, bool),
        [money, pieces, lines]: &[Form; 3],
        system: &mut System,
    ) -> Option<Vec<Form>> {
        let bounds = self.ranges.of(amount);
        let nothing = Form::fixed(Ratio::whole(0));
        let one = Form::fixed(Ratio::whole(1));
        if !once {
            // So many times that only the price bounds it.
            return Some(Vec::new());
        }
        // Broken minor units of a part may be given whole: one for each line.
        let part = money.clone().plus(lines)?;
        let mut found = vec![part];
        match meaning {
            DiscountAmount::Share => {
                let share =
                    bounds.high.filter(|high| high.compare(Ratio::whole(1)).is_some_and(|o| o.is_lt()));
                let share = share.unwrap_or(Ratio::whole(1));
                if share.num <= 0 {
                    return Some(vec![nothing]);
                }
                let rounds = excess(rounding);
                let of = money.times(share)?;
                match fall {
                    Fall::Each(ir::Element::Unit) => found.push(of.plus(&pieces.times(rounds)?)?),
                    Fall::Each(ir::Element::Line) => found.push(of.plus(&lines.times(rounds)?)?),
                    Fall::Spread(_) if self.basket => found.push(of.plus(&one.times(rounds)?)?),
                    Fall::Spread(_) => {}
                }
            }
            DiscountAmount::Off => {
                let high = match bounds.high {
                    Some(high) if high.num <= 0 => return Some(vec![nothing]),
                    Some(high) => ceiling(high),
                    None => None,
                };
                match fall {
                    Fall::Each(ir::Element::Unit) => {
                        found.extend(high.and_then(|high| pieces.times(high)));
                    }
                    Fall::Each(ir::Element::Line) => {
                        found.extend(high.and_then(|high| lines.times(high)));
                        if !self.basket {
                            found.extend(
                                self.most(act, amount, system).into_iter().filter_map(|form| form.plus(&one)),
                            );
                        }
                    }
                    Fall::Spread(_) => {
                        found.extend(high.map(Form::fixed));
                        found.extend(
                            self.most(act, amount, system).into_iter().filter_map(|form| form.plus(&one)),
                        );
                    }
                }
            }
            DiscountAmount::Price => {
                let least = bounds.low.filter(|low| low.num > 0).unwrap_or(Ratio::whole(0));
                let rest = match fall {
                    Fall::Each(ir::Element::Unit) if whole && !self.basket => Some(pieces.times(least)?),
                    Fall::Each(ir::Element::Line) | Fall::Spread(_) if !self.basket && whole => {
                        matches!(fall, Fall::Each(_)).then(|| Form::fixed(least))
                    }
                    Fall::Each(_) | Fall::Spread(_) => None,
                };
                if let Some(rest) = rest.filter(|_| self.mode != Mode::Loose) {
                    let exact = bounds.low == bounds.high && least.den == 1;
                    let rounds = if exact { nothing } else { one };
                    let below = money.clone().minus(&rest)?.plus(&rounds)?;
                    // A price above the shelf price gives nothing. Such an effect is not among those that are chosen,
                    // see `Act::needs_more_than_conditions`.
                    found.push(below);
                }
            }
        }
        Some(found)
    }

    fn most(&mut self, act: &Act<'p>, amount: &Expr, system: &mut System) -> Vec<Form> {
        let context = Context {
            program: self.program,
            ranges: self.ranges,
            elements: &act.elements,
            phase: act.phase,
            by_piece: false,
            basket: self.basket,
        };
        context.most(amount, self, system)
    }

    /// Sums that an award does not exceed.
    fn award(&mut self, act: &Act<'p>, parts: &[Form; 3], system: &mut System) -> Option<Vec<Form>> {
        let Deed::Award { account, amount, each, rounding, whole: _, once } = act.deed else {
            return Some(Vec::new());
        };
        let account = self.program.accounts.get(account.index())?;
        if !once {
            return Some(Vec::new());
        }
        let lines = parts[2].clone();
        // What it rounds, and how often.
        let (rounding, by_each) = match rounding {
            Some(rounding) => (rounding, true),
            None => (account.rounding, account.per == RoundPer::Line),
        };
        let one = Form::fixed(Ratio::whole(1));
        let rounds = match (by_each, account.per) {
            (true, _) if each.is_some() && self.basket => lines.times(excess(rounding))?,
            (true, _) => one.times(excess(rounding))?,
            // What is left over by rounding a whole rule may come to any of its effects.
            (false, RoundPer::Line | RoundPer::Rule) => one,
            // Exact: the event rounds, see `side`.
            (false, RoundPer::Basket) => one.times(Ratio::whole(0))?,
        };
        let context = Context {
            program: self.program,
            ranges: self.ranges,
            elements: &act.elements,
            phase: act.phase,
            by_piece: each == Some(Element::Unit),
            basket: self.basket && each.is_none(),
        };
        let forms = context.most(amount, self, system);
        let mut found = Vec::new();
        for mut form in forms {
            if each.is_some() && self.basket {
                // Of each line: what is fixed is given as often as there are lines, sold or not.
                if !self.is_of_lines(&form) {
                    continue;
                }
                let fixed = std::mem::replace(&mut form.constant, Ratio::whole(0));
                if fixed.num > 0 || context.by_piece {
                    // Lines and pieces that are not sold are not counted, so that these are without end.
                    let counts = form.terms.iter().any(|(variable, _)| self.is_pieces(*variable));
                    if fixed.num > 0 || counts {
                        continue;
                    }
                }
            }
            found.push(form.plus(&rounds)?);
        }
        Some(found)
    }

    fn is_pieces(&self, variable: usize) -> bool {
        self.known.get(&Name::Pieces).is_some_and(|form| form.terms.iter().any(|(own, _)| *own == variable))
    }

    /// Whether a sum over lines is the same sum of what all lines have.
    fn is_of_lines(&self, form: &Form) -> bool {
        let initial = self.known.get(&Name::Initial);
        let own =
            |variable: usize| initial.is_some_and(|form| form.terms.iter().any(|(own, _)| *own == variable));
        form.terms
            .iter()
            .all(|(variable, _)| own(*variable) || self.is_given(*variable) || self.is_pieces(*variable))
    }
}

impl Act<'_> {
    /// Whether it can give nothing although its conditions hold, in a way that its bounds are made of: a price above
    /// what the goods cost.
    pub fn needs_more_than_conditions(&self) -> bool {
        matches!(self.deed, Deed::Discount { meaning: DiscountAmount::Price, .. })
    }

    /// Whether it takes off prices.
    pub fn is_discount(&self) -> bool {
        match self.deed {
            Deed::Discount { .. } => true,
            Deed::Gift => match self.phase {
                Phase::Line | Phase::Set | Phase::Order | Phase::Delivery => true,
                Phase::Tender | Phase::Earn | Phase::State => false,
            },
            Deed::Award { .. } | Deed::Multiply { .. } => false,
        }
    }
}

/// `unit.initial >= unit.floor`, in whichever order and with nothing else in it.
fn says_initial_reaches(ask: &Bound, floor: FieldId) -> bool {
    let single = |sum: &Sum, figure: Figure| {
        sum.constant == 0
            && matches!(sum.terms.as_slice(), [(times, own)] if *own == figure && *times == ask.den)
    };
    let (initial, least) = (Figure::Initial, Figure::Field(floor, true));
    match ask.comparison {
        Comparison::GreaterOrEqual | Comparison::Greater => {
            single(&ask.left, initial) && single(&ask.right, least)
        }
        Comparison::LessOrEqual | Comparison::Less => single(&ask.left, least) && single(&ask.right, initial),
        Comparison::Equal | Comparison::NotEqual => false,
    }
}
