//! Whether the same goods are ever better bought in another way: on two receipts rather than one, on one rather than two,
//! with more that is brought back. What rules give is held together effect by effect: one that gives of each piece the same
//! wherever the piece stands gives both ways the same, and one of which the total only grows (or only shrinks) by putting
//! receipts together never gains by taking them apart (or by putting them together). It refuses to look at receipts.

use super::Prover;
use super::acts::{Act, Deed, acts};
use super::shadows::says_cancel;
use crate::check::types::constant;
use crate::ir::{
    self, Comparison, DiscountAmount, Displace, Effective, EventId, Fall, GroupId, OnPrice, Otherwise,
    RuleId, Scope, Weight, event_slot, line_slot,
};
use crate::lint::bounds::Ranges;
use crate::typed::walk::{self, Node};
use crate::typed::{
    Aggregate, Builtin, Element, Expr, ExprKind, FieldId, LocalId, Pattern, Program, Ratio, SourceKind, Step,
    Way,
};
use std::cmp::Ordering;

/// How deep names and functions are followed.
const DEEPEST: u32 = 24;

/// What can be said of a way of buying.
#[derive(Clone, Debug)]
pub enum Gain {
    /// It never gains; but for what is rounded of the effects of these rules.
    Never(Vec<RuleId>),
    /// These stand in the way of a proof.
    Open(Vec<Obstacle>),
}

/// What stands in the way of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The rule.
    pub rule: RuleId,
    /// What of it, as the end of a sentence that begins with the rule.
    pub why: String,
}

/// How a total over goods grows where two receipts are put together. What it is of is never below nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grow {
    /// At least as much as on both.
    at_least: bool,
    /// At most as much as on both.
    at_most: bool,
    /// It is a whole number.
    whole: bool,
    /// It is of prices after discounts, which may be rounded.
    of_paid: bool,
}

/// For what an amount is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Basket,
    Line,
    Unit,
}

/// What is known while the effects of a kind of event are gone through, in the order of settlement.
struct Reading<'a, 'p> {
    program: &'p Program,
    ranges: &'a Ranges<'p>,
    way: Way,
    /// Fields that receipts change.
    changing: Vec<FieldId>,
    /// Some discount so far is rounded otherwise on parts of its goods.
    rounded: bool,
    /// The only discount that is no local one.
    far: Option<RuleId>,
    obstacles: Vec<Obstacle>,
    rounds: Vec<RuleId>,
}

impl Prover<'_> {
    /// What can be said of a way of buying with a kind of event.
    pub fn gain(&self, way: Way, kind: EventId) -> Gain {
        let ranges = Ranges::of_steps(self.program, &self.steps);
        let mut reading = Reading::new(self.program, &ranges, way);
        reading.rules(kind);
        let all = acts(self.program, kind);
        reading.discounts(&all);
        reading.awards(&all);
        if reading.obstacles.is_empty() {
            reading.rounds.sort_unstable();
            reading.rounds.dedup();
            Gain::Never(reading.rounds)
        } else {
            Gain::Open(reading.obstacles)
        }
    }

    /// Whether rules discount or award anything for a kind of event.
    pub fn has_effects(&self, kind: EventId) -> bool {
        !acts(self.program, kind).is_empty()
    }

    /// The rules of which an amount may be rounded for an event of this kind.
    pub fn rounding(&self, kind: EventId) -> Vec<RuleId> {
        let ranges = Ranges::of_steps(self.program, &self.steps);
        let reading = Reading::new(self.program, &ranges, Way::Splitting);
        let all = acts(self.program, kind);
        all.iter().filter(|act| !reading.is_whole(act)).map(|act| act.rule).collect()
    }
}

impl<'a, 'p> Reading<'a, 'p> {
    fn new(program: &'p Program, ranges: &'a Ranges<'p>, way: Way) -> Reading<'a, 'p> {
        let mut changing: Vec<FieldId> = program.instruments.tiers.iter().map(|tiers| tiers.field).collect();
        for rule in &program.rules {
            walk::steps(&rule.steps, &mut |node| {
                if let Node::Step(Step::Set { field, .. }) = node {
                    changing.push(*field);
                }
            });
        }
        Reading {
            program,
            ranges,
            way,
            changing,
            rounded: false,
            far: None,
            obstacles: Vec::new(),
            rounds: Vec::new(),
        }
    }

    /// Whether what it gives is never rounded.
    fn is_whole(&self, act: &Act<'p>) -> bool {
        match act.deed {
            Deed::Discount { meaning: DiscountAmount::Off | DiscountAmount::Price, amount, .. } => {
                constant(amount).is_some_and(|amount| amount.den == 1)
            }
            Deed::Award { amount, each, .. } => {
                let of = match each {
                    None => For::Basket,
                    Some(Element::Line) => For::Line,
                    Some(Element::Unit | Element::Payment | Element::Row(_)) => For::Unit,
                };
                self.grow(amount, &act.elements, of).is_some_and(|grow| grow.whole)
            }
            Deed::Discount { .. } | Deed::Gift | Deed::Multiply { .. } => false,
        }
    }
}

