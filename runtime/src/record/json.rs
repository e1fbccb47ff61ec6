//! A reader of JSON that gives the pieces of a text one after another: strings and numbers as they are written,
//! with their positions. Refuses what RFC 8259 refuses, lone surrogates and the NUL character.
//!
//! It builds no tree and refuses to know what a record is. It reads numbers as text, so that nothing is lost.

use super::error::RecordErrorKind;

/// Where a string is: in the input, or unescaped among the decoded texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: u32,
    pub length: u32,
    pub decoded: bool,
}

/// What the next value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

impl Kind {
    /// For messages.
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::Array => "a list",
            Kind::String => "a text",
            Kind::Number => "a number",
            Kind::True | Kind::False => "true or false",
            Kind::Null => "null",
        }
    }
}

/// A text that is not JSON, or goes beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub kind: RecordErrorKind,
    pub at: usize,
    pub what: &'static str,
}

/// Bytes that come next, mostly.
#[derive(Debug)]
pub(crate) struct Expected {
    text: Box<[u8]>,
    /// Where there are few: all of them.
    word: Option<Word>,
}

/// A few bytes, and where they stand among those of a word: so they are compared at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    bytes: u128,
    mask: u128,
    length: usize,
}

impl Word {
    const LENGTH: usize = size_of::<u128>();

    /// These bytes, where they are few.
    fn new(text: &[u8]) -> Option<Word> {
        let (mut bytes, mut mask) = ([0; Word::LENGTH], [0; Word::LENGTH]);
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        mask.get_mut(..text.len())?.fill(0xff);
        let [bytes, mask] = [bytes, mask].map(u128::from_le_bytes);
        Some(Word { bytes, mask, length: text.len() })
    }

    /// The same with a byte before it, where there is room.
    pub fn after(self, byte: u8) -> Option<Word> {
        let with = |word: u128, byte: u8| word << 8 | u128::from(byte);
        let length = self.length + 1;
        let is_room = length <= Word::LENGTH;
        is_room.then(|| Word { bytes: with(self.bytes, byte), mask: with(self.mask, 0xff), length })
    }
}

impl Expected {
    pub fn new(text: &[u8]) -> Expected {
        Expected { text: text.into(), word: Word::new(text) }
    }

    pub fn text(&self) -> &[u8] {
        &self.text
    }

    pub fn word(&self) -> Option<Word> {
        self.word
    }
}

/// Depth beyond which a text is refused.
pub(crate) const DEPTH_LIMIT: u32 = 64;

pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    string_limit: usize,
}

type Result<T> = std::result::Result<T, Malformed>;

impl<'a> Cursor<'a> {
    /// At the start of a text, which is shorter than 4 GiB.
    pub fn new(text: &'a str, string_limit: usize) -> Cursor<'a> {
        Cursor { text, at: 0, depth: 0, string_limit }
    }

    /// The byte about to be read.
    pub fn at(&self) -> usize {
        self.at
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn malformed<T>(&self, what: &'static str) -> Result<T> {
        Err(Malformed { kind: RecordErrorKind::MalformedJson, at: self.at, what })
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes().get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is not space.
    fn peek(&mut self) -> Option<u8> {
        let next = self.bytes().get(self.at).copied();
        match next {
            Some(b' ' | b'\t' | b'\n' | b'\r') => {
                self.skip_space();
                self.bytes().get(self.at).copied()
            }
            Some(_) | None => next,
        }
    }

    /// What comes next.
    pub fn kind(&mut self) -> Result<Kind> {
        match self.peek() {
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b't') => Ok(Kind::True),
            Some(b'f') => Ok(Kind::False),
            Some(b'n') => Ok(Kind::Null),
            Some(_) => self.malformed("a value should stand here"),
            None => self.malformed("the text ends where a value should stand"),
        }
    }

    /// Enters an object or a list; says whether it has anything in it. Leaves an empty one.
    pub fn enter(&mut self) -> Result<bool> {
        let close = if self.peek() == Some(b'{') { b'}' } else { b']' };
        if self.depth >= DEPTH_LIMIT {
            return Err(Malformed {
                kind: RecordErrorKind::TooDeep,
                at: self.at,
                what: "objects and lists are nested more than 64 deep",
            });
        }
        self.at += 1;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        self.depth += 1;
        Ok(true)
    }

    /// After a value in an object or a list: says whether another follows, and otherwise leaves it.
    pub fn next(&mut self, close: u8) -> Result<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(_) => self.malformed(if close == b'}' {
                "a comma or `}` should stand here"
            } else {
                "a comma or `]` should stand here"
            }),
            None => self.malformed("the text ends inside an object or a list"),
        }
    }

