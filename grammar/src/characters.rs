//! Characters that mislead: invisible ones, ones that turn the reading direction, control characters, and words that
//! mix scripts.
//!
//! It refuses to know tokens other than words and strings. Whether two names look alike is the compiler's question.

use crate::diagnostic::{FileId, Place, Span};
use crate::errors;
use crate::lex::{Token, TokenKind};
use crate::report::Report;
use unicode_script::{Script, UnicodeScript};
use unicode_security::MixedScript;

/// Reports refused characters anywhere, strings and comments included, and words of several scripts.
pub(crate) fn check(file: FileId, text: &str, tokens: &[Token], report: &mut Report) {
    for token in tokens {
        let raw = token.text(text);
        if raw.is_ascii() {
            // The only blank of a blank token that could be refused is a lone carriage return, which is unknown.
            if raw.bytes().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r'))
                || (token.kind == TokenKind::Unknown && raw.contains('\r'))
            {
                refused(file, raw, token, report);
            }
            continue;
        }
        refused(file, raw, token, report);
        if token.kind == TokenKind::Word && !raw.is_single_script() {
            mixed_scripts(file, raw, token.span, report);
        }
    }
}

fn refused(file: FileId, raw: &str, token: &Token, report: &mut Report) {
    let in_string =
        matches!(token.kind, TokenKind::String | TokenKind::UnclosedString | TokenKind::ForeignString);
    for (offset, character) in raw.char_indices() {
        if !is_refused(character) || (token.kind == TokenKind::Newline) {
            continue;
        }
        let start = token.span.start as usize + offset;
        let place = Place { file, span: Span::new(start, start + character.len_utf8()) };
        report.push(if is_direction_control(character) {
            errors::direction_control(place, character, in_string)
        } else if character.is_control() {
            errors::control_character(place, character, in_string)
        } else {
            errors::invisible_character(place, character, in_string)
        });
    }
}

/// Whether a character is refused anywhere; tabs and line ends are tokens of their own.
pub(crate) fn is_refused(character: char) -> bool {
    (character.is_control() && !matches!(character, '\t' | '\n'))
        || is_direction_control(character)
        || is_invisible(character)
}

/// The characters that change the order in which text is shown.
fn is_direction_control(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

/// The characters that are shown as nothing: default-ignorable ones, line and paragraph separators, the interlinear
/// marks.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200D}'
            | '\u{2028}'..='\u{2029}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206A}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Names the letters that do not belong: those of the script that looks imitated, or of the rarer script.
fn mixed_scripts(file: FileId, word: &str, span: Span, report: &mut Report) {
    let mut scripts: Vec<(Script, usize)> = Vec::new();
    for character in word.chars() {
        let script = character.script();
        if matches!(script, Script::Common | Script::Inherited) {
            continue;
        }
        match scripts.iter_mut().find(|entry| entry.0 == script) {
            Some(entry) => entry.1 += 1,
            None => scripts.push((script, 1)),
        }
    }
    // The most frequent script is meant; Latin where two are as frequent, since the fields of the schema are Latin.
    let Some(&(meant, _)) = scripts.iter().max_by_key(|entry| (entry.1, entry.0 == Script::Latin)) else {
        return;
    };
    let is_wrong = |character: char| {
        let script = character.script();
        script != meant && !matches!(script, Script::Common | Script::Inherited)
    };
    let mut wrong: Vec<(char, Script)> = Vec::new();
    for character in word.chars().filter(|&character| is_wrong(character)) {
        if !wrong.iter().any(|entry| entry.0 == character) {
            wrong.push((character, character.script()));
        }
    }
    let wrong: Vec<(char, &str)> = wrong.iter().map(|entry| (entry.0, entry.1.full_name())).collect();
    let mended: Option<String> = word
        .chars()
        .map(|character| if is_wrong(character) { look_alike(character, meant) } else { Some(character) })
        .collect();
    report.push(errors::mixed_scripts(
        Place { file, span },
        word,
        meant.full_name(),
        &wrong,
        mended.as_deref(),
    ));
}

/// The letter of the other script that looks the same.
fn look_alike(character: char, meant: Script) -> Option<char> {
    const PAIRS: &[(char, char)] = &[
        ('a', 'а'),
        ('c', 'с'),
        ('e', 'е'),
        ('i', 'і'),
        ('j', 'ј'),
        ('k', 'к'),
        ('m', 'м'),
        ('o', 'о'),
        ('p', 'р'),
        ('s', 'ѕ'),
        ('t', 'т'),
        ('x', 'х'),
        ('y', 'у'),
        ('A', 'А'),
        ('B', 'В'),
        ('C', 'С'),
        ('E', 'Е'),
        ('H', 'Н'),
        ('I', 'І'),
        ('J', 'Ј'),
        ('K', 'К'),
        ('M', 'М'),
        ('O', 'О'),
        ('P', 'Р'),
        ('S', 'Ѕ'),
        ('T', 'Т'),
        ('X', 'Х'),
        ('Y', 'У'),
        ('a', 'α'),
        ('o', 'ο'),
        ('p', 'ρ'),
        ('v', 'ν'),
        ('A', 'Α'),
        ('B', 'Β'),
        ('E', 'Ε'),
        ('H', 'Η'),
        ('I', 'Ι'),
        ('K', 'Κ'),
        ('M', 'Μ'),
        ('N', 'Ν'),
        ('O', 'Ο'),
        ('P', 'Ρ'),
        ('T', 'Τ'),
        ('X', 'Χ'),
        ('Y', 'Υ'),
        ('Z', 'Ζ'),
    ];
    PAIRS.iter().find_map(|&(latin, other)| {
        if meant == Script::Latin && other == character {
            Some(latin)
        } else if latin == character && other.script() == meant {
            Some(other)
        } else {
            None
        }
    })
}
