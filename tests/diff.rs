//! What a change of a programme does to events: figures worked out by hand, sums against those of two runs, causes that
//! add up, and the faces of the report.

use perq_cli::args::{self, Format};
use perq_cli::output::Output;
use perq_cli::{Exit, commands};
use perq_runtime::columnar::{Cell, Column, ColumnKind, TableFormat, TableWriter};
use perq_runtime::diff::report::DIFF_SCHEMA;
use perq_tests::schema::misfits;
use perq_tests::{read, root, scratch};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

fn perq(arguments: &[&str]) -> (Exit, String, String) {
    perq_cli::run(arguments, &[]).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn small(side: &str) -> String {
    shown(&root().join("tests/diff").join(side))
}

/// The object of a comparison, held against its schema.
fn diff(arguments: &[&str]) -> Value {
    let mut all = vec!["diff", "--format", "json"];
    all.extend(arguments);
    let (exit, out, err) = perq(&all);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""), "{out}");
    let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    let schema: Value = serde_json::from_str(DIFF_SCHEMA).expect("the schema is JSON");
    assert_eq!(misfits(&schema, &value), Vec::<String>::new());
    value
}

/// A decimal of at most two digits behind the point, as hundredths.
fn hundredths(value: &Value) -> i128 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no amount"));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{part:0<2}");
    assert!(part.len() <= 2, "{text}");
    digits.parse().unwrap_or_else(|_| panic!("{text} is no amount"))
}

fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    let all = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    all.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("there is no {name}"))
}

fn change(before: &str, after: &str, difference: &str) -> Value {
    json!({ "before": before, "after": after, "difference": difference })
}

fn points(row: &Value) -> Value {
    let award = &row["awards"][0];
    json!([award["before"], award["after"], award["difference"]])
}

/// `tests/diff`: the points are 2 % in place of 1 %, the bonus has a limit of 80 points per member and month, and the 10 %
/// off tea are gone. What each receipt gets, worked out by hand:
///
/// | receipt | before | after |
/// |---|---|---|
/// | R1, m1, gold, 2 March: 12 tea at 2.50 = 30.00 | 10 % = 3.00 against 5 % = 1.50: 3.00 off, 27.00 left; points 27, 2 tens = 10, bonus 50: 87 | 5 % = 1.50, 28.50 left; points 57, 2 tens = 10, bonus 50: 117 |
/// | R2, m1, gold, 9 March: 4 bread at 5.50 = 22.00 | nothing off; points 22, 2 tens = 10, bonus 50: 82 | points 44, 2 tens = 10, of the bonus the 30 that 80 leave: 84 |
/// | R3, m2, base, 3 April: 4 tea at 2.60 = 10.40 | 1.04 off, 9.36 left; points 9.36, no ten: 9 | nothing off; points 20.80, 1 ten = 5: 25 |
///
/// A hundred points are worth a euro, so the three change by -1.50 + 0.30 = -1.20, by +0.02, and by -1.04 + 0.16 = -0.88.
#[test]
fn three_receipts_worked_out_by_hand() {
    let events = small("receipts.ndjson");
    let found = diff(&[&small("old"), &small("new"), "--over", &events]);
    assert_eq!(found["changed"], true);
    assert_eq!(found["period"], json!({ "from": "2026-03-02", "to": "2026-04-03" }));
    assert_eq!(found["records"]["changed"], 3);
    let totals = &found["totals"];
    assert_eq!(totals["initial"], change("62.40", "62.40", "0.00"));
    assert_eq!(totals["discount"], change("4.04", "1.50", "-2.54"));
    assert_eq!(totals["total"], change("58.36", "60.90", "2.54"));
    assert_eq!(points(totals), json!(["178", "226", "48"]));

    for (rule, events, discount, awards) in [
        ("tea_week", [2, 0], ("4.04", "0.00", "-4.04"), ["0", "0", "0"]),
        ("bulk", [0, 1], ("0.00", "1.50", "1.50"), ["0", "0", "0"]),
        ("one_percent", [3, 3], ("0.00", "0.00", "0.00"), ["58", "121", "63"]),
        ("every_ten", [2, 3], ("0.00", "0.00", "0.00"), ["20", "25", "5"]),
        ("large", [2, 2], ("0.00", "0.00", "0.00"), ["100", "80", "-20"]),
    ] {
        let row = named(&found["rules"], rule);
        assert_eq!(row["events"], json!({ "before": events[0], "after": events[1] }), "{rule}");
        assert_eq!(row["discount"], change(discount.0, discount.1, discount.2), "{rule}");
        assert_eq!(points(row), json!(awards), "{rule}");
    }
    assert_eq!(named(&found["rules"], "tea_week")["there"], "old");
    assert_eq!(points(named(&found["groups"], "base_points")), json!(["78", "146", "68"]));
    for (at, month, discount, awards) in [
        (0, "2026-03", ("3.00", "1.50", "-1.50"), ["169", "201", "32"]),
        (1, "2026-04", ("1.04", "0.00", "-1.04"), ["9", "25", "16"]),
    ] {
        let row = &found["months"][at];
        assert_eq!(row["month"], month);
        assert_eq!(row["discount"], change(discount.0, discount.1, discount.2));
        assert_eq!(points(row), json!(awards));
    }
    let (regulars, none) = (named(&found["segments"], "regulars"), named(&found["segments"], "none"));
    assert_eq!((&regulars["events"], points(regulars)), (&json!(2), json!(["169", "201", "32"])));
    assert_eq!(regulars["discount"], change("3.00", "1.50", "-1.50"));
    assert_eq!((&none["events"], points(none)), (&json!(1), json!(["9", "25", "16"])));

    let value = named(&found["measures"], "value");
    // m1 has -1.20 and +0.02, m2 has -0.88: ten and fifty percent of two are the first, ninety and all the second.
    let quantiles = |amounts: [&str; 4]| {
        let percents = [10, 50, 90, 100].iter().zip(amounts);
        percents.map(|(percent, amount)| json!({ "percent": percent, "amount": amount })).collect::<Vec<_>>()
    };
    let members = &value["members"];
    assert_eq!((&members["more"]["count"], &members["same"]), (&json!(0), &json!(0)));
    assert_eq!((&members["less"]["count"], &members["less"]["sum"]), (&json!(2), &json!("-2.06")));
    assert_eq!(members["less"]["quantiles"], json!(quantiles(["-0.88", "-0.88", "-1.18", "-1.18"])));
    let receipts = &value["receipts"];
    assert_eq!((&receipts["more"]["count"], &receipts["more"]["sum"]), (&json!(1), &json!("0.02")));
    assert_eq!((&receipts["less"]["count"], &receipts["less"]["sum"]), (&json!(2), &json!("-2.08")));
    let most = value["most"].as_array().expect("a list");
    let order: Vec<(&Value, &Value)> = most.iter().map(|r| (&r["id"], &r["difference"])).collect();
    let expected = [("R1", "-1.20"), ("R3", "-0.88"), ("R2", "0.02")].map(|(id, d)| (json!(id), json!(d)));
    assert_eq!(order, expected.iter().map(|(id, d)| (id, d)).collect::<Vec<_>>());

    // What is written otherwise, with the lines of both texts.
    let hunk = |what: &str, name: &str| {
        let all = found["hunks"].as_array().expect("a list");
        let at = all.iter().position(|hunk| hunk["what"] == what && hunk["name"] == name);
        at.unwrap_or_else(|| panic!("no hunk of {name}"))
    };
    assert_eq!(found["hunks"].as_array().map(Vec::len), Some(3));
    let (rate, limit, tea) = (hunk("rule", "one_percent"), hunk("group", "bonus"), hunk("rule", "tea_week"));
    let line_of = |side: &str, text: &str| {
        let of = read(&format!("tests/diff/{side}/shop.rule"));
        let at = of.lines().position(|line| line.contains(text));
        at.unwrap_or_else(|| panic!("{side} has no {text}")) + 1
    };
    assert_eq!(found["hunks"][rate]["old"]["line"], line_of("old", "award 1% of"));
    assert_eq!(found["hunks"][rate]["new"]["line"], line_of("new", "award 2% of"));
    assert_eq!(found["hunks"][rate]["new"]["file"], "shop.rule");
    assert_eq!(found["hunks"][limit]["new"]["line"], line_of("new", "limit 80"));
    assert_eq!(found["hunks"][limit]["old"]["text"], "");
    assert_eq!((&found["hunks"][tea]["how"], &found["hunks"][tea]["new"]), (&json!("removed"), &Value::Null));
    assert_eq!(found["hunks"][tea]["old"]["line"], line_of("old", "rule tea_week"));

    // And what each receipt owes to which.
    let because = |receipt: usize| {
        let rules = most[receipt]["rules"].as_array().expect("a list").iter();
        let one = |b: &Value| {
            let rule = b["rule"].as_str().unwrap_or_default().to_owned();
            (rule, (b["difference"].clone(), b["cause"].clone(), b["hunks"].clone()))
        };
        rules.map(one).collect::<BTreeMap<_, _>>()
    };
    let one = |difference: &str, cause: &str, hunk: usize| (json!(difference), json!(cause), json!([hunk]));
    let expected = |list: &[(&str, (Value, Value, Value))]| {
        list.iter().map(|(rule, what)| ((*rule).to_owned(), what.clone())).collect::<BTreeMap<_, _>>()
    };
    let first = [
        ("tea_week", one("-3.00", "rule", tea)),
        ("bulk", one("1.50", "displacement", tea)),
        ("one_percent", one("30", "rule", rate)),
    ];
    assert_eq!(because(0), expected(&first));
    let second = [
        ("tea_week", one("-1.04", "rule", tea)),
        ("one_percent", one("11", "rule", rate)),
        ("every_ten", one("5", "follows", tea)),
    ];
    assert_eq!(because(1), expected(&second));
    let third = [("one_percent", one("22", "rule", rate)), ("large", one("-20", "limit", limit))];
    assert_eq!(because(2), expected(&third));

    let budget = &found["budgets"]["new"][0];
    assert_eq!(
        (&budget["owner"], &budget["name"], &budget["per"]),
        (&json!("group"), &json!("bonus"), &json!("member"))
    );
    assert_eq!(budget["within"], "this month");
    let march = json!({
        "from": "2026-03-01", "to": "2026-03-31", "limit": "80", "used": "80", "peak": "80", "holders": 1,
        "used_up": 1, "used_up_on": "2026-03-09", "events_cut": 1, "cut": "20",
    });
    assert_eq!(budget["windows"], json!([march]));
    assert_eq!(found["budgets"]["old"], json!([]));
    adds_up(&found);
}

