//! Rows of tables and arms of `by`: where they are. It refuses to know who runs what.

use super::walk::{self, Node};
use super::{Badge, ExprKind, Learn, Offer, OfferStep, Program, Spendable, Tiers};
use perq_grammar::diagnostic::Place;
use std::collections::BTreeSet;

impl Program {
    /// The places of the values of all rows, in the order of files and texts; a row of a template is one, whatever rules are
    /// made from it.
    pub fn arms(&self) -> Vec<Place> {
        let mut places = BTreeSet::new();
        self.each_node(&mut |node| {
            if let Node::Expr(expr) = node
                && let ExprKind::Match { rows, .. } = &expr.kind
            {
                places.extend(rows.iter().map(|row| row.value.place));
            }
        });
        places.into_iter().collect()
    }

    /// All that is worked out, of tests' own declarations too.
    fn each_node<'p>(&'p self, visit: &mut dyn FnMut(Node<'p>)) {
        for function in &self.functions {
            walk::expr(&function.body, visit);
        }
        for rule in &self.rules {
            walk::steps(&rule.steps, visit);
        }
        for Spendable { steps, name: _, base: _, events: _, goods: _, lines: _, place: _ } in &self.spendables
        {
            walk::steps(steps, visit);
        }
        for Badge { when, .. } in &self.instruments.badges {
            if let Some((conditions, _)) = when {
                conditions.iter().for_each(|condition| walk::expr(condition, visit));
            }
        }
        for Tiers { measure, conditions, keep, .. } in &self.instruments.tiers {
            if let Some((_, measure)) = measure {
                walk::expr(measure, visit);
            }
            conditions.iter().flatten().for_each(|condition| walk::expr(condition, visit));
            if let Some(keep) = keep {
                walk::expr(keep, visit);
            }
        }
        for Offer { also, steps, score, learn, .. } in &self.offers.list {
            also.iter().chain(score).for_each(|expr| walk::expr(expr, visit));
            for step in steps {
                match step {
                    OfferStep::Let(step) => walk::steps(std::slice::from_ref(step), visit),
                    OfferStep::Condition { clause: _, condition, place: _ } => walk::expr(condition, visit),
                    OfferStep::Budget { limit: _, place: _ } => {}
                }
            }
            if let Some(Learn { by, .. }) = learn {
                by.iter().for_each(|(expr, _)| walk::expr(expr, visit));
            }
        }
        for check in &self.checks {
            walk::expr(&check.condition, visit);
        }
        for test in &self.tests {
            if let Some(own) = &test.own {
                own.each_node(visit);
            }
        }
    }
}
