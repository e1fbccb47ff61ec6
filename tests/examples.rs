//! Every example programme: whoever buys and brings all of it back has in the books what was there before, whatever rules
//! the programme has. Where a programme does not speak of returns, its accounts are made to.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_ledger::audit::audit;
use perq_ledger::store::Datum;
use perq_ledger::{Ledger, open};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;
use perq_tests::generate::Random;
use perq_tests::ledgers::Backend;
use perq_tests::root;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rules of a folder, each account with `shortfall debt` where it says nothing of it.
fn rules(folder: &Path) -> Vec<Input> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rule"))
        .collect();
    files.sort();
    let of = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("rules");
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find("\naccount ") {
            let (before, account) = rest.split_at(at + 1);
            let open = account.find('{').expect("an account has a body") + 1;
            let body = account.get(open..account.find("\n}").unwrap_or(account.len())).unwrap_or(account);
            let body = body.split('}').next().unwrap_or(body);
            out.push_str(before);
            out.push_str(&account[..open]);
            let says = |line: &str| line.split('#').next().is_some_and(|line| line.contains("shortfall"));
            if !body.lines().any(says) {
                out.push_str(" shortfall debt ");
            }
            rest = &account[open..];
        }
        out.push_str(rest);
        Input { path: path.display().to_string(), text: out }
    };
    files.iter().map(of).collect()
}

