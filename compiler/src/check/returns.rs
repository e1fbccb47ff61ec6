//! Goods that come back: what a return tells a rule, and which awards can be cancelled with one. It refuses to know what
//! comes back.

use super::names::{Events, Scope};
use super::{Checker, errors};
use crate::ir::{self, StateRead};
use crate::typed::Type;
use perq_grammar::ast;
use perq_grammar::diagnostic::Place;

/// What a return that names its purchase is told of it.
const MISSING: &str = "points_missing";

impl Checker<'_> {
    /// The fields of a return that kept state fills; what a program declares itself stands before them.
    pub(super) fn declare_returns(&mut self) {
        let Some(event) = self.event_ids.get(ir::RETURN).copied() else { return };
        let place = Place::default();
        let money = ir::SlotType::Money { scale: self.out.settings.decimals };
        let optional = |ty: Type| Type::Optional(Box::new(ty));
        let mut declared = vec![
            ("refund".to_owned(), optional(Type::Money), money, StateRead::Refund),
            ("bought_on".to_owned(), optional(Type::Date), ir::SlotType::Date, StateRead::BoughtOn),
        ];
        let accounts: Vec<(ir::AccountId, String)> =
            (0u32..).map(ir::AccountId).zip(self.out.accounts.iter().map(|a| a.name.clone())).collect();
        for (account, name) in &accounts {
            let ty = self.points_type(*account);
            let slot = if ty == Type::Money { money } else { ir::SlotType::Points(*account) };
            declared.push((format!("{MISSING}.{name}"), ty, slot, StateRead::Missing(*account)));
        }
        for (name, ty, slot, read) in declared {
            let taken = self
                .event_infos
                .get(event.index())
                .is_none_or(|info| info.fields.keys().any(|key| *key == name || key == MISSING));
            if taken {
                continue;
            }
            let field = self.state_field(format!("event.{name}"), ty, slot, read, place);
            if let StateRead::Missing(_) = read
                && let Some(field) = self.out.fields.get_mut(field.0 as usize)
            {
                // Points are missing to somebody: the rule asks for the member first.
                field.record = ir::RecordKind::Member;
            }
            if let Some(info) = self.event_infos.get_mut(event.index()) {
                info.fields.insert(name, field);
            }
        }
        // Without the account's name where no other can be meant: the only one, or the only one that is spent.
        let spent = accounts
            .iter()
            .filter(|(id, _)| self.out.accounts.get(id.index()).is_some_and(|account| account.redeemable));
        let spent: Vec<_> = spent.collect();
        let only = match (accounts.as_slice(), spent.as_slice()) {
            ([only], _) => Some(&only.1),
            (_, [only]) => Some(&only.1),
            _ => None,
        };
        if let Some(name) = only
            && let Some(info) = self.event_infos.get_mut(event.index())
            && let Some(field) = info.fields.get(&format!("{MISSING}.{name}")).copied()
        {
            info.fields.entry(MISSING.to_owned()).or_insert(field);
        }
    }

    /// `cancel on return …`: something has to be bought where it is awarded.
    pub(super) fn cancel(
        &mut self,
        scope: &Scope,
        option: &ast::Placed<ast::CancelOnReturn>,
    ) -> Option<ir::Cancel> {
        let heard: Vec<ir::EventId> = match &scope.events {
            Events::Heard(events) => events.to_vec(),
            Events::Inferred(events) => events.iter().flatten().copied().collect(),
        };
        let sells = |event: &ir::EventId| {
            let kind = self.out.events.get(event.index());
            let lines = self.event_infos.get(event.index()).is_some_and(|info| info.lines);
            lines && kind.is_some_and(|kind| kind.name != ir::RETURN)
        };
        if let Some(event) = heard.iter().find(|event| !sells(event)) {
            let name = self.out.events.get(event.index()).map(|event| event.name.clone()).unwrap_or_default();
            let place = scope.place(option.span);
            self.report(errors::no_origin(place, &name));
            return None;
        }
        Some(match option.kind {
            ast::CancelOnReturn::All => ir::Cancel::All,
            ast::CancelOnReturn::Proportional => ir::Cancel::Proportional,
        })
    }
}
