//! Rules, templates and their clauses.

use super::expressions::bound;
use super::{Builder, Children};
use crate::ast::{
    self, BestFor, Bundle, BundlePart, Clause, ClauseKind, Expr, ExprKind, Let, Name, Period, Placed,
    Processing, SchedulePart, SourceKind, SpendableClause, Template, TemplateParameter, Text, Window,
};
use crate::diagnostic::Span;
use crate::parse::Rule;
use crate::{errors, hints};
use pest::iterators::Pair;

impl<'t> Builder<'t> {
    pub(super) fn rule(&mut self, pair: Pair<'t, Rule>) -> Option<ast::Rule> {
        let span = self.span(&pair);
        let docs = self.docs(span.start);
        let mut children = Children::of(pair);
        children.eat(Rule::kw_rule);
        let header = self.take_header(&mut children)?;
        let (mut group, mut template) = (None, None);
        while !children.eat(Rule::open_brace) {
            let part = children.next()?;
            let place = if part.as_rule() == Rule::in_group { &mut group } else { &mut template };
            let mut inner = Children::of(part);
            inner.next();
            inner.next();
            *place = Some(self.take_path(&mut inner)?);
        }
        let mut clauses = Vec::new();
        while let Some(child) = children.next() {
            if child.as_rule() != Rule::close_brace {
                clauses.push(self.clause(child)?);
            }
        }
        clauses.shrink_to_fit();
        Some(ast::Rule { docs, header, group, template, clauses, span })
    }

    /// What stands after `template`.
    pub(super) fn template(&mut self, children: &mut Children<'t>) -> Option<Template> {
        let header = self.take_header(children)?;
        children.eat(Rule::open_brace);
        let (mut parameters, mut clauses) = (Vec::new(), Vec::new());
        while let Some(child) = children.next() {
            match child.as_rule() {
                Rule::close_brace => {}
                Rule::template_parameter => parameters.push(self.template_parameter(child)?),
                _ => clauses.push(self.clause(child)?),
            }
        }
        Some(Template { header, parameters, clauses })
    }

