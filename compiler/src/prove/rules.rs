//! What is to be asked of rules among themselves: which can give something at all, which never stay, and which pairs can
//! meet, as far as conditions and bounds say. It refuses to say that they do: that takes an event.

use super::acts::{Act, Deed, acts};
use super::model::{Mode, Model};
use super::shadows::{Facts, Shadow};
use super::simplex::Largest;
use super::{Prover, simple};
use crate::ir::{
    Comparison, Displace, Effective, EventId, GroupId, LimitAmount, LimitOf, Otherwise, PromiseOf, RuleId,
    Scope,
};
use crate::lint::bounds::Ranges;
use crate::lint::conditions::{Conditions, Verdict};
use crate::lint::shape::Shapes;
use crate::typed::walk;
use crate::typed::{Bound, Expr, LocalId, Program, Promise, Ratio, Rule, Step, Sum};
use perq_grammar::diagnostic::Place;

/// Why a rule never has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// Its conditions, its group's and those of its goods contradict each other.
    Contradiction,
    /// Its conditions can hold, and then its amount or its limits leave nothing to give.
    Nothing,
    /// What it gives is always more than the limit of its own or its group's that then leaves nothing of it.
    Skipped,
}

/// Two rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The one that stands first in the order of settlement.
    pub first: RuleId,
    /// The other.
    pub second: RuleId,
    /// Their group, where they are of one.
    pub group: Option<GroupId>,
    /// One of them gives way where they meet on the same goods.
    pub contested: bool,
    /// Their conditions contradict each other: they never meet.
    pub apart: bool,
    /// Both fall on lines, and no line satisfies what both ask of one.
    pub apart_on_lines: bool,
    /// Both fall on lines.
    pub of_lines: bool,
}

/// What conditions, amounts and limits say of rules.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Those that never have an effect.
    pub dead: Vec<(RuleId, Dead)>,
    /// Those that take no part, as their texts say.
    pub off: Vec<RuleId>,
    /// Those that never stay.
    pub shadows: Vec<Shadow>,
}

/// What all questions about rules begin with.
struct Study<'c, 'p> {
    program: &'p Program,
    ranges: &'c Ranges<'p>,
    shapes: &'c Shapes,
    acts: &'c [Vec<Act<'p>>],
    /// By rule: its conditions on the event.
    conditions: Vec<Vec<&'p Expr>>,
}

/// By kind of event.
fn all_acts(program: &Program) -> Vec<Vec<Act<'_>>> {
    (0u32..).zip(&program.events).map(|(kind, _)| acts(program, EventId(kind))).collect()
}

/// Looks at each rule.
pub fn rules(prover: &Prover<'_>) -> Rules {
    let program = prover.program;
    let ranges = Ranges::of_steps(program, &prover.steps);
    let shapes = Shapes::of_steps(&prover.steps);
    let acts = all_acts(program);
    let study = Study::new(program, &ranges, &shapes, &acts);
    let mut found = Rules::default();
    for (rule, id) in program.rules.iter().zip(0u32..) {
        let id = RuleId(id);
        if is_off(program, rule) {
            found.off.push(id);
        } else if let Some(why) = study.dead(rule, id) {
            found.dead.push((id, why));
        }
    }
    let facts = Facts { program, ranges: &ranges, shapes: &shapes, acts: &acts };
    for (_, group) in program.groups.iter().zip(0u32..) {
        let lives =
            |rule: &RuleId| !found.off.contains(rule) && !found.dead.iter().any(|(dead, _)| dead == rule);
        let of_group: Vec<RuleId> =
            in_order(program, GroupId(group)).into_iter().filter(|rule| lives(rule)).collect();
        let mut shadows = facts.shadows(GroupId(group), &of_group);
        found.shadows.append(&mut shadows);
    }
    found
}

/// Looks at each two rules that hear the same kind of event and say something of goods or points.
pub fn pairs(prover: &Prover<'_>) -> Vec<Pair> {
    let program = prover.program;
    let ranges = Ranges::of_steps(program, &prover.steps);
    let shapes = Shapes::of_steps(&prover.steps);
    let acts = all_acts(program);
    let study = Study::new(program, &ranges, &shapes, &acts);
    let mut order: Vec<(GroupId, RuleId)> = Vec::new();
    for (_, group) in program.groups.iter().zip(0u32..) {
        let group = GroupId(group);
        order.extend(in_order(program, group).into_iter().map(|rule| (group, rule)));
    }
    let mut found = Vec::new();
    for (at, (group, first)) in order.iter().enumerate() {
        for (other_group, second) in order.iter().skip(at.saturating_add(1)) {
            let hears = |rule: &RuleId| {
                program.rules.get(rule.index()).map_or(&[][..], |rule| rule.events.as_slice())
            };
            if !hears(first).iter().any(|kind| hears(second).contains(kind)) {
                continue;
            }
            let same = group == other_group;
            let lines = study.lines_of(*first, *second);
            found.push(Pair {
                first: *first,
                second: *second,
                group: same.then_some(*group),
                contested: same && is_contested(program, *group),
                apart: !study.together(&[*first, *second]),
                apart_on_lines: lines == Some(false),
                of_lines: lines.is_some(),
            });
        }
    }
    found
}