    /// Takes exactly this, where it comes next: a key as it was written the last time.
    #[inline]
    pub fn take(&mut self, expected: &Expected) -> bool {
        if let Some(word) = &expected.word
            && self.take_word(word)
        {
            return true;
        }
        let found = self.bytes().get(self.at..).is_some_and(|rest| rest.starts_with(&expected.text));
        if found {
            self.at += expected.text.len();
        }
        found
    }

    /// Takes these few bytes where they come next, and the text does not end with them.
    #[inline]
    pub fn take_word(&mut self, expected: &Word) -> bool {
        let Some(first) = self.bytes().get(self.at..).and_then(<[u8]>::first_chunk) else { return false };
        let found = u128::from_le_bytes(*first) & expected.mask == expected.bytes;
        if found {
            self.at += expected.length;
        }
        found
    }

    /// Whether an object may be entered here.
    pub fn is_shallow(&self) -> bool {
        self.depth < DEPTH_LIMIT
    }

    /// Takes the brace that ends an object of which all before it was taken as expected.
    #[inline]
    pub fn take_end(&mut self) -> bool {
        let found = self.bytes().get(self.at) == Some(&b'}');
        self.at += usize::from(found);
        found
    }

    /// Is within an object of which the first fields were taken as expected, its brace among them.
    pub fn is_within(&mut self) {
        self.depth += 1;
    }

    /// A string without escapes, of a length within the limit. Otherwise nothing, and the cursor stays.
    #[inline]
    pub fn plain_text(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let bytes = self.bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let end = find_special(bytes, start);
        if bytes.get(end) != Some(&b'"') || end - start > self.string_limit {
            return None;
        }
        let text = self.text.get(start..end)?;
        self.at = end + 1;
        Some(text)
    }

    /// Goes back to where it was.
    pub fn go_back(&mut self, at: usize) {
        self.at = at;
    }

    /// A key with its colon.
    pub fn key(&mut self, decoded: &mut String) -> Result<Span> {
        if self.peek() != Some(b'"') {
            return self.malformed("a field's name in quotes should stand here");
        }
        let span = self.string(decoded)?;
        if self.peek() != Some(b':') {
            return self.malformed("a colon should stand here");
        }
        self.at += 1;
        Ok(span)
    }

