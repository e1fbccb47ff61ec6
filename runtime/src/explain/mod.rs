//! Explains a decision: the way of each line's price, who gave which points, and for every rule without an effect why it
//! has none, with the values that its conditions met and how far away they are.
//!
//! The decision is the engine's. What is told beside it comes from the same evaluation with the interpreter watched
//! ([`perq_compiler::interpret::trace`]), whose decision must be the same. Opens nothing: whoever has the texts of the
//! rules gives a way to quote them.

mod past;
mod words;

pub use past::{Past, replay};

use crate::decision::{self, Decision};
use crate::engine::{Engine, Session};
use crate::record::{ReadEvent, RecordError};
use perq_compiler::evaluate::{self, Claimed, FUEL, HiddenWhy, Proposals, RecordView};
use perq_compiler::interpret::Scratch;
use perq_compiler::interpret::trace::{self, Seen, Trace, Witness};
use perq_compiler::ir::{
    AccountId, Offer, PlaceId, Program, Role, Rule, RuleId, SourcePlace, event_slot, line_slot,
};
use serde::Serialize;
use words::Words;

/// Rows of which it is told one by one why they were refused.
const ROWS: usize = 50;

/// Evaluations that may be spent on what one displaced rule would have given.
const TRIES: usize = 16;

/// Quotes the text of a place of a file of the program's sources.
pub type Quote<'q> = &'q dyn Fn(&str, &SourcePlace) -> Option<String>;

/// Why an event is not explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExplainError {
    /// The event cannot be read.
    Record(Box<RecordError>),
    /// It is a return that brings nothing back.
    Return {
        /// The lasting name of the reason.
        name: &'static str,
        /// The reason in words.
        words: String,
    },
    /// The watched interpreter decided otherwise than the engine: a mistake of perq.
    Differs,
}

/// A place in the author's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The file, as the compiler was given it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The text, on one line, where it is at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// An amount, of the currency or of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// As a decimal.
    pub amount: String,
    /// The currency, of discounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The account, of awards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The id of the member who gets it, where that is not the event's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The unit's word for people: the currency, or what the account counts.
    #[serde(skip)]
    pub unit: String,
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The decision, as a run gives it.
    pub decision: Decision,
    /// What the clock in the program's zone says.
    pub local: Local,
    /// The way of each line's price.
    pub receipt: Vec<Line>,
    /// What each account gets, and from whom.
    pub accounts: Vec<Account>,
    /// Every rule, in the order of settlement.
    pub rules: Vec<RuleReport>,
    /// Every offer that the event was asked about: those that are shown in their order, then the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<OfferReport>,
}

/// An offer and what became of it; what is shown stands in the decision, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferReport {
    /// Its key.
    pub offer: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// At which place it is shown, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<usize>,
    /// The clause that hides it, or what else does, as decisions write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// That clause; where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Spot>,
    /// How it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// Those that took its place, by slot or by goal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instead: Vec<String>,
}

/// A local date and time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Local {
    /// Such as `2026-03-01`.
    pub date: String,
    /// Such as `09:00`.
    pub time: String,
    /// `mon` to `sun`.
    pub weekday: String,
}

/// A line of the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// From 1.
    pub line: u32,
    /// Its sku.
    pub sku: String,
    /// Pieces.
    pub pieces: i64,
    /// The price of a piece.
    pub price: String,
    /// Before any discount.
    pub initial: String,
    /// What takes off, in the order of settlement.
    pub steps: Vec<Step>,
    /// What is left.
    pub paid: String,
    /// Its tax, where the program says how tax stands in prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<String>,
}

/// A discount on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The rule.
    pub rule: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Pieces that it is about.
    pub pieces: i64,
    /// What it takes off.
    pub amount: String,
    /// What it leaves.
    pub left: String,
}

