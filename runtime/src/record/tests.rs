//! Every field with every kind of damage, and records that are read right.

use super::*;
use crate::testing::{self, event_slot_of, line_slot_of};
use perq_compiler::ir::{MISSING, Program, event_slot, line_slot, payment_slot};
use proptest::prelude::*;
use std::collections::BTreeSet;

struct Shop {
    program: Program,
    schema: Schema,
}

fn shop_with(options: ReadOptions) -> Shop {
    let program = testing::verified().into_program();
    let schema = Schema::new(&program, &testing::catalogue(), options).unwrap();
    Shop { program, schema }
}

fn shop() -> Shop {
    shop_with(ReadOptions::default())
}

impl Shop {
    fn read(&self, json: &str) -> ReadEvent {
        self.try_read(json).unwrap_or_else(|error| panic!("{error}\n{json}"))
    }
    fn try_read(&self, json: &str) -> Result<ReadEvent, Box<RecordError>> {
        let mut event = ReadEvent::default();
        Reader::new().read(&self.schema, json.as_bytes(), &mut event).map(|()| event)
    }
    fn event(&self, event: &ReadEvent, name: &str) -> i64 {
        event.record.event[event_slot_of(&self.program, name)]
    }
    fn line(&self, event: &ReadEvent, row: usize, name: &str) -> i64 {
        event.record.lines[row * event.record.line_width + line_slot_of(&self.program, name)]
    }
    fn symbol(&self, kind: perq_compiler::ir::KindId, name: &str) -> i64 {
        self.schema.tables.dictionaries[kind.index()].number(name).map_or(MISSING, i64::from)
    }
}

const SALE: &str = r#"{"id":"536365","kind":"sale","member":"m1","at":"2010-12-01T08:26:00","currency":"GBP","country":"United Kingdom","lines":[{"n":1,"sku":"T1","qty":6,"price":"2.55"},{"n":2,"sku":"C1","pieces":"2","price":3.394,"desc":"x"},{"sku":"X9","qty":-1,"price":"0.005"}],"payments":[{"amount":"10.00","bank":"London"},{}]}"#;

#[test]
fn reads_a_sale() {
    let shop = shop();
    let event = shop.read(SALE);
    assert_eq!((event.id(), event.member(), event.line_count()), ("536365", Some("m1"), 3));
    assert_eq!((event.sku(0), event.sku(2), event.sku(3)), ("T1", "X9", ""));
    assert_eq!(event.record.kind.0, 0);
    assert_eq!(event.record.event[event_slot::AT.index()], 1_291_191_960);
    assert_eq!(event.record.event[event_slot::DATE.index()], 14_944);
    assert_eq!(event.record.event[event_slot::TIME.index()], 30_360);
    assert_eq!(event.record.event[event_slot::WEEKDAY.index()], 2);
    assert_eq!(event.record.event[event_slot::MONTH_DAY.index()], 1);
    assert_eq!(event.record.event[event_slot::MEMBER_KNOWN.index()], 1);
    // 15.30 + 6.79 (6.788) - 0.01 (-0.005, a half away from zero)
    assert_eq!(event.record.event[event_slot::BASKET_INITIAL.index()], 1530 + 679 - 1);
    assert_eq!(event.record.event[event_slot::BASKET_PAID.index()], 1530 + 679 - 1);
    let width = event.record.line_width;
    assert_eq!(&event.record.lines[..6], [1, 6, 25_500, 1530, 1530, MISSING]);
    assert_eq!(&event.record.lines[width..width + 6], [2, 2, 33_940, 679, 679, MISSING]);
    assert_eq!(&event.record.lines[2 * width..2 * width + 6], [3, -1, 50, -1, -1, MISSING]);
    assert_eq!(shop.line(&event, 0, "line.sku"), shop.symbol(testing::SKU, "T1"));
    assert_eq!(shop.line(&event, 0, "line.category"), shop.symbol(testing::CATEGORY, "Green tea"));
    assert_eq!(shop.line(&event, 0, "line.kind"), 0);
    assert_eq!(shop.line(&event, 0, "line.product.own_brand"), 1);
    assert_eq!(shop.line(&event, 0, "line.product.cost"), 80);
    assert_eq!(shop.line(&event, 2, "line.product.cost"), MISSING);
    assert_eq!(shop.line(&event, 2, "line.product.own_brand"), 0);
    assert_eq!(shop.event(&event, "member.tier"), 2);
    assert_eq!(shop.event(&event, "member.card.active"), 1);
    assert_eq!(shop.event(&event, "member.balance"), 250);
    assert_eq!(shop.event(&event, "event.store"), MISSING);
    assert_eq!(event.record.payments.len(), 2 * event.record.payment_width);
    assert_eq!(event.record.payments[payment_slot::AMOUNT.index()], 1000);
    assert_eq!(event.record.payments[2 + payment_slot::AMOUNT.index()], MISSING);
    let range = crate::catalogue::bind::set_range(shop.event(&event, "member.segments"));
    let segments: Vec<u32> = event.record.symbols[range].to_vec();
    let number = |name| shop.symbol(testing::SEGMENT, name) as u32;
    assert_eq!(segments, [number("New"), number("VIP")]);
}

