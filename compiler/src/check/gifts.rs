//! Gifts: which products, how many pieces, from what stock, and where the member says which one. It refuses to know what
//! a basket holds.

use super::effects::Context;
use super::groups::GroupKind;
use super::names::{Events, Scope};
use super::types::constant;
use super::{Checker, errors};
use crate::ir;
use crate::typed::{
    Element, Expr, ExprKind, Field, FieldId, GiftOption, Ratio, RecordType, Source, SourceKind, Step, Type,
};
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

impl Checker<'_> {
    /// `gift 1 pcs of sku ["A", "B"] stock 100 pcs else nothing`
    pub(super) fn gift(
        &mut self,
        scope: &mut Scope,
        gift: &ast::Gift,
        place: Place,
        context: &Context,
    ) -> Option<Step> {
        if !scope.loops.is_empty() {
            let why =
                "it stands in a loop, and would be given again and again; work the pieces out in `( … )`";
            self.report(errors::wrong_gift(place, why));
            return None;
        }
        if matches!(context.kind, Some(GroupKind::Earn | GroupKind::State)) && !gift.added {
            let why = "the prices are settled where points are awarded; say `always added`, or give it in a group of \
                       discounts";
            self.report(errors::wrong_gift(place, why));
        }
        let pieces = self.pieces_of(scope, &gift.quantity);
        let options = self.gift_options(scope, gift, context);
        let several =
            |options: &[GiftOption]| options.windows(2).any(|pair| pair[0].choice == pair[1].choice);
        let (pieces, options) = pieces.zip(options)?;
        let chosen = several(&options).then(|| self.chosen_field(scope, &context.rule, place)).flatten();
        let reason = gift.reason.as_ref().map(|reason| reason.value.clone());
        Some(Step::Gift { options, pieces, chosen, added: gift.added, reason, place })
    }

    /// A number of pieces.
    fn pieces_of(&mut self, scope: &mut Scope, written: &ast::Expr) -> Option<Expr> {
        let unit = self.counts.get("pcs").copied();
        let value = self.value_of(scope, written, &unit.map_or(Type::Number, Type::Count));
        if value.ty.is_error() || matches!(value.kind, ExprKind::Error) {
            return None;
        }
        let nothing = |value: &Ratio| value.num <= 0 || value.den != 1;
        if constant(&value).as_ref().is_some_and(nothing) {
            let quoted = self.quote(value.place);
            let why = format!("`{quoted}` is no whole number of pieces from 1 on");
            self.report(errors::wrong_gift(value.place, &why));
            return None;
        }
        Some(value)
    }

    /// The products, those of a choice together.
    fn gift_options(
        &mut self,
        scope: &mut Scope,
        gift: &ast::Gift,
        context: &Context,
    ) -> Option<Vec<GiftOption>> {
        let kind = self.kind_ids.get("sku").copied()?;
        let mut options: Vec<GiftOption> = Vec::new();
        let last = gift.choices.len().saturating_sub(1);
        for (choice, position) in gift.choices.iter().zip(0u32..) {
            let place = scope.place(choice.span);
            let quoted = self.quote(place);
            if choice.kind.text != "sku" {
                let why = format!("`{quoted}` is no product; name each by its `sku`");
                self.report(errors::wrong_gift(place, &why));
                return None;
            }
            let is_last = position as usize == last && !gift.nothing;
            let stock = match &choice.stock {
                Some(stock) => Some(self.stock_of(scope, stock)?),
                None => None,
            };
            if stock.is_some() && is_last {
                let why = format!(
                    "`{quoted}` does not say what is given when none is left; say `else nothing` or `else sku …`"
                );
                self.report(errors::wrong_gift(place, &why));
            } else if stock.is_none() && !is_last {
                let why = format!("`{quoted}` has no `stock`, so that what `else` says is never given");
                self.report(errors::wrong_gift(place, &why));
            }
            for name in &choice.names {
                if options.iter().any(|option| option.sku == name.value) {
                    let why = format!("`{}` is named twice", name.value);
                    self.report(errors::wrong_gift(scope.place(name.span), &why));
                    return None;
                }
                let reference = ir::Reference { kind, names: vec![name.value.clone()] };
                let units = if gift.added { None } else { self.units_of(scope, &reference, place) };
                let counter = |stock| (stock, format!("gift.{}.{}", context.lasting, name.value));
                options.push(GiftOption {
                    sku: name.value.clone(),
                    reference,
                    units,
                    choice: position,
                    stock: stock.map(counter),
                });
            }
        }
        Some(options)
    }

    /// `100 pcs`
    fn stock_of(&mut self, scope: &mut Scope, written: &ast::Expr) -> Option<i64> {
        let value = self.pieces_of(scope, written)?;
        let whole = constant(&value).and_then(Ratio::to_i64);
        if whole.is_none() {
            let quoted = self.quote(value.place);
            self.report(errors::number_out_of_range(value.place, &quoted));
        }
        whole
    }

    /// The units that a reference matches; none where no event of the rule has lines.
    fn units_of(&mut self, scope: &Scope, reference: &ir::Reference, place: Place) -> Option<Source> {
        let Events::Heard(events) = &scope.events else { return None };
        let lines = |event: &ir::EventId| self.event_infos.get(event.index()).is_some_and(|info| info.lines);
        if !events.iter().any(lines) {
            return None;
        }
        let sku = self.records.line.get("sku").copied()?;
        let ty = self.field_of(sku)?.ty.clone();
        let element = self.local("unit", Type::Record(RecordType::Unit), place);
        let all = Source { kind: SourceKind::All, of: Element::Unit, element, place };
        let field = Expr { kind: ExprKind::Field { field: sku, of: Some(element) }, ty, place };
        let kind = ExprKind::InReference(Box::new(field), reference.clone());
        let condition = Expr { kind, ty: Type::Bool, place };
        Some(Source {
            kind: SourceKind::Filter(Box::new(all), Box::new(condition)),
            of: Element::Unit,
            element,
            place,
        })
    }

    /// `chosen.RULE`: the field of the event in which the member chooses.
    fn chosen_field(&mut self, scope: &Scope, rule: &str, place: Place) -> Option<FieldId> {
        let kind = self.kind_ids.get("sku").copied()?;
        let name = format!("chosen.{rule}");
        let known = self
            .out
            .fields
            .iter()
            .position(|field| field.name == name && field.record == ir::RecordKind::Event);
        let field = match known {
            Some(position) => FieldId(position as u32),
            None => self.add_field(Field {
                name: name.clone(),
                record: ir::RecordKind::Event,
                key: vec!["chosen".to_owned(), rule.to_owned()],
                ty: Type::Optional(Box::new(Type::Symbol(kind))),
                slot: ir::SlotType::Symbol(kind),
                den: 1,
                default: None,
                inherits: false,
                builtin: None,
                events: Vec::new(),
                place,
            }),
        };
        let Events::Heard(events) = &scope.events else { return Some(field) };
        for event in events {
            if let Some(info) = self.event_infos.get_mut(event.index()) {
                info.fields.entry(name.clone()).or_insert(field);
            }
        }
        Some(field)
    }
}
