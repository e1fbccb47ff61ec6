//! The command line as a user meets it: exit codes, what stands where, and the contract of the JSON objects.

use perq_cli::Exit;
use perq_tests::{read, root, scratch};
use serde_json::Value;
use std::path::Path;

fn perq(arguments: &[&str]) -> (Exit, String, String) {
    with_input(arguments, "")
}

fn with_input(arguments: &[&str], input: &str) -> (Exit, String, String) {
    perq_cli::run(arguments, input.as_bytes()).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

fn object(arguments: &[&str]) -> (Exit, Value) {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    let (exit, out, err) = perq(&all);
    assert_eq!(err, "", "{arguments:?} says something beside its object");
    let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(value["version"], 1);
    assert_eq!(value["command"], arguments[0]);
    (exit, value)
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[test]
fn a_new_programme_is_clean_formatted_tested_and_runs() {
    let folder = scratch("new");
    let shop = at(&folder, "My Shop");
    let (exit, out, _) = perq(&["new", &shop]);
    assert_eq!(exit, Exit::Clean, "{out}");
    assert_eq!(perq(&["new", &shop]).0, Exit::Usage, "it writes over something");
    let (exit, out, _) = perq(&["check", &shop]);
    assert_eq!((exit, out.trim()), (Exit::Clean, "no errors, no warnings in 2 files"));
    let (exit, out, _) = perq(&["fmt", "--check", &shop]);
    assert_eq!((exit, out.trim()), (Exit::Clean, "0 of 2 files would be formatted"));
    let (exit, out, _) = perq(&["test", &shop]);
    assert_eq!((exit, out.trim()), (Exit::Clean, "2 passed, 0 failed"));
    let (exit, tests) = object(&["test", &shop, "--filter", "card"]);
    assert_eq!((exit, &tests["passed"], &tests["left_out"]), (Exit::Clean, &1.into(), &1.into()));

    let events = at(&folder, "events.ndjson");
    let good = r#"{"id":"1","kind":"purchase","at":"2026-03-02T10:15:00","member":"m1","lines":[{"sku":"TEA","qty":2,"price":"3.50"}]}"#;
    let bad = good.replace("3.50", "3,50").replace("\"id\":\"1\"", "\"id\":\"2\"");
    std::fs::write(&events, format!("{good}\n{bad}\n")).unwrap_or_else(|error| panic!("{error}"));
    let rejects = at(&folder, "rejects.ndjson");
    let (exit, out, err) = perq(&["run", &shop, "--events", &events, "--rejects", &rejects]);
    assert_eq!(exit, Exit::Clean);
    assert_eq!(out.lines().count(), 1);
    let decision: Value = serde_json::from_str(&out).unwrap_or_default();
    assert_eq!(decision["effects"][0]["amount"], "7");
    assert!(err.contains("events.ndjson:2 event `2` `lines[0].price`"), "{err}");
    assert!(err.contains("2 records: 1 decided, 1 refused"), "{err}");
    let rejects = std::fs::read_to_string(rejects).unwrap_or_default();
    assert!(rejects.contains("malformed-number") && rejects.contains("3,50"), "{rejects}");
    assert_eq!(perq(&["run", &shop, "--events", &events, "--strict"]).0, Exit::Findings);
    let (exit, out, _) = with_input(&["run", &shop, "--events", "-", "--threads", "3"], good);
    assert_eq!((exit, out.lines().count()), (Exit::Clean, 1));
    assert_eq!(perq(&["run", &shop]).0, Exit::Usage, "there are no events");

    let pack = at(&folder, "shop.perq");
    let key = at(&folder, "key");
    assert_eq!(perq(&["keygen", &key]).0, Exit::Clean);
    assert_eq!(perq(&["keygen", &key]).0, Exit::Usage, "it writes over a key");
    let (exit, built) = object(&["build", &shop, "-o", &pack, "--sign", &key, "--serial", "7"]);
    assert_eq!((exit, &built["pack"]["serial"]), (Exit::Clean, &7.into()));
    let public = format!("{key}.pub");
    let (exit, out, _) = perq(&["inspect", &pack, "--key", &public]);
    assert_eq!(exit, Exit::Clean);
    assert!(out.contains("my_shop") && out.contains("signed by the given key"), "{out}");
    let (exit, out, _) = perq(&["run", &pack, "--key", &public, "--events", &events]);
    assert_eq!((exit, out.lines().count()), (Exit::Clean, 1));
    assert_eq!(perq(&["keygen", &at(&folder, "other")]).0, Exit::Clean);
    let (exit, _, err) = perq(&["run", &pack, "--key", &at(&folder, "other.pub"), "--events", &events]);
    assert_eq!(exit, Exit::Usage, "{err}");
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn findings_are_shown_counted_and_machine_readable() {
    let folder = scratch("findings");
    let path = at(&folder, "a.rule");
    let rules = read("runtime/cli/src/commands/new/first.rule")
        .replace("basket.paid as points", "basket.payd as points");
    std::fs::write(&path, &rules).unwrap_or_else(|error| panic!("{error}"));
    let (exit, out, _) = perq(&["check", &path]);
    assert_eq!(exit, Exit::Findings);
    assert!(out.contains("a.rule:11:") && out.contains("basket.payd") && out.contains("help:"), "{out}");
    assert!(out.contains("1 error, 0 warnings in 1 file"), "{out}");
    let (exit, found) = object(&["check", &path]);
    assert_eq!((exit, &found["errors"]), (Exit::Findings, &1.into()));
    let first = &found["diagnostics"][0];
    assert_eq!(first["severity"], "error");
    assert_eq!(first["place"]["start"]["line"], 11);
    assert!(first["repairs"].as_array().is_some_and(|repairs| !repairs.is_empty()), "{first}");
    assert_eq!(perq(&["test", &path]).0, Exit::Findings);
    assert_eq!(perq(&["build", &path, "--print"]).0, Exit::Findings);
    assert_eq!(perq(&["run", &path, "--events", "-"]).0, Exit::Findings);
    assert_eq!(perq(&["check", &at(&folder, "none.rule")]).0, Exit::Usage);
    let empty = at(&folder, "empty");
    std::fs::create_dir(&empty).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(perq(&["check", &empty]).0, Exit::Usage);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_word_as_long_as_a_file_makes_no_sentence_as_long() {
    let folder = scratch("long-word");
    let path = at(&folder, "a.rule");
    let word = "x".repeat(1_000_000);
    let rules = read("runtime/cli/src/commands/new/first.rule")
        .replace("basket.paid as", &format!("basket.{word} as"));
    std::fs::write(&path, &rules).unwrap_or_else(|error| panic!("{error}"));
    let (exit, out, _) = perq(&["check", &path]);
    assert_eq!((exit, out.len() < 10_000), (Exit::Findings, true), "{} characters", out.len());
    let (exit, found) = object(&["check", &path]);
    assert_eq!(exit, Exit::Findings);
    let message = found["diagnostics"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("xxx") && message.ends_with('…'), "{message}");
    assert_eq!(message.chars().count(), 601);
    assert!(found.to_string().len() < 10_000, "{} characters", found.to_string().len());
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_failing_test_shows_what_was_expected_what_came_and_the_decision() {
    let folder = scratch("failing");
    let shop = at(&folder, "shop");
    assert_eq!(perq(&["new", &shop]).0, Exit::Clean);
    let tests = folder.join("shop").join("tests.rule");
    let text =
        std::fs::read_to_string(&tests).unwrap_or_default().replace("award 11 points", "award 12 points");
    std::fs::write(&tests, text).unwrap_or_else(|error| panic!("{error}"));
    let (exit, out, _) = perq(&["test", &shop]);
    assert_eq!(exit, Exit::Findings);
    for part in [
        "expected award 12 points",
        "got award 11 points",
        "the decision:",
        "tests.rule:10:",
        "1 passed, 1 failed",
    ] {
        assert!(out.contains(part), "{part} is not in\n{out}");
    }
    let (exit, found) = object(&["test", &shop]);
    assert_eq!((exit, &found["failed"]), (Exit::Findings, &1.into()));
    assert_eq!(found["tests"][0]["mismatches"][0]["got"], "award 11 points");
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn formatting_writes_lists_or_shows() {
    let folder = scratch("fmt");
    let path = at(&folder, "a.rule");
    let neat = read("runtime/cli/src/commands/new/first.rule");
    let untidy = neat.replace("  kind earn", "      kind    earn");
    std::fs::write(&path, &untidy).unwrap_or_else(|error| panic!("{error}"));
    let (exit, out, _) = perq(&["fmt", "--check", &path]);
    assert_eq!(exit, Exit::Findings);
    assert!(out.contains("would format"), "{out}");
    let (exit, out, _) = perq(&["fmt", "--diff", &path]);
    assert_eq!(exit, Exit::Findings);
    assert!(out.contains("-      kind    earn\n+  kind earn\n"), "{out}");
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), untidy);
    assert_eq!(perq(&["fmt", &path]).0, Exit::Clean);
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), neat);
    let (exit, out, _) = with_input(&["fmt", "-"], &untidy);
    assert_eq!((exit, out), (Exit::Clean, neat));
    let (exit, out, err) = with_input(&["fmt", "-"], "rule {");
    assert_eq!((exit, out.as_str()), (Exit::Findings, ""));
    assert!(!err.is_empty());
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn nested_programmes_and_ignored_folders_stay_apart() {
    let folder = scratch("nested");
    for shop in ["one", "one/inner", "two"] {
        assert_eq!(perq(&["new", &at(&folder, shop)]).0, Exit::Clean);
    }
    std::fs::create_dir_all(folder.join("build")).unwrap_or_else(|error| panic!("{error}"));
    std::fs::write(folder.join("build/broken.rule"), "rule {").unwrap_or_else(|error| panic!("{error}"));
    std::fs::write(folder.join(".gitignore"), "build/\n").unwrap_or_else(|error| panic!("{error}"));
    let (exit, found) = object(&["check", &folder.display().to_string()]);
    assert_eq!((exit, &found["programmes"], &found["files"]), (Exit::Clean, &3.into(), &6.into()));
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn every_page_is_explained_and_a_wrong_name_suggests_the_right_one() {
    let (exit, out, _) = perq(&["explain"]);
    assert_eq!((exit, out.lines().count()), (Exit::Clean, perq_cli::pages::PAGES.len()));
    for (name, page) in perq_cli::pages::PAGES {
        let (exit, out, _) = perq(&["explain", name]);
        let shown = perq_cli::excerpt::plain_lines(page.trim_end());
        assert_eq!((exit, out.trim_end()), (Exit::Clean, shown.as_str()));
    }
    let (exit, _, err) = perq(&["explain", "missmatched_units"]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("mismatched-units"), "{err}");
}

#[test]
fn completions_and_usage() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (exit, out, _) = perq(&["completions", shell]);
        assert_eq!(exit, Exit::Clean);
        assert!(out.contains("perq") && out.contains("explain"));
    }
    assert!(perq_cli::run(["chekc"], b"").is_err_and(|text| text.contains("check")));
    assert!(perq_cli::run(["--version"], b"").is_err_and(|text| text.starts_with("perq ")));
}

/// The event of a file of `tests/events`, simulated with the main example.
fn simulated(event: &str, more: &[&str]) -> (Exit, String, String) {
    let programme = at(&root(), "rules-examples/online-retail");
    let event = at(&root(), &format!("tests/events/{event}"));
    perq(&[&["simulate", &programme, &event], more].concat())
}

/// Lines 1 to 3 are goods. Line 1: 24 x 1.95 = 46.80, for Easter 10 % from 24 pieces = 4.68, more than the 3 % = 1.404 of
/// the quantity price and of the spring. Line 2: one full ten = 0.50, and a line with a quantity price has no part in the
/// lunch bags at 1.45, which would have taken 10 x 0.20 = 2.00. Goods come to 42.12 + 16.00 + 16.35 = 74.47.
/// Points of the lunch hour: 2.5 % of it = 186.175, and 5 for one full fifty: 191.175, down to 191. By class they would
/// have been 1.5 % of 42.12 + 16.00 + 16.35 = 111.705; for the mug 2 % of 16.35 = 32.7.
#[test]
fn a_simulated_event_is_a_receipt_with_its_reasons() {
    let (exit, out, err) = simulated("member.yaml", &[]);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""));
    insta::assert_snapshot!("simulate-member", out);
    assert_eq!(out.lines().find(|line| line.chars().count() > 96), None);
}

