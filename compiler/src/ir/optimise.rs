//! Simplification: constants folded, what was worked out before used again, what nobody uses dropped, cheaper
//! instructions where they mean the same.
//!
//! Keeps everything that can be seen of a function: what it proposes, and which fault ends it first and where. So an
//! instruction that may fault or takes fuel stays, unless it is known that it does not fault. It takes as much fuel as
//! before or less, since a turn of a shorter loop costs less; so what ended for want of fuel may now end otherwise.
//! Refuses to reason about rules and groups.

use super::{Comparison, Function, Inst, PlaceId, Program, Shape, Ty, Value};
use crate::calendar;
use crate::exact;
use crate::interpret::holds;
use rustc_hash::FxHashMap;

/// Rounds of simplification; nearly all functions are done after two.
const ROUNDS: usize = 4;

/// Simplifies the functions of a program that verifies. A function that does not stays as it is.
pub fn optimise(mut program: Program) -> Program {
    for function in &mut program.functions {
        for _ in 0..ROUNDS {
            let Some(simpler) = simplify(function).map(drop_unused).map(drop_regions) else { break };
            if simpler == *function {
                break;
            }
            *function = simpler;
        }
    }
    program
}

/// What a number or a truth is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Constant {
    Word(i64),
    Wide(i128),
    Truth(bool),
}

/// What becomes of an instruction.
enum Simpler {
    /// This one stands for it.
    Inst(Inst),
    /// This value is its value.
    Value(Value),
    /// Nothing has to be done.
    Nothing,
}

/// The function being written.
struct Writer {
    insts: Vec<Inst>,
    places: Vec<PlaceId>,
    types: Vec<Option<Ty>>,
    variables: Vec<Ty>,
    /// Pure instructions that are visible here, with their values.
    seen: FxHashMap<Inst, Value>,
    /// What was added to `seen` in each open region.
    scopes: Vec<Vec<Inst>>,
    /// What each variable is known to hold here.
    held: Vec<Option<Value>>,
}

/// Folds, shares and chooses, from the first instruction to the last.
fn simplify(function: &Function) -> Option<Function> {
    let mut writer = Writer {
        insts: Vec::with_capacity(function.insts.len()),
        places: Vec::with_capacity(function.insts.len()),
        types: Vec::with_capacity(function.insts.len()),
        variables: function.variables.clone(),
        seen: FxHashMap::default(),
        scopes: vec![Vec::new()],
        held: vec![None; function.variables.len()],
    };
    let mut map: Vec<Option<Value>> = Vec::with_capacity(function.insts.len());
    // Behind a break that is always taken: how many of the regions opened there are open.
    let mut skipped: Option<u32> = None;
    for (inst, place) in function.insts.iter().zip(&function.places) {
        if let Some(open) = skipped {
            if matches!(inst, Inst::Block | Inst::Loop(_)) {
                skipped = Some(open.checked_add(1)?);
            } else if *inst == Inst::End {
                skipped = open.checked_sub(1);
            }
            // The end of the region that the break stands in is written.
            if skipped.is_some() {
                map.push(None);
                continue;
            }
        }
        let mut inst = inst.clone();
        let mut known = true;
        inst.operands_mut(|value| match map.get(value.index()).copied().flatten() {
            Some(new) => *value = new,
            None => known = false,
        });
        if !known {
            return None;
        }
        let value = writer.write(inst.clone(), *place);
        map.push(value);
        if let Inst::Break { condition, when, .. } = inst
            && writer.truth(condition) == Some(when)
        {
            skipped = Some(0);
        }
    }
    Some(Function {
        name: function.name.clone(),
        variables: writer.variables,
        insts: writer.insts,
        places: writer.places,
    })
}

impl Writer {
    /// Writes an instruction, or what is simpler, and says where its value is.
    fn write(&mut self, mut inst: Inst, place: PlaceId) -> Option<Value> {
        // Each step makes the instruction simpler in a way of its own, so that there are few.
        for _ in 0..8 {
            match self.simpler(&inst, place) {
                Some(Simpler::Inst(simpler)) => inst = simpler,
                Some(Simpler::Value(value)) => return Some(value),
                Some(Simpler::Nothing) => return None,
                None => break,
            }
        }
        let shared = is_pure(&inst);
        if shared && let Some(value) = self.seen.get(&inst) {
            return Some(*value);
        }
        Some(self.push(inst, place, shared))
    }

