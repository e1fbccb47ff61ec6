//! Coupons, certificates, badges and levels: what is kept of members, and the functions that are asked beside the rules.

use super::build::{Binding, Builder};
use super::{Lowering, count};
use crate::ir::{self, FunctionId, Inst};
use crate::typed::{Expr, LocalId};
use perq_grammar::diagnostic::Place;

impl Lowering<'_> {
    /// All instruments, after all rules.
    pub fn instruments(&mut self) {
        let typed = &self.program.instruments;
        // Conditions of these functions are no rule's, and none explains them.
        let conditions = self.ir.conditions.len();
        if !typed.coupons.is_empty() {
            self.ir.instruments.presented = typed.presented.map(|field| self.slot(field).1);
        }
        for coupon in &typed.coupons {
            let place = self.place(coupon.place);
            self.ir.instruments.coupons.push(ir::Coupon {
                name: coupon.name.clone(),
                title: coupon.title.clone(),
                rule: coupon.rule,
                codes: coupon.codes.clone(),
                expires: coupon.expires,
                place,
            });
        }
        for certificate in &typed.certificates {
            let place = self.place(certificate.place);
            self.ir.instruments.certificates.push(ir::Certificate {
                name: certificate.name.clone(),
                title: certificate.title.clone(),
                expires: certificate.expires,
                place,
            });
        }
        self.past.lets.clear();
        self.past.sources.clear();
        for badge in &typed.badges {
            let place = self.place(badge.place);
            if let Some((_, events)) = &badge.when {
                self.past.events.clone_from(events);
            }
            let review = badge.when.as_ref().map(|(when, events)| ir::Review {
                function: self.asked(&badge.name, badge.place, None, &[(when, 1)]),
                events: events.clone(),
            });
            self.ir.instruments.badges.push(ir::Badge {
                name: badge.name.clone(),
                title: badge.title.clone(),
                review,
                place,
            });
        }
        for tiers in &typed.tiers {
            self.past.events.clone_from(&tiers.events);
            let levels: Vec<(&Vec<Expr>, i64)> = tiers.conditions.iter().zip(0i64..).collect();
            let reached = self.asked(&tiers.name, tiers.place, tiers.measure.as_ref(), &levels);
            let keep = tiers.keep.as_ref().map(|keep| self.date(&tiers.name, tiers.place, keep));
            let (_, slot) = self.slot(tiers.field);
            let place = self.place(tiers.place);
            self.ir.instruments.tiers.push(ir::Tiers {
                name: tiers.name.clone(),
                title: tiers.title.clone(),
                levels: tiers.levels,
                slot,
                reached,
                keep,
                at_once: tiers.at_once,
                downgrade: tiers.downgrade,
                review: tiers.review,
                events: tiers.events.clone(),
                place,
            });
        }
        self.ir.conditions.truncate(conditions);
    }

    /// A function that gives the number of the last of these whose conditions all hold.
    fn asked(
        &mut self,
        name: &str,
        place: Place,
        measure: Option<&(LocalId, Expr)>,
        cases: &[(&Vec<Expr>, i64)],
    ) -> FunctionId {
        let place = self.place(place);
        let mut builder = Builder::new(self, name, place);
        if let Some((local, measure)) = measure {
            let operand = builder.operand(measure);
            builder.bindings.insert(*local, Binding::Operand(operand));
        }
        for (conditions, number) in cases {
            builder.emit(Inst::Block);
            for condition in *conditions {
                let truth = builder.truth(condition);
                builder.leave_unless(truth, 0);
            }
            let number = builder.int(*number);
            builder.emit(Inst::Derive(number));
            builder.emit(Inst::End);
        }
        let function = builder.finish();
        self.function(function)
    }

    /// A function that gives a date.
    fn date(&mut self, name: &str, place: Place, date: &Expr) -> FunctionId {
        let place = self.place(place);
        let mut builder = Builder::new(self, name, place);
        let day = builder.ordinal(date);
        builder.emit(Inst::Derive(day));
        let function = builder.finish();
        self.function(function)
    }

    fn function(&mut self, function: ir::Function) -> FunctionId {
        let id = FunctionId(count(self.ir.functions.len()));
        self.ir.functions.push(function);
        id
    }
}
