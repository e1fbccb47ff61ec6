//! Explanations: they tell of every rule what the decision says of it, and a condition that is said not to hold does
//! not hold.

use flate2::read::GzDecoder;
use perq_cli::{programme, tables};
use perq_compiler::evaluate::{Bindings, Code, Proposals};
use perq_compiler::interpret::trace::{Fact, Failure, Loop};
use perq_compiler::interpret::{Interpreter, Scratch, holds};
use perq_compiler::ir::{MISSING, RuleId, verify};
use perq_compiler::pipeline::{Compilation, Input, NoFiles, analyse, compile, lower_only};
use perq_runtime::batch::{self, Format};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::explain::{Explanation, Part, Past, RuleReport, Spot, Why, explain, replay};
use perq_runtime::pack::Pack;
use perq_runtime::record::ReadOptions;
use perq_tests::generate::Random;
use perq_tests::{root, rules};
use std::io::{BufRead, BufReader};
use std::sync::Arc;

/// What must hold of every explanation.
fn check(told: &Explanation, what: &str) {
    for rule in &told.rules {
        let effects = told.decision.effects.iter().filter(|effect| effect.rule == rule.rule);
        let gives = effects.count() > 0;
        let issues = told.decision.issued.iter().any(|issued| issued.rule.as_ref() == Some(&rule.rule));
        let sets = told.decision.set.iter().any(|set| set.rule == rule.rule);
        let says = told.decision.said.iter().any(|said| said.rule == rule.rule);
        let shown = told.decision.offers.iter().flat_map(|offers| &offers.shown);
        let shows = shown.into_iter().any(|shown| shown.rule.as_ref() == Some(&rule.rule));
        assert_eq!(rule.fired, gives || issues || sets || says || shows, "{what}: {}", rule.rule);
        assert_eq!(rule.fired, rule.why.is_none(), "{what}: {}", rule.rule);
        assert_eq!(gives, !rule.gave.is_empty(), "{what}: {}", rule.rule);
        let lost = told.decision.displaced.iter().filter(|lost| lost.rule == rule.rule).count();
        assert_eq!(rule.displaced.len(), lost, "{what}: {}", rule.rule);
        match rule.why {
            None | Some(Why::Selection | Why::Nothing) => {}
            Some(Why::Event) => assert!(!rule.hears.contains(&told.decision.kind), "{what}: {}", rule.rule),
            Some(Why::Condition) => {
                assert!(!rule.conditions.is_empty(), "{what}: {}", rule.rule);
                for condition in &rule.conditions {
                    assert!(!condition.parts.is_empty(), "{what}: {}: {condition:?}", rule.rule);
                }
            }
            Some(Why::Displaced) => assert!(!rule.displaced.is_empty(), "{what}: {}", rule.rule),
            Some(Why::Limit) => assert!(!rule.cut.is_empty(), "{what}: {}", rule.rule),
            Some(Why::Error) => assert!(rule.error.is_some(), "{what}: {}", rule.rule),
        }
        if rule.why == Some(Why::Selection) {
            // Something refused every line, or there was none.
            let empty = |selection: &perq_runtime::explain::Selection| {
                selection.rows == 0 || selection.filters.last().is_none_or(|filter| filter.passed == 0)
            };
            let refused = rule.selections.iter().any(empty);
            let unpicked = rule.picks.iter().any(|pick| pick.taken == "0");
            // A filter that no line can pass leaves no loop.
            assert!(refused || unpicked || rule.selections.is_empty(), "{what}: {rule:#?}");
        }
    }
    for line in &told.receipt {
        let left = line.steps.last().map_or(&line.initial, |step| &step.left);
        assert_eq!(left, &line.paid, "{what}: line {}", line.line);
    }
}

fn no_text(_: &str, _: &perq_compiler::ir::SourcePlace) -> Option<String> {
    None
}

