//! Answers about all events: what is proved, by the compiler; what is not, by an event that shows it; and what neither
//! shows, as not decided. An event is a witness only where deciding it shows what is claimed. It refuses to know terminals
//! and files.

pub mod block;
pub mod events;

use crate::catalogue::Catalogue;
use crate::decision::{Broken, Decision};
use crate::engine::{Engine, EngineError, EngineKind};
use crate::pack::Pack;
use events::{Maker, Random, Wish};
use perq_compiler::ir::{EventId, GroupId, Program, RuleId};
use perq_compiler::prove::{Answer, Nearest, Pair, Prover, Room, pairs};
use perq_compiler::typed;
use serde_json::Value;
use std::collections::BTreeSet;

/// Events that are decided for one question before it is given up.
pub const EVENTS: usize = 1_500;

/// What is known of an `ensure`.
#[derive(Clone, Debug)]
pub struct Promised {
    /// Its name.
    pub name: String,
    /// What is known.
    pub known: Known,
}

/// What is known of a question.
#[derive(Clone, Debug)]
pub enum Known {
    /// No event can show the opposite.
    Proved(Option<Nearest>),
    /// This event does.
    Broken(Box<Witness>),
    /// Neither: why the proof fails, and how many events were tried.
    Undecided {
        /// A sentence for the author.
        why: String,
        /// The rules whose effects leave room.
        rules: Vec<String>,
        /// Events that were decided.
        tried: usize,
    },
}

/// An event that shows something.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The record, as a host sends it.
    pub event: Value,
    /// What is decided.
    pub decision: Decision,
    /// Of a promise, what does not hold.
    pub broken: Option<Broken>,
}

/// What is known of a rule.
#[derive(Clone, Debug)]
pub struct RuleAnswer {
    /// The rule.
    pub rule: String,
    /// What.
    pub fires: Fires,
}

/// Whether a rule can have an effect.
#[derive(Clone, Debug)]
pub enum Fires {
    /// Its conditions contradict each other: it never has one.
    Never,
    /// In this event.
    In(Box<Witness>),
    /// In events of its own conditions it always gave way to these, and no event was found in which it does not.
    Shadowed(Vec<String>, usize),
    /// No event was found.
    Unknown(usize),
}

/// What is known of two rules of a group.
#[derive(Clone, Debug)]
pub struct PairAnswer {
    /// Their group.
    pub group: String,
    /// The one that stands first.
    pub first: String,
    /// The other.
    pub second: String,
    /// One gives way to the other where they meet.
    pub contested: bool,
    /// What.
    pub meets: Meets,
}

/// Whether two rules meet on one event.
#[derive(Clone, Debug)]
pub enum Meets {
    /// Their conditions contradict each other.
    Never,
    /// In this event.
    In(Box<Witness>),
    /// No event was found.
    Unknown(usize),
}

/// Looks for events, and asks the compiler for proofs.
pub struct Desk<'p> {
    typed: &'p typed::Program,
    prover: Prover<'p>,
    engine: Engine,
    tries: usize,
}

