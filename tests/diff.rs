//! What a change of a programme does to events: figures worked out by hand, sums against those of two runs, causes that
//! add up, and the faces of the report.

use perq_cli::args::{self, Format};
use perq_cli::output::Output;
use perq_cli::{Exit, commands};
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
