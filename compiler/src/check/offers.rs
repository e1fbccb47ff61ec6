//! `offer` and `arbitration`: what a member may be offered in a session, and how offers compete. A limit and a rest ask
//! what reactions there were before; what an offer does when it is taken is a rule that hears the reaction. It refuses to
//! know what is chosen.

use super::instruments::{AsRule, kind_of};
use super::limits::Owner;
use super::names::{Events, Key, Scope};
use super::types::constant;
use super::{At, Checker, Items, errors};
use crate::ir::{self, OfferClause};
use crate::typed::{self, Expr, ExprKind, OfferStep, Ratio, Step, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::{Place, Span};

/// The enumeration of a program's own levels of priority.
const PRIORITIES: &str = "Priority";
/// The levels of a program that declares none.
const LEVELS: &[&str] = &["very_low", "low", "medium", "high", "very_high"];
/// The enumeration of business goals.
const GOALS: &str = "Goal";
/// The enumeration of the answers in reactions.
const ANSWERS: &str = "Answer";
/// The kind whose names are target groups of outbound campaigns, and the member's field that holds them.
const CAMPAIGN: (&str, &str) = ("campaign", "campaigns");
/// Kinds of members that what is learned of an offer may tell apart.
const KINDS: i64 = 65_536;
/// What an arbitration is called that no text declares.
const UNDECLARED: &str = "default";

/// What a class of offers asks of each.
enum Test {
    Display(String),
    Purpose(String),
    Priority(ast::Comparison, u32),
    Goal(String),
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Is(bool),
}

impl Test {
    fn holds(&self, offer: &typed::Offer) -> bool {
        match self {
            Test::Display(word) => offer.display.word() == word,
            Test::Purpose(word) => purpose(&offer.purpose) == word,
            Test::Priority(comparison, level) => {
                offer.display.priority().is_some_and(|own| match comparison {
                    ast::Comparison::Equal => own == *level,
                    ast::Comparison::NotEqual => own != *level,
                    ast::Comparison::Less => own < *level,
                    ast::Comparison::LessOrEqual => own <= *level,
                    ast::Comparison::Greater => own > *level,
                    ast::Comparison::GreaterOrEqual => own >= *level,
                })
            }
            Test::Goal(goal) => offer.goals.contains(goal),
            Test::All(tests) => tests.iter().all(|test| test.holds(offer)),
            Test::Any(tests) => tests.iter().any(|test| test.holds(offer)),
            Test::Not(test) => !test.holds(offer),
            Test::Is(truth) => *truth,
        }
    }
}

fn purpose(purpose: &ir::Purpose) -> &'static str {
    match purpose {
        ir::Purpose::Message => "message",
        ir::Purpose::Product(..) => "product",
    }
}

/// What offers do when they are taken, as rules: `roaming_accepted`.
pub(super) fn as_rules(items: &Items<'_>) -> Vec<AsRule> {
    let mut made = Vec::new();
    for (at, header, clauses) in &items.offers {
        for clause in *clauses {
            let ast::OfferClause::On(answer, effects) = &clause.kind else { continue };
            let span = answer.span;
            let name = |text: &str| ast::Name { text: text.to_owned(), span };
            let titled = |title: &ast::Text| ast::Text {
                value: format!("{}, {}", title.value, answer.text),
                span: title.span,
            };
            let own = ast::Header {
                name: name(&format!("{}_{}", header.name.text, answer.text)),
                title: header.title.as_ref().map(titled),
                was: None,
            };
            let of_offer = is_of(header, path("event.offer", span), span);
            let taken = ast::Expr {
                kind: ast::ExprKind::Compare(
                    ast::Comparison::Equal,
                    Box::new(path("event.answer", unwritten(span))),
                    Box::new(path(&answer.text, span)),
                ),
                span,
            };
            let clause = |kind: ast::ClauseKind| ast::Clause { docs: Vec::new(), kind, span };
            let clauses = vec![
                clause(ast::ClauseKind::On(vec![(path_of(ir::offers::REACTION, span), None)])),
                clause(ast::ClauseKind::When(of_offer)),
                clause(ast::ClauseKind::When(taken)),
                clause(ast::ClauseKind::Then(effects.clone())),
            ];
            let group = vec![
                ast::GroupClause::Kind(name(kind_of(&clauses))),
                ast::GroupClause::Displace { mode: ast::Displace::None, per: None, span },
                ast::GroupClause::OnPrice(name("running")),
            ];
            let rule = ast::Rule {
                docs: Vec::new(),
                header: own.clone(),
                group: Some(ast::Path { parts: vec![own.name.clone()], span }),
                template: None,
                clauses,
                span,
            };
            made.push(AsRule { at: *at, rule, group: Some((own, group)) });
        }
    }
    made
}

/// Where something would stand that no text says.
pub(super) fn unwritten(span: Span) -> Span {
    Span { end: span.start, ..span }
}

fn path_of(text: &str, span: Span) -> ast::Path {
    let parts = text.split('.').map(|part| ast::Name { text: part.to_owned(), span }).collect();
    ast::Path { parts, span }
}

pub(super) fn path(text: &str, span: Span) -> ast::Expr {
    ast::Expr { kind: ast::ExprKind::Path(path_of(text, span)), span }
}

/// The names under which reactions tell of an offer.
fn names_of(header: &ast::Header) -> impl Iterator<Item = &ast::Name> {
    [Some(&header.name), header.was.as_ref()].into_iter().flatten()
}

/// `reaction.offer in offer "roaming"`, under its former name too.
fn is_of(header: &ast::Header, value: ast::Expr, span: Span) -> ast::Expr {
    let names = names_of(header).map(|name| ast::Text { value: name.text.clone(), span }).collect();
    let kind = ast::Name { text: "offer".to_owned(), span };
    let set = ast::Expr { kind: ast::ExprKind::Reference(kind, names), span };
    let kind = ast::ExprKind::In { value: Box::new(value), negated: false, set: Box::new(set) };
    ast::Expr { kind, span }
}

/// `earlier reactions within … where reaction.offer in offer "roaming" and …`
fn reactions(header: &ast::Header, window: ast::Window, more: Option<ast::Expr>, span: Span) -> ast::Source {
    let own = is_of(header, path("reaction.offer", span), span);
    let condition = match more {
        None => own,
        Some(more) => ast::Expr { kind: ast::ExprKind::Logic(ast::Logic::And, vec![own, more]), span },
    };
    let kind = ast::SourceKind::Filter {
        earlier: true,
        collection: path_of("reactions", span),
        window: Some(window),
        condition: Some(Box::new(condition)),
    };
    ast::Source { kind, span }
}