/// Texts in quotes behind a word, and in a list behind it.
fn names(text: &str, word: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(word) {
        let rest = text[at + word.len()..].trim_start();
        let list = match rest.strip_prefix('[') {
            Some(list) => list.split(']').next().unwrap_or(""),
            None if rest.starts_with('"') => {
                rest.get(..1 + rest[1..].find('"').map_or(0, |end| end + 1)).unwrap_or("")
            }
            None => "",
        };
        found.extend(list.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    found.into_iter().collect()
}

/// Dates that the rules name.
fn days(text: &str) -> Vec<i64> {
    let is_day = |at: usize| text.get(at..at + 10).and_then(perq_runtime::clock::date);
    let mut all: BTreeSet<i64> = text.match_indices("20").filter_map(|(at, _)| is_day(at)).collect();
    if all.is_empty() {
        all.extend(perq_runtime::clock::date("2026-03-02"));
    }
    all.into_iter().collect()
}

/// What is there once nothing is left of a purchase: sums of the books, of claims, what is left of lots, levels, coupons
/// and certificates, and fields of members.
fn books(ledger: &Ledger) -> Vec<Vec<Vec<Datum>>> {
    [
        "SELECT member, account, book, CAST(sum(amount) AS BIGINT) FROM entry GROUP BY member, account, book \
         HAVING sum(amount) <> 0 ORDER BY member, account, book",
        "SELECT who, counter, CAST(sum(amount) AS BIGINT) FROM claim GROUP BY who, counter \
         HAVING sum(amount) <> 0 ORDER BY who, counter",
        "SELECT counter, day, amount FROM counter_day WHERE amount <> 0 ORDER BY counter, day",
        "SELECT member, account, start, coalesce(until, 0), CAST(sum(remaining) AS BIGINT) FROM lot \
         WHERE remaining > 0 GROUP BY member, account, start, coalesce(until, 0) ORDER BY 1, 2, 3, 4",
        "SELECT member, account, owed FROM owed WHERE owed <> 0 ORDER BY member, account",
        "SELECT member, tiers, level FROM level ORDER BY member, tiers",
        "SELECT coupon, member, count(*), CAST(sum(uses) AS BIGINT) FROM coupon WHERE withdrawn IS NULL \
         GROUP BY coupon, member ORDER BY coupon, member",
        "SELECT member, kind, value, count(*) FROM holding h WHERE value IS NOT NULL AND kind = 'certificate' \
         AND NOT EXISTS (SELECT 1 FROM holding l WHERE l.member = h.member AND l.kind = h.kind AND l.name = h.name \
         AND l.of_event = h.of_event AND l.of_raised = h.of_raised AND l.event > h.event) \
         GROUP BY member, kind, value ORDER BY member, kind, value",
        // Of each field what the last event says whose word on it stands.
        "SELECT member, name, value FROM (SELECT h.*, \
         row_number() OVER (PARTITION BY member, name ORDER BY of_event DESC, of_raised DESC) AS place FROM holding h \
         WHERE h.kind = 'field' AND h.value IS NOT NULL AND NOT EXISTS (SELECT 1 FROM holding l \
         WHERE l.member = h.member AND l.kind = h.kind AND l.name = h.name \
         AND l.of_event = h.of_event AND l.of_raised = h.of_raised AND l.event > h.event)) last \
         WHERE place = 1 ORDER BY member, name",
    ]
    .iter()
    .map(|sql| ledger.query(sql, &[]).expect("an answer"))
    .collect()
}

/// Badges that stay when all is brought back, by programme: the condition is asked for what is left, with all that is known
/// then (docs/language/returns.md), and counts what was bought, returned or not.
const STAY: [(&str, &str); 1] = [("supermarket", "gourmet")];

/// Who has which badge.
fn badges(ledger: &Ledger) -> BTreeSet<(String, String)> {
    let sql = "SELECT DISTINCT h.member, h.name FROM holding h WHERE h.kind = 'badge' AND h.value IS NOT NULL \
               AND NOT EXISTS (SELECT 1 FROM holding l WHERE l.member = h.member AND l.kind = h.kind \
               AND l.name = h.name AND l.of_event = h.of_event AND l.of_raised = h.of_raised AND l.event > h.event)";
    let rows = ledger.query(sql, &[]).expect("an answer");
    rows.iter().map(|row| (row[0].text().to_owned(), row[1].text().to_owned())).collect()
}

struct Shop {
    skus: Vec<String>,
    categories: Vec<String>,
    days: Vec<i64>,
}

impl Shop {
    fn one<'a>(random: &mut Random, all: &'a [String]) -> Option<&'a str> {
        let at = random.below(all.len().max(1));
        all.get(at).map(String::as_str)
    }

    /// A purchase, and the return of all of it in one or two parts.
    fn purchase(
        &self,
        random: &mut Random,
        id: &str,
        at: &str,
        member: &str,
    ) -> (String, Vec<(String, i64)>) {
        let mut lines = Vec::new();
        let mut bought = Vec::new();
        for number in 0..1 + random.below(6) {
            let sku = match Shop::one(random, &self.skus) {
                Some(sku) if random.below(2) == 0 => sku.to_owned(),
                Some(_) | None => format!("S{number}"),
            };
            let pieces = 1 + random.below(12) as i64;
            let cents = 1 + random.below(12_000);
            let category = match Shop::one(random, &self.categories) {
                Some(category) if random.below(3) > 0 => {
                    format!(r#","category":{}"#, serde_json::json!(category))
                }
                Some(_) | None => String::new(),
            };
            lines.push(format!(
                r#"{{"sku":{},"qty":{pieces},"price":"{}.{:02}"{category}}}"#,
                serde_json::json!(sku),
                cents / 100,
                cents % 100
            ));
            bought.push((sku, pieces));
        }
        let lines = lines.join(",");
        (
            format!(r#"{{"id":"{id}","kind":"purchase","at":"{at}","member":"{member}","lines":[{lines}]}}"#),
            bought,
        )
    }
}

fn comes_back(id: &str, of: &str, at: &str, lines: &[(usize, &str, i64)]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|(row, sku, pieces)| {
            format!(r#"{{"sku":{},"qty":{pieces},"of_line":{}}}"#, serde_json::json!(sku), row + 1)
        })
        .collect();
    let lines = lines.join(",");
    format!(r#"{{"id":"{id}","kind":"return","of":"{of}","at":"{at}","lines":[{lines}]}}"#)
}

/// Whoever calls is offered the same by a ledger as by the memory, and what was answered stays.
#[test]
fn the_call_centre_is_kept_in_a_ledger() {
    let folder = root().join("rules-examples/call-centre");
    let compilation = compile(&rules(&folder), &NoFiles);
    let pack = Pack::of(compilation.program.expect("a program"));
    let engine: Engine = Engine::builder(pack).kind(EngineKind::Interpreter).build().expect("an engine");
    let text = std::fs::read_to_string(folder.join("sessions.ndjson")).expect("sessions");
    let mut session = engine.session();
    for backend in Backend::ALL {
        let place = backend.place();
        let ledger = Ledger::new(&engine, open(&place, true).expect("a place"), "").expect("a ledger");
        if backend == Backend::Postgres {
            session = engine.session();
        }
        let mut sessions = 0;
        for event in text.lines() {
            let mut line = Vec::new();
            session.decide_line(event.as_bytes(), &mut line).expect("a decision");
            let expected = String::from_utf8(line).expect("a text");
            let answer = ledger.decide(event.as_bytes()).expect("an answer");
            assert_eq!(answer.decision, expected.trim_end(), "{backend:?}: {event}");
            assert_eq!(ledger.decide(event.as_bytes()).expect("an answer").decision, answer.decision);
            sessions += usize::from(answer.decision.contains(r#""offers":"#));
        }
        assert!(sessions >= 2);
        let found = audit(&mut *open(&place, false).expect("a ledger")).expect("an audit");
        assert_eq!(found.findings, [], "{backend:?}");
    }
}

#[test]
fn what_is_bought_and_brought_back_leaves_nothing_in_any_example() {
    let mut given = Vec::new();
    let mut stayed = BTreeSet::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join("rules-examples"))
        .expect("the examples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(folders.len() >= 7);
    for folder in folders {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let inputs = rules(&folder);
        let text: String = inputs.iter().map(|input| input.text.as_str()).collect();
        let compilation = compile(&inputs, &NoFiles);
        let said: Vec<_> =
            compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
        let Some(program) = compilation.program else { panic!("{name}: {said:#?}") };
        let pack = Pack::of(program);
        let engine: Engine = Engine::builder(pack).kind(EngineKind::Interpreter).build().expect("an engine");
        if !engine.program().events.iter().any(|event| event.name == "purchase") {
            continue;
        }
        let shop =
            Shop { skus: names(&text, "sku "), categories: names(&text, "category "), days: days(&text) };
        // Without accounts there is nothing that a purchase could leave.
        if engine.program().accounts.is_empty() {
            continue;
        }
        let place = Backend::Sqlite.place();
        let ledger = Ledger::new(&engine, open(&place, true).expect("a place"), "").expect("a ledger");
        let mut random = Random::new(7);
        let decide = |text: &str| {
            ledger
                .decide(text.as_bytes())
                .unwrap_or_else(|refusal| panic!("{name}: {text}: {refusal}"))
                .decision
        };
        let (mut awards, mut number) = (0, 0);
        for day in shop.days.iter().cycle().take(60) {
            let day = day + random.below(3) as i64;
            let local = |more: i64, hour: u64| {
                format!("{}T{hour:02}:00:00", perq_runtime::clock::date_text(day + more))
            };
            // Something stays, so that there is a past; then a purchase that is brought back within the hour.
            number += 1;
            let who = ["ann", "bob"][random.below(2)];
            if random.below(2) == 0 {
                decide(&shop.purchase(&mut random, &format!("s{number}"), &local(0, 9), who).0);
            } else {
                // Whoever is seen for the first time has a level from then on, and that is all.
                decide(&format!(
                    r#"{{"id":"s{number}","kind":"purchase","at":"{}","member":"{who}","lines":[]}}"#,
                    local(0, 9)
                ));
            }
            let (before, badges_before) = (books(&ledger), badges(&ledger));
            let id = format!("p{number}");
            let (text, bought) = shop.purchase(&mut random, &id, &local(0, 12), who);
            let decision = decide(&text);
            awards += usize::from(decision.contains(r#""kind":"award""#));
            let split = random.below(2) == 0;
            let (mut first, mut second) = (Vec::new(), Vec::new());
            for (row, (sku, pieces)) in bought.iter().enumerate() {
                let now = if split { random.below(*pieces as usize + 1) as i64 } else { *pieces };
                if now > 0 {
                    first.push((row, sku.as_str(), now));
                }
                if *pieces > now {
                    second.push((row, sku.as_str(), *pieces - now));
                }
            }
            for (part, lines) in
                [first, second].into_iter().enumerate().filter(|(_, lines)| !lines.is_empty())
            {
                let back = comes_back(&format!("r{number}-{part}"), &id, &local(0, 12), &lines);
                let decision = decide(&back);
                assert!(decision.contains(r#""returned":"#), "{name}: {back}: {decision}");
            }
            assert_eq!(books(&ledger), before, "{name}: {text}");
            let badges_after = badges(&ledger);
            assert!(badges_after.is_superset(&badges_before), "{name}: {text}");
            for (member, badge) in badges_after.difference(&badges_before) {
                let named = STAY.iter().find(|stays| **stays == (name.as_str(), badge.as_str()));
                stayed.insert(*named.unwrap_or_else(|| panic!("{name}: {member} keeps {badge} of {text}")));
            }
        }
        let found = audit(&mut *open(&place, false).expect("a ledger")).expect("an audit");
        assert_eq!(found.findings, [], "{name}");
        given.push((name, awards));
    }
    assert_eq!(stayed, BTreeSet::from(STAY), "each badge that is said to stay does");
    let with_awards = given.iter().filter(|(_, awards)| *awards > 0).count();
    assert!(given.len() >= 6 && with_awards >= 4, "{given:?}");
}
