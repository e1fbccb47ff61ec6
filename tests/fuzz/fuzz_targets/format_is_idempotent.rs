//! A formatted text formats to itself, and keeps every comment.
#![no_main]

use libfuzzer_sys::fuzz_target;

fn comments(text: &str) -> Vec<String> {
    let tokens = perq_grammar::lex::lex(text);
    let comments = tokens.iter().filter(|token| token.kind.is_comment());
    comments.map(|token| token.text(text).trim_end().to_owned()).collect()
}

fuzz_target!(|text: &str| {
    let Ok(once) = perq_grammar::format(text) else { return };
    let twice = perq_grammar::format(&once).expect("what the formatter writes has no errors");
    assert_eq!(once, twice);
    assert_eq!(comments(text), comments(&once));
});
