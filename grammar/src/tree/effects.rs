//! Effects.

use super::{Builder, Children};
use crate::ast::{
    Available, AwardOptions, CancelOnReturn, Effect, EffectKind, Expiry, Expr, ExprKind, Gift, GiftChoice,
    Goods, Instrument, Issue, Path, Placed, Spread, SpreadRule, Target, Text,
};
use crate::parse::Rule;
use crate::{errors, hints};
use pest::iterators::Pair;

/// How many, what and which: `2 coupon welcome10`.
pub(super) type Issued = (Option<Expr>, Instrument, Path);

impl<'t> Builder<'t> {
    /// The effects that come next, with or without braces.
    pub(super) fn effects(&mut self, children: &mut Children<'t>) -> Option<Vec<Effect>> {
        let mut effects = Vec::new();
        while let Some(child) = children.next() {
            if is_effect(child.as_rule()) {
                effects.push(self.effect(child)?);
            }
        }
        // A list that is filled one by one has room for four, most rules have one effect, and there may be many rules.
        effects.shrink_to_fit();
        Some(effects)
    }

    pub(super) fn effect(&mut self, pair: Pair<'t, Rule>) -> Option<Effect> {
        let span = self.span(&pair);
        let docs = self.docs(span.start);
        let kind = self.effect_kind(pair)?;
        Some(Effect { docs, kind, span })
    }

    fn effect_kind(&mut self, pair: Pair<'t, Rule>) -> Option<EffectKind> {
        let shape = pair.as_rule();
        let mut children = Children::of(pair);
        if shape == Rule::binding {
            return self.binding(&mut children).map(EffectKind::Let);
        }
        let keyword = children.next()?;
        match shape {
            Rule::for_each => self.for_each(&mut children),
            Rule::award => self.award(&mut children),
            Rule::discount => self.discount(&mut children),
            Rule::price => self.price(&mut children),
            Rule::debit => {
                let amount = self.take_expr(&mut children)?;
                let from = self.account_from(&mut children)?;
                Some(EffectKind::Debit { amount, from, reason: self.take_reason(&mut children) })
            }
            Rule::gift => {
                let quantity = self.operand(children.next()?)?;
                let mut gift =
                    Gift { quantity, choices: Vec::new(), nothing: false, added: false, reason: None };
                while let Some(child) = children.next() {
                    match child.as_rule() {
                        Rule::gift_choice => gift.choices.push(self.gift_choice(child)?),
                        Rule::kw_nothing => gift.nothing = true,
                        Rule::added => gift.added = true,
                        Rule::reason => gift.reason = self.reason(child),
                        _ => {}
                    }
                }
                Some(EffectKind::Gift(gift))
            }
            Rule::issue => self.issue(&mut children),
            Rule::set => {
                let path = self.take_path(&mut children)?;
                children.eat(Rule::kw_to);
                let value = self.take_expr(&mut children)?;
                let is_bounded = children.eat(Rule::kw_until);
                let until = if is_bounded { Some(self.take_expr(&mut children)?) } else { None };
                Some(EffectKind::Set { path, value, until })
            }
            Rule::multiply => {
                if !children.eat(Rule::kw_awards) {
                    self.incomplete = true;
                    self.diagnostics.push(errors::missing_awards_of(self.place(self.span(&keyword))));
                }
                children.eat(Rule::kw_of);
                children.eat(Rule::kw_group);
                let group = self.take_path(&mut children)?;
                children.eat(Rule::kw_by);
                Some(EffectKind::Multiply { group, by: self.take_expr(&mut children)? })
            }
            Rule::say => Some(EffectKind::Say(self.words_for(&mut children)?)),
            Rule::show => {
                children.eat(Rule::kw_offer);
                Some(EffectKind::Show(self.take_path(&mut children)?))
            }
            _ => None,
        }
    }

    fn for_each(&mut self, children: &mut Children<'t>) -> Option<EffectKind> {
        children.eat(Rule::kw_each);
        let name = self.take_name(children)?;
        children.eat(Rule::kw_in);
        let source = *self.take_source(children)?;
        let body = self.effects(children)?;
        Some(EffectKind::ForEach { name, source, body })
    }