impl<'p> Reading<'_, 'p> {
    fn stands_in_the_way(&mut self, rule: RuleId, why: &str) {
        let obstacle = Obstacle { rule, why: why.to_owned() };
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
    }

    fn is_off(&self, rule: RuleId) -> bool {
        self.program.rules.get(rule.index()).is_none_or(|rule| rule.governance.effective == Effective::Never)
    }

    /// What rules do beside prices and points, and what they remember.
    fn rules(&mut self, kind: EventId) {
        for (rule, id) in self.program.rules.iter().zip(0u32..) {
            let id = RuleId(id);
            if self.is_off(id) {
                continue;
            }
            if !rule.events.contains(&kind) {
                let rises = !self.program.instruments.tiers.is_empty() && self.way != Way::Returning;
                if rises && walk::any_step(&rule.steps, &gives_points) {
                    self.stands_in_the_way(
                        id,
                        "may be heard of a level that a receipt makes the member reach",
                    );
                }
                continue;
            }
            if self.program.instruments.coupons.iter().any(|coupon| coupon.rule == id) {
                self.stands_in_the_way(id, "is for a coupon, which is redeemed once");
            }
            self.steps(id, &rule.steps);
            let group = self.program.groups.get(rule.group.index());
            let limits = rule.limits.iter().chain(group.into_iter().flat_map(|group| &group.limits));
            let remembers = limits.into_iter().any(|limit| limit.over.is_some());
            if remembers && self.way != Way::Returning {
                self.stands_in_the_way(id, "has a limit over more than one receipt");
            }
        }
    }

    fn steps(&mut self, id: RuleId, steps: &[Step]) {
        for step in steps {
            match step {
                Step::ForEach { body, .. } => self.steps(id, body),
                Step::Sets { body, .. } => {
                    self.stands_in_the_way(id, "is for sets, which other goods complete");
                    self.steps(id, body);
                }
                Step::Debit { .. } => self.stands_in_the_way(id, "takes points, which have to be there"),
                Step::Gift { .. } => self.stands_in_the_way(id, "gives products"),
                // What is issued and set is no money and no points; what reads it is asked below. Nothing is paid with
                // points here, and what others get is not the member's.
                Step::Issue { .. }
                | Step::Set { .. }
                | Step::Tell { .. }
                | Step::TenderLines { .. }
                | Step::TenderTerm { .. }
                | Step::Award { .. }
                | Step::Multiply { .. }
                | Step::Discount { .. }
                | Step::When(_)
                | Step::Let(..)
                | Step::LetCollection(..) => {}
            }
        }
    }

    fn discounts(&mut self, all: &[Act<'p>]) {
        let discounts: Vec<&Act<'p>> =
            all.iter().filter(|act| act.is_discount() && !self.is_off(act.rule)).collect();
        for (at, act) in discounts.iter().enumerate() {
            if matches!(act.deed, Deed::Gift) {
                continue;
            }
            let of_group: Vec<&Act<'p>> =
                discounts.iter().copied().filter(|other| other.group == act.group).collect();
            if let Err(why) = self.beside(act, &of_group, all) {
                self.stands_in_the_way(act.rule, why);
                continue;
            }
            let alone = of_group.len() == 1;
            match self.local(act, at == 0, alone) {
                Ok(rounds) => {
                    let limited = self.limits(act).next().is_some();
                    if limited && let Err(why) = self.of_all(act, at, &discounts, all) {
                        self.stands_in_the_way(act.rule, why);
                    }
                    if rounds {
                        self.rounds.push(act.rule);
                        if self.is_touchy(act, &of_group, all) {
                            self.stands_in_the_way(
                                act.rule,
                                "is rounded for each line, and what it rounds to decides which rule stays",
                            );
                        }
                    }
                    self.rounded |= rounds;
                }
                Err(why) => {
                    if let Err(other) = self.of_all(act, at, &discounts, all) {
                        // What keeps it from being local says more than that it is not the last one.
                        let why = if self.way == Way::Returning { why } else { longer(why, other) };
                        self.stands_in_the_way(act.rule, why);
                    }
                }
            }
        }
    }

    /// Limits of one event.
    fn limits(&self, act: &Act<'p>) -> impl Iterator<Item = &'p crate::typed::Limit> + use<'p> {
        let program = self.program;
        let group = program.groups.get(act.group.index());
        let rule = program.rules.get(act.rule.index());
        let of_rule = rule.into_iter().flat_map(|rule| &rule.limits);
        of_rule.chain(group.into_iter().flat_map(|group| &group.limits)).filter(|limit| limit.over.is_none())
    }

    /// Whether whom it competes with, and what excludes it, are the same for its goods wherever they stand.
    fn beside(&self, act: &Act<'p>, of_group: &[&Act<'p>], all: &[Act<'p>]) -> Result<(), &'static str> {
        let Some(group) = self.program.groups.get(act.group.index()) else { return Err("is of no group") };
        let competes = of_group.iter().any(|other| other.rule != act.rule);
        let contested = competes
            && match group.displace {
                Displace::None | Displace::Chain => false,
                Displace::First | Displace::BestForMember | Displace::BestForRetailer => true,
            };
        if contested && group.per == Scope::Basket {
            return Err("competes for the whole basket");
        }
        for exclusion in &group.excludes {
            if !all.iter().any(|other| other.group == exclusion.group) {
                continue;
            }
            if exclusion.whole {
                return Err("gives way to another group on all lines at once");
            }
            if exclusion.when_better {
                return Err("gives way to another group where that gives more");
            }
            let is_plain = |act: &Act<'p>| match act.deed {
                Deed::Discount { fall: Fall::Each(ir::Element::Unit), .. } => true,
                Deed::Discount { .. } | Deed::Gift | Deed::Award { .. } | Deed::Multiply { .. } => false,
            };
            if !all.iter().filter(|other| other.group == exclusion.group).all(is_plain) {
                return Err("gives way to another group, whose effects are not for each piece");
            }
        }
        Ok(())
    }

    /// Whether what is rounded to nothing, or up to something, changes which rule stays.
    fn is_touchy(&self, act: &Act<'p>, of_group: &[&Act<'p>], all: &[Act<'p>]) -> bool {
        let Some(group) = self.program.groups.get(act.group.index()) else { return true };
        let competes = of_group.iter().any(|other| other.rule != act.rule);
        let by_order = match group.displace {
            Displace::None | Displace::Chain | Displace::BestForMember => false,
            Displace::First | Displace::BestForRetailer => true,
        };
        let excludes = |other: &Act<'p>| {
            let group = self.program.groups.get(other.group.index());
            group.is_some_and(|group| group.excludes.iter().any(|exclusion| exclusion.group == act.group))
        };
        (competes && by_order) || all.iter().any(excludes)
    }

    /// Whether it takes off each piece the same wherever the piece stands; true where only up to rounding.
    fn local(&self, act: &Act<'p>, first: bool, alone: bool) -> Result<bool, &'static str> {
        let Deed::Discount { meaning, amount, fall, rounding: _, whole, once } = act.deed else {
            return Err("gives products");
        };
        if !once {
            return Err("is worked out more than once for a line");
        }
        if !whole {
            return Err("falls on some of the pieces, and other goods change on which");
        }
        if !act.conditions.iter().all(|condition| self.fixed(condition, &act.elements)) {
            return Err("asks for more than each piece by itself can say");
        }
        if !act.of_line.iter().all(|(condition, _)| self.fixed(condition, &act.elements)) {
            return Err("asks how much a line costs or has pieces");
        }
        let is_fixed = self.fixed(amount, &act.elements);
        match (fall, meaning) {
            (Fall::Each(ir::Element::Unit), _) if !is_fixed => {
                Err("takes off a piece what more than this piece decides")
            }
            (Fall::Each(ir::Element::Unit), DiscountAmount::Share) => Ok(self.rounded),
            (Fall::Each(ir::Element::Unit), DiscountAmount::Off) => Ok(self.rounded),
            (Fall::Each(ir::Element::Unit), DiscountAmount::Price) => {
                let exact = constant(amount).is_some_and(|price| price.den == 1);
                Ok(self.rounded || !exact)
            }
            (Fall::Each(ir::Element::Line), DiscountAmount::Share) if is_fixed => Ok(true),
            (Fall::Each(ir::Element::Line), DiscountAmount::Off) => {
                match self.grow(amount, &act.elements, For::Line) {
                    Some(grow) if grow.at_least && grow.at_most => Ok(true),
                    Some(_) | None => Err("takes the same off each line, however many pieces the line has"),
                }
            }
            (Fall::Each(ir::Element::Line), DiscountAmount::Share | DiscountAmount::Price) => {
                Err("takes off a line what more than its pieces decide")
            }
            (Fall::Spread(spread), DiscountAmount::Share) if is_fixed => {
                let of = self.program.groups.get(act.group.index()).map(|group| group.on_price);
                let even = match (of, spread.by) {
                    (Some(OnPrice::Running), Weight::Paid) => alone,
                    (Some(OnPrice::Original), Weight::Initial | Weight::Paid) => alone && first,
                    (
                        Some(OnPrice::Running | OnPrice::Original) | None,
                        Weight::Paid | Weight::Initial | Weight::Pieces | Weight::Equally,
                    ) => false,
                };
                if !even {
                    return Err("spreads its amount over the basket otherwise than each line costs");
                }
                if self.program.settings.floor.is_some() {
                    return Err("spreads over other lines what `not_below` keeps it from taking off one");
                }
                Ok(true)
            }
            (Fall::Spread(_), DiscountAmount::Share | DiscountAmount::Off | DiscountAmount::Price) => {
                Err("takes off the basket what the whole basket decides")
            }
        }
    }

    /// Whether the only discount that is no local one only grows, or only shrinks, where receipts are put together. Then
    /// nothing may come of what it leaves.
    fn of_all(
        &mut self,
        act: &Act<'p>,
        at: usize,
        discounts: &[&Act<'p>],
        all: &[Act<'p>],
    ) -> Result<(), &'static str> {
        if self.way == Way::Returning {
            return Err("is kept as it was settled, whatever comes back");
        }
        if at.saturating_add(1) != discounts.len() || self.far.is_some_and(|rule| rule != act.rule) {
            return Err("leaves other discounts what it does not take");
        }
        let reads = |other: &Act<'p>| match other.deed {
            Deed::Award { amount, .. } => {
                self.reads_paid(amount)
                    || other.conditions.iter().any(|condition| self.reads_paid(condition))
                    || other.of_line.iter().any(|(condition, _)| self.reads_paid(condition))
            }
            Deed::Multiply { by, .. } => {
                self.reads_paid(by) || other.conditions.iter().any(|condition| self.reads_paid(condition))
            }
            Deed::Discount { .. } | Deed::Gift => false,
        };
        if all.iter().any(reads) {
            return Err("changes the prices that points are given on");
        }
        let group = self.program.groups.get(act.group.index());
        let plain = group.is_some_and(|group| group.excludes.is_empty());
        let several = discounts.iter().any(|other| other.group == act.group && other.rule != act.rule);
        if !plain || several || self.program.settings.floor.is_some() {
            return Err("competes with other discounts");
        }
        let Some(mut grow) = self.total(act, at == 0) else {
            return Err("has an amount that is not looked into");
        };
        for limit in self.limits(act) {
            let cuts = match limit.otherwise {
                Otherwise::Cut => true,
                Otherwise::Skip => false,
            };
            grow.at_least = false;
            grow.at_most &= cuts;
        }
        let right = match self.way {
            Way::Splitting => grow.at_least,
            Way::Merging => grow.at_most,
            Way::Returning => false,
        };
        if !right {
            return Err(match self.way {
                Way::Splitting => "can be given on each of two receipts",
                Way::Merging | Way::Returning => "can be reached by putting receipts together",
            });
        }
        self.far = Some(act.rule);
        self.rounds.push(act.rule);
        Ok(())
    }

    /// How all that a discount takes off grows.
    fn total(&self, act: &Act<'p>, first: bool) -> Option<Grow> {
        let Deed::Discount { meaning, amount, fall, rounding: _, whole: true, once: true } = act.deed else {
            return None;
        };
        if !act.of_line.iter().all(|(condition, _)| self.fixed(condition, &act.elements)) {
            return None;
        }
        // Otherwise what one line has no room for falls on others, which depends on all of them.
        let on = self.program.groups.get(act.group.index()).map(|group| group.on_price)?;
        let has_room = match fall {
            Fall::Each(_) => true,
            Fall::Spread(spread) => match (on, spread.by) {
                (OnPrice::Running, Weight::Paid) => true,
                (OnPrice::Running, Weight::Initial | Weight::Pieces | Weight::Equally) => false,
                (OnPrice::Original, Weight::Initial | Weight::Paid) => first,
                (OnPrice::Original, Weight::Pieces | Weight::Equally) => false,
            },
        };
        if !has_room {
            return None;
        }
        let both = Grow { at_least: true, at_most: true, whole: false, of_paid: false };
        let is_fixed = self.fixed(amount, &act.elements);
        let grow = match (fall, meaning) {
            (Fall::Spread(_) | Fall::Each(_), DiscountAmount::Share) if is_fixed => both,
            (Fall::Each(ir::Element::Unit), DiscountAmount::Off) if is_fixed => both,
            (Fall::Each(ir::Element::Line), DiscountAmount::Off) if is_fixed => {
                Grow { at_least: false, ..both }
            }
            (Fall::Spread(_), DiscountAmount::Off) => {
                let own = self.grow(amount, &act.elements, For::Basket)?;
                // No more than the goods cost, which keeps it growing; what grows beside them need not shrink with them.
                Grow { at_least: own.at_least, at_most: own.at_most && is_fixed, ..both }
            }
            (
                Fall::Each(_) | Fall::Spread(_),
                DiscountAmount::Share | DiscountAmount::Off | DiscountAmount::Price,
            ) => return None,
        };
        self.under(grow, act, For::Basket)
    }

    /// The same where conditions hold.
    fn under(&self, mut grow: Grow, act: &Act<'p>, of: For) -> Option<Grow> {
        let parts = act.conditions.iter().copied().chain(act.of_line.iter().map(|(part, _)| *part));
        for condition in parts {
            if self.fixed(condition, &act.elements) {
                continue;
            }
            let ExprKind::Compare(op, left, right) = &condition.kind else { return None };
            let (value, op) = if self.fixed(right, &act.elements) {
                (left, *op)
            } else if self.fixed(left, &act.elements) {
                (right, op.turned())
            } else {
                return None;
            };
            // Of the basket, or of the line that the effect is for.
            let basket = self.grow(value, &act.elements, For::Basket);
            let by = match (basket, of) {
                (Some(by), _) => by,
                (None, For::Line) => self.grow(value, &act.elements, For::Line)?,
                (None, For::Basket | For::Unit) => return None,
            };
            if by.of_paid && self.rounded {
                return None;
            }
            grow.of_paid |= by.of_paid;
            match op {
                Comparison::Greater | Comparison::GreaterOrEqual => grow.at_most = false,
                Comparison::Less | Comparison::LessOrEqual => grow.at_least = false,
                Comparison::Equal | Comparison::NotEqual => return None,
            }
        }
        Some(grow)
    }

    fn awards(&mut self, all: &[Act<'p>]) {
        let mut known: Vec<(GroupId, Grow)> = Vec::new();
        let given: Vec<&Act<'p>> =
            all.iter().filter(|act| !act.is_discount() && !self.is_off(act.rule)).collect();
        for act in given {
            let group = self.program.groups.get(act.group.index());
            let cancels = self
                .program
                .rules
                .get(act.rule.index())
                .is_some_and(|rule| walk::any_step(&rule.steps, &says_cancel));
            if self.way == Way::Returning {
                // It is worked out again for what is kept, at the prices that were settled.
                if cancels {
                    self.stands_in_the_way(act.rule, "says itself what becomes of it when goods come back");
                } else if self.rounded && self.reads_paid_otherwise(act) {
                    self.stands_in_the_way(
                        act.rule,
                        "asks for prices that are rounded otherwise after a return",
                    );
                }
                continue;
            }
            let competes = all
                .iter()
                .any(|other| other.group == act.group && other.rule != act.rule && !self.is_off(other.rule));
            let contested = competes
                && group.is_none_or(|group| match group.displace {
                    Displace::None | Displace::Chain => false,
                    Displace::First | Displace::BestForMember | Displace::BestForRetailer => true,
                });
            let excluded = group.is_none_or(|group| {
                group.excludes.iter().any(|exclusion| all.iter().any(|other| other.group == exclusion.group))
            });
            if contested || excluded {
                self.stands_in_the_way(act.rule, "gives way to other rules");
                continue;
            }
            let grow = self.award(act, &known);
            let Some(mut grow) = grow else {
                self.stands_in_the_way(act.rule, "awards what is not looked into for receipts put together");
                continue;
            };
            for limit in self.limits(act) {
                let cuts = match limit.otherwise {
                    Otherwise::Cut => true,
                    Otherwise::Skip => false,
                };
                grow.at_least = false;
                grow.at_most &= cuts;
            }
            if grow.of_paid && self.far.is_some() {
                self.stands_in_the_way(act.rule, "is of prices that a discount of the whole basket changes");
            }
            match self.way {
                Way::Splitting if !grow.at_least => {
                    self.stands_in_the_way(act.rule, "can be given on each of two receipts");
                }
                Way::Merging if !grow.at_most => {
                    self.stands_in_the_way(act.rule, "can be reached by putting receipts together");
                }
                Way::Splitting | Way::Merging | Way::Returning => {}
            }
            if !grow.whole || (grow.of_paid && self.rounded) {
                self.rounds.push(act.rule);
            }
            match known.iter_mut().find(|(group, _)| *group == act.group) {
                Some((_, own)) => {
                    *own = Grow {
                        at_least: own.at_least && grow.at_least,
                        at_most: own.at_most && grow.at_most,
                        whole: own.whole && grow.whole,
                        of_paid: own.of_paid || grow.of_paid,
                    };
                }
                None => known.push((act.group, grow)),
            }
        }
    }

    fn award(&self, act: &Act<'p>, known: &[(GroupId, Grow)]) -> Option<Grow> {
        match act.deed {
            Deed::Award { amount, each, whole: true, once: true, .. } => {
                let of = match each {
                    None => For::Basket,
                    Some(Element::Line) => For::Line,
                    Some(Element::Unit) => For::Unit,
                    Some(Element::Payment | Element::Row(_)) => return None,
                };
                let grow = self.grow(amount, &act.elements, of)?;
                self.under(grow, act, of)
            }
            Deed::Multiply { group, by } => {
                let least = self.ranges.of(by).low?;
                let more = least.compare(Ratio::whole(1)).is_some_and(Ordering::is_ge);
                if !more || !self.fixed(by, &[]) {
                    return None;
                }
                let (_, grow) = known.iter().find(|(of, _)| *of == group)?;
                self.under(Grow { whole: false, ..*grow }, act, For::Basket)
            }
            Deed::Award { .. } | Deed::Discount { .. } | Deed::Gift => None,
        }
    }

    /// Whether a cent more or less of a price can decide more than its share of what is awarded.
    fn reads_paid_otherwise(&self, act: &Act<'p>) -> bool {
        let conditions = act.conditions.iter().copied().chain(act.of_line.iter().map(|(part, _)| *part));
        if conditions.into_iter().any(|condition| self.reads_paid(condition)) {
            return true;
        }
        match act.deed {
            Deed::Award { amount, each, .. } => {
                let of = match each {
                    None => For::Basket,
                    Some(Element::Line) => For::Line,
                    Some(Element::Unit | Element::Payment | Element::Row(_)) => For::Unit,
                };
                let even = self.grow(amount, &act.elements, of);
                self.reads_paid(amount) && !even.is_some_and(|grow| grow.at_least && grow.at_most)
            }
            Deed::Multiply { by, .. } => self.reads_paid(by),
            Deed::Discount { .. } | Deed::Gift => false,
        }
    }

    /// Whether prices after discounts are read anywhere in it, as far as can be seen.
    fn reads_paid(&self, expr: &Expr) -> bool {
        let mut fuel = 2_000u32;
        self.mentions_paid(expr, &mut fuel)
    }

    fn mentions_paid(&self, expr: &Expr, fuel: &mut u32) -> bool {
        let Some(rest) = fuel.checked_sub(1) else { return true };
        *fuel = rest;
        if let ExprKind::Field { field, .. } = &expr.kind {
            let builtin = self.program.fields.get(field.0 as usize).and_then(|field| field.builtin);
            return match builtin {
                Some(
                    Builtin::Event(event_slot::BASKET_PAID)
                    | Builtin::Line(line_slot::PAID)
                    | Builtin::UnitPaid
                    | Builtin::Tender(_)
                    | Builtin::Settled(_),
                ) => true,
                Some(
                    Builtin::Event(_)
                    | Builtin::Line(_)
                    | Builtin::Payment(_)
                    | Builtin::UnitPrice
                    | Builtin::UnitInitial
                    | Builtin::Read(_)
                    | Builtin::Until(_)
                    | Builtin::Row(..)
                    | Builtin::Anniversary(_)
                    | Builtin::Balance(_),
                )
                | None => false,
            };
        }
        if let ExprKind::Local(_) = &expr.kind {
            let behind = self.ranges.behind(expr);
            return !std::ptr::eq(behind, expr) && self.mentions_paid(behind, fuel);
        }
        if let ExprKind::Call(function, _) = &expr.kind
            && let Some(function) = self.program.functions.get(function.0 as usize)
            && self.mentions_paid(&function.body, fuel)
        {
            return true;
        }
        if let ExprKind::Aggregate { value, source, .. } = &expr.kind {
            let of_source = |kind: &SourceKind, fuel: &mut u32| match kind {
                SourceKind::All | SourceKind::Past(_) => false,
                SourceKind::Filter(..)
                | SourceKind::Bound(_)
                | SourceKind::One(_)
                | SourceKind::Set { .. }
                | SourceKind::Extreme { .. }
                | SourceKind::EveryNth { .. } => {
                    *fuel = fuel.saturating_sub(1);
                    true
                }
            };
            return value.as_ref().is_some_and(|value| self.mentions_paid(value, fuel))
                || of_source(&source.kind, fuel);
        }
        walk::parts(expr).into_iter().any(|part| self.mentions_paid(part, fuel))
    }

    /// Whether an expression is the same for a piece wherever it stands, on the same day for the same member.
    fn fixed(&self, expr: &Expr, elements: &[LocalId]) -> bool {
        self.fixed_within(expr, elements, DEEPEST)
    }

    fn fixed_within(&self, expr: &Expr, elements: &[LocalId], depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let again = |expr: &Expr| self.fixed_within(expr, elements, depth);
        match &expr.kind {
            ExprKind::Error | ExprKind::Aggregate { .. } => false,
            ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Instant(..)
            | ExprKind::Param(_) => true,
            ExprKind::Field { field, of } => self.fixed_field(*field, *of, elements),
            ExprKind::Local(local) => {
                let behind = self.ranges.behind(expr);
                if std::ptr::eq(behind, expr) { elements.contains(local) } else { again(behind) }
            }
            ExprKind::Call(function, arguments) => {
                let Some(function) = self.program.functions.get(function.0 as usize) else { return false };
                let known: Vec<LocalId> = elements.iter().chain(&function.params).copied().collect();
                !function.counter
                    && arguments.iter().all(again)
                    && self.fixed_within(&function.body, &known, depth)
            }
            ExprKind::Match { subjects, rows } => {
                subjects.iter().all(again)
                    && rows.iter().all(|row| {
                        again(&row.value) && row.patterns.iter().all(|pattern| is_plain(pattern, &again))
                    })
            }
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::InRange { .. }
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
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. } => walk::parts(expr).into_iter().all(again),
        }
    }

    fn fixed_field(&self, field: FieldId, of: Option<LocalId>, elements: &[LocalId]) -> bool {
        let Some(declared) = self.program.fields.get(field.0 as usize) else { return false };
        let own = of.is_some_and(|of| elements.contains(&of));
        match declared.builtin {
            Some(Builtin::Event(event_slot::BASKET_INITIAL | event_slot::BASKET_PAID)) => false,
            Some(Builtin::Event(_) | Builtin::Until(_) | Builtin::Anniversary(_)) => true,
            Some(Builtin::Line(line_slot::PRICE | line_slot::TAX_RATE)) => own,
            Some(Builtin::UnitPrice | Builtin::UnitInitial) => own,
            Some(Builtin::UnitPaid) => own && !self.rounded && self.far.is_none(),
            Some(
                Builtin::Line(_)
                | Builtin::Payment(_)
                | Builtin::Read(_)
                | Builtin::Row(..)
                | Builtin::Tender(_)
                | Builtin::Balance(_)
                | Builtin::Settled(_),
            ) => false,
            None => {
                let state = self.way == Way::Returning || !self.changing.contains(&field);
                let record = match declared.record {
                    ir::RecordKind::Event | ir::RecordKind::Member => of.is_none(),
                    ir::RecordKind::Line | ir::RecordKind::Product => own,
                    ir::RecordKind::Payment | ir::RecordKind::Derived => false,
                };
                state && record
            }
        }
    }

    /// How an amount grows, summed over all for which it is given.
    fn grow(&self, expr: &Expr, elements: &[LocalId], of: For) -> Option<Grow> {
        self.grow_within(expr, elements, of, DEEPEST)
    }

    fn grow_within(&self, expr: &Expr, elements: &[LocalId], of: For, depth: u32) -> Option<Grow> {
        let depth = depth.checked_sub(1)?;
        let again = |expr: &Expr| self.grow_within(expr, elements, of, depth);
        let both = Grow { at_least: true, at_most: true, whole: false, of_paid: false };
        if self.fixed(expr, elements) {
            // Once for each piece; or once for each receipt or line, of which there are more apart.
            let whole = constant(expr).is_some_and(|value| value.den == 1);
            return Some(Grow { at_least: of == For::Unit, whole, ..both });
        }
        let not_below_nothing = |expr: &Expr| self.ranges.of(expr).low.is_some_and(|low| low.num >= 0);
        if let ExprKind::Local(_) = &expr.kind {
            let behind = self.ranges.behind(expr);
            return if std::ptr::eq(behind, expr) { None } else { again(behind) };
        }
        if let ExprKind::Field { field, of: row } = &expr.kind {
            let builtin = self.program.fields.get(field.0 as usize)?.builtin?;
            let own = row.is_some_and(|row| elements.contains(&row));
            return match (builtin, of) {
                (Builtin::Event(event_slot::BASKET_INITIAL), For::Basket) => Some(both),
                (Builtin::Event(event_slot::BASKET_PAID), For::Basket) => {
                    Some(Grow { of_paid: true, ..both })
                }
                (Builtin::Line(line_slot::INITIAL), For::Line) if own => Some(both),
                (Builtin::Line(line_slot::PIECES), For::Line) if own => Some(Grow { whole: true, ..both }),
                (Builtin::Line(line_slot::PAID), For::Line) if own => Some(Grow { of_paid: true, ..both }),
                (Builtin::UnitPaid, For::Unit) if own => Some(Grow { of_paid: true, ..both }),
                (
                    Builtin::Event(_)
                    | Builtin::Line(_)
                    | Builtin::UnitPaid
                    | Builtin::UnitInitial
                    | Builtin::UnitPrice
                    | Builtin::Payment(_)
                    | Builtin::Read(_)
                    | Builtin::Until(_)
                    | Builtin::Row(..)
                    | Builtin::Anniversary(_)
                    | Builtin::Tender(_)
                    | Builtin::Balance(_)
                    | Builtin::Settled(_),
                    For::Basket | For::Line | For::Unit,
                ) => None,
            };
        }
        if let ExprKind::Convert { value, ratio, rounding: None } = &expr.kind
            && ratio.num > 0
        {
            let inner = again(value)?;
            return Some(Grow { whole: inner.whole && ratio.den == 1, ..inner });
        }
        if let ExprKind::Product(factors) = &expr.kind {
            let mut main = None;
            let mut whole = true;
            for (divides, factor) in factors {
                if self.fixed(factor, elements) {
                    if !not_below_nothing(factor) {
                        return None;
                    }
                    whole &= !divides && constant(factor).is_some_and(|value| value.den == 1);
                } else if !divides && main.is_none() {
                    main = Some(factor);
                } else {
                    return None;
                }
            }
            let inner = again(main?)?;
            return Some(Grow { whole: whole && inner.whole, ..inner });
        }
        if let ExprKind::Sum(terms) = &expr.kind {
            let mut sum = Grow { whole: true, ..both };
            for (minus, term) in terms {
                if *minus || (self.fixed(term, elements) && !not_below_nothing(term)) {
                    return None;
                }
                sum = joined(sum, again(term)?);
            }
            return Some(sum);
        }
        if let ExprKind::Steps(step, within) = &expr.kind {
            let step = constant(step).filter(|step| step.num > 0);
            let inner = again(within)?;
            // A cent of rounding can be what a step lacks.
            if step.is_none() || (inner.of_paid && self.rounded) {
                return None;
            }
            return Some(Grow { at_most: false, whole: true, ..inner });
        }
        if let ExprKind::Extreme { largest, values } = &expr.kind {
            let mut all = Grow { whole: true, ..both };
            let mut varying = 0usize;
            for value in values {
                if self.fixed(value, elements) {
                    if !not_below_nothing(value) {
                        return None;
                    }
                } else {
                    varying = varying.saturating_add(1);
                }
                all = joined(all, again(value)?);
            }
            return Some(if *largest {
                Grow { at_least: false, ..all }
            } else {
                Grow { at_most: all.at_most && varying <= 1, ..all }
            });
        }
        if let ExprKind::Aggregate { function, value, source } = &expr.kind
            && of == For::Basket
        {
            let each = match source.of {
                Element::Line => For::Line,
                Element::Unit => For::Unit,
                Element::Payment | Element::Row(_) => return None,
            };
            let mut from = &source.kind;
            let mut names = vec![source.element];
            while let SourceKind::Filter(inner, condition) = from {
                if !self.fixed(condition, &names) {
                    return None;
                }
                names.push(inner.element);
                from = &inner.kind;
            }
            if !matches!(from, SourceKind::All) {
                return None;
            }
            return match (function, value) {
                (Aggregate::Sum, Some(value)) => {
                    if self.fixed(value, &names) && !not_below_nothing(value) && !self.is_price(value) {
                        return None;
                    }
                    self.grow_within(value, &names, each, depth)
                }
                (Aggregate::Count, None) => Some(Grow { at_least: each == For::Unit, whole: true, ..both }),
                (
                    Aggregate::Sum
                    | Aggregate::Count
                    | Aggregate::Avg
                    | Aggregate::Min
                    | Aggregate::Max
                    | Aggregate::Any
                    | Aggregate::All
                    | Aggregate::Distinct,
                    _,
                ) => None,
            };
        }
        None
    }

    /// A price, which no line that is sold has below nothing.
    fn is_price(&self, expr: &Expr) -> bool {
        let ExprKind::Field { field, .. } = &expr.kind else { return false };
        let builtin = self.program.fields.get(field.0 as usize).and_then(|field| field.builtin);
        matches!(builtin, Some(Builtin::UnitPrice | Builtin::UnitInitial))
    }
}

fn joined(a: Grow, b: Grow) -> Grow {
    Grow {
        at_least: a.at_least && b.at_least,
        at_most: a.at_most && b.at_most,
        whole: a.whole && b.whole,
        of_paid: a.of_paid || b.of_paid,
    }
}

/// The reason that says more.
fn longer(one: &'static str, other: &'static str) -> &'static str {
    if other.starts_with("can be") { other } else { one }
}

/// What a pattern compares with.
fn is_plain(pattern: &Pattern, fixed: &impl Fn(&Expr) -> bool) -> bool {
    match pattern {
        Pattern::Any | Pattern::Reference(_) => true,
        Pattern::Value(value) => fixed(value),
        Pattern::AnyOf(patterns) => patterns.iter().all(|pattern| is_plain(pattern, fixed)),
        Pattern::Band { from, until } => fixed(from) && until.as_ref().is_none_or(fixed),
    }
}

fn gives_points(step: &Step) -> bool {
    matches!(step, Step::Award { to: None, .. } | Step::Multiply { .. })
}
