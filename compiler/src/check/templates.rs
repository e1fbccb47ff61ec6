//! Templates: what a rule takes from one, with the values that it gives for the template's parameters. It refuses to know
//! what clauses mean.
//!
//! A template is no text that is pasted: it sees its parameters and its own names, and nothing of the rule or the group
//! but what their conditions show to be there; the rule sees none of its names.

use super::names::{Binding, Events, Names, Scope};
use super::rules::{heard_by, once};
use super::{At, Checker, Items, errors};
use crate::typed::{Expr, ExprKind, LocalId, Step, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

/// A template as written.
#[derive(Debug)]
pub(super) struct TemplateInfo<'a> {
    pub at: At,
    pub template: &'a ast::Template,
    /// A rule has been made from it.
    pub used: bool,
}

/// What a rule takes from its template.
#[derive(Clone, Debug)]
pub(super) struct Taken<'a> {
    pub at: At,
    pub template: &'a ast::Template,
    /// Clauses that the rule does not write itself.
    pub clauses: Vec<&'a ast::Clause>,
    /// Its effects are the template's.
    pub then: Option<&'a [ast::Effect]>,
}

/// A template as a rule that is made from it sees it.
pub(super) struct Inside<'t, 'a> {
    pub taken: &'t Taken<'a>,
    /// What is bound in it.
    names: Names,
    /// What is said with findings there, and where.
    made: String,
    place: Place,
}

impl<'a> Checker<'a> {
    /// Names of all templates.
    pub(super) fn declare_templates(&mut self, items: &Items<'a>) {
        for (at, template) in &items.templates {
            let name = &template.header.name;
            if self.declare("template", &name.text, at.place(name.span)) {
                self.template_ids.insert(name.text.clone(), self.template_infos.len());
                self.template_infos.push(TemplateInfo { at: *at, template, used: false });
            }
        }
    }