fn aggregate(
    function: ast::Aggregate,
    value: Option<ast::Expr>,
    source: ast::Source,
    span: Span,
) -> ast::Expr {
    let (value, source) = (value.map(Box::new), Box::new(source));
    ast::Expr { kind: ast::ExprKind::Aggregate { function, value, source }, span }
}

/// An offer, for the rule of one of its reactions.
#[derive(Clone, Debug)]
pub(super) struct Reacted<'a> {
    at: At,
    /// The name that its counters keep when it is renamed.
    lasting: String,
    clauses: &'a [ast::Placed<ast::OfferClause>],
}

/// The clauses of an offer that rules have too.
fn shared_of(clauses: &[ast::Placed<ast::OfferClause>]) -> impl Iterator<Item = &ast::Clause> {
    clauses.iter().filter_map(|clause| match &clause.kind {
        ast::OfferClause::Shared(clause) => Some(clause),
        ast::OfferClause::Display(_)
        | ast::OfferClause::Purpose(_)
        | ast::OfferClause::Channels(_)
        | ast::OfferClause::Goals(_)
        | ast::OfferClause::Also(..)
        | ast::OfferClause::Score(_)
        | ast::OfferClause::Say(_)
        | ast::OfferClause::On(..)
        | ast::OfferClause::Learn(_)
        | ast::OfferClause::Rest(..) => None,
    })
}

/// The budgets among an offer's clauses.
fn budgets_of(clauses: &[ast::Placed<ast::OfferClause>]) -> impl Iterator<Item = &ast::Clause> {
    shared_of(clauses).filter(|clause| matches!(clause.kind, ast::ClauseKind::Budget { .. }))
}

/// What is read of an offer's clauses, one after another.
struct Reading<'h> {
    at: At,
    header: &'h ast::Header,
    what: String,
    scope: Scope,
    steps: Vec<OfferStep>,
    valid: Vec<(i64, Place)>,
    widened: bool,
    /// With where each is written.
    budgets: std::collections::VecDeque<(typed::Limit, Place)>,
}

impl<'a> Checker<'a> {
    /// The names of offers, and the fields that they are told by.
    pub(super) fn declare_offers(&mut self, items: &Items<'a>) {
        if items.offers.is_empty() && items.arbitrations.is_empty() {
            return;
        }
        let own = self.enum_ids.get(PRIORITIES).and_then(|id| self.out.enums.get(id.index()));
        self.out.offers.priorities = match own.filter(|levels| levels.ordered) {
            Some(levels) => levels.values.clone(),
            None => LEVELS.iter().map(|level| (*level).to_owned()).collect(),
        };
        self.out.offers.channel = self.field_of_event(ir::offers::SESSION, "channel");
        let (offer, answer) = (
            self.field_of_event(ir::offers::REACTION, "offer"),
            self.field_of_event(ir::offers::REACTION, "answer"),
        );
        let answers = self.enum_ids.get(ANSWERS).copied();
        self.out.offers.reaction =
            offer.zip(answer).zip(answers).map(|((offer, answer), answers)| (offer, answer, answers));
        for (at, header, clauses) in &items.offers {
            let place = at.place(header.name.span);
            if !self.declare("offer", &header.name.text, place) {
                continue;
            }
            let lasting = self.lasting("offer", *at, header);
            for clause in *clauses {
                if let ast::OfferClause::On(answer, _) = &clause.kind {
                    let reacted = Reacted { at: *at, lasting: lasting.clone(), clauses };
                    self.reactions.insert(at.place(answer.span), reacted);
                }
            }
            let Some(kind) = self.kind_ids.get("offer").copied() else { continue };
            let mut names: Vec<String> = names_of(header).map(|name| name.text.clone()).collect();
            names.sort_unstable();
            names.dedup();
            let id = self.out.offers.list.len() as u32;
            self.offer_ids.insert(header.name.text.clone(), id);
            let learn = clauses.iter().any(|clause| matches!(clause.kind, ast::OfferClause::Learn(_)));
            let learn = learn.then(|| self.unlearned(&header.name.text, place));
            self.out.offers.list.push(typed::Offer {
                name: header.name.text.clone(),
                title: header.title.as_ref().map(|title| title.value.clone()),
                key: ir::Reference { kind, names },
                display: ir::Display::Always,
                purpose: ir::Purpose::Message,
                goals: Vec::new(),
                says: Vec::new(),
                also: None,
                steps: Vec::new(),
                score: None,
                learn,
                shown: Vec::new(),
                governance: ir::Governance::default(),
                place,
            });
        }
    }

    pub(super) fn field_of_event(&self, event: &str, field: &str) -> Option<typed::FieldId> {
        let event = self.event_ids.get(event)?;
        self.event_infos.get(event.index())?.fields.get(field).copied()
    }

    /// All offers and arbitrations.
    pub(super) fn check_offers(&mut self, items: &Items<'a>) {
        for (at, header, clauses) in &items.offers {
            let place = at.place(header.name.span);
            let same = |offer: &typed::Offer| offer.name == header.name.text && offer.place == place;
            let Some(index) = self.out.offers.list.iter().position(same) else { continue };
            let Some(offer) = self.out.offers.list.get(index).cloned() else { continue };
            let offer = self.offer(*at, header, clauses, offer);
            if let Some(slot) = self.out.offers.list.get_mut(index) {
                *slot = offer;
            }
        }
        for (at, header, clauses) in &items.arbitrations {
            if self.declare("arbitration", &header.name.text, at.place(header.name.span)) {
                let arbitration = self.arbitration(*at, header, clauses);
                self.out.offers.arbitrations.push(arbitration);
            }
        }
        if items.arbitrations.is_empty()
            && let Some(first) = self.out.offers.list.first()
        {
            let place = first.place;
            let arbitration = typed::Arbitration {
                name: UNDECLARED.to_owned(),
                title: None,
                channels: None,
                slots: u32::MAX,
                classes: self.usual_classes(),
                order: usual_order(),
                per_goal: None,
                explore: None,
                place,
            };
            self.out.offers.arbitrations.push(arbitration);
        }
    }