/// The parts of a report come to its whole: causes to the rules, receipts and members to the totals, months to all.
fn adds_up(found: &Value) {
    let list = |of: &Value| of.as_array().unwrap_or_else(|| panic!("{of} is no list")).clone();
    let total = hundredths(&found["totals"]["discount"]["difference"]);
    let sum = |of: &Value, amount: fn(&Value) -> &Value| {
        list(of).iter().map(|row| hundredths(amount(row))).sum::<i128>()
    };
    let of_rows = |row: &Value| -> i128 { hundredths(&row["discount"]["difference"]) };
    for name in ["rules", "groups", "months"] {
        assert_eq!(list(&found[name]).iter().map(of_rows).sum::<i128>(), total, "{name}");
    }
    assert_eq!(sum(&found["causes"], |cause| &cause["discount"]), total);
    for (at, award) in list(&found["totals"]["awards"]).iter().enumerate() {
        let total = hundredths(&award["difference"]);
        for name in ["rules", "groups", "months"] {
            let parts = list(&found[name]);
            let parts = parts.iter().map(|row| hundredths(&row["awards"][at]["difference"]));
            assert_eq!(parts.sum::<i128>(), total, "{name}");
        }
        let causes = list(&found["causes"]);
        let causes = causes.iter().map(|cause| hundredths(&cause["awards"][at]["difference"]));
        assert_eq!(causes.sum::<i128>(), total);
        let measure = named(&found["measures"], award["account"].as_str().unwrap_or_default());
        for of in ["members", "receipts"] {
            let both = hundredths(&measure[of]["more"]["sum"]) + hundredths(&measure[of]["less"]["sum"]);
            assert_eq!(both, total, "{of}");
        }
    }
    let discount = &named(&found["measures"], "discount")["receipts"];
    assert_eq!(hundredths(&discount["more"]["sum"]) + hundredths(&discount["less"]["sum"]), total);
    let counts =
        ["more", "less"].iter().map(|side| discount[side]["count"].as_u64().unwrap_or(0)).sum::<u64>();
    let decided = found["records"]["decided"]["after"].as_u64().unwrap_or(0);
    assert_eq!(counts + discount["same"].as_u64().unwrap_or(0), decided);
}

/// Every total of a comparison is that of a run of the one side, and that of the other.
fn as_two_runs(found: &Value, old: &str, new: &str, events: &[&str]) {
    let folder = scratch("diff-runs");
    let run = |side: &str, name: &str| -> Value {
        let decisions = shown(&folder.join(name));
        let mut all = vec!["run", side, "-o", &decisions, "--format", "json"];
        events.iter().for_each(|events| all.extend(["--events", events]));
        let (exit, out, err) = perq(&all);
        assert_eq!((exit, err.as_str()), (Exit::Clean, ""));
        let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}"));
        value["summary"].clone()
    };
    let (before, after) = (run(old, "old.ndjson"), run(new, "new.ndjson"));
    let mut compared = 0_usize;
    let mut same = |change: &Value, one: &Value, other: &Value, what: &str| {
        assert_eq!((&change["before"], &change["after"]), (one, other), "{what}");
        let difference = hundredths(&change["difference"]);
        assert_eq!(difference, hundredths(other) - hundredths(one), "{what}");
        compared += 1;
    };
    for name in ["initial", "discount", "paid", "total"] {
        same(&found["totals"][name], &before["total"][name], &after["total"][name], name);
    }
    let awards = found["totals"]["awards"].as_array().expect("a list");
    for (at, award) in awards.iter().enumerate() {
        let of = |run: &Value| run["total"]["awards"][at]["amount"].clone();
        same(award, &of(&before), &of(&after), "awards");
    }
    for (at, month) in found["months"].as_array().expect("a list").iter().enumerate() {
        let (one, other) = (&before["months"][at], &after["months"][at]);
        assert_eq!((&month["month"], &month["month"]), (&one["month"], &other["month"]));
        same(&month["discount"], &one["discount"], &other["discount"], "month");
        for (account, award) in month["awards"].as_array().expect("a list").iter().enumerate() {
            let of = |run: &Value| run["awards"][account]["amount"].clone();
            same(award, &of(one), &of(other), "points of a month");
        }
    }
    for list in ["rules", "groups"] {
        for row in found[list].as_array().expect("a list") {
            let name = row["name"].as_str().expect("a name");
            let nothing = json!({ "discount": "0.00", "events": 0 });
            let of = |run: &'_ Value| -> Value {
                let all = run[list].as_array().expect("a list");
                all.iter().find(|one| one["name"] == name).cloned().unwrap_or_else(|| nothing.clone())
            };
            let (one, other) = (of(&before), of(&after));
            same(&row["discount"], &one["discount"], &other["discount"], name);
            assert_eq!(row["events"], json!({ "before": one["events"], "after": other["events"] }), "{name}");
            for (at, award) in row["awards"].as_array().expect("a list").iter().enumerate() {
                let of = |row: &Value| match &row["awards"][at]["amount"] {
                    Value::Null => json!("0"),
                    amount => amount.clone(),
                };
                same(award, &of(&one), &of(&other), name);
            }
        }
    }
    assert!(compared > 10, "only {compared} figures were compared");
}

#[test]
fn totals_are_those_of_two_runs() {
    let events = small("receipts.ndjson");
    let found = diff(&[&small("old"), &small("new"), "--over", &events]);
    as_two_runs(&found, &small("old"), &small("new"), &[&events]);
}

