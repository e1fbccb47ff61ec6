//! Bodies of what emitted code calls. Each does what the interpreter does by calling the same text; none panics, and
//! none lets an unwinding reach emitted frames.

use super::context::Context;
use perq_compiler::calendar;
use perq_compiler::emit::helpers::{Helper, TURNED, WHOLE_LINES};
use perq_compiler::emit::{abi, halves, joined, part_of, rounding_of, term_of};
use perq_compiler::exact;
use perq_compiler::interpret::actions;
use perq_compiler::interpret::picks::Run;
use perq_compiler::interpret::sets::Sets;
use perq_compiler::ir::{ClockPart, Element, FaultKind, ReferenceId, SiteId, SlotId, line_slot};
use perq_compiler::native_helpers;

type Outcome = Result<(), FaultKind>;

/// Makes an `extern "C"` function of each body, and the list of their addresses.
macro_rules! entries {
    ($($(#[$doc:meta])* $variant:ident $name:ident($($parameter:ident),*);)*) => {
        mod entry {
            use super::*;
            $(
                $(#[$doc])*
                ///
                /// # Safety
                /// The context is that of the run which calls, and nothing else uses it meanwhile.
                pub(super) unsafe extern "C" fn $name(context: *mut Context<'_>, $($parameter: i64),*) -> i64 {
                    // SAFETY: emitted code passes on the context that `Native::run` gave it: a live struct which
                    // nothing else uses until the emitted function returns.
                    let context = unsafe { &mut *context };
                    match super::$name(context, $($parameter),*) {
                        Ok(()) => abi::DONE,
                        Err(kind) => abi::kind_code(kind),
                    }
                }
            )*
        }

        /// Where a helper's body is.
        pub(super) fn address(helper: Helper) -> *const u8 {
            match helper { $(Helper::$variant => entry::$name as *const u8,)* }
        }
    };
}

native_helpers!(entries);

impl Context<'_> {
    fn give(&mut self, word: i64) {
        self.low = word;
    }

    fn give_wide(&mut self, wide: i128) {
        (self.low, self.high) = halves(wide);
    }

    /// Where a selection begins; `None` where it would not lie within the memory for selections.
    fn place(&self, buffer: i64) -> Option<usize> {
        let start = usize::try_from(buffer).ok()?.checked_mul(self.rows)?;
        (start.checked_add(self.rows)? <= self.selections_length).then_some(start)
    }

    /// A selection.
    fn selection(&self, buffer: i64) -> &[i64] {
        let Some(start) = self.place(buffer) else { return &[] };
        // SAFETY: `selections` points to `selections_length` initialised counts, which outlive the context, and
        // `place` checked that these lie among them. Emitted code does not run while a helper does, and `self` is
        // borrowed, so that nobody writes them meanwhile.
        unsafe { std::slice::from_raw_parts(self.selections.add(start), self.rows) }
    }

    /// A selection to be filled, and the runs to fill it from.
    fn made(&mut self, buffer: i64) -> (&mut [i64], &mut [Run]) {
        let Some(start) = self.place(buffer) else { return (&mut [], self.runs.as_mut_slice()) };
        // SAFETY: as in `selection`; `self` is borrowed mutably, so that no other slice of them lives.
        let selection = unsafe { std::slice::from_raw_parts_mut(self.selections.add(start), self.rows) };
        (selection, self.runs.as_mut_slice())
    }

    /// The price of an instruction that walks all lines.
    fn walk_lines(&mut self) -> Outcome {
        actions::take(&mut self.fuel, self.line_count)
    }

    fn collect(&mut self, selection: i64, key: SlotId) {
        let mut runs = std::mem::take(self.runs);
        actions::runs(self.record, self.selection(selection), key, &mut runs);
        *self.runs = runs;
    }
}

fn element(flags: i64) -> Element {
    if flags & WHOLE_LINES == 0 { Element::Unit } else { Element::Line }
}

fn derive(context: &mut Context<'_>, word: i64) -> Outcome {
    context.out.derived = Some(word);
    Ok(())
}

/// An id or a size that the compiler wrote into the code.
fn constant(word: i64) -> u32 {
    u32::try_from(word).unwrap_or(u32::MAX)
}

fn multiply(context: &mut Context<'_>, a_low: i64, a_high: i64, b_low: i64, b_high: i64) -> Outcome {
    let product = joined(a_low, a_high).checked_mul(joined(b_low, b_high));
    context.give_wide(product.ok_or(FaultKind::Overflow)?);
    Ok(())
}

fn divide(
    context: &mut Context<'_>,
    a_low: i64,
    a_high: i64,
    b_low: i64,
    b_high: i64,
    rounding: i64,
) -> Outcome {
    let (a, b) = (joined(a_low, a_high), joined(b_low, b_high));
    context.give_wide(exact::divide_rounded(a, b, rounding_of(rounding))?);
    Ok(())
}

fn floor(context: &mut Context<'_>, a_low: i64, a_high: i64, b_low: i64, b_high: i64) -> Outcome {
    context.give_wide(exact::floor(joined(a_low, a_high), joined(b_low, b_high))?);
    Ok(())
}

fn modulo(context: &mut Context<'_>, a_low: i64, a_high: i64, b_low: i64, b_high: i64) -> Outcome {
    context.give_wide(exact::modulo(joined(a_low, a_high), joined(b_low, b_high))?);
    Ok(())
}

fn modulo_word(context: &mut Context<'_>, a: i64, b: i64) -> Outcome {
    context.give(exact::modulo_word(a, b)?);
    Ok(())
}

fn add_months(context: &mut Context<'_>, day: i64, months: i64) -> Outcome {
    context.give(calendar::months_later(day, months)?);
    Ok(())
}

fn calendar(context: &mut Context<'_>, part: i64, day: i64) -> Outcome {
    context.give(calendar::part(part_of(part), day)?);
    Ok(())
}

fn instant_of(context: &mut Context<'_>, day: i64, second: i64) -> Outcome {
    context.give(calendar::instant_of(context.bindings.zone.as_ref(), day, second)?);
    Ok(())
}

fn clock_day(context: &mut Context<'_>, instant: i64) -> Outcome {
    context.give(calendar::shown(context.bindings.zone.as_ref(), ClockPart::Day, instant)?);
    Ok(())
}

fn clock_second(context: &mut Context<'_>, instant: i64) -> Outcome {
    context.give(calendar::shown(context.bindings.zone.as_ref(), ClockPart::Second, instant)?);
    Ok(())
}

fn set_has(context: &mut Context<'_>, set: i64, reference: i64) -> Outcome {
    let reference = ReferenceId(constant(reference));
    let truth = actions::set_has(context.record, context.bindings, &mut context.fuel, set, reference)?;
    context.give(i64::from(truth));
    Ok(())
}

fn set_contains(context: &mut Context<'_>, set: i64, symbol: i64) -> Outcome {
    context.give(i64::from(actions::set_contains(context.record, set, symbol)));
    Ok(())
}

fn new_selection(context: &mut Context<'_>, buffer: i64) -> Outcome {
    context.walk_lines()?;
    context.made(buffer).0.fill(0);
    Ok(())
}

fn pick_extreme(context: &mut Context<'_>, selection: i64, buffer: i64, count: i64, flags: i64) -> Outcome {
    context.walk_lines()?;
    context.collect(selection, line_slot::PRICE);
    let (out, runs) = context.made(buffer);
    actions::pick_extreme(runs, count, flags & TURNED != 0, element(flags), out);
    Ok(())
}

fn pick_in_every(
    context: &mut Context<'_>,
    selection: i64,
    buffer: i64,
    count: i64,
    every: i64,
    flags: i64,
) -> Outcome {
    context.walk_lines()?;
    context.collect(selection, line_slot::PRICE);
    let (out, runs) = context.made(buffer);
    actions::pick_in_every(runs, count, constant(every), flags & TURNED != 0, element(flags), out);
    Ok(())
}

fn pick_every_nth(
    context: &mut Context<'_>,
    selection: i64,
    buffer: i64,
    nth: i64,
    key: i64,
    flags: i64,
) -> Outcome {
    context.walk_lines()?;
    context.collect(selection, SlotId(constant(key)));
    let (out, runs) = context.made(buffer);
    actions::pick_every_nth(runs, constant(nth), flags & TURNED != 0, element(flags), out);
    Ok(())
}

fn new_bag(context: &mut Context<'_>, bag: i64) -> Outcome {
    if let Some(bag) = usize::try_from(bag).ok().and_then(|bag| context.bags.get_mut(bag)) {
        bag.clear();
    }
    Ok(())
}

fn put(context: &mut Context<'_>, bag: i64, number: i64) -> Outcome {
    match usize::try_from(bag).ok().and_then(|bag| context.bags.get_mut(bag)) {
        Some(bag) => bag.put(&mut context.fuel, number),
        None => Ok(()),
    }
}

fn distinct(context: &mut Context<'_>, bag: i64) -> Outcome {
    let bag = usize::try_from(bag).ok().and_then(|bag| context.bags.get_mut(bag));
    context.low = bag.map_or(Ok(0), |bag| bag.distinct(&mut context.fuel))?;
    Ok(())
}

fn buffer<T>(list: &mut [T], index: i64) -> Option<&mut T> {
    list.get_mut(usize::try_from(index).ok()?)
}

fn new_sets(context: &mut Context<'_>, sets: i64) -> Outcome {
    if let Some(sets) = buffer(context.sets, sets) {
        sets.clear();
    }
    Ok(())
}

/// Does something with a bundle, which is lent out of the context meanwhile.
fn with_sets<R: Default>(
    context: &mut Context<'_>,
    index: i64,
    body: impl FnOnce(&mut Context<'_>, &mut Sets) -> Result<R, FaultKind>,
) -> Result<R, FaultKind> {
    let Some(place) = buffer(context.sets, index) else { return Ok(R::default()) };
    let mut sets = std::mem::take(place);
    let outcome = body(context, &mut sets);
    if let Some(place) = buffer(context.sets, index) {
        *place = sets;
    }
    outcome
}

fn set_part(context: &mut Context<'_>, sets: i64, selection: i64, count: i64) -> Outcome {
    with_sets(context, sets, |context, sets| {
        let mut fuel = context.fuel;
        let outcome = sets.part(&mut fuel, context.selection(selection), count);
        context.fuel = fuel;
        outcome
    })
}

#[expect(clippy::too_many_arguments, reason = "emitted code passes words")]
fn set_term(
    context: &mut Context<'_>,
    sets: i64,
    part: i64,
    flags: i64,
    count: i64,
    num_low: i64,
    num_high: i64,
    den_low: i64,
    den_high: i64,
) -> Outcome {
    let (pick, value) = term_of(flags);
    let amount = (joined(num_low, num_high), joined(den_low, den_high));
    let of = (u32::try_from(part).ok(), pick, count);
    with_sets(context, sets, |context, sets| sets.term(&mut context.fuel, of, value, amount))
}

fn choose_sets(context: &mut Context<'_>, sets: i64, most: i64, member: i64, key: i64) -> Outcome {
    let choice = (most, member != 0, SlotId(constant(key)));
    let lists = with_sets(context, sets, |context, sets| {
        actions::choose_sets(context.out, &mut context.fuel, context.record, sets, choice)
    })?;
    context.give(lists);
    Ok(())
}

fn set_times(context: &mut Context<'_>, sets: i64, list: i64) -> Outcome {
    let times = buffer(context.sets, sets).map_or(0, |sets| sets.times(list));
    context.give(times);
    Ok(())
}

fn set_units(context: &mut Context<'_>, sets: i64, list: i64, part: i64, selection: i64) -> Outcome {
    context.walk_lines()?;
    with_sets(context, sets, |context, sets| {
        sets.units(list, u32::try_from(part).ok(), context.made(selection).0);
        Ok(())
    })
}

fn award(
    context: &mut Context<'_>,
    site: i64,
    num_low: i64,
    num_high: i64,
    den_low: i64,
    den_high: i64,
    row: i64,
) -> Outcome {
    let (num, den) = (joined(num_low, num_high), joined(den_low, den_high));
    let site = SiteId(constant(site));
    actions::award(context.out, &mut context.fuel, site, num, den, u32::try_from(row).ok())
}

fn discount(
    context: &mut Context<'_>,
    site: i64,
    selection: i64,
    num_low: i64,
    num_high: i64,
    den_low: i64,
    den_high: i64,
) -> Outcome {
    let (num, den) = (joined(num_low, num_high), joined(den_low, den_high));
    let site = SiteId(constant(site));
    // What the proposal is written to is lent out of the context while the selection is read from it.
    let (mut out, mut fuel) = (std::mem::take(context.out), context.fuel);
    let outcome = actions::discount(&mut out, &mut fuel, site, num, den, context.selection(selection));
    *context.out = out;
    context.fuel = fuel;
    outcome
}

#[expect(clippy::too_many_arguments, reason = "emitted code passes words")]
fn discount_line(
    context: &mut Context<'_>,
    site: i64,
    row: i64,
    pieces: i64,
    num_low: i64,
    num_high: i64,
    den_low: i64,
    den_high: i64,
) -> Outcome {
    let amount = (joined(num_low, num_high), joined(den_low, den_high));
    let selected = (context.rows, constant(row), pieces);
    actions::discount_line(context.out, &mut context.fuel, SiteId(constant(site)), amount, selected)
}