    fn discount(&mut self, children: &mut Children<'t>) -> Option<EffectKind> {
        let amount = self.take_expr(children)?;
        children.eat(Rule::kw_on);
        let target = self.target(children)?;
        let rounded = children.take(Rule::rounded).and_then(|pair| self.rounded(pair));
        let spread = self.take_spread(children)?;
        let reason = self.take_reason(children);
        Some(EffectKind::Discount { amount, target, spread, rounded, reason })
    }

    fn price(&mut self, children: &mut Children<'t>) -> Option<EffectKind> {
        let amount = self.take_expr(children)?;
        let each = children.eat(Rule::kw_each);
        if !each && !children.eat(Rule::kw_total) {
            self.diagnostics.push(errors::missing_each_or_total(self.place(amount.span)));
            self.incomplete = true;
        }
        children.eat(Rule::kw_for);
        let target = self.target(children)?;
        let spread = self.take_spread(children)?;
        Some(EffectKind::Price { amount, each, target, spread })
    }

    fn award(&mut self, children: &mut Children<'t>) -> Option<EffectKind> {
        let amount = self.take_expr(children)?;
        if let Some(per) = children.take(Rule::kw_per) {
            let per = self.span(&per);
            let size = self.take_expr(children)?;
            let whole = self.place(amount.span.to(size.span));
            let (amount, of) = (self.source(amount.span), self.source(size.span));
            let is_money =
                matches!(&size.kind, ExprKind::Quantity(_, unit) if hints::is_currency(&unit.text));
            let found = match is_money {
                true => errors::ambiguous_per(whole, self.place(per), amount, of),
                false => errors::per_what(whole, amount, of),
            };
            self.diagnostics.push(found);
            self.incomplete = true;
        }
        let to = if children.eat(Rule::kw_to) { Some(self.take_path(children)?) } else { None };
        let mut options = AwardOptions::default();
        while let Some(option) = children.next() {
            self.award_option(option, &mut options)?;
        }
        Some(EffectKind::Award { amount, to, options })
    }

    fn award_option(&mut self, pair: Pair<'t, Rule>, options: &mut AwardOptions) -> Option<()> {
        let span = self.span(&pair);
        let word = pair.clone().into_inner().next()?.as_str().trim_end();
        let is_repeated = match pair.as_rule() {
            Rule::available => {
                let kind = match self.after_or_on(pair)? {
                    (true, value) => Available::On(value),
                    (false, value) => Available::After(value),
                };
                options.available.replace(Placed { kind, span }).is_some()
            }
            Rule::expiry => options.expires.replace(self.expiry(pair)?).is_some(),
            Rule::cancel => {
                let kind = match pair.into_inner().last()?.as_rule() {
                    Rule::kw_all => CancelOnReturn::All,
                    _ => CancelOnReturn::Proportional,
                };
                options.cancel.replace(Placed { kind, span }).is_some()
            }
            Rule::spent_at_once => options.spent_at_once.replace(span).is_some(),
            _ => {
                let reason = self.reason(pair)?;
                options.reason.replace(reason).is_some()
            }
        };
        if is_repeated {
            self.diagnostics.push(errors::repeated_option(self.place(span), word));
        }
        Some(())
    }

