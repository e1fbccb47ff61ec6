//! Names: what a word is bound to at a place of the text, what is known there not to be missing, and which other
//! name was probably meant. It refuses to know types beyond carrying them.

use super::{At, Checker, errors};
use crate::ir;
use crate::typed::{Element, ExprKind, FieldId, FunctionId, Local, LocalId, RecordType, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::{FileId, Place, Span};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Names that belong together: the prelude's, the program's files', one imported file's.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// `use "…" as alias`: which space the alias stands for.
    pub aliases: FxHashMap<String, Option<usize>>,
    /// What expressions may name.
    pub values: FxHashMap<String, Value>,
}

/// What a name outside of rules stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Param(ir::ParamId),
    /// A `define`, `segment` or `table`.
    Function(FunctionId),
    /// A `define` that gives a collection, of `Checker::collections`.
    Collection(usize),
}

/// What a name in a rule or function is bound to.
#[derive(Clone, Debug)]
pub(super) enum Binding {
    Value(LocalId, Type),
    /// A `let` of a collection, with what is known of its elements (of the given local).
    Collection {
        local: LocalId,
        of: Element,
        element: LocalId,
        known: Vec<Key>,
    },
    /// A bundle, with the names of its parts.
    Bundle {
        local: LocalId,
        parts: Vec<String>,
    },
    /// The element of a collection or loop.
    Element(LocalId, Element),
    /// A parameter of record type, or an element that only fields are taken of.
    Record(LocalId, RecordType),
    /// A reference literal that a rule gives to its template.
    Reference(ast::Name, Vec<ast::Text>),
    /// Its declaration has a diagnostic.
    Broken,
}

/// Something that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Member,
    Product(LocalId),
    Field(FieldId, Option<LocalId>),
    Local(LocalId),
    /// What a counter gives.
    Counter(FunctionId),
}

impl Key {
    /// The same of another element.
    pub(super) fn of(self, from: LocalId, to: LocalId) -> Key {
        match self {
            Key::Product(local) if local == from => Key::Product(to),
            Key::Field(field, Some(local)) if local == from => Key::Field(field, Some(to)),
            Key::Member | Key::Product(_) | Key::Field(..) | Key::Local(_) | Key::Counter(_) => self,
        }
    }
}

/// Which events an expression is evaluated for.
#[derive(Clone, Debug)]
pub(super) enum Events {
    /// Those that a rule hears.
    Heard(Vec<ir::EventId>),
    /// A function's body: those it may be used for, narrowed by each field it reads.
    Inferred(Option<BTreeSet<ir::EventId>>),
}

/// The names that are bound at a place.
#[derive(Debug, Default)]
pub(super) struct Names {
    bindings: FxHashMap<String, Vec<(Binding, Place)>>,
    order: Vec<String>,
}

/// Where in the program an expression stands.
#[derive(Debug)]
pub(super) struct Scope {
    pub file: FileId,
    pub space: usize,
    pub events: Events,
    /// Loops over lines and units around the place, innermost last.
    pub loops: Vec<(Element, LocalId)>,
    /// How deep the expression is nested.
    pub depth: u32,
    /// In a counter, which counts what was before the event.
    pub counter: bool,
    /// In what an `ensure` keeps, which speaks of what was settled.
    pub settled: bool,
    names: Names,
    known: FxHashMap<Key, u32>,
    trail: Vec<Key>,
}

impl Scope {
    pub(super) fn new(file: FileId, space: usize, events: Events) -> Scope {
        Scope {
            file,
            space,
            events,
            loops: Vec::new(),
            depth: 0,
            counter: false,
            settled: false,
            names: Names::default(),
            known: FxHashMap::default(),
            trail: Vec::new(),
        }
    }

    /// Whose text the place belongs to.
    pub(super) fn at(&self) -> At {
        At { file: self.file, space: self.space, origin: super::Origin::Program }
    }

    pub(super) fn place(&self, span: Span) -> Place {
        Place { file: self.file, span }
    }

    pub(super) fn bind(&mut self, name: &str, binding: Binding, place: Place) {
        self.names.bindings.entry(name.into()).or_default().push((binding, place));
        self.names.order.push(name.into());
    }

    pub(super) fn bound(&self, name: &str) -> Option<&(Binding, Place)> {
        self.names.bindings.get(name).and_then(|bindings| bindings.last())
    }

    /// How often a name is bound here, one hiding the other.
    pub(super) fn times_bound(&self, name: &str) -> usize {
        self.names.bindings.get(name).map_or(0, Vec::len)
    }

