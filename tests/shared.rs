//! Code that rules share, without the conditions that an index has asked: does what their whole functions do.

use perq_compiler::evaluate::{Code, FUEL, Proposals, RecordView, conditions_hold};
use perq_compiler::interpret::Interpreter;
use perq_compiler::ir::SlotType;
use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::native::{Native, Options};
use perq_runtime::pack::Pack;
use perq_runtime::record::{ReadEvent, Reader};
use perq_tests::workload::{data, packs, text};
use std::sync::Arc;

/// Code that takes for granted what the index has asked does what the whole function does: whether the conditions hold or
/// not, whether it is told so or not, at the same turn, with the same fault; and with sets that take turns to be asked.
#[test]
fn code_without_its_conditions_does_what_the_whole_function_does() {
    let files = text::programme(&packs::drawn(120));
    let program = compile(&files, &NoFiles).program.expect("the workload compiles");
    let pack = Pack::of(program);
    let program = Arc::clone(pack.program());
    let catalogue = Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build();
    let engine = Engine::builder(pack).catalogue(&catalogue).kind(EngineKind::Interpreter).build();
    let engine = engine.expect("an engine");
    let bindings = engine.schema().bindings();
    let native = Native::new(Arc::clone(&program), Options::default()).expect("this machine has native code");
    let interpreter = Interpreter::new(Arc::clone(&program));
    assert_eq!(native.compiled(), program.functions.len());
    // What they give differs in constants, and what they ask of the event is left out.
    let (pieces, functions) = (native.pieces(), program.functions.len());
    assert!(pieces * 3 < functions * 2, "{pieces} pieces of code for {functions} functions");
    let set = program.layout.event.iter().position(|slot| matches!(slot.ty, SlotType::Set(_)));
    let set = set.expect("the members of the workload have segments");
    let (mut scratch, mut other) = (Default::default(), Default::default());
    let (mut held, mut proposed) = (0, 0);
    let data = data::receipts(12);
    for (number, receipt) in data.receipts.iter().enumerate() {
        let (mut json, mut event) = (String::new(), ReadEvent::default());
        text::record(&data, number, receipt, &mut json);
        Reader::new().read(engine.schema(), json.as_bytes(), &mut event).expect("the record is read");
        let mut large = event.record.clone();
        let start = i64::try_from(large.symbols.len()).unwrap();
        large.symbols.extend(0..150);
        large.event[set] = start << 32 | 150;
        for record in [&event.record, &large] {
            for rule in &program.rules {
                let holds = conditions_hold(&program, bindings, record.view(&[]), rule);
                held += usize::from(holds);
                for told in [false, true].into_iter().filter(|told| holds || !told) {
                    for fuel in [0, 1, 2, 3, 7, 20, FUEL] {
                        let (mut wanted, mut found) = (Proposals::default(), Proposals::default());
                        let (mut left, mut right) = (fuel, fuel);
                        let view = RecordView { holds: told, ..record.view(&[]) };
                        let want = interpreter.run(
                            rule.function,
                            view,
                            bindings,
                            &mut left,
                            &mut other,
                            &mut wanted,
                        );
                        let find =
                            native.run(rule.function, view, bindings, &mut right, &mut scratch, &mut found);
                        assert_eq!((find, right), (want, left), "{} with {fuel} turns", rule.name);
                        if want.is_ok() {
                            proposed += wanted.list.len();
                            assert_eq!(found, wanted, "{} with {fuel} turns", rule.name);
                        }
                    }
                }
            }
        }
    }
    assert!(held > 200 && proposed > 200, "{held} {proposed}");
}
