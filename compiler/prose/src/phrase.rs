//! Phrases: words of ours beside names and titles of the author's, put together by templates with cases.
//!
//! Refuses to know rules; what a noun needs for Russian and Italian is all the grammar there is here.

use std::fmt;

/// A language of readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English.
    English,
    /// Russian.
    Russian,
    /// Italian.
    Italian,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 3] = [Language::English, Language::Russian, Language::Italian];

    /// As `title` and `--lang` write it.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Russian => "ru",
            Language::Italian => "it",
        }
    }

    /// Of three texts, in the order of [`Language::ALL`].
    pub fn pick<'a>(self, texts: &[&'a str; 3]) -> &'a str {
        let [english, russian, italian] = *texts;
        match self {
            Language::English => english,
            Language::Russian => russian,
            Language::Italian => italian,
        }
    }

    /// Text that somebody else wrote, in the language's quotation marks.
    pub fn quoted(self, text: &str) -> Phrase {
        let (open, close) = match self {
            Language::English => ("“", "”"),
            Language::Russian | Language::Italian => ("«", "»"),
        };
        Phrase(vec![Piece::Words(open.into()), Piece::Title(text.into()), Piece::Words(close.into())])
    }
}

/// A part of a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Words of ours.
    Words(String),
    /// A name that the author declared.
    Name(String),
    /// Text that the author wrote for people.
    Title(String),
}

/// Words, names and titles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrase(pub Vec<Piece>);

impl Phrase {
    /// Words of ours.
    pub fn words(text: impl Into<String>) -> Phrase {
        Phrase(vec![Piece::Words(text.into())])
    }

    /// A name of the author's.
    pub fn name(text: impl Into<String>) -> Phrase {
        Phrase(vec![Piece::Name(text.into())])
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what follows.
    pub fn push(&mut self, other: &Phrase) {
        for piece in &other.0 {
            match (self.0.last_mut(), piece) {
                (Some(Piece::Words(last)), Piece::Words(more)) => last.push_str(more),
                (Some(Piece::Words(_) | Piece::Name(_) | Piece::Title(_)) | None, piece) => {
                    self.0.push(piece.clone());
                }
            }
        }
    }

    /// Adds words of ours.
    pub fn push_words(&mut self, text: &str) {
        self.push(&Phrase::words(text));
    }

    /// This and that.
    #[must_use]
    pub fn then(mut self, other: &Phrase) -> Phrase {
        self.push(other);
        self
    }

    /// Several with something between them.
    pub fn joined(parts: &[Phrase], between: &str) -> Phrase {
        let mut out = Phrase::default();
        for (position, part) in parts.iter().enumerate() {
            if position > 0 {
                out.push_words(between);
            }
            out.push(part);
        }
        out
    }

    /// With a capital letter at its beginning and a full stop at its end, where nothing else ends it.
    #[must_use]
    pub fn sentence(mut self) -> Phrase {
        if let Some(Piece::Words(first)) = self.0.first_mut() {
            let mut letters = first.chars();
            if let Some(letter) = letters.next() {
                *first = letter.to_uppercase().chain(letters).collect();
            }
        }
        let ended = matches!(self.0.last(), Some(Piece::Words(last)) if last.ends_with(['.', ':']));
        if !ended {
            self.push_words(".");
        }
        self
    }
}

/// As on a terminal: names in backquotes.
impl fmt::Display for Phrase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Words(text) | Piece::Title(text) => write!(out, "{text}")?,
                Piece::Name(name) => write!(out, "`{name}`")?,
            }
        }
        Ok(())
    }
}

/// How other words agree with a noun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    /// he
    Masculine,
    /// she
    Feminine,
    /// it; in Italian there is none.
    Neuter,
    /// they, masculine in Italian
    Plural,
    /// A name of the author's, with which nothing can agree.
    None,
}

/// A phrase in its cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noun {
    /// As a subject; in Italian with its article.
    pub plain: Phrase,
    /// Russian: the genitive, where it is another.
    pub genitive: Option<Phrase>,
    /// Russian: the accusative, where it is another.
    pub accusative: Option<Phrase>,
    /// What agrees with it.
    pub gender: Gender,
}

impl From<Phrase> for Noun {
    fn from(plain: Phrase) -> Noun {
        Noun { plain, genitive: None, accusative: None, gender: Gender::None }
    }
}

/// The place of a noun in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Plain,
    /// Russian genitive, Italian `di`.
    Of,
    /// Russian accusative.
    Accusative,
    /// Italian `a`.
    To,
    /// Italian `da`.
    From,
    /// Italian `su`.
    On,
    /// Italian `in`.
    In,
}

