//! Which rules can match an event, found without looking at those that cannot. Refuses to know what rules propose.
//!
//! Every rule has a position in the order of settlement, and a set of rules is a row of bits by position. Positions
//! begin anew on a word border with each phase, so that a phase is a range of words.
//!
//! * **A slot of the event**: the borders of all conditions on it cut the numbers into intervals in which no condition
//!   changes its answer; each interval owns the row of the rules that its values allow. The rows of an event's slots,
//!   anded, leave the rules whose conditions on them hold. Equal rows are kept once.
//! * **A set of the event** (segments of a member): each symbol owns the rules that it lets in and those that it bars.
//! * **What rules ask of the event in their code** (`questions.rs`): each such number is worked out once, and owns
//!   rows as a slot does. Where it fails, the rules that ask it are left to their code.
//! * **Lines**: a rule that needs a line with certain properties is filed under the most selective of them, its key;
//!   the values of the lines lead to the rules filed there. Those that survive the event's conditions are asked for
//!   the rest of the properties line by line.
//!
//! A slot with very many borders is cut more coarsely: its rows then allow too much, and the survivors are asked again.
//! With 10 000 rules of some four conditions each, drawn like those of a retailer (`tests::memory_of_a_large_plan`), a
//! plan takes about 750 bytes a rule.

mod memo;
pub mod outline;

use super::atom::{self, event_value, line_holds, ranges, symbols};
use super::plain::{self, PlainRule};
use super::questions;
use super::{Bindings, LineRows, Record, RecordView};
use crate::interpret;
use crate::interpret::actions::turns;
use crate::interpret::straight::Straight;
use crate::ir::ranges::{Ranges, intersection, union};
use crate::ir::{
    Atom, AtomId, AtomTest, EventId, GroupId, KindId, MISSING, Phase, Program, Rule, RuleId, SiteKind,
    SlotId, SlotType, Space, event_slot, line_slot,
};
use memo::Memo;
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;

/// Intervals of one slot, above which it is cut coarsely.
const MOST_INTERVALS: usize = 1024;
/// Words filed under the keys of one slot for each rule that has its key there, and for each of its ranges of values,
/// above which it is cut coarsely.
const MOST_WORDS: (usize, usize) = (32, 2);
/// Words of the rows of symbols for each one that has anything, above which only those that have are kept.
const MOST_EMPTY: usize = 4;
/// Rules of whom sets are asked one by one.
const FEW: u32 = 8;
/// Rules that are quicker asked than told apart by questions.
const FEW_ASKING: u32 = 7;
/// Lines of which a word of bits says which lead to a rule; at most 64.
const FEW_LINES: usize = if cfg!(test) { 3 } else { 64 };
/// A table from value to interval may have so many places for each border.
const TABLE_PLACES: usize = 16;
/// And so many where the values are symbols, which are numbered without gaps.
const SYMBOL_PLACES: usize = 1 << 16;

/// How rules are found; built once for a program and a catalogue.
#[derive(Debug)]
pub struct Plan {
    /// By position.
    rules: Vec<Option<RuleId>>,
    /// By position.
    groups: Vec<GroupId>,
    /// Words of each phase that has rules, in order.
    phases: Vec<Range<usize>>,
    index: Option<Index>,
    /// A rule takes from a balance.
    pub(super) debits: bool,
    /// The program reads or derives something of an event before any rule is asked, or has offers.
    pub(super) is_more_than_rules: bool,
    /// Conditions on lines that the rules of each kind of event have.
    line_atoms: Vec<usize>,
    /// By position: a rule of a group that does nothing but award to the basket ([`super::plain`]).
    plain: Vec<Option<PlainRule>>,
}

/// Reusable memory of one thread.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Rules that nothing known at the beginning of the event rules out.
    mask: Vec<u64>,
    /// Words of the mask that are not empty.
    live: Vec<usize>,
    row: Vec<u64>,
    /// The rows of the answers to questions.
    answered: Vec<usize>,
    /// So few are left that sets are asked rule by rule.
    ask_sets: bool,
    /// Positions found for the phase.
    found: Vec<u32>,
    /// Rules that ask a question which failed.
    spared: Vec<u64>,
    answers: interpret::Scratch,
    failed: Vec<bool>,
    /// The rules that lines lead to, of those that the event's conditions leave.
    hits: Vec<Hit>,
    few: FewLines,
    memo: Memo,
    matched: Matched,
}

/// Rules that a line leads to, all in one word.
#[derive(Clone, Copy, Debug, Default)]
struct Hit {
    word: u32,
    /// The row of the line.
    line: u32,
    bits: u64,
}

/// Which lines lead to rules, where there are few.
#[derive(Debug, Default)]
struct FewLines {
    /// By position.
    rows: Vec<u64>,
    /// Positions of which rows are there; some more than once.
    positions: Vec<u32>,
}

impl FewLines {
    fn begin(&mut self, positions: usize) {
        for position in self.positions.drain(..) {
            if let Some(rows) = self.rows.get_mut(index(position)) {
                *rows = 0;
            }
        }
        self.rows.resize(positions, 0);
    }

    /// Notes a line for the rules of a word.
    #[inline]
    fn note(&mut self, Hit { word, line, mut bits }: Hit) {
        while bits != 0 {
            let position = word.saturating_mul(64).saturating_add(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
            if let Some(rows) = self.rows.get_mut(index(position)) {
                *rows |= 1u64.wrapping_shl(line);
                self.positions.push(position);
            }
        }
    }
}

/// Which lines have the keys of the rules that were found, where there are many.
#[derive(Debug, Default)]
struct Matched {
    /// By position, of those that were found: where its rows are in `ends`.
    place: Vec<u32>,
    /// Where the rows of each end; the first begin at 0. Empty where nothing is known.
    ends: Vec<u32>,
    rows: Vec<u32>,
    /// Place and row, as they are met.
    met: Vec<(u32, u32)>,
    /// Positions that were found and are under a key.
    keyed: Vec<u64>,
}

impl Candidates {
    /// What [`Plan::find`] found.
    pub(super) fn found(&self) -> &[u32] {
        &self.found
    }

    /// The rows of lines that may satisfy the conditions on lines of a rule that was found, where they are known.
    #[inline]
    pub(super) fn rows(&self, position: u32) -> Option<LineRows<'_>> {
        let Matched { place, ends, rows, met: _, keyed: _ } = &self.matched;
        if ends.is_empty() {
            // A rule that needs no key has none.
            let rows = self.few.rows.get(index(position)).copied();
            return rows.filter(|rows| *rows != 0).map(LineRows::Bits);
        }
        let place = usize::try_from(*place.get(index(position))?).ok()?;
        let start = place.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?;
        rows.get(index(start)..index(*ends.get(place)?)).map(LineRows::List)
    }
}

/// The rows.
#[derive(Debug)]
struct Index {
    /// Tells it from others.
    identity: Arc<()>,
    /// By kind of event.
    kinds: Vec<usize>,
    /// Slots that are known at the beginning of the event.
    slots: Vec<Slot>,
    /// What the basket came to at entry to a phase.
    paid: Option<Slot>,
    sets: Vec<Set>,
    /// Rules that end where a set holds a symbol: of sets whose code was looked into.
    barred: Vec<(SlotId, BySymbol)>,
    shared: Option<Shared>,
    keys: Vec<Keys>,
    /// The slots of the first four of these that are small numbers, by which lines are known; the last of fewer stands there again.
    numbers: [SlotId; 4],
    /// The other keys, by which lines are known besides.
    besides: Vec<Besides>,
    /// Rules that need no key.
    keyless: usize,
    /// By position: conditions that survivors are asked again.
    again: Lists,
    /// By position: conditions on sets of the event.
    set_atoms: Lists,
    /// By position: what one line has to satisfy.
    lines: Lists,
    /// Positions of which each of these lists holds something.
    asks: Asks,
    dense: Dense,
    sparse: Sparse,
}

