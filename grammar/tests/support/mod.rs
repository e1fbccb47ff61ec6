//! The rule files of the repository, for the tests of this crate.

use std::path::{Path, PathBuf};

/// The constructs that the samples do not show.
#[allow(dead_code, reason = "not every suite uses it")]
pub const CONSTRUCTS: &str = include_str!("constructs.rule");

/// The samples, the other constructs and the syntax cases, with their names.
pub fn rule_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let mut paths: Vec<PathBuf> = ["samples", "cases/syntax"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(root.join(folder)).ok())
        .flatten()
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rule"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 23, "the samples are there");
    let constructs = ("24-constructs.rule".to_owned(), CONSTRUCTS.to_owned());
    let files = paths.into_iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).expect("a readable file"))
    });
    files.chain([constructs]).collect()
}

/// Only those without errors: the samples and the other constructs.
#[allow(dead_code, reason = "not every suite uses it")]
pub fn samples() -> Vec<(String, String)> {
    let is_sample = |name: &str| name.as_bytes().first().is_some_and(u8::is_ascii_digit);
    rule_files().into_iter().filter(|(name, _)| is_sample(name)).collect()
}
