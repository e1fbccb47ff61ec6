//! Declarations other than rules and tests.

use super::{Builder, Children};
use crate::ast::{
    AccountClause, Displace, FieldDeclaration, GroupClause, Header, Item, ItemKind, Name, ProgramClause,
    TypeName,
};
use crate::parse::Rule;
use pest::iterators::Pair;

impl<'t> Builder<'t> {
    pub(super) fn item(&mut self, pair: Pair<'t, Rule>) -> Option<Item> {
        let span = self.span(&pair);
        let docs = self.docs(span.start);
        let rule = pair.as_rule();
        if rule == Rule::rule_item {
            return Some(Item { docs, kind: ItemKind::Rule(self.rule(pair)?), span });
        }
        if rule == Rule::test {
            return Some(Item { docs, kind: ItemKind::Test(self.test(pair)?), span });
        }
        let mut children = Children::of(pair);
        children.next()?;
        let children = &mut children;
        let kind = match rule {
            Rule::language => ItemKind::Language(self.take_number(children)?),
            Rule::import => self.import(children)?,
            Rule::program => {
                let header = self.take_header(children)?;
                ItemKind::Program(header, self.each_clause(children, Self::program_clause)?)
            }
            Rule::account => {
                let header = self.take_header(children)?;
                ItemKind::Account(header, self.each_clause(children, Self::account_clause)?)
            }
            Rule::param => self.param(children)?,
            Rule::define => {
                let header = self.take_header(children)?;
                let params = self.parameters(children)?;
                children.eat(Rule::kw_gives);
                let gives = self.take_type(children)?;
                children.eat(Rule::equals);
                ItemKind::Define { header, params, gives, body: self.bound(children)? }
            }
            Rule::table => {
                let header = self.take_header(children)?;
                let params = self.parameters(children)?;
                children.eat(Rule::kw_gives);
                let gives = self.take_type(children)?;
                let policy = self.take_name(children)?;
                ItemKind::Table { header, params, gives, policy, rows: self.arms(children)? }
            }
            Rule::segment => {
                let header = self.take_header(children)?;
                children.eat(Rule::equals);
                ItemKind::Segment(header, self.take_expr(children)?)
            }
            Rule::enumeration => {
                let header = self.take_header(children)?;
                let ordered = children.eat(Rule::kw_ordered);
                let mut values = Vec::new();
                while let Some(child) = children.next() {
                    if child.as_rule() == Rule::enum_value {
                        let mut inner = Children::of(child);
                        let name = self.take_name(&mut inner)?;
                        values.push((name, self.take_string(&mut inner)));
                    }
                }
                ItemKind::Enum { header, ordered, values }
            }
            Rule::reference_kind => {
                let name = self.take_name(children)?;
                let hierarchical = children.eat(Rule::kw_hierarchical);
                let of = if children.eat(Rule::kw_of) { self.take_name(children) } else { None };
                ItemKind::Reference { name, hierarchical, of }
            }
            Rule::record => ItemKind::Record(self.take_name(children)?, self.take_fields(children)?),
            Rule::extension => ItemKind::Extend(self.take_name(children)?, self.take_fields(children)?),
            Rule::event => {
                let name = self.take_name(children)?;
                let mut from = Vec::new();
                if children.eat(Rule::kw_from) {
                    while let Some(text) = self.take_string(children) {
                        from.push(text);
                        children.eat(Rule::comma);
                    }
                }
                ItemKind::Event { name, from, fields: self.take_fields(children)? }
            }
            Rule::group => {
                let header = self.take_header(children)?;
                ItemKind::Group(header, self.each_clause(children, Self::group_clause)?)
            }
            Rule::offer => self.offer(children)?,
            Rule::arbitration => self.arbitration(children)?,
            Rule::ensure => self.ensure(children)?,
            Rule::contacts => self.contacts(children)?,
            _ => self.loyalty(rule, children)?,
        };
        Some(Item { docs, kind, span })
    }

    /// `name [was old_name] ["Title"]`
    pub(super) fn take_header(&mut self, children: &mut Children<'t>) -> Option<Header> {
        let mut inner = Children::of(children.take(Rule::header)?);
        let name = self.take_name(&mut inner)?;
        let was = if inner.eat(Rule::kw_was) { Some(self.take_name(&mut inner)?) } else { None };
        Some(Header { name, title: self.take_string(&mut inner), was })
    }