#[test]
fn events_of_the_year_are_explained() {
    let programme = programme::find_one(&root().join("rules-examples/online-retail"))
        .unwrap_or_else(|failure| panic!("{failure:?}"));
    let catalogue =
        tables::catalogue(&programme.config.catalogue).unwrap_or_else(|failure| panic!("{failure:?}"));
    let compilation = programme.compile().unwrap_or_else(|failure| panic!("{failure:?}"));
    let pack = Pack::of(compilation.program.expect("the example compiles"));
    let engine = tables::engine(pack, &catalogue, None, ReadOptions::default(), &[])
        .unwrap_or_else(|failure| panic!("{failure:?}"));
    let path = programme.config.events.files.0.first().expect("the example has events");
    let file = tables::open(path).unwrap_or_else(|failure| panic!("{failure:?}"));
    // Every hundredth: the seasons of the year, members and strangers, small baskets and large.
    let lines = BufReader::new(GzDecoder::new(file)).lines().step_by(100);
    let mut whys = std::collections::BTreeMap::<String, u64>::new();
    let mut count = 0;
    for line in lines {
        let line = line.unwrap_or_else(|error| panic!("{error}"));
        let told = explain(&mut engine.session(), line.as_bytes(), &no_text)
            .unwrap_or_else(|error| panic!("{error:?}"));
        check(&told, &told.decision.id);
        for rule in &told.rules {
            *whys.entry(format!("{:?}", rule.why)).or_default() += 1;
        }
        count += 1;
    }
    assert_eq!(count, 259);
    for why in
        ["None", "Some(Event)", "Some(Condition)", "Some(Selection)", "Some(Nothing)", "Some(Displaced)"]
    {
        assert!(whys.get(why).is_some_and(|count| *count > 20), "{why}: {whys:?}");
    }
}

/// A receipt for the random programmes.
fn receipt(random: &mut Random) -> String {
    let mut text = format!(
        "{{\"id\":\"1\",\"kind\":\"purchase\",\"at\":\"2026-{:02}-{:02}T{:02}:30:00\"",
        1 + random.below(12),
        1 + random.below(28),
        random.below(24)
    );
    if random.chance(70) {
        let tier = random.pick(&["", ",\"tier\":\"base\"", ",\"tier\":\"gold\""]);
        text += &format!(",\"member\":{{\"id\":\"m\",\"spend\":\"{}\"{tier}}}", random.below(300));
    }
    if random.chance(60) {
        text += &format!(",\"store\":\"S{}\"", random.below(4));
    }
    let lines: Vec<String> = (0..random.below(6))
        .map(|line| {
            let category = match random.below(6) {
                5 => String::new(),
                n => format!(",\"category\":\"C{n}\",\"brand\":\"B{n}\""),
            };
            let price = random.below(4_000);
            let (whole, cents) = (price / 100, price % 100);
            let pieces = 1 + random.below(6);
            format!("{{\"sku\":\"A{line}\",\"qty\":{pieces},\"price\":\"{whole}.{cents:02}\"{category}}}")
        })
        .collect();
    let payments = random.pick(&[
        "",
        ",\"payments\":[{\"type\":\"cash\"}]",
        ",\"payments\":[{\"type\":\"debit_card\"}]",
    ]);
    format!("{text},\"lines\":[{}]{payments}}}", lines.join(","))
}

fn compiled(text: &str) -> Compilation {
    compile(&[Input { path: "random.rule".to_owned(), text: text.to_owned() }], &NoFiles)
}

fn told(compilation: &mut Compilation, json: &str) -> Option<Explanation> {
    let pack = Pack::of(compilation.program.take()?);
    let engine = Engine::builder(pack).kind(EngineKind::Interpreter).build().ok()?;
    let sources = &compilation.sources;
    let quote = |file: &str, place: &perq_compiler::ir::SourcePlace| {
        sources.iter().find(|source| source.path == file)?.quote(place).map(str::to_owned)
    };
    Some(
        explain(&mut engine.session(), json.as_bytes(), &quote)
            .unwrap_or_else(|error| panic!("{error:?}\n{json}")),
    )
}

/// Puts a condition's opposite in its place; nothing where it is no expression of the rule itself.
fn negated(text: &str, spot: &Spot) -> Option<String> {
    let said = spot.text.as_deref()?;
    if said.starts_with("valid") || said.starts_with("schedule") {
        return None;
    }
    let line = text.lines().nth(usize::try_from(spot.line).ok()?.checked_sub(1)?)?;
    let start = usize::try_from(spot.column).ok()?.checked_sub(1)?;
    if line.get(start..start + said.len())? != said {
        return None;
    }
    let other = format!("{}(not ({said})){}", &line[..start], &line[start + said.len()..]);
    let lines = text.lines().zip(1u32..);
    let all: Vec<&str> = lines.map(|(own, number)| if number == spot.line { &other } else { own }).collect();
    Some(all.join("\n") + "\n")
}

