//! From a programme's contact plans and streams of contacts to the optimiser's problem, and back to contacts with names:
//! which are made, why the others are not, what a limit is worth.
//!
//! Refuses to know files, and how a choice is made. Contacts are events of their own kind, read and worked out as all events
//! are; windows become days here, since the optimiser knows no calendar.

use crate::batch::{self, Format, Input};
use crate::engine::{Engine, Session};
use crate::record::{ReadEvent, Reader, Schema};
use perq_compiler::calendar;
use perq_compiler::ir::contacts::{CONTACT, MARKS};
use perq_compiler::ir::{ContactCount, ContactRuleKind, ContactWindow, MISSING, Program, SlotId, event_slot};
use perq_optimizer as optimizer;
use perq_optimizer::{
    Amounts, Class, Compare, Counted, Dropped, Each, Exception, Limit, Link, Never, Past, Problem, Rule,
    Scope, Window,
};
pub use perq_optimizer::{
    Conflict, Options, ProblemError, Progress, RowPrice, Shortfall, Solution, Span, Use,
};
use rustc_hash::FxHashMap;
use std::io::{self, Read};

/// Names, numbered as they come.
#[derive(Debug, Default)]
struct Names {
    numbers: FxHashMap<Box<str>, u32>,
    list: Vec<Box<str>>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.list.len() as u32;
        self.numbers.insert(name.into(), number);
        self.list.push(name.into());
        number
    }

    fn name(&self, number: u32) -> &str {
        self.list.get(number as usize).map_or("", |name| name)
    }
}

/// Texts one after another.
#[derive(Debug, Default)]
struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    fn pop(&mut self) {
        self.ends.pop();
        self.text.truncate(self.ends.last().map_or(0, |end| *end as usize));
    }

    fn get(&self, at: usize) -> &str {
        let end = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
        let start = if at == 0 { 0 } else { end(at - 1) };
        self.text.get(start..end(at)).unwrap_or("")
    }
}

/// A contact as it was read.
#[derive(Clone, Copy, Debug)]
struct Row {
    member: u32,
    offer: u32,
    channel: u32,
    /// Above zero where it names one.
    package: u32,
    day: i32,
    marks: u128,
    score: i64,
}

/// What was wrong with a record of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its line.
    pub line: u64,
    /// Why.
    pub why: String,
}

/// Contacts, numbered: those that are proposed, and those that were made.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    members: Names,
    offers: Names,
    channels: Names,
    packages: Names,
    ids: Texts,
    rows: Vec<Row>,
    columns: Vec<Vec<i64>>,
    past: Vec<Row>,
    log: Log,
}

/// Contacts that were made, as questions about one more ask for them: nothing is looked through that has no part in the answer.
#[derive(Debug, Default)]
struct Log {
    /// How many of the pool's it knows.
    known: usize,
    /// Of each member, by position.
    of_member: FxHashMap<u32, Vec<u32>>,
    /// Of each sort that members share a limit of, by day.
    of_sort: FxHashMap<(u32, i32), i64>,
}

impl Log {
    fn learn(&mut self, past: &[Row], program: &Program) {
        let shared: Vec<u32> = shared_sorts(program).collect();
        for (at, row) in past.iter().enumerate().skip(self.known) {
            self.of_member.entry(row.member).or_default().push(at as u32);
            for sort in shared.iter().filter(|sort| row.marks >> **sort & 1 == 1) {
                *self.of_sort.entry((*sort, row.day)).or_insert(0) += 1;
            }
        }
        self.known = past.len();
    }
}

/// Sorts of which all members share a limit in which what was before counts; each once.
fn shared_sorts(program: &Program) -> impl Iterator<Item = u32> {
    let mut sorts: Vec<u32> = program
        .contacts
        .rules
        .iter()
        .filter_map(|rule| match &rule.kind {
            ContactRuleKind::Count { sort, window, .. } => {
                (*window != ContactWindow::Session).then_some(*sort)
            }
            ContactRuleKind::Amount { .. }
            | ContactRuleKind::Each { .. }
            | ContactRuleKind::Never { .. }
            | ContactRuleKind::Only { .. } => None,
        })
        .collect();
    sorts.sort_unstable();
    sorts.dedup();
    sorts.into_iter()
}

