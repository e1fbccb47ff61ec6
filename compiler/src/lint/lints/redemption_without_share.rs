//! A redemption that may pay for all of a receipt.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::{ItemKind, RedemptionClause};
use perq_grammar::diagnostic::Diagnostic;

// Some programmes mean it.
pub const LINT: Lint = Lint::new(Group::Money, Level::Allow, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for (tree, item) in facts.items() {
        let ItemKind::Redemption(header, clauses) = &item.kind else { continue };
        let bounded = clauses.iter().any(|clause| match clause.kind {
            RedemptionClause::AtMost(_) | RedemptionClause::CashAtLeast(_) | RedemptionClause::Pay { .. } => true,
            RedemptionClause::From(_)
            | RedemptionClause::For(_)
            | RedemptionClause::Rate(..)
            | RedemptionClause::AtLeast(_)
            | RedemptionClause::Step(_)
            | RedemptionClause::MemberChoosesAmount
            | RedemptionClause::Confirm { .. }
            | RedemptionClause::IfShort(_)
            | RedemptionClause::Shared(_) => false,
        });
        if !bounded {
            let message = format!("`{}` may pay for all of it, down to nothing", header.name.text);
            found.push(
                finding(at(tree.file, header.name.span), message)
                    .help("leave something to pay: `at most 50% of basket.paid`, `cash at least 1 EUR`"),
            );
        }
    }
}