/// Rows of the positions that are asked something more.
#[derive(Clone, Copy, Debug)]
struct Asks {
    again: usize,
    sets: usize,
    lines: usize,
}

/// A slot of the event: in which rows its intervals are.
#[derive(Debug)]
struct Slot {
    slot: SlotId,
    cuts: Cuts,
    rows: Vec<usize>,
}

/// A set slot of the event.
#[derive(Debug)]
struct Set {
    slot: SlotId,
    /// Rules that need no symbol.
    free: usize,
    /// Rules that need a symbol, by symbol.
    lets_in: BySymbol,
    /// Rules that bar a symbol, by symbol.
    bars: BySymbol,
    /// Rules that bar a symbol, which a missing set does not satisfy.
    barring: usize,
}

/// What rules ask in their code.
#[derive(Debug)]
struct Shared {
    code: Straight,
    list: Vec<Question>,
    /// Rules that ask any of them.
    asking: usize,
}

/// A question: in which rows the intervals of its answers are.
#[derive(Debug)]
struct Question {
    /// Which instruction of the code it is.
    at: usize,
    cuts: Cuts,
    rows: Vec<usize>,
    /// Rules that ask it.
    asking: usize,
}

/// A slot of lines under whose values rules are filed.
#[derive(Debug)]
struct Keys {
    slot: SlotId,
    /// Its values are sets.
    set: bool,
    filed: Filed,
}

/// A slot of lines under whose values rules are filed, by which lines are known.
#[derive(Clone, Copy, Debug)]
struct Besides {
    slot: SlotId,
    /// Its values are sets.
    set: bool,
}

/// Rules by value.
#[derive(Debug)]
struct Filed {
    cuts: Cuts,
    /// By interval, in [`Sparse`].
    rows: Vec<Range<usize>>,
}

/// Rules by symbols of an event's set.
#[derive(Debug)]
struct BySymbol {
    cuts: Cuts,
    rows: SymbolRows,
}

/// By interval: rules of symbols. Whole rows where they take not much more memory, since that is quicker than to go from word to
/// word.
#[derive(Debug)]
enum SymbolRows {
    /// In [`Dense`].
    Whole(Vec<usize>),
    /// In [`Sparse`].
    Words(Vec<Range<usize>>),
}

/// Rows of bits with all of their words, each known by where it starts.
#[derive(Debug, Default)]
struct Dense {
    words: usize,
    bits: Vec<u64>,
}

impl Dense {
    #[inline]
    fn row(&self, start: usize) -> &[u64] {
        self.bits.get(start..).and_then(|rows| rows.get(..self.words)).unwrap_or(&[])
    }

    /// A word of it.
    #[inline]
    fn word(&self, start: usize, word: usize) -> u64 {
        self.bits.get(start.wrapping_add(word)).copied().unwrap_or(0)
    }
}

/// Rows of bits, only words that have any.
#[derive(Debug, Default)]
struct Sparse {
    words: Vec<u32>,
    bits: Vec<u64>,
}

impl Sparse {
    fn equal(&self, a: &Range<usize>, b: &Range<usize>) -> bool {
        self.words.get(a.clone()) == self.words.get(b.clone())
            && self.bits.get(a.clone()) == self.bits.get(b.clone())
    }

    fn each(&self, row: &Range<usize>, mut act: impl FnMut(usize, u64)) {
        // Most values that lines have are those of no rule.
        if row.is_empty() {
            return;
        }
        let words = self.words.get(row.clone()).unwrap_or(&[]);
        let bits = self.bits.get(row.clone()).unwrap_or(&[]);
        for (word, bits) in words.iter().zip(bits) {
            // 32 bits always fit where this is used; where they do not, no such word exists either.
            act(usize::try_from(*word).unwrap_or(usize::MAX), *bits);
        }
    }
}

/// A list of conditions for each position.
#[derive(Debug, Default)]
struct Lists {
    ends: Vec<u32>,
    atoms: Vec<AtomId>,
}

impl Lists {
    fn push(&mut self, atoms: impl IntoIterator<Item = AtomId>) {
        self.atoms.extend(atoms);
        self.ends.push(u32::try_from(self.atoms.len()).unwrap_or(u32::MAX));
    }
    fn of(&self, position: usize) -> &[AtomId] {
        let end_of = |at: usize| self.ends.get(at).and_then(|end| usize::try_from(*end).ok());
        let start = position.checked_sub(1).map_or(Some(0), end_of);
        start.zip(end_of(position)).and_then(|(start, end)| self.atoms.get(start..end)).unwrap_or(&[])
    }
}

/// Ascending borders: interval 0 is below the first, interval i begins at border i - 1.
#[derive(Debug, Default)]
struct Cuts {
    borders: Vec<i64>,
    /// The first of them.
    first: i64,
    /// The interval of each value from the first border on, where they lie close together.
    table: Vec<u32>,
}

impl Cuts {
    /// Cuts at these borders, with a table of up to so many places.
    fn new(borders: Vec<i64>, places: usize) -> Cuts {
        let ends = borders.first().zip(borders.last());
        let span = ends.and_then(|(first, last)| usize::try_from(last.checked_sub(*first)?).ok());
        let most = borders.len().saturating_mul(TABLE_PLACES).saturating_add(1024).max(places);
        let mut table = Vec::new();
        if span.is_some_and(|span| span <= most) {
            let next = borders.iter().skip(1);
            for ((border, next), interval) in borders.iter().zip(next).zip(1u32..) {
                let values = usize::try_from(next.abs_diff(*border)).unwrap_or(0);
                table.resize(table.len().saturating_add(values), interval);
            }
        }
        Cuts { first: borders.first().copied().unwrap_or(0), borders, table }
    }

    fn search(&self, value: i64) -> usize {
        self.borders.partition_point(|border| *border <= value)
    }

    /// In which interval a value is.
    #[inline]
    fn interval(&self, value: i64) -> usize {
        // A value below the first border is as far from it as no table is long.
        let place = usize::try_from(value.wrapping_sub(self.first).cast_unsigned()).unwrap_or(usize::MAX);
        match self.table.get(place) {
            Some(interval) => index(*interval),
            None if self.table.is_empty() => self.search(value),
            None if value < self.first => 0,
            None => self.borders.len(),
        }
    }
}

impl Plan {
    /// The plan of a program whose references are bound to a catalogue.
    pub fn new(program: &Program, bindings: &Bindings) -> Plan {
        let mut plan = Plan::without_index(program, bindings);
        let plain = plain::rules(program);
        let of = |rule: &Option<RuleId>| plain.get((*rule)?.index()).copied().flatten();
        plan.plain = plan.rules.iter().map(of).collect();
        plan.index = Some(Builder::build(program, bindings, &plan));
        plan
    }