    /// `with rate: percent = 5%`
    fn template_parameter(&mut self, pair: Pair<'t, Rule>) -> Option<TemplateParameter> {
        let span = self.span(&pair);
        let docs = self.docs(span.start);
        let mut children = Children::of(pair);
        children.eat(Rule::kw_with);
        let name = self.take_name(&mut children)?;
        children.eat(Rule::colon);
        let ty = self.take_type(&mut children)?;
        let default = if children.eat(Rule::equals) { Some(self.bound(&mut children)?) } else { None };
        Some(TemplateParameter { docs, name, ty, default, span })
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
        if rule != Rule::binding {
            children.next();
        }
        let kind = match rule {
            Rule::valid => {
                let mut periods = Vec::new();
                while let Some(period) = children.take(Rule::valid_period) {
                    periods.push(self.period(Children::of(period))?);
                    children.eat(Rule::comma);
                }
                ClauseKind::Valid(periods)
            }
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
                let otherwise = self.otherwise(&mut children, "limit", span, &amount);
                ClauseKind::Limit { amount, per, window, otherwise }
            }
            Rule::then => ClauseKind::Then(self.effects(&mut children)?),
            Rule::budget => {
                let amount = self.take_expr(&mut children)?;
                let window = self.take_within(&mut children)?;
                let otherwise = self.otherwise(&mut children, "budget", span, &amount);
                ClauseKind::Budget { amount, window, otherwise }
            }
            Rule::take => ClauseKind::Take(self.bundle(&mut children, span)?),
            Rule::process => {
                let when = match children.next()?.as_rule() {
                    Rule::kw_at_once => Processing::AtOnce,
                    Rule::kw_in_batch => Processing::InBatch,
                    _ => Processing::AsAsked,
                };
                let is_bounded = children.eat(Rule::kw_no);
                children.eat(Rule::kw_later);
                children.eat(Rule::kw_than);
                let no_later_than = if is_bounded { Some(self.take_expr(&mut children)?) } else { None };
                ClauseKind::Process { when, no_later_than }
            }
            Rule::spendable => {
                ClauseKind::Spendable(self.each_clause(&mut children, Self::spendable_clause)?)
            }
            Rule::effective => {
                children.eat(Rule::kw_from);
                ClauseKind::EffectiveFrom(self.take_expr(&mut children)?)
            }
            Rule::not_effective => ClauseKind::NotEffective,
            Rule::about => ClauseKind::About(self.about(&mut children)?),
            Rule::template_argument => {
                let name = self.take_name(&mut children)?;
                children.eat(Rule::equals);
                ClauseKind::With(name, self.bound(&mut children)?)
            }
            _ => return None,
        };
        Some(Clause { docs, kind, span })
    }

    /// `from 2026-06-01`, `2026-06-01 through 2026-08-31`
    fn period(&mut self, mut children: Children<'t>) -> Option<Period> {
        if children.eat(Rule::kw_from) {
            return Some(Period { from: self.take_expr(&mut children)?, to: None });
        }
        let from = self.take_expr(&mut children)?;
        let bound = bound(&mut children)?;
        Some(Period { from, to: Some((self.take_expr(&mut children)?, bound)) })
    }

    /// `owner "Marketing" code "MK-17"` between braces
    fn about(&self, children: &mut Children<'t>) -> Option<Vec<(Name, Text)>> {
        let mut entries = Vec::new();
        while let Some(child) = children.next() {
            if child.as_rule() == Rule::about_entry {
                let mut inner = Children::of(child);
                let key = inner.take(Rule::word)?;
                entries.push((self.name(&key), self.take_string(&mut inner)?));
            }
        }
        Some(entries)
    }

    fn spendable_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<SpendableClause>> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let kind = match rule {
            Rule::spend_after | Rule::spend_until | Rule::goods_for => {
                let mut children = Children::of(pair);
                children.next();
                match rule {
                    Rule::spend_after => SpendableClause::After(self.take_expr(&mut children)?),
                    Rule::spend_until => SpendableClause::Until(self.take_expr(&mut children)?),
                    _ => SpendableClause::For(*self.take_source(&mut children)?),
                }
            }
            _ => SpendableClause::Shared(self.clause(pair)?),
        };
        Some(Placed { kind, span })
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
    fn otherwise(&mut self, children: &mut Children<'t>, keyword: &str, clause: Span, amount: &Expr) -> Name {
        children.eat(Rule::kw_else);
        if let Some(word) = children.next() {
            return self.name(&word);
        }
        // An amount that no limit can have is what is to be mended first, and checking says so.
        let is_measure = matches!(&amount.kind, ExprKind::Quantity(_, unit) if hints::is_measure(&unit.text));
        let times = match self.source(amount.span) {
            "once" => Some("1 times"),
            "twice" => Some("2 times"),
            _ => None,
        };
        if !is_measure {
            self.incomplete = true;
            let place = self.place(amount.span);
            self.diagnostics.push(match times {
                Some(times) => errors::counted_word(place, self.source(amount.span), times),
                None => errors::missing_else(self.place(clause), keyword),
            });
        }
        Name { text: "cut".to_owned(), span: clause }
    }

    /// What stands after `take`.
    fn bundle(&mut self, children: &mut Children<'t>, clause: Span) -> Option<Bundle> {
        children.eat(Rule::kw_bundle);
        let name = self.take_name(children)?;
        let mut head = Span { start: clause.start, end: name.span.end };
        let is_bounded = children.eat(Rule::kw_up);
        children.eat(Rule::kw_to);
        let up_to = match children.take(Rule::times) {
            Some(times) if is_bounded => {
                head = head.to(self.span(&times));
                Some(self.times(times)?)
            }
            _ => None,
        };
        let best_for = match children.take(Rule::best_for) {
            Some(words) => match Children::of(words).pairs.last()?.as_rule() {
                Rule::kw_member => BestFor::Member,
                _ => BestFor::Retailer,
            },
            None => {
                self.incomplete = true;
                self.diagnostics.push(errors::missing_best_for(self.place(head)));
                BestFor::Member
            }
        };
        let parts = self.each_clause(children, Self::bundle_part)?;
        Some(Bundle { name, up_to, best_for, parts })
    }

    /// What stands before `times`.
    pub(super) fn times(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let mut children = Children::of(pair);
        let mut count = self.take_expr(&mut children)?;
        if !children.eat(Rule::kw_times) && !strip_times(&mut count) {
            self.incomplete = true;
            let place = self.place(count.span);
            self.diagnostics.push(errors::missing_times(place, self.source(count.span)));
        }
        Some(count)
    }

    /// `pastry = 2 of units where …`
    fn bundle_part(&mut self, pair: Pair<'t, Rule>) -> Option<BundlePart> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let name = self.take_name(&mut children)?;
        children.eat(Rule::equals);
        let count = self.count(&mut children)?;
        children.eat(Rule::kw_of);
        let of = *self.take_source(&mut children)?;
        if let SourceKind::Filter { collection, .. } = &of.kind
            && let [word] = collection.parts.as_slice()
            && word.text == "lines"
        {
            self.incomplete = true;
            self.diagnostics.push(errors::bundle_of_lines(self.place(word.span)));
        }
        Some(BundlePart { name, count, of, span })
    }
}

/// Makes a number of the `1 times` at the end of `n + 1 times`; says whether it stands there.
fn strip_times(expr: &mut Expr) -> bool {
    let last = match &mut expr.kind {
        ExprKind::Quantity(number, unit) if unit.text == "times" => {
            expr.span = number.span;
            expr.kind = ExprKind::Number(number.clone());
            return true;
        }
        ExprKind::Sum(_, rest) => rest.last_mut().map(|(_, last)| last),
        ExprKind::Product(_, rest) => rest.last_mut().map(|(_, last)| last),
        ExprKind::Of(_, last) | ExprKind::Negate(last) => Some(&mut **last),
        ExprKind::Error
        | ExprKind::Hole
        | ExprKind::Number(_)
        | ExprKind::Percent(_)
        | ExprKind::Quantity(..)
        | ExprKind::Date(_)
        | ExprKind::Time(_)
        | ExprKind::Instant(..)
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Reference(..)
        | ExprKind::List(_)
        | ExprKind::Path(_)
        | ExprKind::Call(..)
        | ExprKind::Logic(..)
        | ExprKind::Not(_)
        | ExprKind::Compare(..)
        | ExprKind::In { .. }
        | ExprKind::InRange { .. }
        | ExprKind::Known(..)
        | ExprKind::As(..)
        | ExprKind::Steps(..)
        | ExprKind::Aggregate { .. }
        | ExprKind::By(..)
        | ExprKind::Collection(_) => None,
    };
    let Some(last) = last else { return false };
    let is_stripped = strip_times(last);
    if is_stripped {
        expr.span.end = last.span.end;
    }
    is_stripped
}
