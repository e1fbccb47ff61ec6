//! Where the repository is and what belongs to it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The text of a file of the repository.
///
/// # Panics
/// Where it is not there or no text: a test that asks for it is wrong then.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files that belong to the repository, with `/`, sorted: what git tracks, or would track once it is added.
///
/// # Panics
/// Where git is not there.
pub fn tracked() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8_lossy(&listed.stdout);
    let there = |path: &&str| !path.is_empty() && root().join(path).is_file();
    let mut paths: Vec<String> = text.split('\0').filter(there).map(str::to_owned).collect();
    paths.sort();
    paths
}

/// A folder below `target` for one test, empty.
///
/// # Panics
/// Where it cannot be made.
pub fn scratch(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("tmp").join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}