/// Whether a rule can keep a contact of these sorts back.
fn can_hold(kind: &ContactRuleKind, marks: u128) -> bool {
    let has = |sort: &u32| marks >> sort & 1 == 1;
    match kind {
        ContactRuleKind::Count { sort, at_most, exceptions, .. } => {
            has(sort) && (at_most.is_some() || exceptions.iter().any(|own| own.at_most.is_some()))
        }
        ContactRuleKind::Amount { sort, soft, .. } => has(sort) && !soft,
        ContactRuleKind::Each { members, sort, at_most, .. } => {
            has(sort) && at_most.is_some() && members.as_ref().is_none_or(has)
        }
        ContactRuleKind::Never { members, first, second, .. } => {
            (has(first) || has(second)) && members.as_ref().is_none_or(has)
        }
        ContactRuleKind::Only { members, sort, .. } => has(sort) && members.as_ref().is_none_or(has),
    }
}

impl Pool {
    pub fn new(program: &Program) -> Pool {
        let mut pool = Pool { columns: vec![Vec::new(); program.contacts.columns.len()], ..Pool::default() };
        pool.packages.number("");
        pool
    }

    /// Takes in a contact that was read and worked out.
    ///
    /// # Errors
    /// Why it is none.
    pub fn add(
        &mut self,
        program: &Program,
        schema: &Schema,
        reader: &Reader,
        event: &ReadEvent,
        what: As,
    ) -> Result<(), String> {
        let contacts = &program.contacts;
        let Some(slots) = contacts.slots else { return Err("the programme has no contact plans".to_owned()) };
        let Some(member) = event.member() else { return Err("the contact has no member".to_owned()) };
        let slot = |slot: SlotId| event.record.event.get(slot.index()).copied().unwrap_or(MISSING);
        let mut marks = 0u128;
        let mut failed = false;
        for (at, mark) in contacts.marks.iter().enumerate() {
            let own = slot(*mark);
            failed |= own == MISSING;
            marks |= u128::from(own.max(0).unsigned_abs()) << (at * MARKS);
        }
        let day =
            i32::try_from(slot(event_slot::DATE)).map_err(|_| "the day cannot be counted".to_owned())?;
        let score = contacts.score.map_or(0, slot);
        let columns: Vec<i64> = contacts.columns.iter().map(|column| slot(*column)).collect();
        failed |= what == As::Proposed && (score == MISSING || columns.contains(&MISSING));
        if failed {
            return Err("what the plans ask of the contact cannot be worked out".to_owned());
        }
        let symbol = |slot: SlotId| symbol(program, reader, event, schema, slot);
        let row = Row {
            member: self.members.number(member),
            offer: self.offers.number(&symbol(slots.offer)),
            channel: self.channels.number(&symbol(slots.channel)),
            package: self.packages.number(&symbol(slots.package)),
            day,
            marks,
            score,
        };
        match what {
            As::Made => self.past.push(row),
            As::Proposed => {
                self.rows.push(row);
                self.ids.push(event.id());
                for (list, amount) in self.columns.iter_mut().zip(columns) {
                    list.push(amount);
                }
            }
        }
        Ok(())
    }

    /// The contact that was proposed last was made, and is not proposed.
    pub fn make(&mut self) {
        self.past.extend(self.rows.pop());
        self.ids.pop();
        for column in &mut self.columns {
            column.pop();
        }
    }

