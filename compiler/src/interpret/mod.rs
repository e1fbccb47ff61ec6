//! The interpreter: what the intermediate representation means. Native code is right where it does the same.
//!
//! Plain rather than quick, and total: no recursion, no panic, no wrapping; what a register or a record does not hold
//! reads as zero or [`MISSING`]. Knows nothing of groups and settlement.

pub mod actions;
mod count;
pub mod marks;
pub mod picks;
pub mod sets;
pub mod straight;
pub mod trace;

use crate::calendar;
use crate::evaluate::{Bindings, Code, Proposals, RecordView};
use crate::exact;
use crate::ir::{
    Comparison, Fault, FaultKind, Function, FunctionId, Inst, MISSING, Rows, Shape, SlotId, Ty, Value, VarId,
    Verified, line_slot,
};
use actions::Bag;
use marks::Marks;
use picks::Run;
use sets::Sets;
use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

/// Runs the functions of a program by walking their instructions.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Interpreter {
    program: Arc<Verified>,
    /// By function, worked out when it is first run: most functions of a large program never are.
    shapes: Arc<[OnceLock<Box<Shape>>]>,
    /// Where somebody asks which arms runs come by.
    marks: Option<Arc<Marks>>,
}

/// Reusable memory of one thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// `I64` values and, as 0 and 1, `Bool` values, by instruction.
    words: Vec<i64>,
    /// `I128` values, by instruction.
    wides: Vec<i128>,
    /// Variables, likewise.
    word_variables: Vec<i64>,
    wide_variables: Vec<i128>,
    /// Selections one after another, each of as many counts as the record has lines.
    selections: Vec<i64>,
    bags: Vec<Bag>,
    sets: Vec<Sets>,
    runs: Vec<Run>,
}

impl Interpreter {
    /// Of a program.
    pub fn new(program: Arc<Verified>) -> Interpreter {
        let shapes = program.functions.iter().map(|_| OnceLock::new()).collect();
        Interpreter { program, shapes, marks: None }
    }

    /// The same, and each run marks the arms that it comes by.
    #[must_use]
    pub fn marking(self, marks: Arc<Marks>) -> Interpreter {
        Interpreter { marks: Some(marks), ..self }
    }

    /// The program that it runs.
    pub fn program(&self) -> &Arc<Verified> {
        &self.program
    }

    /// A function, and where its jumps go.
    fn function(&self, at: usize) -> Option<(&Function, &Shape)> {
        let (function, shape) = self.program.functions.get(at).zip(self.shapes.get(at))?;
        Some((function, shape.get_or_init(|| Box::new(Shape::of(function)))))
    }
}

impl Code for Interpreter {
    type Scratch = Scratch;

    fn run(
        &self,
        function: FunctionId,
        record: RecordView<'_>,
        bindings: &Bindings,
        fuel: &mut i64,
        scratch: &mut Scratch,
        out: &mut Proposals,
    ) -> Result<(), Fault> {
        // A function that is not there proposes nothing.
        let Some((instructions, shape)) = self.function(function.index()) else { return Ok(()) };
        scratch.prepare(instructions, shape, record.line_count());
        let mut run =
            Execution { function: instructions, shape, record, bindings, fuel, memory: scratch, out, at: 0 };
        let done = match &self.marks {
            None => run.all(),
            Some(marks) => run.all_marked(function, marks),
        };
        done.map_err(|kind| Fault { kind, inst: u32::try_from(run.at).unwrap_or(u32::MAX) })
    }
}

impl Scratch {
    /// Makes room and sets the variables to zero. Registers keep what an earlier function left: a verified function
    /// writes each before it reads it.
    fn prepare(&mut self, function: &Function, shape: &Shape, lines: usize) {
        let (insts, variables) = (function.insts.len(), function.variables.len());
        grow(&mut self.words, insts, 0);
        grow(&mut self.wides, insts, 0);
        self.word_variables.clear();
        self.word_variables.resize(variables, 0);
        self.wide_variables.clear();
        self.wide_variables.resize(variables, 0);
        grow(&mut self.selections, (shape.selections as usize).saturating_mul(lines), 0);
        grow(&mut self.bags, shape.bags as usize, Bag::default());
        grow(&mut self.sets, shape.sets as usize, Sets::default());
    }
}