    /// A string; the cursor is at its first quote.
    pub fn string(&mut self, decoded: &mut String) -> Result<Span> {
        let quote = self.at;
        let start = quote + 1;
        let end = find_special(self.bytes(), start);
        match self.bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                self.check_length(quote, end - start)?;
                Ok(Span { start: start as u32, length: (end - start) as u32, decoded: false })
            }
            Some(b'\\') => self.escaped_string(quote, end, decoded),
            Some(_) => {
                self.at = end;
                self.malformed("a control character in a text should be escaped")
            }
            None => {
                self.at = end;
                self.malformed("the record ends inside a text")
            }
        }
    }

    fn check_length(&self, quote: usize, length: usize) -> Result<()> {
        if length > self.string_limit {
            return Err(Malformed {
                kind: RecordErrorKind::TextTooLong,
                at: quote,
                what: "a text is longer than the limit",
            });
        }
        Ok(())
    }

    #[cold]
    fn escaped_string(&mut self, quote: usize, first_escape: usize, decoded: &mut String) -> Result<Span> {
        let start = decoded.len();
        let mut from = quote + 1;
        self.at = first_escape;
        loop {
            decoded.push_str(self.text.get(from..self.at).unwrap_or_default());
            self.check_length(quote, decoded.len() - start)?;
            match self.bytes().get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Span {
                        start: start as u32,
                        length: (decoded.len() - start) as u32,
                        decoded: true,
                    });
                }
                Some(b'\\') => decoded.push(self.escape()?),
                Some(_) => return self.malformed("a control character in a text should be escaped"),
                None => return self.malformed("the record ends inside a text"),
            }
            from = self.at;
            self.at = find_special(self.bytes(), from);
        }
    }

    /// The character of an escape; the cursor is at its backslash and moves past it.
    fn escape(&mut self) -> Result<char> {
        let character = match self.bytes().get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            Some(_) | None => return self.malformed("unknown escape in a text"),
        };
        self.at += 2;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let Some(first) = self.hex(self.at + 2) else {
            return self.malformed("`\\u` should be followed by four hexadecimal digits");
        };
        let (code, length) = match first {
            0xd800..=0xdbff => {
                let low = match self.bytes().get(self.at + 6..self.at + 8) {
                    Some(br"\u") => self.hex(self.at + 8).filter(|low| (0xdc00..=0xdfff).contains(low)),
                    Some(_) | None => None,
                };
                match low {
                    Some(low) => (0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00), 12),
                    None => return self.surrogate(),
                }
            }
            0xdc00..=0xdfff => return self.surrogate(),
            0 => {
                return Err(Malformed {
                    kind: RecordErrorKind::ControlCharacter,
                    at: self.at,
                    what: "a text holds the NUL character",
                });
            }
            code => (code, 6),
        };
        match char::from_u32(code) {
            Some(character) => {
                self.at += length;
                Ok(character)
            }
            None => self.surrogate(),
        }
    }

    fn surrogate<T>(&self) -> Result<T> {
        Err(Malformed {
            kind: RecordErrorKind::LoneSurrogate,
            at: self.at,
            what: "half of a surrogate pair is not a character",
        })
    }

    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.bytes().get(at..at + 4)?;
        digits.iter().try_fold(0, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))
    }

    /// A decimal of at most 15 digits, bare or in quotes, as a count of 10^-`scale`, where nothing about it is out of
    /// the ordinary. Otherwise nothing, and the cursor stays.
    #[inline]
    pub fn plain_decimal(&mut self, scale: u8) -> Option<i64> {
        const POWERS: [i64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
        let bytes = self.bytes();
        let quoted = bytes.get(self.at) == Some(&b'"');
        let mut count = 0i64;
        let mut digits = |from: usize| {
            let mut at = from;
            if let Some((few, digits)) = bytes.get(at..).and_then(few_digits) {
                count = count.wrapping_mul(POWERS[digits]).wrapping_add(few);
                return at + digits;
            }
            while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
                count = count.wrapping_mul(10).wrapping_add(i64::from(digit & 0xf));
                at = at.wrapping_add(1);
            }
            at
        };
        let start = self.at + usize::from(quoted);
        let mut end = digits(start);
        let whole = end - start;
        let mut decimals = 0;
        if bytes.get(end) == Some(&b'.') {
            let point = end;
            end = digits(point + 1);
            decimals = end - point - 1;
            if decimals == 0 {
                return None;
            }
        }
        let closed = match bytes.get(end)? {
            b'"' => quoted,
            b',' | b'}' | b']' => !quoted && (whole == 1 || bytes.get(start) != Some(&b'0')),
            0..=255 => false,
        };
        let missing = usize::from(scale).checked_sub(decimals)?;
        let power = POWERS.get(missing)?;
        // Below 10^18, which fits.
        if !closed || whole == 0 || whole + decimals > 15 || whole + decimals + missing > 18 {
            return None;
        }
        if end - start > self.string_limit {
            return None;
        }
        self.at = end + usize::from(quoted);
        Some(count.wrapping_mul(*power))
    }

    /// A number's text; the cursor is at its first byte.
    pub fn number(&mut self) -> Result<&'a str> {
        let bytes = self.bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let digits = |from: usize| {
            from + bytes
                .get(from..)
                .unwrap_or_default()
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let integer = at;
        at = digits(at);
        let mut valid = at > integer && (bytes.get(integer) != Some(&b'0') || at == integer + 1);
        if bytes.get(at) == Some(&b'.') {
            let fraction = at + 1;
            at = digits(fraction);
            valid &= at > fraction;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let exponent = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            at = digits(exponent);
            valid &= at > exponent;
        }
        if !valid {
            return self.malformed("a number is not written as JSON writes numbers");
        }
        self.at = at;
        self.check_length(start, at - start)?;
        Ok(self.text.get(start..at).unwrap_or_default())
    }

    /// `true`, `false` or `null`, as announced by [`Cursor::kind`].
    pub fn word(&mut self, kind: Kind) -> Result<()> {
        let word: &[u8] = match kind {
            Kind::True => b"true",
            Kind::False => b"false",
            Kind::Null => b"null",
            Kind::Object | Kind::Array | Kind::String | Kind::Number => b"",
        };
        if self.bytes().get(self.at..self.at + word.len()) == Some(word) {
            self.at += word.len();
            return Ok(());
        }
        self.malformed("a value should stand here")
    }

    /// Passes over a value of any kind. Does not call itself.
    pub fn skip(&mut self, decoded: &mut String) -> Result<()> {
        match self.kind()? {
            Kind::String => return self.skip_string(decoded),
            Kind::Number => return self.number().map(|_| ()),
            Kind::Object | Kind::Array | Kind::True | Kind::False | Kind::Null => {}
        }
        let outside = self.depth;
        // Bit `depth` says that the container at that depth is an object.
        let mut objects = 0u128;
        loop {
            let kind = self.kind()?;
            match kind {
                Kind::Object | Kind::Array => {
                    if self.enter()? {
                        let bit = 1u128 << self.depth;
                        if kind == Kind::Object {
                            objects |= bit;
                            self.skip_key(decoded)?;
                        } else {
                            objects &= !bit;
                        }
                        continue;
                    }
                }
                Kind::String => self.skip_string(decoded)?,
                Kind::Number => {
                    self.number()?;
                }
                Kind::True | Kind::False | Kind::Null => self.word(kind)?,
            }
            loop {
                if self.depth == outside {
                    return Ok(());
                }
                let object = objects >> self.depth & 1 == 1;
                if self.next(if object { b'}' } else { b']' })? {
                    if object {
                        self.skip_key(decoded)?;
                    }
                    break;
                }
            }
        }
    }

    fn skip_string(&mut self, decoded: &mut String) -> Result<()> {
        let length = decoded.len();
        self.string(decoded)?;
        decoded.truncate(length);
        Ok(())
    }

    fn skip_key(&mut self, decoded: &mut String) -> Result<()> {
        let length = decoded.len();
        self.key(decoded)?;
        decoded.truncate(length);
        Ok(())
    }

    /// Nothing but space may follow.
    pub fn finish(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.malformed("something follows the record on its line"),
        }
    }
}