/// What an account gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its key.
    pub account: String,
    /// What it counts.
    pub unit: String,
    /// The sum.
    pub amount: String,
    /// From whom.
    pub from: Vec<Gift>,
}

/// A rule's part of what an account gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gift {
    /// The rule.
    pub rule: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How much.
    pub amount: String,
}

/// Why a rule has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It hears other kinds of events.
    Event,
    /// A condition does not hold.
    Condition,
    /// It found no line.
    Selection,
    /// What it gives comes to nothing.
    Nothing,
    /// Others took its place.
    Displaced,
    /// A limit took all of it.
    Limit,
    /// It failed.
    Error,
}

/// A rule and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleReport {
    /// Its key.
    pub rule: String,
    /// Its title.
    pub title: Option<String>,
    /// Its group.
    pub group: String,
    /// Where it is written.
    pub place: Spot,
    /// Whether the decision has an effect of it.
    pub fired: bool,
    /// The amounts that it gives; what it issues and sets stands in the decision.
    pub gave: Vec<Amount>,
    /// Products that it gives or offers.
    pub gifts: Vec<String>,
    /// Why it gives nothing.
    pub why: Option<Why>,
    /// The kinds of events that it hears.
    pub hears: Vec<String>,
    /// Conditions that do not hold.
    pub conditions: Vec<Unmet>,
    /// What became of the lines that it looked at.
    pub selections: Vec<Selection>,
    /// What it picked among those that the filters let through.
    pub picks: Vec<Picked>,
    /// To whom it lost.
    pub displaced: Vec<Lost>,
    /// What limits took.
    pub cut: Vec<Cut>,
    /// Why it failed.
    pub error: Option<Failed>,
}

/// A condition that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmet {
    /// Its text.
    #[serde(flatten)]
    pub place: Spot,
    /// What of it does not hold.
    pub parts: Vec<Part>,
}

/// A part of a condition that is not as needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its text; of a part of a comparison, the bound.
    #[serde(flatten)]
    pub place: Spot,
    /// Whether it would have to hold; it does the opposite.
    pub wanted: bool,
    /// The field that it asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// In words: what it is, and what it would have to be.
    pub says: String,
    /// The value that it met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The value that it would have to be, or be at least or at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<String>,
    /// How far that is away, such as `12.40 EUR more`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<String>,
    /// One of these would have to be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub either: Vec<Part>,
    /// The rows that it looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Selection>,
}

/// What became of the rows of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// `lines`, `payments`, or `rows` of a table.
    pub of: &'static str,
    /// The table, as rules write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// How many there were.
    pub rows: u64,
    /// Its filters, in the order in which they are asked.
    pub filters: Vec<Filter>,
    /// Rows that were refused, and why; the first fifty.
    pub refused: Vec<Refused>,
}

/// A filter of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Its text.
    #[serde(flatten)]
    pub place: Spot,
    /// How many rows it, and all before it, let through.
    pub passed: u64,
}

/// A pick, such as the cheapest of every three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Picked {
    /// Its text.
    #[serde(flatten)]
    pub place: Spot,
    /// `lines` or `pieces`.
    pub of: &'static str,
    /// Among how many.
    pub among: String,
    /// How many it took.
    pub taken: String,
    /// How many more it would need to take any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<String>,
}

/// A row that a filter refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its position, from 1.
    pub row: u32,
    /// Why.
    pub part: Part,
}

/// A rule lost to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// To whom.
    pub by: String,
    /// Positions of the lines; none where they competed for the basket.
    pub lines: Vec<u32>,
    /// What the rule would have given without those that it lost to, all together.
    pub would_give: Vec<Amount>,
}

/// A limit took something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// `price-floor`, `rule` or `group`.
    pub by: &'static str,
    /// How much.
    #[serde(flatten)]
    pub amount: Amount,
}

/// A rule failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// `overflow`, `division-by-zero`, `out-of-range` or `out-of-fuel`.
    pub error: &'static str,
    /// Where.
    #[serde(flatten)]
    pub place: Spot,
}