#[test]
fn the_same_programme_has_no_difference() {
    let events = small("receipts.ndjson");
    let found = diff(&[&small("new"), &small("new"), "--over", &events]);
    assert_eq!(found["changed"], false);
    for list in ["hunks", "causes", "warnings"] {
        assert_eq!(found[list], json!([]), "{list}");
    }
    for row in found["rules"].as_array().into_iter().flatten() {
        assert_eq!(
            (&row["discount"]["difference"], &row["awards"][0]["difference"]),
            (&json!("0.00"), &json!("0"))
        );
    }
    for measure in found["measures"].as_array().into_iter().flatten() {
        assert_eq!(measure["most"], json!([]));
        assert_eq!((&measure["members"]["same"], &measure["receipts"]["same"]), (&json!(2), &json!(3)));
    }
    let (exit, out, _) = perq(&["diff", &small("new"), &small("new"), "--over", &events, "--exit-code"]);
    assert_eq!(exit, Exit::Clean);
    assert!(
        out.contains("No difference: every record is decided alike, and the texts say the same."),
        "{out}"
    );
    assert!(!out.contains("What is written otherwise"), "{out}");
}

#[test]
fn exit_codes_are_those_of_git_diff() {
    let (old, new, events) = (small("old"), small("new"), small("receipts.ndjson"));
    let both = ["diff", &old, &new, "--over", &events];
    assert_eq!(perq(&both).0, Exit::Clean, "a difference alone is no finding");
    let mut asked = both.to_vec();
    asked.push("--exit-code");
    assert_eq!(perq(&asked).0, Exit::Findings);
    let usage = |arguments: &[&str], part: &str| {
        let (exit, _, err) = perq(arguments);
        assert_eq!(exit, Exit::Usage, "{arguments:?}");
        assert!(err.contains(part), "{err}");
    };
    usage(&["diff", &old, &new], "there are no events");
    usage(&["diff", &old, "--over", &events], "name two programmes");
    usage(&["diff", &old, &new, "--old-rev", "HEAD", "--over", &events], "name only the one after");
    usage(
        &["diff", &old, "--old-rev", "no-such-revision", "--over", &events],
        "no revision `no-such-revision`",
    );
    usage(&["diff", &old, "--old-rev=--output=x", "--over", &events], "no revision");
    usage(&["diff", &shown(&Path::new(&old).join("nowhere")), &new, "--over", &events], "nowhere");
    let folder = scratch("diff-usage");
    let other = shown(&folder.join("pounds.rule"));
    let pounds = read("tests/diff/new/shop.rule").replace("EUR", "GBP");
    std::fs::write(&other, pounds).unwrap_or_else(|error| panic!("{error}"));
    usage(&["diff", &old, &other, "--over", &events], "different currencies, EUR and GBP");
    usage(&["diff", "--old-rev", "HEAD", &other, "--over", &events], "wants the folder of a programme");
    let wrong = shown(&folder.join("wrong.rule"));
    std::fs::write(&wrong, "language 1\nrule").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(perq(&["diff", &old, &wrong, "--over", &events]).0, Exit::Findings, "rules with errors");
}

#[test]
fn engines_agree_and_packs_have_no_lines() {
    let (old, new, events) = (small("old"), small("new"), small("receipts.ndjson"));
    let native = diff(&[&old, &new, "--over", &events, "--engine", "native"]);
    assert_eq!(native, diff(&[&old, &new, "--over", &events, "--engine", "interpreter"]));
    let folder = scratch("diff-packs");
    let pack = |side: &str, name: &str| {
        let path = shown(&folder.join(name));
        assert_eq!(perq(&["build", side, "-o", &path]).0, Exit::Clean);
        path
    };
    let (old, new) = (pack(&old, "old.perq"), pack(&new, "new.perq"));
    let packs = diff(&[&old, &new, "--over", &events]);
    for part in ["totals", "months", "measures", "budgets", "records"] {
        if part != "measures" {
            assert_eq!(native[part], packs[part], "{part}");
        }
    }
    let changed: Vec<(&Value, &Value)> =
        packs["hunks"].as_array().into_iter().flatten().map(|hunk| (&hunk["what"], &hunk["name"])).collect();
    let expected = [("group", "bonus"), ("rule", "one_percent"), ("rule", "tea_week")];
    let expected = expected.map(|(what, name)| (json!(what), json!(name)));
    assert_eq!(changed, expected.iter().map(|(what, name)| (what, name)).collect::<Vec<_>>());
    assert_eq!(packs["segments"], json!([]), "a pack has no segments");
    adds_up(&packs);
}

#[test]
fn a_revision_of_git_is_the_programme_before() {
    let folder = scratch("diff-git");
    let shop = folder.join("rules").join("shop");
    std::fs::create_dir_all(&shop).unwrap_or_else(|error| panic!("{error}"));
    let git = |arguments: &[&str]| {
        let own = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
        let status =
            std::process::Command::new("git").arg("-C").arg(&folder).args(own).args(arguments).output();
        let output = status.unwrap_or_else(|error| panic!("{error}"));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let write =
        |text: &str| std::fs::write(shop.join("shop.rule"), text).unwrap_or_else(|error| panic!("{error}"));
    git(&["init", "-q"]);
    write(&read("tests/diff/old/shop.rule"));
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "before"]);
    write(&read("tests/diff/new/shop.rule"));
    let events = small("receipts.ndjson");
    let found = diff(&["--old-rev", "HEAD", &shown(&shop), "--over", &events]);
    let folders = diff(&[&small("old"), &small("new"), "--over", &events]);
    for part in ["totals", "rules", "hunks", "causes", "measures", "segments", "budgets"] {
        assert_eq!(found[part], folders[part], "{part}");
    }
    assert!(found["old"]["source"].as_str().is_some_and(|source| source.ends_with("shop in HEAD")));
}

/// What is renamed stays what it was, a value in `perq.toml` is a change like one in the rules, and a comment is none.
#[test]
fn changes_are_found_where_they_are() {
    let folder = scratch("diff-changes");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&folder)).unwrap_or_else(|error| panic!("{error}"));
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
    };
    let text = read("tests/diff/old/shop.rule");
    let rate = "param rate \"Rate\": percent = 1% in 1% through 5%\n\ndefine share(base: money) gives money = base * rate\n";
    let with = text.replace("award 1% of basket.paid as", "award share(basket.paid) as") + rate;
    write("old/shop.rule", &with);
    write(
        "new/shop.rule",
        &with.replace("## The programme", "## Another word of\n\n## the programme").replace(
            "rule bulk \"5 % off from ten pieces\" {\n",
            "rule many was bulk \"5 % off from ten pieces\" {\n",
        ),
    );
    write("new/perq.toml", "[parameters]\nrate = \"3%\"\n");
    let (old, new) = (shown(&folder.join("old")), shown(&folder.join("new")));
    let found = diff(&[&old, &new, "--over", &small("receipts.ndjson")]);
    let hunks: Vec<(&Value, &Value)> =
        found["hunks"].as_array().into_iter().flatten().map(|hunk| (&hunk["what"], &hunk["name"])).collect();
    let expected = [("rule", "many"), ("setting", "rate")].map(|(what, name)| (json!(what), json!(name)));
    assert_eq!(hunks, expected.iter().map(|(what, name)| (what, name)).collect::<Vec<_>>());
    assert_eq!(named(&found["rules"], "many")["there"], "both");
    // 27.00, 22.00 and 9.36 at 3 %: 81, 66 and 28.08 points in place of 27, 22 and 9.
    let row = named(&found["rules"], "one_percent");
    assert_eq!((points(row), &row["hunks"]), (json!(["58", "175", "117"]), &json!([1])));
    assert_eq!(found["causes"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["causes"][0]["cause"], "rule");
}

