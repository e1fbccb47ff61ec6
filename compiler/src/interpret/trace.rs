//! Runs functions with somebody watching: which condition ended a rule, which filter refused which row, and the numbers
//! that each met.
//!
//! Only looks: every instruction is done by the interpreter itself, so that what is told is what happened. Refuses to
//! know words, dictionaries and texts; places name the author's text.

use super::{Execution, Interpreter, Scratch};
use crate::evaluate::{Bindings, Code, Proposals, Record, RecordView, atom_fact};
use crate::ir::{
    AtomId, AtomTest, Comparison, Condition, Element, Fault, Function, FunctionId, GroupId, Inst, MISSING,
    Measure, Phase, PlaceId, Program, ReferenceId, Role, Rows, RuleId, Shape, SlotId, TableId, Ty, Value,
    VarId,
};
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// Rows of a loop that are told one by one.
const TOLD_ROWS: usize = 1_000;

/// Alternatives inside alternatives that are taken apart.
const DEPTH: usize = 16;

/// Instructions before an `and` or `or` among which its variable is set.
const BEFORE: usize = 8;

/// Steps from a slot's value to the number that is compared.
const SCALINGS: usize = 4;

/// Parts of one condition that are told.
const PARTS: usize = 200;

/// A slot that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Of the event.
    Event(SlotId),
    /// Of a line.
    Line(SlotId),
    /// Of a payment.
    Payment(SlotId),
}

/// A condition that is not as the rule needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its text.
    pub place: PlaceId,
    /// What it had to be; it was the opposite.
    pub wanted: bool,
    /// The slot that it asks, where it asks one.
    pub subject: Option<Subject>,
    /// What it met.
    pub fact: Fact,
}

impl Failure {
    /// Whether it failed only because there was nothing to ask.
    pub fn is_missing(&self) -> bool {
        match self.fact {
            Fact::Missing => true,
            Fact::Reference(symbol, _) => symbol == MISSING,
            Fact::Known => self.wanted,
            Fact::Compare { .. }
            | Fact::Range { .. }
            | Fact::OneOf { .. }
            | Fact::References(..)
            | Fact::Contains(..)
            | Fact::Truth
            | Fact::Rows(_)
            | Fact::Either(_)
            | Fact::Plain => false,
        }
    }
}

/// What a condition met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The value would have to compare so with the bound.
    Compare {
        /// What would have to hold.
        needed: Comparison,
        /// The value.
        value: i128,
        /// The bound.
        bound: i128,
        /// What both count.
        measure: Option<Measure>,
    },
    /// The value would have to be inside (or outside, where not wanted) of this, both ends included.
    Range {
        /// The value.
        value: i128,
        /// From.
        low: i128,
        /// To.
        high: i128,
        /// What they count.
        measure: Option<Measure>,
    },
    /// The value would have to be one of these (or none, where not wanted).
    OneOf {
        /// The value.
        value: i128,
        /// The choices.
        choices: Vec<i128>,
        /// What they count.
        measure: Option<Measure>,
    },
    /// A name, and the reference that it would have to match (or not).
    Reference(i64, ReferenceId),
    /// Names, one of which would have to match (or none).
    References(Vec<u32>, ReferenceId),
    /// Names, among which this one would have to be (or not).
    Contains(Vec<u32>, i64),
    /// A value would have to be known (or not).
    Known,
    /// Nothing is known of the value.
    Missing,
    /// A truth.
    Truth,
    /// Rows of a collection: how many were looked at, and what each filter refused.
    Rows(Loop),
    /// None of these holds.
    Either(Vec<Failure>),
    /// No more can be said.
    Plain,
}

/// What the rows of a loop are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Over {
    /// Sets of a bundle.
    Sets,
    /// Lines of the receipt.
    #[default]
    Lines,
    /// Payments.
    Payments,
    /// Rows of a table.
    Table(TableId),
}

/// What became of the rows of a loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loop {
    /// What its rows are.
    pub over: Over,
    /// Rows that it looked at.
    pub rows: u64,
    /// Its filters in the order in which they are asked.
    pub filters: Vec<Filter>,
    /// Rows that were refused, and why; the first thousand.
    pub refused: Vec<(u32, Failure)>,
    /// The row at which it ended early.
    pub found: Option<u32>,
}

/// A pick among the rows that its filters let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Its text.
    pub place: PlaceId,
    /// Whether it picks lines rather than pieces.
    pub lines: bool,
    /// Of how many.
    pub of: i128,
    /// How many it took.
    pub taken: i128,
    /// From how many on it takes any, where there is such a number.
    pub least: Option<u32>,
}

