//! Types as authors write them, and texts as editors show them. It refuses to know what is hovered over.

use crate::Analysis;
use perq_compiler::typed::{Dimension, Element, RecordType, Type};

impl Analysis {
    /// `money`, `points[bonus]`, `set of segment?`
    pub(crate) fn notation(&self, ty: &Type) -> String {
        let typed = &self.study.compilation.typed;
        match ty {
            Type::Error => "?".into(),
            Type::Bool => "bool".into(),
            Type::Number => "number".into(),
            Type::Percent => "percent".into(),
            Type::Money if typed.settings.currency.is_empty() => "money".into(),
            Type::Money => format!("money[{}]", typed.settings.currency),
            Type::Points(account) => {
                let name = typed.accounts.get(account.index()).map_or("", |account| account.name.as_str());
                format!("points[{name}]")
            }
            Type::Count(unit) => typed.units.get(unit.0 as usize).cloned().unwrap_or_default(),
            Type::Quantity(Dimension::Mass) => "kg".into(),
            Type::Quantity(Dimension::Volume) => "l".into(),
            Type::Duration => "duration".into(),
            Type::Days => "days".into(),
            Type::Months => "months".into(),
            Type::Date => "date".into(),
            Type::Time => "time".into(),
            Type::Instant => "instant".into(),
            Type::Enum(id) => typed.enums.get(id.index()).map(|e| e.name.clone()).unwrap_or_default(),
            Type::Symbol(kind) => typed.kinds.get(kind.index()).map(|k| k.name.clone()).unwrap_or_default(),
            Type::Set(kind) => {
                let name = typed.kinds.get(kind.index()).map_or("", |kind| kind.name.as_str());
                format!("set of {name}")
            }
            Type::Text => "text".into(),
            Type::Optional(inner) => format!("{}?", self.notation(inner)),
            Type::Collection(element) => match element {
                Element::Line => "lines".into(),
                Element::Unit => "units".into(),
                Element::Payment => "payments".into(),
                Element::Row(rows) => {
                    typed.rows.get(rows.0 as usize).map(|rows| rows.name.clone()).unwrap_or_default()
                }
            },
            Type::Record(record) => match record {
                RecordType::Event => "event".into(),
                RecordType::Basket => "basket".into(),
                RecordType::Member => "member".into(),
                RecordType::Line => "line".into(),
                RecordType::Unit => "unit".into(),
                RecordType::Product => "product".into(),
                RecordType::Payment => "payment".into(),
                RecordType::Row(rows) => {
                    typed.rows.get(rows.0 as usize).map(|rows| rows.word.clone()).unwrap_or_default()
                }
            },
        }
    }
}

/// An author's text in Markdown: what would be links, pictures or tags stays text. Words in backquotes stay code.
pub(crate) fn markdown(text: &str) -> String {
    let balanced = text.matches('`').count().is_multiple_of(2) && !text.contains("``");
    let mut out = String::with_capacity(text.len());
    let mut code = false;
    for character in text.chars() {
        if character == '`' && balanced {
            code = !code;
            out.push(character);
        } else if character.is_control() {
            out.push(' ');
        } else {
            if !code && "\\`*_{}[]<>()#+-!|~&:".contains(character) {
                out.push('\\');
            }
            out.push(character);
        }
    }
    out
}

/// A text of the author's on one line, for a fence: at most so many characters.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut out: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = out.char_indices().nth(most) {
        out.truncate(cut);
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authors_text_makes_no_links_and_no_pictures() {
        assert_eq!(markdown("![x](http://y)"), "\\!\\[x\\]\\(http\\://y\\)");
        assert_eq!(markdown("say `member known` first"), "say `member known` first");
        assert_eq!(markdown("one ` [x](y)"), "one \\` \\[x\\]\\(y\\)");
    }
}
