//! Groups: kind, displacement, order, exclusions, limits. It refuses to know conditions and effects of rules.

use super::limits::{Owner, is_limit};
use super::names::{Events, Scope};
use super::{At, Checker, Items, errors};
use crate::ir;
use crate::typed::{Expr, ExprKind, Group, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;
use std::collections::BTreeSet;
use std::rc::Rc;

/// What a group's rules may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupKind {
    Discount,
    Earn,
    /// Instruments and fields of members.
    State,
}

/// A group as written.
#[derive(Debug)]
pub(super) struct GroupInfo<'a> {
    pub at: At,
    pub name: String,
    /// The name that its counters keep: the former one, where `was` says it.
    pub lasting: String,
    pub place: Place,
    pub kind: Option<GroupKind>,
    /// Its position among the groups in order of settlement.
    pub id: ir::GroupId,
    pub clauses: &'a [ast::GroupClause],
    /// Those of them that each of its rules has, too.
    pub shared: Rc<[&'a ast::Clause]>,
    pub events: Option<Vec<ir::EventId>>,
    pub on_price: Option<ir::OnPrice>,
    /// `on_price` has been asked for.
    pub asked_price: bool,
    /// Accounts that its rules award to.
    pub accounts: BTreeSet<ir::AccountId>,
}

const KINDS: &[&str] =
    &["line_discount", "set_discount", "order_discount", "delivery_discount", "earn", "state"];

/// The limits and budgets among a group's clauses.
pub(super) fn limits_of(clauses: &[ast::GroupClause]) -> impl Iterator<Item = &ast::Clause> {
    clauses.iter().filter_map(shared).filter(|clause| is_limit(clause))
}

/// A clause that rules may have, too.
fn shared(clause: &ast::GroupClause) -> Option<&ast::Clause> {
    match clause {
        ast::GroupClause::Shared(clause) => Some(clause),
        ast::GroupClause::Kind(_)
        | ast::GroupClause::Displace { .. }
        | ast::GroupClause::OnPrice(_)
        | ast::GroupClause::Excludes(..)
        | ast::GroupClause::Rule(_) => None,
    }
}

impl<'a> Checker<'a> {
    /// Kinds, displacement and order of the groups.
    pub(super) fn declare_groups(&mut self, items: &Items<'a>) {
        let mut groups: Vec<(usize, Group)> = Vec::new();
        for (at, header, clauses, _) in &items.groups {
            let place = at.place(header.name.span);
            if !self.declare("group", &header.name.text, place) {
                continue;
            }
            let index = self.group_infos.len();
            self.group_ids.insert(header.name.text.clone(), index);
            let (info, group) = self.group(*at, header, clauses);
            self.group_infos.push(info);
            groups.push((index, group));
        }
        if !items.redemptions.is_empty() {
            groups.extend(super::redemptions::groups().map(|group| (usize::MAX, group)));
        }
        let order = self.order_of_groups();
        let listed = |index: usize| order.iter().position(|other| *other == index).unwrap_or(usize::MAX);
        groups.sort_by_key(|(index, group)| (group.phase, listed(*index), *index));
        for (position, (index, group)) in groups.into_iter().enumerate() {
            if let Some(info) = self.group_infos.get_mut(index) {
                info.id = ir::GroupId(position as u32);
            }
            self.out.groups.push(group);
        }
        for index in 0..self.group_infos.len() {
            self.exclusions(index);
        }
    }

    /// What `program order` lists.
    fn order_of_groups(&mut self) -> Vec<usize> {
        let mut order = Vec::new();
        for (at, name) in std::mem::take(&mut self.group_order) {
            let place = at.place(name.span);
            match self.group_ids.get(&name.text).copied() {
                Some(index) if order.contains(&index) => {
                    self.report(errors::listed_twice(place, &name.text));
                }
                Some(index) => order.push(index),
                None => {
                    let near = self.nearest(&name.text, self.group_ids.keys().map(String::as_str));
                    self.report(errors::unknown_name(place, "group", &name.text, near.as_deref()));
                }
            }
        }
        order
    }

