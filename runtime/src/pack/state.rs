//! Exactly what state a pack reads and keeps: for people, and for who provides the store. It refuses to know how state is
//! kept.

use perq_compiler::ir::{
    Column, CounterKey, EventId, LimitOf, Program, RowSource, SiteKind, SlotId, StateRead,
};
use serde::{Deserialize, Serialize};

/// The state that a pack reads. An empty one means that each event is decided by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateEntry {
    /// Parts of a member's history.
    pub histories: Vec<HistoryEntry>,
    /// Values worked out once an event, from the history.
    pub derived: Vec<DerivedEntry>,
    /// What limits and budgets count.
    pub counters: Vec<CounterEntry>,
    /// Accounts whose balance is read.
    pub balances: Vec<String>,
    /// Coupons whose codes are kept.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub coupons: Vec<String>,
    /// Certificates that are kept.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub certificates: Vec<String>,
    /// Badges that are kept.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub badges: Vec<String>,
    /// Conditions that lots carry, under which they can be spent.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub spendables: Vec<String>,
    /// Offers of which is counted how they were taken, by what tells kinds of members apart.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub learned: Vec<String>,
    /// Fields of members that rules set, and the one that levels govern.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<String>,
    /// What has lines is kept for the goods that may come back of it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub returns: bool,
}

/// A part of a member's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryEntry {
    /// As rules write it.
    pub name: String,
    /// Kinds of events.
    pub events: Vec<String>,
    /// Whether its rows are the lines of the events.
    pub lines: bool,
    /// Local days before the event's own that are read; all of them where it is absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub days: Option<u32>,
    /// What is read of a row.
    pub reads: Vec<String>,
}

/// A value worked out once an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivedEntry {
    /// The counter's name, or the words of the aggregate.
    pub name: String,
    /// Kinds of events.
    pub events: Vec<String>,
}

/// What a limit or a budget counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterEntry {
    /// Its lasting name, by which decisions claim.
    pub name: String,
    /// For whom: `member`, `campaign`, or the field that names another member.
    pub per: String,
    /// Over which time, as rules write it.
    pub window: String,
    /// What is counted: `discount`, `times`, `gift`, or an account.
    pub of: String,
    /// Its unit: the currency, an account's unit, `times`, or `pcs`.
    pub unit: String,
}

impl StateEntry {
    /// What a program reads and counts.
    pub(super) fn of(program: &Program) -> StateEntry {
        let account = |account: perq_compiler::ir::AccountId| program.accounts.get(account.index());
        let slot_name = |slot: SlotId| {
            program.layout.event.get(slot.index()).map_or_else(String::new, |slot| slot.name.clone())
        };
        let events = |events: &[EventId]| {
            let name = |event: &EventId| Some(program.events.get(event.index())?.name.clone());
            events.iter().filter_map(name).collect()
        };
        let column = |column: &Column| match column {
            Column::Field(slot) => slot.name.clone(),
            Column::Event(slot) => slot_name(*slot),
            Column::Line(slot) => {
                let slot = program.layout.line.get(slot.index());
                slot.map_or_else(String::new, |slot| slot.name.clone())
            }
            Column::LocalAt => "at".to_owned(),
            Column::PaidNet => "paid net of returns".to_owned(),
            Column::Returned => "returned".to_owned(),
            Column::PiecesKept => "pieces net of returns".to_owned(),
        };
        let history = |table: &perq_compiler::ir::RowTable| {
            let (history, lines) = match &table.source {
                RowSource::List { .. } => return None,
                RowSource::Earlier(history) => (history, false),
                RowSource::EarlierLines(history) => (history, true),
            };
            Some(HistoryEntry {
                name: table.name.clone(),
                events: events(&history.events),
                lines,
                days: history.days,
                reads: table.columns.iter().map(column).collect(),
            })
        };
        let balance = |read: &perq_compiler::ir::StateSlot| match read.read {
            StateRead::Balance(id) => account(id).map(|account| account.name.clone()),
            StateRead::Coupon(_)
            | StateRead::Badge(_)
            | StateRead::Refund
            | StateRead::BoughtOn
            | StateRead::Missing(_)
            | StateRead::After(_)
            | StateRead::Last(_)
            | StateRead::Until(_)
            | StateRead::Anniversary(_) => None,
        };
        let instruments = &program.instruments;
        let set = |site: &perq_compiler::ir::Site| match site.kind {
            SiteKind::Set { slot, .. } => Some(slot),
            SiteKind::Award { .. }
            | SiteKind::Multiply { .. }
            | SiteKind::Discount { .. }
            | SiteKind::Debit { .. }
            | SiteKind::Tender { .. }
            | SiteKind::Tell { .. }
            | SiteKind::Issue { .. }
            | SiteKind::Gift { .. } => None,
        };
        let mut fields: Vec<SlotId> = program.sites.iter().filter_map(set).collect();
        fields.extend(instruments.tiers.iter().map(|tiers| tiers.slot));
        fields.sort_unstable();
        fields.dedup();
        let counter = |counter: &perq_compiler::ir::Counter| {
            let (of, unit) = match counter.of {
                LimitOf::Discounts => ("discount".to_owned(), program.currency.code.clone()),
                LimitOf::Times => ("times".to_owned(), "times".to_owned()),
                LimitOf::Gifts => ("gift".to_owned(), "pcs".to_owned()),
                LimitOf::Awards(id) => account(id)
                    .map(|account| (account.name.clone(), account.unit.clone()))
                    .unwrap_or_default(),
            };
            CounterEntry {
                name: counter.name.clone(),
                per: match counter.per {
                    CounterKey::Campaign => "campaign".to_owned(),
                    CounterKey::Member => "member".to_owned(),
                    CounterKey::Inviter(slot) => slot_name(slot),
                },
                window: counter.window.to_string(),
                of,
                unit,
            }
        };
        StateEntry {
            histories: program.layout.tables.iter().filter_map(history).collect(),
            derived: program
                .derivations
                .iter()
                .map(|derived| DerivedEntry { name: derived.name.clone(), events: events(&derived.events) })
                .collect(),
            counters: program.counters.iter().map(counter).collect(),
            balances: program.reads.iter().filter_map(balance).collect(),
            coupons: instruments.coupons.iter().map(|coupon| coupon.name.clone()).collect(),
            certificates: instruments.certificates.iter().map(|one| one.name.clone()).collect(),
            badges: instruments.badges.iter().map(|badge| badge.name.clone()).collect(),
            spendables: program.spendables.iter().map(|spendable| spendable.name.clone()).collect(),
            learned: {
                let learns = program.offers.list.iter().filter(|offer| offer.learn.is_some());
                learns.map(|offer| offer.name.clone()).collect()
            },
            fields: fields.into_iter().map(slot_name).collect(),
            returns: program.returns,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self == &StateEntry::default()
    }
}
