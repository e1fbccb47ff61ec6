//! What a pack says about itself, for people and tools that do not want to decode a program.
//!
//! Made from the program and checked against it; nothing is believed because the manifest says so.

use super::state::StateEntry;
use perq_compiler::ir::{
    EVENT_BUILTINS, Effective, Governance, LINE_BUILTINS, PAYMENT_BUILTINS, Program, RecordKind, Slot,
    SlotType,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pack's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The program's name.
    pub program: String,
    /// The program's own version.
    pub version: u64,
    /// The language's number.
    pub language: u32,
    /// The version of perq that wrote the pack.
    pub compiler: String,
    /// The time zone database that it was written with, such as `2026e`.
    pub tz: String,
    /// The zone in which local times are read.
    pub zone: String,
    /// The currency of its money.
    pub currency: String,
    /// Its source files.
    pub sources: Vec<Source>,
    /// Its points accounts.
    pub accounts: Vec<AccountEntry>,
    /// Its groups, in the order in which they are settled.
    pub groups: Vec<GroupEntry>,
    /// Its rules, in order of declaration.
    pub rules: Vec<RuleEntry>,
    /// The fields that it reads, beside the ones that every record has.
    pub reads: Vec<Field>,
    /// The state that it reads and keeps.
    pub state: StateEntry,
}

/// Who wrote a pack: all of its manifest that does not follow from the program.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Writer {
    compiler: String,
    tz: String,
}

impl Writer {
    /// This version.
    pub fn this() -> Writer {
        Writer {
            compiler: env!("CARGO_PKG_VERSION").to_owned(),
            tz: crate::clock::database_version().to_owned(),
        }
    }
}

/// A source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// From the folder of the program.
    pub path: String,
    /// BLAKE3, hexadecimal.
    pub hash: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountEntry {
    /// Its key.
    pub name: String,
    /// Its unit's word.
    pub unit: String,
    /// Decimal digits.
    pub decimals: u8,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its key.
    pub name: String,
    /// As for a rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective: Option<String>,
    /// As for a rule.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub about: BTreeMap<String, String>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    /// Its key.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// Its group.
    pub group: String,
    /// Where it is written.
    pub place: String,
    /// `never`, or the day from which on it takes part; absent where only its conditions say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective: Option<String>,
    /// What `about` says, by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub about: BTreeMap<String, String>,
}

/// A field of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// As rules write it.
    pub name: String,
    /// The part of the input: `event`, `member`, `line`, `product` or `payment`.
    pub record: String,
    /// Where in that part.
    pub key: Vec<String>,
    /// Its type.
    pub r#type: String,
    /// May be absent.
    pub optional: bool,
}

impl Manifest {
    /// The manifest of a program.
    pub(super) fn of(program: &Program, writer: &Writer) -> Manifest {
        let layout = &program.layout;
        let parts = [
            (&layout.event, EVENT_BUILTINS.len()),
            (&layout.line, LINE_BUILTINS.len()),
            (&layout.payment, PAYMENT_BUILTINS.len()),
        ];
        Manifest {
            program: program.name.clone(),
            version: program.version,
            language: program.language,
            compiler: writer.compiler.clone(),
            tz: writer.tz.clone(),
            zone: program.zone.clone(),
            currency: program.currency.code.clone(),
            sources: program
                .sources
                .iter()
                .map(|source| Source { path: source.path.clone(), hash: source.hash.clone() })
                .collect(),
            accounts: program
                .accounts
                .iter()
                .map(|account| AccountEntry {
                    name: account.name.clone(),
                    unit: account.unit.clone(),
                    decimals: account.decimals,
                })
                .collect(),
            groups: program
                .groups
                .iter()
                .map(|group| GroupEntry {
                    name: group.name.clone(),
                    effective: effective(&group.governance),
                    about: about(&group.governance),
                })
                .collect(),
            rules: program
                .rules
                .iter()
                .map(|rule| RuleEntry {
                    name: rule.name.clone(),
                    title: rule.title.clone(),
                    group: program
                        .groups
                        .get(rule.group.index())
                        .map_or_else(String::new, |g| g.name.clone()),
                    place: place(program, rule.place),
                    effective: effective(&rule.governance),
                    about: about(&rule.governance),
                })
                .collect(),
            reads: parts
                .iter()
                .flat_map(|(slots, builtins)| slots.iter().skip(*builtins))
                .filter_map(|slot| field(program, slot))
                .collect(),
            state: StateEntry::of(program),
        }
    }
}

fn effective(governance: &Governance) -> Option<String> {
    match governance.effective {
        Effective::Stated => None,
        Effective::From(day) => Some(crate::clock::date_text(day)),
        Effective::Never => Some("never".to_owned()),
    }
}

fn about(governance: &Governance) -> BTreeMap<String, String> {
    governance.about.iter().cloned().collect()
}

/// `file:line:column`.
pub(crate) fn place(program: &Program, place: perq_compiler::ir::PlaceId) -> String {
    match program.places.get(place.index()) {
        Some(place) => {
            let path = program.sources.get(place.file as usize).map_or("?", |source| source.path.as_str());
            format!("{path}:{}:{}", place.line, place.column)
        }
        None => String::new(),
    }
}

fn field(program: &Program, slot: &Slot) -> Option<Field> {
    let record = match slot.record {
        RecordKind::Event => "event",
        RecordKind::Member => "member",
        RecordKind::Line => "line",
        RecordKind::Product => "product",
        RecordKind::Payment => "payment",
        RecordKind::Derived => return None,
    };
    let kind = |id: perq_compiler::ir::KindId| program.kinds.get(id.index()).map_or("?", |kind| &kind.name);
    let ty = match slot.ty {
        SlotType::Bool => "bool".to_owned(),
        SlotType::Money { scale } => format!("money scale {scale}"),
        SlotType::Points(account) => {
            format!(
                "points of {}",
                program.accounts.get(account.index()).map_or("?", |account| &account.name)
            )
        }
        SlotType::Percent => "percent".to_owned(),
        SlotType::Count => "count".to_owned(),
        SlotType::Number { scale } => format!("number scale {scale}"),
        SlotType::Date => "date".to_owned(),
        SlotType::Time => "time".to_owned(),
        SlotType::Instant => "instant".to_owned(),
        SlotType::Enum(id) => program.enums.get(id.index()).map_or("?", |e| &e.name).to_owned(),
        SlotType::Symbol(id) => kind(id).to_owned(),
        SlotType::Set(id) => format!("set of {}", kind(id)),
    };
    Some(Field {
        name: slot.name.clone(),
        record: record.to_owned(),
        key: slot.key.clone(),
        r#type: ty,
        optional: slot.optional || slot.default.is_some(),
    })
}