/// A rule that fails and a field that is not there are told where only one side has them.
#[test]
fn what_fails_on_one_side_is_told() {
    let folder = scratch("diff-fails");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
        shown(&path)
    };
    let text = read("tests/diff/old/shop.rule");
    let divides = text.replace("award 50 points\n", "award 50 points * (4 pcs / (count(lines) - 1 pcs))\n");
    let divides =
        write("divides.rule", &divides.replace("count(lines)", "sum(line.pieces for lines) - 3 pcs"));
    let found = diff(&[&small("old"), &divides, "--over", &small("receipts.ndjson")]);
    // R1 has 12 pieces: 4 / 8 of 50; R2 has 4, and nothing is to divide by.
    let warning = json!({
        "side": "new", "what": "rule", "rule": "large", "error": "division-by-zero", "events": 1, "examples": ["R2"],
    });
    assert_eq!(found["warnings"], json!([warning]));
    assert_eq!(points(named(&found["rules"], "large")), json!(["100", "25", "-75"]));
    let needs = write("needs.rule", &text.replace("level: Level = base", "level: Level"));
    let needs = needs.clone();
    let with_rule = read_file(&needs)
        .replace("when basket.paid >= 20 EUR", "when basket.paid >= 20 EUR and member.level >= base");
    let needs = write("needs.rule", &with_rule);
    let found = diff(&[&small("old"), &needs, "--over", &small("receipts.ndjson")]);
    assert_eq!(found["records"]["refused"], json!({ "before": 0, "after": 1 }));
    let warning = json!({
        "side": "new", "what": "record", "error": "missing-field", "events": 1, "examples": ["R3"],
    });
    assert_eq!(found["warnings"], json!([warning]));
    // R3 had 1.04 off and 9 points.
    let causes: Vec<&Value> =
        found["causes"].as_array().into_iter().flatten().filter(|cause| cause["cause"] == "record").collect();
    assert_eq!(causes.len(), 1);
    assert_eq!(
        (&causes[0]["discount"], &causes[0]["awards"][0]["difference"]),
        (&json!("-1.04"), &json!("-9"))
    );
    let (_, out, _) = perq(&["diff", &small("old"), &needs, "--over", &small("receipts.ndjson")]);
    assert!(out.contains("after: the record cannot be read [missing-field] on 1: R3"), "{out}");
}

/// Budgets by calendar month, and limits over windows that slide.
#[test]
fn budgets_are_forecast_window_by_window() {
    let folder = scratch("diff-budgets");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
        shown(&path)
    };
    let text = "language 1\n\
        program demo { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
        account bonus { unit points decimals 0 round down per basket }\n\
        group earn { kind earn displace none on purchase when member known }\n\
        rule base in group earn {\n  LIMIT\n  then award 1 points * steps of 1 EUR in basket.paid\n}\n\
        rule launch in group earn {\n  BUDGET\n  then award 100 points\n}\n";
    let old = write("old.rule", &text.replace("LIMIT", "").replace("BUDGET", ""));
    let new = text.replace("LIMIT", "limit 100 points per member within last 30 days else cut");
    let new = write("new.rule", &new.replace("BUDGET", "budget 150 points within this month else cut"));
    let event = |(number, at): (usize, &str)| {
        format!(
            "{{\"id\":\"{number}\",\"kind\":\"purchase\",\"at\":\"{at}\",\"member\":\"anna\",\
             \"lines\":[{{\"sku\":\"A\",\"qty\":1,\"price\":\"60.00\"}}]}}\n"
        )
    };
    let times = ["2026-03-10T12:00:00", "2026-03-31T12:00:00", "2026-03-31T18:00:00", "2026-04-09T12:00:00"];
    let events = write("events.ndjson", &times.into_iter().enumerate().map(event).collect::<String>());
    let found = diff(&[&old, &new, "--over", &events]);
    // 60 points each. In 30 days: 60; 40 of them left; none left; on 9 April the 60 of 10 March count no more: 60.
    assert_eq!(points(named(&found["rules"], "base")), json!(["240", "160", "-80"]));
    // 100 each, 150 in March: 100, 50, none. In April 100.
    assert_eq!(points(named(&found["rules"], "launch")), json!(["400", "250", "-150"]));
    let budgets = &found["budgets"]["new"];
    let base = named(budgets, "base");
    assert_eq!((&base["per"], &base["within"]), (&json!("member"), &json!("last 30 days")));
    let slides = json!({
        "limit": "100", "used": "160", "peak": "100", "holders": 1, "used_up": 1, "used_up_on": "2026-03-31",
        "events_cut": 2, "cut": "80",
    });
    assert_eq!(base["windows"], json!([slides]));
    let launch = named(budgets, "launch");
    assert_eq!((&launch["per"], &launch["within"]), (&json!("campaign"), &json!("this month")));
    let march = json!({
        "from": "2026-03-01", "to": "2026-03-31", "limit": "150", "used": "150", "peak": "150", "holders": 1,
        "used_up": 1, "used_up_on": "2026-03-31", "events_cut": 2, "cut": "150",
    });
    let april = json!({
        "from": "2026-04-01", "to": "2026-04-30", "limit": "150", "used": "100", "peak": "100", "holders": 1,
        "used_up": 0, "events_cut": 0, "cut": "0",
    });
    assert_eq!(launch["windows"], json!([march, april]));
    let (_, out, _) = perq(&["diff", &old, &new, "--over", &events]);
    assert!(
        out.contains("from 2026-03-01: 150 of 150 (100.00 %) points used; used up on 2026-03-31"),
        "{out}"
    );
    adds_up(&found);
}

/// Goods that come back, points for another member, and levels.
#[test]
fn what_comes_back_and_what_others_get() {
    let folder = scratch("diff-returns");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
        shown(&path)
    };
    let text = "language 1\n\
        program demo { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
        account bonus { unit points decimals 0 round down per basket worth 100 points = 1 EUR shortfall debt }\n\
        enum Tier ordered { base, gold }\n\
        extend member { tier: Tier = base }\n\
        group prices { kind line_discount displace none on_price original on purchase }\n\
        rule off in group prices { then discount 10% on lines }\n\
        group earn { kind earn displace none on purchase when member known }\n\
        rule base in group earn { then award 1% of basket.paid as points }\n\
        rule gold in group earn { when member.tier = gold then award 10 points }\n\
        rule friend in group earn { when member.invited_by known then award 5 points to member.invited_by.bonus }\n";
    let old = write("old.rule", text);
    let new =
        write("new.rule", &text.replace("10% on", "20% on").replace("award 5 points", "award 7 points"));
    let member = json!({ "id": "m1", "tier": "gold", "invited_by": "anna" });
    let sale = json!({
        "id": "P", "kind": "purchase", "at": "2026-03-10T12:00:00", "member": member,
        "lines": [{ "sku": "A", "qty": 2, "price": "50.00" }],
    });
    let back = json!({
        "id": "B", "kind": "return", "of": "P", "at": "2026-03-12T12:00:00", "member": member,
        "lines": [{ "sku": "A", "qty": 1 }],
    });
    let events = write("events.ndjson", &format!("{sale}\n{back}\n"));
    let found = diff(&[&old, &new, "--over", &events]);
    // Before: 10.00 off, 90 + 10 points; a piece of two comes back, 5.00 of the discount and 45 points with it.
    // After: 20.00 off, 80 + 10 points; 10.00 and 40 points go back.
    assert_eq!(found["totals"]["discount"], change("5.00", "10.00", "5.00"));
    assert_eq!(points(&found["totals"]), json!(["55", "50", "-5"]));
    assert_eq!(points(named(&found["rules"], "base")), json!(["45", "40", "-5"]));
    assert_eq!(points(named(&found["rules"], "friend")), json!(["5", "7", "2"]));
    as_two_runs(&found, &old, &new, &[&events]);
    let members = &named(&found["measures"], "bonus")["members"];
    assert_eq!((&members["more"]["count"], &members["more"]["sum"]), (&json!(1), &json!("2")), "anna");
    assert_eq!((&members["less"]["count"], &members["less"]["sum"]), (&json!(1), &json!("-5")), "m1");
    let gold = named(&found["segments"], "gold");
    assert_eq!((&gold["by"], &gold["events"]), (&json!("member.tier"), &json!(2)));
    assert_eq!(
        (gold["discount"].clone(), points(gold)),
        (change("5.00", "10.00", "5.00"), json!(["55", "50", "-5"]))
    );
    let returned = named(&found["measures"], "discount")["most"][1].clone();
    assert_eq!((&returned["id"], &returned["difference"]), (&json!("B"), &json!("-5.00")));
    let causes = returned["rules"].as_array().into_iter().flatten();
    let causes: Vec<(&Value, &Value)> = causes.map(|of| (&of["rule"], &of["cause"])).collect();
    assert_eq!(causes, [(&json!("off"), &json!("rule")), (&json!("base"), &json!("follows"))]);
}