impl<'p> Desk<'p> {
    /// Of a program that compiles.
    ///
    /// # Errors
    /// Where the engine refuses the pack or the catalogue.
    pub fn new(
        typed: &'p typed::Program,
        pack: Pack,
        catalogue: &Catalogue,
    ) -> Result<Desk<'p>, EngineError> {
        let engine = Engine::builder(pack).catalogue(catalogue).kind(EngineKind::Interpreter).build()?;
        Ok(Desk { typed, prover: Prover::new(typed), engine, tries: EVENTS })
    }

    /// So many events for one question in place of [`EVENTS`].
    pub fn with_tries(mut self, tries: usize) -> Desk<'p> {
        self.tries = tries;
        self
    }

    /// The engine that decides events.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What is known of all promises, in the order of their declaration.
    pub fn promises(&self) -> Vec<Promised> {
        self.typed.promises.iter().map(|promise| self.promise(promise)).collect()
    }

    /// What is known of one promise.
    pub fn promise(&self, promise: &typed::Promise) -> Promised {
        let name = promise.name.clone();
        let (rooms, why) = match self.prover.promise(promise) {
            Answer::Proved(nearest) => return Promised { name, known: Known::Proved(nearest) },
            Answer::Open(rooms) => (rooms, "its rules together leave room to break it".to_owned()),
            Answer::Undecided(why) => (Vec::new(), why),
        };
        let program: &Program = self.engine.program();
        let own = program.promises.iter().find(|of| of.name == name);
        let mut wishes: Vec<Wish> = rooms.iter().map(|room| wish(program, room)).collect();
        wishes.extend(promise.events.iter().map(|kind| Wish { kind: *kind, ..Wish::default() }));
        for wish in &mut wishes {
            if let Some(own) = own {
                wish.atoms.extend(&own.atoms);
                wish.line_atoms.extend(&own.line_atoms);
            }
        }
        let is_broken = |decision: &Decision| decision.broken.iter().any(|broken| broken.ensure == name);
        match self.search(&wishes, self.tries, &is_broken) {
            Ok(witness) => {
                let broken = witness.decision.broken.iter().find(|broken| broken.ensure == name).cloned();
                Promised { known: Known::Broken(Box::new(Witness { broken, ..witness })), name }
            }
            Err(tried) => {
                let mut rules: Vec<String> = Vec::new();
                for rule in rooms.first().map_or(&[][..], |room| room.rules.as_slice()) {
                    let rule = rule_name(program, *rule);
                    if !rules.contains(&rule) {
                        rules.push(rule);
                    }
                }
                Promised { name, known: Known::Undecided { why, rules, tried } }
            }
        }
    }

    /// What is known of each pair of rules of a group.
    pub fn overlaps(&self) -> Vec<PairAnswer> {
        pairs(&self.prover).pairs.iter().map(|pair| self.meets(pair)).collect()
    }

    /// What is known of each rule.
    pub fn rules(&self) -> Vec<RuleAnswer> {
        let program: &Program = self.engine.program();
        let found = pairs(&self.prover);
        let mut rules = Vec::new();
        for (rule, id) in program.rules.iter().zip(0u32..) {
            let id = RuleId(id);
            let fires = if found.dead.contains(&id) { Fires::Never } else { self.fires(id, &rule.events) };
            rules.push(RuleAnswer { rule: rule.name.clone(), fires });
        }
        rules
    }

    fn fires(&self, rule: RuleId, events: &[EventId]) -> Fires {
        let program: &Program = self.engine.program();
        let name = rule_name(program, rule);
        let wishes: Vec<Wish> =
            events.iter().map(|kind| Wish { kind: *kind, rules: vec![rule], ..Wish::default() }).collect();
        let mut winners: BTreeSet<String> = BTreeSet::new();
        let mut lost = 0usize;
        let tried = self.search(&wishes, self.tries / 2, &|decision: &Decision| has_effect(decision, &name));
        match tried {
            Ok(witness) => Fires::In(Box::new(witness)),
            Err(tried) => {
                // Once more, for what it gives way to.
                let mut random = Random::new(2);
                let maker = Maker::new(program);
                for wish in wishes.iter().cycle().take(200) {
                    let event = maker.make(wish, true, &mut random);
                    let Some(decision) = self.decide(&event) else { continue };
                    for displaced in decision.displaced.iter().filter(|displaced| displaced.rule == name) {
                        winners.insert(displaced.by.clone());
                        lost = lost.saturating_add(1);
                    }
                }
                if winners.is_empty() {
                    Fires::Unknown(tried)
                } else {
                    Fires::Shadowed(winners.into_iter().collect(), lost)
                }
            }
        }
    }

    fn meets(&self, pair: &Pair) -> PairAnswer {
        let program: &Program = self.engine.program();
        let (first, second) = (rule_name(program, pair.first), rule_name(program, pair.second));
        let meets = if pair.apart {
            Meets::Never
        } else {
            let hears = |rule: RuleId| program.rules.get(rule.index()).map_or(&[][..], |rule| &rule.events);
            let kinds = hears(pair.first).iter().filter(|kind| hears(pair.second).contains(kind));
            let wishes: Vec<Wish> = kinds
                .map(|kind| Wish { kind: *kind, rules: vec![pair.first, pair.second], ..Wish::default() })
                .collect();
            let both = |decision: &Decision| {
                let lost = |a: &str, b: &str| {
                    decision.displaced.iter().any(|displaced| displaced.rule == a && displaced.by == b)
                };
                lost(&first, &second)
                    || lost(&second, &first)
                    || (has_effect(decision, &first) && has_effect(decision, &second))
            };
            match self.search(&wishes, self.tries / 5, &both) {
                Ok(witness) => Meets::In(Box::new(witness)),
                Err(tried) => Meets::Unknown(tried),
            }
        };
        let group = group_name(program, pair.group);
        PairAnswer { group, first, second, contested: pair.contested, meets }
    }

    /// Decides an event by itself; nothing where it is refused.
    pub fn decide(&self, event: &Value) -> Option<Decision> {
        self.engine.session().decide_json(event.to_string().as_bytes()).ok()
    }

    /// An event for which this holds, made as small as it can be; or how many were tried.
    fn search(
        &self,
        wishes: &[Wish],
        most: usize,
        holds: &dyn Fn(&Decision) -> bool,
    ) -> Result<Witness, usize> {
        let maker = Maker::new(self.engine.program());
        let mut random = Random::new(1);
        let mut tried = 0;
        for at in 0..most {
            let Some(wish) = wishes.get(at.checked_rem(wishes.len()).unwrap_or(0)) else { break };
            // First what is wanted and nothing else, then with all that may come to it.
            let wild = at >= wishes.len().saturating_mul(20);
            let event = maker.make(wish, wild, &mut random);
            let Some(decision) = self.decide(&event) else { continue };
            tried += 1;
            if holds(&decision) {
                return Ok(self.smallest(event, decision, holds));
            }
        }
        Err(tried)
    }

    /// Leaves out whatever the event does not need.
    fn smallest(
        &self,
        mut event: Value,
        mut decision: Decision,
        holds: &dyn Fn(&Decision) -> bool,
    ) -> Witness {
        loop {
            let mut smaller = None;
            for candidate in without_one(&event) {
                if let Some(decided) = self.decide(&candidate)
                    && holds(&decided)
                {
                    smaller = Some((candidate, decided));
                    break;
                }
            }
            match smaller {
                Some((candidate, decided)) => (event, decision) = (candidate, decided),
                None => return Witness { event, decision, broken: None },
            }
        }
    }
}

