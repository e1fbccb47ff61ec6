//! What the larger instructions do to record, selections, bags, fuel and proposals. The interpreter calls it, and so
//! do the helpers of native code: one text for both.
//!
//! Refuses to know registers and instructions. Every number may come from a hostile record: nothing here panics.

use super::picks::{self, Part, Run};
use super::sets::Sets;
use crate::evaluate::{Bindings, Proposal, Proposals, RecordView, Take};
use crate::exact;
use crate::ir::{
    Element, FaultKind, MISSING, PROPOSAL_TURNS, PUT_TURNS, ReferenceId, SELECTED_TURNS, SiteId, SlotId,
    TableId, line_slot,
};

/// Takes turns from the fuel.
///
/// # Errors
/// `OutOfFuel` where fewer are left, which stay.
#[inline]
pub fn take(fuel: &mut i64, turns: i64) -> Result<(), FaultKind> {
    match fuel.checked_sub(turns) {
        Some(left) if left >= 0 => {
            *fuel = left;
            Ok(())
        }
        Some(_) | None => Err(FaultKind::OutOfFuel),
    }
}

/// A length as turns.
#[inline]
pub fn turns(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A slot of a line; missing where the record has no such place.
pub fn line_slot(record: &RecordView<'_>, slot: SlotId, row: usize) -> i64 {
    cell(record.lines, record.line_width, slot, row)
}

/// A slot of a payment; missing where the record has no such place.
pub fn payment_slot(record: &RecordView<'_>, slot: SlotId, row: usize) -> i64 {
    cell(record.payments, record.payment_width, slot, row)
}

/// A column of a table's row; missing where the record has no such place.
pub fn table_slot(record: &RecordView<'_>, table: TableId, slot: SlotId, row: usize) -> i64 {
    record.tables.get(table.index()).map_or(MISSING, |rows| cell(&rows.slots, rows.width, slot, row))
}

fn cell(cells: &[i64], width: usize, slot: SlotId, row: usize) -> i64 {
    if slot.index() >= width {
        return MISSING;
    }
    let index = row.checked_mul(width).and_then(|start| start.checked_add(slot.index()));
    index.and_then(|index| cells.get(index)).copied().unwrap_or(MISSING)
}

/// How many pieces `Select` selects when it asks for `count`.
pub fn selected(record: &RecordView<'_>, row: usize, count: i64) -> i64 {
    count.max(0).min(line_slot(record, line_slot::PIECES, row).max(0))
}

/// The symbols of a set slot; none where it is missing or points outside.
pub fn symbols<'a>(record: &RecordView<'a>, set: i64) -> &'a [u32] {
    let Ok(set) = u64::try_from(set) else { return &[] };
    let (Ok(start), Ok(length)) = (usize::try_from(set >> 32), usize::try_from(set & 0xffff_ffff)) else {
        return &[];
    };
    start.checked_add(length).and_then(|end| record.symbols.get(start..end)).unwrap_or(&[])
}

/// Whether the reference matches this symbol.
pub fn in_reference(bindings: &Bindings, reference: ReferenceId, symbol: i64) -> bool {
    bindings.references.get(reference.index()).is_some_and(|bits| bits.contains(symbol))
}

/// Whether the reference matches a symbol of this set.
///
/// # Errors
/// `OutOfFuel`.
pub fn set_has(
    record: &RecordView<'_>,
    bindings: &Bindings,
    fuel: &mut i64,
    set: i64,
    reference: ReferenceId,
) -> Result<bool, FaultKind> {
    let symbols = symbols(record, set);
    take(fuel, turns(symbols.len() / 64))?;
    let Some(bits) = bindings.references.get(reference.index()) else { return Ok(false) };
    Ok(symbols.iter().any(|symbol| bits.contains(i64::from(*symbol))))
}

/// Whether this set holds this symbol.
pub fn set_contains(record: &RecordView<'_>, set: i64, symbol: i64) -> bool {
    u32::try_from(symbol).is_ok_and(|symbol| symbols(record, set).binary_search(&symbol).is_ok())
}

/// The runs of a selection, keyed by a slot of their lines.
pub fn runs(record: &RecordView<'_>, selection: &[i64], key: SlotId, runs: &mut Vec<Run>) {
    runs.clear();
    for (row, pieces) in selection.iter().enumerate() {
        if *pieces > 0 {
            runs.push(Run { key: line_slot(record, key, row), row, pieces: *pieces });
        }
    }
}

/// `PickExtreme` of these runs into an emptied selection.
pub fn pick_extreme(runs: &mut [Run], count: i64, cheapest: bool, element: Element, out: &mut [i64]) {
    if cheapest {
        picks::ascending(runs);
    } else {
        picks::descending(runs);
    }
    fill(runs, Part::First(count), element, out);
}

/// `PickInEvery` of these runs into an emptied selection.
pub fn pick_in_every(
    runs: &mut [Run],
    count: i64,
    every: u32,
    cheapest: bool,
    element: Element,
    out: &mut [i64],
) {
    picks::descending(runs);
    let part =
        if cheapest { Part::LastInEvery { count, every } } else { Part::FirstInEvery { count, every } };
    fill(runs, part, element, out);
}

