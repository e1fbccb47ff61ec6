//! Bundles: what a set is made of, and what may fall on it. It refuses to know how sets are chosen.

use super::names::{Binding, Scope};
use super::types::constant;
use super::{Checker, errors};
use crate::interpret::sets;
use crate::ir;
use crate::typed::{Bundle, BundlePart, Element, Expr, LocalId, Source, SourceKind, Step, Type};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

impl Checker<'_> {
    /// `take bundle set up to 3 times best for member { … }`: binds its name for the effects that follow.
    pub(super) fn take(&mut self, scope: &mut Scope, bundle: &ast::Bundle, place: Place) -> Option<Bundle> {
        self.refuse_taken(scope, &bundle.name);
        let up_to = match &bundle.up_to {
            Some(up_to) => Some(self.piece_count(scope, up_to)?),
            None => None,
        };
        let mut parts: Vec<BundlePart> = Vec::new();
        let mut broken = false;
        for part in &bundle.parts {
            let part_place = scope.place(part.name.span);
            if let Some(earlier) = parts.iter().find(|earlier| earlier.name == part.name.text) {
                self.report(errors::duplicate_name(part_place, "part", &part.name.text, earlier.place));
                broken = true;
                continue;
            }
            let count = self.piece_count(scope, &part.count);
            let of = self.source(scope, &part.of).map(|(source, _)| source);
            let (Some(count), Some(of)) = (count, of) else {
                broken = true;
                continue;
            };
            if of.of != Element::Unit {
                let word = self.collection_word(of.of);
                self.report(errors::wrong_element(of.place, "a bundle", &word, "units"));
                broken = true;
            } else if let Some(pick) = picked(&of) {
                self.report(errors::bundle_of_pick(pick));
                broken = true;
            }
            parts.push(BundlePart { name: part.name.text.clone(), count, of, place: part_place });
        }
        if parts.len() > sets::PARTS {
            self.report(errors::bundle_too_large(place, sets::PARTS));
            broken = true;
        }
        let name_place = scope.place(bundle.name.span);
        if broken {
            scope.bind(&bundle.name.text, Binding::Broken, name_place);
            return None;
        }
        let local = self.local(&bundle.name.text, Type::Collection(Element::Unit), name_place);
        let names = parts.iter().map(|part| part.name.clone()).collect();
        scope.bind(&bundle.name.text, Binding::Bundle { local, parts: names }, name_place);
        let member = match bundle.best_for {
            ast::BestFor::Member => true,
            ast::BestFor::Retailer => false,
        };
        Some(Bundle { name: bundle.name.text.clone(), local, parts, up_to, member, place })
    }

    /// Refuses a bundle where rules compete line by line for prices.
    pub(super) fn check_competition(&mut self, group: Option<usize>, place: Place) {
        let Some(info) = group.and_then(|group| self.group_infos.get(group)) else { return };
        let (name, group_place) = (info.name.clone(), info.place);
        let prices = info.kind == Some(super::groups::GroupKind::Discount);
        let Some(group) = self.out.groups.get(info.id.index()) else { return };
        if !may_compete(group.displace, group.per, prices) {
            self.report(errors::sets_per_line(place, &name, group_place));
        }
    }

    /// A number of pieces or of sets.
    fn piece_count(&mut self, scope: &mut Scope, count: &ast::Expr) -> Option<Expr> {
        let value = self.value(scope, count, Some(&Type::Number));
        if value.ty.is_error() {
            return None;
        }
        let quoted = self.quote(value.place);
        if !matches!(value.ty, Type::Number | Type::Count(_)) {
            let described = self.describe(&value.ty);
            self.report(errors::number_expected(value.place, &quoted, &described));
            return None;
        }
        if constant(&value).is_some_and(|value| value.num <= 0 || value.den != 1) {
            self.report(errors::pick_zero(value.place, &quoted));
            return None;
        }
        Some(value)
    }

    /// Makes the effects of a rule those of each of its sets.
    pub(super) fn of_sets(&mut self, bundle: Bundle, effects: Vec<Step>, steps: &mut Vec<Step>) {
        let mut body = Vec::new();
        for step in effects {
            match &step {
                // What does not depend on the set is worked out once.
                Step::Let(..) | Step::LetCollection(..) => steps.push(step),
                Step::Discount { target, place, .. } => {
                    if !falls_on_set(target) {
                        self.report(errors::not_of_the_bundle(*place, &bundle.name));
                    }
                    body.push(step);
                }
                Step::ForEach { .. }
                | Step::Debit { .. }
                | Step::Award { .. }
                | Step::Multiply { .. }
                | Step::Issue { .. }
                | Step::Gift { .. }
                | Step::Tell { .. }
                | Step::Set { .. }
                | Step::TenderLines { .. }
                | Step::TenderTerm { .. }
                | Step::When(_)
                | Step::Sets { .. } => {
                    body.push(step);
                }
            }
        }
        steps.push(Step::Sets { bundle: Box::new(bundle), body });
    }

    /// A bundle, or a part of one, as a collection.
    pub(super) fn bundle_units(
        &mut self,
        scope: &Scope,
        path: &ast::Path,
        place: Place,
    ) -> Option<Option<Source>> {
        let (head, rest) = path.parts.split_first()?;
        let Some((Binding::Bundle { local, parts }, _)) = scope.bound(&head.text) else { return None };
        let (local, parts) = (*local, parts.clone());
        let part = match rest {
            [] => None,
            [name] => match parts.iter().position(|part| *part == name.text) {
                Some(part) => u32::try_from(part).ok(),
                None => {
                    let near = self.nearest(&name.text, parts.iter().map(String::as_str));
                    let written = self.quote(place);
                    self.report(errors::unknown_name(place, "part of the bundle", &written, near.as_deref()));
                    return Some(None);
                }
            },
            [_, ..] => {
                let written = self.quote(place);
                self.report(errors::unknown_name(place, "part of the bundle", &written, None));
                return Some(None);
            }
        };
        let element = self.local("unit", Type::Record(crate::typed::RecordType::Unit), place);
        Some(Some(Source {
            kind: SourceKind::Set { bundle: local, part },
            of: Element::Unit,
            element,
            place,
        }))
    }

    /// Refuses a bundle where a value is worked out of its pieces: what is written there would be of many sets at once.
    pub(super) fn refuse_bundle(&mut self, source: &Source) -> bool {
        let Some(bundle) = of_bundle(source) else { return false };
        let name =
            self.out.locals.get(bundle.0 as usize).map_or_else(String::new, |local| local.name.clone());
        self.report(errors::bundle_value(source.place, &name));
        true
    }
}