#[test]
fn order_of_fields_and_buffers_do_not_matter() {
    let shop = shop();
    let turned = r#"{ "payments" : [ {"bank":"London","amount":"10.00"} , { } ] , "lines":[{"price":"2.55","qty":6,"sku":"T1"},{"price":3.394,"pieces":2,"sku":"C1"},{"price":"0.0050","qty":-1.0,"sku":"X9"}],"at":"2010-12-01T08:26Z","member":{"id":"m1"},"kind":"purchase","id":"\u0035\u00336365"}"#;
    let mut expected = shop.read(SALE);
    let mut reader = Reader::new();
    let mut event = ReadEvent::default();
    for _ in 0..3 {
        reader.read(&shop.schema, turned.as_bytes(), &mut event).unwrap();
        assert_eq!(event.record, expected.record);
        assert_eq!((event.id(), event.member(), event.sku(1)), ("536365", Some("m1"), "C1"));
        assert!(reader.read(&shop.schema, b"{\"lines\":[{\"sku\":\"odd\"", &mut event).is_err());
        reader.read(&shop.schema, SALE.as_bytes(), &mut expected).unwrap();
    }
}

#[test]
fn members_inline_win_over_the_table() {
    let shop = shop();
    let read = |member: &str| {
        shop.read(&format!(r#"{{"id":"1","kind":"sale","at":"2026-01-01T00:00","member":{member}}}"#))
    };
    let event = read(r#"{"id":"m1","tier":"silver","segments":["New","b","a","b"],"card":{"active":null}}"#);
    assert_eq!(shop.event(&event, "member.tier"), 1);
    assert_eq!(shop.event(&event, "member.card.active"), 1);
    let known = shop.schema.tables.dictionaries[testing::SEGMENT.index()].len() as u32;
    let range = crate::catalogue::bind::set_range(shop.event(&event, "member.segments"));
    assert_eq!(event.record.symbols[range], [shop.symbol(testing::SEGMENT, "New") as u32, known, known + 1]);
    // Known only from a segment.
    let event = read(r#""m3""#);
    assert_eq!(shop.event(&event, "member.tier"), MISSING);
    assert_eq!(crate::catalogue::bind::set_range(shop.event(&event, "member.segments")).len(), 1);
    // In the table, in no segment: an empty set. Not in the table: missing.
    assert_eq!(shop.event(&read(r#""m2""#), "member.segments"), 0);
    assert_eq!(shop.event(&read(r#""nobody""#), "member.segments"), MISSING);
    let event = read("null");
    assert_eq!(event.member(), None);
    assert_eq!(event.record.event[event_slot::MEMBER_KNOWN.index()], 0);
}

fn line(text: &str) -> String {
    format!(r#"{{"id":"1","kind":"sale","at":"2026-01-01T00:00","lines":[{{{text}}}]}}"#)
}

fn event(text: &str) -> String {
    format!(r#"{{"id":"1","kind":"sale","at":"2026-01-01T00:00",{text}}}"#)
}

#[test]
fn amounts_of_lines() {
    let shop = shop();
    let amounts = |text: &str| {
        let event = shop.read(&line(text));
        let slots = &event.record.lines;
        (slots[line_slot::PIECES.index()], slots[line_slot::PRICE.index()], slots[line_slot::INITIAL.index()])
    };
    assert_eq!(amounts(r#""sku":"a","qty":3,"price":"0.335""#), (3, 3_350, 101));
    assert_eq!(amounts(r#""sku":"a","qty":3,"price":"0.335","amount":"1.00""#), (3, 3_350, 100));
    assert_eq!(amounts(r#""sku":"a","qty":3,"amount":"1.00""#), (3, 3_333, 100));
    assert_eq!(amounts(r#""sku":"a","qty":0"#), (0, 0, 0));
    assert_eq!(amounts(r#""sku":"a","qty":0,"amount":5,"price":null"#), (0, 0, 500));
    assert_eq!(amounts(r#""sku":"a","weight":"0.532","price":"12.99""#), (1, 69_100, 691));
    assert_eq!(amounts(r#""sku":"a","weight":0.532,"qty":1,"amount":"6.90""#), (1, 69_000, 690));
    let weighed = shop.read(&line(r#""sku":"a","weight":"0.532","price":"12.99""#));
    assert_eq!(shop.line(&weighed, 0, "line.weight"), 532);
}

#[test]
fn equal_strangers_have_equal_numbers() {
    let shop = shop();
    let text = event(
        r#""store":"Q","lines":[{"sku":"zz","qty":1,"price":1,"category":"Q"},{"sku":"yy","qty":1,"price":1},{"sku":"\u007a\u007a","qty":1,"price":1,"category":"R"}]"#,
    );
    let event = shop.read(&text);
    let known = shop.schema.tables.dictionaries[testing::SKU.index()].len() as i64;
    let skus: Vec<i64> = (0..3).map(|row| shop.line(&event, row, "line.sku")).collect();
    assert_eq!(skus, [known, known + 1, known]);
    let categories = shop.schema.tables.dictionaries[testing::CATEGORY.index()].len() as i64;
    assert_eq!(shop.line(&event, 0, "line.category"), categories);
    assert_eq!(shop.line(&event, 2, "line.category"), categories + 1);
    assert!(!shop.schema.bindings().references[0].contains(categories));
}

#[test]
fn references_match_names_and_descendants() {
    let shop = shop();
    let matched = |reference: usize, kind: perq_compiler::ir::KindId| -> Vec<&str> {
        let dictionary = &shop.schema.tables.dictionaries[kind.index()];
        let bits = &shop.schema.bindings().references[reference];
        (0..dictionary.len() as u32)
            .filter(|&n| bits.contains(i64::from(n)))
            .filter_map(|n| dictionary.name(n))
            .collect()
    };
    assert_eq!(matched(0, testing::CATEGORY), ["Green tea", "Tea"]);
    assert_eq!(matched(1, testing::CATEGORY), ["Coffee", "Drinks", "Green tea", "Tea"]);
    assert_eq!(matched(2, testing::SKU), ["C1", "X9"]);
    assert_eq!(matched(3, testing::STORE), ["London"]);
    assert_eq!(shop.schema.unknown_names(), []);
}

#[test]
fn every_damage_is_named_with_its_field() {
    let shop = shop();
    let lines = |count: usize| {
        let line = r#"{"sku":"a","qty":1,"price":1}"#;
        event(&format!(r#""lines":[{}]"#, vec![line; count].join(",")))
    };
    let long = "x".repeat(65_537);
    let cases: Vec<(&str, &str, String)> = vec![
        ("malformed-json", "", "{".into()),
        ("malformed-json", "", "".into()),
        ("malformed-json", "", "{\"id\":\"1\"}}".into()),
        ("malformed-json", "lines[0].qty", line(r#""sku":"a","qty":01"#)),
        ("malformed-json", "lines[0].price", line(r#""sku":"a","qty":1,"price":+1"#)),
        ("malformed-json", "store", event(r#""store":nul"#)),
        ("lone-surrogate", "store", event(r#""store":"\ud800""#)),
        ("lone-surrogate", "whatever", event(r#""whatever":"\udc00""#)),
        ("control-character", "id", r#"{"id":"a\u0000b"}"#.into()),
        ("malformed-json", "id", "{\"id\":\"a\0b\"}".into()),
        ("too-deep", "x", event(&format!(r#""x":{}{}"#, "[".repeat(64), "]".repeat(64)))),
        ("too-deep", "x", event(&format!(r#""x":{}"#, "{\"a\":".repeat(100_000)))),
        ("record-too-long", "", " ".repeat((1 << 20) + 1)),
        ("text-too-long", "store", event(&format!(r#""store":"{long}""#))),
        ("text-too-long", "note", event(&format!(r#""note":"\n{long}""#))),
        ("list-too-long", "lines", lines(10_001)),
        (
            "list-too-long",
            "member.segments",
            event(&format!(r#""member":{{"id":"m","segments":[{}]}}"#, vec!["\"a\""; 10_001].join(","))),
        ),
        ("duplicate-field", "kind", event(r#""kind":"sale""#)),
        ("duplicate-field", "x", event(r#""x":1,"\u0078":2"#)),
        ("duplicate-field", "lines[0].pieces", line(r#""sku":"a","qty":1,"pieces":1,"price":1"#)),
        ("duplicate-field", "lines[0].sku", line(r#""sku":"a","qty":1,"sku":"a","price":1"#)),
        ("missing-field", "id", r#"{"kind":"sale","at":"2026-01-01T00:00"}"#.into()),
        ("missing-field", "id", r#"{"id":null,"kind":"sale","at":"2026-01-01T00:00"}"#.into()),
        ("missing-field", "id", r#"{"id":"","kind":"sale","at":"2026-01-01T00:00"}"#.into()),
        ("missing-field", "kind", r#"{"id":"1","at":"2026-01-01T00:00"}"#.into()),
        ("missing-field", "at", r#"{"id":"1","kind":"sale"}"#.into()),
        ("missing-field", "member.id", event(r#""member":{"tier":"gold"}"#)),
        ("missing-field", "member", event(r#""member":"""#)),
        ("missing-field", "lines[0].sku", line(r#""qty":1,"price":1"#)),
        ("missing-field", "lines[0].sku", line(r#""sku":"","qty":1,"price":1"#)),
        ("missing-field", "lines[0].qty", line(r#""sku":"a","price":1"#)),
        ("missing-field", "lines[0].price", line(r#""sku":"a","qty":1"#)),
        ("missing-field", "lines[0].price", line(r#""sku":"a","weight":1"#)),
        ("pieces-of-weighed-line", "lines[0].qty", line(r#""sku":"a","weight":1,"qty":2,"price":1"#)),
        ("wrong-type", "", "[]".into()),
        ("wrong-type", "", "\"x\"".into()),
        ("wrong-type", "id", r#"{"id":17}"#.into()),
        ("wrong-type", "kind", r#"{"kind":true}"#.into()),
        ("wrong-type", "at", r#"{"at":1234567890}"#.into()),
        ("wrong-type", "currency", event(r#""currency":{}"#)),
        ("wrong-type", "member", event(r#""member":17"#)),
        ("wrong-type", "lines", event(r#""lines":{}"#)),
        ("wrong-type", "lines[0]", event(r#""lines":["a"]"#)),
        ("wrong-type", "lines[0].qty", line(r#""sku":"a","qty":[1]"#)),
        ("wrong-type", "lines[0].price", line(r#""sku":"a","qty":1,"price":true"#)),
        ("wrong-type", "store", event(r#""store":7"#)),
        ("wrong-type", "store", event(r#""store":["a"]"#)),
        ("wrong-type", "delivered", event(r#""delivered":20260101"#)),
        ("wrong-type", "member.card", event(r#""member":{"id":"m","card":"yes"}"#)),
        ("wrong-type", "member.card.active", event(r#""member":{"id":"m","card":{"active":"true"}}"#)),
        ("wrong-type", "member.segments", event(r#""member":{"id":"m","segments":"New"}"#)),
        ("wrong-type", "member.segments[1]", event(r#""member":{"id":"m","segments":["New",1]}"#)),
        ("wrong-type", "payments[1]", event(r#""payments":[{},1]"#)),
        ("malformed-number", "lines[0].qty", line(r#""sku":"a","qty":"six""#)),
        ("malformed-number", "lines[0].price", line(r#""sku":"a","qty":1,"price":"1,50""#)),
        ("malformed-number", "lines[0].price", line(r#""sku":"a","qty":1,"price":"""#)),
        ("exponent", "lines[0].price", line(r#""sku":"a","qty":1,"price":1e2"#)),
        ("exponent", "lines[0].price", line(r#""sku":"a","qty":1,"price":"1.5E+2""#)),
        ("exponent", "lines[0].weight", line(r#""sku":"a","weight":1e-3,"price":1"#)),
        ("too-many-decimals", "lines[0].price", line(r#""sku":"a","qty":1,"price":"1.23456""#)),
        ("too-many-decimals", "lines[0].qty", line(r#""sku":"a","qty":1.5,"price":1"#)),
        ("too-many-decimals", "lines[0].amount", line(r#""sku":"a","qty":1,"amount":1.005"#)),
        (
            "too-many-decimals",
            "lines[0].tax_rate",
            line(r#""sku":"a","qty":1,"price":1,"tax_rate":"7.00001""#),
        ),
        ("too-many-decimals", "lines[0].weight", line(r#""sku":"a","weight":"0.1234567891","price":1"#)),
        ("too-many-decimals", "member.balance", event(r#""member":{"id":"m","balance":1.5}"#)),
        ("out-of-range", "lines[0].price", line(r#""sku":"a","qty":1,"price":"922337203685477.5808""#)),
        ("out-of-range", "lines[0].qty", line(r#""sku":"a","qty":-9223372036854775808,"price":1"#)),
        (
            "out-of-range",
            "lines[0]",
            line(r#""sku":"a","qty":9223372036854775807,"price":"922337203685477.5807""#),
        ),
        (
            "out-of-range",
            "lines",
            event(
                r#""lines":[{"sku":"a","qty":1,"price":1,"amount":"92233720368547758.07"},{"sku":"a","qty":1,"price":1}]"#,
            ),
        ),
        ("malformed-date", "delivered", event(r#""delivered":"2026-02-29""#)),
        ("malformed-time", "slot", event(r#""slot":"9:00""#)),
        ("malformed-instant", "paid_at", event(r#""paid_at":"2026-02-28""#)),
        ("malformed-instant", "at", r#"{"at":"yesterday"}"#.into()),
        ("unknown-value", "member.tier", event(r#""member":{"id":"m","tier":"Gold"}"#)),
        ("unknown-value", "lines[0].kind", line(r#""sku":"a","kind":"voucher""#)),
        ("unknown-event-kind", "kind", r#"{"id":"1","kind":"bad_debt"}"#.into()),
        ("other-currency", "currency", event(r#""currency":"EUR""#)),
    ];
    let mut seen = BTreeSet::new();
    for (name, field, json) in &cases {
        let short: String = json.chars().take(200).collect();
        let error = shop.try_read(json).map(|_| panic!("accepted: {short}")).unwrap_err();
        assert_eq!((error.name(), error.field.as_str()), (*name, *field), "{error}\n{short}");
        assert!(error.offset <= json.len() as u64);
        assert!(error.value.as_ref().is_none_or(|value| value.chars().count() <= 65));
        assert!(!error.message.ends_with('.'));
        seen.insert(*name);
    }
    let mut event = ReadEvent::default();
    let error = Reader::new().read(&shop.schema, b"{\"id\":\"\xff\"}", &mut event).unwrap_err();
    assert_eq!((error.name(), error.offset), ("invalid-utf8", 7));
    seen.extend(["invalid-utf8", "unknown-field", "conflicting-rows", "malformed-row"]);
    assert_eq!(seen, RecordErrorKind::ALL.iter().map(|kind| kind.name()).collect());
}

#[test]
fn the_id_is_named_once_it_is_read() {
    let error = shop().try_read(&line(r#""sku":"a","qty":1,"price":"1.23456""#)).unwrap_err();
    assert_eq!(error.id.as_deref(), Some("1"));
    assert_eq!(error.value.as_deref(), Some("1.23456"));
    assert_eq!(error.offset, 84);
}

#[test]
fn what_is_wrong_with_an_earlier_line_is_told() {
    let shop = shop();
    let lines = |first: &str, second: &str| event(&format!(r#""lines":[{{{first}}},{second}"#));
    let whole = r#""sku":"a","qty":1,"price":1"#;
    for second in [r#"{"sku":"b","qty":1e2}]"#, "7]", r#"{"sku":"b" "qty""#, r#"{"qty":1}]"#] {
        let error = shop.try_read(&lines(r#""sku":"a","price":1"#, second)).unwrap_err();
        assert_eq!((error.name(), error.field.as_str()), ("missing-field", "lines[0].qty"), "{second}");
        let error = shop.try_read(&lines(whole, second)).unwrap_err();
        assert!(error.field.is_empty() || error.field.starts_with("lines[1]"), "{second}: {error}");
    }
    // Also where there are more lines than are worked out at once.
    let many = |bad: usize| {
        let line = |row: usize| format!("{{{}}}", if row == bad { r#""sku":"a","qty":1"# } else { whole });
        event(&format!(r#""lines":[{}]"#, (0..300).map(line).collect::<Vec<_>>().join(",")))
    };
    for bad in [0, 63, 64, 65, 128, 299] {
        let error = shop.try_read(&many(bad)).unwrap_err();
        assert_eq!((error.name(), error.field), ("missing-field", format!("lines[{bad}].price")));
    }
    assert_eq!(shop.read(&many(300)).line_count(), 300);
}

#[test]
fn unknown_fields_by_policy() {
    let strict = shop_with(ReadOptions { unknown_fields: UnknownFields::Refuse, ..ReadOptions::default() });
    let error = strict.try_read(&line(r#""sku":"a","qty":1,"prize":"1.23""#)).unwrap_err();
    assert_eq!((error.name(), error.field.as_str()), ("unknown-field", "lines[0].prize"));
    assert!(error.message.contains("`price` is near"), "{}", error.message);
    assert!(strict.try_read(&line(r#""sku":"a","qty":1,"price":"1.23""#)).is_ok());
}

#[test]
fn limits_have_edges() {
    let limits = RecordLimits { record: 300, text: 8, list: 2 };
    let shop = shop_with(ReadOptions { limits, ..ReadOptions::default() });
    let lines =
        |count| event(&format!(r#""lines":[{}]"#, vec![r#"{"sku":"a","qty":1,"price":1}"#; count].join(",")));
    assert!(shop.try_read(&lines(2)).is_err(), "the instant is longer than 8 bytes");
    let limits = RecordLimits { record: 300, text: 16, list: 2 };
    let shop = shop_with(ReadOptions { limits, ..ReadOptions::default() });
    assert!(shop.try_read(&lines(2)).is_ok());
    assert_eq!(shop.try_read(&lines(3)).unwrap_err().name(), "list-too-long");
    let sku = |length| line(&format!(r#""sku":"{}","qty":1,"price":1"#, "x".repeat(length)));
    assert!(shop.try_read(&sku(16)).is_ok());
    assert_eq!(shop.try_read(&sku(17)).unwrap_err().name(), "text-too-long");
    let padded = |length: usize| {
        let json = sku(1);
        format!("{json}{}", " ".repeat(length - json.len()))
    };
    assert!(shop.try_read(&padded(300)).is_ok());
    assert_eq!(shop.try_read(&padded(301)).unwrap_err().name(), "record-too-long");
}

#[test]
fn many_strange_and_repeated_names_take_linear_time() {
    let shop = shop();
    let started = std::time::Instant::now();
    let keys: Vec<String> = (0..100_000).map(|n| format!("\"{n:x}\":1")).collect();
    assert!(shop.try_read(&event(&keys.join(","))).is_ok());
    let lines: Vec<String> = (0..10_000).map(|n| format!(r#"{{"sku":"s{n}","qty":1,"price":1}}"#)).collect();
    assert!(shop.try_read(&event(&format!(r#""lines":[{}]"#, lines.join(",")))).is_ok());
    assert!(started.elapsed().as_secs() < 20);
}

/// All of the first fields and some of the others, in any order, as an object.
fn object(all: Vec<&'static str>, others: Vec<&'static str>) -> impl Strategy<Value = String> {
    let some = (Just(all), proptest::sample::subsequence(others, 0..=2), 0..4usize);
    let fields = some.prop_flat_map(|(all, some, space)| {
        // Mostly as records of one source are: one order, and rarely anything else.
        let fields = if space == 1 { all } else { [all, some].concat() };
        let fields = Just(fields);
        (if space == 2 { fields.prop_shuffle().boxed() } else { fields.boxed() }, Just(space))
    });
    fields.prop_map(|(fields, space)| format!("{{{}}}", fields.join(if space == 3 { ", " } else { "," })))
}

/// Records of the same fields, with values that are ordinary, and others that are not.
fn records() -> impl Strategy<Value = String> {
    let line = object(
        vec![r#""sku":"T1""#, r#""qty":2"#, r#""price":"2.55""#],
        vec![
            r#""sku":"odd""#,
            r#""\u0073ku":"C1""#,
            r#""pieces":"3""#,
            r#""price" :3.394"#,
            r#""amount":"1.00""#,
            r#""amount":"-1.00""#,
            r#""tax_rate":"7""#,
            r#""tax_rate":"1e1""#,
            r#""category":"Green tea""#,
            r#""desc":"x""#,
            r#""a_key_of_many_letters":[{}]"#,
        ],
    );
    let event = object(
        vec![r#""id":"536365""#, r#""kind":"sale""#, r#""at":"2010-12-01T08:26:00""#],
        vec![
            r#""id":"a\nb""#,
            r#""kind":"none""#,
            r#""at":"never""#,
            r#""currency":"GBP""#,
            r#""member":{"id":"m1","tier":"gold","balance":"2.50","segments":["New"]}"#,
            r#""member":{"tier":"silver","id":""}"#,
            r#""store":"London""#,
            r#""delivered":"2026-02-28""#,
        ],
    );
    (event, proptest::collection::vec(line, 0..4)).prop_map(|(event, lines)| {
        let rest = event.strip_suffix('}').expect("an object");
        format!("{rest},\"lines\":[{}]}}", lines.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_was_read_before_does_not_matter(records in proptest::collection::vec(records(), 1..8)) {
        let shop = shop();
        let (mut reader, mut event) = (Reader::new(), ReadEvent::default());
        for json in &records {
            let after = reader.read(&shop.schema, json.as_bytes(), &mut event).map(|()| event.clone());
            prop_assert_eq!(after, shop.try_read(json), "{}", json);
        }
    }

    #[test]
    fn damaged_records_never_panic(at in 0usize..480, byte in any::<u8>(), cut in 0usize..480) {
        let shop = shop();
        let mut bytes = SALE.as_bytes().to_vec();
        let length = bytes.len();
        bytes[at % length] = byte;
        let mut event = ReadEvent::default();
        let mut reader = Reader::new();
        let _ = reader.read(&shop.schema, &bytes, &mut event);
        prop_assert!(reader.read(&shop.schema, &SALE.as_bytes()[..cut % length], &mut event).is_err());
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let shop = shop();
        let _ = Reader::new().read(&shop.schema, &bytes, &mut ReadEvent::default());
    }

    #[test]
    fn prices_are_exact(price in -1_000_000_000i64..1_000_000_000, pieces in -1000i64..1000) {
        let shop = shop();
        let text = crate::decimal::print(i128::from(price), 4);
        let event = shop.read(&line(&format!(r#""sku":"a","qty":{pieces},"price":"{text}""#)));
        let exact = perq_compiler::exact::divide_rounded(
            i128::from(price) * i128::from(pieces), 100, shop.program.rounding).unwrap();
        prop_assert_eq!(i128::from(event.record.lines[line_slot::INITIAL.index()]), exact);
    }
}
