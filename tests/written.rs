//! Random programmes as an author could write them: they check clean, lower to what verifies, and run alike on every
//! engine and before and after simplification.

use perq_compiler::evaluate::{Code, Decision, Plan, Record, Unclaimed, Workspace, evaluate};
use perq_compiler::interpret::Interpreter;
use perq_compiler::ir::{FunctionId, Program, SlotType, Verified, verify};
use perq_compiler::pipeline::{Input, NoFiles, analyse, lower_only};
use perq_runtime::native::{Native, Options};
use perq_tests::agree::{Engines, Report};
use perq_tests::generate::{self, Random};
use perq_tests::rules::{self, ordinary};
use perq_tests::workload::{data, packs, text};
use std::sync::Arc;

/// Programmes of one run.
const PROGRAMMES: u64 = 60;
/// Records for each.
const RECORDS: usize = 20;

#[test]
fn written_programmes_run_alike_on_every_engine() {
    let mut report = Report::default();
    for seed in 0..PROGRAMMES {
        let text = rules::programme(seed);
        let input = Input { path: format!("random-{seed}.rule"), text: text.clone() };
        let compilation = analyse(&[input], &NoFiles);
        let said: Vec<_> =
            compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
        assert!(!compilation.has_errors(), "seed {seed}: {said:#?}\n{text}");
        let Some(program) = lower_only(&compilation) else { continue };
        let count = u32::try_from(program.functions.len()).unwrap_or(0);
        let mut engines =
            Engines::new(program.clone()).unwrap_or_else(|why| panic!("seed {seed}: {why}\n{text}"));
        let mut random = Random::new(seed);
        for _ in 0..RECORDS {
            let record = ordinary(&mut random, &program);
            for function in 0..count {
                if let Err(why) = engines.run(FunctionId(function), &record, &mut report) {
                    panic!("seed {seed}, function {function}: {why}\n{text}");
                }
            }
        }
    }
    assert!(report.proposals > report.pairs / 10, "{} proposals of {} pairs", report.proposals, report.pairs);
    assert!(report.finished * 10 > report.pairs * 8, "{} of {} finish", report.finished, report.pairs);
}

/// A program with both engines and with and without its index.
struct Decided {
    program: Arc<Verified>,
    interpreter: Interpreter,
    native: Native,
}

impl Decided {
    fn new(program: Program) -> Decided {
        let program = Arc::new(verify(program).unwrap_or_else(|errors| panic!("{:?}", errors.first())));
        let native =
            Native::new(Arc::clone(&program), Options::default()).expect("this machine has native code");
        Decided { interpreter: Interpreter::new(Arc::clone(&program)), native, program }
    }

    /// What comes of a record: the decision, turns left, and the record as rules left it.
    fn run<C: Code>(&self, code: &C, plan: &Plan, input: &generate::Input) -> (Decision, i64, Record) {
        let mut record = Record {
            event: input.event.clone(),
            lines: input.lines.clone(),
            line_width: input.line_width,
            payments: input.payments.clone(),
            payment_width: input.payment_width,
            symbols: input.symbols.clone(),
            ..Record::default()
        };
        let mut workspace = Workspace::with_fuel(input.fuel);
        let mut decision = Decision::default();
        let (params, bindings) = (&input.params, &input.bindings);
        evaluate(
            &self.program,
            plan,
            bindings,
            &mut record,
            params,
            &Unclaimed,
            code,
            &mut workspace,
            &mut decision,
        );
        (decision, workspace.fuel_left(), record)
    }

    /// Decides on every engine, with and without the index, and says what all of them say.
    fn decide(&self, input: &generate::Input, index: &Plan, every: &Plan, what: &str) -> Decision {
        let want = self.run(&self.interpreter, every, input);
        let found = [
            ("interpreter, index", self.run(&self.interpreter, index, input)),
            ("native", self.run(&self.native, every, input)),
            ("native, index", self.run(&self.native, index, input)),
        ];
        for (engine, found) in found {
            assert!(found == want, "{what}, {engine}: {found:#?}\nnot as every rule by itself: {want:#?}");
        }
        want.0
    }
}

/// Conditions that rules share in their code: of two fields, of the calendar, of sums and quotients.
const SHARED: [&str; 8] = [
    "member known and member.joined known and event.date - member.joined >= {} days",
    "member known and member.joined known and month(member.joined) = month(event.date)",
    "member known and member.joined known and month(member.joined) in {} through 11",
    "month(event.date) != {}",
    "member known and member.spend known and basket.initial - member.spend < {} EUR",
    "(basket.initial + basket.initial >= {} EUR or month(event.date) = 2)",
    "basket.initial / basket.initial * {} > 3",
    "not (event.date - 2026-03-01 in {} days through 200 days)",
];