    /// `expires after 30 days`, `expires on 2026-08-31`, `expires never`
    pub(super) fn expiry(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<Expiry>> {
        let span = self.span(&pair);
        if pair.clone().into_inner().any(|part| part.as_rule() == Rule::kw_never) {
            return Some(Placed { kind: Expiry::Never, span });
        }
        let kind = match self.after_or_on(pair)? {
            (true, value) => Expiry::On(value),
            (false, value) => Expiry::After(value),
        };
        Some(Placed { kind, span })
    }

    /// What stands after `expires` or `available`: whether it is a day, and the length or the day.
    fn after_or_on(&mut self, pair: Pair<'t, Rule>) -> Option<(bool, Expr)> {
        let mut children = Children::of(pair);
        let keyword = children.next()?;
        let is_day = children.eat(Rule::kw_on);
        let is_length = children.eat(Rule::kw_after);
        let value = self.take_expr(&mut children)?;
        if !is_day && !is_length {
            self.incomplete = true;
            let (place, keyword) = (self.place(value.span), keyword.as_str().trim_end());
            self.diagnostics.push(errors::missing_after_or_on(place, keyword, &value));
        }
        Some((is_day, value))
    }

    /// `from chips`
    pub(super) fn account_from(&self, children: &mut Children<'t>) -> Option<Option<Path>> {
        if children.eat(Rule::kw_from) { self.take_path(children).map(Some) } else { Some(None) }
    }

    /// `sku ["A", "B"] stock 100 pcs`
    fn gift_choice(&mut self, pair: Pair<'t, Rule>) -> Option<GiftChoice> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let (kind, names) = self.reference(children.take(Rule::reference)?)?;
        let limited = children.eat(Rule::kw_stock);
        let stock = if limited { Some(self.operand(children.take(Rule::quantity)?)?) } else { None };
        Some(GiftChoice { kind, names, stock, span })
    }

    /// `1 pcs of sku ["A", "B"]`
    pub(super) fn goods(&mut self, pair: Pair<'t, Rule>) -> Option<Goods> {
        let mut children = Children::of(pair);
        let quantity = self.operand(children.take(Rule::quantity)?)?;
        children.eat(Rule::kw_of);
        let (kind, names) = self.reference(children.take(Rule::reference)?)?;
        Some(Goods { quantity, kind, names })
    }

    /// `coupon welcome10`, `(EXPR) certificate gift_card`
    pub(super) fn issued(&mut self, pair: Pair<'t, Rule>) -> Option<Issued> {
        let mut children = Children::of(pair);
        let count = match children.rule()? {
            Rule::number | Rule::parenthesised => Some(self.operand(children.next()?)?),
            _ => None,
        };
        let instrument = match children.next()?.as_rule() {
            Rule::kw_coupon => Instrument::Coupon,
            Rule::kw_certificate => Instrument::Certificate,
            _ => Instrument::Badge,
        };
        Some((count, instrument, self.take_path(&mut children)?))
    }

    fn issue(&mut self, children: &mut Children<'t>) -> Option<EffectKind> {
        let (count, instrument, name) = self.issued(children.take(Rule::issued)?)?;
        let value = if children.eat(Rule::kw_for) { Some(self.take_expr(children)?) } else { None };
        let to = if children.eat(Rule::kw_to) { Some(self.take_path(children)?) } else { None };
        let expires = match children.take(Rule::end_of_life) {
            Some(pair) => Some(self.expiry(pair)?),
            None => None,
        };
        let reason = self.take_reason(children);
        Some(EffectKind::Issue(Issue { count, instrument, name, value, to, expires, reason }))
    }

    fn take_reason(&self, children: &mut Children<'t>) -> Option<Text> {
        children.take(Rule::reason).and_then(|pair| self.reason(pair))
    }

    fn reason(&self, pair: Pair<'t, Rule>) -> Option<Text> {
        let mut children = Children::of(pair);
        children.eat(Rule::kw_reason);
        self.take_string(&mut children)
    }

    fn target(&mut self, children: &mut Children<'t>) -> Option<Target> {
        let mut inner = Children::of(children.take(Rule::target)?);
        if let Some(basket) = inner.take(Rule::whole_basket) {
            return Some(Target::Basket(self.span(&basket)));
        }
        self.take_source(&mut inner).map(|source| Target::Source(*source))
    }

    fn take_spread(&mut self, children: &mut Children<'t>) -> Option<Option<Spread>> {
        let Some(pair) = children.take(Rule::spread) else { return Some(None) };
        let span = self.span(&pair);
        let mut inner = Children::of(pair);
        inner.eat(Rule::kw_spread);
        inner.eat(Rule::kw_by);
        let by = self.take_name(&mut inner)?;
        Some(Some(Spread { by, rule: self.spread_rule(&mut inner), span }))
    }

    /// `rounded down rest first_lines`
    pub(super) fn spread_rule(&mut self, children: &mut Children<'t>) -> SpreadRule {
        let rounded = children.take(Rule::rounded).and_then(|pair| self.rounded(pair));
        let rest = children.take(Rule::rest).and_then(|pair| {
            let mut inner = Children::of(pair);
            inner.eat(Rule::kw_rest);
            self.take_name(&mut inner)
        });
        SpreadRule { rounded, rest }
    }
}

pub(super) fn is_effect(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::for_each
            | Rule::award
            | Rule::discount
            | Rule::price
            | Rule::binding
            | Rule::debit
            | Rule::gift
            | Rule::issue
            | Rule::set
            | Rule::multiply
            | Rule::say
            | Rule::show
    )
}
