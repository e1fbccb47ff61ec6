//! Rules, their clauses and effects.

use super::expressions::bound;
use super::{Builder, Children};
use crate::ast::{
    self, Clause, ClauseKind, Effect, EffectKind, Expr, Let, Name, SchedulePart, Spread, SpreadRule, Target,
    Text, Window,
};
use crate::errors;
use crate::parse::Rule;
use pest::iterators::Pair;

impl<'t> Builder<'t> {
    pub(super) fn rule(&mut self, pair: Pair<'t, Rule>) -> Option<ast::Rule> {
        let span = self.span(&pair);
        let docs = self.docs(span.start);
        let mut children = Children::of(pair);
        children.eat(Rule::kw_rule);
        let header = self.take_header(&mut children)?;
        let group = if children.eat(Rule::kw_in) {
            children.eat(Rule::kw_group);
            Some(self.take_path(&mut children)?)
        } else {
            None
        };
        children.eat(Rule::open_brace);
        let mut clauses = Vec::new();
        while let Some(child) = children.next() {
            if child.as_rule() != Rule::close_brace {
                clauses.push(self.clause(child)?);
            }
        }
        Some(ast::Rule { docs, header, group, clauses, span })
    }

    /// A clause of a rule, or one that a group shares with its rules.
    pub(super) fn clause(&mut self, pair: Pair<'t, Rule>) -> Option<Clause> {
        let span = self.span(&pair);
        let docs = self.docs(span.start);
        let rule = pair.as_rule();
        if rule == Rule::title {
            return Some(Clause { docs, kind: ClauseKind::Title(self.titles(pair)), span });
        }
        let mut children = Children::of(pair);
        let keyword = match rule {
            Rule::binding => None,
            _ => children.next(),
        };
        let kind = match rule {
            Rule::valid => self.valid(&mut children)?,
            Rule::schedule => {
                let mut parts = Vec::new();
                while let Some(part) = children.next() {
                    parts.push(self.schedule_part(part)?);
                }
                ClauseKind::Schedule(parts)
            }
            Rule::priority => ClauseKind::Priority(self.take_number(&mut children)?),
            Rule::on => {
                let mut occasions = Vec::new();
                while let Some(child) = children.next() {
                    if child.as_rule() == Rule::occasion {
                        let mut inner = Children::of(child);
                        let path = self.take_path(&mut inner)?;
                        occasions.push((path, self.take_string(&mut inner)));
                    }
                }
                ClauseKind::On(occasions)
            }
            Rule::when => ClauseKind::When(self.take_expr(&mut children)?),
            Rule::unless => ClauseKind::Unless(self.take_expr(&mut children)?),
            Rule::binding => ClauseKind::Let(self.binding(&mut children)?),
            Rule::limit => {
                let amount = self.take_expr(&mut children)?;
                let mut per = Vec::new();
                while children.eat(Rule::kw_per) {
                    per.push(self.take_name(&mut children)?);
                }
                let window = self.take_within(&mut children)?;
                let otherwise = self.otherwise(&mut children).unwrap_or_else(|| {
                    self.incomplete = true;
                    self.diagnostics.push(errors::missing_else(self.place(span), "limit"));
                    Name { text: "cut".to_owned(), span }
                });
                ClauseKind::Limit { amount, per, window, otherwise }
            }
            Rule::then => ClauseKind::Then(self.effects(&mut children)?),
            Rule::budget => {
                self.take_expr(&mut children)?;
                self.take_within(&mut children)?;
                if self.otherwise(&mut children).is_none() {
                    self.diagnostics.push(errors::missing_else(self.place(span), "budget"));
                }
                ClauseKind::Later(self.name(&keyword?))
            }
            Rule::take => {
                self.take(&mut children, span)?;
                ClauseKind::Later(self.name(&keyword?))
            }
            Rule::process | Rule::spendable => {
                self.look_through(children)?;
                ClauseKind::Later(self.name(&keyword?))
            }
            _ => return None,
        };
        Some(Clause { docs, kind, span })
    }

    fn valid(&mut self, children: &mut Children<'t>) -> Option<ClauseKind> {
        if children.eat(Rule::kw_from) {
            return Some(ClauseKind::Valid { from: self.take_expr(children)?, to: None });
        }
        let from = self.take_expr(children)?;
        let bound = bound(children)?;
        Some(ClauseKind::Valid { from, to: Some((self.take_expr(children)?, bound)) })
    }

    fn schedule_part(&mut self, pair: Pair<'t, Rule>) -> Option<SchedulePart> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut children = Children::of(pair);
        children.next();
        match rule {
            Rule::days => {
                let mut days = Vec::new();
                while let Some(child) = children.next() {
                    if child.as_rule() == Rule::name {
                        days.push(self.name(&child));
                    }
                }
                Some(SchedulePart::Days(days, span))
            }
            Rule::month_days => {
                let mut days = Vec::new();
                while let Some(child) = children.next() {
                    if child.as_rule() == Rule::number {
                        days.push(self.lexeme(&child));
                    }
                }
                Some(SchedulePart::MonthDays(days, span))
            }
            Rule::hours => {
                let from = children.take(Rule::time)?;
                children.eat(Rule::kw_until);
                let until = children.take(Rule::time)?;
                Some(SchedulePart::Hours(self.lexeme(&from), self.lexeme(&until), span))
            }
            Rule::schedule_zone => Some(SchedulePart::Zone(match self.take_string(&mut children) {
                Some(text) => Ok(text),
                None => Err(self.take_path(&mut children)?),
            })),
            _ => None,
        }
    }

