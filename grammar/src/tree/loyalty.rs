//! Counters, badges, tiers, coupons, certificates and redemptions, and how an account's lots live.

use super::{Builder, Children};
use crate::ast::{
    AccountClause, BadgeClause, CertificateClause, CouponClause, Downgrade, Expire, ItemKind, Level, Melt,
    MeltOf, Placed, RedemptionClause, TiersClause,
};
use crate::diagnostic::Span;
use crate::errors;
use crate::parse::Rule;
use pest::iterators::Pair;

impl<'t> Builder<'t> {
    /// The declaration after its keyword.
    pub(super) fn loyalty(&mut self, rule: Rule, children: &mut Children<'t>) -> Option<ItemKind> {
        if rule == Rule::template {
            return self.template(children).map(ItemKind::Template);
        }
        let header = self.take_header(children)?;
        Some(match rule {
            Rule::counter => {
                let mut per = Vec::new();
                while children.eat(Rule::kw_per) {
                    per.push(self.take_name(children)?);
                }
                children.eat(Rule::equals);
                ItemKind::Counter { header, per, value: self.take_expr(children)? }
            }
            Rule::badge => ItemKind::Badge(header, self.each_clause(children, Self::badge_clause)?),
            Rule::tiers => ItemKind::Tiers(header, self.each_clause(children, Self::tiers_clause)?),
            Rule::coupon => ItemKind::Coupon(header, self.each_clause(children, Self::coupon_clause)?),
            Rule::certificate => {
                ItemKind::Certificate(header, self.each_clause(children, Self::certificate_clause)?)
            }
            Rule::redemption => {
                ItemKind::Redemption(header, self.each_clause(children, Self::redemption_clause)?)
            }
            _ => return None,
        })
    }

    /// `expire …` after its keyword.
    pub(super) fn expire(&mut self, children: &mut Children<'t>, span: Span) -> Option<AccountClause> {
        let expire = if children.eat(Rule::kw_on) {
            Expire::On(self.take_expr(children)?)
        } else if children.eat(Rule::kw_at) {
            children.eat(Rule::kw_end);
            children.eat(Rule::kw_of);
            let period = self.name(&children.take(Rule::period)?);
            let plus = if children.eat(Rule::plus) { Some(self.take_expr(children)?) } else { None };
            Expire::AtEndOf { period, plus }
        } else {
            let value = self.take_expr(children)?;
            if !children.eat(Rule::kw_after) {
                self.incomplete = true;
                let found =
                    errors::missing_after_award(self.place(value.span), &value, self.source(value.span));
                self.diagnostics.push(found);
            }
            Expire::AfterAward(value)
        };
        Some(AccountClause::Expire(expire, span))
    }

    /// `melt …` after its keyword.
    pub(super) fn melt(&mut self, children: &mut Children<'t>, span: Span) -> Option<AccountClause> {
        let percent = self.operand(children.take(Rule::percent)?)?;
        children.eat(Rule::kw_of);
        let of = match children.next()?.as_rule() {
            Rule::kw_awarded => MeltOf::Awarded,
            _ => MeltOf::Remaining,
        };
        children.eat(Rule::kw_every);
        let every = self.operand(children.take(Rule::quantity)?)?;
        children.eat(Rule::kw_from);
        let from = self.operand(children.take(Rule::quantity)?)?;
        Some(AccountClause::Melt(Melt { percent, of, every, from, span }))
    }

