//! `perq fmt`: rule files in the one standard layout.

use crate::args;
use crate::excerpt::plain;
use crate::output::Output;
use crate::programme;
use crate::render::{self, plural};
use crate::{Exit, Failure, Outcome};
use perq_compiler::sources::SourceMap;
use perq_grammar::diagnostic::{Diagnostic, FileId};
use perq_grammar::source::{MAX_SOURCE_BYTES, decode};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What was done, or would be.
#[derive(Default)]
struct Report {
    files: usize,
    changed: Vec<String>,
    refused: usize,
    diagnostics: Vec<Value>,
}

/// Runs it.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn run(options: &args::Fmt, output: &mut Output) -> Outcome {
    if options.paths == [PathBuf::from("-")] {
        return standard_input(options, output);
    }
    let mut report = Report::default();
    let mut files: Vec<PathBuf> =
        programme::find(&options.paths)?.into_iter().flat_map(|programme| programme.files).collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        return Err(programme::no_rules(&options.paths));
    }
    for path in files {
        let read = programme::read(&path, FileId(0)).map_err(|error| Failure::file(&path, &error))?;
        let read = read.map_err(|(diagnostic, _)| diagnostic);
        let shown = programme::shown(&path);
        report.files += 1;
        let Some((before, after)) = formatted(&shown, read, &mut report, output)? else { continue };
        if before == after {
            continue;
        }
        if options.diff {
            output.say(&difference(&shown, &before, &after))?;
        }
        if !options.check && !options.diff {
            replace(&path, &after)?;
        }
        report.changed.push(shown);
    }
    let only_looks = options.check || options.diff;
    if options.check {
        for path in &report.changed {
            output.say(&format!("would format {}", plain(path)))?;
        }
    }
    let verb = if only_looks { "would be formatted" } else { "formatted" };
    let refused = match report.refused {
        0 => String::new(),
        refused => format!(", {} left as they are because of errors", plural(refused, "file")),
    };
    output.say(&format!("{} of {} {verb}{refused}", report.changed.len(), plural(report.files, "file")))?;
    output.object(
        "fmt",
        json!({
            "files": report.files,
            "changed": report.changed,
            "written": !only_looks,
            "refused": report.refused,
            "diagnostics": report.diagnostics,
        }),
    );
    Ok(Exit::findings(report.refused > 0 || (only_looks && !report.changed.is_empty())))
}

fn standard_input(options: &args::Fmt, output: &mut Output) -> Outcome {
    let bytes = output.read_input(MAX_SOURCE_BYTES as u64 + 1)?;
    let mut report = Report::default();
    let formatted = formatted("<stdin>", decode(FileId(0), &bytes), &mut report, output)?;
    let changed = formatted.as_ref().is_some_and(|(before, after)| before != after);
    let only_looks = options.check || options.diff;
    output.object(
        "fmt",
        json!({
            "files": 1,
            "changed": if changed { vec!["<stdin>"] } else { vec![] },
            "written": false,
            "refused": report.refused,
            "diagnostics": report.diagnostics,
            "text": formatted.as_ref().map(|(_, after)| after),
        }),
    );
    match formatted {
        None => Ok(Exit::Findings),
        Some((before, after)) => {
            if options.diff && changed {
                output.say(&difference("<stdin>", &before, &after))?;
            } else if !only_looks && !output.is_json() {
                output.raw().write_all(after.as_bytes())?;
            }
            Ok(Exit::findings(only_looks && changed))
        }
    }
}

/// The text before and after; nothing where it has errors, which are said.
fn formatted(
    shown: &str,
    read: Result<String, Diagnostic>,
    report: &mut Report,
    output: &mut Output,
) -> Result<Option<(String, String)>, Failure> {
    let result = read.map_err(|diagnostic| (String::new(), vec![diagnostic]));
    let result = result.and_then(|text| match perq_grammar::format(&text) {
        Ok(after) => Ok((text, after)),
        Err(diagnostics) => Err((text, diagnostics)),
    });
    match result {
        Ok(pair) => Ok(Some(pair)),
        Err((text, diagnostics)) => {
            report.refused += 1;
            say(shown, &text, &diagnostics, report, output)?;
            Ok(None)
        }
    }
}

fn say(
    shown: &str,
    text: &str,
    diagnostics: &[Diagnostic],
    report: &mut Report,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut sources = SourceMap::default();
    sources.insert(FileId(0), shown, text);
    for diagnostic in diagnostics {
        let human = render::human(&sources, diagnostic, output.style());
        output.note(&human);
        report.diagnostics.push(render::machine(&sources, diagnostic));
    }
    Ok(())
}

/// Writes beside the file and puts it in its place, so that a full disk or a kill never leaves half a file.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let real = std::fs::canonicalize(path).map_err(|error| Failure::file(path, &error))?;
    let mut name = real.file_name().unwrap_or_default().to_owned();
    name.push(".perq-new");
    let beside = real.with_file_name(name);
    let written = std::fs::write(&beside, text)
        .and_then(|()| std::fs::metadata(&real))
        .and_then(|metadata| std::fs::set_permissions(&beside, metadata.permissions()))
        .and_then(|()| std::fs::rename(&beside, &real));
    written.map_err(|error| {
        // What was begun is of no use to anybody.
        let _ = std::fs::remove_file(&beside);
        Failure::file(path, &error)
    })
}