/// Where a source takes only some of the pieces of a line.
fn picked(source: &Source) -> Option<Place> {
    match &source.kind {
        SourceKind::All | SourceKind::Past(_) | SourceKind::Bound(_) => None,
        SourceKind::Filter(inner, _) => picked(inner),
        SourceKind::One(_)
        | SourceKind::Set { .. }
        | SourceKind::Extreme { .. }
        | SourceKind::EveryNth { .. } => Some(source.place),
    }
}

/// Whether an effect falls on the set, a part of it, or the cheapest or dearest few of either.
fn falls_on_set(source: &Source) -> bool {
    match &source.kind {
        SourceKind::Set { .. } => true,
        SourceKind::Extreme { from, every: None, .. } => matches!(from.kind, SourceKind::Set { .. }),
        SourceKind::Extreme { .. }
        | SourceKind::All
        | SourceKind::Past(_)
        | SourceKind::Bound(_)
        | SourceKind::One(_)
        | SourceKind::Filter(..)
        | SourceKind::EveryNth { .. } => false,
    }
}

fn of_bundle(source: &Source) -> Option<LocalId> {
    match &source.kind {
        SourceKind::Set { bundle, .. } => Some(*bundle),
        SourceKind::All | SourceKind::Past(_) | SourceKind::Bound(_) | SourceKind::One(_) => None,
        SourceKind::Filter(from, _)
        | SourceKind::Extreme { from, .. }
        | SourceKind::EveryNth { from, .. } => of_bundle(from),
    }
}

/// The groups in which sets may compete with other rules: whole sets stay or go, so never line by line.
pub(super) fn may_compete(displace: ir::Displace, per: ir::Scope, prices: bool) -> bool {
    match (displace, per) {
        (ir::Displace::None | ir::Displace::Chain, _) => true,
        (
            ir::Displace::First | ir::Displace::BestForMember | ir::Displace::BestForRetailer,
            ir::Scope::Unit | ir::Scope::Basket,
        ) => true,
        (
            ir::Displace::First | ir::Displace::BestForMember | ir::Displace::BestForRetailer,
            ir::Scope::Line,
        ) => !prices,
    }
}
