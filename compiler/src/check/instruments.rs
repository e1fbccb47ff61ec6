//! Coupons, certificates and badges, and the effects that issue them and set fields of the member. A coupon is a rule
//! that asks for its code: here its clauses become those of a rule, in a group of its own or in the one it names. It
//! refuses to know how codes are compared and kept.

use super::effects::Context;
use super::expressions::Access;
use super::names::{Events, Scope};
use super::types::constant;
use super::{At, Checker, Items, errors};
use crate::ir;
use crate::typed::{self, Builtin, Expr, ExprKind, Field, Pattern, Ratio, Row, SetTo, Step, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

/// The name of the field of events that holds the codes, and of the kind that its names are of.
const CODES: (&str, &str) = ("coupons", "coupon_code");

/// A coupon as a rule, and the group that it stands in where it names none.
#[derive(Debug)]
pub(super) struct AsRule {
    pub at: At,
    pub rule: ast::Rule,
    pub group: Option<(ast::Header, Vec<ast::GroupClause>)>,
}

/// A coupon while it is checked.
#[derive(Debug)]
pub(super) struct CouponInfo<'a> {
    pub at: At,
    pub clauses: &'a [ast::Placed<ast::CouponClause>],
    /// The field that says whether one of its codes can be redeemed.
    pub redeemable: typed::FieldId,
    /// The clause that asks for it.
    pub codes: Place,
    /// The name that its counters keep when it is renamed.
    pub lasting: String,
    /// In a group that others may stand in.
    pub shares_group: bool,
}

/// The clauses of coupons as rules.
pub(super) fn as_rules(items: &Items<'_>) -> Vec<AsRule> {
    let mut made = Vec::new();
    for (at, header, clauses, span) in &items.coupons {
        let mut named = None;
        let mut excludes = Vec::new();
        let mut rule_clauses = Vec::new();
        for clause in *clauses {
            match &clause.kind {
                ast::CouponClause::InGroup(path) => named = Some(path.clone()),
                ast::CouponClause::NotWithGroup(path, better) => {
                    excludes.push(ast::GroupClause::Excludes(path.clone(), *better));
                }
                ast::CouponClause::Shared(clause) => rule_clauses.push(clause.clone()),
                ast::CouponClause::CodesUnique
                | ast::CouponClause::CodesShared(_)
                | ast::CouponClause::Uses { .. }
                | ast::CouponClause::Expires(_)
                | ast::CouponClause::NotWithCoupon(_) => {}
            }
        }
        let word = |text: &str| ast::Name { text: text.to_owned(), span: header.name.span };
        let group = named.is_none().then(|| {
            let mut group = vec![
                ast::GroupClause::Kind(word(kind_of(&rule_clauses))),
                ast::GroupClause::Displace { mode: ast::Displace::None, per: None, span: header.name.span },
                ast::GroupClause::OnPrice(word("running")),
            ];
            group.extend(excludes);
            (header_of(header), group)
        });
        let rule = ast::Rule {
            docs: Vec::new(),
            header: header_of(header),
            group: named
                .or_else(|| Some(ast::Path { parts: vec![header.name.clone()], span: header.name.span })),
            template: None,
            clauses: rule_clauses,
            span: *span,
        };
        made.push(AsRule { at: *at, rule, group });
    }
    made
}

fn header_of(header: &ast::Header) -> ast::Header {
    header.clone()
}