    fn push(&mut self, inst: Inst, place: PlaceId, shared: bool) -> Value {
        let value = Value(u32::try_from(self.insts.len()).unwrap_or(u32::MAX));
        let ty = inst.result(&self.variables, |value| self.types.get(value.index()).copied().flatten());
        if let Inst::Block | Inst::Loop(_) = &inst {
            self.scopes.push(Vec::new());
        }
        if let Inst::Loop(_) | Inst::End = &inst {
            // A turn may find what an earlier one left; to an end come breaks with other values.
            self.held.fill(None);
        }
        if inst == Inst::End {
            for gone in self.scopes.pop().unwrap_or_default() {
                self.seen.remove(&gone);
            }
        }
        if let Inst::Set(variable, held) = &inst
            && let Some(place) = self.held.get_mut(variable.index())
        {
            *place = Some(*held);
        }
        if let Inst::Get(variable) = &inst
            && let Some(place) = self.held.get_mut(variable.index())
        {
            *place = Some(value);
        }
        if shared {
            self.seen.insert(inst.clone(), value);
            if let Some(scope) = self.scopes.last_mut() {
                scope.push(inst.clone());
            }
        }
        self.insts.push(inst);
        self.places.push(place);
        self.types.push(ty);
        value
    }

    /// A constant of the same place, written where it is not at hand.
    fn int(&mut self, word: i64, place: PlaceId) -> Value {
        let inst = Inst::Int(word);
        match self.seen.get(&inst) {
            Some(value) => *value,
            None => self.push(inst, place, true),
        }
    }

    fn inst(&self, value: Value) -> Option<&Inst> {
        self.insts.get(value.index())
    }

    fn constant(&self, value: Value) -> Option<Constant> {
        if let Inst::Int(word) = self.inst(value)? {
            return Some(Constant::Word(*word));
        }
        if let Inst::Wide(wide) = self.inst(value)? {
            return Some(Constant::Wide(*wide));
        }
        if let Inst::Bool(truth) = self.inst(value)? { Some(Constant::Truth(*truth)) } else { None }
    }

    fn word(&self, value: Value) -> Option<i64> {
        match self.constant(value)? {
            Constant::Word(word) => Some(word),
            Constant::Wide(_) | Constant::Truth(_) => None,
        }
    }

    fn wide(&self, value: Value) -> Option<i128> {
        match self.constant(value)? {
            Constant::Wide(wide) => Some(wide),
            Constant::Word(_) | Constant::Truth(_) => None,
        }
    }

    fn truth(&self, value: Value) -> Option<bool> {
        match self.constant(value)? {
            Constant::Truth(truth) => Some(truth),
            Constant::Word(_) | Constant::Wide(_) => None,
        }
    }

    /// Whether a number is this constant, whatever its width.
    fn is(&self, value: Value, number: i64) -> bool {
        self.word(value) == Some(number) || self.wide(value) == Some(i128::from(number))
    }

    /// A `Widen`'s operand.
    fn widened(&self, value: Value) -> Option<Value> {
        if let Inst::Widen(a) = self.inst(value)? { Some(*a) } else { None }
    }

    /// A `Not`'s operand.
    fn negated(&self, value: Value) -> Option<Value> {
        if let Inst::Not(a) = self.inst(value)? { Some(*a) } else { None }
    }

    /// The 64-bit number that a 128-bit one is known to be the widening of.
    fn narrowed(&mut self, value: Value, place: PlaceId) -> Option<Value> {
        if let Some(wide) = self.wide(value) {
            let word = i64::try_from(wide).ok()?;
            return Some(self.int(word, place));
        }
        self.widened(value)
    }

