//! Contact plans.

use super::{Builder, Children};
use crate::ast::{
    Bounds, CapacityOf, Comparison, ContactScope, ContactsClause, EachOf, Expr, ExprKind, ItemKind, Members,
    Placed, Range,
};
use crate::parse::Rule;
use pest::iterators::Pair;

impl<'t> Builder<'t> {
    /// What stands after `contacts`.
    pub(super) fn contacts(&mut self, children: &mut Children<'t>) -> Option<ItemKind> {
        let header = self.take_header(children)?;
        Some(ItemKind::Contacts(header, self.each_clause(children, Self::contacts_clause)?))
    }

    fn contacts_clause(&mut self, pair: Pair<'t, Rule>) -> Option<Placed<ContactsClause>> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if rule == Rule::title {
            return Some(Placed { kind: ContactsClause::Title(self.titles(pair)), span });
        }
        let children = &mut Children::of(pair);
        let kind = match rule {
            Rule::binding => ContactsClause::Let(self.binding(children)?),
            Rule::maximise => {
                children.next();
                ContactsClause::Maximise(self.take_expr(children)?)
            }
            Rule::inclusion => {
                let include = children.next()?.as_rule() == Rule::kw_include;
                children.eat(Rule::kw_contacts);
                let mut scope = self.contact_scope(children)?;
                let members = match children.take(Rule::members) {
                    Some(pair) => {
                        let mut inner = Children::of(pair);
                        inner.eat(Rule::kw_for);
                        inner.eat(Rule::kw_members);
                        inner.eat(Rule::kw_in);
                        Some(self.members_in(&mut inner)?)
                    }
                    None => None,
                };
                scope.condition = self.contact_condition(children)?;
                ContactsClause::Inclusion { include, scope, members }
            }
            Rule::capacity => {
                children.next();
                let what = self.capacity_of(children)?;
                let mut scope = self.contact_scope(children)?;
                scope.condition = self.contact_condition(children)?;
                let window = self.within(children.take(Rule::within)?)?;
                let mut exceptions = Vec::new();
                while let Some(pair) = children.take(Rule::exception) {
                    exceptions.push(self.exception(pair)?);
                }
                ContactsClause::Capacity { what, scope, window, exceptions }
            }
            Rule::each_member => {
                children.next();
                children.eat(Rule::kw_member);
                let members = if children.eat(Rule::kw_in) { Some(self.members_in(children)?) } else { None };
                ContactsClause::Each { members, what: self.each_of(children)? }
            }
            _ => return None,
        };
        Some(Placed { kind, span })
    }

    fn capacity_of(&mut self, children: &mut Children<'t>) -> Option<CapacityOf> {
        if let Some(pair) = children.take(Rule::bounds) {
            return Some(CapacityOf::Count(self.bounds(pair)?));
        }
        let mut inner = Children::of(children.take(Rule::amount)?);
        let function = self.take_name(&mut inner)?;
        let mut inner = Children::of(inner.take(Rule::amount_of)?);
        inner.eat(Rule::open_paren);
        let value = self.take_expr(&mut inner)?;
        let comparison = match children.next()?.as_rule() {
            Rule::less_or_equal => Comparison::LessOrEqual,
            Rule::greater_or_equal => Comparison::GreaterOrEqual,
            Rule::less => Comparison::Less,
            Rule::greater => Comparison::Greater,
            Rule::not_equal => Comparison::NotEqual,
            _ => Comparison::Equal,
        };
        Some(CapacityOf::Amount { function, value, comparison, bound: self.take_expr(children)? })
    }

    fn exception(&mut self, pair: Pair<'t, Rule>) -> Option<(Range, Bounds)> {
        let mut children = Children::of(pair);
        children.eat(Rule::kw_except);
        let range = self.range(children.take(Rule::range)?)?;
        Some((range, self.bounds(children.take(Rule::bounds)?)?))
    }

    fn each_of(&mut self, children: &mut Children<'t>) -> Option<EachOf> {
        if let Some(pair) = children.take(Rule::never) {
            let mut inner = Children::of(pair);
            inner.eat(Rule::kw_never);
            let first = self.contact_scope(&mut inner)?;
            let in_order = inner.next()?.as_rule() == Rule::kw_then;
            let second = self.contact_scope(&mut inner)?;
            let window = self.within(inner.take(Rule::within)?)?;
            return Some(EachOf::Never { first, in_order, second, window });
        }
        if let Some(pair) = children.take(Rule::gets) {
            let mut inner = Children::of(pair);
            inner.eat(Rule::kw_gets);
            let scope = self.contact_scope(&mut inner)?;
            inner.eat(Rule::kw_only);
            let after = inner.next()?.as_rule() == Rule::kw_after;
            let on = self.contact_scope(&mut inner)?;
            let window = match inner.take(Rule::within) {
                Some(pair) => Some(self.within(pair)?),
                None => None,
            };
            return Some(EachOf::Gets { scope, after, on, window });
        }
        let bounds = self.bounds(children.take(Rule::bounds)?)?;
        let of_same = children.eat(Rule::kw_of_same);
        let mut scope = self.contact_scope(children)?;
        scope.condition = self.contact_condition(children)?;
        let window = self.within(children.take(Rule::within)?)?;
        let skip = children.eat(Rule::kw_else) && children.eat(Rule::kw_skip);
        Some(EachOf::Bounds { bounds, of_same, scope, window, skip })
    }

    fn bounds(&mut self, pair: Pair<'t, Rule>) -> Option<Bounds> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let mut bounds = Bounds { at_least: None, at_most: None, span };
        loop {
            children.eat(Rule::kw_and);
            if !children.eat(Rule::kw_at) {
                return Some(bounds);
            }
            let least = children.next()?.as_rule() == Rule::kw_least;
            let quantity = self.quantity(children.take(Rule::quantity)?)?;
            if least {
                bounds.at_least = Some(quantity);
            } else {
                bounds.at_most = Some(quantity);
            }
        }
    }

    /// `offer "X" via [email]`
    fn contact_scope(&mut self, children: &mut Children<'t>) -> Option<ContactScope> {
        let mut scope = ContactScope::default();
        if let Some(pair) = children.take(Rule::offers)
            && let Some(pair) = Children::of(pair).take(Rule::reference)
        {
            scope.offers = Some(self.reference(pair)?);
        }
        if let Some(pair) = children.take(Rule::via) {
            let mut inner = Children::of(pair);
            inner.eat(Rule::kw_via);
            scope.via = match self.take_name(&mut inner) {
                Some(name) => {
                    let span = name.span;
                    let path = crate::ast::Path { parts: vec![name], span };
                    vec![Expr { kind: ExprKind::Path(path), span }]
                }
                None => self.take_list(&mut inner)?,
            };
        }
        Some(scope)
    }

    fn contact_condition(&mut self, children: &mut Children<'t>) -> Option<Option<Expr>> {
        let Some(pair) = children.take(Rule::condition) else { return Some(None) };
        let mut inner = Children::of(pair);
        inner.eat(Rule::kw_where);
        Some(Some(self.take_expr(&mut inner)?))
    }

    fn members_in(&mut self, children: &mut Children<'t>) -> Option<Members> {
        if let Some(pair) = children.take(Rule::reference) {
            let (kind, names) = self.reference(pair)?;
            return Some(Members::Reference(kind, names));
        }
        Some(Members::Path(self.take_path(children)?))
    }
}