/// The kind of group that a coupon's effects belong in: what it takes off comes off the order.
pub(super) fn kind_of(clauses: &[ast::Clause]) -> &'static str {
    fn find(effects: &[ast::Effect]) -> Option<&'static str> {
        effects.iter().find_map(|effect| match &effect.kind {
            ast::EffectKind::Discount { .. } | ast::EffectKind::Price { .. } | ast::EffectKind::Gift(_) => {
                Some("order_discount")
            }
            ast::EffectKind::Award { .. } | ast::EffectKind::Multiply { .. } => Some("earn"),
            ast::EffectKind::ForEach { body, .. } => find(body),
            ast::EffectKind::Debit { .. }
            | ast::EffectKind::Issue(_)
            | ast::EffectKind::Set { .. }
            | ast::EffectKind::Let(_)
            | ast::EffectKind::Say(_)
            | ast::EffectKind::Show(_) => None,
        })
    }
    let effects = clauses.iter().find_map(|clause| match &clause.kind {
        ast::ClauseKind::Then(effects) => find(effects),
        ast::ClauseKind::Title(_)
        | ast::ClauseKind::Valid(_)
        | ast::ClauseKind::Schedule(_)
        | ast::ClauseKind::Priority(_)
        | ast::ClauseKind::On(_)
        | ast::ClauseKind::When(_)
        | ast::ClauseKind::Unless(_)
        | ast::ClauseKind::Let(_)
        | ast::ClauseKind::Limit { .. }
        | ast::ClauseKind::Budget { .. }
        | ast::ClauseKind::Take(_)
        | ast::ClauseKind::Process { .. }
        | ast::ClauseKind::Spendable(_)
        | ast::ClauseKind::EffectiveFrom(_)
        | ast::ClauseKind::NotEffective
        | ast::ClauseKind::About(_)
        | ast::ClauseKind::With(..) => None,
    });
    effects.unwrap_or("state")
}

impl<'a> Checker<'a> {
    /// Names of coupons, certificates and badges, and the fields that rules read of them. Rules are declared after it.
    pub(super) fn declare_instruments(&mut self, items: &Items<'a>) {
        for (at, header, clauses, _) in &items.coupons {
            let place = at.place(header.name.span);
            if !self.declare("coupon", &header.name.text, place) {
                continue;
            }
            let id = self.out.instruments.coupons.len() as u32;
            self.coupon_ids.insert(header.name.text.clone(), id);
            let redeemable = self.state_field(
                format!("coupon {}", header.name.text),
                Type::Number,
                ir::SlotType::Count,
                ir::StateRead::Coupon(id),
                place,
            );
            let codes = clauses.iter().find(|clause| match &clause.kind {
                ast::CouponClause::CodesUnique | ast::CouponClause::CodesShared(_) => true,
                ast::CouponClause::Uses { .. }
                | ast::CouponClause::Expires(_)
                | ast::CouponClause::InGroup(_)
                | ast::CouponClause::NotWithGroup(..)
                | ast::CouponClause::NotWithCoupon(_)
                | ast::CouponClause::Shared(_) => false,
            });
            let lasting = self.lasting("coupon", *at, header);
            self.coupon_infos.push(CouponInfo {
                lasting,
                at: *at,
                clauses,
                redeemable,
                codes: codes.map_or(place, |clause| at.place(clause.span)),
                shares_group: clauses
                    .iter()
                    .any(|clause| matches!(clause.kind, ast::CouponClause::InGroup(_))),
            });
            self.out.instruments.coupons.push(typed::Coupon {
                name: header.name.text.clone(),
                title: header.title.as_ref().map(|title| title.value.clone()),
                rule: ir::RuleId(0),
                codes: ir::Codes::Unique { uses: 1 },
                expires: None,
                place,
            });
        }
        for (at, header, _) in &items.certificates {
            let place = at.place(header.name.span);
            if self.declare("certificate", &header.name.text, place) {
                let id = self.out.instruments.certificates.len() as u32;
                self.certificate_ids.insert(header.name.text.clone(), id);
                self.out.instruments.certificates.push(typed::Certificate {
                    name: header.name.text.clone(),
                    title: header.title.as_ref().map(|title| title.value.clone()),
                    expires: None,
                    place,
                });
            }
        }
        for (at, header, _) in &items.badges {
            let place = at.place(header.name.span);
            if !self.declare("badge", &header.name.text, place) {
                continue;
            }
            let id = self.out.instruments.badges.len() as u32;
            self.badge_ids.insert(header.name.text.clone(), id);
            let name = format!("badge.{}", header.name.text);
            let full = format!("member.{name}");
            let read = ir::StateRead::Badge(id);
            let field = self.state_field(full, Type::Bool, ir::SlotType::Bool, read, place);
            self.records.member.insert(name, field);
            self.badge_fields.push(field);
            self.out.instruments.badges.push(typed::Badge {
                name: header.name.text.clone(),
                title: header.title.as_ref().map(|title| title.value.clone()),
                when: None,
                place,
            });
        }
        self.out.instruments.presented = self
            .event_infos
            .iter()
            .filter_map(|info| info.fields.get(CODES.0).copied())
            .find(|field| self.presents(*field));
    }

