//! A rule that no test names.

use super::{Facts, Group, Level, Lint, finding};
use perq_grammar::ast::ItemKind;
use perq_grammar::diagnostic::Diagnostic;
use perq_grammar::lex::TokenKind;
use rustc_hash::FxHashSet;

// Sums that a test expects cover rules without naming them.
pub const LINT: Lint = Lint::new(Group::Style, Level::Allow, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    let mut named: FxHashSet<&str> = FxHashSet::default();
    for (tree, item) in facts.items() {
        if !matches!(item.kind, ItemKind::Test(_)) {
            continue;
        }
        let tokens = facts.tokens(tree.file);
        let first = tokens.partition_point(|token| token.span.start < item.span.start);
        let inside = tokens.iter().skip(first).take_while(|token| token.span.end <= item.span.end);
        named.extend(
            inside.filter(|token| token.kind == TokenKind::Word).map(|token| token.text(&tree.text)),
        );
    }
    if named.is_empty() {
        return;
    }
    for rule in &facts.program.rules {
        if !named.contains(rule.name.as_str()) && facts.written_of(rule).is_some() {
            found.push(
                finding(rule.place, format!("no test names the rule `{}`", rule.name))
                    .help(format!("expect something of it: `expect rule {} fires`", rule.name)),
            );
        }
    }
}
