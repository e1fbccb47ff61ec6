//! The pages of diagnostics as tests: their name, their examples and their fixes.

use crate::repository::{read, tracked};

/// What an example of a page promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// To have no diagnostics.
    Clean,
    /// To give this diagnostic and no other.
    Gives(String),
    /// Not known here.
    Unclear(String),
}

/// An example.
#[derive(Clone, Debug)]
pub struct Example {
    /// Line of its fence, from 1.
    pub line: usize,
    /// What it promises.
    pub promise: Promise,
    /// Its text.
    pub text: String,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The file's name without its ending.
    pub name: String,
    /// All of it.
    pub text: String,
    /// In the order of the text.
    pub examples: Vec<Example>,
}

/// The names of the pages, sorted.
pub fn names() -> Vec<String> {
    let page = |path: String| {
        let name = path.strip_prefix("docs/diagnostics/")?.strip_suffix(".md")?;
        (!name.contains('/') && name != "README" && name != "index").then(|| name.to_owned())
    };
    tracked().into_iter().filter_map(page).collect()
}

/// A page by its name.
pub fn page(name: &str) -> Page {
    let text = read(&format!("docs/diagnostics/{name}.md"));
    Page { name: name.to_owned(), examples: examples(&text), text }
}

/// The `rule` fences of a page: `rule` is clean, `rule error=NAME` and `rule warning=NAME` give that diagnostic.
pub fn examples(page: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut open: Option<Example> = None;
    for (index, line) in page.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim_end() == "```" => examples.extend(open.take()),
            Some(example) => {
                example.text.push_str(line);
                example.text.push('\n');
            }
            None => {
                let Some(info) = line.strip_prefix("```rule") else { continue };
                let info = info.trim();
                let name = info.strip_prefix("error=").or_else(|| info.strip_prefix("warning="));
                let promise = match (info, name) {
                    ("", _) => Promise::Clean,
                    (_, Some(name)) => Promise::Gives(name.to_owned()),
                    (other, None) => Promise::Unclear(other.to_owned()),
                };
                open = Some(Example { line: index + 1, promise, text: String::new() });
            }
        }
    }
    examples.extend(
        open.map(|open| Example { promise: Promise::Unclear("it is not closed".to_owned()), ..open }),
    );
    examples
}
