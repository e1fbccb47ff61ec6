//! What editors are answered, on plain texts: a place is marked with `|`.

use perq_compiler::pipeline::{Files, Input, NoFiles};
use perq_grammar::diagnostic::{Edit, FileId};
use perq_ide::{Analysis, Completion, Kind};

const HEAD: &str = r#"language 1

program shop { currency EUR zone "Europe/Berlin" rounding half_up }

## What members collect.
account bonus "Bonus points" { unit points decimals 0 round down per basket worth 100 points = 1 EUR }

## How much is given.
param rate "The rate": percent = 5%

enum Mood { happy "Happy", sad }

extend member { mood: Mood = happy  size: number = 3 }

tiers club "The club" { level starter "Beginner" level vip "Very good" from 100 EUR measure sum(purchase.paid for earlier purchases within last 12 months) upgrade at_once downgrade never }

define net(line: line) gives money = line.paid - line.initial

segment regulars "Regulars" = member known and member.size > 2

group base "Points" {
  kind earn
  displace none
  on purchase
  when member known

  ## One for each euro.
  rule one "A point" {
    let spent = sum(line.paid for lines where line.paid > 1 EUR)
    when spent > 5 EUR and regulars and member.mood = happy
    then award rate of spent as points to bonus
  }

  rule two {
    then for each l in lines { award 1 points to bonus }
  }
}

test "points" {
  given member "m1" { mood = sad }
  given purchase at 2026-03-02 10:15 { line { sku = "A" price = 9 EUR } }
  expect rule one silent
  expect balance bonus = 1 points
}
"#;

struct Marked {
    analysis: Analysis,
    text: String,
    offset: usize,
}

const FILE: FileId = FileId(0);

fn marked(text: &str) -> Marked {
    let offset = text.find('|').expect("a mark");
    let text = text.replace('|', "");
    let input = Input { path: "a.rule".to_owned(), text: text.clone() };
    Marked { analysis: Analysis::new(&[input], &NoFiles), text, offset }
}

/// The head with a mark in front of the n-th place (from 0) where a text stands in it.
fn head(at: &str, nth: usize) -> Marked {
    let (offset, _) = HEAD.match_indices(at).nth(nth).unwrap_or_else(|| panic!("{at} {nth}"));
    let mut text = HEAD.to_owned();
    text.insert(offset, '|');
    marked(&text)
}

/// The head followed by a text with a mark.
fn after(text: &str) -> Marked {
    marked(&format!("{HEAD}\n{text}"))
}

fn words(marked: &Marked) -> Vec<Completion> {
    let mut found = marked.analysis.completions(FILE, &marked.text, marked.offset);
    found.sort_by(|a, b| (a.rank, &a.text).cmp(&(b.rank, &b.text)));
    found
}

/// Holds that all of these, and none of those, are proposed.
fn proposes(text: &str, all: &[&str], none: &[&str]) {
    let found = words(&after(text));
    let texts: Vec<&str> = found.iter().map(|found| found.text.as_str()).collect();
    for word in all {
        assert!(texts.contains(word), "{text}: no {word} in {texts:?}");
    }
    for word in none {
        assert!(!texts.contains(word), "{text}: {word} in {texts:?}");
    }
}

