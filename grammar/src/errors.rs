//! Every diagnostic about text: its name, its words, its repairs.
//!
//! It refuses to decide when a diagnostic is due.

use crate::ast::{Expr, ExprKind};
use crate::diagnostic::{Diagnostic, FileId, Place, Span};
use crate::mistakes::MAX_DIGITS;
use crate::source::MAX_SOURCE_BYTES;
use crate::{MAX_DEPTH, MAX_FILE_TOKENS, MAX_TOKENS};

/// The names of the diagnostics of this crate; each has a page.
pub const NAMES: &[&str] = &[
    "ambiguous-per",
    "bundle-of-lines",
    "chained-comparison",
    "control-character",
    "currency-sign",
    "decimal-comma",
    "declaration-too-long",
    "direction-control",
    "double-equals",
    "file-too-large",
    "foreign-comment",
    "foreign-logic",
    "foreign-operator",
    "foreign-quotes",
    "invalid-utf8",
    "invisible-character",
    "malformed-date",
    "malformed-number",
    "malformed-time",
    "missing-after-or-on",
    "missing-best-for",
    "missing-comma",
    "missing-each-or-total",
    "missing-else",
    "missing-from",
    "missing-order",
    "misspelt-keyword",
    "mixed-logic",
    "mixed-scripts",
    "nested-too-deeply",
    "not-a-collection",
    "not-an-aggregate",
    "number-too-long",
    "number-without-space",
    "repeated-option",
    "reserved-word",
    "semicolon",
    "spaced-number",
    "stray-delimiter",
    "too-many-errors",
    "unclear-steps",
    "unclosed-delimiter",
    "unclosed-string",
    "unexpected-character",
    "unexpected-text",
    "unknown-declaration",
    "unknown-escape",
];

/// The longest piece of the author's text that is quoted in a message.
const LONGEST_QUOTE: usize = 60;

