//! Redemptions: ways of paying with points. Each becomes a rule of the tender phase, and one of the earn phase for its
//! further effects. It refuses to know balances.

use super::effects::Context;
use super::groups::GroupKind;
use super::names::{Binding, Events, Scope};
use super::types::constant;
use super::{At, Checker, Items, Origin, errors};
use crate::ir::{self, TenderTerm};
use crate::typed::{
    Builtin, Element, Expr, ExprKind, Field, FieldId, Group, LocalId, Ratio, RecordType, Redemption, Rule,
    Source, SourceKind, Step, TenderField, Type,
};
use perq_grammar::ast::{self, ClauseKind, RedemptionClause};
use perq_grammar::diagnostic::Place;

/// A redemption as written, with the fields in which it is asked for.
#[derive(Debug)]
pub(super) struct RedemptionInfo<'a> {
    at: At,
    header: &'a ast::Header,
    clauses: &'a [ast::Placed<RedemptionClause>],
    place: Place,
    account: Option<ir::AccountId>,
    request: FieldId,
    confirmed: Option<FieldId>,
    events: Vec<ir::EventId>,
    chosen: bool,
}

/// Groups that no author can name.
const PAYMENT_GROUP: &str = "points as payment";
const EFFECTS_GROUP: &str = "effects of payment";

/// The groups that redemptions need.
pub(super) fn groups() -> [Group; 2] {
    let group = |name: &str, phase| Group {
        name: name.to_owned(),
        title: None,
        phase,
        displace: ir::Displace::None,
        per: ir::Scope::Basket,
        on_price: ir::OnPrice::Running,
        excludes: Vec::new(),
        limits: Vec::new(),
        governance: ir::Governance::default(),
        place: Place::default(),
    };
    [group(PAYMENT_GROUP, ir::Phase::Tender), group(EFFECTS_GROUP, ir::Phase::Earn)]
}

impl<'a> Checker<'a> {
    /// Names and requests of all redemptions, so that tests can ask for them.
    pub(super) fn declare_redemptions(&mut self, items: &Items<'a>) {
        for (at, header, clauses, _) in &items.redemptions {
            let place = at.place(header.name.span);
            if at.origin == Origin::Snippet && self.out.groups.iter().all(|group| group.name != PAYMENT_GROUP)
            {
                continue;
            }
            if !self.declare("rule", &header.name.text, place) {
                continue;
            }
            let mut from = None;
            let mut chosen = true;
            let mut confirm = None;
            for clause in *clauses {
                match &clause.kind {
                    RedemptionClause::From(path) => from = Some(path),
                    RedemptionClause::Pay { .. } => chosen = false,
                    RedemptionClause::Confirm { how, .. } => confirm = Some(how),
                    RedemptionClause::For(_)
                    | RedemptionClause::Rate(..)
                    | RedemptionClause::AtMost(_)
                    | RedemptionClause::AtLeast(_)
                    | RedemptionClause::Step(_)
                    | RedemptionClause::CashAtLeast(_)
                    | RedemptionClause::MemberChoosesAmount
                    | RedemptionClause::IfShort(_)
                    | RedemptionClause::Shared(_) => {}
                }
            }
            let account = match from {
                Some(path) => {
                    let scope = Scope::new(at.file, at.space, Events::Inferred(None));
                    self.account_named(&scope, path)
                }
                None => {
                    let name = format!("redemption `{}`", header.name.text);
                    self.report(errors::missing_clause(place, &name, "`from`", "from bonus"));
                    None
                }
            };
            let ty = match account.filter(|_| chosen) {
                Some(account) => self.points_type(account),
                None => Type::Bool,
            };
            let request = self.request_field("redeem", &header.name.text, ty, place);
            let confirmed =
                confirm.map(|how| self.request_field("confirmed", &how.text, Type::Bool, at.place(how.span)));
            let events = self.paying_events();
            for event in &events {
                let Some(info) = self.event_infos.get_mut(event.index()) else { continue };
                info.fields.insert(format!("redeem.{}", header.name.text), request);
                if let (Some(how), Some(confirmed)) = (confirm, confirmed) {
                    info.fields.insert(format!("confirmed.{}", how.text), confirmed);
                }
            }
            self.redemption_infos.push(RedemptionInfo {
                at: *at,
                header,
                clauses,
                place,
                account,
                request,
                confirmed,
                events,
                chosen,
            });
        }
    }

