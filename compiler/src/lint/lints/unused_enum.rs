//! An enumeration that nothing uses.

use super::{Facts, Group, Level, Lint, unused};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Style, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let offers = &facts.program.offers;
    // Offers say the words of these alone: `display by priority high`, `goals [upsell]`.
    let said = |name: &str| match name {
        "Priority" => !offers.priorities.is_empty(),
        "Goal" => offers.list.iter().any(|offer| !offer.goals.is_empty()),
        _ => false,
    };
    unused(
        facts,
        found,
        "enum",
        |item| if let ItemKind::Enum { header, .. } = item { Some(header).filter(|of| !said(&of.name.text)) } else { None },
    );
}