/// The author's text, shortened for a message.
fn quote(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let mut shown: String =
        line.chars().filter(|&c| !crate::characters::is_refused(c)).take(LONGEST_QUOTE).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn in_file(file: FileId, start: usize, end: usize) -> Place {
    Place { file, span: Span::new(start, end) }
}

/// An empty place at the end of another.
fn end_of(place: Place) -> Place {
    Place { file: place.file, span: Span { start: place.span.end, end: place.span.end } }
}

fn start_of(place: Place) -> Place {
    Place { file: place.file, span: Span { start: place.span.start, end: place.span.start } }
}

/// The escape that stands for a character in a string.
fn escape(character: char) -> String {
    format!("\\u{{{:x}}}", u32::from(character))
}

// ---- the file

/// More bytes than a source file may have.
pub(crate) fn file_too_large(file: FileId, size: usize) -> Diagnostic {
    Diagnostic::error(
        "file-too-large",
        in_file(file, 0, 0),
        format!("this file has {size} bytes; a rule file may have at most {MAX_SOURCE_BYTES}"),
    )
    .help("split it into several files and join them with `use`")
}

/// More words, numbers and signs than a source file may have.
pub(crate) fn file_of_too_many_tokens(file: FileId, count: usize) -> Diagnostic {
    Diagnostic::error(
        "file-too-large",
        in_file(file, 0, 0),
        format!(
            "this file has {count} words, numbers and signs; a rule file may have at most {MAX_FILE_TOKENS}"
        ),
    )
    .help("split it into several files and join them with `use`")
}

/// A byte that is no part of UTF-8.
pub(crate) fn invalid_utf8(file: FileId, at: usize, byte: u8) -> Diagnostic {
    Diagnostic::error(
        "invalid-utf8",
        in_file(file, at, at + 1),
        format!("byte {byte:#04x} is not text in UTF-8"),
    )
    .at("the first such byte")
    .help("save the file again with the encoding UTF-8")
}

/// More diagnostics than are shown.
pub(crate) fn too_many_errors(place: Place, more: usize) -> Diagnostic {
    Diagnostic::error("too-many-errors", place, format!("and {more} more"))
        .help("mend the ones above first; many of the others may go with them")
}

// ---- characters

/// A character that turns the reading direction.
pub(crate) fn direction_control(place: Place, character: char, in_string: bool) -> Diagnostic {
    let code = u32::from(character);
    let diagnostic = Diagnostic::error(
        "direction-control",
        place,
        format!("the invisible character U+{code:04X} changes the order in which text is shown"),
    )
    .at("what is read here is not what is shown");
    with_character_repair(diagnostic, place, character, in_string)
}

/// A character that is shown as nothing.
pub(crate) fn invisible_character(place: Place, character: char, in_string: bool) -> Diagnostic {
    let code = u32::from(character);
    let diagnostic = Diagnostic::error(
        "invisible-character",
        place,
        format!("there is an invisible character here, U+{code:04X}"),
    );
    with_character_repair(diagnostic, place, character, in_string)
}

/// A control character.
pub(crate) fn control_character(place: Place, character: char, in_string: bool) -> Diagnostic {
    let code = u32::from(character);
    let diagnostic = Diagnostic::error(
        "control-character",
        place,
        format!("the control character U+{code:04X} has no place in a rule file"),
    );
    with_character_repair(diagnostic, place, character, in_string)
}

fn with_character_repair(
    diagnostic: Diagnostic,
    place: Place,
    character: char,
    in_string: bool,
) -> Diagnostic {
    if in_string {
        let escape = escape(character);
        return diagnostic.fix(format!("write `{escape}` where it is meant, or delete it"), place, escape);
    }
    diagnostic.fix("delete it", place, "")
}

/// A word with letters of several scripts.
pub(crate) fn mixed_scripts(
    place: Place,
    word: &str,
    meant: &str,
    wrong: &[(char, &str)],
    mended: Option<&str>,
) -> Diagnostic {
    let letters: Vec<String> = wrong
        .iter()
        .map(|(letter, script)| format!("`{letter}` is {script} (U+{:04X})", u32::from(*letter)))
        .collect();
    let diagnostic = Diagnostic::error(
        "mixed-scripts",
        place,
        format!("`{}` mixes letters of several scripts: {}", quote(word), letters.join(", ")),
    )
    .at(format!("the other letters are {meant}"));
    match mended {
        Some(mended) => diagnostic.fix(format!("write `{mended}` in {meant} letters only"), place, mended),
        None => diagnostic.help("write each word in the letters of one script"),
    }
}

/// A character without a meaning.
pub(crate) fn unexpected_character(place: Place, raw: &str) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("unexpected-character", place, format!("`{}` has no meaning here", quote(raw)));
    if raw.chars().all(char::is_whitespace) {
        return diagnostic.fix("use a plain blank", place, " ");
    }
    diagnostic.help("outside of texts and comments, names, numbers and the signs of the language are allowed")
}

// ---- strings

/// A text without its closing quote.
pub(crate) fn unclosed_string(place: Place) -> Diagnostic {
    Diagnostic::error("unclosed-string", place, "this text has no closing `\"` on its line")
        .help("close it before the end of the line; a line break inside a text is written `\\n`")
}

/// A backslash that starts no escape.
pub(crate) fn unknown_escape(place: Place, raw: &str) -> Diagnostic {
    Diagnostic::error("unknown-escape", place, format!("`{}` is no escape", quote(raw)))
        .help("the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{…}` with the number of a character")
        .fix("for a backslash, write it twice", start_of(place), "\\")
}

/// A text in other quotes.
pub(crate) fn foreign_quotes(place: Place, content: &str) -> Diagnostic {
    let text = format!("\"{}\"", content.replace('\\', "\\\\").replace('"', "\\\""));
    Diagnostic::error("foreign-quotes", place, "texts stand in straight double quotes").fix(
        format!("write `{}`", quote(&text)),
        place,
        text,
    )
}

// ---- numbers, dates, times

/// A number with too many digits.
pub(crate) fn number_too_long(place: Place) -> Diagnostic {
    Diagnostic::error("number-too-long", place, format!("a number may have at most {MAX_DIGITS} digits"))
}

