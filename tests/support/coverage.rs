//! Which mechanics of the catalogue (`tests/coverage/features.tsv`) the example programmes carry out: an id counts where
//! a declaration names it (`## covers: D05`) and a passing test of that programme asserts exact figures with it.

use crate::{read, root, tracked};
use perq_cli::programme;
use perq_grammar::ast::{Item, ItemKind, Text};
use perq_grammar::diagnostic::FileId;
use perq_runtime::trials::{Engines, Trials};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// A row of the catalogue.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Such as `D05`.
    pub id: String,
    /// What it needs of perq: `L`anguage, kept `S`tate, the `H`ost, a `T`ool.
    pub needs: String,
    /// What it is.
    pub title: String,
}

/// A declaration that claims to carry out a feature.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The example's folder.
    pub example: String,
    /// Such as ``rule `by_class` ``.
    pub declaration: String,
}

/// The catalogue, and who carries out what.
#[derive(Debug)]
pub struct Coverage {
    /// In the catalogue's order.
    pub features: Vec<Feature>,
    /// By id.
    pub covered: BTreeMap<String, BTreeSet<Claim>>,
    /// Claims that do not hold, in words.
    pub wrong: Vec<String>,
}

/// A claim before it is looked into.
struct Claimed {
    id: String,
    declaration: String,
    /// The rule that has to give something in a test.
    rule: Option<String>,
    /// The offer that a test has to show.
    offer: Option<String>,
    /// The test that has to pass.
    test: Option<String>,
}

/// Reads the catalogue and the examples, and runs their tests.
///
/// # Errors
/// Where an example cannot be compiled, or the catalogue cannot be read.
pub fn measure() -> Result<Coverage, String> {
    let mut coverage = Coverage { features: features()?, covered: BTreeMap::new(), wrong: Vec::new() };
    let ids: BTreeSet<String> = coverage.features.iter().map(|feature| feature.id.clone()).collect();
    let mut examples: BTreeMap<String, Vec<Claimed>> = BTreeMap::new();
    for path in tracked() {
        let Some(rest) = path.strip_prefix("rules-examples/").filter(|path| path.ends_with(".rule")) else {
            continue;
        };
        let Some((example, _)) = rest.split_once('/') else { continue };
        let claims = examples.entry(example.to_owned()).or_default();
        for item in &perq_grammar::parse(FileId(0), &read(&path)).tree.items {
            claims_of(item, claims);
        }
    }
    for (example, claims) in examples {
        if !claims.is_empty() {
            look_into(&example, &claims, &ids, &mut coverage)?;
        }
    }
    Ok(coverage)
}

fn features() -> Result<Vec<Feature>, String> {
    let text = read("tests/coverage/features.tsv");
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|row| match row.split('\t').collect::<Vec<_>>().as_slice() {
        [id, needs, title] => {
            Ok(Feature { id: (*id).to_owned(), needs: (*needs).to_owned(), title: (*title).to_owned() })
        }
        _ => Err(format!("not three columns: {row}")),
    })
    .collect()
}

/// The ids after `covers:` in documentation lines.
fn ids(docs: &[Text]) -> impl Iterator<Item = &str> {
    let lines = docs.iter().filter_map(|line| line.value.trim().strip_prefix("covers:"));
    lines.flat_map(|ids| ids.split([' ', ','])).filter(|id| !id.is_empty())
}

