//! Offers: their conditions become one function each, which gives the number of the first that does not hold, and their
//! scores another.

use super::build::Builder;
use super::{Lowering, count};
use crate::ir::{self, Inst, Rounding, SlotId};
use crate::typed::{self, OfferStep, Step};

impl<'p> Lowering<'p> {
    /// All offers and arbitrations, after all rules.
    pub fn offers(&mut self) {
        let typed = &self.program.offers;
        if typed.list.is_empty() && typed.arbitrations.is_empty() {
            return;
        }
        // Conditions of these functions are no rule's.
        let conditions = self.ir.conditions.len();
        self.ir.offers.priorities.clone_from(&typed.priorities);
        let session = self.ir.events.iter().position(|event| event.name == ir::offers::SESSION);
        let session = session.map(|event| ir::EventId(count(event))).into_iter().collect::<Vec<_>>();
        if typed.list.iter().any(|offer| offer.learn.is_some())
            && let Some((offer, answer, answers)) = typed.reaction
        {
            let (offer, answer) = (self.slot(offer).1, self.slot(answer).1);
            self.ir.offers.reaction = Some(ir::ReactionSlots { offer, answer, answers });
            let values = self.ir.enums.get(answers.index()).map(|answers| answers.values.clone());
            let said = |answer: &String| match answer.as_str() {
                "shown" => ir::Answered::Shown,
                "accepted" => ir::Answered::Accepted,
                _ => ir::Answered::Declined,
            };
            self.ir.offers.answers = values.iter().flatten().map(said).collect();
        }
        if typed.arbitrations.iter().any(|arbitration| arbitration.channels.is_some()) {
            self.ir.offers.channel = typed.channel.map(|channel| self.slot(channel).1);
        }
        for offer in &typed.list {
            // A rule that shows it asks its conditions, too.
            let mut asked: Vec<ir::EventId> = session.iter().chain(&offer.shown).copied().collect();
            asked.sort_unstable();
            self.past.events.clone_from(&asked);
            self.note_offer_lets(&offer.steps);
            let place = self.place(offer.place);
            let held = self.held(offer, &asked);
            self.past.events.clone_from(&session);
            let score = offer.score.as_ref().map(|score| self.score(offer, score, &session));
            let clauses = offer.steps.iter().filter_map(|step| match step {
                OfferStep::Let(_) => None,
                OfferStep::Condition { clause, place, .. } => Some((*clause, *place)),
                OfferStep::Budget { place, .. } => Some((ir::OfferClause::Budget, *place)),
            });
            let clauses: Vec<_> = clauses.collect();
            let conditions = clauses
                .into_iter()
                .map(|(clause, place)| ir::OfferCondition { clause, place: self.place(place) })
                .collect();
            let steps = offer.steps.iter().filter(|step| !matches!(step, OfferStep::Let(_)));
            let budgets: Vec<(u32, typed::Limit)> = (0u32..)
                .zip(steps)
                .filter_map(|(condition, step)| match step {
                    OfferStep::Budget { limit, .. } => Some((condition, limit.clone())),
                    OfferStep::Let(_) | OfferStep::Condition { .. } => None,
                })
                .collect();
            let budgets = budgets.into_iter().flat_map(|(condition, limit)| {
                let limits = self.limits(std::slice::from_ref(&limit));
                limits.into_iter().map(move |limit| ir::OfferBudget { condition, limit })
            });
            let budgets = budgets.collect();
            let key = self.reference(&offer.key);
            self.ir.offers.list.push(ir::Offer {
                name: offer.name.clone(),
                title: offer.title.clone(),
                key,
                display: offer.display,
                purpose: offer.purpose.clone(),
                goals: offer.goals.clone(),
                says: offer.says.clone(),
                conditions,
                held,
                budgets,
                score,
                learn: self.learns.get(&offer.name).copied(),
                kinds: offer.learn.iter().flat_map(|learn| &learn.by).map(|(_, by)| by.clone()).collect(),
                governance: offer.governance.clone(),
                place,
            });
        }
        for arbitration in &typed.arbitrations {
            let place = self.place(arbitration.place);
            let channels = arbitration.channels.as_ref().map(|channels| self.reference(channels));
            let explore = arbitration.explore.as_ref().map(|(part, seeds)| ir::Explore {
                part: *part,
                seeds: seeds.clone(),
                drawn: self
                    .given_slot(&format!("arbitration {} draws", arbitration.name), ir::SlotType::Count),
            });
            self.ir.offers.arbitrations.push(ir::Arbitration {
                name: arbitration.name.clone(),
                title: arbitration.title.clone(),
                channels,
                slots: arbitration.slots,
                classes: arbitration.classes.clone(),
                order: arbitration.order.clone(),
                per_goal: arbitration.per_goal,
                explore,
                place,
            });
        }
        self.ir.conditions.truncate(conditions);
    }