    /// A field that kept state fills.
    pub(super) fn state_field(
        &mut self,
        name: String,
        ty: Type,
        slot: ir::SlotType,
        read: ir::StateRead,
        place: Place,
    ) -> typed::FieldId {
        self.add_field(Field {
            name,
            record: ir::RecordKind::Derived,
            key: Vec::new(),
            ty,
            slot,
            den: 1,
            default: None,
            inherits: false,
            builtin: Some(Builtin::Read(read)),
            events: Vec::new(),
            place,
        })
    }

    fn presents(&self, field: typed::FieldId) -> bool {
        let kind = self.kind_ids.get(CODES.1).copied();
        let is_set = |ty: &Type| matches!(ty, Type::Set(of) if Some(*of) == kind);
        self.field_of(field).is_some_and(|field| is_set(field.ty.present()))
    }

    /// The kinds of events that codes are presented with.
    pub(super) fn presenting(&self) -> Vec<ir::EventId> {
        let presented = self.out.instruments.presented;
        let having =
            self.events_with(|info| presented.is_some() && info.fields.get(CODES.0).copied() == presented);
        having.into_iter().collect()
    }

    /// The groups of coupons hear what codes are presented with; the rules of coupons are theirs.
    pub(super) fn bind_coupons(&mut self) {
        let events = self.presenting();
        for index in 0..self.coupon_infos.len() {
            let Some(coupon) = self.out.instruments.coupons.get(index) else { continue };
            let (name, place) = (coupon.name.clone(), coupon.place);
            let shares = self.coupon_infos.get(index).is_some_and(|info| info.shares_group);
            if let Some(group) = self.group_ids.get(&name).copied().filter(|_| !shares)
                && let Some(info) = self.group_infos.get_mut(group)
                && info.place == place
            {
                info.events = Some(events.clone());
            }
            if let Some(rule) = self.rule_ids.get(&name).copied()
                && let Some(info) = self.rule_infos.get_mut(rule.index())
                && info.place == place
            {
                info.coupon = Some(index);
                if let Some(coupon) = self.out.instruments.coupons.get_mut(index) {
                    coupon.rule = rule;
                }
            }
        }
    }

    /// What a coupon's rule asks for first.
    pub(super) fn presented(&self, index: usize) -> Option<Step> {
        let info = self.coupon_infos.get(index)?;
        let place = info.codes;
        let field = ExprKind::Field { field: info.redeemable, of: None };
        let field = Expr { kind: field, ty: Type::Number, place };
        let one = Expr { kind: ExprKind::Constant(Ratio::whole(1)), ty: Type::Number, place };
        let kind = ExprKind::Compare(ir::Comparison::GreaterOrEqual, Box::new(field), Box::new(one));
        Some(Step::When(Expr { kind, ty: Type::Bool, place }))
    }

