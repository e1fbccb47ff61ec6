//! A rule that loses wherever it matches: one of higher priority in the same group matches there, too.

use super::{Facts, Group, Level, Lint, finding};
use crate::check::types::constant;
use crate::ir::Displace;
use crate::lint::facts::RuleFacts;
use crate::lint::shape::{Shape, Shapes};
use crate::typed::{Expr, ExprKind, Source, SourceKind, Step};
use perq_grammar::diagnostic::Diagnostic;
use rustc_hash::{FxHashMap, FxHashSet};

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Deny, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for (index, group) in facts.program.groups.iter().enumerate() {
        if group.displace != Displace::First {
            continue;
        }
        let rules: Vec<(&RuleFacts<'_>, Gives)> = facts
            .rules
            .iter()
            .filter(|rule| rule.rule.group.index() == index)
            .filter_map(|rule| Some((rule, gives(rule)?)))
            .collect();
        // A rule that covers another asks nothing that the other does not: it is found by what it asks most rarely.
        let mut common: FxHashMap<Shape, usize> = FxHashMap::default();
        for shape in rules.iter().flat_map(|(_, gives)| &gives.conditions) {
            *common.entry(*shape).or_default() += 1;
        }
        let mut by_rarest: FxHashMap<Option<Shape>, Vec<usize>> = FxHashMap::default();
        for (position, (_, gives)) in rules.iter().enumerate() {
            let rarest = gives.conditions.iter().min_by_key(|shape| (common.get(shape), **shape));
            by_rarest.entry(rarest.copied()).or_default().push(position);
        }
        for (loser, lost) in &rules {
            let keys = std::iter::once(None).chain(lost.conditions.iter().copied().map(Some));
            let found_by = keys.filter_map(|key| by_rarest.get(&key)).flatten();
            let mut candidates: Vec<usize> = found_by.copied().collect();
            candidates.sort_unstable();
            let winner = candidates.into_iter().filter_map(|position| rules.get(position)).find(|(winner, won)| {
                winner.rule.priority > loser.rule.priority
                    && winner.rule.name != loser.rule.name
                    && covers(winner, won, loser, lost)
            });
            let Some((winner, _)) = winner else { continue };
            let message = format!("`{}` never wins: `{}` takes all that it could have", loser.rule.name, winner.rule.name);
            found.push(
                finding(loser.rule.place, message)
                    .label(winner.rule.place, format!("of priority {}", winner.rule.priority))
                    .help("give the narrower rule the higher priority"),
            );
        }
    }
}

/// What one effect gives, and on what.
struct Gives {
    /// The collection and those it is chosen from, the narrowest first.
    on: Vec<Shape>,
    /// What the amount is of, beside factors above zero.
    of: Vec<Shape>,
    /// Above zero wherever that is.
    positive: bool,
    conditions: FxHashSet<Shape>,
}

/// Of a rule with one effect.
fn gives(rule: &RuleFacts<'_>) -> Option<Gives> {
    let effects: Vec<&Step> = rule
        .rule
        .steps
        .iter()
        .filter(|step| !matches!(step, Step::When(_) | Step::Let(..) | Step::LetCollection(..)))
        .collect();
    let [effect] = effects.as_slice() else { return None };
    let (amount, source) = match effect {
        Step::Discount { amount, target, meaning: crate::ir::DiscountAmount::Share, .. } => (amount, Some(target)),
        Step::Award { amount, element: None, to: None, .. } => (amount, None),
        Step::ForEach { source, body } => match body.as_slice() {
            [Step::Discount { amount, meaning: crate::ir::DiscountAmount::Share, target, .. }]
                if matches!(target.kind, SourceKind::One(_)) =>
            {
                (amount, Some(source))
            }
            _ => return None,
        },
        _ => return None,
    };
    let mut on = Vec::new();
    let mut at = source;
    while let Some(Source { kind, .. }) = at {
        on.extend(at.map(|source| rule.shapes.of_source(source)));
        at = if let SourceKind::Filter(from, _) = kind { Some(from.as_ref()) } else { None };
    }
    let mut of = Vec::new();
    let positive = factors(amount, &rule.shapes, &mut of);
    of.sort_unstable();
    let conditions = rule.conditions.iter().map(|condition| rule.shapes.of(condition)).collect();
    Some(Gives { on, of, positive, conditions })
}

/// The factors that are no constants; false where a constant one is not above zero.
fn factors(amount: &Expr, shapes: &Shapes, out: &mut Vec<Shape>) -> bool {
    if let Some(value) = constant(amount) {
        return value.num > 0;
    }
    match &amount.kind {
        ExprKind::Product(parts) => parts.iter().all(|(divides, part)| !divides && factors(part, shapes, out)),
        ExprKind::Convert { value, ratio, rounding: None } => ratio.num > 0 && factors(value, shapes, out),
        _ => {
            out.push(shapes.of(amount));
            true
        }
    }
}

/// Whether the one gives something wherever the other does.
fn covers(winner: &RuleFacts<'_>, won: &Gives, loser: &RuleFacts<'_>, lost: &Gives) -> bool {
    let hears = loser.rule.events.iter().all(|event| winner.rule.events.contains(event));
    let target = match (won.on.first(), lost.on.is_empty()) {
        (Some(target), false) => lost.on.contains(target),
        (None, true) => true,
        (Some(_), true) | (None, false) => false,
    };
    hears
        && target
        && winner.rule.limits.is_empty()
        && won.positive
        && (won.of.is_empty() || won.of == lost.of)
        && won.conditions.is_subset(&lost.conditions)
}