/// A condition on rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Its text.
    pub place: PlaceId,
    /// Rows that got through this and all before it.
    pub passed: u64,
}

/// A run of a rule's function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The condition that ended it, and what was not as it needs.
    pub ended: Option<(PlaceId, Vec<Failure>)>,
    /// The loops that choose rows for its effects, in the order of the code.
    pub loops: Vec<Loop>,
    /// The picks among them.
    pub picks: Vec<Pick>,
    /// How many effects it proposed.
    pub proposals: usize,
    /// Why it failed.
    pub fault: Option<Fault>,
}

/// Code that is watched: an interpreter that keeps a trace of each rule that is run, and the record at entry to each
/// phase.
#[derive(Debug)]
pub struct Witness<'i> {
    interpreter: &'i Interpreter,
    /// By function.
    rules: Vec<Option<RuleId>>,
    /// Rules that propose nothing here, for asking what the others would give without them.
    silenced: Vec<RuleId>,
    seen: RefCell<Seen>,
}

/// What was seen of one event.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Rules that were run, in order.
    pub traces: Vec<(RuleId, Trace)>,
    /// The record at entry to each phase.
    pub phases: Vec<(Phase, Record)>,
}

impl<'i> Witness<'i> {
    /// Watches this interpreter; the silenced rules propose nothing.
    pub fn new(interpreter: &'i Interpreter, silenced: Vec<RuleId>) -> Witness<'i> {
        let program = interpreter.program();
        let mut rules = vec![None; program.functions.len()];
        for (rule, id) in program.rules.iter().zip(0u32..) {
            if let Some(place) = rules.get_mut(rule.function.index()) {
                *place = Some(RuleId(id));
            }
        }
        Witness { interpreter, rules, silenced, seen: RefCell::default() }
    }

    /// What was seen.
    pub fn into_seen(self) -> Seen {
        self.seen.into_inner()
    }
}

impl Code for Witness<'_> {
    type Scratch = Scratch;

    fn enter(&self, group: GroupId, record: RecordView<'_>) {
        let Some(group) = self.interpreter.program().groups.get(group.index()) else { return };
        let record = Record {
            event: record.event.to_vec(),
            lines: record.lines.to_vec(),
            line_width: record.line_width,
            payments: record.payments.to_vec(),
            payment_width: record.payment_width,
            tables: record.tables.to_vec(),
            symbols: record.symbols.to_vec(),
            ..Record::default()
        };
        self.seen.borrow_mut().phases.push((group.phase, record));
    }

    fn run(
        &self,
        function: FunctionId,
        record: RecordView<'_>,
        bindings: &Bindings,
        fuel: &mut i64,
        scratch: &mut Scratch,
        out: &mut Proposals,
    ) -> Result<(), Fault> {
        // What belongs to no rule, such as what is worked out of the past, there is nothing to tell of.
        let Some(rule) = self.rules.get(function.index()).copied().flatten() else {
            return self.interpreter.run(function, record, bindings, fuel, scratch, out);
        };
        if self.silenced.contains(&rule) {
            return Ok(());
        }
        let (result, trace) = self.interpreter.watch(rule, record, bindings, fuel, scratch, out);
        self.seen.borrow_mut().traces.push((rule, trace));
        result
    }
}

impl Interpreter {
    /// Runs the function of a rule as [`Code::run`] does, and keeps a trace.
    pub fn watch(
        &self,
        rule: RuleId,
        record: RecordView<'_>,
        bindings: &Bindings,
        fuel: &mut i64,
        scratch: &mut Scratch,
        out: &mut Proposals,
    ) -> (Result<(), Fault>, Trace) {
        let program: &Program = &self.program;
        let function = program.rules.get(rule.index()).map(|rule| rule.function.index());
        let code = function.and_then(|at| self.function(at));
        let Some((function, shape)) = code else { return (Ok(()), Trace::default()) };
        let before = out.list.len();
        let mut watcher = Watcher::new(program, rule, function, shape);
        scratch.prepare(function, shape, record.line_count());
        let mut run = Execution { function, shape, record, bindings, fuel, memory: scratch, out, at: 0 };
        let mut result = Ok(());
        while let Some(inst) = function.insts.get(run.at) {
            let at = run.at;
            match run.step(inst) {
                Ok(next) => {
                    watcher.saw(&run, at, inst, next);
                    run.at = next;
                }
                Err(kind) => {
                    result = Err(Fault { kind, inst: u32::try_from(run.at).unwrap_or(u32::MAX) });
                    break;
                }
            }
        }
        let proposals = run.out.list.len().saturating_sub(before);
        (result, watcher.finish(proposals, result.err()))
    }
}

