//! A priority where nothing competes.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::ir::{Displace, Phase};
use perq_grammar::ast::ClauseKind;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run).with_fixes();

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for rule in &facts.program.rules {
        let Some(group) = facts.program.groups.get(rule.group.index()) else { continue };
        // A limit of the group is used up in the order of priorities.
        if group.displace != Displace::None || group.phase != Phase::Earn || !group.limits.is_empty() {
            continue;
        }
        let Some(written) = facts.written_of(rule) else { continue };
        for clause in &written.rule.clauses {
            if matches!(clause.kind, ClauseKind::Priority(_)) {
                let place = at(written.file, clause.span);
                let message = format!("all rules of `{}` give what they give, in any order", group.name);
                found.push(finding(place, message).fix("leave the priority out", facts.whole_lines(place), ""));
            }
        }
    }
}