    /// The ids of the contacts that are chosen, in order.
    ///
    /// # Errors
    /// Why nothing can be chosen.
    pub fn choose(&self, program: &Program) -> Result<Vec<String>, String> {
        let posed = self.posed(program).map_err(|error| error.to_string())?;
        let solution = optimizer::solve(&posed.problem, &Options::default(), &mut |_| {});
        let solution = solution.map_err(|error| error.to_string())?;
        let rows = solution.chosen.contacts().filter_map(|contact| posed.order.get(contact));
        let mut ids: Vec<String> = rows.map(|row| self.ids.get(*row as usize).to_owned()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The question whether the one contact that is proposed may be made, with the numbers of the rules that can keep it back: its
    /// member's contacts, and of those of others only how many there were.
    fn asked(&mut self, program: &Program) -> Result<Option<(Problem, Vec<usize>)>, ProblemError> {
        let mut log = std::mem::take(&mut self.log);
        log.learn(&self.past, program);
        let posed = self.first_asked(program, &log);
        self.log = log;
        posed
    }

    fn first_asked(
        &self,
        program: &Program,
        log: &Log,
    ) -> Result<Option<(Problem, Vec<usize>)>, ProblemError> {
        let Some(row) = self.rows.first() else { return Ok(None) };
        let session = Span { first: row.day, last: row.day };
        let numbers: Vec<usize> = (0..program.contacts.rules.len())
            .filter(|at| program.contacts.rules.get(*at).is_some_and(|rule| can_hold(&rule.kind, row.marks)))
            .collect();
        let kinds = numbers.iter().filter_map(|at| program.contacts.rules.get(*at));
        let rules = kinds.map(|rule| rule_of(&rule.kind, Some(session), program.week_starts)).collect();
        let mut problem = Problem { session: Some(session), rules, ..Problem::default() };
        // A package without a name is what goes by one channel on one day.
        let package = |own: &Row| -> u32 {
            let key = (own.package > 0, own.package, own.channel, own.day);
            let new = (row.package > 0, row.package, row.channel, row.day);
            let same = if own.package > 0 { own.package == row.package } else { key == new };
            if same { 0 } else { 1 }
        };
        let mine = log.of_member.get(&row.member).map_or(&[][..], Vec::as_slice);
        let mine: Vec<&Row> = mine.iter().filter_map(|at| self.past.get(*at as usize)).collect();
        // What is sent together has one number, and the new contact's is 0.
        let mut bundles: FxHashMap<(u32, u32, i32), u32> = FxHashMap::default();
        for own in std::iter::once(&row).chain(&mine) {
            let class = Class { day: own.day, scopes: own.marks };
            problem.classes.push(class);
            let number = problem.classes.len() as u32 - 1;
            let together = if package(own) == 0 {
                0
            } else {
                let key = if own.package > 0 { (own.package, 0, 0) } else { (0, own.channel, own.day) };
                let next = bundles.len() as u32 + 1;
                *bundles.entry(key).or_insert(next)
            };
            if number == 0 {
                problem.class.push(0);
                problem.offer.push(own.offer);
                problem.package.push(together);
                problem.score.push(own.score);
            } else {
                problem.history.push(Past { class: number, offer: own.offer, package: together });
            }
        }
        problem.columns = self.columns.iter().map(|_| Amounts::with_capacity(1)).collect();
        for (list, own) in problem.columns.iter_mut().zip(&self.columns) {
            list.push(own.first().copied().unwrap_or(0));
        }
        problem.members = vec![0, 1];
        problem.history_of = vec![0, problem.history.len() as u32];
        for rule in &problem.rules {
            let Rule::Count(limit) = rule else { continue };
            let (sort, scope) = (u32::from(limit.scope.0), 1u128 << limit.scope.0);
            let known = problem.others.iter().any(|(class, _)| class.scopes == scope);
            if !limit.window.history || known {
                continue;
            }
            let spans = &limit.window.spans;
            let Some((first, last)) = spans.first().zip(spans.last()) else { continue };
            let mut add = |day: i32, count: i64| {
                let mine = mine.iter().filter(|own| own.day == day && own.marks & scope != 0).count() as i64;
                problem.others.push((Class { day, scopes: scope }, count - mine));
            };
            // Where windows are wide, fewer days have contacts than they have.
            if i64::from(last.last) - i64::from(first.first) > log.of_sort.len() as i64 {
                log.of_sort
                    .iter()
                    .filter(|((of, _), _)| *of == sort)
                    .for_each(|((_, day), count)| add(*day, *count));
            } else {
                for day in first.first..=last.last {
                    if let Some(count) = log.of_sort.get(&(sort, day)) {
                        add(day, *count);
                    }
                }
            }
        }
        problem.check()?;
        Ok(Some((problem, numbers)))
    }

    fn posed(&self, program: &Program) -> Result<Posed, ProblemError> {
        let drop_of = |row: &Row| {
            let drops = program.contacts.drops.iter();
            drops.enumerate().find(|(_, drop)| row.marks >> drop.sort & 1 == 1).map(|(at, _)| at as u32)
        };
        let dropped: Vec<Option<u32>> = self.rows.iter().map(drop_of).collect();
        // Of each member together, in the order in which members come first.
        let mut order: Vec<u32> =
            (0..self.rows.len() as u32).filter(|at| dropped[*at as usize].is_none()).collect();
        order.sort_by_key(|at| self.rows[*at as usize].member);
        let mut problem = Problem { members: vec![0], history_of: vec![0], ..Problem::default() };
        let days = self.rows.iter().map(|row| row.day);
        if let Some((first, last)) = days.clone().min().zip(days.max()) {
            problem.session = Some(Span { first, last });
        }
        let packages =
            program.contacts.rules.iter().any(|rule| {
                matches!(rule.kind, ContactRuleKind::Each { counted: ContactCount::Packages, .. })
            });
        let mut classes: FxHashMap<Class, u32> = FxHashMap::default();
        let mut bundles: FxHashMap<(u32, u32, u32, i32), u32> = FxHashMap::default();
        let mut package = |row: &Row| {
            if !packages {
                return 0;
            }
            // Without a name, what goes by one channel on one day goes together.
            let key = if row.package > 0 {
                (row.member, row.package, 0, 0)
            } else {
                (row.member, 0, row.channel, row.day)
            };
            let next = bundles.len() as u32;
            *bundles.entry(key).or_insert(next)
        };
        let mut class = |row: &Row, list: &mut Vec<Class>| {
            let class = Class { day: row.day, scopes: row.marks };
            *classes.entry(class).or_insert_with(|| {
                list.push(class);
                (list.len() - 1) as u32
            })
        };
        let mut past_of: Vec<u32> = (0..self.past.len() as u32).collect();
        past_of.sort_by_key(|at| self.past[*at as usize].member);
        let mut placed = vec![false; self.past.len()];
        problem.columns = self.columns.iter().map(|_| Amounts::with_capacity(order.len())).collect();
        problem.score = Amounts::with_capacity(order.len());
        let mut at = 0;
        while let Some(first) = order.get(at) {
            let member = self.rows[*first as usize].member;
            while let Some(next) = order.get(at).filter(|next| self.rows[**next as usize].member == member) {
                let row = &self.rows[*next as usize];
                problem.score.push(row.score);
                problem.class.push(class(row, &mut problem.classes));
                problem.offer.push(row.offer);
                problem.package.push(package(row));
                for (list, own) in problem.columns.iter_mut().zip(&self.columns) {
                    list.push(own[*next as usize]);
                }
                at += 1;
            }
            problem.members.push(at as u32);
            let from = past_of.partition_point(|past| self.past[*past as usize].member < member);
            for past in past_of[from..].iter().take_while(|past| self.past[**past as usize].member == member)
            {
                let row = &self.past[*past as usize];
                placed[*past as usize] = true;
                let class = class(row, &mut problem.classes);
                problem.history.push(Past { class, offer: row.offer, package: package(row) });
            }
            problem.history_of.push(problem.history.len() as u32);
        }
        for (row, _) in self.past.iter().zip(&placed).filter(|(_, placed)| !**placed) {
            let class = class(row, &mut problem.classes);
            problem.history.push(Past { class, offer: row.offer, package: package(row) });
        }
        problem.rules = rules(program, problem.session);
        problem.check()?;
        Ok(Posed { problem, order, dropped })
    }
}

/// Contacts on their way to a plan.
pub struct Contacts {
    engine: Engine,
    session: Session,
    reader: Reader,
    event: ReadEvent,
    pool: Pool,
    refused: Vec<Refusal>,
    refusals: u64,
}

impl std::fmt::Debug for Contacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} contacts and {} before", self.pool.rows.len(), self.pool.past.len())
    }
}