    /// `codes`, `uses`, `expires` and `not with` of a coupon; gives the limits of its rule.
    pub(super) fn coupon(&mut self, index: usize) -> Vec<typed::Limit> {
        let Some(info) = self.coupon_infos.get(index) else { return Vec::new() };
        let (at, clauses, shares_group) = (info.at, info.clauses, info.shares_group);
        let lasting = info.lasting.clone();
        let Some(coupon) = self.out.instruments.coupons.get(index) else { return Vec::new() };
        let (name, place) = (coupon.name.clone(), coupon.place);
        let what = format!("coupon `{name}`");
        let mut codes: Option<(ir::Codes, Place)> = None;
        let mut uses: Vec<(i64, bool, Place)> = Vec::new();
        let mut expires: Option<(ir::Lifetime, Place)> = None;
        for clause in clauses {
            let clause_place = at.place(clause.span);
            match &clause.kind {
                ast::CouponClause::CodesUnique | ast::CouponClause::CodesShared(_) => {
                    if codes.is_some() {
                        self.report(errors::repeated_clause(clause_place, "codes", "a coupon"));
                        continue;
                    }
                    let kind = match &clause.kind {
                        ast::CouponClause::CodesShared(text) => {
                            self.shared_code(at, text);
                            ir::Codes::Shared(text.value.clone())
                        }
                        ast::CouponClause::CodesUnique
                        | ast::CouponClause::Uses { .. }
                        | ast::CouponClause::Expires(_)
                        | ast::CouponClause::InGroup(_)
                        | ast::CouponClause::NotWithGroup(..)
                        | ast::CouponClause::NotWithCoupon(_)
                        | ast::CouponClause::Shared(_) => ir::Codes::Unique { uses: 1 },
                    };
                    codes = Some((kind, clause_place));
                }
                ast::CouponClause::Uses { times, per } => {
                    uses.extend(self.coupon_uses(at, times, per, clause_place))
                }
                ast::CouponClause::Expires(end) => {
                    if expires.is_some() {
                        self.report(errors::repeated_clause(clause_place, "expires", "a coupon"));
                    } else {
                        expires = self.lifetime(at, end, clause_place).map(|end| (end, clause_place));
                    }
                }
                ast::CouponClause::NotWithGroup(..) if shares_group => {
                    let why = "it stands in a group, and that group says what it excludes";
                    self.report(errors::wrong_instrument(clause_place, &what, why));
                }
                ast::CouponClause::NotWithCoupon(path) => self.not_with(at, index, path, clause_place),
                ast::CouponClause::Shared(clause) => {
                    if matches!(clause.kind, ast::ClauseKind::Priority(_)) && !shares_group {
                        let why =
                            "it stands by itself; say `in group …` after its name to compete with others";
                        self.report(errors::wrong_instrument(clause_place, &what, why));
                    }
                }
                ast::CouponClause::InGroup(_) | ast::CouponClause::NotWithGroup(..) => {}
            }
        }
        let Some((mut kind, codes_place)) = codes else {
            self.report(errors::missing_clause(place, &what, "`codes`", "codes unique"));
            return Vec::new();
        };
        let mut limits = Vec::new();
        // A member's uses are looked at before those of all.
        uses.sort_by_key(|(_, per_member, _)| !per_member);
        for (position, (times, per_member, uses_place)) in uses.iter().enumerate() {
            if uses.iter().take(position).any(|(_, other, _)| other == per_member) {
                self.report(errors::repeated_clause(*uses_place, "uses", "a coupon"));
                continue;
            }
            match (&mut kind, per_member) {
                (ir::Codes::Unique { uses }, false) => *uses = u32::try_from(*times).unwrap_or(u32::MAX),
                (ir::Codes::Unique { .. } | ir::Codes::Shared(_), _) => {
                    let (of, otherwise) = (ir::LimitOf::Times, ir::Otherwise::Skip);
                    let (per, word) = match per_member {
                        true => (typed::CounterKey::Member, "member"),
                        false => (typed::CounterKey::Campaign, "budget"),
                    };
                    let name = format!("coupon.{lasting}.times.{word}");
                    let over = Some(typed::Over { name, per, window: ir::Window::Ever });
                    limits.push(typed::Limit { amount: ir::LimitAmount::Fixed(*times), of, otherwise, over });
                }
            }
        }
        if let (ir::Codes::Shared(_), Some((_, expires_place))) = (&kind, &expires) {
            let why = "its code is shared, so none is issued that could expire; say `valid` instead";
            self.report(errors::wrong_instrument(*expires_place, &what, why));
        }
        if self.presenting().is_empty() {
            let why = "no kind of event has a field `coupons: set of coupon_code`";
            self.report(errors::wrong_instrument(codes_place, &what, why));
        }
        if let Some(coupon) = self.out.instruments.coupons.get_mut(index) {
            coupon.codes = kind;
            coupon.expires = expires.map(|(expires, _)| expires);
        }
        limits
    }

