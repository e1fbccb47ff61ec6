//! How rules are found, for people to read: under what each is filed, what is asked of it besides, and what events make of
//! that. Reads what evaluation uses ([`perq_compiler::evaluate::plan`]), and decides nothing otherwise than a batch does.
//!
//! What is measured is counted: how often the index led to a rule, how often the rule gave something to settle, and the
//! instructions of the intermediate form that it took. So the same events give the same figures everywhere.

use crate::batch::{Format, Input, each_record};
use crate::decision::written;
use crate::engine::{Engine, Session};
use crate::explain::{Quote, Spot};
use crate::record::Reader;
use perq_compiler::evaluate::plan::outline::{
    AnsweredBy, KeyEntry, KeyOutline, Outline, Reached, RuleOutline,
};
use perq_compiler::evaluate::{self, Bindings, Code, Proposals, RecordView};
use perq_compiler::interpret::{Interpreter, Scratch};
use perq_compiler::ir::print::atom_text;
use perq_compiler::ir::{
    AtomId, AtomTest, Displace, Fault, Function, FunctionId, Inst, Phase, PlaceId, Program, Role, Rows, Rule,
    Scope, Slot, SlotId, SlotType, event_slot,
};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

/// Names of an entry that are told one by one.
const NAMES: usize = 3;

/// A plan, and what events have made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The program.
    pub program: String,
    /// The first 16 hexadecimal digits of the pack's hash.
    pub pack: String,
    /// Bytes of the index.
    pub memory: usize,
    /// Fields of the event whose values rule out rules, in the order in which they are looked at.
    pub attributes: Vec<Attribute>,
    /// Sets of the event whose members do.
    pub sets: Vec<String>,
    /// Fields of lines under whose values rules are filed.
    pub keys: Vec<Key>,
    /// Rules that are filed under no line.
    pub without_key: usize,
    /// Groups in the order of settlement.
    pub groups: Vec<Group>,
    /// What events have made of it.
    pub over: Option<Over>,
}

/// A field of the event whose values rule out rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// As rules write it.
    pub field: String,
    /// Intervals of values between which some rule's answer differs.
    pub intervals: usize,
    /// Rules with a condition on it.
    pub rules: usize,
}

/// A field of lines under whose values rules are filed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// As rules write it.
    pub field: String,
    /// Rules that are filed there.
    pub rules: usize,
    /// Its entries, ascending.
    pub entries: Vec<Entry>,
}

/// Values of lines that lead to the same rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The values: names, a number, or from one to another.
    pub values: String,
    /// How many rules they lead to.
    pub rules: usize,
    /// Lines that had such a value, where events were replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// Events with such a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
}

/// A group of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Its key.
    pub group: String,
    /// When it is settled.
    pub phase: &'static str,
    /// Which proposals stay.
    pub displace: &'static str,
    /// On what they compete.
    pub per: &'static str,
    /// What events have made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// Its rules, in the order of settlement.
    pub rules: Vec<RulePlan>,
}

/// How a rule is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RulePlan {
    /// Its key.
    pub rule: String,
    /// Where it is written.
    pub place: Spot,
    /// Kinds of events that it hears.
    pub hears: Vec<String>,
    /// Conditions that need not be asked by its code.
    pub conditions: Vec<Condition>,
    /// Conditions that its code asks, each time that the index leads to the rule.
    pub residue: Vec<Spot>,
    /// What it is guessed to cost.
    pub estimate: Estimate,
    /// What events have made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// A condition on one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// `event` or `line`.
    pub of: &'static str,
    /// What it asks, in the words of the intermediate form.
    pub condition: String,
    /// The sort of question: `range`, `values`, `known`, or the word of the reference, such as `sku`, `category`, `brand`
    /// or `list`.
    pub sort: String,
    /// Who answers it: `attribute`, `set` or `key`, for all rules at once, or `asked`, of this rule.
    pub by: &'static str,
    /// Where it is written, if it is written for this rule alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Spot>,
}

/// What a rule is guessed to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Of a million lines, how many its key lets through, as the index guesses without having seen any.
    pub lines_per_million: Option<u64>,
    /// Instructions of its code that are done at most once.
    pub instructions: u32,
    /// Instructions that are done for each line.
    pub each_line: u32,
}

/// What events have made of a rule or a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// How often a rule's code was run.
    pub asked: u64,
    /// How often it proposed something.
    pub proposed: u64,
    /// Instructions of the intermediate form that it took.
    pub instructions: u64,
}

