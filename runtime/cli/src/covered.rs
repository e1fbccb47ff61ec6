//! What tests or events reach of a programme: rules that give something, rows of tables and arms of choices that fit; as JSON
//! and in the form of lcov.
//!
//! Counts come from who ran something. Refuses to know what was run.

use crate::excerpt::bounded;
use crate::render;
use perq_compiler::sources::SourceMap;
use perq_compiler::typed;
use perq_grammar::diagnostic::Place;
use perq_grammar::lex::{Token, TokenKind, lex};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A rule, and how often it gives something.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub place: Place,
    /// How often.
    pub times: u64,
}

/// A row of a table or an arm of a choice, and how often it is the one that fits.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its value.
    pub place: Place,
    /// How often.
    pub times: u64,
}

/// What is reached of a programme.
#[derive(Clone, Debug, Default)]
pub struct Covered {
    /// In the order of settlement.
    pub rules: Vec<Rule>,
    /// In the order of files and texts.
    pub rows: Vec<Row>,
}

impl Covered {
    /// Of a programme's rules and arms, with how often each is reached, in their orders.
    pub fn new(
        typed: &typed::Program,
        rules: impl IntoIterator<Item = u64>,
        rows: impl IntoIterator<Item = u64>,
    ) -> Covered {
        let of_rule =
            |(rule, times): (&typed::Rule, u64)| Rule { name: rule.name.clone(), place: rule.place, times };
        Covered {
            rules: typed.rules.iter().zip(rules).map(of_rule).collect(),
            rows: typed.arms().into_iter().zip(rows).map(|(place, times)| Row { place, times }).collect(),
        }
    }

    /// Rules that give nothing.
    pub fn silent(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.times == 0)
    }

    /// Rows that are never the one that fits.
    pub fn unreached(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.times == 0)
    }

    /// The rows for machines.
    pub fn machine_rows(&self, sources: &SourceMap) -> Value {
        let row = |row: &Row| {
            json!({
                "place": render::place(sources, row.place),
                "text": bounded(&text(sources, row.place)),
                "reached": row.times,
            })
        };
        self.rows.iter().map(row).collect()
    }

    /// A tracefile of lcov: rules as functions, rows as lines and branches.
    pub fn lcov(&self, sources: &SourceMap) -> String {
        let mut out = String::new();
        for source in sources.iter() {
            let line = |place: Place| source.line_column(place.span.start).0;
            let rules: Vec<&Rule> = self.rules.iter().filter(|rule| rule.place.file == source.file).collect();
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.place.file == source.file).collect();
            if rules.is_empty() && rows.is_empty() {
                continue;
            }
            let _ = writeln!(out, "TN:\nSF:{}", source.path.replace(['\n', '\r'], " "));
            for rule in &rules {
                let _ = writeln!(out, "FN:{},{}", line(rule.place), rule.name);
            }
            for rule in &rules {
                let _ = writeln!(out, "FNDA:{},{}", rule.times, rule.name);
            }
            let reached = rules.iter().filter(|rule| rule.times > 0).count();
            let _ = writeln!(out, "FNF:{}\nFNH:{reached}", rules.len());
            for (number, row) in rows.iter().enumerate() {
                let _ = writeln!(out, "BRDA:{},0,{number},{}", line(row.place), row.times);
            }
            let reached = rows.iter().filter(|row| row.times > 0).count();
            let _ = writeln!(out, "BRF:{}\nBRH:{reached}", rows.len());
            // Several rows on one line: as often as the one that is reached most.
            let mut lines: BTreeMap<u32, u64> = BTreeMap::new();
            let of_rules = rules.iter().map(|rule| (line(rule.place), rule.times));
            for (line, times) in of_rules.chain(rows.iter().map(|row| (line(row.place), row.times))) {
                let most = lines.entry(line).or_default();
                *most = times.max(*most);
            }
            for (line, times) in &lines {
                let _ = writeln!(out, "DA:{line},{times}");
            }
            let reached = lines.values().filter(|times| **times > 0).count();
            let _ = writeln!(out, "LF:{}\nLH:{reached}\nend_of_record", lines.len());
        }
        out
    }
}

/// A row as its author wrote it, on one line: from what stands before it to the end of its value.
pub fn text(sources: &SourceMap, value: Place) -> String {
    let Some(source) = sources.get(value.file) else { return String::new() };
    let (start, end) = (value.span.start as usize, value.span.end as usize);
    // A row is on a line of its own or behind a comma or a brace; its patterns may be in brackets.
    let line = source.text.get(..start).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
    let before = source.text.get(line..start).unwrap_or("");
    let mut depth = 0_usize;
    let mut from = line;
    for token in lex(before).iter().rev() {
        match separation(token) {
            Separation::Closes => depth += 1,
            Separation::Opens if depth > 0 => depth -= 1,
            Separation::Opens | Separation::Comma if depth == 0 => {
                from = line + token.span.end as usize;
                break;
            }
            Separation::Opens | Separation::Comma | Separation::None => {}
        }
    }
    let row = source.text.get(from..end).unwrap_or("");
    row.split_whitespace().collect::<Vec<_>>().join(" ")
}

enum Separation {
    Opens,
    Closes,
    Comma,
    None,
}

fn separation(token: &Token) -> Separation {
    if matches!(token.kind, TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket) {
        Separation::Opens
    } else if matches!(token.kind, TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket) {
        Separation::Closes
    } else if token.kind == TokenKind::Comma {
        Separation::Comma
    } else {
        Separation::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perq_grammar::diagnostic::{FileId, Span};

    #[test]
    fn a_row_is_read_from_its_line() {
        let file = "table t {\n  from 1 EUR until 2 EUR    => 7%\n}\nlet a = by x { [a, b] => min(1, 2), otherwise => f(3) }\n";
        let mut sources = SourceMap::default();
        sources.insert(FileId(0), "a.rule", file);
        for (value, expected) in [
            ("7%", "from 1 EUR until 2 EUR => 7%"),
            ("min(1, 2)", "[a, b] => min(1, 2)"),
            ("f(3)", "otherwise => f(3)"),
        ] {
            let start = file.find(value).unwrap_or_default();
            let place = Place { file: FileId(0), span: Span::new(start, start + value.len()) };
            assert_eq!(text(&sources, place), expected);
        }
    }

    #[test]
    fn a_tracefile_counts_rules_as_functions_and_rows_as_branches() {
        let mut sources = SourceMap::default();
        sources.insert(FileId(0), "a.rule", "rule a {\n 1 2\n}\nrule b {}\n");
        let at = |start, end| Place { file: FileId(0), span: Span::new(start, end) };
        let rule =
            |name: &str, start, times| Rule { name: name.to_owned(), place: at(start, start + 1), times };
        let covered = Covered {
            rules: vec![rule("a", 5, 3), rule("b", 21, 0)],
            rows: vec![Row { place: at(10, 11), times: 2 }, Row { place: at(12, 13), times: 0 }],
        };
        let expected = "TN:\nSF:a.rule\nFN:1,a\nFN:4,b\nFNDA:3,a\nFNDA:0,b\nFNF:2\nFNH:1\n\
            BRDA:2,0,0,2\nBRDA:2,0,1,0\nBRF:2\nBRH:1\nDA:1,3\nDA:2,2\nDA:4,0\nLF:3\nLH:2\nend_of_record\n";
        assert_eq!(covered.lcov(&sources), expected);
    }
}
