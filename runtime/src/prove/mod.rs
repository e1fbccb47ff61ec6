//! Answers about all events: what is proved, by the compiler; what is not, by an event that shows it; and what neither
//! shows, as not decided. An event is a witness only where deciding it shows what is claimed. It refuses to know terminals
//! and files.

pub mod block;
pub mod events;
pub mod gains;

use crate::catalogue::Catalogue;
use crate::decimal;
use crate::decision::{Broken, Decision};
use crate::engine::{Engine, EngineError, EngineKind, Session};
use crate::pack::Pack;
use events::{Maker, Random, Wish};
use perq_compiler::ir::{EventId, GroupId, Program, RuleId};
use perq_compiler::prove::{Answer, Bounded, Dead, Gives, Nearest, Pair, Prover, Room, bounds, pairs, rules};
use perq_compiler::typed;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// Events that are decided for one question before it is given up.
pub const EVENTS: usize = 1_500;

/// Digits that sides of a promise have beyond those of its unit.
const FURTHER_DIGITS: u8 = 6;

/// Events that are decided for each rule before pairs are looked at one by one.
const EACH: usize = 24;

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
        /// Of which of them the proof knows less than what happens, and why.
        because: Vec<(String, String)>,
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
    /// Of a promise, that it is broken by no more than a smallest unit for each effect that is rounded.
    pub only_rounding: bool,
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
    /// It never has one.
    Never(Dead),
    /// Its text says that it takes no part.
    Off,
    /// It never stays: each of these displaces it wherever it gives something, as in this event, where one is found.
    Shadowed(Vec<(String, Gives)>, Option<Box<Witness>>),
    /// The same, of these together: one of them displaces it wherever it gives something.
    ShadowedTogether(Vec<(String, Gives)>, Option<Box<Witness>>),
    /// In this event.
    In(Box<Witness>),
    /// In events of its own conditions it always gave way to these, and no event was found in which it does not.
    GaveWay(Vec<String>, usize),
    /// No event was found.
    Unknown(usize),
}