impl Noun {
    fn form(&self, language: Language, case: Case) -> Phrase {
        let other = match language {
            Language::English => None,
            Language::Russian => match case {
                Case::Of => self.genitive.clone(),
                Case::Accusative => self.accusative.clone(),
                Case::Plain | Case::To | Case::From | Case::On | Case::In => None,
            },
            Language::Italian => {
                let preposition = match case {
                    Case::Plain | Case::Accusative => None,
                    Case::Of => Some("di"),
                    Case::To => Some("a"),
                    Case::From => Some("da"),
                    Case::On => Some("su"),
                    Case::In => Some("in"),
                };
                preposition.map(|preposition| contracted(preposition, &self.plain))
            }
        };
        other.unwrap_or_else(|| self.plain.clone())
    }

    /// Italian: without its article.
    pub fn bare(&self) -> Phrase {
        let mut plain = self.plain.clone();
        if let Some(Piece::Words(first)) = plain.0.first_mut() {
            for article in ARTICLES {
                if let Some(rest) = first.strip_prefix(article) {
                    *first = rest.to_owned();
                    break;
                }
            }
        }
        plain
    }
}

const ARTICLES: [&str; 7] = ["il ", "lo ", "la ", "l’", "i ", "gli ", "le "];

/// `di` and `il` are `del`: an Italian preposition together with the article of the noun.
fn contracted(preposition: &str, noun: &Phrase) -> Phrase {
    let mut noun = noun.clone();
    // Stems before an article: with `i` it is the stem alone, before the others that begin with l it doubles the l.
    let stem = match preposition {
        "di" => "de",
        "in" => "ne",
        other => other,
    };
    if let Some(Piece::Words(first)) = noun.0.first_mut() {
        let found =
            ARTICLES.iter().find_map(|article| first.strip_prefix(article).map(|rest| (article, rest)));
        if let Some((article, rest)) = found {
            let joined = match article.trim_end() {
                "il" => format!("{stem}l "),
                "i" => format!("{stem}i "),
                "gli" => format!("{stem}gli "),
                "l’" => format!("{stem}ll’"),
                other => format!("{stem}l{other} "),
            };
            *first = format!("{joined}{rest}");
            return noun;
        }
    }
    Phrase::words(format!("{preposition} ")).then(&noun)
}

/// A template with its nouns put in: `{0}`, `{1:of}`.
pub fn fill(language: Language, template: &str, nouns: &[&Noun]) -> Phrase {
    let mut out = Phrase::default();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_words(before);
        let Some((hole, after)) = after.split_once('}') else { break };
        let (number, case) = hole.split_once(':').unwrap_or((hole, ""));
        let case = match case {
            "of" => Case::Of,
            "acc" => Case::Accusative,
            "to" => Case::To,
            "from" => Case::From,
            "on" => Case::On,
            "in" => Case::In,
            _ => Case::Plain,
        };
        if let Some(noun) = number.parse().ok().and_then(|number: usize| nouns.get(number)) {
            if case == Case::Plain && hole.ends_with(":bare") {
                out.push(&if language == Language::Italian { noun.bare() } else { noun.plain.clone() });
            } else {
                out.push(&noun.form(language, case));
            }
        }
        rest = after;
    }
    out.push_words(rest);
    out.0.retain(|piece| !matches!(piece, Piece::Words(text) if text.is_empty()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn italian_prepositions_join_the_article() {
        let with = |preposition: &str, noun: &str| contracted(preposition, &Phrase::words(noun)).to_string();
        for (preposition, noun, expected) in [
            ("di", "il carrello", "del carrello"),
            ("di", "lo scontrino", "dello scontrino"),
            ("di", "la riga", "della riga"),
            ("di", "l’importo", "dell’importo"),
            ("di", "i pagamenti", "dei pagamenti"),
            ("di", "gli acquisti", "degli acquisti"),
            ("di", "le righe", "delle righe"),
            ("su", "le righe", "sulle righe"),
            ("su", "i pezzi", "sui pezzi"),
            ("a", "il 31 agosto", "al 31 agosto"),
            ("da", "l’8 giugno", "dall’8 giugno"),
            ("in", "la somma", "nella somma"),
            ("in", "il mese", "nel mese"),
            ("da", "20 €", "da 20 €"),
        ] {
            assert_eq!(with(preposition, noun), expected);
        }
    }

    #[test]
    fn templates_take_the_forms_they_ask_for() {
        let sum = Noun {
            plain: Phrase::words("сумма чека"),
            genitive: Some(Phrase::words("суммы чека")),
            accusative: Some(Phrase::words("сумму чека")),
            gender: Gender::Feminine,
        };
        let filled = fill(Language::Russian, "{0}, {0:of}, {0:acc}, {0:on}", &[&sum]).to_string();
        assert_eq!(filled, "сумма чека, суммы чека, сумму чека, сумма чека");
        let name = Noun::from(Phrase::name("spent"));
        assert_eq!(fill(Language::Italian, "il 5% {0:of}", &[&name]).to_string(), "il 5% di `spent`");
    }

    #[test]
    fn sentences_begin_large_and_end_once() {
        assert_eq!(Phrase::words("скидка").sentence().to_string(), "Скидка.");
        assert_eq!(Phrase::words("only if:").sentence().to_string(), "Only if:");
    }
}
