//! Events that might be what a proof asks for: each field with a value at which something of the program changes. The same
//! seed makes the same events. It refuses to know what is looked for.

use perq_compiler::calendar::{DAY, date_text};
use perq_compiler::ir::{
    Atom, AtomId, AtomTest, EventId, Inst, Program, RecordKind, RuleId, Slot, SlotId, SlotType, Space,
    event_slot, line_slot,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Numbers without a pattern: the same seed gives the same.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below a number; 0 where that is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap_or(1).max(1);
        usize::try_from(self.bits() % n).unwrap_or(0)
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// A value of a slot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Choice {
    Missing,
    Number(i64),
    Name(String),
    Names(Vec<String>),
}

/// What events are made of.
pub struct Maker<'p> {
    program: &'p Program,
    event: Vec<Vec<Choice>>,
    line: Vec<Vec<Choice>>,
    /// Local days and seconds of the day.
    days: Vec<i64>,
    seconds: Vec<i64>,
    /// Minor units at which something changes.
    money: Vec<i64>,
    skus: Vec<String>,
}

/// What an event is wanted for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The kind of event.
    pub kind: EventId,
    /// Rules that should have an effect.
    pub rules: Vec<RuleId>,
    /// Conditions on the event that should hold besides.
    pub atoms: Vec<AtomId>,
    /// Conditions on a line that should hold besides.
    pub line_atoms: Vec<AtomId>,
    /// What a line may well cost, in minor units.
    pub initial: Vec<i64>,
    /// How many pieces it may well have.
    pub pieces: Vec<i64>,
}

/// A day on which no rule of a test begins: a Monday.
const USUAL_DAY: i64 = 20_514;

fn around(values: impl IntoIterator<Item = i64>) -> BTreeSet<i64> {
    let open = |value: &i64| *value > i64::MIN / 2 && *value < i64::MAX / 2;
    values
        .into_iter()
        .filter(open)
        .flat_map(|value| [value.saturating_sub(1), value, value.saturating_add(1)])
        .collect()
}

