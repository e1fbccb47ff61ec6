//! Rules: which events they hear, when they hold, and in what order their clauses are read. It refuses to know what
//! effects mean.

use super::effects::Context;
use super::groups::{GroupInfo, GroupKind};
use super::limits::{Owner, is_limit};
use super::names::{Events, Scope};
use super::program::{is_zone, small_number};
use super::templates::{Inside, Taken, TemplateInfo};
use super::{At, Checker, Items, Origin, dates, errors};
use crate::calendar;
use crate::ir;
use crate::typed::{Bundle, Clock, ClockZone, Expr, ExprKind, FieldId, Limit, Ratio, Rule, Step, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::{Place, Span};
use std::collections::BTreeSet;
use std::rc::Rc;

/// A rule as written.
#[derive(Debug)]
pub(super) struct RuleInfo<'a> {
    pub at: At,
    pub rule: &'a ast::Rule,
    /// Its group among `Checker::group_infos`.
    pub group: Option<usize>,
    /// The coupon whose rule it is, of `Checker::coupon_infos`.
    pub coupon: Option<usize>,
    /// A group was named and is unknown, or the rule is a snippet's: not to be complained about again.
    pub excused: bool,
    /// `priority` is written.
    pub place: Place,
}

/// What the clauses of a rule come to, before its effects and limits are looked at.
#[derive(Default)]
struct Clauses<'a> {
    /// Conditions and names, in order.
    steps: Vec<Step>,
    /// The first days on which it is valid.
    valid: Vec<(i64, Place)>,
    priority: i64,
    bundle: Option<Bundle>,
    /// The rule's own limits and budgets.
    limits: Vec<&'a ast::Clause>,
    /// The rule's own effects.
    then: Option<&'a [ast::Effect]>,
}

