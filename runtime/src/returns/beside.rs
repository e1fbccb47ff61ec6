//! What an event did besides amounts: what it issued, the fields that it set, the codes that it redeemed; and what of that
//! is undone when its goods come back. Refuses to know who keeps them.

use super::Origin;
use crate::record::ReadEvent;
use crate::state::State;
use crate::state::instruments::{Outcome, Value, codes, name_of, outcome, owner_of};
use perq_compiler::evaluate::Decision;
use perq_compiler::ir::{Codes, InstrumentId, Program, RuleId, SiteId, SiteKind, SlotId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an event did besides amounts, or what is left of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// What it issued, one by one.
    pub gave: Vec<Gave>,
    /// Fields of its member that it set.
    pub set: Vec<SetField>,
    /// Issued codes that it redeemed.
    pub redeemed: Vec<Redeemed>,
}

/// One coupon, certificate or badge that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gave {
    /// By which effect of the text; none of a badge that was earned by its own condition.
    pub site: Option<SiteId>,
    /// Which.
    pub instrument: InstrumentId,
    /// Its code; none of a badge.
    pub code: Option<Box<str>>,
    /// What a certificate is worth, in minor units; 1 of others.
    pub value: i64,
    /// Whose it is; anybody's where the event had no member.
    pub owner: Option<Box<str>>,
    /// Its last day.
    pub expires: Option<i64>,
}

/// A field that was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetField {
    /// By which effect of the text.
    pub site: SiteId,
    /// The event slot that holds the field.
    pub slot: SlotId,
    /// To what.
    pub value: Value,
    /// The last day on which it holds.
    pub until: Option<i64>,
}

/// An issued code that was redeemed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeemed {
    /// As it was presented.
    pub code: Box<str>,
    /// Its coupon's rule.
    pub rule: RuleId,
    /// The rule gave products, which are not brought back as goods of a line: the use stays as long as anything does.
    pub lasting: bool,
}

/// What is undone with goods that come back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// What is withdrawn.
    pub withdrawn: Vec<Withdrawn>,
    /// Fields that are no longer set as they were.
    pub fields: Vec<Unset>,
    /// Codes that can be redeemed once more.
    pub uses: Vec<Box<str>>,
}

/// A coupon, certificate or badge that is withdrawn, or worth less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// As it was.
    pub gave: Gave,
    /// What a certificate is still worth, in minor units; 0 where it is withdrawn.
    pub left: i64,
    /// How often a coupon has been redeemed: what that gave stays.
    pub uses: u32,
}

/// A field that is no longer set as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unset {
    /// As it was set.
    pub set: SetField,
    /// To what it is set now; what was before holds again where it is not.
    pub left: Option<(Value, Option<i64>)>,
}

impl Beside {
    /// What a decision does besides amounts.
    pub fn of(program: &Program, event: &ReadEvent, decision: &Decision) -> Beside {
        let mut beside = Beside::default();
        for (issue, codes) in codes(program, event.id(), &decision.issues) {
            let owner: Option<Box<str>> = owner_of(program, event, issue).map(Box::from);
            let one = |code: Option<Box<str>>, value: i64| Gave {
                site: issue.site,
                instrument: issue.instrument,
                code,
                value,
                owner: owner.clone(),
                expires: issue.expires,
            };
            match issue.instrument {
                InstrumentId::Badge(_) => beside.gave.push(one(None, 1)),
                InstrumentId::Coupon(_) => {
                    beside.gave.extend(codes.into_iter().map(|code| one(Some(code.into()), 1)));
                }
                InstrumentId::Certificate(_) => {
                    beside.gave.extend(codes.into_iter().map(|code| one(Some(code.into()), issue.number)));
                }
            }
        }
        let governed = |slot: SlotId| program.instruments.tiers.iter().any(|tiers| tiers.slot == slot);
        for change in decision.changes.iter().filter(|change| !governed(change.slot)) {
            let name = name_of(program, event, change).map(|name| Value::Name(name.into()));
            beside.set.push(SetField {
                site: change.site,
                slot: change.slot,
                value: name.unwrap_or(Value::Number(change.value)),
                until: change.until,
            });
        }
        for presented in &event.presented {
            let coupon = presented.coupon.and_then(|id| program.instruments.coupons.get(id as usize));
            let Some(coupon) = coupon.filter(|_| outcome(program, presented, decision) == Outcome::Accepted)
            else {
                continue;
            };
            match coupon.codes {
                Codes::Shared(_) => {}
                Codes::Unique { .. } => beside.redeemed.push(Redeemed {
                    code: presented.code.clone(),
                    rule: coupon.rule,
                    lasting: decision.gifts.iter().any(|gift| gift.rule == coupon.rule),
                }),
            }
        }
        beside
    }

    /// Nothing.
    pub fn is_empty(&self) -> bool {
        self.gave.is_empty() && self.set.is_empty() && self.redeemed.is_empty()
    }