impl<'p> Maker<'p> {
    /// Looks at what a program asks.
    pub fn new(program: &'p Program) -> Maker<'p> {
        let layout = &program.layout;
        let event =
            (0u32..).zip(&layout.event).map(|(at, slot)| choices(program, Space::Event, SlotId(at), slot));
        let line =
            (0u32..).zip(&layout.line).map(|(at, slot)| choices(program, Space::Line, SlotId(at), slot));
        let (event, line) = (event.collect(), line.collect());
        let bounds = |slot: SlotId| {
            let of = move |atom: &&Atom| atom.space == Space::Event && atom.slot == slot;
            program.atoms.iter().filter(of).flat_map(numbers).collect::<Vec<i64>>()
        };
        let mut days: BTreeSet<i64> = around(bounds(event_slot::DATE));
        for first in days.clone().into_iter().chain([USUAL_DAY]) {
            days.extend((0..7).map(|more| first.saturating_add(more)));
        }
        days.extend((0..31).map(|more| USUAL_DAY.saturating_add(more)));
        let mut seconds: BTreeSet<i64> = around(bounds(event_slot::TIME));
        seconds.extend([10 * 3600, 23 * 3600]);
        seconds.retain(|second| (0..DAY).contains(second));
        let mut money: BTreeSet<i64> = around(bounds(event_slot::BASKET_INITIAL));
        money.extend(around(bounds(event_slot::BASKET_PAID)));
        for atom in program.atoms.iter().filter(|atom| atom.space == Space::Line) {
            if atom.slot == line_slot::INITIAL {
                money.extend(around(numbers(atom)));
            }
        }
        // What the code of rules compares with, whatever it counts.
        let constants = program.functions.iter().flat_map(|function| &function.insts).filter_map(|inst| {
            if let Inst::Int(value) = inst {
                Some(*value)
            } else if let Inst::Wide(value) = inst {
                i64::try_from(*value).ok()
            } else {
                None
            }
        });
        money.extend(around(constants.filter(|value| (1..=10_000_000).contains(value)).take(400)));
        money.extend([1, 2, 3, 5, 10, 25, 33, 99, 100, 101, 250, 999, 1000, 5_000, 10_000, 100_000]);
        money.retain(|amount| *amount > 0);
        let mut skus: BTreeSet<String> = BTreeSet::from(["A1".to_owned(), "B2".to_owned()]);
        for reference in &program.references {
            let kind = program.kinds.get(reference.kind.index());
            if kind.is_some_and(|kind| kind.name == "sku") {
                skus.extend(reference.names.iter().take(20).cloned());
            }
        }
        Maker {
            program,
            event,
            line,
            days: days.into_iter().collect(),
            seconds: seconds.into_iter().collect(),
            money: money.into_iter().collect(),
            skus: skus.into_iter().collect(),
        }
    }

    /// An event that may fulfil the wish; `wild` leaves fields to chance that the wish does not need.
    pub fn make(&self, wish: &Wish, wild: bool, random: &mut Random) -> Value {
        let mut event_atoms: Vec<AtomId> = wish.atoms.clone();
        let mut line_atoms: Vec<AtomId> = wish.line_atoms.clone();
        for rule in wish.rules.iter().filter_map(|rule| self.program.rules.get(rule.index())) {
            event_atoms.extend(&rule.atoms);
            line_atoms.extend(&rule.line_atoms);
        }
        let mut event = Map::new();
        let kind = self.program.events.get(wish.kind.index());
        event.insert("id".to_owned(), json!("witness"));
        event.insert("kind".to_owned(), json!(kind.map_or("", |kind| kind.name.as_str())));
        event.insert("at".to_owned(), json!(self.instant(&event_atoms, random)));
        let member = event_atoms.iter().any(|id| self.asks_member(*id)) || random.once_in(2);
        let mut of_member = Map::new();
        for ((at, slot), choices) in (0u32..).zip(&self.program.layout.event).zip(&self.event) {
            let lacks = kind.is_some_and(|kind| kind.lacks.contains(&SlotId(at)));
            if lacks || !matches!(slot.record, RecordKind::Event | RecordKind::Member) || slot.key.is_empty()
            {
                continue;
            }
            if slot.key.len() == 1
                && ["id", "kind", "at", "member"].contains(&slot.key.join(".").as_str())
                && slot.record == RecordKind::Event
            {
                continue;
            }
            let needed = kind.is_some_and(|kind| kind.needs.contains(&SlotId(at)));
            let value =
                self.choose(Space::Event, SlotId(at), slot, needed, choices, &event_atoms, wild, random);
            let Some(value) = value else { continue };
            let of = if slot.record == RecordKind::Member { &mut of_member } else { &mut event };
            put(of, &slot.key, value);
        }
        if member {
            put(&mut of_member, &["id".to_owned()], json!("m1"));
            event.insert("member".to_owned(), Value::Object(of_member));
        }
        let more = if wild { random.below(3) } else { 0 };
        let mut lines = vec![self.line(&line_atoms, wish, wild, random)];
        for at in 0..more {
            // Each rule may have a line of its own.
            let of_rule = wish.rules.get(at).and_then(|rule| self.program.rules.get(rule.index()));
            let atoms = of_rule.map_or(&[][..], |rule| rule.line_atoms.as_slice());
            lines.push(self.line(atoms, wish, wild, random));
        }
        event.insert("lines".to_owned(), Value::Array(lines));
        Value::Object(event)
    }

    fn line(&self, atoms: &[AtomId], wish: &Wish, wild: bool, random: &mut Random) -> Value {
        let mut line = Map::new();
        let amounts = if wish.initial.is_empty() || random.once_in(3) { &self.money } else { &wish.initial };
        let initial = random.pick(amounts).copied().unwrap_or(100);
        let usual = [1, 1, 2, 3, 7, 10];
        let pieces = if wish.pieces.is_empty() || random.once_in(3) { &usual[..] } else { &wish.pieces };
        let pieces = random.pick(pieces).copied().unwrap_or(1).clamp(1, 1_000_000);
        line.insert("sku".to_owned(), json!(random.pick(&self.skus)));
        line.insert("pieces".to_owned(), json!(pieces));
        let decimals = self.program.currency.decimals;
        // Prices have at most four decimals; an amount by itself is a line's amount as it is.
        let scale = 10i64.checked_pow(u32::from(4u8.saturating_sub(decimals))).unwrap_or(1);
        let price = initial.saturating_mul(scale).checked_div(pieces).unwrap_or(1).max(1);
        line.insert("price".to_owned(), json!(crate::decimal::print(price.into(), 4)));
        let mut product = Map::new();
        for ((at, slot), choices) in (0u32..).zip(&self.program.layout.line).zip(&self.line) {
            let id = SlotId(at);
            if id.index() < perq_compiler::ir::LINE_BUILTINS.len() && id != line_slot::TAX_RATE {
                continue;
            }
            if slot.key.is_empty() || !matches!(slot.record, RecordKind::Line | RecordKind::Product) {
                continue;
            }
            let value = self.choose(Space::Line, id, slot, false, choices, atoms, wild, random);
            let Some(value) = value else { continue };
            let of = if slot.record == RecordKind::Product { &mut product } else { &mut line };
            put(of, &slot.key, value);
        }
        if !product.is_empty() {
            line.insert("product".to_owned(), Value::Object(product));
        }
        Value::Object(line)
    }

    fn asks_member(&self, id: AtomId) -> bool {
        let atom = self.program.atoms.get(id.index());
        let slot = atom.filter(|atom| atom.space == Space::Event).map(|atom| atom.slot);
        let of_member = |slot: SlotId| {
            slot == event_slot::MEMBER_KNOWN
                || self
                    .program
                    .layout
                    .event
                    .get(slot.index())
                    .is_some_and(|slot| slot.record == RecordKind::Member)
        };
        slot.is_some_and(of_member)
            && !atom.is_some_and(|atom| atom.negated && atom.slot == event_slot::MEMBER_KNOWN)
    }

    /// A local time at which the conditions on it hold, as far as one is found.
    fn instant(&self, atoms: &[AtomId], random: &mut Random) -> String {
        let fits = |day: i64, second: i64| {
            let count = |slot: SlotId| match slot {
                event_slot::DATE => Some(day),
                event_slot::TIME => Some(second),
                event_slot::WEEKDAY => Some(day.saturating_add(3).rem_euclid(7)),
                event_slot::MONTH_DAY => date_text(day).get(8..10).and_then(|text| text.parse().ok()),
                _ => None,
            };
            atoms.iter().filter_map(|id| self.program.atoms.get(id.index())).all(|atom| {
                atom.space != Space::Event
                    || count(atom.slot).is_none_or(|value| is_met(self.program, atom, &Choice::Number(value)))
            })
        };
        let mut found = (USUAL_DAY, 36_000);
        for _ in 0..200 {
            let day = random.pick(&self.days).copied().unwrap_or(USUAL_DAY);
            let second = random.pick(&self.seconds).copied().unwrap_or(36_000);
            found = (day, second);
            if fits(day, second) {
                break;
            }
        }
        let (day, second) = found;
        let (hours, minutes) = (second.div_euclid(3600), second.rem_euclid(3600));
        format!("{}T{hours:02}:{:02}:{:02}", date_text(day), minutes.div_euclid(60), minutes.rem_euclid(60))
    }

    #[expect(clippy::too_many_arguments, reason = "a slot, what is wanted of it, and chance")]
    fn choose(
        &self,
        space: Space,
        id: SlotId,
        slot: &Slot,
        needed: bool,
        choices: &[Choice],
        atoms: &[AtomId],
        wild: bool,
        random: &mut Random,
    ) -> Option<Value> {
        let asked: Vec<&Atom> = atoms
            .iter()
            .filter_map(|id| self.program.atoms.get(id.index()))
            .filter(|atom| atom.space == space && atom.slot == id)
            .collect();
        let needed = needed || (!slot.optional && slot.default.is_none());
        if asked.is_empty() && !needed && !wild {
            return None;
        }
        let fitting: Vec<&Choice> = choices
            .iter()
            .filter(|choice| asked.iter().all(|atom| is_met(self.program, atom, choice)))
            .collect();
        let choice = match random.pick(&fitting) {
            Some(choice) => *choice,
            None => random.pick(choices)?,
        };
        if *choice == Choice::Missing && needed {
            return choices
                .iter()
                .find(|choice| **choice != Choice::Missing)
                .and_then(|choice| self.value(slot, choice));
        }
        self.value(slot, choice)
    }

    fn value(&self, slot: &Slot, choice: &Choice) -> Option<Value> {
        Some(match choice {
            Choice::Missing => return None,
            Choice::Name(name) => json!(name),
            Choice::Names(names) => json!(names),
            Choice::Number(number) => match slot.ty {
                SlotType::Bool => json!(*number != 0),
                SlotType::Money { scale } | SlotType::Number { scale } => {
                    json!(crate::decimal::print((*number).into(), scale))
                }
                SlotType::Points(account) => {
                    let decimals =
                        self.program.accounts.get(account.index()).map_or(0, |account| account.decimals);
                    json!(crate::decimal::print((*number).into(), decimals))
                }
                // Millionths of the whole are ten-thousandths of a percent.
                SlotType::Percent => json!(crate::decimal::print((*number).into(), 4)),
                SlotType::Count => json!(number),
                SlotType::Date => json!(date_text(*number)),
                SlotType::Time => {
                    let (hours, rest) = (number.div_euclid(3600), number.rem_euclid(3600));
                    json!(format!("{hours:02}:{:02}:{:02}", rest.div_euclid(60), rest.rem_euclid(60)))
                }
                SlotType::Instant => {
                    json!(format!("{}T12:00:00Z", date_text(number.div_euclid(DAY))))
                }
                SlotType::Enum(id) => {
                    let values = &self.program.enums.get(id.index())?.values;
                    json!(values.get(usize::try_from(*number).ok()?)?)
                }
                SlotType::Symbol(_) | SlotType::Set(_) => return None,
            },
        })
    }
}

/// The numbers that an atom names.
fn numbers(atom: &Atom) -> Vec<i64> {
    match &atom.test {
        AtomTest::Between(low, high) => vec![*low, *high],
        AtomTest::OneOf(values) => values.clone(),
        AtomTest::Known | AtomTest::In(_) | AtomTest::Has(_) => Vec::new(),
    }
}

/// The values of a slot at which something changes.
fn choices(program: &Program, space: Space, id: SlotId, slot: &Slot) -> Vec<Choice> {
    let atoms = program.atoms.iter().filter(|atom| atom.space == space && atom.slot == id);
    let mut found: BTreeSet<Choice> = BTreeSet::new();
    if slot.optional || slot.default.is_some() {
        found.insert(Choice::Missing);
    }
    let name = |name: &str| Choice::Name(name.to_owned());
    match slot.ty {
        SlotType::Symbol(kind) | SlotType::Set(kind) => {
            let mut names: BTreeSet<String> = BTreeSet::from(["other".to_owned()]);
            for reference in &program.references {
                let of = program.kinds.get(reference.kind.index()).and_then(|kind| kind.of);
                if reference.kind == kind || of == Some(kind) {
                    names.extend(reference.names.iter().take(50).cloned());
                }
            }
            match slot.ty.symbol() {
                Some(_) => found.extend(names.iter().map(|text| name(text))),
                None => {
                    found.insert(Choice::Names(Vec::new()));
                    found.extend(names.iter().map(|name| Choice::Names(vec![name.clone()])));
                    found.insert(Choice::Names(names.into_iter().collect()));
                }
            }
        }
        SlotType::Bool => found.extend([Choice::Number(0), Choice::Number(1)]),
        SlotType::Enum(id) => {
            let count = program.enums.get(id.index()).map_or(0, |of| of.values.len());
            found.extend((0i64..).take(count).map(Choice::Number));
        }
        SlotType::Money { .. }
        | SlotType::Points(_)
        | SlotType::Percent
        | SlotType::Count
        | SlotType::Number { .. } => {
            found.extend(around(atoms.flat_map(numbers)).into_iter().map(Choice::Number));
            found.extend([0, 1, 100, 1_000, 10_000].map(Choice::Number));
            // Tens and thousands of what the field counts in, too, whatever its digits.
            if let SlotType::Number { scale } | SlotType::Money { scale } = slot.ty
                && let Some(one) = 10i64.checked_pow(scale.into()).filter(|one| *one > 1)
            {
                found.extend([one, one.saturating_mul(10), one.saturating_mul(1_000)].map(Choice::Number));
            }
        }
        SlotType::Date => {
            found.extend(around(atoms.flat_map(numbers)).into_iter().map(Choice::Number));
            found.extend([USUAL_DAY, USUAL_DAY.saturating_sub(400)].map(Choice::Number));
        }
        SlotType::Time => found.extend([0, 36_000].map(Choice::Number)),
        SlotType::Instant => {
            found.insert(Choice::Number(USUAL_DAY.saturating_mul(DAY)));
        }
    }
    found.into_iter().collect()
}

/// Whether a value satisfies an atom, by names alone.
fn is_met(program: &Program, atom: &Atom, choice: &Choice) -> bool {
    let listed = |reference: perq_compiler::ir::ReferenceId, name: &String| {
        program.references.get(reference.index()).is_some_and(|reference| reference.names.contains(name))
    };
    let answer = match (&atom.test, choice) {
        (AtomTest::Known, Choice::Missing) => return atom.negated,
        (_, Choice::Missing) => return false,
        (AtomTest::Known, Choice::Number(_) | Choice::Name(_) | Choice::Names(_)) => true,
        (AtomTest::Between(low, high), Choice::Number(value)) => (low..=high).contains(&value),
        (AtomTest::OneOf(values), Choice::Number(value)) => values.contains(value),
        (AtomTest::In(reference), Choice::Name(name)) => listed(*reference, name),
        (AtomTest::Has(reference), Choice::Names(names)) => names.iter().any(|name| listed(*reference, name)),
        (AtomTest::Between(..) | AtomTest::OneOf(_), Choice::Name(_) | Choice::Names(_))
        | (AtomTest::In(_), Choice::Number(_) | Choice::Names(_))
        | (AtomTest::Has(_), Choice::Number(_) | Choice::Name(_)) => return true,
    };
    answer != atom.negated
}

/// Puts a value where a key leads.
fn put(object: &mut Map<String, Value>, key: &[String], value: Value) {
    match key {
        [] => {}
        [name] => {
            object.insert(name.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = object.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