    /// One step of simplification; `None` where there is none.
    fn simpler(&mut self, inst: &Inst, place: PlaceId) -> Option<Simpler> {
        use Simpler::{Inst as To, Nothing, Value as Same};
        match *inst {
            Inst::Known(a) => self.word(a).map(|word| To(Inst::Bool(word != super::MISSING))),
            Inst::Truth(a) => self.word(a).map(|word| To(Inst::Bool(word == 1))),

            Inst::Add(a, b) => {
                if self.is(b, 0) {
                    return Some(Same(a));
                }
                if self.is(a, 0) {
                    return Some(Same(b));
                }
                self.fold(a, b, i64::checked_add, i128::checked_add).or_else(|| in_order(a, b, Inst::Add))
            }
            Inst::Sub(a, b) => {
                if self.is(b, 0) {
                    return Some(Same(a));
                }
                self.fold(a, b, i64::checked_sub, i128::checked_sub)
            }
            Inst::Mul(a, b) => {
                if self.is(b, 1) || self.is(a, 0) {
                    return Some(Same(a));
                }
                if self.is(a, 1) || self.is(b, 0) {
                    return Some(Same(b));
                }
                if let Some(folded) = self.fold(a, b, i64::checked_mul, i128::checked_mul) {
                    return Some(folded);
                }
                // The product of two widened numbers fits always.
                let widened = self.widened(a).is_some() || self.widened(b).is_some();
                if widened && let (Some(a), Some(b)) = (self.narrowed(a, place), self.narrowed(b, place)) {
                    return Some(To(Inst::MulWide(a, b)));
                }
                in_order(a, b, Inst::Mul)
            }
            Inst::MulWide(a, b) => match (self.word(a), self.word(b)) {
                // Two 64-bit factors: their product always fits.
                (Some(a), Some(b)) => Some(To(Inst::Wide(i128::from(a).wrapping_mul(i128::from(b))))),
                (Some(0), None) | (None, Some(0)) => Some(To(Inst::Wide(0))),
                (Some(1), None) => Some(To(Inst::Widen(b))),
                (None, Some(1)) => Some(To(Inst::Widen(a))),
                (Some(_), None) | (None, Some(_)) | (None, None) => in_order(a, b, Inst::MulWide),
            },
            Inst::Negate(a) => self.fold(a, a, |a, _| a.checked_neg(), |a, _| a.checked_neg()),
            Inst::Widen(a) => self.word(a).map(|word| To(Inst::Wide(i128::from(word)))),
            Inst::Narrow(a) => {
                if let Some(word) = self.widened(a) {
                    return Some(Same(word));
                }
                self.wide(a).and_then(|wide| exact::narrow(wide).ok()).map(|word| To(Inst::Int(word)))
            }
            Inst::Divide(a, b, rounding) => {
                if self.is(b, 1) {
                    return Some(Same(a));
                }
                let (a, b) = (self.wide(a)?, self.wide(b)?);
                exact::divide_rounded(a, b, rounding).ok().map(|wide| To(Inst::Wide(wide)))
            }
            Inst::Floor(a, b) => {
                if self.is(b, 1) {
                    return Some(Same(a));
                }
                let (a, b) = (self.wide(a)?, self.wide(b)?);
                exact::floor(a, b).ok().map(|wide| To(Inst::Wide(wide)))
            }
            Inst::Modulo(a, b) => {
                self.fold(a, b, |a, b| exact::modulo_word(a, b).ok(), |a, b| exact::modulo(a, b).ok())
            }
            Inst::AddMonths(day, months) => {
                let later = calendar::months_later(self.word(day)?, self.word(months)?);
                later.ok().map(|day| To(Inst::Int(day)))
            }
            Inst::Calendar(part, day) => {
                calendar::part(part, self.word(day)?).ok().map(|word| To(Inst::Int(word)))
            }

            Inst::Compare(comparison, a, b) => self.compare(comparison, a, b, place),
            Inst::Choose(condition, a, b) => {
                if a == b {
                    return Some(Same(a));
                }
                match self.truth(condition) {
                    Some(true) => return Some(Same(a)),
                    Some(false) => return Some(Same(b)),
                    None => {}
                }
                match (self.truth(a), self.truth(b)) {
                    (Some(true), Some(false)) => return Some(Same(condition)),
                    (Some(false), Some(true)) => return Some(To(Inst::Not(condition))),
                    (Some(_) | None, _) => {}
                }
                self.negated(condition).map(|condition| To(Inst::Choose(condition, b, a)))
            }
            Inst::And(a, b) => match (self.truth(a), self.truth(b)) {
                (Some(true), _) => Some(Same(b)),
                (_, Some(true)) => Some(Same(a)),
                (Some(false), _) => Some(Same(a)),
                (_, Some(false)) => Some(Same(b)),
                (None, None) if a == b => Some(Same(a)),
                (None, None) => in_order(a, b, Inst::And),
            },
            Inst::Or(a, b) => match (self.truth(a), self.truth(b)) {
                (Some(false), _) => Some(Same(b)),
                (_, Some(false)) => Some(Same(a)),
                (Some(true), _) => Some(Same(a)),
                (_, Some(true)) => Some(Same(b)),
                (None, None) if a == b => Some(Same(a)),
                (None, None) => in_order(a, b, Inst::Or),
            },
            Inst::Not(a) => {
                if let Some(truth) = self.truth(a) {
                    return Some(To(Inst::Bool(!truth)));
                }
                if let Inst::Compare(comparison, a, b) = self.inst(a)? {
                    return Some(To(Inst::Compare(comparison.opposite(), *a, *b)));
                }
                self.negated(a).map(Same)
            }

            Inst::Break { depth, condition, when } => {
                if self.truth(condition) == Some(!when) {
                    return Some(Nothing);
                }
                let condition = self.negated(condition)?;
                Some(To(Inst::Break { depth, condition, when: !when }))
            }

            Inst::Get(variable) => self.held.get(variable.index()).copied().flatten().map(Same),
            Inst::Set(variable, value) => {
                let same = self.held.get(variable.index()).copied().flatten() == Some(value);
                same.then_some(Nothing)
            }

            Inst::Int(_)
            | Inst::Wide(_)
            | Inst::Bool(_)
            | Inst::LoadEvent(_)
            | Inst::LoadLine(..)
            | Inst::LoadPayment(..)
            | Inst::LoadTable(..)
            | Inst::LoadParam(_)
            | Inst::InReference(..)
            | Inst::SetHas(..)
            | Inst::SetContains(..)
            | Inst::Block
            | Inst::Loop(_)
            | Inst::End
            | Inst::NewSelection
            | Inst::Select { .. }
            | Inst::Selected(..)
            | Inst::PickExtreme { .. }
            | Inst::PickInEvery { .. }
            | Inst::PickEveryNth { .. }
            | Inst::NewBag
            | Inst::Put(..)
            | Inst::Distinct(_)
            | Inst::NewSets
            | Inst::SetPart { .. }
            | Inst::SetTerm { .. }
            | Inst::ChooseSets { .. }
            | Inst::SetTimes(..)
            | Inst::SetUnits { .. }
            | Inst::Derive(_)
            | Inst::Award { .. }
            // The zone's clock is not known here.
            | Inst::InstantOf(..)
            | Inst::Clock(..)
            | Inst::Discount { .. } => None,
        }
    }