fn grow<T: Clone>(list: &mut Vec<T>, length: usize, value: T) {
    if list.len() < length {
        list.resize(length, value);
    }
}

/// One run of one function.
struct Execution<'r> {
    function: &'r Function,
    shape: &'r Shape,
    record: RecordView<'r>,
    bindings: &'r Bindings,
    fuel: &'r mut i64,
    memory: &'r mut Scratch,
    out: &'r mut Proposals,
    /// The instruction being done; after a fault the one that met it.
    at: usize,
}

impl Execution<'_> {
    fn all(&mut self) -> Result<(), FaultKind> {
        let function = self.function;
        while let Some(inst) = function.insts.get(self.at) {
            self.at = self.step(inst)?;
        }
        Ok(())
    }

    fn all_marked(&mut self, id: FunctionId, marks: &Marks) -> Result<(), FaultKind> {
        let function = self.function;
        while let Some(inst) = function.insts.get(self.at) {
            let at = self.at;
            self.at = self.step(inst)?;
            if let Inst::Break { .. } = inst {
                marks.done(id, at);
            }
        }
        Ok(())
    }

    /// Does one instruction and says which is next.
    fn step(&mut self, inst: &Inst) -> Result<usize, FaultKind> {
        match inst {
            Inst::Int(word) => self.set_word(*word),
            Inst::Wide(wide) => self.set_wide(*wide),
            Inst::Bool(truth) => self.set_bool(*truth),

            Inst::LoadEvent(slot) => {
                let word = self.record.event.get(slot.index()).copied().unwrap_or(MISSING);
                self.set_word(word);
            }
            Inst::LoadLine(slot, row) => {
                let word = actions::line_slot(&self.record, *slot, self.row(*row));
                self.set_word(word);
            }
            Inst::LoadPayment(slot, row) => {
                let word = actions::payment_slot(&self.record, *slot, self.row(*row));
                self.set_word(word);
            }
            Inst::LoadTable(table, column, row) => {
                let word = actions::table_slot(&self.record, *table, *column, self.row(*row));
                self.set_word(word);
            }
            Inst::LoadParam(param) => {
                let word = self.record.params.get(param.index()).copied().unwrap_or(MISSING);
                self.set_word(word);
            }

            Inst::Known(a) => self.set_bool(self.word(*a) != MISSING),
            Inst::Truth(a) => self.set_bool(self.word(*a) == 1),

            Inst::Add(a, b) => self.arithmetic(*a, *b, i64::checked_add, i128::checked_add)?,
            Inst::Sub(a, b) => self.arithmetic(*a, *b, i64::checked_sub, i128::checked_sub)?,
            Inst::Mul(a, b) => self.arithmetic(*a, *b, i64::checked_mul, i128::checked_mul)?,
            // Two 64-bit factors: their product always fits.
            Inst::MulWide(a, b) => {
                self.set_wide(i128::from(self.word(*a)).wrapping_mul(i128::from(self.word(*b))));
            }
            Inst::Negate(a) => self.arithmetic(*a, *a, |a, _| a.checked_neg(), |a, _| a.checked_neg())?,
            Inst::Widen(a) => self.set_wide(i128::from(self.word(*a))),
            Inst::Narrow(a) => {
                let word = exact::narrow(self.wide(*a))?;
                self.set_word(word);
            }
            Inst::Divide(a, b, rounding) => {
                let wide = exact::divide_rounded(self.wide(*a), self.wide(*b), *rounding)?;
                self.set_wide(wide);
            }
            Inst::Floor(a, b) => {
                let wide = exact::floor(self.wide(*a), self.wide(*b))?;
                self.set_wide(wide);
            }
            Inst::Modulo(a, b) => match self.shape.ty(*a) {
                Some(Ty::I128) => {
                    let wide = exact::modulo(self.wide(*a), self.wide(*b))?;
                    self.set_wide(wide);
                }
                Some(Ty::I64 | Ty::Bool | Ty::Selection | Ty::Bag | Ty::Sets) | None => {
                    let word = exact::modulo_word(self.word(*a), self.word(*b))?;
                    self.set_word(word);
                }
            },

            Inst::AddMonths(day, months) => {
                let day = calendar::months_later(self.word(*day), self.word(*months))?;
                self.set_word(day);
            }
            Inst::Calendar(part, day) => {
                let word = calendar::part(*part, self.word(*day))?;
                self.set_word(word);
            }
            Inst::InstantOf(day, second) => {
                let zone = self.bindings.zone.as_ref();
                let instant = calendar::instant_of(zone, self.word(*day), self.word(*second))?;
                self.set_word(instant);
            }
            Inst::Clock(part, instant) => {
                let zone = self.bindings.zone.as_ref();
                let word = calendar::shown(zone, *part, self.word(*instant))?;
                self.set_word(word);
            }

            Inst::Compare(comparison, a, b) => {
                let ordering = match self.shape.ty(*a) {
                    Some(Ty::I128) => self.wide(*a).cmp(&self.wide(*b)),
                    Some(Ty::I64 | Ty::Bool | Ty::Selection | Ty::Bag | Ty::Sets) | None => {
                        self.word(*a).cmp(&self.word(*b))
                    }
                };
                self.set_bool(holds(*comparison, ordering));
            }
            Inst::Choose(condition, a, b) => {
                let chosen = if self.truth(*condition) { *a } else { *b };
                // Both files of registers are copied: the type says which one is read.
                self.set_word(self.word(chosen));
                self.set_wide(self.wide(chosen));
            }
            Inst::And(a, b) => self.set_bool(self.truth(*a) & self.truth(*b)),
            Inst::Or(a, b) => self.set_bool(self.truth(*a) | self.truth(*b)),
            Inst::Not(a) => self.set_bool(!self.truth(*a)),

            Inst::InReference(symbol, reference) => {
                self.set_bool(actions::in_reference(self.bindings, *reference, self.word(*symbol)));
            }
            Inst::SetHas(set, reference) => {
                let set = self.word(*set);
                let truth = actions::set_has(&self.record, self.bindings, self.fuel, set, *reference)?;
                self.set_bool(truth);
            }
            Inst::SetContains(set, symbol) => {
                self.set_bool(actions::set_contains(&self.record, self.word(*set), self.word(*symbol)));
            }

            Inst::Block => {}
            Inst::Loop(rows) => return self.turn(self.at, *rows, 0),
            Inst::End => {
                let opener = self.shape.linked(self.at);
                if let Some(Inst::Loop(rows)) = self.function.insts.get(opener) {
                    let row = self.memory.words.get(opener).map_or(0, |row| row.saturating_add(1));
                    // A fault of the turn is the loop's.
                    self.at = opener;
                    return self.turn(opener, *rows, row);
                }
            }
            Inst::Break { condition, when, .. } => {
                if self.truth(*condition) == *when {
                    return Ok(self.shape.linked(self.at).saturating_add(1));
                }
            }

            Inst::Get(variable) => {
                let (word, wide) = self.variable(*variable);
                self.set_word(word);
                self.set_wide(wide);
            }
            Inst::Set(variable, a) => {
                let (word, wide) = (self.word(*a), self.wide(*a));
                if let Some(place) = self.memory.word_variables.get_mut(variable.index()) {
                    *place = word;
                }
                if let Some(place) = self.memory.wide_variables.get_mut(variable.index()) {
                    *place = wide;
                }
            }

            Inst::NewSelection => {
                self.walk_lines()?;
                self.made().0.fill(0);
            }
            Inst::Select { selection, row, count } => {
                let row = self.row(*row);
                let pieces = actions::selected(&self.record, row, self.word(*count));
                let range = self.selection_range(*selection);
                if let Some(place) = self.memory.selections.get_mut(range).and_then(|all| all.get_mut(row)) {
                    *place = pieces;
                }
            }
            Inst::Selected(selection, row) => {
                let pieces = self.selection(*selection).get(self.row(*row)).copied().unwrap_or(0);
                self.set_word(pieces);
            }
            Inst::PickExtreme { selection, count, cheapest, element } => {
                self.walk_lines()?;
                self.collect(*selection, line_slot::PRICE);
                let count = self.word(*count);
                let (out, runs) = self.made();
                actions::pick_extreme(runs, count, *cheapest, *element, out);
            }
            Inst::PickInEvery { selection, count, every, cheapest, element } => {
                self.walk_lines()?;
                self.collect(*selection, line_slot::PRICE);
                let count = self.word(*count);
                let (out, runs) = self.made();
                actions::pick_in_every(runs, count, *every, *cheapest, *element, out);
            }
            Inst::PickEveryNth { selection, nth, key, descending, element } => {
                self.walk_lines()?;
                self.collect(*selection, *key);
                let (out, runs) = self.made();
                actions::pick_every_nth(runs, *nth, *descending, *element, out);
            }

            Inst::NewBag => {
                let bag = self.shape.linked(self.at);
                if let Some(bag) = self.memory.bags.get_mut(bag) {
                    bag.clear();
                }
            }
            Inst::Put(bag, number) => {
                let (bag, number) = (self.shape.linked(bag.index()), self.word(*number));
                if let Some(bag) = self.memory.bags.get_mut(bag) {
                    bag.put(self.fuel, number)?;
                }
            }
            Inst::Distinct(bag) => {
                let bag = self.shape.linked(bag.index());
                let count = self.memory.bags.get_mut(bag).map_or(Ok(0), |bag| bag.distinct(self.fuel))?;
                self.set_word(count);
            }

            Inst::NewSets => {
                let sets = self.shape.linked(self.at);
                if let Some(sets) = self.memory.sets.get_mut(sets) {
                    sets.clear();
                }
            }
            Inst::SetPart { sets, selection, count } => {
                let (sets, count) = (self.shape.linked(sets.index()), self.word(*count));
                let range = self.selection_range(*selection);
                let selection = self.memory.selections.get(range).unwrap_or(&[]);
                if let Some(sets) = self.memory.sets.get_mut(sets) {
                    sets.part(self.fuel, selection, count)?;
                }
            }
            Inst::SetTerm { sets, part, pick, count, value, num, den } => {
                let (sets, count) = (self.shape.linked(sets.index()), self.word(*count));
                let amount = (self.wide(*num), self.wide(*den));
                if let Some(sets) = self.memory.sets.get_mut(sets) {
                    sets.term(self.fuel, (*part, *pick, count), *value, amount)?;
                }
            }
            Inst::ChooseSets { sets, most, member, key } => {
                let (sets, most) = (self.shape.linked(sets.index()), self.word(*most));
                let lists = match self.memory.sets.get_mut(sets) {
                    Some(sets) => {
                        actions::choose_sets(self.out, self.fuel, &self.record, sets, (most, *member, *key))?
                    }
                    None => 0,
                };
                self.set_word(lists);
            }
            Inst::SetTimes(sets, list) => {
                let (sets, list) = (self.shape.linked(sets.index()), self.word(*list));
                let times = self.memory.sets.get(sets).map_or(0, |sets| sets.times(list));
                self.set_word(times);
            }
            Inst::SetUnits { sets, list, part } => {
                self.walk_lines()?;
                let (sets, list) = (self.shape.linked(sets.index()), self.word(*list));
                let range = self.selection_range(Value(u32::try_from(self.at).unwrap_or(u32::MAX)));
                let out = self.memory.selections.get_mut(range).unwrap_or(&mut []);
                if let Some(sets) = self.memory.sets.get(sets) {
                    sets.units(list, *part, out);
                }
            }

            Inst::Derive(a) => self.out.derived = Some(self.word(*a)),
            Inst::Award { site, num, den, row } => {
                let row = row.and_then(|row| u32::try_from(self.row(row)).ok());
                let (num, den) = (self.wide(*num), self.wide(*den));
                actions::award(self.out, self.fuel, *site, num, den, row)?;
            }
            Inst::Discount { site, selection, num, den } => {
                let (num, den) = (self.wide(*num), self.wide(*den));
                let range = self.selection_range(*selection);
                let selection = self.memory.selections.get(range).unwrap_or(&[]);
                actions::discount(self.out, self.fuel, *site, num, den, selection)?;
            }
        }
        Ok(self.at.saturating_add(1))
    }

    /// Begins the turn of the first row from `row` on that the loop runs over, or goes behind the loop.
    fn turn(&mut self, opener: usize, rows: Rows, mut row: i64) -> Result<usize, FaultKind> {
        let count = match rows {
            Rows::Lines | Rows::Selected(_) => actions::turns(self.record.line_count()),
            Rows::Payments => actions::turns(self.record.payment_count()),
            Rows::Table(table) => actions::turns(self.record.table_count(table)),
            Rows::Times(count) => self.word(count),
        };
        while row < count {
            actions::take(self.fuel, self.shape.turn(opener))?;
            let runs = match rows {
                Rows::Lines | Rows::Payments | Rows::Table(_) | Rows::Times(_) => true,
                Rows::Selected(selection) => {
                    let row = usize::try_from(row).unwrap_or(usize::MAX);
                    self.selection(selection).get(row).is_some_and(|pieces| *pieces > 0)
                }
            };
            if runs {
                if let Some(place) = self.memory.words.get_mut(opener) {
                    *place = row;
                }
                return Ok(opener.saturating_add(1));
            }
            row = row.saturating_add(1);
        }
        Ok(self.shape.linked(opener).saturating_add(1))
    }

    /// The price of an instruction that walks all lines.
    fn walk_lines(&mut self) -> Result<(), FaultKind> {
        actions::take(self.fuel, actions::turns(self.record.line_count()))
    }

    fn arithmetic(
        &mut self,
        a: Value,
        b: Value,
        word: fn(i64, i64) -> Option<i64>,
        wide: fn(i128, i128) -> Option<i128>,
    ) -> Result<(), FaultKind> {
        match self.shape.ty(a) {
            Some(Ty::I128) => {
                let result = wide(self.wide(a), self.wide(b)).ok_or(FaultKind::Overflow)?;
                self.set_wide(result);
            }
            Some(Ty::I64 | Ty::Bool | Ty::Selection | Ty::Bag | Ty::Sets) | None => {
                let result = word(self.word(a), self.word(b)).ok_or(FaultKind::Overflow)?;
                self.set_word(result);
            }
        }
        Ok(())
    }

    fn word(&self, value: Value) -> i64 {
        self.memory.words.get(value.index()).copied().unwrap_or(0)
    }

    fn wide(&self, value: Value) -> i128 {
        self.memory.wides.get(value.index()).copied().unwrap_or(0)
    }

    fn truth(&self, value: Value) -> bool {
        self.word(value) == 1
    }

    fn row(&self, value: Value) -> usize {
        usize::try_from(self.word(value)).unwrap_or(usize::MAX)
    }

    fn variable(&self, variable: VarId) -> (i64, i128) {
        let word = self.memory.word_variables.get(variable.index()).copied().unwrap_or(0);
        let wide = self.memory.wide_variables.get(variable.index()).copied().unwrap_or(0);
        (word, wide)
    }

    fn set_word(&mut self, word: i64) {
        if let Some(place) = self.memory.words.get_mut(self.at) {
            *place = word;
        }
    }

    fn set_wide(&mut self, wide: i128) {
        if let Some(place) = self.memory.wides.get_mut(self.at) {
            *place = wide;
        }
    }

    fn set_bool(&mut self, truth: bool) {
        self.set_word(i64::from(truth));
    }

    /// Where the selection that an instruction made lies.
    fn selection_range(&self, value: Value) -> std::ops::Range<usize> {
        let lines = self.record.line_count();
        let start = self.shape.linked(value.index()).saturating_mul(lines);
        start..start.saturating_add(lines)
    }

    fn selection(&self, value: Value) -> &[i64] {
        self.memory.selections.get(self.selection_range(value)).unwrap_or(&[])
    }

    /// The selection that this instruction makes, and the runs collected for it.
    fn made(&mut self) -> (&mut [i64], &mut [Run]) {
        let range = self.selection_range(Value(u32::try_from(self.at).unwrap_or(u32::MAX)));
        (self.memory.selections.get_mut(range).unwrap_or(&mut []), &mut self.memory.runs)
    }

    fn collect(&mut self, selection: Value, key: SlotId) {
        let range = self.selection_range(selection);
        let selection = self.memory.selections.get(range).unwrap_or(&[]);
        actions::runs(&self.record, selection, key, &mut self.memory.runs);
    }
}

