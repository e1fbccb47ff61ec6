//! The reference tables that a host loads beside a pack: products, members, trees, lists and names.
//!
//! Holds texts as the tables have them, byte for byte, and refuses to know any program. `bind.rs` says what one
//! program sees of them.

pub(crate) mod bind;
mod dictionary;
mod names;

use crate::input;
use crate::nearest::nearest;
use rustc_hash::{FxHashMap, FxHashSet};
use std::io::Read;

pub use bind::UnknownName;
pub use dictionary::Dictionary;
pub use names::LackingNames;

/// Why a catalogue is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueError {
    /// A table cannot be read, or is not CSV in UTF-8.
    Unreadable {
        /// Which table.
        table: String,
        /// What went wrong.
        message: String,
    },
    /// A table lacks a column.
    MissingColumn {
        /// Which table.
        table: String,
        /// The column's name, or names of which one is needed.
        column: String,
    },
    /// Two columns of a table have the same name.
    DuplicateColumn {
        /// Which table.
        table: String,
        /// The name.
        column: String,
    },
    /// A table has two rows for one key.
    DuplicateRow {
        /// Which table.
        table: String,
        /// The second row's line.
        line: u64,
        /// The key.
        key: String,
    },
    /// A row has no key.
    EmptyName {
        /// Which table.
        table: String,
        /// The row's line.
        line: u64,
    },
    /// A table takes more than 4 GiB.
    TooLarge {
        /// Which table.
        table: String,
    },
    /// A name is its own ancestor.
    Cycle {
        /// The kind.
        kind: String,
        /// The ring, first name repeated at the end.
        ring: Vec<String>,
    },
    /// A cell is not what the program reads there.
    BadCell {
        /// Which table.
        table: String,
        /// The key of the row.
        key: String,
        /// The column.
        column: String,
        /// What is wrong.
        message: String,
        /// The cell, clipped.
        value: String,
    },
    /// The program's time zone is not in the bundled database.
    UnknownZone {
        /// Its name.
        zone: String,
    },
    /// The program's currency has more than four decimals.
    UnsupportedCurrency {
        /// Its code.
        currency: String,
    },
}

impl CatalogueError {
    /// Its lasting name.
    pub fn name(&self) -> &'static str {
        match self {
            CatalogueError::Unreadable { .. } => "unreadable-table",
            CatalogueError::MissingColumn { .. } => "missing-column",
            CatalogueError::DuplicateColumn { .. } => "duplicate-column",
            CatalogueError::DuplicateRow { .. } => "duplicate-row",
            CatalogueError::EmptyName { .. } => "empty-name",
            CatalogueError::TooLarge { .. } => "table-too-large",
            CatalogueError::Cycle { .. } => "cyclic-hierarchy",
            CatalogueError::BadCell { .. } => "bad-cell",
            CatalogueError::UnknownZone { .. } => "unknown-zone",
            CatalogueError::UnsupportedCurrency { .. } => "unsupported-currency",
        }
    }
}

impl std::fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CatalogueError::Unreadable { table, message } => {
                write!(f, "the table of {table} cannot be read: {message}")
            }
            CatalogueError::MissingColumn { table, column } => {
                write!(f, "the table of {table} has no column `{column}`")
            }
            CatalogueError::DuplicateColumn { table, column } => {
                write!(f, "the table of {table} has two columns `{column}`")
            }
            CatalogueError::DuplicateRow { table, line, key } => {
                write!(f, "line {line} of the table of {table} is a second row for `{}`", key.escape_debug())
            }
            CatalogueError::EmptyName { table, line } => {
                write!(f, "line {line} of the table of {table} has an empty name")
            }
            CatalogueError::TooLarge { table } => write!(f, "the table of {table} takes more than 4 GiB"),
            CatalogueError::Cycle { kind, ring } => {
                write!(f, "in the tree of {kind}, {} stand in a ring", ring.join(" > "))
            }
            CatalogueError::BadCell { table, key, column, message, value } => write!(
                f,
                "in the table of {table}, row `{}`, column `{column}`: {message} (it is `{}`)",
                key.escape_debug(),
                value.escape_debug()
            ),
            CatalogueError::UnknownZone { zone } => {
                write!(f, "the time zone `{}` is not in the bundled database", zone.escape_debug())
            }
            CatalogueError::UnsupportedCurrency { currency } => {
                write!(f, "the currency `{}` has more than four decimals", currency.escape_debug())
            }
        }
    }
}