/// Refusals that are kept with their reasons.
const KEPT: usize = 100;

/// What keeps a contact back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// `excluded`, `member`, `full`
    pub word: &'static str,
    /// The clause, as it is written.
    pub clause: String,
    /// Where it stands.
    pub place: Option<(String, u32)>,
}

/// A problem, and what it is of.
struct Posed {
    problem: Problem,
    /// The row of each contact of the problem.
    order: Vec<u32>,
    /// Of each row: the clause that keeps it out.
    dropped: Vec<Option<u32>>,
}

/// What a contact is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// It is proposed.
    Proposed,
    /// It was made.
    Made,
}

impl Contacts {
    /// For the plans of an engine's program; nothing where it has none.
    pub fn new(engine: &Engine) -> Option<Contacts> {
        let program = engine.program();
        if program.contacts.plans.is_empty() {
            return None;
        }
        Some(Contacts {
            engine: engine.clone(),
            session: engine.session_without_state(),
            reader: Reader::new(),
            event: ReadEvent::default(),
            pool: Pool::new(program),
            refused: Vec::new(),
            refusals: 0,
        })
    }

    /// Reads a stream.
    ///
    /// # Errors
    /// Where it is broken; a record that is no contact is refused, and counted.
    pub fn read(&mut self, stream: impl Read + Send, format: Format, what: As) -> io::Result<()> {
        let engine = self.engine.clone();
        let input = Input::Stream(Box::new(stream));
        batch::each_record(engine.schema(), input, format, &mut |record| {
            let line = record.line;
            let taken = match record.json {
                Ok(json) => self.take(json, what),
                Err(error) => Err(error.without_line()),
            };
            if let Err(why) = taken {
                self.refusals += 1;
                if self.refused.len() < KEPT {
                    self.refused.push(Refusal { line, why });
                }
            }
        })
    }