/// `9,95`
pub(crate) fn decimal_comma(place: Place, raw: &str, readings: &[String], separate: &str) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        "decimal-comma",
        place,
        format!("`{}` has a comma between digits; the decimal mark is a point", quote(raw)),
    );
    for reading in readings {
        diagnostic = diagnostic.fix(format!("for one number, write `{reading}`"), place, reading.clone());
    }
    diagnostic.fix(format!("for several numbers, write `{}`", quote(separate)), place, separate)
}

/// `1 000`
pub(crate) fn spaced_number(place: Place, raw: &str, joined: &str) -> Diagnostic {
    Diagnostic::error("spaced-number", place, format!("`{}` are two numbers side by side", quote(raw))).fix(
        format!("for one number, write `{joined}`"),
        place,
        joined,
    )
}

/// `1.000.000`, `.5`, `1__0`
pub(crate) fn malformed_number(place: Place, raw: &str, meant: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::error("malformed-number", place, format!("`{}` is no number", quote(raw)));
    match meant {
        Some(meant) => diagnostic.fix(format!("write `{meant}`"), place, meant),
        None => diagnostic.help("numbers look like `5`, `0.5` and `1_000`"),
    }
}

/// `500RUB`
pub(crate) fn number_without_space(place: Place, number: &str, letters: &str) -> Diagnostic {
    Diagnostic::error(
        "number-without-space",
        place,
        format!("there is a blank missing between `{}` and `{}`", quote(number), quote(letters)),
    )
    .fix(format!("write `{} {}`", quote(number), quote(letters)), place, format!("{number} {letters}"))
}

/// `$100`
pub(crate) fn currency_sign(place: Place, sign: &str, number: Option<&str>) -> Diagnostic {
    let codes: &[&str] = match sign {
        "€" => &["EUR"],
        "₽" => &["RUB"],
        "£" => &["GBP"],
        "$" => &["USD", "CAD", "AUD"],
        "¥" => &["JPY", "CNY"],
        "₴" => &["UAH"],
        "₸" => &["KZT"],
        "₺" => &["TRY"],
        "₹" => &["INR"],
        "₩" => &["KRW"],
        _ => &[],
    };
    let message = if codes.len() == 1 {
        format!("a currency is written with its code, not with `{sign}`")
    } else {
        format!("`{sign}` does not say which currency is meant")
    };
    let mut diagnostic = Diagnostic::error("currency-sign", place, message);
    let Some(number) = number else {
        return diagnostic.help("write the amount and the currency's code, such as `100 EUR`");
    };
    for code in codes {
        diagnostic = diagnostic.fix(format!("write `{number} {code}`"), place, format!("{number} {code}"));
    }
    if codes.is_empty() {
        diagnostic = diagnostic.help(format!("write `{number}` and the currency's three-letter code"));
    }
    diagnostic
}

/// `01.03.2026`, `01/03/2026`, `2026-3-1`, `2026-03-01T09:00`
pub(crate) fn malformed_date(place: Place, raw: &str, readings: &[String]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        "malformed-date",
        place,
        format!("`{}` is no date; dates are written year-month-day", quote(raw)),
    );
    for reading in readings {
        diagnostic = diagnostic.fix(format!("write `{reading}`"), place, reading.clone());
    }
    if readings.is_empty() {
        diagnostic = diagnostic.help("write it like `2026-03-01`, with a time like `2026-03-01 09:00`");
    }
    diagnostic
}

/// `9:00`
pub(crate) fn malformed_time(place: Place, raw: &str, meant: Option<String>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "malformed-time",
        place,
        format!("`{}` is no time; times are written with two digits each, from 00:00 to 23:59", quote(raw)),
    );
    match meant {
        Some(meant) => diagnostic.fix(format!("write `{meant}`"), place, meant),
        None => diagnostic.help("write it like `09:00` or `09:00:30`"),
    }
}

// ---- signs of other languages

