//! How much memory things take, as slopes: bytes for each rule, each row of a table and each member more. Counted by the
//! allocator, so that no machine and no load has a part in it. Each may grow by less than a quarter; who adds more says so
//! here and in `docs/performance.md`.

use cap::Cap;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::catalogue::Catalogue;
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::{Pack, Policy, WriteOptions};
use perq_tests::workload::{packs, text};
use std::alloc::System;
use std::fmt::Write;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// What something takes that is made and kept.
fn taken<T>(make: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATOR.allocated();
    let kept = make();
    (ALLOCATOR.allocated().saturating_sub(before), kept)
}

/// Bytes for each of `more` things that are made besides.
fn slope(few: usize, many: usize, more: usize) -> usize {
    many.saturating_sub(few) / more
}

fn pack(files: &[Input]) -> Vec<u8> {
    let compilation = compile(files, &NoFiles);
    let program = compilation.program.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics.first()));
    Pack::write(&program, &WriteOptions::default())
}

fn read(bytes: &[u8]) -> Pack {
    Pack::read(bytes, &Policy::unsigned_allowed()).expect("the pack is read")
}

fn catalogue() -> Catalogue {
    Catalogue::builder()
        .products_csv(text::products_csv().as_bytes())
        .and_then(|catalogue| catalogue.tree_csv("category", text::categories_csv().as_bytes()))
        .expect("the catalogue is read")
        .build()
}

/// A programme that reads a field of products and one of members, and keeps points and what was bought.
const REMEMBERS: &str = "language 1\n\
    program remembers { currency EUR zone \"Etc/UTC\" rounding half_up }\n\
    account bonus { unit points decimals 0 round down per basket worth 1 points = 1 EUR }\n\
    extend member { spent: money }\n\
    group earn { kind earn displace none on purchase when member known }\n\
    rule base in group earn {\n\
      when member.spent >= 10 EUR\n\
      when member.balance.bonus >= 0 points\n\
      then award 10% of sum(line.paid for lines where line in category \"C1\") as points\n\
    }\n";

fn products(count: usize) -> String {
    (0..count).fold("sku,category\n".to_owned(), |mut csv, sku| {
        let _ = writeln!(csv, "P{sku:07},C{}", sku % 50);
        csv
    })
}

fn members(count: usize) -> String {
    (0..count).fold("member,spent\n".to_owned(), |mut csv, member| {
        let _ = writeln!(csv, "M{member:07},{}.50", member % 500);
        csv
    })
}

#[test]
fn nothing_takes_a_quarter_more_memory_than_it_did() {
    let mut found: Vec<(&str, usize)> = Vec::new();

    // Rules of the workload: a pack, and engines of it.
    let tables = catalogue();
    let packs = [500, 1_000].map(|rules| pack(&text::programme(&packs::drawn(rules))));
    let of_packs = packs.each_ref().map(|bytes| taken(|| read(bytes)));
    let engine = |pack: &Pack, kind| {
        let builder = Engine::builder(pack.clone()).catalogue(&tables).kind(kind);
        builder.compile_threads(0).build().expect("an engine")
    };
    // Beside the pack that both share.
    let engines = of_packs.each_ref().map(|(_, pack)| taken(|| engine(pack, EngineKind::Interpreter)));
    let native = of_packs.each_ref().map(|(_, pack)| taken(|| engine(pack, EngineKind::Tiered)));
    let [few, many] = native.each_ref().map(|(before, engine)| before + taken(|| engine.wait_for_native()).0);
    found.push(("a rule's pack", slope(of_packs[0].0, of_packs[1].0, 500)));
    found.push(("a rule of an interpreter", slope(engines[0].0, engines[1].0, 500)));
    found.push(("a rule of native code", slope(few, many, 500)));
    drop((engines, native, of_packs));

    // Rows of tables, as they are read, and as an engine has them.
    let remembers = read(&pack(&[Input { path: "remembers.rule".to_owned(), text: REMEMBERS.to_owned() }]));
    let open = |catalogue: &Catalogue| {
        let builder = Engine::builder(remembers.clone()).kind(EngineKind::Interpreter);
        builder.catalogue(catalogue).build().expect("an engine")
    };
    let of_products = |count| {
        let csv = products(count);
        let (table, catalogue) =
            taken(|| Catalogue::builder().products_csv(csv.as_bytes()).expect("the table is read").build());
        (table, taken(|| open(&catalogue)).0)
    };
    let of_members = |count| {
        let csv = members(count);
        let (table, catalogue) =
            taken(|| Catalogue::builder().members_csv(csv.as_bytes()).expect("the table is read").build());
        (table, taken(|| open(&catalogue)).0)
    };
    // Both counts are as far from where lists were last doubled.
    let (few, many) = (of_products(4_096), of_products(8_192));
    found.push(("a row of products", slope(few.0, many.0, 4_096)));
    found.push(("a row of products in an engine", slope(few.1, many.1, 4_096)));
    let (few, many) = (of_members(4_096), of_members(8_192));
    found.push(("a row of members", slope(few.0, many.0, 4_096)));
    found.push(("a row of members in an engine", slope(few.1, many.1, 4_096)));

    // Members of whom a session remembers one purchase.
    let mut session = Engine::builder(remembers.clone())
        .kind(EngineKind::Interpreter)
        .build()
        .expect("an engine")
        .session();
    let mut decide = |members: std::ops::Range<usize>| {
        for member in members {
            let json = format!(
                "{{\"id\":\"{member}\",\"kind\":\"purchase\",\"at\":\"2026-03-02T10:15:00\",\
                 \"member\":{{\"id\":\"M{member}\",\"spent\":\"20\"}},\
                 \"lines\":[{{\"sku\":\"T\",\"category\":\"C1\",\"qty\":1,\"price\":\"100\"}}]}}"
            );
            session.decide_line(json.as_bytes(), &mut Vec::new()).expect("a decision");
        }
    };
    let few = taken(|| decide(0..4_096)).0;
    let many = few + taken(|| decide(4_096..8_192)).0;
    found.push(("a member with a purchase", slope(few, many, 4_096)));

    let mut told = String::new();
    for ((what, bytes), (stored_what, stored)) in found.iter().zip(STORED) {
        assert_eq!(*what, stored_what);
        let _ = writeln!(told, "{what}: {bytes} bytes; {stored} are stored");
    }
    println!("{told}");
    assert_eq!(found.len(), STORED.len());
    let more = found.iter().zip(STORED).any(|((_, bytes), (_, stored))| bytes * 4 > stored * 5);
    assert!(!more, "something takes a quarter more:\n{told}");
}

/// What each takes, in bytes.
const STORED: [(&str, usize); 8] = [
    ("a rule's pack", 2483),
    ("a rule of an interpreter", 1164),
    ("a rule of native code", 1445),
    ("a row of products", 94),
    ("a row of products in an engine", 60),
    ("a row of members", 98),
    ("a row of members in an engine", 66),
    ("a member with a purchase", 1078),
];
