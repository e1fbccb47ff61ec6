//! What each word is to a reader: from the lossless tokens and from what names are bound to.

use crate::declarations::Kind;
use crate::{Analysis, Position};
use perq_grammar::diagnostic::{FileId, Place};
use perq_grammar::lex::TokenClass;
use rustc_hash::FxHashMap;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// A word of the language.
    Keyword,
    /// A comment.
    Comment,
    /// Text in quotes.
    Text,
    /// A number, a date, a time.
    Number,
    /// A sign.
    Operator,
    /// A unit, an account.
    Unit,
    /// A type: an enumeration, a record, a kind of reference or event.
    Type,
    /// A value of an enumeration, a level.
    Value,
    /// A field.
    Field,
    /// A `let`, the element of a loop.
    Variable,
    /// A parameter.
    Parameter,
    /// A `define`, `table`, `segment` or `counter`.
    Function,
    /// A rule, a group, a test: what has a name and settles nothing in expressions.
    Declaration,
}

/// The names of the colours, in the order of [`Colour`]: those that editors know.
pub const LEGEND: [&str; 13] = [
    "keyword",
    "comment",
    "string",
    "number",
    "operator",
    "decorator",
    "type",
    "enumMember",
    "property",
    "variable",
    "parameter",
    "function",
    "class",
];

/// A piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    /// Where it begins.
    pub start: Position,
    /// Units of UTF-16.
    pub length: u32,
    /// What it is.
    pub colour: Colour,
    /// It is documentation.
    pub documentation: bool,
    /// It is declared here.
    pub declaration: bool,
    /// It comes with the language.
    pub standard: bool,
}

impl Analysis {
    /// The pieces of a file in source order; each within one line.
    pub fn colours(&self, file: FileId) -> Vec<Colours> {
        let text = self.text(file);
        let from = self.uses.partition_point(|(place, _)| place.file < file);
        let own = self.uses.get(from..).unwrap_or(&[]).iter().take_while(|(place, _)| place.file == file);
        let names: FxHashMap<Place, crate::SymbolId> = own.copied().collect();
        let mut out = Vec::new();
        for token in perq_grammar::parse(file, text).tokens {
            let symbol = names.get(&Place { file, span: token.span });
            let declared: Vec<_> = symbol.into_iter().flat_map(|id| self.declared(*id)).collect();
            let mut colour = match token.kind.class() {
                TokenClass::Blank | TokenClass::Punctuation | TokenClass::Mistake => None,
                TokenClass::Comment | TokenClass::Documentation => Some(Colour::Comment),
                TokenClass::Name => None,
                TokenClass::Keyword => Some(Colour::Keyword),
                TokenClass::Number => Some(Colour::Number),
                TokenClass::Text => Some(Colour::Text),
                TokenClass::Operator => Some(Colour::Operator),
            };
            if let Some(declaration) = declared.first()
                && matches!(token.kind.class(), TokenClass::Name | TokenClass::Keyword)
            {
                colour = Some(of(declaration.kind));
            }
            let Some(colour) = colour else { continue };
            let written = token.text(text).trim_end_matches(['\r', '\n']);
            let length: usize = written.chars().map(char::len_utf16).sum();
            out.push(Colours {
                start: self.position(file, token.span.start),
                length: u32::try_from(length).unwrap_or(u32::MAX),
                colour,
                documentation: token.kind.class() == TokenClass::Documentation,
                declaration: declared.iter().any(|d| d.place == Place { file, span: token.span }),
                standard: declared.first().is_some_and(|d| crate::is_prelude(d.place.file)),
            });
        }
        out
    }
}

fn of(kind: Kind) -> Colour {
    match kind {
        Kind::Account | Kind::Unit => Colour::Unit,
        Kind::Enum | Kind::Reference | Kind::Record | Kind::Event | Kind::Tiers | Kind::Alias => Colour::Type,
        Kind::Value | Kind::Level => Colour::Value,
        Kind::Field => Colour::Field,
        Kind::Let | Kind::Loop | Kind::Bundle | Kind::Part => Colour::Variable,
        Kind::Param | Kind::Parameter | Kind::Blank => Colour::Parameter,
        Kind::Define | Kind::Table | Kind::Segment | Kind::Counter => Colour::Function,
        Kind::Program
        | Kind::Group
        | Kind::Rule
        | Kind::Template
        | Kind::Coupon
        | Kind::Certificate
        | Kind::Badge
        | Kind::Redemption
        | Kind::Offer
        | Kind::Arbitration
        | Kind::Ensure
        | Kind::Contacts => Colour::Declaration,
        Kind::Test => Colour::Text,
    }
}
