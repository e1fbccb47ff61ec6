//! Points that goods earn and that pay by a redemption, of which nothing says what becomes of them when the goods come back.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::ir::RETURN;
use crate::typed::Step;
use crate::typed::walk::{self, Node};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;

// Where the host books returns by itself, nothing is to be said; who wants to be told says so.
pub const LINT: Lint = Lint::new(Group::Money, Level::Warn, run);

/// The standard kind of event with which goods are bought.
const PURCHASE: &str = "purchase";

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let hears = |rule: &crate::typed::Rule, name: &str| {
        rule.events.iter().any(|id| facts.program.events.get(id.index()).is_some_and(|event| event.name == name))
    };
    // A rule that hears returns may take the points itself.
    if facts.program.rules.iter().any(|rule| hears(rule, RETURN)) {
        return;
    }
    for (id, account) in (0_u32..).zip(&facts.program.accounts) {
        if account.shortfall.is_some() || !facts.program.redemptions.iter().any(|way| way.account.0 == id) {
            continue;
        }
        let mut earned = None;
        for rule in facts.program.rules.iter().filter(|rule| hears(rule, PURCHASE)) {
            walk::steps(&rule.steps, &mut |node| {
                if let Node::Step(Step::Award { account: to, life, place, .. }) = node
                    && to.0 == id
                    && !life.spent_at_once
                {
                    earned.get_or_insert(*place);
                }
            });
        }
        let Some(award) = earned else { continue };
        let declared = facts.items().find_map(|(tree, item)| {
            let ItemKind::Account(header, _) = &item.kind else { return None };
            (header.name.text == account.name).then(|| at(tree.file, header.name.span))
        });
        let Some(place) = declared else { continue };
        let message = format!(
            "goods that earned in `{}` may come back after it is spent, and nothing says what happens then",
            account.name
        );
        found.push(finding(place, message).label(award, "earned here").help(
            "say it in the account: `shortfall debt` (owed), `shortfall clamp` (the shop's loss) or `shortfall pending_only`",
        ));
    }
}
