//! Sets of a bundle: which pieces of the lines form them, so that what the rule gives is most (or least). Called by the
//! interpreter and by the helpers of native code alike: one text for both.
//!
//! Works on runs of equal pieces: a line of ten thousand pieces costs what a line of ten does, and equal sets are one
//! entry with how often it is formed. What is looked for separates into parts most of the time (a share of the whole, a
//! price for the whole, a share of one part): then the best choice is a flow from lines to parts, worked out exactly
//! (`flow`). The cheapest or dearest few of one part have a closed form. What remains is searched with a budget of
//! nodes (`search`), and says how far from the best it may be. No clock, no floats, no hash order; ties go to the
//! line that stands first.
//!
//! With T lines and P parts (at most [`PARTS`]) the flow takes O(T P^2) for each of at most O(T P) augmentations, at most
//! about 2 log K times for K sets; the search takes at most `search::NODES` nodes. All of it is paid for with fuel.
//!
//! Refuses to know rules, groups and engines.

mod flow;
mod search;
#[cfg(test)]
mod tests;

use super::actions::{line_slot, take, turns};
use crate::evaluate::RecordView;
use crate::evaluate::fraction::greatest_common_divisor;
use crate::exact;
use crate::ir::{FaultKind, MISSING, SetPick, SetValue, SlotId, line_slot as slots};

/// Parts that a bundle may have.
pub const PARTS: usize = 6;
/// Effects of a bundle that are weighed.
pub const TERMS: usize = 16;
/// What is worked out of a minor unit, so that the price of one of several pieces is exact enough to be compared.
const SCALE: i128 = 10_000;

/// A bundle: what it takes, what is given for it, and the sets that were chosen.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    parts: Vec<Part>,
    terms: Vec<Term>,
    /// The chosen sets; equal ones once.
    chosen: Vec<Chosen>,
}

#[derive(Clone, Debug)]
struct Part {
    /// Pieces that a set takes.
    count: i64,
    /// Pieces of each line that it may take.
    from: Vec<i64>,
}

/// What one effect gives for a set.
#[derive(Clone, Copy, Debug)]
struct Term {
    /// Of which part; of the whole set where none.
    part: Option<usize>,
    pick: SetPick,
    /// How many pieces a pick picks.
    count: i64,
    value: SetValue,
    num: i128,
    den: i128,
}

/// Equal sets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chosen {
    times: i64,
    /// For each part the lines and pieces of one set.
    parts: Vec<Vec<(usize, i64)>>,
}

/// What was chosen, in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many sets.
    pub sets: i64,
    /// How many lists of equal sets.
    pub lists: i64,
    /// What the chosen sets give, in minor units, rounded down.
    pub value: i64,
    /// How much more (less, where the least is looked for) another choice might give: minor units, rounded up. 0 where
    /// the choice is proven to be the best.
    pub gap: i64,
    /// Lines and pieces that the sets use, ascending.
    pub used: Vec<(u32, i64)>,
}

