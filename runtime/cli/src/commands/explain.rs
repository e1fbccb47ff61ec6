//! `perq explain`: what a declaration says, in sentences; the page of a diagnostic or lint; or the list of all pages.

use crate::args::{self, Format};
use crate::excerpt::{plain, plain_lines};
use crate::output::Output;
use crate::pages::{all, distance, near, page};
use crate::programme::find_one;
use crate::prose;
use crate::{Exit, Failure, Outcome};
use perq_prose::{Book, Entry, Language, Reader, Section};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How `--kind` names the page of a diagnostic or lint.
const DIAGNOSTIC: &str = "diagnostic";

/// Runs it.
///
/// # Errors
/// Where nothing has that name, or several things have.
pub fn run(options: &args::Explain, output: &mut Output) -> Outcome {
    let Some(name) = options.name.as_deref().map(str::trim) else {
        let names: Vec<&str> = all().map(|(name, _)| name).collect();
        for name in &names {
            output.say(name)?;
        }
        output.object("explain", json!({ "names": names }));
        return Ok(Exit::Clean);
    };
    let wanted = |kind: &str| options.kind.as_deref().is_none_or(|wanted| wanted == kind);
    let found_page = page(name).filter(|_| wanted(DIAGNOSTIC));
    // Pages are there without a programme, and whatever is wrong with one.
    if let Some(text) = found_page
        && !is_declared(name, options)
    {
        // A page about a character that steers the terminal has one in its example.
        output.say(&plain_lines(text.trim_end()))?;
        output.object("explain", json!({ "name": name, "page": text }));
        return Ok(Exit::Clean);
    }
    // A folder that nobody named need not hold rules, and these need not be what is asked for.
    let is_unnamed = options.path.as_os_str() == ".";
    let programme = match find_one(&options.path) {
        Ok(programme) => programme,
        Err(_) if is_unnamed => return Err(unknown(name, &[], "")),
        Err(failure) => return Err(failure),
    };
    let (mut silent, _) = Output::captured(Format::Human, Vec::new());
    let heard = if is_unnamed { &mut silent } else { &mut *output };
    let Some(study) = programme.study("explain", heard)? else {
        if is_unnamed {
            return Err(unknown(
                name,
                &[],
                "; the rules of this folder have errors, and nothing is told of them",
            ));
        }
        return Ok(Exit::Findings);
    };
    let book = Book::new(&study);
    let named: Vec<&Entry<'_>> = book.entries().iter().filter(|entry| entry.name == name).collect();
    let found: Vec<&Entry<'_>> = named.iter().copied().filter(|entry| wanted(entry.kind.word())).collect();
    let mut kinds: BTreeSet<&str> = found.iter().map(|entry| entry.kind.word()).collect();
    if found_page.is_some() {
        kinds.insert(DIAGNOSTIC);
    }
    if kinds.len() > 1 {
        let kinds: Vec<&str> = kinds.into_iter().collect();
        return Err(Failure::new(format!(
            "`{}` is the name of several things: {}; say which with --kind",
            plain(name),
            kinds.join(", ")
        )));
    }
    if found.is_empty() {
        if !named.is_empty() || page(name).is_some() {
            let kind = options.kind.as_deref().unwrap_or_default();
            return Err(Failure::new(format!("no `{}` is of kind `{}`", plain(name), plain(kind))));
        }
        let names: Vec<&str> = book.entries().iter().map(|entry| entry.name).collect();
        return Err(unknown(name, &names, ""));
    }
    let language = options.lang.language();
    // Versions of a rule have one name, and each its own period.
    let sections: Vec<Section> =
        found.iter().map(|entry| book.section(entry, language, Reader::Author)).collect();
    let width = output.style().width;
    let texts: Vec<String> = sections.iter().map(|section| prose::text(section, language, width)).collect();
    output.say(texts.join("\n").trim_end())?;
    let sections: Vec<Value> = sections.iter().map(|section| machine(section, language)).collect();
    output.object("explain", json!({ "name": name, "language": language.code(), "sections": sections }));
    Ok(Exit::Clean)
}

/// Whether the programme, where there is one without errors, declares something of the name of a page.
fn is_declared(name: &str, options: &args::Explain) -> bool {
    // Names have no hyphen, but for the texts of tests.
    if name.contains('-') && options.kind.as_deref() != Some("test") {
        return false;
    }
    let (mut silent, _) = Output::captured(Format::Json, Vec::new());
    let study = find_one(&options.path).and_then(|programme| programme.study("explain", &mut silent));
    match study {
        Ok(Some(study)) => Book::new(&study).entries().iter().any(|entry| entry.name == name),
        Ok(None) | Err(_) => false,
    }
}

fn machine(section: &Section, language: Language) -> Value {
    let blocks: Vec<Value> = section
        .blocks
        .iter()
        .map(|block| json!({ "depth": block.depth, "text": block.text.to_string() }))
        .collect();
    json!({
        "kind": section.kind.word(),
        "name": section.name,
        "title": section.title,
        "head": prose::head(section, language),
        "blocks": blocks,
    })
}

fn unknown(name: &str, names: &[&str], remark: &str) -> Failure {
    let wanted = name.to_lowercase();
    let mut nearest: Vec<(usize, &str)> = names
        .iter()
        .map(|known| (distance(&wanted, &known.to_lowercase()), *known))
        .filter(|(far, known)| *far <= known.chars().count() / 2)
        .collect();
    nearest.sort_unstable();
    nearest.dedup();
    let mut near: Vec<String> = nearest
        .into_iter()
        .map(|(_, known)| plain(known))
        .chain(near(name).into_iter().map(str::to_owned))
        .collect();
    near.truncate(3);
    let hint = match near.as_slice() {
        [] => "`perq explain` lists the diagnostics".to_owned(),
        names => format!("did you mean {}?", names.join(", ")),
    };
    Failure::new(format!("there is neither a declaration nor a diagnostic `{}`; {hint}{remark}", plain(name)))
}