    /// A plan that looks at every rule and settles every group alike: what the index and its short cuts must agree with.
    pub fn without_index(program: &Program, _bindings: &Bindings) -> Plan {
        let debits = program.sites.iter().any(|site| match site.kind {
            SiteKind::Debit { .. } => true,
            SiteKind::Award { .. }
            | SiteKind::Multiply { .. }
            | SiteKind::Discount { .. }
            | SiteKind::Issue { .. }
            | SiteKind::Gift { .. }
            | SiteKind::Tell { .. }
            | SiteKind::Set { .. }
            | SiteKind::Tender { .. } => false,
        });
        let Program { reads, derivations, offers, .. } = program;
        let has_offers = !offers.list.is_empty() || offers.reaction.is_some();
        let is_more_than_rules = has_offers || !reads.is_empty() || !derivations.is_empty();
        let mut line_atoms = vec![0usize; program.events.len()];
        for rule in &program.rules {
            for event in &rule.events {
                if let Some(count) = line_atoms.get_mut(event.index()) {
                    *count = count.saturating_add(rule.line_atoms.len());
                }
            }
        }
        let (rules, groups, phases) = (Vec::new(), Vec::new(), Vec::new());
        let (index, plain) = (None, Vec::new());
        let mut plan = Plan { rules, groups, phases, index, debits, is_more_than_rules, line_atoms, plain };
        let mut current: Option<Phase> = None;
        let mut start = 0;
        for (group, id) in program.groups.iter().zip(0u32..) {
            if current != Some(group.phase) {
                plan.close_phase(start);
                start = plan.rules.len() / 64;
                current = Some(group.phase);
            }
            for rule in &group.rules {
                plan.rules.push(Some(*rule));
                plan.groups.push(GroupId(id));
            }
        }
        plan.close_phase(start);
        plan
    }

    /// Ends a phase at a word border.
    fn close_phase(&mut self, start: usize) {
        let words = self.rules.len().div_ceil(64);
        if words > start {
            self.rules.resize(words.saturating_mul(64), None);
            self.groups.resize(words.saturating_mul(64), GroupId(u32::MAX));
            self.phases.push(start..words);
        }
    }

    fn words(&self) -> usize {
        self.rules.len() / 64
    }

    /// Words of each phase, in order.
    pub(super) fn phases(&self) -> &[Range<usize>] {
        &self.phases
    }

    /// The rule at a position, where its group does nothing but award to the basket.
    #[inline]
    pub(super) fn plain(&self, position: u32) -> Option<&PlainRule> {
        self.plain.get(index(position))?.as_ref()
    }

    /// The rule at a position.
    pub(super) fn rule(&self, position: u32) -> Option<RuleId> {
        self.rules.get(usize::try_from(position).ok()?).copied().flatten()
    }

    /// The position of each rule.
    pub(super) fn positions(&self) -> BTreeMap<RuleId, u32> {
        self.rules.iter().zip(0u32..).filter_map(|(rule, position)| Some(((*rule)?, position))).collect()
    }

    /// The group of the rule at a position.
    pub(super) fn group(&self, position: u32) -> Option<GroupId> {
        let position = usize::try_from(position).ok()?;
        self.rules.get(position)?.and(self.groups.get(position).copied())
    }

    /// Turns that finding the rules of an event costs, whatever the index spares: one for each 64 times that a condition
    /// on lines meets a line. What does not depend on lines costs none; it is bounded by the program.
    pub(super) fn turns(&self, kind: EventId, lines: usize) -> i64 {
        let conditions = self.line_atoms.get(kind.index()).copied().unwrap_or(0);
        turns(conditions.saturating_mul(lines) / 64)
    }

    /// Bytes of the index.
    pub fn memory(&self) -> usize {
        let positions = self.rules.len().saturating_mul(size_of::<Option<RuleId>>() + size_of::<GroupId>());
        positions.saturating_add(self.index.as_ref().map_or(0, Index::memory))
    }

    /// Prepares for the phases of one event.
    pub(super) fn begin(
        &self,
        bindings: &Bindings,
        record: &Record,
        params: &[i64],
        candidates: &mut Candidates,
    ) {
        let Some(index) = &self.index else { return candidates.few.begin(0) };
        let view = record.view(params);
        index.begin(record, view, candidates);
        index.ask(bindings, view, candidates);
    }

    /// Finds the rules of one phase that are to be asked.
    pub(super) fn find(
        &self,
        program: &Program,
        bindings: &Bindings,
        record: &Record,
        params: &[i64],
        phase: &Range<usize>,
        candidates: &mut Candidates,
    ) {
        let view = record.view(params);
        candidates.found.clear();
        candidates.matched.ends.clear();
        let Some(index) = &self.index else {
            let first = phase.start.saturating_mul(64);
            let here = self.rules.iter().zip(0u32..).skip(first).take(phase.len().saturating_mul(64));
            for (rule, position) in here {
                let rule = rule.and_then(|rule| program.rules.get(rule.index()));
                if rule.is_some_and(|rule| eligible(program, bindings, record, view, rule)) {
                    candidates.found.push(position);
                }
            }
            return;
        };
        let Candidates { mask, live, ask_sets, found, .. } = candidates;
        let paid = index.paid.as_ref().map(|slot| index.row_at(slot, view));
        let asks = index.asks;
        for word in live.iter().copied().filter(|word| phase.contains(word)) {
            let mut bits = mask.get(word).copied().unwrap_or(0);
            if let Some(paid) = paid {
                bits &= index.dense.word(paid, word);
            }
            let mut asked = index.dense.word(asks.again, word);
            if *ask_sets {
                asked |= index.dense.word(asks.sets, word);
            }
            let first = word.saturating_mul(64);
            while bits != 0 {
                let bit = bits.trailing_zeros();
                let position = first.saturating_add(bit as usize);
                if asked >> bit & 1 == 0 || index.survives(program, bindings, view, position, *ask_sets) {
                    // Positions are numbered in 32 bits.
                    found.push(u32::try_from(position).unwrap_or(u32::MAX));
                }
                bits &= bits.wrapping_sub(1);
            }
        }
        index.meet(candidates);
        index.leave_lineless(program, bindings, view, candidates);
    }
}

/// Whether a rule is to be asked, looking at all it says.
fn eligible(
    program: &Program,
    bindings: &Bindings,
    record: &Record,
    view: RecordView<'_>,
    rule: &Rule,
) -> bool {
    rule.events.contains(&record.kind)
        && all_hold(program, bindings, view, &rule.atoms)
        && (rule.line_atoms.is_empty() || some_line(program, bindings, view, &rule.line_atoms))
}

/// Whether a rule's conditions on the event hold.
pub fn conditions_hold(program: &Program, bindings: &Bindings, view: RecordView<'_>, rule: &Rule) -> bool {
    all_hold(program, bindings, view, &rule.atoms)
}

fn all_hold(program: &Program, bindings: &Bindings, view: RecordView<'_>, atoms: &[AtomId]) -> bool {
    let mut atoms = atoms.iter().filter_map(|atom| program.atoms.get(atom.index()));
    atoms.all(|atom| atom::holds(atom, event_value(view, atom.slot), view, bindings))
}

fn some_line(program: &Program, bindings: &Bindings, view: RecordView<'_>, atoms: &[AtomId]) -> bool {
    let atoms = || atoms.iter().filter_map(|atom| program.atoms.get(atom.index()));
    lines(view).any(|line| line_holds(atoms(), line, view, bindings))
}

fn lines<'a>(view: RecordView<'a>) -> impl Iterator<Item = &'a [i64]> {
    let slots = if view.line_width == 0 { &[][..] } else { view.lines };
    slots.chunks_exact(view.line_width.max(1))
}

