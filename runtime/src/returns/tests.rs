//! Returns through readers and writers: tables, absent prices, the published schema, and what is kept.

use super::Origin;
use super::origin::part;
use crate::batch::{BatchOptions, Format, run};
use crate::decision::tests::check_schema;
use crate::engine::{Engine, EngineKind};
use crate::pack::Pack;
use crate::record::{ReadEvent, Reader};
use crate::summary::Summary;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use proptest::prelude::*;

const RULES: &str = r#"language 1
program demo { currency EUR zone "Europe/Rome" rounding half_up tax included rounded half_up }
account bonus { unit points decimals 0 redeemable round down per basket worth 1 points = 1 EUR expire 90 days after award }
extend line { note: number }
group base { kind earn displace none on purchase when member known }
rule rate in group base {
  limit 50 points per member within this month else cut
  then for each line in lines where line in category ["Tea", "Käse"] { award 10% of line.paid as points }
}
group back { kind earn displace none on return when member known }
rule told in group back {
  when event.points_missing > 0 points and any(lines where line in category "Tea" and line.note = 7)
  then debit min(event.points_missing, member.balance.bonus)
}
redemption pay {
  from bonus
  for lines
  member chooses amount
}
"#;

fn engine() -> Engine {
    engine_of(RULES)
}

fn engine_of(rules: &str) -> Engine {
    let input = Input { path: "demo.rule".to_owned(), text: rules.to_owned() };
    let compilation = compile(&[input], &NoFiles);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| d.message.clone()).collect();
    let pack = Pack::of(compilation.program.unwrap_or_else(|| panic!("{said:?}")));
    Engine::builder(pack).kind(EngineKind::Interpreter).build().unwrap()
}

const EVENTS: &str = concat!(
    r#"{"id":"p","kind":"sale","member":"m","at":"2026-03-02T10:00","lines":[{"sku":"T","category":"Tea","note":7,"qty":3,"price":"33.33","tax_rate":10},{"sku":"K","category":"Käse","note":1,"weight":"1.5","price":"20.00"}]}"#,
    "\n",
    r#"{"id":"q","kind":"sale","member":"m","at":"2026-03-03T10:00","redeem":{"pay":9},"lines":[{"sku":"X","note":0,"qty":1,"price":"10.00"}]}"#,
    "\n",
    r#"{"id":"r","kind":"return","of":"p","member":"m","at":"2026-03-04T10:00","lines":[{"sku":"T","qty":2},{"sku":"K","weight":"1.5"}]}"#,
    "\n",
    r#"{"lines":[{"sku":"X","qty":1}],"id":"s","of":"q","kind":"return","at":"2026-03-05T10:00"}"#,
    "\n",
    r#"{"id":"t","kind":"return","of":"p","at":"2026-03-05T10:00","lines":[{"sku":"T","qty":2}]}"#,
    "\n",
);

fn decide(events: &str, format: Format) -> (String, String) {
    let (mut decisions, mut rejections) = (Vec::new(), Vec::new());
    let options = BatchOptions { format, ..BatchOptions::default() };
    run(&engine(), events.as_bytes(), &mut decisions, &mut rejections, &options, |_| ()).unwrap();
    (String::from_utf8(decisions).unwrap(), String::from_utf8(rejections).unwrap())
}

