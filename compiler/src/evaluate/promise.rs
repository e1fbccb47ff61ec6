//! Whether a decision keeps what `ensure` promises. It looks at what was settled, names what does not hold, and changes
//! nothing: money is for rules to decide, and a broken promise is for the host to see.

use super::atom::{event_value, holds};
use super::{Bindings, Broken, Decision, RecordView};
use crate::ir::{
    Atom, AtomId, Bound, Comparison, Figure, MISSING, Program, Promise, PromiseOf, SiteKind, Sum, line_slot,
};
use std::cmp::Ordering;

/// What a figure comes to, for one line or for all that are sold.
#[derive(Clone, Debug, Default)]
struct Figures {
    initial: i128,
    paid: i128,
    /// By account.
    awards: Vec<i128>,
    /// Pieces by which amounts are divided; 1 where they are not.
    pieces: i128,
}

/// Fills `decision.broken` with the promises that it does not keep, in order of declaration and of lines.
pub(super) fn look(
    program: &Program,
    bindings: &Bindings,
    record: RecordView<'_>,
    kind: crate::ir::EventId,
    decision: &mut Decision,
) {
    decision.broken.clear();
    if program.promises.is_empty() || decision.refused.is_some() {
        return;
    }
    let mut broken = Vec::new();
    for (promise, id) in program.promises.iter().zip(0u32..) {
        if promise.events.binary_search(&kind).is_err() {
            continue;
        }
        let event = |atom: &Atom| holds(atom, event_value(record, atom.slot), record, bindings);
        if !atoms(program, &promise.atoms).all(event) {
            continue;
        }
        match promise.of {
            PromiseOf::Basket => {
                let figures = of_basket(program, record, decision);
                broken.extend(asked(promise, &figures, record, &[]).map(|sides| told(id, None, sides)));
            }
            PromiseOf::Line | PromiseOf::Unit => {
                for (row, line) in (0u32..).zip(record.lines.chunks_exact(record.line_width.max(1))) {
                    let value = |atom: &Atom| line.get(atom.slot.index()).copied().unwrap_or(MISSING);
                    let fits = |atom: &Atom| holds(atom, value(atom), record, bindings);
                    let divides = promise.of == PromiseOf::Unit;
                    if !is_sold(line)
                        || (divides && pieces(line) <= 0)
                        || !atoms(program, &promise.line_atoms).all(fits)
                    {
                        continue;
                    }
                    let mut figures = of_line(program, row, line, decision);
                    if divides {
                        figures.pieces = pieces(line).into();
                    }
                    broken.extend(
                        asked(promise, &figures, record, line).map(|sides| told(id, Some(row), sides)),
                    );
                }
            }
        }
    }
    decision.broken = broken;
}

fn told(promise: u32, row: Option<u32>, sides: Sides) -> Broken {
    Broken { promise, row, sides }
}

fn atoms<'p>(program: &'p Program, ids: &'p [AtomId]) -> impl Iterator<Item = &'p Atom> {
    ids.iter().filter_map(|id| program.atoms.get(id.index()))
}

fn pieces(line: &[i64]) -> i64 {
    line.get(line_slot::PIECES.index()).copied().filter(|pieces| *pieces != MISSING).unwrap_or(0)
}

fn initial(line: &[i64]) -> i64 {
    line.get(line_slot::INITIAL.index()).copied().filter(|initial| *initial != MISSING).unwrap_or(0)
}

/// Whether something is sold: what comes back, and what costs nothing, is no part of a promise.
fn is_sold(line: &[i64]) -> bool {
    initial(line) > 0
}

fn of_line(program: &Program, row: u32, line: &[i64], decision: &Decision) -> Figures {
    let total =
        usize::try_from(row).ok().and_then(|row| decision.lines.get(row)).copied().unwrap_or_default();
    let mut awards = vec![0i128; program.accounts.len()];
    for effect in decision.effects.iter().filter(|effect| is_own_award(program, effect)) {
        let of_row = effect.shares.iter().filter(|share| share.row == row);
        let sum: i128 = of_row.map(|share| i128::from(share.amount)).sum();
        if let Some(award) = effect.account.and_then(|account| awards.get_mut(account.index())) {
            *award = award.saturating_add(sum);
        }
    }
    Figures { initial: initial(line).into(), paid: total.paid.into(), awards, pieces: 1 }
}

fn of_basket(program: &Program, record: RecordView<'_>, decision: &Decision) -> Figures {
    let mut figures = Figures { awards: vec![0; program.accounts.len()], pieces: 1, ..Figures::default() };
    for (line, total) in record.lines.chunks_exact(record.line_width.max(1)).zip(&decision.lines) {
        if is_sold(line) {
            figures.initial = figures.initial.saturating_add(initial(line).into());
            figures.paid = figures.paid.saturating_add(total.paid.into());
        }
    }
    for effect in decision.effects.iter().filter(|effect| is_own_award(program, effect)) {
        if let Some(award) = effect.account.and_then(|account| figures.awards.get_mut(account.index())) {
            *award = award.saturating_add(effect.amount.into());
        }
    }
    figures
}