impl Index {
    /// Where the row of a slot's value starts; nowhere, where there is none.
    #[inline]
    fn row_at(&self, slot: &Slot, view: RecordView<'_>) -> usize {
        let row = slot.rows.get(slot.cuts.interval(event_value(view, slot.slot)));
        row.copied().unwrap_or(self.dense.bits.len())
    }

    /// The row of a slot's value.
    #[inline]
    fn row_of(&self, slot: &Slot, view: RecordView<'_>) -> &[u64] {
        self.dense.row(self.row_at(slot, view))
    }

    fn begin(&self, record: &Record, view: RecordView<'_>, candidates: &mut Candidates) {
        let Candidates { mask, live, row, ask_sets, hits, few, memo, .. } = candidates;
        mask.clear();
        live.clear();
        hits.clear();
        few.begin(self.dense.words.saturating_mul(64));
        let Some(kind) = self.kinds.get(record.kind.index()) else { return };
        mask.extend_from_slice(self.dense.row(*kind));
        self.leave_allowed(view, mask);
        let keyless = self.dense.row(self.keyless);
        if mask.iter().zip(keyless).any(|(mask, keyless)| mask & !keyless != 0) {
            memo.enter(self);
            row.clear();
            row.extend_from_slice(keyless);
            memo.lead(self, &view, mask, hits);
            for Hit { word, line: _, bits } in hits.iter() {
                if let Some(row) = row.get_mut(index(*word)) {
                    *row |= bits;
                }
            }
            and(mask, row);
            if view.line_count() <= FEW_LINES {
                hits.drain(..).for_each(|hit| few.note(hit));
            }
        }
        // To ask a set of many symbols takes turns, which code has to take.
        for (slot, barred) in self.barred.iter().filter(|_| view.symbols.len() <= questions::MOST_SYMBOLS) {
            self.bar(barred, symbols(view, event_value(view, *slot)), mask);
        }
        *ask_sets = !has_more(mask.iter().copied(), FEW);
        if !*ask_sets {
            self.sets.iter().for_each(|set| self.leave_set(set, view, mask, row));
        }
        list_live(mask, live);
    }

    /// Leaves the rules that an event's set allows.
    fn leave_set(&self, set: &Set, view: RecordView<'_>, mask: &mut [u64], row: &mut Vec<u64>) {
        let value = event_value(view, set.slot);
        let symbols = symbols(view, value);
        row.clear();
        row.extend_from_slice(self.dense.row(set.free));
        self.mark(&set.lets_in, symbols, row, |row, bits| *row |= bits);
        and(mask, row);
        self.bar(&set.bars, symbols, mask);
        if value == MISSING {
            for (word, barring) in mask.iter_mut().zip(self.dense.row(set.barring)) {
                *word &= !barring;
            }
        }
    }

    /// Drops rules that end where a set holds one of these symbols.
    fn bar(&self, rules: &BySymbol, symbols: &[u32], mask: &mut [u64]) {
        self.mark(rules, symbols, mask, |word, bits| *word &= !bits);
    }

    /// Marks the rules of these symbols in a row.
    #[inline]
    fn mark(&self, rules: &BySymbol, symbols: &[u32], row: &mut [u64], mark: impl Fn(&mut u64, u64)) {
        let intervals = || symbols.iter().map(|symbol| rules.cuts.interval(i64::from(*symbol)));
        match &rules.rows {
            SymbolRows::Whole(rows) => {
                intervals().filter_map(|interval| rows.get(interval)).for_each(|start| {
                    row.iter_mut().zip(self.dense.row(*start)).for_each(|(word, bits)| mark(word, *bits));
                })
            }
            SymbolRows::Words(rows) => {
                intervals().filter_map(|interval| rows.get(interval)).for_each(|words| {
                    self.sparse.each(words, |word, bits| {
                        if let Some(word) = row.get_mut(word) {
                            mark(word, bits);
                        }
                    });
                })
            }
        }
    }

    /// Leaves the rules that the values of the event's slots allow.
    #[inline]
    fn leave_allowed(&self, view: RecordView<'_>, mask: &mut [u64]) {
        if let [word] = mask {
            for slot in &self.slots {
                *word &= self.row_of(slot, view).first().copied().unwrap_or(0);
            }
            return;
        }
        // Whole rows: that is quicker than to pass by the words in which nothing is left.
        let (fours, rest) = self.slots.as_chunks::<4>();
        for [a, b, c, d] in fours {
            let rows =
                [self.row_of(a, view), self.row_of(b, view), self.row_of(c, view), self.row_of(d, view)];
            and_four(mask, rows);
        }
        rest.iter().for_each(|slot| and(mask, self.row_of(slot, view)));
    }

    /// Asks what rules would ask in their code.
    fn ask(&self, bindings: &Bindings, view: RecordView<'_>, candidates: &mut Candidates) {
        let Some(shared) = self.shared.as_ref().filter(|_| view.symbols.len() <= questions::MOST_SYMBOLS)
        else {
            return;
        };
        let Candidates { mask, live, spared, answers, failed, answered, .. } = candidates;
        let asking = self.dense.row(shared.asking);
        let left =
            |word: &usize| mask.get(*word).zip(asking.get(*word)).map_or(0, |(mask, asking)| mask & asking);
        if !has_more(live.iter().map(left), FEW_ASKING) {
            return;
        }
        shared.code.run(view, bindings, answers, failed);
        answered.clear();
        spared.clear();
        for question in &shared.list {
            if failed.get(question.at).copied().unwrap_or(true) {
                spared.resize(mask.len(), 0);
                let asking = self.dense.row(question.asking);
                spared.iter_mut().zip(asking).for_each(|(spared, asking)| *spared |= asking);
            } else {
                let answer = shared.code.number(answers, question.at);
                answered.extend(question.rows.get(question.cuts.interval(answer)));
            }
        }
        let mut count = 0usize;
        for at in 0..live.len() {
            let Some(word) = live.get(at).copied() else { continue };
            let of = |row: &usize| self.dense.word(*row, word);
            let allowed = answered.iter().map(of).fold(u64::MAX, |allowed, row| allowed & row);
            let Some(bits) = mask.get_mut(word) else { continue };
            *bits &= allowed | spared.get(word).copied().unwrap_or(0);
            // As in `list_live`.
            if let Some(place) = live.get_mut(count) {
                *place = word;
            }
            count = count.wrapping_add(usize::from(*bits != 0));
        }
        live.truncate(count);
    }

