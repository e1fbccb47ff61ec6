//! Rules that never stay: another rule of the group is asked wherever they are, and displaces them wherever they give
//! something. It says so only where conditions and amounts can be held against each other as they are written, and
//! refuses to look at events.

use super::acts::{Act, Deed};
use super::simple;
use crate::ir::{
    self, AccountId, DiscountAmount, Displace, Effective, EventId, Fall, GroupId, Rounding, RuleId, Scope,
};
use crate::lint::bounds::Ranges;
use crate::lint::conditions::{Conditions, Verdict};
use crate::lint::shape::Shapes;
use crate::typed::walk;
use crate::typed::{Element, Expr, ExprKind, LocalId, Program, Ratio, Rule, Step};
use std::cmp::Ordering;

/// A rule that never stays.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// The rule.
    pub rule: RuleId,
    /// Rules each of which alone displaces it wherever it gives something; or where none does alone, some that do together:
    /// one of them is asked wherever it is.
    pub by: Vec<Displacing>,
    /// None of them does alone, nor do they without any of them.
    pub together: bool,
}

/// A rule that displaces another, and what makes it do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Displacing {
    /// The rule.
    pub rule: RuleId,
    /// How what it gives compares.
    pub gives: Gives,
}

/// How much the rule that stays gives, where both are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Something, and it stands before the other.
    Something,
    /// As much, and it stands before the other.
    AsMuch,
    /// More.
    More,
    /// No more, and it stands before the other.
    NoMore,
}

/// What is known of all rules.
pub(super) struct Facts<'c, 'p> {
    pub program: &'p Program,
    pub ranges: &'c Ranges<'p>,
    pub shapes: &'c Shapes,
    /// By kind of event.
    pub acts: &'c [Vec<Act<'p>>],
}

/// A condition, and the line that it asks.
#[derive(Clone, Copy)]
struct Part<'p> {
    condition: &'p Expr,
    of: Option<LocalId>,
}

/// How two amounts compare, wherever the second is above nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    at_least: bool,
    more: bool,
    at_most: bool,
}