/// The number of the digits that come first, and how many there are, where another byte follows them among the first eight.
#[inline]
fn few_digits(bytes: &[u8]) -> Option<(i64, usize)> {
    let word = u64::from_le_bytes(*bytes.first_chunk()?) ^ 0x3030_3030_3030_3030;
    // A byte is a digit's value where it is below ten.
    let others = (word | word.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0;
    let digits = (others.trailing_zeros() / 8) as usize;
    if digits == 0 || digits == 8 {
        return None;
    }
    // As if zeros came before them; then pairs, fours and all eight.
    let word = word << (64 - 8 * digits);
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let even = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let odd = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    Some(((even.wrapping_add(odd) >> 32) as i64, digits))
}

/// The first quote, backslash or control character at or after `from`, or the end: eight bytes at a time.
#[inline]
pub(crate) fn find_special(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let found = (control | quote | backslash) & HIGHS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepts(text: &str) -> Result<()> {
        let mut cursor = Cursor::new(text, 1 << 16);
        cursor.skip(&mut String::new())?;
        cursor.finish()
    }

    fn decode(text: &str) -> Result<String> {
        let mut decoded = String::new();
        let mut cursor = Cursor::new(text, 1 << 16);
        let span = cursor.string(&mut decoded)?;
        let source = if span.decoded { decoded.as_str() } else { text };
        Ok(source[span.start as usize..][..span.length as usize].to_owned())
    }

    #[test]
    fn decodes_escapes() {
        assert_eq!(decode(r#""abc""#).unwrap(), "abc");
        assert_eq!(decode(r#""a\"b\\\/\b\f\n\r\tc\u00e9\ud83c\udf75 long tail of text""#).unwrap(), {
            "a\"b\\/\u{8}\u{c}\n\r\tcé🍵 long tail of text"
        });
        for (text, kind) in [
            (r#""\ud83c""#, RecordErrorKind::LoneSurrogate),
            (r#""\ud83c\u0041""#, RecordErrorKind::LoneSurrogate),
            (r#""\udf75""#, RecordErrorKind::LoneSurrogate),
            (r#""\u0000""#, RecordErrorKind::ControlCharacter),
            (r#""\u00g0""#, RecordErrorKind::MalformedJson),
            (r#""\x""#, RecordErrorKind::MalformedJson),
            ("\"a\nb\"", RecordErrorKind::MalformedJson),
            (r#""abc"#, RecordErrorKind::MalformedJson),
            ("\"\\", RecordErrorKind::MalformedJson),
        ] {
            assert_eq!(decode(text).unwrap_err().kind, kind, "{text}");
        }
    }

    #[test]
    fn few_digits_are_read_at_once() {
        for number in (0..10_000_000i64).step_by(97).chain([9_999_999, 8, 10, 99, 100, 1_000_000]) {
            for (text, digits) in [(number.to_string(), 0), (format!("{number:07}"), 7)] {
                let digits = if digits == 0 { text.len() } else { digits };
                for after in ["\"       ", ".5      ", "/       ", ":       ", "é       ", "\u{0}       "] {
                    let found = few_digits(format!("{text}{after}").as_bytes());
                    assert_eq!(found, Some((number, digits)), "{text}{after}");
                }
            }
        }
        for text in ["", "1", "1234567", "12345678", "123456789", "x1234567", "-1234567"] {
            assert_eq!(few_digits(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn plain_decimals_are_the_same_as_others() {
        for text in [
            "1,",
            "12.5,",
            "0.05}",
            "\"2.55\",",
            "\"002\"]",
            "\"0\"",
            "1",
            "01,",
            "1.,",
            "-1,",
            "1e5,",
            "\"1,",
            ".5,",
            "1234567890123456,",
            "123456789012345.1,",
            "\"\"",
            "99999999999.9999,",
            "1.00000,",
            "1\"",
            "1 ,",
            "",
        ] {
            for scale in [0, 2, 4, 6, 9, 18] {
                let mut cursor = Cursor::new(text, 100);
                if let Some(count) = cursor.plain_decimal(scale) {
                    let end = cursor.at();
                    let written = text[..end].trim_matches('"');
                    assert_eq!(crate::decimal::parse(written, scale), Ok(count), "{text} {scale}");
                    let mut slow = Cursor::new(text, 100);
                    if text.starts_with('"') {
                        slow.string(&mut String::new()).unwrap();
                    } else {
                        slow.number().unwrap();
                    }
                    assert_eq!(slow.at(), end);
                } else {
                    assert_eq!(cursor.at(), 0);
                }
            }
        }
        assert_eq!(Cursor::new("\"2.55\",", 100).plain_decimal(4), Some(25_500));
        assert_eq!(Cursor::new("6,", 100).plain_decimal(0), Some(6));
    }

    #[test]
    fn depth_is_limited_without_recursion() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(accepts(&nested(64)), Ok(()));
        assert_eq!(accepts(&nested(65)).unwrap_err().kind, RecordErrorKind::TooDeep);
        assert_eq!(accepts(&"[".repeat(1_000_000)).unwrap_err().kind, RecordErrorKind::TooDeep);
        let objects = format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64));
        assert_eq!(accepts(&objects), Ok(()));
        assert_eq!(accepts(r#"{"a":[1,{"b":[]},[[]]],"c":{}}"#), Ok(()));
    }

    #[test]
    fn finds_every_special_byte_at_every_distance() {
        for length in 0..40 {
            for special in (0u8..0x20).chain([b'"', b'\\']) {
                let mut bytes = vec![b'\xff'; 40];
                bytes[length] = special;
                assert_eq!(find_special(&bytes, 0), length);
            }
        }
        assert_eq!(find_special(&[0x7f, 0x80, 0x20, 0x21, 0x23, 0x5b, 0x5d, 0xa2, 0xdc], 0), 9);
    }

    /// What serde_json accepts but this reader refuses, on purpose.
    fn refused_on_purpose(kind: RecordErrorKind) -> bool {
        matches!(
            kind,
            RecordErrorKind::LoneSurrogate
                | RecordErrorKind::ControlCharacter
                | RecordErrorKind::TooDeep
                | RecordErrorKind::TextTooLong
        )
    }

    fn agrees(text: &str) {
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(text);
        match accepts(text) {
            Ok(()) => assert!(theirs.is_ok(), "{text:?} {theirs:?}"),
            Err(error) => assert!(theirs.is_err() || refused_on_purpose(error.kind), "{text:?} {error:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn accepts_what_serde_json_accepts(text in r#"([\[\]{}:,"\\ ]|[-+0-9.eE]{1,3}|true|false|null|"a"|"b":|\\u12){0,24}"#) {
            agrees(&text);
        }
    }

    proptest! {
        #[test]
        fn any_text_agrees(text in any::<String>()) {
            agrees(&text);
        }
    }
}
