//! The chain of a member: each event that touches the member adds a link, and a link's hash covers the one before it and
//! everything that the event did to the member. So what is taken out, changed or put in between later is found.
//!
//! Refuses to know where rows are kept: whoever writes and whoever audits hash the same rows.

use crate::store::{EntryRow, EventRow, LotRow};
use serde::Serialize;

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
    let hex = |text: &str| blake3::hash(text.as_bytes()).to_hex();
    let (json, decision) = (hex(&event.json), hex(&event.decision));
    let past = event.past.as_deref().map(hex);
    let origin = event.origin.as_ref().map(|origin| (origin.event, origin.seq, hex(&origin.text)));
    // Once for each event and member, so that it is written without values in between.
    let mut text = Vec::with_capacity(768);
    let mut add = |line: &mut dyn FnMut(&mut Vec<u8>) -> serde_json::Result<()>| {
        // Plain data: nothing can fail.
        drop(line(&mut text));
        text.push(b'\n');
    };
    let link = Link(
        "perq link 1",
        before,
        member,
        seq,
        event.number,
        (&event.key.source, &event.key.id, event.key.revision),
        (&event.kind, event.member.as_deref()),
        [event.at, event.date, event.time],
        (json.as_str(), decision.as_str()),
        event.refused,
        (&event.pack, &event.tz, &event.snapshot),
        past.as_ref().map(|past| past.as_str()),
        origin.as_ref().map(|(event, seq, text)| (*event, *seq, text.as_str())),
    );
    add(&mut |text| serde_json::to_writer(text, &link));
    for lot in lots {
        let line = (
            ("lot", lot.key.part, &lot.account),
            [lot.issued, lot.start],
            lot.until,
            lot.granted,
            [lot.by.event, lot.by.raised],
            lot.by.site,
            &lot.spendable,
        );
        add(&mut |text| serde_json::to_writer(text, &line));
    }
    for entry in entries {
        let lot = entry.lot.map(|lot| [lot.event, lot.part]);
        let line = ("entry", entry.part, &entry.account, entry.book.name(), entry.amount, lot, &entry.rule);
        add(&mut |text| serde_json::to_writer(text, &line));
    }
    blake3::hash(&text).to_hex().to_string()
}

/// What a link says of its event, in the order in which it is hashed.
#[derive(Serialize)]
struct Link<'a>(
    &'a str,
    &'a str,
    &'a str,
    i64,
    i64,
    (&'a str, &'a str, i64),
    (&'a str, Option<&'a str>),
    [i64; 3],
    (&'a str, &'a str),
    bool,
    (&'a str, &'a str, &'a str),
    Option<&'a str>,
    Option<(i64, i64, &'a str)>,
);