impl Sets {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.parts.clear();
        self.terms.clear();
        self.chosen.clear();
    }

    /// `SetPart`.
    ///
    /// # Errors
    /// `OutOfFuel`; `OutOfRange` where there are too many parts.
    pub fn part(&mut self, fuel: &mut i64, selection: &[i64], count: i64) -> Result<(), FaultKind> {
        take(fuel, turns(selection.len()))?;
        if self.parts.len() >= PARTS {
            return Err(FaultKind::OutOfRange);
        }
        self.parts.push(Part { count, from: selection.to_vec() });
        Ok(())
    }

    /// `SetTerm`.
    ///
    /// # Errors
    /// `OutOfFuel`, `DivisionByZero`, `Overflow`; `OutOfRange` where there are too many.
    pub fn term(
        &mut self,
        fuel: &mut i64,
        (part, pick, count): (Option<u32>, SetPick, i64),
        value: SetValue,
        (num, den): (i128, i128),
    ) -> Result<(), FaultKind> {
        take(fuel, 1)?;
        let (num, den) = exact::fraction(num, den)?;
        if self.terms.len() >= TERMS {
            return Err(FaultKind::OutOfRange);
        }
        let part = part.and_then(|part| usize::try_from(part).ok());
        self.terms.push(Term { part, pick, count, value, num, den });
        Ok(())
    }

    /// `ChooseSets`.
    ///
    /// # Errors
    /// `OutOfFuel`, `Overflow`.
    pub fn choose(
        &mut self,
        record: &RecordView<'_>,
        taken: &[i64],
        fuel: &mut i64,
        (most, member, key): (i64, bool, SlotId),
    ) -> Result<Outcome, FaultKind> {
        self.chosen.clear();
        take(fuel, turns(record.line_count()))?;
        let Some(task) = Task::new(record, taken, self, (most, member, key))? else {
            return Ok(Outcome::default());
        };
        let best = task.best(fuel)?;
        let mut used = vec![0i64; record.line_count()];
        let (mut sets, mut lists) = (0i64, 0i64);
        for chosen in best.sets {
            sets = sets.saturating_add(chosen.times);
            lists = lists.saturating_add(1);
            let parts = chosen.parts.iter().map(|part| {
                part.iter()
                    .filter_map(|(kind, pieces)| task.kinds.get(*kind).map(|kind| (kind.row, *pieces)))
                    .collect::<Vec<_>>()
            });
            let chosen = Chosen { times: chosen.times, parts: parts.collect() };
            for (row, pieces) in chosen.parts.iter().flatten() {
                if let Some(used) = used.get_mut(*row) {
                    *used = used.saturating_add(pieces.saturating_mul(chosen.times));
                }
            }
            self.chosen.push(chosen);
        }
        let unit = SCALE.checked_mul(task.scale).ok_or(FaultKind::Overflow)?;
        let whole = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
        let value = if task.counts_sets { 0 } else { whole(best.value.div_euclid(unit)) };
        let gap = best.bound.saturating_sub(best.value).max(0);
        let gap = whole(gap.saturating_add(unit.saturating_sub(1)).div_euclid(unit));
        let used = (0u32..).zip(used).filter(|(_, pieces)| *pieces > 0).collect();
        Ok(Outcome { sets, lists, value: if member { value } else { value.saturating_neg() }, gap, used })
    }

    /// `SetTimes`: how many sets the list stands for.
    pub fn times(&self, list: i64) -> i64 {
        self.list(list).map_or(0, |chosen| chosen.times)
    }

    /// `SetUnits`: the pieces of all sets of a list, of one part or of the whole, into an emptied selection.
    pub fn units(&self, list: i64, part: Option<u32>, out: &mut [i64]) {
        out.fill(0);
        let Some(chosen) = self.list(list) else { return };
        for (index, pieces) in (0u32..).zip(&chosen.parts) {
            if part.is_some_and(|part| part != index) {
                continue;
            }
            for (row, pieces) in pieces {
                if let Some(place) = out.get_mut(*row) {
                    *place = place.saturating_add(pieces.saturating_mul(chosen.times));
                }
            }
        }
    }

    fn list(&self, list: i64) -> Option<&Chosen> {
        self.chosen.get(usize::try_from(list).ok()?)
    }
}

/// The pieces of a line that a bundle may take: alike, so that only how many counts.
#[derive(Clone, Copy, Debug)]
struct Kind {
    row: usize,
    /// How many may be taken.
    pieces: i64,
    /// Bit `n`: the part `n` may take them.
    parts: u32,
    /// By what the cheapest and dearest are found.
    price: i64,
    /// What a piece comes to, before discounts or at entry, in minor units times [`SCALE`] and the task's scale.
    value: i128,
}

/// Kinds, and how many pieces of each.
type Pieces = Vec<(usize, i64)>;

/// Sets of a candidate: kinds in place of rows.
type Candidate = Vec<Chosen>;

/// A choice, with what it gives (times minus one where the least is looked for) and what none can exceed.
#[derive(Clone, Debug)]
struct Best {
    sets: Candidate,
    value: i128,
    bound: i128,
}

/// What is to be chosen.
struct Task {
    kinds: Vec<Kind>,
    /// Pieces of a set, by part.
    counts: Vec<i64>,
    terms: Vec<Term>,
    /// What shares are counted in: a common multiple of their denominators.
    scale: i128,
    member: bool,
    /// The sets that can be formed at once.
    most: i64,
    /// What is given is given for a set, whatever is in it: as many as can be, then by the value of their pieces.
    counts_sets: bool,
}

fn product(a: i128, b: i128) -> Result<i128, FaultKind> {
    a.checked_mul(b).ok_or(FaultKind::Overflow)
}

fn sum(a: i128, b: i128) -> Result<i128, FaultKind> {
    a.checked_add(b).ok_or(FaultKind::Overflow)
}