/// Bytes of clauses that groups and templates may share with rules, counted once for each rule.
const MAX_SHARED: usize = 8 << 20;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl<'a> Checker<'a> {
    /// Names and groups of all rules, in the order of the text.
    pub(super) fn declare_rules(&mut self, items: &Items<'a>) {
        let mut outside = items.rules.iter().peekable();
        for (position, (at, header, clauses, _)) in items.groups.iter().enumerate() {
            while let Some((at, rule, _)) = outside.next_if(|(_, _, before)| *before <= position) {
                self.declare_rule(*at, rule, None);
            }
            let group = self.group_ids.get(&header.name.text).copied();
            for clause in *clauses {
                if let ast::GroupClause::Rule(rule) = clause {
                    self.declare_rule(*at, rule, group);
                }
            }
        }
        for (at, rule, _) in outside {
            self.declare_rule(*at, rule, None);
        }
    }

    fn declare_rule(&mut self, at: At, rule: &'a ast::Rule, braces: Option<usize>) {
        let place = at.place(rule.header.name.span);
        let first = self.rule_ids.get(&rule.header.name.text).copied();
        if first.is_none() && !self.declare("rule", &rule.header.name.text, place) {
            return;
        }
        let mut excused = at.origin == Origin::Snippet;
        let named = rule.group.as_ref().map(|path| (self.group_named(at, path), at.place(path.span)));
        let group = match (braces, named) {
            (Some(braces), None) => Some(braces),
            (Some(braces), Some((_, named_place))) => {
                self.report(errors::group_twice(named_place, &rule.header.name.text));
                Some(braces)
            }
            (None, Some((named, _))) => {
                excused |= named.is_none();
                named
            }
            (None, None) => None,
        };
        if group.is_none() && !excused {
            let groups: Vec<String> = self.group_infos.iter().map(|info| info.name.clone()).collect();
            self.report(errors::rule_without_group(place, &rule.header.name.text, &groups));
        }
        if first.is_some() && !self.is_version(rule, group, place) {
            return;
        }
        let id = ir::RuleId(self.rule_infos.len() as u32);
        self.rule_ids.entry(rule.header.name.text.clone()).or_insert(id);
        self.rule_infos.push(RuleInfo { at, rule, group, coupon: None, excused, place });
    }

    /// Whether a rule is another version of those of its name: valid when they are not. Otherwise says why not.
    fn is_version(&mut self, rule: &ast::Rule, group: Option<usize>, place: Place) -> bool {
        let name = &rule.header.name.text;
        let periods = periods(rule);
        let others = self.rule_infos.iter().filter(|info| info.rule.header.name.text == *name);
        let mut complaint = None;
        for other in others {
            let theirs = self::periods(other.rule);
            let (Some(ours), Some(theirs)) = (&periods, theirs) else {
                let help = "give this one another name; or, where the rule changes on a date, say in each of the two \
                            when it is `valid`";
                complaint = Some(errors::duplicate_rule(place, name, other.place, help));
                break;
            };
            if other.group != group {
                let help = "give this one another name; the versions of a rule stand in one group";
                complaint = Some(errors::duplicate_rule(place, name, other.place, help));
                break;
            }
            let common = ours.iter().flat_map(|ours| {
                theirs.iter().map(move |theirs| (ours.0.max(theirs.0), ours.1.min(theirs.1)))
            });
            if let Some((from, _)) = common.filter(|(from, to)| from <= to).min() {
                let day = dates::date_text(from.div_euclid(calendar::DAY));
                complaint = Some(errors::overlapping_versions(place, name, &day, other.place));
                break;
            }
        }
        let fits = complaint.is_none();
        self.found.extend(complaint.filter(|_| self.muted == 0));
        fits
    }

    /// The kinds of events after `on`.
    pub(super) fn heard(&mut self, at: At, on: &[(ast::Path, Option<ast::Text>)]) -> Vec<ir::EventId> {
        let mut events = Vec::new();
        for (path, _) in on {
            let place = at.place(path.span);
            let written = path.dotted();
            match self.event_ids.get(&written).copied() {
                Some(event) => events.push(event),
                None => {
                    let known: Vec<String> = self.out.events.iter().map(|event| event.name.clone()).collect();
                    let near = self.nearest(&written, known.iter().map(String::as_str));
                    self.report(errors::unknown_event(place, &written, &known, near.as_deref()));
                }
            }
        }
        events.sort();
        events.dedup();
        events
    }

    /// `on survey "NPS-2026"`: the event's field `name` is one of the names.
    fn named(&mut self, scope: &Scope, on: &[(ast::Path, Option<ast::Text>)]) -> Option<Expr> {
        let ((first, _), (last, _)) = (on.first()?, on.last()?);
        let place = scope.place(first.span.to(last.span));
        let mut kinds: Vec<(String, BTreeSet<String>)> = Vec::new();
        let mut unnamed = None;
        for (path, name) in on {
            let word = self.quote(scope.place(path.span));
            let Some(name) = name else {
                unnamed = unnamed.or(Some(path));
                continue;
            };
            match kinds.iter_mut().find(|(of, _)| *of == word) {
                Some((_, names)) => {
                    names.insert(name.value.clone());
                }
                None => kinds.push((word, BTreeSet::from([name.value.clone()]))),
            }
        }
        if kinds.is_empty() {
            return None;
        }
        // One without a name is all of its kind, which no name can tell.
        if let Some(other) = unnamed {
            let other_place = scope.place(other.span);
            let other = self.quote(other_place);
            self.report(errors::event_beside_named(other_place, &other));
            return None;
        }
        let mut fields: Vec<FieldId> = Vec::new();
        let mut conditions = Vec::new();
        for (word, names) in kinds {
            let event = self.event_ids.get(&word).copied()?;
            let field = self.event_infos.get(event.index()).and_then(|info| info.fields.get("name")).copied();
            let ty = field.and_then(|field| self.field_of(field)).map(|field| field.ty.clone());
            let (Some(field), Some(Type::Symbol(kind))) = (field, ty.as_ref().map(Type::present)) else {
                self.report(errors::event_without_name(place, &word));
                return None;
            };
            // Two kinds whose names are one field cannot be told apart by it.
            if fields.contains(&field) {
                self.report(errors::event_beside_named(place, &word));
                return None;
            }
            fields.push(field);
            let reference = ir::Reference { kind: *kind, names: names.into_iter().collect() };
            let value = Box::new(self.builtin_field(field, place));
            let kind = ExprKind::InReference(value, reference);
            conditions.push(Expr { kind, ty: Type::Bool, place });
        }
        any_of(conditions, place)
    }

    /// All rules.
    pub(super) fn check_rules(&mut self) {
        if let Some(place) = self.shares_too_much() {
            self.report(errors::shared_too_often(place));
            return;
        }
        for index in 0..self.rule_infos.len() {
            if self.is_beside(index) {
                self.pass_over(index);
            } else {
                self.check_rule(index);
            }
        }
        self.check_unused_templates();
        self.check_lonely_groups();
        self.check_worths();
    }

    /// Whether nothing that a rule says can be wrong in the file that is asked for, or be asked for in it.
    fn is_beside(&self, index: usize) -> bool {
        let (Some(file), Some(info)) = (self.focus, self.rule_infos.get(index)) else { return false };
        let group = info.group.and_then(|group| self.group_infos.get(group));
        let template = info.rule.template.as_ref().and_then(|path| path.parts.last());
        let template = template.and_then(|name| self.template_ids.get(&name.text));
        let template = template.and_then(|index| self.template_infos.get(*index));
        info.at.file != file
            && group.is_none_or(|group| group.at.file != file)
            && template.is_none_or(|template| template.at.file != file && !gives(&template.template.clauses))
            && !gives(&info.rule.clauses)
    }

    /// A rule of which only the name is asked.
    fn pass_over(&mut self, index: usize) {
        let Some(info) = self.rule_infos.get(index) else { return };
        let (at, rule, group, place) = (info.at, info.rule, info.group, info.place);
        self.lasting("rule", at, &rule.header);
        let group = group.and_then(|group| self.group_infos.get(group));
        self.out.rules.push(Rule {
            name: rule.header.name.text.clone(),
            title: None,
            docs: Vec::new(),
            group: group.map_or(ir::GroupId(0), |group| group.id),
            priority: 0,
            events: Vec::new(),
            steps: Vec::new(),
            limits: Vec::new(),
            governance: ir::Governance::default(),
            place,
        });
    }

    /// Where rules have more from their groups and templates than is compiled: those clauses are written out in each
    /// rule, so that a text of some kilobytes may come to gigabytes.
    fn shares_too_much(&self) -> Option<Place> {
        let length = |clause: &ast::Clause| clause.span.end.saturating_sub(clause.span.start) as usize;
        let shared = |info: &GroupInfo<'_>| info.shared.iter().map(|clause| length(clause)).sum::<usize>();
        let shared: Vec<usize> = self.group_infos.iter().map(shared).collect();
        let taken = |info: &TemplateInfo<'_>| info.template.clauses.iter().map(length).sum::<usize>();
        let taken: Vec<usize> = self.template_infos.iter().map(taken).collect();
        let mut written = 0_usize;
        let mut too_much = self.rule_infos.iter().filter(|info| {
            let group = info.group.and_then(|group| shared.get(group));
            let path = info.rule.template.as_ref().and_then(|path| path.parts.last());
            let template = path.and_then(|name| self.template_ids.get(&name.text));
            let template = template.and_then(|index| taken.get(*index));
            written = written.saturating_add(group.copied().unwrap_or(0));
            written = written.saturating_add(template.copied().unwrap_or(0));
            written > MAX_SHARED
        });
        too_much.next().map(|info| info.place)
    }

    /// What a group shares is checked with each of its rules; where it has none, by itself.
    fn check_lonely_groups(&mut self) {
        for index in 0..self.group_infos.len() {
            if self.rule_infos.iter().any(|info| info.group == Some(index)) {
                continue;
            }
            let Some(info) = self.group_infos.get(index) else { continue };
            let (at, shared, events) =
                (info.at, Rc::clone(&info.shared), info.events.clone().unwrap_or_default());
            let mut scope = Scope::new(at.file, at.space, Events::Heard(events));
            for clause in shared.iter() {
                self.clause(&mut scope, clause, &mut Vec::new(), &mut Vec::new());
            }
        }
    }

    /// Says so where `valid` stands behind an effect on its line, as if it belonged to what is given.
    fn warn_of_valid_behind(&mut self, at: At, clauses: &[ast::Clause]) {
        for pair in clauses.windows(2) {
            let [before, clause] = pair else { continue };
            let (ast::ClauseKind::Then(effects), ast::ClauseKind::Valid(_)) = (&before.kind, &clause.kind)
            else {
                continue;
            };
            let text = self.texts.get(&at.file).map_or("", |text| {
                text.get(before.span.start as usize..clause.span.start as usize).unwrap_or("")
            });
            let effect = effects.last().map_or(before.span.start, |effect| effect.span.start);
            let behind = text.get(effect.saturating_sub(before.span.start) as usize..).unwrap_or("");
            if behind.contains('\n') || behind.trim_end().ends_with('}') {
                continue;
            }
            let issues = matches!(effects.last().map(|e| &e.kind), Some(ast::EffectKind::Issue { .. }));
            self.report(errors::valid_after_effect(at.place(clause.span), issues));
        }
    }

    fn check_rule(&mut self, index: usize) {
        let Some(info) = self.rule_infos.get(index) else { return };
        let (at, rule, group, excused, place) = (info.at, info.rule, info.group, info.excused, info.place);
        let coupon = info.coupon;
        self.warn_of_valid_behind(at, &rule.clauses);
        let taken = self.taken(at, rule);
        let events = self.rule_events(at, (rule, taken.as_ref()), group, excused, place);
        let mut scope = Scope::new(at.file, at.space, Events::Heard(events.clone()));
        let presented = coupon.and_then(|coupon| self.presented(coupon));
        let mut read = Clauses { steps: presented.into_iter().collect(), ..Clauses::default() };
        let group_info = group.and_then(|group| self.group_infos.get(group));
        let (group_id, kind, group_name, group_at, shared) = match group_info {
            Some(info) => (info.id, info.kind, info.name.clone(), info.at, Rc::clone(&info.shared)),
            None => (ir::GroupId(0), None, String::new(), at, Rc::default()),
        };
        self.params_read.clear();
        (scope.file, scope.space) = (group_at.file, group_at.space);
        for clause in shared.iter() {
            self.clause(&mut scope, clause, &mut read.steps, &mut read.valid);
        }
        (scope.file, scope.space) = (at.file, at.space);
        let mut inside =
            taken.as_ref().map(|taken| self.enter(&mut scope, taken, rule, place, &mut read.steps));
        let mut taken_limits = Vec::new();
        if let (Some(inside), Some(taken)) = (&mut inside, &taken) {
            self.inside(&mut scope, inside, |checker, scope| {
                taken_limits = checker.taken_clauses(scope, taken, group, &mut read);
            });
        }
        self.own_clauses(&mut scope, (at, rule), group, &mut read);
        let mut context = Context {
            group,
            kind,
            group_name,
            accounts: Default::default(),
            discounts: false,
            spends_at_once: false,
            multiplies: false,
            rule: rule.header.name.text.clone(),
            lasting: rule.header.was.as_ref().unwrap_or(&rule.header.name).text.clone(),
            spendable: None,
        };
        // The rule's own first.
        let own = rule.clauses.iter().map(|clause| (at, clause));
        let of_template =
            taken.iter().flat_map(|taken| taken.clauses.iter().map(|clause| (taken.at, *clause)));
        let all: Vec<(At, &ast::Clause)> = own.chain(of_template).collect();
        for (at, clause) in &all {
            if let ast::ClauseKind::Spendable(terms) = &clause.kind
                && context.spendable.is_none()
            {
                context.spendable = Some(self.spendable(*at, terms, at.place(clause.span), &context.lasting));
            }
        }
        let given = self.what_it_gives(&mut scope, (rule, place), read.then, inside.as_mut(), &mut context);
        self.spends_something(&context, &given);
        match read.bundle {
            Some(bundle) => self.of_sets(bundle, given, &mut read.steps),
            None => read.steps.extend(given),
        }
        for (at, clause) in &all {
            if let ast::ClauseKind::Process { when: ast::Processing::InBatch, .. } = clause.kind
                && (context.discounts || context.spends_at_once)
            {
                let name = &rule.header.name.text;
                self.report(errors::batch_only(at.place(clause.span), place, name, context.discounts));
            }
        }
        let own: Vec<&ast::Clause> = rule.clauses.iter().collect();
        let mut governance = self.governance(at, &own, "a rule");
        let lasting = self.lasting("rule", at, &rule.header);
        let mut limits = coupon.map_or_else(Vec::new, |coupon| self.coupon(coupon));
        let whose = (place, rule.header.name.text.as_str());
        if let (Some(inside), Some(taken)) = (&mut inside, &taken) {
            governance.inherit(self.governance(taken.at, &taken.clauses, "a template"));
            self.inside(&mut scope, inside, |checker, scope| {
                checker.rule_limits(scope, &taken_limits, &lasting, &context, &mut limits);
                checker.limits_know_their_member(scope, &taken_limits, Some(whose));
            });
        }
        self.rule_limits(&mut scope, &read.limits, &lasting, &context, &mut limits);
        if self.reactions.contains_key(&place) {
            let accounts: Vec<Type> =
                context.accounts.iter().map(|account| self.points_type(*account)).collect();
            limits.extend(self.budgets_of_reaction(place, &accounts));
        }
        limits.sort_by_key(super::limits::rank);
        self.limits_know_their_member(&scope, &read.limits, None);
        let shared: Vec<&ast::Clause> = shared.iter().copied().filter(|clause| is_limit(clause)).collect();
        (scope.file, scope.space) = (group_at.file, group_at.space);
        self.limits_know_their_member(&scope, &shared, Some(whose));
        let mut steps = read.steps;
        steps.splice(0..0, self.check_histories(place, &read.valid).into_iter().map(Step::When));
        if let Some(info) = group.and_then(|group| self.group_infos.get_mut(group)) {
            info.accounts.extend(context.accounts.iter().copied());
        }
        self.out.rules.push(Rule {
            name: rule.header.name.text.clone(),
            title: rule.header.title.as_ref().map(|title| title.value.clone()),
            docs: rule.docs.iter().map(|line| line.value.clone()).collect(),
            group: group_id,
            priority: read.priority,
            events,
            steps,
            limits,
            governance,
            place,
        });
    }

    /// Reads what a rule takes of its template, among the names there; gives its limits and budgets, which are for later.
    fn taken_clauses(
        &mut self,
        scope: &mut Scope,
        taken: &Taken<'a>,
        group: Option<usize>,
        read: &mut Clauses<'a>,
    ) -> Vec<&'a ast::Clause> {
        let mut limits = Vec::new();
        for clause in &taken.clauses {
            if let ast::ClauseKind::Priority(number) = &clause.kind {
                read.priority = self.priority(taken.at, number);
            } else if let ast::ClauseKind::Take(set) = &clause.kind {
                let place = taken.at.place(clause.span);
                read.bundle = self.take(scope, set, place);
                self.check_competition(group, place);
            } else if is_limit(clause) {
                limits.push(*clause);
            } else {
                self.clause(scope, clause, &mut read.steps, &mut read.valid);
            }
        }
        limits
    }

    /// Reads what a rule says itself. Effects and limits are for later: all conditions hold before anything is given, wherever
    /// they stand.
    fn own_clauses(
        &mut self,
        scope: &mut Scope,
        (at, rule): (At, &'a ast::Rule),
        group: Option<usize>,
        read: &mut Clauses<'a>,
    ) {
        let mut seen: Vec<&'static str> = Vec::new();
        for clause in &rule.clauses {
            let place = at.place(clause.span);
            if let Some(word) = once(&clause.kind) {
                if seen.contains(&word) {
                    self.report(errors::repeated_clause(place, word, "a rule"));
                    continue;
                }
                seen.push(word);
            }
            match &clause.kind {
                ast::ClauseKind::Priority(number) => read.priority = self.priority(at, number),
                ast::ClauseKind::Then(effects) => read.then = Some(effects),
                ast::ClauseKind::Take(set) => {
                    read.bundle = self.take(scope, set, place);
                    self.check_competition(group, place);
                }
                ast::ClauseKind::Limit { .. } | ast::ClauseKind::Budget { .. } => read.limits.push(clause),
                ast::ClauseKind::With(name, _) => {
                    if rule.template.is_none() {
                        let rule = &rule.header.name.text;
                        self.report(errors::argument_without_template(place, rule, &name.text));
                    }
                }
                ast::ClauseKind::Title(_)
                | ast::ClauseKind::Valid(_)
                | ast::ClauseKind::Schedule(_)
                | ast::ClauseKind::On(_)
                | ast::ClauseKind::When(_)
                | ast::ClauseKind::Unless(_)
                | ast::ClauseKind::Let(_)
                | ast::ClauseKind::Process { .. }
                | ast::ClauseKind::Spendable(_)
                | ast::ClauseKind::EffectiveFrom(_)
                | ast::ClauseKind::NotEffective
                | ast::ClauseKind::About(_) => self.clause(scope, clause, &mut read.steps, &mut read.valid),
            }
        }
    }

    /// What a rule gives: its own effects, or else those of its template.
    fn what_it_gives(
        &mut self,
        scope: &mut Scope,
        (rule, place): (&ast::Rule, Place),
        then: Option<&[ast::Effect]>,
        inside: Option<&mut Inside<'_, 'a>>,
        context: &mut Context,
    ) -> Vec<Step> {
        let mut given = Vec::new();
        if let Some(effects) = then {
            self.effects(scope, effects, context, &mut given);
            return given;
        }
        // Of a template that is not known it cannot be said what it gives.
        let is_known = rule.template.is_none() || inside.is_some();
        match inside.and_then(|inside| Some((inside.taken.then?, inside))) {
            Some((effects, inside)) => self.inside(scope, inside, |checker, scope| {
                checker.effects(scope, effects, context, &mut given);
            }),
            None if is_known => {
                let name = format!("rule `{}`", rule.header.name.text);
                let example = match context.kind {
                    Some(GroupKind::Discount) => "then discount 5% on lines",
                    Some(GroupKind::Earn) | Some(GroupKind::State) | None => "then award 10 points",
                };
                self.report(errors::missing_clause(place, &name, "`then`", example));
            }
            None => {}
        }
        given
    }

    fn priority(&mut self, at: At, number: &ast::Lexeme) -> i64 {
        number.text.parse().unwrap_or_else(|_| {
            self.report(errors::number_out_of_range(at.place(number.span), &number.text));
            0
        })
    }

    /// The limits and budgets of a rule.
    fn rule_limits(
        &mut self,
        scope: &mut Scope,
        clauses: &[&ast::Clause],
        lasting: &str,
        context: &Context,
        limits: &mut Vec<Limit>,
    ) {
        let accounts: Vec<Type> = context.accounts.iter().map(|account| self.points_type(*account)).collect();
        let discounts = context.discounts;
        let nothing = accounts.is_empty() && !discounts;
        let moneyed = discounts || !context.multiplies || self.money_account().is_some();
        let fits = |ty: &Type| {
            let money = *ty == Type::Money && moneyed;
            let counted = matches!(ty, Type::Points(_)) || money;
            counted
                && (nothing
                    || context.multiplies
                    || accounts.contains(ty)
                    || (discounts && *ty == Type::Money))
        };
        let owner = Owner {
            word: "rule",
            lasting: lasting.to_owned(),
            fits: &fits,
            expected: match (accounts.first(), discounts) {
                (Some(ty), _) => self.describe(ty),
                (None, _) if context.multiplies => "points".to_owned(),
                (None, _) => format!("money, such as `100 {}`", self.currency_word()),
            },
            earns: context.multiplies || accounts.contains(&Type::Money),
        };
        self.limits(scope, clauses, &owner, limits);
    }

    fn rule_events(
        &mut self,
        at: At,
        (rule, taken): (&ast::Rule, Option<&Taken<'a>>),
        group: Option<usize>,
        excused: bool,
        place: Place,
    ) -> Vec<ir::EventId> {
        let own = rule.clauses.iter().find_map(|clause| heard_by(clause)).map(|(on, span)| (at, on, span));
        let own = own.or_else(|| {
            let taken = taken?;
            let (on, span) = taken.clauses.iter().find_map(|clause| heard_by(clause))?;
            Some((taken.at, on, span))
        });
        let shared = group.and_then(|group| self.group_infos.get(group)).and_then(|info| info.events.clone());
        match (own, shared) {
            (Some((at, on, span)), shared) => {
                let events = self.heard(at, on);
                if let Some(shared) = shared
                    && let Some(other) = events.iter().find(|event| !shared.contains(event))
                {
                    let name = self.out.events.get(other.index()).map(|e| e.name.clone()).unwrap_or_default();
                    let group = group.and_then(|group| self.group_infos.get(group));
                    let group = group.map(|info| (info.name.clone(), info.place));
                    let (group, group_place) = group.unwrap_or_default();
                    self.report(errors::event_outside_group(at.place(span), &name, &group, group_place));
                }
                events
            }
            (None, Some(shared)) => shared,
            (None, None) => {
                if group.is_some() || !excused {
                    self.report(errors::missing_event(place, &rule.header.name.text));
                }
                // Nothing more is known of its events, and nothing more is said of them.
                Vec::new()
            }
        }
    }

    /// A clause that rules and groups share.
    pub(super) fn clause(
        &mut self,
        scope: &mut Scope,
        clause: &ast::Clause,
        steps: &mut Vec<Step>,
        valid: &mut Vec<(i64, Place)>,
    ) {
        let place = scope.place(clause.span);
        match &clause.kind {
            ast::ClauseKind::When(condition) => {
                let condition = self.condition(scope, condition);
                let known = self.implied(&condition, true);
                scope.learn(known);
                steps.push(Step::When(condition));
            }
            ast::ClauseKind::Unless(condition) => {
                let condition = self.condition(scope, condition);
                let known = self.implied(&condition, false);
                scope.learn(known);
                let place = condition.place;
                let kind = ExprKind::Not(Box::new(condition));
                steps.push(Step::When(Expr { kind, ty: Type::Bool, place }));
            }
            ast::ClauseKind::Let(binding) => self.let_step(scope, binding, steps),
            ast::ClauseKind::Valid(periods) => {
                let mut begins = Vec::new();
                let mut of_period = |period: &ast::Period| {
                    self.valid(scope, &period.from, period.to.as_ref(), place, &mut begins)
                };
                if let [period] = periods.as_slice() {
                    steps.extend(of_period(period).into_iter().map(Step::When));
                } else {
                    let any: Vec<Expr> =
                        periods.iter().filter_map(|period| all_of(of_period(period), place)).collect();
                    steps.extend(any_of(any, place).map(Step::When));
                }
                valid.extend(begins.into_iter().min_by_key(|(day, _)| *day));
            }
            ast::ClauseKind::EffectiveFrom(from) => {
                let conditions = self.valid(scope, from, None, place, valid);
                steps.extend(conditions.into_iter().map(Step::When));
            }
            ast::ClauseKind::NotEffective => {
                steps.push(Step::When(Expr { kind: ExprKind::Bool(false), ty: Type::Bool, place }));
            }
            ast::ClauseKind::About(_) => {}
            ast::ClauseKind::Schedule(parts) => {
                if let Some(condition) = self.schedule(scope, parts, place) {
                    steps.push(Step::When(condition));
                }
            }
            ast::ClauseKind::Process { when, no_later_than } => {
                self.process(scope, *when, no_later_than.as_ref(), place, steps);
            }
            ast::ClauseKind::On(on) => steps.extend(self.named(scope, on).map(Step::When)),
            ast::ClauseKind::Title(_)
            | ast::ClauseKind::Take(_)
            | ast::ClauseKind::Priority(_)
            | ast::ClauseKind::Limit { .. }
            | ast::ClauseKind::Budget { .. }
            // Of the event that spends, and read by the rule.
            | ast::ClauseKind::Spendable(_)
            // The grammar lets it into rules alone.
            | ast::ClauseKind::With(..)
            | ast::ClauseKind::Then(_) => {}
        }
    }

    pub(super) fn builtin_field(&self, field: FieldId, place: Place) -> Expr {
        let ty = self.field_of(field).map_or(Type::Error, |field| field.ty.clone());
        Expr { kind: ExprKind::Field { field, of: None }, ty, place }
    }

    /// `valid 2026-06-01 through 2026-08-31`: days as such, instants by local date and time.
    fn valid(
        &mut self,
        scope: &mut Scope,
        from: &ast::Expr,
        to: Option<&(ast::Expr, ast::Bound)>,
        place: Place,
        valid: &mut Vec<(i64, Place)>,
    ) -> Vec<Expr> {
        let low = self.moment(scope, from, false);
        let high = to.map(|(to, bound)| self.moment(scope, to, *bound == ast::Bound::Included));
        let Some(low) = low else { return Vec::new() };
        valid.push((low.0, scope.place(from.span)));
        let mut conditions = Vec::new();
        let by_day = |expr: &ast::Expr| matches!(expr.kind, ast::ExprKind::Date(_));
        if by_day(from) {
            conditions.push(self.compare_day(ir::Comparison::GreaterOrEqual, low.0, place));
        } else {
            conditions.push(self.compare_at(ast::Comparison::GreaterOrEqual, low.0, low.1, place));
        }
        let (Some((to, bound)), Some(high)) = (to, high) else { return conditions };
        let Some(high) = high else { return conditions };
        if low > high || (low == high && *bound == ast::Bound::Excluded) {
            let (from_text, to_text) = (self.quote(scope.place(from.span)), self.quote(scope.place(to.span)));
            self.report(errors::date_order(scope.place(from.span.to(to.span)), &from_text, &to_text));
        }
        conditions.push(match (by_day(to), bound) {
            (true, ast::Bound::Included) => self.compare_day(ir::Comparison::LessOrEqual, high.0, place),
            (true, ast::Bound::Excluded) => self.compare_day(ir::Comparison::Less, high.0, place),
            (false, ast::Bound::Included) => {
                self.compare_at(ast::Comparison::LessOrEqual, high.0, high.1, place)
            }
            (false, ast::Bound::Excluded) => self.compare_at(ast::Comparison::Less, high.0, high.1, place),
        });
        conditions
    }

    fn compare_day(&self, op: ir::Comparison, day: i64, place: Place) -> Expr {
        let date = self.builtin_field(self.builtins.date, place);
        let day = Expr { kind: ExprKind::Ordinal(day), ty: Type::Date, place };
        Expr { kind: ExprKind::Compare(op, Box::new(date), Box::new(day)), ty: Type::Bool, place }
    }

    /// `schedule days [fri] hours 22:00 until 02:00`: the early hours belong to the day before.
    fn schedule(&mut self, scope: &mut Scope, parts: &[ast::SchedulePart], place: Place) -> Option<Expr> {
        let mut days: Option<Vec<i64>> = None;
        let mut month_days: Option<Vec<i64>> = None;
        let mut hours: Option<(i64, i64)> = None;
        let mut clock: Option<Clock> = None;
        let mut zoned = false;
        for part in parts {
            match part {
                ast::SchedulePart::Days(names, span) => {
                    if days.is_some() {
                        self.report(errors::repeated_clause(scope.place(*span), "days", "a schedule"));
                    }
                    let mut positions = Vec::new();
                    for name in names {
                        match WEEKDAYS.iter().position(|day| *day == name.text) {
                            Some(position) => positions.push(position as i64),
                            None => {
                                let at = scope.place(name.span);
                                self.report(errors::unknown_word(at, "day", &name.text, &WEEKDAYS));
                            }
                        }
                    }
                    days = Some(positions);
                }
                ast::SchedulePart::MonthDays(numbers, span) => {
                    if month_days.is_some() {
                        self.report(errors::repeated_clause(scope.place(*span), "month_days", "a schedule"));
                    }
                    let mut positions = Vec::new();
                    for number in numbers {
                        let at = scope.place(number.span);
                        match small_number(&number.text).filter(|day| (1..=31).contains(day)) {
                            Some(day) => {
                                if day > 28 {
                                    self.report(errors::month_day_missing(at, day));
                                }
                                positions.push(i64::from(day));
                            }
                            None => self.report(errors::number_out_of_range(at, &number.text)),
                        }
                    }
                    month_days = Some(positions);
                }
                ast::SchedulePart::Hours(from, until, span) => {
                    if hours.is_some() {
                        self.report(errors::repeated_clause(scope.place(*span), "hours", "a schedule"));
                    }
                    let low = dates::time(&from.text);
                    let high = dates::end_time(&until.text);
                    if low.is_none() {
                        self.report(errors::impossible_date(scope.place(from.span), &from.text));
                    }
                    if high.is_none() {
                        self.report(errors::impossible_date(scope.place(until.span), &until.text));
                    }
                    if let (Some(low), Some(high)) = (low, high) {
                        if low == high {
                            self.report(errors::empty_range(scope.place(*span)));
                        }
                        hours = Some((low, high));
                    }
                }
                ast::SchedulePart::Zone(zone) => {
                    let at = scope.place(match zone {
                        Ok(name) => name.span,
                        Err(path) => path.span,
                    });
                    if std::mem::replace(&mut zoned, true) {
                        self.report(errors::repeated_clause(at, "zone", "a schedule"));
                    }
                    clock = self.zone(scope, zone, at);
                }
            }
        }
        let fields = match &clock {
            Some(clock) => (clock.date, clock.time, clock.weekday, clock.month_day),
            None => {
                let own = &self.builtins;
                (own.date, own.time, own.weekday, own.month_day)
            }
        };
        let (today, now, weekday, month_day) = fields;
        let on_day = |checker: &Self, days: &Option<Vec<i64>>, month_days: &Option<Vec<i64>>| {
            let mut conditions = Vec::new();
            if let Some(days) = days {
                let field = checker.builtin_field(weekday, place);
                let weekdays = Type::Enum(checker.builtins.weekdays);
                conditions.push(one_of(field, days, ExprKind::Ordinal, &weekdays, place));
            }
            if let Some(month_days) = month_days {
                let field = checker.builtin_field(month_day, place);
                conditions.push(one_of(field, month_days, whole, &Type::Number, place));
            }
            conditions
        };
        let at_time = |checker: &Self, op, second| {
            let field = checker.builtin_field(now, place);
            let second = Expr { kind: ExprKind::Ordinal(second), ty: Type::Time, place };
            Expr { kind: ExprKind::Compare(op, Box::new(field), Box::new(second)), ty: Type::Bool, place }
        };
        let holds = match hours {
            None => all_of(on_day(self, &days, &month_days), place),
            Some((low, high)) if low < high => {
                let mut conditions = on_day(self, &days, &month_days);
                if low > 0 {
                    conditions.push(at_time(self, ir::Comparison::GreaterOrEqual, low));
                }
                if high < 86_400 {
                    conditions.push(at_time(self, ir::Comparison::Less, high));
                }
                all_of(conditions, place)
            }
            Some((low, high)) => {
                let mut evening = on_day(self, &days, &month_days);
                evening.push(at_time(self, ir::Comparison::GreaterOrEqual, low));
                let next_days = days.as_ref().map(|days| days.iter().map(|day| (day + 1) % 7).collect());
                let mut morning = on_day(self, &next_days, &None);
                if let Some(month_days) = &month_days {
                    let evening = self.day_before(today, place);
                    morning.push(one_of(evening, month_days, whole, &Type::Number, place));
                }
                morning.push(at_time(self, ir::Comparison::Less, high));
                let either: Vec<Expr> =
                    [all_of(evening, place), all_of(morning, place)].into_iter().flatten().collect();
                Some(Expr { kind: ExprKind::Or(either), ty: Type::Bool, place })
            }
        };
        // Without the zone nothing is known of its clock, and the schedule does not hold.
        let known = clock.map(|clock| {
            let time = Box::new(self.builtin_field(clock.time, place));
            Expr { kind: ExprKind::Known(time), ty: Type::Bool, place }
        });
        all_of(known.into_iter().chain(holds).collect(), place)
    }

    /// `zone "Europe/London"`, `zone store`: the clock there; none for the program's own.
    fn zone(&mut self, scope: &mut Scope, zone: &Result<ast::Text, ast::Path>, at: Place) -> Option<Clock> {
        match zone {
            Ok(name) if name.value == self.out.settings.zone => None,
            Ok(name) => {
                if !is_zone(&name.value) {
                    self.report(errors::unknown_zone(at, &name.value));
                    return None;
                }
                Some(self.clock(ClockZone::Named(name.value.clone()), &name.value))
            }
            Err(path) => {
                let written = self.quote(scope.place(path.span));
                if written != "store" {
                    self.report(errors::unknown_word(at, "zone", &written, &["store"]));
                    return None;
                }
                let store = self.event_field(scope, None, "store", at, at)?;
                Some(self.clock(ClockZone::Store(store), "the store's zone"))
            }
        }
    }

    /// The day of the month on which the night began that the event's morning belongs to.
    fn day_before(&self, today: FieldId, place: Place) -> Expr {
        let today = self.builtin_field(today, place);
        let one = Expr { kind: whole(1), ty: Type::Days, place };
        let day = Expr { kind: ExprKind::Sum(vec![(false, today), (true, one)]), ty: Type::Date, place };
        let kind = ExprKind::Calendar(ir::CalendarPart::MonthDay, Box::new(day));
        Expr { kind, ty: Type::Number, place }
    }

    /// A rule does not hold on a day on which a parameter that it reads has no value yet. Where it says when it is valid,
    /// it may not say so of such a day; otherwise it waits for the value.
    fn check_histories(&mut self, place: Place, valid: &[(i64, Place)]) -> Vec<Expr> {
        let Some(from) = valid.iter().map(|(day, _)| *day).max() else {
            let read = std::mem::take(&mut self.params_read).into_iter();
            let late = read.filter(|param| self.param_starts.get(param.index()).is_some_and(Option::is_some));
            let known = |param: ir::ParamId| {
                let ty = self.out.params.get(param.index()).map_or(Type::Error, |param| param.ty.clone());
                let ty = Type::Optional(Box::new(ty));
                let value = Expr { kind: ExprKind::Param(param), ty, place };
                Expr { kind: ExprKind::Known(Box::new(value)), ty: Type::Bool, place }
            };
            return late.map(known).collect();
        };
        let at = valid.iter().max_by_key(|(day, _)| *day).map_or(place, |(_, place)| *place);
        for param in std::mem::take(&mut self.params_read) {
            let Some(Some(start)) = self.param_starts.get(param.index()).copied() else { continue };
            if from < start {
                let declared = self.out.params.get(param.index());
                let (name, param_place) =
                    declared.map(|param| (param.ir.name.clone(), param.place)).unwrap_or_default();
                self.report(errors::history_gap(at, &name, &dates::date_text(start), param_place));
            }
        }
        Vec::new()
    }

    /// The best of several accounts is only found by what their points are worth.
    fn check_worths(&mut self) {
        for index in 0..self.group_infos.len() {
            let Some(info) = self.group_infos.get(index) else { continue };
            let best = self.out.groups.get(info.id.index()).is_some_and(|group| match group.displace {
                ir::Displace::BestForMember | ir::Displace::BestForRetailer => true,
                ir::Displace::None | ir::Displace::First | ir::Displace::Chain => false,
            });
            if !best || info.accounts.len() < 2 {
                continue;
            }
            let (group_place, group_name) = (info.place, info.name.clone());
            let without: Vec<(String, Place)> = info
                .accounts
                .iter()
                .filter(|account| !self.account_infos.get(account.index()).is_some_and(|info| info.money))
                .filter_map(|account| {
                    let declared = self.out.accounts.get(account.index())?;
                    let place = self.account_infos.get(account.index())?.place;
                    declared.worth.is_none().then(|| (declared.name.clone(), place))
                })
                .collect();
            for (account, account_place) in without {
                self.report(errors::incomparable_awards(group_place, &group_name, &account, account_place));
            }
        }
    }
}

/// Whether clauses give something away: what the member chooses of it is a field of the event.
fn gives(clauses: &[ast::Clause]) -> bool {
    fn any(effects: &[ast::Effect]) -> bool {
        effects.iter().any(|effect| {
            let inside = matches!(&effect.kind, ast::EffectKind::ForEach { body, .. } if any(body));
            inside || matches!(effect.kind, ast::EffectKind::Gift(_))
        })
    }
    clauses.iter().any(|clause| matches!(&clause.kind, ast::ClauseKind::Then(effects) if any(effects)))
}

/// The word of a clause that stands once in a rule.
pub(super) fn once(kind: &ast::ClauseKind) -> Option<&'static str> {
    match kind {
        ast::ClauseKind::Valid(_) => Some("valid"),
        ast::ClauseKind::Schedule(_) => Some("schedule"),
        ast::ClauseKind::Priority(_) => Some("priority"),
        ast::ClauseKind::On(_) => Some("on"),
        ast::ClauseKind::Process { .. } => Some("process"),
        ast::ClauseKind::Then(_) => Some("then"),
        ast::ClauseKind::Take(_) => Some("take"),
        // Said with what is published.
        ast::ClauseKind::EffectiveFrom(_) | ast::ClauseKind::NotEffective => None,
        ast::ClauseKind::Title(_)
        | ast::ClauseKind::When(_)
        | ast::ClauseKind::Unless(_)
        | ast::ClauseKind::Let(_)
        | ast::ClauseKind::Limit { .. }
        | ast::ClauseKind::Budget { .. }
        | ast::ClauseKind::Spendable(_)
        | ast::ClauseKind::About(_)
        | ast::ClauseKind::With(..) => None,
    }
}