/// `PickEveryNth` of these runs into an emptied selection.
pub fn pick_every_nth(runs: &mut [Run], nth: u32, descending: bool, element: Element, out: &mut [i64]) {
    picks::ordered(runs, descending, MISSING);
    fill(runs, Part::EveryNth(nth), element, out);
}

fn fill(runs: &[Run], part: Part, element: Element, out: &mut [i64]) {
    out.fill(0);
    picks::pick(runs, part, element, |row, pieces| {
        if let Some(place) = out.get_mut(row) {
            *place = pieces;
        }
    });
}

/// Numbers of which the different ones are counted.
#[derive(Clone, Debug, Default)]
pub struct Bag {
    numbers: Vec<i64>,
}

impl Bag {
    /// Makes it empty, and keeps its memory.
    pub fn clear(&mut self) {
        self.numbers.clear();
    }

    /// Puts a number in.
    ///
    /// # Errors
    /// `OutOfFuel`.
    pub fn put(&mut self, fuel: &mut i64, number: i64) -> Result<(), FaultKind> {
        take(fuel, PUT_TURNS)?;
        self.numbers.push(number);
        Ok(())
    }

    /// How many different numbers it holds; keeps only one of each.
    ///
    /// # Errors
    /// `OutOfFuel`.
    pub fn distinct(&mut self, fuel: &mut i64) -> Result<i64, FaultKind> {
        take(fuel, turns(self.numbers.len()))?;
        self.numbers.sort_unstable();
        self.numbers.dedup();
        Ok(turns(self.numbers.len()))
    }
}

/// `Award`.
///
/// # Errors
/// `OutOfFuel`, `DivisionByZero`, `Overflow`.
#[inline]
pub fn award(
    out: &mut Proposals,
    fuel: &mut i64,
    site: SiteId,
    num: i128,
    den: i128,
    row: Option<u32>,
) -> Result<(), FaultKind> {
    take(fuel, PROPOSAL_TURNS)?;
    let (num, den) = exact::fraction(num, den)?;
    let place = mark(out)?;
    out.list.push(Proposal { site, num, den, row, selected: place..place });
    Ok(())
}

/// `Discount`.
///
/// # Errors
/// `OutOfFuel`, `DivisionByZero`, `Overflow`.
pub fn discount(
    out: &mut Proposals,
    fuel: &mut i64,
    site: SiteId,
    num: i128,
    den: i128,
    selection: &[i64],
) -> Result<(), FaultKind> {
    let count = selection.iter().filter(|pieces| **pieces > 0).count();
    let all = turns(selection.len()).saturating_add(turns(count).saturating_mul(SELECTED_TURNS));
    take(fuel, PROPOSAL_TURNS.saturating_add(all))?;
    let (num, den) = exact::fraction(num, den)?;
    let begin = mark(out)?;
    // Often a loop over lines selects one line at a time: nothing is behind it.
    let selected = (0u32..).zip(selection).filter(|(_, pieces)| **pieces > 0);
    out.selected.extend(selected.take(count).map(|(row, pieces)| (row, *pieces)));
    let end = mark(out)?;
    if begin < end {
        out.list.push(Proposal { site, num, den, row: None, selected: begin..end });
    }
    Ok(())
}

/// `Discount` of a selection that holds nothing but so many pieces of one row, of so many rows.
///
/// # Errors
/// `OutOfFuel`, `DivisionByZero`, `Overflow`.
#[inline]
pub fn discount_line(
    out: &mut Proposals,
    fuel: &mut i64,
    site: SiteId,
    (num, den): (i128, i128),
    (rows, row, pieces): (usize, u32, i64),
) -> Result<(), FaultKind> {
    let of_row = if pieces > 0 { SELECTED_TURNS } else { 0 };
    take(fuel, turns(rows).saturating_add(PROPOSAL_TURNS).saturating_add(of_row))?;
    let (num, den) = exact::fraction(num, den)?;
    let begin = mark(out)?;
    if pieces > 0 {
        out.selected.push((row, pieces));
        let end = mark(out)?;
        out.list.push(Proposal { site, num, den, row: None, selected: begin..end });
    }
    Ok(())
}

/// `ChooseSets`.
///
/// # Errors
/// `OutOfFuel`, `Overflow`.
pub fn choose_sets(
    out: &mut Proposals,
    fuel: &mut i64,
    record: &RecordView<'_>,
    sets: &mut Sets,
    choice: (i64, bool, SlotId),
) -> Result<i64, FaultKind> {
    let outcome = sets.choose(record, &out.taken, fuel, choice)?;
    let place = |out: &Proposals| u32::try_from(out.used.len()).map_err(|_| FaultKind::OutOfFuel);
    let begin = place(out)?;
    out.used.extend(outcome.used);
    let used = begin..place(out)?;
    if outcome.sets > 0 {
        out.takes.push(Take { sets: outcome.sets, value: outcome.value, gap: outcome.gap, used });
    }
    Ok(outcome.lists)
}

/// Where the next selected row will stand. Rows cost fuel, so that there are too many only for a caller who gives
/// more of it than numbers of places.
#[inline]
fn mark(out: &Proposals) -> Result<u32, FaultKind> {
    u32::try_from(out.selected.len()).map_err(|_| FaultKind::OutOfFuel)
}