/// Without a member there is no condition on members that holds; three articles of four are one short.
#[test]
fn an_anonymous_basket_is_told_what_it_lacks() {
    let (exit, out, err) = simulated("anonymous.yaml", &[]);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""));
    insta::assert_snapshot!("simulate-anonymous", out);
}

#[test]
fn a_simulation_can_be_of_one_rule_of_another_day_and_of_other_parameters() {
    let (exit, out, _) = simulated("member.yaml", &["--rule", "half_carriage"]);
    assert_eq!(exit, Exit::Clean);
    assert_eq!(
        out,
        "half_carriage: Half the carriage of a parcel from 150 pounds of goods  [discounts.rule:158:8]\n    \
         spent >= 150 GBP  [discounts.rule:160]\n      \
         it is 74.47 GBP, not at least 150.00 GBP: 75.53 GBP more\n"
    );
    // On 25 April Easter is over: the line keeps 3 % of 46.80, the equal spring price comes after it.
    let (_, out, _) = simulated("member.yaml", &["--rule", "easter", "--at", "2011-04-25"]);
    assert!(out.contains("date is 2011-04-25, not until 2011-04-24: 1 day ago"), "{out}");
    let (_, out, _) = simulated("member.yaml", &["--rule", "lunch_hours", "--set", "happy_rate=5%"]);
    // 5 % of 74.47 = 372.35 points.
    assert!(out.contains("gives 372 points of club"), "{out}");
    let (exit, _, err) = simulated("member.yaml", &["--set", "carriage_from=1001 GBP"]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("outside the range"), "{err}");
    let (exit, _, err) = simulated("member.yaml", &["--rule", "eastr"]);
    assert_eq!((exit, err.contains("no rule `eastr`")), (Exit::Usage, true), "{err}");

    let programme = at(&root(), "rules-examples/online-retail");
    let event = at(&root(), "tests/events/member.yaml");
    let (exit, told) = object(&["simulate", &programme, &event]);
    assert_eq!(exit, Exit::Clean);
    assert_eq!(told["decision"]["totals"]["paid"], "94.47");
    assert_eq!(told["receipt"][0]["steps"][0]["left"], "42.12");
    assert_eq!(told["accounts"][0]["from"][0]["rule"], "lunch_hours");
    let of = |name: &str| {
        let rules = told["rules"].as_array().cloned().unwrap_or_default();
        rules.into_iter().find(|rule| rule["rule"] == name).unwrap_or_default()
    };
    assert_eq!(of("spring")["displaced"][0]["would_give"][0]["amount"], "1.40");
    let spent = of("free_carriage")["conditions"][0].clone();
    assert_eq!((&spent["line"], &spent["text"]), (&152.into(), &"spent >= carriage_from".into()));
    assert_eq!(spent["parts"][0]["distance"], "325.53 GBP more");
    assert_eq!(of("christmas_quartet")["selections"][0]["filters"][0]["passed"], 0);

    // A pack has the places without the texts, and decides the same; JSON is read as YAML is.
    let folder = scratch("simulate");
    let pack = at(&folder, "retail.perq");
    assert_eq!(perq(&["build", &programme, "-o", &pack]).0, Exit::Clean);
    let json = r#"{"id":"j","kind":"sale","at":"2011-02-14T09:00","member":{"id":"m"},"lines":[{"sku":"X1","qty":1,"price":"99.99"}]}"#;
    let (exit, out, _) = with_input(&["simulate", &pack, "-", "--rule", "pay_days"], json);
    assert_eq!(exit, Exit::Clean);
    assert!(
        out.contains("points.rule:64:5\n      the day of the month is 14, not one of 1, 15: in 1 day"),
        "{out}"
    );
    let (exit, _, err) = with_input(&["simulate", &pack, "-"], &json.replace("99.99", "99,99"));
    assert_eq!(exit, Exit::Findings);
    assert!(err.contains("refused -: `lines[0].price`") && err.contains("[malformed-number]"), "{err}");
    let (exit, _, err) = with_input(&["simulate", &pack, "-"], "kind: [\n");
    assert_eq!((exit, err.contains("not YAML")), (Exit::Usage, true), "{err}");
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn parameters_and_level_columns_of_a_folder_hold_for_every_command() {
    let folder = scratch("deployment");
    let shop = folder.join("shop");
    std::fs::create_dir_all(&shop).unwrap_or_else(|error| panic!("{error}"));
    let write = |name: &str, text: &str| {
        std::fs::write(shop.join(name), text).unwrap_or_else(|error| panic!("{error}"));
    };
    write(
        "shop.rule",
        "language 1\nprogram shop { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
         param rate: percent = 5%\n\
         group tea {\n  kind line_discount\n  displace none\n  on_price original\n  on purchase\n  \
         rule hot { then discount rate on lines where line in category \"Hot drinks\" }\n}\n\
         test \"ten percent off tea\" {\n  given category \"Tea\" { parent = \"Hot drinks\" }\n  \
         given purchase at 2026-03-02 10:15 { line { sku = \"A\", category = \"Tea\", qty = 1 pcs, price = 10.00 EUR } }\n  \
         expect discount 1.00 EUR\n}\n",
    );
    write(
        "tree.csv",
        "department,category,range\nHot drinks,Tea,Green tea\nHot drinks,Coffee,\nCold drinks,,Juice\n",
    );
    let event = r#"{"id":"1","kind":"purchase","at":"2026-03-02T10:15:00","lines":[{"sku":"A","qty":1,"price":"10.00","category":"Green tea"},{"sku":"B","qty":1,"price":"10.00","category":"Juice"}]}"#;
    write("events.ndjson", &format!("{event}\n"));
    let settings = "[catalogue]\ncategories = { file = \"tree.csv\", levels = [\"department\", \"category\", \"range\"] }\n\
        [events]\nfiles = \"events.ndjson\"\n";
    write("perq.toml", settings);
    let path = shop.display().to_string();
    let run = |arguments: &[&str]| with_input(arguments, event);
    // Green tea is tea is a hot drink; juice is none. 5 % of 10.00, as the rules say.
    let (_, out, err) = run(&["run", &path]);
    assert!(out.contains(r#""discount":"0.50""#), "{out}{err}");
    assert_eq!(run(&["test", &path]).0, Exit::Findings);
    write("perq.toml", &format!("{settings}[parameters]\nrate = \"10%\"\n"));
    let (_, out, _) = run(&["run", &path]);
    assert!(out.contains(r#""discount":"1.00""#), "{out}");
    assert_eq!(run(&["test", &path]).1.trim(), "1 passed, 0 failed");
    let (_, out, _) = run(&["simulate", &path, "-", "--rule", "hot"]);
    assert!(out.contains("gives 1.00 EUR"), "{out}");
    let (_, out, _) = run(&["simulate", &path, "-", "--rule", "hot", "--set", "rate=20"]);
    assert!(out.contains("gives 2.00 EUR"), "{out}");
    let (_, out, _) = run(&["demo", "--dir", &path]);
    assert!(out.contains("1.00"), "{out}");
    for (wrong, said) in
        [("rat = \"10%\"", "no parameter `rat`; `rate` is near"), ("rate = \"10 EUR\"", "parameter `rate`")]
    {
        write("perq.toml", &format!("{settings}[parameters]\n{wrong}\n"));
        for command in ["run", "test"] {
            let (exit, _, err) = run(&[command, &path]);
            assert_eq!((exit, err.contains(said)), (Exit::Usage, true), "{err}");
        }
    }
    write("perq.toml", "[catalogue]\ncategories = { file = \"tree.csv\", levels = [\"departmnt\"] }\n");
    let (exit, _, err) = run(&["simulate", &path, "-"]);
    assert_eq!((exit, err.contains("no column `departmnt`")), (Exit::Usage, true), "{err}");
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn the_report_of_the_demo_fits_its_columns() {
    let folder = scratch("demo");
    let shop = at(&folder, "shop");
    assert_eq!(perq(&["new", &shop]).0, Exit::Clean);
    let events: String = (1..=9)
        .map(|day| format!("{{\"id\":\"{day}\",\"kind\":\"purchase\",\"at\":\"2026-0{day}-02T10:15:00\",\"member\":\"m1\",\"lines\":[{{\"sku\":\"TEA\",\"qty\":2,\"price\":\"350.00\"}}]}}\n"))
        .chain(["{\"id\":\"x\"}\n".to_owned()])
        .collect();
    std::fs::write(folder.join("shop/events.ndjson"), events).unwrap_or_else(|error| panic!("{error}"));
    std::fs::write(folder.join("shop/perq.toml"), "[events]\nfiles = \"events.ndjson\"\n")
        .unwrap_or_else(|error| panic!("{error}"));
    let (exit, out, err) = perq(&["demo", "--dir", &shop]);
    assert_eq!((exit, err.as_str()), (Exit::Clean, ""));
    for part in ["one_percent", "2026-09", "6 300", "missing-field", "records a second"] {
        assert!(out.contains(part), "{part} is not in\n{out}");
    }
    // Paths are as long as they are; all that is a table fits.
    let wide = out.lines().find(|line| line.chars().count() > 100 && !line.contains('/'));
    assert_eq!(wide, None);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn the_json_contract_is_described() {
    let page = read("docs/reference/cli.md");
    for command in [
        "new",
        "check",
        "fmt",
        "test",
        "build",
        "keygen",
        "inspect",
        "run",
        "simulate",
        "explain",
        "demo",
        "lsp",
        "completions",
    ] {
        assert!(
            page.contains(&format!("perq {command}")),
            "docs/reference/cli.md does not describe {command}"
        );
    }
    assert!(root().join("docs/reference").is_dir());
}