#[test]
fn a_condition_that_fails_does_not_when_it_is_turned_round() {
    let (mut turned, mut explained) = (0, 0);
    for seed in 0..40 {
        let text = rules::programme(seed);
        let mut random = Random::new(seed);
        for _ in 0..4 {
            let json = receipt(&mut random);
            let mut compilation = compiled(&text);
            assert!(!compilation.has_errors(), "seed {seed}");
            let Some(explanation) = told(&mut compilation, &json) else { panic!("seed {seed}: {json}") };
            check(&explanation, &format!("seed {seed}: {json}\n{text}"));
            explained += 1;
            let failing = |rule: &&RuleReport| rule.why == Some(Why::Condition);
            for rule in explanation.rules.iter().filter(failing) {
                for condition in &rule.conditions {
                    // Of what is not there neither a condition nor its opposite holds.
                    let missing = |part: &Part| part.says.ends_with("not given");
                    if condition.parts.iter().any(missing) {
                        continue;
                    }
                    let Some(other) = negated(&text, &condition.place) else { continue };
                    let mut compilation = compiled(&other);
                    // What the condition taught the checker, others may need.
                    let Some(again) = told(&mut compilation, &json) else { continue };
                    let same = again.rules.iter().find(|other| other.rule == rule.rule);
                    let same = same.expect("the rule is still there");
                    let line = condition.place.line;
                    let still = same.conditions.iter().any(|c| {
                        c.place.line == line
                            && c.place.text.as_deref().is_some_and(|text| text.contains("not ("))
                    });
                    assert!(
                        !still,
                        "seed {seed}: {} fails both ways\n{json}\n{:#?}\n{:#?}",
                        rule.rule, rule.conditions, same.conditions
                    );
                    turned += 1;
                }
            }
        }
    }
    assert_eq!(explained, 160);
    assert!(turned > 60, "only {turned} conditions were turned round");
}

/// Whether what is said of a condition is false in itself, alternatives and rows included.
fn is_false(failure: &Failure, bindings: &Bindings) -> bool {
    let within = |symbol: i64, reference: perq_compiler::ir::ReferenceId| {
        bindings.references.get(reference.index()).is_some_and(|bits| bits.contains(symbol))
    };
    match &failure.fact {
        Fact::Compare { needed, value, bound, .. } => !holds(*needed, value.cmp(bound)),
        Fact::Range { value, low, high, .. } => (low..=high).contains(&value) != failure.wanted,
        Fact::OneOf { value, choices, .. } => choices.contains(value) != failure.wanted,
        Fact::Reference(symbol, reference) => {
            *symbol == MISSING || within(*symbol, *reference) != failure.wanted
        }
        Fact::References(symbols, reference) => {
            symbols.iter().any(|symbol| within(i64::from(*symbol), *reference)) != failure.wanted
        }
        Fact::Contains(symbols, symbol) => {
            symbols.iter().any(|own| i64::from(*own) == *symbol) != failure.wanted
        }
        Fact::Either(failures) => failures.iter().all(|failure| is_false(failure, bindings)),
        Fact::Rows(rows) => rows_are_false(rows, bindings),
        Fact::Known | Fact::Missing | Fact::Truth | Fact::Plain => true,
    }
}

fn rows_are_false(rows: &Loop, bindings: &Bindings) -> bool {
    let mut passed = rows.rows;
    let falling = rows.filters.iter().all(|filter| {
        let falls = filter.passed <= passed;
        passed = filter.passed;
        falls
    });
    falling && rows.refused.iter().all(|(_, failure)| is_false(failure, bindings))
}