fn read_file(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The page loads nothing, says what its plots show, and shows hostile names as text.
#[test]
fn the_page_stands_by_itself() {
    let folder = scratch("diff-page");
    let path = |name: &str| shown(&folder.join(name));
    let hostile = "\\\"><script>alert(1)</script>";
    let text = read("tests/diff/new/shop.rule").replace("\"Regulars\"", &format!("\"{hostile}\""));
    let text = text.replace("\"5 % off from ten pieces\"", &format!("\"{hostile}\""));
    std::fs::write(path("new.rule"), text).unwrap_or_else(|error| panic!("{error}"));
    let html = path("page.html");
    let events = small("receipts.ndjson");
    let (exit, _, err) =
        perq(&["diff", &small("old"), &path("new.rule"), "--over", &events, "--html", &html]);
    assert_eq!(exit, Exit::Clean, "{err}");
    let page = read_file(&html);
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;"));
    let without_names = page.replace("http://www.w3.org/2000/svg", "");
    for loads in ["http:", "https:", "src=", "href=", "url(", "@import"] {
        assert!(!without_names.contains(loads), "the page has {loads}");
    }
    let count = |text: &str| page.matches(text).count();
    assert!(count("<svg") >= 5, "{}", count("<svg"));
    assert_eq!(count("<svg"), count("<desc id="));
    assert_eq!(count("<svg"), count("aria-labelledby="));
    assert_eq!(count("<svg"), count("prefers-color-scheme:dark") - 1);
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id stands twice");
    for element in ["main", "ul", "ol", "li", "table", "tr", "td", "svg", "div", "h2", "b", "pre"] {
        let opened = count(&format!("<{element}>")) + count(&format!("<{element} "));
        assert_eq!(opened, count(&format!("</{element}>")), "{element}");
    }
    let (exit, _, _) =
        perq(&["diff", &small("old"), &small("new"), "--over", &events, "--html", &path("no/where")]);
    assert_eq!(exit, Exit::Usage);
}

/// A copy of an example with one text put in place of another.
fn changed(example: &str, file: &str, from: &str, to: &str) -> String {
    let folder = scratch(&format!("diff-{example}"));
    let source = root().join("rules-examples").join(example);
    for entry in std::fs::read_dir(&source).unwrap_or_else(|error| panic!("{error}")).flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rule") {
            let text = read(&format!("rules-examples/{example}/{name}"));
            let text = if name == file {
                assert_eq!(text.matches(from).count(), 1, "{from} in {name}");
                text.replace(from, to)
            } else {
                text
            };
            std::fs::write(folder.join(&name), text).unwrap_or_else(|error| panic!("{error}"));
        }
    }
    // The tables and the events stay where they are.
    let tables = read(&format!("rules-examples/{example}/perq.toml"));
    let data = shown(&source.join("data"));
    let above = shown(&root().join("rules-examples"));
    let tables = tables.replace("\"data/", &format!("\"{data}/")).replace("\"../", &format!("\"{above}/"));
    std::fs::write(folder.join("perq.toml"), tables).unwrap_or_else(|error| panic!("{error}"));
    shown(&folder)
}

/// The year of the main example with 10 % in place of 8 % from 144 pieces: sums are those of two runs, parts add up, and
/// the page of the reference shows exactly this report.
#[test]
fn a_year_with_one_rate_changed() {
    let old = shown(&root().join("rules-examples/online-retail"));
    let row = "from 144 pcs              => ";
    let new = changed("online-retail", "programme.rule", &format!("{row}8%"), &format!("{row}10%"));
    // Once for all faces.
    let options = args::Diff {
        paths: vec![old.clone().into(), new.clone().into()],
        old_rev: None,
        over: Vec::new(),
        tables: args::Tables::default(),
        html: None,
        most: 10,
        exit_code: false,
        engine: None,
        key: None,
    };
    let (mut output, _) = Output::captured(Format::Json, Vec::new());
    let report = commands::diff::compare(&options, &mut output).unwrap_or_else(|error| panic!("{error:?}"));
    let report = report.expect("the rules have no errors");
    let found = serde_json::to_value(&report).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found["records"]["all"], 25_900);
    adds_up(&found);
    as_two_runs(&found, &old, &new, &[]);
    // Segments and the rest are all of it here: there is one.
    let parts = found["segments"].as_array().into_iter().flatten();
    let parts: i128 = parts.map(|part| hundredths(&part["discount"]["difference"])).sum();
    assert_eq!(parts, hundredths(&found["totals"]["discount"]["difference"]));
    // The dearest order of the year, 80 995 pieces at 2.08: 8 % of 168 469.60 are 13 477.57, 10 % are 16 846.96.
    let most = &named(&found["measures"], "discount")["most"][0];
    assert_eq!((&most["id"], &most["rules"][0]["difference"]), (&json!("581483"), &json!("3369.39")));

    let page = commands::diff::page(&report);
    let report = commands::diff::lines(&report, 100).join("\n");
    let report = report.replace(&old, "rules-examples/online-retail").replace(&new, "new");
    let plot =
        page.split("<h2>Months</h2>\n").nth(1).and_then(|rest| rest.split_inclusive("</svg>\n").next());
    let plot = plot.expect("the page has a plot of the months");
    let picture = root().join("docs/reference/diff-year.svg");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&picture, plot).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(read_file(&shown(&picture)), plot, "docs/reference/diff-year.svg is another");
    let has = read("docs/reference/diff.md").contains(report.trim_end());
    assert!(has, "docs/reference/diff.md has another report than\n{report}");
}

/// A programme that looks back: each side has its own past.
#[test]
fn a_year_of_what_came_before() {
    let old = shown(&root().join("rules-examples/coming-back"));
    let new = changed("coming-back", "programme.rule", COMING_BACK.0, COMING_BACK.1);
    let found = diff(&[&old, &new]);
    assert_eq!(found["changed"], true);
    adds_up(&found);
    as_two_runs(&found, &old, &new, &[]);
    // What a member paid last month is less after, and so are the points of this one.
    let causes: Vec<&Value> = found["causes"].as_array().into_iter().flatten().collect();
    let points = |cause: &str| {
        let found = causes.iter().find(|row| row["cause"] == cause);
        found.map_or(0, |row| hundredths(&row["awards"][0]["difference"]))
    };
    assert!(points("earlier") < 0 && points("follows") < 0, "{causes:?}");
}

/// What is changed of the programme that looks back.
const COMING_BACK: (&str, &str) = ("discount 5% on basket", "discount 10% on basket");

/// A folder for files of a test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
        shown(&path)
    }
}

/// The receipts of `tests/diff` as a table.
const RECEIPTS: &str = "id,kind,at,member,member.level,sku,category,qty,price\n\
    R1,purchase,2026-03-02T10:00:00,m1,gold,T1,Tea,12,2.50\n\
    R2,purchase,2026-03-09T10:00:00,m1,gold,B1,Bread,4,5.50\n\
    R3,purchase,2026-04-03T10:00:00,m2,,T2,Tea,4,2.60\n";