    /// Two coupons may not have one code.
    fn shared_code(&mut self, at: At, text: &ast::Text) {
        let place = at.place(text.span);
        let folded = crate::codes::fold(&text.value);
        if folded.is_empty() {
            self.report(errors::wrong_instrument(place, "a shared code", "it has no letter or digit"));
            return;
        }
        match self.shared_codes.get(&folded).copied() {
            Some(earlier) => {
                self.report(errors::duplicate_name(place, "code", &text.value, earlier));
            }
            None => {
                self.shared_codes.insert(folded, place);
            }
        }
    }

    /// `uses 3 times per member`
    fn coupon_uses(
        &mut self,
        at: At,
        times: &ast::Expr,
        per: &[ast::Name],
        place: Place,
    ) -> Option<(i64, bool, Place)> {
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        let value = self.value_of(&mut scope, times, &Type::Number);
        let per_member = match per {
            [] => false,
            [name] if name.text == "member" => true,
            [first, others @ ..] => {
                let name = others.iter().rfind(|_| first.text == "member").unwrap_or(first);
                let what = "way to count uses";
                self.report(errors::unknown_word(at.place(name.span), what, &name.text, &["member"]));
                return None;
            }
        };
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        match constant(&value).and_then(Ratio::to_i64).filter(|times| *times >= 1) {
            Some(times) => Some((times, per_member, place)),
            None => {
                let quoted = self.quote(value.place);
                self.report(errors::constant_expected(value.place, &quoted));
                None
            }
        }
    }

    /// `expires after 30 days`, `expires on 2026-08-31`
    pub(super) fn lifetime(&mut self, at: At, end: &ast::Expiry, place: Place) -> Option<ir::Lifetime> {
        let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
        match end {
            ast::Expiry::On(day) => self.moment(&scope, day, true).map(|(day, _)| ir::Lifetime::On(day)),
            ast::Expiry::Never => None,
            ast::Expiry::After(length) => {
                let value = self.value(&mut scope, length, None);
                let quoted = self.quote(value.place);
                let months = match value.ty {
                    Type::Days => false,
                    Type::Months => true,
                    Type::Error => return None,
                    ref other => {
                        let found = self.describe(other);
                        let wanted = "days, weeks, months or years";
                        self.report(errors::mismatched_types(value.place, &quoted, wanted, &found, None));
                        return None;
                    }
                };
                let count =
                    constant(&value).and_then(Ratio::to_i64).and_then(|count| u32::try_from(count).ok());
                match count {
                    Some(count) if months => Some(ir::Lifetime::Months(count)),
                    Some(count) => Some(ir::Lifetime::Days(count)),
                    None => {
                        self.report(errors::constant_expected(place, &quoted));
                        None
                    }
                }
            }
        }
    }

    /// `not with coupon other`: the later one of the two gives nothing where the earlier one gives anything.
    fn not_with(&mut self, at: At, index: usize, path: &ast::Path, place: Place) {
        let Some(other) = self.coupon_named(at, path) else { return };
        let group_of = |checker: &Self, index: usize| {
            let shares = checker.coupon_infos.get(index).is_some_and(|info| info.shares_group);
            let name = &checker.out.instruments.coupons.get(index)?.name;
            let group = checker.group_ids.get(name).filter(|_| !shares)?;
            checker.group_infos.get(*group).map(|info| info.id)
        };
        let name =
            self.out.instruments.coupons.get(index).map(|coupon| coupon.name.clone()).unwrap_or_default();
        let pair = group_of(self, index).zip(group_of(self, other as usize));
        let Some((own, other)) = pair.filter(|(own, other)| own != other) else {
            let why = "both must be coupons that stand by themselves, and not the same one";
            self.report(errors::wrong_instrument(place, &format!("coupon `{name}`"), why));
            return;
        };
        let (earlier, later) = if other < own { (other, own) } else { (own, other) };
        if let Some(group) = self.out.groups.get_mut(later.index()) {
            let stated = group.excludes.iter().any(|exclusion| exclusion.group == earlier);
            if !stated {
                group.excludes.push(ir::Exclusion { group: earlier, when_better: false, whole: true });
            }
        }
    }

