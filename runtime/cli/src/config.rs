//! `perq.toml`: what belongs to a programme beside its rules.
//!
//! Knows the file's keys and resolves its paths; refuses to open what they name.

use crate::Failure;
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
}

/// `[catalogue]`: CSV tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// `sku`, and columns named like the fields of a product.
    #[serde(default)]
    pub products: Paths,
    /// The assortment tree: `child`, `parent`.
    #[serde(default)]
    pub categories: Paths,
    /// `member`, and columns named like the fields of a member.
    #[serde(default)]
    pub members: Paths,
    /// `list`, `sku`.
    #[serde(default)]
    pub lists: Paths,
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

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    fn resolve(&mut self, root: &Path) {
        let tables = &mut self.catalogue;
        let fixed = [
            &mut tables.products,
            &mut tables.categories,
            &mut tables.members,
            &mut tables.lists,
            &mut tables.segments,
            &mut tables.stores,
            &mut self.events.files,
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
    fn unknown_keys_are_named() {
        let error = Config::parse("[catalogue]\nprodcts = \"a.csv\"\n").err().unwrap_or_default();
        assert!(error.contains("prodcts") && error.contains("products"), "{error}");
    }
}
