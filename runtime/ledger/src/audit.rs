//! The auditor: reads what was committed, works everything out anew from events and entries, and says what does not agree.
//! It uses nothing that was kept for reading except to compare it.
//!
//! The names `I1` to `I13` are those of `docs/reference/ledger.md`.

use crate::chain;
use crate::contacts::{ALL, OFFERED, told};
use crate::desk::{AskedOf, KeptOrigin, asked_of};
use crate::ledger::OWN;
use crate::schema::links_of;
use crate::store::{
    Book, Cause, Datum, EntryRow, EventKey, EventRow, FoundOrigin, HeldClaim, LotKey, LotRow, OriginRow,
    Store, StoreError, held_claims, held_codes,
};
use perq_compiler::evaluate::{Tallies, Tally, learn};
use perq_compiler::ir::{Answered, Learn, offers};
use perq_runtime::decision::Decision;
use std::collections::{BTreeMap, BTreeSet};

/// Members that are looked at together.
const TOGETHER: i64 = 500;

/// Findings that are told one by one.
const TOLD: usize = 100;

/// What does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What should hold, such as `I2`.
    pub invariant: &'static str,
    /// Where it does not.
    pub text: String,
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Members looked at.
    pub members: i64,
    /// Events looked at.
    pub events: i64,
    /// Entries looked at.
    pub entries: i64,
    /// Lots looked at.
    pub lots: i64,
    /// Claims looked at.
    pub claims: i64,
    /// The first findings.
    pub findings: Vec<Finding>,
    /// All of them.
    pub found: usize,
}

impl Report {
    fn find(&mut self, invariant: &'static str, text: String) {
        self.found = self.found.saturating_add(1);
        if self.findings.len() < TOLD {
            self.findings.push(Finding { invariant, text });
        }
    }
}

/// Audits a ledger.
///
/// # Errors
/// Where it cannot be read.
pub fn audit(store: &mut dyn Store) -> Result<Report, StoreError> {
    store.look()?;
    let done = whole(store);
    store.abandon();
    done
}

fn whole(store: &mut dyn Store) -> Result<Report, StoreError> {
    let mut report = Report::default();
    balanced(store, &mut report)?;
    once(store, &mut report)?;
    reservations(store, &mut report)?;
    counters(store, &mut report)?;
    coupons(store, &mut report)?;
    decisions(store, &mut report)?;
    contacts(store, &mut report)?;
    let mut last = String::new();
    let mut visited = Visited::default();
    loop {
        let names = store.query(
            &format!("SELECT name FROM member WHERE name > $1 ORDER BY name LIMIT {TOGETHER}"),
            &[Datum::Text(last.clone())],
        )?;
        let Some(next) = names.last().and_then(|row| row.first()).map(|name| name.text().to_owned()) else {
            break;
        };
        members(store, (&last, &next), &mut report, &mut visited)?;
        last = next;
    }
    for (table, seen, invariant) in [
        ("link", visited.links, "I6"),
        ("entry", visited.entries, "I6"),
        ("lot", visited.lots, "I4"),
        ("owed", visited.owed, "I2"),
    ] {
        let there = number(store, &format!("SELECT count(*) FROM {table}"))?;
        if there != seen {
            report.find(
                invariant,
                format!("{there} rows of {table}, of which {seen} belong to a member's chain"),
            );
        }
    }
    let of_members = number(store, "SELECT count(*) FROM event WHERE member IS NOT NULL")?;
    if of_members != visited.own {
        report.find(
            "I6",
            format!("{of_members} events of members, of which {} are in the chains of theirs", visited.own),
        );
    }
    report.entries = visited.entries;
    report.lots = visited.lots;
    Ok(report)
}

fn number(store: &mut dyn Store, sql: &str) -> Result<i64, StoreError> {
    let rows = store.query(sql, &[])?;
    Ok(rows.first().and_then(|row| row.first()).map_or(0, Datum::number))
}

/// I1: the entries of each event sum to nothing in each account.
fn balanced(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    let rows = store.query(
        "SELECT event, account, CAST(sum(amount) AS BIGINT) FROM entry GROUP BY event, account \
         HAVING sum(amount) <> 0 ORDER BY event, account LIMIT 1000",
        &[],
    )?;
    for row in rows {
        if let [event, account, sum] = row.as_slice() {
            report.find(
                "I1",
                format!(
                    "the entries of event number {} in {} sum to {}",
                    event.number(),
                    account.text(),
                    sum.number()
                ),
            );
        }
    }
    Ok(())
}

/// I5: each event once.
fn once(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    let rows = store.query(
        "SELECT id, source, revision, count(*) FROM event GROUP BY id, source, revision HAVING count(*) > 1 \
         ORDER BY id, source, revision LIMIT 1000",
        &[],
    )?;
    for row in rows {
        if let [id, _, _, times] = row.as_slice() {
            report.find("I5", format!("event {} is there {} times", id.text(), times.number()));
        }
    }
    Ok(())
}