    /// The result where both are constants and it does not fault.
    fn fold(
        &self,
        a: Value,
        b: Value,
        word: fn(i64, i64) -> Option<i64>,
        wide: fn(i128, i128) -> Option<i128>,
    ) -> Option<Simpler> {
        match (self.constant(a)?, self.constant(b)?) {
            (Constant::Word(a), Constant::Word(b)) => word(a, b).map(|word| Simpler::Inst(Inst::Int(word))),
            (Constant::Wide(a), Constant::Wide(b)) => wide(a, b).map(|wide| Simpler::Inst(Inst::Wide(wide))),
            (Constant::Word(_) | Constant::Wide(_) | Constant::Truth(_), _) => None,
        }
    }

    fn out_of_reach(&self, value: Value, wide: i128) -> bool {
        self.widened(value).is_some() && i64::try_from(wide).is_err()
    }

    fn compare(&mut self, comparison: Comparison, a: Value, b: Value, place: PlaceId) -> Option<Simpler> {
        let ordering = if a == b {
            Some(std::cmp::Ordering::Equal)
        } else if let (Some(a), Some(b)) = (self.word(a), self.word(b)) {
            Some(a.cmp(&b))
        } else {
            match (self.wide(a), self.wide(b)) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                // A widened number against one that no widened number reaches.
                (None, Some(wide)) => self.out_of_reach(a, wide).then(|| 0.cmp(&wide)),
                (Some(wide), None) => self.out_of_reach(b, wide).then(|| wide.cmp(&0)),
                (None, None) => None,
            }
        };
        if let Some(ordering) = ordering {
            return Some(Simpler::Inst(Inst::Bool(holds(comparison, ordering))));
        }
        if self.widened(a).is_some() || self.widened(b).is_some() {
            let (a, b) = (self.narrowed(a, place)?, self.narrowed(b, place)?);
            return Some(Simpler::Inst(Inst::Compare(comparison, a, b)));
        }
        None
    }
}

