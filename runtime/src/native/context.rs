//! What emitted code is given: the struct that [`perq_compiler::emit::abi`] describes in numbers, and behind its
//! fields what only helpers use.

use perq_compiler::evaluate::{Bindings, Proposals, RecordView};
use perq_compiler::interpret::actions::Bag;
use perq_compiler::interpret::picks::Run;
use perq_compiler::interpret::sets::Sets;

/// One run of one function. The first fields are read, and three of them written, by emitted code.
#[repr(C)]
pub(super) struct Context<'a> {
    pub event: *const i64,
    pub lines: *const i64,
    pub payments: *const i64,
    pub params: *const i64,
    pub references: *const Words,
    pub selections: *mut i64,
    pub line_count: i64,
    pub payment_count: i64,
    pub fuel: i64,
    pub low: i64,
    pub high: i64,
    pub tables: *const Rows,
    pub narrowed: *const i64,
    pub constants: *const i64,
    /// Counts that `selections` points to.
    pub selections_length: usize,
    /// Lines of the record.
    pub rows: usize,
    pub record: &'a RecordView<'a>,
    pub bindings: &'a Bindings,
    pub bags: &'a mut Vec<Bag>,
    pub sets: &'a mut Vec<Sets>,
    pub runs: &'a mut Vec<Run>,
    pub out: &'a mut Proposals,
}

/// Where the rows of a table lie: the address of their slots, and how many rows there are. A number rather than a
/// pointer, as in [`Words`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub address: usize,
    pub count: i64,
}

/// Where the bits of a reference lie: an address of at least one word, and how many words count. A number rather than
/// a pointer, for a thread's memory holds it between runs, in which it is not used.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub address: usize,
    pub length: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use perq_compiler::emit::abi::{self, context};
    use std::mem::{offset_of, size_of};

    #[test]
    fn fields_lie_where_emitted_code_looks() {
        let at = |offset: i32| usize::try_from(offset).unwrap();
        assert_eq!(offset_of!(Context<'_>, event), at(context::EVENT));
        assert_eq!(offset_of!(Context<'_>, lines), at(context::LINES));
        assert_eq!(offset_of!(Context<'_>, payments), at(context::PAYMENTS));
        assert_eq!(offset_of!(Context<'_>, params), at(context::PARAMS));
        assert_eq!(offset_of!(Context<'_>, references), at(context::REFERENCES));
        assert_eq!(offset_of!(Context<'_>, selections), at(context::SELECTIONS));
        assert_eq!(offset_of!(Context<'_>, line_count), at(context::LINE_COUNT));
        assert_eq!(offset_of!(Context<'_>, payment_count), at(context::PAYMENT_COUNT));
        assert_eq!(offset_of!(Context<'_>, fuel), at(context::FUEL));
        assert_eq!(offset_of!(Context<'_>, low), at(context::LOW));
        assert_eq!(offset_of!(Context<'_>, high), at(context::HIGH));
        assert_eq!(offset_of!(Context<'_>, tables), at(context::TABLES));
        assert_eq!(offset_of!(Context<'_>, narrowed), at(context::ROWS));
        assert_eq!(offset_of!(Context<'_>, constants), at(context::CONSTANTS));
        assert_eq!(size_of::<Rows>(), at(abi::TABLE_SIZE));
        assert_eq!(offset_of!(Rows, count), 8);
        assert_eq!(size_of::<Words>(), at(abi::REFERENCE_SIZE));
        assert_eq!(offset_of!(Words, length), 8);
    }
}
