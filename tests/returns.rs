//! Goods that come back, as hosts meet them: what is bought and brought back in whatever parts leaves nothing behind, parts
//! refund what the whole does, and both engines write the same bytes.

use perq_compiler::ir::AccountId;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::engine::{Engine, EngineKind, Session};
use perq_runtime::pack::Pack;
use perq_tests::generate::Random;
use serde_json::{Value, json};

/// Everything that a purchase can leave somewhere: discounts with limits and a budget, points that melt, wait, are cancelled,
/// multiplied and given to others, a debit, payment with points, levels that are heard and rewarded, rules that look at history,
/// coupons that are issued and redeemed, certificates, badges, fields that are set.
fn programme(shortfall: &str) -> String {
    format!(
        r#"language 1
program demo {{ currency EUR zone "Europe/Rome" rounding half_up tax on_top rounded half_up per line }}
account bonus {{
  unit points decimals 0
  redeemable
  round down per basket
  worth 10 points = 1 EUR
  expire 60 days after award
  melt 20% of awarded every 10 days from 20 days after award
  {shortfall}
}}
account chips {{ unit chips decimals 0 expire 40 days after award {shortfall} }}
account stars {{ unit stars decimals 0 round down per line worth 1 stars = 1 EUR {shortfall} }}

event gift {{ amount: points }}
event look

group sets {{ kind set_discount displace none on_price original on purchase }}
rule third in group sets {{
  then discount 100% on cheapest 1 in every 3 of units where unit in category "A"
}}
rule half in group sets {{
  let dear = dearest 1 of units where unit in category "B"
  when member known and count(dear) = 1 pcs
  then {{
    debit 2 chips
    discount 50% on dear
  }}
}}
group offers {{ kind order_discount displace none on_price running on purchase when member known }}
rule off in group offers {{
  limit 9 EUR per member within this month else cut
  budget 40 EUR within program else cut
  when basket.paid >= 20 EUR
  then discount 7% on basket spread by paid
}}
redemption pay {{
  from bonus
  for lines where line in category ["A", "B"]
  member chooses amount
}}

group base {{ kind earn displace none on purchase when member known }}
rule rate in group base {{
  limit 90 points per member within last 30 days else cut
  then for each line in lines {{ award 30% of line.cash as points }}
}}
rule good in group base {{
  limit 2 times per member within program else skip
  when basket.paid >= 15 EUR
  then award 11 points
}}
group doubles {{ kind earn displace none on purchase when member known }}
rule twice in group doubles {{
  when any(lines where line in category "C")
  then multiply awards of group base by 2
}}
group kept {{ kind earn displace none on purchase when member known }}
rule later in group kept {{
  then for each line in lines where line in category "B" {{
    award 1 chips * line.pieces available after 5 days cancel on return proportional
  }}
}}
rule whole in group kept {{
  when count(lines) >= 2
  then award 3 stars cancel on return all
}}
rule by_level in group kept {{
  then for each line in lines {{
    award by member.tier {{ base => 1%, silver => 5%, gold => 9% }} of line.paid as stars
  }}
}}
rule many in group kept {{
  when sum(line.pieces_kept for earlier lines within program) >= 5 pcs
  then award 1 stars
}}
rule inviter in group kept {{
  when member.invited_by known
  then award 5 chips to member.invited_by.chips
}}

group gifts {{ kind earn displace none on gift when member known }}
rule given in group gifts {{
  then {{
    award event.amount
    award 4 chips
  }}
}}

tiers club {{
  measure sum(purchase.paid for earlier purchases within program where not purchase.returned)
  level base from 0 EUR
  level silver from 30 EUR
  level gold from 80 EUR
  upgrade at_once
  downgrade one_level
  keep until end_of_month(event.date)
  review every month
}}

group heard {{ kind earn displace none on tier_change when member known }}
rule silver_at_least in group heard {{
  limit 3 times per member within program else skip
  when member.tier >= silver
  then {{
    award 7 stars
    issue coupon next
  }}
}}
rule golden in group heard {{
  when member.tier = gold
  then {{
    award 6 chips
    set member.standing to honoured
  }}
}}

enum standing {{ plain, welcome, honoured }}
extend member {{ standing: standing = plain }}
coupon next {{
  codes unique
  uses 2 times
  expires after 90 days
  then discount 2 EUR on basket spread by paid
}}
coupon chip {{
  codes unique
  then award 9 chips
}}
certificate voucher {{ expires after 1 years }}
badge regular
badge rich {{ when basket.paid >= 30 EUR }}
badge often {{ when count(earlier purchases within program where not purchase.returned) >= 3 }}
group states {{ kind state displace none on purchase when member known }}
rule coupons in group states {{
  when basket.paid >= 12 EUR
  then issue 2 coupon next
}}
rule for_others in group states {{
  when basket.paid >= 8 EUR and member.invited_by known
  then issue coupon chip to member.invited_by
}}
rule vouchers in group states {{
  when basket.paid >= 5 EUR
  then issue certificate voucher for 10% of basket.paid
}}
rule regulars in group states {{
  when count(lines) >= 2
  then {{
    issue badge regular
    set member.standing to welcome
  }}
}}
rule with_discount in group sets {{
  limit 2 times per member within program else skip
  when member known and basket.initial >= 20 EUR
  then {{
    discount 1% on dearest 1 of units where unit in category "C"
    issue coupon chip
  }}
}}
group badges {{ kind earn displace none on purchase when member known }}
rule for_regulars in group badges {{ when member.badge.regular then award 2 stars }}
rule for_the_rich in group badges {{ when member.badge.rich then award 4 stars }}
rule for_frequent in group badges {{ when member.badge.often then award 8 stars }}
rule for_standing in group badges {{
  then award by member.standing {{ plain => 1, welcome => 16, honoured => 32 }} * 1 stars
}}
"#
    )
}