/// Operands of which the order does not matter stand in one order.
fn in_order(a: Value, b: Value, inst: fn(Value, Value) -> Inst) -> Option<Simpler> {
    (b < a).then(|| Simpler::Inst(inst(b, a)))
}

/// Whether an instruction only works a value out, and takes no fuel for it: two of them with the same operands make the same
/// value, and the second does not fail where the first did not. It may fail.
pub fn is_pure(inst: &Inst) -> bool {
    nature(inst) != Nature::Acts
}

/// Whether an instruction only works a value out, and can never fail.
pub fn never_fails(inst: &Inst) -> bool {
    nature(inst) == Nature::Total
}

/// What an instruction is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// It works a value out of others, always.
    Total,
    /// It works a value out of others, and may fail.
    Partial,
    /// It takes fuel, or has to do with memory, variables or proposals.
    Acts,
}

fn nature(inst: &Inst) -> Nature {
    match inst {
        Inst::Int(_)
        | Inst::Wide(_)
        | Inst::Bool(_)
        | Inst::LoadEvent(_)
        | Inst::LoadLine(..)
        | Inst::LoadPayment(..)
        | Inst::LoadTable(..)
        | Inst::LoadParam(_)
        | Inst::Known(_)
        | Inst::Truth(_)
        | Inst::MulWide(..)
        | Inst::Widen(_)
        | Inst::Compare(..)
        | Inst::Choose(..)
        | Inst::And(..)
        | Inst::Or(..)
        | Inst::Not(_)
        | Inst::InReference(..)
        | Inst::SetContains(..) => Nature::Total,
        Inst::Add(..)
        | Inst::Sub(..)
        | Inst::Mul(..)
        | Inst::Negate(_)
        | Inst::Narrow(_)
        | Inst::Divide(..)
        | Inst::Floor(..)
        | Inst::Modulo(..)
        | Inst::AddMonths(..)
        | Inst::InstantOf(..)
        | Inst::Clock(..)
        | Inst::Calendar(..) => Nature::Partial,
        Inst::SetHas(..)
        | Inst::Block
        | Inst::Loop(_)
        | Inst::End
        | Inst::Break { .. }
        | Inst::Get(_)
        | Inst::Set(..)
        | Inst::NewSelection
        | Inst::Select { .. }
        | Inst::Selected(..)
        | Inst::PickExtreme { .. }
        | Inst::PickInEvery { .. }
        | Inst::PickEveryNth { .. }
        | Inst::NewBag
        | Inst::Put(..)
        | Inst::Distinct(_)
        | Inst::NewSets
        | Inst::SetPart { .. }
        | Inst::SetTerm { .. }
        | Inst::ChooseSets { .. }
        | Inst::SetTimes(..)
        | Inst::SetUnits { .. }
        | Inst::Derive(_)
        | Inst::Award { .. }
        | Inst::Discount { .. } => Nature::Acts,
    }
}