    /// What stands between the braces that come next.
    pub(super) fn each_clause<T>(
        &mut self,
        children: &mut Children<'t>,
        build: impl Fn(&mut Self, Pair<'t, Rule>) -> Option<T>,
    ) -> Option<Vec<T>> {
        children.eat(Rule::open_brace);
        let mut clauses = Vec::new();
        while let Some(child) = children.next() {
            // `in group g` may stand before the brace.
            if !matches!(child.as_rule(), Rule::open_brace | Rule::close_brace) {
                clauses.push(build(self, child)?);
            }
        }
        clauses.shrink_to_fit();
        Some(clauses)
    }

    fn import(&mut self, children: &mut Children<'t>) -> Option<ItemKind> {
        let path = self.take_string(children)?;
        let alias = if children.eat(Rule::kw_as) { self.take_name(children) } else { None };
        let hash = if children.eat(Rule::kw_sha) { self.take_string(children) } else { None };
        Some(ItemKind::Use { path, alias, hash })
    }

    fn program_clause(&mut self, pair: Pair<'t, Rule>) -> Option<ProgramClause> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if rule == Rule::title {
            return Some(ProgramClause::Title(self.titles(pair)));
        }
        let mut children = Children::of(pair);
        children.next();
        let children = &mut children;
        Some(match rule {
            Rule::version => ProgramClause::Version(self.take_number(children)?),
            Rule::currency => ProgramClause::Currency(self.take_name(children)?),
            Rule::zone => ProgramClause::Zone(self.take_string(children)?),
            Rule::rounding_clause => ProgramClause::Rounding(self.take_name(children)?),
            Rule::month_end => ProgramClause::MonthEnd(self.take_name(children)?),
            Rule::week_starts => ProgramClause::WeekStarts(self.take_name(children)?),
            Rule::on_error => ProgramClause::OnErrorSkipRule(span),
            Rule::order => {
                let mut groups = Vec::new();
                while let Some(name) = self.take_name(children) {
                    groups.push(name);
                    children.eat(Rule::comma);
                }
                ProgramClause::Order(groups)
            }
            Rule::not_below => ProgramClause::NotBelow(self.take_expr(children)?),
            Rule::program_spread => ProgramClause::Spread(self.spread_rule(children), span),
            Rule::tax => {
                let how = self.take_name(children)?;
                let rounded = children.take(Rule::rounded).and_then(|pair| self.rounded(pair));
                let per = if children.eat(Rule::kw_per) { self.take_name(children) } else { None };
                let besides = if children.eat(Rule::kw_besides) { self.take_path(children) } else { None };
                ProgramClause::Tax { how, rounded, per, besides }
            }
            _ => return None,
        })
    }