impl std::error::Error for CatalogueError {}

/// A table by key: columns of cells, all text in one piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub keys: Vec<Box<str>>,
    rows: FxHashMap<Box<str>, u32>,
    columns: Vec<Column>,
    text: String,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// Start and length; an empty cell is absent. Shorter than the rows where later files added some.
    cells: Vec<(u32, u32)>,
}

impl Table {
    pub fn row(&self, key: &str) -> Option<usize> {
        self.rows.get(key).map(|&row| row as usize)
    }

    pub fn rows(&self) -> usize {
        self.keys.len()
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// A column that nobody reads and whose name is near one that is not there.
    pub fn near_column(&self, name: &str, read: &[String]) -> Option<&str> {
        // Any short name is near any other.
        let is_long = name.chars().count() > 3;
        let names = self.columns.iter().map(|column| column.name.as_str()).filter(|_| is_long);
        nearest(name, names.filter(|column| !read.iter().any(|read| read == column)))
    }

    /// Nothing where the cell is empty.
    pub fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let &(start, length) = self.columns.get(column)?.cells.get(row)?;
        let (start, length) = (start as usize, length as usize);
        self.text.get(start..start + length).filter(|cell| !cell.is_empty())
    }

    /// Adds a row without cells, unless the key has one.
    pub fn add_key(&mut self, key: &str) {
        if self.row(key).is_none() {
            self.rows.insert(key.into(), self.keys.len() as u32);
            self.keys.push(key.into());
        }
    }

    /// Adds the rows of a file, or fills in more columns for keys that are already here.
    fn read(
        &mut self,
        table: &str,
        key_names: &[&str],
        mapping: &[(&str, &str)],
        reader: impl Read + Send,
    ) -> Result<(), CatalogueError> {
        let mut file = CsvFile::open(table, reader)?;
        for (from, to) in mapping {
            let Some(name) = file.header.iter_mut().find(|name| *name == from) else {
                return Err(CatalogueError::MissingColumn { table: table.into(), column: (*from).into() });
            };
            *name = (*to).to_owned();
        }
        let key_at = file.find(key_names)?;
        file.refuse_duplicates()?;
        let targets: Vec<Option<usize>> = file
            .header
            .iter()
            .enumerate()
            .map(|(at, name)| {
                (at != key_at).then(|| {
                    self.column(name).unwrap_or_else(|| {
                        self.columns.push(Column { name: name.clone(), cells: Vec::new() });
                        self.columns.len() - 1
                    })
                })
            })
            .collect();
        let mut seen = vec![false; self.rows()];
        while let Some((line, cells)) = file.next()? {
            let key = cells.get(key_at).unwrap_or_default();
            if key.is_empty() {
                return Err(CatalogueError::EmptyName { table: table.into(), line });
            }
            let row = match self.row(key) {
                Some(row) => row,
                None => {
                    self.add_key(key);
                    self.rows() - 1
                }
            };
            if seen.len() <= row {
                seen.resize(row + 1, false);
            }
            if std::mem::replace(&mut seen[row], true) {
                return Err(CatalogueError::DuplicateRow { table: table.into(), line, key: key.into() });
            }
            for (target, cell) in targets.iter().zip(cells) {
                let Some(target) = *target else { continue };
                let start = self.text.len();
                self.text.push_str(cell);
                if u32::try_from(self.text.len()).is_err() {
                    return Err(CatalogueError::TooLarge { table: table.into() });
                }
                let column = &mut self.columns[target].cells;
                if column.len() <= row {
                    column.resize(row + 1, (0, 0));
                }
                column[row] = (start as u32, cell.len() as u32);
            }
        }
        Ok(())
    }
}

