//! An award that grows with what is bought, without a limit. Shares of money, in steps or not, bound themselves.

use super::{Facts, Group, Level, Lint, finding};
use crate::check::types::constant;
use crate::ir::Phase;
use crate::typed::walk::{self, Node};
use crate::typed::{Element, Step};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Money, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.rules {
        let Some(group) = facts.program.groups.get(rule.rule.group.index()) else { continue };
        if group.phase != Phase::Earn || !rule.rule.limits.is_empty() || !group.limits.is_empty() {
            continue;
        }
        walk::steps(&rule.rule.steps, &mut |node| {
            let Node::Step(Step::Award { amount, element, place, .. }) = node else { return };
            let each = match element {
                Some((Element::Unit, _)) if constant(amount).is_some_and(|amount| amount.num > 0) => "piece",
                Some((Element::Line, _)) if constant(amount).is_some_and(|amount| amount.num > 0) => "line",
                Some(_) | None if rule.ranges.grows_by_pieces(amount) => "piece or row",
                Some(_) | None => return,
            };
            let message = format!("this award gives for every {each}, and nothing bounds it");
            found.push(
                finding(*place, message)
                    .help("bound it: `limit 100 points per transaction else cut`, or `min(…, …)`"),
            );
        });
    }
}