/// I7: what is reserved is there until it ends, and ends once and wholly.
fn reservations(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    let rows = store.query(
        "SELECT v.id, CAST(sum(n.amount) AS BIGINT), count(DISTINCT v.number), count(DISTINCT v.source), min(v.source) \
         FROM entry n JOIN event v ON v.number = n.event WHERE n.book = 'reserved' GROUP BY v.id ORDER BY v.id",
        &[],
    )?;
    for row in rows {
        let [id, sum, events, sources, source] = row.as_slice() else { continue };
        let whole = match (events.number(), sources.number()) {
            (1, 1) => sum.number() > 0 && source.text() == crate::deeds::RESERVE,
            (2, 2) => sum.number() == 0,
            _ => false,
        };
        if !whole {
            report.find(
                "I7",
                format!("reservation {}: {} events leave {} held", id.text(), events.number(), sum.number()),
            );
        }
    }
    held_of_counters(store, report)?;
    held_codes_of(store, report)
}

/// I7 for codes that are held: the reservation redeems them, and they stay so where it was paid; else each is given back with
/// its end.
fn held_codes_of(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    let mut written: BTreeMap<i64, Vec<(String, i64)>> = BTreeMap::new();
    for row in store.query(
        "SELECT u.event, u.folded, u.amount FROM coupon_use u JOIN event v ON v.number = u.event \
         WHERE v.source IN ('perq:reserve', 'perq:release')",
        &[],
    )? {
        let [event, folded, amount] = row.as_slice() else { continue };
        written.entry(event.number()).or_default().push((folded.text().to_owned(), amount.number()));
    }
    let held = |snapshot: &str| held_codes(snapshot).into_iter().map(|folded| (folded, 1)).collect();
    let back = |(folded, uses): (String, i64)| (folded, -uses);
    as_reserved(store, report, written, held, back, "codes")
}

/// I7 for what is held of counters: it is claimed by the reservation, and stays so where that was paid; else all of it is given
/// back with its end.
fn held_of_counters(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    let mut claimed: BTreeMap<i64, Vec<HeldClaim>> = BTreeMap::new();
    for row in store.query(
        "SELECT c.event, c.who, c.counter, c.at, c.local, c.amount FROM claim c JOIN event v ON v.number = c.event \
         WHERE v.source IN ('perq:reserve', 'perq:release')",
        &[],
    )? {
        let [event, who, counter, at, local, amount] = row.as_slice() else { continue };
        claimed.entry(event.number()).or_default().push(HeldClaim {
            who: who.text().to_owned(),
            counter: counter.text().to_owned(),
            at: at.number(),
            local: local.number(),
            amount: amount.number(),
        });
    }
    let back = |held: HeldClaim| HeldClaim { amount: held.amount.saturating_neg(), ..held };
    as_reserved(store, report, claimed, held_claims, back, "counters")
}

/// Holds what events of reservations wrote against what they should have: all that a reservation holds, nothing where it was
/// paid, and where it ended otherwise what `back` makes of each that was held.
fn as_reserved<T: Clone + Ord>(
    store: &mut dyn Store,
    report: &mut Report,
    mut written: BTreeMap<i64, Vec<T>>,
    holds: impl Fn(&str) -> Vec<T>,
    back: impl Fn(T) -> T,
    what: &str,
) -> Result<(), StoreError> {
    let mut held: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for row in store.query(
        "SELECT number, id, source, kind, snapshot FROM event WHERE source IN ('perq:reserve', 'perq:release') \
         ORDER BY source DESC",
        &[],
    )? {
        let [number, id, source, kind, snapshot] = row.as_slice() else { continue };
        let mut expected = if source.text() == crate::deeds::RESERVE {
            let held_now = holds(snapshot.text());
            if !held_now.is_empty() {
                held.insert(id.text().to_owned(), held_now.clone());
            }
            held_now
        } else if kind.text() == crate::deeds::COMMIT {
            Vec::new()
        } else {
            held.remove(id.text()).unwrap_or_default().into_iter().map(&back).collect()
        };
        let mut written = written.remove(&number.number()).unwrap_or_default();
        written.sort_unstable();
        expected.sort_unstable();
        if written != expected {
            report.find(
                "I7",
                format!("reservation {}: what {} says of {what} is not what it wrote of them", id.text(), kind.text()),
            );
        }
    }
    Ok(())
}

/// I12: how often a code was redeemed is the sum of what was written of it, and whether it was withdrawn, too.
fn coupons(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    for row in store.query(
        "SELECT c.code FROM coupon c WHERE c.uses < 0 \
         OR c.uses <> coalesce((SELECT sum(u.amount) FROM coupon_use u WHERE u.folded = c.folded), 0) \
         OR coalesce(c.withdrawn, 0) <> coalesce((SELECT max(h.event) FROM holding h \
         WHERE h.member = coalesce(c.member, '') AND h.kind = 'coupon' AND h.name = c.code), 0) ORDER BY c.code",
        &[],
    )? {
        if let [code] = row.as_slice() {
            report.find("I12", format!("what is kept of the code {} is not what was written of it", code.text()));
        }
    }
    Ok(())
}