/// Rules that ask the same of the event, of which lines of a few categories earn something.
fn sharing(seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = String::from(
        "language 1\nprogram sharing { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
         account bonus { unit points decimals 1 round down per rule worth 1 points = 0.01 EUR }\n\
         extend member { spend: money? }\n\
         group earn { kind earn displace none on purchase }\n",
    );
    for rule in 0..60 {
        text += &format!("rule r{rule} in group earn {{\n");
        for _ in 0..random.below(3) {
            let condition = SHARED[random.below(SHARED.len())];
            let condition = condition.replace("{}", &format!("{}", 1 + random.below(9)));
            text += &format!("  when {condition}\n");
        }
        let goods = match random.below(4) {
            0 => "lines".to_owned(),
            1 => format!("lines where line in category \"C{}\" and line.pieces >= 1 pcs", random.below(4)),
            _ => format!("lines where line in category \"C{}\"", random.below(6)),
        };
        text += &format!("  let some = {goods}\n  let amount = sum(line.initial for some)\n");
        if random.below(2) == 0 {
            text += &format!("  when amount >= {} EUR\n", random.below(30));
        }
        if random.below(3) == 0 {
            text += &format!("  when sum(line.pieces for some) >= {} pcs\n", 1 + random.below(4));
        }
        text += &match random.below(3) {
            0 => "  then award amount as points\n}\n".to_owned(),
            1 => "  then award 3 points * steps of 2 EUR in amount\n}\n".to_owned(),
            _ => "  then for each line in some { award 2% of line.paid as points }\n}\n".to_owned(),
        };
    }
    text
}

/// Days on which the calendar fails, and numbers that no sum holds, here and there.
fn edges(random: &mut Random, program: &Program, input: &mut generate::Input) {
    for (slot, value) in program.layout.event.iter().zip(&mut input.event) {
        match slot.ty {
            SlotType::Date if random.chance(5) => *value = 9_000_000,
            SlotType::Money { .. } if random.chance(3) => *value = i64::MAX - 3,
            SlotType::Money { .. } if random.chance(3) => *value = 0,
            _ => {}
        }
    }
}

#[test]
fn rules_that_share_conditions_are_decided_alike_with_and_without_the_index() {
    let (mut effects, mut faults) = (0, 0);
    for seed in 0..12 {
        let text = sharing(seed);
        let compilation = analyse(&[Input { path: "sharing.rule".to_owned(), text: text.clone() }], &NoFiles);
        let said: Vec<_> =
            compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
        assert!(!compilation.has_errors(), "seed {seed}: {said:#?}\n{text}");
        let decided = Decided::new(lower_only(&compilation).expect("it lowers"));
        let mut random = Random::new(seed);
        for number in 0..40 {
            let mut input = ordinary(&mut random, &decided.program);
            // Which lines lead to a rule is noted of long receipts only.
            if number % 3 == 0 {
                input.lines = input.lines.repeat(12);
            }
            edges(&mut random, &decided.program, &mut input);
            // Some have too few turns.
            input.fuel = if random.chance(20) { random.between(0, 4_000) } else { input.fuel };
            let index = Plan::new(&decided.program, &input.bindings);
            let every = Plan::without_index(&decided.program, &input.bindings);
            let decision = decided.decide(&input, &index, &every, &format!("seed {seed}, record {number}"));
            effects += decision.effects.len();
            faults += decision.faults.len();
        }
    }
    assert!(effects > 2_000 && faults > 100, "{effects} effects and {faults} faults");
}

#[test]
fn written_programmes_are_decided_alike_with_and_without_the_index() {
    let mut effects = 0;
    for seed in 0..PROGRAMMES / 2 {
        let input = Input { path: format!("random-{seed}.rule"), text: rules::programme(seed) };
        let compilation = analyse(&[input], &NoFiles);
        let decided = Decided::new(lower_only(&compilation).expect("it lowers"));
        let mut random = Random::new(seed);
        for number in 0..RECORDS {
            let input = ordinary(&mut random, &decided.program);
            let index = Plan::new(&decided.program, &input.bindings);
            let every = Plan::without_index(&decided.program, &input.bindings);
            let what = format!("seed {seed}, record {number}");
            effects += decided.decide(&input, &index, &every, &what).effects.len();
        }
    }
    assert!(effects > 100, "{effects} effects");
}

/// The rules of the workload, of which many are met by each receipt.
#[test]
fn the_workload_is_decided_alike_with_and_without_the_index() {
    let compilation = perq_compiler::pipeline::compile(&text::programme(&packs::drawn(400)), &NoFiles);
    let decided = Decided::new(Program::clone(&compilation.program.expect("it compiles")));
    let catalogue = perq_runtime::catalogue::Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build();
    let schema = perq_runtime::record::Schema::new(&decided.program, &catalogue, Default::default());
    let schema = schema.expect("the catalogue fits");
    let (index, every) = (
        Plan::new(&decided.program, schema.bindings()),
        Plan::without_index(&decided.program, schema.bindings()),
    );
    let data = data::receipts(60);
    let mut reader = perq_runtime::record::Reader::new();
    let mut effects = 0;
    for (number, receipt) in data.receipts.iter().enumerate() {
        let (mut json, mut event) = (String::new(), perq_runtime::record::ReadEvent::default());
        text::record(&data, number, receipt, &mut json);
        reader.read(&schema, json.as_bytes(), &mut event).unwrap_or_else(|why| panic!("{why}"));
        let record = event.record;
        let input = generate::Input {
            event: record.event,
            lines: record.lines,
            line_width: record.line_width,
            payments: record.payments,
            payment_width: record.payment_width,
            tables: record.tables,
            symbols: record.symbols,
            params: Vec::new(),
            bindings: schema.bindings().clone(),
            fuel: 1_000_000,
        };
        effects += decided.decide(&input, &index, &every, &format!("receipt {number}")).effects.len();
    }
    assert!(effects > 100, "{effects} effects");
}