/// An account, or none for discounts, and another member than the event's.
type Whose<'e> = (Option<AccountId>, Option<&'e str>);

/// Decides an event from its JSON text, on what the session decided before it, and explains the decision.
///
/// # Errors
/// Where the event cannot be read, or where perq contradicts itself.
pub fn explain(session: &mut Session, json: &[u8], quote: Quote<'_>) -> Result<Explanation, ExplainError> {
    session.read(json).map_err(ExplainError::Record)?;
    let engine = session.engine().clone();
    let mut told = None;
    let decision = session.decide_watched(&mut |reader, event, claimed, raw| {
        let params = engine.parameters_at(event.record.event.get(event_slot::DATE.index()).copied());
        let watched = Watched { engine: &engine, event, claimed, params };
        let (again, seen) = watched.evaluate(Vec::new());
        if again != *raw {
            return;
        }
        let words = Words { engine: &engine, event, strangers: reader.strangers(), quote };
        let teller = Teller { watched: &watched, words: &words, raw, seen: &seen };
        told = Some((words.local(), teller.receipt(), teller.accounts(), teller.rules(), teller.offers()));
    });
    let Some((local, receipt, accounts, rules, offers)) = told else {
        let refused = |(name, words)| ExplainError::Return { name, words };
        return Err(session.no_return().map_or(ExplainError::Differs, refused));
    };
    Ok(Explanation { decision, local, receipt, accounts, rules, offers })
}

/// An event that can be evaluated again and again.
struct Watched<'w> {
    engine: &'w Engine,
    event: &'w ReadEvent,
    /// What was claimed before.
    claimed: &'w dyn Claimed,
    params: Vec<i64>,
}

impl Watched<'_> {
    /// Evaluates as the engine does, without some of the rules.
    fn evaluate(&self, silenced: Vec<RuleId>) -> (evaluate::Decision, Seen) {
        let witness = Witness::new(self.engine.interpreter(), silenced);
        let mut record = self.event.record.clone();
        let decision = self.engine.evaluate_with(&witness, &mut record, &self.params, self.claimed);
        (decision, witness.into_seen())
    }
}

/// Tells what was seen.
struct Teller<'t> {
    watched: &'t Watched<'t>,
    words: &'t Words<'t>,
    raw: &'t evaluate::Decision,
    seen: &'t Seen,
}