/// 99.99 and 30.00: 10 and 3 points (9.999 + 3 are 12.999, down to 12). 9 pay the second purchase. Two teas come back (66.66 with
/// 6.06 of tax, 10 in 110) and the cheese: 33.33 stay, 3 points, so 9 are to be taken back. 3 are left of the award, 6 are
/// missing; the rule hears that, and there is nothing to take.
#[test]
fn lines_without_prices_are_those_of_the_purchase() {
    let (decisions, rejections) = decide(EVENTS, Format::Ndjson);
    assert_eq!(rejections, "");
    let lines: Vec<serde_json::Value> =
        decisions.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in decisions.lines() {
        check_schema(line.as_bytes());
    }
    assert_eq!(lines[0]["totals"]["awards"]["bonus"], "12");
    let back = &lines[2]["returned"];
    assert_eq!((&back["refund"], &back["tax"]), (&"96.66".into(), &"6.06".into()));
    let correction = &back["corrections"][0];
    assert_eq!((&correction["amount"], &correction["missing"]), (&"-9".into(), &"6".into()));
    assert_eq!(correction["lots"][0]["amount"], "-3");
    assert_eq!(back["claims"][0]["amount"], "-9");
    // The condition on the line's category and note holds: they are those of what was bought. There is nothing to debit.
    assert_eq!(lines[2]["effects"].as_array().unwrap().len(), 0);
    // What points paid comes back as points, to the lot with its own end: 1.00 and 9 points.
    let back = &lines[3]["returned"];
    assert_eq!((&back["refund"], &back["points"]), (&"1.00".into(), &"9.00".into()));
    assert_eq!(back["corrections"][0]["kind"], "debit");
    // 90 days after 2 March are 31 May; gone when it ends, in summer time.
    let lot =
        serde_json::json!({"amount":"9","available":"2026-03-02T09:00:00Z","expires":"2026-05-31T22:00:00Z"});
    assert_eq!(back["corrections"][0]["lots"][0], lot);
    assert_eq!(lines[4]["refused"]["because"], "more-than-bought");
}

#[test]
fn tables_hold_returns_too() {
    let table = "id,kind,of,member,at,sku,qty,price,weight,category,note,tax_rate,of_line\n\
        p,sale,,m,2026-03-02T10:00,T,3,33.33,,Tea,7,10,\n\
        p,,,,,K,,20.00,1.5,Käse,1,,\n\
        r,return,p,m,2026-03-04T10:00,T,2,,,,,,1\n\
        r,,,,,K,1,,,,,,\n";
    let json = concat!(
        r#"{"id":"p","kind":"sale","member":"m","at":"2026-03-02T10:00","lines":[{"sku":"T","category":"Tea","note":7,"qty":3,"price":"33.33","tax_rate":10},{"sku":"K","category":"Käse","note":1,"weight":"1.5","price":"20.00"}]}"#,
        "\n",
        r#"{"id":"r","kind":"return","of":"p","member":"m","at":"2026-03-04T10:00","lines":[{"sku":"T","qty":2,"of_line":1},{"sku":"K","qty":1}]}"#,
        "\n",
    );
    assert_eq!(decide(table, Format::Csv), decide(json, Format::Ndjson));
}

