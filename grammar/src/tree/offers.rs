//! Offers and arbitrations.

use super::{Builder, Children};
use crate::ast::{
    ArbitrationClause, Display, Expr, ItemKind, Learn, LearnedBy, Name, OfferClass, OfferClause,
    OfferOutcome, Placed, Purpose, Text,
};
use crate::parse::Rule;
use pest::iterators::Pair;

impl<'t> Builder<'t> {
    /// What stands after `offer`.
    pub(super) fn offer(&mut self, children: &mut Children<'t>) -> Option<ItemKind> {
        let header = self.take_header(children)?;
        Some(ItemKind::Offer(header, self.each_clause(children, Self::offer_clause)?))
    }

    /// What stands after `arbitration`.
    pub(super) fn arbitration(&mut self, children: &mut Children<'t>) -> Option<ItemKind> {
        let header = self.take_header(children)?;
        Some(ItemKind::Arbitration(header, self.each_clause(children, Self::arbitration_clause)?))
    }

    fn offer_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<OfferClause>> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            rule @ (Rule::display
            | Rule::purpose
            | Rule::channels
            | Rule::goals
            | Rule::also
            | Rule::score
            | Rule::say
            | Rule::reaction
            | Rule::learn
            | Rule::pause) => self.own_offer_clause(rule, Children::of(pair))?,
            _ => OfferClause::Shared(self.clause(pair)?),
        };
        Some(Placed { kind, span })
    }

    /// A clause that only offers have.
    fn own_offer_clause(&mut self, rule: Rule, mut children: Children<'t>) -> Option<OfferClause> {
        let children = &mut children;
        children.next();
        Some(match rule {
            Rule::display => OfferClause::Display(match children.next()?.as_rule() {
                Rule::kw_always => Display::Always,
                Rule::kw_by_default => Display::ByDefault,
                _ => {
                    children.eat(Rule::kw_priority);
                    Display::ByPriority(self.take_name(children)?)
                }
            }),
            Rule::purpose => OfferClause::Purpose(match children.next()?.as_rule() {
                Rule::kw_message => Purpose::Message,
                _ => {
                    let (kind, names) = self.reference(children.take(Rule::reference)?)?;
                    Purpose::Product(kind, names)
                }
            }),
            Rule::channels => OfferClause::Channels(self.take_list(children)?),
            Rule::goals => OfferClause::Goals(self.take_list(children)?),
            Rule::also => {
                let (kind, names) = self.reference(children.take(Rule::reference)?)?;
                OfferClause::Also(kind, names)
            }
            Rule::score => OfferClause::Score(self.take_expr(children)?),
            Rule::say => OfferClause::Say(self.words_for(children)?),
            Rule::reaction => {
                let answer = self.name(&children.next()?);
                OfferClause::On(answer, self.effects(children)?)
            }
            Rule::learn => {
                children.eat(Rule::kw_from);
                let prior = self.operand(children.take(Rule::percent)?)?;
                children.eat(Rule::kw_of);
                let showings = self.quantity(children.take(Rule::quantity)?)?;
                let half_life = if children.eat(Rule::kw_half_life) {
                    Some(self.quantity(children.take(Rule::quantity)?)?)
                } else {
                    None
                };
                let mut by = Vec::new();
                children.eat(Rule::kw_by);
                while let Some(child) = children.next() {
                    if child.as_rule() == Rule::learned_by {
                        let mut children = Children::of(child);
                        let value = self.take_expr(&mut children)?;
                        let hashed = if children.eat(Rule::kw_hashed) {
                            children.eat(Rule::kw_to);
                            Some(self.quantity(children.take(Rule::quantity)?)?)
                        } else {
                            None
                        };
                        by.push(LearnedBy { value, hashed });
                    }
                }
                OfferClause::Learn(Learn { prior, showings, half_life, by })
            }
            Rule::pause => {
                let stretch = self.take_expr(children)?;
                children.eat(Rule::kw_after);
                OfferClause::Rest(stretch, self.take_name(children)?)
            }
            _ => return None,
        })
    }

    /// `agent "…" it "…"` after `say`.
    pub(super) fn words_for(&mut self, children: &mut Children<'t>) -> Option<Vec<(Name, Text)>> {
        let mut words = Vec::new();
        while let Some(whom) = self.take_name(children) {
            words.push((whom, self.take_string(children)?));
        }
        Some(words)
    }

    /// `[call_center, web]`
    pub(super) fn take_list(&mut self, children: &mut Children<'t>) -> Option<Vec<Expr>> {
        let mut inner = Children::of(children.take(Rule::list)?);
        let mut parts = Vec::new();
        while let Some(child) = inner.next() {
            if child.as_rule() == Rule::expression {
                parts.push(self.expression(child)?);
            }
        }
        Some(parts)
    }

    fn arbitration_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<ArbitrationClause>> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if rule == Rule::title {
            return Some(Placed { kind: ArbitrationClause::Title(self.titles(pair)), span });
        }
        let mut children = Children::of(pair);
        children.next();
        let children = &mut children;
        let kind = match rule {
            Rule::channels => ArbitrationClause::Channels(self.take_list(children)?),
            Rule::slots => ArbitrationClause::Slots(self.take_number(children)?),
            Rule::first_offers | Rule::then_offers => {
                children.eat(Rule::kw_offers);
                children.eat(Rule::kw_where);
                let condition = self.take_expr(children)?;
                let only_when_none = children.eat(Rule::kw_only);
                let first = rule == Rule::first_offers;
                ArbitrationClause::Offers(OfferClass { first, condition, only_when_none, span })
            }
            Rule::order_by => {
                let mut keys = Vec::new();
                children.eat(Rule::kw_by);
                while let Some(child) = children.next() {
                    if child.as_rule() == Rule::order_key {
                        let mut inner = Children::of(child);
                        let key = self.take_expr(&mut inner)?;
                        keys.push((key, inner.eat(Rule::kw_descending)));
                    }
                }
                ArbitrationClause::OrderBy(keys)
            }
            Rule::per_key => {
                children.eat(Rule::kw_most);
                let (number, unit) = self.quantity(children.take(Rule::quantity)?)?;
                children.eat(Rule::kw_per);
                ArbitrationClause::AtMost(number, unit, self.take_name(children)?)
            }
            Rule::ties => {
                children.eat(Rule::kw_by);
                ArbitrationClause::Ties(self.take_path(children)?)
            }
            Rule::explore => {
                let part = self.operand(children.take(Rule::percent)?)?;
                children.eat(Rule::kw_seed);
                children.eat(Rule::kw_by);
                let mut seeds = vec![self.take_path(children)?];
                while children.eat(Rule::comma) {
                    seeds.push(self.take_path(children)?);
                }
                ArbitrationClause::Explore(part, seeds)
            }
            _ => return None,
        };
        Some(Placed { kind, span })
    }

    /// `shown at 1`, `hidden by limit`
    pub(super) fn offer_outcome(&mut self, children: &mut Children<'t>) -> Option<OfferOutcome> {
        Some(match children.next()?.as_rule() {
            Rule::kw_shown => {
                let at = if children.eat(Rule::kw_at) { Some(self.take_number(children)?) } else { None };
                OfferOutcome::Shown(at)
            }
            _ => {
                let by = if children.eat(Rule::kw_by) { children.take(Rule::word) } else { None };
                OfferOutcome::Hidden(by.map(|word| self.name(&word)))
            }
        })
    }
}