#[test]
fn the_head_is_clean() {
    let marked = after("|");
    let found: Vec<&str> = marked.analysis.diagnostics().iter().map(|found| found.message.as_str()).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn keywords_fit_their_clause() {
    proposes("|", &["rule", "account", "test"], &["when", "award"]);
    proposes("account x { | }", &["unit", "worth", "redeemable"], &["when", "kind", "rule"]);
    proposes("group g { | }", &["kind", "displace", "rule", "when"], &["award", "then", "unit"]);
    proposes("group g { rule x { | } }", &["then", "when", "limit"], &["kind", "award", "displace"]);
    proposes("group g { rule x { then { | } } }", &["award", "discount", "for"], &["when", "limit"]);
    proposes("test \"x\" { expect | }", &["rule", "award", "nothing"], &["worth", "kind"]);
    // What is broken before does not matter.
    proposes("group g { rule y { when } rule x { wh| } }", &["when"], &["award"]);
    proposes("rule r { when (1 + |", &["rate"], &["award"]);
}

#[test]
fn names_fit_what_asks_for_them() {
    proposes("rule x in group | {}", &["base"], &["bonus", "rule", "one"]);
    proposes("group g { rule x { then award 5 points to | } }", &["bonus"], &["base"]);
    proposes("group g { rule x { then award 5 | } }", &["points", "EUR", "pcs", "days", "to"], &["base"]);
    proposes("group g { rule x { then award 5% of basket.paid as | } }", &["points"], &["base"]);
    proposes("test \"x\" { expect rule | }", &["one", "two"], &["base"]);
    proposes("test \"x\" { expect balance | }", &["bonus"], &["base"]);
    proposes("group g { on | }", &["purchase", "return", "survey"], &["base"]);
    proposes("param p: | = 5", &["money", "percent", "Mood", "points", "segment"], &["base"]);
    proposes("program p { currency | }", &["EUR", "RUB", "JPY"], &["base"]);
    proposes("program p { rounding | }", &["half_up", "half_even"], &["base"]);
    proposes("group g { kind | }", &["earn", "order_discount"], &["base"]);
    proposes("rule x in group base { schedule days [mon, | ] }", &["tue", "sun"], &["base"]);
    proposes(
        "rule x in group base { then discount 5% on | }",
        &["lines", "units", "basket", "cheapest"],
        &["bonus"],
    );
}

#[test]
fn expressions_know_what_is_there() {
    proposes(
        "group g { rule x { let mine = 5 EUR when | } }",
        &["mine", "rate", "regulars", "net", "member", "basket", "sum", "not"],
        &["award", "base"],
    );
    // Names of other rules are not known here.
    proposes("rule x in group base { when | }", &["rate"], &["spent"]);
    proposes("define d(whole: money, part: money) gives money = |", &["whole", "part"], &["spent"]);
    proposes("rule x in group base { when member.mood = | }", &["happy", "sad"], &[]);
    let found = words(&after("rule x in group base { when member.mood = | }"));
    assert_eq!((found[0].text.as_str(), found[1].text.as_str()), ("happy", "sad"), "values come first");
    let found = words(&after("rule x in group base { when member.club != | }"));
    assert_eq!((found[0].text.as_str(), found[1].text.as_str()), ("starter", "vip"), "levels come first");
}

#[test]
fn fields_follow_the_dot() {
    proposes(
        "rule x in group base { when member.| }",
        &["mood", "size", "birthday", "club", "balance"],
        &["paid", "when"],
    );
    proposes("rule x in group base { when member.mo| }", &["mood"], &["paid"]);
    proposes("rule x in group base { when basket.| }", &["paid", "initial"], &["mood"]);
    proposes(
        "rule x in group base { when purchase.| }",
        &["store", "channel", "date"],
        &["mood", "scenario"],
    );
    proposes("rule x in group base { when member.balance.| }", &["bonus"], &["mood"]);
    proposes("rule x in group base { when any(lines where line.|) }", &["paid", "sku", "product"], &["mood"]);
    proposes(
        "rule x in group base { when any(lines where line.product.|) }",
        &["own_brand", "brand"],
        &["paid"],
    );
    proposes(
        "rule x in group base { then for each u in units { award 1% of u.| } }",
        &["paid", "price"],
        &["pieces", "mood"],
    );
    proposes(
        "rule x in group base { let few = cheapest 2 of lines then for each f in few { award f.| } }",
        &["paid", "pieces"],
        &["mood"],
    );
    proposes("define d(l: line) gives money = l.|", &["paid", "initial"], &["mood"]);
    proposes("test \"x\" { given member \"m\" { | } }", &["mood", "birthday"], &["paid"]);
    proposes("test \"x\" { given purchase { line { | } } }", &["sku", "price", "pieces"], &["mood"]);
    proposes("test \"x\" { given purchase { | } }", &["line", "store", "member"], &["mood"]);
    // In a text nothing fits.
    proposes("rule x \"member.|\" in group base {}", &[], &["mood"]);
    proposes("rule x in group base { # member.|\n }", &[], &["mood"]);
}

fn hover(at: &str, nth: usize) -> String {
    let marked = head(at, nth);
    marked.analysis.hover(FILE, marked.offset).map(|hover| hover.text).unwrap_or_default()
}

#[test]
fn hover_says_types_titles_and_documentation() {
    let text = hover("bonus", 1);
    for part in ["account bonus", "**Bonus points**", "What members collect."] {
        assert!(text.contains(part), "{text}");
    }
    let text = hover("rate of", 0);
    assert!(
        text.contains("param rate") && text.contains("The rate") && text.contains("How much is given"),
        "{text}"
    );
    assert!(hover("spent > 5", 0).contains("let spent: money[EUR]"), "{}", hover("spent > 5", 0));
    assert!(hover("mood = happy\n", 0).contains("member.mood: Mood"), "{}", hover("mood = happy\n", 0));
    assert!(hover("happy\n", 0).contains("happy: Mood"), "{}", hover("happy\n", 0));
    assert!(hover("paid > 1", 0).contains("line.paid: money[EUR]"), "{}", hover("paid > 1", 0));
    assert!(hover("sum(line", 0).contains("money[EUR]"), "{}", hover("sum(line", 0));
    assert!(hover("5 EUR and", 0).contains("5 EUR: money[EUR]"), "{}", hover("5 EUR and", 0));
    assert!(hover("regulars and", 0).contains("segment regulars"), "{}", hover("regulars and", 0));
    assert!(hover("one silent", 0).contains("rule one"), "{}", hover("one silent", 0));
    assert!(hover("one silent", 0).contains("One for each euro"), "{}", hover("one silent", 0));
    assert_eq!(hover("## One", 0), "");
}

fn texts(marked: &Marked, places: Vec<perq_grammar::diagnostic::Place>) -> Vec<(usize, String)> {
    let text = |place: perq_grammar::diagnostic::Place| {
        let (start, end) = (place.span.start as usize, place.span.end as usize);
        (marked.text[..start].lines().count(), marked.text[start..end].to_owned())
    };
    places.into_iter().map(text).collect()
}

#[test]
fn definitions_and_references_are_found() {
    for (at, nth, declared) in [
        ("bonus", 1, "account bonus"),
        ("points to", 0, "unit points"),
        ("rate of", 0, "param rate"),
        ("spent as", 0, "let spent"),
        ("regulars and", 0, "segment regulars"),
        ("mood = happy\n", 0, "{ mood: Mood"),
        ("mood = sad", 0, "{ mood: Mood"),
        ("sad }\n  given", 0, ", sad }"),
        ("Mood = happy ", 0, "enum Mood"),
        ("one silent", 0, "rule one"),
    ] {
        let marked = head(at, nth);
        let found = marked.analysis.definitions(FILE, marked.offset);
        let name = declared.rsplit(' ').find(|word| *word != "}").unwrap_or("");
        let name = if declared.contains(':') { "mood" } else { name };
        let expected = marked.text.find(declared).expect(declared) + declared.find(name).unwrap_or(0);
        assert_eq!(
            found.first().map(|place| place.span.start as usize),
            Some(expected),
            "{at} {nth}: {found:?}"
        );
        assert_eq!(found.len(), 1, "{at}");
    }
    let marked = head("bonus", 0);
    let all = texts(&marked, marked.analysis.references(FILE, marked.offset, true));
    // The account, two awards, one expectation.
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(marked.analysis.references(FILE, marked.offset, false).len(), 3);
    // What comes with the language is declared nowhere that could be opened.
    let marked = head("paid > 1", 0);
    assert!(marked.analysis.definitions(FILE, marked.offset).is_empty());
    assert_eq!(marked.analysis.references(FILE, marked.offset, true).len(), 3, "line.paid");
}

fn applied(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.place.span.start as usize..edit.place.span.end as usize, &edit.text);
    }
    text
}