    /// `let name[: type] = value`, before its first word.
    pub(super) fn binding(&mut self, children: &mut Children<'t>) -> Option<Let> {
        children.eat(Rule::kw_let);
        let name = self.take_name(children)?;
        let ty = if children.eat(Rule::colon) { Some(self.take_type(children)?) } else { None };
        children.eat(Rule::equals);
        Some(Let { name, ty, value: self.bound(children)? })
    }

    /// What a name can stand for: a value or a collection.
    pub(super) fn bound(&mut self, children: &mut Children<'t>) -> Option<Expr> {
        let source = match children.rule()? {
            Rule::pick => self.pick(children.next()?)?,
            Rule::history => self.filter(children.next()?)?,
            _ => {
                let value = self.take_expr(children)?;
                match children.take(Rule::source_tail) {
                    Some(tail) => self.source_with_tail(value, tail)?,
                    None => return Some(value),
                }
            }
        };
        let span = source.span;
        Some(Expr { kind: ast::ExprKind::Collection(source), span })
    }

    fn take_within(&mut self, children: &mut Children<'t>) -> Option<Option<Window>> {
        match children.take(Rule::within) {
            Some(pair) => self.within(pair).map(Some),
            None => Some(None),
        }
    }

    /// `else cut`, `else skip`
    fn otherwise(&self, children: &mut Children<'t>) -> Option<Name> {
        if !children.eat(Rule::kw_else) {
            return None;
        }
        children.next().map(|word| self.name(&word))
    }

    fn take(&mut self, children: &mut Children<'t>, span: crate::diagnostic::Span) -> Option<()> {
        let mut chosen = false;
        while let Some(child) = children.next() {
            match child.as_rule() {
                Rule::kw_best => chosen = true,
                Rule::part => self.look_through(Children::of(child))?,
                _ => {}
            }
        }
        if !chosen {
            let end = self.source(span).find('{').map_or(span.end, |at| span.start + at as u32);
            let head = crate::diagnostic::Span { start: span.start, end };
            self.diagnostics.push(errors::missing_best_for(self.place(head)));
        }
        Some(())
    }

    /// Builds the expressions in a construct without a meaning yet, for the mistakes they may hold, and drops them.
    pub(super) fn look_through(&mut self, mut children: Children<'t>) -> Option<()> {
        while let Some(child) = children.next() {
            match child.as_rule() {
                Rule::expression | Rule::arithmetic => {
                    self.expression(child)?;
                }
                Rule::source => {
                    self.source_of(child)?;
                }
                Rule::within => {
                    self.within(child)?;
                }
                rule if is_effect(rule) => {
                    self.effect(child)?;
                }
                Rule::limit
                | Rule::budget
                | Rule::schedule
                | Rule::when
                | Rule::unless
                | Rule::then
                | Rule::valid => {
                    self.clause(child)?;
                }
                _ => self.look_through(Children::of(child))?,
            }
        }
        Some(())
    }

    /// The effects that come next, with or without braces.
    fn effects(&mut self, children: &mut Children<'t>) -> Option<Vec<Effect>> {
        let mut effects = Vec::new();
        while let Some(child) = children.next() {
            if is_effect(child.as_rule()) {
                effects.push(self.effect(child)?);
            }
        }
        Some(effects)
    }

    fn effect(&mut self, pair: Pair<'t, Rule>) -> Option<Effect> {
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
            Rule::debit | Rule::gift | Rule::issue | Rule::set | Rule::multiply | Rule::say | Rule::show => {
                self.look_through(children)?;
                Some(EffectKind::Later(self.name(&keyword)))
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
        let reason = children.take(Rule::reason).and_then(|pair| self.reason(pair));
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
            let found = errors::ambiguous_per(
                self.place(crate::diagnostic::Span { start: amount.span.start, end: size.span.end }),
                self.place(per),
                self.source(amount.span),
                self.source(size.span),
            );
            self.diagnostics.push(found);
            self.incomplete = true;
        }
        let to = if children.eat(Rule::kw_to) { Some(self.take_path(children)?) } else { None };
        let mut reason = None;
        let mut later = Vec::new();
        while let Some(option) = children.take(Rule::award_option) {
            let mut inner = Children::of(option);
            match inner.take(Rule::reason) {
                Some(pair) => {
                    if reason.is_some() {
                        self.diagnostics
                            .push(errors::repeated_option(self.place(self.span(&pair)), "reason"));
                    }
                    reason = self.reason(pair);
                }
                None => {
                    let keyword = inner.next()?;
                    later.push(self.name(&keyword));
                    self.look_through(inner)?;
                }
            }
        }
        Some(EffectKind::Award { amount, to, reason, later })
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

fn is_effect(rule: Rule) -> bool {
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