    /// Names in scope, for suggestions.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.bindings.iter().filter(|(_, bindings)| !bindings.is_empty()).map(|(name, _)| name.as_str())
    }

    pub(super) fn names_mark(&self) -> usize {
        self.names.order.len()
    }

    pub(super) fn unbind(&mut self, mark: usize) {
        while self.names.order.len() > mark {
            if let Some(name) = self.names.order.pop()
                && let Some(bindings) = self.names.bindings.get_mut(&name)
            {
                bindings.pop();
            }
        }
    }

    /// Puts other names in place of those that are bound; what is known stays known.
    pub(super) fn swap_names(&mut self, names: Names) -> Names {
        std::mem::replace(&mut self.names, names)
    }

    pub(super) fn knows(&self, key: Key) -> bool {
        self.known.get(&key).is_some_and(|count| *count > 0)
    }

    pub(super) fn known_mark(&self) -> usize {
        self.trail.len()
    }

    pub(super) fn learn(&mut self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            *self.known.entry(key).or_default() += 1;
            self.trail.push(key);
        }
    }

    pub(super) fn forget(&mut self, mark: usize) {
        while self.trail.len() > mark {
            if let Some(key) = self.trail.pop()
                && let Some(count) = self.known.get_mut(&key)
            {
                *count -= 1;
            }
        }
    }
}

impl Checker<'_> {
    /// A new local.
    pub(super) fn local(&mut self, name: &str, ty: Type, place: Place) -> LocalId {
        let id = LocalId(self.out.locals.len() as u32);
        self.out.locals.push(Local { name: name.into(), ty, place });
        id
    }

    /// Remembers a declared name; says so and returns false where the scope has it or one that looks like it.
    pub(super) fn declare(&mut self, scope: &str, name: &str, place: Place) -> bool {
        let skeleton: String = unicode_security::skeleton(&name.to_lowercase()).collect();
        let key = (scope.to_string(), skeleton);
        let Some((earlier, earlier_place)) = self.declared.get(&key).cloned() else {
            self.declared.insert(key, (name.into(), place));
            return true;
        };
        let what = scope.split(' ').next().unwrap_or(scope);
        // Of two, the author's is the one to complain about.
        let own = !super::is_prelude(place.file);
        if earlier == name {
            self.report(if own {
                errors::duplicate_name(place, what, name, earlier_place)
            } else {
                errors::duplicate_name(earlier_place, what, name, place)
            });
            return false;
        }
        self.report(if own {
            errors::look_alike_names(place, name, &earlier, earlier_place)
        } else {
            errors::look_alike_names(earlier_place, &earlier, name, place)
        });
        true
    }

    /// The name that a declaration keeps when it is renamed: the one after `was`. Versions of one name keep it together.
    pub(super) fn lasting(&mut self, what: &'static str, at: At, header: &ast::Header) -> String {
        let name = header.was.as_ref().unwrap_or(&header.name);
        let place = at.place(name.span);
        let declared = header.name.text.clone();
        if let Some((other, earlier)) =
            self.lasting.insert((what, name.text.clone()), (declared.clone(), place))
            && other != declared
        {
            self.report(errors::identity_taken(place, what, &name.text, earlier));
        }
        name.text.clone()
    }

    /// The space and last name of a path such as `seg.regulars`; `None` where the first part is no alias.
    pub(super) fn aliased<'p>(
        &self,
        space: usize,
        path: &'p ast::Path,
    ) -> Option<(Option<usize>, &'p ast::Name)> {
        let [alias, name] = path.parts.as_slice() else { return None };
        let target = self.spaces.get(space)?.aliases.get(&alias.text)?;
        Some((*target, name))
    }

    /// A value of a space or the prelude.
    pub(super) fn value_named(&self, space: usize, name: &str) -> Option<Value> {
        let own = self.spaces.get(space).and_then(|space| space.values.get(name));
        own.or_else(|| self.spaces.first().and_then(|prelude| prelude.values.get(name))).copied()
    }

    /// What a whole path names outside of rules, with aliases followed.
    pub(super) fn global(&self, space: usize, path: &ast::Path) -> Option<Value> {
        match path.parts.as_slice() {
            [name] => self.value_named(space, &name.text),
            [alias, name] => {
                let target = (*self.spaces.get(space)?.aliases.get(&alias.text)?)?;
                self.spaces.get(target)?.values.get(&name.text).copied()
            }
            _ => None,
        }
    }

    /// [`nearest`] for the first mistakes: more are not shown, and each asks every name that there is.
    pub(super) fn nearest<'n>(
        &self,
        name: &str,
        candidates: impl Iterator<Item = &'n str>,
    ) -> Option<String> {
        if self.found.len() < MAX_SUGGESTED { nearest(name, candidates) } else { None }
    }

    /// The nearest of the names an expression could have meant.
    pub(super) fn nearest_value(&self, scope: &Scope, name: &str) -> Option<String> {
        let own = self.spaces.get(scope.space).into_iter().flat_map(|space| {
            space.values.keys().map(String::as_str).chain(space.aliases.keys().map(String::as_str))
        });
        let prelude =
            self.spaces.first().into_iter().flat_map(|space| space.values.keys().map(String::as_str));
        let events = self.event_ids.keys().map(String::as_str);
        let fixed = ["basket", "event", "member", "lines", "units", "payments"].into_iter();
        self.nearest(name, scope.names().chain(own).chain(prelude).chain(events).chain(fixed))
    }

    /// What is known not to be missing where an expression is `truth`.
    pub(super) fn implied(&self, expr: &crate::typed::Expr, truth: bool) -> Vec<Key> {
        match &expr.kind {
            ExprKind::Known(inner) if truth => self.keys(inner),
            ExprKind::Field { field, .. } if truth && *field == self.builtins.member_known => {
                vec![Key::Member]
            }
            ExprKind::Not(inner) => self.implied(inner, !truth),
            ExprKind::And(parts) => self.implied_by(parts, truth, truth),
            ExprKind::Or(parts) => self.implied_by(parts, truth, !truth),
            ExprKind::Call(function, _) if truth => self
                .function_infos
                .get(function.0 as usize)
                .map(|info| info.implies.clone())
                .unwrap_or_default(),
            ExprKind::InReference(value, _) | ExprKind::SetContains(_, value) if truth => self.keys(value),
            ExprKind::SetHas(value, _) if truth => self.keys(value),
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Field { .. }
            | ExprKind::Local(_)
            | ExprKind::Param(_)
            | ExprKind::Call(..)
            | ExprKind::Compare(..)
            | ExprKind::InRange { .. }
            | ExprKind::OneOf(..)
            | ExprKind::InReference(..)
            | ExprKind::SetHas(..)
            | ExprKind::SetContains(..)
            | ExprKind::Known(_)
            | ExprKind::Convert { .. }
            | ExprKind::Sum(_)
            | ExprKind::Product(_)
            | ExprKind::Modulo(..)
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => Vec::new(),
        }
    }

    /// Of a chain: all parts have the truth (`every`), or one of them has.
    fn implied_by(&self, parts: &[crate::typed::Expr], truth: bool, every: bool) -> Vec<Key> {
        let mut parts = parts.iter().map(|part| self.implied(part, truth));
        if every {
            return parts.flatten().collect();
        }
        let mut common = parts.next().unwrap_or_default();
        for part in parts {
            if common.is_empty() {
                break;
            }
            common.retain(|key| part.contains(key));
        }
        common
    }

    /// What an expression's presence shows to be there.
    pub(super) fn keys(&self, expr: &crate::typed::Expr) -> Vec<Key> {
        match &expr.kind {
            ExprKind::Field { field, of } => {
                let mut keys = vec![Key::Field(*field, *of)];
                match (self.out.fields.get(field.0 as usize).map(|field| field.record), of) {
                    (Some(ir::RecordKind::Member), _) => keys.push(Key::Member),
                    (Some(ir::RecordKind::Product), Some(of)) => keys.push(Key::Product(*of)),
                    (
                        Some(
                            ir::RecordKind::Product
                            | ir::RecordKind::Event
                            | ir::RecordKind::Line
                            | ir::RecordKind::Payment
                            | ir::RecordKind::Derived,
                        )
                        | None,
                        _,
                    ) => {}
                }
                keys
            }
            ExprKind::Local(local) => vec![Key::Local(*local)],
            ExprKind::Call(function, arguments) if arguments.is_empty() => vec![Key::Counter(*function)],
            ExprKind::Error
            | ExprKind::Constant(_)
            | ExprKind::Bool(_)
            | ExprKind::Ordinal(_)
            | ExprKind::Param(_)
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
            | ExprKind::Convert { .. }
            | ExprKind::Sum(_)
            | ExprKind::Product(_)
            | ExprKind::Modulo(..)
            | ExprKind::Negate(_)
            | ExprKind::AddMonths(..)
            | ExprKind::Instant(..)
            | ExprKind::Moved(..)
            | ExprKind::Calendar(..)
            | ExprKind::Steps(..)
            | ExprKind::Extreme { .. }
            | ExprKind::Aggregate { .. }
            | ExprKind::Match { .. } => Vec::new(),
        }
    }
}