/// Events as written after `on`, with what tells one of a kind from another.
type Heard<'c> = &'c [(ast::Path, Option<ast::Text>)];

/// The events of an `on`.
pub(super) fn heard_by(clause: &ast::Clause) -> Option<(Heard<'_>, Span)> {
    match &clause.kind {
        ast::ClauseKind::On(on) => Some((on, clause.span)),
        ast::ClauseKind::Title(_)
        | ast::ClauseKind::Valid(_)
        | ast::ClauseKind::Schedule(_)
        | ast::ClauseKind::Priority(_)
        | ast::ClauseKind::When(_)
        | ast::ClauseKind::Unless(_)
        | ast::ClauseKind::Let(_)
        | ast::ClauseKind::Limit { .. }
        | ast::ClauseKind::Then(_)
        | ast::ClauseKind::Budget { .. }
        | ast::ClauseKind::Take(_)
        | ast::ClauseKind::Process { .. }
        | ast::ClauseKind::Spendable(_)
        | ast::ClauseKind::EffectiveFrom(_)
        | ast::ClauseKind::NotEffective
        | ast::ClauseKind::About(_)
        | ast::ClauseKind::With(..) => None,
    }
}

/// When a rule says that it is valid, in seconds of the local clock, both ends included; `None` where it does not say.
/// What is no date says so elsewhere.
fn periods(rule: &ast::Rule) -> Option<Vec<(i64, i64)>> {
    let second = |expr: &ast::Expr, end: i64| -> Option<i64> {
        if let ast::ExprKind::Date(date) = &expr.kind {
            Some(dates::date(&date.text)? * calendar::DAY + end)
        } else if let ast::ExprKind::Instant(date, time) = &expr.kind {
            Some(dates::date(&date.text)? * calendar::DAY + dates::time(&time.text)?)
        } else {
            None
        }
    };
    let mut found = None;
    for clause in &rule.clauses {
        let ast::ClauseKind::Valid(periods) = &clause.kind else { continue };
        let found = found.get_or_insert_with(Vec::new);
        for period in periods {
            let to = match &period.to {
                Some((to, ast::Bound::Included)) => second(to, calendar::DAY - 1),
                Some((to, ast::Bound::Excluded)) => second(to, 0).map(|to| to - 1),
                None => Some(i64::MAX),
            };
            found.extend(second(&period.from, 0).zip(to));
        }
    }
    found
}

fn one_of(field: Expr, values: &[i64], constant: impl Fn(i64) -> ExprKind, ty: &Type, place: Place) -> Expr {
    let values = values.iter().map(|value| Expr { kind: constant(*value), ty: ty.clone(), place }).collect();
    Expr { kind: ExprKind::OneOf(Box::new(field), values), ty: Type::Bool, place }
}

fn whole(number: i64) -> ExprKind {
    ExprKind::Constant(Ratio::whole(i128::from(number)))
}

pub(super) fn any_of(mut conditions: Vec<Expr>, place: Place) -> Option<Expr> {
    if conditions.len() <= 1 {
        return conditions.pop();
    }
    Some(Expr { kind: ExprKind::Or(conditions), ty: Type::Bool, place })
}

fn all_of(mut conditions: Vec<Expr>, place: Place) -> Option<Expr> {
    if conditions.len() <= 1 {
        return conditions.pop();
    }
    Some(Expr { kind: ExprKind::And(conditions), ty: Type::Bool, place })
}
