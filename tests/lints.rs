//! Every lint has its page, whose example gives exactly its finding and whose fix has none; safe repairs mend it; the
//! example programmes and those of the documentation have no findings; and no text ends the lints.

use libtest_mimic::{Arguments, Failed, Trial};
use perq_compiler::lint::{LINTS, Level, Levels, Lint, Names, NoNames, Options, day};
use perq_compiler::pipeline::{self, Compilation, Files, Input};
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::{Diagnostic, Severity};
use perq_runtime::catalogue::{Catalogue, LackingNames};
use perq_runtime::clock::ClockChanges;
use perq_tests::pages::{self, Promise};
use perq_tests::{read, say, tracked};
use std::collections::BTreeSet;

/// Every file that a page imports.
const COMMON: &str = "language 1\nsegment regulars = member known\n";

/// What imports find here.
struct Common;

impl Files for Common {
    fn import(&self, _from: &str, path: &str) -> Result<Input, String> {
        Ok(Input { path: path.to_owned(), text: COMMON.to_owned() })
    }
}

/// Lints files as `perq lint` does; for the page of a lint as with `--today 2026-11-22`, and the lint switched on where it
/// is off.
fn linted(files: &[(String, String)], on: Option<&Lint>) -> (Compilation, Vec<Diagnostic>) {
    let inputs: Vec<Input> =
        files.iter().map(|(path, text)| Input { path: path.clone(), text: text.clone() }).collect();
    let mut levels = Levels::default();
    if let Some(lint) = on.filter(|lint| lint.level == Level::Allow) {
        assert!(levels.set(lint.name, Level::Warn));
    }
    let today = on.and_then(|_| day("2026-11-22"));
    let given = on.and_then(|lint| table(&inputs, lint));
    let names: &dyn Names = given.as_ref().map_or(&NoNames, |given| given);
    let options = Options { today, zones: &ClockChanges, names, levels: &levels };
    pipeline::lint(&inputs, &Common, &options)
}

/// What the table of products of a lint's page, where it has one, lacks of the names in a text.
fn table(inputs: &[Input], lint: &Lint) -> Option<LackingNames> {
    let page = read(&format!("docs/lints/{}.md", lint.name));
    let (_, rest) = page.split_once("```csv\n")?;
    let (table, _) = rest.split_once("\n```")?;
    let catalogue = Catalogue::builder().products_csv(table.as_bytes()).expect("a table").build();
    let program = pipeline::compile(inputs, &Common).program?;
    Some(LackingNames::of(&program, &catalogue))
}

fn said(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| say::diagnostic(sources, diagnostic)).collect()
}