/// An award to the event's member.
fn is_own_award(program: &Program, effect: &super::Effect) -> bool {
    let site = program.sites.get(effect.site.index());
    let gives = site.is_some_and(|site| match site.kind {
        SiteKind::Award { .. } | SiteKind::Multiply { .. } => site.to.is_none(),
        SiteKind::Debit { .. }
        | SiteKind::Tender { .. }
        | SiteKind::Discount { .. }
        | SiteKind::Issue { .. }
        | SiteKind::Gift { .. }
        | SiteKind::Tell { .. }
        | SiteKind::Set { .. } => false,
    });
    gives && !effect.debit
}

/// The two sides of a comparison that does not hold, in base units, each as numerator and denominator; none where it is
/// too large to be worked out.
pub(super) type Sides = [Option<(i128, i128)>; 2];

/// How two sides compare.
struct Compared {
    /// None where that cannot be worked out.
    order: Option<Ordering>,
    sides: Sides,
}

/// What a promise that is asked and does not hold comes to. What cannot be worked out does not hold.
fn asked(promise: &Promise, figures: &Figures, record: RecordView<'_>, line: &[i64]) -> Option<Sides> {
    let holds = |bound: &Bound, compared: &Compared| {
        compared.order.is_some_and(|order| fits(bound.comparison, order))
    };
    for ask in &promise.asks {
        if !holds(ask, &compared(ask, figures, record, line)?) {
            return None;
        }
    }
    let found = compared(&promise.keep, figures, record, line)?;
    (!holds(&promise.keep, &found)).then_some(found.sides)
}

/// How the sides compare, and what they come to; `None` where a slot is missing, of which nothing is said.
fn compared(bound: &Bound, figures: &Figures, record: RecordView<'_>, line: &[i64]) -> Option<Compared> {
    let unknown = Compared { order: None, sides: [None, None] };
    let mut both = [(0i128, 0i128); 2];
    for (side, place) in bound.sides().into_iter().zip(&mut both) {
        match worked_out(side, figures, record, line) {
            Worth::Missing => return None,
            Worth::TooLarge => return Some(unknown),
            Worth::Whole(amounts, rest) => *place = (amounts, rest),
        }
    }
    let den = i128::from(bound.den.max(1));
    let sides = both.map(|(amounts, rest)| {
        let num = rest.checked_mul(figures.pieces)?.checked_add(amounts)?;
        Some((num, den.checked_mul(figures.pieces)?))
    });
    let [left, right] = both;
    Some(Compared { order: order(left, right, figures.pieces), sides })
}

/// How `a / pieces + b` compare, without leaving 128 bits.
fn order(left: (i128, i128), right: (i128, i128), pieces: i128) -> Option<Ordering> {
    let amounts = left.0.checked_sub(right.0)?;
    let rest = right.1.checked_sub(left.1)?;
    let pieces = pieces.max(1);
    // amounts / pieces against rest
    let whole = amounts.div_euclid(pieces);
    Some(whole.cmp(&rest).then(if amounts.rem_euclid(pieces) == 0 {
        Ordering::Equal
    } else {
        Ordering::Greater
    }))
}

/// A side: amounts that are divided by pieces, and what is not.
enum Worth {
    Missing,
    TooLarge,
    Whole(i128, i128),
}

fn worked_out(sum: &Sum, figures: &Figures, record: RecordView<'_>, line: &[i64]) -> Worth {
    let (mut amounts, mut rest) = (0i128, i128::from(sum.constant));
    for (times, figure) in &sum.terms {
        let slot = |value: Option<i64>| value.filter(|value| *value != MISSING).map(i128::from);
        let (value, divided) = match figure {
            Figure::Initial => (Some(figures.initial), true),
            Figure::Paid => (Some(figures.paid), true),
            Figure::Discount => (figures.initial.checked_sub(figures.paid), true),
            Figure::Award(account) => (figures.awards.get(account.index()).copied(), true),
            Figure::Event(id) => (slot(record.event.get(id.index()).copied()), false),
            Figure::Line(id) => (slot(line.get(id.index()).copied()), false),
        };
        let Some(value) = value else { return Worth::Missing };
        let to = if divided { &mut amounts } else { &mut rest };
        match value.checked_mul(i128::from(*times)).and_then(|term| to.checked_add(term)) {
            Some(sum) => *to = sum,
            None => return Worth::TooLarge,
        }
    }
    Worth::Whole(amounts, rest)
}

/// Whether an order satisfies a comparison.
fn fits(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}