/// Lines around a change that are shown.
const CONTEXT: usize = 3;

/// The change as a unified diff of whole lines: what both ends share is left out, the rest is one hunk for each run
/// of changed lines.
pub(super) fn difference(name: &str, before: &str, after: &str) -> String {
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    let edits = edits(&old, &new);
    let mut out = format!("--- {name}\n+++ {name}\n");
    let mut at = 0;
    while at < edits.len() {
        let Some(first) = edits.iter().skip(at).position(Edit::changes).map(|offset| at + offset) else {
            break;
        };
        let mut last = first;
        while let Some(next) = edits.iter().skip(last + 1).position(Edit::changes) {
            if next > 2 * CONTEXT {
                break;
            }
            last += next + 1;
        }
        let from = first.saturating_sub(CONTEXT).max(at);
        let to = (last + CONTEXT + 1).min(edits.len());
        let before = |edits: &[Edit], old: bool| {
            edits.iter().filter(|edit| if old { edit.in_old() } else { edit.in_new() }).count()
        };
        let (head, hunk) = (edits.get(..from).unwrap_or(&[]), edits.get(from..to).unwrap_or(&[]));
        out.push_str(&format!(
            "@@ -{},{} +{},{} @@\n",
            before(head, true) + 1,
            before(hunk, true),
            before(head, false) + 1,
            before(hunk, false)
        ));
        for edit in hunk {
            let (sign, text) = match *edit {
                Edit::Keep(line) => (' ', new.get(line)),
                Edit::Remove(line) => ('-', old.get(line)),
                Edit::Add(line) => ('+', new.get(line)),
            };
            out.push(sign);
            out.push_str(&plain(text.copied().unwrap_or("")));
            out.push('\n');
        }
        at = to;
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// A line of the difference; kept and added lines by their number in the new text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Keep(usize),
    Remove(usize),
    Add(usize),
}

impl Edit {
    fn changes(&self) -> bool {
        !matches!(self, Edit::Keep(_))
    }
    fn in_old(&self) -> bool {
        !matches!(self, Edit::Add(_))
    }
    fn in_new(&self) -> bool {
        !matches!(self, Edit::Remove(_))
    }
}

/// Larger middles than this (lines by lines) are shown as one replacement.
const TABLE: usize = 4_000_000;

/// The longest common subsequence of lines, after what both ends share.
fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or(&[]), new.get(head..).unwrap_or(&[]));
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let old_middle = old_rest.get(..old_rest.len() - tail).unwrap_or(&[]);
    let new_middle = new_rest.get(..new_rest.len() - tail).unwrap_or(&[]);
    let mut out: Vec<Edit> = (0..head).map(Edit::Keep).collect();

    let width = new_middle.len() + 1;
    let mut table = Vec::new();
    if old_middle.len().saturating_mul(width) <= TABLE {
        table = vec![0_u32; (old_middle.len() + 1) * width];
        for (i, line) in old_middle.iter().enumerate().rev() {
            for (j, other) in new_middle.iter().enumerate().rev() {
                let cell = |i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
                let best =
                    if line == other { cell(i + 1, j + 1) + 1 } else { cell(i + 1, j).max(cell(i, j + 1)) };
                if let Some(slot) = table.get_mut(i * width + j) {
                    *slot = best;
                }
            }
        }
    }
    let cell = |i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    while i < old_middle.len() || j < new_middle.len() {
        let same = old_middle.get(i).is_some_and(|line| new_middle.get(j) == Some(line));
        if same && !table.is_empty() {
            out.push(Edit::Keep(head + j));
            (i, j) = (i + 1, j + 1);
        } else if i < old_middle.len() && (j >= new_middle.len() || cell(i + 1, j) >= cell(i, j + 1)) {
            out.push(Edit::Remove(head + i));
            i += 1;
        } else {
            out.push(Edit::Add(head + j));
            j += 1;
        }
    }
    out.extend((new.len() - tail..new.len()).map(Edit::Keep));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_changes_with_its_neighbours() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n";
        let after = "a\nb\nc\nD\ne\nf\ng\nh\ni\nj\nk\nl\nm\n";
        let expected = "--- x\n+++ x\n@@ -1,7 +1,7 @@\n a\n b\n c\n-d\n+D\n e\n f\n g\n@@ -10,3 +10,4 @@\n j\n k\n l\n+m";
        assert_eq!(difference("x", before, after), expected);
    }

    #[test]
    fn edits_turn_the_old_into_the_new() {
        let texts: [&[&str]; 5] = [&[], &["a"], &["a", "b", "a"], &["b", "a", "c", "a"], &["x", "y"]];
        for old in texts {
            for new in texts {
                let edits = edits(old, new);
                let kept: Vec<&str> = edits
                    .iter()
                    .filter(|edit| edit.in_new())
                    .filter_map(|edit| match edit {
                        Edit::Keep(line) | Edit::Add(line) => new.get(*line).copied(),
                        Edit::Remove(_) => None,
                    })
                    .collect();
                assert_eq!(kept, new);
                assert_eq!(edits.iter().filter(|edit| edit.in_old()).count(), old.len());
            }
        }
    }
}