/// What is known of two rules.
#[derive(Clone, Debug)]
pub struct PairAnswer {
    /// Their group, where they are of one.
    pub group: Option<String>,
    /// The one that stands first.
    pub first: String,
    /// The other.
    pub second: String,
    /// One gives way to the other where they meet.
    pub contested: bool,
    /// Whether they meet on one event.
    pub meets: Meets,
    /// Whether they meet on one line of it, where both fall on lines.
    pub on_lines: Option<Meets>,
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
    /// For programmes without state, of which each event is decided as if it were the first.
    session: RefCell<Option<Session>>,
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
        let session = RefCell::new(if engine.is_stateful() { None } else { Some(engine.session()) });
        Ok(Desk { typed, prover: Prover::new(typed), engine, session, tries: EVENTS })
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
        let of_name = |decision: &Decision| {
            let broken = decision.broken.iter().filter(|broken| broken.ensure == name);
            let mut broken: Vec<(bool, Broken)> =
                broken.map(|broken| (self.is_rounding(decision, broken, promise), broken.clone())).collect();
            broken.sort_by_key(|(only_rounding, _)| *only_rounding);
            broken.into_iter().next()
        };
        // One that breaks it by more than rounding says more.
        let broken_at_all = Cell::new(false);
        let by_more = |decision: &Decision| {
            let found = of_name(decision);
            broken_at_all.set(broken_at_all.get() || found.is_some());
            found.is_some_and(|(only_rounding, _)| !only_rounding)
        };
        let found = match self.search(&wishes, self.tries, &by_more) {
            Ok(witness) => Ok(witness),
            Err(tried) if !broken_at_all.get() => Err(tried),
            Err(_) => self.search(&wishes, self.tries, &|decision: &Decision| of_name(decision).is_some()),
        };
        match found {
            Ok(witness) => {
                let (only_rounding, broken) =
                    of_name(&witness.decision).map_or((false, None), |(only, broken)| (only, Some(broken)));
                Promised {
                    known: Known::Broken(Box::new(Witness { broken, only_rounding, ..witness })),
                    name,
                }
            }
            Err(tried) => {
                let mut because: Vec<(String, String)> = Vec::new();
                for (rule, loosely) in rooms.first().map_or(&[][..], |room| room.loose.as_slice()) {
                    because.push((rule_name(program, *rule), (*loosely).to_owned()));
                }
                let mut rules: Vec<String> = Vec::new();
                for rule in rooms.first().map_or(&[][..], |room| room.rules.as_slice()) {
                    let rule = rule_name(program, *rule);
                    if !rules.contains(&rule) {
                        rules.push(rule);
                    }
                }
                Promised { name, known: Known::Undecided { why, rules, because, tried } }
            }
        }
    }

    /// Whether a promise is broken by no more than a smallest unit for each effect that may be rounded.
    fn is_rounding(&self, decision: &Decision, broken: &Broken, promise: &typed::Promise) -> bool {
        let program: &Program = self.engine.program();
        let kind = program.events.iter().zip(0u32..).find(|(kind, _)| kind.name == decision.kind);
        let Some((_, kind)) = kind else { return false };
        let may_round = self.prover.rounding(EventId(kind));
        let account = promise.account.and_then(|account| program.accounts.get(account.index()));
        let decimals = account.map_or(program.currency.decimals, |account| account.decimals);
        let digits = decimals.saturating_add(FURTHER_DIGITS);
        let side = |side: &Option<String>| decimal::parse(side.as_deref()?, digits).ok().map(i128::from);
        let (Some(left), Some(right)) = (side(&broken.left), side(&broken.right)) else { return false };
        let mut places = 0i128;
        for effect in decision.effects.iter().filter(|effect| broken.rules.contains(&effect.rule)) {
            let rounds = may_round.iter().any(|rule| rule_name(program, *rule) == effect.rule);
            // What is spread over several lines is rounded on each.
            if rounds || effect.lines.len() > 1 {
                let on_line =
                    |share: &&crate::decision::Share| broken.line.is_none_or(|line| line == share.line);
                let shares = effect.lines.iter().filter(on_line).count().max(1);
                places = places.saturating_add(i128::try_from(shares).unwrap_or(1));
            }
        }
        let unit = 10i128.checked_pow(u32::from(FURTHER_DIGITS)).unwrap_or(1);
        left.abs_diff(right) <= places.saturating_mul(unit).unsigned_abs()
    }

    /// What is known of bounds that are declared beside each other.
    pub fn bounds(&self) -> Vec<Bounded> {
        bounds(&self.prover)
    }

    /// What is known of each pair of rules of one group; of all pairs, where that is asked.
    pub fn overlaps(&self, of_all_groups: bool) -> Vec<PairAnswer> {
        let program: &Program = self.engine.program();
        let pairs: Vec<Pair> =
            pairs(&self.prover).into_iter().filter(|pair| of_all_groups || pair.group.is_some()).collect();
        // Events that each rule has an effect in show most pairs at once.
        let mut seen: Vec<(Value, Decision, Fired)> = Vec::new();
        let maker = Maker::new(program);
        let mut random = Random::new(4);
        for (rule, id) in program.rules.iter().zip(0u32..) {
            for (at, kind) in rule.events.iter().cycle().take(EACH.min(self.tries)).enumerate() {
                let wish = Wish { kind: *kind, rules: vec![RuleId(id)], ..Wish::default() };
                let event = maker.make(&wish, at % 2 == 1, &mut random);
                let Some(decision) = self.decide(&event) else { continue };
                let fired = Fired::of(&decision);
                if fired.rules.len() > 1 {
                    seen.push((event, decision, fired));
                }
            }
        }
        pairs.iter().map(|pair| self.meets(pair, &seen)).collect()
    }

    /// What is known of each rule.
    pub fn rules(&self) -> Vec<RuleAnswer> {
        let program: &Program = self.engine.program();
        let found = rules(&self.prover);
        let mut answers = Vec::new();
        for (rule, id) in program.rules.iter().zip(0u32..) {
            let id = RuleId(id);
            let dead = found.dead.iter().find(|(rule, _)| *rule == id).map(|(_, why)| *why);
            let shadow = found.shadows.iter().find(|shadow| shadow.rule == id);
            let fires = match (dead, shadow) {
                (Some(why), _) => Fires::Never(why),
                (None, _) if found.off.contains(&id) => Fires::Off,
                (None, Some(shadow)) => {
                    let by = shadow.by.iter().map(|by| (rule_name(program, by.rule), by.gives)).collect();
                    let witness = self.gives_way(id, &rule.events);
                    if shadow.together {
                        Fires::ShadowedTogether(by, witness)
                    } else {
                        Fires::Shadowed(by, witness)
                    }
                }
                (None, None) => self.fires(id, &rule.events),
            };
            answers.push(RuleAnswer { rule: rule.name.clone(), fires });
        }
        answers
    }

    /// An event in which a rule gives way, made as small as it can be.
    fn gives_way(&self, rule: RuleId, events: &[EventId]) -> Option<Box<Witness>> {
        let name = rule_name(self.engine.program(), rule);
        let wishes = of_rules(events, &[rule]);
        let loses = |decision: &Decision| decision.displaced.iter().any(|displaced| displaced.rule == name);
        self.search(&wishes, self.tries / 5, &loses).ok().map(Box::new)
    }

    fn fires(&self, rule: RuleId, events: &[EventId]) -> Fires {
        let program: &Program = self.engine.program();
        let name = rule_name(program, rule);
        let wishes = of_rules(events, &[rule]);
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
                    Fires::GaveWay(winners.into_iter().collect(), lost)
                }
            }
        }
    }

    fn meets(&self, pair: &Pair, seen: &[(Value, Decision, Fired)]) -> PairAnswer {
        let program: &Program = self.engine.program();
        let (first, second) = (rule_name(program, pair.first), rule_name(program, pair.second));
        let hears = |rule: RuleId| program.rules.get(rule.index()).map_or(&[][..], |rule| &rule.events);
        let kinds: Vec<EventId> =
            hears(pair.first).iter().copied().filter(|kind| hears(pair.second).contains(kind)).collect();
        let wishes = of_rules(&kinds, &[pair.first, pair.second]);
        let most = if pair.group.is_some() { self.tries / 5 } else { self.tries / 50 };
        let ask = |apart: bool, both: &dyn Fn(&Fired) -> bool| {
            if apart {
                return Meets::Never;
            }
            if let Some((event, decision, _)) = seen.iter().find(|(_, _, fired)| both(fired)) {
                let (event, decision) = (event.clone(), decision.clone());
                return Meets::In(Box::new(Witness { event, decision, broken: None, only_rounding: false }));
            }
            match self.search(&wishes, most, &|decision: &Decision| both(&Fired::of(decision))) {
                Ok(witness) => Meets::In(Box::new(witness)),
                Err(tried) => Meets::Unknown(tried),
            }
        };
        let on_event = |fired: &Fired| fired.rules.contains(&first) && fired.rules.contains(&second);
        let on_line = |fired: &Fired| {
            let lines = fired.lines.iter().filter(|(rule, _)| *rule == first);
            lines.into_iter().any(|(_, line)| fired.lines.contains(&(second.clone(), *line)))
        };
        let meets = ask(pair.apart, &on_event);
        let on_lines = pair.of_lines.then(|| match meets {
            Meets::Never => Meets::Never,
            Meets::Unknown(tried) if !pair.apart_on_lines => Meets::Unknown(tried),
            Meets::In(_) | Meets::Unknown(_) => ask(pair.apart_on_lines, &on_line),
        });
        let group = pair.group.map(|group| group_name(program, group));
        PairAnswer { group, first, second, contested: pair.contested, meets, on_lines }
    }

    /// Decides an event by itself; nothing where it is refused.
    pub fn decide(&self, event: &Value) -> Option<Decision> {
        let text = event.to_string();
        match self.session.borrow_mut().as_mut() {
            Some(session) => session.decide_json(text.as_bytes()).ok(),
            None => self.engine.session().decide_json(text.as_bytes()).ok(),
        }
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
                None => return Witness { event, decision, broken: None, only_rounding: false },
            }
        }
    }
}