    /// A coupon of the program.
    pub(super) fn coupon_named(&mut self, at: At, path: &ast::Path) -> Option<u32> {
        self.instrument_named(at, path, ast::Instrument::Coupon)
    }

    fn instrument_named(&mut self, at: At, path: &ast::Path, instrument: ast::Instrument) -> Option<u32> {
        let (word, ids) = match instrument {
            ast::Instrument::Coupon => ("coupon", &self.coupon_ids),
            ast::Instrument::Certificate => ("certificate", &self.certificate_ids),
            ast::Instrument::Badge => ("badge", &self.badge_ids),
        };
        let place = at.place(path.span);
        let written = self.quote(place);
        let found = path.parts.last().and_then(|name| ids.get(&name.text)).copied();
        if found.is_none() {
            let mut names: Vec<&str> = ids.keys().map(String::as_str).collect();
            names.sort_unstable();
            let near = self.nearest(&written, names.into_iter());
            self.report(errors::unknown_name(place, word, &written, near.as_deref()));
        }
        found
    }

    /// What `issue` names.
    pub(super) fn instrument(
        &mut self,
        at: At,
        path: &ast::Path,
        instrument: ast::Instrument,
    ) -> Option<ir::InstrumentId> {
        let id = self.instrument_named(at, path, instrument)?;
        Some(match instrument {
            ast::Instrument::Coupon => ir::InstrumentId::Coupon(id),
            ast::Instrument::Certificate => ir::InstrumentId::Certificate(id),
            ast::Instrument::Badge => ir::InstrumentId::Badge(id),
        })
    }

    /// `issue coupon welcome10 expires after 9 days`
    pub(super) fn issue(&mut self, scope: &mut Scope, issue: &ast::Issue, place: Place) -> Option<Step> {
        let at = At { file: scope.file, space: scope.space, origin: super::Origin::Program };
        let instrument = self.instrument(at, &issue.name, issue.instrument);
        let to = match &issue.to {
            Some(path) => Some(self.other_member(scope, path)?),
            None => None,
        };
        let count = issue.count.as_ref().map(|count| self.value_of(scope, count, &Type::Number));
        let value = issue.value.as_ref().map(|value| self.value_of(scope, value, &Type::Money));
        let expires = match &issue.expires {
            Some(end) => Some(self.lifetime(at, &end.kind, scope.place(end.span))?),
            None => None,
        };
        let instrument = instrument?;
        if let ir::InstrumentId::Badge(_) = instrument
            && !scope.knows(super::names::Key::Member)
        {
            let quoted = self.quote(place);
            self.report(errors::member_unknown(place, &quoted));
            return None;
        }
        let written = self.quote(scope.place(issue.name.span));
        if let (ir::InstrumentId::Badge(_), Some(_)) = (instrument, to) {
            let why = "nobody knows here whether another member has it already";
            return self.refuse_instrument(place, "badge", &written, why);
        }
        let one = |place| Expr { kind: ExprKind::Constant(Ratio::whole(1)), ty: Type::Number, place };
        let number = match instrument {
            ir::InstrumentId::Coupon(id) => {
                if value.is_some() {
                    return self.refuse_instrument(
                        place,
                        "coupon",
                        &written,
                        "it has no value: its `then` says what it gives",
                    );
                }
                let codes = self.coupon_infos.get(id as usize).map(|info| info.clauses).unwrap_or(&[]);
                if codes.iter().any(|clause| matches!(clause.kind, ast::CouponClause::CodesShared(_))) {
                    return self.refuse_instrument(
                        place,
                        "coupon",
                        &written,
                        "its code is shared, so there is none to issue",
                    );
                }
                count.unwrap_or_else(|| one(place))
            }
            ir::InstrumentId::Certificate(_) => {
                if count.is_some() {
                    return self.refuse_instrument(place, "certificate", &written, "one is issued at a time");
                }
                match value {
                    Some(value) => {
                        self.refuse_negative(&value);
                        value
                    }
                    None => {
                        let example = format!("for 500 {}", self.currency_word());
                        let what = format!("`issue certificate {written}`");
                        self.report(errors::missing_clause(place, &what, "its value", &example));
                        return None;
                    }
                }
            }
            ir::InstrumentId::Badge(id) => {
                if count.is_some() || value.is_some() {
                    return self.refuse_instrument(
                        place,
                        "badge",
                        &written,
                        "a member has it or not: it has neither number nor value",
                    );
                }
                if expires.is_some() {
                    return self.refuse_instrument(place, "badge", &written, "it does not end");
                }
                // Who has it already is given none.
                let field = self.badge_fields.get(id as usize).copied()?;
                let has = Expr { kind: ExprKind::Field { field, of: None }, ty: Type::Bool, place };
                let constant =
                    |number| Expr { kind: ExprKind::Constant(Ratio::whole(number)), ty: Type::Number, place };
                let truth = Expr { kind: ExprKind::Bool(true), ty: Type::Bool, place };
                let rows = vec![
                    Row { patterns: vec![Pattern::Value(truth)], value: constant(0) },
                    Row { patterns: vec![Pattern::Any], value: constant(1) },
                ];
                Expr { kind: ExprKind::Match { subjects: vec![has], rows }, ty: Type::Number, place }
            }
        };
        let reason = issue.reason.as_ref().map(|reason| reason.value.clone());
        Some(Step::Issue { instrument, number, expires, to, reason, place })
    }