/// Whether nobody misses an instruction whose value is not used.
fn is_idle(function: &Function, inst: &Inst, read: &[bool]) -> bool {
    // Dividing by a constant other than 0 and -1 cannot fault.
    let safe_divisor = |b: &Value| match function.insts.get(b.index()) {
        Some(Inst::Wide(wide)) => *wide != 0 && *wide != -1,
        Some(Inst::Int(word)) => *word != 0 && *word != -1,
        Some(_) | None => false,
    };
    match inst {
        Inst::Get(_) | Inst::Selected(..) | Inst::NewBag => true,
        Inst::Divide(_, b, _) | Inst::Floor(_, b) | Inst::Modulo(_, b) => safe_divisor(b),
        Inst::Set(variable, _) => !read.get(variable.index()).copied().unwrap_or(true),
        other => never_fails(other),
    }
}

/// Drops instructions that nobody misses.
fn drop_unused(function: Function) -> Function {
    let mut read = vec![false; function.variables.len()];
    for inst in &function.insts {
        if let Inst::Get(variable) = inst
            && let Some(read) = read.get_mut(variable.index())
        {
            *read = true;
        }
    }
    let mut used = vec![false; function.insts.len()];
    let mut keep = vec![true; function.insts.len()];
    // From the last to the first: an instruction's users come after it.
    for (at, inst) in function.insts.iter().enumerate().rev() {
        if !used.get(at).copied().unwrap_or(true) && is_idle(&function, inst, &read) {
            if let Some(keep) = keep.get_mut(at) {
                *keep = false;
            }
            continue;
        }
        inst.operands(|value| {
            if let Some(used) = used.get_mut(value.index()) {
                *used = true;
            }
        });
    }
    retain(function, &keep)
}

/// Drops blocks that nothing breaks out of.
fn drop_regions(mut function: Function) -> Function {
    let shape = Shape::of(&function);
    let mut left = vec![false; function.insts.len()];
    for (at, inst) in function.insts.iter().enumerate() {
        if let Inst::Break { .. } = inst
            && let Some(left) = left.get_mut(shape.linked(at))
        {
            *left = true;
        }
    }
    let mut keep = vec![true; function.insts.len()];
    // For each open region, how many of those from the outermost to it are dropped.
    let mut dropped: Vec<u32> = Vec::new();
    for (at, inst) in function.insts.iter_mut().enumerate() {
        let before = dropped.last().copied().unwrap_or(0);
        if let Inst::Loop(_) = inst {
            dropped.push(before);
        } else if *inst == Inst::Block {
            let end = shape.linked(at);
            let gone = !left.get(end).copied().unwrap_or(true);
            dropped.push(before.saturating_add(u32::from(gone)));
            for at in [at, end] {
                if let Some(keep) = keep.get_mut(at) {
                    *keep = *keep && !gone;
                }
            }
        } else if *inst == Inst::End {
            dropped.pop();
        } else if let Inst::Break { depth, .. } = inst {
            // What is dropped between this place and the region that is left.
            let outer = usize::try_from(*depth).ok().and_then(|depth| dropped.iter().rev().nth(depth));
            let between = before.saturating_sub(outer.copied().unwrap_or(before));
            *depth = depth.saturating_sub(between);
        }
    }
    retain(function, &keep)
}

/// Keeps some instructions and numbers values anew.
pub(super) fn retain(function: Function, keep: &[bool]) -> Function {
    let mut map: Vec<Value> = Vec::with_capacity(function.insts.len());
    let mut kept = Function {
        name: function.name,
        variables: function.variables,
        insts: Vec::with_capacity(function.insts.len()),
        places: Vec::with_capacity(function.places.len()),
    };
    for ((mut inst, place), keep) in function.insts.into_iter().zip(function.places).zip(keep) {
        map.push(Value(u32::try_from(kept.insts.len()).unwrap_or(u32::MAX)));
        if !*keep {
            continue;
        }
        inst.operands_mut(|value| {
            if let Some(new) = map.get(value.index()) {
                *value = *new;
            }
        });
        kept.insts.push(inst);
        kept.places.push(place);
    }
    kept
}
