//! A test that expects nothing: it cannot fail.

use super::{Facts, Group, Level, Lint, at, finding};
use perq_grammar::ast::{ItemKind, TestStep};
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Correctness, Level::Warn, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    for (tree, item) in facts.items() {
        let ItemKind::Test(test) = &item.kind else { continue };
        let expects = test.steps.iter().any(|step| matches!(step, TestStep::Expect(..)));
        if test.rejects.is_none() && !expects {
            found.push(
                finding(at(tree.file, test.name.span), "this test expects nothing, so that it cannot fail")
                    .help("say what must come of it: `expect award 10 points`, or `expect nothing`"),
            );
        }
    }
}