impl Task {
    /// `None` where no set can be formed.
    fn new(
        record: &RecordView<'_>,
        taken: &[i64],
        sets: &Sets,
        (most, member, key): (i64, bool, SlotId),
    ) -> Result<Option<Task>, FaultKind> {
        let counts: Vec<i64> = sets.parts.iter().map(|part| part.count).collect();
        if counts.is_empty() || counts.iter().any(|count| *count < 1) || most < 1 {
            return Ok(None);
        }
        let mut scale: i128 = 1;
        for term in sets.terms.iter().filter(|term| term.value == SetValue::Share) {
            let common = greatest_common_divisor(scale.unsigned_abs(), term.den.unsigned_abs());
            let common = i128::try_from(common).unwrap_or(1).max(1);
            scale = product(scale, term.den.checked_div(common).unwrap_or(1))?;
        }
        let mut kinds = Vec::new();
        for row in 0..record.line_count() {
            let mut parts = 0u32;
            let mut pieces = line_slot(record, slots::PIECES, row).max(0);
            let of = pieces;
            pieces = pieces.saturating_sub(taken.get(row).copied().unwrap_or(0).max(0));
            for (part, bit) in sets.parts.iter().zip((0..).map(|index| 1u32 << index)) {
                let from = part.from.get(row).copied().unwrap_or(0);
                if from > 0 {
                    parts |= bit;
                    pieces = pieces.min(from);
                }
            }
            if parts == 0 || pieces < 1 {
                continue;
            }
            let amount = line_slot(record, key, row);
            let amount = if amount == MISSING { 0 } else { i128::from(amount).max(0) };
            let value = product(amount, product(SCALE, scale)?)?.checked_div(i128::from(of)).unwrap_or(0);
            let price = line_slot(record, slots::PRICE, row);
            kinds.push(Kind { row, pieces, parts, price, value });
        }
        let counts_sets = !sets.terms.iter().any(|term| term.value != SetValue::PerSet);
        let terms = sets.terms.clone();
        let mut task = Task { kinds, counts, terms, scale, member, most, counts_sets };
        task.most = task.possible().min(most);
        Ok(Some(task).filter(|task| task.most >= 1))
    }

    /// How many sets can be formed at once: by Hall's theorem, what each group of parts needs is there for all of them
    /// together.
    fn possible(&self) -> i64 {
        let groups = 1u32.checked_shl(u32::try_from(self.counts.len()).unwrap_or(0)).unwrap_or(0);
        let mut most = i128::MAX;
        for group in 1..groups {
            let needs: i128 = (0..)
                .zip(&self.counts)
                .filter(|(part, _)| group >> part & 1 == 1)
                .map(|(_, count)| i128::from(*count))
                .sum();
            let there: i128 = self
                .kinds
                .iter()
                .filter(|kind| kind.parts & group != 0)
                .map(|kind| i128::from(kind.pieces))
                .sum();
            most = most.min(there.checked_div(needs).unwrap_or(0));
        }
        i64::try_from(most).unwrap_or(i64::MAX)
    }

    /// Turns what is looked for into what is to be made large.
    fn signed(&self, value: i128) -> i128 {
        if self.member { value } else { value.saturating_neg() }
    }

    /// An amount of money in the units of values.
    fn amount(&self, term: &Term) -> Result<i128, FaultKind> {
        let scaled = product(product(term.num, SCALE)?, self.scale)?;
        Ok(scaled.div_euclid(term.den.max(1)).max(0))
    }

    /// A share of a value, which all shares divide.
    fn share(&self, term: &Term, value: i128) -> Result<i128, FaultKind> {
        let share = term.num.clamp(0, term.den);
        product(value.checked_div(term.den.max(1)).unwrap_or(0), share)
    }

    /// What one piece gives to a term that looks at each piece by itself.
    fn of_piece(&self, term: &Term, value: i128) -> Result<i128, FaultKind> {
        Ok(match term.value {
            SetValue::Share => self.share(term, value)?,
            SetValue::OffEach | SetValue::Off => value.min(self.amount(term)?),
            SetValue::PriceEach | SetValue::Price => value.saturating_sub(self.amount(term)?).max(0),
            SetValue::PerSet => 0,
        })
    }

