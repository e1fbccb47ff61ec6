//! Conditions under which an award may be spent: on which days, where, for which goods. They speak of the event that
//! spends. It refuses to know which lots a member has.

use super::effects::Context;
use super::names::{Events, Key, Scope};
use super::{At, Checker, errors};
use crate::ir::{self, Available, Expires, Life};
use crate::typed::walk;
use crate::typed::{Element, Rule, Source, SourceKind, Spendable, Step, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::{Place, Span};

/// What a rule's `spendable` says of its awards.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// The condition that its lots carry, of the program's.
    pub id: Option<u32>,
    /// `after 3 days`
    after: Option<(ir::Span, Span)>,
    /// `until 2026-12-31`
    until: Option<(i64, Span)>,
    place: Place,
}

/// The lines for which points of a condition may pay, until all rules are known.
#[derive(Debug)]
pub(super) struct PayableLines {
    id: u32,
    name: String,
    steps: Vec<Step>,
    lines: Source,
    events: Vec<ir::EventId>,
    place: Place,
}

impl Checker<'_> {
    /// `spendable { … }`
    pub(super) fn spendable(
        &mut self,
        at: At,
        clauses: &[ast::Placed<ast::SpendableClause>],
        place: Place,
        lasting: &str,
    ) -> Terms {
        // What the rule binds is of the event that awards, and not of the one that spends.
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        scope.learn([Key::Member]);
        let params_read = std::mem::take(&mut self.params_read);
        let mut terms = Terms { place, ..Terms::default() };
        let mut steps = Vec::new();
        let mut lines = None;
        let mut seen: Vec<&'static str> = Vec::new();
        for clause in clauses {
            let word = match &clause.kind {
                ast::SpendableClause::After(_) => "after",
                ast::SpendableClause::Until(_) => "until",
                ast::SpendableClause::For(_) => "for",
                ast::SpendableClause::Shared(_) => "",
            };
            if !word.is_empty() && seen.contains(&word) {
                self.report(errors::repeated_clause(at.place(clause.span), word, "`spendable`"));
                continue;
            }
            seen.push(word);
            match &clause.kind {
                ast::SpendableClause::After(stretch) => {
                    terms.after = self.span(&mut scope, stretch).map(|after| (after, clause.span));
                }
                ast::SpendableClause::Until(day) => {
                    terms.until = self.moment(&scope, day, true).map(|(day, _)| (day, clause.span));
                }
                ast::SpendableClause::For(source) => {
                    let Some((source, _)) = self.source(&mut scope, source) else { continue };
                    if source.of == Element::Line {
                        lines = Some(source);
                    } else {
                        let found = self.collection_word(source.of);
                        self.report(errors::wrong_element(source.place, "`spendable`", &found, "lines"));
                    }
                }
                ast::SpendableClause::Shared(clause) => {
                    self.clause(&mut scope, clause, &mut steps, &mut Vec::new());
                }
            }
        }
        self.params_read = params_read;
        if lines.is_none() && !steps.iter().any(|step| matches!(step, Step::When(_))) {
            return terms;
        }
        let events = self.inferred(&scope);
        let id = self.out.spendables.len() as u32;
        let same = self.out.spendables.iter().filter(|other| other.base == lasting).count();
        let name = if same == 0 { lasting.to_owned() } else { format!("{lasting}, version {}", same + 1) };
        let goods = lines.is_some();
        if let Some(lines) = lines {
            let (steps, events) = (steps.clone(), events.clone());
            self.payable_lines.push(PayableLines { id, name: name.clone(), steps, lines, events, place });
        }
        let base = lasting.to_owned();
        self.out.spendables.push(Spendable { name, base, steps, events, goods, lines: None, place });
        terms.id = Some(id);
        terms
    }

    /// Lays what a rule's `spendable` says over the life of an award.
    pub(super) fn spent_so(
        &mut self,
        scope: &Scope,
        options: &ast::AwardOptions,
        context: &Context,
        mut life: Life,
    ) -> Life {
        let Some(terms) = &context.spendable else { return life };
        if let Some(span) = options.spent_at_once {
            self.report(errors::spent_before(scope.place(span), "spendable", terms.place));
            return life;
        }
        life.spendable = terms.id;
        if let Some((after, span)) = terms.after {
            if let Some(option) = &options.available {
                let why = "the award says itself when it becomes available";
                let place = Place { span, ..terms.place };
                self.report(errors::wrong_spendable(place, why).label(scope.place(option.span), "here"));
            }
            life.available = Available::After(after);
        }
        if let Some((day, span)) = terms.until {
            if let Some(option) = &options.expires {
                let why = "the award says itself when it ends";
                let place = Place { span, ..terms.place };
                self.report(errors::wrong_spendable(place, why).label(scope.place(option.span), "here"));
            }
            life.expires = Some(Expires::On(day));
        }
        life
    }

    /// Refuses conditions that no award of the rule carries.
    pub(super) fn spends_something(&mut self, context: &Context, given: &[Step]) {
        let Some(terms) = &context.spendable else { return };
        let awards = |step: &Step| matches!(step, Step::Award { .. });
        if !walk::any_step(given, &awards) {
            let why = "the rule awards nothing that could be spent";
            self.report(errors::wrong_spendable(terms.place, why));
        }
    }

    /// A rule of the tender phase for each condition on goods: it says for which lines such points may pay.
    pub(super) fn check_payable_lines(&mut self) {
        for payable in std::mem::take(&mut self.payable_lines) {
            let Some(group) = self.payment_group() else { continue };
            let PayableLines { id, name, mut steps, lines, events, place } = payable;
            let local = self.local("payable", Type::Collection(Element::Line), place);
            let element = lines.element;
            steps.push(Step::LetCollection(local, lines));
            let target = Source { kind: SourceKind::Bound(local), of: Element::Line, element, place };
            steps.push(Step::TenderLines { target, place });
            let rule = ir::RuleId(self.out.rules.len() as u32);
            self.out.rules.push(Rule {
                name: format!("{name} spendable"),
                title: None,
                docs: Vec::new(),
                group,
                priority: 0,
                events,
                steps,
                limits: Vec::new(),
                governance: ir::Governance::default(),
                place,
            });
            if let Some(spendable) = self.out.spendables.get_mut(id as usize) {
                spendable.lines = Some(rule);
            }
        }
    }
}
