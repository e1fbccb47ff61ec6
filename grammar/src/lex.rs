//! Text to tokens, losslessly: the spans tile the text, and nothing fails.
//!
//! It refuses to know keywords: a word is a word until the grammar has read it (see [`crate::parse()`]). Notations of
//! other languages and habits are tokens of their own, so that whole mistakes can be named.

use crate::diagnostic::Span;
use logos::Logos;

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

impl Token {
    /// The token's characters in the text it was made from.
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.span.start as usize..self.span.end as usize).unwrap_or("")
    }
}

/// The kinds of token.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Blanks and tabs; also the no-break spaces that text processors insert.
    #[regex(r"[ \t\u{A0}\u{202F}]+")]
    Space,
    /// `\n` or `\r\n`
    #[regex(r"\r?\n")]
    Newline,
    /// `# …`
    #[regex(r"#[^\r\n]*", allow_greedy = true, priority = 1)]
    Comment,
    /// `## …`: documentation of what follows; three signs make a plain comment again.
    #[regex(r"##([^#\r\n][^\r\n]*)?", allow_greedy = true, priority = 40)]
    Documentation,
    /// A word that is no keyword in its place.
    #[regex(r"[\p{XID_Start}_]\p{XID_Continue}*")]
    Word,
    /// A word that the grammar has read as a keyword; the lexer alone never says so.
    Keyword,
    /// `1_000.50`
    #[regex(r"[0-9]+(_[0-9]+)*(\.[0-9]+)?", priority = 30)]
    Number,
    /// `3rd`
    #[regex(r"[0-9]+(st|nd|rd|th)", priority = 30)]
    Ordinal,
    /// `2026-03-01`
    #[regex(r"[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]", priority = 50)]
    Date,
    /// `09:00`, `09:00:30`
    #[regex(r"[0-9][0-9]:[0-9][0-9](:[0-9][0-9])?", priority = 30)]
    Time,
    /// `"…"`
    #[regex(r#""([^"\\\r\n]|\\[^\r\n])*""#)]
    String,

    /// `{`
    #[token("{")]
    OpenBrace,
    /// `}`
    #[token("}")]
    CloseBrace,
    /// `(`
    #[token("(")]
    OpenParen,
    /// `)`
    #[token(")")]
    CloseParen,
    /// `[`
    #[token("[")]
    OpenBracket,
    /// `]`
    #[token("]")]
    CloseBracket,

    /// `,`
    #[token(",")]
    Comma,
    /// `:`
    #[token(":")]
    Colon,
    /// `.`
    #[token(".")]
    Dot,
    /// `?`
    #[token("?")]
    Question,
    /// `%`
    #[token("%")]
    PercentSign,
    /// `=>`
    #[token("=>")]
    Arrow,
    /// `=`
    #[token("=")]
    Equal,
    /// `!=`
    #[token("!=")]
    NotEqual,
    /// `<`
    #[token("<")]
    Less,
    /// `<=`
    #[token("<=")]
    LessOrEqual,
    /// `>`
    #[token(">")]
    Greater,
    /// `>=`
    #[token(">=")]
    GreaterOrEqual,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,

    /// Mistake: `==`
    #[token("==")]
    DoubleEqual,
    /// Mistake: `&&`
    #[token("&&")]
    DoubleAmpersand,
    /// Mistake: `||`
    #[token("||")]
    DoubleBar,
    /// Mistake: an operator of another language or of a typesetter, such as `<>`, `≤`, `×`, `!`.
    #[regex(r"<>|=<|≤|≥|≠|×|÷|−|–|—|->|→|!")]
    ForeignOperator,
    /// Mistake: `// …`, `-- …`, `/* … */`
    #[regex(r"//[^\r\n]*", allow_greedy = true)]
    #[regex(r"--[^\r\n]*", allow_greedy = true)]
    #[token("/*", block_comment)]
    ForeignComment,
    /// Mistake: digits that are no number, date or time, such as `9,95`, `1.000.000`, `500RUB`, `9:00`, `.5`.
    #[regex(r"[0-9](\p{XID_Continue}|[.,:][0-9])*", priority = 10)]
    #[regex(r"\.[0-9](\p{XID_Continue}|[.,:][0-9])*", priority = 10)]
    MalformedNumber,
    /// Mistake: `1 000`
    #[regex(r"[0-9]+([ \u{A0}\u{202F}]+[0-9]+)+([.,][0-9]+)?", priority = 10)]
    SpacedNumber,
    /// Mistake: `2026-3-1`, `2026-03-01T09:00`, `01/03/2026`; `01.03.2026` is a malformed number.
    #[regex(r"[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?(\p{XID_Continue}|[.,:][0-9])*", priority = 20)]
    #[regex(r"[0-9][0-9]?/[0-9][0-9]?/[0-9][0-9][0-9][0-9]", priority = 20)]
    MalformedDate,
    /// Mistake: `$`, `€`, `₽`
    #[regex(r"\p{Sc}")]
    CurrencySign,
    /// Mistake: a string without its closing quote.
    #[regex(r#""([^"\\\r\n]|\\[^\r\n])*\\?"#, priority = 2)]
    UnclosedString,
    /// Mistake: `«…»`, `“…”`, `'…'`
    #[regex(r"[«“”„‟][^«»“”„‟\r\n]*[»“”]?", priority = 3)]
    #[regex(r"'[^'\r\n]*'")]
    #[regex(r"[‘’‚][^‘’\r\n]*[‘’]")]
    ForeignString,
    /// Mistake: `;`
    #[token(";")]
    Semicolon,
    /// Mistake: a character with no meaning here.
    Unknown,
}