    /// Notes which lines have the keys of the rules that were found.
    fn meet(&self, candidates: &mut Candidates) {
        let Candidates { found, hits, matched, .. } = candidates;
        let Matched { place, ends, rows, met, keyed } = matched;
        if hits.is_empty() || found.is_empty() {
            return;
        }
        let keyless = self.dense.row(self.keyless);
        keyed.resize(keyless.len(), 0);
        place.resize(keyless.len().saturating_mul(64), u32::MAX);
        let mut count = 0u32;
        for position in found.iter() {
            let word = keyless.get(index(position / 64)).copied().unwrap_or(u64::MAX);
            let Some(place) = place.get_mut(index(*position)) else { continue };
            if word >> (position % 64) & 1 == 0 {
                put(keyed, *position, true);
                *place = count;
                count = count.saturating_add(1);
            } else {
                *place = u32::MAX;
            }
        }
        if count == 0 {
            return;
        }
        ends.resize(index(count), 0);
        met.clear();
        for Hit { word, line: row, bits } in hits.iter() {
            let mut bits = bits & keyed.get(index(*word)).copied().unwrap_or(0);
            while bits != 0 {
                let position = index(*word).saturating_mul(64).saturating_add(bits.trailing_zeros() as usize);
                bits &= bits.wrapping_sub(1);
                let number = place.get(position).copied().unwrap_or(u32::MAX);
                if let Some(end) = ends.get_mut(index(number)) {
                    *end = end.saturating_add(1);
                    met.push((number, *row));
                }
            }
        }
        found.iter().for_each(|position| {
            if let Some(word) = keyed.get_mut(index(position / 64)) {
                *word = 0;
            }
        });
        // Each list's end is where it begins until it is filled.
        let mut start = 0u32;
        for end in ends.iter_mut() {
            (*end, start) = (start, start.saturating_add(*end));
        }
        rows.clear();
        rows.resize(met.len(), 0);
        for (number, row) in met.iter() {
            let Some(end) = ends.get_mut(index(*number)) else { continue };
            if let Some(place) = rows.get_mut(index(*end)) {
                *place = *row;
            }
            *end = end.saturating_add(1);
        }
    }

    /// Drops those that were found and ask of a line more than their key, where no line has it.
    fn leave_lineless(
        &self,
        program: &Program,
        bindings: &Bindings,
        view: RecordView<'_>,
        candidates: &mut Candidates,
    ) {
        let asks = self.dense.row(self.asks.lines);
        let asking = |position: &u32| {
            let word = asks.get(index(position / 64)).copied().unwrap_or(0);
            word >> (position % 64) & 1 == 1
        };
        if !candidates.found.iter().any(asking) {
            return;
        }
        let mut found = std::mem::take(&mut candidates.found);
        found.retain(|position| {
            if !asking(position) {
                return true;
            }
            let atoms = self.lines.of(index(*position));
            let holds = |line: &[i64]| {
                let atoms = atoms.iter().filter_map(|atom| program.atoms.get(atom.index()));
                line_holds(atoms, line, view, bindings)
            };
            match candidates.rows(*position) {
                None => some_line(program, bindings, view, atoms),
                Some(LineRows::Bits(rows)) => lines(view).zip(0u32..).any(|(line, row)| {
                    rows.checked_shr(row).is_some_and(|rows| rows & 1 == 1) && holds(line)
                }),
                Some(LineRows::List(rows)) => rows.iter().any(|row| {
                    let start = index(*row).saturating_mul(view.line_width);
                    holds(view.lines.get(start..start.saturating_add(view.line_width)).unwrap_or(&[]))
                }),
            }
        });
        candidates.found = found;
    }

    /// The rules that are filed under the values of a line.
    fn each_filed(&self, keys: &Keys, line: &[i64], view: RecordView<'_>, mut act: impl FnMut(usize, u64)) {
        let value = line.get(keys.slot.index()).copied().unwrap_or(MISSING);
        let mut file = |value: i64| {
            if let Some(row) = keys.filed.rows.get(keys.filed.cuts.interval(value)) {
                self.sparse.each(row, &mut act);
            }
        };
        if keys.set {
            symbols(view, value).iter().for_each(|symbol| file(i64::from(*symbol)));
        } else {
            file(value);
        }
    }

    /// Whether the conditions on the event hold of a rule that the rows leave over.
    fn survives(
        &self,
        program: &Program,
        bindings: &Bindings,
        view: RecordView<'_>,
        position: usize,
        ask_sets: bool,
    ) -> bool {
        all_hold(program, bindings, view, self.again.of(position))
            && (!ask_sets || all_hold(program, bindings, view, self.set_atoms.of(position)))
    }

    fn memory(&self) -> usize {
        let cuts = |cuts: &Cuts| cuts.borders.len() * 8 + cuts.table.len() * 4;
        let filed = |filed: &Filed| cuts(&filed.cuts) + filed.rows.len() * size_of::<Range<usize>>();
        let slots = self.slots.iter().chain(&self.paid);
        let slots: usize = slots.map(|slot| cuts(&slot.cuts) + slot.rows.len() * size_of::<usize>()).sum();
        let by_symbol = |rules: &BySymbol| {
            let rows = match &rules.rows {
                SymbolRows::Whole(rows) => size_of_val(rows.as_slice()),
                SymbolRows::Words(rows) => size_of_val(rows.as_slice()),
            };
            cuts(&rules.cuts) + rows
        };
        let sets: usize = self.sets.iter().map(|set| by_symbol(&set.lets_in) + by_symbol(&set.bars)).sum();
        let keys: usize = self.keys.iter().map(|keys| filed(&keys.filed)).sum();
        let barred: usize = self.barred.iter().map(|(_, of_slot)| by_symbol(of_slot)).sum();
        let lists = |lists: &Lists| lists.ends.len() * 4 + lists.atoms.len() * size_of::<AtomId>();
        let rows = self.dense.bits.len() * 8 + self.sparse.bits.len() * 12;
        slots + sets + keys + barred + lists(&self.again) + lists(&self.set_atoms) + lists(&self.lines) + rows
    }
}

/// Whether more than so many bits are set.
fn has_more(words: impl Iterator<Item = u64>, than: u32) -> bool {
    let mut room = than;
    for word in words {
        match room.checked_sub(word.count_ones()) {
            Some(less) => room = less,
            None => return true,
        }
    }
    false
}

/// Ands a row into a mask; words that the row does not have are empty.
fn and(mask: &mut [u64], row: &[u64]) {
    for (word, row) in mask.iter_mut().zip(row) {
        *word &= row;
    }
    for word in mask.iter_mut().skip(row.len()) {
        *word = 0;
    }
}

/// Ands four rows into a mask, which is read and written once for them.
fn and_four(mask: &mut [u64], rows: [&[u64]; 4]) {
    if rows.iter().any(|row| row.len() < mask.len()) {
        return rows.iter().for_each(|row| and(mask, row));
    }
    let [a, b, c, d] = rows;
    for ((((word, a), b), c), d) in mask.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *word &= a & b & c & d;
    }
}

/// Lists the words of a mask that have anything. Which ones these are nobody foresees, so that all are written down, each
/// where the last one stands that has something.
fn list_live(mask: &[u64], live: &mut Vec<usize>) {
    live.resize(mask.len(), 0);
    let mut count = 0usize;
    for (word, bits) in mask.iter().enumerate() {
        if let Some(place) = live.get_mut(count) {
            *place = word;
        }
        count = count.wrapping_add(usize::from(*bits != 0));
    }
    live.truncate(count);
}

/// Builds an index.
struct Builder<'a> {
    program: &'a Program,
    bindings: &'a Bindings,
    words: usize,
    dense: Dense,
    sparse: Sparse,
    dense_rows: FxHashMap<Vec<u64>, usize>,
    /// By hash.
    sparse_rows: FxHashMap<u64, Vec<Range<usize>>>,
    /// By kind of reference: how many symbols its references reach to.
    symbols: FxHashMap<KindId, u64>,
}

/// A rule and the values that it is compatible with; each rule once.
type Compatible = (u32, Ranges);

/// What is left to ask of a rule.
#[derive(Clone, Debug, Default)]
struct Open {
    again: Vec<AtomId>,
    sets: Vec<AtomId>,
    lines: Vec<AtomId>,
}