fn engine(shortfall: &str, kind: EngineKind) -> Engine {
    let input = Input { path: "demo.rule".to_owned(), text: programme(shortfall) };
    let compilation = compile(&[input], &NoFiles);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| d.message.clone()).collect();
    let pack = Pack::of(compilation.program.unwrap_or_else(|| panic!("{said:?}")));
    Engine::builder(pack).kind(kind).build().expect("it builds")
}

/// Two sessions side by side.
struct Both(Session, Session);

impl Both {
    fn new(shortfall: &str) -> Both {
        let session = |kind| engine(shortfall, kind).session();
        Both(session(EngineKind::Interpreter), session(EngineKind::Native))
    }

    fn decide(&mut self, event: &str) -> Value {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        self.0.decide_line(event.as_bytes(), &mut first).unwrap_or_else(|error| panic!("{error}: {event}"));
        self.1.decide_line(event.as_bytes(), &mut second).unwrap_or_else(|error| panic!("{error}: {event}"));
        assert_eq!(String::from_utf8_lossy(&first), String::from_utf8_lossy(&second), "{event}");
        serde_json::from_slice(&first).expect("decisions are JSON")
    }

    /// What members hold: by account the lots of which something is left, and the balances.
    fn holds(&self) -> Vec<Vec<(i64, Option<i64>, i64)>> {
        let state = self.0.state().expect("the program is stateful");
        let mut holds = Vec::new();
        for member in ["m0", "m1"] {
            for account in 0..3 {
                let lots = state.lots(member, AccountId(account));
                let mut standing: Vec<_> =
                    lots.standing().map(|lot| (lot.from, lot.until, lot.left)).collect();
                standing.push((0, None, lots.balance(i64::MAX - 1)));
                standing.sort_unstable();
                holds.push(standing);
            }
            holds.push((0..3).map(|badge| (i64::from(state.has_badge(member, badge)), None, 0)).collect());
            for code in CODES {
                holds.push(vec![(i64::from(state.coupon_uses(code)), None, 0)]);
            }
        }
        holds
    }
}

/// A generated purchase: sku, category, pieces and cents of each line, and points to pay with.
fn lines(random: &mut Random) -> Vec<(String, i64, i64)> {
    let count = 1 + random.below(4);
    let line = |at: usize, random: &mut Random| {
        let category = ["A", "B", "C"][random.below(3)];
        (format!("{category}{at}"), random.between(1, 4), random.between(100, 1_500))
    };
    (0..count).map(|at| line(at, random)).collect()
}

fn at(day: i64, hour: i64) -> String {
    format!("2026-{:02}-{:02}T{hour:02}:00", 3 + day / 28, 1 + day % 28)
}

fn purchase(id: &str, when: &str, lines: &[(String, i64, i64)], pay: i64) -> String {
    presenting(id, when, lines, pay, &[])
}

fn presenting(id: &str, when: &str, lines: &[(String, i64, i64)], pay: i64, codes: &[&str]) -> String {
    let lines: Vec<Value> = lines
        .iter()
        .map(|(sku, pieces, cents)| {
            let price = format!("{}.{:02}", cents / 100, cents % 100);
            json!({ "sku": sku, "category": &sku[..1], "qty": pieces, "price": price, "tax_rate": 19 })
        })
        .collect();
    let mut event = json!({ "id": id, "kind": "sale", "at": when, "lines": lines,
        "coupons": codes, "member": { "id": "m1", "invited_by": "m0", "tier": "base" } });
    if pay > 0 {
        event["redeem"] = json!({ "pay": pay });
    }
    event.to_string()
}