    fn refuse_instrument(&mut self, place: Place, what: &str, name: &str, why: &str) -> Option<Step> {
        self.report(errors::wrong_instrument(place, &format!("{what} `{name}`"), why));
        None
    }

    /// `set member.tier to base until 2026-12-31`
    pub(super) fn set(
        &mut self,
        scope: &mut Scope,
        (path, to, until): (&ast::Path, &ast::Expr, Option<&ast::Expr>),
        place: Place,
        _context: &Context,
    ) -> Option<Step> {
        let path_place = scope.place(path.span);
        let written = self.quote(path_place);
        let name = written.strip_prefix("member.").unwrap_or_default();
        let found = self.records.member.get(name).copied();
        let settable =
            found.filter(|field| self.field_of(*field).is_some_and(|field| field.builtin.is_none()));
        let Some(field) = settable else {
            let mut names: Vec<String> = self
                .records
                .member
                .iter()
                .filter(|(_, field)| self.field_of(**field).is_some_and(|field| field.builtin.is_none()))
                .map(|(name, _)| name.clone())
                .collect();
            names.sort();
            let near = self.nearest(name, names.iter().map(String::as_str));
            self.report(match written.as_str() {
                "price" | "line.price" | "unit.price" => errors::set_price(path_place, &written),
                _ => errors::unknown_field(path_place, "member", &written, &names, near.as_deref()),
            });
            return None;
        };
        if !scope.knows(super::names::Key::Member) {
            self.report(errors::member_unknown(path_place, &written));
            return None;
        }
        let (ty, governed) = {
            let declared = self.field_of(field)?;
            (
                declared.ty.present().clone(),
                self.out.instruments.tiers.iter().any(|tiers| tiers.field == field),
            )
        };
        if let Type::Set(_) | Type::Text = &ty {
            let found = self.describe(&ty);
            self.report(errors::cannot_set(path_place, &written, &found));
            return None;
        }
        if governed && !self.places_new_member(scope) {
            let tiers = self.out.instruments.tiers.iter().find(|tiers| tiers.field == field);
            let declared = tiers.map(|tiers| (tiers.name.clone(), tiers.place));
            let (tiers, tiers_place) = declared.unwrap_or_default();
            self.report(errors::two_governors(path_place, &written, &tiers, tiers_place));
            return None;
        }
        let until = match until {
            Some(until) => Some(self.moment(scope, until, true)?.0),
            None => None,
        };
        if let Type::Symbol(kind) = ty {
            let value = self.name_for(scope, to, kind)?;
            return Some(Step::Set { field, value, until, place });
        }
        let value = self.value_of(scope, to, &ty);
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        // A truth is a number to what keeps it.
        let value = match (&ty, constant(&value)) {
            (Type::Bool, Some(truth)) => Expr { kind: ExprKind::Ordinal(i64::from(truth.num != 0)), ..value },
            (Type::Bool, None) => {
                let quoted = self.quote(value.place);
                self.report(errors::constant_expected(value.place, &quoted));
                return None;
            }
            (_, _) => value,
        };
        Some(Step::Set { field, value: SetTo::Number(Box::new(value)), until, place })
    }

