//! What stands at a place: its declaration, documentation, title and type, as Markdown.

use crate::declarations::{Declaration, Kind};
use crate::notation::{markdown, one_line};
use crate::{Analysis, is_prelude};
use perq_compiler::check::Target;
use perq_grammar::diagnostic::{FileId, Place, Span};
use perq_grammar::lex::{TokenClass, lex};

/// What there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// About what.
    pub place: Place,
    /// In Markdown.
    pub text: String,
}

/// Characters of a declaration that are shown.
const SHOWN: usize = 300;

impl Analysis {
    /// What stands at a place; nothing in blanks and comments.
    pub fn hover(&self, file: FileId, offset: usize) -> Option<Hover> {
        if let Some((place, id)) = self.symbol_at(file, offset) {
            let mut parts: Vec<String> = Vec::new();
            let all: Vec<&Declaration> = self.declared(id).collect();
            let declaration = all.iter().find(|declaration| declaration.place == place).or(all.first())?;
            let ty = self.type_of_name(place, declaration);
            parts.push(format!("```rule\n{}\n```", self.declared_as(declaration, ty.as_deref())));
            if let Some(title) = &declaration.title {
                parts.push(format!("**{}**", markdown(title)));
            }
            if !declaration.docs.is_empty() {
                let lines: Vec<String> = declaration.docs.iter().map(|line| markdown(line)).collect();
                parts.push(lines.join("\n"));
            }
            let mut notes = Vec::new();
            if all.len() > 1 {
                notes.push(format!("{} versions", all.len()));
            }
            if let Some(Some((was, _))) = &declaration.was {
                notes.push(format!("was `{was}`"));
            }
            if is_prelude(declaration.place.file) {
                notes.push("standard".to_owned());
            }
            if !notes.is_empty() {
                parts.push(format!("*{}*", notes.join(", ")));
            }
            return Some(Hover { place, text: parts.join("\n\n") });
        }
        let text = self.text(file);
        let token = lex(text)
            .into_iter()
            .find(|token| (token.span.start as usize) <= offset && offset < (token.span.end as usize))?;
        let is_about = match token.kind.class() {
            TokenClass::Blank | TokenClass::Comment | TokenClass::Documentation | TokenClass::Mistake => {
                false
            }
            TokenClass::Name
            | TokenClass::Keyword
            | TokenClass::Number
            | TokenClass::Text
            | TokenClass::Operator
            | TokenClass::Punctuation => true,
        };
        if !is_about {
            return None;
        }
        let offset = u32::try_from(offset).ok()?;
        // A built-in field has no declaration; its record and name are in the text.
        let field = self.sightings.iter().find_map(|seen| match seen.target {
            Some(Target::Field(field)) if seen.place == (Place { file, span: token.span }) => {
                let field = self.study.compilation.typed.fields.get(field.0 as usize)?;
                Some((field.name.clone(), self.notation(seen.ty.as_ref().unwrap_or(&field.ty))))
            }
            Some(Target::Field(_) | Target::Declared(_) | Target::Value(..)) | None => None,
        });
        if let Some((name, ty)) = field {
            return Some(Hover {
                place: Place { file, span: token.span },
                text: format!("```rule\n{name}: {ty}\n```\n\n*standard*"),
            });
        }
        let (place, ty) = self.type_at(file, offset)?;
        let written = text.get(place.span.start as usize..place.span.end as usize).unwrap_or("");
        let text = format!("```rule\n{}: {}\n```", one_line(written, 80), self.notation(ty));
        Some(Hover { place, text })
    }

    /// The type that a name has where it stands, or where it is declared.
    pub(crate) fn type_of_name(&self, place: Place, declaration: &Declaration) -> Option<String> {
        let from = self.sightings.partition_point(|seen| {
            (seen.place.file, seen.place.span.start) < (place.file, place.span.start)
        });
        let here = self.sightings.get(from..).unwrap_or(&[]).iter();
        let seen = here
            .take_while(|seen| seen.place.span.start == place.span.start && seen.place.file == place.file);
        // The type of the name by itself, or of the path that it ends.
        let ty = seen.filter(|seen| seen.place.span.end == place.span.end).find_map(|seen| seen.ty.as_ref());
        if let Some(ty) = ty {
            return Some(self.notation(ty));
        }
        let typed = &self.study.compilation.typed;
        if let Some(local) = typed.locals.iter().find(|local| local.place == declaration.place) {
            return Some(self.notation(&local.ty));
        }
        if let Some(field) = typed.fields.iter().find(|field| field.place == declaration.place) {
            return Some(self.notation(&field.ty));
        }
        if let Some(function) = typed.functions.iter().find(|function| function.place == declaration.place) {
            return Some(self.notation(&function.ty));
        }
        let written = declaration.ty?;
        Some(self.quote(declaration.place.file, written, 80))
    }

    fn quote(&self, file: FileId, span: Span, most: usize) -> String {
        one_line(self.text(file).get(span.start as usize..span.end as usize).unwrap_or(""), most)
    }

    /// A declaration in one line.
    pub(crate) fn declared_as(&self, declaration: &Declaration, ty: Option<&str>) -> String {
        let Declaration { kind, name, owner, place, full, .. } = declaration;
        let owner = owner.as_deref().unwrap_or("");
        match kind {
            Kind::Field => format!("{owner}.{name}: {}", ty.unwrap_or("?")),
            Kind::Value | Kind::Level => format!("{name}: {owner}"),
            Kind::Unit => format!("account {owner} {{ unit {name} }}"),
            Kind::Let | Kind::Parameter | Kind::Loop | Kind::Blank => {
                let word = kind.word();
                match ty {
                    Some(ty) => format!("{word} {name}: {ty}"),
                    None => self.quote(place.file, *full, SHOWN),
                }
            }
            Kind::Part => format!("{owner}.{name}: units"),
            Kind::Param
            | Kind::Define
            | Kind::Segment
            | Kind::Counter
            | Kind::Reference
            | Kind::Alias
            | Kind::Enum => {
                let mut out = self.quote(place.file, *full, SHOWN);
                if matches!(kind, Kind::Counter)
                    && let Some(ty) = ty
                {
                    out.push_str("  # ");
                    out.push_str(ty);
                }
                out
            }
            Kind::Program
            | Kind::Account
            | Kind::Table
            | Kind::Record
            | Kind::Event
            | Kind::Group
            | Kind::Rule
            | Kind::Template
            | Kind::Coupon
            | Kind::Certificate
            | Kind::Badge
            | Kind::Tiers
            | Kind::Redemption
            | Kind::Test
            | Kind::Bundle
            | Kind::Offer
            | Kind::Arbitration
            | Kind::Ensure
            | Kind::Contacts => {
                let text = self.text(place.file).get(full.start as usize..full.end as usize).unwrap_or("");
                one_line(text.split('{').next().unwrap_or(""), SHOWN)
            }
        }
    }
}