    /// What a set gives.
    fn worth(&self, parts: &[Vec<(usize, i64)>]) -> Result<i128, FaultKind> {
        let mut worth = 0;
        for term in &self.terms {
            let mut pieces: Vec<(Kind, i64)> = (0..)
                .zip(parts)
                .filter(|(part, _)| term.part.is_none_or(|of| of == *part))
                .flat_map(|(_, pieces): (usize, _)| pieces)
                .filter_map(|(kind, pieces)| Some((*self.kinds.get(*kind)?, *pieces)))
                .collect();
            let mut left = match term.pick {
                SetPick::All => i64::MAX,
                SetPick::Cheapest => {
                    pieces.sort_by_key(|(kind, _)| (kind.price, kind.row));
                    term.count.max(0)
                }
                SetPick::Dearest => {
                    pieces.sort_by_key(|(kind, _)| (std::cmp::Reverse(kind.price), kind.row));
                    term.count.max(0)
                }
            };
            let (mut whole, mut each) = (0i128, 0i128);
            for (kind, pieces) in pieces {
                let pieces = pieces.min(left);
                left = left.saturating_sub(pieces);
                whole = sum(whole, product(kind.value, i128::from(pieces))?)?;
                each = sum(each, product(self.of_piece(term, kind.value)?, i128::from(pieces))?)?;
            }
            worth = sum(
                worth,
                match term.value {
                    SetValue::Share | SetValue::OffEach | SetValue::PriceEach => each,
                    SetValue::Off => whole.min(self.amount(term)?),
                    SetValue::Price => whole.saturating_sub(self.amount(term)?).max(0),
                    SetValue::PerSet => 0,
                },
            )?;
        }
        Ok(worth)
    }

    /// What a candidate gives, as it is to be made large; for a member without the sets that give nothing.
    fn weighed(&self, mut sets: Candidate) -> Result<(Candidate, i128), FaultKind> {
        let mut total = 0;
        let mut kept = Vec::with_capacity(sets.len());
        for chosen in sets.drain(..) {
            let worth = self.worth(&chosen.parts)?;
            if worth > 0 || !self.member {
                total = sum(total, product(self.signed(worth), i128::from(chosen.times))?)?;
                kept.push(chosen);
            }
        }
        Ok((kept, total))
    }

    fn best(&self, fuel: &mut i64) -> Result<Best, FaultKind> {
        let linear = flow::Linear::of(self)?;
        let (sets, assigned, bound) = linear.solve(self, fuel)?;
        let arranged = self.arranged(&assigned, sets);
        if self.counts_sets {
            return Ok(Best { sets: arranged, value: 0, bound: 0 });
        }
        let (mut sets, mut value) = self.weighed(arranged)?;
        if value >= bound {
            return Ok(Best { sets, value, bound: value });
        }
        if let Some(direct) = self.direct() {
            let (sets, value) = self.weighed(direct)?;
            return Ok(Best { sets, value, bound: value });
        }
        // As many sets as there can be, the dearest with the dearest.
        let (_, assigned) = linear.assign(self, self.most, fuel)?;
        let (others, other) = self.weighed(self.arranged(&assigned, self.most))?;
        if other > value {
            (sets, value) = (others, other);
        }
        let found = search::Search::run(self, (sets, value), fuel)?;
        let bound = if found.complete { found.value } else { bound.max(found.value) };
        Ok(Best { sets: found.sets, value: found.value, bound })
    }

    /// The best choice for the cheapest or dearest few of a set of one part, where that is all there is to it.
    ///
    /// The counted pieces of K sets of n, of which the cheapest k count, are most where the dearest pieces are cut into
    /// sets one after another: of the dearest `i n + j` pieces (j < n) any other way leaves at most as many counted. They
    /// are least where the K k cheapest pieces of all are counted. For the dearest k it is the other way round.
    fn direct(&self) -> Option<Candidate> {
        let ([count], [term]) = (self.counts.as_slice(), self.terms.as_slice()) else { return None };
        let k = term.count.clamp(0, *count);
        let each = match term.value {
            SetValue::Share | SetValue::OffEach | SetValue::PriceEach => true,
            SetValue::Off | SetValue::Price => k == 1,
            SetValue::PerSet => false,
        };
        let cheapest = match term.pick {
            SetPick::All => return None,
            SetPick::Cheapest => true,
            SetPick::Dearest => false,
        };
        let mut order: Vec<usize> = (0..self.kinds.len()).collect();
        let key =
            |index: &usize| self.kinds.get(*index).map(|kind| (kind.price, kind.value)).unwrap_or_default();
        order.sort_by_key(|index| (std::cmp::Reverse(key(index).0), *index));
        // What is cheapest by price must be worth least, or this says nothing.
        if !each || k < 1 || !order.is_sorted_by(|a, b| key(a).1 >= key(b).1) {
            return None;
        }
        if !self.member {
            order.reverse();
        }
        let all: Vec<(usize, i64)> =
            order.iter().filter_map(|index| Some((*index, self.kinds.get(*index)?.pieces))).collect();
        if cheapest == self.member {
            return Some(cut(&[(all.as_slice(), *count)], self.most).into_iter().map(joined).collect());
        }
        let counted = i128::from(k).saturating_mul(i128::from(self.most));
        let (first, rest) = split(&all, i64::try_from(counted).unwrap_or(i64::MAX));
        let others = count.saturating_sub(k);
        let sides = [(first.as_slice(), k), (rest.as_slice(), others)];
        Some(cut(&sides, self.most).into_iter().map(joined).collect())
    }

