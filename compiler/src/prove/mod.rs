//! Proofs over all events: what no event can bring about, whatever is bought. `proved` is said only where a system of
//! bounds that every event satisfies leaves no room for the opposite; where room is left, the proof names the effects
//! that leave it, and whoever can run events looks for one that does. It refuses to run anything, and to guess.

mod acts;
mod bounds;
mod forms;
mod gains;
mod model;
mod plans;
mod rules;
mod shadows;
pub mod simplex;

use crate::ir::{Comparison, DiscountAmount, Displace, EventId, Fall, PromiseOf, RuleId, Scope};
use crate::lint::bounds::Ranges;
use crate::lint::conditions::{Conditions, Verdict};
use crate::lint::shape::Shapes;
use crate::typed::{Builtin, Expr, ExprKind, Figure, LocalId, Program, Promise, Ratio, Step};
use acts::{Act, Deed, acts};
pub use bounds::{Bounded, Conflict, Declares, bounds};
pub use gains::{Gain, Obstacle};
use model::{Mode, Model, Name};
pub use rules::{Dead, Pair, Rules, pairs, rules};
pub use shadows::{Displacing, Gives, Shadow};
use simplex::Largest;

/// Choices of effects that are looked at for one promise and one kind of event.
const MAX_CHOICES: usize = 4_000;

/// Choices that leave room, which are told.
const TOLD: usize = 8;

/// Rules that are named as those that come nearest to break a promise.
const NAMED: usize = 5;

/// What can be said of a promise.
#[derive(Clone, Debug)]
pub enum Answer {
    /// No event breaks it; with the effects that come nearest.
    Proved(Option<Nearest>),
    /// The bounds leave room, by these choices of effects, the ones that leave most first.
    Open(Vec<Room>),
    /// It is not decided, for this reason.
    Undecided(String),
}

/// How near a promise comes to be broken.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The rules.
    pub rules: Vec<RuleId>,
    /// By how much the sides differ at least, in base units; never below nothing.
    pub rest: Ratio,
}

/// Effects under which the bounds do not rule out that a promise is broken.
#[derive(Clone, Debug)]
pub struct Room {
    /// For which kind of event.
    pub kind: EventId,
    /// The rules whose effects it takes.
    pub rules: Vec<RuleId>,
    /// Minor units that the line, or all lines, cost there.
    pub initial: Option<Ratio>,
    /// Pieces there.
    pub pieces: Option<Ratio>,
    /// Of these rules the bounds say less than what happens, and why.
    pub loose: Vec<(RuleId, &'static str)>,
}

/// What is asked of all rules of a program.
pub struct Prover<'p> {
    program: &'p Program,
    steps: Vec<Step>,
}

impl<'p> Prover<'p> {
    /// Of a program without errors.
    pub fn new(program: &'p Program) -> Prover<'p> {
        // Names are unique in a program, so that those of all rules can be known at once.
        let steps = program.rules.iter().flat_map(|rule| rule.steps.iter().cloned()).collect();
        Prover { program, steps }
    }

    /// What can be said of a promise.
    pub fn promise(&self, promise: &Promise) -> Answer {
        let ranges = Ranges::of_steps(self.program, &self.steps);
        let shapes = Shapes::of_steps(&self.steps);
        let mut nearest: Option<Nearest> = None;
        let mut open: Vec<(Option<Ratio>, Room)> = Vec::new();
        for kind in &promise.events {
            let all = acts(self.program, *kind);
            let asking = Asking { program: self.program, ranges: &ranges, shapes: &shapes, promise };
            let found = match asking.choices(&all, *kind) {
                Ok(found) => found,
                Err(why) => return Answer::Undecided(why),
            };
            open.extend(found.open);
            if let Some(near) = found.nearest
                && nearest
                    .as_ref()
                    .is_none_or(|known| near.rest.compare(known.rest).is_some_and(|order| order.is_lt()))
            {
                nearest = Some(near);
            }
        }
        if open.is_empty() {
            return Answer::Proved(nearest);
        }
        // Without end first, then by how much.
        open.sort_by(|(a, _), (b, _)| match (a, b) {
            (None, None) => std::cmp::Ordering::Equal,
            (None, Some(_)) => std::cmp::Ordering::Less,
            (Some(_), None) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => b.compare(*a).unwrap_or(std::cmp::Ordering::Equal),
        });
        Answer::Open(open.into_iter().map(|(_, room)| room).take(TOLD).collect())
    }
}

/// One promise, for one kind of event.
struct Asking<'a, 'p> {
    program: &'p Program,
    ranges: &'a Ranges<'p>,
    shapes: &'a Shapes,
    promise: &'a Promise,
}

#[derive(Default)]
struct Found {
    nearest: Option<Nearest>,
    open: Vec<(Option<Ratio>, Room)>,
}

/// The choices that are being gone through.
struct Walk<'w> {
    /// Effects that are in every choice.
    always: &'w [usize],
    /// Effects that are in or out.
    either: &'w [usize],
    against: &'w [Vec<bool>],
    /// By effect: whether leaving it out can matter although nothing is against it.
    free: &'w [bool],
    looked: usize,
}

