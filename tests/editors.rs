//! What editors are answered about every text that the project has, and the grammars that colour them.

use perq_compiler::pipeline::{Input, NoFiles};
use perq_grammar::diagnostic::FileId;
use perq_grammar::lex::{TokenClass, TokenKind};
use perq_ide::Analysis;
use perq_tests::{read, tracked};
use std::collections::BTreeSet;

/// Rule texts of the cases, the samples, the peers and the examples.
fn texts() -> Vec<(String, String)> {
    let rules = tracked().into_iter().filter(|path| path.ends_with(".rule"));
    rules
        .filter_map(|path| {
            Some((path.clone(), std::fs::read_to_string(perq_tests::root().join(&path)).ok()?))
        })
        .collect()
}

fn analysis(path: &str, text: &str) -> Analysis {
    Analysis::new(&[Input { path: path.to_owned(), text: text.to_owned() }], &NoFiles)
}

#[test]
fn every_place_of_every_text_has_its_answers() {
    const FILE: FileId = FileId(0);
    for (path, text) in texts().into_iter().filter(|(_, text)| text.len() < 20_000) {
        let whole = analysis(&path, &text);
        // The text as somebody writes it: cut off in places, so that it is broken in many ways.
        let mut offset = 0;
        while offset <= text.len() {
            if text.is_char_boundary(offset) {
                let _ = whole.hover(FILE, offset);
                let _ = whole.definitions(FILE, offset);
                let _ = whole.references(FILE, offset, true);
                let _ = whole.can_rename(FILE, offset);
            }
            offset += 7;
        }
        for part in 1..4 {
            let mut cut = text.len() * part / 4;
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            let broken = analysis(&path, &text[..cut]);
            let _ = broken.completions(FILE, &text[..cut], cut);
            let _ = whole.completions(FILE, &text, cut);
            let _ = (broken.outline(FILE), broken.folds(FILE), broken.colours(FILE), broken.formatted(FILE));
            let diagnostics = broken.diagnostics().to_vec();
            let _ = broken.actions(&diagnostics, FILE, 0, cut);
        }
    }
}

