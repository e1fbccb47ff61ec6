//! `ensure`: what every decision keeps to.

use super::{Builder, Children};
use crate::ast::{EnsureClause, ItemKind, Placed, Way};
use crate::parse::Rule;
use pest::iterators::Pair;

impl<'t> Builder<'t> {
    /// What stands after `ensure`.
    pub(super) fn ensure(&mut self, children: &mut Children<'t>) -> Option<ItemKind> {
        let header = self.take_header(children)?;
        Some(ItemKind::Ensure(header, self.each_clause(children, Self::ensure_clause)?))
    }

    fn ensure_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<EnsureClause>> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::promised_for => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_for);
                children.eat(Rule::kw_each);
                let unit = children.next()?.as_rule() == Rule::kw_unit;
                let condition = match children.take(Rule::condition) {
                    Some(condition) => {
                        let mut inner = Children::of(condition);
                        inner.eat(Rule::kw_where);
                        Some(self.take_expr(&mut inner)?)
                    }
                    None => None,
                };
                EnsureClause::ForEach { unit, condition }
            }
            Rule::promise => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_keep);
                EnsureClause::Keep(self.take_expr(&mut children)?)
            }
            Rule::no_gain => {
                let mut children = Children::of(pair);
                let mut ways = Vec::new();
                while let Some(child) = children.next() {
                    if child.as_rule() == Rule::way {
                        let span = self.span(&child);
                        let kind = match Children::of(child).next()?.as_rule() {
                            Rule::kw_splitting => Way::Splitting,
                            Rule::kw_merging => Way::Merging,
                            _ => Way::Returning,
                        };
                        ways.push(Placed { kind, span });
                    }
                }
                EnsureClause::NoGain(ways)
            }
            _ => EnsureClause::Shared(self.clause(pair)?),
        };
        Some(Placed { kind, span })
    }
}
