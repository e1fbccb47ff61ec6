//! The year of the main example: both engines decide it to the same bytes, and every figure is the one that was worked
//! out independently of perq.

use perq_cli::args::EngineName;
use perq_cli::{kept_year, programme, replay, tables};
use perq_runtime::batch::{self, BatchOptions};
use perq_runtime::pack::Pack;
use perq_runtime::record::ReadOptions;
use perq_tests::root;
use std::path::{Path, PathBuf};

fn example() -> PathBuf {
    root().join("rules-examples/online-retail")
}

#[test]
fn every_figure_of_the_year_is_the_expected_one() {
    let year = replay::replay(&example(), None, &mut |_| ()).unwrap_or_else(|failure| panic!("{failure:?}"));
    assert!(year.engine.is_native(), "this machine has no native code");
    assert_eq!(year.refused, Vec::<String>::new());
    assert_eq!(year.all.events_with_errors, 0);
    let comparison = replay::check(&example(), &year).unwrap_or_else(|failure| panic!("{failure:?}"));
    let comparison = comparison.expect("the example has figures to be held against");
    let shown: Vec<&String> = comparison.different.iter().take(20).collect();
    assert!(shown.is_empty(), "{} differ, the first of them {shown:#?}", comparison.different.len());
    // The totals, the rules and groups, the months with their rules, and each receipt by itself.
    assert!(comparison.equal > 19_000, "only {} figures were compared", comparison.equal);
}

/// Decisions that depend on earlier ones: each event on what its member did before.
/// Each return's refund and points, and what each member has in the end.
#[test]
fn the_year_in_a_ledger_is_the_expected_one() {
    let folder = example();
    let year = replay::replay(&folder, None, &mut |_| {}).expect("the year");
    let kept = kept_year::keep(&folder, &year.engine, None, &mut |_| {}).expect("a ledger");
    let kept = kept.expect("the example has returns");
    assert_eq!((kept.kept, kept.repeated, kept.refused.as_slice()), (25_900 + 3_806, 0, [].as_slice()));
    assert_eq!(kept.audit.findings, []);
    let comparison =
        kept_year::check(&folder, &kept).expect("the check").expect("figures to be held against");
    assert_eq!(comparison.different, [""; 0]);
    assert!(comparison.equal > 8_100, "only {} figures were compared", comparison.equal);
}

/// What a year reaches: rules by `check/expected.json`, rows by `check/rows.json`, both worked out without perq.
#[test]
fn what_the_year_reaches_is_as_worked_out() {
    let folder = example().display().to_string();
    let (exit, out, err) = perq_cli::run(["coverage", &folder, "--format", "json"], b"").expect("arguments");
    assert_eq!((exit, err.as_str()), (perq_cli::Exit::Clean, ""));
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let of_check = |name: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(example().join("check").join(name)).expect(name);
        serde_json::from_str(&text).expect(name)
    };
    assert_eq!(
        (&told["events"], &told["from"], &told["through"]),
        (&25_900.into(), &"2010-12-01".into(), &"2011-12-09".into())
    );
    let rules = told["rules"].as_array().expect("rules");
    let expected = of_check("expected.json");
    assert_eq!(rules.len(), 20);
    for rule in rules {
        let name = rule["rule"].as_str().expect("a name");
        assert_eq!(rule["gave"], expected["rules"][name]["fired"], "{name}");
    }
    // In the order of the texts: the choice of the Easter rule, then the four tables.
    let order: [(&str, &[&str]); 5] = [
        ("easter", &["24", "otherwise"]),
        ("class_of", &["silver", "gold", "platinum", "bronze"]),
        ("base_rate", &["bronze", "silver", "gold", "platinum"]),
        ("quantity_rate", &["12", "48", "144", "otherwise"]),
        ("order_rate", &["500", "1000", "5000", "otherwise"]),
    ];
    let expected = of_check("rows.json");
    let expected: Vec<(String, serde_json::Value)> = order
        .iter()
        .flat_map(|(table, rows)| rows.iter().map(move |row| (table, row)))
        .map(|(table, row)| (format!("{table} {row}"), expected[*table][*row].clone()))
        .collect();
    let rows = told["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), expected.len());
    for (row, (name, times)) in rows.iter().zip(expected) {
        assert_eq!(row["reached"], times, "{name}: {row}");
        // `from 1_000 GBP until …`, `gold => 2%`
        let text = row["text"].as_str().expect("a text").replace('_', "");
        let (table, word) = name.split_once(' ').expect("two words");
        let shown = if table == "class_of" { text.ends_with(word) } else { text.contains(word) };
        assert!(shown, "{name}: {text}");
    }
}

#[test]
fn every_figure_of_what_came_before_is_the_expected_one() {
    let folder = root().join("rules-examples/coming-back");
    let year = replay::replay(&folder, None, &mut |_| ()).unwrap_or_else(|failure| panic!("{failure:?}"));
    assert_eq!(year.refused, Vec::<String>::new());
    assert_eq!(year.all.events_with_errors, 0);
    let comparison = replay::check(&folder, &year).unwrap_or_else(|failure| panic!("{failure:?}"));
    let comparison = comparison.expect("the example has figures to be held against");
    // The independent figures are those of what the rules give; the others are the example's whose data these are.
    let wrong = comparison.different.iter().filter(|what| !what.ends_with("was not expected"));
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(comparison.equal, 12);
}

#[test]
fn both_engines_decide_what_came_before_to_the_same_bytes() {
    same_bytes(&root().join("rules-examples/coming-back"));
}

#[test]
fn both_engines_decide_the_year_to_the_same_bytes() {
    same_bytes(&example());
}

fn same_bytes(folder: &Path) {
    let programme = programme::find_one(folder).unwrap_or_else(|failure| panic!("{failure:?}"));
    let catalogue =
        tables::catalogue(&programme.config.catalogue).unwrap_or_else(|failure| panic!("{failure:?}"));
    let decide = |engine: EngineName, threads: usize| {
        let compilation = programme.compile().unwrap_or_else(|failure| panic!("{failure:?}"));
        let pack = Pack::of(compilation.program.expect("the example compiles"));
        let engine = tables::engine(pack, &catalogue, Some(engine), ReadOptions::default(), &[])
            .unwrap_or_else(|failure| panic!("{failure:?}"));
        let mut hasher = Hasher::default();
        let options = BatchOptions { threads, ..BatchOptions::default() };
        let mut refused = Vec::new();
        for path in &programme.config.events.files.0 {
            let events = tables::open(path).unwrap_or_else(|failure| panic!("{failure:?}"));
            let result = batch::run(&engine, events, &mut hasher, &mut refused, &options, |_| ());
            result.unwrap_or_else(|error| panic!("{error}"));
        }
        assert_eq!(String::from_utf8_lossy(&refused), "");
        (hasher.bytes, hasher.lines, hasher.state)
    };
    let native = decide(EngineName::Native, 2);
    assert_eq!(native.1, 25_900);
    assert_eq!(native, decide(EngineName::Interpreter, 1));
}

/// A fingerprint of what is written to it (FNV-1a in 128 bits): decisions are not kept.
struct Hasher {
    bytes: u64,
    lines: u64,
    state: u128,
}

impl Default for Hasher {
    fn default() -> Hasher {
        Hasher { bytes: 0, lines: 0, state: 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d }
    }
}

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            self.state =
                (self.state ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
            self.lines += u64::from(*byte == b'\n');
        }
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
