//! Contact plans from rules to reasons: what `perq optimize` chooses of the example's contacts and says of them, the same for
//! any number of threads; what it answers one by one; and bounds that cannot be met, with the clauses that stand in their way.

use perq_cli::Exit;
use perq_runtime::columnar::{
    Cell, Column, ColumnKind, TableFormat, TableReader, TableWriter, Value as Read,
};
use perq_tests::ledgers::Backend;
use perq_tests::{root, scratch};
use serde_json::Value;
use std::path::Path;

fn perq(arguments: &[&str]) -> (Exit, String, String) {
    perq_cli::run(arguments, &[]).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

fn object(arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    let (exit, out, err) = perq(&all);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""), "{out}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

fn example(name: &str) -> String {
    root().join("rules-examples/spring-contacts").join(name).display().to_string()
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = at(folder, name);
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
    path
}

/// The README of the example works it out: 22 for the seven contacts, less 80 for the telephone that is missing.
#[test]
fn the_plan_of_the_example() {
    let folder = scratch("contacts");
    let (contacts, history) = (example("contacts.csv"), example("history.csv"));
    let mut seen: Option<(String, String)> = None;
    for (threads, engine) in [("1", "interpreter"), ("2", "native"), ("3", "interpreter")] {
        let (chosen, dropped) = (at(&folder, "chosen.csv"), at(&folder, "dropped.ndjson"));
        let plan = object(&[
            "optimize",
            &example(""),
            "--contacts",
            &contacts,
            "--history",
            &history,
            "-o",
            &chosen,
            "--dropped",
            &dropped,
            "--threads",
            threads,
            "--engine",
            engine,
        ]);
        assert_eq!((&plan["proposed"], &plan["made"], &plan["chosen"]), (&10.into(), &2.into(), &7.into()));
        assert_eq!(
            (&plan["score"], &plan["objective"], &plan["bound"]),
            (&"22".into(), &"-58".into(), &"-58".into())
        );
        assert_eq!(plan["proven"], true);
        assert_eq!(plan["short"][0]["missing"], "1");
        assert_eq!(plan["conflicts"][0]["missing"], "1", "one telephone is proposed: {plan}");
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let (chosen, dropped) = (read(&chosen), read(&dropped));
        let ids: Vec<&str> = chosen.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        assert_eq!(ids, ["p2", "a1", "a2", "b1", "b2", "s1", "s2"]);
        assert!(
            chosen.contains("\na2,contact,anna,2026-03-04T00:00,Fixed mortgage,direct_mail,5\n"),
            "{chosen}"
        );
        let why: Vec<(String, String)> = dropped
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap_or_default())
            .map(|own| {
                (own["id"].as_str().unwrap_or("").to_owned(), own["why"].as_str().unwrap_or("").to_owned())
            })
            .collect();
        let expected = [("p1", "excluded"), ("v1", "least"), ("s3", "member")];
        assert_eq!(why, expected.map(|(id, why)| (id.to_owned(), why.to_owned())));
        assert!(dropped.contains("at most 1 packages within this month"), "{dropped}");
        if let Some(before) = seen.replace((chosen.clone(), dropped.clone())) {
            assert_eq!(before, (chosen, dropped), "the plan depends on threads or on the engine");
        }
    }
}