    fn account_clause(&mut self, pair: Pair<'t, Rule>) -> Option<AccountClause> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if rule == Rule::title {
            return Some(AccountClause::Title(self.titles(pair)));
        }
        let mut children = Children::of(pair);
        children.next();
        let children = &mut children;
        Some(match rule {
            Rule::unit_clause => {
                let unit = self.take_name(children)?;
                let decimals =
                    if children.eat(Rule::kw_decimals) { self.take_number(children) } else { None };
                AccountClause::Unit(unit, decimals)
            }
            Rule::round => {
                let mode = self.take_name(children)?;
                let per = if children.eat(Rule::kw_per) { self.take_name(children) } else { None };
                AccountClause::Round { mode, per }
            }
            Rule::redeemable => AccountClause::Redeemable(span),
            Rule::qualifying => AccountClause::Qualifying(span),
            Rule::not_below => AccountClause::NotBelow(self.take_expr(children)?),
            Rule::worth => {
                let own = self.operand(children.take(Rule::quantity)?)?;
                children.eat(Rule::equals);
                AccountClause::Worth(own, self.operand(children.take(Rule::quantity)?)?)
            }
            Rule::expire => self.expire(children, span)?,
            Rule::melt => self.melt(children, span)?,
            Rule::use_first => {
                children.eat(Rule::kw_first);
                AccountClause::UseFirst(self.take_name(children)?)
            }
            Rule::shortfall => AccountClause::Shortfall(self.take_name(children)?),
            _ => return None,
        })
    }

    fn param(&mut self, children: &mut Children<'t>) -> Option<ItemKind> {
        let header = self.take_header(children)?;
        children.eat(Rule::colon);
        let ty = self.take_type(children)?;
        let mut values = Vec::new();
        let mut range = None;
        if let Some(dated) = children.take(Rule::dated_values) {
            let mut inner = Children::of(dated);
            while let Some(child) = inner.next() {
                if child.as_rule() == Rule::dated_value {
                    let mut entry = Children::of(child);
                    entry.eat(Rule::kw_from);
                    let date = entry.take(Rule::date)?;
                    entry.eat(Rule::equals);
                    values.push((Some(self.lexeme(&date)), self.take_expr(&mut entry)?));
                }
            }
        } else {
            children.eat(Rule::equals);
            values.push((None, self.take_expr(children)?));
            if children.eat(Rule::kw_in) {
                range = Some(Box::new(self.range(children.take(Rule::range)?)?));
            }
        }
        Some(ItemKind::Param { header, ty, values, range })
    }

    /// `(line: line, tier: Tier)`
    fn parameters(&mut self, children: &mut Children<'t>) -> Option<Vec<(Name, TypeName)>> {
        let mut inner = Children::of(children.take(Rule::parameters)?);
        let mut parameters = Vec::new();
        while let Some(child) = inner.next() {
            if child.as_rule() == Rule::parameter {
                let mut one = Children::of(child);
                let name = self.take_name(&mut one)?;
                one.eat(Rule::colon);
                parameters.push((name, self.take_type(&mut one)?));
            }
        }
        Some(parameters)
    }

    pub(super) fn take_type(&mut self, children: &mut Children<'t>) -> Option<TypeName> {
        let pair = children.take(Rule::type_name)?;
        let span = self.span(&pair);
        let mut inner = Children::of(pair);
        let set = inner.eat(Rule::kw_set);
        let list = !set && inner.eat(Rule::kw_list);
        if set || list {
            inner.eat(Rule::kw_of);
        }
        let name = self.take_name(&mut inner)?;
        let argument = if inner.eat(Rule::open_bracket) {
            let argument = self.take_name(&mut inner);
            inner.eat(Rule::close_bracket);
            argument
        } else {
            None
        };
        Some(TypeName { name, argument, set, list, optional: inner.eat(Rule::question), span })
    }

    /// `{ sku: sku … }`; none where there are no braces.
    fn take_fields(&mut self, children: &mut Children<'t>) -> Option<Vec<FieldDeclaration>> {
        let mut fields = Vec::new();
        let Some(pair) = children.take(Rule::fields) else { return Some(fields) };
        let mut inner = Children::of(pair);
        while let Some(child) = inner.next() {
            if child.as_rule() == Rule::field {
                fields.push(self.field(child)?);
            }
        }
        Some(fields)
    }

    fn field(&mut self, pair: Pair<'t, Rule>) -> Option<FieldDeclaration> {
        let docs = self.docs(self.span(&pair).start);
        let mut children = Children::of(pair);
        let children = &mut children;
        let name = self.word_or_string(children)?;
        children.eat(Rule::colon);
        let ty = self.take_type(children)?;
        let scale = if children.eat(Rule::kw_scale) { self.take_number(children) } else { None };
        let default = if children.eat(Rule::equals) { Some(self.take_expr(children)?) } else { None };
        let from = if children.eat(Rule::kw_from) { self.take_string(children) } else { None };
        Some(FieldDeclaration { docs, name, ty, scale, default, from })
    }

    /// A field's name, which any word or a string may be.
    pub(super) fn word_or_string(&mut self, children: &mut Children<'t>) -> Option<Name> {
        if let Some(word) = children.take(Rule::word) {
            return Some(self.name(&word));
        }
        let text = self.take_string(children)?;
        Some(Name {
            text: unicode_normalization::UnicodeNormalization::nfc(text.value.as_str()).collect(),
            span: text.span,
        })
    }

    fn group_clause(&mut self, pair: Pair<'t, Rule>) -> Option<GroupClause> {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::rule_item => self.rule(pair).map(GroupClause::Rule),
            Rule::kind => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_kind);
                self.take_name(&mut children).map(GroupClause::Kind)
            }
            Rule::displace => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_displace);
                let mode = match children.next()?.as_rule() {
                    Rule::kw_none => Displace::None,
                    Rule::kw_first => Displace::First,
                    Rule::kw_chain => Displace::Chain,
                    _ => {
                        children.eat(Rule::kw_for);
                        if children.eat(Rule::kw_member) {
                            Displace::BestForMember
                        } else {
                            children.eat(Rule::kw_retailer);
                            Displace::BestForRetailer
                        }
                    }
                };
                let per = if children.eat(Rule::kw_per) { children.next() } else { None };
                Some(GroupClause::Displace { mode, per: per.map(|word| self.name(&word)), span })
            }
            Rule::on_price => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_on_price);
                self.take_name(&mut children).map(GroupClause::OnPrice)
            }
            Rule::excludes => {
                let mut children = Children::of(pair);
                children.eat(Rule::kw_excludes);
                children.eat(Rule::kw_group);
                let group = self.take_path(&mut children)?;
                Some(GroupClause::Excludes(group, children.eat(Rule::kw_when)))
            }
            _ => self.clause(pair).map(GroupClause::Shared),
        }
    }
}