    /// What a rule takes from the template that it names.
    pub(super) fn taken(&mut self, at: At, rule: &ast::Rule) -> Option<Taken<'a>> {
        let path = rule.template.as_ref()?;
        let place = at.place(path.span);
        let name = match path.parts.as_slice() {
            [name] => Some(name),
            _ => self.aliased(at.space, path).map(|(_, name)| name),
        };
        let found = name.and_then(|name| self.template_ids.get(&name.text)).copied();
        let Some(info) = found.and_then(|index| self.template_infos.get_mut(index)) else {
            let written = self.quote(place);
            let near = self.nearest(&written, self.template_ids.keys().map(String::as_str));
            self.report(errors::unknown_name(place, "template", &written, near.as_deref()));
            return None;
        };
        info.used = true;
        let (template_at, template) = (info.at, info.template);
        Some(self.clauses_taken(template_at, template, &rule.clauses))
    }

    /// The clauses of a template that these do not replace.
    fn clauses_taken(&mut self, at: At, template: &'a ast::Template, own: &[ast::Clause]) -> Taken<'a> {
        let mut taken = Taken { at, template, clauses: Vec::new(), then: None };
        let mut seen: Vec<&'static str> = Vec::new();
        for clause in &template.clauses {
            if let Some(word) = once(&clause.kind) {
                if seen.contains(&word) {
                    self.report(errors::repeated_clause(at.place(clause.span), word, "a template"));
                    continue;
                }
                seen.push(word);
                if own.iter().any(|own| once(&own.kind) == Some(word)) {
                    continue;
                }
            }
            if own.iter().any(|own| replaces(&own.kind, &clause.kind)) {
                continue;
            }
            match &clause.kind {
                ast::ClauseKind::Then(effects) => taken.then = Some(effects),
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
                | ast::ClauseKind::With(..) => taken.clauses.push(clause),
            }
        }
        taken
    }

    /// Binds the parameters of a rule's template.
    pub(super) fn enter<'t>(
        &mut self,
        scope: &mut Scope,
        taken: &'t Taken<'a>,
        rule: &ast::Rule,
        rule_place: Place,
        steps: &mut Vec<Step>,
    ) -> Inside<'t, 'a> {
        let parameters = &taken.template.parameters;
        let mut given: Vec<Option<Binding>> = parameters.iter().map(|_| None).collect();
        for clause in &rule.clauses {
            let ast::ClauseKind::With(name, value) = &clause.kind else { continue };
            let Some(index) = parameters.iter().position(|parameter| parameter.name.text == name.text) else {
                let near =
                    self.nearest(&name.text, parameters.iter().map(|parameter| parameter.name.text.as_str()));
                let before = self.found.len();
                self.report(errors::unknown_name(
                    scope.place(name.span),
                    "parameter",
                    &name.text,
                    near.as_deref(),
                ));
                let header = taken.at.place(taken.template.header.name.span);
                self.label_from(before, header, "the template");
                continue;
            };
            let (Some(parameter), Some(slot)) = (parameters.get(index), given.get_mut(index)) else {
                continue;
            };
            if slot.is_some() {
                self.report(errors::repeated_clause(
                    scope.place(clause.span),
                    &format!("with {}", name.text),
                    "a rule",
                ));
                continue;
            }
            let before = self.found.len();
            let ty = self.type_named(taken.at, &parameter.ty).unwrap_or(Type::Error);
            *slot = Some(self.argument_of(scope, parameter, value, &ty, steps));
            self.label_from(
                before,
                taken.at.place(parameter.span),
                "the template declares the parameter here",
            );
        }
        let outer = scope.swap_names(Names::default());
        let (file, space) = (scope.file, scope.space);
        (scope.file, scope.space) = (taken.at.file, taken.at.space);
        for (parameter, given) in parameters.iter().zip(given) {
            let place = scope.place(parameter.name.span);
            self.refuse_taken(scope, &parameter.name);
            let binding = match (given, &parameter.default) {
                (Some(binding), _) => binding,
                (None, Some(default)) => {
                    let ty = self.type_named(taken.at, &parameter.ty).unwrap_or(Type::Error);
                    self.argument_of(scope, parameter, default, &ty, steps)
                }
                (None, None) => {
                    let (rule, name) = (&rule.header.name.text, &parameter.name.text);
                    self.report(errors::missing_argument(rule_place, rule, name, place));
                    Binding::Broken
                }
            };
            scope.bind(&parameter.name.text, binding, place);
        }
        (scope.file, scope.space) = (file, space);
        let made = format!("rule `{}` is made from it", rule.header.name.text);
        Inside { taken, names: scope.swap_names(outer), made, place: rule_place }
    }

    /// Looks at something of a template among the names there; what is found says which rule is made from it.
    pub(super) fn inside(
        &mut self,
        scope: &mut Scope,
        inside: &mut Inside<'_, 'a>,
        look: impl FnOnce(&mut Self, &mut Scope),
    ) {
        let outer = scope.swap_names(std::mem::take(&mut inside.names));
        let (file, space) = (scope.file, scope.space);
        (scope.file, scope.space) = (inside.taken.at.file, inside.taken.at.space);
        let before = self.found.len();
        look(self, scope);
        self.label_from(before, inside.place, &inside.made);
        (scope.file, scope.space) = (file, space);
        inside.names = scope.swap_names(outer);
    }

    /// A value for a parameter, of the type that the template declares.
    fn argument_of(
        &mut self,
        scope: &mut Scope,
        parameter: &ast::TemplateParameter,
        value: &ast::Expr,
        ty: &Type,
        steps: &mut Vec<Step>,
    ) -> Binding {
        let place = scope.place(value.span);
        let name = &parameter.name.text;
        if let (Type::Symbol(kind) | Type::Set(kind), ast::ExprKind::Reference(word, names)) =
            (ty, &value.kind)
        {
            let Some(reference) = self.reference(scope, word, names) else { return Binding::Broken };
            let one = matches!(ty, Type::Symbol(_));
            if reference.kind != *kind || (one && reference.names.len() != 1) {
                let (quoted, wanted) = (self.quote(place), self.describe(ty));
                let found = match reference.kind == *kind {
                    true => "several names".to_owned(),
                    false => format!("a {}", word.text),
                };
                self.report(errors::mismatched_types(place, &quoted, &wanted, &found, None));
                return Binding::Broken;
            }
            return Binding::Reference(word.clone(), names.clone());
        }
        if let Type::Symbol(kind) = ty {
            let (quoted, wanted) = (self.quote(place), format!("a {} in quotes", self.kind_name(*kind)));
            self.report(errors::mismatched_types(place, &quoted, &wanted, "something else", None));
            return Binding::Broken;
        }
        if let Type::Collection(of) = ty {
            let Some((source, known)) = self.collection_value(scope, value) else { return Binding::Broken };
            if source.of != *of {
                let (wanted, found) = (self.describe(ty), self.describe(&Type::Collection(source.of)));
                let quoted = self.quote(source.place);
                self.report(errors::mismatched_types(source.place, &quoted, &wanted, &found, None));
                return Binding::Broken;
            }
            let local = self.local(name, ty.clone(), place);
            let element = source.element;
            let known = known.into_iter().filter(|key| key.of(element, LocalId(u32::MAX)) != *key).collect();
            steps.push(Step::LetCollection(local, source));
            return Binding::Collection { local, of: *of, element, known };
        }
        let value = self.value_as(scope, value, ty);
        if value.ty.is_error() || ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return Binding::Broken;
        }
        let local = self.local(name, ty.clone(), place);
        if self.is_whole_points(&value) {
            self.whole_locals.insert(local);
        }
        if let Some(bounds) = self.bounds(&value) {
            self.local_bounds.insert(local, bounds);
        }
        steps.push(Step::Let(local, Expr { ty: ty.clone(), ..value }));
        Binding::Value(local, ty.clone())
    }

    /// Adds a label to what has been found since.
    fn label_from(&mut self, before: usize, place: Place, text: &str) {
        for diagnostic in self.found.iter_mut().skip(before) {
            diagnostic.labels.push(perq_grammar::diagnostic::Label { place, text: text.to_owned() });
        }
    }

    /// A template from which no rule is made is looked at with the defaults of its parameters, and with values of which
    /// only the type is known where there are none.
    pub(super) fn check_unused_templates(&mut self) {
        for index in 0..self.template_infos.len() {
            let Some(info) = self.template_infos.get(index).filter(|info| !info.used) else { continue };
            let (at, template) = (info.at, info.template);
            // Of another file's templates it is not known who takes them.
            if self.focus.is_some_and(|file| file != at.file) {
                continue;
            }
            let taken = self.clauses_taken(at, template, &[]);
            let on = taken.clauses.iter().find_map(|clause| heard_by(clause)).map(|(on, _)| on);
            let events = match on {
                Some(on) => Events::Heard(self.heard(at, on)),
                None => Events::Inferred(None),
            };
            let mut scope = Scope::new(at.file, at.space, events);
            let mut steps = Vec::new();
            for parameter in &template.parameters {
                let place = at.place(parameter.name.span);
                self.refuse_taken(&scope, &parameter.name);
                let ty = self.type_named(at, &parameter.ty).unwrap_or(Type::Error);
                let binding = match &parameter.default {
                    Some(default) => self.argument_of(&mut scope, parameter, default, &ty, &mut steps),
                    None => self.unknown_argument(parameter, &ty, place),
                };
                scope.bind(&parameter.name.text, binding, place);
            }
            let mut valid = Vec::new();
            for clause in &taken.clauses {
                self.clause(&mut scope, clause, &mut steps, &mut valid);
            }
            if let Some(effects) = taken.then {
                let mut context = super::effects::Context::default();
                self.effects(&mut scope, effects, &mut context, &mut steps);
            }
        }
    }

    /// Something of a type, for a template that nobody uses.
    fn unknown_argument(&mut self, parameter: &ast::TemplateParameter, ty: &Type, place: Place) -> Binding {
        let local = self.local(&parameter.name.text, ty.clone(), place);
        match ty {
            Type::Error => Binding::Broken,
            Type::Collection(of) => {
                let record = Type::Record(super::history::element_record(*of));
                let word = self.element_word(*of);
                let element = self.local(&word, record, place);
                Binding::Collection { local, of: *of, element, known: Vec::new() }
            }
            Type::Symbol(kind) => {
                let name = ast::Name { text: self.kind_name(*kind).to_owned(), span: parameter.name.span };
                Binding::Reference(name, Vec::new())
            }
            Type::Bool
            | Type::Number
            | Type::Percent
            | Type::Money
            | Type::Points(_)
            | Type::Count(_)
            | Type::Quantity(_)
            | Type::Duration
            | Type::Days
            | Type::Months
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Enum(_)
            | Type::Set(_)
            | Type::Text
            | Type::Optional(_)
            | Type::Record(_) => Binding::Value(local, ty.clone()),
        }
    }
}

/// Whether a rule's clause stands in place of its template's other one: both say from when the rule holds.
fn replaces(own: &ast::ClauseKind, of_template: &ast::ClauseKind) -> bool {
    let effective = |kind: &ast::ClauseKind| {
        matches!(kind, ast::ClauseKind::EffectiveFrom(_) | ast::ClauseKind::NotEffective)
    };
    let valid = |kind: &ast::ClauseKind| matches!(kind, ast::ClauseKind::Valid(_));
    let from = |kind: &ast::ClauseKind| matches!(kind, ast::ClauseKind::EffectiveFrom(_));
    (effective(own) && effective(of_template))
        || (valid(own) && from(of_template))
        || (from(own) && valid(of_template))
}