    fn group(
        &mut self,
        at: At,
        header: &ast::Header,
        clauses: &'a [ast::GroupClause],
    ) -> (GroupInfo<'a>, Group) {
        let place = at.place(header.name.span);
        let name = format!("group `{}`", header.name.text);
        let mut kind: Option<(GroupKind, ir::Phase)> = None;
        let mut displace: Option<(ir::Displace, Option<ir::Scope>, Place)> = None;
        let mut on_price = None;
        let mut events = None;
        let mut seen: Vec<&'static str> = Vec::new();
        for clause in clauses {
            let (word, span) = match clause {
                ast::GroupClause::Kind(name) => ("kind", name.span),
                ast::GroupClause::Displace { span, .. } => ("displace", *span),
                ast::GroupClause::OnPrice(name) => ("on_price", name.span),
                ast::GroupClause::Excludes(..) | ast::GroupClause::Rule(_) => continue,
                ast::GroupClause::Shared(clause) => match &clause.kind {
                    ast::ClauseKind::On(_) => ("on", clause.span),
                    ast::ClauseKind::Valid(_) => ("valid", clause.span),
                    ast::ClauseKind::Schedule(_) => ("schedule", clause.span),
                    // The grammar lets no such clause into a group.
                    ast::ClauseKind::Priority(_) | ast::ClauseKind::Then(_) => continue,
                    ast::ClauseKind::Take(_)
                    | ast::ClauseKind::Process { .. }
                    | ast::ClauseKind::Spendable(_)
                    | ast::ClauseKind::With(..) => continue,
                    ast::ClauseKind::Title(_)
                    | ast::ClauseKind::When(_)
                    | ast::ClauseKind::Unless(_)
                    | ast::ClauseKind::Let(_)
                    | ast::ClauseKind::Budget { .. }
                    | ast::ClauseKind::EffectiveFrom(_)
                    | ast::ClauseKind::NotEffective
                    | ast::ClauseKind::About(_)
                    | ast::ClauseKind::Limit { .. } => continue,
                },
            };
            if seen.contains(&word) {
                self.report(errors::repeated_clause(at.place(span), word, "a group"));
                continue;
            }
            seen.push(word);
            match clause {
                ast::GroupClause::Kind(name) => kind = self.kind(at, name),
                ast::GroupClause::Displace { mode, per, span } => {
                    let mode = match mode {
                        ast::Displace::None => ir::Displace::None,
                        ast::Displace::First => ir::Displace::First,
                        ast::Displace::BestForMember => ir::Displace::BestForMember,
                        ast::Displace::BestForRetailer => ir::Displace::BestForRetailer,
                        ast::Displace::Chain => ir::Displace::Chain,
                    };
                    let per = per.as_ref().and_then(|per| self.scope_word(at, per));
                    displace = Some((mode, per, at.place(*span)));
                }
                ast::GroupClause::OnPrice(word) => {
                    on_price = match word.text.as_str() {
                        "original" => Some(ir::OnPrice::Original),
                        "running" => Some(ir::OnPrice::Running),
                        _ => {
                            let words = &["original", "running"];
                            self.report(errors::unknown_word(
                                at.place(word.span),
                                "price",
                                &word.text,
                                words,
                            ));
                            Some(ir::OnPrice::Running)
                        }
                    };
                }
                ast::GroupClause::Shared(ast::Clause { kind: ast::ClauseKind::On(on), .. }) => {
                    events = Some(self.heard(at, on));
                }
                ast::GroupClause::Shared(_) | ast::GroupClause::Excludes(..) | ast::GroupClause::Rule(_) => {}
            }
        }
        if !seen.contains(&"kind") {
            self.report(errors::missing_clause(place, &name, "`kind`", "kind earn"));
        }
        let (mode, per) = match displace {
            Some((mode, per, displace_place)) => {
                let competes = match mode {
                    ir::Displace::First | ir::Displace::BestForMember | ir::Displace::BestForRetailer => true,
                    ir::Displace::None | ir::Displace::Chain => false,
                };
                if competes && per.is_none() {
                    let written = self.quote(displace_place);
                    self.report(errors::missing_scope(displace_place, &written));
                }
                if kind.is_some_and(|(kind, _)| kind == GroupKind::Earn) {
                    let written = self.quote(displace_place);
                    if mode == ir::Displace::Chain {
                        let why = "an award leaves no price for the next";
                        self.report(errors::wrong_displacement(displace_place, &written, why));
                    } else if competes && per == Some(ir::Scope::Unit) {
                        let why = "awards are for lines or for the basket";
                        self.report(errors::wrong_displacement(displace_place, &written, why));
                    }
                }
                (mode, per.unwrap_or(ir::Scope::Line))
            }
            None => {
                self.report(errors::missing_clause(place, &name, "`displace`", "displace none"));
                (ir::Displace::None, ir::Scope::Line)
            }
        };
        let shared: Rc<[&ast::Clause]> = clauses.iter().filter_map(shared).collect();
        let governance = self.governance(at, &shared, "a group");
        let info = GroupInfo {
            at,
            name: header.name.text.clone(),
            lasting: self.lasting("group", at, header),
            place,
            kind: kind.map(|(kind, _)| kind),
            id: ir::GroupId(0),
            clauses,
            shared,
            events,
            on_price,
            asked_price: false,
            accounts: BTreeSet::new(),
        };
        let group = Group {
            name: header.name.text.clone(),
            title: header.title.as_ref().map(|title| title.value.clone()),
            phase: kind.map_or(ir::Phase::Earn, |(_, phase)| phase),
            displace: mode,
            per,
            on_price: on_price.unwrap_or(ir::OnPrice::Running),
            excludes: Vec::new(),
            limits: Vec::new(),
            governance,
            place,
        };
        (info, group)
    }

