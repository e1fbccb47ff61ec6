//! How large the files of a program may be together: at each limit, below it and above it.

use perq_compiler::pipeline::{
    Input, MAX_DECLARATIONS, MAX_PROGRAM_BYTES, MAX_PROGRAM_TOKENS, NoFiles, analyse,
};
use perq_grammar::source::MAX_SOURCE_BYTES;

/// Whether the program is refused for its size, and with how many diagnostics.
fn refused(texts: &[String]) -> (bool, usize) {
    let input =
        |(number, text): (usize, &String)| Input { path: format!("{number}.rule"), text: text.clone() };
    let inputs: Vec<Input> = texts.iter().enumerate().map(input).collect();
    let found = analyse(&inputs, &NoFiles).diagnostics;
    (found.iter().any(|diagnostic| diagnostic.name == "program-too-large"), found.len())
}

#[test]
fn bytes_of_all_files() {
    let comment = |bytes: usize| format!("{}\n", "#".repeat(bytes - 1));
    let mut texts = vec![comment(MAX_SOURCE_BYTES); MAX_PROGRAM_BYTES / MAX_SOURCE_BYTES];
    assert!(!refused(&texts).0, "as many bytes as there may be");
    texts.push("\n".to_owned());
    assert!(refused(&texts).0, "one more");
}

#[test]
fn words_of_all_files() {
    // One declaration of too many words is quickly read: it is refused by itself. `enum e {` and `}` are four of them.
    let half = MAX_PROGRAM_TOKENS / 2;
    let values = |count: usize| format!("enum e {{ {} }}", "a ".repeat(count - 4));
    assert!(!refused(&[values(half), values(half)]).0, "as many as there may be");
    assert!(refused(&[values(half), values(half + 1)]).0, "one more");
}

#[test]
fn declarations_of_all_files() {
    let file = |count: usize| "segment s = true\n".repeat(count);
    let half = MAX_DECLARATIONS / 2;
    let group =
        |rules: usize| format!("group g {{ {} }}\n", "rule r { then award 1 points }\n".repeat(rules));
    // A group is a declaration, and so is each rule in it. Then nothing else is said of them.
    assert_eq!(refused(&[file(half), group(half)]), (true, 1), "one more");
    assert!(!refused(&[file(half), group(half - 1)]).0, "as many as there may be");
}
