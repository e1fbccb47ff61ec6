//! `perq terms`: terms and conditions for members, made of the rules, as Markdown or as one page of HTML.

use crate::args;
use crate::output::Output;
use crate::programme::find_one;
use crate::prose::{escaped, html_blocks, markdown, markdown_blocks, markdown_heading};
use crate::{Exit, Failure, Outcome};
use perq_prose::{Book, Language, Section, Terms};
use serde_json::json;
use std::fmt::Write as _;

/// Runs it.
///
/// # Errors
/// Where the programme cannot be read or the document not be written.
pub fn run(options: &args::Terms, output: &mut Output) -> Outcome {
    let programme = find_one(&options.path)?;
    let Some(study) = programme.study("terms", output)? else { return Ok(Exit::Findings) };
    let language = options.lang.language();
    let terms = Terms::of(&Book::new(&study), language);
    let text = if options.html { page(&terms, language) } else { document(&terms, language) };
    match &options.output {
        Some(path) => {
            std::fs::write(path, &text).map_err(|error| Failure::file(path, &error))?;
            output.note(&format!("{} is written", path.display()));
        }
        None => output.say(text.trim_end())?,
    }
    let form = if options.html { "html" } else { "markdown" };
    output.object("terms", json!({ "language": language.code(), "form": form, "text": text }));
    Ok(Exit::Clean)
}

/// As Markdown.
fn document(terms: &Terms, language: Language) -> String {
    let mut out = format!("{}\n", markdown_heading(1, &format!("{}: {}", terms.title, terms.heading)));
    for chapter in &terms.chapters {
        let _ = writeln!(out, "{}", markdown_heading(2, &chapter.title));
        out.push_str(&markdown_blocks(&chapter.blocks));
        for (level, section) in &chapter.sections {
            out.push_str(&markdown(section, language, level.saturating_add(2)));
        }
    }
    out
}

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;\
padding:1.5rem;color:#1b1b1b;background:#fff}h1{font-size:1.7rem}h2{font-size:1.35rem;margin-top:2.4rem;\
border-bottom:1px solid #ccc}h3{font-size:1.1rem;margin-bottom:.3rem}h4{font-size:1rem;margin-bottom:.2rem}\
ul{padding-left:1.3rem;margin:.3rem 0}code{font:.88em ui-monospace,monospace;overflow-wrap:anywhere}.k{color:#555;font-weight:normal;font-size:.85em}\
@media(prefers-color-scheme:dark){body{color:#ececec;background:#16181a}h2{border-color:#444}.k{color:#b5b5b5}}";

fn section_html(section: &Section, level: usize, language: Language, out: &mut String) {
    let title = match &section.title {
        Some(title) => escaped(title),
        None => format!("<code>{}</code>", escaped(&section.name)),
    };
    let kind = section.kind.title(language);
    let name = escaped(&section.name);
    let level = level.saturating_add(2);
    let _ = writeln!(out, "<h{level}>{title} <span class=\"k\">{kind} <code>{name}</code></span></h{level}>");
    out.push_str(&html_blocks(&section.blocks, &|_| None));
}

/// As a page that loads nothing.
fn page(terms: &Terms, language: Language) -> String {
    let title = escaped(&format!("{}: {}", terms.title, terms.heading));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
        language.code()
    );
    out.push_str(&body(terms, language));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// The chapters in HTML.
pub fn body(terms: &Terms, language: Language) -> String {
    let mut out = String::new();
    for chapter in &terms.chapters {
        let _ = writeln!(out, "<h2>{}</h2>", escaped(&chapter.title));
        out.push_str(&html_blocks(&chapter.blocks, &|_| None));
        for (level, section) in &chapter.sections {
            section_html(section, *level, language, &mut out);
        }
    }
    out
}