impl Measured {
    fn add(&mut self, other: Measured) {
        self.asked = self.asked.saturating_add(other.asked);
        self.proposed = self.proposed.saturating_add(other.proposed);
        self.instructions = self.instructions.saturating_add(other.instructions);
    }
}

/// What was replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Over {
    /// Events that were decided.
    pub events: u64,
    /// Records that were refused.
    pub refused: u64,
    /// Lines of the events.
    pub lines: u64,
    /// All rules together.
    #[serde(flatten)]
    pub all: Measured,
}

/// Looks at the plan of an engine, and at what events make of it.
pub struct Plan {
    session: Session,
    outline: Outline,
    reached: Reached,
    counting: Counting,
    over: Option<Over>,
}

/// The interpreter, counting by function.
struct Counting {
    interpreter: Interpreter,
    counts: RefCell<Vec<Measured>>,
}

impl Code for Counting {
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
        let (before, mut instructions) = (out.list.len(), 0);
        let result =
            self.interpreter.run_counted(function, record, bindings, fuel, scratch, out, &mut instructions);
        let proposed = u64::from(result.is_ok() && out.list.len() > before);
        if let Some(count) = self.counts.borrow_mut().get_mut(function.index()) {
            count.add(Measured { asked: 1, proposed, instructions });
        }
        result
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plan of {:?}", self.session.engine())
    }
}

impl Plan {
    /// Of an engine.
    pub fn new(engine: &Engine) -> Plan {
        let program = engine.program();
        Plan {
            session: engine.session(),
            outline: engine.plan().outline(program, engine.schema().bindings()),
            reached: Reached::default(),
            counting: Counting {
                interpreter: engine.interpreter().clone(),
                counts: RefCell::new(vec![Measured::default(); program.functions.len()]),
            },
            over: None,
        }
    }

    /// Decides a stream of events one after another, and counts what that takes. Events that look back see those before
    /// them.
    ///
    /// # Errors
    /// Where the stream is broken.
    pub fn over(
        &mut self,
        input: Input<'_>,
        format: Format,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<()> {
        let schema = self.session.engine().schema().clone();
        let mut records = 0u64;
        self.over.get_or_insert_default();
        each_record(&schema, input, format, &mut |record| {
            self.record(record.json.ok());
            records = records.saturating_add(1);
            if records.is_multiple_of(500) {
                progress(records);
            }
        })
    }

    fn record(&mut self, json: Option<&[u8]>) {
        let Plan { session, outline: _, reached, counting, over } = self;
        let over = over.get_or_insert_default();
        if json.is_none_or(|json| session.read(json).is_err()) {
            over.refused = over.refused.saturating_add(1);
            return;
        }
        over.events = over.events.saturating_add(1);
        let engine = session.engine().clone();
        let mut look = |_: &Reader,
                        event: &crate::record::ReadEvent,
                        claimed: &dyn evaluate::Claimed,
                        _: &evaluate::Decision| {
            let params = engine.parameters_at(event.record.event.get(event_slot::DATE.index()).copied());
            let mut record = event.record.clone();
            engine.evaluate_with(counting, &mut record, &params, claimed);
            over.lines = over.lines.saturating_add(record.view(&params).line_count() as u64);
            engine.plan().reach(&record, &params, reached);
        };
        session.decide_watched(&mut look);
    }

    /// What is known by now.
    pub fn report(&self, quote: Quote<'_>) -> Report {
        let engine = self.session.engine();
        let teller = Teller { engine, program: engine.program(), quote };
        let Plan { outline, reached, counting, over, .. } = self;
        let mut by_rule: BTreeMap<_, Vec<&perq_compiler::ir::Condition>> = BTreeMap::new();
        for condition in &teller.program.conditions {
            by_rule.entry(condition.rule).or_default().push(condition);
        }
        let counts = counting.counts.borrow();
        let measured =
            |rule: &Rule| over.map(|_| counts.get(rule.function.index()).copied().unwrap_or_default());
        let mut groups: Vec<Group> = Vec::new();
        for rules in outline.rules.chunk_by(|a, b| a.group == b.group) {
            let group = rules.first().and_then(|rule| teller.program.groups.get(rule.group.index()));
            let Some(group) = group else { continue };
            let mut sum = over.map(|_| Measured::default());
            let mut plans = Vec::new();
            for found in rules {
                let Some(rule) = teller.program.rules.get(found.rule.index()) else { continue };
                let of_rule = measured(rule);
                if let (Some(sum), Some(of_rule)) = (&mut sum, of_rule) {
                    sum.add(of_rule);
                }
                let conditions = by_rule.get(&found.rule).map_or(&[][..], Vec::as_slice);
                plans.push(RulePlan { measured: of_rule, ..teller.rule(found, rule, conditions) });
            }
            groups.push(Group {
                group: group.name.clone(),
                phase: phase(group.phase),
                displace: displace(group.displace),
                per: per(group.per),
                measured: sum,
                rules: plans,
            });
        }
        let mut all = Measured::default();
        counts.iter().for_each(|count| all.add(*count));
        let is_keyless = |rule: &&RuleOutline| rule.lines.iter().all(|(_, by)| *by != AnsweredBy::Key);
        let event_field = |slot: SlotId| name_of(&teller.program.layout.event, slot);
        let with = |slot: SlotId| {
            let on_slot = |(id, _): &(AtomId, AnsweredBy)| {
                teller.program.atoms.get(id.index()).is_some_and(|atom| atom.slot == slot)
            };
            outline.rules.iter().filter(|rule| rule.event.iter().any(on_slot)).count()
        };
        Report {
            program: teller.program.name.clone(),
            pack: engine.pack().short_hash(),
            memory: outline.memory,
            attributes: outline
                .attributes
                .iter()
                .chain(&outline.paid)
                .map(|attribute| Attribute {
                    field: event_field(attribute.slot),
                    intervals: attribute.intervals,
                    rules: with(attribute.slot),
                })
                .collect(),
            sets: outline.sets.iter().map(|slot| event_field(*slot)).collect(),
            keys: outline
                .keys
                .iter()
                .enumerate()
                .map(|(at, key)| {
                    let of = |counts: &[Vec<u64>], entry: usize| {
                        let count = counts.get(at).and_then(|counts| counts.get(entry));
                        over.map(|_| count.copied().unwrap_or(0))
                    };
                    let mut told = teller.key(key);
                    for (entry, place) in told.entries.iter_mut().enumerate() {
                        place.lines = of(&reached.lines, entry);
                        place.events = of(&reached.events, entry);
                    }
                    told
                })
                .collect(),
            without_key: outline.rules.iter().filter(is_keyless).count(),
            groups,
            over: over.map(|over| Over { all, ..over }),
        }
    }
}

struct Teller<'t> {
    engine: &'t Engine,
    program: &'t Program,
    quote: Quote<'t>,
}