    /// Events at which something can be paid: those with lines that are no returns.
    fn paying_events(&self) -> Vec<ir::EventId> {
        let named = self.out.events.iter().zip(&self.event_infos).zip(0u32..);
        let pays = named.filter(|((event, info), _)| info.lines && event.name != ir::RETURN);
        pays.map(|(_, id)| ir::EventId(id)).collect()
    }

    /// The field in which the input says something of a redemption.
    fn request_field(&mut self, outer: &str, name: &str, ty: Type, place: Place) -> FieldId {
        let full = format!("{outer}.{name}");
        let same = |field: &Field| field.name == full && field.record == ir::RecordKind::Event;
        if let Some(position) = self.out.fields.iter().position(same) {
            return FieldId(position as u32);
        }
        let slot = if let Type::Points(account) = &ty {
            ir::SlotType::Points(*account)
        } else if ty == Type::Money {
            ir::SlotType::Money { scale: self.out.settings.decimals }
        } else {
            ir::SlotType::Bool
        };
        self.add_field(Field {
            name: full,
            record: ir::RecordKind::Event,
            key: vec![outer.to_owned(), name.to_owned()],
            ty: Type::Optional(Box::new(ty)),
            slot,
            den: 1,
            default: None,
            inherits: false,
            builtin: None,
            events: Vec::new(),
            place,
        })
    }

    /// A field that the tender phase fills.
    pub(super) fn tender_field(&mut self, of: TenderField) -> FieldId {
        let builtin = Some(Builtin::Tender(of));
        if let Some(position) = self.out.fields.iter().position(|field| field.builtin == builtin) {
            return FieldId(position as u32);
        }
        let money = (Type::Money, ir::SlotType::Money { scale: self.out.settings.decimals });
        let (name, (ty, slot)) = match of {
            TenderField::Points => ("payment.points".to_owned(), money),
            TenderField::Cash => ("payment.cash".to_owned(), money),
            TenderField::LineCash => ("line.cash".to_owned(), money),
            TenderField::Used(of) => {
                (format!("payment.redemption {of}"), (Type::Number, ir::SlotType::Number { scale: 0 }))
            }
        };
        let place = Place::default();
        let record = ir::RecordKind::Derived;
        let key = Vec::new();
        self.add_field(Field {
            name,
            record,
            key,
            ty,
            slot,
            den: 1,
            default: None,
            inherits: false,
            builtin,
            events: Vec::new(),
            place,
        })
    }

    /// All redemptions, after the rules.
    pub(super) fn check_redemptions(&mut self) {
        for info in std::mem::take(&mut self.redemption_infos) {
            self.redemption(&info);
        }
    }

    /// The group of the tender phase, where there are redemptions.
    pub(super) fn payment_group(&self) -> Option<ir::GroupId> {
        let position = self.out.groups.iter().position(|group| group.name == PAYMENT_GROUP)?;
        Some(ir::GroupId(position as u32))
    }

    fn group_of(&self, name: &str) -> ir::GroupId {
        let position = self.out.groups.iter().position(|group| group.name == name);
        ir::GroupId(position.unwrap_or(0) as u32)
    }

