//! State between events as a host meets it: claims by lasting names, events that come late, and what another member gets.

use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::decision::Decision;
use perq_runtime::engine::{Engine, Session};
use perq_runtime::pack::Pack;

const HEAD: &str = r#"language 1
program demo { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 round down per basket worth 100 points = 1 EUR }
"#;

fn pack(rules: &str) -> Pack {
    let input = Input { path: "rules.rule".to_owned(), text: format!("{HEAD}{rules}") };
    let compilation = compile(&[input], &NoFiles);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
    Pack::of(compilation.program.unwrap_or_else(|| panic!("{said:#?}")))
}

fn session(rules: &str) -> Session {
    Engine::builder(pack(rules)).build().expect("an engine").session()
}

/// A purchase for so many euros.
fn purchase(session: &mut Session, member: &str, at: &str, euros: u32) -> Decision {
    let json = format!(
        r#"{{"id":"{at}","kind":"purchase","at":"{at}","member":{member},"lines":[{{"sku":"A","qty":1,"price":"{euros}.00"}}]}}"#
    );
    session.decide_json(json.as_bytes()).expect("a purchase")
}

fn awarded(decision: &Decision) -> &str {
    decision.totals.awards.get("bonus").unwrap_or("0")
}

/// (counter, amount) of each claim.
fn claims(decision: &Decision) -> Vec<(&str, &str)> {
    decision.claims.iter().map(|claim| (claim.counter.as_str(), claim.amount.as_str())).collect()
}

const ANNA: &str = r#"{"id":"anna"}"#;

#[test]
fn an_event_that_comes_late_is_limited_by_its_own_windows() {
    let mut session = session(
        r"
group sliding { kind earn displace none on purchase when member known }
rule slide in group sliding {
  limit 100 points per member within last 30 days else cut
  then award 1 points * steps of 1 EUR in basket.paid
}
group monthly { kind earn displace none on purchase when member known }
rule month in group monthly {
  limit 100 points per member within this month else cut
  then award 1 points * steps of 1 EUR in basket.paid
}
group all { kind earn displace none on purchase when member known }
rule ever in group all {
  budget 100 points else cut
  then award 1 points * steps of 1 EUR in basket.paid
}
",
    );
    let of = |decision: &Decision, rule: &str| {
        let effect = decision.effects.iter().find(|effect| effect.rule == rule);
        effect.map_or("0".to_owned(), |effect| effect.amount.clone())
    };
    let first = purchase(&mut session, ANNA, "2026-03-20T10:00:00", 70);
    assert_eq!(["slide", "month", "ever"].map(|rule| of(&first, rule)), ["70", "70", "70"]);
    // Seen from 1 March the 70 points of 20 March are not yet in the last 30 days, but they are in the month and in the
    // campaign.
    let late = purchase(&mut session, ANNA, "2026-03-01T10:00:00", 70);
    assert_eq!(["slide", "month", "ever"].map(|rule| of(&late, rule)), ["70", "30", "30"]);
    // All 140 lie in the 30 days before 25 March.
    let next = purchase(&mut session, ANNA, "2026-03-25T10:00:00", 70);
    assert_eq!(["slide", "month", "ever"].map(|rule| of(&next, rule)), ["0", "0", "0"]);
    assert_eq!(claims(&next), [], "what is given nothing claims nothing");
}

#[test]
fn claims_have_lasting_names_and_the_units_of_what_is_given() {
    let rules = r"
group earn {
  kind earn displace none on purchase when member known
  budget 1_000 points else cut
}
rule friend was old_friend in group earn {
  limit 500 points per member else cut
  limit 300 points per member within this day else cut
  limit 3 times per inviter else skip
  budget 2 times within this year else skip
  when member.invited_by known
  then {
    award 200 points
    award 50 points to member.invited_by.bonus
  }
}
";
    let pack = pack(rules);
    let names: Vec<&str> =
        pack.manifest().state.counters.iter().map(|counter| counter.name.as_str()).collect();
    // The member's and the inviter's before the campaign's, whatever the order of the text.
    let rule = |rest: &str| format!("rule.old_friend.{rest}");
    let expected = [
        rule("award.bonus.member"),
        rule("award.bonus.member.2"),
        rule("times.inviter"),
        rule("times.budget"),
    ];
    assert_eq!(names[..4], expected);
    assert_eq!(names[4..], ["group.earn.award.bonus.budget"]);
    let mut session = Engine::builder(pack).build().expect("an engine").session();
    let bruno = r#"{"id":"bruno","invited_by":"anna"}"#;
    let decision = purchase(&mut session, bruno, "2026-03-02T10:00:00", 5);
    let all: Vec<(&str, &str)> = names_with(&expected, &["250", "250", "1", "1"]);
    assert_eq!(claims(&decision)[..4], all);
    assert_eq!(claims(&decision)[4..], [("group.earn.award.bonus.budget", "250")]);
    assert_eq!(awarded(&decision), "200", "what the inviter gets is not the member's");
    let to: Vec<_> =
        decision.effects.iter().map(|effect| (effect.amount.as_str(), effect.to.as_deref())).collect();
    assert_eq!(to, [("200", None), ("50", Some("anna"))]);
    // 50 of the day's 300 are left, and the rule's first effect takes them.
    let second = purchase(&mut session, bruno, "2026-03-02T11:00:00", 5);
    assert_eq!(awarded(&second), "50");
    assert!(second.effects.iter().all(|effect| effect.to.is_none()));
}

fn names_with<'a>(names: &'a [String], amounts: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    names.iter().map(String::as_str).zip(amounts.iter().copied()).collect()
}

#[test]
fn an_event_without_anybody_to_count_for_is_given_nothing() {
    let mut session = session(
        r"
group earn { kind earn displace none on purchase }
rule maybe in group earn {
  when member known
  limit 100 points per member else cut
  then award 10 points
}
",
    );
    let anonymous = purchase(&mut session, "null", "2026-03-02T10:00:00", 5);
    assert_eq!((awarded(&anonymous), anonymous.claims.len()), ("0", 0));
    assert_eq!(awarded(&purchase(&mut session, ANNA, "2026-03-02T10:00:00", 5)), "10");
}

#[test]
fn the_manifest_lists_the_state_that_is_read() {
    let stateless = pack(
        "group earn { kind earn displace none on purchase }\nrule one in group earn { then award 1 points }\n",
    );
    assert!(stateless.manifest().state.is_empty());
    let pack = pack(
        r#"
group sale { kind order_discount displace none on_price original on purchase }
rule june in group sale {
  about { owner "Marketing" code "MK-17" }
  budget 500 EUR within 2026-06-01 until 2026-07-01 else skip
  then discount 5% on basket spread by paid
}
rule off in group sale {
  not effective
  then discount 50% on basket spread by paid
}
"#,
    );
    let manifest = pack.manifest();
    let [counter] = manifest.state.counters.as_slice() else { panic!("one counter") };
    assert_eq!(counter.name, "rule.june.discount.budget");
    assert_eq!((counter.per.as_str(), counter.unit.as_str()), ("campaign", "EUR"));
    assert_eq!(counter.window, "2026-06-01 through 2026-06-30");
    let about = &manifest.rules[0].about;
    assert_eq!((about["owner"].as_str(), about["code"].as_str()), ("Marketing", "MK-17"));
    assert_eq!(manifest.rules[1].effective.as_deref(), Some("never"));
}