    /// Forms sets of what each part was assigned: the dearest of each with the dearest of the others.
    fn arranged(&self, assigned: &[Vec<(usize, i64)>], sets: i64) -> Candidate {
        let mut parts: Vec<Vec<(usize, i64)>> = assigned.to_vec();
        for part in &mut parts {
            part.sort_by_key(|(index, _)| {
                let kind = self.kinds.get(*index);
                (std::cmp::Reverse(kind.map_or(0, |kind| kind.price)), *index)
            });
        }
        let sides: Vec<(&[(usize, i64)], i64)> =
            parts.iter().map(Vec::as_slice).zip(self.counts.iter().copied()).collect();
        cut(&sides, sets)
    }
}

/// All parts of a set as one.
fn joined(chosen: Chosen) -> Chosen {
    let mut all: Vec<(usize, i64)> = Vec::new();
    for (kind, pieces) in chosen.parts.into_iter().flatten() {
        match all.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, sum)) => *sum = sum.saturating_add(pieces),
            None => all.push((kind, pieces)),
        }
    }
    Chosen { times: chosen.times, parts: vec![all] }
}

/// The first so many pieces, and the others.
fn split(runs: &[(usize, i64)], first: i64) -> (Pieces, Pieces) {
    let mut left = first;
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    for (kind, pieces) in runs {
        let here = (*pieces).min(left);
        left = left.saturating_sub(here);
        if here > 0 {
            before.push((*kind, here));
        }
        if *pieces > here {
            behind.push((*kind, pieces.saturating_sub(here)));
        }
    }
    (before, behind)
}

/// Cuts the runs of each part into so many sets, one after another; equal sets that follow each other are one entry.
fn cut(parts: &[(&[(usize, i64)], i64)], sets: i64) -> Candidate {
    // Of each part: the run at hand, and how much of it is gone.
    let mut at: Vec<(usize, i64)> = vec![(0, 0); parts.len()];
    let mut cut = Vec::new();
    let mut left = sets;
    while left > 0 {
        let mut times = left;
        let mut set = Vec::with_capacity(parts.len());
        for ((runs, count), (run, gone)) in parts.iter().zip(&mut at) {
            let mut needs = *count;
            let mut pieces = Vec::new();
            while needs > 0 {
                let Some((kind, of)) = runs.get(*run) else { break };
                let here = of.saturating_sub(*gone);
                if pieces.is_empty() && here >= needs {
                    // As many whole sets as the run holds; how many are taken is known when all parts have spoken.
                    times = times.min(here.checked_div(needs).unwrap_or(1));
                    pieces.push((*kind, needs));
                    break;
                }
                times = 1;
                let taken = here.min(needs);
                pieces.push((*kind, taken));
                needs = needs.saturating_sub(taken);
                *gone = gone.saturating_add(taken);
                if *gone >= *of {
                    (*run, *gone) = (run.saturating_add(1), 0);
                }
            }
            set.push(pieces);
        }
        for (((runs, count), (run, gone)), pieces) in parts.iter().zip(&mut at).zip(&set) {
            // A set that lies in one run has not moved yet.
            let ([(kind, taken)], Some((here, of))) = (pieces.as_slice(), runs.get(*run)) else { continue };
            if taken == count && kind == here && of.saturating_sub(*gone) >= *count {
                *gone = gone.saturating_add(count.saturating_mul(times));
                if *gone >= *of {
                    (*run, *gone) = (run.saturating_add(1), 0);
                }
            }
        }
        left = left.saturating_sub(times);
        cut.push(Chosen { times, parts: set });
    }
    cut
}