/// `==`
pub(crate) fn double_equals(place: Place) -> Diagnostic {
    Diagnostic::error("double-equals", place, "equality is written with one `=`").fix("write `=`", place, "=")
}

/// `&&`, `||`
pub(crate) fn foreign_logic(place: Place, raw: &str, blank_before: bool, blank_after: bool) -> Diagnostic {
    let word = if raw == "&&" { "and" } else { "or" };
    let missing = |has_blank: bool| if has_blank { "" } else { " " };
    Diagnostic::error("foreign-logic", place, format!("`{raw}` is written `{word}`")).fix(
        format!("write `{word}`"),
        place,
        format!("{}{word}{}", missing(blank_before), missing(blank_after)),
    )
}

/// `<>`, `≤`, `×`, `!`
pub(crate) fn foreign_operator(place: Place, raw: &str, meant: Option<&str>) -> Diagnostic {
    match meant {
        Some("not") => Diagnostic::error("foreign-operator", place, format!("`{raw}` is written `not`")).fix(
            "write `not`",
            place,
            "not ",
        ),
        Some(meant) => Diagnostic::error("foreign-operator", place, format!("`{raw}` is written `{meant}`"))
            .fix(format!("write `{meant}`"), place, meant),
        None => Diagnostic::error("foreign-operator", place, format!("`{raw}` has no meaning here")),
    }
}

/// `// …`, `-- …`, `/* … */`
pub(crate) fn foreign_comment(place: Place, raw: &str) -> Diagnostic {
    let (sign, content) = if let Some(content) = raw.strip_prefix("//") {
        ("//", Some(content))
    } else if let Some(content) = raw.strip_prefix("--") {
        ("--", Some(content))
    } else {
        ("/*", None)
    };
    let diagnostic = Diagnostic::error(
        "foreign-comment",
        place,
        format!("`{sign}` starts no comment; a comment starts with `#` and ends with its line"),
    );
    match content {
        Some(content) => {
            let comment = format!("# {}", content.trim());
            diagnostic.fix("start it with `#`", place, comment.trim_end())
        }
        None => diagnostic.help("start each of its lines with `#`"),
    }
}

/// `;`
pub(crate) fn semicolon(place: Place) -> Diagnostic {
    Diagnostic::error(
        "semicolon",
        place,
        "nothing ends with a semicolon here; each clause starts with its own word",
    )
    .fix("delete it", place, "")
}

// ---- delimiters

/// More levels than the limit.
pub(crate) fn nested_too_deeply(place: Place) -> Diagnostic {
    Diagnostic::error(
        "nested-too-deeply",
        place,
        format!("brackets, braces and prefixes nest deeper than {MAX_DEPTH} levels here"),
    )
    .help("give a part of it a name with `let` or `define`")
}

/// More tokens in one declaration than the limit; the place is the first one too many.
pub(crate) fn declaration_too_long(place: Place) -> Diagnostic {
    Diagnostic::error(
        "declaration-too-long",
        place,
        format!("a declaration may have at most {MAX_TOKENS} words, numbers and signs; this is one more"),
    )
    .help("make several rules or declarations of it")
}

/// An opening sign without its partner.
pub(crate) fn unclosed_delimiter(place: Place, sign: &str, closer: Option<Place>) -> Diagnostic {
    let wanted = match sign {
        "{" => "}",
        "(" => ")",
        _ => "]",
    };
    let diagnostic =
        Diagnostic::error("unclosed-delimiter", place, format!("`{sign}` is not closed")).at("opened here");
    match closer {
        Some(closer) => diagnostic.label(closer, format!("expected `{wanted}` before this")),
        None => diagnostic.help(format!("close it with `{wanted}`")),
    }
}

/// A closing sign without its partner.
pub(crate) fn stray_delimiter(place: Place, sign: &str) -> Diagnostic {
    Diagnostic::error("stray-delimiter", place, format!("`{sign}` closes nothing"))
        .fix("delete it", place, "")
        .help("or open what it closes")
}

// ---- shape