/// What an atom met, where it does not hold: of the event's slots.
pub fn atom_failure(
    program: &Program,
    condition: &Condition,
    atom: AtomId,
    record: RecordView<'_>,
    bindings: &Bindings,
) -> Option<Failure> {
    let atom = program.atoms.get(atom.index())?;
    let (held, value, symbols) = atom_fact(atom, record, bindings);
    if held {
        return None;
    }
    let measure = measure_of(program, condition).cloned();
    let wide = i128::from(value);
    let fact = match &atom.test {
        AtomTest::Known => Fact::Known,
        _ if value == MISSING => Fact::Missing,
        AtomTest::Between(low, high) if low == high => Fact::Compare {
            needed: if atom.negated { Comparison::NotEqual } else { Comparison::Equal },
            value: wide,
            bound: i128::from(*low),
            measure,
        },
        AtomTest::Between(low, high) => {
            let (low_end, high_end) = (*low == i64::MIN, *high == i64::MAX);
            let (low, high) = (i128::from(*low), i128::from(*high));
            match (atom.negated, low_end, high_end) {
                (false, _, true) => {
                    Fact::Compare { needed: Comparison::GreaterOrEqual, value: wide, bound: low, measure }
                }
                (false, true, false) => {
                    Fact::Compare { needed: Comparison::LessOrEqual, value: wide, bound: high, measure }
                }
                (true, _, true) => {
                    Fact::Compare { needed: Comparison::Less, value: wide, bound: low, measure }
                }
                (true, true, false) => {
                    Fact::Compare { needed: Comparison::Greater, value: wide, bound: high, measure }
                }
                (_, false, false) => Fact::Range { value: wide, low, high, measure },
            }
        }
        AtomTest::OneOf(values) => Fact::OneOf {
            value: wide,
            choices: values.iter().map(|value| i128::from(*value)).collect(),
            measure,
        },
        AtomTest::In(reference) => Fact::Reference(value, *reference),
        AtomTest::Has(reference) => Fact::References(symbols, *reference),
    };
    let subject = Some(Subject::Event(atom.slot));
    Some(Failure { place: condition.place, wanted: !atom.negated, subject, fact })
}

/// Watches one run.
struct Watcher<'w> {
    function: &'w Function,
    shape: &'w Shape,
    /// Of the rule, by place.
    roles: FxHashMap<PlaceId, Vec<Role>>,
    measures: FxHashMap<PlaceId, Measure>,
    /// For each instruction the innermost loop around it.
    around: Vec<Option<usize>>,
    /// By opener: the breaks that leave the region.
    breaks: FxHashMap<usize, Vec<Leaving>>,
    /// By opener: the break that left the region the last time.
    left_by: FxHashMap<usize, usize>,
    /// By opener.
    loops: FxHashMap<usize, LoopState>,
    /// Openers of the loops that choose rows for effects, and their picks.
    chosen: Vec<usize>,
    picks: Vec<usize>,
    trace: Trace,
}

/// A loop while it is watched: everything since the function began, and what it said the last time.
#[derive(Clone, Debug, Default)]
struct LoopState {
    /// Conditions that rows must satisfy, in order: the break, the value, and what it must be.
    conditions: Vec<Part>,
    all: Counts,
    last: Counts,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    rows: u64,
    /// Beside `conditions`.
    refused: Vec<u64>,
    told: Vec<(u32, Failure)>,
}

/// The condition of a break, and the truth on which it leaves.
type Leaving = (Value, bool);

/// A part of a condition that must have a truth for the whole to hold.
#[derive(Clone, Copy, Debug)]
struct Part {
    leave: usize,
    value: Value,
    wanted: bool,
    place: PlaceId,
}

/// What a condition's numbers count.
fn measure_of<'p>(program: &'p Program, condition: &Condition) -> Option<&'p Measure> {
    program.measures.get(condition.measure?.index())
}

