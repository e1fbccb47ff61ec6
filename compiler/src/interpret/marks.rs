//! Which rows of tables and arms of choices a run comes by, for asking what of a program is reached.
//!
//! Looks and changes nothing. Refuses to know what a row is worth and to whom: a program that is lowered with its arms
//! ([`crate::lower::lower_marked`]) leaves each by an instruction that has its place, and that instruction is done or not.

use crate::ir::{FunctionId, Inst, Program, SourcePlace};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// The arms of a program, and which of them runs have come by. Any number of threads may mark at once.
#[derive(Debug, Default)]
pub struct Marks {
    /// By function: the instructions that leave an arm, in their order, and the position of the arm.
    arms: Vec<Vec<(usize, usize)>>,
    /// By position of the arm.
    met: Vec<AtomicBool>,
}

impl Marks {
    /// Of a program that was lowered with its arms, and not simplified since; the arms by their places.
    pub fn new(program: &Program, arms: &[SourcePlace]) -> Marks {
        let positions: FxHashMap<SourcePlace, usize> =
            arms.iter().enumerate().map(|(position, place)| (*place, position)).collect();
        let of_function = |function: &crate::ir::Function| {
            let insts = function.insts.iter().zip(&function.places).enumerate();
            let found = insts.filter_map(|(at, (inst, place))| {
                // The way out of an arm leads over the row's own region.
                let Inst::Break { depth: 1, when: true, .. } = inst else { return None };
                let place = program.places.get(place.index())?;
                Some((at, *positions.get(place)?))
            });
            found.collect()
        };
        Marks {
            arms: program.functions.iter().map(of_function).collect(),
            met: arms.iter().map(|_| AtomicBool::new(false)).collect(),
        }
    }

    /// The arms that have been met since this was asked last, by position.
    pub fn take(&self) -> Vec<usize> {
        let met = self.met.iter().enumerate();
        met.filter(|(_, met)| met.swap(false, Ordering::Relaxed)).map(|(position, _)| position).collect()
    }

    /// An instruction of a function is done.
    pub(super) fn done(&self, function: FunctionId, at: usize) {
        let Some(arms) = self.arms.get(function.index()) else { return };
        let Ok(found) = arms.binary_search_by_key(&at, |(at, _)| *at) else { return };
        if let Some(met) = arms.get(found).and_then(|(_, position)| self.met.get(*position)) {
            met.store(true, Ordering::Relaxed);
        }
    }
}