impl Teller<'_> {
    fn rule(
        &self,
        found: &RuleOutline,
        rule: &Rule,
        conditions: &[&perq_compiler::ir::Condition],
    ) -> RulePlan {
        let hears = rule.events.iter().filter_map(|event| self.program.events.get(event.index()));
        let told = |of: &'static str, (id, by): &(AtomId, AnsweredBy)| Condition {
            of,
            condition: atom_text(self.program, *id),
            sort: self.sort(*id),
            by: match by {
                AnsweredBy::Attribute => "attribute",
                AnsweredBy::Set => "set",
                AnsweredBy::Key => "key",
                AnsweredBy::Asked => "asked",
            },
            place: conditions
                .iter()
                .find(|condition| condition.atom == Some(*id))
                .map(|condition| self.spot(condition.place)),
        };
        let residue = conditions.iter().filter(|condition| {
            condition.atom.is_none()
                && match condition.role {
                    Role::Rule | Role::Filter => true,
                    Role::Part => false,
                }
        });
        let function = self.program.functions.get(rule.function.index());
        let (instructions, each_line) = function.map_or((0, 0), lengths);
        RulePlan {
            rule: rule.name.clone(),
            place: Spot { text: None, ..self.spot(rule.place) },
            hears: hears.map(|event| event.name.clone()).collect(),
            conditions: {
                let event = found.event.iter().map(|condition| told("event", condition));
                event.chain(found.lines.iter().map(|condition| told("line", condition))).collect()
            },
            residue: residue.map(|condition| self.spot(condition.place)).collect(),
            estimate: Estimate { lines_per_million: found.guess, instructions, each_line },
            measured: None,
        }
    }

    fn sort(&self, id: AtomId) -> String {
        let reference = match self.program.atoms.get(id.index()).map(|atom| &atom.test) {
            Some(AtomTest::Known) => return "known".to_owned(),
            Some(AtomTest::Between(..)) => return "range".to_owned(),
            Some(AtomTest::OneOf(_)) | None => return "values".to_owned(),
            Some(AtomTest::In(reference) | AtomTest::Has(reference)) => *reference,
        };
        let kind = self.program.references.get(reference.index()).map(|reference| reference.kind);
        kind.and_then(|kind| self.program.kinds.get(kind.index()))
            .map_or_else(String::new, |kind| kind.name.clone())
    }

    fn spot(&self, place: PlaceId) -> Spot {
        let found = self.program.places.get(place.index());
        let Some(place) = found else {
            return Spot { file: String::new(), line: 0, column: 0, text: None };
        };
        let source = self.program.sources.get(place.file as usize);
        let file = source.map_or_else(String::new, |source| source.path.clone());
        let text =
            (self.quote)(&file, place).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        Spot { file, line: place.line, column: place.column, text }
    }

    fn key(&self, key: &KeyOutline) -> Key {
        let mut rules: Vec<_> = key.entries.iter().flat_map(|entry| &entry.rules).collect();
        rules.sort_unstable();
        rules.dedup();
        Key {
            field: name_of(&self.program.layout.line, key.slot),
            rules: rules.len(),
            entries: key
                .entries
                .iter()
                .map(|entry| Entry {
                    values: self.values(key.slot, entry),
                    rules: entry.rules.len(),
                    lines: None,
                    events: None,
                })
                .collect(),
        }
    }

    /// The values of an entry.
    fn values(&self, slot: SlotId, entry: &KeyEntry) -> String {
        let Some(ty) = self.program.layout.line.get(slot.index()).map(|slot| slot.ty) else {
            return String::new();
        };
        let (SlotType::Symbol(kind) | SlotType::Set(kind)) = ty else {
            let value = |value: i64| self.value(ty, value);
            return match (entry.low == i64::MIN, entry.high == i64::MAX) {
                (true, true) => "any".to_owned(),
                (true, false) => format!("to {}", value(entry.high)),
                (false, true) => format!("from {}", value(entry.low)),
                (false, false) if entry.low == entry.high => value(entry.low),
                (false, false) => format!("{} to {}", value(entry.low), value(entry.high)),
            };
        };
        let dictionary = self.engine.schema().dictionary(kind);
        let last = dictionary.and_then(|dictionary| i64::try_from(dictionary.len()).ok()).unwrap_or(0);
        let (low, high) = (entry.low.max(0), entry.high.min(last.saturating_sub(1)));
        let name = |number: i64| Some(format!("{:?}", dictionary?.name(u32::try_from(number).ok()?)?));
        let named: Vec<String> = (low..=high).take(NAMES).filter_map(name).collect();
        let count = usize::try_from(high.saturating_sub(low).saturating_add(1)).unwrap_or(0);
        match count.checked_sub(named.len()) {
            Some(more @ 1..) => format!("{} and {more} more", named.join(" ")),
            Some(0) | None => named.join(" "),
        }
    }

    fn value(&self, ty: SlotType, value: i64) -> String {
        let written = written(self.program, ty, value);
        if ty == SlotType::Percent { written + "%" } else { written }
    }
}

