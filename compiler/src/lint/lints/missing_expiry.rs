//! Points that can be spent and never expire.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::ir::Expires;
use crate::typed::walk::Node;
use crate::typed::Step;
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;

// Whether points live for ever is the programme's policy; who wants to be told says so.
pub const LINT: Lint = Lint::new(Group::Money, Level::Allow, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for (id, account) in (0_u32..).zip(&facts.program.accounts) {
        if !account.redeemable || account.expires != Expires::Never || account.melt.is_some() {
            continue;
        }
        let mut endless = None;
        facts.each(&mut |node| {
            if let Node::Step(Step::Award { account: to, life, place, .. }) = node
                && to.0 == id
                && life.expires.is_none()
                && !life.spent_at_once
            {
                endless.get_or_insert(*place);
            }
        });
        let Some(award) = endless else { continue };
        let declared = facts.items().find_map(|(tree, item)| {
            let ItemKind::Account(header, _) = &item.kind else { return None };
            (header.name.text == account.name).then(|| at(tree.file, header.name.span))
        });
        let Some(place) = declared else { continue };
        found.push(
            finding(place, format!("what is awarded to `{}` can be spent for ever", account.name))
                .label(award, "awarded here without an end")
                .help("say when it ends, for the account or for the award: `expire 365 days after award`"),
        );
    }
}