    /// A name that a field of the member is set to: written, or that of a field of the event.
    fn name_for(&mut self, scope: &mut Scope, to: &ast::Expr, kind: ir::KindId) -> Option<SetTo> {
        let wanted = self.describe(&Type::Symbol(kind));
        if let ast::ExprKind::Reference(word, names) = &to.kind
            && let [name] = names.as_slice()
            && self.kind_ids.get(&word.text) == Some(&kind)
        {
            return Some(SetTo::Name(ir::Reference { kind, names: vec![name.value.clone()] }));
        }
        let ast::ExprKind::Path(path) = &to.kind else {
            let place = scope.place(to.span);
            let quoted = self.quote(place);
            self.report(errors::mismatched_types(place, &quoted, &wanted, "something else", None));
            return None;
        };
        let value = self.path(scope, path, None, Access::Value);
        let value = self.present(value);
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        if let (ExprKind::Field { field, of: None }, Type::Symbol(of)) = (&value.kind, &value.ty)
            && *of == kind
        {
            return Some(SetTo::Field(*field));
        }
        let (quoted, found) = (self.quote(value.place), self.describe(&value.ty));
        self.report(errors::mismatched_types(value.place, &quoted, &wanted, &found, None));
        None
    }

    /// Whether a rule hears registrations only.
    fn places_new_member(&self, scope: &Scope) -> bool {
        match &scope.events {
            Events::Heard(events) => {
                let named = |event: &ir::EventId| {
                    self.out.events.get(event.index()).is_some_and(|event| event.name == "registration")
                };
                !events.is_empty() && events.iter().all(named)
            }
            Events::Inferred(_) => false,
        }
    }

    /// When badges are earned and when certificates end.
    pub(super) fn check_instruments(&mut self, items: &Items<'a>) {
        for (at, header, clauses) in &items.certificates {
            let Some(id) = self.certificate_ids.get(&header.name.text).copied() else { continue };
            let mut seen = false;
            for clause in *clauses {
                let ast::CertificateClause::Expires(end) = &clause.kind else { continue };
                let place = at.place(clause.span);
                if std::mem::replace(&mut seen, true) {
                    self.report(errors::repeated_clause(place, "expires", "a certificate"));
                    continue;
                }
                let expires = self.lifetime(*at, end, place);
                if let Some(certificate) = self.out.instruments.certificates.get_mut(id as usize) {
                    certificate.expires = expires;
                }
            }
        }
        for (at, header, clauses) in &items.badges {
            let Some(id) = self.badge_ids.get(&header.name.text).copied() else { continue };
            let mut scope = Scope::new(at.file, at.space, Events::Inferred(None));
            // A badge is for members, so nobody need ask.
            scope.learn([super::names::Key::Member]);
            let mut when = Vec::new();
            for clause in *clauses {
                let ast::BadgeClause::When(condition) = &clause.kind else { continue };
                let condition = self.condition(&mut scope, condition);
                let known = self.implied(&condition, true);
                scope.learn(known);
                when.push(condition);
            }
            if when.is_empty() {
                continue;
            }
            let events = self.inferred(&scope);
            if let Some(badge) = self.out.instruments.badges.get_mut(id as usize) {
                badge.when = Some((when, events));
            }
        }
    }

    /// The events that something can be evaluated for.
    pub(super) fn inferred(&self, scope: &Scope) -> Vec<ir::EventId> {
        match &scope.events {
            Events::Heard(events) => events.clone(),
            Events::Inferred(Some(events)) => events.iter().copied().collect(),
            Events::Inferred(None) => (0..self.out.events.len() as u32).map(ir::EventId).collect(),
        }
    }
}