/// The event with one part less, each way.
fn without_one(event: &Value) -> Vec<Value> {
    const KEPT: [&str; 8] = ["id", "kind", "at", "lines", "sku", "pieces", "price", "amount"];
    let mut found = Vec::new();
    let Value::Object(fields) = event else { return found };
    for key in fields.keys().filter(|key| !KEPT.contains(&key.as_str())) {
        let mut less = fields.clone();
        less.remove(key);
        found.push(Value::Object(less));
    }
    for (key, value) in fields {
        match value {
            Value::Object(_) => {
                for inner in without_one(value) {
                    let mut less = fields.clone();
                    less.insert(key.clone(), inner);
                    found.push(Value::Object(less));
                }
            }
            Value::Array(lines) if key == "lines" => {
                for at in 0..lines.len() {
                    if lines.len() > 1 {
                        let mut fewer = lines.clone();
                        fewer.remove(at);
                        let mut less = fields.clone();
                        less.insert(key.clone(), Value::Array(fewer));
                        found.push(Value::Object(less));
                    }
                    for line in lines.get(at).map(without_one).unwrap_or_default() {
                        let mut other = lines.clone();
                        if let Some(place) = other.get_mut(at) {
                            *place = line;
                        }
                        let mut less = fields.clone();
                        less.insert(key.clone(), Value::Array(other));
                        found.push(Value::Object(less));
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
        }
    }
    if let Some(pieces) = fields.get("pieces").filter(|pieces| **pieces != serde_json::json!(1)) {
        debug_assert!(!pieces.is_null());
        let mut less = fields.clone();
        less.insert("pieces".to_owned(), serde_json::json!(1));
        found.push(Value::Object(less));
    }
    found
}

fn wish(program: &Program, room: &Room) -> Wish {
    let near = |ratio: Option<typed::Ratio>| {
        let mut values: Vec<i64> = Vec::new();
        if let Some(whole) =
            ratio.and_then(|ratio| i64::try_from(ratio.num.div_euclid(ratio.den.max(1))).ok())
        {
            values.extend([whole, whole.saturating_add(1), whole.saturating_sub(1)]);
        }
        values.retain(|value| (1..=1_000_000_000).contains(value));
        values
    };
    let rules = room.rules.iter().copied().filter(|rule| rule.index() < program.rules.len()).collect();
    Wish { kind: room.kind, rules, initial: near(room.initial), pieces: near(room.pieces), ..Wish::default() }
}

fn has_effect(decision: &Decision, rule: &str) -> bool {
    decision.effects.iter().any(|effect| effect.rule == rule)
        || decision.issued.iter().any(|issued| issued.rule.as_deref() == Some(rule))
        || decision.gifts.iter().any(|gift| gift.rule == rule)
        || decision.set.iter().any(|set| set.rule == rule)
        || decision.tender.iter().any(|tender| tender.redemption == rule)
}

fn rule_name(program: &Program, rule: RuleId) -> String {
    program.rules.get(rule.index()).map_or_else(String::new, |rule| rule.name.clone())
}

fn group_name(program: &Program, group: GroupId) -> String {
    program.groups.get(group.index()).map_or_else(String::new, |group| group.name.clone())
}
