//! `test` declarations.

use super::{Builder, Children};
use crate::ast::{Expectation, LineRef, Name, Path, Scope, Test, TestField, TestStep};
use crate::parse::Rule;
use pest::iterators::Pair;

impl<'t> Builder<'t> {
    pub(super) fn test(&mut self, pair: Pair<'t, Rule>) -> Option<Test> {
        let mut children = Children::of(pair);
        children.eat(Rule::kw_test);
        let name = self.take_string(&mut children)?;
        let rejects = if children.eat(Rule::kw_rejects) { self.take_finding(&mut children) } else { None };
        children.eat(Rule::open_brace);
        let mut steps = Vec::new();
        while let Some(child) = children.next() {
            if child.as_rule() == Rule::close_brace {
                continue;
            }
            if child.as_rule() == Rule::expect {
                self.expect(child, &mut steps)?;
            } else {
                steps.push(self.test_step(child)?);
            }
        }
        Some(Test { name, rejects, steps })
    }

    /// The name of a diagnostic: words joined by hyphens.
    fn take_finding(&mut self, children: &mut Children<'t>) -> Option<Name> {
        children.take(Rule::finding).map(|pair| self.name(&pair))
    }

    fn test_step(&mut self, pair: Pair<'t, Rule>) -> Option<TestStep> {
        match pair.as_rule() {
            Rule::given => self.given(pair),
            Rule::elapse => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_after);
                let (length, unit) = self.quantity(children.take(Rule::duration)?)?;
                Some(TestStep::After(length, unit))
            }
            Rule::with => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_with);
                let name = self.take_name(&mut children)?;
                children.eat(Rule::equals);
                Some(TestStep::With(name, self.take_expr(&mut children)?))
            }
            _ => self.item(pair).map(TestStep::Item),
        }
    }

    fn given(&mut self, pair: Pair<'t, Rule>) -> Option<TestStep> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let children = &mut children;
        children.eat(Rule::kw_given);
        let earlier = children.eat(Rule::kw_earlier);
        let what = self.take_name(children)?;
        let id = self.take_string(children);
        let of = if children.eat(Rule::kw_of) { self.take_string(children) } else { None };
        let at = if children.eat(Rule::kw_at) { Some(self.operand(children.next()?)?) } else { None };
        let fields = match children.take(Rule::test_record) {
            Some(record) => self.test_fields(record)?,
            None => Vec::new(),
        };
        Some(TestStep::Given { earlier, what, id, of, at, fields, span })
    }

    fn test_fields(&mut self, pair: Pair<'t, Rule>) -> Option<Vec<TestField>> {
        let mut children = Children::of(pair);
        let mut fields = Vec::new();
        while let Some(child) = children.next() {
            if child.as_rule() == Rule::test_field {
                fields.push(self.test_field(child)?);
            }
        }
        Some(fields)
    }

    fn test_field(&mut self, pair: Pair<'t, Rule>) -> Option<TestField> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        if let Some(word) = children.take(Rule::word) {
            let record = children.take(Rule::test_record)?;
            return Some(TestField::Record(self.name(&word), self.test_fields(record)?, span));
        }
        let path = children.take(Rule::test_path)?;
        let path_span = self.span(&path);
        let mut inner = Children::of(path);
        let mut parts = Vec::new();
        loop {
            parts.push(self.word_or_string(&mut inner)?);
            if !inner.eat(Rule::dot) {
                break;
            }
        }
        children.eat(Rule::equals);
        Some(TestField::Value(Path { parts, span: path_span }, self.take_expr(&mut children)?))
    }

    /// One expectation, or several in braces.
    fn expect(&mut self, pair: Pair<'t, Rule>, steps: &mut Vec<TestStep>) -> Option<()> {
        let mut children = Children::of(pair);
        while let Some(child) = children.next() {
            if child.as_rule() == Rule::expectation {
                let span = self.span(&child);
                steps.push(TestStep::Expect(self.expectation(child)?, span));
            }
        }
        Some(())
    }

    fn expectation(&mut self, pair: Pair<'t, Rule>) -> Option<Expectation> {
        let mut children = Children::of(pair);
        let children = &mut children;
        let first = children.next()?;
        Some(match first.as_rule() {
            Rule::kw_nothing => Expectation::Nothing,
            Rule::kw_rule => return self.expected_rule(children),
            Rule::expect_award | Rule::expect_discount => {
                let is_award = first.as_rule() == Rule::expect_award;
                let mut inner = Children::of(first);
                inner.next();
                let amount = self.take_expr(&mut inner)?;
                let scope = self.take_scope(&mut inner)?;
                if is_award {
                    Expectation::Award(amount, scope)
                } else {
                    Expectation::Discount(amount, scope)
                }
            }
            Rule::kw_total => Expectation::Total(self.take_expr(children)?),
            Rule::kw_tax => {
                let amount = self.take_expr(children)?;
                Expectation::Tax(amount, self.take_scope(children)?)
            }
            Rule::net_total => {
                let mut inner = Children::of(first);
                inner.eat(Rule::kw_net);
                inner.eat(Rule::kw_total);
                Expectation::NetTotal(self.take_expr(&mut inner)?)
            }
            Rule::kw_offer => {
                let offer = self.take_path(children)?;
                Expectation::Offer(offer, self.offer_outcome(children)?)
            }
            Rule::kw_contacts => {
                let mut ids = Vec::new();
                while let Some(id) = self.take_string(children) {
                    ids.push(id);
                    children.eat(Rule::comma);
                }
                Expectation::Contacts(ids)
            }
            Rule::kw_offers => {
                let mut offers = vec![self.take_path(children)?];
                while children.eat(Rule::comma) {
                    offers.push(self.take_path(children)?);
                }
                Expectation::Offers(offers)
            }
            Rule::kw_balance => {
                let account = self.take_path(children)?;
                let of = if children.eat(Rule::kw_of) { Some(self.take_string(children)?) } else { None };
                children.eat(Rule::equals);
                Expectation::Balance(account, of, self.take_expr(children)?)
            }
            Rule::kw_tier => {
                let tiers = self.take_path(children)?;
                children.eat(Rule::equals);
                Expectation::Tier(tiers, self.take_name(children)?)
            }
            Rule::kw_ensure => {
                let ensure = self.take_path(children)?;
                Expectation::Ensure(ensure, children.next()?.as_rule() == Rule::kw_kept)
            }
            Rule::kw_badge => Expectation::Badge(self.take_path(children)?, true),
            Rule::kw_no => {
                children.eat(Rule::kw_badge);
                Expectation::Badge(self.take_path(children)?, false)
            }
            Rule::kw_coupon => {
                let coupon = self.take_path(children)?;
                Expectation::Coupon(coupon, children.next()?.as_rule() == Rule::kw_accepted)
            }
            Rule::kw_refused => Expectation::Refused(self.take_string(children)),
            Rule::expect_debit
            | Rule::expect_issue
            | Rule::expect_withdraw
            | Rule::expect_gift
            | Rule::expect_say => self.expected_effect(first)?,
            Rule::expression => Expectation::Holds(self.expression(first)?),
            _ => return None,
        })
    }

    /// `debit 10 chips`, `issue coupon x`, `gift 1 pcs of sku "A"`
    fn expected_effect(&mut self, pair: Pair<'t, Rule>) -> Option<Expectation> {
        let rule = pair.as_rule();
        let mut children = Children::of(pair);
        children.next();
        let children = &mut children;
        Some(match rule {
            Rule::expect_debit => {
                let amount = self.take_expr(children)?;
                let from = self.account_from(children)?;
                Expectation::Debit { amount, from, scope: self.take_scope(children)? }
            }
            Rule::expect_issue => {
                let (count, instrument, name) = self.issued(children.take(Rule::issued)?)?;
                Expectation::Issue { count, instrument, name, scope: self.take_scope(children)? }
            }
            Rule::expect_withdraw => {
                let (count, instrument, name) = self.issued(children.take(Rule::issued)?)?;
                Expectation::Withdraw { count, instrument, name, scope: self.take_scope(children)? }
            }
            Rule::expect_say => {
                let to = self.take_name(children)?;
                let text =
                    if children.eat(Rule::kw_nothing) { None } else { Some(self.take_string(children)?) };
                Expectation::Say { to, text, scope: self.take_scope(children)? }
            }
            _ => {
                let goods = self.goods(children.take(Rule::goods)?)?;
                Expectation::Gift(goods, self.take_scope(children)?)
            }
        })
    }

    /// The scope that comes next, if any.
    fn take_scope(&mut self, children: &mut Children<'t>) -> Option<Scope> {
        match children.take(Rule::scope) {
            Some(scope) => self.scope(scope),
            None => Some(Scope::default()),
        }
    }

    fn expected_rule(&mut self, children: &mut Children<'t>) -> Option<Expectation> {
        let rule = self.take_path(children)?;
        let word = children.next()?;
        Some(match word.as_rule() {
            Rule::kw_fires => Expectation::Fires(rule),
            Rule::kw_silent => Expectation::Silent(rule),
            Rule::kw_displaced => {
                children.eat(Rule::kw_by);
                Expectation::DisplacedBy(rule, self.take_path(children)?)
            }
            Rule::kw_limited => {
                children.eat(Rule::kw_to);
                Expectation::LimitedTo(rule, self.take_expr(children)?)
            }
            Rule::fails => {
                let mut inner = Children::of(word);
                inner.eat(Rule::kw_fails);
                Expectation::Fails(rule, self.take_finding(&mut inner))
            }
            _ => return None,
        })
    }

    fn scope(&mut self, pair: Pair<'t, Rule>) -> Option<Scope> {
        let mut children = Children::of(pair);
        let mut scope = Scope::default();
        if children.eat(Rule::kw_to) {
            scope.to = Some(self.take_string(&mut children)?);
        }
        if children.eat(Rule::kw_by) {
            children.eat(Rule::kw_rule);
            scope.rule = Some(self.take_path(&mut children)?);
        }
        if children.eat(Rule::kw_on) {
            scope.line = Some(if children.eat(Rule::kw_line) {
                LineRef::Position(self.take_number(&mut children)?)
            } else {
                children.eat(Rule::kw_sku);
                LineRef::Sku(self.take_string(&mut children)?)
            });
            if children.eat(Rule::kw_unit) {
                scope.unit = Some(self.take_number(&mut children)?);
            }
        }
        Some(scope)
    }
}
