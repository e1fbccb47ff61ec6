//! What the checker accepts and refuses: programs and the diagnostics they must give.

use perq_compiler::check::{Checked, SourceTree, check};
use perq_grammar::diagnostic::{Diagnostic, FileId};

fn tree(file: u32, path: &str, text: &str) -> (SourceTree, Vec<Diagnostic>) {
    let parsed = perq_grammar::parse(FileId(file), text);
    (
        SourceTree { file: FileId(file), path: path.into(), text: text.into(), tree: parsed.tree },
        parsed.diagnostics,
    )
}

fn check_text(text: &str) -> Checked {
    let (source, syntax) = tree(0, "a.rule", text);
    let mut checked = check(&[source], &[]);
    checked.diagnostics.extend(syntax);
    checked
}

fn show(diagnostics: &[Diagnostic], text: &str) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let span = diagnostic.place.span;
            let quoted = text.get(span.start as usize..span.end as usize).unwrap_or("?");
            let repairs: Vec<&str> = diagnostic.repairs.iter().map(|repair| repair.text.as_str()).collect();
            format!(
                "  {} at `{quoted}`: {}\n    {}\n",
                diagnostic.name,
                diagnostic.message,
                repairs.join("\n    ")
            )
        })
        .collect()
}

#[test]
fn scratch() {
    let mut sources = Vec::new();
    let mut syntax = Vec::new();
    for (position, path) in std::env::var("SCRATCH").unwrap_or_default().split(':').enumerate() {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let (source, found) = tree(position as u32, path, &text);
        sources.push(source);
        syntax.extend(found);
    }
    let mut checked = check(&sources, &[]);
    checked.diagnostics.extend(syntax);
    for source in &sources {
        let own: Vec<Diagnostic> =
            checked.diagnostics.iter().filter(|d| d.place.file == source.file).cloned().collect();
        println!("{} {}\n{}", source.path, own.len(), show(&own, &source.text));
    }
    if std::env::var("TREE").is_ok() {
        println!("{:#?}", checked.program);
    }
}
