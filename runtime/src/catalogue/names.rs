//! What a catalogue lacks of the names that a program's rules have, for who looks at rules before anything is decided. It
//! refuses to know tables that cannot be read.

use super::{Catalogue, UnknownName};
use crate::record::{ReadOptions, Schema};
use perq_compiler::ir::Program;
use perq_compiler::lint::Names;
use std::collections::BTreeMap;

/// Names of a program that a catalogue lacks, although it holds others of their kind.
#[derive(Clone, Debug, Default)]
pub struct LackingNames(BTreeMap<(String, String), Option<String>>);

impl LackingNames {
    /// Of a program; nothing where the catalogue does not fit it.
    pub fn of(program: &Program, catalogue: &Catalogue) -> LackingNames {
        let Ok(schema) = Schema::new(program, catalogue, ReadOptions::default()) else {
            return LackingNames::default();
        };
        // Without any list at hand, what is in lists is known elsewhere.
        let is_at_hand = |unknown: &&UnknownName| {
            let kind = program.kinds.iter().find(|kind| kind.name == unknown.kind);
            kind.is_some_and(|kind| {
                kind.of.is_none() || catalogue.contents.iter().any(|(of, ..)| *of == kind.name)
            })
        };
        let lacking = schema.unknown_names().iter().filter(is_at_hand);
        LackingNames(lacking.map(|own| ((own.kind.clone(), own.name.clone()), own.near.clone())).collect())
    }
}

impl Names for LackingNames {
    fn lacks(&self, kind: &str, name: &str) -> Option<Option<&str>> {
        self.0.get(&(kind.to_owned(), name.to_owned())).map(Option::as_deref)
    }
}