/// A table gives what JSON lines give, whichever it is, and a table that is no table of events is none.
#[test]
fn tables_are_read_as_a_run_reads_them() {
    let folder = Folder(scratch("diff-tables"));
    let (old, new) = (small("old"), small("new"));
    let lines = diff(&[&old, &new, "--over", &small("receipts.ndjson")]);
    let csv = folder.write("receipts.csv", RECEIPTS);
    let table = diff(&[&old, &new, "--over", &csv]);
    for part in lines.as_object().into_iter().flatten() {
        assert_eq!(&table[part.0], part.1, "{}", part.0);
    }
    // The same rows as Parquet and Arrow, with members by their ids alone.
    let bare: String = read("tests/diff/receipts.ndjson").replace(",\"level\":\"gold\"", "");
    let bare = diff(&[&old, &new, "--over", &folder.write("bare.ndjson", &bare)]);
    assert_ne!(bare["segments"], lines["segments"]);
    let text = |name: &str| Column::new(name, ColumnKind::Text);
    let columns = [
        text("id"),
        text("kind"),
        text("at"),
        text("member"),
        Column::new(
            "lines",
            ColumnKind::Rows(vec![
                text("sku"),
                text("category"),
                Column::new("qty", ColumnKind::Whole),
                text("price"),
            ]),
        ),
    ];
    for (format, ending) in [(TableFormat::Parquet, "parquet"), (TableFormat::Arrow, "arrow")] {
        let path = shown(&folder.0.join(format!("receipts.{ending}")));
        let file = std::fs::File::create(&path).unwrap_or_else(|error| panic!("{error}"));
        let mut table = TableWriter::new(format, &columns, file).expect("a table");
        for row in RECEIPTS.lines().skip(1) {
            let cells: Vec<&str> = row.split(',').collect();
            let cell = |at: usize| Cell::Text(cells[at]);
            let line = [cell(5), cell(6), Cell::Whole(cells[7].parse().unwrap_or(0)), cell(8)];
            table.row(&[cell(0), cell(1), cell(2), cell(3), Cell::Rows(&[&line])]).expect("a row");
        }
        table.finish().expect("the end");
        assert_eq!(diff(&[&old, &new, "--over", &path]), bare, "{ending}");
    }
    let (exit, _, err) = perq(&["diff", &old, &new, "--over", &folder.write("no.csv", "a,b\n1,2\n")]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("the table has no column `id`"), "{err}");
}

/// Records that both sides refuse are told, in every face, and are no difference; where nothing can be read, nothing is
/// compared.
#[test]
fn what_cannot_be_read_is_told() {
    let folder = Folder(scratch("diff-refused"));
    let (old, new) = (small("old"), small("new"));
    let bad = "not json\n\
        {\"id\":\"X\",\"kind\":\"purchase\",\"at\":\"2026-03-05T10:00:00\",\"lines\":[{\"sku\":\"A\",\"qty\":1,\"price\":\"x\"}]}\n";
    let some = folder.write("some.ndjson", &(read("tests/diff/receipts.ndjson") + "\n" + bad));
    let found = diff(&[&new, &new, "--over", &some]);
    assert_eq!((&found["changed"], &found["records"]["all"]), (&json!(false), &json!(5)));
    assert_eq!(found["records"]["refused"], json!({ "before": 2, "after": 2 }));
    let refusals = found["refusals"].as_array().expect("a list");
    assert_eq!(refusals.len(), 1);
    let (refusal, first) = (&refusals[0], &refusals[0]["first"]);
    assert_eq!((&refusal["side"], &refusal["records"]), (&json!("both"), &json!(2)));
    assert_eq!((&first["file"], &first["line"], &first["field"]), (&json!(some), &json!(5), &json!("")));
    let html = shown(&folder.0.join("page.html"));
    let all = ["diff", &new, &new, "--over", &some, "--exit-code", "--html", &html];
    let (exit, out, _) = perq(&all);
    assert_eq!(exit, Exit::Clean, "what both refuse is no difference");
    let told = format!("2 refused by both, the first {some}:5: ");
    assert!(
        out.contains(&told) && out.contains("No difference: every record that could be read is"),
        "{out}"
    );
    let page = read_file(&html);
    assert!(
        page.contains(&told) && page.contains("No difference: every record that could be read is"),
        "{page}"
    );
    // Nothing but such records.
    let none = |arguments: &[&str], input: &[u8], part: &str| {
        let (exit, out, err) = perq_cli::run(arguments, input).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{arguments:?}");
        assert!(err.contains(part), "{err}");
    };
    none(
        &["diff", &old, &new, "--over", "-", "--exit-code"],
        b"not json",
        "nothing could be read, so there is nothing to compare: 1 record refused by both, the first -:1: ",
    );
    none(
        &["diff", &old, &new, "--over", "-"],
        RECEIPTS.as_bytes(),
        "4 records refused by both, the first -:1: ",
    );
    none(&["diff", &old, &new, "--over", "-"], b"\n", "there are no events in what was given");
    let json = perq_cli::run(["diff", &old, &new, "--over", "-", "--format", "json"], b"not json");
    let (exit, out, _) = json.unwrap_or_else(|error| panic!("{error}"));
    let object: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(exit, Exit::Usage);
    assert!(object["error"].as_str().is_some_and(|error| error.contains("nothing could be read")), "{out}");
}

/// A row of a table that one side reads and the other refuses is a difference, with the line that it stands on.
#[test]
fn what_one_side_refuses_is_a_difference() {
    let folder = Folder(scratch("diff-one-side"));
    let events = folder.write("receipts.csv", RECEIPTS);
    let text = read("tests/diff/old/shop.rule");
    let needs = text.replace("level: Level = base", "level: Level");
    let needs =
        needs.replace("when basket.paid >= 20 EUR", "when basket.paid >= 20 EUR and member.level >= base");
    let needs = folder.write("needs.rule", &needs);
    for (old, new, side, words) in [
        (small("old"), needs.clone(), "new", "by the new programme only"),
        (needs.clone(), small("old"), "old", "by the old programme only"),
    ] {
        let found = diff(&[&old, &new, "--over", &events]);
        assert_eq!(found["changed"], true);
        let refusal = &found["refusals"][0];
        assert_eq!((&refusal["side"], &refusal["records"]), (&json!(side), &json!(1)));
        // The header is the first line; R3 is the third row.
        let first = &refusal["first"];
        assert_eq!(
            (&first["line"], &first["id"], &first["error"]),
            (&json!(4), &json!("R3"), &json!("missing-field"))
        );
        let (exit, out, _) = perq(&["diff", &old, &new, "--over", &events, "--exit-code"]);
        assert_eq!(exit, Exit::Findings);
        let told = format!("1 refused {words}, the first {events}:4 event `R3` `member.level`: ");
        assert!(out.contains(&told), "{out}");
    }
}

/// An id that comes again is decided again, and said once.
#[test]
fn repeated_ids_are_told() {
    let folder = Folder(scratch("diff-repeated"));
    let events = read("tests/diff/receipts.ndjson");
    let twice = folder.write("twice.ndjson", &format!("{events}\n{events}\n"));
    let found = diff(&[&small("old"), &small("new"), "--over", &twice]);
    assert_eq!((&found["records"]["all"], &found["records"]["repeated"]), (&json!(6), &json!(3)));
    let (_, out, _) = perq(&["diff", &small("new"), &small("new"), "--over", &twice]);
    assert_eq!(
        out.matches("3 records repeat the id of an earlier one, and were decided again").count(),
        1,
        "{out}"
    );
    let (_, out, _) = perq(&["diff", &small("new"), &small("new"), "--over", &small("receipts.ndjson")]);
    assert!(!out.contains("repeat"), "{out}");
}