    /// Takes in one contact, as JSON.
    ///
    /// # Errors
    /// Why it is none.
    pub fn take(&mut self, json: &[u8], what: As) -> Result<(), String> {
        let engine = self.engine.clone();
        let program = engine.program();
        self.reader.read(engine.schema(), json, &mut self.event).map_err(|error| error.without_line())?;
        if program.events.get(self.event.record.kind.index()).is_none_or(|kind| kind.name != CONTACT) {
            return Err("the record is not of the kind `contact`".to_owned());
        }
        let mut reader = std::mem::take(&mut self.reader);
        let mut event = std::mem::take(&mut self.event);
        self.session.decide_read(&mut reader, &mut event);
        let added = self.pool.add(program, engine.schema(), &reader, &event, what);
        (self.reader, self.event) = (reader, event);
        added
    }

    /// Records that were refused: how many, and the first of them.
    pub fn refused(&self) -> (u64, &[Refusal]) {
        (self.refusals, &self.refused)
    }

    /// How many are proposed, and how many were made.
    pub fn counts(&self) -> (usize, usize) {
        (self.pool.rows.len(), self.pool.past.len())
    }

    /// The plans with the contacts.
    ///
    /// # Errors
    /// Where there is too much of something.
    pub fn plan(self) -> Result<Planned, ProblemError> {
        let Posed { problem, order, dropped } = self.pool.posed(self.engine.program())?;
        Ok(Planned { contacts: self, problem, order, dropped })
    }