    /// What is learned, before whatever reads it.
    pub fn learning(&mut self) {
        let conditions = self.ir.conditions.len();
        let named = |name: &str| self.ir.events.iter().position(|event| event.name == name);
        let mut events: Vec<ir::EventId> = [named(ir::offers::SESSION), named(ir::offers::REACTION)]
            .into_iter()
            .flatten()
            .map(|event| ir::EventId(count(event)))
            .collect();
        events.sort_unstable();
        for offer in &self.program.offers.list {
            let Some(learn) = &offer.learn else { continue };
            self.past.events.clone_from(&events);
            self.past.lets.clear();
            self.past.sources.clear();
            let estimate = self.slot(learn.field).1;
            let name = format!("kind for offer {}", offer.name);
            let place = self.place(learn.place);
            let hashed: Vec<Option<SlotId>> =
                learn.by.iter().map(|(by, named)| self.hashed(by, named)).collect();
            let mut builder = Builder::new(self, &name, place);
            let mut kind: Option<ir::Value> = None;
            let may_lack = hashed.iter().any(Option::is_some);
            if may_lack {
                builder.emit(Inst::Block);
            }
            for ((by, named), hashed) in learn.by.iter().zip(hashed) {
                let own = if let Some(slot) = hashed {
                    let number = builder.emit(Inst::LoadEvent(slot));
                    let known = builder.emit(Inst::Known(number));
                    builder.leave_unless(known, 0);
                    number
                } else if by.ty == typed::Type::Bool {
                    let truth = builder.truth(by);
                    let (one, zero) = (builder.int(1), builder.int(0));
                    builder.emit(Inst::Choose(truth, one, zero))
                } else {
                    builder.ordinal(by)
                };
                kind = Some(match kind {
                    None => own,
                    Some(before) => {
                        let values = builder.int(named.values.count() as i64);
                        let before = builder.emit(Inst::Mul(before, values));
                        builder.emit(Inst::Add(before, own))
                    }
                });
            }
            if let Some(kind) = kind {
                builder.emit(Inst::Derive(kind));
            }
            if may_lack {
                builder.emit(Inst::End);
            }
            let function = builder.finish();
            let kind = self.derivation(name, function, ir::SlotType::Count, &events, place);
            let (prior, showings) = (learn.prior, learn.showings);
            let half_life = learn.half_life.map(ir::HalfLife::from);
            let learn = ir::Learn { prior, showings, half_life, kind, estimate };
            self.learns.insert(offer.name.clone(), learn);
        }
        self.ir.conditions.truncate(conditions);
    }

    /// The slot with the number of a field's name, where names are thrown together.
    fn hashed(&mut self, by: &typed::Expr, named: &ir::LearnedBy) -> Option<SlotId> {
        let (ir::LearnedValues::Hashed(number), typed::ExprKind::Field { field, .. }) =
            (&named.values, &by.kind)
        else {
            return None;
        };
        let of = self.slot(*field).1;
        let known = self.ir.offers.hashed.iter().find(|hashed| (hashed.of, hashed.count) == (of, *number));
        if let Some(hashed) = known {
            return Some(hashed.slot);
        }
        let slot = self.given_slot(&named.text, ir::SlotType::Count);
        self.ir.offers.hashed.push(ir::Hashed { of, count: *number, slot });
        Some(slot)
    }

