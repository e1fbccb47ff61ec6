//! `perq doc`: a static site about a programme, for readers of its rules. It loads nothing from elsewhere, and the same rules make
//! the same pages.

use super::calendar::picture;
use super::terms;
use crate::args;
use crate::output::Output;
use crate::programme::{Programme, find_one};
use crate::prose::{escaped, html_blocks};
use crate::{Exit, Failure, Outcome};
use perq_compiler::calendar::date_text;
use perq_compiler::ir::RuleId;
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::Place;
use perq_prose::{Book, Entry, Kind, Language, Section, Terms, Timetable, day};
use perq_runtime::trials::{Engines, Trials};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Runs it.
///
/// # Errors
/// Where the programme cannot be read or the pages not be written.
pub fn run(options: &args::Doc, output: &mut Output) -> Outcome {
    let range = match (&options.from, &options.to) {
        (Some(from), Some(to)) => match (day(from), day(to)) {
            (Some(from), Some(to)) if from <= to && to - from < super::calendar::MAX_DAYS => Some((from, to)),
            _ => return Err(Failure::new(format!("{from} through {to} is no range of days for a calendar"))),
        },
        (None, None) | (Some(_), None) | (None, Some(_)) => None,
    };
    let programme = find_one(&options.path)?;
    let Some(study) = programme.study("doc", output)? else { return Ok(Exit::Findings) };
    let book = Book::new(&study);
    let trials = run_tests(&programme)?;
    let site = Site {
        book: &book,
        sources: &study.compilation.sources,
        language: options.lang.language(),
        trials,
        addresses: addresses(&book),
    };
    let pages = site.pages(range);
    std::fs::create_dir_all(&options.output).map_err(|error| Failure::file(&options.output, &error))?;
    for (name, text) in &pages {
        let path = options.output.join(name);
        std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    }
    let names: Vec<&str> = pages.iter().map(|(name, _)| *name).collect();
    output.note(&format!("{} pages are in {}", pages.len(), options.output.display()));
    output.object("doc", json!({ "language": site.language.code(), "pages": names }));
    Ok(Exit::Clean)
}

/// What became of a test, in the order of the programme.
struct Tested {
    name: String,
    place: Place,
    passed: bool,
    /// Names of the rules that give something in it.
    fired: BTreeSet<String>,
}

fn run_tests(programme: &Programme) -> Result<Vec<Tested>, Failure> {
    let mut compilation = programme.compile()?;
    let Some(program) = compilation.program.take() else { return Ok(Vec::new()) };
    let trials =
        Trials::new(&compilation.typed, &compilation.sources, Arc::new(program), Engines::Interpreter)
            .and_then(|trials| trials.parameters(&programme.config.parameters()))
            .map_err(|error| Failure::new(error.to_string()))?;
    let name = |id: &RuleId| compilation.typed.rules.get(id.index()).map(|rule| rule.name.clone());
    Ok(trials
        .run_all()
        .into_iter()
        .map(|outcome| Tested {
            passed: outcome.passed(),
            fired: outcome.fired.iter().filter_map(name).collect(),
            name: outcome.name,
            place: outcome.place,
        })
        .collect())
}

/// The pages, each with what it tells of.
const PAGES: [(&str, [&str; 3], &[Kind]); 6] = [
    ("rules.html", ["Rules", "Правила", "Regole"], &[Kind::Group, Kind::Rule]),
    (
        "points.html",
        ["Points and levels", "Баллы и уровни", "Punti e livelli"],
        &[Kind::Account, Kind::Tiers, Kind::Badge],
    ),
    (
        "coupons.html",
        ["Coupons and certificates", "Купоны и сертификаты", "Coupon e certificati"],
        &[Kind::Coupon, Kind::Certificate],
    ),
    ("paying.html", ["Paying with points", "Оплата баллами", "Pagamento con punti"], &[Kind::Redemption]),
    ("offers.html", ["Offers", "Предложения", "Offerte"], &[Kind::Offer, Kind::Arbitration, Kind::Contacts]),
    (
        "words.html",
        ["Words and data", "Понятия и данные", "Termini e dati"],
        &[
            Kind::Param,
            Kind::Define,
            Kind::Table,
            Kind::Segment,
            Kind::Counter,
            Kind::Template,
            Kind::Enum,
            Kind::Reference,
            Kind::Record,
            Kind::Extend,
            Kind::Event,
            Kind::Ensure,
        ],
    ),
];

/// The page that tells of a kind.
fn page_of(kind: Kind) -> &'static str {
    PAGES.iter().find(|(_, _, kinds)| kinds.contains(&kind)).map_or("index.html", |(page, _, _)| page)
}