    fn kind(&mut self, at: At, name: &ast::Name) -> Option<(GroupKind, ir::Phase)> {
        Some(match name.text.as_str() {
            "line_discount" => (GroupKind::Discount, ir::Phase::Line),
            "set_discount" => (GroupKind::Discount, ir::Phase::Set),
            "order_discount" => (GroupKind::Discount, ir::Phase::Order),
            "delivery_discount" => (GroupKind::Discount, ir::Phase::Delivery),
            "earn" => (GroupKind::Earn, ir::Phase::Earn),
            "tender" => {
                self.report(errors::tender_group(at.place(name.span)));
                return None;
            }
            "state" => (GroupKind::State, ir::Phase::State),
            _ => {
                self.report(errors::unknown_word(at.place(name.span), "kind", &name.text, KINDS));
                return None;
            }
        })
    }

    fn scope_word(&mut self, at: At, word: &ast::Name) -> Option<ir::Scope> {
        match word.text.as_str() {
            "unit" => Some(ir::Scope::Unit),
            "line" => Some(ir::Scope::Line),
            "basket" => Some(ir::Scope::Basket),
            _ => {
                let words = &["unit", "line", "basket"];
                self.report(errors::unknown_word(at.place(word.span), "scope", &word.text, words));
                Some(ir::Scope::Line)
            }
        }
    }

    /// The group that a path names.
    pub(super) fn group_named(&mut self, at: At, path: &ast::Path) -> Option<usize> {
        let place = at.place(path.span);
        let name = match path.parts.as_slice() {
            [name] => Some(name),
            _ => self.aliased(at.space, path).map(|(_, name)| name),
        };
        let found = name.and_then(|name| self.group_ids.get(&name.text).copied());
        if found.is_none() {
            let written = self.quote(place);
            let near = self.nearest(&written, self.group_ids.keys().map(String::as_str));
            self.report(errors::unknown_name(place, "group", &written, near.as_deref()));
        }
        found
    }