/// Rules that gave something in a decision, or gave way to another that did.
struct Fired {
    rules: BTreeSet<String>,
    /// With the lines on which they did.
    lines: BTreeSet<(String, u32)>,
}

impl Fired {
    fn of(decision: &Decision) -> Fired {
        let mut fired = Fired { rules: BTreeSet::new(), lines: BTreeSet::new() };
        for effect in &decision.effects {
            fired.rules.insert(effect.rule.clone());
            fired.lines.extend(effect.lines.iter().map(|share| (effect.rule.clone(), share.line)));
        }
        fired.rules.extend(decision.issued.iter().filter_map(|issued| issued.rule.clone()));
        fired.rules.extend(decision.gifts.iter().map(|gift| gift.rule.clone()));
        fired.rules.extend(decision.set.iter().map(|set| set.rule.clone()));
        fired.rules.extend(decision.tender.iter().map(|tender| tender.redemption.clone()));
        for displaced in &decision.displaced {
            // A rule that a set of pieces displaces, or the whole basket, is named without lines.
            fired.rules.insert(displaced.rule.clone());
            fired.lines.extend(displaced.lines.iter().map(|line| (displaced.rule.clone(), *line)));
        }
        fired
    }
}

fn of_rules(kinds: &[EventId], rules: &[RuleId]) -> Vec<Wish> {
    kinds.iter().map(|kind| Wish { kind: *kind, rules: rules.to_vec(), ..Wish::default() }).collect()
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
