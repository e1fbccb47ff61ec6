//! Each diagnostic of this crate has a page whose example gives it alone and whose fix is clean.

use perq_grammar::diagnostic::FileId;
use perq_grammar::errors::NAMES;
use perq_grammar::{format, parse};
use std::path::Path;

/// What no rule block can show: bytes that are no text, the size of a file, a hundred other diagnostics.
const SHOWN_AS_TEXT: &[&str] = &["file-too-large", "invalid-utf8", "too-many-errors"];

#[test]
fn every_diagnostic_has_a_page_that_shows_it() {
    assert!(NAMES.is_sorted(), "the names are in order");
    for name in NAMES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/diagnostics/{name}.md"));
        let page =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(page.starts_with(&format!("# {name}\n\n")), "{name} has its title");
        let (example, fix) = page.split_once("\n## Fix\n").unwrap_or_else(|| panic!("{name} has a fix"));
        if !SHOWN_AS_TEXT.contains(name) {
            // The checker says some of these names, too: one example is enough that the text alone gives.
            let gives = |text: &&str| {
                let found = parse(FileId(0), text).diagnostics;
                !found.is_empty() && found.iter().all(|found| found.name == *name)
            };
            assert!(blocks(example).iter().any(gives), "an example of {name}");
        }
        let fix = block(fix, name);
        assert_eq!(parse(FileId(0), fix).diagnostics, [], "the fix of {name}");
        assert!(format(fix).is_ok(), "the fix of {name} can be laid out");
    }
}

fn block<'p>(page: &'p str, name: &str) -> &'p str {
    blocks(page).first().copied().unwrap_or_else(|| panic!("{name} has a block of rules"))
}

/// The blocks of rules, whatever they promise.
fn blocks(page: &str) -> Vec<&str> {
    let fences = page.split("```rule").skip(1).filter_map(|rest| rest.split_once('\n'));
    fences.filter_map(|(_, rest)| rest.split_once("```")).map(|(text, _)| text).collect()
}