fn gift(id: &str, when: &str, amount: i64) -> String {
    json!({ "id": id, "kind": "gift", "at": when, "amount": amount, "member": { "id": "m1", "tier": "base" } })
        .to_string()
}

/// Codes that purchases before may have issued: to the member, and to another.
const CODES: [&str; 4] = ["next-b0-1", "next-b1-2", "chip-b0-1", "chip-b2-2"];

/// What comes back of a purchase, at once or in parts, in whatever order.
fn parts(random: &mut Random, lines: &[(String, i64, i64)]) -> Vec<Vec<(String, i64)>> {
    let mut pieces: Vec<usize> =
        lines.iter().enumerate().flat_map(|(at, line)| vec![at; line.1 as usize]).collect();
    for at in (1..pieces.len()).rev() {
        pieces.swap(at, random.below(at + 1));
    }
    let mut parts = Vec::new();
    while !pieces.is_empty() {
        let rest = pieces.split_off((1 + random.below(pieces.len())).min(pieces.len()));
        let mut part: Vec<(String, i64)> = Vec::new();
        for at in std::mem::replace(&mut pieces, rest) {
            match part.iter_mut().find(|(sku, _)| *sku == lines[at].0) {
                Some((_, count)) => *count += 1,
                None => part.push((lines[at].0.clone(), 1)),
            }
        }
        parts.push(part);
    }
    parts
}

fn comes_back(id: &str, of: &str, when: &str, part: &[(String, i64)]) -> String {
    let lines: Vec<Value> = part.iter().map(|(sku, pieces)| json!({ "sku": sku, "qty": pieces })).collect();
    json!({ "id": id, "kind": "return", "of": of, "at": when, "lines": lines }).to_string()
}

fn cents(text: &Value) -> i64 {
    text.as_str().unwrap_or_else(|| panic!("{text}")).replace('.', "").parse().expect("cents")
}

/// What happened before: gifts and other purchases, all of which stay.
fn before(both: &mut Both, random: &mut Random) {
    both.decide(&gift("g0", &at(0, 8), random.between(0, 300)));
    for id in 0..random.below(4) {
        let lines = lines(random);
        both.decide(&purchase(&format!("b{id}"), &at(1 + id as i64, 10), &lines, 0));
    }
}

