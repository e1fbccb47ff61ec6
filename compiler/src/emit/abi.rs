//! The boundary between emitted code and the runtime, as numbers: where the fields of the context lie, and how a
//! status is packed. The runtime's `#[repr(C)]` struct is tested against it.

use crate::ir::{Fault, FaultKind};

/// Offsets in bytes of the context's fields, each of eight bytes.
pub mod context {
    /// `*const i64`: the event's slots.
    pub const EVENT: i32 = 0;
    /// `*const i64`: line slots, row after row.
    pub const LINES: i32 = 8;
    /// `*const i64`: payment slots, row after row.
    pub const PAYMENTS: i32 = 16;
    /// `*const i64`: values of the parameters.
    pub const PARAMS: i32 = 24;
    /// Pointer to two words for each reference that the function tests, in the order of
    /// [`super::super::Parts::references`]: `*const u64`, at least one word to read, and how many of them count.
    pub const REFERENCES: i32 = 32;
    /// `*mut i64`: selections one after another, each of as many counts as the record has lines.
    pub const SELECTIONS: i32 = 40;
    /// `i64`: how many lines.
    pub const LINE_COUNT: i32 = 48;
    /// `i64`: how many payments.
    pub const PAYMENT_COUNT: i32 = 56;
    /// `i64`: turns left.
    pub const FUEL: i32 = 64;
    /// `i64`: a helper's result, or the low half of it.
    pub const LOW: i32 = 72;
    /// `i64`: the high half of a helper's result.
    pub const HIGH: i32 = 80;
    /// Pointer to two words for each table of the layout: `*const i64`, its rows' slots, and how many rows there are.
    pub const TABLES: i32 = 88;
    /// `*const i64`: rows of lines, ascending, and behind them how many lines there are. A loop over lines that does
    /// nothing at the others looks at these alone ([`crate::ir::needs::narrowed_loops`]).
    pub const ROWS: i32 = 96;
    /// `*const i64`: the constants that were taken out of the template, [`super::super::Parts::constants`].
    pub const CONSTANTS: i32 = 104;
}

/// Bytes of a table's entry.
pub const TABLE_SIZE: i32 = 16;

/// Bytes of a reference's entry.
pub const REFERENCE_SIZE: i32 = 16;

/// The status of a function that ended well, and of a helper that did not fault.
pub const DONE: i64 = 0;

/// A fault kind as a helper returns it.
pub fn kind_code(kind: FaultKind) -> i64 {
    match kind {
        FaultKind::Overflow => 1,
        FaultKind::DivisionByZero => 2,
        FaultKind::OutOfRange => 3,
        FaultKind::OutOfFuel => 4,
    }
}

/// The bits of a status that are the instruction.
pub fn inst_code(inst: u32) -> i64 {
    i64::from(inst) << 8
}

/// What a function's status says.
pub fn fault(status: i64) -> Option<Fault> {
    let kind = match status & 0xff {
        0 => return None,
        2 => FaultKind::DivisionByZero,
        3 => FaultKind::OutOfRange,
        4 => FaultKind::OutOfFuel,
        _ => FaultKind::Overflow,
    };
    Some(Fault { kind, inst: u32::try_from(status >> 8).unwrap_or(u32::MAX) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_was_packed() {
        let kinds =
            [FaultKind::Overflow, FaultKind::DivisionByZero, FaultKind::OutOfRange, FaultKind::OutOfFuel];
        for kind in kinds {
            for inst in [0, 1, 77, u32::MAX] {
                assert_eq!(fault(kind_code(kind) | inst_code(inst)), Some(Fault { kind, inst }));
            }
        }
        assert_eq!(fault(DONE), None);
    }
}