impl<'w> Watcher<'w> {
    fn new(program: &Program, rule: RuleId, function: &'w Function, shape: &'w Shape) -> Watcher<'w> {
        let mut roles: FxHashMap<PlaceId, Vec<Role>> = FxHashMap::default();
        let mut measures = FxHashMap::default();
        for condition in program.conditions.iter().filter(|condition| condition.rule == rule) {
            match condition.role {
                Role::Rule | Role::Filter => roles.entry(condition.place).or_default().push(condition.role),
                Role::Part => {}
            }
            if let Some(measure) = measure_of(program, condition) {
                measures.entry(condition.place).or_insert_with(|| measure.clone());
            }
        }
        let mut open: Vec<usize> = Vec::new();
        let mut around = Vec::with_capacity(function.insts.len());
        for (at, inst) in function.insts.iter().enumerate() {
            let is_loop = |opener: &usize| matches!(function.insts.get(*opener), Some(Inst::Loop(_)));
            around.push(open.iter().rev().find(|opener| is_loop(opener)).copied());
            if let Inst::Block | Inst::Loop(_) = inst {
                open.push(at);
            } else if let Inst::End = inst {
                open.pop();
            }
        }
        let mut breaks: FxHashMap<usize, Vec<Leaving>> = FxHashMap::default();
        for (at, inst) in function.insts.iter().enumerate() {
            if let Inst::Break { condition, when, .. } = inst {
                let opener = shape.linked(shape.linked(at));
                breaks.entry(opener).or_default().push((*condition, *when));
            }
        }
        let mut watcher = Watcher {
            function,
            shape,
            roles,
            measures,
            around,
            breaks,
            left_by: FxHashMap::default(),
            loops: FxHashMap::default(),
            chosen: Vec::new(),
            picks: Vec::new(),
            trace: Trace::default(),
        };
        watcher.choose();
        watcher.find_filters();
        watcher
    }

    fn inst(&self, at: usize) -> Option<&'w Inst> {
        self.function.insts.get(at)
    }

    fn place(&self, at: usize) -> PlaceId {
        self.function.places.get(at).copied().unwrap_or_default()
    }

    /// Finds the loops that choose rows for effects.
    fn choose(&mut self) {
        let mut selections: Vec<Value> = Vec::new();
        let mut chosen: Vec<usize> = Vec::new();
        for (at, inst) in self.function.insts.iter().enumerate() {
            if let Inst::Discount { selection, .. } = inst {
                selections.push(*selection);
            }
            if let Inst::Award { .. } | Inst::Discount { .. } = inst {
                self.outward(at, &mut chosen, &mut selections);
            }
        }
        let mut done: Vec<Value> = Vec::new();
        while let Some(selection) = selections.pop() {
            if done.contains(&selection) {
                continue;
            }
            done.push(selection);
            if let Some(
                Inst::PickExtreme { selection: from, .. }
                | Inst::PickInEvery { selection: from, .. }
                | Inst::PickEveryNth { selection: from, .. },
            ) = self.inst(selection.index())
            {
                self.picks.push(selection.index());
                selections.push(*from);
                continue;
            }
            for (at, inst) in self.function.insts.iter().enumerate() {
                if matches!(inst, Inst::Select { selection: into, .. } if *into == selection) {
                    self.outward(at, &mut chosen, &mut selections);
                }
            }
        }
        chosen.sort_unstable();
        chosen.dedup();
        self.chosen = chosen;
    }

    /// All loops around an instruction, and the selections that they run over.
    fn outward(&self, at: usize, chosen: &mut Vec<usize>, selections: &mut Vec<Value>) {
        let mut next = self.around.get(at).copied().flatten();
        while let Some(opener) = next {
            chosen.push(opener);
            if let Some(Inst::Loop(Rows::Selected(selection))) = self.inst(opener) {
                selections.push(*selection);
            }
            next = self.around.get(opener).copied().flatten();
        }
    }

    /// Finds the conditions of each loop.
    fn find_filters(&mut self) {
        for (at, inst) in self.function.insts.iter().enumerate() {
            if let Inst::Loop(_) = inst {
                self.loops.entry(at).or_default();
            }
            if let Inst::Break { condition, when, .. } = inst
                && self.is_filter(at)
                && let Some(opener) = self.around.get(at).copied().flatten()
            {
                let mut parts = Vec::new();
                self.parts(at, *condition, !*when, &mut parts);
                let state = self.loops.entry(opener).or_default();
                state.conditions.extend(parts);
                state.all.refused.resize(state.conditions.len(), 0);
                state.last.refused.resize(state.conditions.len(), 0);
            }
        }
    }

    fn has_role(&self, at: usize, role: Role) -> bool {
        self.roles.get(&self.place(at)).is_some_and(|roles| roles.contains(&role))
    }

    /// The opener of the region that a break leaves.
    fn target(&self, at: usize) -> usize {
        self.shape.linked(self.shape.linked(at))
    }

    /// Whether a break goes on to the next row where a condition of the author does not hold: it leaves the region
    /// that begins with the loop's turn.
    fn is_filter(&self, at: usize) -> bool {
        let target = self.target(at);
        let turn = target.checked_sub(1).and_then(|before| self.inst(before));
        self.has_role(at, Role::Filter) && matches!(turn, Some(Inst::Loop(_)))
    }

    /// Whether a break ends the rule where a condition of the author does not hold.
    fn is_rule(&self, at: usize) -> bool {
        self.has_role(at, Role::Rule) && self.around.get(at) == Some(&None) && self.target(at) == 0
    }

    /// The parts that must all be as wanted, in the order in which they are worked out.
    fn parts(&self, leave: usize, condition: Value, wanted: bool, out: &mut Vec<Part>) {
        let mut waiting = vec![(condition, wanted)];
        while let Some((value, wanted)) = waiting.pop() {
            if let Some(inner) = self.both(value, wanted) {
                waiting.extend(inner.into_iter().rev());
            } else if let Some(Inst::Get(variable)) = self.inst(value.index())
                && let Some((opener, first)) = self.short_circuit(value, *variable)
                && first != wanted
            {
                waiting.extend(self.breaks(opener).iter().rev().map(|(value, when)| (*value, !when)));
            } else {
                let place = self.place(value.index());
                out.push(Part { leave, value, wanted, place });
            }
            if out.len() >= PARTS {
                return;
            }
        }
    }

    /// The values that must all be as wanted for this one to be.
    fn both(&self, value: Value, wanted: bool) -> Option<Vec<(Value, bool)>> {
        let inst = self.inst(value.index())?;
        if let Inst::Not(inner) = inst {
            return Some(vec![(*inner, !wanted)]);
        }
        let ((Inst::And(a, b), true) | (Inst::Or(a, b), false)) = (inst, wanted) else { return None };
        Some(vec![(*a, wanted), (*b, wanted)])
    }

    /// For a variable that an `and` or `or` has just set: the region that it could leave early, and the truth that it
    /// had then.
    fn short_circuit(&self, value: Value, variable: VarId) -> Option<(usize, bool)> {
        let end = value.index().checked_sub(1)?;
        if self.inst(end)? != &Inst::End {
            return None;
        }
        let opener = self.shape.linked(end);
        if self.inst(opener)? != &Inst::Block {
            return None;
        }
        // The variable is set right before.
        let before = self.function.insts.get(..opener)?.iter().rev().take(BEFORE);
        let set = before.into_iter().find(|inst| matches!(inst, Inst::Set(set, _) if *set == variable))?;
        let Inst::Set(_, held) = set else { return None };
        let Some(Inst::Bool(first)) = self.inst(held.index()) else { return None };
        // The rows of a table leave for good: their conditions are constant.
        let constant = |value: Value| matches!(self.inst(value.index()), Some(Inst::Bool(_)) | None);
        let breaks = self.breaks(opener);
        (!breaks.is_empty() && breaks.iter().all(|(value, _)| !constant(*value))).then_some((opener, *first))
    }

    /// The breaks that leave a region.
    fn breaks(&self, opener: usize) -> &[Leaving] {
        self.breaks.get(&opener).map_or(&[], Vec::as_slice)
    }

    /// Looks at what an instruction did.
    fn saw(&mut self, run: &Execution<'_>, at: usize, inst: &Inst, next: usize) {
        if let Inst::Block | Inst::Loop(_) = inst {
            self.left_by.remove(&at);
        }
        if let Inst::Loop(_) = inst {
            let state = self.loops.entry(at).or_default();
            state.last = Counts { refused: vec![0; state.conditions.len()], ..Counts::default() };
            self.turn(at, next);
        } else if let Inst::End = inst {
            self.turn(self.shape.linked(at), next);
        } else if let Inst::Break { condition, when, .. } = inst {
            if run.truth(*condition) == *when {
                self.leave(run, at, *condition, *when);
            }
        } else if self.picks.contains(&at) {
            if let Inst::PickExtreme { selection, element, .. } = inst {
                self.picked(run, at, *selection, *element, None);
            } else if let Inst::PickInEvery { selection, element, every: least, .. }
            | Inst::PickEveryNth { selection, element, nth: least, .. } = inst
            {
                self.picked(run, at, *selection, *element, Some(*least));
            }
        }
    }

    /// Looks at a break that leaves its region.
    fn leave(&mut self, run: &Execution<'_>, at: usize, condition: Value, when: bool) {
        self.left_by.insert(self.target(at), at);
        if self.is_rule(at) {
            let mut failures = Vec::new();
            self.explain(run, condition, !when, 0, &mut failures);
            self.trace.ended = Some((self.place(at), failures));
        } else if self.is_filter(at) {
            self.refuse(run, at);
        }
    }

    /// Notes what a pick took.
    fn picked(&mut self, run: &Execution<'_>, at: usize, from: Value, element: Element, least: Option<u32>) {
        let count = |selection: &[i64]| -> i128 {
            let some = selection.iter().filter(|pieces| **pieces > 0);
            match element {
                Element::Unit => some.map(|pieces| i128::from(*pieces)).sum(),
                Element::Line => some.map(|_| 1).sum(),
            }
        };
        let own = Value(u32::try_from(at).unwrap_or(u32::MAX));
        let (of, taken) = (count(run.selection(from)), count(run.selection(own)));
        let pick = Pick { place: self.place(at), lines: element == Element::Line, of, taken, least };
        self.trace.picks.push(pick);
    }

    /// Counts a row, where a turn of the loop begins.
    fn turn(&mut self, opener: usize, next: usize) {
        if next != opener.saturating_add(1) {
            return;
        }
        if let (Some(Inst::Loop(_)), Some(state)) = (self.inst(opener), self.loops.get_mut(&opener)) {
            state.all.rows = state.all.rows.saturating_add(1);
            state.last.rows = state.last.rows.saturating_add(1);
        }
    }

    /// Notes which condition refused the row at hand.
    fn refuse(&mut self, run: &Execution<'_>, at: usize) {
        let Some(opener) = self.around.get(at).copied().flatten() else { return };
        let Some(state) = self.loops.get(&opener) else { return };
        let failing = |part: &Part| part.leave == at && run.truth(part.value) != part.wanted;
        let mut parts = state.conditions.iter().copied().enumerate();
        let Some((number, part)) = parts.find(|(_, part)| failing(part)) else { return };
        let mut failures = Vec::new();
        let tells = state.all.told.len() < TOLD_ROWS;
        if tells {
            self.explain(run, part.value, part.wanted, 0, &mut failures);
        }
        let row =
            u32::try_from(run.row(Value(u32::try_from(opener).unwrap_or(u32::MAX)))).unwrap_or(u32::MAX);
        let Some(state) = self.loops.get_mut(&opener) else { return };
        for counts in [&mut state.all, &mut state.last] {
            if let Some(count) = counts.refused.get_mut(number) {
                *count = count.saturating_add(1);
            }
            if counts.told.len() < TOLD_ROWS {
                counts.told.extend(failures.first().map(|failure| (row, failure.clone())));
            }
        }
    }

    /// What is not as wanted in a condition that is not as wanted.
    fn explain(
        &self,
        run: &Execution<'_>,
        condition: Value,
        wanted: bool,
        depth: usize,
        out: &mut Vec<Failure>,
    ) {
        let mut waiting = vec![(condition, wanted)];
        while let Some((value, wanted)) = waiting.pop() {
            if out.len() >= PARTS {
                return;
            }
            let at = value.index();
            let failure = |subject, fact| Failure { place: self.place(at), wanted, subject, fact };
            if run.truth(value) == wanted {
                continue;
            }
            if let Some(inner) = self.both(value, wanted) {
                waiting.extend(inner.into_iter().rev());
                continue;
            }
            let Some(inst) = self.inst(at) else { continue };
            let (subject, fact) = if let Inst::And(..) | Inst::Or(..) = inst {
                let alternatives = self.alternatives(value).into_iter().map(|value| (value, wanted));
                self.either(run, alternatives.collect(), depth)
            } else if let Inst::Get(variable) = inst {
                match self.short_circuit(value, *variable) {
                    Some((opener, _)) => {
                        let left = self.left_by.get(&opener).and_then(|leave| self.inst(*leave));
                        if let Some(Inst::Break { condition, when, .. }) = left {
                            // The condition that left it is why.
                            waiting.push((*condition, !*when));
                            continue;
                        }
                        // Nothing left it: one of its conditions would have had to.
                        self.either(run, self.breaks(opener).to_vec(), depth)
                    }
                    None => (None, self.rows(run, value).map_or(Fact::Plain, Fact::Rows)),
                }
            } else {
                self.leaf(run, inst, value, wanted)
            };
            out.push(failure(subject, fact));
        }
    }

    /// The operands of a chain of `And` or of `Or`.
    fn alternatives(&self, value: Value) -> Vec<Value> {
        let (mut waiting, mut out) = (vec![value], Vec::new());
        let is_and = matches!(self.inst(value.index()), Some(Inst::And(..)));
        while let Some(value) = waiting.pop() {
            if let (Some(Inst::And(a, b)), true) | (Some(Inst::Or(a, b)), false) =
                (self.inst(value.index()), is_and)
            {
                waiting.extend([*b, *a]);
            } else {
                out.push(value);
            }
            if out.len() >= PARTS {
                break;
            }
        }
        out
    }

    /// None of these is as wanted; equality with one of several values is one thing.
    fn either(
        &self,
        run: &Execution<'_>,
        conditions: Vec<(Value, bool)>,
        depth: usize,
    ) -> (Option<Subject>, Fact) {
        if depth >= DEPTH {
            return (None, Fact::Plain);
        }
        let mut failures = Vec::new();
        for (value, wanted) in &conditions {
            let mut of_one = Vec::new();
            self.explain(run, *value, *wanted, depth + 1, &mut of_one);
            failures.append(&mut of_one);
            if failures.len() >= PARTS {
                break;
            }
        }
        let compared = conditions.iter().map(|(value, _)| {
            let inst = self.inst(value.index());
            if let Some(Inst::Compare(Comparison::Equal, a, _)) = inst { Some(*a) } else { None }
        });
        let mut compared = compared.collect::<Vec<_>>().into_iter();
        let first = compared.next().flatten();
        if first.is_none() || compared.any(|other| other != first) {
            return (None, Fact::Either(failures));
        }
        let subject = failures.first().and_then(|failure| failure.subject);
        let mut of = None;
        let mut choices = Vec::new();
        for failure in &failures {
            let Fact::Compare { value, bound, measure, .. } = &failure.fact else {
                return (None, Fact::Either(failures));
            };
            if of.get_or_insert((*value, measure.clone())) != &(*value, measure.clone()) {
                return (None, Fact::Either(failures));
            }
            choices.push(*bound);
        }
        match of {
            Some((value, measure)) => (subject, Fact::OneOf { value, choices, measure }),
            None => (None, Fact::Either(failures)),
        }
    }

    /// What a condition that is not made of others met.
    fn leaf(&self, run: &Execution<'_>, inst: &Inst, value: Value, wanted: bool) -> (Option<Subject>, Fact) {
        if let Inst::Compare(comparison, a, b) = inst {
            return self.comparison(run, *comparison, (*a, *b), value, wanted);
        }
        if let Inst::InReference(symbol, reference) = inst {
            return (self.subject(*symbol), Fact::Reference(run.word(*symbol), *reference));
        }
        if let Inst::SetHas(set, reference) = inst {
            let symbols = super::actions::symbols(&run.record, run.word(*set)).to_vec();
            return (self.subject(*set), Fact::References(symbols, *reference));
        }
        if let Inst::SetContains(set, symbol) = inst {
            let symbols = super::actions::symbols(&run.record, run.word(*set)).to_vec();
            return (self.subject(*symbol), Fact::Contains(symbols, run.word(*symbol)));
        }
        if let Inst::Known(a) = inst {
            return (self.subject(*a), Fact::Known);
        }
        if let Inst::Truth(a) = inst {
            return (self.subject(*a), Fact::Truth);
        }
        (None, Fact::Plain)
    }

    /// What a comparison met: the value on the left, and what it would have to be on the right.
    fn comparison(
        &self,
        run: &Execution<'_>,
        comparison: Comparison,
        (a, b): (Value, Value),
        value: Value,
        wanted: bool,
    ) -> (Option<Subject>, Fact) {
        let is_bound = |value: Value| {
            let inst = self.inst(value.index());
            matches!(inst, Some(Inst::Int(_) | Inst::Wide(_) | Inst::LoadParam(_)))
        };
        let (comparison, a, b) =
            if is_bound(a) && !is_bound(b) { (comparison.turned(), b, a) } else { (comparison, a, b) };
        let number = |value: Value| match self.shape.ty(value) {
            Some(Ty::I128) => run.wide(value),
            Some(Ty::I64 | Ty::Bool | Ty::Selection | Ty::Bag | Ty::Sets) | None => {
                i128::from(run.word(value))
            }
        };
        let subject = self.subject(a);
        let (met, bound) = (number(a), number(b));
        if met == i128::from(MISSING) || bound == i128::from(MISSING) {
            return (subject, Fact::Missing);
        }
        let measure = self.measures.get(&self.place(value.index())).cloned();
        let (met, bound, measure) = match measure.map(|measure| at_one_denominator(met, bound, measure)) {
            Some(Some((met, bound, measure))) => (met, bound, Some(measure)),
            Some(None) | None => (met, bound, None),
        };
        let needed = if wanted { comparison } else { comparison.opposite() };
        (subject, Fact::Compare { needed, value: met, bound, measure })
    }

    /// The slot that a value comes from, as such or in other parts.
    fn subject(&self, value: Value) -> Option<Subject> {
        let mut value = value;
        for _ in 0..SCALINGS {
            let inst = self.inst(value.index())?;
            if let Inst::LoadEvent(slot) = inst {
                return Some(Subject::Event(*slot));
            }
            if let Inst::LoadLine(slot, _) = inst {
                return Some(Subject::Line(*slot));
            }
            if let Inst::LoadPayment(slot, _) = inst {
                return Some(Subject::Payment(*slot));
            }
            value = if let Inst::Widen(inner) = inst {
                *inner
            } else if let Inst::MulWide(a, b) | Inst::Mul(a, b) = inst {
                let constant =
                    |value: &Value| matches!(self.inst(value.index()), Some(Inst::Int(_) | Inst::Wide(_)));
                match (constant(a), constant(b)) {
                    (false, true) => *a,
                    (true, false) => *b,
                    (true, true) | (false, false) => return None,
                }
            } else {
                return None;
            };
        }
        None
    }

    /// The loop that has just ended before a variable is read.
    fn rows(&self, run: &Execution<'_>, value: Value) -> Option<Loop> {
        let end = value.index().checked_sub(1)?;
        if self.inst(end)? != &Inst::End {
            return None;
        }
        let opener = self.shape.linked(end);
        let Inst::Loop(rows) = self.inst(opener)? else { return None };
        let state = self.loops.get(&opener)?;
        let mut told = of_counts(*rows, &state.conditions, &state.last);
        if self.left_by.contains_key(&opener) {
            told.found = u32::try_from(run.row(Value(u32::try_from(opener).ok()?))).ok();
        }
        Some(told)
    }

    fn finish(mut self, proposals: usize, fault: Option<Fault>) -> Trace {
        for opener in &self.chosen {
            let (Some(Inst::Loop(rows)), Some(state)) =
                (self.function.insts.get(*opener), self.loops.get(opener))
            else {
                continue;
            };
            self.trace.loops.push(of_counts(*rows, &state.conditions, &state.all));
        }
        Trace { proposals, fault, ..self.trace }
    }
}