const PLAN: &str = "language 1
program demo { currency EUR zone \"Europe/Rome\" rounding half_up }
contacts spring {
  maximise sum(contact.score for contacts)
  exclude contacts where contact.score <= 0
  capacity at least 3 contacts offer \"Card\" within session
  capacity at most 2 contacts via call_center within any 7 days
  capacity at most 9 contacts via web within any 7 days
  each member at most 1 contact within any 7 days
}
";

fn contact(id: &str, member: &str, day: u32, channel: &str, score: u32) -> String {
    format!(
        "{{\"id\":\"{id}\",\"kind\":\"contact\",\"member\":{{\"id\":\"{member}\"}},\"at\":\"2026-03-{day:02}T10:00:00+01:00\",\
         \"offer\":\"Card\",\"channel\":\"{channel}\",\"score\":{score}}}\n"
    )
}

/// Three cards are asked for and proposed, to two members: one a week for each makes two. The calls alone leave two as well, so
/// either clause is enough to make it impossible, and one of them is named; the web's room of nine is no reason.
#[test]
fn what_cannot_be_met_is_named_with_a_smallest_set_of_clauses() {
    let folder = scratch("contacts-conflict");
    let plan = write(&folder, "plan.rule", PLAN);
    let text = contact("a", "anna", 2, "call_center", 5)
        + &contact("b", "anna", 3, "call_center", 4)
        + &contact("c", "bruno", 3, "call_center", 3);
    let contacts = write(&folder, "contacts.ndjson", &text);
    let told = object(&["optimize", &plan, "--contacts", &contacts]);
    let conflict = &told["conflicts"][0];
    assert!(
        conflict["clause"].as_str().is_some_and(|clause| clause.contains("at least 3 contacts")),
        "{told}"
    );
    assert_eq!(conflict["missing"], "1");
    let with = conflict["with"].as_array().cloned().unwrap_or_default();
    assert_eq!(with.len(), 1, "{told}");
    let with = with[0].as_str().unwrap_or("");
    assert!(with.contains("each member at most 1") || with.contains("via call_center"), "{told}");
    assert_eq!(told["chosen"], 2);
    // 5 + 3, less ten times 5 for the card that is missing.
    assert_eq!((&told["score"], &told["objective"]), (&"8".into(), &"-42".into()));
}

/// Anna and Bruno get one contact each: two cards can be had, and so can one loan, but not both.
#[test]
fn minima_that_clash_only_together_are_named_together() {
    let folder = scratch("contacts-together");
    let rules =
        PLAN.replace("at least 3 contacts offer \"Card\"", "at least 2 contacts offer \"Card\"").replace(
            "  capacity at most 9",
            "  capacity at least 1 contact offer \"Loan\" within session\n  capacity at most 9",
        );
    let plan = write(&folder, "plan.rule", &rules);
    let loan = |text: String| text.replace("Card", "Loan");
    let text = contact("a", "anna", 2, "web", 5)
        + &loan(contact("b", "anna", 3, "web", 4))
        + &contact("c", "bruno", 3, "web", 3)
        + &loan(contact("d", "bruno", 4, "web", 2));
    let contacts = write(&folder, "contacts.ndjson", &text);
    let told = object(&["optimize", &plan, "--contacts", &contacts]);
    let conflicts = told["conflicts"].as_array().cloned().unwrap_or_default();
    assert_eq!(conflicts.len(), 1, "{told}");
    let says = |own: &Value, text: &str| own.as_str().is_some_and(|own| own.contains(text));
    assert!(says(&conflicts[0]["clause"], "at least 2 contacts offer \"Card\""), "{told}");
    assert!(says(&conflicts[0]["also"][0]["clause"], "at least 1 contact offer \"Loan\""), "{told}");
    assert_eq!(conflicts[0]["with"].as_array().map(Vec::len), Some(1), "{told}");
    assert!(says(&conflicts[0]["with"][0], "each member at most 1 contact"), "{told}");
    assert_eq!(conflicts[0]["missing"], "1");
    let (_, out, _) = perq(&["optimize", &plan, "--contacts", &contacts]);
    assert!(out.contains("cannot be met together: "), "{out}");
}

/// Three calls for two places: Anna's call, worth 5, gives way to 9 and 8, and her web contact takes its place. It is the call
/// centre that drops it, although with the web contact it would also be one too many of hers.
#[test]
fn the_shared_limit_behind_a_choice_is_named() {
    let folder = scratch("contacts-behind");
    let plan = write(&folder, "plan.rule", &PLAN.replace("at least 3 contacts", "at least 1 contacts"));
    let text = contact("a", "anna", 2, "call_center", 5)
        + &contact("w", "anna", 3, "web", 4)
        + &contact("v", "anna", 4, "web", 3)
        + &contact("b", "bruno", 2, "call_center", 9)
        + &contact("c", "carla", 2, "call_center", 8);
    let contacts = write(&folder, "contacts.ndjson", &text);
    let dropped = at(&folder, "dropped.ndjson");
    let told = object(&["optimize", &plan, "--contacts", &contacts, "--dropped", &dropped]);
    assert_eq!(told["score"], "21");
    let text = std::fs::read_to_string(&dropped).unwrap_or_default();
    let why: Vec<(String, String)> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_default())
        .map(|own| {
            let text = |name: &str| own[name].as_str().unwrap_or("").to_owned();
            (text("id") + " " + &text("why"), text("clause"))
        })
        .collect();
    assert_eq!(why.len(), 2, "{text}");
    assert!(why[0].0 == "a full" && why[0].1.contains("via call_center"), "{text}");
    assert!(why[1].0 == "v member" && why[1].1.contains("each member"), "{text}");
}

