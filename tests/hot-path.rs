//! Decides some receipts so many times: what `tests/instructions.rs` counts the instructions of.
//!
//! `hot-path PACK TURNS` takes 50 receipts of the workload and its catalogue, `hot-path PACK TURNS LINES` one receipt of so
//! many lines, and `hot-path PACK TURNS - RECEIPTS` so many receipts; `hot-path write E1000 PACK` writes a pack of the
//! workload, and `hot-path by-hand E1000 TURNS RECEIPTS` lets the index by hand decide.

use perq_compiler::pipeline::{NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::WriteOptions;
use perq_runtime::pack::{Pack, Policy};
use perq_runtime::record::{ReadEvent, Reader};
use perq_tests::workload::index::Index;
use perq_tests::workload::{Outcome, Rule, data, packs, text};

/// Receipts, unless so many are stated.
const RECEIPTS: usize = 50;

/// The rules of a pack of a name such as `E1000`.
fn rules(name: &str) -> Vec<Rule> {
    packs::equal_matches(name.trim_start_matches('E').parse().unwrap_or_else(|_| panic!("{name} is no pack")))
}

fn write_pack(name: &str, pack: &str) {
    let compilation = compile(&text::programme(&rules(name)), &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    std::fs::write(pack, Pack::write(&program, &WriteOptions::default())).expect("the pack is written");
}

fn by_hand(name: &str, turns: &str, receipts: &str) {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text} is no number"));
    let (turns, data): (usize, _) = (number(turns), data::receipts(number(receipts)));
    let (mut index, mut fired) = (Index::new(&rules(name)), 0);
    let mut out = Outcome::default();
    for _ in 0..turns {
        out.clear();
        (0..data.receipts.len()).for_each(|receipt| index.decide(&data, receipt, &mut out));
        fired += out.fired.len();
    }
    println!("{fired} effects of {} receipts", data.receipts.len() * turns);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [write, name, pack] = arguments.as_slice()
        && write == "write"
    {
        return write_pack(name, pack);
    }
    if let [by_hand_of, name, turns, receipts] = arguments.as_slice()
        && by_hand_of == "by-hand"
    {
        return by_hand(name, turns, receipts);
    }
    let mut arguments = arguments.into_iter();
    let (Some(pack), Some(turns)) = (arguments.next(), arguments.next().and_then(|turns| turns.parse().ok()))
    else {
        eprintln!("hot-path PACK TURNS [LINES|- [RECEIPTS]]");
        std::process::exit(2);
    };
    let lines: Option<usize> = arguments.next().and_then(|lines| lines.parse().ok());
    let receipts = arguments.next().and_then(|receipts| receipts.parse().ok()).unwrap_or(RECEIPTS);
    let bytes = std::fs::read(&pack).unwrap_or_else(|why| panic!("{pack}: {why}"));
    let pack = Pack::read(&bytes, &Policy::unsigned_allowed()).expect("the pack is read");
    let catalogue = Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build();
    let engine =
        Engine::builder(pack).catalogue(&catalogue).kind(EngineKind::Native).build().expect("an engine");
    let data = data::receipts(receipts);
    let data = match lines {
        Some(lines) => data.of_length(lines),
        None => data,
    };
    let mut reader = Reader::new();
    let mut events: Vec<ReadEvent> = Vec::new();
    for (number, receipt) in data.receipts.iter().enumerate() {
        let (mut json, mut event) = (String::new(), ReadEvent::default());
        text::record(&data, number, receipt, &mut json);
        reader.read(engine.schema(), json.as_bytes(), &mut event).unwrap_or_else(|why| panic!("{why}"));
        events.push(event);
    }
    let mut session = engine.session();
    let mut effects = 0;
    for _ in 0..turns {
        for event in &mut events {
            effects += session.decide_record(event).effects.len();
        }
    }
    println!("{effects} effects of {} receipts", events.len() * turns);
}