    /// Whether one more contact may be made, given those that were: nothing where it may, else what keeps it back. It is the
    /// only one that is proposed, so what it takes must have been made. A contact that may be made counts as made from then
    /// on where `keep` says so.
    ///
    /// # Errors
    /// Why the record is no contact.
    pub fn admit(&mut self, json: &[u8], keep: bool) -> Result<Vec<Held>, String> {
        let engine = self.engine.clone();
        let program = engine.program();
        let columns = vec![Vec::new(); self.pool.columns.len()];
        let aside = (
            std::mem::take(&mut self.pool.rows),
            std::mem::take(&mut self.pool.ids),
            std::mem::replace(&mut self.pool.columns, columns),
        );
        let asked = self.take(json, As::Proposed);
        let asked = asked.and_then(|()| self.pool.asked(program).map_err(|error| error.to_string()));
        let row = self.pool.rows.first().copied();
        (self.pool.rows, self.pool.ids, self.pool.columns) = aside;
        let Some((problem, numbers)) = asked? else { return Ok(Vec::new()) };
        let marks = row.map_or(0, |row| row.marks);
        let mut held = Vec::new();
        // As for a plan, the first clause that excludes it is told.
        if let Some(drop) = program.contacts.drops.iter().find(|drop| marks >> drop.sort & 1 == 1) {
            held.push(Held {
                word: "excluded",
                clause: drop.text.clone(),
                place: own_place(program, drop.place),
            });
            return Ok(held);
        }
        for why in optimizer::admit(&problem) {
            let (word, rule) = match why {
                optimizer::Held::Rule(rule) => ("member", rule),
                optimizer::Held::Full(rule, _) => ("full", rule),
            };
            let rule = numbers.get(rule).and_then(|rule| program.contacts.rules.get(*rule));
            if let Some(rule) = rule {
                held.push(Held { word, clause: rule.text.clone(), place: own_place(program, rule.place) });
            }
        }
        if held.is_empty() && keep {
            self.pool.past.extend(row);
        }
        Ok(held)
    }

    /// The id of the contact that was read last.
    pub fn last_id(&self) -> &str {
        self.event.id()
    }
}

/// The name in a slot; nothing where it is missing.
fn symbol(program: &Program, reader: &Reader, event: &ReadEvent, schema: &Schema, slot: SlotId) -> String {
    let kind = program.layout.event.get(slot.index()).and_then(|slot| slot.ty.symbol());
    let number = event.record.event.get(slot.index()).copied().unwrap_or(MISSING);
    let name = kind.zip(u32::try_from(number).ok());
    name.and_then(|(kind, number)| reader.symbol_name(schema, kind.index(), number)).unwrap_or("").to_owned()
}

/// The rules in the optimiser's terms.
fn rules(program: &Program, session: Option<Span>) -> Vec<Rule> {
    let rules = program.contacts.rules.iter();
    rules.map(|own| rule_of(&own.kind, session, program.week_starts)).collect()
}

fn rule_of(kind: &ContactRuleKind, session: Option<Span>, week_starts: u8) -> Rule {
    let scope = |sort: u32| Scope(u8::try_from(sort).unwrap_or(u8::MAX));
    let window = |window: ContactWindow| spans(window, session, week_starts);
    match kind {
        ContactRuleKind::Count { sort, window: own, at_least, at_most, exceptions } => {
            let exceptions = exceptions.iter().map(|own| Exception {
                days: Span { first: day(own.first), last: day(own.last) },
                at_least: own.at_least,
                at_most: own.at_most,
            });
            Rule::Count(Limit {
                scope: scope(*sort),
                window: window(*own),
                at_least: *at_least,
                at_most: *at_most,
                exceptions: exceptions.collect(),
            })
        }
        ContactRuleKind::Amount { sort, column, times, minus, at_least, bound, soft, digits: _ } => {
            Rule::Amount {
                scope: scope(*sort),
                column: *column as usize,
                times: *times,
                minus: *minus,
                compare: if *at_least { Compare::AtLeast } else { Compare::AtMost },
                bound: *bound,
                soft: *soft,
            }
        }
        ContactRuleKind::Each { members, sort, window: own, counted, at_least, at_most, skip } => {
            Rule::Each(Each {
                members: members.map(scope),
                scope: scope(*sort),
                window: window(*own),
                counted: match counted {
                    ContactCount::Contacts => Counted::Contacts,
                    ContactCount::Packages => Counted::Packages,
                    ContactCount::OfEachOffer => Counted::OfEachOffer,
                },
                at_least: *at_least,
                at_most: *at_most,
                skip: *skip,
            })
        }
        ContactRuleKind::Never { members, first, second, in_order, window: own } => Rule::Never(Never {
            members: members.map(scope),
            first: scope(*first),
            second: scope(*second),
            window: window(*own),
            in_order: *in_order,
        }),
        ContactRuleKind::Only { members, sort, on, after, window: own } => Rule::Only(Link {
            members: members.map(scope),
            scope: scope(*sort),
            on: scope(*on),
            after: *after,
            window: window(*own),
        }),
    }
}