fn renamed(at: &str, nth: usize, name: &str) -> Result<String, String> {
    let marked = head(at, nth);
    let edits = marked.analysis.rename(FILE, marked.offset, name, &NoFiles)?;
    let text = applied(&marked.text, &edits);
    let input = Input { path: "a.rule".to_owned(), text: text.clone() };
    let found: Vec<String> =
        Analysis::new(&[input], &NoFiles).diagnostics().iter().map(|found| found.message.clone()).collect();
    assert!(found.is_empty(), "{at}: {found:?}\n{text}");
    Ok(text)
}

#[test]
fn a_new_name_stands_everywhere_and_the_former_is_kept() {
    let text = renamed("rate of", 0, "share").unwrap();
    assert!(
        text.contains("param share was rate \"The rate\"") && text.contains("award share of spent"),
        "{text}"
    );
    let text = renamed("spent as", 0, "total_spent").unwrap();
    assert_eq!(text.matches("total_spent").count(), 3, "{text}");
    assert!(!text.contains("was spent"), "{text}");
    let text = renamed("one silent", 0, "first_rule").unwrap();
    assert!(
        text.contains("rule first_rule was one \"A point\"") && text.contains("rule first_rule silent"),
        "{text}"
    );
    let text = renamed("bonus", 0, "stars").unwrap();
    assert!(text.contains("account stars was bonus") && text.contains("balance stars"), "{text}");
    let text = renamed("points decimals", 0, "stars").unwrap();
    assert!(text.contains("unit stars") && text.contains("1 stars") && text.contains("as stars"), "{text}");
    let text = renamed("base \"Points\"", 0, "groundwork").unwrap();
    assert!(text.contains("group groundwork was base"), "{text}");
    let text = renamed("regulars and", 0, "friends").unwrap();
    assert!(text.contains("segment friends was regulars"), "{text}");
    let text = renamed("net(line", 0, "bare").unwrap();
    assert!(text.contains("define bare was net(line: line)"), "{text}");
    // Records go on saying what they said.
    let text = renamed("mood = happy\n", 0, "temper").unwrap();
    assert!(
        text.contains("temper: Mood = happy from \"mood\"") && text.contains("member.temper = happy"),
        "{text}"
    );
    // Loops have names of their own.
    let text = renamed("l in lines", 0, "row").unwrap();
    assert!(text.contains("for each row in lines"), "{text}");
    // Letters of any script.
    let text = renamed("rate of", 0, "ставка").unwrap();
    assert!(text.contains("award ставка of spent"), "{text}");
}