#[test]
fn watching_changes_nothing_and_tells_what_is_false() {
    let (mut ended, mut refused, mut plain) = (0, 0, 0);
    for seed in 0..60 {
        let input = Input { path: "random.rule".to_owned(), text: rules::programme(seed) };
        let Some(lowered) = lower_only(&analyse(&[input], &NoFiles)) else { panic!("seed {seed}") };
        for program in [lowered.clone(), perq_compiler::ir::optimise(lowered)] {
            let program = Arc::new(verify(program).unwrap_or_else(|errors| panic!("{errors:?}")));
            let interpreter = Interpreter::new(Arc::clone(&program));
            let mut random = Random::new(seed);
            for _ in 0..10 {
                let record = rules::ordinary(&mut random, &program);
                for (rule, id) in program.rules.iter().zip(0u32..) {
                    let (mut fuel, mut scratch, mut out) =
                        (record.fuel, Scratch::default(), Proposals::default());
                    let result = interpreter.run(
                        rule.function,
                        record.view(),
                        &record.bindings,
                        &mut fuel,
                        &mut scratch,
                        &mut out,
                    );
                    let (mut fuel_again, mut again) = (record.fuel, Proposals::default());
                    let (same, trace) = interpreter.watch(
                        RuleId(id),
                        record.view(),
                        &record.bindings,
                        &mut fuel_again,
                        &mut scratch,
                        &mut again,
                    );
                    assert_eq!((&same, fuel_again, &again), (&result, fuel, &out), "seed {seed}, rule {id}");
                    assert_eq!(trace.proposals, out.list.len());
                    if let Some((_, failures)) = &trace.ended {
                        assert!(out.list.is_empty() && !failures.is_empty(), "seed {seed}, rule {id}");
                        assert!(failures.iter().all(|f| is_false(f, &record.bindings)), "{failures:?}");
                        ended += 1;
                        plain += usize::from(failures.iter().any(|failure| failure.fact == Fact::Plain));
                    }
                    for rows in &trace.loops {
                        assert!(rows_are_false(rows, &record.bindings), "seed {seed}, rule {id}: {rows:#?}");
                        refused += rows.refused.len();
                    }
                }
            }
        }
    }
    assert!(ended > 1_000 && refused > 1_000, "{ended} rules ended, {refused} rows refused");
    assert!(plain * 20 < ended, "nothing is known of {plain} of {ended}");
}

/// The parts of a rule's conditions.
fn parts<'e>(told: &'e Explanation, rule: &str) -> Vec<&'e Part> {
    let report = told.rules.iter().find(|report| report.rule == rule).unwrap_or_else(|| panic!("{rule}"));
    report.conditions.iter().flat_map(|condition| &condition.parts).collect()
}

#[test]
fn limits_faults_and_other_events_are_told() {
    let text = "language 1\nprogram shop { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
        account club { unit points decimals 0 round down per basket worth 100 points = 1 EUR }\n\
        group prices { kind line_discount displace none on_price original on purchase\n\
        rule all { limit 2 EUR per transaction else cut then discount 50% on lines where line.price > 0 EUR }\n\
        rule most { limit 1 EUR per transaction else skip then discount 40% on lines where line.price > 0 EUR } }\n\
        group g { kind earn displace none\n\
        rule back { on return then award 1 points }\n\
        rule broken { on purchase then award (1 EUR / count(lines where line.price > 100 EUR)) as points }\n\
        rule nothing { on purchase then award 1% of basket.paid as points } }\n";
    let mut compilation = compiled(text);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
    assert!(!compilation.has_errors(), "{said:#?}");
    let json = r#"{"id":"1","kind":"purchase","at":"2026-11-22T10:15:00","lines":[{"sku":"A","qty":1,"price":"2.50"},{"sku":"B","qty":1,"price":"3.50"}]}"#;
    let told = told(&mut compilation, json).expect("the event is explained");
    check(&told, json);
    let of = |name: &str| told.rules.iter().find(|rule| rule.rule == name).expect("the rule is told of");
    // Half of 6.00 is 3.00, of which the limit leaves 2.00: shared as 1.25 and 1.75 are, 0.83 and 1.17.
    assert_eq!(
        (of("all").gave[0].amount.as_str(), of("all").cut[0].amount.amount.as_str()),
        ("2.00", "1.00")
    );
    assert_eq!((of("all").cut[0].by, of("all").fired), ("rule", true));
    let steps: Vec<&str> = told.receipt.iter().map(|line| line.steps[0].left.as_str()).collect();
    assert_eq!(steps, ["1.67", "2.33"]);
    // 2.40 is more than one euro: all of it is skipped.
    assert_eq!((of("most").why, of("most").cut[0].amount.amount.as_str()), (Some(Why::Limit), "2.40"));
    assert_eq!(
        (of("back").why, of("back").hears.as_slice()),
        (Some(Why::Event), ["return".to_owned()].as_slice())
    );
    let failed = of("broken").error.as_ref().expect("it divides by zero");
    assert_eq!((of("broken").why, failed.error), (Some(Why::Error), "division-by-zero"));
    assert_eq!(failed.place.line, 9);
    // 1 % of 4.00 is 4 cents, which are 4 points.
    assert_eq!(told.accounts[0].from[0].amount, "4");
}

