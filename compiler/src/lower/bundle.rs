//! A bundle: its parts, what its effects give for a set, and a loop over the sets that are chosen. Equal sets are one
//! turn, so that amounts and picks there are for all of them.

use super::build::{Binding, Builder};
use super::fraction::Fraction;
use crate::ir::{
    DiscountAmount, Fall, Inst, OnPrice, Rows, RuleId, SetPick, SetValue, SlotId, Value, line_slot,
};
use crate::typed::{Bundle, Expr, Source, SourceKind, Step};

impl Builder<'_, '_> {
    /// Chooses the sets and gives what the effects say for each.
    pub fn sets(&mut self, rule: RuleId, bundle: &Bundle, body: &[Step]) {
        let place = self.lowering.place(bundle.place);
        let before = self.at(place);
        let sets = self.emit(Inst::NewSets);
        for part in &bundle.parts {
            let selection = self.selection(&part.of);
            let count = self.whole(&part.count);
            self.emit(Inst::SetPart { sets, selection, count });
        }
        for step in body {
            self.term(sets, step);
        }
        let most = match &bundle.up_to {
            Some(up_to) => self.whole(up_to),
            None => self.int(i64::MAX),
        };
        let key = self.amounts_of(rule);
        let lists = self.emit(Inst::ChooseSets { sets, most, member: bundle.member, key });
        let list = self.emit(Inst::Loop(Rows::Times(lists)));
        let times = self.emit(Inst::SetTimes(sets, list));
        self.at(before);
        self.bindings.insert(bundle.local, Binding::Sets { sets, list });
        let outer = self.times.replace(times);
        self.steps(rule, body, false);
        self.times = outer;
        self.emit(Inst::End);
    }

    /// What an effect gives for a set.
    fn term(&mut self, sets: Value, step: &Step) {
        let (part, pick, count, value, num, den) = match step {
            Step::Discount { meaning, amount, target, fall, place, .. } => {
                let place = self.lowering.place(*place);
                let before = self.at(place);
                let (part, pick, count) = self.falls_on(target);
                let amount = self.number(amount);
                let (num, den) = (self.wide(amount.num), self.wide_den(amount.den));
                let value = match (meaning, fall) {
                    (DiscountAmount::Share, _) => SetValue::Share,
                    (DiscountAmount::Off, Fall::Each(_)) => SetValue::OffEach,
                    (DiscountAmount::Off, Fall::Spread(_)) => SetValue::Off,
                    (DiscountAmount::Price, Fall::Each(_)) => SetValue::PriceEach,
                    (DiscountAmount::Price, Fall::Spread(_)) => SetValue::Price,
                };
                self.at(before);
                (part, pick, count, value, num, den)
            }
            Step::Award { .. }
            | Step::ForEach { .. }
            | Step::Multiply { .. }
            | Step::Issue { .. }
            | Step::Gift { .. }
            | Step::Tell { .. }
            | Step::Set { .. } => {
                let count = self.int(0);
                let one = self.emit(Inst::Wide(1));
                (None, SetPick::All, count, SetValue::PerSet, one, one)
            }
            Step::When(_)
            | Step::Let(..)
            | Step::LetCollection(..)
            | Step::Debit { .. }
            | Step::TenderLines { .. }
            | Step::TenderTerm { .. }
            | Step::Sets { .. } => return,
        };
        self.emit(Inst::SetTerm { sets, part, pick, count, value, num, den });
    }

    /// Which pieces of a set an effect falls on.
    fn falls_on(&mut self, target: &Source) -> (Option<u32>, SetPick, Value) {
        match &target.kind {
            SourceKind::Set { part, .. } => (*part, SetPick::All, self.int(0)),
            SourceKind::Extreme { from, count, cheapest, .. } => {
                let (part, _, _) = self.falls_on(from);
                let pick = if *cheapest { SetPick::Cheapest } else { SetPick::Dearest };
                (part, pick, self.whole(count))
            }
            SourceKind::All
            | SourceKind::Past(_)
            | SourceKind::Bound(_)
            | SourceKind::One(_)
            | SourceKind::Filter(..)
            | SourceKind::EveryNth { .. } => (None, SetPick::All, self.int(0)),
        }
    }

    /// Of which amounts the group takes its shares.
    fn amounts_of(&self, rule: RuleId) -> SlotId {
        let program = self.lowering.program;
        let group = program.rules.get(rule.index()).and_then(|rule| program.groups.get(rule.group.index()));
        match group.map(|group| group.on_price) {
            Some(OnPrice::Original) => line_slot::INITIAL,
            Some(OnPrice::Running) | None => line_slot::PAID,
        }
    }

    /// A number rounded down to a whole one.
    pub fn whole(&mut self, number: &Expr) -> Value {
        let number = self.number(number);
        self.word(number)
    }

    /// An amount for one set as that of all sets of the turn.
    pub fn for_all_sets(&mut self, amount: Fraction) -> Fraction {
        match self.times {
            Some(times) => self.multiply(amount, Fraction::narrow(times, 1)),
            None => amount,
        }
    }
}