fn claims_of(item: &Item, out: &mut Vec<Claimed>) {
    let mut claim = |docs: &[Text], declaration: String, rule: Option<&str>, test: Option<&str>| {
        out.extend(ids(docs).map(|id| Claimed {
            id: id.to_owned(),
            declaration: declaration.clone(),
            rule: rule.map(str::to_owned),
            offer: None,
            test: test.map(str::to_owned),
        }));
    };
    let named = |word: &str, name: &str| format!("{word} `{name}`");
    match &item.kind {
        ItemKind::Rule(rule) => {
            let name = &rule.header.name.text;
            claim(&item.docs, named("rule", name), Some(name), None);
            claim(&rule.docs, named("rule", name), Some(name), None);
        }
        ItemKind::Group(header, clauses) => {
            claim(&item.docs, named("group", &header.name.text), None, None);
            for clause in clauses {
                if let perq_grammar::ast::GroupClause::Rule(rule) = clause {
                    let name = &rule.header.name.text;
                    claim(&rule.docs, named("rule", name), Some(name), None);
                }
            }
        }
        ItemKind::Test(test) => {
            let name = &test.name.value;
            claim(&item.docs, format!("test \"{name}\""), None, Some(name));
        }
        ItemKind::Program(header, _) => claim(&item.docs, named("program", &header.name.text), None, None),
        ItemKind::Account(header, _) => claim(&item.docs, named("account", &header.name.text), None, None),
        ItemKind::Param { header, .. } => claim(&item.docs, named("param", &header.name.text), None, None),
        ItemKind::Table { header, .. } => claim(&item.docs, named("table", &header.name.text), None, None),
        ItemKind::Define { header, .. } => claim(&item.docs, named("define", &header.name.text), None, None),
        ItemKind::Offer(header, _) => {
            let name = &header.name.text;
            out.extend(ids(&item.docs).map(|id| Claimed {
                id: id.to_owned(),
                declaration: named("offer", name),
                rule: None,
                offer: Some(name.clone()),
                test: None,
            }));
        }
        ItemKind::Arbitration(header, _) => {
            claim(&item.docs, named("arbitration", &header.name.text), None, None);
        }
        ItemKind::Ensure(header, _) => claim(&item.docs, named("ensure", &header.name.text), None, None),
        ItemKind::Segment(header, _) => claim(&item.docs, named("segment", &header.name.text), None, None),
        ItemKind::Enum { header, .. } => claim(&item.docs, named("enum", &header.name.text), None, None),
        ItemKind::Counter { header, .. } => {
            claim(&item.docs, named("counter", &header.name.text), None, None)
        }
        ItemKind::Event { name, .. } => claim(&item.docs, named("event", &name.text), None, None),
        ItemKind::Record(name, _) => claim(&item.docs, named("record", &name.text), None, None),
        ItemKind::Extend(name, _) => claim(&item.docs, named("extension of", &name.text), None, None),
        ItemKind::Reference { name, .. } => claim(&item.docs, named("reference", &name.text), None, None),
        ItemKind::Badge(header, _) => claim(&item.docs, named("badge", &header.name.text), None, None),
        ItemKind::Tiers(header, _) => claim(&item.docs, named("tiers", &header.name.text), None, None),
        ItemKind::Coupon(header, _) => claim(&item.docs, named("coupon", &header.name.text), None, None),
        ItemKind::Certificate(header, _) => {
            claim(&item.docs, named("certificate", &header.name.text), None, None);
        }
        ItemKind::Redemption(header, _) => {
            claim(&item.docs, named("redemption", &header.name.text), None, None);
        }
        ItemKind::Template(template) => {
            claim(&item.docs, named("template", &template.header.name.text), None, None);
        }
        ItemKind::Contacts(header, _) => claim(&item.docs, named("contacts", &header.name.text), None, None),
        ItemKind::Language(_) | ItemKind::Use { .. } => {}
    }
}