impl<'a> Builder<'a> {
    /// With nothing in it yet.
    fn empty(program: &'a Program, bindings: &'a Bindings, words: usize) -> Builder<'a> {
        Builder {
            program,
            bindings,
            words,
            dense: Dense { words, bits: Vec::new() },
            sparse: Sparse::default(),
            dense_rows: FxHashMap::default(),
            sparse_rows: FxHashMap::default(),
            symbols: FxHashMap::default(),
        }
    }

    fn build(program: &'a Program, bindings: &'a Bindings, plan: &Plan) -> Index {
        let mut builder = Builder::empty(program, bindings, plan.words());
        builder.measure_kinds();
        let rules: Vec<(u32, &Rule)> = plan
            .rules
            .iter()
            .zip(0u32..)
            .filter_map(|(rule, position)| Some((position, program.rules.get((*rule)?.index())?)))
            .collect();
        let mut open: Vec<Open> = vec![Open::default(); plan.rules.len()];
        let kinds = builder.kinds(&rules);
        let (slots, paid, sets) = builder.event(&rules, &mut open);
        let (shared, barred) = builder.questions(&plan.rules);
        let (keys, keyless) = builder.lines(&rules, &mut open);
        let (mut again, mut set_atoms, mut lines) = (Lists::default(), Lists::default(), Lists::default());
        let asking = |asks: fn(&Open) -> &Vec<AtomId>| {
            let positions = open.iter().zip(0u32..).filter(|(open, _)| !asks(open).is_empty());
            positions.map(|(_, position)| position).collect::<Vec<u32>>()
        };
        let [asks_again, asks_sets, asks_lines] =
            [asking(|open| &open.again), asking(|open| &open.sets), asking(|open| &open.lines)].map(
                |asking| {
                    let row = builder.row_of(asking);
                    builder.dense_row(&row)
                },
            );
        let asks = Asks { again: asks_again, sets: asks_sets, lines: asks_lines };
        for open in open {
            again.push(open.again);
            set_atoms.push(open.sets);
            lines.push(open.lines);
        }
        let Builder { dense, sparse, .. } = builder;
        let identity = Arc::default();
        let mut besides: Vec<Besides> =
            keys.iter().map(|keys| Besides { slot: keys.slot, set: keys.set }).collect();
        // An instant is no small number.
        let is_instant = |slot: SlotId| {
            program.layout.line.get(slot.index()).is_some_and(|slot| slot.ty == SlotType::Instant)
        };
        let mut numbers = [SlotId(u32::MAX); 4];
        let mut last = None;
        for place in &mut numbers {
            if let Some(next) = besides.iter().position(|keys| !keys.set && !is_instant(keys.slot)) {
                last = Some(besides.remove(next).slot);
            }
            *place = last.unwrap_or(*place);
        }
        Index {
            identity,
            numbers,
            besides,
            kinds,
            slots,
            paid,
            sets,
            barred,
            shared,
            keys,
            keyless,
            again,
            set_atoms,
            lines,
            asks,
            dense,
            sparse,
        }
    }

    /// The kind of the names that a reference of this kind tests.
    fn tested(&self, kind: KindId) -> KindId {
        self.program.kinds.get(kind.index()).and_then(|kind| kind.of).unwrap_or(kind)
    }

    fn measure_kinds(&mut self) {
        for (reference, bits) in self.program.references.iter().zip(&self.bindings.references) {
            let reach = u64::try_from(bits.words.len()).unwrap_or(u64::MAX).saturating_mul(64);
            let most = self.symbols.entry(self.tested(reference.kind)).or_insert(1);
            *most = reach.max(*most);
        }
    }

    fn atom(&self, id: AtomId) -> Option<&'a Atom> {
        self.program.atoms.get(id.index())
    }

    /// A row, kept once.
    fn dense_row(&mut self, row: &[u64]) -> usize {
        if let Some(known) = self.dense_rows.get(row) {
            return *known;
        }
        let start = self.dense.bits.len();
        self.dense.bits.extend_from_slice(row);
        self.dense_rows.insert(row.to_vec(), start);
        start
    }

    fn sparse_row(&mut self, row: &[u64]) -> Range<usize> {
        let start = self.sparse.words.len();
        let mut hasher = FxHasher::default();
        for (word, bits) in (0u32..).zip(row).filter(|(_, bits)| **bits != 0) {
            self.sparse.words.push(word);
            self.sparse.bits.push(*bits);
            hasher.write_u32(word);
            hasher.write_u64(*bits);
        }
        let range = start..self.sparse.words.len();
        let alike = self.sparse_rows.entry(hasher.finish()).or_default();
        for known in alike.iter() {
            if self.sparse.equal(known, &range) {
                self.sparse.words.truncate(start);
                self.sparse.bits.truncate(start);
                return known.clone();
            }
        }
        alike.push(range.clone());
        range
    }

    /// The row of these positions.
    fn row_of(&self, positions: impl IntoIterator<Item = u32>) -> Vec<u64> {
        let mut row = vec![0; self.words];
        positions.into_iter().for_each(|position| put(&mut row, position, true));
        row
    }

    fn kinds(&mut self, rules: &[(u32, &Rule)]) -> Vec<usize> {
        let mut rows = vec![vec![0; self.words]; self.program.events.len()];
        for (position, rule) in rules {
            for event in &rule.events {
                if let Some(row) = rows.get_mut(event.index()) {
                    put(row, *position, true);
                }
            }
        }
        rows.iter().map(|row| self.dense_row(row)).collect()
    }

    /// The rows of the event's slots and sets.
    fn event(&mut self, rules: &[(u32, &Rule)], open: &mut [Open]) -> (Vec<Slot>, Option<Slot>, Vec<Set>) {
        // By slot, in order: rule by rule, what its conditions there leave; and its set conditions.
        let mut scalars: Vec<Vec<Compatible>> = vec![Vec::new(); self.program.layout.event.len()];
        let mut sets: Vec<Vec<(u32, AtomId, bool)>> = vec![Vec::new(); self.program.layout.event.len()];
        for (position, rule) in rules {
            for id in &rule.atoms {
                let Some(atom) = self.atom(*id) else { continue };
                if let AtomTest::Has(_) = atom.test {
                    if let Some(of_slot) = sets.get_mut(atom.slot.index()) {
                        of_slot.push((*position, *id, atom.negated));
                    }
                    if let Some(open) = open.get_mut(index(*position)) {
                        open.sets.push(*id);
                    }
                } else if let Some(of_slot) = scalars.get_mut(atom.slot.index()) {
                    let allowed = ranges(atom, self.bindings);
                    match of_slot.last_mut().filter(|(last, _)| last == position) {
                        Some((_, sofar)) => *sofar = intersection(sofar, &allowed),
                        None => of_slot.push((*position, allowed)),
                    }
                }
            }
        }
        let (mut slots, mut paid) = (Vec::<Slot>::new(), None);
        for (compatible, slot) in scalars.into_iter().zip((0u32..).map(SlotId)) {
            if compatible.is_empty() {
                continue;
            }
            let free = self.row_of(rules.iter().map(|(position, _)| *position));
            let mut start = free;
            compatible.iter().for_each(|(position, _)| put(&mut start, *position, false));
            let (borders, rows, exact) = self.rows(&compatible, start);
            if !exact {
                for (position, _) in &compatible {
                    self.ask_again(rules, *position, slot, open);
                }
            }
            let slot = Slot { slot, cuts: Cuts::new(borders, 0), rows };
            if slot.slot == event_slot::BASKET_PAID {
                paid = Some(slot);
            } else {
                slots.push(slot);
            }
        }
        let mut built = Vec::new();
        for (atoms, slot) in sets.into_iter().zip((0u32..).map(SlotId)) {
            if !atoms.is_empty() {
                built.push(self.set(slot, &atoms, rules, open));
            }
        }
        (slots, paid, built)
    }

    /// Borders and rows of what rules are compatible with; `start` are those compatible with everything. Says whether the
    /// rows are exact, or allow too much.
    fn rows(&mut self, compatible: &[Compatible], start: Vec<u64>) -> (Vec<i64>, Vec<usize>, bool) {
        let changes = Changes::new(compatible);
        let exact = changes.borders.len() < MOST_INTERVALS;
        let borders = if exact { changes.borders.clone() } else { changes.thinned(MOST_INTERVALS) };
        let mut rows = Vec::new();
        changes.sweep(&borders, start, |row| {
            rows.push(self.dense_row(row));
            true
        });
        (borders, rows, exact)
    }

    /// Has survivors asked their conditions on a slot again.
    fn ask_again(&self, rules: &[(u32, &Rule)], position: u32, slot: SlotId, open: &mut [Open]) {
        let Ok(at) = rules.binary_search_by_key(&position, |(position, _)| *position) else { return };
        let (Some((_, rule)), Some(open)) = (rules.get(at), open.get_mut(index(position))) else { return };
        let on_slot = rule.atoms.iter().filter(|id| self.atom(**id).is_some_and(|atom| atom.slot == slot));
        open.again.extend(on_slot);
    }

    fn set(
        &mut self,
        slot: SlotId,
        atoms: &[(u32, AtomId, bool)],
        rules: &[(u32, &Rule)],
        open: &mut [Open],
    ) -> Set {
        let (mut lets_in, mut bars): (Vec<Compatible>, Vec<Compatible>) = (Vec::new(), Vec::new());
        for (position, id, negated) in atoms {
            let Some(atom) = self.atom(*id) else { continue };
            let allowed = ranges(atom, self.bindings);
            if *negated {
                match bars.last_mut().filter(|(last, _)| last == position) {
                    Some((_, sofar)) => *sofar = union(sofar, &allowed),
                    None => bars.push((*position, allowed)),
                }
            } else if lets_in.last().is_none_or(|(last, _)| last != position) {
                lets_in.push((*position, allowed));
            } else if let Some(open) = open.get_mut(index(*position)) {
                // Filed under the first set of symbols that it needs; the others are asked of survivors.
                open.again.push(*id);
            }
        }
        let mut free = self.row_of(rules.iter().map(|(position, _)| *position));
        lets_in.iter().for_each(|(position, _)| put(&mut free, *position, false));
        let barring = self.row_of(bars.iter().map(|(position, _)| *position));
        let (free, barring) = (self.dense_row(&free), self.dense_row(&barring));
        // Barred symbols are not thinned out: too large a row would bar too many.
        let (lets_in, exact) = self.by_symbol(&lets_in, true);
        let (bars, _) = self.by_symbol(&bars, false);
        if !exact {
            for (position, id, negated) in atoms {
                if let (false, Some(open)) = (negated, open.get_mut(index(*position))) {
                    open.again.push(*id);
                }
            }
        }
        Set { slot, free, lets_in, bars, barring }
    }

    /// Files rules by value; says whether exactly, or so that a value leads to more rules than it should.
    fn file(&mut self, compatible: &[Compatible], may_thin: bool) -> (Filed, bool) {
        let filing = Filing::new(self.words, compatible, may_thin);
        let mut rows = Vec::new();
        filing.each(self.words, |row| rows.push(self.sparse_row(row)));
        (Filed { cuts: Cuts::new(filing.borders, SYMBOL_PLACES), rows }, filing.exact)
    }

    /// As [`Self::file`], by the symbols of an event's set.
    fn by_symbol(&mut self, compatible: &[Compatible], may_thin: bool) -> (BySymbol, bool) {
        let filing = Filing::new(self.words, compatible, may_thin);
        let all = filing.borders.len().saturating_add(1).saturating_mul(self.words);
        let rows = if all <= filing.used.saturating_mul(MOST_EMPTY) {
            let mut rows = Vec::new();
            filing.each(self.words, |row| rows.push(self.dense_row(row)));
            SymbolRows::Whole(rows)
        } else {
            let mut rows = Vec::new();
            filing.each(self.words, |row| rows.push(self.sparse_row(row)));
            SymbolRows::Words(rows)
        };
        (BySymbol { cuts: Cuts::new(filing.borders, SYMBOL_PLACES), rows }, filing.exact)
    }

    /// The rows of what rules ask in their code.
    fn questions(&mut self, rules: &[Option<RuleId>]) -> (Option<Shared>, Vec<(SlotId, BySymbol)>) {
        let questions::Questions { code, list, asked, barred } = questions::of(self.program);
        let rules = || rules.iter().zip(0u32..).filter_map(|(rule, position)| Some(((*rule)?, position)));
        let mut compatible: Vec<Vec<Compatible>> = vec![Vec::new(); list.len()];
        for (rule, position) in rules() {
            for (question, allowed) in asked.get(rule.index()).into_iter().flatten() {
                let Some(of_question) = compatible.get_mut(*question) else { continue };
                match of_question.last_mut().filter(|(last, _)| *last == position) {
                    Some((_, sofar)) => *sofar = intersection(sofar, allowed),
                    None => of_question.push((position, allowed.clone())),
                }
            }
        }
        let mut built = Vec::new();
        let mut all = self.row_of([]);
        for (compatible, at) in compatible.into_iter().zip(list) {
            let mut start = self.row_of(rules().map(|(_, position)| position));
            compatible.iter().for_each(|(position, _)| put(&mut start, *position, false));
            let asking = self.row_of(compatible.iter().map(|(position, _)| *position));
            all.iter_mut().zip(&asking).for_each(|(all, asking)| *all |= asking);
            let (borders, rows, _) = self.rows(&compatible, start);
            let asking = self.dense_row(&asking);
            built.push(Question { at, cuts: Cuts::new(borders, 0), rows, asking });
        }
        let asking = self.dense_row(&all);
        let mut by_slot: BTreeMap<SlotId, Vec<Compatible>> = BTreeMap::new();
        for (rule, position) in rules() {
            for (slot, reference) in barred.get(rule.index()).into_iter().flatten() {
                let symbols = atom::reference_ranges(self.bindings.references.get(reference.index()));
                let of_slot = by_slot.entry(*slot).or_default();
                match of_slot.last_mut().filter(|(last, _)| *last == position) {
                    Some((_, sofar)) => *sofar = union(sofar, &symbols),
                    None => of_slot.push((position, symbols)),
                }
            }
        }
        let barred =
            by_slot.into_iter().map(|(slot, of_slot)| (slot, self.by_symbol(&of_slot, false).0)).collect();
        let shared = (!built.is_empty()).then_some(Shared { code, list: built, asking });
        (shared, barred)
    }

    /// Files the rules that need a line.
    fn lines(&mut self, rules: &[(u32, &Rule)], open: &mut [Open]) -> (Vec<Keys>, usize) {
        let mut keyless = self.row_of(rules.iter().map(|(position, _)| *position));
        let mut by_slot: Vec<[Vec<Compatible>; 2]> =
            vec![[Vec::new(), Vec::new()]; self.program.layout.line.len()];
        for (position, rule) in rules {
            if rule.line_atoms.is_empty() {
                continue;
            }
            let atoms = rule.line_atoms.iter().filter_map(|id| self.atom(*id));
            let key = atoms
                .filter_map(|atom| Some((self.matched(atom)?, atom)))
                .min_by_key(|(matched, _)| *matched);
            if let Some(open) = open.get_mut(index(*position)) {
                open.lines.clone_from(&rule.line_atoms);
            }
            let Some((_, atom)) = key else { continue };
            let allowed = ranges(atom, self.bindings);
            let set = usize::from(matches!(atom.test, AtomTest::Has(_)));
            let Some(filed) = by_slot.get_mut(atom.slot.index()).and_then(|slot| slot.get_mut(set)) else {
                continue;
            };
            filed.push((*position, allowed));
            put(&mut keyless, *position, false);
        }
        let keyless = self.dense_row(&keyless);
        let mut keys = Vec::new();
        for (both, slot) in by_slot.into_iter().zip((0u32..).map(SlotId)) {
            for (compatible, set) in both.into_iter().zip([false, true]) {
                if compatible.is_empty() {
                    continue;
                }
                let (filed, exact) = self.file(&compatible, true);
                for (position, _) in compatible.iter().filter(|_| exact) {
                    // A single condition is answered by the key.
                    if let Some(open) = open.get_mut(index(*position)).filter(|open| open.lines.len() == 1) {
                        open.lines.clear();
                    }
                }
                keys.push(Keys { slot, set, filed });
            }
        }
        (keys, keyless)
    }

    /// How many of a million lines a condition is guessed to match; `None` where it is no good as a key.
    fn matched(&self, atom: &Atom) -> Option<u64> {
        const MILLION: u64 = 1_000_000;
        // What a line comes to changes with each phase.
        if atom.negated || atom.slot == line_slot::PAID || atom.space != Space::Line {
            return None;
        }
        match &atom.test {
            AtomTest::Known => None,
            AtomTest::Between(low, high) => {
                let open = *low == i64::MIN || *high == i64::MAX;
                Some(if low == high {
                    MILLION / 50
                } else if open {
                    MILLION / 2
                } else {
                    MILLION / 5
                })
            }
            AtomTest::OneOf(values) => {
                let slot = self.program.layout.line.get(atom.slot.index())?;
                let of = match slot.ty {
                    SlotType::Enum(id) => {
                        self.program.enums.get(id.index()).map_or(20, |names| names.values.len())
                    }
                    SlotType::Bool => 2,
                    SlotType::Money { .. }
                    | SlotType::Points(_)
                    | SlotType::Percent
                    | SlotType::Count
                    | SlotType::Number { .. }
                    | SlotType::Date
                    | SlotType::Time
                    | SlotType::Instant
                    | SlotType::Symbol(_)
                    | SlotType::Set(_) => 20,
                };
                let (values, of) = (u64::try_from(values.len()).ok()?, u64::try_from(of).ok()?);
                Some(values.saturating_mul(MILLION).checked_div(of).unwrap_or(MILLION).min(MILLION))
            }
            AtomTest::In(reference) | AtomTest::Has(reference) => {
                let kind = self.program.references.get(reference.index())?.kind;
                let of = self.symbols.get(&self.tested(kind)).copied().unwrap_or(1);
                let bits = self.bindings.references.get(reference.index());
                let held =
                    bits.map_or(0, |bits| bits.words.iter().map(|word| u64::from(word.count_ones())).sum());
                Some(held.saturating_mul(MILLION).checked_div(of).unwrap_or(0).min(MILLION))
            }
        }
    }
}