impl<'p> Facts<'_, 'p> {
    /// The rules of a group that never stay, of those in the order of settlement.
    pub fn shadows(&self, group: GroupId, rules: &[RuleId]) -> Vec<Shadow> {
        let Some(of) = self.program.groups.get(group.index()) else { return Vec::new() };
        match of.displace {
            Displace::None | Displace::Chain => return Vec::new(),
            Displace::First | Displace::BestForMember | Displace::BestForRetailer => {}
        }
        let mut found = Vec::new();
        for (at, loser) in rules.iter().enumerate() {
            let displacing = |(position, winner): (usize, &RuleId)| {
                let gives = self.displaces((of.displace, of.per), *winner, *loser, position < at)?;
                Some(Displacing { rule: *winner, gives })
            };
            let by: Vec<Displacing> = rules
                .iter()
                .enumerate()
                .filter(|(position, _)| *position != at)
                .filter_map(displacing)
                .collect();
            if !by.is_empty() {
                found.push(Shadow { rule: *loser, by, together: false });
                continue;
            }
            let by = self.together((of.displace, of.per), rules, *loser, at);
            if !by.is_empty() {
                found.push(Shadow { rule: *loser, by, together: true });
            }
        }
        found
    }

    fn rule(&self, id: RuleId) -> Option<&'p Rule> {
        self.program.rules.get(id.index())
    }

    /// Whether one rule takes from another whatever that one could have.
    fn displaces(
        &self,
        (displace, per): (Displace, Scope),
        winner: RuleId,
        loser: RuleId,
        before: bool,
    ) -> Option<Gives> {
        let second = self.may_displace(displace, winner, loser)?;
        let mut answer: Option<Gives> = None;
        for kind in &second.events {
            let mut own = self.of(*kind, loser);
            let lost = own.next()?;
            if own.next().is_some() {
                return None;
            }
            let gives = self.of(*kind, winner).find_map(|act| {
                let gives = self.covers((displace, per), act, lost, before)?;
                self.asked_wherever(act, lost).then_some(gives)
            })?;
            answer = Some(gives);
        }
        answer
    }

    /// Whether a rule can displace another one at all, by what it is; the other one.
    fn may_displace(&self, displace: Displace, winner: RuleId, loser: RuleId) -> Option<&'p Rule> {
        let (first, second) = (self.rule(winner)?, self.rule(loser)?);
        let takes_part = match first.governance.effective {
            Effective::Stated => true,
            Effective::From(_) | Effective::Never => false,
        };
        // What a coupon gives is asked for where its code is presented, which no condition says.
        let of_coupon = self.program.instruments.coupons.iter().any(|coupon| coupon.rule == winner);
        if !takes_part || of_coupon || !second.events.iter().all(|kind| first.events.contains(kind)) {
            return None;
        }
        // Nothing but amounts that compete, one of the loser's.
        let (mut of_winner, mut of_loser) = (0usize, 0usize);
        if !only_amounts(&first.steps, &mut of_winner) || !only_amounts(&second.steps, &mut of_loser) {
            return None;
        }
        if of_loser != 1 || of_winner == 0 || (displace == Displace::BestForRetailer && of_winner != 1) {
            return None;
        }
        Some(second)
    }

    /// A smallest set of rules of which one is asked wherever a rule is, and displaces it there.
    fn together(
        &self,
        group: (Displace, Scope),
        rules: &[RuleId],
        loser: RuleId,
        at: usize,
    ) -> Vec<Displacing> {
        let mut by: Vec<Displacing> = Vec::new();
        let Some(lost) = self.rule(loser).filter(|rule| !rule.events.is_empty()) else { return by };
        for (position, winner) in rules.iter().enumerate().filter(|(position, _)| *position != at) {
            let each =
                lost.events.iter().map(|kind| self.partly(group, *kind, *winner, loser, position < at));
            let all: Option<Vec<(Gives, Part<'p>)>> = each.collect();
            if let Some((gives, _)) = all.and_then(|all| all.first().copied()) {
                by.push(Displacing { rule: *winner, gives });
            }
        }
        let cover = |by: &[Displacing]| {
            lost.events.iter().all(|kind| self.cover(group, *kind, by, (rules, loser, at)))
        };
        if by.len() < 2 || !cover(&by) {
            return Vec::new();
        }
        for place in (0..by.len()).rev() {
            let mut without = by.clone();
            if place < without.len() {
                without.remove(place);
            }
            if cover(&without) {
                by = without;
            }
        }
        by
    }

    /// Whether one of these is asked wherever a rule is, for one kind of event.
    fn cover(
        &self,
        group: (Displace, Scope),
        kind: EventId,
        by: &[Displacing],
        (rules, loser, at): (&[RuleId], RuleId, usize),
    ) -> bool {
        let Some(lost) = self.of(kind, loser).next() else { return false };
        let mut known = self.known_of(lost);
        by.iter().any(|own| {
            let before = rules.iter().position(|rule| *rule == own.rule).is_some_and(|place| place < at);
            let Some((_, part)) = self.partly(group, kind, own.rule, loser, before) else { return false };
            // Where none of those before it is asked, and neither is this one: nowhere.
            matches!(known.add_opposite_of(part.condition, part.of), Verdict::Never(_))
        })
    }

    /// Whether a rule displaces another one wherever one condition more holds, and that condition.
    fn partly(
        &self,
        group: (Displace, Scope),
        kind: EventId,
        winner: RuleId,
        loser: RuleId,
        before: bool,
    ) -> Option<(Gives, Part<'p>)> {
        self.may_displace(group.0, winner, loser)?;
        let mut own = self.of(kind, loser);
        let lost = own.next()?;
        if own.next().is_some() {
            return None;
        }
        self.of(kind, winner).find_map(|act| {
            let gives = self.covers(group, act, lost, before)?;
            let part = self.asked_where(act, lost)?;
            // What each line keeps says nothing of what the whole basket does.
            let of_some_lines = part.of.is_some() && group.1 == Scope::Basket;
            (!of_some_lines || group.0 == Displace::First).then_some((gives, part))
        })
    }

    /// The one condition under which an effect falls wherever another one does; nothing where there are more, or none.
    fn asked_where(&self, winner: &Act<'p>, loser: &Act<'p>) -> Option<Part<'p>> {
        let mut known = self.known_of(loser);
        let parts = winner
            .conditions
            .iter()
            .map(|condition| (*condition, self.element(winner, condition)))
            .chain(winner.of_line.iter().map(|(condition, of)| (*condition, Some(*of))));
        let mut open = None;
        for (condition, of) in parts {
            match known.add(condition, of) {
                Verdict::Always | Verdict::Implied(_) | Verdict::Repeated(_) => {}
                Verdict::Open if open.is_none() => open = Some(Part { condition, of }),
                Verdict::Open | Verdict::Never(_) => return None,
            }
        }
        open
    }

    /// What holds wherever an effect falls.
    fn known_of(&self, act: &Act<'p>) -> Conditions<'_, 'p> {
        let mut known = Conditions::new(self.program, self.shapes, self.ranges);
        for condition in &act.conditions {
            known.add(condition, self.element(act, condition));
        }
        for (condition, of) in &act.of_line {
            known.add(condition, Some(*of));
        }
        known
    }

    /// Whose fields a condition asks, where those are a line's of the effect.
    fn element(&self, act: &Act<'p>, condition: &Expr) -> Option<LocalId> {
        match simple(self.program, condition) {
            Some(Some(of)) if act.elements.contains(&of) => Some(of),
            Some(_) | None => None,
        }
    }

    fn of(&self, kind: EventId, rule: RuleId) -> impl Iterator<Item = &Act<'p>> {
        self.acts.get(kind.index()).into_iter().flatten().filter(move |act| act.rule == rule)
    }

    /// Whether an effect falls wherever another one does, as far as conditions go.
    fn asked_wherever(&self, winner: &Act<'p>, loser: &Act<'p>) -> bool {
        let mut known = self.known_of(loser);
        let mut follows = |condition: &Expr, of: Option<LocalId>| match known.add(condition, of) {
            Verdict::Always | Verdict::Implied(_) | Verdict::Repeated(_) => true,
            Verdict::Open | Verdict::Never(_) => false,
        };
        winner.conditions.iter().all(|condition| follows(condition, self.element(winner, condition)))
            && winner.of_line.iter().all(|(condition, of)| follows(condition, Some(*of)))
    }

    /// Whether what an effect gives displaces another one wherever both fall.
    fn covers(
        &self,
        (displace, per): (Displace, Scope),
        winner: &Act<'p>,
        loser: &Act<'p>,
        before: bool,
    ) -> Option<Gives> {
        // Where pieces are ranked by what each of them is given, and where the least stays, the same pieces must be meant.
        let more_pieces = per != Scope::Unit && displace != Displace::BestForRetailer;
        let (compared, exact, positive) = match (winner.deed, loser.deed) {
            (
                Deed::Discount { meaning, amount, fall, rounding, whole, once },
                Deed::Discount {
                    meaning: other_meaning,
                    amount: other_amount,
                    fall: other_fall,
                    rounding: other_rounding,
                    whole: other_whole,
                    once: other_once,
                },
            ) => {
                let (Fall::Each(each), Fall::Each(other_each)) = (fall, other_fall) else { return None };
                if !once || !other_once || !whole || !(other_whole || more_pieces) {
                    return None;
                }
                let alike = each == other_each && meaning == other_meaning;
                let mut compared = self.compared((amount, winner), (other_amount, loser));
                if meaning == DiscountAmount::Price {
                    let (at_least, at_most) = (compared.at_most, compared.at_least);
                    // A price of less than nothing is nothing.
                    compared = Compared { at_least, more: false, at_most };
                    if !self.is_above(amount, 0) || !self.is_above(other_amount, 0) {
                        compared = Compared::default();
                    }
                }
                if !alike || rounding != other_rounding {
                    compared = Compared::default();
                }
                let positive = match meaning {
                    DiscountAmount::Off => self.is_above(amount, 1),
                    DiscountAmount::Share => rounding == Rounding::Up && self.is_share(amount),
                    DiscountAmount::Price => false,
                };
                (compared, false, positive)
            }
            (
                Deed::Award { account, amount, each, rounding, whole, once },
                Deed::Award {
                    account: other_account,
                    amount: other_amount,
                    each: other_each,
                    rounding: other_rounding,
                    whole: other_whole,
                    once: other_once,
                },
            ) => {
                if !whole || !(other_whole || more_pieces) {
                    return None;
                }
                let same = self.same_award(
                    (account, each, rounding, once),
                    (other_account, other_each, other_rounding, other_once),
                );
                if !same || self.is_kept_apart(winner.rule) {
                    return None;
                }
                let compared = self.compared((amount, winner), (other_amount, loser));
                (compared, true, self.is_above(amount, 1))
            }
            (
                Deed::Discount { .. } | Deed::Gift | Deed::Award { .. } | Deed::Multiply { .. },
                Deed::Discount { .. } | Deed::Gift | Deed::Award { .. } | Deed::Multiply { .. },
            ) => return None,
        };
        match displace {
            Displace::None | Displace::Chain => None,
            Displace::First if before && positive => Some(Gives::Something),
            Displace::First if before && compared.at_least => Some(Gives::AsMuch),
            Displace::First => None,
            // What is rounded may come to the same, and then the one that stands first stays.
            Displace::BestForMember if compared.more && exact => Some(Gives::More),
            Displace::BestForMember if before && compared.at_least => Some(Gives::AsMuch),
            Displace::BestForMember => None,
            Displace::BestForRetailer => {
                let gives_some = positive || compared.at_least;
                (before && compared.at_most && gives_some && per == Scope::Line).then_some(Gives::NoMore)
            }
        }
    }

    fn same_award(
        &self,
        (account, each, rounding, once): (AccountId, Option<Element>, Option<Rounding>, bool),
        other: (AccountId, Option<Element>, Option<Rounding>, bool),
    ) -> bool {
        once && (account, each, rounding, once) == other
    }

    /// Whether a rule's award is not worked out again when goods come back, so that another could then stay.
    fn is_kept_apart(&self, rule: RuleId) -> bool {
        self.rule(rule).is_none_or(|rule| walk::any_step(&rule.steps, &says_cancel))
    }

    fn is_above(&self, amount: &Expr, least: i128) -> bool {
        let low = self.ranges.of(amount).low;
        low.is_some_and(|low| low.compare(Ratio::whole(least)).is_some_and(Ordering::is_ge))
    }

    fn is_share(&self, amount: &Expr) -> bool {
        self.ranges.of(amount).low.is_some_and(|low| low.num > 0)
    }

    /// How two amounts compare: by the least and the most that they can be, or as parts of the same.
    fn compared(&self, (one, of): (&Expr, &Act<'p>), (other, of_other): (&Expr, &Act<'p>)) -> Compared {
        let (a, b) = (self.ranges.of(one), self.ranges.of(other));
        let order = |a: Option<Ratio>, b: Option<Ratio>| a?.compare(b?);
        let mut found = Compared {
            at_least: order(a.low, b.high).is_some_and(Ordering::is_ge),
            more: order(a.low, b.high).is_some_and(Ordering::is_gt),
            at_most: order(a.high, b.low).is_some_and(Ordering::is_le),
        };
        let (Some((times, part)), Some((other_times, other_part))) = (self.part(one), self.part(other))
        else {
            return found;
        };
        let same = self.shapes.of(part) == self.shapes.of(other_part)
            || of.elements.iter().any(|element| {
                let shape = self.shapes.of_element(part, *element);
                of_other.elements.iter().any(|other| self.shapes.of_element(other_part, *other) == shape)
            });
        // Where the second is above nothing, so is what both are parts of.
        if same && other_times.num > 0 {
            let order = times.compare(other_times);
            found.at_least |= order.is_some_and(Ordering::is_ge);
            found.more |= order.is_some_and(Ordering::is_gt);
            found.at_most |= order.is_some_and(Ordering::is_le);
        }
        found
    }

    /// An expression as a number of times another.
    fn part<'e>(&self, expr: &'e Expr) -> Option<(Ratio, &'e Expr)>
    where
        'p: 'e,
    {
        let mut times = Ratio::whole(1);
        let mut at = self.ranges.behind(expr);
        for _ in 0..24 {
            if let ExprKind::Convert { value, ratio, rounding: None } = &at.kind {
                times = times.multiplied(*ratio)?;
                at = self.ranges.behind(value);
                continue;
            }
            let ExprKind::Product(factors) = &at.kind else { break };
            let mut by = Ratio::whole(1);
            let mut rest: Option<&Expr> = None;
            for (divides, factor) in factors {
                match (crate::check::types::constant(factor), divides) {
                    (Some(value), true) => by = by.divided(value)?,
                    (Some(value), false) => by = by.multiplied(value)?,
                    (None, false) if rest.is_none() => rest = Some(factor),
                    (None, _) => return Some((times, at)),
                }
            }
            let Some(rest) = rest else { break };
            times = times.multiplied(by)?;
            at = self.ranges.behind(rest);
        }
        Some((times, at))
    }
}

/// Whether steps do nothing but discount and award; counts how often.
fn only_amounts(steps: &[Step], count: &mut usize) -> bool {
    steps.iter().all(|step| match step {
        Step::When(_) | Step::Let(..) | Step::LetCollection(..) => true,
        Step::ForEach { source: _, body } => only_amounts(body, count),
        Step::Discount { .. } | Step::Award { to: None, .. } => {
            *count = count.saturating_add(1);
            true
        }
        Step::Award { .. }
        | Step::Sets { .. }
        | Step::Debit { .. }
        | Step::TenderLines { .. }
        | Step::TenderTerm { .. }
        | Step::Multiply { .. }
        | Step::Issue { .. }
        | Step::Gift { .. }
        | Step::Tell { .. }
        | Step::Set { .. } => false,
    })
}

pub(super) fn says_cancel(step: &Step) -> bool {
    matches!(step, Step::Award { life: ir::Life { cancel: Some(_), .. }, .. })
}