/// Whether the engine carries it out as a rule.
fn gives(kind: Kind) -> bool {
    matches!(kind, Kind::Rule | Kind::Coupon | Kind::Redemption)
}

/// Where each declaration stands, by its position; versions have a number.
fn addresses(book: &Book<'_>) -> Vec<String> {
    let mut seen: BTreeMap<(Kind, &str), usize> = BTreeMap::new();
    book.entries()
        .iter()
        .map(|entry| {
            let version = seen.entry((entry.kind, entry.name)).or_insert(0);
            *version += 1;
            let number = if *version > 1 { format!("-{version}") } else { String::new() };
            format!("{}-{}{number}", entry.kind.word(), entry.name)
        })
        .collect()
}

struct Site<'a, 'b> {
    book: &'b Book<'a>,
    sources: &'b SourceMap,
    language: Language,
    trials: Vec<Tested>,
    /// Ids, one for each declaration.
    addresses: Vec<String>,
}

const STYLE: &str = ":root{color-scheme:light dark}*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1b1b1b;background:#fff}\
nav{padding:1rem 1.5rem;border-bottom:1px solid #ddd;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;align-items:baseline}nav b{margin-right:.6rem}\
main{max-width:62rem;margin:0 auto;padding:1rem 1.5rem 4rem}h1{font-size:1.7rem}h2{font-size:1.3rem;margin-top:2.6rem;border-bottom:1px solid #ccc}\
h3{font-size:1.08rem;margin:1.8rem 0 .2rem}ul{padding-left:1.3rem;margin:.3rem 0}a{color:#1a5fa0}code,pre{font:.86rem/1.45 ui-monospace,monospace;overflow-wrap:anywhere}\
pre{overflow-x:auto;background:#f4f6f8;padding:.7rem;border-radius:.4rem;white-space:pre-wrap}details{margin:.4rem 0}summary{cursor:pointer;color:#555}\
.k{color:#555;font-weight:normal;font-size:.82em}.n{color:#a3380f}.y{color:#1c6b36}.scroll{overflow-x:auto}:target{background:#fff3c4}\
@media(prefers-color-scheme:dark){body{color:#ececec;background:#16181a}nav,h2{border-color:#3a3d40}a{color:#7db7ea}pre{background:#1e2124}\
summary,.k{color:#b5b5b5}.n{color:#f0a27a}.y{color:#7fd09a}:target{background:#4a4215}}";