#[test]
fn bought_and_brought_back_leaves_nothing_behind() {
    let (mut split, mut paid, mut cut) = (0, 0, 0);
    let kinds =
        ["accepted", "certificate", "regular", "rich", "often", "honoured", "silver_at_least", "golden"];
    let mut done = kinds.map(|kind| (kind, 0));
    for seed in 0..120u64 {
        let shortfall = ["", "shortfall debt", "shortfall clamp"][seed as usize % 3];
        let mut random = Random::new(seed);
        let (mut with, mut without) = (Both::new(shortfall), Both::new(shortfall));
        before(&mut with, &mut Random::new(seed + 1_000));
        before(&mut without, &mut Random::new(seed + 1_000));
        let held = with.holds();
        assert_eq!(held, without.holds());

        let bought = lines(&mut random);
        let pay = if random.below(2) == 0 { random.between(1, 30) } else { 0 };
        let mut decision = with.decide(&presenting("p", &at(6, 10), &bought, pay, &CODES));
        if !decision["refused"].is_null() {
            decision = with.decide(&presenting("p", &at(6, 10), &bought, 0, &CODES));
        }
        paid += u32::from(decision["totals"]["points"].is_string());
        cut += u32::from(!decision["cut"].as_array().expect("a list").is_empty());
        let parts = parts(&mut random, &bought);
        split += u32::from(parts.len() > 1);
        for (kind, count) in &mut done {
            *count += u32::from(decision.to_string().contains(*kind));
        }
        let (mut refund, mut tax, mut withdrawn, mut unset) = (0, 0, Vec::new(), 0);
        for (at_part, part) in (0i64..).zip(&parts) {
            let back = comes_back(&format!("r{at_part}"), "p", &at(7 + at_part, 12), part);
            let back = with.decide(&back);
            assert!(back["refused"].is_null(), "{back}");
            refund += cents(&back["returned"]["refund"]);
            tax += cents(&back["returned"]["tax"]);
            assert_eq!(back["returned"]["whole"], json!(at_part as usize + 1 == parts.len()), "{back}");
            assert_eq!(back["totals"]["total"], back["returned"]["refund"], "{back}");
            withdrawn.extend(back["returned"]["withdrawn"].as_array().cloned().into_iter().flatten());
            unset += back["returned"]["unset"].as_array().map_or(0, Vec::len);
            for correction in back["returned"]["corrections"].as_array().into_iter().flatten() {
                // Nothing was spent since, so nothing is missing.
                assert!(correction["missing"].is_null() && correction["owed"].is_null(), "{back}");
            }
        }
        assert_eq!(refund, cents(&decision["totals"]["total"]), "seed {seed}: {decision}");
        assert_eq!(tax, cents(&decision["totals"]["tax"]), "seed {seed}: {decision}");
        assert_eq!(with.holds(), held, "seed {seed}: {decision}");
        // Each code that the purchase issued is withdrawn, and can be redeemed no more.
        let raised = decision["raised"].as_array().cloned().into_iter().flatten();
        let (mut issued, mut set) = (Vec::new(), 0);
        for part in raised.chain([decision.clone()]) {
            let codes = part["issued"].as_array().cloned().into_iter().flatten();
            issued.extend(codes.flat_map(|one| one["codes"].as_array().cloned().unwrap_or_default()));
            set += part["set"].as_array().map_or(0, Vec::len);
        }
        let gone = withdrawn.iter().filter(|one| one["value"].is_null());
        let mut gone: Vec<Value> = gone.filter_map(|one| Some(one.get("code")?.clone())).collect();
        gone.sort_by_key(ToString::to_string);
        issued.sort_by_key(ToString::to_string);
        assert_eq!(gone, issued, "seed {seed}: {decision}");
        assert_eq!(unset, set, "seed {seed}: {decision}");
        if let Some(code) = issued.iter().filter_map(Value::as_str).find(|code| code.starts_with("next")) {
            let now = with.decide(&presenting("late", &at(19, 9), &[], 0, &[code]));
            assert_eq!(now["coupons"][0]["outcome"], json!("withdrawn"), "seed {seed}: {now}");
            without.decide(&presenting("late", &at(19, 9), &[], 0, &[]));
        }

        // What comes after is decided the same, with all that it looks at: limits, budgets, levels, histories, balances.
        for (day, id) in (20i64..).step_by(9).zip(["q0", "q1", "q2"]) {
            let lines = lines(&mut random);
            let event = presenting(id, &at(day, 9), &lines, 0, &CODES);
            assert_eq!(with.decide(&event), without.decide(&event), "seed {seed}");
        }
        assert_eq!(with.holds(), without.holds(), "seed {seed}");
    }
    assert!(split > 60 && paid > 20 && cut > 10, "{split} split, {paid} paid with points, {cut} cut");
    assert!(done.iter().all(|(_, count)| *count > 5), "{done:?}");
}

#[test]
fn parts_come_to_what_the_whole_does() {
    for seed in 0..80u64 {
        let mut random = Random::new(seed);
        let (mut once, mut many) = (Both::new("shortfall debt"), Both::new("shortfall debt"));
        before(&mut once, &mut Random::new(seed + 2_000));
        before(&mut many, &mut Random::new(seed + 2_000));
        let bought = lines(&mut random);
        once.decide(&purchase("p", &at(6, 10), &bought, 0));
        many.decide(&purchase("p", &at(6, 10), &bought, 0));
        let mut parts = parts(&mut random, &bought);
        // Something is kept, where there is more than a part.
        if parts.len() > 1 {
            parts.pop();
        }
        let mut all: Vec<(String, i64)> = Vec::new();
        for (sku, pieces) in parts.iter().flatten() {
            match all.iter_mut().find(|(other, _)| other == sku) {
                Some((_, count)) => *count += pieces,
                None => all.push((sku.clone(), *pieces)),
            }
        }
        let last = at(7 + parts.len() as i64 - 1, 12);
        let whole = once.decide(&comes_back("r", "p", &last, &all));
        let mut refund = 0;
        for (day, part) in (7i64..).zip(&parts) {
            let back = many.decide(&comes_back(&format!("r{day}"), "p", &at(day, 12), part));
            refund += cents(&back["returned"]["refund"]);
        }
        assert_eq!(refund, cents(&whole["returned"]["refund"]), "seed {seed}: {whole}");
        assert_eq!(once.holds(), many.holds(), "seed {seed}: {whole}");
        let next = lines(&mut random);
        let event = purchase("q", &at(25, 9), &next, 0);
        assert_eq!(once.decide(&event), many.decide(&event), "seed {seed}");
    }
}