/// I8: what is kept of counters for reading is the sum of the claims.
fn counters(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    let mut days: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let mut claims: BTreeMap<String, i64> = BTreeMap::new();
    for row in store.query("SELECT counter, local, amount FROM claim WHERE who = ''", &[])? {
        if let [counter, local, amount] = row.as_slice() {
            let day = local.number().div_euclid(perq_compiler::calendar::DAY);
            let sum = days.entry((counter.text().to_owned(), day)).or_default();
            *sum = sum.saturating_add(amount.number());
            *claims.entry(counter.text().to_owned()).or_default() += 1;
        }
    }
    let mut kept = BTreeMap::new();
    for row in store.query("SELECT counter, day, amount FROM counter_day", &[])? {
        if let [counter, day, amount] = row.as_slice() {
            kept.insert((counter.text().to_owned(), day.number()), amount.number());
        }
    }
    for key in days.keys().chain(kept.keys()).collect::<BTreeSet<_>>() {
        let (claimed, kept) = (days.get(key).copied(), kept.get(key).copied());
        if claimed.unwrap_or(0) != kept.unwrap_or(0) {
            report.find(
                "I8",
                format!(
                    "counter {} on day {}: {} claimed, {} kept",
                    key.0,
                    perq_runtime::clock::date_text(key.1),
                    claimed.unwrap_or(0),
                    kept.unwrap_or(0)
                ),
            );
        }
    }
    for row in store.query("SELECT name, version FROM counter", &[])? {
        if let [name, version] = row.as_slice() {
            let many = claims.get(name.text()).copied().unwrap_or(0);
            if many != version.number() {
                report.find(
                    "I8",
                    format!("counter {} has version {} and {many} claims", name.text(), version.number()),
                );
            }
        }
    }
    Ok(())
}

/// What a decision says that it moves, in smallest units: an amount without its point.
#[derive(Debug, Default, PartialEq, Eq)]
struct Moves {
    awards: BTreeMap<String, i64>,
    debits: BTreeMap<String, i64>,
    claims: BTreeMap<String, i64>,
}

impl Moves {
    fn of(decision: &str) -> Option<Moves> {
        let mut moves = Moves::default();
        moves.add(&serde_json::from_str(decision).ok()?)?;
        Some(moves)
    }

    fn add(&mut self, decision: &Decision) -> Option<()> {
        let moves = self;
        let member = decision.member.is_some();
        for effect in &decision.effects {
            let Some(account) = &effect.account else { continue };
            // Without somebody who gets it nothing is booked.
            if !member && effect.to.is_none() {
                continue;
            }
            let of = match effect.kind {
                perq_runtime::decision::EffectKind::Discount => continue,
                perq_runtime::decision::EffectKind::Award => &mut moves.awards,
                perq_runtime::decision::EffectKind::Debit => &mut moves.debits,
            };
            add(of, account, smallest(&effect.amount)?);
            if effect.spent_at_once {
                add(&mut moves.debits, account, smallest(&effect.amount)?);
            }
        }
        let returned = decision.returned.iter();
        for claim in decision.claims.iter().chain(returned.clone().flat_map(|returned| &returned.claims)) {
            add(&mut moves.claims, &claim.counter, smallest(&claim.amount)?);
        }
        for correction in returned.flat_map(|returned| &returned.corrections) {
            if !member && correction.to.is_none() {
                continue;
            }
            let some = |text: &Option<String>| text.as_deref().map_or(Some(0), smallest);
            let (others, owed) = (some(&correction.other_lots)?, some(&correction.owed)?);
            let mut moved = others.saturating_add(owed).saturating_neg();
            for lot in &correction.lots {
                moved = moved.saturating_add(smallest(&lot.amount)?);
            }
            if correction.kind == "debit" {
                add(&mut moves.debits, &correction.account, moved.saturating_neg());
            } else if moved == 0 && some(&correction.missing)? == 0 {
                // It was spent at once, and so is what it changes by.
                add(&mut moves.awards, &correction.account, smallest(&correction.amount)?);
                add(&mut moves.debits, &correction.account, smallest(&correction.amount)?);
            } else {
                add(&mut moves.awards, &correction.account, moved);
            }
        }
        for raised in &decision.raised {
            moves.add(raised)?;
        }
        Some(())
    }

    /// Nothing moved is the same as nothing said.
    fn settled(mut self) -> Moves {
        self.awards.retain(|_, amount| *amount != 0);
        self.debits.retain(|_, amount| *amount != 0);
        self.claims.retain(|_, amount| *amount != 0);
        self
    }
}

fn smallest(amount: &str) -> Option<i64> {
    amount.replace('.', "").parse().ok()
}

fn add(sums: &mut BTreeMap<String, i64>, key: &str, amount: i64) {
    let sum = sums.entry(key.to_owned()).or_default();
    *sum = sum.saturating_add(amount);
}