fn index(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// Sets or clears a position's bit.
fn put(row: &mut [u64], position: u32, on: bool) {
    let bit = 1u64 << (position % 64);
    if let Some(word) = row.get_mut(index(position / 64)) {
        if on { *word |= bit } else { *word &= !bit }
    }
}

/// Where rules begin and end to be compatible.
struct Changes {
    /// By value: the position, and whether it begins there. One rule's ranges have gaps between them, so it never both
    /// ends and begins at a value.
    list: Vec<(i64, u32, bool)>,
    /// The values, each once.
    borders: Vec<i64>,
}

impl Changes {
    fn new(compatible: &[Compatible]) -> Changes {
        let mut list: Vec<(i64, u32, bool)> = Vec::new();
        for (position, ranges) in compatible {
            for (low, high) in ranges {
                list.push((*low, *position, true));
                list.extend(high.checked_add(1).map(|end| (end, *position, false)));
            }
        }
        list.sort_unstable_by_key(|(at, _, _)| *at);
        let mut borders: Vec<i64> = list.iter().map(|(at, _, _)| *at).collect();
        borders.dedup();
        Changes { list, borders }
    }

    /// About so many of the borders, evenly.
    fn thinned(&self, most: usize) -> Vec<i64> {
        let step = self.borders.len().div_ceil(most).max(1);
        self.borders.iter().step_by(step).copied().collect()
    }

    /// Walks the intervals between `borders` and hands each one's row to `each`, until that says to stop: the rules of
    /// `start` and those compatible with some value of the interval.
    fn sweep(&self, borders: &[i64], start: Vec<u64>, mut each: impl FnMut(&[u64]) -> bool) {
        let mut changes = self.list.iter().peekable();
        let mut active = start;
        let mut row = active.clone();
        for next in borders.iter().copied().map(Some).chain([None]) {
            // Everything up to the end of the interval; what begins inside belongs to it as well.
            let before = |at: i64| next.is_none_or(|next| at < next);
            while let Some((_, position, on)) = changes.next_if(|(at, _, _)| before(*at)) {
                put(&mut active, *position, *on);
                if *on {
                    put(&mut row, *position, true);
                }
            }
            if !each(&row) {
                return;
            }
            // What is active at the border begins the next interval.
            while let Some((_, position, on)) = changes.next_if(|(at, _, _)| Some(*at) == next) {
                put(&mut active, *position, *on);
            }
            row.clone_from(&active);
        }
    }
}

/// How rules are filed by value.
struct Filing {
    changes: Changes,
    borders: Vec<i64>,
    /// Words that have anything, of all intervals together, where none was left out.
    used: usize,
    /// A value leads to no rule that it should not lead to.
    exact: bool,
}

impl Filing {
    fn new(words: usize, compatible: &[Compatible], may_thin: bool) -> Filing {
        let changes = Changes::new(compatible);
        let ranges: usize = compatible.iter().map(|(_, ranges)| ranges.len()).sum();
        let most =
            compatible.len().saturating_mul(MOST_WORDS.0).saturating_add(ranges.saturating_mul(MOST_WORDS.1));
        let mut used: usize = 0;
        changes.sweep(&changes.borders, vec![0; words], |row| {
            used = used.saturating_add(row.iter().filter(|word| **word != 0).count());
            used <= most
        });
        let exact = used <= most || !may_thin;
        let borders = if exact { changes.borders.clone() } else { changes.thinned(MOST_INTERVALS) };
        Filing { changes, borders, used, exact }
    }

    /// Hands out the row of each interval.
    fn each(&self, words: usize, mut row: impl FnMut(&[u64])) {
        self.changes.sweep(&self.borders, vec![0; words], |of_interval| {
            row(of_interval);
            true
        });
    }
}