fn main() {
    let mut trials = vec![
        Trial::test("every lint has a page and every page a lint", pages_and_lints),
        Trial::test("comments speak of what is below or beside them", comments),
        Trial::test("what only looks contradictory is not", only_looks),
        Trial::test("what contradicts itself is found", contradicts),
        Trial::test("long texts are linted in time that grows as they do", long_texts),
        Trial::test("what checking refuses ends no lint", || no_text_ends_them(&cases(), 20)),
        Trial::test("cut and mixed texts end no lint", || no_text_ends_them(&mangled(), 1_000)),
    ];
    for lint in LINTS {
        trials.push(Trial::test(format!("page {}", lint.name), move || page(lint)));
    }
    for (name, files) in programmes() {
        trials.push(Trial::test(format!("no findings in {name}"), move || {
            let (compilation, findings) = linted(&files, None);
            if compilation.has_errors() || findings.is_empty() {
                return Ok(());
            }
            Err(Failed::from(said(&compilation.sources, &findings)))
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn pages_and_lints() -> Result<(), Failed> {
    let pages: BTreeSet<String> = tracked()
        .iter()
        .filter_map(|path| path.strip_prefix("docs/lints/")?.strip_suffix(".md").map(str::to_owned))
        .collect();
    let lints: BTreeSet<String> = LINTS.iter().map(|lint| lint.name.to_owned()).collect();
    assert_eq!(lints.len(), LINTS.len(), "two lints of one name");
    let diagnostics: BTreeSet<String> = pages::names().into_iter().collect();
    let both: Vec<&String> = lints.intersection(&diagnostics).collect();
    assert!(both.is_empty(), "lints with the name of a diagnostic: {both:?}");
    if pages == lints {
        Ok(())
    } else {
        Err(Failed::from(format!("{:?}", pages.symmetric_difference(&lints))))
    }
}

/// (what stands above the rule, above its `then`, behind its effect, and above the next rule; what is found).
type Commented = ([&'static str; 4], &'static [(&'static str, Severity)]);

fn comments() -> Result<(), Failed> {
    use Severity::{Error, Warning};
    const LIMIT: (&str, Severity) = ("missing-limit", Warning);
    let cases: &[Commented] = &[
        (["", "", "", ""], &[LIMIT, LIMIT]),
        (["# lint allow missing-limit: why", "", "", ""], &[LIMIT]),
        (["# lint allow money: why", "", "", ""], &[LIMIT]),
        (["# lint deny missing-limit: why", "", "", ""], &[("missing-limit", Error), LIMIT]),
        (["", "# lint allow missing-limit: why", "", ""], &[LIMIT]),
        (["", "", "# lint allow missing-limit: why", ""], &[LIMIT]),
        // The nearer one wins, and the other has no effect then.
        (
            ["# lint deny missing-limit: why", "# lint allow missing-limit: why", "", ""],
            &[("lint-without-effect", Warning), LIMIT],
        ),
        (["# lint allow missing-limit: why", "", "", "# lint allow missing-limit: why"], &[]),
        (["# lint allow missing-limit", "", "", ""], &[("lint-without-reason", Warning), LIMIT]),
        (
            ["# lint allow missing-limit, same-title: why", "", "", ""],
            &[("lint-without-effect", Warning), LIMIT],
        ),
        (["# lint allow no-such: why", "", "", ""], &[("unknown-lint", Error), LIMIT, LIMIT]),
        // What is off is switched on by its name, for what the comment speaks of.
        (["# lint warn missing-title: why", "", "", ""], &[("missing-title", Warning), LIMIT, LIMIT]),
        // Prose is no comment of this kind.
        (["# lint of the wool, see allow", "", "", ""], &[LIMIT, LIMIT]),
    ];
    for ([rule, then, effect, next], expected) in cases {
        let text = format!(
            "language 1\nprogram demo {{ currency EUR zone \"Europe/Rome\" rounding half_up }}\n\
             account bonus {{ unit points decimals 0 round down per basket worth 1 points = 1 EUR }}\n\
             group earn {{ kind earn displace none on purchase }}\n\
             {rule}\nrule one in group earn {{\n{then}\nthen award 1 points * count(lines) {effect}\n}}\n\
             {next}\nrule two in group earn {{ when basket.paid > 1 EUR then award 1 points * count(units) }}\n"
        );
        let (compilation, findings) = linted(&[("a.rule".to_owned(), text.clone())], None);
        let found: Vec<(&str, Severity)> =
            findings.iter().map(|finding| (finding.name, finding.severity)).collect();
        if !compilation.diagnostics.is_empty() || found != *expected {
            let said = said(&compilation.sources, &findings);
            return Err(Failed::from(format!("{text}\n{expected:?} expected, found\n{said}")));
        }
    }
    Ok(())
}

/// The findings about one condition of a rule of members.
fn about(condition: &str) -> Result<Vec<&'static str>, Failed> {
    let text = format!(
        "language 1\nprogram demo {{ currency EUR zone \"Europe/Rome\" rounding half_up }}\n\
         account bonus {{ unit points decimals 0 round down per basket worth 1 points = 1 EUR }}\n\
         enum Tier ordered {{ base, silver, gold }}\nextend member {{ tier: Tier = base }}\n\
         param rate: percent = 5%\nparam most: money = 50 EUR in 10 EUR through 100 EUR\n\
         define share() gives percent = rate\ndefine bound() gives money = most\n\
         group earn {{ kind earn displace none on purchase when member known }}\n\
         rule one in group earn {{\n  when {condition}\n  then award share() of min(basket.paid, bound()) as points\n}}\n"
    );
    let (compilation, findings) = linted(&[("a.rule".to_owned(), text)], None);
    if !compilation.diagnostics.is_empty() {
        return Err(Failed::from(say::diagnostics(&compilation)));
    }
    Ok(findings.iter().map(|finding| finding.name).collect())
}

fn only_looks() -> Result<(), Failed> {
    for condition in [
        "basket.paid >= 10 EUR and basket.paid <= 10 EUR",
        "purchase not in channel \"web\" and purchase.channel unknown",
        "purchase.channel known and purchase not in channel \"web\"",
        "rate > 0%",
        "rate <= 100%",
        "most > 10 EUR",
        "most != 10 EUR and most < 100 EUR",
        "member.tier > base and member.tier < gold",
        "member.tier != base and member.tier != gold",
        "any(lines where line.paid > 10 EUR) and any(lines where line.paid < 5 EUR)",
        "basket.paid > 10 EUR or basket.paid < 5 EUR",
        "any(lines where line in category \"Tea\") and any(lines where not line in category \"Tea\")",
        "sum(line.paid for lines) > 10 EUR and sum(line.initial for lines) < 5 EUR",
        "purchase in channel [\"web\", \"app\"] and purchase not in channel \"web\"",
        "any(lines) and all(lines where line.paid > 1 EUR)",
        "not (basket.paid > 10 EUR and member.tier = base)",
        "member.tier in [base, silver] and (member.tier = base or basket.paid > 10 EUR)",
    ] {
        let found = about(condition)?;
        if !found.is_empty() {
            return Err(Failed::from(format!("`{condition}`: {found:?}")));
        }
    }
    Ok(())
}

fn contradicts() -> Result<(), Failed> {
    for (condition, expected) in [
        ("basket.paid > 10 EUR and basket.paid < 10 EUR", "never-matches"),
        ("member.tier = gold and member.tier = silver", "never-matches"),
        ("member.tier > gold", "never-matches"),
        ("member.tier >= base", "always-true"),
        ("member.tier > base and member.tier < silver", "never-matches"),
        ("most > 100 EUR", "never-matches"),
        ("most <= 100 EUR", "always-true"),
        ("count(lines) < 0", "never-matches"),
        ("purchase in channel \"web\" and purchase in channel \"app\"", "never-matches"),
        ("purchase in channel \"web\" and purchase.channel unknown", "never-matches"),
        ("purchase in channel \"web\" and purchase not in channel [\"web\", \"app\"]", "never-matches"),
        ("any(lines) and not any(lines)", "never-matches"),
        ("event.date < 2026-01-01 and event.date > 2026-06-01", "never-matches"),
        ("(member.tier = gold and member.tier = silver) or basket.paid > 10 EUR", "never-true"),
        ("basket.paid > 10 EUR or basket.paid <= 10 EUR", "always-true"),
        ("basket.paid > 10 EUR or basket.paid > 20 EUR", "implied-condition"),
        ("basket.paid > 10 EUR and basket.paid != 5 EUR", "implied-condition"),
        ("any(lines where line.paid > 5 EUR and line.paid < 5 EUR)", "selects-nothing"),
        ("basket.paid > 10 EUR and 10 EUR < basket.paid", "repeated-condition"),
        ("member.tier = gold or member.tier = silver", "one-of-many"),
    ] {
        let found = about(condition)?;
        if found != [expected] {
            return Err(Failed::from(format!("`{condition}`: {found:?}, not {expected}")));
        }
    }
    Ok(())
}

/// Lists that a square of their length would show: each of these is a few thousand long.
fn long_texts() -> Result<(), Failed> {
    const MANY: usize = 4_000;
    let joined =
        |part: &dyn Fn(usize) -> String, by: &str| (0..MANY).map(part).collect::<Vec<String>>().join(by);
    let rule =
        |condition: &str| format!("rule one in group earn {{ when {condition} then award 10 points }}\n");
    let texts = [
        rule(&joined(&|number| format!("basket.paid != {number} EUR"), " and ")),
        rule(&joined(&|number| format!("basket.paid > {number} EUR"), " and ")),
        rule(&joined(&|number| format!("purchase not in channel \"{number}\""), "\nwhen ")),
        rule(&format!("purchase in channel [{}]", joined(&|number| format!("\"{number}\""), ", "))),
        rule(&format!("count(lines){} > 3", joined(&|number| format!(" + {number}"), ""))),
        joined(
            &|number| format!("# lint allow missing-limit: {number}\nparam p{number}: percent = 1%"),
            "\n",
        ),
        joined(
            &|number| {
                format!("rule r{number} in group earn {{ when basket.paid > 1 EUR then award 1 points }}")
            },
            "\n",
        ),
        joined(
            &|number| format!("define d{number}() gives percent = d{}() + d{}()", number + 1, number + 1),
            "\n",
        ) + &format!("\ndefine d{MANY}() gives percent = 1%\n"),
    ];
    for text in texts {
        let text = format!(
            "language 1\nprogram demo {{ currency EUR zone \"Europe/Rome\" rounding half_up }}\n\
             account bonus {{ unit points decimals 0 round down per basket worth 1 points = 1 EUR }}\n\
             group earn {{ kind earn displace none on purchase }}\n{text}"
        );
        let started = std::time::Instant::now();
        let (compilation, _) = linted(&[("a.rule".to_owned(), text.clone())], None);
        let taken = started.elapsed();
        // A second is plenty where nothing is optimised; squares would take minutes. Machines may be busy.
        if taken.as_secs() > 30 {
            let head: String = text.chars().skip(250).take(200).collect();
            return Err(Failed::from(format!("{taken:?} for {head}…")));
        }
        if let Some(error) = compilation.diagnostics.first() {
            return Err(Failed::from(say::diagnostic(&compilation.sources, error)));
        }
    }
    Ok(())
}

fn page(lint: &'static Lint) -> Result<(), Failed> {
    // Off the disk, so that a page can be mended without building the compiler anew.
    let page = read(&format!("docs/lints/{}.md", lint.name));
    if page.lines().next() != Some(format!("# {}", lint.name).as_str()) {
        return Err(Failed::from(format!("the page does not open with `# {}`", lint.name)));
    }
    if !page.contains(&format!("Group `{}`;", lint.group.name())) {
        return Err(Failed::from("the page does not say the lint's group"));
    }
    let level = match lint.level {
        Level::Allow => "; off where",
        Level::Warn => "; a warning where",
        Level::Deny => "; an error where",
    };
    if !page.contains(level) || page.contains("--fix` mends") != lint.fixes {
        return Err(Failed::from("the page does not say the lint's level, or whether it can be mended"));
    }
    let examples = pages::examples(&page);
    let gives = |promise: &Promise| *promise == Promise::Unclear(format!("lint={}", lint.name));
    if !examples.iter().any(|example| gives(&example.promise)) {
        return Err(Failed::from(format!("there is no ```rule lint={} example", lint.name)));
    }
    if !examples.iter().any(|example| example.promise == Promise::Clean) {
        return Err(Failed::from("there is no ```rule example that shows it mended"));
    }
    for example in &examples {
        let expected = if gives(&example.promise) { vec![lint.name] } else { Vec::new() };
        let mut text = example.text.clone();
        let (compilation, findings) = linted(&[("example.rule".to_owned(), text.clone())], Some(lint));
        if !compilation.diagnostics.is_empty() {
            return Err(Failed::from(say::diagnostics(&compilation)));
        }
        let names: BTreeSet<&str> = findings.iter().map(|finding| finding.name).collect();
        if names.into_iter().collect::<Vec<_>>() != expected {
            let said = said(&compilation.sources, &findings);
            return Err(Failed::from(format!("line {}: {expected:?} promised, found\n{said}", example.line)));
        }
        match perq_grammar::format(&text) {
            Ok(formatted) if formatted == text => {}
            Ok(_) | Err(_) => return Err(Failed::from(format!("line {}: not laid out", example.line))),
        }
        if !lint.fixes {
            continue;
        }
        for _ in 0..8 {
            let (_, findings) = linted(&[("example.rule".to_owned(), text.clone())], Some(lint));
            let mut edits = findings.iter().filter_map(|finding| finding.repairs.first()?.edit.as_ref());
            let Some(edit) = edits.next() else { break };
            text.replace_range(edit.place.span.start as usize..edit.place.span.end as usize, &edit.text);
        }
        let (compilation, findings) = linted(&[("example.rule".to_owned(), text.clone())], Some(lint));
        if !findings.is_empty() || !compilation.diagnostics.is_empty() {
            return Err(Failed::from(format!("its repairs leave:\n{text}")));
        }
    }
    Ok(())
}

/// The programmes of `rules-examples`, and each whole one of the documentation.
fn programmes() -> Vec<(String, Vec<(String, String)>)> {
    let mut all: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for path in tracked() {
        if let Some(rest) = path.strip_prefix("rules-examples/").filter(|_| path.ends_with(".rule")) {
            let name = rest.split('/').next().unwrap_or("").to_owned();
            let text = read(&path);
            match all.iter_mut().find(|(known, _)| *known == name) {
                Some((_, files)) => files.push((path, text)),
                None => all.push((name, vec![(path, text)])),
            }
        } else if path.starts_with("docs/cookbook/")
            || path.starts_with("docs/language/")
            || path == "docs/tutorial.md"
            || path.starts_with("docs/diagnostics/")
        {
            for example in pages::examples(&read(&path)) {
                // On pages of diagnostics nothing but the diagnostic is shown.
                if example.promise == Promise::Clean && !path.starts_with("docs/diagnostics/") {
                    let name = format!("{path}:{}", example.line);
                    all.push((name.clone(), vec![(name, example.text)]));
                }
            }
        } else if path.starts_with("runtime/cli/src/commands/new/") && path.ends_with(".rule") {
            match all.iter_mut().find(|(known, _)| known == "a new programme") {
                Some((_, files)) => files.push((path.clone(), read(&path))),
                None => all.push(("a new programme".to_owned(), vec![(path.clone(), read(&path))])),
            }
        }
    }
    all
}

/// Every text of a rule in the repository.
fn cases() -> Vec<String> {
    let mut texts = Vec::new();
    for path in tracked() {
        if path.ends_with(".rule") {
            texts.push(read(&path));
        } else if path.starts_with("docs/") && path.ends_with(".md") {
            texts.extend(pages::examples(&read(&path)).into_iter().map(|example| example.text));
        }
    }
    texts
}

/// Texts of which every third line is gone, is another's, or is there twice.
fn mangled() -> Vec<String> {
    let cases = cases();
    let small: Vec<&String> = cases.iter().filter(|text| text.len() < 6_000).collect();
    let other = small.iter().cycle().skip(7);
    let mut texts = Vec::new();
    for (text, other) in small.iter().zip(other).step_by(2) {
        for phase in 0..3 {
            let (mut cut, mut mixed, mut doubled) = (String::new(), String::new(), String::new());
            let mut others = other.lines().cycle();
            for (index, line) in text.lines().enumerate() {
                let hit = index % 3 == phase;
                let push = |text: &mut String, line: &str| {
                    text.push_str(line);
                    text.push('\n');
                };
                if !hit {
                    push(&mut cut, line);
                }
                push(&mut mixed, if hit { others.next().unwrap_or("") } else { line });
                push(&mut doubled, line);
                if hit {
                    push(&mut doubled, line);
                }
            }
            texts.extend([cut, mixed, doubled]);
        }
    }
    texts
}

/// `few`: at least one of so many texts has no errors, so that the lints see it.
fn no_text_ends_them(texts: &[String], few: usize) -> Result<(), Failed> {
    let all: Levels = {
        let mut levels = Levels::default();
        LINTS.iter().for_each(|lint| assert!(levels.set(lint.name, Level::Warn)));
        levels
    };
    let mut reached = 0;
    for text in texts {
        let input = Input { path: "a.rule".to_owned(), text: text.clone() };
        let options =
            Options { today: day("2026-11-22"), zones: &ClockChanges, names: &NoNames, levels: &all };
        let (compilation, findings) = pipeline::lint(&[input], &Common, &options);
        reached += usize::from(!compilation.has_errors());
        for finding in &findings {
            let shown = say::diagnostic(&compilation.sources, finding);
            assert!(!shown.is_empty());
            for edit in finding.repairs.iter().filter_map(|repair| repair.edit.as_ref()) {
                let span = edit.place.span.start as usize..edit.place.span.end as usize;
                assert!(text.get(span).is_some(), "an edit between the bytes of a letter: {shown}");
            }
        }
    }
    let enough = reached * few > texts.len();
    if enough {
        Ok(())
    } else {
        Err(Failed::from(format!("{reached} of {} texts reach the lints", texts.len())))
    }
}