/// Whether a comparison holds of two numbers that stand so to each other.
pub fn holds(comparison: Comparison, ordering: Ordering) -> bool {
    match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Bits, FUEL, Proposal, Record};
    use crate::ir::{self, PROPOSAL_TURNS, SiteId, sample};

    /// Lines of (pieces, price, paid, category).
    fn record(lines: &[(i64, i64, i64, i64)]) -> Record {
        let mut record = Record { line_width: 7, event: vec![0; 8], ..Record::default() };
        for (position, (pieces, price, paid, category)) in (1..).zip(lines) {
            record.lines.extend([position, *pieces, *price, *paid, *paid, MISSING, *category]);
        }
        record
    }

    fn bindings() -> Bindings {
        let (mut tea, mut toys) = (Bits::default(), Bits::default());
        tea.insert(5);
        toys.insert(70);
        Bindings { references: vec![tea, toys], ..Bindings::default() }
    }

    fn run(function: u32, record: &Record, fuel: &mut i64) -> (Result<(), Fault>, Proposals) {
        let program = ir::verify(sample::program()).expect("the sample verifies");
        let interpreter = Interpreter::new(Arc::new(program));
        let (mut scratch, mut out) = (Scratch::default(), Proposals::default());
        let function = FunctionId(function);
        let result = interpreter.run(function, record.view(&[]), &bindings(), fuel, &mut scratch, &mut out);
        (result, out)
    }

    #[test]
    fn a_line_of_the_category_earns_its_share() {
        let record = record(&[(1, 10_000, 100, 5), (2, 10_000, 200, 70), (1, 5, 33, MISSING), (1, 0, 7, 5)]);
        let mut fuel = FUEL;
        let (result, out) = run(1, &record, &mut fuel);
        assert_eq!(result, Ok(()));
        let award = |row: u32, num: i128| Proposal {
            site: SiteId(1),
            num,
            den: 1_000_000,
            row: Some(row),
            selected: 0..0,
        };
        assert_eq!(out.list, [award(0, 5_000_000), award(3, 350_000)]);
        assert_eq!(FUEL - fuel, 4 + 2 * PROPOSAL_TURNS);
    }

    #[test]
    fn of_each_three_toys_the_cheapest_is_picked() {
        // By price: two at 9, two at 8, four at 7. Groups of three: 9 9 8, 8 7 7, and 7 7 is not full.
        let record = record(&[(4, 7, 28, 70), (2, 9, 18, 70), (1, 99, 99, 5), (2, 8, 16, 70)]);
        let (result, out) = run(0, &record, &mut FUEL.clone());
        assert_eq!(result, Ok(()));
        assert_eq!(out.selected, [(0, 1), (3, 1)]);
        let want = Proposal { site: SiteId(0), num: 1, den: 1, row: None, selected: 0..2 };
        assert_eq!(out.list, [want]);
        // Two pieces are no full group: nothing is proposed.
        let (result, out) = run(0, &self::record(&[(2, 7, 14, 70)]), &mut FUEL.clone());
        assert_eq!((result, out), (Ok(()), Proposals::default()));
    }

    #[test]
    fn without_fuel_the_loop_is_where_it_ends() {
        let record = record(&[(1, 10_000, 100, 70), (1, 10_000, 100, 70)]);
        for fuel in 0..2 {
            let mut left = fuel;
            let (result, _) = run(1, &record, &mut left);
            assert_eq!(result, Err(Fault { kind: FaultKind::OutOfFuel, inst: 0 }));
            assert_eq!(left, 0);
        }
        assert_eq!(run(1, &record, &mut 2).0, Ok(()));
    }

    #[test]
    fn turns_of_a_long_loop_cost_more() {
        let mut program = sample::program();
        let function = &mut program.functions[1];
        // 12 instructions, the loop and 11 of its body; 21 more in it make 32, which are two turns beyond the first.
        function.insts.splice(11..11, vec![ir::Inst::Int(1); 21]);
        function.places.resize(33, function.places[0]);
        let interpreter = Interpreter::new(Arc::new(ir::verify(program).expect("it verifies")));
        let record = record(&[(1, 10_000, 100, 70), (1, 10_000, 100, 70)]);
        for (fuel, left, ends) in [(2, 2, false), (3, 0, false), (5, 2, false), (6, 0, true), (7, 1, true)] {
            let (mut fuel, mut out) = (fuel, Proposals::default());
            let (function, mut scratch) = (FunctionId(1), Scratch::default());
            let view = record.view(&[]);
            let result = interpreter.run(function, view, &bindings(), &mut fuel, &mut scratch, &mut out);
            let starved = Err(Fault { kind: FaultKind::OutOfFuel, inst: 0 });
            assert_eq!((result, fuel), (if ends { Ok(()) } else { starved }, left));
        }
    }

    #[test]
    fn a_record_of_another_shape_is_missing_slots() {
        let narrow = Record { lines: vec![1, 2, 3], line_width: 1, ..Record::default() };
        assert_eq!(run(1, &narrow, &mut FUEL.clone()), (Ok(()), Proposals::default()));
    }
}
