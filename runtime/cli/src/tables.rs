//! Opens the tables that `perq.toml` or the arguments name, and makes a catalogue and an engine of them.

use crate::Failure;
use crate::args::{self, EngineName};
use crate::config::{Levels, Paths, Tables, Tree, Trees};
use perq_runtime::catalogue::{Catalogue, CatalogueBuilder, CatalogueError};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;
use perq_runtime::record::ReadOptions;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The tables of the arguments, and of `perq.toml` where the arguments name none.
pub fn given(arguments: &args::Tables, config: &Tables) -> Tables {
    let own = |paths: &[PathBuf]| Paths(paths.to_vec());
    Tables {
        products: own(&arguments.products).or(&config.products),
        categories: if arguments.categories.is_empty() {
            config.categories.clone()
        } else {
            Trees::of_paths(&arguments.categories)
        },
        members: own(&arguments.members).or(&config.members),
        lists: own(&arguments.lists).or(&config.lists),
        ..config.clone()
    }
}

/// Reads every table.
///
/// # Errors
/// Where one cannot be opened or is refused, with its path.
pub fn catalogue(tables: &Tables) -> Result<Catalogue, Failure> {
    let mut builder = Catalogue::builder();
    builder = each(builder, &tables.products, CatalogueBuilder::products_csv)?;
    for tree in &tables.categories.0 {
        builder = match tree {
            Tree::Pairs(path) => {
                each(builder, &Paths(vec![path.clone()]), |builder, file| builder.tree_csv("category", file))?
            }
            Tree::Levels(Levels { file: Some(path), levels }) => {
                each(builder, &Paths(vec![path.clone()]), |builder, file| {
                    builder.levels_csv("category", levels, file)
                })?
            }
            Tree::Levels(Levels { file: None, levels }) => {
                let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
                builder
                    .tree_of_product_columns("category", &levels)
                    .map_err(|error| Failure::new(error.to_string()))?
            }
        };
    }
    builder = each(builder, &tables.members, CatalogueBuilder::members_csv)?;
    builder = each(builder, &tables.lists, CatalogueBuilder::lists_csv)?;
    builder = each(builder, &tables.offer_lists, |builder, file| {
        builder.contents_csv("offer_list", "offer", file)
    })?;
    builder = each(builder, &tables.segments, CatalogueBuilder::segments_csv)?;
    builder = each(builder, &tables.stores, CatalogueBuilder::stores_csv)?;
    for (kind, paths) in &tables.names {
        builder = each(builder, paths, |builder, file| builder.names_csv(kind, file))?;
    }
    Ok(builder.build())
}

fn each(
    mut builder: CatalogueBuilder,
    paths: &Paths,
    read: impl Fn(CatalogueBuilder, File) -> Result<CatalogueBuilder, CatalogueError>,
) -> Result<CatalogueBuilder, Failure> {
    for path in &paths.0 {
        let file = open(path)?;
        builder = read(builder, file).map_err(|error| Failure::file(path, &error))?;
    }
    Ok(builder)
}

/// Opens a file for reading.
///
/// # Errors
/// With its path.
pub fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::file(path, &error))
}

/// An engine of a pack.
///
/// # Errors
/// Where the catalogue does not fit or the engine cannot be had.
pub fn engine(
    pack: Pack,
    catalogue: &Catalogue,
    name: Option<EngineName>,
    options: ReadOptions,
    parameters: &[(String, String)],
) -> Result<Engine, Failure> {
    engine_of(pack, catalogue, kind(name, EngineKind::Automatic), options, parameters)
}

/// The kind of engine of that name, or else this one.
pub fn kind(name: Option<EngineName>, otherwise: EngineKind) -> EngineKind {
    match name {
        None => otherwise,
        Some(EngineName::Native) => EngineKind::Native,
        Some(EngineName::Interpreter) => EngineKind::Interpreter,
    }
}

/// Functions that are compiled before the first event rather than behind it: it takes some hundredths of a second.
const AT_ONCE: u64 = 64;

/// Bytes of events for each function, below which compiling takes longer than it saves.
const WORTH_COMPILING: u64 = 1 << 10;

/// What decides these events in the least time: native code takes a fifth of a millisecond a function to make, and saves
/// some microseconds an event.
pub fn kind_for(pack: &Pack, events: &[PathBuf]) -> EngineKind {
    let functions = u64::try_from(pack.program().functions.len()).unwrap_or(u64::MAX);
    if functions <= AT_ONCE {
        return EngineKind::Automatic;
    }
    let length = |path: &PathBuf| {
        let length = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
        let packed = path.extension().is_some_and(|ending| ending == "gz" || ending == "parquet");
        Some(if packed { length.saturating_mul(8) } else { length })
    };
    // Of standard input and pipes nobody knows.
    let bytes = events.iter().map(length).try_fold(0u64, |sum, length| Some(sum.saturating_add(length?)));
    match bytes {
        Some(bytes) if bytes < functions.saturating_mul(WORTH_COMPILING) => EngineKind::Interpreter,
        Some(_) | None => EngineKind::Tiered,
    }
}

/// An engine of a pack, of that kind.
///
/// # Errors
/// Where the catalogue does not fit or the engine cannot be had.
pub fn engine_of(
    pack: Pack,
    catalogue: &Catalogue,
    kind: EngineKind,
    options: ReadOptions,
    parameters: &[(String, String)],
) -> Result<Engine, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let builder = Engine::builder(pack);
    let builder = parameters.iter().fold(builder, |builder, (name, value)| builder.parameter(name, value));
    builder
        .catalogue(catalogue)
        .kind(kind)
        .read_options(options)
        .compile_threads(threads)
        .build()
        .map_err(|error| Failure::new(error.to_string()))
}