/// I5, I8 and I10: the entries and claims of each event are those of its decision, and it says what decided it.
fn decisions(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    let mut last = 0;
    loop {
        let rows = store.query(
            "SELECT number, id, kind, decision, pack, tz FROM event WHERE number > $1 ORDER BY number LIMIT 2000",
            &[Datum::Number(last)],
        )?;
        let Some(next) = rows.last().and_then(|row| row.first()).map(Datum::number) else { return Ok(()) };
        let range = [Datum::Number(last), Datum::Number(next)];
        let mut booked: BTreeMap<i64, Moves> = BTreeMap::new();
        for row in store.query(
            "SELECT event, account, book, CAST(sum(amount) AS BIGINT) FROM entry \
             WHERE event > $1 AND event <= $2 AND book <> 'member' GROUP BY event, account, book",
            &range,
        )? {
            let [event, account, book, sum] = row.as_slice() else { continue };
            let moves = booked.entry(event.number()).or_default();
            match Book::named(book.text()) {
                Some(Book::Issued) => add(&mut moves.awards, account.text(), sum.number().saturating_neg()),
                Some(Book::Redeemed) => add(&mut moves.debits, account.text(), sum.number()),
                Some(Book::Member | Book::Breakage | Book::Adjusted | Book::Reserved) => {}
                None => report.find("I1", format!("there is no book {}", book.text())),
            }
        }
        for row in store
            .query("SELECT event, counter, amount FROM claim WHERE event > $1 AND event <= $2", &range)?
        {
            if let [event, counter, amount] = row.as_slice() {
                report.claims = report.claims.saturating_add(1);
                add(&mut booked.entry(event.number()).or_default().claims, counter.text(), amount.number());
            }
        }
        for row in &rows {
            let [number, id, kind, decision, pack, tz] = row.as_slice() else { continue };
            report.events = report.events.saturating_add(1);
            if kind.text() == crate::deeds::RESERVE {
                // What is held is what the decision claims; I7 looks at the rest.
                let booked = booked.remove(&number.number()).unwrap_or_default().settled().claims;
                let decided = Moves::of(decision.text()).map(Moves::settled).unwrap_or_default();
                if decided.claims != booked {
                    report
                        .find("I8", format!("reservation {}: it holds other than it would claim", id.text()));
                }
                continue;
            }
            if kind.text().starts_with(OWN) && kind.text() != crate::jobs::REVIEW {
                continue;
            }
            let booked = booked.remove(&number.number()).unwrap_or_default().settled();
            match Moves::of(decision.text()).map(Moves::settled) {
                None => report.find("I5", format!("the decision of event {} cannot be read", id.text())),
                Some(decided) if decided.claims != booked.claims => {
                    report
                        .find("I8", format!("event {}: its claims are not those of its decision", id.text()));
                }
                Some(decided) if decided != booked => {
                    report.find(
                        "I5",
                        format!("event {}: its entries are not those of its decision", id.text()),
                    );
                }
                Some(_) => {}
            }
            if pack.text().len() != 64 || tz.text().is_empty() {
                report.find("I10", format!("event {} does not say what decided it", id.text()));
            }
        }
        origins(store, &range, report)?;
        last = next;
    }
}

/// What is learned of an offer, after each of its reactions.
#[derive(Debug, Default)]
struct Learning {
    /// By how many reactions.
    all: Vec<Tally>,
    /// By kind: after which of the offer's reactions.
    kinds: BTreeMap<String, Vec<(i64, Tally)>>,
}

impl Learning {
    /// As it was after so many reactions to the offer.
    fn after(&self, seq: i64, kind: Option<&str>) -> Tallies {
        let at = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        let all = at.and_then(|at| self.all.get(at)).copied().unwrap_or_default();
        let known = kind.and_then(|kind| self.kinds.get(kind)).map_or(&[][..], Vec::as_slice);
        let at = known.partition_point(|(other, _)| *other <= seq).checked_sub(1);
        Tallies { all, kind: at.and_then(|at| known.get(at)).map(|(_, tally)| *tally).unwrap_or_default() }
    }
}

/// By what packs learn, by pack and lasting name: the offer's name there, and the terms.
type Terms = BTreeMap<(String, String), (String, Learn)>;