    fn offer(
        &mut self,
        at: At,
        header: &ast::Header,
        clauses: &[ast::Placed<ast::OfferClause>],
        mut offer: typed::Offer,
    ) -> typed::Offer {
        let session = self.event_ids.get(ir::offers::SESSION).copied();
        offer.shown = self.shown_at(&offer.name).flat_map(|(events, _)| events).copied().collect();
        offer.shown.sort_unstable();
        offer.shown.dedup();
        let mut asked: Vec<ir::EventId> = session.into_iter().chain(offer.shown.iter().copied()).collect();
        asked.sort_unstable();
        let mut reading = Reading {
            at,
            header,
            what: format!("offer `{}`", header.name.text),
            scope: Scope::new(at.file, at.space, Events::Heard(asked)),
            steps: Vec::new(),
            valid: Vec::new(),
            widened: clauses.iter().any(|clause| matches!(clause.kind, ast::OfferClause::Also(..))),
            budgets: self.budgets(at, header, clauses).into(),
        };
        let mut seen: Vec<String> = Vec::new();
        let mut also: Vec<ast::Text> = Vec::new();
        for clause in clauses {
            let place = at.place(clause.span);
            if let Some(word) = once(&clause.kind) {
                if seen.contains(&word) {
                    self.report(errors::repeated_clause(place, &word, "an offer"));
                    continue;
                }
                seen.push(word);
            }
            match &clause.kind {
                ast::OfferClause::Display(display) => offer.display = self.display(at, display),
                ast::OfferClause::Purpose(ast::Purpose::Message) => {}
                ast::OfferClause::Purpose(ast::Purpose::Product(kind, names)) => {
                    let names = self.reference(&reading.scope, kind, names).map(|reference| reference.names);
                    offer.purpose = ir::Purpose::Product(kind.text.clone(), names.unwrap_or_default());
                }
                ast::OfferClause::Channels(channels) => self.channels_of(&mut reading, channels, place),
                ast::OfferClause::Goals(goals) => {
                    offer.goals = goals.iter().filter_map(|goal| self.goal(at, goal)).collect();
                }
                ast::OfferClause::Also(kind, names) if kind.text == CAMPAIGN.0 => {
                    also.extend(names.iter().cloned())
                }
                ast::OfferClause::Also(kind, _) => {
                    let why =
                        format!("`also` names the target group of a campaign, and `{}` is none", kind.text);
                    self.report(errors::wrong_offer(at.place(kind.span), &why));
                }
                ast::OfferClause::Score(score) => {
                    // What a rule shows does not compete.
                    let asked = std::mem::replace(
                        &mut reading.scope.events,
                        Events::Heard(session.into_iter().collect()),
                    );
                    let value = self.value_of(&mut reading.scope, score, &Type::Number);
                    reading.scope.events = asked;
                    if !value.ty.is_error() && !matches!(value.kind, ExprKind::Error) {
                        offer.score = Some(value);
                    }
                }
                ast::OfferClause::Say(words) => self.says(at, words, &mut offer.says),
                // A rule of its own, made before.
                ast::OfferClause::On(..) => {}
                ast::OfferClause::Learn(learn) => self.learn(at, learn, offer.learn.as_mut(), place),
                ast::OfferClause::Rest(stretch, after) => self.rest(&mut reading, stretch, after, place),
                ast::OfferClause::Shared(clause) => {
                    self.offer_clause(&mut reading, clause);
                }
            }
        }
        for (word, clause, example) in [
            ("display", "`display`", "display by priority high"),
            ("purpose", "`purpose`", "purpose message"),
        ] {
            if !seen.iter().any(|seen| seen == word) {
                self.report(errors::missing_clause(offer.place, &reading.what, clause, example));
            }
        }
        offer.also = self.also(at, &also);
        offer.steps = reading.steps;
        let shared: Vec<&ast::Clause> = shared_of(clauses).collect();
        offer.governance = self.governance(at, &shared, "an offer");
        offer
    }

    /// A clause that rules have too.
    fn offer_clause(&mut self, reading: &mut Reading<'_>, clause: &ast::Clause) {
        let place = reading.at.place(clause.span);
        let what = match &clause.kind {
            ast::ClauseKind::Valid(_) => OfferClause::Valid,
            ast::ClauseKind::Schedule(_) => OfferClause::Schedule,
            ast::ClauseKind::Unless(_) => OfferClause::Unless,
            ast::ClauseKind::EffectiveFrom(_) | ast::ClauseKind::NotEffective => OfferClause::Effective,
            ast::ClauseKind::Limit { amount, per, window, otherwise } => {
                return self.offer_limit(reading, amount, (per, window.as_ref()), otherwise, place);
            }
            ast::ClauseKind::Budget { .. } => {
                // What cannot be counted has been told.
                if let Some((limit, place)) = reading.budgets.pop_front_if(|(_, own)| *own == place) {
                    reading.steps.push(OfferStep::Budget { limit, place });
                }
                return;
            }
            ast::ClauseKind::When(_)
            | ast::ClauseKind::Let(_)
            | ast::ClauseKind::Title(_)
            | ast::ClauseKind::About(_)
            // The grammar keeps these out of offers.
            | ast::ClauseKind::Priority(_)
            | ast::ClauseKind::On(_)
            | ast::ClauseKind::Then(_)
            | ast::ClauseKind::Take(_)
            | ast::ClauseKind::Process { .. }
            | ast::ClauseKind::Spendable(_)
            | ast::ClauseKind::With(..) => OfferClause::When,
        };
        let mark = reading.scope.known_mark();
        let mut steps = Vec::new();
        self.clause(&mut reading.scope, clause, &mut steps, &mut reading.valid);
        // The other audience need not have what this condition asks for; both have a member.
        if reading.widened && what == OfferClause::When {
            let member = reading.scope.knows(Key::Member);
            reading.scope.forget(mark);
            if member {
                reading.scope.learn([Key::Member]);
            }
        }
        reading.steps.extend(steps.into_iter().map(|step| match step {
            Step::When(condition) => OfferStep::Condition { clause: what, condition, place },
            step @ (Step::Let(..)
            | Step::LetCollection(..)
            | Step::ForEach { .. }
            | Step::Sets { .. }
            | Step::Award { .. }
            | Step::Debit { .. }
            | Step::TenderLines { .. }
            | Step::TenderTerm { .. }
            | Step::Issue { .. }
            | Step::Gift { .. }
            | Step::Tell { .. }
            | Step::Set { .. }
            | Step::Multiply { .. }
            | Step::Discount { .. }) => OfferStep::Let(step),
        }));
    }

    fn display(&mut self, at: At, display: &ast::Display) -> ir::Display {
        match display {
            ast::Display::Always => ir::Display::Always,
            ast::Display::ByDefault => ir::Display::ByDefault,
            ast::Display::ByPriority(level) => {
                ir::Display::ByPriority(self.level(at.place(level.span), &level.text).unwrap_or(0))
            }
        }
    }