/// Two calls in seven days, one contact in seven days for each: the third call waits, and so does Anna.
#[test]
fn one_contact_after_another() {
    let folder = scratch("contacts-asked");
    let plan = write(&folder, "plan.rule", PLAN);
    let history = write(&folder, "history.ndjson", &contact("h", "anna", 1, "call_center", 1));
    let text = contact("a", "anna", 7, "web", 5)
        + &contact("b", "anna", 8, "web", 5)
        + &contact("c", "bruno", 3, "call_center", 5)
        + &contact("d", "carla", 5, "call_center", 5)
        + &contact("e", "carla", 8, "call_center", 5)
        + &contact("f", "dora", 8, "web", 0);
    let contacts = write(&folder, "contacts.ndjson", &text);
    let told = object(&["optimize", &plan, "--contacts", &contacts, "--history", &history, "--one-by-one"]);
    let answers = told["answers"].as_array().cloned().unwrap_or_default();
    let said: Vec<(String, bool, String)> = answers
        .iter()
        .map(|own| {
            let why = own["held"][0]["why"].as_str().unwrap_or("").to_owned();
            (own["id"].as_str().unwrap_or("").to_owned(), own["may"] == true, why)
        })
        .collect();
    let expected = [
        // 1 March is in the seven days that end on the 7th, and not in those that end on the 8th.
        ("a", false, "member"),
        ("b", true, ""),
        ("c", true, ""),
        // The calls of the 1st and the 3rd are in the seven days from the 1st to the 7th.
        ("d", false, "full"),
        ("e", true, ""),
        ("f", false, "excluded"),
    ];
    assert_eq!(said, expected.map(|(id, may, why)| (id.to_owned(), may, why.to_owned())));
}

/// The prices of one plan are a beginning for the next, and change nothing of what is proven.
#[test]
fn prices_are_kept_for_the_next_plan() {
    let folder = scratch("contacts-prices");
    let plan = write(&folder, "plan.rule", PLAN);
    let text: String = (0..40)
        .map(|number| {
            let channel = if number % 3 == 0 { "web" } else { "call_center" };
            contact(
                &format!("c{number}"),
                &format!("m{}", number / 2),
                1 + number % 20,
                channel,
                1 + number * 7 % 13,
            )
        })
        .collect();
    let contacts = write(&folder, "contacts.ndjson", &text);
    let prices = at(&folder, "prices.json");
    let all = ["optimize", &plan, "--contacts", &contacts, "--prices", &prices];
    let first = object(&all);
    let second = object(&all);
    assert_eq!((&first["proven"], &second["proven"]), (&true.into(), &true.into()));
    assert_eq!(first["objective"], second["objective"]);
    let passes = |plan: &Value| plan["passes"].as_u64().unwrap_or(0);
    assert!(passes(&second) * 2 < passes(&first), "{} and {}", passes(&first), passes(&second));
}