/// I13: what is kept of offers and reactions is what decisions and records say, what is kept of what is learned is the sum of
/// the reactions, and each likelihood that was used is that of the reactions before it.
fn contacts(store: &mut dyn Store, report: &mut Report) -> Result<(), StoreError> {
    let mut terms = Terms::new();
    for row in store.query("SELECT pack, offer, name, terms FROM learning", &[])? {
        let [pack, offer, name, text] = row.as_slice() else { continue };
        match serde_json::from_str(text.text()) {
            Ok(learn) => {
                let key = (pack.text().to_owned(), offer.text().to_owned());
                terms.insert(key, (name.text().to_owned(), learn));
            }
            Err(_) => report.find("I13", format!("by what {} is learned cannot be read", offer.text())),
        }
    }
    let learned = learned(store, &terms, report)?;
    let mut last = 0;
    let mut visited = 0;
    loop {
        let rows = store.query(
            "SELECT number, id, kind, source, refused, pack, date, json, decision, snapshot FROM event \
             WHERE (kind IN ('session', 'reaction') OR decision LIKE '%\"offers\":%') AND number > $1 \
             ORDER BY number LIMIT 2000",
            &[Datum::Number(last)],
        )?;
        let Some(next) = rows.last().and_then(|row| row.first()).map(Datum::number) else { break };
        let mut kept: BTreeMap<i64, Vec<Kept>> = BTreeMap::new();
        for row in store.query(
            "SELECT event, part, offer, answer, session, propensity, learned, kind, seq FROM contact \
             WHERE event > $1 AND event <= $2 ORDER BY event, part",
            &[Datum::Number(last), Datum::Number(next)],
        )? {
            let [event, _, offer, answer, session, propensity, learned, kind, seq] = row.as_slice() else {
                continue;
            };
            let text = |datum: &Datum| datum.maybe_text().map(str::to_owned);
            kept.entry(event.number()).or_default().push(Kept {
                said: (
                    offer.text().to_owned(),
                    answer.text().to_owned(),
                    text(session),
                    propensity.maybe_number(),
                ),
                learned: text(learned).map(|offer| (offer, AskedOf(seq.number(), text(kind)))),
            });
        }
        for row in &rows {
            let [number, id, kind, source, refused, pack, date, json, decision, snapshot] = row.as_slice()
            else {
                continue;
            };
            let kept = kept.remove(&number.number()).unwrap_or_default();
            visited += kept.len();
            let is_kept = refused.number() == 0 && !crate::jobs::is_batch(source.text());
            // What the ledger does itself says nothing to anybody.
            let is_kept = is_kept && !kind.text().starts_with(OWN);
            let is_session = kind.text() == offers::SESSION;
            let decision: Option<Decision> = serde_json::from_str(decision.text()).ok().filter(|_| is_kept);
            let offered = decision.and_then(|decision| decision.offers);
            let mut expected: Vec<_> = offered
                .iter()
                .flat_map(|offers| &offers.shown)
                .map(|shown| {
                    let propensity = shown.propensity.as_deref().and_then(smallest);
                    let session = Some(id.text().to_owned()).filter(|_| is_session);
                    (shown.offer.clone(), OFFERED.to_owned(), session, propensity)
                })
                .collect();
            if is_kept && kind.text() == offers::REACTION {
                let told = told(json.text());
                expected.push((told.offer, told.answer, told.session, None));
            }
            if !kept.iter().map(|kept| &kept.said).eq(&expected) {
                report.find("I13", format!("what is kept of {} for contacts is not what it says", id.text()));
            }
            let asked = asked_of(snapshot.text());
            for (offer, AskedOf(seq, kind)) in kept.iter().filter_map(|kept| kept.learned.as_ref()) {
                let after = asked.get(offer).map(|AskedOf(seq, kind)| (seq.saturating_add(1), kind));
                if after != Some((*seq, kind)) {
                    report.find(
                        "I13",
                        format!("what is learned of {offer} from {} has another place", id.text()),
                    );
                }
            }
            let Some(offered) = offered.filter(|_| is_session) else { continue };
            for (lasting, AskedOf(seq, kind)) in &asked {
                let key = (pack.text().to_owned(), lasting.clone());
                let Some((name, terms)) = terms.get(&key) else {
                    report
                        .find("I13", format!("nothing says by what {lasting} is learned for {}", id.text()));
                    continue;
                };
                let nothing = Learning::default();
                let tallies = learned.get(lasting).unwrap_or(&nothing).after(*seq, kind.as_deref());
                let estimate = learn::estimate(terms, date.number(), &tallies, kind.is_some());
                let shown = offered.shown.iter().map(|shown| (&shown.offer, &shown.propensity));
                let hidden = offered.hidden.iter().map(|hidden| (&hidden.offer, &hidden.propensity));
                let used = shown.chain(hidden).find(|(offer, _)| *offer == name).map(|(_, used)| used);
                if used.and_then(Option::as_deref).and_then(smallest) != Some(estimate) {
                    report.find(
                        "I13",
                        format!("the likelihood of {name} for {} is not that of {seq} reactions", id.text()),
                    );
                }
            }
        }
        last = next;
    }
    let there = number(store, "SELECT count(*) FROM contact")?;
    if usize::try_from(there).ok() != Some(visited) {
        report.find("I13", format!("{there} rows of contacts, of which {visited} belong to events"));
    }
    Ok(())
}

/// What is kept of an offer or a reaction: offer, answer, session, likelihood; and what was learned.
#[derive(Debug)]
struct Kept {
    said: (String, String, Option<String>, Option<i64>),
    learned: Option<(String, AskedOf)>,
}

/// What is learned, worked out from the reactions, against what is kept of it.
fn learned(
    store: &mut dyn Store,
    terms: &Terms,
    report: &mut Report,
) -> Result<BTreeMap<String, Learning>, StoreError> {
    let mut all: BTreeMap<String, Learning> = BTreeMap::new();
    for row in store.query("SELECT DISTINCT learned FROM contact WHERE seq IS NOT NULL", &[])? {
        let Some(offer) = row.first().map(|offer| offer.text().to_owned()) else { continue };
        let mut learning = Learning::default();
        let mut last = 0;
        loop {
            let rows = store.query(
                "SELECT c.seq, c.kind, c.answer, e.date, e.pack FROM contact c JOIN event e ON e.number = c.event \
                 WHERE c.learned = $1 AND c.seq > $2 ORDER BY c.seq LIMIT 5000",
                &[Datum::Text(offer.clone()), Datum::Number(last)],
            )?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let [seq, kind, answer, date, pack] = row.as_slice() else { continue };
                let seq = seq.number();
                if seq != last.saturating_add(1) {
                    report.find("I13", format!("of the reactions to {offer} the one before {seq} is gone"));
                }
                last = seq;
                let key = (pack.text().to_owned(), offer.clone());
                let half_life = terms.get(&key).and_then(|(_, terms)| terms.half_life);
                let said = match answer.text() {
                    "accepted" => Answered::Accepted,
                    _ => Answered::Declined,
                };
                let before = learning.all.last().copied().unwrap_or_default();
                learning.all.push(before.with(date.number(), said, half_life));
                if let Some(kind) = kind.maybe_text() {
                    let known = learning.kinds.entry(kind.to_owned()).or_default();
                    let before = known.last().map(|(_, tally)| *tally).unwrap_or_default();
                    known.push((seq, before.with(date.number(), said, half_life)));
                }
            }
        }
        all.insert(offer, learning);
    }
    let mut kept: BTreeMap<(String, String), (i64, Tally)> = BTreeMap::new();
    for row in store.query("SELECT offer, kind, seq, ended, accepted, day FROM tally", &[])? {
        let [offer, kind, seq, ended, accepted, day] = row.as_slice() else { continue };
        let tally = Tally { ended: ended.number(), accepted: accepted.number(), day: day.number() };
        kept.insert((offer.text().to_owned(), kind.text().to_owned()), (seq.number(), tally));
    }
    let mut worked_out = BTreeMap::new();
    for (offer, learning) in &all {
        if let Some(tally) = learning.all.last() {
            let many = i64::try_from(learning.all.len()).unwrap_or(i64::MAX);
            worked_out.insert((offer.clone(), ALL.to_owned()), (many, *tally));
        }
        for (kind, known) in &learning.kinds {
            worked_out.extend(known.last().map(|last| ((offer.clone(), kind.clone()), *last)));
        }
    }
    for key in kept.keys().chain(worked_out.keys()).collect::<BTreeSet<_>>() {
        if kept.get(key) != worked_out.get(key) {
            let (offer, kind) = key;
            let of = if kind.is_empty() { "all".to_owned() } else { kind.clone() };
            report.find("I13", format!("what is kept of {offer} and {of} is not what reactions sum to"));
        }
    }
    Ok(all)
}

