//! Promises to the IR: fields become slots, conditions on single fields become atoms.

use super::{FieldSpace, Lowering};
use crate::ir::{self, Space};
use crate::typed::{Bound, Figure, Promise, Sum};

impl Lowering<'_> {
    /// A promise. The checker has let only conditions through that are atoms; one that is none would make it be asked
    /// where its author did not mean it, so it is then never asked less often than it should be.
    pub fn promise(&mut self, promise: &Promise) {
        let mut atoms = Vec::new();
        for condition in &promise.conditions {
            if let Some(atom) = self.atom(condition, Space::Event) {
                atoms.push(self.atom_id(atom));
            }
        }
        let mut line_atoms = Vec::new();
        for condition in &promise.line_conditions {
            if let Some(atom) = self.atom(condition, Space::Line) {
                line_atoms.push(self.atom_id(atom));
            }
        }
        for list in [&mut atoms, &mut line_atoms] {
            list.sort_unstable();
            list.dedup();
        }
        let asks = promise.asks.iter().map(|ask| self.bound(ask)).collect();
        let keep = self.bound(&promise.keep);
        let place = self.place(promise.place);
        self.ir.promises.push(ir::Promise {
            name: promise.name.clone(),
            title: promise.title.clone(),
            events: promise.events.clone(),
            of: promise.of,
            atoms,
            line_atoms,
            asks,
            keep,
            account: promise.account,
            about: promise.about.clone(),
            place,
        });
    }

    fn bound(&mut self, bound: &Bound) -> ir::Bound {
        let (left, right) = (self.sum(&bound.left), self.sum(&bound.right));
        ir::Bound { left, comparison: bound.comparison, right, den: bound.den }
    }

    fn sum(&mut self, sum: &Sum) -> ir::Sum {
        let terms = sum.terms.iter().map(|(times, figure)| {
            let figure = match figure {
                Figure::Initial => ir::Figure::Initial,
                Figure::Paid => ir::Figure::Paid,
                Figure::Discount => ir::Figure::Discount,
                Figure::Award(account) => ir::Figure::Award(*account),
                Figure::Field(field, _) => match self.slot(*field) {
                    (FieldSpace::Line, slot) => ir::Figure::Line(slot),
                    (FieldSpace::Event | FieldSpace::Payment | FieldSpace::Table(_), slot) => {
                        ir::Figure::Event(slot)
                    }
                },
            };
            (*times, figure)
        });
        ir::Sum { terms: terms.collect(), constant: sum.constant }
    }
}
