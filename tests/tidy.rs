//! What holds of the repository as a whole: who may use whom, where `unsafe` may be, that documents name what is
//! there, and that every diagnostic has its page.

use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};
use perq_tests::{read, root, tracked};
use std::collections::{BTreeMap, BTreeSet};

/// Which crates of the project each may use: the arrows of docs/architecture.md.
const ARROWS: [(&str, &[&str]); 10] = [
    ("perq-grammar", &[]),
    ("perq-optimizer", &[]),
    ("perq-stdlib", &[]),
    ("perq-compiler", &["perq-grammar", "perq-stdlib"]),
    ("perq-runtime", &["perq-grammar", "perq-compiler", "perq-optimizer", "perq-stdlib"]),
    ("perq-ide", &["perq-grammar", "perq-compiler", "perq-stdlib"]),
    ("perq-prose", &["perq-grammar", "perq-compiler"]),
    ("perq-ledger", &["perq-compiler", "perq-runtime"]),
    (
        "perq-cli",
        &[
            "perq-grammar",
            "perq-compiler",
            "perq-ide",
            "perq-prose",
            "perq-runtime",
            "perq-ledger",
            "perq-stdlib",
        ],
    ),
    (
        "perq-tests",
        &[
            "perq-grammar",
            "perq-compiler",
            "perq-ide",
            "perq-prose",
            "perq-runtime",
            "perq-ledger",
            "perq-stdlib",
            "perq-cli",
        ],
    ),
];

/// Crates of others that one crate of ours alone may use.
const OWNED: [(&str, &str); 17] = [
    ("logos", "perq-grammar"),
    ("pest", "perq-grammar"),
    ("pest_derive", "perq-grammar"),
    ("clap", "perq-cli"),
    ("clap_complete", "perq-cli"),
    ("miette", "perq-cli"),
    ("indicatif", "perq-cli"),
    ("ignore", "perq-cli"),
    ("saphyr-parser", "perq-cli"),
    ("toml", "perq-cli"),
    ("cranelift-jit", "perq-runtime"),
    ("ed25519-dalek", "perq-runtime"),
    ("csv", "perq-runtime"),
    ("jiff", "perq-runtime"),
    ("arc-swap", "perq-runtime"),
    ("rusqlite", "perq-ledger"),
    ("postgres", "perq-ledger"),
];

/// The crates of the workspace.
fn packages() -> Vec<Package> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().other_options(["--offline".to_owned()]);
    command.exec().expect("cargo metadata").packages
}

fn dependencies() -> BTreeMap<String, Vec<(String, DependencyKind)>> {
    let dependencies = |package: &Package| {
        package.dependencies.iter().map(|dependency| (dependency.name.clone(), dependency.kind)).collect()
    };
    packages().iter().map(|package| (package.name.to_string(), dependencies(package))).collect()
}

#[test]
fn crates_use_only_what_the_arrows_allow() {
    let all = dependencies();
    let ours: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(all.keys().map(String::as_str).collect::<BTreeSet<_>>(), ours, "a crate without arrows");
    for (name, allowed) in ARROWS {
        for (used, kind) in &all[name] {
            let fine = !ours.contains(used.as_str()) || allowed.contains(&used.as_str());
            assert!(fine, "{name} uses {used} ({kind})");
        }
    }
}

#[test]
fn each_foreign_crate_has_one_owner() {
    for (name, used) in dependencies() {
        for (foreign, owner) in OWNED {
            let uses = used.iter().any(|(used, kind)| used == foreign && *kind == DependencyKind::Normal);
            assert!(!uses || name == owner, "{name} uses {foreign}, which belongs to {owner}");
        }
    }
}

fn rust_files() -> Vec<(String, String)> {
    tracked()
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .map(|path| (path.clone(), read(&path)))
        .collect()
}

#[test]
fn files_open_by_saying_what_they_hold() {
    for (path, text) in rust_files() {
        assert!(text.starts_with("//! "), "{path} does not open with `//!`");
    }
}

#[test]
fn unsafe_code_is_in_one_place() {
    let word = ["un", "safe"].concat();
    for (path, text) in rust_files() {
        if path.starts_with("runtime/src/native/") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            let found =
                [" {", " fn", " impl", " extern"].iter().any(|next| code.contains(&format!("{word}{next}")));
            assert!(!found, "{path}:{}: {line}", number + 1);
        }
    }
}