fn is_off(program: &Program, rule: &Rule) -> bool {
    let never = |effective: Effective| match effective {
        Effective::Never => true,
        Effective::Stated | Effective::From(_) => false,
    };
    never(rule.governance.effective)
        || program.groups.get(rule.group.index()).is_some_and(|group| never(group.governance.effective))
}

fn is_contested(program: &Program, group: GroupId) -> bool {
    program.groups.get(group.index()).is_some_and(|group| match (group.displace, group.per) {
        (Displace::None | Displace::Chain, _) => false,
        (
            Displace::First | Displace::BestForMember | Displace::BestForRetailer,
            Scope::Unit | Scope::Line | Scope::Basket,
        ) => true,
    })
}

/// The rules of a group in the order of settlement.
fn in_order(program: &Program, group: GroupId) -> Vec<RuleId> {
    let mut rules: Vec<RuleId> = (0u32..)
        .zip(&program.rules)
        .filter(|(_, rule)| rule.group == group)
        .map(|(id, _)| RuleId(id))
        .collect();
    let priority = |rule: &RuleId| program.rules.get(rule.index()).map_or(0, |rule| rule.priority);
    rules.sort_by_key(|rule| std::cmp::Reverse(priority(rule)));
    rules
}

impl<'c, 'p> Study<'c, 'p> {
    fn new(
        program: &'p Program,
        ranges: &'c Ranges<'p>,
        shapes: &'c Shapes,
        acts: &'c [Vec<Act<'p>>],
    ) -> Study<'c, 'p> {
        let conditions = program.rules.iter().map(|rule| {
            let mut parts: Vec<&Expr> = Vec::new();
            for step in &rule.steps {
                if let Step::When(condition) = step {
                    crate::lint::conditions::conjuncts(condition, &mut parts);
                }
            }
            parts
        });
        Study { program, ranges, shapes, acts, conditions: conditions.collect() }
    }

    /// Whether the conditions of these rules on the event do not contradict each other.
    fn together(&self, rules: &[RuleId]) -> bool {
        let mut known = Conditions::new(self.program, self.shapes, self.ranges);
        rules.iter().filter_map(|rule| self.conditions.get(rule.index())).flatten().all(|part| {
            simple(self.program, part) != Some(None) || !matches!(known.add(part, None), Verdict::Never(_))
        })
    }

    /// Whether one line can satisfy what an effect of each asks of it; nothing where one of them falls on no lines.
    fn lines_of(&self, first: RuleId, second: RuleId) -> Option<bool> {
        let mut found = None;
        for acts in self.acts {
            let of = |rule: RuleId| acts.iter().filter(move |act| act.rule == rule && falls_on_lines(act));
            for one in of(first) {
                for other in of(second) {
                    let together = self.fit(&[one, other]);
                    found = Some(found.unwrap_or(false) || together);
                }
            }
        }
        found
    }

    /// Whether the conditions of effects that fall on one line do not contradict each other.
    fn fit(&self, acts: &[&Act<'p>]) -> bool {
        let mut known = Conditions::new(self.program, self.shapes, self.ranges);
        acts.iter().all(|act| {
            let parts = act.conditions.iter().copied().chain(act.of_line.iter().map(|(part, _)| *part));
            parts.into_iter().all(|part| match simple(self.program, part) {
                Some(of) if of.is_none_or(|of| act.elements.contains(&of)) => {
                    !matches!(known.add(part, of), Verdict::Never(_))
                }
                Some(_) | None => true,
            })
        })
    }

    fn dead(&self, rule: &Rule, id: RuleId) -> Option<Dead> {
        if !self.together(&[id]) {
            return Some(Dead::Contradiction);
        }
        if walk::any_step(&rule.steps, &gives_beside_prices) {
            return None;
        }
        let mut why = None;
        for kind in &rule.events {
            let acts = self.acts.get(kind.index()).map_or(&[][..], Vec::as_slice);
            for (at, act) in acts.iter().enumerate().filter(|(_, act)| act.rule == id) {
                let dead = if !self.fit(&[act]) {
                    Dead::Contradiction
                } else if let Some(dead) = self.leaves_nothing(acts, at) {
                    dead
                } else if self.is_skipped(rule, act) {
                    Dead::Skipped
                } else {
                    return None;
                };
                why.get_or_insert(dead);
            }
        }
        // A rule without effects of its own on prices or accounts is none of ours.
        why
    }

    /// Whether bounds leave an effect nothing to give, alone or with whatever else is given.
    fn leaves_nothing(&self, acts: &[Act<'p>], at: usize) -> Option<Dead> {
        let act = acts.get(at)?;
        let mut scopes = vec![PromiseOf::Basket];
        let least = match act.deed {
            Deed::Discount { .. } => {
                // What is taken off at all is taken off some line that is sold.
                scopes.push(PromiseOf::Line);
                Ratio::whole(1)
            }
            Deed::Award { .. } => Ratio::whole(0),
            Deed::Gift | Deed::Multiply { .. } => return None,
        };
        scopes.into_iter().find_map(|of| {
            let promise = nothing_promised(of);
            let mut model = Model::new(self.program, self.ranges, acts, &[at], &promise, Mode::Alone)?;
            let given = model.variable_of(at)?;
            let system = std::mem::take(&mut model.system);
            match system.largest(&[(given, Ratio::whole(1))]) {
                Largest::Nothing => Some(Dead::Contradiction),
                Largest::Value(value, _) => {
                    let order = value.compare(least)?;
                    let nothing = match act.deed {
                        Deed::Discount { .. } => order.is_lt(),
                        Deed::Award { .. } | Deed::Gift | Deed::Multiply { .. } => order.is_le(),
                    };
                    nothing.then_some(Dead::Nothing)
                }
                Largest::Endless | Largest::Unknown => None,
            }
        })
    }

    /// Whether an award to the basket is always more than a limit lets pass that leaves nothing of more.
    fn is_skipped(&self, rule: &Rule, act: &Act<'p>) -> bool {
        let Deed::Award { account, amount, each: None, once: true, .. } = act.deed else { return false };
        let Some(low) = self.ranges.of(amount).low else { return false };
        let group = self.program.groups.get(rule.group.index());
        let limits = rule.limits.iter().chain(group.into_iter().flat_map(|group| &group.limits));
        limits.into_iter().any(|limit| {
            let LimitAmount::Fixed(most) = limit.amount else { return false };
            let counts = match limit.of {
                LimitOf::Awards(own) => own == account,
                LimitOf::Discounts | LimitOf::Times | LimitOf::Gifts => false,
            };
            let skips = match limit.otherwise {
                Otherwise::Skip => true,
                Otherwise::Cut => false,
            };
            // A unit more than the limit, whatever is rounded.
            let above = Ratio::whole(i128::from(most).saturating_add(1));
            counts && skips && low.compare(above).is_some_and(|order| order.is_ge())
        })
    }
}

fn falls_on_lines(act: &Act<'_>) -> bool {
    match act.deed {
        Deed::Discount { .. } => true,
        Deed::Award { each, .. } => each.is_some(),
        Deed::Gift | Deed::Multiply { .. } => false,
    }
}

/// A promise that asks nothing: the bounds are what is wanted.
fn nothing_promised(of: PromiseOf) -> Promise {
    let nothing = || Sum { terms: Vec::new(), constant: 0 };
    let element: Option<LocalId> = None;
    Promise {
        name: String::new(),
        title: None,
        of,
        element,
        events: Vec::new(),
        conditions: Vec::new(),
        line_conditions: Vec::new(),
        asks: Vec::new(),
        keep: Bound {
            left: nothing(),
            comparison: Comparison::LessOrEqual,
            right: nothing(),
            den: 1,
            place: Place::default(),
        },
        account: None,
        about: Vec::new(),
        place: Place::default(),
    }
}

/// Effects that are neither on prices nor awards: they need no goods.
fn gives_beside_prices(step: &Step) -> bool {
    match step {
        Step::Debit { .. }
        | Step::Issue { .. }
        | Step::Gift { .. }
        | Step::Tell { .. }
        | Step::Set { .. }
        | Step::TenderLines { .. }
        | Step::TenderTerm { .. } => true,
        Step::Award { to, .. } => to.is_some(),
        Step::When(_)
        | Step::Let(..)
        | Step::LetCollection(..)
        | Step::ForEach { .. }
        | Step::Sets { .. }
        | Step::Multiply { .. }
        | Step::Discount { .. } => false,
    }
}
