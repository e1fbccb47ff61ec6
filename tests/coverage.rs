//! docs/coverage.md says what the examples carry out, no more and no less, and no claim is without figures.

use perq_tests::{coverage, read};

#[test]
fn the_page_is_what_the_examples_carry_out() {
    let measured = coverage::measure().unwrap();
    assert_eq!(measured.wrong, Vec::<String>::new());
    let page = coverage::page(&measured);
    assert!(
        read("docs/coverage.md") == page,
        "docs/coverage.md is not up to date: `cargo run -p perq-tests --bin coverage` writes it"
    );
}