impl Teller<'_> {
    fn program(&self) -> &Program {
        self.watched.engine.program()
    }

    fn rule(&self, id: RuleId) -> (String, Option<String>) {
        self.program()
            .rules
            .get(id.index())
            .map_or_else(Default::default, |rule| (rule.name.clone(), rule.title.clone()))
    }

    fn receipt(&self) -> Vec<Line> {
        let event = self.watched.event;
        let record = &event.record;
        let money = |amount: i64| self.words.bare(None, i128::from(amount));
        let lines = self.raw.lines.iter().zip(record.lines.chunks_exact(record.line_width.max(1)));
        let has_tax = self.program().tax.is_some();
        lines
            .zip(0u32..)
            .map(|((total, slots), row)| {
                let slot =
                    |slot: perq_compiler::ir::SlotId| slots.get(slot.index()).copied().unwrap_or_default();
                let mut left = total.initial;
                let mut steps = Vec::new();
                for effect in self.raw.effects.iter().filter(|effect| effect.account.is_none()) {
                    for share in effect.shares.iter().filter(|share| share.row == row) {
                        left = left.saturating_sub(share.amount);
                        let (rule, title) = self.rule(effect.rule);
                        let (amount, left) = (money(share.amount), money(left));
                        steps.push(Step { rule, title, pieces: share.pieces, amount, left });
                    }
                }
                Line {
                    line: row + 1,
                    sku: event.sku(row as usize).to_owned(),
                    pieces: slot(line_slot::PIECES),
                    price: self.words.price(slot(line_slot::PRICE)),
                    initial: money(total.initial),
                    steps,
                    paid: money(total.paid),
                    tax: has_tax.then(|| money(total.tax)),
                }
            })
            .collect()
    }

    fn accounts(&self) -> Vec<Account> {
        let of = |account: AccountId| {
            let mut from: Vec<(RuleId, i128)> = Vec::new();
            let own = |effect: &&evaluate::Effect| {
                effect.account == Some(account) && !effect.debit && self.to(effect).is_none()
            };
            for effect in self.raw.effects.iter().filter(own) {
                match from.iter_mut().find(|(rule, _)| *rule == effect.rule) {
                    Some((_, amount)) => *amount += i128::from(effect.amount),
                    None => from.push((effect.rule, i128::from(effect.amount))),
                }
            }
            from.into_iter()
                .map(|(rule, amount)| {
                    let (rule, title) = self.rule(rule);
                    Gift { rule, title, amount: self.words.bare(Some(account), amount) }
                })
                .collect()
        };
        let awards = self.raw.totals.awards.iter();
        awards
            .map(|(account, amount)| {
                let declared = self.program().accounts.get(account.index());
                Account {
                    account: declared.map_or_else(String::new, |account| account.name.clone()),
                    unit: declared.map_or_else(String::new, |account| account.unit.clone()),
                    amount: self.words.bare(Some(*account), i128::from(*amount)),
                    from: of(*account),
                }
            })
            .collect()
    }

    fn rules(&self) -> Vec<RuleReport> {
        let program = self.program();
        let ids = program.groups.iter().flat_map(|group| &group.rules);
        ids.filter_map(|id| Some(self.report(*id, program.rules.get(id.index())?))).collect()
    }

    fn offers(&self) -> Vec<OfferReport> {
        let Some(offered) = &self.raw.offered else { return Vec::new() };
        let list = &self.program().offers.list;
        let of = |offer: u32| list.get(usize::try_from(offer).ok()?);
        let report = |offer: &Offer| OfferReport {
            offer: offer.name.clone(),
            title: offer.title.clone(),
            shown: None,
            why: None,
            place: None,
            error: None,
            instead: Vec::new(),
        };
        let shown: Vec<&Offer> = offered.shown.iter().filter_map(|shown| of(shown.offer)).collect();
        let mut out: Vec<OfferReport> = Vec::new();
        for (offer, place) in shown.iter().zip(1usize..) {
            out.push(OfferReport { shown: Some(place), ..report(offer) });
        }
        for hidden in &offered.hidden {
            let Some(offer) = of(hidden.offer) else { continue };
            let (place, error) = match hidden.why {
                HiddenWhy::Condition(condition) => (Some(condition.place), None),
                HiddenWhy::Failed(kind, place) => (Some(place), Some(decision::fault_name(kind))),
                HiddenWhy::Arbitration
                | HiddenWhy::Class
                | HiddenWhy::Default
                | HiddenWhy::Goal
                | HiddenWhy::Slots => (None, None),
            };
            let shares = |other: &&&Offer| other.goals.iter().any(|goal| offer.goals.contains(goal));
            let names = |offers: &[&Offer]| offers.iter().map(|offer| offer.name.clone()).collect();
            let instead = match hidden.why {
                HiddenWhy::Slots | HiddenWhy::Default => names(&shown),
                HiddenWhy::Goal => names(&shown.iter().filter(shares).copied().collect::<Vec<_>>()),
                HiddenWhy::Condition(_)
                | HiddenWhy::Failed(..)
                | HiddenWhy::Arbitration
                | HiddenWhy::Class => Vec::new(),
            };
            let place = place.map(|place| self.words.spot(place));
            out.push(OfferReport { why: Some(hidden.why.word()), place, error, instead, ..report(offer) });
        }
        out
    }

    fn report(&self, id: RuleId, rule: &Rule) -> RuleReport {
        let program = self.program();
        let words = self.words;
        let gifts = self.gifts(id);
        let fired = !gifts.is_empty() || self.raw.acting().any(|acting| acting == id);
        let heard = rule.events.contains(&self.watched.event.record.kind);
        let displaced: Vec<&evaluate::Displaced> =
            self.raw.displaced.iter().filter(|lost| lost.rule == id).collect();
        let would_give = if displaced.is_empty() { Vec::new() } else { self.would_give(id) };
        let lost = |lost: &&evaluate::Displaced| Lost {
            by: self.rule(lost.by).0,
            lines: lost.rows.iter().map(|row| row.saturating_add(1)).collect(),
            would_give: would_give.clone(),
        };
        let cut: Vec<Cut> = self
            .raw
            .cuts
            .iter()
            .filter(|cut| cut.rule == id)
            .map(|cut| Cut {
                by: decision::cut_name(cut.by),
                amount: words.taken(cut.of, i128::from(cut.amount)),
            })
            .collect();
        let fault = self.raw.faults.iter().find(|fault| fault.rule == id);
        let mut report = RuleReport {
            rule: rule.name.clone(),
            title: rule.title.clone(),
            group: program.groups.get(rule.group.index()).map_or_else(String::new, |g| g.name.clone()),
            place: Spot { text: None, ..words.spot(rule.place) },
            fired,
            gave: self.given(self.raw, id),
            gifts,
            why: None,
            hears: rule
                .events
                .iter()
                .filter_map(|event| program.events.get(event.index()))
                .map(|event| event.name.clone())
                .collect(),
            conditions: Vec::new(),
            selections: Vec::new(),
            picks: Vec::new(),
            displaced: displaced.iter().map(lost).collect(),
            cut,
            error: fault.map(|fault| Failed {
                error: decision::fault_name(fault.kind),
                place: words.spot(fault.place),
            }),
        };
        if fired {
            return report;
        }
        report.why = Some(if !heard {
            Why::Event
        } else if report.error.is_some() {
            Why::Error
        } else if !report.displaced.is_empty() {
            Why::Displaced
        } else if !report.cut.is_empty() {
            Why::Limit
        } else {
            self.unasked(id, rule, &mut report)
        });
        report
    }

    /// Why a rule that was heard proposed nothing.
    fn unasked(&self, id: RuleId, rule: &Rule, report: &mut RuleReport) -> Why {
        let program = self.program();
        let group = program.groups.get(rule.group.index());
        let phase = group.and_then(|group| self.seen.phases.iter().find(|(phase, _)| *phase == group.phase));
        let record = phase.map_or(&self.watched.event.record, |(_, record)| record);
        let view: RecordView<'_> = record.view(&self.watched.params);
        let bindings = self.watched.engine.schema().bindings();
        let mut asked = Vec::new();
        for condition in program.conditions.iter().filter(|condition| condition.rule == id) {
            // What the group asks the rule may ask again.
            if condition.atom.is_some_and(|atom| asked.contains(&atom)) {
                continue;
            }
            asked.extend(condition.atom);
            if let (Role::Rule, Some(atom)) = (condition.role, condition.atom)
                && let Some(failure) = trace::atom_failure(program, condition, atom, view, bindings)
                // Of what an earlier condition found missing there is no more to say.
                && (report.conditions.is_empty() || !failure.is_missing())
            {
                self.unmet(condition.place, &[failure], report);
            }
        }
        if !report.conditions.is_empty() {
            return Why::Condition;
        }
        let seen = self.seen.traces.iter().find(|(rule, _)| *rule == id).map(|(_, trace)| trace.clone());
        let trace: Trace = match seen {
            Some(trace) => trace,
            // The index has left it out, because it needs a line that is not there: its function shows which.
            None => {
                let (mut fuel, mut scratch, mut out) = (FUEL, Scratch::default(), Proposals::default());
                let interpreter = self.watched.engine.interpreter();
                interpreter.watch(id, view, bindings, &mut fuel, &mut scratch, &mut out).1
            }
        };
        if let Some((place, failures)) = &trace.ended {
            self.unmet(*place, failures, report);
            return Why::Condition;
        }
        report.selections = trace.loops.iter().map(|rows| self.words.selection(rows, ROWS)).collect();
        report.picks = trace.picks.iter().map(|pick| self.words.pick(pick)).collect();
        if trace.proposals > 0 { Why::Nothing } else { Why::Selection }
    }

    fn unmet(&self, place: PlaceId, failures: &[trace::Failure], report: &mut RuleReport) {
        let place = self.words.spot(place);
        let parts: Vec<Part> = failures.iter().map(|failure| self.words.part(failure)).collect();
        match report.conditions.last_mut() {
            // Both ends of `valid`.
            Some(last) if last.place == place => last.parts.extend(parts),
            Some(_) | None => report.conditions.push(Unmet { place, parts }),
        }
    }

    /// Products that a rule gives or offers.
    fn gifts(&self, rule: RuleId) -> Vec<String> {
        let program = self.program();
        let at = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        let mut out = Vec::new();
        for gift in self.raw.gifts.iter().filter(|gift| gift.rule == rule) {
            let option = program.gifts.get(at(gift.gift)).and_then(|of| of.options.get(at(gift.option)));
            let sku = option.map_or("?", |option| option.sku.as_str());
            out.push(format!("gives {} pcs of {sku}, {} of them added", gift.pieces, gift.added));
        }
        for offer in self.raw.gift_offers.iter().filter(|offer| offer.rule == rule) {
            let declared = program.gifts.get(at(offer.gift));
            let sku = |option: &u32| Some(declared?.options.get(at(*option))?.sku.as_str());
            let skus: Vec<&str> = offer.options.iter().filter_map(sku).collect();
            out.push(format!("offers {} pcs of one of {}", offer.pieces, skus.join(", ")));
        }
        out
    }

    /// What a rule gives in a decision.
    fn given(&self, decision: &evaluate::Decision, rule: RuleId) -> Vec<Amount> {
        let mut sums: Vec<(Whose<'_>, i128)> = Vec::new();
        for effect in decision.effects.iter().filter(|effect| effect.rule == rule) {
            let whose = (effect.account, self.to(effect));
            let amount = i128::from(effect.amount);
            let amount = if effect.debit { -amount } else { amount };
            match sums.iter_mut().find(|(other, _)| *other == whose) {
                Some((_, sum)) => *sum += amount,
                None => sums.push((whose, amount)),
            }
        }
        let amount = |((account, to), sum): (Whose<'_>, i128)| Amount {
            to: to.map(str::to_owned),
            ..self.words.amount(account, sum)
        };
        sums.into_iter().map(amount).collect()
    }

    /// Who gets an effect, where that is not the event's member.
    fn to(&self, effect: &evaluate::Effect) -> Option<&str> {
        let slot = self.program().sites.get(effect.site.index())?.to?;
        self.words.event.other(slot)
    }

    /// What a displaced rule would give where those that it loses to proposed nothing.
    fn would_give(&self, rule: RuleId) -> Vec<Amount> {
        let losses = |decision: &evaluate::Decision, silenced: &[RuleId]| -> Vec<RuleId> {
            let lost = decision.displaced.iter().filter(|lost| lost.rule == rule).map(|lost| lost.by);
            lost.filter(|by| !silenced.contains(by)).collect()
        };
        let mut silenced = losses(self.raw, &[]);
        for _ in 0..TRIES {
            let (decision, _) = self.watched.evaluate(silenced.clone());
            let more = losses(&decision, &silenced);
            if more.is_empty() {
                return self.given(&decision, rule);
            }
            silenced.extend(more);
        }
        Vec::new()
    }
}