    fn level(&mut self, place: Place, word: &str) -> Option<u32> {
        let levels = self.out.offers.priorities.clone();
        let found = levels.iter().position(|level| level == word);
        if found.is_none() {
            let near = self.nearest(word, levels.iter().map(String::as_str));
            self.report(errors::unknown_value(place, word, PRIORITIES, &levels, near.as_deref()));
        }
        found.and_then(|level| u32::try_from(level).ok())
    }

    fn goal(&mut self, at: At, goal: &ast::Expr) -> Option<String> {
        let place = at.place(goal.span);
        let ast::ExprKind::Path(path) = &goal.kind else {
            self.report(errors::wrong_offer(place, "a goal is a word of `enum Goal`"));
            return None;
        };
        let word = self.quote(at.place(path.span));
        let Some(goals) = self.enum_ids.get(GOALS).and_then(|id| self.out.enums.get(id.index())) else {
            let why = "the program declares no goals; say `enum Goal { … }`";
            self.report(errors::wrong_offer(place, why));
            return None;
        };
        let values = goals.values.clone();
        if !values.contains(&word) {
            let near = self.nearest(&word, values.iter().map(String::as_str));
            self.report(errors::unknown_value(place, &word, GOALS, &values, near.as_deref()));
            return None;
        }
        Some(word)
    }

    /// `[call_center, web]`, also with quotes.
    pub(super) fn channel_names(&mut self, at: At, channels: &[ast::Expr]) -> Option<ir::Reference> {
        let kind = *self.kind_ids.get("channel")?;
        let mut names = Vec::new();
        for channel in channels {
            let place = at.place(channel.span);
            let name = match &channel.kind {
                ast::ExprKind::Path(path) => self.quote(at.place(path.span)),
                ast::ExprKind::Text(text) => text.value.clone(),
                _ => {
                    let why = "a channel is a name, such as `call_center` or `\"Shop in Rome\"`";
                    self.report(errors::wrong_offer(place, why));
                    continue;
                }
            };
            self.out.named.push(crate::typed::Named { kind, name: name.clone(), place });
            names.push(name);
        }
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then_some(ir::Reference { kind, names })
    }

    fn channels_of(&mut self, reading: &mut Reading<'_>, channels: &[ast::Expr], place: Place) {
        let Some(reference) = self.channel_names(reading.at, channels) else { return };
        let mut fields: Vec<typed::FieldId> = self.out.offers.channel.into_iter().collect();
        let shown: Vec<(Vec<ir::EventId>, Place)> =
            self.shown_at(&reading.header.name.text).map(|(events, at)| (events.to_vec(), at)).collect();
        for (events, shown_at) in shown {
            for event in events {
                let Some(kind) = self.out.events.get(event.index()).map(|kind| kind.name.clone()) else {
                    continue;
                };
                match self.field_of_event(&kind, "channel") {
                    Some(field) => fields.push(field),
                    None => {
                        let name = &reading.header.name.text;
                        let why = format!("`{name}` says `channels`, and a `{kind}` has no channel");
                        self.report(errors::wrong_show(shown_at, &why));
                    }
                }
            }
        }
        fields.sort_unstable();
        fields.dedup();
        let of_field = |checker: &Self, field: typed::FieldId| {
            let value = Box::new(checker.builtin_field(field, place));
            Expr { kind: ExprKind::InReference(value, reference.clone()), ty: Type::Bool, place }
        };
        let of_fields: Vec<Expr> = fields.into_iter().map(|field| of_field(self, field)).collect();
        let Some(condition) = super::rules::any_of(of_fields, place) else { return };
        reading.steps.push(OfferStep::Condition { clause: OfferClause::Channels, condition, place });
    }

    /// Words, by whom they are for or by language.
    pub(super) fn says(&mut self, at: At, words: &[(ast::Name, ast::Text)], says: &mut Vec<ir::Saying>) {
        for (to, text) in words {
            if says.iter().any(|saying| saying.to == to.text) {
                self.report(errors::repeated_clause(at.place(to.span), &to.text, "`say`"));
            } else {
                says.push(ir::Saying { to: to.text.clone(), text: text.value.clone() });
            }
        }
    }

    /// `show offer roaming` in a rule.
    pub(super) fn show(&mut self, scope: &Scope, path: &ast::Path, place: Place) -> Option<Step> {
        let offer = self.offer_named(scope.at(), path)?;
        let events = match &scope.events {
            Events::Heard(events) => events.clone(),
            Events::Inferred(_) => Vec::new(),
        };
        if self.event_ids.get(ir::offers::SESSION).is_some_and(|session| events.contains(session)) {
            let why = "what a session shows is chosen by its arbitration; say in the offer for whom it is";
            self.report(errors::wrong_show(place, why));
            return None;
        }
        self.shown.push((offer, events, place));
        Some(Step::Tell { telling: ir::Telling::Offer(offer), place })
    }

