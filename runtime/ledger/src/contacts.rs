//! What offers have learned from reactions, as it was last read and as it is kept: by the names of offers and of what
//! tells members apart, which another version of the program reads alike. Also what a reaction's record says.
//!
//! Refuses to know how likely anything is: what counts mean is the compiler's to say.

use crate::store::TallyRow;
use perq_compiler::evaluate::Tally;
use perq_compiler::ir::Offer;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What a session's log says of an offer that it answers with; the other words are those of reactions.
pub const OFFERED: &str = "offered";

/// The kind that stands for all members.
pub const ALL: &str = "";

/// What is known of how offers were taken, by their lasting names.
#[derive(Clone, Debug, Default)]
pub struct Learned(BTreeMap<String, Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    /// How many reactions it comes of.
    seq: i64,
    /// By kind.
    tallies: BTreeMap<String, Tally>,
}

impl Learned {
    /// How many reactions to an offer are counted in it.
    pub fn seq(&self, offer: &str) -> i64 {
        self.0.get(offer).map_or(0, |known| known.seq)
    }

    /// What is known of an offer and a kind.
    pub fn tally(&self, offer: &str, kind: &str) -> Option<Tally> {
        self.0.get(offer)?.tallies.get(kind).copied()
    }

    /// Takes over rows, among them that of all members of each offer. False where they know less than was known: then it is
    /// another ledger than it was.
    pub fn take<'r>(&mut self, rows: impl IntoIterator<Item = &'r TallyRow>) -> bool {
        let mut is_whole = true;
        for row in rows {
            let known = self.0.entry(row.offer.clone()).or_default();
            if row.kind == ALL {
                is_whole &= row.seq >= known.seq;
                known.seq = row.seq;
            }
            let tally = Tally { ended: row.ended, accepted: row.accepted, day: row.day };
            known.tallies.insert(row.kind.clone(), tally);
        }
        is_whole
    }
}

/// A kind of members as it is kept; nothing for a number that the offer does not have.
pub fn kind_text(offer: &Offer, kind: i64) -> Option<String> {
    serde_json::to_string(&offer.kind_names(kind)?).ok()
}

/// What the record of a reaction says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The offer.
    pub offer: String,
    /// How it was taken.
    pub answer: String,
    /// In which session it was shown.
    pub session: Option<String>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    offer: Option<&'a RawValue>,
    #[serde(borrow, default)]
    answer: Option<&'a RawValue>,
    #[serde(borrow, default)]
    session: Option<&'a RawValue>,
}

/// Reads it.
pub fn told(json: &str) -> Told {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(json) else { return Told::default() };
    let text = |raw: &RawValue| -> String {
        serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
    };
    Told {
        offer: fields.offer.map(text).unwrap_or_default(),
        answer: fields.answer.map(text).unwrap_or_default(),
        session: fields.session.filter(|raw| raw.get() != "null").map(text),
    }
}
