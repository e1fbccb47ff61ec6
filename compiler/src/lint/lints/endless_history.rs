//! History without a beginning: all that a member ever did is kept and read.

use super::{Facts, Group, Level, Lint, finding};
use crate::ir::Window;
use crate::typed::walk::Node;
use crate::typed::SourceKind;
use perq_grammar::diagnostic::Diagnostic;

pub const LINT: Lint = Lint::new(Group::Cost, Level::Allow, run);

fn run(facts: &Facts<'_>, found: &mut Vec<Diagnostic>) {
    facts.each(&mut |node| {
        let Node::Source(source) = node else { return };
        if matches!(source.kind, SourceKind::Past(Window::Ever)) {
            found.push(
                finding(source.place, "this looks back over all that there ever was")
                    .help("a window bounds what is kept: `within last 12 months`"),
            );
        }
    });
}