#[test]
fn what_is_no_contact_is_refused() {
    let folder = scratch("contacts-refused");
    let plan = write(&folder, "plan.rule", PLAN);
    let good = contact("a", "anna", 2, "web", 5);
    let text = format!(
        "{good}{}{}nonsense\n",
        good.replace("\"member\":{\"id\":\"anna\"},", ""),
        good.replace("\"contact\"", "\"session\"")
    );
    let contacts = write(&folder, "contacts.ndjson", &text);
    let (exit, out, err) = perq(&["optimize", &plan, "--contacts", &contacts]);
    assert_eq!(exit, Exit::Clean, "{err}");
    assert!(out.starts_with("1 of 1 proposed contacts chosen, 0 before\n"), "{out}");
    for (line, why) in [
        (2, "the contact has no member"),
        (3, "the record is not of the kind `contact`"),
        (4, "a record should be a JSON object"),
    ] {
        assert!(
            err.contains(&format!("refused {contacts}:{line}: ")) && err.contains(why),
            "{line}, {why}: {err}"
        );
    }
    assert!(!err.contains("line 1") && !err.contains("but is null"), "{err}");
    let bare = write(
        &folder,
        "bare.csv",
        "id,kind,member,at,offer,score\np,contact,anna,2026-03-02T10:00:00+01:00,Card,1\n",
    );
    let (exit, _, err) = perq(&["optimize", &plan, "--contacts", &bare]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("none of its 1 record is a contact: line 2, event `p`, `channel`: "), "{err}");
    let empty = write(&folder, "empty.csv", "id,kind,member,at,offer,channel,score\n");
    let (exit, _, err) = perq(&["optimize", &plan, "--contacts", &empty]);
    assert_eq!(exit, Exit::Clean);
    assert!(err.contains("empty.csv holds no contact"), "{err}");
    let none = write(
        &folder,
        "none.rule",
        "language 1\nprogram demo { currency EUR zone \"Europe/Rome\" rounding half_up }\n",
    );
    let (exit, _, err) = perq(&["optimize", &none, "--contacts", &contacts]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("declares no `contacts`"), "{err}");
}

