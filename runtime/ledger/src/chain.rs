//! The chain of a member: each event that touches the member adds a link, and a link's hash covers the one before it and
//! everything that the event did to the member. So what is taken out, changed or put in between later is found.
//!
//! Refuses to know where rows are kept: whoever writes and whoever audits hash the same rows.

use crate::store::{EntryRow, EventRow, LotRow};

/// What stands before a member's first link.
pub const NOTHING: &str = "";

/// The hash of a link. `lots` and `entries` are those of the event and the member, in the order of their parts.
pub fn hash<'r>(
    before: &str,
    member: &str,
    seq: i64,
    event: &EventRow,
    lots: impl Iterator<Item = &'r LotRow>,
    entries: impl Iterator<Item = &'r EntryRow>,
) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |value: serde_json::Value| {
        hasher.update(value.to_string().as_bytes());
        hasher.update(b"\n");
    };
    add(serde_json::json!([
        "perq link 1",
        before,
        member,
        seq,
        event.number,
        event.key.source,
        event.key.id,
        event.key.revision,
        event.kind,
        event.member,
        [event.at, event.date, event.time],
        blake3::hash(event.json.as_bytes()).to_hex().as_str(),
        blake3::hash(event.decision.as_bytes()).to_hex().as_str(),
        event.refused,
        event.pack,
        event.tz,
        event.snapshot,
        event.past.as_deref().map(|past| blake3::hash(past.as_bytes()).to_hex().to_string()),
        event.origin.as_ref().map(|origin| {
            serde_json::json!([
                origin.event,
                origin.seq,
                blake3::hash(origin.text.as_bytes()).to_hex().as_str()
            ])
        }),
    ]));
    for lot in lots {
        add(serde_json::json!([
            "lot",
            lot.key.part,
            lot.account,
            [lot.issued, lot.start],
            lot.until,
            lot.granted,
            [lot.by.event, lot.by.raised],
            lot.by.site,
            lot.spendable
        ]));
    }
    for entry in entries {
        add(serde_json::json!([
            "entry",
            entry.part,
            entry.account,
            entry.book.name(),
            entry.amount,
            entry.lot.map(|lot| [lot.event, lot.part]),
            entry.rule
        ]));
    }
    hasher.finalize().to_hex().to_string()
}