/// I11: what is kept of events for returns follows one another without a gap, and what it says is left of their awards is
/// what their lots are worth.
fn origins(store: &mut dyn Store, range: &[Datum; 2], report: &mut Report) -> Result<(), StoreError> {
    let mut worth: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for row in store.query(
        "SELECT o.event, l.site, CAST(sum(l.worth) AS BIGINT) FROM origin o JOIN entry n ON n.event = o.kept_by \
         JOIN lot l ON l.member = n.member AND l.account = n.account AND l.event = n.lot_event AND l.part = n.lot_part \
         WHERE o.event > $1 AND o.event <= $2 AND n.lot_event = n.event AND n.book = 'member' AND n.amount > 0 \
         AND l.by_event = o.event AND l.by_raised = 0 AND l.site IS NOT NULL GROUP BY o.event, l.site",
        range,
    )? {
        if let [event, site, sum] = row.as_slice() {
            worth.insert((event.number(), site.number()), sum.number());
        }
    }
    for row in store.query(
        "SELECT o.event, o.seq, o.kept_by, o.text, e.id, (SELECT count(*) FROM origin c WHERE c.event = o.event) \
         FROM origin o JOIN event e ON e.number = o.event WHERE o.event > $1 AND o.event <= $2 \
         AND o.seq = (SELECT max(l.seq) FROM origin l WHERE l.event = o.event) ORDER BY o.event",
        range,
    )? {
        let [event, seq, by, text, id, many] = row.as_slice() else { continue };
        let event = event.number();
        if seq.number() != many.number() {
            report.find("I11", format!("of what is kept of {} for returns something is gone", id.text()));
        }
        let found = FoundOrigin {
            id: id.text().to_owned(),
            pack: String::new(),
            date: 0,
            snapshot: String::new(),
            row: OriginRow { event, seq: seq.number(), by: by.number(), text: text.text().to_owned() },
        };
        let Ok(KeptOrigin { origin, .. }) = KeptOrigin::read(&found) else {
            report.find("I11", format!("what is kept of {} for returns cannot be read", id.text()));
            continue;
        };
        let lots = worth.range((event, i64::MIN)..=(event, i64::MAX));
        for ((_, site), worth) in lots {
            let own = origin.left.iter().filter(|left| i64::from(left.site.0) == *site && !left.debit);
            let left = own.fold(0i64, |sum, left| sum.saturating_add(left.amount));
            if left != *worth {
                report.find(
                    "I11",
                    format!("of an award of {} {left} should be left, and its lots are worth {worth}", id.text()),
                );
            }
        }
    }
    Ok(())
}

/// How many rows belong to members' chains.
#[derive(Debug, Default)]
struct Visited {
    links: i64,
    entries: i64,
    lots: i64,
    owed: i64,
    /// Events in the chain of their own member.
    own: i64,
}

/// The rows of one member.
#[derive(Debug, Default)]
struct Of {
    seq: i64,
    head: String,
    links: Vec<(i64, String, EventRow)>,
    entries: BTreeMap<i64, Vec<EntryRow>>,
    lots: BTreeMap<(String, LotKey), LotRow>,
    owed: BTreeMap<String, i64>,
}