#[test]
fn an_event_has_its_new_name_in_the_past_too() {
    let text = "event reply { |mood: number? }\n\
        segment talks = member known and count(earlier replies within last 9 days where reply.mood known) > 2\n\
        test \"r\" { given reply at 2026-03-02 10:15 { mood = 3 } }";
    let marked = after(&text.replace("|", "").replace("event reply", "event |reply"));
    assert!(marked.analysis.diagnostics().is_empty(), "{:?}", marked.analysis.diagnostics());
    let edits = marked.analysis.rename(FILE, marked.offset, "batch_of", &NoFiles).unwrap();
    let text = applied(&marked.text, &edits);
    for part in [
        "event batch_of from \"reply\" {",
        "earlier batch_ofs within last 9 days where batch_of.mood known",
        "given batch_of at",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    proposes(
        "segment s = any(earlier |)",
        &["purchases", "returns", "lines", "batches"],
        &["purchase", "base"],
    );
}

#[test]
fn a_name_back_to_the_first_takes_was_away() {
    let text = HEAD.replace("param rate", "param share was rate").replace("award rate", "award share");
    let mut with_mark = text.clone();
    with_mark.insert(text.find("share was").unwrap(), '|');
    let marked = marked(&with_mark);
    let edits = marked.analysis.rename(FILE, marked.offset, "rate", &NoFiles).unwrap();
    assert_eq!(applied(&marked.text, &edits), HEAD);
}

#[test]
fn a_name_that_would_clash_is_refused_with_the_reason() {
    for (at, name, part) in [
        ("rate of", "regulars", "regulars"),
        ("rate of", "when", "cannot be a name"),
        ("rate of", "two words", "is no name"),
        ("rate of", "", "is no name"),
        ("rate of", "9x", "is no name"),
        ("rate of", "spent", "spent"),
        ("spent as", "rate", "rate"),
        ("one silent", "two", "two"),
        ("paid > 1", "payed", "comes with the language"),
        ("happy\n", "glad", "written in records"),
        ("vip \"Very", "gold", "kept for members"),
        ("rate of", "bаse", ""),
    ] {
        let said = match renamed(at, 0, name) {
            Ok(text) => panic!("{at} became {name}: {text}"),
            Err(said) => said,
        };
        assert!(said.contains(part), "{at} → {name}: {said}");
    }
    let marked = head("when member", 0);
    assert!(marked.analysis.rename(FILE, marked.offset, "x", &NoFiles).is_err(), "a keyword");
}

#[test]
fn the_outline_holds_rules_in_their_groups() {
    let marked = head("param", 0);
    let outline = marked.analysis.outline(FILE);
    let names: Vec<&str> = outline.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(
        names,
        ["shop", "bonus", "rate", "Mood", "mood", "size", "club", "net", "regulars", "base", "points"]
    );
    let group = &outline[9];
    assert_eq!((group.kind, group.detail.as_str()), (Kind::Group, "Points"));
    let rules: Vec<&str> = group.children.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(rules, ["one", "two"]);
    assert!(group.full.start < group.children[0].full.start && group.children[1].full.end < group.full.end);
    // Seven braces over several lines: the group, two rules, the test; the line of the closing one stays.
    assert!(marked.analysis.folds(FILE).iter().all(|fold| fold.from < fold.to));
    assert!(marked.analysis.folds(FILE).len() >= 4, "{:?}", marked.analysis.folds(FILE));
}

#[test]
fn colours_say_what_words_are_here() {
    use perq_ide::Colour;
    // `rate` is a keyword of redemptions and a name here.
    let marked = head("rate of", 0);
    let colours = marked.analysis.colours(FILE);
    let at = |offset: usize| {
        let position = marked.analysis.position(FILE, u32::try_from(offset).unwrap());
        colours.iter().find(|piece| piece.start == position).map(|piece| piece.colour)
    };
    let of = |text: &str| at(HEAD.find(text).unwrap());
    assert_eq!(of("rate of"), Some(Colour::Parameter));
    assert_eq!(of("program"), Some(Colour::Keyword));
    assert_eq!(of("## What"), Some(Colour::Comment));
    assert_eq!(of("\"Bonus"), Some(Colour::Text));
    assert_eq!(of("5%"), Some(Colour::Number));
    assert_eq!(of("spent > 5"), Some(Colour::Variable));
    assert_eq!(of("mood = happy\n"), Some(Colour::Field));
    assert_eq!(of("happy\n"), Some(Colour::Value));
    assert_eq!(of("regulars and"), Some(Colour::Function));
    let mut sorted = colours.clone();
    sorted.sort_by_key(|piece| piece.start);
    assert_eq!(sorted, colours);
}

#[test]
fn repairs_are_offered_where_they_belong() {
    let marked = after("rule x in group base { when| basket.payd > 5 EUR then award 1 points to bonus }");
    let found = marked.analysis.diagnostics();
    let actions = marked.analysis.actions(found, FILE, marked.offset, marked.offset + 12);
    assert_eq!(actions.len(), 1, "{found:?}");
    let text = applied(&marked.text, &[actions[0].edit.clone()]);
    assert!(text.contains("when basket.paid > 5 EUR") && actions[0].preferred, "{text}");
    assert!(marked.analysis.actions(found, FILE, 0, 5).is_empty());
    // What cannot be read is not laid out.
    assert_eq!(after("rule { |").analysis.formatted(FILE), None);
    let laid = after("param  x : money=5 EUR|").analysis.formatted(FILE).expect("an edit");
    assert!(laid.text.contains("param x: money = 5 EUR"), "{}", laid.text);
}

#[test]
fn clauses_that_are_missing_are_put_into_the_rule_around() {
    for (rule, expected) in [
        (
            "group g { kind earn displace none on purchase\n  rule x {\n    when member.size > 5|\n    then award 1 points to bonus\n  } }",
            "rule x {\n    when member known\n    when member.size > 5\n",
        ),
        (
            "group g { kind earn displace none rule x { when member known then award 1 points| to bonus } }",
            "rule x { on purchase when member known then",
        ),
    ] {
        let marked = after(rule);
        let found = marked.analysis.diagnostics();
        let actions = marked.analysis.actions(found, FILE, 0, marked.text.len());
        assert_eq!(actions.len(), 1, "{found:?}");
        let text = applied(&marked.text, &[actions[0].edit.clone()]);
        assert!(text.contains(expected), "{text}");
        let input = Input { path: "a.rule".to_owned(), text };
        assert!(Analysis::new(&[input], &NoFiles).diagnostics().is_empty());
    }
}

struct Shared;

impl Files for Shared {
    fn import(&self, _from: &str, path: &str) -> Result<Input, String> {
        let text = "language 1\n\n## Everybody.\nsegment all_of_them = member known\n";
        Ok(Input { path: path.to_owned(), text: text.to_owned() })
    }
}

#[test]
fn what_is_imported_is_known_and_left_alone() {
    let text = HEAD.replace("program shop", "use \"shared.rule\" as seg\n\nprogram shop");
    let text = text.replace("when member known\n", "when member known and seg.all_of_them\n");
    let offset = text.find("all_of_them").unwrap();
    let input = Input { path: "a.rule".to_owned(), text: text.clone() };
    let analysis = Analysis::new(&[input], &Shared);
    let found: Vec<&str> = analysis.diagnostics().iter().map(|found| found.message.as_str()).collect();
    assert!(found.is_empty(), "{found:?}");
    let declared = analysis.definitions(FILE, offset);
    assert_eq!(declared.first().and_then(|place| analysis.path(place.file)), Some("shared.rule"));
    assert!(analysis.hover(FILE, offset).is_some_and(|hover| hover.text.contains("Everybody")));
    let why = analysis.rename(FILE, offset, "x", &Shared).unwrap_err();
    assert!(why.contains("shared.rule"), "{why}");
    let completed = text.replace("seg.all_of_them", "seg.");
    let found = analysis.completions(FILE, &completed, completed.find("seg.").unwrap() + 4);
    assert_eq!(found.iter().map(|found| found.text.as_str()).collect::<Vec<_>>(), ["all_of_them"]);
    // The alias is this file's own.
    let at = text.find("seg.all").unwrap();
    let edits = analysis.rename(FILE, at, "people", &Shared).unwrap();
    assert!(
        applied(&text, &edits).contains("as people") && applied(&text, &edits).contains("people.all_of_them")
    );
}