    fn exclusions(&mut self, index: usize) {
        let Some((at, clauses, id)) =
            self.group_infos.get(index).map(|info| (info.at, info.clauses, info.id))
        else {
            return;
        };
        for clause in clauses {
            let ast::GroupClause::Excludes(path, when_better) = clause else { continue };
            let place = at.place(path.span);
            let Some(other) = self.group_named(at, path) else { continue };
            let Some(other_info) = self.group_infos.get(other) else { continue };
            let (other_id, other_kind, other_name) =
                (other_info.id, other_info.kind, other_info.name.clone());
            let own = self.group_infos.get(index).map(|info| (info.kind, info.name.clone()));
            let Some((kind, name)) = own else { continue };
            if other == index || (kind.is_some() && other_kind.is_some() && kind != other_kind) {
                self.report(errors::cannot_exclude(place, &name, &other_name, other == index));
                continue;
            }
            let (earlier, later) = if other_id < id { (other_id, id) } else { (id, other_id) };
            if let Some(group) = self.out.groups.get_mut(later.index()) {
                match group.excludes.iter().find(|exclusion| exclusion.group == earlier) {
                    Some(stated) if stated.when_better != *when_better => {
                        self.report(errors::repeated_clause(place, "excludes", "a pair of groups"));
                    }
                    Some(_) => {}
                    None => {
                        group.excludes.push(ir::Exclusion {
                            group: earlier,
                            when_better: *when_better,
                            whole: false,
                        });
                    }
                }
            }
        }
    }

    /// Limits of groups.
    pub(super) fn check_groups(&mut self) {
        for index in 0..self.group_infos.len() {
            let Some(info) = self.group_infos.get(index) else { continue };
            let (at, clauses, kind, id) = (info.at, info.clauses, info.kind, info.id);
            let fits = |ty: &Type| match kind {
                Some(GroupKind::Discount) => *ty == Type::Money,
                Some(GroupKind::Earn) => matches!(ty, Type::Points(_) | Type::Money),
                Some(GroupKind::State) | None => true,
            };
            let owner = Owner {
                word: "group",
                lasting: info.lasting.clone(),
                fits: &fits,
                expected: match kind {
                    Some(GroupKind::Discount) => format!("money, such as `100 {}`", self.currency_word()),
                    Some(GroupKind::Earn) | Some(GroupKind::State) | None => "points".to_string(),
                },
                earns: kind == Some(GroupKind::Earn),
            };
            let limits: Vec<&ast::Clause> = limits_of(clauses).collect();
            let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
            let clauses = limits;
            let mut limits = Vec::new();
            self.limits(&mut scope, &clauses, &owner, &mut limits);
            limits.sort_by_key(super::limits::rank);
            if let Some(group) = self.out.groups.get_mut(id.index()) {
                group.limits = limits;
            }
        }
    }

    /// The account whose unit is the currency, where there is one.
    pub(super) fn money_account(&self) -> Option<ir::AccountId> {
        let position = self.account_infos.iter().position(|info| info.money)?;
        Some(ir::AccountId(position as u32))
    }

    /// Whether an award is whole in its account's units whatever the data, so that nothing needs to round.
    pub(super) fn is_whole_points(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Constant(value) => value.den == 1,
            ExprKind::Field { .. } => matches!(expr.ty, Type::Points(_) | Type::Count(_)),
            ExprKind::Param(_) => matches!(expr.ty, Type::Points(_) | Type::Count(_)),
            ExprKind::Steps(..) | ExprKind::Aggregate { function: ast::Aggregate::Count, .. } => true,
            ExprKind::Aggregate { function: ast::Aggregate::Distinct, .. } => true,
            ExprKind::Aggregate { value: Some(value), .. } => self.is_whole_points(value),
            ExprKind::Sum(terms) => terms.iter().all(|(_, term)| self.is_whole_points(term)),
            ExprKind::Product(factors) => {
                factors.iter().all(|(divides, factor)| !divides && self.is_whole_points(factor))
            }
            ExprKind::Negate(inner) => self.is_whole_points(inner),
            ExprKind::Modulo(left, right) => self.is_whole_points(left) && self.is_whole_points(right),
            ExprKind::Extreme { values, .. } => values.iter().all(|value| self.is_whole_points(value)),
            ExprKind::Match { rows, .. } => rows.iter().all(|row| self.is_whole_points(&row.value)),
            ExprKind::Convert { rounding, .. } => rounding.is_some(),
            ExprKind::Local(local) => self.whole_locals.contains(local),
            ExprKind::Calendar(..) => true,
            ExprKind::Error
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Call(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::InRange { .. }
            | ExprKind::OneOf(..)
            | ExprKind::InReference(..)
            | ExprKind::SetHas(..)
            | ExprKind::SetContains(..)
            | ExprKind::Known(_)
            | ExprKind::Aggregate { value: None, .. } => false,
        }
    }
}