impl<'a> Site<'a, '_> {
    fn say(&self, texts: [&'static str; 3]) -> &'static str {
        self.language.pick(&texts)
    }

    /// Where the first declaration of some kinds stands that has this name.
    fn link(&self, name: &str, is_meant: impl Fn(Kind) -> bool) -> Option<String> {
        let entries = self.book.entries();
        let position = entries.iter().position(|entry| entry.name == name && is_meant(entry.kind))?;
        Some(format!("{}#{}", page_of(entries.get(position)?.kind), self.addresses.get(position)?))
    }

    /// Sentences in which names lead to what explains them, and those of a group's rules to the rules. Other names are fields
    /// and values, whatever else has the same name.
    fn sentences(&self, section: &Section) -> String {
        html_blocks(&section.blocks, &|name| {
            if section.mentions.contains(name) && name != section.name {
                return self.link(name, Kind::explains);
            }
            let is_group = section.kind == Kind::Group;
            is_group.then(|| self.link(name, |kind| kind == Kind::Rule)).flatten()
        })
    }

    /// All pages, by name.
    fn pages(&self, range: Option<(i64, i64)>) -> Vec<(&'static str, String)> {
        let mut bodies: Vec<(&'static str, &'static str, String)> = Vec::new();
        for (page, titles, kinds) in PAGES {
            let body = self.declarations(kinds);
            if !body.is_empty() {
                bodies.push((page, self.language.pick(&titles), body));
            }
        }
        if !self.trials.is_empty() {
            bodies.push(("tests.html", self.say(["Tests", "Тесты", "Test"]), self.tests()));
        }
        if let Some((from, to)) = range {
            let table = Timetable::of(self.book, from, to, self.language);
            let svg = picture::svg(&table, &self.book.title(self.language), self.language);
            let body = format!(
                "<p>{} – {}</p>\n<div class=\"scroll\">\n{svg}</div>\n",
                date_text(from),
                date_text(to)
            );
            bodies.push(("calendar.html", self.say(["Calendar", "Календарь", "Calendario"]), body));
        }
        let terms = Terms::of(self.book, self.language);
        bodies.push(("terms.html", terms.heading, terms::body(&terms, self.language)));
        let overview = self.say(["Overview", "Обзор", "Panoramica"]);
        bodies.insert(0, ("index.html", overview, self.overview()));
        let navigation: Vec<(&str, &str)> = bodies.iter().map(|(page, title, _)| (*page, *title)).collect();
        bodies.iter().map(|(page, title, body)| (*page, self.page(page, title, body, &navigation))).collect()
    }

    fn page(&self, page: &str, title: &str, body: &str, navigation: &[(&str, &str)]) -> String {
        let program = escaped(&self.book.title(self.language));
        let mut out = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{} – {program}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<nav><b>{program}</b>",
            self.language.code(),
            escaped(title)
        );
        for (address, title) in navigation {
            let current = if *address == page { " aria-current=\"page\"" } else { "" };
            let _ = write!(out, " <a href=\"{address}\"{current}>{}</a>", escaped(title));
        }
        let _ = write!(out, "</nav>\n<main>\n<h1>{}</h1>\n{body}</main>\n</body>\n</html>\n", escaped(title));
        out
    }

    fn title(&self, entry: &Entry<'a>) -> String {
        let title = self.book.title_of(entry, self.language);
        title.map_or_else(|| format!("<code>{}</code>", escaped(entry.name)), |title| escaped(&title))
    }

    /// The programme itself, its rules in the order of settlement, and what tests make of them.
    fn overview(&self) -> String {
        let mut out = String::new();
        for entry in self.book.entries().iter().filter(|entry| entry.kind == Kind::Program) {
            out.push_str(&self.sentences(&self.book.linked(entry, self.language)));
        }
        let rules: Vec<&Entry<'a>> =
            self.book.entries().iter().filter(|entry| entry.kind == Kind::Rule).collect();
        let covered = rules.iter().filter(|rule| self.is_covered(rule.name)).count();
        if !rules.is_empty() {
            let _ = writeln!(out, "<h2>{}</h2>", self.say(["Rules", "Правила", "Regole"]));
            let _ = writeln!(
                out,
                "<p>{}: {covered} / {}</p>",
                self.say([
                    "Rules that give something in a test",
                    "Правила, которые что-то дают в тестах",
                    "Regole che danno qualcosa in un test"
                ]),
                rules.len()
            );
        }
        for group in &self.book.study().compilation.typed.groups {
            let of_group = |entry: &&Entry<'a>| entry.kind == Kind::Group && entry.name == group.name;
            let Some(entry) = self.book.entries().iter().find(of_group) else { continue };
            let _ = writeln!(
                out,
                "<h3><a href=\"rules.html#group-{}\">{}</a></h3>\n<ul>",
                escaped(entry.name),
                self.title(entry)
            );
            for (position, rule) in self.book.entries().iter().enumerate() {
                if rule.kind != Kind::Rule || rule.group().as_deref() != Some(&group.name) {
                    continue;
                }
                let address = self.addresses.get(position).map(String::as_str).unwrap_or_default();
                let _ = writeln!(
                    out,
                    "<li><a href=\"rules.html#{}\">{}</a>{}</li>",
                    escaped(address),
                    self.title(rule),
                    self.mark(rule)
                );
            }
            out.push_str("</ul>\n");
        }
        out
    }

    fn is_covered(&self, rule: &str) -> bool {
        self.trials.iter().any(|test| test.fired.contains(rule))
    }

    fn mark(&self, rule: &Entry<'a>) -> String {
        if rule.is_switched_off() {
            let off = self.say(["not in effect", "не действует", "non in vigore"]);
            format!(" <span class=\"k\">({off})</span>")
        } else if self.is_covered(rule.name) {
            String::new()
        } else {
            let never = self.say([
                "gives nothing in any test",
                "ни в одном тесте ничего не даёт",
                "non dà nulla in nessun test",
            ]);
            format!(" <span class=\"n\">({never})</span>")
        }
    }

    /// The declarations of some kinds: groups in the order of settlement with their rules, others as they stand.
    fn declarations(&self, kinds: &[Kind]) -> String {
        let mut out = String::new();
        if kinds.contains(&Kind::Rule) {
            for group in &self.book.study().compilation.typed.groups {
                for (position, entry) in self.book.entries().iter().enumerate() {
                    let is_group = entry.kind == Kind::Group && entry.name == group.name;
                    if is_group {
                        self.declaration(position, entry, 2, &mut out);
                    }
                }
                for (position, entry) in self.book.entries().iter().enumerate() {
                    if entry.kind == Kind::Rule && entry.group().as_deref() == Some(&group.name) {
                        self.declaration(position, entry, 3, &mut out);
                    }
                }
            }
            return out;
        }
        for kind in kinds {
            for (position, entry) in self.book.entries().iter().enumerate() {
                if entry.kind == *kind {
                    self.declaration(position, entry, 3, &mut out);
                }
            }
        }
        out
    }

    fn declaration(&self, position: usize, entry: &Entry<'a>, level: usize, out: &mut String) {
        let address = self.addresses.get(position).map(String::as_str).unwrap_or_default();
        let _ = writeln!(
            out,
            "<h{level} id=\"{}\">{} <span class=\"k\">{} <code>{}</code></span></h{level}>",
            escaped(address),
            self.title(entry),
            escaped(entry.kind.title(self.language)),
            escaped(entry.name)
        );
        // Words are links here, and need not be explained below each rule.
        out.push_str(&self.sentences(&self.book.linked(entry, self.language)));
        if gives(entry.kind) && !self.trials.is_empty() {
            let tests: Vec<String> = self
                .trials
                .iter()
                .enumerate()
                .filter(|(_, test)| test.fired.contains(entry.name))
                .map(|(number, test)| {
                    format!("<a href=\"tests.html#test-{}\">{}</a>", number + 1, escaped(&test.name))
                })
                .collect();
            if tests.is_empty() {
                let _ = writeln!(out, "<p>{}</p>", self.mark(entry).trim());
            } else {
                let _ = writeln!(
                    out,
                    "<details><summary>{} ({})</summary>\n<ul><li>{}</li></ul></details>",
                    self.say([
                        "Tests in which it gives something",
                        "Тесты, где оно что-то даёт",
                        "Test in cui dà qualcosa"
                    ]),
                    tests.len(),
                    tests.join("</li>\n<li>")
                );
            }
        }
        self.source(entry.place, out);
    }

    /// The text of a place, with its file and line.
    fn source(&self, place: Place, out: &mut String) {
        let Some(source) = self.sources.get(place.file) else { return };
        let (start, end) = (place.span.start as usize, place.span.end as usize);
        let Some(text) = source.text.get(start..end) else { return };
        let before = source.text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        // The first line stands where its indentation was.
        let indent: String =
            before.rsplit('\n').next().unwrap_or_default().chars().take_while(|c| *c == ' ').collect();
        let text: Vec<&str> =
            text.lines().map(|line| line.strip_prefix(indent.as_str()).unwrap_or(line)).collect();
        let file = source.path.rsplit('/').next().unwrap_or(&source.path);
        let lines: Vec<String> = text.iter().map(|line| escaped(line)).collect();
        let _ = writeln!(
            out,
            "<details><summary>{} {}:{line}</summary>\n<pre>{}</pre></details>",
            self.say(["Source", "Исходный текст", "Sorgente"]),
            escaped(file),
            lines.join("\n")
        );
    }

    fn tests(&self) -> String {
        let passed = self.trials.iter().filter(|test| test.passed).count();
        let mut out = format!(
            "<p>{}: {passed} / {}</p>\n",
            self.say(["Tests that pass", "Успешные тесты", "Test superati"]),
            self.trials.len()
        );
        for (number, test) in self.trials.iter().enumerate() {
            let (class, word) = if test.passed {
                ("y", self.say(["passes", "успешно", "superato"]))
            } else {
                ("n", self.say(["fails", "не проходит", "non superato"]))
            };
            let _ = writeln!(
                out,
                "<h3 id=\"test-{}\">{} <span class=\"{class}\">{word}</span></h3>",
                number + 1,
                escaped(&test.name)
            );
            if !test.fired.is_empty() {
                let rules: Vec<String> = test
                    .fired
                    .iter()
                    .map(|rule| {
                        let code = format!("<code>{}</code>", escaped(rule));
                        match self.link(rule, gives) {
                            Some(address) => format!("<a href=\"{}\">{code}</a>", escaped(&address)),
                            None => code,
                        }
                    })
                    .collect();
                let _ = writeln!(
                    out,
                    "<p>{}: {}</p>",
                    self.say([
                        "Rules that give something",
                        "Правила, которые что-то дают",
                        "Regole che danno qualcosa"
                    ]),
                    rules.join(", ")
                );
            }
            let all_of_it = self.book.entries().iter().find(|entry| {
                let (all, name) = (entry.place, test.place);
                entry.kind == Kind::Test
                    && all.file == name.file
                    && (all.span.start..all.span.end).contains(&name.span.start)
            });
            self.source(all_of_it.map_or(test.place, |entry| entry.place), &mut out);
        }
        out
    }
}
