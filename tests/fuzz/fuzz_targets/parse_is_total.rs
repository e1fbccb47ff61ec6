//! Any bytes give a tree and diagnostics whose places are in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perq_grammar::diagnostic::FileId;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = perq_grammar::source::decode(FileId(0), bytes) else { return };
    let parsed = perq_grammar::parse(FileId(0), &text);
    for diagnostic in &parsed.diagnostics {
        let span = diagnostic.place.span;
        assert!(span.start <= span.end && span.end as usize <= text.len(), "{diagnostic:?}");
        assert!(text.is_char_boundary(span.start as usize), "{diagnostic:?}");
        assert!(text.is_char_boundary(span.end as usize), "{diagnostic:?}");
    }
});
