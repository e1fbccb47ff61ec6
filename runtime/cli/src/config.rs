//! `perq.toml`: what belongs to a programme beside its rules.
//!
//! Knows the file's keys and resolves its paths; refuses to open what they name.

use crate::Failure;
use perq_compiler::lint::Level;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file's name.
pub const FILE: &str = "perq.toml";

/// One path or several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Paths(pub Vec<PathBuf>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a path or a list of paths")]
enum OneOrMany {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

impl From<OneOrMany> for Paths {
    fn from(paths: OneOrMany) -> Paths {
        match paths {
            OneOrMany::One(path) => Paths(vec![path]),
            OneOrMany::Many(paths) => Paths(paths),
        }
    }
}

impl Paths {
    /// These, or the others where there are none.
    pub fn or(&self, others: &Paths) -> Paths {
        if self.0.is_empty() { others.clone() } else { self.clone() }
    }

    fn resolve(&mut self, root: &Path) {
        for path in &mut self.0 {
            *path = root.join(&*path);
        }
    }
}

/// `perq.toml`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[catalogue]`
    #[serde(default)]
    pub catalogue: Tables,
    /// `[events]`
    #[serde(default)]
    pub events: Events,
    /// `[parameters]`: values of this deployment, by the parameters' names.
    #[serde(default)]
    pub parameters: BTreeMap<String, Setting>,
    /// `[lint]`: levels, by the names of lints and of groups.
    #[serde(default)]
    pub lint: BTreeMap<String, LintLevel>,
}

/// How much a lint matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", expecting = "\"allow\", \"warn\" or \"deny\"")]
pub enum LintLevel {
    /// Not looked for.
    Allow,
    /// A warning.
    Warn,
    /// An error.
    Deny,
}

impl LintLevel {
    /// As lints have it.
    pub fn level(self) -> Level {
        match self {
            LintLevel::Allow => Level::Allow,
            LintLevel::Warn => Level::Warn,
            LintLevel::Deny => Level::Deny,
        }
    }
}

/// A parameter's value: as the rules write it, in quotes; truths and whole numbers without.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "a value in quotes as the rules write it, such as \"7.5%\"; a whole number or a truth may stand without"
)]
pub enum Setting {
    /// `"7.5%"`
    Text(String),
    /// `5`
    Whole(i64),
    /// `true`
    Truth(bool),
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Setting::Text(text) => f.write_str(text),
            Setting::Whole(number) => write!(f, "{number}"),
            Setting::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

/// Trees of categories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrManyTrees")]
pub struct Trees(pub Vec<Tree>);

/// A tree of names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "a path of a table `child, parent`, or { file = \"…\", levels = [\"department\", \"category\"] }"
)]
pub enum Tree {
    /// `child`, `parent`.
    Pairs(PathBuf),
    /// Columns of a table, the root first.
    Levels(Levels),
}

/// Columns of a table, one for each level of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// The table; without it the columns are those of the products.
    pub file: Option<PathBuf>,
    /// The columns, the root first.
    pub levels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a path of a table `child, parent`, { file = \"…\", levels = [\"department\", \"category\"] }, or a list of them"
)]
enum OneOrManyTrees {
    One(Tree),
    Many(Vec<Tree>),
}

impl From<OneOrManyTrees> for Trees {
    fn from(trees: OneOrManyTrees) -> Trees {
        match trees {
            OneOrManyTrees::One(tree) => Trees(vec![tree]),
            OneOrManyTrees::Many(trees) => Trees(trees),
        }
    }
}

impl Trees {
    /// Tables of `child`, `parent`.
    pub fn of_paths(paths: &[PathBuf]) -> Trees {
        Trees(paths.iter().cloned().map(Tree::Pairs).collect())
    }

    fn resolve(&mut self, root: &Path) {
        for tree in &mut self.0 {
            match tree {
                Tree::Pairs(path) | Tree::Levels(Levels { file: Some(path), .. }) => {
                    *path = root.join(&*path)
                }
                Tree::Levels(Levels { file: None, .. }) => {}
            }
        }
    }
}

