//! What events reach of a program: on how many of them each rule gives something, and on how many a row of a table or an arm
//! of a choice is the one that fits.
//!
//! Counts, and refuses to judge: a rule that a year does not reach may be for Christmas. Rows are told by the interpreter,
//! which has done the instructions of some and not of others.

use crate::batch::{self, Format, Input};
use crate::engine::{Engine, Session};
use crate::record::{ReadEvent, Reader};
use perq_compiler::evaluate::Decision;
use perq_compiler::interpret::marks::Marks;
use perq_compiler::ir::{RuleId, event_slot};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// The rules that a decision reaches, as often as they give something; redemptions that it pays with are among them.
pub fn reached(decision: &Decision) -> impl Iterator<Item = RuleId> + '_ {
    decision.acting().chain(decision.tenders.iter().map(|tender| tender.redemption))
}

/// On how many events something became of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// It gives something.
    pub gave: u64,
    /// It loses against another, somewhere.
    pub displaced: u64,
    /// A limit takes something from it.
    pub cut: u64,
    /// It fails.
    pub failed: u64,
}

/// What a stream of events reaches.
pub struct Cover {
    session: Session,
    reader: Reader,
    event: ReadEvent,
    marks: Arc<Marks>,
    /// By rule.
    pub rules: Vec<Reach>,
    /// By arm, in the order in which they were given to the marks: the events that come by it.
    pub arms: Vec<u64>,
    /// Events that were decided.
    pub events: u64,
    /// Records that were refused, by the name of the error.
    pub refused: BTreeMap<&'static str, u64>,
    /// The first and the last local day, counted from 1970-01-01.
    pub period: Option<(i64, i64)>,
}

impl Cover {
    /// Of an engine that marks its arms ([`crate::engine::EngineBuilder::marking`]).
    pub fn new(engine: &Engine, marks: Arc<Marks>, arms: usize) -> Cover {
        Cover {
            rules: vec![Reach::default(); engine.program().rules.len()],
            session: engine.session(),
            reader: Reader::new(),
            event: ReadEvent::default(),
            marks,
            arms: vec![0; arms],
            events: 0,
            refused: BTreeMap::new(),
            period: None,
        }
    }

    /// Decides the events of a stream, one after another, on what was decided before. `progress` is told their number.
    ///
    /// # Errors
    /// Where the stream is broken; what came before is counted.
    pub fn over(
        &mut self,
        input: Input<'_>,
        format: Format,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<()> {
        let engine = self.session.engine().clone();
        batch::each_record(engine.schema(), input, format, &mut |record| {
            match record.json {
                Ok(json) => self.record(&engine, json),
                Err(error) => *self.refused.entry(error.name()).or_default() += 1,
            }
            if self.events.is_multiple_of(500) {
                progress(self.events);
            }
        })
    }

    fn record(&mut self, engine: &Engine, json: &[u8]) {
        let Cover { session, reader, event, marks, rules, arms, events, refused, period } = self;
        if let Err(error) = reader.read(engine.schema(), json, event) {
            *refused.entry(error.name()).or_default() += 1;
            return;
        }
        let decision = session.decide_read(reader, event);
        *events += 1;
        let day = event.record.event.get(event_slot::DATE.index()).copied().unwrap_or(0);
        let (first, last) = period.unwrap_or((day, day));
        *period = Some((first.min(day), last.max(day)));
        // What an event brings about, such as a change of level, belongs to it.
        let all = || std::iter::once(decision).chain(&decision.raised);
        let mut count = |which: BTreeSet<RuleId>, field: fn(&mut Reach) -> &mut u64| {
            for rule in which {
                if let Some(reach) = rules.get_mut(rule.index()) {
                    *field(reach) += 1;
                }
            }
        };
        count(all().flat_map(reached).collect(), |reach| &mut reach.gave);
        count(all().flat_map(|one| &one.displaced).map(|lost| lost.rule).collect(), |reach| {
            &mut reach.displaced
        });
        count(all().flat_map(|one| &one.cuts).map(|cut| cut.rule).collect(), |reach| &mut reach.cut);
        count(all().flat_map(|one| &one.faults).map(|fault| fault.rule).collect(), |reach| &mut reach.failed);
        for arm in marks.take() {
            if let Some(met) = arms.get_mut(arm) {
                *met += 1;
            }
        }
    }
}
