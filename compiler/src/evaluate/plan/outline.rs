//! A plan for people to read: under what each rule is filed, what is asked of it besides, and which entries of the index an
//! event leads to. Reads what the index holds, and refuses to decide anything.

use super::{Bindings, Builder, Filed, Index, Plan, lines, symbols};
use crate::evaluate::Record;
use crate::ir::{AtomId, AtomTest, GroupId, MISSING, Program, RuleId, SlotId};

/// What a plan is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Rules in the order of settlement.
    pub rules: Vec<RuleOutline>,
    /// Slots of the event that are known at its beginning, in the order in which they are looked at.
    pub attributes: Vec<Attribute>,
    /// What the basket came to at entry to a phase, where rules ask for it.
    pub paid: Option<Attribute>,
    /// Sets of the event.
    pub sets: Vec<SlotId>,
    /// Slots of lines under whose values rules are filed.
    pub keys: Vec<KeyOutline>,
    /// Bytes of the index.
    pub memory: usize,
}

/// How a rule is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOutline {
    /// Which.
    pub rule: RuleId,
    /// Its group.
    pub group: GroupId,
    /// Conditions on the event, and who answers them.
    pub event: Vec<(AtomId, AnsweredBy)>,
    /// Conditions on lines, and who answers them.
    pub lines: Vec<(AtomId, AnsweredBy)>,
    /// Of a million lines how many the key is guessed to match; none where the rule is filed under no key.
    pub guess: Option<u64>,
}

/// Who answers a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// A row of bits of the slot's value, for all rules at once.
    Attribute,
    /// Rows of bits of the symbols of a set, for all rules at once; where few rules are left, each is asked instead.
    Set,
    /// The values of lines lead to the rule.
    Key,
    /// The rule is asked, where the index has left it over; of conditions on lines, line by line.
    Asked,
}

/// A slot of the event whose values are cut into intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Which.
    pub slot: SlotId,
    /// Intervals in which no condition changes its answer.
    pub intervals: usize,
}

/// A slot of lines under whose values rules are filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOutline {
    /// Which.
    pub slot: SlotId,
    /// Its values are sets.
    pub set: bool,
    /// Entries that lead to rules, ascending.
    pub entries: Vec<KeyEntry>,
}

/// An entry of the index of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// The least value.
    pub low: i64,
    /// The greatest value.
    pub high: i64,
    /// The rules that it leads to, in the order of settlement.
    pub rules: Vec<RuleId>,
}

/// How often events have led to entries: by key, then by entry, of [`Outline::keys`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Lines with a value of the entry.
    pub lines: Vec<Vec<u64>>,
    /// Events with such a line.
    pub events: Vec<Vec<u64>>,
}

impl Plan {
    /// What the plan is made of.
    pub fn outline(&self, program: &Program, bindings: &Bindings) -> Outline {
        let mut guesses = Builder::empty(program, bindings, 0);
        guesses.measure_kinds();
        let keys = self.index.as_ref().map_or_else(Vec::new, |index| self.keys(index));
        let mut rules = Vec::new();
        for (position, (rule, group)) in self.rules.iter().zip(&self.groups).enumerate() {
            let Some((id, rule)) = rule.and_then(|id| Some((id, program.rules.get(id.index())?))) else {
                continue;
            };
            let atom = |id: &AtomId| program.atoms.get(id.index());
            let again = self.index.as_ref().map_or(&[][..], |index| index.again.of(position));
            let answered = |id: &AtomId| {
                let by = match atom(id).map(|atom| &atom.test) {
                    Some(AtomTest::Has(_)) => AnsweredBy::Set,
                    Some(AtomTest::Known | AtomTest::Between(..) | AtomTest::OneOf(_) | AtomTest::In(_))
                    | None => AnsweredBy::Attribute,
                };
                let indexed = self.index.is_some() && !again.contains(id);
                (*id, if indexed { by } else { AnsweredBy::Asked })
            };
            // Filed under one slot; of several conditions there, the most selective one was chosen.
            let filed = keys.iter().find(|key| key.entries.iter().any(|entry| entry.rules.contains(&id)));
            let on_key = |id: &AtomId| {
                let (atom, key) = (atom(id)?, filed?);
                let same = atom.slot == key.slot && matches!(atom.test, AtomTest::Has(_)) == key.set;
                Some((guesses.matched(atom).filter(|_| same)?, *id))
            };
            let key = rule.line_atoms.iter().filter_map(on_key).min_by_key(|(guess, _)| *guess);
            let asked = self.index.as_ref().map_or(&rule.line_atoms[..], |index| index.lines.of(position));
            let of_line = |id: &AtomId| {
                let is_key = key.is_some_and(|(_, key)| key == *id);
                // A key that is cut coarsely is asked besides; a key is what it is all the same.
                let by = if is_key || !asked.contains(id) { AnsweredBy::Key } else { AnsweredBy::Asked };
                (*id, by)
            };
            rules.push(RuleOutline {
                rule: id,
                group: *group,
                event: rule.atoms.iter().map(answered).collect(),
                lines: rule.line_atoms.iter().map(of_line).collect(),
                guess: key.map(|(guess, _)| guess),
            });
        }
        let attribute = |slot: &super::Slot| Attribute { slot: slot.slot, intervals: slot.rows.len() };
        let index = self.index.as_ref();
        Outline {
            rules,
            attributes: index.map_or_else(Vec::new, |index| index.slots.iter().map(attribute).collect()),
            paid: index.and_then(|index| index.paid.as_ref()).map(attribute),
            sets: index.map_or_else(Vec::new, |index| index.sets.iter().map(|set| set.slot).collect()),
            keys,
            memory: self.memory(),
        }
    }

