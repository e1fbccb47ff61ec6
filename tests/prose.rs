//! Rules as prose: every declaration of the examples in three languages, as snapshots that somebody has read; and every
//! construct that some clean programme of the repository uses, told without a hole.

use perq_cli::args::Format;
use perq_cli::output::Output;
use perq_cli::programme::find_one;
use perq_cli::prose;
use perq_compiler::pipeline::Study;
use perq_prose::{Book, Kind, Language, Piece, Reader, Terms};
use perq_tests::{root, scratch, tracked};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is known of the programme at a path; nothing where it has errors.
fn study(path: &Path) -> Option<Study> {
    let (mut output, _) = Output::captured(Format::Human, Vec::new());
    let programme = find_one(path).expect("one programme");
    programme.study("explain", &mut output).expect("readable")
}

fn examples() -> BTreeSet<String> {
    tracked()
        .into_iter()
        .filter_map(|path| {
            let rest = path.strip_prefix("rules-examples/")?.strip_suffix(".rule")?;
            Some(rest.split('/').next()?.to_owned())
        })
        .collect()
}

#[test]
fn the_examples_read_as_they_did() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("tests/prose"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for example in examples() {
        let study = study(&root().join("rules-examples").join(&example)).expect("an example without errors");
        let book = Book::new(&study);
        for language in Language::ALL {
            let mut text = String::new();
            for entry in book.entries().iter().filter(|entry| entry.kind != Kind::Test) {
                let section = book.section(entry, language, Reader::Author);
                text.push_str(&prose::text(&section, language, 120));
                text.push('\n');
            }
            let name = format!("{example}.{}", language.code());
            settings.bind(|| insta::assert_snapshot!(name, text));
        }
    }
}

/// Rule files that are programmes of their own, and the folders of examples.
fn programmes() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = tracked()
        .into_iter()
        .filter(|path| {
            path.ends_with(".rule")
                && ["tests/cases/", "tests/peers/"].iter().any(|folder| path.starts_with(folder))
        })
        .map(|path| root().join(path))
        .collect();
    paths.extend(examples().into_iter().map(|example| root().join("rules-examples").join(example)));
    paths
}

/// A hole of ours is a question mark or what is left of a template.
#[test]
fn every_construct_has_prose() {
    let mut kinds = BTreeSet::new();
    let mut sentences = 0;
    for path in programmes() {
        let Some(study) = study(&path) else { continue };
        let book = Book::new(&study);
        for entry in book.entries() {
            for language in Language::ALL {
                let section = book.section(entry, language, Reader::Author);
                let head = format!("{} of {}, {}", entry.name, path.display(), language.code());
                assert!(!section.blocks.is_empty() || is_bare(entry.kind), "nothing is said of {head}");
                for block in &section.blocks {
                    sentences += 1;
                    let said = block.text.to_string();
                    assert!(!said.is_empty() && said != ".", "an empty sentence of {head}");
                    for piece in &block.text.0 {
                        if let Piece::Words(words) = piece {
                            assert!(!words.contains(['?', '{', '}']), "a hole in {head}: {said}");
                            assert!(!words.contains("  "), "two blanks in {head}: {said}");
                        }
                    }
                }
                kinds.insert(entry.kind);
            }
        }
    }
    let all = [
        Kind::Program,
        Kind::Account,
        Kind::Tiers,
        Kind::Group,
        Kind::Rule,
        Kind::Coupon,
        Kind::Certificate,
        Kind::Badge,
        Kind::Redemption,
        Kind::Offer,
        Kind::Arbitration,
        Kind::Template,
        Kind::Param,
        Kind::Define,
        Kind::Table,
        Kind::Segment,
        Kind::Counter,
        Kind::Enum,
        Kind::Reference,
        Kind::Record,
        Kind::Extend,
        Kind::Event,
        Kind::Test,
    ];
    let missing: Vec<Kind> = all.into_iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "no clean programme declares {missing:?}");
    assert!(sentences > 10_000, "{sentences} sentences");
}

/// A word that only the programme has is said by its account's title in a language that has one, and by itself elsewhere.
#[test]
fn a_unit_of_the_programmes_own_is_called_as_its_account_is() {
    let path = scratch("prose-units").join("units.rule");
    let text = "language 1\n\
                program demo { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
                account beans \"Coffee beans\" {\n  title it \"Chicchi di caffè\"\n  unit beans decimals 0\n  \
                round down per basket\n  worth 1 beans = 1 EUR\n}\n\
                group earn { kind earn displace none on purchase }\n\
                rule five in group earn { then { award 5 beans award 1% of basket.paid as beans } }\n";
    std::fs::write(&path, text).expect("a file");
    let study = study(&path).expect("a clean programme");
    let book = Book::new(&study);
    let rule = book.entries().iter().find(|entry| entry.name == "five").expect("the rule");
    let said = |language| {
        let blocks = book.section(rule, language, Reader::Member).blocks;
        blocks.iter().map(|block| block.text.to_string()).collect::<Vec<_>>().join("\n")
    };
    let italian = said(Language::Italian);
    assert!(italian.contains("5\u{a0}«Chicchi di caffè»"), "{italian}");
    assert!(italian.contains("in «Chicchi di caffè»"), "{italian}");
    let russian = said(Language::Russian);
    assert!(russian.contains("beans") && !russian.contains("Chicchi"), "{russian}");
}

/// What may have nothing to say but its name.
fn is_bare(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Badge
            | Kind::Certificate
            | Kind::Event
            | Kind::Test
            | Kind::Coupon
            | Kind::Record
            | Kind::Extend
    )
}

#[test]
fn terms_hold_every_published_rule_and_nothing_else() {
    for example in examples() {
        let study = study(&root().join("rules-examples").join(&example)).expect("an example without errors");
        let book = Book::new(&study);
        for language in Language::ALL {
            let terms = Terms::of(&book, language);
            let told: Vec<&str> = terms
                .chapters
                .iter()
                .flat_map(|chapter| &chapter.sections)
                .filter(|(_, section)| section.kind == Kind::Rule)
                .map(|(_, section)| section.name.as_str())
                .collect();
            for entry in book.entries().iter().filter(|entry| entry.kind == Kind::Rule) {
                let count = told.iter().filter(|name| **name == entry.name).count();
                if entry.is_switched_off() {
                    assert_eq!(count, 0, "{example}: {} is not in effect", entry.name);
                } else {
                    assert!(count >= 1, "{example}: {} is not told", entry.name);
                }
            }
            for section in terms.chapters.iter().flat_map(|chapter| &chapter.sections) {
                for block in &section.1.blocks {
                    let said = block.text.to_string();
                    assert!(!said.contains("RO-0001"), "governance is not for members: {said}");
                }
            }
        }
    }
}