/// The numbers of a comparison with the parts that make one. Where only the run knew them, the bound tells: it is
/// `num / den`, and as compared `num` times what both sides were multiplied with.
fn at_one_denominator(met: i128, bound: i128, measure: Measure) -> Option<(i128, i128, Measure)> {
    let Some((num, den)) = measure.bound else { return Some((met, bound, measure)) };
    let sign = bound.signum();
    let parts = bound.checked_mul(sign)?.checked_mul(den)?;
    let scale = |number: i128| number.checked_mul(num)?.checked_mul(sign);
    if parts < 1 || sign != num.signum() {
        return None;
    }
    Some((scale(met)?, scale(bound)?, Measure { parts, bound: None, ..measure }))
}

fn of_counts(rows: Rows, conditions: &[Part], counts: &Counts) -> Loop {
    let mut passed = counts.rows;
    let mut filters: Vec<Filter> = Vec::new();
    for (part, refused) in conditions.iter().zip(&counts.refused) {
        passed = passed.saturating_sub(*refused);
        match filters.last_mut() {
            // Both ends of a range.
            Some(last) if last.place == part.place => last.passed = passed,
            Some(_) | None => filters.push(Filter { place: part.place, passed }),
        }
    }
    Loop {
        over: match rows {
            Rows::Lines | Rows::Selected(_) => Over::Lines,
            Rows::Payments => Over::Payments,
            Rows::Table(table) => Over::Table(table),
            Rows::Times(_) => Over::Sets,
        },
        rows: counts.rows,
        filters,
        refused: counts.told.clone(),
        found: None,
    }
}