/// Tables in and out: the same plan as of CSV, with exact scores.
#[test]
fn contacts_as_tables() {
    let folder = scratch("contacts-tables");
    let text = |name: &str| Column::new(name, ColumnKind::Text);
    let number = |name: &str, scale: u8| Column::new(name, ColumnKind::Decimal { digits: 18, scale });
    let columns = [
        text("id"),
        text("kind"),
        text("member"),
        Column::new("at", ColumnKind::Instant),
        text("offer"),
        text("channel"),
        number("score", 0),
        number("cost", 2),
        number("risk", 1),
        number("interest", 1),
    ];
    let rows = std::fs::read_to_string(example("contacts.csv")).expect("the example's contacts");
    for (format, ending) in [(TableFormat::Parquet, "parquet"), (TableFormat::Arrow, "arrow")] {
        let proposed = at(&folder, &format!("proposed.{ending}"));
        let file = std::fs::File::create(&proposed).expect("a file");
        let mut table = TableWriter::new(format, &columns, file).expect("a table");
        for row in rows.lines().skip(1) {
            let cells: Vec<&str> = row.split(',').collect();
            let count = |at: usize, scale: usize| -> Cell<'_> {
                let (whole, part) = cells[at].split_once('.').unwrap_or((cells[at], ""));
                Cell::Decimal(format!("{whole}{part:0<scale$}").parse().expect("a number"))
            };
            let day: i64 = cells[3][8..10].parse().expect("a day");
            // 10:00 in Rome on 1 March 2026 is 1 772 355 600.
            let instant = 1_772_355_600 + (day - 1) * 86_400;
            let mut own: Vec<Cell<'_>> = cells[..3].iter().map(|cell| Cell::Text(cell)).collect();
            own.push(Cell::Instant(instant));
            own.extend(cells[4..6].iter().map(|cell| Cell::Text(cell)));
            own.extend([count(6, 0), count(7, 2), count(8, 1), count(9, 1)]);
            table.row(&own).expect("a row");
        }
        table.finish().expect("the end");
        let (chosen, dropped) =
            (at(&folder, &format!("chosen.{ending}")), at(&folder, &format!("dropped.{ending}")));
        let history = example("history.csv");
        let plan = object(&[
            "optimize",
            &example(""),
            "--contacts",
            &proposed,
            "--history",
            &history,
            "-o",
            &chosen,
            "--dropped",
            &dropped,
        ]);
        assert_eq!((&plan["score"], &plan["chosen"], &plan["refused"]), (&"22".into(), &7.into(), &0.into()));
        let read = |path: &str, columns: &[Column]| {
            let file = std::fs::File::open(path).expect("a file");
            let mut table = TableReader::open(format, file, columns).expect("a table");
            let mut rows = Vec::new();
            while let Some(row) = table.next_row().expect("a row") {
                rows.push(row);
            }
            rows
        };
        let of_chosen = [text("id"), Column::new("at", ColumnKind::Instant), text("kind")];
        let ids: Vec<String> = read(&chosen, &of_chosen)
            .into_iter()
            .map(|row| match row.as_slice() {
                [Read::Text(id), Read::Instant(at), Read::Text(kind)] => {
                    assert_eq!(kind.as_str(), "contact");
                    format!("{id} {}", perq_runtime::clock::instant_text(*at))
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids.first().map(String::as_str), Some("p2 2026-03-02T23:00:00Z"));
        assert_eq!(ids.len(), 7);
        // What was chosen is what was made next time: nothing is proposed once more that the past has used up.
        let again = object(&["optimize", &example(""), "--contacts", &proposed, "--history", &chosen]);
        assert_eq!((&again["made"], &again["proposed"]), (&7.into(), &10.into()));
        let why = read(&dropped, &[text("id"), Column::optional("why", ColumnKind::Text)]);
        let why: Vec<(&Read, &Read)> = why.iter().map(|row| (&row[0], &row[1])).collect();
        let text = |text: &str| Read::Text(text.into());
        assert_eq!(
            why,
            [(&text("p1"), &text("excluded")), (&text("v1"), &text("least")), (&text("s3"), &text("member"))]
        );
    }
}

/// A file of which nothing is a contact is another one than was meant.
#[test]
fn a_file_without_contacts_is_refused() {
    let folder = scratch("contacts-none");
    let plan = write(&folder, "plan.rule", PLAN);
    let days = contact("a", "m", 2, "web", 5).replace("T10:00:00+01:00", "");
    let path = write(&folder, "days.ndjson", &days);
    let (exit, _, text) = perq(&["optimize", &plan, "--contacts", &path]);
    assert_eq!(exit, Exit::Usage);
    assert!(text.contains("none of its 1 record is a contact"), "{text}");
}

/// `Bst` is near the segment `Best`, `emial` near the channel `email`; both are told at their places, with what to write.
#[test]
fn misspelt_names_are_found_by_check() {
    let folder = scratch("contacts-names");
    write(&folder, "segments.csv", "segment,member\nBest,anna\nRegular,bruno\n");
    write(&folder, "channels.csv", "name\nemail\nweb\n");
    write(&folder, "offer-lists.csv", "offer_list,offer\nCredit,Card\n");
    write(
        &folder,
        "perq.toml",
        "[catalogue]\nsegments = [\"segments.csv\"]\noffer_lists = [\"offer-lists.csv\"]\n\
         [catalogue.names]\nchannel = [\"channels.csv\"]\n",
    );
    let plan = "language 1
program demo { currency EUR zone \"Europe/Rome\" rounding half_up }
contacts spring {
  maximise sum(contact.score for contacts)
  capacity at most 3 contacts via emial within session
  capacity at most 3 contacts offer_list \"Credti\" within session
  each member in segment \"Bst\" at most 1 contact within this month
  each member in segment \"Best\" at most 2 contacts via web within this month
}
";
    write(&folder, "plan.rule", plan);
    let (exit, out, err) = perq(&["check", &folder.display().to_string()]);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""), "{out}");
    for said in [
        "the catalogue has no channel `emial`",
        "a name that it has: `email`",
        "the catalogue has no offer_list `Credti`",
        "a name that it has: `\"Credit\"`",
        "the catalogue has no segment `Bst`",
        "a name that it has: `\"Best\"`",
        "0 errors, 3 warnings",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    // A table that is not there is told, and the rules are checked all the same.
    std::fs::remove_file(folder.join("segments.csv")).unwrap_or_else(|error| panic!("{error}"));
    let (exit, out, err) = perq(&["check", &folder.display().to_string()]);
    assert_eq!(exit, Exit::Clean, "{out}");
    assert!(
        err.contains("names were not held against the catalogue: ") && err.contains("segments.csv"),
        "{err}"
    );
}

/// A ledger that decided a contact of the 1st and a call of the 2nd: both count as the same file after `--history` does. Anna had a
/// contact less than a week before the 3rd, so hers is not made; of Bruno's call and Carla's one place is left beside
/// the call of the 2nd, and 5 is more than 4.
#[test]
fn contacts_that_a_ledger_keeps_were_made() {
    for backend in Backend::ALL {
        contacts_were_made(&backend.place());
    }
}

fn contacts_were_made(ledger: &str) {
    let folder = scratch("contacts-ledger");
    let plan = write(&folder, "plan.rule", PLAN);
    let text = contact("h1", "anna", 1, "web", 1) + &contact("h2", "dora", 2, "call_center", 1);
    let history = write(&folder, "history.ndjson", &text);
    let decisions = at(&folder, "decisions.ndjson");
    let (exit, _, err) = perq(&["run", &plan, "--events", &history, "--ledger", ledger, "-o", &decisions]);
    assert_eq!(exit, Exit::Clean, "{err}");
    let text = contact("a", "anna", 3, "web", 9)
        + &contact("b", "bruno", 3, "call_center", 5)
        + &contact("c", "carla", 4, "call_center", 4);
    let contacts = write(&folder, "contacts.ndjson", &text);
    let chosen = at(&folder, "chosen.csv");
    let mut seen: Option<String> = None;
    for of in [["--ledger", ledger], ["--history", history.as_str()]] {
        let mut arguments =
            vec!["optimize", &plan, "--contacts", &contacts, "-o", &chosen, "--format", "json"];
        arguments.extend(of);
        let (exit, out, err) = perq(&arguments);
        assert_eq!(exit, Exit::Clean, "{err}");
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
        assert_eq!((&told["made"], &told["chosen"]), (&2.into(), &1.into()), "{of:?}: {out}");
        let text = std::fs::read_to_string(&chosen).unwrap_or_default();
        assert!(text.contains("\nb,contact,bruno,"), "{text}");
        assert!(seen.replace(text.clone()).is_none_or(|before| before == text));
    }
    let (exit, _, err) = perq(&["optimize", &plan, "--contacts", &contacts, "--ledger", "nowhere.ledger"]);
    assert_eq!(exit, Exit::Usage, "{err}");
    assert!(err.contains("nowhere.ledger"), "{err}");
}

/// Anna's two cards fall on one day, of which one contact is made: she cannot come to two, and is not asked for them.
#[test]
fn who_is_not_asked_for_a_least_number_is_told() {
    let folder = scratch("contacts-skipped");
    let plan = PLAN.replace(
        "  each member at most 1 contact within any 7 days\n",
        "  each member at most 1 contact within any 1 days\n\
           each member at least 2 contacts offer \"Card\" within session else skip\n",
    );
    let plan = write(&folder, "plan.rule", &plan);
    let text = contact("a", "anna", 2, "web", 5)
        + &contact("b", "anna", 2, "web", 4)
        + &contact("c", "bruno", 2, "web", 3)
        + &contact("d", "bruno", 3, "web", 2);
    let contacts = write(&folder, "contacts.ndjson", &text);
    let told = object(&["optimize", &plan, "--contacts", &contacts]);
    assert_eq!((&told["chosen"], &told["score"]), (&3.into(), &"10".into()), "{told}");
    assert_eq!(told["skipped"][0]["members"], 1, "{told}");
    let (_, out, _) = perq(&["optimize", &plan, "--contacts", &contacts]);
    assert!(out.contains("not asked of 1 member: `each member at least 2 contacts"), "{out}");
}