/// A price may be left out of what comes back of a purchase and of nothing else, in whatever order the fields stand.
#[test]
fn other_lines_have_prices() {
    for (event, is_read) in [
        (
            r#"{"id":"a","kind":"return","at":"2026-03-04T10:00","lines":[{"sku":"T","note":1,"qty":2}]}"#,
            false,
        ),
        (
            r#"{"id":"a","kind":"sale","of":"p","at":"2026-03-04T10:00","lines":[{"sku":"T","note":1,"qty":2}]}"#,
            false,
        ),
        (
            r#"{"id":"a","lines":[{"sku":"T","qty":2,"price":1}],"kind":"sale","at":"2026-03-04T10:00"}"#,
            false,
        ),
        (r#"{"lines":[{"sku":"T","qty":2}],"id":"a","kind":"return","at":"2026-03-04T10:00"}"#, false),
        (
            r#"{"lines":[{"sku":"T","qty":2}],"id":"a","of":"p","kind":"return","at":"2026-03-04T10:00"}"#,
            true,
        ),
        (r#"{"lines":[{"sku":"T"}],"id":"a","of":"p","kind":"return","at":"2026-03-04T10:00"}"#, false),
    ] {
        let (_, rejections) = decide(event, Format::Ndjson);
        assert_eq!(rejections.is_empty(), is_read, "{event}: {rejections}");
        assert!(
            is_read || rejections.contains("missing-field") && rejections.contains("lines[0]"),
            "{rejections}"
        );
    }
}

/// What was sold and came back is no turnover. The events themselves are counted.
#[test]
fn sums_are_net() {
    let offer = "group offers { kind order_discount displace none on_price running on purchase }\n\
        rule off in group offers { then discount 1 EUR on basket spread by paid }\n";
    let engine = engine_of(&format!("{RULES}{offer}"));
    let (mut session, mut reader) = (engine.session(), Reader::new());
    let mut summary = Summary::default();
    let all = [
        r#"{"id":"p","kind":"sale","member":"m","at":"2026-03-02T10:00","lines":[{"sku":"T","category":"Tea","note":7,"qty":3,"price":"33.33","tax_rate":10}]}"#,
        r#"{"id":"r","kind":"return","of":"p","at":"2026-03-04T10:00","lines":[{"sku":"T","qty":2}]}"#,
        r#"{"id":"s","kind":"return","of":"p","at":"2026-03-05T10:00","lines":[{"sku":"T","qty":1}]}"#,
    ];
    for (at, event) in all.iter().enumerate() {
        let mut read = ReadEvent::default();
        reader.read(engine.schema(), event.as_bytes(), &mut read).unwrap();
        let decision = session.decide_read(&mut reader, &mut read).clone();
        summary.add(engine.program(), &read, &decision);
        // 99.99 less 1.00, 9 points. Two pieces come back for 33.00 each; 0.34, 0.33 and 0.33 were off the three.
        let expected = [(9_899, 100, 9), (3_299, 33, 3), (0, 0, 0)][at];
        let total = &summary.total;
        assert_eq!((total.paid, total.discount, total.awards[0]), expected, "{event}");
        assert_eq!(total.initial, total.paid + total.discount);
    }
    assert_eq!((summary.total.tax, summary.total.total, summary.total.events), (0, 0, 3));
    assert!(
        summary.rules.iter().all(|given| given.discount == 0 && given.awards.iter().all(|sum| *sum == 0))
    );
}

/// What is kept of a purchase is itself again after it was stored somewhere.
#[test]
fn an_origin_can_be_stored() {
    let engine = engine();
    let mut session = engine.session();
    for event in EVENTS.lines().take(3) {
        session.decide_json(event.as_bytes()).unwrap();
    }
    let origin = session.state().unwrap().origin("p").unwrap();
    let stored = serde_json::to_vec(&*origin).unwrap();
    assert_eq!(serde_json::from_slice::<Origin>(&stored).unwrap(), *origin);
    let stored: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    assert!(stored["record"]["names"].to_string().contains("Käse"));
    let skus: Vec<&serde_json::Value> =
        stored["lines"].as_array().unwrap().iter().map(|line| &line["sku"]).collect();
    assert_eq!(skus, ["T", "K"]);
    assert_eq!(origin.lines.iter().map(|line| line.returned).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(session.state().unwrap().origin("x"), None);
}

proptest! {
    #[test]
    fn parts_add_up(amount in -1_000_000i64..1_000_000, pieces in 1i64..50, splits in proptest::collection::vec(1i64..10, 0..20)) {
        let (mut back, mut sum) = (0i64, 0i64);
        for split in splits.into_iter().chain([50]) {
            let next = (back + split).min(pieces);
            let share = part(amount, pieces, next) - part(amount, pieces, back);
            let each = (next - back) * amount.div_euclid(pieces);
            prop_assert!(share >= each && share <= each + (next - back));
            sum += share;
            back = next;
        }
        prop_assert_eq!(sum, amount);
    }
}

/// Ten thousand lines of one sku, each piece brought back by a line of its own: nothing is looked through again and again.
#[test]
fn long_receipts_come_back() {
    let engine = engine();
    let mut session = engine.session();
    let count = 10_000;
    let lines = |line: &str| vec![line; count].join(",");
    let sold = lines(r#"{"sku":"A","note":1,"qty":2,"price":1}"#);
    let sold = format!(r#"{{"id":"p","kind":"sale","member":"m","at":"2026-03-02T10:00","lines":[{sold}]}}"#);
    session.decide_json(sold.as_bytes()).unwrap();
    let back = lines(r#"{"sku":"A","qty":1}"#);
    for (id, whole) in [("r", false), ("s", true)] {
        let back =
            format!(r#"{{"id":"{id}","kind":"return","of":"p","at":"2026-03-03T10:00","lines":[{back}]}}"#);
        let decision = session.decide_json(back.as_bytes()).unwrap();
        let returned = decision.returned.unwrap();
        assert_eq!((returned.refund.as_str(), returned.whole), ("10000.00", whole));
        assert_eq!(returned.lines.len(), count);
    }
}