/// `[catalogue]`: CSV tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// `sku`, and columns named like the fields of a product.
    #[serde(default)]
    pub products: Paths,
    /// The assortment tree: `child`, `parent`, or a column for each level.
    #[serde(default)]
    pub categories: Trees,
    /// `member`, and columns named like the fields of a member.
    #[serde(default)]
    pub members: Paths,
    /// `list`, `sku`.
    #[serde(default)]
    pub lists: Paths,
    /// `offer_list`, `offer`.
    #[serde(default)]
    pub offer_lists: Paths,
    /// `segment`, and `member` where it says who is in it.
    #[serde(default)]
    pub segments: Paths,
    /// `store`.
    #[serde(default)]
    pub stores: Paths,
    /// Names of further kinds of references, by kind: `name`, and `parent` where they form a tree.
    #[serde(default)]
    pub names: BTreeMap<String, Paths>,
}

/// `[events]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// One JSON object a line, plain or gzip.
    #[serde(default)]
    pub files: Paths,
    /// What came back of them, in the same form; `perq demo` sends it to a ledger after them.
    #[serde(default)]
    pub returns: Paths,
    /// A few events, in the same form, on which an editor shows what each rule gives.
    #[serde(default)]
    pub samples: Paths,
}

impl Config {
    /// Reads a folder's file; a folder without one has the defaults.
    ///
    /// # Errors
    /// Where the file is there and cannot be read, or says something that is not known.
    pub fn of_folder(folder: &Path) -> Result<Option<Config>, Failure> {
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let mut config = Config::parse(&text).map_err(|error| Failure::file(&path, &error))?;
                config.resolve(folder);
                Ok(Some(config))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file(&path, &error)),
        }
    }

    /// The parameters, as an engine takes them.
    pub fn parameters(&self) -> Vec<(String, String)> {
        self.parameters.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
    }

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    fn resolve(&mut self, root: &Path) {
        let tables = &mut self.catalogue;
        tables.categories.resolve(root);
        let fixed = [
            &mut tables.products,
            &mut tables.members,
            &mut tables.lists,
            &mut tables.offer_lists,
            &mut tables.segments,
            &mut tables.stores,
            &mut self.events.files,
            &mut self.events.returns,
            &mut self.events.samples,
        ];
        for paths in fixed.into_iter().chain(tables.names.values_mut()) {
            paths.resolve(root);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_or_several() {
        let text = "[catalogue]\nproducts = \"a.csv\"\n[catalogue.names]\nbank = [\"b.csv\", \"c.csv\"]\n";
        let mut config = Config::parse(text).unwrap_or_default();
        config.resolve(Path::new("root"));
        assert_eq!(config.catalogue.products.0, [Path::new("root/a.csv")]);
        let banks = config.catalogue.names.get("bank").map(|paths| paths.0.len());
        assert_eq!(banks, Some(2));
    }

    #[test]
    fn trees_and_parameters() {
        let text = "[catalogue]\ncategories = [\"a.csv\", { file = \"b.csv\", levels = [\"x\", \"y\"] }, { levels = [\"z\"] }]\n\
            [parameters]\nrate = \"7.5%\"\nlimit = 5\nopen = true\n";
        let mut config = Config::parse(text).unwrap_or_default();
        config.resolve(Path::new("root"));
        let expected = [
            Tree::Pairs("root/a.csv".into()),
            Tree::Levels(Levels { file: Some("root/b.csv".into()), levels: vec!["x".into(), "y".into()] }),
            Tree::Levels(Levels { file: None, levels: vec!["z".into()] }),
        ];
        assert_eq!(config.catalogue.categories.0, expected);
        let given: Vec<String> =
            config.parameters().into_iter().map(|(name, value)| name + "=" + &value).collect();
        assert_eq!(given, ["limit=5", "open=true", "rate=7.5%"]);
        // A number with a point would have been a float.
        let error = Config::parse("[parameters]\nrate = 7.5\n").err().unwrap_or_default();
        assert!(error.contains("in quotes"), "{error}");
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = Config::parse("[catalogue]\nprodcts = \"a.csv\"\n").err().unwrap_or_default();
        assert!(error.contains("prodcts") && error.contains("products"), "{error}");
    }
}