#[test]
fn refusals_say_what_is_wrong() {
    let mut both = Both::new("shortfall debt");
    let bought = [("A0".to_owned(), 2, 1_000)];
    both.decide(&purchase("p", &at(6, 10), &bought, 0));
    let held = both.holds();
    let mut refused = |event: String| {
        let decision = both.decide(&event);
        assert_eq!(decision["effects"], json!([]));
        decision["refused"].clone()
    };
    let back = |sku: &str, pieces: i64| comes_back("r", "p", &at(7, 10), &[(sku.to_owned(), pieces)]);
    let plain = |because: &str, words: &str| json!({ "of": "p", "because": because, "words": words });
    let line =
        |because: &str, words: &str| json!({ "of": "p", "line": 1, "because": because, "words": words });
    assert_eq!(
        refused(comes_back("r", "x", &at(7, 10), &[("A0".to_owned(), 1)])),
        json!({ "of": "x", "because": "unknown-purchase", "words": "no purchase \"x\" is kept" })
    );
    assert_eq!(refused(back("B0", 1)), line("not-bought", "\"B0\" was not bought with \"p\""));
    let more = json!({ "of": "p", "line": 1, "pieces": 1, "because": "more-than-bought",
        "words": "of \"A0\" 1 more come back than \"p\" has left" });
    assert_eq!(refused(back("A0", 3)), more);
    assert_eq!(refused(back("A0", -1)), line("wrong-pieces", "of \"A0\" less than a piece comes back"));
    assert_eq!(
        refused(comes_back("r", "p", &at(7, 10), &[])),
        plain("nothing-returned", "no line says what comes back")
    );
    assert_eq!(
        refused(comes_back("r", "p", &at(5, 10), &[("A0".to_owned(), 1)])),
        plain("before-purchase", "\"p\" was bought later than it comes back")
    );
    let mut other: Value = serde_json::from_str(&back("A0", 1)).expect("JSON");
    other["member"] = json!({ "id": "m2", "tier": "base" });
    assert_eq!(refused(other.to_string()), plain("other-member", "\"p\" is the purchase of another member"));
    assert_eq!(both.holds(), held);
}

/// The same sku twice: which line comes back can be said, and is the first with pieces left where it is not.
#[test]
fn a_line_can_be_named() {
    let mut both = Both::new("");
    let bought = [("C0".to_owned(), 1, 1_000), ("C0".to_owned(), 1, 400)];
    both.decide(&purchase("p", &at(6, 10), &bought, 0));
    let back = |id: &str, line: Value| {
        let event = json!({ "id": id, "kind": "return", "of": "p", "at": at(7, 10), "lines": [line] });
        event.to_string()
    };
    let decision = both.decide(&back("r0", json!({ "sku": "C0", "qty": 1, "of_line": 2 })));
    // 4.00 with 19 % on top.
    assert_eq!(decision["returned"]["refund"], json!("4.76"));
    assert_eq!(
        decision["returned"]["lines"],
        json!([{ "line": 2, "sku": "C0", "pieces": 1, "paid": "4.00" }])
    );
    let decision = both.decide(&back("r1", json!({ "sku": "C0", "qty": 1, "of_line": 2 })));
    assert_eq!(decision["refused"]["because"], json!("more-than-bought"));
    let decision = both.decide(&back("r2", json!({ "sku": "C0", "qty": 1 })));
    assert_eq!(decision["returned"]["refund"], json!("11.90"));
    assert_eq!(decision["returned"]["whole"], json!(true));
}

/// A program that says nothing of returns keeps nothing for them, and says so.
#[test]
fn what_is_not_kept_is_refused() {
    let text = r#"language 1
program demo { currency EUR zone "Europe/Rome" rounding half_up }
account bonus { unit points decimals 0 round down per basket worth 1 points = 1 EUR }
group base { kind earn displace none on purchase when member known }
rule rate in group base { then award 1% of basket.paid as points }
"#;
    let input = Input { path: "demo.rule".to_owned(), text: text.to_owned() };
    let program = compile(&[input], &NoFiles).program.expect("it compiles");
    let engine = Engine::builder(Pack::of(program)).build().expect("it builds");
    assert!(!engine.is_stateful());
    let event = comes_back("r", "p", &at(7, 10), &[("A0".to_owned(), 1)]);
    let decision = engine.session().decide_json(event.as_bytes()).expect("it reads");
    assert_eq!(decision.refused.expect("it is refused").because, "not-kept");
}