    /// What is left of it where an event would do what `again` says, and what is undone. Nothing is issued that was not
    /// before; of codes those go first that nobody has redeemed, the last before the first.
    pub(super) fn against(
        &self,
        program: &Program,
        state: &dyn State,
        again: Option<&Decision>,
    ) -> (Beside, Undone) {
        let (mut left, mut undone) = (Beside::default(), Undone::default());
        let mut sites: BTreeMap<SiteId, Vec<&Gave>> = BTreeMap::new();
        for gave in &self.gave {
            match gave.site {
                Some(site) => sites.entry(site).or_default().push(gave),
                // What has a condition of its own is asked for it, once the event has been kept.
                None => left.gave.push(gave.clone()),
            }
        }
        for (site, gave) in sites {
            let issues = again.map_or(&[][..], |again| &again.issues).iter();
            let issues: Vec<i64> =
                issues.filter(|issue| issue.site == Some(site)).map(|issue| issue.number).collect();
            let now = match gave.first().map(|gave| gave.instrument) {
                Some(InstrumentId::Certificate(_)) => issues,
                Some(InstrumentId::Coupon(_) | InstrumentId::Badge(_)) | None => {
                    // Of these it only matters how many stay.
                    let many = issues.iter().fold(0i64, |sum, number| sum.saturating_add(*number));
                    stay(state, &gave, usize::try_from(many).unwrap_or(0))
                }
            };
            let values = now.into_iter().chain(std::iter::repeat(0));
            for (gave, value) in gave.into_iter().zip(values) {
                let value = value.clamp(0, gave.value);
                if value < gave.value {
                    let uses = gave.code.as_deref().map_or(0, |code| state.coupon_uses(code));
                    undone.withdrawn.push(Withdrawn { gave: gave.clone(), left: value, uses });
                }
                if value > 0 {
                    left.gave.push(Gave { value, ..gave.clone() });
                }
            }
        }
        for set in &self.set {
            let changes = again.map_or(&[][..], |again| &again.changes).iter();
            let now = changes.rev().find(|change| change.site == set.site).map(|change| {
                let value = match sets_a_name(program, set.site) {
                    true => set.value.clone(),
                    false => Value::Number(change.value),
                };
                (value, change.until)
            });
            if now.as_ref() != Some(&(set.value.clone(), set.until)) {
                undone.fields.push(Unset { set: set.clone(), left: now.clone() });
            }
            left.set.extend(now.map(|(value, until)| SetField { value, until, ..set.clone() }));
        }
        for redeemed in &self.redeemed {
            match again.is_some_and(|again| redeemed.lasting || stands(again, redeemed.rule)) {
                true => left.redeemed.push(redeemed.clone()),
                false => undone.uses.push(redeemed.code.clone()),
            }
        }
        (left, undone)
    }
}

impl Origin {
    /// The badges that its member has by their own conditions since it.
    pub(crate) fn earned(&self) -> impl Iterator<Item = u32> {
        self.beside.gave.iter().filter(|gave| gave.site.is_none()).filter_map(|gave| match gave.instrument {
            InstrumentId::Badge(badge) => Some(badge),
            InstrumentId::Coupon(_) | InstrumentId::Certificate(_) => None,
        })
    }
}

/// Which of some coupons or badges stay where so many do: 1 for those, else 0.
fn stay(state: &dyn State, gave: &[&Gave], many: usize) -> Vec<i64> {
    let uses = |at: &usize| {
        let code = gave.get(*at).and_then(|gave| gave.code.as_deref());
        code.map_or(0, |code| state.coupon_uses(code))
    };
    let mut order: Vec<usize> = (0..gave.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(uses(at).min(1)), *at));
    let mut stays = vec![0; gave.len()];
    for at in order.into_iter().take(many) {
        if let Some(place) = stays.get_mut(at) {
            *place = 1;
        }
    }
    stays
}

/// Whether a rule still does anything.
fn stands(again: &Decision, rule: RuleId) -> bool {
    again.effects.iter().any(|effect| effect.rule == rule)
        || again.issues.iter().any(|issue| issue.rule == Some(rule))
        || again.changes.iter().any(|change| change.rule == rule)
}

/// Whether an effect sets a field to a name: that of the event or the text, whatever comes back.
fn sets_a_name(program: &Program, site: SiteId) -> bool {
    match program.sites.get(site.index()).map(|site| site.kind) {
        Some(SiteKind::Set { name, .. }) => name.is_some(),
        Some(
            SiteKind::Award { .. }
            | SiteKind::Multiply { .. }
            | SiteKind::Debit { .. }
            | SiteKind::Discount { .. }
            | SiteKind::Gift { .. }
            | SiteKind::Tell { .. }
            | SiteKind::Issue { .. }
            | SiteKind::Tender { .. },
        )
        | None => false,
    }
}