fn day(day: i64) -> i32 {
    i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
}

/// The windows of a kind that touch the session.
fn spans(window: ContactWindow, session: Option<Span>, week_starts: u8) -> Window {
    let Some(session) = session else { return Window { spans: Vec::new(), history: false } };
    let (first, last) = (i64::from(session.first), i64::from(session.last));
    let span = |first: i64, last: i64| Span { first: day(first), last: day(last) };
    let spans = match window {
        ContactWindow::Session => vec![session],
        ContactWindow::Ever => vec![Span { first: i32::MIN, last: i32::MAX }],
        ContactWindow::Days(days) => {
            let days = i64::from(days);
            (first - days + 1..=last).map(|first| span(first, first + days - 1)).collect()
        }
        ContactWindow::Months(months) => {
            let months = i64::from(months);
            let from = calendar::add_months(first, -months) - 3;
            let windows = (from..=last).map(|own| span(own, calendar::add_months(own, months) - 1));
            windows.filter(|own| own.last >= session.first).collect()
        }
        ContactWindow::Each(period) => {
            let mut spans = Vec::new();
            let mut from = calendar::start(first, period, week_starts);
            while from <= last {
                let next = calendar::next(from, period, week_starts);
                spans.push(span(from, next - 1));
                // A calendar that does not go on has come to its end.
                if next <= from {
                    break;
                }
                from = next;
            }
            spans
        }
    };
    Window { spans, history: window != ContactWindow::Session }
}

/// Contacts and the problem that they are.
pub struct Planned {
    contacts: Contacts,
    /// What is asked of the optimiser.
    pub problem: Problem,
    /// The row of each contact of the problem.
    order: Vec<u32>,
    /// Of each row: the clause that keeps it out.
    dropped: Vec<Option<u32>>,
}

impl std::fmt::Debug for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?}, {} of them of {} members",
            self.contacts,
            self.order.len(),
            self.problem.member_count()
        )
    }
}

/// A contact with its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// Its id.
    pub id: &'a str,
    /// Whose.
    pub member: &'a str,
    /// Of which offer.
    pub offer: &'a str,
    /// By which channel.
    pub channel: &'a str,
    /// When; days since 1970-01-01.
    pub day: i64,
    /// What it is worth, in millionths.
    pub score: i64,
    /// Why it is not made.
    pub dropped: Option<Why<'a>>,
}

/// Why a contact is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why<'a> {
    /// `excluded`, `worth`, `member`, `least`, `full`, `price`
    pub word: &'static str,
    /// The clause, as it is written.
    pub clause: Option<&'a str>,
    /// Where it stands.
    pub place: Option<(&'a str, u32)>,
    /// The window of a limit that members share.
    pub span: Option<Span>,
}

impl Planned {
    /// Bounds that contradict each other, or that these contacts cannot meet: of all least numbers, or of these alone.
    pub fn conflicts(&self, threads: usize, only: Option<&[Shortfall]>) -> Vec<Conflict> {
        optimizer::conflicts(&self.problem, threads, only)
    }

