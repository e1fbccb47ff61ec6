//! Tokens cover any text without gap or overlap.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut at = 0;
    for token in perq_grammar::lex::lex(text) {
        assert_eq!(token.span.start, at, "a gap or an overlap before {token:?}");
        assert!(token.span.end > token.span.start, "an empty token {token:?}");
        at = token.span.end;
    }
    assert_eq!(at as usize, text.len(), "the end is missing");
});
