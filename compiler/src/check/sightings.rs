//! What the checker made of the places of a text: what each name was bound to, and of what type each expression is. For
//! editors. It refuses to change what is checked: without somebody who asks, nothing is kept.

use super::Checker;
use super::names::{Scope, Value};
use crate::ir;
use crate::typed::{Expr, ExprKind, FieldId, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

/// What was made of a place. One place may be seen several times: a template once for each of its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// A name, or an expression.
    pub place: Place,
    /// What the name means; expressions mean nothing but their value.
    pub target: Option<Target>,
    /// Its type, where it has one.
    pub ty: Option<Type>,
}

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// What is declared at this place: that of the declared name, or that of a collection for its element.
    Declared(Place),
    /// A field.
    Field(FieldId),
    /// A value of an enumeration, by position.
    Value(ir::EnumId, usize),
}

impl Checker<'_> {
    /// Notes the type of an expression.
    pub(super) fn saw(&mut self, place: Place, ty: &Type) {
        if let Some(sightings) = &mut self.sightings
            && !ty.is_error()
        {
            sightings.push(Sighting { place, target: None, ty: Some(ty.clone()) });
        }
    }

    /// Notes what the first name of a path is bound to in a rule or function; false where it is bound to nothing.
    pub(super) fn saw_bound(&mut self, scope: &Scope, path: &ast::Path) -> bool {
        if self.sightings.is_none() {
            return false;
        }
        let Some(head) = path.parts.first() else { return false };
        let Some((_, declared)) = scope.bound(&head.text) else { return false };
        let sighting =
            Sighting { place: scope.place(head.span), target: Some(Target::Declared(*declared)), ty: None };
        if let Some(sightings) = &mut self.sightings {
            sightings.push(sighting);
        }
        true
    }

    /// Notes what a path outside of rules names.
    pub(super) fn saw_global(&mut self, scope: &Scope, path: &ast::Path) {
        if self.sightings.is_none() {
            return;
        }
        let Some(last) = path.parts.last() else { return };
        let (declared, ty) = match self.global(scope.space, path) {
            Some(Value::Param(id)) => match self.out.params.get(id.index()) {
                Some(param) => (param.place, Some(param.ty.clone())),
                None => return,
            },
            Some(Value::Function(id)) => match self.out.functions.get(id.0 as usize) {
                Some(function) => (function.place, Some(function.ty.clone())),
                None => return,
            },
            Some(Value::Collection(position)) => match self.collections.get(position) {
                Some(info) => (info.at.place(info.name), None),
                None => return,
            },
            None => return,
        };
        let sighting =
            Sighting { place: scope.place(last.span), target: Some(Target::Declared(declared)), ty };
        if let Some(sightings) = &mut self.sightings {
            sightings.push(sighting);
        }
    }

    /// Notes what a path was found to be.
    pub(super) fn saw_path(&mut self, scope: &Scope, path: &ast::Path, found: &Expr) {
        if self.sightings.is_none() {
            return;
        }
        if !self.saw_bound(scope, path) {
            self.saw_global(scope, path);
        }
        let Some(last) = path.parts.last() else { return };
        let target = if let ExprKind::Field { field, .. } = &found.kind {
            Target::Field(*field)
        } else if let (ExprKind::Ordinal(position), Type::Enum(id)) = (&found.kind, &found.ty) {
            let Ok(position) = usize::try_from(*position) else { return };
            Target::Value(*id, position)
        } else {
            return;
        };
        let sighting =
            Sighting { place: scope.place(last.span), target: Some(target), ty: Some(found.ty.clone()) };
        if let Some(sightings) = &mut self.sightings {
            sightings.push(sighting);
        }
    }
}