impl<'p> Asking<'_, 'p> {
    fn speaks_of(&self, act: &Act<'p>) -> bool {
        match act.deed {
            Deed::Discount { .. } | Deed::Gift => act.is_discount(),
            Deed::Award { account, each, .. } => {
                let figure = self.promise.keep.figures().any(|figure| figure == Figure::Award(account));
                figure && (self.promise.of == PromiseOf::Basket || each.is_some())
            }
            Deed::Multiply { .. } => {
                self.promise.keep.figures().any(|figure| matches!(figure, Figure::Award(_)))
            }
        }
    }

    fn choices(&self, all: &[Act<'p>], kind: EventId) -> Result<Found, String> {
        let relevant: Vec<usize> = (0..all.len())
            .filter(|at| all.get(*at).is_some_and(|act| self.speaks_of(act) && self.can_be(&[act])))
            .collect();
        // All effects at once, whatever stands against it: most of what holds, holds even so.
        let mut found = Found::default();
        self.look(all, kind, &relevant, true, &mut found)?;
        if found.open.is_empty() {
            // Of many effects at once nobody learns which matter.
            found.nearest = found.nearest.filter(|nearest| nearest.rules.len() <= NAMED);
            return Ok(found);
        }
        let mut against = vec![vec![false; all.len()]; all.len()];
        for (position, a) in relevant.iter().enumerate() {
            for b in relevant.iter().skip(position.saturating_add(1)) {
                let (Some(one), Some(other)) = (all.get(*a), all.get(*b)) else { continue };
                if self.excludes(one, other) || !self.can_be(&[one, other]) {
                    for (x, y) in [(*a, *b), (*b, *a)] {
                        if let Some(place) = against.get_mut(x).and_then(|row| row.get_mut(y)) {
                            *place = true;
                        }
                    }
                }
            }
        }
        let free: Vec<bool> =
            all.iter().map(|act| !act.needs_more_than_conditions() && !self.has_numbers(act)).collect();
        let is_always = |at: &usize| {
            free.get(*at).copied().unwrap_or(false)
                && against.get(*at).is_some_and(|row| row.iter().all(|other| !other))
        };
        let always: Vec<usize> = relevant.iter().copied().filter(is_always).collect();
        let either: Vec<usize> = relevant.iter().copied().filter(|at| !is_always(at)).collect();
        let mut walk = Walk { always: &always, either: &either, against: &against, free: &free, looked: 0 };
        let mut found = Found::default();
        self.walk(all, kind, &mut walk, 0, &mut Vec::new(), &mut found)?;
        Ok(found)
    }

    /// Goes through the choices that nothing larger stands for.
    fn walk(
        &self,
        all: &[Act<'p>],
        kind: EventId,
        walk: &mut Walk<'_>,
        at: usize,
        chosen: &mut Vec<usize>,
        found: &mut Found,
    ) -> Result<(), String> {
        let against =
            |a: usize, b: usize| walk.against.get(a).and_then(|row| row.get(b)).copied().unwrap_or(false);
        if found.open.len() >= TOLD {
            return Ok(());
        }
        let Some(next) = walk.either.get(at).copied() else {
            let free = |act: &usize| walk.free.get(*act).copied().unwrap_or(false);
            let stands_for_more = walk
                .either
                .iter()
                .filter(|act| free(act) && !chosen.contains(act))
                .any(|act| chosen.iter().all(|other| !against(*act, *other)));
            if stands_for_more {
                return Ok(());
            }
            walk.looked = walk.looked.saturating_add(1);
            if walk.looked > MAX_CHOICES {
                return Err(format!(
                    "its rules can meet in more than {MAX_CHOICES} ways, which are not all looked at"
                ));
            }
            let mut all_chosen: Vec<usize> = walk.always.iter().chain(chosen.iter()).copied().collect();
            all_chosen.sort_unstable();
            return self.look(all, kind, &all_chosen, false, found);
        };
        let fits = chosen.iter().all(|other| !against(next, *other));
        if fits {
            chosen.push(next);
            self.walk(all, kind, walk, at.saturating_add(1), chosen, found)?;
            chosen.pop();
        }
        let free = walk.free.get(next).copied().unwrap_or(false);
        let later = walk.either.get(at.saturating_add(1)..).unwrap_or(&[]);
        let matters = !fits
            || !free
            || later.iter().any(|other| {
                walk.against.get(next).and_then(|row| row.get(*other)).copied().unwrap_or(false)
            });
        if matters {
            self.walk(all, kind, walk, at.saturating_add(1), chosen, found)?;
        }
        Ok(())
    }

    /// How much room one choice leaves.
    fn look(
        &self,
        all: &[Act<'p>],
        kind: EventId,
        chosen: &[usize],
        loose: bool,
        found: &mut Found,
    ) -> Result<(), String> {
        let too_large = || "its numbers are too large to be worked out exactly".to_owned();
        let mode = if loose { Mode::Loose } else { Mode::Exact };
        let Some(mut model) = Model::new(self.program, self.ranges, all, chosen, self.promise, mode) else {
            return Err(too_large());
        };
        let mut system = std::mem::take(&mut model.system);
        let Some(form) = model.difference(&self.promise.keep, self.promise.of, &mut system) else {
            return Err(
                "it compares a figure that is known only for the event with figures of a piece".to_owned()
            );
        };
        let turned = || form.times(Ratio::whole(-1));
        let (sides, strict) = match self.promise.keep.comparison {
            Comparison::LessOrEqual => (vec![Some(form.clone())], false),
            Comparison::Less => (vec![Some(form.clone())], true),
            Comparison::GreaterOrEqual => (vec![turned()], false),
            Comparison::Greater => (vec![turned()], true),
            Comparison::Equal => (vec![Some(form.clone()), turned()], false),
            Comparison::NotEqual => return Err("that two sides differ is not looked into".to_owned()),
        };
        let mut rules: Vec<RuleId> =
            chosen.iter().filter_map(|at| all.get(*at)).map(|act| act.rule).collect();
        rules.dedup();
        let mut loosely: Vec<(RuleId, &'static str)> = Vec::new();
        for act in chosen.iter().filter_map(|at| all.get(*at)) {
            if let Some(why) = self.is_loose(act)
                && !loosely.contains(&(act.rule, why))
            {
                loosely.push((act.rule, why));
            }
        }
        for side in sides {
            let Some(side) = side else { return Err(too_large()) };
            let den = Ratio::whole(self.promise.keep.den.into());
            match system.largest(&side.terms) {
                Largest::Nothing => {}
                Largest::Unknown => return Err(too_large()),
                Largest::Endless => {
                    let room = Room {
                        kind,
                        rules: rules.clone(),
                        initial: None,
                        pieces: None,
                        loose: loosely.clone(),
                    };
                    found.open.push((None, room));
                }
                Largest::Value(value, at) => {
                    let Some(value) = value.add(side.constant) else { return Err(too_large()) };
                    let breaks = value.num > 0 || (strict && value.num == 0);
                    if breaks {
                        let of = |name: Name| {
                            let form = model.of(name)?;
                            let mut sum = form.constant;
                            for (variable, times) in &form.terms {
                                sum = sum.add(at.get(*variable)?.multiplied(*times)?)?;
                            }
                            Some(sum)
                        };
                        let room = Room {
                            kind,
                            rules: rules.clone(),
                            initial: of(Name::Initial),
                            pieces: of(Name::Pieces),
                            loose: loosely.clone(),
                        };
                        found.open.push((value.divided(den), room));
                    } else if let Some(rest) = value.negated().and_then(|rest| rest.divided(den)) {
                        let nearer = found
                            .nearest
                            .as_ref()
                            .is_none_or(|known| rest.compare(known.rest).is_some_and(|order| order.is_lt()));
                        if nearer {
                            found.nearest = Some(Nearest { rules: rules.clone(), rest });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Why the bounds of an effect say less than what happens, where they do.
    fn is_loose(&self, act: &Act<'p>) -> Option<&'static str> {
        let of_line = self.promise.of != PromiseOf::Basket;
        let over = |limits: &[crate::typed::Limit]| limits.iter().any(|limit| limit.over.is_some());
        let rule = self.program.rules.get(act.rule.index());
        let group = self.program.groups.get(act.group.index());
        let remembers =
            rule.is_some_and(|rule| over(&rule.limits)) || group.is_some_and(|group| over(&group.limits));
        match act.deed {
            Deed::Gift => Some("gives products, which are bounded by what they cost"),
            Deed::Discount { once: false, .. } => Some(
                "is for sets, or is worked out more than once for a line, and is bounded by what the goods cost",
            ),
            Deed::Discount { meaning: DiscountAmount::Off | DiscountAmount::Share, amount, .. }
                if self.ranges.of(amount).high.is_none() =>
            {
                Some("takes off what only the data know, or what has no largest value")
            }
            Deed::Discount { meaning: DiscountAmount::Price, amount, .. }
                if self.ranges.of(amount).low.is_none_or(|low| low.num <= 0) =>
            {
                Some("sets a price that only the data know")
            }
            Deed::Discount { fall: Fall::Spread(_), .. } if of_line => {
                Some("spreads its amount over lines, of which one may get up to what it costs")
            }
            Deed::Award { once: false, .. } => Some("awards for sets, or more than once for a line"),
            Deed::Award { each: None, .. } if of_line => Some("awards to the basket, and not to a line"),
            Deed::Discount { .. } | Deed::Award { .. } if remembers => {
                Some("has a limit over more than one receipt, which may have made room again")
            }
            Deed::Discount { .. } | Deed::Award { .. } | Deed::Multiply { .. } => None,
        }
    }

    /// Whether displacement, or groups that exclude each other, let only one of two effects stay.
    fn excludes(&self, one: &Act<'p>, other: &Act<'p>) -> bool {
        let groups = &self.program.groups;
        if one.rule == other.rule {
            return false;
        }
        let of_line = self.promise.of != PromiseOf::Basket;
        if one.group == other.group {
            let Some(group) = groups.get(one.group.index()) else { return false };
            let contested = match group.displace {
                Displace::None | Displace::Chain => false,
                Displace::First | Displace::BestForMember | Displace::BestForRetailer => true,
            };
            return contested
                && match group.per {
                    Scope::Basket => true,
                    Scope::Line => of_line,
                    Scope::Unit => false,
                };
        }
        let says = |a: &Act<'p>, b: &Act<'p>| {
            groups.get(a.group.index()).is_some_and(|group| {
                group.excludes.iter().any(|exclusion| {
                    exclusion.group == b.group && (of_line || (exclusion.whole && !exclusion.when_better))
                })
            })
        };
        let of_goods = one.is_discount() && other.is_discount();
        of_goods && (says(one, other) || says(other, one))
    }

    /// Whether the conditions of these effects and those of the promise do not contradict each other.
    fn can_be(&self, acts: &[&Act<'p>]) -> bool {
        let mut conditions = Conditions::new(self.program, self.shapes, self.ranges);
        let of_line = self.promise.of != PromiseOf::Basket;
        let mut fits = |condition: &Expr, elements: &[LocalId]| {
            let Some(of) = simple(self.program, condition) else { return true };
            if let Some(of) = of
                && (!of_line || !elements.contains(&of))
            {
                return true;
            }
            !matches!(conditions.add(condition, of), Verdict::Never(_))
        };
        let own: Vec<LocalId> = self.promise.element.into_iter().collect();
        let asked = self.promise.conditions.iter().chain(&self.promise.line_conditions);
        asked.into_iter().all(|condition| fits(condition, &own))
            && acts.iter().all(|act| {
                let parts = act.conditions.iter().copied().chain(act.of_line.iter().map(|(part, _)| *part));
                parts.into_iter().all(|condition| fits(condition, &act.elements))
            })
    }

    /// Whether a condition compares numbers, so that the bounds say something of it.
    fn has_numbers(&self, act: &Act<'p>) -> bool {
        let parts = act.conditions.iter().copied().chain(act.of_line.iter().map(|(part, _)| *part));
        parts.into_iter().any(numbers)
    }
}

fn numbers(condition: &Expr) -> bool {
    match &condition.kind {
        ExprKind::Not(inner) => numbers(inner),
        ExprKind::Compare(_, left, _) => is_number(left),
        ExprKind::InRange { value, .. } => is_number(value),
        ExprKind::Error
        | ExprKind::Constant(_)
        | ExprKind::Bool(_)
        | ExprKind::Ordinal(_)
        | ExprKind::Field { .. }
        | ExprKind::Local(_)
        | ExprKind::Param(_)
        | ExprKind::Call(..)
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::OneOf(..)
        | ExprKind::InReference(..)
        | ExprKind::SetHas(..)
        | ExprKind::SetContains(..)
        | ExprKind::Known(_)
        | ExprKind::Convert { .. }
        | ExprKind::Sum(_)
        | ExprKind::Product(_)
        | ExprKind::Modulo(..)
        | ExprKind::Negate(_)
        | ExprKind::AddMonths(..)
        | ExprKind::Instant(..)
        | ExprKind::Moved(..)
        | ExprKind::Calendar(..)
        | ExprKind::Steps(..)
        | ExprKind::Extreme { .. }
        | ExprKind::Aggregate { .. }
        | ExprKind::Match { .. } => false,
    }
}

fn is_number(value: &Expr) -> bool {
    use crate::typed::Type;
    match value.ty.present() {
        Type::Money | Type::Points(_) | Type::Number | Type::Count(_) => true,
        Type::Error
        | Type::Bool
        | Type::Percent
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
        | Type::Optional(_)
        | Type::Collection(_)
        | Type::Record(_) => false,
    }
}

/// Whether a condition asks fields that stay what they are while an event is settled, all of the event or all of one
/// line: whose. `None` where it asks anything else.
pub(crate) fn simple(program: &Program, condition: &Expr) -> Option<Option<LocalId>> {
    fn joined(a: Option<LocalId>, b: Option<LocalId>) -> Option<Option<LocalId>> {
        match (a, b) {
            (Some(a), Some(b)) if a != b => None,
            (Some(of), _) | (None, Some(of)) => Some(Some(of)),
            (None, None) => Some(None),
        }
    }
    let again = |expr: &Expr| simple(program, expr);
    if let ExprKind::Not(inner)
    | ExprKind::Known(inner)
    | ExprKind::InReference(inner, _)
    | ExprKind::SetHas(inner, _)
    | ExprKind::OneOf(inner, _)
    | ExprKind::Negate(inner) = &condition.kind
    {
        return again(inner);
    }
    if let ExprKind::And(parts) | ExprKind::Or(parts) = &condition.kind {
        return parts.iter().try_fold(None, |of, part| joined(of, again(part)?));
    }
    if let ExprKind::Compare(_, left, right) = &condition.kind {
        return joined(again(left)?, again(right)?);
    }
    if let ExprKind::InRange { value, low, high, .. } = &condition.kind {
        return joined(again(value)?, joined(again(low)?, again(high)?)?);
    }
    if let ExprKind::Constant(_) | ExprKind::Bool(_) | ExprKind::Ordinal(_) = &condition.kind {
        return Some(None);
    }
    let ExprKind::Field { field, of } = &condition.kind else { return None };
    match program.fields.get(field.0 as usize)?.builtin {
        Some(
            Builtin::Event(crate::ir::event_slot::BASKET_PAID)
            | Builtin::Line(crate::ir::line_slot::PAID)
            | Builtin::UnitPaid
            | Builtin::Tender(_)
            | Builtin::Settled(_)
            | Builtin::Payment(_)
            | Builtin::Row(..)
            | Builtin::Balance(_)
            | Builtin::Read(_),
        ) => None,
        Some(
            Builtin::Event(_)
            | Builtin::Line(_)
            | Builtin::UnitPrice
            | Builtin::UnitInitial
            | Builtin::Until(_)
            | Builtin::Anniversary(_),
        )
        | None => Some(*of),
    }
}