/// Two cells of a row; the second may be empty.
type Pair = (Box<str>, Option<Box<str>>);

/// A CSV file with a header, read row by row.
struct CsvFile<'a> {
    table: String,
    reader: csv::Reader<Box<dyn Read + Send + 'a>>,
    header: Vec<String>,
    row: csv::StringRecord,
}

impl<'a> CsvFile<'a> {
    fn open(table: &str, reader: impl Read + Send + 'a) -> Result<CsvFile<'a>, CatalogueError> {
        let unreadable = |message: String| CatalogueError::Unreadable { table: table.to_owned(), message };
        let stream = input::open(reader).map_err(|error| unreadable(error.to_string()))?;
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(stream);
        let header = reader.headers().map_err(|error| unreadable(error.to_string()))?;
        let header = header
            .iter()
            .enumerate()
            .map(|(at, name)| if at == 0 { name.trim_start_matches('\u{feff}') } else { name }.to_owned())
            .collect();
        Ok(CsvFile { table: table.to_owned(), reader, header, row: csv::StringRecord::new() })
    }

    fn find(&self, names: &[&str]) -> Result<usize, CatalogueError> {
        names.iter().find_map(|name| self.header.iter().position(|column| column == name)).ok_or_else(|| {
            let table = self.table.clone();
            match self.header.as_slice() {
                [only] if let Some(separator) = input::other_separator(only) => {
                    CatalogueError::Unreadable { table, message: separator.to_owned() }
                }
                _ => CatalogueError::MissingColumn { table, column: names.join("` or `") },
            }
        })
    }

    fn refuse_duplicates(&self) -> Result<(), CatalogueError> {
        for (at, name) in self.header.iter().enumerate() {
            if self.header.iter().take(at).any(|other| other == name) {
                return Err(CatalogueError::DuplicateColumn {
                    table: self.table.clone(),
                    column: name.clone(),
                });
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<(u64, &csv::StringRecord)>, CatalogueError> {
        match self.reader.read_record(&mut self.row) {
            Ok(true) => Ok(Some((self.row.position().map_or(0, csv::Position::line), &self.row))),
            Ok(false) => Ok(None),
            Err(error) => {
                Err(CatalogueError::Unreadable { table: self.table.clone(), message: error.to_string() })
            }
        }
    }

    /// The rows as pairs of two named columns.
    fn pairs(mut self, first: &[&str], second: &[&str]) -> Result<Vec<Pair>, CatalogueError> {
        let first = self.find(first)?;
        let second = if second.is_empty() { None } else { self.find(second).ok() };
        let mut pairs = Vec::new();
        let table = self.table.clone();
        while let Some((line, row)) = self.next()? {
            let name = row.get(first).unwrap_or_default();
            if name.is_empty() {
                return Err(CatalogueError::EmptyName { table, line });
            }
            let other = second.and_then(|at| row.get(at)).filter(|other| !other.is_empty());
            pairs.push((name.into(), other.map(Into::into)));
        }
        Ok(pairs)
    }
}

/// Reference tables. Empty unless built; a kind without a table is open: every name of it is accepted.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    pub(crate) products: Table,
    pub(crate) members: Table,
    /// (kind, name).
    pub(crate) names: Vec<(String, Box<str>)>,
    /// (kind, child, parent).
    pub(crate) parents: Vec<(String, Box<str>, Box<str>)>,
    /// (store, IANA name of its zone).
    pub(crate) zones: Vec<(Box<str>, Box<str>)>,
    /// (kind, columns of the table of products from the root to the leaf).
    pub(crate) product_trees: Vec<(String, Vec<String>)>,
    /// (kind, name, name of the kind that it is of).
    pub(crate) contents: Vec<(String, Box<str>, Box<str>)>,
    /// (member, field, name).
    pub(crate) memberships: Vec<(Box<str>, String, Box<str>)>,
}

impl Catalogue {
    /// Begins a catalogue.
    pub fn builder() -> CatalogueBuilder {
        CatalogueBuilder::default()
    }

    /// How many products it has.
    pub fn product_count(&self) -> usize {
        self.products.rows()
    }

    /// How many members it has.
    pub fn member_count(&self) -> usize {
        self.members.rows()
    }
}

/// Reads tables into a [`Catalogue`]. Every table is CSV in UTF-8 with a header, plain or gzip; names are kept byte
/// for byte. Columns that no program reads do no harm.
#[derive(Clone, Debug, Default)]
pub struct CatalogueBuilder {
    catalogue: Catalogue,
}

type Built = Result<CatalogueBuilder, CatalogueError>;

impl CatalogueBuilder {
    /// Products: `sku`, and columns named like the product's fields; an empty cell is an absent field, a field that
    /// is a set has its names divided by `|`. A second table adds columns to the same products.
    ///
    /// # Errors
    /// Where the table cannot be read, has no `sku`, or has two rows for one.
    pub fn products_csv(self, reader: impl Read + Send) -> Built {
        self.products_csv_with(reader, &[])
    }

    /// The same, after renaming columns: `("product_type", "category")` reads the one as the other.
    ///
    /// # Errors
    /// Also where a column to rename is not there.
    pub fn products_csv_with(mut self, reader: impl Read + Send, mapping: &[(&str, &str)]) -> Built {
        self.catalogue.products.read("products", &["sku"], mapping, reader)?;
        Ok(self)
    }

    /// Members: `member` or `id`, and columns named like the member's fields, `card.active` for a field within a
    /// field. Like products otherwise.
    ///
    /// # Errors
    /// Where the table cannot be read, has no key, or has two rows for one.
    pub fn members_csv(self, reader: impl Read + Send) -> Built {
        self.members_csv_with(reader, &[])
    }

    /// The same, after renaming columns.
    ///
    /// # Errors
    /// Also where a column to rename is not there.
    pub fn members_csv_with(mut self, reader: impl Read + Send, mapping: &[(&str, &str)]) -> Built {
        self.catalogue.members.read("members", &["member", "id"], mapping, reader)?;
        Ok(self)
    }

    /// Names of any kind: `name`, and `parent` where they form a tree.
    ///
    /// # Errors
    /// Where the table cannot be read or has no `name`.
    pub fn names_csv(mut self, kind: &str, reader: impl Read + Send) -> Built {
        let pairs = CsvFile::open(kind, reader)?.pairs(&["name", kind], &["parent"])?;
        for (name, parent) in pairs {
            if let Some(parent) = parent {
                self.catalogue.parents.push((kind.into(), name.clone(), parent));
            }
            self.catalogue.names.push((kind.into(), name));
        }
        Ok(self)
    }

    /// Shops: `name` or `store`, and their time zones where a column `zone` stands beside it.
    ///
    /// # Errors
    /// Where the table cannot be read or has no name.
    pub fn stores_csv(mut self, reader: impl Read + Send) -> Built {
        let pairs = CsvFile::open("store", reader)?.pairs(&["name", "store"], &["zone"])?;
        for (name, zone) in pairs {
            if let Some(zone) = zone {
                self.catalogue.zones.push((name.clone(), zone));
            }
            self.catalogue.names.push(("store".into(), name));
        }
        Ok(self)
    }

    /// The assortment tree, or another: `child` and `parent`. A name may have several parents.
    ///
    /// # Errors
    /// Where the table cannot be read or lacks a column. Rings are refused when the catalogue is bound.
    pub fn tree_csv(mut self, kind: &str, reader: impl Read + Send) -> Built {
        let pairs = CsvFile::open(kind, reader)?.pairs(&["child", "name"], &["parent"])?;
        for (child, parent) in pairs {
            self.catalogue.names.push((kind.into(), child.clone()));
            if let Some(parent) = parent {
                self.catalogue.parents.push((kind.into(), child, parent));
            }
        }
        Ok(self)
    }

    /// A tree from a table with a column for each level, the root first, such as `["department", "category"]`. An empty
    /// cell leaves a level out.
    ///
    /// # Errors
    /// Where the table cannot be read or lacks a column. Rings are refused when the catalogue is bound.
    pub fn levels_csv(mut self, kind: &str, levels: &[String], reader: impl Read + Send) -> Built {
        let mut file = CsvFile::open(kind, reader)?;
        let columns: Vec<usize> =
            levels.iter().map(|level| file.find(&[level])).collect::<Result<_, CatalogueError>>()?;
        let mut seen: FxHashSet<(Box<str>, Option<Box<str>>)> = FxHashSet::default();
        while let Some((_, row)) = file.next()? {
            let mut parent: Option<&str> = None;
            for name in columns.iter().filter_map(|column| row.get(*column)).filter(|name| !name.is_empty()) {
                // A name that stands twice on a path, such as a category named like its department, is one.
                if parent == Some(name) || !seen.insert((name.into(), parent.map(Into::into))) {
                    parent = Some(name);
                    continue;
                }
                self.catalogue.names.push((kind.into(), name.into()));
                if let Some(parent) = parent {
                    self.catalogue.parents.push((kind.into(), name.into(), parent.into()));
                }
                parent = Some(name);
            }
        }
        Ok(self)
    }

    /// The assortment tree, from columns of the table of products, the root first, such as
    /// `["department", "category"]`.
    ///
    /// # Errors
    /// Where the products have no such column.
    pub fn tree_of_product_columns(mut self, kind: &str, columns: &[&str]) -> Built {
        for column in columns {
            if self.catalogue.products.column(column).is_none() {
                return Err(CatalogueError::MissingColumn {
                    table: "products".into(),
                    column: (*column).into(),
                });
            }
        }
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        self.catalogue.product_trees.push((kind.into(), columns));
        Ok(self)
    }

    /// Lists of products: `list` and `sku`, a row for each entry.
    ///
    /// # Errors
    /// Where the table cannot be read or lacks a column.
    pub fn lists_csv(self, reader: impl Read + Send) -> Built {
        self.contents_csv("list", "sku", reader)
    }

    /// Collections of any kind: a column named like the kind (or `name`), and one named like the kind of its entries
    /// (or `entry`).
    ///
    /// # Errors
    /// Where the table cannot be read or lacks a column.
    pub fn contents_csv(mut self, kind: &str, of: &str, reader: impl Read + Send) -> Built {
        let file = CsvFile::open(kind, reader)?;
        file.find(&[of, "entry"])?;
        for (name, entry) in file.pairs(&[kind, "name"], &[of, "entry"])? {
            self.catalogue.names.push((kind.into(), name.clone()));
            if let Some(entry) = entry {
                self.catalogue.contents.push((kind.into(), name, entry));
            }
        }
        Ok(self)
    }

    /// Segments: `segment`, and where a column `member` stands beside it, who is in them.
    ///
    /// # Errors
    /// Where the table cannot be read or lacks a column.
    pub fn segments_csv(mut self, reader: impl Read + Send) -> Built {
        let pairs = CsvFile::open("segment", reader)?.pairs(&["segment", "name"], &["member"])?;
        for (segment, member) in pairs {
            if let Some(member) = member {
                self.catalogue.memberships.push((member, "segments".into(), segment.clone()));
            }
            self.catalogue.names.push(("segment".into(), segment));
        }
        Ok(self)
    }

    /// The catalogue.
    pub fn build(self) -> Catalogue {
        self.catalogue
    }
}