    fn redemption(&mut self, info: &RedemptionInfo<'a>) {
        let (at, place) = (info.at, info.place);
        let name = format!("redemption `{}`", info.header.name.text);
        self.params_read.clear();
        let mut scope = Scope::new(at.file, at.space, Events::Heard(info.events.clone()));
        let mut steps = vec![self.is_asked(info)];
        let mut priority = 0;
        let mut seen: Vec<&'static str> = Vec::new();
        let mut then = None;
        let mut short = Vec::new();
        for clause in info.clauses {
            let (word, span) = (word_of(&clause.kind), clause.span);
            if let Some(word) = word {
                if seen.contains(&word) {
                    self.report(errors::repeated_clause(at.place(span), word, "a redemption"));
                    continue;
                }
                seen.push(word);
            }
            match &clause.kind {
                RedemptionClause::Shared(clause) => match &clause.kind {
                    ClauseKind::Priority(number) => match number.text.parse::<i64>() {
                        Ok(value) => priority = value,
                        Err(_) => {
                            self.report(errors::number_out_of_range(at.place(number.span), &number.text));
                        }
                    },
                    ClauseKind::Then(effects) => then = Some(effects),
                    ClauseKind::Title(_)
                    | ClauseKind::Valid(_)
                    | ClauseKind::Schedule(_)
                    | ClauseKind::On(_)
                    | ClauseKind::When(_)
                    | ClauseKind::Unless(_)
                    | ClauseKind::Let(_)
                    | ClauseKind::Limit { .. }
                    | ClauseKind::Budget { .. }
                    | ClauseKind::Take(_)
                    | ClauseKind::Process { .. }
                    | ClauseKind::Spendable(_)
                    | ClauseKind::EffectiveFrom(_)
                    | ClauseKind::NotEffective
                    | ClauseKind::About(_)
                    | ClauseKind::With(..) => self.clause(&mut scope, clause, &mut steps, &mut Vec::new()),
                },
                RedemptionClause::IfShort(words) => {
                    short.extend(
                        words
                            .iter()
                            .map(|(to, text)| ir::Saying { to: to.text.clone(), text: text.value.clone() }),
                    );
                }
                RedemptionClause::From(_)
                | RedemptionClause::For(_)
                | RedemptionClause::Rate(..)
                | RedemptionClause::AtMost(_)
                | RedemptionClause::AtLeast(_)
                | RedemptionClause::Step(_)
                | RedemptionClause::CashAtLeast(_)
                | RedemptionClause::Pay { .. }
                | RedemptionClause::MemberChoosesAmount
                | RedemptionClause::Confirm { .. } => {}
            }
        }
        let conditions = steps.clone();
        let Some(account) = info.account else { return };
        self.must_be_redeemable(info, account);
        self.look_at_kind(info, &name, &seen);
        if !seen.contains(&"for") {
            self.report(errors::missing_clause(place, &name, "`for`", "for lines where line.kind = product"));
        }
        let mut rate = None;
        for clause in info.clauses {
            self.term(info, &clause.kind, account, (&mut scope, &mut steps), &mut rate);
        }
        let rate = self.rate_of(info, account, rate);
        let rule = self.push_rule(info, &info.header.name.text, PAYMENT_GROUP, priority, steps);
        let used = then.map(|effects| {
            let used = self.tender_field(TenderField::Used(self.out.redemptions.len() as u32));
            self.effects_of(info, effects, scope, (conditions, used));
            used
        });
        let (request, confirmed) = (info.request, info.confirmed);
        self.out.redemptions.push(Redemption { rule, account, request, rate, confirmed, used, short });
    }

    /// The condition that the event asks for it.
    fn is_asked(&mut self, info: &RedemptionInfo<'_>) -> Step {
        let place = info.place;
        let ty = self.field_of(info.request).map_or(Type::Error, |field| field.ty.clone());
        let field = Expr { kind: ExprKind::Field { field: info.request, of: None }, ty, place };
        Step::When(Expr { kind: ExprKind::Known(Box::new(field)), ty: Type::Bool, place })
    }

    fn push_rule(
        &mut self,
        info: &RedemptionInfo<'_>,
        name: &str,
        group: &str,
        priority: i64,
        steps: Vec<Step>,
    ) -> ir::RuleId {
        let id = ir::RuleId(self.out.rules.len() as u32);
        let shared = info.clauses.iter().filter_map(|clause| {
            if let RedemptionClause::Shared(clause) = &clause.kind { Some(clause) } else { None }
        });
        let shared: Vec<&ast::Clause> = shared.collect();
        let governance = self.governance(info.at, &shared, "a redemption");
        self.rule_ids.insert(name.to_owned(), id);
        self.out.rules.push(Rule {
            name: name.to_owned(),
            title: info.header.title.as_ref().map(|title| title.value.clone()),
            docs: Vec::new(),
            group: self.group_of(group),
            priority,
            events: info.events.clone(),
            steps,
            limits: Vec::new(),
            governance,
            place: info.place,
        });
        id
    }

    /// `then …`: what it gives besides, once it is known how the event is paid.
    fn effects_of(
        &mut self,
        info: &RedemptionInfo<'_>,
        effects: &[ast::Effect],
        mut scope: Scope,
        (mut steps, used): (Vec<Step>, FieldId),
    ) {
        let place = info.place;
        let name = format!("{}_then", info.header.name.text);
        if !self.declare("rule", &name, place) {
            return;
        }
        let number = |kind| Expr { kind, ty: Type::Number, place };
        let used = Box::new(number(ExprKind::Field { field: used, of: None }));
        let none = Box::new(number(ExprKind::Constant(Ratio { num: 0, den: 1 })));
        let kind = ExprKind::Compare(ir::Comparison::Greater, used, none);
        steps.push(Step::When(Expr { kind, ty: Type::Bool, place }));
        let mut context = Context {
            group: None,
            kind: Some(GroupKind::Earn),
            group_name: String::new(),
            accounts: Default::default(),
            discounts: false,
            spends_at_once: false,
            multiplies: false,
            rule: name.clone(),
            lasting: name.clone(),
            spendable: None,
        };
        self.effects(&mut scope, effects, &mut context, &mut steps);
        self.push_rule(info, &name, EFFECTS_GROUP, 0, steps);
    }