/// What a token is for a reader: enough for colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenClass {
    /// Space between tokens.
    Blank,
    /// A comment.
    Comment,
    /// A comment that belongs to what follows.
    Documentation,
    /// A name.
    Name,
    /// A word of the language.
    Keyword,
    /// A number, date or time.
    Number,
    /// A string.
    Text,
    /// A sign between operands.
    Operator,
    /// Brackets and separators.
    Punctuation,
    /// What does not belong here.
    Mistake,
}

impl TokenKind {
    /// The class of the kind.
    pub fn class(self) -> TokenClass {
        use TokenKind as K;
        match self {
            K::Space | K::Newline => TokenClass::Blank,
            K::Comment => TokenClass::Comment,
            K::Documentation => TokenClass::Documentation,
            K::Word => TokenClass::Name,
            K::Keyword => TokenClass::Keyword,
            K::Number | K::Ordinal | K::Date | K::Time | K::PercentSign => TokenClass::Number,
            K::String => TokenClass::Text,
            K::OpenBrace
            | K::CloseBrace
            | K::OpenParen
            | K::CloseParen
            | K::OpenBracket
            | K::CloseBracket
            | K::Comma
            | K::Colon
            | K::Dot => TokenClass::Punctuation,
            K::Question
            | K::Arrow
            | K::Equal
            | K::NotEqual
            | K::Less
            | K::LessOrEqual
            | K::Greater
            | K::GreaterOrEqual
            | K::Plus
            | K::Minus
            | K::Star
            | K::Slash => TokenClass::Operator,
            K::DoubleEqual
            | K::DoubleAmpersand
            | K::DoubleBar
            | K::ForeignOperator
            | K::ForeignComment
            | K::MalformedNumber
            | K::SpacedNumber
            | K::MalformedDate
            | K::CurrencySign
            | K::UnclosedString
            | K::ForeignString
            | K::Semicolon
            | K::Unknown => TokenClass::Mistake,
        }
    }

    /// Whether the grammar never sees it: space and comments, also those in another language's notation.
    pub fn is_trivia(self) -> bool {
        matches!(self.class(), TokenClass::Blank | TokenClass::Comment | TokenClass::Documentation)
            || self == TokenKind::ForeignComment
    }

    /// Whether it says something to be kept that the grammar does not see.
    pub fn is_comment(self) -> bool {
        matches!(self, TokenKind::Comment | TokenKind::Documentation)
    }

    /// `{`, `(` or `[`
    pub fn is_opening(self) -> bool {
        matches!(self, TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket)
    }

    /// `}`, `)` or `]`
    pub fn is_closing(self) -> bool {
        matches!(self, TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket)
    }
}

/// A block comment ends at `*/`, or with its line where that is missing.
fn block_comment(lexer: &mut logos::Lexer<TokenKind>) {
    let rest = lexer.remainder();
    let end = rest.find("*/").map(|at| at + 2).or_else(|| rest.find(['\r', '\n'])).unwrap_or(rest.len());
    lexer.bump(end);
}

/// The tokens of a text, in order; their spans tile it.
pub fn lex(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4);
    for (kind, range) in TokenKind::lexer(text).spanned() {
        let kind = kind.unwrap_or(TokenKind::Unknown);
        tokens.push(Token { kind, span: Span::new(range.start, range.end) });
    }
    tokens
}
