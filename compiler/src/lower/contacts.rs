//! Contact plans: of which sorts a contact is, what it is worth and what it costs become one function each.

use super::build::Builder;
use super::fraction::Fraction;
use super::{Lowering, count};
use crate::ir::{self, Inst, Rounding, SlotId, contacts};
use crate::typed;

impl<'p> Lowering<'p> {
    /// All plans, after all rules.
    pub fn contacts(&mut self) {
        let typed = &self.program.contacts;
        let Some((offer, channel, package)) = typed.fields.filter(|_| !typed.plans.is_empty()) else {
            return;
        };
        // Conditions of these functions are no rule's.
        let conditions = self.ir.conditions.len();
        let events = self.ir.events.iter().position(|event| event.name == contacts::CONTACT);
        let events: Vec<ir::EventId> = events.into_iter().map(|event| ir::EventId(count(event))).collect();
        self.past.events.clone_from(&events);
        let [offer, channel, package] = [offer, channel, package].map(|field| self.slot(field).1);
        self.ir.contacts.slots = Some(ir::ContactSlots { offer, channel, package });
        for plan in &typed.plans {
            let place = self.place(plan.place);
            self.ir.contacts.plans.push(ir::ContactPlan {
                name: plan.name.clone(),
                title: plan.title.clone(),
                place,
            });
        }
        self.ir.contacts.sorts = count(typed.sorts.len());
        let places: Vec<_> = typed.plans.iter().map(|plan| self.place(plan.place)).collect();
        let Some(place) = places.first().copied() else { return };
        for (number, sorts) in typed.sorts.chunks(contacts::MARKS).enumerate() {
            let name = format!("sorts of contacts {number}");
            let mut builder = self.of_contacts(&name, place);
            let mut marks = builder.int(0);
            for (bit, sort) in sorts.iter().enumerate() {
                let own = builder.lowering.place(sort.place);
                let before = builder.at(own);
                let truth = builder.truth(sort);
                let (one, none) = (builder.int(1 << bit), builder.int(0));
                let own = builder.emit(Inst::Choose(truth, one, none));
                marks = builder.emit(Inst::Add(marks, own));
                builder.at(before);
            }
            builder.emit(Inst::Derive(marks));
            let function = builder.finish();
            let slot = self.derivation(name, function, ir::SlotType::Count, &events, place);
            self.ir.contacts.marks.push(slot);
        }
        if let Some((score, digits)) = &typed.score {
            self.ir.contacts.score = Some(self.contact_amount("score of contacts", score, *digits, &events));
        }
        for (number, (value, digits)) in typed.columns.iter().enumerate() {
            let slot = self.contact_amount(&format!("amount of contacts {number}"), value, *digits, &events);
            self.ir.contacts.columns.push(slot);
        }
        for (sort, text, place) in &typed.drops {
            let place = self.place(*place);
            self.ir.contacts.drops.push(ir::ContactDrop { sort: *sort, text: text.clone(), place });
        }
        for (kind, text, place) in &typed.rules {
            let place = self.place(*place);
            self.ir.contacts.rules.push(ir::ContactRule { kind: kind.clone(), text: text.clone(), place });
        }
        self.ir.conditions.truncate(conditions);
    }

    /// A function that knows what the plans bind.
    fn of_contacts(&mut self, name: &str, place: ir::PlaceId) -> Builder<'_, 'p> {
        self.past.lets.clear();
        self.past.sources.clear();
        let program: &'p typed::Program = self.program;
        for step in program.contacts.plans.iter().flat_map(|plan| &plan.lets) {
            if let typed::Step::Let(local, value) = step {
                self.past.lets.insert(*local, value);
            } else if let typed::Step::LetCollection(local, source) = step {
                self.past.sources.insert(*local, source);
            }
        }
        let mut builder = Builder::new(self, name, place);
        for plan in &program.contacts.plans {
            builder.steps(ir::RuleId(0), &plan.lets, false);
        }
        builder
    }

    /// The slot with an amount, rounded to whole parts of one.
    fn contact_amount(
        &mut self,
        name: &str,
        value: &'p typed::Expr,
        digits: u8,
        events: &[ir::EventId],
    ) -> SlotId {
        let place = self.place(value.place);
        let mut builder = self.of_contacts(name, place);
        let value = builder.number(value);
        let parts = Fraction::constant(10i128.pow(u32::from(digits)), 1);
        let value = builder.multiply(value, parts);
        let value = builder.round(value, Rounding::HalfUp);
        let value = builder.wide(value.num);
        let value = builder.emit(Inst::Narrow(value));
        builder.emit(Inst::Derive(value));
        let function = builder.finish();
        self.derivation(name.to_owned(), function, ir::SlotType::Number { scale: digits }, events, place)
    }
}