    fn must_be_redeemable(&mut self, info: &RedemptionInfo<'_>, account: ir::AccountId) {
        let Some(declared) = self.out.accounts.get(account.index()) else { return };
        if declared.redeemable {
            return;
        }
        let name = declared.name.clone();
        let is_from =
            |clause: &&ast::Placed<RedemptionClause>| matches!(clause.kind, RedemptionClause::From(_));
        let from = info.clauses.iter().find(is_from).map(|clause| info.at.place(clause.span));
        let declared = self.account_infos.get(account.index()).map(|info| info.place);
        self.report(errors::not_redeemable(from.unwrap_or(info.place), &name, declared));
    }

    /// A fixed price or a choice, one of them and all of it.
    fn look_at_kind(&mut self, info: &RedemptionInfo<'_>, name: &str, seen: &[&'static str]) {
        if info.chosen {
            if !seen.contains(&"member chooses amount") {
                let example = "member chooses amount";
                let what = "`pay … each` or `member chooses amount`";
                self.report(errors::missing_clause(info.place, name, what, example));
            }
            return;
        }
        for clause in info.clauses {
            let (word, span) = (word_of(&clause.kind), clause.span);
            let chooses = ["member chooses amount", "rate", "at most", "at least", "step", "cash at least"];
            if let Some(word) = word.filter(|word| chooses.contains(word)) {
                self.report(errors::redemption_choice(info.at.place(span), word));
            }
        }
    }

    /// What one clause says of the payment.
    fn term(
        &mut self,
        info: &RedemptionInfo<'_>,
        clause: &RedemptionClause,
        account: ir::AccountId,
        (scope, steps): (&mut Scope, &mut Vec<Step>),
        rate: &mut Option<(i64, i64)>,
    ) {
        let points = self.points_type(account);
        let push = |term, amount: Expr, steps: &mut Vec<Step>| {
            let place = amount.place;
            steps.push(Step::TenderTerm { term, amount, element: None, place });
        };
        match clause {
            RedemptionClause::For(source) => self.payable(info, source, &points, scope, steps),
            RedemptionClause::Rate(units, money) => {
                let place = scope.place(units.span.to(money.span));
                let units = self.account_amount(scope, units, &Type::Points(account));
                let money = self.account_amount(scope, money, &Type::Money);
                let Some(of) = units.zip(money) else { return };
                *rate = Some(of);
                if of.0 <= 0 || of.1 <= 0 {
                    self.report(errors::number_out_of_range(place, "a rate of nothing"));
                }
            }
            RedemptionClause::AtMost(amount) => {
                let value = self.value(scope, amount, Some(&points));
                if value.ty == points && points != Type::Money {
                    push(TenderTerm::MostPoints, value, steps);
                } else {
                    let value = self.typed(value, &Type::Money);
                    push(TenderTerm::MostMoney, value, steps);
                }
            }
            RedemptionClause::AtLeast(amount) => {
                let value = self.value_of(scope, amount, &points);
                push(TenderTerm::Least, value, steps);
            }
            RedemptionClause::Step(amount) => {
                let value = self.value_of(scope, amount, &points);
                if constant(&value).is_some_and(|step| step.num <= 0) {
                    let quoted = self.quote(value.place);
                    self.report(errors::number_out_of_range(value.place, &quoted));
                }
                push(TenderTerm::Step, value, steps);
            }
            RedemptionClause::CashAtLeast(amount) => {
                let value = self.value_of(scope, amount, &Type::Money);
                push(TenderTerm::Cash, value, steps);
            }
            RedemptionClause::Confirm { how: _, above } => {
                let value = self.value_of(scope, above, &points);
                push(TenderTerm::ConfirmAbove, value, steps);
            }
            RedemptionClause::From(_)
            | RedemptionClause::Pay { .. }
            | RedemptionClause::MemberChoosesAmount
            | RedemptionClause::IfShort(_)
            | RedemptionClause::Shared(_) => {}
        }
    }

    /// `for lines where …`, with the prices of their pieces where those are fixed.
    fn payable(
        &mut self,
        info: &RedemptionInfo<'_>,
        source: &ast::Source,
        points: &Type,
        scope: &mut Scope,
        steps: &mut Vec<Step>,
    ) {
        let Some((source, known)) = self.source(scope, source) else { return };
        let place = source.place;
        if source.of != Element::Line {
            let found = self.collection_word(source.of);
            self.report(errors::wrong_element(place, "a redemption", &found, "lines"));
            return;
        }
        let local = self.local("payable", Type::Collection(Element::Line), place);
        steps.push(Step::LetCollection(local, source.clone()));
        let bound =
            |element: LocalId| Source { kind: SourceKind::Bound(local), of: Element::Line, element, place };
        steps.push(Step::TenderLines { target: bound(source.element), place });
        let pay = info.clauses.iter().find_map(|clause| {
            if let RedemptionClause::Pay { points, plus } = &clause.kind {
                Some((points, plus))
            } else {
                None
            }
        });
        let Some((price, plus)) = pay else { return };
        let element = source.element;
        if scope.bound("line").is_some() {
            self.report(errors::taken_name(place, "line"));
            return;
        }
        let (names, mark) = (scope.names_mark(), scope.known_mark());
        scope.learn(known);
        if let Some(local) = self.out.locals.get_mut(element.0 as usize) {
            local.name = "line".to_owned();
            local.ty = Type::Record(RecordType::Line);
        }
        scope.bind("line", Binding::Element(element, Element::Line), place);
        let mut body = Vec::new();
        let price = self.value_of(scope, price, points);
        let mut push = |term, amount: Expr| {
            let place = amount.place;
            body.push(Step::TenderTerm { term, amount, element: Some(element), place });
        };
        push(TenderTerm::PointsEach, price);
        if let Some(plus) = plus {
            let plus = self.value_of(scope, plus, &Type::Money);
            push(TenderTerm::MoneyEach, plus);
        }
        scope.unbind(names);
        scope.forget(mark);
        steps.push(Step::ForEach { source: bound(element), body });
    }

    /// The rate written, or the account's worth; money is money.
    fn rate_of(
        &mut self,
        info: &RedemptionInfo<'_>,
        account: ir::AccountId,
        written: Option<(i64, i64)>,
    ) -> Option<(i64, i64)> {
        if !info.chosen {
            return None;
        }
        if self.points_type(account) == Type::Money {
            return Some(written.unwrap_or((1, 1)));
        }
        let declared = self.out.accounts.get(account.index())?;
        let (name, unit, worth) = (declared.name.clone(), declared.unit.clone(), declared.worth);
        let rate = written.or(worth);
        if rate.is_none() {
            let currency = self.out.settings.currency.clone();
            let declared = self.account_infos.get(account.index()).map(|info| info.place);
            self.report(errors::no_worth(info.place, &name, &unit, &currency, declared));
        }
        // What has no rate has a diagnostic.
        rate.or(Some((1, 1)))
    }
}