/// How far above its block a reason may begin.
const SAFETY_LINES: usize = 16;

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    let opening = [["un", "safe"].concat(), " {".to_owned()].concat();
    for (path, text) in rust_files().into_iter().filter(|(path, _)| path.starts_with("runtime/src/native/")) {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if line.split("//").next().unwrap_or("").contains(&opening) {
                let above = lines[number.saturating_sub(SAFETY_LINES)..=number].iter();
                assert!(
                    above.into_iter().any(|line| line.contains("SAFETY:")),
                    "{path}:{}: {line}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn nothing_is_left_to_be_written() {
    let words = [["to", "do!("].concat(), ["unimple", "mented!("].concat(), ["db", "g!("].concat()];
    for (path, text) in rust_files() {
        for word in &words {
            assert!(!text.contains(word.as_str()), "{path} holds {word}");
        }
    }
}

#[test]
fn a_test_that_is_passed_over_says_why() {
    let attribute = ["#[ig", "nore"].concat();
    for (path, text) in rust_files() {
        for (at, _) in text.match_indices(&attribute) {
            let rest = text.get(at + attribute.len()..).unwrap_or("");
            assert!(rest.starts_with(" = \""), "{path} passes a test over and does not say why");
        }
    }
}

/// Texts in backquotes or links that look like paths of this repository.
fn paths_in(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let quoted = line.split('`').skip(1).step_by(2);
        let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for text in quoted.chain(linked) {
            let path = text.split('#').next().unwrap_or("");
            let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if plain && path.contains('/') && !path.starts_with("http") {
                out.insert(path.to_owned());
            }
        }
    }
    out
}

#[test]
fn documents_name_what_is_there() {
    let files = tracked();
    let there = |path: &str| {
        let path = path.trim_end_matches('/');
        files.iter().any(|file| file == path || file.starts_with(&format!("{path}/")))
    };
    for document in ["README.md", "docs/architecture.md", "docs/contributing.md"] {
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        let paths = paths_in(&read(document));
        assert!(!paths.is_empty(), "{document} names nothing");
        for path in paths {
            let relative = match path.strip_prefix("../") {
                Some(above) => above.to_owned(),
                None if folder.is_empty() => path.clone(),
                None => format!("{folder}/{path}"),
            };
            assert!(there(&path) || there(&relative), "{document} names {path}, which is not there");
        }
    }
}

#[test]
fn no_path_of_a_machine() {
    let folders = ["/wo", "/fa", "/ho", "/ro"].map(|start| match start {
        "/wo" => format!("{start}rk/"),
        "/fa" => format!("{start}rm/"),
        "/ho" => format!("{start}me/"),
        _ => format!("{start}ot/"),
    });
    for path in tracked() {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for folder in &folders {
            for (at, _) in text.match_indices(folder.as_str()) {
                let before = text[..at].chars().next_back();
                let part_of_a_word = before.is_some_and(|c| c.is_alphanumeric() || "._-/".contains(c));
                assert!(part_of_a_word, "{path} holds a path of a machine: {folder}");
            }
        }
    }
}

#[test]
fn large_files_stay_out() {
    for path in tracked() {
        let length = std::fs::metadata(root().join(&path)).map_or(0, |file| file.len());
        assert!(length <= 8_000_000, "{path} has {length} bytes");
    }
}

#[test]
fn every_page_can_be_explained() {
    let pages: BTreeSet<String> = tracked()
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_prefix("docs/diagnostics/")?.strip_suffix(".md")?;
            (!name.contains('/') && name != "README").then(|| name.to_owned())
        })
        .collect();
    let listed: BTreeSet<String> =
        perq_cli::pages::PAGES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<&String> = pages.difference(&listed).collect();
    let gone: Vec<&String> = listed.difference(&pages).collect();
    assert!(missing.is_empty(), "runtime/cli/src/pages.rs lacks {missing:?}");
    assert!(gone.is_empty(), "runtime/cli/src/pages.rs lists {gone:?}, which have no page");
}

/// What each package of a lock file depends on.
fn locked(file: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = read(file);
    let packages = text.split("[[package]]").skip(1).map(|package| {
        let name = package.split('"').nth(1).expect("a package has a name").to_owned();
        let list = package.split("dependencies = [").nth(1).unwrap_or("");
        let used = list.split('"').skip(1).step_by(2).filter_map(|used| used.split(' ').next());
        (name, used.map(str::to_owned).collect())
    });
    packages.collect()
}

/// Workspaces beside this one are not built with it, and with a lock file that lacks something they are not built at all.
#[test]
fn lock_files_beside_this_workspace_name_what_crates_need() {
    for file in ["tests/bench-peers/Cargo.lock", "tests/fuzz/Cargo.lock"] {
        let locked = locked(file);
        let mut seen = 0;
        for package in packages() {
            let Some(used) = locked.get(package.name.as_str()) else { continue };
            seen += 1;
            let needs = |of: &&Dependency| of.kind != DependencyKind::Development && of.target.is_none();
            for Dependency { name, optional, .. } in package.dependencies.iter().filter(needs) {
                assert!(*optional || used.contains(name), "{file}: {} needs {name}", package.name);
            }
            for used in used {
                let known = package.dependencies.iter().any(|dependency| dependency.name == *used);
                assert!(known, "{file}: {} does not need {used}", package.name);
            }
        }
        assert!(seen > 0, "{file} names none of our crates");
    }
}

#[test]
fn dependencies_have_their_reasons() {
    let manifest = read("Cargo.toml");
    let reasons = read("docs/decisions/dependencies.md");
    let table = manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    for line in table.unwrap_or("").lines() {
        let name = line.split('=').next().unwrap_or("").trim();
        if !name.is_empty() && !name.starts_with('#') && !name.starts_with("perq-") {
            assert!(
                reasons.contains(&format!("`{name}`")),
                "docs/decisions/dependencies.md does not name {name}"
            );
        }
    }
}