    fn badge_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<BadgeClause>> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::title => BadgeClause::Title(self.titles(pair)),
            _ => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_when);
                BadgeClause::When(self.take_expr(&mut children)?)
            }
        };
        Some(Placed { kind, span })
    }

    fn tiers_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<TiersClause>> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if rule == Rule::title {
            return Some(Placed { kind: TiersClause::Title(self.titles(pair)), span });
        }
        let mut children = Children::of(pair);
        children.next();
        let children = &mut children;
        let kind = match rule {
            Rule::measure => TiersClause::Measure(self.take_expr(children)?),
            Rule::level => {
                let name = self.take_name(children)?;
                let title = self.take_string(children);
                let from = match (children.eat(Rule::kw_from), children.rule()) {
                    (true, _) => Some(self.take_expr(children)?),
                    (false, None | Some(Rule::kw_when)) => None,
                    (false, Some(_)) => {
                        let value = self.operand(children.next()?)?;
                        self.incomplete = true;
                        self.diagnostics.push(errors::missing_from(self.place(value.span)));
                        Some(value)
                    }
                };
                let when = if children.eat(Rule::kw_when) { Some(self.take_expr(children)?) } else { None };
                TiersClause::Level(Level { docs: self.docs(span.start), name, title, from, when })
            }
            Rule::upgrade => TiersClause::UpgradeAtOnce,
            Rule::downgrade => TiersClause::Downgrade(match children.next()?.as_rule() {
                Rule::kw_one_level => Downgrade::OneLevel,
                Rule::kw_to_measure => Downgrade::ToMeasure,
                _ => Downgrade::Never,
            }),
            Rule::keep => {
                children.eat(Rule::kw_until);
                TiersClause::KeepUntil(self.take_expr(children)?)
            }
            Rule::review => {
                children.eat(Rule::kw_every);
                let every = self.name(&children.take(Rule::period)?);
                children.eat(Rule::kw_at);
                let at = children.take(Rule::time).map(|time| self.lexeme(&time));
                TiersClause::Review { every, at }
            }
            _ => return None,
        };
        Some(Placed { kind, span })
    }

    fn coupon_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<CouponClause>> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::codes => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_codes);
                match children.take(Rule::kw_shared) {
                    Some(_) => CouponClause::CodesShared(self.take_string(&mut children)?),
                    None => CouponClause::CodesUnique,
                }
            }
            Rule::uses => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_uses);
                let times = self.times(children.take(Rule::times)?)?;
                let mut per = Vec::new();
                while children.eat(Rule::kw_per) {
                    per.push(self.take_name(&mut children)?);
                }
                CouponClause::Uses { times, per }
            }
            Rule::end_of_life => CouponClause::Expires(self.expiry(pair)?.kind),
            Rule::in_group => {
                let mut children = Children::of(pair);
                children.next();
                children.next();
                CouponClause::InGroup(self.take_path(&mut children)?)
            }
            Rule::not_with => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_not);
                children.eat(Rule::kw_with);
                let is_group = children.next()?.as_rule() == Rule::kw_group;
                let other = self.take_path(&mut children)?;
                if is_group {
                    CouponClause::NotWithGroup(other, children.eat(Rule::kw_when))
                } else {
                    CouponClause::NotWithCoupon(other)
                }
            }
            _ => CouponClause::Shared(self.clause(pair)?),
        };
        Some(Placed { kind, span })
    }

    fn certificate_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<CertificateClause>> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::title => CertificateClause::Title(self.titles(pair)),
            _ => CertificateClause::Expires(self.expiry(pair)?.kind),
        };
        Some(Placed { kind, span })
    }

    fn redemption_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<RedemptionClause>> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            rule @ (Rule::pay_from
            | Rule::goods_for
            | Rule::rate
            | Rule::amount_bound
            | Rule::step
            | Rule::cash
            | Rule::pay
            | Rule::chooses
            | Rule::confirm
            | Rule::if_short) => self.payment_clause(rule, Children::of(pair))?,
            _ => RedemptionClause::Shared(self.clause(pair)?),
        };
        Some(Placed { kind, span })
    }

    /// A clause that only redemptions have.
    fn payment_clause(&mut self, rule: Rule, mut children: Children<'t>) -> Option<RedemptionClause> {
        let children = &mut children;
        children.next();
        Some(match rule {
            Rule::pay_from => RedemptionClause::From(self.take_path(children)?),
            Rule::goods_for => RedemptionClause::For(*self.take_source(children)?),
            Rule::rate => {
                let points = self.operand(children.take(Rule::quantity)?)?;
                children.eat(Rule::equals);
                RedemptionClause::Rate(points, self.operand(children.take(Rule::quantity)?)?)
            }
            Rule::amount_bound => {
                let is_most = children.next()?.as_rule() == Rule::kw_most;
                let bound = self.take_expr(children)?;
                if is_most { RedemptionClause::AtMost(bound) } else { RedemptionClause::AtLeast(bound) }
            }
            Rule::step => RedemptionClause::Step(self.take_expr(children)?),
            Rule::cash => {
                children.eat(Rule::kw_at);
                children.eat(Rule::kw_least);
                RedemptionClause::CashAtLeast(self.take_expr(children)?)
            }
            Rule::pay => {
                let points = self.take_expr(children)?;
                let plus = if children.eat(Rule::kw_plus) { Some(self.take_expr(children)?) } else { None };
                RedemptionClause::Pay { points, plus }
            }
            Rule::chooses => RedemptionClause::MemberChoosesAmount,
            Rule::confirm => {
                let how = self.take_name(children)?;
                children.eat(Rule::kw_above);
                RedemptionClause::Confirm { how, above: self.take_expr(children)? }
            }
            Rule::if_short => {
                let mut say = Children::of(children.take(Rule::say)?);
                say.eat(Rule::kw_say);
                let mut messages = Vec::new();
                while let Some(whom) = self.take_name(&mut say) {
                    messages.push((whom, self.take_string(&mut say)?));
                }
                RedemptionClause::IfShort(messages)
            }
            _ => return None,
        })
    }
}