/// What is known of one file alone answers as the whole programme does, at all of its places: a large one is not waited for.
#[test]
fn one_file_alone_is_answered_as_in_its_programme() {
    use perq_compiler::pipeline::Kept;
    let mut compared = 0;
    for example in
        ["rules-examples/supermarket/", "rules-examples/call-centre/", "rules-examples/online-retail/"]
    {
        let inputs: Vec<Input> = texts()
            .into_iter()
            .filter(|(path, _)| path.starts_with(example))
            .map(|(path, text)| Input { path, text })
            .collect();
        let whole = Analysis::new(&inputs, &NoFiles);
        let kept = Kept::default();
        for (number, input) in (0u32..).zip(&inputs) {
            let file = FileId(number);
            let alone = Analysis::alone(&inputs, &NoFiles, &kept, &input.path).expect("it is there");
            assert_eq!(alone.colours(file), whole.colours(file), "{}", input.path);
            for offset in (0..input.text.len()).step_by(11).filter(|at| input.text.is_char_boundary(*at)) {
                let at = format!("{} {offset}", input.path);
                assert_eq!(alone.hover(file, offset), whole.hover(file, offset), "{at}");
                assert_eq!(alone.definitions(file, offset), whole.definitions(file, offset), "{at}");
                let own = |analysis: &Analysis| {
                    let mut places = analysis.references(file, offset, true);
                    places.retain(|place| place.file == file);
                    places
                };
                assert_eq!(own(&alone), own(&whole), "{at}");
                if offset % 7 == 0 {
                    let text = &input.text;
                    let completions = |analysis: &Analysis| analysis.completions(file, text, offset);
                    assert_eq!(completions(&alone), completions(&whole), "{at}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared} places");
    assert!(Analysis::alone(&[], &NoFiles, &Kept::default(), "none").is_none());
}

#[test]
fn repairs_can_be_applied_and_mend_what_they_are_for() {
    let mut applied = 0;
    for (path, text) in texts().into_iter().filter(|(_, text)| text.len() < 20_000) {
        let before = analysis(&path, &text);
        let diagnostics = before.diagnostics().to_vec();
        for action in before.actions(&diagnostics, FileId(0), 0, text.len()) {
            let span = action.edit.place.span;
            let range = span.start as usize..span.end as usize;
            let mut after = text.clone();
            assert!(text.get(range.clone()).is_some(), "{path}: {action:?}");
            after.replace_range(range, &action.edit.text);
            let now = analysis(&path, &after);
            let of = &diagnostics[action.diagnostic];
            let count = |all: &[perq_grammar::diagnostic::Diagnostic]| {
                all.iter().filter(|found| found.name == of.name && found.message == of.message).count()
            };
            assert!(
                count(now.diagnostics()) < count(&diagnostics),
                "{path}: {} is still said after {action:?}",
                of.name
            );
            applied += 1;
        }
    }
    assert!(applied > 50, "{applied} repairs");
}

/// Each page of a diagnostic has a text that gives it: what it offers there as a text to put in a place can be chosen in the
/// editor, and nothing else can.
#[test]
fn each_repair_with_a_text_can_be_chosen() {
    let (mut chosen, mut clauses) = (BTreeSet::new(), BTreeSet::new());
    for name in perq_tests::pages::names() {
        for example in perq_tests::pages::page(&name).examples {
            let whole = analysis("page.rule", &example.text);
            let diagnostics = whole.diagnostics().to_vec();
            let actions = whole.actions(&diagnostics, FileId(0), 0, example.text.len());
            for (at, found) in diagnostics.iter().enumerate() {
                let of_it: Vec<_> = actions.iter().filter(|action| action.diagnostic == at).collect();
                for repair in found.repairs.iter().filter(|repair| repair.edit.is_some()) {
                    let action = of_it.iter().find(|action| action.title == repair.text);
                    assert!(action.is_some(), "{}: {repair:?}", found.name);
                }
                // A clause that the words quote has no place yet: the editor finds the declaration around.
                let quotes = ["missing-clause", "missing-on-price"].contains(&found.name);
                assert!(!quotes || !of_it.is_empty(), "{name}: {found:?}");
                chosen.extend(of_it.first().map(|_| found.name));
                clauses.extend(of_it.iter().filter(|_| quotes).map(|action| action.title.clone()));
                for action in of_it {
                    let span = action.edit.place.span;
                    let mut after = example.text.clone();
                    after.replace_range(span.start as usize..span.end as usize, &action.edit.text);
                    let now = analysis("page.rule", &after);
                    let count = |all: &[perq_grammar::diagnostic::Diagnostic]| {
                        all.iter()
                            .filter(|one| one.name == found.name && one.message == found.message)
                            .count()
                    };
                    assert!(count(now.diagnostics()) < count(&diagnostics), "{name}: {action:?}\n{after}");
                }
            }
        }
    }
    assert!(chosen.len() >= 58, "{} diagnostics can be mended from their place: {chosen:?}", chosen.len());
    assert!(
        clauses.contains("write `on_price original`") && clauses.contains("write `on_price running`"),
        "{clauses:?}"
    );
}

/// A programme of several files as somebody writes it: words and lines come and go at random. What is said without reading again
/// what is as it was is what is said from scratch, word for word, lints with it; and what is said at once of the file that is
/// typed in are its errors as they are found from scratch, but for ties, which are between rules of any files.
#[test]
fn what_is_kept_changes_no_answer() {
    let example = |name: &str| -> Vec<Input> {
        let of_it =
            |path: &String| path.starts_with(&format!("rules-examples/{name}/")) && path.ends_with(".rule");
        tracked().into_iter().filter(of_it).map(|path| Input { text: read(&path), path }).collect()
    };
    let mut programmes =
        vec![perq_tests::many::programme(40), example("online-retail"), example("supermarket")];
    programmes.push(vec![
        Input {
            path: "a.rule".to_owned(),
            text: "language 1\nprogram p { currency EUR zone \"Europe/Rome\" rounding half_up }\n\
                account bonus { unit points decimals 0 round down per basket worth 100 points = 1 EUR }\n\
                template tenth { with step: money = 10 EUR  then award 1 points * steps of step in basket.paid }\n\
                group earn { kind earn displace first per basket on purchase limit 50 points per transaction else cut }\n"
                .to_owned(),
        },
        Input {
            path: "b.rule".to_owned(),
            text: "language 1\nrule one from template tenth in group earn { priority 20 }\n\
                rule two in group earn { priority 10 when basket.paid > 5 EUR then award 3 points }\n"
                .to_owned(),
        },
        Input {
            path: "c.rule".to_owned(),
            text: "language 1\nrule three was one_more in group earn { priority 30 then award 2 points }\n\
                test \"t\" { given purchase at 2026-03-02 10:15 { line { sku = \"A\", pieces = 1 pcs, price = 9 EUR } } \
                expect award 2 points by rule three }\n"
                .to_owned(),
        },
    ]);
    let words = [
        "group",
        "earn",
        "{",
        "}",
        "points",
        "5%",
        "EUR",
        "then",
        "award",
        "when",
        "=",
        "member",
        "known",
        "prices",
        "one",
        "priority 20",
        "was three",
        "\"",
        "#",
        "template",
        "limit 10 points per transaction else cut",
        "rule x in group earn",
    ];
    let levels = perq_compiler::lint::Levels::default();
    let options = perq_compiler::lint::Options {
        today: None,
        zones: &perq_runtime::clock::ClockChanges,
        names: &perq_compiler::lint::NoNames,
        levels: &levels,
    };
    let said = |mut analysis: Analysis| {
        analysis.lint(&options);
        analysis.diagnostics().to_vec()
    };
    let (mut compared, mut broken, mut seed) = (0, 0, 0x2545_f491_4f6c_dd1d_u64);
    let mut random = |most: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % most.max(1) as u64) as usize
    };
    for start in programmes {
        let kept = perq_compiler::pipeline::Kept::default();
        let mut inputs = start.clone();
        for turn in 0..45 {
            if turn % 15 == 0 {
                // All of it back: also what was broken for long must be forgotten.
                inputs.clone_from(&start);
            }
            let file = random(inputs.len());
            let text = &mut inputs[file].text;
            let tokens: Vec<_> = perq_grammar::lex::lex(text);
            if !tokens.is_empty() {
                let token = tokens[random(tokens.len())].span;
                let (from, to) = (token.start as usize, token.end as usize);
                match random(4) {
                    0 => text.replace_range(from..to, ""),
                    1 => text.insert_str(from, &format!(" {} ", words[random(words.len())])),
                    2 => text.replace_range(from..to, words[random(words.len())]),
                    _ => {
                        let line = text[..from].rfind('\n').map_or(0, |at| at + 1);
                        let end = text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
                        let copy = text[line..end].to_owned();
                        if random(2) == 0 {
                            text.replace_range(line..end, "")
                        } else {
                            text.insert_str(line, &copy)
                        }
                    }
                }
            }
            let scratch = said(Analysis::new(&inputs, &NoFiles));
            assert_eq!(said(Analysis::again(&inputs, &NoFiles, &kept)), scratch, "{}", inputs[file].text);
            let path = inputs[file].path.clone();
            let looked =
                perq_compiler::pipeline::look_at(&inputs, &NoFiles, &kept, &path).expect("a file of it");
            let errors = |all: &[perq_grammar::diagnostic::Diagnostic]| -> Vec<_> {
                let of_file = all.iter().filter(|found| found.place.file.0 as usize == file);
                of_file
                    .filter(|one| one.severity == perq_grammar::diagnostic::Severity::Error)
                    .filter(|one| one.name != "priority-tie" && one.name != "too-many-errors")
                    .cloned()
                    .collect()
            };
            assert_eq!(errors(&looked.diagnostics), errors(&scratch), "{path}:\n{}", inputs[file].text);
            compared += 1;
            broken += usize::from(!errors(&scratch).is_empty());
        }
    }
    assert!(compared == 180 && broken > 60, "{broken} of {compared} are broken");
}

/// The words of a list in a grammar of an editor.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn textmate() -> serde_json::Value {
    serde_json::from_str(&read("editors/vscode/syntaxes/perq.tmLanguage.json")).expect("JSON")
}

#[test]
fn each_keyword_is_in_the_grammars_of_the_editors() {
    let keywords: BTreeSet<String> =
        perq_grammar::complete::keywords().into_iter().map(str::to_owned).collect();
    let textmate = textmate();
    let matched = textmate["repository"]["keywords"]["match"].as_str().expect("keywords").to_owned();
    let listed = matched.trim_start_matches("\\b(?:").trim_end_matches(")\\b");
    assert_eq!(words(listed), keywords, "editors/vscode/syntaxes/perq.tmLanguage.json");
    let vim = read("editors/vim/syntax/perq.vim");
    let listed: BTreeSet<String> = vim
        .lines()
        .filter_map(|line| line.strip_prefix("syntax keyword perqKeyword "))
        .flat_map(|line| line.split_whitespace().map(str::to_owned))
        .collect();
    assert_eq!(listed, keywords, "editors/vim/syntax/perq.vim");
}

/// How many bytes of a text's beginning a pattern matches.
type Pattern = fn(&str) -> usize;

/// The first token that one of the patterns makes at the beginning of a text, tried in their order: what an editor does,
/// for the patterns that this grammar has.
fn first(text: &str) -> Option<(&'static str, usize)> {
    // Kept beside the grammar's own patterns by the test below.
    let rules: [(&'static str, Pattern); 5] = [
        ("comment", |text| if text.starts_with('#') { line(text) } else { 0 }),
        ("string", string),
        ("date", date),
        ("number", number),
        ("word", |text| {
            text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum()
        }),
    ];
    rules.into_iter().find_map(|(name, rule)| Some((name, rule(text))).filter(|(_, length)| *length > 0))
}

fn line(text: &str) -> usize {
    text.find(['\n', '\r']).unwrap_or(text.len())
}

fn string(text: &str) -> usize {
    let Some(rest) = text.strip_prefix('"') else { return 0 };
    let mut escaped = false;
    for (at, character) in rest.char_indices() {
        if character == '\n' || character == '\r' {
            return at + 1;
        }
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == '"' {
            return at + 2;
        }
    }
    text.len()
}

fn digits(text: &str, shape: &str) -> usize {
    let mut bytes = text.bytes();
    for expected in shape.bytes() {
        let fits = bytes
            .next()
            .is_some_and(|byte| if expected == b'0' { byte.is_ascii_digit() } else { byte == expected });
        if !fits {
            return 0;
        }
    }
    shape.len()
}

fn date(text: &str) -> usize {
    [digits(text, "0000-00-00"), digits(text, "00:00:00"), digits(text, "00:00")]
        .into_iter()
        .find(|n| *n > 0)
        .unwrap_or(0)
}

fn number(text: &str) -> usize {
    let whole: usize = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'_').count();
    if whole == 0 || text.starts_with('_') {
        return 0;
    }
    let rest = &text[whole..];
    if ["st", "nd", "rd", "th"].iter().any(|end| rest.starts_with(end)) {
        return whole + 2;
    }
    let fraction =
        rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if fraction > 0 { whole + 1 + fraction } else { whole }
}

#[test]
fn the_colouring_of_editors_cuts_texts_as_the_lexer_does() {
    // The patterns as they stand in the grammar are those that `first` tries, and in its order.
    let textmate = textmate();
    let order: Vec<&str> =
        textmate["patterns"].as_array().unwrap().iter().map(|p| p["include"].as_str().unwrap()).collect();
    assert_eq!(
        order,
        [
            "#documentation",
            "#comments",
            "#strings",
            "#dates",
            "#numbers",
            "#declarations",
            "#fields",
            "#keywords",
            "#constants",
            "#operators",
        ]
    );
    let repository = &textmate["repository"];
    let pattern = |name: &str| repository[name]["match"].as_str().unwrap_or("").to_owned();
    assert_eq!(pattern("comments"), "#[^\\r\\n]*");
    assert_eq!(pattern("dates"), "\\b(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)\\b");
    assert_eq!(pattern("numbers"), "\\b[0-9]+(?:_[0-9]+)*(?:st|nd|rd|th|\\.[0-9]+)?(?:[ \\t]*%)?");
    let mut compared = 0;
    for (path, text) in texts() {
        let parsed = perq_grammar::parse(FileId(0), &text);
        if !parsed.diagnostics.is_empty() {
            continue;
        }
        for token in parsed.tokens {
            let at = token.span.start as usize;
            let expected = match token.kind {
                TokenKind::Comment | TokenKind::Documentation => "comment",
                TokenKind::String => "string",
                TokenKind::Date | TokenKind::Time => "date",
                TokenKind::Number | TokenKind::Ordinal => "number",
                TokenKind::Word | TokenKind::Keyword => "word",
                _ => {
                    assert_ne!(token.kind.class(), TokenClass::Mistake, "{path}");
                    continue;
                }
            };
            let length = (token.span.end - token.span.start) as usize;
            assert_eq!(first(&text[at..]), Some((expected, length)), "{path}: {:?}", token.text(&text));
            compared += 1;
        }
    }
    assert!(compared > 10_000, "{compared} tokens");
}

#[test]
fn the_extension_says_what_it_needs() {
    let package: serde_json::Value =
        serde_json::from_str(&read("editors/vscode/package.json")).expect("JSON");
    assert_eq!(package["contributes"]["languages"][0]["extensions"], serde_json::json!([".rule"]));
    for path in [
        package["main"].as_str().unwrap(),
        package["contributes"]["grammars"][0]["path"].as_str().unwrap(),
        package["contributes"]["languages"][0]["configuration"].as_str().unwrap(),
    ] {
        let path = format!("editors/vscode/{}", path.trim_start_matches("./"));
        assert!(tracked().contains(&path), "{path}");
    }
    assert!(read("editors/vscode/extension.js").contains("\"lsp\""));
}

/// What `vsce package` asks of an extension, as far as its folder says: who it is, for which editor, and that what it names is
/// in the package. It was packaged with `@vscode/vsce` 4.1.0, which a machine without a registry does not have.
#[test]
fn the_extension_can_be_packaged() {
    let package: serde_json::Value =
        serde_json::from_str(&read("editors/vscode/package.json")).expect("JSON");
    let text = |at: &str| package.pointer(at).and_then(serde_json::Value::as_str).unwrap_or("").to_owned();
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    assert!(is_word(&text("/name")) && is_word(&text("/publisher")), "{package}");
    let version: Vec<Option<u32>> = text("/version").split('.').map(|part| part.parse().ok()).collect();
    assert!(matches!(version.as_slice(), [Some(_), Some(_), Some(_)]), "{version:?}");
    for field in ["/displayName", "/description", "/license", "/engines/vscode"] {
        assert!(!text(field).is_empty(), "{field}");
    }
    // Without events of its own an editor starts it for the languages and commands that it contributes.
    assert!(package["activationEvents"].as_array().is_some_and(Vec::is_empty), "{package}");
    let commands = package["contributes"]["commands"].as_array().expect("commands");
    let extension = read("editors/vscode/extension.js");
    for command in commands {
        let name = command["command"].as_str().expect("a name");
        assert!(extension.contains(&format!("\"{name}\"")), "nothing registers {name}");
    }
    // Whatever it loads is there: its own files, the editor's interface, and what it says that it depends on.
    for part in extension.split("require(\"").skip(1) {
        let name = part.split('"').next().unwrap_or("").split('/').next().unwrap_or("");
        let known = name == "vscode" || package["dependencies"].get(name).is_some();
        assert!(known, "{name} is no dependency");
    }
    let readme = read("editors/vscode/README.md");
    assert!(readme.len() > 200 && !readme.contains("This is the README"), "{readme}");
    // What git leaves out, and what would be packaged needlessly, is left out: but nothing that is named.
    let left_out = read("editors/vscode/.vscodeignore");
    for path in ["extension.js", "syntaxes", "language-configuration.json", "package.json"] {
        assert!(!left_out.lines().any(|line| line.trim() == path), "{path}");
    }
}