fn look_into(
    example: &str,
    claims: &[Claimed],
    ids: &BTreeSet<String>,
    coverage: &mut Coverage,
) -> Result<(), String> {
    let folder = root().join("rules-examples").join(example);
    let programme = programme::find_one(&folder).map_err(|failure| format!("{example}: {failure:?}"))?;
    let mut compilation = programme.compile().map_err(|failure| format!("{example}: {failure:?}"))?;
    let program = compilation.program.take().ok_or_else(|| format!("{example} does not compile"))?;
    let program = Arc::new(program);
    let trials =
        Trials::new(&compilation.typed, &compilation.sources, Arc::clone(&program), Engines::Interpreter)
            .map_err(|error| error.to_string())?;
    let outcomes = trials.run_all();
    let exact: Vec<_> = outcomes.iter().filter(|outcome| outcome.passed() && outcome.figures > 0).collect();
    let fired: BTreeSet<&str> = exact
        .iter()
        .flat_map(|outcome| &outcome.fired)
        .filter_map(|rule| program.rules.get(rule.index()).map(|rule| rule.name.as_str()))
        .collect();
    let shown: BTreeSet<&str> = exact
        .iter()
        .flat_map(|outcome| &outcome.offered)
        .filter_map(|offer| program.offers.list.get(*offer as usize).map(|offer| offer.name.as_str()))
        .collect();
    for claim in claims {
        let fault = if !ids.contains(&claim.id) {
            Some("the catalogue has no such id".to_owned())
        } else if claim.rule.as_deref().is_some_and(|rule| !fired.contains(rule)) {
            Some("no passing test with figures lets it give anything".to_owned())
        } else if claim.offer.as_deref().is_some_and(|offer| !shown.contains(offer)) {
            Some("no passing test with figures shows it".to_owned())
        } else if claim.test.as_deref().is_some_and(|test| !exact.iter().any(|outcome| outcome.name == test))
        {
            Some("the test does not pass, or asserts no figure".to_owned())
        } else if exact.is_empty() {
            Some("the example has no passing test with figures".to_owned())
        } else {
            None
        };
        match fault {
            Some(fault) => {
                coverage.wrong.push(format!("{example}, {}, {}: {fault}", claim.declaration, claim.id));
            }
            None => {
                let entry = coverage.covered.entry(claim.id.clone()).or_default();
                entry.insert(Claim { example: example.to_owned(), declaration: claim.declaration.clone() });
            }
        }
    }
    Ok(())
}

/// The page that shows it: sums first, then every row.
pub fn page(coverage: &Coverage) -> String {
    let mut out = String::from(
        "# Coverage\n\nWhich mechanics of loyalty systems the example programmes carry out. A row counts where a declaration names\n\
         its id (`## covers: D05`) and a passing test of that programme asserts exact figures with it. This page is printed by\n\
         `cargo run -p perq-tests --bin coverage`, and a test holds it against the examples.\n\n\
         | | rows | covered | of those that need the language, covered |\n|---|---|---|---|\n",
    );
    let areas = [
        ('D', "discounts"),
        ('B', "points"),
        ('M', "platform"),
        ('C', "reward offers"),
        ('R', "offers in real time"),
        ('S', "sales orders"),
        ('O', "contact plans"),
    ];
    for (area, title) in areas {
        let of_area: Vec<&Feature> =
            coverage.features.iter().filter(|feature| feature.id.starts_with(area)).collect();
        let is_covered = |feature: &&&Feature| coverage.covered.contains_key(&feature.id);
        let language: Vec<&&Feature> = of_area.iter().filter(|feature| feature.needs.contains('L')).collect();
        let covered = of_area.iter().filter(is_covered).count();
        let of_language = language.iter().filter(|feature| is_covered(feature)).count();
        let _ = writeln!(
            out,
            "| {area}: {title} | {} | {covered} | {of_language} of {} |",
            of_area.len(),
            language.len()
        );
    }
    out.push_str(
        "\nNeeds: `L` the language, `S` kept state, `H` a field or a list of the host, `T` a tool.\n",
    );
    let mut area = ' ';
    for feature in &coverage.features {
        let own = feature.id.chars().next().unwrap_or(' ');
        if own != area {
            area = own;
            out.push_str("\n| id | | needs | carried out by |\n|---|---|---|---|\n");
        }
        let by: Vec<String> = coverage
            .covered
            .get(&feature.id)
            .into_iter()
            .flatten()
            .map(|claim| format!("{} in {}", claim.declaration, claim.example))
            .collect();
        let by = if by.is_empty() { "–".to_owned() } else { by.join(", ") };
        let _ = writeln!(out, "| {} | {} | {} | {by} |", feature.id, feature.title, feature.needs);
    }
    out
}