/// I2, I3, I4, I6, I9 of the members whose names are past the first and not past the second.
fn members(
    store: &mut dyn Store,
    (after, last): (&str, &str),
    report: &mut Report,
    visited: &mut Visited,
) -> Result<(), StoreError> {
    let range = [Datum::Text(after.to_owned()), Datum::Text(last.to_owned())];
    let mut all: BTreeMap<String, Of> = BTreeMap::new();
    let links = links_of("m.name > $1 AND m.name <= $2");
    for row in store.query("SELECT name, seq, head FROM member WHERE name > $1 AND name <= $2", &range)? {
        if let [name, seq, head] = row.as_slice() {
            let of = Of { seq: seq.number(), head: head.text().to_owned(), ..Of::default() };
            all.insert(name.text().to_owned(), of);
        }
    }
    for row in store.query(
        &format!("{links} SELECT l.member, l.seq, l.hash, e.number, e.source, e.id, e.revision, e.kind, e.member, e.at, e.date, e.time, \
         e.json, e.decision, e.refused, e.pack, e.tz, e.snapshot, e.past, o.event, o.seq, o.text \
         FROM links l JOIN event e ON e.number = l.event LEFT JOIN origin o ON o.kept_by = e.number \
         ORDER BY l.member, l.seq"),
        &range,
    )? {
        let value = |at: usize| row.get(at).cloned().unwrap_or(Datum::Null);
        let text = |at: usize| value(at).text().to_owned();
        visited.links += 1;
        let event = EventRow {
            number: value(3).number(),
            key: EventKey { source: text(4), id: text(5), revision: value(6).number() },
            kind: text(7),
            member: value(8).maybe_text().map(str::to_owned),
            at: value(9).number(),
            date: value(10).number(),
            time: value(11).number(),
            json: text(12),
            decision: text(13),
            refused: value(14).number() != 0,
            pack: text(15),
            tz: text(16),
            snapshot: text(17),
            past: value(18).maybe_text().map(str::to_owned),
            origin: value(19).maybe_number().map(|event| OriginRow {
                event,
                seq: value(20).number(),
                by: value(3).number(),
                text: text(21),
            }),
        };
        let member = text(0);
        visited.own += i64::from(event.member.as_ref() == Some(&member));
        all.entry(member).or_default().links.push((value(1).number(), text(2), event));
    }
    for row in store.query(
        &format!("{links} SELECT e.member, e.event, e.part, e.account, e.book, e.amount, e.lot_event, e.lot_part, e.rule \
         FROM links l JOIN entry e ON e.event = l.event AND e.member = l.member \
         ORDER BY e.member, e.event, e.part"),
        &range,
    )? {
        let value = |at: usize| row.get(at).cloned().unwrap_or(Datum::Null);
        let Some(book) = Book::named(value(4).text()) else { continue };
        visited.entries += 1;
        let lot = value(6).maybe_number().zip(value(7).maybe_number());
        let entry = EntryRow {
            event: value(1).number(),
            part: value(2).number(),
            member: value(0).text().to_owned(),
            account: value(3).text().to_owned(),
            book,
            amount: value(5).number(),
            lot: lot.map(|(event, part)| LotKey { event, part }),
            rule: value(8).text().to_owned(),
        };
        let of = all.entry(entry.member.clone()).or_default();
        of.entries.entry(entry.event).or_default().push(entry);
    }
    for row in store.query(
        "SELECT member, account, event, part, issued, start, until, granted, spent, expired, reversed, remaining, \
         by_event, by_raised, site, spendable, worth FROM lot WHERE member > $1 AND member <= $2",
        &range,
    )? {
        let value = |at: usize| row.get(at).cloned().unwrap_or(Datum::Null);
        let lot = LotRow {
            key: LotKey { event: value(2).number(), part: value(3).number() },
            member: value(0).text().to_owned(),
            account: value(1).text().to_owned(),
            issued: value(4).number(),
            start: value(5).number(),
            until: value(6).maybe_number(),
            granted: value(7).number(),
            spent: value(8).number(),
            expired: value(9).number(),
            reversed: value(10).number(),
            remaining: value(11).number(),
            by: Cause {
                event: value(12).number(),
                raised: value(13).number(),
                site: value(14).maybe_number(),
            },
            spendable: value(15).maybe_text().map(str::to_owned),
            worth: value(16).number(),
        };
        visited.lots += 1;
        all.entry(lot.member.clone()).or_default().lots.insert((lot.account.clone(), lot.key), lot);
    }
    for row in
        store.query("SELECT member, account, owed FROM owed WHERE member > $1 AND member <= $2", &range)?
    {
        if let [member, account, owed] = row.as_slice() {
            visited.owed += 1;
            let of = all.entry(member.text().to_owned()).or_default();
            of.owed.insert(account.text().to_owned(), owed.number());
        }
    }
    for (name, of) in &all {
        report.members += 1;
        chained(name, of, report);
        points(name, of, report);
    }
    Ok(())
}

/// I6: the chain is whole.
fn chained(name: &str, of: &Of, report: &mut Report) {
    let mut before = chain::NOTHING.to_owned();
    let mut expected = 0;
    for (seq, hash, event) in &of.links {
        expected += 1;
        if *seq != expected {
            report.find("I6", format!("member {name}: link {seq} where {expected} should be"));
            return;
        }
        let mut lots: Vec<&LotRow> = of.lots.values().filter(|lot| lot.key.event == event.number).collect();
        lots.sort_by_key(|lot| lot.key.part);
        let entries = of.entries.get(&event.number).map_or(&[][..], Vec::as_slice);
        let worked_out = chain::hash(&before, name, *seq, event, lots.into_iter(), entries.iter());
        if worked_out != *hash {
            report.find(
                "I6",
                format!("member {name}: link {seq} is not that of event {} as it stands", event.key),
            );
            return;
        }
        before.clone_from(hash);
    }
    if of.seq != expected || of.head != before {
        report.find("I6", format!("member {name} stands at link {}, the chain ends with {expected}", of.seq));
    }
}