    /// Chooses.
    ///
    /// # Errors
    /// Where the problem cannot be taken.
    pub fn solve(&self, options: &Options, tell: &mut dyn FnMut(Progress)) -> Result<Solution, ProblemError> {
        optimizer::solve(&self.problem, options, tell)
    }

    /// How many digits of a rule's amounts count; none where it counts contacts.
    pub fn digits(&self, rule: usize) -> Option<u8> {
        match &self.contacts.engine.program().contacts.rules.get(rule)?.kind {
            ContactRuleKind::Amount { digits, .. } => Some(*digits),
            ContactRuleKind::Count { .. }
            | ContactRuleKind::Each { .. }
            | ContactRuleKind::Never { .. }
            | ContactRuleKind::Only { .. } => None,
        }
    }

    /// Whether a rule bounds an average, of which nothing is left over.
    pub fn is_average(&self, rule: usize) -> bool {
        let own = self.contacts.engine.program().contacts.rules.get(rule);
        own.is_some_and(|own| match &own.kind {
            ContactRuleKind::Amount { times, minus, .. } => *times != 1 || *minus != 0,
            ContactRuleKind::Count { .. }
            | ContactRuleKind::Each { .. }
            | ContactRuleKind::Never { .. }
            | ContactRuleKind::Only { .. } => false,
        })
    }

    /// The text of a rule, and where it stands.
    pub fn clause(&self, rule: usize) -> (&str, Option<(&str, u32)>) {
        let program = self.contacts.engine.program();
        match program.contacts.rules.get(rule) {
            Some(own) => (&own.text, place(program, own.place)),
            None => ("", None),
        }
    }

    /// Every contact in the order of the input, with what became of it.
    pub fn told<'a>(&'a self, solution: &Solution) -> Vec<Told<'a>> {
        let program = self.contacts.engine.program();
        let mut why: Vec<Option<Why<'a>>> = self
            .dropped
            .iter()
            .map(|drop| {
                let drop = program.contacts.drops.get((*drop)? as usize)?;
                let place = place(program, drop.place);
                Some(Why { word: "excluded", clause: Some(&drop.text), place, span: None })
            })
            .collect();
        optimizer::why_dropped(&self.problem, solution, &mut |contact, dropped| {
            let (word, rule, span) = match dropped {
                Dropped::Worth => ("worth", None, None),
                Dropped::Rule(rule) => ("member", Some(rule), None),
                Dropped::Least(rule) => ("least", Some(rule), None),
                Dropped::Full(rule, span) => ("full", Some(rule), Some(span)),
                Dropped::Price(rule, span) => ("price", Some(rule), Some(span)),
            };
            let clause = rule.map(|rule| self.clause(rule));
            let (clause, place) = (clause.map(|clause| clause.0), clause.and_then(|clause| clause.1));
            let row = self.order.get(contact).and_then(|row| why.get_mut(*row as usize));
            if let Some(row) = row {
                *row = Some(Why { word, clause, place, span });
            }
        });
        let contacts = &self.contacts.pool;
        let tell = |(at, (row, why)): (usize, (&Row, Option<Why<'a>>))| Told {
            id: contacts.ids.get(at),
            member: contacts.members.name(row.member),
            offer: contacts.offers.name(row.offer),
            channel: contacts.channels.name(row.channel),
            day: i64::from(row.day),
            score: row.score,
            dropped: why,
        };
        contacts.rows.iter().zip(why).enumerate().map(tell).collect()
    }
}

fn place(program: &Program, place: perq_compiler::ir::PlaceId) -> Option<(&str, u32)> {
    let place = program.places.get(place.index())?;
    let source = program.sources.get(place.file as usize)?;
    Some((&source.path, place.line))
}

fn own_place(program: &Program, id: perq_compiler::ir::PlaceId) -> Option<(String, u32)> {
    place(program, id).map(|(path, line)| (path.to_owned(), line))
}
