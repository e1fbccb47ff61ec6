//! An account that nothing awards to, takes from or pays with.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::ir::{AccountId, StateRead};
use crate::typed::walk::{self, Node};
use crate::typed::{Builtin, Step, Type};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;
use rustc_hash::FxHashSet;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut used: FxHashSet<AccountId> =
        facts.program.redemptions.iter().map(|redemption| redemption.account).collect();
    let of_type = |ty: &Type| if let Type::Points(id) = ty.present() { Some(*id) } else { None };
    facts.each(&mut |node| match node {
        Node::Step(Step::Award { account, .. } | Step::Debit { account, .. }) => {
            used.insert(*account);
        }
        Node::Expr(expr) => used.extend(of_type(&expr.ty)),
        Node::Step(_) | Node::Source(_) => {}
    });
    // What a test declares for itself uses accounts as well.
    for own in facts.program.tests.iter().filter_map(|test| test.own.as_ref()) {
        for rule in &own.rules {
            walk::steps(&rule.steps, &mut |node| {
                if let Node::Step(Step::Award { account, .. } | Step::Debit { account, .. }) = node {
                    used.insert(*account);
                }
            });
        }
    }
    // Every account has a balance, and what returns miss of it.
    let declared = facts.program.fields.iter().filter(|field| match field.builtin {
        Some(Builtin::Balance(_) | Builtin::Read(StateRead::Missing(_))) => false,
        Some(_) | None => true,
    });
    used.extend(declared.filter_map(|field| of_type(&field.ty)));
    used.extend(facts.program.params.iter().filter_map(|param| of_type(&param.ty)));
    for (id, account) in (0_u32..).zip(&facts.program.accounts) {
        if used.contains(&AccountId(id)) {
            continue;
        }
        let declared = facts.items().find_map(|(tree, item)| match &item.kind {
            ItemKind::Account(header, _) if header.name.text == account.name => {
                let inside = facts.mentions_in(&account.name, tree.file, item.span);
                (facts.mentions(&account.name) == inside).then(|| at(tree.file, header.name.span))
            }
            _ => None,
        });
        if let Some(place) = declared {
            let message = format!("nothing gives to the account `{}` or takes from it", account.name);
            found.push(finding(place, message).help("take it away, or use it"));
        }
    }
}