/// Rules that only issue, give goods or set a field have fired: in the summary of a run and in what a change does.
#[test]
fn rules_that_give_no_amount_have_fired() {
    let folder = Folder(scratch("diff-issues"));
    let text = "language 1\n\
        program demo { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
        account pts { unit points decimals 0 round down per basket }\n\
        extend member { colour: number = 0 }\n\
        coupon washed { codes unique expires after 9 days then discount 1 EUR on basket spread by paid }\n\
        badge regular \"Regular\" {}\n\
        group thanks { kind state displace none on purchase when member known }\n\
        rule sends in group thanks { when basket.paid >= LEAST EUR then issue coupon washed }\n\
        rule marks in group thanks { when basket.paid >= LEAST EUR then set member.colour to 2 }\n\
        rule honours in group thanks { when basket.paid >= 100 EUR then issue badge regular }\n";
    let old = folder.write("old.rule", &text.replace("LEAST", "1"));
    let new = folder.write("new.rule", &text.replace("LEAST", "5"));
    let event = |(id, price): (&str, &str)| {
        format!(
            "{{\"id\":\"{id}\",\"kind\":\"purchase\",\"at\":\"2026-03-0{id}T10:00:00\",\"member\":\"m\",\
             \"lines\":[{{\"sku\":\"A\",\"qty\":1,\"price\":\"{price}\"}}]}}\n"
        )
    };
    let all = [("1", "0.40"), ("2", "2.00"), ("3", "7.00")];
    let events = folder.write("events.ndjson", &all.into_iter().map(event).collect::<String>());
    // 2.00 and 7.00 are at least 1 euro, 7.00 is at least 5; none is 100.
    let decisions = shown(&folder.0.join("decisions.ndjson"));
    let (_, out, _) = perq(&["run", &old, "--events", &events, "-o", &decisions, "--format", "json"]);
    let run: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    for (rule, count) in [("sends", 2), ("marks", 2), ("honours", 0)] {
        let row = named(&run["summary"]["rules"], rule);
        assert_eq!((&row["events"], &row["effects"]), (&json!(count), &json!(count)), "{rule}");
    }
    let group = named(&run["summary"]["groups"], "thanks");
    assert_eq!((&group["events"], &group["effects"]), (&json!(2), &json!(4)));
    let (_, _, err) = perq(&["run", &old, "--events", &events, "-o", &decisions, "--summary", "rules"]);
    let row = |rule: &str| {
        let line = err.lines().find(|line| line.trim_start().starts_with(rule));
        line.map(|line| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    assert_eq!(row("sends"), ["2", "2", "0", "0", "0", "-"], "{err}");
    assert_eq!(row("honours"), ["never", "0", "0", "0", "0", "-"], "{err}");
    // The coupon's rule and `honours` gave nothing.
    assert!(err.contains("4 rules, of which 2 never gave anything"), "{err}");
    let (_, _, err) = perq(&["run", &old, "--events", &events, "-o", &decisions]);
    assert!(!err.contains("Rules"), "{err}");

    let found = diff(&[&old, &new, "--over", &events]);
    as_two_runs(&found, &old, &new, &[&events]);
    let sends = named(&found["rules"], "sends");
    assert_eq!(sends["events"], json!({ "before": 2, "after": 1 }));
    let coupons = json!([{
        "kind": "coupon", "of": "washed", "unit": "coupons", "before": "2", "after": "1", "difference": "-1",
    }]);
    assert_eq!(sends["effects"], coupons);
    assert_eq!(named(&found["rules"], "marks")["effects"][0]["kind"], "field");
    assert_eq!(named(&found["groups"], "thanks")["effects"].as_array().map(Vec::len), Some(2));
    let (_, out, _) = perq(&["diff", &old, &new, "--over", &events]);
    let rules = out.split("Rules, on receipts").nth(1).unwrap_or_default();
    assert!(rules.contains("-1 coupons of washed"), "{out}");
    assert!(rules.contains("member.colour set -1 times"), "{out}");
}

/// What the rules of a receipt owe to which change: rule, kind of effect, cause, changes, and since when.
fn owes(found: &Value, receipt: &str) -> BTreeMap<(String, String), (String, Value, Value)> {
    let measures = found["measures"].as_array().expect("a list").iter();
    let mut receipts = measures.flat_map(|measure| measure["most"].as_array().expect("a list"));
    let receipt =
        receipts.find(|one| one["id"] == receipt).unwrap_or_else(|| panic!("no receipt {receipt}: {found}"));
    let text = |of: &Value| of.as_str().unwrap_or("").to_owned();
    let rules = receipt["rules"].as_array().expect("a list").iter();
    let one = |of: &Value| {
        let key = (text(&of["rule"]), text(&of["kind"]));
        (key, (text(&of["cause"]), of["hunks"].clone(), of["since"].clone()))
    };
    rules.map(one).collect()
}

fn key(rule: &str, kind: &str) -> (String, String) {
    (rule.to_owned(), kind.to_owned())
}

/// The programme of a member who reaches a level a purchase earlier: 40 points from 0.40, at a point for a cent, are enough
/// from 30 points on and not from 50; so purchase 2 has 10 points more.
const LEVELS: &str = "language 1\n\
    program d { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
    account pts { unit points decimals 0 round down per basket worth 100 points = 1 EUR }\n\
    tiers club \"Levels\" {\n  measure member.balance.pts\n  level base \"B\" from 0 points\n\
      level silver \"S\" from 50 points\n  upgrade at_once\n  downgrade never\n}\n\
    group earn { kind earn displace none on purchase when member known }\n\
    rule p in group earn { then award 100% of basket.paid as points }\n\
    rule more in group earn { when member.tier = silver then award 10 points }\n\
    group thanks { kind state displace none on purchase when member known }\n\
    rule washed in group thanks { when basket.paid >= 1 EUR then issue coupon c }\n\
    coupon c { codes unique expires after 9 days then discount 1 EUR on basket spread by paid }\n";

fn purchases(all: &[(&str, &str, &str)]) -> String {
    let one = |(id, day, price): &(&str, &str, &str)| {
        format!(
            "{{\"id\":\"{id}\",\"kind\":\"purchase\",\"at\":\"{day}T10:00:00\",\"member\":\"m\",\
             \"lines\":[{{\"sku\":\"A\",\"qty\":1,\"price\":\"{price}\"}}]}}\n"
        )
    };
    all.iter().map(one).collect()
}

/// A level that was reached earlier is the change's that moved it, not that of what is settled afterwards.
#[test]
fn levels_are_the_cause_and_not_what_comes_after() {
    let folder = Folder(scratch("diff-levels"));
    let old = folder.write("old.rule", LEVELS);
    let levels = LEVELS.replace("from 50 points", "from 30 points");
    let both = folder.write("both.rule", &levels.replace("paid >= 1 EUR", "paid >= 5 EUR"));
    let events = purchases(&[("1", "2026-03-01", "0.40"), ("2", "2026-03-02", "2.00")]);
    let events = folder.write("events.ndjson", &events);
    let earlier =
        ("earlier".to_owned(), json!([0]), json!([{ "of": "level of club", "hunk": 0, "event": "1" }]));
    let found = diff(&[&old, &both, "--over", &events]);
    let hunks: Vec<&Value> =
        found["hunks"].as_array().into_iter().flatten().map(|hunk| &hunk["name"]).collect();
    assert_eq!(hunks, [&json!("club"), &json!("washed")]);
    let second = owes(&found, "2");
    assert_eq!(second[&key("more", "award")], earlier);
    assert_eq!(second[&key("washed", "coupon")], ("rule".to_owned(), json!([1]), Value::Null));
    // Only the old side reaches the level with this purchase.
    assert_eq!(second[&key("", "level")], ("rule".to_owned(), json!([0]), Value::Null));
    assert_eq!(second.len(), 3);
    adds_up(&found);
    let told = "more 0 -> 10 points: what came before is another: #1 changed level of club with event 1";
    let (_, out, _) = perq(&["diff", &old, &both, "--over", &events]);
    assert!(out.contains(told), "{out}");
    let row = out.lines().find(|line| line.contains("what came before")).unwrap_or_default();
    assert!(row.contains("#1") && row.contains("+10 points"), "{out}");
    // The levels alone.
    let alone = folder.write("levels.rule", &levels);
    let found = diff(&[&old, &alone, "--over", &events]);
    assert_eq!(owes(&found, "2")[&key("more", "award")], earlier);
    let (_, out, _) = perq(&["diff", &old, &alone, "--over", &events]);
    assert!(out.contains(told), "{out}");
    // Points that another rule gives lift the level too: 0.40 at 200 % are 80 points, and 80 are 50.
    let more = LEVELS.replace("award 100% of", "award 200% of").replace("paid >= 1 EUR", "paid >= 5 EUR");
    let more = folder.write("more.rule", &more);
    let found = diff(&[&old, &more, "--over", &events]);
    assert_eq!(owes(&found, "1")[&key("", "level")].0, "follows");
    assert_eq!(owes(&found, "1")[&key("", "level")].1, json!([0]), "rule p");
    assert_eq!(owes(&found, "2")[&key("more", "award")], earlier);
}

/// A balance that ends earlier is the account's: points live 400 days before, and 5 after.
#[test]
fn an_account_is_the_cause_where_its_balance_differs() {
    let folder = Folder(scratch("diff-balances"));
    let text = "language 1\n\
        program d { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
        account pts \"Points\" { unit points decimals 0 round down per basket worth 100 points = 1 EUR expire 400 days after award }\n\
        group prices { kind line_discount displace none on_price original on purchase }\n\
        rule off in group prices { then discount 10% on lines }\n\
        group earn { kind earn displace none on purchase when member known }\n\
        rule base in group earn { then award 10% of basket.paid as points }\n\
        rule rich in group earn { when member.balance.pts >= 1 points then award 7 points }\n";
    let old = folder.write("old.rule", text);
    // 10 % in place of 20 % off, and points that end: two changes.
    let both = text.replace("400 days", "5 days").replace("discount 10%", "discount 20%");
    let new = folder.write("new.rule", &both.replace("rule base in", "rule base \"Points on all\" in"));
    let events = purchases(&[("1", "2026-03-01", "100.00"), ("2", "2026-03-21", "100.00")]);
    let events = folder.write("events.ndjson", &events);
    let found = diff(&[&old, &new, "--over", &events]);
    let hunks: Vec<&Value> =
        found["hunks"].as_array().into_iter().flatten().map(|hunk| &hunk["name"]).collect();
    assert_eq!(hunks, [&json!("pts"), &json!("off"), &json!("base")]);
    let (first, second) = (owes(&found, "1"), owes(&found, "2"));
    // 90.00 and 80.00 are left: 900 and 800 points. The title says nothing else, nor does when points end.
    for receipt in [&first, &second] {
        assert_eq!(receipt[&key("base", "award")], ("follows".to_owned(), json!([1]), Value::Null));
    }
    // On 21 March the 900 points of the first are there before, and the 800 are not there after.
    let (cause, hunks, since) = second[&key("rich", "award")].clone();
    assert_eq!((cause.as_str(), hunks), ("earlier", json!([0, 1])));
    let since: Vec<Value> = since.as_array().cloned().unwrap_or_default();
    assert!(since.contains(&json!({ "of": "balance of pts", "hunk": 0, "event": null })), "{since:?}");
    assert!(since.contains(&json!({ "of": "balance of pts", "hunk": 1, "event": "1" })), "{since:?}");
    adds_up(&found);
}

/// A segment that is written otherwise is the cause where it answers otherwise.
#[test]
fn a_segment_is_the_cause_where_its_answer_differs() {
    let folder = Folder(scratch("diff-segments"));
    let text = "language 1\n\
        program d { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
        account pts { unit points decimals 0 round down per basket worth 100 points = 1 EUR }\n\
        segment large \"Large\" = basket.initial >= 50 EUR\n\
        group prices { kind line_discount displace none on_price original on purchase }\n\
        rule off in group prices { then discount 10% on lines }\n\
        group earn { kind earn displace none on purchase when member known }\n\
        rule base in group earn { when large then award 10% of basket.paid as points }\n\
        rule flat in group earn { when member known then award 3 points }\n";
    let old = folder.write("old.rule", text);
    let new = text.replace(">= 50 EUR", ">= 80 EUR").replace("discount 10%", "discount 20%");
    let new = folder.write("new.rule", &new);
    let events = purchases(&[("1", "2026-03-01", "100.00"), ("2", "2026-03-21", "60.00")]);
    let events = folder.write("events.ndjson", &events);
    let found = diff(&[&old, &new, "--over", &events]);
    // 100.00 is large on both sides: 90.00 and 80.00 are left, 900 and 800 points. 60.00 is large before only: 540
    // points and none.
    let of = |receipt: &str| owes(&found, receipt)[&key("base", "award")].clone();
    assert_eq!(of("1"), ("follows".to_owned(), json!([1]), Value::Null));
    assert_eq!(of("2"), ("rule".to_owned(), json!([0]), Value::Null));
    assert!(!owes(&found, "2").contains_key(&key("flat", "award")));
    adds_up(&found);
}

/// What a limit has left is what earlier purchases left of it.
#[test]
fn a_limit_is_the_cause_with_what_used_it_up() {
    let folder = Folder(scratch("diff-used"));
    let text = "language 1\n\
        program d { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
        account pts { unit points decimals 0 round down per basket }\n\
        group earn {\n  kind earn\n  displace none\n  on purchase\n  when member known\n\
          limit 100 points per member within this month else cut\n}\n\
        rule small in group earn { when basket.paid < 50 EUR then award 60 points }\n\
        rule large in group earn { when basket.paid >= 50 EUR then award 60 points }\n";
    let old = folder.write("old.rule", text);
    let new = folder.write(
        "new.rule",
        &text.replace(
            "50 EUR then award 60 points }\nrule large",
            "50 EUR then award 30 points }\nrule large",
        ),
    );
    let events = purchases(&[("1", "2026-03-01", "10.00"), ("2", "2026-03-21", "60.00")]);
    let events = folder.write("events.ndjson", &events);
    let found = diff(&[&old, &new, "--over", &events]);
    // 60, and 40 of the 60 then; after: 30, and 60.
    assert_eq!(points(named(&found["rules"], "large")), json!(["40", "60", "20"]));
    let (cause, hunks, since) = owes(&found, "2")[&key("large", "award")].clone();
    assert_eq!((cause.as_str(), hunks), ("limit", json!([0])));
    assert_eq!((&since[0]["hunk"], &since[0]["event"]), (&json!(0), &json!("1")), "{since}");
    adds_up(&found);
}

/// The pages of the reference show what is really said.
#[test]
fn the_reference_shows_what_is_said() {
    let folder = Folder(scratch("diff-reference"));
    let decisions = shown(&folder.0.join("decisions.ndjson"));
    let events = small("receipts.ndjson");
    let (_, _, err) =
        perq(&["run", &small("old"), "--events", &events, "-o", &decisions, "--summary", "rules"]);
    let lines: Vec<&str> = err.lines().collect();
    // The last line says how long it took.
    let table = lines.split_last().map_or(String::new(), |(_, lines)| lines.join("\n"));
    assert!(
        read("docs/reference/cli.md").contains(&table),
        "docs/reference/cli.md has another summary than\n{table}"
    );
    let bad = "{\"id\":\"P7\",\"kind\":\"purchase\",\"at\":\"2026-03-05T10:00:00\",\
        \"lines\":[{\"sku\":\"A\",\"qty\":1,\"price\":\"x\"}]}\n";
    let some =
        folder.write("some.ndjson", &(read("tests/diff/receipts.ndjson").trim_end().to_owned() + "\n" + bad));
    let (_, out, _) = perq(&["diff", &small("new"), &small("new"), "--over", &some]);
    let told: Vec<&str> = out.lines().skip(2).take(2).collect();
    let told = told.join("\n").replace(&some, "march.ndjson");
    assert!(
        read("docs/reference/diff.md").contains(&told),
        "docs/reference/diff.md has other words than\n{told}"
    );
}

/// A table is the history of a simulated event: R1 and R2 came before it and R3 later, and they took 50 and 30 of the 80
/// points that the month has.
#[test]
fn a_table_is_a_history() {
    let folder = Folder(scratch("diff-history"));
    let history = folder.write("receipts.csv", RECEIPTS);
    let event = "{\"kind\":\"purchase\",\"at\":\"2026-03-20T10:00:00\",\"member\":\"m1\",\
        \"lines\":[{\"sku\":\"B1\",\"category\":\"Bread\",\"qty\":4,\"price\":\"5.50\"}]}";
    let event = folder.write("event.json", event);
    let all =
        ["simulate", &small("new"), &event, "--history", &history, "--format", "json", "--rule", "large"];
    let (exit, out, err) = perq(&all);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""), "{out}");
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(told["history"], json!({ "replayed": 2, "later": 1, "same": 0, "refused": 0 }));
    assert_eq!((&told["rules"][0]["fired"], &told["rules"][0]["why"]), (&json!(false), &json!("limit")));
}