    fn keys(&self, index: &Index) -> Vec<KeyOutline> {
        let mut keys = Vec::new();
        for key in &index.keys {
            let mut entries = Vec::new();
            for (interval, _) in with_rules(&key.filed) {
                let low = interval.checked_sub(1).and_then(|at| key.filed.cuts.borders.get(at));
                let high = key.filed.cuts.borders.get(interval).and_then(|border| border.checked_sub(1));
                let mut rules = Vec::new();
                for position in self.filed(index, &key.filed, interval) {
                    rules.extend(self.rule(position));
                }
                entries.push(KeyEntry {
                    low: low.copied().unwrap_or(i64::MIN),
                    high: high.unwrap_or(i64::MAX),
                    rules,
                });
            }
            keys.push(KeyOutline { slot: key.slot, set: key.set, entries });
        }
        keys
    }

    /// Positions filed under an interval.
    fn filed(&self, index: &Index, filed: &Filed, interval: usize) -> Vec<u32> {
        let mut positions = Vec::new();
        let Some(row) = filed.rows.get(interval) else { return positions };
        index.sparse.each(row, |word, bits| {
            let mut bits = bits;
            while bits != 0 {
                let bit = usize::try_from(bits.trailing_zeros()).unwrap_or(0);
                bits &= bits.wrapping_sub(1);
                positions.extend(u32::try_from(word.saturating_mul(64).saturating_add(bit)));
            }
        });
        positions
    }

    /// Notes the entries that a record's lines lead to.
    pub fn reach(&self, record: &Record, params: &[i64], reached: &mut Reached) {
        let Some(index) = &self.index else { return };
        let view = record.view(params);
        reached.lines.resize(index.keys.len(), Vec::new());
        reached.events.resize(index.keys.len(), Vec::new());
        let counts = reached.lines.iter_mut().zip(&mut reached.events);
        for (key, (of_lines, of_events)) in index.keys.iter().zip(counts) {
            // By interval: which entry it is.
            let mut entries = vec![None; key.filed.rows.len()];
            for (entry, (interval, _)) in with_rules(&key.filed).enumerate() {
                if let Some(place) = entries.get_mut(interval) {
                    *place = Some(entry);
                }
                of_lines.resize(of_lines.len().max(entry.saturating_add(1)), 0);
                of_events.resize(of_lines.len(), 0);
            }
            let mut seen = vec![false; of_lines.len()];
            let mut note = |value: i64| {
                let entry = entries.get(key.filed.cuts.interval(value)).copied().flatten();
                let Some(entry) = entry else { return };
                if let Some(count) = of_lines.get_mut(entry) {
                    *count = count.saturating_add(1);
                }
                if let Some(seen) = seen.get_mut(entry) {
                    *seen = true;
                }
            };
            for line in lines(view) {
                let value = line.get(key.slot.index()).copied().unwrap_or(MISSING);
                if key.set {
                    symbols(view, value).iter().for_each(|symbol| note(i64::from(*symbol)));
                } else {
                    note(value);
                }
            }
            for (count, seen) in of_events.iter_mut().zip(seen) {
                *count = count.saturating_add(u64::from(seen));
            }
        }
    }
}

/// The intervals that lead to rules.
fn with_rules(filed: &Filed) -> impl Iterator<Item = (usize, &std::ops::Range<usize>)> {
    filed.rows.iter().enumerate().filter(|(_, row)| !row.is_empty())
}