/// What the grammar expected and did not find.
pub(crate) fn unexpected_text(place: Place, expected: &str, found: Option<&str>) -> Diagnostic {
    let message = match found {
        Some(found) => format!("expected {expected}, found `{}`", quote(found)),
        None => format!("expected {expected} at the end of this declaration"),
    };
    Diagnostic::error("unexpected-text", place, message)
}

/// Words that are known from elsewhere.
pub(crate) fn written_otherwise(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error("unexpected-text", place, format!("`{}` is written otherwise here", quote(text)))
}

/// Something is missing at the end of a line.
pub(crate) fn missing_after(place: Place, expected: &str, before: &str) -> Diagnostic {
    Diagnostic::error("unexpected-text", place, format!("expected {expected} after `{}`", quote(before)))
}

/// A word that is close to the keyword that fits.
pub(crate) fn misspelt_keyword(place: Place, found: &str, meant: &str) -> Diagnostic {
    Diagnostic::error(
        "misspelt-keyword",
        place,
        format!("`{}` has no meaning here; did you mean `{meant}`?", quote(found)),
    )
    .fix(format!("write `{meant}`"), place, meant)
}

/// A reserved word where a name is due.
pub(crate) fn reserved_word(place: Place, found: &str) -> Diagnostic {
    Diagnostic::error(
        "reserved-word",
        place,
        format!("`{found}` is a word of the language and cannot be a name"),
    )
    .help(format!("choose another name, such as `{found}_value`; after a point every word is free"))
}

/// Text between declarations.
pub(crate) fn unknown_declaration(place: Place, found: &str, meant: Option<&str>) -> Diagnostic {
    let message = match meant {
        Some(meant) => format!("`{}` starts no declaration; did you mean `{meant}`?", quote(found)),
        None => format!("`{}` starts no declaration", quote(found)),
    };
    let diagnostic = Diagnostic::error("unknown-declaration", place, message);
    match meant {
        Some(meant) => diagnostic.fix(format!("write `{meant}`"), place, meant),
        None => diagnostic.help(crate::hints::misplaced(found).unwrap_or(
            "declarations start with words such as `program`, `account`, `group`, `rule`, `test`",
        )),
    }
}

/// Arms on one line without a comma.
pub(crate) fn missing_comma(place: Place, number: &str, word: &str) -> Diagnostic {
    Diagnostic::error(
        "missing-comma",
        place,
        format!(
            "`{} {}` reads as an amount; arms on one line are separated by commas",
            quote(number),
            quote(word)
        ),
    )
    .fix(format!("write `{}, {}`", quote(number), quote(word)), place, format!("{number}, {word}"))
}

/// `a and b or c`
pub(crate) fn mixed_logic(
    first: Place,
    other: Place,
    whole: Place,
    readings: Option<(String, String)>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "mixed-logic",
        other,
        "`and` and `or` stand side by side; parentheses must say which belongs together",
    )
    .label(first, "joined differently here");
    match readings {
        Some((tight_and, tight_or)) => diagnostic
            .fix(format!("`{}`", quote(&tight_and)), whole, tight_and.clone())
            .fix(format!("`{}`", quote(&tight_or)), whole, tight_or),
        None => diagnostic.help("put parentheses around the parts that belong together"),
    }
}

/// `a < b < c`
pub(crate) fn chained_comparison(place: Place, whole: Place, repair: Option<String>) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("chained-comparison", place, "a comparison cannot be continued by another");
    match repair {
        Some(repair) => diagnostic.fix(format!("write `{}`", quote(&repair)), whole, repair),
        None => diagnostic.help("join two comparisons with `and`, or use a range: `x in 1 through 9`"),
    }
}

/// `steps of a in b + c`
pub(crate) fn unclear_steps(place: Place, whole: Place, readings: Option<(String, String)>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "unclear-steps",
        place,
        "it is not clear what the steps are counted in: `steps of … in …` is followed by an operator",
    );
    match readings {
        Some((inside, outside)) => diagnostic
            .fix(format!("`{}`", quote(&inside)), whole, inside.clone())
            .fix(format!("`{}`", quote(&outside)), whole, outside),
        None => diagnostic.help("put parentheses around the value or around the steps"),
    }
}