#[test]
fn distances_are_exact() {
    let text = "language 1\nprogram shop { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
        account club { unit points decimals 0 round down per basket worth 100 points = 1 EUR }\n\
        enum Tier ordered { base, silver, gold }\nextend member { tier: Tier = base, seen: instant? }\n\
        group g { kind earn displace none on purchase\n\
        rule seen { when member.seen known and member.seen >= 2026-11-20 09:30 then award 1 points }\n\
        rule due { when member.seen known and event.at <= member.seen + 2 days then award 1 points }\n\
        rule rested { when member.seen known and event.at > member.seen + 3 days then award 1 points }\n\
        rule spend { when basket.paid >= 50 EUR then award 1 points }\n\
        rule less { when sum(line.paid for lines) < 10 EUR then award 1 points }\n\
        rule pieces { when sum(line.pieces for lines) >= 5 pcs then award 1 points }\n\
        rule average { when basket.paid / count(lines) >= 22 EUR then award 1 points }\n\
        rule quotients { when basket.paid / count(lines) >= basket.initial * 2 / count(lines) then award 1 points }\n\
        rule later { valid from 2026-12-01 then award 1 points }\n\
        rule early { when event.time < 09:00 then award 1 points }\n\
        rule hours { schedule days [fri, sat] hours 22:00 until 02:00 then award 1 points }\n\
        rule tier { when member known and member.tier >= gold then award 1 points }\n\
        rule tea { when any(lines where line in category \"Tea\" and line.pieces > 2 pcs) then award 1 points }\n\
        rule either { when basket.paid = 1 EUR or member.birthday known then award 1 points }\n\
        rule none { unless basket.paid in 40 EUR through 60 EUR then award 1 points }\n\
        }\n";
    let mut compilation = compiled(text);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
    assert!(!compilation.has_errors(), "{said:#?}");
    // 2 x 12.50 + 3 x 5.87 = 25.00 + 17.61 = 42.61 euros; 5 pieces would be enough, so 4: 2 and 2.
    let json = r#"{"id":"1","kind":"purchase","at":"2026-11-22T10:15:00","member":{"id":"m","tier":"silver","seen":"2026-11-20T08:00:00"},"lines":[
        {"sku":"A","qty":2,"price":"12.50","category":"Coffee"},{"sku":"B","qty":2,"price":"8.805","category":"Tea"}]}"#;
    let told = told(&mut compilation, json).expect("the event is explained");
    let distance = |rule: &str| -> Vec<Option<&str>> {
        parts(&told, rule).into_iter().map(|part| part.distance.as_deref()).collect()
    };
    assert_eq!(distance("spend"), [Some("7.39 EUR more")]); // 50.00 - 42.61
    assert_eq!(distance("less"), [Some("more than 32.61 EUR less")]); // 42.61 - 10.00
    assert_eq!(distance("pieces"), [Some("1 pcs more")]);
    assert_eq!(distance("later"), [Some("in 9 days")]); // 22 November to 1 December
    assert_eq!(distance("early"), [None]); // 09:00 is past
    // 08:00 to 09:30; two days after 08:00 is today 08:00, and it is 10:15; three days after is tomorrow.
    assert_eq!(distance("seen"), [Some("1 h 30 min too early")]);
    assert_eq!(distance("due"), [Some("2 h 15 min too late")]);
    assert_eq!(distance("rested"), [Some("in 21 h 45 min")]);
    let tier = parts(&told, "tier");
    assert_eq!(tier[0].says, "tier is silver, not at least gold");
    let tea = parts(&told, "tea");
    let rows = tea[0].rows.as_ref().expect("a collection");
    assert_eq!((rows.rows, rows.filters[0].passed, rows.filters[1].passed), (2, 1, 0));
    assert_eq!(rows.refused[0].part.says, "category is Coffee, not Tea");
    assert_eq!(rows.refused[1].part.distance.as_deref(), Some("more than 0 pcs more"));
    let either = parts(&told, "either");
    assert_eq!(either[0].either.len(), 2);
    assert_eq!(either[0].either[0].distance.as_deref(), Some("41.61 EUR less"));
    let none = parts(&told, "none");
    assert!(!none[0].wanted || none[0].says.contains("42.61"), "{none:?}");
    // (25.00 + 17.61) / 2 = 21.305, and 22.00 - 21.305 = 0.695.
    assert_eq!(distance("average"), [Some("0.695 EUR more")]);
    assert_eq!(parts(&told, "average")[0].says, "it is 21.305 EUR, not at least 22.00 EUR");
    // Two quotients have no denominator that a bound would tell.
    assert_eq!(parts(&told, "quotients")[0].says, "it does not hold");
    let hours = parts(&told, "hours");
    // Neither evening: not that day, and too early; nor, on the day after a Saturday, before two.
    let said: Vec<&str> = hours[0].either.iter().map(|part| part.says.as_str()).collect();
    let expected = [
        "weekday is sun, not one of fri, sat",
        "time is 10:15, not from 22:00",
        "time is 10:15, not before 02:00",
    ];
    assert_eq!(said, expected);
}

/// Rules that ask for what was before: histories, counters, balances, limits, coupons, badges, levels.
const STATEFUL: &str = r#"language 1
program shop { currency EUR zone "Europe/Berlin" rounding half_up }
account club { unit points decimals 0 round down per basket worth 100 points = 1 EUR }
account marks { unit marks decimals 0 round down per basket }
counter visits "Purchases in 90 days" per member = count(earlier purchases within last 90 days)
badge regular { when count(earlier purchases within program) >= 3 }
coupon next { codes unique then discount 1 EUR on basket spread by paid }
group g {
  kind earn
  displace none
  on purchase
  when member known
  rule first { when not any(earlier purchases within program) then award 1 points }
  rule quiet { when count(earlier purchases within this month) = 0 then award 2 points }
  rule small { when sum(purchase.paid for earlier purchases within this month) < 100 EUR then award 3 points }
  rule unmarked { when member.balance.marks = 0 marks then award 1 marks }
  rule third { when visits = 2 then award 4 points }
  rule challenge {
    let before = sum(purchase.paid for earlier purchases within program where purchase.paid > 1 EUR)
    when before + basket.paid >= 200 EUR
    limit 1 times per member else skip
    then { award 1_000 points issue coupon next }
  }
  rule liked { when any(earlier lines within last 90 days where line.sku = sku "TEA") then award 5 points }
  rule lines_before { then for each line in lines { award 1 points * count(earlier lines within program where line.paid > 10 EUR) } }
  rule only_a_coupon { when basket.paid >= 100 EUR then issue coupon next }
  rule a_regular { when member.badge.regular then award 6 points }
}
"#;

/// A purchase of a member, in the day and for the amount.
fn bought(id: usize, member: &str, date: &str, paid: &str) -> String {
    format!(
        r#"{{"id":"{id}","kind":"purchase","at":"{date}T12:00:00","member":"{member}","lines":[{{"sku":"TEA","pieces":1,"price":"{paid}"}}]}}"#
    )
}

#[test]
fn what_was_before_is_explained_as_it_is_decided() {
    let mut compilation = compiled(STATEFUL);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
    assert!(said.is_empty(), "{said:#?}");
    let pack = Pack::of(compilation.program.take().expect("it compiles"));
    let records = [
        bought(1, "m1", "2026-03-02", "150.00"),
        bought(2, "m1", "2026-03-03", "20.00"),
        bought(3, "m2", "2026-03-04", "250.00"),
        bought(4, "m1", "2026-03-05", "40.00"),
        bought(5, "m1", "2026-04-05", "500.00"),
        bought(6, "m2", "2026-04-06", "0.50"),
    ];
    let engine = |kind| Engine::builder(pack.clone()).kind(kind).build().expect("it binds");
    for kind in [EngineKind::Interpreter, EngineKind::Automatic] {
        let engine = engine(kind);
        let (mut plain, mut explained) = (engine.session(), engine.session());
        for json in &records {
            let told = explain(&mut explained, json.as_bytes(), &no_text)
                .unwrap_or_else(|error| panic!("{error:?}: {json}"));
            check(&told, json);
            assert_eq!(Ok(&told.decision), plain.decide_json(json.as_bytes()).as_ref(), "{json}");
        }
        // One by one on a replayed history it is the same; what is later and the event itself are left out.
        let history = records.join("\n") + "\n\n{\"id\":\"x\"}\n";
        let mut plain = engine.session();
        for (json, before) in records.iter().zip(0u64..) {
            let mut session = engine.session();
            let mut refused = 0;
            let input = (batch::Input::Stream(Box::new(history.as_bytes())), Format::Ndjson);
            let past = replay(&mut session, json.as_bytes(), input, |error| {
                assert_eq!((error.line, error.name()), (8, "missing-field"));
                refused += 1;
            });
            let expected = Past { replayed: before, later: 5 - before, same: 1, refused: 1 };
            assert_eq!((past.expect("it is read"), refused), (expected, 1));
            let told = explain(&mut session, json.as_bytes(), &no_text).unwrap_or_else(|e| panic!("{e:?}"));
            assert_eq!(Ok(&told.decision), plain.decide_json(json.as_bytes()).as_ref(), "{json}");
        }
    }
    // With nothing before it, histories are empty and balances nought: 1 + 2 + 3 points, and a mark.
    let mut alone = engine(EngineKind::Automatic).session();
    let told = explain(&mut alone, records[3].as_bytes(), &no_text).unwrap_or_else(|e| panic!("{e:?}"));
    let accounts: Vec<_> = told.accounts.iter().map(|a| (a.account.as_str(), a.amount.as_str())).collect();
    assert_eq!(accounts, [("club", "6"), ("marks", "1")]);
    let met = |rule: &str| {
        let part = parts(&told, rule)[0];
        (part.says.clone(), part.distance.clone().unwrap_or_default())
    };
    // 200.00 - 40.00 = 160.00.
    assert_eq!(
        met("challenge"),
        ("it is 40.00 EUR, not at least 200.00 EUR".to_owned(), "160.00 EUR more".to_owned())
    );
    assert_eq!(met("third"), ("visits is 0, not 2".to_owned(), "2 more".to_owned()));
}

#[test]
fn somebody_who_was_never_seen_has_a_past_of_nothing() {
    let text = "language 1\nprogram shop { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
        account club { unit points decimals 0 redeemable round down per basket worth 100 points = 1 EUR }\n\
        counter visits per member = count(earlier purchases within program)\n\
        group g { kind earn displace none on purchase when member known\n\
        rule first { when not any(earlier purchases within program) then award 1 points }\n\
        rule second { when visits = 1 then award 1 points }\n\
        rule third { when (visits + 1) mod 3 = 0 then award 1 points }\n\
        rule rich { when member.balance.club >= 7 points then award 1 points }\n\
        rule counted { then award 1 points * (visits + 5) }\n\
        }\n\
        redemption pay { from club for lines member chooses amount }\n";
    let mut compilation = compiled(text);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
    assert!(!compilation.has_errors(), "{said:#?}");
    let event = |redeem: &str| {
        format!(
            r#"{{"id":"1","kind":"purchase","at":"2026-11-22T10:15:00","member":"m"{redeem},
            "lines":[{{"sku":"A","qty":1,"price":"12.50"}}]}}"#
        )
    };
    let first = told(&mut compilation, &event("")).expect("the event is explained");
    let gave = |rule: &str| -> Vec<String> {
        let reports = first.rules.iter().filter(|report| report.rule == rule);
        reports.flat_map(|report| report.gave.iter().map(|gave| gave.amount.clone())).collect()
    };
    assert_eq!(gave("first"), ["1"]);
    assert_eq!(gave("counted"), ["5"]);
    let distance = |rule: &str| -> Vec<Option<&str>> {
        parts(&first, rule).into_iter().map(|part| part.distance.as_deref()).collect()
    };
    assert_eq!(distance("second"), [Some("1 more")]);
    assert_eq!(distance("third"), [Some("1 less")]); // 1 mod 3 is 1
    assert_eq!(distance("rich"), [Some("7 points more")]);
    let mut compilation = compiled(text);
    let refused =
        told(&mut compilation, &event(r#","redeem":{"pay":"30"}"#)).expect("the event is explained");
    let why = refused.decision.refused.as_ref().map(|why| (why.because.as_str(), why.by.as_deref()));
    assert_eq!(why, Some(("short", Some("30"))));
}
