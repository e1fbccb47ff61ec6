//! An account that nothing awards to, takes from or pays with.

use super::{Facts, Group, Level, Lint, at, finding};
use crate::ir::AccountId;
use crate::lint::walk::Node;
use crate::typed::{Step, Type};
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
    used.extend(facts.program.fields.iter().filter_map(|field| of_type(&field.ty)));
    used.extend(facts.program.params.iter().filter_map(|param| of_type(&param.ty)));
    for (id, account) in (0_u32..).zip(&facts.program.accounts) {
        if used.contains(&AccountId(id)) || facts.mentions(&account.name) > 1 {
            continue;
        }
        let declared = facts.items().find_map(|(tree, item)| match &item.kind {
            ItemKind::Account(header, _) if header.name.text == account.name => {
                Some(at(tree.file, header.name.span))
            }
            _ => None,
        });
        if let Some(place) = declared {
            let message = format!("nothing gives to the account `{}` or takes from it", account.name);
            found.push(finding(place, message).help("take it away, or use it"));
        }
    }
}