/// The word of a clause that may stand once.
fn word_of(clause: &RedemptionClause) -> Option<&'static str> {
    match clause {
        RedemptionClause::From(_) => Some("from"),
        RedemptionClause::For(_) => Some("for"),
        RedemptionClause::Rate(..) => Some("rate"),
        RedemptionClause::AtMost(_) => Some("at most"),
        RedemptionClause::AtLeast(_) => Some("at least"),
        RedemptionClause::Step(_) => Some("step"),
        RedemptionClause::CashAtLeast(_) => Some("cash at least"),
        RedemptionClause::Pay { .. } => Some("pay"),
        RedemptionClause::MemberChoosesAmount => Some("member chooses amount"),
        RedemptionClause::Confirm { .. } => Some("confirm"),
        RedemptionClause::IfShort(_) => Some("if_short"),
        RedemptionClause::Shared(clause) => match &clause.kind {
            ClauseKind::Valid(_) => Some("valid"),
            ClauseKind::Schedule(_) => Some("schedule"),
            ClauseKind::Priority(_) => Some("priority"),
            ClauseKind::Then(_) => Some("then"),
            ClauseKind::Title(_)
            | ClauseKind::On(_)
            | ClauseKind::When(_)
            | ClauseKind::Unless(_)
            | ClauseKind::Let(_)
            | ClauseKind::Limit { .. }
            | ClauseKind::Budget { .. }
            | ClauseKind::Take(_)
            | ClauseKind::Process { .. }
            | ClauseKind::Spendable(_)
            | ClauseKind::EffectiveFrom(_)
            | ClauseKind::NotEffective
            | ClauseKind::About(_)
            | ClauseKind::With(..) => None,
        },
    }
}