/// Diagnostics up to which names are suggested; as many as are shown of one file.
const MAX_SUGGESTED: usize = 100;

/// The candidate with which a longer word begins: `sat` of `Saturday`.
pub(super) fn begun<'n>(word: &str, mut candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let lower = word.to_ascii_lowercase();
    candidates.find(|candidate| {
        candidate.len() >= 3 && lower.len() > candidate.len() && lower.starts_with(candidate)
    })
}

/// The one of `candidates` that is close enough to `name` to be meant; the first in the alphabet of equally near ones.
pub(super) fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<String> {
    let length = name.chars().count();
    if length > 64 {
        return None;
    }
    let most = match length {
        0..=1 => 0,
        2..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    candidates
        .filter(|candidate| *candidate != name && candidate.len() <= 256)
        .filter_map(|candidate| {
            let distance =
                if candidate.to_lowercase() == name.to_lowercase() { 0 } else { distance(name, candidate) };
            (distance <= most).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate.to_string())
}

/// How many letters must be added, removed, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = a[i - 1] == b[j - 1];
            let mut least = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + usize::from(!same));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let names = ["basket", "member", "bonus"];
        assert_eq!(nearest("bakset", names.into_iter()).as_deref(), Some("basket"));
        assert_eq!(nearest("Member", names.into_iter()).as_deref(), Some("member"));
        assert_eq!(nearest("tier", names.into_iter()), None);
    }
}
