//! What is to be asked of rules among themselves: which pairs can meet at all, as far as their conditions say. It refuses
//! to say that they do: that takes an event.

use super::acts::acts;
use super::{Prover, simple};
use crate::ir::{Displace, EventId, GroupId, RuleId, Scope};
use crate::lint::bounds::Ranges;
use crate::lint::conditions::{Conditions, Verdict};
use crate::lint::shape::Shapes;
use crate::typed::{Expr, Step};

/// Two rules of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The group.
    pub group: GroupId,
    /// The one that stands first in the order of settlement.
    pub first: RuleId,
    /// The other.
    pub second: RuleId,
    /// One of them gives way where they meet on the same goods.
    pub contested: bool,
    /// Their conditions contradict each other: they never meet.
    pub apart: bool,
}

/// Rules whose conditions hold together for no event.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Those that never have an effect.
    pub dead: Vec<RuleId>,
    /// Pairs of one group that hear the same kind of event.
    pub pairs: Vec<Pair>,
}

/// Looks at all rules and at all pairs of one group.
pub fn pairs(prover: &Prover<'_>) -> Rules {
    let program = prover.program;
    let ranges = Ranges::of_steps(program, &prover.steps);
    let shapes = Shapes::of_steps(&prover.steps);
    let conditions = |rule: RuleId| {
        let mut parts: Vec<&Expr> = Vec::new();
        for step in program.rules.get(rule.index()).map_or(&[][..], |rule| rule.steps.as_slice()) {
            if let Step::When(condition) = step {
                crate::lint::conditions::conjuncts(condition, &mut parts);
            }
        }
        parts
    };
    let together = |rules: &[RuleId]| {
        let mut known = Conditions::new(program, &shapes, &ranges);
        rules.iter().flat_map(|rule| conditions(*rule)).all(|part| {
            simple(program, part) != Some(None) || !matches!(known.add(part, None), Verdict::Never(_))
        })
    };
    let mut found = Rules::default();
    for (rule, id) in program.rules.iter().zip(0u32..) {
        let id = RuleId(id);
        // Its effects' own conditions, too: where all of them ask for lines that cannot be.
        let possible = |kind: &EventId| {
            acts(program, *kind).iter().filter(|act| act.rule == id).any(|act| {
                let mut known = Conditions::new(program, &shapes, &ranges);
                let parts = act.conditions.iter().copied().chain(act.of_line.iter().map(|(part, _)| *part));
                parts.into_iter().all(|part| match simple(program, part) {
                    Some(of) if of.is_none_or(|of| act.elements.contains(&of)) => {
                        !matches!(known.add(part, of), Verdict::Never(_))
                    }
                    Some(_) | None => true,
                })
            })
        };
        let gives_something_else = rule.steps.iter().any(gives_beside_prices);
        if !together(&[id]) || (!gives_something_else && !rule.events.iter().any(possible)) {
            found.dead.push(id);
        }
    }
    for (group, group_id) in program.groups.iter().zip(0u32..) {
        let group_id = GroupId(group_id);
        let mut rules: Vec<RuleId> = (0u32..)
            .zip(&program.rules)
            .filter(|(_, rule)| rule.group == group_id)
            .map(|(id, _)| RuleId(id))
            .collect();
        let priority = |rule: &RuleId| program.rules.get(rule.index()).map_or(0, |rule| rule.priority);
        rules.sort_by_key(|rule| std::cmp::Reverse(priority(rule)));
        let contested = match (group.displace, group.per) {
            (Displace::None | Displace::Chain, _) => false,
            (
                Displace::First | Displace::BestForMember | Displace::BestForRetailer,
                Scope::Unit | Scope::Line | Scope::Basket,
            ) => true,
        };
        for (at, first) in rules.iter().enumerate() {
            for second in rules.iter().skip(at.saturating_add(1)) {
                let hears = |rule: &RuleId| {
                    program.rules.get(rule.index()).map_or(&[][..], |rule| rule.events.as_slice())
                };
                let same = hears(first).iter().any(|kind| hears(second).contains(kind));
                if same {
                    let apart = !together(&[*first, *second]);
                    found.pairs.push(Pair {
                        group: group_id,
                        first: *first,
                        second: *second,
                        contested,
                        apart,
                    });
                }
            }
        }
    }
    found
}

/// Effects that are neither on prices nor awards: they need no goods.
fn gives_beside_prices(step: &Step) -> bool {
    match step {
        Step::ForEach { body, .. } | Step::Sets { body, .. } => body.iter().any(gives_beside_prices),
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
        | Step::Multiply { .. }
        | Step::Discount { .. } => false,
    }
}
