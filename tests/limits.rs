//! `docs/reference/limits.md` says what the code holds: each value is that of its constant, each constant that is a limit by
//! its name is there, and what is said beyond a limit is something that perq says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/reference/limits.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A row of the page.
struct Limit {
    what: String,
    value: i128,
    said: String,
    file: String,
    name: String,
}

fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn limits() -> Vec<Limit> {
    let page = read(PAGE);
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| limit |"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [what, value, said, held] = cells[..] else { panic!("four cells: {line}") };
        let [file, name] = quoted(held)[..] else { panic!("a file and a constant: {line}") };
        let digits: String = value.chars().filter(|c| *c != ' ').collect();
        Limit {
            what: what.to_owned(),
            value: digits.parse().unwrap_or_else(|_| panic!("a whole number: {line}")),
            said: said.to_owned(),
            file: file.to_owned(),
            name: name.to_owned(),
        }
    })
    .collect()
}

/// What stands behind `const NAME: … =`.
fn constants(text: &str) -> Vec<(String, String)> {
    let declared = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub").map_or(line, |rest| {
            // `pub(crate)` and the like.
            rest.trim_start_matches(|c: char| c != ' ').trim_start()
        });
        let (name, rest) = line.strip_prefix("const ")?.split_once(':')?;
        let (_, value) = rest.split_once('=')?;
        Some((name.to_owned(), value.trim().trim_end_matches(';').to_owned()))
    });
    declared.collect()
}

/// A number, another constant, or a product, a power of two or a power of two times something of these.
fn worth(expression: &str, file: &str) -> i128 {
    if let Some((left, right)) = expression.split_once(" << ") {
        return worth(left, file) << worth(right, file);
    }
    if let Some((left, right)) = expression.split_once(" * ") {
        return worth(left, file) * worth(right, file);
    }
    if let Ok(number) = expression.replace('_', "").parse() {
        return number;
    }
    let own = read(file);
    // A constant of the same file, or one that it uses of the grammar's.
    for (text, file) in [(own, file), (read("grammar/src/lib.rs"), "grammar/src/lib.rs")] {
        if let Some((_, value)) = constants(&text).into_iter().find(|(name, _)| name == expression) {
            return worth(&value, file);
        }
    }
    panic!("{file}: what is `{expression}`?")
}

#[test]
fn each_value_is_that_of_its_constant() {
    let limits = limits();
    assert!(limits.len() > 50, "{} rows were read", limits.len());
    for limit in &limits {
        let found: Vec<String> = constants(&read(&limit.file))
            .into_iter()
            .filter(|(name, _)| *name == limit.name)
            .map(|(_, value)| value)
            .collect();
        let [value] = &found[..] else {
            panic!("{}: {} has {} of `{}`", limit.what, limit.file, found.len(), limit.name)
        };
        assert_eq!(
            worth(value, &limit.file),
            limit.value,
            "{}: `{}` in {}",
            limit.what,
            limit.name,
            limit.file
        );
    }
}

#[test]
fn each_constant_that_is_a_limit_is_told() {
    let told: BTreeSet<(String, String)> =
        limits().into_iter().map(|limit| (limit.file, limit.name)).collect();
    let mut folders: Vec<PathBuf> = ["grammar/src", "compiler/src", "runtime/src", "runtime/cli/src"]
        .iter()
        .map(|folder| root().join(folder))
        .collect();
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = path.strip_prefix(root()).expect("below the root").display().to_string();
            if !file.ends_with(".rs") || file.contains("/tests") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source");
            // The module of the verifier's limits has no prefix.
            let within = if file == "compiler/src/ir/verify.rs" {
                text.split_once("pub mod limits {")
                    .and_then(|(_, rest)| rest.split_once("\n}"))
                    .map(|(inner, _)| inner)
            } else {
                None
            };
            let named = constants(&text)
                .into_iter()
                .filter(|(name, _)| name.starts_with("MAX_") || name.starts_with("MOST_"));
            // How fine an index is cut, and what it looks at: nobody is refused for it.
            if ["compiler/src/evaluate/plan.rs", "compiler/src/evaluate/questions.rs"]
                .contains(&file.as_str())
            {
                continue;
            }
            for (name, _) in named.chain(within.map(constants).unwrap_or_default()) {
                seen += 1;
                assert!(
                    told.contains(&(file.clone(), name.clone())),
                    "{PAGE} does not tell of `{name}` in {file}"
                );
            }
        }
    }
    assert!(seen > 30, "{seen} constants were seen");
}

#[test]
fn what_is_said_beyond_a_limit_is_said_somewhere() {
    let mut names = BTreeSet::new();
    for limit in limits() {
        for link in limit.said.split("](").skip(1) {
            let path = link.split(')').next().unwrap_or_default();
            assert!(root().join("docs/reference").join(path).exists(), "{}: there is no {path}", limit.what);
        }
        names.extend(quoted(&limit.said).into_iter().map(str::to_owned));
    }
    let sources = [
        "compiler/src/ir/verify.rs",
        "runtime/src/pack/error.rs",
        "runtime/src/record/error.rs",
        "runtime/src/decision.rs",
    ]
    .map(read)
    .concat();
    for name in names {
        assert!(
            sources.contains(&format!("\"{name}\"")) || sources.contains(&format!("\\\"{name}\\\"")),
            "nothing says `{name}`"
        );
    }
}

#[test]
fn an_expression_is_worked_out() {
    let file = "compiler/src/pipeline.rs";
    assert_eq!(worth("4 * 1024 * 1024", file), 4_194_304);
    assert_eq!(worth("16 << 20", file), 16_777_216);
    assert_eq!(worth("MAX_FILE_TOKENS", file), 2_500_000);
    let text = "pub(super) const A: u32 = 1;\n    pub const B: usize = 1_000 * 2;\nconst C: &[u8] = b\"\";\nlet const_d = 1;";
    let found: Vec<String> =
        constants(text).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(found, ["A=1", "B=1_000 * 2", "C=b\"\""]);
}