    /// The kinds of events for which rules show the offer of this name, and where they say so.
    fn shown_at<'c>(&'c self, name: &str) -> impl Iterator<Item = (&'c [ir::EventId], Place)> + use<'c, 'a> {
        let id = self.offer_ids.get(name).copied();
        let of = move |(offer, ..): &&(u32, Vec<ir::EventId>, Place)| Some(*offer) == id;
        self.shown.iter().filter(of).map(|(_, events, place)| (events.as_slice(), *place))
    }

    fn answer(&mut self, at: At, answer: &ast::Name) -> Option<u32> {
        let answers = self.enum_ids.get(ANSWERS).and_then(|id| self.out.enums.get(id.index()));
        let values = answers.map(|answers| answers.values.clone()).unwrap_or_default();
        let found = values.iter().position(|value| *value == answer.text);
        if found.is_none() {
            let near = self.nearest(&answer.text, values.iter().map(String::as_str));
            let place = at.place(answer.span);
            self.report(errors::unknown_value(place, &answer.text, ANSWERS, &values, near.as_deref()));
        }
        found.and_then(|answer| u32::try_from(answer).ok())
    }

    /// `also campaign "Spring"`: the member is in its target group.
    fn also(&mut self, at: At, names: &[ast::Text]) -> Option<Expr> {
        let (first, last) = (names.first()?, names.last()?);
        let span = first.span.to(last.span);
        let kind = ast::Name { text: CAMPAIGN.0.to_owned(), span };
        let set = ast::Expr { kind: ast::ExprKind::Reference(kind, names.to_vec()), span };
        let value = Box::new(path(&format!("member.{}", CAMPAIGN.1), span));
        let kind = ast::ExprKind::In { value, negated: false, set: Box::new(set) };
        let session = self.event_ids.get(ir::offers::SESSION).copied();
        let mut scope = Scope::new(at.file, at.space, Events::Heard(session.into_iter().collect()));
        scope.learn([Key::Member]);
        Some(self.condition(&mut scope, &ast::Expr { kind, span }))
    }

    /// `budget 500 times within this day else skip`: how often it is offered; `budget 10_000 points else cut`: what its
    /// reactions award.
    fn budgets(
        &mut self,
        at: At,
        header: &ast::Header,
        clauses: &[ast::Placed<ast::OfferClause>],
    ) -> Vec<(typed::Limit, Place)> {
        let answers = clauses.iter().filter_map(|clause| {
            let ast::OfferClause::On(answer, _) = &clause.kind else { return None };
            Some(at.place(answer.span))
        });
        let rules: Vec<Place> = answers.collect();
        let groups = self.rule_infos.iter().filter(|info| rules.contains(&info.place));
        let groups: Vec<usize> = groups.filter_map(|info| info.group).collect();
        let groups = groups.iter().filter_map(|group| self.group_infos.get(*group));
        let accounts: Vec<ir::AccountId> = groups.flat_map(|group| group.accounts.iter().copied()).collect();
        let accounts: Vec<Type> = accounts.into_iter().map(|account| self.points_type(account)).collect();
        let times = "how often it is offered, such as `500 times`".to_owned();
        let expected = match accounts.first() {
            Some(ty) => format!("{}, or {times}", self.describe(ty)),
            None => times,
        };
        let lasting = header.was.as_ref().unwrap_or(&header.name).text.clone();
        self.budgets_over(at, lasting, clauses, (&accounts, expected))
    }

    /// Those of an offer's budgets that limit what one of its reactions awards.
    pub(super) fn budgets_of_reaction(&mut self, rule: Place, accounts: &[Type]) -> Vec<typed::Limit> {
        let Some(Reacted { at, lasting, clauses }) = self.reactions.get(&rule).cloned() else {
            return Vec::new();
        };
        // The offer is told of what is wrong in them.
        self.muted += 1;
        let budgets = self.budgets_over(at, lasting, clauses, (accounts, String::new()));
        self.muted -= 1;
        let awards = |limit: &typed::Limit| matches!(limit.of, ir::LimitOf::Awards(_));
        budgets.into_iter().map(|(limit, _)| limit).filter(awards).collect()
    }

    fn budgets_over(
        &mut self,
        at: At,
        lasting: String,
        clauses: &[ast::Placed<ast::OfferClause>],
        (accounts, expected): (&[Type], String),
    ) -> Vec<(typed::Limit, Place)> {
        let fits = |ty: &Type| accounts.contains(ty);
        let earns = accounts.contains(&Type::Money);
        let owner = Owner { word: "offer", lasting, fits: &fits, expected, earns };
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        let mut limits = Vec::new();
        let mut places = Vec::new();
        for clause in budgets_of(clauses) {
            let before = limits.len();
            self.limits(&mut scope, &[clause], &owner, &mut limits);
            if limits.len() > before {
                places.push(at.place(clause.span));
            }
        }
        limits.into_iter().zip(places).collect()
    }

    /// `limit 3 times per member within any 30 days else skip`: sessions in which it was shown.
    fn offer_limit(
        &mut self,
        reading: &mut Reading<'_>,
        amount: &ast::Expr,
        (per, window): (&[ast::Name], Option<&ast::Window>),
        otherwise: &ast::Name,
        place: Place,
    ) {
        let at = reading.at;
        let value = self.value(&mut reading.scope, amount, None);
        let times = self.counts.get("times").copied().map(Type::Count);
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return;
        }
        if Some(&value.ty) != times.as_ref() {
            let (quoted, found) = (self.quote(value.place), self.describe(&value.ty));
            self.report(errors::mismatched_types(
                value.place,
                &quoted,
                "how often, such as `3 times`",
                &found,
                None,
            ));
            return;
        }
        match per {
            [name] if name.text == "member" => {}
            [] => return self.report(errors::offer_limit_scope(place)),
            [name, ..] => {
                let place = at.place(name.span);
                return self.report(errors::unknown_word(place, "limit of offers", &name.text, &["member"]));
            }
        }
        if otherwise.text != "skip" {
            return self.report(errors::times_cut(at.place(otherwise.span), "limit"));
        }
        let window = match window {
            None => {
                let example = "limit 3 times per member within any 30 days else skip";
                let what = format!("a limit of {}", reading.what);
                return self.report(errors::missing_clause(
                    place,
                    &what,
                    "over what time it counts",
                    example,
                ));
            }
            Some(ast::Window::Any(number, unit)) => ast::Window::Last(number.clone(), unit.clone()),
            Some(ast::Window::Previous(_)) => return self.report(errors::limit_window(place)),
            Some(ast::Window::Session(span)) => return self.report(errors::session_window(at.place(*span))),
            Some(
                window @ (ast::Window::Last(..)
                | ast::Window::This(_)
                | ast::Window::Program(_)
                | ast::Window::Range(_)),
            ) => window.clone(),
        };
        if !self.knows_whom(reading, "limit", place) {
            return;
        }
        let span = place.span;
        let session = path("reaction.session", span);
        let shown = aggregate(
            ast::Aggregate::Distinct,
            Some(session),
            reactions(reading.header, window, None, span),
            span,
        );
        let shown = self.value_of(&mut reading.scope, &shown, &Type::Number);
        if matches!(shown.kind, ExprKind::Error) {
            return;
        }
        let most = Expr { ty: Type::Number, ..value };
        let kind = ExprKind::Compare(ir::Comparison::Less, Box::new(shown), Box::new(most));
        let condition = Expr { kind, ty: Type::Bool, place };
        reading.steps.push(OfferStep::Condition { clause: OfferClause::Limit, condition, place });
    }

    /// `rest 7 days after rejected`
    fn rest(&mut self, reading: &mut Reading<'_>, stretch: &ast::Expr, after: &ast::Name, place: Place) {
        let at = reading.at;
        if self.answer(at, after).is_none() {
            return;
        }
        let ast::ExprKind::Quantity(number, unit) = &stretch.kind else {
            let stretch_place = at.place(stretch.span);
            let quoted = self.quote(stretch_place);
            return self.report(errors::constant_expected(stretch_place, &quoted));
        };
        if !self.knows_whom(reading, "rest", place) {
            return;
        }
        let span = place.span;
        let answered = ast::Expr {
            kind: ast::ExprKind::Compare(
                ast::Comparison::Equal,
                Box::new(path("reaction.answer", unwritten(span))),
                Box::new(path(&after.text, span)),
            ),
            span,
        };
        let window = ast::Window::Last(number.clone(), unit.clone());
        let source = reactions(reading.header, window, Some(answered), span);
        let any = aggregate(ast::Aggregate::Any, None, source, span);
        let any = self.condition(&mut reading.scope, &any);
        let condition = Expr { kind: ExprKind::Not(Box::new(any)), ty: Type::Bool, place };
        reading.steps.push(OfferStep::Condition { clause: OfferClause::Rest, condition, place });
    }

    /// The field with the likelihood that an offer is accepted, before its clause is read.
    fn unlearned(&mut self, offer: &str, place: Place) -> typed::Learn {
        let field = self.add_field(typed::Field {
            name: format!("propensity({offer})"),
            record: ir::RecordKind::Derived,
            key: Vec::new(),
            ty: Type::Number,
            slot: ir::SlotType::Number { scale: 6 },
            den: i128::from(ir::SCORE_ONE),
            default: None,
            inherits: false,
            builtin: None,
            events: Vec::new(),
            place,
        });
        typed::Learn { field, prior: 0, showings: 1, half_life: None, by: Vec::new(), place }
    }

    /// `learn from 10% of 20 showings half_life 90 days by member.tier`
    fn learn(&mut self, at: At, written: &ast::Learn, learn: Option<&mut typed::Learn>, place: Place) {
        let Some(learn) = learn else { return };
        learn.place = place;
        let events = [ir::offers::SESSION, ir::offers::REACTION];
        let mut events: Vec<_> =
            events.iter().filter_map(|event| self.event_ids.get(*event).copied()).collect();
        events.sort_unstable();
        let mut scope = Scope::new(at.file, at.space, Events::Heard(events));
        scope.learn([Key::Member]);
        let prior = self.value_of(&mut scope, &written.prior, &Type::Percent);
        let parts = constant(&prior).and_then(|part| part.multiplied(Ratio::whole(ir::SCORE_ONE.into())));
        match parts.and_then(Ratio::to_i64).filter(|part| (0..=ir::SCORE_ONE).contains(part)) {
            Some(part) => learn.prior = part,
            None => {
                let quoted = self.quote(prior.place);
                self.report(errors::number_out_of_range(prior.place, &quoted));
            }
        }
        let (number, unit) = &written.showings;
        if unit.text != "showings" {
            let place = at.place(unit.span);
            self.report(errors::unknown_word(place, "unit of what is learned", &unit.text, &["showings"]));
        }
        learn.showings = self.at_least_one(at.place(number.span), &number.text);
        if let Some((number, unit)) = &written.half_life {
            if unit.text != "days" {
                let place = at.place(unit.span);
                self.report(errors::unknown_word(place, "unit of a half-life", &unit.text, &["days"]));
            }
            learn.half_life = Some(self.at_least_one(at.place(number.span), &number.text));
        }
        let mut kinds: i64 = 1;
        for by in &written.by {
            let value = self.expr(&mut scope, &by.value, None);
            // Who has no name to hash is of no kind.
            let value = if by.hashed.is_some() { value } else { self.present(value) };
            let hashed = by.hashed.as_ref().map(|(number, unit)| {
                if unit.text != "kinds" {
                    let place = at.place(unit.span);
                    self.report(errors::unknown_word(
                        place,
                        "unit of what is hashed",
                        &unit.text,
                        &["kinds"],
                    ));
                }
                self.at_least_one(at.place(number.span), &number.text)
            });
            let values = match (value.ty.present(), hashed) {
                (Type::Error, _) => continue,
                (Type::Symbol(_), Some(count)) if matches!(value.kind, ExprKind::Field { .. }) => {
                    ir::LearnedValues::Hashed(count)
                }
                (Type::Bool, None) => ir::LearnedValues::Named(vec!["false".to_owned(), "true".to_owned()]),
                (Type::Enum(id), None) => ir::LearnedValues::Named(
                    self.out.enums.get(id.index()).map(|of| of.values.clone()).unwrap_or_default(),
                ),
                (other, hashed) => {
                    let (quoted, found) = (self.quote(value.place), self.describe(other));
                    let wanted = match hashed {
                        Some(_) => "a field with one name, such as `member.city`",
                        None => "a truth or a value of an enumeration",
                    };
                    let mut wrong = errors::mismatched_types(value.place, &quoted, wanted, &found, None);
                    if let (Type::Symbol(_), None) = (other, hashed) {
                        let hashed = format!("{quoted} hashed to 64 kinds");
                        let why = format!("throw its names together: `{hashed}`");
                        wrong = wrong.fix(why, value.place, hashed);
                    }
                    self.report(wrong);
                    continue;
                }
            };
            kinds = kinds.saturating_mul(values.count() as i64);
            let mut text = self.text(value.place).split_whitespace().collect::<Vec<_>>().join(" ");
            if let Some(count) = hashed {
                text += &format!(" hashed to {count} kinds");
            }
            learn.by.push((value, ir::LearnedBy { text, values }));
        }
        if kinds > KINDS {
            let why =
                format!("what tells members apart makes {kinds} kinds of them, and {KINDS} are the most");
            self.report(errors::wrong_offer(place, &why));
        }
    }

    /// `propensity(roaming)`
    pub(super) fn propensity(&mut self, scope: &mut Scope, arguments: &[ast::Expr], place: Place) -> Expr {
        let [ast::Expr { kind: ast::ExprKind::Path(path), .. }] = arguments else {
            self.report(errors::wrong_offer(
                place,
                "`propensity` takes the name of an offer, such as `propensity(roaming)`",
            ));
            return self.broken(place);
        };
        let at = At { file: scope.file, space: scope.space, origin: super::Origin::Program };
        let Some(offer) = self.offer_named(at, path) else { return self.broken(place) };
        let learn = self.out.offers.list.get(offer as usize).and_then(|offer| offer.learn.as_ref());
        let Some(field) = learn.map(|learn| learn.field) else {
            let written = path.dotted();
            let why = format!("nothing is learned of `{written}`; say in it `learn from 10% of 20 showings`");
            self.report(errors::wrong_offer(place, &why));
            return self.broken(place);
        };
        let known = |event: &ir::EventId| {
            let name = self.out.events.get(event.index()).map(|event| event.name.as_str());
            matches!(name, Some(ir::offers::SESSION | ir::offers::REACTION))
        };
        let heard = match &scope.events {
            Events::Heard(events) => events.iter().all(known),
            Events::Inferred(_) => false,
        };
        if !heard {
            self.report(errors::wrong_offer(
                place,
                "`propensity` is known in sessions and reactions, and nowhere else",
            ));
            return self.broken(place);
        }
        self.builtin_field(field, place)
    }

    /// Refuses what asks for the reactions of somebody who need not be there.
    fn knows_whom(&mut self, reading: &Reading<'_>, word: &str, place: Place) -> bool {
        let known = reading.scope.knows(Key::Member);
        if !known {
            let why = format!(
                "`{word}` asks what the member did before, and a session need not have one; say `when member known` above it"
            );
            self.report(errors::wrong_offer(place, &why));
        }
        known
    }

    fn arbitration(
        &mut self,
        at: At,
        header: &ast::Header,
        clauses: &[ast::Placed<ast::ArbitrationClause>],
    ) -> typed::Arbitration {
        let place = at.place(header.name.span);
        let mut arbitration = typed::Arbitration {
            name: header.name.text.clone(),
            title: header.title.as_ref().map(|title| title.value.clone()),
            channels: None,
            slots: 0,
            classes: Vec::new(),
            order: Vec::new(),
            per_goal: None,
            explore: None,
            place,
        };
        let mut seen: Vec<&'static str> = Vec::new();
        let mut taken: Vec<u32> = Vec::new();
        for clause in clauses {
            let clause_place = at.place(clause.span);
            let word = match &clause.kind {
                ast::ArbitrationClause::Title(_) | ast::ArbitrationClause::Offers(_) => "",
                ast::ArbitrationClause::Channels(_) => "channels",
                ast::ArbitrationClause::Slots(_) => "slots",
                ast::ArbitrationClause::OrderBy(_) => "order by",
                ast::ArbitrationClause::AtMost(..) => "at most",
                ast::ArbitrationClause::Ties(_) => "ties",
                ast::ArbitrationClause::Explore(..) => "explore",
            };
            if !word.is_empty() && seen.contains(&word) {
                self.report(errors::repeated_clause(clause_place, word, "an arbitration"));
                continue;
            }
            seen.push(word);
            match &clause.kind {
                ast::ArbitrationClause::Title(_) => {}
                ast::ArbitrationClause::Channels(channels) => {
                    arbitration.channels = self.channel_names(at, channels);
                }
                ast::ArbitrationClause::Slots(number) => {
                    arbitration.slots = self.at_least_one(at.place(number.span), &number.text);
                }
                ast::ArbitrationClause::Offers(class) => {
                    if let Some(class) = self.class(at, class, &mut taken, arbitration.classes.is_empty()) {
                        arbitration.classes.push(class);
                    }
                }
                ast::ArbitrationClause::OrderBy(keys) => {
                    arbitration.order = keys.iter().filter_map(|key| self.offer_order(at, key)).collect();
                }
                ast::ArbitrationClause::AtMost(number, unit, per) => {
                    if unit.text != "offers" {
                        let place = at.place(unit.span);
                        self.report(errors::unknown_word(
                            place,
                            "unit of an arbitration",
                            &unit.text,
                            &["offers"],
                        ));
                    }
                    if per.text != "goal" {
                        let place = at.place(per.span);
                        self.report(errors::unknown_word(
                            place,
                            "limit of an arbitration",
                            &per.text,
                            &["goal"],
                        ));
                    }
                    arbitration.per_goal = Some(self.at_least_one(at.place(number.span), &number.text));
                }
                ast::ArbitrationClause::Ties(by) => {
                    let by_place = at.place(by.span);
                    if self.quote(by_place) != "offer.id" {
                        let why = "only `offer.id` tells all offers apart";
                        self.report(errors::wrong_arbitration(by_place, why));
                    }
                }
                ast::ArbitrationClause::Explore(part, seeds) => {
                    arbitration.explore = self.explore(at, part, seeds);
                }
            }
        }
        if !seen.contains(&"slots") {
            let what = format!("arbitration `{}`", header.name.text);
            self.report(errors::missing_clause(place, &what, "`slots`", "slots 3"));
        }
        if arbitration.classes.is_empty() {
            arbitration.classes = self.usual_classes();
        }
        if arbitration.order.is_empty() {
            arbitration.order = usual_order();
        }
        self.is_reached(&arbitration);
        arbitration
    }

    /// Refuses an arbitration whose channels all belong to those before it.
    fn is_reached(&mut self, arbitration: &typed::Arbitration) {
        let heard = |name: Option<&String>| {
            self.out.offers.arbitrations.iter().any(|other| match (&other.channels, name) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(channels), Some(name)) => channels.names.contains(name),
            })
        };
        let none_left = match &arbitration.channels {
            None => heard(None),
            Some(channels) => channels.names.iter().all(|name| heard(Some(name))),
        };
        if none_left {
            let why = "the arbitrations before it hear all of its channels";
            self.report(errors::wrong_arbitration(arbitration.place, why));
        }
    }

    fn at_least_one(&mut self, place: Place, text: &str) -> u32 {
        let number = text.parse().ok().filter(|number| *number >= 1);
        if number.is_none() {
            self.report(errors::number_out_of_range(place, text));
        }
        number.unwrap_or(1)
    }

    /// `first offers where …`
    fn class(
        &mut self,
        at: At,
        class: &ast::OfferClass,
        taken: &mut Vec<u32>,
        first: bool,
    ) -> Option<ir::Class> {
        let place = at.place(class.span);
        if class.first != first {
            let why = match first {
                true => "the first class of offers begins with `first offers where`",
                false => "a later class of offers begins with `then offers where`",
            };
            self.report(errors::wrong_arbitration(place, why));
        }
        let test = self.class_test(at, &class.condition)?;
        let matching = (0u32..).zip(&self.out.offers.list).filter(|(_, offer)| test.holds(offer));
        let matching: Vec<u32> = matching.map(|(id, _)| id).collect();
        let offers: Vec<u32> = matching.iter().copied().filter(|id| !taken.contains(id)).collect();
        if offers.is_empty() && !matching.is_empty() {
            let why = "all offers of this class are in those before it";
            self.report(errors::wrong_arbitration(place, why));
        }
        taken.extend(&offers);
        Some(ir::Class { offers, only_when_none: class.only_when_none })
    }

    /// What a class says of offers, before any session.
    fn class_test(&mut self, at: At, condition: &ast::Expr) -> Option<Test> {
        let place = at.place(condition.span);
        match &condition.kind {
            ast::ExprKind::Logic(logic, parts) => {
                let tests: Vec<Option<Test>> = parts.iter().map(|part| self.class_test(at, part)).collect();
                let tests = tests.into_iter().collect::<Option<Vec<Test>>>()?;
                return Some(match logic {
                    ast::Logic::And => Test::All(tests),
                    ast::Logic::Or => Test::Any(tests),
                });
            }
            ast::ExprKind::Not(part) => return Some(Test::Not(Box::new(self.class_test(at, part)?))),
            ast::ExprKind::Bool(truth) => return Some(Test::Is(*truth)),
            ast::ExprKind::In { value, negated, set } if self.quote(at.place(set.span)) == "offer.goals" => {
                let test = Test::Goal(self.goal(at, value)?);
                return Some(if *negated { Test::Not(Box::new(test)) } else { test });
            }
            ast::ExprKind::Compare(comparison, left, right) => {
                let (field, word) = (self.quote(at.place(left.span)), self.quote(at.place(right.span)));
                let right_place = at.place(right.span);
                let equal = match comparison {
                    ast::Comparison::Equal => Some(true),
                    ast::Comparison::NotEqual => Some(false),
                    ast::Comparison::Less
                    | ast::Comparison::LessOrEqual
                    | ast::Comparison::Greater
                    | ast::Comparison::GreaterOrEqual => None,
                };
                if field == "offer.priority" {
                    return Some(Test::Priority(*comparison, self.level(right_place, &word)?));
                }
                let words: &[&str] = match field.as_str() {
                    "offer.display" => &["always", "by_priority", "by_default"],
                    "offer.purpose" => &["message", "product"],
                    _ => &[],
                };
                if let Some(equal) = equal.filter(|_| !words.is_empty()) {
                    if !words.contains(&word.as_str()) {
                        self.report(errors::unknown_word(right_place, "sort of offer", &word, words));
                        return None;
                    }
                    let test = if words.len() == 2 { Test::Purpose(word) } else { Test::Display(word) };
                    return Some(if equal { test } else { Test::Not(Box::new(test)) });
                }
            }
            ast::ExprKind::Error => return None,
            _ => {}
        }
        let why = "a class asks what an offer is: `offer.display = always`, `offer.priority >= high`, \
                   `offer.purpose = message`, `retention in offer.goals`";
        self.report(errors::wrong_arbitration(place, why));
        None
    }

    fn offer_order(&mut self, at: At, (key, descending): &(ast::Expr, bool)) -> Option<ir::OrderKey> {
        let place = at.place(key.span);
        let by = match self.quote(place).as_str() {
            "offer.priority" => ir::OrderBy::Priority,
            "offer.score" => ir::OrderBy::Score,
            _ => {
                let why = "offers are ordered by `offer.priority` and `offer.score`";
                self.report(errors::wrong_arbitration(place, why));
                return None;
            }
        };
        Some(ir::OrderKey { by, descending: *descending })
    }

    fn explore(&mut self, at: At, part: &ast::Expr, seeds: &[ast::Path]) -> Option<(i64, Vec<ir::Seed>)> {
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        let value = self.value_of(&mut scope, part, &Type::Percent);
        let millionths =
            constant(&value).and_then(|part| part.multiplied(Ratio::whole(ir::PERCENT_ONE.into())));
        let millionths =
            millionths.and_then(Ratio::to_i64).filter(|part| (1..=ir::PERCENT_ONE).contains(part));
        if millionths.is_none() {
            let quoted = self.quote(value.place);
            self.report(errors::number_out_of_range(value.place, &quoted));
        }
        let mut found = Vec::new();
        for seed in seeds {
            let place = at.place(seed.span);
            let seed = match self.quote(place).as_str() {
                "member.id" => ir::Seed::Member,
                "event.id" => ir::Seed::Event,
                _ => {
                    let why = "what is drawn comes from `member.id`, from `event.id` or from both";
                    self.report(errors::wrong_arbitration(place, why));
                    continue;
                }
            };
            if found.contains(&seed) {
                self.report(errors::repeated_clause(place, seed.word(), "`seed`"));
            } else {
                found.push(seed);
            }
        }
        millionths.filter(|_| !found.is_empty()).map(|part| (part, found))
    }

    /// Always, then by priority, then by default where there is nothing else.
    fn usual_classes(&self) -> Vec<ir::Class> {
        let class = |word: &str, only_when_none: bool| ir::Class {
            offers: (0u32..)
                .zip(&self.out.offers.list)
                .filter(|(_, offer)| offer.display.word() == word)
                .map(|(id, _)| id)
                .collect(),
            only_when_none,
        };
        vec![class("always", false), class("by_priority", false), class("by_default", true)]
    }

    /// The offer of this name.
    pub(super) fn offer_named(&mut self, at: At, path: &ast::Path) -> Option<u32> {
        let place = at.place(path.span);
        let written = self.quote(place);
        let found = path.parts.last().and_then(|name| self.offer_ids.get(&name.text)).copied();
        if found.is_none() {
            let near = self.nearest(&written, self.offer_ids.keys().map(String::as_str));
            self.report(errors::unknown_name(place, "offer", &written, near.as_deref()));
        }
        found
    }

    /// `limit`, `slots`: why an offer is not shown, as tests write it.
    pub(super) fn hidden_by(&mut self, at: At, word: &ast::Name) -> Option<String> {
        let clauses = OfferClause::ALL.iter().map(|clause| clause.word());
        let words: Vec<&str> = clauses.chain(crate::evaluate::HIDDEN_WORDS.iter().copied()).collect();
        if !words.contains(&word.text.as_str()) {
            let place = at.place(word.span);
            self.report(errors::unknown_word(
                place,
                "reason for which an offer is hidden",
                &word.text,
                &words,
            ));
            return None;
        }
        Some(word.text.clone())
    }
}

fn usual_order() -> Vec<ir::OrderKey> {
    [ir::OrderBy::Priority, ir::OrderBy::Score].map(|by| ir::OrderKey { by, descending: true }).to_vec()
}

/// The word of a clause that an offer says once.
fn once(clause: &ast::OfferClause) -> Option<String> {
    Some(match clause {
        ast::OfferClause::Display(_) => "display".to_owned(),
        ast::OfferClause::Purpose(_) => "purpose".to_owned(),
        ast::OfferClause::Channels(_) => "channels".to_owned(),
        ast::OfferClause::Goals(_) => "goals".to_owned(),
        ast::OfferClause::Score(_) => "score".to_owned(),
        ast::OfferClause::Learn(_) => "learn".to_owned(),
        ast::OfferClause::On(answer, _) => format!("on {}", answer.text),
        ast::OfferClause::Also(..)
        | ast::OfferClause::Say(_)
        | ast::OfferClause::Rest(..)
        | ast::OfferClause::Shared(_) => return None,
    })
}