/// I2, I3, I4 and I9: balances, lots and what is owed are the sums of the entries, and nothing was spent outside of its
/// life.
fn points(name: &str, of: &Of, report: &mut Report) {
    let mut remaining: BTreeMap<(&str, LotKey), i64> = BTreeMap::new();
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let events: BTreeMap<i64, &EventRow> =
        of.links.iter().map(|(_, _, event)| (event.number, event)).collect();
    let mut backs: BTreeMap<i64, Back> = BTreeMap::new();
    let mut ended: BTreeMap<(&str, LotKey), i64> = BTreeMap::new();
    for entry in of.entries.values().flatten().filter(|entry| entry.book == Book::Breakage) {
        if let Some(key) = entry.lot {
            let sum = ended.entry((&entry.account, key)).or_default();
            *sum = sum.saturating_add(entry.amount);
        }
    }
    for entry in of.entries.values().flatten().filter(|entry| entry.book == Book::Member) {
        let event = events.get(&entry.event).copied();
        let back = match event {
            Some(event) => backs.entry(entry.event).or_insert_with(|| Back::of(event)),
            None => &Back::default(),
        };
        let (balance, owed) = sums.entry(&entry.account).or_default();
        *balance = balance.saturating_add(entry.amount);
        let Some(key) = entry.lot else {
            *owed = owed.saturating_sub(entry.amount);
            // What was owed, was paid since and comes back with goods is there, and owed by nobody.
            if *owed < 0 && entry.amount > 0 && !back.corrects(entry) {
                report.find("I2", format!("member {name} was paid more in {} than was owed", entry.account));
            }
            continue;
        };
        let Some(lot) = of.lots.get(&(entry.account.clone(), key)) else {
            report.find("I4", format!("member {name}: an entry of event {} names no lot", entry.event));
            continue;
        };
        let expires = event.is_some_and(|event| event.kind == crate::deeds::EXPIRE);
        let left = remaining.entry((&entry.account, key)).or_default();
        *left = left.saturating_add(entry.amount);
        if *left < 0 {
            report.find("I3", format!("member {name}: lot {}.{} fell below nothing", key.event, key.part));
        }
        let at = event.map_or(0, |event| event.at);
        let takes = entry.amount < 0 && key.event != entry.event;
        let own = event.is_some_and(|event| event.kind.starts_with(OWN));
        if takes
            && !own
            && !back.corrects(entry)
            // What a review of an earlier day brought about happened on that day.
            && (lot.start > at || (!back.raises && lot.until.is_some_and(|until| until <= at)))
        {
            report.find(
                "I9",
                format!("member {name}: lot {}.{} was spent outside of its life", key.event, key.part),
            );
        }
        if expires && lot.until.is_none_or(|until| until > at) {
            report.find("I9", format!("member {name}: lot {}.{} ended too early", key.event, key.part));
        }
    }
    for ((account, key), lot) in &of.lots {
        let left = remaining.get(&(account.as_str(), *key)).copied().unwrap_or_default();
        let expired = ended.get(&(account.as_str(), *key)).copied().unwrap_or_default();
        let parts = lot.spent.saturating_add(lot.expired).saturating_add(lot.reversed);
        let whole = parts.saturating_add(lot.remaining) == lot.granted;
        let signs = [lot.spent, lot.expired, lot.reversed, lot.remaining].iter().all(|part| *part >= 0);
        let worth = (0..=lot.granted).contains(&lot.worth);
        if !whole || !signs || !worth || left != lot.remaining || expired != lot.expired {
            report.find(
                "I4",
                format!(
                    "member {name}: lot {}.{} of {account} is kept as {} left, and its entries leave {left}",
                    key.event, key.part, lot.remaining
                ),
            );
        }
        let (_, in_lots) = sums_of_lots(of, account);
        let (balance, owed) = sums.get(account.as_str()).copied().unwrap_or_default();
        if balance != in_lots.saturating_sub(owed) {
            report.find("I2", format!("member {name}: the lots of {account} do not make up the balance"));
        }
    }
    let accounts: BTreeSet<&str> = sums.keys().copied().chain(of.owed.keys().map(String::as_str)).collect();
    for account in accounts {
        let (_, worked_out) = sums.get(account).copied().unwrap_or_default();
        let kept = of.owed.get(account).copied().unwrap_or_default();
        if worked_out != kept {
            report.find(
                "I2",
                format!("member {name} owes {kept} of {account}, but the entries leave {worked_out} owed"),
            );
        }
    }
}

/// What an event does of other days than its own.
#[derive(Debug, Default)]
struct Back {
    /// What comes back with it: by account, the rules whose awards and debits it corrects.
    corrected: BTreeSet<(String, String)>,
    /// Whether reviews that were missed brought something about.
    raises: bool,
}

impl Back {
    fn of(event: &EventRow) -> Back {
        let has = |field: &str| event.decision.contains(field);
        if !has("\"returned\":") && !has("\"raised\":") {
            return Back::default();
        }
        let decision: Option<Decision> = serde_json::from_str(&event.decision).ok();
        let raises = decision.as_ref().is_some_and(|decision| !decision.raised.is_empty());
        let returned = decision.and_then(|decision| decision.returned);
        let all = returned.into_iter().flat_map(|returned| returned.corrections);
        Back { corrected: all.map(|correction| (correction.account, correction.rule)).collect(), raises }
    }

    fn corrects(&self, entry: &EntryRow) -> bool {
        self.corrected.contains(&(entry.account.clone(), entry.rule.clone()))
    }
}

fn sums_of_lots(of: &Of, account: &str) -> (usize, i64) {
    let lots = of.lots.iter().filter(|((of, _), _)| of == account);
    lots.fold((0, 0), |(many, sum), (_, lot)| (many + 1, sum.saturating_add(lot.remaining)))
}
