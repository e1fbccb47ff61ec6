//! What rules do: awards, discounts, prices, and the loops around them. It refuses to know when.

use super::expressions::Access;
use super::groups::GroupKind;
use super::names::{Binding, Scope};
use super::{At, Checker, errors};
use crate::ir;
use crate::typed::{
    Element, Expr, ExprKind, FieldId, LocalId, Ratio, RecordType, Source, SourceKind, Step, Type,
};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;
use std::collections::BTreeSet;

/// The rule that effects belong to.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// Its group among `Checker::group_infos`; none in a snippet.
    pub group: Option<usize>,
    pub kind: Option<GroupKind>,
    pub group_name: String,
    pub accounts: BTreeSet<ir::AccountId>,
    pub discounts: bool,
    /// It awards what is spent at once.
    pub spends_at_once: bool,
    /// It multiplies awards of another group.
    pub multiplies: bool,
    /// Its name, and the one under which it is counted.
    pub rule: String,
    pub lasting: String,
    /// What it says of how its awards may be spent.
    pub spendable: Option<super::spendable::Terms>,
}

impl Checker<'_> {
    /// Effects in order.
    pub(super) fn effects(
        &mut self,
        scope: &mut Scope,
        effects: &[ast::Effect],
        context: &mut Context,
        steps: &mut Vec<Step>,
    ) {
        for effect in effects {
            let place = scope.place(effect.span);
            match &effect.kind {
                ast::EffectKind::ForEach { name, source, body } => {
                    self.for_each(scope, name, source, body, context, steps);
                }
                ast::EffectKind::Award { amount, to, options } => {
                    context.spends_at_once |= options.spent_at_once.is_some();
                    steps.extend(self.award(scope, amount, to.as_ref(), options, place, context));
                }
                ast::EffectKind::Debit { amount, from, reason } => {
                    steps.extend(self.debit(scope, amount, from.as_ref(), reason.as_ref(), place));
                }
                ast::EffectKind::Discount { amount, target, spread, rounded, reason } => {
                    self.require_kind(GroupKind::Discount, "discount", place, context);
                    let rounding = rounded
                        .as_ref()
                        .and_then(|mode| self.rounding(scope.place(mode.span), &mode.text))
                        .unwrap_or(self.default_rounding());
                    steps.extend(self.discount(
                        scope,
                        (amount, target, spread.as_ref()),
                        rounding,
                        reason.as_ref(),
                        place,
                        context,
                    ));
                }
                ast::EffectKind::Price { amount, each, target, spread } => {
                    self.require_kind(GroupKind::Discount, "price", place, context);
                    steps.extend(self.price(scope, amount, *each, target, spread.as_ref(), place, context));
                }
                ast::EffectKind::Let(binding) => self.let_step(scope, binding, steps),
                ast::EffectKind::Issue(issue) => steps.extend(self.issue(scope, issue, place)),
                ast::EffectKind::Set { path, value, until } => {
                    steps.extend(self.set(scope, (path, value, until.as_ref()), place, context));
                }
                ast::EffectKind::Multiply { group, by } => {
                    steps.extend(self.multiply(scope, group, by, place, context));
                }
                ast::EffectKind::Gift(gift) => steps.extend(self.gift(scope, gift, place, context)),
                ast::EffectKind::Say(words) => {
                    let mut said = Vec::new();
                    self.says(scope.at(), words, &mut said);
                    steps.push(Step::Tell { telling: ir::Telling::Words(said), place });
                }
                ast::EffectKind::Show(offer) => steps.extend(self.show(scope, offer, place)),
            }
        }
    }

    fn require_kind(&mut self, kind: GroupKind, word: &str, place: Place, context: &mut Context) {
        if context.group.is_none() || context.kind.is_none() {
            return;
        }
        if context.kind != Some(kind) {
            let group_place = context
                .group
                .and_then(|group| self.group_infos.get(group))
                .map(|info| info.place)
                .unwrap_or_default();
            let wanted = match kind {
                GroupKind::Discount => "line_discount",
                GroupKind::Earn | GroupKind::State => "earn",
            };
            self.report(errors::wrong_effect(place, word, &context.group_name, group_place, wanted));
        }
    }

    fn for_each(
        &mut self,
        scope: &mut Scope,
        name: &ast::Name,
        source: &ast::Source,
        body: &[ast::Effect],
        context: &mut Context,
        steps: &mut Vec<Step>,
    ) {
        let place = scope.place(name.span);
        let found = self.source(scope, source);
        let names = scope.names_mark();
        let mark = scope.known_mark();
        let loops = scope.loops.len();
        if matches!(name.text.as_str(), "line" | "unit" | "payment") {
            if let Some((source, _)) = &found
                && self.element_word(source.of) != name.text
            {
                let collection = self.collection_word(source.of);
                self.report(errors::wrong_element(
                    place,
                    &format!("`{}`", name.text),
                    &collection,
                    &format!("{}s", name.text),
                ));
            }
        } else if found.as_ref().is_none_or(|(source, _)| self.element_word(source.of) != name.text) {
            self.refuse_taken(scope, name);
        }
        let source = match found {
            Some((source, known)) => {
                scope.learn(known);
                if let Some(local) = self.out.locals.get_mut(source.element.0 as usize) {
                    local.name = name.text.clone();
                }
                scope.bind(&name.text, Binding::Element(source.element, source.of), place);
                if matches!(source.of, Element::Line | Element::Unit) {
                    scope.loops.push((source.of, source.element));
                }
                Some(source)
            }
            None => {
                scope.bind(&name.text, Binding::Broken, place);
                None
            }
        };
        let mut inner = Vec::new();
        if scope.depth < 200 {
            scope.depth += 1;
            self.effects(scope, body, context, &mut inner);
            scope.depth -= 1;
        } else {
            self.report(errors::too_deep(place));
        }
        scope.unbind(names);
        scope.forget(mark);
        scope.loops.truncate(loops);
        if let Some(source) = source {
            steps.push(Step::ForEach { source, body: inner });
        }
    }

    /// Refuses a name that means something already.
    pub(super) fn refuse_taken(&mut self, scope: &Scope, name: &ast::Name) {
        let place = scope.place(name.span);
        if super::functions::is_fixed_name(&name.text) || self.event_ids.contains_key(&name.text) {
            self.report(errors::taken_name(place, &name.text));
        } else if let Some((_, earlier)) = scope.bound(&name.text) {
            let earlier = *earlier;
            self.report(errors::duplicate_name(place, "name", &name.text, earlier));
        } else if self.value_named(scope.space, &name.text).is_some()
            || self.spaces.get(scope.space).is_some_and(|space| space.aliases.contains_key(&name.text))
        {
            self.report(errors::taken_name(place, &name.text));
        }
    }

    /// `let name = value`
    pub(super) fn let_step(&mut self, scope: &mut Scope, binding: &ast::Let, steps: &mut Vec<Step>) {
        self.refuse_taken(scope, &binding.name);
        let place = scope.place(binding.name.span);
        let name = &binding.name.text;
        if self.is_collection(scope, &binding.value) {
            match self.collection_value(scope, &binding.value) {
                Some((source, known)) => {
                    if let Some(ty) = &binding.ty {
                        let at = At { file: scope.file, space: scope.space, origin: super::Origin::Program };
                        if let Some(ty) = self.type_named(at, ty)
                            && ty != Type::Collection(source.of)
                        {
                            let (wanted, found) =
                                (self.describe(&ty), self.describe(&Type::Collection(source.of)));
                            let quoted = self.quote(source.place);
                            self.report(errors::mismatched_types(
                                source.place,
                                &quoted,
                                &wanted,
                                &found,
                                None,
                            ));
                        }
                    }
                    let local = self.local(name, Type::Collection(source.of), place);
                    let known = known
                        .into_iter()
                        .filter(|key| key.of(source.element, LocalId(u32::MAX)) != *key)
                        .collect();
                    let element = source.element;
                    scope.bind(name, Binding::Collection { local, of: source.of, element, known }, place);
                    steps.push(Step::LetCollection(local, source));
                }
                None => scope.bind(name, Binding::Broken, place),
            }
            return;
        }
        let value = match &binding.ty {
            Some(ty) => {
                let at = At { file: scope.file, space: scope.space, origin: super::Origin::Program };
                match self.type_named(at, ty) {
                    Some(ty) => {
                        let value = self.value_as(scope, &binding.value, &ty);
                        Expr { ty, ..value }
                    }
                    None => self.expr(scope, &binding.value, None),
                }
            }
            None => self.expr(scope, &binding.value, None),
        };
        if value.ty.is_error() {
            scope.bind(name, Binding::Broken, place);
            return;
        }
        if value.ty == Type::Text {
            self.report(errors::text_as_value(value.place));
            scope.bind(name, Binding::Broken, place);
            return;
        }
        let local = self.local(name, value.ty.clone(), place);
        if self.is_whole_points(&value) {
            self.whole_locals.insert(local);
        }
        if let Some(bounds) = self.bounds(&value) {
            self.local_bounds.insert(local, bounds);
        }
        scope.bind(name, Binding::Value(local, value.ty.clone()), place);
        steps.push(Step::Let(local, value));
    }

    fn award(
        &mut self,
        scope: &mut Scope,
        amount: &ast::Expr,
        to: Option<&ast::Path>,
        options: &ast::AwardOptions,
        place: Place,
        context: &mut Context,
    ) -> Option<Step> {
        self.require_kind(GroupKind::Earn, "award", place, context);
        let (target, other) = match to {
            Some(path) => {
                let (account, other) = self.beneficiary(scope, path)?;
                (Some(account), other)
            }
            None => (None, None),
        };
        let (account, value, rounding) = self.points_of(scope, amount, target)?;
        let life = self.life(scope, options, account);
        let life = self.spent_so(scope, options, context, life);
        context.accounts.insert(account);
        Some(Step::Award {
            account,
            amount: value,
            rounding,
            life,
            to: other,
            element: scope.loops.last().copied(),
            reason: options.reason.as_ref().map(|reason| reason.value.clone()),
            place,
        })
    }

    fn debit(
        &mut self,
        scope: &mut Scope,
        amount: &ast::Expr,
        from: Option<&ast::Path>,
        reason: Option<&ast::Text>,
        place: Place,
    ) -> Option<Step> {
        let target = match from {
            Some(path) => Some(self.account_named(scope, path)?),
            None => None,
        };
        let (account, mut amount, rounding) = self.points_of(scope, amount, target)?;
        if rounding.is_some() {
            let (ty, place) = (amount.ty.clone(), amount.place);
            let kind = ExprKind::Convert { value: Box::new(amount), ratio: Ratio::whole(1), rounding };
            amount = Expr { kind, ty, place };
        }
        let (element, reason) = (scope.loops.last().copied(), reason.map(|reason| reason.value.clone()));
        Some(Step::Debit { account, amount, element, reason, place })
    }

    /// An amount of points (or of a money account), its account, and the rounding written after `as`.
    fn points_of(
        &mut self,
        scope: &mut Scope,
        amount: &ast::Expr,
        target: Option<ir::AccountId>,
    ) -> Option<(ir::AccountId, Expr, Option<ir::Rounding>)> {
        let want = target.map(|target| self.points_type(target));
        let value = self.value(scope, amount, want.as_ref());
        let account = match (&value.ty, target) {
            (Type::Error, _) => return None,
            (Type::Points(account), None) => *account,
            (Type::Points(account), Some(target)) if *account == target => target,
            (Type::Money, None) if self.money_account().is_some() => self.money_account()?,
            (Type::Money, Some(target)) if self.points_type(target) == Type::Money => target,
            (Type::Points(_), Some(target)) => {
                let (quoted, described) = (self.quote(value.place), self.describe(&value.ty));
                let name = self.out.accounts.get(target.index()).map(|a| a.name.clone()).unwrap_or_default();
                let unit = self.account_unit(target).to_string();
                self.report(errors::wrong_account(value.place, &quoted, &described, &name, &unit));
                return None;
            }
            (Type::Number, _) => {
                let quoted = self.quote(value.place);
                let account = target.or((!self.out.accounts.is_empty()).then_some(ir::AccountId(0)));
                let ty = account.map_or(Type::Error, |account| self.points_type(account));
                let suffix = self.suffix(&ty).unwrap_or_else(|| " points".into());
                let described = self.describe(&ty);
                if matches!(value.kind, ExprKind::Constant(_)) {
                    self.report(errors::missing_unit(value.place, &quoted, &described, &suffix, None));
                } else {
                    let found = self.describe(&Type::Number);
                    self.report(errors::mismatched_types(value.place, &quoted, &described, &found, None));
                }
                return None;
            }
            (other, target) => {
                let quoted = self.quote(value.place);
                let found = self.describe(other);
                let account = target.or_else(|| {
                    self.out
                        .accounts
                        .iter()
                        .position(|a| a.worth.is_some())
                        .map(|position| ir::AccountId(position as u32))
                });
                let ty = account.map_or(Type::Error, |account| self.points_type(account));
                let suffix = self.suffix(&ty).filter(|_| *other == Type::Money);
                let conversion = suffix.map(|suffix| format!("{quoted} as{suffix}"));
                self.report(errors::mismatched_types(
                    value.place,
                    &quoted,
                    "points of an account",
                    &found,
                    conversion,
                ));
                return None;
            }
        };
        let mut value = value;
        let mut rounding = None;
        if matches!(amount.kind, ast::ExprKind::As(..))
            && let ExprKind::Convert { rounding: own, .. } = &mut value.kind
        {
            rounding = own.take();
        }
        let rounds = self.account_infos.get(account.index()).is_some_and(|info| info.rounds);
        if !rounds
            && rounding.is_none()
            && !matches!(value.kind, ExprKind::Error)
            && !self.is_whole_points(&value)
        {
            let (name, unit) = self
                .out
                .accounts
                .get(account.index())
                .map(|account| (account.name.clone(), account.unit.clone()))
                .unwrap_or_default();
            let declared = self.account_infos.get(account.index()).map(|info| info.place);
            self.report(errors::missing_rounding(value.place, &name, &unit, declared));
        }
        Some((account, value, rounding))
    }

    /// `bonus`, or another member's account: `member.invited_by.bonus`, with the field that names that member.
    fn beneficiary(
        &mut self,
        scope: &mut Scope,
        path: &ast::Path,
    ) -> Option<(ir::AccountId, Option<FieldId>)> {
        let Some((account, owner)) = path.parts.split_last().filter(|(_, owner)| !owner.is_empty()) else {
            return self.account_named(scope, path).map(|account| (account, None));
        };
        let place = scope.place(path.span);
        let Some(id) = self.account_ids.get(&account.text).copied() else {
            return self.account_named(scope, path).map(|account| (account, None));
        };
        if let [own] = owner
            && own.text == "member"
        {
            let quoted = self.quote(place);
            self.report(errors::own_account(place, &quoted, &account.text));
            return None;
        }
        let span = owner.iter().fold(owner.first()?.span, |span, part| span.to(part.span));
        let owner = ast::Path { parts: owner.to_vec(), span };
        self.other_member(scope, &owner).map(|field| (id, Some(field)))
    }

    /// `member.invited_by`: the field that names another member.
    pub(super) fn other_member(&mut self, scope: &mut Scope, path: &ast::Path) -> Option<FieldId> {
        let value = self.path(scope, path, None, Access::Value);
        let value = self.present(value);
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        let member = self.kind_ids.get("member_id").copied().map(Type::Symbol);
        if let ExprKind::Field { field, of: None } = value.kind
            && Some(&value.ty) == member.as_ref()
        {
            return Some(field);
        }
        let (quoted, described) = (self.quote(value.place), self.describe(&value.ty));
        self.report(errors::not_a_member(value.place, &quoted, &described));
        None
    }

    /// `multiply awards of group base_earn by 10`
    fn multiply(
        &mut self,
        scope: &mut Scope,
        group: &ast::Path,
        by: &ast::Expr,
        place: Place,
        context: &mut Context,
    ) -> Option<Step> {
        self.require_kind(GroupKind::Earn, "multiply", place, context);
        context.multiplies = true;
        let at = At { file: scope.file, space: scope.space, origin: super::Origin::Program };
        let found = self.group_named(at, group);
        let by = self.value_of(scope, by, &Type::Number);
        if let Some((low, _)) = self.bounds(&by)
            && low.compare(Ratio::whole(1)).is_some_and(std::cmp::Ordering::is_lt)
        {
            let quoted = self.quote(by.place);
            self.report(errors::multiplier_below_one(by.place, &quoted));
        }
        if !scope.loops.is_empty() {
            self.report(errors::multiply_in_loop(place));
        }
        let of = self.group_infos.get(found?)?;
        let (of_id, of_name, of_place, earns) =
            (of.id, of.name.clone(), of.place, of.kind == Some(GroupKind::Earn));
        let own = context.group.and_then(|group| self.group_infos.get(group))?;
        let same_phase = |id: ir::GroupId| self.out.groups.get(id.index()).map(|group| group.phase);
        if own.kind != Some(GroupKind::Earn) {
            return None;
        }
        if !earns || same_phase(of_id) != same_phase(own.id) || of_id >= own.id {
            let group_place = scope.place(group.span);
            let own_name = own.name.clone();
            self.report(errors::stage_order(group_place, &of_name, of_place, &own_name, earns));
            return None;
        }
        Some(Step::Multiply { group: of_id, by, place })
    }

    pub(super) fn account_named(&mut self, scope: &Scope, path: &ast::Path) -> Option<ir::AccountId> {
        let place = scope.place(path.span);
        let written = self.quote(place);
        if let [name] = path.parts.as_slice()
            && let Some(account) = self.account_ids.get(&name.text)
        {
            return Some(*account);
        }
        let near = self.nearest(&written, self.account_ids.keys().map(String::as_str));
        let accounts: Vec<String> = self.out.accounts.iter().map(|account| account.name.clone()).collect();
        self.report(errors::not_an_account(place, &written, &accounts, near.as_deref()));
        None
    }

    /// The lines or units that an effect falls on.
    fn target(&mut self, scope: &mut Scope, target: &ast::Target) -> Option<Source> {
        match target {
            ast::Target::Basket(span) => {
                let place = scope.place(*span);
                self.require_lines(scope, place, "basket");
                let element = self.local("line", Type::Record(RecordType::Line), place);
                Some(Source { kind: SourceKind::All, of: Element::Line, element, place })
            }
            ast::Target::Source(source) => {
                let (source, _) = self.source(scope, source)?;
                if matches!(source.of, Element::Payment | Element::Row(_)) {
                    let found = self.collection_word(source.of);
                    self.report(errors::wrong_element(source.place, "a discount", &found, "lines or units"));
                    return None;
                }
                Some(source)
            }
        }
    }

    fn discount(
        &mut self,
        scope: &mut Scope,
        (amount, target, spread): (&ast::Expr, &ast::Target, Option<&ast::Spread>),
        rounding: ir::Rounding,
        reason: Option<&ast::Text>,
        place: Place,
        context: &mut Context,
    ) -> Option<Step> {
        let basket = matches!(target, ast::Target::Basket(_));
        let target = self.target(scope, target);
        let amount = self.value(scope, amount, None);
        let fall = spread.map(|spread| self.spread(scope, spread));
        context.discounts = true;
        let meaning = match &amount.ty {
            Type::Error => return None,
            Type::Percent => {
                self.require_price(place, context);
                self.refuse_percent(&amount);
                ir::DiscountAmount::Share
            }
            Type::Money => {
                self.refuse_negative(&amount);
                ir::DiscountAmount::Off
            }
            other => {
                let (quoted, found) = (self.quote(amount.place), self.describe(other));
                let number = matches!((&amount.kind, other), (ExprKind::Constant(_), Type::Number));
                self.report(errors::discount_amount(
                    amount.place,
                    &quoted,
                    &found,
                    number,
                    self.currency_word(),
                ));
                return None;
            }
        };
        let target = target?;
        let fall = match fall {
            Some(fall) => ir::Fall::Spread(fall?),
            None if basket => {
                if meaning == ir::DiscountAmount::Off && self.spread.is_none() {
                    self.report(errors::missing_spread(place, &self.quote(place)));
                }
                ir::Fall::Spread(self.default_spread())
            }
            None => ir::Fall::Each(pick_element(target.of)),
        };
        let reason = reason.map(|reason| reason.value.clone());
        Some(Step::Discount { meaning, amount, target, fall, rounding, reason, place })
    }

    #[allow(clippy::too_many_arguments)]
    fn price(
        &mut self,
        scope: &mut Scope,
        amount: &ast::Expr,
        each: bool,
        target: &ast::Target,
        spread: Option<&ast::Spread>,
        place: Place,
        context: &mut Context,
    ) -> Option<Step> {
        let basket = matches!(target, ast::Target::Basket(_));
        let target = self.target(scope, target);
        let amount = self.value_of(scope, amount, &Type::Money);
        let fall = spread.map(|spread| self.spread(scope, spread));
        context.discounts = true;
        self.require_price(place, context);
        self.refuse_negative(&amount);
        let target = target?;
        let fall = if each {
            if basket || target.of == Element::Line {
                self.report(errors::price_each_line(place, &self.quote(target.place)));
            }
            if let Some(spread) = spread {
                self.report(errors::needless_spread(scope.place(spread.span)));
            }
            ir::Fall::Each(pick_element(target.of))
        } else {
            match fall {
                Some(fall) => ir::Fall::Spread(fall?),
                None => {
                    if self.spread.is_none() {
                        self.report(errors::missing_spread(place, &self.quote(place)));
                    }
                    ir::Fall::Spread(self.default_spread())
                }
            }
        };
        Some(Step::Discount {
            meaning: ir::DiscountAmount::Price,
            amount,
            target,
            fall,
            rounding: self.default_rounding(),
            reason: None,
            place,
        })
    }

    fn default_spread(&self) -> ir::Spread {
        let (rounding, rest) = self.spread.unwrap_or((ir::Rounding::Down, ir::Rest::LargestRemainder));
        ir::Spread { by: ir::Weight::Paid, rounding, rest }
    }

    fn spread(&mut self, scope: &Scope, spread: &ast::Spread) -> Option<ir::Spread> {
        let by = match spread.by.text.as_str() {
            "paid" => ir::Weight::Paid,
            "initial" => ir::Weight::Initial,
            "pieces" => ir::Weight::Pieces,
            "equally" => ir::Weight::Equally,
            "price" => {
                self.report(errors::other_word(scope.place(spread.by.span), "price", "initial"));
                return None;
            }
            _ => {
                let words = &["paid", "initial", "pieces", "equally"];
                self.report(errors::unknown_word(
                    scope.place(spread.by.span),
                    "spread",
                    &spread.by.text,
                    words,
                ));
                return None;
            }
        };
        let (rounding, rest) = self.spread_rule(scope.file, &spread.rule, self.spread);
        Some(ir::Spread { by, rounding, rest })
    }

    /// A share or a price must say of which price.
    fn require_price(&mut self, place: Place, context: &Context) {
        let Some(info) = context.group.and_then(|group| self.group_infos.get_mut(group)) else { return };
        if info.on_price.is_some() || info.asked_price || info.kind != Some(GroupKind::Discount) {
            return;
        }
        info.asked_price = true;
        let (group_place, name) = (info.place, info.name.clone());
        let written = self.quote(place);
        self.report(errors::missing_on_price(group_place, &name, place, &written));
    }

    fn refuse_percent(&mut self, amount: &Expr) {
        let Some((low, high)) = self.bounds(amount) else { return };
        let one = Ratio::whole(1);
        let zero = Ratio::whole(0);
        let above = high.compare(one).is_some_and(std::cmp::Ordering::is_gt);
        let below = low.compare(zero).is_some_and(std::cmp::Ordering::is_lt);
        if above || below {
            let quoted = self.quote(amount.place);
            let text = self.written(if above { high } else { low }, &Type::Percent);
            self.report(errors::percent_out_of_range(amount.place, &quoted, &text));
        }
    }

    pub(super) fn refuse_negative(&mut self, amount: &Expr) {
        let below = self.bounds(amount).and_then(|(low, _)| low.compare(Ratio::whole(0)));
        if below.is_some_and(std::cmp::Ordering::is_lt) {
            let quoted = self.quote(amount.place);
            self.report(errors::negative_discount(amount.place, &quoted));
        }
    }
}

fn pick_element(element: Element) -> ir::Element {
    match element {
        Element::Unit => ir::Element::Unit,
        Element::Line | Element::Payment | Element::Row(_) => ir::Element::Line,
    }
}