    /// What an offer binds, for what looks at the past.
    fn note_offer_lets(&mut self, steps: &'p [OfferStep]) {
        self.past.lets.clear();
        self.past.sources.clear();
        for step in steps {
            if let OfferStep::Let(Step::Let(local, value)) = step {
                self.past.lets.insert(*local, value);
            } else if let OfferStep::Let(Step::LetCollection(local, source)) = step {
                self.past.sources.insert(*local, source);
            }
        }
    }

    /// The slot with the number of the first condition that does not hold.
    fn held(&mut self, offer: &'p typed::Offer, asked: &[ir::EventId]) -> SlotId {
        let name = format!("offer {}", offer.name);
        let place = self.place(offer.place);
        let mut builder = Builder::new(self, &name, place);
        let also = offer.also.as_ref().map(|also| builder.truth(also));
        builder.emit(Inst::Block);
        let mut number = 0i64;
        for step in &offer.steps {
            match step {
                OfferStep::Let(step) => builder.steps(ir::RuleId(0), std::slice::from_ref(step), false),
                // What is left is known where the claims are.
                OfferStep::Budget { .. } => number += 1,
                OfferStep::Condition { clause, condition, place } => {
                    let place = builder.lowering.place(*place);
                    let before = builder.at(place);
                    let failed = builder.int(number);
                    builder.emit(Inst::Derive(failed));
                    // Who is in the other audience need not be in the first.
                    match also.filter(|_| *clause == ir::OfferClause::When) {
                        Some(also) => {
                            builder.emit(Inst::Block);
                            builder.emit(Inst::Break { depth: 0, condition: also, when: true });
                            let truth = builder.truth(condition);
                            builder.leave_unless(truth, 1);
                            builder.emit(Inst::End);
                        }
                        None => {
                            let truth = builder.truth(condition);
                            builder.leave_unless(truth, 0);
                        }
                    }
                    builder.at(before);
                    number += 1;
                }
            }
        }
        let all = builder.int(number);
        builder.emit(Inst::Derive(all));
        builder.emit(Inst::End);
        let function = builder.finish();
        self.derivation(name, function, ir::SlotType::Count, asked, place)
    }

    /// The slot with the score, rounded to whole parts of one.
    fn score(&mut self, offer: &'p typed::Offer, score: &'p typed::Expr, session: &[ir::EventId]) -> SlotId {
        let name = format!("score of offer {}", offer.name);
        let place = self.place(score.place);
        let mut builder = Builder::new(self, &name, place);
        for step in &offer.steps {
            if let OfferStep::Let(step) = step {
                builder.steps(ir::RuleId(0), std::slice::from_ref(step), false);
            }
        }
        let value = builder.number(score);
        let parts = super::fraction::Fraction::constant(i128::from(ir::offers::SCORE_ONE), 1);
        let value = builder.multiply(value, parts);
        let value = builder.round(value, Rounding::HalfUp);
        let value = builder.wide(value.num);
        let value = builder.emit(Inst::Narrow(value));
        builder.emit(Inst::Derive(value));
        let function = builder.finish();
        self.derivation(name, function, ir::SlotType::Number { scale: 6 }, session, place)
    }

    pub(super) fn derivation(
        &mut self,
        name: String,
        function: ir::Function,
        ty: ir::SlotType,
        events: &[ir::EventId],
        place: ir::PlaceId,
    ) -> SlotId {
        let slot = self.given_slot(&name, ty);
        let id = ir::FunctionId(count(self.ir.functions.len()));
        self.ir.functions.push(function);
        self.ir.derivations.push(ir::Derivation { name, slot, function: id, events: events.to_vec(), place });
        self.past.apart();
        slot
    }

    /// A slot of the event that no record fills.
    fn given_slot(&mut self, name: &str, ty: ir::SlotType) -> SlotId {
        let slot = SlotId(count(self.ir.layout.event.len()));
        self.ir.layout.event.push(ir::Slot {
            name: name.to_owned(),
            record: ir::RecordKind::Derived,
            key: Vec::new(),
            ty,
            optional: true,
            default: None,
            inherits: false,
        });
        slot
    }
}