fn name_of(slots: &[Slot], id: SlotId) -> String {
    slots.get(id.index()).map_or_else(String::new, |slot| slot.name.clone())
}

/// Instructions of a function outside of loops over lines, and inside.
fn lengths(function: &Function) -> (u32, u32) {
    let (mut once, mut each) = (0u32, 0u32);
    let mut open: Vec<bool> = Vec::new();
    for inst in &function.insts {
        match open.contains(&true) {
            true => each = each.saturating_add(1),
            false => once = once.saturating_add(1),
        }
        if let Inst::Loop(rows) = inst {
            open.push(match rows {
                Rows::Lines | Rows::Selected(_) => true,
                Rows::Payments | Rows::Times(_) | Rows::Table(_) => false,
            });
        } else if *inst == Inst::Block {
            open.push(false);
        } else if *inst == Inst::End {
            open.pop();
        }
    }
    (once, each)
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Line => "line",
        Phase::Set => "set",
        Phase::Order => "order",
        Phase::Delivery => "delivery",
        Phase::Tender => "tender",
        Phase::Earn => "earn",
        Phase::State => "state",
    }
}

fn displace(displace: Displace) -> &'static str {
    match displace {
        Displace::None => "none",
        Displace::First => "first",
        Displace::BestForMember => "best for member",
        Displace::BestForRetailer => "best for retailer",
        Displace::Chain => "chain",
    }
}

fn per(scope: Scope) -> &'static str {
    match scope {
        Scope::Unit => "unit",
        Scope::Line => "line",
        Scope::Basket => "basket",
    }
}