/// `award 1 points per litre`, `award 1 points per line`
pub(crate) fn per_what(whole: Place, amount: &str, of: &str) -> Diagnostic {
    let (amount, of) = (quote(amount), quote(of));
    let help = match of.as_str() {
        "line" | "row" | "position" => {
            format!("for each line: `for each line in lines {{ award {amount} }}`")
        }
        "unit" | "piece" | "item" | "product" | "pcs" => {
            format!("for each piece: `for each unit in units {{ award {amount} }}`")
        }
        "purchase" | "transaction" | "receipt" | "basket" | "event" | "visit" => {
            format!("a rule gives once for each event: `award {amount}`")
        }
        "member" | "customer" | "day" | "week" | "month" | "year" => {
            "how often is a limit, a clause of the rule: `limit 1 times per member within this month else skip`".to_owned()
        }
        "litre" | "liter" | "l" => crate::hints::per_measure(&amount, "1 l"),
        "kilogram" | "kilo" | "kg" => crate::hints::per_measure(&amount, "1 kg"),
        _ if of.starts_with(|c: char| c.is_ascii_digit()) => crate::hints::per_measure(&amount, &of),
        _ => format!("full steps are counted: `{amount} * steps of 1 EUR in basket.paid`"),
    };
    Diagnostic::error("ambiguous-per", whole, format!("`{amount} per {of}` does not say what is counted"))
        .help(help)
}

/// `award 10 points per 100 RUB`
pub(crate) fn ambiguous_per(whole: Place, per: Place, amount: &str, size: &str) -> Diagnostic {
    Diagnostic::error(
        "ambiguous-per",
        whole,
        format!("`{} per {}` has two meanings", quote(amount), quote(size)),
    )
    .label(per, "in proportion, or for every full step?")
    .help(format!(
        "in proportion: a percentage of the amount, such as `10% of basket.paid as {}`",
        quote(amount.rsplit(' ').next().unwrap_or("points"))
    ))
    .fix(
        format!("for every full step: `{} * steps of {} in basket.paid`", quote(amount), quote(size)),
        whole,
        format!("{amount} * steps of {size} in basket.paid"),
    )
}

/// `limit …` without `else`
pub(crate) fn missing_else(clause: Place, keyword: &str) -> Diagnostic {
    let end = end_of(clause);
    Diagnostic::error(
        "missing-else",
        clause,
        format!("this `{keyword}` does not say what happens to what is above it"),
    )
    .fix("give what is left: `else cut`", end, " else cut")
    .fix("give nothing: `else skip`", end, " else skip")
}

/// `price 40 RUB for …`
pub(crate) fn missing_each_or_total(amount: Place) -> Diagnostic {
    let end = end_of(amount);
    Diagnostic::error(
        "missing-each-or-total",
        amount,
        "this price does not say whether it is for each piece or for all of them",
    )
    .fix("for each piece: `each`", end, " each")
    .fix("for all of them: `total`", end, " total")
}

/// `every 3rd of lines` without an order
pub(crate) fn missing_order(pick: Place) -> Diagnostic {
    Diagnostic::error("missing-order", pick, "counting positions needs an order")
        .help("add `ordered by` and a field, such as `ordered by unit.price descending` or `ordered by line.position`")
}

/// `take bundle …` without `best for`
pub(crate) fn missing_best_for(head: Place) -> Diagnostic {
    Diagnostic::error(
        "missing-best-for",
        head,
        "this bundle does not say whose advantage decides where more than enough would fit",
    )
    .fix("the member's: `best for member`", end_of(head), " best for member")
    .fix("the retailer's: `best for retailer`", end_of(head), " best for retailer")
}

/// `coffee = 1 of lines …` in a bundle
pub(crate) fn bundle_of_lines(place: Place) -> Diagnostic {
    Diagnostic::error("bundle-of-lines", place, "a bundle is made of single pieces, not of receipt lines")
        .help("take from `units`, and write `unit` for `line` in the condition")
}

