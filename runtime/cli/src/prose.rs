//! Prose on paper: sections laid out as lines of a terminal, as Markdown and as HTML.
//!
//! Refuses to know what they say. Whatever an author wrote is escaped here.

use crate::excerpt::plain;
use perq_prose::{Block, Language, Phrase, Piece, Section};
use std::fmt::Write as _;

/// A section's head in words: what it is, and its title.
pub fn head(section: &Section, language: Language) -> String {
    match &section.title {
        Some(title) => format!("{} {}", section.kind.title(language), language.quoted(title)),
        None => section.kind.title(language).to_owned(),
    }
}

/// As lines of so many columns.
pub fn text(section: &Section, language: Language, width: usize) -> String {
    let mut out = format!("{} (`{}`)\n\n", plain(&head(section, language)), plain(&section.name));
    for block in &section.blocks {
        let (indent, mark) = match block.depth {
            0 => (0, "• "),
            1 => (2, "– "),
            more => (usize::from(more.min(12)) * 2, "· "),
        };
        wrapped(&plain(&block.text.to_string()), indent, mark, width, &mut out);
    }
    out
}

/// Breaks at blanks alone; a number and its unit stay together.
fn wrapped(text: &str, indent: usize, mark: &str, width: usize, out: &mut String) {
    let mut column = 0;
    for (position, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if position == 0 {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(mark);
            column = indent + 2;
        } else if column + 1 + length > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2));
            column = indent + 2;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

/// Text of somebody else's in Markdown: nothing in it is a sign.
fn markdown_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in plain(text).chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// A phrase in Markdown.
pub fn markdown_phrase(phrase: &Phrase) -> String {
    let mut out = String::new();
    for piece in &phrase.0 {
        match piece {
            Piece::Words(text) | Piece::Title(text) => out.push_str(&markdown_escaped(text)),
            // A name has no backquote in it, but for a quoted one.
            Piece::Name(name) => {
                let _ = write!(out, "`{}`", plain(name).replace('`', "'"));
            }
        }
    }
    out
}

/// A heading in Markdown.
pub fn markdown_heading(level: usize, text: &str) -> String {
    format!("{} {}\n", "#".repeat(level), markdown_escaped(text))
}

/// As Markdown below a heading of this level.
pub fn markdown(section: &Section, language: Language, level: usize) -> String {
    let title = match &section.title {
        Some(title) => markdown_escaped(title),
        None => format!("`{}`", plain(&section.name).replace('`', "'")),
    };
    let mut out = format!("{} {title}\n\n", "#".repeat(level));
    let kind = section.kind.title(language);
    let _ = writeln!(out, "{kind} `{}`\n", plain(&section.name).replace('`', "'"));
    out.push_str(&markdown_blocks(&section.blocks));
    out
}

/// Sentences as a list.
pub fn markdown_blocks(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        out.extend(std::iter::repeat_n(' ', usize::from(block.depth) * 2));
        let _ = writeln!(out, "- {}", markdown_phrase(&block.text));
    }
    if !blocks.is_empty() {
        out.push('\n');
    }
    out
}

/// Text in HTML.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A phrase in HTML; names that `link` knows lead there.
pub fn html_phrase(phrase: &Phrase, link: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for piece in &phrase.0 {
        match piece {
            Piece::Words(text) | Piece::Title(text) => out.push_str(&escaped(text)),
            Piece::Name(name) => {
                let code = format!("<code>{}</code>", escaped(name));
                match link(name) {
                    Some(address) => {
                        let _ = write!(out, "<a href=\"{}\">{code}</a>", escaped(&address));
                    }
                    None => out.push_str(&code),
                }
            }
        }
    }
    out
}

/// Sentences as lists inside lists.
pub fn html_blocks(blocks: &[Block], link: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut open = 0_u8;
    for (position, block) in blocks.iter().enumerate() {
        // One deeper at a time: a list stands in an entry of the one above it.
        let depth = block.depth.min(open).saturating_add(1);
        if depth > open {
            out.push_str("<ul>");
            open += 1;
        } else {
            out.push_str("</li>");
            while open > depth {
                out.push_str("</ul></li>");
                open -= 1;
            }
        }
        if position > 0 {
            out.push('\n');
        }
        let _ = write!(out, "<li>{}", html_phrase(&block.text, link));
    }
    if open > 0 {
        out.push_str("</li>");
        for _ in 1..open {
            out.push_str("</ul></li>");
        }
        out.push_str("</ul>\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(depth: u8, text: &str) -> Block {
        Block { depth, text: Phrase::words(text) }
    }

    #[test]
    fn lists_open_and_close() {
        let blocks = [block(0, "a"), block(1, "b"), block(2, "c"), block(0, "d"), block(1, "<e>")];
        let html = html_blocks(&blocks, &|_| None);
        assert_eq!(
            html.replace('\n', ""),
            "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d<ul><li>&lt;e&gt;</li></ul></li></ul>"
        );
    }

    #[test]
    fn nothing_of_an_author_is_a_sign() {
        assert_eq!(markdown_escaped("*a* [b](c) <d>"), "\\*a\\* \\[b\\](c) \\<d\\>");
        assert_eq!(escaped("<script>\"'&"), "&lt;script&gt;&quot;&#39;&amp;");
    }
}