/// `expires 30 days`, `available 14 days`
pub(crate) fn missing_after_or_on(value: Place, keyword: &str, expr: &Expr) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        "missing-after-or-on",
        value,
        format!("this `{keyword}` does not say whether a length of time or a day follows"),
    );
    let (is_length, is_day) = length_or_day(expr);
    if is_length {
        diagnostic = diagnostic.fix(format!("after that time: `{keyword} after`"), start_of(value), "after ");
    }
    if is_day {
        diagnostic = diagnostic.fix(format!("on that day: `{keyword} on`"), start_of(value), "on ");
    }
    diagnostic
}

/// `level vip 100 EUR`
pub(crate) fn missing_from(value: Place) -> Diagnostic {
    Diagnostic::error("missing-from", value, "this level does not say that it begins here").fix(
        "from here on: `from`",
        start_of(value),
        "from ",
    )
}

/// `expire 365 days` in an account
pub(crate) fn missing_after_award(value: Place, expr: &Expr, text: &str) -> Diagnostic {
    if text == "never" {
        return written_otherwise(value, "expire never")
            .help("points of an account that does not say `expire` live for ever: take the clause away");
    }
    if text.starts_with("end of ") {
        return written_otherwise(value, text).fix(format!("write `at {text}`"), start_of(value), "at ");
    }
    let mut diagnostic = Diagnostic::error(
        "missing-after-or-on",
        value,
        "this `expire` does not say whether a length of time or a day follows",
    );
    let (is_length, is_day) = length_or_day(expr);
    if is_length {
        diagnostic =
            diagnostic.fix("that long after each award: `after award`", end_of(value), " after award");
    }
    if is_day {
        diagnostic = diagnostic.fix("on that day: `expire on`", start_of(value), "on ");
    }
    diagnostic
}

/// Whether a value can be a length of time, and whether it can be a day.
fn length_or_day(expr: &Expr) -> (bool, bool) {
    let is_day = matches!(expr.kind, ExprKind::Date(_) | ExprKind::Instant(..));
    let is_length = matches!(expr.kind, ExprKind::Quantity(..));
    (!is_day, !is_length)
}

/// `limit once per member`
pub(crate) fn counted_word(amount: Place, text: &str, times: &str) -> Diagnostic {
    written_otherwise(amount, text).fix(format!("write `{times}`"), amount, times)
}

/// `uses 3`
pub(crate) fn missing_times(count: Place, text: &str) -> Diagnostic {
    missing_after(count, "`times`", text).fix(
        format!("write `{} times`", quote(text)),
        end_of(count),
        " times",
    )
}

/// `multiply group base_earn by 2`
pub(crate) fn missing_awards_of(keyword: Place) -> Diagnostic {
    missing_after(keyword, "`awards of`", "multiply").fix(
        "write `multiply awards of`",
        end_of(keyword),
        " awards of",
    )
}

/// `f(x for lines)`
pub(crate) fn not_an_aggregate(place: Place, name: &str) -> Diagnostic {
    Diagnostic::error("not-an-aggregate", place, format!("`{}` does not work on a collection", quote(name)))
        .help(
            "the words for collections are `sum`, `avg`, `min`, `max`, `count`, `any`, `all` and `distinct`",
        )
}

/// `(a + b) where …`
pub(crate) fn not_a_collection(place: Place, text: &str) -> Diagnostic {
    Diagnostic::error(
        "not-a-collection",
        place,
        format!("`{}` is no collection, so `where` and `within` cannot follow", quote(text)),
    )
    .help(
        "a collection is named: `lines`, `units`, `payments`, `earlier purchases`, or what a `let` has named",
    )
}

/// An option given twice.
pub(crate) fn repeated_option(place: Place, keyword: &str) -> Diagnostic {
    Diagnostic::error("repeated-option", place, format!("`{keyword}` is given twice"))
        .help("keep one of them")
}
